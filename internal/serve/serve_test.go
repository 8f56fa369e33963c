package serve_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"suluh.example/suluh/internal/serve"
)

// TestPanicsSayNothing: a handler that panics ends its request, and neither
// the panic's value nor the client's address gets into the log.
func TestPanicsSayNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := serve.ListenUnix(path, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("socket: %v, %v", info, err)
	}
	var log bytes.Buffer
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- serve.Run(ctx, serve.Config{
			Listener: l, Log: slog.New(slog.NewTextHandler(&log, nil)),
			Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				b, _ := io.ReadAll(r.Body)
				if len(b) > 0 {
					panic(string(b))
				}
				_, _ = io.WriteString(w, "baik")
			}),
		})
	}()
	client := &http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return net.Dial("unix", path) }}}
	if r, err := client.Post("http://s/rahasia", "", strings.NewReader("PENANDA")); err == nil {
		r.Body.Close()
		t.Errorf("a request that panicked was answered: %s", r.Status)
	}
	r, err := client.Get("http://s/")
	if err != nil {
		t.Fatalf("after a panic: %v", err)
	}
	if b, err := io.ReadAll(r.Body); err != nil || string(b) != "baik" {
		t.Errorf("got %q, %v", b, err)
	}
	r.Body.Close()
	cancel()
	if err := <-done; err != nil {
		t.Errorf("a clean stop: %v", err)
	}
	if out := log.String(); !strings.Contains(out, "failed inside") || strings.Contains(out, "PENANDA") || strings.Contains(out, "rahasia") {
		t.Errorf("log: %s", out)
	}
}

// TestSlowIsNotStalled: a request that sends nothing is cut, one whose answer
// takes long is not, nor one that sends little by little.
func TestSlowIsNotStalled(t *testing.T) {
	const stall = 200 * time.Millisecond
	path := filepath.Join(t.TempDir(), "s")
	l, err := serve.ListenUnix(path, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- serve.Run(ctx, serve.Config{
			Listener: l, Stall: stall, Log: slog.New(slog.DiscardHandler),
			Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if _, err := io.ReadAll(r.Body); err != nil {
					http.Error(w, "stalled", http.StatusRequestTimeout)
					return
				}
				time.Sleep(3 * stall)
				if r.Context().Err() != nil {
					t.Error("a long request was ended")
				}
				_, _ = io.WriteString(w, "baik")
			}),
		})
	}()
	client := &http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return net.Dial("unix", path) }}}
	post := func(pieces int, pause time.Duration) (string, error) {
		pr, pw := io.Pipe()
		defer pr.Close()
		go func() {
			for range pieces {
				if _, err := pw.Write([]byte("xx")); err != nil {
					return
				}
				time.Sleep(pause)
			}
			if pieces == 4 {
				pw.Close()
			}
		}()
		r, err := client.Post("http://s/", "", pr)
		if err != nil {
			return "", err
		}
		defer r.Body.Close()
		b, err := io.ReadAll(r.Body)
		return string(b), err
	}
	if got, err := post(4, stall/2); err != nil || got != "baik" {
		t.Errorf("little by little: got %q, %v", got, err)
	}
	if got, err := post(2, 0); err == nil && got == "baik" {
		t.Error("a request that stalled was waited for")
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("a clean stop: %v", err)
	}
}

// TestReadsThatAreEndedStayEnded: a handler that ends the reads of a request from
// another goroutine isn't kept waiting by a read that begins at that moment.
func TestReadsThatAreEndedStayEnded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := serve.ListenUnix(path, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- serve.Run(ctx, serve.Config{
			Listener: l, Log: slog.New(slog.DiscardHandler),
			Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				c := http.NewResponseController(w)
				if err := c.SetReadDeadline(time.Now()); err != nil {
					t.Error(err)
				}
				if err := c.SetReadDeadline(time.Now().Add(time.Hour)); err != nil {
					t.Error(err)
				}
				if _, err := r.Body.Read(make([]byte, 1)); err == nil {
					t.Error("a read was not ended")
				}
				_, _ = io.WriteString(w, "ended")
			}),
		})
	}()
	client := &http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return net.Dial("unix", path) }}}
	pr, pw := io.Pipe()
	defer pw.Close()
	r, err := client.Post("http://s/", "", pr)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r.Body)
	if err != nil || string(b) != "ended" {
		t.Errorf("got %q, %v", b, err)
	}
	r.Body.Close()
	client.CloseIdleConnections()
	cancel()
	if err := <-done; err != nil {
		t.Errorf("a clean stop: %v", err)
	}
}

