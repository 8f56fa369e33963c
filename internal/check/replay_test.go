package check_test

import (
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/internal/check"
)

// listAt adds a list whose member's clock is off by so much.
func (m *made) listAt(at time.Time, off time.Duration) accesslog.Record {
	m.t.Helper()
	by := m.members[m.records.Len()%int64(len(m.members))]
	s := accesslog.Statement{Log: origin, Action: accesslog.List, Member: id.Member(by.Name()), Time: at.Add(off), Seen: m.tree(0)}
	binary.BigEndian.PutUint64(s.Nonce[:], uint64(m.records.Len()))
	msg, err := s.Sign(by)
	must(m.t, err)
	r := accesslog.Record{Kind: accesslog.KindStatement, Time: at, Statement: msg}
	m.add(r)
	return r
}

// TestAStatementIsFoundWhereverItIsReplayed replays each of an hour's statements
// at the hour's end. While its time still fits, only its nonce can tell; after
// that the time does, however long ago it was.
func TestAStatementIsFoundWhereverItIsReplayed(t *testing.T) {
	for _, off := range []time.Duration{-5 * time.Minute, 0, 5 * time.Minute} {
		t.Run(fmt.Sprint("clock off by ", off), func(t *testing.T) {
			m := newMade(t)
			var all []accesslog.Record
			for at := began; !at.After(began.Add(time.Hour)); at = at.Add(20 * time.Second) {
				all = append(all, m.listAt(at, off))
			}
			must(t, second(check.Verify(t.Context(), m.files, m.key)))
			end, n := all[len(all)-1].Time, m.records.Len()
			byNonce := 0
			for _, r := range all {
				before := end.Sub(r.Time)
				fits := r.Time.Add(off).Sub(end).Abs() <= 5*time.Minute
				r.Time = end
				m.records = m.records.First(n)
				m.add(r)
				f := finding(t, second(check.Verify(t.Context(), m.files, m.key)))
				if f.Seq != n || f.Fault != check.FaultReplay && (fits || f.Fault != check.FaultTime) {
					t.Fatalf("replayed after %s: got %+v", before, f)
				}
				if fits {
					byNonce++
				}
			}
			if off > 0 && byNonce < 30 || byNonce == 0 {
				t.Errorf("only %d could be told by their nonce", byNonce)
			}
		})
	}
}
