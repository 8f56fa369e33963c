package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"suluh.example/suluh/internal/world"
)

// authority vouches for a server's certificates, which are files.
type authority struct {
	t    *testing.T
	pool *x509.CertPool
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	dir  string
	n    int64
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	a := &authority{t: t, pool: x509.NewCertPool(), key: key, dir: t.TempDir()}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Otoritas Contoh"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	must(t, err)
	a.cert, err = x509.ParseCertificate(der)
	must(t, err)
	a.pool.AddCert(a.cert)
	return a
}

func (a *authority) certFile() string { return filepath.Join(a.dir, "rantai.pem") }
func (a *authority) keyFile() string  { return filepath.Join(a.dir, "kunci.pem") }

// issue writes a new certificate that is good until then, and returns its number.
func (a *authority) issue(until time.Time) int64 {
	a.t.Helper()
	a.n++
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(a.t, err)
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(100 + a.n), Subject: pkix.Name{CommonName: "lapor.example"}, DNSNames: []string{"lapor.example"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: time.Now().Add(-time.Hour), NotAfter: until,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, a.cert, &key.PublicKey, a.key)
	must(a.t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	must(a.t, err)
	write := func(name, kind string, der []byte) {
		must(a.t, os.WriteFile(name, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
	}
	write(a.certFile(), "CERTIFICATE", der)
	write(a.keyFile(), "PRIVATE KEY", private)
	return 100 + a.n
}

// client trusts the authority, and offers HTTP/2.
func (a *authority) client() *http.Client {
	c := &http.Client{
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{RootCAs: a.pool}, ForceAttemptHTTP2: true, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	a.t.Cleanup(c.CloseIdleConnections)
	return c
}

// heard is what parts say, to be waited for.
type heard struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (h *heard) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.b.Write(p)
}

func (h *heard) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.b.String()
}

// TestHTTPS: intake, desk and audit speak TLS by themselves, tell browsers to keep to
// it, and take a new certificate while they run.
func TestHTTPS(t *testing.T) {
	a := newAuthority(t)
	first := a.issue(time.Now().Add(time.Hour))
	var log heard
	flags := []string{"--tls-cert", a.certFile(), "--tls-key", a.keyFile()}
	onion := strings.Repeat("a", 56) + ".onion"
	w, err := world.Start(t.Context(), world.Config{
		Bin: program(t), Dir: filepath.Join(t.TempDir(), "w"), Bare: true, Log: &log,
		Args: map[world.Part][]string{world.Intake: append(flags, "--onion-location", "http://"+onion), world.Desk: flags, world.Audit: flags},
	})
	must(t, err)
	t.Cleanup(func() { must(t, w.Stop()) })
	client := a.client()
	get := func(url string) *http.Response {
		t.Helper()
		r, err := client.Get(url)
		must(t, err)
		b, err := io.ReadAll(r.Body)
		must(t, err)
		r.Body.Close()
		if r.StatusCode != http.StatusOK || !strings.Contains(string(b), "<h1>") {
			t.Errorf("%s: %s", url, r.Status)
		}
		if strings.Contains(string(b), "http://1") {
			t.Errorf("%s leads back to plain HTTP", url)
		}
		return r
	}
	for _, url := range []string{w.Intake, w.Desk, w.Audit} {
		if !strings.HasPrefix(url, "https://127.0.0.1:") {
			t.Errorf("listens on %s", url)
		}
		r := get(url)
		if got := r.Header.Get("Strict-Transport-Security"); got != "max-age=63072000" {
			t.Errorf("%s: HSTS is %q", url, got)
		}
		if r.ProtoMajor != 1 || r.TLS.Version != tls.VersionTLS13 || r.TLS.PeerCertificates[0].SerialNumber.Int64() != first {
			t.Errorf("%s: %s, TLS %x, certificate %s", url, r.Proto, r.TLS.Version, r.TLS.PeerCertificates[0].SerialNumber)
		}
	}
	for path, want := range map[string]string{"": "http://" + onion + "/", "en/lapor": "http://" + onion + "/en/lapor"} {
		if got := get(w.Intake + path).Header.Get("Onion-Location"); got != want {
			t.Errorf("%s: the onion service is said to be at %q", path, got)
		}
	}
	address := strings.TrimSuffix(strings.TrimPrefix(w.Intake, "https://"), "/")
	old := &tls.Config{RootCAs: a.pool, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	if c, err := tls.Dial("tcp", address, old); err == nil {
		c.Close()
		t.Error("TLS 1.1 is spoken")
	}

	// A connection that is there goes on, whatever happens to the certificate.
	lasting, err := tls.Dial("tcp", address, &tls.Config{RootCAs: a.pool, NextProtos: []string{"h2", "http/1.1"}})
	must(t, err)
	defer lasting.Close()
	if got := lasting.ConnectionState().NegotiatedProtocol; got != "http/1.1" {
		t.Errorf("speaks %q", got)
	}
	serial := func() int64 { return get(w.Intake).TLS.PeerCertificates[0].SerialNumber.Int64() }
	reload := func(say string) {
		t.Helper()
		before := strings.Count(log.String(), say)
		must(t, syscall.Kill(w.PID(world.Intake), syscall.SIGHUP))
		for deadline := time.Now().Add(20 * time.Second); strings.Count(log.String(), say) == before; time.Sleep(5 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%q was not said: %s", say, log.String())
			}
		}
	}
	if serial() != first {
		t.Error("another certificate, before it was asked for")
	}
	second := a.issue(time.Now().Add(time.Hour))
	reload("the certificate was read anew")
	if got := serial(); got != second {
		t.Errorf("certificate %d, want the new one, %d", got, second)
	}
	const kept = "the new certificate is not used; the one of before stays in use"
	a.issue(time.Now().Add(-time.Minute))
	reload(kept)
	must(t, os.WriteFile(a.certFile(), []byte("bukan sertifikat"), 0o600))
	reload(kept)
	must(t, os.Remove(a.keyFile()))
	reload(kept)
	if got := serial(); got != second {
		t.Errorf("certificate %d, want the one of before, %d", got, second)
	}
	third := a.issue(time.Now().Add(time.Hour))
	reload("the certificate was read anew")
	if got := serial(); got != third {
		t.Errorf("certificate %d, want %d", got, third)
	}
	_, err = fmt.Fprintf(lasting, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", address)
	must(t, err)
	if r, err := http.ReadResponse(bufio.NewReader(lasting), nil); err != nil || r.StatusCode != http.StatusOK {
		t.Errorf("a connection of before: %v", err)
	}
}

// TestNoPort: with --listen none, intake opens no TCP port, and is reached by the
// socket that tor connects to.
func TestNoPort(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "intake.sock")
	var log heard
	w, err := world.Start(t.Context(), world.Config{
		Bin: program(t), Dir: filepath.Join(t.TempDir(), "w"), Bare: true, Log: &log,
		Args: map[world.Part][]string{world.Intake: {"--listen", "none", "--circuit-socket", socket}},
	})
	must(t, err)
	t.Cleanup(func() { must(t, w.Stop()) })
	if w.Intake != "unix:"+socket {
		t.Errorf("intake says that it listens on %s", w.Intake)
	}
	if n := ports(t, w.PID(world.Intake)); n != 0 {
		t.Errorf("intake has %d TCP ports", n)
	}
	if n := ports(t, w.PID(world.Desk)); n != 1 {
		t.Errorf("desk has %d TCP ports: the test can't count", n)
	}
	info, err := os.Stat(socket)
	must(t, err)
	if info.Mode().Perm() != 0o660 {
		t.Errorf("the socket has mode %o", info.Mode().Perm())
	}
	r, err := onCircuit(socket, 7).Get("http://layanan.onion/")
	must(t, err)
	defer r.Body.Close()
	if r.StatusCode != http.StatusOK || r.Header.Get("Strict-Transport-Security") != "" {
		t.Errorf("got %s, %v", r.Status, r.Header)
	}
	plain := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}}
	if r, err := plain.Get("http://layanan.onion/"); err == nil {
		r.Body.Close()
		t.Errorf("without naming a circuit: %s", r.Status)
	}
	// Another one doesn't take the socket away from it.
	says(t, fails(t, "intake", "--deposit-socket", w.DepositSocket(), "--root-key", w.RootKey(), "--listen", "none", "--circuit-socket", socket),
		"address already in use")
}

