package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
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

// A made log has a batch of deposits after so many records, and of a case so
// many records in the mean.
const (
	perBatch = 20 * accesslog.TileWidth
	ofBatch  = 100 // deposits
)

// madeCase is a case of a made log.
type madeCase struct {
	id     id.Case
	covers []accesslog.Cover // of each member who reads it
}

// writeLog writes a log of n records to the instance's folder, as an export of
// a vault would be: batches of cases, and members who list, open and answer them
// in turn, ten times a second. Every statement is truly signed, with what its
// member had seen of the log.
func (in *instance) writeLog(log note.Signer, n int64) error {
	began := time.Now().Add(-time.Duration(n) * 100 * time.Millisecond).Truncate(time.Second)
	signed, err := in.roster.Sign(in.root)
	if err != nil {
		return err
	}
	if err := in.file("rosters/"+roster.Digest(signed).String(), signed); err != nil {
		return err
	}
	first := []accesslog.Record{
		{Kind: accesslog.KindConfigure, Settings: []accesslog.Setting{{Key: "origin", Value: origin}, {Key: "zone", Value: "UTC"}, {Key: "root", Value: in.rootKey}}},
		{Kind: accesslog.KindRoster, Roster: accesslog.RosterRecord{Version: 1, Digest: roster.Digest(signed), Size: int64(len(signed))}},
	}
	var cases []madeCase
	var tree stored
	for at := int64(0); at < n; at += accesslog.TileWidth {
		if err := in.b.ctx.Err(); err != nil {
			return err
		}
		records := make([]accesslog.Record, min(accesslog.TileWidth, n-at))
		timeOf := func(seq int64) time.Time {
			return began.Add(time.Duration(seq) * 100 * time.Millisecond).Truncate(time.Second)
		}
		from := 0
		if at == 0 {
			from = copy(records, first)
		}
		if at%perBatch == 0 && from+ofBatch < len(records) {
			day := id.DayOf(timeOf(at+int64(from)+ofBatch), time.UTC)
			if cases, err = in.deposit(records[from:][:ofBatch+1], day, cases); err != nil {
				return err
			}
		}
		root, err := tlog.TreeHash(at, &tree)
		if err != nil {
			return err
		}
		leaves, hashes := make([][]byte, len(records)), make([]tlog.Hash, len(records))
		var g errgroup.Group
		const part = accesslog.TileWidth / 4
		for from := 0; from < len(records); from += part {
			g.Go(func() error {
				for i := from; i < min(from+part, len(records)); i++ {
					r := &records[i]
					r.Seq = at + int64(i)
					r.Time = timeOf(r.Seq)
					if r.Kind == "" {
						if err := in.sign(r, cases, tlog.Tree{N: at, Hash: root}); err != nil {
							return err
						}
					}
					leaves[i] = r.Format()
					hashes[i] = tlog.RecordHash(leaves[i])
				}
				return nil
			})
		}
		if err := g.Wait(); err != nil {
			return err
		}
		var bundle []byte
		for i, leaf := range leaves {
			h, err := tlog.StoredHashesForRecordHash(at+int64(i), hashes[i], &tree)
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
	return errors.Join(in.file("log.vkey", []byte(in.logKey+"\n")), in.file("checkpoint", checkpoint))
}

// deposit fills in the records of a batch, and adds its cases.
func (in *instance) deposit(records []accesslog.Record, day id.Day, cases []madeCase) ([]madeCase, error) {
	n := len(records) - 1
	for i := range records[:n] {
		of := id.NewCase()
		covers, wraps, err := in.covers()
		if err != nil {
			return nil, err
		}
		cases = append(cases, madeCase{of, covers})
		records[i] = accesslog.Record{Kind: accesslog.KindDeposit, Deposit: accesslog.DepositRecord{Day: day, Case: of, Digest: id.DigestOf([]byte(of)), Wraps: wraps}}
	}
	slices.SortFunc(records[:n], func(a, b accesslog.Record) int { return bytes.Compare(a.Deposit.Digest[:], b.Deposit.Digest[:]) })
	records[n] = accesslog.Record{Kind: accesslog.KindBatch, Batch: accesslog.BatchRecord{Day: day, Deposits: int64(n)}}
	return cases, nil
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

// sign makes a record that of a statement: of each member's records half are
// lists, and of the others, most are of cases that came lately.
func (in *instance) sign(r *accesslog.Record, cases []madeCase, seen tlog.Tree) error {
	const readers = 4
	who := int(r.Seq) % readers
	m := in.members[who]
	s := accesslog.Statement{Log: origin, Action: accesslog.List, Member: m.id, Time: r.Time, Seen: seen}
	binary.BigEndian.PutUint64(s.Nonce[:], uint64(r.Seq))
	if r.Count = 1; r.Seq/readers%2 == 1 {
		lately := len(cases)
		if r.Seq%16 != 0 {
			lately = min(lately, 3*ofBatch)
		}
		of := cases[len(cases)-1-int(r.Seq*7919%int64(lately))]
		s.Action, s.Case, r.Cover, r.Count = accesslog.Open, of.id, of.covers[who], 0
		if r.Seq%64 == 7 {
			s.Action = accesslog.Reply
			s.Objects = []id.Object{{Role: id.RoleAnswer, Digest: id.DigestOf(s.Nonce[:]), Size: 4 << 10}}
		}
	}
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

// verify runs suluh audit verify on the folder, and returns what it took.
func (in *instance) verify(args ...string) (v verified, err error) {
	p := &process{cmd: exec.CommandContext(in.b.ctx, in.b.bin, slices.Concat([]string{"audit", "verify", "--log-key", in.logKey}, args, []string{in.dir})...)}
	var out bytes.Buffer
	p.cmd.Stdout, p.cmd.Stderr = &out, &out
	began := time.Now()
	if err := p.cmd.Start(); err != nil {
		return v, err
	}
	done := make(chan error, 1)
	go func() { done <- p.cmd.Wait() }()
	// What the kernel tells of a process that has ended counts the memory of the
	// one that started it.
	for {
		select {
		case err := <-done:
			v.took, v.cpu = time.Since(began), used(p.cmd.ProcessState)
			if err != nil {
				err = fmt.Errorf("audit verify: %w\n%s", err, out.Bytes())
			}
			return v, err
		case <-time.After(10 * time.Millisecond):
			if n, err := p.memory("VmHWM"); err == nil { // it may just have ended
				v.memory = max(v.memory, n)
			}
		}
	}
}

// verified is what a verification took.
type verified struct {
	took, cpu time.Duration
	memory    int64 // bytes, at most
}
