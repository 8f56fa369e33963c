// Package logwatch follows an access log by itself. It keeps the last checkpoint
// that it verified, and has news when the log no longer continues it (a fork), has
// fewer records (it shrank), can't be trusted, was restored from a backup, stands
// still, can't be read for a long time, or has something unusual in it.
//
// What it keeps is a file of its own, away from the log's server: whoever changes
// the log can't change what was seen of it. Once a log was at fault, the
// checkpoint in the file stays the last that was good, for a person to compare
// with. The package must never say a thing is well that it could not check, and
// never keep a checkpoint that it has not verified.
package logwatch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/internal/anomaly"
	"suluh.example/suluh/internal/check"
	"suluh.example/suluh/internal/durable"
)

// Kind says what is new.
type Kind string

// The kinds, from the worst.
const (
	Forked   Kind = "forked"   // the log is another one than that of the last checkpoint
	Shrunk   Kind = "shrunk"   // it has fewer records than before
	Faulty   Kind = "faulty"   // its records break a rule of the log
	Restored Kind = "restored" // it was restored from a backup, and has lost what came after that
	Away     Kind = "away"     // it can't be read for longer than the watcher is patient
	Stalled  Kind = "stalled"  // it has no new record for too long
	Unusual  Kind = "unusual"  // it has something in it that somebody should be asked about
	Well     Kind = "well"     // what was away or stalled is so no more
)

// Kinds returns all kinds, the worst first.
func Kinds() []Kind {
	return []Kind{Forked, Shrunk, Faulty, Restored, Away, Stalled, Unusual, Well}
}

// News is something to say.
type News struct {
	Kind    Kind
	Since   time.Time         // of away: the first failure; of stalled: the last record
	Why     string            // of away: what the last failure was, in English
	Fault   *check.Finding    // of forked, shrunk and faulty
	Restore *check.Restored   // of restored
	Found   []anomaly.Finding // of unusual
	NameOf  func(id.Member) string
	Again   bool   // it was said before, and still holds
	Kept    string // the last checkpoint that was verified, signed; "" if there is none
	Shown   string // the one that the log shows now, if its key has signed it
}

// Ends tells whether the log can't be followed any further: a person must look.
func (n News) Ends() bool { return n.Fault != nil }

// Config says what is followed and how patiently.
type Config struct {
	Files    check.Files
	Key      string         // the log's verifier key
	State    string         // file that keeps what was seen; made if it isn't there, as is one beside it with .verified behind its name
	Rules    *anomaly.Rules // nil: nothing unusual is looked for
	Stall    time.Duration  // without a new record; 0: however long
	Patience time.Duration  // without being able to read the log
	Now      func() time.Time
	Progress func(done, of int64)
}

// state is the file.
type state struct {
	Format     string    `json:"format"`
	LogKey     string    `json:"log_key"`
	Checkpoint string    `json:"checkpoint,omitempty"` // signed: the last that was verified
	Checked    time.Time `json:"checked,omitzero"`     // when that was
	Away       time.Time `json:"away,omitzero"`        // the first failure to read it, since the last success
	Told       []string  `json:"told,omitempty"`       // what was said and still holds
}

const format = "suluh.example/watch/v1"

// Watch follows one log. It is not safe for concurrent use.
type Watch struct {
	config Config
	key    note.Verifier
	log    *check.Log // nil until it is first looked at
	state  state
	told   map[string]bool // as it is once the news of the last look were said
	fresh  bool            // log continues the checkpoint of the state
}

// Open reads what was seen before. A file that is there and can't be understood is
// an error, not a beginning: who could have it ignored could hide a fork.
func Open(c Config) (*Watch, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	key, err := note.NewVerifier(c.Key)
	if err != nil {
		return nil, errors.New("the log's key is malformed")
	}
	w := &Watch{config: c, key: key, state: state{Format: format, LogKey: c.Key}}
	b, err := os.ReadFile(c.State)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	if err == nil {
		w.state = state{}
		if err := json.Unmarshal(b, &w.state); err != nil || w.state.Format != format {
			return nil, errors.New("the file that keeps what was seen is damaged: keep it for comparison, and name another")
		}
		if w.state.LogKey != c.Key {
			return nil, errors.New("the file keeps what was seen of another log: name another file")
		}
	}
	if _, err := w.kept(); err != nil {
		return nil, errors.New("the checkpoint in the file that keeps what was seen is not signed by the log's key: keep it for comparison, and name another file")
	}
	return w, nil
}

