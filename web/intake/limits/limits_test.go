package limits_test

import (
	"fmt"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"suluh.example/suluh/web/intake/limits"
)

var rules = limits.Rules{
	Requests: limits.Rate{Burst: 3, Every: 10 * time.Second}, AtOnce: 2,
	Refused:    limits.Rate{Burst: 2, Every: time.Second},
	Deposits:   limits.Rate{Burst: 2, Every: time.Minute},
	Files:      limits.Rate{Burst: 4, Every: time.Minute},
	Sending:    2,
	Unknown:    limits.Rate{Burst: 2, Every: time.Minute},
	AllUnknown: limits.Rate{Burst: 5, Every: time.Minute},
	Places:     6, Queue: time.Minute, Slow: 1 << 10, Window: 30 * time.Second,
	Circuits: 10, Idle: 10 * time.Minute,
}

func TestRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := limits.New(rules)
		request := func(circuit string) time.Duration {
			end, wait := l.Of(circuit, circuit != "").Request()
			if wait == 0 {
				end()
				end() // does nothing
			}
			return wait
		}
		for n := range 3 {
			if wait := request("a"); wait != 0 {
				t.Errorf("request %d waits %s", n, wait)
			}
		}
		if wait := request("a"); wait != 10*time.Second {
			t.Errorf("one too many waits %s", wait)
		}
		if wait := request("b"); wait != 0 {
			t.Errorf("another circuit waits %s", wait)
		}
		for range 1000 {
			if wait := request(""); wait != 0 {
				t.Fatalf("without a circuit: %s", wait)
			}
		}
		time.Sleep(10 * time.Second)
		if wait := request("a"); wait != 0 {
			t.Errorf("after it has waited: %s", wait)
		}
		// At once.
		first, _ := l.Of("b", true).Request()
		second, _ := l.Of("b", true).Request()
		if _, wait := l.Of("b", true).Request(); wait == 0 {
			t.Error("a third at once")
		}
		first()
		second()
		time.Sleep(time.Minute)
		if wait := request("b"); wait != 0 {
			t.Errorf("once they are done: %s", wait)
		}
		for n, want := range []bool{true, true, false} {
			if got := l.Of("a", true).Refused(); got != want {
				t.Errorf("refusal %d is told: %t", n, got)
			}
		}
	})
}

func TestDepositsAndFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := limits.New(rules)
		for n, want := range []time.Duration{0, 0, time.Minute} {
			if got := l.Of("a", true).Deposit(); got != want {
				t.Errorf("deposit %d: %s", n, got)
			}
		}
		for n, want := range []time.Duration{0, 0, 0, 0, time.Minute} {
			if got := l.Of("a", true).File(); got != want {
				t.Errorf("file %d: %s", n, got)
			}
		}
		for range 100 {
			if l.Of("", false).Deposit() != 0 || l.Of("", false).File() != 0 {
				t.Fatal("without a circuit, nobody can be told from anybody else")
			}
		}
	})
}

// TestUnknownCodes: a circuit misses a few times; if many miss, those that have must
// wait, and nobody else.
func TestUnknownCodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := limits.New(rules)
		a, honest, open := l.Of("a", true), l.Of("b", true), l.Of("", false)
		for range 2 {
			if wait := a.Look(); wait != 0 {
				t.Fatalf("waits %s", wait)
			}
			a.Unknown()
		}
		if wait := a.Look(); wait != time.Minute {
			t.Errorf("after two that nobody has: %s", wait)
		}
		if wait := honest.Look(); wait != 0 {
			t.Errorf("another: %s", wait)
		}
		time.Sleep(time.Minute)
		if wait := a.Look(); wait != 0 {
			t.Errorf("after it has waited: %s", wait)
		}
		warned := 0
		for range 100 {
			if open.Unknown() {
				warned++
			}
		}
		if warned != 1 {
			t.Errorf("said %d times that many are tried", warned)
		}
		if wait := a.Look(); wait == 0 {
			t.Error("while many are tried, one that has missed asks at once")
		}
		if honest.Look() != 0 || open.Look() != 0 {
			t.Error("others have to wait for it")
		}
	})
}

