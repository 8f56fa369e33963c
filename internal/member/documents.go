package member

import (
	"cmp"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/sync/errgroup"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/seal"
	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/vault/membersock"
)

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

// text is an opened document, or why it can't be opened.
type text struct {
	text []byte
	err  error
	open bool
}

// inLists tells whether objects of a role are sealed to the identity that lists are
// opened with.
func inLists(r id.Role) bool { return r == id.RoleSummary || r == id.RoleState || r == id.RoleOutcome }

// openTexts opens, side by side, the documents that aren't open yet and that the key
// opens as far as it goes.
func openTexts(texts []text, held []membersock.CaseObject, got map[id.Digest][]byte, key *seal.CaseKey) {
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, o := range held {
		if !isDocument(o) || texts[i].open || !key.Whole() && !inLists(o.Role) {
			continue
		}
		g.Go(func() error {
			sealed, ok := got[o.Digest]
			if !ok {
				texts[i].err = seal.ErrDigest
				return nil
			}
			ids := key.Identities()
			if !inLists(o.Role) {
				slices.Reverse(ids) // one that doesn't fit takes as long as one that does
			}
			b, err := seal.OpenDocument(sealed, ids...)
			texts[i] = text{b, err, err == nil}
			return nil
		})
	}
	_ = g.Wait() // each text has its own error
}

// reading is what a case's documents say that is put together once all are read.
type reading struct {
	known     note.Verifiers
	reporters []string
	summary   report.Summary // the newest
	state     report.State   // the newest
	stateSeq  int64          // record of that
	items     []approvedItem
	copies    map[int64]copied    // by record
	answers   map[int64]string    // texts, by record
	steps     map[id.Digest]int64 // record of what members wrote, which orders that of one day
}

// fill takes what the documents say. Those that can't be read are Unopened.
func (c *Case) fill(held []membersock.CaseObject, texts []text, known note.Verifiers) {
	r := &reading{known: known, copies: map[int64]copied{}, answers: map[int64]string{}, steps: map[id.Digest]int64{}}
	for i, o := range held {
		if !isDocument(o) {
			continue
		}
		err := texts[i].err
		if err == nil {
			err = c.read(r, o, texts[i].text)
		}
		if err != nil {
			c.Unopened = append(c.Unopened, Unopened{o, err})
		}
	}
	c.checkItems(r.items)
	for seq, x := range r.copies {
		if text, ok := r.answers[seq]; ok && text != x.text {
			c.Unopened = append(c.Unopened, Unopened{x.object, ErrCopy})
		}
	}
	c.destroyed(r, held)
	c.sort(r.steps)
	if r.summary.V != 0 {
		c.sum(r.summary)
	}
	if r.state.V != 0 {
		c.now(r.state)
	}
	if c.Split.Need > 0 { // what a list shows has no title then
		c.Title = ""
		if all := c.Reports(); len(all) > 0 {
			c.Title = all[0].Title()
		}
	}
	if slices.Sort(r.reporters); len(slices.Compact(r.reporters)) == 1 {
		c.Reporter = r.reporters[0]
	}
	c.attach(held)
}

