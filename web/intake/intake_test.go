package intake_test

import (
	"bytes"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"suluh.example/suluh/internal/report"
)

// TestAReportAndItsAnswer is the whole journey in both languages.
func TestAReportAndItsAnswer(t *testing.T) {
	w := newWorld(t, config{})
	w.get("/").want(t, 200, "<h1>Laporkan dugaan korupsi tanpa diketahui siapa Anda</h1>", `href="/lapor"`, `<a href="/en/" lang="en"`, "tanpa Tor Browser")
	w.get("/lapor").want(t, 200, "<h1>Lima hal sebelum Anda melapor</h1>", "Identitas baru", `href="/lapor/tulis"`)
	form := w.get("/lapor/tulis")
	form.want(t, 200, "<h1>Tulis laporan Anda</h1>", "Bagian 4 dari 4", "Penelaah Satu", "Tidak. Inspektorat Provinsi yang membaca")
	if got := form.Header.Get("Cache-Control"); got != "no-cache" {
		t.Errorf("Back would lose what was typed: Cache-Control is %q", got)
	}
	evidence := bytes.Repeat([]byte("bukti\x00"), 100_000)
	code := w.report(typical(), bytesFile("kuitansi.pdf", evidence), file{"berkas2", "", nil})
	code.want(t, 200, "<title>Catatan</title>", "<h1>Laporan diterima. Catat kode ini</h1>", `class="cut"`, "Kabar pertama ada paling lambat")
	words := code.code(t)
	if n := len(strings.Fields(words)); n != 10 {
		t.Fatalf("%d words: %s", n, words)
	}

	cases := w.cases("penelaah-satu")
	if len(cases) != 1 || len(w.cases("penelaah-tiga")) != 0 {
		t.Fatalf("%d cases", len(cases))
	}
	l := cases[0].letters[0]
	want := report.Report{What: "Uang perjalanan dinas dibayar dua kali", How: "Kuitansi dipakai lagi", Who: "bendahara", Category: "korupsi", Loss: "2,5 juta"}
	if *l.Report != want || l.Unit != "itprov" || l.Language != "id" {
		t.Errorf("letter: %+v", l)
	}
	if len(l.Attachments) != 1 || l.Attachments[0].Name != "kuitansi.pdf" || !bytes.Equal(cases[0].attachments[0], evidence) {
		t.Errorf("attachments: %+v", l.Attachments)
	}

	// By code, before and after an answer.
	w.get("/cek").want(t, 200, "<h1>Masukkan kode laporan</h1>")
	w.post("/cek", url.Values{"kode": {words}}).want(t, 200, "<h1>Status: Laporan diterima</h1>", "Belum ada pesan. Periksa lagi setelah", "Langkah berikutnya: paling lambat")
	w.answer("penelaah-satu", cases[0], report.Answer{Status: report.Incomplete, Text: "Bulan apa?\nTerima kasih."})
	status := w.post("/cek", url.Values{"kode": {strings.ToUpper(words)}})
	status.want(t, 200, "<h1>Status: Menunggu kelengkapan dari pelapor</h1>", "Kami butuh jawaban Anda paling lambat", "<bdi>Bulan apa?\nTerima kasih.</bdi>", "Dari Inspektorat Provinsi, ")
	if strings.Contains(status.body, "bendahara") || strings.Contains(status.body, "Penelaah") {
		t.Error("the page shows what was reported, or who answered")
	}

	// A reply with a file; sent again by a reload it is the same.
	fields := with(status.form(t, "/cek/balas"), "teks", "Bulan Maret")
	w.post("/cek/balas", fields, bytesFile("foto.jpg", []byte("isi"))).want(t, 200, `<p id="kabar">Balasan terkirim. 1 berkas dikirim apa adanya: jenis lain.</p>`, "Dari Anda, ", "1 lampiran ikut terkirim.")
	again := w.post("/cek/balas", fields, bytesFile("foto.jpg", []byte("isi")))
	again.want(t, 200, "Balasan ini sudah kami terima sebelumnya.")
	if strings.Contains(again.body, "Bulan Maret") {
		t.Error("the page shows what the reporter wrote")
	}
	if cases := w.cases("penelaah-satu"); len(cases[0].letters) != 2 || cases[0].letters[1].Text != "Bulan Maret" || string(cases[0].attachments[1]) != "isi" {
		t.Errorf("the reply arrived as %+v", cases[0].letters[1:])
	}

	// In English.
	en := w.post("/en/cek", url.Values{"kode": {words}})
	en.want(t, 200, "<h1>Status: Waiting for the reporter</h1>", "From Provincial Inspectorate, ", "From you, ", "1 attachment was sent with it.", `formaction="/cek"`)
}

