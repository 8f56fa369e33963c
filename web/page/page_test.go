package page_test

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/jba/templatecheck"

	"suluh.example/suluh/internal/lang"
	"suluh.example/suluh/web/page"
)

// greeting is a page as surfaces have them.
type greeting struct {
	page.Page
	Name string
	N    int
}

func frame(l *lang.Language) page.Page {
	return page.Page{
		Home: page.Link{Text: "Suluh"}, Exit: &page.Link{Href: "https://cuaca.example/", Text: "Keluar cepat"},
		Nav:       []page.Link{{Href: "/a", Text: "Kotak masuk", Current: true}, {Href: "/b", Text: "Tugas"}},
		Lock:      &page.Link{Href: "/kunci", Text: "Kunci meja"},
		Footer:    []page.Link{{Href: l.Path("/bantuan"), Text: "Bantuan"}},
		Languages: []page.Link{{Href: "/en/", Text: "English", Lang: "en"}},
	}
}

func parse(t *testing.T, files fstest.MapFS) (*lang.Catalogue, *page.Set, error) {
	t.Helper()
	c, err := lang.Load()
	if err != nil {
		t.Fatal(err)
	}
	s, err := page.Parse(c, page.Config{Templates: files, Frame: frame})
	return c, s, err
}

func hello(t *testing.T) (*lang.Catalogue, *page.Set) {
	t.Helper()
	c, s, err := parse(t, fstest.MapFS{
		"templates/salam.html":  {Data: []byte(`{{define "main"}}<p>{{template "nama" .}} {{number .N}} {{path "/x"}} {{t "error.missing.text"}}</p>{{with .At "apa"}}<p id="apa-e">{{.}}</p>{{end}}{{end}}`)},
		"templates/_nama.html":  {Data: []byte(`{{define "nama"}}<bdi>{{visible .Name}}</bdi>{{end}}`)},
		"templates/_lain.html":  {Data: []byte(`{{define "lain"}}{{text .Name}}{{end}}`)},
		"templates/kosong.html": {Data: []byte(`{{define "main"}}{{end}}`)},
	})
	if err != nil {
		t.Fatal(err)
	}
	return c, s
}

func write(t *testing.T, s *page.Set, l *lang.Language, name string, p page.Any) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	s.Secure(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if err := s.Write(w, l, name, p); err != nil {
			t.Error(err)
		}
	})).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	return w
}

