package accesslog_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/internal/testkey"
)

var zero [32]byte

const goldenStatement = `suluh.example/statement/v1
log suluh.example/uji
action reply
member penelaah-satu
case K-AAAA-AAAA-AAAA-AAAA
to -
object answer 0000000000000000000000000000000000000000000000000000000000000000 5755
nonce 01000000000000000000000000000000
time 2026-11-24T10:12:33Z
seen 0 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=
`

func TestStatementGolden(t *testing.T) {
	s := accesslog.Statement{
		Log: "suluh.example/uji", Action: accesslog.Reply, Member: "penelaah-satu", Case: id.CaseFrom([10]byte{}),
		Objects: []id.Object{{Role: id.RoleAnswer, Digest: zero, Size: 5755}},
		Nonce:   [16]byte{1}, Time: time.Date(2026, 11, 24, 18, 12, 33, 5, time.FixedZone("WITA", 8*3600)), Seen: accesslog.EmptyTree(),
	}
	if got := s.Text(); got != goldenStatement {
		t.Errorf("got\n%s\nwant\n%s", got, goldenStatement)
	}
}

func drawObjects(t *rapid.T) []id.Object {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) id.Object {
		return id.Object{
			Role:   rapid.SampledFrom([]id.Role{id.RoleAnswer, id.RoleNote, id.RoleContent}).Draw(t, "role"),
			Digest: id.DigestOf([]byte(rapid.String().Draw(t, "of"))), Size: rapid.Int64Min(0).Draw(t, "size"),
		}
	}), 0, 4).Draw(t, "objects")
}

func drawRecord(t *rapid.T, statement []byte) accesslog.Record {
	r := accesslog.Record{
		Seq:  rapid.Int64Min(0).Draw(t, "seq"),
		Time: time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "time"), 0).UTC(),
	}
	hash := rapid.Custom(func(t *rapid.T) tlog.Hash { return tlog.Hash(id.DigestOf(fmt.Append(nil, rapid.Int().Draw(t, "h")))) })
	digest := id.Digest(hash.Draw(t, "digest"))
	day := id.DayOf(r.Time, time.UTC)
	switch r.Kind = rapid.SampledFrom([]accesslog.Kind{accesslog.KindStatement, accesslog.KindDeposit, accesslog.KindRoster, accesslog.KindBatch, accesslog.KindConfigure, accesslog.KindDestroy}).Draw(t, "kind"); r.Kind {
	case accesslog.KindStatement:
		r.Statement, r.Count = statement, rapid.Int64Min(0).Draw(t, "count")
		switch rapid.IntRange(0, 3).Draw(t, "cover") {
		case 3:
			r.Cover.Approval = rapid.Int64Min(1).Draw(t, "approval")
		case 1:
			r.Cover.Grant = rapid.Int64Min(1).Draw(t, "grant")
		case 2:
			r.Cover.Deposit = &accesslog.WrapCover{Wrap: digest, Index: 3, N: 8, Path: rapid.SliceOfN(hash, 0, 4).Draw(t, "path")}
		}
	case accesslog.KindDeposit:
		r.Time, r.Deposit = time.Time{}, accesslog.DepositRecord{Day: day, Case: id.NewCase(), Digest: digest}
		if rapid.Bool().Draw(t, "first") {
			r.Deposit.Wraps = tlog.Tree{N: 8, Hash: tlog.Hash(digest)}
		}
	case accesslog.KindRoster:
		r.Roster = accesslog.RosterRecord{Version: 1, Digest: digest, Size: 9}
	case accesslog.KindBatch:
		r.Batch = accesslog.BatchRecord{Day: day, Deposits: 4, Destroyed: rapid.Int64Range(0, 2).Draw(t, "destroyed")}
	case accesslog.KindDestroy:
		r.Time, r.Destroy = time.Time{}, accesslog.DestroyRecord{Day: day, Case: id.NewCase(), Object: digest}
	case accesslog.KindConfigure:
		r.Settings = []accesslog.Setting{{Key: "zone", Value: "Asia/Makassar"}, {Key: "origin", Value: "a b"}}
	}
	return r
}

