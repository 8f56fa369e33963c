package member

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/seal"
	"suluh.example/suluh/vault/membersock"
)

// Exported is a whole case on its way out of the vault: what was opened, the
// case's key, and each sealed object as it streams. Read Next to io.EOF, or
// the export isn't whole.
type Exported struct {
	*Case
	answer *answer
	wants  map[id.Digest]bool
}

// Export opens a case and takes all its objects out, which is recorded as
// both.
func (s *Session) Export(ctx context.Context, of id.Case) (*Exported, error) {
	c, err := s.Open(ctx, of)
	if err != nil {
		return nil, err
	}
	a, err := s.act(ctx, accesslog.Statement{Action: accesslog.Export, Case: of}, nil)
	if err != nil {
		return nil, err
	}
	x := &Exported{Case: c, answer: a, wants: map[id.Digest]bool{}}
	for _, o := range c.Objects {
		if o.Role != id.RoleCard && !isDestroyed(o) {
			x.wants[o.Digest] = true
		}
	}
	return x, nil
}

// Key is the case's key; whoever has it can read the whole case.
func (x *Exported) Key() *seal.CaseKey { return x.key }

// Next returns the next object and its sealed bytes, or io.EOF once all came.
// At the end of its bytes the reader returns [seal.ErrDigest], in place of
// io.EOF, if they aren't those of the object.
func (x *Exported) Next() (membersock.CaseObject, io.Reader, error) {
	for {
		o, r, err := x.answer.Next()
		if errors.Is(err, io.EOF) {
			if len(x.wants) > 0 {
				return membersock.CaseObject{}, nil, tampered(fmt.Sprintf("%d objects did not come", len(x.wants)))
			}
			return membersock.CaseObject{}, nil, io.EOF
		}
		if err != nil {
			return membersock.CaseObject{}, nil, err
		}
		for _, held := range x.Objects {
			if held.Digest == o.Digest && x.wants[o.Digest] {
				delete(x.wants, o.Digest)
				return held, &digested{r: r, hash: sha256.New(), want: o.Digest}, nil
			}
		}
		// A wrap, or what came after the case was opened.
	}
}

// Close ends the export.
func (x *Exported) Close() error { return x.answer.Close() }

// digested checks a digest at the end of a reader.
type digested struct {
	r    io.Reader
	hash hash.Hash
	want id.Digest
}

func (d *digested) Read(p []byte) (int, error) {
	n, err := d.r.Read(p)
	d.hash.Write(p[:n])
	if errors.Is(err, io.EOF) && id.SumOf(d.hash) != d.want {
		err = seal.ErrDigest
	}
	return n, err
}
