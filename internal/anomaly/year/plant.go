package year

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
)

// planted begins something to ask about, by the name of a rule.
func (m *maker) planted(rule string) *Planted {
	p := &Planted{Rule: rule}
	m.plants = append(m.plants, p)
	return p
}

// some returns n cases that came before a day and fulfil a condition.
func (m *maker) some(n int, before id.Day, ok func(*file) bool) (all []*file) {
	for _, i := range m.rnd.Perm(len(m.files)) {
		if f := m.files[i]; f.day.Before(before.AddDays(-8)) && (ok == nil || ok(f)) {
			if all = append(all, f); len(all) == n {
				return all
			}
		}
	}
	panic(fmt.Sprintf("there are not %d such cases in the year", n)) // too few were asked for
}

// plant puts what an auditor should ask about among the rest, with a few harmless
// things that look the same.
func (m *maker) plant() {
	ours := func(f *file) bool { return f.unit == office }
	openAll := func(rule string, d id.Day, hour int, who id.Member, a accesslog.Action, n int) {
		p := m.planted(rule)
		for i, f := range m.some(n, d, ours) {
			m.do(m.at(d, hour, 2*i), who, a, f, "", p)
		}
	}
	// At night, on a Sunday, on a holiday.
	openAll("out-of-hours", m.day(60), 2, "penelaah-2", accesslog.Open, 3)
	openAll("out-of-hours", m.day(137), 11, "penelaah-5", accesslog.Open, 2) // a Sunday
	openAll("out-of-hours", m.day(229), 9, "penelaah-4", accesslog.Note, 1)  // 17 August
	openAll("out-of-hours", m.day(300), 21, "irban-2", accesslog.Export, 1)
	openAll("many-opened", m.next(m.day(110), 1), 8, "penelaah-3", accesslog.Open, 40)
	openAll("many-opened", m.next(m.day(200), 1), 13, "penelaah-1", accesslog.Open, 26)
	openAll("exports", m.next(m.day(70), 1), 9, "penelaah-1", accesslog.Export, 5)
	openAll("exports", m.next(m.day(290), 1), 9, "irban-1", accesslog.Export, 3)

	for i := range 6 {
		who, d := id.Member(fmt.Sprintf("penelaah-%d", i+1)), m.next(m.day(50+45*i), 1)
		f := m.some(1, d, func(f *file) bool { return f.who != "" && f.who != who && f.since.Before(d) })[0]
		p := m.planted("not-assigned")
		m.do(m.work(d), who, []accesslog.Action{accesslog.Open, accesslog.Export, accesslog.Note}[i%3], f, "", p)
	}
	for i := range 3 {
		d := m.next(m.day(80+60*i), 1)
		f := m.some(1, d, func(f *file) bool { return ours(f) && f.who != "penelaah-7" && f.who != "" })[0]
		p := m.planted("grant-back")
		m.do(m.work(d), "penelaah-7", accesslog.Revoke, f, "penelaah-7", p)
		m.do(m.work(m.next(d, 6)), "irban-1", accesslog.Grant, f, "penelaah-7", p)
	}
	for i := range 2 { // a mistake, set right at once
		d := m.next(m.day(90+60*i), 1)
		f := m.some(1, d, func(f *file) bool { return ours(f) && f.who == "penelaah-2" })[0]
		at := m.at(d, 10, 0)
		m.do(at, "penelaah-2", accesslog.Revoke, f, "penelaah-2", nil)
		m.do(at.Add(20*60e9), "irban-2", accesslog.Grant, f, "penelaah-2", nil)
	}
	for i := range 2 { // reports about the province's office go to the other, and come back
		d := m.next(m.day(40+100*i), 1)
		f := m.deposit(d, other)
		m.do(m.work(m.next(d, 2)), "pusat-2", accesslog.Open, f, "", nil)
		m.do(m.work(m.next(d, 4)), "pusat-2", accesslog.Grant, f, "penelaah-4", m.planted("reported-unit"))
	}
	for i := range 2 { // a case is moved to the other office, and comes back to a member of the first
		d := m.next(m.day(60+120*i), 1)
		f := m.deposit(d, office)
		f.unit = other // from here on
		p := m.planted("reported-unit")
		m.do(m.work(m.next(d, 2)), "irban-1", accesslog.Refer, f, "", p)
		m.do(m.work(m.next(d, 3)), "pusat-1", accesslog.Open, f, "", nil)
		m.do(m.work(m.next(d, 5)), "pusat-2", accesslog.Grant, f, "penelaah-3", p)
		m.do(m.work(m.next(d, 6)), "penelaah-3", accesslog.Open, f, "", nil)
	}
	for i := range 3 { // a regency's case is given back to the regency
		d := m.next(m.day(45+70*i), 1)
		m.do(m.work(d), "irban-1", accesslog.Grant, m.some(1, d, ours)[0], "kabupaten-1", nil)
	}
	p := m.planted("left-after-grant")
	for i, f := range m.some(2, m.day(291), ours) {
		m.do(m.work(m.next(m.day(291), 1+i)), "irban-2", accesslog.Grant, f, "kabupaten-1", p)
	}
	p = m.planted("new-reader")
	for i, f := range m.some(4, m.day(215), ours) {
		m.do(m.work(m.next(m.day(215), 1+i%2)), "irban-2", accesslog.Grant, f, "penelaah-10", p)
	}
	// A rightful new colleague takes over one old case.
	m.do(m.work(m.next(m.day(96), 3)), "irban-1", accesslog.Grant, m.some(1, m.day(96), ours)[0], "penelaah-9", nil)

	late := func(from, to int) {
		p := m.planted("late-deposits")
		for n := from; n < to; n++ {
			m.down[m.day(n)] = true
			m.ends[m.day(n-1)] = p // their batch would have been that of the next day
		}
		// What came the day before the batch is in time.
	}
	late(131, 134)
	late(240, 257)
	gap := m.planted("no-batch")
	m.gaps[m.day(239)], m.gaps[m.day(257)] = gap, gap
	// Last, since nothing else may have touched these.
	touched := map[*file]id.Day{}
	for _, e := range m.events {
		if d := id.DayOf(e.at, m.zone); e.of != nil && touched[e.of].Before(d) {
			touched[e.of] = d
		}
	}
	for i := range 3 {
		d := m.next(m.day(320+10*i), 1)
		f := m.some(1, d, func(f *file) bool {
			return !f.until.IsZero() && touched[f] == f.until && d.Sub(f.until) > 200 && m.rosterOn(d).Active(f.who)
		})[0]
		m.do(m.work(d), f.who, accesslog.Open, f, "", m.planted("after-close"))
		touched[f] = d
	}
	// A case that went to the main queue, which finished it, and that somebody opened long after that.
	d := m.next(m.day(150), 1)
	f := m.some(1, d, func(f *file) bool {
		return ours(f) && f.who != "" && touched[f].Before(d) && m.rosterOn(m.day(364)).Active(f.who)
	})[0]
	at := m.at(d, 9, 0)
	for i, x := range []struct {
		by     id.Member
		action accesslog.Action
		result accesslog.Result
	}{
		{f.who, accesslog.PrepareForward, ""},
		{"irban-1", accesslog.ApproveForward, ""},
		{"penerus-1", accesslog.Forward, ""},
		{"penerus-1", accesslog.Outcome, accesslog.ResultSent},
		{"penerus-1", accesslog.Outcome, accesslog.ResultDone},
	} {
		m.do(at.Add(time.Duration(i)*time.Minute), x.by, x.action, f, "", nil)
		m.events[len(m.events)-1].result = x.result
	}
	m.do(m.work(m.next(d, 60)), f.who, accesslog.Open, f, "", m.planted("after-close"))
	m.plantUnwitnessed()
}

