package accesslog

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"suluh.example/suluh/crypto/id"
)

const (
	statementLine = "suluh.example/statement/v1"

	// MaxObjects is the most objects that a statement may name.
	MaxObjects = 64
)

// Statement is a member's signed request. It is at once the request itself
// and the evidence of it: the vault appends it to the log before it answers.
type Statement struct {
	Log     string      // origin of the log that the request goes to
	Action  Action      //
	Member  id.Member   // who asks
	Case    id.Case     // "" for a list
	To      id.Member   // whom a grant, a revocation or an assignment is for, else ""
	Refer   Referral    // of a refer: to whom
	Item    id.Digest   // of an approval, the draft; of forward and outcome, the item; of a decide, either
	Result  Result      // of a decide or an outcome
	Opened  int64       // of an unseal: the record of the opening that it belongs to
	Handle  id.Digest   // of an unseal: under which key witnesses know the case (id.HandleOf)
	Objects []id.Object // handed in (reply, note, status, grant, …) or asked for (open of one content)
	Nonce   [16]byte    // random, never used twice
	Time    time.Time   // by the member's clock, whole seconds
	Seen    tlog.Tree   // last checkpoint that the member verified
}

// Referral says to which unit a case goes.
type Referral struct {
	Unit    id.Unit
	Ends    bool        // who is of another unit has no access any more
	Readers []id.Member // whom the wraps are for, in their order; recovery sheets too
}

// Access returns the unit and what becomes of the access of others.
func (r Referral) Access() string {
	if r.Ends {
		return string(r.Unit) + " ends"
	}
	return string(r.Unit) + " keeps"
}

func (r Referral) String() string {
	s := "unit " + r.Access() + "\nreaders"
	for _, m := range r.Readers {
		s += " " + string(m)
	}
	return s
}

func (l *lines) referral() (r Referral) {
	f := l.fields("unit", 2)
	u, err := id.ParseUnit(f[0])
	r.Unit, r.Ends = parsed(l, u, err), f[1] == "ends"
	for _, f := range l.fields("readers", 1) {
		m, err := id.ParseMember(f)
		r.Readers = append(r.Readers, parsed(l, m, err))
	}
	return r
}

// Text returns the statement's text, which is what gets signed.
func (s Statement) Text() string {
	return string(s.append(make([]byte, 0, 384+96*len(s.Objects)))) // about what it takes
}

func (s *Statement) append(b []byte) []byte {
	b = append(append(b, statementLine...), '\n')
	b = appendLine(b, "log", s.Log)
	b = appendLine(b, "action", s.Action)
	b = appendLine(b, "member", s.Member)
	b = appendLine(b, "case", orDash(s.Case))
	b = appendLine(b, "to", orDash(s.To))
	if s.Refer.Unit != "" {
		b = append(append(b, s.Refer.String()...), '\n')
	}
	if !s.Item.IsZero() {
		b = append(appendDigest(append(b, "item "...), s.Item), '\n')
	}
	if s.Result != "" {
		b = appendLine(b, "result", s.Result)
	}
	if s.Action == Unseal {
		b = append(appendNumber(append(b, "opened "...), s.Opened), '\n')
		b = append(appendDigest(append(b, "handle "...), s.Handle), '\n')
	}
	for _, o := range s.Objects {
		b = appendObject(b, o)
	}
	b = append(hex.AppendEncode(append(b, "nonce "...), s.Nonce[:]), '\n')
	b = append(appendTime(append(b, "time "...), s.Time), '\n')
	b = append(appendNumber(append(b, "seen "...), s.Seen.N), ' ')
	return append(appendHash(b, s.Seen.Hash), '\n')
}

// ParseStatement reads a statement's text.
func ParseStatement(text string) (Statement, error) {
	l := &lines{rest: text}
	if !printable(text) {
		l.fail()
	}
	l.exactly(statementLine)
	s := Statement{Log: l.value("log")}
	action, err := ParseAction(l.value("action"))
	s.Action = parsed(l, action, err)
	member, err := id.ParseMember(l.value("member"))
	s.Member = parsed(l, member, err)
	s.Case = l.optionalCase(l.value("case"))
	s.To = l.optionalMember(l.value("to"))
	if l.next("unit") {
		s.Refer = l.referral()
	}
	if l.next("item") {
		d, err := id.ParseDigest(l.value("item"))
		s.Item = parsed(l, d, err)
	}
	if l.next("result") {
		s.Result = Result(l.value("result"))
	}
	if l.next("opened") {
		s.Opened = l.number(l.value("opened"))
		d, err := id.ParseDigest(l.value("handle"))
		s.Handle = parsed(l, d, err)
	}
	for l.next("object") {
		if len(s.Objects) == MaxObjects {
			l.fail()
			break
		}
		s.Objects = append(s.Objects, l.object("object"))
	}
	s.Nonce = l.bytes16(l.value("nonce"))
	s.Time = l.time(l.value("time"))
	seen := l.fields("seen", 2)
	s.Seen = tlog.Tree{N: l.number(seen[0]), Hash: l.hash(seen[1])}
	var again [1024]byte // for most, enough
	if err := l.end(); err != nil || string(s.append(again[:0])) != text {
		return Statement{}, fmt.Errorf("statement: %w", ErrFormat)
	}
	return s, s.check()
}

