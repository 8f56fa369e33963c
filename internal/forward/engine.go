package forward

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/internal/lang"
	"suluh.example/suluh/internal/member"
	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/vault/membersock"
)

// Member is what the engine needs of a forwarder's session, which
// [member.Session] has.
type Member interface {
	Waiting(context.Context) (int, error)
	Collect(context.Context) ([]member.Outgoing, error)
	Begin(context.Context, member.Outgoing) error
	Outcome(context.Context, member.Outgoing, report.Outcome, *report.Answer) error
	Err() error // why the session is over for good
}

// Config says what an engine works with.
type Config struct {
	Member    Member
	Connector Connector

	// Queue names the queue, so that it is known later whom to ask for a
	// complaint. Used are those that this forwarder worked with before, the last
	// of them when it last ran.
	Queue string
	Used  []string

	Words    *lang.Catalogue
	Language string // in which members are told; reporters are in their own
	Times    Times
	Now      func() time.Time // default time.Now
	Log      *slog.Logger     // gets no word of what an item says, nor of a case
}

// Engine forwards what was approved. It is used by one goroutine; [Engine.Numbers]
// may be called by any.
type Engine struct {
	c     Config
	items map[id.Digest]*item
	sends breaker // of sending and looking up
	polls breaker // of asking for statuses

	collected time.Time // last
	dirty     bool      // what the vault has is not what is in items
	away      bool      // the vault doesn't answer

	mu      sync.Mutex
	numbers Numbers
}

// item is one that the vault has for us.
type item struct {
	member.Outgoing

	first bool      // it was there when the engine started, so that nobody can be at it
	seen  time.Time // for the first time in this stage
	next  time.Time // not touched before
	tries int       // in a row that failed
	mute  bool      // the queue can't be asked for it

	held *told
}

// told is an outcome that the vault has yet to take.
type told struct {
	outcome report.Outcome
	tell    *report.Answer
}

// New makes an engine.
func New(c Config) *Engine {
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Engine{c: c, items: map[id.Digest]*item{}, dirty: true, numbers: newNumbers()}
}

// Run forwards until the context ends, or the session is over for good, whose
// error it returns. What is under way when the context ends is brought to its
// end first.
func (e *Engine) Run(ctx context.Context) error {
	for failures := 0; ; {
		wait := e.c.Times.Vault
		err := e.Round(ctx)
		if gone := e.c.Member.Err(); gone != nil {
			return gone
		}
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			failures++
			if !e.away {
				e.c.Log.Error("the vault can't be reached or refuses; it is tried again", "error", err)
			}
			e.away, wait = true, min(wait*time.Duration(failures), 10*wait)
		} else {
			if e.away {
				e.c.Log.Info("the vault answers again")
			}
			failures, e.away = 0, false
			if due, ok := e.due(); ok {
				wait = min(wait, due.Sub(e.c.Now()))
			}
		}
		e.count()
		t := time.NewTimer(max(wait, time.Millisecond))
		select {
		case <-ctx.Done():
			t.Stop()
			return nil
		case <-t.C:
		}
	}
}

// recollect is how long the vault isn't asked in full if nothing seems to change:
// an item may have become readable, or been purged.
const recollect = 12 * time.Hour

// Once does all that can be done now, and what comes of it.
func (e *Engine) Once(ctx context.Context) error {
	for range 3 { // an item may change hands meanwhile
		if err := e.Round(ctx); err != nil {
			return err
		}
		if !e.dirty {
			break
		}
	}
	return nil
}

