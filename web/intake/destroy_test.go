package intake_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"html"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	_ "github.com/mattn/go-sqlite3"
	"golang.org/x/mod/sumdb/note"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/internal/testkey"
	"suluh.example/suluh/vault"
	"suluh.example/suluh/vault/depositsock"
)

var deletes = regexp.MustCompile(`<button class="sec" form="balas" formaction="([^"]*)" name="balasan" value="([0-9a-f]{64})">([^<]*)<`)

// pressDelete sends what the first button that deletes an answer sends.
func (w *world) pressDelete(a *answer, text string) (*answer, string) {
	w.t.Helper()
	m := deletes.FindStringSubmatch(a.body)
	if m == nil || m[1] != "/cek/hapus" || m[3] != "Hapus balasan ini dari server" {
		w.t.Fatalf("there is no button to delete an answer in\n%s", a.body)
	}
	fields := with(with(a.form(w.t, "/cek/balas"), "balasan", m[2]), "teks", text)
	return w.post(m[1], fields, bytesFile("dipilih.bin", make([]byte, 200_000))), m[2]
}

// TestAnAnswerIsDestroyedByItsReader: from the status page over one that says
// what goes and what stays. A reply that was begun stays typed all the way.
func TestAnAnswerIsDestroyedByItsReader(t *testing.T) {
	w := newWorld(t, config{})
	words := w.report(typical()).code(t)
	x := w.cases("penelaah-satu")[0]
	w.answer("penelaah-satu", x, report.Answer{Status: report.Verifying, Text: "Kami periksa dulu."})
	w.answer("penelaah-satu", x, report.Answer{Text: "Apakah ada kuitansi?"})
	status := w.post("/cek", url.Values{"kode": {words}})
	status.want(t, 200, "<h1>Status: Sedang diverifikasi</h1>")
	if n := len(deletes.FindAllString(status.body, -1)); n != 2 {
		t.Fatalf("%d buttons to delete two answers", n)
	}

	ask, first := w.pressDelete(status, "Belum selesai saya tulis")
	ask.want(t, 200, "<h1>Hapus balasan ini dari server?</h1>", "<bdi>Apakah ada kuitansi?</bdi>", "Salinan milik Inspektorat Provinsi. Petugas tetap dapat membacanya.",
		"menghapus satu balasan pada hari ini. Jam dan isinya tidak dicatat.", "tidak dapat dikembalikan", "Cadangan server")
	if strings.Contains(ask.body, "Status “") {
		t.Error("a message without a status is said to take one with it")
	}
	en := w.post("/en/cek/hapus", with(ask.form(t, "/cek/hapus"), "bahasa", "1"))
	en.want(t, 200, "<h1>Delete this answer from the server?</h1>", "The copy that Provincial Inspectorate has.")
	if got := en.form(t, "/en/cek/hapus"); got.Get("teks") != "Belum selesai saya tulis" || got.Get("ya") != "" {
		t.Errorf("the change of language sends %v", got)
	}
	back := w.post("/cek", ask.form(t, "/cek/hapus"))
	back.want(t, 200, "<h1>Status: Sedang diverifikasi</h1>", "Belum selesai saya tulis</textarea>", "Apakah ada kuitansi?")

	yes := with(ask.form(t, "/cek/hapus"), "ya", "1")
	done := w.post("/cek/hapus", yes)
	done.want(t, 200, `<p id="kabar">Balasan itu sudah dihapus dari server.</p>`, "Balasan ini sudah Anda hapus dari server pada ", "Belum selesai saya tulis</textarea>", "<h1>Status: Sedang diverifikasi</h1>")
	if strings.Contains(done.body, "kuitansi") || len(deletes.FindAllString(done.body, -1)) != 1 {
		t.Error("the answer is still there")
	}
	w.post("/cek/hapus", yes).want(t, 200, "Balasan itu sudah dihapus dari server.") // a reload

	// The answer that has the status takes it along, which is said before.
	ask, second := w.pressDelete(done, "")
	ask.want(t, 200, "Status “Sedang diverifikasi”, karena ada di dalam balasan ini.")
	if first == second {
		t.Fatal("the button deletes what is gone")
	}
	done = w.post("/cek/hapus", with(ask.form(t, "/cek/hapus"), "ya", "1"))
	done.want(t, 200, "<h1>Status terakhir sudah Anda hapus</h1>", "Status berikutnya akan tampil di sini.")
	if strings.Contains(done.body, "verifikasi") {
		t.Error("the status is still there")
	}
	w.post("/en/cek", url.Values{"kode": {words}}).want(t, 200, "<h1>You deleted the latest status</h1>", "You deleted this answer from the server on ")
	w.answer("penelaah-satu", x, report.Answer{Status: report.Closed, Text: "Selesai."})
	w.post("/cek", url.Values{"kode": {words}}).want(t, 200, "<h1>Status: ", "Selesai.", "Balasan ini sudah Anda hapus")

	// A reply still goes.
	w.post("/cek/balas", with(done.form(t, "/cek/balas"), "teks", "Terima kasih")).want(t, 200, "Balasan terkirim.")
	if log := w.log.String(); log != "" {
		t.Errorf("the log tells of it: %s", log)
	}
}

