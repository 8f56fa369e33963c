package member

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/crypto/seal"
	"suluh.example/suluh/internal/keywitness"
	"suluh.example/suluh/internal/witness"
	"suluh.example/suluh/vault/membersock"
)

// Outside is the way to those whom a roster names and who are not of this
// instance: key witnesses, and witnesses of the log.
type Outside interface {
	http.RoundTripper
	// Allow says which signed roster names those to whom it may lead.
	Allow(signed []byte) error
}

// Errors of opening a case that is split.
var (
	ErrKeyWitness = errors.New("too few key witnesses gave their shares of the case's key")
	ErrWitnesses  = errors.New("too few witnesses have cosigned the log, without whom key witnesses give no share")
)

// KeyWitnessError says why a case stays closed although it was opened: that is
// recorded, and so is that key witnesses were asked. It is an [ErrKeyWitness].
type KeyWitnessError struct {
	Case   id.Case
	Need   int // key witnesses
	Gave   int
	Record int64 // of the opening
	Failed []KeyWitnessFailure
}

// KeyWitnessFailure is why one key witness's share is missing: an error of
// [keywitness], [seal.ErrShare] if what it gave is not of the case, ErrWitnesses,
// or [ErrCase] if no share of it is there.
type KeyWitnessFailure struct {
	Witness id.Member
	Name    string
	Err     error
}

func (e *KeyWitnessError) Error() string {
	var why []string
	for _, f := range e.Failed {
		why = append(why, fmt.Sprintf("%s (%s): %v", f.Name, f.Witness, f.Err))
	}
	return fmt.Sprintf("%v: %d of %d; %s", ErrKeyWitness, e.Gave, e.Need, strings.Join(why, "; "))
}

// Is makes it an ErrKeyWitness.
func (e *KeyWitnessError) Is(err error) bool { return err == ErrKeyWitness }

// Split says between whom a case's key is split: so many of these key witnesses
// have to give their share before it opens. There are none if it isn't.
type Split struct {
	Need int
	Of   []id.Member
}

func splitOf(k *seal.CaseKey) (s Split) {
	need, all := k.Shares()
	s.Need = need
	for _, x := range all {
		s.Of = append(s.Of, x.Witness)
	}
	return s
}

// unsealing begins the asking for the shares of a case of which the session knows
// already that it is split; it is nil if it doesn't. Key witnesses who weren't heard of
// lately are greeted while the vault writes.
func (s *Session) unsealing(ctx context.Context, of id.Case) *unsealing {
	s.mu.Lock()
	key := s.unwrap[s.wraps[of]]
	s.mu.Unlock()
	if key == nil || key.Whole() {
		return nil
	}
	u := &unsealing{s: s, of: of}
	if u.prepare(key) != nil {
		return nil // which is said once the case is opened
	}
	u.greet()
	return u
}

// statement is what goes with the opening of the case, so that the vault writes both
// at once.
func (u *unsealing) statement() *accesslog.Statement {
	if u == nil {
		return nil
	}
	return &accesslog.Statement{Action: accesslog.Unseal, Handle: id.HandleOf(u.of)}
}

// unseal returns the whole key of a case that was opened by a record: of a case
// that is split, key witnesses give the rest, for the record of an unseal, which it
// returns too. That is proven already if it was written with the opening.
func (s *Session) unseal(ctx context.Context, u *unsealing, of id.Case, wrap id.Digest, key *seal.CaseKey, a *answer) (*seal.CaseKey, membersock.AccessEntry, error) {
	var entry membersock.AccessEntry
	if u == nil {
		u = &unsealing{s: s, of: of}
		if err := u.prepare(key); err != nil {
			return nil, entry, err
		}
		u.greet()
	}
	opened, e := a.Proof.Index, evidence{tree: a.tree, known: a.Grown}
	if a.Then != nil {
		e.Proof = *a.Then
	} else {
		then, err := s.act(ctx, accesslog.Statement{Action: accesslog.Unseal, Opened: opened, Handle: id.HandleOf(of)}, nil)
		if err == nil {
			err = then.Close()
		}
		if err != nil {
			return nil, entry, err
		}
		e = evidence{Proof: then.Proof, tree: then.tree, known: then.Grown}
	}
	record, err := accesslog.ParseRecord(e.Record)
	if err != nil {
		return nil, entry, err
	}
	entry = membersock.AccessEntry{Seq: record.Seq, Time: record.Time, Member: s.Member(), Action: accesslog.Unseal}
	if err := u.prepare(key); err != nil { // the answer may have brought another roster, or another wrap
		return nil, entry, err
	}
	need, _ := key.Shares()
	fail := &KeyWitnessError{Case: of, Need: need, Record: opened}
	joined, err := u.gather(ctx, &e, fail)
	if err != nil {
		return nil, entry, err
	}
	s.mu.Lock()
	s.unwrap[wrap], s.wraps[of] = joined, wrap
	s.mu.Unlock()
	return joined, entry, nil
}

