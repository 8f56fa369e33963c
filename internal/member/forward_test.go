package member_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/tlog"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/keyfile"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/crypto/seal"
	"suluh.example/suluh/internal/check"
	"suluh.example/suluh/internal/member"
	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/internal/testvault"
	"suluh.example/suluh/vault/membersock"
)

// Members of the tests of forwarding.
const (
	forwarder id.Member = "penerus"
	four      id.Member = "penelaah-empat" // reads and approves in "itprov"
)

// forwarding is a vault with a forwarder, a general complaint in it, and the
// sessions of who prepares and who approves.
func forwarding(t *testing.T) (w *testvault.World, prepares, approves *member.Session, of id.Case) {
	t.Helper()
	w = testvault.New(t)
	w.Join(forwarder, "Penerus", "itprov", roster.Forwarder)
	w.Send(testvault.Form("itprov"))
	prepares, approves = open(t, config(t, w, testvault.Two)), open(t, config(t, w, testvault.One))
	of = only(t, prepares)
	must(t, prepares.Triage(t.Context(), of, member.NewOnce(), member.Triage{Class: report.General}))
	return w, prepares, approves, of
}

const (
	queueTitle = "Jalan rusak"
	queueText  = "Jalan di depan pasar rusak sejak tiga bulan.\nMohon diperbaiki."
)

// approve prepares and approves a text and returns its item as it is collected.
func approve(t *testing.T, w *testvault.World, prepares, approves *member.Session, of id.Case) (*member.Session, member.Outgoing) {
	t.Helper()
	must(t, prepares.Prepare(t.Context(), of, member.NewOnce(), queueTitle, queueText))
	c, err := approves.Open(t.Context(), of)
	must(t, err)
	must(t, approves.Approve(t.Context(), of, member.NewOnce(), c.Draft.Object, false))
	f := open(t, config(t, w, forwarder))
	return f, collect(t, f)
}

// collect returns the one item that there is.
func collect(t *testing.T, f *member.Session) member.Outgoing {
	t.Helper()
	all, err := f.Collect(t.Context())
	must(t, err)
	if len(all) != 1 {
		t.Fatalf("%d items, want one", len(all))
	}
	return all[0]
}

// intact batches the day and has the whole log checked from outside.
func intact(t *testing.T, w *testvault.World) {
	t.Helper()
	_, err := w.Vault.Batch(t.Context())
	must(t, err)
	_, err = check.Verify(t.Context(), w.Vault.LogFile, w.Log)
	must(t, err)
}

// TestFromTriageToTheQueueAndBack is a complaint on its way to the main queue,
// and what the reporter sees of it.
func TestFromTriageToTheQueueAndBack(t *testing.T) {
	w := testvault.New(t)
	w.Join(forwarder, "Penerus", "itprov", roster.Forwarder)
	code := w.Send(testvault.Form("itprov"))
	prepares, approves, f := open(t, config(t, w, testvault.Two)), open(t, config(t, w, testvault.One)), open(t, config(t, w, forwarder))
	of := only(t, prepares)

	if err := prepares.Prepare(t.Context(), of, member.NewOnce(), queueTitle, queueText); !errors.Is(err, member.ErrClass) {
		t.Errorf("a case without a class: %v", err)
	}
	must(t, prepares.Triage(t.Context(), of, member.NewOnce(), member.Triage{Class: report.General, Category: "pungli"}))
	once := member.NewOnce()
	must(t, prepares.Prepare(t.Context(), of, once, queueTitle, queueText))
	must(t, prepares.Prepare(t.Context(), of, once, queueTitle, queueText)) // the form sent twice
	if n, err := f.Waiting(t.Context()); err != nil || n != 0 {
		t.Errorf("%d wait before anybody approved, %v", n, err)
	}
	c, err := approves.Open(t.Context(), of)
	must(t, err)
	if c.Draft == nil || c.Draft.Title != queueTitle || c.Draft.Text != queueText || c.Draft.By != testvault.Two || c.Draft.Class != report.General || c.Draft.Category != "pungli" || c.Forward.State != accesslog.StagePrepared {
		t.Fatalf("the approver sees %+v, %+v", c.Draft, c.Forward)
	}
	must(t, approves.Approve(t.Context(), of, member.NewOnce(), c.Draft.Object, false))
	if n, err := f.Waiting(t.Context()); err != nil || n != 1 {
		t.Errorf("%d wait, %v", n, err)
	}
	o := collect(t, f)
	if o.Err != nil || o.Case != of || o.By != testvault.One || o.State != accesslog.StageApproved || o.Item.Title != queueTitle || o.Item.Text != queueText || o.Item.Class != report.General ||
		o.Item.Category != "pungli" || o.Item.Unit != "itprov" || o.Item.Language != "id" || o.Item.Draft != c.Draft.Object || o.Item.Prepared != testvault.Two || len(o.Item.Reference) != 24 || o.Last != nil {
		t.Fatalf("collected: %+v", o)
	}
	must(t, f.Begin(t.Context(), o))
	if err := f.Begin(t.Context(), o); !errors.Is(err, membersock.ErrState) {
		t.Errorf("begun a second time: %v", err)
	}
	must(t, f.Outcome(t.Context(), o, report.Outcome{Result: accesslog.ResultSent, Tracking: "1234567", Link: "https://antrean.example/1234567"},
		&report.Answer{Status: report.Forwarded, Text: "Nomor di antrean: 1234567"}))
	v := w.Look(code)
	if v.Status != report.Forwarded || len(v.Messages) < 1 || v.Messages[0].By != forwarder || !strings.Contains(v.Messages[0].Text, "1234567") || len(v.Warnings) != 0 {
		t.Errorf("the reporter sees %+v", v)
	}
	i := list(t, approves)[0]
	if i.Err != nil || i.Status != report.Forwarded || i.Class != report.General || i.Forward.State != accesslog.StageSent || i.Outcome == nil || i.Outcome.Tracking != "1234567" {
		t.Errorf("listed: %+v, %+v", i, i.Outcome)
	}

	// The queue's news, of which only what changed is said, and its last word.
	o = collect(t, f)
	if o.State != accesslog.StageSent || o.Last == nil || o.Last.Tracking != "1234567" || o.Last.Status != report.Forwarded {
		t.Fatalf("collected after sending: %+v", o)
	}
	must(t, f.Outcome(t.Context(), o, report.Outcome{Result: accesslog.ResultStatus, Word: "Dalam Proses"}, nil))
	o = collect(t, f)
	if o.Last.Tracking != "1234567" || o.Last.Link != "https://antrean.example/1234567" || o.Last.Word != "Dalam Proses" || o.Last.Status != report.Forwarded {
		t.Errorf("news left out what was known: %+v", o.Last)
	}
	must(t, f.Outcome(t.Context(), o, report.Outcome{Result: accesslog.ResultDone, Word: "Selesai", Status: report.Closed, Text: "Jalan sudah diperbaiki.", Final: true},
		&report.Answer{Status: report.Closed, Text: "Jalan sudah diperbaiki."}))
	if v := w.Look(code); v.Status != report.Closed || len(v.Warnings) != 0 {
		t.Errorf("at the end the reporter sees %+v", v)
	}
	if all, err := f.Collect(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("collected at the end: %+v, %v", all, err)
	}
	c, err = prepares.Open(t.Context(), of)
	must(t, err)
	if c.Status != report.Closed || c.Forward.State != accesslog.StageDone || len(c.Outcomes) != 3 || c.Outcomes[2].Text != "Jalan sudah diperbaiki." || c.Outcomes[0].By != forwarder || len(c.Unopened) != 0 {
		t.Errorf("the case at the end: %+v", c)
	}
	if i := list(t, open(t, config(t, w, testvault.One)))[0]; i.Status != report.Closed || i.Err != nil {
		t.Errorf("listed at the end: %+v", i)
	}
	intact(t, w)
}

