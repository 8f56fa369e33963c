package auditor_test

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"
	"golang.org/x/net/html"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/hidden"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/check"
	"suluh.example/suluh/internal/lang"
	"suluh.example/suluh/internal/member"
	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/internal/testvault"
	"suluh.example/suluh/web/auditor"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

const token = "uji-token-pemeriksa-1234"

// audit is the pages of a real vault's log.
type audit struct {
	t    *testing.T
	w    *testvault.World
	of   id.Case
	url  string
	spy  atomic.Pointer[check.Files] // stands in for the vault's files if set
	auth string
}

// hostile is a member's name that would be markup, and a formula.
const hostile = `=<script>alert("x")</script>`

func newAudit(t *testing.T, change func(*auditor.Config)) *audit {
	t.Helper()
	w := testvault.New(t)
	a := &audit{t: t, w: w}
	w.Join("penelaah-empat", hostile, "itprov", roster.Reader)
	w.Send(testvault.Form("itprov"))
	for _, m := range []id.Member{testvault.One, "penelaah-empat"} {
		s := a.session(m)
		items, err := s.List(t.Context())
		must(t, err)
		a.of = items[0].Case
		_, err = s.Open(t.Context(), a.of)
		must(t, err)
	}
	_, err := w.Vault.Batch(t.Context())
	must(t, err)
	key, err := w.Vault.LogFile(t.Context(), "log.vkey")
	must(t, err)
	c := auditor.Config{Files: a.files, Key: strings.TrimSpace(string(key)), Token: hidden.Of(token), Address: "127.0.0.1:8082", Hosts: []string{"catatan.example"}}
	if change != nil {
		change(&c)
	}
	s, err := auditor.New(c)
	must(t, err)
	web := httptest.NewServer(s)
	t.Cleanup(web.Close)
	a.url = web.URL
	return a
}

func (a *audit) session(m id.Member) *member.Session {
	a.t.Helper()
	clock, err := report.DefaultClock()
	must(a.t, err)
	s, err := member.Open(a.t.Context(), member.Config{Vault: a.w.Member, Identity: a.w.Who[m], Root: a.w.Root, Clock: clock})
	must(a.t, err)
	a.t.Cleanup(s.Close)
	return s
}

func (a *audit) files(ctx context.Context, path string) ([]byte, error) {
	if f := a.spy.Load(); f != nil {
		return (*f)(ctx, path)
	}
	return a.w.Vault.LogFile(ctx, path)
}

// answer is what came back for a request.
type answer struct {
	*http.Response
	body string
}

