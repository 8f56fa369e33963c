package tornet_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"suluh.example/suluh/internal/tornet"
)

// TestNothingIsLeft kills a test that starts a network, once its first tor
// runs, and waits until no tor and no file are left.
func TestNothingIsLeft(t *testing.T) {
	if os.Getenv("TORNET_TEST") != "" {
		tornet.Start(t)
		select {} // until it is killed
	}
	tmp := t.TempDir()
	cmd := exec.Command(os.Args[0], "-test.run=TestNothingIsLeft")
	cmd.Env = append(os.Environ(), "TORNET_TEST=1", "TMPDIR="+tmp)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	until(t, "no tor starts", func() bool {
		logs, _ := filepath.Glob(filepath.Join(tmp, "*", "relay0", "log"))
		return len(logs) == 1
	})
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	until(t, "the network outlives its test", func() bool {
		left, err := os.ReadDir(tmp)
		return err == nil && len(left) == 0
	})
}

func until(t *testing.T, or string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal(or)
		}
	}
}
