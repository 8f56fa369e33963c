//go:build linux

package door

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cretz/bine/control"
	"golang.org/x/net/proxy"

	"suluh.example/suluh/internal/child"
)

// Config says where the door is and by which tor it is reached. The address
// and the paths are all that the process gets to know.
type Config struct {
	Address string // of the onion service
	Control string // of tor: HOST:PORT, or a socket's path
	Socks   string // the same; "": tor tells

	// Own says that nobody else uses this tor, so that it may forget what it
	// knows of the network when a service couldn't be reached.
	Own bool
}

func (c Config) args() []string {
	args := []string{Command, "--address", c.Address, "--control", c.Control}
	if c.Socks != "" {
		args = append(args, "--socks", c.Socks)
	}
	if c.Own {
		args = append(args, "--own")
	}
	return args
}

var onionAddress = regexp.MustCompile(`^[a-z2-7]{56}\.onion$`)

// ParseAddress reads an onion service's address as people copy it.
func ParseAddress(s string) (string, error) {
	s = strings.ToLower(strings.TrimSpace(s))
	s = strings.TrimSuffix(strings.TrimPrefix(s, "http://"), "/")
	if !onionAddress.MatchString(s) {
		return "", ErrAddress
	}
	return s, nil
}

// Needs are what the process that connects needs once it has looked around.
type Needs struct {
	Connect []string // sockets' paths and HOST:PORT
	Read    []string // tor's cookie
}

// patience is how long a connection may take to be made. tor itself gives up
// after two minutes.
const patience = 150 * time.Second

// Serve connects, gives and takes whenever the part asks, until it closes its
// end or is gone, and then takes the key away. It is what the child does;
// confine is called before the first request is read.
func Serve(ctx context.Context, c Config, confine func(Needs) error) error {
	ctx, conn, err := child.Talk(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	s := &server{c: c, user: proxy.Auth{User: rand.Text(), Password: rand.Text()}}
	needs, err := s.look()
	if err == nil {
		err = confine(needs)
	}
	if pass(conn, 0, nil, err) != nil || err != nil { // which is the part's to say
		return nil
	}
	var dials sync.WaitGroup
	defer dials.Wait()
	defer s.take() // nobody is left to be told of an error
	request := make([]byte, 5+32)
	for {
		n, err := conn.Read(request)
		if n == 0 || err != nil { // the part is gone, or wants no more
			return nil
		}
		if n < 5 {
			return errors.New("a request is not as agreed")
		}
		number := binary.BigEndian.Uint32(request[1:])
		switch {
		case request[0] == askDial && n == 5:
			dials.Go(func() {
				made, err := s.dial(ctx)
				_ = pass(conn, number, made, err) // the part is gone
			})
			continue
		case request[0] == askGive && n == len(request):
			err = s.give(request[5:])
			clear(request)
		case request[0] == askTake && n == 5:
			err = s.take()
		default:
			return errors.New("a request is not as agreed")
		}
		if pass(conn, number, nil, err) != nil { // the part is gone
			return nil
		}
	}
}

// pass sends an answer, and closes what it has passed on.
func pass(to *net.UnixConn, number uint32, made net.Conn, why error) error {
	b := append(binary.BigEndian.AppendUint32(nil, number), byte(len(codes)-1))
	for i, e := range codes {
		if errors.Is(why, e) {
			b[4] = byte(i)
		}
	}
	if made == nil {
		_, err := to.Write(b)
		return err
	}
	return errors.Join(child.Pass(to, b, made), made.Close())
}

type server struct {
	c      Config
	user   proxy.Auth // by which tor keeps this part's circuits apart from others'
	given  bool       // tor has a key of ours
	failed atomic.Bool
	cookie string // the file by which tor lets us in; "" if it needs none
}

// dial connects to the service through tor's SOCKS port.
func (s *server) dial(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	at := s.c.Socks
	p, err := proxy.SOCKS5(network(at), at, &s.user, proxy.Direct)
	if err != nil {
		return nil, err
	}
	socks, ok := p.(interface {
		DialWithConn(ctx context.Context, c net.Conn, network, address string) (net.Addr, error)
	})
	if !ok {
		return nil, errors.New("the SOCKS client has changed")
	}
	c, err := (&net.Dialer{}).DialContext(ctx, network(at), at)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTor, err)
	}
	if _, err := socks.DialWithConn(ctx, c, "tcp", net.JoinHostPort(s.c.Address, "80")); err != nil {
		c.Close()
		return nil, s.explain(err)
	}
	return c, nil
}

