package accesslog

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"suluh.example/suluh/crypto/id"
)

const readersLine = "suluh.example/readers/v1"

// ErrCommitment is wrapped when an opening isn't what a deposit committed to.
var ErrCommitment = errors.New("it is not what the deposit's record commits to")

// Readers opens the commitment to a case's readers to an auditor who asks: all
// its leaves, and whose some of them are. A leaf that stays closed is a dummy,
// or that of a reader whose wrap is gone; nobody can prove that it is the one
// and not the other. Whoever has this learns whom the reporter left out.
type Readers struct {
	Log    string // origin
	Case   id.Case
	Leaves []tlog.Hash // all, ascending as the vault has them
	Opened []WrapLeaf
}

// Format returns the text of an opening.
func (r Readers) Format() []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\nlog %s\ncase %s\n", readersLine, r.Log, r.Case)
	for _, h := range r.Leaves {
		fmt.Fprintf(&b, "leaf %s\n", h)
	}
	for _, w := range r.Opened {
		fmt.Fprintf(&b, "reader %s %s %s\n", hex.EncodeToString(w.Salt[:]), w.Member, w.Wrap)
	}
	return []byte(b.String())
}

// ParseReaders reads the openings of a text, which has any number of them, one
// after the other. It checks the form only.
func ParseReaders(text []byte) (all []Readers, err error) {
	l := &lines{rest: string(text)}
	if !printable(l.rest) {
		l.fail()
	}
	for l.err == nil && l.rest != "" {
		l.exactly(readersLine)
		r := Readers{Log: l.value("log")}
		c, err := id.ParseCase(l.value("case"))
		r.Case = parsed(l, c, err)
		for l.next("leaf") {
			r.Leaves = append(r.Leaves, l.hash(l.value("leaf")))
		}
		for l.next("reader") {
			f := l.fields("reader", 3)
			if len(f) != 3 {
				l.fail()
				break
			}
			w := WrapLeaf{Salt: l.bytes16(f[0])}
			m, err := id.ParseMember(f[1])
			w.Member = parsed(l, m, err)
			d, err := id.ParseDigest(f[2])
			w.Wrap = parsed(l, d, err)
			r.Opened = append(r.Opened, w)
		}
		all = append(all, r)
	}
	if l.err != nil || len(all) == 0 {
		return nil, fmt.Errorf("readers of a case: %w", ErrFormat)
	}
	return all, nil
}

// Check holds an opening against the commitment of the case's deposit: its
// leaves are all that were committed to, and each that it opens is one of them.
func (r Readers) Check(wraps tlog.Tree) error {
	if len(r.Leaves) == 0 || int64(len(r.Leaves)) != wraps.N || WrapsRoot(r.Leaves) != wraps.Hash {
		return ErrCommitment
	}
	var seen []id.Member
	for _, w := range r.Opened {
		if slices.Contains(seen, w.Member) || !slices.Contains(r.Leaves, w.Hash()) {
			return fmt.Errorf("%w: %s", ErrCommitment, w.Member)
		}
		seen = append(seen, w.Member)
	}
	return nil
}
