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
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
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

var actions = []Action{
	List, Open, Reply, Note, Status, Assign, Grant, Revoke, Export, Triage, Refer,
	PrepareForward, ApproveForward, ApproveAlone, Decide, Collect, Forward, Outcome, Unseal, Purge,
}

// Actions returns all actions.
func Actions() []Action { return slices.Clone(actions) }

// ParseAction accepts the name of an action.
func ParseAction(s string) (Action, error) {
	for _, a := range actions {
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
func (l *lines) next(key string) bool {
	rest, ok := strings.CutPrefix(l.rest, key)
	return l.err == nil && ok && strings.HasPrefix(rest, " ")
}

func (l *lines) value(key string) string {
	rest, ok := strings.CutPrefix(l.line(), key)
	v, space := strings.CutPrefix(rest, " ")
	if !ok || !space || v == "" {
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
	var again [20]byte
	if err != nil || n < 0 || string(strconv.AppendInt(again[:0], n, 10)) != s {
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

func (l *lines) hash(s string) (h tlog.Hash) {
	var b [tlog.HashSize + 1]byte // of so many characters could come a byte more
	n, err := 0, error(nil)
	if len(s) == hashLength {
		n, err = base64.StdEncoding.Decode(b[:], []byte(s))
	}
	h = tlog.Hash(b[:tlog.HashSize])
	var again [hashLength]byte
	if err != nil || n != tlog.HashSize || string(appendHash(again[:0], h)) != s {
		l.fail()
	}
	return h
}

func (l *lines) time(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	var again [40]byte
	if err != nil || string(appendTime(again[:0], t)) != s {
		l.fail()
	}
	return t.UTC()
}

// What follows adds to a text in place: each record of a log is written anew
// when it is read, to see that there is no other way to write it.

func appendLine[S ~string](b []byte, key string, value S) []byte {
	return append(append(append(append(b, key...), ' '), value...), '\n')
}

func appendNumber(b []byte, n int64) []byte { return strconv.AppendInt(b, n, 10) }

// hashLength is how long a hash is when it is written.
const hashLength = (tlog.HashSize + 2) / 3 * 4

func appendHash(b []byte, h tlog.Hash) []byte { return base64.StdEncoding.AppendEncode(b, h[:]) }

func appendDigest(b []byte, d id.Digest) []byte { return hex.AppendEncode(b, d[:]) }

func appendTime(b []byte, t time.Time) []byte {
	return t.UTC().Truncate(time.Second).AppendFormat(b, time.RFC3339)
}

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

func appendObject(b []byte, o id.Object) []byte {
	b = append(append(append(b, "object "...), o.Role...), ' ')
	return append(appendNumber(append(appendDigest(b, o.Digest), ' '), o.Size), '\n')
}

// printable tells whether a text has no control characters but newlines:
// what notes may hold and terminals can't be hurt by.
func printable(s string) bool {
	// Most have nothing but ASCII, which is looked at by the byte.
	for len(s) > 0 && s[0] < 0x7f && (s[0] >= ' ' || s[0] == '\n') {
		s = s[1:]
	}
	for _, c := range s {
		if c < ' ' && c != '\n' || c == 0x7f || c == '\ufffd' {
			return false
		}
	}
	return true
}
