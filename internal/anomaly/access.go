package anomaly

import (
	"strings"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/check"
)

func (x *Search) grant(e check.Entry, day id.Day, c *caseSeen) {
	unit := x.unitOf(e.To)
	if x.rules.ReportedUnit != nil {
		u, _ := x.roster.Unit(unit)
		if seq, ok := c.moved[unit]; ok {
			x.gave(ReportedUnit, "moved", e, e.To, day, seq)
		} else if unit != c.unit && u.Other == c.unit && c.unit != "" {
			x.gave(ReportedUnit, "other", e, e.To, day, -1)
		}
	}
	x.access(e, e.To, day, c)
}

// refer follows a case to another unit. That one is then whose case it is; where
// the referral ends the access of others, they should not get it back.
func (x *Search) refer(e check.Entry, day id.Day, c *caseSeen) {
	words := strings.Fields(e.Detail)
	if len(words) < 3 {
		return // which no verified log has
	}
	to, readers := id.Unit(words[0]), words[2:]
	if seq, ok := c.moved[to]; ok && x.rules.ReportedUnit != nil {
		x.gave(ReportedUnit, "moved", e, id.Member(readers[0]), day, seq)
	}
	for _, m := range readers {
		if m := id.Member(m); !m.IsRecovery() {
			x.access(e, m, day, c)
		}
	}
	if words[1] != "ends" {
		return
	}
	c.moved = map[id.Unit]int64{}
	for _, u := range x.roster.Units {
		if u.ID != to {
			c.moved[u.ID] = e.Seq
		}
	}
	c.unit, c.assignee = to, nil // the other unit says who is responsible
}

// access is what holds of every record that gives somebody a key.
func (x *Search) access(e check.Entry, to id.Member, day id.Day, c *caseSeen) {
	if seq, ok := c.revoked[to]; ok && x.rules.GrantBack != nil {
		x.gave(GrantBack, "", e, to, day, seq)
	}
	x.toNewReader(e, to, day)
	x.given[to] = append(x.given[to], place{e.Seq, day})
}

// gave is a finding of one record that gives access, and maybe of one before it
// that took it.
func (x *Search) gave(rule Rule, why string, e check.Entry, to id.Member, day id.Day, before int64) {
	records := recordsOf(e.Seq)
	if before >= 0 {
		records = recordsOf(before, e.Seq)
	}
	x.add(Finding{Rule: rule, Why: why, Member: e.Member, To: to, Case: e.Case, Records: records, First: day, Last: day, N: 1})
}

// toNewReader is new-reader: a wrap for somebody whom a roster has just added.
func (x *Search) toNewReader(e check.Entry, to id.Member, day id.Day) {
	r := x.rules.NewReader
	since, ok := x.joined[to]
	if r == nil || !ok || day.Sub(since.day) > r.Days {
		return
	}
	count(x, x.firstGrants, to, e.Seq, day, Finding{Rule: NewReader, Member: e.Member, To: to, Records: recordsOf(since.seq), First: since.day})
}

func (x *Search) newRoster(at place, next *roster.Roster) {
	old := x.roster
	x.roster = next
	x.witnessing(at, next)
	if old == nil {
		return
	}
	for _, m := range next.Members {
		if m.Has(roster.Reader) && !old.Has(m.ID, roster.Reader) {
			x.joined[m.ID] = at
			delete(x.firstGrants, m.ID)
		}
		if m.Removed != nil && old.Active(m.ID) {
			x.left(at, m.ID)
		}
	}
}

// left is left-after-grant: a roster removes somebody who was given keys shortly
// before.
func (x *Search) left(at place, m id.Member) {
	r := x.rules.LeftAfter
	if r == nil {
		return
	}
	var f *Finding
	for _, g := range x.given[m] {
		if at.day.Sub(g.day) > r.Days {
			continue
		}
		if f == nil {
			f = x.add(Finding{Rule: LeftAfter, To: m, First: g.day})
		}
		f.also(g.seq, g.day)
		f.N++
	}
	if f != nil {
		f.also(at.seq, at.day)
	}
}