// explain turns tor's answer (prop304: extended errors of SOCKS) into what a
// person can do something about.
func (s *server) explain(err error) error {
	var code int
	if _, number, ok := strings.Cut(err.Error(), "unknown code: "); ok { // how the library says it
		code, _ = strconv.Atoi(number)
	}
	if code == 0xf4 { // tor has no key, and what it knows of the service is good
		return ErrShut
	}
	s.failed.Store(true)
	switch code {
	case 0xf5: // the service's descriptor, as tor knows it, isn't sealed to the key
		return ErrShut
	case 0xf6: // its checksum is wrong
		return ErrAddress
	}
	phase, asked := s.ask("GETINFO status/bootstrap-phase")
	if asked != nil {
		return asked
	}
	if !strings.Contains(strings.Join(phase.Data, " ")+phase.Reply, "PROGRESS=100") {
		return ErrNetwork
	}
	return ErrAway
}

// look finds out what is needed of a tor that runs already. One that is
// started for us alone may come later.
func (s *server) look() (n Needs, err error) {
	if s.c.Socks == "" {
		r, err := s.ask("GETINFO net/listeners/socks")
		if err != nil {
			return n, err
		}
		for _, line := range r.DataWithReply() {
			list, _ := strings.CutPrefix(line, "net/listeners/socks=")
			if first, _, _ := strings.Cut(list, " "); len(first) > 2 && first[0] == '"' {
				s.c.Socks = strings.TrimPrefix(strings.Trim(first, `"`), "unix:")
			}
		}
		if s.c.Socks == "" {
			return n, fmt.Errorf("%w: it has no SOCKS port", ErrTor)
		}
		n.Read = append(n.Read, s.cookie)
	}
	n.Connect = []string{s.c.Control, s.c.Socks}
	return n, nil
}

// give hands tor a key, in the place of the one that it has for the service.
func (s *server) give(key []byte) error {
	if s.c.Own && s.failed.Swap(false) {
		// It would believe for a quarter of an hour that the service isn't there, or
		// has another list of keys.
		if _, err := s.ask("SIGNAL NEWNYM"); err != nil {
			return err
		}
	}
	// No flag: it is kept in memory only.
	_, err := s.ask("ONION_CLIENT_AUTH_ADD %s x25519:%s", strings.TrimSuffix(s.c.Address, ".onion"), base64.StdEncoding.EncodeToString(key))
	s.given = s.given || err == nil
	return err
}

// take takes the key away.
func (s *server) take() error {
	if !s.given {
		return nil
	}
	_, err := s.ask("ONION_CLIENT_AUTH_REMOVE %s", strings.TrimSuffix(s.c.Address, ".onion"))
	s.given = err != nil
	return err
}

// ask asks tor one thing, on a connection of its own: tor may have been started
// anew since the last.
func (s *server) ask(format string, args ...any) (*control.Response, error) {
	raw, err := net.DialTimeout(network(s.c.Control), s.c.Control, 5*time.Second)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTor, err)
	}
	if err := raw.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return nil, errors.Join(err, raw.Close())
	}
	c := control.NewConn(textproto.NewConn(raw))
	defer c.Close()
	if err := c.Authenticate(""); err != nil {
		return nil, fmt.Errorf("%w: it does not let this user in: %w", ErrTor, err)
	}
	if info, err := c.ProtocolInfo(); err == nil {
		s.cookie = info.CookieFile
	}
	r, err := c.SendRequest(format, args...)
	var said *textproto.Error
	if errors.As(err, &said) && said.Code == 252 { // a descriptor that it has opens with the key
		err = nil
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %s", ErrTor, strings.SplitN(format, " ", 2)[0]) // its own words may repeat what was asked
	}
	return r, nil
}

// network tells a socket's path from HOST:PORT.
func network(at string) string {
	if strings.Contains(at, "/") {
		return "unix"
	}
	return "tcp"
}