// TestPlaces: a circuit can't take many, and leaves room when it gets narrow.
func TestPlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := limits.New(rules)
		place := func(circuit string) (*limits.Place, time.Duration) {
			return l.Of(circuit, circuit != "").Place(t.Context(), func() { t.Error("somebody was cut who wasn't slow") })
		}
		begun := time.Now()
		a, wait := place("a")
		if wait != 0 {
			t.Fatal(wait)
		}
		if _, wait := place("a"); wait != 0 {
			t.Fatal(wait)
		}
		if _, wait := place("a"); wait == 0 {
			t.Error("three places for one circuit")
		}
		place("b")
		if _, wait := place("b"); wait == 0 {
			t.Error("a second place although half are taken")
		}
		for _, c := range []string{"c", "d", "e"} {
			if _, wait := place(c); wait != 0 {
				t.Errorf("circuit %s has no place", c)
			}
		}
		if since := time.Since(begun); since != 0 {
			t.Errorf("waited %s", since)
		}
		// All are taken now; those without a circuit have theirs.
		if _, wait := place(""); wait != 0 {
			t.Error("a flood on circuits takes the places of others")
		}
		got := make(chan time.Duration, 1)
		go func() {
			p, wait := place("f")
			if wait == 0 {
				p.Leave()
			}
			got <- wait
		}()
		time.Sleep(20 * time.Second)
		a.Leave()
		a.Leave() // does nothing
		if wait := <-got; wait != 0 || time.Since(begun) != 20*time.Second {
			t.Errorf("who waited for a place: %s after %s", wait, time.Since(begun))
		}
	})
}

// TestSlowGivesWay: nobody is cut for being slow, but when all places are taken and
// somebody waits.
func TestSlowGivesWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := limits.New(rules)
		cut := map[int]bool{}
		var places []*limits.Place
		for n := range rules.Places {
			var p *limits.Place
			p, _ = l.Of("", false).Place(t.Context(), func() {
				cut[n] = true
				go func() { places[n].Leave() }()
			})
			places = append(places, p)
		}
		for range 3600 { // an hour: the first is slow, the others are there for nothing
			time.Sleep(time.Second)
			places[0].Came(2 << 10)
		}
		if len(cut) > 0 {
			t.Fatalf("%d were cut while nobody waited", len(cut))
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			if p, wait := l.Of("", false).Place(t.Context(), nil); wait == 0 {
				p.Leave()
			} else {
				t.Error("the slow give no room")
			}
		}()
		<-done
		if len(cut) != rules.Places-1 || cut[0] {
			t.Errorf("cut: %v", cut)
		}
	})
}

// TestQueueEnds: who waits for a place is told so in the end.
func TestQueueEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := limits.New(rules)
		var all sync.WaitGroup
		defer all.Wait()
		for range rules.Places {
			p, _ := l.Of("", false).Place(t.Context(), func() { t.Error("cut") })
			all.Go(func() {
				for range 100 {
					time.Sleep(time.Second)
					p.Came(20 << 10)
				}
			})
		}
		begun := time.Now()
		if _, wait := l.Of("", false).Place(t.Context(), nil); wait == 0 || time.Since(begun) != rules.Queue {
			t.Errorf("%s after %s", wait, time.Since(begun))
		}
	})
}

// TestCircuitsAreForgotten: a flood of circuits takes no more memory than the table
// has places, and none from those that do something; what is idle goes.
func TestCircuitsAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := limits.New(rules)
		end, wait := l.Of("busy", true).Request()
		if wait != 0 {
			t.Fatal(wait)
		}
		reader := l.Of("reader", true)
		for range rules.Unknown.Burst {
			reader.Unknown()
		}
		for n := range 1000 {
			l.Of(fmt.Sprint(n), true).Unknown()
			if n%5 == 0 {
				l.Of("reader", true)
			}
			if l.Len() > rules.Circuits {
				t.Fatalf("%d circuits are remembered", l.Len())
			}
		}
		if l.Of("reader", true).Look() == 0 {
			t.Error("one that is used was forgotten for those that were not")
		}
		if _, wait := l.Of("busy", true).Request(); wait != 0 {
			t.Errorf("busy: %s", wait)
		}
		if _, wait := l.Of("busy", true).Request(); wait == 0 {
			t.Error("what is under way was forgotten")
		}
		end()
		time.Sleep(rules.Idle)
		l.Forget()
		if l.Len() != 1 { // the one that still has a request under way
			t.Errorf("%d circuits are remembered although all are idle", l.Len())
		}
	})
}

// TestMemory: a full table of the default's takes a few megabytes.
func TestMemory(t *testing.T) {
	rules := limits.Default()
	l := limits.New(rules)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for n := range 4 * rules.Circuits {
		end, _ := l.Of(fmt.Sprintf("fc00:dead:beef:4dad::%x:%x", n>>16, n&0xffff), true).Request()
		end()
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 12<<20 || l.Len() != rules.Circuits {
		t.Errorf("%d circuits take %d KiB", l.Len(), grown>>10)
	} else {
		t.Logf("%d circuits take %d KiB", l.Len(), grown>>10)
	}
	runtime.KeepAlive(l)
}
