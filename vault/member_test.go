package vault_test

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/check"
	"suluh.example/suluh/internal/testkey"
	"suluh.example/suluh/vault"
	"suluh.example/suluh/vault/controlsock"
	"suluh.example/suluh/vault/membersock"
)

func TestMemberListsOpensAndAnswers(t *testing.T) {
	w := newWorld(t, vault.Config{})
	p := newParcel(large, w.one.id)
	_, err := w.send(p)
	must(t, err)

	list, err := w.ask(w.one, w.statement(w.one, accesslog.List, ""))
	must(t, err)
	if len(list.Cases) != 1 || list.Cases[0].Case != p.of || list.Cases[0].Unread != 1 {
		t.Fatalf("got %+v, want the one case with one unread letter", list.Cases)
	}
	if !bytes.Equal(list.objects[list.Cases[0].Wrap], p.wraps[0].Data) {
		t.Fatal("the wrap didn't come with the list")
	}
	if none, err := w.ask(w.two, w.statement(w.two, accesslog.List, "")); err != nil || len(none.Cases) != 0 {
		t.Fatalf("who has no wrap was told of %d cases, error %v", len(none.Cases), err)
	}

	open, err := w.ask(w.one, w.statement(w.one, accesslog.Open, p.of))
	must(t, err)
	content, letter := p.objects[0].describe(), p.objects[1].describe()
	if open.objects[letter.Digest] == nil || open.objects[content.Digest] != nil {
		t.Fatal("opening a case brings its letter and not its files")
	}
	s := w.statement(w.one, accesslog.Open, p.of)
	s.Objects = []id.Object{content}
	file, err := w.ask(w.one, s)
	must(t, err)
	if !bytes.Equal(file.objects[content.Digest], p.objects[0].data) {
		t.Fatal("the file didn't come when it was asked for")
	}

	answer, state := object{id.RoleAnswer, sealed(500)}, object{id.RoleState, sealed(600)}
	s = w.statement(w.one, accesslog.Reply, p.of)
	s.Objects = []id.Object{answer.describe(), state.describe()}
	_, err = w.ask(w.one, s, answer, state)
	must(t, err)
	found, err := w.deposit.Lookup(t.Context(), p.lookup)
	must(t, err)
	if !bytes.Equal(found.Bytes[answer.describe().Digest], answer.data) || found.Bytes[state.describe().Digest] != nil {
		t.Fatal("the reporter gets the answer, and not the state")
	}
}

// TestWhatWasOpenedInVainIsUnread: who opened a case and got nothing to read says so,
// with the statement that only he has, and only of his last opening.
func TestWhatWasOpenedInVainIsUnread(t *testing.T) {
	w := newWorld(t, vault.Config{})
	p := newParcel(large, w.one.id)
	_, err := w.send(p)
	must(t, err)
	unread := func() int {
		t.Helper()
		list, err := w.ask(w.one, w.statement(w.one, accesslog.List, ""))
		must(t, err)
		return list.Cases[0].Unread
	}
	do := func(a accesslog.Action, objects ...object) []byte {
		t.Helper()
		s := w.statement(w.one, a, p.of)
		for _, o := range objects {
			s.Objects = append(s.Objects, o.describe())
		}
		got, err := w.ask(w.one, s, objects...)
		must(t, err)
		r, err := accesslog.ParseRecord(got.Proof.Record)
		must(t, err)
		return r.Statement
	}
	first := do(accesslog.Open)
	if n := unread(); n != 0 {
		t.Fatalf("%d unread, though the case was opened", n)
	}
	for range 2 { // saying it twice says no more
		must(t, w.desk.Unread(t.Context(), first))
		if n := unread(); n != 1 {
			t.Errorf("%d unread after an opening in vain", n)
		}
	}
	do(accesslog.Open)
	if err := w.desk.Unread(t.Context(), first); !errors.Is(err, membersock.ErrStale) || unread() != 0 {
		t.Errorf("of an earlier opening than the last: %v", err)
	}
	note := do(accesslog.Note, object{id.RoleNote, sealed(500)}, object{id.RoleState, sealed(600)})
	must(t, w.desk.Unread(t.Context(), do(accesslog.Open)))
	if n := unread(); n != 1 {
		t.Errorf("%d unread of two, one of which was read before", n)
	}
	last := do(accesslog.Open)
	for what, statement := range map[string][]byte{"a note": note, "no statement": []byte("x")} {
		if err := w.desk.Unread(t.Context(), statement); !errors.Is(err, membersock.ErrBad) && !errors.Is(err, membersock.ErrMember) {
			t.Errorf("%s: %v", what, err)
		}
	}
	forged := w.statement(w.one, accesslog.Open, p.of)
	signed, err := forged.Sign(w.two.sign)
	must(t, err)
	if err := w.desk.Unread(t.Context(), signed); !errors.Is(err, membersock.ErrMember) {
		t.Errorf("signed by another: %v", err)
	}
	unsent, err := forged.Sign(w.one.sign)
	must(t, err)
	if err := w.desk.Unread(t.Context(), unsent); !errors.Is(err, membersock.ErrStale) {
		t.Errorf("of an opening that never was: %v", err)
	}
	w.clock.forward(6 * time.Minute)
	if err := w.desk.Unread(t.Context(), last); !errors.Is(err, membersock.ErrStale) || unread() != 0 {
		t.Errorf("six minutes later: %v", err)
	}
}

