package keyfile_test

import (
	"bytes"
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"filippo.io/age"
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

func TestOnionKey(t *testing.T) {
	i, err := keyfile.New("penelaah-satu")
	if err != nil {
		t.Fatal(err)
	}
	first := i.Onion()
	if b, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(first); err != nil || len(b) != 32 {
		t.Fatalf("the public half is %q", first)
	}
	if err := i.NewOnionKey(); err != nil {
		t.Fatal(err)
	}
	if i.Onion() == first {
		t.Error("a new key is the old one")
	}
	sealed, err := i.Seal("satu", quick)
	if err != nil {
		t.Fatal(err)
	}
	got, err := keyfile.Open(sealed, "satu")
	if err != nil {
		t.Fatal(err)
	}
	if got.Onion() != i.Onion() || !got.OnionKey().Equal(i.OnionKey()) {
		t.Error("another onion key came back")
	}

	// Files from before there were onion keys open, and take one.
	to, err := age.NewScryptRecipient("satu")
	if err != nil {
		t.Fatal(err)
	}
	to.SetWorkFactor(quick)
	for name, lines := range map[string][]string{"older": nil, "no key": {"descriptor:x25519:"}, "a cut key": {"descriptor:x25519:AAAA"}} {
		plain := testOnlyLines(t, sealed, "satu")
		text := strings.Join(append(plain[:3], lines...), "\n") + "\n"
		var b bytes.Buffer
		w, err := age.Encrypt(&b, to)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, text); err != nil || w.Close() != nil {
			t.Fatal("seal by hand")
		}
		old, err := keyfile.Open(b.Bytes(), "satu")
		if lines != nil {
			if !errors.Is(err, keyfile.ErrFormat) {
				t.Errorf("%s: got %v, want ErrFormat", name, err)
			}
			continue
		}
		if err != nil || old.Onion() != "" || old.OnionKey() != nil || old.Recipient() != i.Recipient() {
			t.Fatalf("an older file: %v", err)
		}
		if err := old.NewOnionKey(); err != nil || old.Onion() == "" {
			t.Errorf("a key for an older file: %v", err)
		}
	}
}

// testOnlyLines opens a file as the stock age command would.
func testOnlyLines(t *testing.T, sealed []byte, passphrase string) []string {
	t.Helper()
	with, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		t.Fatal(err)
	}
	r, err := age.Decrypt(bytes.NewReader(sealed), with)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
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

func TestRootKeyFile(t *testing.T) {
	root, err := keyfile.NewRoot("suluh.example/uji/root")
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := root.Seal("satu", quick)
	if err != nil {
		t.Fatal(err)
	}
	got, err := keyfile.OpenRoot(sealed, "satu")
	if err != nil || got.VerifierKey() != root.VerifierKey() {
		t.Errorf("another key came back: %v", err)
	}
	if _, err := keyfile.OpenRoot(sealed, "dua"); !errors.Is(err, keyfile.ErrPassphrase) {
		t.Errorf("wrong passphrase: got %v", err)
	}
	// Neither kind of file is taken for the other.
	if _, err := keyfile.Open(sealed, "satu"); !errors.Is(err, keyfile.ErrFormat) {
		t.Errorf("a root key as an identity: got %v", err)
	}
	i, err := keyfile.New("penelaah-satu")
	if err != nil {
		t.Fatal(err)
	}
	if sealed, err = i.Seal("satu", quick); err != nil {
		t.Fatal(err)
	}
	if _, err := keyfile.OpenRoot(sealed, "satu"); !errors.Is(err, keyfile.ErrFormat) {
		t.Errorf("an identity as a root key: got %v", err)
	}
	if out := fmt.Sprintf("%v %+v %s", root, *root, root); strings.Contains(out, "PRIVATE") {
		t.Errorf("a root key prints itself: %s", out)
	}
}

func TestRecoverySheet(t *testing.T) {
	r, err := keyfile.NewRecovery()
	if err != nil {
		t.Fatal(err)
	}
	lines := r.RevealLines()
	numbered := func(lines []string) string {
		var b strings.Builder
		for i, l := range lines {
			fmt.Fprintf(&b, "Lain\n  %d. %s\n", i+1, l)
		}
		return b.String()
	}
	for name, text := range map[string]string{
		"QR code":         r.Reveal(),
		"QR code, lower":  strings.ToLower(r.Reveal()) + "\n",
		"lines":           numbered(lines),
		"lower, no space": strings.ToLower(strings.ReplaceAll(numbered(lines), " ", "\t")),
		"look-alikes":     strings.NewReplacer("0", "O", "L", "I", "8", "B").Replace(numbered(lines)[4:]),
	} {
		got, err := keyfile.ParseSheet(text)
		if err != nil || got.Recipient() != r.Recipient() {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Every single mistyped character is found, and its line is named.
	for i, line := range lines {
		for j, c := range line {
			if c == ' ' {
				continue
			}
			other := "Q"
			if c == 'Q' {
				other = "P"
			}
			wrong := append([]string{}, lines...)
			wrong[i] = line[:j] + other + line[j+1:]
			var e *keyfile.SheetError
			if _, err := keyfile.ParseSheet(numbered(wrong)); !errors.As(err, &e) || e.Line != i+1 {
				t.Fatalf("line %d, character %d: got %v", i+1, j, err)
			}
		}
	}
	exchanged := []string{lines[1], lines[0], lines[2], lines[3]}
	var e *keyfile.SheetError
	if _, err := keyfile.ParseSheet(numbered(exchanged)); !errors.As(err, &e) || e.Line != 1 {
		t.Errorf("lines exchanged: got %v", err)
	}
	for _, text := range []string{"", "halo", "AGE-SECRET-KEY-PQ-1" + strings.Repeat("Q", 58), strings.Repeat("1 ", 1000)} {
		if _, err := keyfile.ParseSheet(text); !errors.As(err, &e) || e.Line != 0 {
			t.Errorf("no sheet: got %v", err)
		}
	}
	if out := fmt.Sprintf("%v %+v %s", r, *r, r); strings.Contains(out, "SECRET") {
		t.Errorf("a recovery key prints itself: %s", out)
	}
}

func FuzzParseSheet(f *testing.F) {
	f.Add("1  QPZR Y9X8\n2 ABCD")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := keyfile.ParseSheet(text)
		if err != nil {
			return
		}
		if again, err := keyfile.ParseSheet(r.Reveal()); err != nil || again.Recipient() != r.Recipient() {
			t.Fatalf("does not come back: %v", err)
		}
	})
}
