package recipients_test

import (
	"context"
	"encoding/binary"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/check"
	"suluh.example/suluh/internal/madelog"
	"suluh.example/suluh/internal/recipients"
	"suluh.example/suluh/internal/testkey"
)

const origin = "suluh.example/uji"

// The members: One reads, approves and has the recovery sheet in "itprov", Two
// reads there, Three reads in "itjen".
const (
	one   id.Member = "penelaah-satu"
	two   id.Member = "penelaah-dua"
	three id.Member = "penelaah-tiga"
	four  id.Member = "penelaah-empat"
)

var sheet = id.RecoveryOf("itprov")

var (
	began = time.Date(2026, 11, 24, 2, 0, 0, 0, time.UTC)
	today = id.DayOf(began, time.UTC) // in the log's zone, too
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// made is a log that is made record by record: by a vault that keeps its rules, of
// reporters who may seal to whom they like.
type made struct {
	t       *testing.T
	signer  note.Signer
	key     note.Verifier
	root    note.Signer
	rootKey note.Verifier
	who     map[id.Member]note.Signer
	roster  *roster.Roster
	rosters map[string][]byte // by their paths
	records madelog.Log
	at      time.Time
	deposit map[id.Case]*accesslog.Readers // all that is committed to
}

func newMade(t *testing.T) *made {
	m := &made{t: t, who: map[id.Member]note.Signer{}, rosters: map[string][]byte{}, at: began, deposit: map[id.Case]*accesslog.Readers{}}
	var vkey, rootKey string
	m.signer, m.key, vkey = testkey.New(t, origin)
	m.root, m.rootKey, rootKey = testkey.New(t, origin+"/root")
	m.roster = &roster.Roster{Version: 1, Day: today, Origin: origin, LogKey: vkey}
	for i, u := range []id.Unit{"itprov", "itjen"} {
		m.roster.Units = append(m.roster.Units, roster.Unit{ID: u, Name: map[string]string{"id": string(u)}, Recovery: recipient(i)})
	}
	m.join(one, "itprov", roster.Reader, roster.Approver, roster.Custodian)
	m.join(two, "itprov", roster.Reader)
	m.join(three, "itjen", roster.Reader)
	m.add(accesslog.Record{Kind: accesslog.KindConfigure, Settings: []accesslog.Setting{{Key: "origin", Value: origin}, {Key: "zone", Value: "Asia/Makassar"}, {Key: "root", Value: rootKey}}})
	m.install()
	return m
}

func recipient(i int) string { return "age1pq1" + strings.Repeat(string("qpzry9x8gf"[i]), 1952) }

func (m *made) join(who id.Member, unit id.Unit, roles ...roster.Role) {
	signer, _, key := testkey.New(m.t, string(who))
	m.who[who] = signer
	m.roster.Members = append(m.roster.Members, roster.Member{
		ID: who, Name: string(who), Unit: unit, Roles: roles, Recipient: recipient(2 + len(m.roster.Members)), Key: key, Since: today,
	})
}

func (m *made) remove(who id.Member) {
	i := slices.IndexFunc(m.roster.Members, func(x roster.Member) bool { return x.ID == who })
	m.roster.Members[i].Removed = &today
}

// change puts the next version of the roster in force.
func (m *made) change(change func()) {
	m.t.Helper()
	before, err := m.roster.Sign(m.root)
	must(m.t, err)
	m.roster.Members = slices.Clone(m.roster.Members)
	m.roster.Version, m.roster.Previous = m.roster.Version+1, roster.Digest(before)
	change()
	m.install()
}

func (m *made) install() {
	m.t.Helper()
	signed, err := m.roster.Sign(m.root)
	must(m.t, err)
	d := roster.Digest(signed)
	m.rosters["rosters/"+d.String()] = signed
	m.add(accesslog.Record{Kind: accesslog.KindRoster, Roster: accesslog.RosterRecord{Version: m.roster.Version, Digest: d, Size: int64(len(signed))}})
}

// add adds a record, a minute after the one before, and returns its number.
func (m *made) add(r accesslog.Record) int64 {
	m.t.Helper()
	if r.Seq = m.records.Len(); !r.Kind.DayOnly() {
		m.at = m.at.Add(time.Minute)
		r.Time = m.at
	}
	m.records.Append(r.Format())
	return r.Seq
}

// sealed is a case that its reporter has sealed to some names. Its deposit isn't in
// the log yet.
func (m *made) sealed(to ...id.Member) id.Case {
	r := accesslog.Readers{Log: origin, Case: id.NewCase()}
	for i, name := range to {
		w := accesslog.WrapLeaf{Member: name, Wrap: id.DigestOf([]byte(string(r.Case) + string(name)))}
		w.Salt[0] = byte(i + 1)
		r.Opened = append(r.Opened, w)
	}
	r.Leaves, _ = accesslog.BlindWraps(r.Opened)
	m.deposit[r.Case] = &r
	return r.Case
}

// batch has a case's deposit enter the log, and returns its record.
func (m *made) batch(of id.Case) int64 {
	m.t.Helper()
	leaves := m.deposit[of].Leaves
	day := id.DayOf(m.at, time.FixedZone("", 8*3600))
	seq := m.add(accesslog.Record{Kind: accesslog.KindDeposit, Deposit: accesslog.DepositRecord{
		Day: day, Case: of, Digest: id.DigestOf([]byte(of)), Wraps: tlog.Tree{N: int64(len(leaves)), Hash: accesslog.WrapsRoot(leaves)},
	}})
	m.add(accesslog.Record{Kind: accesslog.KindBatch, Batch: accesslog.BatchRecord{Day: day, Deposits: 1}})
	return seq
}

func (m *made) reported(to ...id.Member) (of id.Case, seq int64) {
	m.t.Helper()
	of = m.sealed(to...)
	return of, m.batch(of)
}

// coverOf proves that a name is one of those that a case was sealed to.
func (m *made) coverOf(of id.Case, name id.Member) accesslog.Cover {
	m.t.Helper()
	r := m.deposit[of]
	i := slices.IndexFunc(r.Opened, func(w accesslog.WrapLeaf) bool { return w.Member == name })
	c, err := accesslog.ProveWrap(r.Leaves, r.Opened[i])
	must(m.t, err)
	return accesslog.Cover{Deposit: &c}
}

// does adds the record of what a member does with a case, and returns its number.
func (m *made) does(by id.Member, of id.Case, cover accesslog.Cover, s accesslog.Statement) int64 {
	m.t.Helper()
	s.Log, s.Member, s.Case, s.Time = origin, by, of, m.at.Add(time.Minute)
	binary.BigEndian.PutUint64(s.Nonce[:], uint64(m.records.Len()))
	var err error
	s.Seen, err = m.records.Tree(m.records.Len())
	must(m.t, err)
	signed, err := s.Sign(m.who[by])
	must(m.t, err)
	return m.add(accesslog.Record{Kind: accesslog.KindStatement, Statement: signed, Cover: cover})
}

// opens adds an opening with the key that the reporter gave.
func (m *made) opens(by id.Member, of id.Case) int64 {
	m.t.Helper()
	return m.does(by, of, m.coverOf(of, by), accesslog.Statement{Action: accesslog.Open})
}

// opening opens the commitment of a case to an auditor, for some of its readers.
func (m *made) opening(of id.Case, names ...id.Member) accesslog.Readers {
	r := *m.deposit[of]
	r.Opened = slices.DeleteFunc(slices.Clone(r.Opened), func(w accesslog.WrapLeaf) bool { return !slices.Contains(names, w.Member) })
	return r
}

func (m *made) files(_ context.Context, path string) ([]byte, error) {
	if path == "checkpoint" {
		tree, err := m.records.Tree(m.records.Len())
		if err != nil {
			return nil, err
		}
		return accesslog.SignCheckpoint(origin, tree, m.signer)
	}
	if b, ok := m.rosters[path]; ok {
		return b, nil
	}
	return m.records.Tile(path)
}

// verified verifies the log, which must be in order, and follows its cases.
func (m *made) verified(only ...id.Case) (*recipients.Ledger, *check.Result) {
	m.t.Helper()
	log := check.New(m.files, m.key)
	l := recipients.Follow(log, only...)
	r, err := log.Extend(m.t.Context())
	must(m.t, err)
	return l, r
}

// cases returns the cases of the log by their ids, and what is wrong.
func (m *made) cases(openings ...accesslog.Readers) (map[id.Case]recipients.Case, []recipients.Fault) {
	m.t.Helper()
	l, r := m.verified()
	all, faults := l.Cases(r, openings)
	by := map[id.Case]recipients.Case{}
	for _, c := range all {
		by[c.Case] = c
	}
	if len(by) != len(all) || len(by) != len(m.deposit) {
		m.t.Fatalf("of %d cases %d are told, %d different ones: %v", len(m.deposit), len(all), len(by), slices.Collect(maps.Keys(by)))
	}
	return by, faults
}
