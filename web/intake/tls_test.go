package intake_test

import (
	"bytes"
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"suluh.example/suluh/web/intake"
)

// TestUploadsOverTLS: what is large arrives whole over TLS, from browsers that would
// rather speak HTTP/2 and from those that don't know it; what is slow isn't cut, what
// stalls is; and Tor Browser is told where the onion service is.
func TestUploadsOverTLS(t *testing.T) {
	const stall = 400 * time.Millisecond
	borrowed := httptest.NewTLSServer(nil) // a certificate, and who trusts it
	defer borrowed.Close()
	onion := "http://" + strings.Repeat("a", 56) + ".onion"
	w := newWorld(t, config{
		stall: stall, tls: &tls.Config{Certificates: borrowed.TLS.Certificates},
		intake: intake.Config{Onion: onion},
	})
	trust := borrowed.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	for name, offer := range map[string][]string{"h2": {"h2", "http/1.1"}, "http/1.1": {"http/1.1"}} {
		tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trust, NextProtos: offer}, ForceAttemptHTTP2: name == "h2"}
		defer tr.CloseIdleConnections()
		w.client = &http.Client{Transport: tr}
		if a := w.get("/lapor"); a.Header.Get("Onion-Location") != onion+"/lapor" || a.Header.Get("Strict-Transport-Security") == "" || a.ProtoMajor != 1 {
			t.Errorf("%s: %s, %v", name, a.Proto, a.Header)
		}
		w.get("/").want(t, 200, "<code>"+onion+"</code>")
		const size = 60 << 20
		a := w.report(with(typical(), "apa", "Lewat "+name), file{"berkas", "besar.bin", random(size)}, file{"berkas2", "pelan.bin", &dripping{left: 6, pause: stall / 2}})
		a.want(t, 200, "<h1>Laporan diterima.")
		if got := a.Header.Get("Onion-Location"); got != "" {
			t.Errorf("%s: what a form leads to is said to be at %s", name, got)
		}
		want, err := io.ReadAll(random(size))
		must(t, err)
		cases := w.cases("penelaah-satu")
		last := cases[len(cases)-1]
		if n := len(last.attachments); n != 2 || !bytes.Equal(last.attachments[0], want) || len(last.attachments[1]) != 6 {
			t.Errorf("%s: %d attachments, or others than were sent", name, n)
		}
		if got := w.stalled(typical(), 5*stall); got != nil {
			t.Errorf("%s: an upload that stalled was answered with %s", name, got.Status)
		}
	}
}

// dripping is a file that comes a byte at a time.
type dripping struct {
	left  int
	pause time.Duration
}

func (d *dripping) Read(p []byte) (int, error) {
	if d.left == 0 {
		return 0, io.EOF
	}
	d.left--
	time.Sleep(d.pause)
	p[0] = 'x'
	return 1, nil
}

// stalled sends a report of whose file nothing comes for some time, and returns what
// is answered.
func (w *world) stalled(v url.Values, pause time.Duration) *http.Response {
	w.t.Helper()
	form := w.post("/lapor/periksa", v).form(w.t, "/lapor/kirim")
	pr, pw := io.Pipe()
	// The client waits for the rest of what it sends, even if nobody is there any more.
	defer time.AfterFunc(pause, func() { pw.Close() }).Stop()
	r, err := w.tryPost("/lapor/kirim", form, file{"berkas", "besar.bin", io.MultiReader(strings.NewReader("awal"), pr)})
	if err != nil {
		return nil
	}
	r.Body.Close()
	return r
}
