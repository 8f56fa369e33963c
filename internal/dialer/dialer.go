//go:build linux

// Package dialer connects to one Unix socket, or to one TCP port of one host, for
// a part that can't: a child process that holds nothing but that address connects
// whenever it is asked, and passes the connection on. So the part's own filter of
// system calls has neither socket(2) nor connect(2), and whoever takes the part
// over can reach that one place and no other.
//
// A request is one byte. The answer is an error number, 4 bytes, with the
// connection beside it if the number is 0. The child must never take a path, or
// anything else that is more than "now", from the part.
package dialer

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"time"

	"suluh.example/suluh/internal/child"
)

// Command is the hidden command that Start starts and that calls Serve; the
// address is its one argument.
const Command = "dialer"

// Dialer is the part's side. It is safe for concurrent use.
type Dialer struct {
	child   *child.Child
	conn    *net.UnixConn
	network string
	turn    chan struct{} // held by the request under way
}

// Network splits an address into the network and the address in it: a Unix
// socket's path, or "tcp:" and HOST:PORT.
func Network(address string) (network, at string) {
	if at, ok := strings.CutPrefix(address, "tcp:"); ok {
		return "tcp", at
	}
	return "unix", address
}

// Start starts the process that connects to an address, as [Network] has it.
// What listens there may come only later.
func Start(ctx context.Context, address string) (*Dialer, error) {
	c, conn, err := child.StartTalking(ctx, Command, address)
	if err != nil {
		return nil, err
	}
	network, _ := Network(address)
	return &Dialer{child: c, conn: conn, network: network, turn: make(chan struct{}, 1)}, nil
}

// Dial connects.
func (d *Dialer) Dial(ctx context.Context) (net.Conn, error) {
	select {
	case d.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	// The answer is waited for whatever becomes of the context: the next request
	// would get it otherwise. The child answers within timeout.
	defer func() { <-d.turn }()
	c, err := d.ask()
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: d.network, Err: err}
	}
	return c, nil
}

func (d *Dialer) ask() (net.Conn, error) {
	if _, err := d.conn.Write([]byte{1}); err != nil {
		return nil, fmt.Errorf("the process that connects is gone: %w", err)
	}
	answer, c, err := child.Receive(d.conn, 4)
	if err != nil {
		return nil, fmt.Errorf("the process that connects is gone: %w", err)
	}
	if len(answer) != 4 {
		return nil, fmt.Errorf("the process that connects is gone: %w", io.ErrUnexpectedEOF)
	}
	if errno := binary.NativeEndian.Uint32(answer); errno != 0 {
		return nil, syscall.Errno(errno)
	}
	if c == nil {
		return nil, errors.New("no connection came from the process that connects")
	}
	return c, nil
}

// Ended is closed once the process has ended; no connection can be made then.
func (d *Dialer) Ended() <-chan struct{} { return d.child.Ended() }

// PID is the id of the process.
func (d *Dialer) PID() int { return d.child.PID() }

// Close ends the process. Connections that were made stay.
func (d *Dialer) Close() error { return errors.Join(d.conn.Close(), d.child.Stop()) }

// How long connecting may take: to a socket it is a full queue, no more; to a host
// a name is looked up first.
const (
	timeout    = 5 * time.Second
	farTimeout = 30 * time.Second
)

// Serve connects to the address whenever it is asked, until the part closes its end or
// is gone. It is what the child does; confine is called before the first
// request is read.
func Serve(ctx context.Context, address string, confine func() error) error {
	ctx, conn, err := child.Talk(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := confine(); err != nil {
		return err
	}
	for request := make([]byte, 1); ; {
		n, err := conn.Read(request)
		if n == 0 || err != nil { // the part is gone, or wants no more
			return nil
		}
		err = answer(ctx, conn, address)
		if ctx.Err() != nil || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) { // the part went while it was answered
			return nil
		}
		if err != nil {
			return fmt.Errorf("pass a connection on: %w", err)
		}
	}
}

func answer(ctx context.Context, to *net.UnixConn, address string) error {
	number := make([]byte, 4)
	network, at := Network(address)
	by := net.Dialer{Timeout: timeout}
	if network == "tcp" {
		by.Timeout = farTimeout
	}
	c, err := by.DialContext(ctx, network, at)
	if err != nil {
		errno := syscall.ECONNREFUSED
		var name *net.DNSError
		var late net.Error
		switch { // what isn't the kernel's word comes to no more than one
		case errors.As(err, &errno):
		case errors.As(err, &name):
			errno = syscall.EHOSTUNREACH
		case errors.As(err, &late) && late.Timeout():
			errno = syscall.ETIMEDOUT
		}
		binary.NativeEndian.PutUint32(number, uint32(errno))
		_, err = to.Write(number)
		return err
	}
	defer c.Close()
	return child.Pass(to, number, c)
}
