package main

import (
	"bufio"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/net/html/atom"

	"suluh.example/suluh/internal/textbrowser"
	"suluh.example/suluh/internal/world"
)

// ready is the line that the demo prints for programs.
type ready struct {
	Intake  string         `json:"intake"`
	Desk    string         `json:"desk"`
	Audit   string         `json:"audit"`
	Dir     string         `json:"dir"`
	Socket  string         `json:"deposit_socket"`
	LogKey  string         `json:"log_key"`
	Members []world.Member `json:"members"`
}

// runDemo starts the demo and returns what it prints, and how to stop it.
func runDemo(t *testing.T, dir string) (r ready, stop func()) {
	t.Helper()
	cmd := exec.Command(program(t), "demo", "--dir", dir, "--json", "--intake-addr", "127.0.0.1:0", "--desk-addr", "127.0.0.1:0", "--audit-addr", "127.0.0.1:0")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		t.Fatal("the demo says nothing")
	}
	must(t, json.Unmarshal(lines.Bytes(), &r))
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		must(t, cmd.Process.Signal(syscall.SIGTERM))
		if lines.Scan() {
			t.Errorf("the demo prints a second line: %s", lines.Text())
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("the demo does not stop cleanly: %v", err)
		}
	}
	t.Cleanup(stop)
	return r, stop
}

// TestDemoShowsTheMainJobAndGoesOn runs the demo as a newcomer does, and again
// on the same directory.
func TestDemoShowsTheMainJobAndGoesOn(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	first, stop := runDemo(t, dir)
	if len(first.Members) != 7 || first.Dir != dir {
		t.Errorf("%d members in %s", len(first.Members), first.Dir)
	}
	for _, file := range append([]string{first.Socket}, first.Members[0].IdentityFile) {
		if _, err := os.Stat(file); err != nil {
			t.Errorf("the demo names a file that is not there: %v", err)
		}
	}

	reporter := textbrowser.New(t)
	page := reporter.Get(first.Intake+"lapor/tulis").Press("Lanjut", map[string]string{"unit": "itprov", "apa": "Uji peraga"}).
		Press("Kirim laporan", nil, textbrowser.File{Field: "berkas", Name: "bukti.txt", Body: strings.NewReader("isi bukti")})
	code := strings.Join(page.Items("code"), " ")
	receipt := filepath.Join(t.TempDir(), "receipt")
	saved := page.Press("Simpan tanda terima sebagai berkas", nil)
	if strings.TrimSpace(string(saved.Body)) != strings.TrimSpace(page.First(atom.Pre)) {
		t.Errorf("the saved receipt is another than the shown one:\n%s", saved.Body)
	}
	must(t, os.WriteFile(receipt, saved.Body, 0o600))

	w := &world.World{Desk: first.Desk, Members: first.Members}
	officer := deskOf(t, w, "penelaah-satu")
	inbox := officer.Get(first.Desk)
	for _, status := range []string{"Laporan diterima", "Sedang diverifikasi", "Dalam penelaahan", "Tidak dapat ditindaklanjuti", "Diteruskan"} {
		if !strings.Contains(inbox.Text(), status) {
			t.Errorf("no example case is %q", status)
		}
	}
	officer.answer("Uji peraga", "Terima kasih, kami baca.", "Catatan uji.")
	stop()
	if _, err := http.Get(first.Intake); err == nil {
		t.Error("a part outlives the demo")
	}

	again, _ := runDemo(t, dir)
	if again.LogKey != first.LogKey || again.Members[0].Passphrase != first.Members[0].Passphrase {
		t.Error("the demo goes on with other keys")
	}
	status := reporter.Get(again.Intake+"cek").Press("Buka laporan", map[string]string{"kode": code})
	if !strings.Contains(status.Text(), "Terima kasih, kami baca.") {
		t.Errorf("the answer is not shown after a restart:\n%s", status.Text())
	}
	if !strings.Contains(status.Text(), "Laporan Anda masuk catatan akses paling lambat") {
		t.Errorf("it is not said by when the report enters the log:\n%s", status.Text())
	}
	gone := status.Press("Hapus balasan ini dari server", nil).Press("Ya, hapus balasan ini", nil)
	if !strings.Contains(gone.Text(), "Balasan ini sudah Anda hapus dari server pada") || strings.Contains(gone.Text(), "Terima kasih, kami baca.") {
		t.Errorf("after deleting an answer:\n%s", gone.Text())
	}
	verify := func() string {
		t.Helper()
		out, err := exec.Command(program(t), "audit", "verify", "--log-key", again.LogKey, "--receipt", receipt, again.Audit).CombinedOutput()
		if err != nil {
			t.Errorf("verify: %v", err)
		}
		return string(out)
	}
	if out := verify(); !strings.Contains(out, "the promise is open") {
		t.Errorf("before the day's end:\n%s", out)
	}
	if out, err := exec.Command(program(t), "vault", "batch", "--dir", filepath.Join(dir, "vault")).CombinedOutput(); err != nil {
		t.Fatalf("batch: %v\n%s", err, out)
	}
	if out := verify(); !strings.Contains(out, "the promise was kept") {
		t.Errorf("after the day's end:\n%s", out)
	}
	status = reporter.Get(again.Intake+"cek").Press("Buka laporan", map[string]string{"kode": code})
	if !strings.Contains(status.Text(), "Laporan Anda masuk catatan akses pada") {
		t.Errorf("it is not said that the report entered the log:\n%s", status.Text())
	}
	w = &world.World{Desk: again.Desk, Members: again.Members}
	officer = deskOf(t, w, "penelaah-satu")
	opened := officer.Get(again.Desk).Follow("Uji peraga")
	if !strings.Contains(opened.Text(), "Terima kasih, kami baca.") || !strings.Contains(opened.Text(), "Pelapor menghapus balasan ini dari server pada") {
		t.Errorf("the desk shows of an answer that was deleted:\n%s", opened.Text())
	}
	csv := textbrowser.New(t).Get(again.Audit + "cari.csv")
	if csv.Status != http.StatusOK || !strings.Contains(string(csv.Body), "penelaah-satu") || !strings.Contains(string(csv.Body), ",destroy,,,,K-") {
		t.Errorf("auditors do not see who read: status %s", strconv.Itoa(csv.Status))
	}
}
