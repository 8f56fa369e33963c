package vault_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/vault"
)

func records(t *testing.T, w *world) []accesslog.Record {
	t.Helper()
	tree, err := accesslog.OpenCheckpoint([]byte(w.vault.MemberState().Checkpoint), w.log)
	must(t, err)
	if tree.N >= accesslog.TileWidth {
		t.Fatal("more records than this test reads")
	}
	path := "tile/entries/000.p/" + strconv.FormatInt(tree.N, 10)
	bundle, err := w.vault.LogFile(t.Context(), path)
	must(t, err)
	leaves, err := accesslog.Entries(bundle)
	must(t, err)
	all := make([]accesslog.Record, 0, len(leaves))
	for _, leaf := range leaves {
		r, err := accesslog.ParseRecord(leaf)
		must(t, err)
		all = append(all, r)
	}
	return all
}

func TestBatchEntersDepositsInAnOrderThatSaysNothing(t *testing.T) {
	w := newWorld(t, vault.Config{})
	parcels := map[id.Case]parcel{}
	var promised []id.Digest
	for i := range 20 {
		p := newParcel(large*(i%2), w.one.id)
		parcels[p.of] = p
		a, err := w.send(p)
		must(t, err)
		r, err := accesslog.OpenReceipt([]byte(a.Receipt), w.log)
		must(t, err)
		promised = append(promised, r.Deposit)
		w.clock.forward(time.Minute)
	}
	before := len(records(t, w))
	files := w.files()
	n, err := w.control.Batch(t.Context())
	must(t, err)
	if n != 20 {
		t.Fatalf("%d deposits entered the log, want 20", n)
	}
	all := records(t, w)[before:]
	var logged []id.Digest
	for _, r := range all[:20] {
		if r.Kind != accesslog.KindDeposit || r.Deposit.Day.String() != "2026-11-24" {
			t.Fatalf("record %d is a %s, want a deposit of the day", r.Seq, r.Kind)
		}
		logged = append(logged, r.Deposit.Digest)
	}
	if last := all[20]; len(all) != 21 || last.Kind != accesslog.KindBatch || last.Batch.Deposits != 20 {
		t.Fatalf("the batch ends with %s", last.Kind)
	}
	compare := func(a, b id.Digest) int { return bytes.Compare(a[:], b[:]) }
	if !slices.IsSortedFunc(logged, compare) {
		t.Fatal("deposits are in the log in another order than that of their digests")
	}
	slices.SortFunc(promised, compare)
	if !slices.Equal(logged, promised) {
		t.Fatal("the log has other deposits than the receipts promise")
	}
	if got := w.files(); !slices.Equal(got, files) {
		t.Fatalf("after the batch there are %d files, want the same %d", len(got), len(files))
	}
	for of, p := range parcels {
		got, err := w.ask(w.one, w.statement(w.one, accesslog.Export, of))
		must(t, err)
		for _, o := range p.objects {
			if o.role != id.RoleCard && !bytes.Equal(got.objects[o.describe().Digest], o.data) {
				t.Fatalf("a %s doesn't come back after the batch", o.role)
			}
		}
		found, err := w.deposit.Lookup(t.Context(), p.lookup)
		must(t, err)
		if !found.InLog {
			t.Fatal("a reporter is told that the deposit isn't in the log")
		}
	}
	if n, err := w.control.Batch(t.Context()); err != nil || n != 0 {
		t.Fatalf("a second batch entered %d, error %v", n, err)
	}
}

func TestEveryConnectionHasThePragmas(t *testing.T) {
	w := newWorld(t, vault.Config{})
	for i, got := range vault.Pragmas(t, w.vault, 3) {
		if want := "wal 2 1 1"; got != want {
			t.Errorf("connection %d: journal_mode, synchronous, secure_delete and foreign_keys are %q, want %q", i, got, want)
		}
	}
}

// TestTheDaysEndNeedsLittleMemory: the database is written anew without being
// held in memory.
func TestTheDaysEndNeedsLittleMemory(t *testing.T) {
	w := newWorld(t, vault.Config{})
	w.stop()
	const size = 96 << 20
	vault.Exec(t, w.dir, `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < `+strconv.Itoa(size/60_000)+`)
		INSERT INTO objects (digest, case_id, role, size, day, data) SELECT randomblob(32), 'x', 'note', 1, '2026-11-23', randomblob(60000) FROM n`)
	w.start(vault.Config{})
	_, err := w.send(newParcel(0, w.one.id))
	must(t, err)
	status := func(field string) int { // in bytes
		b, err := os.ReadFile("/proc/self/status")
		must(t, err)
		_, rest, _ := strings.Cut(string(b), field+":")
		n, err := strconv.Atoi(strings.Fields(rest)[0])
		must(t, err)
		return n << 10
	}
	must(t, os.WriteFile("/proc/self/clear_refs", []byte("5"), 0)) // the peak begins anew
	before := status("VmRSS")
	_, err = w.control.Batch(t.Context())
	must(t, err)
	if more := status("VmHWM") - before; more > size/2 {
		t.Errorf("the day's end took %d MiB for a database of %d MiB", more>>20, size>>20)
	}
}

// TestInterruptedBatchIsSettled: what a crash kept the batch from writing anew
// is, once the vault runs again.
func TestInterruptedBatchIsSettled(t *testing.T) {
	w := newWorld(t, vault.Config{})
	_, err := w.send(newParcel(large, w.one.id))
	must(t, err)
	_, err = w.control.Batch(t.Context())
	must(t, err)
	blob := filepath.Join(w.dir, "blobs", w.files()[0])
	inode := func() uint64 {
		info, err := os.Stat(blob)
		must(t, err)
		return info.Sys().(*syscall.Stat_t).Ino
	}
	settled := inode()
	run := func() {
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- w.vault.Batches(ctx) }()
		waitFor(t, func() bool { return vault.Settled(t, w.vault) })
		stop()
		must(t, <-done)
	}
	if run(); inode() != settled {
		t.Error("what is settled is written anew again")
	}
	w.stop()
	vault.Exec(t, w.dir, "UPDATE deposits SET settled = 0")
	w.start(vault.Config{})
	if run(); inode() == settled {
		t.Error("what the batch left is not written anew")
	}
}

func TestMissedMidnightIsMadeUpFor(t *testing.T) {
	w := newWorld(t, vault.Config{})
	p := newParcel(0, w.one.id)
	_, err := w.send(p)
	must(t, err)
	inLog := func() bool {
		found, err := w.deposit.Lookup(t.Context(), p.lookup)
		must(t, err)
		return found.InLog
	}
	run := func() {
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- w.vault.Batches(ctx) }()
		defer func() {
			stop()
			must(t, <-done)
		}()
		waitFor(t, inLog)
	}
	if w.clock.forward(time.Hour); inLog() {
		t.Fatal("the deposit is in the log before its day has ended")
	}
	w.clock.forward(24 * time.Hour)
	run()
}
