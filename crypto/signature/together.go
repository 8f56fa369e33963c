package signature

import (
	"runtime"
	"slices"
	"sync"
)

// Together verifies in one batch the signatures of those who ask at the same time,
// which takes each half of the time. Nobody waits for others to come. Where one of a
// batch is bad, each verifies its own: that takes the others half as long again as
// without a batch, and refuses nobody but the one. The zero value is ready.
type Together struct {
	mu      sync.Mutex
	waiting []*waiting
}

type waiting struct {
	key       *Key
	text, sig []byte
	good      chan bool // all of the batch are
}

// Verify comes to the verdict of [Verify].
func (t *Together) Verify(key *Key, text, sig []byte) bool {
	w := &waiting{key, text, sig, make(chan bool, 1)}
	t.mu.Lock()
	t.waiting = append(t.waiting, w)
	first := len(t.waiting) == 1
	t.mu.Unlock()
	if first {
		// Those whose requests have come run until here, if there are any.
		runtime.Gosched()
		t.mu.Lock()
		all := t.waiting
		t.waiting = nil
		t.mu.Unlock()
		for some := range slices.Chunk(all, BatchSize) {
			good := len(some) > 1 && batchGood(some) // one alone isn't worth a batch
			for _, w := range some {
				w.good <- good
			}
		}
	}
	return <-w.good || Verify(key, text, sig)
}

func batchGood(all []*waiting) bool {
	batch := NewBatch(len(all))
	for _, w := range all {
		batch.Add(w.key, w.text, w.sig)
	}
	return batch.Verify()
}