// TestAStatusByHandCounts: the newest of what a member sets and of what the
// forwarder tells is the status, and each leaves alone what else a state says.
func TestAStatusByHandCounts(t *testing.T) {
	w, prepares, approves, of := forwarding(t)
	must(t, prepares.Triage(t.Context(), of, member.NewOnce(), member.Triage{Category: "pungli", Title: "Jalan di pasar"}))
	stale, err := approves.Open(t.Context(), of)
	must(t, err)
	must(t, prepares.Triage(t.Context(), of, member.NewOnce(), member.Triage{Class: report.Aspiration}))
	must(t, approves.SetStatus(t.Context(), of, member.NewOnce(), report.Verifying, ""))
	i := list(t, prepares)[0]
	if i.Class != report.Aspiration || i.Category != "pungli" || i.Title != "Jalan di pasar" || i.Status != report.Verifying || i.Due.IsZero() || stale.Class != report.General {
		t.Errorf("a status took away what was triaged: %+v", i)
	}
	must(t, approves.Triage(t.Context(), of, member.NewOnce(), member.Triage{Class: report.General}))
	if j := list(t, prepares)[0]; j.Status != report.Verifying || j.Due != i.Due || j.Since != i.Since || j.Category != "pungli" {
		t.Errorf("a triage took away the status: %+v", j)
	}
	f, o := approve(t, w, prepares, approves, of)
	must(t, f.Begin(t.Context(), o))
	must(t, f.Outcome(t.Context(), o, report.Outcome{Result: accesslog.ResultSent, Tracking: "7"}, nil))
	later := config(t, w, testvault.One)
	later.Now = func() time.Time { return time.Now().Add(time.Minute) }
	must(t, open(t, later).SetStatus(t.Context(), of, member.NewOnce(), report.Investigating, ""))
	c, err := prepares.Open(t.Context(), of)
	must(t, err)
	if i := list(t, prepares)[0]; i.Status != report.Investigating || c.Status != report.Investigating || c.Forward.State != accesslog.StageSent {
		t.Errorf("a status set after sending: listed %s, opened %s", i.Status, c.Status)
	}
}

// TestWhatStaysInTheVault: nothing goes on of what the reporter asked to keep, nor
// of what has to do with oversight, however late that is said.
func TestWhatStaysInTheVault(t *testing.T) {
	w := testvault.New(t)
	w.Join(forwarder, "Penerus", "itprov", roster.Forwarder)
	form := testvault.Form("itprov")
	form.Report.Keep = true
	w.Send(form)
	prepares, approves := open(t, config(t, w, testvault.Two)), open(t, config(t, w, testvault.One))
	of := only(t, prepares)
	must(t, prepares.Triage(t.Context(), of, member.NewOnce(), member.Triage{Class: report.General}))
	if err := prepares.Prepare(t.Context(), of, member.NewOnce(), queueTitle, queueText); !errors.Is(err, member.ErrKeep) {
		t.Errorf("the reporter asked that it be kept: %v", err)
	}

	if err := approves.Approve(t.Context(), of, member.NewOnce(), id.DigestOf(nil), false); !errors.Is(err, member.ErrKeep) {
		t.Errorf("approved although the reporter asked that it be kept: %v", err)
	}

	w, prepares, approves, of = forwarding(t)
	must(t, prepares.Prepare(t.Context(), of, member.NewOnce(), queueTitle, queueText))
	must(t, prepares.Triage(t.Context(), of, member.NewOnce(), member.Triage{Class: report.Oversight}))
	c, err := approves.Open(t.Context(), of)
	must(t, err)
	if err := approves.Approve(t.Context(), of, member.NewOnce(), c.Draft.Object, false); !errors.Is(err, member.ErrClass) {
		t.Errorf("approved although it has to do with oversight: %v", err)
	}
	must(t, approves.Decide(t.Context(), of, member.NewOnce(), member.Decision{Item: c.Draft.Object, Result: accesslog.ResultDropped}))
	must(t, prepares.Triage(t.Context(), of, member.NewOnce(), member.Triage{Class: report.General}))
	approve(t, w, prepares, approves, of)
	if err := prepares.Triage(t.Context(), of, member.NewOnce(), member.Triage{Class: report.Oversight}); !errors.Is(err, member.ErrPending) {
		t.Errorf("an approved text goes on although its case has to do with oversight: %v", err)
	}
}