// TestEveryPageInEveryLanguage goes through all of them; what each keeps is in
// checkPage. On none is anything of the other language left but the way to it.
func TestEveryPageInEveryLanguage(t *testing.T) {
	w := newWorld(t, config{})
	for prefix, word := range map[string]string{"": "Keluar cepat", "/en": "Leave quickly"} {
		pages := map[string]*answer{}
		for _, path := range []string{"/", "/lapor", "/lapor/tulis", "/cek", "/bantuan", "/bantuan/kode-hilang", "/entah", "/lapor/kirim"} {
			pages[path] = w.get(prefix + path)
		}
		pages["not a form"] = w.post(prefix+"/lapor/tulis", with(typical(), strings.Repeat("x", 99), "x"))
		pages["unit missing"] = w.post(prefix+"/lapor/periksa", url.Values{})
		checked := w.post(prefix+"/lapor/periksa", with(with(typical(), "tanpa", "penelaah-dua"), "saksi", "0812 3456 7890"))
		pages["check"] = checked
		fields := checked.form(t, prefix+"/lapor/kirim")
		pages["empty file"] = w.post(prefix+"/lapor/kirim", fields, zeros("a", 0))
		code := w.post(prefix+"/lapor/kirim", fields)
		pages["code"] = code
		tries := code.form(t, prefix+"/lapor/coba")
		pages["try"] = w.post(prefix+"/lapor/coba", tries)
		pages["try wrong"] = w.post(prefix+"/lapor/coba", with(tries, "kode", "satu"))
		pages["try right"] = w.post(prefix+"/lapor/coba", with(tries, "kode", code.code(t)))
		pages["show again"] = w.post(prefix+"/lapor/coba", with(tries, "lihat", "1"))
		pages["wrong code"] = w.post(prefix+"/cek", url.Values{"kode": {"satu"}})
		status := w.post(prefix+"/cek", url.Values{"kode": {code.code(t)}})
		pages["status"] = status
		pages["empty reply"] = w.post(prefix+"/cek/balas", status.form(t, prefix+"/cek/balas"))
		pages["reply"] = w.post(prefix+"/cek/balas", with(status.form(t, prefix+"/cek/balas"), "teks", "x"))
		titles := map[string]string{}
		for name, a := range pages {
			if !strings.Contains(a.body, word) {
				t.Errorf("%s%s: another language", prefix, name)
			}
			for _, m := range regexp.MustCompile(` (href|action)="(/[^"]*)"([^>]*)`).FindAllStringSubmatch(a.body, -1) {
				if strings.HasPrefix(m[2], "/en/") != (prefix == "/en") && !strings.Contains(m[3], "hreflang") {
					t.Errorf("%s%s: leads to another language: %s", prefix, name, m[2])
				}
			}
			title := regexp.MustCompile("<title>(.*)</title>").FindString(a.body)
			if a.Request.Method == "GET" && titles[title] != "" {
				t.Errorf("%s and %s have the same title: %s", name, titles[title], title)
			}
			titles[title] = name
		}
	}
}

