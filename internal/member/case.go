package member

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/sync/errgroup"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/crypto/seal"
	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/vault/membersock"
)

// Case is an opened case.
type Case struct {
	Item
	Messages    []Message    // letters and answers, oldest first
	Notes       []Note       // oldest first
	Attachments []Attachment // of all letters, numbered from 1 in this order
	Access      []membersock.AccessEntry
	Unopened    []Unopened // what is there but can't be shown
	Draft       *Draft     // that Forward is about; nil if there is none, or it can't be shown
	Outcomes    []Outcome  // of all drafts, oldest first
	Objects     []membersock.CaseObject

	// Reporter is the recipient that answers are sealed to, or "" if what was
	// deposited names different ones.
	Reporter string

	// Keep says that the reporter asked, in any of the letters, that nothing of
	// the case is forwarded.
	Keep bool

	// Reference is the name that the queue has, or would have, of what Forward is
	// about; "" before it was approved.
	Reference string

	key    *seal.CaseKey
	drafts []Draft // oldest first
}

// Message is a letter of the reporter or an answer of a member: one of the
// two is set.
type Message struct {
	Object id.Digest
	Day    id.Day
	By     id.Member // "" for the reporter
	Letter *report.Letter
	Answer *report.Answer

	// Destroyed is the day on which the reporter had an answer destroyed. The
	// answer is then the members' own copy of it, or empty if there is none.
	Destroyed id.Day
}

// Note is an internal note.
type Note struct {
	Object id.Digest
	By     id.Member
	report.Note
}

// Attachment is a content that a letter describes.
type Attachment struct {
	report.Attachment
	Number int
	Day    id.Day
	Gone   bool // the vault doesn't have it
	object id.Object
}

// Unopened is an object that can't be shown, and why: it is not what its
// digest says (seal.ErrAge), no key opens it, it isn't a document of the case,
// isn't signed by who handed it in, or is gone.
type Unopened struct {
	membersock.CaseObject
	Err error
}

// ErrSigner says that a document is signed by another member than handed it in.
var ErrSigner = errors.New("document is signed by another member than handed it in")

// ErrCopy says that the members' copy of an answer is not what the reporter was
// told.
var ErrCopy = errors.New("the copy of an answer differs from the answer")

// ErrGone says that the vault doesn't have what a record says was handed in.
var ErrGone = fmt.Errorf("what was handed in is not there any more: %w", seal.ErrDigest)

