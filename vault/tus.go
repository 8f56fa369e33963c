package vault

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tus/tusd/v2/pkg/handler"
	"golang.org/x/exp/slog"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/internal/durable"
	"suluh.example/suluh/vault/depositsock"
)

// stall is how long an upload waits for the next byte. Intake cuts who stalls.
const stall = 24 * time.Hour

// errInterrupted is tusd's, but for the status. The other connection isn't always the
// newer one: what a browser sends again over a new one, as soon as the first has broken,
// may overtake what was sent before, which then interrupts it. By 423 clients of tus ask how much
// is there and go on, while 400 would be the end.
var errInterrupted = handler.NewError(handler.ErrUploadInterrupted.ErrorCode, handler.ErrUploadInterrupted.Message, http.StatusLocked)

// Uploads serves uploads as tus 1.0.0 (creation, termination) below
// [depositsock.Files].
func (v *Vault) Uploads() http.Handler { return v.uploads.handler }

// serveUploads makes the handler of uploads. What came before a connection broke is kept, and a
// connection that hangs gives way to the one that follows it.
func (v *Vault) serveUploads() (http.Handler, error) {
	c := handler.NewStoreComposer()
	store := uploadStore{v}
	c.UseCore(store)
	c.UseTerminater(store)
	c.UseLocker(v.uploads.locks)
	h, err := handler.NewUnroutedHandler(handler.Config{
		StoreComposer: c, BasePath: depositsock.Files, DisableDownload: true, DisableConcatenation: true,
		Cors:           &handler.CorsConfig{Disable: true},
		Logger:         slog.New(slog.NewTextHandler(io.Discard, nil)), // its lines have requests in them
		NetworkTimeout: stall,
		// Each request would stay in memory for so long after its end. No context is
		// heeded here.
		GracefulRequestCompletionTimeout: time.Millisecond,
	})
	if err != nil {
		return nil, err
	}
	post, head := h.Middleware(http.HandlerFunc(h.PostFile)), h.Middleware(http.HandlerFunc(h.HeadFile))
	patch, del := h.Middleware(http.HandlerFunc(h.PatchFile)), h.Middleware(http.HandlerFunc(h.DelFile))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(r.URL.Path, depositsock.Files)
		_, err := id.ParseUpload(name)
		r.Header.Del("X-Http-Method-Override")
		r.URL.Path = name // where tusd looks for it
		switch {
		case r.Header.Get("Upload-Metadata")+r.Header.Get("Upload-Defer-Length")+r.Header.Get("Upload-Concat") != "":
			depositsock.Refuse(w, fmt.Errorf("%w: a header that uploads don't have here", depositsock.ErrBad))
		case name == "" && r.Method == http.MethodPost && r.Header.Get("Content-Type") == "":
			post.ServeHTTP(&located{w}, r)
		case name == "":
			depositsock.Refuse(w, fmt.Errorf("%w: an upload begins without bytes", depositsock.ErrBad))
		case err != nil:
			http.Error(w, handler.ErrNotFound.Error(), http.StatusNotFound)
		case r.Method == http.MethodHead:
			head.ServeHTTP(w, r)
		case r.Method == http.MethodPatch:
			patch.ServeHTTP(w, r)
		case r.Method == http.MethodDelete:
			del.ServeHTTP(w, r)
		default:
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		}
	}), nil
}

// located cuts the address of a new upload down to its path: who asked through
// intake can't use the vault's.
type located struct{ http.ResponseWriter }