// begin takes a log under verification.
func (w *Watch) begin(log *check.Log) {
	w.log, w.fresh = log, false
	w.log.Progress, w.log.NoEntries = w.config.Progress, w.config.Rules == nil
}

// verified is the file from which the verification goes on. What it says counts for
// nothing if the log doesn't continue the checkpoint of the state, too.
func (w *Watch) verified() string { return w.config.State + ".verified" }

// resume goes on from what the last run has verified. A file that is of no use, or
// of a roster that can't be read now, costs only time.
func (w *Watch) resume(ctx context.Context) {
	log, err := check.Resume(ctx, w.config.Files, w.key, w.verified(), w.config.Rules == nil)
	if err != nil {
		log = check.New(w.config.Files, w.key)
	}
	w.begin(log)
}

// kept is the tree of the last checkpoint.
func (w *Watch) kept() (tlog.Tree, error) {
	if w.state.Checkpoint == "" {
		return accesslog.EmptyTree(), nil
	}
	return accesslog.OpenCheckpoint([]byte(w.state.Checkpoint), w.key)
}

// Checked returns the size of the log that was verified last, and when.
func (w *Watch) Checked() (records int64, at time.Time) {
	t, _ := w.kept() // Open has read it
	return t.N, w.state.Checked
}

// Look checks the log once, as far as it is new. The new checkpoint is kept at
// once, if the log continues the last; that its news were said only by
// [Watch.Said], so that none is lost with a crash between the two.
func (w *Watch) Look(ctx context.Context) ([]News, error) {
	w.told = map[string]bool{}
	if w.log == nil {
		w.resume(ctx)
	}
	r, err := w.extend(ctx)
	now := w.config.Now()
	var fault *check.Finding
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.As(err, &fault) && fault.Fault != check.FaultMissing:
		return []News{w.faulty(ctx, fault)}, nil
	case err != nil:
		return w.away(now, err)
	}
	var news []News
	for _, x := range r.Restores {
		key := fmt.Sprintf("%s %d", Restored, x.Seq)
		if w.told[key] = true; !slices.Contains(w.state.Told, key) {
			news = append(news, News{Kind: Restored, Restore: &x, Kept: w.state.Checkpoint, Shown: string(r.Checkpoint)})
		}
	}
	for _, key := range []string{string(Away), string(Stalled)} {
		w.told[key] = slices.Contains(w.state.Told, key)
	}
	if w.told[string(Away)] {
		news = append(news, News{Kind: Well})
		delete(w.told, string(Away))
	}
	news = w.stalled(news, r, now)
	if w.config.Rules != nil {
		n := News{Kind: Unusual, NameOf: r.NameOf}
		for _, f := range anomaly.Find(r, w.config.Rules, id.DayOf(now, r.TimeZone())) {
			key := keyOf(f)
			if w.told[key] = true; !slices.Contains(w.state.Told, key) {
				n.Found = append(n.Found, f)
			}
		}
		if len(n.Found) > 0 {
			news = append(news, n)
		}
	}
	w.state.Checkpoint, w.state.Checked, w.state.Away = string(r.Checkpoint), now.UTC().Truncate(time.Second), time.Time{}
	if err := w.log.Save(w.verified()); err != nil {
		return nil, err
	}
	return news, w.save()
}

// keyOf tells a finding from others. One that grows stays the same.
func keyOf(f anomaly.Finding) string {
	return fmt.Sprintf("%s %s %s %s %s %d", f.Rule, f.Why, f.Member, f.To, f.Case, f.Records.First(1)[0])
}

