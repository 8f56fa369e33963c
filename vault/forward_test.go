package vault_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/testkey"
	"suluh.example/suluh/vault"
	"suluh.example/suluh/vault/membersock"
)

// chain is a world with a second unit, which has a reader, a custodian and a
// recovery sheet, and with two forwarders.
type chain struct {
	*world
	other    *member // reader and approver of itjen
	keeper   *member // custodian of itjen
	forward  *member
	forward2 *member
}

func newChain(t testing.TB) *chain {
	t.Helper()
	w := newWorldWithoutRoster(t, t.TempDir()+"/vault", vault.Config{})
	c := &chain{world: w}
	w.roster.Units = append(w.roster.Units, roster.Unit{ID: "itjen", Name: map[string]string{"id": "Inspektorat Jenderal"}, Recovery: recipient("j")})
	join := func(name id.Member, unit id.Unit, letter string, roles ...roster.Role) *member {
		s, _, vkey := testkey.New(t, string(name))
		w.roster.Members = append(w.roster.Members, roster.Member{
			ID: name, Name: string(name), Unit: unit, Roles: roles, Recipient: recipient(letter), Key: vkey, Since: w.roster.Day,
		})
		return &member{name, s, accesslog.EmptyTree()}
	}
	c.other = join("penelaah-lain", "itjen", "a", roster.Reader, roster.Approver)
	c.keeper = join("pemegang-lain", "itjen", "c", roster.Custodian)
	c.forward = join("penerus", "itprov", "d", roster.Forwarder)
	c.forward2 = join("penerus-dua", "itprov", "f", roster.Forwarder)
	w.install()
	return c
}

// change puts the next version of the roster in force.
func (w *world) change(change func(*roster.Roster)) {
	w.t.Helper()
	change(w.roster)
	w.roster.Version, w.roster.Previous = w.roster.Version+1, roster.Digest(w.signed)
	w.install()
}

// step is one of forwarding: what, and for a decide or an outcome how.
type step struct {
	what accesslog.Action
	how  accesslog.Result
}

func (s step) String() string {
	if s.how == "" {
		return string(s.what)
	}
	return fmt.Sprintf("%s %s", s.what, s.how)
}

// text is one on its way to the main queue, of a case of its own.
type text struct {
	c           *chain
	of          id.Case
	draft, item object
	outcome     object // the newest
}

func (c *chain) text() *text {
	c.t.Helper()
	p := newParcel(0, c.one.id, c.two.id)
	_, err := c.send(p)
	must(c.t, err)
	return &text{c: c, of: p.of}
}

// by takes a step as a member.
func (x *text) by(m *member, s step, also ...object) error {
	x.c.t.Helper()
	st := x.c.statement(m, s.what, x.of)
	st.Result = s.how
	handed := also
	next := *x
	switch s.what {
	case accesslog.PrepareForward:
		next.draft, next.item, next.outcome = object{id.RoleDraft, sealed(300)}, object{}, object{}
		handed = append(handed, next.draft)
	case accesslog.ApproveForward, accesslog.ApproveAlone:
		next.item = object{id.RoleItem, sealed(400)}
		handed, st.Item = append(handed, next.item), x.draft.describe().Digest
	case accesslog.Decide, accesslog.Outcome, accesslog.Forward:
		if st.Item = x.item.describe().Digest; x.item.data == nil {
			st.Item = x.draft.describe().Digest
		}
		if s.what != accesslog.Forward {
			next.outcome = object{id.RoleOutcome, sealed(200)}
			handed = append(handed, next.outcome)
		}
	}
	for _, o := range handed {
		st.Objects = append(st.Objects, o.describe())
	}
	_, err := x.c.ask(m, st, handed...)
	if err == nil {
		*x = next
	}
	return err
}

// take takes a step as whoever is meant to: two prepares, one approves.
func (x *text) take(s step, also ...object) error {
	x.c.t.Helper()
	m := x.c.one
	switch {
	case s.what == accesslog.PrepareForward:
		m = x.c.two
	case s.what.ByForwarder():
		m = x.c.forward
	}
	return x.by(m, s, also...)
}

