package main

import (
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TestNothingThatWasReceivedIsLost is make soak in short: fewer faults of each
// kind, but every kind of them.
func TestNothingThatWasReceivedIsLost(t *testing.T) {
	bin := filepath.Join(t.TempDir(), "suluh")
	if out, err := exec.Command("go", "build", "-o", bin, "suluh.example/suluh/cmd/suluh").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	s, err := run(t.Context(), config{bin: bin, dir: t.TempDir(), length: 15 * time.Second, unknown: 2000, jumps: 15, log: t.Output()})
	if s != nil {
		t.Log("\n" + s.table())
	}
	if err != nil {
		t.Fatal(err)
	}
	if s.injected() < 25 || s.ledger.received() < 10 || s.counts.of(verified) == 0 || s.counts.of(opened) == 0 || s.counts.of(torGone) == 0 || s.counts.of(through) == 0 {
		t.Error("too little happened for this to say anything")
	}
}
