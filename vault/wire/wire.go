// Package wire is what the vault's sockets have in common beyond frames:
// errors that keep their meaning across HTTP, and a client that dials a Unix
// socket, or asks at an address where one is offered. It knows no endpoint and
// no rule.
package wire

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"suluh.example/suluh/vault/frame"
)

// Error has a code that stays the same across a socket.
type Error struct{ code, text string }

// NewError makes a sentinel.
func NewError(code, text string) *Error { return &Error{code, text} }

func (e *Error) Error() string { return e.text }

// Errors are the sentinels of one socket.
type Errors []*Error

// errorBody is the answer of a request that failed.
type errorBody struct {
	Code string `json:"code"`
}

// Write answers with an error: a known one by its code, any other as
// "internal", since its text is the operator's.
func (known Errors) Write(w http.ResponseWriter, err error) {
	status, body := known.Answer(err)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body) // the other end is gone otherwise
}

// Answer is what Write answers with.
func (known Errors) Answer(err error) (status int, body string) {
	code, status := "internal", http.StatusInternalServerError
	for _, k := range known {
		if errors.Is(err, k) {
			code, status = k.code, http.StatusUnprocessableEntity
			break
		}
	}
	b, _ := json.Marshal(errorBody{code}) // a string has no errors
	return status, string(b) + "\n"
}

// ErrVault says that the vault answered, but not as it should.
var ErrVault = errors.New("the vault could not do it; its log says why")

// ErrUnreachable says that nobody answers at the socket.
var ErrUnreachable = errors.New("the vault does not answer")

// Away answers for a vault that does not answer.
func Away(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusServiceUnavailable)
	_ = json.NewEncoder(w).Encode(errorBody{"away"}) // the other end is gone otherwise
}

// Busy answers for a service that is asked too much by somebody, and says when to ask
// again.
func Busy(w http.ResponseWriter, after time.Duration) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(after.Seconds()))))
	w.WriteHeader(http.StatusTooManyRequests)
	_ = json.NewEncoder(w).Encode(errorBody{"busy"}) // the other end is gone otherwise
}

// BusyError says that the service was asked too much, and when to ask again.
type BusyError struct{ After time.Duration }

func (*BusyError) Error() string {
	return "too many requests came at once, and the service asks to wait"
}

// Unwrap makes it one of the errors that may be gone at the next try.
func (*BusyError) Unwrap() error { return ErrUnreachable }

// mostBusy is the longest that is waited because a service asks for it.
const mostBusy = 2 * time.Minute

// busyFor reads when to ask again.
func busyFor(r *http.Response) *BusyError {
	s, err := strconv.Atoi(r.Header.Get("Retry-After"))
	if err != nil || s < 1 {
		s = 30
	}
	return &BusyError{min(time.Duration(s)*time.Second, mostBusy)}
}

// read turns a failed answer into its sentinel.
func (known Errors) read(r *http.Response) error {
	if r.StatusCode == http.StatusServiceUnavailable || r.StatusCode == http.StatusBadGateway {
		return ErrUnreachable
	}
	if r.StatusCode == http.StatusTooManyRequests {
		return busyFor(r)
	}
	b, err := io.ReadAll(io.LimitReader(r.Body, 4096))
	if err != nil {
		return fmt.Errorf("%w: its answer broke off", ErrUnreachable)
	}
	var body errorBody
	if err := json.Unmarshal(b, &body); err != nil {
		return ErrVault
	}
	for _, k := range known {
		if k.code == body.Code {
			return k
		}
	}
	return ErrVault
}

// Client asks at one socket. It is safe for concurrent use.
type Client struct {
	http   *http.Client
	base   string // URL without a slash at its end
	prefix string
	known  Errors
}

// NewClient returns a client for the socket at path whose endpoints are below
// prefix ("/deposit/v1/"). It dials at the first request.
func NewClient(path, prefix string, known Errors) *Client {
	return NewClientOver(func(ctx context.Context) (net.Conn, error) {
		return (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "unix", path)
	}, prefix, known)
}

// NewClientOver returns a client for the socket that dial connects to: for a
// part that may not connect by itself.
func NewClientOver(dial func(context.Context) (net.Conn, error), prefix string, known Errors) *Client {
	over := func(write, read int) *http.Transport {
		return &http.Transport{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				c, err := dial(ctx)
				if err != nil {
					return nil, err
				}
				return conn{c}, nil
			},
			MaxIdleConnsPerHost: 64,
			IdleConnTimeout:     time.Minute, // the vault closes them after two: what is sent just then would be lost
			WriteBufferSize:     write,
			ReadBufferSize:      read,
		}
	}
	return NewClientAt("http://vault", bySize{
		short: over(mostShort+4<<10, 16<<10), // with what HTTP puts around it
		long:  over(frame.MaxFrame+1<<10, 64<<10),
	}, prefix, known)
}

