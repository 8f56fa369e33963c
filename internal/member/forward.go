package member

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"

	"filippo.io/age"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/crypto/seal"
	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/vault/membersock"
)

// Errors of forwarding.
var (
	ErrKeep      = errors.New("the reporter asked that nothing of this case is forwarded")
	ErrClass     = errors.New("a case of this class, or one that has none yet, is not forwarded")
	ErrSelf      = errors.New("who prepared a text does not approve it")
	ErrApprover  = errors.New("only an approver of the unit that handles the case may do this")
	ErrForwarder = errors.New("the roster has no forwarder that it could be handed to")
	ErrDraft     = errors.New("the text is not the one that was prepared last, or can't be shown")
	ErrItem      = errors.New("what was approved is not the text that was prepared, or was not approved by who the records say it was")
	ErrLeft      = errors.New("who prepared or approved the text is not a member any more, or not in that role: it has to be done anew")
	ErrLong      = errors.New("the title has more than 200 characters or a line break, or the text is too long")
	ErrDecision  = errors.New("this is nothing that an approver decides")
)

// What a draft may have at most.
const (
	maxQueueTitle = 200     // characters
	maxQueueText  = 1 << 20 // bytes
	maxQueueDoc   = 3 << 20 // bytes of the signed JSON, in which a character may take seven: the vault takes 4 MiB of an object
)

// Draft is what a member prepared for the main queue.
type Draft struct {
	Object id.Digest
	By     id.Member
	report.Draft
}

// Outcome is what became of it.
type Outcome struct {
	Object id.Digest
	By     id.Member // forwarder or approver
	report.Outcome
}

// MayForward tells why nothing of a case may go to the main queue: [ErrKeep],
// [ErrClass], or nil if it may.
func (c *Case) MayForward() error {
	switch {
	case c.Keep:
		return ErrKeep
	case !c.Class.Forwardable():
		return ErrClass
	}
	return nil
}

// MayApprove tells why a member may not approve the draft of a case as it was
// opened, or nil if he may; and whether he would approve what he prepared
// himself. The error is one of [ErrKeep], [ErrClass], [ErrDraft], [ErrApprover],
// [ErrSelf], [ErrLeft], [membersock.ErrState].
func (c *Case) MayApprove(r *roster.Roster, m id.Member) (alone bool, err error) {
	who, _ := r.Member(m)
	unit, _ := r.Unit(c.Handling)
	if err := c.MayForward(); err != nil {
		return false, err
	}
	switch {
	case c.Forward == nil || c.Forward.State != accesslog.StagePrepared:
		return false, membersock.ErrState
	case c.Draft == nil:
		return false, ErrDraft
	case c.Draft.Class != c.Class:
		return false, ErrClass // it was decided otherwise since
	case !who.Has(roster.Approver) || who.Unit != c.Handling:
		return false, ErrApprover
	case !r.Active(c.Draft.By):
		return false, ErrLeft
	case c.Draft.By == m && !unit.Alone:
		return false, ErrSelf
	}
	return c.Draft.By == m, nil
}

// Prepare hands in the words that should go to the main queue: sanitised, and
// read by who prepares them. Another member approves them. The title is one
// line. Besides the errors of [Case.MayForward], it is [ErrEmpty], [ErrLong] or
// [membersock.ErrState].
func (s *Session) Prepare(ctx context.Context, of id.Case, once Once, title, text string) error {
	title, text = strings.TrimSpace(title), strings.TrimSpace(text)
	switch {
	case title == "" || text == "":
		return ErrEmpty
	case utf8.RuneCountInString(title) > maxQueueTitle || len(text) > maxQueueText || strings.ContainsAny(title, "\r\n"):
		return ErrLong
	}
	c, err := s.Open(ctx, of) // as it is now: the reporter may have asked that it be kept
	if err != nil {
		return err
	}
	if err := c.MayForward(); err != nil {
		return err
	}
	now := s.now()
	doc, err := report.Sign(report.Draft{
		V: 1, Case: of, Day: s.c.Clock.Today(now), Time: now, Class: c.Class, Category: c.Category, Title: title, Text: text,
	}, s.c.Identity.Signer())
	if err != nil {
		return err
	}
	if len(doc) > maxQueueDoc {
		return ErrLong
	}
	draft, err := sealed(id.RoleDraft, doc, seal.DocumentFloor, c.key.Recipient())
	if err != nil {
		return err
	}
	nonce := once.nonce(accesslog.PrepareForward, of, "", title+"\n"+text)
	return s.write(ctx, accesslog.Statement{Action: accesslog.PrepareForward, Case: of, Nonce: nonce}, func(c *Case) bool {
		return c.prepared(s.Member(), title, text)
	}, draft)
}