// Round does all that can be done now. The error is the vault's.
func (e *Engine) Round(ctx context.Context) error {
	defer e.count()
	// What couldn't be told comes first: as long as it isn't, the vault holds the
	// item for one that may or may not be sent.
	for _, x := range e.items {
		if x.held != nil {
			if err := e.tell(ctx, x); err != nil {
				return err
			}
		}
	}
	n, err := e.c.Member.Waiting(ctx)
	if err != nil {
		return err
	}
	if e.dirty || n != e.waiting() || e.c.Now().Sub(e.collected) > recollect {
		if err := e.collect(ctx); err != nil {
			return err
		}
	}
	for ctx.Err() == nil {
		x := e.pick()
		if x == nil {
			return nil
		}
		if err := e.touch(ctx, x); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (e *Engine) waiting() (n int) {
	for _, x := range e.items {
		if x.State.Waits() {
			n++
		}
	}
	return n
}

// collect takes over what the vault has.
func (e *Engine) collect(ctx context.Context) error {
	all, err := e.c.Member.Collect(ctx)
	if err != nil {
		return err
	}
	now := e.c.Now()
	items := map[id.Digest]*item{}
	for _, o := range all {
		x := e.items[o.Digest]
		if x == nil || x.State != o.State {
			fresh := &item{first: e.collected.IsZero(), seen: now}
			if x != nil {
				fresh.held = x.held
			}
			x = fresh
			if o.State == accesslog.StageSent && o.Last != nil && !e.undisclosed(o) {
				x.next = o.Last.Time.Add(spread(e.c.Times.Status)) // as if this engine had asked last
			}
		}
		if o.Err != nil && (x.Err == nil || x.Err.Error() != o.Err.Error()) {
			e.c.Log.Error("an item is not sent: it can't be opened, or is not what an approver signed", "item", o.Digest.String()[:16], "error", o.Err)
		}
		x.Outgoing = o
		items[o.Digest] = x
	}
	e.items, e.collected, e.dirty = items, now, false
	return nil
}

// undisclosed tells of what a person found at the queue: nobody has told the
// reporter yet.
func (e *Engine) undisclosed(o member.Outgoing) bool { return o.Last != nil && o.Last.Queue == "" }

// rank orders what is to be done: what may be lost first.
func rank(s accesslog.Stage) int {
	return slices.Index([]accesslog.Stage{accesslog.StageSending, accesslog.StageUnknown, accesslog.StageApproved, accesslog.StageSent}, s)
}

// at returns when an item may be touched, and whether it ever will.
func (e *Engine) at(x *item) (time.Time, bool) {
	if x.Err != nil || x.mute {
		return time.Time{}, false
	}
	switch x.State {
	case accesslog.StageSending:
		if x.first {
			return x.next, true
		}
		// Another forwarder's, or one of ours of which the vault could not say that
		// it recorded the beginning: by then it shows.
		return later(x.next, x.seen.Add(e.c.Times.Settle)), true
	case accesslog.StageSent:
		if e.undisclosed(x.Outgoing) {
			return x.next, true
		}
		if x.Last != nil && x.Last.Queue != e.c.Queue {
			return time.Time{}, false // it is in another queue
		}
		return later(x.next, e.polls.until), true
	case accesslog.StageUnknown:
		if !e.ours(x) {
			return time.Time{}, false
		}
		return later(x.next, e.sends.until), true
	case accesslog.StageApproved:
		return later(x.next, e.sends.until), true
	}
	return time.Time{}, false
}

// ours tells whether what became of an item can be asked of the queue.
func (e *Engine) ours(x *item) bool {
	if x.Last != nil && x.Last.Result == accesslog.ResultUnknown && x.Last.Queue != "" {
		return x.Last.Queue == e.c.Queue
	}
	return !slices.ContainsFunc(e.c.Used, func(q string) bool { return q != e.c.Queue }) // or it may be in another
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// due returns when the next item may be touched.
func (e *Engine) due() (first time.Time, ok bool) {
	for _, x := range e.items {
		if t, can := e.at(x); can && (!ok || t.Before(first)) {
			first, ok = t, true
		}
	}
	return first, ok
}

// pick returns what is to be done now, or nil.
func (e *Engine) pick() (best *item) {
	now := e.c.Now()
	for _, x := range e.items {
		t, ok := e.at(x)
		if !ok || t.After(now) || x.held != nil {
			continue
		}
		if best == nil || cmp.Or(cmp.Compare(rank(x.State), rank(best.State)), x.Day.Sub(best.Day), cmp.Compare(x.Digest.String(), best.Digest.String())) < 0 {
			best = x
		}
	}
	return best
}

// touch does the next thing to an item. What it begins, it ends, even if the
// engine is to stop meanwhile. The error is the vault's.
func (e *Engine) touch(ctx context.Context, x *item) error {
	ctx = context.WithoutCancel(ctx)
	switch x.State {
	case accesslog.StageSending:
		return e.broken(ctx, x)
	case accesslog.StageUnknown:
		return e.find(ctx, x)
	case accesslog.StageApproved:
		return e.send(ctx, x)
	default:
		return e.poll(ctx, x)
	}
}

// broken deals with an item that was begun and of which nothing was told.
func (e *Engine) broken(ctx context.Context, x *item) error {
	e.add(func(n *Numbers) { n.Unknown++ })
	e.c.Log.Warn("an item was about to be sent when the forwarder ended: nobody knows whether it was", "item", x.Digest.String()[:16])
	queue := e.c.Queue
	if n := len(e.c.Used); n > 0 && x.first {
		queue = e.c.Used[n-1]
	}
	return e.say(ctx, x, report.Outcome{Result: accesslog.ResultUnknown, Queue: queue, Text: e.word("forward.unknown.broken", "Reference", x.Item.Reference)}, nil)
}

// send sends an item that was approved.
func (e *Engine) send(ctx context.Context, x *item) error {
	if found := Check(x.Item.Title, x.Item.Text, x.Case); len(found) > 0 {
		e.add(func(n *Numbers) { n.Stopped++ })
		e.c.Log.Warn("an item is not sent: it has what must not leave", "item", x.Digest.String()[:16], "first", string(found[0].Rule))
		return e.say(ctx, x, report.Outcome{Result: accesslog.ResultStopped, Text: e.reasons(found)}, nil)
	}
	if err := e.c.Member.Begin(ctx, x.Outgoing); err != nil {
		e.again(x)
		if errors.Is(err, membersock.ErrState) { // an approver was quicker, or another forwarder
			return nil
		}
		return err
	}
	x.State, x.first = accesslog.StageSending, false
	// From here on it may be at the queue.
	sent, err := e.c.Connector.Send(ctx, Complaint{
		Reference: x.Item.Reference, Class: x.Item.Class, Category: x.Item.Category,
		Title: x.Item.Title, Text: x.Item.Text, Day: x.Item.Day, Language: cmp.Or(x.Item.Language, "id"),
	})
	var refused *Refused
	var notSent *NotSent
	switch {
	case err == nil:
		e.sends.ok()
		e.add(func(n *Numbers) { n.Sent++ })
		return e.sent(ctx, x, sent)
	case errors.As(err, &refused):
		e.sends.ok()
		e.add(func(n *Numbers) { n.Refused++ })
		e.c.Log.Warn("the queue refuses an item; its approver is told", "item", x.Digest.String()[:16])
		reason := tidy(refused.Reason, maxAnswer)
		if reason == "" && refused.Err != nil {
			reason = e.why(refused.Err)
		}
		return e.say(ctx, x, report.Outcome{Result: accesslog.ResultRefused, Text: reason}, nil)
	case errors.As(err, &notSent):
		x.tries++
		e.sends.failed(e.c.Now(), e.c.Times, notSent.After, false)
		x.next = e.c.Now().Add(max(notSent.After, e.c.Times.backoff(x.tries)))
		e.add(func(n *Numbers) { n.NotSent++ })
		e.c.Log.Warn("the queue did not take an item; it is tried again", "item", x.Digest.String()[:16], "error", err)
		return e.say(ctx, x, report.Outcome{Result: accesslog.ResultWaiting, Text: e.word("forward.waiting", "Why", e.why(err))}, nil)
	}
	// Each unknown costs a person's time: the next item waits until the queue is
	// well again.
	e.sends.failed(e.c.Now(), e.c.Times, 0, true)
	e.add(func(n *Numbers) { n.Unknown++ })
	e.c.Log.Warn("the queue gave no clear answer to an item: nobody knows whether it took it", "item", x.Digest.String()[:16], "error", err)
	return e.say(ctx, x, report.Outcome{
		Result: accesslog.ResultUnknown, Text: e.word("forward.unknown", "Why", e.why(err), "Reference", x.Item.Reference),
	}, nil)
}

// sent tells of what the queue took.
func (e *Engine) sent(ctx context.Context, x *item, s Sent) error {
	o := report.Outcome{Result: accesslog.ResultSent, Tracking: line(s.Tracking), Link: s.Link, Status: report.Forwarded}
	return e.say(ctx, x, o, e.answer(x, o, true, ""))
}

// find looks for an item of an unknown fate.
func (e *Engine) find(ctx context.Context, x *item) error {
	now := e.c.Now()
	since := x.seen
	if x.Last != nil && x.Last.Result == accesslog.ResultUnknown && x.Last.Time.Before(since) {
		since = x.Last.Time
	}
	sent, err := e.c.Connector.Find(ctx, x.Item.Reference)
	switch {
	case err == nil:
		e.sends.ok()
		e.add(func(n *Numbers) { n.Sent++ })
		e.c.Log.Info("an item of an unknown fate was found at the queue", "item", x.Digest.String()[:16])
		return e.sent(ctx, x, sent)
	case errors.Is(err, ErrNoLookup):
		x.mute = true
		e.c.Log.Warn("the queue can't be asked for an item of an unknown fate: an approver has to decide", "item", x.Digest.String()[:16])
		return nil
	case errors.Is(err, ErrNotFound):
		e.sends.ok()
		if settled := since.Add(e.c.Times.Settle); now.Before(settled) {
			x.next = settled
			return nil
		}
		x.tries = 0
		e.c.Log.Info("an item of an unknown fate is not at the queue; it is sent again", "item", x.Digest.String()[:16])
		return e.say(ctx, x, report.Outcome{Result: accesslog.ResultWaiting, Text: e.word("forward.waiting.notfound")}, nil)
	}
	x.tries++
	e.sends.failed(now, e.c.Times, 0, false)
	x.next = now.Add(e.c.Times.backoff(x.tries))
	e.c.Log.Warn("the queue could not be asked for an item of an unknown fate; it is asked again", "item", x.Digest.String()[:16], "error", err)
	return nil
}

// poll asks where a complaint stands, and tells of it if that is news.
func (e *Engine) poll(ctx context.Context, x *item) error {
	now := e.c.Now()
	var last report.Outcome
	if x.Last != nil {
		last = *x.Last
	}
	if e.undisclosed(x.Outgoing) {
		o := report.Outcome{Result: accesslog.ResultStatus, Status: report.Forwarded, Tracking: last.Tracking, Link: last.Link}
		return e.say(ctx, x, o, e.answer(x, o, true, ""))
	}
	s, err := e.c.Connector.Status(ctx, last.Tracking, x.Item.Reference)
	switch {
	case errors.Is(err, ErrNoLookup):
		x.mute = true
		return nil
	case err != nil:
		e.polls.failed(now, e.c.Times, 0, false)
		x.next = now.Add(spread(e.c.Times.AfterError))
		e.add(func(n *Numbers) { n.PollErrors++ })
		e.c.Log.Warn("the queue could not be asked where a complaint stands; it is asked again", "item", x.Digest.String()[:16], "error", err)
		return nil
	}
	e.polls.ok()
	e.add(func(n *Numbers) { n.Polls++ })
	x.next = now.Add(spread(e.c.Times.Status))
	o := report.Outcome{
		Result: accesslog.ResultStatus, Final: s.Final,
		Tracking: cmp.Or(line(s.Tracking), last.Tracking), Link: cmp.Or(s.Link, last.Link), Word: cmp.Or(line(s.Word), last.Word),
		Status: cmp.Or(s.Status, last.Status, report.Forwarded), Text: cmp.Or(tidy(s.Answer, maxAnswer), last.Text),
	}
	if s.Final {
		o.Result = accesslog.ResultDone
	}
	news := o.Tracking != last.Tracking || o.Word != last.Word || o.Status != last.Status || o.Text != last.Text
	if !news && !s.Final && o.Link == last.Link {
		return nil
	}
	var tell *report.Answer
	if news {
		tell = e.answer(x, o, false, last.Text)
	}
	return e.say(ctx, x, o, tell)
}

// say has the vault take what became of an item. What it doesn't take now is
// kept until it does, if only this engine knows it.
func (e *Engine) say(ctx context.Context, x *item, o report.Outcome, tell *report.Answer) error {
	o.Queue = cmp.Or(o.Queue, e.c.Queue)
	x.held = &told{o, tell}
	return e.tell(ctx, x)
}

func (e *Engine) tell(ctx context.Context, x *item) error {
	o := x.held.outcome
	err := e.c.Member.Outcome(ctx, x.Outgoing, o, x.held.tell)
	if errors.Is(err, membersock.ErrState) {
		// It has it already, or somebody decided otherwise.
		x.held = nil
		e.again(x)
		return nil
	}
	if err != nil {
		if o.Result == accesslog.ResultStatus || o.Result == accesslog.ResultDone {
			x.held = nil // the queue says it again; what the vault has tells whether that is news still
			e.again(x)
		}
		return err
	}
	x.held, x.first, x.mute = nil, false, false
	next, ok := x.State.After(accesslog.Outcome, o.Result)
	if !ok || !next.HasItem() {
		delete(e.items, x.Digest)
		return nil
	}
	now := e.c.Now()
	if next != x.State {
		x.seen = now
	}
	switch {
	case next == accesslog.StageSent:
		x.next, x.tries = now.Add(spread(e.c.Times.Status)), 0
	case next == accesslog.StageUnknown:
		x.next, x.tries = now, 0
	case x.tries == 0:
		x.next = now
	}
	o.Time = now
	x.State, x.Last = next, &o
	return nil
}

// again has the vault asked anew before anything else is done to an item.
func (e *Engine) again(x *item) {
	e.dirty = true
	x.next = e.c.Now().Add(e.c.Times.Vault)
}

// What the queue says is cut to this.
const (
	maxAnswer = 16 << 10 // bytes
	maxLine   = 300
)

// tidy takes out of what a queue says what nobody sees.
func tidy(s string, most int) string {
	s = strings.Map(func(c rune) rune {
		if c != '\n' && (unicode.IsControl(c) || unicode.Is(unicode.Cf, c)) {
			return -1
		}
		return c
	}, strings.ToValidUTF8(strings.ReplaceAll(s, "\r\n", "\n"), ""))
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return strings.TrimSpace(s)
}

func line(s string) string { return strings.Join(strings.Fields(tidy(s, maxLine)), " ") }

var _ Member = (*member.Session)(nil)
