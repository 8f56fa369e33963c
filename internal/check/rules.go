package check

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
)

// maxSkew is how far a statement's own time may be from its record's.
const maxSkew = 5 * time.Minute

// state is what the records so far have said: all that the next one is held
// against.
type state struct {
	files    Files
	key      note.Verifier
	tree     tree
	last     time.Time
	zone     string
	rootKey  string
	root     note.Verifier // of rosters, of that key
	roster   *roster.Roster
	rosters  []RosterAt
	signed   []byte
	members  note.Verifiers
	nonces   nonces
	cases    map[id.Case]*caseState
	waiting  map[id.Case][]firstAccess // to those that are not in the log yet: the covers that wait for it, each once
	logged   map[id.Digest]struct{}    // deposits
	answers  map[id.Digest]answer
	batch    []accesslog.DepositRecord
	gone     []accesslog.DestroyRecord // of the batch
	batchDay id.Day                    // of the last batch, or of the log's beginning
	deposits int64
	accesses int64
	restores []Restored
	releases []Released
	held     int64 // items for forwarders to collect
	openings []opening

	destroyed int64
	seenSize  int64 // the tree that the last statement had seen, and its root
	seenRoot  tlog.Hash
}

// caseState is what the records have said of a case.
type caseState struct {
	Wraps   tlog.Tree           `json:"wraps"`             // commitment of its first deposit; N is 0 until that is met
	Granted map[id.Member]int64 `json:"granted,omitempty"` // valid grants
	Revoked map[id.Member]bool  `json:"revoked,omitempty"` // what the deposit gave is gone
	Only    map[id.Member]bool  `json:"only,omitempty"`    // if set, what the deposit gave to all others is gone: the case was referred

	Forwarding *accesslog.Forwarding `json:"forwarding,omitempty"` // nil: nothing was prepared
}

// kept returns a name that doesn't keep the record in memory which it was read
// from.
func kept[S ~string](name S) S { return S(strings.Clone(string(name))) }

func (c *caseState) grant(m id.Member, seq int64) {
	if c.Granted == nil {
		c.Granted = map[id.Member]int64{}
	}
	c.Granted[kept(m)] = seq
}

// lost tells whether what the deposit gave to a name was taken away.
func (c *caseState) lost(m id.Member) bool { return c.Revoked[m] || c.Only != nil && !c.Only[m] }

// answer is one that members handed in, until its reporter had it destroyed and
// after.
type answer struct {
	Of        id.Case `json:"of"`
	Since     id.Day  `json:"since"` // not before which it could be destroyed
	Destroyed bool    `json:"destroyed,omitempty"`
}

type firstAccess struct {
	Seq   int64               `json:"record"`
	Time  time.Time           `json:"time"`
	By    id.Member           `json:"by"`
	Cover accesslog.WrapCover `json:"cover"`
	Names []id.Member         `json:"names"` // under one of which the member was a reader
}

func newState(files Files, key note.Verifier) state {
	return state{
		files: files, key: key, tree: tree{files: files}, seenRoot: accesslog.EmptyTree().Hash,
		cases: map[id.Case]*caseState{}, waiting: map[id.Case][]firstAccess{}, logged: map[id.Digest]struct{}{},
		answers: map[id.Digest]answer{},
	}
}

func (s *state) size() int64 { return s.tree.n }

// here stands for the record that is being checked.
const here = -2

// fault makes a finding of the record that is being checked.
func fault(f Fault, format string, args ...any) error {
	return &Finding{Seq: here, Fault: f, What: fmt.Sprintf(format, args...)}
}

// record checks the next record, but for its statement's signature.
func (s *state) record(ctx context.Context, seq int64, p *parsed) error {
	err := s.check(ctx, seq, p)
	var f *Finding
	if errors.As(err, &f) && f.Seq == here {
		f.Seq = seq
	}
	if err != nil {
		return err
	}
	return s.tree.append(p.hash)
}