// TestWhoReads: the choice decides whose keys the report is sealed to.
func TestWhoReads(t *testing.T) {
	w := newWorld(t, config{})
	form := w.get("/lapor/tulis")
	form.want(t, 200, `value="itjen"`, "Ya. Kirim ke Inspektorat Jenderal; Inspektorat Provinsi tidak dapat membacanya", `value="?"`, "Kirim ke Inspektorat Kabupaten Contoh, yang menangani pegawai Kabupaten Contoh")
	if strings.Contains(form.body, "Unit tanpa pembaca") || strings.Contains(form.body, " checked") {
		t.Error("a unit without readers is offered, or something is chosen already")
	}
	for unit, reads := range map[string]string{"itjen": "penelaah-tiga", "?": "penelaah-tiga", "itkab": "penelaah-empat"} {
		w.report(with(typical(), "unit", unit, "x")).want(t, 200, "Catat kode ini")
		if got := w.cases("penelaah-satu"); len(got) != 0 {
			t.Errorf("unit %s: the Inspektorat can read it", unit)
		}
		_ = reads
	}
	if a, b := len(w.cases("penelaah-tiga")), len(w.cases("penelaah-empat")); a != 2 || b != 1 {
		t.Errorf("%d and %d cases, want 2 and 1", a, b)
	}

	checked := w.post("/lapor/periksa", with(typical(), "tanpa", "penelaah-dua"))
	checked.want(t, 200, "Inspektorat Provinsi: Penelaah Satu</span></dd>", "<dt>Tidak boleh membaca</dt><dd>Penelaah Dua</dd>")
	w.post("/lapor/kirim", checked.form(t, "/lapor/kirim")).want(t, 200, "Catat kode ini")
	if a, b := len(w.cases("penelaah-satu")), len(w.cases("penelaah-dua")); a != 1 || b != 0 {
		t.Errorf("%d and %d cases, want 1 and 0", a, b)
	}

	for name, v := range map[string]url.Values{
		"Pilih siapa yang boleh membaca":                   with(typical(), "unit"),
		"Unit yang Anda pilih tidak dapat membaca laporan": with(typical(), "unit", "kosong"),
		"Semua petugas Inspektorat Provinsi":               with(typical(), "tanpa", "penelaah-satu", "penelaah-dua"),
	} {
		w.post("/lapor/periksa", v).want(t, 422, name, "<title>Ada masalah: Tulis laporan Anda", "Uang perjalanan dinas dibayar dua kali")
	}
}

// TestAForwardedReport shows the main queue's own days, and the number and the
// address that its answer came with, as text.
func TestAForwardedReport(t *testing.T) {
	w := newWorld(t, config{})
	words := w.report(typical()).code(t)
	w.answer("penelaah-satu", w.cases("penelaah-satu")[0], report.Answer{Status: report.Forwarded, Text: "Nomor pengaduan: 1234567\nhttps://antrean.example/pengaduan/1234567"})
	status := w.post("/cek", url.Values{"kode": {words}})
	status.want(t, 200, "<h1>Status: Dialihkan sebagai pengaduan umum</h1>", "diperiksa dalam 3 hari kerja. Jawaban pertama ada dalam 5 hari kerja. Tindak lanjutnya selesai dalam 14 hari kerja",
		"<bdi>Nomor pengaduan: 1234567\nhttps://antrean.example/pengaduan/1234567</bdi>")
	if strings.Contains(status.body, `href="https://antrean`) {
		t.Error("a link leads out of the page")
	}
	w.post("/en/cek", url.Values{"kode": {words}}).want(t, 200, "verified there within 3 working days, answered within 5, and done within 14")
	// What a script says of it has the days in it already.
	w.get("/peramban/bagian").want(t, 200, `<p data-key="intake.status.about.forwarded">`, "diperiksa dalam 3 hari kerja. Jawaban pertama ada dalam 5 hari kerja")
}

