package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/elastic/go-seccomp-bpf"
	"golang.org/x/sys/unix"

	"suluh.example/suluh/internal/breakout"
	"suluh.example/suluh/internal/testkey"
)

// onKernelWithout is a process that becomes a program on a kernel which hasn't
// got a system call: on-kernel-without CALL PROGRAM ARG…
func onKernelWithout() {
	runtime.LockOSThread()
	err := seccomp.LoadFilter(seccomp.Filter{NoNewPrivs: true, Flag: seccomp.FilterFlagTSync, Policy: seccomp.Policy{
		DefaultAction: seccomp.ActionAllow,
		Syscalls:      []seccomp.SyscallGroup{{Names: os.Args[1:2], Action: seccomp.ActionErrno | seccomp.Action(unix.ENOSYS)}},
	}})
	if err == nil {
		err = unix.Exec(os.Args[2], os.Args[2:], os.Environ())
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func without(call string, args ...string) *exec.Cmd {
	return &exec.Cmd{Path: "/proc/self/exe", Args: append([]string{"on-kernel-without", call}, args...)}
}

// TestDoctorTriesTheSandbox: here nothing is open that should not be, on a kernel
// without Landlock something is, and the doctor sees both.
func TestDoctorTriesTheSandbox(t *testing.T) {
	for _, x := range []struct {
		cmd  *exec.Cmd
		open []string
	}{
		{exec.Command(program(t), "doctor", "--sandbox", "--json"), nil},
		{without("landlock_create_ruleset", program(t), "doctor", "--sandbox"), []string{"OPEN", "suluh: error: the sandbox has a hole"}},
	} {
		var out, said bytes.Buffer
		x.cmd.Stdout, x.cmd.Stderr = &out, &said
		err := x.cmd.Run()
		if x.open != nil {
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != 1 {
				t.Errorf("a hole: got %v", err)
			}
			says(t, out.String()+said.String(), x.open...)
			continue
		}
		var all []finding
		if err := json.Unmarshal(out.Bytes(), &all); err != nil {
			t.Fatalf("%v\n%s", err, &said)
		}
		if err != nil || len(all) != len(triedParts())*len(breakout.Attempts()) {
			t.Errorf("%d attempts, %v\n%s", len(all), err, &said)
		}
		for _, f := range all {
			// What starts programs can't reach sockets any more from Landlock's ABI 9 on.
			if f.May != (f.Outcome == breakout.Open) && !(f.May && f.Attempt == "socket" && (f.Part == "keeper" || f.Part == "demo")) {
				t.Errorf("%s can %s: %s, its work: %t", f.Part, f.What, f.Outcome, f.May)
			}
		}
	}
}

// asTor is a tor that somebody has taken over: it tries to break out, and says in
// its data directory what it could.
func asTor() {
	var t breakout.Targets
	err := json.Unmarshal([]byte(os.Getenv("SULUH_TEST_TARGETS")), &t)
	could := []string{}
	for _, a := range breakout.Attempts() {
		if a.Name != "become" && a.Name != "core" && a.Try(t) == nil { // those two would end it
			could = append(could, a.Name)
		}
	}
	b, _ := json.Marshal(could) // texts have no errors
	i := slices.IndexFunc(os.Args, func(a string) bool { return strings.EqualFold(a, "--DataDirectory") })
	if err == nil {
		err = os.WriteFile(filepath.Join(os.Args[i+1], "could.json"), b, 0o600)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(1)
}

// TestATorThatIsTakenOver has the network and the onion directory, and reaches
// nothing else of the vault that started it, whose user it runs as.
func TestATorThatIsTakenOver(t *testing.T) {
	tor, err := exec.LookPath("rogue-tor")
	must(t, err)
	dir, outside := filepath.Join(t.TempDir(), "vault"), t.TempDir()
	_, _, key := testkey.New(t, "suluh.example/uji/root")
	suluh(t, "vault", "init", "--dir", dir, "--origin", "suluh.example/uji", "--root-key", key)
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	targets, err := json.Marshal(breakout.Targets{
		Store: filepath.Join(dir, "vault.db"), Outside: outside, Socket: filepath.Join(dir, "member.sock"), Abstract: "suluh-none",
		TCP: netip.MustParseAddrPort(l.Addr().String()), Process: os.Getpid(),
	})
	must(t, err)
	t.Setenv("SULUH_TEST_TARGETS", string(targets))
	could := func(data string) (all []string) {
		b, err := os.ReadFile(filepath.Join(data, "could.json"))
		must(t, err)
		must(t, json.Unmarshal(b, &all))
		return all
	}
	free := t.TempDir()
	if err := exec.Command(tor, "--DataDirectory", free).Run(); err == nil {
		t.Error("it ended with status 0")
	}
	for _, name := range []string{"store", "outside", "program", "tcp", "signal"} {
		if !slices.Contains(could(free), name) {
			t.Errorf("what is not confined can't %s: the test did not try what it should", name)
		}
	}
	says(t, fails(t, "vault", "--dir", dir, "--onion", "--tor", tor), "tor does not start")
	for _, name := range could(filepath.Join(dir, "onion", "tor")) {
		if !slices.Contains(starting, name) {
			t.Errorf("a tor that is taken over can %s", name)
		}
	}
}

// TestKernelsThatLackSomething: a part says once what is missing, and goes on; with
// --require-sandbox it doesn't begin.
func TestKernelsThatLackSomething(t *testing.T) {
	_, _, key := testkey.New(t, "suluh.example/uji/root")
	args := []string{program(t), "intake", "--deposit-socket", filepath.Join(t.TempDir(), "deposit.sock"), "--root-key", key, "--listen", "127.0.0.1:0"}
	for call, what := range map[string]string{"landlock_create_ruleset": "Landlock", "seccomp": "seccomp"} {
		out, err := without(call, append(args, "--require-sandbox")...).CombinedOutput()
		if err == nil || strings.Contains(string(out), "listening") {
			t.Errorf("without %s: %v\n%s", call, err, out)
		}
		says(t, string(out), "suluh: error: this kernel lacks a part of the sandbox", what, "suluh: hint: ")

		cmd := without(call, args...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		var said bytes.Buffer
		cmd.Stderr = &said
		lines, err := cmd.StdoutPipe()
		must(t, err)
		must(t, cmd.Start())
		line := make([]byte, 200)
		n, err := lines.Read(line)
		if err != nil || !strings.Contains(string(line[:n]), "listening") {
			t.Errorf("without %s: it does not serve: %v", call, err)
		}
		must(t, cmd.Process.Signal(syscall.SIGTERM))
		if err := cmd.Wait(); err != nil {
			t.Errorf("without %s: a stop: %v\n%s", call, err, &said)
		}
		if got := strings.Count(said.String(), what); got != 1 {
			t.Errorf("without %s it is said %d times:\n%s", call, got, &said)
		}
	}
}

// TestEveryCommandIsConfined before it begins, but for those that have to open
// something first, which see to it by themselves.
func TestEveryCommandIsConfined(t *testing.T) {
	themselves := []string{
		"intake", "desk", "vault run", "audit serve", "audit watch", "forward run", "witness run", "witness ask",
		"keywitness run", "outward", "dialer", "door", "onion keep", "demo", "doctor", "doctor-try",
		"watch-mailer", // which starts sendmail, and can't be: docs/operations.md
	}
	var c cli
	parser, err := table(&c)
	must(t, err)
	var seen []string
	for _, leaf := range parser.Model.Leaves(false) {
		name := strings.TrimPrefix(leaf.Path(), "suluh ")
		_, before := leaf.Target.Addr().Interface().(confined)
		itself := slices.Contains(themselves, name) || strings.HasPrefix(name, "case ")
		seen = append(seen, name)
		if before == itself {
			t.Errorf("suluh %s: confined before it begins: %t, by itself: %t", name, before, itself)
		}
	}
	for _, name := range themselves {
		if !slices.Contains(seen, name) {
			t.Errorf("there is no suluh %s", name)
		}
	}
}

// TestOperationsHasTheTable holds docs/operations.md to what doctor --sandbox
// tries: each part, and each thing that is its work.
func TestOperationsHasTheTable(t *testing.T) {
	b, err := os.ReadFile("../../docs/operations.md")
	must(t, err)
	rows := regexp.MustCompile("(?m)^\\| `([a-z]+)` \\|.*\\| ([^|]*) \\|$").FindAllStringSubmatch(string(b), -1)
	var parts []string
	for _, r := range rows {
		parts = append(parts, r[1])
	}
	for _, p := range triedParts() {
		i := slices.Index(parts, p.name)
		if i < 0 {
			t.Errorf("docs/operations.md has no row for %s", p.name)
			continue
		}
		want := "nothing"
		if len(p.may) > 0 {
			want = "`" + strings.Join(p.may, "`, `") + "`"
		}
		if rows[i][2] != want {
			t.Errorf("docs/operations.md says of %s: %q; want %q", p.name, rows[i][2], want)
		}
	}
}

// TestSecretsMayComeThroughAPipe: what a shell hands over as <(…) has no place
// that a rule could name.
func TestSecretsMayComeThroughAPipe(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command("bash", "-c", `"$0" member new --id penelaah-satu --name 'Penelaah Satu' --dir "$1" --passphrase-file <(echo 'kata sandi yang panjang')`, program(t), dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if _, err := os.Stat(filepath.Join(dir, "penelaah-satu.identity")); err != nil {
		t.Error(err)
	}
}
