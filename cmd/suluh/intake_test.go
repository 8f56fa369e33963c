package main

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"suluh.example/suluh/internal/testkey"
)

// TestIntakeCanMakeNoTemporaryFiles: once intake runs, nothing in its process
// can put what a reporter sends into a temporary file.
func TestIntakeCanMakeNoTemporaryFiles(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir) // and puts it back at the end
	_, _, key := testkey.New(t, "suluh.example/uji/root")
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // it has begun, and stops at once
	c := intakeCmd{DepositSocket: filepath.Join(dir, "deposit.sock"), RootKey: key, Listen: "127.0.0.1:0", ExitURL: "https://cuaca.example/"}
	_ = c.Run(ctx)
	f, err := os.CreateTemp("", "")
	if err == nil {
		f.Close()
		os.Remove(f.Name())
		t.Errorf("a temporary file was made: %s", f.Name())
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 0 {
		t.Errorf("%d files, %v", len(files), err)
	}
}

// TestIntakeSaysWhatIsWrong before it listens.
func TestIntakeSaysWhatIsWrong(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	_, _, key := testkey.New(t, "suluh.example/uji/root")
	clock := filepath.Join(t.TempDir(), "clock.toml")
	must(t, os.WriteFile(clock, []byte("zone = 'Tidak/Ada'"), 0o600))
	// Where nothing is wrong, a stop ends it: then there is no error.
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	good := intakeCmd{DepositSocket: "deposit.sock", RootKey: key, Listen: "127.0.0.1:0", ExitURL: "https://cuaca.example/"}
	for want, change := range map[string]func(*intakeCmd){
		"root key":        func(c *intakeCmd) { c.RootKey = "bukan kunci" },
		"a web address":   func(c *intakeCmd) { c.ExitURL = "javascript:alert(1)" },
		"clock":           func(c *intakeCmd) { c.Clock = clock },
		"listen":          func(c *intakeCmd) { c.Listen = "256.0.0.1:0" },
		"address already": func(c *intakeCmd) { c.Listen = busy(t) },
	} {
		c := good
		change(&c)
		if err := c.Run(ctx); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", want, err)
		}
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
