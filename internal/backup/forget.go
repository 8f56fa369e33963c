package backup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"suluh.example/suluh/internal/durable"
	"suluh.example/suluh/vault"
)

// Forget removes generations, and then blobs that none is left to name.
func (f *Folder) Forget(ctx context.Context, names ...string) error {
	for _, name := range names {
		if _, err := f.manifest(name); err != nil && !errors.Is(err, ErrDamaged) {
			return fmt.Errorf("%s: %w", name, err)
		}
		// Under the other name a crash leaves nothing that looks whole.
		if err := durable.Rename(f.generation(name), f.generation(newPrefix+name)); err != nil {
			return err
		}
		if err := os.RemoveAll(f.generation(newPrefix + name)); err != nil {
			return err
		}
	}
	left, err := f.Generations()
	if err != nil {
		return err
	}
	named := map[string]bool{}
	for _, name := range left {
		blobs, err := f.blobsOf(ctx, name)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err) // and nothing is taken away that it may need
		}
		for _, o := range blobs {
			named[o.Digest.String()] = true
		}
	}
	there, err := os.ReadDir(filepath.Join(f.dir, "blobs"))
	if err != nil {
		return err
	}
	for _, e := range there {
		if !named[e.Name()] {
			if err := os.Remove(filepath.Join(f.dir, "blobs", e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// carryOut destroys in all other generations the answers of which a generation
// knows that their reporters had them destroyed. Their blobs go with Forget.
func (f *Folder) carryOut(ctx context.Context, from string) (n int, err error) {
	orders, err := f.orders(ctx, from)
	if err != nil || len(orders) == 0 {
		return 0, err
	}
	others, err := f.Generations()
	if err != nil {
		return 0, err
	}
	for _, name := range others {
		if name == from {
			continue
		}
		gone, err := f.carryOutIn(ctx, name, orders)
		if err != nil {
			return n, fmt.Errorf("%s: %w", name, err)
		}
		n += gone
	}
	return n, nil
}

// carryOutIn makes a generation anew without the answers. What it was is gone
// only then.
func (f *Folder) carryOutIn(ctx context.Context, name string, orders []vault.Order) (int, error) {
	m, err := f.manifest(name)
	if err != nil {
		return 0, err
	}
	known, err := f.orders(ctx, name)
	if err != nil {
		return 0, err
	}
	orders = slices.DeleteFunc(slices.Clone(orders), func(x vault.Order) bool {
		return slices.ContainsFunc(known, func(k vault.Order) bool { return k.Object == x.Object })
	})
	if len(orders) == 0 {
		return 0, nil
	}
	dir := f.generation(newPrefix + name)
	if err := errors.Join(os.RemoveAll(dir), os.Mkdir(dir, 0o700)); err != nil {
		return 0, err
	}
	for file := range m.Files {
		in, err := os.Open(filepath.Join(f.generation(name), file))
		if err != nil {
			return 0, err
		}
		_, err = write(ctx, filepath.Join(dir, file), in)
		if err = errors.Join(err, in.Close()); err != nil {
			return 0, err
		}
	}
	gone, err := vault.CarryOut(ctx, filepath.Join(dir, "vault.db"), orders)
	if err != nil || len(gone) == 0 {
		return 0, errors.Join(err, os.RemoveAll(dir))
	}
	if m.Files["vault.db"], err = read(ctx, filepath.Join(dir, "vault.db"), &meter{}); err != nil {
		return 0, err
	}
	if err := writeManifest(dir, m); err != nil {
		return 0, err
	}
	return len(gone), f.publish(name)
}