func (a *audit) do(method, path string, body url.Values, change func(*http.Request)) answer {
	a.t.Helper()
	var in io.Reader
	if body != nil {
		in = strings.NewReader(body.Encode())
	}
	req, err := http.NewRequestWithContext(a.t.Context(), method, a.url+path, in)
	must(a.t, err)
	if body != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if a.auth != "" {
		req.Header.Set("Authorization", "Bearer "+a.auth)
	}
	if change != nil {
		change(req)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	r, err := client.Do(req)
	must(a.t, err)
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	must(a.t, err)
	return answer{r, string(b)}
}

func (a *audit) get(path string) answer {
	a.t.Helper()
	return a.do(http.MethodGet, path, nil, nil)
}

// h1 returns a page's heading as a reader sees it.
func (x answer) h1() string {
	m := regexp.MustCompile(`(?s)<h1>(.*?)</h1>`).FindStringSubmatch(x.body)
	if m == nil {
		return ""
	}
	return html.UnescapeString(m[1])
}

func (x answer) wants(t *testing.T, status int, h1 string, parts ...string) {
	t.Helper()
	if x.StatusCode != status || x.h1() != h1 {
		t.Errorf("got %d %q, want %d %q", x.StatusCode, x.h1(), status, h1)
	}
	for _, p := range parts {
		if !strings.Contains(html.UnescapeString(x.body), p) {
			t.Errorf("%q is not on the page:\n%s", p, x.body)
		}
	}
}

func TestEverybodySeesTheVerdictAndNoRecord(t *testing.T) {
	a := newAudit(t, nil)
	id := a.get("/")
	id.wants(t, 200, "Catatan utuh: 9 catatan, tidak ada yang hilang atau berubah", "Diperiksa pada", "Periksa sendiri")
	a.get("/en/").wants(t, 200, "The log is intact: 9 records, none missing or changed", "Verified on")
	for _, path := range []string{"/", "/en/", "/akses", "/kejanggalan", "/laporan?buat=1", "/kasus/K-AAAA-AAAA-AAAA-AAAA", "/cari.jsonl", "/catatan.zip", "/cari", "/cari?semua=1", "/cari.csv", "/catatan/3", "/periksa", "/bukti.json", "/masuk", "/tidak-ada"} {
		x := a.get(path)
		if strings.Contains(x.body, string(a.of)) || strings.Contains(x.body, "penelaah") || strings.Contains(x.body, "Penelaah") {
			t.Errorf("%s tells a stranger of a record:\n%s", path, x.body)
		}
		if len(x.Cookies()) > 0 || x.Header.Get("Set-Cookie") != "" {
			t.Errorf("%s sets a cookie for a stranger", path)
		}
		if n := len(x.body); n > 30<<10 {
			t.Errorf("%s has %d bytes", path, n)
		}
	}
	for _, path := range []string{"/akses", "/kejanggalan", "/laporan?buat=1", "/kasus/K-AAAA-AAAA-AAAA-AAAA", "/cari.jsonl", "/catatan.zip", "/cari", "/cari?semua=1", "/cari.csv", "/catatan/3", "/bukti.json"} {
		a.get(path).wants(t, 401, "Masuk sebagai pemeriksa")
	}
}

func TestThePublicFilesVerifyFromOutside(t *testing.T) {
	a := newAudit(t, func(c *auditor.Config) { c.OpenEntries = true })
	r, err := check.Verify(t.Context(), check.URL(a.url), a.w.Log)
	if err != nil || r.Records != 9 {
		t.Errorf("got %+v, %v", r, err)
	}
}

// TestOtherNamesAreRefused: where everybody may read entries, a page of somebody
// else's whose name was turned to this address (DNS rebinding) may not.
func TestOtherNamesAreRefused(t *testing.T) {
	a := newAudit(t, func(c *auditor.Config) { c.OpenEntries = true })
	as := func(host, path string) answer {
		return a.do(http.MethodGet, path, nil, func(r *http.Request) { r.Host = host })
	}
	for _, host := range []string{"127.0.0.1:8082", "localhost", "[::1]:8082", "catatan.example", "CATATAN.example:443"} {
		as(host, "/").wants(t, 200, "Catatan utuh: 9 catatan, tidak ada yang hilang atau berubah")
	}
	for _, path := range []string{"/", "/cari?semua=1", "/cari.csv", "/catatan/0", "/checkpoint", "/tile/entries/000.p/9"} {
		if x := as("lain.example", path); x.StatusCode != http.StatusMisdirectedRequest || !strings.Contains(x.body, "--host") {
			t.Errorf("%s: got %d", path, x.StatusCode)
		}
	}
}

func TestEntriesAreForAuditors(t *testing.T) {
	a := newAudit(t, nil)
	if _, err := check.Verify(t.Context(), check.URL(a.url), a.w.Log); err == nil || !strings.Contains(err.Error(), "auditors") {
		t.Errorf("without a token: %v", err)
	}
	for given, want := range map[string]string{"": "fails", token: "", token + "x": "fails", token[:23]: "fails"} {
		files, err := check.Source(a.url, hidden.Of(given))
		must(t, err)
		_, err = check.Verify(t.Context(), files, a.w.Log)
		if (err != nil) != (want != "") {
			t.Errorf("token %q: %v", given, err)
		}
	}
	const bundle = "/tile/entries/000.p/9"
	x := a.get(bundle)
	if x.StatusCode != 401 || !strings.HasPrefix(x.Header.Get("WWW-Authenticate"), "Bearer") {
		t.Errorf("got %d, %q", x.StatusCode, x.Header.Get("WWW-Authenticate"))
	}
	a.auth = token
	if x := a.get(bundle); x.StatusCode != 200 || x.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("got %d, %q", x.StatusCode, x.Header.Get("Cache-Control"))
	}
}

func TestNobodyHasATokenThatWasNotSet(t *testing.T) {
	a := newAudit(t, func(c *auditor.Config) { c.Token = hidden.Value[string]{} })
	a.auth = ""
	for _, header := range []string{"Bearer ", "Bearer", "Bearer x"} {
		if x := a.do("GET", "/tile/entries/000.p/9", nil, func(r *http.Request) { r.Header.Set("Authorization", header) }); x.StatusCode != 401 {
			t.Errorf("%q: got %d", header, x.StatusCode)
		}
	}
	if x := a.do("POST", "/masuk", url.Values{"token": {""}}, nil); x.StatusCode != 403 || len(x.Cookies()) != 0 {
		t.Errorf("an empty token: got %d", x.StatusCode)
	}
	a.get("/cari").wants(t, 401, "Masuk sebagai pemeriksa", "Server ini tidak menunjukkan isi catatan")
	if _, err := auditor.New(auditor.Config{Files: a.files, Key: "x", Token: hidden.Of("pendek")}); err == nil {
		t.Error("a token that can be guessed was taken")
	}
}

