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
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
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
	"suluh.example/suluh/internal/durable"
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

// Restored says that the vault was restored from a backup and has lost records
// that the member had seen. It is an [ErrFork]: that what was seen is among what
// the log admits to have lost, nobody can prove any more unless it is the very
// tree that the record names.
type Restored struct {
	accesslog.Restore
	From int64 // first record that is lost
	Seen tlog.Tree
}

func (r *Restored) Error() string {
	s := fmt.Sprintf("%v: it was restored from the backup of %s (%s), and has lost the records from %d on, of %d that you had seen", ErrFork, r.Backup, r.Reason, r.From, r.Seen.N)
	if r.Lost == r.Seen {
		return s + "; the log's own record of it names just that checkpoint of yours"
	}
	return s
}

// Is makes it an ErrFork.
func (r *Restored) Is(err error) bool { return err == ErrFork }

// forked ends the session for good, because of a log that isn't the one seen. If
// the log has a record of a restore that explains it, the error says so.
func (s *Session) forked(ctx context.Context, log note.Verifier, seen tlog.Tree, err error) error {
	err = fmt.Errorf("%w: %w", ErrFork, err)
	if p, perr := s.c.Vault.LastRestore(ctx); perr == nil {
		_, perr = p.Check(log, accesslog.EmptyTree())
		r, rerr := accesslog.ParseRecord(p.Record)
		if perr == nil && rerr == nil && r.Seq == p.Index {
			if x, err := accesslog.ParseRestore(r); err == nil && r.Seq < seen.N && seen.N <= x.Lost.N && (seen.N < x.Lost.N || seen == x.Lost) {
				return s.breaks(&Restored{x, r.Seq, seen})
			}
		}
	}
	return s.breaks(err)
}

// Removed says that the member is one no more.
type Removed struct{ Day id.Day }

func (r *Removed) Error() string {
	return "the member was removed from the roster on " + r.Day.String()
}

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
	signed    id.Digest // of the roster's signed note
	note      []byte    // that note
	log       note.Verifier
	seen      tlog.Tree
	own       map[id.Case][]int64         // records of this session's statements
	cases     map[id.Case]*Case           // as last opened
	reporters map[id.Case]string          // as the case named its reporter when it was first opened
	unwrap    map[id.Digest]*seal.CaseKey // by digest of the wrap
	wraps     map[id.Case]id.Digest       // as last listed or opened
	lines     map[id.Digest]line          // summaries and states, by digest
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
		own: map[id.Case][]int64{}, reporters: map[id.Case]string{}, cases: map[id.Case]*Case{}, unwrap: map[id.Digest]*seal.CaseKey{}, lines: map[id.Digest]line{},
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
	return s, s.listed()
}

// readKept reads a file that may not be there yet.
func readKept(name string) ([]byte, error) {
	if name == "" {
		return nil, nil
	}
	b, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	return b, err
}

func (s *Session) rosterFile() string {
	if s.c.Seen == "" {
		return ""
	}
	return strings.TrimSuffix(s.c.Seen, ".seen") + ".roster"
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

// refresh fetches the roster if another is in force.
func (s *Session) refresh(ctx context.Context) error {
	if err := s.Err(); err != nil {
		return err
	}
	state, err := s.c.Vault.State(ctx)
	if err != nil {
		return err
	}
	if s.has(state.Roster) {
		return nil
	}
	signed, err := s.c.Vault.Roster(ctx)
	if err != nil {
		return err
	}
	if err := s.take(signed); err != nil {
		return err
	}
	if name := s.rosterFile(); name != "" {
		return durable.ReplaceFile(name, signed, 0o600)
	}
	return nil
}

// has tells whether the roster with the digest is the one that the session goes by.
func (s *Session) has(signed id.Digest) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.roster != nil && s.signed == signed
}

