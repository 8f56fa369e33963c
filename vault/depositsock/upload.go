package depositsock

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"path"
	"strconv"
	"sync"
	"time"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/vault/wire"
)

const (
	// pieceSize is how much of an upload is sent in one request, and kept until
	// it has arrived. Two pieces are in memory: one that is sent, one that is made.
	pieceSize = 8 << 20
	// quiet is how long an upload goes on although nothing of it gets on its way
	// and no answer comes. Whoever is slow is on his way.
	quiet = 5 * time.Minute
	// tries is how often in a row is tried while nothing gets through: some two
	// minutes, and longer where each try takes its time.
	tries = 10
	// mostBusy is how often the service may ask to wait.
	mostBusy = 200
)

// ErrLength says that an upload got more bytes or fewer than was said when it
// began.
var ErrLength = errors.New("an upload has another length than was said")

// Watch follows what takes long. Its functions may be nil; they are called from
// other goroutines than the one that waits, one at a time.
type Watch struct {
	Sent    func(n int64) // so many sealed bytes are on their way or have come; fewer again after a break
	Waiting func()        // the connection broke, and is made anew
}

// Upload is an object that is sent piece by piece, each again if the connection
// breaks before it has arrived. It is an [io.WriteCloser] for the sealed bytes,
// which are as many as was said at the beginning; it is there whole once Close has
// returned. It is not safe for concurrent use.
//
// It speaks tus 1.0.0 by itself: what is sealed as it is read can't be read a
// second time, and the Go clients of tus want a source that can.
type Upload struct {
	c      *Client
	ctx    context.Context // of all requests but the one that ends it early
	end    context.CancelFunc
	watch  Watch
	name   id.Upload
	length int64

	piece   []byte     // that is being made
	at      int64      // where it begins
	flying  []byte     // the piece before, which is on its way
	spare   []byte     // memory of one that has arrived
	sending chan error // what becomes of the piece before; nil if none is on its way
	err     error
}

// Upload begins one. The context is that of all of it.
func (c *Client) Upload(ctx context.Context, length int64, w Watch) (*Upload, error) {
	u := &Upload{c: c, watch: w, length: length}
	u.ctx, u.end = context.WithCancel(ctx)
	err := u.retry(func(ctx context.Context) (progress bool, err error) {
		r, err := c.wire.Send(ctx, http.MethodPost, "files/", http.Header{"Tus-Resumable": {"1.0.0"}, "Upload-Length": {strconv.FormatInt(length, 10)}}, nil, 0)
		if err != nil {
			return false, err
		}
		defer r.Body.Close()
		if r.StatusCode != http.StatusCreated {
			return false, u.refusal(r)
		}
		if u.name, err = id.ParseUpload(path.Base(r.Header.Get("Location"))); err != nil {
			return false, wire.ErrVault
		}
		return true, nil
	})
	if err != nil {
		u.end()
		return nil, err
	}
	return u, nil
}

// ID is the name by which a deposit takes it.
func (u *Upload) ID() id.Upload { return u.name }

// Write takes sealed bytes, and returns an error once sending has failed for good.
func (u *Upload) Write(p []byte) (n int, err error) {
	for len(p) > 0 && u.err == nil {
		if u.piece == nil {
			if u.piece, u.spare = u.spare[:0], nil; u.piece == nil {
				u.piece = make([]byte, 0, min(pieceSize, u.length-u.at))
			}
		}
		k := min(len(p), pieceSize-len(u.piece))
		u.piece = append(u.piece, p[:k]...)
		p, n = p[k:], n+k
		if u.at+int64(len(u.piece)) > u.length {
			u.err = ErrLength
		} else if len(u.piece) == pieceSize {
			u.next()
		}
	}
	return n, u.err
}

// Close sends the rest, and returns once all of it has arrived.
func (u *Upload) Close() error {
	if u.err == nil && u.at+int64(len(u.piece)) != u.length {
		u.err = ErrLength
	}
	if u.err == nil && len(u.piece) > 0 {
		u.next()
	}
	u.wait()
	u.end()
	return u.err
}

// Abort ends an upload that no deposit will name. What can't be reached is swept
// by the vault.
func (u *Upload) Abort() {
	u.end()
	u.wait()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(u.ctx), 10*time.Second)
	defer cancel()
	r, err := u.c.wire.Send(ctx, http.MethodDelete, "files/"+u.name.Hex(), http.Header{"Tus-Resumable": {"1.0.0"}}, nil, 0)
	if err == nil {
		r.Body.Close()
	}
}

// wait waits until no piece is on its way.
func (u *Upload) wait() {
	if u.sending == nil {
		return
	}
	if err := <-u.sending; u.err == nil {
		u.err = err
	}
	u.sending = nil
}

// next sends the piece that was made, once the one before has arrived.
func (u *Upload) next() {
	u.wait()
	if u.err != nil {
		return
	}
	piece, at := u.piece, u.at
	u.sending = make(chan error, 1)
	u.spare, u.flying, u.piece, u.at = u.flying, piece, nil, at+int64(len(piece))
	go func() { u.sending <- u.send(piece, at) }()
}

