package vault_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"testing"

	"suluh.example/suluh/vault"
	"suluh.example/suluh/vault/depositsock"
	"suluh.example/suluh/vault/frame"
)

// FuzzDeposit sends hostile bodies to the handler: each is refused, and leaves
// nothing, or was a whole deposit.
func FuzzDeposit(f *testing.F) {
	w := newWorld(f, vault.Config{MaxBytes: 1 << 20})
	h := depositsock.Handler(w.vault)
	p := newParcel(0, w.one.id)
	var b bytes.Buffer
	fw := frame.NewWriter(&b)
	c := depositsock.DepositCommit{FormTag: p.tag, Wraps: p.wraps}
	must(f, fw.Head(p.head(w)))
	for _, o := range p.objects {
		must(f, fw.Object(o.describe(), o.data[:200]))
		c.Objects = append(c.Objects, object{o.role, o.data[:200]}.describe())
	}
	must(f, fw.Commit(c))
	f.Add(b.Bytes())
	f.Add(b.Bytes()[:b.Len()/2])
	f.Add([]byte("H\x00\x00\x00\x02{}C\x00\x00\x00\x02{}"))
	f.Fuzz(func(t *testing.T, body []byte) {
		w.t = t
		before := len(w.files())
		r := httptest.NewRecorder()
		h.ServeHTTP(r, httptest.NewRequest(http.MethodPost, "/deposit/v1/deposit", bytes.NewReader(body)))
		switch r.Code {
		case http.StatusOK:
		case http.StatusUnprocessableEntity:
			if n := len(w.files()); n != before {
				t.Fatalf("a refused deposit left %d files", n-before)
			}
		default:
			t.Fatalf("got status %d: %s", r.Code, r.Body)
		}
	})
}
