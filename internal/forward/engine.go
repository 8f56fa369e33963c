package forward

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/internal/lang"
	"suluh.example/suluh/internal/member"
	"suluh.example/suluh/internal/report"
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

var _ Member = (*member.Session)(nil)
