package vault_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"database/sql"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/vault"
	"suluh.example/suluh/vault/depositsock"
)

// answered is a case with an answer, and the copy of it that is the members'
// own.
type answered struct {
	parcel
	answer, copy object
}

func (w *world) answered() answered {
	w.t.Helper()
	x := answered{newParcel(0, w.one.id), object{id.RoleAnswer, sealed(6000)}, object{id.RoleCopy, sealed(5000)}}
	_, err := w.send(x.parcel)
	must(w.t, err)
	w.say(x, accesslog.Reply)
	return x
}

// say hands the answer in.
func (w *world) say(x answered, a accesslog.Action) {
	w.t.Helper()
	s := w.statement(w.one, a, x.of)
	s.Objects = []id.Object{x.answer.describe(), x.copy.describe()}
	_, err := w.ask(w.one, s, x.answer, x.copy)
	must(w.t, err)
}

func (w *world) destroy(p parcel, answer id.Digest) (depositsock.DestroyAnswer, error) {
	return w.deposit.Destroy(w.t.Context(), depositsock.DestroyHead{
		Lookup: p.lookup.Hex(), Object: answer, Signature: ed25519.Sign(p.reporter, accesslog.DestroyText(origin, p.of, answer)),
	})
}

func TestADestroyedAnswerIsGoneAtOnce(t *testing.T) {
	w := newWorld(t, vault.Config{})
	x, other := w.answered(), w.answered()
	answer := x.answer.describe()
	if !w.contains(x.answer.data[3000:3064]) {
		t.Fatal("the test looks for what never was there")
	}
	for range 2 { // a repeated order is answered like the first
		a, err := w.destroy(x.parcel, answer.Digest)
		must(t, err)
		if a.Day.String() != "2026-11-24" {
			t.Fatalf("destroyed on %s", a.Day)
		}
		if w.contains(x.answer.data[3000:3064]) || w.contains(x.answer.data[len(x.answer.data)-64:]) {
			t.Fatal("bytes of the answer are left")
		}
		w.clock.forward(24 * time.Hour)
	}
	if !w.contains(x.copy.data[3000:3064]) || !w.contains(other.answer.data[3000:3064]) {
		t.Fatal("something else is gone too")
	}

	found, err := w.deposit.Lookup(t.Context(), x.lookup)
	must(t, err)
	i := slices.IndexFunc(found.Objects, func(o depositsock.StoredObject) bool { return o.Object == answer })
	if i < 0 || found.Objects[i].Destroyed == nil || found.Bytes[answer.Digest] != nil {
		t.Fatalf("a look-up gives %+v", found.Objects)
	}
	d := found.Objects[i].Destroyed
	if d.Day.String() != "2026-11-24" || d.Status || !ed25519.Verify(x.reporter.Public().(ed25519.PublicKey), accesslog.DestroyText(origin, x.of, answer.Digest), d.Signature) {
		t.Errorf("a look-up says %+v of it", d)
	}

	got, err := w.ask(w.one, w.statement(w.one, accesslog.Export, x.of))
	must(t, err)
	for _, o := range got.Case.Objects {
		if destroyed := !o.Destroyed.IsZero(); destroyed != (o.Object == answer) {
			t.Errorf("members see a %s as destroyed: %t", o.Role, destroyed)
		}
	}
	if _, ok := got.objects[answer.Digest]; ok || !bytes.Equal(got.objects[x.copy.describe().Digest], x.copy.data) {
		t.Error("members are not left with their own copy alone")
	}
	w.stop()
	findings, err := vault.Examine(t.Context(), w.dir, w.clock.Now().Add(-48*time.Hour))
	must(t, err)
	for _, f := range findings {
		if !strings.Contains(f.What, "clock goes backwards") { // of this test, which looks back
			t.Errorf("doctor finds %q", f.What)
		}
	}
}

