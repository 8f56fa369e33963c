package check

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/mod/sumdb/tlog"

	"suluh.example/suluh/crypto/accesslog"
)

// tree is the tree of the records so far. It keeps one hash of every 256
// records, and what is above; the hashes below that it keeps of the last tiles
// only. Of an earlier one they are read from the log again, and are good if they
// hash to the one that was kept.
type tree struct {
	files   Files
	n       int64
	high    stored            // the tree over tiles: of each tile's root, and above
	current stored            // the hashes of the tile that isn't full yet, as of a tree of its own
	low     map[int64]*stored // the hashes of some full tiles
	order   []int64           // of low, the oldest first
}

// keptTiles is how many full tiles keep their hashes, 16 KiB each: what members
// have seen last is mostly among the newest.
const keptTiles = 64

// append adds a record's hash.
func (t *tree) append(h tlog.Hash) error {
	at := t.n % accesslog.TileWidth
	hashes, err := tlog.StoredHashesForRecordHash(at, h, &t.current)
	if err != nil {
		return err
	}
	t.current.append(hashes)
	if at < accesslog.TileWidth-1 {
		t.n++
		return nil
	}
	full := t.current
	t.keep(t.n/accesslog.TileWidth, &full)
	t.current, t.n = stored{}, t.n-at
	return t.appendTile(rootOfTile(&full))
}

// appendTile adds a full tile by its root.
func (t *tree) appendTile(root tlog.Hash) error {
	above, err := tlog.StoredHashesForRecordHash(t.n/accesslog.TileWidth, root, &t.high)
	if err != nil {
		return err
	}
	t.high.append(above)
	t.n += accesslog.TileWidth
	return nil
}

// keep keeps the hashes of a full tile, for a while.
func (t *tree) keep(tile int64, hashes *stored) {
	if t.low == nil {
		t.low = map[int64]*stored{}
	}
	if len(t.order) == keptTiles {
		delete(t.low, t.order[0])
		t.order = t.order[1:]
	}
	t.low[tile], t.order = hashes, append(t.order, tile)
}

// rootOfTile returns the last of a full tile's hashes.
func rootOfTile(s *stored) tlog.Hash { return s.at(tlog.StoredHashCount(accesslog.TileWidth) - 1) }

// hashesOfTile returns all hashes of a tile of level 0, whole or partial, as of a
// tree of its own.
func hashesOfTile(data []byte) (*stored, error) {
	s := &stored{}
	for i := range int64(len(data) / tlog.HashSize) {
		h, err := tlog.StoredHashesForRecordHash(i, tlog.Hash(data[i*tlog.HashSize:]), s)
		if err != nil {
			return nil, err
		}
		s.append(h)
	}
	return s, nil
}

// root returns the root of the tree over the first n records.
func (t *tree) root(ctx context.Context, n int64) (tlog.Hash, error) {
	return tlog.TreeHash(n, t.reader(ctx))
}

// reader reads hashes of the tree as of any tlog.
func (t *tree) reader(ctx context.Context) tlog.HashReader {
	return tlog.HashReaderFunc(func(at []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(at))
		for i, x := range at {
			var err error
			if out[i], err = t.hash(ctx, x); err != nil {
				return nil, err
			}
		}
		return out, nil
	})
}

func (t *tree) hash(ctx context.Context, index int64) (tlog.Hash, error) {
	level, n := tlog.SplitStoredHashIndex(index)
	if level >= accesslog.TileHeight {
		return t.high.read(tlog.StoredHashIndex(level-accesslog.TileHeight, n))
	}
	tile, within := n>>(accesslog.TileHeight-level), n&(1<<(accesslog.TileHeight-level)-1)
	at := tlog.StoredHashIndex(level, within)
	if tile == t.n/accesslog.TileWidth {
		return t.current.read(at)
	}
	s := t.low[tile]
	if s == nil {
		var err error
		if s, err = t.load(ctx, tile); err != nil {
			return tlog.Hash{}, err
		}
		t.keep(tile, s)
	}
	return s.read(at)
}

// tilePath is the path of a full tile of level 0.
func tilePath(tile int64) string {
	return accesslog.TilePath(tlog.Tile{H: accesslog.TileHeight, N: tile, W: accesslog.TileWidth})
}

// load reads the hashes of a full tile from the log.
func (t *tree) load(ctx context.Context, tile int64) (*stored, error) {
	want, err := t.high.read(tlog.StoredHashIndex(0, tile))
	if err != nil {
		return nil, err
	}
	data, err := t.files(ctx, tilePath(tile))
	if errors.Is(err, os.ErrNotExist) {
		return nil, &Finding{Seq: -1, Fault: FaultMissing, What: tilePath(tile) + " is missing"}
	}
	if err != nil {
		return nil, fmt.Errorf("read tile: %w", err)
	}
	s, err := t.ofRecords(data, want)
	if err == nil && s == nil {
		err = notOfRecords(tilePath(tile))
	}
	return s, err
}

// ofRecords returns the hashes of a full tile, or nil if they don't hash to the
// one that was kept.
func (t *tree) ofRecords(data []byte, want tlog.Hash) (*stored, error) {
	if len(data) != accesslog.TileWidth*tlog.HashSize {
		return nil, nil
	}
	s, err := hashesOfTile(data)
	if err != nil || rootOfTile(s) != want {
		return nil, err
	}
	return s, nil
}

func notOfRecords(path string) *Finding {
	return &Finding{Seq: -1, Fault: FaultTile, What: path + " does not have the hashes of the records"}
}