func (x *text) takeAll(steps ...step) *text {
	x.c.t.Helper()
	for _, s := range steps {
		must(x.c.t, x.take(s))
	}
	return x
}

// shown is what a reader is shown of it.
func (x *text) shown() *membersock.Forward {
	x.c.t.Helper()
	got, err := x.c.ask(x.c.two, x.c.statement(x.c.two, accesslog.Open, x.of))
	must(x.c.t, err)
	return got.Case.Forward
}

func (x *text) stage() accesslog.Stage {
	x.c.t.Helper()
	if f := x.shown(); f != nil {
		return f.State
	}
	return ""
}

// The steps.
var (
	prepare  = step{accesslog.PrepareForward, ""}
	approve  = step{accesslog.ApproveForward, ""}
	alone    = step{accesslog.ApproveAlone, ""}
	forward  = step{accesslog.Forward, ""}
	returned = step{accesslog.Decide, accesslog.ResultReturned}
	again    = step{accesslog.Decide, accesslog.ResultAgain}
	dropped  = step{accesslog.Decide, accesslog.ResultDropped}
	found    = step{accesslog.Decide, accesslog.ResultSent}
	gone     = step{accesslog.Decide, accesslog.ResultUnknown}
	sent     = step{accesslog.Outcome, accesslog.ResultSent}
	refused  = step{accesslog.Outcome, accesslog.ResultRefused}
	unknown  = step{accesslog.Outcome, accesslog.ResultUnknown}
	stopped  = step{accesslog.Outcome, accesslog.ResultStopped}
	waiting  = step{accesslog.Outcome, accesslog.ResultWaiting}
	news     = step{accesslog.Outcome, accesslog.ResultStatus}
	last     = step{accesslog.Outcome, accesslog.ResultDone}

	allSteps = []step{prepare, approve, forward, returned, again, dropped, found, gone, sent, refused, unknown, stopped, waiting, news, last}
)

// ways lead to each stage.
var ways = map[accesslog.Stage][]step{
	"":         nil,
	"prepared": {prepare},
	"returned": {prepare, returned},
	"approved": {prepare, approve},
	"sending":  {prepare, approve, forward},
	"sent":     {prepare, approve, forward, sent},
	"done":     {prepare, approve, forward, sent, last},
	"refused":  {prepare, approve, forward, refused},
	"unknown":  {prepare, approve, forward, unknown},
	"stopped":  {prepare, approve, forward, stopped},
	"dropped":  {prepare, dropped},
}

// TestEachStepOfForwardingFromEachStage takes every step from every stage: those
// that may be taken lead where they should, all others change nothing. What the
// log then holds is verified when the world stops.
func TestEachStepOfForwardingFromEachStage(t *testing.T) {
	may := map[accesslog.Stage]map[step]accesslog.Stage{
		"":         {prepare: "prepared"},
		"prepared": {prepare: "prepared", approve: "approved", returned: "returned", dropped: "dropped"},
		"returned": {prepare: "prepared", dropped: "dropped"},
		"approved": {forward: "sending", dropped: "dropped", stopped: "stopped"},
		"sending":  {sent: "sent", refused: "refused", unknown: "unknown", stopped: "stopped", waiting: "approved", gone: "unknown"},
		"sent":     {news: "sent", last: "done"},
		"done":     {},
		"refused":  {prepare: "prepared", again: "approved", dropped: "dropped"},
		"unknown":  {again: "approved", found: "sent", dropped: "dropped", sent: "sent", refused: "refused", waiting: "approved"},
		"stopped":  {prepare: "prepared", again: "approved", dropped: "dropped"},
		"dropped":  {prepare: "prepared"},
	}
	if len(may) != len(accesslog.Stages())+1 {
		t.Fatal("a stage is missing")
	}
	c := newChain(t)
	for from, steps := range may {
		for _, s := range allSteps {
			x := c.text().takeAll(ways[from]...)
			if from == "" {
				x.draft = object{id.RoleDraft, sealed(300)} // that nobody handed in
			}
			to, ok := steps[s]
			err := x.take(s)
			if ok {
				if err != nil {
					t.Errorf("%s from %q: %v", s, from, err)
					continue
				}
			} else if !errors.Is(err, membersock.ErrState) {
				t.Errorf("%s from %q: got %v, want that it can't be", s, from, err)
			} else {
				to = from
			}
			if got := x.stage(); got != to {
				t.Errorf("%s from %q leads to %q, want %q", s, from, got, to)
			}
		}
	}
	findings, err := vault.Examine(t.Context(), c.dir, c.clock.Now())
	must(t, err)
	if len(findings) > 0 {
		t.Errorf("doctor finds %+v", findings)
	}
}

