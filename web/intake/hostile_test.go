package intake_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"suluh.example/suluh/crypto/casecode"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/internal/testkey"
	"suluh.example/suluh/vault"
	"suluh.example/suluh/vault/depositsock"
	"suluh.example/suluh/vault/frame"
	"suluh.example/suluh/web/intake"
)

// zeros is a file of so many bytes.
func zeros(name string, n int64) file { return file{"berkas", name, io.LimitReader(zeroReader{}, n)} }

type zeroReader struct{}

func (zeroReader) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// sendable returns the fields of a check page, ready to be sent.
func (w *world) sendable() url.Values {
	w.t.Helper()
	return w.post("/lapor/periksa", typical()).form(w.t, "/lapor/kirim")
}

func TestEmptyForms(t *testing.T) {
	w := newWorld(t, config{})
	w.post("/lapor/periksa", url.Values{}).want(t, 422, "Pilih siapa yang boleh membaca")
	w.post("/lapor/kirim", url.Values{}).want(t, 422, "Pilih siapa yang boleh membaca")
	only := w.post("/lapor/periksa", url.Values{"unit": {"itprov"}, "jenis": {"suap"}})
	only.want(t, 200, "Tidak diisi")
	fields := only.form(t, "/lapor/kirim")
	w.post("/lapor/kirim", fields).want(t, 422, "Tulis apa yang terjadi, atau pilih satu berkas", `id="berkas-e"`)
	// What browsers send for a file input that was left alone.
	w.post("/lapor/kirim", fields, file{"berkas", "", nil}, file{"berkas2", "", nil}).want(t, 422, "Tulis apa yang terjadi, atau pilih satu berkas")
	w.nothing()
	w.post("/lapor/kirim", fields, bytesFile("bukti.txt", []byte("x"))).want(t, 200, "Catat kode ini")
	w.post("/lapor/kirim", w.sendable(), file{"berkas", "", nil}).want(t, 200, "Catat kode ini")
	w.post("/cek", url.Values{}).want(t, 422, "Masukkan kode laporan")
	code, err := casecode.New()
	must(t, err)
	w.post("/cek", url.Values{"kode": {code.Reveal()}}).want(t, 422, "Tidak ada laporan dengan kode ini", code.Words()[9])
	w.post("/cek/balas", url.Values{"kode": {code.Reveal()}, "teks": {"halo"}}, bytesFile("a", []byte("a"))).want(t, 422, "Tidak ada laporan dengan kode ini")
}

// TestTheLimitIsExact: what is as large as allowed is taken, a byte more isn't,
// and what was typed is still there.
func TestTheLimitIsExact(t *testing.T) {
	const limit = 300_000
	w := newWorld(t, config{intake: intake.Config{MaxBytes: limit}})
	fields := w.sendable()
	large := w.post("/lapor/kirim", fields, zeros("rekaman.mp4", limit+1))
	large.want(t, 422, "Berkas “rekaman.mp4” lebih besar dari 292 KB. Teks Anda tidak hilang", "<title>Ada masalah: Periksa, lalu kirim laporan")
	if got := large.form(t, "/lapor/kirim"); got.Get("apa") != typical().Get("apa") || got.Get("sekali") != fields.Get("sekali") {
		t.Errorf("the form lost what it had: %v", got)
	}
	// One that says itself that it is far too large doesn't get to the vault, and
	// is read to its end all the same: browsers don't look at an answer before.
	var whole bytes.Buffer
	m := multipart.NewWriter(&whole)
	must(t, writeForm(m, fields, []file{zeros("film.mp4", 65<<20)}))
	r, err := http.Post(w.url+"/lapor/kirim", m.FormDataContentType(), &whole)
	must(t, err)
	w.read(r).want(t, 422, "lebih besar dari 292 KB. Berkas terakhir yang dibaca: “film.mp4”", "Uang perjalanan dinas dibayar dua kali")
	w.post("/lapor/kirim", fields, zeros("a", limit-1), zeros("b", 2)).want(t, 422, "Semua berkas bersama lebih besar dari", "“b”")
	w.post("/lapor/kirim", fields, zeros("a", 1), zeros("kosong.pdf", 0)).want(t, 422, "Berkas “kosong.pdf” kosong")
	w.nothing()
	w.post("/lapor/kirim", fields, zeros("a", limit-1), zeros("b", 1)).want(t, 200, "Catat kode ini")
	if got := w.cases("penelaah-satu"); len(got) != 1 || len(got[0].attachments[0])+len(got[0].attachments[1]) != limit {
		t.Error("not all of it arrived")
	}
	status := w.post("/cek", url.Values{"kode": {w.post("/lapor/kirim", w.sendable()).code(t)}})
	reply := with(status.form(t, "/cek/balas"), "teks", "jawaban saya")
	w.post("/cek/balas", reply, zeros("rekaman.mp4", limit+1)).want(t, 422, "lebih besar dari", "jawaban saya</textarea>")
	w.post("/cek/balas", reply, zeros("x", 0)).want(t, 422, "kosong", "jawaban saya</textarea>")
	var many []file
	for i := range intake.MostFiles + 1 {
		many = append(many, zeros(fmt.Sprint(i), 1))
	}
	w.post("/cek/balas", reply, many...).want(t, 422, "Berkas terlalu banyak. Paling banyak 200", "jawaban saya</textarea>")
	w.post("/cek/balas", reply, many[1:]...).want(t, 422, "kosong") // read to their end before
}

