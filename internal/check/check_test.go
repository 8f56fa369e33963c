package check_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/keyfile"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/check"
	"suluh.example/suluh/internal/testkey"
	"suluh.example/suluh/internal/testvault"
)

func finding(t *testing.T, err error) *check.Finding {
	t.Helper()
	var f *check.Finding
	if !errors.As(err, &f) {
		t.Fatalf("got %v, want a finding", err)
	}
	return f
}

func TestALogThatGrowsIsCheckedOnlyWhereItIsNew(t *testing.T) {
	m := newMade(t)
	m.lists(700)
	log := check.New(m.files, m.key)
	r, err := log.Extend(t.Context())
	must(t, err)
	if r.Records != 702 || r.Accesses != 700 || r.Entries.Len() != 702 {
		t.Fatalf("got %+v", r)
	}
	before := r.Tree
	m.lists(400)
	m.read = nil
	r, err = log.Extend(t.Context())
	must(t, err)
	if r.Records != 1102 || r.Accesses != 1100 {
		t.Fatalf("got %+v", r)
	}
	for _, path := range m.read {
		if path == "tile/entries/000" || path == "tile/entries/001" || path == "tile/0/000" || strings.HasPrefix(path, "rosters/") {
			t.Errorf("%s was read again", path)
		}
	}
	must(t, log.Continues(t.Context(), before))
	if r.Entries.At(0).Action != "configure" || r.Entries.At(1101).Member != "penelaah-1" {
		t.Errorf("entries are not those of the records: %+v, %+v", r.Entries.At(0), r.Entries.At(1101))
	}
}

func TestARecordWithABadSignatureIsNamedAmongThousands(t *testing.T) {
	m := newMade(t)
	m.lists(3000)
	stranger, _, _ := testkey.New(t, "penelaah-1")
	real := m.members
	m.members = []note.Signer{stranger}
	m.lists(1)
	m.members = real
	m.lists(500)
	if f := finding(t, second(check.Verify(t.Context(), m.files, m.key))); f.Seq != 3002 || f.Fault != check.FaultSignature {
		t.Errorf("got %+v, want the signature of record 3002", f)
	}
}

// TestOneRuleOfSignatures: what a vault takes, an auditor takes, and a statement that
// other programs may refuse hides none that isn't signed.
func TestOneRuleOfSignatures(t *testing.T) {
	w := testvault.New(t)
	odd, vkey := testkey.Odd(t, "penelaah-ganjil")
	one, err := keyfile.New("penelaah-ganjil")
	must(t, err)
	stock, err := note.NewVerifier(vkey)
	must(t, err)
	w.Change(func(r *roster.Roster) {
		m := r.Members[0]
		m.ID, m.Key, m.Onion = "penelaah-ganjil", vkey, ""
		m.Recipient = one.Recipient()
		r.Members = append(r.Members, m)
	})
	for range 3 {
		s := accesslog.Statement{Log: testvault.Origin, Action: accesslog.List, Member: "penelaah-ganjil", Time: time.Now().Truncate(time.Second), Seen: accesslog.EmptyTree()}
		rand.Read(s.Nonce[:])
		signed, err := s.Sign(odd)
		must(t, err)
		if _, err := note.Open(signed, note.VerifierList(stock)); err == nil {
			t.Fatal("the signature is not odd")
		}
		a, err := w.Member.Act(t.Context(), signed, nil, nil)
		must(t, err)
		must(t, a.Close())
	}
	r, err := check.Verify(t.Context(), w.Vault.LogFile, w.Log)
	must(t, err)
	if r.Accesses != 3 {
		t.Errorf("%d accesses, want 3", r.Accesses)
	}

	m := newMadeWith(t, "", "Penelaah Ganjil")
	m.lists(200)
	_, err = check.Verify(t.Context(), m.files, m.key)
	must(t, err)
	stranger, _, _ := testkey.New(t, m.members[0].Name())
	real := m.members
	m.members = []note.Signer{stranger}
	m.lists(1)
	m.members = real
	m.lists(100)
	if f := finding(t, second(check.Verify(t.Context(), m.files, m.key))); f.Seq != 202 || f.Fault != check.FaultSignature {
		t.Errorf("got %+v, want the signature of record 202", f)
	}
}

func second(_ *check.Result, err error) error { return err }