// fitsThen tells whether a proof is that of an unseal that was sent with an opening,
// whose own proof has shown the tree.
func fitsThen(msg []byte, p, first accesslog.Proof, tree tlog.Tree) error {
	if !bytes.Equal(p.Checkpoint, first.Checkpoint) {
		return fmt.Errorf("%w: it proves the second record by another checkpoint", ErrTampered)
	}
	if err := tlog.CheckRecord(tlog.RecordProof(p.Inclusion), tree.N, tree.Hash, p.Index, tlog.RecordHash(p.Record)); err != nil {
		return fmt.Errorf("%w: %w", ErrTampered, err)
	}
	r, err := accesslog.ParseRecord(p.Record)
	if err != nil || r.Kind != accesslog.KindStatement || r.Seq != p.Index || !bytes.Equal(r.Statement, msg) {
		return fmt.Errorf("%w: it proves the record of another statement than the second", ErrTampered)
	}
	return nil
}

// unsealing is the asking for the shares of one case.
type unsealing struct {
	s      *Session
	roster *roster.Roster
	of     id.Case
	key    *seal.CaseKey
	shares []seal.SealedShare

	signed []byte
	digest id.Digest
	log    note.Verifier
}

// prepare goes by the roster that the session has now, and the case's key as far as
// it has it.
func (u *unsealing) prepare(key *seal.CaseKey) error {
	u.key = key
	_, u.shares = key.Shares()
	u.s.mu.Lock()
	u.roster, u.signed, u.digest, u.log = u.s.roster, u.s.note, u.s.signed, u.s.log
	u.s.mu.Unlock()
	return u.s.allow(u.signed)
}

// allow opens the way to those whom a signed roster names.
func (s *Session) allow(signed []byte) error {
	if s.c.Outside != nil {
		return s.c.Outside.Allow(signed)
	}
	return nil
}

// outside is the way to those who are not of this instance.
func (s *Session) outside() http.RoundTripper {
	if s.c.Outside != nil {
		return s.c.Outside
	}
	return http.DefaultTransport
}

// client returns what asks a key witness. Also one who was removed from the roster
// has to be asked for the cases of before.
func (s *Session) client(r *roster.Roster, w id.Member) (*keywitness.Client, error) {
	m, ok := r.Member(w)
	if !ok || m.Address == "" {
		return nil, ErrCase
	}
	return keywitness.NewClient(m.Address, s.outside()), nil
}

// contact is what a session knows of a key witness.
type contact struct {
	state    *keywitness.State // as it last told, or a share of it showed; nil before
	heard    time.Time
	greeting chan struct{} // closed once it answered, or didn't; nil if it isn't being asked
}

// lately is for how long one who was heard of is not greeted again: until then the
// connection to it is kept.
const lately = time.Minute

// contact is that with one key witness. The caller holds mu.
func (s *Session) contact(w id.Member) *contact {
	k := s.contacts[w]
	if k == nil {
		k = &contact{}
		s.contacts[w] = k
	}
	return k
}

// greet asks a key witness what it has seen, unless it was heard of lately, so that
// there is a connection when a share is asked for.
func (s *Session) greet(w id.Member) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.contact(w)
	if k.greeting != nil || s.broken != nil || k.state != nil && time.Since(k.heard) < lately {
		return
	}
	done, r, signed := make(chan struct{}), s.roster, s.note
	k.greeting = done
	go func() {
		var state keywitness.State
		c, err := s.client(r, w)
		if err == nil {
			err = s.allow(signed)
		}
		if err == nil {
			state, err = c.State(s.ends)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if err == nil && (k.state == nil || k.state.Size <= state.Size) { // a share may have shown more meanwhile
			k.state, k.heard = &state, time.Now()
		}
		k.greeting = nil
		close(done)
	}()
}

// greet greets the key witnesses of the case.
func (u *unsealing) greet() {
	for _, x := range u.shares {
		u.s.greet(x.Witness)
	}
}

