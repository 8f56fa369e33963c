package backup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/internal/durable"
	"suluh.example/suluh/vault"
)

// ErrIdentity says that keys are sealed to others.
var ErrIdentity = errors.New("the backup's keys are not sealed to this identity")

// RestoreConfig says what is brought back and where to.
type RestoreConfig struct {
	From       string // folder
	Generation string // its day; default: the newest
	Dir        string // of the vault; made, or empty
	Identities []age.Identity
	OnionDirs  []string // where the keys of each onion directory go, in the order of the backup
	Newer      string   // directory of a vault of a later state, whose orders to destroy answers are carried out; or ""

	Progress func(done, of int64)
}

// Restored says what was brought back.
type Restored struct {
	Generation string
	LogKey     string
	Records    int64 // of the log
	Blobs      int
	Destroyed  int // answers, by orders that came after the backup
	Onion      int // files
}

// Restore brings a generation back into a directory of its own, and looks at it
// as the doctor does. The vault there takes no changes until it is told what is
// lost ([vault.Vault.GoOn]).
//
// log.key goes last: a directory without it is no vault, so one that a crash
// leaves can't be started by mistake.
func Restore(ctx context.Context, c RestoreConfig) (r *Restored, err error) {
	f, err := Open(c.From)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	r = &Restored{Generation: c.Generation, LogKey: f.logKey}
	names, err := f.Generations()
	if err != nil {
		return nil, err
	}
	if r.Generation == "" && len(names) > 0 {
		r.Generation = names[0]
	}
	m, err := f.manifest(r.Generation)
	if err != nil {
		return nil, err
	}
	from := f.generation(r.Generation)
	keys, err := openKeys(filepath.Join(from, "keys.age"), c.Identities)
	if err != nil {
		return nil, err
	}
	if err := f.fits(keys["log.key"]); err != nil {
		return nil, err
	}
	if there, err := os.ReadDir(c.Dir); err == nil && len(there) > 0 {
		return nil, fmt.Errorf("the directory to restore into is not empty: %w", os.ErrExist)
	}
	for _, name := range []string{"uploads", filepath.Join("blobs", "tmp")} {
		if err := os.MkdirAll(filepath.Join(c.Dir, name), 0o700); err != nil {
			return nil, err
		}
	}
	if err := vault.MarkRestored(c.Dir, m.Day); err != nil {
		return nil, err
	}
	blobs, err := f.blobsOf(ctx, r.Generation)
	if err != nil {
		return nil, err
	}
	r.Blobs = len(blobs)
	p := &meter{tell: c.Progress}
	for _, o := range blobs {
		p.of += o.Size
	}
	for _, name := range []string{"vault.db", "root.vkey", "log.vkey", "zone"} {
		p.of += m.Files[name].Size
		if err := bring(ctx, filepath.Join(from, name), filepath.Join(c.Dir, name), m.Files[name].Digest, p); err != nil {
			return nil, err
		}
	}
	for _, o := range blobs {
		if err := bring(ctx, f.blob(o.Digest), filepath.Join(c.Dir, "blobs", o.Digest.String()), o.Digest, p); err != nil {
			return nil, err
		}
	}
	if r.Destroyed, err = f.destroyed(ctx, c, r.Generation, names); err != nil {
		return nil, err
	}
	if r.Onion, err = writeOnion(filepath.Join(c.Dir, ownOnion), "vault/", keys); err != nil {
		return nil, err
	}
	for i, dir := range c.OnionDirs {
		n, err := writeOnion(dir, fmt.Sprintf("onion/%d/", i), keys)
		if err == nil && n == 0 {
			err = errors.New("the backup has no keys for so many onion directories")
		}
		if err != nil {
			return nil, err
		}
		r.Onion += n
	}
	if err := durable.SyncDir(filepath.Join(c.Dir, "blobs")); err != nil {
		return nil, err
	}
	if err := durable.WriteFile(filepath.Join(c.Dir, "log.key"), keys["log.key"], 0o600); err != nil {
		return nil, err
	}
	info, err := f.Info(ctx, r.Generation)
	r.Records = info.Records
	return r, err
}

// fits tells whether the log's key is that of the folder.
func (f *Folder) fits(skey []byte) error {
	s, err := note.NewSigner(strings.TrimSpace(string(skey)))
	if err != nil {
		return fmt.Errorf("%w: it has no key of a log", ErrDamaged)
	}
	v, err := note.NewVerifier(f.logKey)
	if err != nil || s.Name() != v.Name() || s.KeyHash() != v.KeyHash() {
		return fmt.Errorf("%w: its keys are of another log", ErrDamaged)
	}
	return nil
}

// bring copies a file whose digest is known.
func bring(ctx context.Context, from, to string, want id.Digest, p *meter) error {
	in, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	got, err := write(ctx, to, p.reader(in))
	if err = errors.Join(err, in.Close()); err != nil {
		return err
	}
	if got.Digest != want {
		return fmt.Errorf("%w: %s is not as it was written", ErrDamaged, filepath.Base(from))
	}
	return nil
}

// destroyed carries out the orders of reporters that came after the backup, as
// far as later backups or a later state of the vault know them.
func (f *Folder) destroyed(ctx context.Context, c RestoreConfig, generation string, names []string) (int, error) {
	var orders []vault.Order
	for _, name := range names {
		if name <= generation { // days sort as texts
			continue
		}
		more, err := f.orders(ctx, name)
		if err != nil {
			return 0, err
		}
		orders = append(orders, more...)
	}
	if c.Newer != "" {
		more, err := vault.OrdersOf(ctx, c.Newer)
		if err != nil {
			return 0, fmt.Errorf("the later state of the vault: %w", err)
		}
		orders = append(orders, more...)
	}
	if len(orders) == 0 {
		return 0, nil
	}
	gone, err := vault.CarryOut(ctx, filepath.Join(c.Dir, "vault.db"), orders)
	if err != nil {
		return 0, err
	}
	for _, d := range gone {
		if err := os.Remove(filepath.Join(c.Dir, "blobs", d.String())); err != nil && !errors.Is(err, os.ErrNotExist) {
			return 0, err
		}
	}
	return len(gone), nil
}
