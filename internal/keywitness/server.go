package keywitness

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
	"golang.org/x/time/rate"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/crypto/seal"
	"suluh.example/suluh/internal/durable"
	"suluh.example/suluh/internal/released"
	"suluh.example/suluh/internal/witness"
	"suluh.example/suluh/vault/wire"
)

// Config says whose key witness it is and where it keeps what it must not forget.
type Config struct {
	Dir      string // one directory, its own
	Root     string // verifier key that rosters are signed with
	Member   id.Member
	Identity age.Identity
	Log      *slog.Logger
	Now      func() time.Time // default time.Now
}

// Server is a key witness: GET state and POST release below /keywitness/v1/. It is
// safe for concurrent use.
type Server struct {
	c    Config
	root note.Verifier
	lock *os.File
	mux  *http.ServeMux
	room chan struct{} // for requests that are read or checked

	mu      sync.Mutex // held from the check to the answer, so that no two checkpoints overtake each other
	rules   *rules     // nil before the first roster
	seen    tlog.Tree
	noted   *noted
	budgets map[id.Member]*rate.Limiter
}

// rules are what a roster says.
type rules struct {
	*roster.Roster
	digest    id.Digest
	log       note.Verifier
	verifiers note.Verifiers
	policy    *witness.Policy // nil: no witnesses

	recipients map[id.Member]*age.HybridRecipient // of those who were given something: to read one takes as long as to check a signature
}

// A member opens a case now and then. Who asks for more is slowed down, so that a
// stolen identity doesn't get the shares of all cases at once.
const (
	mostAtOnce = 60
	perMinute  = 30
	mostRoom   = 16
)

// NewServer opens the directory, which it makes if it isn't there, and locks it.
// The error is [ErrRunning], [ErrRoot] or [released.ErrForm].
func NewServer(c Config) (_ *Server, err error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	s := &Server{c: c, seen: accesslog.EmptyTree(), room: make(chan struct{}, mostRoom), budgets: map[id.Member]*rate.Limiter{}}
	if s.root, err = note.NewVerifier(c.Root); err != nil {
		return nil, fmt.Errorf("root key: %w", err)
	}
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return nil, err
	}
	if s.lock, err = lock(c.Dir); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.lock.Close())
		}
	}()
	if err := pin(c.Dir, c.Root); err != nil {
		return nil, err
	}
	signed, err := os.ReadFile(filepath.Join(c.Dir, rosterFile))
	if err == nil {
		if s.rules, err = s.parse(signed); err != nil {
			return nil, fmt.Errorf("%s: %w", rosterFile, released.ErrForm)
		}
	} else if !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	if s.noted, err = openNoted(c.Dir); err != nil {
		return nil, err
	}
	if last := s.noted.last; last != nil {
		if s.rules == nil {
			return nil, fmt.Errorf("%s: %w", rosterFile, released.ErrForm)
		}
		if s.seen, err = accesslog.OpenCheckpoint([]byte(last.Checkpoint), s.rules.log); err != nil {
			return nil, fmt.Errorf("%s: %w", releasedFile, released.ErrForm)
		}
	}
	s.mux = http.NewServeMux()
	s.mux.HandleFunc("GET "+prefix+"state", func(w http.ResponseWriter, _ *http.Request) { wire.JSON(w, s.State()) })
	s.mux.HandleFunc("POST "+prefix+"release", s.release)
	return s, nil
}

// Close gives the directory free. No request may be under way.
func (s *Server) Close() error { return errors.Join(s.noted.file.Close(), s.lock.Close()) }

// State tells what anybody may know.
func (s *Server) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	x := State{Member: s.c.Member, Size: s.seen.N}
	if s.rules != nil {
		x.Origin, x.Roster = s.rules.Origin, s.rules.digest
	}
	return x
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	s.mux.ServeHTTP(w, r)
}

// busy says that a member asks too much.
type busy struct{ after time.Duration }

