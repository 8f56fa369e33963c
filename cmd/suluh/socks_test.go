package main

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/armon/go-socks5"
	"github.com/rogpeppe/go-internal/testscript"
)

// onions is a SOCKS5 proxy as Tor is one: it asks for a user and a password,
// looks names up itself, and leads every .onion name to one address. Its
// connections can be cut, or held, once so many bytes have gone to the service.
type onions struct {
	Addr string

	mu     sync.Mutex
	to     string
	after  int64
	cuts   int // connections still to be cut
	hold   bool
	held   chan struct{} // closed once one is held
	free   chan struct{} // closed once it is to go on, to its end
	sent   int64         // to the service
	users  map[string]bool
	looked []string
}

// newOnions leads to host:port. The caller closes what it returns.
func newOnions(to string) (*onions, io.Closer, error) {
	o := &onions{to: to, users: map[string]bool{}}
	s, err := socks5.New(&socks5.Config{
		Credentials: o, Resolver: o, Logger: log.New(io.Discard, "", 0),
		Dial: func(context.Context, string, string) (net.Conn, error) { return o.dial() },
	})
	if err != nil {
		return nil, nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	go func() { _ = s.Serve(l) }() // until it is closed
	o.Addr = l.Addr().String()
	return o, l, nil
}

// cut cuts the next n connections, each after so many bytes; or holds the next.
func (o *onions) cut(n int, hold bool, after int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.cuts, o.hold, o.after, o.sent = n, hold, after, 0
	o.held, o.free = make(chan struct{}), make(chan struct{})
}

// Valid takes any user, and remembers him.
func (o *onions) Valid(user, password string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.users[user+":"+password] = true
	return user != "" && password != ""
}

// Resolve knows .onion names alone.
func (o *onions) Resolve(ctx context.Context, name string) (context.Context, net.IP, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.looked = append(o.looked, name)
	if !strings.HasSuffix(name, ".onion") {
		return ctx, nil, errors.New("no such name")
	}
	return ctx, net.IPv4(127, 0, 0, 1), nil
}

func (o *onions) dial() (net.Conn, error) {
	c, err := net.Dial("tcp", o.to)
	if err != nil {
		return nil, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	x := &onionConn{Conn: c, o: o, left: -1, ended: make(chan struct{})}
	if o.cuts > 0 {
		o.cuts--
		x.left, x.hold = o.after, o.hold
	}
	return x, nil
}

// onionConn is a connection to the service.
type onionConn struct {
	net.Conn
	o    *onions
	left int64 // until it is cut; -1: never
	hold bool

	once  sync.Once
	ended chan struct{} // closed once the service has ended it
}

func (c *onionConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err != nil {
		c.once.Do(func() { close(c.ended) })
	}
	return n, err
}

func (c *onionConn) Write(p []byte) (int, error) {
	if c.left >= 0 && int64(len(p)) > c.left {
		if c.hold {
			close(c.o.held)
			<-c.o.free
		} else if half, ok := c.Conn.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
			<-c.ended // what has gone out has come: on a loopback that may be megabytes
		}
		c.Close()
		return 0, net.ErrClosed
	}
	n, err := c.Conn.Write(p)
	if c.left >= 0 {
		c.left -= int64(n)
	}
	c.o.mu.Lock()
	defer c.o.mu.Unlock()
	c.o.sent += int64(n)
	return n, err
}

// socksCmds are commands of scripts:
//
//	socks NAME URL          a proxy as Tor is one that leads every .onion name to URL; sets $NAME to its address
//	socks cut NAME N BYTES  cuts the next N connections, each after so many bytes have gone out
//	socks hold NAME BYTES   lets nothing through the next connection any more after so many bytes
//	socks held NAME         waits until it holds one
//	socks free NAME         ends what is held
//	socks users NAME N      fails unless it had N users so far
//	socks sent NAME MOST    fails if more than MOST bytes have gone out since it was told to cut
func socksCmds(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: socks …")
	}
	number := func(i int) int64 {
		n, err := strconv.ParseInt(args[i], 10, 64)
		ts.Check(err)
		return n
	}
	proxies := ts.Value(socksKey{}).(map[string]*onions)
	if len(args) == 2 && proxies[args[1]] == nil {
		u, err := url.Parse(args[1])
		ts.Check(err)
		o, closer, err := newOnions(u.Host)
		ts.Check(err)
		ts.Defer(func() { closer.Close() })
		proxies[args[0]] = o
		ts.Setenv(args[0], o.Addr)
		return
	}
	o := proxies[args[1]]
	if o == nil {
		ts.Fatalf("there is no proxy %s", args[1])
	}
	switch args[0] {
	case "cut":
		o.cut(int(number(2)), false, number(3))
	case "hold":
		o.cut(1, true, number(2))
	case "held":
		<-o.held
	case "free":
		close(o.free)
	case "users":
		if got := len(o.users); int64(got) != number(2) {
			ts.Fatalf("%d users", got)
		}
	case "sent":
		if o.sent > number(2) {
			ts.Fatalf("%d bytes went out", o.sent)
		}
	default:
		ts.Fatalf("socks %s is not known", args[0])
	}
}

type socksKey struct{}
