// Package reporter is a reporter's side on a computer of her own, for the
// commands submit, status and reply: it reaches a service directly or through
// Tor, believes nothing of it that the root key doesn't vouch for, asks the
// form's questions, and says in the reporter's language what came of it.
//
// Sealing and checking are internal/submission's. The package must never write
// what was typed, a code or an answer to a file, an error or a log, send
// anything before all that can be checked here is checked, nor use a proxy or
// any other setting of the environment to reach a service.
package reporter

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/net/proxy"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/casecode"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/submission"
	"suluh.example/suluh/internal/witness"
	"suluh.example/suluh/vault/depositsock"
	"suluh.example/suluh/vault/wire"
)

// What may be wrong with how a service is reached. [Explain] says what to do.
var (
	ErrAddress = errors.New("not the address of a service")
	ErrOnion   = errors.New("an onion address is reached through Tor only")
	ErrSocks   = errors.New("not a SOCKS5 proxy that looks up names itself")
	ErrProxy   = errors.New("the SOCKS proxy does not answer")
	ErrServer  = errors.New("what answers is not a service of Suluh")
	ErrNetwork = errors.New("the service can't be reached")

	ErrWitnesses = errors.New("the service shows another access log than its witnesses have seen")
)

// Service is a service whose list of readers is checked.
type Service struct {
	Sender *submission.Sender
	State  depositsock.State
	Direct bool // reached without Tor, and not on this computer

	// Unwitnessed is set if the roster names witnesses, and no quorum of them has
	// cosigned a log with the roster in it yet.
	Unwitnessed bool
}

// Connect reaches the service at an address, through a SOCKS5 proxy if one is
// named, and checks its roster by the root key and today's date. Nothing is
// sent but the two questions.
func Connect(ctx context.Context, address, socks string, root note.Verifier, now time.Time) (*Service, error) {
	at, err := parseAddress(address)
	if err != nil {
		return nil, err
	}
	if isOnion(at.Hostname()) && socks == "" {
		return nil, ErrOnion
	}
	rt, err := transport(socks, stall)
	if err != nil {
		return nil, err
	}
	vault, err := depositsock.NewClientAt(at.String(), rt)
	if err != nil {
		return nil, ErrAddress
	}
	s := &Service{Direct: socks == "" && !isLoopback(at.Hostname())}
	if s.State, err = vault.State(ctx); err != nil {
		return nil, unreached(err)
	}
	if s.State.Origin == "" || s.State.Day.IsZero() {
		return nil, ErrServer
	}
	proof, err := vault.RosterProof(ctx)
	if err != nil {
		return nil, unreached(err)
	}
	roster, digest, err := submission.CheckRoster(proof, root, id.DayOf(now, now.Location()))
	if err != nil {
		return nil, err
	}
	if s.Unwitnessed, err = unwitnessed(proof, roster); err != nil {
		return nil, err
	}
	s.Sender, err = submission.NewSender(vault, roster, digest)
	return s, err
}

// unwitnessed checks what witnesses have cosigned of the log that proves a
// roster: others see the same log, with this roster in it. A service that shows
// something else than they have seen is refused. Where it has nothing to show, the
// reporter is told and may go on: a witness that is away must keep nobody from
// reporting, and whoever could withhold its cosignature could as well take no
// report at all.
func unwitnessed(p depositsock.RosterProof, r *roster.Roster) (bool, error) {
	if r.Witnesses == "" {
		return false, nil
	}
	policy, err := witness.ParsePolicy(r.Witnesses)
	if err != nil || p.Cosigned == nil {
		return true, nil // with a policy that says nothing, as if none had cosigned
	}
	log, err := note.NewVerifier(r.LogKey)
	if err != nil {
		return false, fmt.Errorf("%w: %w", submission.ErrRosterLog, err)
	}
	at, err := accesslog.OpenCheckpoint([]byte(p.Checkpoint), log)
	if err != nil {
		return false, fmt.Errorf("%w: %w", submission.ErrRosterLog, err)
	}
	tree, _, err := policy.Continued(*p.Cosigned, log, at)
	switch {
	case errors.Is(err, witness.ErrQuorum): // of a policy before
		return true, nil
	case err != nil:
		return false, fmt.Errorf("%w: %w", ErrWitnesses, err)
	}
	return tree.N <= p.Index, nil
}

