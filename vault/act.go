package vault

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/vault/frame"
	"suluh.example/suluh/vault/membersock"
)

// skew is how far a statement's time may be from the vault's.
const skew = 5 * time.Minute

// MemberState tells the members' side how the vault is.
func (v *Vault) MemberState() membersock.State {
	return membersock.State{
		Origin: v.signer.Name(), LogKey: v.logKey, Roster: v.now.Load().digest,
		Checkpoint: string(v.log.Load().checkpoint),
	}
}

// handsIn says which roles of objects an action hands in, of which at least
// one is needed.
var handsIn = map[accesslog.Action][]id.Role{
	accesslog.Reply:  {id.RoleAnswer, id.RoleCopy, id.RoleState},
	accesslog.Note:   {id.RoleNote, id.RoleState},
	accesslog.Status: {id.RoleAnswer, id.RoleCopy, id.RoleState},
	accesslog.Grant:  {id.RoleWrap},
	accesslog.Triage: {id.RoleState, id.RoleNote},
	accesslog.Refer:  {id.RoleWrap, id.RoleState},

	accesslog.PrepareForward: {id.RoleDraft, id.RoleState},
	accesslog.ApproveForward: {id.RoleItem},
	accesslog.ApproveAlone:   {id.RoleItem},
	accesslog.Decide:         {id.RoleOutcome},
	accesslog.Outcome:        {id.RoleOutcome, id.RoleAnswer, id.RoleCopy},
}

// Act does what a statement asks. The answer begins only after the record of
// it is durable.
func (v *Vault) Act(ctx context.Context, head membersock.ActHead, in *frame.Reader, out *frame.Writer) error {
	now := v.now.Load()
	if now.roster == nil {
		return membersock.ErrMember
	}
	s, err := accesslog.OpenStatement([]byte(head.Statement), now.verifiers)
	if err != nil {
		return errors.Join(membersock.ErrMember, err)
	}
	then, err := secondOf(head, s, now.verifiers)
	if err != nil {
		return err
	}
	handed, err := takeHanded(s, in)
	if err != nil {
		return err
	}
	for _, o := range s.Objects {
		if s.Action == accesslog.Refer && o.Role == id.RoleWrap && slices.Contains(head.Decoys, o.Digest) {
			delete(handed, o.Digest)
		}
	}
	var seq int64
	var leaf []byte
	var a membersock.ActAnswer
	began := time.Now()
	var thenSeq int64
	var thenLeaf []byte
	err = v.write(ctx, func(g *group) error {
		seq, leaf, a, err = v.act(g, s, []byte(head.Statement), handed)
		if err == nil && then != nil && then.Opened == seq {
			thenSeq, thenLeaf, _, err = v.act(g, *then, []byte(head.Then), nil)
		}
		return err
	})
	v.measures.acted(began, err)
	// What was begun is ended although the member may be gone. Nothing from here on
	// takes long but writing, which fails by itself then; and a context that ends
	// would cost each query a goroutine.
	ctx = context.WithoutCancel(ctx)
	if err == nil && (s.Action == accesslog.Revoke || s.Action == accesslog.Refer) {
		// The wraps that were deleted are still in the WAL.
		err = v.enqueue(ctx, &job{done: make(chan error, 1), alone: v.wipe})
	}
	if err = v.tell("a statement was not carried out", err); err != nil {
		return err
	}
	published := v.log.Load()
	if a.Proof, err = v.proof(ctx, published, seq, leaf, s.Seen); err == nil {
		a.Cosigned, err = v.provenCosigned(ctx, published, head.Cosigned)
	}
	if err == nil && thenLeaf != nil {
		var p accesslog.Proof
		p, err = v.proof(ctx, published, thenSeq, thenLeaf, then.Seen)
		a.Then = &p
	}
	if err == nil && (thenLeaf != nil || s.Action == accesslog.Unseal) {
		a.Grown, err = v.grown(ctx, published)
	}
	if err == nil {
		err = v.answer(ctx, s, a, head.Have, out)
	}
	return v.tell("an answer broke off", err)
}

