//go:build linux

// Package outward connects to those whom a signed roster names and who are not of
// this instance, key witnesses and witnesses of the log, for a part that can't
// connect by itself. A child process does it, which checks the roster's signature
// by the root key that it was started with: so whoever takes the part over can
// reach those addresses, and no other.
//
// Requests and answers are packets. A request is a letter, a number of 4 bytes and
// text: a piece of the signed roster, its last piece, or an address. The answer to
// the last two is the number and an error number of 4 bytes, with the connection
// beside it where one was asked for. The child confines itself once it has the
// first roster; it must never connect before that, nor to what no roster names.
package outward

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"syscall"
	"time"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/child"
)

// Command is the hidden command that Start starts and that calls Serve.
const Command = "outward"

// The letters of requests.
const (
	askPiece byte = 'p'
	askLast  byte = 'r'
	askDial  byte = 'd'
)

const (
	head  = 1 + 4
	piece = 32 << 10 // bytes of a roster in one packet
)

// ErrRoster says that the process does not go by a roster: it isn't signed by the
// root key, is an earlier one, or names a port that the first one didn't, which
// takes another process.
var ErrRoster = errors.New("the process that connects to key witnesses does not take the roster; start this part anew")

// Way is the part's side. It is safe for concurrent use.
type Way struct {
	child  *child.Child
	asking *child.Asking
	http   *http.Transport

	allowing sync.Mutex
	allowed  id.Digest // of the roster that the child goes by
}

// Start starts the process. It is given the root key, as a verifier key, and the
// SOCKS5 proxy by which it connects to all but loopback; "" for none.
func Start(ctx context.Context, root, socks string) (*Way, error) {
	args := []string{Command, root}
	if socks != "" {
		args = append(args, "--socks", socks)
	}
	c, conn, err := child.StartTalking(ctx, args...)
	if err != nil {
		return nil, err
	}
	w := &Way{child: c, asking: child.NewAsking(conn, 4, means)}
	w.http = &http.Transport{
		DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
			return w.asking.Ask(ctx, askDial, []byte(address))
		},
		MaxIdleConnsPerHost: 4, IdleConnTimeout: 90 * time.Second, TLSHandshakeTimeout: 20 * time.Second,
		DisableCompression: true,
	}
	w.asking.Begin()
	return w, nil
}

// RoundTrip sends a request to one whom the roster names.
func (w *Way) RoundTrip(r *http.Request) (*http.Response, error) { return w.http.RoundTrip(r) }

// Allow hands over the signed roster that names to whom the way may lead.
func (w *Way) Allow(signed []byte) error {
	w.allowing.Lock()
	defer w.allowing.Unlock()
	digest := roster.Digest(signed)
	if digest == w.allowed {
		return nil
	}
	pieces := slices.Collect(slices.Chunk(signed, piece))
	for i, p := range pieces {
		if i < len(pieces)-1 {
			if err := w.asking.Send(askPiece, p); err != nil {
				return fmt.Errorf("hand over the roster: %w", err)
			}
			continue
		}
		if _, err := w.asking.Ask(context.Background(), askLast, p); err != nil {
			return fmt.Errorf("%w: %w", ErrRoster, err)
		}
	}
	w.allowed = digest
	return nil
}

// Ended is closed once the process has ended.
func (w *Way) Ended() <-chan struct{} { return w.child.Ended() }

// PID is the id of the process.
func (w *Way) PID() int { return w.child.PID() }

// Close ends the process. Connections that were made stay.
func (w *Way) Close() error {
	w.http.CloseIdleConnections()
	return errors.Join(w.asking.Close(), w.child.Stop())
}

// means tells what an answer says: an error number, or 0.
func means(b []byte) (told error, ok bool) {
	if errno := binary.BigEndian.Uint32(b); errno != 0 {
		told = &net.OpError{Op: "dial", Net: "tcp", Err: syscall.Errno(errno)}
	}
	return told, true
}
