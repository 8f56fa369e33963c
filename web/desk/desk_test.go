package desk_test

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/ecdh"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/tlog"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/door"
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

func newOffice(t *testing.T, w *testvault.World, vault *membersock.Client, change ...func(*desk.Config)) *office {
	t.Helper()
	o := &office{World: w, t: t, dir: t.TempDir(), clock: &clock{t: time.Now()}}
	for m, i := range w.Who {
		sealed, err := i.Seal(passphrase(m), 10) // quick to open
		must(t, err)
		must(t, os.WriteFile(filepath.Join(o.dir, string(m)+".identity"), sealed, 0o600))
	}
	working, err := report.DefaultClock()
	must(t, err)
	config := desk.Config{
		Vault: vault, Root: w.Root, Identities: o.dir, Address: "127.0.0.1:0", Hosts: []string{"meja.uji"}, Clock: working, Now: o.clock.now,
	}
	for _, c := range change {
		c(&config)
	}
	o.server, err = desk.New(config)
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
	says(t, check, "Status: Menunggu kelengkapan dari pelapor", "Kami butuh jawaban Anda paling lambat", "Status: Waiting for the reporter", "We need your answer by", "Kami butuh kuitansi.")
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

// TestHostileReportsAreHarmless: whatever stands in a report, pages show it as
// text, and nothing of it turns, hides or ends what stands around it.
func TestHostileReportsAreHarmless(t *testing.T) {
	o := open(t)
	const script = `<script>alert(1)</script><img src=x onerror=alert(2)>"'><a href=javascript:alert(3)>`
	const turned = "kas\u202egpj.exe\u2066\x1b[31m\x00\x07"
	hostile := script + turned
	f := testvault.Form("itprov")
	f.Report = report.Report{
		What: hostile, How: hostile, Why: hostile, Who: hostile, Where: hostile, When: hostile, Loss: hostile, Others: hostile, Already: hostile,
		Category: report.Category(script),
	}
	var files []testvault.File
	for _, name := range []string{"../../x", "CON", "a\x00b", strings.Repeat("n", 4000), hostile, "", ".htaccess", "gambar.svg\u202egpj", "=1+1"} {
		files = append(files, testvault.File{Name: name, Type: hostile, Data: []byte("isi")})
	}
	code := o.Send(f, files...)
	o.Say(code, hostile)
	inbox := o.unlock(testvault.One)
	c := inbox.Follow("alert(1)")
	pages := []*textbrowser.Page{
		inbox, c, inbox.Press("Cari", map[string]string{"kata": script}),
		c.Follow("Unduh berkas asli"), c.Follow("Tulis balasan").Press("Lanjut", map[string]string{"teks": script}),
		c.Follow("Ubah status").Press("Lanjut", map[string]string{"status": "rejected", "teks": script}),
		c.Follow("Siapa yang boleh"), c.Follow("Ekspor"), c.Follow("English"),
	}
	pages = append(pages, pages[4].Press("Kirim ke pelapor", nil), c.Follow("Tulis catatan").Press("Simpan", map[string]string{"teks": hostile}))
	for _, p := range pages {
		if p.Status != http.StatusOK {
			t.Errorf("%s: %d", p.URL.Path, p.Status)
		}
		for _, bad := range []string{"<script", "<img", "javascript:alert(3)>\"", "\u202e", "\u2066\x1b", "\x1b", "\x00", "\x07"} {
			if bytes.Contains(p.Body, []byte(bad)) {
				t.Errorf("%s has %q in it", p.URL.Path, bad)
			}
		}
		if csp := p.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: policy %q", p.URL.Path, csp)
		}
	}
	says(t, c, "<script>alert(1)</script>", "../../x", "CON", "a␀b", "␛[31m", "tanpa nama", "tidak dikenal")
	for i := range files {
		w := c.Follow("Unduh berkas asli").URL.Path // of the first; the others by their number
		p := textbrowserOf(t, inbox, strings.TrimSuffix(w, "1")+strconv.Itoa(i+1)).Press("Unduh berkas asli", nil)
		if got := p.Header.Get("Content-Disposition"); got != "attachment; filename=lampiran-"+strconv.Itoa(i+1)+".bin" {
			t.Errorf("file %d: %q", i+1, got)
		}
		if string(p.Body) != "isi" {
			t.Errorf("file %d: %q", i+1, p.Body)
		}
	}
	// The export's paths are ours too.
	z := c.Follow("Ekspor").Press("Unduh ekspor", nil)
	r, err := zip.NewReader(bytes.NewReader(z.Body), int64(len(z.Body)))
	must(t, err)
	if len(r.File) < len(files)+3 {
		t.Errorf("%d files in the archive", len(r.File))
	}
	for _, x := range r.File {
		if !filepath.IsLocal(x.Name) || strings.ContainsAny(x.Name, "\\:\x00\u202e<>") || len(x.Name) > 300 {
			t.Errorf("path %q in the archive", x.Name)
		}
	}
	says(t, pages[len(pages)-1], "Catatan internal tersimpan.")
}

