package check_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"suluh.example/suluh/internal/check"
	"suluh.example/suluh/internal/testkey"
)

// made returns the scene's log as one that can be shown as it was at any time.
func (s *scene) made(t *testing.T) (*made, check.Files) {
	t.Helper()
	skey, err := os.ReadFile(filepath.Join(s.w.Dir, "log.key"))
	must(t, err)
	m := &made{t: t, key: s.w.Log}
	m.signer, err = note.NewSigner(strings.TrimSpace(string(skey)))
	must(t, err)
	for _, r := range s.records {
		m.add(r)
	}
	return m, func(ctx context.Context, path string) ([]byte, error) {
		if strings.HasPrefix(path, "rosters/") {
			return s.w.Vault.LogFile(ctx, path)
		}
		return m.files(ctx, path)
	}
}

// TestAVerificationInPiecesComesToTheSameAsOne stops after each record at which
// the log can end, and goes on from what was kept.
func TestAVerificationInPiecesComesToTheSameAsOne(t *testing.T) {
	forwarded, _ := newForwardScene(t)
	for _, s := range []*scene{newScene(t), forwarded} {
		m, files := s.made(t)
		dir := t.TempDir()
		pieces, whole := filepath.Join(dir, "pieces"), filepath.Join(dir, "whole")
		log := check.New(files, m.key)
		must(t, second(log.Extend(t.Context())))
		must(t, log.Save(whole))
		end, n := m.size, 0
		for m.size = 2; m.size <= end; m.size++ {
			log, err := check.Resume(t.Context(), files, m.key, pieces, false)
			must(t, err)
			r, err := log.Extend(t.Context())
			var f *check.Finding
			if errors.As(err, &f) && f.Fault == check.FaultOrder {
				continue // in the middle of a batch
			}
			must(t, err)
			if r.Entries.Len() != m.size || r.Entries.At(0).Action != "configure" {
				t.Fatalf("of %d records there are %d entries", m.size, r.Entries.Len())
			}
			must(t, log.Save(pieces))
			n++
		}
		if n < 15 {
			t.Errorf("only %d pieces", n)
		}
		for _, of := range []string{"", ".entries"} {
			a, err := os.ReadFile(whole + of)
			must(t, err)
			b, err := os.ReadFile(pieces + of)
			must(t, err)
			if !bytes.Equal(a, b) {
				t.Errorf("what is kept of pieces%s is not what is kept of the whole:\n%s\n%s", of, b, a)
			}
		}
	}
}

func TestWhatWasVerifiedIsNotReadAgain(t *testing.T) {
	m := newMade(t)
	m.lists(700)
	file := filepath.Join(t.TempDir(), "verified")
	log := check.New(m.files, m.key)
	log.NoEntries = true
	must(t, second(log.Extend(t.Context())))
	must(t, log.Save(file))
	m.lists(400)
	m.read = nil
	log, err := check.Resume(t.Context(), m.files, m.key, file, true)
	must(t, err)
	r, err := log.Extend(t.Context())
	must(t, err)
	if r.Records != 1102 || r.Accesses != 1100 || r.Roster == nil {
		t.Fatalf("got %+v", r)
	}
	for _, path := range m.read {
		if path == "tile/entries/000" || path == "tile/entries/001" || path == "tile/0/000" {
			t.Errorf("%s was read again", path)
		}
	}
}

// TestAChangedLogIsFoundByWhoGoesOn: what was verified isn't read again, and the
// log must continue it all the same.
func TestAChangedLogIsFoundByWhoGoesOn(t *testing.T) {
	m := newMade(t)
	m.lists(700)
	file := filepath.Join(t.TempDir(), "verified")
	log := check.New(m.files, m.key)
	must(t, second(log.Extend(t.Context())))
	must(t, log.Save(file))
	goOn := func() error {
		log, err := check.Resume(t.Context(), m.files, m.key, file, false)
		must(t, err)
		return second(log.Extend(t.Context()))
	}
	must(t, goOn())

	m.size = 650
	if f := finding(t, goOn()); f.Fault != check.FaultShrunk {
		t.Errorf("of a log that was cut back: got %+v", f)
	}
	m.size = 702
	m.lists(100)
	must(t, goOn())

	other := newMade(t)
	other.signer, other.key = m.signer, m.key
	other.lists(900)
	log, err := check.Resume(t.Context(), m.files, m.key, file, false) // with the roster that it knows
	must(t, err)
	m.records, m.size = other.records, other.size
	if f := finding(t, second(log.Extend(t.Context()))); f.Fault != check.FaultFork {
		t.Errorf("of another log of the same key: got %+v", f)
	}
}

func TestADamagedFileOfWhatWasVerifiedIsRefused(t *testing.T) {
	m := newMade(t)
	m.lists(700)
	file := filepath.Join(t.TempDir(), "verified")
	log := check.New(m.files, m.key)
	must(t, second(log.Extend(t.Context())))
	must(t, log.Save(file))
	good, err := os.ReadFile(file)
	must(t, err)
	for name, change := range map[string]func([]byte) []byte{
		"cut off":              func(b []byte) []byte { return b[:len(b)/2] },
		"without its end":      func(b []byte) []byte { return bytes.Replace(b, []byte(`{"end":true}`+"\n"), nil, 1) },
		"with another hash":    func(b []byte) []byte { return bytes.Replace(b, []byte(`{"tiles":"`), []byte(`{"tiles":"AAAA`), 1) },
		"without hashes":       func(b []byte) []byte { return bytes.Replace(b, []byte(`{"tiles":"`), []byte(`{"names":["`), 1) },
		"of nothing":           func([]byte) []byte { return nil },
		"with a later version": func(b []byte) []byte { return bytes.Replace(b, []byte("verified/v1"), []byte("verified/v2"), 1) },
	} {
		must(t, os.WriteFile(file, change(bytes.Clone(good)), 0o600))
		if _, err := check.Resume(t.Context(), m.files, m.key, file, true); err == nil {
			t.Errorf("a file %s was taken", name)
		}
	}
	must(t, os.WriteFile(file, good, 0o600))
	must(t, os.Truncate(file+".entries", 100))
	if _, err := check.Resume(t.Context(), m.files, m.key, file, false); err == nil {
		t.Error("a file with fewer entries was taken")
	}
	_, other, _ := testkey.New(t, origin)
	if _, err := check.Resume(t.Context(), m.files, other, file, true); !errors.Is(err, check.ErrOtherState) {
		t.Errorf("the file of another log: %v", err)
	}
}
