package vault

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/vault/depositsock"
)

// maxUploads is how many uploads there may be at once: each is a file, whether
// or not anything of it has come.
const maxUploads = 1 << 16

// uploads are the objects that come in pieces, over connections that may break,
// before a deposit names them. All that is known of one is its name and its
// length, which are the name of its file, uploads/<id>.<length>; how much of it
// is there is the file's size. Nobody is told what there is, only who knows an
// id can add to it. What nobody has added to for a day is swept: when that was is
// kept in memory alone, so that of what was there at a start only the day is known.
type uploads struct {
	locks   *uploadLocks // who works on an upload holds its lock
	handler http.Handler
	mu      sync.Mutex
	lengths map[id.Upload]int64
	sums    map[id.Upload]*running  // what was there at the start has none
	added   map[id.Upload]time.Time // when something was, since the start
}

// running is the digest of what has come of an upload so far, so that a deposit
// needn't wait until all of it is read once more. It belongs to the lock's holder.
type running struct {
	hash hash.Hash
	n    int64 // bytes in it
}

func (u *uploads) get(name id.Upload) (length int64, ok bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	length, ok = u.lengths[name]
	return length, ok
}

func (u *uploads) sum(name id.Upload) *running {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.sums[name]
}

// touch notes that something was added to an upload.
func (u *uploads) touch(name id.Upload, now time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if _, ok := u.lengths[name]; ok {
		u.added[name] = now
	}
}

func (u *uploads) addedTo(name id.Upload) (at time.Time, ok bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	at, ok = u.added[name]
	return at, ok
}

func (u *uploads) all() (names []id.Upload) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for name := range u.lengths {
		names = append(names, name)
	}
	return names
}

// lock waits until nobody works on an upload. Who does is asked to end.
func (u *uploads) lock(ctx context.Context, name id.Upload) (unlock func(), err error) {
	l, err := u.locks.NewLock(name.Hex())
	if err != nil {
		return nil, err
	}
	if err := l.Lock(ctx, func() {}); err != nil {
		return nil, fmt.Errorf("wait for an upload: %w", err)
	}
	return func() { _ = l.Unlock() }, nil // it has no errors
}

func uploadFile(name id.Upload, length int64) string {
	return name.Hex() + "." + strconv.FormatInt(length, 10)
}

func parseUploadFile(s string) (name id.Upload, length int64, ok bool) {
	first, second, _ := strings.Cut(s, ".")
	name, err := id.ParseUpload(first)
	if err != nil {
		return name, 0, false
	}
	length, err = strconv.ParseInt(second, 10, 64)
	return name, length, err == nil && length > 0 && uploadFile(name, length) == s
}

func (v *Vault) uploadPath(name id.Upload, length int64) string {
	return filepath.Join(v.config.Dir, "uploads", uploadFile(name, length))
}

// loadUploads finds what there is after a start, and sweeps what shouldn't be:
// what is no upload, and what a deposit has taken right before a crash, which
// has a second name in blobs/ then. It goes after the sweep of blobs.
func (v *Vault) loadUploads() error {
	v.uploads = uploads{locks: newUploadLocks(), lengths: map[id.Upload]int64{}, sums: map[id.Upload]*running{}, added: map[id.Upload]time.Time{}}
	dir := filepath.Join(v.config.Dir, "uploads")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("sweep uploads: %w", err)
	}
	for _, f := range files {
		info, err := f.Info()
		if err != nil {
			return fmt.Errorf("sweep uploads: %w", err)
		}
		name, length, ok := parseUploadFile(f.Name())
		gone := !ok || !info.Mode().IsRegular() || info.Size() > length
		if !gone {
			if gone, err = v.isBlob(info); err != nil {
				return fmt.Errorf("sweep uploads: %w", err)
			}
		}
		if gone {
			if err := os.RemoveAll(filepath.Join(dir, f.Name())); err != nil {
				return fmt.Errorf("sweep uploads: %w", err)
			}
			continue
		}
		v.uploads.lengths[name] = length
		if id.DayOf(info.ModTime(), v.zone) == v.today() {
			v.quota.add(v.config.Now(), info.Size())
		}
	}
	v.sweepUploads(context.Background())
	v.blurFile(dir)
	v.uploads.handler, err = v.serveUploads()
	return err
}

// isBlob tells whether a file has a second name among the blobs.
func (v *Vault) isBlob(info os.FileInfo) (bool, error) {
	if s, ok := info.Sys().(*syscall.Stat_t); ok && s.Nlink == 1 {
		return false, nil
	}
	blobs, err := os.ReadDir(filepath.Join(v.config.Dir, "blobs"))
	if err != nil {
		return false, err
	}
	for _, b := range blobs {
		other, err := b.Info()
		if err != nil {
			return false, err
		}
		if os.SameFile(info, other) {
			return true, nil
		}
	}
	return false, nil
}

// unfinished is how long an upload stays that nobody adds to.
const unfinished = 24 * time.Hour

