package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"suluh.example/suluh/internal/testkey"
)

// TestIntakeCanMakeNoTemporaryFiles: once intake runs, nothing in its process
// can put what a reporter sends into a temporary file.
func TestIntakeCanMakeNoTemporaryFiles(t *testing.T) {
	dir := t.TempDir()
	_, _, key := testkey.New(t, "suluh.example/uji/root")
	cmd := &exec.Cmd{Path: "/proc/self/exe", Args: []string{"intake-then-temp", dir, key}, Env: append(os.Environ(), "TMPDIR="+dir)}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "no temporary file: ") {
		t.Errorf("%v: %s", err, out)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 0 {
		t.Errorf("%d files, %v", len(files), err)
	}
}

// intakeThenTemp is a process in which intake has begun, and which then tries
// to make a temporary file.
func intakeThenTemp() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // it has begun, and stops at once
	c := intakeCmd{DepositSocket: filepath.Join(os.Args[1], "deposit.sock"), RootKey: os.Args[2], Listen: "127.0.0.1:0", ExitURL: "https://cuaca.example/"}
	fmt.Println("intake has ended:", c.Run(ctx))
	_, err := os.CreateTemp("", "")
	if err == nil {
		os.Exit(1)
	}
	fmt.Println("no temporary file:", err)
}

// TestIntakeSaysWhatIsWrong before it listens.
func TestIntakeSaysWhatIsWrong(t *testing.T) {
	_, _, key := testkey.New(t, "suluh.example/uji/root")
	clock := filepath.Join(t.TempDir(), "clock.toml")
	must(t, os.WriteFile(clock, []byte("zone = 'Tidak/Ada'"), 0o600))
	for want, change := range map[string][]string{
		"root key":        {"--root-key", "bukan kunci"},
		"a web address":   {"--exit-url", "javascript:alert(1)"},
		"clock":           {"--clock", clock},
		"listen":          {"--listen", "256.0.0.1:0"},
		"address already": {"--listen", busy(t)},
		"onion service":   {"--onion-location", "https://lapor.example/"},
		"to listen on":    {"--listen", "none"},
		"belong together": {"--tls-key", clock},
	} {
		says(t, fails(t, append([]string{"intake", "--deposit-socket", "deposit.sock", "--root-key", key, "--listen", "127.0.0.1:0"}, change...)...), want)
	}
}

// busy returns an address that somebody listens on.
func busy(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { l.Close() })
	return l.Addr().String()
}