func TestTypes(t *testing.T) {
	c, s := hello(t)
	for _, l := range c.Languages() {
		for name, p := range map[string]any{"salam": greeting{}, "kosong": page.Page{}, "500": page.Page{}} {
			if err := templatecheck.CheckHTML(s.Template(l, name), p); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestPage(t *testing.T) {
	c, s := hello(t)
	p := greeting{frame(c.First()), "<script>x</script>\u202e", 48213}
	p.Title = `Tulis "laporan" <Anda>`
	w := write(t, s, c.First(), "salam", p)
	got := w.Body.String()
	for _, want := range []string{
		`<html lang="id" dir="ltr">`, "<title>Tulis &#34;laporan&#34; &lt;Anda&gt; – Suluh</title>", "<h1>Tulis &#34;laporan&#34; &lt;Anda&gt;</h1>",
		"&lt;script&gt;x&lt;/script&gt;�", "48.213 /x ", `<a href="/a" aria-current="page">Kotak masuk</a>`, `<a href="/b">`,
		`<a href="https://cuaca.example/" rel="noreferrer">Keluar cepat</a>`, `<form method="post" action="/kunci">`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("there is no %s in\n%s", want, got)
		}
	}
	en := write(t, s, c.Language("en"), "salam", p).Body.String()
	if !strings.Contains(en, `<html lang="en"`) || !strings.Contains(en, "48,213 /en/x") {
		t.Errorf("in English:\n%s", en)
	}
	if strings.Contains(got, "autofocus") {
		t.Error("something takes the focus for nothing")
	}
	// Skip link first, then header, main, footer.
	at := -1
	for _, s := range []string{`class="skip"`, "<header>", `<main id="isi"`, "<h1>", "<footer"} {
		i := strings.Index(got, s)
		if i <= at {
			t.Errorf("%s is out of order", s)
		}
		at = i
	}
}

func TestProblems(t *testing.T) {
	c, s := hello(t)
	var p greeting
	p.Title = "Tulis laporan"
	p.Notice = "Tersimpan"
	p.Problems = []page.Problem{{"apa", "Tulis apa yang terjadi"}, {"", "Penuh"}}
	got := write(t, s, c.First(), "salam", p).Body.String()
	for _, want := range []string{
		"<title>Ada masalah: Tulis laporan – Suluh</title>", `tabindex="-1" autofocus aria-labelledby="masalah"`,
		`<a href="#apa">Tulis apa yang terjadi</a>`, "<li>Penuh</li>", `<p id="apa-e">Tulis apa yang terjadi</p>`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("there is no %s in\n%s", want, got)
		}
	}
	if strings.Index(got, "autofocus") > strings.Index(got, "<h1>") || strings.Contains(got, "Tersimpan") {
		t.Error("the problems are not what comes first")
	}
	p.Problems = nil
	if got := write(t, s, c.First(), "salam", p).Body.String(); !strings.Contains(got, `<p id="kabar">Tersimpan</p>`) || strings.Contains(got, "Ada masalah") {
		t.Errorf("a notice:\n%s", got)
	}
}

// TestHeaders: the policy allows the one style by its digest and nothing else,
// and a page that says nothing about caching isn't kept.
func TestHeaders(t *testing.T) {
	c, s := hello(t)
	w := write(t, s, c.First(), "kosong", page.Page{Title: "x"})
	style := regexp.MustCompile(`(?s)<style>(.*)</style>`).FindStringSubmatch(w.Body.String())
	if style == nil {
		t.Fatal("there is no style")
	}
	sum := sha256.Sum256([]byte(style[1]))
	for name, want := range map[string]string{
		"Content-Security-Policy":      "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
		"Referrer-Policy":              "same-origin",
		"Cross-Origin-Opener-Policy":   "same-origin",
		"Cross-Origin-Resource-Policy": "same-origin",
		"X-Content-Type-Options":       "nosniff",
		"X-Frame-Options":              "DENY",
		"Cache-Control":                "no-store",
		"Content-Type":                 "text/html; charset=utf-8",
	} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	if w.Header().Get("Permissions-Policy") == "" || len(w.Header()["Set-Cookie"]) > 0 || w.Code != 200 {
		t.Errorf("headers: %v, %d", w.Header(), w.Code)
	}
	if body := w.Body.String(); strings.Contains(body, "style=") || strings.Contains(body, "<script") || strings.Contains(body, "http") {
		t.Errorf("the layout has something that the policy forbids:\n%s", body)
	}
	w = write(t, s, c.First(), "kosong", page.Page{Title: "x", Status: 404, Cache: page.NoCache})
	if w.Code != 404 || w.Header().Get("Cache-Control") != "no-cache" {
		t.Errorf("got %d, %s", w.Code, w.Header().Get("Cache-Control"))
	}
}

// TestScript: only a page that says so loads a script, and only then the policy
// lets it; a script is sent with the policy that its worker runs under.
func TestScript(t *testing.T) {
	c, s := hello(t)
	w := write(t, s, c.First(), "kosong", page.Page{Title: "x", Script: &page.Script{Src: "/a.js", Integrity: "sha384-x"}})
	if got := w.Body.String(); !strings.Contains(got, `<script src="/a.js" integrity="sha384-x" defer></script>`) {
		t.Errorf("no script in\n%s", got)
	}
	const want = "; require-trusted-types-for 'script'; script-src 'self'; connect-src 'self'; worker-src 'self'; trusted-types suluh"
	if got := w.Header().Get("Content-Security-Policy"); !strings.HasPrefix(got, "default-src 'none'; ") || !strings.HasSuffix(got, want) {
		t.Errorf("policy of the page: %s", got)
	}
	f := httptest.NewRecorder()
	s.WriteScript(f, []byte("let a"))
	if h := f.Header(); f.Body.String() != "let a" || h.Get("Content-Type") != "text/javascript; charset=utf-8" || h.Get("Cache-Control") != "no-store" ||
		h.Get("Content-Security-Policy") != w.Header().Get("Content-Security-Policy") || h.Get("Content-Length") != "5" {
		t.Errorf("script: %v %s", h, f.Body)
	}
}

// TestPart: a part is the page below its header, with its places marked; the
// page itself has no marks.
func TestPart(t *testing.T) {
	c, s, err := parse(t, fstest.MapFS{
		"templates/salam.html": {Data: []byte(`{{define "main"}}<p{{is "name"}} class="x">{{visible .Name}}</p>{{if or slots .N}}<p>n</p>{{end}}{{end}}`)},
	})
	if err != nil {
		t.Fatal(err)
	}
	p := greeting{Page: page.Page{Title: "<T>", Notice: "N", Problems: []page.Problem{{"a", "P"}}}, Name: "<b>"}
	got, err := s.Part(c.First(), "salam", p)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`<h1 data-is="title">&lt;T&gt;</h1>`, `<p data-is="name" class="x">&lt;b&gt;</p><p>n</p>`, `<div class="box err" data-is="problems" role="group"`,
		`<div class="box ok" data-is="notice" role="group"`, `<li data-is="list"><a data-is="link" href="#a">P</a></li>`,
	} {
		if !strings.Contains(string(got), want) {
			t.Errorf("there is no %s in\n%s", want, got)
		}
	}
	if strings.Contains(string(got), "<header") {
		t.Error("the part has the header")
	}
	if got := write(t, s, c.First(), "salam", p).Body.String(); strings.Contains(got, "data-is") || strings.Contains(got, "<p>n</p>") || !strings.Contains(got, `<p class="x">`) {
		t.Errorf("the page has marks\n%s", got)
	}
	if _, err := s.Part(c.First(), "entah", p); err == nil {
		t.Error("a part that isn't there")
	}
}

// TestWhatGoesWrong: templates that don't fit are refused at the start, and a
// page that fails leaves the answer to the page for that.
func TestWhatGoesWrong(t *testing.T) {
	for name, text := range map[string]string{
		"a message that isn't there": `{{define "main"}}{{if .Title}}<p>{{t "tidak.ada"}}</p>{{end}}{{end}}`,
		"hidden in a pipe":           `{{define "main"}}<p>{{printf "%s" (t "tidak.ada")}}</p>{{end}}`,
		"not a template":             `{{define "main"}}{{`,
	} {
		if _, _, err := parse(t, fstest.MapFS{"templates/x.html": {Data: []byte(text)}}); err == nil {
			t.Errorf("%s: it was taken", name)
		}
	}
	c, s := hello(t)
	w := httptest.NewRecorder()
	if err := s.Write(w, c.First(), "salam", page.Page{}); err == nil || w.Body.Len() > 0 {
		t.Errorf("a page without what its template needs: %v, %d bytes sent", err, w.Body.Len())
	}
	if err := s.Write(w, c.First(), "entah", page.Page{}); err == nil {
		t.Error("a page that isn't there was written")
	}
	s.Fail(w, c.First())
	if got := w.Body.String(); w.Code != 500 || !strings.Contains(got, "<h1>Ada masalah pada layanan</h1>") || !strings.Contains(got, "Bantuan") {
		t.Errorf("got %d\n%s", w.Code, got)
	}
}
