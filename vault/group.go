package vault

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/internal/durable"
)

// job is a change that waits for its group.
type job struct {
	do    func(*group) error
	alone func(context.Context) error // instead of do: runs outside a transaction
	done  chan error
}

// group is one transaction that several changes share, so that they share one
// sync of the disk.
type group struct {
	ctx    context.Context
	tx     *sql.Tx
	now    time.Time
	size   int64 // of the log, with what the group has appended
	hashes hashes
	force  *inForce // the roster that holds for the next record
	blobs  []string // files that the group has renamed into place
}

const maxGroup = 256

// write hands a change to the writer and returns once it is durable, or undone.
func (v *Vault) write(ctx context.Context, do func(*group) error) error {
	if v.restored.Load() != nil {
		return errRestored
	}
	return v.enqueue(ctx, &job{do: do, done: make(chan error, 1)})
}

func (v *Vault) enqueue(ctx context.Context, j *job) error {
	select {
	case v.jobs <- j:
	case <-v.stop:
		return errors.New("the vault is stopping")
	case <-ctx.Done():
		return ctx.Err()
	}
	// From here on the change happens whether or not anybody waits for it.
	return <-j.done
}

// writer is the one goroutine that changes the database.
func (v *Vault) writer() {
	defer v.stopped.Done()
	ctx := context.Background()
	for {
		var jobs []*job
		select {
		case j := <-v.jobs:
			jobs = append(jobs, j)
		case <-v.stop:
			for {
				select {
				case j := <-v.jobs:
					j.done <- errors.New("the vault is stopping")
				default:
					return
				}
			}
		}
	gather:
		for len(jobs) < maxGroup && jobs[0].alone == nil {
			select {
			case j := <-v.jobs:
				jobs = append(jobs, j)
				if j.alone != nil {
					break gather
				}
			default:
				break gather
			}
		}
		var last *job
		if n := len(jobs) - 1; jobs[n].alone != nil {
			last, jobs = jobs[n], jobs[:n]
		}
		if len(jobs) > 0 {
			v.commit(ctx, jobs)
		}
		if last != nil {
			last.done <- last.alone(ctx)
		}
	}
}

// commit runs the changes in one transaction. A change that fails is undone
// by itself; a failure of the transaction fails them all. A crash before
// Commit returns leaves nothing of the group, a crash after it leaves all;
// either way what is published is made from the tables at the next start.
func (v *Vault) commit(ctx context.Context, jobs []*job) {
	errs := make([]error, len(jobs))
	err := func() error {
		select {
		case <-v.broken:
			return ErrDisk
		default:
		}
		if v.unsure {
			if err := v.reload(ctx); err != nil {
				return err
			}
			v.unsure = false
		}
		tx, err := v.db.write.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer tx.Rollback() //nolint:errcheck // after Commit it does nothing
		now := v.config.Now()
		if now.Before(v.last) {
			// A clock that is set back must not make the log untrustworthy. If
			// it goes back far, members' statements are refused as stale.
			now = v.last
		}
		g := &group{ctx: ctx, tx: tx, now: now, size: v.size, force: v.now.Load()}
		g.hashes = hashes{ctx: ctx, q: tx, cache: &v.cache, fresh: map[int64]tlog.Hash{}}
		for i, j := range jobs {
			if _, err := tx.ExecContext(ctx, "SAVEPOINT change"); err != nil {
				return err
			}
			size, force, blobs := g.size, g.force, len(g.blobs)
			if errs[i] = j.do(g); errs[i] != nil {
				// Hashes of undone records are overwritten by the next.
				g.size, g.force = size, force
				g.dropBlobs(blobs)
				if _, err := tx.ExecContext(ctx, "ROLLBACK TO change"); err != nil {
					return err
				}
			}
			if _, err := tx.ExecContext(ctx, "RELEASE change"); err != nil {
				return err
			}
		}
		if len(g.blobs) > 0 {
			if err := durable.SyncDir(filepath.Join(v.config.Dir, "blobs")); err != nil {
				g.dropBlobs(0)
				return err
			}
		}
		if err := tx.Commit(); err != nil {
			// The rows may be there all the same, so their files stay: what no
			// row names is swept at the next start.
			v.unsure = true
			return err
		}
		if err := v.kept(); err != nil {
			return err
		}
		v.now.Store(g.force)
		v.blur()
		if g.size > v.size {
			v.last, v.size = g.now, g.size
			v.cache.putCommitted(g.hashes.fresh, g.size)
		}
		if v.size == v.log.Load().tree.N {
			return nil
		}
		// If this fails, the next group publishes what this one has committed.
		return v.publish(ctx, v.size)
	}()
	if v.failing(err); err != nil {
		v.config.Log.Error("a group of changes was not committed", "error", err)
	}
	for i, j := range jobs {
		j.done <- errors.Join(err, errs[i])
	}
}

