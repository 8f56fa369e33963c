package main

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"suluh.example/suluh/internal/submission"
	"suluh.example/suluh/internal/textbrowser"
	"suluh.example/suluh/internal/world"
)

// fails runs a command that must end with status 1, and returns what it says.
func fails(t *testing.T, args ...string) string {
	t.Helper()
	var out, said bytes.Buffer
	cmd := exec.Command(program(t), args...)
	cmd.Stdout, cmd.Stderr = &out, &said
	err := cmd.Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Fatalf("suluh %s: %v, want exit status 1\n%s%s", strings.Join(args, " "), err, &out, &said)
	}
	return out.String() + said.String()
}

func says(t *testing.T, got string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(got, w) {
			t.Errorf("nobody says %q:\n%s", w, got)
		}
	}
}

// What goes wrong on a server is said in plain words, with what to do, and
// harms nothing.
func TestServersSayWhatIsWrong(t *testing.T) {
	w := start(t, io.Discard)
	dir := filepath.Join(w.Dir, "vault")
	check := textbrowser.New(t).Get(w.Intake+"lapor/tulis").Press("Lanjut", map[string]string{"unit": "itprov", "apa": "uji"})
	s := sent{size: 400_000}
	s.seed = submission.NewSeed()
	_, err := s.send(check)
	must(t, err)

	says(t, fails(t, "vault", "run", "--dir", dir), "suluh: error: another vault runs on this directory", "suluh: hint: stop the other one first")
	says(t, fails(t, "vault", "init", "--dir", dir, "--origin", "suluh.example/lain", "--root-key", w.RootKey()), "suluh: hint: there is a vault already")
	at, err := url.Parse(w.Intake)
	must(t, err)
	says(t, fails(t, "intake", "--deposit-socket", w.DepositSocket(), "--root-key", w.RootKey(), "--listen", at.Host),
		"address already in use", "suluh: hint: another program listens there")
	whole(t, w, map[string]sent{s.text(): s})

	// A blob that somebody changes.
	blob := ""
	entries, err := os.ReadDir(filepath.Join(dir, "blobs"))
	must(t, err)
	for _, e := range entries {
		if !e.IsDir() {
			blob = filepath.Join(dir, "blobs", e.Name())
		}
	}
	b, err := os.ReadFile(blob)
	must(t, err)
	b[len(b)/2]++
	must(t, os.WriteFile(blob, b, 0o600))
	says(t, fails(t, "doctor", "--dir", dir), filepath.Base(blob))
	session := sessionOf(t, w, "penelaah-satu")
	list, err := session.List(t.Context())
	must(t, err)
	_, r, err := session.Attachment(t.Context(), list[0].Case, 1)
	must(t, err)
	defer r.Close()
	if _, err := io.ReadAll(r); err == nil {
		t.Error("a changed file opens")
	}
}

// A vault that may take nothing more closes the form before anybody writes,
// and keeps what was written.
func TestFullVaultIsSaid(t *testing.T) {
	w, err := world.Start(t.Context(), world.Config{
		Bin: program(t), Dir: filepath.Join(t.TempDir(), "w"), Bare: true, Log: io.Discard,
		Args: map[world.Part][]string{world.Vault: {"--per-hour", "20KiB"}},
	})
	must(t, err)
	t.Cleanup(func() { must(t, w.Stop()) })
	b := textbrowser.New(t)
	check := b.Get(w.Intake+"lapor/tulis").Press("Lanjut", map[string]string{"unit": "itprov", "apa": "uji"})
	for n := 0; ; n++ {
		var s sent
		s.seed = submission.NewSeed()
		page := check.Press("Kirim laporan", map[string]string{"sekali": s.seed.Hex(), "apa": "yang tetap ada"})
		if page.Status == http.StatusOK && n < 10 {
			continue
		}
		if n == 0 || page.Status != http.StatusServiceUnavailable || !strings.Contains(page.Text(), "yang tetap ada") {
			t.Fatalf("after %d reports a full vault shows status %d:\n%s", n, page.Status, page.Text())
		}
		break
	}
	if page := b.Get(w.Intake + "lapor/tulis"); page.Status != http.StatusServiceUnavailable {
		t.Errorf("the form of a full vault has status %d", page.Status)
	}
}
