package submission_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/seal"
	"suluh.example/suluh/internal/check"
	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/internal/submission"
	"suluh.example/suluh/internal/testvault"
	"suluh.example/suluh/vault"
	"suluh.example/suluh/vault/depositsock"
	"suluh.example/suluh/vault/membersock"
)

// member is somebody of the roster at a desk of his own.
type member struct {
	id   id.Member
	age  age.Identity
	note note.Signer
	seen tlog.Tree
}

// world is a running vault, with members who do by hand what internal/member
// does: so that the formats alone are seen to be enough.
type world struct {
	*testvault.World
	t               *testing.T
	one, two, other *member // the third is of another unit
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{World: testvault.New(t), t: t}
	at := func(m id.Member) *member {
		return &member{m, w.Who[m].Age(), w.Who[m].Signer(), accesslog.EmptyTree()}
	}
	w.one, w.two, w.other = at(testvault.One), at(testvault.Two), at(testvault.Three)
	return w
}

// send submits a form with attachments.
func (w *world) send(f submission.Form, files ...[]byte) (submission.Result, error) {
	w.t.Helper()
	s, err := w.Sender.Begin(w.t.Context(), w.Day, f)
	if err != nil {
		return submission.Result{}, err
	}
	defer s.Abort()
	for _, b := range files {
		if _, err := s.Attach("bukti.bin", "application/octet-stream", bytes.NewReader(b)); err != nil {
			return submission.Result{}, err
		}
	}
	return s.Commit(w.t.Context())
}

// act sends a statement, checks the answer's proof, and returns the answer and
// the objects that came with it.
func (w *world) act(m *member, s accesslog.Statement, handed ...membersock.Handed) (membersock.ActAnswer, map[id.Digest][]byte, error) {
	w.t.Helper()
	s.Log, s.Member, s.Time, s.Seen = testvault.Origin, m.id, time.Now(), m.seen
	rand.Read(s.Nonce[:])
	for _, h := range handed {
		s.Objects = append(s.Objects, h.Object)
	}
	msg, err := s.Sign(m.note)
	must(w.t, err)
	a, err := w.Member.Act(w.t.Context(), msg, nil, handed)
	if err != nil {
		return membersock.ActAnswer{}, nil, err
	}
	defer a.Close()
	m.seen, err = a.Proof.Check(w.Log, m.seen)
	must(w.t, err)
	if !bytes.Contains(a.Proof.Record, msg) {
		w.t.Fatal("the record is of another statement")
	}
	got := map[id.Digest][]byte{}
	for {
		o, r, err := a.Next()
		if err == io.EOF {
			return a.ActAnswer, got, nil
		}
		must(w.t, err)
		b, err := io.ReadAll(r)
		must(w.t, err)
		if id.DigestOf(b) != o.Digest {
			w.t.Fatal("an object has another digest")
		}
		got[o.Digest] = b
	}
}