// check tells whether a tile of the log is that of the records; whole ones of
// level 0 by their root.
func (t *tree) check(ctx context.Context, x tlog.Tile, data []byte) (bool, error) {
	if x.L == 0 && x.W == accesslog.TileWidth {
		want, err := t.high.read(tlog.StoredHashIndex(0, x.N))
		if err != nil {
			return false, err
		}
		s, err := t.ofRecords(data, want)
		return s != nil, err
	}
	want, err := tlog.ReadTileData(x, t.reader(ctx))
	return string(data) == string(want), err
}

// stored keeps the hashes of a tree in pieces, so that growing copies none.
type stored struct{ pieces [][]tlog.Hash }

const piece = 1 << 9 // a full tile has one hash less

func (s *stored) at(i int64) tlog.Hash { return s.pieces[i/piece][i%piece] }

func (s *stored) append(hashes []tlog.Hash) {
	for _, h := range hashes {
		n := len(s.pieces)
		if n == 0 || len(s.pieces[n-1]) == piece {
			s.pieces = append(s.pieces, make([]tlog.Hash, 0, piece))
			n++
		}
		s.pieces[n-1] = append(s.pieces[n-1], h)
	}
}

func (s *stored) read(i int64) (tlog.Hash, error) {
	if i/piece >= int64(len(s.pieces)) || i%piece >= int64(len(s.pieces[i/piece])) {
		return tlog.Hash{}, errors.New("hash beyond the log")
	}
	return s.at(i), nil
}

func (s *stored) ReadHashes(at []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(at))
	for i, x := range at {
		var err error
		if out[i], err = s.read(x); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// forked tells whether the log no longer begins with what was verified of it
// before, as far as its own tiles tell; nil if they don't.
func (l *Log) forked(ctx context.Context, signed tlog.Tree) *Finding {
	root, err := tlog.TreeHash(l.done.N, tlog.TileHashReader(signed, tiles{ctx, l.files}))
	if err != nil || root == l.done.Hash {
		return nil
	}
	return &Finding{
		Seq: -1, Fault: FaultFork, What: fmt.Sprintf("its first %d records are not those verified before", l.done.N),
		Want: l.done.Hash.String(), Got: root.String(),
	}
}

// tiles reads hash tiles of the log for package tlog, which checks them.
type tiles struct {
	ctx   context.Context
	files Files
}

func (t tiles) Height() int { return accesslog.TileHeight }

func (t tiles) ReadTiles(want []tlog.Tile) ([][]byte, error) {
	out := make([][]byte, len(want))
	for i, x := range want {
		b, err := t.files(t.ctx, accesslog.TilePath(x))
		if err != nil {
			return nil, err
		}
		if len(b) != x.W*tlog.HashSize {
			return nil, errors.New("a hash tile has another length")
		}
		out[i] = b
	}
	return out, nil
}

func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}

// differs says which of the records read so far is not the one that the
// checkpoint was signed over, or nil. The hash tiles tell, if they are the
// checkpoint's.
func (l *Log) differs(ctx context.Context, signed tlog.Tree) *Finding {
	theirs := tree{files: l.files}
	for _, x := range tlog.NewTiles(accesslog.TileHeight, 0, signed.N) {
		if x.L != 0 {
			continue
		}
		data, err := l.files(ctx, accesslog.TilePath(x))
		if err != nil || len(data) != x.W*tlog.HashSize {
			return nil
		}
		for i := range x.W {
			if theirs.append(tlog.Hash(data[i*tlog.HashSize:])) != nil {
				return nil
			}
		}
	}
	if h, err := theirs.root(ctx, signed.N); err != nil || h != signed.Hash {
		return nil
	}
	ours := &l.state.tree
	// Whole tiles first, then the records of the first that differs.
	tiles := min(signed.N, ours.n) / accesslog.TileWidth
	tile := int64(0)
	for at := tlog.StoredHashIndex(0, 0); tile < tiles && theirs.high.at(at) == ours.high.at(at); at = tlog.StoredHashIndex(0, tile) {
		tile++
	}
	first := tile * accesslog.TileWidth
	got := func(i int64) (tlog.Hash, error) { return ours.hash(ctx, tlog.StoredHashIndex(0, first+i)) }
	if tile < tiles { // the log's tile isn't that of the records: they are read again
		b, err := l.read(ctx, first, first+accesslog.TileWidth)
		if err != nil {
			return nil
		}
		got = func(i int64) (tlog.Hash, error) { return tlog.RecordHash(b.leaves[i]), nil }
	}
	for i := range min(accesslog.TileWidth, min(signed.N, ours.n)-first) {
		want, err := theirs.hash(ctx, tlog.StoredHashIndex(0, first+i))
		if err != nil {
			return nil
		}
		if got, err := got(i); err != nil {
			return nil
		} else if want != got {
			return &Finding{
				Seq: first + i, Fault: FaultTree, What: "it is not the record that the log's checkpoint was signed over",
				Want: want.String(), Got: got.String(),
			}
		}
	}
	return nil
}

// hashTiles checks that the hash tiles, which others verify with, are the log's
// own: those that came since the last time.
func (l *Log) hashTiles(ctx context.Context, size int64) error {
	for _, x := range tlog.NewTiles(accesslog.TileHeight, l.tiles, size) {
		got, err := l.files(ctx, accesslog.TilePath(x))
		if errors.Is(err, os.ErrNotExist) {
			return &Finding{Seq: -1, Fault: FaultMissing, What: accesslog.TilePath(x) + " is missing"}
		}
		if err != nil {
			return fmt.Errorf("read tile: %w", err)
		}
		ok, err := l.state.tree.check(ctx, x, got)
		if err != nil {
			return err
		}
		if !ok {
			return notOfRecords(accesslog.TilePath(x))
		}
	}
	l.tiles = size
	return nil
}
