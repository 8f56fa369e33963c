package submission_test

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/internal/check"
	"suluh.example/suluh/internal/testkey"
)

// rebuilt is what an operator who holds the log's key can serve: any records,
// numbered, hashed and signed afresh.
func rebuilt(t *testing.T, w *world, records []accesslog.Record) check.Files {
	t.Helper()
	skey, err := os.ReadFile(filepath.Join(w.dir, "log.key"))
	must(t, err)
	signer, err := note.NewSigner(strings.TrimSpace(string(skey)))
	must(t, err)
	var stored []tlog.Hash
	var bundle []byte
	r := tlog.HashReaderFunc(func(at []int64) (out []tlog.Hash, err error) {
		for _, i := range at {
			out = append(out, stored[i])
		}
		return out, nil
	})
	for i, rec := range records {
		rec.Seq = int64(i)
		leaf := rec.Format()
		bundle = accesslog.AppendEntry(bundle, leaf)
		h, err := tlog.StoredHashes(int64(i), leaf, r)
		must(t, err)
		stored = append(stored, h...)
	}
	n := int64(len(records))
	root, err := tlog.TreeHash(n, r)
	must(t, err)
	checkpoint, err := accesslog.SignCheckpoint(origin, tlog.Tree{N: n, Hash: root}, signer)
	must(t, err)
	return func(ctx context.Context, path string) ([]byte, error) {
		switch {
		case path == "checkpoint":
			return checkpoint, nil
		case strings.HasPrefix(path, "tile/entries/"):
			return bundle, nil
		case strings.HasPrefix(path, "tile/"):
			tile, err := accesslog.ParseTilePath(path)
			if err != nil {
				return nil, err
			}
			return tlog.ReadTileData(tile, r)
		}
		return w.vault.LogFile(ctx, path)
	}
}

// TestTampering does to the log what an operator could, with the log's key in
// hand, and wants an auditor to find each, at the record.
func TestTampering(t *testing.T) {
	w := newWorld(t)
	_, err := w.send(form("itprov", w.two.id))
	must(t, err)
	list, _, err := w.act(w.one, accesslog.Statement{Action: accesslog.List})
	must(t, err)
	of := list.Cases[0].Case
	for range 2 {
		_, _, err = w.act(w.one, accesslog.Statement{Action: accesslog.Open, Case: of})
		must(t, err)
	}
	_, _, err = w.act(w.other, accesslog.Statement{Action: accesslog.List})
	must(t, err)
	_, err = w.send(form("itprov"))
	must(t, err)
	_, err = w.vault.Batch(t.Context())
	must(t, err)
	_, _, err = w.act(w.one, accesslog.Statement{Action: accesslog.List})
	must(t, err)
	all := records(t, w)
	// 0 configure, 1 roster, 2 list, 3 open, 4 open, 5 list, 6 and 7 deposits, 8 batch, 9 list
	if len(all) != 10 {
		t.Fatalf("%d records", len(all))
	}
	if _, err := check.Verify(t.Context(), rebuilt(t, w, all), w.log); err != nil {
		t.Fatalf("the same records, rebuilt: %v", err)
	}
	forged := func(m *member, key note.Signer, like accesslog.Record, change func(*accesslog.Statement)) accesslog.Record {
		s := accesslog.Statement{
			Log: origin, Action: accesslog.Open, Member: m.id, Case: of, Time: like.Time, Seen: accesslog.EmptyTree(),
		}
		rand.Read(s.Nonce[:])
		if change != nil {
			change(&s)
		}
		msg, err := s.Sign(key)
		must(t, err)
		like.Statement = msg
		return like
	}
	stranger, _, _ := testkey.New(t, string(w.one.id))
	for name, x := range map[string]struct {
		at     int64
		change func([]accesslog.Record) []accesslog.Record
	}{
		"drop an access": {3, func(r []accesslog.Record) []accesslog.Record { return slices.Delete(r, 3, 4) }},
		"reorder":        {3, func(r []accesslog.Record) []accesslog.Record { r[3], r[4] = r[4], r[3]; return r }},
		"repeat an access": {4, func(r []accesslog.Record) []accesslog.Record {
			return slices.Insert(r, 4, r[3])
		}},
		"invent an access": {5, func(r []accesslog.Record) []accesslog.Record {
			return slices.Insert(r, 5, forged(w.one, stranger, r[4], nil))
		}},
		"access without a key": {6, func(r []accesslog.Record) []accesslog.Record {
			if r[6].Deposit.Case != of {
				r[6], r[7] = r[7], r[6] // named before the other, whichever digest is less
				r[6].Deposit.Digest, r[7].Deposit.Digest = r[7].Deposit.Digest, r[6].Deposit.Digest
			}
			r[5] = forged(w.two, w.two.note, r[4], nil)
			return r
		}},
		"access by a grant that never was": {4, func(r []accesslog.Record) []accesslog.Record {
			r[4].Cover = accesslog.Cover{Grant: 2}
			return r
		}},
		"access after it was given up": {6, func(r []accesslog.Record) []accesslog.Record {
			gone := forged(w.one, w.one.note, r[4], func(s *accesslog.Statement) { s.Action, s.To = accesslog.Revoke, w.one.id })
			return slices.Insert(r, 5, gone, forged(w.one, w.one.note, r[4], nil))
		}},
		"another time": {3, func(r []accesslog.Record) []accesslog.Record {
			for i := 3; i < len(r); i++ {
				r[i].Time = r[i].Time.Add(time.Hour)
			}
			return r
		}},
		"drop a deposit": {7, func(r []accesslog.Record) []accesslog.Record { return slices.Delete(r, 6, 7) }},
		"deposits out of order": {7, func(r []accesslog.Record) []accesslog.Record {
			r[6], r[7] = r[7], r[6]
			return r
		}},
		"exchange the roster": {1, func(r []accesslog.Record) []accesslog.Record {
			r[1].Roster.Digest = id.DigestOf(nil)
			return r
		}},
		"fork": {4, func(r []accesslog.Record) []accesslog.Record {
			r[4] = forged(w.one, w.one.note, r[4], func(s *accesslog.Statement) { s.Seen = tlog.Tree{N: 3, Hash: tlog.Hash{1}} })
			return r
		}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := check.Verify(t.Context(), rebuilt(t, w, x.change(slices.Clone(all))), w.log)
			var f *check.Finding
			if !errors.As(err, &f) {
				t.Fatalf("got %v, want a finding", err)
			}
			if f.Seq != x.at {
				t.Errorf("names record %d (%s), want %d", f.Seq, f.What, x.at)
			}
		})
	}
	t.Run("checkpoint by another key", func(t *testing.T) {
		_, other, _ := testkey.New(t, origin)
		var f *check.Finding
		if _, err := check.Verify(t.Context(), w.vault.LogFile, other); !errors.As(err, &f) {
			t.Errorf("got %v, want a finding", err)
		}
	})
	t.Run("a hash tile changed", func(t *testing.T) {
		files := func(ctx context.Context, path string) ([]byte, error) {
			b, err := w.vault.LogFile(ctx, path)
			if strings.HasPrefix(path, "tile/0/") {
				b[0] ^= 1
			}
			return b, err
		}
		var f *check.Finding
		if _, err := check.Verify(t.Context(), files, w.log); !errors.As(err, &f) {
			t.Errorf("got %v, want a finding", err)
		}
	})
}
