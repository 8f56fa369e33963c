package main

import (
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/internal/textbrowser"
	"suluh.example/suluh/internal/world"
)

// built builds the program once for all tests of a run.
var built = sync.OnceValues(func() (string, error) {
	bin, err := filepath.Abs("../../build/test/suluh")
	if err != nil {
		return "", err
	}
	if out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return bin, nil
})

// program returns the path of the built program.
func program(t testing.TB) string {
	t.Helper()
	bin, err := built()
	must(t, err)
	return bin
}

// start starts a whole instance of real processes, without example cases, and
// stops it at the test's end. What the parts say goes to log; all get the flags.
func start(t testing.TB, log io.Writer, flags ...string) *world.World {
	t.Helper()
	args := map[world.Part][]string{world.Vault: flags, world.Intake: flags, world.Desk: flags, world.Audit: flags}
	w, err := world.Start(t.Context(), world.Config{Bin: program(t), Dir: filepath.Join(t.TempDir(), "w"), Bare: true, Log: log, Args: args})
	must(t, err)
	t.Cleanup(func() {
		if err := w.Stop(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// officer is a member who works at the desk in a browser.
type officer struct {
	*textbrowser.Browser
	w *world.World
}

// deskOf unlocks the desk for a member.
func deskOf(t *testing.T, w *world.World, m id.Member) officer {
	t.Helper()
	i := slices.IndexFunc(w.Members, func(x world.Member) bool { return x.ID == m })
	d := officer{textbrowser.New(t), w}
	inbox := d.Get(w.Desk).Press("Buka kunci", map[string]string{"anggota": string(m), "sandi": w.Members[i].Passphrase})
	if !strings.HasPrefix(inbox.Heading(), "Kotak masuk") {
		t.Fatalf("the desk does not unlock:\n%s", inbox.Text())
	}
	return d
}

// answer opens the case with the title, replies and leaves a note.
func (d officer) answer(title, reply, note string) {
	c := d.Get(d.w.Desk).Follow(title)
	c.Follow("Tulis balasan").Press("Lanjut", map[string]string{"teks": reply}).Press("Kirim ke pelapor", nil)
	d.Get(d.w.Desk).Follow(title).Follow("Tulis catatan").Press("Simpan catatan", map[string]string{"teks": note})
}
