package roster

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"suluh.example/suluh/crypto/id"
)

// Changes says in words what a version changes against the one before, which
// is nil for the first. The texts of the roster are repeated as they are.
func (r *Roster) Changes(old *Roster) (lines []string) {
	if old == nil {
		old = &Roster{}
	}
	say := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	if r.LogKey != old.LogKey {
		say("log key: %s", r.LogKey)
	}
	if r.Witnesses != old.Witnesses {
		say("witnesses: the policy is now %s", orNone(strings.Join(strings.Split(strings.TrimSpace(r.Witnesses), "\n"), "; ")))
	}
	for _, u := range r.Units {
		o, known := old.Unit(u.ID)
		if !known {
			say("unit %s is new: %s", u.ID, u.Named("id"))
		}
		for _, t := range []struct {
			what     string
			old, new map[string]string
		}{{"name", o.Name, u.Name}, {"handles", o.Handles, u.Handles}, {"contact", o.Contact, u.Contact}} {
			if known && !maps.Equal(t.old, t.new) {
				say("unit %s: %s is now %s", u.ID, t.what, inAll(t.new))
			}
		}
		if known && !slices.Equal(o.Positions, u.Positions) {
			say("unit %s: positions are now %s", u.ID, strings.Join(u.Positions, "; "))
		}
		if known && o.Other != u.Other {
			say("unit %s: reports about it go to %s", u.ID, orNone(string(u.Other)))
		}
		switch {
		case o.Alone == u.Alone:
		case u.Alone:
			say("unit %s: ONE person may prepare and approve what goes to the main queue", u.ID)
		default:
			say("unit %s: what goes to the main queue is approved by another than who prepared it", u.ID)
		}
		if was, is := o.KeyWitnesses.String(), u.KeyWitnesses.String(); was != is {
			say("unit %s: key witnesses of new cases are now %s", u.ID, orNone(is))
		}
		switch {
		case o.Recovery == u.Recovery:
		case u.Recovery == "":
			say("unit %s: has no recovery sheet any more", u.ID)
		case o.Recovery == "":
			say("unit %s: has a recovery sheet, %s", u.ID, Fingerprint(u.Recovery))
		default:
			say("unit %s: has ANOTHER recovery sheet, %s", u.ID, Fingerprint(u.Recovery))
		}
	}
	for _, m := range r.Members {
		o, known := old.Member(m.ID)
		switch {
		case !known:
			say("member %s is new: %s, %s of %s, fingerprint %s", m.ID, m.Name, Joined(m.Roles), m.Unit, m.Fingerprint())
			continue
		case m.Name != o.Name:
			say("member %s: name is now %s", m.ID, m.Name)
		}
		if m.Unit != o.Unit {
			say("member %s: goes from %s to %s", m.ID, o.Unit, m.Unit)
		}
		if !slices.Equal(m.Roles, o.Roles) {
			say("member %s: roles are now %s", m.ID, Joined(m.Roles))
		}
		if m.Address != o.Address {
			say("member %s: answers at %s", m.ID, orNone(m.Address))
		}
		switch {
		case m.Onion == o.Onion:
		case m.Onion == "":
			say("member %s: has no onion key any more", m.ID)
		case o.Onion == "":
			say("member %s: has an onion key, %s", m.ID, Fingerprint(m.Onion))
		default:
			say("member %s: has ANOTHER onion key, %s", m.ID, Fingerprint(m.Onion))
		}
		if m.Removed != nil && o.Removed == nil {
			say("member %s is removed", m.ID)
		}
	}
	return lines
}

