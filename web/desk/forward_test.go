package desk_test

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/member"
	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/internal/submission"
	"suluh.example/suluh/internal/testvault"
	"suluh.example/suluh/internal/textbrowser"
	"suluh.example/suluh/vault/membersock"
)

const (
	four    id.Member = "penyetuju-dua"
	carrier id.Member = "penerus"
)

// complaint is a report that is one for the queue.
func complaint(what, who string) submission.Form {
	f := testvault.Form("itprov")
	f.Report = report.Report{What: what, Who: who, Where: "Jalan Melati 5", When: "pukul 07.15", Others: "Bu Sulastri Wahyuni"}
	return f
}

// queueOffice is an office with a second approver and a forwarder.
func queueOffice(t *testing.T) *office {
	t.Helper()
	w := testvault.New(t)
	w.Join(four, "Penyetuju Dua", "itprov", roster.Reader, roster.Approver)
	w.Join(carrier, "Penerus", "itprov", roster.Forwarder)
	return newOffice(t, w, w.Member)
}

// as is a session of a member beside the desk.
func (o *office) as(m id.Member) *member.Session {
	o.t.Helper()
	clock, err := report.DefaultClock()
	must(o.t, err)
	s, err := member.Open(o.t.Context(), member.Config{Vault: o.Member, Identity: o.Who[m], Root: o.Root, Clock: clock})
	must(o.t, err)
	o.t.Cleanup(s.Close)
	return s
}

// sort says of a case's page that it is a general complaint.
func sortIt(c *textbrowser.Page, class string) *textbrowser.Page {
	return c.Follow("Pilah kasus").Press("Simpan", map[string]string{"golongan": class})
}

// carry does what a forwarder does with all that waits.
func (o *office) carry(d report.Outcome, results ...accesslog.Result) {
	o.t.Helper()
	s := o.as(carrier)
	for _, r := range results {
		all, err := s.Collect(o.t.Context())
		must(o.t, err)
		if len(all) != 1 {
			o.t.Fatalf("%d items to carry", len(all))
		}
		if r == "" {
			must(o.t, s.Begin(o.t.Context(), all[0]))
			continue
		}
		d.Result = r
		must(o.t, s.Outcome(o.t.Context(), all[0], d, nil))
	}
}

