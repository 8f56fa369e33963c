package member_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/tlog"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/keyfile"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/crypto/seal"
	"suluh.example/suluh/internal/check"
	"suluh.example/suluh/internal/member"
	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/internal/testvault"
	"suluh.example/suluh/vault"
	"suluh.example/suluh/vault/frame"
	"suluh.example/suluh/vault/membersock"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func config(t *testing.T, w *testvault.World, m id.Member) member.Config {
	t.Helper()
	clock, err := report.DefaultClock()
	must(t, err)
	return member.Config{Vault: w.Member, Identity: w.Who[m], Root: w.Root, Clock: clock}
}

func open(t *testing.T, c member.Config) *member.Session {
	t.Helper()
	s, err := member.Open(t.Context(), c)
	must(t, err)
	t.Cleanup(s.Close)
	return s
}

func list(t *testing.T, s *member.Session) []member.Item {
	t.Helper()
	items, err := s.List(t.Context())
	must(t, err)
	return items
}

// only returns the one case that a member sees.
func only(t *testing.T, s *member.Session) id.Case {
	t.Helper()
	items := list(t, s)
	if len(items) != 1 {
		t.Fatalf("%d cases, want one", len(items))
	}
	return items[0].Case
}

// TestTheWholeJourney is what an investigator does with a case, from the list
// to the end, with the reporter on the other side.
func TestTheWholeJourney(t *testing.T) {
	w := testvault.New(t)
	evidence := bytes.Repeat([]byte("bukti\x00"), 50_000)
	f := testvault.Form("itprov", testvault.Two)
	code := w.Send(f, testvault.File{Name: "../../bukti.xlsx", Type: "application/zip", Data: evidence})
	s := open(t, config(t, w, testvault.One))

	items := list(t, s)
	if len(items) != 1 {
		t.Fatalf("%d cases", len(items))
	}
	i := items[0]
	if i.Err != nil || i.Title != f.Report.What || i.Category != "korupsi" || i.Status != report.Received || i.Unit != "itprov" ||
		i.Files != 1 || i.Unread != 1 || i.Day != w.Day || i.Due.IsZero() || !slices.Contains(i.Readers, testvault.One) || !slices.Contains(i.Without, testvault.Two) {
		t.Errorf("listed: %+v", i)
	}
	c, err := s.Open(t.Context(), i.Case)
	must(t, err)
	if len(c.Messages) != 1 || c.Messages[0].Letter == nil || c.Messages[0].Letter.Report == nil || *c.Messages[0].Letter.Report != f.Report || len(c.Unopened) != 0 {
		t.Fatalf("opened: %+v", c)
	}
	if len(c.Attachments) != 1 || c.Attachments[0].Gone || c.Attachments[0].Name != "../../bukti.xlsx" {
		t.Fatalf("attachments: %+v", c.Attachments)
	}
	_, r, err := s.Attachment(t.Context(), i.Case, 1)
	must(t, err)
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, evidence) {
		t.Errorf("attachment: %d bytes, %v", len(got), err)
	}
	must(t, r.Close())
	if _, _, err := s.Attachment(t.Context(), i.Case, 2); !errors.Is(err, member.ErrContent) {
		t.Errorf("no such attachment: %v", err)
	}

	must(t, s.Note(t.Context(), i.Case, member.NewOnce(), "Cocokkan dengan buku kas."))
	must(t, s.Reply(t.Context(), i.Case, member.NewOnce(), "Apakah ada kuitansi?"))
	must(t, s.SetStatus(t.Context(), i.Case, member.NewOnce(), report.Incomplete, "Kami butuh kuitansi."))
	v := w.Look(code)
	if v.Status != report.Incomplete || v.Due.IsZero() || len(v.Messages) != 2 || len(v.Warnings) != 0 {
		t.Errorf("the reporter sees %+v", v)
	}
	for _, m := range v.Messages {
		if strings.Contains(m.Text, "buku kas") {
			t.Error("the reporter sees an internal note")
		}
	}
	w.Say(code, "Saya kirim besok.")
	c, err = s.Open(t.Context(), i.Case)
	must(t, err)
	if len(c.Notes) != 1 || c.Notes[0].By != testvault.One || len(c.Messages) != 4 || c.Status != report.Incomplete {
		t.Errorf("afterwards: %+v", c)
	}
	i = list(t, s)[0]
	if i.Status != report.Incomplete || i.Since != w.Day || i.Due != v.Due || i.Title != f.Report.What || i.Unread != 0 {
		t.Errorf("listed afterwards: %+v", i)
	}

	// Somebody whom nobody gave a key sees nothing.
	if n := len(list(t, open(t, config(t, w, testvault.Three)))); n != 0 {
		t.Errorf("a member of another unit sees %d cases", n)
	}
	_, err = w.Vault.Batch(t.Context())
	must(t, err)
	_, err = check.Verify(t.Context(), w.Vault.LogFile, w.Log)
	must(t, err)
}