// known returns what a key witness has seen as far as the session knows, or nil. If it
// is being greeted, that is waited for.
func (s *Session) known(ctx context.Context, w id.Member) *keywitness.State {
	s.mu.Lock()
	k := s.contact(w)
	greeting := k.greeting
	s.mu.Unlock()
	if greeting != nil {
		select {
		case <-greeting:
		case <-ctx.Done():
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return k.state
}

// saw keeps what a key witness has seen.
func (s *Session) saw(w id.Member, state keywitness.State) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.contact(w)
	k.state, k.heard = &state, time.Now()
}

// gave is what came of asking one key witness.
type gave struct {
	from  int // index among the shares
	share *seal.Share
	err   error
}

// gather asks all key witnesses at once, by the proof of an answer, which was checked
// and whose checkpoint the log's witnesses cosign first if the roster asks for that. It
// returns the whole key as soon as enough of them have given their shares.
func (u *unsealing) gather(ctx context.Context, e *evidence, fail *KeyWitnessError) (*seal.CaseKey, error) {
	e.hashes = witness.Hashes(ctx, u.s.c.Vault, e.tree)
	e, err := u.cosigned(ctx, e)
	if err != nil {
		if !errors.Is(err, ErrWitnesses) {
			return nil, err
		}
		for i := range u.shares {
			fail.add(u, i, err)
		}
		return nil, fail
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	came := make(chan gave, len(u.shares))
	for i := range u.shares {
		go func() {
			share, err := u.ask(ctx, i, e)
			came <- gave{i, share, err}
		}()
	}
	var good []gave
	for range u.shares {
		g := <-came
		if g.err != nil {
			if s := u.s.Err(); s != nil {
				return nil, s
			}
			fail.add(u, g.from, g.err)
			continue
		}
		good = append(good, g)
		if key := u.join(good, fail.Need); key != nil {
			return key, nil
		}
	}
	fail.Gave = len(good)
	if len(good) >= fail.Need { // at least one of them gave what is not of the case
		fail.Gave = 0
		for _, g := range good {
			fail.add(u, g.from, seal.ErrShare)
		}
	}
	return nil, fail
}

func (e *KeyWitnessError) add(u *unsealing, share int, err error) {
	w := u.shares[share].Witness
	m, _ := u.roster.Member(w)
	e.Failed = append(e.Failed, KeyWitnessFailure{w, m.Name, err})
	slices.SortFunc(e.Failed, func(a, b KeyWitnessFailure) int { return strings.Compare(string(a.Witness), string(b.Witness)) })
}

// join tries the newest share with each choice of the others: one that isn't of
// the case must not keep the rest from opening it.
func (u *unsealing) join(good []gave, need int) *seal.CaseKey {
	newest, others := good[len(good)-1], good[:len(good)-1]
	var try func(from int, chosen []*seal.Share) *seal.CaseKey
	try = func(from int, chosen []*seal.Share) *seal.CaseKey {
		if len(chosen) == need {
			key := *u.key
			if key.Join(u.of, chosen...) != nil {
				return nil
			}
			return &key
		}
		for i := from; i < len(others); i++ {
			if key := try(i+1, append(slices.Clone(chosen), others[i].share)); key != nil {
				return key
			}
		}
		return nil
	}
	return try(0, []*seal.Share{newest.share})
}

// tries is how often a key witness is asked anew because it has seen more
// meanwhile, or has another roster.
const tries = 5

// ask gets one key witness's share.
func (u *unsealing) ask(ctx context.Context, share int, e *evidence) (*seal.Share, error) {
	x := u.shares[share]
	c, err := u.s.client(u.roster, x.Witness)
	if err != nil {
		return nil, err
	}
	state := keywitness.State{Roster: u.digest}
	if known := u.s.known(ctx, x.Witness); known != nil {
		state = *known
	}
	q := keywitness.Request{Share: x.Sealed, Roster: u.digest}
	told := false // it said itself what it has seen
	for try := 0; ; try++ {
		if state.Size > e.tree.N {
			n, err := u.newest(ctx, e)
			if err == nil && n != e {
				e, err = u.cosigned(ctx, n)
			}
			if err != nil {
				return nil, err
			}
		}
		// What it has seen by now is most often among what the vault proved. If it isn't, it
		// says so.
		q.From, q.Proof, q.Grown = 0, e.Proof, e.known
		q.Proof.Consistency = nil
		if (told || len(e.known) == 0) && state.Size > 0 && state.Size < e.tree.N {
			q.From = state.Size
			if q.Proof.Consistency, err = e.grown(state.Size); err != nil {
				return nil, err
			}
		}
		if state.Roster != u.digest {
			q.Signed = u.signed
		}
		sealed, err := c.Release(ctx, q)
		var size *keywitness.SizeError
		switch {
		case err == nil:
			u.s.saw(x.Witness, keywitness.State{Size: e.tree.N, Roster: u.digest})
			opened, err := seal.OpenShare(sealed, u.s.keys...)
			if err != nil || opened.Handle != id.HandleOf(u.of) {
				return nil, seal.ErrShare
			}
			return opened, nil
		case try == tries:
			return nil, err
		case errors.As(err, &size):
			if size.Size > e.tree.N && try == tries-1 {
				return nil, keywitness.ErrFork // it has seen more than there is
			}
			state.Size, told = size.Size, true
		case errors.Is(err, keywitness.ErrRoster) && q.Signed == nil:
			state.Roster = id.Digest{}
		case try == 0 && errors.Is(err, keywitness.ErrUnreachable) && !errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil:
			// The connection may have been one of before a restart.
		default:
			return nil, err
		}
	}
}

// evidence proves to who doesn't trust the vault that a record is in the log.
type evidence struct {
	accesslog.Proof // its consistency is that with what this session saw
	tree            tlog.Tree
	hashes          tlog.HashReader
	known           []accesslog.Grown // what the vault proved by itself of how that tree has grown; key witnesses check it
}

// grown proves that the tree continues the one of so many records.
func (e *evidence) grown(from int64) (accesslog.Path, error) {
	for _, g := range e.known {
		if g.From == from {
			return g.Proof, nil
		}
	}
	return accesslog.ProveTree(e.tree.N, from, e.hashes)
}

// newest proves the same record by the vault's newest checkpoint. If there is
// none newer, it is the same evidence.
func (u *unsealing) newest(ctx context.Context, e *evidence) (*evidence, error) {
	checkpoint, err := u.s.c.Vault.LogFile(ctx, "checkpoint")
	if err != nil {
		return nil, err
	}
	tree, err := accesslog.OpenCheckpoint(checkpoint, u.log)
	if err != nil || tree.N <= e.tree.N {
		return e, err
	}
	n := &evidence{Proof: accesslog.Proof{Index: e.Index, Record: e.Record, Checkpoint: checkpoint}, tree: tree, hashes: witness.Hashes(ctx, u.s.c.Vault, tree)}
	if n.Inclusion, err = accesslog.ProveRecord(tree.N, e.Index, n.hashes); err != nil {
		return nil, err
	}
	if n.Consistency, err = accesslog.ProveTree(tree.N, e.tree.N, n.hashes); err != nil {
		return nil, err
	}
	if _, err := n.Check(u.log, e.tree); err != nil {
		return nil, u.s.forked(ctx, u.log, e.tree, err)
	}
	return n, nil
}

// cosigned gets the quorum of the log's witnesses if the roster asks for one: the
// vault's newest checkpoint that has it is older than the record. While others are at
// work, the witnesses may have seen a longer log already.
func (u *unsealing) cosigned(ctx context.Context, e *evidence) (*evidence, error) {
	if u.roster.Witnesses == "" {
		return e, nil
	}
	p, err := witness.ParsePolicy(u.roster.Witnesses)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrWitnesses, err)
	}
	u.s.cosigning.Lock()
	defer u.s.cosigning.Unlock()
	for {
		msg, failed, err := u.s.asker.Ask(ctx, p, u.log, e.Checkpoint, func(_ context.Context, old int64) (tlog.TreeProof, error) {
			return tlog.ProveTree(e.tree.N, old, e.hashes)
		})
		if err != nil {
			return nil, err
		}
		if _, _, err = p.Open(msg, u.log); err == nil {
			c := *e
			c.Checkpoint = msg
			// The desks' warnings go by what the vault has. If it doesn't arrive, suluh
			// witness ask brings another.
			_ = u.s.c.Vault.Cosign(ctx, msg)
			return &c, nil
		}
		why, ahead := err, false
		for name, err := range failed {
			why = fmt.Errorf("%w; %s: %w", why, name, err)
			ahead = ahead || errors.Is(err, witness.ErrAhead)
		}
		n := e
		if ahead {
			if n, err = u.newest(ctx, e); err != nil {
				return nil, err
			}
		}
		if n == e {
			return nil, fmt.Errorf("%w: %w", ErrWitnesses, why)
		}
		e = n
	}
}
