package intake

import (
	"slices"
	"strconv"
	"strings"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/lang"
	"suluh.example/suluh/internal/submission"
	"suluh.example/suluh/web/page"
)

// choice is an answer of the question who reads it.
type choice struct {
	ID, Value, Text string
	Checked         bool
	unit            id.Unit
}

// choices are the units that reports may go to. A unit without readers is
// never one. The first unit of the roster is the province's own; its other
// reads what is about itself, and what somebody isn't sure of.
func choices(l *lang.Language, r *roster.Roster, chosen string) (all []choice) {
	readable := func(u id.Unit) bool { return len(r.Readers(u, nil)) > 0 }
	name := func(u roster.Unit) string { return u.Named(l.Code()) }
	own := r.Units[0]
	other, _ := r.Unit(own.Other)
	add := func(u id.Unit, value, text string) {
		c := choice{ID: unitField, Value: value, Text: text, Checked: value == chosen, unit: u}
		if len(all) > 0 {
			c.ID += "-" + strconv.Itoa(len(all)+1)
		}
		all = append(all, c)
	}
	if readable(own.ID) {
		add(own.ID, string(own.ID), l.T("intake.unit.own", "Unit", name(own)))
	}
	for _, u := range r.Units[1:] {
		if u.ID == other.ID || !readable(u.ID) {
			continue
		}
		text := l.T("intake.unit.more", "Unit", name(u))
		if h := u.HandlesIn(l.Code()); h != "" {
			text = l.T("intake.unit.more.handles", "Unit", name(u), "Handles", h)
		}
		add(u.ID, string(u.ID), text)
	}
	if other.ID != "" && readable(other.ID) {
		add(other.ID, string(other.ID), l.T("intake.unit.other", "Unit", name(other), "Own", name(own)))
		add(other.ID, unsure, l.T("intake.unit.unsure", "Unit", name(other), "Own", name(own)))
	}
	return all
}

// officers are the readers of a unit, to be left out by name.
type officers struct {
	Unit    string
	Members []officer
}

type officer struct {
	ID, Name string
	Checked  bool
}

func allOfficers(l *lang.Language, r *roster.Roster, without []id.Member) (all []officers) {
	for _, u := range r.Units {
		o := officers{Unit: u.Named(l.Code())}
		for _, m := range r.Readers(u.ID, nil) {
			o.Members = append(o.Members, officer{string(m.ID), m.Name, slices.Contains(without, m.ID)})
		}
		if len(o.Members) > 0 {
			all = append(all, o)
		}
	}
	return all
}

// to tells who reads a report, or what is wrong with the choice. Members whom
// the reporter left out stay left out when they are no readers (any more): the
// case's keys depend on the choice, and the same form must give the same case.
func (t typed) to(l *lang.Language, r *roster.Roster) (submission.Readers, []page.Problem) {
	to := submission.Readers{}
	for _, m := range t.without {
		if _, ok := r.Member(m); ok {
			to.Without = append(to.Without, m)
		}
	}
	all := choices(l, r, t.unit)
	i := slices.IndexFunc(all, func(c choice) bool { return c.Checked })
	switch {
	case i >= 0:
		to.Unit = all[i].unit
	case t.unit == "":
		return to, []page.Problem{{Field: unitField, Text: l.T("intake.unit.missing")}}
	default:
		return to, []page.Problem{{Field: unitField, Text: l.T("intake.unit.gone")}}
	}
	if len(r.Readers(to.Unit, to.Without)) == 0 {
		u, _ := r.Unit(to.Unit)
		return to, []page.Problem{{Field: withoutField, Text: l.T("intake.without.all", "Unit", u.Named(l.Code()))}}
	}
	return to, nil
}

// rewitnessed tells whether other key witnesses have to be asked than the check
// page said.
func rewitnessed(r *roster.Roster, to submission.Readers, shown []string) bool {
	said := ""
	for _, s := range shown {
		if strings.HasPrefix(s, witnessMark) {
			said = s
		}
	}
	return said != witnessed(r, to.Unit)
}

// added tells whether somebody reads it whom the check page didn't show.
func added(r *roster.Roster, to submission.Readers, shown []string) bool {
	for _, m := range r.Readers(to.Unit, to.Without) {
		if !slices.Contains(shown, string(m.ID)) {
			return true
		}
	}
	return false
}

// witnessMark begins what stands for a unit's key witnesses among the readers
// that were shown; it is in no member's id.
const witnessMark = "="

// witnessed names a unit's key witnesses, and how many of them are needed.
func witnessed(r *roster.Roster, u id.Unit) string {
	need, all := r.KeyWitnessesOf(u)
	if need == 0 {
		return ""
	}
	s := witnessMark + strconv.Itoa(need)
	for _, m := range all {
		s += " " + string(m.ID)
	}
	return s
}

// unitOf reads a unit's id; "" if it isn't one.
func unitOf(s string) id.Unit {
	u, err := id.ParseUnit(s)
	if err != nil {
		return ""
	}
	return u
}
