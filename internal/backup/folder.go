package backup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/internal/durable"
	"suluh.example/suluh/vault"
)

// Folder is a backup folder that nobody else changes.
type Folder struct {
	dir    string
	logKey string
	lock   *os.File
}

// Open takes a folder that has backups.
func Open(dir string) (*Folder, error) {
	b, err := os.ReadFile(filepath.Join(dir, "log.vkey"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, ErrNone
	}
	if err != nil {
		return nil, err
	}
	return take(dir, strings.TrimSpace(string(b)))
}

// begin takes a folder, a new one or one of the same log.
func begin(dir, logKey string) (*Folder, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	b, err := os.ReadFile(filepath.Join(dir, "log.vkey"))
	switch {
	case errors.Is(err, os.ErrNotExist):
		there, err := os.ReadDir(dir)
		if err != nil {
			return nil, err
		}
		if len(there) > 0 {
			return nil, errors.New("the folder has other files in it: name an empty one, or one that has backups")
		}
		if err := durable.WriteFile(filepath.Join(dir, "log.vkey"), []byte(logKey+"\n"), 0o600); err != nil {
			return nil, err
		}
	case err != nil:
		return nil, err
	case strings.TrimSpace(string(b)) != logKey:
		return nil, ErrOther
	}
	for _, name := range []string{"blobs", "generations"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil && !errors.Is(err, os.ErrExist) {
			return nil, err
		}
	}
	return take(dir, logKey)
}

func take(dir, logKey string) (f *Folder, err error) {
	f = &Folder{dir: dir, logKey: logKey}
	if f.lock, err = os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.lock.Close()
		return nil, ErrBusy
	}
	if err := f.recover(); err != nil {
		f.lock.Close()
		return nil, err
	}
	return f, nil
}

// Close lets others have the folder.
func (f *Folder) Close() error { return f.lock.Close() }

func (f *Folder) generation(name string) string { return filepath.Join(f.dir, "generations", name) }
func (f *Folder) blob(d id.Digest) string       { return filepath.Join(f.dir, "blobs", d.String()) }

const (
	newPrefix = ".new-" // of a generation that isn't whole
	oldPrefix = ".old-" // of one whose successor takes its name
)

// recover makes up for a crash. See publish.
func (f *Folder) recover() error {
	all, err := os.ReadDir(filepath.Join(f.dir, "generations"))
	if err != nil {
		return err
	}
	for _, e := range all {
		name := e.Name()
		if old, ok := strings.CutPrefix(name, oldPrefix); ok {
			if _, err := os.Stat(f.generation(old)); errors.Is(err, os.ErrNotExist) {
				if err := durable.Rename(f.generation(name), f.generation(old)); err != nil {
					return err
				}
				continue
			}
		} else if !strings.HasPrefix(name, newPrefix) {
			continue
		}
		if err := os.RemoveAll(f.generation(name)); err != nil {
			return err
		}
	}
	return nil
}

// publish gives a whole generation its name. A crash leaves the one that had
// the name, or this one.
func (f *Folder) publish(name string) error {
	next, at, old := f.generation(newPrefix+name), f.generation(name), f.generation(oldPrefix+name)
	if err := durable.SyncDir(next); err != nil {
		return err
	}
	if err := os.Rename(at, old); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := durable.Rename(next, at); err != nil {
		return err
	}
	return os.RemoveAll(old)
}

// Generations returns the names of what is there, newest first.
func (f *Folder) Generations() (names []string, err error) {
	all, err := os.ReadDir(filepath.Join(f.dir, "generations"))
	if err != nil {
		return nil, err
	}
	for _, e := range all {
		if _, err := id.ParseDay(e.Name()); err == nil {
			names = append(names, e.Name())
		}
	}
	slices.Reverse(names) // they were in order
	return names, nil
}

func (f *Folder) manifest(name string) (m manifest, err error) {
	if _, err := id.ParseDay(name); err != nil {
		return m, ErrNone
	}
	return readManifest(f.generation(name))
}

func readManifest(dir string) (m manifest, err error) {
	b, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if errors.Is(err, os.ErrNotExist) {
		return m, ErrNone
	}
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(b, &m); err != nil || m.Format != format {
		return m, fmt.Errorf("%w: its manifest is not one of %s", ErrDamaged, format)
	}
	return m, nil
}

// writeManifest is what makes the generation whole.
func writeManifest(dir string, m manifest) error {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return durable.ReplaceFile(filepath.Join(dir, "manifest.json"), append(text, '\n'), 0o600)
}

// open opens a generation's database.
func (f *Folder) open(dir string, m manifest) (*vault.Copy, error) {
	return vault.OpenCopy(filepath.Join(dir, "vault.db"), f.logKey, []byte(m.Checkpoint))
}

// orders returns the orders of destruction that a generation knows.
func (f *Folder) orders(ctx context.Context, name string) ([]vault.Order, error) {
	m, err := f.manifest(name)
	if err != nil {
		return nil, err
	}
	db, err := f.open(f.generation(name), m)
	if err != nil {
		return nil, err
	}
	orders, err := db.Orders(ctx)
	return orders, errors.Join(err, db.Close())
}