// TestHandmadeLettersAreHarmless: whatever somebody sealed as a letter, the desk
// lists it, opens it, and shows the other cases beside it.
func TestHandmadeLettersAreHarmless(t *testing.T) {
	o := open(t)
	o.Send(testvault.Form("itprov"))
	cases := map[string]id.Case{}
	for name, h := range testvault.ByHand() {
		cases[name], _ = o.Make(h)
	}
	inbox := o.unlock(testvault.One)
	says(t, inbox, "Uang perjalanan dinas")
	for name, c := range cases {
		p := textbrowserOf(t, inbox, "/kasus/"+string(c))
		if p.Status != http.StatusOK || len(p.Body) > 3<<20 {
			t.Errorf("%s: status %d, %d bytes", name, p.Status, len(p.Body))
		}
		for _, bad := range []string{"\x1b", "\u009b", "\u202e", "\u2066\x00", "[category.", strings.Repeat("n", 256)} {
			if bytes.Contains(p.Body, []byte(bad)) || bytes.Contains(inbox.Body, []byte(bad)) {
				t.Errorf("%s: has %q in it", name, bad)
			}
		}
	}
}

// textbrowserOf loads a path with the browser that has loaded a page.
func textbrowserOf(t *testing.T, p *textbrowser.Page, path string) *textbrowser.Page {
	t.Helper()
	u, err := p.URL.Parse(path)
	must(t, err)
	return p.Browser().Get(u.String())
}

// raw sends a request as no form of ours would.
func (o *office) raw(method, path string, cookie *http.Cookie, change func(*http.Request), body string) *http.Response {
	o.t.Helper()
	r, err := http.NewRequest(method, o.url+path, strings.NewReader(body))
	must(o.t, err)
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if cookie != nil {
		r.AddCookie(cookie)
	}
	if change != nil {
		change(r)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	a, err := client.Do(r)
	must(o.t, err)
	o.t.Cleanup(func() { a.Body.Close() })
	return a
}

// cookie unlocks and returns what the browser got.
func (o *office) cookie(m id.Member) *http.Cookie {
	o.t.Helper()
	a := o.raw("POST", "/buka", nil, nil, url.Values{"anggota": {string(m)}, "sandi": {passphrase(m)}}.Encode())
	for _, c := range a.Cookies() {
		if a.StatusCode == http.StatusSeeOther {
			return c
		}
	}
	o.t.Fatalf("no cookie, %d", a.StatusCode)
	return nil
}

func TestForeignNamesAreRefused(t *testing.T) {
	o := open(t)
	c := o.cookie(testvault.One)
	for host, want := range map[string]int{
		"jahat.example": http.StatusMisdirectedRequest, "jahat.example:8081": http.StatusMisdirectedRequest, "127.0.0.1.jahat.example": http.StatusMisdirectedRequest,
		"10.0.0.7": http.StatusMisdirectedRequest, "localhost": http.StatusOK, "LOCALHOST:99": http.StatusOK, "[::1]:99": http.StatusOK, "meja.uji:443": http.StatusOK,
	} {
		a := o.raw("GET", "/bantuan", c, func(r *http.Request) { r.Host = host }, "")
		if a.StatusCode != want {
			t.Errorf("%s: %d, want %d", host, a.StatusCode, want)
		}
	}
}

func TestOtherSitesCannotPost(t *testing.T) {
	o := open(t)
	code := o.Send(testvault.Form("itprov"))
	c := o.cookie(testvault.One)
	of := string(o.Look(code).Case)
	body := url.Values{"teks": {"Palsu"}, "sekali": {strings.Repeat("ab", 16)}, "anggota": {string(testvault.One)}}.Encode()
	for name, change := range map[string]func(*http.Request){
		"cross-site": func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
		"same-site":  func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") },
		"origin":     func(r *http.Request) { r.Header.Set("Origin", "http://jahat.example") },
	} {
		if a := o.raw("POST", "/kasus/"+of+"/balas/kirim", c, change, body); a.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %d", name, a.StatusCode)
		}
	}
	if n := len(o.Look(code).Messages); n != 0 {
		t.Errorf("%d messages were sent", n)
	}
	tls := o.raw("POST", "/buka", nil, func(r *http.Request) {
		r.Host = "meja.uji"
		r.Header.Set("Origin", "https://meja.uji")
	}, url.Values{"anggota": {string(testvault.One)}, "sandi": {passphrase(testvault.One)}}.Encode())
	if len(tls.Cookies()) != 1 || !tls.Cookies()[0].Secure {
		t.Errorf("behind TLS: %+v", tls.Cookies())
	}
	if c.SameSite != http.SameSiteStrictMode || !c.HttpOnly || c.Path != "/" || !c.Expires.IsZero() || len(c.Value) < 20 {
		t.Errorf("cookie: %+v", c)
	}
}

