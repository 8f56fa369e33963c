package backup_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/casecode"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/internal/backup"
	"suluh.example/suluh/internal/check"
	"suluh.example/suluh/internal/member"
	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/internal/submission"
	"suluh.example/suluh/internal/testvault"
	"suluh.example/suluh/vault"
	"suluh.example/suluh/vault/controlsock"
	"suluh.example/suluh/vault/depositsock"
	"suluh.example/suluh/vault/membersock"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

const reason = "disk server rusak pada hari Selasa"

// office is a vault with a backup folder beside it.
type office struct {
	*testvault.World
	t      *testing.T
	to     string
	key    *age.HybridIdentity
	config backup.Config
}

func newOffice(t *testing.T) *office {
	t.Helper()
	w := testvault.New(t)
	key, err := age.GenerateHybridIdentity()
	must(t, err)
	o := &office{World: w, t: t, to: filepath.Join(t.TempDir(), "cadangan"), key: key}
	o.config = backup.Config{Vault: w.Dir, To: o.to, Snapshot: w.Vault.Snapshot, Recipients: []string{key.Recipient().String()}}
	return o
}

func (o *office) backup() *backup.Result {
	o.t.Helper()
	r, err := backup.Run(o.t.Context(), o.config)
	must(o.t, err)
	return r
}

// yesterday makes the backup of today one of the day before.
func (o *office) yesterday() string {
	o.t.Helper()
	today, before := o.Day.String(), o.Day.AddDays(-1).String()
	dir := filepath.Join(o.to, "generations")
	must(o.t, os.Rename(filepath.Join(dir, today), filepath.Join(dir, before)))
	return before
}

func (o *office) restoring(dir string) backup.RestoreConfig {
	return backup.RestoreConfig{From: o.to, Dir: dir, Identities: []age.Identity{o.key}}
}

// restore brings the newest backup back and opens it.
func (o *office) restore() *testvault.World {
	o.t.Helper()
	dir := filepath.Join(o.t.TempDir(), "vault")
	_, err := backup.Restore(o.t.Context(), o.restoring(dir))
	must(o.t, err)
	return o.opened(dir)
}

// opened runs what was restored, with the sockets that people use.
func (o *office) opened(dir string) *testvault.World {
	o.t.Helper()
	v, err := vault.Open(o.t.Context(), vault.Config{Dir: dir})
	must(o.t, err)
	o.t.Cleanup(func() { must(o.t, v.Close()) })
	w := *o.World
	w.Dir, w.Vault = dir, v
	w.Deposit = depositsock.NewClient(w.Listen("deposit.sock", depositsock.Handler(v)))
	w.Member = membersock.NewClient(w.Listen("member.sock", membersock.Handler(v)))
	w.Sender, err = submission.NewSender(w.Deposit, w.Roster, v.DepositState().Roster)
	must(o.t, err)
	return &w
}

func session(t *testing.T, w *testvault.World, m id.Member, seen string) *member.Session {
	t.Helper()
	clock, err := report.DefaultClock()
	must(t, err)
	s, err := member.Open(t.Context(), member.Config{Vault: w.Member, Identity: w.Who[m], Root: w.Root, Clock: clock, Seen: seen})
	must(t, err)
	t.Cleanup(s.Close)
	return s
}

func checkpoint(t *testing.T, v *vault.Vault) []byte {
	t.Helper()
	b, err := v.LogFile(t.Context(), "checkpoint")
	must(t, err)
	return b
}