// plantUnwitnessed has cases of a unit that names a key witness opened with and
// without it, and with the recovery sheet; and one of before, which isn't split.
func (m *maker) plantUnwitnessed() {
	before := m.deposit(m.next(m.day(225), 1), other)
	d := m.next(m.day(270), 1)
	bare, asked := m.deposit(d, other), m.deposit(d, other)
	at := m.at(m.next(d, 2), 10, 0)
	m.do(at, "pusat-1", accesslog.Open, before, "", nil)
	m.do(at.Add(time.Minute), "pusat-1", accesslog.Open, bare, "", m.planted("without-key-witness"))
	m.do(at.Add(2*time.Minute), "pusat-2", accesslog.Open, asked, "", nil)
	m.do(at.Add(3*time.Minute), "pusat-2", accesslog.Unseal, asked, "", nil)
	m.do(m.work(m.next(d, 4)), "pusat-2", accesslog.Open, asked, "", nil) // who has had the key reads on
	m.do(m.work(m.next(d, 5)), "pemegang-1", accesslog.Open, asked, "", m.planted("without-key-witness"))
}

// write makes the records, in the order of their times.
func (m *maker) write() error {
	begin := m.day(1).Time(m.zone).Add(7 * 3600e9)
	m.add(accesslog.Record{Kind: accesslog.KindConfigure, Time: begin, Settings: []accesslog.Setting{
		{Key: "origin", Value: origin}, {Key: "zone", Value: "Asia/Makassar"}, {Key: "root", Value: m.rootKey},
	}}, nil)
	for i, r := range m.rosters {
		if i > 0 {
			m.events = append(m.events, event{at: r.Day.Time(m.zone).Add(7 * 3600e9), kind: accesslog.KindRoster, roster: i})
		}
	}
	batches := map[id.Day][]*file{}
	for _, f := range m.files {
		d := f.day.AddDays(1)
		for m.down[d] {
			d = d.AddDays(1)
		}
		batches[d] = append(batches[d], f)
	}
	for d, files := range batches {
		slices.SortFunc(files, func(a, b *file) int { return bytes.Compare(digestOf(a), digestOf(b)) })
		at := d.Time(m.zone).Add(3e9)
		for _, f := range files {
			var p *Planted
			if d.Sub(f.day) > 1 {
				p = m.ends[f.day]
			}
			m.events = append(m.events, event{at: at, kind: accesslog.KindDeposit, of: f, plant: p})
		}
		m.events = append(m.events, event{at: at, kind: accesslog.KindBatch, roster: len(files), plant: m.gaps[d]})
	}
	slices.SortStableFunc(m.events, func(a, b event) int { return a.at.Compare(b.at) })
	if err := m.putRoster(0, begin); err != nil {
		return err
	}
	for i := range m.events {
		if err := m.put(&m.events[i]); err != nil {
			return err
		}
	}
	for _, p := range m.plants {
		m.Planted = append(m.Planted, *p)
	}
	return nil
}

