// Package testkey makes throw-away signing keys for tests. No program may
// import it: keys that matter are made by crypto/keyfile and vault.Init.
package testkey

import (
	"crypto/ed25519"
	"crypto/sha512"
	"encoding/hex"
	"slices"
	"testing"

	"filippo.io/edwards25519"
	"golang.org/x/mod/sumdb/note"
)

// New returns the two halves of a fresh note key, and the encoded verifier key
// by which rosters and vaults name it.
func New(t testing.TB, name string) (note.Signer, note.Verifier, string) {
	t.Helper()
	skey, vkey, err := note.GenerateKey(nil, name)
	if err != nil {
		t.Fatal(err)
	}
	s, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	v, err := note.NewVerifier(vkey)
	if err != nil {
		t.Fatal(err)
	}
	return s, v, vkey
}

// odd signs as no honest program does: with a point of small order added to the
// signature's own.
type odd struct {
	note.Verifier
	key    ed25519.PrivateKey
	scalar *edwards25519.Scalar
}

// Odd returns a key whose signatures are good by the rule of members' signatures and refused by
// crypto/ed25519, and its encoded verifier key.
func Odd(t testing.TB, name string) (note.Signer, string) {
	t.Helper()
	public, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	vkey, err := note.NewEd25519VerifierKey(name, public)
	if err != nil {
		t.Fatal(err)
	}
	v, err := note.NewVerifier(vkey)
	if err != nil {
		t.Fatal(err)
	}
	h := sha512.Sum512(key.Seed())
	scalar, err := edwards25519.NewScalar().SetBytesWithClamping(h[:32])
	if err != nil {
		t.Fatal(err)
	}
	return odd{v, key, scalar}, vkey
}

// Sign returns a signature.
func (o odd) Sign(text []byte) ([]byte, error) {
	eighth, err := hex.DecodeString("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a") // a point of order 8
	if err != nil {
		return nil, err
	}
	small, err := new(edwards25519.Point).SetBytes(eighth)
	if err != nil {
		return nil, err
	}
	once := sha512.Sum512(append(o.key.Seed(), text...))
	r, err := edwards25519.NewScalar().SetUniformBytes(once[:])
	if err != nil {
		return nil, err
	}
	at := new(edwards25519.Point).ScalarBaseMult(r)
	sig := at.Add(at, small).Bytes()
	h := sha512.Sum512(slices.Concat(sig, o.key.Public().(ed25519.PublicKey), text))
	k, err := edwards25519.NewScalar().SetUniformBytes(h[:])
	if err != nil {
		return nil, err
	}
	return append(sig, r.MultiplyAdd(k, o.scalar, r).Bytes()...), nil
}
