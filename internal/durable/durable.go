// Package durable makes files that survive a power cut: when one of its
// functions returns, the file is there whole under its name, or it isn't
// there at all.
//
// All durable files of Suluh but SQLite's own are written here. The package
// must never follow a name that isn't the caller's own, nor leave anything
// readable to others than the owner.
package durable

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// WriteFile writes a small file under a name that must not exist yet
// (os.ErrExist), mode 0600 unless told otherwise.
//
//	open tmp (O_EXCL), write, fsync   a crash leaves tmp, swept by nobody: it has a random name and no meaning
//	link tmp → name, unlink tmp       a crash leaves both names of one file
//	fsync directory                   from here on the name survives
func WriteFile(name string, data []byte, mode os.FileMode) error {
	return write(name, data, mode, os.Link)
}

// ReplaceFile is WriteFile for a name that may exist.
func ReplaceFile(name string, data []byte, mode os.FileMode) error {
	return write(name, data, mode, os.Rename)
}

func write(name string, data []byte, mode os.FileMode, publish func(tmp, name string) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if _, err = f.Write(data); err == nil {
		if err = f.Chmod(mode); err == nil {
			err = f.Sync()
		}
	}
	windows := runtime.GOOS == "windows" // moves no file that is open
	if windows {
		err = errors.Join(err, f.Close())
	}
	if err == nil {
		err = publish(f.Name(), name)
	}
	if err == nil {
		err = SyncDir(filepath.Dir(name))
	}
	if !windows {
		if err == nil {
			err = Kept(f, int64(len(data)))
		}
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		return fmt.Errorf("write file: %w", err)
	}
	return nil
}

// Kept tells whether what was synced before, anywhere on the file system of an
// open file that has so many bytes, is kept. An error means that nobody knows, and
// that nobody may be told of it.
//
// A sync doesn't always tell. When the journal of an ext4 breaks off while a file
// is synced, the sync can succeed although what was written is gone once the disk was
// checked and mounted again (seen on Linux 6.18 in one of six times). So one more
// change is asked for: one that changes nothing, but that needs the journal, and
// fails if it has broken off meanwhile.
func Kept(f *os.File, size int64) error {
	if err := f.Truncate(size); err != nil {
		return fmt.Errorf("the file system takes no more changes, so what it kept of the last ones isn't known: %w", err)
	}
	return nil
}

// Rename gives a file that is synced already its name, over one that may
// exist, so that the name survives.
func Rename(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return SyncDir(filepath.Dir(to))
}

// SyncDir makes the names in a directory survive, where the system lets one ask
// for that.
func SyncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if closeErr := d.Close(); err == nil {
		err = closeErr
	}
	return err
}