// TestAReportTravelsToItsReaderAndBack is the main job, end to end through the
// real sockets: deposit, list, open, answer, look up by code, reply by code.
func TestAReportTravelsToItsReaderAndBack(t *testing.T) {
	w := newWorld(t)
	f := testvault.Form("itprov", w.two.id)
	evidence := bytes.Repeat([]byte("bukti\x00"), 300_000)
	res, err := w.send(f, evidence)
	must(t, err)
	if res.Outcome != depositsock.New {
		t.Fatalf("outcome %s", res.Outcome)
	}
	receipt, err := accesslog.OpenReceipt(res.Receipt, w.Log)
	must(t, err)

	// Only the right reader sees it.
	for _, m := range []*member{w.two, w.other} {
		if a, _, err := w.act(m, accesslog.Statement{Action: accesslog.List}); err != nil || len(a.Cases) != 0 {
			t.Errorf("%s: sees %d cases, %v", m.id, len(a.Cases), err)
		}
	}
	list, objects, err := w.act(w.one, accesslog.Statement{Action: accesslog.List})
	must(t, err)
	if len(list.Cases) != 1 || list.Cases[0].Unread != 1 {
		t.Fatalf("list: %+v", list.Cases)
	}
	of := list.Cases[0].Case
	if _, _, err := w.act(w.two, accesslog.Statement{Action: accesslog.Open, Case: of}); !errors.Is(err, membersock.ErrNoWrap) {
		t.Errorf("a reader the reporter excluded: got %v, want ErrNoWrap", err)
	}
	key, err := seal.Unwrap(objects[list.Cases[0].Wrap], w.one.age)
	must(t, err)
	text, err := seal.OpenDocument(objects[list.Cases[0].Summary], key.Identities()...)
	must(t, err)
	summary, err := report.Decode[report.Summary](text, of)
	must(t, err)
	if summary.Title != f.Report.What || summary.Files != 1 {
		t.Errorf("summary: %+v", summary)
	}

	// The whole case, then its attachment.
	opened, objects, err := w.act(w.one, accesslog.Statement{Action: accesslog.Open, Case: of})
	must(t, err)
	var letter report.Letter
	for _, o := range opened.Case.Objects {
		if o.Role == id.RoleLetter {
			text, err := seal.OpenDocument(objects[o.Digest], key.Identities()...)
			must(t, err)
			letter, err = report.Decode[report.Letter](text, of)
			must(t, err)
		}
	}
	if letter.Report == nil || *letter.Report != f.Report || len(letter.Attachments) != 1 {
		t.Fatalf("letter: %+v", letter)
	}
	at := slices.IndexFunc(opened.Case.Objects, func(o membersock.CaseObject) bool { return o.Role == id.RoleContent })
	_, objects, err = w.act(w.one, accesslog.Statement{Action: accesslog.Open, Case: of, Objects: []id.Object{opened.Case.Objects[at].Object}})
	must(t, err)
	a := letter.Attachments[0]
	r, err := seal.OpenContent(bytes.NewReader(objects[a.Object]), a.Size, a.Object, key.Identities()...)
	must(t, err)
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, evidence) {
		t.Errorf("attachment: %d bytes, %v", len(got), err)
	}

	// An answer with a status, sealed to the reporter and the case.
	doc, err := report.Sign(report.Answer{
		V: 1, Case: of, Day: w.Day, Time: time.Now().UTC(), Status: report.Verifying, Text: "Kami sedang memeriksa.",
	}, w.one.note)
	must(t, err)
	reporter, err := seal.ParseRecipient(letter.Reporter)
	must(t, err)
	sealed, err := seal.SealDocument(doc, seal.DocumentFloor, reporter, key.Recipient())
	must(t, err)
	_, _, err = w.act(w.one, accesslog.Statement{Action: accesslog.Status, Case: of},
		membersock.Handed{Object: seal.Describe(id.RoleAnswer, sealed), Sealed: sealed})
	must(t, err)

	// The reporter, with the code alone.
	code, err := submission.CodeOf(f.Seed, f.To)
	must(t, err)
	view, err := w.Sender.Look(t.Context(), code)
	must(t, err)
	if view.Status != report.Verifying || len(view.Messages) != 1 || view.Messages[0].Text != "Kami sedang memeriksa." || view.InLog || len(view.Warnings) != 0 {
		t.Errorf("view: %+v", view)
	}
	reply, err := w.Sender.BeginReply(t.Context(), w.Day, view, submission.SeedFrom([32]byte{1}), "Terima kasih", "id")
	must(t, err)
	if res, err := reply.Commit(t.Context()); err != nil || res.Outcome != depositsock.Added {
		t.Errorf("reply: %s, %v", res.Outcome, err)
	}

	// The day ends: both deposits are in the log, and the receipt is kept.
	n, err := w.Vault.Batch(t.Context())
	must(t, err)
	if n != 2 {
		t.Errorf("batch of %d deposits, want 2", n)
	}
	view, err = w.Sender.Look(t.Context(), code)
	must(t, err)
	if !view.InLog || len(view.Messages) != 2 || view.Messages[0].Text+view.Messages[1].Text != "Kami sedang memeriksa." {
		t.Errorf("after the batch: %+v", view)
	}
	found := false
	for _, r := range records(t, w) {
		found = found || r.Kind == accesslog.KindDeposit && r.Deposit.Digest == receipt.Deposit && r.Deposit.Case == of
	}
	if !found {
		t.Error("the receipt's deposit is not in the log")
	}

	// An auditor with nothing but the log's key.
	checked, err := check.Verify(t.Context(), w.Vault.LogFile, w.Log)
	must(t, err)
	if checked.Deposits != 2 || checked.Waiting != 0 || checked.Accesses != 6 {
		t.Errorf("verified: %+v", checked)
	}
}

