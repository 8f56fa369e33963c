package check

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/durable"
)

// What was verified can be saved, so that the next run goes on from it. The file
// is the auditor's own and believed as it is: whoever can change it can have
// records believed that nobody checked. What it says of the tree must hash to a
// checkpoint that the log's key has signed, so that a damaged file shows.
//
// It is JSON, an object a line: first the head, then parts of one kind each, last
// the end. Entries have a file of their own beside it, which only grows.

const savedFormat = "suluh.example/verified/v1"

// ErrOtherState says that a file keeps what was verified of another log.
var ErrOtherState = errors.New("the file keeps what was verified of another log: name another file")

// errDamaged is a file that can't be gone on from.
var errDamaged = errors.New("the file that keeps what was verified is damaged: remove it, and the log is verified from its beginning")

type savedHead struct {
	Format     string          `json:"format"`
	Key        string          `json:"log_key"` // name and hash
	Checkpoint string          `json:"checkpoint"`
	Last       time.Time       `json:"last"`
	Zone       string          `json:"zone"`
	Root       string          `json:"root_key"`
	Rosters    []savedRoster   `json:"rosters"`
	BatchDay   id.Day          `json:"batch_day"`
	Deposits   int64           `json:"deposits"`
	Destroyed  int64           `json:"destroyed"`
	Accesses   int64           `json:"requests"`
	Held       int64           `json:"held"`
	Restores   []savedSettings `json:"restores,omitempty"`
	Releases   []savedSettings `json:"releases,omitempty"`
	Openings   []opening       `json:"openings,omitempty"`
	Nonces     time.Time       `json:"nonces,omitzero"` // since when the newer ones are
	Entries    bool            `json:"entries,omitempty"`
	Actions    []string        `json:"actions,omitempty"` // as entries number them
	Members    []string        `json:"members,omitempty"`
}

type savedRoster struct {
	Seq    int64     `json:"record"`
	Time   time.Time `json:"time"`
	Digest id.Digest `json:"digest"`
}

// savedSettings is a record of a restore or a release.
type savedSettings struct {
	Seq      int64               `json:"record"`
	Time     time.Time           `json:"time"`
	Settings []accesslog.Setting `json:"set"`
}

// savedPart is one line behind the head.
type savedPart struct {
	Tiles   []byte        `json:"tiles,omitempty"`   // hashes of full tiles, in their order
	Records []byte        `json:"records,omitempty"` // of the records behind them
	Logged  []byte        `json:"logged,omitempty"`  // digests of deposits
	Older   []byte        `json:"older,omitempty"`   // nonces
	Newer   []byte        `json:"newer,omitempty"`
	Case    id.Case       `json:"case,omitempty"`
	State   *caseState    `json:"state,omitempty"`   // of the case
	Waiting []firstAccess `json:"waiting,omitempty"` // to the case
	Answer  *savedAnswer  `json:"answer,omitempty"`
	Names   []string      `json:"names,omitempty"` // as entries number them
	End     bool          `json:"end,omitempty"`
}

type savedAnswer struct {
	Digest id.Digest `json:"digest"`
	answer
}

// partBytes is how many bytes of hashes and the like a line has.
const partBytes = 32 << 10

func keyName(k note.Verifier) string { return fmt.Sprintf("%s+%08x", k.Name(), k.KeyHash()) }

// entriesFile is where the entries are.
func entriesFile(file string) string { return file + ".entries" }

// Seen returns the tree up to which the log was verified: of what [Resume] has
// read, or by the last Extend that succeeded.
func (l *Log) Seen() tlog.Tree { return l.done }

