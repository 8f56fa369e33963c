package check_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	_ "github.com/mattn/go-sqlite3"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/casecode"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/check"
	"suluh.example/suluh/internal/member"
	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/internal/submission"
	"suluh.example/suluh/internal/testkey"
	"suluh.example/suluh/internal/testvault"
	"suluh.example/suluh/vault"
	"suluh.example/suluh/vault/depositsock"
	"suluh.example/suluh/vault/membersock"
)

// scene is a vault in which something has happened, and what those outside
// have kept of it: a reporter the code, a member the last checkpoint, an
// auditor an exported folder.
type scene struct {
	t       *testing.T
	w       *testvault.World
	a, b    id.Case // a has an attachment, and was not to be read by Two
	codes   map[id.Case]casecode.Code
	reads   []id.Case // by the member, who comes back
	kept    string    // the member's files
	folder  string    // the auditor's
	saved   string    // the file of another, of what was verified
	records []accesslog.Record
}

func newScene(t *testing.T) *scene {
	t.Helper()
	w := testvault.New(t)
	s := &scene{t: t, w: w, codes: map[id.Case]casecode.Code{}, kept: t.TempDir(), folder: filepath.Join(t.TempDir(), "log")}
	codeA := w.Send(testvault.Form("itprov", testvault.Two), testvault.File{Name: "bukti.bin", Data: bytes.Repeat([]byte("bukti"), 40_000)})
	codeB := w.Send(testvault.Form("itprov"))
	s.a, s.b = w.Look(codeA).Case, w.Look(codeB).Case
	s.codes[s.a], s.codes[s.b] = codeA, codeB
	s.reads = []id.Case{s.a, s.b}
	one := s.session(testvault.One, w.Member, s.kept)
	two := s.session(testvault.Two, w.Member, "")
	three := s.session(testvault.Three, w.Member, "")
	for _, of := range []id.Case{s.a, s.b, s.a} {
		_, err := one.Open(t.Context(), of)
		must(t, err)
	}
	must(t, one.Reply(t.Context(), s.a, member.NewOnce(), "Apakah ada kuitansi?"))
	must(t, one.Note(t.Context(), s.a, member.NewOnce(), "Cocokkan dengan buku kas."))
	_, err := three.List(t.Context())
	must(t, err)
	_, err = w.Vault.Batch(t.Context())
	must(t, err)
	_, err = two.Open(t.Context(), s.b)
	must(t, err)
	must(t, one.Revoke(t.Context(), s.b, testvault.Two))
	must(t, one.Grant(t.Context(), s.b, testvault.Two))
	_, err = two.Open(t.Context(), s.b)
	must(t, err)
	w.Say(codeA, "Saya kirim besok.")
	must(t, one.SetStatus(t.Context(), s.a, member.NewOnce(), report.Verifying, "Hapus setelah dibaca."))
	must(t, one.Reply(t.Context(), s.a, member.NewOnce(), "Hapus ini juga."))
	view := w.Look(codeA)
	for _, m := range view.Messages {
		if strings.HasPrefix(m.Text, "Hapus") {
			_, err := w.Sender.Destroy(t.Context(), view, m.Answer)
			must(t, err)
		}
	}
	_, err = w.Vault.Batch(t.Context())
	must(t, err)
	_, err = one.Open(t.Context(), s.a)
	must(t, err)
	_, err = check.Export(t.Context(), s.folder, w.Vault.LogFile, s.vkey(), nil)
	must(t, err)
	s.save()
	_, err = one.List(t.Context())
	must(t, err)
	one.Close()
	bundle, err := w.Vault.LogFile(t.Context(), accesslog.TilePath(tlog.Tile{H: 8, L: -1, W: int(one.Seen().N)}))
	must(t, err)
	leaves, err := accesslog.Entries(bundle)
	must(t, err)
	for _, leaf := range leaves {
		r, err := accesslog.ParseRecord(leaf)
		must(t, err)
		s.records = append(s.records, r)
	}
	return s
}

// save keeps what an auditor has verified.
func (s *scene) save() {
	s.t.Helper()
	s.saved = filepath.Join(s.t.TempDir(), "verified")
	log := check.New(s.w.Vault.LogFile, s.w.Log)
	must(s.t, second(log.Extend(s.t.Context())))
	must(s.t, log.Save(s.saved))
}

func (s *scene) vkey() string {
	b, err := s.w.Vault.LogFile(s.t.Context(), "log.vkey")
	must(s.t, err)
	return strings.TrimSpace(string(b))
}

func (s *scene) session(m id.Member, v *membersock.Client, dir string) *member.Session {
	s.t.Helper()
	x, err := s.open(m, v, dir)
	must(s.t, err)
	return x
}

func (s *scene) open(m id.Member, v *membersock.Client, dir string) (*member.Session, error) {
	clock, err := report.DefaultClock()
	must(s.t, err)
	c := member.Config{Vault: v, Identity: s.w.Who[m], Root: s.w.Root, Clock: clock}
	if dir != "" {
		c.Seen = filepath.Join(dir, string(m)+".seen")
	}
	return member.Open(s.t.Context(), c)
}

// nth returns the index of the nth record that is a statement of the action by
// the member, or of the kind if no member is named.
func (s *scene) nth(n int, what string, by id.Member, of id.Case) int {
	s.t.Helper()
	for i, r := range s.records {
		found := string(r.Kind) == what && (of == "" || r.Deposit.Case == of)
		if r.Kind == accesslog.KindStatement {
			st, err := accesslog.ReadStatement(r.Statement)
			must(s.t, err)
			found = string(st.Action) == what && st.Member == by && (of == "" || st.Case == of)
		}
		if found {
			if n--; n == 0 {
				return i
			}
		}
	}
	s.t.Fatalf("no %s by %q", what, by)
	return 0
}