// TestListsDoNotTellWhenAReportCame: records have the second, so what they count
// must not change with a deposit before the day is over.
func TestListsDoNotTellWhenAReportCame(t *testing.T) {
	w := newWorld(t, vault.Config{})
	count := func() (told int, counted int64) {
		a, err := w.ask(w.one, w.statement(w.one, accesslog.List, ""))
		must(t, err)
		r, err := accesslog.ParseRecord(a.Proof.Record)
		must(t, err)
		return len(a.Cases), r.Count
	}
	p := newParcel(0, w.one.id)
	for _, want := range []int{0, 1} {
		if told, counted := count(); told != want || counted != 0 {
			t.Errorf("a list of %d cases, want %d, counts %d, want none of today's", told, want, counted)
		}
		_, err := w.send(p)
		must(t, err)
	}
	w.clock.forward(24 * time.Hour)
	if told, counted := count(); told != 1 || counted != 1 {
		t.Errorf("the day after, a list of %d cases counts %d, want 1", told, counted)
	}
}

func TestAccessIsGivenAndTaken(t *testing.T) {
	w := newWorld(t, vault.Config{})
	p := newParcel(0, w.one.id)
	_, err := w.send(p)
	must(t, err)
	_, err = w.ask(w.two, w.statement(w.two, accesslog.Open, p.of))
	want(t, err, membersock.ErrNoWrap)

	wrap := object{id.RoleWrap, sealed(100)}
	grant := func(to id.Member) error {
		s := w.statement(w.one, accesslog.Grant, p.of)
		s.To, s.Objects = to, []id.Object{wrap.describe()}
		_, err := w.ask(w.one, s, wrap)
		return err
	}
	want(t, grant(w.auditor.id), membersock.ErrRole)
	must(t, grant(w.two.id))
	want(t, grant(w.two.id), membersock.ErrAlready)
	got, err := w.ask(w.two, w.statement(w.two, accesslog.Open, p.of))
	must(t, err)
	r, err := accesslog.ParseRecord(got.Proof.Record)
	must(t, err)
	if r.Cover.Grant == 0 || r.Cover.Grant >= r.Seq {
		t.Fatalf("record %d is covered by %q, want the grant before it", r.Seq, r.Cover)
	}

	revoke := func(by, to *member) error {
		s := w.statement(by, accesslog.Revoke, p.of)
		s.To = to.id
		_, err := w.ask(by, s)
		return err
	}
	want(t, revoke(w.two, w.one), membersock.ErrRole)
	if !w.contains(wrap.data) {
		t.Fatal("the wrap is not there before it is taken away")
	}
	must(t, revoke(w.one, w.two))
	_, err = w.ask(w.two, w.statement(w.two, accesslog.Open, p.of))
	want(t, err, membersock.ErrNoWrap)
	if w.contains(wrap.data) {
		t.Error("a wrap that was taken away is still in a file")
	}
}

