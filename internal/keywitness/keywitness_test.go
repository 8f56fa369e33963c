package keywitness_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/keyfile"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/crypto/seal"
	"suluh.example/suluh/internal/keywitness"
	"suluh.example/suluh/internal/madelog"
	"suluh.example/suluh/internal/released"
	"suluh.example/suluh/internal/testkey"
	"suluh.example/suluh/internal/witness"
)

const (
	origin = "suluh.example/uji"

	caseA id.Case = "K-AAAA-AAAA-AAAA-AAAA"
	caseB id.Case = "K-BBBB-BBBB-BBBB-BBBB"
)

var now = time.Date(2026, 11, 24, 10, 12, 33, 0, time.UTC)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// world is a log that is made, a roster, and a key witness
// that knows nothing yet.
type world struct {
	madelog.Log
	t       *testing.T
	root    note.Signer
	rootKey string
	log     note.Signer
	who     map[id.Member]*keyfile.Identity
	roster  *roster.Roster
	signed  []byte
	dir     string
	server  *keywitness.Server
	web     *httptest.Server
	client  *keywitness.Client
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, dir: filepath.Join(t.TempDir(), "saksi"), who: map[id.Member]*keyfile.Identity{}}
	var logKey string
	w.root, _, w.rootKey = testkey.New(t, origin+"/root")
	w.log, _, logKey = testkey.New(t, origin)
	day := id.DayOf(now, time.UTC)
	name := map[string]string{"id": "Unit"}
	w.roster = &roster.Roster{Version: 1, Day: day, Origin: origin, LogKey: logKey, Units: []roster.Unit{{ID: "itprov", Name: name}, {ID: "saksi", Name: name}}}
	for _, m := range []roster.Member{
		{ID: "penelaah-satu", Unit: "itprov", Roles: []roster.Role{roster.Reader}},
		{ID: "penelaah-dua", Unit: "itprov", Roles: []roster.Role{roster.Reader}},
		{ID: "pemeriksa", Unit: "itprov", Roles: []roster.Role{roster.Auditor}},
		{ID: "saksi-kunci", Unit: "saksi", Roles: []roster.Role{roster.KeyWitness}, Address: "https://saksi.example"},
	} {
		i, err := keyfile.New(m.ID)
		must(t, err)
		w.who[m.ID] = i
		m.Name, m.Recipient, m.Key, m.Since = string(m.ID), i.Recipient(), i.VerifierKey(), day
		w.roster.Members = append(w.roster.Members, m)
	}
	w.sign()
	w.grow(accesslog.Statement{Action: accesslog.List, Member: "penelaah-satu"})
	w.start()
	t.Cleanup(func() { w.stop() })
	return w
}

// sign makes the next version of the roster.
func (w *world) sign() {
	w.t.Helper()
	if w.signed != nil {
		w.roster.Version, w.roster.Previous = w.roster.Version+1, roster.Digest(w.signed)
	}
	var err error
	w.signed, err = w.roster.Sign(w.root)
	must(w.t, err)
}

func (w *world) start() {
	w.t.Helper()
	var err error
	w.server, err = keywitness.NewServer(w.config())
	must(w.t, err)
	w.web = httptest.NewServer(w.server)
	w.client = keywitness.NewClient(w.web.URL, w.web.Client().Transport)
}

func (w *world) config() keywitness.Config {
	return keywitness.Config{Dir: w.dir, Root: w.rootKey, Member: "saksi-kunci", Identity: w.who["saksi-kunci"].Age(), Log: slog.New(slog.DiscardHandler)}
}

func (w *world) stop() {
	w.t.Helper()
	w.web.Close()
	must(w.t, w.server.Close())
}

// grow appends the record of a statement and returns its number.
func (w *world) grow(s accesslog.Statement) int64 {
	w.t.Helper()
	s.Log, s.Time = origin, now
	if s.Action == accesslog.Unseal && s.Handle.IsZero() {
		s.Handle = id.HandleOf(caseA)
	}
	msg, err := s.Sign(w.who[s.Member].Signer())
	must(w.t, err)
	return w.append(accesslog.Record{Kind: accesslog.KindStatement, Statement: msg})
}