// opensEverything reads all cases as their reader and as their reporters.
func opensEverything(t *testing.T, w *testvault.World, codes []casecode.Code, evidence []byte) {
	t.Helper()
	s := session(t, w, testvault.One, "")
	items, err := s.List(t.Context())
	must(t, err)
	if len(items) != len(codes) {
		t.Fatalf("%d cases, want %d", len(items), len(codes))
	}
	files := 0
	for _, i := range items {
		c, err := s.Open(t.Context(), i.Case)
		must(t, err)
		if len(c.Unopened) > 0 || len(c.Messages) == 0 || c.Messages[0].Letter.Report.What == "" {
			t.Errorf("case %s: %+v", i.Case, c)
		}
		for _, a := range c.Attachments {
			_, r, err := s.Attachment(t.Context(), i.Case, a.Number)
			must(t, err)
			got, err := io.ReadAll(r)
			must(t, err)
			must(t, r.Close())
			if !bytes.Equal(got, evidence) {
				t.Error("an attachment is another")
			}
			files++
		}
	}
	if files == 0 {
		t.Error("no attachment came back")
	}
	for _, code := range codes {
		if v := w.Look(code); len(v.Warnings) > 0 {
			t.Errorf("by code: %v", v.Warnings)
		}
	}
}

// filesOf calls f with all files below a folder.
func filesOf(t *testing.T, dir string, f func(path string, b []byte)) {
	t.Helper()
	must(t, filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		f(path, b)
		return err
	}))
}

// TestARehearsedRestore is what an office rehearses: a vault is lost, its backup
// is brought back, every case opens, and the log extends what auditors had seen.
func TestARehearsedRestore(t *testing.T) {
	o := newOffice(t)
	evidence := make([]byte, 300_000)
	rand.Read(evidence)
	var codes []casecode.Code
	for range 3 {
		codes = append(codes, o.Send(testvault.Form("itprov"), testvault.File{Name: "bukti.bin", Data: evidence}))
	}
	s := session(t, o.World, testvault.One, "")
	items, err := s.List(t.Context())
	must(t, err)
	_, err = s.Open(t.Context(), items[0].Case)
	must(t, err)
	must(t, s.Reply(t.Context(), items[0].Case, member.NewOnce(), "Apakah ada kuitansi?"))
	_, err = o.Vault.Batch(t.Context())
	must(t, err)
	auditors := filepath.Join(t.TempDir(), "log")
	key := strings.TrimSpace(string(readFile(t, filepath.Join(o.Dir, "log.vkey"))))
	_, err = check.Export(t.Context(), auditors, o.Vault.LogFile, key, nil)
	must(t, err)

	onion := t.TempDir()
	must(t, os.MkdirAll(filepath.Join(onion, "hs", "authorized_clients"), 0o700))
	for name, text := range map[string]string{"hs/hs_ed25519_secret_key": "kunci onion uji", "hs/hostname": "uji.onion", "hs/authorized_clients/satu.auth": "x", "cached-microdescs": "besar"} {
		must(t, os.WriteFile(filepath.Join(onion, name), []byte(text), 0o600))
	}
	o.config.OnionDirs = []string{onion}
	must(t, os.MkdirAll(filepath.Join(o.Dir, "onion", "service"), 0o700)) // the vault's own, for members
	must(t, os.WriteFile(filepath.Join(o.Dir, "onion", "service", "hs_ed25519_secret_key"), []byte("kunci onion uji, vault"), 0o600))
	if r := o.backup(); r.Blobs != 3 || r.Copied != 3 {
		t.Fatalf("first: %+v", r)
	}
	codes = append(codes, o.Send(testvault.Form("itprov"), testvault.File{Name: "bukti.bin", Data: evidence}))
	// The folder is that of a day, so the second takes the place of the first.
	if r := o.backup(); r.Blobs != 4 || r.Copied != 1 || r.Generation != o.Day.String() {
		t.Fatalf("second: %+v", r)
	}
	last := checkpoint(t, o.Vault)

	secret := bytes.TrimSpace(readFile(t, filepath.Join(o.Dir, "log.key")))
	secret = bytes.SplitN(secret, []byte("+"), 5)[4] // base64 may have a + of its own
	filesOf(t, o.to, func(path string, b []byte) {
		if bytes.Contains(b, secret) || bytes.Contains(b, []byte("kunci onion uji")) {
			t.Errorf("%s has a key in the clear", path)
		}
	})

	dir, onionAgain := filepath.Join(t.TempDir(), "vault"), filepath.Join(t.TempDir(), "onion")
	c := o.restoring(dir)
	c.OnionDirs = []string{onionAgain}
	r, err := backup.Restore(t.Context(), c)
	must(t, err)
	if string(readFile(t, filepath.Join(dir, "onion", "service", "hs_ed25519_secret_key"))) != "kunci onion uji, vault" {
		t.Error("the vault's own onion keys are not back")
	}
	if r.Onion != 4 || string(readFile(t, filepath.Join(onionAgain, "hs", "hs_ed25519_secret_key"))) != "kunci onion uji" {
		t.Errorf("onion keys: %d", r.Onion)
	}
	if f, err := vault.Doctor(t.Context(), dir); err != nil || len(f) != 1 || !strings.Contains(f[0].What, "restored from the backup") {
		t.Errorf("the doctor says %+v, %v", f, err)
	}
	w := o.opened(dir)
	if w.Vault.DepositState().Open {
		t.Error("reports are offered before anybody knows what is lost")
	}
	if _, err := w.Vault.Snapshot(t.Context()); !errors.Is(err, controlsock.ErrRestored) {
		t.Errorf("a backup of it: %v", err)
	}
	if _, err := session(t, w, testvault.One, "").List(t.Context()); !errors.Is(err, membersock.ErrRestored) {
		t.Errorf("a member reads: %v", err)
	}
	if got := checkpoint(t, w.Vault); !bytes.Equal(got, last) {
		t.Error("it shows another log than the one that was lost")
	}
	_, err = w.Vault.GoOn(t.Context(), last, reason)
	must(t, err)
	opensEverything(t, w, codes, evidence)
	codes = append(codes, w.Send(testvault.Form("itprov")))
	opensEverything(t, w, codes, evidence)
	_, err = w.Vault.Batch(t.Context())
	must(t, err)

	log, err := check.Export(t.Context(), auditors, w.Vault.LogFile, key, nil)
	must(t, err)
	if unseen := log.Unseen(log.Before); len(unseen) != 1 || unseen[0].Reason != reason || unseen[0].Records() != 0 {
		t.Errorf("the auditors are told %+v", unseen)
	}
	log, err = check.Export(t.Context(), auditors, w.Vault.LogFile, key, nil)
	must(t, err)
	if len(log.Restores) != 1 || len(log.Unseen(log.Before)) != 0 {
		t.Errorf("who keeps the log since is told again: %+v", log.Restores)
	}
	if f, err := vault.Doctor(t.Context(), dir, last); err != nil || len(f) != 0 {
		t.Errorf("the doctor says %+v, %v", f, err)
	}
}