// take verifies a roster and puts it in the place of the one before.
func (s *Session) take(signed []byte) error {
	r, err := roster.Parse(signed, s.c.Root)
	if err != nil {
		return err
	}
	log, err := note.NewVerifier(r.LogKey)
	if err != nil {
		return fmt.Errorf("%w: it names no log key", ErrRoster)
	}
	digest := roster.Digest(signed)
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.roster; old != nil {
		if r.Version < old.Version || r.Version == old.Version && digest != s.signed || r.LogKey != old.LogKey || r.Origin != old.Origin {
			return ErrRoster
		}
	}
	s.roster, s.signed, s.note, s.log = r, digest, signed, log
	return nil
}

// listed tells whether the roster still has the member, with these keys.
func (s *Session) listed() error {
	m, ok := s.Roster().Member(s.Member())
	switch {
	case !ok || m.Key != s.c.Identity.VerifierKey():
		return ErrStranger
	case m.Removed != nil:
		return &Removed{*m.Removed}
	}
	return nil
}

// act signs a statement, sends it and checks the proof of the answer.
func (s *Session) act(ctx context.Context, st accesslog.Statement, have []id.Digest, handed ...membersock.Handed) (*answer, error) {
	a, kept, err := s.begin(ctx, st, beside{have: have, handed: handed})
	if err != nil {
		return nil, err
	}
	if err := kept(); err != nil {
		a.Close()
		return nil, err
	}
	return a, nil
}

// answer is one of which the proof was checked.
type answer struct {
	*membersock.Answer
	tree tlog.Tree // that the proof is for
}

// beside is what goes with a statement.
type beside struct {
	then   *accesslog.Statement // an unseal that goes with an opening: the answer has its proof only if the opening got the next record's number
	have   []id.Digest
	handed []membersock.Handed
}

// begin is act for who has something to do while the checkpoint is being kept: until
// kept has returned without an error, nothing of the answer may leave the session but
// to key witnesses, who check it for themselves and keep what they saw. If the answer
// is no error, kept has to be called once.
func (s *Session) begin(ctx context.Context, st accesslog.Statement, with beside) (a *answer, kept func() error, err error) {
	s.acting.Lock()
	defer s.acting.Unlock()
	if err := s.Err(); err != nil {
		return nil, nil, err
	}
	s.mu.Lock()
	log, seen, origin, known := s.log, s.seen, s.roster.Origin, s.knownWitnessed()
	s.mu.Unlock()
	st.Log, st.Member, st.Time, st.Seen = origin, s.Member(), s.c.Now(), seen
	if st.Nonce == [16]byte{} {
		rand.Read(st.Nonce[:])
	}
	for _, h := range with.handed {
		st.Objects = append(st.Objects, h.Object)
	}
	msg, err := st.Sign(s.c.Identity.Signer())
	if err != nil {
		return nil, nil, err
	}
	var thenMsg []byte
	if then := with.then; then != nil {
		then.Log, then.Member, then.Time, then.Seen, then.Opened = st.Log, st.Member, st.Time, seen, seen.N
		rand.Read(then.Nonce[:])
		if thenMsg, err = then.Sign(s.c.Identity.Signer()); err != nil {
			return nil, nil, err
		}
	}
	got, err := s.c.Vault.ActWith(ctx, membersock.ActHead{Statement: string(msg), Then: string(thenMsg), Have: with.have, Cosigned: known.Records}, with.handed)
	switch {
	case errors.Is(err, membersock.ErrFork):
		return nil, nil, s.forked(ctx, log, seen, err)
	case errors.Is(err, membersock.ErrMember):
		if err := errors.Join(s.refresh(ctx), s.listed()); err != nil {
			return nil, nil, err
		}
		return nil, nil, err
	case err != nil:
		return nil, nil, err
	}
	tree, err := got.Proof.Check(log, seen)
	a = &answer{got, tree}
	if err != nil {
		a.Close()
		return nil, nil, s.forked(ctx, log, seen, err)
	}
	if err := s.witnesses(a.Cosigned, known, log, tree); err != nil {
		a.Close()
		return nil, nil, s.forked(ctx, log, seen, err)
	}
	err = s.fits(st, msg, a.ActAnswer)
	if err == nil && a.Then != nil {
		err = fitsThen(thenMsg, *a.Then, a.Proof, tree)
	}
	if err != nil {
		a.Close()
		return nil, nil, s.breaks(err)
	}
	kept = s.remember(tree, a.Proof.Checkpoint)
	if !s.has(a.Roster) { // what the answer brings may be signed by a member whom nobody here knows yet
		if err := s.refresh(ctx); err != nil {
			a.Close()
			return nil, nil, errors.Join(err, kept())
		}
	}
	return a, kept, nil
}

