package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	mathrand "math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/member"
	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/internal/submission"
	"suluh.example/suluh/internal/world"
	"suluh.example/suluh/vault/depositsock"
)

// changing are the calls to the kernel by which a vault's files change, and
// those that make a change survive.
var changing = []string{"write", "pwrite64", "fsync", "fdatasync", "rename", "renameat", "linkat", "unlink", "unlinkat", "ftruncate", "openat", "pread64"}

// stricken is a vault that runs under strace.
type stricken struct {
	cmd       *exec.Cmd
	out       *bufio.Reader
	listening bool // or it has ended
}

// strike runs the vault with strace's options, and returns once it listens or
// has ended. strace starts the vault: one that runs already can't be traced.
func strike(t *testing.T, dir string, options ...string) *stricken {
	t.Helper()
	args := append([]string{"-f", "-qq"}, options...)
	s := &stricken{cmd: exec.Command("strace", append(args, program(t), "vault", "run", "--dir", dir)...)}
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	out, err := s.cmd.StdoutPipe()
	must(t, err)
	if err := s.cmd.Start(); err != nil {
		t.Fatalf("%v: tools/setup installs strace", err)
	}
	s.out = bufio.NewReader(out)
	line := make(chan string, 1)
	go func() {
		l, _ := s.out.ReadString('\n') // nothing if it ended
		line <- l
	}()
	select {
	case l := <-line:
		s.listening = strings.Contains(l, "listening")
	case <-time.After(time.Minute): // it hangs without a word: so be it
		_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL)
		<-line
	}
	return s
}

// kill ends the vault as a power cut would, and strace with it.
func (s *stricken) kill() {
	_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL) // gone already, perhaps
	_, _ = io.Copy(io.Discard, s.out)                     // ends with the last of the two
	_ = s.cmd.Wait()
}

// inForce is the roster by which reports to a world's vault are sealed.
func inForce(t *testing.T, w *world.World) (r *roster.Roster, signed []byte) {
	t.Helper()
	signed, err := depositsock.NewClient(w.DepositSocket()).Roster(t.Context())
	must(t, err)
	vkey, err := os.ReadFile(w.RootKey())
	must(t, err)
	root, err := note.NewVerifier(strings.TrimSpace(string(vkey)))
	must(t, err)
	r, err = roster.Parse(signed, root)
	must(t, err)
	return r, signed
}

// deposit hands a report to the vault as intake does, and tells whether it was
// received.
func (s sent) deposit(ctx context.Context, sender *submission.Sender, day id.Day) bool {
	sub, err := sender.Begin(ctx, day, submission.Form{
		Seed: s.seed, To: submission.Readers{Unit: "itprov"}, Report: report.Report{What: s.text()}, Language: "id",
	})
	if err != nil {
		return false
	}
	defer sub.Abort()
	if _, err := sub.Attach("bukti.bin", "", bytes.NewReader(s.file())); err != nil {
		return false
	}
	_, err = sub.Commit(ctx)
	return err == nil
}

// TestEveryCallMayFail lets the real vault's calls to the kernel fail, or kill
// it, one at a time while reports come in: whatever happens, the next start
// finds a store in which nothing is wrong and everything that was received.
func TestEveryCallMayFail(t *testing.T) {
	const each = 4 // places of each call in which it fails, and dies
	w, err := world.Start(t.Context(), world.Config{Bin: program(t), Dir: filepath.Join(t.TempDir(), "w"), Bare: true, Log: io.Discard})
	must(t, err)
	ro, signed := inForce(t, w)
	must(t, w.Stop())
	dir := filepath.Join(w.Dir, "vault")
	received := map[string]sent{}
	// Three reports: two with a file of its own, one of which comes piece by piece.
	three := func() (n int) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		sender, err := submission.NewSender(depositsock.NewClient(w.DepositSocket()), ro, roster.Digest(signed))
		must(t, err)
		for _, size := range []int{64, 400_000} {
			s := sent{size: size}
			s.seed = submission.NewSeed()
			if s.deposit(ctx, sender, ro.Day) {
				received[s.text()] = s
				n++
			}
		}
		s := sent{size: 400_000}
		s.seed = submission.NewSeed()
		if s.upload(ctx, sender, ro.Day, cancel) { // a vault that is dead isn't waited for
			received[s.text()] = s
			n++
		}
		return n
	}

	trace := filepath.Join(t.TempDir(), "trace")
	s := strike(t, dir, "-o", trace, "-e", "trace="+strings.Join(changing, ","))
	if !s.listening || three() != 3 {
		t.Fatal("the vault does not work under strace")
	}
	s.kill()
	calls := countCalls(t, trace)
	if calls["pwrite64"] == 0 || calls["fsync"]+calls["fdatasync"] == 0 || calls["rename"]+calls["renameat"] == 0 {
		t.Fatalf("calls of a vault that keeps files: %v", calls)
	}

	struck := 0
	for _, call := range changing {
		most := calls[call]
		for _, fault := range []string{"error=EIO", "signal=KILL"} {
			for range min(most, each) {
				at := 1 + mathrand.IntN(most)
				s := strike(t, dir, "-o", os.DevNull, "-e", "trace="+call, "-e", fmt.Sprintf("inject=%s:%s:when=%d", call, fault, at))
				if !s.listening || three() != 3 {
					struck++
				}
				s.kill()
				if found := doctor(t, dir); found != "" {
					t.Fatalf("%s at the %d. %s: %s", fault, at, call, found)
				}
			}
		}
	}
	t.Logf("%d reports received; %d strikes were felt", len(received), struck)
	if struck < 10 || len(received) < 10 {
		t.Errorf("%d strikes were felt and %d reports received: the test did not try what it should", struck, len(received))
	}
	w, err = world.Start(t.Context(), world.Config{Bin: program(t), Dir: w.Dir, Bare: true, Log: io.Discard})
	must(t, err)
	defer func() { must(t, w.Stop()) }()
	whole(t, w, received)
}