// TestAnOlderStateShouts: what happened after the backup is lost, and whoever saw
// any of it is told so; an operator who leaves out what he would like to hide has
// made a fork.
func TestAnOlderStateShouts(t *testing.T) {
	o := newOffice(t)
	key := strings.TrimSpace(string(readFile(t, filepath.Join(o.Dir, "log.vkey"))))
	o.Send(testvault.Form("itprov"))
	seen := filepath.Join(t.TempDir(), "satu.seen")
	must(t, second(session(t, o.World, testvault.One, seen).List(t.Context())))
	o.backup()
	// After the backup: two more requests, of which auditors know one.
	must(t, second(session(t, o.World, testvault.One, seen).List(t.Context())))
	auditors := filepath.Join(t.TempDir(), "log")
	must(t, second(check.Export(t.Context(), auditors, o.Vault.LogFile, key, nil)))
	named := readFile(t, filepath.Join(auditors, "checkpoint"))
	seenTwo := filepath.Join(t.TempDir(), "dua.seen")
	must(t, second(session(t, o.World, testvault.Two, seenTwo).List(t.Context())))
	later := checkpoint(t, o.Vault)

	w := o.restore()
	if f, err := vault.Doctor(t.Context(), w.Dir, named); err != nil || len(f) != 2 || !strings.Contains(f[1].What, "older one") {
		t.Errorf("the doctor says %+v, %v", f, err)
	}
	stranger, err := accesslog.SignCheckpoint(testvault.Origin, accesslog.EmptyTree(), newOffice(t).LogSigner())
	must(t, err)
	for _, bad := range []struct {
		lost   []byte
		reason string
		want   error
	}{{stranger, reason, controlsock.ErrCheckpoint}, {named, "x", controlsock.ErrReason}, {named, "dua\nbaris, dua baris", controlsock.ErrReason}} {
		if _, err := w.Vault.GoOn(t.Context(), bad.lost, bad.reason); !errors.Is(err, bad.want) {
			t.Errorf("it goes on with %v, want %v", err, bad.want)
		}
	}
	must(t, second(w.Vault.GoOn(t.Context(), named, reason)))
	if _, err := w.Vault.GoOn(t.Context(), nil, reason); !errors.Is(err, controlsock.ErrNotRestored) {
		t.Errorf("it goes on twice: %v", err)
	}
	for range 4 { // the log grows past what was lost
		must(t, second(session(t, w, testvault.Three, "").List(t.Context())))
	}

	// Whoever verifies it for the first time is told.
	log := check.New(w.Vault.LogFile, o.Log)
	r, err := log.Extend(t.Context())
	must(t, err)
	if u := r.Unseen(accesslog.EmptyTree()); len(u) != 1 || u[0].Records() < 1 || !strings.Contains(u[0].String(), reason) {
		t.Errorf("told %+v", u)
	}
	// Auditors whose checkpoint is named learn that it was lost, and keep theirs.
	var f *check.Finding
	if _, err := check.Export(t.Context(), auditors, w.Vault.LogFile, key, nil); !errors.As(err, &f) || f.Fault != check.FaultRestored {
		t.Errorf("auditors: %v", err)
	}
	if !bytes.Equal(readFile(t, filepath.Join(auditors, "checkpoint")), named) {
		t.Error("the auditors' copy was changed")
	}
	// One of a later state has found what the operator leaves out.
	before, err := accesslog.OpenCheckpoint(later, o.Log)
	must(t, err)
	if err := log.Continues(t.Context(), before); !errors.As(err, &f) || f.Fault != check.FaultFork || !strings.Contains(f.What, "leaves out") {
		t.Errorf("a later checkpoint: %v", err)
	}
	if x, err := vault.Doctor(t.Context(), w.Dir, later); err != nil || len(x) != 1 || strings.Contains(x[0].Do, "Nothing else") {
		t.Errorf("the doctor says %+v, %v", x, err)
	}
	// Members whose desks saw what is lost are told which it was; whoever saw more
	// than the log admits to finds a fork.
	var restored *member.Restored
	_, err = session(t, w, testvault.One, seen).List(t.Context())
	if !errors.As(err, &restored) || !errors.Is(err, member.ErrFork) || !strings.Contains(err.Error(), reason) {
		t.Errorf("a member who saw what is lost: %v", err)
	}
	_, err = session(t, w, testvault.Two, seenTwo).List(t.Context())
	if errors.As(err, &restored) || !errors.Is(err, member.ErrFork) {
		t.Errorf("a member who saw more: %v", err)
	}
}

