package check_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/internal/check"
)

// tree is that of the log's first n records.
func (m *made) tree(n int64) tlog.Tree {
	m.t.Helper()
	t, err := m.records.Tree(n)
	must(m.t, err)
	return t
}

// restored cuts the log back to n records and goes on with a record of that,
// which names a tree as lost.
func (m *made) restored(n int64, lost tlog.Tree) {
	m.t.Helper()
	m.records = m.records.First(n)
	m.add(accesslog.Record{Kind: accesslog.KindRestore, Time: began.Add(time.Hour), Settings: accesslog.Restore{
		Backup: id.DayOf(began, time.UTC), Lost: lost, Reason: "disk server rusak",
	}.Settings()})
	m.rosterOnly(3)
}

// rosterOnly adds statements that go on after an hour.
func (m *made) rosterOnly(n int) {
	m.t.Helper()
	for range n {
		m.add(accesslog.Record{Kind: accesslog.KindBackup, Time: began.Add(2 * time.Hour), Settings: []accesslog.Setting{{Key: "day", Value: "2026-11-24"}}})
	}
}

// TestARestoreExplainsTheOneCheckpointThatItNames and no other: each other one
// that the log doesn't continue is a fork as ever.
func TestARestoreExplainsTheOneCheckpointThatItNames(t *testing.T) {
	m := newMade(t)
	dir := filepath.Join(t.TempDir(), "log")
	m.lists(100)
	earlier, between := m.tree(40), m.tree(80)
	must(t, second(check.Export(t.Context(), dir, m.files, m.vkey, nil)))
	named := m.tree(m.size)
	m.lists(10)
	later := m.tree(m.size)
	m.restored(60, named)

	log := check.New(m.files, m.key)
	r, err := log.Extend(t.Context())
	must(t, err)
	if u := r.Unseen(accesslog.EmptyTree()); len(u) != 1 || u[0].Seq != 60 || u[0].Records() != named.N-60 || !strings.Contains(u[0].String(), "records 60 to 101 of before are lost") {
		t.Errorf("told %+v", u)
	}
	if u := r.Unseen(tlog.Tree{N: 60}); len(u) != 1 {
		t.Error("who has seen all but the record isn't told")
	}
	if u := r.Unseen(tlog.Tree{N: 61}); len(u) != 0 {
		t.Error("who has seen the record is told again")
	}
	must(t, log.Continues(t.Context(), earlier))
	for _, x := range []struct {
		what   string
		before tlog.Tree
		fault  check.Fault
		says   string
	}{
		{"the one that is named", named, check.FaultRestored, "it was restored"},
		{"one between", between, check.FaultShrunk, "only the checkpoint of 102 records can tell"},
		{"a later one", later, check.FaultShrunk, "leaves out what was seen before"},
		{"another of the same size", tlog.Tree{N: named.N, Hash: later.Hash}, check.FaultShrunk, "it had 102 records"},
	} {
		if f := finding(t, log.Continues(t.Context(), x.before)); f.Fault != x.fault || !strings.Contains(f.What, x.says) {
			t.Errorf("%s: %+v", x.what, f)
		}
	}
	m.rosterOnly(100) // the log grows past all of them
	must(t, second(log.Extend(t.Context())))
	for _, before := range []tlog.Tree{between, later, {N: named.N, Hash: later.Hash}} {
		if f := finding(t, log.Continues(t.Context(), before)); f.Fault != check.FaultFork {
			t.Errorf("of %d records, later: %+v", before.N, f)
		}
	}
	if f := finding(t, second(check.Export(t.Context(), dir, m.files, m.vkey, nil))); f.Fault != check.FaultRestored {
		t.Errorf("an auditor's folder: %+v", f)
	}
	must(t, second(check.Verify(t.Context(), check.Directory(dir), m.key)))
}

func TestARecordOfARestoreThatSaysWhatCannotBe(t *testing.T) {
	m := newMade(t)
	m.lists(20)
	whole := m.tree(m.size)
	m.restored(22, tlog.Tree{N: 22, Hash: m.tree(10).Hash})
	if f := finding(t, second(check.Verify(t.Context(), m.files, m.key))); f.Fault != check.FaultFork || f.Seq != 22 {
		t.Errorf("another log of as many records: %+v", f)
	}
	m.restored(20, tlog.Tree{N: 19, Hash: whole.Hash})
	if f := finding(t, second(check.Verify(t.Context(), m.files, m.key))); f.Fault != check.FaultForm || f.Seq != 20 {
		t.Errorf("it lost less than nothing: %+v", f)
	}
	m.restored(20, whole)
	must(t, second(check.Verify(t.Context(), m.files, m.key)))
}
