package ceremony_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/keyfile"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/ceremony"
	"suluh.example/suluh/internal/testkey"
)

const (
	origin     = "suluh.example/uji"
	passphrase = "kata sandi yang panjang"
	quick      = 8
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func day(t *testing.T, s string) id.Day {
	t.Helper()
	d, err := id.ParseDay(s)
	must(t, err)
	return d
}

func open(t *testing.T, dir string) *ceremony.Folder {
	t.Helper()
	f, err := ceremony.Open(dir)
	must(t, err)
	return f
}

// folder makes one whose first version is signed.
func folder(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "roster")
	_, err := ceremony.Init(dir, origin, passphrase, quick, day(t, "2026-11-24"))
	must(t, err)
	f := open(t, dir)
	f.Draft.Units = []roster.Unit{{ID: "itprov", Name: map[string]string{"id": "Inspektorat Provinsi"}}}
	_, _, log := testkey.New(t, origin)
	must(t, f.SetLogKey(log))
	_, err = f.Sign(passphrase, day(t, "2026-11-24"))
	must(t, err)
	return dir
}

func change(t *testing.T, f *ceremony.Folder) {
	t.Helper()
	f.Draft.Units[0].Positions = append(f.Draft.Units[0].Positions, "Bupati")
}

func TestSigningMayBreakOffAtAnyPoint(t *testing.T) {
	dir := folder(t)
	f := open(t, dir)
	change(t, f)
	must(t, f.Save())
	_, err := f.Sign(passphrase, day(t, "2026-11-25"))
	must(t, err)
	// The draft of before, as if the power had been cut: its version goes on
	// from the notes that are there.
	f = open(t, dir)
	if f.Last.Version != 2 || f.Draft.Version != 3 || f.Draft.Previous.IsZero() {
		t.Errorf("after version %d comes %d", f.Last.Version, f.Draft.Version)
	}
	if _, err := f.Sign(passphrase, day(t, "2026-11-25")); !errors.Is(err, ceremony.ErrUnchanged) {
		t.Errorf("nothing changed: got %v", err)
	}
}

// TestASecondKeeperIsInAnotherZone: where one keeper signs it is tomorrow already.
func TestASecondKeeperIsInAnotherZone(t *testing.T) {
	f := open(t, folder(t))
	change(t, f)
	if _, err := f.Sign(passphrase, day(t, "2026-11-23")); err != nil || f.Last.Day != day(t, "2026-11-24") {
		t.Errorf("signed for %s: %v", f.Last.Day, err)
	}
}

func TestAVersionThatDoesNotFollowIsNotSigned(t *testing.T) {
	dir := folder(t)
	f := open(t, dir)
	change(t, f)
	if _, err := f.Sign(passphrase, day(t, "2026-11-22")); !errors.Is(err, roster.ErrSuccessor) {
		t.Errorf("the clock went back: got %v", err)
	}
	_, _, other := testkey.New(t, origin)
	if err := f.SetLogKey(other); !errors.Is(err, ceremony.ErrOtherLog) {
		t.Errorf("another log: got %v", err)
	}
	if _, err := f.Sign("salah", day(t, "2026-11-25")); !errors.Is(err, keyfile.ErrPassphrase) {
		t.Errorf("wrong passphrase: got %v", err)
	}
	// A root key of another folder.
	strange := folder(t)
	b, err := os.ReadFile(filepath.Join(strange, "root.key"))
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, "root.key"), b, 0o600))
	if _, err := f.Sign(passphrase, day(t, "2026-11-25")); !errors.Is(err, roster.ErrSignature) {
		t.Errorf("another root key: got %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "roster-2.note")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("something was signed: %v", err)
	}
}

func TestWhoWasNeverSignedLeavesNoTrace(t *testing.T) {
	dir := folder(t)
	f := open(t, dir)
	i, err := keyfile.New("penelaah-satu")
	must(t, err)
	r := roster.Request{ID: i.Member(), Name: "Penelaah Satu", Recipient: i.Recipient(), Key: i.VerifierKey()}
	today := day(t, "2026-11-25")
	must(t, f.Add(r, "itprov", []roster.Role{roster.Reader}, today))
	must(t, f.Save())
	must(t, f.Remove(r.ID, today))
	if len(f.Draft.Members) != 0 {
		t.Error("a member who was in a draft only is marked as removed")
	}
	must(t, f.Add(r, "itprov", []roster.Role{roster.Reader}, today))
	_, err = f.Sign(passphrase, today)
	must(t, err)
	f = open(t, dir)
	must(t, f.Remove(r.ID, today))
	if m, ok := f.Draft.Member(r.ID); !ok || m.Removed == nil {
		t.Error("a signed member is gone instead of marked")
	}
	if err := f.Add(r, "itprov", []roster.Role{roster.Reader}, today); !errors.Is(err, ceremony.ErrReused) {
		t.Errorf("the id again: got %v", err)
	}
}

func TestASheetOpensItsUnitOnly(t *testing.T) {
	dir := folder(t)
	f := open(t, dir)
	today := day(t, "2026-11-25")
	sheet, err := f.NewSheet("itprov", false, today)
	must(t, err)
	var text textBuffer
	must(t, sheet.Text(&text))
	first, err := keyfile.ParseSheet(string(text))
	must(t, err)
	must(t, ceremony.TrySheet(f.Draft.Units[0], first))
	if _, err := f.NewSheet("itprov", false, today); !errors.Is(err, ceremony.ErrHasSheet) {
		t.Errorf("a second sheet: got %v", err)
	}
	_, err = f.NewSheet("itprov", true, today)
	must(t, err)
	if err := ceremony.TrySheet(f.Draft.Units[0], first); !errors.Is(err, ceremony.ErrOtherSheet) {
		t.Errorf("the replaced sheet: got %v", err)
	}
}

type textBuffer []byte

func (b *textBuffer) Write(p []byte) (int, error) {
	*b = append(*b, p...)
	return len(p), nil
}

// With somebody in the roster whose key is none, nobody could report any more.
func TestAKeyThatNobodyCanSealToIsNotSigned(t *testing.T) {
	dir := folder(t)
	f := open(t, dir)
	i, err := keyfile.New("saksi-kunci")
	must(t, err)
	today := day(t, "2026-11-25")
	r := roster.Request{ID: i.Member(), Name: "Saksi Kunci", Recipient: i.Recipient(), Key: i.VerifierKey()}
	must(t, f.Add(r, "itprov", []roster.Role{roster.KeyWitness}, today))
	m := &f.Draft.Members[len(f.Draft.Members)-1]
	m.Address, m.Recipient = "https://saksi.example/", r.Recipient[:len(r.Recipient)-1]
	if _, err := f.Sign(passphrase, today); err == nil || !strings.HasPrefix(err.Error(), "recipient of member saksi-kunci: ") {
		t.Errorf("a cut recipient: got %v", err)
	}
	m.Recipient = r.Recipient
	if _, err := f.Sign(passphrase, today); err != nil {
		t.Errorf("the whole: %v", err)
	}
}
