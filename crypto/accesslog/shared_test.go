package accesslog_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
)

// shared are the vectors of testdata/vectors.json, which the browser computes
// too. All of it follows from itself, so that the file can be made anew.
type shared struct {
	Wraps struct {
		Leaves []wrapVector `json:"leaves"`
		Blinds []tlog.Hash  `json:"blinds"`
		Root   tlog.Hash    `json:"root"`
	} `json:"wraps"`
	Deposit struct {
		Salt    string      `json:"salt"`
		Case    id.Case     `json:"case"`
		Objects []id.Object `json:"objects"`
		Digest  id.Digest   `json:"digest"`
		Added   id.Digest   `json:"added"` // the same as an addition to a case
	} `json:"deposit"`
	LogKey     string   `json:"log_key"`
	Receipt    string   `json:"receipt"`
	Checkpoint string   `json:"checkpoint"`
	Proofs     []proven `json:"proofs"` // of the records "record <index>", in trees of such
}

type wrapVector struct {
	Salt   string    `json:"salt"`
	Member id.Member `json:"member"`
	Wrap   id.Digest `json:"wrap"`
	Hash   tlog.Hash `json:"hash"`
}

type proven struct {
	Size  int64            `json:"size"`
	Root  tlog.Hash        `json:"root"`
	Index int64            `json:"index"`
	Proof tlog.RecordProof `json:"proof"`
}

func makeShared(t *testing.T) (v shared) {
	t.Helper()
	salt := [16]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
	var all []tlog.Hash
	for _, m := range []id.Member{"penelaah-satu", "penelaah-dua", "recovery-itprov"} {
		salt[0]++
		l := accesslog.WrapLeaf{Salt: salt, Member: m, Wrap: id.DigestOf([]byte(m))}
		v.Wraps.Leaves = append(v.Wraps.Leaves, wrapVector{hex.EncodeToString(salt[:]), m, l.Wrap, l.Hash()})
		all = append(all, l.Hash())
	}
	for i := range 5 {
		v.Wraps.Blinds = append(v.Wraps.Blinds, tlog.RecordHash(fmt.Appendf(nil, "blind %d", i)))
	}
	v.Wraps.Root = accesslog.WrapsRoot(append(all, v.Wraps.Blinds...))
	d := &v.Deposit
	d.Salt, d.Case = hex.EncodeToString(salt[:]), "K-AAAA-AAAA-AAAA-AAAA"
	for _, r := range []id.Role{id.RoleLetter, id.RoleContent, id.RoleCard, id.RoleSummary} {
		d.Objects = append(d.Objects, id.Object{Role: r, Digest: id.DigestOf([]byte(r)), Size: int64(len(r))})
	}
	d.Digest = accesslog.DepositDigest(salt, d.Case, fmt.Sprintf("8 %s", v.Wraps.Root), d.Objects)
	d.Added = accesslog.DepositDigest(salt, d.Case, "-", d.Objects)
	skey, vkey, err := note.GenerateKey(zeros{}, "suluh.example/uji")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	v.LogKey = vkey
	day, _ := id.ParseDay("2026-11-24")
	receipt, err := accesslog.Receipt{Log: "suluh.example/uji", Day: day, Due: day.AddDays(1), Deposit: d.Digest}.Sign(signer)
	if err != nil {
		t.Fatal(err)
	}
	v.Receipt = string(receipt)
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(at []int64) (hashes []tlog.Hash, err error) {
		for _, i := range at {
			hashes = append(hashes, stored[i])
		}
		return hashes, nil
	})
	for n := range int64(13) {
		more, err := tlog.StoredHashes(n, fmt.Appendf(nil, "record %d", n), reader)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, more...)
		for i := range n + 1 {
			if (n+i)%3 != 0 && n != 12 {
				continue
			}
			p := proven{Size: n + 1, Index: i}
			if p.Root, err = tlog.TreeHash(n+1, reader); err != nil {
				t.Fatal(err)
			}
			if p.Proof, err = tlog.ProveRecord(n+1, i, reader); err != nil {
				t.Fatal(err)
			}
			v.Proofs = append(v.Proofs, p)
		}
	}
	last := v.Proofs[len(v.Proofs)-1]
	checkpoint, err := accesslog.SignCheckpoint("suluh.example/uji", tlog.Tree{N: last.Size, Hash: last.Root}, signer)
	if err != nil {
		t.Fatal(err)
	}
	v.Checkpoint = string(checkpoint)
	return v
}

// TestSharedVectors holds what the browser computes of the log.
func TestSharedVectors(t *testing.T) {
	const file = "testdata/vectors.json"
	want, err := json.MarshalIndent(makeShared(t), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, '\n')
	if os.Getenv("SULUH_UPDATE") != "" {
		if err := os.WriteFile(file, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Error("testdata/vectors.json is not what this package gives")
	}
}

// zeros is where the test's key comes from.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
