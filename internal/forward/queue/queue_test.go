package queue_test

import (
	"context"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"suluh.example/suluh/internal/forward"
	"suluh.example/suluh/internal/forward/queue"
	"suluh.example/suluh/internal/lang"
	"suluh.example/suluh/internal/report"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func write(t testing.TB, text string, mode os.FileMode) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "berkas")
	must(t, os.WriteFile(file, []byte(text), mode))
	must(t, os.Chmod(file, mode))
	return file
}

func post(t testing.TB, c *queue.Client, url string) (queue.Answer, error) {
	t.Helper()
	return c.Send(t.Context(), queue.Request{Method: http.MethodPost, URL: url, Body: []byte("isi")}, "key_file", func([]byte) string { return "" })
}

func notSent(err error) bool {
	var n *forward.NotSent
	return errors.As(err, &n)
}

// TestCertificates: a queue that nobody vouches for hears nothing, and one that
// the configured authority vouches for does.
func TestCertificates(t *testing.T) {
	heard := 0
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { heard++; _, _ = w.Write([]byte("{}")) }))
	defer s.Close()
	s.Config.ErrorLog = nil
	ca := write(t, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})), 0o644)

	c, err := queue.NewClient(queue.Reach{}, nil)
	must(t, err)
	if _, err := post(t, c, s.URL); !notSent(err) || !errors.Is(err, queue.ErrUnreachable) || heard > 0 {
		t.Errorf("nobody vouches for it: %v, heard %d times", err, heard)
	}
	if c, err = queue.NewClient(queue.Reach{CA: ca}, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := post(t, c, s.URL); err != nil || heard != 1 {
		t.Errorf("the authority vouches for it: %v, heard %d times", err, heard)
	}
	// The certificate is for another name.
	_, port, err := net.SplitHostPort(s.Listener.Addr().String())
	must(t, err)
	if _, err := post(t, c, "https://localhost:"+port); !notSent(err) || heard != 1 {
		t.Errorf("a certificate for another name: %v, heard %d times", err, heard)
	}
	for _, r := range []queue.Reach{{CA: "/tidak/ada"}, {CA: write(t, "bukan", 0o644)}, {Timeout: -1}} {
		if _, err := queue.NewClient(r, nil); err == nil || strings.Contains(err.Error(), "/") {
			t.Errorf("%+v: %v", r, err)
		}
	}
}

// TestEnvironment: no proxy of the environment is used.
func TestEnvironment(t *testing.T) {
	proxied := false
	p := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { proxied = true }))
	defer p.Close()
	t.Setenv("HTTP_PROXY", p.URL)
	t.Setenv("http_proxy", p.URL)
	c, err := queue.NewClient(queue.Reach{}, nil)
	must(t, err)
	if _, err := post(t, c, "http://antrean.invalid/"); !notSent(err) || proxied {
		t.Errorf("%v, proxied: %v", err, proxied)
	}
}

// TestRedirects: nothing goes where a queue points to, neither what was handed in
// nor a credential.
func TestRedirects(t *testing.T) {
	elsewhere := 0
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere++ }))
	defer other.Close()
	for _, code := range []int{301, 302, 303, 307, 308} {
		s := httptest.NewServer(http.RedirectHandler(other.URL, code))
		c, err := queue.NewClient(queue.Reach{}, nil)
		must(t, err)
		if _, err := post(t, c, s.URL); !errors.Is(err, queue.ErrMoved) {
			t.Errorf("%d: %v", code, err)
		}
		if _, err := c.Get(t.Context(), queue.Request{Method: http.MethodGet, URL: s.URL, Header: http.Header{"X-Key": {"rahasia"}}}); !errors.Is(err, queue.ErrMoved) {
			t.Errorf("%d of a question: %v", code, err)
		}
		s.Close()
	}
	if elsewhere > 0 {
		t.Errorf("followed %d times", elsewhere)
	}
}

// TestTimeout: a queue that took the request and says nothing leaves it unknown.
func TestTimeout(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // a server sees that somebody went only once it has read all
		<-r.Context().Done()
	}))
	defer s.Close()
	c, err := queue.NewClient(queue.Reach{Timeout: 2 * time.Second}, nil)
	must(t, err)
	if _, err := post(t, c, s.URL); !errors.Is(err, queue.ErrCut) || notSent(err) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

