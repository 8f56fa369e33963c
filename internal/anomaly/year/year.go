// Package year makes the access log of a year at a province's Inspektorat, as a
// vault would have written it: some 1,400 cases, from deposit to closing, by ten
// members in office hours, with what happens in any office (overtime, stand-ins,
// new colleagues), and among it what an auditor should ask about. Which records
// those are it tells, so that rules can be measured against it.
//
// Every statement is truly signed, and the log passes every check of
// internal/check. The package is for tests and measurements; no program may
// import it.
package year

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/madelog"
	"suluh.example/suluh/internal/witness"
)

const origin = "log.suluh.example/tahun"

// Planted is one thing that an auditor should ask about, by the name of the rule
// that looks for it.
type Planted struct {
	Rule    string
	Records []int64
}

// Log is a log that was made. It is safe for concurrent reads.
type Log struct {
	Key     string // verifier key
	Planted []Planted
	Last    id.Day // of the year

	signer  note.Signer
	records madelog.Log
	rosters map[string][]byte

	witnesses []note.Signer // that have cosigned it
}

// Len returns the number of records.
func (l *Log) Len() int64 { return l.records.Len() }

// Files reads the log's files: see [check.Files].
func (l *Log) Files(_ context.Context, path string) ([]byte, error) {
	switch {
	case path == "checkpoint":
		return l.checkpoint()
	case path == accesslog.CosignedPath:
		return l.cosigned(l.witnesses...)
	case path == accesslog.CosignaturesPath:
		each := map[string]string{}
		for _, w := range l.witnesses {
			b, err := l.cosigned(w)
			if err != nil {
				return nil, err
			}
			each[w.Name()] = string(b)
		}
		return json.Marshal(each)
	case strings.HasPrefix(path, "rosters/"):
		if b, ok := l.rosters[strings.TrimPrefix(path, "rosters/")]; ok {
			return b, nil
		}
		return nil, os.ErrNotExist
	}
	return l.records.Tile(path)
}

// Root returns the root of the tree over the first n records.
func (l *Log) Root(n int64) (tlog.Hash, error) {
	t, err := l.records.Tree(n)
	return t.Hash, err
}

func (l *Log) checkpoint() ([]byte, error) {
	tree, err := l.records.Tree(l.Len())
	if err != nil {
		return nil, err
	}
	return accesslog.SignCheckpoint(origin, tree, l.signer)
}

// cosigned returns the checkpoint as witnesses have cosigned it, now.
func (l *Log) cosigned(by ...note.Signer) ([]byte, error) {
	msg, err := l.checkpoint()
	if err != nil {
		return nil, err
	}
	key, err := note.NewVerifier(l.Key)
	if err != nil {
		return nil, err
	}
	n, err := note.Open(msg, note.VerifierList(key))
	if err != nil {
		return nil, err
	}
	return note.Sign(n, by...)
}

// newWitnesses makes two witnesses that cosign the log, and a third that never
// did, and returns the policy that wants two of them.
func (l *Log) newWitnesses() (string, error) {
	policy, names := "", ""
	for i := range 3 {
		name := fmt.Sprintf("saksi-%d.example", i+1)
		text, err := witness.NewKey(name)
		if err != nil {
			return "", err
		}
		s, vkey, err := witness.ParseKey(text)
		if err != nil {
			return "", err
		}
		if i < 2 {
			l.witnesses = append(l.witnesses, s)
		}
		policy += fmt.Sprintf("witness %s %s https://%s/\n", name, vkey, name)
		names += " " + name
	}
	return policy + "group g 2" + names + "\nquorum g\n", nil
}

