package queuetest

import (
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
)

// Tunnels is an HTTP proxy that makes tunnels to one place, whatever it is asked
// for, to whoever has the credential.
type Tunnels struct {
	*httptest.Server
	to   string
	user string // user:password; "" for anybody

	mu    sync.Mutex
	asked []string // host and port
	heard []byte   // what went through to the queue
}

// NewTunnels makes one that leads to host:port, and speaks TLS if secure.
func NewTunnels(t testing.TB, to, user string, secure bool) *Tunnels {
	t.Helper()
	p := &Tunnels{to: to, user: user}
	p.Server = httptest.NewUnstartedServer(p)
	p.Config.ErrorLog = log.New(io.Discard, "", 0)
	if secure {
		p.StartTLS()
	} else {
		p.Start()
	}
	t.Cleanup(p.Close)
	return p
}

// ServeHTTP makes a tunnel.
func (p *Tunnels) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Header.Set("Authorization", r.Header.Get("Proxy-Authorization"))
	user, password, _ := r.BasicAuth()
	switch {
	case r.Method != http.MethodConnect:
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	case p.user != "" && user+":"+password != p.user:
		w.Header().Set("Proxy-Authenticate", `Basic realm="uji"`)
		w.WriteHeader(http.StatusProxyAuthRequired)
		return
	}
	p.mu.Lock()
	p.asked = append(p.asked, r.Host)
	p.mu.Unlock()
	there, err := net.Dial("tcp", p.to)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer there.Close()
	here, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer here.Close()
	if _, err := io.WriteString(here, "HTTP/1.1 200 OK\r\n\r\n"); err != nil {
		return
	}
	go func() {
		_, _ = io.Copy(io.MultiWriter(there, p), here) // until one of them goes
		there.Close()
	}()
	_, _ = io.Copy(here, there)
}

// Write keeps what goes through.
func (p *Tunnels) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.heard = append(p.heard, b...)
	return len(b), nil
}

// Saw returns what went through to the queue.
func (p *Tunnels) Saw() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return string(p.heard)
}

// Asked returns the hosts and ports that it was asked for.
func (p *Tunnels) Asked() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.asked)
}
