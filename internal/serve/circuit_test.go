package serve_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"suluh.example/suluh/internal/serve"
)

// TestCircuits: requests of a circuit have the name that tor gave it, those of
// another have another, and no handler sees an address.
func TestCircuits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := serve.ListenUnix(path, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- serve.Run(ctx, serve.Config{
			Listener: l, Circuits: true, Drain: time.Second, Log: slog.New(slog.NewTextHandler(&log, nil)),
			Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				id, ok := serve.Circuit(r.Context())
				if r.URL.Path == "/panic" {
					panic(id)
				}
				fmt.Fprint(w, id, " ", ok, " ", r.RemoteAddr == "")
			}),
		})
	}()
	ask := func(header, path string) (string, error) {
		t.Helper()
		c, err := net.Dial("unix", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := io.WriteString(c, header+"GET "+path+" HTTP/1.1\r\nHost: s\r\n\r\n"); err != nil {
			return "", err
		}
		r, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			return "", err
		}
		defer r.Body.Close()
		b, err := io.ReadAll(r.Body)
		return string(b), err
	}
	for header, want := range map[string]string{
		"PROXY TCP6 fc00:dead:beef:4dad::0:1f ::1 31 80\r\n":     "fc00:dead:beef:4dad::1f true true",
		"PROXY TCP6 fc00:dead:beef:4dad::ffff:1 ::1 1 80\r\n":    "fc00:dead:beef:4dad::ffff:1 true true",
		"PROXY TCP6 fc00:dead:beef:4dad::ffff:1 ::1 222 80\r\n":  "fc00:dead:beef:4dad::ffff:1 true true",
		"PROXY TCP6 fc00:dead:beef:4dad::ffff:2 ::1 22222 1\r\n": "fc00:dead:beef:4dad::ffff:2 true true",
	} {
		if got, err := ask(header, "/"); err != nil || got != want {
			t.Errorf("%q: got %q, %v; want %q", header, got, err, want)
		}
	}
	for name, header := range map[string]string{
		"none":            "",
		"unknown":         "PROXY UNKNOWN\r\n",
		"not tor's":       "PROXY TCP6 fc00:dead:beef:4dae::0:1 ::1 31 80\r\n",
		"an address":      "PROXY TCP4 192.0.2.1 192.0.2.2 31 80\r\n",
		"half":            "PROXY TCP6 fc00:dead:beef:4dad::0:1f\r\n",
		"too long":        "PROXY TCP6 " + strings.Repeat("f", 4096) + "\r\n",
		"the second kind": "\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00",
	} {
		if got, err := ask(header, "/"); err == nil {
			t.Errorf("header %s: answered with %q", name, got)
		}
	}
	if got, err := ask("PROXY TCP6 fc00:dead:beef:4dad::0:1f ::1 31 80\r\n", "/panic"); err == nil {
		t.Errorf("a request that panicked was answered with %q", got)
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("a clean stop: %v", err)
	}
	if strings.Contains(log.String(), "fc00") || strings.Contains(log.String(), "192.0.2") {
		t.Errorf("log: %s", log.String())
	}
}

// TestSilentCircuits: connections that don't name their circuit keep nobody
// waiting.
func TestSilentCircuits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := serve.ListenUnix(path, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- serve.Run(ctx, serve.Config{
			Listener: l, Circuits: true, Drain: time.Second, Log: slog.New(slog.DiscardHandler),
			Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "baik") }),
		})
	}()
	for range 50 {
		c, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "PROXY TCP6 fc00:dead:beef:4dad::0:1f ::1 31 80\r\nGET / HTTP/1.1\r\nHost: s\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if r, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil || r.StatusCode != http.StatusOK {
		t.Errorf("got %v", err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("a clean stop: %v", err)
	}
}
