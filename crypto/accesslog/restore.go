package accesslog

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/tlog"

	"suluh.example/suluh/crypto/id"
)

// Restore is what a record of the kind restore says: the vault was brought back
// from a backup, and from this record on the log is another than the one that
// it stands for. Records from this one's number up to the lost tree's size are
// lost; none are known to be if the lost tree is what precedes the record.
//
// Whoever holds a checkpoint of the lost tree finds it named here. Whoever holds
// a later one, or another of its size, has been shown a log that this record
// doesn't admit to: a fork.
type Restore struct {
	Backup id.Day    // when the backup was made
	Lost   tlog.Tree // the last that anybody had seen of the log before
	Reason string    // the operator's
}

// maxReason is the most characters of a reason.
const maxReason = 200

// CheckReason tells whether a record can hold a reason: a line of 10 to 200
// characters.
func CheckReason(s string) error {
	n := utf8.RuneCountInString(s)
	if n < 10 || n > maxReason || !printable(s) || strings.Contains(s, "\n") || strings.TrimSpace(s) != s {
		return fmt.Errorf("reason: not a line of 10 to %d characters: %w", maxReason, ErrFormat)
	}
	return nil
}

// Settings is how a record holds it.
func (r Restore) Settings() []Setting {
	return []Setting{
		{"backup", r.Backup.String()},
		{"lost", fmt.Sprintf("%d %s", r.Lost.N, r.Lost.Hash)},
		{"reason", r.Reason},
	}
}

// ParseRestore reads it from a record of the kind.
func ParseRestore(r Record) (Restore, error) {
	if r.Kind != KindRestore || len(r.Settings) != 3 || r.Settings[0].Key != "backup" || r.Settings[1].Key != "lost" || r.Settings[2].Key != "reason" {
		return Restore{}, fmt.Errorf("restore: %w", ErrFormat)
	}
	l := &lines{}
	day, err := id.ParseDay(r.Settings[0].Value)
	x := Restore{Backup: parsed(l, day, err), Reason: r.Settings[2].Value}
	n, root, _ := strings.Cut(r.Settings[1].Value, " ")
	x.Lost = tlog.Tree{N: l.number(n), Hash: l.hash(root)}
	if l.err != nil || CheckReason(x.Reason) != nil || x.Lost.N < r.Seq {
		return Restore{}, fmt.Errorf("restore: %w", ErrFormat)
	}
	return x, nil
}
