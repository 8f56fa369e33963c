//go:build linux

// Package breakout tries what somebody would try who has taken a part over:
// reach files, sockets, the network, programs and other processes. suluh doctor
// --sandbox tries it in processes that are confined as the parts are, and tests
// try it inside a part that runs.
//
// An attempt asks the kernel directly, so that no library comes in between. It
// must never do harm where it succeeds: it reads a byte, makes an empty file and
// removes it, sends a signal that does nothing.
package breakout

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Targets are what the attempts are made on.
type Targets struct {
	Store    string         `json:"store"`    // a file of the vault
	Outside  string         `json:"outside"`  // a folder that is nobody's
	Socket   string         `json:"socket"`   // a socket of another part
	Abstract string         `json:"abstract"` // an abstract socket, its name without the @
	TCP      netip.AddrPort `json:"tcp"`      // where somebody listens, IPv4
	Process  int            `json:"process"`  // of the same user
}

// Attempt is one thing that is tried.
type Attempt struct {
	Name string
	What string // in words, after "can"

	// Try returns nil if it could be done. It may not return at all: the kernel
	// ends a process that makes a call which it may not make.
	Try func(Targets) error
}

// Attempts returns all that is tried.
func Attempts() []Attempt {
	return []Attempt{
		{"store", "read the vault's files", store},
		{"outside", "write files anywhere else", outside},
		{"socket", "connect to other parts' sockets", socket},
		{"abstract", "connect to abstract sockets", abstract},
		{"tcp", "connect over TCP", tcp},
		{"udp", "send over UDP", udp},
		{"listen", "listen on the network", listen},
		{"program", "start a program", program},
		{"become", "become another program", become},
		{"code", "run machine code that it made", code},
		{"signal", "send signals to other processes", signal},
		{"trace", "take over other processes", trace},
		{"memory", "read other processes' memory", memory},
		{"core", "leave its memory in a core file", core},
	}
}

func store(t Targets) error {
	fd, err := unix.Open(t.Store, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	_, err = unix.Read(fd, make([]byte, 1))
	return err
}

func outside(t Targets) error {
	name := filepath.Join(t.Outside, fmt.Sprintf("breakout-%d", os.Getpid()))
	fd, err := unix.Open(name, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(unix.Close(fd), unix.Unlink(name))
}

func socket(t Targets) error { return connect(unix.AF_UNIX, &unix.SockaddrUnix{Name: t.Socket}) }

func abstract(t Targets) error {
	return connect(unix.AF_UNIX, &unix.SockaddrUnix{Name: "@" + t.Abstract})
}

func tcp(t Targets) error { return connect(unix.AF_INET, inet(t.TCP)) }

func inet(a netip.AddrPort) unix.Sockaddr {
	return &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}
}

func connect(family int, to unix.Sockaddr) error {
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return unix.Connect(fd, to)
}

func udp(t Targets) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return unix.Sendto(fd, nil, 0, inet(t.TCP))
}

func listen(Targets) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := unix.Bind(fd, inet(netip.MustParseAddrPort("127.0.0.1:0"))); err != nil {
		return err
	}
	return unix.Listen(fd, 1)
}

// harmless is the program that is started.
const harmless = "/bin/true"

func program(Targets) error {
	pid, err := syscall.ForkExec(harmless, []string{harmless}, &syscall.ProcAttr{})
	if err != nil {
		return err
	}
	_, err = syscall.Wait4(pid, nil, 0, nil)
	return err
}

func become(Targets) error { return unix.Exec(harmless, []string{harmless}, nil) }

func code(Targets) error {
	b, err := unix.Mmap(-1, 0, os.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE|unix.PROT_EXEC, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return err
	}
	return unix.Munmap(b)
}

func signal(t Targets) error { return unix.Kill(t.Process, unix.SIGCONT) }

func trace(t Targets) error {
	if err := unix.PtraceSeize(t.Process); err != nil {
		return err
	}
	return nil // the end of this process ends it; detaching wants the other one stopped
}

func memory(t Targets) error {
	b := make([]byte, 1)
	local := unix.Iovec{Base: &b[0]}
	local.SetLen(1)
	_, err := unix.ProcessVMReadv(t.Process, []unix.Iovec{local}, []unix.RemoteIovec{{Base: 0, Len: 1}}, 0)
	if errors.Is(err, unix.EFAULT) { // it may: there is only nothing at 0
		return nil
	}
	return err
}

// core dies as a program does that is broken. Whoever waits for it sees whether
// the kernel wrote a core file.
func core(Targets) error {
	debug.SetTraceback("crash")
	panic("breakout: a core file is tried")
}

// Outcome is what came of an attempt.
type Outcome string

// The outcomes.
const (
	Open    Outcome = "open"    // it could be done
	Refused Outcome = "refused" // the kernel refused it
	Ended   Outcome = "ended"   // the kernel ended the process
)

// What a process that tries says, a line each.
const (
	ready    = "confined"
	could    = "done"
	couldNot = "refused"
)

// Do confines the process, makes one attempt and says on w how it went, for
// Judge. It may not return.
func Do(w io.Writer, name string, t Targets, confine func() error) error {
	i := slices.IndexFunc(Attempts(), func(a Attempt) bool { return a.Name == name })
	if i < 0 {
		return errors.New("there is no such attempt")
	}
	if err := confine(); err != nil {
		return err
	}
	if _, err := fmt.Fprintln(w, ready); err != nil {
		return err
	}
	word := could
	if err := Attempts()[i].Try(t); err != nil {
		word = couldNot
	}
	_, err := fmt.Fprintln(w, word)
	return err
}

// Judge says what came of the attempt of a process that has ended, by what it
// said on standard output.
func Judge(p *os.ProcessState, said string) (Outcome, error) {
	words := strings.Fields(said)
	if len(words) == 0 || words[0] != ready {
		return "", errors.New("the process ended before it was confined")
	}
	status := p.Sys().(syscall.WaitStatus)
	switch {
	case len(words) == 2 && words[1] == couldNot:
		return Refused, nil
	case status.CoreDump(), len(words) == 2 && words[1] == could:
		return Open, nil
	case status.Signaled() && status.Signal() == unix.SIGSYS:
		return Ended, nil
	case status.Signaled(): // it died without a core file
		return Refused, nil
	case status.ExitStatus() == 0: // it became another program, which said nothing
		return Open, nil
	}
	return "", fmt.Errorf("the process ended with status %d in the middle of an attempt", status.ExitStatus())
}
