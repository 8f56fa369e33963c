// Package backup keeps copies of a vault in a folder, each of which can be
// brought back whole, and checks them by reading them again.
//
//	log.vkey                whose log it is; the folder holds no other
//	blobs/<SHA-256>         large objects, shared by the generations that name them
//	generations/<day>/      one a day at most: a later one of the day takes its place
//	  vault.db              the database, as the vault copied it (vault.Snapshot)
//	  keys.age              log.key and the keys of onion services, sealed: a tar file
//	  log.vkey root.vkey zone
//	  manifest.json         digests of the above and the log's signed checkpoint
//	lock                    held by the one command that changes the folder
//
// A generation is made under another name and gets its own once everything in
// it is durable and was read back, so one that is there is whole. There are no
// two of a day because from two databases of one day anybody could tell in which
// part of it a report came.
//
// The package must never write a key in the clear outside of a vault's own
// directory, nor anything about a reporter that the vault wouldn't.
package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/internal/check"
	"suluh.example/suluh/internal/durable"
	"suluh.example/suluh/vault/controlsock"
)

const format = "suluh.example/backup/v1"

// Errors about a folder.
var (
	ErrBusy    = errors.New("another command works on this backup folder")
	ErrOther   = errors.New("the folder has backups of another vault")
	ErrDamaged = errors.New("the backup is damaged")
	ErrNone    = errors.New("the folder has no such backup")
)

// errGone says that the vault destroyed an object while it was copied.
var errGone = errors.New("an object went while it was copied")

// file is a file of a generation as its manifest tells it.
type file struct {
	Digest id.Digest `json:"sha256"`
	Size   int64     `json:"size"`
}

// manifest is what makes a folder a generation.
type manifest struct {
	Format     string          `json:"format"`
	Day        id.Day          `json:"day"`
	Checkpoint string          `json:"checkpoint"` // signed, of the log in the database
	SealedTo   []id.Digest     `json:"sealed_to"`  // SHA-256 of the recipients of keys.age
	Files      map[string]file `json:"files"`
}

// Config says what is copied and where to. The zero value of a field is its
// default.
type Config struct {
	Vault      string                                               // directory
	To         string                                               // folder; made if it isn't there
	Snapshot   func(context.Context) (*controlsock.Snapshot, error) // of the vault's database
	Recipients []string                                             // of the sealed keys, age1pq1…; one at least
	OnionDirs  []string                                             // whose keys are sealed too
	Keep       int                                                  // the most generations to keep; 0: all
	Quick      bool                                                 // read back only what is new

	Progress func(done, of int64) // bytes copied and read back; default: nobody is told
}

// Result says what a backup did.
type Result struct {
	Generation string
	Records    int64 // of the log
	Blobs      int   // in the generation
	Copied     int   // of them, that weren't in the folder yet
	Bytes      int64 // copied
	Destroyed  int   // answers taken out of earlier generations, whose reporters had them destroyed
	Dropped    []string
}

// Run makes a backup. What a crash leaves, in order:
//
//	blobs are copied                      more blobs, which the next run finds, or takes away
//	the generation is made                one that isn't whole, which the next run removes
//	it gets its name                      it, and the generations before
//	destroyed answers, old generations    some of them, which the next run takes away
func Run(ctx context.Context, c Config) (r *Result, err error) {
	key, err := os.ReadFile(filepath.Join(c.Vault, "log.vkey"))
	if err != nil {
		return nil, err
	}
	if len(c.Recipients) == 0 {
		return nil, errors.New("no recipient is named for the keys")
	}
	f, err := begin(c.To, strings.TrimSpace(string(key)))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	for try := 0; ; try++ {
		r, err = f.run(ctx, c)
		if !errors.Is(err, errGone) || try == 3 {
			return r, err
		}
	}
}

func (f *Folder) run(ctx context.Context, c Config) (*Result, error) {
	snapshot, err := c.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	m := manifest{Format: format, Day: snapshot.Day, Checkpoint: string(snapshot.Checkpoint), Files: map[string]file{}}
	r := &Result{Generation: m.Day.String()}
	dir := f.generation(newPrefix + r.Generation)
	if err := errors.Join(os.RemoveAll(dir), os.Mkdir(dir, 0o700)); err != nil {
		snapshot.Close()
		return nil, err
	}
	p := &meter{tell: c.Progress, of: snapshot.Size}
	m.Files["vault.db"], err = write(ctx, filepath.Join(dir, "vault.db"), p.reader(snapshot))
	if err = errors.Join(err, snapshot.Close()); err != nil {
		return nil, fmt.Errorf("copy database: %w", err)
	}
	if got := m.Files["vault.db"].Size; got != snapshot.Size {
		return nil, errors.New("copy database: it broke off")
	}
	for _, name := range []string{"log.vkey", "root.vkey", "zone"} {
		in, err := os.Open(filepath.Join(c.Vault, name))
		if err != nil {
			return nil, err
		}
		m.Files[name], err = write(ctx, filepath.Join(dir, name), in)
		if err = errors.Join(err, in.Close()); err != nil {
			return nil, err
		}
	}
	if m.Files["keys.age"], err = sealKeys(ctx, filepath.Join(dir, "keys.age"), c); err != nil {
		return nil, fmt.Errorf("seal keys: %w", err)
	}
	for _, to := range c.Recipients {
		m.SealedTo = append(m.SealedTo, id.DigestOf([]byte(to)))
	}
	db, err := f.open(dir, m)
	if err != nil {
		return nil, err
	}
	blobs, err := db.Blobs(ctx)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	fresh, err := f.copyBlobs(ctx, c, blobs, p, r)
	if err = errors.Join(err, db.Close()); err != nil {
		return nil, err
	}
	if err := writeManifest(dir, m); err != nil {
		return nil, err
	}
	known := blobs
	if c.Quick {
		known = fresh
	}
	if r.Records, err = f.verify(ctx, dir, known, p); err != nil {
		return nil, err
	}
	if err := f.publish(r.Generation); err != nil {
		return nil, err
	}
	if r.Destroyed, err = f.carryOut(ctx, r.Generation); err != nil {
		return r, fmt.Errorf("the backup is whole; destroying answers in earlier ones: %w", err)
	}
	if c.Keep > 0 {
		names, err := f.Generations()
		if err != nil {
			return r, err
		}
		r.Dropped = names[min(c.Keep, len(names)):]
	}
	if err := f.Forget(ctx, r.Dropped...); err != nil {
		return r, fmt.Errorf("the backup is whole; forgetting earlier ones: %w", err)
	}
	return r, nil
}

