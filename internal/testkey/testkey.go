// Package testkey makes throw-away signing keys for tests. No program may
// import it: keys that matter are made by crypto/keyfile and vault.Init.
package testkey

import (
	"testing"

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