func TestStatementsAndRecordsParseBack(t *testing.T) {
	signer, verifier, _ := testkey.New(t, "penelaah-satu")
	rapid.Check(t, func(t *rapid.T) {
		s := accesslog.Statement{
			Log: "uji", Action: accesslog.Open, Member: "penelaah-satu", Case: id.NewCase(), Objects: drawObjects(t),
			Time: time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "time"), 0), Seen: accesslog.EmptyTree(),
		}
		msg, err := s.Sign(signer)
		if err != nil {
			t.Fatal(err)
		}
		got, err := accesslog.OpenStatement(msg, note.VerifierList(verifier))
		if err != nil || got.Text() != s.Text() {
			t.Fatalf("statement: %v", err)
		}
		if read, err := accesslog.ReadStatement(msg); err != nil || read.Text() != s.Text() {
			t.Fatalf("statement read without its signature: %v", err)
		}
		leaf := drawRecord(t, msg).Format()
		r, err := accesslog.ParseRecord(leaf)
		if err != nil {
			t.Fatalf("record: %v\n%s", err, leaf)
		}
		if !bytes.Equal(r.Format(), leaf) {
			t.Fatalf("got\n%s\nwant\n%s", r.Format(), leaf)
		}
	})
}

func TestStatementOfAnotherIsRefused(t *testing.T) {
	signer, verifier, _ := testkey.New(t, "penelaah-dua")
	msg, err := note.Sign(&note.Note{Text: goldenStatement}, signer)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := accesslog.OpenStatement(msg, note.VerifierList(verifier)); err == nil {
		t.Error("a statement that names one member and is signed by another was accepted")
	}
}

func TestAStatementHasOneSignatureInOneWriting(t *testing.T) {
	signer, verifier, _ := testkey.New(t, "penelaah-satu")
	other, _, _ := testkey.New(t, "penelaah-dua")
	msg, err := note.Sign(&note.Note{Text: goldenStatement}, signer)
	if err != nil {
		t.Fatal(err)
	}
	known := note.VerifierList(verifier)
	if _, err := accesslog.OpenStatement(msg, known); err != nil {
		t.Fatal(err)
	}
	both, err := note.Sign(&note.Note{Text: goldenStatement}, signer, other)
	if err != nil {
		t.Fatal(err)
	}
	line := msg[bytes.LastIndex(msg, []byte("\n\n"))+2:]
	last := len(line) - 3 // of the characters that mean something, before = and the newline
	loose := bytes.Clone(msg)
	loose[len(msg)-3]++ // bits that no byte has
	if n, err := note.Open(loose, known); err != nil || len(n.Sigs) != 1 {
		t.Fatalf("not another writing of the same signature: %v", err)
	}
	for name, x := range map[string][]byte{
		"none":               msg[:len(msg)-len(line)],
		"an empty line more": append(bytes.Clone(msg), '\n'),
		"the same twice":     append(bytes.Clone(msg), line...),
		"another's too":      both,
		"cut off":            msg[:len(msg)-1],
		"shorter":            slices.Concat(msg[:len(msg)-len(line)], line[:last-4], []byte("=\n")),
		"another writing":    loose,
		"no dash":            bytes.Replace(msg, []byte("— "), []byte("- "), 1),
		"another text":       bytes.Replace(msg, []byte("nonce 0"), []byte("nonce 1"), 1),
	} {
		if _, err := accesslog.OpenStatement(x, known); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestOneWayToWriteAStatement(t *testing.T) {
	for name, change := range map[string][2]string{
		"space at the end": {"action reply", "action reply "},
		"upper-case nonce": {"nonce 01", "nonce 0A"},
		"other zone":       {"10:12:33Z", "18:12:33+08:00"},
		"fraction":         {"10:12:33Z", "10:12:33.0Z"},
		"leading zero":     {"5755", "05755"},
		"extra line":       {"nonce", "extra x\nnonce"},
		"order":            {"to -\n", ""},
		"no case":          {"case K-AAAA-AAAA-AAAA-AAAA", "case -"},
		"escape":           {"log suluh", "log \x1b[2Jsuluh"},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(goldenStatement, change[0], change[1], 1)
			if _, err := accesslog.ParseStatement(text); !errors.Is(err, accesslog.ErrFormat) {
				t.Errorf("got %v, want ErrFormat", err)
			}
		})
	}
}

func TestWrapCommitment(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 20).Draw(t, "readers")
		var leaves []accesslog.WrapLeaf
		for i := range n {
			leaves = append(leaves, accesslog.WrapLeaf{Salt: [16]byte{byte(i)}, Member: id.Member(fmt.Sprintf("m-%d", i)), Wrap: id.DigestOf([]byte{byte(i)})})
		}
		all, blinds := accesslog.BlindWraps(leaves)
		if len(all)%8 != 0 || len(blinds) != len(all)-n {
			t.Fatalf("%d readers give %d leaves, %d of them blind", n, len(all), len(blinds))
		}
		root := accesslog.WrapsRoot(all)
		w := leaves[rapid.IntRange(0, n-1).Draw(t, "who")]
		c, err := accesslog.ProveWrap(rapid.Permutation(all).Draw(t, "order"), w)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Check(w.Member, root, int64(len(all))); err != nil {
			t.Fatal(err)
		}
		if c.Check("somebody-else", root, int64(len(all))) == nil {
			t.Fatal("a proof for one member covers another")
		}
		c.Salt[0] ^= 0x80
		if c.Check(w.Member, root, int64(len(all))) == nil {
			t.Fatal("a proof with another salt was accepted")
		}
	})
}

