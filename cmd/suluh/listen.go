//go:build !client

package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"suluh.example/suluh/internal/serve"
)

// tlsFlags are those of a part that speaks HTTPS by itself.
type tlsFlags struct {
	TLSCert string `name:"tls-cert" type:"path" placeholder:"FILE" help:"Speak HTTPS with this certificate and those that vouch for it (PEM). Read anew on SIGHUP."`
	TLSKey  string `name:"tls-key" type:"path" placeholder:"FILE" help:"The certificate's private key (PEM)."`
}

// folders are those that have to be readable as long as the part runs: a new
// certificate may come by a link that leads elsewhere.
func (f tlsFlags) folders() (all []string) {
	for _, file := range []string{f.TLSCert, f.TLSKey} {
		if file == "" {
			continue
		}
		all = append(all, filepath.Dir(file))
		if real, err := filepath.EvalSymlinks(file); err == nil {
			all = append(all, filepath.Dir(real))
		}
	}
	return all
}

// listener is where a part is reached by browsers.
type listener struct {
	net.Listener
	cert *certificate // nil without TLS
}

// web listens on the address, unless systemd does already, and reads the certificate
// if there is one.
func (s sockets) web(ctx context.Context, name, addr string, t tlsFlags) (*listener, error) {
	var cert *certificate
	if t != (tlsFlags{}) {
		if t.TLSCert == "" || t.TLSKey == "" {
			return nil, errors.New("--tls-cert and --tls-key belong together")
		}
		cert = &certificate{files: t, again: make(chan os.Signal, 1)}
		if err := cert.read(); err != nil {
			return nil, withHint(fmt.Errorf("certificate: %w", err), "name the certificate with those that vouch for it, and its key, both as PEM")
		}
		signal.Notify(cert.again, syscall.SIGHUP)
	}
	l, err := s.or(name, func() (net.Listener, error) { return (&net.ListenConfig{}).Listen(ctx, "tcp", addr) })
	if err != nil {
		return nil, err
	}
	return &listener{l, cert}, nil
}

// url is where browsers find it.
func (l *listener) url() string {
	scheme := "http"
	if l.cert != nil {
		scheme = "https"
	}
	return scheme + "://" + l.Addr().String() + "/"
}

// serveTCP serves a surface until the context ends. It says where on standard
// output, once, with the real port if 0 was asked for.
func serveTCP(ctx context.Context, name string, l *listener, h http.Handler, log *slog.Logger, stall time.Duration) error {
	if err := announce(name, l.url()); err != nil {
		return errors.Join(err, l.Close())
	}
	c := serve.Config{Listener: l, Handler: takenOver(h), Log: log, Stall: stall}
	if l.cert == nil {
		return serve.Run(ctx, c)
	}
	c.TLS = l.cert.config()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		l.cert.watch(ctx, log)
		return nil
	})
	g.Go(func() error { return serve.Run(ctx, c) })
	return g.Wait()
}

// announce says where a part listens. Whoever started it waits for this line, and
// would wait for ever.
func announce(name, where string) error {
	_, err := fmt.Printf("suluh %s: listening on %s\n", name, where)
	return err
}

// certificate is one of files that may be replaced while it is in use.
type certificate struct {
	files tlsFlags
	now   atomic.Pointer[tls.Certificate]
	again chan os.Signal
}

// read reads it anew. After an error, the one of before stays.
func (c *certificate) read() error {
	pair, err := tls.LoadX509KeyPair(c.files.TLSCert, c.files.TLSKey)
	if err != nil {
		return err
	}
	if until := pair.Leaf.NotAfter; until.Before(time.Now()) {
		return fmt.Errorf("it was good until %s only", until.UTC().Format(time.DateOnly))
	}
	c.now.Store(&pair)
	return nil
}

// config has Go's own choice of ciphers and curves, which is kept up to date; TLS 1.2
// is for browsers of some years ago.
func (c *certificate) config() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.now.Load(), nil },
	}
}

// watch reads it anew on SIGHUP, until the context ends.
func (c *certificate) watch(ctx context.Context, log *slog.Logger) {
	defer signal.Stop(c.again)
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.again:
		}
		until := func() string { return c.now.Load().Leaf.NotAfter.UTC().Format(time.DateOnly) }
		if err := c.read(); err != nil {
			log.Error("the new certificate is not used; the one of before stays in use", "error", err, "until", until())
			continue
		}
		log.Info("the certificate was read anew", "until", until())
	}
}

// near tells whether a part is reached from this machine only, on the address or on
// what systemd has opened.
func (s sockets) near(name, addr string) bool {
	if l := s[name]; len(l) == 1 {
		if l[0].Addr().Network() == "unix" {
			return true
		}
		addr = l[0].Addr().String()
	}
	a, err := net.ResolveTCPAddr("tcp", addr)
	return err == nil && a.IP.IsLoopback()
}

// byteSize is a number of bytes: 1048576, 1MiB, 2GiB.
type byteSize int64

// UnmarshalText reads a size as people write it in flags.
func (s *byteSize) UnmarshalText(b []byte) error {
	number, shift := string(b), 0
	for i, unit := range []string{"KiB", "MiB", "GiB", "TiB"} {
		if n, ok := strings.CutSuffix(number, unit); ok {
			number, shift = n, 10*(i+1)
			break
		}
	}
	n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
	if err != nil || n < 1 || n > 1<<62>>shift {
		return errors.New("not a size such as 500MiB or 2GiB")
	}
	*s = byteSize(n << shift)
	return nil
}
