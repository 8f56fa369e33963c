package depositsock

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/vault/frame"
	"suluh.example/suluh/vault/wire"
)

// prefix is where the paths begin, of the socket and of what intake offers.
const prefix = "/deposit/v1/"

// Client is the reporter's side of the socket, where it is or where intake
// offers it to the outside. It is safe for concurrent use.
type Client struct{ wire *wire.Client }

// NewClient returns a client for the socket at path; nothing is dialled yet.
func NewClient(path string) *Client { return &Client{wire.NewClient(path, prefix, known)} }

// NewClientOver returns a client for the socket that dial connects to.
func NewClientOver(dial func(context.Context) (net.Conn, error)) *Client {
	return &Client{wire.NewClientOver(dial, prefix, known)}
}

// NewClientAt returns a client for the socket as intake offers it, at the
// address of its pages, e.g. "https://lapor.example" or "http://….onion". The
// transport is the caller's: it may lead through a proxy.
func NewClientAt(base string, rt http.RoundTripper) (*Client, error) {
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("not an address of the service (https://HOST or http://HOST)")
	}
	return &Client{wire.NewClientAt(u.Scheme+"://"+u.Host, rt, prefix, known)}, nil
}

// State asks how the vault is.
func (c *Client) State(ctx context.Context) (s State, err error) {
	return s, c.wire.Get(ctx, "state", &s)
}

// Roster returns the signed roster in force. Its signature is the caller's to
// check.
func (c *Client) Roster(ctx context.Context) ([]byte, error) {
	return c.wire.Bytes(ctx, "roster", roster.MaxSize)
}

// maxProof is the most bytes of a proof of the roster: the roster in JSON, and
// what is small.
const maxProof = 2*roster.MaxSize + 1<<20

// RosterProof returns the roster in force and the proof that it is. All of it
// is the caller's to check.
func (c *Client) RosterProof(ctx context.Context) (p RosterProof, err error) {
	b, err := c.wire.Bytes(ctx, "roster/proof", maxProof)
	if err != nil {
		return p, err
	}
	if err := json.Unmarshal(b, &p); err != nil {
		return p, wire.ErrVault
	}
	return p, nil
}

// Found is what a look-up found.
type Found struct {
	LookupAnswer
	Bytes map[id.Digest][]byte // of all cards and answers
}

// maxFound is the most bytes of cards and answers that a look-up takes in.
const maxFound = 64 << 20

// Lookup finds a case by code. The error is [ErrUnknown] if there is none.
func (c *Client) Lookup(ctx context.Context, l id.Lookup) (*Found, error) {
	head, err := json.Marshal(LookupHead{l.Hex()})
	if err != nil {
		return nil, err
	}
	r, err := c.wire.Post(ctx, "lookup", head)
	if err != nil {
		return nil, err
	}
	defer r.Body.Close()
	f := &Found{Bytes: map[id.Digest][]byte{}}
	fr := frame.NewReader(io.LimitReader(r.Body, maxFound), 0)
	if err := fr.Head(&f.LookupAnswer); err != nil {
		return nil, err
	}
	for {
		o, body, err := fr.Next()
		if errors.Is(err, io.EOF) {
			return f, nil
		}
		if err != nil {
			return nil, err
		}
		b, err := io.ReadAll(body)
		if err != nil {
			return nil, err
		}
		if id.DigestOf(b) != o.Digest {
			return nil, wire.ErrVault
		}
		f.Bytes[o.Digest] = b
	}
}

// Destroy has an answer destroyed; it is gone once this returns.
func (c *Client) Destroy(ctx context.Context, head DestroyHead) (a DestroyAnswer, err error) {
	body, err := json.Marshal(head)
	if err != nil {
		return a, err
	}
	r, err := c.wire.Post(ctx, "destroy", body)
	if err != nil {
		return a, err
	}
	defer r.Body.Close()
	return a, wire.Decode(r.Body, &a)
}

