// Package durable makes files that survive a power cut: when one of its
// functions returns, the file is there whole under its name, or it isn't
// there at all.
//
// All durable files of Suluh but SQLite's own are written here. The package
// must never follow a name that isn't the caller's own, nor leave anything
// readable to others than the owner.
package durable

import (
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
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = publish(f.Name(), name)
	}
	if err != nil {
		return fmt.Errorf("write file: %w", err)
	}
	return SyncDir(filepath.Dir(name))
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
