package auditor

import (
	"sync"
	"time"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/internal/check"
)

// tallies keeps the last few tallies, so that a large log is not counted again for
// each page. A log that has grown is; but what takes long to count, no more than
// once a minute.
type tallies struct {
	mu   sync.Mutex
	kept map[[2]id.Day]keptTally
}

type keptTally struct {
	*tally
	size int64 // of the log
	at   time.Time
	took time.Duration
}

const (
	keptTallies = 16

	longTally = 50 * time.Millisecond
	tallyFor  = time.Minute
)

func (x *tallies) of(log *check.Result, from, to id.Day) *tally {
	x.mu.Lock()
	defer x.mu.Unlock()
	key, began := [2]id.Day{from, to}, time.Now()
	if t, ok := x.kept[key]; ok && (t.size == log.Records || t.took >= longTally && began.Sub(t.at) < tallyFor) {
		return t.tally
	}
	if x.kept == nil || len(x.kept) >= keptTallies {
		x.kept = map[[2]id.Day]keptTally{}
	}
	t := tallied(log, from, to)
	x.kept[key] = keptTally{t, log.Records, began, time.Since(began)}
	return t
}
