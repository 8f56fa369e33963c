//go:build linux

// Package door is the members' way in over Tor: to the one onion service that
// the vault offers to members, which only those can reach, or even learn the
// whereabouts of, whose onion key the roster lists.
//
// A part that is confined can neither connect nor speak to tor. A child of its
// own does: it connects to the one address that it was started with, passes the
// connections on, and hands keys to tor and takes them away. Keys are in memory
// only, the part's, the child's and tor's. The package must never write one
// down, or let the part ask tor for anything else: whoever has a whole control
// port can have tor start programs.
//
// Requests and answers are packets. A request is a letter, a number of 4 bytes
// and, with 'k', a key; the answer to it the number and a code, with the
// connection beside it where one was asked for. An answer with the number 0
// comes first, once the child is ready.
package door

import (
	"context"
	"crypto/ecdh"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"

	"suluh.example/suluh/internal/child"
)

// Command is the hidden command that Start starts and that calls Serve.
const Command = "door"

// What is wrong with the way in.
var (
	ErrShut    = errors.New("the members' onion service lets nobody in with this key")
	ErrAway    = errors.New("the members' onion service can't be reached")
	ErrAddress = errors.New("not the address of an onion service: 56 letters and digits, and .onion")
	ErrNetwork = errors.New("tor has no connection to its network yet")
	ErrTor     = errors.New("tor does not answer")
	ErrNoKey   = errors.New("the identity file has no onion key")
)

// The letters of requests.
const (
	askDial byte = 'd'
	askGive byte = 'k'
	askTake byte = 'x'
)

// codes are what an answer may say; 0 is success.
var codes = []error{nil, ErrShut, ErrAway, ErrAddress, ErrNetwork, ErrTor}

// Door is the part's side. It is safe for concurrent use.
type Door struct {
	child  *child.Child
	asking *child.Asking
	way    *http.Transport

	trying sync.Mutex // held while one key after the other is tried
	mu     sync.Mutex // of what follows
	guests []*guest
	in     *guest // whose key tor has; nil: nobody's
}

// guest is somebody who has unlocked.
type guest struct{ key *ecdh.PrivateKey }

// Start starts the process that connects to an onion address by the tor whose
// sockets are named in c. It may be there only later.
func Start(ctx context.Context, c Config) (*Door, error) {
	var err error
	if c.Address, err = ParseAddress(c.Address); err != nil {
		return nil, err
	}
	p, conn, err := child.StartTalking(ctx, c.args()...)
	if err != nil {
		return nil, err
	}
	// The first answer, to no request, is whether tor can be used.
	asking := child.NewAsking(conn, 1, means)
	if err := asking.First(); err != nil {
		_ = p.Stop() // what it says is why it ended
		return nil, errors.Join(err, asking.Close())
	}
	asking.Begin()
	d := &Door{child: p, asking: asking}
	d.way = &http.Transport{
		DialContext:         func(ctx context.Context, _, _ string) (net.Conn, error) { return d.Dial(ctx) },
		MaxIdleConnsPerHost: 8,
		DisableCompression:  true,
	}
	return d, nil
}

// Way leads the requests of an HTTP client to the service, whatever host they
// name.
func (d *Door) Way() http.RoundTripper { return d.way }

// Enter lets somebody in who has unlocked, until leave is called. tor takes one
// key for a service, and any that the roster lists opens it: it has the one of
// who came first, and gets another's once that one leaves.
func (d *Door) Enter(key *ecdh.PrivateKey) (leave func(), err error) {
	if key == nil {
		return nil, ErrNoKey
	}
	g := &guest{key}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.in == nil {
		if err := d.give(g); err != nil {
			return nil, err
		}
	}
	d.guests = append(d.guests, g)
	return sync.OnceFunc(func() { d.leave(g) }), nil
}

func (d *Door) leave(g *guest) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.guests = slices.DeleteFunc(d.guests, func(x *guest) bool { return x == g })
	if d.in == g {
		d.in = nil
		if len(d.guests) == 0 || d.give(d.guests[0]) != nil {
			// A key that can't be taken away is gone with the process and its tor.
			_, _ = d.ask(context.Background(), askTake, nil)
		}
	}
	if len(d.guests) == 0 {
		d.way.CloseIdleConnections()
	}
}

// give hands somebody's key to tor in the place of the one that it has. The
// caller holds mu.
func (d *Door) give(g *guest) error {
	if _, err := d.ask(context.Background(), askGive, g.key.Bytes()); err != nil {
		return err
	}
	d.in = g
	return nil
}

// Dial connects to the service. Where the key that tor has doesn't open it,
// those of all who are in are tried: one may have been removed from the
// roster, and a tor that was started anew has none.
func (d *Door) Dial(ctx context.Context) (net.Conn, error) {
	c, err := d.ask(ctx, askDial, nil)
	if !errors.Is(err, ErrShut) {
		return c, err
	}
	d.trying.Lock()
	defer d.trying.Unlock()
	d.mu.Lock()
	at := max(0, slices.Index(d.guests, d.in))
	candidates := slices.Concat(d.guests[at:], d.guests[:at])
	d.mu.Unlock()
	for _, g := range candidates {
		d.mu.Lock()
		still := slices.Contains(d.guests, g)
		given := errors.New("has left")
		if still {
			given = d.give(g)
		}
		d.mu.Unlock()
		if !still {
			continue
		}
		if given != nil {
			return nil, given
		}
		if c, err = d.ask(ctx, askDial, nil); !errors.Is(err, ErrShut) {
			return c, err
		}
	}
	return nil, err
}

// Ended is closed once the process has ended; nobody gets in then.
func (d *Door) Ended() <-chan struct{} { return d.child.Ended() }

// PID is the id of the process.
func (d *Door) PID() int { return d.child.PID() }

// Close ends the process, which takes the key away. Connections that were made
// stay.
func (d *Door) Close() error { return errors.Join(d.asking.Close(), d.child.Stop()) }

// ask sends a request and waits for its answer.
func (d *Door) ask(ctx context.Context, what byte, payload []byte) (net.Conn, error) {
	c, err := d.asking.Ask(ctx, what, payload)
	if errors.Is(err, child.ErrGone) {
		err = fmt.Errorf("%w: %w", ErrTor, err)
	}
	return c, err
}

// means tells what an answer says: the place of an error in codes.
func means(b []byte) (told error, ok bool) {
	if int(b[0]) >= len(codes) {
		return nil, false
	}
	return codes[b[0]], true
}
