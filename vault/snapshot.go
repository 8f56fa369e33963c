package vault

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/mattn/go-sqlite3"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/vault/controlsock"
)

// Snapshot records that a backup is made, and copies the database. The copy
// has the record.
//
// VACUUM INTO lays the rows out by their keys, which are random, and takes over
// neither free pages nor the WAL; SQLite's other way, page by page, would keep
// today's deposits in the order in which they came. The file is on the vault's
// own disk, as the copy that ends a day is, and has no name once it is whole;
// one that a crash leaves is swept by the next start.
func (v *Vault) Snapshot(ctx context.Context) (s *controlsock.Snapshot, err error) {
	defer func() { err = v.tell("no snapshot was made for a backup", err) }()
	if info, err := os.Stat(filepath.Join(v.config.Dir, "vault.db")); err != nil {
		return nil, err
	} else if freeOf(v.config.Dir) < info.Size()+keptFree {
		return nil, errors.New("the vault's disk has no room for a copy of the database")
	}
	day := v.today()
	if err := v.write(ctx, func(g *group) error {
		_, _, err := g.appendRecord(accesslog.Record{Kind: accesslog.KindBackup, Settings: []accesslog.Setting{{Key: "day", Value: day.String()}}}, "", "", accesslog.Action(accesslog.KindBackup))
		return err
	}); err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(filepath.Join(v.config.Dir, "blobs", "tmp"), "") // SQLite writes into a file that is there and empty
	if err != nil {
		return nil, err
	}
	defer func() {
		err = errors.Join(err, os.Remove(f.Name()))
		v.blur()
		if err != nil {
			f.Close()
		}
	}()
	began := time.Now()
	if err := v.copyTo(ctx, f.Name()); err != nil {
		return nil, err
	}
	v.measures.snapshot.Set(time.Since(began).Seconds())
	v.measures.mu.Lock()
	v.measures.days.backup = day
	v.measures.mu.Unlock()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	size, err := recordsIn(ctx, f.Name())
	if err != nil {
		return nil, err
	}
	root, err := tlog.TreeHash(size, hashes{ctx: ctx, q: v.db.read, cache: &v.cache})
	if err != nil {
		return nil, fmt.Errorf("hash of the log: %w", err)
	}
	checkpoint, err := accesslog.SignCheckpoint(v.signer.Name(), tlog.Tree{N: size, Hash: root}, v.signer)
	return &controlsock.Snapshot{ReadCloser: f, Size: info.Size(), Day: day, Checkpoint: checkpoint}, err
}

// copyTo copies the database while others use it. The WAL is not truncated
// meanwhile, and who waits for that waits.
func (v *Vault) copyTo(ctx context.Context, path string) error {
	v.copying.Lock()
	defer v.copying.Unlock()
	db := sql.OpenDB(connector{&sqlite3.SQLiteDriver{}, "file:" + filepath.Join(v.config.Dir, "vault.db") + "?mode=rw&_busy_timeout=10000"})
	defer db.Close()
	if _, err := db.ExecContext(ctx, "VACUUM INTO ?", path); err != nil {
		return fmt.Errorf("copy database: %w", err)
	}
	return nil
}

// openFile opens a database file that nobody changes.
func openFile(path string) *sql.DB {
	u := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: "mode=ro&immutable=1"}
	return sql.OpenDB(connector{&sqlite3.SQLiteDriver{}, u.String()})
}

func recordsIn(ctx context.Context, path string) (n int64, err error) {
	db := openFile(path)
	defer db.Close()
	if err := db.QueryRowContext(ctx, "SELECT coalesce(max(seq), -1) + 1 FROM records").Scan(&n); err != nil {
		return 0, fmt.Errorf("read snapshot: %w", err)
	}
	return n, nil
}

// Copy is a database that a snapshot was written to, to look at.
type Copy struct {
	db *sql.DB
	v  *Vault // with what it takes to read the log's files
}

// OpenCopy opens a copy whose log has the checkpoint, which the log's key has
// signed.
func OpenCopy(path, logKey string, checkpoint []byte) (*Copy, error) {
	key, err := note.NewVerifier(logKey)
	if err != nil {
		return nil, errors.New("the log's key is malformed")
	}
	tree, err := accesslog.OpenCheckpoint(checkpoint, key)
	if err != nil {
		return nil, err
	}
	db := openFile(path)
	c := &Copy{db, &Vault{logKey: logKey, db: stores{read: db}}}
	c.v.log.Store(&published{tree: tree, checkpoint: checkpoint})
	return c, nil
}

// Close closes it.
func (c *Copy) Close() error { return c.db.Close() }

