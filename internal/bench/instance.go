package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/sys/unix"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
)

const origin = "suluh.example/ukur"

// member is a reader of the roster with the key that signs statements.
type member struct {
	id   id.Member
	sign note.Signer
}

// instance is a vault of its own, of which each part runs as a process.
type instance struct {
	b       *bench
	dir     string
	rootKey string
	logKey  string
	root    note.Signer
	roster  *roster.Roster
	signed  id.Digest // of the roster
	members []member
	saw     []*process // witnesses
}

// newKey makes a note key.
func newKey(name string) (note.Signer, string, error) {
	skey, vkey, err := note.GenerateKey(nil, name)
	if err != nil {
		return nil, "", err
	}
	s, err := note.NewSigner(skey)
	return s, vkey, err
}

// newInstance makes a vault with units of so many readers each, and a recovery
// sheet for each.
func (b *bench) newInstance(name string, units, readers, witnesses int) (*instance, error) {
	in := &instance{b: b, dir: filepath.Join(b.dir, name)}
	var err error
	if in.root, in.rootKey, err = newKey(origin + "/root"); err != nil {
		return nil, err
	}
	if in.logKey, err = in.run("vault", "init", "--dir", in.dir, "--origin", origin, "--root-key", in.rootKey); err != nil {
		return nil, err
	}
	if err := in.makeRoster(units, readers); err != nil {
		return nil, err
	}
	if err := in.startWitnesses(witnesses); err != nil {
		return nil, err
	}
	signed, err := in.roster.Sign(in.root)
	if err != nil {
		return nil, err
	}
	in.signed = roster.Digest(signed)
	file := filepath.Join(b.dir, name+".roster")
	if err := os.WriteFile(file, signed, 0o600); err != nil {
		return nil, err
	}
	_, err = in.run("vault", "roster", "--dir", in.dir, file)
	return in, err
}

func (in *instance) makeRoster(units, readers int) error {
	zone, err := time.LoadLocation("Asia/Makassar")
	if err != nil {
		return err
	}
	day := id.DayOf(time.Now(), zone)
	in.roster = &roster.Roster{Version: 1, Day: day, Origin: origin, LogKey: in.logKey}
	for u := range units {
		unit := id.Unit(fmt.Sprintf("unit%d", u))
		sheet, err := age.GenerateHybridIdentity()
		if err != nil {
			return err
		}
		in.roster.Units = append(in.roster.Units, roster.Unit{
			ID: unit, Name: map[string]string{"id": fmt.Sprint("Unit ", u), "en": fmt.Sprint("Unit ", u)}, Recovery: sheet.Recipient().String(),
		})
		for r := range readers {
			m := id.Member(fmt.Sprintf("penelaah-%d-%d", u, r))
			s, vkey, err := newKey(string(m))
			if err != nil {
				return err
			}
			i, err := age.GenerateHybridIdentity()
			if err != nil {
				return err
			}
			in.members = append(in.members, member{m, s})
			in.roster.Members = append(in.roster.Members, roster.Member{
				ID: m, Name: fmt.Sprintf("Penelaah %d %d", u, r), Unit: unit, Roles: []roster.Role{roster.Reader},
				Recipient: i.Recipient().String(), Key: vkey, Since: day,
			})
		}
	}
	return nil
}

// run runs a command to its end and returns what it prints.
func (in *instance) run(args ...string) (string, error) {
	var errs bytes.Buffer
	cmd := exec.CommandContext(in.b.ctx, in.b.bin, args...)
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("suluh %s: %w\n%s", args[0], err, errs.Bytes())
	}
	return strings.TrimSpace(string(out)), nil
}

func (in *instance) socket(name string) string { return filepath.Join(in.dir, name) }

// process is a part that runs.
type process struct {
	cmd  *exec.Cmd
	url  string // what it listens on
	stop func() error
}

// part starts a part and returns once it listens.
func (in *instance) part(args ...string) (*process, error) {
	return startPart(exec.CommandContext(in.b.ctx, in.b.bin, args...))
}

