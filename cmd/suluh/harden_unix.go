//go:build unix

package main

import "golang.org/x/sys/unix"

// harden keeps what is in memory from coming out in a core file or to a
// debugger, and what is written from other users.
func harden() {
	_ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{})
	undumpable()
	unix.Umask(0o077)
}
