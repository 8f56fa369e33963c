package queue_test

import (
	"context"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/armon/go-socks5"

	"suluh.example/suluh/internal/forward/queue"
	"suluh.example/suluh/internal/forward/queuetest"
)

// TestSocks: names are looked up by the proxy, and without it nothing is sent.
func TestSocks(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("{}")) }))
	defer s.Close()
	var asked []string
	p, err := socks5.New(&socks5.Config{
		Credentials: anyone{}, Resolver: resolver(func(name string) { asked = append(asked, name) }),
		Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, s.Listener.Addr().String())
		},
	})
	must(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	go func() { _ = p.Serve(l) }()
	dial, err := queue.Through(l.Addr().String(), (&net.Dialer{}).DialContext)
	must(t, err)
	c, err := queue.NewClient(queue.Reach{}, dial)
	must(t, err)
	if _, err := post(t, c, "http://antrean.example:80/x"); err != nil || !slices.Equal(asked, []string{"antrean.example"}) {
		t.Errorf("through the proxy: %v, it was asked for %q", err, asked)
	}
	must(t, l.Close())
	if _, err := post(t, c, s.URL); !notSent(err) {
		t.Errorf("without the proxy: %v", err)
	}
	for _, bad := range []string{"9050", "127.0.0.1", "localhost:"} {
		if _, err := queue.Through(bad, (&net.Dialer{}).DialContext); err == nil {
			t.Errorf("%q is taken for a proxy", bad)
		}
	}
}

type anyone struct{}

func (anyone) Valid(_, _ string) bool { return true }

type resolver func(string)

func (r resolver) Resolve(ctx context.Context, name string) (context.Context, net.IP, error) {
	r(name)
	return ctx, net.IPv4(127, 0, 0, 1), nil
}

func pemOf(t *testing.T, s *httptest.Server) string {
	t.Helper()
	return write(t, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})), 0o644)
}

func secureQueue(t *testing.T) (s *httptest.Server, heard *int) {
	t.Helper()
	heard = new(int)
	s = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*heard++
		if r.Header.Get("Proxy-Authorization") != "" {
			t.Error("the queue hears the proxy's credential")
		}
		_, _ = w.Write([]byte("{}"))
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s, heard
}

// TestTunnel: the proxy looks names up, hears its own credential and nothing of
// what is said to the queue, whose certificate is checked behind it.
func TestTunnel(t *testing.T) {
	s, heard := secureQueue(t)
	trusted := queue.Reach{CA: pemOf(t, s)}
	const user = "penerus:rahasia proksi:1"
	for _, secure := range []bool{false, true} {
		p := queuetest.NewTunnels(t, s.Listener.Addr().String(), user, secure)
		ca := ""
		if secure {
			ca = pemOf(t, p.Server)
		}
		through := func(r queue.Reach, credential, ca string) *queue.Client {
			t.Helper()
			by, err := queue.NewProxy(p.URL, credential, ca)
			must(t, err)
			if by.Address() != p.Listener.Addr().String() {
				t.Errorf("it is at %s, not %s", by.Address(), p.Listener.Addr())
			}
			c, err := queue.NewClient(r, by.Through((&net.Dialer{}).DialContext))
			must(t, err)
			return c
		}
		right := write(t, user+"\n", 0o600)
		*heard = 0
		if _, err := post(t, through(trusted, right, ca), "https://example.com/x"); err != nil || *heard != 1 || !slices.Equal(p.Asked(), []string{"example.com:443"}) {
			t.Errorf("through the proxy: %v, heard %d times, it was asked for %q", err, *heard, p.Asked())
		}
		if saw := p.Saw(); strings.Contains(saw, "isi") || saw == "" {
			t.Errorf("the proxy sees %q", saw)
		}
		for why, c := range map[string]*queue.Client{
			"wants credentials":       through(trusted, "", ca),
			"accept the credentials":  through(trusted, write(t, "penerus:salah", 0o600), ca),
			"certificate signed by":   through(queue.Reach{}, right, ca), // nobody vouches for the queue
			"certificate is valid fo": through(trusted, right, ca),       // another name, see below
		} {
			to := "https://example.com/x"
			if strings.HasPrefix(why, "certificate is") {
				to = "https://antrean.example/x"
			}
			*heard = 0
			if _, err := post(t, c, to); !notSent(err) || !strings.Contains(err.Error(), why) || *heard > 0 || strings.Contains(err.Error(), "salah") {
				t.Errorf("%s: %v, heard %d times", why, err, *heard)
			}
		}
		if secure {
			if _, err := post(t, through(trusted, right, ""), "https://example.com/x"); !notSent(err) || *heard > 0 {
				t.Errorf("nobody vouches for the proxy: %v", err)
			}
		}
	}
}

