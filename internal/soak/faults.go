package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"suluh.example/suluh/internal/world"
)

// Faults, as the table has them.
const (
	killVault    = "`kill -9` of the vault"
	killIntake   = "`kill -9` of intake"
	killDesk     = "`kill -9` of the desk"
	killAudit    = "`kill -9` of the audit part"
	killFull     = "`kill -9` of the vault while its disk is full"
	diskFull     = "disk full to the last byte, while reports come"
	diskWAL      = "some hundred KiB left, so that the WAL runs out of room (ENOSPC)"
	diskClosed   = "less room than the vault keeps back for itself"
	diskReadOnly = "the vault started on a read-only disk"
	diskFails    = "the disk of the running vault turned read-only, its journal broken off, then checked and mounted again"
	fileLimit    = "no file may grow (RLIMIT_FSIZE of the running vault)"
	stopped      = "the vault stopped for a moment (SIGSTOP)"
	torGone      = "`kill -9` of the onion service's tor"
	slowLoris    = "waves of 30 slow-loris clients"
	halfOpen     = "waves of 30 half-open connections, then reset"
	clockJump    = "jumps of the clock by up to 3 days, both ways"
)

// faults are what counts as one, in the table's order.
func faults() []string {
	return []string{
		killVault, killIntake, killDesk, killAudit, killFull, diskFull, diskWAL, diskClosed, diskReadOnly, diskFails, fileLimit, stopped, torGone, slowLoris, halfOpen, clockJump,
	}
}

// fault is one that is injected now and then.
type fault struct {
	often int
	name  string
	do    func() error
}

// inject does one thing after the other to the vault and its disk, and beside
// that to all that stands around it, until the time is up. It leaves both whole.
func (s *soak) inject(ctx context.Context) error {
	inside := []fault{
		{12, killVault, func() error { return s.kill(world.Vault) }},
		{4, stopped, s.stopAndGoOn},
		{4, fileLimit, s.limitFiles},
	}
	if s.disk != nil {
		inside = append(inside,
			fault{5, diskFull, func() error { return s.disk.leave(0, shortly) }},
			fault{5, diskWAL, func() error { return s.disk.leave(int64(rand.IntN(512<<10)), shortly) }},
			fault{2, diskClosed, func() error { return s.disk.leave(200<<20, shortly) }},
			fault{3, killFull, s.killFull},
			fault{2, diskReadOnly, s.readOnly},
			fault{2, diskFails, s.failDisk},
		)
	}
	if s.only != nil {
		inside = slices.DeleteFunc(inside, func(f fault) bool { return !s.only.MatchString(f.name) })
	}
	around := []fault{
		{5, killIntake, func() error { return s.kill(world.Intake) }},
		{2, killDesk, func() error { return s.kill(world.Desk) }},
		{2, killAudit, func() error { return s.kill(world.Audit) }},
		{2, slowLoris, func() error { return s.hostile(ctx, true) }},
		{2, halfOpen, func() error { return s.hostile(ctx, false) }},
	}
	var g errgroup.Group
	for _, from := range [][]fault{inside, around} {
		g.Go(func() error { return s.oneAfterTheOther(ctx, from) })
	}
	g.Go(func() error { return s.killTor(ctx) })
	return g.Wait()
}

func (s *soak) oneAfterTheOther(ctx context.Context, from []fault) error {
	all := 0
	for _, c := range from {
		all += c.often
	}
	for ctx.Err() == nil {
		n := rand.IntN(all)
		for _, c := range from {
			if n -= c.often; n >= 0 {
				continue
			}
			began := time.Now()
			if err := c.do(); err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			if took := time.Since(began); took > 5*time.Second {
				s.say("%s took %s", c.name, took.Round(time.Second))
			}
			s.counts.add(c.name, 1)
			break
		}
		wait(ctx, time.Duration(50+rand.IntN(200))*time.Millisecond)
	}
	return nil
}

// shortly is what happens while a disk is full.
func shortly() { time.Sleep(time.Duration(50+rand.IntN(250)) * time.Millisecond) }