// sweepUploads removes what nobody has added to for a day, or, of what nobody
// has added to since the start, since yesterday's beginning. It blurs the times
// of all others, those of their change with them, which can't be set and are
// all of this moment then.
func (v *Vault) sweepUploads(ctx context.Context) {
	for _, name := range v.uploads.all() {
		length, ok := v.uploads.get(name)
		if !ok {
			continue
		}
		path := v.uploadPath(name, length)
		info, err := os.Stat(path)
		if err != nil {
			continue // gone just now, or the disk's failure, of which others will tell
		}
		day := id.DayOf(info.ModTime(), v.zone)
		at, known := v.uploads.addedTo(name)
		if known && !info.ModTime().Equal(day.Time(v.zone)) {
			// It was added to since its time was blurred: somebody is at it.
			at = v.config.Now()
			v.uploads.touch(name, at)
		}
		if known && v.config.Now().Sub(at) >= unfinished || !known && day.Before(v.today().AddDays(-1)) {
			if unlock, err := v.uploads.lock(ctx, name); err == nil {
				v.removeUpload(name)
				unlock()
			}
			continue
		}
		v.blurFileTo(path, day)
	}
}

// removeUpload forgets an upload whose lock the caller holds.
func (v *Vault) removeUpload(name id.Upload) {
	v.uploads.mu.Lock()
	length, ok := v.uploads.lengths[name]
	delete(v.uploads.lengths, name)
	delete(v.uploads.sums, name)
	delete(v.uploads.added, name)
	v.uploads.mu.Unlock()
	if !ok {
		return
	}
	if err := os.Remove(v.uploadPath(name, length)); err != nil {
		v.config.Log.Error("an upload could not be removed; the next start does", "error", err)
	}
	v.blurFile(filepath.Join(v.config.Dir, "uploads"))
}

// takeUploads makes the uploads that a deposit names into objects of it. Each
// is whole, synced, and has the digest that the deposit says. Nobody else works
// on them until release is called. They stay where they are, so that a deposit
// which fails can be sent again: used is what removes them.
func (v *Vault) takeUploads(ctx context.Context, named []depositsock.Uploaded, left int64) (objects []arrived, release func(), err error) {
	var unlock []func()
	release = func() {
		for _, f := range unlock {
			f()
		}
	}
	defer func() {
		if err != nil {
			release()
			release = func() {}
		}
	}()
	// In one order, so that two deposits never wait for each other.
	named = slices.Clone(named)
	slices.SortFunc(named, func(a, b depositsock.Uploaded) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	for i, n := range named {
		if i > 0 && named[i-1].ID == n.ID {
			return nil, release, fmt.Errorf("%w: an upload twice", depositsock.ErrBad)
		}
		f, err := v.uploads.lock(ctx, n.ID)
		if err != nil {
			return nil, release, err
		}
		unlock = append(unlock, f)
		o, err := v.takeUpload(n.ID)
		if err != nil {
			return nil, release, err
		}
		if o.Digest != n.Object {
			return nil, release, fmt.Errorf("%w: an upload has another digest", depositsock.ErrBad)
		}
		if left -= o.Size; left < 0 {
			return nil, release, depositsock.ErrTooLarge
		}
		objects = append(objects, o)
	}
	return objects, release, nil
}

// takeUpload reads one whole.
func (v *Vault) takeUpload(name id.Upload) (a arrived, err error) {
	length, ok := v.uploads.get(name)
	if !ok {
		return a, depositsock.ErrUpload
	}
	a.Role, a.upload = id.RoleContent, name
	f, err := os.OpenFile(v.uploadPath(name, length), os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return a, depositsock.ErrUpload
	}
	if err != nil {
		return a, fmt.Errorf("take upload: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return a, fmt.Errorf("take upload: %w", err)
	}
	if a.Size = info.Size(); a.Size != length {
		return a, depositsock.ErrUpload
	}
	if length < inRow {
		if a.data, err = io.ReadAll(f); err != nil {
			return a, fmt.Errorf("take upload: %w", err)
		}
		a.Digest = id.DigestOf(a.data)
		return a, nil
	}
	if sum := v.uploads.sum(name); sum != nil && sum.n == length {
		a.Digest = id.SumOf(sum.hash)
	} else {
		h := sha256.New()
		if _, err := io.CopyBuffer(h, struct{ io.Reader }{f}, make([]byte, 256<<10)); err != nil {
			return a, fmt.Errorf("take upload: %w", err)
		}
		a.Digest = id.SumOf(h)
	}
	a.file = f.Name()
	if err := f.Sync(); err != nil {
		return a, fmt.Errorf("take upload: %w", err)
	}
	v.blurFile(a.file)
	return a, nil
}

// used removes the uploads that a deposit has taken.
func (v *Vault) used(objects []arrived) {
	for _, o := range objects {
		if o.upload != (id.Upload{}) {
			v.removeUpload(o.upload)
		}
	}
}
