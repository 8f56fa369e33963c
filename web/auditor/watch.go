package auditor

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/sync/singleflight"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/internal/anomaly"
	"suluh.example/suluh/internal/check"
)

// patience is how long a page waits for the log to be verified up to now. A
// page that waits longer shows what was verified last.
const patience = 3 * time.Second

// every is how often a log is verified that nobody looks at.
const every = time.Minute

// watch keeps one verification, which grows with the log: no page verifies
// what another has.
type watch struct {
	files  check.Files
	key    note.Verifier
	state  string // file to go on from after a restart, or ""
	search *anomaly.Search
	warm   func(*check.Result) // called with each log that was verified and is new, before a page shows it
	logger *slog.Logger
	now    func() time.Time
	one    singleflight.Group

	reads sync.Mutex // held while the log is read or its state is kept
	log   *check.Log // nil until the first time
	kept  time.Time  // when the state was kept last

	mu   sync.Mutex
	seen seen
	ctx  context.Context // of run; verifications outlast the requests that began them
}

// seen is what is known of the log.
type seen struct {
	result    *check.Result    // of the last verification that succeeded, if any did
	witnesses *check.Witnesses // of the same; nil if the roster names none
	unusual   []anomaly.Finding
	day       id.Day         // on which what is unusual was looked for
	finding   *check.Finding // the log is at fault
	failed    bool           // the log could not be read the last time
	at        time.Time      // of the last verification
	zone      *time.Location // of the log's days, as far as they were read
	done, of  int64          // how far the one under way is
}

func newWatch(key note.Verifier, c Config) *watch {
	return &watch{files: c.Files, key: key, state: c.State, search: anomaly.Follow(c.Rules), logger: c.Log, now: c.Now, ctx: context.Background()}
}

// extend verifies what is new, at first from where the state file says.
func (w *watch) extend(ctx context.Context) (*check.Result, error) {
	if w.log == nil {
		w.log = check.New(w.files, w.key)
		if w.state != "" {
			log, err := check.Resume(ctx, w.files, w.key, w.state, false)
			if err != nil {
				w.logger.Warn("the log is verified from its beginning", "error", err)
			} else {
				w.log = log
			}
		}
		w.log.Progress = func(done, of int64) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.seen.done, w.seen.of = done, of
		}
	}
	r, err := w.log.Extend(ctx)
	if err == nil && time.Since(w.kept) >= keepEvery {
		w.keep()
	}
	return r, err
}

// keepEvery is how often the state is kept while the log grows.
const keepEvery = 10 * time.Minute

// keep keeps the state, if there is a file for it. What isn't kept costs time at
// the next start.
func (w *watch) keep() {
	if w.state == "" || w.log == nil {
		return
	}
	w.kept = time.Now()
	if err := w.log.Save(w.state); err != nil {
		w.logger.Warn("what was verified could not be kept", "error", err)
	}
}

func (w *watch) run(ctx context.Context) error {
	w.mu.Lock()
	w.ctx = ctx
	w.mu.Unlock()
	for {
		<-w.verify()
		select {
		case <-ctx.Done():
			w.reads.Lock()
			defer w.reads.Unlock()
			w.keep()
			return nil
		case <-time.After(every):
		}
	}
}

// verify verifies what is new, together with everybody who asks meanwhile.
func (w *watch) verify() <-chan singleflight.Result {
	return w.one.DoChan("", func() (any, error) {
		w.mu.Lock()
		ctx := w.ctx
		w.mu.Unlock()
		w.reads.Lock()
		defer w.reads.Unlock()
		r, err := w.extend(ctx)
		var witnesses *check.Witnesses
		if err == nil {
			witnesses, err = w.log.Witnesses(ctx)
		}
		unusual, day := w.findUnusual(r, err)
		w.mu.Lock()
		defer w.mu.Unlock()
		before := w.seen.finding
		w.seen.zone = w.log.TimeZone()
		var f *check.Finding
		switch {
		case err == nil:
			w.seen = seen{result: r, witnesses: witnesses, unusual: unusual, day: day, at: w.now(), zone: w.seen.zone}
			w.logger.Debug("the log was verified", "records", r.Tree.N)
		case errors.As(err, &f):
			w.seen.finding, w.seen.failed, w.seen.at = f, false, w.now()
			if before == nil {
				w.logger.Error("the log can not be trusted", "finding", f)
			}
		case ctx.Err() == nil:
			if !w.seen.failed {
				w.logger.Error("the log could not be read", "error", err)
			}
			w.seen.failed = true
		}
		return nil, nil
	})
}

// findUnusual looks for what is unusual in a log that was verified, unless it is the
// same log and the same day as before.
func (w *watch) findUnusual(r *check.Result, err error) ([]anomaly.Finding, id.Day) {
	if err != nil {
		return nil, id.Day{}
	}
	before, today := w.last(), id.DayOf(w.now(), r.TimeZone())
	if before.result != nil && before.result.Tree == r.Tree && before.day == today {
		return before.unusual, today
	}
	if w.warm != nil {
		w.warm(r)
	}
	return w.search.Find(r, today), today
}

// last returns what is known, without waiting for more.
func (w *watch) last() seen {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seen
}

// unusual returns what is unusual in the log that was verified last, oldest first.
func (w *watch) unusual() []anomaly.Finding { return w.last().unusual }

// look returns what is known of the log, up to now if that takes no longer
// than a person waits.
func (w *watch) look(ctx context.Context) seen {
	late, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case <-w.verify():
	case <-late.Done():
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seen
}
