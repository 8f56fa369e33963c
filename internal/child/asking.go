//go:build linux

package child

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
)

// ErrGone says that the child doesn't answer any more.
var ErrGone = errors.New("the process that was started for it is gone")

// Asking asks a child over a socket of packets. A request is a letter, a number of 4
// bytes and what the letter needs; its answer is the number and a few bytes, with a
// connection beside it where one was asked for. It is safe for concurrent use.
type Asking struct {
	conn  *net.UnixConn
	size  int // of an answer, without the number
	means func([]byte) (told error, ok bool)

	mu      sync.Mutex
	number  uint32
	waiting map[uint32]chan answer
	gone    error
}

type answer struct {
	conn net.Conn
	err  error
}

// NewAsking returns who asks over a socket, on which answers have so many bytes.
// What one means is told by a function: success or an error, or that it is none.
// Before anything is asked, [Asking.Begin] is called.
func NewAsking(conn *net.UnixConn, size int, means func([]byte) (told error, ok bool)) *Asking {
	return &Asking{conn: conn, size: size, means: means, waiting: map[uint32]chan answer{}}
}

// First waits for an answer to no request, by which a child says whether it is
// ready.
func (a *Asking) First() error {
	_, x, err := a.read()
	return errors.Join(err, x.err)
}

// Begin begins to read answers.
func (a *Asking) Begin() { go a.answers() }

// Packet is a request.
func Packet(what byte, number uint32, payload []byte) []byte {
	return slices.Concat(binary.BigEndian.AppendUint32([]byte{what}, number), payload)
}

// Send sends a request that has no answer.
func (a *Asking) Send(what byte, payload []byte) error {
	if _, err := a.conn.Write(Packet(what, 0, payload)); err != nil {
		return fmt.Errorf("%w: %w", ErrGone, err)
	}
	return nil
}

// Ask sends a request and waits for its answer. The error is what that tells, or
// [ErrGone].
func (a *Asking) Ask(ctx context.Context, what byte, payload []byte) (net.Conn, error) {
	came := make(chan answer, 1)
	a.mu.Lock()
	if a.gone != nil {
		a.mu.Unlock()
		return nil, a.gone
	}
	a.number++
	number := a.number
	a.waiting[number] = came
	a.mu.Unlock()
	if _, err := a.conn.Write(Packet(what, number, payload)); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrGone, err)
	}
	select {
	case x := <-came:
		return x.conn, x.err
	case <-ctx.Done():
	}
	a.mu.Lock()
	delete(a.waiting, number) // a connection that comes now is closed
	a.mu.Unlock()
	select {
	case x := <-came:
		return x.conn, x.err
	default:
		return nil, ctx.Err()
	}
}

// Close ends the asking. Connections that came stay.
func (a *Asking) Close() error { return a.conn.Close() }

// answers hands each answer to who waits for it, until the child is gone.
func (a *Asking) answers() {
	for {
		number, x, err := a.read()
		a.mu.Lock()
		if err != nil {
			a.gone = fmt.Errorf("%w: %w", ErrGone, err)
			for _, w := range a.waiting {
				w <- answer{err: a.gone}
			}
			clear(a.waiting)
			a.mu.Unlock()
			return
		}
		w := a.waiting[number]
		delete(a.waiting, number)
		if w != nil {
			w <- x
		}
		a.mu.Unlock()
		if w == nil && x.conn != nil {
			x.conn.Close()
		}
	}
}

func (a *Asking) read() (number uint32, x answer, err error) {
	b, c, err := Receive(a.conn, 4+a.size)
	if err != nil {
		return 0, x, err
	}
	if len(b) == 4+a.size {
		if told, ok := a.means(b[4:]); ok {
			return binary.BigEndian.Uint32(b), answer{c, told}, nil
		}
	}
	if c != nil {
		c.Close()
	}
	return 0, x, errors.New("an answer is not as agreed")
}