// TestTheDefaultLimitFitsTheVault: 1 GiB, sealed and padded, is what a vault
// takes by default; and intake never promises more than the vault takes.
func TestTheDefaultLimitFitsTheVault(t *testing.T) {
	w := newWorld(t, config{})
	state := w.vault.DepositState()
	if got := w.intake.Limit(state); got != 1<<30 {
		t.Errorf("the default limit is %d", got)
	}
	state.MaxBytes = 1000
	if got := w.intake.Limit(state); got != 800 {
		t.Errorf("with a small vault the limit is %d", got)
	}
}

// TestABrokenUploadLeavesNothing, wherever it breaks.
func TestABrokenUploadLeavesNothing(t *testing.T) {
	w := newWorld(t, config{})
	var whole bytes.Buffer
	m := multipart.NewWriter(&whole)
	must(t, writeForm(m, w.sendable(), []file{zeros("a.bin", 400_000)}))
	for _, part := range []int{10, 700, whole.Len() / 2, whole.Len() - 4} {
		c, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
		must(t, err)
		_, err = fmt.Fprintf(c, "POST /lapor/kirim HTTP/1.1\r\nHost: uji\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n", m.FormDataContentType(), whole.Len())
		must(t, err)
		_, err = c.Write(whole.Bytes()[:part])
		must(t, err)
		must(t, c.Close())
	}
	// A body that says that it ends, but has no end of the form.
	for _, part := range []int{10, 700, whole.Len() / 2, whole.Len() - 4} {
		r, err := http.Post(w.url+"/lapor/kirim", m.FormDataContentType(), bytes.NewReader(whole.Bytes()[:part]))
		must(t, err)
		a := w.read(r)
		if a.StatusCode/100 != 4 {
			t.Errorf("cut at %d: %s", part, a.Status)
		}
		if part >= whole.Len()/2 {
			a.want(t, 422, "Kiriman terputus dan tidak kami simpan", "Uang perjalanan dinas dibayar dua kali")
		}
	}
	w.nothing()
	if s := w.log.String(); s != "" {
		t.Errorf("the log tells of requests: %s", s)
	}
}

// endless is a body that never ends, and how much of it was taken.
type endless struct {
	head  io.Reader
	fill  string
	taken int64
}

func (e *endless) Read(p []byte) (int, error) {
	if n, err := e.head.Read(p); err == nil {
		return n, nil
	}
	n := 0
	for n < len(p) {
		n += copy(p[n:], e.fill)
	}
	e.taken += int64(n)
	return n, nil
}

func TestBodiesThatNeverEnd(t *testing.T) {
	w := newWorld(t, config{intake: intake.Config{MaxBytes: 1 << 20}})
	part := func(name string) string {
		return "--B\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n"
	}
	fields := ""
	for name, values := range w.sendable() {
		for _, v := range values {
			fields += part(name) + v + "\r\n"
		}
	}
	for name, x := range map[string]struct {
		head, fill string
		most       int64
	}{
		"no form at all":  {"", "x", 10 << 20},
		"a header":        {"--B\r\nContent-Disposition: form-data; name=\"apa\"\r\nX: ", "x", 10 << 20},
		"headers":         {"--B\r\n", "X: x\r\n", 10 << 20},
		"a text":          {part("apa"), "x", 10 << 20},
		"texts":           {"", part("apa") + "x\r\n", 10 << 20},
		"empty parts":     {"", "--B\r\nX: x\r\n\r\n\r\n", 10 << 20},
		"a file":          {fields + "--B\r\nContent-Disposition: form-data; name=\"berkas\"; filename=\"a\"\r\n\r\n", "x", 80 << 20},
		"files":           {fields, "--B\r\nContent-Disposition: form-data; name=\"berkas\"; filename=\"a\"\r\n\r\nx\r\n", 80 << 20},
		"unchosen files":  {fields, "--B\r\nContent-Disposition: form-data; name=\"berkas\"; filename=\"\"\r\n\r\n\r\n", 80 << 20},
		"a text after it": {fields + "--B\r\nContent-Disposition: form-data; name=\"berkas\"; filename=\"a\"\r\n\r\nx\r\n" + part("apa"), "x", 80 << 20},
	} {
		for _, path := range []string{"/lapor/kirim", "/lapor/periksa", "/cek"} {
			body := &endless{head: strings.NewReader(x.head), fill: x.fill}
			r, err := http.Post(w.url+path, "multipart/form-data; boundary=B", body)
			if err == nil { // the answer may be lost when the connection is cut
				if r.StatusCode/100 != 4 {
					t.Errorf("%s to %s: %s", name, path, r.Status)
				}
				r.Body.Close()
			}
			if body.taken > 90<<20 {
				t.Errorf("%s to %s: %d bytes were taken", name, path, body.taken)
			}
		}
	}
	w.nothing()
}

