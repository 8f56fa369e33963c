package anomaly

import (
	"cmp"
	"slices"
	"time"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/check"
)

// Search is a look through a log that goes on where the log has grown. It is not
// safe for concurrent use.
type Search struct {
	log   *check.Result
	rules *Rules
	zone  *time.Location
	seq   int64 // the next record to look at
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

// Follow begins a look through a log.
func Follow(rules *Rules) *Search {
	return &Search{
		rules: rules, cases: map[id.Case]*caseSeen{},
		late: map[id.Member]*Finding{}, opened: map[id.Member]*openings{}, exports: map[id.Member]*exported{},
		assigned: map[pair]*Finding{}, given: map[id.Member][]place{}, joined: map[id.Member]place{}, firstGrants: map[id.Member]*Finding{},
		witnessed: map[id.Unit]id.Day{}, unsealed: map[pair]bool{}, without: map[pair]*Finding{},
	}
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

func (x *Search) add(f Finding) *Finding {
	p := &f
	x.found = append(x.found, p)
	return p
}

// count counts a record to the finding of a key, which is made of begun if there is
// none yet.
func count[K comparable](x *Search, of map[K]*Finding, key K, seq int64, day id.Day, begun Finding) {
	f := of[key]
	if f == nil {
		f = x.add(begun)
		of[key] = f
	}
	f.also(seq, day)
	f.N++
}

func (x *Search) record(e check.Entry) {
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
		x.overdue(at)
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

func (x *Search) of(c id.Case) *caseSeen {
	s := x.cases[c]
	if s == nil {
		s = &caseSeen{}
		x.cases[c] = s
	}
	return s
}

func (x *Search) has(m id.Member, roles []roster.Role) bool {
	who, ok := x.roster.Member(m)
	return ok && slices.ContainsFunc(roles, func(r roster.Role) bool { return slices.Contains(who.Roles, r) })
}

func (x *Search) unitOf(m id.Member) id.Unit {
	who, _ := x.roster.Member(m)
	return who.Unit
}

func (x *Search) statement(e check.Entry, at time.Time, day id.Day) {
	if x.roster == nil {
		return // which no verified log has
	}
	x.outOfHours(e, at, day)
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

func (x *Search) end(today id.Day) {
	x.overdueBy(today)
	if !today.IsZero() {
		x.noBatch(place{day: today}, false)
	}
}
