package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
	"golang.org/x/sync/errgroup"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
)

// stored is the tree of a log that is being made.
type stored []tlog.Hash

func (s *stored) ReadHashes(at []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(at))
	for i, x := range at {
		out[i] = (*s)[x]
	}
	return out, nil
}

// writeLog writes a log of n records to the instance's folder, as an export of
// a vault would be: a case, and members who list and open it in turn. Every
// statement is truly signed, with what its member had seen of the log.
func (in *instance) writeLog(log note.Signer, n int64) error {
	began := time.Now().Add(-time.Duration(n) * 100 * time.Millisecond).Truncate(time.Second)
	signed, err := in.roster.Sign(in.root)
	if err != nil {
		return err
	}
	if err := in.file("rosters/"+roster.Digest(signed).String(), signed); err != nil {
		return err
	}
	of, day := id.NewCase(), id.DayOf(began, time.UTC)
	covers, wraps, err := in.covers()
	if err != nil {
		return err
	}
	first := []accesslog.Record{
		{Kind: accesslog.KindConfigure, Settings: []accesslog.Setting{{Key: "origin", Value: origin}, {Key: "zone", Value: "UTC"}, {Key: "root", Value: in.rootKey}}},
		{Kind: accesslog.KindRoster, Roster: accesslog.RosterRecord{Version: 1, Digest: roster.Digest(signed), Size: int64(len(signed))}},
		{Kind: accesslog.KindDeposit, Deposit: accesslog.DepositRecord{Day: day, Case: of, Digest: id.DigestOf([]byte(of)), Wraps: wraps}},
		{Kind: accesslog.KindBatch, Batch: accesslog.BatchRecord{Day: day, Deposits: 1}},
	}
	var tree stored
	for at := int64(0); at < n; at += accesslog.TileWidth {
		if err := in.b.ctx.Err(); err != nil {
			return err
		}
		records := make([]accesslog.Record, min(accesslog.TileWidth, n-at))
		root, err := tlog.TreeHash(at, &tree)
		if err != nil {
			return err
		}
		var g errgroup.Group
		for i := range records {
			seq := at + int64(i)
			if seq < int64(len(first)) {
				records[i] = first[seq]
			}
			records[i].Seq, records[i].Time = seq, began.Add(time.Duration(seq)*100*time.Millisecond)
		}
		const part = accesslog.TileWidth / 4
		for from := 0; from < len(records); from += part {
			g.Go(func() error {
				for i := from; i < min(from+part, len(records)); i++ {
					if r := &records[i]; r.Kind == "" {
						if err := in.sign(r, of, covers, tlog.Tree{N: at, Hash: root}); err != nil {
							return err
						}
					}
				}
				return nil
			})
		}
		if err := g.Wait(); err != nil {
			return err
		}
		var bundle []byte
		for _, r := range records {
			leaf := r.Format()
			h, err := tlog.StoredHashes(r.Seq, leaf, &tree)
			if err != nil {
				return err
			}
			tree, bundle = append(tree, h...), accesslog.AppendEntry(bundle, leaf)
		}
		if err := in.file(accesslog.TilePath(tlog.Tile{H: accesslog.TileHeight, L: -1, N: at / accesslog.TileWidth, W: len(records)}), bundle); err != nil {
			return err
		}
	}
	for _, t := range tlog.NewTiles(accesslog.TileHeight, 0, n) {
		data, err := tlog.ReadTileData(t, &tree)
		if err != nil {
			return err
		}
		if err := in.file(accesslog.TilePath(t), data); err != nil {
			return err
		}
	}
	root, err := tlog.TreeHash(n, &tree)
	if err != nil {
		return err
	}
	checkpoint, err := accesslog.SignCheckpoint(origin, tlog.Tree{N: n, Hash: root}, log)
	if err != nil {
		return err
	}
	return in.file("checkpoint", checkpoint)
}

// covers makes the commitment to the readers of a case of the first unit, and
// the proof for each of them.
func (in *instance) covers() ([]accesslog.Cover, tlog.Tree, error) {
	var leaves []accesslog.WrapLeaf
	for _, m := range in.members[:4] {
		leaves = append(leaves, accesslog.WrapLeaf{Member: m.id, Wrap: id.DigestOf([]byte(m.id))})
	}
	hashes, _ := accesslog.BlindWraps(leaves)
	covers := make([]accesslog.Cover, len(leaves))
	for i, l := range leaves {
		w, err := accesslog.ProveWrap(hashes, l)
		if err != nil {
			return nil, tlog.Tree{}, err
		}
		covers[i] = accesslog.Cover{Deposit: &w}
	}
	return covers, tlog.Tree{N: int64(len(hashes)), Hash: accesslog.WrapsRoot(hashes)}, nil
}

// sign makes a record that of a statement.
func (in *instance) sign(r *accesslog.Record, of id.Case, covers []accesslog.Cover, seen tlog.Tree) error {
	who := int(r.Seq) % len(covers)
	m := in.members[who]
	s := accesslog.Statement{Log: origin, Action: accesslog.List, Member: m.id, Time: r.Time, Seen: seen}
	if r.Count = 1; r.Seq/int64(len(covers))%2 == 1 {
		s.Action, s.Case, r.Cover, r.Count = accesslog.Open, of, covers[who], 0
	}
	binary.BigEndian.PutUint64(s.Nonce[:], uint64(r.Seq))
	var err error
	r.Kind = accesslog.KindStatement
	r.Statement, err = s.Sign(m.sign)
	return err
}

func (in *instance) file(path string, data []byte) error {
	name := filepath.Join(in.dir, filepath.FromSlash(path))
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	return os.WriteFile(name, data, 0o600)
}

// verify runs suluh audit verify on the folder, and returns the most memory
// that it took.
func (in *instance) verify() (string, int64, error) {
	cmd := exec.CommandContext(in.b.ctx, in.b.bin, "audit", "verify", "--log-key", in.logKey, in.dir)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return out.String(), 0, fmt.Errorf("audit verify: %w", err)
	}
	return out.String(), cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss << 10, nil
}