func TestTooManyFields(t *testing.T) {
	w := newWorld(t, config{})
	v := typical()
	for i := range 10_000 {
		v.Set(fmt.Sprint("x", i), "x")
	}
	for _, path := range []string{"/lapor/periksa", "/lapor/kirim", "/lapor/tulis", "/lapor/coba", "/cek", "/cek/balas", "/en/cek"} {
		a := w.post(path, v)
		if a.StatusCode != 400 || !strings.Contains(a.body, "terlalu banyak bagian") && !strings.Contains(a.body, "too many parts") {
			t.Errorf("%s: %s", path, a.Status)
		}
	}
}

func TestTooMuchText(t *testing.T) {
	w := newWorld(t, config{})
	long := strings.Repeat("x", intake.MostText+1)
	a := w.post("/lapor/periksa", with(typical(), "mana", long))
	a.want(t, 422, "Teks paling banyak 1 MB", `id="mana-e"`)
	if a.form(t, "/lapor/periksa").Get("mana") != long {
		t.Error("what was typed is lost")
	}
	w.post("/lapor/periksa", with(typical(), "apa", strings.Repeat("x", intake.MaxText+1))).want(t, 413, "<h1>Tulisan terlalu panjang</h1>")
	w.post("/lapor/periksa", with(typical(), "mana", long[:intake.MostText-1000])).want(t, 200)
}

// TestBytesThatArentText become text without a loss.
func TestBytesThatArentText(t *testing.T) {
	w := newWorld(t, config{})
	v := typical()
	v.Set("apa", "kafe: caf\xe9 \x93kutip\x94 d\u00fc\x00n\x07a\r\nbaris\rakhir\tx\x1b[31m\u0085")
	v.Set("siapa", "\xff\xfek\x00a\x00k\x00i\x00")
	w.report(v).want(t, 200, "Catat kode ini")
	r := w.cases("penelaah-satu")[0].letters[0].Report
	if want := "kafe: café “kutip” düna\nbaris\nakhir\tx[31m"; r.What != want {
		t.Errorf("got %q, want %q", r.What, want)
	}
	if want := "ÿþkaki"; r.Who != want {
		t.Errorf("got %q, want %q", r.Who, want)
	}
}