// TestRetryAfter reads what a queue asks to wait.
func TestRetryAfter(t *testing.T) {
	for say, want := range map[string][2]time.Duration{
		"120":                           {2 * time.Minute, 2 * time.Minute},
		"0":                             {},
		"-5":                            {},
		"99999999":                      {24 * time.Hour, 24 * time.Hour},
		"Sun, 06 Nov 1994 08:49:37 GMT": {},
		time.Now().Add(time.Hour).UTC().Format(http.TimeFormat): {time.Minute, time.Hour},
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", say)
			w.WriteHeader(http.StatusServiceUnavailable)
		}))
		c, err := queue.NewClient(queue.Reach{}, nil)
		must(t, err)
		_, err = post(t, c, s.URL)
		var n *forward.NotSent
		if !errors.As(err, &n) || n.After < want[0] || n.After > want[1] {
			t.Errorf("%q: %v", say, err)
		}
		s.Close()
	}
}

// TestSecrets reads credentials from where they may stand, and keeps them out of
// what is said later.
func TestSecrets(t *testing.T) {
	c, err := queue.NewClient(queue.Reach{}, nil)
	must(t, err)
	if s, err := c.Secret("key_file", write(t, "rahasia-satu\n", 0o600)); s != "rahasia-satu" || err != nil {
		t.Errorf("of a file: %q, %v", s, err)
	}
	handed := write(t, "rahasia-dua", 0o400)
	if _, err := c.Secret("key_file", filepath.Base(handed)); err == nil {
		t.Error("a name without what systemd hands over is read from somewhere")
	}
	t.Setenv("CREDENTIALS_DIRECTORY", filepath.Dir(handed))
	if s, err := c.Secret("key_file", filepath.Base(handed)); s != "rahasia-dua" || err != nil {
		t.Errorf("handed over by systemd: %q, %v", s, err)
	}
	for what, name := range map[string]string{
		"none": "", "none there": "/tidak/ada", "an empty file": write(t, "\n", 0o600), "two lines": write(t, "a\nb", 0o600),
		"a file for all": write(t, "rahasia-tiga", 0o644), "a folder": t.TempDir(),
	} {
		s, err := c.Secret("key_file", name)
		if err == nil || s != "" || !strings.Contains(err.Error(), "key_file") || strings.Contains(err.Error(), "rahasia") || name != "" && strings.Contains(err.Error(), name) {
			t.Errorf("%s: %q, %v", what, s, err)
		}
	}
	if s := c.Line("kunci <b>rahasia-satu</b> salah, rahasia-dua juga"); s != "kunci … salah, … juga" {
		t.Errorf("the queue repeats credentials, and it is shown as %q", s)
	}
}

