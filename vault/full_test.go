package vault_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/vault"
	"suluh.example/suluh/vault/depositsock"
)

// fill leaves so many bytes free on the file system of dir.
func fill(t *testing.T, dir string, leave int64) (remove func()) {
	t.Helper()
	var fs unix.Statfs_t
	must(t, unix.Statfs(dir, &fs))
	f, err := os.Create(filepath.Join(dir, "ballast"))
	must(t, err)
	must(t, unix.Fallocate(int(f.Fd()), 0, 0, int64(fs.Bavail)*fs.Bsize-leave))
	must(t, f.Close())
	return func() { must(t, os.Remove(f.Name())) }
}

// A disk that fills up while a report arrives: the reporter is told that
// nothing was kept, nothing is, and once there is room all goes on.
func TestFullDisk(t *testing.T) {
	// A file system of its own, in memory: root may mount one, others use the
	// one that is there for all.
	disk := t.TempDir()
	if err := unix.Mount("tmpfs", disk, "tmpfs", 0, "size="+strconv.Itoa(512<<20)); err != nil {
		t.Logf("no tmpfs could be mounted (%v): the disk is declared full instead", err)
		testDeclaredFull(t)
		return
	}
	t.Cleanup(func() { must(t, unix.Unmount(disk, unix.MNT_DETACH)) })
	w := newWorldIn(t, filepath.Join(disk, "vault"), vault.Config{MaxBytes: 64 << 20})
	p := newParcel(large, w.one.id)
	_, err := w.send(p)
	must(t, err)

	more := fill(t, disk, 257<<20+256<<10) // enough to begin, not for files
	if s := w.vault.DepositState(); !s.Open || s.Files {
		t.Fatalf("got open %v and files %v on a disk that is nearly full, want true and false", s.Open, s.Files)
	}
	_, err = w.send(newParcel(large, w.one.id))
	want(t, err, depositsock.ErrNoFiles)
	_, err = w.send(newParcel(0, w.one.id))
	must(t, err)
	more()

	// What was free when the report began is gone while it arrives.
	d, err := w.deposit.Deposit(t.Context(), depositsock.DepositHead{Lookup: p.lookup.Hex()})
	must(t, err)
	ow, err := d.Object("content")
	must(t, err)
	_, err = ow.Write(sealed(1 << 20))
	must(t, err)
	waitFor(t, func() bool { return len(w.files()) == 2 })
	more = fill(t, disk, 1<<20)
	for range 64 {
		if _, err = ow.Write(make([]byte, 1<<20)); err != nil {
			break
		}
	}
	want(t, err, depositsock.ErrFull)
	d.Abort()
	waitFor(t, func() bool { return len(w.files()) == 1 })
	more()

	_, err = w.send(newParcel(large, w.one.id))
	must(t, err)
	_, err = w.ask(w.one, w.statement(w.one, accesslog.Export, p.of))
	must(t, err)
}

// testDeclaredFull holds a vault that must keep more free than there is.
func testDeclaredFull(t *testing.T) {
	w := newWorldIn(t, filepath.Join(t.TempDir(), "vault"), vault.Config{MaxBytes: 1 << 60})
	_, err := w.send(newParcel(large, w.one.id))
	want(t, err, depositsock.ErrNoFiles)
	_, err = w.send(newParcel(0, w.one.id))
	must(t, err)
}

// TestNobodyIsToldOfWhatMayBeGone: if the disk takes no change after a sync, nobody
// knows what it has kept. The report isn't received, nothing else is either, and the
// vault says that it must not go on.
func TestNobodyIsToldOfWhatMayBeGone(t *testing.T) {
	w := newWorld(t, vault.Config{})
	_, err := w.send(newParcel(0, w.one.id)) // which the day's end takes into the log
	must(t, err)
	before, err := w.vault.LogFile(t.Context(), "checkpoint")
	must(t, err)
	vault.FailDisk(t, w.vault)
	if _, err := w.vault.Batch(t.Context()); !errors.Is(err, vault.ErrDisk) {
		t.Errorf("the day's end: got %v, want ErrDisk", err)
	}
	for range 2 {
		if _, err := w.send(newParcel(0, w.one.id)); err == nil {
			t.Error("a report of which nobody knows whether the disk has it was received")
		}
	}
	if after, err := w.vault.LogFile(t.Context(), "checkpoint"); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the log shows records of which nobody knows whether the disk has them: %v", err)
	}
	if err := w.vault.Sound(t.Context()); !errors.Is(err, vault.ErrDisk) {
		t.Errorf("got %v, want ErrDisk", err)
	}
}
