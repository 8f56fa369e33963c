// Package membersock is the socket between the members' side (desk, case
// commands, forward) and the vault. A request is a statement that the member
// signed; the vault records it in the access log before it answers, and every
// answer carries the proof of that.
//
// It is HTTP/1.1 over a Unix socket under the path /member/v1/; streams are
// those of vault/frame. Checkpoints and hash tiles are for everyone who can
// reach the socket; the log's entries are not served here. The package holds
// the wire types, the client and the handler, and no rules.
package membersock

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/vault/frame"
	"suluh.example/suluh/vault/wire"
)

// Errors that cross the socket.
var (
	ErrBad     = wire.NewError("bad", "the request is not as agreed")
	ErrMember  = wire.NewError("member", "the roster in force has no such member")
	ErrRole    = wire.NewError("role", "the member's roles do not allow this")
	ErrNoWrap  = wire.NewError("no-wrap", "the member has no key for this case, or there is no such case")
	ErrReplay  = wire.NewError("replay", "this statement was used before")
	ErrStale   = wire.NewError("stale", "the statement's time is more than five minutes off; check the clock")
	ErrFork    = wire.NewError("fork", "the log that the member saw is not the log of this vault")
	ErrOrigin  = wire.NewError("origin", "the statement is for another log")
	ErrAlready = wire.NewError("already", "it is so already")
	ErrState   = wire.NewError("state", "the forwarding of this case has come to another point, or is of another text")
	ErrSelf    = wire.NewError("self", "who prepared a text does not approve it")

	ErrCosigned    = wire.NewError("cosigned", "it is not a checkpoint of this log that a witness of the roster has cosigned")
	ErrRestored    = wire.NewError("restored", "the vault was restored from a backup, and its operator has not said yet what is lost")
	ErrNotRestored = wire.NewError("not-restored", "the log has no record of a restore")
)

var known = wire.Errors{ErrBad, ErrMember, ErrRole, ErrNoWrap, ErrReplay, ErrStale, ErrFork, ErrOrigin, ErrAlready, ErrState, ErrSelf, ErrCosigned, ErrRestored, ErrNotRestored}

const prefix = "/member/v1/"

// State is what everyone on the members' side may know of the vault.
type State struct {
	Origin     string    `json:"origin"`
	LogKey     string    `json:"log_key"`
	Roster     id.Digest `json:"roster"`
	Checkpoint string    `json:"checkpoint"`
}

// ActHead begins a request.
type ActHead struct {
	Statement string      `json:"statement"`      // signed note
	Have      []id.Digest `json:"have,omitempty"` // objects whose bytes need not come again

	// Decoys are wraps of a referral that open nothing, and that nobody gets: for
	// those of the unit who must not read the case. The statement has them like the
	// others, so that the log doesn't tell who was left out.
	Decoys []id.Digest `json:"decoys,omitempty"`

	// Then is a second statement, an unseal of the case that the first opens. It is
	// recorded with it if it names the record that the first has got, and otherwise
	// left out: who asks can't know that number, but guess it.
	Then string `json:"then,omitempty"`

	// Cosigned is how many records the newest checkpoint with the quorum of witnesses
	// has that the member has checked, and that what the member saw of the log
	// continues: it need not come again. 0 for none.
	Cosigned int64 `json:"cosigned,omitempty"`
}

// ActAnswer heads the answer; the bytes of the objects that it names follow,
// each once.
type ActAnswer struct {
	Proof    accesslog.Proof     `json:"proof"`
	Roster   id.Digest           `json:"roster"`             // in force, so that nobody need ask before each request
	Cases    []ListedCase        `json:"cases,omitempty"`    // of a list
	Case     *CaseView           `json:"case,omitempty"`     // of an action on a case
	Cosigned *accesslog.Cosigned `json:"cosigned,omitempty"` // what witnesses have seen of the log; nil if none has, or if the member knows
	Items    []Collected         `json:"items,omitempty"`    // of a collect

	Then *accesslog.Proof `json:"then,omitempty"` // of the second statement; nil if it was left out

	// Grown, with the record of an unseal, is how the log has grown since the last
	// ones before it: one of them is what a key witness has seen last, unless it was
	// away.
	Grown []accesslog.Grown `json:"grown,omitempty"`
}