// takeHanded reads the objects that the statement names, and no others.
func takeHanded(s accesslog.Statement, in *frame.Reader) (handed map[id.Digest][]byte, err error) {
	handed = map[id.Digest][]byte{}
	for {
		o, r, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", membersock.ErrBad, err)
		}
		b, err := io.ReadAll(io.LimitReader(r, 4<<20))
		if err != nil {
			return nil, fmt.Errorf("%w: %w", membersock.ErrBad, err)
		}
		got := id.Object{Role: o.Role, Digest: id.DigestOf(b), Size: int64(len(b))}
		if !slices.Contains(s.Objects, got) || len(b) < len(agePrefix) || string(b[:len(agePrefix)]) != agePrefix {
			return nil, fmt.Errorf("%w: an object that the statement does not name", membersock.ErrBad)
		}
		handed[got.Digest] = b
	}
	roles := handsIn[s.Action]
	for _, o := range s.Objects {
		if len(roles) > 0 && (!slices.Contains(roles, o.Role) || handed[o.Digest] == nil) {
			return nil, fmt.Errorf("%w: an object is missing or of another role", membersock.ErrBad)
		}
	}
	if (len(roles) > 0) != (len(handed) > 0) || len(roles) > 0 && len(handed) != len(s.Objects) {
		return nil, fmt.Errorf("%w: objects do not fit the action", membersock.ErrBad)
	}
	return handed, nil
}

func (v *Vault) act(g *group, s accesslog.Statement, signed []byte, handed map[id.Digest][]byte) (seq int64, leaf []byte, a membersock.ActAnswer, err error) {
	r := g.force.roster
	names := r.Names(s.Member, s.Action.ByRecovery())
	switch {
	case !r.Active(s.Member):
		err = membersock.ErrMember
	case s.Log != v.signer.Name():
		err = membersock.ErrOrigin
	case s.Time.Before(g.now.Add(-skew)) || s.Time.After(g.now.Add(skew)):
		err = membersock.ErrStale
	case !mayAsk(r, s, names):
		err = membersock.ErrRole
	default:
		err = v.checkSeen(g, s.Seen)
	}
	if err != nil {
		return 0, nil, a, err
	}
	if _, err := g.tx.ExecContext(g.ctx, "INSERT INTO nonces (nonce) VALUES (?)", s.Nonce[:]); err != nil {
		return 0, nil, a, membersock.ErrReplay
	}
	a.Roster = g.force.digest
	record := accesslog.Record{Kind: accesslog.KindStatement, Statement: signed}
	about := s.Case    // in whose list of accesses the record stands
	reader := s.Member // the name that the member holds the key under
	var f accesslog.Forwarding
	switch {
	case s.Action == accesslog.List:
		for _, name := range names {
			cases, err := v.list(g, name)
			if err != nil {
				return 0, nil, a, err
			}
			for _, c := range cases {
				if !slices.ContainsFunc(a.Cases, func(x membersock.ListedCase) bool { return x.Case == c.Case }) {
					a.Cases = append(a.Cases, c)
				}
			}
		}
		// What came today isn't counted, or two lists of one member would tell
		// between them when a report came.
		today := id.DayOf(g.now, v.zone)
		for i := range a.Cases {
			if a.Cases[i].New = !a.Cases[i].Day.Before(today); !a.Cases[i].New {
				record.Count++
			}
		}
	case s.Action == accesslog.Collect:
		if a.Items, err = v.collect(g); err != nil {
			return 0, nil, a, err
		}
		record.Count = int64(len(a.Items))
	case s.Action == accesslog.Unseal:
		if about, err = unseals(g, s); err != nil {
			return 0, nil, a, err
		}
	case !s.Action.ByForwarder():
		if reader, record.Cover, err = coverAny(g, s.Case, names); err != nil &&
			!(errors.Is(err, membersock.ErrNoWrap) && s.Action == accesslog.Revoke && s.To != s.Member && r.MayRevoke(s.Member, s.To)) {
			return 0, nil, a, err
		}
	}
	if s.Action.OfForwarding() {
		if f, err = forwards(g, s); err != nil {
			return 0, nil, a, err
		}
		if s.Action.ByForwarder() {
			record.Cover.Approval = f.Approval
		}
	}
	if seq, leaf, err = g.appendRecord(record, about, s.Member, s.Action); err != nil {
		return 0, nil, a, err
	}
	if err := v.effect(g, r, s, seq, handed); err != nil {
		return 0, nil, a, err
	}
	if s.Action.OfForwarding() {
		if err := keepForwarding(g, s.Case, f, id.DayOf(g.now, v.zone)); err != nil {
			return 0, nil, a, err
		}
	}
	if s.Action.OfCase() {
		if s.Action.ByForwarder() || record.Cover.IsNone() {
			a.Case = &membersock.CaseView{Case: s.Case} // who has no key learns nothing of the case
		} else {
			a.Case, err = v.view(g, s.Case, reader)
		}
	}
	return seq, leaf, a, err
}

