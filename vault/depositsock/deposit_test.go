package depositsock_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/vault/depositsock"
	"suluh.example/suluh/vault/frame"
)

// TestADepositArrivesOnce and whole, whether it gathers or streams, and whichever
// of its frames is long.
func TestADepositArrivesOnce(t *testing.T) {
	for name, x := range map[string]struct{ object, wrap int }{
		"all short":                              {10, 10},
		"an object that fills":                   {frame.MaxData, 10},
		"an object that streams, a short commit": {1 << 20, 10},
		"a commit longer than what is gathered":  {10, 200 << 10},
		"both long":                              {1 << 20, 200 << 10},
	} {
		t.Run(name, func(t *testing.T) {
			var requests atomic.Int32
			object := bytes.Repeat([]byte("o"), x.object)
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				requests.Add(1)
				stream := frame.NewReader(r.Body, 0)
				var head depositsock.DepositHead
				if err := stream.Head(&head); err != nil || head.Lookup != "l" {
					t.Errorf("head %+v, %v", head, err)
				}
				_, body, err := stream.Next()
				if err != nil {
					t.Error(err)
					return
				}
				if got, err := io.ReadAll(body); err != nil || !bytes.Equal(got, object) {
					t.Errorf("object of %d bytes, %v, want %d", len(got), err, len(object))
				}
				if _, _, err := stream.Next(); err != io.EOF {
					t.Errorf("after the object: %v", err)
				}
				var c depositsock.DepositCommit
				if err := stream.Commit(&c); err != nil || len(c.Wraps) != 1 || len(c.Wraps[0].Data) != x.wrap {
					t.Errorf("commit with %d wraps, %v", len(c.Wraps), err)
				}
				_ = json.NewEncoder(w).Encode(depositsock.DepositAnswer{Result: depositsock.New, Receipt: "r"})
			}))
			defer s.Close()
			c, err := depositsock.NewClientAt(s.URL, http.DefaultTransport)
			if err != nil {
				t.Fatal(err)
			}
			d, err := c.Deposit(t.Context(), depositsock.DepositHead{Lookup: "l"})
			if err != nil {
				t.Fatal(err)
			}
			defer d.Abort()
			w, err := d.Object(id.RoleContent)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write(object); err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			a, err := d.Commit(t.Context(), depositsock.DepositCommit{Wraps: []depositsock.Wrap{{Data: make([]byte, x.wrap)}}})
			if err != nil || a.Receipt != "r" || requests.Load() != 1 {
				t.Errorf("got %+v, %v, by %d requests", a, err, requests.Load())
			}
		})
	}
}