// unreached tells a service that is away from a network that is, and from what
// is no service.
func unreached(err error) error {
	var network net.Error
	switch {
	case errors.Is(err, ErrProxy), errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, wire.ErrVault):
		return ErrServer
	case errors.As(err, &network):
		return fmt.Errorf("%w: %w", ErrNetwork, err)
	}
	return err
}

// parseAddress reads the address of a service as people copy it.
func parseAddress(s string) (*url.URL, error) {
	s = strings.TrimSpace(s)
	if !strings.Contains(s, "://") {
		scheme := "https://"
		if host, _, _ := strings.Cut(s, "/"); isOnion(hostOf(host)) || isLoopback(hostOf(host)) {
			scheme = "http://"
		}
		s = scheme + s
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil {
		return nil, ErrAddress
	}
	// What people copy from the address bar may be any page's.
	return &url.URL{Scheme: u.Scheme, Host: u.Host}, nil
}

func hostOf(s string) string {
	if h, _, err := net.SplitHostPort(s); err == nil {
		return h
	}
	return s
}

func isOnion(host string) bool {
	return strings.HasSuffix(strings.TrimSuffix(strings.ToLower(host), "."), ".onion")
}

func isLoopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}

// stall is how long a connection may go without a byte before it is cut: slow
// ones never are.
const stall = 2 * time.Minute

// transport makes the connections. Names are looked up by the proxy, and each
// run has a user and password of its own, by which Tor gives it a circuit of
// its own.
func transport(socks string, stall time.Duration) (http.RoundTripper, error) {
	dial := (&net.Dialer{Timeout: 30 * time.Second}).DialContext
	if socks != "" {
		u, err := url.Parse(socks)
		if !strings.Contains(socks, "://") {
			u, err = url.Parse("socks5h://" + socks)
		}
		if err != nil || u.Scheme != "socks5h" || u.Port() == "" || u.User != nil || strings.Trim(u.Path, "/") != "" {
			return nil, ErrSocks
		}
		auth := proxy.Auth{User: rand.Text(), Password: rand.Text()}
		p, err := proxy.SOCKS5("tcp", u.Host, &auth, proxyDialer{})
		if err != nil {
			return nil, ErrSocks
		}
		through, ok := p.(proxy.ContextDialer)
		if !ok {
			return nil, ErrSocks
		}
		dial = through.DialContext
	}
	return plainly{&http.Transport{
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			c, err := dial(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			return &patient{c, stall}, nil
		},
		DisableCompression:  true,
		TLSHandshakeTimeout: time.Minute,
		WriteBufferSize:     64 << 10,
		ReadBufferSize:      64 << 10,
	}}, nil
}

// proxyDialer dials the proxy, and says so if that fails.
type proxyDialer struct{}

func (proxyDialer) Dial(network, addr string) (net.Conn, error) {
	return proxyDialer{}.DialContext(context.Background(), network, addr)
}

func (proxyDialer) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	c, err := (&net.Dialer{Timeout: 10 * time.Second}).DialContext(ctx, network, addr)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrProxy, err)
	}
	return c, nil
}

// patient is a connection that breaks once nothing has moved for so long.
type patient struct {
	net.Conn
	stall time.Duration
}

func (c *patient) Read(p []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(c.stall)); err != nil {
		return 0, err
	}
	return c.Conn.Read(p)
}

func (c *patient) Write(p []byte) (int, error) {
	if err := c.SetDeadline(time.Now().Add(c.stall)); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}

// plainly sends requests that tell nothing of the program and its version.
type plainly struct{ http.RoundTripper }

func (p plainly) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("User-Agent", "")
	return p.RoundTripper.RoundTrip(r)
}

// Look opens a case by its code.
func (s *Service) Look(ctx context.Context, code casecode.Code) (*submission.View, error) {
	v, err := s.Sender.Look(ctx, code)
	if err != nil {
		return nil, unreached(err)
	}
	return v, nil
}
