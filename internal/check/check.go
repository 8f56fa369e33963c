// Package check verifies an access log from outside, with nothing but the
// log's key: that no record is missing, changed or out of order, that every
// access was signed by a member who might make it, and that it was covered by
// the deposit's readers or a later grant.
//
// It trusts whoever serves the files with nothing, and never needs a secret.
package check

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
)

// Files reads the log's files by their C2SP tlog-tiles paths, "checkpoint" and
// "rosters/<digest>". It may be asked from one goroutine at a time.
type Files func(ctx context.Context, path string) ([]byte, error)

// maxFile is the most bytes of one file: a full bundle of the longest records.
const maxFile = accesslog.TileWidth * (2 + accesslog.MaxRecord)

// Directory reads an exported log.
func Directory(dir string) Files {
	return func(_ context.Context, path string) ([]byte, error) {
		return os.ReadFile(filepath.Join(dir, filepath.FromSlash(path)))
	}
}

// URL reads a log that is served below a URL without its last slash.
func URL(base string) Files { return get(http.DefaultClient, base) }

// Socket reads a log from the vault's log.sock.
func Socket(path string) Files {
	return get(&http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", path)
		},
	}}, "http://vault")
}

func get(client *http.Client, base string) Files {
	return func(ctx context.Context, path string) ([]byte, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/"+path, nil)
		if err != nil {
			return nil, err
		}
		r, err := client.Do(req)
		if err != nil {
			return nil, err
		}
		defer r.Body.Close()
		if r.StatusCode != http.StatusOK {
			return nil, fmt.Errorf("%s: %s", path, r.Status)
		}
		b, err := io.ReadAll(io.LimitReader(r.Body, maxFile+1))
		if len(b) > maxFile {
			return nil, fmt.Errorf("%s: too large", path)
		}
		return b, err
	}
}

// Finding says what is wrong with a log.
type Finding struct {
	Seq  int64 // the record, or -1 for the log as a whole
	What string
}

func (f *Finding) Error() string {
	if f.Seq < 0 {
		return "the log can NOT be trusted: " + f.What
	}
	return fmt.Sprintf("the log can NOT be trusted from record %d: %s", f.Seq, f.What)
}

// Result is what a log that passed has shown.
type Result struct {
	Records  int64
	Deposits int64
	Accesses int64
	Waiting  int // cases that were accessed and whose deposit isn't in the log yet
}

// maxSkew is how far a statement's own time may be from its record's.
const maxSkew = 5 * time.Minute

// Verify checks a whole log. The error is a [*Finding] if the log is at fault.
func Verify(ctx context.Context, files Files, log note.Verifier) (*Result, error) {
	msg, err := files(ctx, "checkpoint")
	if err != nil {
		return nil, fmt.Errorf("read checkpoint: %w", err)
	}
	tree, err := accesslog.OpenCheckpoint(msg, log)
	if err != nil {
		return nil, &Finding{-1, "its checkpoint is not signed by the log's key"}
	}
	v := &verifier{
		files: files, log: log, result: &Result{Records: tree.N},
		nonces: map[[16]byte]bool{}, cases: map[id.Case]*caseState{},
	}
	for first := int64(0); first < tree.N; first += accesslog.TileWidth {
		n := min(tree.N-first, accesslog.TileWidth)
		bundle, err := files(ctx, accesslog.TilePath(tlog.Tile{H: accesslog.TileHeight, L: -1, N: first / accesslog.TileWidth, W: int(n)}))
		if err != nil {
			return nil, fmt.Errorf("read entries from %d: %w", first, err)
		}
		leaves, err := accesslog.Entries(bundle)
		if err != nil || int64(len(leaves)) != n {
			return nil, &Finding{first, "the bundle of entries that begins here is malformed"}
		}
		for i, leaf := range leaves {
			if err := v.record(ctx, first+int64(i), leaf); err != nil {
				return nil, err
			}
		}
	}
	root, err := tlog.TreeHash(tree.N, v.hashes)
	if err != nil {
		return nil, err
	}
	if root != tree.Hash {
		return nil, &Finding{-1, "its records do not hash to its checkpoint: some were changed, dropped, added or reordered"}
	}
	if err := v.tiles(ctx, tree.N); err != nil {
		return nil, err
	}
	return v.result, v.end()
}

// caseState is what the records have said of a case.
type caseState struct {
	wraps   tlog.Tree                 // commitment of its first deposit; N is 0 until that is met
	waiting map[id.Member]firstAccess // covers that wait for the deposit
	granted map[id.Member]int64       // valid grants
	revoked map[id.Member]bool        // what the deposit gave is gone
}

type firstAccess struct {
	seq   int64
	time  time.Time
	cover accesslog.WrapCover
	names []id.Member // under one of which the member was a reader
}

