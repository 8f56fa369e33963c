package vault

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
	"golang.org/x/sys/unix"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
)

// Finding is something wrong with a store, in words for its operator.
type Finding struct {
	What string // is wrong
	Do   string // to mend it
}

const (
	doRestore = "Stop the vault and keep this directory as it is, as evidence. Restore the last backup into another one, and tell the auditors."
	doOwner   = "Take the rights of others away: chmod o-rwx and chown to the vault's own user."
)

// doctor looks at one store.
type doctor struct {
	ctx      context.Context
	dir      string
	now      time.Time
	db       *sql.Tx // one snapshot, since the vault may run
	zone     *time.Location
	root     note.Verifier
	findings []Finding

	seen    [][]byte    // checkpoints that others hold
	hashes  []tlog.Hash // of the log's tree
	size    int64
	records map[int64]accesslog.Record // all but lists and opens, which the store has no rows for
	overdue int                        // what reporters did on earlier days that is not in the log
	gone    map[id.Digest]bool         // answers that reporters had destroyed
}

func (d *doctor) find(do, format string, args ...any) {
	d.findings = append(d.findings, Finding{fmt.Sprintf(format, args...), do})
}

// Doctor says what is wrong with a store; nothing, if it finds nothing. It
// only reads, so the vault may run meanwhile. The error is about what it could
// not look at. Seen are checkpoints of the log that others hold: only they tell
// that a store is an older one, for instance from a copy of the disk.
func Doctor(ctx context.Context, dir string, seen ...[]byte) ([]Finding, error) {
	return examine(ctx, dir, time.Now(), seen...)
}

func examine(ctx context.Context, dir string, now time.Time, seen ...[]byte) ([]Finding, error) {
	d := &doctor{ctx: ctx, dir: dir, now: now, seen: seen, records: map[int64]accesslog.Record{}, gone: map[id.Digest]bool{}}
	if err := d.files(); err != nil {
		return nil, err
	}
	d.disk()
	if _, err := os.Stat(filepath.Join(dir, "vault.db")); err != nil {
		d.find(doRestore, "The database vault.db is missing.")
		return d.findings, nil
	}
	db, err := readDB(dir)
	if err != nil {
		return d.findings, err
	}
	defer db.Close()
	if d.db, err = db.BeginTx(ctx, nil); err != nil {
		return d.findings, fmt.Errorf("open database: %w", err)
	}
	defer d.db.Rollback() //nolint:errcheck // it has only read
	var sound string
	if err := d.db.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&sound); err != nil || sound != "ok" {
		d.find(doRestore, "The database is damaged: SQLite's own check fails.")
		return d.findings, nil
	}
	var upToDate bool
	if err := d.db.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = 'outbox')").Scan(&upToDate); err != nil {
		return d.findings, fmt.Errorf("read tables: %w", err)
	}
	if !upToDate {
		d.find("Start the vault once: it brings its tables up to date.", "The store was last used by an older version of Suluh.")
		return d.findings, nil
	}
	if err := d.chain(); err != nil || d.records == nil {
		return d.findings, err // what follows is held against the records
	}
	d.comparedWithSeen()
	for _, look := range []func() error{d.deposits, d.destroyed, d.objects, d.outbox, d.rosters} {
		if err := look(); err != nil {
			return d.findings, err
		}
	}
	return d.findings, nil
}

