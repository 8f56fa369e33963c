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

	"suluh.example/suluh/crypto/id"
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

	KeyWitness *demoKeyWitness `json:"key_witness"`
}

// runDemo starts the demo and returns what it prints, and how to stop it.
func runDemo(t *testing.T, dir string, flags ...string) (r ready, stop func()) {
	t.Helper()
	free := "127.0.0.1:0"
	cmd := exec.Command(program(t), append([]string{"demo", "--dir", dir, "--json", "--intake-addr", free, "--desk-addr", free, "--audit-addr", free}, flags...)...)
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
	if len(first.Members) != 7 || first.Dir != dir || first.KeyWitness != nil {
		t.Errorf("%d members in %s, key witness %v", len(first.Members), first.Dir, first.KeyWitness)
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

// TestDemoWithAKeyWitness: a newcomer opens a case of the unit that names it, ends the
// key witness, reads that it can't be reached, and has it back. The demo goes on
// meanwhile, and has it the next time without the flag.
func TestDemoWithAKeyWitness(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	first, stop := runDemo(t, dir, "--key-witness")
	k := first.KeyWitness
	if k == nil || len(first.Members) != 7 || k.Of != "itjen" {
		t.Fatalf("%d members, key witness %+v", len(first.Members), k)
	}
	const title, untitled = "Pemeriksaan atas Dinas Contoh Air", "Judul tampil setelah kasus dibuka"
	w := &world.World{Dir: dir, Desk: first.Desk, Members: first.Members}
	list, err := asMember(t, w, "penelaah-pusat", "list", "--json")
	must(t, err)
	var listed struct {
		Case  id.Case `json:"case"`
		Title string  `json:"title"`
	}
	must(t, json.Unmarshal([]byte(list), &listed))
	if listed.Title != "" {
		t.Errorf("the list has the title of a case that is split: %s", list)
	}
	show := func() (string, error) { return asMember(t, w, "penelaah-pusat", "show", string(listed.Case)) }
	if out, err := show(); err != nil || !strings.Contains(out, title) {
		t.Fatalf("suluh case show: %v\n%s", err, out)
	}
	opened := deskOf(t, w, "penelaah-pusat").Get(first.Desk).Follow(untitled)
	if !strings.HasPrefix(opened.Heading(), title) || !strings.Contains(opened.Text(), "perlu bagian dari 1 di antara Kantor Saksi Kunci") {
		t.Errorf("the desk shows:\n%s", opened.Text())
	}

	must(t, syscall.Kill(k.PID, syscall.SIGKILL))
	within(t, "it has ended", func() bool { return syscall.Kill(k.PID, 0) != nil })
	if out, err := show(); err == nil || strings.Contains(out, title) || !strings.Contains(out, "Kantor Saksi Kunci (saksi-kunci): the key witness does not answer") {
		t.Errorf("suluh case show without it: %v\n%s", err, out)
	}
	shut := deskOf(t, w, "penelaah-pusat").Get(first.Desk).Follow(untitled)
	if shut.Status != http.StatusServiceUnavailable || !strings.Contains(shut.Text(), "Kantor Saksi Kunci: tidak menjawab.") || strings.Contains(shut.Text(), title) {
		t.Errorf("the desk without it: %d\n%s", shut.Status, shut.Text())
	}

	back := &other{t: t, name: "the key witness", url: k.Address, args: append([]string{program(t)}, k.Command[1:]...)}
	back.run()
	t.Cleanup(back.stop)
	if p := shut.Follow("Coba buka lagi"); !strings.HasPrefix(p.Heading(), title) {
		t.Errorf("the desk with it again:\n%s", p.Text())
	}
	back.stop()
	stop()

	again, _ := runDemo(t, dir)
	if again.KeyWitness == nil || again.KeyWitness.Address != k.Address {
		t.Fatalf("the next time: %+v", again.KeyWitness)
	}
	if out, err := show(); err != nil || !strings.Contains(out, title) {
		t.Errorf("suluh case show, the next time: %v\n%s", err, out)
	}
	out := suluh(t, "audit", "verify", "--log-key", again.LogKey, "--released", filepath.Join(dir, "keywitness", "state", "released.jsonl"), again.Audit)
	if !strings.Contains(out, " shares were given by the key witness, each for its record") {
		t.Errorf("its notes:\n%s", out)
	}
}

// TestDemoThatWasMadeWithoutAKeyWitness says so, since its cases aren't split.
func TestDemoThatWasMadeWithoutAKeyWitness(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "demo.json"), []byte("{}"), 0o600))
	says(t, fails(t, "demo", "--dir", dir, "--key-witness"), "made without a key witness", "name another directory")
}
