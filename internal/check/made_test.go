package check_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/madelog"
	"suluh.example/suluh/internal/testkey"
)

const origin = "suluh.example/uji"

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// made is a log that is made record by record, as a vault would, and served
// from memory.
type made struct {
	t       testing.TB
	signer  note.Signer
	key     note.Verifier
	vkey    string
	members []note.Signer
	roster  []byte
	records madelog.Log
	size    int64 // of the checkpoint
	mu      sync.Mutex
	read    []string
}

func (m *made) add(r accesslog.Record) {
	m.t.Helper()
	r.Seq = m.records.Len()
	m.records.Append(r.Format())
	m.size = m.records.Len()
}

var began = time.Date(2026, 11, 24, 2, 0, 0, 0, time.UTC)

// newMade returns a log with its first two records and a roster of three
// readers, one of whom has a name that would be a formula in a spreadsheet.
func newMade(t testing.TB) *made { return newMadeWith(t, "") }

// newMadeWith returns one whose roster names the witnesses of a policy, and besides the
// three some readers whose signatures are odd.
func newMadeWith(t testing.TB, policy string, odd ...string) *made {
	t.Helper()
	m := &made{t: t}
	root, _, rootKey := testkey.New(t, origin+"/root")
	m.signer, m.key, m.vkey = testkey.New(t, origin)
	day := id.DayOf(began, time.UTC)
	r := &roster.Roster{
		Version: 1, Day: day, Origin: origin, LogKey: m.vkey, Witnesses: policy,
		Units: []roster.Unit{{ID: "itprov", Name: map[string]string{"id": "Inspektorat Provinsi"}}},
	}
	for i, name := range append([]string{"Penelaah Satu", "=Penelaah Dua", "<b>Penelaah Tiga</b>"}, odd...) {
		member := fmt.Sprintf("penelaah-%d", i+1)
		s, _, vkey := testkey.New(t, member)
		if i >= 3 {
			s, vkey = testkey.Odd(t, member)
		}
		m.members = append(m.members, s)
		r.Members = append(r.Members, roster.Member{
			ID: id.Member(member), Name: name, Unit: "itprov", Roles: []roster.Role{roster.Reader},
			Recipient: "age1pq1" + strings.Repeat(fmt.Sprint(i+2), 1952), Key: vkey, Since: day,
		})
	}
	var err error
	m.roster, err = r.Sign(root)
	must(t, err)
	m.add(accesslog.Record{Kind: accesslog.KindConfigure, Time: began, Settings: []accesslog.Setting{
		{Key: "origin", Value: origin}, {Key: "zone", Value: "Asia/Makassar"}, {Key: "root", Value: rootKey},
	}})
	m.add(accesslog.Record{Kind: accesslog.KindRoster, Time: began, Roster: accesslog.RosterRecord{
		Version: 1, Digest: roster.Digest(m.roster), Size: int64(len(m.roster)),
	}})
	return m
}

// lists adds so many lists, by the members in turn, a second apart.
func (m *made) lists(n int) {
	m.t.Helper()
	for range n {
		i := m.records.Len()
		by := m.members[i%int64(len(m.members))]
		s := accesslog.Statement{
			Log: origin, Action: accesslog.List, Member: id.Member(by.Name()), Time: began.Add(time.Duration(i) * time.Second),
		}
		binary.BigEndian.PutUint64(s.Nonce[:], uint64(i))
		// A member has seen the tree of a while ago.
		s.Seen = m.tree(i - i%7)
		msg, err := s.Sign(by)
		must(m.t, err)
		m.add(accesslog.Record{Kind: accesslog.KindStatement, Time: s.Time, Statement: msg})
	}
}

func (m *made) files(_ context.Context, path string) ([]byte, error) {
	m.mu.Lock()
	m.read = append(m.read, path)
	m.mu.Unlock()
	switch {
	case path == "checkpoint":
		tree, err := m.records.Tree(m.size)
		if err != nil {
			return nil, err
		}
		return accesslog.SignCheckpoint(origin, tree, m.signer)
	case strings.HasPrefix(path, "rosters/"):
		if path != "rosters/"+roster.Digest(m.roster).String() {
			return nil, os.ErrNotExist
		}
		return m.roster, nil
	}
	return m.records.Tile(path)
}