// TestOddRequestsAreAnswered: what no form of ours sends gets a page in words.
func TestOddRequestsAreAnswered(t *testing.T) {
	o := open(t)
	o.Send(testvault.Form("itprov"))
	inbox := o.unlock(testvault.One)
	kasus := inbox.Follow("Uang").URL.Path
	for path, want := range map[string]string{
		kasus + "/balas/periksa": "Tulis balasan untuk pelapor", kasus + "/balas/kirim": "Tulis balasan untuk pelapor",
		kasus + "/catatan/kirim": "Tulis catatan internal", kasus + "/akses/simpan": "Siapa yang boleh membaca kasus ini?",
		"/buka": "Kotak masuk: 1 perlu tindakan", "/cari": "Kotak masuk: 1 perlu tindakan", "/kunci": "Kotak masuk: 1 perlu tindakan",
		"/kasus/K-AAAA-AAAA-AAAA-AAAA": "Tidak dapat dibuka dengan kunci Anda", "/kasus/tidak-ada": "Halaman tidak ditemukan",
		kasus + "/lampiran/7": "Unduh lampiran 7?", kasus + "/lampiran/x": "Halaman tidak ditemukan", "/en/xyz": "Page not found",
		"/?hal=99999&urut=x&status=y&tampil=z&turun=q": "Kotak masuk: 0 cocok", "/?hal=-3": "Kotak masuk: 1 perlu tindakan",
	} {
		if p := textbrowserOf(t, inbox, path); p.Heading() != want {
			t.Errorf("GET %s: %q, want %q", path, p.Heading(), want)
		}
	}
	says(t, textbrowserOf(t, inbox, kasus+"/lampiran/7").Press("Unduh", nil), "Lampiran tidak ada")
	c := o.cookie(testvault.One)
	for name, a := range map[string]*http.Response{
		"too large":   o.raw("POST", kasus+"/balas/periksa", c, nil, "teks="+strings.Repeat("a", 5<<20)),
		"not a form":  o.raw("POST", kasus+"/balas/periksa", c, func(r *http.Request) { r.Header.Set("Content-Type", "multipart/form-data; boundary=x") }, "--x--"),
		"bad escapes": o.raw("POST", kasus+"/balas/periksa", c, nil, "teks=%zz"),
	} {
		if a.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d", name, a.StatusCode)
		}
	}
}

func TestUnlockingThatFails(t *testing.T) {
	o := open(t)
	start := textbrowser.New(t).Get(o.url + "/")
	says(t, start, "Penelaah Satu, Inspektorat Provinsi")
	wrong := start.Press("Buka kunci", map[string]string{"anggota": string(testvault.Two), "sandi": "salah"})
	says(t, wrong, "Kata sandi tidak cocok dengan identitas ini")
	if !strings.HasPrefix(title(wrong), "Ada masalah: ") {
		t.Errorf("title %q", title(wrong))
	}
	if got, _ := wrong.Value("sandi"); got != "" {
		t.Error("the field isn't emptied")
	}
	if got, _ := wrong.Value("anggota"); got != string(testvault.Two) {
		t.Errorf("the name chosen is lost: %q", got)
	}
	shown := wrong.Press("Tampilkan kata sandi", map[string]string{"sandi": "terlihat"})
	if !bytes.Contains(shown.Body, []byte(`type="text" name="sandi" id="sandi" value="terlihat"`)) {
		t.Error("the passphrase isn't shown")
	}
	if hidden := shown.Press("Sembunyikan kata sandi", nil); !bytes.Contains(hidden.Body, []byte(`type="password" name="sandi"`)) {
		t.Error("the passphrase isn't hidden again")
	}
	for name, change := range map[string]func() string{
		"Berkas identitas tidak ditemukan di meja ini": func() string {
			must(t, os.RemoveAll(filepath.Join(o.dir, "penelaah-dua.identity")))
			return passphrase(testvault.Two)
		},
		"Berkas identitas ini rusak, atau milik anggota lain": func() string {
			b, err := os.ReadFile(filepath.Join(o.dir, "penelaah-tiga.identity"))
			must(t, err)
			must(t, os.WriteFile(filepath.Join(o.dir, "penelaah-dua.identity"), b, 0o600))
			return passphrase(testvault.Three)
		},
	} {
		says(t, start.Press("Buka kunci", map[string]string{"anggota": string(testvault.Two), "sandi": change()}), name)
		must(t, os.RemoveAll(filepath.Join(o.dir, "penelaah-dua.identity")))
	}
	p := o.raw("POST", "/buka", nil, nil, url.Values{"anggota": {"../../etc/passwd"}, "sandi": {"x"}}.Encode())
	if p.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("a path as a name: %d", p.StatusCode)
	}
}

func TestRemovedMembersAreTold(t *testing.T) {
	o := open(t)
	o.Send(testvault.Form("itprov"))
	inbox := o.unlock(testvault.Two)
	o.Remove(testvault.Two)
	gone := inbox.Follow("Uang perjalanan")
	says(t, gone, "Daftar anggota berubah: peran Anda dicabut pada")
	silent(t, gone, "Uang perjalanan")
	says(t, textbrowser.New(t).Get(o.url+"/").Press("Buka kunci", map[string]string{"anggota": string(testvault.Two), "sandi": passphrase(testvault.Two)}), "peran Anda dicabut pada")
}