func TestAddress(t *testing.T) {
	for _, good := range []string{"https://antrean.example/v2/", "http://127.0.0.1:8080", "http://[::1]/x", "http://localhost/x", "http://abc.onion/api"} {
		if s, err := queue.Address("base", good); err != nil || s != strings.TrimRight(good, "/") {
			t.Errorf("%s: %q, %v", good, s, err)
		}
	}
	for _, bad := range []string{"", "antrean.example", "http://antrean.example/", "ftp://antrean.example/", "https://u:p@antrean.example/", "https://antrean.example/?a=b", "https:///x", "https://a b/", "http://10.0.0.1/"} {
		if _, err := queue.Address("base", bad); err == nil || !strings.HasPrefix(err.Error(), "base") || strings.Contains(err.Error(), "u:p") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestWords(t *testing.T) {
	c, err := queue.NewClient(queue.Reach{}, nil)
	must(t, err)
	for in, want := range map[string]string{
		"  satu\r\n dua\ttiga ":                                "satu dua tiga",
		"<p>Sudah <b>kami</b> terima.</p><script>x()</script>": "Sudah kami terima.",
		"nilai < 5 & > 3":                                      "nilai < 5 & > 3",
		"a\u202eb\u0000c\u200bd":                               "abcd",
		strings.Repeat("ä", 300):                               strings.Repeat("ä", 199) + "…",
		"\xff\xfe":                                             "\ufffd",
	} {
		if got := c.Line(in); got != want {
			t.Errorf("%q is shown as %q", in, got)
		}
	}
	if got := c.Text("<div>Satu<br>dua</div>\r\n\r\ntiga &amp; empat"); got != "Satu\ndua\n\n\ntiga & empat" {
		t.Errorf("%q", got)
	}
	for in, want := range map[string]string{
		"1234567": "1234567", " SR-2026/001 ": "SR-2026/001", "": "", "..": "", "a b": "", "<script>": "", "é": "", strings.Repeat("1", 65): "", "1\n2": "",
	} {
		if got := queue.Tracking(in); got != want {
			t.Errorf("tracking %q: %q", in, got)
		}
	}
	for in, want := range map[string]string{
		"https://antrean.example/1": "https://antrean.example/1", "javascript:alert(1)": "", "https://a b": "", "//x": "", "https://u@x/": "",
	} {
		if got := queue.Link(in); got != want {
			t.Errorf("link %q: %q", in, got)
		}
	}
	if got := queue.LinkTo("https://antrean.example/p/{id}", "a/b"); got != "https://antrean.example/p/a%2Fb" {
		t.Errorf("%q", got)
	}
}

func TestTables(t *testing.T) {
	own := map[string]string{"Selesai": "closed", "open": "forwarded"}
	s, err := queue.NewStatuses("status", own, map[string]string{" Menunggu  Pelapor": "incomplete", "OPEN": "reviewing"})
	must(t, err)
	for word, want := range map[string]struct {
		status report.Status
		final  bool
	}{"selesai ": {report.Closed, true}, "menunggu pelapor": {report.Incomplete, false}, "Open": {report.Reviewing, false}, "lain": {"", false}} {
		if status, final := s.Look(word); status != want.status || final != want.final {
			t.Errorf("%q: %q, %v", word, status, final)
		}
	}
	if _, err := queue.NewStatuses("status", own, map[string]string{"Baru": "selesai"}); err == nil || !strings.Contains(err.Error(), `status."Baru"`) {
		t.Errorf("a status that is none: %v", err)
	}
	m := map[string]int{"general/pungli": 1, "pungli": 2, "general": 3, "default": 4}
	for _, x := range []struct {
		class    report.Class
		category report.Category
		want     int
	}{{"general", "pungli", 1}, {"aspiration", "pungli", 2}, {"general", "suap", 3}, {"general", "", 3}, {"information", "suap", 4}} {
		if n, ok := queue.Pick(m, x.class, x.category); n != x.want || !ok {
			t.Errorf("%s, %s: %d", x.class, x.category, n)
		}
	}
	must(t, queue.CheckTable("codes", m))
	for _, bad := range []map[string]int{nil, {"general": 1}, {"default": 1, "umum": 2}, {"default": 1, "oversight": 2}, {"default": 1, "general/x": 2}, {"default": 1, "pungli/general": 2}} {
		if err := queue.CheckTable("codes", bad); err == nil || !strings.HasPrefix(err.Error(), "codes") {
			t.Errorf("%v: %v", bad, err)
		}
	}
}

// FuzzWords: what is shown of what a queue says is short plain text whatever it is.
func FuzzWords(f *testing.F) {
	f.Add("<p>Sudah</p>\r\n&lt;b&gt;")
	f.Add("\u202e\x00<!--")
	c, err := queue.NewClient(queue.Reach{}, nil)
	must(f, err)
	f.Fuzz(func(t *testing.T, s string) {
		line, text := c.Line(s), c.Text(s)
		if !utf8.ValidString(text) || utf8.RuneCountInString(line) > 200 || utf8.RuneCountInString(text) > queue.MostText || strings.Contains(line, "\n") {
			t.Errorf("line %q, text %q", line, text)
		}
		for _, r := range line + text {
			if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r)) {
				t.Errorf("%U got through", r)
			}
		}
		if n := queue.Tracking(s); n != "" && (n != queue.Tracking(n) || len(n) > 64) {
			t.Errorf("tracking %q", n)
		}
	})
}

// TestWorded: for all that may go wrong there are words for members in every
// language, with nothing left open in them.
func TestWorded(t *testing.T) {
	words, err := lang.Load()
	must(t, err)
	for _, cause := range []*queue.Cause{
		queue.ErrUnreachable, queue.ErrBusy, queue.ErrCredentials, queue.ErrAddress, queue.ErrMoved, queue.ErrServer, queue.ErrCut, queue.ErrPage, queue.ErrAnswer, queue.ErrLarge,
		queue.ErrRefused, queue.ErrClass, queue.ErrMarkup, queue.TooLong(7, 4000),
	} {
		for _, err := range []error{cause, &forward.NotSent{Err: &queue.Error{Cause: cause, Code: 503, Keys: "auth_file"}}, &forward.Refused{Err: cause}} {
			var w forward.Worded
			if !errors.As(err, &w) {
				t.Errorf("%v has no words", err)
				continue
			}
			key, pairs := w.Words()
			for _, code := range []string{"id", "en"} {
				l := words.Language(code)
				if text := l.T("forward.why."+key, pairs...); !l.Has("forward.why."+key) || strings.Contains(text, "{{") || strings.Contains(text, "<no value>") {
					t.Errorf("%v in %s: %q", err, code, text)
				}
			}
		}
	}
	key, pairs := queue.TooLong(7, 4000).Words()
	if text := words.Language("en").T("forward.why."+key, pairs...); text != "The text is too long by 7 characters: this queue takes at most 4,000. Shorten it, then prepare it again." {
		t.Errorf("%q", text)
	}
}