func (c *Case) prepared(by id.Member, title, text string) bool {
	for _, d := range c.drafts {
		if d.By == by && d.Title == title && d.Text == text {
			return true
		}
	}
	return false
}

// Approve hands the draft of a case to the forwarder, word for word. The digest
// is that of the draft that the approver was shown: if another was prepared
// meanwhile, or the vault shows another, the error is [ErrDraft]. Who prepared
// it himself has to say so: alone. The other errors are those of
// [Case.MayApprove], [ErrForwarder] and [ErrReporters].
func (s *Session) Approve(ctx context.Context, of id.Case, once Once, draft id.Digest, alone bool) error {
	c, err := s.Open(ctx, of)
	if err != nil {
		return err
	}
	nonce := once.nonce(accesslog.ApproveForward, of, "", draft.String())
	there := func(c *Case) bool {
		return c.Forward != nil && c.Forward.Draft == draft && c.Forward.Approved == s.Member()
	}
	if there(c) && c.Forward.State != accesslog.StagePrepared {
		return nil // the same form, sent twice
	}
	r := s.Roster()
	own, err := c.MayApprove(r, s.Member())
	switch {
	case err != nil:
		return err
	case c.Draft.Object != draft:
		return ErrDraft
	case own && !alone:
		return ErrSelf
	}
	if _, err := seal.ParseHybrid(c.Reporter); err != nil {
		return ErrReporters
	}
	to, err := forwarders(r)
	if err != nil {
		return err
	}
	now := s.now()
	doc, err := report.Sign(report.Item{
		V: 1, Case: of, Recipient: c.key.ListRecipient().String(), Reporter: c.Reporter, Language: c.Language,
		Draft: draft, Prepared: c.Draft.By, Reference: newReference(), Class: c.Draft.Class, Category: c.Draft.Category, Unit: c.Handling,
		Day: s.c.Clock.Today(now), Title: c.Draft.Title, Text: c.Draft.Text,
	}, s.c.Identity.Signer())
	if err != nil {
		return err
	}
	// To the case as well, so that everybody who has it sees what was approved.
	item, err := sealed(id.RoleItem, doc, seal.DocumentFloor, append(to, c.key.Recipient())...)
	if err != nil {
		return err
	}
	action := accesslog.ApproveForward
	if own {
		action = accesslog.ApproveAlone
	}
	return s.write(ctx, accesslog.Statement{Action: action, Case: of, Item: draft, Nonce: nonce}, there, item)
}

// newReference makes the name under which the queue has a complaint: 120 random
// bits, derived from nothing.
func newReference() string {
	var b [15]byte
	rand.Read(b[:])
	return strings.ToLower(base32.StdEncoding.EncodeToString(b[:]))
}

// forwarders returns the recipients of all forwarders.
func forwarders(r *roster.Roster) (all []age.Recipient, err error) {
	for _, m := range r.Members {
		if !m.Has(roster.Forwarder) {
			continue
		}
		to, err := seal.ParseRecipient(m.Recipient)
		if err != nil {
			return nil, err
		}
		all = append(all, to)
	}
	if len(all) == 0 {
		return nil, ErrForwarder
	}
	return all, nil
}