// check refuses combinations that mean nothing.
func (s Statement) check() error {
	needsTo := s.Action == Grant || s.Action == Revoke || s.Action == Assign
	namesItem := s.Action == Forward || s.Action == Outcome || s.Action.ByApprover()
	if (s.Case != "") != s.Action.OfCase() || (s.To != "") != needsTo || !s.Item.IsZero() != namesItem || (s.Action == Unseal) == s.Handle.IsZero() || s.Action != Unseal && s.Opened != 0 || !s.Result.of(s.Action) || !s.refers() ||
		needs[s.Action] != "" && s.count(needs[s.Action]) != 1 {
		return fmt.Errorf("statement: %w", ErrFormat)
	}
	return nil
}

// needs says what a statement of an action hands in exactly one of.
var needs = map[Action]id.Role{
	Triage: id.RoleState, Refer: id.RoleState, PrepareForward: id.RoleDraft, ApproveForward: id.RoleItem, ApproveAlone: id.RoleItem,
	Decide: id.RoleOutcome, Outcome: id.RoleOutcome,
}

func (s Statement) count(role id.Role) (n int) {
	for _, o := range s.Objects {
		if o.Role == role {
			n++
		}
	}
	return n
}

// handed returns the first object of a role, or the zero digest.
func (s Statement) handed(role id.Role) id.Digest {
	for _, o := range s.Objects {
		if o.Role == role {
			return o.Digest
		}
	}
	return id.Digest{}
}

// refers tells whether a refer, and nothing else, names a unit and for each
// wrap its reader: at least one person, nobody twice.
func (s Statement) refers() bool {
	if s.Action != Refer {
		return s.Refer.Unit == "" && len(s.Refer.Readers) == 0
	}
	seen := map[id.Member]bool{}
	people := 0
	for _, m := range s.Refer.Readers {
		if seen[m] {
			return false
		}
		if seen[m] = true; !m.IsRecovery() {
			people++
		}
	}
	return s.Refer.Unit != "" && people > 0 && s.count(id.RoleWrap) == len(s.Refer.Readers)
}

// Sign returns the statement as a signed note of the member.
func (s Statement) Sign(member note.Signer) ([]byte, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	msg, err := note.Sign(&note.Note{Text: s.Text()}, member)
	if err != nil {
		return nil, fmt.Errorf("sign statement: %w", err)
	}
	return msg, nil
}

// ReadStatement reads a signed statement without checking who signed it: for
// those who did when they stored it.
func ReadStatement(msg []byte) (Statement, error) {
	i := endOfText(msg)
	if i < 0 {
		return Statement{}, fmt.Errorf("statement: %w", ErrFormat)
	}
	return ParseStatement(string(msg[:i+1]))
}

// endOfText returns where the text of a signed note ends, which is its last newline
// before an empty line, or -1. It is bytes.LastIndex of two newlines, which goes through
// all bytes in between.
func endOfText(msg []byte) int {
	for i := len(msg); i > 0; {
		if i = bytes.LastIndexByte(msg[:i], '\n'); i > 0 && msg[i-1] == '\n' {
			return i - 1
		}
	}
	return -1
}

// OpenStatement checks a signed statement: one known member signed it, the one
// that it names, and nobody else.
func OpenStatement(msg []byte, known note.Verifiers) (Statement, error) {
	s, err := ReadStatement(msg)
	if err != nil {
		return Statement{}, err
	}
	if err := CheckSigned(msg, s.Member, known); err != nil {
		return Statement{}, err
	}
	return s, nil
}

// CheckSigned checks who signed a statement that was read before: the member that
// it names, and nobody else.
func CheckSigned(msg []byte, by id.Member, known note.Verifiers) error {
	s, err := SignatureOf(msg, by, known)
	if err == nil && !s.By.Verify(s.Text, s.Sig) {
		err = errSigned
	}
	return err
}

var errSigned = errors.New("statement: not signed by the member that it names")

// Signature is what is to be verified of a signed statement: nothing is told by it yet.
type Signature struct {
	By        note.Verifier
	Text, Sig []byte // Text is in the memory of the statement
}

// strict: a statement can't be written in two ways.
var strict = base64.StdEncoding.Strict()

// SignatureOf returns the one signature that a statement has, which must be of the
// member that it names. It is for those who verify many at once; see [CheckSigned].
func SignatureOf(msg []byte, by id.Member, known note.Verifiers) (s Signature, err error) {
	i := endOfText(msg)
	if i < 0 {
		return s, errSigned
	}
	line, ok := bytes.CutPrefix(msg[i+2:], []byte("— "))
	line, whole := bytes.CutSuffix(line, []byte("\n"))
	name, sig, named := bytes.Cut(line, []byte(" "))
	raw := make([]byte, 4+ed25519.SignatureSize+1) // base64 of it may have a byte more
	if !ok || !whole || !named || string(name) != string(by) || base64.StdEncoding.DecodedLen(len(sig)) != len(raw) {
		return s, errSigned
	}
	n, err := strict.Decode(raw, sig)
	if err != nil || n != len(raw)-1 {
		return s, errSigned
	}
	if s.By, err = known.Verifier(string(by), binary.BigEndian.Uint32(raw)); err != nil {
		return s, errSigned
	}
	s.Text, s.Sig = msg[:i+1], raw[4:n]
	return s, nil
}