// TestAnIdleDeskLocksAndKeepsWhatIsTyped: after a quarter of an hour the keys
// are gone; the text that was being written comes back to its writer, and to
// nobody else.
func TestAnIdleDeskLocksAndKeepsWhatIsTyped(t *testing.T) {
	o := open(t)
	code := o.Send(testvault.Form("itprov"))
	inbox := o.unlock(testvault.One)
	write := inbox.Follow("Uang perjalanan").Follow("Tulis balasan")
	o.clock.forward(14 * time.Minute)
	write = textbrowserOf(t, write, write.URL.Path) // each request prolongs it
	o.clock.forward(14 * time.Minute)
	check := write.Press("Lanjut", map[string]string{"teks": "RAHASIA-SATU"})
	says(t, check, "RAHASIA-SATU")
	o.clock.forward(15 * time.Minute)
	locked := check.Press("Kirim ke pelapor", nil)
	if locked.Heading() != "Buka kunci identitas Anda" {
		t.Fatalf("after a quarter of an hour: %q", locked.Heading())
	}
	says(t, locked, "Meja terkunci. Tulisan Anda masih ada.")
	if bytes.Contains(locked.Body, []byte("RAHASIA")) {
		t.Error("the page of a locked desk shows what was typed")
	}
	other := locked.Press("Buka kunci", map[string]string{"anggota": string(testvault.Two), "sandi": passphrase(testvault.Two)})
	says(t, other, "Hanya dia yang dapat membukanya")
	silent(t, other, "RAHASIA")
	other.Press("Kunci meja", nil)

	wrong := locked.Press("Buka kunci", map[string]string{"sandi": "salah"})
	back := wrong.Press("Buka kunci", map[string]string{"sandi": passphrase(testvault.One)})
	says(t, back, "Tulisan Anda masih ada. Belum ada yang terkirim.")
	if got, _ := back.Value("teks"); got != "RAHASIA-SATU" {
		t.Errorf("the text came back as %q", got)
	}
	back.Press("Lanjut", nil).Press("Kirim ke pelapor", nil)
	if m := o.Look(code).Messages; len(m) != 1 || m[0].Text != "RAHASIA-SATU" {
		t.Errorf("sent: %+v", m)
	}

	// A status and a note are kept as well, also over a new start of the desk.
	st := textbrowserOf(t, back, "/").Follow("Uang perjalanan").Follow("Ubah status")
	note := textbrowserOf(t, back, "/").Follow("Uang perjalanan").Follow("Tulis catatan")
	o.clock.forward(time.Hour)
	o.server.LockIdle()
	again := note.Press("Simpan", map[string]string{"teks": "Catatan panjang"}).Press("Buka kunci", map[string]string{"sandi": passphrase(testvault.One)})
	if got, _ := again.Value("teks"); got != "Catatan panjang" || again.Heading() != "Tulis catatan internal" {
		t.Errorf("a note came back as %q on %q", got, again.Heading())
	}
	o.clock.forward(time.Hour)
	again = st.Press("Lanjut", map[string]string{"status": "closed", "teks": "Selesai."}).Press("Buka kunci", map[string]string{"sandi": passphrase(testvault.One)})
	says(t, again.Press("Lanjut", nil), "Status: Selesai ditindaklanjuti", "Selesai.")

	// What is opened by an address is gone on with after unlocking.
	o.clock.forward(time.Hour)
	kasus := textbrowserOf(t, st, strings.TrimSuffix(st.URL.Path, "/status"))
	silent(t, kasus, "Uang")
	if p := kasus.Press("Buka kunci", map[string]string{"anggota": string(testvault.One), "sandi": passphrase(testvault.One)}); p.Heading() != "Uang perjalanan dinas dibayar dua kali" {
		t.Errorf("after unlocking: %q", p.Heading())
	}
}

func TestAMemberMayChooseALongerIdleTime(t *testing.T) {
	o := open(t)
	p := textbrowser.New(t).Get(o.url+"/").Press("Buka kunci", map[string]string{"anggota": string(testvault.One), "sandi": passphrase(testvault.One), "tunggu": "2h30m0s"})
	o.clock.forward(2 * time.Hour)
	if p = textbrowserOf(t, p, "/"); !strings.HasPrefix(p.Heading(), "Kotak masuk") {
		t.Errorf("after two hours of two and a half: %q", p.Heading())
	}
	p = textbrowser.New(t).Get(o.url + "/")
	p = p.Press("Buka kunci", map[string]string{"anggota": string(testvault.One), "sandi": passphrase(testvault.One), "tunggu": "9999h"})
	o.clock.forward(time.Hour)
	if p = textbrowserOf(t, p, "/"); strings.HasPrefix(p.Heading(), "Kotak masuk") {
		t.Error("a member chose a time that isn't offered")
	}
}

// TestTwoMembersAtOneDesk: each browser has its own session; who isn't a
// reader of a case sees nothing of it, whatever others have opened.
func TestTwoMembersAtOneDesk(t *testing.T) {
	o := open(t)
	code := o.Send(testvault.Form("itprov", testvault.Two))
	one, two := o.unlock(testvault.One), o.unlock(testvault.Two)
	kasus := "/kasus/" + string(o.Look(code).Case)
	says(t, one.Follow("Uang perjalanan"), "bendahara", "Tidak boleh membaca, menurut pelapor")
	says(t, two, "Belum ada laporan.")
	for _, path := range []string{kasus, kasus + "/akses", kasus + "/penanggung-jawab", "/en" + kasus} {
		p := textbrowserOf(t, two, path)
		if p.Status != http.StatusForbidden {
			t.Errorf("%s: %d", path, p.Status)
		}
		silent(t, p, "bendahara", "Uang perjalanan", "Penelaah Satu")
	}
	found := two.Press("Cari", map[string]string{"kata": "perjalanan"})
	says(t, found, "Hasil pencarian: 0 kasus")
	silent(t, found, "Uang perjalanan")
	// Nor can he be given access: the reporter refused him.
	access := textbrowserOf(t, one, kasus+"/akses")
	says(t, access, "Penelaah Dua: tidak dapat dipilih. Pelapor meminta agar ia tidak membaca laporan ini.")
	forced := o.raw("POST", kasus+"/akses/simpan", o.cookie(testvault.One), nil, "beri="+string(testvault.Two))
	if forced.StatusCode != http.StatusForbidden {
		t.Errorf("forced access: %d", forced.StatusCode)
	}
	// One locks; the other goes on.
	one.Press("Kunci meja", nil)
	if p := textbrowserOf(t, two, "/"); p.Heading() != "Kotak masuk: 0 perlu tindakan" {
		t.Errorf("the other's desk: %q", p.Heading())
	}
}