// TestACrashWhileGoingOn: the record is there, the mark is still.
func TestACrashWhileGoingOn(t *testing.T) {
	o := newOffice(t)
	o.Send(testvault.Form("itprov"))
	o.backup()
	dir := filepath.Join(t.TempDir(), "vault")
	must(t, second(backup.Restore(t.Context(), o.restoring(dir))))
	mark := readFile(t, filepath.Join(dir, "restored"))
	v, err := vault.Open(t.Context(), vault.Config{Dir: dir})
	must(t, err)
	must(t, second(v.GoOn(t.Context(), nil, reason)))
	must(t, v.Close())
	must(t, os.WriteFile(filepath.Join(dir, "restored"), mark, 0o600))
	v, err = vault.Open(t.Context(), vault.Config{Dir: dir})
	must(t, err)
	if !v.DepositState().Open {
		t.Error("it waits again")
	}
	must(t, v.Close())
}

// TestDestroyedAnswersStayDestroyed: in earlier backups, and in what is restored
// from them.
func TestDestroyedAnswersStayDestroyed(t *testing.T) {
	o := newOffice(t)
	code := o.Send(testvault.Form("itprov"))
	s := session(t, o.World, testvault.One, "")
	items, err := s.List(t.Context())
	must(t, err)
	for _, text := range []string{"Balasan pendek.", strings.Repeat("Balasan yang panjang sekali. ", 4000)} {
		must(t, s.Reply(t.Context(), items[0].Case, member.NewOnce(), text))
	}
	o.backup()
	before := o.yesterday()
	kept := filepath.Join(t.TempDir(), "lain") // a copy somewhere else, of which the folder knows nothing
	must(t, os.CopyFS(kept, os.DirFS(o.to)))

	v := o.Look(code)
	var sealed [][]byte
	for _, m := range v.Messages {
		if m.By != "" {
			sealed = append(sealed, answerIn(t, o.Dir, m.Answer))
			must(t, second(o.Sender.Destroy(t.Context(), v, m.Answer)))
		}
	}
	if len(sealed) != 2 {
		t.Fatalf("%d answers", len(sealed))
	}
	if r := o.backup(); r.Destroyed != 2 {
		t.Errorf("%d answers are gone from earlier backups, want 2", r.Destroyed)
	}
	filesOf(t, o.to, func(path string, b []byte) {
		for _, x := range sealed {
			if bytes.Contains(b, x) {
				t.Errorf("%s still has a destroyed answer", path)
			}
		}
	})
	f, err := backup.Open(o.to)
	must(t, err)
	must(t, f.Check(t.Context(), before, nil))
	must(t, f.Close())

	// From the copy elsewhere the answers would be back, but for the orders that
	// a later state knows.
	c := o.restoring(filepath.Join(t.TempDir(), "vault"))
	c.From, c.Newer = kept, o.Dir
	r, err := backup.Restore(t.Context(), c)
	must(t, err)
	if r.Destroyed != 2 {
		t.Errorf("%d answers were destroyed again, want 2", r.Destroyed)
	}
	w := o.opened(c.Dir)
	must(t, second(w.Vault.GoOn(t.Context(), nil, reason)))
	view := w.Look(code)
	for _, m := range view.Messages {
		if m.Answer != (id.Digest{}) && m.Destroyed.IsZero() {
			t.Errorf("an answer is back: %+v", m)
		}
	}
	if len(view.Warnings) > 0 {
		t.Errorf("the reporter is alarmed: %v", view.Warnings)
	}
	must(t, second(w.Vault.Batch(t.Context())))
	log, err := check.Verify(t.Context(), w.Vault.LogFile, o.Log)
	must(t, err)
	if log.Destroyed != 2 {
		t.Errorf("the log has %d destroyed answers", log.Destroyed)
	}
}