// TestWhatReportersSendIsHarmless: markup, script, bidi and control characters
// in every field and in file names show as what they are on every page, and
// reach the reader unchanged but for control characters.
func TestWhatReportersSendIsHarmless(t *testing.T) {
	w := newWorld(t, config{})
	const evil = `</textarea></title></style><script>alert(1)</script><img src=x onerror=alert(1)> "' onfocus=x autofocus ` + "\u202egnisrever\u2066 {{.Code}} javascript:x"
	v := url.Values{"unit": {"itprov"}, "tanpa": {evil}, "jenis": {evil}, "sekali": {evil}, "pembaca": {evil}}
	for _, name := range []string{"apa", "bagaimana", "mengapa", "siapa", "mana", "kapan", "rugi", "saksi", "sudah"} {
		v.Set(name, evil+name)
	}
	harmless := func(a *answer) *answer { // beyond what is checked on all pages
		t.Helper()
		if strings.Contains(script.ReplaceAllString(a.body, ""), "<script") || strings.Contains(a.body, "<img") || strings.Count(a.body, "</textarea>") != strings.Count(a.body, "<textarea") {
			t.Errorf("markup was let through:\n%s", a.body)
		}
		shown := textareas.ReplaceAllString(inputs.ReplaceAllString(a.body, ""), "")
		if strings.ContainsAny(shown, "\u202e\u2066") {
			t.Error("the direction of writing can be turned")
		}
		return a
	}
	checked := harmless(w.post("/lapor/periksa", v))
	checked.want(t, 200, "<bdi>&lt;/textarea&gt;")
	harmless(w.post("/lapor/tulis", v))
	harmless(w.post("/lapor/periksa", with(v, "unit", evil)))
	fields := checked.form(t, "/lapor/kirim")
	names := []string{
		"../../x", `..\..\C:\Users\Contoh\rahasia.doc`, strings.Repeat("n", 4000), evil, "CON", "", "\u202egpj.exe", "=1+1", "ganti\tbaris", "nama\xe9.pdf",
	}
	var files []file
	for _, n := range names {
		files = append(files, bytesFile(n, []byte("isi")))
		bad := harmless(w.post("/lapor/kirim", fields, zeros(n, 1), zeros(n, 0)))
		if n != "" { // no name and no bytes is no file
			bad.want(t, 422, "kosong")
		}
	}
	harmless(w.post("/lapor/kirim", fields, bytesFile("nol\x00nol.txt", []byte("isi")))).want(t, 422, "Kiriman terputus dan tidak kami simpan")
	code := harmless(w.post("/lapor/kirim", with(fields, "apa", "lain"), files...))
	code.want(t, 200, "Catat kode ini")

	letters := w.cases("penelaah-satu")[0].letters
	for _, l := range letters {
		if l.Report.Why != evil+"mengapa" || l.Report.Category != "" || len(l.Without) != 0 {
			t.Errorf("the reader gets %+v", l.Report)
		}
		for i, at := range l.Attachments {
			if strings.ContainsAny(at.Name, `/\`) || utf8.RuneCountInString(at.Name) > 255 || strings.ContainsFunc(at.Name, unicode.IsControl) || !utf8.ValidString(at.Name) {
				t.Errorf("attachment %d is called %q", i, at.Name)
			}
		}
	}
	if i := len(letters) - 1; len(letters[i].Attachments)+len(letters[0].Attachments) < len(names) {
		t.Errorf("not all files arrived: %d", len(letters[i].Attachments))
	}

	// And what an officer writes.
	x := w.cases("penelaah-satu")[0]
	w.answer("penelaah-satu", x, report.Answer{Status: report.Rejected, Text: evil})
	status := harmless(w.post("/cek", url.Values{"kode": {code.code(t)}}))
	status.want(t, 200, "<h1>Status: Tidak dapat ditindaklanjuti</h1>", "Alasannya ada dalam pesan di bawah", "<bdi>&lt;/textarea&gt;")
	harmless(w.post("/cek/balas", with(status.form(t, "/cek/balas"), "teks", evil), zeros(evil, 0))).want(t, 422)
	harmless(w.post("/cek", url.Values{"kode": {evil}, "sekali": {evil}, "teks": {evil}}))
}

// TestMemoryStaysBounded: an upload of any size passes through in constant
// memory. What is on the heap is counted as it streams; the vault and the
// client are in the same process.
func TestMemoryStaysBounded(t *testing.T) {
	const size, most = 256 << 20, 24 << 20
	w := newWorld(t, config{})
	heap := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before, peak := heap(), int64(0)
	count := 0
	watched := readerFunc(func(p []byte) (int, error) {
		if count++; count%512 == 0 {
			peak = max(peak, heap())
		}
		return zeroReader{}.Read(p)
	})
	w.post("/lapor/kirim", w.sendable(), file{"berkas", "film.mp4", io.LimitReader(watched, size)}).want(t, 200, "Catat kode ini")
	if count < 1000 || peak == 0 {
		t.Fatalf("looked at the heap %d times", count/512)
	}
	if peak-before > most {
		t.Errorf("an upload of %d MiB takes %d MiB of memory", size>>20, (peak-before)>>20)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// TestSlowIsTakenStalledIsCut: an upload that takes several times as long as
// one may stall arrives, one that sends nothing more is cut.
func TestSlowIsTakenStalledIsCut(t *testing.T) {
	const stall = 300 * time.Millisecond
	w := newWorld(t, config{stall: stall})
	n := 0
	slow := readerFunc(func(p []byte) (int, error) {
		if n++; n > 12 {
			return 0, io.EOF
		}
		time.Sleep(stall / 3)
		return copy(p, "x"), nil
	})
	w.post("/lapor/kirim", w.sendable(), file{"berkas", "lambat", slow}).want(t, 200, "Catat kode ini")
	if got := string(w.cases("penelaah-satu")[0].attachments[0]); got != "xxxxxxxxxxxx" {
		t.Errorf("%q arrived", got)
	}
	n, err := w.vault.Batch(t.Context())
	must(t, err)
	if n != 1 {
		t.Fatalf("%d deposits", n)
	}

	var whole bytes.Buffer
	m := multipart.NewWriter(&whole)
	must(t, writeForm(m, w.sendable(), []file{zeros("a", 1000)}))
	c, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
	must(t, err)
	defer c.Close()
	_, err = fmt.Fprintf(c, "POST /lapor/kirim HTTP/1.1\r\nHost: uji\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", m.FormDataContentType(), whole.Len(), whole.Bytes()[:whole.Len()-100])
	must(t, err)
	must(t, c.SetReadDeadline(time.Now().Add(20*time.Second)))
	if b, err := io.ReadAll(bufio.NewReader(c)); err != nil || len(b) > 0 {
		t.Errorf("a stalled upload: %d bytes of answer, %v, want the connection's end", len(b), err)
	}
	w.nothing()
}

// TestTheVaultIsAway: nobody writes in vain, and what was typed is kept.
func TestTheVaultIsAway(t *testing.T) {
	w := newWorld(t, config{})
	fields := w.sendable()
	status := w.post("/cek", url.Values{"kode": {w.report(typical()).code(t)}})
	reply := with(status.form(t, "/cek/balas"), "teks", "jawaban saya")
	w.stop()
	closed := func(a *answer, texts ...string) {
		t.Helper()
		a.want(t, 503, texts...)
		if a.Header.Get("Retry-After") == "" {
			t.Error("nobody says when to come again")
		}
	}
	closed(w.get("/lapor/tulis"), "<h1>Layanan sedang tutup</h1>", "KPK", "Jalan Contoh 1")
	closed(w.get("/en/lapor/tulis"), "<h1>The service is closed for now</h1>")
	a := w.post("/lapor/periksa", typical())
	closed(a, "<h1>Layanan sedang tutup</h1>", "<bdi>Uang perjalanan dinas dibayar dua kali</bdi>", "Salin ke kertas")
	if got := a.form(t, "/lapor/periksa").Get("apa"); got != typical().Get("apa") {
		t.Errorf("what was typed is lost: %q", got)
	}
	closed(w.post("/en/lapor/periksa", a.form(t, "/lapor/periksa")), "<h1>The service is closed for now</h1>", "<bdi>Uang perjalanan")
	a = w.post("/lapor/kirim", fields, zeros("a", 5<<20))
	closed(a, "<h1>Periksa, lalu kirim laporan</h1>", "Layanan sedang tutup. Laporan belum terkirim")
	if got := a.form(t, "/lapor/kirim"); got.Get("apa") != typical().Get("apa") || got.Get("sekali") != fields.Get("sekali") {
		t.Errorf("what was typed is lost: %v", got)
	}
	a = w.post("/cek/balas", reply, zeros("a", 5<<20))
	closed(a)
	if got := a.form(t, "/cek/balas").Get("teks"); got != "jawaban saya" {
		t.Errorf("the reply is lost: %q", got)
	}
	closed(w.post("/cek", url.Values{"kode": reply["kode"]}))
	w.post("/lapor/tulis", typical()).want(t, 200, "Uang perjalanan dinas dibayar dua kali") // needs no vault
	w.get("/").want(t, 200)
	w.get("/bantuan").want(t, 200)
}

// TestTheVaultIsFull, altogether or for files only.
func TestTheVaultIsFull(t *testing.T) {
	t.Run("files", func(t *testing.T) {
		w := newWorld(t, config{vault: vault.Config{MaxBytes: 1 << 60}}) // more than the disk has
		checked := w.post("/lapor/periksa", typical())
		checked.want(t, 200, "Saat ini lampiran belum dapat diterima")
		if strings.Contains(checked.body, `type="file"`) {
			t.Error("files are asked for all the same")
		}
		fields := checked.form(t, "/lapor/kirim")
		w.post("/lapor/kirim", fields, zeros("a", 1<<20)).want(t, 422, "Saat ini lampiran belum dapat diterima", "Uang perjalanan dinas dibayar dua kali")
		w.nothing()
		w.post("/lapor/kirim", fields).want(t, 200, "Catat kode ini")
	})
	t.Run("everything", func(t *testing.T) {
		w := newWorld(t, config{vault: vault.Config{PerHour: 15_000}})
		fields := w.sendable()
		status := w.post("/cek", url.Values{"kode": {w.report(typical()).code(t)}})
		w.get("/lapor/tulis").want(t, 503, "<h1>Layanan sedang tutup</h1>")
		w.post("/lapor/kirim", fields).want(t, 503, "Laporan belum terkirim", "Uang perjalanan dinas dibayar dua kali")
		// Answers can be read all the same, and a reply isn't lost.
		w.post("/cek/balas", with(status.form(t, "/cek/balas"), "teks", "jawaban saya")).want(t, 503, "Status: Laporan diterima", "jawaban saya</textarea>", "Balasan belum dapat kami terima")
	})
}

// meanwhile does something once all of a file was taken, before the form ends.
type meanwhile struct {
	io.Reader
	do func()
}

func (m *meanwhile) Read(p []byte) (int, error) {
	n, err := m.Reader.Read(p)
	if err == io.EOF && m.do != nil {
		m.do()
		m.do = nil
	}
	return n, err
}

// TestAReaderLeavesWhileFilesCome: nobody's report is lost to that, and what
// was typed is on the page that says it.
func TestAReaderLeavesWhileFilesCome(t *testing.T) {
	w := newWorld(t, config{})
	fields := w.sendable()
	leave := func() {
		day := w.roster.Day
		for i := range w.roster.Members {
			if w.roster.Members[i].ID == "penelaah-dua" {
				w.roster.Members[i].Removed = &day
			}
		}
		w.install()
	}
	// More than sockets hold: intake has asked who reads it when the end is near.
	big := zeros("a", 64<<20)
	big.r = &meanwhile{big.r, leave}
	again := w.post("/lapor/kirim", fields, big)
	again.want(t, 422, "Daftar petugas baru saja berubah", "pilih lagi", "Uang perjalanan dinas dibayar dua kali")
	w.nothing()
	w.post("/lapor/kirim", again.form(t, "/lapor/kirim"), zeros("a", 1)).want(t, 200, "Catat kode ini")
}

// TestTheRosterChanges between the check page and sending.
func TestTheRosterChanges(t *testing.T) {
	w := newWorld(t, config{})
	fields := w.sendable()
	w.join("penelaah-lima", "Penelaah Lima", "itprov")
	w.install()
	again := w.post("/lapor/kirim", fields, zeros("a", 1))
	again.want(t, 422, "Daftar petugas baru saja berubah", "Penelaah Lima", "pilih lagi")
	w.nothing()
	fields = again.form(t, "/lapor/kirim")
	first := w.post("/lapor/kirim", fields)
	first.want(t, 200, "Catat kode ini")
	// Somebody leaves: the report goes to those who are left, and is the same.
	day := w.roster.Day
	for i := range w.roster.Members {
		if w.roster.Members[i].ID == "penelaah-lima" {
			w.roster.Members[i].Removed = &day
		}
	}
	w.install()
	w.post("/lapor/kirim", fields).want(t, 200, "sudah kami terima sebelumnya", first.code(t)[:4])
	// Nobody is left.
	checked := w.post("/lapor/periksa", with(typical(), "unit", "itkab"))
	for i := range w.roster.Members {
		if w.roster.Members[i].Unit == "itkab" {
			w.roster.Members[i].Removed = &day
		}
	}
	w.install()
	w.post("/lapor/kirim", checked.form(t, "/lapor/kirim")).want(t, 422, "Unit yang Anda pilih tidak dapat membaca laporan lagi", "Uang perjalanan dinas dibayar dua kali")
}

// TestTheKeyWitnessesChange between the check page and sending: nobody is told of
// others than those whose word it takes.
func TestTheKeyWitnessesChange(t *testing.T) {
	w := newWorld(t, config{})
	for _, name := range []id.Member{"saksi-satu", "saksi-dua"} {
		w.join(name, "Kantor "+string(name), "itjen")
		m := &w.roster.Members[len(w.roster.Members)-1]
		m.Roles, m.Address = []roster.Role{roster.KeyWitness}, "https://saksi.example/"
	}
	w.install()
	for _, c := range []struct {
		of   *roster.KeyWitnesses
		said string
	}{
		{&roster.KeyWitnesses{Need: 1, Of: []id.Member{"saksi-satu"}}, "Isinya baru dapat dibuka setelah Kantor saksi-satu mencatat pembukaannya."},
		{&roster.KeyWitnesses{Need: 2, Of: []id.Member{"saksi-satu", "saksi-dua"}}, "setelah 2 dari 2 lembaga ini mencatat pembukaannya: Kantor saksi-satu, Kantor saksi-dua."},
		{&roster.KeyWitnesses{Need: 1, Of: []id.Member{"saksi-satu", "saksi-dua"}}, "setelah 1 dari 2 lembaga ini"},
		{nil, ""},
	} {
		fields := w.sendable()
		first := w.post("/lapor/kirim", fields)
		first.want(t, 200, "Catat kode ini")
		w.roster.Units[0].KeyWitnesses = c.of
		w.install()
		again := w.post("/lapor/kirim", fields)
		again.want(t, 422, "Daftar petugas baru saja berubah", c.said)
		if c.of == nil && strings.Contains(again.body, "mencatat pembukaannya") {
			t.Error("key witnesses are named that aren't asked any more")
		}
		second := w.post("/lapor/kirim", again.form(t, "/lapor/kirim"))
		second.want(t, 200, "Catat kode ini")
		if second.code(t) == first.code(t) {
			t.Error("it was added to the case that other key witnesses open")
		}
	}
}

// TestTheOperatorReadsWhenTheVaultGoes, from a look now and then: no request
// makes a line.
func TestTheOperatorReadsWhenTheVaultGoes(t *testing.T) {
	w := newWorld(t, config{})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		w.intake.Watch(ctx, time.Millisecond)
		close(ended)
	}()
	says := func(text string, times int) {
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); strings.Count(w.log.String(), text) < times; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("the log doesn't say %q: %s", text, w.log)
			}
		}
	}
	for i := range 2 {
		w.stop()
		says(`msg="the vault does not answer`, i+1)
		w.get("/lapor/tulis").want(t, 503)
		w.stop = w.listen("deposit.sock", depositsock.Handler(w.vault))
		says(`msg="the vault takes deposits again`, i+1)
		w.get("/lapor/tulis").want(t, 200)
	}
	cancel()
	<-ended
	if got := w.log.String(); strings.Count(got, "\n") != 4 {
		t.Errorf("got\n%s", got)
	}
}

// liar is a vault that offers what the operator would like to be believed.
type liar struct {
	*vault.Vault
	roster func() []byte
	drop   id.Role // of objects, from look-ups
}

func (l *liar) SignedRoster() []byte {
	if l.roster != nil && l.roster() != nil {
		return l.roster()
	}
	return l.Vault.SignedRoster()
}

func (l *liar) DepositState() depositsock.State {
	s := l.Vault.DepositState()
	s.Roster = roster.Digest(l.SignedRoster())
	return s
}

func (l *liar) Lookup(ctx context.Context, at id.Lookup, w *frame.Writer) error {
	if l.drop == "" {
		return l.Vault.Lookup(ctx, at, w)
	}
	var all bytes.Buffer
	if err := l.Vault.Lookup(ctx, at, frame.NewWriter(&all)); err != nil {
		return err
	}
	r := frame.NewReader(&all, 0)
	var head depositsock.LookupAnswer
	if err := r.Head(&head); err != nil {
		return err
	}
	var kept []depositsock.StoredObject
	for _, o := range head.Objects {
		if o.Role != l.drop {
			kept = append(kept, o)
		}
	}
	head.Objects = kept
	if err := w.Head(head); err != nil {
		return err
	}
	for {
		o, body, err := r.Next()
		if errors.Is(err, io.EOF) {
			return w.Commit(struct{}{})
		}
		if err != nil {
			return err
		}
		b, err := io.ReadAll(body)
		if err != nil {
			return err
		}
		if o.Role != l.drop {
			if err := w.Object(o, b); err != nil {
				return err
			}
		}
	}
}

// TestARosterThatIsRefused: signed by another key, or of before, it decides
// nothing, and the operator is told once.
func TestARosterThatIsRefused(t *testing.T) {
	var offered []byte
	l := &liar{roster: func() []byte { return offered }}
	w := newWorld(t, config{lie: func(v *vault.Vault) depositsock.Vault {
		l.Vault = v
		return l
	}})
	first := w.signed
	w.get("/lapor/tulis").want(t, 200, "Penelaah Satu")
	w.join("penelaah-lima", "Penelaah Lima", "itprov")
	w.install()
	w.get("/lapor/tulis").want(t, 200, "Penelaah Lima")

	offered = first
	w.get("/lapor/tulis").want(t, 200, "Penelaah Lima")
	forged := *w.roster
	forged.Version++
	forged.Previous = roster.Digest(w.signed)
	root, _, _ := testkey.New(t, origin+"/root")
	w.join("penyusup-satu", "Penyusup Satu", "itprov")
	forged.Members = w.roster.Members
	var err error
	offered, err = forged.Sign(root)
	must(t, err)
	for range 3 {
		a := w.get("/lapor/tulis")
		a.want(t, 200, "Penelaah Lima")
		if strings.Contains(a.body, "Penyusup") {
			t.Error("a forged roster was believed")
		}
	}
	w.report(typical()).want(t, 200, "Catat kode ini")
	if got := w.log.String(); strings.Count(got, "refused") != 2 || !strings.Contains(got, "version 1, after version 2") {
		t.Errorf("the operator reads: %s", got)
	}
}

// TestACaseThatWasTamperedWith stops the page, and nothing can be sent.
func TestACaseThatWasTamperedWith(t *testing.T) {
	l := &liar{}
	w := newWorld(t, config{lie: func(v *vault.Vault) depositsock.Vault {
		l.Vault = v
		return l
	}})
	code := w.report(typical()).code(t)
	fields := with(w.post("/cek", url.Values{"kode": {code}}).form(t, "/cek/balas"), "teks", "halo")
	l.drop = id.RoleLetter
	for _, a := range []*answer{w.post("/cek", url.Values{"kode": {code}}), w.post("/cek/balas", fields, zeros("a", 1<<20))} {
		a.want(t, 200, "<h1>Berhenti: laporan Anda tidak utuh</h1>", "Sebagian dari yang Anda kirim hilang atau ditukar.", "Jalan Contoh 1")
		if strings.Contains(a.body, "/cek/balas") {
			t.Error("one can reply all the same")
		}
	}
	w.post("/en/cek", w.post("/cek", url.Values{"kode": {code}}).form(t, "/cek")).want(t, 200, "<h1>Stop: your report is not whole</h1>")
	l.drop = ""
	w.post("/cek", url.Values{"kode": {code}}).want(t, 200, "<h1>Status:")
}

// TestRequestsThatArentForms get a page, not an error of the server.
func TestRequestsThatArentForms(t *testing.T) {
	w := newWorld(t, config{})
	for kind, body := range map[string]string{
		"":                                  "apa=x",
		"application/x-www-form-urlencoded": "apa=x",
		"application/json":                  `{"apa":"x"}`,
		"multipart/form-data":               "--B\r\n\r\n--B--",
		"multipart/form-data; boundary=B":   "--B\r\nContent-Disposition: form-data\r\n\r\nx\r\n--B--",
		"multipart/form-data; boundary=\"B": "--B\r\n",
		"multipart/mixed; boundary=B":       "--B\r\nContent-Disposition: form-data; name=\"apa\"\r\n\r\nx\r\n--B--",
	} {
		for _, path := range []string{"/lapor/periksa", "/lapor/kirim", "/cek", "/cek/balas"} {
			r, err := http.Post(w.url+path, kind, strings.NewReader(body))
			must(t, err)
			w.read(r).want(t, 400, "<h1>Kiriman tidak dapat dibaca</h1>")
		}
	}
	for _, method := range []string{"PUT", "DELETE", "PATCH", "OPTIONS"} {
		req, err := http.NewRequest(method, w.url+"/cek", nil)
		must(t, err)
		r, err := http.DefaultClient.Do(req)
		must(t, err)
		if r.StatusCode/100 != 4 {
			t.Errorf("%s: %s", method, r.Status)
		}
		r.Body.Close()
	}
	if s := w.log.String(); s != "" {
		t.Errorf("the log tells of requests: %s", s)
	}
}

func TestPersonalNumbers(t *testing.T) {
	w := newWorld(t, config{})
	const notice = "Tulisan Anda memuat nomor seperti nomor KTP (NIK) atau telepon"
	w.post("/lapor/periksa", with(typical(), "saksi", "hubungi 0812-3456-7890")).want(t, 200, notice)
	if a := w.post("/lapor/periksa", typical()); strings.Contains(a.body, notice) {
		t.Error("a notice about nothing")
	}
	for s, want := range map[string]bool{
		"NIK 6371012345670001": true, "6371 0123 4567 0001": true, "63.71.01.234567.0001": true, "+62 812 3456 7890": true, "08123456789": true,
		"Rp2.500.000": false, "tahun 2026, bulan 3": false, "": false, "nomor 12345": false, "Rp 1.000.000.000.000": false,
	} {
		if got := intake.HasPersonalNumber(s); got != want {
			t.Errorf("%q: got %t", s, got)
		}
	}
}

// FuzzBody reads whatever is sent as a form: no panic, and what comes out is
// text within the bounds.
func FuzzBody(f *testing.F) {
	f.Add("--B\r\nContent-Disposition: form-data; name=\"apa\"\r\n\r\nisi\r\n--B\r\nContent-Disposition: form-data; name=\"berkas\"; filename=\"../a\"\r\nContent-Type: x/y\r\n\r\nisi\r\n--B--\r\n")
	f.Add("--B\r\nContent-Disposition: form-data; name=\"berkas\"; filename=\"\"\r\n\r\n\r\n--B--")
	f.Add("--B\r\nContent-Disposition: form-data; name=\"apa\"; filename*=UTF-8''%00\r\n\r\n\xff\x00\r\n--B--")
	f.Add("--B--")
	f.Add("")
	f.Fuzz(func(t *testing.T, body string) {
		r := httptest.NewRequest("POST", "/", strings.NewReader(body))
		r.Header.Set("Content-Type", "multipart/form-data; boundary=B")
		texts, files, _ := intake.ReadAll(r)
		total := 0
		for _, values := range texts {
			for _, v := range values {
				total += len(v)
				if !utf8.ValidString(v) || strings.ContainsFunc(v, func(c rune) bool { return unicode.IsControl(c) && c != '\n' && c != '\t' }) {
					t.Errorf("text %q", v)
				}
			}
		}
		for name, n := range files {
			if strings.ContainsAny(name, "/\\\x00\n") || !utf8.ValidString(name) || n > int64(len(body)) {
				t.Errorf("file %q of %d bytes", name, n)
			}
		}
		if total > 3*len(body) || total > 3*intake.MaxText {
			t.Errorf("%d bytes of text from %d", total, len(body))
		}
	})
}