func (busy) Error() string { return "the member asks for more shares than anybody reads" }

func (s *Server) release(w http.ResponseWriter, r *http.Request) {
	select {
	case s.room <- struct{}{}:
		defer func() { <-s.room }()
	case <-r.Context().Done():
		return
	}
	var q Request
	var share []byte
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequest)).Decode(&q)
	if err != nil {
		err = fmt.Errorf("%w: %w", ErrBad, err)
	} else {
		share, err = s.give(q)
	}
	var slow busy
	switch {
	case err == nil:
		wire.JSON(w, Released{share})
		return
	case errors.As(err, &slow):
		s.c.Log.Warn("a member asks for more shares than anybody reads")
		wire.Busy(w, slow.after)
		return
	case errors.Is(err, ErrSize):
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusConflict)
		_ = json.NewEncoder(w).Encode(conflict{"size", s.State().Size}) // the other end is gone otherwise
		return
	case errors.Is(err, ErrFork):
		s.c.Log.Error("a log was shown that does not continue the one seen before", "error", err)
	case errors.Is(err, ErrRoster): // most often the next request brings it
		s.c.Log.Debug("no share was given", "error", err)
	default:
		s.c.Log.Warn("no share was given", "error", err)
	}
	known.Write(w, err)
}

// give checks a request, in an order in which what is public comes first, notes
// that the share is given, and returns it sealed to the member.
func (s *Server) give(q Request) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	rules, err := s.take(q)
	if err != nil {
		return nil, err
	}
	tree, err := s.checkpoint(rules, q)
	if err != nil {
		return nil, err
	}
	m, st, err := s.statement(rules, q, tree)
	if err != nil {
		return nil, err
	}
	if err := s.budget(m.ID); err != nil {
		return nil, err
	}
	share, err := seal.OpenShare(q.Share, s.c.Identity)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrShare, err)
	}
	if share.Handle != st.Handle {
		return nil, ErrHandle
	}
	to, err := rules.recipient(m)
	if err != nil {
		return nil, err
	}
	var sealed []byte
	var sealErr error
	var sealing sync.WaitGroup
	sealing.Go(func() { sealed, sealErr = share.SealTo(to) }) // while the disk works
	defer sealing.Wait()
	if err := s.noted.add(released.Share{
		Time: s.c.Now().UTC().Truncate(time.Second), Size: tree.N, Index: q.Proof.Index, Member: m.ID, Handle: st.Handle, Checkpoint: string(q.Proof.Checkpoint),
	}); err != nil {
		return nil, err
	}
	s.seen = tree
	sealing.Wait()
	return sealed, sealErr
}

// take returns the roster that the request goes by. A later one than was seen
// before replaces it for good.
func (s *Server) take(q Request) (*rules, error) {
	if s.rules != nil && q.Roster == s.rules.digest {
		return s.rules, nil
	}
	if len(q.Signed) == 0 || roster.Digest(q.Signed) != q.Roster {
		return nil, ErrRoster
	}
	r, err := s.parse(q.Signed)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRoster, err)
	}
	if old := s.rules; old != nil && (r.Version <= old.Version || r.Origin != old.Origin || r.LogKey != old.LogKey) {
		return nil, ErrOldRoster
	}
	if err := durable.ReplaceFile(filepath.Join(s.c.Dir, rosterFile), q.Signed, 0o600); err != nil {
		return nil, err
	}
	s.rules = r
	s.c.Log.Info("a later roster is in use", "version", r.Version)
	return r, nil
}

func (s *Server) parse(signed []byte) (*rules, error) {
	r, err := roster.Parse(signed, s.root)
	if err != nil {
		return nil, err
	}
	x := &rules{Roster: r, digest: roster.Digest(signed), verifiers: r.Verifiers(), recipients: map[id.Member]*age.HybridRecipient{}}
	if x.log, err = note.NewVerifier(r.LogKey); err != nil {
		return nil, fmt.Errorf("the log's key: %w", err)
	}
	if r.Witnesses != "" {
		if x.policy, err = witness.ParsePolicy(r.Witnesses); err != nil {
			return nil, err
		}
	}
	return x, nil
}