func TestGivingTakingAndGivingUpAccess(t *testing.T) {
	o := open(t)
	o.Send(testvault.Form("itprov"))
	one, two := o.unlock(testvault.One), o.unlock(testvault.Two)
	c := one.Follow("Uang perjalanan")
	check := c.Follow("Siapa yang boleh").Press("Lanjut", map[string]string{"pembaca": ""})
	says(t, check, "Dicabut aksesnya Penelaah Dua")
	says(t, check.Press("Ubah akses", nil), "Akses berubah.", "Penelaah Satu mencabut akses Penelaah Dua")
	says(t, textbrowserOf(t, two, "/"), "Belum ada laporan.")
	check = c.Follow("Siapa yang boleh").Press("Lanjut", map[string]string{"pembaca": string(testvault.Two)})
	says(t, check, "Diberi akses Penelaah Dua")
	says(t, check.Press("Ubah akses", nil), "Penelaah Satu memberi akses kepada Penelaah Dua")
	mine := textbrowserOf(t, two, "/").Follow("Uang perjalanan").Follow("Saya punya benturan kepentingan")
	says(t, mine, "Kunci Anda untuk kasus ini dicabut. Anda tidak dapat membatalkannya sendiri.")
	says(t, mine.Press("Ya, cabut", nil), "Benturan kepentingan tercatat.", "Belum ada laporan.")
	says(t, textbrowserOf(t, one, c.URL.Path), "Penelaah Dua menyatakan benturan kepentingan")
	says(t, c.Follow("Siapa yang boleh"), "Penelaah Dua: tidak dapat dipilih. Ia menyatakan benturan kepentingan.")
}

// TestWhoReadsAgainstTheReportersWishIsNamed: intake is told whom the reporter
// refuses, and the vault can't see whether it kept to that. Readers can.
func TestWhoReadsAgainstTheReportersWishIsNamed(t *testing.T) {
	w := testvault.New(t)
	w.Send(testvault.Form("itprov", testvault.Two))
	l := &testvault.Liar{Vault: w.Vault}
	o := newOffice(t, w, membersock.NewClient(w.Listen("lies.sock", membersock.Handler(l))))
	c := o.unlock(testvault.One).Follow("Uang perjalanan")
	silent(t, c, "tetapi ia dapat membacanya")
	l.Head = func(a *membersock.ActAnswer) { a.Case.Readers = append(a.Case.Readers, testvault.Two) }
	says(t, textbrowserOf(t, c, c.URL.Path), "tetapi ia dapat membacanya: Penelaah Dua. Cabut aksesnya")
}

// TestABrokenLogEndsTheWork: the warning comes instead of every page, stays
// after locking and unlocking, and says what to do.
func TestABrokenLogEndsTheWork(t *testing.T) {
	for name, change := range map[string]func(*testvault.World, *membersock.ActAnswer){
		"fork": func(w *testvault.World, a *membersock.ActAnswer) {
			var err error
			a.Proof.Checkpoint, err = accesslog.SignCheckpoint(testvault.Origin, tlog.Tree{N: a.Proof.Index + 1, Hash: tlog.Hash{1}}, w.LogSigner())
			if err != nil {
				w.T.Error(err)
			}
		},
		"a record is missing": func(_ *testvault.World, a *membersock.ActAnswer) {
			if a.Case != nil {
				a.Case.Access = a.Case.Access[:0]
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := testvault.New(t)
			w.Send(testvault.Form("itprov"))
			l := &testvault.Liar{Vault: w.Vault}
			o := newOffice(t, w, membersock.NewClient(w.Listen("lies.sock", membersock.Handler(l))))
			inbox := o.unlock(testvault.One)
			c := inbox.Follow("Uang perjalanan")
			l.Head = func(a *membersock.ActAnswer) { change(w, a) }
			broken := textbrowserOf(t, c, c.URL.Path)
			says(t, broken, "Jangan lanjutkan: catatan akses tidak dapat dipercaya", "Jangan membuka kasus lain", "penelaah-satu.seen", "Hubungi pemeriksa log")
			silent(t, broken, "Uang perjalanan", "bendahara")
			l.Head = nil
			for _, p := range []*textbrowser.Page{
				textbrowserOf(t, c, "/"), c.Follow("Tulis balasan"), c.Follow("Ekspor"),
				broken.Press("Kunci meja", nil).Follow("Buka kunci lagi").Press("Buka kunci", map[string]string{"anggota": string(testvault.One), "sandi": passphrase(testvault.One)}),
			} {
				says(t, p, "Jangan lanjutkan")
				silent(t, p, "Uang perjalanan")
			}
		})
	}
}

