package accesslog

import (
	"encoding/binary"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// TileHeight is the height of C2SP tlog-tiles: a full tile has 256 hashes.
const TileHeight = 8

// TileWidth is the number of hashes, or entries, of a full tile.
const TileWidth = 1 << TileHeight

// TilePath returns the path of a tile (C2SP tlog-tiles): tile/<L>/<N>, or
// tile/entries/<N> for level -1; a partial tile's width follows as .p/<W>.
func TilePath(t tlog.Tile) string {
	// tlog names tiles the same way, but for the height and the word for data.
	rest := strings.TrimPrefix(t.Path(), fmt.Sprintf("tile/%d/", t.H))
	if n, ok := strings.CutPrefix(rest, "data/"); ok {
		rest = "entries/" + n
	}
	return "tile/" + rest
}

// ParseTilePath reads what TilePath writes.
func ParseTilePath(path string) (tlog.Tile, error) {
	rest := strings.TrimPrefix(path, "tile/")
	if n, ok := strings.CutPrefix(rest, "entries/"); ok {
		rest = "data/" + n
	}
	t, err := tlog.ParseTilePath(fmt.Sprintf("tile/%d/%s", TileHeight, rest))
	if err != nil || TilePath(t) != path {
		return tlog.Tile{}, fmt.Errorf("tile path: %w", ErrFormat)
	}
	return t, nil
}

// AppendEntry appends a leaf to an entry bundle: its length in two bytes, most
// significant first, and the leaf.
func AppendEntry(bundle, leaf []byte) []byte {
	return append(binary.BigEndian.AppendUint16(bundle, uint16(len(leaf))), leaf...)
}

// Entries splits an entry bundle into its leaves, which share its memory.
func Entries(bundle []byte) ([][]byte, error) {
	var leaves [][]byte
	for len(bundle) > 0 {
		if len(bundle) < 2 || len(bundle)-2 < int(binary.BigEndian.Uint16(bundle)) || len(leaves) == TileWidth {
			return nil, fmt.Errorf("entry bundle: %w", ErrFormat)
		}
		n := int(binary.BigEndian.Uint16(bundle))
		leaves, bundle = append(leaves, bundle[2:2+n]), bundle[2+n:]
	}
	return leaves, nil
}

// Files of a log beside tiles and checkpoint, which tell what its witnesses have
// cosigned. The checkpoint itself has the cosignatures too if it is the newest
// with the quorum.
const (
	CosignedPath     = "checkpoint.cosigned" // the newest checkpoint that has the quorum
	CosignaturesPath = "cosignatures.json"   // for each witness's name the newest checkpoint that it has cosigned
)
