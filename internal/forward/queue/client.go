// Package queue is what connectors to a queue with an HTTP interface share: the
// one client that they reach it with, what an answer means for a complaint that
// was handed in, credentials, and the words and numbers that a queue answers
// with, made harmless.
//
// A complaint that the queue may have taken is never called refused or not sent:
// from the moment that there is a connection, only a whole answer that says so
// does. The package must never follow a redirect, try a request twice, use a
// proxy of the environment, trust a certificate that nobody vouches for, or put a
// credential, what was sent, or more than a line of what was answered into an
// error.
package queue

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"suluh.example/suluh/internal/forward"
)

// Most is how many bytes of an answer are read.
const Most = 1 << 20

// Reach is how a queue is reached. Its keys stand in each connector's table.
type Reach struct {
	CA      string        `toml:"ca"`      // file of certificates (PEM) to trust instead of the system's
	Timeout time.Duration `toml:"timeout"` // the most that a request may take, with its answer; 1 minute if unset
}

// Client asks one queue. It is safe for concurrent use once all secrets are read.
type Client struct {
	http    *http.Client
	secrets []string
}

// authorities reads who vouches for servers: a file's certificates, or the
// system's if none is named.
func authorities(file string) (*x509.CertPool, error) {
	if file == "" {
		return x509.SystemCertPool()
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, plain(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, errors.New("there is no certificate in it")
	}
	return roots, nil
}

// Dial connects, as [net.Dialer.DialContext] does.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// NewClient makes the client. It connects by dial, or, if that is nil, by itself.
func NewClient(r Reach, dial Dial) (*Client, error) {
	roots, err := authorities(r.CA)
	if err != nil {
		return nil, fmt.Errorf("ca: %w", err)
	}
	if r.Timeout == 0 {
		r.Timeout = time.Minute
	}
	if r.Timeout < 0 {
		return nil, errors.New("timeout: less than nothing")
	}
	if dial == nil {
		dial = (&net.Dialer{Timeout: 30 * time.Second}).DialContext
	}
	var protocols http.Protocols
	protocols.SetHTTP1(true) // HTTP/2 tries again by itself, where the server may have begun
	return &Client{http: &http.Client{
		Timeout: r.Timeout,
		Transport: &http.Transport{
			DialContext:            dial,
			TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			Protocols:              &protocols,
			DisableKeepAlives:      true, // on a connection that was used, nobody knows whether the server still listened
			DisableCompression:     true,
			MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Address reads the address of a queue from the configuration: https, or http to
// this computer or an onion service, without a user, a query or a fragment. It
// ends without a slash.
func Address(key, s string) (string, error) {
	if s == "" {
		return "", Missing(key)
	}
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", fmt.Errorf("%s: not an address such as https://host/path", key)
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !near(u.Hostname())) {
		return "", fmt.Errorf("%s: must begin with https://; http:// is for this computer and onion services", key)
	}
	return strings.TrimRight(s, "/"), nil
}

func near(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback() || strings.HasSuffix(strings.ToLower(host), ".onion")
}

// Missing says that the configuration lacks a key.
func Missing(key string) error { return fmt.Errorf("%s: is missing", key) }

// Request is one to a queue.
type Request struct {
	Method string
	URL    string
	Header http.Header
	Body   []byte
}

// Answer is what came back, whole.
type Answer struct {
	Code  int
	After time.Duration // Retry-After, at most a day; negative if the queue didn't say
	To    string        // path and query that a redirect within the same origin leads to, escaped; it isn't followed
	Body  []byte
	page  bool
}

// Get asks for something. An answer whose code isn't one of success is an error:
// ErrCredentials, ErrBusy, ErrMoved, ErrAddress (404 and 410 too) or ErrServer.
func (c *Client) Get(ctx context.Context, r Request) (Answer, error) {
	a, _, err := c.do(ctx, r)
	if err != nil {
		return a, err
	}
	cause := ErrServer
	switch {
	case a.Code/100 == 2:
		return a, nil
	case a.Code == http.StatusUnauthorized || a.Code == http.StatusForbidden:
		cause = ErrCredentials
	case a.Code == http.StatusTooManyRequests || a.Code == http.StatusServiceUnavailable && a.After >= 0:
		cause = ErrBusy
	case a.Code/100 == 3:
		cause = ErrMoved
	case a.Code/100 == 4:
		cause = ErrAddress
	}
	return a, &Error{Cause: cause, Code: a.Code}
}

// Send hands a complaint in. If the answer isn't one of success, the error is
// what [forward.Connector] wants of one. Words takes the queue's own reason out of
// an answer, "" if it has none in the queue's form. Keys names the configuration
// that the credentials stand in.
func (c *Client) Send(ctx context.Context, r Request, keys string, words func(body []byte) string) (Answer, error) {
	a, reached, err := c.do(ctx, r)
	switch {
	case err != nil && !reached:
		return a, &forward.NotSent{Err: err}
	case err != nil:
		return a, err
	case a.Code/100 == 2:
		return a, nil
	}
	reason := c.Line(words(a.Body))
	with := func(cause *Cause) error { return &Error{Cause: cause, Code: a.Code, Keys: keys, said: reason} }
	switch a.Code {
	case http.StatusTooManyRequests:
		return a, &forward.NotSent{After: max(a.After, 0), Err: with(ErrBusy)}
	case http.StatusServiceUnavailable:
		// Only who says when to come back is sure not to have taken it: a proxy says
		// the rest, of a queue that may have.
		if a.After >= 0 {
			return a, &forward.NotSent{After: a.After, Err: with(ErrBusy)}
		}
	case http.StatusUnauthorized, http.StatusForbidden:
		return a, &forward.NotSent{Err: with(ErrCredentials)}
	case http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return a, &forward.NotSent{Err: with(ErrMoved)}
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusGone:
		if reason == "" {
			return a, &forward.NotSent{Err: with(ErrAddress)}
		}
	case http.StatusRequestTimeout, http.StatusConflict, http.StatusTooEarly:
		return a, with(ErrServer) // it may be here already
	}
	if a.Code/100 == 3 {
		return a, with(ErrMoved) // a form's usual answer to what it took
	}
	if a.Code/100 != 4 {
		return a, with(ErrServer)
	}
	return a, &forward.Refused{Reason: reason, Err: with(ErrRefused)}
}

// do asks once. Reached tells whether there was a connection, on which the
// request may have gone out.
func (c *Client) do(ctx context.Context, r Request) (a Answer, reached bool, err error) {
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }})
	q, err := http.NewRequestWithContext(ctx, r.Method, r.URL, bytes.NewReader(r.Body))
	if err != nil {
		return a, false, &Error{Cause: ErrUnreachable, Err: errors.New("it has no valid address")}
	}
	if r.Header != nil {
		q.Header = r.Header.Clone()
	}
	q.Header.Set("User-Agent", "Suluh")
	got, err := c.http.Do(q)
	if err != nil {
		if !connected.Load() {
			return a, false, &Error{Cause: ErrUnreachable, Err: plain(err)}
		}
		return a, true, &Error{Cause: ErrCut, Err: plain(err)}
	}
	defer got.Body.Close()
	a = Answer{Code: got.StatusCode, After: after(got.Header.Get("Retry-After")), page: strings.HasPrefix(got.Header.Get("Content-Type"), "text/html")}
	if to, err := got.Location(); err == nil && got.StatusCode/100 == 3 && sameOrigin(to, q.URL) {
		a.To = to.RequestURI()
	}
	a.Body, err = io.ReadAll(io.LimitReader(got.Body, Most+1))
	switch {
	case err != nil:
		return a, true, &Error{Cause: ErrCut, Err: plain(err)}
	case len(a.Body) > Most:
		return a, true, ErrLarge
	}
	return a, true, nil
}

// sameOrigin tells whether two addresses are of one scheme, host and port.
func sameOrigin(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && a.User == nil && a.Opaque == "" && hostPort(a) == hostPort(b)
}

// hostPort is HOST:PORT, with the port that the scheme has where none is named.
func hostPort(u *url.URL) string {
	return net.JoinHostPort(strings.ToLower(u.Hostname()), cmp.Or(u.Port(), map[string]string{"http": "80", "https": "443"}[u.Scheme]))
}

// plain takes the address, or a file's name, from an error.
func plain(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		if u.Timeout() {
			return context.DeadlineExceeded
		}
		return u.Err
	}
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

func after(s string) time.Duration {
	const most = 24 * time.Hour
	if s == "" {
		return -1
	}
	if n, err := strconv.ParseInt(s, 10, 32); err == nil {
		return min(max(time.Duration(n)*time.Second, 0), most)
	}
	if t, err := http.ParseTime(s); err == nil {
		return min(max(time.Until(t), 0), most)
	}
	return -1
}
