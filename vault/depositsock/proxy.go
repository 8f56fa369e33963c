package depositsock

import (
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/vault/wire"
)

// What passes a proxy, so that nothing else does: no address, no agent, no
// cookie, and nothing that a later version of the vault may offer.
var (
	offered = map[string][]string{
		"state":        {http.MethodGet},
		"roster":       {http.MethodGet},
		"roster/proof": {http.MethodGet},
		"lookup":       {http.MethodPost},
		"deposit":      {http.MethodPost},
		"destroy":      {http.MethodPost},
		"files/":       {http.MethodPost},
	}
	ofUpload = []string{http.MethodHead, http.MethodPatch, http.MethodDelete}

	// Those of tus that the vault refuses pass as well, to be refused.
	headersIn  = []string{"Content-Type", "Tus-Resumable", "Upload-Length", "Upload-Offset", "Upload-Metadata", "Upload-Defer-Length", "Upload-Concat"}
	headersOut = []string{"Content-Type", "Content-Length", "Location", "Tus-Resumable", "Upload-Length", "Upload-Offset"}
)

// methodsOf returns the methods that a path below the prefix has.
func methodsOf(path string) []string {
	endpoint, ok := strings.CutPrefix(path, prefix)
	if !ok {
		return nil
	}
	if name, ok := strings.CutPrefix(endpoint, "files/"); ok && name != "" {
		if _, err := id.ParseUpload(name); err != nil {
			return nil
		}
		return ofUpload
	}
	return offered[endpoint]
}

// Proxy offers the socket at the same paths to whoever can reach it over HTTP.
// Bodies stream through; at most most bytes of each are read. It logs nothing
// and keeps nothing. What it can't pass on ends as on the socket: with a status
// and a code.
func (c *Client) Proxy(most int64) http.Handler {
	discard := log.New(io.Discard, "", 0) // ReverseProxy's lines have errors of connections in them
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		methods := methodsOf(r.URL.Path)
		if methods == nil {
			http.NotFound(w, r)
			return
		}
		if !slices.Contains(methods, r.Method) {
			w.Header().Set("Allow", strings.Join(methods, ", "))
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		lent := &borrowed{r: http.MaxBytesReader(w, r.Body, most)}
		in := r.Clone(r.Context())
		in.Body = lent
		scheme, host, _ := strings.Cut(c.wire.Base(), "://")
		(&httputil.ReverseProxy{
			Transport: c.wire.Transport(),
			ErrorLog:  discard,
			Rewrite: func(p *httputil.ProxyRequest) {
				p.Out.URL = &url.URL{Scheme: scheme, Host: host, Path: r.URL.Path}
				p.Out.Host, p.Out.Trailer = "", nil
				p.Out.Header = pick(r.Header, headersIn)
			},
			ModifyResponse: func(a *http.Response) error {
				a.Header = pick(a.Header, headersOut)
				return nil
			},
			ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) {
				if lent.failed() || r.Context().Err() != nil {
					panic(http.ErrAbortHandler) // nobody is there to read an answer
				}
				wire.Away(w)
			},
		}).ServeHTTP(w, in)
		// A client that is answered before it has sent all shows the answer only
		// once it has, or has the connection cut under it and shows none.
		lent.drain()
	})
}

func pick(from http.Header, names []string) http.Header {
	to := http.Header{}
	for _, name := range names {
		if v := from.Values(name); len(v) > 0 {
			to[name] = v
		}
	}
	return to
}

// borrowed is the body of a request while it is passed on. Who reads it may
// still do so for a moment when the request is answered, and what is left is
// to be drained then.
type borrowed struct {
	mu  sync.Mutex
	r   io.Reader
	err error // that the reader has ended with
}

func (b *borrowed) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.read(p)
}

func (b *borrowed) read(p []byte) (n int, err error) {
	if b.err != nil {
		return 0, b.err
	}
	n, b.err = b.r.Read(p)
	return n, b.err
}

// Close does nothing: the body is the server's.
func (*borrowed) Close() error { return nil }

// failed tells whether the body broke before its end.
func (b *borrowed) failed() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.err != nil && b.err != io.EOF
}

func (b *borrowed) drain() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for p := make([]byte, 32<<10); b.err == nil; {
		_, _ = b.read(p)
	}
}
