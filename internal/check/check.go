// Package check verifies an access log from outside, with nothing but the
// log's key: that no record is missing, changed or out of order, that every
// access was signed by a member who might make it, and that it was covered by
// the deposit's readers or a later grant. What it has verified it can list,
// and export as a folder that others verify.
//
// It trusts whoever serves the files with nothing, and never needs a secret.
package check

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
)

// Fault is the kind of what is wrong with a log, for those who say it in
// another language.
type Fault string

// The faults.
const (
	FaultCheckpoint Fault = "checkpoint" // the checkpoint isn't signed by the log's key
	FaultShrunk     Fault = "shrunk"     // the log has fewer records than were seen before
	FaultFork       Fault = "fork"       // somebody was shown another log
	FaultTree       Fault = "tree"       // the records do not hash to the checkpoint
	FaultTile       Fault = "tile"       // a hash tile isn't that of the records
	FaultMissing    Fault = "missing"    // a file that the checkpoint promises isn't there
	FaultForm       Fault = "form"       // a record isn't in the agreed form
	FaultOrder      Fault = "order"      // a record can't stand where it does
	FaultSignature  Fault = "signature"  // a statement isn't signed by the member that it names
	FaultReplay     Fault = "replay"     // a statement was used before
	FaultTime       Fault = "time"       // times or days contradict each other
	FaultMember     Fault = "member"     // the member was not allowed to do it
	FaultCover      Fault = "cover"      // nothing gave the member access to the case
	FaultRoster     Fault = "roster"     // a roster was exchanged, or breaks a rule
	FaultDeposit    Fault = "deposit"    // deposits contradict each other or their batch
	FaultDestroy    Fault = "destroy"    // what was destroyed was no answer of the case, or was destroyed before
	FaultForward    Fault = "forward"    // something was forwarded, or decided, that no earlier record lets happen
	FaultRestored   Fault = "restored"   // it was restored from a backup, and has lost what was seen before
)

// Faults returns all faults.
func Faults() []Fault {
	return []Fault{
		FaultCheckpoint, FaultShrunk, FaultFork, FaultTree, FaultTile, FaultMissing, FaultForm, FaultOrder,
		FaultSignature, FaultReplay, FaultTime, FaultMember, FaultCover, FaultRoster, FaultDeposit, FaultDestroy, FaultForward, FaultRestored,
	}
}

// Finding says what is wrong with a log.
type Finding struct {
	Seq   int64 // the record, or -1 for the log as a whole
	Fault Fault
	What  string // a sentence's end, in English
	Want  string // what was expected and what was found instead, where
	Got   string // hashes tell it; else ""
}

func (f *Finding) Error() string {
	if f.Seq < 0 {
		return "the log can NOT be trusted: " + f.What
	}
	return fmt.Sprintf("the log can NOT be trusted from record %d: %s", f.Seq, f.What)
}

// Result is what a log that passed has shown.
type Result struct {
	Tree       tlog.Tree
	Checkpoint []byte // signed
	Records    int64
	Deposits   int64
	Destroyed  int64 // answers, by their reporters
	Accesses   int64
	Waiting    int // cases that were accessed and whose deposit isn't in the log yet
	Roster     *roster.Roster
	Entries    Entries
	Rosters    []RosterAt // oldest first
	Restores   []Restored // oldest first: see [Result.Unseen]
	Releases   []Released // oldest first
	Last       time.Time  // of the last record that has one
	Witnesses  *Witnesses // of an export; nil if the roster names none
	Before     tlog.Tree  // of an export: what the folder had, which the log continues

	zone *time.Location
}

// RosterAt is a roster from the record on that put it in force.
type RosterAt struct {
	Seq    int64
	Time   time.Time // of the record
	Digest id.Digest // of the signed note, by which it is published
	*roster.Roster
}

// RosterAt returns the roster that was in force at a record, or nil before the
// first.
func (r *Result) RosterAt(seq int64) *roster.Roster {
	i, found := slices.BinarySearchFunc(r.Rosters, seq, func(x RosterAt, seq int64) int { return cmp.Compare(x.Seq, seq) })
	if !found {
		i--
	}
	if i < 0 {
		return nil
	}
	return r.Rosters[i].Roster
}

// Restored is a restore from a backup, as a record tells it.
type Restored struct {
	Seq  int64     // the record, and the first that is lost
	Time time.Time // of the record
	accesslog.Restore
}

