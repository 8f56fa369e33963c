package sp4n

import (
	"testing"

	"suluh.example/suluh/internal/forward/queue"
)

// FuzzAnswer: no answer breaks the parsers, and a number is one.
func FuzzAnswer(f *testing.F) {
	for _, s := range []string{
		`{"complaint_id":1234567}`, `{"results":{"data":{"complaint_id":"1"}}}`, `{"results":{"data":{"status_name":"Selesai"}}}`, `{"results":null}`, `<html>`, `{"message":"x"}`,
		`{"results":{"data":[{"id":1,"content":"<p>x</p>","institution_from_name":"y","created_at":"05-03-2026 14:22:01"},null]}}`,
	} {
		f.Add([]byte(s))
	}
	client, err := queue.NewClient(queue.Reach{}, nil)
	if err != nil {
		f.Fatal(err)
	}
	c := &Connector{client: client}
	f.Fuzz(func(t *testing.T, body []byte) {
		a := queue.Answer{Code: 200, Body: body}
		if id, err := taken(a); (id == "") != (err != nil) || queue.Tracking(string(id)) != string(id) {
			t.Errorf("number %q, %v", id, err)
		}
		if name, err := statusName(a); (name == "") != (err != nil) {
			t.Errorf("status %q, %v", name, err)
		}
		if entries, err := listed(a); err == nil && entries == nil {
			t.Error("neither a list nor an error")
		}
		if text, _ := c.answers(a); len([]rune(text)) > queue.MostText {
			t.Errorf("an answer of %d characters", len([]rune(text)))
		}
		_ = reason(body)
	})
}