func TestMembersSeeHowFarForwardingHasCome(t *testing.T) {
	c := newChain(t)
	x := c.text()
	if x.shown() != nil {
		t.Error("something is said of what nobody prepared")
	}
	x.takeAll(prepare, approve, forward, unknown)
	f := x.shown()
	if f.Prepared != c.two.id || f.Approved != c.one.id || f.Draft != x.draft.describe().Digest || f.Item != x.item.describe().Digest ||
		f.Outcome != x.outcome.describe().Digest || f.Day.String() != "2026-11-24" || f.Seq == 0 {
		t.Errorf("got %+v", f)
	}
	list, err := c.ask(c.one, c.statement(c.one, accesslog.List, ""))
	must(t, err)
	if len(list.Cases) != 1 || list.Cases[0].Forward == nil || *list.Cases[0].Forward != *f {
		t.Errorf("the list says %+v, the case %+v", list.Cases[0].Forward, f)
	}
	opened, err := c.ask(c.two, c.statement(c.two, accesslog.Open, x.of))
	must(t, err)
	for _, o := range []object{x.draft, x.item, x.outcome} {
		if !bytes.Equal(opened.objects[o.describe().Digest], o.data) {
			t.Errorf("the %s didn't come with the case", o.role)
		}
	}
	var told []string
	for _, e := range opened.Case.Access {
		if e.Action != accesslog.Open {
			told = append(told, fmt.Sprint(e.Member, " ", e.Action, " ", e.Result, " ", len(e.Objects), " ", e.Item == f.Draft, " ", e.Item == f.Item))
		}
	}
	if want := []string{
		"penelaah-dua prepare-forward  1 false false", "penelaah-satu approve-forward  1 true false",
		"penerus forward  0 false true", "penerus outcome unknown 1 false true",
	}; !slices.Equal(told, want) {
		t.Errorf("the case tells of\n%q, want\n%q", told, want)
	}
	// A new draft begins anew.
	x.takeAll(dropped, prepare)
	if f := x.shown(); f.Approved != "" || !f.Item.IsZero() || !f.Outcome.IsZero() || f.Draft != x.draft.describe().Digest {
		t.Errorf("of a new draft it is said %+v", f)
	}
}

