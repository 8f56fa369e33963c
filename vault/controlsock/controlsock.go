// Package controlsock is the operator's socket to a running vault: end the
// day, install the next signed roster. Its file is the operator's alone. It
// offers nothing about any case.
package controlsock

import (
	"context"
	"errors"
	"io"
	"net/http"

	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/vault/wire"
)

// ErrRoster says that a roster was not installed.
var ErrRoster = wire.NewError("roster", "the roster is not signed by the vault's root key, or does not follow the one in force")

var known = wire.Errors{ErrRoster}

const prefix = "/control/v1/"

// BatchAnswer says what a batch did.
type BatchAnswer struct {
	Deposits int `json:"deposits"` // that entered the log
}

// Vault is what the handler needs of the vault.
type Vault interface {
	// Batch enters the deposits that wait into the log and writes them anew.
	Batch(ctx context.Context) (int, error)
	// InstallRoster makes a signed roster the one in force; ErrRoster if it
	// may not be.
	InstallRoster(ctx context.Context, signed []byte) error
}

// Handler serves the socket.
func Handler(v Vault) http.Handler {
	m := http.NewServeMux()
	m.HandleFunc("POST "+prefix+"batch", func(w http.ResponseWriter, r *http.Request) {
		n, err := v.Batch(r.Context())
		if err != nil {
			known.Write(w, err)
			return
		}
		wire.JSON(w, BatchAnswer{n})
	})
	m.HandleFunc("POST "+prefix+"roster", func(w http.ResponseWriter, r *http.Request) {
		signed, err := io.ReadAll(io.LimitReader(r.Body, roster.MaxSize+1))
		if err == nil {
			err = v.InstallRoster(r.Context(), signed)
		}
		if err != nil {
			known.Write(w, err)
			return
		}
		wire.JSON(w, struct{}{})
	})
	return m
}

// Client is the operator's end. It is safe for concurrent use.
type Client struct{ wire *wire.Client }

// NewClient returns a client for the socket at path; nothing is dialled yet.
func NewClient(path string) *Client { return &Client{wire.NewClient(path, prefix, known)} }

// Batch ends the day by hand.
func (c *Client) Batch(ctx context.Context) (n int, err error) {
	r, err := c.wire.Post(ctx, "batch", nil)
	if err != nil {
		return 0, err
	}
	defer r.Body.Close()
	var a BatchAnswer
	if err := wire.Decode(r.Body, &a); err != nil {
		return 0, err
	}
	return a.Deposits, nil
}

// InstallRoster hands in a signed roster.
func (c *Client) InstallRoster(ctx context.Context, signed []byte) error {
	r, err := c.wire.Post(ctx, "roster", signed)
	if err != nil {
		return err
	}
	return r.Body.Close()
}

// IsAbsent tells whether no vault runs behind the socket.
func IsAbsent(err error) bool { return errors.Is(err, wire.ErrUnreachable) }