func (s *state) check(ctx context.Context, seq int64, p *parsed) error {
	r := &p.record
	switch {
	case p.err != nil:
		return fault(FaultForm, "it is not in the agreed form")
	case r.Seq != seq:
		return fault(FaultOrder, "it says that it is record %d", r.Seq)
	case (seq == 0) != (r.Kind == accesslog.KindConfigure && s.root == nil):
		return fault(FaultOrder, "the log does not begin as a log begins")
	case len(s.batch)+len(s.gone) > 0 && !r.Kind.DayOnly() && r.Kind != accesslog.KindBatch:
		return fault(FaultOrder, "it stands among the deposits of a batch")
	case len(s.gone) > 0 && r.Kind == accesslog.KindDeposit:
		return fault(FaultOrder, "it stands among the destroyed answers of a batch")
	}
	if !r.Kind.DayOnly() {
		if r.Time.Before(s.last) {
			return fault(FaultTime, "its time is before that of the record before")
		}
		s.last = r.Time
	}
	switch r.Kind {
	case accesslog.KindConfigure:
		return s.configure(r)
	case accesslog.KindRoster:
		return s.newRoster(ctx, r.Roster)
	case accesslog.KindDeposit:
		return s.deposit(r.Deposit)
	case accesslog.KindDestroy:
		return s.destroy(r.Destroy)
	case accesslog.KindBatch:
		return s.endBatch(r)
	case accesslog.KindRestore:
		return s.restore(ctx, r)
	case accesslog.KindRelease:
		x, err := accesslog.ParseRelease(*r)
		if err != nil {
			return fault(FaultForm, "it doesn't say which release was run, and which scripts that has")
		}
		s.releases = append(s.releases, Released{Seq: r.Seq, Time: r.Time, Release: x})
	case accesslog.KindStatement:
		return s.statement(ctx, p)
	}
	return nil
}

// restore checks the record that says that what follows is another log than the
// one that it stands for, and keeps it: it is no fault of the records, and
// nobody shall verify the log without being told.
func (s *state) restore(ctx context.Context, r *accesslog.Record) error {
	x, err := accesslog.ParseRestore(*r)
	if err != nil {
		return fault(FaultForm, "it doesn't say from which backup the vault was restored, and what is lost")
	}
	if x.Lost.N == r.Seq {
		root, err := s.tree.root(ctx, r.Seq)
		if err != nil {
			return err
		}
		if root != x.Lost.Hash {
			return &Finding{
				Seq: here, Fault: FaultFork, What: "the log before the restore, which it says had as many records, had others",
				Want: x.Lost.Hash.String(), Got: root.String(),
			}
		}
	}
	s.restores = append(s.restores, Restored{r.Seq, r.Time, x})
	for _, c := range s.cases {
		if c.Forwarding != nil {
			*c.Forwarding = c.Forwarding.Restored(r.Seq)
		}
	}
	return nil
}

func (s *state) configure(r *accesslog.Record) error {
	for _, set := range r.Settings {
		switch set.Key {
		case "origin":
			if set.Value != s.key.Name() {
				return fault(FaultOrder, "it names another log")
			}
		case "zone":
			s.zone = set.Value
		case "root":
			if s.root != nil {
				return fault(FaultRoster, "it changes the key that rosters are signed with")
			}
			root, err := note.NewVerifier(set.Value)
			if err != nil {
				return fault(FaultRoster, "the key that rosters are signed with is malformed")
			}
			s.root, s.rootKey = root, set.Value
		}
	}
	if s.root == nil {
		return fault(FaultRoster, "it names no key that rosters are signed with")
	}
	if s.batchDay.IsZero() {
		s.batchDay = id.DayOf(r.Time, time.UTC).AddDays(-1) // zones differ from UTC by less than a day
	}
	return nil
}

func (s *state) newRoster(ctx context.Context, r accesslog.RosterRecord) error {
	signed, err := s.files(ctx, "rosters/"+r.Digest.String())
	if errors.Is(err, os.ErrNotExist) {
		return fault(FaultMissing, "its roster is missing")
	}
	if err != nil {
		return fmt.Errorf("read roster: %w", err)
	}
	if d := roster.Digest(signed); d != r.Digest || int64(len(signed)) != r.Size {
		return &Finding{Seq: here, Fault: FaultRoster, What: "its roster was exchanged", Want: r.Digest.String(), Got: d.String()}
	}
	next, err := roster.Parse(signed, s.root)
	if err != nil {
		return fault(FaultRoster, "%s", err)
	}
	logKey, err := note.NewVerifier(next.LogKey)
	switch {
	case next.Version != r.Version:
		return fault(FaultRoster, "it gives its roster another version")
	case next.Origin != s.key.Name() || err != nil || logKey.KeyHash() != s.key.KeyHash():
		return fault(FaultRoster, "its roster is for another log")
	case s.roster == nil && next.Version != 1:
		return fault(FaultRoster, "the log's first roster is not the first version")
	}
	if s.roster != nil {
		if err := roster.CheckSuccessor(s.roster, next, s.signed); err != nil {
			return fault(FaultRoster, "%s", err)
		}
	}
	s.roster, s.signed, s.members = next, signed, next.Verifiers()
	s.rosters = append(s.rosters, RosterAt{s.tree.n, s.last, r.Digest, next})
	return nil
}