func TestStatementsThatAreRefusedAreNotRecorded(t *testing.T) {
	w := newWorld(t, vault.Config{})
	p := newParcel(0, w.one.id)
	_, err := w.send(p)
	must(t, err)
	_, err = w.ask(w.one, w.statement(w.one, accesslog.List, ""))
	must(t, err)
	size := w.one.seen.N

	impostor, _, _ := testkey.New(t, string(w.one.id))
	for name, c := range map[string]struct {
		change func(*accesslog.Statement)
		by     *member
		want   error
	}{
		"too old":           {func(s *accesslog.Statement) { s.Time = s.Time.Add(-5*time.Minute - time.Second) }, w.one, membersock.ErrStale},
		"from the future":   {func(s *accesslog.Statement) { s.Time = s.Time.Add(5*time.Minute + time.Second) }, w.one, membersock.ErrStale},
		"for another log":   {func(s *accesslog.Statement) { s.Log = "suluh.example/lain" }, w.one, membersock.ErrOrigin},
		"a log not so long": {func(s *accesslog.Statement) { s.Seen.N += 1000 }, w.one, membersock.ErrFork},
		"a log that forked": {func(s *accesslog.Statement) { s.Seen.Hash[0] ^= 1 }, w.one, membersock.ErrFork},
		"no such case":      {func(s *accesslog.Statement) { s.Case = id.NewCase() }, w.one, membersock.ErrNoWrap},
		"without a wrap":    {func(*accesslog.Statement) {}, w.two, membersock.ErrNoWrap},
		"by an auditor":     {func(*accesslog.Statement) {}, w.auditor, membersock.ErrRole},
		"by another's key":  {func(*accesslog.Statement) {}, &member{w.one.id, impostor, w.one.seen}, membersock.ErrMember},
		"objects not handed": {func(s *accesslog.Statement) {
			s.Action, s.Objects = accesslog.Reply, []id.Object{p.objects[0].describe()}
		}, w.one, membersock.ErrBad},
		"reply of nothing": {func(s *accesslog.Statement) { s.Action = accesslog.Reply }, w.one, membersock.ErrBad},
	} {
		t.Run(name, func(t *testing.T) {
			s := w.statement(c.by, accesslog.Open, p.of)
			c.change(&s)
			signed, err := s.Sign(c.by.sign)
			must(t, err)
			_, err = w.act(signed)
			want(t, err, c.want)
		})
	}
	again, err := w.statement(w.one, accesslog.Open, p.of).Sign(w.one.sign)
	must(t, err)
	_, err = w.act(again)
	must(t, err)
	_, err = w.act(again)
	want(t, err, membersock.ErrReplay)

	got, err := accesslog.OpenCheckpoint([]byte(w.vault.MemberState().Checkpoint), w.log)
	must(t, err)
	if got.N != size+1 {
		t.Fatalf("the log has %d records, want %d: only what was carried out", got.N, size+1)
	}
}

func TestRemovedMemberGetsNothing(t *testing.T) {
	w := newWorld(t, vault.Config{})
	p := newParcel(0, w.one.id, w.two.id)
	_, err := w.send(p)
	must(t, err)
	w.roster.Version, w.roster.Previous = 2, roster.Digest(w.signed)
	day := w.roster.Day
	i := slices.IndexFunc(w.roster.Members, func(m roster.Member) bool { return m.ID == w.two.id })
	w.roster.Members[i].Removed = &day
	w.install()
	_, err = w.ask(w.two, w.statement(w.two, accesslog.List, ""))
	want(t, err, membersock.ErrMember)
	_, err = w.ask(w.one, w.statement(w.one, accesslog.Open, p.of))
	must(t, err)
}

func TestRosterThatMayNotFollowIsRefused(t *testing.T) {
	w := newWorld(t, vault.Config{})
	state := w.vault.MemberState()
	foreign, _, _ := testkey.New(t, origin+"/root")
	w.roster.Version, w.roster.Previous = 2, roster.Digest(w.signed)
	byOther, err := w.roster.Sign(foreign)
	must(t, err)
	w.roster.Version = 3
	skips, err := w.roster.Sign(w.root)
	must(t, err)
	for name, signed := range map[string][]byte{"by another root": byOther, "skips a version": skips, "the same again": w.signed, "nothing": nil} {
		want(t, w.control.InstallRoster(t.Context(), signed), controlsock.ErrRoster)
		if w.vault.MemberState() != state {
			t.Fatalf("%s: the roster or the log changed", name)
		}
	}
}

