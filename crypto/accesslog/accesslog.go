// Package accesslog holds the formats and checks of the access log: what a
// member signs to get anything (statement), what the vault appends (record),
// what it promises a reporter (receipt), what everyone can compare
// (checkpoint, tiles, proofs), and the commitment to who can read a case.
//
// The log is a Merkle tree (RFC 6962, golang.org/x/mod/sumdb/tlog) published
// as C2SP tlog-tiles with C2SP tlog-checkpoint checkpoints. All texts of the
// package are canonical: what parses formats back to the same bytes, so that
// a record can't be written in two ways. They are lines of "key value" that a
// person can read; docs/formats.md shows each.
//
// The package is bytes in, verdict out. It must never read a clock, a file or
// a network, and never hold a secret key longer than a call.
package accesslog

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"suluh.example/suluh/crypto/id"
)

// MaxRecord is the most bytes that a record may have; an entry bundle can
// hold 65,535 (C2SP tlog-tiles).
const MaxRecord = 60 << 10

// ErrFormat is wrapped when a text isn't in the form that docs/formats.md
// gives. The text itself is never in the error.
var ErrFormat = errors.New("not in the agreed form")

// Action is what a statement asks for.
type Action string

// The actions of members.
const (
	List           Action = "list"
	Open           Action = "open"
	Reply          Action = "reply"
	Note           Action = "note"
	Status         Action = "status"
	Assign         Action = "assign"
	Grant          Action = "grant"
	Revoke         Action = "revoke"
	Export         Action = "export"
	Triage         Action = "triage"          // set class, category and the like
	Refer          Action = "refer"           // give the case to another unit
	PrepareForward Action = "prepare-forward" // hand in what should go to the main queue
	ApproveForward Action = "approve-forward" // approve what another prepared
	ApproveAlone   Action = "approve-alone"   // approve what oneself prepared, where the roster allows it
	Decide         Action = "decide"          // of what was prepared or sent, by an approver: see [Result]
	Collect        Action = "collect"         // fetch what was approved, by a forwarder
	Forward        Action = "forward"         // begin to send it
	Outcome        Action = "outcome"         // say what became of it: see [Result]
	Unseal         Action = "unseal"          // ask key witnesses for their shares of a case just opened
	Purge          Action = "purge"
)

// Actions returns all actions.
func Actions() []Action {
	return []Action{
		List, Open, Reply, Note, Status, Assign, Grant, Revoke, Export, Triage, Refer,
		PrepareForward, ApproveForward, ApproveAlone, Decide, Collect, Forward, Outcome, Unseal, Purge,
	}
}

// ParseAction accepts the name of an action.
func ParseAction(s string) (Action, error) {
	for _, a := range Actions() {
		if s == string(a) {
			return a, nil
		}
	}
	return "", fmt.Errorf("action: %w", ErrFormat)
}

// OfCase tells whether the action names a case. To unseal is about one as well,
// and doesn't say which: see [Statement.Opened].
func (a Action) OfCase() bool { return a != List && a != Collect && a != Unseal }

// OfForwarding tells whether the action is a step of the forwarding of a case:
// see [Forwarding].
func (a Action) OfForwarding() bool {
	return a == PrepareForward || a.ByApprover() || a == Forward || a == Outcome
}

// ByForwarder tells whether the action is one of forwarders', who need no key
// of the case for it.
func (a Action) ByForwarder() bool { return a == Collect || a == Forward || a == Outcome }

// ByApprover tells whether only an approver who has a key of the case may do
// this.
func (a Action) ByApprover() bool { return a == ApproveForward || a == ApproveAlone || a == Decide }

// ByRecovery tells whether a custodian may do this with the unit's recovery
// sheet: no more than it takes to give a member access again.
func (a Action) ByRecovery() bool { return a == List || a == Open || a == Grant }

// EmptyTree is the tree that somebody has seen who has seen nothing yet.
func EmptyTree() tlog.Tree {
	h, _ := tlog.TreeHash(0, nil) // the hash of no leaves reads nothing
	return tlog.Tree{N: 0, Hash: h}
}

// lines reads "key value" lines in a fixed order. Its first error sticks.
type lines struct {
	rest string
	err  error
}

func (l *lines) fail() {
	if l.err == nil {
		l.err = ErrFormat
	}
}

func (l *lines) line() string {
	line, rest, ok := strings.Cut(l.rest, "\n")
	if !ok {
		l.fail()
		return ""
	}
	l.rest = rest
	return line
}

func (l *lines) exactly(want string) {
	if l.line() != want {
		l.fail()
	}
}

// next tells whether the next line has the key.
func (l *lines) next(key string) bool { return l.err == nil && strings.HasPrefix(l.rest, key+" ") }

func (l *lines) value(key string) string {
	v, ok := strings.CutPrefix(l.line(), key+" ")
	if !ok || v == "" {
		l.fail()
	}
	return v
}

// fields returns the words of a value, at least n of them.
func (l *lines) fields(key string, n int) []string {
	f := strings.Split(l.value(key), " ")
	if len(f) < n {
		l.fail()
		return make([]string, n)
	}
	return f
}

func (l *lines) end() error {
	if l.rest != "" {
		l.fail()
	}
	return l.err
}

// parsed keeps the first error of a parser.
func parsed[T any](l *lines, v T, err error) T {
	if err != nil {
		l.fail()
	}
	return v
}

func (l *lines) number(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || strconv.FormatInt(n, 10) != s {
		l.fail()
	}
	return n
}

func (l *lines) bytes16(s string) (b [16]byte) {
	if len(s) != 32 || s != strings.ToLower(s) {
		l.fail()
		return b
	}
	if _, err := hex.Decode(b[:], []byte(s)); err != nil {
		l.fail()
	}
	return b
}

func (l *lines) hash(s string) tlog.Hash {
	h, err := tlog.ParseHash(s)
	if err != nil || h.String() != s {
		l.fail()
	}
	return h
}

func (l *lines) time(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil || formatTime(t) != s {
		l.fail()
	}
	return t.UTC()
}

func formatTime(t time.Time) string { return t.UTC().Truncate(time.Second).Format(time.RFC3339) }

func (l *lines) optionalCase(s string) id.Case {
	if s == "-" {
		return ""
	}
	c, err := id.ParseCase(s)
	return parsed(l, c, err)
}

func (l *lines) optionalMember(s string) id.Member {
	if s == "-" {
		return ""
	}
	m, err := id.ParseMember(s)
	return parsed(l, m, err)
}

func orDash[S ~string](s S) string {
	if s == "" {
		return "-"
	}
	return string(s)
}

func (l *lines) object(key string) (o id.Object) {
	f := l.fields(key, 3)
	if len(f) != 3 {
		l.fail()
		return o
	}
	role, err := id.ParseRole(f[0])
	o.Role = parsed(l, role, err)
	d, err := id.ParseDigest(f[1])
	o.Digest = parsed(l, d, err)
	o.Size = l.number(f[2])
	return o
}

func formatObject(b *strings.Builder, o id.Object) {
	fmt.Fprintf(b, "object %s %s %d\n", o.Role, o.Digest, o.Size)
}

// printable tells whether a text has no control characters but newlines:
// what notes may hold and terminals can't be hurt by.
func printable(s string) bool {
	for _, c := range s {
		if c < ' ' && c != '\n' || c == 0x7f || c == '\ufffd' {
			return false
		}
	}
	return true
}
