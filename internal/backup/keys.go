package backup

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"filippo.io/age"

	"suluh.example/suluh/internal/durable"
)

// maxKeys is the most bytes of all keys.
const maxKeys = 4 << 20

// onionFiles are the names under which tor keeps an onion service's keys and
// address; those of who may see a descriptor end in .auth.
var onionFiles = []string{"hs_ed25519_secret_key", "hs_ed25519_public_key", "hostname"}

// ownOnion is the onion directory that a vault has inside its own, and the name
// under which its keys are kept.
const ownOnion = "onion"

// sealKeys writes the keys as a tar file in an age file: log.key; below vault/
// those of the vault's own onion service, if it has one; and below onion/0/,
// onion/1/… those of each onion directory that is named.
func sealKeys(ctx context.Context, name string, c Config) (f file, err error) {
	to, err := parseRecipients(c.Recipients)
	if err != nil {
		return f, err
	}
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, to...)
	if err != nil {
		return f, err
	}
	t := tar.NewWriter(w)
	if err := addKey(t, filepath.Join(c.Vault, "log.key"), "log.key"); err != nil {
		return f, err
	}
	own := filepath.Join(c.Vault, ownOnion)
	if _, err := os.Stat(own); err == nil {
		if _, err := addOnion(t, own, "vault"); err != nil {
			return f, err
		}
	}
	for i, dir := range c.OnionDirs {
		n, err := addOnion(t, dir, path.Join("onion", fmt.Sprint(i)))
		if err != nil {
			return f, err
		}
		if n == 0 {
			return f, errors.New("an onion directory has no keys in it")
		}
	}
	if err := errors.Join(t.Close(), w.Close()); err != nil {
		return f, err
	}
	return write(ctx, name, &sealed)
}

// addOnion adds the keys in an onion directory.
func addOnion(t *tar.Writer, dir, prefix string) (n int, err error) {
	err = filepath.WalkDir(dir, func(p string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() || !slices.Contains(onionFiles, e.Name()) && !strings.HasSuffix(e.Name(), ".auth") {
			return err
		}
		rel, err := filepath.Rel(dir, p)
		if err != nil {
			return err
		}
		n++
		return addKey(t, p, path.Join(prefix, filepath.ToSlash(rel)))
	})
	return n, err
}

func addKey(t *tar.Writer, from, name string) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := t.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(b))}); err != nil {
		return err
	}
	_, err = t.Write(b)
	return err
}

// openKeys returns the keys by their names.
func openKeys(name string, identities []age.Identity) (map[string][]byte, error) {
	sealed, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer sealed.Close()
	r, err := age.Decrypt(sealed, identities...)
	var no *age.NoIdentityMatchError
	if errors.As(err, &no) {
		return nil, ErrIdentity
	}
	if err != nil {
		return nil, fmt.Errorf("%w: its keys can't be opened", ErrDamaged)
	}
	keys := map[string][]byte{}
	t := tar.NewReader(io.LimitReader(r, maxKeys))
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return keys, nil
		}
		if err != nil || !fs.ValidPath(h.Name) {
			return nil, fmt.Errorf("%w: its keys can't be read", ErrDamaged)
		}
		if keys[h.Name], err = io.ReadAll(t); err != nil {
			return nil, fmt.Errorf("%w: its keys can't be read", ErrDamaged)
		}
	}
}

// writeOnion writes the keys of one onion directory.
func writeOnion(dir, prefix string, keys map[string][]byte) (n int, err error) {
	for name, b := range keys {
		rel, ok := strings.CutPrefix(name, prefix)
		if !ok {
			continue
		}
		to := filepath.Join(dir, filepath.FromSlash(rel))
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			return n, err
		}
		if err := durable.WriteFile(to, b, 0o600); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}