func (w *world) append(r accesslog.Record) int64 {
	w.t.Helper()
	r.Seq, r.Time = w.Len(), now
	w.Append(r.Format())
	return r.Seq
}

// fork is another log by the same key that is the same up to a record.
func (w *world) fork(n int64) *world {
	f := *w
	f.Log = w.First(n)
	return &f
}

func (w *world) tree(n int64) tlog.Tree {
	w.t.Helper()
	tree, err := w.Tree(n)
	must(w.t, err)
	return tree
}

// share is what a reader holds for the key witness of a case.
func (w *world) share(of id.Case) []byte {
	w.t.Helper()
	to, err := seal.ParseRecipient(w.who["saksi-kunci"].Recipient())
	must(w.t, err)
	k, err := seal.SplitCaseKey(of, [32]byte{1}, [32]byte{2}, 1, []seal.KeyWitness{{Member: "saksi-kunci", To: to}})
	must(w.t, err)
	_, all := k.Shares()
	return all[0].Sealed
}

// request asks by a record for the share of a case, as it should.
func (w *world) request(index int64, of id.Case) keywitness.Request {
	w.t.Helper()
	n := w.Len()
	q := keywitness.Request{Share: w.share(of), Roster: roster.Digest(w.signed), Signed: w.signed, From: w.server.State().Size}
	var err error
	q.Proof = accesslog.Proof{Index: index, Record: w.Leaf(index)}
	q.Proof.Checkpoint, err = accesslog.SignCheckpoint(origin, w.tree(n), w.log)
	must(w.t, err)
	q.Proof.Inclusion, err = accesslog.ProveRecord(n, index, w)
	must(w.t, err)
	if q.From > 0 && q.From < n {
		q.Proof.Consistency, err = accesslog.ProveTree(n, q.From, w)
		must(w.t, err)
	}
	return q
}

func (w *world) ask(q keywitness.Request) ([]byte, error) {
	return w.client.Release(context.Background(), q)
}

func (w *world) noted() []released.Share {
	w.t.Helper()
	f, err := os.Open(keywitness.ReleasedIn(w.dir))
	must(w.t, err)
	defer f.Close()
	all, err := released.Read(f)
	must(w.t, err)
	return all
}

func unseal(m id.Member) accesslog.Statement {
	return accesslog.Statement{Action: accesslog.Unseal, Member: m, Opened: 0}
}

// TestAShareIsGivenForARecord: the member opens it, nobody else does, and it is
// noted with what the access log says.
func TestAShareIsGivenForARecord(t *testing.T) {
	w := newWorld(t)
	at := w.grow(unseal("penelaah-satu"))
	sealed, err := w.ask(w.request(at, caseA))
	must(t, err)
	share, err := seal.OpenShare(sealed, w.who["penelaah-satu"].Age())
	must(t, err)
	if share.Handle != id.HandleOf(caseA) {
		t.Errorf("the share is of %s", share.Handle)
	}
	if _, err := seal.OpenShare(sealed, w.who["penelaah-dua"].Age()); !errors.Is(err, seal.ErrNoKey) {
		t.Errorf("another member opens it: %v", err)
	}
	all := w.noted()
	if len(all) != 1 || all[0].Index != at || all[0].Member != "penelaah-satu" || all[0].Handle != id.HandleOf(caseA) || all[0].Size != w.Len() {
		t.Errorf("noted: %+v", all)
	}
	kept, err := os.ReadFile(keywitness.ReleasedIn(w.dir))
	must(t, err)
	if bytes.Contains(kept, []byte(caseA)) {
		t.Error("the key witness has noted the case")
	}
}

