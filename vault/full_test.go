package vault_test

import (
	"bytes"
	"errors"
	"path/filepath"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/vault"
	"suluh.example/suluh/vault/depositsock"
)

// disk is a file system of its own, in memory, on which a vault lies.
type disk string

const diskSize = 512 << 20

// newDisk mounts one, which root may; others are told so.
func newDisk(t *testing.T) (disk, error) {
	t.Helper()
	d := disk(t.TempDir())
	if err := d.mount(0, diskSize); err != nil {
		return "", err
	}
	t.Cleanup(func() { must(t, unix.Unmount(string(d), unix.MNT_DETACH)) })
	return d, nil
}

func (d disk) mount(flags uintptr, size int64) error {
	return unix.Mount("tmpfs", string(d), "tmpfs", flags, "size="+strconv.FormatInt(size, 10))
}

func (d disk) vault() string { return filepath.Join(string(d), "vault") }

// fill leaves so many bytes free, in one step: what arrives meanwhile finds the
// disk as it was or as it is then, never half full.
func (d disk) fill(t *testing.T, leave int64) (empty func()) {
	t.Helper()
	var fs unix.Statfs_t
	must(t, unix.Statfs(string(d), &fs))
	must(t, d.mount(unix.MS_REMOUNT, int64(fs.Blocks-fs.Bfree)*fs.Bsize+leave))
	return func() { must(t, d.mount(unix.MS_REMOUNT, diskSize)) }
}

// A disk that fills up while a report arrives: the reporter is told that
// nothing was kept, nothing is, and once there is room all goes on.
func TestFullDisk(t *testing.T) {
	disk, err := newDisk(t)
	if err != nil {
		t.Logf("no tmpfs could be mounted (%v): the disk is declared full instead", err)
		testDeclaredFull(t)
		return
	}
	w := newWorldIn(t, disk.vault(), vault.Config{MaxBytes: 64 << 20})
	p := newParcel(large, w.one.id)
	_, err = w.send(p)
	must(t, err)

	more := disk.fill(t, 257<<20+256<<10) // enough to begin, not for files
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
	more = disk.fill(t, 1<<20)
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