// store is a copy of the scene's vault in the hands of its operator.
type store struct {
	*scene
	t      *testing.T
	dir    string
	vault  *vault.Vault
	desk   *membersock.Client
	intake *depositsock.Client
	files  check.Files
}

func (s *scene) copy(t *testing.T) *store {
	t.Helper()
	x := &store{scene: s, t: t, dir: filepath.Join(t.TempDir(), "v")}
	must(t, os.MkdirAll(filepath.Join(x.dir, "blobs", "tmp"), 0o700))
	for _, name := range []string{"log.key", "log.vkey", "root.vkey", "zone"} {
		b, err := os.ReadFile(filepath.Join(s.w.Dir, name))
		must(t, err)
		must(t, os.WriteFile(filepath.Join(x.dir, name), b, 0o600))
	}
	blobs, err := filepath.Glob(filepath.Join(s.w.Dir, "blobs", "*"))
	must(t, err)
	for _, name := range blobs {
		if b, err := os.ReadFile(name); err == nil {
			must(t, os.WriteFile(filepath.Join(x.dir, "blobs", filepath.Base(name)), b, 0o600))
		}
	}
	db, err := sql.Open("sqlite3", filepath.Join(s.w.Dir, "vault.db"))
	must(t, err)
	defer db.Close()
	_, err = db.Exec("VACUUM INTO ?", filepath.Join(x.dir, "vault.db"))
	must(t, err)
	return x
}

// sql changes the database as its operator can.
func (x *store) sql(query string, args ...any) {
	x.t.Helper()
	db, err := sql.Open("sqlite3", filepath.Join(x.dir, "vault.db"))
	must(x.t, err)
	defer db.Close()
	r, err := db.Exec(query, args...)
	must(x.t, err)
	if n, err := r.RowsAffected(); err == nil && n == 0 && !strings.HasPrefix(query, "CREATE") {
		x.t.Fatalf("%s changed nothing", query)
	}
}

// rewrite changes the log's records and makes its hashes anew, so that the
// vault signs what results.
func (x *store) rewrite(change func([]accesslog.Record) []accesslog.Record) {
	x.t.Helper()
	x.sql("DELETE FROM records")
	var tree stored
	for i, r := range change(slices.Clone(x.records)) {
		r.Seq = int64(i)
		leaf := r.Format()
		hashes, err := tlog.StoredHashes(r.Seq, leaf, &tree)
		must(x.t, err)
		tree = append(tree, hashes...)
		var row []byte
		for _, h := range hashes {
			row = append(row, h[:]...)
		}
		of, by, action := r.Deposit.Case, id.Member(""), accesslog.Action("")
		if r.Kind == accesslog.KindStatement {
			if st, err := accesslog.ReadStatement(r.Statement); err == nil {
				of, by, action = st.Case, st.Member, st.Action
			}
		}
		x.sql("INSERT INTO records (seq, leaf, hashes, case_id, member, action) VALUES (?, ?, ?, ?, ?, ?)",
			r.Seq, leaf, row, string(of), string(by), string(action))
	}
}

type stored []tlog.Hash

func (s *stored) ReadHashes(at []int64) (out []tlog.Hash, err error) {
	for _, i := range at {
		out = append(out, (*s)[i])
	}
	return out, nil
}

// start runs a vault on the copy.
func (x *store) start() {
	x.t.Helper()
	var err error
	x.vault, err = vault.Open(x.t.Context(), vault.Config{Dir: x.dir})
	must(x.t, err)
	x.t.Cleanup(func() { must(x.t, x.vault.Close()) })
	x.files = x.vault.LogFile
	here := *x.w
	here.T, here.Dir = x.t, x.dir
	x.desk = membersock.NewClient(here.Listen("m", membersock.Handler(x.vault)))
	x.intake = depositsock.NewClient(here.Listen("d", depositsock.Handler(x.vault)))
}

// auditor verifies from outside, with the log's key and nothing else.
func (x *store) auditor() error {
	_, err := check.Verify(x.t.Context(), x.files, x.w.Log)
	return err
}

// again brings an auditor's folder up to date.
func (x *store) again() error {
	dir := filepath.Join(x.t.TempDir(), "log")
	must(x.t, os.CopyFS(dir, os.DirFS(x.folder)))
	_, err := check.Export(x.t.Context(), dir, x.files, x.vkey(), nil)
	return err
}

// goesOn is an auditor who goes on from what was verified before.
func (x *store) goesOn() error {
	log, err := check.Resume(x.t.Context(), x.files, x.w.Log, x.saved, false)
	if err != nil {
		return err
	}
	_, err = log.Extend(x.t.Context())
	return err
}

// member comes back to the desk, and looks at everything.
func (x *store) member() error {
	dir := x.t.TempDir()
	must(x.t, os.CopyFS(dir, os.DirFS(x.kept)))
	s, err := x.open(testvault.One, x.desk, dir)
	if err != nil {
		return err
	}
	defer s.Close()
	items, err := s.List(x.t.Context())
	if err != nil {
		return err
	}
	for _, i := range items {
		if i.Err != nil {
			return i.Err
		}
	}
	for _, of := range x.reads {
		c, err := s.Open(x.t.Context(), of)
		if err != nil {
			return err
		}
		if len(c.Unopened) > 0 {
			return c.Unopened[0].Err
		}
		for _, a := range c.Attachments {
			_, r, err := s.Attachment(x.t.Context(), of, a.Number)
			if err != nil {
				return err
			}
			_, err = io.Copy(io.Discard, r)
			if err := errors.Join(err, r.Close()); err != nil {
				return err
			}
		}
	}
	return nil
}

// reporter looks at both cases with the codes on paper.
func (x *store) reporter() error {
	s, err := submission.NewSender(x.intake, x.w.Roster, id.Digest{}) // it only looks
	must(x.t, err)
	for _, code := range x.codes {
		v, err := s.Look(x.t.Context(), code)
		if err != nil {
			return err
		}
		if len(v.Warnings) > 0 {
			return submission.ErrTampered
		}
	}
	return nil
}

