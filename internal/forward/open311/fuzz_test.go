package open311

import (
	"testing"

	"suluh.example/suluh/internal/forward/queue"
)

// FuzzAnswer: no answer breaks the parsers, and a number is one.
func FuzzAnswer(f *testing.F) {
	for _, s := range []string{
		`[{"service_request_id":"1"}]`, `{"service_request_id":1,"token":null}`, `[{"token":"a"}]`, `[{"code":400,"description":"x"}]`, `[null]`, `<html>`, `[{"service_request_id":1e99}]`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		all, err := requests(queue.Answer{Code: 200, Body: body})
		if err == nil && all == nil {
			t.Error("neither a list nor an error")
		}
		for _, r := range all {
			for _, id := range []queue.ID{r.ID, r.Token} {
				if id != "" && queue.Tracking(string(id)) != string(id) {
					t.Errorf("%q is taken for a number", id)
				}
			}
		}
		_ = reasons(body)
	})
}
