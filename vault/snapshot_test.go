package vault_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/vault"
	"suluh.example/suluh/vault/controlsock"
)

// TestASnapshotKeepsTheVaultsRules: it has neither what was deleted nor today's
// order of arrival, it has the record of itself, and leaves nothing in the vault.
func TestASnapshotKeepsTheVaultsRules(t *testing.T) {
	w := newWorld(t, vault.Config{})
	var arrived [][]byte
	for range 12 {
		p := newParcel(0, w.one.id, w.two.id)
		must(t, second(w.send(p)))
		arrived = append(arrived, p.objects[0].data[len(p.objects[0].data)-100:])
	}
	p := newParcel(0, w.one.id, w.two.id)
	must(t, second(w.send(p)))
	wrap := p.wraps[0].Data[len(p.wraps[0].Data)-100:]
	revoke := w.statement(w.one, accesslog.Revoke, p.of)
	revoke.To = p.wraps[0].Member
	must(t, second(w.ask(w.one, revoke)))

	before := w.files()
	s, err := w.control.Snapshot(t.Context())
	must(t, err)
	b, err := io.ReadAll(s)
	must(t, err)
	must(t, s.Close())
	if int64(len(b)) != s.Size || s.Day.String() != "2026-11-24" {
		t.Errorf("%d bytes of %d, of %s", len(b), s.Size, s.Day)
	}
	if after := w.files(); !slices.Equal(before, after) {
		t.Errorf("files before %v, after %v", before, after)
	}
	if bytes.Contains(b, wrap) {
		t.Error("a wrap that was taken away is in the snapshot")
	}
	var at []int
	for _, x := range arrived {
		i := bytes.Index(b, x)
		if i < 0 || bytes.LastIndex(b, x) != i {
			t.Fatalf("a report is at %d in the snapshot, last at %d", i, bytes.LastIndex(b, x))
		}
		at = append(at, i)
	}
	// One order in 12! is the order of arrival.
	slices.Reverse(at)
	backwards := slices.IsSorted(at)
	slices.Reverse(at)
	if backwards || slices.IsSorted(at) {
		t.Errorf("reports lie in the order in which they came: %v", at)
	}
	name := filepath.Join(t.TempDir(), "vault.db")
	must(t, os.WriteFile(name, b, 0o600))
	key, err := os.ReadFile(filepath.Join(w.dir, "log.vkey"))
	must(t, err)
	c, err := vault.OpenCopy(name, string(bytes.TrimSpace(key)), s.Checkpoint)
	must(t, err)
	defer c.Close()
	must(t, c.Sound(t.Context()))
	bundle, err := c.LogFile(t.Context(), "tile/entries/000.p/4")
	must(t, err)
	leaves, err := accesslog.Entries(bundle)
	must(t, err)
	last, err := accesslog.ParseRecord(leaves[len(leaves)-1])
	must(t, err)
	if last.Kind != accesslog.KindBackup {
		t.Errorf("the last record is of the kind %s", last.Kind)
	}
}

func TestOnlyAVaultThatWaitsGoesOn(t *testing.T) {
	w := newWorld(t, vault.Config{})
	if _, err := w.control.GoOn(t.Context(), nil, "tidak ada yang dipulihkan"); err != controlsock.ErrNotRestored {
		t.Errorf("got %v", err)
	}
	w.stop()
	day, err := id.ParseDay("2026-11-20")
	must(t, err)
	must(t, vault.MarkRestored(w.dir, day))
	w.start(vault.Config{})
	if err := w.control.InstallRoster(t.Context(), w.signed); err != controlsock.ErrRestored {
		t.Errorf("a roster: %v", err)
	}
	done, err := w.control.GoOn(t.Context(), nil, "latihan pemulihan")
	must(t, err)
	if done.Backup != day || done.Lost.N != 2 || done.Reason != "latihan pemulihan" {
		t.Errorf("got %+v", done)
	}
}