// forge is a statement that the operator makes up, signed with a key of the
// operator's own or, conspiring with a member, with the member's.
func (x *store) forge(by note.Signer, like accesslog.Record, change func(*accesslog.Statement)) accesslog.Record {
	x.t.Helper()
	st := accesslog.Statement{
		Log: testvault.Origin, Action: accesslog.Open, Member: id.Member(by.Name()), Case: x.a, Time: like.Time, Seen: accesslog.EmptyTree(),
	}
	rand.Read(st.Nonce[:])
	if change != nil {
		change(&st)
	}
	msg, err := st.Sign(by)
	must(x.t, err)
	like.Kind, like.Statement = accesslog.KindStatement, msg
	return like
}

// object has the form of an age file.
func object(n int) ([]byte, id.Digest) {
	b := make([]byte, n)
	rand.Read(b)
	b = append([]byte("age-encryption.org/v1\n"), b...)
	return b, id.DigestOf(b)
}

// The finders.
const (
	auditor  = "an auditor"
	folder   = "an auditor with an earlier export"
	goesOn   = "an auditor who goes on from an earlier verification"
	desk     = "a member's desk"
	reporter = "the reporter's card"
)

// tampering is one kind of change. The operator makes it with the log's key in
// hand; everybody of by must find it, an auditor at the record at.
type tampering struct {
	name  string
	by    []string
	at    func(*scene) int // nil: any
	fault check.Fault      // "": any
	edit  func(*store)     // while the vault is stopped
	live  func(*store)     // and while it runs again
	old   bool             // it changes nothing but what is not read again by who has verified it
}

// finders are those of by, and how each looks.
var finders = map[string]func(*store) error{
	auditor: (*store).auditor, folder: (*store).again, goesOn: (*store).goesOn, desk: (*store).member, reporter: (*store).reporter,
}

// try does it to a copy of the scene's vault.
func (x tampering) try(t *testing.T, s *scene) {
	v := s.copy(t)
	if x.edit != nil {
		x.edit(v)
	}
	v.start()
	if x.live != nil {
		x.live(v)
	}
	for _, who := range x.by {
		err := finders[who](v)
		t.Logf("%s: %v", who, err)
		if who == folder && !x.old {
			if err := v.goesOn(); err == nil {
				t.Errorf("%s does not find it", goesOn)
			}
		}
		if err == nil {
			t.Errorf("%s does not find it", who)
			continue
		}
		var f *check.Finding
		if who != auditor {
			continue
		}
		if !errors.As(err, &f) || x.at != nil && f.Seq != int64(x.at(s)) {
			t.Errorf("%s finds %v, want a finding at record %d", who, err, x.at(s))
		} else if x.fault != "" && f.Fault != x.fault {
			t.Errorf("%s finds the fault %s, want %s", who, f.Fault, x.fault)
		}
	}
}

// nothing changes nothing, which nobody finds.
func nothing(t *testing.T, s *scene) {
	x := s.copy(t)
	x.rewrite(func(r []accesslog.Record) []accesslog.Record { return r })
	x.start()
	for who, finds := range finders {
		if err := finds(x); err != nil {
			t.Errorf("%s finds %v where nothing was changed", who, err)
		}
	}
}

// nth is scene.nth, of any case.
func nth(n int, what string, by id.Member) func(*scene) int {
	return func(s *scene) int { return s.nth(n, what, by, "") }
}