// TestTextsOfAnySize are taken as long as they can be, and refused with a word
// why before anything is recorded.
func TestTextsOfAnySize(t *testing.T) {
	w, prepares, approves, of := forwarding(t)
	for name, x := range map[string]struct {
		title, text string
		want        error
	}{
		"no title":            {" ", "x", member.ErrEmpty},
		"no text":             {"x", "\n", member.ErrEmpty},
		"title of two lines":  {"a\nb", "x", member.ErrLong},
		"title too long":      {strings.Repeat("ñ", 201), "x", member.ErrLong},
		"text too long":       {"x", strings.Repeat("1", 1<<20+1), member.ErrLong},
		"text that grows":     {"x", strings.Repeat("<\x01", 1<<19), member.ErrLong},
		"a megabyte of lines": {strings.Repeat("ñ", 200), strings.Repeat("123456789\n", 1<<20/10-1) + "9", nil},
		"other scripts":       {"جواز \u202e terbalik", "<b>teks</b> & lain\u2028 \U0001F600 \x00", nil},
	} {
		if err := prepares.Prepare(t.Context(), of, member.NewOnce(), x.title, x.text); !errors.Is(err, x.want) {
			t.Errorf("%s: %v", name, err)
		}
		if x.want != nil {
			continue
		}
		c, err := approves.Open(t.Context(), of)
		must(t, err)
		if c.Draft == nil || c.Draft.Title != x.title || c.Draft.Text != x.text {
			t.Fatalf("%s: the approver sees something else", name)
		}
		must(t, approves.Approve(t.Context(), of, member.NewOnce(), c.Draft.Object, false))
		f := open(t, config(t, w, forwarder))
		o := collect(t, f)
		if o.Err != nil || o.Item.Title != x.title || o.Item.Text != x.text {
			t.Fatalf("%s: the forwarder gets something else, %v", name, o.Err)
		}
		must(t, f.Outcome(t.Context(), o, report.Outcome{Result: accesslog.ResultStopped, Link: "javascript:alert(1)"}, nil))
		if i := list(t, approves)[0]; i.Outcome == nil || i.Outcome.Link != "" {
			t.Errorf("%s: stopped: %+v", name, i.Outcome)
		}
	}
}

// TestWhoApproves: another approver of the unit, of the very text that he was
// shown, while who prepared it is a member.
func TestWhoApproves(t *testing.T) {
	w, prepares, approves, of := forwarding(t)
	once := func() member.Once { return member.NewOnce() }
	must(t, approves.Prepare(t.Context(), of, once(), queueTitle, queueText))
	c, err := approves.Open(t.Context(), of)
	must(t, err)
	if err := approves.Approve(t.Context(), of, once(), c.Draft.Object, true); !errors.Is(err, member.ErrSelf) {
		t.Errorf("approved by who prepared it: %v", err)
	}
	if err := prepares.Approve(t.Context(), of, once(), c.Draft.Object, false); !errors.Is(err, member.ErrApprover) {
		t.Errorf("approved by a reader: %v", err)
	}

	// The text was exchanged since it was shown.
	must(t, prepares.Prepare(t.Context(), of, once(), queueTitle, "Teks lain."))
	if err := approves.Approve(t.Context(), of, once(), c.Draft.Object, false); !errors.Is(err, member.ErrDraft) {
		t.Errorf("approved a text that was exchanged: %v", err)
	}

	// Back to who prepared it, with a word why.
	c, err = approves.Open(t.Context(), of)
	must(t, err)
	if err := approves.Decide(t.Context(), of, once(), member.Decision{Item: c.Draft.Object, Result: accesslog.ResultReturned}); !errors.Is(err, member.ErrReason) {
		t.Errorf("sent back without a reason: %v", err)
	}
	if err := prepares.Decide(t.Context(), of, once(), member.Decision{Item: c.Draft.Object, Result: accesslog.ResultDropped}); !errors.Is(err, member.ErrApprover) {
		t.Errorf("dropped by a reader: %v", err)
	}
	must(t, approves.Decide(t.Context(), of, once(), member.Decision{Item: c.Draft.Object, Result: accesslog.ResultReturned, Reason: "Sebut pasarnya."}))
	c, err = prepares.Open(t.Context(), of)
	must(t, err)
	if c.Forward.State != accesslog.StageReturned || len(c.Outcomes) != 1 || c.Outcomes[0].Text != "Sebut pasarnya." || c.Outcomes[0].By != testvault.One || c.Status != report.Received {
		t.Errorf("sent back: %+v", c)
	}
	if err := approves.Approve(t.Context(), of, once(), c.Draft.Object, false); !errors.Is(err, membersock.ErrState) {
		t.Errorf("approved what was sent back: %v", err)
	}

	// The class was decided otherwise since.
	must(t, prepares.Prepare(t.Context(), of, once(), queueTitle, queueText))
	must(t, prepares.Triage(t.Context(), of, once(), member.Triage{Class: report.Aspiration}))
	c, err = approves.Open(t.Context(), of)
	must(t, err)
	if err := approves.Approve(t.Context(), of, once(), c.Draft.Object, false); !errors.Is(err, member.ErrClass) {
		t.Errorf("approved as of another class: %v", err)
	}
	must(t, prepares.Triage(t.Context(), of, once(), member.Triage{Class: report.General}))

	// Another unit handles it, so its approvers decide.
	must(t, prepares.Refer(t.Context(), of, "itjen", false))
	if err := approves.Approve(t.Context(), of, once(), c.Draft.Object, false); !errors.Is(err, member.ErrApprover) {
		t.Errorf("approved by an approver of the unit that had it before: %v", err)
	}
	if err := approves.Decide(t.Context(), of, once(), member.Decision{Item: c.Draft.Object, Result: accesslog.ResultDropped}); !errors.Is(err, member.ErrApprover) {
		t.Errorf("dropped by an approver of the unit that had it before: %v", err)
	}
	must(t, prepares.Refer(t.Context(), of, "itprov", false))

	// Who prepared it left.
	must(t, prepares.Prepare(t.Context(), of, once(), queueTitle, queueText))
	w.Remove(testvault.Two)
	c, err = approves.Open(t.Context(), of)
	must(t, err)
	if err := approves.Approve(t.Context(), of, once(), c.Draft.Object, false); !errors.Is(err, member.ErrLeft) {
		t.Errorf("approved what somebody prepared who left: %v", err)
	}
	intact(t, w)
}