// Decision is what an approver decides where a machine can't.
type Decision struct {
	Item     id.Digest        // sealed item, or draft as long as nothing was approved
	Result   accesslog.Result // returned, again, dropped, sent, unknown
	Tracking string           // of sent: the queue's number, as the person who found it there read it
	Reason   string           // for the others who work on the case; needed for returned
}

// Decide says what becomes of a draft or an item. The error is [ErrReason] if a
// draft goes back without a word why, [ErrApprover], [ErrDecision], [ErrDraft]
// if the item is another than the case has, or [membersock.ErrState].
func (s *Session) Decide(ctx context.Context, of id.Case, once Once, d Decision) error {
	d.Tracking, d.Reason = strings.TrimSpace(d.Tracking), strings.TrimSpace(d.Reason)
	switch d.Result {
	case accesslog.ResultAgain, accesslog.ResultDropped, accesslog.ResultSent, accesslog.ResultUnknown:
	case accesslog.ResultReturned:
		if d.Reason == "" {
			return ErrReason
		}
	default:
		return ErrDecision
	}
	c, err := s.Open(ctx, of)
	if err != nil {
		return err
	}
	there := func(c *Case) bool {
		for _, o := range c.Outcomes {
			if o.By == s.Member() && o.Item == d.Item && o.Result == d.Result && o.Tracking == d.Tracking && o.Text == d.Reason {
				return true
			}
		}
		return false
	}
	r := s.Roster()
	who, _ := r.Member(s.Member())
	switch {
	case !who.Has(roster.Approver) || who.Unit != c.Handling:
		return ErrApprover
	case c.Forward == nil:
		return membersock.ErrState
	case d.Item != cmp.Or(c.Forward.Item, c.Forward.Draft):
		if there(c) {
			return nil
		}
		return ErrDraft
	}
	o := report.Outcome{Item: d.Item, Reference: c.Reference, Result: d.Result, Tracking: d.Tracking, Text: d.Reason}
	if last := c.outcome(); last != nil && last.Item == d.Item {
		o.Link = last.Link
		o.Tracking = cmp.Or(o.Tracking, last.Tracking)
	}
	if d.Result == accesslog.ResultSent {
		o.Status = report.Forwarded
	}
	handed, err := s.outcome(of, c.key.ListRecipient(), r, c.outcome(), o)
	if err != nil {
		return err
	}
	nonce := once.nonce(accesslog.Decide, of, "", fmt.Sprintf("%s\n%s\n%s\n%s", d.Item, d.Result, d.Tracking, d.Reason))
	return s.write(ctx, accesslog.Statement{Action: accesslog.Decide, Case: of, Item: d.Item, Result: d.Result, Nonce: nonce}, there, handed)
}

// outcome signs what became of an item, and seals it to the case and to the
// forwarders. The last one is what the status is counted from.
func (s *Session) outcome(of id.Case, to age.Recipient, r *roster.Roster, last *Outcome, o report.Outcome) (membersock.Handed, error) {
	o.V, o.Case, o.Time = 1, of, s.now()
	o.Day = s.c.Clock.Today(o.Time)
	if o.Status != "" {
		o.Since = o.Day
		if last != nil && last.Status == o.Status && !last.Since.IsZero() {
			o.Since = last.Since
		}
	}
	o.Link = link(o.Link)
	text, err := report.Sign(o, s.c.Identity.Signer())
	if err != nil {
		return membersock.Handed{}, err
	}
	all, err := forwarders(r)
	if err != nil && !errors.Is(err, ErrForwarder) { // a text is returned or dropped without one
		return membersock.Handed{}, err
	}
	return sealed(id.RoleOutcome, text, seal.DocumentFloor, append(all, to)...)
}

// link returns the address of a page, or "" for what isn't one.
func link(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || len(s) > 2000 {
		return ""
	}
	return s
}