func digestOf(f *file) []byte { d := id.DigestOf([]byte(f.id)); return d[:] }

func (m *maker) put(e *event) error {
	switch e.kind {
	case accesslog.KindRoster:
		return m.putRoster(e.roster, e.at)
	case accesslog.KindDeposit:
		wraps := tlog.Tree{N: int64(len(e.of.hashes)), Hash: accesslog.WrapsRoot(e.of.hashes)}
		m.add(accesslog.Record{Kind: accesslog.KindDeposit, Deposit: accesslog.DepositRecord{
			Day: e.of.day, Case: e.of.id, Digest: id.Digest(digestOf(e.of)), Wraps: wraps,
		}}, e.plant)
		return nil
	case accesslog.KindBatch:
		m.add(accesslog.Record{Kind: accesslog.KindBatch, Time: e.at, Batch: accesslog.BatchRecord{
			Day: id.DayOf(e.at, m.zone), Deposits: int64(e.roster),
		}}, e.plant)
		return nil
	}
	return m.statement(e)
}

func (m *maker) putRoster(i int, at time.Time) error {
	r := m.rosters[i]
	if i > 0 {
		r.Previous = roster.Digest(m.signed)
	}
	signed, err := r.Sign(m.root)
	if err != nil {
		return err
	}
	d := roster.Digest(signed)
	m.signed, m.Log.rosters[d.String()] = signed, signed
	m.add(accesslog.Record{Kind: accesslog.KindRoster, Time: at, Roster: accesslog.RosterRecord{Version: r.Version, Digest: d, Size: int64(len(signed))}}, nil)
	return nil
}

