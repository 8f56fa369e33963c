package httpqueue

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/internal/forward"
	"suluh.example/suluh/internal/forward/queue"
)

// FuzzFields: whatever a complaint says, what is sent has the shape of the
// configuration, and the same words in it.
func FuzzFields(f *testing.F) {
	f.Add("Judul", "Isi", "kq3x7v2m")
	f.Add(`", "admin": true, "x": "`, "x&admin=1\r\nX: y{{.}}</script>\u2028", "../../admin?x=1#")
	client, err := queue.NewClient(queue.Reach{}, nil)
	if err != nil {
		f.Fatal(err)
	}
	file := filepath.Join(f.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("rahasia"), 0o600); err != nil {
		f.Fatal(err)
	}
	cfg := Config{
		Base: "https://antrean.example/api", Secrets: map[string]string{"key": file},
		Send: Send{Path: "x/{{.Reference}}/y", ID: "id", JSON: map[string]any{"title": "{{.Title}}", "of": map[string]any{"text": "<{{.Text}}>"}}},
	}
	asJSON, err := New(cfg, client)
	if err != nil {
		f.Fatal(err)
	}
	cfg.Send = Send{Path: "x/{{.Reference}}/y", ID: "id", Form: map[string]string{"title": "{{.Title}}", "text": "<{{.Text}}>"}}
	asForm, err := New(cfg, client)
	if err != nil {
		f.Fatal(err)
	}
	day, err := id.ParseDay("2026-03-02")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, title, text, reference string) {
		c := forward.Complaint{Class: "general", Title: title, Text: text, Reference: reference, Day: day}
		r, err := asJSON.request(c)
		if err != nil {
			return // what can't be put into a path
		}
		var got struct {
			Title string                `json:"title"`
			Of    struct{ Text string } `json:"of"`
		}
		var shape map[string]map[string]any
		_ = json.Unmarshal(r.Body, &shape)
		var keys map[string]any
		if json.Unmarshal(r.Body, &got) != nil || json.Unmarshal(r.Body, &keys) != nil || len(keys) != 2 || len(shape["of"]) != 1 || got.Title != valid(title) || got.Of.Text != "<"+valid(text)+">" {
			t.Errorf("%q, %q became %s", title, text, r.Body)
		}
		u, err := url.Parse(r.URL)
		if err != nil || u.Host != "antrean.example" || u.RawQuery != "" || u.Fragment != "" || strings.Count(u.EscapedPath(), "/") != 4 {
			t.Errorf("%q became %s", reference, r.URL)
		}
		if r, err = asForm.request(c); err != nil {
			t.Fatal(err)
		}
		form, err := url.ParseQuery(string(r.Body))
		if err != nil || len(form) != 2 || form.Get("title") != title || form.Get("text") != "<"+text+">" {
			t.Errorf("%q, %q became %s", title, text, r.Body)
		}
	})
}

// valid is a text as JSON can hold it.
func valid(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		return s
	}
	var v string
	_ = json.Unmarshal(b, &v)
	return v
}

// FuzzAnswer: no answer and no path breaks what reads them, and a number is one.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte(`{"issue":{"id":7,"x":[{"a":"b"}]}}`), "issue.id")
	f.Add([]byte(`[{"id":"a"},null]`), "*.id")
	f.Add([]byte(`<html>`), "")
	f.Fuzz(func(t *testing.T, body []byte, path string) {
		v, err := decode(queue.Answer{Code: 200, Body: body})
		if err != nil {
			return
		}
		found := at(v, path)
		if n := firstNumber(found); n != queue.Tracking(n) {
			t.Errorf("%q is taken for a number", n)
		}
		for _, s := range texts(found) {
			if strings.TrimSpace(s) == "" {
				t.Error("an empty text")
			}
		}
	})
}