// records reads the log as an auditor would, and checks its tree.
func records(t *testing.T, w *world) (all []accesslog.Record) {
	t.Helper()
	msg, err := w.Vault.LogFile(t.Context(), "checkpoint")
	must(t, err)
	tree, err := accesslog.OpenCheckpoint(msg, w.Log)
	must(t, err)
	bundle, err := w.Vault.LogFile(t.Context(), accesslog.TilePath(tlog.Tile{H: 8, L: -1, W: int(tree.N)}))
	must(t, err)
	leaves, err := accesslog.Entries(bundle)
	must(t, err)
	var stored []tlog.Hash
	r := tlog.HashReaderFunc(func(at []int64) (out []tlog.Hash, err error) {
		for _, i := range at {
			out = append(out, stored[i])
		}
		return out, nil
	})
	for i, leaf := range leaves {
		rec, err := accesslog.ParseRecord(leaf)
		must(t, err)
		h, err := tlog.StoredHashes(int64(i), leaf, r)
		must(t, err)
		stored = append(stored, h...)
		all = append(all, rec)
	}
	root, err := tlog.TreeHash(int64(len(leaves)), r)
	must(t, err)
	if root != tree.Hash {
		t.Fatal("the entries do not hash to the checkpoint")
	}
	return all
}

func TestTheSameFormGivesOneCase(t *testing.T) {
	w := newWorld(t)
	f := testvault.Form("itprov")
	first, err := w.send(f, []byte("a"))
	must(t, err)
	again, err := w.send(f, []byte("a"))
	must(t, err)
	if again.Outcome != depositsock.Same || !bytes.Equal(again.Receipt, first.Receipt) {
		t.Errorf("sent twice: %s", again.Outcome)
	}
	f.Report.Where = "di kantor"
	if res, err := w.send(f, []byte("a")); err != nil || res.Outcome != depositsock.Added {
		t.Errorf("sent again, changed: %s, %v", res.Outcome, err)
	}
	if res, err := w.send(f, []byte("b")); err != nil || res.Outcome != depositsock.Added {
		t.Errorf("sent again with another file of the same name and size: %s, %v", res.Outcome, err)
	}
	if res, err := w.send(f, []byte("b")); err != nil || res.Outcome != depositsock.Same {
		t.Errorf("that sent twice: %s, %v", res.Outcome, err)
	}
	list, _, err := w.act(w.one, accesslog.Statement{Action: accesslog.List})
	must(t, err)
	if len(list.Cases) != 1 || list.Cases[0].Objects != 3 {
		t.Errorf("got %+v, want one case with three letters", list.Cases)
	}
	f.To.Without = []id.Member{w.one.id}
	if res, err := w.send(f, []byte("a")); err != nil || res.Outcome != depositsock.New {
		t.Errorf("with other readers: %s, %v, want a case of its own", res.Outcome, err)
	}
}

