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
		if o.Role == id.RoleContent || o.Role == id.RoleCard || isDestroyed(o) || texts[i].open || !key.Whole() && !inLists(o.Role) {
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