func TestDestroyedAnswersEnterTheLogByTheDayOnly(t *testing.T) {
	w := newWorld(t, vault.Config{})
	var all []answered
	for range 8 {
		all = append(all, w.answered())
	}
	_, err := w.control.Batch(t.Context())
	must(t, err)
	before := len(records(t, w))
	var order []id.Digest
	for _, x := range all {
		w.clock.forward(time.Minute)
		_, err := w.destroy(x.parcel, x.answer.describe().Digest)
		must(t, err)
		order = append(order, x.answer.describe().Digest)
	}
	_, err = w.send(newParcel(0, w.one.id))
	must(t, err)
	if n := len(records(t, w)); n != before {
		t.Fatalf("the log grew by %d records before the day's end", n-before)
	}
	n, err := w.control.Batch(t.Context())
	must(t, err)
	got := records(t, w)[before:]
	if n != 1 || len(got) != 10 || got[0].Kind != accesslog.KindDeposit || got[9].Kind != accesslog.KindBatch ||
		got[9].Batch.Deposits != 1 || got[9].Batch.Destroyed != 8 {
		t.Fatalf("the batch has %d records, of %d deposits", len(got), n)
	}
	var logged []id.Digest
	for _, r := range got[1:9] {
		if r.Kind != accesslog.KindDestroy || !r.Time.IsZero() || r.Destroy.Day.String() != "2026-11-24" {
			t.Fatalf("record %d is\n%s", r.Seq, r.Format())
		}
		logged = append(logged, r.Destroy.Object)
	}
	compare := func(a, b id.Digest) int { return bytes.Compare(a[:], b[:]) }
	slices.SortFunc(order, compare)
	if !slices.Equal(logged, order) {
		t.Error("they are not in the order of their digests")
	}
	if !vault.Settled(t, w.vault) {
		t.Error("rows are left in the order of the day")
	}
	w.clock.forward(24 * time.Hour)
	// A day on which nothing but this happens has a batch of its own.
	x := w.answered()
	_, err = w.control.Batch(t.Context())
	must(t, err)
	_, err = w.destroy(x.parcel, x.answer.describe().Digest)
	must(t, err)
	w.clock.forward(24 * time.Hour)
	must(t, w.vault.CatchUp(t.Context()))
	got = records(t, w)
	if last := got[len(got)-1]; last.Kind != accesslog.KindBatch || last.Batch.Deposits != 0 || last.Batch.Destroyed != 1 {
		t.Errorf("the last record is\n%s", last.Format())
	}
}

func TestALookUpTellsWhetherADestroyedAnswerHadTheStatus(t *testing.T) {
	w := newWorld(t, vault.Config{})
	x := w.answered()
	first, second := x, x
	for _, y := range []*answered{&first, &second} {
		y.answer, y.copy = object{id.RoleAnswer, sealed(600)}, object{id.RoleCopy, sealed(500)}
		w.clock.forward(time.Minute)
		w.say(*y, accesslog.Status)
	}
	after := x
	after.answer, after.copy = object{id.RoleAnswer, sealed(600)}, object{id.RoleCopy, sealed(500)}
	w.say(after, accesslog.Reply)
	for _, y := range []answered{x, first, second, after} {
		_, err := w.destroy(x.parcel, y.answer.describe().Digest)
		must(t, err)
	}
	found, err := w.deposit.Lookup(t.Context(), x.lookup)
	must(t, err)
	for _, o := range found.Objects {
		if o.Destroyed != nil && o.Destroyed.Status != (o.Object == second.answer.describe()) {
			t.Errorf("a look-up says status %t", o.Destroyed.Status)
		}
	}
}

func TestNobodyElseDestroysAnAnswer(t *testing.T) {
	w := newWorld(t, vault.Config{})
	x, other := w.answered(), w.answered()
	answer := x.answer.describe().Digest
	keyless := newParcel(0, w.one.id)
	keyless.reporter = nil
	_, err := w.send(keyless)
	must(t, err)
	_, mine, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	sign := func(key ed25519.PrivateKey, log string, of id.Case, o id.Digest) []byte {
		return ed25519.Sign(key, accesslog.DestroyText(log, of, o))
	}
	fresh := newParcel(0)
	for name, c := range map[string]struct {
		lookup    id.Lookup
		object    id.Digest
		signature []byte
		want      error
	}{
		"code that no case has":       {fresh.lookup, answer, sign(x.reporter, origin, x.of, answer), depositsock.ErrUnknown},
		"case without a key":          {keyless.lookup, answer, sign(mine, origin, keyless.of, answer), depositsock.ErrNoKey},
		"no signature":                {x.lookup, answer, nil, depositsock.ErrSignature},
		"another key":                 {x.lookup, answer, sign(mine, origin, x.of, answer), depositsock.ErrSignature},
		"another case's reporter":     {x.lookup, answer, sign(other.reporter, origin, x.of, answer), depositsock.ErrSignature},
		"signed for another log":      {x.lookup, answer, sign(x.reporter, "suluh.example/lain", x.of, answer), depositsock.ErrSignature},
		"signed for another case":     {x.lookup, answer, sign(x.reporter, origin, other.of, answer), depositsock.ErrSignature},
		"signed for another object":   {x.lookup, answer, sign(x.reporter, origin, x.of, id.Digest{}), depositsock.ErrSignature},
		"object that isn't there":     {x.lookup, id.Digest{1}, sign(x.reporter, origin, x.of, id.Digest{1}), depositsock.ErrNoAnswer},
		"answer of another case":      {other.lookup, answer, sign(other.reporter, origin, other.of, answer), depositsock.ErrNoAnswer},
		"the members' own copy":       {x.lookup, x.copy.describe().Digest, sign(x.reporter, origin, x.of, x.copy.describe().Digest), depositsock.ErrNoAnswer},
		"the reporter's own letter":   {x.lookup, x.objects[0].describe().Digest, sign(x.reporter, origin, x.of, x.objects[0].describe().Digest), depositsock.ErrNoAnswer},
		"what was not sent by anyone": {x.lookup, id.Digest{}, sign(x.reporter, origin, x.of, id.Digest{}), depositsock.ErrNoAnswer},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.deposit.Destroy(t.Context(), depositsock.DestroyHead{Lookup: c.lookup.Hex(), Object: c.object, Signature: c.signature})
			want(t, err, c.want)
		})
	}
	for _, y := range []answered{x, other} {
		found, err := w.deposit.Lookup(t.Context(), y.lookup)
		must(t, err)
		if !bytes.Equal(found.Bytes[y.answer.describe().Digest], y.answer.data) {
			t.Error("an answer is gone all the same")
		}
	}
}

