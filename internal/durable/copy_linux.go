package durable

import (
	"os"

	"golang.org/x/sys/unix"
)

// direct switches O_DIRECT of an open file.
func direct(f *os.File, on bool) error {
	c, err := f.SyscallConn()
	if err != nil {
		return err
	}
	err2 := c.Control(func(fd uintptr) {
		var flags int
		if flags, err = unix.FcntlInt(fd, unix.F_GETFL, 0); err != nil {
			return
		}
		flags &^= unix.O_DIRECT
		if on {
			flags |= unix.O_DIRECT
		}
		_, err = unix.FcntlInt(fd, unix.F_SETFL, flags)
	})
	if err2 != nil {
		return err2
	}
	return err
}

// writeOut asks the kernel to begin to write out what the page cache got. It is
// a hint: what it doesn't do, or fails in, is left to the sync.
func writeOut(f *os.File, from, n int64) {
	_ = unix.SyncFileRange(int(f.Fd()), from, n, unix.SYNC_FILE_RANGE_WRITE)
}