type verifier struct {
	files    Files
	log      note.Verifier
	root     note.Verifier // of rosters
	result   *Result
	hashes   stored
	last     time.Time
	nonces   map[[16]byte]bool
	cases    map[id.Case]*caseState
	roster   *roster.Roster
	signed   []byte
	members  note.Verifiers
	deposits []id.Digest // since the last batch
}

type stored []tlog.Hash

func (s stored) ReadHashes(at []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(at))
	for i, x := range at {
		if x >= int64(len(s)) {
			return nil, errors.New("hash beyond the log")
		}
		out[i] = s[x]
	}
	return out, nil
}

func (v *verifier) record(ctx context.Context, seq int64, leaf []byte) error {
	bad := func(format string, args ...any) error { return &Finding{seq, fmt.Sprintf(format, args...)} }
	r, err := accesslog.ParseRecord(leaf)
	if err != nil {
		return bad("it is malformed")
	}
	if r.Seq != seq {
		return bad("it says that it is record %d", r.Seq)
	}
	if (seq == 0) != (r.Kind == accesslog.KindConfigure && v.root == nil) {
		return bad("the log does not begin as a log begins")
	}
	if r.Kind != accesslog.KindDeposit {
		if r.Time.Before(v.last) {
			return bad("its time is before that of the record before")
		}
		v.last = r.Time
	}
	if len(v.deposits) > 0 && r.Kind != accesslog.KindDeposit && r.Kind != accesslog.KindBatch {
		return bad("it stands among the deposits of a batch")
	}
	switch r.Kind {
	case accesslog.KindConfigure:
		err = v.configure(r)
	case accesslog.KindRoster:
		err = v.newRoster(ctx, r.Roster)
	case accesslog.KindDeposit:
		err = v.deposit(r.Deposit)
	case accesslog.KindBatch:
		if int64(len(v.deposits)) != r.Batch.Deposits {
			err = fmt.Errorf("it counts %d deposits where there are %d", r.Batch.Deposits, len(v.deposits))
		}
		v.deposits = nil
	case accesslog.KindStatement:
		err = v.statement(r)
	}
	if err != nil {
		return bad("%s", err)
	}
	h, err := tlog.StoredHashes(seq, leaf, v.hashes)
	if err != nil {
		return err
	}
	v.hashes = append(v.hashes, h...)
	return nil
}

func (v *verifier) configure(r accesslog.Record) error {
	for _, s := range r.Settings {
		switch s.Key {
		case "origin":
			if s.Value != v.log.Name() {
				return errors.New("it names another log")
			}
		case "root":
			if v.root != nil {
				return errors.New("it changes the key that rosters are signed with")
			}
			root, err := note.NewVerifier(s.Value)
			if err != nil {
				return errors.New("the key that rosters are signed with is malformed")
			}
			v.root = root
		}
	}
	if v.root == nil {
		return errors.New("it names no key that rosters are signed with")
	}
	return nil
}

func (v *verifier) newRoster(ctx context.Context, r accesslog.RosterRecord) error {
	signed, err := v.files(ctx, "rosters/"+r.Digest.String())
	if err != nil {
		return fmt.Errorf("its roster can't be read: %w", err)
	}
	if roster.Digest(signed) != r.Digest || int64(len(signed)) != r.Size {
		return errors.New("its roster was exchanged")
	}
	next, err := roster.Parse(signed, v.root)
	if err != nil {
		return err
	}
	if next.Version != r.Version {
		return errors.New("it gives its roster another version")
	}
	if v.roster != nil {
		if err := roster.CheckSuccessor(v.roster, next, v.signed); err != nil {
			return err
		}
	}
	v.roster, v.signed, v.members = next, signed, next.Verifiers()
	return nil
}

func (v *verifier) of(c id.Case) *caseState {
	s := v.cases[c]
	if s == nil {
		s = &caseState{waiting: map[id.Member]firstAccess{}, granted: map[id.Member]int64{}, revoked: map[id.Member]bool{}}
		v.cases[c] = s
	}
	return s
}

func (v *verifier) deposit(d accesslog.DepositRecord) error {
	if n := len(v.deposits); n > 0 && v.deposits[n-1].String() >= d.Digest.String() {
		return errors.New("the deposits of its batch are not in the order of their digests")
	}
	v.deposits = append(v.deposits, d.Digest)
	v.result.Deposits++
	s := v.of(d.Case)
	if d.Wraps.N == 0 {
		return nil
	}
	if s.wraps.N > 0 {
		return errors.New("the case is opened a second time")
	}
	s.wraps = d.Wraps
	for m, a := range s.waiting {
		if !among(a.names, a.cover, d.Wraps) {
			return fmt.Errorf("record %d is an access by %s, to whom this deposit gave no key", a.seq, m)
		}
		if id.DayOf(a.time, time.UTC).Sub(d.Day) < -2 {
			return fmt.Errorf("record %d is an access long before the case was deposited", a.seq)
		}
	}
	clear(s.waiting)
	return nil
}

