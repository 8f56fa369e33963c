package vault

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// Pragmas opens n connections at once, among them the one that writes, and
// reads back what each has.
func Pragmas(t *testing.T, v *Vault, n int) (all []string) {
	t.Helper()
	for i := range n {
		db := v.db.read
		if i == 0 {
			db = v.db.write
		}
		c, err := db.Conn(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		all = append(all, fmt.Sprint(pragma(t, c, "journal_mode"), " ", pragma(t, c, "synchronous"), " ",
			pragma(t, c, "secure_delete"), " ", pragma(t, c, "foreign_keys")))
	}
	return all
}

func pragma(t *testing.T, c *sql.Conn, name string) (value string) {
	t.Helper()
	if err := c.QueryRowContext(context.Background(), "PRAGMA "+name).Scan(&value); err != nil {
		t.Fatal(err)
	}
	return value
}

// Settled tells whether all that is in the log was written anew.
func Settled(t *testing.T, v *Vault) (settled bool) {
	t.Helper()
	if err := v.db.read.QueryRowContext(t.Context(), `SELECT NOT EXISTS (SELECT 1 FROM deposits WHERE seq >= 0 AND settled = 0)
		AND NOT EXISTS (SELECT 1 FROM destroyed WHERE seq >= 0 AND settled = 0)`).Scan(&settled); err != nil {
		t.Fatal(err)
	}
	return settled
}

// Examine is Doctor by another clock.
var Examine = examine

// Raw changes the tables of a store, as they are.
func Raw(t *testing.T, dir, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite3", filepath.Join(dir, "vault.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(statement); err != nil {
		t.Fatal(err)
	}
}

// Exec changes a store behind its vault's back.
func Exec(t *testing.T, dir, statement string) {
	t.Helper()
	db, err := openDB(t.Context(), dir, false)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	r, err := db.write.Exec(statement)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := r.RowsAffected(); err != nil || n == 0 {
		t.Fatalf("nothing was changed, error %v", err)
	}
}

// RosterRecords is the statement that gives each roster its record, where a
// store has none.
func RosterRecords(t *testing.T) string {
	t.Helper()
	b, err := migrations.ReadFile("migrations/0002_roster_seq.sql")
	if err != nil {
		t.Fatal(err)
	}
	return string(b[bytes.Index(b, []byte("UPDATE rosters")):])
}

// Sweep does what is done each minute.
func Sweep(v *Vault) { v.sweepUploads(context.Background()) }

// FailDisk lets the change fail that the vault asks for after each sync: its lock can't
// be written any more.
func FailDisk(t *testing.T, v *Vault) {
	t.Helper()
	f, err := os.Open(v.lock.Name())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	locked := v.lock
	v.lock = f
	t.Cleanup(func() { v.lock = locked })
}