func (s *soak) kill(p world.Part) error {
	if p != world.Vault {
		s.others.Lock()
		defer s.others.Unlock()
	}
	return errors.Join(s.w.Kill(p), s.w.StartPart(p))
}

// pid is that of the vault.
func (s *soak) pid() int { return s.w.PID(world.Vault) }

func (s *soak) stopAndGoOn() error {
	if err := syscall.Kill(s.pid(), syscall.SIGSTOP); err != nil {
		return err
	}
	shortly()
	return syscall.Kill(s.pid(), syscall.SIGCONT)
}

// limitFiles lets every write that makes a file longer fail (EFBIG), in the
// database, the WAL and blobs alike, as a quota does.
func (s *soak) limitFiles() error {
	var before unix.Rlimit
	if err := unix.Prlimit(s.pid(), unix.RLIMIT_FSIZE, nil, &before); err != nil {
		return err
	}
	none := unix.Rlimit{Cur: uint64(rand.IntN(256 << 10)), Max: before.Max}
	if err := unix.Prlimit(s.pid(), unix.RLIMIT_FSIZE, &none, nil); err != nil {
		return err
	}
	shortly()
	err := unix.Prlimit(s.pid(), unix.RLIMIT_FSIZE, &before, nil)
	if errors.Is(err, unix.ESRCH) { // it has ended by that: so it starts again
		return s.kill(world.Vault)
	}
	return err
}

func (s *soak) killFull() error {
	if err := s.disk.leave(0, func() { shortly(); s.failed.add(s.w.Kill(world.Vault)) }); err != nil {
		return err
	}
	return s.w.StartPart(world.Vault)
}

// readOnly starts the vault on a read-only disk, which it must refuse, and then
// on the same one as it was. A disk in use can't be made so.
func (s *soak) readOnly() error {
	s.others.Lock() // the desk keeps what it has seen on the same disk
	defer s.others.Unlock()
	if err := s.w.Kill(world.Vault); err != nil {
		return err
	}
	if err := s.disk.readOnly(true); err != nil {
		return errors.Join(err, s.w.StartPart(world.Vault))
	}
	if err := s.w.StartPart(world.Vault); err == nil {
		return errors.New("it runs")
	}
	return errors.Join(s.disk.readOnly(false), s.w.StartPart(world.Vault))
}

// failDisk lets the disk do what a file system does when it finds itself damaged:
// it takes nothing more, whatever is open. Then it is mended as after a restart.
func (s *soak) failDisk() error {
	s.others.Lock() // nobody starts a part in the folder that lies below the disk
	defer s.others.Unlock()
	if err := s.disk.fail(); err != nil {
		return err
	}
	shortly()
	parts := []world.Part{world.Vault, world.Intake, world.Desk, world.Audit}
	for _, p := range parts {
		if err := s.w.Kill(p); err != nil {
			return err
		}
	}
	if err := s.disk.mend(); err != nil {
		return err
	}
	for _, p := range parts {
		if err := s.w.StartPart(p); err != nil {
			return err
		}
	}
	return nil
}

// hostile opens connections to intake that go on for long and bring nothing:
// one byte of a header after the other, or half of a form.
func (s *soak) hostile(ctx context.Context, slow bool) error {
	addr := strings.TrimSuffix(strings.TrimPrefix(s.w.Intake, "http://"), "/")
	var all []net.Conn
	defer func() {
		for _, c := range all {
			if t, ok := c.(*net.TCPConn); ok && !slow {
				_ = t.SetLinger(0) // which resets it
			}
			c.Close()
		}
	}()
	for range 30 {
		c, err := (&net.Dialer{Timeout: 2 * time.Second}).DialContext(ctx, "tcp", addr)
		if err != nil {
			break // intake is away just now, or the time is up
		}
		all = append(all, c)
		if !slow {
			_, _ = fmt.Fprintf(c, "POST /lapor/kirim HTTP/1.1\r\nHost: %s\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: 1000000\r\n\r\n--x\r\nContent-Disposition: form-data; name=\"apa\"\r\n\r\nsetengah", addr)
		}
	}
	const head = "GET / HTTP/1.1\r\nX-Lambat: "
	for i := range 20 {
		for _, c := range all {
			if slow {
				_, _ = c.Write([]byte{head[i%len(head)]})
			}
		}
		wait(ctx, 20*time.Millisecond)
	}
	return nil
}

