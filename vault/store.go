package vault

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/mattn/go-sqlite3"
	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrations embed.FS

// pragmas are set on every connection, not once on the pool: a later
// connection would otherwise neither sync nor wipe.
const pragmas = `
	PRAGMA journal_mode = WAL;
	PRAGMA synchronous = FULL;
	PRAGMA secure_delete = ON;
	PRAGMA foreign_keys = ON;
	PRAGMA temp_store = MEMORY;
	PRAGMA busy_timeout = 10000;`

// writing is set where changes are made: 4 MiB of pages are kept in memory,
// and some 32 MiB of changes gather in the WAL before they are moved to the
// database, so that a page that changes often is moved once. What is durable,
// and when, doesn't change. More pages cost more than they save: where a page was
// split, SQLite goes over all that it keeps when it commits, and what it doesn't
// keep, the kernel does.
const writing = `
	PRAGMA cache_size = -4096;
	PRAGMA wal_autocheckpoint = 8192;`

// connector opens connections that carry the pragmas.
type connector struct {
	driver *sqlite3.SQLiteDriver
	dsn    string
}

func (c connector) Connect(context.Context) (driver.Conn, error) { return c.driver.Open(c.dsn) }
func (c connector) Driver() driver.Driver                        { return c.driver }

// stores are the two ways to the database: one connection that changes it,
// and some that only look. The one keeps its page cache from change to change,
// since nobody else makes any. Connections keep statements as SQLite has planned
// them. But where a query of several tables, or with an order, compares a parameter
// as it is, SQLite plans anew for each value, which takes longer than to run it:
// such queries have +?, which is the same value, and one plan.
type stores struct{ write, read *sql.DB }

func (s stores) Close() error { return errors.Join(s.read.Close(), s.write.Close()) }

// openDB opens the database file in dir and brings its schema up to date. It
// makes the file only if create is set.
func openDB(ctx context.Context, dir string, create bool) (s stores, err error) {
	if create {
		// SQLite would make it readable to others; its WAL takes the same mode.
		f, err := os.OpenFile(filepath.Join(dir, "vault.db"), os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
		if err != nil {
			return s, err
		}
		if err := f.Close(); err != nil {
			return s, err
		}
	}
	open := func(connections int, pragmas string) *sql.DB {
		d := &sqlite3.SQLiteDriver{ConnectHook: func(c *sqlite3.SQLiteConn) error {
			_, err := c.Exec(pragmas, nil)
			return err
		}}
		db := sql.OpenDB(connector{d, "file:" + filepath.Join(dir, "vault.db") + "?_txlock=immediate&mode=rw&_stmt_cache_size=64"})
		db.SetMaxOpenConns(connections)
		db.SetMaxIdleConns(connections) // opening one costs more than most queries
		return db
	}
	s = stores{write: open(1, pragmas+writing), read: open(8, pragmas+"PRAGMA query_only = ON;")}
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return s, err
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, s.write, sub)
	if err == nil {
		_, err = p.Up(ctx)
	}
	if err != nil {
		s.Close()
		return s, fmt.Errorf("open database: %w", err)
	}
	return s, nil
}

// readDB opens the database to look at, beside a vault that runs.
func readDB(dir string) (*sql.DB, error) {
	d := &sqlite3.SQLiteDriver{ConnectHook: func(c *sqlite3.SQLiteConn) error {
		_, err := c.Exec("PRAGMA query_only = ON; PRAGMA busy_timeout = 10000; PRAGMA temp_store = MEMORY;", nil)
		return err
	}}
	db := sql.OpenDB(connector{d, "file:" + filepath.Join(dir, "vault.db") + "?mode=rw"})
	if err := db.Ping(); err != nil {
		db.Close()
		return nil, fmt.Errorf("open database: %w", err)
	}
	return db, nil
}