// LogFile returns a file of its log, as [Vault.LogFile] does.
func (c *Copy) LogFile(ctx context.Context, path string) ([]byte, error) {
	return c.v.LogFile(ctx, path)
}

// Sound tells whether SQLite finds the file whole, and whether each object that
// lies in it has its digest.
func (c *Copy) Sound(ctx context.Context) error {
	var sound string
	if err := c.db.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&sound); err != nil || sound != "ok" {
		return errors.New("the database is damaged: SQLite's own check fails")
	}
	rows, err := c.db.QueryContext(ctx, "SELECT digest, data FROM objects WHERE data IS NOT NULL")
	if err != nil {
		return fmt.Errorf("read objects: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var digest, data []byte
		if err := rows.Scan(&digest, &data); err != nil {
			return fmt.Errorf("read objects: %w", err)
		}
		if sha256.Sum256(data) != id.Digest(digest) {
			return errors.New("an object in the database is not what its digest says")
		}
	}
	return rows.Err()
}

// Blobs returns the objects that are files of their own.
func (c *Copy) Blobs(ctx context.Context) (all []id.Object, err error) {
	rows, err := c.db.QueryContext(ctx, `SELECT digest, role, size FROM objects o WHERE data IS NULL
		AND NOT EXISTS (SELECT 1 FROM destroyed x WHERE x.digest = o.digest)`)
	if err != nil {
		return nil, fmt.Errorf("read objects: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var o id.Object
		var digest []byte
		if err := rows.Scan(&digest, &o.Role, &o.Size); err != nil {
			return nil, fmt.Errorf("read objects: %w", err)
		}
		o.Digest = id.Digest(digest)
		all = append(all, o)
	}
	return all, rows.Err()
}

// Order is a reporter's order to destroy an answer.
type Order struct {
	Object    id.Digest
	Case      id.Case
	Day       id.Day
	Signature []byte // the reporter's
}

// Orders returns the orders that a copy, or any vault's database, knows of.
func (c *Copy) Orders(ctx context.Context) ([]Order, error) { return orders(ctx, c.db) }

// OrdersOf reads them from the database of a vault that doesn't run, which may
// be damaged elsewhere.
func OrdersOf(ctx context.Context, dir string) ([]Order, error) {
	db, err := readDB(dir)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	return orders(ctx, db)
}

func orders(ctx context.Context, db rowser) (all []Order, err error) {
	rows, err := db.QueryContext(ctx, "SELECT digest, case_id, day, signature FROM destroyed")
	if err != nil {
		return nil, fmt.Errorf("read destroyed answers: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var x Order
		var digest []byte
		var day string
		if err := rows.Scan(&digest, &x.Case, &day, &x.Signature); err != nil {
			return nil, fmt.Errorf("read destroyed answers: %w", err)
		}
		x.Object = id.Digest(digest)
		if x.Day, err = id.ParseDay(day); err != nil {
			return nil, err
		}
		all = append(all, x)
	}
	return all, rows.Err()
}

// CarryOut gives a copy's file the orders that it doesn't have yet, of answers
// that it has: their bytes are gone from the file when it returns. A crash may
// leave the file damaged, so it is one that has no name yet that matters. It
// returns the answers that were destroyed.
func CarryOut(ctx context.Context, path string, orders []Order) (gone []id.Digest, err error) {
	u := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: "mode=rw&_secure_delete=on&_journal_mode=off&_sync=full"}
	db := sql.OpenDB(connector{&sqlite3.SQLiteDriver{}, u.String()})
	db.SetMaxOpenConns(1)
	defer func() { err = errors.Join(err, db.Close()) }()
	for _, x := range orders {
		r, err := db.ExecContext(ctx, `INSERT INTO destroyed (digest, case_id, day, signature)
			SELECT digest, case_id, ?, ? FROM objects o WHERE digest = ? AND case_id = ? AND role = ?
			AND NOT EXISTS (SELECT 1 FROM destroyed x WHERE x.digest = o.digest)`,
			x.Day.String(), x.Signature, x.Object[:], string(x.Case), string(id.RoleAnswer))
		if err != nil {
			return gone, fmt.Errorf("destroy answer: %w", err)
		}
		if n, err := r.RowsAffected(); err != nil || n == 0 {
			continue
		}
		if _, err := db.ExecContext(ctx, "UPDATE objects SET data = NULL WHERE digest = ?", x.Object[:]); err != nil {
			return gone, fmt.Errorf("destroy answer: %w", err)
		}
		gone = append(gone, x.Object)
	}
	return gone, nil
}
