package anomaly

import (
	"slices"
	"time"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/internal/check"
)

func (x *Search) outOfHours(e check.Entry, at time.Time, day id.Day) {
	r := x.rules.OutOfHours
	if r == nil || x.rules.work.has(at, day) || slices.Contains(r.ExceptActions, e.Action) || x.has(e.Member, r.ExceptRoles) {
		return
	}
	count(x, x.late, e.Member, e.Seq, day, Finding{Rule: OutOfHours, Member: e.Member, First: day})
}

// openings are the cases that a member has opened in a day.
type openings struct {
	cases   map[id.Case]bool
	records Records
	finding *Finding
}

func (x *Search) open(e check.Entry, day id.Day) {
	r := x.rules.ManyOpened
	if r == nil {
		return
	}
	o := x.opened[e.Member]
	if o == nil {
		o = &openings{cases: map[id.Case]bool{}}
		x.opened[e.Member] = o
	}
	o.cases[e.Case] = true
	o.records.add(e.Seq)
	switch {
	case len(o.cases) < r.Cases:
		return
	case o.finding == nil:
		o.finding = x.add(Finding{Rule: ManyOpened, Member: e.Member, First: day, Last: day})
	}
	o.finding.Records, o.finding.N = o.records, len(o.cases)
}

// exported are a member's exports of the last days.
type exported struct {
	all     []export
	finding *Finding
}

type export struct {
	place
	of id.Case
}

func (x *Search) export(e check.Entry, day id.Day) {
	r := x.rules.Exports
	if r == nil {
		return
	}
	w := x.exports[e.Member]
	if w == nil {
		w = &exported{}
		x.exports[e.Member] = w
	}
	w.all = slices.DeleteFunc(w.all, func(p export) bool { return day.Sub(p.day) >= r.Days })
	if len(w.all) == 0 {
		w.finding = nil
	}
	w.all = append(w.all, export{place{e.Seq, day}, e.Case})
	cases := map[id.Case]bool{}
	for _, p := range w.all {
		cases[p.of] = true
	}
	if w.finding != nil {
		w.finding.also(e.Seq, day)
		w.finding.N = max(w.finding.N, len(cases))
		return
	}
	if len(cases) >= r.Cases {
		w.finding = x.add(Finding{Rule: Exports, Member: e.Member, First: w.all[0].day, Last: day, N: len(cases)})
		for _, p := range w.all {
			w.finding.Records.add(p.seq)
		}
	}
}

func (x *Search) notAssigned(e check.Entry, day id.Day, c *caseSeen) {
	r := x.rules.NotAssigned
	if r == nil || len(c.assignee) == 0 || c.assignee[e.Member] || x.has(e.Member, r.ExceptRoles) {
		return
	}
	count(x, x.assigned, pair{e.Member, e.Case}, e.Seq, day, Finding{Rule: NotAssigned, Member: e.Member, Case: e.Case, First: day})
}

// rest is after-close: what the log knows of a case's end. The status itself is
// sealed.
func (x *Search) rest(e check.Entry, day id.Day, c *caseSeen) {
	r := x.rules.AfterClose
	if r == nil {
		return
	}
	idle := 0
	if !c.last.day.IsZero() {
		idle = day.Sub(c.last.day)
	}
	switch {
	case c.rested != nil && idle <= r.Days:
		c.rested.also(e.Seq, day)
	case c.ended != nil && (c.why == "purged" || day.Sub(c.ended.day) > r.AfterDone):
		c.rested = x.add(Finding{
			Rule: AfterClose, Why: c.why, Member: e.Member, Case: e.Case, Records: recordsOf(c.ended.seq, e.Seq),
			First: c.ended.day, Last: day, N: day.Sub(c.ended.day),
		})
	case idle > r.Days:
		c.rested = x.add(Finding{
			Rule: AfterClose, Why: "rested", Member: e.Member, Case: e.Case, Records: recordsOf(c.last.seq, e.Seq),
			First: c.last.day, Last: day, N: idle,
		})
	default:
		c.rested = nil
	}
}
