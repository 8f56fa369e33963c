package auditor

import (
	"sync"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/internal/check"
)

// tallies keeps the last few tallies, so that a large log is not counted again for
// each page. A log that has grown is.
type tallies struct {
	mu   sync.Mutex
	size int64
	kept map[[2]id.Day]*tally
}

const keptTallies = 16

func (x *tallies) of(log *check.Result, from, to id.Day) *tally {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.kept == nil || x.size != log.Records || len(x.kept) >= keptTallies {
		x.size, x.kept = log.Records, map[[2]id.Day]*tally{}
	}
	key := [2]id.Day{from, to}
	t := x.kept[key]
	if t == nil {
		t = tallied(log, from, to)
		x.kept[key] = t
	}
	return t
}
