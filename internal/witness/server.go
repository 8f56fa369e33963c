package witness

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/internal/durable"
)

// sizeType is the media type of an answer that says what was cosigned last.
const sizeType = "text/x.tlog.size"

// Server is a witness for the logs of others: POST /add-checkpoint as C2SP
// tlog-witness has it, and a page at / that says what it has cosigned. For each
// log it keeps one file, the last checkpoint that it has cosigned, and cosigns
// nothing before the next is there and synced.
type Server struct {
	dir    string
	signer note.Signer
	vkey   string
	log    *slog.Logger
	logs   map[string]*watched // by origin
}

// watched is a log that the witness knows.
type watched struct {
	key  note.Verifier
	file string

	mu   sync.Mutex // held from the check to the answer, so that no two checkpoints overtake each other
	seen tlog.Tree
}

// ErrState says that what a witness has kept is not what it wrote. It must not
// go on: it would cosign what it has contradicted before.
var ErrState = errors.New("it is not a checkpoint of the log that this witness has cosigned")

// NewServer returns a witness that keeps its state in dir. The signer makes
// cosignatures, vkey checks them, and logs are those that it cosigns for.
func NewServer(dir string, signer note.Signer, vkey string, logs []note.Verifier, log *slog.Logger) (*Server, error) {
	s := &Server{dir: dir, signer: signer, vkey: vkey, log: log, logs: map[string]*watched{}}
	for _, key := range logs {
		if s.logs[key.Name()] != nil {
			return nil, fmt.Errorf("log %s is named twice", key.Name())
		}
		sum := sha256.Sum256([]byte(key.Name()))
		w := &watched{key: key, file: filepath.Join(dir, hex.EncodeToString(sum[:])+".checkpoint"), seen: accesslog.EmptyTree()}
		kept, err := os.ReadFile(w.file)
		switch {
		case errors.Is(err, os.ErrNotExist):
		case err != nil:
			return nil, err
		default:
			if w.seen, err = accesslog.OpenCheckpoint(kept, key); err != nil {
				return nil, fmt.Errorf("%s: %w", w.file, ErrState)
			}
		}
		s.logs[key.Name()] = w
	}
	return s, nil
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	switch {
	case r.URL.Path == "/add-checkpoint" && r.Method == http.MethodPost:
		s.add(w, r)
	case r.URL.Path == "/" && (r.Method == http.MethodGet || r.Method == http.MethodHead):
		s.page(w)
	case r.URL.Path == "/" || r.URL.Path == "/add-checkpoint":
		w.Header().Set("Allow", map[string]string{"/": "GET, HEAD", "/add-checkpoint": "POST"}[r.URL.Path])
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
	default:
		http.NotFound(w, r)
	}
}

// page says what the witness has cosigned.
func (s *Server) page(w io.Writer) {
	fmt.Fprintf(w, "A witness for access logs (C2SP tlog-witness). Its key:\n%s\n", s.vkey)
	var origins []string
	for origin := range s.logs {
		origins = append(origins, origin)
	}
	slices.Sort(origins)
	for _, origin := range origins {
		l := s.logs[origin]
		l.mu.Lock()
		seen := l.seen
		l.mu.Unlock()
		fmt.Fprintf(w, "\n%s\n%d records, root %s\n", origin, seen.N, seen.Hash)
	}
}

// answered is a status with a line of text.
type answered struct {
	status int
	text   string
}

func (a answered) Error() string { return a.text }

// add cosigns a checkpoint, or says why not.
func (s *Server) add(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxRequest))
	if err != nil {
		http.Error(w, "the request broke off, or is too large", http.StatusBadRequest)
		return
	}
	lines, err := s.cosign(body)
	var no answered
	switch {
	case errors.As(err, &no):
		if no.status == http.StatusConflict {
			w.Header().Set("Content-Type", sizeType)
		}
		w.WriteHeader(no.status)
		_, _ = io.WriteString(w, no.text+"\n")
	case err != nil:
		s.log.Error("a checkpoint could not be kept", "error", err)
		http.Error(w, "the checkpoint could not be kept", http.StatusInternalServerError)
	default:
		_, _ = w.Write(lines)
	}
}

// cosign checks a request in the order that C2SP tlog-witness gives, and returns
// the cosignature's line once the checkpoint is on the disk.
func (s *Server) cosign(body []byte) ([]byte, error) {
	r, err := ParseRequest(body)
	if err != nil {
		return nil, answered{http.StatusBadRequest, err.Error()}
	}
	origin := Origin(r.Checkpoint)
	l := s.logs[origin]
	if l == nil {
		return nil, answered{http.StatusNotFound, "this witness does not know the log"}
	}
	tree, err := accesslog.OpenCheckpoint(r.Checkpoint, l.key)
	if errors.Is(err, accesslog.ErrFormat) {
		return nil, answered{http.StatusBadRequest, "not a checkpoint of this log's form"}
	}
	if err != nil {
		return nil, answered{http.StatusForbidden, "no signature by the log's key"}
	}
	if r.Old > tree.N {
		return nil, answered{http.StatusBadRequest, "the old size is larger than the new one"}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if r.Old != l.seen.N {
		return nil, answered{http.StatusConflict, fmt.Sprint(l.seen.N)}
	}
	switch {
	case r.Old == tree.N && tree.Hash != l.seen.Hash:
		s.log.Error("the log shows two roots for one size", "log", origin, "records", tree.N, "cosigned", l.seen.Hash.String(), "shown", tree.Hash.String())
		return nil, answered{http.StatusConflict, fmt.Sprint(l.seen.N)}
	case r.Old == 0 || r.Old == tree.N:
		if len(r.Proof) > 0 {
			return nil, answered{http.StatusUnprocessableEntity, "there is nothing to prove, and a proof came"}
		}
	default:
		if err := tlog.CheckTree(r.Proof, tree.N, tree.Hash, l.seen.N, l.seen.Hash); err != nil {
			s.log.Error("the log does not continue what was cosigned", "log", origin, "cosigned", l.seen.N, "shown", tree.N)
			return nil, answered{http.StatusUnprocessableEntity, "the checkpoint does not continue the one that was cosigned"}
		}
	}
	// Only the log's own signature is kept and cosigned: the others aren't checked.
	n, err := note.Open(r.Checkpoint, note.VerifierList(l.key))
	if err != nil {
		return nil, err
	}
	n.UnverifiedSigs = nil
	signed, err := note.Sign(n, s.signer)
	if err != nil {
		return nil, err
	}
	if err := durable.ReplaceFile(l.file, signed, 0o600); err != nil {
		return nil, err
	}
	l.seen = tree
	// note.Sign puts new signatures behind those that are there.
	return signed[bytes.LastIndexByte(signed[:len(signed)-1], '\n')+1:], nil
}