// mayAsk tells whether a member's roles allow what the statement asks; names
// are those under which he may hold keys for it.
func mayAsk(r *roster.Roster, s accesslog.Statement, names []id.Member) bool {
	switch {
	case s.Action.ByForwarder():
		return r.Has(s.Member, roster.Forwarder)
	case s.Action == accesslog.Revoke:
		return len(names) > 0 || r.MayRevoke(s.Member, s.To)
	case s.Action == accesslog.ApproveAlone && !r.MayApproveAlone(s.Member):
		return false
	case s.Action.ByApprover():
		return len(names) > 0 && r.Has(s.Member, roster.Approver)
	}
	return len(names) > 0
}

// checkSeen tells whether the tree that a member saw is one of this log's.
func (v *Vault) checkSeen(g *group, seen tlog.Tree) error {
	if seen.N > g.size {
		return membersock.ErrFork
	}
	root, err := tlog.TreeHash(seen.N, g.hashes)
	if err != nil {
		return err
	}
	if root != seen.Hash {
		return membersock.ErrFork
	}
	return nil
}

// coverAny finds the first of a member's names that has a key for the case.
func coverAny(g *group, of id.Case, names []id.Member) (reader id.Member, c accesslog.Cover, err error) {
	err = membersock.ErrNoWrap
	for _, reader = range names {
		if c, err = cover(g, of, reader); !errors.Is(err, membersock.ErrNoWrap) {
			return reader, c, err
		}
	}
	return reader, c, err
}

// cover says why the member may touch the case; ErrNoWrap if nothing does.
func cover(g *group, of id.Case, m id.Member) (c accesslog.Cover, err error) {
	var salt, digest []byte
	err = g.tx.QueryRowContext(g.ctx, "SELECT digest, salt, grant_seq FROM wraps WHERE case_id = ? AND member = ?", string(of), string(m)).
		Scan(&digest, &salt, &c.Grant)
	if errors.Is(err, sql.ErrNoRows) {
		return c, membersock.ErrNoWrap
	}
	if err != nil || c.Grant > 0 {
		return c, err
	}
	leaves, err := leavesOf(g.ctx, g.tx, of)
	if err != nil {
		return c, err
	}
	w, err := accesslog.ProveWrap(leaves, accesslog.WrapLeaf{Salt: [16]byte(salt), Member: m, Wrap: id.Digest(digest)})
	c.Deposit = &w
	return c, err
}

// leavesOf returns the leaves of the commitment to a case's readers.
func leavesOf(ctx context.Context, q querier, of id.Case) (leaves []tlog.Hash, err error) {
	var all []byte
	if err := q.QueryRowContext(ctx, "SELECT leaves FROM cases WHERE case_id = ?", string(of)).Scan(&all); err != nil {
		return nil, fmt.Errorf("read leaves: %w", err)
	}
	for leaf := range slices.Chunk(all, tlog.HashSize) {
		var h tlog.Hash
		copy(h[:], leaf)
		leaves = append(leaves, h)
	}
	return leaves, nil
}