func TestGivingAndTakingAccess(t *testing.T) {
	w := testvault.New(t)
	w.Send(testvault.Form("itprov"))
	one, two := open(t, config(t, w, testvault.One)), open(t, config(t, w, testvault.Two))
	of := only(t, one)
	must(t, one.Assign(t.Context(), of, testvault.Two))
	if i := list(t, two)[0]; i.Assigned != testvault.Two {
		t.Errorf("assigned to %q", i.Assigned)
	}
	must(t, one.Revoke(t.Context(), of, testvault.Two))
	if n := len(list(t, two)); n != 0 {
		t.Errorf("sees %d cases after access was taken away", n)
	}
	if _, err := two.Open(t.Context(), of); !errors.Is(err, membersock.ErrNoWrap) {
		t.Errorf("opens a case without access: %v", err)
	}
	if err := one.Assign(t.Context(), of, testvault.Two); !errors.Is(err, member.ErrReader) {
		t.Errorf("assigned to somebody without access: %v", err)
	}
	must(t, one.Grant(t.Context(), of, testvault.Two))
	must(t, one.Grant(t.Context(), of, testvault.Two))
	c, err := two.Open(t.Context(), of)
	must(t, err)
	if len(c.Messages) != 1 {
		t.Errorf("after access was given: %+v", c)
	}
	if err := one.Grant(t.Context(), of, testvault.Three); !errors.Is(err, member.ErrUnit) {
		t.Errorf("access for another unit: %v", err)
	}
	if err := two.Revoke(t.Context(), of, testvault.One); !errors.Is(err, membersock.ErrRole) {
		t.Errorf("a reader takes another's access away: %v", err)
	}
	// A declared conflict of interest can't be taken back by giving access again.
	must(t, two.Revoke(t.Context(), of, testvault.Two))
	if err := one.Grant(t.Context(), of, testvault.Two); !errors.Is(err, member.ErrConflict) {
		t.Errorf("access after a conflict was declared: %v", err)
	}
}

func TestWhomTheReporterExcludedGetsNoAccess(t *testing.T) {
	w := testvault.New(t)
	w.Send(testvault.Form("itprov", testvault.Two))
	one := open(t, config(t, w, testvault.One))
	if err := one.Grant(t.Context(), only(t, one), testvault.Two); !errors.Is(err, member.ErrExcluded) {
		t.Errorf("got %v, want ErrExcluded", err)
	}
}

// TestTheSameFormIsWrittenOnce: a form sent twice, at once or after the desk
// was started anew, gives one message; another text is another message.
func TestTheSameFormIsWrittenOnce(t *testing.T) {
	w := testvault.New(t)
	code := w.Send(testvault.Form("itprov"))
	s := open(t, config(t, w, testvault.One))
	of := only(t, s)
	once := member.NewOnce()
	var g sync.WaitGroup
	for range 4 {
		g.Go(func() { must(t, s.Reply(t.Context(), of, once, "Terima kasih.")) })
	}
	g.Wait()
	must(t, open(t, config(t, w, testvault.One)).Reply(t.Context(), of, once, "Terima kasih."))
	if n := len(w.Look(code).Messages); n != 1 {
		t.Errorf("%d messages, want one", n)
	}
	must(t, s.Reply(t.Context(), of, once, "Terima kasih banyak."))
	if n := len(w.Look(code).Messages); n != 2 {
		t.Errorf("%d messages after another text, want two", n)
	}
	for range 2 {
		must(t, s.SetStatus(t.Context(), of, once, report.Verifying, ""))
		must(t, s.Note(t.Context(), of, once, "Catatan."))
	}
	c, err := s.Open(t.Context(), of)
	must(t, err)
	if len(c.Notes) != 1 || len(c.Messages) != 4 {
		t.Errorf("%d notes, %d messages", len(c.Notes), len(c.Messages))
	}
}