// Save keeps what the last Extend has verified, from which [Resume] goes on.
func (l *Log) Save(file string) (err error) {
	if l.fault != nil || l.checkpoint == nil || l.done.N != l.state.size() {
		return errors.New("only what was verified to its end can be saved")
	}
	if l.saved == file+" "+l.done.Hash.String() {
		return nil
	}
	if !l.NoEntries {
		if err := l.saveRows(entriesFile(file)); err != nil {
			return fmt.Errorf("keep what was verified: %w", err)
		}
	}
	f, err := os.CreateTemp(filepath.Dir(file), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	out := bufio.NewWriterSize(f, 1<<16)
	if err = l.write(json.NewEncoder(out)); err == nil {
		if err = out.Flush(); err == nil {
			err = f.Sync()
		}
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("keep what was verified: %w", err)
	}
	if err := durable.Rename(f.Name(), file); err != nil {
		return err
	}
	l.saved = file + " " + l.done.Hash.String()
	return nil
}

func (l *Log) write(out *json.Encoder) error {
	s := &l.state
	h := savedHead{
		Format: savedFormat, Key: keyName(l.key), Checkpoint: string(l.checkpoint), Last: s.last, Zone: s.zone, Root: s.rootKey,
		BatchDay: s.batchDay, Deposits: s.deposits, Destroyed: s.destroyed, Accesses: s.accesses, Held: s.held,
		Openings: s.openings, Nonces: s.nonces.began, Entries: !l.NoEntries, Actions: l.index.actions.names, Members: l.index.members.names,
	}
	for _, r := range s.rosters {
		h.Rosters = append(h.Rosters, savedRoster{r.Seq, r.Time, r.Digest})
	}
	for _, r := range s.restores {
		h.Restores = append(h.Restores, savedSettings{r.Seq, r.Time, r.Settings()})
	}
	for _, r := range s.releases {
		h.Releases = append(h.Releases, savedSettings{r.Seq, r.Time, r.Settings()})
	}
	w := parts{out: out, err: out.Encode(h)}
	full := s.tree.n / accesslog.TileWidth
	for i := range full {
		h := s.tree.high.at(tlog.StoredHashIndex(0, i))
		w.add(h[:], func(p *savedPart) *[]byte { return &p.Tiles })
	}
	w.flush()
	for i := range s.tree.n % accesslog.TileWidth {
		h := s.tree.current.at(tlog.StoredHashIndex(0, i))
		w.add(h[:], func(p *savedPart) *[]byte { return &p.Records })
	}
	w.flush()
	for _, d := range sorted(s.logged) {
		w.add(d[:], func(p *savedPart) *[]byte { return &p.Logged })
	}
	w.flush()
	for _, n := range sorted(s.nonces.older) {
		w.add(n[:], func(p *savedPart) *[]byte { return &p.Older })
	}
	w.flush()
	for _, n := range sorted(s.nonces.newer) {
		w.add(n[:], func(p *savedPart) *[]byte { return &p.Newer })
	}
	w.flush()
	for _, of := range slices.Sorted(maps.Keys(s.cases)) {
		w.write(savedPart{Case: of, State: s.cases[of], Waiting: s.waiting[of]})
	}
	for _, d := range sorted(s.answers) {
		w.write(savedPart{Answer: &savedAnswer{d, s.answers[d]}})
	}
	for i := 0; i < len(l.index.strings.names); i += 1 << 10 {
		w.write(savedPart{Names: l.index.strings.names[i:min(i+1<<10, len(l.index.strings.names))]})
	}
	w.write(savedPart{End: true})
	return w.err
}

// sorted returns a map's keys in order, so that the same log makes the same file.
func sorted[K id.Digest | [16]byte, V any](m map[K]V) []K {
	return slices.SortedFunc(maps.Keys(m), func(a, b K) int {
		for i := range len(a) {
			if c := cmp.Compare(a[i], b[i]); c != 0 {
				return c
			}
		}
		return 0
	})
}

// parts writes lines; its first error sticks.
type parts struct {
	out  *json.Encoder
	err  error
	part savedPart
	n    int
}

func (w *parts) write(p savedPart) {
	if w.err == nil {
		w.err = w.out.Encode(p)
	}
}

func (w *parts) add(b []byte, to func(*savedPart) *[]byte) {
	p := to(&w.part)
	*p = append(*p, b...)
	if len(*p) >= partBytes {
		w.flush()
	}
	w.n = len(*p)
}

func (w *parts) flush() {
	if w.n > 0 {
		w.write(w.part)
	}
	w.part, w.n = savedPart{}, 0
}

// Resume goes on from what [Log.Save] has kept, if the file is there, and else
// begins. Of a log that was saved without entries, entries are had only from the
// beginning.
func Resume(ctx context.Context, files Files, key note.Verifier, file string, noEntries bool) (*Log, error) {
	l := New(files, key)
	l.NoEntries = noEntries
	f, err := os.Open(file)
	if errors.Is(err, os.ErrNotExist) {
		return l, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	in := json.NewDecoder(bufio.NewReaderSize(f, 1<<16))
	var h savedHead
	if err := in.Decode(&h); err != nil || h.Format != savedFormat {
		return nil, errDamaged
	}
	if h.Key != keyName(key) {
		return nil, ErrOtherState
	}
	if !noEntries && !h.Entries {
		return l, nil
	}
	if err := l.head(ctx, h); err != nil {
		return nil, err
	}
	for end := false; !end; {
		var p savedPart
		if err := in.Decode(&p); err != nil || !l.part(p) {
			return nil, errDamaged
		}
		end = p.End
	}
	root, err := l.state.tree.root(ctx, l.done.N)
	if err != nil || l.state.tree.n != l.done.N || root != l.done.Hash {
		return nil, errDamaged
	}
	l.tiles, l.saved = l.done.N, file+" "+l.done.Hash.String()
	if noEntries {
		l.index = index{}
		return l, nil
	}
	return l, l.loadRows(entriesFile(file))
}

func (l *Log) head(ctx context.Context, h savedHead) (err error) {
	s := &l.state
	if l.done, err = accesslog.OpenCheckpoint([]byte(h.Checkpoint), l.key); err != nil {
		return errDamaged
	}
	l.checkpoint = []byte(h.Checkpoint)
	if s.root, err = note.NewVerifier(h.Root); err != nil {
		return errDamaged
	}
	s.last, s.zone, s.rootKey, s.batchDay = h.Last, h.Zone, h.Root, h.BatchDay
	s.deposits, s.destroyed, s.accesses, s.held, s.openings = h.Deposits, h.Destroyed, h.Accesses, h.Held, h.Openings
	s.nonces = nonces{older: map[[16]byte]struct{}{}, newer: map[[16]byte]struct{}{}, began: h.Nonces}
	for _, x := range h.Restores {
		r, err := accesslog.ParseRestore(accesslog.Record{Seq: x.Seq, Kind: accesslog.KindRestore, Settings: x.Settings})
		if err != nil {
			return errDamaged
		}
		s.restores = append(s.restores, Restored{x.Seq, x.Time, r})
	}
	for _, x := range h.Releases {
		r, err := accesslog.ParseRelease(accesslog.Record{Kind: accesslog.KindRelease, Settings: x.Settings})
		if err != nil {
			return errDamaged
		}
		s.releases = append(s.releases, Released{x.Seq, x.Time, r})
	}
	for _, x := range h.Rosters {
		signed, err := l.files(ctx, "rosters/"+x.Digest.String())
		if errors.Is(err, os.ErrNotExist) {
			return &Finding{Seq: x.Seq, Fault: FaultMissing, What: "its roster is missing"}
		}
		if err != nil {
			return fmt.Errorf("read roster: %w", err)
		}
		if d := roster.Digest(signed); d != x.Digest {
			return &Finding{Seq: x.Seq, Fault: FaultRoster, What: "its roster was exchanged", Want: x.Digest.String(), Got: d.String()}
		}
		r, err := roster.Parse(signed, s.root)
		if err != nil {
			return errDamaged
		}
		s.roster, s.signed, s.members = r, signed, r.Verifiers()
		s.rosters = append(s.rosters, RosterAt{x.Seq, x.Time, x.Digest, r})
	}
	l.index.actions.fill(h.Actions)
	l.index.members.fill(h.Members)
	return nil
}

// part takes one line, and tells whether it can be one.
func (l *Log) part(p savedPart) bool {
	s := &l.state
	if len(p.Tiles)%tlog.HashSize+len(p.Records)%tlog.HashSize+len(p.Logged)%len(id.Digest{})+len(p.Older)%16+len(p.Newer)%16 != 0 {
		return false
	}
	for b := p.Tiles; len(b) > 0; b = b[tlog.HashSize:] {
		if s.tree.appendTile(tlog.Hash(b[:tlog.HashSize])) != nil {
			return false
		}
	}
	for b := p.Records; len(b) > 0; b = b[tlog.HashSize:] {
		if s.tree.append(tlog.Hash(b[:tlog.HashSize])) != nil {
			return false
		}
	}
	for b := p.Logged; len(b) > 0; b = b[len(id.Digest{}):] {
		s.logged[id.Digest(b[:len(id.Digest{})])] = struct{}{}
	}
	for b := p.Older; len(b) > 0; b = b[16:] {
		s.nonces.older[[16]byte(b[:16])] = struct{}{}
	}
	for b := p.Newer; len(b) > 0; b = b[16:] {
		s.nonces.newer[[16]byte(b[:16])] = struct{}{}
	}
	if p.State != nil {
		s.cases[p.Case] = p.State
	}
	if len(p.Waiting) > 0 {
		s.waiting[p.Case] = p.Waiting
	}
	if p.Answer != nil {
		s.answers[p.Answer.Digest] = p.Answer.answer
	}
	if !l.NoEntries {
		l.index.strings.fill(p.Names)
	}
	return true
}

func (t *table) fill(names []string) {
	for _, name := range names {
		t.number(name)
	}
}

// saveRows appends the entries that the file doesn't have yet.
func (l *Log) saveRows(file string) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	err = f.Truncate(l.rows * rowBytes) // a crash may have left more
	if err == nil {
		_, err = f.Seek(0, io.SeekEnd)
	}
	out := bufio.NewWriterSize(f, 1<<16)
	e := l.index.entries()
	var b [rowBytes]byte
	for seq := l.rows; seq < e.n && err == nil; seq++ {
		c := e.row(seq)
		c.put(&b)
		_, err = out.Write(b[:])
	}
	if err == nil {
		err = out.Flush()
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	l.rows = e.n
	return durable.SyncDir(filepath.Dir(file))
}

// loadRows reads the entries of all records that were verified.
func (l *Log) loadRows(file string) error {
	f, err := os.Open(file)
	if err != nil {
		return errDamaged
	}
	defer f.Close()
	in := bufio.NewReaderSize(f, 1<<16)
	var b [rowBytes]byte
	x := &l.index
	for range l.done.N {
		if _, err := io.ReadFull(in, b[:]); err != nil {
			return errDamaged
		}
		c := rowFrom(&b)
		if int(c.of) >= len(x.strings.names) || int(c.detail) >= len(x.strings.names) || int(c.member) >= len(x.members.names) ||
			int(c.to) >= len(x.members.names) || int(c.action) >= len(x.actions.names) {
			return errDamaged
		}
		x.append(c)
	}
	l.rows = l.done.N
	return nil
}