func startPart(cmd *exec.Cmd) (*process, error) {
	p := &process{cmd: cmd}
	p.cmd.Stderr = os.Stderr
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM, Setpgid: true}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := startWithSlack(p.cmd); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	_, where, ok := strings.Cut(strings.TrimSpace(line), ": listening ")
	if err != nil || !ok {
		return nil, errors.Join(fmt.Errorf("%s does not start", cmd.Args[1]), p.cmd.Process.Kill())
	}
	p.url = strings.TrimPrefix(where, "on ")
	p.stop = sync.OnceValue(func() error {
		return errors.Join(p.cmd.Process.Signal(syscall.SIGTERM), p.cmd.Wait())
	})
	return p, nil
}

// startWithSlack starts a part as its unit does in packaging/systemd, with
// TimerSlackNSec=1ms, which a process has from the thread that starts it.
func startWithSlack(cmd *exec.Cmd) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(time.Millisecond), 0, 0, 0); err != nil {
		return err
	}
	return errors.Join(cmd.Start(), unix.Prctl(unix.PR_SET_TIMERSLACK, 0, 0, 0, 0)) // 0 is what the thread had
}

func (in *instance) vault() (*process, error) { return in.part("vault", "run", "--dir", in.dir) }

func (in *instance) intake() (*process, error) {
	return in.part("intake", "--deposit-socket", in.socket("deposit.sock"), "--root-key", in.rootKey, "--listen", "127.0.0.1:0")
}

// memory returns a line of a process's status file, in bytes: VmHWM is the
// most that was ever resident, VmRSS what is now.
func (p *process) memory(line string) (int64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	for l := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(l, line+":"); ok {
			n, err := strconv.ParseInt(strings.Fields(v)[0], 10, 64)
			return n << 10, err
		}
	}
	return 0, fmt.Errorf("no %s in a process's status", line)
}

// watched runs a command and returns what it printed and the most memory that it
// took, as the kernel tells while it runs. What is told of a process that has
// ended would be the bench's own if that is more: a child shares it until it
// executes its program.
func watched(cmd *exec.Cmd) (out []byte, most int64, err error) {
	var b bytes.Buffer
	cmd.Stdout, cmd.Stderr = &b, &b
	if err := cmd.Start(); err != nil {
		return nil, 0, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	p := process{cmd: cmd}
	for {
		select {
		case err := <-ended:
			return b.Bytes(), most, err
		case <-time.After(10 * time.Millisecond):
			if n, err := p.memory("VmHWM"); err == nil { // it has none any more once it ends
				most = n
			}
		}
	}
}

// used is the processor time that a process took which has ended.
func used(s *os.ProcessState) time.Duration { return s.UserTime() + s.SystemTime() }

// cpuOf is the processor time that a running process has taken.
func cpuOf(pid int) (time.Duration, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(b), ") ") // behind the name
	f := strings.Fields(rest)
	if len(f) < 13 {
		return 0, errors.New("a process's stat has another form")
	}
	user, err1 := strconv.ParseInt(f[11], 10, 64)
	system, err2 := strconv.ParseInt(f[12], 10, 64)
	// In ticks, of which Linux tells programs a hundred a second everywhere.
	return time.Duration(user+system) * 10 * time.Millisecond, errors.Join(err1, err2)
}

func mib(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

// machine says on what was measured.
func machine(dir string) string {
	cpu := "unknown processor"
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for l := range strings.Lines(string(b)) {
			if strings.HasPrefix(l, "model name") {
				_, name, _ := strings.Cut(l, ":")
				cpu = strings.TrimSpace(name)
				break
			}
		}
	}
	var u unix.Utsname
	_ = unix.Uname(&u) // what it can't tell stays empty
	var fs unix.Statfs_t
	_ = unix.Statfs(dir, &fs)
	names := map[int64]string{unix.EXT4_SUPER_MAGIC: "ext4", unix.XFS_SUPER_MAGIC: "xfs", unix.BTRFS_SUPER_MAGIC: "btrfs", unix.TMPFS_MAGIC: "tmpfs", unix.OVERLAYFS_SUPER_MAGIC: "overlayfs"}
	fsName := names[int64(fs.Type)]
	if fsName == "" {
		fsName = fmt.Sprintf("file system %#x", fs.Type)
	}
	return fmt.Sprintf("%d cores (%s), Linux %s, %s, %s, %s", runtime.NumCPU(), cpu, unix.ByteSliceToString(u.Release[:]), fsName, runtime.Version(), time.Now().Format(time.DateOnly))
}
