//go:build linux

// Package dialer connects to one Unix socket for a part that can't: a child
// process that holds nothing but the socket's path connects whenever it is
// asked, and passes the connection on. So the part's own filter of system calls
// has neither socket(2) nor connect(2), and whoever takes the part over can
// reach that one socket and no other.
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
	"syscall"
	"time"

	"suluh.example/suluh/internal/child"
)

// Command is the hidden command that Start starts and that calls Serve; the
// socket's path is its one argument.
const Command = "dialer"

// Dialer is the part's side. It is safe for concurrent use.
type Dialer struct {
	child *child.Child
	conn  *net.UnixConn
	turn  chan struct{} // held by the request under way
}

// Start starts the process that connects to the socket at path. It may be there
// only later.
func Start(ctx context.Context, path string) (*Dialer, error) {
	c, conn, err := child.StartTalking(ctx, Command, path)
	if err != nil {
		return nil, err
	}
	return &Dialer{child: c, conn: conn, turn: make(chan struct{}, 1)}, nil
}

// Dial connects to the socket.
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
		return nil, &net.OpError{Op: "dial", Net: "unix", Err: err}
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

// timeout is how long connecting may take: a full queue, no more.
const timeout = 5 * time.Second

// Serve connects to path whenever it is asked, until the part closes its end or
// is gone. It is what the child does; confine is called before the first
// request is read.
func Serve(ctx context.Context, path string, confine func() error) error {
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
		err = answer(ctx, conn, path)
		if ctx.Err() != nil || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) { // the part went while it was answered
			return nil
		}
		if err != nil {
			return fmt.Errorf("pass a connection on: %w", err)
		}
	}
}

func answer(ctx context.Context, to *net.UnixConn, path string) error {
	number := make([]byte, 4)
	c, err := (&net.Dialer{Timeout: timeout}).DialContext(ctx, "unix", path)
	if err != nil {
		errno := syscall.ECONNREFUSED
		_ = errors.As(err, &errno) // what isn't the kernel's word comes to no more than that
		binary.NativeEndian.PutUint32(number, uint32(errno))
		_, err = to.Write(number)
		return err
	}
	defer c.Close()
	return child.Pass(to, number, c)
}