func TestWhatCannotBeWritten(t *testing.T) {
	w := testvault.New(t)
	w.Send(testvault.Form("itprov"))
	s := open(t, config(t, w, testvault.One))
	of := only(t, s)
	for want, do := range map[error]func() error{
		member.ErrEmpty:      func() error { return s.Reply(t.Context(), of, member.NewOnce(), "") },
		member.ErrReason:     func() error { return s.SetStatus(t.Context(), of, member.NewOnce(), report.Rejected, "") },
		member.ErrStatus:     func() error { return s.SetStatus(t.Context(), of, member.NewOnce(), report.Forwarded, "x") },
		membersock.ErrNoWrap: func() error { return s.Reply(t.Context(), id.NewCase(), member.NewOnce(), "x") },
	} {
		if err := do(); !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
}

func TestMembersWhoAreNone(t *testing.T) {
	w := testvault.New(t)
	s := open(t, config(t, w, testvault.Two))
	w.Remove(testvault.Two)
	var gone *member.Removed
	if _, err := s.List(t.Context()); !errors.As(err, &gone) || gone.Day != w.Day {
		t.Errorf("removed in the middle: %v", err)
	}
	if _, err := member.Open(t.Context(), config(t, w, testvault.Two)); !errors.As(err, &gone) {
		t.Errorf("removed before: %v", err)
	}
	stranger, err := keyfile.New("penelaah-satu")
	must(t, err)
	c := config(t, w, testvault.One)
	c.Identity = stranger
	if _, err := member.Open(t.Context(), c); !errors.Is(err, member.ErrStranger) {
		t.Errorf("other keys under a member's name: %v", err)
	}
	c = config(t, w, testvault.One)
	c.Root = w.Log
	if _, err := member.Open(t.Context(), c); !errors.Is(err, roster.ErrSignature) {
		t.Errorf("a roster of another root key: %v", err)
	}
	c = config(t, w, testvault.One)
	c.Now = func() time.Time { return time.Now().Add(-time.Hour) }
	if _, err := open(t, c).List(t.Context()); !errors.Is(err, membersock.ErrStale) {
		t.Errorf("a clock that is wrong: %v", err)
	}
}

// TestANewMemberIsKnownAtOnce: what somebody writes who joined after the
// session began is shown as his.
func TestANewMemberIsKnownAtOnce(t *testing.T) {
	w := testvault.New(t)
	w.Send(testvault.Form("itprov"))
	s := open(t, config(t, w, testvault.One))
	of := only(t, s)
	w.Join("penelaah-empat", "Penelaah Empat", "itprov", roster.Reader)
	must(t, s.Grant(t.Context(), of, "penelaah-empat"))
	must(t, open(t, config(t, w, "penelaah-empat")).Note(t.Context(), of, member.NewOnce(), "Halo."))
	c, err := s.Open(t.Context(), of)
	must(t, err)
	if len(c.Notes) != 1 || c.Notes[0].By != "penelaah-empat" {
		t.Errorf("notes %+v, unopened %+v", c.Notes, c.Unopened)
	}
}

func TestAThousandCases(t *testing.T) {
	w := testvault.New(t)
	n := 1000
	if testing.Short() {
		n = 50
	}
	for i := range n {
		f := testvault.Form("itprov")
		f.Report.What = fmt.Sprintf("Perkara nomor %d", i)
		w.Send(f)
	}
	s := open(t, config(t, w, testvault.One))
	titles := map[string]bool{}
	for _, i := range list(t, s) {
		if i.Err != nil {
			t.Fatal(i.Err)
		}
		titles[i.Title] = true
	}
	if len(titles) != n {
		t.Errorf("%d titles, want %d", len(titles), n)
	}
	must(t, s.SetStatus(t.Context(), list(t, s)[7].Case, member.NewOnce(), report.Reviewing, ""))
	again := list(t, s)
	if len(again) != n || again[7].Status != report.Reviewing || again[8].Title == "" {
		t.Errorf("listed again: %d cases, %+v", len(again), again[7])
	}
}

// forked proves that a leaf is the last of another log of n records.
func forked(t *testing.T, w *testvault.World, n int64, leaf []byte, seen tlog.Tree) (p accesslog.Proof) {
	t.Helper()
	var stored []tlog.Hash
	r := tlog.HashReaderFunc(func(at []int64) (out []tlog.Hash, err error) {
		for _, i := range at {
			out = append(out, stored[i])
		}
		return out, nil
	})
	for i := range n {
		data := fmt.Appendf(nil, "another record %d", i)
		if i == n-1 {
			data = leaf
		}
		h, err := tlog.StoredHashes(i, data, r)
		must(t, err)
		stored = append(stored, h...)
	}
	root, err := tlog.TreeHash(n, r)
	must(t, err)
	p.Index, p.Record = n-1, leaf
	p.Inclusion, err = accesslog.ProveRecord(n, n-1, r)
	must(t, err)
	if seen.N > 0 && seen.N <= n {
		p.Consistency, err = accesslog.ProveTree(n, seen.N, r)
		must(t, err)
	}
	p.Checkpoint, err = accesslog.SignCheckpoint(testvault.Origin, tlog.Tree{N: n, Hash: root}, w.LogSigner())
	must(t, err)
	return p
}

// TestALyingVaultEndsTheSession: whatever is wrong with the log ends the
// session for good, and the next one too where the log itself has forked.
func TestALyingVaultEndsTheSession(t *testing.T) {
	for name, x := range map[string]struct {
		want error
		head func(*testing.T, *testvault.World, *member.Session, *membersock.ActAnswer)
	}{
		"fork": {member.ErrFork, func(t *testing.T, w *testvault.World, s *member.Session, a *membersock.ActAnswer) {
			a.Proof = forked(t, w, s.Seen().N+1, a.Proof.Record, s.Seen())
		}},
		"log has shrunk": {member.ErrFork, func(t *testing.T, w *testvault.World, s *member.Session, a *membersock.ActAnswer) {
			a.Proof = forked(t, w, s.Seen().N-1, a.Proof.Record, s.Seen())
		}},
		"record is not in the log": {member.ErrFork, func(_ *testing.T, _ *testvault.World, _ *member.Session, a *membersock.ActAnswer) {
			a.Proof.Record = bytes.Replace(a.Proof.Record, []byte("count 0"), []byte("count 1"), 1)
		}},
		"checkpoint is another's": {member.ErrFork, func(t *testing.T, w *testvault.World, _ *member.Session, a *membersock.ActAnswer) {
			var err error
			a.Proof.Checkpoint, err = accesslog.SignCheckpoint(testvault.Origin, tlog.Tree{N: 9}, w.Who[testvault.Two].Signer())
			if err == nil {
				a.Proof.Checkpoint = bytes.Replace(a.Proof.Checkpoint, []byte("penelaah-dua"), []byte(testvault.Origin), 1)
			}
		}},
		"a record of the case is left out": {member.ErrTampered, func(_ *testing.T, _ *testvault.World, _ *member.Session, a *membersock.ActAnswer) {
			a.Case.Access = a.Case.Access[1:]
		}},
		"another wrap": {member.ErrTampered, func(_ *testing.T, _ *testvault.World, _ *member.Session, a *membersock.ActAnswer) {
			a.Case.Wrap[0] ^= 1
		}},
		"another case": {member.ErrTampered, func(_ *testing.T, _ *testvault.World, _ *member.Session, a *membersock.ActAnswer) {
			a.Case.Case = id.NewCase()
		}},
		"no case": {member.ErrTampered, func(_ *testing.T, _ *testvault.World, _ *member.Session, a *membersock.ActAnswer) {
			a.Case = nil
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w := testvault.New(t)
			w.Send(testvault.Form("itprov"))
			l := &testvault.Liar{Vault: w.Vault}
			c := config(t, w, testvault.One)
			c.Vault = membersock.NewClient(w.Listen("lies.sock", membersock.Handler(l)))
			c.Seen = filepath.Join(t.TempDir(), "penelaah-satu.seen")
			s := open(t, c)
			of := only(t, s)
			_, err := s.Open(t.Context(), of)
			must(t, err)
			kept, err := os.ReadFile(c.Seen)
			must(t, err)
			l.Head = func(a *membersock.ActAnswer) { x.head(t, w, s, a) }
			if _, err := s.Open(t.Context(), of); !errors.Is(err, x.want) {
				t.Fatalf("got %v, want %v", err, x.want)
			}
			l.Head = nil
			if _, err := s.List(t.Context()); !errors.Is(err, x.want) {
				t.Errorf("the next answer is fine: got %v, want the session to stay ended", err)
			}
			if after, err := os.ReadFile(c.Seen); err != nil || x.want == member.ErrFork && !bytes.Equal(after, kept) {
				t.Errorf("the checkpoint that is kept has changed: %v", err)
			}
		})
	}
}

// TestAListThatItsRecordDoesNotCount: a case may be left out of the record's
// count on its first day only.
func TestAListThatItsRecordDoesNotCount(t *testing.T) {
	for name, head := range map[string]func(*membersock.ActAnswer){
		"not new":      func(a *membersock.ActAnswer) { a.Cases[0].New = false },
		"not of today": func(a *membersock.ActAnswer) { a.Cases[0].Day = a.Cases[0].Day.AddDays(-3) },
	} {
		t.Run(name, func(t *testing.T) {
			w := testvault.New(t)
			w.Send(testvault.Form("itprov"))
			l := &testvault.Liar{Vault: w.Vault, Head: head}
			c := config(t, w, testvault.One)
			c.Vault = membersock.NewClient(w.Listen("lies.sock", membersock.Handler(l)))
			if _, err := open(t, c).List(t.Context()); !errors.Is(err, member.ErrTampered) {
				t.Errorf("got %v, want ErrTampered", err)
			}
		})
	}
}

// TestAForkBetweenSessionsIsFound: the log is another one when the member
// comes back.
func TestAForkBetweenSessionsIsFound(t *testing.T) {
	w := testvault.New(t)
	c := config(t, w, testvault.One)
	c.Seen = filepath.Join(t.TempDir(), "penelaah-satu.seen")
	list(t, open(t, c))
	var n int64 = 40 // further than the vault will be
	root := tlog.Hash{7}
	msg, err := accesslog.SignCheckpoint(testvault.Origin, tlog.Tree{N: n, Hash: root}, w.LogSigner())
	must(t, err)
	must(t, os.WriteFile(c.Seen, msg, 0o600))
	for range 2 {
		if _, err := open(t, c).List(t.Context()); !errors.Is(err, member.ErrFork) {
			t.Errorf("got %v, want ErrFork", err)
		}
	}
	must(t, os.WriteFile(c.Seen, []byte("garbage"), 0o600))
	if _, err := member.Open(t.Context(), c); !errors.Is(err, member.ErrFork) {
		t.Errorf("a damaged file: got %v, want ErrFork", err)
	}
}

// TestAnOlderRosterIsRefused: taking a new reader out of the roster again by
// showing an old one is found.
func TestAnOlderRosterIsRefused(t *testing.T) {
	w := testvault.New(t)
	old := w.Vault.SignedRoster()
	c := config(t, w, testvault.One)
	c.Seen = filepath.Join(t.TempDir(), "penelaah-satu.seen")
	w.Remove(testvault.Two)
	open(t, c)
	c.Vault = membersock.NewClient(w.Listen("old.sock", membersock.Handler(&older{w.Vault, old})))
	if _, err := member.Open(t.Context(), c); !errors.Is(err, member.ErrRoster) {
		t.Errorf("got %v, want ErrRoster", err)
	}
}

type older struct {
	*vault.Vault
	roster []byte
}

func (o *older) SignedRoster() []byte { return o.roster }

func (o *older) MemberState() membersock.State {
	s := o.Vault.MemberState()
	s.Roster = roster.Digest(o.roster)
	return s
}

// TestSwappedObjectsAreShownAsSuch: what isn't what was handed in is never
// shown as if it were, and doesn't keep the rest from being shown.
func TestSwappedObjectsAreShownAsSuch(t *testing.T) {
	w := testvault.New(t)
	w.Send(testvault.Form("itprov"), testvault.File{Name: "a.bin", Data: bytes.Repeat([]byte("a"), 100_000)})
	l := &testvault.Liar{Vault: w.Vault}
	c := config(t, w, testvault.One)
	c.Vault = membersock.NewClient(w.Listen("lies.sock", membersock.Handler(l)))
	s := open(t, c)
	of := only(t, s)
	must(t, s.Reply(t.Context(), of, member.NewOnce(), "Jawaban."))
	must(t, s.Note(t.Context(), of, member.NewOnce(), "Catatan."))

	for _, role := range []id.Role{id.RoleLetter, id.RoleAnswer, id.RoleNote} {
		for how, change := range map[string]func([]byte) []byte{
			"changed": func(b []byte) []byte { b[len(b)-1] ^= 1; return b },
			"dropped": func([]byte) []byte { return nil },
		} {
			l.Object = func(o id.Object, b []byte) []byte {
				if o.Role == role {
					return change(b)
				}
				return b
			}
			opened, err := s.Open(t.Context(), of)
			must(t, err)
			shown := len(opened.Messages) + len(opened.Notes)
			if len(opened.Unopened) == 0 || opened.Unopened[len(opened.Unopened)-1].Err == nil || shown != 2 {
				t.Errorf("%s %s: shows %d, unopened %+v", how, role, shown, opened.Unopened)
			}
		}
	}
	l.Object = func(o id.Object, b []byte) []byte {
		if o.Role == id.RoleContent {
			b[len(b)/2] ^= 1
		}
		return b
	}
	_, r, err := s.Attachment(t.Context(), of, 1)
	if err == nil {
		_, err = io.Copy(io.Discard, r)
	}
	if !errors.Is(err, seal.ErrAge) {
		t.Errorf("a changed attachment: %v", err)
	}
	l.Object = nil
	if _, err := s.Open(t.Context(), of); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// TestAnAnswerUnderAnotherName: a reader who hands in a document that another
// signed, or one of another case, isn't believed.
func TestAnAnswerUnderAnotherName(t *testing.T) {
	w := testvault.New(t)
	w.Send(testvault.Form("itprov"))
	s := open(t, config(t, w, testvault.One))
	of := only(t, s)
	must(t, s.Note(t.Context(), of, member.NewOnce(), "Catatan."))
	l := &testvault.Liar{Vault: w.Vault, Head: func(a *membersock.ActAnswer) {
		if a.Case == nil {
			return
		}
		for i := range a.Case.Objects {
			if a.Case.Objects[i].Role == id.RoleNote {
				a.Case.Objects[i].By = testvault.Two
			}
		}
	}}
	c := config(t, w, testvault.One)
	c.Vault = membersock.NewClient(w.Listen("lies.sock", membersock.Handler(l)))
	opened, err := open(t, c).Open(t.Context(), of)
	must(t, err)
	if len(opened.Notes) != 0 || len(opened.Unopened) != 1 || !errors.Is(opened.Unopened[0].Err, member.ErrSigner) {
		t.Errorf("notes %+v, unopened %+v", opened.Notes, opened.Unopened)
	}
}

// TestAnotherReporterIsNotAnswered: a letter that names another recipient
// would send the answers to somebody else.
func TestAnotherReporterIsNotAnswered(t *testing.T) {
	w := testvault.New(t)
	f := testvault.Form("itprov")
	w.Send(f)
	s := open(t, config(t, w, testvault.One))
	of := only(t, s)
	_, err := s.Open(t.Context(), of)
	must(t, err)
	// Whoever has read the case can seal to it; the operator can store it.
	other, err := keyfile.New("penyusup")
	must(t, err)
	text, err := report.Encode(report.Letter{V: 1, Case: of, Day: w.Day, Reporter: other.Recipient(), Text: "Ini saya."})
	must(t, err)
	x, err := s.Export(t.Context(), of)
	must(t, err)
	must(t, x.Close())
	key := x.Key()
	forged, err := seal.SealDocument(text, seal.DocumentFloor, key.Recipient())
	must(t, err)
	o := seal.Describe(id.RoleLetter, forged)
	l := &testvault.Liar{Vault: w.Vault}
	l.Head = func(a *membersock.ActAnswer) {
		if a.Case != nil {
			for i, held := range a.Case.Objects {
				if held.Role == id.RoleSummary {
					a.Case.Objects[i].Object = o // in place of the summary
				}
			}
		}
	}
	l.Object = func(o id.Object, b []byte) []byte {
		if o.Role == id.RoleSummary {
			return nil
		}
		return b
	}
	cfg := config(t, w, testvault.One)
	cfg.Vault = membersock.NewClient(w.Listen("lies.sock", membersock.Handler(&appending{l, o, forged})))
	lied := open(t, cfg)
	c, err := lied.Open(t.Context(), of)
	must(t, err)
	if c.Reporter != "" || len(c.Messages) != 2 {
		t.Fatalf("answers would go to %q; %d messages", c.Reporter, len(c.Messages))
	}
	if err := lied.Reply(t.Context(), of, member.NewOnce(), "Halo."); !errors.Is(err, member.ErrReporters) {
		t.Errorf("got %v, want ErrReporters", err)
	}
}

// appending adds an object to every answer about a case.
type appending struct {
	*testvault.Liar
	o    id.Object
	data []byte
}

func (x *appending) Act(ctx context.Context, head membersock.ActHead, in *frame.Reader, out *frame.Writer) error {
	first := true
	object := x.Object
	x.Liar.Object = func(o id.Object, b []byte) []byte {
		if first {
			first = false
			if err := out.Object(x.o, x.data); err != nil {
				return nil
			}
		}
		return object(o, b)
	}
	defer func() { x.Liar.Object = object }()
	return x.Liar.Act(ctx, head, in, out)
}

// TestAnExportIsWholeOrNot: all sealed objects come, and one that is missing
// or changed is found.
func TestAnExportIsWholeOrNot(t *testing.T) {
	w := testvault.New(t)
	w.Send(testvault.Form("itprov"), testvault.File{Name: "a.bin", Data: bytes.Repeat([]byte("a"), 200_000)})
	l := &testvault.Liar{Vault: w.Vault}
	c := config(t, w, testvault.One)
	c.Vault = membersock.NewClient(w.Listen("lies.sock", membersock.Handler(l)))
	s := open(t, c)
	of := only(t, s)
	export := func() (n int, err error) {
		x, err := s.Export(t.Context(), of)
		must(t, err)
		defer x.Close()
		for {
			_, r, err := x.Next()
			if err == io.EOF {
				return n, nil
			}
			if err == nil {
				_, err = io.Copy(io.Discard, r)
			}
			if err != nil {
				return n, err
			}
			n++
		}
	}
	if n, err := export(); n != 3 || err != nil {
		t.Errorf("%d objects, %v", n, err)
	}
	// Only the export's own answer is changed, not that of the opening before.
	l.Object = func(o id.Object, b []byte) []byte {
		if o.Role == id.RoleContent {
			return nil
		}
		return b
	}
	if _, err := export(); !errors.Is(err, member.ErrTampered) {
		t.Errorf("an object is missing: %v", err)
	}
	l.Object = func(o id.Object, b []byte) []byte {
		if o.Role == id.RoleContent {
			b[len(b)-1] ^= 1
		}
		return b
	}
	if _, err := export(); !errors.Is(err, seal.ErrDigest) {
		t.Errorf("an object is changed: %v", err)
	}
}

// TestACustodianGivesAccessAgain with the unit's recovery sheet.
func TestACustodianGivesAccessAgain(t *testing.T) {
	w := testvault.New(t)
	sheet, err := seal.NewCaseKey() // a hybrid identity like any
	must(t, err)
	w.Change(func(r *roster.Roster) { r.Units[0].Recovery = sheet.Recipient().String() })
	w.Join("pemegang-kunci", "Pemegang Kunci", "itprov", roster.Custodian)
	w.Send(testvault.Form("itprov"))
	one := open(t, config(t, w, testvault.One))
	of := only(t, one)
	must(t, one.Revoke(t.Context(), of, testvault.Two))
	c := config(t, w, "pemegang-kunci")
	c.Recovery = sheet.Identities()[0]
	s := open(t, c)
	if i := list(t, s)[0]; i.Err != nil || i.Title == "" {
		t.Errorf("listed: %+v", i)
	}
	must(t, s.Grant(t.Context(), of, testvault.Two))
	if _, err := open(t, config(t, w, testvault.Two)).Open(t.Context(), of); err != nil {
		t.Errorf("access was given again: %v", err)
	}
	c.Recovery = nil
	if i := list(t, open(t, c))[0]; !errors.Is(i.Err, member.ErrCase) {
		t.Errorf("without the sheet: %+v", i)
	}
}

// TestAReplyThatTheVaultOnlyClaimsToHave: a vault that drops a reply and says
// it was sent before is found out.
func TestAReplyThatTheVaultOnlyClaimsToHave(t *testing.T) {
	w := testvault.New(t)
	w.Send(testvault.Form("itprov"))
	c := config(t, w, testvault.One)
	c.Vault = membersock.NewClient(w.Listen("lies.sock", membersock.Handler(claiming{w.Vault})))
	s := open(t, c)
	if err := s.Reply(t.Context(), only(t, s), member.NewOnce(), "Halo."); !errors.Is(err, member.ErrTampered) {
		t.Errorf("got %v, want ErrTampered", err)
	}
}

// claiming says of every reply that it was sent before.
type claiming struct{ *vault.Vault }

func (v claiming) Act(ctx context.Context, head membersock.ActHead, in *frame.Reader, out *frame.Writer) error {
	if s, err := accesslog.ReadStatement([]byte(head.Statement)); err == nil && s.Action == accesslog.Reply {
		return membersock.ErrReplay
	}
	return v.Vault.Act(ctx, head, in, out)
}

// TestWhatAReporterDestroysStaysWithTheMembers: the reporter destroys what the
// code opens, and members go on reading what was answered.
func TestWhatAReporterDestroysStaysWithTheMembers(t *testing.T) {
	w := testvault.New(t)
	code := w.Send(testvault.Form("itprov"))
	s := open(t, config(t, w, testvault.One))
	of := only(t, s)
	must(t, s.Reply(t.Context(), of, member.NewOnce(), "Apakah ada kuitansi?"))
	must(t, s.SetStatus(t.Context(), of, member.NewOnce(), report.Verifying, "Kami periksa dulu."))
	v := w.Look(code)
	for _, m := range v.Messages {
		if m.Text == "Kami periksa dulu." {
			_, err := w.Sender.Destroy(t.Context(), v, m.Answer)
			must(t, err)
		}
	}
	for _, who := range []id.Member{testvault.One, testvault.Two} {
		c, err := open(t, config(t, w, who)).Open(t.Context(), of)
		must(t, err)
		if len(c.Unopened) != 0 || c.Status != report.Verifying {
			t.Fatalf("%s: status %s, unopened %+v", who, c.Status, c.Unopened)
		}
		var got []string
		for _, m := range c.Messages[1:] {
			got = append(got, fmt.Sprint(m.By, " ", m.Answer.Status, " ", m.Answer.Text, " ", m.Destroyed))
		}
		if want := []string{"penelaah-satu  Apakah ada kuitansi? ", "penelaah-satu verifying Kami periksa dulu. " + w.Day.String()}; !slices.Equal(got, want) {
			t.Errorf("%s reads %q", who, got)
		}
	}
	x, err := s.Export(t.Context(), of)
	must(t, err)
	defer x.Close()
	for {
		o, r, err := x.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		must(t, err)
		if _, err := io.Copy(io.Discard, r); err != nil {
			t.Errorf("export of a %s: %v", o.Role, err)
		}
	}
}

// TestDestroyedIsNoExcuse: only answers can be destroyed by a reporter, and what
// a member wrote twice is the same twice.
func TestDestroyedIsNoExcuse(t *testing.T) {
	w := testvault.New(t)
	w.Send(testvault.Form("itprov"))
	s := open(t, config(t, w, testvault.One))
	of := only(t, s)
	must(t, s.Reply(t.Context(), of, member.NewOnce(), "Apakah ada kuitansi?"))
	for name, c := range map[string]struct {
		head   func(*membersock.CaseObject)
		object func(id.Object, []byte) []byte
	}{
		"a letter": {func(o *membersock.CaseObject) {
			if o.Role == id.RoleLetter {
				o.Destroyed = w.Day
			}
		}, func(o id.Object, b []byte) []byte {
			if o.Role == id.RoleLetter {
				return nil
			}
			return b
		}},
		"an answer and its copy": {func(o *membersock.CaseObject) {
			if o.Role == id.RoleAnswer || o.Role == id.RoleCopy {
				o.Destroyed = w.Day
			}
		}, func(o id.Object, b []byte) []byte {
			if o.Role == id.RoleAnswer || o.Role == id.RoleCopy {
				return nil
			}
			return b
		}},
	} {
		l := &testvault.Liar{Vault: w.Vault, Object: c.object, Head: func(a *membersock.ActAnswer) {
			if a.Case != nil {
				for i := range a.Case.Objects {
					c.head(&a.Case.Objects[i])
				}
			}
		}}
		lied := config(t, w, testvault.One)
		lied.Vault = membersock.NewClient(w.Listen("lies.sock", membersock.Handler(l)))
		opened, err := open(t, lied).Open(t.Context(), of)
		must(t, err)
		if len(opened.Unopened) != 1 {
			t.Errorf("%s is said to be destroyed: unopened %+v", name, opened.Unopened)
		}
		must(t, os.Remove(filepath.Join(w.Dir, "lies.sock")))
	}
}

func TestACopyThatSaysSomethingElse(t *testing.T) {
	w := testvault.New(t)
	code := w.Send(testvault.Form("itprov"))
	s := open(t, config(t, w, testvault.One))
	of := only(t, s)
	c, err := s.Open(t.Context(), of)
	must(t, err)
	x, err := s.Export(t.Context(), of)
	must(t, err)
	must(t, x.Close())
	key := x.Key()
	reporter, err := seal.ParseRecipient(c.Reporter)
	must(t, err)
	var handed []membersock.Handed
	for _, h := range []struct {
		role id.Role
		text string
		to   []age.Recipient
	}{
		{id.RoleAnswer, "Kami tahu siapa Anda.", []age.Recipient{reporter, key.Recipient()}},
		{id.RoleCopy, "Terima kasih.", []age.Recipient{key.Recipient()}},
	} {
		text, err := report.Sign(report.Answer{V: 1, Case: of, Day: w.Day, Time: time.Now(), Text: h.text}, w.Who[testvault.One].Signer())
		must(t, err)
		b, err := seal.SealDocument(text, seal.DocumentFloor, h.to...)
		must(t, err)
		handed = append(handed, membersock.Handed{Object: seal.Describe(h.role, b), Sealed: b})
	}
	st := accesslog.Statement{
		Log: testvault.Origin, Action: accesslog.Reply, Member: testvault.One, Case: of, Nonce: [16]byte{1}, Time: time.Now(), Seen: s.Seen(),
		Objects: []id.Object{handed[0].Object, handed[1].Object},
	}
	msg, err := st.Sign(w.Who[testvault.One].Signer())
	must(t, err)
	a, err := w.Member.Act(t.Context(), msg, nil, handed)
	must(t, err)
	must(t, a.Close())
	if v := w.Look(code); len(v.Messages) != 1 || v.Messages[0].Text != "Kami tahu siapa Anda." {
		t.Fatalf("the reporter reads %+v", v.Messages)
	}
	opened, err := s.Open(t.Context(), of)
	must(t, err)
	if len(opened.Unopened) != 1 || !errors.Is(opened.Unopened[0].Err, member.ErrCopy) {
		t.Errorf("unopened %+v", opened.Unopened)
	}
}