func (l *located) WriteHeader(status int) {
	if at, err := url.Parse(l.Header().Get("Location")); err == nil && at.Path != "" {
		l.Header().Set("Location", at.Path)
	}
	l.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the connection.
func (l *located) Unwrap() http.ResponseWriter { return l.ResponseWriter }

// uploadStore is what tusd's handler keeps uploads in.
type uploadStore struct{ v *Vault }

// refused is an error of ours as tusd answers with it.
func (s uploadStore) refused(err error) error {
	if full(err) {
		err = errors.Join(depositsock.ErrFull, err)
	}
	status, body := depositsock.Answer(s.v.tell("an upload was not kept", err))
	return handler.Error{
		ErrorCode: "ERR_REFUSED", Message: "the vault refuses it",
		HTTPResponse: handler.HTTPResponse{StatusCode: status, Body: body, Header: handler.HTTPHeader{"Content-Type": "application/json"}},
	}
}

// NewUpload begins one.
func (s uploadStore) NewUpload(_ context.Context, info handler.FileInfo) (handler.Upload, error) {
	v := s.v
	switch open, files := v.quota.room(v.config, v.config.Now(), v.config.Dir); {
	case !open:
		return nil, s.refused(depositsock.ErrFull)
	case !files:
		return nil, s.refused(depositsock.ErrNoFiles)
	case info.Size > v.config.MaxBytes:
		return nil, s.refused(depositsock.ErrTooLarge)
	case info.Size < int64(len(agePrefix)):
		return nil, s.refused(fmt.Errorf("%w: an upload too short for an age file", depositsock.ErrBad))
	}
	u := upload{s, id.NewUpload(), info.Size}
	v.uploads.mu.Lock()
	full := len(v.uploads.lengths) >= maxUploads
	if !full {
		v.uploads.lengths[u.name], v.uploads.sums[u.name] = u.length, &running{hash: sha256.New()}
	}
	v.uploads.mu.Unlock()
	if full {
		return nil, s.refused(depositsock.ErrNoFiles)
	}
	f, err := os.OpenFile(u.path(), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		v.removeUpload(u.name)
		return nil, s.refused(fmt.Errorf("begin upload: %w", err))
	}
	u.added()
	return u, nil
}

// GetUpload finds one by its name.
func (s uploadStore) GetUpload(_ context.Context, name string) (handler.Upload, error) {
	u := upload{s: s}
	var err error
	var ok bool
	if u.name, err = id.ParseUpload(name); err == nil {
		u.length, ok = s.v.uploads.get(u.name)
	}
	if !ok {
		return nil, handler.ErrNotFound
	}
	return u, nil
}

// AsTerminatableUpload returns what ends an upload.
func (uploadStore) AsTerminatableUpload(u handler.Upload) handler.TerminatableUpload {
	return u.(upload)
}

// upload is one of them.
type upload struct {
	s      uploadStore
	name   id.Upload
	length int64
}

func (u upload) path() string { return u.s.v.uploadPath(u.name, u.length) }

// added notes that something was, in memory to the moment and on the disk to the day.
func (u upload) added() {
	u.s.v.uploads.touch(u.name, u.s.v.config.Now())
	u.s.v.blurFile(u.path())
	u.s.v.blurFile(filepath.Dir(u.path()))
}

// GetInfo tells how much is there.
func (u upload) GetInfo(context.Context) (handler.FileInfo, error) {
	info, err := os.Stat(u.path())
	if err != nil {
		return handler.FileInfo{}, u.s.refused(fmt.Errorf("look at upload: %w", err))
	}
	return handler.FileInfo{ID: u.name.Hex(), Size: u.length, Offset: info.Size()}, nil
}

// WriteChunk appends what comes, and what came before it broke off. What it
// says is there has been synced. The context isn't heeded: the bytes end when
// the request does.
func (u upload) WriteChunk(_ context.Context, offset int64, src io.Reader) (int64, error) {
	v := u.s.v
	taken := v.uploads.locks.take(u.name.Hex())
	defer taken()
	var first []byte
	if rest := int64(len(agePrefix)) - offset; rest > 0 {
		// Before anything is written that is not sealed.
		first = make([]byte, rest)
		n, err := io.ReadFull(src, first)
		if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
			return 0, u.s.refused(err)
		}
		if first = first[:n]; !strings.HasPrefix(agePrefix[offset:], string(first)) {
			return 0, u.s.refused(fmt.Errorf("%w: an upload is not an age file", depositsock.ErrBad))
		}
	}
	f, err := os.OpenFile(u.path(), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return 0, u.s.refused(fmt.Errorf("open upload: %w", err))
	}
	defer u.added()
	defer f.Close()
	var coming incoming
	in := io.Reader(&metered{v, io.MultiReader(bytes.NewReader(first), src), &coming})
	sum := v.uploads.sum(u.name)
	if sum != nil && sum.n == offset {
		in = io.TeeReader(in, sum.hash)
	}
	n, err := durable.Copy(f, in, offset)
	ended := taken() // what is there needn't be broken off while it is synced
	v.quota.arrived(v.config.Now(), coming.n)
	// What was written counts even if something failed after it.
	if info, statErr := f.Stat(); statErr == nil {
		n = info.Size() - offset
	}
	if sum != nil && sum.n == offset && n == coming.n {
		sum.n += n
	} else if sum != nil {
		sum.n = -1 // it has bytes that aren't there: a deposit reads them all
	}
	if err = errors.Join(err, f.Sync()); err != nil {
		return n, u.s.refused(fmt.Errorf("keep upload: %w", err))
	}
	if ended {
		return n, errInterrupted
	}
	return n, nil
}

// GetReader is for downloads, which nobody is offered.
func (upload) GetReader(context.Context) (io.ReadCloser, error) { return nil, handler.ErrNotFound }

// FinishUpload has nothing to do: a deposit takes what is whole.
func (upload) FinishUpload(context.Context) error { return nil }

// Terminate removes it.
func (u upload) Terminate(context.Context) error {
	u.s.v.removeUpload(u.name)
	return nil
}
