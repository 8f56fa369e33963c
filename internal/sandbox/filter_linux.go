package sandbox

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"

	"github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"golang.org/x/sys/unix"
)

// The system calls, in groups. Those that an architecture hasn't got are left
// out; a test holds that one has each.
var (
	// computing is what Go's runtime, glibc and SQLite need on memory, threads,
	// time and signals to the process itself.
	computing = []string{
		"brk", "mmap", "mprotect", "mremap", "munmap", "madvise", "mincore", "membarrier",
		"clone", "futex", "futex_waitv", "set_robust_list", "rseq", "set_tid_address", "exit", "exit_group",
		"sched_yield", "sched_getaffinity", "getcpu", "getpid", "gettid", "getppid", "getuid", "geteuid", "getgid", "getegid",
		"uname", "sysinfo", "prlimit64", "getrlimit", "getrusage", "times", "prctl", "arch_prctl",
		"clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday", "time", "getrandom",
		"rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigtimedwait", "sigaltstack", "tgkill", "restart_syscall",
		"wait4", "waitid",
	}
	// using is what can be done with descriptors that are open, of files and of
	// connections.
	using = []string{
		"read", "readv", "write", "writev", "pread64", "pwrite64", "preadv", "pwritev", "close", "lseek", "fstat", "fcntl", "dup",
		"pipe2", "eventfd2", "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2", "poll", "ppoll", "select", "pselect6",
		"accept", "accept4", "shutdown", "getsockname", "getpeername", "getsockopt", "setsockopt",
		"sendto", "sendmsg", "recvfrom", "recvmsg", "sendfile", "splice", "fsync", "fdatasync",
	}
	// looking is what finds and opens files.
	looking = []string{
		"open", "openat", "stat", "lstat", "newfstatat", "statx", "access", "faccessat", "faccessat2",
		"readlink", "readlinkat", "getdents64", "getcwd", "statfs", "fstatfs", "fadvise64", "flock",
	}
	// changing is what changes files.
	changing = []string{
		"unlink", "unlinkat", "rename", "renameat", "renameat2", "mkdir", "mkdirat", "rmdir", "ftruncate", "truncate", "fallocate",
		"chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "fchown", "fchownat", "utimensat", "utimes", "umask",
		"copy_file_range", "sync_file_range", "link", "linkat",
	}
	// dialling is what connects.
	dialling = []string{"socket", "connect", "bind", "sendmmsg", "recvmmsg"}
)

// meddling is what no program needs that is started by a part: to look into other
// processes, to change the kernel, the clock or what is mounted, and ways into the
// kernel that others guard less well.
var meddling = []string{
	"ptrace", "process_vm_readv", "process_vm_writev", "kcmp", "pidfd_getfd", "process_madvise",
	"bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "io_uring_enter", "io_uring_register",
	"keyctl", "add_key", "request_key", "init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load",
	"mount", "umount2", "move_mount", "open_tree", "fsopen", "fsconfig", "fsmount", "fspick", "pivot_root", "chroot", "setns", "unshare",
	"name_to_handle_at", "open_by_handle_at", "swapon", "swapoff", "reboot", "acct", "quotactl", "syslog", "vhangup",
	"settimeofday", "clock_settime", "clock_adjtime", "adjtimex", "iopl", "ioperm", "modify_ldt", "personality",
}

// CLONE_THREAD and what ioctl(2) may do with a terminal.
var (
	commands = []uint64{
		unix.F_DUPFD, unix.F_DUPFD_CLOEXEC, unix.F_GETFD, unix.F_SETFD, unix.F_GETFL, unix.F_SETFL, unix.F_GETLK, unix.F_SETLK, unix.F_SETLKW,
		unix.F_OFD_GETLK, unix.F_OFD_SETLK, unix.F_OFD_SETLKW,
	}
	terminal = []uint64{unix.TCGETS, unix.TCSETS, unix.TCSETSW, unix.TCSETSF, unix.TIOCGWINSZ}
)

const kill = seccomp.ActionKillProcess

func refuse(with unix.Errno) seccomp.Action { return seccomp.ActionErrno | seccomp.Action(with) }

