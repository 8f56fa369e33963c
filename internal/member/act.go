package member

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/vault/membersock"
)

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
		if err := errors.Join(s.refresh(ctx), s.isMember()); err != nil {
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
	if !s.hasRoster(a.Roster) { // what the answer brings may be signed by a member whom nobody here knows yet
		if err := s.refresh(ctx); err != nil {
			a.Close()
			return nil, nil, errors.Join(err, kept())
		}
	}
	return a, kept, nil
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
