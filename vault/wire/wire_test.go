package wire_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"suluh.example/suluh/vault/wire"
)

// counted counts what is written to a connection at once.
type counted struct {
	net.Conn
	writes *atomic.Int64
}

func (c counted) Write(p []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(p)
}

// A long body is sent in few writes over a connection that somebody else made:
// each wakes the vault.
func TestLongBodiesGoInFewWrites(t *testing.T) {
	var got []byte
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got, _ = io.ReadAll(r.Body) }))
	defer s.Close()
	var writes atomic.Int64
	c := wire.NewClientOver(func(ctx context.Context) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", s.Listener.Addr().String())
		return counted{conn, &writes}, err
	}, "/", nil)
	body := bytes.Repeat([]byte("isi bukti"), 8<<20/9)
	r, err := c.Send(t.Context(), http.MethodPatch, "", http.Header{}, struct{ io.Reader }{bytes.NewReader(body)}, int64(len(body)))
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	if !bytes.Equal(got, body) {
		t.Fatalf("%d bytes came, and other ones than were sent", len(got))
	}
	if n := writes.Load(); n > 40 {
		t.Errorf("8 MiB went in %d writes", n)
	}
}
