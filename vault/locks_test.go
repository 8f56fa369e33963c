package vault

import (
	"context"
	"testing"
)

// TestWhoIsAskedToEnd: the holder of an upload's lock is asked to end while bytes
// come for it, also by who asked before the first; not once all have.
func TestWhoIsAskedToEnd(t *testing.T) {
	ended := 0
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	locks := newUploadLocks()
	lock, err := locks.NewLock("a")
	if err != nil {
		t.Fatal(err)
	}
	if err := lock.Lock(t.Context(), func() { ended++ }); err != nil {
		t.Fatal(err)
	}
	ask := func() {
		t.Helper()
		if err := lock.Lock(gone, func() {}); err == nil {
			t.Error("two have one lock")
		}
	}
	expect := func(when string, want int) {
		t.Helper()
		if ended != want {
			t.Errorf("%s: asked to end %d times, want %d", when, ended, want)
		}
	}
	locks.take("b")()
	ask()
	expect("before bytes come", 0)
	done := locks.take("a")
	expect("as they begin to", 1)
	ask()
	expect("while they come", 2)
	done()
	ask()
	expect("once they are there", 2)
	if err := lock.Unlock(); err != nil {
		t.Fatal(err)
	}
	if err := lock.Lock(t.Context(), func() { ended++ }); err != nil {
		t.Errorf("after the first: %v", err)
	}
	locks.take("a")()
	expect("a second holder, whom nobody asked", 2)
}