// effect changes what the action changes.
func (v *Vault) effect(g *group, r *roster.Roster, s accesslog.Statement, seq int64, handed map[id.Digest][]byte) error {
	day := id.DayOf(g.now, v.zone)
	exec := func(query string, args ...any) error {
		if _, err := g.tx.ExecContext(g.ctx, query, args...); err != nil {
			return fmt.Errorf("%s: %w", s.Action, err)
		}
		return nil
	}
	switch s.Action {
	case accesslog.List, accesslog.Export, accesslog.Collect, accesslog.Unseal:
		return nil
	case accesslog.Open:
		return exec(`UPDATE wraps SET read_before = read, read = (SELECT count(*) FROM objects o WHERE o.case_id = wraps.case_id AND role IN ('letter', 'answer', 'note'))
			WHERE case_id = ? AND member = ?`, string(s.Case), string(s.Member))
	case accesslog.Reply, accesslog.Note, accesslog.Status, accesslog.Triage, accesslog.PrepareForward, accesslog.ApproveForward,
		accesslog.ApproveAlone, accesslog.Decide, accesslog.Forward, accesslog.Outcome:
		return insertHanded(g, s, handed, day, seq)
	case accesslog.Refer:
		if err := insertHanded(g, s, handed, day, seq); err != nil {
			return err
		}
		return refer(g, r, s, handed, seq)
	case accesslog.Assign:
		if !r.Active(s.To) {
			return membersock.ErrMember
		}
		return exec("UPDATE cases SET assigned = ? WHERE case_id = ?", string(s.To), string(s.Case))
	case accesslog.Grant:
		if !r.Has(s.To, roster.Reader) || len(s.Objects) != 1 {
			return membersock.ErrRole
		}
		d := s.Objects[0].Digest
		if _, err := g.tx.ExecContext(g.ctx, "INSERT INTO wraps (id, case_id, member, digest, data, grant_seq) VALUES (?, ?, ?, ?, ?, ?)",
			rowID(s.Case), string(s.Case), string(s.To), d[:], handed[d], seq); err != nil {
			return errors.Join(membersock.ErrAlready, err)
		}
		return nil
	case accesslog.Revoke:
		if !r.MayRevoke(s.Member, s.To) {
			return membersock.ErrRole
		}
		return exec("DELETE FROM wraps WHERE case_id = ? AND member = ?", string(s.Case), string(s.To))
	}
	return membersock.ErrRole // purge is not offered yet
}

// insertHanded keeps what was handed in, but for wraps, which are no objects of
// the case.
func insertHanded(g *group, s accesslog.Statement, handed map[id.Digest][]byte, day id.Day, seq int64) error {
	for _, o := range s.Objects {
		if o.Role == id.RoleWrap {
			continue
		}
		if err := insertObject(g, s.Case, o, handed[o.Digest], day, nil, s.Member, seq); err != nil {
			if errors.Is(err, errKnownObject) {
				return errors.Join(membersock.ErrAlready, err)
			}
			return err
		}
	}
	return nil
}

// refer gives a case to another unit. Who has a key of it already gets the new
// one in its place.
func refer(g *group, r *roster.Roster, s accesslog.Statement, handed map[id.Digest][]byte, seq int64) error {
	readers := s.Refer.Readers
	for _, o := range s.Objects {
		if o.Role != id.RoleWrap {
			continue
		}
		to := readers[0] // there are as many as wraps
		if readers = readers[1:]; !r.ReadsFor(to, s.Refer.Unit) {
			return membersock.ErrRole
		}
		if handed[o.Digest] == nil {
			continue // a decoy
		}
		if _, err := g.tx.ExecContext(g.ctx, `INSERT INTO wraps (id, case_id, member, digest, data, grant_seq) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (member, case_id) DO UPDATE SET digest = excluded.digest, data = excluded.data, grant_seq = excluded.grant_seq, salt = NULL`,
			rowID(s.Case), string(s.Case), string(to), o.Digest[:], handed[o.Digest], seq); err != nil {
			return fmt.Errorf("refer: %w", err)
		}
	}
	if !s.Refer.Ends {
		return nil
	}
	all, err := readersOf(g, s.Case)
	if err != nil {
		return err
	}
	for _, m := range all {
		if r.OfUnit(m, s.Refer.Unit) {
			continue
		}
		if _, err := g.tx.ExecContext(g.ctx, "DELETE FROM wraps WHERE case_id = ? AND member = ?", string(s.Case), string(m)); err != nil {
			return fmt.Errorf("refer: %w", err)
		}
		if _, err := g.tx.ExecContext(g.ctx, "UPDATE cases SET assigned = '' WHERE case_id = ? AND assigned = ?", string(s.Case), string(m)); err != nil {
			return fmt.Errorf("refer: %w", err)
		}
	}
	return nil
}