// TestABrokenDownloadDoesNotLookFinished: a changed attachment breaks off, or
// isn't begun at all where it is short.
func TestABrokenDownloadDoesNotLookFinished(t *testing.T) {
	w := testvault.New(t)
	w.Send(testvault.Form("itprov"), testvault.File{Name: "besar", Data: bytes.Repeat([]byte("b"), 1<<20)})
	small := testvault.Form("itprov")
	small.Report.What = "Perkara kecil"
	w.Send(small, testvault.File{Name: "kecil", Data: []byte("k")})
	l := &testvault.Liar{Vault: w.Vault, Object: func(o id.Object, b []byte) []byte {
		if o.Role == id.RoleContent {
			b[len(b)-1] ^= 1 // its very end
		}
		return b
	}}
	o := newOffice(t, w, membersock.NewClient(w.Listen("lies.sock", membersock.Handler(l))))
	inbox := o.unlock(testvault.One)
	p, err := inbox.Follow("Uang perjalanan").Follow("Unduh berkas asli").TryPress("Unduh", nil)
	if err == nil {
		t.Errorf("a large one came with %d, %d bytes", p.Status, len(p.Body))
	}
	broken := inbox.Follow("Perkara kecil").Follow("Unduh berkas asli").Press("Unduh", nil)
	if broken.Status != http.StatusConflict || broken.Header.Get("Content-Disposition") != "" {
		t.Errorf("a small one: %d", broken.Status)
	}
	says(t, broken, "Lampiran rusak")
	// An export says in its manifest what is damaged; one that lacks an object breaks off.
	l.Object = func(o id.Object, b []byte) []byte {
		if o.Role == id.RoleContent {
			return nil
		}
		return b
	}
	if p, err := inbox.Follow("Uang perjalanan").Follow("Ekspor").TryPress("Unduh", nil); err == nil && p.Status == http.StatusOK {
		t.Errorf("an export without its attachment came with %d bytes", len(p.Body))
	}
}

// TestWithoutAVaultNothingTypedIsLost: sending fails in words, and goes on
// with the same form once the vault is back.
func TestWithoutAVaultNothingTypedIsLost(t *testing.T) {
	w := testvault.New(t)
	code := w.Send(testvault.Form("itprov"))
	var down atomic.Bool
	answers := membersock.Handler(w.Vault)
	socket := w.Listen("lagi.sock", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if down.Load() {
			panic(http.ErrAbortHandler)
		}
		answers.ServeHTTP(rw, r)
	}))
	o := newOffice(t, w, membersock.NewClient(socket))
	c := o.unlock(testvault.One).Follow("Uang perjalanan")
	check := c.Follow("Tulis balasan").Press("Lanjut", map[string]string{"teks": "Halo."})
	note := c.Follow("Tulis catatan")
	down.Store(true)
	failed := check.Press("Kirim ke pelapor", nil)
	says(t, failed, "Belum tentu terkirim", "Halo.")
	kept := note.Press("Simpan", map[string]string{"teks": "Catatan."})
	if got, _ := kept.Value("teks"); got != "Catatan." {
		t.Errorf("a note came back as %q", got)
	}
	says(t, textbrowserOf(t, c, "/"), "Vault tidak menjawab")
	down.Store(false)
	says(t, kept.Press("Simpan", nil), "Catatan internal tersimpan.")
	for range 2 {
		failed.Press("Kirim ke pelapor", nil)
	}
	if n := len(w.Look(code).Messages); n != 1 {
		t.Errorf("%d messages, want one", n)
	}
}

// TestTheInbox filters, sorts, pages and searches; a page of fifty stays small.
func TestTheInbox(t *testing.T) {
	o := open(t)
	for i := range 60 {
		f := testvault.Form("itprov")
		f.Report.What = fmt.Sprintf("Perkara nomor %03d tentang pengadaan barang yang harganya dinaikkan berkali-kali", i)
		f.Report.Category = report.Categories()[i%13]
		o.Send(f)
	}
	inbox := o.unlock(testvault.One)
	if inbox.Heading() != "Kotak masuk: 60 perlu tindakan" {
		t.Errorf("heading %q", inbox.Heading())
	}
	if len(inbox.Body) > 30<<10 {
		t.Errorf("a page of fifty has %d bytes", len(inbox.Body))
	}
	says(t, inbox, "1 sampai 50 dari 60")
	says(t, inbox.Follow("Halaman berikutnya"), "51 sampai 60 dari 60")
	sorted := inbox.Follow("Kasus") // the column
	says(t, sorted, "Perkara nomor 000", "Perkara nomor 049")
	silent(t, sorted, "Perkara nomor 050")
	if !bytes.Contains(sorted.Body, []byte(`aria-sort="ascending"`)) {
		t.Error("the column doesn't say that it sorts")
	}
	down := textbrowserOf(t, sorted, "/?urut=judul&turun=1")
	says(t, down, "Perkara nomor 059")
	silent(t, down, "Perkara nomor 009 ")
	found := inbox.Press("Cari", map[string]string{"kata": "NOMOR 017"})
	if found.Heading() != "Hasil pencarian: 1 kasus" || found.URL.RawQuery != "" {
		t.Errorf("searching: %q at %s", found.Heading(), found.URL)
	}
	// What was opened is searched too, letters and all.
	says(t, inbox.Press("Cari", map[string]string{"kata": "bendahara"}), "Hasil pencarian: 0 kasus")
	found.Follow("Perkara nomor 017")
	says(t, inbox.Press("Cari", map[string]string{"kata": "bendahara"}), "Hasil pencarian: 1 kasus")
	pages := inbox.Press("Cari", map[string]string{"kata": "perkara"})
	says(t, pages.Press("Halaman berikutnya", nil), "51 sampai 60 dari 60")
	// Filters.
	filtered := inbox.Press("Terapkan", map[string]string{"status": "closed"})
	says(t, filtered, "Kotak masuk: 0 cocok", "Tidak ada yang cocok. Hapus saringan")
	says(t, filtered.Follow("Hapus saringan"), "Kotak masuk: 60 perlu tindakan")
	found.Follow("Perkara nomor 017").Follow("Ubah status").Press("Lanjut", map[string]string{"status": "closed"}).Press("Kirim", nil)
	says(t, inbox.Press("Terapkan", map[string]string{"status": "closed"}), "Kotak masuk: 1 cocok", "Perkara nomor 017")
	says(t, inbox.Press("Terapkan", map[string]string{"tampil": "baru"}), "Kotak masuk: 59 cocok")
	says(t, textbrowserOf(t, inbox, "/"), "Kotak masuk: 59 perlu tindakan")
}

