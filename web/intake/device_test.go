package intake_test

import (
	"crypto/sha512"
	"encoding/base64"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// TestOnlyFormsLoadTheScript: the two forms and what they become after a
// mistake, in each language; and no other page.
func TestOnlyFormsLoadTheScript(t *testing.T) {
	w := newWorld(t, config{})
	scripted := func(what string, a *answer, want bool) {
		t.Helper()
		if got := script.MatchString(a.body) && strings.Contains(a.body, ` data-root="suluh.example/uji/root&#43;`); got != want {
			t.Errorf("%s: loads a script: %t", what, got)
		}
	}
	for _, l := range []string{"", "/en"} {
		scripted("form", w.get(l+"/lapor/tulis"), true)
		scripted("code", w.get(l+"/cek"), true)
		scripted("form after a mistake", w.post(l+"/lapor/periksa", url.Values{"apa": {"x"}}), true)
		scripted("form, filled in", w.post(l+"/lapor/tulis", typical()), true)
		scripted("code after a mistake", w.post(l+"/cek", url.Values{"kode": {"satu"}}), true)
		for _, path := range []string{"/", "/lapor", "/bantuan", "/bantuan/kode-hilang", "/lapor/kirim", "/entah", "/peramban/bagian"} {
			scripted(path, w.get(l+path), false)
		}
		checked := w.post(l+"/lapor/periksa", typical())
		scripted("check page", checked, false)
		sent := w.post(l+"/lapor/kirim", checked.form(t, l+"/lapor/kirim"))
		scripted("code page", sent, false)
		scripted("status", w.post(l+"/cek", url.Values{"kode": {sent.code(t)}}), false)
	}
}

// TestScriptIsWhatThePageExpects: the digest in the page is that of the file,
// which no cache keeps.
func TestScriptIsWhatThePageExpects(t *testing.T) {
	w := newWorld(t, config{})
	integrity := html.UnescapeString(script.FindStringSubmatch(w.get("/cek").body)[1])
	for _, path := range []string{"/peramban/app.js", "/peramban/worker.js"} {
		r, err := http.Get(w.url + path)
		must(t, err)
		b, err := io.ReadAll(r.Body)
		must(t, err)
		must(t, r.Body.Close())
		h := r.Header
		if r.StatusCode != 200 || len(b) == 0 || h.Get("Cache-Control") != "no-store" || h.Get("Content-Type") != "text/javascript; charset=utf-8" ||
			!strings.HasSuffix(h.Get("Content-Security-Policy"), scriptPolicy) || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %s, %d bytes, %v", path, r.Status, len(b), h)
		}
		sum := sha512.Sum384(b)
		if same := integrity == "sha384-"+base64.StdEncoding.EncodeToString(sum[:]); same != (path == "/peramban/app.js") {
			t.Errorf("%s: is the file that the page names: %t", path, same)
		}
		r, err = http.Head(w.url + path)
		must(t, err)
		must(t, r.Body.Close())
		if r.StatusCode != 200 || r.ContentLength != int64(len(b)) {
			t.Errorf("HEAD %s: %s, %d bytes", path, r.Status, r.ContentLength)
		}
	}
}

// TestPartsHaveAllThatPagesMayHave: each page that a script shows is there with
// the places that it fills, and the words for them.
func TestPartsHaveAllThatPagesMayHave(t *testing.T) {
	w := newWorld(t, config{})
	body := w.get("/peramban/bagian").body
	for name, want := range map[string][]string{
		"periksa": {"names", "opens", "without", "answers", "question", "text", "personal", "mode", "files", "closed", "hint", "found", "problems", "notice", "title"},
		"kirim":   {"said", "broken", "all", "sum", "list", "bar", "resume", "cancel"},
		"kode":    {"what", "words", "due", "sent"},
		"coba":    {"right", "trying"},
		"status":  {"needed", "about", "next", "messages", "from", "files", "none", "history", "mode"},
		"rusak":   {"reasons"},
	} {
		part := regexp.MustCompile(`(?s)<template id="bagian-` + name + `">(.*?)</template>`).FindString(body)
		for _, is := range want {
			if !strings.Contains(part, ` data-is="`+is+`"`) {
				t.Errorf("%s has no place for %s", name, is)
			}
		}
	}
	for _, want := range []string{
		`<p data-key="intake.open.count">Kode punya sepuluh kata. Anda memasukkan {{.N}}</p>`, ` data-days="{&#34;incomplete&#34;:10`, ` data-holidays="2026-`,
		"Jalan Contoh 1, Kota Contoh",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("there is no %s", want)
		}
	}
	if en := w.get("/en/peramban/bagian").body; !strings.Contains(en, `<p data-key="intake.sent.unclean" data-form="one">{{.N}} photo `) {
		t.Error("the plural forms of English are missing")
	}
	if n := len(body); n > 48<<10 {
		t.Errorf("%d bytes", n)
	}
}