func TestAChangedRecordIsNamedWithItsHashes(t *testing.T) {
	m := newMade(t)
	m.lists(600)
	files := func(ctx context.Context, path string) ([]byte, error) {
		b, err := m.files(ctx, path)
		if path == "tile/entries/001" {
			b = bytes.Replace(b, []byte("count 0"), []byte("count 1"), 1)
		}
		return b, err
	}
	f := finding(t, second(check.Verify(t.Context(), files, m.key)))
	if f.Seq != 256 || f.Fault != check.FaultTree || f.Want != tlog.RecordHash(m.records.Leaf(256)).String() || f.Got == f.Want {
		t.Errorf("got %+v, want record 256 and its hashes", f)
	}
}

func TestALogThatLiedOnceIsNotTrustedAgain(t *testing.T) {
	m := newMade(t)
	m.lists(300)
	log := check.New(m.files, m.key)
	_, err := log.Extend(t.Context())
	must(t, err)
	m.size = 200
	if f := finding(t, second(log.Extend(t.Context()))); f.Fault != check.FaultShrunk {
		t.Errorf("got %+v", f)
	}
	m.size = 302
	finding(t, second(log.Extend(t.Context())))
}

func TestAnErrorOfReadingIsNoFinding(t *testing.T) {
	m := newMade(t)
	m.lists(800)
	broken := errors.New("uji: jaringan terputus")
	for _, at := range []string{"checkpoint", "rosters/", "tile/entries/002", "tile/0/001", "tile/1/"} {
		failing := true
		log := check.New(func(ctx context.Context, path string) ([]byte, error) {
			if failing && strings.HasPrefix(path, at) {
				return nil, broken
			}
			return m.files(ctx, path)
		}, m.key)
		if _, err := log.Extend(t.Context()); !errors.Is(err, broken) {
			t.Errorf("%s: got %v", at, err)
		}
		failing = false
		if r, err := log.Extend(t.Context()); err != nil || r.Records != 802 || r.Accesses != 800 || r.Entries.Len() != 802 {
			t.Errorf("%s: after it could be read again: %+v, %v", at, r, err)
		}
	}
}

