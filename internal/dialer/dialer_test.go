package dialer_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"suluh.example/suluh/internal/dialer"
)

// TestMain lets the test's own binary be the process that connects, and the
// part that starts it.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 {
		var err error
		switch os.Args[1] {
		case dialer.Command:
			err = dialer.Serve(context.Background(), os.Args[2], func() error { return nil })
		case "part":
			err = part(os.Args[2])
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// part starts a dialer, says which process that is, and goes on until killed.
func part(path string) error {
	d, err := dialer.Start(context.Background(), path)
	if err != nil {
		return err
	}
	fmt.Println(d.PID())
	select {}
}

// echo answers each connection with what it sends.
func echo(t *testing.T, path string) net.Listener {
	t.Helper()
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_, _ = io.Copy(c, c)
			}()
		}
	}()
	return l
}

// TestConnectsWhenAsked: connections lead to the one socket, many at once; a
// socket that isn't there is said to be so, and used once it is.
func TestConnectsWhenAsked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	d, err := dialer.Start(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Dial(t.Context()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no socket yet: got %v", err)
	}
	l := echo(t, path)
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			c, err := d.Dial(t.Context())
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			want := strconv.Itoa(i)
			if _, err := io.WriteString(c, want); err != nil {
				t.Error(err)
			}
			if err := c.(*net.UnixConn).CloseWrite(); err != nil {
				t.Error(err)
			}
			if got, err := io.ReadAll(c); err != nil || string(got) != want {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
	all.Wait()
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	l.Close()
	if _, err := d.Dial(t.Context()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("nobody listens: got %v", err)
	}
	if err := d.Close(); err != nil {
		t.Errorf("stop: %v", err)
	}
	if c, err := d.Dial(t.Context()); err == nil {
		c.Close()
		t.Error("connected after the end")
	}
}

// TestEndsWithItsPart: whatever way the part ends, its dialer does too.
func TestEndsWithItsPart(t *testing.T) {
	cmd := exec.Command("/proc/self/exe", "part", filepath.Join(t.TempDir(), "s"))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Fscanln(out, &pid); err != nil {
		t.Fatal(err)
	}
	if !runs(pid) {
		t.Fatal("the dialer doesn't run")
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	for deadline := time.Now().Add(20 * time.Second); runs(pid); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the dialer outlives its part")
		}
	}
}

// runs tells whether there is such a process that hasn't ended.
func runs(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	return !strings.HasPrefix(rest, "Z")
}

// TestIsNoCommand: started by hand, it says that it is none.
func TestIsNoCommand(t *testing.T) {
	out, err := exec.Command("/proc/self/exe", dialer.Command, "/nowhere").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "started by other commands") {
		t.Errorf("got %v: %s", err, out)
	}
}

// TestConnectsToAHost reaches a TCP port, and says why it doesn't.
func TestConnectsToAHost(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d, err := dialer.Start(t.Context(), "tcp:"+l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	go func() {
		c, err := l.Accept()
		if err == nil {
			_, _ = io.WriteString(c, "halo")
			c.Close()
		}
	}()
	c, err := d.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if b, err := io.ReadAll(c); err != nil || string(b) != "halo" {
		t.Errorf("got %q, %v", b, err)
	}
	l.Close()
	if _, err := d.Dial(t.Context()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("nobody listens: %v", err)
	}
	nowhere, err := dialer.Start(t.Context(), "tcp:tidak-ada.invalid:443")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nowhere.Close() })
	if _, err := nowhere.Dial(t.Context()); !errors.Is(err, syscall.EHOSTUNREACH) {
		t.Errorf("a name that is none: %v", err)
	}
}