// TestARefusalToForward: people are told what may be forwarded before they
// send, and a refusal is in what the readers open. Refusing it later is a change
// of the same report.
func TestARefusalToForward(t *testing.T) {
	w := newWorld(t, config{})
	form := w.get("/lapor/tulis")
	form.want(t, 200, "tidak pernah masuk SP4N-LAPOR!", "Jangan teruskan ke antrean umum (SP4N-LAPOR!)")
	if len(form.form(t, "/lapor/periksa")["jangan_diteruskan"]) > 0 {
		t.Error("it is refused before anybody refused it")
	}
	w.get("/en/lapor/tulis").want(t, 200, "never goes to SP4N-LAPOR!", "Do not forward to the public queue (SP4N-LAPOR!)")
	may := w.post("/lapor/periksa", typical())
	may.want(t, 200, "<dt>Antrean umum (SP4N-LAPOR!)</dt><dd><bdi>Boleh diteruskan, jika bukan dugaan pelanggaran</bdi></dd>")
	w.post("/lapor/kirim", may.form(t, "/lapor/kirim")).want(t, 200, "Catat kode ini")

	refused := w.post("/lapor/periksa", with(may.form(t, "/lapor/tulis"), "jangan_diteruskan", "1"))
	refused.want(t, 200, "<dt>Antrean umum (SP4N-LAPOR!)</dt><dd><bdi>Jangan diteruskan</bdi></dd>")
	w.post("/lapor/kirim", refused.form(t, "/lapor/kirim")).want(t, 200, "Perubahan Anda kami tambahkan")
	w.post("/lapor/kirim", refused.form(t, "/lapor/kirim")).want(t, 200, "Laporan ini sudah kami terima sebelumnya.")
	cases := w.cases("penelaah-satu")
	if len(cases) != 1 || len(cases[0].letters) != 2 {
		t.Fatalf("%d cases", len(cases))
	}
	// Letters of one day come in any order.
	if a, b := cases[0].letters[0].Report.Keep, cases[0].letters[1].Report.Keep; a == b {
		t.Errorf("the readers get %v and %v", a, b)
	}
}

// TestNothingTypedIsLost: everything comes back on the way through the pages,
// in the other language, and where something has to be put right.
func TestNothingTypedIsLost(t *testing.T) {
	w := newWorld(t, config{})
	full := url.Values{
		"unit": {"itprov"}, "tanpa": {"penelaah-dua"}, "jenis": {"unknown"},
		"apa": {"\n\nbaris satu\n  baris dua\t\"<b>&amp;"}, "bagaimana": {"b'"}, "mengapa": {"m"}, "siapa": {"s"}, "mana": {"di\nmana"},
		"kapan": {"k"}, "rugi": {"> 2,5 juta"}, "saksi": {"saksi"}, "sudah": {"sudah"}, "jangan_diteruskan": {"1"},
	}
	same := func(t *testing.T, got url.Values) {
		t.Helper()
		for name, want := range full {
			if strings.Join(got[name], "|") != strings.Join(want, "|") {
				t.Errorf("%s: got %q, want %q", name, got[name], want)
			}
		}
	}
	checked := w.post("/lapor/periksa", full)
	same(t, checked.form(t, "/lapor/kirim"))
	same(t, checked.form(t, "/lapor/tulis"))
	back := w.post("/lapor/tulis", checked.form(t, "/lapor/tulis"))
	back.want(t, 200, "<details open>")
	same(t, back.form(t, "/lapor/periksa"))
	if a, b := checked.form(t, "/lapor/kirim")["sekali"], back.form(t, "/lapor/periksa")["sekali"]; len(a) != 1 || len(a[0]) != 64 || b[0] != a[0] {
		t.Errorf("the one-time value changes on the way back: %v, %v", a, b)
	}
	en := w.post("/en/lapor/tulis", back.form(t, "/lapor/periksa"))
	en.want(t, 200, "<h1>Write your report</h1>")
	same(t, en.form(t, "/en/lapor/periksa"))
	en = w.post("/en/lapor/periksa", checked.form(t, "/lapor/tulis"))
	en.want(t, 200, "<h1>Check and send your report</h1>")
	same(t, en.form(t, "/en/lapor/kirim"))
	delete(full, "unit")
	wrong := w.post("/lapor/periksa", full)
	wrong.want(t, 422)
	same(t, wrong.form(t, "/lapor/periksa"))
}