// copyBlobs copies what isn't there yet, in an order that says nothing.
func (f *Folder) copyBlobs(ctx context.Context, c Config, blobs []id.Object, p *meter, r *Result) (fresh []id.Object, err error) {
	r.Blobs = len(blobs)
	for _, o := range blobs {
		if info, err := os.Stat(f.blob(o.Digest)); err != nil || info.Size() != o.Size {
			fresh = append(fresh, o)
			p.of += o.Size
		}
	}
	rand.Shuffle(len(fresh), func(i, j int) { fresh[i], fresh[j] = fresh[j], fresh[i] })
	for _, o := range fresh {
		in, err := os.Open(filepath.Join(c.Vault, "blobs", o.Digest.String()))
		if errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("%w: %s; suluh doctor says whether it is missing", errGone, o.Digest)
		}
		if err != nil {
			return nil, err
		}
		err = f.copyBlob(ctx, o, p.reader(in))
		if err = errors.Join(err, in.Close()); err != nil {
			return nil, fmt.Errorf("copy blob %s: %w", o.Digest, err)
		}
		r.Copied++
		r.Bytes += o.Size
	}
	return fresh, nil
}

func (f *Folder) copyBlob(ctx context.Context, o id.Object, in io.Reader) error {
	tmp := filepath.Join(f.dir, "blobs", newPrefix+o.Digest.String())
	got, err := write(ctx, tmp, in)
	if err == nil && got.Digest != o.Digest {
		err = errors.New("it is not what its name says: see suluh doctor")
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp))
	}
	return durable.Rename(tmp, f.blob(o.Digest))
}

// verify reads a generation back: its own files, its log from the first record
// to the last, and the blobs that it is given.
func (f *Folder) verify(ctx context.Context, dir string, blobs []id.Object, p *meter) (records int64, err error) {
	m, err := readManifest(dir)
	if err != nil {
		return 0, err
	}
	for _, o := range m.Files {
		p.of += o.Size
	}
	for _, o := range blobs {
		p.of += o.Size
	}
	for name, want := range m.Files {
		if got, err := read(ctx, filepath.Join(dir, name), p); err != nil || got != want {
			return 0, fmt.Errorf("%w: %s is not as it was written: %w", ErrDamaged, name, err)
		}
	}
	for _, o := range blobs {
		if got, err := read(ctx, f.blob(o.Digest), p); err != nil || got.Digest != o.Digest {
			return 0, fmt.Errorf("%w: blob %s is not as it was written: %w", ErrDamaged, o.Digest, err)
		}
	}
	db, err := f.open(dir, m)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	defer db.Close()
	if err := db.Sound(ctx); err != nil {
		return 0, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	key, err := note.NewVerifier(f.logKey)
	if err != nil {
		return 0, fmt.Errorf("%w: its log's key is malformed", ErrDamaged)
	}
	log, err := check.Verify(ctx, db.LogFile, key)
	if err != nil {
		return 0, fmt.Errorf("the log in the backup: %w", err)
	}
	return log.Records, nil
}

// Info is a generation for people.
type Info struct {
	Name    string
	Records int64 // of the log
	Blobs   int
	Bytes   int64 // of the database and blobs
}

// Info tells of a generation what its manifest and its database say.
func (f *Folder) Info(ctx context.Context, name string) (x Info, err error) {
	m, err := f.manifest(name)
	if err != nil {
		return x, err
	}
	key, err := note.NewVerifier(f.logKey)
	if err != nil {
		return x, fmt.Errorf("%w: its log's key is malformed", ErrDamaged)
	}
	tree, err := accesslog.OpenCheckpoint([]byte(m.Checkpoint), key)
	if err != nil {
		return x, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	blobs, err := f.blobsOf(ctx, name)
	x = Info{Name: name, Records: tree.N, Blobs: len(blobs), Bytes: m.Files["vault.db"].Size}
	for _, o := range blobs {
		x.Bytes += o.Size
	}
	return x, err
}

// Check reads a generation back whole.
func (f *Folder) Check(ctx context.Context, name string, progress func(done, of int64)) error {
	blobs, err := f.blobsOf(ctx, name)
	if err == nil {
		_, err = f.verify(ctx, f.generation(name), blobs, &meter{tell: progress})
	}
	return err
}

func (f *Folder) blobsOf(ctx context.Context, name string) ([]id.Object, error) {
	m, err := f.manifest(name)
	if err != nil {
		return nil, err
	}
	db, err := f.open(f.generation(name), m)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	blobs, err := db.Blobs(ctx)
	return blobs, errors.Join(err, db.Close())
}

// parseRecipients reads what the keys are sealed to.
func parseRecipients(all []string) (to []age.Recipient, err error) {
	for _, s := range all {
		r, err := age.ParseHybridRecipient(s)
		if err != nil {
			return nil, errors.New("a recipient is not a hybrid one (age1pq1…)")
		}
		to = append(to, r)
	}
	return to, nil
}