func TestForwarderCollectsWhatWasApproved(t *testing.T) {
	c := newChain(t)
	at := map[accesslog.Stage]*text{}
	for stage, way := range ways {
		at[stage] = c.text().takeAll(way...)
	}
	tried := c.text().takeAll(prepare, approve, forward, waiting)
	got, err := c.ask(c.forward, c.statement(c.forward, accesslog.Collect, ""))
	must(t, err)
	r, err := accesslog.ParseRecord(got.Proof.Record)
	must(t, err)
	if len(got.Items) != 5 || r.Count != 5 || !r.Cover.IsNone() || got.Case != nil || len(got.Cases) != 0 {
		t.Errorf("got %d items, counted %d", len(got.Items), r.Count)
	}
	wanted, objects := map[id.Case]*text{tried.of: tried}, 0
	for _, stage := range []accesslog.Stage{"approved", "sending", "sent", "unknown"} {
		wanted[at[stage].of] = at[stage]
	}
	for _, i := range got.Items {
		x := wanted[i.Case]
		if x == nil {
			t.Errorf("got what is %s", i.State)
			continue
		}
		objects++
		if !bytes.Equal(got.objects[i.Item], x.item.data) || i.Item != x.item.describe().Digest || i.Approved != c.one.id || i.Prepared != c.two.id {
			t.Errorf("what is %s didn't come as it was approved: %+v", i.State, i)
		}
		if i.Outcome.IsZero() != (x.outcome.data == nil) {
			t.Errorf("what is %s has the outcome %s", i.State, i.Outcome)
		} else if !i.Outcome.IsZero() {
			objects++
			if !bytes.Equal(got.objects[i.Outcome], x.outcome.data) {
				t.Errorf("the newest outcome of what is %s didn't come", i.State)
			}
		}
	}
	if len(got.objects) != objects {
		t.Errorf("%d objects came, want %d: no draft, no wrap, nothing of other cases", len(got.objects), objects)
	}
	waiting, err := c.desk.Outbox(t.Context())
	must(t, err)
	if waiting.Waiting != 4 {
		t.Errorf("%d wait, want what is approved, sending and unknown", waiting.Waiting)
	}
	numbers := c.numbers()
	for stage := range ways {
		want := 1.0
		if stage == "approved" {
			want = 2
		}
		if stage != "" && numbers["suluh_outbox_items "+string(stage)] != want {
			t.Errorf("metrics say %v are %s, want %v", numbers["suluh_outbox_items "+string(stage)], stage, want)
		}
	}
}

func TestWhoMayNotForward(t *testing.T) {
	c := newChain(t)
	try := func(name string, x *text, m *member, s step, want error) {
		t.Helper()
		before := x.stage()
		if err := x.by(m, s); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", name, err, want)
		}
		if after := x.stage(); after != before {
			t.Errorf("%s: it was %q and is %q", name, before, after)
		}
	}
	fresh, ready := c.text(), c.text().takeAll(prepare)
	for _, m := range []*member{c.auditor, c.boss, c.sheet, c.forward} {
		try("prepare by "+string(m.id), fresh, m, prepare, membersock.ErrRole)
		try("approve by "+string(m.id), ready, m, approve, membersock.ErrRole)
		try("decide by "+string(m.id), ready, m, dropped, membersock.ErrRole)
	}
	try("prepare without a key", fresh, c.other, prepare, membersock.ErrNoWrap)
	try("approve without a key", ready, c.other, approve, membersock.ErrNoWrap)
	try("approve by who is no approver", ready, c.two, approve, membersock.ErrRole)
	try("decide by who is no approver", ready, c.two, returned, membersock.ErrRole)
	own := c.text()
	must(t, own.by(c.one, prepare))
	try("approve one's own", own, c.one, approve, membersock.ErrSelf)
	try("approve one's own alone, where two are wanted", own, c.one, alone, membersock.ErrRole)

	approved := c.text().takeAll(prepare, approve)
	for _, m := range []*member{c.one, c.two, c.boss, c.auditor} {
		try("forward by "+string(m.id), approved, m, forward, membersock.ErrRole)
		try("outcome by "+string(m.id), approved, m, stopped, membersock.ErrRole)
		if _, err := c.ask(m, c.statement(m, accesslog.Collect, "")); !errors.Is(err, membersock.ErrRole) {
			t.Errorf("collect by %s: %v", m.id, err)
		}
	}
	try("forward what wasn't approved", ready, c.forward, forward, membersock.ErrState)
	try("outcome of what wasn't approved", ready, c.forward, sent, membersock.ErrState)
	for _, a := range []accesslog.Action{accesslog.Open, accesslog.Export} {
		if _, err := c.ask(c.forward, c.statement(c.forward, a, approved.of)); !errors.Is(err, membersock.ErrRole) {
			t.Errorf("%s by a forwarder: %v", a, err)
		}
	}
	if _, err := c.ask(c.forward, c.statement(c.forward, accesslog.List, "")); !errors.Is(err, membersock.ErrRole) {
		t.Errorf("list by a forwarder: %v", err)
	}
	// What is named must be what is there.
	other := c.text().takeAll(prepare, approve)
	swapped := *approved
	swapped.item = other.item
	try("forward the item of another case", &swapped, c.forward, forward, membersock.ErrState)
	stale := *ready
	ready.takeAll(prepare)
	try("approve a draft that was replaced", &stale, c.one, approve, membersock.ErrState)
	try("return a draft that was replaced", &stale, c.one, returned, membersock.ErrState)
	old := *approved
	approved.takeAll(dropped, prepare, approve)
	try("forward an item that was replaced", &old, c.forward, forward, membersock.ErrState)

	c.change(func(r *roster.Roster) {
		i := slices.IndexFunc(r.Members, func(m roster.Member) bool { return m.ID == c.forward.id })
		r.Members[i].Removed = &r.Day
	})
	try("forward by who was removed", approved, c.forward, forward, membersock.ErrMember)
	must(t, approved.by(c.forward2, forward))
}

