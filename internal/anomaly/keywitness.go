package anomaly

import (
	"time"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/check"
)

// pending is an opening of a case that is split, after which its key witnesses
// have not been asked yet.
type pending struct {
	place
	pair
	at time.Time
}

// splits tells whether the key of a case is split between its readers and key
// witnesses, as far as the log can tell: the unit that worked on it first named
// some before the day on which it came.
func (x *Search) splits(c *caseSeen, day id.Day) bool {
	came := c.came
	if came.IsZero() { // it enters the log at the day's end
		came = day
	}
	since, ok := x.witnessed[c.origin]
	return ok && since.Before(came)
}

// witnessing follows which units name key witnesses.
func (x *Search) witnessing(at place, r *roster.Roster) {
	for _, u := range r.Units {
		if _, had := x.witnessed[u.ID]; u.KeyWitnesses == nil {
			delete(x.witnessed, u.ID)
		} else if !had {
			x.witnessed[u.ID] = at.day
		}
	}
}

// readable is without-key-witness: who gets the text of a case that is split
// without asking its key witnesses, which takes a recovery sheet, or shares that
// somebody has had before.
func (x *Search) readable(e check.Entry, at time.Time, day id.Day, c *caseSeen) {
	if x.rules.WithoutWitness == nil || !x.splits(c, day) {
		return
	}
	p := pair{e.Member, e.Case}
	switch {
	case e.Action == string(accesslog.Unseal):
		x.unsealed[p] = true
	case x.roster.Has(e.Member, roster.Custodian) && !x.roster.Has(e.Member, roster.Reader):
		x.unwitnessed("sheet", p, place{e.Seq, day})
	case e.Action != string(accesslog.Grant) && !x.unsealed[p]:
		x.pending = append(x.pending, pending{place{e.Seq, day}, p, at})
	}
}

// overdue finds the openings after which nobody was asked for some minutes.
func (x *Search) overdue(now time.Time) {
	r := x.rules.WithoutWitness
	if r == nil {
		return
	}
	wait := time.Duration(r.Minutes) * time.Minute
	for len(x.pending) > 0 && (x.unsealed[x.pending[0].pair] || now.Sub(x.pending[0].at) > wait) {
		p := x.pending[0]
		x.pending = x.pending[1:]
		if !x.unsealed[p.pair] {
			x.unwitnessed("opened", p.pair, p.place)
		}
	}
}

// overdueBy finds those of an earlier day than today, which the log's next records
// will show for good, or not.
func (x *Search) overdueBy(today id.Day) {
	for _, p := range x.pending {
		if !x.unsealed[p.pair] && p.day.Before(today) && !today.IsZero() {
			x.add(Finding{Rule: WithoutWitness, Why: "opened", Member: p.member, Case: p.of, Records: recordsOf(p.seq), First: p.day, Last: p.day, N: 1})
		}
	}
}

func (x *Search) unwitnessed(why string, p pair, at place) {
	count(x, x.without, p, at.seq, at.day, Finding{Rule: WithoutWitness, Why: why, Member: p.member, Case: p.of, First: at.day})
}