func TestRecordsOfWhatAReporterDidHaveNoHour(t *testing.T) {
	day, _ := id.ParseDay("2026-11-24")
	r := accesslog.Record{Seq: 7, Time: time.Unix(1_800_000_000, 0), Kind: accesslog.KindDestroy, Destroy: accesslog.DestroyRecord{
		Day: day, Case: id.CaseFrom([10]byte{}), Object: id.DigestOf([]byte("reply")),
	}}
	const want = "suluh.example/record/v1\nseq 7\nday 2026-11-24\nkind destroy\ncase K-AAAA-AAAA-AAAA-AAAA\n" +
		"object 5782b18687e6cf8a482fc32d2db5b196d8821c458a0c069c6acf3953446e7bb5\n"
	if got := string(r.Format()); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for _, leaf := range []string{
		strings.Replace(want, "day 2026-11-24", "time 2026-11-24T02:03:04Z", 1),
		strings.Replace(want, "kind destroy", "kind batch", 1),
	} {
		if _, err := accesslog.ParseRecord([]byte(leaf)); err == nil {
			t.Errorf("taken:\n%s", leaf)
		}
	}
}

// The text of crypto/casecode's vectors.
func TestDestroyText(t *testing.T) {
	got := accesslog.DestroyText("log.suluh.example/uji", id.CaseFrom([10]byte{}), id.DigestOf([]byte("reply")))
	if want := "suluh.example/destroy/v1\nlog.suluh.example/uji\nK-AAAA-AAAA-AAAA-AAAA\n5782b18687e6cf8a482fc32d2db5b196d8821c458a0c069c6acf3953446e7bb5\n"; string(got) != want {
		t.Errorf("got %q", got)
	}
}

func TestReceipt(t *testing.T) {
	s, v, _ := testkey.New(t, "suluh.example/uji")
	_, stranger, _ := testkey.New(t, "suluh.example/uji")
	day, _ := id.ParseDay("2026-11-24")
	r := accesslog.Receipt{Log: "suluh.example/uji", Day: day, Due: day.AddDays(1), Deposit: id.DigestOf(nil)}
	msg, err := r.Sign(s)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := accesslog.OpenReceipt(msg, v); err != nil || got != r {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := accesslog.OpenReceipt(msg, stranger); err == nil {
		t.Error("a stranger's receipt was accepted")
	}
}

func TestDepositDigestDoesNotDependOnOrder(t *testing.T) {
	a := id.Object{Role: id.RoleLetter, Size: 1}
	b := id.Object{Role: id.RoleCard, Size: 2}
	c := id.NewCase()
	if accesslog.DepositDigest([16]byte{}, c, "-", []id.Object{a, b}) != accesslog.DepositDigest([16]byte{}, c, "-", []id.Object{b, a}) {
		t.Error("order decides")
	}
	if accesslog.DepositDigest([16]byte{}, c, "-", []id.Object{a, b}) == accesslog.DepositDigest([16]byte{}, c, "-", []id.Object{a}) {
		t.Error("an object can be dropped")
	}
}

// memory is a log in memory, as the vault's tables hold it.
type memory []tlog.Hash

func (m memory) ReadHashes(at []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(at))
	for i, x := range at {
		out[i] = m[x]
	}
	return out, nil
}