func TestAStoppedVerificationGoesOn(t *testing.T) {
	m := newMade(t)
	m.lists(2000)
	ctx, cancel := context.WithCancel(t.Context())
	log := check.New(m.files, m.key)
	log.Progress = func(done, of int64) {
		if done > 600 {
			cancel()
		}
	}
	if _, err := log.Extend(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	r, err := log.Extend(t.Context())
	must(t, err)
	if r.Records != 2002 || r.Accesses != 2000 {
		t.Errorf("got %+v", r)
	}
}

// plainReader reads tiles from a folder and knows nothing of Suluh: the
// independent client is golang.org/x/mod's TileHashReader.
type plainReader struct{ dir string }

func (plainReader) Height() int { return 8 }

func (p plainReader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var out [][]byte
	for _, t := range tiles {
		// C2SP tlog-tiles leaves the height out of tlog's own path.
		b, err := os.ReadFile(filepath.Join(p.dir, "tile", strings.TrimPrefix(t.Path(), "tile/8/")))
		if err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, nil
}

func (plainReader) SaveTiles([]tlog.Tile, [][]byte) {}

// readElsewhere reads an exported folder as any tlog-tiles client does: a
// checkpoint, then each record with its proof.
func readElsewhere(t *testing.T, dir string, m *made, records int64) {
	t.Helper()
	vkey, err := os.ReadFile(filepath.Join(dir, "log.vkey"))
	must(t, err)
	v, err := note.NewVerifier(strings.TrimSpace(string(vkey)))
	must(t, err)
	msg, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	must(t, err)
	n, err := note.Open(msg, note.VerifierList(v))
	must(t, err)
	f := strings.Split(n.Text, "\n")
	tree := tlog.Tree{}
	_, err = fmt.Sscan(f[1], &tree.N)
	must(t, err)
	tree.Hash, err = tlog.ParseHash(f[2])
	must(t, err)
	if tree.N != records {
		t.Fatalf("checkpoint of %d records, want %d", tree.N, records)
	}
	r := tlog.TileHashReader(tree, plainReader{dir})
	for seq := int64(0); seq < tree.N; {
		path := filepath.Join(dir, "tile/entries", fmt.Sprintf("%03d", seq/256))
		if tree.N-seq < 256 {
			path += fmt.Sprintf(".p/%d", tree.N-seq)
		}
		b, err := os.ReadFile(path)
		must(t, err)
		for len(b) > 0 {
			size := int(b[0])<<8 | int(b[1])
			leaf := b[2:][:size]
			b = b[2+size:]
			proof, err := tlog.ProveRecord(tree.N, seq, r)
			must(t, err)
			must(t, tlog.CheckRecord(proof, tree.N, tree.Hash, seq, tlog.RecordHash(leaf)))
			if !bytes.Equal(leaf, m.records.Leaf(seq)) {
				t.Fatalf("record %d is another", seq)
			}
			seq++
		}
	}
}

func TestAnExportIsReadByOthersAndBroughtUpToDate(t *testing.T) {
	m := newMade(t)
	dir := filepath.Join(t.TempDir(), "log")
	m.lists(600)
	_, err := check.Export(t.Context(), dir, m.files, m.vkey, nil)
	must(t, err)
	readElsewhere(t, dir, m, 602)
	_, err = check.Verify(t.Context(), check.Directory(dir), m.key)
	must(t, err)

	m.lists(500)
	m.read = nil
	_, err = check.Export(t.Context(), dir, m.files, m.vkey, nil)
	must(t, err)
	readElsewhere(t, dir, m, 1102)
	for _, path := range m.read {
		if path == "tile/entries/000" || path == "tile/0/001" || strings.HasPrefix(path, "rosters/") {
			t.Errorf("%s was fetched again", path)
		}
	}
	for _, gone := range []string{"tile/0/002.p/90", "tile/entries/002.p/90", "tile/entries/002.p", "tile/1/000.p/2"} {
		if _, err := os.Stat(filepath.Join(dir, gone)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is still there: %v", gone, err)
		}
	}
}

// TestAnExportThatBreaksOffVerifiesAllTheSame breaks an export off before each
// file that it fetches.
func TestAnExportThatBreaksOffVerifiesAllTheSame(t *testing.T) {
	m := newMade(t)
	dir := filepath.Join(t.TempDir(), "log")
	m.lists(300)
	_, err := check.Export(t.Context(), dir, m.files, m.vkey, nil)
	must(t, err)
	m.lists(900)
	broken := errors.New("uji: terputus")
	for n, done := 1, false; !done; n++ {
		left := n
		_, err := check.Export(t.Context(), dir, func(ctx context.Context, path string) ([]byte, error) {
			if left--; left == 0 {
				return nil, broken
			}
			return m.files(ctx, path)
		}, m.vkey, nil)
		if done = err == nil; !done && !errors.Is(err, broken) {
			t.Fatal(err)
		}
		r, err := check.Verify(t.Context(), check.Directory(dir), m.key)
		if err != nil || r.Records != 302 && !done {
			t.Fatalf("broken off before file %d: %+v, %v", n, r, err)
		}
	}
	readElsewhere(t, dir, m, 1202)
}

func TestAnExportRefusesALogThatDoesNotContinueIt(t *testing.T) {
	m := newMade(t)
	dir := filepath.Join(t.TempDir(), "log")
	m.lists(300)
	_, err := check.Export(t.Context(), dir, m.files, m.vkey, nil)
	must(t, err)
	m.size = 250
	if f := finding(t, second(check.Export(t.Context(), dir, m.files, m.vkey, nil))); f.Fault != check.FaultShrunk {
		t.Errorf("got %+v", f)
	}
	readElsewhere(t, dir, m, 302)

	other := newMade(t)
	other.signer, other.key, other.vkey = m.signer, m.key, m.vkey
	other.lists(400)
	finding(t, second(check.Export(t.Context(), dir, other.files, m.vkey, nil)))
	readElsewhere(t, dir, m, 302)

	_, _, key := testkey.New(t, origin)
	if _, err := check.Export(t.Context(), dir, m.files, key, nil); err == nil {
		t.Error("the folder of another log was taken")
	}
	full := t.TempDir()
	must(t, os.WriteFile(filepath.Join(full, "catatan.txt"), nil, 0o600))
	if _, err := check.Export(t.Context(), full, m.files, m.vkey, nil); err == nil {
		t.Error("a folder with other files in it was taken")
	}
}

func TestFilter(t *testing.T) {
	wita, err := time.LoadLocation("Asia/Makassar")
	must(t, err)
	day := func(s string) id.Day {
		d, err := check.ParseDay(s)
		must(t, err)
		return d
	}
	// 17.00 in UTC is 01.00 of the next day in WITA.
	m := newMade(t)
	st := accesslog.Statement{Log: origin, Action: accesslog.List, Member: "penelaah-1", Time: time.Date(2026, 11, 24, 17, 0, 0, 0, time.UTC), Seen: accesslog.EmptyTree()}
	msg, err := st.Sign(m.members[0])
	must(t, err)
	m.add(accesslog.Record{Kind: accesslog.KindStatement, Time: st.Time, Statement: msg})
	r, err := check.Verify(t.Context(), m.files, m.key)
	must(t, err)
	for name, x := range map[string]struct {
		f    check.Filter
		want bool
	}{
		"all":                      {check.Filter{}, true},
		"member":                   {check.Filter{Member: "penelaah-1"}, true},
		"other member":             {check.Filter{Member: "penelaah-2"}, false},
		"action":                   {check.Filter{Action: "list"}, true},
		"other action":             {check.Filter{Action: "roster"}, false},
		"no action":                {check.Filter{Action: "baca"}, false},
		"other case":               {check.Filter{Case: "K-BBBB-BBBB-BBBB-BBBB"}, false},
		"from its day":             {check.Filter{From: day("25 November 2026"), Zone: wita}, true},
		"to its day":               {check.Filter{To: day("2026-11-25"), Zone: wita}, true},
		"to the day before, there": {check.Filter{To: day("24 November 2026"), Zone: wita}, false},
		"to the day before, UTC":   {check.Filter{To: day("24 november 2026")}, true},
		"from the day after":       {check.Filter{From: day("26 Nov 2026"), Zone: wita}, false},
	} {
		t.Run(name, func(t *testing.T) {
			got := false
			var n int64
			for e := range r.Entries.Select(x.f) {
				got = got || e.Seq == 2
				n++
			}
			latest, of := r.Entries.Latest(x.f, 0, 1)
			if got != x.want || of != n || got != (len(latest) == 1 && latest[0].Seq == 2) {
				t.Errorf("got %v of %d, the latest of %d %+v", got, n, of, latest)
			}
		})
	}
}

func TestCSVIsHarmlessInASpreadsheet(t *testing.T) {
	m := newMade(t)
	m.lists(6)
	r, err := check.Verify(t.Context(), m.files, m.key)
	must(t, err)
	var b bytes.Buffer
	must(t, check.WriteCSV(&b, r.Entries.Select(check.Filter{}), r.NameOf))
	rows, err := csv.NewReader(&b).ReadAll()
	must(t, err)
	if len(rows) != 9 {
		t.Fatalf("%d rows", len(rows))
	}
	hostile := false
	for _, row := range rows {
		for _, cell := range row {
			if cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\r") {
				t.Errorf("cell %q is a formula", cell)
			}
			hostile = hostile || cell == "'=Penelaah Dua"
		}
	}
	if !hostile {
		t.Error("the name that would be a formula is not there")
	}
	for _, s := range []string{"=1+1", "+62", "-5", "@SUM(A1)", "\t=1", "\r=1", "\n=1"} {
		if check.Cell(s) != "'"+s {
			t.Errorf("%q became %q", s, check.Cell(s))
		}
	}
}

func TestTerminalOutputIsHarmless(t *testing.T) {
	if got := check.Plain("a\x1b[2J\u202eb\u2066\u009bé\r\n\u2028"); got != "a?[2J?b??é???" {
		t.Errorf("got %q", got)
	}
}

func FuzzParseDay(f *testing.F) {
	for _, s := range []string{"2026-11-24", "24 November 2026", " 1 mei 2027 ", "31 februari 2026", "0 jan 2026", "24 11 2026"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := check.ParseDay(s)
		if err != nil {
			return
		}
		if again, err := check.ParseDay(d.String()); err != nil || again != d {
			t.Fatalf("%q is day %q, which is none", s, d)
		}
	})
}

// BenchmarkVerify measures whole verifications of a log of 20,000 records;
// BenchmarkEd25519 what its signatures alone cost, on one core.
func BenchmarkVerify(b *testing.B) {
	m := newMade(b)
	m.lists(20_000)
	for b.Loop() {
		if _, err := check.Verify(b.Context(), m.files, m.key); err != nil {
			b.Fatal(err)
		}
		m.read = nil
	}
	b.ReportMetric(float64(b.N)*20_002/b.Elapsed().Seconds(), "records/s")
}

func BenchmarkEd25519(b *testing.B) {
	s, v, _ := testkey.New(b, "penelaah-1")
	msg, err := accesslog.Statement{Log: origin, Action: accesslog.List, Member: "penelaah-1", Time: began, Seen: accesslog.EmptyTree()}.Sign(s)
	must(b, err)
	n, err := note.Open(msg, note.VerifierList(v))
	must(b, err)
	sig, err := base64.StdEncoding.DecodeString(n.Sigs[0].Base64)
	must(b, err)
	text := []byte(n.Text)
	for b.Loop() {
		if !v.Verify(text, sig[4:]) {
			b.Fatal("not signed")
		}
	}
}
