package durable

import (
	"os"

	"golang.org/x/sys/unix"
)

// writeOut is a hint: what it doesn't do, or fails in, is left to the sync.
func writeOut(f *os.File, from, n int64) {
	_ = unix.SyncFileRange(int(f.Fd()), from, n, unix.SYNC_FILE_RANGE_WRITE)
}
