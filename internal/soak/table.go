package main

import (
	"fmt"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// injected is the number of faults.
func (s *soak) injected() (n int) {
	for _, f := range faults() {
		n += s.counts.of(f)
	}
	return n
}

// table is what the run did and what was lost.
func (s *soak) table() string {
	var b strings.Builder
	var u unix.Utsname
	_ = unix.Uname(&u) // what it can't tell stays empty
	fmt.Fprintf(&b, "%d cores, Linux %s, %s, %s. Faults were injected for %s; the run took %s.\n\n",
		runtime.NumCPU(), unix.ByteSliceToString(u.Release[:]), runtime.Version(), time.Now().Format(time.DateOnly), s.length, s.ended.Round(time.Second))
	b.WriteString("| what was done | how often |\n| --- | ---: |\n")
	for _, f := range faults() {
		n := fmt.Sprint(s.counts.of(f))
		if s.disk == nil && (f == diskFull || f == diskWAL || f == diskClosed || f == diskReadOnly || f == diskFails || f == killFull) {
			n = "not without root"
		}
		fmt.Fprintf(&b, "| %s | %s |\n", f, n)
	}
	fmt.Fprintf(&b, "| **faults in all** | **%d** |\n", s.injected())
	s.ledger.mu.Lock()
	all := len(s.ledger.all)
	s.ledger.mu.Unlock()
	for _, x := range []struct {
		what string
		n    int
	}{
		{"reports that somebody tried to send", all},
		{tried, s.counts.of(tried)},
		{"reports of which somebody was told that they were received", s.ledger.received()},
		{through, s.counts.of(through)},
		{broken, s.counts.of(broken)},
		{looked, s.counts.of(looked)},
		{guessed + " looked up", s.counts.of(guessed)},
		{opened, s.counts.of(opened)},
		{"verifications of the log meanwhile, each of what came since the one before", s.counts.of(verified)},
		{backups, s.counts.of(backups)},
		{records + " of the log at the end", s.counts.of(records)},
	} {
		fmt.Fprintf(&b, "| %s | %d |\n", x.what, x.n)
	}
	for i, p := range watched {
		fmt.Fprintf(&b, "| files that %s holds open, before and after hostile clients | %d, %d |\n", p, s.state[0].files[i], s.state[1].files[i])
		fmt.Fprintf(&b, "| memory of %s, before and after hostile clients | %d MiB, %d MiB |\n", p, s.state[0].memory[i]>>20, s.state[1].memory[i]>>20)
	}
	s.failed.mu.Lock()
	defer s.failed.mu.Unlock()
	if len(s.failed.all) == 0 {
		b.WriteString("| **lost, doubled, changed, or not as the log has it** | **nothing** |\n")
	}
	kinds := map[string]int{}
	for _, err := range s.failed.all {
		kinds[err.Error()]++
	}
	for what, n := range kinds {
		fmt.Fprintf(&b, "| **failed: %s** | **%d** |\n", strings.ReplaceAll(what, "\n", " "), n)
	}
	return b.String()
}
