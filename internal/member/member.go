// Package member is a member's session with the vault: it signs what the
// member asks, checks the proof of every answer, opens what the member has
// keys for, and seals what the member writes. The desk, the case commands and
// whatever else acts for a member are built on it.
//
// What an answer says is used only once its proof holds: its record is the
// statement just signed, is in the log, and the log still has all that the
// member saw before. When that fails the session is over for good: it refuses
// everything with the same error, and so will the next, since the last
// checkpoint that held is kept in a file.
//
// The package must never write a plaintext or a key to a disk, log, or put
// what people wrote into an error. It holds no words for people.
package member

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/keyfile"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/crypto/seal"
	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/internal/witness"
	"suluh.example/suluh/vault/membersock"
)

// Errors that end a session for good.
var (
	ErrFork     = errors.New("the vault's log is not the one that was seen before, or a record is missing")
	ErrTampered = errors.New("the vault's answer does not fit the record of it")
)

// Errors about the member or a case.
var (
	ErrStranger  = errors.New("the roster has no such member, or with other keys")
	ErrRoster    = errors.New("the vault's roster is older than one seen before, or of another log")
	ErrCase      = errors.New("the case cannot be opened with the member's keys")
	ErrReporters = errors.New("what was deposited to this case names different reporters: nothing can be sent to them")
	ErrContent   = errors.New("the case has no such attachment")
)

// Config says whose session it is and with which vault.
type Config struct {
	Vault    *membersock.Client
	Identity *keyfile.Identity
	Root     note.Verifier // that rosters are signed with

	// Seen is the file that keeps the last verified checkpoint of the member;
	// "" keeps it in memory, which lets a fork between two sessions pass. Beside
	// it, the last verified roster is kept under the ending .roster.
	Seen string

	Clock    report.Clock
	Now      func() time.Time // default time.Now
	Recovery age.Identity     // of a unit's recovery sheet, in a custodian's session; else nil
	Outside  Outside          // the way to key witnesses; nil: this process connects by itself
}

// Session is safe for concurrent use. Its statements go one after the other,
// each signed over the tree that the one before showed.
type Session struct {
	c    Config
	keys []age.Identity

	acting  sync.Mutex // held from signing a statement to checking its proof
	keeping sync.Mutex // held while a checkpoint is kept

	mu        sync.Mutex
	broken    error // sticky
	roster    *roster.Roster
	signed    []byte    // the roster's signed note
	digest    id.Digest // of that
	log       note.Verifier
	seen      tlog.Tree
	own       map[id.Case][]int64         // records of this session's statements
	cases     map[id.Case]*Case           // as last opened
	reporters map[id.Case]string          // as the case named its reporter when it was first opened
	unwrap    map[id.Digest]*seal.CaseKey // by digest of the wrap
	wraps     map[id.Case]id.Digest       // as last listed or opened
	lines     map[line]any                // summaries, states and outcomes, as they were opened
	collected map[id.Digest][]byte        // what the last collect came to, sealed
	witnessed Witnessed                   // as the last answer showed
	contacts  map[id.Member]*contact      // key witnesses

	ends context.Context // with the session
	end  context.CancelFunc

	cosigning sync.Mutex // held while the log's witnesses are asked
	asker     witness.Asker
}

// Open begins a session. The error is [*Removed], [ErrStranger], [ErrRoster],
// or one of the vault's.
func Open(ctx context.Context, c Config) (*Session, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	s := &Session{
		c: c, keys: []age.Identity{c.Identity.Age()}, seen: accesslog.EmptyTree(),
		own: map[id.Case][]int64{}, reporters: map[id.Case]string{}, cases: map[id.Case]*Case{}, unwrap: map[id.Digest]*seal.CaseKey{}, lines: map[line]any{},
		contacts: map[id.Member]*contact{}, wraps: map[id.Case]id.Digest{},
	}
	s.ends, s.end = context.WithCancel(context.WithoutCancel(ctx))
	s.asker.Transport = s.outside()
	if c.Recovery != nil {
		s.keys = append(s.keys, c.Recovery)
	}
	kept, err := readKept(s.rosterFile())
	if err != nil {
		return nil, err
	}
	if kept != nil {
		if err := s.take(kept); err != nil {
			return nil, fmt.Errorf("roster kept in %s: %w", s.rosterFile(), err)
		}
	}
	if err := s.refresh(ctx); err != nil {
		return nil, err
	}
	if kept, err = readKept(c.Seen); err != nil {
		return nil, err
	}
	if kept != nil {
		if s.seen, err = accesslog.OpenCheckpoint(kept, s.log); err != nil {
			return nil, fmt.Errorf("%w: checkpoint kept in %s: %w", ErrFork, c.Seen, err)
		}
	}
	return s, s.isMember()
}

// Member says whose session it is.
func (s *Session) Member() id.Member { return s.c.Identity.Member() }

// Roster returns the roster as last seen.
func (s *Session) Roster() *roster.Roster {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.roster
}

// Seen returns the tree of the last checkpoint that held.
func (s *Session) Seen() tlog.Tree {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen
}

// Today is the day it is where the clock's working days are counted.
func (s *Session) Today() id.Day { return s.c.Clock.Today(s.c.Now()) }

// Err returns why the session is over for good, or nil.
func (s *Session) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.broken
}

// breaks ends the session for good.
func (s *Session) breaks(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken == nil {
		s.broken = err
	}
	return s.broken
}

// Close forgets what the session opened.
func (s *Session) Close() {
	s.breaks(errors.New("the session is closed"))
	s.end()
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.cases)
	clear(s.unwrap)
	clear(s.lines)
	s.collected = nil
}