// TestSentTwice gives one case and one code; sent again changed, it is added.
func TestSentTwice(t *testing.T) {
	w := newWorld(t, config{})
	checked := w.post("/lapor/periksa", typical())
	fields := checked.form(t, "/lapor/kirim")
	first := w.post("/lapor/kirim", fields, bytesFile("a", []byte("a")))
	again := w.post("/lapor/kirim", fields, bytesFile("a", []byte("a")))
	again.want(t, 200, "Laporan ini sudah kami terima sebelumnya.", "<h1>Laporan diterima. Catat kode ini</h1>")
	changed := w.post("/lapor/kirim", with(fields, "apa", "Lebih banyak"))
	changed.want(t, 200, "Perubahan Anda kami tambahkan")
	if a, b, c := first.code(t), again.code(t), changed.code(t); a != b || b != c {
		t.Error("the codes differ")
	}
	if got := w.cases("penelaah-satu"); len(got) != 1 || len(got[0].letters) != 2 {
		t.Errorf("%d cases", len(got))
	}
}

// TestTheCodeCanBeTried without it being on the page, as long as the page has
// what it comes from.
func TestTheCodeCanBeTried(t *testing.T) {
	w := newWorld(t, config{})
	code := w.report(with(typical(), "tanpa", "penelaah-dua"))
	words := strings.Fields(code.code(t))
	fields := code.form(t, "/lapor/coba")
	if len(fields["apa"]) > 0 {
		t.Error("the report goes along with the code")
	}
	fields.Del("lihat")
	empty := w.post("/lapor/coba", fields)
	empty.want(t, 200, "<h1>Coba kode dari kertas Anda</h1>")
	if strings.Contains(empty.body, words[3]+"<") {
		t.Error("the code is still on the page")
	}
	try := func(s string) *answer {
		v := empty.form(t, "/lapor/coba")
		v["kode"] = []string{s}
		return w.post("/lapor/coba", v)
	}
	right := try(strings.Join(words, "-"))
	right.want(t, 200, "Kode benar. Simpan kertas itu di tempat aman.")
	w.post("/en/lapor/coba", with(right.form(t, "/lapor/coba"), "bahasa", "1")).want(t, 200, "<h1>The code is right</h1>")
	w.post("/en/lapor/coba", with(with(empty.form(t, "/lapor/coba"), "bahasa", "1"), "kode", "satu du")).want(t, 200, "<h1>Try the code from your paper</h1>", "satu du</textarea>")
	if a := try(strings.Join(words[:9], " ")); true {
		a.want(t, 422, "Kode punya sepuluh kata. Anda memasukkan 9", words[8])
	}
	swapped := append([]string{}, words...)
	swapped[3] = words[4] // a known word at the wrong place
	try(strings.Join(swapped, " ")).want(t, 422, "Kata ke-4 tidak sama dengan kode Anda")
	swapped[3] = "xxxxxxx"
	try(strings.Join(swapped, " ")).want(t, 422, "Kata ke-4, “xxxxxxx”, tidak ada dalam daftar")
	try("").want(t, 422, "Masukkan kode laporan")
	other := w.report(typical()).code(t)
	try(other).want(t, 422, "Kata-kata ini bukan kode laporan yang baru Anda kirim")
	v := empty.form(t, "/lapor/coba")
	v.Set("lihat", "1")
	if got := w.post("/lapor/coba", v).code(t); got != strings.Join(words, " ") {
		t.Errorf("shown once more: %s", got)
	}
	if got := w.post("/en/lapor/coba", v); got.code(t) != strings.Join(words, " ") || !strings.Contains(got.body, "<title>Catatan</title>") {
		t.Error("in English the code or the title differ")
	}
	w.post("/lapor/coba", url.Values{}).want(t, 405, "tidak dapat dibuka langsung")
}