// files looks at the small files and at who may read what.
func (d *doctor) files() error {
	info, err := os.Stat(d.dir)
	if err != nil {
		return err
	}
	if info.Mode().Perm()&0o007 != 0 {
		d.find(doOwner, "Every user of this machine can enter the vault's directory.")
	}
	for _, name := range []string{"log.key", "log.vkey", "root.vkey", "zone"} {
		b, err := os.ReadFile(filepath.Join(d.dir, name))
		if errors.Is(err, os.ErrNotExist) {
			d.find("Bring it back from a backup. Without log.key the vault can't go on with this log.", "The file %s is missing.", name)
			continue
		}
		if err != nil {
			return err
		}
		text := strings.TrimSpace(string(b))
		switch name {
		case "log.key":
			_, err = note.NewSigner(text)
		case "log.vkey":
			_, err = note.NewVerifier(text)
		case "root.vkey":
			d.root, err = note.NewVerifier(text)
		case "zone":
			d.zone, err = time.LoadLocation(text)
		}
		if err != nil {
			d.find("Bring it back from a backup.", "The file %s is damaged.", name)
		}
	}
	for _, name := range []string{"log.key", "vault.db", "vault.db-wal", "blobs", "uploads"} {
		info, err := os.Stat(filepath.Join(d.dir, name))
		if err != nil {
			continue // said above, or not needed
		}
		if others := info.Mode().Perm() & 0o077; others&0o007 != 0 || name == "log.key" && others != 0 {
			d.find(doOwner, "Others than the vault's user can use %s.", name)
		}
	}
	if backup, err := readRestored(d.dir); err != nil {
		d.find("Stop the vault, and restore the backup anew into an empty directory.", "That the store comes from a backup is known, but not from which: the file %s is damaged.", restoredFile)
	} else if !backup.IsZero() {
		d.find("Ask auditors and members for the last checkpoint that they hold, and name the latest: suluh restore --dir DIR --lost-after CHECKPOINT --reason …",
			"The store was restored from the backup of %s. The vault takes no reports and no requests of members until it is told what is lost.", backup)
	}
	uploads, err := os.ReadDir(filepath.Join(d.dir, "uploads"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	for _, f := range uploads {
		if _, _, ok := parseUploadFile(f.Name()); !ok {
			d.find("Take it away: the vault's next start removes it.", "In uploads/ is something that the vault didn't put there.")
			break
		}
	}
	return nil
}

func (d *doctor) disk() {
	var fs unix.Statfs_t
	if unix.Statfs(d.dir, &fs) != nil {
		return
	}
	if nearlyFull(&fs) {
		free := int64(fs.Bavail) * fs.Bsize
		d.find("Make room or add a disk. Below 256 MiB the vault takes no reports, and before that no files.",
			"The disk is nearly full: %d MiB are free.", free>>20)
	}
}

// nearlyFull tells whether the operator should make room.
func nearlyFull(fs *unix.Statfs_t) bool {
	return int64(fs.Bavail)*fs.Bsize < 4*minFree || fs.Bavail < fs.Blocks/20
}

// comparedWithSeen says of each checkpoint that others hold whether the log has
// all that it had then, or admits what it has lost.
func (d *doctor) comparedWithSeen() {
	key, err := os.ReadFile(filepath.Join(d.dir, "log.vkey"))
	if err != nil {
		return // said above
	}
	verifier, err := note.NewVerifier(strings.TrimSpace(string(key)))
	if err != nil {
		return // said above
	}
	read := tlog.HashReaderFunc(func(at []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(at))
		for i, x := range at {
			out[i] = d.hashes[x]
		}
		return out, nil
	})
	for i, msg := range d.seen {
		before, err := accesslog.OpenCheckpoint(msg, verifier)
		if err != nil {
			d.find("Name a checkpoint of this log, of an auditor's export or a desk's .seen file.", "Checkpoint %d that was named is not signed by this log's key.", i+1)
			continue
		}
		if before.N <= d.size {
			if root, err := tlog.TreeHash(before.N, read); err == nil && root == before.Hash {
				continue
			}
		}
		what := fmt.Sprintf("Somebody has seen another log than this one, of %d records; this one has %d.", before.N, d.size)
		if before.N > d.size {
			what = fmt.Sprintf("The store is an older one: somebody has seen %d records of the log, and it has %d.", before.N, d.size)
		}
		do := "Stop the vault and keep this directory as it is, as evidence. If it was restored, do that with suluh restore from a backup, which records it; if not, the log was forked: tell the auditors."
		for _, r := range d.records {
			if x, err := accesslog.ParseRestore(r); err == nil && r.Seq < before.N && before.N <= x.Lost.N {
				what += fmt.Sprintf(" Record %d says that the vault was restored from the backup of %s, and lost up to %d records.", r.Seq, x.Backup, x.Lost.N-r.Seq)
				do = "Compare with the written record of the restore. Nothing else is to be done if that is right."
			}
		}
		d.find(do, "%s", what)
	}
}

// chain computes the tree anew from the records, and compares. It leaves no
// records if the chain is broken.
func (d *doctor) chain() error {
	rows, err := d.db.QueryContext(d.ctx, "SELECT seq, leaf, hashes FROM records ORDER BY seq")
	if err != nil {
		return fmt.Errorf("read log: %w", err)
	}
	defer rows.Close()
	var all []tlog.Hash
	read := tlog.HashReaderFunc(func(at []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(at))
		for i, x := range at {
			out[i] = all[x]
		}
		return out, nil
	})
	next, last := int64(0), time.Time{}
	for rows.Next() {
		var seq int64
		var leaf, hashes []byte
		if err := rows.Scan(&seq, &leaf, &hashes); err != nil {
			return fmt.Errorf("read log: %w", err)
		}
		if seq != next {
			d.find(doRestore, "Record %d is missing from the access log.", next)
			d.records = nil
			return nil
		}
		next++
		stored, err := tlog.StoredHashes(seq, leaf, read)
		if err != nil {
			return fmt.Errorf("hash record %d: %w", seq, err)
		}
		all = append(all, stored...)
		var row []byte
		for _, h := range stored {
			row = append(row, h[:]...)
		}
		if string(row) != string(hashes) {
			d.find(doRestore, "Record %d of the access log was changed: it doesn't fit its hashes.", seq)
			d.records = nil
			return nil
		}
		r, err := accesslog.ParseRecord(leaf)
		if err != nil || r.Seq != seq {
			d.find(doRestore, "Record %d of the access log is malformed.", seq)
			d.records = nil
			return nil
		}
		if !r.Kind.DayOnly() {
			last = r.Time
		}
		if r.Kind != accesslog.KindStatement || r.Count == 0 {
			d.records[seq] = r
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read log: %w", err)
	}
	d.hashes, d.size = all, next
	if next == 0 {
		d.find(doRestore, "The access log is empty, though it begins when a vault is made.")
	}
	if last.After(d.now.Add(skew)) {
		d.find("Set the clock, and let it be kept right (chrony or systemd-timesyncd). Until then members' requests are refused.",
			"The clock goes backwards: the last record of the access log is of %s, and it is %s now.",
			last.Format(time.RFC3339), d.now.UTC().Format(time.RFC3339))
	}
	return nil
}