// filters returns the filters that hold together: a call needs the leave of
// each. The first is the list. Each of the others looks at the arguments of one
// call alone, since the library compares the number of a second call with what
// it has loaded of the first one's arguments.
func filters(r Rules) []seccomp.Policy {
	if len(r.Programs) > 0 {
		return []seccomp.Policy{{
			DefaultAction: seccomp.ActionAllow,
			Syscalls:      []seccomp.SyscallGroup{{Names: here(meddling), Action: refuse(unix.EPERM)}},
		}}
	}
	files := len(r.Read)+len(r.Write) > 0 || r.Terminal
	dials := len(r.Sockets)+len(r.Ports) > 0
	allowed := slices.Concat(computing, using)
	// What glibc falls back from, and what libraries try in passing: mime types, a
	// time zone, the size of a window.
	absent := []string{"clone3"}
	var denied []string
	sort := func(names []string, may bool) {
		if may {
			allowed = append(allowed, names...)
		} else {
			denied = append(denied, names...)
		}
	}
	sort(looking, files)
	sort(changing, len(r.Write) > 0)
	if dials {
		allowed = append(allowed, dialling...)
	}
	if r.Terminal {
		allowed = append(allowed, "ioctl")
	} else {
		absent = append(absent, "ioctl")
	}
	all := []seccomp.Policy{{
		DefaultAction: kill,
		Syscalls: []seccomp.SyscallGroup{
			{Names: here(allowed), Action: seccomp.ActionAllow},
			{Names: here(denied), Action: refuse(unix.EACCES)},
			{Names: here(absent), Action: refuse(unix.ENOSYS)},
		},
	}}
	look := func(call string, action seccomp.Action, conditions ...seccomp.Condition) {
		all = append(all, seccomp.Policy{
			DefaultAction: seccomp.ActionAllow,
			Syscalls: []seccomp.SyscallGroup{{
				Action:             action,
				NamesWithCondtions: []seccomp.NameWithConditions{{Name: call, Conditions: conditions}},
			}},
		})
	}
	const first, second, third = 0, 1, 2
	for _, call := range []string{"mmap", "mprotect"} { // no machine code that wasn't there
		look(call, kill, seccomp.Condition{Argument: third, Operation: seccomp.BitsSet, Value: unix.PROT_EXEC})
	}
	look("clone", refuse(unix.EPERM), seccomp.Condition{Argument: first, Operation: seccomp.BitsNotSet, Value: unix.CLONE_THREAD})
	look("tgkill", kill, neither(first, uint64(os.Getpid()))...)
	look("prctl", kill, neither(first, unix.PR_SET_VMA)...) // Go's runtime gives its memory names
	look("prlimit64", kill, neither(third, 0)...)           // setting
	look("prlimit64", kill, neither(first, 0, uint64(os.Getpid()))...)
	look("fcntl", kill, neither(second, commands...)...)
	if r.Terminal {
		look("ioctl", refuse(unix.ENOTTY), neither(second, terminal...)...)
	}
	if dials {
		var families []uint64
		if len(r.Sockets) > 0 {
			families = append(families, unix.AF_UNIX)
		}
		if len(r.Ports) > 0 {
			families = append(families, unix.AF_INET, unix.AF_INET6)
		}
		look("socket", refuse(unix.EACCES), neither(first, families...)...)
		// Landlock doesn't see multipath TCP.
		look("socket", refuse(unix.EACCES), neither(third, 0, unix.IPPROTO_TCP, unix.IPPROTO_UDP)...)
	}
	return all
}

// neither holds of an argument that is none of the values.
func neither(argument uint32, values ...uint64) seccomp.ArgumentConditions {
	var c seccomp.ArgumentConditions
	for _, v := range values {
		c = append(c, seccomp.Condition{Argument: argument, Operation: seccomp.NotEqual, Value: v})
	}
	return c
}

// here leaves out what this architecture hasn't got.
func here(names []string) []string {
	info, err := arch.GetInfo("")
	if err != nil {
		return names // assembling says so
	}
	return slices.DeleteFunc(slices.Clone(names), func(n string) bool {
		_, ok := info.SyscallNames[n]
		return !ok
	})
}

// filterCalls puts the filters on all threads.
func filterCalls(r Rules, report *Report) error {
	if !seccomp.Supported() {
		report.Missing = append(report.Missing, "system calls (seccomp's filter, since Linux 4.14)")
		return nil
	}
	runtime.LockOSThread() // no_new_privs is this thread's, and gets to the others with the filter
	defer runtime.UnlockOSThread()
	all := filters(r)
	// The list comes last: it lets no further filter be set.
	all = append(all[1:], all[0])
	for i, p := range all {
		err := seccomp.LoadFilter(seccomp.Filter{NoNewPrivs: i == 0, Flag: seccomp.FilterFlagTSync, Policy: p})
		if errors.Is(err, unix.EINVAL) { // a kernel without the killing of whole processes, or without TSYNC
			report.Missing = append(report.Missing, "system calls (seccomp's filter, since Linux 4.14)")
			return nil
		}
		if err != nil {
			return fmt.Errorf("confine to system calls: %w", err)
		}
	}
	report.Seccomp = true
	return nil
}
