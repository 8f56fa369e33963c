package forward

import (
	"cmp"
	"context"
	"errors"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/vault/membersock"
)

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
