// Package madelog holds the records of a log that is made, for tests and benchmarks, in
// memory, and gives them out as tiles. It must never hold the records of a real vault.
package madelog

import (
	"os"

	"golang.org/x/mod/sumdb/tlog"

	"suluh.example/suluh/crypto/accesslog"
)

// Log is records and the tree over them. It is safe for concurrent reads.
type Log struct {
	leaves [][]byte
	hashes []tlog.Hash
}

// Len returns the number of records.
func (l *Log) Len() int64 { return int64(len(l.leaves)) }

// Leaf returns a record.
func (l *Log) Leaf(seq int64) []byte { return l.leaves[seq] }

// First returns a log of the first n records, which goes on by itself.
func (l *Log) First(n int64) Log {
	hashes := tlog.StoredHashCount(n)
	return Log{l.leaves[:n:n], l.hashes[:hashes:hashes]}
}

// Append adds a record.
func (l *Log) Append(leaf []byte) {
	h, err := tlog.StoredHashes(l.Len(), leaf, l)
	if err != nil {
		panic(err) // the tree reads what it stored itself
	}
	l.leaves, l.hashes = append(l.leaves, leaf), append(l.hashes, h...)
}

// ReadHashes makes it a [tlog.HashReader].
func (l *Log) ReadHashes(at []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(at))
	for i, x := range at {
		out[i] = l.hashes[x]
	}
	return out, nil
}

// Tree returns the tree over the first n records.
func (l *Log) Tree(n int64) (tlog.Tree, error) {
	h, err := tlog.TreeHash(n, l)
	return tlog.Tree{N: n, Hash: h}, err
}

// Tile returns a tile, of hashes or of entries, by its path (C2SP tlog-tiles). If
// there is none the error is [os.ErrNotExist].
func (l *Log) Tile(path string) ([]byte, error) {
	t, err := accesslog.ParseTilePath(path)
	if err != nil {
		return nil, os.ErrNotExist
	}
	width := int64(1) // records below each hash
	for range t.L {
		width *= accesslog.TileWidth
	}
	if (t.N*accesslog.TileWidth+int64(t.W))*width > l.Len() {
		return nil, os.ErrNotExist
	}
	if t.L >= 0 {
		return tlog.ReadTileData(t, l)
	}
	var b []byte
	for _, leaf := range l.leaves[t.N*accesslog.TileWidth:][:t.W] {
		b = accesslog.AppendEntry(b, leaf)
	}
	return b, nil
}
