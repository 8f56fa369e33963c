package member

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"filippo.io/age"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/crypto/seal"
	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/vault/membersock"
)

// Outgoing is an item that a forwarder has to do with.
type Outgoing struct {
	Case   id.Case
	Digest id.Digest // of the sealed item
	State  accesslog.Stage
	Day    id.Day    // on which it came to be so
	By     id.Member // the approver who signed it
	Item   report.Item
	Last   *report.Outcome // the newest; nil if there is none

	// Err says why nothing of the item may be sent: it can't be opened, or is
	// not what an approver of the unit signed for this case. The rest is then
	// empty but for Case, Digest, State and Day.
	Err error
}

// Waiting tells how many items wait for a forwarder, which is not recorded.
func (s *Session) Waiting(ctx context.Context) (int, error) {
	if err := s.Err(); err != nil {
		return 0, err
	}
	o, err := s.c.Vault.Outbox(ctx)
	return o.Waiting, err
}

// Collect fetches what was approved, what was begun, and what was sent and has
// not come to its end. What the last one brought doesn't come again: it is kept as
// it came, sealed.
func (s *Session) Collect(ctx context.Context) ([]Outgoing, error) {
	s.mu.Lock()
	kept := s.collected
	s.mu.Unlock()
	a, err := s.act(ctx, accesslog.Statement{Action: accesslog.Collect}, slices.Collect(maps.Keys(kept)))
	if err != nil {
		return nil, err
	}
	items := a.Items
	got, err := objects(a)
	if err != nil {
		return nil, err
	}
	now := map[id.Digest][]byte{}
	r := s.Roster()
	all := make([]Outgoing, len(items))
	for i, x := range items {
		for _, d := range []id.Digest{x.Item, x.Outcome} {
			if b, ok := got[d]; ok {
				now[d] = b
			} else if b, ok := kept[d]; ok {
				now[d] = b
			}
		}
		all[i] = s.outgoing(x, now, r)
	}
	s.mu.Lock()
	s.collected = now
	s.mu.Unlock()
	return all, nil
}

// outgoing opens an item and checks that it is what it has to be.
func (s *Session) outgoing(x membersock.Collected, got map[id.Digest][]byte, r *roster.Roster) Outgoing {
	o := Outgoing{Case: x.Case, Digest: x.Item, State: x.State, Day: x.Day}
	bad := func(err error) Outgoing {
		return Outgoing{Case: x.Case, Digest: x.Item, State: x.State, Day: x.Day, Err: err}
	}
	text, err := seal.OpenDocument(got[x.Item], s.keys...)
	if err != nil {
		return bad(err)
	}
	if o.Item, o.By, err = report.Open[report.Item](text, x.Case, r.Verifiers()); err != nil {
		return bad(err)
	}
	if err := approved(r, x, o.Item, o.By); err != nil {
		return bad(err)
	}
	if x.Outcome.IsZero() {
		return o
	}
	if text, err = seal.OpenDocument(got[x.Outcome], s.keys...); err != nil {
		return bad(err)
	}
	last, by, err := report.Open[report.Outcome](text, x.Case, r.Verifiers())
	switch {
	case err != nil:
		return bad(err)
	case last.Item != x.Item || !tellsOutcomes(r, by):
		return bad(ErrSigner)
	}
	o.Last = &last
	return o
}

// approved tells whether an item was approved by who may, as it must be before
// a word of it leaves.
func approved(r *roster.Roster, x membersock.Collected, d report.Item, by id.Member) error {
	who, _ := r.Member(by)
	unit, _ := r.Unit(d.Unit)
	switch {
	case by != x.Approved || d.Draft != x.Draft || d.Prepared != x.Prepared:
		return ErrSigner
	case !who.Has(roster.Approver):
		return ErrLeft
	case who.Unit != d.Unit:
		return ErrApprover
	case d.Prepared == by && !unit.Alone:
		return ErrSelf
	case !d.Class.Forwardable():
		return ErrClass
	case d.Reference == "" || d.Title == "" || d.Text == "":
		return report.ErrFormat
	}
	return nil
}

// Begin records that an item is about to be sent. Before it returns, nothing of
// the item may leave. The error is [membersock.ErrState] if the item is not
// approved any more, or the item's own.
func (s *Session) Begin(ctx context.Context, o Outgoing) error {
	if o.Err != nil {
		return o.Err
	}
	return s.done(s.act(ctx, accesslog.Statement{Action: accesslog.Forward, Case: o.Case, Item: o.Digest}, nil))
}

// Outcome tells the case what became of an item, and the reporter too if there
// is something to tell. Of the outcome the caller fills in result, tracking,
// link, word, status, text and final; what is left empty of tracking, link, word
// and status stays what it was. Of the answer he fills in status and text, in
// [report.Item.Language].
func (s *Session) Outcome(ctx context.Context, o Outgoing, d report.Outcome, tell *report.Answer) error {
	if o.Err != nil {
		return o.Err
	}
	to, err := seal.ParseHybrid(o.Item.Recipient)
	if err != nil {
		return fmt.Errorf("recipient of the case: %w", err)
	}
	d.Item, d.Reference = o.Digest, o.Item.Reference
	var last *Outcome
	if o.Last != nil {
		last = &Outcome{Outcome: *o.Last}
		d.Tracking, d.Link, d.Word = cmp.Or(d.Tracking, last.Tracking), cmp.Or(d.Link, last.Link), cmp.Or(d.Word, last.Word)
		d.Status = cmp.Or(d.Status, last.Status)
	}
	switch d.Result {
	case accesslog.ResultSent, accesslog.ResultStatus, accesslog.ResultDone:
		d.Status = cmp.Or(d.Status, report.Forwarded)
	}
	r := s.Roster()
	outcome, err := s.outcome(o.Case, to, r, last, d)
	if err != nil {
		return err
	}
	handed := []membersock.Handed{outcome}
	if tell != nil {
		told, own, err := s.tell(*tell, o.Case, o.Item.Reporter, to)
		if err != nil {
			return err
		}
		handed = append(handed, told, own)
	}
	return s.done(s.act(ctx, accesslog.Statement{Action: accesslog.Outcome, Case: o.Case, Item: o.Digest, Result: d.Result}, nil, handed...))
}

// done ends an answer of which nothing more is needed.
func (s *Session) done(a *answer, err error) error {
	if err != nil {
		return err
	}
	return a.Close()
}

// tell seals an answer to the reporter and to the case, so that every reader of
// the case sees what the reporter was told; and once more to the case alone,
// which stays when the reporter has the first destroyed.
func (s *Session) tell(a report.Answer, of id.Case, reporter string, to age.Recipient) (told, own membersock.Handed, err error) {
	hybrid, err := seal.ParseHybrid(reporter) // a stranger wrote it
	if err != nil {
		return told, own, ErrReporters
	}
	a.V, a.Case, a.Time = 1, of, s.now()
	a.Day = s.c.Clock.Today(a.Time)
	text, err := report.Sign(a, s.c.Identity.Signer())
	if err != nil {
		return told, own, err
	}
	if told, err = sealed(id.RoleAnswer, text, seal.DocumentFloor, hybrid, to); err != nil {
		return told, own, err
	}
	own, err = sealed(id.RoleCopy, text, seal.DocumentFloor, to)
	return told, own, err
}
