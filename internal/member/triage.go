package member

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/crypto/seal"
	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/vault/membersock"
)

// Errors of triage and of referring.
var (
	ErrSame    = errors.New("a case is no duplicate of itself, of one that is its duplicate, or of one that the member doesn't have")
	ErrHead    = errors.New("other cases are duplicates of this one")
	ErrPending = errors.New("a text of this case is approved or on its way to the main queue: an approver has to drop it first")
	ErrNoUnit  = errors.New("the roster has no such unit")
	ErrNobody  = errors.New("the unit has no reader whom the case could be given to")
)

// Triage is what readers decide of a case.
type Triage struct {
	Class    report.Class    // "" leaves what it is
	Category report.Category // "" leaves what it is
	Title    string          // for the list; "" leaves what it is. A case that is split has none
	SameAs   id.Case         // of which the case is a duplicate; "" if of none
}

// Triage sets what a case is. A duplicate is linked to the case that it repeats,
// and nothing of it is deleted; if that one is itself a duplicate, to the first
// of them. The error is [ErrSame] or [ErrHead] if that can't be, [ErrLong], or
// [ErrPending] if the case would have to stay in the vault and is being
// forwarded.
func (s *Session) Triage(ctx context.Context, of id.Case, once Once, t Triage) error {
	if t.Title = strings.TrimSpace(t.Title); utf8.RuneCountInString(t.Title) > maxQueueTitle || strings.ContainsAny(t.Title, "\r\n") {
		return ErrLong
	}
	if t.SameAs != "" {
		// Only the member's own list can tell what else is a duplicate of what.
		items, err := s.List(ctx)
		if err != nil {
			return err
		}
		if t.SameAs, err = head(items, of, t.SameAs); err != nil {
			return err
		}
	}
	c, err := s.Open(ctx, of) // as it is now: what others decided meanwhile stays
	if err != nil {
		return err
	}
	if t.Class != "" && !t.Class.Forwardable() && c.Forward != nil {
		switch c.Forward.State {
		case accesslog.StageApproved, accesslog.StageSending:
			return ErrPending
		}
	}
	state := c.state()
	state.Class = cmp.Or(t.Class, state.Class)
	state.Category = cmp.Or(t.Category, state.Category)
	if c.Split.Need == 0 { // or its title would be readable without key witnesses
		state.Title = cmp.Or(t.Title, state.Title)
	}
	state.SameAs = t.SameAs
	handed, err := s.stated(c, state)
	if err != nil {
		return err
	}
	nonce := once.nonce(accesslog.Triage, of, "", fmt.Sprintf("%s\n%s\n%s\n%s", t.Class, t.Category, t.SameAs, t.Title))
	return s.write(ctx, accesslog.Statement{Action: accesslog.Triage, Case: of, Nonce: nonce}, func(c *Case) bool {
		return c.Class == state.Class && c.Category == state.Category && (c.Split.Need > 0 || c.Title == state.Title) && c.SameAs == state.SameAs
	}, handed)
}

// head returns the first of the cases that a case would be a duplicate of.
func head(items []Item, of, same id.Case) (id.Case, error) {
	i := slices.IndexFunc(items, func(i Item) bool { return i.Case == same })
	if same == of || i < 0 {
		return "", ErrSame
	}
	if first := items[i].SameAs; first != "" {
		same = first
	}
	switch {
	case same == of:
		return "", ErrSame
	case len(Duplicates(items, of)) > 0:
		return "", ErrHead
	}
	return same, nil
}

// Duplicates returns those of the listed cases that are duplicates of one.
func Duplicates(items []Item, of id.Case) (all []Item) {
	for _, i := range items {
		if i.SameAs == of && i.Case != of {
			all = append(all, i)
		}
	}
	return all
}

// state returns the case as it is, to be changed and handed in.
func (c *Case) state() report.State {
	title := c.Title
	if c.Split.Need > 0 { // it is the letter's own
		title = ""
	}
	return report.State{
		V: 1, Case: c.Case, Title: title, Class: c.Class, Category: c.Category, Unit: c.referred, SameAs: c.SameAs,
		Status: c.Status, Since: c.Since, Due: c.Due,
	}
}