// answerIn returns some bytes from the middle of a sealed answer.
func answerIn(t *testing.T, dir string, d id.Digest) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "blobs", d.String()))
	if errors.Is(err, fs.ErrNotExist) {
		db, err := sql.Open("sqlite3", "file:"+filepath.Join(dir, "vault.db")+"?mode=ro")
		must(t, err)
		defer db.Close()
		must(t, db.QueryRow("SELECT data FROM objects WHERE digest = ?", d[:]).Scan(&b))
	}
	return b[len(b)/2 : len(b)/2+200]
}

func TestABackupThatIsDamagedIsFound(t *testing.T) {
	o := newOffice(t)
	o.Send(testvault.Form("itprov"), testvault.File{Name: "bukti.bin", Data: make([]byte, 200_000)})
	name := o.backup().Generation
	blobs, err := os.ReadDir(filepath.Join(o.to, "blobs"))
	must(t, err)
	for _, path := range []string{filepath.Join("blobs", blobs[0].Name()), "generations/" + name + "/vault.db", "generations/" + name + "/keys.age", "generations/" + name + "/zone"} {
		path = filepath.Join(o.to, path)
		whole := readFile(t, path)
		broken := bytes.Clone(whole)
		broken[len(broken)/2] ^= 1
		must(t, os.WriteFile(path, broken, 0o600))
		f, err := backup.Open(o.to)
		must(t, err)
		if err := f.Check(t.Context(), name, nil); !errors.Is(err, backup.ErrDamaged) {
			t.Errorf("%s: %v", filepath.Base(path), err)
		}
		must(t, f.Close())
		if _, err := backup.Restore(t.Context(), o.restoring(filepath.Join(t.TempDir(), "vault"))); err == nil {
			t.Errorf("%s: it was restored all the same", filepath.Base(path))
		}
		must(t, os.WriteFile(path, whole, 0o600))
	}
	stranger, err := age.GenerateHybridIdentity()
	must(t, err)
	c := o.restoring(filepath.Join(t.TempDir(), "vault"))
	c.Identities = []age.Identity{stranger}
	if _, err := backup.Restore(t.Context(), c); !errors.Is(err, backup.ErrIdentity) {
		t.Errorf("with another's key: %v", err)
	}
	c = o.restoring(o.Dir)
	if _, err := backup.Restore(t.Context(), c); !errors.Is(err, os.ErrExist) {
		t.Errorf("over a vault: %v", err)
	}
}