func TestFilesHaveTheHeadersOfTheirKind(t *testing.T) {
	a := newAudit(t, nil)
	signed, err := a.w.Vault.LogFile(t.Context(), "checkpoint")
	must(t, err)
	now := roster.Digest(a.w.Vault.SignedRoster()).String()
	for path, want := range map[string][2]string{
		"/checkpoint":     {"text/plain; charset=utf-8", "no-cache"},
		"/log.vkey":       {"text/plain; charset=utf-8", "no-cache"},
		"/tile/0/000.p/9": {"application/octet-stream", "public, max-age=60"},
		"/rosters/" + now: {"text/plain; charset=utf-8", "public, max-age=31536000, immutable"},
	} {
		x := a.get(path)
		if x.StatusCode != 200 || x.Header.Get("Content-Type") != want[0] || x.Header.Get("Cache-Control") != want[1] || x.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: got %d, %q", path, x.StatusCode, x.Header)
		}
	}
	large, m := aYear(t)
	for path, want := range map[string]string{
		"/tile/0/000": "public, max-age=31536000, immutable", "/tile/entries/000": "public, max-age=31536000, immutable",
		"/" + accesslog.TilePath(tlog.Tile{H: 8, L: -1, N: m.result.Records / 256, W: int(m.result.Records % 256)}): "public, max-age=60",
	} {
		if x := large.get(path); x.StatusCode != 200 || x.Header.Get("Cache-Control") != want {
			t.Errorf("%s: got %d, %q, want %q", path, x.StatusCode, x.Header.Get("Cache-Control"), want)
		}
	}
	if x := a.get("/checkpoint"); x.body != string(signed) {
		t.Errorf("another checkpoint: %s", x.body)
	}
	for _, path := range []string{
		"/tile/0/001", "/tile/0/000.p/200", "/tile/9/000", "/tile/", "/tile/0/../../checkpoint", "/rosters/", "/rosters/..%2f..%2flog.key",
		"/rosters/" + strings.Repeat("0", 64), "/tile/0/..%2f..%2f..%2fvault.db",
	} {
		if x := a.get(path); x.StatusCode != 404 && x.StatusCode != 301 && x.StatusCode != 307 || x.Header.Get("Cache-Control") == "public, max-age=31536000, immutable" {
			t.Errorf("%s: got %d, %q", path, x.StatusCode, x.Header.Get("Cache-Control"))
		}
	}
	for _, method := range []string{"POST", "PUT", "DELETE"} {
		if x := a.do(method, "/checkpoint", nil, nil); x.StatusCode != 405 {
			t.Errorf("%s: got %d", method, x.StatusCode)
		}
	}
}

func TestPagesHaveTheStrictHeaders(t *testing.T) {
	a := newAudit(t, func(c *auditor.Config) { c.OpenEntries = true })
	for _, path := range []string{"/", "/cari?semua=1", "/catatan/0", "/periksa", "/tidak-ada"} {
		h := a.get(path).Header
		if !strings.HasPrefix(h.Get("Content-Security-Policy"), "default-src 'none'; style-src 'sha256-") || h.Get("Referrer-Policy") != "same-origin" ||
			h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Cross-Origin-Opener-Policy") != "same-origin" || h.Get("X-Frame-Options") != "DENY" {
			t.Errorf("%s: got %q", path, h)
		}
	}
}