// TestFromTriageToTheQueue is the whole way of a complaint, each step by a
// person at the desk.
func TestFromTriageToTheQueue(t *testing.T) {
	o := queueOffice(t)
	const phone = "0812-5000-1234"
	o.Send(complaint("Lampu jalan mati sejak Pak Budi Santoso pindah.\n\nHubungi budi santoso di "+phone+", gudang biru. Gudang Biru itu kosong.", "Budi Santoso, mandor"))
	c := o.unlock(testvault.Two).Follow("Lampu jalan mati")
	says(t, c, "Belum ditentukan", "Golongan kasus ini belum ditentukan")
	says(t, textbrowserOf(t, c, "/kasus/"+caseOf(c)+"/teruskan"), "Pilah dulu kasus ini")

	c = sortIt(c, "general")
	says(t, c, "Kasus sudah dipilah.", "Tidak berkadar pengawasan", "Penelaah Dua memilah kasus")

	// What the rules find is masked everywhere, what they don't can be.
	p := c.Follow("Samarkan dan teruskan")
	if p.Heading() != "Periksa teks yang akan diteruskan" || p.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%q, %q", p.Heading(), p.Header.Get("Cache-Control"))
	}
	reads(t, p, "Lampu jalan mati sejak Pak [NAMA] pindah.", "Hubungi [NAMA] di [TELEPON], gudang biru.", "Tidak ikut terkirim: lampiran, kode, nomor kasus, dan tanggal tepat.",
		"Budi Santoso (1 NAMA)", "2 penyamaran: ganti kembali?", "bentuk nomor telepon", "pukul 07.15")
	p = p.Press("Perbarui penyamaran", map[string]string{"kata": "gudang BIRU", "jenis": "ALAMAT"})
	reads(t, p, "di [TELEPON], [ALAMAT]. [ALAMAT] itu kosong.", "3 penyamaran", "Anda menambahkannya", "Di 2 tempat.")
	p = p.Press("Perbarui penyamaran", map[string]string{"kata": "tidak ada ini"})
	says(t, p, "Kata ini tidak ada dalam teks", "[ALAMAT] itu kosong.")
	if got, _ := p.Value("kata"); got != "tidak ada ini" {
		t.Errorf("what was typed came back as %q", got)
	}

	// A change by hand is masked as well; nothing is lost on the way back.
	typed, _ := p.Value("teks")
	p = p.Press("Lanjut: periksa", map[string]string{"kata": "", "judul": "Lampu jalan mati", "teks": typed + "\nTelepon juga 0813 5000 4321."})
	if p.Heading() != "Baca sekali lagi, lalu simpan" {
		t.Fatalf("%q: %s", p.Heading(), p.Text())
	}
	const sent = "Lampu jalan mati sejak Pak [NAMA] pindah. Hubungi [NAMA] di [TELEPON], [ALAMAT]. [ALAMAT] itu kosong. Telepon juga [TELEPON]."
	says(t, p, sent)
	silent(t, p, "Budi", phone, "gudang")
	back := p.Press("Kembali dan ubah", nil)
	if got, _ := back.Value("teks"); got != typed+"\nTelepon juga 0813 5000 4321." {
		t.Errorf("the text came back as %q", got)
	}
	says(t, back, "[ALAMAT] itu kosong.")
	c = p.Press("Simpan dan minta persetujuan", nil)
	says(t, c, "Teks tersimpan.", "Menunggu persetujuan", "Penelaah Dua menyiapkan penerusan")
	p.Press("Simpan dan minta persetujuan", nil) // a double click
	if n := strings.Count(textbrowserOf(t, c, "/kasus/"+caseOf(c)).Text(), "menyiapkan penerusan"); n != 1 {
		t.Errorf("prepared %d times", n)
	}
	says(t, c.Follow("Periksa dan setujui"), "Hanya penyetuju dari unit yang menangani kasus ini")

	// The approver sends it back once, with a reason.
	box := o.unlock(testvault.One).Follow("Penerusan")
	if box.Heading() != "Penerusan: 1 perlu tindakan" {
		t.Errorf("%q", box.Heading())
	}
	says(t, box, "Menunggu persetujuan 1, paling lama sejak", "Penyetuju: baca, lalu setujui atau kembalikan.")
	a := box.Follow("Periksa dan setujui")
	says(t, a, sent, "Disiapkan oleh Penelaah Dua", "Lampu jalan mati sejak Pak Budi Santoso pindah.")
	says(t, a.Press("Kembalikan untuk diubah", nil), "Tulis apa yang harus diubah")
	returned := a.Press("Kembalikan untuk diubah", map[string]string{"teks": "Sebutkan nama kabupaten."})
	says(t, returned, "Teks dikembalikan", "Sebutkan nama kabupaten.", "Dikembalikan")
	says(t, a.Press("Setujui dan kirim", nil), "Tidak ada teks yang menunggu persetujuan")

	// Who prepared it goes on from it.
	p = textbrowserOf(t, c, "/kasus/"+caseOf(c)+"/teruskan")
	says(t, p, "Penyetuju mengembalikan teks ini:", "Sebutkan nama kabupaten.", "[ALAMAT] itu kosong.")
	typed, _ = p.Value("teks")
	p.Press("Lanjut: periksa", map[string]string{"teks": typed + " Kabupaten Contoh."}).Press("Simpan dan minta persetujuan", nil)

	// Old pages of the approver approve nothing else.
	says(t, a.Press("Setujui dan kirim", nil), "Teksnya sudah diganti", "Kabupaten Contoh.")
	a = textbrowserOf(t, a, a.URL.Path[:strings.LastIndex(a.URL.Path, "/")]+"/setujui")
	says(t, a, "Kabupaten Contoh.")
	done := a.Press("Setujui dan kirim", nil)
	says(t, done, "Disetujui. Teks dikirim", "Menunggu dikirim", "Disetujui oleh Penelaah Satu", "Penelaah Satu menyetujui penerusan")
	says(t, a.Press("Setujui dan kirim", nil), "Menunggu dikirim") // a double click

	// The forwarder has these very words, and not a word besides.
	all, err := o.as(carrier).Collect(t.Context())
	must(t, err)
	if len(all) != 1 || strings.Join(strings.Fields(all[0].Item.Text), " ") != sent+" Kabupaten Contoh." || all[0].Item.Title != "Lampu jalan mati" {
		t.Fatalf("to be sent: %+v", all)
	}

	// The forwarder dies while it sends: a person asks the queue by the reference.
	o.carry(report.Outcome{}, "")
	box = box.Follow("Penerusan")
	says(t, box, "Sedang dikirim")
	d := box.Follow("Putuskan kelanjutannya").Press("Lanjut: periksa", map[string]string{"status": "unknown"}).Press("Simpan keputusan", nil)
	says(t, d, "Belum pasti terkirim. Jangan kirim ulang: cari nomor "+all[0].Item.Reference+" di antrean.")
	box = box.Follow("Penerusan")
	says(t, box, "Belum pasti terkirim", "Jangan kirim ulang")
	d = box.Follow("Putuskan kelanjutannya")
	says(t, d, "Belum pasti terkirim. Jangan kirim ulang: cari nomor "+all[0].Item.Reference+" di antrean.")
	says(t, d.Press("Lanjut: periksa", nil), "Pilih keputusan")
	check := d.Press("Lanjut: periksa", map[string]string{"status": "sent", "lacak": "1234567", "teks": "Ada di halaman dua."})
	says(t, check, "Saya menemukannya di antrean", "1234567", "Ada di halaman dua.")
	again := check.Press("Kembali dan ubah", nil)
	if got, _ := again.Value("lacak"); got != "1234567" {
		t.Errorf("the number came back as %q", got)
	}
	done = check.Press("Simpan keputusan", nil)
	says(t, done, "Keputusan Anda tercatat.", "Terkirim", "Nomor pelacakan 1234567", "Ada di halaman dua.", "memutuskan tentang penerusan: Terkirim.")
	check.Press("Simpan keputusan", nil)

	o.carry(report.Outcome{Word: "<b>Selesai\u202e</b>", Status: report.Closed, Text: "Sudah diganti.", Final: true, Tracking: "1234567", Link: "https://antrean.example/1234567"}, accesslog.ResultDone)
	c = textbrowserOf(t, done, done.URL.Path)
	says(t, c, "Selesai di antrean", "Sudah diganti.", "<b>Selesai�</b>", "https://antrean.example/1234567", "Penerus mencatat hasil penerusan: Jawaban terakhir antrean.")
	if bytes.Contains(c.Body, []byte("<b>Selesai")) || bytes.Contains(c.Body, []byte("\u202e")) {
		t.Error("what the queue says is not shown as text")
	}
	says(t, c.Follow("Kotak masuk"), "Penerusan: Selesai di antrean")
}