func TestWhatCannotBeDestroyedIsSaid(t *testing.T) {
	var keyless bool
	fails := false
	w := newWorld(t, config{lie: func(v *vault.Vault) depositsock.Vault { return &noDestroying{v, &keyless, &fails} }})
	words := w.report(typical()).code(t)
	x := w.cases("penelaah-satu")[0]
	w.answer("penelaah-satu", x, report.Answer{Text: "Apakah ada kuitansi?"})
	status := w.post("/cek", url.Values{"kode": {words}})
	ask, _ := w.pressDelete(status, "Belum selesai")
	yes := with(ask.form(t, "/cek/hapus"), "ya", "1")
	for name, c := range map[string]struct {
		fields url.Values
		status int
		want   []string
	}{
		"another answer":    {with(yes, "balasan", id.Digest{1}.String()), 422, []string{"Balasan itu tidak ada", "Apakah ada kuitansi?"}},
		"nothing":           {with(yes, "balasan", ""), 422, []string{"Balasan itu tidak ada"}},
		"what is no answer": {with(yes, "balasan", id.Digest{}.String()), 422, []string{"Balasan itu tidak ada"}},
		"no code":           {with(yes, "kode", ""), 422, []string{"<h1>Masukkan kode laporan</h1>"}},
		"another code":      {with(yes, "kode", w.report(with(typical(), "apa", "lain")).code(t)), 422, []string{"Balasan itu tidak ada"}},
	} {
		t.Run(name, func(t *testing.T) { w.post("/cek/hapus", c.fields).want(t, c.status, c.want...) })
	}
	keyless = true
	w.post("/cek/hapus", yes).want(t, 422, "Laporan ini dikirim sebelum balasan dapat dihapus.", "Belum selesai</textarea>")
	keyless = false
	w.sql("CREATE TABLE kept AS SELECT case_id, reporter FROM cases")
	w.sql("UPDATE cases SET reporter = randomblob(32)")
	w.post("/cek/hapus", yes).want(t, 422, "Server menolak: kunci laporan ini di server bukan dari kode Anda.", "Apakah ada kuitansi?")
	w.sql("UPDATE cases SET reporter = (SELECT reporter FROM kept k WHERE k.case_id = cases.case_id)")
	fails = true
	w.post("/cek/hapus", yes).want(t, 503, "Server belum memastikan bahwa balasan ini terhapus.", "<h1>Hapus balasan ini dari server?</h1>", `value="Belum selesai"`)
	fails = false
	w.post("/cek/hapus", yes).want(t, 200, "Balasan itu sudah dihapus dari server.")
	w.get("/cek/hapus").want(t, 405, "tidak dapat dibuka langsung")
	w.stop()
	w.post("/cek/hapus", yes).want(t, 503, "<h1>Layanan sedang tutup</h1>")
}

// noDestroying destroys nothing.
type noDestroying struct {
	*vault.Vault
	keyless, fails *bool
}

func (v *noDestroying) Destroy(ctx context.Context, l id.Lookup, object id.Digest, signature []byte) (depositsock.DestroyAnswer, error) {
	switch {
	case *v.keyless:
		return depositsock.DestroyAnswer{}, depositsock.ErrNoKey
	case *v.fails:
		return depositsock.DestroyAnswer{}, errors.New("somebody reads the database for too long")
	}
	return v.Vault.Destroy(ctx, l, object, signature)
}

// sql changes the tables behind the vault's back.
func (w *world) sql(statement string) {
	w.t.Helper()
	db, err := sql.Open("sqlite3", filepath.Join(w.dir, "vault.db"))
	must(w.t, err)
	defer db.Close()
	r, err := db.Exec(statement)
	must(w.t, err)
	if n, err := r.RowsAffected(); !strings.HasPrefix(statement, "CREATE") && (err != nil || n == 0) {
		w.t.Fatalf("nothing was changed: %v", err)
	}
}

// TestAVaultThatSaysThatTheReporterDidIt is not believed: the order to destroy
// is signed with the code.
func TestAVaultThatSaysThatTheReporterDidIt(t *testing.T) {
	w := newWorld(t, config{})
	words := w.report(typical()).code(t)
	w.answer("penelaah-satu", w.cases("penelaah-satu")[0], report.Answer{Text: "Apakah ada kuitansi?"})
	w.sql("INSERT INTO destroyed (digest, case_id, day, signature) SELECT digest, case_id, day, randomblob(64) FROM objects WHERE role = 'answer'")
	w.post("/cek", url.Values{"kode": {words}}).want(t, 200, "<h1>Berhenti: laporan Anda tidak utuh</h1>", "Server menyebut Anda menghapusnya, padahal")
}

