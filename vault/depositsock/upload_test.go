package depositsock_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/vault/depositsock"
	"suluh.example/suluh/vault/wire"
)

// server is a service that does with uploads what a test wants.
type server struct {
	mu    sync.Mutex
	got   []byte
	ended bool
	patch int // requests
	// do handles a PATCH, by its number from 1, in place of the ordinary; nil does
	// all as it should be.
	do     func(n int, w http.ResponseWriter, r *http.Request) (done bool)
	offset func(int) int // what HEAD says
	begin  func(w http.ResponseWriter) (done bool)
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, depositsock.Files)
	switch r.Method {
	case http.MethodPost:
		if s.begin != nil && s.begin(w) {
			return
		}
		w.Header().Set("Location", depositsock.Files+id.NewUpload().Hex())
		w.WriteHeader(http.StatusCreated)
	case http.MethodHead:
		s.mu.Lock()
		defer s.mu.Unlock()
		n := len(s.got)
		if s.offset != nil {
			n = s.offset(n)
		}
		w.Header().Set("Upload-Offset", strconv.Itoa(n))
	case http.MethodPatch:
		s.mu.Lock()
		s.patch++
		n := s.patch
		s.mu.Unlock()
		if s.do != nil && s.do(n, w, r) {
			return
		}
		b, err := io.ReadAll(r.Body)
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.got = append(s.got, b...); err != nil || r.Header.Get("Upload-Offset") != strconv.Itoa(len(s.got)-len(b)) {
			w.WriteHeader(http.StatusConflict)
			return
		}
		w.Header().Set("Upload-Offset", strconv.Itoa(len(s.got)))
		w.WriteHeader(http.StatusNoContent)
	case http.MethodDelete:
		s.mu.Lock()
		s.ended = name != ""
		s.mu.Unlock()
		w.WriteHeader(http.StatusNoContent)
	}
}

func (s *server) client(t *testing.T) *depositsock.Client {
	t.Helper()
	h := httptest.NewServer(s)
	t.Cleanup(h.Close)
	rt := &http.Transport{}
	t.Cleanup(rt.CloseIdleConnections)
	c, err := depositsock.NewClientAt(h.URL, rt)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func send(t *testing.T, c *depositsock.Client, data []byte) error {
	t.Helper()
	u, err := c.Upload(t.Context(), int64(len(data)), depositsock.Watch{})
	if err != nil {
		return err
	}
	if _, err := io.Copy(u, bytes.NewReader(data)); err != nil {
		return err
	}
	return u.Close()
}

// TestUploadsAgainstServersThatFail: what may be otherwise at the next try is
// tried again, and all else is said.
func TestUploadsAgainstServersThatFail(t *testing.T) {
	status := func(code int, body string) func(int, http.ResponseWriter, *http.Request) bool {
		return func(n int, w http.ResponseWriter, r *http.Request) bool {
			if n > 1 {
				return false
			}
			_, _ = io.Copy(io.Discard, r.Body)
			w.WriteHeader(code)
			_, _ = io.WriteString(w, body)
			return true
		}
	}
	for name, c := range map[string]struct {
		server *server
		want   error
	}{
		"all is well":        {&server{}, nil},
		"away for a moment":  {&server{do: status(503, `{"code":"away"}`)}, nil},
		"an error inside":    {&server{do: status(500, "ERR_LOCK_TIMEOUT: failed")}, nil},
		"taken over":         {&server{do: status(400, "ERR_UPLOAD_INTERRUPTED: by another")}, nil},
		"locked":             {&server{do: status(423, "ERR_UPLOAD_LOCKED: locked")}, nil},
		"gone":               {&server{do: status(404, "ERR_UPLOAD_NOT_FOUND: no")}, depositsock.ErrUpload},
		"full":               {&server{do: status(422, `{"code":"full"}`)}, depositsock.ErrFull},
		"files no more":      {&server{do: status(422, `{"code":"no-files"}`)}, depositsock.ErrNoFiles},
		"more than was said": {&server{do: status(413, "ERR_UPLOAD_SIZE_EXCEEDED: more")}, depositsock.ErrTooLarge},
		"not a service of ours": {&server{begin: func(w http.ResponseWriter) bool {
			_, _ = io.WriteString(w, "<html>")
			return true
		}}, wire.ErrVault},
		"a place that is none": {&server{begin: func(w http.ResponseWriter) bool {
			w.Header().Set("Location", "/deposit/v1/files/../state")
			w.WriteHeader(http.StatusCreated)
			return true
		}}, wire.ErrVault},
		"elsewhere": {&server{begin: func(w http.ResponseWriter) bool {
			w.Header().Set("Location", "https://lain.example/")
			w.WriteHeader(http.StatusTemporaryRedirect)
			return true
		}}, wire.ErrVault},
		"an answer that lies": {&server{do: func(n int, w http.ResponseWriter, r *http.Request) bool {
			if n > 1 {
				return false
			}
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("Upload-Offset", "7")
			w.WriteHeader(http.StatusNoContent)
			return true
		}}, nil},
		"an offset beyond what was sent": {&server{do: status(500, ""), offset: func(n int) int { return n + 1<<30 }}, depositsock.ErrUpload},
		"an offset before what had come": {&server{do: func(n int, w http.ResponseWriter, r *http.Request) bool { return n == 2 && status(500, "")(1, w, r) }, offset: func(int) int { return 1 }}, depositsock.ErrUpload},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := c.server
			data := bytes.Repeat([]byte("0123456789abcdef"), 10<<20/16)
			if err := send(t, s.client(t), data); !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if c.want == nil && !bytes.Equal(s.got, data) {
				t.Errorf("%d bytes arrived, not those that were sent", len(s.got))
			}
		})
	}
}

// TestAnUploadThatIsGivenUp ends at once, also while nothing gets through.
func TestAnUploadThatIsGivenUp(t *testing.T) {
	release := make(chan struct{})
	s := &server{do: func(_ int, _ http.ResponseWriter, r *http.Request) bool {
		select {
		case <-release:
		case <-r.Context().Done():
		}
		return true
	}}
	c := s.client(t)
	defer close(release)
	u, err := c.Upload(t.Context(), 20<<20, depositsock.Watch{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := u.Write(make([]byte, 9<<20)); err != nil {
		t.Fatal(err)
	}
	u.Abort()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ended {
		t.Error("the service was not told")
	}
}

// TestAddressesOfTheService: what isn't one is said before anything is asked.
func TestAddressesOfTheService(t *testing.T) {
	for _, bad := range []string{"", "lapor.example", "ftp://lapor.example", "https://", "https://orang:sandi@lapor.example", "https://lapor.example/?a", "https://lapor.example/#a", "http://a b/"} {
		if _, err := depositsock.NewClientAt(bad, http.DefaultTransport); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}