// caseOf is the case of a page's address.
func caseOf(p *textbrowser.Page) string {
	parts := strings.Split(p.URL.Path, "/")
	for i, x := range parts {
		if x == "kasus" {
			return parts[i+1]
		}
	}
	return ""
}

// TestOneWhoIsAlone: who prepared a text can't approve it, but where the roster
// says that a unit has one person; then the page and the record say so.
func TestOneWhoIsAlone(t *testing.T) {
	o := queueOffice(t)
	o.Send(complaint("Jam buka puskesmas tidak jelas.", ""))
	c := sortIt(o.unlock(testvault.One).Follow("Jam buka"), "information")
	c = c.Follow("Samarkan").Press("Lanjut", nil).Press("Simpan dan minta", nil)
	a := c.Follow("Periksa dan setujui")
	says(t, a, "Anda yang menyiapkan teks ini. Anggota lain harus menyetujuinya.")
	if has(a, "Setujui dan kirim") || has(a, "Setujui sendiri dan kirim") {
		t.Error("there is a button to approve one's own text")
	}
	o.Change(func(r *roster.Roster) { r.Units[0].Alone = true })
	a = o.unlock(testvault.One).Follow("Jam buka").Follow("Periksa dan setujui")
	says(t, a, "Catatan akses menyebut bahwa satu orang melakukan keduanya.")
	done := a.Press("Setujui sendiri dan kirim", nil)
	says(t, done, "Menunggu dikirim", "Penelaah Satu, yang juga menyiapkannya", "menyetujui penerusan yang ia siapkan sendiri")
}