func TestTheStatusPageSaysWhetherTheReportIsInTheLog(t *testing.T) {
	ahead := time.Duration(0)
	w := newWorld(t, config{vault: vault.Config{Now: func() time.Time { return time.Now().Add(ahead) }}})
	words := w.report(typical()).code(t)
	look := func(path string) *answer { return w.post(path, url.Values{"kode": {words}}) }
	look("/cek").want(t, 200, "Laporan Anda masuk catatan akses paling lambat ")
	ahead = 48 * time.Hour // and no batch has come
	look("/cek").want(t, 200, "Laporan Anda belum ada dalam catatan akses.")
	_, err := w.vault.Batch(t.Context())
	must(t, err)
	look("/cek").want(t, 200, "Laporan Anda masuk catatan akses pada ", "ketahuan oleh pemeriksa")
	look("/en/cek").want(t, 200, "Your report entered the access log on ")
	w.sql("UPDATE deposits SET logged = ''") // by a version that kept no day
	look("/cek").want(t, 200, "Laporan Anda sudah ada dalam catatan akses.")
}

// TestTheReceiptIsAFile: offered on the code page, and given back only if the
// log signed it, so that nobody can have us serve a text of his own.
func TestTheReceiptIsAFile(t *testing.T) {
	w := newWorld(t, config{})
	sent := w.report(typical())
	sent.want(t, 200, "Tanda terima untuk pemeriksa (boleh dilewati)", "Siapa pun yang menemukannya tahu bahwa Anda pernah melapor", "Simpan tanda terima sebagai berkas")
	fields := sent.form(t, "/lapor/tanda-terima")
	receipt := fields.Get("tanda")
	log, err := note.NewVerifier(w.roster.LogKey)
	must(t, err)
	for path, name := range map[string]string{"/lapor/tanda-terima": "catatan.txt", "/en/lapor/tanda-terima": "note.txt"} {
		// Browsers send line ends as CR LF.
		r, err := w.tryPost(path, url.Values{"tanda": {strings.ReplaceAll(receipt, "\n", "\r\n")}})
		must(t, err)
		var b bytes.Buffer
		_, err = b.ReadFrom(r.Body)
		must(t, err)
		must(t, r.Body.Close())
		h := r.Header
		if r.StatusCode != http.StatusOK || b.String() != receipt || h.Get("Content-Type") != "text/plain; charset=utf-8" || h.Get("Content-Disposition") != `attachment; filename="`+name+`"` ||
			h.Get("Cache-Control") != "no-store" || h.Get("X-Content-Type-Options") != "nosniff" || len(h["Set-Cookie"]) > 0 {
			t.Errorf("%s: %s %v\n%s", path, r.Status, h, b.String())
		}
		got, err := accesslog.OpenReceipt(b.Bytes(), log)
		if err != nil || got.Due != got.Day.AddDays(1) {
			t.Errorf("%s: %+v, %v", path, got, err)
		}
	}
	stranger, _, _ := testkey.New(t, origin)
	day := id.DayOf(time.Now(), time.UTC)
	forged, err := accesslog.Receipt{Log: origin, Day: day, Due: day, Deposit: id.DigestOf(nil)}.Sign(stranger)
	must(t, err)
	both, err := note.Sign(&note.Note{Text: receipt[:strings.LastIndex(receipt, "\n\n")+1]}, stranger)
	must(t, err)
	_, signature, _ := strings.Cut(string(both), "\n\n")
	for name, text := range map[string]string{
		"nothing":                                  "",
		"somebody's own words":                     "<script>alert(1)</script> Hubungi kami di situs lain.",
		"a receipt of another key":                 string(forged),
		"a receipt that was changed":               strings.Replace(receipt, "day 2", "day 3", 1),
		"a receipt with words before":              "Hubungi kami.\n" + receipt,
		"a receipt with words after":               receipt + "Hubungi kami.\n",
		"a receipt with a signature of somebody's": receipt + signature,
	} {
		t.Run(name, func(t *testing.T) {
			a := w.post("/lapor/tanda-terima", url.Values{"tanda": {text}})
			a.want(t, 422, "<h1>Ini bukan tanda terima kami</h1>")
			if strings.Contains(html.UnescapeString(a.body), "Hubungi kami") {
				t.Error("it is shown")
			}
		})
	}
	w.get("/lapor/tanda-terima").want(t, 405, "tidak dapat dibuka langsung")
}