// Released is a release of the program, as a record tells it.
type Released struct {
	Seq  int64
	Time time.Time // from when on the instance ran it
	accesslog.Release
}

// Records returns how many are known to be lost.
func (r Restored) Records() int64 { return r.Lost.N - r.Seq }

func (r Restored) String() string {
	s := fmt.Sprintf("restored on %s from the backup of %s (%s): ", r.Time.Format(time.DateOnly), r.Backup, Plain(r.Reason))
	switch r.Records() {
	case 0:
		return s + fmt.Sprintf("what came after record %d is lost, if anything did", r.Seq-1)
	case 1:
		return s + fmt.Sprintf("record %d of before is lost", r.Seq)
	}
	return s + fmt.Sprintf("records %d to %d of before are lost", r.Seq, r.Lost.N-1)
}

// Unseen returns the restores of which somebody can't know who has seen no more
// than a tree of this log. They are no proof that anything was done to the log,
// and no proof that nothing was: whoever verifies must be told.
func (r *Result) Unseen(seen tlog.Tree) (all []Restored) {
	for _, x := range r.Restores {
		if x.Seq >= seen.N {
			all = append(all, x)
		}
	}
	return all
}

// TimeZone returns the zone of the log's days, or UTC where this machine does not
// know it.
func (r *Result) TimeZone() *time.Location { return r.zone }

// NameOf returns a member's name in the newest roster, or the id of who is in
// none.
func (r *Result) NameOf(m id.Member) string {
	if r.Roster != nil {
		if x, ok := r.Roster.Member(m); ok {
			return x.Name
		}
	}
	return string(m)
}

// Log is a log under verification. What was checked once stays checked: each
// [Log.Extend] only reads what came since. It keeps no record, but some 10 bytes of
// each for lists, unless NoEntries is set; a hash of every 256 records; some 200
// bytes of each case, deposit and answer; and the nonces of the last minutes. It is
// not safe for concurrent use.
type Log struct {
	Progress  func(done, of int64) // called now and then by Extend if set
	NoEntries bool                 // set before the first Extend: results have no entries

	// Each is called by Extend, if set, for each record in its order, with its
	// statement, if it has one, and the roster in force. What it is told counts
	// only once Extend has succeeded: signatures are checked meanwhile. It may
	// keep nothing but copies.
	Each func(r *accesslog.Record, s *accesslog.Statement, in *roster.Roster)

	files      Files
	key        note.Verifier
	state      state
	tiles      int64     // size of the log whose hash tiles were checked
	done       tlog.Tree // of the last Extend that succeeded
	saved      string    // file and root of the last [Log.Save]
	checkpoint []byte    // its
	rows       int64     // entries that the file of the saved state has: see [Log.Save]
	fault      *Finding  // sticks: a log that lied once is not trusted again
	index      index
}

// New returns a log of which nothing was checked yet.
func New(files Files, key note.Verifier) *Log {
	l := &Log{files: files, key: key, state: newState(files, key), done: accesslog.EmptyTree()}
	l.index.members.number("") // so that 0 stands for none
	l.index.strings.number("")
	return l
}

// TimeZone is that of [Result], as far as the log was read.
func (l *Log) TimeZone() *time.Location {
	zone, err := time.LoadLocation(l.state.zone)
	if err != nil {
		return time.UTC
	}
	return zone
}

// Verify checks a whole log. The error is a [*Finding] if the log is at fault.
func Verify(ctx context.Context, files Files, key note.Verifier) (*Result, error) {
	return New(files, key).Extend(ctx)
}

// Extend checks the log up to the checkpoint that it has now. The error is a
// [*Finding] if the log is at fault; after any other error, such as a file that
// could not be read, Extend may be called again and goes on where it was.
func (l *Log) Extend(ctx context.Context) (*Result, error) {
	if l.fault != nil {
		return nil, l.fault
	}
	r, err := l.extend(ctx)
	var f *Finding
	if errors.As(err, &f) && f.Fault != FaultMissing {
		l.fault = f
	}
	return r, err
}