// disk is a small file system, with a journal as servers have it, whose disk is a
// file in memory.
type disk struct {
	at     string
	memory string // where the file is
	filler string
}

const (
	diskSize = 1 << 30
	onError  = "errors=remount-ro" // what an error leaves can be read
)

func mountDisk(at string) (_ *disk, err error) {
	d := &disk{at: at, memory: at + ".memory", filler: filepath.Join(at, "filler")}
	if err := os.Mkdir(d.memory, 0o700); err != nil {
		return nil, err
	}
	if err := unix.Mount("soak", d.memory, "tmpfs", unix.MS_NODEV|unix.MS_NOSUID, "size="+strconv.Itoa(diskSize+1<<20)+",mode=0700"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, unix.Unmount(d.memory, unix.MNT_DETACH))
		}
	}()
	if err := errors.Join(os.WriteFile(d.file(), nil, 0o600), os.Truncate(d.file(), diskSize)); err != nil {
		return nil, err
	}
	// Nothing is kept back for root, nor done later.
	if err := tool("mkfs.ext4", "-q", "-m", "0", "-E", "lazy_itable_init=0,lazy_journal_init=0", d.file()); err != nil {
		return nil, err
	}
	if err := d.mount(); err != nil {
		return nil, err
	}
	return d, nil
}

func (d *disk) file() string { return filepath.Join(d.memory, "disk") }

// mount leaves alone the blocks that ext4 keeps for itself (reserved_clusters in
// /sys/fs/ext4): nobody can fill them, and without them the kernel drops pages
// that it took when there was room, those that SQLite has mapped among them.
func (d *disk) mount() error {
	return tool("mount", "-t", "ext4", "-o", "loop,nodev,nosuid,"+onError, d.file(), d.at)
}

// unmount takes it away, even if a part still ends.
func (d *disk) unmount() error {
	return errors.Join(unix.Unmount(d.at, unix.MNT_DETACH), unix.Unmount(d.memory, unix.MNT_DETACH), os.Remove(d.memory))
}

// fail has the kernel find an error.
func (d *disk) fail() error {
	device, err := exec.Command("findmnt", "-n", "-o", "SOURCE", "--mountpoint", d.at).Output()
	if err != nil {
		return fmt.Errorf("find the disk: %w", err)
	}
	return os.WriteFile(filepath.Join("/sys/fs/ext4", filepath.Base(strings.TrimSpace(string(device))), "trigger_fs_error"), []byte("1"), 0)
}