func TestAUnitMayLetOnePersonApprove(t *testing.T) {
	c := newChain(t)
	c.change(func(r *roster.Roster) { r.Units[0].Alone = true })
	x := c.text()
	must(t, x.by(c.one, prepare))
	want(t, x.by(c.one, approve), membersock.ErrSelf) // the record would say that two were there
	must(t, x.by(c.one, alone))
	if f := x.shown(); f.State != "approved" || f.Prepared != f.Approved {
		t.Errorf("got %+v", f)
	}
	y := c.text().takeAll(prepare)
	want(t, y.by(c.one, alone), membersock.ErrSelf)
	must(t, y.by(c.one, approve))
	c.change(func(r *roster.Roster) { r.Units[0].Alone = false })
	z := c.text()
	must(t, z.by(c.one, prepare))
	want(t, z.by(c.one, alone), membersock.ErrRole)
}

func TestOneOfTwoForwardersSends(t *testing.T) {
	c := newChain(t)
	for range 20 {
		x := c.text().takeAll(prepare, approve)
		errs := make([]error, 2)
		var both sync.WaitGroup
		for i, m := range []*member{c.forward, c.forward2} {
			st := c.statement(m, accesslog.Forward, x.of)
			st.Item = x.item.describe().Digest
			signed, err := st.Sign(m.sign)
			must(t, err)
			both.Go(func() { _, errs[i] = c.act(signed) })
		}
		both.Wait()
		if (errs[0] == nil) == (errs[1] == nil) || !errors.Is(errors.Join(errs...), membersock.ErrState) {
			t.Fatalf("got %v, want that one of them sends", errs)
		}
	}
}

func TestAForwardersStatementServesOnce(t *testing.T) {
	c := newChain(t)
	x := c.text().takeAll(prepare, approve)
	st := c.statement(c.forward, accesslog.Forward, x.of)
	st.Item = x.item.describe().Digest
	signed, err := st.Sign(c.forward.sign)
	must(t, err)
	a, err := c.act(signed)
	must(t, err)
	if got := *a.Case; got.Case != x.of || !got.Wrap.IsZero() || len(got.Objects)+len(got.Readers)+len(got.Access) > 0 || got.Forward != nil || len(a.objects) > 0 {
		t.Errorf("a forwarder is told of the case: %+v", got)
	}
	r, err := accesslog.ParseRecord(a.Proof.Record)
	must(t, err)
	if r.Cover.Approval == 0 || r.Cover.Approval >= r.Seq {
		t.Errorf("the record is covered by %q, want the approval", r.Cover)
	}
	must(t, x.take(waiting)) // so that it could be sent again
	_, err = c.act(signed)
	want(t, err, membersock.ErrReplay)
	if x.stage() != "approved" {
		t.Errorf("it is %s", x.stage())
	}
}