// read takes what one document says.
func (c *Case) read(r *reading, o membersock.CaseObject, text []byte) error {
	switch o.Role {
	case id.RoleLetter:
		d, err := report.Decode[report.Letter](text, c.Case)
		if err != nil {
			return err
		}
		c.Messages = append(c.Messages, Message{Object: o.Digest, Day: d.Day, Letter: &d})
		r.reporters = append(r.reporters, d.Reporter)
		c.Keep = c.Keep || d.Report != nil && d.Report.Keep
		return nil
	case id.RoleSummary:
		d, err := report.Decode[report.Summary](text, c.Case)
		if err != nil {
			return err
		}
		r.reporters = append(r.reporters, d.Reporter)
		if r.summary.V == 0 || r.summary.Day.Before(d.Day) {
			r.summary = d
		}
		return nil
	case id.RoleAnswer:
		return signed(r, c, o, text, func(d report.Answer) {
			c.Messages = append(c.Messages, Message{Object: o.Digest, Day: d.Day, By: o.By, Answer: &d})
			r.answers[o.Seq] = string(text)
		})
	case id.RoleCopy:
		return signed(r, c, o, text, func(d report.Answer) { r.copies[o.Seq] = copied{o, d, string(text)} })
	case id.RoleNote:
		return signed(r, c, o, text, func(d report.Note) { c.Notes = append(c.Notes, Note{Object: o.Digest, By: o.By, Note: d}) })
	case id.RoleState:
		return signed(r, c, o, text, func(d report.State) {
			if o.Seq >= r.stateSeq {
				r.state, r.stateSeq = d, o.Seq
			}
		})
	case id.RoleDraft:
		return signed(r, c, o, text, func(d report.Draft) { c.drafts = append(c.drafts, Draft{Object: o.Digest, By: o.By, Draft: d}) })
	case id.RoleItem:
		return signed(r, c, o, text, func(d report.Item) { r.items = append(r.items, approvedItem{o, d}) })
	case id.RoleOutcome:
		return signed(r, c, o, text, func(d report.Outcome) {
			d.Link = link(d.Link)
			c.Outcomes = append(c.Outcomes, Outcome{Object: o.Digest, By: o.By, Outcome: d})
		})
	}
	return report.ErrFormat
}

// signed opens a document of a member, who must be the one who handed it in, and takes
// what it says.
func signed[D report.OfMember](r *reading, c *Case, o membersock.CaseObject, text []byte, take func(D)) error {
	d, by, err := report.Open[D](text, c.Case, r.known)
	if err != nil {
		return err
	}
	if by != o.By {
		return ErrSigner
	}
	r.steps[o.Digest] = o.Seq
	take(d)
	return nil
}

// sort puts what is shown into the order of days, and of the records within one.
func (c *Case) sort(steps map[id.Digest]int64) {
	step := func(a, b id.Digest) int { return cmp.Compare(steps[a], steps[b]) }
	slices.SortStableFunc(c.Messages, func(a, b Message) int { return cmp.Or(a.Day.Sub(b.Day), step(a.Object, b.Object)) })
	slices.SortStableFunc(c.Notes, func(a, b Note) int { return step(a.Object, b.Object) })
	slices.SortStableFunc(c.drafts, func(a, b Draft) int { return step(a.Object, b.Object) })
	slices.SortStableFunc(c.Outcomes, func(a, b Outcome) int { return step(a.Object, b.Object) })
}

// destroyed shows the answers that the reporter had destroyed: that there were, and the
// members' own copies.
func (c *Case) destroyed(r *reading, held []membersock.CaseObject) {
	for _, o := range held {
		if !isDestroyed(o) {
			continue
		}
		m := Message{Object: o.Digest, Day: o.Day, By: o.By, Answer: &report.Answer{}, Destroyed: o.Destroyed}
		if x, ok := r.copies[o.Seq]; ok {
			m.Day, m.Answer = x.answer.Day, &x.answer
		}
		c.Messages = append(c.Messages, m)
		r.steps[o.Digest] = o.Seq
	}
}

// copied is the members' own copy of an answer.
type copied struct {
	object membersock.CaseObject
	answer report.Answer
	text   string
}

// isDocument tells whether an object is a text of the case.
func isDocument(o membersock.CaseObject) bool {
	return o.Role != id.RoleContent && o.Role != id.RoleCard && !isDestroyed(o)
}

// isDestroyed tells whether a reporter had an object destroyed, which can be
// true of answers alone: of anything else it would be the vault's excuse.
func isDestroyed(o membersock.CaseObject) bool {
	return o.Role == id.RoleAnswer && !o.Destroyed.IsZero()
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