// TestTilesBeyondTheLogAreNotThere: also those whose first record no number
// tells any more.
func TestTilesBeyondTheLogAreNotThere(t *testing.T) {
	w := newWorld(t, vault.Config{})
	for _, n := range []int64{1, 1 << 20, 1 << 55, 1 << 56, 1<<62 - 1, 1<<63 - 1} {
		for _, level := range []int{-1, 0, 1, 7} {
			for _, width := range []int{1, accesslog.TileWidth} {
				path := accesslog.TilePath(tlog.Tile{H: accesslog.TileHeight, L: level, N: n, W: width})
				if _, err := w.vault.LogFile(t.Context(), path); !errors.Is(err, os.ErrNotExist) {
					t.Errorf("%s: got %v, want none", path, err)
				}
			}
		}
	}
}

func TestSecondVaultOnOneDirectory(t *testing.T) {
	w := newWorld(t, vault.Config{})
	_, err := vault.Open(t.Context(), vault.Config{Dir: w.dir})
	want(t, err, vault.ErrRunning)
	_, err = w.send(newParcel(0, w.one.id)) // the first goes on
	must(t, err)
}

func TestCustodianGivesAccessAgain(t *testing.T) {
	w := newWorld(t, vault.Config{})
	p := newParcel(0, w.one.id, id.RecoveryOf("itprov"))
	_, err := w.send(p)
	must(t, err)
	_, err = w.send(newParcel(0, w.one.id)) // without the sheet
	must(t, err)
	list, err := w.ask(w.sheet, w.statement(w.sheet, accesslog.List, ""))
	must(t, err)
	if len(list.Cases) != 1 || !bytes.Equal(list.objects[list.Cases[0].Wrap], p.wraps[1].Data) {
		t.Fatalf("the custodian got %d cases, want the one that the sheet opens", len(list.Cases))
	}
	open, err := w.ask(w.sheet, w.statement(w.sheet, accesslog.Open, p.of))
	must(t, err)
	if !bytes.Equal(open.objects[open.Case.Wrap], p.wraps[1].Data) {
		t.Fatal("the wrap for the sheet didn't come")
	}
	note := object{id.RoleNote, sealed(100)}
	s := w.statement(w.sheet, accesslog.Note, p.of)
	s.Objects = []id.Object{note.describe()}
	_, err = w.ask(w.sheet, s, note)
	want(t, err, membersock.ErrRole)

	wrap := object{id.RoleWrap, sealed(100)}
	s = w.statement(w.sheet, accesslog.Grant, p.of)
	s.To, s.Objects = w.two.id, []id.Object{wrap.describe()}
	_, err = w.ask(w.sheet, s, wrap)
	must(t, err)
	got, err := w.ask(w.two, w.statement(w.two, accesslog.Open, p.of))
	must(t, err)
	if !bytes.Equal(got.objects[got.Case.Wrap], wrap.data) {
		t.Fatal("who was given access again didn't get the key")
	}
	_, err = w.control.Batch(t.Context()) // the cover is checked against the deposit
	must(t, err)
}

// TestRevokedMemberWithTheSheet: a revocation takes the member's own key. What
// the recovery sheet still opens is the unit's, and an access with it stays a
// record like any other: it must not make the log fail its check.
func TestRevokedMemberWithTheSheet(t *testing.T) {
	w := newWorld(t, vault.Config{})
	p := newParcel(0, w.one.id, id.RecoveryOf("itprov"))
	_, err := w.send(p)
	must(t, err)
	for _, batch := range []bool{false, true} { // before and after the deposit is in the log
		s := w.statement(w.boss, accesslog.Revoke, p.of)
		s.To = w.sheet.id
		_, err = w.ask(w.boss, s)
		must(t, err)
		_, err = w.ask(w.sheet, w.statement(w.sheet, accesslog.Open, p.of))
		must(t, err)
		if !batch {
			_, err = w.control.Batch(t.Context())
			must(t, err)
		}
	}
}

