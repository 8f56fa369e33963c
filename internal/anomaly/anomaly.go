// Package anomaly looks through a verified access log for what is allowed and
// yet unusual: what an auditor should ask somebody about. The rules and their
// numbers are a file that a person can read and change (rules.toml). Each
// finding names its records and says in words what it means and what to do.
//
// A finding is a question, never a verdict: what the log proves wrong is for
// internal/check to find. The package knows no more than member, action, case
// and time of a record, and the rosters; what is sealed, such as a case's status
// or whom a report is about, it can't know. It must never look at a log that was
// not verified.
package anomaly

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/check"
	"suluh.example/suluh/internal/lang"
)

// Finding is something unusual.
type Finding struct {
	Rule    Rule      `json:"rule"`
	Why     string    `json:"why,omitempty"` // of a rule that has several reasons, which
	Records Records   `json:"records"`       // at least one
	Member  id.Member `json:"member,omitempty"`
	To      id.Member `json:"to,omitempty"`
	Case    id.Case   `json:"case,omitempty"`
	First   id.Day    `json:"first"` // of the records, in the log's zone
	Last    id.Day    `json:"last"`
	N       int       `json:"n"` // what the rule counts: records, cases, deposits or days
}

// key is that of its words: the rule, and the reason if there are several.
func (f Finding) key() string {
	key := "anomaly." + string(f.Rule)
	if f.Why != "" {
		key += "." + f.Why
	}
	return key
}

// Words says what was found, what it means, and what to do.
func (f Finding) Words(l *lang.Language, nameOf func(id.Member) string) (what, means, do string) {
	name := func(m id.Member) string {
		if m == "" {
			return ""
		}
		return nameOf(m)
	}
	what = l.T(f.key()+".what", "Who", name(f.Member), "To", name(f.To), "Case", string(f.Case), "First", f.First, "Last", f.Last, "N", f.N)
	return what, l.T("anomaly." + string(f.Rule) + ".means"), l.T("anomaly." + string(f.Rule) + ".do")
}

// Find looks through a log. Today is a day of the log's zone; it decides only
// whether the last day's end is long ago. Findings are in the order of their last
// records.
func Find(log *check.Result, rules *Rules, today id.Day) []Finding {
	return Follow(rules).Find(log, today)
}

// Search is a look through a log that goes on where the log has grown. It is not
// safe for concurrent use.
type Search struct {
	search
	seq int64 // the next record to look at
}

// Follow begins a look through a log.
func Follow(rules *Rules) *Search {
	return &Search{search: search{
		rules: rules, cases: map[id.Case]*caseSeen{},
		late: map[id.Member]*Finding{}, opened: map[id.Member]*openings{}, exports: map[id.Member]*exported{},
		assigned: map[pair]*Finding{}, given: map[id.Member][]place{}, joined: map[id.Member]place{}, firstGrants: map[id.Member]*Finding{},
		witnessed: map[id.Unit]id.Day{}, unsealed: map[pair]bool{}, without: map[pair]*Finding{},
	}}
}

// Find is the package's Find of a log that is that of the last time, or continues
// it. What it has returned stays as it is.
func (x *Search) Find(log *check.Result, today id.Day) []Finding {
	x.log, x.zone = log, log.TimeZone()
	for ; x.seq < log.Entries.Len(); x.seq++ {
		x.record(log.Entries.At(x.seq))
	}
	before := len(x.found)
	x.end(today)
	found := slices.Clone(x.found)
	x.found = x.found[:before] // what holds today need not hold tomorrow
	slices.SortStableFunc(found, func(a, b *Finding) int {
		return cmp.Compare(a.Records.Last(), b.Records.Last())
	})
	out := make([]Finding, len(found))
	for i, f := range found {
		out[i] = *f
	}
	return out
}

// place is a record and its day.
type place struct {
	seq int64
	day id.Day
}

type pair struct {
	member id.Member
	of     id.Case
}

// search is the state of one look through a log.
type search struct {
	log   *check.Result
	rules *Rules
	zone  *time.Location
	found []*Finding

	roster *roster.Roster // in force
	next   int            // of log.Rosters
	day    id.Day         // of the record
	cases  map[id.Case]*caseSeen

	late        map[id.Member]*Finding // of the day
	opened      map[id.Member]*openings
	exports     map[id.Member]*exported
	assigned    map[pair]*Finding
	given       map[id.Member][]place // grants
	joined      map[id.Member]place   // rosters that made them readers
	firstGrants map[id.Member]*Finding
	witnessed   map[id.Unit]id.Day // since when a unit names key witnesses
	unsealed    map[pair]bool      // whoever has asked key witnesses for a case's shares
	pending     []pending          // in the order of time
	without     map[pair]*Finding
	deposits    []place // of the batch that has not ended
	batch       *place
}

