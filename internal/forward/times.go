package forward

import (
	"math/rand/v2"
	"time"
)

// Times says how often the engine does what it does.
type Times struct {
	Vault      time.Duration // between looks whether anything waits in the vault, which aren't recorded
	Status     time.Duration // between questions where a complaint stands
	AfterError time.Duration // the same after one that wasn't answered
	Retry      time.Duration // before what was not sent is tried again; doubled each time
	RetryMost  time.Duration // the most that becomes

	// Settle is how long the queue may take to show what it took from us without
	// an answer. Before that, that it doesn't have a complaint is not believed.
	Settle time.Duration
}

// DefaultTimes are those of the national queue's known client, as far as it has
// any: a status again after 3 hours, after an error 60 minutes.
func DefaultTimes() Times {
	return Times{
		Vault: 30 * time.Second, Status: 3 * time.Hour, AfterError: time.Hour,
		Retry: time.Minute, RetryMost: time.Hour, Settle: 15 * time.Minute,
	}
}

// backoff is how long to wait after so many failures in a row. It is anything
// from half to the whole of that, so that those who were cut off together don't
// come back together.
func (t Times) backoff(failures int) time.Duration {
	d := t.Retry
	for i := 1; i < failures && d < t.RetryMost; i++ {
		d *= 2
	}
	return jitter(min(d, t.RetryMost))
}

func jitter(d time.Duration) time.Duration {
	if d < 2 {
		return d
	}
	return d/2 + rand.N(d/2)
}

// spread is a time and up to a tenth of it, so that not all is asked at once.
func spread(d time.Duration) time.Duration { return d + rand.N(d/10+1) }

// tolerated is how many failures in a row may be those of single complaints.
const tolerated = 3

// breaker keeps a queue that fails from being asked for every item in turn.
// When its time is over, one is tried: if that fails, the next wait is longer.
type breaker struct {
	failures int
	until    time.Time // nothing is asked before
}

func (b *breaker) open(now time.Time) bool { return now.Before(b.until) }

func (b *breaker) ok() { *b = breaker{} }

// failed notes a failure; at once tells that there must not be another soon.
func (b *breaker) failed(now time.Time, t Times, after time.Duration, atOnce bool) {
	b.failures++
	if atOnce || after > 0 {
		b.failures = max(b.failures, tolerated)
	}
	if b.failures >= tolerated {
		b.until = now.Add(max(after, t.backoff(b.failures-tolerated+1)))
	}
}