// Write writes the log as a folder, as suluh audit export does.
func (l *Log) Write(dir string) error {
	paths := []string{}
	for _, t := range tlog.NewTiles(accesslog.TileHeight, 0, l.Len()) {
		paths = append(paths, accesslog.TilePath(t))
		if t.L == 0 {
			t.L = -1
			paths = append(paths, accesslog.TilePath(t))
		}
	}
	for d := range l.rosters {
		paths = append(paths, "rosters/"+d)
	}
	for _, path := range append(paths, accesslog.CosignedPath, accesslog.CosignaturesPath, "checkpoint") {
		b, err := l.Files(context.Background(), path)
		if err != nil {
			return err
		}
		name := filepath.Join(dir, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(name, b, 0o600); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(dir, "log.vkey"), []byte(l.Key+"\n"), 0o600)
}

// event is a record to be.
type event struct {
	at     time.Time
	kind   accesslog.Kind
	action accesslog.Action
	member id.Member
	of     *file
	to     id.Member
	roster int // index of one
	result accesslog.Result
	plant  *Planted
}

// file is a case.
type file struct {
	id      id.Case
	day     id.Day // of its deposit
	unit    id.Unit
	who     id.Member // responsible, since
	since   id.Day
	until   id.Day // of the last record of its life
	leaves  []accesslog.WrapLeaf
	hashes  []tlog.Hash
	granted map[id.Member]int64
	revoked map[id.Member]bool

	draft, item id.Digest // of what is forwarded
	approval    int64
	opened      int64 // by the last record of it
}

// maker is a log in the making.
type maker struct {
	*Log
	rnd     *rand.Rand
	zone    *time.Location
	root    note.Signer
	rootKey string
	signers map[id.Member]note.Signer
	rosters []*roster.Roster // versions, each with its day
	signed  []byte           // the last that was written
	events  []event
	files   []*file
	plants  []*Planted
	down    map[id.Day]bool     // days without a batch, since the server was down
	ends    map[id.Day]*Planted // days whose deposits are planted to be late
	gaps    map[id.Day]*Planted // batches on either side of a gap
}

func newKey(name string) (note.Signer, string, error) {
	skey, vkey, err := note.GenerateKey(nil, name)
	if err != nil {
		return nil, "", err
	}
	s, err := note.NewSigner(skey)
	return s, vkey, err
}

// Make makes the log of 2026. The same seed gives the same year; keys are new each
// time.
func Make(seed uint64, cases int) (*Log, error) {
	zone, err := time.LoadLocation("Asia/Makassar")
	if err != nil {
		return nil, err
	}
	m := &maker{
		Log: &Log{rosters: map[string][]byte{}}, rnd: rand.New(rand.NewPCG(seed, 1)), zone: zone,
		signers: map[id.Member]note.Signer{}, down: map[id.Day]bool{}, ends: map[id.Day]*Planted{}, gaps: map[id.Day]*Planted{},
	}
	if m.signer, m.Key, err = newKey(origin); err != nil {
		return nil, err
	}
	if m.root, m.rootKey, err = newKey(origin + "/root"); err != nil {
		return nil, err
	}
	if err := m.people(); err != nil {
		return nil, err
	}
	m.Last = m.day(365)
	m.office(cases)
	m.plant()
	return m.Log, m.write()
}

func (m *maker) day(n int) id.Day {
	return id.DayOf(time.Date(2026, 1, 1, 12, 0, 0, 0, m.zone), m.zone).AddDays(n - 1)
}

func (m *maker) at(d id.Day, hour, minute int) time.Time {
	return d.Time(m.zone).Add(time.Duration(hour*60+minute)*time.Minute + time.Duration(m.rnd.IntN(60))*time.Second)
}

// work is a moment in working hours.
func (m *maker) work(d id.Day) time.Time { return m.at(d, 8, m.rnd.IntN(8*60)) }

// holidays of 2026, as in rules.toml.
var holidays = []string{
	"2026-01-01", "2026-01-16", "2026-02-17", "2026-03-19", "2026-04-03", "2026-05-01", "2026-05-14",
	"2026-05-27", "2026-06-01", "2026-06-16", "2026-08-17", "2026-08-25", "2026-12-25",
}

func (m *maker) working(d id.Day) bool {
	w := d.Time(m.zone).Weekday()
	return w != time.Saturday && w != time.Sunday && !slices.Contains(holidays, d.String())
}

// next is the n-th working day after a day.
func (m *maker) next(d id.Day, n int) id.Day {
	for n > 0 {
		if d = d.AddDays(1); m.working(d) {
			n--
		}
	}
	return d
}

const (
	office  = "itprov"
	other   = "itjen"
	regency = "itkab"
)

// people makes the six versions of the roster.
func (m *maker) people() error {
	day := m.day(1)
	policy, err := m.newWitnesses()
	if err != nil {
		return err
	}
	first := &roster.Roster{
		Version: 1, Day: day, Origin: origin, LogKey: m.Key, Witnesses: policy,
		Units: []roster.Unit{
			{ID: office, Name: map[string]string{"id": "Inspektorat Provinsi", "en": "Provincial Inspectorate"}, Other: other},
			{ID: other, Name: map[string]string{"id": "Inspektorat Jenderal", "en": "Inspectorate General"}, Other: office},
			{ID: regency, Name: map[string]string{"id": "Inspektorat Kabupaten", "en": "Regency Inspectorate"}, Other: office},
		},
	}
	join := func(r *roster.Roster, name string, unit id.Unit, day id.Day, roles ...roster.Role) error {
		s, vkey, err := newKey(name)
		if err != nil {
			return err
		}
		m.signers[id.Member(name)] = s
		words := strings.Split(name, "-")
		for i, w := range words {
			words[i] = strings.ToUpper(w[:1]) + w[1:]
		}
		// Recipients are not used here; each is another one.
		b := []byte(strings.Repeat("q", 1952))
		for i, n := 0, len(m.signers); n > 0; i, n = i+1, n/8 {
			b[i] = "023456789"[n%8]
		}
		r.Members = append(r.Members, roster.Member{
			ID: id.Member(name), Name: strings.Join(words, " "), Unit: unit, Roles: roles, Recipient: "age1pq1" + string(b), Key: vkey, Since: day,
		})
		return nil
	}
	for i := range 8 {
		if err := join(first, fmt.Sprintf("penelaah-%d", i+1), office, day, roster.Reader); err != nil {
			return err
		}
	}
	for _, x := range []struct {
		name  string
		unit  id.Unit
		roles []roster.Role
	}{
		{"irban-1", office, []roster.Role{roster.Reader, roster.Approver}},
		{"irban-2", office, []roster.Role{roster.Reader, roster.Approver}},
		{"pusat-1", other, []roster.Role{roster.Reader}},
		{"pusat-2", other, []roster.Role{roster.Reader, roster.Approver}},
		{"kabupaten-1", regency, []roster.Role{roster.Reader}},
		{"penerus-1", office, []roster.Role{roster.Forwarder}},
	} {
		if err := join(first, x.name, x.unit, day, x.roles...); err != nil {
			return err
		}
	}
	m.rosters = []*roster.Roster{first}
	change := func(day id.Day, do func(r *roster.Roster) error) error {
		last := m.rosters[len(m.rosters)-1]
		next := *last
		next.Version, next.Day, next.Members = last.Version+1, day, slices.Clone(last.Members)
		m.rosters = append(m.rosters, &next)
		return do(&next)
	}
	leave := func(r *roster.Roster, who id.Member, day id.Day) error {
		i := slices.IndexFunc(r.Members, func(x roster.Member) bool { return x.ID == who })
		r.Members[i].Removed = &day
		return nil
	}
	for _, err := range []error{
		change(m.day(96), func(r *roster.Roster) error { return join(r, "penelaah-9", office, m.day(96), roster.Reader) }),
		change(m.day(180), func(r *roster.Roster) error { return leave(r, "penelaah-8", m.day(180)) }),
		change(m.day(215), func(r *roster.Roster) error { return join(r, "penelaah-10", office, m.day(215), roster.Reader) }),
		change(m.day(258), func(r *roster.Roster) error { return m.witnessed(r, join) }),
		change(m.day(300), func(r *roster.Roster) error { return leave(r, "kabupaten-1", m.day(300)) }),
	} {
		if err != nil {
			return err
		}
	}
	return nil
}

// witnessed has the other office name a key witness, and keep a recovery sheet.
func (m *maker) witnessed(r *roster.Roster, join func(*roster.Roster, string, id.Unit, id.Day, ...roster.Role) error) error {
	if err := join(r, "pemegang-1", other, r.Day, roster.Custodian); err != nil {
		return err
	}
	if err := join(r, "saksi-1", regency, r.Day, roster.KeyWitness); err != nil {
		return err
	}
	r.Members[len(r.Members)-1].Address = "https://saksi.example"
	r.Units = slices.Clone(r.Units)
	r.Units[1].Recovery = "age1pq1" + strings.Repeat("z", 1952)
	r.Units[1].KeyWitnesses = &roster.KeyWitnesses{Need: 1, Of: []id.Member{"saksi-1"}}
	return nil
}

// rosterOn is the one in force on a day.
func (m *maker) rosterOn(d id.Day) *roster.Roster {
	r := m.rosters[0]
	for _, x := range m.rosters {
		if !d.Before(x.Day) {
			r = x
		}
	}
	return r
}

func (m *maker) do(at time.Time, who id.Member, a accesslog.Action, of *file, to id.Member, p *Planted) {
	m.events = append(m.events, event{at: at, kind: accesslog.KindStatement, action: a, member: who, of: of, to: to, plant: p})
}

// penelaah are the members who have a case's key and work on cases on a day.
func (m *maker) penelaah(f *file, d id.Day) (all []id.Member) {
	for _, x := range m.rosterOn(f.day).Readers(office, nil) {
		if strings.HasPrefix(string(x.ID), "penelaah-") && x.ID != "penelaah-10" && m.rosterOn(d).Active(x.ID) {
			all = append(all, x.ID)
		}
	}
	return all
}

// deposit makes a case of a unit.
func (m *maker) deposit(d id.Day, unit id.Unit) *file {
	var raw [10]byte
	for i := range raw {
		raw[i] = byte(m.rnd.IntN(256))
	}
	f := &file{id: id.CaseFrom(raw), day: d, unit: unit, granted: map[id.Member]int64{}, revoked: map[id.Member]bool{}}
	var names []id.Member
	for _, x := range m.rosterOn(d).Readers(unit, nil) {
		names = append(names, x.ID)
	}
	if u, _ := m.rosterOn(d).Unit(unit); u.Recovery != "" {
		names = append(names, id.RecoveryOf(unit))
	}
	for _, name := range names {
		l := accesslog.WrapLeaf{Member: name, Wrap: id.DigestOf([]byte(string(f.id) + string(name)))}
		binary.BigEndian.PutUint64(l.Salt[:], m.rnd.Uint64())
		f.leaves = append(f.leaves, l)
	}
	f.hashes, _ = accesslog.BlindWraps(f.leaves)
	m.files = append(m.files, f)
	return f
}

// office is a year without anything to ask about, but for what happens in any
// office.
func (m *maker) office(cases int) {
	for d := m.day(2); d.Before(m.Last); d = d.AddDays(1) {
		if !m.working(d) {
			continue
		}
		for _, x := range m.rosterOn(d).Readers(office, nil) {
			for range 1 + m.rnd.IntN(3) {
				m.do(m.work(d), x.ID, accesslog.List, nil, "", nil)
			}
		}
	}
	for i := range cases {
		d := m.day(2 + i*355/cases)
		m.life(m.deposit(d, office))
	}
	// Overtime, agreed with the head of the office.
	for n := 0; n < 12; {
		f := m.files[m.rnd.IntN(len(m.files))]
		if d := m.next(f.since, 2); f.who != "" && d.Before(m.Last) && m.rosterOn(d).Active(f.who) {
			m.do(m.at(d, 18, 10+m.rnd.IntN(90)), f.who, accesslog.Open, f, "", nil)
			n++
		}
	}
	// Somebody stands in for a colleague.
	for range 10 {
		f := m.files[m.rnd.IntN(len(m.files))]
		d := m.next(f.day, 12)
		all := m.penelaah(f, d)[:6] // not who has a conflict of interest, see plant
		m.do(m.work(d), all[m.rnd.IntN(len(all))], accesslog.Open, f, "", nil)
	}
}

// life is a case's, from the first look to the last status.
func (m *maker) life(f *file) {
	d := m.next(f.day, 1)
	if !d.Before(m.Last) {
		return
	}
	all := m.penelaah(f, m.next(d, 1))
	first, who := all[m.rnd.IntN(len(all))], all[m.rnd.IntN(len(all))]
	head := id.Member([]string{"irban-1", "irban-2"}[m.rnd.IntN(2)])
	m.do(m.work(d), first, accesslog.Open, f, "", nil)
	m.do(m.at(d, 16, 10), first, accesslog.Note, f, "", nil)
	if d = m.next(d, 1); !d.Before(m.Last) {
		return
	}
	m.do(m.work(d), head, accesslog.Open, f, "", nil)
	m.do(m.at(d, 16, 20), head, accesslog.Assign, f, who, nil)
	f.who, f.since = who, d
	for range 2 + m.rnd.IntN(5) {
		if d = m.next(d, 1+m.rnd.IntN(9)); !d.Before(m.Last) || !m.rosterOn(d).Active(who) {
			return
		}
		at := m.work(d)
		m.do(at, who, accesslog.Open, f, "", nil)
		for _, a := range []accesslog.Action{accesslog.Note, accesslog.Reply, accesslog.Status} {
			if at = at.Add(time.Duration(1+m.rnd.IntN(12)) * time.Minute); m.rnd.IntN(3) > 0 {
				m.do(at, who, a, f, "", nil)
			}
		}
	}
	if m.rnd.IntN(60) == 0 { // for the investigators' own file
		m.do(m.at(d, 16, 45), who, accesslog.Export, f, "", nil)
	}
	m.do(m.at(d, 17, 5), who, accesslog.Status, f, "", nil)
	f.until = d
}