// recipient is what is sealed to for a member of the roster.
func (r *rules) recipient(m roster.Member) (*age.HybridRecipient, error) {
	if to := r.recipients[m.ID]; to != nil {
		return to, nil
	}
	to, err := age.ParseHybridRecipient(m.Recipient)
	if err != nil {
		return nil, ErrRecipient // an age plugin is a program, which the key witness doesn't run
	}
	r.recipients[m.ID] = to
	return to, nil
}

// checkpoint checks that a checkpoint is one of the log, has the quorum of its
// witnesses, and continues what was seen before.
func (s *Server) checkpoint(r *rules, q Request) (tlog.Tree, error) {
	tree, err := accesslog.OpenCheckpoint(q.Proof.Checkpoint, r.log)
	if err != nil {
		return tree, fmt.Errorf("%w: %w", ErrCheckpoint, err)
	}
	if len(q.Proof.Checkpoint) > maxLine/2 { // JSON at most doubles it: see lastLine
		return tree, fmt.Errorf("%w: it is too large", ErrCheckpoint)
	}
	if r.policy != nil {
		if _, _, err := r.policy.Open(q.Proof.Checkpoint, r.log); err != nil {
			return tree, fmt.Errorf("%w: %w", ErrQuorum, err)
		}
	}
	growth, ok := q.growth(s.seen.N)
	switch {
	case tree.N == s.seen.N:
		if tree.Hash != s.seen.Hash {
			return tree, fmt.Errorf("%w: another root for the same %d records", ErrFork, tree.N)
		}
	case !ok || tree.N < s.seen.N:
		return tree, ErrSize
	case s.seen.N > 0:
		if err := tlog.CheckTree(tlog.TreeProof(growth), tree.N, tree.Hash, s.seen.N, s.seen.Hash); err != nil {
			return tree, fmt.Errorf("%w: %d records were seen, and %d are shown: %w", ErrFork, s.seen.N, tree.N, err)
		}
	}
	return tree, nil
}

// statement checks that the record is in the tree, and that in it a reader of the
// roster asks for a share.
func (s *Server) statement(r *rules, q Request, tree tlog.Tree) (m roster.Member, st accesslog.Statement, err error) {
	p := q.Proof
	if p.Index < 0 || p.Index >= tree.N {
		return m, st, fmt.Errorf("%w: record %d of %d", ErrRecord, p.Index, tree.N)
	}
	if err := tlog.CheckRecord(tlog.RecordProof(p.Inclusion), tree.N, tree.Hash, p.Index, tlog.RecordHash(p.Record)); err != nil {
		return m, st, fmt.Errorf("%w: %w", ErrRecord, err)
	}
	record, err := accesslog.ParseRecord(p.Record)
	if err != nil || record.Kind != accesslog.KindStatement || record.Seq != p.Index {
		return m, st, fmt.Errorf("%w: it is not the record of a statement", ErrRecord)
	}
	if st, err = accesslog.OpenStatement(record.Statement, r.verifiers); err != nil {
		return m, st, fmt.Errorf("%w: %w", ErrMember, err)
	}
	switch {
	case st.Action != accesslog.Unseal || st.Log != r.Origin:
		return m, st, fmt.Errorf("%w: it is a record of %q", ErrRecord, st.Action)
	case !r.Has(st.Member, roster.Reader):
		return m, st, ErrMember
	}
	m, _ = r.Member(st.Member)
	return m, st, nil
}

func (s *Server) budget(m id.Member) error {
	b := s.budgets[m]
	if b == nil {
		b = rate.NewLimiter(perMinute/60.0, mostAtOnce)
		s.budgets[m] = b
	}
	now := time.Now()
	if !b.AllowN(now, 1) {
		return busy{time.Minute / perMinute}
	}
	return nil
}