// TestWhatIsNotForwarded: the reporter's wish, and what concerns oversight.
func TestWhatIsNotForwarded(t *testing.T) {
	o := queueOffice(t)
	kept := complaint("Jalan rusak di depan pasar.", "")
	kept.Report.Keep = true
	o.Send(kept)
	o.Send(complaint("Suap di loket.", ""))
	inbox := o.unlock(testvault.One)
	cookie := o.cookie(testvault.One)
	c := sortIt(inbox.Follow("Jalan rusak"), "general")
	says(t, c, "Pelapor meminta: jangan diteruskan.")
	for _, x := range []struct {
		c    *textbrowser.Page
		says string
	}{{c, "Pelapor meminta: jangan diteruskan."}, {sortIt(inbox.Follow("Suap di loket"), "oversight"), "Kasus ini berkadar pengawasan."}} {
		if has(x.c, "Samarkan dan teruskan") {
			t.Error("a link leads to what is refused")
		}
		at := "/kasus/" + caseOf(x.c) + "/teruskan"
		says(t, textbrowserOf(t, x.c, at), x.says)
		for _, path := range []string{"", "/periksa", "/simpan"} {
			status, body := o.post(cookie, at+path, url.Values{"judul": {"x"}, "teks": {"y"}, "sekali": {member.NewOnce().String()}})
			if status != http.StatusConflict || !strings.Contains(body, x.says) {
				t.Errorf("POST %s: %d %s", path, status, body)
			}
		}
		says(t, textbrowserOf(t, x.c, "/kasus/"+caseOf(x.c)+"/setujui"), "Tidak ada teks yang menunggu persetujuan")
		says(t, textbrowserOf(t, x.c, "/kasus/"+caseOf(x.c)+"/putuskan"), "Tidak ada yang harus diputuskan")
	}
	says(t, inbox.Follow("Penerusan"), "Penerusan: 0 perlu tindakan", "Belum ada kasus yang diteruskan.")
}

// reads is says of a text in which masks are: they are nodes of their own.
func reads(t *testing.T, p *textbrowser.Page, texts ...string) {
	t.Helper()
	text := strings.NewReplacer(" ,", ",", " .", ".").Replace(p.Text())
	for _, x := range texts {
		if !strings.Contains(text, x) {
			t.Errorf("%s doesn't say %q:\n%s", p.URL.Path, x, text)
		}
	}
}

// has tells whether a page has a link or a button with the words.
func has(p *textbrowser.Page, words string) bool {
	return bytes.Contains(p.Body, []byte(">"+words+"<"))
}

// post sends what no form of ours would, from the same site.
func (o *office) post(c *http.Cookie, path string, values url.Values) (status int, body string) {
	o.t.Helper()
	r := o.raw("POST", path, c, nil, values.Encode())
	b, err := io.ReadAll(r.Body)
	must(o.t, err)
	must(o.t, r.Body.Close())
	return r.StatusCode, string(b)
}

