package recipients

import (
	"cmp"
	"fmt"
	"slices"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/check"
)

type wrong struct {
	kind check.Fault
	text string
}

// tell puts together what is known of one case.
func (c *kept) tell(of id.Case, r *check.Result, open *accesslog.Readers) (x Case, faults []wrong) {
	fault := func(kind check.Fault, format string, args ...any) {
		faults = append(faults, wrong{kind, fmt.Sprintf(format, args...)})
	}
	x = Case{Case: of, Day: c.day, Record: c.record, Leaves: c.wraps.N, Disclosed: open != nil}
	rosters := onDay(r, c.day, c.record)
	for _, v := range rosters {
		x.Rosters = append(x.Rosters, v.Version)
	}
	// Whom the deposit was sealed to, as far as anything proves it.
	for _, u := range c.used {
		if len(u.names) == 1 { // verifying the log has made sure that there is one
			x.Recipients = append(x.Recipients, Recipient{Name: u.names[0], How: Deposit, Record: c.record, Proof: u.record})
		}
	}
	if open != nil {
		for _, w := range open.Opened {
			i := slices.IndexFunc(x.Recipients, func(p Recipient) bool { return p.Name == w.Member })
			if i < 0 {
				i = len(x.Recipients)
				x.Recipients = append(x.Recipients, Recipient{Name: w.Member, How: Deposit, Record: c.record})
			}
			x.Recipients[i].Disclosed = true
		}
	}
	x.Closed = c.wraps.N - int64(len(x.Recipients))
	units := map[id.Unit]bool{}
	byOne := slices.Clone(rosters) // that have all of them as readers
	for i := range x.Recipients {
		p := &x.Recipients[i]
		reads := func(v check.RosterAt) bool { return readsIn(v.Roster, p.Name) != "" }
		if j := slices.IndexFunc(rosters, reads); j >= 0 {
			p.Roster = rosters[j].Version
			units[readsIn(rosters[j].Roster, p.Name)] = true
			byOne = slices.DeleteFunc(byOne, func(v check.RosterAt) bool { return !reads(v) })
		} else {
			fault(check.FaultMember, "it was sealed to %s, %s", p.Name, notThen(r, rosters, p.Name))
		}
		if p.Until = c.until(r, p.Name, atDeposit); open != nil && !p.Disclosed && p.Until == 0 && !c.givenAgain(p.Name) {
			fault(check.FaultCover, "the opening of its readers leaves out %s, whose key record %d proves", p.Name, p.Proof)
		}
	}
	if len(x.Recipients) > 0 && len(faults) == 0 && len(byOne) == 0 {
		fault(check.FaultMember, "no one roster that was in force on its day has all of whom it was sealed to as readers")
	}
	if len(units) > 1 {
		fault(check.FaultMember, "it was sealed to readers of more than one unit")
	}
	if open == nil {
		x.Possible = possible(rosters, units, x.Recipients)
	}
	for _, g := range c.given {
		p := Recipient{Name: g.to, How: Grant, Record: g.record, By: g.by, Until: c.until(r, g.to, g.record)}
		if g.refer {
			p.How = Referral
		}
		if in := r.RosterAt(g.record); in != nil && readsIn(in, g.to) != "" {
			p.Roster = in.Version
		} else { // verifying the log has made sure that this isn't so
			fault(check.FaultMember, "record %d gives its key to %s, whom no roster then in force has as a reader", g.record, g.to)
		}
		x.Recipients = append(x.Recipients, p)
	}
	slices.SortStableFunc(x.Recipients, func(a, b Recipient) int {
		return cmp.Or(cmp.Compare(a.Record, b.Record), cmp.Compare(a.Name, b.Name))
	})
	return x, faults
}

// givenAgain tells whether another wrap stands in the place of the deposit's.
func (c *kept) givenAgain(m id.Member) bool {
	return slices.ContainsFunc(c.given, func(g given) bool { return g.to == m })
}

// atDeposit stands for what was there before any record of the case.
const atDeposit = -1

// until returns the first record after one that takes a name's access away, or 0.
// The deposit's own stands behind records of its first day.
func (c *kept) until(r *check.Result, m id.Member, after int64) int64 {
	for _, t := range c.taken {
		if t.record > after && (t.from == m || t.from == "" && !r.RosterAt(t.record).OfUnit(m, t.but)) {
			return t.record
		}
	}
	return 0
}

// onDay returns the rosters of which one was in force when a deposit of a day was
// made, oldest first: all that held at any time of that day, and before its record.
func onDay(r *check.Result, day id.Day, record int64) (all []check.RosterAt) {
	begin, end := day.Time(r.TimeZone()), day.AddDays(1).Time(r.TimeZone())
	for i, v := range r.Rosters {
		if v.Seq > record || !v.Time.Before(end) {
			break
		}
		if i+1 < len(r.Rosters) && !r.Rosters[i+1].Time.After(begin) {
			continue // the next held all day
		}
		all = append(all, v)
	}
	return all
}

// readsIn returns the unit whose reports a roster lets a name read, or "".
func readsIn(v *roster.Roster, m id.Member) id.Unit {
	if u, ok := m.RecoveryUnit(); ok {
		if v.ReadsFor(m, u) {
			return u
		}
		return ""
	}
	if x, ok := v.Member(m); ok && x.Has(roster.Reader) {
		return x.Unit
	}
	return ""
}

// notThen says why a name isn't that of a reader of a day.
func notThen(r *check.Result, then []check.RosterAt, m id.Member) string {
	for _, v := range then {
		if x, ok := v.Member(m); ok && x.Removed != nil {
			return fmt.Sprintf("who was removed by version %d of the roster", removedBy(r, m))
		} else if ok {
			return fmt.Sprintf("who is no reader in version %d of the roster, which was in force", v.Version)
		}
	}
	for _, v := range r.Rosters {
		if readsIn(v.Roster, m) != "" {
			return fmt.Sprintf("whom the roster has as a reader only in version %d, which was not in force", v.Version)
		}
	}
	return "whom no roster in the log lists as a reader"
}

func removedBy(r *check.Result, m id.Member) int64 {
	for _, v := range r.Rosters {
		if x, ok := v.Member(m); ok && x.Removed != nil {
			return v.Version
		}
	}
	return 0
}

// possible returns the readers by the rosters of a day of whom nothing is proven:
// those of the unit whose readers are proven, or of all units if none is.
func possible(rosters []check.RosterAt, units map[id.Unit]bool, known []Recipient) (all []id.Member) {
	for _, v := range rosters {
		var names []id.Member
		for _, u := range v.Units {
			names = append(names, id.RecoveryOf(u.ID))
		}
		for _, m := range v.Members {
			names = append(names, m.ID)
		}
		for _, m := range names {
			u := readsIn(v.Roster, m)
			if u == "" || len(units) > 0 && !units[u] || slices.Contains(all, m) ||
				slices.ContainsFunc(known, func(p Recipient) bool { return p.Name == m }) {
				continue
			}
			all = append(all, m)
		}
	}
	slices.Sort(all)
	return all
}
