package desk_test

import (
	"bytes"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/internal/testvault"
	"suluh.example/suluh/internal/textbrowser"
	"suluh.example/suluh/vault/membersock"
	"suluh.example/suluh/web/desk"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// clock is a time that tests move on.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// office is a desk before a real vault, with the identities of all members.
type office struct {
	*testvault.World
	t      *testing.T
	dir    string // of the identities
	url    string
	clock  *clock
	server *desk.Server
}

func passphrase(m id.Member) string { return "kata sandi " + string(m) }

func newOffice(t *testing.T, w *testvault.World, vault *membersock.Client) *office {
	t.Helper()
	o := &office{World: w, t: t, dir: t.TempDir(), clock: &clock{t: time.Now()}}
	for m, i := range w.Who {
		sealed, err := i.Seal(passphrase(m), 10) // quick to open
		must(t, err)
		must(t, os.WriteFile(filepath.Join(o.dir, string(m)+".identity"), sealed, 0o600))
	}
	working, err := report.DefaultClock()
	must(t, err)
	o.server, err = desk.New(desk.Config{
		Vault: vault, Root: w.Root, Identities: o.dir, Address: "127.0.0.1:0", Hosts: []string{"meja.uji"}, Clock: working, Now: o.clock.now,
	})
	must(t, err)
	s := httptest.NewServer(o.server)
	t.Cleanup(s.Close)
	o.url = s.URL
	return o
}

func open(t *testing.T) *office {
	t.Helper()
	w := testvault.New(t)
	return newOffice(t, w, w.Member)
}

// unlock lets a member in with a browser of his own.
func (o *office) unlock(m id.Member) *textbrowser.Page {
	o.t.Helper()
	p := textbrowser.New(o.t).Get(o.url+"/").Press("Buka kunci", map[string]string{"anggota": string(m), "sandi": passphrase(m)})
	if !strings.HasPrefix(p.Heading(), "Kotak masuk") {
		o.t.Fatalf("after unlocking: %s", p.Text())
	}
	return p
}

func says(t *testing.T, p *textbrowser.Page, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(p.Text(), text) {
			t.Errorf("%s doesn't say %q:\n%s", p.URL.Path, text, p.Text())
		}
	}
}

func silent(t *testing.T, p *textbrowser.Page, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if strings.Contains(p.Text(), text) {
			t.Errorf("%s says %q:\n%s", p.URL.Path, text, p.Text())
		}
	}
}

