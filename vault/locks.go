package vault

import (
	"context"
	"sync"

	"github.com/tus/tusd/v2/pkg/handler"
	"github.com/tus/tusd/v2/pkg/memorylocker"
)

// uploadLocks are the locks of uploads, one holder each. Who waits for one has its
// holder asked to end, and the only thing to end is the coming of bytes: one that
// hasn't begun to take any is asked once it does, since tusd forgets what it was asked
// before; and one that has taken all is through in a moment.
type uploadLocks struct {
	memory *memorylocker.MemoryLocker

	mu      sync.Mutex
	holders map[string]*lockHolder // by the lock's name
}

type lockHolder struct {
	end    func() // has it end
	taking bool   // bytes come
	asked  bool   // to end
	ended  bool   // while bytes came
}

func newUploadLocks() *uploadLocks {
	return &uploadLocks{memory: memorylocker.New(), holders: map[string]*lockHolder{}}
}

// NewLock is what tusd asks for.
func (l *uploadLocks) NewLock(name string) (handler.Lock, error) {
	inner, err := l.memory.NewLock(name)
	return uploadLock{l, name, inner}, err
}

type uploadLock struct {
	all   *uploadLocks
	name  string
	inner handler.Lock
}

// Lock waits for the lock, at most until the context ends.
func (l uploadLock) Lock(ctx context.Context, end func()) error {
	h := &lockHolder{end: end}
	if err := l.inner.Lock(ctx, func() { l.all.ask(h) }); err != nil {
		return err
	}
	l.all.mu.Lock()
	defer l.all.mu.Unlock()
	l.all.holders[l.name] = h
	return nil
}

// Unlock lets the next one have it.
func (l uploadLock) Unlock() error {
	l.all.mu.Lock()
	delete(l.all.holders, l.name)
	l.all.mu.Unlock()
	return l.inner.Unlock()
}

func (l *uploadLocks) ask(h *lockHolder) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if h.asked = true; h.taking {
		h.end()
	}
}

// take says that bytes come for the holder of a lock, until done is called, which
// tells whether it was asked to end by then.
func (l *uploadLocks) take(name string) (done func() (ended bool)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	h := l.holders[name]
	if h == nil {
		return func() bool { return false }
	}
	if h.taking = true; h.asked {
		h.end()
	}
	return func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		if h.taking {
			h.taking, h.ended = false, h.asked
		}
		return h.ended
	}
}