// Warnings says what will keep reports from being read, although the roster
// breaks no rule.
func (r *Roster) Warnings() (lines []string) {
	say := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	for _, u := range r.Units {
		if k := u.KeyWitnesses; k != nil && k.Need == len(k.Of) {
			say("unit %s needs all of its key witnesses: while one is away, no case of it opens that its reader hasn't opened before", u.ID)
		}
		if len(r.Readers(u.ID, nil)) == 0 {
			if r.outside(u.ID) {
				continue
			}
			say("unit %s has no reader, so it is never offered to reporters", u.ID)
			continue
		}
		if u.Other == "" {
			say("unit %s names no other unit for reports about itself", u.ID)
		} else if len(r.Readers(u.Other, nil)) == 0 {
			say("reports about unit %s go to %s, which has no reader", u.ID, u.Other)
		}
		if u.Recovery == "" {
			say("unit %s has no recovery sheet: a case whose readers are all gone is lost", u.ID)
		} else if !slices.ContainsFunc(r.Members, func(m Member) bool { return m.Unit == u.ID && m.Has(Custodian) }) {
			say("unit %s has a recovery sheet and no custodian who may use it", u.ID)
		}
		if w := r.twoPersons(u); w != "" {
			say("unit %s %s", u.ID, w)
		}
	}
	for _, m := range r.Members {
		if m.Has(Reader) && plugin(m.Recipient) {
			name, _, _ := strings.Cut(strings.TrimPrefix(m.Recipient, "age1"), "1")
			say("member %s has a key of an age plugin: without age-plugin-%s installed, intake can't take reports to unit %s", m.ID, name, m.Unit)
			if u, _ := r.Unit(m.Unit); u.KeyWitnesses != nil {
				say("member %s has a key of an age plugin, to which key witnesses give no share: he can't open cases of unit %s", m.ID, m.Unit)
			}
		}
		if m.Has(Forwarder) && len(m.Roles) > 1 {
			say("member %s forwards and does more: a forwarder's key lies on a machine that sends by itself, so it should have no other role", m.ID)
		}
		// Where nobody has one, nobody works over the onion service.
		if m.Removed == nil && m.Onion == "" && !m.Has(KeyWitness) && len(r.OnionKeys()) > 0 {
			say("member %s has no onion key, so the members' onion service lets others in and not this one", m.ID)
		}
	}
	return lines
}

// outside tells whether a unit has key witnesses and nobody else.
func (r *Roster) outside(u id.Unit) bool {
	some := false
	for _, m := range r.Members {
		if m.Unit == u && m.Removed == nil {
			if !m.Has(KeyWitness) {
				return false
			}
			some = true
		}
	}
	return some
}

// String says how many of whom, or nothing.
func (k *KeyWitnesses) String() string {
	if k == nil {
		return ""
	}
	var names []string
	for _, m := range k.Of {
		names = append(names, string(m))
	}
	return fmt.Sprintf("%d of %s", k.Need, strings.Join(names, ", "))
}

// twoPersons says what keeps a unit from having another approve than who
// prepared, if anything is forwarded at all and it has approvers.
func (r *Roster) twoPersons(u Unit) string {
	is := func(role Role) bool {
		return slices.ContainsFunc(r.Members, func(m Member) bool { return m.Has(role) })
	}
	approvers, both := 0, 0
	for _, m := range r.Members {
		if m.Unit == u.ID && m.Has(Approver) {
			if approvers++; m.Has(Reader) {
				both++
			}
		}
	}
	two := both > 0 && len(r.Readers(u.ID, nil)) > 1
	switch {
	case !is(Forwarder) || approvers == 0:
		return ""
	case both == 0:
		return "has no approver who reads its cases, so nothing of it can be forwarded"
	case !two && !u.Alone:
		return "has one person to prepare and approve what is forwarded, and wants two: add a reader, or let one do it alone"
	case two && u.Alone:
		return "lets one person prepare and approve what is forwarded, though it has two"
	}
	return ""
}

// Joined returns roles as a list for people.
func Joined(roles []Role) string {
	s := make([]string, len(roles))
	for i, r := range roles {
		s[i] = string(r)
	}
	return strings.Join(s, ", ")
}

func inAll(m map[string]string) string {
	var s []string
	for _, language := range slices.Sorted(maps.Keys(m)) {
		s = append(s, language+": "+m[language])
	}
	return orNone(strings.Join(s, "; "))
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