// Open opens a case, which is recorded. Of a case that is split, its key witnesses
// are asked for their shares, which is recorded too; the error is a
// [*KeyWitnessError] if too few of them give theirs.
func (s *Session) Open(ctx context.Context, of id.Case) (*Case, error) {
	u := s.unsealing(ctx, of)
	a, kept, err := s.begin(ctx, accesslog.Statement{Action: accesslog.Open, Case: of}, beside{then: u.statement(), have: s.wrapOf(of)})
	if err != nil {
		return nil, err
	}
	c, err := s.opened(ctx, u, of, a)
	if kerr := kept(); err == nil { // what it was opened by is kept before anybody sees it
		err = kerr
	}
	if err != nil {
		s.unread(ctx, a.Proof)
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if first, ok := s.reporters[of]; ok && first != c.Reporter {
		c.Reporter = ""
	}
	s.reporters[of] = c.Reporter
	s.cases[of] = c
	return c, nil
}

// unread tells the vault that an opening gave nothing to read, so that lists go on
// telling of what is unread. If that doesn't reach it, the case counts as read.
func (s *Session) unread(ctx context.Context, opening accesslog.Proof) {
	r, err := accesslog.ParseRecord(opening.Record)
	if err != nil || s.Err() != nil {
		return
	}
	// Who waits for the case may be gone; it is as unread then.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	_ = s.c.Vault.Unread(ctx, r.Statement)
}

// wrapOf names the wrap of a case that the session has opened already, so that it
// doesn't come again.
func (s *Session) wrapOf(of id.Case) []id.Digest {
	s.mu.Lock()
	defer s.mu.Unlock()
	if wrap := s.wraps[of]; s.unwrap[wrap] != nil {
		return []id.Digest{wrap}
	}
	return nil
}

// opened reads the answer to an opening, and asks key witnesses if the case is split.
func (s *Session) opened(ctx context.Context, u *unsealing, of id.Case, a *answer) (*Case, error) {
	v := a.Case
	got, err := objects(a)
	if err != nil {
		return nil, err
	}
	key, err := s.key(v.Wrap, got)
	if err != nil {
		return nil, err
	}
	texts := make([]text, len(v.Objects))
	if !key.Whole() {
		var meanwhile sync.WaitGroup
		half := key
		meanwhile.Go(func() { openTexts(texts, v.Objects, got, half) })
		var asked membersock.AccessEntry
		key, asked, err = s.unseal(ctx, u, of, v.Wrap, key, a)
		meanwhile.Wait()
		if err != nil {
			return nil, err
		}
		v.Access = append(v.Access, asked)
	}
	openTexts(texts, v.Objects, got, key)
	c := &Case{
		Item: Item{
			Case: v.Case, Day: v.Day, Since: v.Day, Status: report.Received, Due: s.c.Clock.Due(report.Received, v.Day),
			Readers: v.Readers, Assigned: v.Assigned, Forward: v.Forward, Split: splitOf(key),
		},
		key: key, Access: v.Access, Objects: v.Objects,
	}
	c.fill(v.Objects, texts, s.Roster().Verifiers())
	c.miss(s.c.Clock.Zone)
	c.forwarded(s.Roster(), s.c.Clock)
	return c, nil
}

// text is an opened document, or why it can't be opened.
type text struct {
	text []byte
	err  error
	open bool
}

// listed tells whether objects of a role are sealed to the identity that lists are
// opened with.
func listed(r id.Role) bool { return r == id.RoleSummary || r == id.RoleState || r == id.RoleOutcome }

// openTexts opens, side by side, the documents that aren't open yet and that the key
// opens as far as it goes.
func openTexts(texts []text, held []membersock.CaseObject, got map[id.Digest][]byte, key *seal.CaseKey) {
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, o := range held {
		if o.Role == id.RoleContent || o.Role == id.RoleCard || isDestroyed(o) || texts[i].open || !key.Whole() && !listed(o.Role) {
			continue
		}
		g.Go(func() error {
			sealed, ok := got[o.Digest]
			if !ok {
				texts[i].err = seal.ErrDigest
				return nil
			}
			ids := key.Identities()
			if !listed(o.Role) {
				slices.Reverse(ids) // one that doesn't fit takes as long as one that does
			}
			b, err := seal.OpenDocument(sealed, ids...)
			texts[i] = text{b, err, err == nil}
			return nil
		})
	}
	_ = g.Wait() // each text has its own error
}

// Recall returns a case as this session opened it last, which is not recorded
// again, or opens it.
func (s *Session) Recall(ctx context.Context, of id.Case) (*Case, error) {
	if err := s.Err(); err != nil {
		return nil, err
	}
	if c := s.Recalled(of); c != nil {
		return c, nil
	}
	return s.Open(ctx, of)
}

// Recalled returns a case as this session opened it last, or nil.
func (s *Session) Recalled(of id.Case) *Case {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cases[of]
}

func (c *Case) fill(held []membersock.CaseObject, texts []text, known note.Verifiers) {
	var reporters []string
	var summary report.Summary
	var state report.State
	var stateSeq int64
	steps := map[id.Digest]int64{} // record of each answer, which orders those of one day
	var items []approvedItem
	copies, told := map[int64]copied{}, map[int64]string{}
	for i, o := range held {
		if o.Role == id.RoleContent || o.Role == id.RoleCard || isDestroyed(o) {
			continue
		}
		err := func() error {
			text, err := texts[i].text, texts[i].err
			if err != nil {
				return err
			}
			var by id.Member
			switch o.Role {
			case id.RoleLetter:
				d, err := report.Decode[report.Letter](text, c.Case)
				if err != nil {
					return err
				}
				c.Messages = append(c.Messages, Message{Object: o.Digest, Day: d.Day, Letter: &d})
				reporters = append(reporters, d.Reporter)
				c.Keep = c.Keep || d.Report != nil && d.Report.Keep
				return nil
			case id.RoleSummary:
				d, err := report.Decode[report.Summary](text, c.Case)
				if err != nil {
					return err
				}
				reporters = append(reporters, d.Reporter)
				if summary.V == 0 || summary.Day.Before(d.Day) {
					summary = d
				}
				return nil
			case id.RoleAnswer:
				var d report.Answer
				if d, by, err = report.Open[report.Answer](text, c.Case, known); err == nil && by == o.By {
					c.Messages = append(c.Messages, Message{Object: o.Digest, Day: d.Day, By: by, Answer: &d})
					steps[o.Digest], told[o.Seq] = o.Seq, string(text)
				}
			case id.RoleCopy:
				var d report.Answer
				if d, by, err = report.Open[report.Answer](text, c.Case, known); err == nil && by == o.By {
					copies[o.Seq] = copied{o, d, string(text)}
				}
			case id.RoleNote:
				var d report.Note
				if d, by, err = report.Open[report.Note](text, c.Case, known); err == nil && by == o.By {
					c.Notes = append(c.Notes, Note{Object: o.Digest, By: by, Note: d})
					steps[o.Digest] = o.Seq
				}
			case id.RoleState:
				var d report.State
				if d, by, err = report.Open[report.State](text, c.Case, known); err == nil && by == o.By && o.Seq >= stateSeq {
					state, stateSeq = d, o.Seq
				}
			case id.RoleDraft:
				var d report.Draft
				if d, by, err = report.Open[report.Draft](text, c.Case, known); err == nil && by == o.By {
					c.drafts = append(c.drafts, Draft{Object: o.Digest, By: by, Draft: d})
					steps[o.Digest] = o.Seq
				}
			case id.RoleItem:
				var d report.Item
				if d, by, err = report.Open[report.Item](text, c.Case, known); err == nil && by == o.By {
					items = append(items, approvedItem{o, d})
				}
			case id.RoleOutcome:
				var d report.Outcome
				if d, by, err = report.Open[report.Outcome](text, c.Case, known); err == nil && by == o.By {
					d.Link = link(d.Link)
					c.Outcomes = append(c.Outcomes, Outcome{Object: o.Digest, By: by, Outcome: d})
					steps[o.Digest] = o.Seq
				}
			default:
				return report.ErrFormat
			}
			if err == nil && by != o.By {
				err = ErrSigner
			}
			return err
		}()
		if err != nil {
			c.Unopened = append(c.Unopened, Unopened{o, err})
		}
	}
	for _, x := range items {
		if !c.asPrepared(x) {
			c.Unopened = append(c.Unopened, Unopened{x.object, ErrItem})
		} else if c.Forward != nil && x.object.Digest == c.Forward.Item {
			c.Reference = x.item.Reference
		}
	}
	for seq, x := range copies {
		if text, ok := told[seq]; ok && text != x.text {
			c.Unopened = append(c.Unopened, Unopened{x.object, ErrCopy})
		}
	}
	for _, o := range held {
		if !isDestroyed(o) {
			continue
		}
		m := Message{Object: o.Digest, Day: o.Day, By: o.By, Answer: &report.Answer{}, Destroyed: o.Destroyed}
		if x, ok := copies[o.Seq]; ok {
			m.Day, m.Answer = x.answer.Day, &x.answer
		}
		c.Messages = append(c.Messages, m)
		steps[o.Digest] = o.Seq
	}
	slices.SortStableFunc(c.Messages, func(a, b Message) int {
		return cmp.Or(a.Day.Sub(b.Day), cmp.Compare(steps[a.Object], steps[b.Object]))
	})
	slices.SortStableFunc(c.Notes, func(a, b Note) int { return cmp.Compare(steps[a.Object], steps[b.Object]) })
	slices.SortStableFunc(c.drafts, func(a, b Draft) int { return cmp.Compare(steps[a.Object], steps[b.Object]) })
	slices.SortStableFunc(c.Outcomes, func(a, b Outcome) int { return cmp.Compare(steps[a.Object], steps[b.Object]) })
	if summary.V != 0 {
		c.sum(summary)
	}
	if state.V != 0 {
		c.now(state)
	}
	if c.Split.Need > 0 { // what a list shows has no title then
		c.Title = ""
		if i := slices.IndexFunc(c.Messages, func(m Message) bool { return m.Letter != nil && m.Letter.Report != nil }); i >= 0 {
			c.Title = c.Messages[i].Letter.Report.Title()
		}
	}
	if slices.Sort(reporters); len(slices.Compact(reporters)) == 1 {
		c.Reporter = reporters[0]
	}
	c.attach(held)
}

// approvedItem is an item as the case has it.
type approvedItem struct {
	object membersock.CaseObject
	item   report.Item
}

// asPrepared tells whether an item is, word for word, the draft that the record
// of its approval names.
func (c *Case) asPrepared(x approvedItem) bool {
	i := slices.IndexFunc(c.Access, func(e membersock.AccessEntry) bool { return e.Seq == x.object.Seq && e.Item == x.item.Draft })
	d := slices.IndexFunc(c.drafts, func(d Draft) bool { return d.Object == x.item.Draft })
	if i < 0 || d < 0 {
		return false
	}
	p := c.drafts[d]
	return x.item.Recipient == c.key.ListRecipient().String() && p.By == x.item.Prepared && p.Title == x.item.Title && p.Text == x.item.Text &&
		p.Class == x.item.Class && p.Category == x.item.Category
}

// copied is the members' own copy of an answer.
type copied struct {
	object membersock.CaseObject
	answer report.Answer
	text   string
}

// isDestroyed tells whether a reporter had an object destroyed, which can be
// true of answers alone: of anything else it would be the vault's excuse.
func isDestroyed(o membersock.CaseObject) bool {
	return o.Role == id.RoleAnswer && !o.Destroyed.IsZero()
}

// forwarded finds the draft that the vault says is being forwarded, and takes
// what became of it. That draft must be the last that the records say was
// prepared: another would be an older text that the vault put in its place.
func (c *Case) forwarded(r *roster.Roster, clock report.Clock) {
	for i := range c.Outcomes {
		if o := &c.Outcomes[i]; !tellsOutcomes(r, o.By) {
			c.unopen(o.Object, ErrSigner)
		}
	}
	c.Outcomes = slices.DeleteFunc(c.Outcomes, func(o Outcome) bool { return !tellsOutcomes(r, o.By) })
	f := c.Forward
	if f == nil {
		return
	}
	for i := len(c.Access) - 1; i >= 0; i-- {
		e := c.Access[i]
		if e.Action != accesslog.PrepareForward {
			continue
		}
		last := slices.ContainsFunc(e.Objects, func(o id.Object) bool { return o.Role == id.RoleDraft && o.Digest == f.Draft })
		if d := len(c.drafts) - 1; last && d >= 0 && c.drafts[d].Object == f.Draft && c.drafts[d].By == f.Prepared {
			c.Draft = &c.drafts[d]
		}
		break
	}
	if c.Draft == nil {
		c.unopen(f.Draft, ErrDraft)
	}
	if o := c.outcome(); o != nil {
		c.came(o.Outcome, clock)
	}
}

// outcome returns the newest outcome of what is being forwarded, or nil.
func (c *Case) outcome() *Outcome {
	for i := range c.Outcomes {
		if c.Forward != nil && c.Outcomes[i].Object == c.Forward.Outcome {
			return &c.Outcomes[i]
		}
	}
	return nil
}

// unopen says of an object that it can't be shown, unless that is said already.
func (c *Case) unopen(d id.Digest, err error) {
	if slices.ContainsFunc(c.Unopened, func(u Unopened) bool { return u.Digest == d }) {
		return
	}
	u := Unopened{membersock.CaseObject{Object: id.Object{Role: id.RoleDraft, Digest: d}}, err}
	for _, o := range c.Objects {
		if o.Digest == d {
			u.CaseObject = o
		}
	}
	c.Unopened = append(c.Unopened, u)
}

// miss finds what members handed in, as the records of it say, and the vault
// doesn't have any more.
func (c *Case) miss(zone *time.Location) {
	for _, e := range c.Access {
		for _, o := range e.Objects {
			if !slices.ContainsFunc(c.Objects, func(held membersock.CaseObject) bool { return held.Object == o }) {
				c.Unopened = append(c.Unopened, Unopened{membersock.CaseObject{Object: o, Day: id.DayOf(e.Time, zone), By: e.Member, Seq: e.Seq}, ErrGone})
			}
		}
	}
}

// attach numbers the attachments of the letters, and finds contents that no
// letter describes.
func (c *Case) attach(held []membersock.CaseObject) {
	described := map[id.Digest]bool{}
	for _, m := range c.Messages {
		if m.Letter == nil {
			continue
		}
		for _, a := range m.Letter.Attachments {
			x := Attachment{Attachment: a, Number: len(c.Attachments) + 1, Day: m.Day, Gone: true}
			for _, o := range held {
				if o.Role == id.RoleContent && o.Digest == a.Object {
					x.object, x.Gone = o.Object, false
				}
			}
			described[a.Object] = true
			c.Attachments = append(c.Attachments, x)
		}
	}
	c.Files = len(c.Attachments)
	for _, o := range held {
		if o.Role == id.RoleContent && !described[o.Digest] {
			c.Unopened = append(c.Unopened, Unopened{o, report.ErrFormat})
		}
	}
	for _, o := range held {
		if o.Role == id.RoleLetter || o.Role == id.RoleAnswer || o.Role == id.RoleNote {
			c.Letters++
		}
	}
}

// Attachment returns one content, which is recorded as opening. At its end the
// reader returns, in place of io.EOF, [seal.ErrLength] or [seal.ErrDigest] if
// it isn't what the letter describes: only what was read to io.EOF may be
// trusted. The number is the one in [Case.Attachments].
func (s *Session) Attachment(ctx context.Context, of id.Case, number int) (Attachment, io.ReadCloser, error) {
	c, err := s.Recall(ctx, of)
	if err != nil {
		return Attachment{}, nil, err
	}
	if number < 1 || number > len(c.Attachments) || c.Attachments[number-1].Gone {
		return Attachment{}, nil, ErrContent
	}
	x := c.Attachments[number-1]
	a, err := s.act(ctx, accesslog.Statement{Action: accesslog.Open, Case: of, Objects: []id.Object{x.object}}, nil)
	if err != nil {
		return x, nil, err
	}
	for {
		o, r, err := a.Next()
		if err == nil && o.Digest != x.object.Digest {
			continue // a wrap
		}
		var plain io.Reader
		if err == nil {
			plain, err = seal.OpenContent(r, x.Size, x.object.Digest, c.key.Identities()...)
		}
		if errors.Is(err, io.EOF) {
			err = ErrContent
		}
		if err != nil {
			a.Close()
			return x, nil, err
		}
		return x, struct {
			io.Reader
			io.Closer
		}{plain, a}, nil
	}
}