// TestCodesAsTheyAreTyped: what is wrong is named, and what was typed stays.
func TestCodesAsTheyAreTyped(t *testing.T) {
	w := newWorld(t, config{})
	words := strings.Fields(w.report(typical()).code(t))
	typo := append([]string{}, words...)
	typo[2] += "z"
	w.post("/cek", url.Values{"kode": {"1. " + strings.Join(typo, "\n2) ")}}).want(t, 200, "Kami membaca kata ke-3 sebagai “"+words[2]+"”.", "<h1>Status:")
	unknown := strings.Fields(w.post("/lapor/kirim", w.post("/lapor/periksa", typical()).form(t, "/lapor/kirim")).code(t))
	_ = unknown
	for typed, want := range map[string]string{
		"":                                    "Masukkan kode laporan",
		"satu dua":                            "Anda memasukkan 2",
		strings.Repeat("qqqqqq ", 10):         "Kata ke-1, “qqqqqq”, tidak ada dalam daftar",
		strings.Repeat(words[0]+" ", 10):      "Kata-katanya dikenal, tetapi kode ini tidak cocok",
		"<script>alert(1)</script> x y z":     "Anda memasukkan 6",
		strings.Repeat("\u202egnihtyna ", 10): "tidak ada dalam daftar",
	} {
		a := w.post("/cek", url.Values{"kode": {typed}})
		a.want(t, 422, want, "<title>Ada masalah: Masukkan kode laporan")
		if got := a.form(t, "/cek").Get("kode"); got != typed {
			t.Errorf("typed %q, comes back as %q", typed, got)
		}
		if strings.Contains(script.ReplaceAllString(a.body, ""), "<script") {
			t.Error("markup was let through")
		}
	}
	// Only the language is changed: nothing is wrong yet.
	w.post("/en/cek", url.Values{"kode": {"satu du"}, "bahasa": {"1"}}).want(t, 200, "<h1>Enter your report code</h1>", "satu du")
}

func TestAddressesThatLeadNowhere(t *testing.T) {
	w := newWorld(t, config{})
	w.get("/entah").want(t, 404, "<h1>Halaman tidak ditemukan</h1>", `href="/cek"`)
	w.get("/en/entah").want(t, 404, "<h1>Page not found</h1>")
	for _, path := range []string{"/lapor/periksa", "/lapor/kirim", "/lapor/coba", "/lapor/tanda-terima", "/cek/balas", "/cek/hapus"} {
		a := w.get(path)
		a.want(t, 405, "<h1>Halaman ini tidak dapat dibuka langsung</h1>", `href="/cek"`)
		if a.Header.Get("Allow") != "POST" {
			t.Errorf("%s: Allow is %q", path, a.Header.Get("Allow"))
		}
		w.get("/en"+path).want(t, 405, `href="/en/cek"`)
	}
	w.post("/lapor", url.Values{}).want(t, 405)
	w.get("/bantuan").want(t, 200, "Jalan Contoh 1, Kota Contoh", "KPK")
	w.get("/en/bantuan").want(t, 200, "<h1>Help</h1>")
	w.get("/bantuan/kode-hilang").want(t, 200, "<h1>Kode tidak dapat dipulihkan</h1>")
	req, err := http.NewRequest("POST", w.url+"/cek", strings.NewReader(""))
	must(t, err)
	req.Header.Set("Origin", "http://lain.example")
	r, err := http.DefaultClient.Do(req)
	must(t, err)
	w.read(r).want(t, 403, "<h1>Kiriman ini datang dari situs lain</h1>")
}