// TestAloneWhereTheRosterSaysSo: in a unit of one person he approves what he
// prepared, and the record says so.
func TestAloneWhereTheRosterSaysSo(t *testing.T) {
	w, _, approves, of := forwarding(t)
	w.Change(func(r *roster.Roster) {
		for i := range r.Units {
			r.Units[i].Alone = r.Units[i].ID == "itprov"
		}
	})
	must(t, approves.Prepare(t.Context(), of, member.NewOnce(), queueTitle, queueText))
	c, err := approves.Open(t.Context(), of)
	must(t, err)
	if err := approves.Approve(t.Context(), of, member.NewOnce(), c.Draft.Object, false); !errors.Is(err, member.ErrSelf) {
		t.Errorf("alone without saying so: %v", err)
	}
	must(t, approves.Approve(t.Context(), of, member.NewOnce(), c.Draft.Object, true))
	c, err = approves.Open(t.Context(), of)
	must(t, err)
	if !slices.ContainsFunc(c.Access, func(e membersock.AccessEntry) bool {
		return e.Action == accesslog.ApproveAlone && e.Member == testvault.One
	}) {
		t.Error("no record says that one person did both")
	}
	f := open(t, config(t, w, forwarder))
	if o := collect(t, f); o.Err != nil {
		t.Errorf("collected: %v", o.Err)
	}
	intact(t, w)

	// Once the roster says so no more, what he approved alone isn't sent.
	w.Change(func(r *roster.Roster) {
		for i := range r.Units {
			r.Units[i].Alone = false
		}
	})
	if o := collect(t, f); !errors.Is(o.Err, member.ErrSelf) {
		t.Errorf("collected after the roster changed: %v", o.Err)
	}
}

// TestWhatAMachineCantDecide: an approver decides on items of an unknown fate.
func TestWhatAMachineCantDecide(t *testing.T) {
	w, prepares, approves, of := forwarding(t)
	f, o := approve(t, w, prepares, approves, of)
	must(t, f.Begin(t.Context(), o))
	must(t, f.Outcome(t.Context(), o, report.Outcome{Result: accesslog.ResultUnknown, Text: "tidak ada jawaban"}, nil))
	i := list(t, approves)[0]
	if i.Forward.State != accesslog.StageUnknown || i.Outcome.Reference != o.Item.Reference || i.Status != report.Received {
		t.Fatalf("unknown: %+v, %+v", i, i.Outcome)
	}
	if err := approves.Decide(t.Context(), of, member.NewOnce(), member.Decision{Item: id.DigestOf(nil), Result: accesslog.ResultSent}); !errors.Is(err, member.ErrDraft) {
		t.Errorf("decided of another item: %v", err)
	}
	if err := approves.Decide(t.Context(), of, member.NewOnce(), member.Decision{Item: o.Digest, Result: accesslog.ResultRefused}); !errors.Is(err, member.ErrDecision) {
		t.Errorf("decided what only a forwarder tells: %v", err)
	}
	once := member.NewOnce()
	d := member.Decision{Item: o.Digest, Result: accesslog.ResultSent, Tracking: "7654321", Reason: "ada di antrean"}
	must(t, approves.Decide(t.Context(), of, once, d))
	must(t, approves.Decide(t.Context(), of, once, d)) // the form sent twice
	o = collect(t, f)
	if o.State != accesslog.StageSent || o.Last.Tracking != "7654321" || o.Last.Reference != o.Item.Reference || o.Last.Status != report.Forwarded {
		t.Errorf("the forwarder learns %+v", o.Last)
	}
	if err := f.Begin(t.Context(), o); !errors.Is(err, membersock.ErrState) {
		t.Errorf("begun again what is sent: %v", err)
	}
	intact(t, w)
}