// TestAChangeAfterEachSync: a sync can succeed and keep nothing, if the disk's journal
// breaks off just then. So the vault asks for one more change, of its lock, before it tells
// anybody; and where that fails, it doesn't start.
func TestAChangeAfterEachSync(t *testing.T) {
	w, err := world.Start(t.Context(), world.Config{Bin: program(t), Dir: filepath.Join(t.TempDir(), "w"), Bare: true, Log: io.Discard})
	must(t, err)
	vault := depositsock.NewClient(w.DepositSocket())
	ro, signed := inForce(t, w)
	must(t, w.Stop())
	dir, trace := filepath.Join(w.Dir, "vault"), filepath.Join(t.TempDir(), "trace")
	s := strike(t, dir, "-o", trace, "-y", "-e", "trace=fsync,fdatasync,ftruncate")
	sender, err := submission.NewSender(vault, ro, roster.Digest(signed))
	must(t, err)
	report := sent{size: 64}
	report.seed = submission.NewSeed()
	if !s.listening || !report.deposit(t.Context(), sender, ro.Day) {
		t.Fatal("the vault does not work under strace")
	}
	calls, err := os.ReadFile(trace)
	must(t, err)
	s.kill()
	synced := bytes.LastIndex(calls, []byte("/vault.db-wal>"))
	if asked := bytes.LastIndex(calls, []byte("/lock>, 0)")); synced < 0 || asked < synced {
		t.Errorf("no change is asked for after the last sync of the WAL:\n%s", calls)
	}

	cmd := exec.Command("strace", "-f", "-qq", "-o", os.DevNull, "-P", filepath.Join(dir, "lock"), "-e", "trace=ftruncate", "-e", "inject=ftruncate:error=EROFS",
		program(t), "vault", "run", "--dir", dir)
	said, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != 1 || !bytes.Contains(said, []byte("the disk has failed")) || !bytes.Contains(said, []byte("fsck")) {
		t.Errorf("on such a disk the vault ends with %v and says:\n%s", err, said)
	}
	if found := doctor(t, dir); found != "" {
		t.Error(found)
	}
}