// TestHostileTextsOnTheirWay: whatever stands in a report or is typed, each page
// shows it as text, and what is approved is what was shown.
func TestHostileTextsOnTheirWay(t *testing.T) {
	for name, text := range map[string]string{
		"markup":     `<script>alert(1)</script><img src=x onerror=alert(2)>"'></textarea><mark>[NAMA]</mark>`,
		"turned":     "kas\u202egpj.exe\u2066 dan \x1b[31m\x00\x07 Pak B\u200bu\u200bdi Santoso",
		"digits":     strings.Repeat("6371011203800001 ", 3000),
		"one number": strings.Repeat("7", 100_000),
		"arabic":     "رقم الهاتف ٠٨١٢٥٠٠٠١٢٣٤ عند محمد\nlalu",
		"marks":      "[NAMA] [NIK] [JABATAN] [ALAMAT",
		"long":       strings.Repeat("Pak Budi Santoso menelepon 0812-5000-1234 dari Jl. Melati No. 5. ", 15_000), // nearly 1 MB
		"no words":   strings.Repeat("\n", 1000) + "…",
		"line ends":  "a" + strings.Repeat("\n", 900_000) + "b",
		"templates":  "{{.Text}} ${1} %s \\1 &amp;lt;",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := queueOffice(t)
			f := complaint(text, "")
			f.Report.How = "Uji naskah"
			o.Send(f)
			s := o.as(testvault.Two)
			items, err := s.List(t.Context())
			must(t, err)
			of := items[0].Case
			must(t, s.Triage(t.Context(), of, member.NewOnce(), member.Triage{Class: report.General, Title: "Uji"}))
			p := textbrowserOf(t, o.unlock(testvault.Two), "/kasus/"+string(of)+"/teruskan")
			check := p.Press("Lanjut", nil)
			again := check.Press("Kembali dan ubah", nil).Press("Perbarui", nil)
			one, _ := p.Value("teks")
			two, _ := again.Value("teks")
			if one != two || one == "" {
				t.Errorf("the text changed on its way: %.200q, %.200q", one, two)
			}
			saved := check.Press("Simpan dan minta persetujuan", nil)
			a := textbrowserOf(t, o.unlock(testvault.One), "/kasus/"+string(of)+"/setujui")
			for _, x := range []*textbrowser.Page{p, check, again, saved, a} {
				if x.Status != http.StatusOK {
					t.Fatalf("%s: %d %.300s", x.URL.Path, x.Status, x.Text())
				}
				for _, bad := range []string{"<script>alert", "<img", "\u202e", "\x1b", "\x00", "\x07"} {
					if bytes.Contains(x.Body, []byte(bad)) {
						t.Errorf("%s has %q in it", x.URL.Path, bad)
					}
				}
			}
			silent(t, a, "Teks ini memuat karakter yang tidak tampak")
			silent(t, check, "0812-5000-1234", "6371011203800001", "Santoso")
			a.Press("Setujui dan kirim", nil)
			all, err := o.as(carrier).Collect(t.Context())
			must(t, err)
			if len(all) != 1 || !strings.Contains(check.Text(), strings.Join(strings.Fields(all[0].Item.Text), " ")) {
				t.Errorf("what is sent isn't what was shown")
			}
		})
	}
}

// TestATextThatTheVaultWontTake comes back as it was, to be made shorter.
func TestATextThatTheVaultWontTake(t *testing.T) {
	o := queueOffice(t)
	o.Send(complaint("Lampu mati.", ""))
	p := sortIt(o.unlock(testvault.Two).Follow("Lampu mati"), "general").Follow("Samarkan")
	says(t, p.Press("Lanjut", map[string]string{"teks": strings.Repeat("Lampu mati. ", 100_000)}), "Teks terlalu panjang. Paling banyak 1.048.576 bita")
	long := strings.Repeat("<", 1<<20) // each takes six bytes of the document
	check := p.Press("Lanjut", map[string]string{"teks": long})
	failed := check.Press("Simpan dan minta persetujuan", nil)
	says(t, failed, "Teks terlalu panjang untuk vault.")
	if got, _ := failed.Press("Kembali dan ubah", nil).Value("teks"); got != long {
		t.Errorf("%d bytes came back", len(got))
	}
}