func (s *state) of(c id.Case) *caseState {
	x := s.cases[c]
	if x == nil {
		x = &caseState{}
		s.cases[kept(c)] = x
	}
	return x
}

func (s *state) statement(ctx context.Context, p *parsed) error {
	s.accesses++
	p.members = s.members
	st, r := &p.statement, &p.record
	if s.roster == nil {
		return fault(FaultMember, "it comes before any roster")
	}
	switch {
	case p.badNote:
		return fault(FaultSignature, notSigned)
	case st.Log != s.key.Name():
		return fault(FaultReplay, "its statement is for another log")
	case !s.roster.Active(st.Member):
		return fault(FaultMember, "%s was no member at that time", st.Member)
	case st.Action.ByForwarder() && !s.roster.Has(st.Member, roster.Forwarder):
		return fault(FaultMember, "%s was no forwarder at that time", st.Member)
	case !st.Action.ByForwarder() && len(s.roster.Names(st.Member, st.Action.ByRecovery())) == 0 && st.Action != accesslog.Revoke:
		return fault(FaultMember, "%s was no reader at that time", st.Member)
	case st.Action.ByApprover() && !s.roster.Has(st.Member, roster.Approver):
		return fault(FaultMember, "%s was no approver at that time", st.Member)
	case st.Action == accesslog.ApproveAlone && !s.roster.MayApproveAlone(st.Member):
		return fault(FaultMember, "%s approved alone, which the roster didn't allow", st.Member)
	case s.nonces.has(st.Nonce):
		return fault(FaultReplay, "its statement was used before")
	case st.Time.Sub(r.Time).Abs() > maxSkew:
		return fault(FaultTime, "its statement was made at another time")
	case st.Seen.N > r.Seq:
		return fault(FaultFork, "its member had seen a longer log: the log was forked or cut back")
	}
	s.nonces.add(st.Nonce, r.Time)
	if err := s.sawThis(ctx, st); err != nil {
		return err
	}
	switch {
	case st.Action == accesslog.Collect && r.Count != s.held:
		return fault(FaultForward, "%s was given %d items to forward, where %d were approved", st.Member, r.Count, s.held)
	case st.Action == accesslog.Unseal:
		return s.unsealed(r, st)
	case st.Case == "":
		return nil
	case !st.Action.ByForwarder():
		if err := s.covered(r, st); err != nil {
			return err
		}
	}
	if st.Action == accesslog.Open {
		s.opened(r, st)
	}
	if st.Action.OfForwarding() {
		if err := s.forwards(r, st); err != nil {
			return err
		}
	}
	for _, o := range st.Objects {
		if _, ok := s.answers[o.Digest]; !ok && o.Role == id.RoleAnswer && answers(st.Action) {
			// Zones differ from UTC by less than a day.
			s.answers[o.Digest] = answer{Of: kept(st.Case), Since: id.DayOf(r.Time, time.UTC).AddDays(-1)}
		}
	}
	return nil
}

// answers tells whether an action hands in answers to the reporter.
func answers(a accesslog.Action) bool {
	return a == accesslog.Reply || a == accesslog.Status || a == accesslog.Outcome
}

// refer follows a case to another unit: whom the record names has a key from it
// on, and where it ends the access of others, they have none any more.
func (s *state) refer(c *caseState, r *accesslog.Record, st *accesslog.Statement) error {
	to := st.Refer
	for _, m := range to.Readers {
		if !s.roster.ReadsFor(m, to.Unit) {
			return fault(FaultMember, "it gives access to %s, who was no reader of unit %s at that time", m, to.Unit)
		}
		c.grant(m, r.Seq)
	}
	if !to.Ends {
		return nil
	}
	for m := range c.Granted {
		if !s.roster.OfUnit(m, to.Unit) {
			delete(c.Granted, m)
		}
	}
	only := map[id.Member]bool{}
	for _, m := range append(s.roster.MembersOf(to.Unit), id.RecoveryOf(to.Unit)) {
		only[m] = !c.lost(m)
	}
	c.Only = only
	return nil
}