// TestDestroyedMeansDestroyed strikes the vault while a reporter has answers
// destroyed. Whoever was told that an answer is gone finds nothing of it on the
// disk; whoever was told nothing may ask again, and it is gone then; and the
// store is sound all the while.
func TestDestroyedMeansDestroyed(t *testing.T) {
	const each = 3 // places of each call in which it fails, and dies
	w, err := world.Start(t.Context(), world.Config{Bin: program(t), Dir: filepath.Join(t.TempDir(), "w"), Bare: true, Log: io.Discard})
	must(t, err)
	vault := depositsock.NewClient(w.DepositSocket())
	ro, signed := inForce(t, w)
	sender, err := submission.NewSender(vault, ro, roster.Digest(signed))
	must(t, err)
	s := sent{size: 64}
	s.seed = submission.NewSeed()
	if !s.deposit(t.Context(), sender, ro.Day) {
		t.Fatal("no report to answer")
	}
	code := s.code(t)
	v, err := sender.Look(t.Context(), code)
	must(t, err)
	session := sessionOf(t, w, "penelaah-satu")
	calls := []string{"pwrite64", "fsync", "fdatasync", "ftruncate"}
	for n := range 2*each*len(calls) + 1 {
		must(t, session.Reply(t.Context(), v.Case, member.NewOnce(), fmt.Sprintf("Balasan %d. %s", n, strings.Repeat("x", 6000))))
	}
	must(t, w.Stop())
	dir := filepath.Join(w.Dir, "vault")

	// next has the next answer destroyed, and tells what it was and whether that was done.
	next := func() (marker []byte, done bool) {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		found, err := vault.Lookup(ctx, code.Lookup())
		if err != nil {
			return nil, false
		}
		v, err := sender.Look(ctx, code)
		if err != nil {
			return nil, false
		}
		for _, m := range v.Messages {
			if m.Text != "" {
				b := found.Bytes[m.Answer]
				_, err := sender.Destroy(ctx, v, m.Answer)
				return b[len(b)-2000:][:64], err == nil
			}
		}
		t.Fatal("no answer is left")
		return nil, false
	}
	gone := func(marker []byte) bool {
		t.Helper()
		there := false
		must(t, filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
			if err != nil || !e.Type().IsRegular() {
				return err
			}
			b, err := os.ReadFile(path)
			there = there || bytes.Contains(b, marker)
			return err
		}))
		return !there
	}

	trace := filepath.Join(t.TempDir(), "trace")
	x := strike(t, dir, "-o", trace, "-e", "trace="+strings.Join(calls, ","))
	marker, done := next()
	if !done || !gone(marker) {
		t.Fatal("the vault does not destroy under strace")
	}
	x.kill()
	counted := countCalls(t, trace)
	struck := 0
	for _, call := range calls {
		for _, fault := range []string{"error=EIO", "signal=KILL"} {
			for range min(counted[call], each) {
				at := 1 + mathrand.IntN(counted[call])
				what := fmt.Sprintf("%s at the %d. %s", fault, at, call)
				x := strike(t, dir, "-o", os.DevNull, "-e", "trace="+call, "-e", fmt.Sprintf("inject=%s:%s:when=%d", call, fault, at))
				var marker []byte
				var done bool
				if x.listening {
					marker, done = next()
				}
				if done && !gone(marker) {
					t.Errorf("%s: the reporter was told, and bytes of the answer are on the disk", what)
				}
				x.kill()
				if found := doctor(t, dir); found != "" {
					t.Fatalf("%s: %s", what, found)
				}
				if done && !gone(marker) {
					t.Errorf("%s: bytes of the answer are there again", what)
				}
				if !done {
					struck++
				}
			}
		}
	}
	t.Logf("%d strikes were felt", struck)
	if struck < 3 {
		t.Errorf("%d strikes were felt: the test did not try what it should", struck)
	}
	// What was asked in vain is done now, and what was done stays.
	w, err = world.Start(t.Context(), world.Config{Bin: program(t), Dir: w.Dir, Bare: true, Log: io.Discard})
	must(t, err)
	defer func() { must(t, w.Stop()) }()
	v, err = sender.Look(t.Context(), code)
	must(t, err)
	for _, m := range v.Messages {
		_, err := sender.Destroy(t.Context(), v, m.Answer)
		must(t, err)
	}
	v, err = sender.Look(t.Context(), code)
	must(t, err)
	for _, m := range v.Messages {
		if m.Text != "" || m.Destroyed.IsZero() {
			t.Errorf("an answer is left: %+v", m)
		}
	}
	suluh(t, "vault", "batch", "--dir", dir)
	suluh(t, "audit", "verify", "--log-key", w.LogKey, filepath.Join(dir, "log.sock"))
	suluh(t, "doctor", "--dir", dir)
}

// countCalls returns how often one thread of a traced program made each call.
func countCalls(t *testing.T, trace string) map[string]int {
	t.Helper()
	b, err := os.ReadFile(trace)
	must(t, err)
	most, of := map[string]int{}, map[string]int{}
	for _, m := range regexp.MustCompile(`(?m)^(\d+) +(\w+)\(`).FindAllStringSubmatch(string(b), -1) {
		of[m[1]+m[2]]++
		most[m[2]] = max(most[m[2]], of[m[1]+m[2]])
	}
	return most
}

// doctor starts the vault once more, lets doctor look at what it has made of
// the store, and returns what is wrong.
func doctor(t *testing.T, dir string) string {
	t.Helper()
	cmd := exec.Command(program(t), "vault", "run", "--dir", dir)
	out, err := cmd.StdoutPipe()
	must(t, err)
	var said bytes.Buffer
	cmd.Stderr = &said
	must(t, cmd.Start())
	line, _ := bufio.NewReader(out).ReadString('\n')
	if !strings.Contains(line, "listening") {
		_ = cmd.Wait()
		return "the vault does not start again: " + said.String()
	}
	defer func() {
		must(t, cmd.Process.Signal(syscall.SIGTERM))
		must(t, cmd.Wait())
	}()
	found, err := exec.Command(program(t), "doctor", "--dir", dir).CombinedOutput()
	if err != nil {
		return string(found)
	}
	if tmp, _ := filepath.Glob(filepath.Join(dir, "blobs", "tmp", "*")); len(tmp) > 0 {
		return "temporary files are left"
	}
	return ""
}
