package keyfile_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/keyfile"
	"suluh.example/suluh/crypto/seal"
)

// quick is a work factor for tests alone.
const quick = 8

func TestIdentityFile(t *testing.T) {
	i, err := keyfile.New("penelaah-satu")
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := i.Seal("kata sandi yang panjang", quick)
	if err != nil {
		t.Fatal(err)
	}
	got, err := keyfile.Open(sealed, "kata sandi yang panjang")
	if err != nil {
		t.Fatal(err)
	}
	if got.Member() != "penelaah-satu" || got.Recipient() != i.Recipient() || got.VerifierKey() != i.VerifierKey() {
		t.Error("another identity came back")
	}
	// The public halves that the roster lists belong to the private ones.
	v, err := note.NewVerifier(got.VerifierKey())
	if err != nil {
		t.Fatal(err)
	}
	msg, err := note.Sign(&note.Note{Text: "uji\n"}, got.Signer())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := note.Open(msg, note.VerifierList(v)); err != nil {
		t.Errorf("signature: %v", err)
	}
	to, err := seal.ParseRecipient(got.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	key, err := seal.NewCaseKey()
	if err != nil {
		t.Fatal(err)
	}
	wrap, err := key.Wrap(to)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := seal.Unwrap(wrap, got.Age()); err != nil {
		t.Errorf("wrap: %v", err)
	}
}

func TestWhatDoesNotOpen(t *testing.T) {
	i, err := keyfile.New("penelaah-satu")
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := i.Seal("satu", quick)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{"", "dua"} {
		if _, err := keyfile.Open(sealed, p); !errors.Is(err, keyfile.ErrPassphrase) {
			t.Errorf("passphrase %q: got %v, want ErrPassphrase", p, err)
		}
	}
	damaged := bytes.Clone(sealed)
	damaged[len(damaged)-1] ^= 1
	for name, b := range map[string][]byte{"nothing": nil, "text": []byte("halo"), "damaged": damaged, "cut": sealed[:len(sealed)-1]} {
		if _, err := keyfile.Open(b, "satu"); !errors.Is(err, keyfile.ErrFormat) {
			t.Errorf("%s: got %v, want ErrFormat", name, err)
		}
	}
	if _, err := i.Seal("", quick); err == nil {
		t.Error("an empty passphrase seals")
	}
	for _, s := range []string{"", "A", "recovery-itprov", "a b"} {
		if _, err := keyfile.New(id.Member(s)); err == nil {
			t.Errorf("member id %q was accepted", s)
		}
	}
	if out := fmt.Sprintf("%v %+v %s", i, *i, i); strings.Contains(out, "SECRET") || strings.Contains(out, "PRIVATE") {
		t.Errorf("an identity prints itself: %s", out)
	}
}