// TestDuplicates are linked both ways, to the first of them, and nothing is
// deleted.
func TestDuplicates(t *testing.T) {
	w := testvault.New(t)
	for range 3 {
		w.Send(testvault.Form("itprov"))
	}
	w.Send(testvault.Form("itprov", testvault.Two))
	s := open(t, config(t, w, testvault.Two))
	var all []id.Case
	for _, i := range list(t, s) {
		all = append(all, i.Case)
	}
	if len(all) != 3 {
		t.Fatalf("%d cases", len(all))
	}
	same := func(of, as id.Case) error {
		return s.Triage(t.Context(), of, member.NewOnce(), member.Triage{SameAs: as})
	}
	must(t, same(all[1], all[0]))
	must(t, same(all[2], all[1])) // which is a duplicate of the first
	items := list(t, s)
	if d := member.Duplicates(items, all[0]); len(d) != 2 {
		t.Errorf("%d duplicates of the first", len(d))
	}
	c, err := s.Open(t.Context(), all[2])
	must(t, err)
	if c.SameAs != all[0] || len(c.Messages) != 1 {
		t.Errorf("the duplicate of a duplicate: %+v", c)
	}
	var hidden id.Case
	for _, i := range list(t, open(t, config(t, w, testvault.One))) {
		if !slices.Contains(all, i.Case) {
			hidden = i.Case
		}
	}
	for name, x := range map[string]struct {
		of, as id.Case
		want   error
	}{
		"of itself":            {all[0], all[0], member.ErrSame},
		"of its own duplicate": {all[0], all[1], member.ErrSame},
		"of one not seen":      {all[1], hidden, member.ErrSame},
	} {
		if err := same(x.of, x.as); !errors.Is(err, x.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	w.Send(testvault.Form("itprov"))
	for _, i := range list(t, s) {
		if !slices.Contains(all, i.Case) {
			if err := same(all[0], i.Case); !errors.Is(err, member.ErrHead) {
				t.Errorf("the head of others: %v", err)
			}
		}
	}
	must(t, same(all[1], ""))
	if d := member.Duplicates(list(t, s), all[0]); len(d) != 1 {
		t.Errorf("%d duplicates after one was taken back", len(d))
	}
}

// TestReferral gives a case to another unit: who was excluded or has a conflict
// gets no key, and with the end of the first unit's access nobody there has one.
func TestReferral(t *testing.T) {
	w := testvault.New(t)
	const excluded, conflicted id.Member = "penelaah-lima", "penelaah-enam"
	w.Join(excluded, "Penelaah Lima", "itjen", roster.Reader)
	w.Join(conflicted, "Penelaah Enam", "itjen", roster.Reader)
	w.Change(func(r *roster.Roster) {
		for i := range r.Units {
			sheet, err := age.GenerateHybridIdentity()
			must(t, err)
			r.Units[i].Recovery = sheet.Recipient().String()
		}
	})
	code := w.Send(testvault.Form("itprov", excluded))
	one, two, three, six := open(t, config(t, w, testvault.One)), open(t, config(t, w, testvault.Two)), open(t, config(t, w, testvault.Three)), open(t, config(t, w, conflicted))
	of := only(t, one)

	if err := one.Refer(t.Context(), of, "nirwana", false); !errors.Is(err, member.ErrNoUnit) {
		t.Errorf("to no unit: %v", err)
	}
	must(t, one.Refer(t.Context(), of, "itjen", false))
	c, err := one.Open(t.Context(), of)
	must(t, err)
	if want := []id.Member{testvault.Two, conflicted, testvault.One, testvault.Three, "recovery-itjen", "recovery-itprov"}; c.Handling != "itjen" || c.Unit != "itprov" || len(c.Readers) != len(want) || !contains(c.Readers, want...) {
		t.Errorf("referred: handled by %s, read by %v", c.Handling, c.Readers)
	}
	five := open(t, config(t, w, excluded))
	if n := len(list(t, five)); n != 0 {
		t.Errorf("who was excluded has %d cases", n)
	}
	if _, err := five.Open(t.Context(), of); !errors.Is(err, membersock.ErrNoWrap) {
		t.Errorf("who was excluded opens the case: %v", err)
	}
	// The record doesn't tell who was left out: auditors see the whole unit.
	if got, want := referred(t, w), []id.Member{"recovery-itjen", testvault.Three, excluded, conflicted}; !slices.Equal(got, want) {
		t.Errorf("the record names %v, want %v", got, want)
	}
	if err := c.MayGrant(w.Roster, excluded); !errors.Is(err, member.ErrExcluded) {
		t.Errorf("who was excluded may be given access: %v", err)
	}
	w.Join(four, "Penelaah Empat", "itprov", roster.Reader, roster.Approver)
	if err := c.MayGrant(w.Roster, four); !errors.Is(err, member.ErrUnit) {
		t.Errorf("a reader of the first unit may be given access: %v", err)
	}
	must(t, six.Revoke(t.Context(), of, conflicted))

	// Back, and once more, now with the end of the first unit's access.
	must(t, three.SetStatus(t.Context(), of, member.NewOnce(), report.Reviewing, ""))
	if items := list(t, two); items[0].Handling != "itjen" {
		t.Errorf("a status gave the case back to %s", items[0].Handling)
	}
	must(t, two.Refer(t.Context(), of, "itprov", false)) // which gives him another wrap than the deposit's
	if items := list(t, two); len(items) != 1 || items[0].Handling != "itprov" {
		t.Errorf("back: %+v", items)
	}
	if n := len(list(t, open(t, config(t, w, four)))); n != 1 {
		t.Errorf("who came since has %d cases", n)
	}
	must(t, two.SetStatus(t.Context(), of, member.NewOnce(), report.Verifying, ""))
	must(t, two.Refer(t.Context(), of, "itjen", true))
	c, err = three.Open(t.Context(), of)
	must(t, err)
	if c.Handling != "itjen" || len(c.Readers) != 2 || !contains(c.Readers, testvault.Three, "recovery-itjen") || c.Status != report.Verifying || len(c.Unopened) != 0 {
		t.Errorf("with the end of access: %+v", c.Item)
	}
	for _, s := range []*member.Session{one, two, six} {
		if n := len(list(t, s)); n != 0 {
			t.Errorf("%s still has %d cases", s.Member(), n)
		}
		if _, err := s.Open(t.Context(), of); !errors.Is(err, membersock.ErrNoWrap) {
			t.Errorf("%s opens it: %v", s.Member(), err)
		}
	}
	must(t, three.Reply(t.Context(), of, member.NewOnce(), "Kami yang menangani sekarang."))
	if v := w.Look(code); len(v.Warnings) != 0 || v.Messages[0].By != testvault.Three {
		t.Errorf("the reporter sees %+v", v)
	}
	intact(t, w)
}

// referred returns whom the newest record of a referral names.
func referred(t *testing.T, w *testvault.World) (readers []id.Member) {
	t.Helper()
	checkpoint, err := w.Vault.LogFile(t.Context(), "checkpoint")
	must(t, err)
	tree, err := accesslog.OpenCheckpoint(checkpoint, w.Log)
	must(t, err)
	bundle, err := w.Vault.LogFile(t.Context(), accesslog.TilePath(tlog.Tile{H: accesslog.TileHeight, L: -1, W: int(tree.N)}))
	must(t, err)
	leaves, err := accesslog.Entries(bundle)
	must(t, err)
	for _, leaf := range leaves {
		r, err := accesslog.ParseRecord(leaf)
		must(t, err)
		if r.Kind != accesslog.KindStatement {
			continue
		}
		s, err := accesslog.ReadStatement(r.Statement)
		must(t, err)
		if s.Action == accesslog.Refer {
			readers = s.Refer.Readers
		}
	}
	return readers
}

// TestReferralToALargeUnit: all its readers get a key, and the access of others
// ends once they have.
func TestReferralToALargeUnit(t *testing.T) {
	w := testvault.New(t)
	var last id.Member
	w.Change(func(r *roster.Roster) {
		for n := range 70 {
			last = id.Member(fmt.Sprintf("penelaah-besar-%d", n))
			i, err := keyfile.New(last)
			must(t, err)
			w.Who[last] = i
			r.Members = append(r.Members, roster.Member{
				ID: last, Name: "Penelaah Besar", Unit: "itjen", Roles: []roster.Role{roster.Reader}, Recipient: i.Recipient(), Key: i.VerifierKey(), Since: w.Day,
			})
		}
	})
	w.Send(testvault.Form("itprov"))
	one := open(t, config(t, w, testvault.One))
	of := only(t, one)
	must(t, one.Refer(t.Context(), of, "itjen", true))
	c, err := open(t, config(t, w, last)).Open(t.Context(), of)
	must(t, err)
	if len(c.Readers) != 71 || contains(c.Readers, testvault.One) || c.Handling != "itjen" || c.Status != report.Received {
		t.Errorf("read by %d, handled by %s", len(c.Readers), c.Handling)
	}
	if _, err := one.Open(t.Context(), of); !errors.Is(err, membersock.ErrNoWrap) {
		t.Errorf("who referred it still opens it: %v", err)
	}
	intact(t, w)
}

func contains(all []id.Member, want ...id.Member) bool {
	return !slices.ContainsFunc(want, func(m id.Member) bool { return !slices.Contains(all, m) })
}

// TestAVaultThatExchangesTexts is caught by who reads them.
func TestAVaultThatExchangesTexts(t *testing.T) {
	w, prepares, approves, of := forwarding(t)
	must(t, prepares.Prepare(t.Context(), of, member.NewOnce(), queueTitle, "Teks pertama."))
	before, err := approves.Open(t.Context(), of)
	must(t, err)
	old := before.Draft.Object
	must(t, approves.Decide(t.Context(), of, member.NewOnce(), member.Decision{Item: old, Result: accesslog.ResultReturned, Reason: "Masih ada nama."}))
	must(t, prepares.Prepare(t.Context(), of, member.NewOnce(), queueTitle, "Teks kedua."))

	// The vault shows the text that was sent back.
	liar := &testvault.Liar{Vault: w.Vault, Head: func(a *membersock.ActAnswer) {
		if a.Case != nil && a.Case.Forward != nil {
			a.Case.Forward.Draft = old
		}
	}}
	lied := config(t, w, testvault.One)
	lied.Vault = membersock.NewClient(w.Listen("dusta.sock", membersock.Handler(liar)))
	s := open(t, lied)
	c, err := s.Open(t.Context(), of)
	must(t, err)
	if c.Draft != nil || !slices.ContainsFunc(c.Unopened, func(u member.Unopened) bool { return errors.Is(u.Err, member.ErrDraft) }) {
		t.Errorf("an older text is shown: %+v, %+v", c.Draft, c.Unopened)
	}
	if err := s.Approve(t.Context(), of, member.NewOnce(), old, false); !errors.Is(err, member.ErrDraft) {
		t.Errorf("an older text is approved: %v", err)
	}

	// It hides the newer one, too.
	hides := liar.Head
	liar.Head = func(a *membersock.ActAnswer) {
		hides(a)
		if a.Case != nil {
			a.Case.Objects = slices.DeleteFunc(a.Case.Objects, func(o membersock.CaseObject) bool { return o.Role == id.RoleDraft && o.Digest != old })
		}
	}
	if c, err = s.Open(t.Context(), of); err != nil || c.Draft != nil {
		t.Errorf("an older text is shown where the newer is hidden: %+v, %v", c.Draft, err)
	}

	// It says that another prepared it, so that this one may approve.
	must(t, approves.Prepare(t.Context(), of, member.NewOnce(), queueTitle, "Teks ketiga."))
	liar.Head = func(a *membersock.ActAnswer) {
		if a.Case != nil && a.Case.Forward != nil {
			a.Case.Forward.Prepared = testvault.Two
			for i := range a.Case.Objects {
				if a.Case.Objects[i].Role == id.RoleDraft {
					a.Case.Objects[i].By = testvault.Two
				}
			}
		}
	}
	c, err = s.Open(t.Context(), of)
	must(t, err)
	if c.Draft != nil {
		t.Errorf("somebody else's text is shown as another's: %+v", c.Draft)
	}
	liar.Head = func(a *membersock.ActAnswer) { // in the records alone
		if a.Case != nil && a.Case.Forward != nil {
			a.Case.Forward.Prepared = testvault.Two
			for i := range a.Case.Access {
				if a.Case.Access[i].Action == accesslog.PrepareForward {
					a.Case.Access[i].Member = testvault.Two
				}
			}
		}
	}
	c, err = open(t, lied).Open(t.Context(), of)
	must(t, err)
	if c.Draft != nil {
		t.Errorf("the records are said to be another's: %+v", c.Draft)
	}
}

// TestAForwarderBelievesNoStranger about what became of an item.
func TestAForwarderBelievesNoStranger(t *testing.T) {
	w, prepares, approves, of := forwarding(t)
	f, o := approve(t, w, prepares, approves, of)
	must(t, f.Begin(t.Context(), o))
	must(t, f.Outcome(t.Context(), o, report.Outcome{Result: accesslog.ResultSent, Tracking: "1"}, nil))
	o = collect(t, f)
	for name, x := range map[string]struct {
		by   id.Member
		item id.Digest
		want error
	}{
		"an approver's":    {testvault.One, o.Digest, nil},
		"a reader's":       {testvault.Two, o.Digest, member.ErrSigner},
		"of another item":  {forwarder, id.DigestOf(nil), member.ErrSigner},
		"of another draft": {testvault.One, o.Item.Draft, member.ErrSigner},
	} {
		d := *o.Last
		d.Item, d.Tracking = x.item, "9"
		doc, err := report.Sign(d, w.Who[x.by].Signer())
		must(t, err)
		to, err := seal.ParseRecipient(w.Who[forwarder].Recipient())
		must(t, err)
		b, err := seal.SealDocument(doc, seal.DocumentFloor, to)
		must(t, err)
		liar := &testvault.Liar{Vault: w.Vault, Head: func(a *membersock.ActAnswer) {
			for i := range a.Items {
				a.Items[i].Outcome = id.DigestOf(b)
			}
		}, Swap: func(d id.Object) []byte {
			if d.Role == id.RoleOutcome {
				return b
			}
			return nil
		}}
		lied := config(t, w, forwarder)
		lied.Vault = membersock.NewClient(w.Listen("d"+id.DigestOf([]byte(name)).String()[:8]+".sock", membersock.Handler(liar)))
		got := collect(t, open(t, lied))
		if !errors.Is(got.Err, x.want) || (got.Last != nil) != (x.want == nil) {
			t.Errorf("%s: %v, %+v", name, got.Err, got.Last)
		}
	}
}

// TestAnApproverWhoApprovesSomethingElse: who has the case sees that what was
// approved isn't what was prepared, or that the approver hid it.
func TestAnApproverWhoApprovesSomethingElse(t *testing.T) {
	w, prepares, approves, of := forwarding(t)
	must(t, prepares.Prepare(t.Context(), of, member.NewOnce(), queueTitle, queueText))
	older, err := approves.Open(t.Context(), of)
	must(t, err)
	must(t, prepares.Prepare(t.Context(), of, member.NewOnce(), queueTitle, "Jalan rusak, mohon diperbaiki."))
	c, err := approves.Open(t.Context(), of)
	must(t, err)
	exported, err := approves.Export(t.Context(), of)
	must(t, err)
	key := exported.Key()
	must(t, exported.Close())
	forwards, err := seal.ParseRecipient(w.Who[forwarder].Recipient())
	must(t, err)
	good := report.Item{
		V: 1, Case: of, Recipient: key.Recipient().String(), Reporter: c.Reporter, Language: "id", Draft: c.Draft.Object, Prepared: testvault.Two,
		Reference: strings.Repeat("a", 24), Class: report.General, Category: c.Draft.Category, Unit: "itprov", Day: w.Day, Title: c.Draft.Title, Text: c.Draft.Text,
	}
	for name, x := range map[string]struct {
		change func(*report.Item)
		hidden bool // from the case
		want   error
	}{
		"the text that was prepared":  {func(*report.Item) {}, false, nil},
		"another text":                {func(d *report.Item) { d.Text += " Pelapor: Bapak A." }, false, member.ErrItem},
		"another title":               {func(d *report.Item) { d.Title = "Lain" }, false, member.ErrItem},
		"another class":               {func(d *report.Item) { d.Class = report.Aspiration }, false, member.ErrItem},
		"another who prepared":        {func(d *report.Item) { d.Prepared = testvault.One }, false, member.ErrItem},
		"another recipient":           {func(d *report.Item) { d.Recipient = d.Reporter }, false, member.ErrItem},
		"a text that was replaced":    {func(d *report.Item) { d.Draft, d.Text = older.Draft.Object, older.Draft.Text }, false, member.ErrItem},
		"what only the forwarder has": {func(*report.Item) {}, true, seal.ErrNoKey},
	} {
		t.Run(name, func(t *testing.T) {
			d := good
			x.change(&d)
			doc, err := report.Sign(d, w.Who[testvault.One].Signer())
			must(t, err)
			to := []age.Recipient{forwards, key.Recipient()}
			if x.hidden {
				to = to[:1]
			}
			b, err := seal.SealDocument(doc, seal.DocumentFloor, to...)
			must(t, err)
			item := seal.Describe(id.RoleItem, b)
			st := accesslog.Statement{
				Log: testvault.Origin, Action: accesslog.ApproveForward, Member: testvault.One, Case: of, Item: c.Draft.Object, Objects: []id.Object{item},
				Nonce: [16]byte(item.Digest[:16]), Time: time.Now(), Seen: accesslog.EmptyTree(),
			}
			signed, err := st.Sign(w.Who[testvault.One].Signer())
			must(t, err)
			a, err := w.Member.Act(t.Context(), signed, nil, []membersock.Handed{{Object: item, Sealed: b}})
			must(t, err)
			must(t, a.Close())
			seen, err := prepares.Open(t.Context(), of)
			must(t, err)
			var got error
			for _, u := range seen.Unopened {
				if u.Digest == item.Digest {
					got = u.Err
				}
			}
			if !errors.Is(got, x.want) {
				t.Errorf("who prepared it is told %v, want %v", got, x.want)
			}
			// Back to a draft, for the next.
			must(t, approves.Decide(t.Context(), of, member.NewOnce(), member.Decision{Item: item.Digest, Result: accesslog.ResultDropped}))
			must(t, prepares.Prepare(t.Context(), of, member.NewOnce(), c.Draft.Title, c.Draft.Text))
			c, err = prepares.Open(t.Context(), of)
			must(t, err)
			good.Draft = c.Draft.Object
		})
	}
}

// TestWhatAForwarderHasDoesNotComeAgain: a collect brings what is new, and is checked
// whole all the same.
func TestWhatAForwarderHasDoesNotComeAgain(t *testing.T) {
	w, prepares, approves, of := forwarding(t)
	approve(t, w, prepares, approves, of)
	var came []id.Role
	watched := config(t, w, forwarder)
	watched.Vault = membersock.NewClient(w.Listen("watched.sock", membersock.Handler(&testvault.Liar{Vault: w.Vault, Object: func(o id.Object, b []byte) []byte {
		came = append(came, o.Role)
		return b
	}})))
	f := open(t, watched)
	collects := func(want ...id.Role) member.Outgoing {
		t.Helper()
		came = nil
		o := collect(t, f)
		must(t, o.Err)
		if o.Item.Text == "" || !slices.Equal(came, want) {
			t.Errorf("there came %q, not %q, for %+v", came, want, o)
		}
		return o
	}
	o := collects(id.RoleItem)
	collects()
	must(t, f.Begin(t.Context(), o))
	must(t, f.Outcome(t.Context(), collects(), report.Outcome{Result: accesslog.ResultSent, Tracking: "1234567"}, nil))
	collects(id.RoleOutcome)
	if o = collects(); o.Last == nil || o.Last.Tracking != "1234567" {
		t.Errorf("what became of it: %+v", o.Last)
	}
	w.Join(four, "Penelaah Empat", "itprov", roster.Reader, roster.Approver)
	w.Remove(testvault.One)
	if o := collect(t, f); !errors.Is(o.Err, member.ErrLeft) {
		t.Errorf("of what came before its approver left: %v", o.Err)
	}
}

// TestAForwarderSendsNothingThatNobodyApproved, whatever the vault hands it.
func TestAForwarderSendsNothingThatNobodyApproved(t *testing.T) {
	w, prepares, approves, of := forwarding(t)
	w.Send(testvault.Form("itprov"))
	var other id.Case
	for _, i := range list(t, prepares) {
		if i.Case != of {
			other = i.Case
		}
	}
	must(t, prepares.Triage(t.Context(), other, member.NewOnce(), member.Triage{Class: report.General}))
	_, o := approve(t, w, prepares, approves, of)
	must(t, prepares.Prepare(t.Context(), other, member.NewOnce(), queueTitle, queueText))
	c, err := approves.Open(t.Context(), other)
	must(t, err)
	must(t, approves.Approve(t.Context(), other, member.NewOnce(), c.Draft.Object, false))

	forged := func(by id.Member, change func(*report.Item)) []byte {
		d := o.Item
		if change != nil {
			change(&d)
		}
		doc, err := report.Sign(d, w.Who[by].Signer())
		must(t, err)
		to, err := seal.ParseRecipient(w.Who[forwarder].Recipient())
		must(t, err)
		b, err := seal.SealDocument(doc, seal.DocumentFloor, to)
		must(t, err)
		return b
	}
	items, err := open(t, config(t, w, forwarder)).Collect(t.Context())
	must(t, err)
	i := slices.IndexFunc(items, func(x member.Outgoing) bool { return x.Case == other })

	for name, x := range map[string]struct {
		bytes []byte // in the place of the item
		head  func(*membersock.Collected)
		want  error
	}{
		"signed by a reader":                       {bytes: forged(testvault.Two, nil), want: member.ErrSigner},
		"signed by a reader, who is said to be it": {bytes: forged(testvault.Two, nil), head: func(x *membersock.Collected) { x.Approved = testvault.Two }, want: member.ErrLeft},
		"signed by an approver of another unit":    {bytes: forged(testvault.One, func(d *report.Item) { d.Unit = "itjen" }), want: member.ErrApprover},
		"approved by who prepared it": {
			bytes: forged(testvault.One, func(d *report.Item) { d.Prepared = testvault.One }),
			head:  func(x *membersock.Collected) { x.Prepared = testvault.One }, want: member.ErrSelf,
		},
		"of the class oversight":       {bytes: forged(testvault.One, func(d *report.Item) { d.Class = report.Oversight }), want: member.ErrClass},
		"of another draft":             {bytes: forged(testvault.One, func(d *report.Item) { d.Draft = id.DigestOf(nil) }), want: member.ErrSigner},
		"of another case":              {head: func(x *membersock.Collected) { x.Item = items[i].Digest }, want: report.ErrFormat},
		"not what its digest says":     {head: func(x *membersock.Collected) { x.Item = id.DigestOf(nil) }, want: seal.ErrAge},
		"prepared by another, it says": {head: func(x *membersock.Collected) { x.Prepared = four }, want: member.ErrSigner},
	} {
		t.Run(name, func(t *testing.T) {
			liar := &testvault.Liar{Vault: w.Vault, Head: func(a *membersock.ActAnswer) {
				for i := range a.Items {
					if a.Items[i].Case == of {
						if x.bytes != nil {
							a.Items[i].Item = id.DigestOf(x.bytes)
						}
						if x.head != nil {
							x.head(&a.Items[i])
						}
					}
				}
			}, Swap: func(d id.Object) []byte {
				if d.Digest == o.Digest {
					return x.bytes
				}
				return nil
			}}
			lied := config(t, w, forwarder)
			lied.Vault = membersock.NewClient(w.Listen("d"+id.DigestOf([]byte(name)).String()[:8]+".sock", membersock.Handler(liar)))
			s := open(t, lied)
			all, err := s.Collect(t.Context())
			must(t, err)
			for _, got := range all {
				if got.Case != of {
					continue
				}
				if !errors.Is(got.Err, x.want) || got.Item.Text != "" {
					t.Errorf("got %v, %+v", got.Err, got.Item)
				}
				if err := s.Begin(t.Context(), got); err == nil {
					t.Error("it is begun")
				}
			}
		})
	}

	// Its approver left meanwhile: nothing goes on his word any more.
	w.Join(four, "Penelaah Empat", "itprov", roster.Reader, roster.Approver)
	w.Remove(testvault.One)
	all, err := open(t, config(t, w, forwarder)).Collect(t.Context())
	must(t, err)
	for _, x := range all {
		if !errors.Is(x.Err, member.ErrLeft) {
			t.Errorf("approved by who left: %v", x.Err)
		}
	}
}