// onCircuit is a browser as tor passes it on.
func onCircuit(socket string, circuit int) *http.Client {
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		c, err := (&net.Dialer{}).DialContext(ctx, "unix", socket)
		if err != nil {
			return nil, err
		}
		_, err = fmt.Fprintf(c, "PROXY TCP6 fc00:dead:beef:4dad::%x:%x ::1 %d 80\r\n", circuit>>16, circuit&0xffff, circuit&0xffff)
		return c, err
	}}}
}

// ports counts the TCP sockets that a process listens on.
func ports(t *testing.T, pid int) (n int) {
	t.Helper()
	listening := map[string]bool{}
	for _, table := range []string{"tcp", "tcp6"} {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", pid, table))
		must(t, err)
		for line := range strings.Lines(string(b)) {
			if f := strings.Fields(line); len(f) > 9 && f[3] == "0A" {
				listening["socket:["+f[9]+"]"] = true
			}
		}
	}
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	must(t, err)
	for _, f := range files {
		if to, err := os.Readlink(f); err == nil && listening[to] {
			n++
		}
	}
	return n
}

// TestListeningSaysWhatIsWrong before anything listens.
func TestListeningSaysWhatIsWrong(t *testing.T) {
	a := newAuthority(t)
	a.issue(time.Now().Add(time.Hour))
	for want, flags := range map[string]tlsFlags{
		"belong together":   {TLSCert: a.certFile()},
		"certificate: open": {TLSCert: a.certFile() + ".tidak-ada", TLSKey: a.keyFile()},
		"certificate: tls":  {TLSCert: a.keyFile(), TLSKey: a.keyFile()},
	} {
		if _, err := sockets(nil).web(t.Context(), "intake", "127.0.0.1:0", flags); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", want, err)
		}
	}
	a.issue(time.Now().Add(-time.Minute))
	if _, err := sockets(nil).web(t.Context(), "intake", "127.0.0.1:0", tlsFlags{a.certFile(), a.keyFile()}); err == nil || !strings.Contains(err.Error(), "good until") {
		t.Errorf("got %v", err)
	}
	// Passphrases don't cross a network in the clear unless somebody says so.
	t.Setenv("TMPDIR", t.TempDir())
	for _, address := range []string{"0.0.0.0:0", ":0", "[::]:0", "192.0.2.1:8081"} {
		desk := deskCmd{IdleLock: time.Minute, Identities: t.TempDir(), Listen: address, RootKey: "bukan kunci"}
		if err := desk.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "in the clear") || !strings.Contains(hintFor(err), "--behind-tls-proxy") {
			t.Errorf("%s: got %v", address, err)
		}
		desk.BehindTLSProxy = true
		if err := desk.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "root key") { // what is wrong next
			t.Errorf("%s behind a proxy: got %v", address, err)
		}
	}
}