// Outbox is how much waits for a forwarder: items that are approved, on their
// way, or of an unknown fate.
type Outbox struct {
	Waiting int `json:"waiting"`
}

// Forward is how far the forwarding of a case to the main queue has come.
type Forward struct {
	State    accesslog.Stage `json:"state"`
	Day      id.Day          `json:"day"`                // on which it came to be so
	Seq      int64           `json:"seq"`                // the record of that
	Draft    id.Digest       `json:"draft"`              //
	Prepared id.Member       `json:"prepared"`           // who handed the draft in
	Item     id.Digest       `json:"item,omitzero"`      // once it is approved
	Approved id.Member       `json:"approved,omitempty"` // by whom; the same as Prepared where the unit may do so alone
	Outcome  id.Digest       `json:"outcome,omitzero"`   // the newest of this draft
}

// Collected is an item that a forwarder collects. The bytes of the item and of
// its newest outcome follow the answer's head.
type Collected struct {
	Case id.Case `json:"case"`
	Forward
}

// ListedCase is a case in a list.
type ListedCase struct {
	Case     id.Case     `json:"case"`
	Day      id.Day      `json:"day"`           // of the first deposit
	New      bool        `json:"new,omitempty"` // that was on the day of the list: its record doesn't count the case
	Wrap     id.Digest   `json:"wrap"`
	Summary  id.Digest   `json:"summary"`        // the newest by the reporter
	State    id.Digest   `json:"state,omitzero"` // the newest by a member
	Objects  int         `json:"objects"`        // letters, answers and notes
	Unread   int         `json:"unread"`         // of these, since the member last opened the case
	Readers  []id.Member `json:"readers"`
	Assigned id.Member   `json:"assigned,omitempty"`
	Forward  *Forward    `json:"forward,omitempty"` // nil if nothing was prepared
}

// CaseView is a case as the vault knows it.
type CaseView struct {
	Case     id.Case       `json:"case"`
	Day      id.Day        `json:"day"`
	Wrap     id.Digest     `json:"wrap"`
	Objects  []CaseObject  `json:"objects"`
	Readers  []id.Member   `json:"readers"`
	Assigned id.Member     `json:"assigned,omitempty"`
	Access   []AccessEntry `json:"access"`            // records about the case, oldest first
	Forward  *Forward      `json:"forward,omitempty"` // nil if nothing was prepared
}

// CaseObject is an object of a case.
type CaseObject struct {
	id.Object
	Day id.Day    `json:"day"`
	By  id.Member `json:"by,omitempty"`  // who handed it in; "" for the reporter
	Seq int64     `json:"seq,omitempty"` // the record of that; 0 for the reporter

	// Destroyed is the day on which the reporter had an answer destroyed: its
	// bytes are gone, and don't come.
	Destroyed id.Day `json:"destroyed,omitzero"`
}

// AccessEntry is one record about a case.
type AccessEntry struct {
	Seq    int64            `json:"seq"`
	Time   time.Time        `json:"time"`
	Member id.Member        `json:"member"`
	Action accesslog.Action `json:"action"`
	To     id.Member        `json:"to,omitempty"`

	Unit   id.Unit          `json:"unit,omitempty"` // of a refer: to which
	Ends   bool             `json:"ends,omitempty"` // of a refer: others have no access any more
	Item   id.Digest        `json:"item,omitzero"`  // of what the statement names one
	Result accesslog.Result `json:"result,omitempty"`

	// Objects are what the member handed in with it, but for wraps: answers,
	// notes, states, drafts, items, outcomes.
	Objects []id.Object `json:"objects,omitempty"`
}

// maxHead is the most bytes of JSON in an answer's head: a list of some
// 50,000 cases.
const maxHead = 64 << 20

// Client is the members' end of the socket. It is safe for concurrent use.
type Client struct{ wire *wire.Client }

