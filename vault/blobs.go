package vault

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/internal/durable"
)

// inRow is the most bytes of an object that is kept in its row.
const inRow = 64 << 10

func (v *Vault) blobPath(d id.Digest) string {
	return filepath.Join(v.config.Dir, "blobs", d.String())
}

// sweep removes what a crash left: files that arrived and have no row, and
// those of answers that were destroyed.
func (v *Vault) sweep(ctx context.Context) error {
	tmp := filepath.Join(v.config.Dir, "blobs", "tmp")
	for _, dir := range []string{tmp, filepath.Dir(tmp)} {
		files, err := os.ReadDir(dir)
		if err != nil {
			return fmt.Errorf("sweep blobs: %w", err)
		}
		for _, f := range files {
			if f.IsDir() {
				continue
			}
			if d, err := id.ParseDigest(f.Name()); err == nil && dir != tmp {
				var n int
				if err := v.db.read.QueryRowContext(ctx, "SELECT count(*) FROM objects o WHERE digest = ? AND NOT EXISTS (SELECT 1 FROM destroyed x WHERE x.digest = o.digest)", d[:]).Scan(&n); err != nil {
					return fmt.Errorf("sweep blobs: %w", err)
				}
				if n > 0 {
					continue
				}
			}
			if err := os.Remove(filepath.Join(dir, f.Name())); err != nil {
				return fmt.Errorf("sweep blobs: %w", err)
			}
		}
	}
	return nil
}

// openObject returns the sealed bytes of a small object, or opens the file of a
// large one.
func (v *Vault) openObject(ctx context.Context, d id.Digest) (small []byte, large *os.File, err error) {
	if err := v.db.read.QueryRowContext(ctx, "SELECT data FROM objects WHERE digest = ?", d[:]).Scan(&small); err != nil {
		return nil, nil, fmt.Errorf("open object: %w", err)
	}
	if small != nil {
		return small, nil, nil
	}
	if large, err = os.Open(v.blobPath(d)); err != nil {
		return nil, nil, fmt.Errorf("open blob: %w", err)
	}
	return nil, large, nil
}

// rewrite writes files anew, in an order that says nothing, so that neither
// their inodes nor their change times tell in which order they came.
func (v *Vault) rewrite(digests []id.Digest) error {
	rand.Shuffle(len(digests), func(i, j int) { digests[i], digests[j] = digests[j], digests[i] })
	for _, d := range digests {
		if err := v.rewriteOne(d); err != nil {
			return fmt.Errorf("rewrite blob: %w", err)
		}
	}
	return nil
}

func (v *Vault) rewriteOne(d id.Digest) (err error) {
	from, err := os.Open(v.blobPath(d))
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.CreateTemp(filepath.Join(v.config.Dir, "blobs", "tmp"), "")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(to.Name()) // swept at the next start otherwise
		}
	}()
	_, err = durable.Copy(to, from, 0)
	if err == nil {
		err = to.Sync()
	}
	if err = errors.Join(err, to.Close()); err != nil {
		return err
	}
	v.blurFile(to.Name())
	return durable.Rename(to.Name(), v.blobPath(d))
}
