package reporter_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"suluh.example/suluh/internal/reporter"
	"suluh.example/suluh/vault/depositsock"
	"suluh.example/suluh/vault/wire"
)

// TestASilentConnectionBreaks: one on which nothing moves any more, though nothing says
// that it is gone, while an answer is waited for or room for what is sent; and one that is
// merely slow doesn't.
func TestASilentConnectionBreaks(t *testing.T) {
	const stall = 600 * time.Millisecond
	rt, err := reporter.Transport(stall)
	must(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	url := "http://" + l.Addr().String()
	// Nobody but the system takes these connections.
	vault, err := depositsock.NewClientAt(url, rt)
	must(t, err)
	if _, err := vault.State(t.Context()); !errors.Is(err, wire.ErrUnreachable) {
		t.Errorf("no answer: %v, want %v", err, wire.ErrUnreachable)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPatch, url, bytes.NewReader(make([]byte, 64<<20)))
	must(t, err)
	if _, err := rt.RoundTrip(req); err == nil {
		t.Error("no room for what is sent, and yet it is")
	}
	must(t, l.Close())

	l, err = net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		if _, err := http.ReadRequest(bufio.NewReader(c)); err != nil {
			return
		}
		for _, b := range []byte("HTTP/1.1 200 OK\r\n\r\n") {
			time.Sleep(stall / 10)
			if _, err := c.Write([]byte{b}); err != nil {
				return
			}
		}
	}()
	req, err = http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+l.Addr().String(), nil)
	must(t, err)
	r, err := rt.RoundTrip(req)
	must(t, err)
	defer r.Body.Close()
	_, err = io.Copy(io.Discard, r.Body)
	must(t, err)
}