// mostShort is the most bytes of a short body: a report of text, sealed, has less.
const mostShort = 44 << 10

// bySize sends short bodies, and requests without any, over connections of their
// own. Each connection keeps its buffers: those that take a frame at once would be
// half of what lives in intake while many reports come.
type bySize struct{ short, long http.RoundTripper }

func (b bySize) RoundTrip(r *http.Request) (*http.Response, error) {
	unknown := r.Body != nil && r.Body != http.NoBody && r.ContentLength <= 0
	if unknown || r.ContentLength > mostShort {
		return b.long.RoundTrip(r)
	}
	return b.short.RoundTrip(r)
}

// conn is a connection to the socket.
type conn struct{ net.Conn }

// ReadFrom is how net/http sends a body whose length is known. By itself it would
// copy 32 KiB at a time, each of which wakes the vault.
func (c conn) ReadFrom(r io.Reader) (int64, error) {
	return io.CopyBuffer(struct{ io.Writer }{c.Conn}, struct{ io.Reader }{r}, make([]byte, 256<<10))
}

// NewClientAt returns a client for the endpoints below base and prefix, which
// it reaches by rt. It follows no redirection: what is sent is for base alone.
func NewClientAt(base string, rt http.RoundTripper, prefix string, known Errors) *Client {
	return &Client{
		base: strings.TrimSuffix(base, "/"), prefix: prefix, known: known,
		http: &http.Client{
			Transport:     rt,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// Transport is the way to the socket, for requests whose URL is below Base.
func (c *Client) Transport() http.RoundTripper { return c.http.Transport }

// Base is where the socket's paths begin.
func (c *Client) Base() string { return c.base }

// Do sends a request; a body, if there is one, is streamed. The caller closes
// the answer's body.
func (c *Client) Do(ctx context.Context, method, endpoint string, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+c.prefix+endpoint, body)
	if err != nil {
		return nil, err
	}
	r, err := c.send(req)
	if err != nil {
		return nil, err
	}
	if r.StatusCode != http.StatusOK {
		defer r.Body.Close()
		return nil, c.known.read(r)
	}
	return r, nil
}

// Send sends a request with headers, and returns its answer whatever its status.
// A body, if there is one, has so many bytes. The caller closes the answer's.
func (c *Client) Send(ctx context.Context, method, endpoint string, h http.Header, body io.Reader, length int64) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+c.prefix+endpoint, body)
	if err != nil {
		return nil, err
	}
	req.Header, req.ContentLength = h, length
	return c.send(req)
}

// Refusal turns an answer that Send returned into its sentinel.
func (c *Client) Refusal(r *http.Response) error { return c.known.read(r) }

// patience is how often a request is sent again because the service asks to wait.
const patience = 20

// send sends a request, and again once the service is no longer too busy for it. A
// body that can't be sent again is the caller's.
func (c *Client) send(req *http.Request) (*http.Response, error) {
	for try := 0; ; try++ {
		r, err := c.once(req)
		again := req.Body == nil || req.GetBody != nil
		if err != nil || r.StatusCode != http.StatusTooManyRequests || !again || try == patience {
			return r, err
		}
		wait := busyFor(r)
		r.Body.Close()
		if req.GetBody != nil {
			if req.Body, err = req.GetBody(); err != nil {
				return nil, err
			}
		}
		select {
		case <-time.After(wait.After):
		case <-req.Context().Done():
			return nil, req.Context().Err()
		}
	}
}

func (c *Client) once(req *http.Request) (*http.Response, error) {
	r, err := c.http.Do(req)
	if err != nil {
		if ctx := req.Context(); ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	return r, nil
}

// Get decodes a JSON answer into v.
func (c *Client) Get(ctx context.Context, endpoint string, v any) error {
	b, err := c.Bytes(ctx, endpoint, 1<<20)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return ErrVault
	}
	return nil
}

// Bytes returns an answer of at most most bytes.
func (c *Client) Bytes(ctx context.Context, endpoint string, most int64) ([]byte, error) {
	r, err := c.Do(ctx, http.MethodGet, endpoint, nil)
	if err != nil {
		return nil, err
	}
	defer r.Body.Close()
	b, err := io.ReadAll(io.LimitReader(r.Body, most+1))
	if err != nil || int64(len(b)) > most {
		return nil, ErrVault
	}
	return b, nil
}

// Post sends a body held in memory.
func (c *Client) Post(ctx context.Context, endpoint string, body []byte) (*http.Response, error) {
	return c.Do(ctx, http.MethodPost, endpoint, bytes.NewReader(body))
}

// JSON answers with v.
func JSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the other end is gone otherwise
}

// Decode reads a short JSON answer.
func Decode(r io.Reader, v any) error {
	if err := json.NewDecoder(io.LimitReader(r, 1<<20)).Decode(v); err != nil {
		return ErrVault
	}
	return nil
}