// TestAnOutcomeReachesTheReporter: sealed by the forwarder, found by the code, and
// gone once the reporter wants it to be.
func TestAnOutcomeReachesTheReporter(t *testing.T) {
	c := newChain(t)
	p := newParcel(0, c.one.id, c.two.id)
	_, err := c.send(p)
	must(t, err)
	x := (&text{c: c, of: p.of}).takeAll(prepare, approve, forward)
	answer, copied := object{id.RoleAnswer, sealed(500)}, object{id.RoleCopy, sealed(500)}
	must(t, x.take(sent, answer, copied))
	must(t, x.take(news)) // of which the reporter is not told
	found, err := c.deposit.Lookup(t.Context(), p.lookup)
	must(t, err)
	if !bytes.Equal(found.Bytes[answer.describe().Digest], answer.data) || len(found.Bytes) != 2 {
		t.Fatalf("the reporter finds %d objects, want the card and the answer", len(found.Bytes))
	}
	_, err = c.destroy(p, answer.describe().Digest)
	must(t, err)
	found, err = c.deposit.Lookup(t.Context(), p.lookup)
	must(t, err)
	for _, o := range found.Objects {
		if o.Role == id.RoleAnswer && (o.Destroyed == nil || !o.Destroyed.Status) {
			t.Errorf("of the answer that told the status it is said %+v", o.Destroyed)
		}
	}
	_, err = c.control.Batch(t.Context())
	must(t, err)
}

func TestTriageSetsTheState(t *testing.T) {
	c := newChain(t)
	x := c.text()
	state, note := object{id.RoleState, sealed(700)}, object{id.RoleNote, sealed(700)}
	triage := func(m *member, objects ...object) error {
		st := c.statement(m, accesslog.Triage, x.of)
		for _, o := range objects {
			st.Objects = append(st.Objects, o.describe())
		}
		_, err := c.ask(m, st, objects...)
		return err
	}
	want(t, triage(c.other, state), membersock.ErrNoWrap)
	want(t, triage(c.auditor, state), membersock.ErrRole)
	want(t, triage(c.one, state, object{id.RoleDraft, sealed(100)}), membersock.ErrBad)
	must(t, triage(c.one, state, note))
	list, err := c.ask(c.one, c.statement(c.one, accesslog.List, ""))
	must(t, err)
	if list.Cases[0].State != state.describe().Digest {
		t.Error("the state is not that of the triage")
	}
}

// referral hands a case to a unit, with a wrap for each reader.
func (c *chain) referral(m *member, of id.Case, to id.Unit, ends bool, readers ...id.Member) (wraps []object, err error) {
	c.t.Helper()
	st := c.statement(m, accesslog.Refer, of)
	st.Refer = accesslog.Referral{Unit: to, Ends: ends, Readers: readers}
	handed := []object{{id.RoleState, sealed(600)}}
	for range readers {
		wraps = append(wraps, object{id.RoleWrap, sealed(100)})
	}
	handed = append(handed, wraps...)
	for _, o := range handed {
		st.Objects = append(st.Objects, o.describe())
	}
	got, err := c.ask(m, st, handed...)
	if err == nil && ends && !got.Case.Wrap.IsZero() {
		c.t.Error("who has no access any more is told of a key")
	}
	return wraps, err
}