func tamperings(t *testing.T) []tampering {
	stranger, _, _ := testkey.New(t, string(testvault.One))
	const one, two, three = testvault.One, testvault.Two, testvault.Three
	type records = []accesslog.Record
	after := func(f func(*scene) int) func(*scene) int { return func(s *scene) int { return f(s) + 1 } }
	return slices.Concat(unsealings(t), []tampering{
		// Records.
		{name: "a record is dropped", by: []string{auditor, folder}, edit: func(x *store) {
			x.rewrite(func(r records) records { i := x.nth(1, "open", one, ""); return slices.Delete(r, i, i+1) })
		}},
		{name: "records are reordered", by: []string{auditor, folder}, at: nth(1, "open", one), edit: func(x *store) {
			x.rewrite(func(r records) records { i := x.nth(1, "open", one, ""); r[i], r[i+1] = r[i+1], r[i]; return r })
		}},
		{name: "a statement is replayed into the log", by: []string{auditor, folder}, at: after(nth(1, "open", one)), edit: func(x *store) {
			x.rewrite(func(r records) records { i := x.nth(1, "open", one, ""); return slices.Insert(r, i+1, r[i]) })
		}},
		{name: "an access is invented", by: []string{auditor, folder}, at: after(nth(3, "open", one)), edit: func(x *store) {
			x.rewrite(func(r records) records {
				i := x.nth(3, "open", one, "")
				return slices.Insert(r, i+1, x.forge(stranger, r[i], nil))
			})
		}},
		{name: "a record's action is edited", by: []string{auditor, folder, desk}, at: nth(2, "open", one), edit: func(x *store) {
			x.rewrite(func(r records) records {
				i := x.nth(2, "open", one, "")
				r[i].Statement = bytes.Replace(r[i].Statement, []byte("action open"), []byte("action export"), 1)
				return r
			})
		}},
		{name: "a record's member is edited", by: []string{auditor, folder, desk}, at: nth(1, "open", one), edit: func(x *store) {
			x.rewrite(func(r records) records {
				i := x.nth(1, "open", one, "")
				r[i].Statement = bytes.Replace(r[i].Statement, []byte("member "+one), []byte("member "+two), 1)
				return r
			})
		}},
		{name: "a record's case is edited", by: []string{auditor, folder}, at: nth(1, "open", one), edit: func(x *store) {
			x.rewrite(func(r records) records {
				i := x.nth(1, "open", one, "")
				r[i].Statement = bytes.Replace(r[i].Statement, []byte(x.a), []byte(x.b), 1)
				return r
			})
		}},
		{name: "a record is edited in the tables alone", old: true, by: []string{auditor, folder}, at: nth(1, "open", one), edit: func(x *store) {
			x.sql("UPDATE records SET leaf = CAST(replace(CAST(leaf AS TEXT), 'count 0', 'count 7') AS BLOB) WHERE seq = ?", x.nth(1, "open", one, ""))
		}},
		{name: "records are backdated", by: []string{auditor, folder}, at: nth(1, "open", one), edit: func(x *store) {
			x.rewrite(func(r records) records {
				for i := range r {
					if i <= x.nth(1, "open", one, "") && r[i].Kind != accesslog.KindDeposit {
						r[i].Time = r[i].Time.Add(-time.Hour)
					}
				}
				return r
			})
		}},
		{name: "a record says another number", by: []string{auditor}, at: nth(1, "open", one), edit: func(x *store) {
			x.rewrite(func(r records) records { return r })
			x.sql("UPDATE records SET leaf = CAST(replace(CAST(leaf AS TEXT), 'seq ', 'seq 1') AS BLOB) WHERE seq = ?", x.nth(1, "open", one, ""))
		}},
		// Access.
		{name: "somebody without a key opens a case before its deposit is in the log", by: []string{auditor}, at: func(s *scene) int { return s.nth(1, "deposit", "", s.a) }, edit: func(x *store) {
			x.rewrite(func(r records) records {
				i := x.nth(1, "list", three, "")
				like := r[x.nth(1, "open", one, x.a)]
				like.Time = r[i].Time
				r[i] = x.forge(x.w.Who[two].Signer(), like, nil)
				return r
			})
		}},
		{name: "somebody without a key opens a case later", by: []string{auditor}, at: nth(1, "open", two), edit: func(x *store) {
			x.rewrite(func(r records) records {
				i := x.nth(1, "open", two, "")
				like := r[x.nth(1, "open", one, x.a)]
				like.Time = r[i].Time
				r[i] = x.forge(x.w.Who[two].Signer(), like, nil)
				return r
			})
		}},
		{name: "a grant is invented", by: []string{auditor}, at: after(nth(1, "open", two)), edit: func(x *store) {
			x.rewrite(func(r records) records {
				i := x.nth(1, "open", two, "")
				like := r[x.nth(1, "open", one, x.a)]
				like.Time = r[i].Time
				return slices.Insert(r, i+1, x.forge(stranger, like, func(s *accesslog.Statement) { s.Action, s.To = accesslog.Grant, two }))
			})
		}},
		{name: "an access names a grant that never was", by: []string{auditor}, at: nth(2, "open", two), edit: func(x *store) {
			x.rewrite(func(r records) records {
				i := x.nth(2, "open", two, "")
				r[i].Cover = accesslog.Cover{Grant: int64(x.nth(1, "list", three, ""))}
				return r
			})
		}},
		{name: "a revocation is dropped, and what it took still used", by: []string{auditor}, at: nth(2, "open", two), edit: func(x *store) {
			x.rewrite(func(r records) records {
				i := x.nth(2, "open", two, "")
				r[i].Cover = r[x.nth(1, "open", two, "")].Cover
				return r
			})
		}},
		{name: "a grant is given to somebody who reads nothing", by: []string{auditor}, edit: func(x *store) {
			x.rewrite(func(r records) records {
				i := x.nth(1, "open", two, "")
				like := r[x.nth(1, "open", one, x.a)]
				like.Time = r[i].Time
				return slices.Insert(r, i+1, x.forge(x.w.Who[one].Signer(), like, func(s *accesslog.Statement) { s.Action, s.To = accesslog.Grant, "penyusup" }))
			})
		}},
		// Deposits.
		{name: "a deposit's record is dropped", by: []string{auditor}, edit: func(x *store) {
			x.rewrite(func(r records) records { i := x.nth(1, "deposit", "", x.a); return slices.Delete(r, i, i+1) })
		}},
		{name: "a deposit's record is dropped and its batch recounted", by: []string{auditor}, at: func(s *scene) int { return s.nth(1, "open", one, s.a) }, edit: func(x *store) {
			x.rewrite(func(r records) records {
				i := x.nth(1, "deposit", "", x.a)
				r[x.nth(1, "batch", "", "")].Batch.Deposits--
				return slices.Delete(r, i, i+1)
			})
		}},
		{name: "a deposit is recorded a second time", by: []string{auditor}, at: func(s *scene) int { return len(s.records) }, edit: func(x *store) {
			x.rewrite(func(r records) records {
				end := r[x.nth(2, "batch", "", "")]
				end.Time, end.Batch.Deposits = r[len(r)-1].Time, 1
				return append(r, r[x.nth(2, "deposit", "", x.a)], end)
			})
		}},
		{name: "a case is deposited a second time, with other readers", by: []string{auditor}, at: func(s *scene) int { return len(s.records) }, edit: func(x *store) {
			x.rewrite(func(r records) records {
				end := r[x.nth(2, "batch", "", "")]
				end.Time, end.Batch.Deposits = r[len(r)-1].Time, 1
				again := r[x.nth(1, "deposit", "", x.a)]
				again.Deposit.Digest, again.Deposit.Wraps.Hash = id.DigestOf(nil), tlog.Hash{1}
				return append(r, again, end)
			})
		}},
		{name: "a deposit is backdated", by: []string{auditor}, at: func(s *scene) int { return s.nth(1, "deposit", "", s.a) }, edit: func(x *store) {
			x.rewrite(func(r records) records {
				i := x.nth(1, "deposit", "", x.a)
				r[i].Deposit.Day = r[i].Deposit.Day.AddDays(-30)
				return r
			})
		}},
		{name: "the order of a batch is kept", by: []string{auditor}, edit: func(x *store) {
			x.rewrite(func(r records) records { i := x.nth(1, "deposit", "", ""); r[i], r[i+1] = r[i+1], r[i]; return r })
		}},
		{name: "an addition to a case that never was is added", by: []string{auditor}, at: nth(2, "batch", ""), edit: func(x *store) {
			x.rewrite(func(r records) records {
				r[x.nth(2, "deposit", "", x.a)].Deposit.Case = id.NewCase()
				return r
			})
		}},
		{name: "a deposit's row promises other readers", by: []string{auditor}, edit: func(x *store) {
			// Two is made a reader of a, in the tables and in the log.
			leaves := x.addWrap(two, x.a)
			x.rewrite(func(r records) records {
				r[x.nth(1, "deposit", "", x.a)].Deposit.Wraps = tlog.Tree{N: int64(len(leaves)), Hash: accesslog.WrapsRoot(leaves)}
				return r
			})
		}},
		{name: "a deposit's day is edited before its batch", by: []string{auditor}, edit: func(x *store) {
			x.sql("UPDATE deposits SET seq = -1, settled = 0, day = '2020-01-01' WHERE case_id = ? AND wraps = '-'", string(x.a))
			x.rewrite(func(r records) records { return slices.Delete(r, x.nth(2, "deposit", "", x.a), len(r)) })
		}, live: func(x *store) {
			_, err := x.vault.Batch(x.t.Context())
			must(x.t, err)
		}},
		{name: "a deposit is kept out of the log", by: []string{auditor}, at: func(s *scene) int { return s.nth(1, "open", one, s.a) }, edit: func(x *store) {
			x.sql("UPDATE deposits SET seq = 0 WHERE case_id = ?", string(x.a))
			x.sql("UPDATE deposits SET seq = -1, settled = 0 WHERE case_id = ?", string(x.b))
			x.rewrite(func(r records) records { return slices.Delete(r, x.nth(1, "deposit", "", ""), len(r)) })
		}, live: func(x *store) {
			_, err := x.vault.Batch(x.t.Context())
			must(x.t, err)
		}},
		// Destroyed answers.
		{name: "the record of a destroyed answer is dropped", by: []string{auditor, folder}, at: nth(2, "destroy", ""), edit: func(x *store) {
			x.rewrite(func(r records) records { i := x.nth(1, "destroy", "", ""); return slices.Delete(r, i, i+1) })
		}},
		{name: "the record of a destroyed answer is dropped and its batch recounted", by: []string{folder}, edit: func(x *store) {
			x.rewrite(func(r records) records {
				i := x.nth(1, "destroy", "", "")
				r[x.nth(2, "batch", "", "")].Batch.Destroyed--
				return slices.Delete(r, i, i+1)
			})
		}},
		{name: "an answer is destroyed twice", by: []string{auditor, folder}, at: func(s *scene) int { return len(s.records) }, edit: func(x *store) {
			x.rewrite(func(r records) records { return x.endDay(r, r[x.nth(1, "destroy", "", "")]) })
		}},
		{name: "an answer is destroyed twice in one batch", by: []string{auditor}, at: after(nth(1, "destroy", "")), edit: func(x *store) {
			x.rewrite(func(r records) records {
				i := x.nth(1, "destroy", "", "")
				r[x.nth(2, "batch", "", "")].Batch.Destroyed++
				return slices.Insert(r, i+1, r[i])
			})
		}},
		{name: "something is destroyed that nobody handed in", by: []string{auditor}, at: nth(1, "destroy", ""), edit: func(x *store) {
			x.rewrite(func(r records) records { r[x.nth(1, "destroy", "", "")].Destroy.Object = id.Digest{}; return r })
		}},
		{name: "the members' own copy is destroyed", by: []string{auditor}, at: func(s *scene) int { return len(s.records) }, edit: func(x *store) {
			x.rewrite(func(r records) records {
				d := r[x.nth(1, "destroy", "", "")]
				d.Destroy.Object = x.handed(x.nth(1, "reply", one, ""), id.RoleCopy)
				return x.endDay(r, d)
			})
		}},
		{name: "an answer of another case is destroyed", by: []string{auditor}, at: nth(1, "destroy", ""), edit: func(x *store) {
			x.rewrite(func(r records) records { r[x.nth(1, "destroy", "", "")].Destroy.Case = x.b; return r })
		}},
		{name: "an answer is destroyed before it was given", by: []string{auditor}, edit: func(x *store) {
			x.rewrite(func(r records) records {
				i := x.nth(1, "status", one, "")
				d := r[x.nth(1, "destroy", "", "")]
				d.Destroy.Object = x.handed(i, id.RoleAnswer)
				end := r[x.nth(1, "batch", "", "")]
				end.Batch.Deposits, end.Batch.Destroyed = 0, 1
				return slices.Insert(r, i, d, end)
			})
		}, at: nth(1, "status", one)},
		{name: "a destroyed answer's day is edited", by: []string{auditor, folder}, at: nth(1, "destroy", ""), edit: func(x *store) {
			x.rewrite(func(r records) records {
				d := &r[x.nth(1, "destroy", "", "")].Destroy
				d.Day = d.Day.AddDays(-30)
				return r
			})
		}},
		{name: "the order in which answers were destroyed is kept", by: []string{auditor}, at: after(nth(1, "destroy", "")), edit: func(x *store) {
			x.rewrite(func(r records) records { i := x.nth(1, "destroy", "", ""); r[i], r[i+1] = r[i+1], r[i]; return r })
		}},
		{name: "a destroyed answer stands before the deposits of its batch", by: []string{auditor}, at: nth(2, "batch", ""), edit: func(x *store) {
			x.rewrite(func(r records) records {
				last := x.nth(2, "batch", "", "")
				r[last].Batch.Deposits, r[last].Batch.Destroyed = 2, 2
				again := r[x.nth(2, "deposit", "", x.a)]
				again.Deposit.Digest = id.DigestOf(nil)
				return slices.Insert(r, last, again)
			})
		}},
		{name: "a destroyed answer has no batch", by: []string{auditor}, at: func(s *scene) int { return s.nth(2, "batch", "", "") }, edit: func(x *store) {
			x.rewrite(func(r records) records { i := x.nth(2, "batch", "", ""); return slices.Delete(r, i, i+1) })
		}},
		{name: "an answer is dropped as if the reporter had destroyed it", by: []string{reporter}, edit: func(x *store) {
			x.sql("INSERT INTO destroyed (digest, case_id, day, signature) SELECT digest, case_id, day, randomblob(64) FROM objects WHERE role = 'answer' AND data IS NOT NULL")
			x.sql("UPDATE objects SET data = NULL WHERE role = 'answer' AND data IS NOT NULL")
		}},
		{name: "an answer is dropped with the signature of another order", by: []string{reporter}, edit: func(x *store) {
			x.sql("INSERT INTO destroyed (digest, case_id, day, signature) SELECT digest, case_id, day, (SELECT signature FROM destroyed LIMIT 1) FROM objects WHERE role = 'answer' AND data IS NOT NULL")
			x.sql("UPDATE objects SET data = NULL WHERE role = 'answer' AND data IS NOT NULL")
		}},
		{name: "a report is dropped as if the reporter had destroyed it", by: []string{desk}, edit: func(x *store) {
			x.sql("INSERT INTO destroyed (digest, case_id, day, signature) SELECT digest, case_id, day, randomblob(64) FROM objects WHERE role = 'letter'")
			x.sql("UPDATE objects SET data = NULL WHERE role = 'letter'")
		}},
		{name: "an order to destroy is forgotten", by: []string{reporter, desk}, edit: func(x *store) {
			x.sql("DELETE FROM destroyed")
			x.sql("UPDATE objects SET data = CAST('age-encryption.org/v1' AS BLOB) WHERE role = 'answer' AND data IS NULL")
		}},
		// The log as a whole.
		{name: "the log is rolled back", by: []string{folder, desk}, edit: func(x *store) {
			x.rewrite(func(r records) records { return slices.Delete(r, x.nth(1, "batch", "", "")+1, len(r)) })
		}},
		{name: "the newest record is dropped", by: []string{desk}, edit: func(x *store) {
			x.rewrite(func(r records) records { return r[:len(r)-1] })
		}},
		{name: "the log is forked", by: []string{folder, desk}, edit: func(x *store) {
			x.rewrite(func(r records) records {
				r = slices.Delete(r, x.nth(2, "batch", "", "")+1, len(r))
				for i := range 4 {
					like := r[len(r)-1]
					like.Time = like.Time.Add(time.Duration(i) * time.Second)
					r = append(r, x.forge(x.w.Who[three].Signer(), like, func(s *accesslog.Statement) { s.Action, s.Case = accesslog.List, "" }))
				}
				return r
			})
		}},
		{name: "the log is begun anew", by: []string{folder, desk}, edit: func(x *store) {
			x.rewrite(func(r records) records { return r[:2] })
		}},
		{name: "a member is shown another log than the rest", by: []string{auditor}, at: nth(1, "list", one), edit: func(x *store) {
			x.rewrite(func(r records) records {
				i := x.nth(1, "list", one, "")
				r[i] = x.forge(x.w.Who[one].Signer(), r[i], func(s *accesslog.Statement) {
					s.Action, s.Case, s.Seen = accesslog.List, "", tlog.Tree{N: 3, Hash: tlog.Hash{1}}
				})
				return r
			})
		}},
		{name: "the log's key is exchanged", by: []string{auditor, folder, desk}, edit: func(x *store) {
			skey, vkey, err := note.GenerateKey(nil, testvault.Origin)
			must(x.t, err)
			must(x.t, os.WriteFile(filepath.Join(x.dir, "log.key"), []byte(skey+"\n"), 0o600))
			must(x.t, os.WriteFile(filepath.Join(x.dir, "log.vkey"), []byte(vkey+"\n"), 0o600))
		}},
		// Tiles.
		{name: "a hash tile is changed", by: []string{auditor}, live: func(x *store) { x.tile("tile/0/", func(b []byte) []byte { b[40] ^= 1; return b }) }},
		{name: "a hash tile is cut", by: []string{auditor}, live: func(x *store) { x.tile("tile/0/", func(b []byte) []byte { return b[:len(b)-32] }) }},
		{name: "an entry is changed in its tile", by: []string{auditor}, at: nth(1, "open", one), live: func(x *store) {
			x.tile("tile/entries/", func(b []byte) []byte { return bytes.Replace(b, []byte("action open"), []byte("action list"), 1) })
		}},
		{name: "an entry is cut from its tile", by: []string{auditor}, live: func(x *store) {
			x.tile("tile/entries/", func(b []byte) []byte {
				leaves, err := accesslog.Entries(b)
				must(x.t, err)
				var out []byte
				for _, l := range leaves[:len(leaves)-1] {
					out = accesslog.AppendEntry(out, l)
				}
				return out
			})
		}},
		{name: "an entry is added to its tile", by: []string{auditor}, live: func(x *store) {
			x.tile("tile/entries/", func(b []byte) []byte { return accesslog.AppendEntry(b, x.records[3].Format()) })
		}},
		// The roster.
		{name: "a roster's file is exchanged", by: []string{auditor}, at: func(*scene) int { return 1 }, live: func(x *store) {
			x.tile("rosters/", func(b []byte) []byte { return bytes.Replace(b, []byte("Penelaah Dua"), []byte("Penelaah Dwi"), 1) })
		}},
		{name: "a roster's record names another file", by: []string{auditor}, at: func(*scene) int { return 1 }, edit: func(x *store) {
			x.rewrite(func(r records) records { r[1].Roster.Digest = id.DigestOf(nil); return r })
		}},
		{name: "the roster and the key that signs it are exchanged", by: []string{folder, desk}, edit: func(x *store) {
			root, _, rootKey := testkey.New(x.t, testvault.Origin+"/root")
			mine := *x.w.Roster
			mine.Members = slices.Clone(mine.Members)
			_, _, mine.Members[0].Key = testkey.New(x.t, string(one))
			signed, err := mine.Sign(root)
			must(x.t, err)
			d := roster.Digest(signed)
			must(x.t, os.WriteFile(filepath.Join(x.dir, "root.vkey"), []byte(rootKey+"\n"), 0o600))
			x.sql("UPDATE rosters SET digest = ?, signed = ?", d[:], signed)
			x.rewrite(func(r records) records {
				r[0].Settings = slices.Clone(r[0].Settings)
				for i := range r[0].Settings {
					if r[0].Settings[i].Key == "root" {
						r[0].Settings[i].Value = rootKey
					}
				}
				r[1].Roster.Digest, r[1].Roster.Size = d, int64(len(signed))
				return r[:2]
			})
		}},
		// What is stored.
		{name: "a report is swapped for another", by: []string{desk, reporter}, edit: func(x *store) {
			x.sql("UPDATE objects SET data = (SELECT data FROM objects o WHERE o.case_id = ? AND o.role = 'letter'), digest = randomblob(32) WHERE case_id = ? AND role = 'letter' AND size = (SELECT max(size) FROM objects WHERE case_id = ? AND role = 'letter')",
				string(x.b), string(x.a), string(x.a))
		}},
		{name: "the reports of two cases are exchanged", by: []string{desk, reporter}, edit: func(x *store) {
			x.sql("UPDATE objects SET case_id = CASE case_id WHEN ? THEN ? ELSE ? END WHERE role = 'letter'", string(x.a), string(x.b), string(x.a))
		}},
		{name: "a report is dropped", by: []string{reporter}, edit: func(x *store) {
			x.sql("DELETE FROM objects WHERE case_id = ? AND role = 'letter'", string(x.b))
		}},
		{name: "a report's bytes are changed", by: []string{desk}, edit: func(x *store) {
			x.sql("UPDATE objects SET data = CAST(substr(data, 1, length(data) - 1) || x'00' AS BLOB) WHERE role = 'letter' AND case_id = ?", string(x.b))
		}},
		{name: "a report is added to a case", by: []string{desk}, edit: func(x *store) {
			b, d := object(4000)
			x.sql("INSERT INTO objects (digest, case_id, role, size, day, data) VALUES (?, ?, 'letter', ?, ?, ?)", d[:], string(x.a), len(b), x.w.Day.String(), b)
		}},
		{name: "an attachment is swapped", by: []string{desk}, edit: func(x *store) {
			blobs, err := filepath.Glob(filepath.Join(x.dir, "blobs", "????*"))
			must(x.t, err)
			b, _ := object(200_000)
			must(x.t, os.WriteFile(blobs[0], b, 0o600))
		}},
		{name: "an attachment and its row are swapped", by: []string{desk, reporter}, edit: func(x *store) {
			blobs, err := filepath.Glob(filepath.Join(x.dir, "blobs", "????*"))
			must(x.t, err)
			b, d := object(200_000)
			must(x.t, os.WriteFile(filepath.Join(x.dir, "blobs", d.String()), b, 0o600))
			must(x.t, os.Remove(blobs[0]))
			x.sql("UPDATE objects SET digest = ?, size = ? WHERE role = 'content'", d[:], len(b))
		}},
		{name: "an attachment is dropped", by: []string{desk, reporter}, edit: func(x *store) {
			x.sql("DELETE FROM objects WHERE role = 'content'")
		}},
		{name: "an attachment is cut", by: []string{desk}, edit: func(x *store) {
			blobs, err := filepath.Glob(filepath.Join(x.dir, "blobs", "????*"))
			must(x.t, err)
			must(x.t, os.Truncate(blobs[0], 70_000))
		}},
		{name: "a card is swapped for another case's", by: []string{reporter}, edit: func(x *store) {
			x.sql("UPDATE objects SET case_id = CASE case_id WHEN ? THEN ? ELSE ? END WHERE role = 'card'", string(x.a), string(x.b), string(x.a))
		}},
		{name: "a card is dropped", by: []string{reporter}, edit: func(x *store) {
			x.sql("DELETE FROM objects WHERE role = 'card' AND case_id = ?", string(x.b))
		}},
		{name: "an answer is added that no member signed", by: []string{reporter}, edit: func(x *store) {
			b, d := object(4000)
			x.sql("INSERT INTO objects (digest, case_id, role, size, day, member, seq, data) VALUES (?, ?, 'answer', ?, ?, ?, 4, ?)", d[:], string(x.a), len(b), x.w.Day.String(), string(one), b)
		}},
		{name: "an answer is dropped", by: []string{desk}, edit: func(x *store) {
			x.sql("DELETE FROM objects WHERE role = 'answer'")
		}},
		{name: "a note is dropped", by: []string{desk}, edit: func(x *store) {
			x.sql("DELETE FROM objects WHERE role = 'note'")
		}},
		{name: "an answer is moved to another case", by: []string{desk, reporter}, edit: func(x *store) {
			x.sql("UPDATE objects SET case_id = ? WHERE role = 'answer'", string(x.b))
		}},
		{name: "a note is put under another member's name", by: []string{desk}, edit: func(x *store) {
			x.sql("UPDATE objects SET member = ? WHERE role = 'note'", string(two))
		}},
		// Wraps.
		{name: "a wrap is added as if the reporter had made it", by: []string{auditor}, edit: func(x *store) {
			x.addWrap(two, x.a)
		}, at: func(s *scene) int { return len(s.records) }, live: func(x *store) { x.opens(two, x.a) }},
		{name: "a wrap is added as if it had been granted", by: []string{auditor}, edit: func(x *store) {
			wrap, d := object(2000)
			x.sql("INSERT INTO wraps (case_id, member, digest, data, grant_seq) VALUES (?, ?, ?, ?, ?)", string(x.a), string(two), d[:], wrap, x.nth(1, "grant", one, ""))
		}, at: func(s *scene) int { return len(s.records) }, live: func(x *store) { x.opens(two, x.a) }},
		{name: "a wrap that was taken away is put back", by: []string{auditor}, edit: func(x *store) {
			wrap, d := object(2000)
			x.sql("UPDATE wraps SET digest = ?, data = ?, grant_seq = 1 WHERE case_id = ? AND member = ?", d[:], wrap, string(x.b), string(two))
		}, at: func(s *scene) int { return len(s.records) }, live: func(x *store) { x.opens(two, x.b) }},
		{name: "a wrap is exchanged", by: []string{desk}, edit: func(x *store) {
			wrap, d := object(2000)
			x.sql("UPDATE wraps SET digest = ?, data = ? WHERE case_id = ? AND member = ?", d[:], wrap, string(x.a), string(one))
		}},
		{name: "a wrap is removed", by: []string{desk}, edit: func(x *store) {
			x.sql("DELETE FROM wraps WHERE case_id = ? AND member = ?", string(x.a), string(one))
		}},
		// Requests and views.
		{name: "a statement is replayed to the vault", by: []string{auditor}, at: func(s *scene) int { return len(s.records) }, edit: func(x *store) {
			x.sql("DELETE FROM nonces")
		}, live: func(x *store) {
			a, err := x.desk.Act(x.t.Context(), x.records[x.nth(1, "list", one, "")].Statement, nil, nil)
			must(x.t, err)
			must(x.t, a.Close())
		}},
		{name: "a member is not shown a record of his own", by: []string{desk}, edit: func(x *store) {
			x.sql("CREATE TRIGGER hide AFTER INSERT ON records BEGIN UPDATE records SET case_id = '' WHERE seq = new.seq; END")
		}},
		{name: "a case is dropped", by: []string{reporter}, edit: func(x *store) {
			for _, table := range []string{"cases", "objects", "wraps", "deposits"} {
				x.sql("DELETE FROM "+table+" WHERE case_id = ?", string(x.b))
			}
		}},
		{name: "the case behind a code is another", by: []string{reporter}, edit: func(x *store) {
			x.sql("UPDATE cases SET lookup = randomblob(32) WHERE case_id = ?", string(x.b))
			x.sql("UPDATE cases SET lookup = ? WHERE case_id = ?", lookup(x.codes[x.b]), string(x.a))
		}},
	})
}