// openings are the cases that a member has opened in a day.
type openings struct {
	cases   map[id.Case]bool
	records Records
	finding *Finding
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

// caseSeen is what the log has told of a case.
type caseSeen struct {
	unit     id.Unit // whose members worked on it first, or to whom it was referred
	origin   id.Unit // whose members worked on it first
	came     id.Day  // of the first deposit; zero before its batch
	last     place   // anything done to it
	assignee map[id.Member]bool
	ended    *place // by a purge, or by the main queue
	why      string
	revoked  map[id.Member]int64
	moved    map[id.Unit]int64 // units that it was taken from, and the record
	rested   *Finding          // of after-close, which goes on while the case is worked on
}

func (x *search) add(f Finding) *Finding {
	p := &f
	x.found = append(x.found, p)
	return p
}

// also adds a record to a finding.
func (f *Finding) also(seq int64, day id.Day) {
	f.Records.add(seq)
	f.Last = day
}

func (x *search) record(e check.Entry) {
	day := e.Day
	var at time.Time
	if !e.Time.IsZero() {
		at = e.Time.In(x.zone)
		day = id.DayOf(at, x.zone)
		if day != x.day { // what is counted by the day begins anew
			clear(x.late)
			clear(x.opened)
		}
		x.day = day
		if r := x.rules.WithoutWitness; r != nil {
			x.overdue(func(p pending) bool { return at.Sub(p.at) > time.Duration(r.Minutes)*time.Minute })
		}
	}
	if x.next < len(x.log.Rosters) && x.log.Rosters[x.next].Seq == e.Seq {
		x.newRoster(place{e.Seq, day}, x.log.Rosters[x.next].Roster)
		x.next++
	}
	if x.batch == nil && !day.IsZero() {
		x.batch = &place{e.Seq, day} // the log's beginning
	}
	switch {
	case e.Action == string(accesslog.KindDeposit):
		x.deposits = append(x.deposits, place{e.Seq, day})
		c := x.of(e.Case)
		if c.came.IsZero() {
			c.came = day
		}
		c.last = place{e.Seq, day} // who reported has written: there is a reason to open it
		c.rested = nil
	case e.Action == string(accesslog.KindBatch):
		x.endOfDay(e)
	case e.Member != "":
		x.statement(e, at, day)
	}
}

func (x *search) of(c id.Case) *caseSeen {
	s := x.cases[c]
	if s == nil {
		s = &caseSeen{}
		x.cases[c] = s
	}
	return s
}

func (x *search) has(m id.Member, roles []roster.Role) bool {
	who, ok := x.roster.Member(m)
	return ok && slices.ContainsFunc(roles, func(r roster.Role) bool { return slices.Contains(who.Roles, r) })
}

func (x *search) unitOf(m id.Member) id.Unit {
	who, _ := x.roster.Member(m)
	return who.Unit
}

func (x *search) statement(e check.Entry, at time.Time, day id.Day) {
	if x.roster == nil {
		return // which no verified log has
	}
	if r := x.rules.OutOfHours; r != nil && !x.rules.work.has(at, day) && !slices.Contains(r.ExceptActions, e.Action) && !x.has(e.Member, r.ExceptRoles) {
		f := x.late[e.Member]
		if f == nil {
			f = x.add(Finding{Rule: OutOfHours, Member: e.Member, First: day})
			x.late[e.Member] = f
		}
		f.also(e.Seq, day)
		f.N++
	}
	if e.Case == "" {
		return
	}
	c := x.of(e.Case)
	if !accesslog.Action(e.Action).ByForwarder() {
		if c.unit == "" {
			c.unit = x.unitOf(e.Member)
			c.origin = c.unit
		}
		x.rest(e, day, c)
	}
	switch accesslog.Action(e.Action) {
	case accesslog.Unseal:
		x.readable(e, at, day, c)
	case accesslog.Open:
		x.readable(e, at, day, c)
		x.open(e, day)
		x.notAssigned(e, day, c)
	case accesslog.Export:
		x.readable(e, at, day, c)
		x.export(e, day)
		x.notAssigned(e, day, c)
	case accesslog.Reply, accesslog.Note, accesslog.Status, accesslog.Triage, accesslog.PrepareForward:
		x.notAssigned(e, day, c)
	case accesslog.Assign:
		if c.assignee == nil {
			c.assignee = map[id.Member]bool{}
		}
		// Who was responsible before may hand over in peace, and so may who assigns.
		c.assignee[e.To], c.assignee[e.Member] = true, true
	case accesslog.Grant:
		x.readable(e, at, day, c)
		x.grant(e, day, c)
	case accesslog.Refer:
		x.refer(e, day, c)
	case accesslog.Outcome:
		if e.Detail == string(accesslog.ResultDone) {
			c.ended, c.why = &place{e.Seq, day}, "done"
		}
	case accesslog.Revoke:
		if c.revoked == nil {
			c.revoked = map[id.Member]int64{}
		}
		c.revoked[e.To] = e.Seq
	case accesslog.Purge:
		c.ended, c.why = &place{e.Seq, day}, "purged"
	}
	c.last = place{e.Seq, day}
}

// rest is after-close: what the log knows of a case's end. The status itself is
// sealed.
func (x *search) rest(e check.Entry, day id.Day, c *caseSeen) {
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

func (x *search) open(e check.Entry, day id.Day) {
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

func (x *search) export(e check.Entry, day id.Day) {
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

func (x *search) notAssigned(e check.Entry, day id.Day, c *caseSeen) {
	r := x.rules.NotAssigned
	if r == nil || len(c.assignee) == 0 || c.assignee[e.Member] || x.has(e.Member, r.ExceptRoles) {
		return
	}
	f := x.assigned[pair{e.Member, e.Case}]
	if f == nil {
		f = x.add(Finding{Rule: NotAssigned, Member: e.Member, Case: e.Case, First: day})
		x.assigned[pair{e.Member, e.Case}] = f
	}
	f.also(e.Seq, day)
	f.N++
}

func (x *search) grant(e check.Entry, day id.Day, c *caseSeen) {
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

// gave is a finding of one record that gives access, and maybe of one before it
// that took it.
func (x *search) gave(rule Rule, why string, e check.Entry, to id.Member, day id.Day, before int64) {
	records := recordsOf(e.Seq)
	if before >= 0 {
		records = recordsOf(before, e.Seq)
	}
	x.add(Finding{Rule: rule, Why: why, Member: e.Member, To: to, Case: e.Case, Records: records, First: day, Last: day, N: 1})
}

// access is what holds of every record that gives somebody a key.
func (x *search) access(e check.Entry, to id.Member, day id.Day, c *caseSeen) {
	if seq, ok := c.revoked[to]; ok && x.rules.GrantBack != nil {
		x.gave(GrantBack, "", e, to, day, seq)
	}
	x.toNewReader(e, to, day)
	x.given[to] = append(x.given[to], place{e.Seq, day})
}

// refer follows a case to another unit. That one is then whose case it is; where
// the referral ends the access of others, they should not get it back.
func (x *search) refer(e check.Entry, day id.Day, c *caseSeen) {
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

// toNewReader is new-reader: a wrap for somebody whom a roster has just added.
func (x *search) toNewReader(e check.Entry, to id.Member, day id.Day) {
	r := x.rules.NewReader
	since, ok := x.joined[to]
	if r == nil || !ok || day.Sub(since.day) > r.Days {
		return
	}
	f := x.firstGrants[to]
	if f == nil {
		f = x.add(Finding{Rule: NewReader, Member: e.Member, To: to, Records: recordsOf(since.seq), First: since.day})
		x.firstGrants[to] = f
	}
	f.also(e.Seq, day)
	f.N++
}

func (x *search) newRoster(at place, next *roster.Roster) {
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
		if r := x.rules.LeftAfter; r != nil && m.Removed != nil && old.Active(m.ID) {
			var f *Finding
			for _, g := range x.given[m.ID] {
				if at.day.Sub(g.day) > r.Days {
					continue
				}
				if f == nil {
					f = x.add(Finding{Rule: LeftAfter, To: m.ID, First: g.day})
				}
				f.also(g.seq, g.day)
				f.N++
			}
			if f != nil {
				f.also(at.seq, at.day)
			}
		}
	}
}

// endOfDay is the two rules on batches.
func (x *search) endOfDay(e check.Entry) {
	day, err := id.ParseDay(e.Detail)
	if err != nil {
		day = x.day // which no verified log needs
	}
	if r := x.rules.LateDeposits; r != nil {
		var f *Finding
		for _, d := range x.deposits {
			if day.Sub(d.day) <= r.Days {
				continue
			}
			if f == nil {
				f = x.add(Finding{Rule: LateDeposits, First: d.day})
			}
			if d.day.Before(f.First) {
				f.First = d.day
			}
			f.Records.add(d.seq)
			f.N++
		}
		if f != nil {
			f.also(e.Seq, day)
		}
	}
	x.deposits = nil
	x.noBatch(place{e.Seq, day}, true)
	x.batch = &place{e.Seq, day}
}

func (x *search) noBatch(at place, ended bool) {
	r := x.rules.NoBatch
	if r == nil || x.batch == nil {
		return
	}
	n := at.day.Sub(x.batch.day)
	if n <= r.Days {
		return
	}
	f := Finding{Rule: NoBatch, Why: "open", Records: recordsOf(x.batch.seq), First: x.batch.day, Last: at.day, N: n}
	if ended {
		f.Why, f.Records = "gap", recordsOf(x.batch.seq, at.seq)
	}
	x.add(f)
}

func (x *search) end(today id.Day) {
	x.overdueBy(today)
	if !today.IsZero() {
		x.noBatch(place{day: today}, false)
	}
}