// forwards follows the forwarding of a case.
func (s *state) forwards(r *accesslog.Record, st *accesslog.Statement) error {
	c := s.of(st.Case)
	var before accesslog.Forwarding
	if c.Forwarding != nil {
		before = *c.Forwarding
	}
	f, err := before.Apply(*st, r.Seq)
	switch {
	case errors.Is(err, accesslog.ErrSelf) && st.Action == accesslog.ApproveForward:
		return fault(FaultForward, "%s approved what he had prepared himself", st.Member)
	case errors.Is(err, accesslog.ErrSelf):
		return fault(FaultForward, "%s approved what another had prepared as if it were his own", st.Member)
	case err != nil && st.Action.ByForwarder() && before.Item != st.Item:
		return fault(FaultForward, "%s forwarded what nobody had approved", st.Member)
	case err != nil:
		return fault(FaultForward, "it can't follow what the records say of the forwarding of the case before")
	case st.Action.ByForwarder() && (f.Approval == 0 || r.Cover.Approval != f.Approval):
		return fault(FaultForward, "it names another approval than that of the item")
	}
	if before.Stage.HasItem() {
		s.held--
	}
	if f.Stage.HasItem() {
		s.held++
	}
	f.Prepared, f.Approved = kept(f.Prepared), kept(f.Approved)
	c.Forwarding = &f
	return nil
}

// sawThis checks that the tree that a member had seen is one of this log's.
// Members often saw the same one.
func (s *state) sawThis(ctx context.Context, st *accesslog.Statement) error {
	if st.Seen.N != s.seenSize {
		root, err := s.tree.root(ctx, st.Seen.N)
		if err != nil {
			return err
		}
		s.seenSize, s.seenRoot = st.Seen.N, root
	}
	if s.seenRoot != st.Seen.Hash {
		return &Finding{
			Seq: here, Fault: FaultFork, What: fmt.Sprintf("%s had seen another log of %d records: the log was forked", st.Member, st.Seen.N),
			Want: st.Seen.Hash.String(), Got: s.seenRoot.String(),
		}
	}
	return nil
}

// among tells whether a reader of one of the names was committed to.
func among(names []id.Member, c accesslog.WrapCover, wraps tlog.Tree) bool {
	return slices.ContainsFunc(names, func(m id.Member) bool { return c.Check(m, wraps.Hash, wraps.N) == nil })
}

// covered checks that the member had a key for the case, and follows grants
// and revocations.
func (s *state) covered(r *accesslog.Record, st *accesslog.Statement) error {
	c := s.of(st.Case)
	names := s.roster.Names(st.Member, st.Action.ByRecovery())
	granted := r.Cover.Grant > 0 && slices.ContainsFunc(names, func(m id.Member) bool { return c.Granted[m] == r.Cover.Grant })
	if r.Cover.Deposit != nil {
		// A revocation takes one name's key; the recovery sheet's stays.
		names = slices.DeleteFunc(names, func(m id.Member) bool { return c.lost(m) })
	}
	switch d := r.Cover.Deposit; {
	case d != nil && len(names) == 0:
		return fault(FaultCover, "the access of %s to the case had been taken away", st.Member)
	case d != nil && c.Wraps.N > 0:
		if !among(names, *d, c.Wraps) {
			return fault(FaultCover, "%s was not among the readers of the deposit", st.Member)
		}
	case d != nil:
		if !slices.ContainsFunc(s.waiting[st.Case], func(a firstAccess) bool {
			return a.By == st.Member && a.Cover.Wrap == d.Wrap && slices.Equal(a.Names, names)
		}) {
			s.waiting[st.Case] = append(s.waiting[st.Case], firstAccess{r.Seq, r.Time, st.Member, *d, names})
		}
	case r.Cover.IsNone() && st.Action == accesslog.Revoke && st.To != st.Member:
		// An approver needs no access to take another's away: see below.
	case !granted:
		return fault(FaultCover, "nothing gave %s access to the case", st.Member)
	}
	switch st.Action {
	case accesslog.Refer:
		return s.refer(c, r, st)
	case accesslog.Grant:
		if !s.roster.Has(st.To, roster.Reader) {
			return fault(FaultMember, "it gives access to %s, who was no reader at that time", st.To)
		}
		c.grant(st.To, r.Seq)
	case accesslog.Assign:
		if !s.roster.Active(st.To) {
			return fault(FaultMember, "it gives the case to %s, who was no member at that time", st.To)
		}
	case accesslog.Revoke:
		if !s.roster.MayRevoke(st.Member, st.To) {
			return fault(FaultMember, "%s took the access of %s away without being an approver of the unit", st.Member, st.To)
		}
		delete(c.Granted, st.To)
		if c.Revoked == nil {
			c.Revoked = map[id.Member]bool{}
		}
		c.Revoked[kept(st.To)] = true
	}
	return nil
}