func TestAnAuditorSignsInWithTheToken(t *testing.T) {
	a := newAudit(t, nil)
	a.get("/masuk").wants(t, 200, "Masuk sebagai pemeriksa", "Token pemeriksa")
	x := a.do("POST", "/masuk", url.Values{"token": {"salah-salah-salah-salah"}}, nil)
	x.wants(t, 403, "Masuk sebagai pemeriksa", "Token tidak cocok", "Ada masalah")
	if len(x.Cookies()) > 0 || strings.Contains(x.body, "salah-salah") {
		t.Error("a wrong token gives a cookie, or comes back")
	}
	x = a.do("POST", "/masuk", url.Values{"token": {token}}, nil)
	c := x.Cookies()
	if x.StatusCode != 303 || len(c) != 1 || !c[0].HttpOnly || c[0].SameSite != http.SameSiteStrictMode || strings.Contains(c[0].Value, token) {
		t.Fatalf("got %d, %v", x.StatusCode, c)
	}
	with := func(r *http.Request) { r.AddCookie(&http.Cookie{Name: c[0].Name, Value: c[0].Value}) }
	a.do("GET", "/cari?semua=1", nil, with).wants(t, 200, "9 catatan cocok", string(a.of), "Keluar")
	if x := a.do("POST", "/keluar", nil, with); x.StatusCode != 303 {
		t.Errorf("got %d", x.StatusCode)
	}
	a.do("GET", "/cari?semua=1", nil, with).wants(t, 401, "Masuk sebagai pemeriksa")
	x = a.do("POST", "/masuk", url.Values{"token": {token}}, func(r *http.Request) { r.Header.Set("Origin", "https://lain.example") })
	x.wants(t, 403, "Permintaan ditolak")
	x = a.do("POST", "/masuk", url.Values{"token": {strings.Repeat("x", 20<<10)}}, nil)
	x.wants(t, 400, "Masuk sebagai pemeriksa")
}

func TestSearch(t *testing.T) {
	a := newAudit(t, nil)
	a.auth = token
	a.get("/cari").wants(t, 200, "Cari catatan", "Penelaah Satu (penelaah-satu)")
	today := a.w.Day.String()
	for query, want := range map[string]int{
		"semua=1":                                9,
		"anggota=&tindakan=&kasus=&dari=":        9,
		"anggota=penelaah-satu":                  2,
		"tindakan=open":                          2,
		"anggota=penelaah-satu&tindakan=open":    1,
		"tindakan=deposit":                       1,
		"kasus=" + string(a.of):                  3,
		"kasus=" + strings.ToLower(string(a.of)): 3,
		"dari=" + today:                          9,
		"sampai=2020-01-01":                      0,
		"anggota=penelaah-tiga":                  0,
	} {
		x := a.get("/cari?" + query)
		x.wants(t, 200, fmt.Sprintf("%d catatan cocok", want))
		if n := strings.Count(x.body, `<th scope="row"`); n != want {
			t.Errorf("%s: %d rows, want %d", query, n, want)
		}
	}
	a.get("/cari?anggota=penelaah-tiga").wants(t, 200, "0 catatan cocok", "Tidak ada catatan yang cocok.", "Hapus saringan")
	a.get("/en/cari?tindakan=open").wants(t, 200, "2 records match", "Opened a case")
	x := a.get("/cari?kasus=K-1&dari=kemarin&sampai=31+Februari+2026")
	x.wants(t, 422, "Cari catatan", "Nomor kasus ditulis seperti", "Tulis hari seperti", `value="K-1"`, `value="kemarin"`, "<title>Ada masalah: Cari catatan")
	a.get("/cari?tindakan=hapus").wants(t, 422, "Cari catatan", "Pilih tindakan dari daftar")
}

func TestARecordIsASentence(t *testing.T) {
	a := newAudit(t, nil)
	a.auth = token
	x := a.get("/cari?anggota=penelaah-satu&tindakan=open")
	path := regexp.MustCompile(`href="(/catatan/\d+)"`).FindStringSubmatch(x.body)[1]
	r := a.get(path)
	r.wants(t, 200, "Catatan nomor "+strings.TrimPrefix(path, "/catatan/"), "Penelaah Satu membuka kasus "+string(a.of)+" pada ", "WITA. Tanda tangan cocok.")
	a.get("/en"+path).wants(t, 200, "Record "+strings.TrimPrefix(path, "/catatan/"), "Penelaah Satu opened case "+string(a.of)+" on ")
	for _, path := range []string{"/catatan/9", "/catatan/-1", "/catatan/01", "/catatan/x", "/catatan/99999999999999999999"} {
		a.get(path).wants(t, 404, "Tidak ada catatan dengan nomor ini")
	}
	for seq := range 9 {
		x := a.get(fmt.Sprintf("/catatan/%d", seq))
		if x.StatusCode != 200 || strings.Contains(x.body, "[auditor.") {
			t.Errorf("record %d: %d\n%s", seq, x.StatusCode, x.body)
		}
		// Of a deposit no hour is known, and none may be made up.
		if strings.Contains(x.body, "Laporan masuk") && strings.Contains(x.body, "WITA") {
			t.Errorf("record %d tells the hour of a deposit", seq)
		}
	}
}

