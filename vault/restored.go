package vault

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/internal/durable"
	"suluh.example/suluh/vault/controlsock"
	"suluh.example/suluh/vault/depositsock"
	"suluh.example/suluh/vault/membersock"
)

// restoredFile is there while a vault that came from a backup doesn't know yet
// which log it stands for: its log may be older than what members and auditors
// have seen, and the next record would make a second log beside that one. Until
// its operator has named the last checkpoint that anybody holds, such a vault
// only shows what it has.
const restoredFile = "restored"

const restoredLine = "suluh.example/restored/v1"

// MarkRestored says of a directory, before a vault can be opened in it, that it
// comes from the backup of a day.
func MarkRestored(dir string, backup id.Day) error {
	return durable.WriteFile(filepath.Join(dir, restoredFile), []byte(restoredLine+"\nbackup "+backup.String()+"\n"), 0o600)
}

// readRestored returns the day of the backup, or the zero day.
func readRestored(dir string) (backup id.Day, err error) {
	b, err := os.ReadFile(filepath.Join(dir, restoredFile))
	if errors.Is(err, os.ErrNotExist) {
		return id.Day{}, nil
	}
	if err != nil {
		return id.Day{}, err
	}
	day, ok := strings.CutPrefix(strings.TrimSpace(string(b)), restoredLine+"\nbackup ")
	if backup, err = id.ParseDay(day); !ok || err != nil {
		return id.Day{}, fmt.Errorf("the file %s is damaged", restoredFile)
	}
	return backup, nil
}

// errRestored is what every change fails with. Each socket says it in its way.
var errRestored = errors.Join(
	errors.New("the vault was restored from a backup, and waits to be told which records are lost"),
	depositsock.ErrFull, membersock.ErrRestored, controlsock.ErrRestored,
)

// loadRestored finds out whether the vault waits. A crash may have come between
// the record and the removal of the file.
func (v *Vault) loadRestored(ctx context.Context) error {
	backup, err := readRestored(v.config.Dir)
	if err != nil || backup.IsZero() {
		return err
	}
	if n := v.size; n > 0 {
		var leaf []byte
		if err := v.db.read.QueryRowContext(ctx, "SELECT leaf FROM records WHERE seq = ?", n-1).Scan(&leaf); err != nil {
			return fmt.Errorf("read log: %w", err)
		}
		if r, err := accesslog.ParseRecord(leaf); err == nil && r.Kind == accesslog.KindRestore {
			return v.unmark()
		}
	}
	v.restored.Store(&backup)
	return nil
}

func (v *Vault) unmark() error {
	if err := os.Remove(filepath.Join(v.config.Dir, restoredFile)); err != nil {
		return err
	}
	v.restored.Store(nil)
	return durable.SyncDir(v.config.Dir)
}

// GoOn ends the wait of a vault that was restored. Lost is the last checkpoint of
// the log before that anybody holds, or nothing if nobody holds a later one than
// the backup's. What is lost by it is recorded, with the reason, where everybody
// who verifies the log will read it for ever.
func (v *Vault) GoOn(ctx context.Context, lost []byte, reason string) (r accesslog.Restore, err error) {
	backup := v.restored.Load()
	if backup == nil {
		return r, controlsock.ErrNotRestored
	}
	r = accesslog.Restore{Backup: *backup, Reason: reason}
	if err := accesslog.CheckReason(reason); err != nil {
		return r, errors.Join(controlsock.ErrReason, err)
	}
	key, err := note.NewVerifier(v.logKey)
	if err != nil {
		return r, errors.New("log.vkey is malformed")
	}
	if err := v.enqueue(ctx, &job{done: make(chan error, 1), do: func(g *group) error {
		now, err := tlog.TreeHash(g.size, g.hashes)
		if err != nil {
			return err
		}
		r.Lost = tlog.Tree{N: g.size, Hash: now}
		if lost != nil {
			seen, err := accesslog.OpenCheckpoint(lost, key)
			if err != nil {
				return errors.Join(controlsock.ErrCheckpoint, err)
			}
			if seen.N > g.size {
				r.Lost = seen
			} else if root, err := tlog.TreeHash(seen.N, g.hashes); err != nil || root != seen.Hash {
				return errors.Join(controlsock.ErrCheckpoint, err)
			}
		}
		seq, _, err := g.appendRecord(accesslog.Record{Kind: accesslog.KindRestore, Settings: r.Settings()}, "", "", accesslog.Action(accesslog.KindRestore))
		if err != nil {
			return err
		}
		return outboxRestored(g, seq, id.DayOf(g.now, v.zone))
	}}); err != nil {
		return r, v.tell("the vault still waits after it was restored", err)
	}
	if err := v.unmark(); err != nil {
		return r, v.tell("the vault goes on with its next start", err)
	}
	return r, v.CatchUp(ctx)
}

// LastRestore proves to whoever has seen a later log that this one was restored.
// It is [membersock.ErrNotRestored] if it never was.
func (v *Vault) LastRestore(ctx context.Context) (p accesslog.Proof, err error) {
	var seq int64
	var leaf []byte
	rows, err := v.db.read.QueryContext(ctx, "SELECT seq, leaf FROM records WHERE action = 'restore' ORDER BY seq DESC LIMIT 1")
	if err != nil {
		return p, fmt.Errorf("read log: %w", err)
	}
	defer rows.Close()
	if !rows.Next() {
		return p, errors.Join(membersock.ErrNotRestored, rows.Err())
	}
	if err := rows.Scan(&seq, &leaf); err != nil {
		return p, fmt.Errorf("read log: %w", err)
	}
	return v.proof(ctx, v.log.Load(), seq, leaf, accesslog.EmptyTree())
}