// Deposit is one deposit under way. It is not safe for concurrent use.
type Deposit struct {
	ctx    context.Context
	c      *Client
	frames *frame.Writer
	whole  bool          // what is written now is the rest of it
	stream *stream       // nil until it has more bytes than are gathered
	done   chan struct{} // closed once answer and err are set, if there is a stream
	answer DepositAnswer
	err    error
}

// ofText is how many bytes most deposits of text alone have.
const ofText = 32 << 10

// Deposit starts one. It must end with Commit or Abort.
func (c *Client) Deposit(ctx context.Context, head DepositHead) (*Deposit, error) {
	d := &Deposit{ctx: ctx, c: c}
	d.frames = frame.NewWriter(outgoing{d})
	d.frames.Grow(ofText)
	if err := d.frames.Head(head); err != nil {
		return nil, d.cause(err)
	}
	return d, nil
}

// outgoing is where the frames of a deposit go.
type outgoing struct{ d *Deposit }

// Write sends a deposit that has gathered whole as one body of known length:
// one write, and nobody to hand it over to. Any other streams.
func (o outgoing) Write(p []byte) (int, error) {
	d := o.d
	if d.stream == nil && d.whole {
		if len(p) > 0 { // none is left if the last frame alone was a write's worth
			d.answer, d.err = d.c.send(d.ctx, bytes.NewReader(p))
		}
		return len(p), d.err
	}
	if d.stream == nil {
		d.begin()
	}
	return d.stream.Write(p)
}

// begin begins to send what is written from now on.
func (d *Deposit) begin() {
	d.stream, d.done = newStream(), make(chan struct{})
	go func() {
		defer close(d.done)
		d.answer, d.err = d.c.send(d.ctx, d.stream)
		// Whoever still writes learns why nobody reads any more.
		d.stream.end(errors.Join(d.err, io.ErrClosedPipe))
	}()
}

func (c *Client) send(ctx context.Context, body io.Reader) (a DepositAnswer, err error) {
	r, err := c.wire.Do(ctx, http.MethodPost, "deposit", body)
	if err != nil {
		return a, err
	}
	defer r.Body.Close()
	b, err := io.ReadAll(io.LimitReader(r.Body, 64<<10))
	if err != nil {
		return a, fmt.Errorf("%w: its answer broke off", wire.ErrUnreachable)
	}
	if err := json.Unmarshal(b, &a); err != nil {
		return a, wire.ErrVault
	}
	return a, nil
}

// cause prefers the vault's own answer to the broken pipe that it led to.
func (d *Deposit) cause(err error) error {
	if d.stream != nil {
		d.stream.end(err)
		<-d.done
	}
	if d.err != nil {
		return d.err
	}
	return err
}

type objectWriter struct {
	io.WriteCloser
	d *Deposit
}

func (o objectWriter) Write(p []byte) (int, error) {
	n, err := o.WriteCloser.Write(p)
	if err != nil {
		err = o.d.cause(err)
	}
	return n, err
}

func (o objectWriter) Close() error {
	if err := o.WriteCloser.Close(); err != nil {
		return o.d.cause(err)
	}
	return nil
}

// Object starts an object of the deposit.
func (d *Deposit) Object(r id.Role) (io.WriteCloser, error) {
	w, err := d.frames.Begin(id.Object{Role: r})
	if err != nil {
		return nil, d.cause(err)
	}
	return objectWriter{w, d}, nil
}

// Commit makes the deposit whole and returns once it is durable.
func (d *Deposit) Commit(_ context.Context, c DepositCommit) (DepositAnswer, error) {
	d.whole = true
	if err := d.frames.Commit(c); err != nil {
		return DepositAnswer{}, d.cause(err)
	}
	if d.stream != nil {
		d.stream.end(nil)
		<-d.done
	}
	return d.answer, d.err
}

// Abort breaks the deposit off: the vault keeps nothing of it. It does nothing
// after Commit.
func (d *Deposit) Abort() {
	if d.stream != nil {
		d.stream.end(errors.New("deposit was broken off"))
		<-d.done
	}
}