func TestAReportersKeyIsOneOrNone(t *testing.T) {
	w := newWorld(t, vault.Config{})
	p := newParcel(0, w.one.id)
	p.reporter = p.reporter[:40] // its public key is cut short
	_, err := w.send(p)
	want(t, err, depositsock.ErrBad)
}

// What a crash left of an answer that was destroyed is gone after the next
// start: a file that its row doesn't name any more, and pages in the WAL.
func TestAStartEndsWhatACrashInterrupted(t *testing.T) {
	w := newWorld(t, vault.Config{})
	x := w.answered()
	answer := x.answer.describe()
	_, err := w.destroy(x.parcel, answer.Digest)
	must(t, err)
	w.stop()

	// As a vault that was killed before it truncated the WAL.
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(w.dir, "vault.db")+"?_journal_mode=WAL&_secure_delete=ON")
	must(t, err)
	defer db.Close()
	db.SetMaxOpenConns(1)
	for _, q := range []string{"UPDATE objects SET data = ? WHERE digest = ?", "UPDATE objects SET data = NULL WHERE data = ? AND digest = ?"} {
		_, err := db.Exec(q, x.answer.data, answer.Digest[:])
		must(t, err)
	}
	killed := filepath.Join(t.TempDir(), "v")
	must(t, os.CopyFS(killed, os.DirFS(w.dir)))
	must(t, os.WriteFile(filepath.Join(killed, "blobs", answer.Digest.String()), x.answer.data, 0o600))
	w.dir = killed
	if !w.contains(x.answer.data[3000:3064]) {
		t.Fatal("the test looks for what never was there")
	}
	findings, err := vault.Examine(t.Context(), w.dir, w.clock.Now())
	must(t, err)
	if n := len(findings); n == 0 || !strings.Contains(findings[n-1].What, "still in the store") {
		t.Errorf("doctor finds %+v", findings)
	}

	w.start(vault.Config{})
	if w.contains(x.answer.data[3000:3064]) || len(w.files()) != 0 {
		t.Error("bytes of the answer are left")
	}
	found, err := w.deposit.Lookup(t.Context(), x.lookup)
	must(t, err)
	if len(found.Bytes) != 1 {
		t.Errorf("a look-up gives %d objects, want the card", len(found.Bytes))
	}
}

// A store of the version before has no keys, and goes on.
func TestAnOlderStoreIsBroughtUpToDate(t *testing.T) {
	w := newWorld(t, vault.Config{})
	x := w.answered()
	w.stop()
	for _, q := range []string{
		"DROP INDEX records_own", "DROP TABLE cosigned", "DROP TABLE outbox", "DROP TABLE destroyed", "ALTER TABLE cases DROP COLUMN reporter", "ALTER TABLE deposits DROP COLUMN logged",
		"DELETE FROM goose_db_version WHERE version_id >= 3",
	} {
		vault.Raw(t, w.dir, q)
	}
	findings, err := vault.Examine(t.Context(), w.dir, w.clock.Now())
	must(t, err)
	if len(findings) != 1 || !strings.Contains(findings[0].What, "older version") {
		t.Errorf("doctor finds %+v", findings)
	}
	w.start(vault.Config{})
	_, err = w.destroy(x.parcel, x.answer.describe().Digest)
	want(t, err, depositsock.ErrNoKey)
	_, err = w.control.Batch(t.Context())
	must(t, err)
	found, err := w.deposit.Lookup(t.Context(), x.lookup)
	must(t, err)
	if len(found.Bytes) != 2 || found.Logged.String() != "2026-11-24" {
		t.Errorf("a look-up gives %d objects, logged %s", len(found.Bytes), found.Logged)
	}
}

func TestALookUpTellsWhenTheReportEnteredTheLog(t *testing.T) {
	w := newWorld(t, vault.Config{})
	p := newParcel(0, w.one.id)
	_, err := w.send(p)
	must(t, err)
	look := func(wantDay string, wantAll bool) {
		t.Helper()
		found, err := w.deposit.Lookup(t.Context(), p.lookup)
		must(t, err)
		if found.Logged.String() != wantDay || found.InLog != wantAll {
			t.Errorf("logged %q, all of it %t; want %q, %t", found.Logged, found.InLog, wantDay, wantAll)
		}
	}
	look("", false)
	w.clock.forward(24 * time.Hour)
	must(t, w.vault.CatchUp(t.Context()))
	look("2026-11-25", true)
	more := newParcel(0)
	more.lookup, more.of = p.lookup, ""
	_, err = w.send(more)
	must(t, err)
	look("2026-11-25", false)
	w.clock.forward(24 * time.Hour)
	must(t, w.vault.CatchUp(t.Context()))
	look("2026-11-25", true)
}