// TestMasksAreTakenBackAndAdded: each for all of its places, and kept over
// changes and errors.
func TestMasksAreTakenBackAndAdded(t *testing.T) {
	o := queueOffice(t)
	o.Send(complaint("Pak Budi Santoso dan Bu Rahmawati datang. Budi Santoso pulang. Bendahara Dinas Pasar ikut.", ""))
	p := sortIt(o.unlock(testvault.Two).Follow("datang"), "general").Follow("Samarkan")
	says(t, p, "Pak [NAMA] dan Bu [NAMA] datang. [NAMA] pulang.", "2 penyamaran")
	key := p.Box("kembali", "1. Budi Santoso")
	p = p.Press("Perbarui penyamaran", map[string]string{"kembali": key})
	says(t, p, "Pak Budi Santoso dan Bu [NAMA] datang. Budi Santoso pulang.", "1 penyamaran", "Budi Santoso (1 NAMA, terbaca)")
	left := p.Box("samarkan", "Bendahara Dinas Pasar")
	if left == "" {
		t.Fatalf("nothing is said of a job with its unit:\n%s", p.Text())
	}
	p = p.Press("Perbarui penyamaran", map[string]string{"samarkan": left})
	says(t, p, "[JABATAN] ikut.", "Pak Budi Santoso dan Bu [NAMA]")

	// The page before sending says what can be read still.
	check := p.Press("Lanjut", map[string]string{"judul": ""})
	says(t, check, "Tulis judul")
	check = check.Press("Lanjut", map[string]string{"judul": strings.Repeat("j", 200)})
	says(t, check, "Judul terlalu panjang")
	check = check.Press("Lanjut", map[string]string{"judul": "Tentang itu", "teks": ""})
	says(t, check, "Tulis teks yang akan diteruskan")
	check = p.Press("Lanjut", map[string]string{"judul": "Tentang Budi Santoso dan Rahmawati"})
	says(t, check, "Mungkin masih pribadi", "Budi Santoso", "Tentang Budi Santoso dan [NAMA]")

	// Taken up again.
	p = check.Press("Kembali dan ubah", nil).Press("Perbarui penyamaran", map[string]string{"kembali": ""})
	says(t, p, "Pak [NAMA] dan Bu [NAMA]", "3 penyamaran", "[JABATAN] ikut.")
	// And an addition is taken back like any other.
	p = p.Press("Perbarui penyamaran", map[string]string{"kembali": p.Box("kembali", "3. Bendahara Dinas Pasar")})
	says(t, p, "Bendahara Dinas Pasar ikut.")
	says(t, p.Press("Perbarui penyamaran", map[string]string{"kata": strings.Repeat("panjang ", 100)}), "Kata-kata ini terlalu panjang")
}