// send sends a piece until it has arrived.
func (u *Upload) send(piece []byte, at int64) error {
	offset := at // up to where it has come
	sure := true // it is
	return u.retry(func(ctx context.Context) (progress bool, err error) {
		if !sure {
			found, err := u.offset(ctx)
			if err != nil {
				return false, err
			}
			if found < at || found > at+int64(len(piece)) {
				return false, ErrUpload // what came before is lost
			}
			progress, offset, sure = found > offset, found, true
			if offset == at+int64(len(piece)) {
				return true, nil
			}
		}
		sure = false
		if err := u.patch(ctx, offset, piece[offset-at:]); err != nil {
			// Who was told to wait needn't ask how much has come, which would be one
			// request more to wait for.
			var busy *wire.BusyError
			sure = errors.As(err, &busy)
			return progress, err
		}
		return true, nil
	})
}

// offset asks how much has come.
func (u *Upload) offset(ctx context.Context) (int64, error) {
	r, err := u.c.wire.Send(ctx, http.MethodHead, "files/"+u.name.Hex(), http.Header{"Tus-Resumable": {"1.0.0"}}, nil, 0)
	if err != nil {
		return 0, err
	}
	defer r.Body.Close()
	if r.StatusCode != http.StatusOK {
		return 0, u.refusal(r)
	}
	n, err := strconv.ParseInt(r.Header.Get("Upload-Offset"), 10, 64)
	if err != nil || n < 0 {
		return 0, wire.ErrVault
	}
	return n, nil
}

func (u *Upload) patch(ctx context.Context, offset int64, data []byte) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stalled := time.AfterFunc(quiet, func() { cancel(errStalled) })
	defer stalled.Stop()
	b := &watched{r: bytes.NewReader(data)}
	b.read = func(n int64) {
		stalled.Reset(quiet)
		if u.watch.Sent != nil {
			u.watch.Sent(offset + n)
		}
	}
	defer b.close()
	r, err := u.c.wire.Send(ctx, http.MethodPatch, "files/"+u.name.Hex(), http.Header{
		"Tus-Resumable": {"1.0.0"}, "Content-Type": {"application/offset+octet-stream"}, "Upload-Offset": {strconv.FormatInt(offset, 10)},
	}, b, int64(len(data)))
	if err != nil {
		if errors.Is(context.Cause(ctx), errStalled) {
			return fmt.Errorf("%w: %w", wire.ErrUnreachable, errStalled)
		}
		return err
	}
	defer r.Body.Close()
	if r.StatusCode != http.StatusNoContent {
		return u.refusal(r)
	}
	if r.Header.Get("Upload-Offset") != strconv.FormatInt(offset+int64(len(data)), 10) {
		return fmt.Errorf("%w: not all has arrived", wire.ErrUnreachable)
	}
	return nil
}

var errStalled = errors.New("nothing gets through any more")

// watched tells how much of a piece was read. A transport may go on reading
// after it has answered, when the piece's memory has another use: once close has
// returned, it can't.
type watched struct {
	mu   sync.Mutex
	r    *bytes.Reader // nil once it is closed
	n    int64
	read func(int64)
}

func (w *watched) Read(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.r == nil {
		return 0, http.ErrBodyReadAfterClose
	}
	n, err := w.r.Read(p[:min(len(p), 64<<10)])
	if w.n += int64(n); n > 0 {
		w.read(w.n)
	}
	return n, err
}

func (w *watched) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.r = nil
}

// refusal tells what an answer means that isn't the one hoped for. What may be
// otherwise at the next try is ErrUnreachable: that another connection worked on
// the upload, or that the vault is busy or starts.
func (u *Upload) refusal(r *http.Response) error {
	switch r.StatusCode {
	case http.StatusNotFound, http.StatusGone:
		return ErrUpload
	case http.StatusRequestEntityTooLarge:
		return ErrTooLarge
	case http.StatusUnprocessableEntity, http.StatusTooManyRequests:
		return u.c.wire.Refusal(r)
	case http.StatusBadRequest, http.StatusConflict, http.StatusLocked, http.StatusRequestTimeout:
		return wire.ErrUnreachable
	}
	if r.StatusCode >= 500 {
		return wire.ErrUnreachable
	}
	return wire.ErrVault
}

// retry does something until it succeeds or fails for good; after what got
// through at once, and the longer the more often nothing did.
func (u *Upload) retry(do func(context.Context) (progress bool, err error)) error {
	return Retry(u.ctx, u.watch.Waiting, do)
}

// Retry does something until it succeeds, or fails otherwise than by
// [wire.ErrUnreachable], or has failed too often in a row without progress. It
// waits half a second after the second failure, and then longer, up to 30
// seconds; or as long as the service asks for, which is no failure. Waiting, unless
// nil, is called before.
func Retry(ctx context.Context, waiting func(), do func(context.Context) (progress bool, err error)) error {
	busy := 0
	for try := 0; ; try++ {
		progress, err := do(ctx)
		if err == nil || !errors.Is(err, wire.ErrUnreachable) || ctx.Err() != nil {
			return err
		}
		if progress {
			try = 0
		}
		if try == tries {
			return err
		}
		if waiting != nil {
			waiting()
		}
		wait := time.Duration(0)
		var asked *wire.BusyError
		switch {
		case errors.As(err, &asked) && busy < mostBusy:
			wait = asked.After
			busy++
			try--
		case try > 0:
			wait = min(time.Second/4<<try, 30*time.Second)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