// TestTunnelIsAskedOfAProxyAlone: whatever else the other end says or doesn't say,
// nothing is sent.
func TestTunnelIsAskedOfAProxyAlone(t *testing.T) {
	s, heard := secureQueue(t)
	for answer, why := range map[string]string{
		"HTTP/1.1 403 Forbidden\r\n\r\n":                      "HTTP 403",
		"HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n":          "HTTP 302",
		"HTTP/1.1 200 OK\r\n\r\nselamat datang":               "says more",
		"SSH-2.0-x\r\n":                                       "otherwise",
		"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 1<<17): "otherwise",
		"": "otherwise",
	} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		must(t, err)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			c, err := l.Accept()
			if err != nil {
				return
			}
			defer c.Close()
			if _, err := c.Read(make([]byte, 1<<10)); err != nil {
				return
			}
			_, _ = io.WriteString(c, answer)
		}()
		p, err := queue.NewProxy("http://"+l.Addr().String(), "", "")
		must(t, err)
		c, err := queue.NewClient(queue.Reach{CA: pemOf(t, s)}, p.Through((&net.Dialer{}).DialContext))
		must(t, err)
		if _, err := post(t, c, "https://example.com/"); !notSent(err) || !errors.Is(err, queue.ErrUnreachable) || !strings.Contains(err.Error(), why) || *heard > 0 {
			t.Errorf("%.30q: %v", answer, err)
		}
		<-ended
		must(t, l.Close())
		if _, err := post(t, c, "https://example.com/"); !notSent(err) {
			t.Errorf("without the proxy: %v", err)
		}
	}
}

// TestTunnelIsWaitedForNoLonger than there is time: and then the proxy is left.
func TestTunnelIsWaitedForNoLonger(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	left := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		c, err := l.Accept()
		if err != nil {
			left <- err
			return
		}
		defer c.Close()
		_, err = c.Read(make([]byte, 1))
		cancel()
		if err == nil {
			_, err = io.Copy(io.Discard, c)
		}
		left <- err
	}()
	p, err := queue.NewProxy("http://"+l.Addr().String(), "", "")
	must(t, err)
	if _, err := p.Through((&net.Dialer{}).DialContext)(ctx, "tcp", "example.com:443"); !errors.Is(err, context.Canceled) {
		t.Errorf("it says %v", err)
	}
	must(t, <-left)
}

func TestProxyAddress(t *testing.T) {
	for _, bad := range []string{"", "127.0.0.1:3128", "socks5://127.0.0.1:1", "http://", "http://a/b", "http://a?b", "http://a#b", "http://nama:rahasia@a:1"} {
		if _, err := queue.NewProxy(bad, "", ""); err == nil || strings.Contains(err.Error(), "rahasia") {
			t.Errorf("%q: %v", bad, err)
		}
	}
	for address, at := range map[string]string{"http://a": "a:80", "https://a/": "a:443", "http://[::1]:3128": "[::1]:3128"} {
		if p, err := queue.NewProxy(address, "", ""); err != nil || p.Address() != at {
			t.Errorf("%q: %v, %v", address, p, err)
		}
	}
	good := write(t, "a:b", 0o600)
	for _, x := range [][3]string{
		{"http://a", write(t, "tanpa titik dua", 0o600), ""},
		{"http://a", write(t, ":b", 0o600), ""},
		{"http://a", write(t, "a:b", 0o644), ""}, // everybody can read it
		{"http://a", "proxy-user", ""},           // systemd hands none over
		{"http://a", good, good},                 // a certificate for plain http
		{"https://a", good, good},                // which isn't one
	} {
		if _, err := queue.NewProxy(x[0], x[1], x[2]); err == nil {
			t.Errorf("%q is taken", x)
		}
	}
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "proxy-user"), []byte("a:b"), 0o600))
	t.Setenv("CREDENTIALS_DIRECTORY", dir)
	if _, err := queue.NewProxy("http://a", "proxy-user", ""); err != nil {
		t.Errorf("of systemd: %v", err)
	}
}
