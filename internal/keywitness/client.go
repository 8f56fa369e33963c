package keywitness

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"suluh.example/suluh/vault/wire"
)

// Errors of asking beside those that a key witness refuses with.
var (
	ErrUnreachable = errors.New("the key witness does not answer")
	ErrAnswer      = errors.New("the key witness failed inside, or its answer is none of a key witness")
	ErrBusy        = errors.New("the key witness was asked for too many shares; wait some minutes")
)

// SizeError says which size of the log a key witness saw last. It is an [ErrSize].
type SizeError struct{ Size int64 }

func (e *SizeError) Error() string { return fmt.Sprintf("%v: %d records", ErrSize, e.Size) }

// Is makes it an ErrSize.
func (e *SizeError) Is(err error) bool { return err == ErrSize }

// patience is how long a key witness may take to answer: over Tor, several
// seconds are common.
const patience = 20 * time.Second

// Client asks one key witness. It is safe for concurrent use.
type Client struct{ wire *wire.Client }

// NewClient returns a client for the key witness at an address, reached by rt.
func NewClient(address string, rt http.RoundTripper) *Client {
	return &Client{wire.NewClientAt(address, rt, prefix, known)}
}

// State asks what the key witness has seen.
func (c *Client) State(ctx context.Context) (s State, err error) {
	err = c.ask(ctx, http.MethodGet, "state", nil, 64<<10, &s)
	return s, err
}

// Release asks for a share. The error is [*SizeError], one that a key witness
// refuses with, [ErrBusy], [ErrUnreachable] or [ErrAnswer].
func (c *Client) Release(ctx context.Context, q Request) (sealed []byte, err error) {
	body, err := json.Marshal(q)
	if err != nil {
		return nil, err
	}
	var a Released
	err = c.ask(ctx, http.MethodPost, "release", body, 1<<20, &a)
	return a.Share, err
}

func (c *Client) ask(ctx context.Context, method, endpoint string, body []byte, most int64, into any) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var in io.Reader
	h := http.Header{}
	if body != nil {
		// Not one that can be sent again: who waits for this waits for a page.
		in = struct{ io.Reader }{bytes.NewReader(body)}
		h.Set("Content-Type", "application/json")
	}
	r, err := c.wire.Send(ctx, method, endpoint, h, in, int64(len(body)))
	if err != nil {
		// The words around it are those of a vault that doesn't answer.
		if cause := (*url.Error)(nil); errors.As(err, &cause) {
			err = cause.Err
		}
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	defer r.Body.Close()
	switch r.StatusCode {
	case http.StatusOK:
		b, err := io.ReadAll(io.LimitReader(r.Body, most))
		if err != nil {
			return fmt.Errorf("%w: its answer broke off", ErrUnreachable)
		}
		if err := json.Unmarshal(b, into); err != nil {
			return ErrAnswer
		}
		return nil
	case http.StatusConflict:
		var x conflict
		if err := wire.Decode(r.Body, &x); err != nil || x.Size < 0 {
			return ErrAnswer
		}
		return &SizeError{x.Size}
	case http.StatusTooManyRequests:
		return ErrBusy
	}
	err = c.wire.Refusal(r)
	switch {
	case errors.Is(err, wire.ErrUnreachable):
		return ErrUnreachable
	case errors.Is(err, wire.ErrVault):
		return ErrAnswer
	}
	return err
}