func TestABrokenUploadLeavesNothing(t *testing.T) {
	w := newWorld(t)
	s, err := w.Sender.Begin(t.Context(), w.Day, testvault.Form("itprov"))
	must(t, err)
	broken := io.MultiReader(bytes.NewReader(make([]byte, 1<<20)), errReader{})
	if _, err := s.Attach("x", "", broken); err == nil {
		t.Fatal("a broken attachment was taken")
	}
	s.Abort()
	// The vault learns of the break a moment after the sender has made it.
	left := func() int {
		files, err := filepath.Glob(filepath.Join(w.Dir, "blobs", "*"))
		must(t, err)
		tmp, err := filepath.Glob(filepath.Join(w.Dir, "blobs", "tmp", "*"))
		must(t, err)
		return len(files) - 1 + len(tmp)
	}
	for deadline := time.Now().Add(10 * time.Second); left() > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("left behind: %d files", left())
		}
	}
	if n, err := w.Vault.Batch(t.Context()); err != nil || n != 0 {
		t.Errorf("left behind: %d deposits, %v", n, err)
	}
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, errors.New("gone") }

func TestWhoMayNot(t *testing.T) {
	w := newWorld(t)
	if _, err := w.send(testvault.Form("itprov", w.one.id, w.two.id)); !errors.Is(err, submission.ErrNoReaders) {
		t.Errorf("no reader left: got %v", err)
	}
	code, err := submission.CodeOf(submission.SeedFrom([32]byte{9}), submission.Readers{Unit: "itprov"})
	must(t, err)
	if _, err := w.Sender.Look(t.Context(), code); !errors.Is(err, depositsock.ErrUnknown) {
		t.Errorf("unknown code: got %v", err)
	}
	s := accesslog.Statement{Log: testvault.Origin, Action: accesslog.List, Member: w.one.id, Nonce: [16]byte{1}, Time: time.Now(), Seen: accesslog.EmptyTree()}
	try := func(s accesslog.Statement) error {
		msg, err := s.Sign(w.one.note)
		must(t, err)
		a, err := w.Member.Act(t.Context(), msg, nil, nil)
		if err == nil {
			a.Close()
		}
		return err
	}
	must(t, try(s))
	if err := try(s); !errors.Is(err, membersock.ErrReplay) {
		t.Errorf("used twice: got %v", err)
	}
	s.Nonce[0], s.Time = 2, time.Now().Add(-time.Hour)
	if err := try(s); !errors.Is(err, membersock.ErrStale) {
		t.Errorf("an hour old: got %v", err)
	}
	s.Time, s.Log = time.Now(), "another"
	if err := try(s); !errors.Is(err, membersock.ErrOrigin) {
		t.Errorf("for another log: got %v", err)
	}
	s.Log, s.Seen = testvault.Origin, tlog.Tree{N: 2}
	if err := try(s); !errors.Is(err, membersock.ErrFork) {
		t.Errorf("of a forked log: got %v", err)
	}
	if _, err := vault.Open(t.Context(), vault.Config{Dir: w.Dir}); !errors.Is(err, vault.ErrRunning) {
		t.Errorf("a second vault: got %v", err)
	}
}

// TestNothingIsStoredInTheClear greps all files of the vault, while it runs.
func TestNothingIsStoredInTheClear(t *testing.T) {
	w := newWorld(t)
	f := testvault.Form("itprov")
	f.Report.What = "PENANDA-RAHASIA"
	_, err := w.send(f, []byte(strings.Repeat("PENANDA-RAHASIA", 10_000)))
	must(t, err)
	code, err := submission.CodeOf(f.Seed, f.To)
	must(t, err)
	for _, marker := range []string{"PENANDA", "bukti.bin", code.Reveal(), code.Lookup().Hex()} {
		assertAbsent(t, w.Dir, []byte(marker))
	}
	raw := code.Lookup().Reveal()
	assertAbsent(t, w.Dir, raw[:])
}