// TestNothingPreparedIsLost: neither by a lock nor by a vault that is away.
func TestNothingPreparedIsLost(t *testing.T) {
	w := testvault.New(t)
	w.Join(carrier, "Penerus", "itprov", roster.Forwarder)
	var down atomic.Bool
	answers := membersock.Handler(w.Vault)
	socket := w.Listen("lagi.sock", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if down.Load() {
			panic(http.ErrAbortHandler)
		}
		answers.ServeHTTP(rw, r)
	}))
	o := newOffice(t, w, membersock.NewClient(socket))
	o.Send(complaint("Pak Budi Santoso minta 0812-5000-1234 <&> di gudang biru.", ""))
	p := sortIt(o.unlock(testvault.Two).Follow("minta"), "general").Follow("Samarkan")
	p = p.Press("Perbarui penyamaran", map[string]string{"kata": "gudang biru", "kembali": p.Box("kembali", "2. 0812-5000-1234")})
	text, _ := p.Value("teks")
	text = strings.Repeat(text+"\n", 5000) + "\"'<>&\n"
	typed := map[string]string{"teks": text, "kata": "minta"}

	o.clock.forward(16 * time.Minute)
	locked := p.Press("Perbarui", typed)
	says(t, locked, "Meja terkunci. Tulisan Anda masih ada.")
	silent(t, locked, "Budi", "gudang")
	p = locked.Press("Buka kunci", map[string]string{"sandi": passphrase(testvault.Two)})
	reads(t, p, "Tulisan Anda masih ada. Belum ada yang terkirim.", "0812-5000-1234", "Pak [NAMA] minta", "di [NAMA].")
	if got, _ := p.Value("teks"); strings.TrimSpace(got) != strings.TrimSpace(text) {
		t.Errorf("%d bytes came back of %d", len(got), len(text))
	}
	if got, _ := p.Value("kata"); got != "minta" {
		t.Errorf("the words came back as %q", got)
	}

	check := p.Press("Lanjut", map[string]string{"kata": ""})
	down.Store(true)
	failed := check.Press("Simpan dan minta persetujuan", nil)
	says(t, failed, "Vault tidak menjawab.", "Baca sekali lagi")
	down.Store(false)
	says(t, failed.Press("Simpan dan minta persetujuan", nil), "Teks tersimpan.")

	// The same for the words of an approver and for what is chosen at triage.
	c := textbrowserOf(t, o.unlock(testvault.One), "/kasus/"+caseOf(check))
	a := c.Follow("Periksa dan setujui")
	o.clock.forward(16 * time.Minute)
	back := a.Press("Kembalikan", map[string]string{"teks": "Ubah\njudulnya."}).Press("Buka kunci", map[string]string{"sandi": passphrase(testvault.One)})
	if got, _ := back.Value("teks"); got != "Ubah\njudulnya." || back.Heading() != "Setujui teks yang akan diteruskan?" {
		t.Errorf("%q came back on %q", got, back.Heading())
	}
	down.Store(true)
	failed = back.Press("Kembalikan", nil)
	down.Store(false)
	says(t, failed, "Vault tidak menjawab.")
	if got, _ := failed.Value("teks"); got != "Ubah\njudulnya." {
		t.Errorf("%q came back", got)
	}
	tri := textbrowserOf(t, back, "/kasus/"+caseOf(check)+"/triase")
	down.Store(true)
	failed = tri.Press("Simpan", map[string]string{"golongan": "aspiration", "judul": "Judul \"baru\""})
	down.Store(false)
	says(t, failed, "Vault tidak menjawab.")
	if got, _ := failed.Value("judul"); got != "Judul \"baru\"" {
		t.Errorf("%q came back", got)
	}
}

// TestReferring: the page names who will read and who won't, before and after.
func TestReferring(t *testing.T) {
	o := queueOffice(t)
	o.Change(func(r *roster.Roster) { r.Units[1].Positions = []string{"Sekretaris Daerah Provinsi"} })
	o.Send(complaint("Honor ganda.", "Sekda Provinsi"))
	c := o.unlock(testvault.One).Follow("Honor ganda")
	tri := c.Follow("Pilah kasus")
	says(t, tri, "yang berwenang: Inspektorat Jenderal.", "Anda yang memutuskan")
	r := tri.Follow("Limpahkan ke unit lain")
	says(t, r, "Sekarang ditangani Inspektorat Provinsi.", "Inspektorat Jenderal (disarankan menurut kewenangan)")
	says(t, r.Press("Lanjut", nil), "Pilih unit", "Pilih apakah akses mereka berakhir")
	says(t, r.Press("Lanjut", map[string]string{"unit": "itjen", "akses": "tetap"}), "Yang akan membaca Penelaah Tiga Penelaah", "Tidak ada. Semua yang sekarang membaca tetap dapat membaca.")
	check := r.Press("Lanjut", map[string]string{"unit": "itjen", "akses": "berakhir"})
	says(t, check, "Yang akan membaca Penelaah Tiga Mereka", "Yang tidak akan membaca lagi", "Penelaah Dua", "Akses Anda sendiri juga berakhir.")
	inbox := check.Press("Limpahkan kasus", nil)
	says(t, inbox, "Kasus sudah dilimpahkan. Akses Anda sudah berakhir.", "Belum ada laporan.")
	says(t, check.Press("Limpahkan kasus", nil), "Tidak dapat dibuka dengan kunci Anda") // a double click
	c = o.unlock(testvault.Three).Follow("Honor ganda")
	says(t, c, "Unit yang menangani Inspektorat Jenderal", "Penelaah Satu melimpahkan kasus ke Inspektorat Jenderal; akses yang lain berakhir")
	silent(t, c, "Yang dapat membaca Penelaah Dua")
}