// remember takes the tree as the last one seen, and begins to keep it. The function
// that it returns waits for the end of that.
func (s *Session) remember(t tlog.Tree, checkpoint []byte) (kept func() error) {
	s.mu.Lock()
	s.seen = t
	log := s.log
	s.mu.Unlock()
	if s.c.Seen == "" {
		return func() error { return nil }
	}
	done := make(chan error, 1)
	go func() { done <- s.keep(t, checkpoint, log) }()
	return func() error { return <-done }
}

// keep writes the tree's checkpoint to the file.
func (s *Session) keep(t tlog.Tree, checkpoint []byte, log note.Verifier) error {
	s.keeping.Lock()
	defer s.keeping.Unlock()
	// Another session of the member may have come further meanwhile.
	if kept, err := readKept(s.c.Seen); err == nil && kept != nil {
		if k, err := accesslog.OpenCheckpoint(kept, log); err == nil && k.N > t.N {
			return nil
		}
	}
	return durable.ReplaceFile(s.c.Seen, checkpoint, 0o600)
}

// fits tells whether an answer is one to the statement.
func (s *Session) fits(st accesslog.Statement, msg []byte, a membersock.ActAnswer) error {
	bad := func(what string) error { return fmt.Errorf("%w: %s", ErrTampered, what) }
	r, err := accesslog.ParseRecord(a.Proof.Record)
	switch {
	case err != nil || r.Kind != accesslog.KindStatement || r.Seq != a.Proof.Index:
		return bad("it proves something that is not a record of a statement")
	case !bytes.Equal(r.Statement, msg):
		return bad("it proves the record of another statement")
	case st.Action.OfCase() != (a.Case != nil):
		return bad("it is the answer to another action")
	case st.Action == accesslog.Collect:
		if r.Count != int64(len(a.Items)) {
			return bad("its record counts other items than it has")
		}
		return nil
	case st.Action == accesslog.List:
		counted := int64(0)
		for _, c := range a.Cases {
			if !c.New {
				counted++
			} else if c.Day.Before(id.DayOf(r.Time, time.UTC).AddDays(-1)) { // the same day in any zone
				return bad("its record leaves out a case that is not new")
			}
		}
		if r.Count != counted {
			return bad("its record counts other cases than it has")
		}
		return nil
	case st.Action == accesslog.Unseal:
		return nil
	case a.Case.Case != st.Case:
		return bad("it is about another case")
	case r.Cover.IsNone() || st.Action.ByForwarder(): // who has no key is told nothing of the case
		return nil
	}
	// A referral to the member's own unit puts another wrap in the place of his.
	if d := r.Cover.Deposit; d != nil && !a.Case.Wrap.IsZero() && st.Action != accesslog.Refer && d.Wrap != a.Case.Wrap {
		return bad("its wrap is not the one that its record names")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	own := append(slices.Clone(s.own[st.Case]), r.Seq)
	for _, seq := range own {
		if !slices.ContainsFunc(a.Case.Access, func(e membersock.AccessEntry) bool { return e.Seq == seq && e.Member == st.Member }) {
			return bad(fmt.Sprintf("record %d of the case is missing", seq))
		}
	}
	s.own[st.Case] = own
	return nil
}

// maxObject is more than any document has.
const maxObject = 20 << 20

// objects reads the objects that come with an answer. Those that are not what
// their digest says are left out.
func objects(a *answer) (map[id.Digest][]byte, error) {
	defer a.Close()
	all := map[id.Digest][]byte{}
	for {
		o, r, err := a.Next()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		b, err := io.ReadAll(io.LimitReader(r, maxObject))
		if err != nil {
			return nil, err
		}
		if id.DigestOf(b) == o.Digest {
			all[o.Digest] = b
		}
	}
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