// mend takes it away, has it checked and brings it back. Nobody may have a file
// open on it for long.
func (d *disk) mend() (err error) {
	for range 600 { // a backup may read it just now
		if err = unix.Unmount(d.at, 0); !errors.Is(err, unix.EBUSY) {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if err != nil {
		return fmt.Errorf("unmount: %w", err)
	}
	// The loop device lets go of the file a moment later. Status 1: errors were found, and mended.
	for range 100 {
		err = tool("e2fsck", "-p", d.file())
		var ended *exec.ExitError
		if errors.As(err, &ended) && ended.ExitCode() == 1 {
			err = nil
		}
		if err == nil {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if err != nil {
		return err
	}
	return d.mount()
}

// tool runs one of the system's.
func tool(name string, args ...string) error {
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, out)
	}
	return nil
}

// leave fills the disk so that so many bytes are left, does something, and gives
// the room back.
func (d *disk) leave(left int64, do func()) (err error) {
	f, err := os.OpenFile(d.filler, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(d.filler)) }()
	for size, part := int64(0), int64(diskSize); ; {
		var fs unix.Statfs_t
		if err := unix.Statfs(d.at, &fs); err != nil {
			return err
		}
		more := min(int64(fs.Bavail)*fs.Bsize-left, part)
		if more < fs.Bsize {
			break
		}
		err := unix.Fallocate(int(f.Fd()), 0, size, more)
		switch {
		case errors.Is(err, unix.ENOSPC):
			part = more / 2 // others write meanwhile
		case err != nil:
			return err
		default:
			size += more
		}
	}
	do()
	return nil
}

func (d *disk) readOnly(is bool) error {
	flags := uintptr(unix.MS_REMOUNT | unix.MS_NODEV | unix.MS_NOSUID)
	if is {
		flags |= unix.MS_RDONLY
	}
	var err error
	for range 100 { // the desk may write a file just now
		if err = unix.Mount("", d.at, "", flags, onError); !errors.Is(err, unix.EBUSY) {
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
	return err
}

// usage is what the vault and intake hold.
type usage struct {
	files  [2]int
	memory [2]int64
}

var watched = [2]world.Part{world.Vault, world.Intake}

func (s *soak) usage() (u usage, err error) {
	for i, p := range watched {
		fds, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", s.w.PID(p)))
		if err != nil {
			return u, err
		}
		u.files[i] = len(fds)
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", s.w.PID(p)))
		if err != nil {
			return u, err
		}
		f := strings.Fields(string(b))
		pages, err := strconv.ParseInt(f[1], 10, 64)
		if err != nil {
			return u, err
		}
		u.memory[i] = pages * int64(os.Getpagesize())
	}
	return u, nil
}

// calm lets the same processes bear hostile clients and load for a while, and
// then looks whether they hold more than after a little load before.
func (s *soak) calm(ctx context.Context) error {
	for _, p := range []world.Part{world.Audit, world.Desk, world.Intake, world.Vault} {
		if err := s.w.Kill(p); err != nil {
			return err
		}
	}
	for _, p := range []world.Part{world.Vault, world.Intake, world.Desk, world.Audit} {
		if err := s.w.StartPart(p); err != nil {
			return err
		}
	}
	part := max(s.length/8, 4*time.Second)
	nothing := func(context.Context) error { return nil }
	if err := s.load(ctx, part, nothing); err != nil {
		return err
	}
	var err error
	if s.state[0], err = s.rested(ctx, usage{}); err != nil {
		return err
	}
	if err := s.guessRest(ctx); err != nil {
		return err
	}
	if err := s.load(ctx, part, func(ctx context.Context) error {
		for ctx.Err() == nil {
			for name, slow := range map[string]bool{slowLoris: true, halfOpen: false} {
				if err := s.hostile(ctx, slow); err != nil {
					return err
				}
				s.counts.add(name, 1)
			}
		}
		return nil
	}); err != nil {
		return err
	}
	if s.state[1], err = s.rested(ctx, s.state[0]); err != nil {
		return err
	}
	// The vault keeps up to eight connections to its database, of three files each,
	// and idle ones of HTTP, from each of the parts, stay for two minutes: what
	// leaks, leaks by the hundred.
	for i, p := range watched {
		if before, after := s.state[0].files[i], s.state[1].files[i]; after > before+48 {
			s.failed.add(fmt.Errorf("%s holds %d files open, %d before", p, after, before))
		}
		if before, after := s.state[0].memory[i], s.state[1].memory[i]; after > before+before/2+32<<20 {
			s.failed.add(fmt.Errorf("%s holds %d MiB of memory, %d before", p, after>>20, before>>20))
		}
	}
	return nil
}

// rested is what the parts hold once they hold no more open than before, or as
// little as they will.
func (s *soak) rested(ctx context.Context, before usage) (u usage, err error) {
	for range 20 {
		wait(ctx, 500*time.Millisecond)
		last := u
		if u, err = s.usage(); err != nil {
			return u, err
		}
		if before == (usage{}) && u.files == last.files || u.files[0] <= before.files[0] && u.files[1] <= before.files[1] {
			return u, nil
		}
	}
	return u, nil
}
