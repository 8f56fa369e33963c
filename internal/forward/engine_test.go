package forward_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/internal/forward"
	"suluh.example/suluh/internal/forward/queue"
	"suluh.example/suluh/internal/lang"
	"suluh.example/suluh/internal/member"
	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/vault/membersock"
)

var (
	errVault  = errors.New("vault is away")
	errQueue  = errors.New("no whole answer")
	errPulled = errors.New("the plug was pulled")
)

// model is a vault and a queue that keep to the rules, in memory, and a
// forwarder that may lose its power between any two steps of theirs.
type model struct {
	now   time.Time
	rows  map[id.Digest]*row
	queue map[string]*held // by reference

	lookup bool  // the queue can be asked
	says   error // what comes of sending; nil if the queue takes it
	fault  func(name string) fault
	wrong  []string // rules that were broken
}

type row struct {
	member.Outgoing
	told []report.Answer
}

// held is a complaint that the queue has taken.
type held struct {
	times  int
	shown  time.Time // it can be found from then on
	status forward.Status
}

// fault is what goes wrong in a step.
type fault int

const (
	none   fault = iota
	before       // it fails, and nothing happened
	after        // it happened, and its answer is lost
	cut          // power is lost before it
	cutoff       // power is lost after it
	busy         // of a queue: it says that it didn't take it
	no           // of a queue: it says that it never will
)

func (m *model) step(name string, does func() error) error {
	f := m.fault(name)
	switch f {
	case before, busy, no:
		return errVault
	case cut:
		panic(errPulled)
	}
	err := does()
	switch f {
	case after:
		return errVault
	case cutoff:
		panic(errPulled)
	}
	return err
}

func (m *model) Err() error { return nil }

func (m *model) Waiting(context.Context) (n int, err error) {
	return n, m.step("waiting", func() error {
		for _, r := range m.rows {
			if r.State.Waits() {
				n++
			}
		}
		return nil
	})
}

func (m *model) Collect(context.Context) (all []member.Outgoing, err error) {
	return all, m.step("collect", func() error {
		for _, r := range m.rows {
			if r.State.HasItem() {
				all = append(all, r.Outgoing)
			}
		}
		return nil
	})
}

func (m *model) Begin(_ context.Context, o member.Outgoing) error {
	return m.step("begin", func() error { return m.moves(o, accesslog.Forward, "") })
}

func (m *model) Outcome(_ context.Context, o member.Outgoing, d report.Outcome, tell *report.Answer) error {
	return m.step("outcome", func() error {
		if err := m.moves(o, accesslog.Outcome, d.Result); err != nil {
			return err
		}
		r := m.rows[o.Digest]
		d.Time = m.now
		r.Last = &d
		if tell != nil {
			r.told = append(r.told, *tell)
		}
		return nil
	})
}

func (m *model) moves(o member.Outgoing, a accesslog.Action, how accesslog.Result) error {
	next, ok := m.rows[o.Digest].State.After(a, how)
	if !ok {
		return membersock.ErrState
	}
	m.rows[o.Digest].State = next
	return nil
}

func (m *model) Send(_ context.Context, c forward.Complaint) (sent forward.Sent, err error) {
	f := m.fault("send")
	for _, r := range m.rows {
		if r.Item.Reference == c.Reference && r.State != accesslog.StageSending {
			m.wrong = append(m.wrong, "something left that the vault holds for "+string(r.State))
		}
	}
	if m.says != nil {
		return sent, m.says
	}
	switch f {
	case before:
		return sent, errQueue
	case cut:
		panic(errPulled)
	case busy:
		return sent, &forward.NotSent{After: time.Second, Err: errQueue}
	case no:
		return sent, &forward.Refused{Reason: "bukan wewenang kami"}
	}
	h := m.queue[c.Reference]
	if h == nil {
		h = &held{shown: m.now}
		m.queue[c.Reference] = h
	}
	if h.times++; h.times > 1 {
		m.wrong = append(m.wrong, "the queue got a complaint twice")
	}
	if f == after || f == cutoff {
		h.shown = m.now.Add(forward.DefaultTimes().Settle - time.Second) // it took its time
	}
	switch f {
	case after:
		return sent, errQueue
	case cutoff:
		panic(errPulled)
	}
	return forward.Sent{Tracking: "7" + c.Reference, Link: "https://antrean.example/" + c.Reference}, nil
}