func (l *Log) extend(ctx context.Context) (*Result, error) {
	msg, err := l.files(ctx, "checkpoint")
	if errors.Is(err, os.ErrNotExist) {
		return nil, errors.New("it has no checkpoint: it is no log, or an export that was never finished")
	}
	if err != nil {
		return nil, fmt.Errorf("read checkpoint: %w", err)
	}
	tree, err := accesslog.OpenCheckpoint(msg, l.key)
	if err != nil {
		return nil, &Finding{Seq: -1, Fault: FaultCheckpoint, What: "its checkpoint is not signed by the log's key"}
	}
	if n := l.state.size(); tree.N < n {
		return nil, &Finding{
			Seq: -1, Fault: FaultShrunk, What: fmt.Sprintf("it had %d records before and has %d now", n, tree.N),
			Want: fmt.Sprint(n), Got: fmt.Sprint(tree.N),
		}
	}
	if err := l.records(ctx, tree.N); err != nil {
		// A record that was changed shows first in one that follows it.
		var f *Finding
		if errors.As(err, &f) && f.Fault != FaultMissing {
			if d := l.forked(ctx, tree); d != nil {
				return nil, d
			}
		}
		if f != nil && (f.Fault == FaultFork || f.Fault == FaultTile) {
			if d := l.differs(ctx, tree); d != nil {
				return nil, d
			}
		}
		return nil, err
	}
	root, err := l.state.tree.root(ctx, tree.N)
	if err != nil {
		return nil, err
	}
	if root != tree.Hash {
		if d := l.forked(ctx, tree); d != nil {
			return nil, d
		}
		if d := l.differs(ctx, tree); d != nil {
			return nil, d
		}
		return nil, &Finding{
			Seq: -1, Fault: FaultTree, What: "its records do not hash to its checkpoint: some were changed, dropped, added or reordered",
			Want: tree.Hash.String(), Got: root.String(),
		}
	}
	if err := l.hashTiles(ctx, tree.N); err != nil {
		return nil, err
	}
	if err := l.state.end(); err != nil {
		return nil, err
	}
	l.done, l.checkpoint = tree, msg
	s := &l.state
	return &Result{
		Tree: tree, Checkpoint: msg, Records: tree.N, Deposits: s.deposits, Destroyed: s.destroyed, Accesses: s.accesses,
		Waiting: len(s.waiting), Roster: s.roster, Entries: l.index.entries(),
		Rosters: s.rosters[:len(s.rosters):len(s.rosters)], Restores: s.restores[:len(s.restores):len(s.restores)],
		Last: s.last, Releases: s.releases[:len(s.releases):len(s.releases)], zone: l.TimeZone(),
	}, nil
}

// Continues checks that the verified log begins with a tree that was seen
// before. Extend must have succeeded. If it doesn't, and a restore names just
// that tree as the one that was lost, the finding is [FaultRestored]; a restore
// that names another is no excuse.
func (l *Log) Continues(ctx context.Context, before tlog.Tree) error {
	n := l.state.size()
	if before.N <= n {
		root, err := l.state.tree.root(ctx, before.N)
		if err != nil {
			return err
		}
		if root == before.Hash {
			return nil
		}
		if r := l.lost(before); r != nil {
			return r
		}
		return &Finding{
			Seq: -1, Fault: FaultFork, What: fmt.Sprintf("its first %d records are not those seen before", before.N) + l.unnamed(before),
			Want: before.Hash.String(), Got: root.String(),
		}
	}
	if r := l.lost(before); r != nil {
		return r
	}
	return &Finding{
		Seq: -1, Fault: FaultShrunk, What: fmt.Sprintf("it had %d records before and has %d now", before.N, n) + l.unnamed(before),
		Want: fmt.Sprint(before.N), Got: fmt.Sprint(n),
	}
}

// lost finds the restore that names a tree as lost.
func (l *Log) lost(before tlog.Tree) error {
	for _, r := range l.state.restores {
		if r.Lost == before {
			return &Finding{Seq: r.Seq, Fault: FaultRestored, What: "it was " + r.String()}
		}
	}
	return nil
}

// unnamed says what is to be thought of a tree between a restore and the tree
// that it names: it may be the lost log's, and nobody can tell any more.
func (l *Log) unnamed(before tlog.Tree) string {
	for _, r := range l.state.restores {
		if r.Seq < before.N && before.N < r.Lost.N {
			return fmt.Sprintf("; it was %s, and whether those seen before are among them only the checkpoint of %d records can tell", r.String(), r.Lost.N)
		}
		if before.N > r.Lost.N && r.Seq < before.N {
			return fmt.Sprintf("; it was %s, which leaves out what was seen before", r.String())
		}
	}
	return ""
}
