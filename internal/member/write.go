package member

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"filippo.io/age"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/crypto/seal"
	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/vault/membersock"
)

// Errors of writing and of giving access.
var (
	ErrEmpty    = errors.New("nothing was written")
	ErrReason   = errors.New("this needs a reason")
	ErrStatus   = errors.New("this status is not set by hand")
	ErrExcluded = errors.New("the reporter asked that this member does not read the case")
	ErrConflict = errors.New("the member declared a conflict of interest in this case")
	ErrUnit     = errors.New("the member is not a reader of the unit that handles the case")
	ErrReader   = errors.New("the member has no access to this case")
)

// Once is a random value that is made when a form is shown. What is written
// with it goes to the vault at most once, however often the form is sent: the
// nonce of its statement is derived from it, and the vault takes no nonce
// twice. The same value with another text is another writing.
type Once [16]byte

// NewOnce makes one.
func NewOnce() (o Once) {
	rand.Read(o[:])
	return o
}

// ParseOnce reads what String returns.
func ParseOnce(s string) (o Once, err error) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(o) {
		return o, errors.New("malformed once value")
	}
	return Once(b), nil
}

func (o Once) String() string { return hex.EncodeToString(o[:]) }

func (o Once) nonce(a accesslog.Action, of id.Case, status report.Status, text string) [16]byte {
	h := sha256.Sum256(fmt.Appendf(nil, "suluh.example/once/v1\n%s\n%s\n%s\n%s\n%s", o, a, of, status, text))
	return [16]byte(h[:16])
}

// Reply sends a message to the reporter.
func (s *Session) Reply(ctx context.Context, of id.Case, once Once, text string) error {
	if text == "" {
		return ErrEmpty
	}
	c, err := s.Recall(ctx, of)
	if err != nil {
		return err
	}
	answer, own, err := s.answer(c, report.Answer{Text: text})
	if err != nil {
		return err
	}
	return s.write(ctx, accesslog.Statement{Action: accesslog.Reply, Case: of, Nonce: once.nonce(accesslog.Reply, of, "", text)}, func(c *Case) bool {
		return slices.ContainsFunc(c.Messages, func(m Message) bool { return m.By == s.Member() && m.Answer.Status == "" && m.Answer.Text == text })
	}, answer, own)
}

// SetStatus tells the reporter a new status, with a message if there is one
// to tell, and by when it must change again.
func (s *Session) SetStatus(ctx context.Context, of id.Case, once Once, status report.Status, message string) error {
	if !slices.Contains(report.Settable(), status) {
		return ErrStatus
	}
	if status.NeedsReason() && message == "" {
		return ErrReason
	}
	c, err := s.Open(ctx, of) // as it is now: what others decided meanwhile stays
	if err != nil {
		return err
	}
	day := s.Today()
	due := s.c.Clock.Due(status, day)
	answer, own, err := s.answer(c, report.Answer{Status: status, Due: due, Text: message})
	if err != nil {
		return err
	}
	d := c.state()
	d.Status, d.Since, d.Due = status, day, due
	state, err := s.stated(c, d)
	if err != nil {
		return err
	}
	return s.write(ctx, accesslog.Statement{Action: accesslog.Status, Case: of, Nonce: once.nonce(accesslog.Status, of, status, message)}, func(c *Case) bool {
		return slices.ContainsFunc(c.Messages, func(m Message) bool {
			return m.By == s.Member() && m.Answer.Status == status && m.Answer.Text == message
		})
	}, answer, own, state)
}

// Note keeps an internal note, which the reporter never sees.
func (s *Session) Note(ctx context.Context, of id.Case, once Once, text string) error {
	if text == "" {
		return ErrEmpty
	}
	c, err := s.Recall(ctx, of)
	if err != nil {
		return err
	}
	now := s.now()
	doc, err := report.Sign(report.Note{V: 1, Case: of, Day: s.c.Clock.Today(now), Time: now, Text: text}, s.c.Identity.Signer())
	if err != nil {
		return err
	}
	note, err := sealed(id.RoleNote, doc, seal.DocumentFloor, c.key.Recipient())
	if err != nil {
		return err
	}
	return s.write(ctx, accesslog.Statement{Action: accesslog.Note, Case: of, Nonce: once.nonce(accesslog.Note, of, "", text)}, func(c *Case) bool {
		return slices.ContainsFunc(c.Notes, func(n Note) bool { return n.By == s.Member() && n.Text == text })
	}, note)
}