// TestGuessesDelayNobodyElse: while somebody tries passphrases of one member,
// another unlocks.
func TestGuessesDelayNobodyElse(t *testing.T) {
	o := open(t)
	ctx, stop := context.WithCancel(t.Context())
	var g sync.WaitGroup
	for range 8 {
		g.Go(func() {
			for ctx.Err() == nil {
				o.raw("POST", "/buka", nil, nil, url.Values{"anggota": {string(testvault.Two)}, "sandi": {"tebak"}}.Encode())
			}
		})
	}
	o.unlock(testvault.One)
	stop()
	g.Wait()
	o.unlock(testvault.Two) // and his own guesses lock nobody out
}

// TestNothingDecryptedIsOnTheDesksDisk after a whole session.
func TestNothingDecryptedIsOnTheDesksDisk(t *testing.T) {
	o := open(t)
	f := testvault.Form("itprov")
	f.Report.What = "PENANDA-ISI"
	o.Send(f, testvault.File{Name: "PENANDA-NAMA", Data: []byte("PENANDA-BERKAS")})
	c := o.unlock(testvault.One).Follow("PENANDA-ISI")
	c.Follow("Unduh berkas asli").Press("Unduh", nil)
	c.Follow("Tulis catatan").Press("Simpan", map[string]string{"teks": "PENANDA-CATATAN"})
	files := 0
	must(t, filepath.WalkDir(o.dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		files++
		b, err := os.ReadFile(path)
		if bytes.Contains(b, []byte("PENANDA")) || bytes.Contains(b, []byte("AGE-SECRET-KEY")) || bytes.Contains(b, []byte("PRIVATE+KEY")) {
			t.Errorf("%s has something in the clear", path)
		}
		return err
	}))
	if files < 5 { // three identities, one seen, one roster
		t.Errorf("%d files", files)
	}
}

// TestInEnglish: a page asked for in English leads to pages in English.
func TestInEnglish(t *testing.T) {
	o := open(t)
	code := o.Send(testvault.Form("itprov"))
	inbox := textbrowser.New(t).Get(o.url+"/en/").Press("Unlock", map[string]string{"anggota": string(testvault.One), "sandi": passphrase(testvault.One)})
	if inbox.Heading() != "Inbox: 1 needs action" {
		t.Errorf("heading %q", inbox.Heading())
	}
	c := inbox.Follow("Uang perjalanan")
	says(t, c, "Reporter's language Bahasa Indonesia", "Provincial Inspectorate", "3 working days left")
	sent := c.Follow("Write a reply").Press("Continue", map[string]string{"teks": "Thank you."}).Press("Send to the reporter", nil)
	says(t, sent, "The reply was sent to the reporter.")
	if m := o.Look(code).Messages; len(m) != 1 {
		t.Errorf("%d messages", len(m))
	}
	if p := c.Follow("Bahasa Indonesia"); p.URL.Path != strings.TrimPrefix(c.URL.Path, "/en") {
		t.Errorf("the other language is at %s", p.URL.Path)
	}
	says(t, sent.Press("Lock the desk", nil), "The desk is locked")
}

// TestLoadingAheadOpensNothing: a browser that guesses what comes next makes
// no record of an access that nobody had.
func TestLoadingAheadOpensNothing(t *testing.T) {
	o := open(t)
	code := o.Send(testvault.Form("itprov"))
	c := o.cookie(testvault.One)
	before := o.Vault.MemberState().Checkpoint
	for _, path := range []string{"/", "/kasus/" + string(o.Look(code).Case)} {
		o.raw("GET", path, c, func(r *http.Request) { r.Header.Set("Sec-Purpose", "prefetch;prerender") }, "")
	}
	if o.Vault.MemberState().Checkpoint != before {
		t.Error("loading ahead made a record")
	}
}