func (m *maker) statement(e *event) error {
	n := m.Len()
	s := accesslog.Statement{Log: origin, Action: e.action, Member: e.member, To: e.to, Time: e.at}
	binary.BigEndian.PutUint64(s.Nonce[:], uint64(n))
	var err error
	if s.Seen, err = m.records.Tree(n - n%7); err != nil { // a member has seen the log of a while ago
		return err
	}
	r := accesslog.Record{Kind: accesslog.KindStatement, Time: e.at}
	switch {
	case e.of == nil:
	case e.action == accesslog.Unseal:
		s.Opened, s.Handle = e.of.opened, id.HandleOf(e.of.id)
	case e.action.ByForwarder():
		s.Case, s.Item, s.Result, r.Cover.Approval = e.of.id, e.of.item, e.result, e.of.approval
	default:
		s.Case = e.of.id
		name := e.member
		if !m.rosterOn(id.DayOf(e.at, m.zone)).Has(name, roster.Reader) {
			name = id.RecoveryOf(e.of.unit)
		}
		if r.Cover, err = e.of.cover(name); err != nil {
			return err
		}
		e.of.opened = n
	}
	for _, role := range map[accesslog.Action][]id.Role{
		accesslog.Reply: {id.RoleAnswer, id.RoleCopy}, accesslog.Note: {id.RoleNote}, accesslog.Grant: {id.RoleWrap},
		accesslog.Status: {id.RoleAnswer, id.RoleCopy, id.RoleState}, accesslog.Refer: {id.RoleWrap, id.RoleWrap, id.RoleState},
		accesslog.PrepareForward: {id.RoleDraft}, accesslog.ApproveForward: {id.RoleItem}, accesslog.Outcome: {id.RoleOutcome},
	}[e.action] {
		s.Objects = append(s.Objects, id.Object{Role: role, Digest: id.DigestOf(fmt.Appendf(nil, "%d %s", n, role)), Size: 5000})
	}
	switch e.action {
	case accesslog.PrepareForward:
		e.of.draft = s.Objects[0].Digest
	case accesslog.ApproveForward:
		s.Item, e.of.item, e.of.approval = e.of.draft, s.Objects[0].Digest, n
	case accesslog.Grant:
		e.of.granted[e.to] = n
	case accesslog.Revoke:
		delete(e.of.granted, e.to)
		e.of.revoked[e.to] = true
	case accesslog.Refer:
		s.Refer = accesslog.Referral{Unit: other, Ends: true, Readers: []id.Member{"pusat-1", "pusat-2"}}
		clear(e.of.granted)
		for _, l := range e.of.leaves {
			e.of.revoked[l.Member] = true
		}
		for _, x := range s.Refer.Readers {
			e.of.granted[x] = n
		}
	}
	signer := m.signers[e.member]
	if r.Statement, err = s.Sign(signer); err != nil {
		return err
	}
	m.add(r, e.plant)
	return nil
}

// cover is why a member may do something to the case.
func (f *file) cover(who id.Member) (c accesslog.Cover, err error) {
	if n := f.granted[who]; n > 0 {
		return accesslog.Cover{Grant: n}, nil
	}
	i := slices.IndexFunc(f.leaves, func(l accesslog.WrapLeaf) bool { return l.Member == who })
	if i < 0 || f.revoked[who] {
		return c, fmt.Errorf("%s has no access to %s", who, f.id)
	}
	w, err := accesslog.ProveWrap(f.hashes, f.leaves[i])
	return accesslog.Cover{Deposit: &w}, err
}

func (m *maker) add(r accesslog.Record, p *Planted) {
	r.Seq = m.Len()
	m.records.Append(r.Format())
	if p != nil {
		p.Records = append(p.Records, r.Seq)
	}
}
