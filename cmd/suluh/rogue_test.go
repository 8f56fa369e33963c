package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/check"
	"suluh.example/suluh/internal/madelog"
)

// asRogue writes what a vault that lets anything be deposited would have:
//
//	rogue DIR   a log in DIR/log, log.vkey, root.vkey, rosters, and CASE.readers of its cases
//
// Each of its records is in order, so that suluh audit verify finds nothing. The
// cases are: AAAA, sealed as it should be; BBBB, also to a reader who was removed
// before; CCCC, also to somebody whom no roster lists; DDDD, to two units.
func asRogue() {
	if err := rogue(context.Background(), os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "rogue:", err)
		os.Exit(1)
	}
}

type rogueLog struct {
	madelog.Log
	signer note.Signer
	files  map[string][]byte // rosters
}

func (l *rogueLog) add(r accesslog.Record) {
	r.Seq = l.Len()
	l.Append(r.Format())
}

func (l *rogueLog) read(_ context.Context, path string) ([]byte, error) {
	if path == "checkpoint" {
		tree, err := l.Tree(l.Len())
		if err != nil {
			return nil, err
		}
		return accesslog.SignCheckpoint(l.signer.Name(), tree, l.signer)
	}
	if b := l.files[path]; b != nil {
		return b, nil
	}
	return l.Tile(path)
}

func rogue(ctx context.Context, dir string) error {
	key := func(name string) (note.Signer, string) {
		private, public, err := note.GenerateKey(nil, name)
		if err != nil {
			panic(err)
		}
		s, err := note.NewSigner(private)
		if err != nil {
			panic(err)
		}
		return s, public
	}
	const origin = "suluh.example/nakal"
	root, rootKey := key(origin + "/root")
	signer, logKey := key(origin)
	l := &rogueLog{signer: signer, files: map[string][]byte{}}
	at := time.Date(2026, 11, 20, 2, 0, 0, 0, time.UTC)
	day := id.DayOf(at, time.UTC)

	r := &roster.Roster{Version: 1, Day: day, Origin: origin, LogKey: logKey, Units: []roster.Unit{
		{ID: "itprov", Name: map[string]string{"id": "Inspektorat Provinsi"}}, {ID: "itjen", Name: map[string]string{"id": "Inspektorat Jenderal"}},
	}}
	for _, m := range [][2]string{{"penelaah-satu", "itprov"}, {"penelaah-dua", "itprov"}, {"penelaah-tiga", "itjen"}} {
		identity, err := age.GenerateHybridIdentity()
		if err != nil {
			return err
		}
		_, vkey := key(m[0])
		r.Members = append(r.Members, roster.Member{
			ID: id.Member(m[0]), Name: m[0], Unit: id.Unit(m[1]), Roles: []roster.Role{roster.Reader},
			Recipient: identity.Recipient().String(), Key: vkey, Since: day,
		})
	}
	var all []error
	keep := func(name string, b []byte) { all = append(all, os.WriteFile(filepath.Join(dir, name), b, 0o600)) }
	install := func(installed bool) {
		signed, err := r.Sign(root)
		all = append(all, err)
		keep(fmt.Sprintf("roster-%d.note", r.Version), signed)
		if d := roster.Digest(signed); installed {
			l.files["rosters/"+d.String()] = signed
			l.add(accesslog.Record{Kind: accesslog.KindRoster, Time: at, Roster: accesslog.RosterRecord{Version: r.Version, Digest: d, Size: int64(len(signed))}})
			r.Previous = d
		}
		r.Version++
	}
	l.add(accesslog.Record{Kind: accesslog.KindConfigure, Time: at, Settings: []accesslog.Setting{
		{Key: "origin", Value: origin}, {Key: "zone", Value: "Asia/Makassar"}, {Key: "root", Value: rootKey},
	}})
	install(true)
	removed := day.AddDays(1)
	at = at.AddDate(0, 0, 1)
	r.Members[1].Removed = &removed
	install(true)
	at = at.AddDate(0, 0, 1)

	var batch []accesslog.DepositRecord
	for _, c := range []struct {
		of id.Case
		to []id.Member
	}{
		{"K-AAAA-AAAA-AAAA-AAAA", []id.Member{"penelaah-satu"}},
		{"K-BBBB-BBBB-BBBB-BBBB", []id.Member{"penelaah-satu", "penelaah-dua"}},
		{"K-CCCC-CCCC-CCCC-CCCC", []id.Member{"penelaah-satu", "orang-luar"}},
		{"K-DDDD-DDDD-DDDD-DDDD", []id.Member{"penelaah-satu", "penelaah-tiga"}},
	} {
		open := accesslog.Readers{Log: origin, Case: c.of}
		for i, m := range c.to {
			open.Opened = append(open.Opened, accesslog.WrapLeaf{Salt: [16]byte{byte(i)}, Member: m, Wrap: id.DigestOf([]byte(c.of + id.Case(m)))})
		}
		open.Leaves, _ = accesslog.BlindWraps(open.Opened)
		keep(string(c.of)+".readers", open.Format())
		batch = append(batch, accesslog.DepositRecord{
			Day: id.DayOf(at, time.UTC), Case: c.of, Digest: id.DigestOf([]byte(c.of)),
			Wraps: tlog.Tree{N: int64(len(open.Leaves)), Hash: accesslog.WrapsRoot(open.Leaves)},
		})
	}
	slices.SortFunc(batch, func(a, b accesslog.DepositRecord) int { return strings.Compare(a.Digest.String(), b.Digest.String()) })
	for _, d := range batch {
		l.add(accesslog.Record{Kind: accesslog.KindDeposit, Deposit: d})
	}
	l.add(accesslog.Record{Kind: accesslog.KindBatch, Time: at, Batch: accesslog.BatchRecord{Day: id.DayOf(at, time.UTC), Deposits: int64(len(batch))}})
	install(false) // signed, and never installed
	keep("log.vkey", []byte(logKey+"\n"))
	keep("root.vkey", []byte(rootKey+"\n"))
	_, err := check.Export(ctx, filepath.Join(dir, "log"), l.read, strings.TrimSpace(logKey), nil)
	return errors.Join(append(all, err)...)
}