func TestTheDownloadIsAHarmlessCSV(t *testing.T) {
	a := newAudit(t, nil)
	a.auth = token
	x := a.get("/cari.csv?kasus=" + string(a.of))
	if x.StatusCode != 200 || x.Header.Get("Content-Type") != "text/csv; charset=utf-8" || !strings.HasPrefix(x.Header.Get("Content-Disposition"), "attachment;") {
		t.Fatalf("got %d, %q", x.StatusCode, x.Header)
	}
	rows, err := csv.NewReader(strings.NewReader(x.body)).ReadAll()
	must(t, err)
	if len(rows) != 4 || !slices.Contains(rows[2], "'"+hostile) {
		t.Errorf("got %q", rows)
	}
	for _, row := range rows {
		for _, cell := range row {
			if cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\r") {
				t.Errorf("cell %q is a formula", cell)
			}
		}
	}
}

func TestMarkupIsHarmless(t *testing.T) {
	a := newAudit(t, nil)
	a.auth = token
	for _, path := range []string{
		"/cari?semua=1", "/cari?anggota=penelaah-empat", "/cari?kasus=" + url.QueryEscape(`"><script>alert(1)</script>`),
		"/cari?dari=" + url.QueryEscape(`"><script>alert(1)</script>`), "/catatan/6", "/" + url.PathEscape(`<script>`),
	} {
		if x := a.get(path); strings.Contains(x.body, "<script") || x.StatusCode >= 500 {
			t.Errorf("%s: %d\n%s", path, x.StatusCode, x.body)
		}
	}
}

func TestTheVerdictFollowsTheLog(t *testing.T) {
	a := newAudit(t, nil)
	a.get("/").wants(t, 200, "Catatan utuh: 9 catatan, tidak ada yang hilang atau berubah")
	_, err := a.session(testvault.Two).List(t.Context())
	must(t, err)
	a.get("/").wants(t, 200, "Catatan utuh: 10 catatan, tidak ada yang hilang atau berubah")
	broken := check.Files(func(context.Context, string) ([]byte, error) { return nil, fmt.Errorf("uji: terputus") })
	a.spy.Store(&broken)
	a.get("/").wants(t, 200, "Catatan utuh: 10 catatan, tidak ada yang hilang atau berubah", "Setelah itu catatan akses tidak dapat dibaca")
	if x := a.get("/checkpoint"); x.StatusCode != 502 {
		t.Errorf("got %d", x.StatusCode)
	}
	a.spy.Store(nil)
	if x := a.get("/"); strings.Contains(x.body, "tidak dapat dibaca") {
		t.Error("still unread after it could be read again")
	}
}

func TestALogThatWasChangedIsNotShown(t *testing.T) {
	a := newAudit(t, nil)
	forged := check.Files(func(ctx context.Context, path string) ([]byte, error) {
		b, err := a.w.Vault.LogFile(ctx, path)
		if strings.HasPrefix(path, "tile/entries/") {
			b = []byte(strings.Replace(string(b), "action open", "action list", 1))
		}
		return b, err
	})
	a.spy.Store(&forged)
	const h1 = "Catatan TIDAK dapat dipercaya mulai nomor 4"
	x := a.get("/")
	x.wants(t, 200, h1, "<title>Gagal: "+h1+" – Suluh</title>", "Simpan berkas bukti", "Beri tahu Inspektur")
	if strings.Contains(x.body, "penelaah") {
		t.Error("tells a stranger of a member")
	}
	a.get("/en/").wants(t, 200, "The log can NOT be trusted from record 4")
	a.auth = token
	a.get("/").wants(t, 200, h1, "Unduh bukti")
	for _, path := range []string{"/cari?semua=1", "/catatan/2", "/cari.csv"} {
		a.get(path).wants(t, 503, h1, "Unduh bukti")
	}
	x = a.get("/bukti.json")
	var e struct {
		Record     *int64
		Fault, Why string
		Checkpoint string
	}
	must(t, json.Unmarshal([]byte(x.body), &e))
	if e.Record == nil || *e.Record != 4 || e.Why == "" || e.Checkpoint == "" {
		t.Errorf("got %s", x.body)
	}
	// It stays so, whatever is shown afterwards.
	a.spy.Store(nil)
	a.get("/").wants(t, 200, h1)
}