// endDay adds a destroyed answer to the log, in a batch of its own.
func (x *store) endDay(r []accesslog.Record, d accesslog.Record) []accesslog.Record {
	end := r[x.nth(2, "batch", "", "")]
	end.Time, end.Batch.Deposits, end.Batch.Destroyed = r[len(r)-1].Time, 0, 1
	return append(r, d, end)
}

// handed returns what a record's statement handed in.
func (x *store) handed(record int, role id.Role) id.Digest {
	x.t.Helper()
	st, err := accesslog.ReadStatement(x.records[record].Statement)
	must(x.t, err)
	for _, o := range st.Objects {
		if o.Role == role {
			return o.Digest
		}
	}
	x.t.Fatalf("record %d handed in no %s", record, role)
	return id.Digest{}
}

// addWrap makes a member a reader of a case in the tables, with a leaf in its
// commitment, and returns all leaves.
func (x *store) addWrap(m id.Member, of id.Case) (leaves []tlog.Hash) {
	x.t.Helper()
	wrap, d := object(2000)
	leaf := accesslog.WrapLeaf{Member: m, Wrap: d}
	rand.Read(leaf.Salt[:])
	x.sql("INSERT INTO wraps (case_id, member, digest, data, salt) VALUES (?, ?, ?, ?, ?)", string(of), string(m), d[:], wrap, leaf.Salt[:])
	db, err := sql.Open("sqlite3", filepath.Join(x.dir, "vault.db"))
	must(x.t, err)
	defer db.Close()
	var all []byte
	must(x.t, db.QueryRow("SELECT leaves FROM cases WHERE case_id = ?", string(of)).Scan(&all))
	for h := range slices.Chunk(all, tlog.HashSize) {
		leaves = append(leaves, tlog.Hash(h))
	}
	leaves = append(leaves, leaf.Hash())
	slices.SortFunc(leaves, func(a, b tlog.Hash) int { return bytes.Compare(a[:], b[:]) })
	all = nil
	for _, h := range leaves {
		all = append(all, h[:]...)
	}
	x.sql("UPDATE cases SET leaves = ? WHERE case_id = ?", all, string(of))
	return leaves
}

func lookup(c casecode.Code) []byte {
	h := c.Lookup().Hash()
	return h[:]
}

// opens lets a member open a case at the desk; that the wrap opens nothing is
// not the point.
func (x *store) opens(m id.Member, of id.Case) {
	x.t.Helper()
	s := x.session(m, x.desk, "")
	defer s.Close()
	_, err := s.Open(x.t.Context(), of)
	if err != nil && !errors.Is(err, member.ErrCase) {
		x.t.Fatal(err)
	}
}

// tile changes what the log's files say on their way out.
func (x *store) tile(prefix string, change func([]byte) []byte) {
	real := x.files
	x.files = func(ctx context.Context, path string) ([]byte, error) {
		b, err := real(ctx, path)
		if err == nil && strings.HasPrefix(path, prefix) {
			b = change(slices.Clone(b))
		}
		return b, err
	}
}

// TestTampering does to a vault's tables, files and tiles whatever its operator
// could, with the log's key in hand, and wants those outside to find it.
func TestTampering(t *testing.T) {
	s := newScene(t)
	t.Run("nothing is changed", func(t *testing.T) { nothing(t, s) })
	for _, x := range tamperings(t) {
		t.Run(x.name, func(t *testing.T) { x.try(t, s) })
	}
}