// TestNothingIsGivenWithoutARecord has each request of an operator and a reader who
// want to read a case together without one.
func TestNothingIsGivenWithoutARecord(t *testing.T) {
	for name, x := range map[string]struct {
		want error
		make func(w *world) keywitness.Request
	}{
		"a record that is not in the log": {keywitness.ErrRecord, func(w *world) keywitness.Request {
			f := w.fork(w.Len())
			at := f.grow(unseal("penelaah-satu"))
			w.grow(accesslog.Statement{Action: accesslog.List, Member: "penelaah-dua"})
			q := w.request(at, caseA)
			q.Proof.Record = f.Leaf(at)
			return q
		}},
		"a record beyond the checkpoint": {keywitness.ErrRecord, func(w *world) keywitness.Request {
			at := w.grow(unseal("penelaah-satu"))
			q := w.request(at, caseA)
			q.Proof.Index = at + 1
			return q
		}},
		"an opening in place of an unseal": {keywitness.ErrRecord, func(w *world) keywitness.Request {
			return w.request(w.grow(accesslog.Statement{Action: accesslog.Open, Member: "penelaah-satu", Case: caseA}), caseA)
		}},
		"a record that is no statement": {keywitness.ErrRecord, func(w *world) keywitness.Request {
			return w.request(w.append(accesslog.Record{Kind: accesslog.KindBatch, Batch: accesslog.BatchRecord{Day: id.DayOf(now, time.UTC)}}), caseA)
		}},
		"an old checkpoint": {keywitness.ErrSize, func(w *world) keywitness.Request {
			at := w.grow(unseal("penelaah-satu"))
			old := w.request(at, caseA)
			_, err := w.ask(w.request(w.grow(unseal("penelaah-satu")), caseA))
			must(w.t, err)
			return old
		}},
		"a forked log": {keywitness.ErrFork, func(w *world) keywitness.Request {
			n := w.Len()
			_, err := w.ask(w.request(w.grow(unseal("penelaah-satu")), caseA))
			must(w.t, err)
			f := w.fork(n)
			f.grow(accesslog.Statement{Action: accesslog.List, Member: "penelaah-dua"})
			f.grow(accesslog.Statement{Action: accesslog.List, Member: "penelaah-dua"})
			return f.request(f.grow(unseal("penelaah-satu")), caseA)
		}},
		"another log of the same length": {keywitness.ErrFork, func(w *world) keywitness.Request {
			n := w.Len()
			_, err := w.ask(w.request(w.grow(unseal("penelaah-satu")), caseA))
			must(w.t, err)
			f := w.fork(n)
			return f.request(f.grow(unseal("penelaah-dua")), caseA)
		}},
		"a checkpoint by another key": {keywitness.ErrCheckpoint, func(w *world) keywitness.Request {
			f := *w
			f.log, _, _ = testkey.New(w.t, origin)
			at := f.grow(unseal("penelaah-satu"))
			return f.request(at, caseA)
		}},
		"another member's statement": {keywitness.ErrMember, func(w *world) keywitness.Request {
			f := *w // signed by one, in the name of another
			f.who = map[id.Member]*keyfile.Identity{"penelaah-satu": stranger(w.t, "penelaah-satu"), "saksi-kunci": w.who["saksi-kunci"]}
			return f.request(f.grow(unseal("penelaah-satu")), caseA)
		}},
		"a member who is no reader": {keywitness.ErrMember, func(w *world) keywitness.Request {
			return w.request(w.grow(unseal("pemeriksa")), caseA)
		}},
		"a member who was removed": {keywitness.ErrMember, func(w *world) keywitness.Request {
			at := w.grow(unseal("penelaah-satu"))
			_, err := w.ask(w.request(at, caseA))
			must(w.t, err)
			w.roster.Members[0].Removed = &w.roster.Day
			w.sign()
			return w.request(at, caseA)
		}},
		"an earlier roster, in which he was one": {keywitness.ErrOldRoster, func(w *world) keywitness.Request {
			at := w.grow(unseal("penelaah-satu"))
			before := w.signed
			w.roster.Members[0].Removed = &w.roster.Day
			w.sign()
			_, err := w.ask(w.request(w.grow(unseal("penelaah-dua")), caseA))
			must(w.t, err)
			q := w.request(at, caseA)
			q.Roster, q.Signed = roster.Digest(before), before
			return q
		}},
		"a roster by another root key": {keywitness.ErrRoster, func(w *world) keywitness.Request {
			at := w.grow(unseal("penelaah-satu"))
			f := *w
			f.root, _, _ = testkey.New(w.t, origin+"/root")
			f.roster.Version, f.roster.Previous = 0, id.Digest{}
			f.signed = nil
			f.roster.Version = 1
			f.sign()
			return f.request(at, caseA)
		}},
		"a share of another case": {keywitness.ErrHandle, func(w *world) keywitness.Request {
			return w.request(w.grow(unseal("penelaah-satu")), caseB)
		}},
		"a share for another key witness": {keywitness.ErrShare, func(w *world) keywitness.Request {
			f := *w
			f.who = map[id.Member]*keyfile.Identity{"penelaah-satu": w.who["penelaah-satu"], "saksi-kunci": stranger(w.t, "saksi-kunci")}
			return f.request(f.grow(unseal("penelaah-satu")), caseA)
		}},
		"no quorum of witnesses": {keywitness.ErrQuorum, func(w *world) keywitness.Request {
			text, err := witness.NewKey("saksi.example")
			must(w.t, err)
			_, vkey, err := witness.ParseKey(text)
			must(w.t, err)
			w.roster.Witnesses = "witness saksi " + vkey + " https://saksi.example/\nquorum saksi\n"
			w.sign()
			return w.request(w.grow(unseal("penelaah-satu")), caseA)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			q := x.make(w)
			before := len(w.noted())
			size := w.server.State().Size
			if _, err := w.ask(q); !errors.Is(err, x.want) {
				t.Fatalf("%v, want %v", err, x.want)
			}
			if n := len(w.noted()); n != before || w.server.State().Size != size {
				t.Error("it is noted as released, or the checkpoint is kept")
			}
		})
	}
}