// TestDuplicates are linked both ways, and nothing of them is deleted.
func TestDuplicates(t *testing.T) {
	o := queueOffice(t)
	o.Send(complaint("Pungli di terminal.", ""))
	o.Send(complaint("Terminal memungut liar.", ""))
	inbox := o.unlock(testvault.One)
	first := caseOf(inbox.Follow("Pungli di terminal"))
	second := inbox.Follow("Terminal memungut")
	c := second.Follow("Pilah kasus").Press("Simpan", map[string]string{"golongan": "oversight", "jenis": "pungli", "sama": first})
	says(t, c, "Duplikat dari: Pungli di terminal.", "Pungutan liar")
	says(t, c.Follow("Pungli di terminal"), "Terminal memungut liar.", "duplikat kasus ini")
	says(t, c.Follow("Kotak masuk"), "Duplikat dari: Pungli di terminal.", "Duplikatnya: Terminal memungut liar.")
	head := textbrowserOf(t, c, "/kasus/"+first+"/triase")
	says(t, head, "Kasus ini punya duplikat", "Terminal memungut liar.")
	wrong := url.Values{"golongan": {"oversight"}, "sama": {caseOf(second)}, "sekali": {member.NewOnce().String()}}
	if status, body := o.post(o.cookie(testvault.One), "/kasus/"+first+"/triase/simpan", wrong); status != http.StatusUnprocessableEntity {
		t.Errorf("a case became a duplicate of its duplicate: %s", body)
	}
	says(t, second.Follow("Pilah kasus").Press("Simpan", map[string]string{"golongan": "oversight", "sama": ""}), "Kasus sudah dipilah.")
	silent(t, textbrowserOf(t, c, "/kasus/"+first), "Terminal memungut liar.")
}

// TestForwardingIsNoOtherSites: no page elsewhere can make a member do any of it.
func TestForwardingIsNoOtherSites(t *testing.T) {
	o := queueOffice(t)
	o.Send(complaint("Lampu mati.", ""))
	c := o.unlock(testvault.One).Follow("Lampu mati")
	cookie := o.cookie(testvault.One)
	for _, path := range strings.Fields("triase/simpan rujuk/periksa rujuk/kirim teruskan teruskan/periksa teruskan/simpan setujui/kirim setujui/kembalikan putuskan putuskan/periksa putuskan/simpan") {
		r := o.raw("POST", "/kasus/"+caseOf(c)+"/"+path, cookie, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, "golongan=general&sekali="+member.NewOnce().String())
		must(t, r.Body.Close())
		if r.StatusCode != http.StatusForbidden {
			t.Errorf("POST %s from elsewhere: %d", path, r.StatusCode)
		}
	}
	k, err := o.as(testvault.One).Open(t.Context(), id.Case(caseOf(c)))
	must(t, err)
	if k.Class != "" || k.Forward != nil {
		t.Error("another site changed a case")
	}
}