func TestProof(t *testing.T) {
	s, v, _ := testkey.New(t, "suluh.example/uji")
	var m memory
	trees := []tlog.Tree{accesslog.EmptyTree()}
	leaf := func(i int64) []byte { return fmt.Appendf(nil, "record %d", i) }
	const n = 20
	for i := range int64(n) {
		h, err := tlog.StoredHashes(i, leaf(i), m)
		if err != nil {
			t.Fatal(err)
		}
		m = append(m, h...)
		root, err := tlog.TreeHash(i+1, m)
		if err != nil {
			t.Fatal(err)
		}
		trees = append(trees, tlog.Tree{N: i + 1, Hash: root})
	}
	msg, err := accesslog.SignCheckpoint("suluh.example/uji", trees[n], s)
	if err != nil {
		t.Fatal(err)
	}
	for i := range int64(n) {
		p := accesslog.Proof{Index: i, Record: leaf(i), Checkpoint: msg}
		if p.Inclusion, err = accesslog.ProveRecord(n, i, m); err != nil {
			t.Fatal(err)
		}
		for seen := range int64(n + 1) {
			if seen > 0 {
				if p.Consistency, err = accesslog.ProveTree(n, seen, m); err != nil {
					t.Fatal(err)
				}
			}
			if got, err := p.Check(v, trees[seen]); err != nil || got != trees[n] {
				t.Fatalf("record %d, seen %d: %v", i, seen, err)
			}
			forked := trees[seen]
			forked.Hash[0] ^= 1
			if _, err := p.Check(v, forked); seen > 0 && err == nil {
				t.Fatalf("record %d: a fork after %d went unnoticed", i, seen)
			}
		}
		if _, err := p.Check(v, tlog.Tree{N: n + 1}); err == nil {
			t.Fatal("a log that shrank went unnoticed")
		}
		p.Record = []byte("another")
		if _, err := p.Check(v, trees[0]); err == nil {
			t.Fatal("a record that isn't in the log went unnoticed")
		}
	}
}

func TestHashesOfAProofComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var p accesslog.Proof
		for i := range rapid.IntRange(0, 40).Draw(t, "hashes") {
			p.Inclusion = append(p.Inclusion, tlog.Hash(id.DigestOf([]byte{byte(i)})))
		}
		text, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		var got accesslog.Proof
		if err := json.Unmarshal(text, &got); err != nil || !slices.Equal(got.Inclusion, p.Inclusion) || got.Consistency != nil {
			t.Fatalf("got %v, %v", got, err)
		}
	})
	for _, bad := range []string{"AA==", "A", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFUA"} {
		var p accesslog.Path
		if err := p.UnmarshalText([]byte(bad)); !errors.Is(err, accesslog.ErrFormat) {
			t.Errorf("%q was taken as %d hashes", bad, len(p))
		}
	}
}

func TestTilePaths(t *testing.T) {
	for path, tile := range map[string]tlog.Tile{
		"tile/0/000":                  {H: 8, L: 0, N: 0, W: 256},
		"tile/2/x001/x234/067.p/8":    {H: 8, L: 2, N: 1234067, W: 8},
		"tile/entries/x001/234.p/255": {H: 8, L: -1, N: 1234, W: 255},
		"tile/11/001":                 {H: 8, L: 11, N: 1, W: 256},
	} {
		if got := accesslog.TilePath(tile); got != path {
			t.Errorf("got %s, want %s", got, path)
		}
		if got, err := accesslog.ParseTilePath(path); err != nil || got != tile {
			t.Errorf("%s: got %+v, %v", path, got, err)
		}
	}
	for _, bad := range []string{"", "tile/0", "tile/8/0/000", "tile/data/000", "tile/00/000", "tile/0/0", "tile/0/../000", "tile/0/000.p/256", "tile/0/000.p/0"} {
		if _, err := accesslog.ParseTilePath(bad); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func FuzzParseStatement(f *testing.F) {
	f.Add(goldenStatement)
	for _, a := range accesslog.Actions() {
		f.Add(like(a).Text())
	}
	f.Fuzz(func(t *testing.T, text string) {
		if s, err := accesslog.ParseStatement(text); err == nil && s.Text() != text {
			t.Fatal("two ways to write a statement")
		}
	})
}

func FuzzParseRecord(f *testing.F) {
	for _, r := range []accesslog.Record{
		{Kind: accesslog.KindStatement, Statement: []byte(goldenStatement), Cover: accesslog.Cover{Grant: 4}},
		{Kind: accesslog.KindStatement, Statement: []byte(like(accesslog.Outcome).Text()), Cover: accesslog.Cover{Approval: 4}},
		{Kind: accesslog.KindDeposit, Deposit: accesslog.DepositRecord{Day: id.Day{}.AddDays(20000), Case: id.CaseFrom([10]byte{})}},
		{Kind: accesslog.KindConfigure, Settings: []accesslog.Setting{{Key: "a", Value: "b"}}},
		{Kind: accesslog.KindDestroy, Destroy: accesslog.DestroyRecord{Day: id.Day{}.AddDays(20000), Case: id.CaseFrom([10]byte{})}},
	} {
		f.Add(r.Format())
	}
	f.Fuzz(func(t *testing.T, leaf []byte) {
		if r, err := accesslog.ParseRecord(leaf); err == nil && !bytes.Equal(r.Format(), leaf) {
			t.Fatal("two ways to write a record")
		}
	})
}

func FuzzEntries(f *testing.F) {
	f.Add(accesslog.AppendEntry(nil, []byte("x")))
	f.Fuzz(func(t *testing.T, bundle []byte) {
		leaves, err := accesslog.Entries(bundle)
		if err != nil {
			return
		}
		var again []byte
		for _, l := range leaves {
			again = accesslog.AppendEntry(again, l)
		}
		if !bytes.Equal(again, bundle) {
			t.Fatal("bundle does not come back")
		}
	})
}

func FuzzCheckpoint(f *testing.F) {
	s, v, _ := testkey.New(f, "suluh.example/uji")
	msg, err := accesslog.SignCheckpoint("suluh.example/uji", accesslog.EmptyTree(), s)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(msg)
	f.Fuzz(func(t *testing.T, b []byte) {
		if tree, err := accesslog.OpenCheckpoint(b, v); err == nil && tree != accesslog.EmptyTree() {
			t.Fatal("a checkpoint was forged")
		}
	})
}

func FuzzTilePath(f *testing.F) {
	for _, path := range []string{"tile/0/000", "tile/2/x001/x234/067.p/8", "tile/entries/x001/234.p/255", "tile/0/../000", "tile/63/x999/999"} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		tile, err := accesslog.ParseTilePath(path)
		if err != nil {
			return
		}
		if accesslog.TilePath(tile) != path || strings.Contains(path, "..") || tile.H != accesslog.TileHeight || tile.N < 0 || tile.W < 1 || tile.W > accesslog.TileWidth {
			t.Fatalf("%q is tile %+v", path, tile)
		}
	})
}