// answer hands in an answer as internal/member does, with its copy.
func (w *world) answer(m *member, of id.Case, a report.Answer) {
	w.t.Helper()
	_, got, err := w.act(m, accesslog.Statement{Action: accesslog.Open, Case: of})
	must(w.t, err)
	var key seal.CaseKey
	for _, b := range got {
		if k, err := seal.Unwrap(b, m.age); err == nil {
			key = *k
		}
	}
	var to []age.Recipient
	for _, b := range got {
		if text, err := seal.OpenDocument(b, key.Identities()...); err == nil {
			if l, err := report.Decode[report.Letter](text, of); err == nil && l.Reporter != "" {
				r, err := seal.ParseRecipient(l.Reporter)
				must(w.t, err)
				to = []age.Recipient{r, key.Recipient()}
			}
		}
	}
	a.V, a.Case, a.Day, a.Time = 1, of, w.Day, time.Now()
	text, err := report.Sign(a, m.note)
	must(w.t, err)
	action := accesslog.Reply
	if a.Status != "" {
		action = accesslog.Status
	}
	var handed []membersock.Handed
	for _, role := range []id.Role{id.RoleAnswer, id.RoleCopy} {
		b, err := seal.SealDocument(text, seal.DocumentFloor, to...)
		must(w.t, err)
		handed = append(handed, membersock.Handed{Object: seal.Describe(role, b), Sealed: b})
		to = to[1:]
	}
	_, _, err = w.act(m, accesslog.Statement{Action: action, Case: of}, handed...)
	must(w.t, err)
}

func TestDestroyedAnswersAreNoAlarm(t *testing.T) {
	w := newWorld(t)
	code := w.Send(testvault.Form("itprov"))
	of := w.Look(code).Case
	w.answer(w.one, of, report.Answer{Status: report.Verifying, Due: w.Day.AddDays(9), Text: "Kami periksa."})
	w.answer(w.one, of, report.Answer{Text: "Apakah ada kuitansi?"})
	_, err := w.Vault.Batch(t.Context())
	must(t, err)
	v := w.Look(code)
	if v.Status != report.Verifying || len(v.Messages) != 2 || v.Messages[0].Tells != "" || v.Messages[1].Tells != report.Verifying || v.Logged != w.Day {
		t.Fatalf("the reporter sees %+v", v)
	}
	for i, wantStatus := range []report.Status{report.Verifying, ""} {
		for range 2 {
			day, err := w.Sender.Destroy(t.Context(), v, v.Messages[i].Answer)
			must(t, err)
			if day != w.Day {
				t.Errorf("destroyed on %s", day)
			}
		}
		after := w.Look(code)
		if len(after.Warnings) > 0 || after.Status != wantStatus || len(after.Messages) != 2 {
			t.Fatalf("after %d: the reporter sees %+v", i+1, after)
		}
		gone := 0
		for _, m := range after.Messages {
			if m.Destroyed == w.Day && m.Text == "" && m.By == "" {
				gone++
			}
		}
		if gone != i+1 {
			t.Errorf("%d messages are shown as destroyed, want %d", gone, i+1)
		}
	}
	if v := w.Look(code); !v.Due.IsZero() || len(v.History) != 1 {
		t.Errorf("the status that was destroyed is still in %+v", v)
	}
	w.answer(w.one, of, report.Answer{Status: report.Closed, Text: "Selesai."})
	if v := w.Look(code); v.Status != report.Closed {
		t.Errorf("a later status is not shown: %s", v.Status)
	}
	if _, err := w.Sender.Destroy(t.Context(), v, id.Digest{1}); !errors.Is(err, depositsock.ErrNoAnswer) {
		t.Errorf("an answer that isn't there: %v", err)
	}
	// A reply goes on as before.
	w.Say(code, "Terima kasih.")
	must(t, errorsOf(check.Verify(t.Context(), w.Vault.LogFile, w.Log)))
}

func errorsOf(_ *check.Result, err error) error { return err }