// ErrDisk is why a vault ends by itself.
var ErrDisk = errors.New("the disk has failed, and what it kept of the last changes isn't known: nobody was told of them, and the vault stops")

// kept makes sure of what was synced. If that can't be had, the vault takes no more
// changes, and [Vault.Sound] ends it: it must not show either what may be gone when
// it starts again.
func (v *Vault) kept() error {
	err := durable.Kept(v.lock, 0)
	if err == nil {
		return nil
	}
	v.breaks.Do(func() { close(v.broken) })
	return fmt.Errorf("%w: %w", ErrDisk, err)
}

// Sound waits for the end of the context, or returns [ErrDisk] once the vault must
// not go on.
func (v *Vault) Sound(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-v.broken:
		return ErrDisk
	}
}

// keepBlob gives a synced file its name, for an object whose row the group has
// inserted: since no two rows name one digest, the name is the group's to
// take away again if it fails.
func (g *group) keepBlob(file, name string) error {
	if err := os.Rename(file, name); err != nil {
		return fmt.Errorf("keep blob: %w", err)
	}
	g.blobs = append(g.blobs, name)
	return nil
}

// linkBlob is keepBlob for a file that keeps the name it has as well, so that
// it is still there if the group fails.
func (g *group) linkBlob(file, name string) error {
	err := os.Link(file, name)
	if errors.Is(err, os.ErrExist) { // which no row names, or this one could not
		if err = os.Remove(name); err == nil {
			err = os.Link(file, name)
		}
	}
	if err != nil {
		return fmt.Errorf("keep blob: %w", err)
	}
	g.blobs = append(g.blobs, name)
	return nil
}

// dropBlobs removes the files kept since there were n of them. What it can't
// remove is swept at the next start.
func (g *group) dropBlobs(n int) {
	for _, name := range g.blobs[n:] {
		_ = os.Remove(name)
	}
	g.blobs = g.blobs[:n]
}

// publish signs the log of the given size and makes it the one that is shown.
func (v *Vault) publish(ctx context.Context, size int64) error {
	root, err := tlog.TreeHash(size, hashes{ctx: ctx, q: v.db.read, cache: &v.cache})
	if err != nil {
		return fmt.Errorf("hash of the log: %w", err)
	}
	t := tlog.Tree{N: size, Hash: root}
	msg, err := accesslog.SignCheckpoint(v.signer.Name(), t, v.signer)
	if err != nil {
		return err
	}
	v.log.Store(&published{tree: t, checkpoint: msg})
	return nil
}

// blur sets the times of the database's files and of the directories that
// blobs come to and leave to the day's beginning, so that they don't tell when
// the last deposit came, or broke off. The time of the last access is set to
// the day's end: file systems (relatime) keep one that is after the change until
// it is a day old, and so don't note when a reporter looked up a status.
func (v *Vault) blur() {
	for _, name := range []string{"vault.db", "vault.db-wal", "vault.db-shm", "lock", "blobs", "blobs/tmp", "uploads"} {
		v.blurFile(filepath.Join(v.config.Dir, name))
	}
}

func (v *Vault) blurFile(path string) { v.blurFileTo(path, v.today()) }

func (v *Vault) blurFileTo(path string, day id.Day) {
	if err := os.Chtimes(path, day.AddDays(1).Time(v.zone), day.Time(v.zone)); err != nil && !errors.Is(err, os.ErrNotExist) {
		v.config.Log.Warn("time of a file could not be blurred", "error", err)
	}
}