func (s *Session) now() time.Time { return s.c.Now().UTC().Truncate(time.Millisecond) }

// answer seals an answer to the reporter of a case.
func (s *Session) answer(c *Case, a report.Answer) (told, own membersock.Handed, err error) {
	return s.tell(a, c.Case, c.Reporter, c.key.Recipient())
}

func sealed(role id.Role, text []byte, floor seal.Floor, to ...age.Recipient) (membersock.Handed, error) {
	b, err := seal.SealDocument(text, floor, to...)
	if err != nil {
		return membersock.Handed{}, err
	}
	return membersock.Handed{Object: seal.Describe(role, b), Sealed: b}, nil
}

// write hands in what was written. What the vault says it has already must be
// there, or it only says so: there tells whether an opened case has it.
func (s *Session) write(ctx context.Context, st accesslog.Statement, there func(*Case) bool, handed ...membersock.Handed) error {
	a, err := s.act(ctx, st, nil, handed...)
	if errors.Is(err, membersock.ErrReplay) {
		c, err := s.Open(ctx, st.Case)
		switch {
		case err != nil:
			return err
		case there(c):
			return nil
		case len(c.Unopened) > 0: // it may be among what is damaged
			return c.Unopened[0].Err
		}
		return s.breaks(tampered("it claims to have what it does not show"))
	}
	return s.done(a, err)
}

// MayGrant tells why a member may not be given access to a case as it was
// opened: [ErrUnit], [ErrExcluded], [ErrConflict], [membersock.ErrAlready], or
// nil if he may.
func (c *Case) MayGrant(r *roster.Roster, to id.Member) error {
	m, ok := r.Member(to)
	switch {
	case !ok || !m.Has(roster.Reader) || m.Unit != c.Handling:
		return ErrUnit
	case slices.Contains(c.Without, to):
		return ErrExcluded
	case slices.Contains(c.Readers, to):
		return membersock.ErrAlready
	}
	if c.conflicted(to) {
		return ErrConflict
	}
	return nil
}

// Grant gives a member of the unit that handles the case access. Who has it already keeps it.
func (s *Session) Grant(ctx context.Context, of id.Case, to id.Member) error {
	c, err := s.Open(ctx, of) // as it is now: somebody may have declared a conflict
	if err != nil {
		return err
	}
	r := s.Roster()
	switch err := c.MayGrant(r, to); {
	case errors.Is(err, membersock.ErrAlready):
		return nil
	case err != nil:
		return err
	}
	m, _ := r.Member(to)
	recipient, err := seal.ParseRecipient(m.Recipient)
	if err != nil {
		return err
	}
	wrap, err := c.key.Wrap(recipient)
	if err != nil {
		return err
	}
	return s.change(ctx, accesslog.Statement{Action: accesslog.Grant, Case: of, To: to},
		membersock.Handed{Object: seal.Describe(id.RoleWrap, wrap), Sealed: wrap})
}

// Revoke takes a member's access away: the member's own, which declares a
// conflict of interest, or as an approver that of another of the unit. What was
// read before can't be taken back.
func (s *Session) Revoke(ctx context.Context, of id.Case, to id.Member) error {
	err := s.change(ctx, accesslog.Statement{Action: accesslog.Revoke, Case: of, To: to})
	if err == nil {
		s.forget(of) // its readers are others now
	}
	return err
}

// Assign says who of the case's readers is responsible for it.
func (s *Session) Assign(ctx context.Context, of id.Case, to id.Member) error {
	c, err := s.Recall(ctx, of)
	if err != nil {
		return err
	}
	if !slices.Contains(c.Readers, to) {
		return ErrReader
	}
	return s.change(ctx, accesslog.Statement{Action: accesslog.Assign, Case: of, To: to})
}

func (s *Session) change(ctx context.Context, st accesslog.Statement, handed ...membersock.Handed) error {
	a, err := s.act(ctx, st, nil, handed...)
	if errors.Is(err, membersock.ErrAlready) {
		return nil
	}
	return s.done(a, err)
}