// TestEndedReadsEndNothingElse: a handler that ends the reads of its request when
// all was read already, before it answers, while it does or afterwards, doesn't have the next
// request of the connection taken for one whose client is gone.
func TestEndedReadsEndNothingElse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := serve.ListenUnix(path, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	var returned *http.ResponseController
	go func() {
		done <- serve.Run(ctx, serve.Config{
			Listener: l, Log: slog.New(slog.DiscardHandler),
			Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				c := http.NewResponseController(w)
				if _, err := io.Copy(io.Discard, r.Body); err != nil {
					t.Error(err)
				}
				end := func() {
					if err := c.SetReadDeadline(time.Now()); err != nil {
						t.Error(err)
					}
					<-r.Context().Done() // net/http has noticed
				}
				switch r.URL.Path {
				case "/before":
					end()
				case "/while":
					w.WriteHeader(http.StatusOK)
					end()
				case "/after":
					returned = c
				case "/next":
					if returned != nil && returned.SetReadDeadline(time.Now()) == nil {
						t.Error("a request that is over can end what others read")
					}
					if r.Context().Err() != nil {
						t.Error("the client is taken for gone")
					}
				}
				_, _ = io.WriteString(w, "baik")
			}),
		})
	}()
	client := &http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return net.Dial("unix", path) }}}
	for _, p := range []string{"/before", "/next", "/while", "/next", "/after", "/next", "/next"} {
		var r *http.Response
		for range 2 { // the connection may end with the answer, which a client can't always know
			if r, err = client.Post("http://s"+p, "", strings.NewReader("isi")); err == nil {
				break
			}
		}
		if err != nil {
			t.Fatalf("%s: %v", p, err)
		}
		if b, err := io.ReadAll(r.Body); err != nil || string(b) != "baik" {
			t.Errorf("%s: got %q, %v", p, b, err)
		}
		r.Body.Close()
	}
	client.CloseIdleConnections()
	cancel()
	if err := <-done; err != nil {
		t.Errorf("a clean stop: %v", err)
	}
}

// TestTheOldestWaitingIsClosed: connections on which nothing is asked are bounded; the
// one that waits for longest goes, and none on which something is under way.
func TestTheOldestWaitingIsClosed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := serve.ListenUnix(path, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	under, end := make(chan struct{}), make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- serve.Run(ctx, serve.Config{
			Listener: l, Drain: time.Second, Log: slog.New(slog.DiscardHandler),
			Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				close(under)
				<-end
				_, _ = io.WriteString(w, "baik")
			}),
		})
	}()
	dial := func(say string) net.Conn {
		t.Helper()
		c, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		_, _ = io.WriteString(c, say)
		return c
	}
	busy := dial("GET / HTTP/1.1\r\nHost: s\r\n\r\n")
	<-under
	oldest := dial("GET / HTTP/1.1\r\nHost: s\r\nX-Half: ")
	for range serve.MostWaiting {
		dial("")
	}
	if _, err := oldest.Read(make([]byte, 1)); err == nil {
		t.Error("the oldest is answered")
	}
	close(end)
	answer := make([]byte, 12)
	if _, err := io.ReadFull(busy, answer); err != nil || string(answer) != "HTTP/1.1 200" {
		t.Errorf("one that was under way: got %q, %v", answer, err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("a clean stop: %v", err)
	}
}
