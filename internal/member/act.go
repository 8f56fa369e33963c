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
	msg, thenMsg, err := s.sign(&st, with, origin, seen)
	if err != nil {
		return nil, nil, err
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

// sign signs a statement over the tree that was seen last, and what goes with it.
func (s *Session) sign(st *accesslog.Statement, with beside, origin string, seen tlog.Tree) (msg, thenMsg []byte, err error) {
	st.Log, st.Member, st.Time, st.Seen = origin, s.Member(), s.c.Now(), seen
	if st.Nonce == [16]byte{} {
		rand.Read(st.Nonce[:])
	}
	for _, h := range with.handed {
		st.Objects = append(st.Objects, h.Object)
	}
	if msg, err = st.Sign(s.c.Identity.Signer()); err != nil {
		return nil, nil, err
	}
	if then := with.then; then != nil {
		then.Log, then.Member, then.Time, then.Seen, then.Opened = st.Log, st.Member, st.Time, seen, seen.N
		rand.Read(then.Nonce[:])
		thenMsg, err = then.Sign(s.c.Identity.Signer())
	}
	return msg, thenMsg, err
}

// tampered says what about an answer can't be.
func tampered(what string) error { return fmt.Errorf("%w: %s", ErrTampered, what) }

// recordOf returns the record that a proof is of, which must be that of a statement.
func recordOf(p accesslog.Proof, msg []byte) (accesslog.Record, error) {
	r, err := accesslog.ParseRecord(p.Record)
	switch {
	case err != nil || r.Kind != accesslog.KindStatement || r.Seq != p.Index:
		return r, tampered("it proves something that is not a record of a statement")
	case !bytes.Equal(r.Statement, msg):
		return r, tampered("it proves the record of another statement")
	}
	return r, nil
}

// fits tells whether an answer is one to the statement.
func (s *Session) fits(st accesslog.Statement, msg []byte, a membersock.ActAnswer) error {
	r, err := recordOf(a.Proof, msg)
	switch {
	case err != nil:
		return err
	case st.Action.OfCase() != (a.Case != nil):
		return tampered("it is the answer to another action")
	case st.Action == accesslog.Collect:
		if r.Count != int64(len(a.Items)) {
			return tampered("its record counts other items than it has")
		}
		return nil
	case st.Action == accesslog.List:
		return fitsList(r, a.Cases)
	case st.Action == accesslog.Unseal:
		return nil
	}
	return s.fitsCase(st, r, a.Case)
}

// fitsList tells whether a list has the cases that its record counts.
func fitsList(r accesslog.Record, cases []membersock.ListedCase) error {
	counted := int64(0)
	for _, c := range cases {
		if !c.New {
			counted++
		} else if c.Day.Before(id.DayOf(r.Time, time.UTC).AddDays(-1)) { // the same day in any zone
			return tampered("its record leaves out a case that is not new")
		}
	}
	if r.Count != counted {
		return tampered("its record counts other cases than it has")
	}
	return nil
}

// fitsCase tells whether it is the case that the statement is about, with the wrap that
// the record names, and with the records of all that this session has done to it.
func (s *Session) fitsCase(st accesslog.Statement, r accesslog.Record, c *membersock.CaseView) error {
	switch {
	case c.Case != st.Case:
		return tampered("it is about another case")
	case r.Cover.IsNone() || st.Action.ByForwarder(): // who has no key is told nothing of the case
		return nil
	}
	// A referral to the member's own unit puts another wrap in the place of his.
	if d := r.Cover.Deposit; d != nil && !c.Wrap.IsZero() && st.Action != accesslog.Refer && d.Wrap != c.Wrap {
		return tampered("its wrap is not the one that its record names")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	own := append(slices.Clone(s.own[st.Case]), r.Seq)
	for _, seq := range own {
		if !slices.ContainsFunc(c.Access, func(e membersock.AccessEntry) bool { return e.Seq == seq && e.Member == st.Member }) {
			return tampered(fmt.Sprintf("record %d of the case is missing", seq))
		}
	}
	s.own[st.Case] = own
	return nil
}

// fitsThen tells whether a proof is that of an unseal that was sent with an opening,
// whose own proof has shown the tree.
func fitsThen(msg []byte, p, first accesslog.Proof, tree tlog.Tree) error {
	if !bytes.Equal(p.Checkpoint, first.Checkpoint) {
		return tampered("it proves the second record by another checkpoint")
	}
	if err := tlog.CheckRecord(tlog.RecordProof(p.Inclusion), tree.N, tree.Hash, p.Index, tlog.RecordHash(p.Record)); err != nil {
		return fmt.Errorf("%w: %w", ErrTampered, err)
	}
	_, err := recordOf(p, msg)
	return err
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
