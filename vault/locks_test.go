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
	if locks.take("b")() {
		t.Error("nobody was to end")
	}
	ask()
	expect("before bytes come", 0)
	done := locks.take("a")
	expect("as they begin to", 1)
	ask()
	expect("while they come", 2)
	if !done() {
		t.Error("it doesn't learn that it was to end")
	}
	ask()
	expect("once they are there", 2)
	if !done() {
		t.Error("it has forgotten that it was to end")
	}
	if err := lock.Unlock(); err != nil {
		t.Fatal(err)
	}
	if err := lock.Lock(t.Context(), func() { ended++ }); err != nil {
		t.Errorf("after the first: %v", err)
	}
	done = locks.take("a")
	if done() {
		t.Error("a second holder, whom nobody asked, was to end")
	}
	ask()
	expect("a second holder, once all is there", 2)
	if done() {
		t.Error("who has taken all was to end")
	}
}
