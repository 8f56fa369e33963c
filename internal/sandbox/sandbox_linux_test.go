package sandbox_test

import (
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/elastic/go-seccomp-bpf"
	"golang.org/x/sys/unix"

	"suluh.example/suluh/internal/breakout"
	"suluh.example/suluh/internal/sandbox"
)

// order is what the test's own binary does in a process of its own.
type order struct {
	Rules   *sandbox.Rules // nil: none
	Attempt string         // of breakout
	Targets breakout.Targets
	Do      string // or one of deeds
	At      string
	Without []string // system calls that the kernel is made not to have, first
}

func TestMain(m *testing.M) {
	if len(os.Args) == 2 && strings.HasPrefix(os.Args[1], "{") {
		var o order
		err := json.Unmarshal([]byte(os.Args[1]), &o)
		if err == nil {
			err = o.follow()
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func (o order) follow() error {
	if len(o.Without) > 0 {
		without := o.Without
		o.Without = nil
		return asOn(without, o)
	}
	confine := func() error {
		if o.Rules == nil {
			return nil
		}
		report, err := sandbox.Confine(*o.Rules)
		if err == nil && o.Do == "report" {
			err = json.NewEncoder(os.Stdout).Encode(report)
		}
		return err
	}
	if o.Attempt == "core" { // which the shell that started the test may have forbidden, but can't for root
		_ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{Cur: 1 << 30, Max: 1 << 30})
	}
	if o.Attempt != "" {
		return breakout.Do(os.Stdout, o.Attempt, o.Targets, confine)
	}
	deed := deeds[o.Do]
	work, err := deed(o.At)
	if err != nil {
		return err
	}
	if err := confine(); err != nil {
		return err
	}
	return work()
}

// asOn becomes the same program on a kernel that hasn't got some calls.
func asOn(without []string, o order) error {
	b, err := json.Marshal(o)
	if err != nil {
		return err
	}
	runtime.LockOSThread()
	err = seccomp.LoadFilter(seccomp.Filter{NoNewPrivs: true, Flag: seccomp.FilterFlagTSync, Policy: seccomp.Policy{
		DefaultAction: seccomp.ActionAllow,
		Syscalls:      []seccomp.SyscallGroup{{Names: without, Action: seccomp.ActionErrno | seccomp.Action(unix.ENOSYS)}},
	}})
	if err != nil {
		return err
	}
	return unix.Exec("/proc/self/exe", []string{os.Args[0], string(b)}, os.Environ())
}

// deeds are what a confined process must still be able to do; each opens what
// it needs and returns what it does afterwards.
var deeds = map[string]func(at string) (func() error, error){
	"report": func(string) (func() error, error) { return func() error { return nil }, nil },
	"serve": func(at string) (func() error, error) {
		l, err := net.Listen("unix", at)
		return func() error {
			c, err := l.Accept()
			if err != nil {
				return err
			}
			defer c.Close()
			_, err = c.Write([]byte("halo"))
			return err
		}, err
	},
	"keep": func(at string) (func() error, error) {
		return func() error {
			name := filepath.Join(at, "a", "b")
			if err := os.Mkdir(filepath.Dir(name), 0o700); err != nil {
				return err
			}
			if err := os.WriteFile(name+".tmp", []byte("x"), 0o600); err != nil {
				return err
			}
			if err := os.Rename(name+".tmp", filepath.Join(at, "b")); err != nil {
				return err
			}
			return os.RemoveAll(filepath.Dir(name))
		}, nil
	},
	"threads": func(string) (func() error, error) {
		return func() error {
			var all sync.WaitGroup
			for range 50 { // each in a thread of its own, which ends with it
				all.Go(func() {
					runtime.LockOSThread()
					time.Sleep(time.Millisecond)
				})
			}
			all.Wait()
			b := make([][]byte, 200) // memory comes and goes
			for i := range b {
				b[i] = make([]byte, 1<<20)
			}
			runtime.GC()
			return nil
		}, nil
	},
	"connect": func(at string) (func() error, error) {
		return func() error {
			c, err := net.Dial("tcp", at)
			if err == nil {
				c.Close()
			}
			return err
		}, nil
	},
}

// run has an order followed in a process of its own.
func run(t *testing.T, o order) (*os.ProcessState, string, string) {
	t.Helper()
	b, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/proc/self/exe", string(b))
	cmd.Dir = t.TempDir() // where a core file would lie
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	_ = cmd.Run() // its end is what is judged
	if cmd.ProcessState == nil {
		t.Fatal("the process did not start")
	}
	return cmd.ProcessState, out.String(), errs.String()
}

// targets makes what attempts are made on.
func targets(t *testing.T) breakout.Targets {
	t.Helper()
	dir := t.TempDir()
	x := breakout.Targets{Store: filepath.Join(dir, "vault.db"), Outside: dir, Socket: filepath.Join(dir, "s"), Abstract: filepath.Base(dir) + t.Name()}
	if err := os.WriteFile(x.Store, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, at := range [][2]string{{"unix", x.Socket}, {"unix", "@" + x.Abstract}, {"tcp4", "127.0.0.1:0"}} {
		l, err := net.Listen(at[0], at[1])
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		if at[0] == "tcp4" {
			x.TCP = netip.MustParseAddrPort(l.Addr().String())
		}
	}
	other := exec.Command("sleep", "1000")
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = other.Process.Kill()
		_ = other.Wait()
	})
	x.Process = other.Process.Pid
	return x
}

// TestNothingIsLeft: everything can be done before, and nothing after.
func TestNothingIsLeft(t *testing.T) {
	x := targets(t)
	for _, a := range breakout.Attempts() {
		for _, r := range []*sandbox.Rules{nil, {}} {
			state, out, errs := run(t, order{Rules: r, Attempt: a.Name, Targets: x})
			got, err := breakout.Judge(state, out)
			if err != nil {
				t.Fatalf("%s, confined %t: %v\n%s", a.Name, r != nil, err, errs)
			}
			if open := got == breakout.Open; open == (r != nil) && !forbiddenHere(a.Name) {
				t.Errorf("can %s, confined %t: %s", a.What, r != nil, got)
			}
			t.Logf("%s, confined %t: %s", a.Name, r != nil, got)
		}
	}
}

// forbiddenHere tells whether the machine itself forbids something, so that it
// can't be seen to work unconfined.
func forbiddenHere(attempt string) bool {
	var most unix.Rlimit
	return attempt == "core" && os.Geteuid() != 0 && unix.Getrlimit(unix.RLIMIT_CORE, &most) == nil && most.Max == 0
}

// TestWhatIsNeededIsLeft: what a process may still do, it can.
func TestWhatIsNeededIsLeft(t *testing.T) {
	dir := t.TempDir()
	x := targets(t)
	for _, o := range []order{
		{Do: "threads", Rules: &sandbox.Rules{}},
		{Do: "threads", Rules: &sandbox.Rules{Secrets: true}},
		{Do: "keep", Rules: &sandbox.Rules{Write: []string{dir}}, At: dir},
		{Do: "connect", Rules: &sandbox.Rules{Ports: []uint16{x.TCP.Port()}}, At: x.TCP.String()},
	} {
		if state, _, errs := run(t, o); !state.Success() {
			t.Errorf("%s with %+v: %s\n%s", o.Do, *o.Rules, state, errs)
		}
	}
	for _, o := range []order{
		{Do: "keep", Rules: &sandbox.Rules{Read: []string{dir}}, At: dir},
		{Do: "keep", Rules: &sandbox.Rules{Write: []string{t.TempDir()}}, At: dir},
		{Do: "connect", Rules: &sandbox.Rules{Ports: []uint16{1}}, At: x.TCP.String()},
		{Do: "connect", Rules: &sandbox.Rules{Sockets: []string{dir}}, At: x.TCP.String()},
	} {
		if state, _, _ := run(t, o); state.Success() {
			t.Errorf("%s with %+v could be done", o.Do, *o.Rules)
		}
	}
}

// TestListenersStay: what listened before goes on.
func TestListenersStay(t *testing.T) {
	at := filepath.Join(t.TempDir(), "s")
	ended := make(chan string, 1)
	go func() {
		state, _, errs := run(t, order{Do: "serve", Rules: &sandbox.Rules{}, At: at})
		ended <- fmt.Sprint(state, errs)
	}()
	var c net.Conn
	var err error
	for range 1000 {
		if c, err = net.Dial("unix", at); err == nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	b := make([]byte, 4)
	if _, err := c.Read(b); err != nil || string(b) != "halo" {
		t.Errorf("got %q, %v", b, err)
	}
	if got := <-ended; !strings.HasPrefix(got, "exit status 0") {
		t.Error(got)
	}
}

// TestWhatTheKernelLacks: it is said, and what there is holds nevertheless.
func TestWhatTheKernelLacks(t *testing.T) {
	x := targets(t)
	for _, k := range []struct {
		without []string
		says    string
		holds   []string // attempts that fail all the same
	}{
		{[]string{"landlock_create_ruleset"}, "Landlock", []string{"store", "socket", "tcp", "program", "signal"}},
		{[]string{"seccomp"}, "seccomp", []string{"store", "outside", "abstract", "signal"}},
	} {
		state, out, errs := run(t, order{Do: "report", Rules: &sandbox.Rules{}, Without: k.without})
		var report sandbox.Report
		if err := json.Unmarshal([]byte(out), &report); err != nil || !state.Success() {
			t.Fatalf("without %v: %v, %s", k.without, err, errs)
		}
		if len(report.Missing) != 1 || !strings.Contains(report.Missing[0], k.says) {
			t.Errorf("without %v: got %+v", k.without, report)
		}
		for _, a := range k.holds {
			state, out, errs := run(t, order{Rules: &sandbox.Rules{}, Attempt: a, Targets: x, Without: k.without})
			if got, err := breakout.Judge(state, out); err != nil || got == breakout.Open {
				t.Errorf("without %v, %s: got %s, %v\n%s", k.without, a, got, err, errs)
			}
		}
	}
	state, out, errs := run(t, order{Do: "report", Rules: &sandbox.Rules{}})
	var report sandbox.Report
	if err := json.Unmarshal([]byte(out), &report); err != nil || !state.Success() {
		t.Fatalf("%v, %s", err, errs)
	}
	if len(report.Missing) > 0 || report.Landlock < 1 || !report.Seccomp {
		t.Errorf("this kernel: got %+v", report)
	}
}

// TestAllThreadsAreConfined looks at a process from outside.
func TestAllThreadsAreConfined(t *testing.T) {
	at := filepath.Join(t.TempDir(), "s")
	b, err := json.Marshal(order{Do: "serve", Rules: &sandbox.Rules{}, At: at})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/proc/self/exe", string(b))
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	status := func() (threads, confined int) {
		files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", cmd.Process.Pid))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				continue // the thread has ended
			}
			threads++
			if strings.Contains(string(b), "NoNewPrivs:\t1\n") && strings.Contains(string(b), "Seccomp:\t2\n") {
				confined++
			}
		}
		return threads, confined
	}
	for range 1000 {
		if threads, confined := status(); threads > 1 && threads == confined {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	threads, confined := status()
	t.Errorf("of %d threads %d are confined", threads, confined)
}
