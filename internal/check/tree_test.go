package check_test

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/internal/check"
)

// saw adds a list by a member who had seen a tree.
func (m *made) saw(seen tlog.Tree) {
	m.t.Helper()
	n := m.records.Len()
	m.lists(1)
	r, err := accesslog.ParseRecord(m.records.Leaf(n))
	must(m.t, err)
	s, err := accesslog.ReadStatement(r.Statement)
	must(m.t, err)
	s.Seen = seen
	r.Statement, err = s.Sign(m.members[n%int64(len(m.members))])
	must(m.t, err)
	m.records = m.records.First(n)
	m.add(r)
}

// TestWhatAMemberSawLongAgoIsHeldAgainstTheRecords even where the verifier has to
// read the tree of that time again.
func TestWhatAMemberSawLongAgoIsHeldAgainstTheRecords(t *testing.T) {
	m := newMade(t)
	m.lists(20_000)
	whole := m.records.Len()
	for _, n := range []int64{1, 100, 255, 256, 300, 1000, whole - 1, whole} {
		m.saw(m.tree(n))
	}
	must(t, second(check.Verify(t.Context(), m.files, m.key)))

	changed := func(path string, old, new []byte) check.Files {
		return func(ctx context.Context, p string) ([]byte, error) {
			b, err := m.files(ctx, p)
			if p == path {
				c := bytes.Replace(b, old, new, 1)
				if bytes.Equal(b, c) {
					t.Errorf("%s was not changed", path)
				}
				b = c
			}
			return b, err
		}
	}
	leaf := tlog.RecordHash(m.records.Leaf(50))
	f := finding(t, second(check.Verify(t.Context(), changed("tile/0/000", leaf[:4], []byte("suluh")[:4]), m.key)))
	if f.Fault != check.FaultTile || !strings.Contains(f.What, "tile/0/000") {
		t.Errorf("of a tile that was changed: got %+v", f)
	}
	f = finding(t, second(check.Verify(t.Context(), changed("tile/entries/000", []byte("count 0"), []byte("count 1")), m.key)))
	if f.Fault != check.FaultTree || f.Seq != 2 {
		t.Errorf("of a record that was changed: got %+v", f)
	}

	other := m.tree(100)
	other.Hash[0] ^= 1
	m.saw(other)
	f = finding(t, second(check.Verify(t.Context(), m.files, m.key)))
	if f.Fault != check.FaultFork || f.Seq != m.records.Len()-1 || f.Got != m.tree(100).Hash.String() {
		t.Errorf("of a tree that never was: got %+v", f)
	}
}
