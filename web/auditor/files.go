package auditor

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
)

// isFile tells whether a path is one of the log's, and not a page's.
func isFile(path string) bool {
	return path == "/checkpoint" || path == "/"+accesslog.CosignedPath || path == "/"+accesslog.CosignaturesPath || path == "/log.vkey" || strings.HasPrefix(path, "/tile/") || strings.HasPrefix(path, "/rosters/")
}

const (
	forever = "public, max-age=31536000, immutable"
	briefly = "public, max-age=60" // what will not be asked for any more once there is more of it
	text    = "text/plain; charset=utf-8"
	binary  = "application/octet-stream"
)

// file serves the log's files as C2SP tlog-tiles wants them. What a tile or a
// roster has never changes, but a partial tile is of use for a while only; the
// checkpoint always does.
func (s *Server) file(w http.ResponseWriter, r *request) error {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "the log is read-only", http.StatusMethodNotAllowed)
		return nil
	}
	path := strings.TrimPrefix(r.URL.Path, "/")
	kind, cache := text, "no-cache"
	switch t, err := accesslog.ParseTilePath(path); {
	case path == "checkpoint", path == accesslog.CosignedPath, path == accesslog.CosignaturesPath:
	case path == "log.vkey":
		return send(w, kind, cache, []byte(s.config.Key+"\n"))
	case isRoster(path):
		cache = forever
	case err != nil:
		http.Error(w, "no such file of the log", http.StatusNotFound)
		return nil
	case t.L >= 0, s.config.OpenEntries:
		if kind, cache = binary, forever; t.W < accesslog.TileWidth {
			cache = briefly
		}
	case r.auditor:
		kind, cache = binary, "no-store"
	default:
		w.Header().Set("WWW-Authenticate", `Bearer realm="suluh audit"`)
		http.Error(w, "entries are for auditors: send their token as a bearer token", http.StatusUnauthorized)
		return nil
	}
	b, err := s.config.Files(r.Context(), path)
	if errors.Is(err, os.ErrNotExist) {
		http.Error(w, "no such file of the log", http.StatusNotFound)
		return nil
	}
	if err != nil {
		if r.Context().Err() == nil {
			s.config.Log.Error("the log could not be read", "error", err)
		}
		http.Error(w, "the log can't be read now; try again later", http.StatusBadGateway)
		return nil
	}
	return send(w, kind, cache, b)
}

func isRoster(path string) bool {
	d, ok := strings.CutPrefix(path, "rosters/")
	_, err := id.ParseDigest(d)
	return ok && err == nil
}

func send(w http.ResponseWriter, kind, cache string, b []byte) error {
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Cache-Control", cache)
	h.Set("Content-Length", strconv.Itoa(len(b)))
	h.Set("Cross-Origin-Resource-Policy", "cross-origin") // whoever monitors logs may do so from a page
	_, _ = w.Write(b)                                     // the other end is gone otherwise
	return nil
}

// isAuditor tells whether a request may see entries.
func (s *Server) isAuditor(r *http.Request) bool {
	if s.config.OpenEntries {
		return true
	}
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return s.isToken(token)
	}
	c, err := r.Cookie(cookie)
	return err == nil && s.sessions.has(c.Value, s.config.Now())
}

// isToken compares in constant time, whatever the lengths.
func (s *Server) isToken(token string) bool {
	right := s.config.Token.Reveal()
	a, b := sha256.Sum256([]byte(token)), sha256.Sum256([]byte(right))
	return right != "" && subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

const (
	cookie = "suluh_audit"

	sessionTime = 12 * time.Hour
	maxSessions = 1000
)

// sessions are the browsers that have shown the token. They are in memory only,
// and by digest.
type sessions struct {
	mu   sync.Mutex
	ends map[[32]byte]time.Time
}

func (s *sessions) begin(now time.Time) (value string) {
	var b [32]byte
	rand.Read(b[:])
	value = hex.EncodeToString(b[:])
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, end := range s.ends {
		if !now.Before(end) {
			delete(s.ends, k)
		}
	}
	if s.ends == nil || len(s.ends) >= maxSessions {
		s.ends = map[[32]byte]time.Time{} // nobody has so many browsers: all show the token again
	}
	s.ends[sha256.Sum256([]byte(value))] = now.Add(sessionTime)
	return value
}

func (s *sessions) has(value string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return now.Before(s.ends[sha256.Sum256([]byte(value))])
}

func (s *sessions) end(value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.ends, sha256.Sum256([]byte(value)))
}
