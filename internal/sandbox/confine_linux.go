package sandbox

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/landlock-lsm/go-landlock/landlock"
	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
)

func confine(r Rules) (Report, error) {
	var report Report
	_, _ = time.Now().Zone() // reads the local zone's file, once
	if err := limit(r); err != nil {
		return report, err
	}
	if r.Secrets {
		// ONFAULT: only what is in use. What Go has merely reserved is much more.
		if err := unix.Mlockall(unix.MCL_CURRENT | unix.MCL_FUTURE | unix.MCL_ONFAULT); err != nil {
			report.Unlocked = "the memory may get into the swap space: " + unlocked(err)
		}
		report.Locked = report.Unlocked == ""
	}
	if err := restrictFiles(r, &report); err != nil {
		return report, err
	}
	return report, filterCalls(r, &report)
}

// unlocked says why the kernel doesn't lock the memory, and what helps.
func unlocked(err error) string {
	switch err {
	case unix.ENOMEM:
		return "RLIMIT_MEMLOCK is too low (systemd: LimitMEMLOCK=infinity; a container's is no higher than that of what started it)"
	case unix.EPERM:
		return "RLIMIT_MEMLOCK is 0, or a filter of system calls refuses mlockall (systemd: LimitMEMLOCK=infinity, SystemCallFilter=@memlock)"
	}
	return "mlockall: " + err.Error()
}

// limit sets what hard limits hold, and keeps memory out of core files and
// debuggers.
func limit(r Rules) error {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("make the process undumpable: %w", err)
	}
	none := &unix.Rlimit{}
	if err := unix.Setrlimit(unix.RLIMIT_CORE, none); err != nil {
		return fmt.Errorf("forbid core dumps: %w", err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_MSGQUEUE, none); err != nil {
		return fmt.Errorf("forbid message queues: %w", err)
	}
	// RLIMIT_NPROC counts the threads of all of the user's processes, and Go
	// needs more threads at any time: the filter refuses processes instead.
	if len(r.Write) == 0 && !r.Terminal && !isFile(os.Stdout) && !isFile(os.Stderr) {
		if err := unix.Setrlimit(unix.RLIMIT_FSIZE, none); err != nil {
			return fmt.Errorf("forbid files: %w", err)
		}
	}
	return nil
}

func isFile(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode().IsRegular()
}

// What each ABI of Landlock brought that matters here.
const (
	abiRename   = 2 // renaming from folder to folder can be allowed
	abiTruncate = 3
	abiTCP      = 4
	abiScopes   = 6 // signals and abstract sockets
	abiSockets  = 9 // Unix sockets by path
)

// The rights on what is only read. Executing is none of them.
const (
	readFile = landlock.AccessFSSet(ll.AccessFSReadFile)
	readDir  = landlock.AccessFSSet(ll.AccessFSReadDir)
	start    = readFile | landlock.AccessFSSet(ll.AccessFSExecute)

	writeFile = readFile | landlock.AccessFSSet(ll.AccessFSWriteFile|ll.AccessFSTruncate)
	writeDir  = writeFile | readDir | landlock.AccessFSSet(ll.AccessFSRemoveDir|ll.AccessFSRemoveFile|
		ll.AccessFSMakeDir|ll.AccessFSMakeReg|ll.AccessFSMakeSock|ll.AccessFSRefer)
)

// restrictFiles has Landlock restrict files, TCP, signals and abstract sockets
// as far as the kernel's ABI goes.
func restrictFiles(r Rules, report *Report) error {
	abi, err := ll.LandlockGetABIVersion()
	if err != nil {
		abi = 0
	}
	dials := len(r.Sockets)+len(r.Ports)+len(r.Programs) > 0
	for _, part := range []struct {
		since  int
		wanted bool
		what   string
	}{
		{1, true, "files by where they are (Landlock, since Linux 5.13)"},
		{abiRename, len(r.Write) > 0, "files by where they are while some are renamed (Landlock's ABI 2, since Linux 5.19)"},
		{abiTruncate, len(r.Read)+len(r.Write) > 0, "the cutting of files (Landlock's ABI 3, since Linux 6.2)"},
		{abiTCP, len(r.Programs) == 0 && dials, "TCP by port (Landlock's ABI 4, since Linux 6.7)"},
		{abiScopes, dials, "abstract sockets (Landlock's ABI 6, since Linux 6.12)"},
	} {
		if part.wanted && abi < part.since {
			report.Missing = append(report.Missing, part.what)
			if abi < 1 {
				return nil
			}
		}
	}
	if abi == 1 && len(r.Write) > 0 {
		return nil // renaming could not be allowed
	}
	var rules []landlock.Rule
	add := func(file, dir landlock.AccessFSSet, paths []string) {
		for _, p := range paths {
			info, err := os.Stat(p)
			if err != nil {
				continue // it stays shut
			}
			// What a shell hands over as <(…) is a pipe without a place: Landlock has
			// no rule for it, and lets it be.
			if _, err := filepath.EvalSymlinks(p); err != nil && info.Mode()&os.ModeNamedPipe != 0 {
				continue
			}
			rights := file
			if info.IsDir() {
				rights = dir
			} else if info.Mode()&os.ModeCharDevice != 0 {
				rights |= landlock.AccessFSSet(ll.AccessFSIoctlDev) // the terminal's; the filter knows which
			}
			rules = append(rules, landlock.PathAccess(rights, p))
		}
	}
	add(readFile, readFile|readDir, r.Read)
	add(writeFile, writeDir, r.Write)
	add(start, start|readDir, r.Programs)
	add(landlock.AccessFSSet(0), landlock.AccessFSSet(ll.AccessFSRemoveDir), r.Remove)
	if r.Terminal {
		add(writeFile, writeDir, []string{"/dev/tty"})
	}
	if abi >= abiSockets {
		resolve := landlock.AccessFSSet(ll.AccessFSResolveUnix)
		add(resolve, resolve, r.Sockets)
	}
	for _, port := range r.Ports {
		rules = append(rules, landlock.ConnectTCP(port))
	}
	// V9: V10 restricts UDP, which looking up names needs and no rule here is for.
	config := landlock.V9
	if len(r.Programs) > 0 {
		// Signals are not kept inside: each thread has a domain of its own, and a child
		// is in that of the thread which started it, so no other could end it.
		config.HandledAccessNet, config.Scoped = 0, ll.ScopeAbstractUnixSocket
	}
	if err := config.BestEffort().Restrict(rules...); err != nil {
		return fmt.Errorf("confine to files: %w", err)
	}
	report.Landlock = min(abi, abiSockets)
	return nil
}