// stated signs and seals a state.
func (s *Session) stated(c *Case, d report.State) (membersock.Handed, error) {
	d.Time = s.now()
	text, err := report.Sign(d, s.c.Identity.Signer())
	if err != nil {
		return membersock.Handed{}, err
	}
	return sealed(id.RoleState, text, seal.SummaryFloor, c.key.ListRecipient())
}

// Referred are the readers of a unit to whom a case would be given: not whom the
// reporter excluded, nor who declared a conflict of interest in it.
func (c *Case) Referred(r *roster.Roster, to id.Unit) (all []roster.Member) {
	for _, m := range r.Readers(to, c.Without) {
		if !c.conflicted(m.ID) {
			all = append(all, m)
		}
	}
	return all
}

// conflicted tells whether a member has given up access by himself.
func (c *Case) conflicted(m id.Member) bool {
	return slices.ContainsFunc(c.Access, func(e membersock.AccessEntry) bool {
		return e.Action == accesslog.Revoke && e.Member == m && e.To == m
	})
}

// Refer gives a case to another unit, which handles it from then on. If it ends
// the access of everybody else, that is the member's own too, unless he is of
// that unit. What was read before can't be taken back.
func (s *Session) Refer(ctx context.Context, of id.Case, to id.Unit, ends bool) error {
	c, err := s.Open(ctx, of) // as it is now: somebody may have declared a conflict
	if err != nil {
		return err
	}
	r := s.Roster()
	unit, ok := r.Unit(to)
	if !ok {
		return ErrNoUnit
	}
	var readers []reader
	if unit.Recovery != "" { // first, so that it never stands alone
		readers = append(readers, reader{id.RecoveryOf(to), unit.Recovery, false})
	}
	given := c.Referred(r, to)
	if len(given) == 0 {
		return ErrNobody
	}
	for _, m := range r.Readers(to, nil) {
		out := !slices.ContainsFunc(given, func(x roster.Member) bool { return x.ID == m.ID })
		readers = append(readers, reader{m.ID, m.Recipient, out})
	}
	state := c.state()
	state.Unit = to
	for len(readers) > 0 {
		n := min(len(readers), maxReferred)
		if err := s.refer(ctx, c, state, accesslog.Referral{Unit: to, Ends: ends && n == len(readers)}, readers[:n]); err != nil {
			return err
		}
		s.forget(of) // its readers are others now
		readers = readers[n:]
	}
	return nil
}

// maxReferred is how many readers a statement refers to at once: it names 64
// objects, of which one is the state. The access of others ends with the last.
const maxReferred = accesslog.MaxObjects - 1

// reader is whom a case is given to, or who is named with them and gets nothing: the
// record names all readers of the unit, or it would tell whom the reporter excluded.
type reader struct {
	name      id.Member
	recipient string
	decoy     bool
}

func (s *Session) refer(ctx context.Context, c *Case, state report.State, referral accesslog.Referral, to []reader) error {
	var handed []membersock.Handed
	for _, x := range to {
		recipient, err := seal.ParseRecipient(x.recipient)
		if err != nil {
			return err
		}
		key := c.key
		if x.decoy { // opens nothing, also where a vault gives it out
			var err error
			if key, err = key.Decoy(); err != nil {
				return err
			}
		}
		seals := key.Wrap
		if x.name.IsRecovery() {
			seals = key.WrapWhole
		}
		wrap, err := seals(recipient)
		if err != nil {
			return err
		}
		referral.Readers = append(referral.Readers, x.name)
		handed = append(handed, membersock.Handed{Object: seal.Describe(id.RoleWrap, wrap), Sealed: wrap, Decoy: x.decoy})
	}
	stated, err := s.stated(c, state)
	if err != nil {
		return err
	}
	return s.change(ctx, accesslog.Statement{Action: accesslog.Refer, Case: c.Item.Case, Refer: referral}, append(handed, stated)...)
}