// TestABackupThatBreaksOffLeavesTheOneBefore breaks one off while each of its
// parts is copied.
func TestABackupThatBreaksOffLeavesTheOneBefore(t *testing.T) {
	o := newOffice(t)
	o.Send(testvault.Form("itprov"), testvault.File{Name: "bukti.bin", Data: make([]byte, 200_000)})
	first := o.backup()
	o.Send(testvault.Form("itprov"), testvault.File{Name: "bukti.bin", Data: make([]byte, 200_001)})
	whole := o.config
	for n := 1; ; n++ {
		ctx, cancel := context.WithCancel(t.Context())
		left := n
		o.config.Progress = func(int64, int64) {
			if left--; left == 0 {
				cancel()
			}
		}
		_, err := backup.Run(ctx, o.config)
		cancel()
		if err == nil {
			break
		}
		f, err := backup.Open(o.to)
		must(t, err)
		names, err := f.Generations()
		must(t, err)
		if len(names) != 1 || names[0] != first.Generation {
			t.Fatalf("broken off at %d: %v", n, names)
		}
		must(t, f.Check(t.Context(), first.Generation, nil))
		must(t, f.Close())
	}
	o.config = whole
	if r := o.backup(); r.Blobs != 2 {
		t.Errorf("afterwards: %+v", r)
	}
}

func TestOldBackupsGo(t *testing.T) {
	o := newOffice(t)
	o.Send(testvault.Form("itprov"), testvault.File{Name: "bukti.bin", Data: make([]byte, 200_000)})
	o.backup()
	before := o.yesterday()
	must(t, os.WriteFile(filepath.Join(o.to, "blobs", strings.Repeat("0", 64)), []byte("of nobody"), 0o600))
	o.config.Keep = 1
	if r := o.backup(); len(r.Dropped) != 1 || r.Dropped[0] != before {
		t.Errorf("dropped %v", r.Dropped)
	}
	blobs, err := os.ReadDir(filepath.Join(o.to, "blobs"))
	must(t, err)
	if len(blobs) != 1 {
		t.Errorf("%d blobs are left, want the one that the backup names", len(blobs))
	}
	f, err := backup.Open(o.to)
	must(t, err)
	defer f.Close()
	if _, err := backup.Open(o.to); !errors.Is(err, backup.ErrBusy) {
		t.Errorf("two at once: %v", err)
	}
	if err := f.Forget(t.Context(), before); !errors.Is(err, backup.ErrNone) {
		t.Errorf("forgotten twice: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	must(t, err)
	return b
}
