package accesslog

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"suluh.example/suluh/crypto/id"
)

// The readers of a case are committed to in its deposit's record, without
// being told: nobody may learn from the log that a report excludes him. The
// commitment is the root of a small Merkle tree over salted leaves, one for
// each wrap, and random dummies that hide their number. Later, the record of
// an access carries the proof for the one member who accessed.

// wrapGroup is what the number of leaves is a multiple of.
const wrapGroup = 8

// WrapLeaf is one reader in the commitment.
type WrapLeaf struct {
	Salt   [16]byte // random, so that a leaf can't be guessed from the roster
	Member id.Member
	Wrap   id.Digest // of the wrap
}

// Hash returns the leaf's hash.
func (w WrapLeaf) Hash() tlog.Hash {
	var text [192]byte // the longest name leaves some
	b := append(hex.AppendEncode(append(text[:0], "suluh.example/wrap/v1\n"...), w.Salt[:]), ' ')
	return tlog.RecordHash(append(appendDigest(append(append(b, w.Member...), ' '), w.Wrap), '\n'))
}

// BlindWraps returns the hashes of the leaves together with as many random
// ones as hide their number, and those random ones by themselves.
func BlindWraps(leaves []WrapLeaf) (all, blinds []tlog.Hash) {
	for _, w := range leaves {
		all = append(all, w.Hash())
	}
	for len(all)%wrapGroup != 0 {
		var h tlog.Hash
		rand.Read(h[:])
		all, blinds = append(all, h), append(blinds, h)
	}
	return all, blinds
}

// WrapsRoot returns the commitment: the root over the leaves in ascending
// order, so that their places say nothing.
func WrapsRoot(leaves []tlog.Hash) tlog.Hash {
	_, t := wrapTree(leaves)
	root, _ := tlog.TreeHash(int64(len(leaves)), t) // reads only what wrapTree stored
	return root
}

// WrapCover proves that a member was among the readers of a deposit.
type WrapCover struct {
	Salt  [16]byte
	Wrap  id.Digest
	Index int64 // of the leaf
	N     int64 // number of leaves
	Path  tlog.RecordProof
}

// ProveWrap makes the proof for one leaf out of all leaves' hashes.
func ProveWrap(leaves []tlog.Hash, w WrapLeaf) (WrapCover, error) {
	sorted, t := wrapTree(leaves)
	i, ok := slices.BinarySearchFunc(sorted, w.Hash(), compareHashes)
	if !ok {
		return WrapCover{}, fmt.Errorf("member is not in the commitment")
	}
	n := int64(len(sorted))
	path, err := tlog.ProveRecord(n, int64(i), t)
	if err != nil {
		return WrapCover{}, fmt.Errorf("prove wrap: %w", err)
	}
	return WrapCover{Salt: w.Salt, Wrap: w.Wrap, Index: int64(i), N: n, Path: path}, nil
}

// Check tells whether the member is among the readers committed to.
func (c WrapCover) Check(m id.Member, root tlog.Hash, n int64) error {
	if c.N != n {
		return fmt.Errorf("cover has another number of leaves than its deposit")
	}
	leaf := WrapLeaf{Salt: c.Salt, Member: m, Wrap: c.Wrap}.Hash()
	if err := tlog.CheckRecord(c.Path, n, root, c.Index, leaf); err != nil {
		return fmt.Errorf("member was not among the readers of the deposit")
	}
	return nil
}

func compareHashes(a, b tlog.Hash) int { return bytes.Compare(a[:], b[:]) }

func wrapTree(leaves []tlog.Hash) ([]tlog.Hash, tlog.HashReader) {
	sorted := slices.Clone(leaves)
	slices.SortFunc(sorted, compareHashes)
	var stored []tlog.Hash
	r := tlog.HashReaderFunc(func(at []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(at))
		for i, x := range at {
			out[i] = stored[x]
		}
		return out, nil
	})
	for i, h := range sorted {
		more, _ := tlog.StoredHashesForRecordHash(int64(i), h, r) // r never fails
		stored = append(stored, more...)
	}
	return sorted, r
}
