package check

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/internal/durable"
)

// Export verifies a log and keeps a folder of its files, from which any
// tlog-tiles client reads it. Into a folder that an earlier export has filled
// it fetches only what is new, and the log must continue that one. Whether it was
// restored since ([Result.Unseen]) is told of the tree that the folder had.
//
//	log.vkey                        first: says whose folder it is
//	rosters/…, tile/entries/…       as they are verified, each durable under its name or not there
//	tile/…                          after all records were verified
//	checkpoint.cosigned, cosignatures.json   what witnesses have cosigned, where there are any
//	checkpoint                      last: a crash before this leaves the folder as it was, with more tiles
//	partial tiles of the last time  removed after it
//
// The key is the log's verifier key as text.
func Export(ctx context.Context, dir string, source Files, key string, progress func(done, of int64)) (*Result, error) {
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return nil, errors.New("the log's key is malformed")
	}
	if err := begin(dir, key); err != nil {
		return nil, err
	}
	local := Directory(dir)
	before := accesslog.EmptyTree()
	msg, err := local(ctx, "checkpoint")
	switch {
	case err == nil:
		if before, err = accesslog.OpenCheckpoint(msg, verifier); err != nil {
			return nil, errors.New("the folder's checkpoint is not signed by the log's key: export into another folder, and keep this one")
		}
	case !errors.Is(err, os.ErrNotExist):
		return nil, err
	}
	// Read before the checkpoint, so that it isn't of more records than that one.
	cosigned := map[string][]byte{}
	for _, path := range []string{accesslog.CosignedPath, accesslog.CosignaturesPath} {
		if cosigned[path], err = source(ctx, path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
	}
	var checkpoint []byte
	log := New(func(ctx context.Context, path string) ([]byte, error) {
		switch path {
		case accesslog.CosignedPath, accesslog.CosignaturesPath:
			if b := cosigned[path]; b != nil {
				return b, nil
			}
			return nil, os.ErrNotExist
		case "checkpoint":
			b, err := source(ctx, path)
			checkpoint = b
			return b, err
		}
		if b, err := local(ctx, path); !errors.Is(err, os.ErrNotExist) {
			return b, err
		}
		b, err := source(ctx, path)
		if err != nil {
			return nil, err
		}
		return b, save(dir, path, b)
	}, verifier)
	log.Progress, log.NoEntries = progress, true
	r, err := log.Extend(ctx)
	if err == nil {
		err = log.Continues(ctx, before)
	}
	var f *Finding
	if before.N > 0 && errors.As(err, &f) && f.Fault != FaultMissing {
		// What the folder has may be of a log that was lost with a restore.
		if alone := New(source, verifier); alone.trust(ctx) == nil && alone.Continues(ctx, before) != nil {
			return nil, alone.Continues(ctx, before)
		}
	}
	if err != nil {
		return nil, err
	}
	if r.Witnesses, err = log.Witnesses(ctx); err != nil {
		return nil, err
	}
	for path, b := range cosigned {
		if b != nil {
			if err := save(dir, path, b); err != nil {
				return nil, err
			}
		}
	}
	if err := durable.ReplaceFile(filepath.Join(dir, "checkpoint"), checkpoint, 0o600); err != nil {
		return nil, err
	}
	r.Before = before
	return r, dropPartial(dir, before, r.Tree)
}

func (l *Log) trust(ctx context.Context) error {
	_, err := l.Extend(ctx)
	return err
}

// begin makes the folder, or finds that it is this log's.
func begin(dir, key string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	name := filepath.Join(dir, "log.vkey")
	b, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return err
		}
		if len(entries) > 0 {
			return errors.New("the folder has other files in it: name an empty one, or one that an export has filled")
		}
		return durable.WriteFile(name, []byte(key+"\n"), 0o600)
	}
	if err == nil && strings.TrimSpace(string(b)) != key {
		err = errors.New("the folder has another log in it: name another folder")
	}
	return err
}

func save(dir, path string, data []byte) error {
	name := filepath.Join(dir, filepath.FromSlash(path))
	if err := makeDirs(dir, filepath.Dir(name)); err != nil {
		return err
	}
	return durable.ReplaceFile(name, data, 0o600)
}

// makeDirs makes a folder's folders so that their names survive, too.
func makeDirs(root, dir string) error {
	if _, err := os.Stat(dir); err == nil || dir == root {
		return err
	}
	if err := makeDirs(root, filepath.Dir(dir)); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return durable.SyncDir(filepath.Dir(dir))
}

// dropPartial removes the partial tiles of an earlier export that the new
// checkpoint has no more use for.
func dropPartial(dir string, before, now tlog.Tree) error {
	keep := partial(now.N)
	for _, path := range partial(before.N) {
		if slices.Contains(keep, path) {
			continue
		}
		name := filepath.Join(dir, filepath.FromSlash(path))
		if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("remove a partial tile: %w", err)
		}
		_ = os.Remove(filepath.Dir(name)) // the .p folder, unless it has another in it
	}
	return nil
}

// partial returns the paths of a log's partial tiles.
func partial(n int64) (paths []string) {
	for _, t := range tlog.NewTiles(accesslog.TileHeight, 0, n) {
		if t.W == accesslog.TileWidth {
			continue
		}
		paths = append(paths, accesslog.TilePath(t))
		if t.L == 0 {
			t.L = -1
			paths = append(paths, accesslog.TilePath(t))
		}
	}
	return paths
}
