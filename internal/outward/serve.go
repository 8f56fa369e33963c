//go:build linux

package outward

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/net/proxy"

	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/child"
	"suluh.example/suluh/internal/witness"
)

// patience is how long a connection may take to be made; over Tor it takes some
// seconds.
const patience = 60 * time.Second

// Serve connects whenever the part asks, until it closes its end or is gone. It is
// what the child does. Confine is called with the addresses, host:port, to which it
// may have to connect, before it connects to the first.
func Serve(ctx context.Context, root note.Verifier, socks string, confine func(addresses []string) error) error {
	ctx, conn, err := child.Talk(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	s := &server{root: root, socks: socks, confine: confine}
	var dials sync.WaitGroup
	defer dials.Wait()
	var signed []byte
	request := make([]byte, head+piece+1)
	for {
		n, err := conn.Read(request)
		if n == 0 || err != nil { // the part is gone, or wants no more
			return nil
		}
		if n < head || n == len(request) {
			return errors.New("a request is not as agreed")
		}
		number, text := binary.BigEndian.Uint32(request[1:]), request[head:n]
		switch request[0] {
		case askPiece:
			if signed = append(signed, text...); len(signed) > roster.MaxSize {
				return errors.New("a roster is too large")
			}
		case askLast:
			err := s.allow(append(signed, text...))
			signed = nil
			if errors.Is(err, errConfine) {
				return err
			}
			if tell(conn, number, nil, err) != nil { // the part is gone
				return nil
			}
		case askDial:
			address, may := string(text), slices.Contains(s.addresses, string(text))
			dials.Go(func() {
				if !may {
					_ = tell(conn, number, nil, syscall.EACCES) // the part is gone
					return
				}
				c, err := s.dial(ctx, address)
				_ = tell(conn, number, c, err) // the part is gone
			})
		default:
			return errors.New("a request is not as agreed")
		}
	}
}

type server struct {
	root      note.Verifier
	socks     string
	confine   func([]string) error
	roster    *roster.Roster
	addresses []string // host:port
	ports     []string // that the process is confined to
}

// errConfine ends the process: a part of the sandbox may be in force.
var errConfine = errors.New("confine this process")

// allow takes a signed roster in the place of the one before.
func (s *server) allow(signed []byte) error {
	r, err := roster.Parse(signed, s.root)
	if err != nil {
		return fmt.Errorf("%w: %w", syscall.EACCES, err)
	}
	if s.roster != nil && r.Version < s.roster.Version {
		return syscall.EACCES
	}
	addresses, err := Addresses(r)
	if err != nil {
		return fmt.Errorf("%w: %w", syscall.EACCES, err)
	}
	var ports []string
	for _, a := range addresses {
		_, port, err := net.SplitHostPort(a)
		if err != nil {
			return fmt.Errorf("%w: %w", syscall.EACCES, err)
		}
		ports = append(ports, port)
	}
	if s.roster == nil {
		if err := s.confine(addresses); err != nil {
			return fmt.Errorf("%w: %w", errConfine, err)
		}
		s.ports = ports
	}
	for _, p := range ports {
		if !slices.Contains(s.ports, p) {
			return syscall.EACCES // the kernel refuses it
		}
	}
	s.roster, s.addresses = r, addresses
	return nil
}

// Addresses returns where the roster's key witnesses and the log's witnesses
// answer, host:port. Also key witnesses who were removed: cases of before need
// them.
func Addresses(r *roster.Roster) (all []string, err error) {
	add := func(text string) error {
		u, err := url.Parse(text)
		if err != nil {
			return err
		}
		port := u.Port()
		if port == "" {
			port = map[string]string{"https": "443"}[u.Scheme]
		}
		if port == "" {
			port = "80"
		}
		all = append(all, net.JoinHostPort(u.Hostname(), port))
		return nil
	}
	for _, m := range r.Members {
		if m.Address != "" {
			if err := add(m.Address); err != nil {
				return nil, err
			}
		}
	}
	if r.Witnesses == "" {
		return all, nil
	}
	p, err := witness.ParsePolicy(r.Witnesses)
	if err != nil {
		return nil, err
	}
	for _, w := range p.Witnesses() {
		if err := add(w.URL); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (s *server) dial(ctx context.Context, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	ip := net.ParseIP(host)
	near := host == "localhost" || ip != nil && ip.IsLoopback()
	var d net.Dialer
	if s.socks == "" || near {
		return d.DialContext(ctx, "tcp", address)
	}
	p, err := proxy.SOCKS5(Network(s.socks), s.socks, nil, proxy.Direct)
	if err != nil {
		return nil, err
	}
	through, ok := p.(interface {
		DialWithConn(ctx context.Context, c net.Conn, network, address string) (net.Addr, error)
	})
	if !ok {
		return nil, errors.New("the SOCKS client has changed")
	}
	c, err := d.DialContext(ctx, Network(s.socks), s.socks)
	if err != nil {
		return nil, err
	}
	if _, err := through.DialWithConn(ctx, c, "tcp", address); err != nil {
		return nil, errors.Join(syscall.EHOSTUNREACH, err, c.Close())
	}
	return c, nil
}

// Network tells a proxy's socket, by its path, from HOST:PORT.
func Network(at string) string {
	if strings.Contains(at, "/") {
		return "unix"
	}
	return "tcp"
}

// tell sends an answer, and closes what it has passed on.
func tell(to *net.UnixConn, number uint32, c net.Conn, why error) error {
	errno := syscall.Errno(0)
	var name *net.DNSError
	var late net.Error
	switch { // what isn't the kernel's word comes to no more than one
	case why == nil:
	case errors.As(why, &errno):
	case errors.As(why, &name):
		errno = syscall.EHOSTUNREACH
	case errors.As(why, &late) && late.Timeout():
		errno = syscall.ETIMEDOUT
	default:
		errno = syscall.ECONNREFUSED
	}
	b := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, number), uint32(errno))
	if c == nil {
		_, err := to.Write(b)
		return err
	}
	return errors.Join(child.Pass(to, b, c), c.Close())
}