// TestTheEndOfTheDeskLocksAll: with the desk, its sessions end.
func TestTheEndOfTheDeskLocksAll(t *testing.T) {
	o := open(t)
	inbox := o.unlock(testvault.One)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	must(t, o.server.Watch(ctx))
	if p := textbrowserOf(t, inbox, "/"); p.Heading() != "Buka kunci identitas Anda" {
		t.Errorf("heading %q", p.Heading())
	}
}

func TestACustodianIsToldWhereToGo(t *testing.T) {
	w := testvault.New(t)
	w.Join("pemegang-kunci", "Pemegang Kunci", "itprov", roster.Custodian)
	o := newOffice(t, w, w.Member)
	says(t, o.unlock("pemegang-kunci"), "Pemegang kunci membuka kasus dengan lembar pemulihan")
}

// fakeDoor is the way to a vault for those alone who have entered.
type fakeDoor struct {
	http.RoundTripper
	mu     sync.Mutex
	inside []string // onion keys
	wrong  error    // what is the matter with the way
}

func (d *fakeDoor) Enter(key *ecdh.PrivateKey) (func(), error) {
	if key == nil {
		return nil, door.ErrNoKey
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	k := string(key.Bytes())
	d.inside = append(d.inside, k)
	return func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		i := slices.Index(d.inside, k)
		d.inside = slices.Delete(d.inside, i, i+1)
	}, nil
}

func (d *fakeDoor) RoundTrip(r *http.Request) (*http.Response, error) {
	d.mu.Lock()
	err := d.wrong
	if err == nil && len(d.inside) == 0 {
		err = door.ErrShut
	}
	d.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return d.RoundTripper.RoundTrip(r)
}

func (d *fakeDoor) is(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.wrong = err
}

func (d *fakeDoor) guests() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.inside)
}

// TestBehindADoor: over the members' onion service nobody is asked anything
// before a member has unlocked; each is in from then until the desk locks, and
// what is wrong with the way is said in words.
func TestBehindADoor(t *testing.T) {
	w := testvault.New(t)
	w.Send(testvault.Form("itprov"))
	way := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", filepath.Join(w.Dir, "member.sock"))
	}}
	t.Cleanup(way.CloseIdleConnections)
	d := &fakeDoor{RoundTripper: way}
	o := newOffice(t, w, membersock.NewClientBy(d), func(c *desk.Config) { c.Enter = d.Enter })
	start := textbrowser.New(t).Get(o.url + "/")
	silent(t, start, "Penelaah Satu")

	one := o.unlock(testvault.One)
	two := o.unlock(testvault.Two)
	if d.guests() != 2 {
		t.Errorf("%d are in", d.guests())
	}
	says(t, textbrowser.New(t).Get(o.url+"/"), "Penelaah Satu, Inspektorat Provinsi") // by the roster that was kept
	says(t, two.Follow("Uang perjalanan"), "Uang perjalanan")
	one.Press("Kunci meja", nil)
	o.clock.forward(16 * time.Minute)
	o.server.LockIdle()
	if d.guests() != 0 {
		t.Errorf("%d are in after all have locked", d.guests())
	}

	unlock := func(m id.Member) *textbrowser.Page {
		return textbrowser.New(t).Get(o.url+"/").Press("Buka kunci", map[string]string{"anggota": string(m), "sandi": passphrase(m)})
	}
	for want, err := range map[string]error{
		"Layanan onion anggota belum, atau tidak lagi, mengizinkan kunci Anda": door.ErrShut,
		"Vault tidak dapat dicapai lewat Tor":                                  door.ErrAway,
		"Tor belum tersambung":                                                 door.ErrNetwork,
		"Tor tidak berjalan":                                                   door.ErrTor,
	} {
		d.is(err)
		says(t, unlock(testvault.One), want)
	}
	// The page is there before its request has ended.
	for end := time.Now().Add(10 * time.Second); d.guests() != 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d are in who could not get in", d.guests())
		}
	}
	d.is(nil)
	inbox := o.unlock(testvault.One)
	d.is(door.ErrShut)
	says(t, inbox.Follow("Uang perjalanan"), "Pintu vault tertutup")
	d.is(nil)

	// A file from before there were onion keys.
	file := filepath.Join(o.dir, string(testvault.Two)+".identity")
	b, err := os.ReadFile(file)
	must(t, err)
	pass, err := age.NewScryptIdentity(passphrase(testvault.Two))
	must(t, err)
	r, err := age.Decrypt(bytes.NewReader(b), pass)
	must(t, err)
	plain, err := io.ReadAll(r)
	must(t, err)
	before, _, ok := strings.Cut(string(plain), "descriptor:")
	if !ok {
		t.Fatal("the file has no onion key")
	}
	to, err := age.NewScryptRecipient(passphrase(testvault.Two))
	must(t, err)
	to.SetWorkFactor(10)
	var old bytes.Buffer
	out, err := age.Encrypt(&old, to)
	must(t, err)
	_, err = io.WriteString(out, before)
	must(t, err)
	must(t, out.Close())
	must(t, os.WriteFile(file, old.Bytes(), 0o600))
	says(t, unlock(testvault.Two), "belum punya kunci onion", "suluh member onion-key")

	ctx, stop := context.WithCancel(t.Context())
	stop()
	must(t, o.server.Watch(ctx))
	if d.guests() != 0 {
		t.Errorf("%d are in after the end", d.guests())
	}
}