func FuzzReceipt(f *testing.F) {
	s, v, _ := testkey.New(f, "suluh.example/uji")
	r := accesslog.Receipt{Log: "suluh.example/uji", Day: id.Day{}.AddDays(20000), Due: id.Day{}.AddDays(20001), Deposit: id.DigestOf(nil)}
	msg, err := r.Sign(s)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(msg)
	f.Fuzz(func(t *testing.T, b []byte) {
		if got, err := accesslog.OpenReceipt(b, v); err == nil && got != r {
			t.Fatal("a receipt was forged")
		}
	})
}

func TestReadersOpenNothingElse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := accesslog.Readers{Log: "suluh.example/uji", Case: id.NewCase()}
		for i := range rapid.IntRange(1, 20).Draw(t, "readers") {
			r.Opened = append(r.Opened, accesslog.WrapLeaf{Salt: [16]byte{byte(i)}, Member: id.Member(fmt.Sprintf("m-%d", i)), Wrap: id.DigestOf([]byte{byte(i)})})
		}
		r.Leaves, _ = accesslog.BlindWraps(r.Opened)
		wraps := tlog.Tree{N: int64(len(r.Leaves)), Hash: accesslog.WrapsRoot(r.Leaves)}
		text := append(r.Format(), r.Format()...)
		all, err := accesslog.ParseReaders(text)
		if err != nil || len(all) != 2 || !bytes.Equal(append(all[0].Format(), all[1].Format()...), text) {
			t.Fatalf("%d openings, %v", len(all), err)
		}
		if err := all[1].Check(wraps); err != nil {
			t.Fatal(err)
		}
		for name, change := range map[string]func(*accesslog.Readers){
			"another leaf":     func(r *accesslog.Readers) { r.Leaves[0][0] ^= 1 },
			"a leaf less":      func(r *accesslog.Readers) { r.Leaves = r.Leaves[1:] },
			"a leaf more":      func(r *accesslog.Readers) { r.Leaves = append(r.Leaves, r.Leaves[0]) },
			"another member":   func(r *accesslog.Readers) { r.Opened[0].Member = "somebody-else" },
			"another wrap":     func(r *accesslog.Readers) { r.Opened[0].Wrap[0] ^= 1 },
			"another salt":     func(r *accesslog.Readers) { r.Opened[0].Salt[0] ^= 0x80 },
			"somebody twice":   func(r *accesslog.Readers) { r.Opened = append(r.Opened, r.Opened[0]) },
			"no leaves at all": func(r *accesslog.Readers) { r.Leaves = nil },
		} {
			forged, err := accesslog.ParseReaders(r.Format())
			if err != nil {
				t.Fatal(err)
			}
			change(&forged[0])
			if !errors.Is(forged[0].Check(wraps), accesslog.ErrCommitment) {
				t.Errorf("%s was taken", name)
			}
		}
	})
}