func stranger(t *testing.T, m id.Member) *keyfile.Identity {
	t.Helper()
	i, err := keyfile.New(m)
	must(t, err)
	return i
}

// TestOfManyProofsTheFittingOneCounts: who asks need not know what the key witness has
// seen, if the proof that the log continues just that is among those that he brings.
func TestOfManyProofsTheFittingOneCounts(t *testing.T) {
	w := newWorld(t)
	grown := func(from ...int64) (all []accesslog.Grown) {
		t.Helper()
		for _, n := range from {
			p, err := accesslog.ProveTree(w.Len(), n, w)
			must(t, err)
			all = append(all, accesslog.Grown{From: n, Proof: p})
		}
		return all
	}
	ask := func(proofs func() []accesslog.Grown) error {
		t.Helper()
		q := w.request(w.grow(unseal("penelaah-satu")), caseA)
		q.From, q.Proof.Consistency, q.Grown = 0, nil, proofs()
		_, err := w.ask(q)
		return err
	}
	if err := ask(func() []accesslog.Grown { return grown(1) }); err != nil {
		t.Errorf("one that has seen nothing: %v", err)
	}
	for name, again := range map[string]func(){"running": func() {}, "after a restart": func() { w.stop(); w.start() }} {
		again()
		seen := w.server.State().Size
		if err := ask(func() []accesslog.Grown { return grown(1, seen) }); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	seen := w.server.State()
	var size *keywitness.SizeError
	if err := ask(func() []accesslog.Grown { return grown(1, seen.Size-1, seen.Size+1) }); !errors.As(err, &size) || size.Size != seen.Size {
		t.Errorf("without the one that fits: %v", err)
	}
	for name, spoil := range map[string]func([]accesslog.Grown) []accesslog.Grown{
		"changed":        func(all []accesslog.Grown) []accesslog.Grown { all[0].Proof[0][0] ^= 1; return all },
		"of another":     func(all []accesslog.Grown) []accesslog.Grown { all[0].Proof = grown(1)[0].Proof; return all },
		"without hashes": func(all []accesslog.Grown) []accesslog.Grown { all[0].Proof = nil; return all },
		"a better later": func(all []accesslog.Grown) []accesslog.Grown {
			return append([]accesslog.Grown{{From: seen.Size}}, all...)
		},
	} {
		if err := ask(func() []accesslog.Grown { return spoil(grown(seen.Size)) }); !errors.Is(err, keywitness.ErrFork) {
			t.Errorf("a proof that is false, %s: %v", name, err)
		}
	}
	if w.server.State() != seen {
		t.Errorf("it has seen %+v by what was refused, before %+v", w.server.State(), seen)
	}
}

// TestWhatWasSeenStays: after a restart, and after a crash in the middle of a note,
// a key witness goes on from the last checkpoint for which it gave something.
func TestWhatWasSeenStays(t *testing.T) {
	w := newWorld(t)
	n := w.Len()
	_, err := w.ask(w.request(w.grow(unseal("penelaah-satu")), caseA))
	must(t, err)
	seen := w.server.State()
	w.stop()
	f, err := os.OpenFile(keywitness.ReleasedIn(w.dir), os.O_APPEND|os.O_WRONLY, 0)
	must(t, err)
	_, err = f.WriteString(`{"time":"2026-11-24T10:12:33Z","size":9,"ind`)
	must(t, err)
	must(t, f.Close())
	w.start()
	if got := w.server.State(); got != seen || got.Size != n+1 {
		t.Errorf("after a restart it has seen %+v, before %+v", got, seen)
	}
	branch := w.fork(n)
	branch.grow(unseal("penelaah-dua"))
	at := branch.grow(unseal("penelaah-satu"))
	if _, err := w.ask(branch.request(at, caseA)); !errors.Is(err, keywitness.ErrFork) {
		t.Errorf("a forked log after a restart: %v", err)
	}
	_, err = w.ask(w.request(w.grow(unseal("penelaah-satu")), caseA))
	must(t, err)
	if all := w.noted(); len(all) != 2 {
		t.Errorf("noted: %+v", all)
	}
	if _, err := keywitness.NewServer(w.config()); !errors.Is(err, keywitness.ErrRunning) {
		t.Errorf("a second one on the same directory: %v", err)
	}
	w.web.Close()
	must(t, w.server.Close())
	c := w.config()
	_, _, c.Root = testkey.New(t, origin+"/root")
	if _, err := keywitness.NewServer(c); !errors.Is(err, keywitness.ErrRoot) {
		t.Errorf("another root key: %v", err)
	}
	must(t, os.WriteFile(keywitness.ReleasedIn(w.dir), []byte("rusak\n"), 0o600))
	if _, err := keywitness.NewServer(w.config()); !errors.Is(err, released.ErrForm) {
		t.Errorf("a damaged note: %v", err)
	}
	must(t, os.Remove(keywitness.ReleasedIn(w.dir)))
	w.start()
}

// TestTheLastCheckpointNeverGoesBack, whatever comes at once.
func TestTheLastCheckpointNeverGoesBack(t *testing.T) {
	w := newWorld(t)
	var all []keywitness.Request
	for range 12 {
		all = append(all, w.request(w.grow(unseal("penelaah-satu")), caseA))
	}
	var group sync.WaitGroup
	for _, q := range all {
		group.Go(func() {
			if _, err := w.ask(q); err != nil && !errors.Is(err, keywitness.ErrSize) {
				t.Error(err)
			}
		})
	}
	group.Wait()
	last := int64(0)
	for _, r := range w.noted() {
		if r.Size < last {
			t.Errorf("after %d records it has seen %d", last, r.Size)
		}
		last = r.Size
	}
	if last == 0 || last != w.server.State().Size {
		t.Errorf("the last noted is %d, of %+v", last, w.server.State())
	}
}

// TestAMemberWhoAsksTooMuchWaits: a stolen identity doesn't get all shares at once.
func TestAMemberWhoAsksTooMuchWaits(t *testing.T) {
	w := newWorld(t)
	q := w.request(w.grow(unseal("penelaah-satu")), caseA)
	var err error
	for range 100 {
		if _, err = w.ask(q); err != nil {
			break
		}
	}
	if !errors.Is(err, keywitness.ErrBusy) {
		t.Errorf("a hundred shares at once: %v", err)
	}
	if _, err := w.ask(w.request(w.grow(unseal("penelaah-dua")), caseA)); err != nil {
		t.Errorf("another member has to wait for him: %v", err)
	}
}

// TestWhatIsNoRequest is answered as such.
func TestWhatIsNoRequest(t *testing.T) {
	w := newWorld(t)
	for _, body := range []string{"", "{", `{"proof":{}}`, strings.Repeat("[", 1<<20)} {
		r, err := w.web.Client().Post(w.web.URL+"/keywitness/v1/release", "application/json", strings.NewReader(body))
		must(t, err)
		must(t, r.Body.Close())
		if r.StatusCode < 400 || r.StatusCode > 499 {
			t.Errorf("%.20q: %s", body, r.Status)
		}
	}
}
