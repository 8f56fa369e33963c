// Package sandbox takes from a process, for good, whatever it doesn't need any
// more: files, connections, programs, other processes, core dumps. A part calls
// Confine once, when everything that it needs later is open, so that whoever
// takes the part over afterwards can do no more than the part itself.
//
// Two mechanisms of Linux do it, each where the other is blind. Landlock decides
// on files by where they are and keeps signals and abstract sockets inside. A
// filter of system calls (seccomp) has a list of those that are needed; any
// other ends the process at once, and the kernel's log says which it was. Those
// that a library tries in passing are refused instead, as docs/operations.md
// lists.
//
// What a kernel lacks is reported, never silently left out. The package must
// never widen anything: there is no way back.
package sandbox

import "errors"

// ErrMissing says that the kernel lacks a part of the sandbox.
var ErrMissing = errors.New("this kernel lacks a part of the sandbox")

// Rules say what a process may still do. The zero value leaves it what it has
// open: to read and write that, to accept on what listens, to compute.
type Rules struct {
	Read  []string // files and folders to read; those that aren't there are left out
	Write []string // files and folders to read, change, make and remove, likewise

	// Remove are folders in which empty folders may be removed.
	Remove []string

	// Sockets are Unix sockets to connect to. A kernel before Landlock's ABI 9
	// can't tell one from another: any is open that file permissions leave open.
	Sockets []string

	// Programs are programs, and folders of them, that may be started; no others
	// may. They are confined as well, since whoever starts one could let it do what he
	// may not: to the same files, by Landlock. Connections, listening and signals are left to
	// them, and of system calls only those are refused that no such program needs.
	Programs []string

	Ports    []uint16 // TCP ports to connect to, at any address; names are looked up
	Terminal bool     // ask at the terminal, without showing what is typed
	Secrets  bool     // the memory has what must not get onto a disk with the rest of it
}

// Report says what is in force.
type Report struct {
	Landlock int    // the ABI that is used, 0 if none is
	Seccomp  bool   // the filter of system calls
	Locked   bool   // the memory stays out of the swap space
	Unlocked string // why it isn't locked though the rules want that, in words

	// Missing says in words what the kernel can't do of what the rules want.
	Missing []string
}

// Confine confines all threads of the process. After an error some of it may be
// in force and the process must end. What the kernel lacks is no error.
func Confine(r Rules) (Report, error) { return confine(r) }