func TestApproverTakesAccessWithoutHavingIt(t *testing.T) {
	w := newWorld(t, vault.Config{})
	p := newParcel(0, w.one.id, w.two.id)
	_, err := w.send(p)
	must(t, err)
	_, err = w.ask(w.boss, w.statement(w.boss, accesslog.Open, p.of))
	want(t, err, membersock.ErrRole)
	s := w.statement(w.boss, accesslog.Revoke, p.of)
	s.To = w.two.id
	got, err := w.ask(w.boss, s)
	must(t, err)
	if len(got.objects) > 0 || len(got.Case.Objects) > 0 || len(got.Case.Readers) > 0 {
		t.Fatal("the approver was told of a case that he may not read")
	}
	_, err = w.ask(w.two, w.statement(w.two, accesslog.Open, p.of))
	want(t, err, membersock.ErrNoWrap)
	_, err = w.ask(w.one, w.statement(w.one, accesslog.Open, p.of))
	must(t, err)
}

func TestClockThatIsSetBackLeavesTheLogSound(t *testing.T) {
	w := newWorld(t, vault.Config{})
	list := func() error {
		_, err := w.ask(w.one, w.statement(w.one, accesslog.List, ""))
		return err
	}
	must(t, list())
	w.clock.forward(-time.Minute)
	must(t, list())
	w.stop()
	w.start(vault.Config{})
	must(t, list())
	w.clock.forward(-time.Hour)
	want(t, list(), membersock.ErrStale)
}

// TestWhoReadsAndHoldsTheSheetActsUnderEither: whose own access is taken away
// on the day of the report may still open it with the unit's sheet, and the log
// verifies before and after the batch.
func TestWhoReadsAndHoldsTheSheetActsUnderEither(t *testing.T) {
	w := newWorld(t, vault.Config{})
	for i := range w.roster.Members {
		if w.roster.Members[i].ID == w.one.id {
			w.roster.Members[i].Roles = append(w.roster.Members[i].Roles, roster.Custodian)
		}
	}
	w.roster.Version, w.roster.Previous = 2, roster.Digest(w.signed)
	w.install()
	p := newParcel(0, w.one.id, w.two.id, id.RecoveryOf("itprov"))
	_, err := w.send(p)
	must(t, err)
	_, err = w.ask(w.one, w.statement(w.one, accesslog.Open, p.of))
	must(t, err)
	revoke := w.statement(w.boss, accesslog.Revoke, p.of)
	revoke.To = w.one.id
	_, err = w.ask(w.boss, revoke)
	must(t, err)
	_, err = w.ask(w.one, w.statement(w.one, accesslog.Open, p.of))
	must(t, err)
	_, err = check.Verify(t.Context(), w.vault.LogFile, w.log)
	must(t, err)
	_, err = w.vault.Batch(t.Context())
	must(t, err)
	_, err = check.Verify(t.Context(), w.vault.LogFile, w.log)
	must(t, err)
}

// TestManyAtOnceWithBadOnesAmongThem: those are refused, and nobody else.
func TestManyAtOnceWithBadOnesAmongThem(t *testing.T) {
	w := newWorld(t, vault.Config{})
	stranger, _, _ := testkey.New(t, string(w.one.id))
	const each = 40
	size := func() int64 {
		tree, err := accesslog.OpenCheckpoint([]byte(w.vault.MemberState().Checkpoint), w.log)
		must(t, err)
		return tree.N
	}
	before := size()
	var asked sync.WaitGroup
	for i := range 2 * each {
		s := w.statement(w.one, accesslog.List, "")
		by := w.one.sign
		if i%2 == 1 {
			by = stranger
		}
		signed, err := s.Sign(by)
		must(t, err)
		asked.Go(func() {
			a, err := w.desk.Act(t.Context(), signed, nil, nil)
			if i%2 == 1 {
				if !errors.Is(err, membersock.ErrMember) {
					t.Errorf("number %d, which is signed by another: %v", i, err)
				}
			} else if err != nil {
				t.Errorf("number %d: %v", i, err)
			} else if err := a.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	asked.Wait()
	if after := size(); after != before+each {
		t.Errorf("%d records, want %d", after-before, each)
	}
}