func (m *model) Find(_ context.Context, reference string) (sent forward.Sent, err error) {
	if !m.lookup {
		return sent, forward.ErrNoLookup
	}
	switch m.fault("find") {
	case before, after, busy, no:
		return sent, errQueue
	case cut, cutoff:
		panic(errPulled)
	}
	h := m.queue[reference]
	if h == nil || m.now.Before(h.shown) {
		return sent, forward.ErrNotFound
	}
	return forward.Sent{Tracking: "7" + reference}, nil
}

func (m *model) Status(_ context.Context, _, reference string) (s forward.Status, err error) {
	switch m.fault("status") {
	case before, after, busy, no:
		return s, errQueue
	case cut, cutoff:
		panic(errPulled)
	}
	if h := m.queue[reference]; h != nil {
		return h.status, nil
	}
	return s, errQueue
}

func catalogue(t interface{ Fatal(...any) }) *lang.Catalogue {
	c, err := lang.Load()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (m *model) engine(words *lang.Catalogue) *forward.Engine {
	return forward.New(forward.Config{
		Member: m, Connector: m, Queue: "uji", Used: []string{"uji"}, Words: words, Language: "id",
		Times: forward.DefaultTimes(), Now: func() time.Time { return m.now }, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
}

func newModel() *model {
	return &model{
		now: time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC), rows: map[id.Digest]*row{}, queue: map[string]*held{}, lookup: true,
		fault: func(string) fault { return none },
	}
}

// approve puts an item into the outbox.
func (m *model) approve(text string) *row {
	n := len(m.rows)
	d := id.DigestOf(fmt.Appendf(nil, "butir %d", n))
	r := &row{Outgoing: member.Outgoing{
		Case: id.NewCase(), Digest: d, State: accesslog.StageApproved, Day: id.DayOf(m.now, time.UTC),
		Item: report.Item{Reference: fmt.Sprintf("rujukan%d", n), Class: report.General, Title: "Lampu jalan padam", Text: text, Language: "id"},
	}}
	m.rows[d] = r
	return r
}

// round lets an engine work, and tells whether it still has power.
func (m *model) round(e *forward.Engine) (alive bool) {
	defer func() {
		if p := recover(); p != nil {
			if p != errPulled {
				panic(p)
			}
			alive = false
		}
	}()
	_ = e.Round(context.Background()) // a vault that is away is one of the faults
	return true
}

// settleDown lets everything go well for long enough.
func (m *model) settleDown(e *forward.Engine) {
	m.fault = func(string) fault { return none }
	for range 48 {
		m.round(e)
		m.now = m.now.Add(30 * time.Minute)
	}
}

// Whatever fails, and wherever the forwarder loses its power, the queue never
// gets a complaint twice, nothing leaves that the vault doesn't hold for
// sending, and in the end each item has come to where it belongs.
func TestNothingIsSentTwice(t *testing.T) {
	words := catalogue(t)
	rapid.Check(t, func(t *rapid.T) {
		m := newModel()
		m.lookup = rapid.Bool().Draw(t, "lookup")
		m.fault = func(name string) fault {
			if !rapid.Bool().Draw(t, name+" fails") {
				return none
			}
			return rapid.SampledFrom([]fault{before, after, cut, cutoff, busy, no}).Draw(t, name)
		}
		e := m.engine(words)
		for range rapid.IntRange(1, 25).Draw(t, "rounds") {
			if rapid.Bool().Draw(t, "more") {
				m.approve("Lampu di jalan kecamatan padam sejak dua minggu.")
			}
			if !m.round(e) {
				e = m.engine(words)
			}
			m.now = m.now.Add(time.Duration(rapid.IntRange(1, 3000).Draw(t, "seconds")) * time.Second)
		}
		m.settleDown(e)
		for _, wrong := range m.wrong {
			t.Error(wrong)
		}
		for _, r := range m.rows {
			h := m.queue[r.Item.Reference]
			switch r.State {
			case accesslog.StageSent:
				if h == nil {
					t.Error("called sent, and the queue doesn't have it")
				}
				if len(r.told) == 0 || r.told[0].Status != report.Forwarded {
					t.Errorf("the reporter was told %v", r.told)
				}
			case accesslog.StageRefused:
				if h != nil {
					t.Error("called refused, and the queue has it")
				}
			case accesslog.StageUnknown:
				if m.lookup {
					t.Error("the queue could be asked, and wasn't")
				}
			default:
				t.Errorf("an item stays %s", r.State)
			}
		}
	})
}

func TestStopsWhatMustNotLeave(t *testing.T) {
	m := newModel()
	r := m.approve("Telepon pelapor 0812 3456 7890, jam 9 pagi.")
	m.settleDown(m.engine(catalogue(t)))
	if r.State != accesslog.StageStopped || len(m.queue) != 0 {
		t.Fatalf("it is %s, the queue has %d", r.State, len(m.queue))
	}
	for _, want := range []string{"TELEPON", "0812 3456 7890", "jam 9"} {
		if !strings.Contains(r.Last.Text, want) {
			t.Errorf("the approver is not told %q:\n%s", want, r.Last.Text)
		}
	}
	if len(r.told) > 0 {
		t.Error("the reporter was told")
	}
}

// A reporter is told each news once, and of a long answer what is new.
func TestStatusComesBack(t *testing.T) {
	m := newModel()
	r := m.approve("Lampu di jalan kecamatan padam sejak dua minggu.")
	r.Item.Language = "en"
	e := m.engine(catalogue(t))
	hours := func(n int) {
		for range n * 2 {
			m.round(e)
			m.now = m.now.Add(30 * time.Minute)
		}
	}
	hours(8)
	if len(r.told) != 1 || !strings.Contains(r.told[0].Text, "7rujukan0") || !strings.Contains(r.told[0].Text, "https://antrean.example/rujukan0") {
		t.Fatalf("at first the reporter is told %+v", r.told)
	}
	h := m.queue["rujukan0"]
	h.status = forward.Status{Word: "Dalam Proses", Status: report.Reviewing, Answer: "Sudah kami teruskan."}
	hours(8)
	if len(r.told) != 2 || r.told[1].Status != report.Reviewing || !strings.Contains(r.told[1].Text, "Sudah kami teruskan.") {
		t.Fatalf("then the reporter is told %+v", r.told[1:])
	}
	h.status = forward.Status{Word: "Selesai", Status: report.Closed, Answer: "Sudah kami teruskan.\nLampu \u202esudah\x00 menyala.", Final: true}
	hours(8)
	if len(r.told) != 3 || r.State != accesslog.StageDone || !r.Last.Final || r.told[2].Status != report.Closed {
		t.Fatalf("it is %s, and the reporter is told %+v", r.State, r.told[2:])
	}
	if text := r.told[2].Text; !strings.Contains(text, "Lampu sudah menyala.") || strings.Contains(text, "Sudah kami teruskan.") {
		t.Errorf("of the longer answer the reporter is told\n%s", text)
	}
	hours(8)
	if len(r.told) != 3 {
		t.Error("the reporter is told of what is over")
	}
}

// A queue that fails is left alone for longer and longer; once it works again,
// all is sent.
func TestQueueIsDownForLong(t *testing.T) {
	m := newModel()
	for range 50 {
		m.approve("Lampu di jalan kecamatan padam sejak dua minggu.")
	}
	asked := 0
	m.fault = func(name string) fault {
		if name == "send" {
			asked++
			return busy
		}
		return none
	}
	e := m.engine(catalogue(t))
	for range 5 * 60 {
		m.round(e)
		m.now = m.now.Add(time.Minute)
	}
	if asked > 30 { // 50 items, 5 hours
		t.Errorf("a queue that was down was asked %d times", asked)
	}
	m.settleDown(e)
	if len(m.queue) != 50 || len(m.wrong) > 0 {
		t.Errorf("the queue has %d, %v", len(m.queue), m.wrong)
	}
}

// Items that may be in a queue that isn't asked any more stay with people.
func TestAnotherQueueTellsNothing(t *testing.T) {
	m := newModel()
	r := m.approve("Lampu di jalan kecamatan padam sejak dua minggu.")
	m.fault = func(name string) fault {
		if name == "send" {
			return cutoff
		}
		return none
	}
	words := catalogue(t)
	if m.round(m.engine(words)) {
		t.Fatal("it has power still")
	}
	delete(m.queue, r.Item.Reference) // the new queue has never heard of it
	e := forward.New(forward.Config{
		Member: m, Connector: m, Queue: "lain", Used: []string{"uji"}, Words: words, Language: "id",
		Times: forward.DefaultTimes(), Now: func() time.Time { return m.now }, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	m.settleDown(e)
	if r.State != accesslog.StageUnknown || len(m.queue) != 0 {
		t.Errorf("it is %s, the new queue has %d", r.State, len(m.queue))
	}
}

// What a person found in the queue is told the reporter, and followed.
func TestFoundByAPerson(t *testing.T) {
	m := newModel()
	m.lookup = false
	r := m.approve("Lampu di jalan kecamatan padam sejak dua minggu.")
	r.State = accesslog.StageSent
	r.Last = &report.Outcome{Result: accesslog.ResultSent, Tracking: "1234567", Text: "ditemukan", Status: report.Forwarded, Time: m.now}
	m.queue[r.Item.Reference] = &held{times: 1, status: forward.Status{Word: "Dalam Proses", Status: report.Reviewing}}
	m.settleDown(m.engine(catalogue(t)))
	told := func(x report.Answer) bool { return strings.Contains(x.Text, "1234567") }
	if len(r.told) != 2 || !told(r.told[0]) || r.told[0].Status != report.Forwarded || r.told[1].Status != report.Reviewing || slices.ContainsFunc(r.told, func(x report.Answer) bool { return strings.Contains(x.Text, "ditemukan") }) {
		t.Errorf("the reporter is told %+v", r.told)
	}
}

// What the queue refuses comes back to the approver with its reason, and is not
// tried again.
func TestRefusedComesBack(t *testing.T) {
	m := newModel()
	r := m.approve("Lampu di jalan kecamatan padam sejak dua minggu.")
	m.fault = func(name string) fault {
		if name == "send" {
			return no
		}
		return none
	}
	m.round(m.engine(catalogue(t)))
	if r.State != accesslog.StageRefused || r.Last.Text != "bukan wewenang kami" || len(r.told) > 0 {
		t.Errorf("it is %s: %+v", r.State, r.Last)
	}
}

// What the queue or its connector has no words of its own for is said in the
// members' language.
func TestWhy(t *testing.T) {
	for want, err := range map[string]error{
		"Teks kelebihan 1.500 huruf: antrean ini menerima paling banyak 4.000. Ringkas, lalu siapkan lagi.": &forward.Refused{Err: queue.TooLong(1500, 4000)},
		"Antrean belum menerima. Dicoba lagi nanti. Sebabnya: antrean tidak menerima kredensial penerus (HTTP 401). Minta operator memperbarui auth_file di berkas pengaturannya.": &forward.NotSent{
			Err: &queue.Error{Cause: queue.ErrCredentials, Code: 401, Keys: "auth_file"},
		},
		"antrean menjawab dengan halaman web, bukan data.": queue.ErrPage,
	} {
		m := newModel()
		m.lookup = false
		r := m.approve("Lampu di jalan kecamatan padam sejak dua minggu.")
		m.says = err
		m.round(m.engine(catalogue(t)))
		if r.Last == nil || !strings.HasSuffix(r.Last.Text, want) {
			t.Errorf("of %v, members are told %+v", err, r.Last)
		}
	}
}

// What the vault could not take is not forgotten, even if somebody decides
// meanwhile that it is lost.
func TestOutcomeIsKeptUntilItIsTaken(t *testing.T) {
	m := newModel()
	m.lookup = false
	r := m.approve("Lampu di jalan kecamatan padam sejak dua minggu.")
	m.fault = func(name string) fault {
		if name == "outcome" {
			return before
		}
		return none
	}
	e := m.engine(catalogue(t))
	m.round(e)
	r.State = accesslog.StageUnknown
	m.rows[m.approve("Jalan berlubang di depan pasar.").Digest].State = accesslog.StageDropped // so that it collects
	m.round(e)
	m.settleDown(e)
	if r.State != accesslog.StageSent || len(m.wrong) > 0 {
		t.Errorf("it is %s, %v", r.State, m.wrong)
	}
}

// Run ends with the session, and when it is asked to.
func TestRunEnds(t *testing.T) {
	m := newModel()
	ctx, stop := context.WithCancel(t.Context())
	m.fault = func(string) fault { stop(); return none }
	if err := m.engine(catalogue(t)).Run(ctx); err != nil {
		t.Error(err)
	}
}