func TestACaseIsReferred(t *testing.T) {
	sheetOf := id.RecoveryOf
	for _, ends := range []bool{false, true} {
		for _, batch := range []bool{false, true} { // before and after the deposit is in the log
			t.Run(fmt.Sprintf("ends %t batch %t", ends, batch), func(t *testing.T) {
				c := newChain(t)
				p := newParcel(0, c.one.id, sheetOf("itprov"))
				_, err := c.send(p)
				must(t, err)
				opens := func(m *member, want error) {
					t.Helper()
					if _, err := c.ask(m, c.statement(m, accesslog.Open, p.of)); !errors.Is(err, want) {
						t.Errorf("opened by %s: got %v, want %v", m.id, err, want)
					}
				}
				grant := func(by *member, to id.Member) (object, error) {
					wrap := object{id.RoleWrap, sealed(100)}
					st := c.statement(by, accesslog.Grant, p.of)
					st.To, st.Objects = to, []id.Object{wrap.describe()}
					_, err := c.ask(by, st, wrap)
					return wrap, err
				}
				granted, err := grant(c.one, c.two.id)
				must(t, err)
				st := c.statement(c.one, accesslog.Assign, p.of)
				st.To = c.two.id
				_, err = c.ask(c.one, st)
				must(t, err)
				opens(c.two, nil)
				opens(c.sheet, nil)
				opens(c.other, membersock.ErrNoWrap)
				if batch {
					_, err = c.control.Batch(t.Context())
					must(t, err)
				}
				wraps, err := c.referral(c.one, p.of, "itjen", ends, c.other.id, sheetOf("itjen"))
				must(t, err)
				opens(c.other, nil)
				opens(c.keeper, nil)
				view, err := c.ask(c.other, c.statement(c.other, accesslog.Open, p.of))
				must(t, err)
				if !bytes.Equal(view.objects[view.Case.Wrap], wraps[0].data) {
					t.Error("the new reader got another key than was made for him")
				}
				i := slices.IndexFunc(view.Case.Access, func(e membersock.AccessEntry) bool { return e.Action == accesslog.Refer })
				if e := view.Case.Access[i]; e.Unit != "itjen" || e.Ends != ends || len(e.Objects) != 1 || e.Objects[0].Role != id.RoleState {
					t.Errorf("the case tells of %+v", e)
				}
				if r, err := accesslog.ParseRecord(view.Proof.Record); err != nil || r.Cover.Grant != view.Case.Access[i].Seq {
					t.Errorf("covered by %q, %v; want the referral", r.Cover, err)
				}
				var lost error
				if ends {
					lost = membersock.ErrNoWrap
				}
				for _, m := range []*member{c.one, c.two, c.sheet} {
					opens(m, lost)
				}
				if want := []id.Member{c.other.id, sheetOf("itjen")}; ends && !slices.Equal(view.Case.Readers, want) {
					t.Errorf("readers are %v, want %v", view.Case.Readers, want)
				}
				if (view.Case.Assigned == "") != ends {
					t.Errorf("%q is responsible", view.Case.Assigned)
				}
				for _, gone := range [][]byte{p.wraps[0].Data, p.wraps[1].Data, granted.data} {
					if c.contains(gone) == ends {
						t.Errorf("a key of the first unit is in the vault's files: %t", c.contains(gone))
					}
				}
				// Who has access may give it again.
				if ends {
					_, err = grant(c.one, c.two.id)
					want(t, err, membersock.ErrNoWrap)
					_, err = grant(c.other, c.two.id)
					must(t, err)
					opens(c.two, nil)
					opens(c.one, membersock.ErrNoWrap)
				}
				// And back: what the deposit gave first stays gone.
				_, err = c.referral(c.other, p.of, "itprov", true, c.one.id)
				must(t, err)
				opens(c.one, nil)
				opens(c.other, membersock.ErrNoWrap)
				opens(c.keeper, membersock.ErrNoWrap)
				_, err = c.control.Batch(t.Context())
				must(t, err)
				opens(c.one, nil)
			})
		}
	}
}

func TestAReferralToTheWrongPeopleIsRefused(t *testing.T) {
	c := newChain(t)
	p := newParcel(0, c.one.id)
	_, err := c.send(p)
	must(t, err)
	c.change(func(r *roster.Roster) {
		r.Units = append(r.Units, roster.Unit{ID: "kosong", Name: map[string]string{"id": "Unit tanpa lembar"}})
	})
	for name, x := range map[string]struct {
		by      *member
		unit    id.Unit
		readers []id.Member
		want    error
	}{
		"by who has no key":                 {c.two, "itjen", []id.Member{c.other.id}, membersock.ErrNoWrap},
		"by an auditor":                     {c.auditor, "itjen", []id.Member{c.other.id}, membersock.ErrRole},
		"by an approver who reads nothing":  {c.boss, "itjen", []id.Member{c.other.id}, membersock.ErrRole},
		"by a custodian":                    {c.sheet, "itjen", []id.Member{c.other.id}, membersock.ErrRole},
		"by a forwarder":                    {c.forward, "itjen", []id.Member{c.other.id}, membersock.ErrRole},
		"to a reader of another unit":       {c.one, "itjen", []id.Member{c.other.id, c.two.id}, membersock.ErrRole},
		"to who is no reader":               {c.one, "itjen", []id.Member{c.other.id, c.keeper.id}, membersock.ErrRole},
		"to nobody known":                   {c.one, "itjen", []id.Member{"siapa-saja"}, membersock.ErrRole},
		"to another unit's recovery sheet":  {c.one, "itjen", []id.Member{c.other.id, "recovery-itprov"}, membersock.ErrRole},
		"to a unit that isn't there":        {c.one, "tidak-ada", []id.Member{c.other.id}, membersock.ErrRole},
		"to a recovery sheet that's absent": {c.one, "kosong", []id.Member{c.one.id, "recovery-kosong"}, membersock.ErrRole},
	} {
		if _, err := c.referral(x.by, p.of, x.unit, true, x.readers...); !errors.Is(err, x.want) {
			t.Errorf("%s: got %v, want %v", name, err, x.want)
		}
	}
	got, err := c.ask(c.one, c.statement(c.one, accesslog.Open, p.of))
	must(t, err)
	if len(got.Case.Readers) != 1 {
		t.Errorf("readers are %v", got.Case.Readers)
	}
}

