package queue

import (
	"bufio"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/proxy"
)

// Through connects by a SOCKS5 proxy that looks names up itself, which is reached
// by dial. Each is a way of its own: Tor gives it a circuit of its own.
func Through(socks string, dial Dial) (Dial, error) {
	if _, port, err := net.SplitHostPort(socks); err != nil || port == "" {
		return nil, errors.New("socks: not HOST:PORT")
	}
	p, err := proxy.SOCKS5("tcp", socks, &proxy.Auth{User: rand.Text(), Password: rand.Text()}, dial)
	if err != nil {
		return nil, fmt.Errorf("socks: %w", err)
	}
	d, ok := p.(proxy.ContextDialer)
	if !ok {
		return nil, errors.New("socks: can't be used")
	}
	return d.DialContext, nil
}

// Dial makes it one of golang.org/x/net/proxy.
func (d Dial) Dial(network, address string) (net.Conn, error) {
	return d(context.Background(), network, address)
}

// DialContext does too.
func (d Dial) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return d(ctx, network, address)
}

// Proxy is an HTTP proxy that is asked for a tunnel (CONNECT, RFC 9110, section
// 9.3.6) and looks names up itself. It carries bytes: whom the queue's certificate
// is for is checked at this end.
type Proxy struct {
	address    string      // HOST:PORT
	tls        *tls.Config // nil: plain http
	credential string      // of Proxy-Authorization; "" for none
}

// tunnelWithin is how long a proxy may take until there is a tunnel.
const tunnelWithin = 30 * time.Second

// NewProxy reads http://HOST:PORT or https://HOST:PORT. Credential, if any, is a
// file with user:password, or the name of one of systemd's credentials; ca a file of
// certificates that vouch for an https proxy in place of the system's.
func NewProxy(address, credential, ca string) (*Proxy, error) {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("proxy: not an address such as http://HOST:PORT")
	}
	if u.User != nil {
		return nil, errors.New("proxy: user and password don't belong in the address, but in a file that --proxy-credential names")
	}
	p := &Proxy{address: hostPort(u)}
	if u.Scheme == "https" {
		roots, err := authorities(ca)
		if err != nil {
			return nil, fmt.Errorf("proxy-ca: %w", err)
		}
		p.tls = &tls.Config{RootCAs: roots, ServerName: u.Hostname(), MinVersion: tls.VersionTLS12}
	} else if ca != "" {
		return nil, errors.New("proxy-ca: is for a proxy with https://")
	}
	if credential != "" {
		secret, err := readSecret("proxy-credential", credential)
		if err != nil {
			return nil, err
		}
		if user, _, ok := strings.Cut(secret, ":"); !ok || user == "" {
			return nil, errors.New("proxy-credential: the file isn't user:password")
		}
		p.credential = "Basic " + base64.StdEncoding.EncodeToString([]byte(secret))
	}
	return p, nil
}

// Address is the HOST:PORT that the proxy is reached at.
func (p *Proxy) Address() string { return p.address }

// Through connects by the proxy, which is reached by dial.
func (p *Proxy) Through(dial Dial) Dial {
	return func(ctx context.Context, network, at string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, tunnelWithin)
		defer cancel()
		c, err := dial(ctx, network, p.address)
		if err != nil {
			return nil, fmt.Errorf("the proxy: %w", err)
		}
		stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) }) // what waits on it ends
		tunnel, err := p.ask(ctx, c, at)
		if !stop() && err == nil {
			err = ctx.Err()
		}
		if err != nil {
			_ = c.Close() // there is nothing to say of it any more
			return nil, fmt.Errorf("the proxy: %w", cmp.Or(ctx.Err(), err))
		}
		return tunnel, nil
	}
}

// ask asks for the tunnel.
func (p *Proxy) ask(ctx context.Context, c net.Conn, at string) (net.Conn, error) {
	if p.tls != nil {
		secure := tls.Client(c, p.tls)
		if err := secure.HandshakeContext(ctx); err != nil {
			return nil, err
		}
		c = secure
	}
	r := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: at}, Host: at, Header: http.Header{"User-Agent": {"Suluh"}}}
	if p.credential != "" {
		r.Header.Set("Proxy-Authorization", p.credential)
	}
	if err := r.Write(c); err != nil {
		return nil, err
	}
	said := bufio.NewReader(io.LimitReader(c, 64<<10))
	answer, err := http.ReadResponse(said, r) // its body is the tunnel
	if err != nil {
		return nil, errors.New("answers otherwise than a proxy does")
	}
	switch {
	case answer.StatusCode == http.StatusProxyAuthRequired && p.credential == "":
		return nil, errors.New("wants credentials: --proxy-credential")
	case answer.StatusCode == http.StatusProxyAuthRequired:
		return nil, errors.New("doesn't accept the credentials of --proxy-credential")
	case answer.StatusCode/100 != 2:
		return nil, fmt.Errorf("gives no tunnel to the queue (HTTP %d)", answer.StatusCode)
	case said.Buffered() > 0:
		return nil, errors.New("says more than that there is a tunnel") // the queue is spoken to first
	}
	return c, nil
}
