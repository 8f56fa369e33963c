package member

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/crypto/seal"
	"suluh.example/suluh/vault/membersock"
)

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
	u.roster, u.signed, u.digest, u.log = u.s.roster, u.s.signed, u.s.digest, u.s.log
	u.s.mu.Unlock()
	return u.s.allow(u.signed)
}
