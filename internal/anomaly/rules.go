package anomaly

import (
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/BurntSushi/toml"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/check"
)

// Rule names a rule, as rules.toml does.
type Rule string

// The rules.
const (
	OutOfHours   Rule = "out-of-hours"
	ManyOpened   Rule = "many-opened"
	NotAssigned  Rule = "not-assigned"
	Exports      Rule = "exports"
	AfterClose   Rule = "after-close"
	GrantBack    Rule = "grant-back"
	ReportedUnit Rule = "reported-unit"
	NewReader    Rule = "new-reader"
	LeftAfter    Rule = "left-after-grant"
	LateDeposits Rule = "late-deposits"
	NoBatch      Rule = "no-batch"

	WithoutWitness Rule = "without-key-witness"
)

// All returns all rules, in the order of rules.toml.
func All() []Rule {
	return []Rule{OutOfHours, ManyOpened, NotAssigned, Exports, AfterClose, GrantBack, ReportedUnit, NewReader, LeftAfter, WithoutWitness, LateDeposits, NoBatch}
}

// Default is rules.toml, the rules that hold where nobody has written others.
//
//go:embed rules.toml
var Default string

// Rules are the rules that are looked for, with their numbers. One that is nil
// is not.
type Rules struct {
	OutOfHours *struct {
		Days          []string      `toml:"days"` // mon to sun
		From          string        `toml:"from"` // HH:MM
		To            string        `toml:"to"`
		Holidays      []string      `toml:"holidays"`
		ExceptActions []string      `toml:"except_actions"`
		ExceptRoles   []roster.Role `toml:"except_roles"`
	} `toml:"out-of-hours"`
	ManyOpened *struct {
		Cases int `toml:"cases"`
	} `toml:"many-opened"`
	NotAssigned *struct {
		ExceptRoles []roster.Role `toml:"except_roles"`
	} `toml:"not-assigned"`
	Exports *struct {
		Cases int `toml:"cases"`
		Days  int `toml:"days"`
	} `toml:"exports"`
	AfterClose *struct {
		Days      int `toml:"days"`
		AfterDone int `toml:"days_after_queue"`
	} `toml:"after-close"`
	GrantBack    *struct{} `toml:"grant-back"`
	ReportedUnit *struct{} `toml:"reported-unit"`
	NewReader    *days     `toml:"new-reader"`
	LeftAfter    *days     `toml:"left-after-grant"`
	LateDeposits *days     `toml:"late-deposits"`
	NoBatch      *days     `toml:"no-batch"`

	WithoutWitness *struct {
		Minutes int `toml:"minutes"`
	} `toml:"without-key-witness"`

	work hours
}

type days struct {
	Days int `toml:"days"`
}

// hours are working hours, read.
type hours struct {
	on       [7]bool // by time.Weekday
	from, to int     // minutes of the day
	off      map[id.Day]bool
}

var weekdays = [7]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// Parse reads rules in the form of rules.toml. What it doesn't know it refuses:
// a rule that is misspelt would never find anything.
func Parse(text string) (*Rules, error) {
	var r Rules
	md, err := toml.Decode(text, &r)
	if err != nil {
		return nil, fmt.Errorf("rules: %w", err)
	}
	if u := md.Undecoded(); len(u) > 0 {
		return nil, fmt.Errorf("rules: unknown key %q", u[0].String())
	}
	number := func(rule Rule, key string, n int) {
		if n < 1 && err == nil {
			err = fmt.Errorf("rules: %s of %s is missing or less than 1", key, rule)
		}
	}
	roles := func(rule Rule, all []roster.Role) {
		for _, x := range all {
			if !slices.Contains(roster.Roles(), x) && err == nil {
				err = fmt.Errorf("rules: %s: %q is no role", rule, string(x))
			}
		}
	}
	if x := r.ManyOpened; x != nil {
		number(ManyOpened, "cases", x.Cases)
	}
	if x := r.Exports; x != nil {
		number(Exports, "cases", x.Cases)
		number(Exports, "days", x.Days)
	}
	for rule, x := range map[Rule]*days{NewReader: r.NewReader, LeftAfter: r.LeftAfter, LateDeposits: r.LateDeposits, NoBatch: r.NoBatch} {
		if x != nil {
			number(rule, "days", x.Days)
		}
	}
	if x := r.WithoutWitness; x != nil {
		number(WithoutWitness, "minutes", x.Minutes)
	}
	if x := r.AfterClose; x != nil {
		number(AfterClose, "days", x.Days)
		number(AfterClose, "days_after_queue", x.AfterDone)
	}
	if x := r.NotAssigned; x != nil {
		roles(NotAssigned, x.ExceptRoles)
	}
	if x := r.OutOfHours; x != nil {
		roles(OutOfHours, x.ExceptRoles)
		err = errors.Join(err, r.readHours())
	}
	if err != nil {
		return nil, err
	}
	return &r, nil
}

func (r *Rules) readHours() error {
	x := r.OutOfHours
	for _, d := range x.Days {
		i := slices.Index(weekdays[:], d)
		if i < 0 {
			return fmt.Errorf("rules: %s: day %q is none of mon, tue, wed, thu, fri, sat, sun", OutOfHours, d)
		}
		r.work.on[i] = true
	}
	for text, to := range map[string]*int{x.From: &r.work.from, x.To: &r.work.to} {
		t, err := time.Parse("15:04", text)
		if err != nil {
			return fmt.Errorf("rules: %s: %q is not a time like 07:00", OutOfHours, text)
		}
		*to = t.Hour()*60 + t.Minute()
	}
	if r.work.from >= r.work.to {
		return fmt.Errorf("rules: %s: it ends before it begins", OutOfHours)
	}
	r.work.off = map[id.Day]bool{}
	for _, h := range x.Holidays {
		d, err := id.ParseDay(h)
		if err != nil {
			return fmt.Errorf("rules: %s: holiday %q is not YYYY-MM-DD", OutOfHours, h)
		}
		r.work.off[d] = true
	}
	for _, a := range x.ExceptActions {
		if !slices.Contains(check.Actions(), a) {
			return fmt.Errorf("rules: %s: %q is no action", OutOfHours, a)
		}
	}
	return nil
}

// has tells whether a time, in its own zone, is within working hours.
func (h *hours) has(t time.Time, day id.Day) bool {
	minute := t.Hour()*60 + t.Minute()
	return h.on[t.Weekday()] && minute >= h.from && minute < h.to && !h.off[day]
}