// NewClient returns a client for the socket at path; nothing is dialled yet.
func NewClient(path string) *Client { return &Client{wire.NewClient(path, prefix, known)} }

// NewClientOver returns a client for the socket that dial connects to.
func NewClientOver(dial func(context.Context) (net.Conn, error)) *Client {
	return &Client{wire.NewClientOver(dial, prefix, known)}
}

// NewClientBy returns a client that reaches the socket by rt, whatever host its
// requests name.
func NewClientBy(rt http.RoundTripper) *Client {
	return &Client{wire.NewClientAt("http://vault", rt, prefix, known)}
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

// LastRestore asks for the proof of the last record that says that the log was
// restored from a backup; [ErrNotRestored] if there is none. What it proves is
// the caller's to check.
func (c *Client) LastRestore(ctx context.Context) (p accesslog.Proof, err error) {
	return p, c.wire.Get(ctx, "restore", &p)
}

// LogFile returns "checkpoint" or a hash tile by its tlog-tiles path.
func (c *Client) LogFile(ctx context.Context, path string) ([]byte, error) {
	return c.wire.Bytes(ctx, "log/"+path, MaxLogFile)
}

// Cosign hands in a checkpoint with the cosignatures of witnesses. ErrCosigned
// if none of them counts.
func (c *Client) Cosign(ctx context.Context, checkpoint []byte) error {
	r, err := c.wire.Post(ctx, "cosigned", checkpoint)
	if err != nil {
		return err
	}
	return r.Body.Close()
}

// Unread hands in the signed statement of an opening that gave its member nothing
// to read: what was unread before is unread again. [ErrStale] if the member has
// opened the case since, or five minutes have passed.
func (c *Client) Unread(ctx context.Context, statement []byte) error {
	r, err := c.wire.Post(ctx, "unread", statement)
	if err != nil {
		return err
	}
	return r.Body.Close()
}

// MaxLogFile is the most bytes of a file of the log that the socket serves.
const MaxLogFile = 64 << 10

// maxStatement is the most bytes of a statement that opens a case.
const maxStatement = 16 << 10

// Outbox asks how much waits for a forwarder.
func (c *Client) Outbox(ctx context.Context) (o Outbox, err error) {
	return o, c.wire.Get(ctx, "outbox", &o)
}

// Handed is an object that goes in with a statement that names it.
type Handed struct {
	id.Object
	Sealed []byte
	Decoy  bool // see [ActHead]
}

// Answer is the answer to a statement. Objects must be read before Close.
type Answer struct {
	ActAnswer
	frames *frame.Reader
	body   io.Closer
}

// Act sends a signed statement with the objects that it names. Nothing in the
// answer may be used before its proof is checked.
func (c *Client) Act(ctx context.Context, statement []byte, have []id.Digest, objects []Handed) (*Answer, error) {
	return c.ActWith(ctx, ActHead{Statement: string(statement), Have: have}, objects)
}

// ActWith is Act for a request whose head says more. The decoys among the objects are
// named in the head by themselves.
func (c *Client) ActWith(ctx context.Context, head ActHead, objects []Handed) (*Answer, error) {
	var in bytes.Buffer // the objects are in memory anyway
	w := frame.NewWriter(&in)
	for _, o := range objects {
		if o.Decoy {
			head.Decoys = append(head.Decoys, o.Digest)
		}
	}
	err := w.Head(head)
	for _, o := range objects {
		if err == nil {
			err = w.Object(o.Object, o.Sealed)
		}
	}
	if err == nil {
		err = w.Commit(struct{}{})
	}
	if err != nil {
		return nil, err
	}
	r, err := c.wire.Post(ctx, "act", in.Bytes())
	if err != nil {
		return nil, err
	}
	a := &Answer{frames: frame.NewReader(r.Body, maxHead), body: r.Body}
	if err := a.frames.Head(&a.ActAnswer); err != nil {
		r.Body.Close()
		return nil, err
	}
	return a, nil
}

// Next returns the next object of the answer, or io.EOF once all came and the
// answer was whole. The object's digest is the caller's to check.
func (a *Answer) Next() (id.Object, io.Reader, error) { return a.frames.Next() }

// Close ends the answer.
func (a *Answer) Close() error { return a.body.Close() }

// Vault is what the handler needs of the vault.
type Vault interface {
	// MemberState tells how the vault is.
	MemberState() State
	// SignedRoster returns the roster in force.
	SignedRoster() []byte
	// Act does what a statement asks, if it may, and writes the answer once
	// the record of it is durable. An error comes before the first byte.
	Act(ctx context.Context, head ActHead, in *frame.Reader, out *frame.Writer) error
	// LogFile returns "checkpoint" or a hash tile by its tlog-tiles path.
	LogFile(ctx context.Context, path string) ([]byte, error)
	// TakeCosigned keeps what witnesses have cosigned; ErrCosigned.
	TakeCosigned(ctx context.Context, checkpoint []byte) error
	// Unread takes back that a member has read what a statement opened; ErrStale.
	Unread(ctx context.Context, statement []byte) error
	// Outbox tells how much waits for a forwarder.
	Outbox(ctx context.Context) (Outbox, error)
	// LastRestore proves the last record of a restore; ErrNotRestored if there
	// is none.
	LastRestore(ctx context.Context) (accesslog.Proof, error)
}

// Handler serves the socket.
func Handler(v Vault) http.Handler {
	m := http.NewServeMux()
	m.HandleFunc("GET "+prefix+"state", func(w http.ResponseWriter, _ *http.Request) { wire.JSON(w, v.MemberState()) })
	m.HandleFunc("GET "+prefix+"roster", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(v.SignedRoster()) })
	m.HandleFunc("GET "+prefix+"restore", func(w http.ResponseWriter, r *http.Request) {
		p, err := v.LastRestore(r.Context())
		if err != nil {
			known.Write(w, err)
			return
		}
		wire.JSON(w, p)
	})
	m.HandleFunc("GET "+prefix+"outbox", func(w http.ResponseWriter, r *http.Request) {
		o, err := v.Outbox(r.Context())
		if err != nil {
			known.Write(w, err)
			return
		}
		wire.JSON(w, o)
	})
	m.HandleFunc("GET "+prefix+"log/{path...}", func(w http.ResponseWriter, r *http.Request) {
		path := r.PathValue("path")
		if t, err := accesslog.ParseTilePath(path); path != "checkpoint" && (err != nil || t.L < 0) {
			known.Write(w, ErrBad)
			return
		}
		b, err := v.LogFile(r.Context(), path)
		if err != nil {
			known.Write(w, err)
			return
		}
		_, _ = w.Write(b)
	})
	take := func(most int64, do func(context.Context, []byte) error) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
			if err != nil {
				err = fmt.Errorf("%w: %w", ErrBad, err)
			} else {
				err = do(r.Context(), b)
			}
			if err != nil {
				known.Write(w, err)
				return
			}
			wire.JSON(w, struct{}{})
		}
	}
	m.HandleFunc("POST "+prefix+"cosigned", take(MaxLogFile, v.TakeCosigned))
	m.HandleFunc("POST "+prefix+"unread", take(maxStatement, v.Unread))
	m.HandleFunc("POST "+prefix+"act", func(w http.ResponseWriter, r *http.Request) {
		in := frame.NewReader(r.Body, maxHead)
		var head ActHead
		if err := in.Head(&head); err != nil {
			known.Write(w, fmt.Errorf("%w: %w", ErrBad, err))
			return
		}
		out := &answered{ResponseWriter: w}
		if err := v.Act(r.Context(), head, in, frame.NewWriter(out)); err != nil {
			if out.begun {
				panic(http.ErrAbortHandler) // the answer breaks off: its reader notices
			}
			known.Write(w, err)
		}
	})
	return m
}

// answered remembers whether an answer has begun.
type answered struct {
	http.ResponseWriter
	begun bool
}

func (a *answered) Write(p []byte) (int, error) {
	a.begun = true
	return a.ResponseWriter.Write(p)
}