// TestTheInvestigatorsJourney is the whole work on a case, as a person does
// it, with the reporter on the other side.
func TestTheInvestigatorsJourney(t *testing.T) {
	o := open(t)
	evidence := bytes.Repeat([]byte("bukti\x00"), 50_000)
	code := o.Send(testvault.Form("itprov"), testvault.File{Name: "kuitansi.pdf", Type: "application/pdf", Data: evidence})

	inbox := o.unlock(testvault.One)
	if inbox.Heading() != "Kotak masuk: 1 perlu tindakan" {
		t.Errorf("heading %q", inbox.Heading())
	}
	says(t, inbox, "Membuka kasus dicatat dalam catatan akses.", "Uang perjalanan dinas dibayar dua kali", "Laporan diterima", "Korupsi", "hari kerja lagi", "1 baru")

	c := inbox.Follow("Uang perjalanan dinas")
	if c.Heading() != "Uang perjalanan dinas dibayar dua kali" {
		t.Errorf("heading %q", c.Heading())
	}
	says(t, c, "bendahara", "Inspektorat Provinsi", "Penelaah Dua; Penelaah Satu", "kuitansi.pdf", "PDF, menurut namanya", "292 KB", "Tidak terlihat oleh pelapor", "Penelaah Satu membuka kasus")
	if c.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("a case may be kept: %q", c.Header.Get("Cache-Control"))
	}
	if strings.Contains(title(c), "Uang") {
		t.Errorf("the window's title, which browsers keep, tells of the report: %q", title(c))
	}

	// A reply: write, check, change, send.
	write := c.Follow("Tulis balasan")
	if write.Header.Get("Cache-Control") != "no-cache" {
		t.Errorf("an empty form loses what is typed on Back: %q", write.Header.Get("Cache-Control"))
	}
	empty := write.Press("Lanjut", nil)
	says(t, empty, "Tulis balasan Anda")
	check := empty.Press("Lanjut", map[string]string{"teks": "Apakah ada kuitansi?\n\nTerima kasih."})
	if check.Heading() != "Periksa balasan, lalu kirim" || check.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%q, %q", check.Heading(), check.Header.Get("Cache-Control"))
	}
	says(t, check, "Apakah ada kuitansi?")
	back := check.Press("Kembali dan ubah", nil)
	if got, _ := back.Value("teks"); got != "Apakah ada kuitansi?\n\nTerima kasih." {
		t.Errorf("typed text came back as %q", got)
	}
	check = back.Press("Lanjut", map[string]string{"teks": "Apakah ada kuitansi asli?"})
	sent := check.Press("Kirim ke pelapor", nil)
	says(t, sent, "Balasan terkirim ke pelapor.", "Dari Penelaah Satu ke pelapor", "Apakah ada kuitansi asli?")
	check.Press("Kirim ke pelapor", nil) // a double click, or a reload
	if v := o.Look(code); len(v.Messages) != 1 || v.Messages[0].Text != "Apakah ada kuitansi asli?" {
		t.Errorf("the reporter reads %+v", v.Messages)
	}

	// A status: the check page shows what the reporter sees, in both languages.
	st := sent.Follow("Ubah status")
	says(t, st.Press("Lanjut", nil), "Pilih status baru")
	says(t, st.Press("Lanjut", map[string]string{"status": "rejected"}), "Tulis alasan untuk pelapor")
	check = st.Press("Lanjut", map[string]string{"status": "incomplete", "teks": "Kami butuh kuitansi."})
	says(t, check, "Status: Menunggu kelengkapan dari pelapor", "Kami butuh jawaban Anda sebelum", "Status: Waiting for the reporter", "We need your answer before", "Kami butuh kuitansi.")
	done := check.Press("Kirim ke pelapor", nil)
	says(t, done, "Status berubah.", "Menunggu kelengkapan dari pelapor")
	if v := o.Look(code); v.Status != report.Incomplete || v.Due.IsZero() {
		t.Errorf("the reporter sees %+v", v)
	}

	// An internal note, which the reporter never sees.
	says(t, done.Follow("Tulis catatan internal").Press("Simpan", nil), "Tulis catatan Anda")
	noted := done.Follow("Tulis catatan internal").Press("Simpan", map[string]string{"teks": "Cocokkan dengan buku kas."})
	says(t, noted, "Catatan internal tersimpan.", "Cocokkan dengan buku kas.")
	for _, m := range o.Look(code).Messages {
		if strings.Contains(m.Text, "buku kas") {
			t.Error("the reporter sees an internal note")
		}
	}

	// The attachment: a warning, then bytes under a name of ours.
	warning := noted.Follow("Unduh berkas asli")
	says(t, warning, "Berkas dari orang tak dikenal dapat merusak komputer", "lampiran-1.bin")
	file := warning.Press("Unduh berkas asli", nil)
	if !bytes.Equal(file.Body, evidence) {
		t.Errorf("downloaded %d bytes", len(file.Body))
	}
	for name, want := range map[string]string{
		"Content-Type": "application/octet-stream", "Content-Disposition": "attachment; filename=lampiran-1.bin",
		"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; sandbox", "Cache-Control": "no-store",
	} {
		if got := file.Header.Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}

	// Who is responsible, and the reporter's answer.
	says(t, noted.Follow("Tentukan penanggung jawab").Press("Simpan", map[string]string{"penanggung": string(testvault.Two)}), "Penanggung jawab berubah.", "Penelaah Satu menetapkan Penelaah Dua")
	o.Say(code, "Ini kuitansinya.")
	inbox = noted.Follow("Kotak masuk")
	says(t, inbox, "1 baru", "Penelaah Dua")
	says(t, inbox.Follow("Uang perjalanan"), "Dari pelapor", "Ini kuitansinya.")

	// Lock: afterwards nothing is shown any more.
	locked := noted.Press("Kunci meja", nil)
	says(t, locked, "Meja terkunci")
	again := locked.Follow("Buka kunci lagi")
	if again.Heading() != "Buka kunci identitas Anda" {
		t.Errorf("after locking: %q", again.Heading())
	}
}

func title(p *textbrowser.Page) string {
	_, rest, _ := strings.Cut(string(p.Body), "<title>")
	t, _, _ := strings.Cut(rest, "</title>")
	return t
}
