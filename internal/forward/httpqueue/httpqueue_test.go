package httpqueue_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"suluh.example/suluh/internal/forward"
	"suluh.example/suluh/internal/forward/httpqueue"
	"suluh.example/suluh/internal/forward/queue"
	"suluh.example/suluh/internal/forward/queuetest"
	"suluh.example/suluh/internal/report"
)

const reference = queuetest.Reference

var (
	must   = queuetest.Must
	secret = queuetest.Secret
)

func connect(t testing.TB, cfg httpqueue.Config) (*httpqueue.Connector, error) {
	t.Helper()
	return httpqueue.New(cfg, queuetest.Client(t))
}

// queueOf answers all with a body and tells what it was asked.
func queueOf(t testing.TB, code int, answer string) (address string, asked func() (*http.Request, string)) {
	t.Helper()
	var r *http.Request
	var body []byte
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		r = q
		body, _ = io.ReadAll(q.Body)
		w.WriteHeader(code)
		_, _ = w.Write([]byte(answer))
	}))
	t.Cleanup(s.Close)
	return s.URL, func() (*http.Request, string) { return r, string(body) }
}

// TestPlaces: whatever a template is filled with stays in its place, in JSON, in a
// form, in a header and in a path.
func TestPlaces(t *testing.T) {
	f := queuetest.Complaint(t)
	f.Title = "a\", \"admin\": true, \"b\": \"\r\nX-Admin: 1"
	f.Text = "x&admin=1\n{{secret \"key\"}}\\\u2028</script>"
	f.Class, f.Category = "general", "pungli"
	at, asked := queueOf(t, 200, `{"id": 7}`)
	cfg := httpqueue.Config{
		Base: at + "/api", Secrets: map[string]string{"key": secret(t, "rahasia")}, Headers: map[string]string{"X-Key": `{{secret "key"}}`, "X-Title": "{{.Title}}"},
		Maps: map[string]map[string]string{"n": {"default": "3"}},
		Send: httpqueue.Send{
			Path: "things/{{.Category}}/{{.Reference}}", Query: map[string]string{"q": "{{.Text}}"}, ID: "id",
			JSON: map[string]any{
				"t": "{{.Title}}", "nested": map[string]any{"list": []any{"{{.Text}}", int64(1), true, []map[string]any{{"d": `{{date "02-01-2006" .Day}} {{.Day}}`}}}},
				"n": map[string]any{"$number": `{{map "n"}}`},
			},
		},
	}
	c, err := connect(t, cfg)
	must(t, err)
	_, err = c.Send(t.Context(), f)
	must(t, err)
	r, body := asked()
	var got any
	must(t, json.Unmarshal([]byte(body), &got))
	want := map[string]any{"t": f.Title, "n": 3.0, "nested": map[string]any{"list": []any{f.Text, 1.0, true, []any{map[string]any{"d": "02-03-2026 2026-03-02"}}}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("sent %s", body)
	}
	if r.Method != "POST" || r.URL.Path != "/api/things/pungli/"+reference || r.URL.Query().Get("q") != f.Text || len(r.URL.Query()) != 1 {
		t.Errorf("asked %s %s", r.Method, r.URL)
	}
	if r.Header.Get("X-Admin") != "" || r.Header.Get("X-Key") != "rahasia" || r.Header.Get("X-Title") != `a", "admin": true, "b": " X-Admin: 1` || r.Header.Get("Content-Type") != "application/json" {
		t.Errorf("headers %v", r.Header)
	}

	cfg.Send = httpqueue.Send{Method: "PUT", Path: "/things", ID: "id", Form: map[string]string{"t": "{{.Title}}", "x": "{{.Text}}"}}
	if c, err = connect(t, cfg); err != nil {
		t.Fatal(err)
	}
	_, err = c.Send(t.Context(), f)
	must(t, err)
	r, body = asked()
	r.Body = io.NopCloser(strings.NewReader(body))
	r.ContentLength = int64(len(body))
	must(t, r.ParseForm())
	if want := map[string][]string{"t": {f.Title}, "x": {f.Text}}; r.Method != "PUT" || !reflect.DeepEqual(map[string][]string(r.PostForm), want) {
		t.Errorf("sent %s", body)
	}
}

// TestAnswers: what the queue's number, its words and its status are read from.
func TestAnswers(t *testing.T) {
	cfg := func(at string) httpqueue.Config {
		return httpqueue.Config{
			Base: at, Send: httpqueue.Send{Path: "x", ID: "data.0.no", Error: "errors", Refused: &httpqueue.Refused{Path: "ok", Is: "false"}, Form: map[string]string{"t": "{{.Title}}"}},
			Find:   httpqueue.Find{Path: "x", Query: map[string]string{"q": "{{.Reference}}"}, List: "data", ID: "no", Complete: true},
			Status: httpqueue.Status{Path: "x/{{.Tracking}}", Word: "state", Answer: "notes.*.text", Map: map[string]string{"done": "closed", "1": "forwarded"}},
			Link:   "https://antrean.example/{id}",
		}
	}
	for _, x := range []struct {
		code   int
		answer string
		want   string
	}{
		{201, `{"data":[{"no":12345678901234567890}]}`, "sent 12345678901234567890"},
		{200, `{"data":[{"no":" A-7 "}],"ok":false}`, "sent A-7"},
		{200, `{"data":[],"ok":false,"errors":["judul  wajib","isi\nwajib"]}`, "refused judul wajib; isi wajib"},
		{200, `{"ok":"false"}`, "refused it gave no reason"},
		{200, `{"data":[],"ok":true}`, "unknown"},
		{200, `{"data":{"0":{"no":null}}}`, "unknown"},
		{422, `{"errors":{"title":["x"]}}`, "refused it gave no reason (HTTP 422 Unprocessable Entity)"},
		{422, `{"errors":["Tracker is invalid"]}`, "refused Tracker is invalid"},
		{404, `{"errors":["No such project"]}`, "refused No such project"},
		{404, ``, "not sent"},
	} {
		at, _ := queueOf(t, x.code, x.answer)
		c, err := connect(t, cfg(at))
		must(t, err)
		sent, err := c.Send(t.Context(), queuetest.Complaint(t))
		var refused *forward.Refused
		var notSent *forward.NotSent
		got := "unknown"
		switch {
		case err == nil:
			got = "sent " + sent.Tracking
		case errors.As(err, &refused):
			got = "refused " + strings.TrimPrefix(refused.Error(), "the queue refused: ")
		case errors.As(err, &notSent):
			got = "not sent"
		}
		if got != x.want {
			t.Errorf("%d %s: %s (%v), not %s", x.code, x.answer, got, err, x.want)
		}
	}
	for answer, want := range map[string]error{
		`{"data":[]}`: forward.ErrNotFound, `{"data":[{"no":1,"x":"other"}]}`: forward.ErrNoLookup, `{"data":[{"x":"` + reference + `"}]}`: forward.ErrNoLookup,
		`{"data":null}`: queue.ErrAnswer, `{}`: queue.ErrAnswer, `[]`: queue.ErrAnswer, `<html>`: queue.ErrPage, `{"data":[{"no":1},{"no":2,"f":[{"v":"ref ` + strings.ToUpper(reference) + `"}]}]}`: nil,
	} {
		at, asked := queueOf(t, 200, answer)
		c, err := connect(t, cfg(at))
		must(t, err)
		found, err := c.Find(t.Context(), reference)
		if !errors.Is(err, want) || want == nil && (found.Tracking != "2" || found.Link != "https://antrean.example/2") {
			t.Errorf("%s: %+v, %v, not %v", answer, found, err, want)
		}
		if r, _ := asked(); r.URL.Query().Get("q") != reference {
			t.Errorf("asked %s", r.URL)
		}
	}
	for answer, want := range map[string]forward.Status{
		`{"state":"Done","notes":[{"text":""},{"text":"<p>Satu</p>"},{},{"text":"Dua"}]}`: {Word: "Done", Status: report.Closed, Final: true, Answer: "Satu\n\nDua"},
		`{"state":1,"notes":null}`:  {Word: "1", Status: report.Forwarded},
		`{"state":["lain","done"]}`: {Word: "lain"},
	} {
		at, asked := queueOf(t, 200, answer)
		c, err := connect(t, cfg(at))
		must(t, err)
		want.Tracking, want.Link = "A/7", "https://antrean.example/A%2F7"
		st, err := c.Status(t.Context(), "A/7", reference)
		st.Answer = strings.Join(strings.FieldsFunc(st.Answer, func(r rune) bool { return r == '\n' }), "\n\n")
		if err != nil || st != want {
			t.Errorf("%s: %+v, %v", answer, st, err)
		}
		if r, _ := asked(); r.URL.EscapedPath() != "/x/A%2F7" {
			t.Errorf("asked %s", r.URL)
		}
	}
	at, _ := queueOf(t, 200, `{"state":{}}`)
	c, err := connect(t, cfg(at))
	must(t, err)
	if _, err := c.Status(t.Context(), "7", reference); !errors.Is(err, queue.ErrAnswer) {
		t.Errorf("without a status: %v", err)
	}
}

// TestConfig: what is missing or wrong, templates that fail for one of the classes
// or categories included, is named before anything is sent.
func TestConfig(t *testing.T) {
	good := func() httpqueue.Config {
		return httpqueue.Config{
			Base: "https://antrean.example", Secrets: map[string]string{"key": secret(t, "rahasia")}, Headers: map[string]string{"X-Key": `{{secret "key"}}`},
			Maps:   map[string]map[string]string{"n": {"general": "1", "aspiration": "2", "information": "3"}},
			Send:   httpqueue.Send{Path: "x", ID: "id", JSON: map[string]any{"n": map[string]any{"$number": `{{map "n"}}`}, "l": []any{"{{.Title}}"}}},
			Find:   httpqueue.Find{Path: "x", Query: map[string]string{"q": "{{.Reference}}"}, ID: "id"},
			Status: httpqueue.Status{Path: "x/{{.Tracking}}", Word: "w", Map: map[string]string{"Selesai": "closed"}},
		}
	}
	if _, err := connect(t, good()); err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string]func(*httpqueue.Config){
		"base":                      func(c *httpqueue.Config) { c.Base = "" },
		"secrets.key":               func(c *httpqueue.Config) { c.Secrets["key"] = "" },
		"headers.X-Key: template":   func(c *httpqueue.Config) { c.Headers["X-Key"] = `{{secret "lain"}}` },
		"headers.X-Key":             func(c *httpqueue.Config) { c.Headers["X-Key"] = `{{secret` },
		"maps.n: has nothing":       func(c *httpqueue.Config) { delete(c.Maps["n"], "information") },
		"maps.n.\"apa\"":            func(c *httpqueue.Config) { c.Maps["n"]["apa"] = "1" },
		"link":                      func(c *httpqueue.Config) { c.Link = "x{id}" },
		"send.method":               func(c *httpqueue.Config) { c.Send.Method = "GET" },
		"send.path: is":             func(c *httpqueue.Config) { c.Send.Path = "" },
		"send.path: not":            func(c *httpqueue.Config) { c.Send.Path = "x?y=z" },
		"send.path: not a path":     func(c *httpqueue.Config) { c.Send.Path = "x/{{.Title}}" },
		"send.path: not a":          func(c *httpqueue.Config) { c.Send.Path = "../x" },
		"send.form":                 func(c *httpqueue.Config) { c.Send.Form = map[string]string{"a": "b"} },
		"send.form, send.json":      func(c *httpqueue.Config) { c.Send.JSON = nil },
		"send.id":                   func(c *httpqueue.Config) { c.Send.ID = "" },
		"send.refused.path":         func(c *httpqueue.Config) { c.Send.Refused = &httpqueue.Refused{Is: "x"} },
		"send.json.l.0":             func(c *httpqueue.Config) { c.Send.JSON["l"] = []any{"{{.Judul}}"} },
		"send.json.n: template":     func(c *httpqueue.Config) { c.Send.JSON["n"] = `{{map "m"}}` },
		"send.json.n: doesn't come": func(c *httpqueue.Config) { c.Send.JSON["n"] = map[string]any{"$number": "{{.Title}}"} },
		"send.json.n: $number":      func(c *httpqueue.Config) { c.Send.JSON["n"] = map[string]any{"$number": int64(1)} },
		"send.json.n": func(c *httpqueue.Config) {
			c.Send.JSON["n"] = `{{if eq .Category "pungli"}}{{index .Title 9999}}{{end}}`
		},
		"send.query.q": func(c *httpqueue.Config) { c.Send.Query = map[string]string{"q": "{{.Tidak}}"} },
		"find.id":      func(c *httpqueue.Config) { c.Find.ID = "" },
		"find.query.q": func(c *httpqueue.Config) { c.Find.Query["q"] = "{{.Lain}}" },
		"status.word":  func(c *httpqueue.Config) { c.Status.Word = "" },
		"status.map":   func(c *httpqueue.Config) { c.Status.Map = nil },
		"status.path":  func(c *httpqueue.Config) { c.Status.Path = "x/{{.Nomor}}" },
	} {
		cfg := good()
		change(&cfg)
		_, err := connect(t, cfg)
		if err == nil || !strings.HasPrefix(err.Error(), what) || strings.Contains(err.Error(), "rahasia") {
			t.Errorf("%s: %v", what, err)
		}
	}
	// Without a look-up and a status, there is none.
	cfg := good()
	cfg.Find, cfg.Status = httpqueue.Find{}, httpqueue.Status{}
	c, err := connect(t, cfg)
	must(t, err)
	if _, err := c.Find(t.Context(), reference); !errors.Is(err, forward.ErrNoLookup) {
		t.Errorf("%v", err)
	}
	if _, err := c.Status(t.Context(), "1", reference); !errors.Is(err, forward.ErrNoLookup) {
		t.Errorf("%v", err)
	}
}
