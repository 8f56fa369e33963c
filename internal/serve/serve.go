// Package serve has the one http.Server of Suluh. Whatever listens, on TCP or
// on a Unix socket, is made here, so that no server can forget a time-out,
// print a client's address, or say in a log what somebody asked for. No handler
// learns an address either. Connections on which nothing is asked are bounded in
// number: a flood of them pushes out its own.
//
// A panic in a handler ends that request alone and is counted, not printed:
// its value may hold what somebody typed. Transfers that stall are cut;
// transfers that are merely slow never are.
package serve

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

// defaultStall is how long a transfer may go on without a byte.
const defaultStall = 60 * time.Second

// Config says how a server behaves.
type Config struct {
	Listener net.Listener
	Handler  http.Handler
	Log      *slog.Logger  // default: discards
	Drain    time.Duration // how long requests under way may take after a stop; default 20 s
	Stall    time.Duration // how long a transfer may go on without a byte; default 60 s

	// Circuits says that each connection begins with the PROXY header that tor
	// writes (HiddenServiceExportCircuitID). A connection without it is closed.
	// Only tor may reach such a listener: who else does can claim any circuit.
	Circuits bool
	// TLS, unless nil, is spoken on each connection, with HTTP/1.1 alone, and
	// browsers are told to use nothing else here.
	TLS *tls.Config
}

// Run serves until the context ends, then lets requests under way finish.
func Run(ctx context.Context, c Config) error {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Drain == 0 {
		c.Drain = 20 * time.Second
	}
	if c.Stall == 0 {
		c.Stall = defaultStall
	}
	if c.Circuits {
		c.Listener = withCircuits(c.Listener)
	}
	s := &http.Server{
		Handler:           stallers(withoutAddress(recovering(c.Handler, c.Log), c.Circuits), c.Stall),
		ReadHeaderTimeout: 30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          log.New(io.Discard, "", 0), // net/http's lines have addresses in them
		ConnState:         newWaiting(mostWaiting).state,
		TLSConfig:         c.TLS,
		Protocols:         &http.Protocols{},
	}
	// A page is one request, so HTTP/2 would bring nothing but its buffers of a
	// megabyte a connection, and streams that are reset as fast as they are opened.
	s.Protocols.SetHTTP1(true)
	serve := s.Serve
	if c.TLS != nil {
		s.Handler = strict(s.Handler)
		serve = func(l net.Listener) error { return s.ServeTLS(l, "", "") }
	}
	stopped := make(chan error, 1)
	go func() {
		<-ctx.Done()
		c.Log.Debug("no more requests are taken; those under way may finish")
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.Drain)
		defer cancel()
		err := s.Shutdown(late)
		if errors.Is(err, context.DeadlineExceeded) {
			err = s.Close()
		}
		stopped <- err
	}()
	if err := serve(c.Listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-stopped
}

// strict tells browsers to come by TLS alone for two years from now on: a reporter may
// well look at her case no more than once a year. Names below this one are not ours to
// speak for.
func strict(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Strict-Transport-Security", "max-age=63072000")
		next.ServeHTTP(w, r)
	})
}

// ListenUnix listens on a socket that only the owner and the group can use. A
// socket that nobody listens on any more is replaced; the caller holds the
// lock that makes this safe.
func ListenUnix(path string, mode os.FileMode) (net.Listener, error) {
	if info, err := os.Lstat(path); err == nil && info.Mode()&os.ModeSocket != 0 {
		if err := os.Remove(path); err != nil {
			return nil, err
		}
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, mode); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

func recovering(next http.Handler, log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			switch p := recover(); p {
			case nil:
			case http.ErrAbortHandler:
				panic(p)
			default:
				log.Error("a request failed inside")
				panic(http.ErrAbortHandler)
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// stallers gives every read and every write of a request its own deadline. Once
// a body is read to its end, net/http takes the read deadline away by itself, so
// a request whose answer takes long is not ended.
func stallers(next http.Handler, stall time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Once a body is whole, net/http reads on, to learn whether the client is gone. If
		// that read is ended by a handler, it takes the client for gone, and cancels the
		// context of this request and of all that follow on the connection.
		if r.Context().Err() != nil {
			panic(http.ErrAbortHandler)
		}
		s := &stalls{c: http.NewResponseController(w), stall: stall}
		// A copy, since net/http looks at its own: if a handler answers before it
		// has read all, the connection isn't cut before the answer has arrived.
		r = r.WithContext(r.Context())
		r.Body = &stallReader{r.Body, s}
		defer s.end()
		next.ServeHTTP(&stallWriter{w, s}, r)
		// What net/http itself still writes gets as long as anything else.
		_ = s.c.SetWriteDeadline(time.Now().Add(stall))
	})
}

// stalls are the deadlines of one request.
type stalls struct {
	c     *http.ResponseController
	stall time.Duration

	mu   sync.Mutex
	cut  bool // a handler has ended the reads of its request, for good
	done bool // the handler has returned
}

// end is called when the handler has returned. What it has left behind must not
// reach the next request of the connection.
func (s *stalls) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done = true
}

func (s *stalls) beforeRead() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cut {
		return nil
	}
	return s.c.SetReadDeadline(time.Now().Add(s.stall))
}

type stallReader struct {
	io.ReadCloser
	s *stalls
}

func (r *stallReader) Read(p []byte) (int, error) {
	if err := r.s.beforeRead(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, err
	}
	return r.ReadCloser.Read(p)
}

type stallWriter struct {
	http.ResponseWriter
	s *stalls
}

// WriteHeader ends the connection with the answer if reads of the request were
// ended, since what follows on it would be taken for cancelled.
func (w *stallWriter) WriteHeader(status int) {
	w.last()
	w.ResponseWriter.WriteHeader(status)
}

func (w *stallWriter) last() {
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	if w.s.cut {
		w.Header().Set("Connection", "close")
	}
}

func (w *stallWriter) Write(p []byte) (int, error) {
	w.last()
	if err := w.s.c.SetWriteDeadline(time.Now().Add(w.s.stall)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, err
	}
	return w.ResponseWriter.Write(p)
}

// SetReadDeadline is what http.ResponseController calls for a handler. One that
// has passed already ends the reads, and what reads at the same time doesn't put
// that off. Once the handler has returned, the connection isn't its own any more.
func (w *stallWriter) SetReadDeadline(t time.Time) error {
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	if w.s.done {
		return http.ErrBodyReadAfterClose
	}
	if w.s.cut {
		return nil
	}
	w.s.cut = !t.IsZero() && !t.After(time.Now())
	return w.s.c.SetReadDeadline(t)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *stallWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