func (v *verifier) statement(r accesslog.Record) error {
	v.result.Accesses++
	if v.roster == nil {
		return errors.New("it comes before any roster")
	}
	s, err := accesslog.OpenStatement(r.Statement, v.members)
	switch {
	case err != nil:
		return errors.New("its statement is not signed by the member of the roster that it names")
	case s.Log != v.log.Name():
		return errors.New("its statement is for another log")
	case len(v.roster.Names(s.Member, s.Action.ByRecovery())) == 0 && s.Action != accesslog.Revoke:
		return fmt.Errorf("%s was no reader at that time", s.Member)
	case v.nonces[s.Nonce]:
		return errors.New("its statement was used before")
	case s.Time.Sub(r.Time).Abs() > maxSkew:
		return errors.New("its statement was made at another time")
	case s.Seen.N > r.Seq:
		return errors.New("its member had seen a longer log: the log was forked")
	}
	v.nonces[s.Nonce] = true
	seen, err := tlog.TreeHash(s.Seen.N, v.hashes)
	if err != nil {
		return err
	}
	if seen != s.Seen.Hash {
		return fmt.Errorf("%s had seen another log of %d records: the log was forked", s.Member, s.Seen.N)
	}
	if s.Case == "" {
		return nil
	}
	return v.covered(r, s)
}

// among tells whether a reader of one of the names was committed to.
func among(names []id.Member, c accesslog.WrapCover, wraps tlog.Tree) bool {
	return slices.ContainsFunc(names, func(m id.Member) bool { return c.Check(m, wraps.Hash, wraps.N) == nil })
}

// covered checks that the member had a key for the case, and follows grants
// and revocations.
func (v *verifier) covered(r accesslog.Record, s accesslog.Statement) error {
	c := v.of(s.Case)
	names := v.roster.Names(s.Member, s.Action.ByRecovery())
	granted := r.Cover.Grant > 0 && slices.ContainsFunc(names, func(m id.Member) bool { return c.granted[m] == r.Cover.Grant })
	if r.Cover.Deposit != nil {
		// A revocation takes one name's key; the recovery sheet's stays.
		names = slices.DeleteFunc(names, func(m id.Member) bool { return c.revoked[m] })
	}
	switch d := r.Cover.Deposit; {
	case d != nil && len(names) == 0:
		return fmt.Errorf("the access of %s to the case had been taken away", s.Member)
	case d != nil && c.wraps.N > 0:
		if !among(names, *d, c.wraps) {
			return fmt.Errorf("%s was not among the readers of the deposit", s.Member)
		}
	case d != nil:
		if before, ok := c.waiting[s.Member]; !ok || before.cover.Wrap == d.Wrap {
			c.waiting[s.Member] = firstAccess{r.Seq, r.Time, *d, names}
		} else {
			return errors.New("its cover is another than the one before")
		}
	case r.Cover.IsNone() && s.Action == accesslog.Revoke && s.To != s.Member:
		// An approver needs no access to take another's away: see below.
	case !granted:
		return fmt.Errorf("nothing gave %s access to the case", s.Member)
	}
	switch s.Action {
	case accesslog.Grant:
		c.granted[s.To] = r.Seq
	case accesslog.Revoke:
		if !v.roster.MayRevoke(s.Member, s.To) {
			return fmt.Errorf("%s took the access of %s away without being an approver of the unit", s.Member, s.To)
		}
		delete(c.granted, s.To)
		c.revoked[s.To] = true
	}
	return nil
}

// tiles checks that the hash tiles that others verify with are the log's own.
func (v *verifier) tiles(ctx context.Context, size int64) error {
	for _, t := range tlog.NewTiles(accesslog.TileHeight, 0, size) {
		got, err := v.files(ctx, accesslog.TilePath(t))
		if err != nil {
			return fmt.Errorf("read tile: %w", err)
		}
		want, err := tlog.ReadTileData(t, v.hashes)
		if err != nil {
			return err
		}
		if string(got) != string(want) {
			return &Finding{-1, accesslog.TilePath(t) + " does not have the hashes of the records"}
		}
	}
	return nil
}

func (v *verifier) end() error {
	if len(v.deposits) > 0 {
		return &Finding{v.result.Records - 1, "a batch of deposits has no end"}
	}
	for c, s := range v.cases {
		if s.wraps.N > 0 {
			continue
		}
		v.result.Waiting++
		for m, a := range s.waiting {
			if v.last.Sub(a.time) > 48*time.Hour {
				return &Finding{a.seq, fmt.Sprintf("%s accessed case %s, whose deposit never entered the log", m, c)}
			}
		}
	}
	return nil
}