func TestALogThatWasCutBackIsFound(t *testing.T) {
	a := newAudit(t, nil)
	old, err := a.w.Vault.LogFile(t.Context(), "checkpoint")
	must(t, err)
	a.get("/")
	_, err = a.session(testvault.Two).List(t.Context())
	must(t, err)
	a.get("/").wants(t, 200, "Catatan utuh: 10 catatan, tidak ada yang hilang atau berubah")
	back := check.Files(func(ctx context.Context, path string) ([]byte, error) {
		if path == "checkpoint" {
			return old, nil
		}
		return a.w.Vault.LogFile(ctx, path)
	})
	a.spy.Store(&back)
	a.get("/").wants(t, 200, "Catatan TIDAK dapat dipercaya", "Catatan lebih sedikit dari yang pernah ditunjukkan")
}

func TestALogThatCannotBeReadYet(t *testing.T) {
	a := newAudit(t, nil)
	gone := check.Files(func(context.Context, string) ([]byte, error) { return nil, os.ErrNotExist })
	a.spy.Store(&gone)
	a.get("/").wants(t, 503, "Catatan akses tidak dapat dibaca")
	a.get("/periksa").wants(t, 200, "Periksa catatan ini sendiri", "tidak dapat dibaca sekarang")
}

func TestHowToVerifyYourself(t *testing.T) {
	a := newAudit(t, nil)
	signed, err := a.w.Vault.LogFile(t.Context(), "checkpoint")
	must(t, err)
	_, err = accesslog.OpenCheckpoint(signed, a.w.Log)
	must(t, err)
	a.get("/periksa").wants(t, 200, "Periksa catatan ini sendiri", "suluh audit verify", strings.Split(string(signed), "\n")[2], "--token-file")
	a.get("/en/periksa").wants(t, 200, "Verify this log yourself", "conspires")
}

// TestEveryFaultAndActionHasItsWords in every language.
func TestEveryFaultAndActionHasItsWords(t *testing.T) {
	c, err := lang.Load()
	must(t, err)
	for _, l := range c.Languages() {
		for _, f := range check.Faults() {
			if !l.Has("auditor.fault." + string(f)) {
				t.Errorf("%s: no words for fault %s", l.Code(), f)
			}
		}
		for _, a := range check.Actions() {
			if !l.Has("auditor.action."+a) || !l.Has("auditor.sentence."+a) {
				t.Errorf("%s: no words for action %s", l.Code(), a)
			}
		}
	}
}

func TestRunVerifiesByItselfAndEnds(t *testing.T) {
	w := testvault.New(t)
	key, err := w.Vault.LogFile(t.Context(), "log.vkey")
	must(t, err)
	read := make(chan struct{}, 100)
	s, err := auditor.New(auditor.Config{Key: strings.TrimSpace(string(key)), Now: time.Now, Files: func(ctx context.Context, path string) ([]byte, error) {
		read <- struct{}{}
		return w.Vault.LogFile(ctx, path)
	}})
	must(t, err)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	<-read
	stop()
	must(t, <-done)
}

// TestAfterARestartOnlyWhatIsNewIsVerified, and the pages say the same.
func TestAfterARestartOnlyWhatIsNewIsVerified(t *testing.T) {
	_, m := aYear(t)
	file := filepath.Join(t.TempDir(), "verified")
	var mu sync.Mutex
	var read []string
	serve := func() answer {
		s, err := auditor.New(auditor.Config{
			Files: func(ctx context.Context, path string) ([]byte, error) {
				mu.Lock()
				read = append(read, path)
				mu.Unlock()
				return m.log.Files(ctx, path)
			},
			Key: m.log.Key, OpenEntries: true, Address: "127.0.0.1:8082", State: file,
			Now: func() time.Time { return m.log.Last.Time(time.UTC) },
		})
		must(t, err)
		web := httptest.NewServer(s)
		defer web.Close()
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx) }()
		a := &audit{t: t, url: web.URL}
		for a.get("/").StatusCode == 503 {
			time.Sleep(10 * time.Millisecond)
		}
		page := a.get("/cari?semua=1")
		stop()
		must(t, <-ended)
		return page
	}
	first := serve()
	if !slices.Contains(read, "tile/entries/000") {
		t.Fatal("the first run has read no entries")
	}
	read = nil
	again := serve()
	if slices.ContainsFunc(read, func(path string) bool { return strings.HasPrefix(path, "tile/") }) {
		t.Errorf("after the restart there were read again: %s", read)
	}
	if first.body != again.body || !strings.Contains(first.body, "<td") {
		t.Errorf("after the restart the page is another:\n%s\n%s", first.body, again.body)
	}
}
