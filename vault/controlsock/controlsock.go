// Package controlsock is the operator's socket to a running vault: end the
// day, install the next signed roster, copy the database for a backup, go on
// after one was restored, open to an auditor whom a case was sealed to. Its file is the operator's alone. It offers nothing
// about any case that the operator, who owns the files, doesn't have.
package controlsock

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/vault/wire"
)

// Errors that cross the socket.
var (
	ErrRoster      = wire.NewError("roster", "the roster is not signed by the vault's root key, or does not follow the one in force")
	ErrDoor        = wire.NewError("door", "the roster is in force, but the members' onion service goes by the one before")
	ErrRestored    = wire.NewError("restored", "the vault was restored from a backup, and waits to be told which records are lost")
	ErrNotRestored = wire.NewError("not-restored", "the vault does not wait after a restore")
	ErrCheckpoint  = wire.NewError("checkpoint", "the checkpoint is not signed by this log's key, or is of a log that this one does not come from")
	ErrReason      = wire.NewError("reason", "the reason is not a line of 10 to 200 characters")
	ErrCase        = wire.NewError("case", "the log has no deposit of this case: there is none, or its day has not ended yet")
)

var known = wire.Errors{ErrRoster, ErrDoor, ErrRestored, ErrNotRestored, ErrCheckpoint, ErrReason, ErrCase}

const prefix = "/control/v1/"

// BatchAnswer says what a batch did.
type BatchAnswer struct {
	Deposits int `json:"deposits"` // that entered the log
}

// GoOn says what is lost with a restore.
type GoOn struct {
	Lost   []byte `json:"lost,omitempty"` // checkpoint
	Reason string `json:"reason"`
}

// Snapshot is a database as it is copied for a backup.
type Snapshot struct {
	io.ReadCloser
	Size       int64
	Day        id.Day
	Checkpoint []byte // of the log that it has, signed
}

// Vault is what the handler needs of the vault.
type Vault interface {
	// Batch enters the deposits that wait into the log and writes them anew.
	Batch(ctx context.Context) (int, error)
	// InstallRoster makes a signed roster the one in force; ErrRoster if it
	// may not be, ErrDoor if it is, and the members' onion service does not know
	// of it yet.
	InstallRoster(ctx context.Context, signed []byte) error
	// Snapshot records that a backup is made and copies the database;
	// ErrRestored if the vault takes no changes.
	Snapshot(ctx context.Context) (*Snapshot, error)
	// GoOn lets a vault that was restored take changes again, and records what
	// is lost; ErrNotRestored, ErrCheckpoint or ErrReason.
	GoOn(ctx context.Context, lost []byte, reason string) (accesslog.Restore, error)
	// Readers opens the commitment to a case's readers; ErrCase.
	Readers(ctx context.Context, of id.Case) (accesslog.Readers, error)
}

// What heads a snapshot.
const (
	headerDay        = "Suluh-Day"
	headerCheckpoint = "Suluh-Checkpoint" // base64
)

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
	m.HandleFunc("POST "+prefix+"snapshot", func(w http.ResponseWriter, r *http.Request) {
		s, err := v.Snapshot(r.Context())
		if err != nil {
			known.Write(w, err)
			return
		}
		defer s.Close()
		h := w.Header()
		h.Set("Content-Type", "application/octet-stream")
		h.Set("Content-Length", strconv.FormatInt(s.Size, 10)) // so that one that breaks off is noticed
		h.Set(headerDay, s.Day.String())
		h.Set(headerCheckpoint, base64.StdEncoding.EncodeToString(s.Checkpoint))
		if _, err := io.Copy(w, s); err != nil {
			panic(http.ErrAbortHandler)
		}
	})
	m.HandleFunc("POST "+prefix+"go-on", func(w http.ResponseWriter, r *http.Request) {
		var in GoOn
		err := json.NewDecoder(io.LimitReader(r.Body, 1<<16)).Decode(&in)
		var done accesslog.Restore
		if err == nil {
			done, err = v.GoOn(r.Context(), in.Lost, in.Reason)
		}
		if err != nil {
			known.Write(w, err)
			return
		}
		wire.JSON(w, done)
	})
	m.HandleFunc("GET "+prefix+"readers/{case}", func(w http.ResponseWriter, r *http.Request) {
		of, err := id.ParseCase(r.PathValue("case"))
		if err != nil {
			err = ErrCase
		}
		var readers accesslog.Readers
		if err == nil {
			readers, err = v.Readers(r.Context(), of)
		}
		if err != nil {
			known.Write(w, err)
			return
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write(readers.Format()) // the other end is gone otherwise
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

// Snapshot copies the database. The caller closes it.
func (c *Client) Snapshot(ctx context.Context) (*Snapshot, error) {
	r, err := c.wire.Post(ctx, "snapshot", nil)
	if err != nil {
		return nil, err
	}
	s := &Snapshot{ReadCloser: r.Body, Size: r.ContentLength}
	day, err1 := id.ParseDay(r.Header.Get(headerDay))
	checkpoint, err2 := base64.StdEncoding.DecodeString(r.Header.Get(headerCheckpoint))
	if err1 != nil || err2 != nil || s.Size < 0 {
		s.Close()
		return nil, wire.ErrVault
	}
	s.Day, s.Checkpoint = day, checkpoint
	return s, nil
}

// GoOn lets a vault that was restored take changes again. Lost is the last
// checkpoint that anybody holds, or nothing.
func (c *Client) GoOn(ctx context.Context, lost []byte, reason string) (done accesslog.Restore, err error) {
	in, err := json.Marshal(GoOn{lost, reason})
	if err != nil {
		return done, err
	}
	r, err := c.wire.Post(ctx, "go-on", in)
	if err != nil {
		return done, err
	}
	defer r.Body.Close()
	return done, wire.Decode(r.Body, &done)
}

// maxReaders is the most bytes of an opening: 512 leaves, all of them opened.
const maxReaders = 128 << 10

// Readers asks for the opening of a case's readers, as crypto/accesslog formats it.
func (c *Client) Readers(ctx context.Context, of id.Case) ([]byte, error) {
	return c.wire.Bytes(ctx, "readers/"+string(of), maxReaders)
}

// IsAbsent tells whether no vault runs behind the socket.
func IsAbsent(err error) bool { return errors.Is(err, wire.ErrUnreachable) }