// extend verifies what is new. Where the log no longer fits what was verified in
// this process, it is verified by itself: if it is whole, it is another log.
func (w *Watch) extend(ctx context.Context) (*check.Result, error) {
	before, err := w.kept()
	if err != nil {
		return nil, err
	}
	r, err := w.log.Extend(ctx)
	var f *check.Finding
	if errors.As(err, &f) && f.Fault != check.FaultMissing && before.N > 0 {
		alone := check.New(w.config.Files, w.key)
		alone.Progress, alone.NoEntries = w.config.Progress, w.config.Rules == nil
		if r, again := alone.Extend(ctx); again == nil {
			if other := alone.Continues(ctx, before); other != nil {
				return nil, other
			}
			// An older copy was shown for a moment, and the log is whole after all.
			w.log, w.fresh = alone, true
			return r, nil
		}
		return nil, err
	}
	if err != nil {
		return nil, err
	}
	if !w.fresh {
		if err := w.log.Continues(ctx, before); err != nil {
			return nil, err
		}
		w.fresh = true
	}
	return r, nil
}

// faulty is the news that the log is at fault. The checkpoint that is kept stays.
func (w *Watch) faulty(ctx context.Context, f *check.Finding) News {
	n := News{Kind: Faulty, Fault: f, Kept: w.state.Checkpoint}
	switch f.Fault {
	case check.FaultShrunk:
		n.Kind = Shrunk
	case check.FaultFork:
		n.Kind = Forked
	case check.FaultRestored:
		n.Kind = Restored
	}
	if b, err := w.config.Files(ctx, "checkpoint"); err == nil {
		if _, err := accesslog.OpenCheckpoint(b, w.key); err == nil {
			n.Shown = string(b)
		}
	}
	for _, key := range w.state.Told {
		w.told[key] = true
	}
	key := fmt.Sprintf("%s %s %d", n.Kind, f.Fault, f.Seq)
	n.Again = w.told[key]
	w.told[key] = true
	w.begin(check.New(w.config.Files, w.key)) // who looks again sees whether it still is
	return n
}

// away is a log that can't be read, or only in part. That is news only after a
// time: networks fail.
func (w *Watch) away(now time.Time, err error) ([]News, error) {
	for _, key := range w.state.Told {
		w.told[key] = true
	}
	if w.state.Away.IsZero() {
		w.state.Away = now.UTC().Truncate(time.Second)
		if err := w.save(); err != nil {
			return nil, err
		}
	}
	if now.Sub(w.state.Away) < w.config.Patience {
		return nil, nil
	}
	again := w.told[string(Away)]
	w.told[string(Away)] = true
	return []News{{Kind: Away, Since: w.state.Away, Why: err.Error(), Kept: w.state.Checkpoint, Again: again}}, nil
}

// IsAway tells since when the log can't be read, if it can't.
func (w *Watch) IsAway() (since time.Time, ok bool) { return w.state.Away, !w.state.Away.IsZero() }

func (w *Watch) stalled(news []News, r *check.Result, now time.Time) []News {
	last := r.Last
	was := w.told[string(Stalled)]
	delete(w.told, string(Stalled))
	if w.config.Stall == 0 || now.Sub(last) < w.config.Stall {
		if was {
			news = append(news, News{Kind: Well})
		}
		return news
	}
	w.told[string(Stalled)] = true
	return append(news, News{Kind: Stalled, Since: last, Kept: string(r.Checkpoint), Again: was})
}

// Said keeps that the news of the last look were said, so that they are not said
// again while they hold.
func (w *Watch) Said() error {
	var told []string
	for key, holds := range w.told {
		if holds {
			told = append(told, key)
		}
	}
	slices.Sort(told)
	if slices.Equal(told, w.state.Told) {
		return nil
	}
	w.state.Told = told
	return w.save()
}

func (w *Watch) save() error {
	b, err := json.MarshalIndent(w.state, "", "  ")
	if err != nil {
		return err
	}
	if err := durable.ReplaceFile(w.config.State, append(b, '\n'), 0o600); err != nil {
		return fmt.Errorf("keep what was seen: %w", err)
	}
	return nil
}

// Worst returns the worst kind among news, or "".
func Worst(all []News) Kind {
	for _, k := range Kinds() {
		if slices.ContainsFunc(all, func(n News) bool { return n.Kind == k }) {
			return k
		}
	}
	return ""
}
