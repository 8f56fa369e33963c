package signature_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	mathrand "math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"filippo.io/edwards25519"
	"golang.org/x/mod/sumdb/note"

	"suluh.example/suluh/crypto/signature"
	"suluh.example/suluh/internal/testkey"
)

// small are points of small order: all eight, and six other ways to write some of them,
// which RFC 8032 refuses and ZIP 215 takes.
var small = []string{
	"0100000000000000000000000000000000000000000000000000000000000000",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"0000000000000000000000000000000000000000000000000000000000000000",
	"0000000000000000000000000000000000000000000000000000000000000080",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
	"0100000000000000000000000000000000000000000000000000000000000080",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// signed is a signature and what is to be thought of it.
type signed struct {
	What string `json:"what"`
	Key  string `json:"key"`  // note vkey
	Fit  bool   `json:"fit"`  // the key is one that a member may have
	Note string `json:"note"` // signed with it
	Good bool   `json:"good"`

	public    ed25519.PublicKey
	text, sig []byte
}

const text = "suluh.example/uji/v1\ntanda tangan\n"

func newSigned(what string, public, sig []byte, good, fit bool) signed {
	vkey := must(note.NewEd25519VerifierKey("penelaah-satu", public))
	hash := must(hex.DecodeString(strings.Split(vkey, "+")[1]))
	msg := text + "\n— penelaah-satu " + base64.StdEncoding.EncodeToString(append(hash, sig...)) + "\n"
	return signed{what, vkey, fit, msg, good, public, []byte(text), sig}
}

func point(encoded string) *edwards25519.Point {
	return must(new(edwards25519.Point).SetBytes(must(hex.DecodeString(encoded))))
}

// hashed is the scalar of what a signature is made over.
func hashed(r, public []byte) *edwards25519.Scalar {
	h := sha512.Sum512(slices.Concat(r, public, []byte(text)))
	return must(edwards25519.NewScalar().SetUniformBytes(h[:]))
}

// cases are good and bad signatures, of which implementations think differently.
func cases() (all []signed) {
	key := ed25519.NewKeyFromSeed([]byte("kunci uji aturan tanda tangan 01"))
	public := key.Public().(ed25519.PublicKey)
	h := sha512.Sum512(key.Seed())
	a := must(edwards25519.NewScalar().SetBytesWithClamping(h[:32]))
	honest := ed25519.Sign(key, []byte(text))
	all = append(all, newSigned("honest", public, honest, true, true))
	changed := slices.Clone(honest)
	changed[40] ^= 1
	all = append(all, newSigned("changed", public, changed, false, true))
	all = append(all, newSigned("too short", public, honest[:63], false, true), newSigned("none", public, make([]byte, 64), false, true))

	// The same scalar, written as one that is not below the order of the group.
	order := must(hex.DecodeString("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010"))
	twice := slices.Clone(honest)
	carry := 0
	for i := range order {
		sum := int(twice[32+i]) + int(order[i]) + carry
		twice[32+i], carry = byte(sum), sum>>8
	}
	all = append(all, newSigned("a scalar of another encoding", public, twice, false, true))

	one := must(edwards25519.NewScalar().SetCanonicalBytes(append([]byte{7}, make([]byte, 31)...)))
	for i, s := range small {
		written := i < 8
		encoded := must(hex.DecodeString(s))
		// R is of small order: nothing of the key hides behind it, which is the signer's loss.
		sig := slices.Concat(encoded, edwards25519.NewScalar().Multiply(hashed(encoded, public), a).Bytes())
		all = append(all, newSigned(fmt.Sprintf("R of small order %d", i), public, sig, written, true))
		// R has a part of small order.
		mixed := new(edwards25519.Point).ScalarBaseMult(one)
		at := mixed.Add(mixed, point(s)).Bytes()
		sig = slices.Concat(at, edwards25519.NewScalar().MultiplyAdd(hashed(at, public), a, one).Bytes())
		all = append(all, newSigned(fmt.Sprintf("R with a part of small order %d", i), public, sig, true, true))
		// So has the key.
		whole := point(hex.EncodeToString(public))
		other := whole.Add(whole, point(s)).Bytes()
		at = new(edwards25519.Point).ScalarBaseMult(one).Bytes()
		sig = slices.Concat(at, edwards25519.NewScalar().MultiplyAdd(hashed(at, other), a, one).Bytes())
		all = append(all, newSigned(fmt.Sprintf("key with a part of small order %d", i), other, sig, true, true))
		// The key is of small order: to sign needs no secret.
		for j, other := range small {
			sig := slices.Concat(must(hex.DecodeString(other)), make([]byte, 32))
			all = append(all, newSigned(fmt.Sprintf("key of small order %d, R %d", i, j), encoded, sig, false, false))
		}
	}
	return all
}

func TestOneRule(t *testing.T) {
	stock := 0
	good := signature.NewBatch(0)
	honest := must(signature.ParseKey(cases()[0].Key))
	for _, x := range cases() {
		if ed25519.Verify(x.public, x.text, x.sig) != x.Good {
			stock++
		}
		k, err := signature.ParseKey(x.Key)
		if err != nil {
			t.Fatalf("%s: %v", x.What, err)
		}
		if (k.Check() == nil) != x.Fit {
			t.Errorf("%s: the key: got %v, want fit: %v", x.What, k.Check(), x.Fit)
		}
		batch := signature.NewBatch(1)
		batch.Add(k, x.text, x.sig)
		among := signature.NewBatch(0)
		for range 5 {
			among.Add(honest, cases()[0].text, cases()[0].sig)
		}
		among.Add(k, x.text, x.sig)
		_, err = note.Open([]byte(x.Note), note.VerifierList(k))
		if alone, batched, some, opened := k.Verify(x.text, x.sig), batch.Verify(), among.Verify(), err == nil; alone != x.Good || batched != x.Good || some != x.Good || opened != x.Good {
			t.Errorf("%s: alone %v, in a batch %v, among good ones %v, as a note %v, want %v", x.What, alone, batched, some, opened, x.Good)
		}
		if x.Good {
			good.Add(k, x.text, x.sig)
		}
	}
	if !good.Verify() {
		t.Error("all that are good: not together")
	}
	if stock == 0 {
		t.Error("crypto/ed25519 thinks the same of all: nothing is tested here")
	}
}

func TestBatches(t *testing.T) {
	if !signature.NewBatch(0).Verify() {
		t.Error("nothing is not all good")
	}
	s, v, vkey := testkey.New(t, "penelaah-satu")
	k := must(signature.ParseKey(vkey))
	for bad := range 20 {
		b := signature.NewBatch(0)
		for i := range 20 {
			said := fmt.Appendf(nil, "pernyataan %d", i)
			sig := must(s.Sign(said))
			if i == bad {
				said = []byte("lain")
			}
			b.Add(k, said, sig)
		}
		if b.Verify() {
			t.Errorf("number %d of 20 is wrong, and all are called good", bad)
		}
	}
	b := signature.NewBatch(0)
	b.Add(v, []byte("a"), must(s.Sign([]byte("a"))))
	if b.Verify() {
		t.Error("a key of another rule: good")
	}
	signer, vkey := testkey.Odd(t, "penelaah-satu")
	if sig := must(signer.Sign([]byte("a"))); !must(signature.ParseKey(vkey)).Verify([]byte("a"), sig) || must(note.NewVerifier(vkey)).Verify([]byte("a"), sig) {
		t.Error("an odd signature is not one that crypto/ed25519 refuses and this package takes")
	}
}

// TestAsCryptoEd25519Does: of what RFC 8032 tells how to make, and of what was changed in
// a single bit, the library's own arithmetic comes to the verdict of crypto/ed25519, alone
// and in batches of each size that is computed in another way.
func TestAsCryptoEd25519Does(t *testing.T) {
	var signers []note.Signer
	var keys []*signature.Key
	var stock []note.Verifier
	for range 5 {
		s, v, vkey := testkey.New(t, "penelaah-satu")
		signers, keys, stock = append(signers, s), append(keys, must(signature.ParseKey(vkey))), append(stock, v)
	}
	for _, size := range []int{1, 2, 3, 7, 32, 94, 95, 190, signature.BatchSize, 300} {
		good, bad := signature.NewBatch(size), signature.NewBatch(size)
		odd := mathrand.IntN(size)
		for i := range size {
			by := mathrand.IntN(len(keys))
			said := make([]byte, mathrand.IntN(1000))
			rand.Read(said)
			sig := must(signers[by].Sign(said))
			if !keys[by].Verify(said, sig) {
				t.Fatalf("refused: %x on %x", sig, said)
			}
			good.Add(keys[by], said, sig)
			if i == odd {
				sig = slices.Clone(sig)
				sig[mathrand.IntN(len(sig))] ^= 1 << mathrand.IntN(8)
				if stock[by].Verify(said, sig) || keys[by].Verify(said, sig) {
					t.Fatalf("a bit was changed: crypto/ed25519 says %v, this package %v: %x on %x", stock[by].Verify(said, sig), keys[by].Verify(said, sig), sig, said)
				}
			}
			bad.Add(keys[by], said, sig)
		}
		if !good.Verify() || bad.Verify() {
			t.Errorf("of %d: all good %v, one changed %v", size, good.Verify(), bad.Verify())
		}
	}
}

func TestKeyOfAnotherVerdict(t *testing.T) {
	s, _, vkey := testkey.New(t, "penelaah-satu")
	no := must(signature.ParseKey(vkey)).By(func(*signature.Key, []byte, []byte) bool { return false })
	if no.Verify([]byte("a"), must(s.Sign([]byte("a")))) || no.Name() != "penelaah-satu" {
		t.Error("another function doesn't decide")
	}
}

// TestSharedVectors holds what browsers verify as well.
func TestSharedVectors(t *testing.T) {
	const file = "testdata/vectors.json"
	want := append(must(json.MarshalIndent(cases(), "", " ")), '\n')
	if os.Getenv("SULUH_UPDATE") != "" {
		if err := os.WriteFile(file, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(file); err != nil || string(got) != string(want) {
		t.Errorf("%s is not what this package gives: %v", file, err)
	}
}
