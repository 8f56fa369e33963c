// Package recipients tells from a verified log which roster was in force when,
// and to whom each case was sealed: at its deposit, by a grant, by a referral.
//
// The log tells of a deposit's readers only those who used their key, since
// nobody may learn from it whom a reporter left out. Who the others are an
// opening tells (crypto/accesslog.Readers), which is held against the deposit's
// commitment here. The package must never take a name for proven that neither
// the log nor such an opening proves, and it believes nobody but the root key
// about who is who.
package recipients

import (
	"cmp"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/check"
)

// Ledger follows a log while it is verified.
type Ledger struct {
	only  map[id.Case]bool // nil: all
	cases map[id.Case]*kept
}

// Follow keeps what the records of a log say of its cases, or of some of them.
// It is to be called before the log is verified.
func Follow(log *check.Log, only ...id.Case) *Ledger {
	l := &Ledger{cases: map[id.Case]*kept{}}
	for _, c := range only {
		if l.only == nil {
			l.only = map[id.Case]bool{}
		}
		l.only[c] = true
	}
	log.Each = l.add
	return l
}

// kept is what the records say of a case.
type kept struct {
	day    id.Day
	record int64 // of the deposit, if wraps.N > 0
	wraps  tlog.Tree
	used   []used // wraps of the deposit, each once
	given  []given
	taken  []taken
}

// used is a wrap of the deposit that somebody used.
type used struct {
	record int64
	names  []id.Member          // one of them it is for; the one, once the deposit is known
	cover  *accesslog.WrapCover // until it is checked
	wrap   id.Digest
}

type given struct {
	to     id.Member
	record int64
	by     id.Member
	refer  bool
}

// taken is access that ends: one reader's, or that of all but a unit's.
type taken struct {
	record int64
	from   id.Member
	but    id.Unit
}

func (l *Ledger) add(r *accesslog.Record, s *accesslog.Statement, in *roster.Roster) {
	of := r.Deposit.Case
	if r.Kind == accesslog.KindStatement {
		of = s.Case
	}
	if of == "" || l.only != nil && !l.only[of] {
		return
	}
	c := l.cases[of]
	if c == nil {
		c = &kept{}
		l.cases[of] = c
	}
	if r.Kind == accesslog.KindDeposit {
		if r.Deposit.Wraps.N > 0 {
			c.day, c.record, c.wraps = r.Deposit.Day, r.Seq, r.Deposit.Wraps
			for i := range c.used {
				c.used[i].settle(c.wraps)
			}
		}
		return
	}
	if d := r.Cover.Deposit; d != nil {
		if !slices.ContainsFunc(c.used, func(u used) bool { return u.wrap == d.Wrap }) {
			u := used{record: r.Seq, names: in.Names(s.Member, s.Action.ByRecovery()), cover: d, wrap: d.Wrap}
			if c.wraps.N > 0 {
				u.settle(c.wraps)
			}
			c.used = append(c.used, u)
		}
	}
	switch s.Action {
	case accesslog.Grant:
		c.given = append(c.given, given{to: s.To, record: r.Seq, by: s.Member})
	case accesslog.Revoke:
		c.taken = append(c.taken, taken{record: r.Seq, from: s.To})
	case accesslog.Refer:
		for _, m := range s.Refer.Readers {
			c.given = append(c.given, given{to: m, record: r.Seq, by: s.Member, refer: true})
		}
		if s.Refer.Ends {
			c.taken = append(c.taken, taken{record: r.Seq, but: s.Refer.Unit})
		}
	}
}

// settle finds the name that a wrap is for.
func (u *used) settle(wraps tlog.Tree) {
	u.names = slices.DeleteFunc(slices.Clone(u.names), func(m id.Member) bool { return u.cover.Check(m, wraps.Hash, wraps.N) != nil })
	u.cover = nil
}

// How somebody came to have the key of a case.
type How string

// The ways.
const (
	Deposit  How = "deposit"  // sealed by the reporter
	Grant    How = "grant"    // by a member
	Referral How = "referral" // by a member who gave the case to another unit; it may open nothing, for who must not read the case
)

// Recipient is one for whom a wrap of a case was made.
type Recipient struct {
	Name      id.Member `json:"name"`
	How       How       `json:"how"`
	Record    int64     `json:"record"`              // of the deposit, the grant or the referral
	By        id.Member `json:"by,omitempty"`        // who gave it
	Proof     int64     `json:"proof,omitempty"`     // of a deposit's: the record of an access that proves it
	Disclosed bool      `json:"disclosed,omitempty"` // of a deposit's: an opening proves it
	Until     int64     `json:"until,omitempty"`     // the record that took it away
	Roster    int64     `json:"roster,omitempty"`    // the version that has the name as a reader; 0: none that was in force
}

// Case is what is known of a case's readers.
type Case struct {
	Case       id.Case     `json:"case"`
	Day        id.Day      `json:"day"`
	Record     int64       `json:"record"`  // of the deposit
	Rosters    []int64     `json:"rosters"` // versions in force on that day, of which it was sealed by one
	Leaves     int64       `json:"leaves"`  // of the commitment: it was sealed to no more than so many
	Recipients []Recipient `json:"recipients"`
	Disclosed  bool        `json:"disclosed"`          // an opening was checked
	Closed     int64       `json:"closed"`             // leaves of which nobody has said whose they are
	Possible   []id.Member `json:"possible,omitempty"` // without an opening: readers by those rosters of whom nothing is proven
}

// Fault says what is wrong with a case's readers, though each record is in order.
type Fault struct {
	Case   id.Case     `json:"case"`
	Record int64       `json:"record"` // of the deposit; -1 if the log has none
	Kind   check.Fault `json:"fault"`
	What   string      `json:"why"` // a sentence's end
}

// Cases tells of each case in the log whose deposit is there, oldest first, with
// the openings that there are. The result is that of the log which was followed.
func (l *Ledger) Cases(r *check.Result, openings []accesslog.Readers) (all []Case, faults []Fault) {
	opened := map[id.Case]*accesslog.Readers{}
	for i := range openings {
		o := &openings[i]
		c := l.cases[o.Case]
		switch {
		case o.Log != r.Roster.Origin:
			faults = append(faults, Fault{o.Case, -1, check.FaultCover, "the opening of its readers is of another log, " + check.Plain(o.Log)})
		case c == nil || c.wraps.N == 0:
			faults = append(faults, Fault{o.Case, -1, check.FaultDeposit, "its readers were opened, and the log has no deposit of it"})
		case o.Check(c.wraps) != nil:
			faults = append(faults, Fault{o.Case, c.record, check.FaultCover, "the opening of its readers is forged: " + o.Check(c.wraps).Error()})
		default:
			opened[o.Case] = o
		}
	}
	for of, c := range l.cases {
		if c.wraps.N == 0 {
			continue
		}
		x, wrong := c.tell(of, r, opened[of])
		all = append(all, x)
		for _, what := range wrong {
			faults = append(faults, Fault{of, c.record, what.kind, what.text})
		}
	}
	slices.SortFunc(all, func(a, b Case) int { return cmp.Compare(a.Record, b.Record) })
	slices.SortStableFunc(faults, func(a, b Fault) int { return cmp.Compare(a.Record, b.Record) })
	return all, faults
}