// TestNobodyKnowsWhatWasSentAfterTheBackup: a vault that was restored may have
// sent since what its backup says is approved.
func TestNobodyKnowsWhatWasSentAfterTheBackup(t *testing.T) {
	c := newChain(t)
	at := map[accesslog.Stage]*text{}
	for stage, way := range ways {
		at[stage] = c.text().takeAll(way...)
	}
	c.stop()
	day, err := id.ParseDay("2026-11-24")
	must(t, err)
	must(t, vault.MarkRestored(c.dir, day))
	c.start(vault.Config{})
	want(t, at["approved"].take(forward), membersock.ErrRestored)
	_, err = c.ask(c.forward, c.statement(c.forward, accesslog.Collect, ""))
	want(t, err, membersock.ErrRestored)
	r, err := c.vault.GoOn(t.Context(), nil, "uji: penyimpanan rusak dan diganti")
	must(t, err)
	for stage, x := range at {
		to := stage
		if stage == "approved" || stage == "sending" {
			to = "unknown"
			if f := x.shown(); f.Seq != r.Lost.N {
				t.Errorf("what was %s is so since record %d, want that of the restore", stage, f.Seq)
			}
		}
		if got := x.stage(); got != to {
			t.Errorf("what was %q is %q", stage, got)
		}
	}
	want(t, at["approved"].take(forward), membersock.ErrState)
	at["approved"].takeAll(again, forward)
	must(t, at["sending"].take(sent))
	got, err := c.ask(c.forward, c.statement(c.forward, accesslog.Collect, ""))
	must(t, err)
	if len(got.Items) != 4 {
		t.Errorf("got %d items", len(got.Items))
	}
	findings, err := vault.Examine(t.Context(), c.dir, c.clock.Now())
	must(t, err)
	if len(findings) > 0 {
		t.Errorf("doctor finds %+v", findings)
	}
}

func TestDoctorComparesTheOutboxWithTheLog(t *testing.T) {
	for name, harm := range map[string]string{
		"UPDATE outbox SET state = 'approved' WHERE state = 'prepared'": "forwarding of case K-",
		"UPDATE outbox SET item = randomblob(32) WHERE state = 'sent'":  "forwarding of case K-",
		"UPDATE outbox SET prepared = 'siapa'":                          "forwarding of case K-",
		"DELETE FROM outbox WHERE state = 'sent'":                       "doesn't know that case K-",
		"DELETE FROM objects WHERE role = 'item'":                       "is missing from the store",
	} {
		t.Run(name, func(t *testing.T) {
			c := newChain(t)
			c.text().takeAll(prepare)
			c.text().takeAll(prepare, approve, forward, sent)
			c.stop()
			vault.Exec(t, c.dir, name)
			findings, err := vault.Examine(t.Context(), c.dir, c.clock.Now())
			must(t, err)
			if len(findings) == 0 || !bytes.Contains([]byte(findings[0].What), []byte(harm)) {
				t.Errorf("found %+v, want %q", findings, harm)
			}
		})
	}
}
