// Package released is what a key witness notes of the shares that it gave, for
// itself, for auditors who compare it with the access log, and for nobody to learn
// from it which case it was. It must never hold more than that.
package released

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"suluh.example/suluh/crypto/id"
)

// Share is a line of the note: JSON lines, synced before the share is given. The
// last one is also the last checkpoint that the key witness has seen.
type Share struct {
	Time       time.Time `json:"time"`       // by its clock, UTC, whole seconds
	Size       int64     `json:"size"`       // of the checkpoint's tree
	Index      int64     `json:"index"`      // of the record in the access log
	Member     id.Member `json:"member"`     // who got it
	Handle     id.Digest `json:"handle"`     // of the case: id.HandleOf
	Checkpoint string    `json:"checkpoint"` // signed note, with the cosignatures that came
}

// ErrForm says that it is not what a key witness wrote.
var ErrForm = errors.New("it is not what a key witness wrote")

// Read reads the note. A last line that a crash cut off is left out: its share was
// never given. The error is [ErrForm].
func Read(r io.Reader) (all []Share, err error) {
	b := bufio.NewReader(r)
	for n := 1; ; n++ {
		line, err := b.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		var x Share
		if err := json.Unmarshal(line, &x); err != nil || x.Member == "" || x.Handle.IsZero() || x.Index < 0 || x.Index >= x.Size {
			return nil, fmt.Errorf("line %d: %w", n, ErrForm)
		}
		all = append(all, x)
	}
}
