package vault

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
	"golang.org/x/sys/unix"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
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

// deposits computes each deposit's digest anew from what is stored of it.
func (d *doctor) deposits() error {
	rows, err := d.db.QueryContext(d.ctx, "SELECT digest, case_id, salt, wraps, day, seq FROM deposits")
	if err != nil {
		return fmt.Errorf("read deposits: %w", err)
	}
	defer rows.Close()
	named := map[int64]bool{}
	for rows.Next() {
		var digest, salt []byte
		var of id.Case
		var wraps, day string
		var seq int64
		if err := rows.Scan(&digest, &of, &salt, &wraps, &day, &seq); err != nil {
			return fmt.Errorf("read deposits: %w", err)
		}
		objects, err := d.objectsOf(of, digest)
		if err != nil {
			return err
		}
		leaves, err := leavesOf(d.ctx, d.db, of)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if len(salt) != 16 || len(digest) != 32 || accesslog.DepositDigest([16]byte(salt), of, wraps, objects) != id.Digest(digest) {
			d.find(doRestore, "A deposit of case %s was changed: its objects aren't those that were promised to the log.", of)
		} else if wraps != "-" && wraps != fmt.Sprintf("%d %s", len(leaves), accesslog.WrapsRoot(leaves)) {
			d.find(doRestore, "The list of who may read case %s was changed since it came.", of)
		}
		if seq < 0 {
			d.awaits(day)
			continue
		}
		named[seq] = true
		if r := d.records[seq]; r.Kind != accesslog.KindDeposit || r.Deposit.Digest != id.Digest(digest) || r.Deposit.Case != of {
			d.find(doRestore, "A deposit of case %s isn't in the access log where the store says: record %d.", of, seq)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read deposits: %w", err)
	}
	for seq, r := range d.records {
		if r.Kind == accesslog.KindDeposit && !named[seq] {
			d.find(doRestore, "The deposit of record %d, case %s, is missing from the store.", seq, r.Deposit.Case)
		}
	}
	return nil
}

// awaits counts what should have been in the log by now.
func (d *doctor) awaits(day string) {
	on, err := id.ParseDay(day)
	if err != nil || d.zone != nil && on.Before(id.DayOf(d.now, d.zone)) {
		d.overdue++
	}
}

// destroyed looks at the answers that reporters had destroyed: none is still
// there, and the log has each once.
func (d *doctor) destroyed() error {
	rows, err := d.db.QueryContext(d.ctx, `SELECT x.digest, x.case_id, x.day, x.seq, o.data IS NOT NULL
		FROM destroyed x LEFT JOIN objects o ON o.digest = x.digest AND o.case_id = x.case_id`)
	if err != nil {
		return fmt.Errorf("read destroyed answers: %w", err)
	}
	defer rows.Close()
	named := map[int64]bool{}
	for rows.Next() {
		var digest []byte
		var of id.Case
		var day string
		var seq int64
		var there bool
		if err := rows.Scan(&digest, &of, &day, &seq, &there); err != nil {
			return fmt.Errorf("read destroyed answers: %w", err)
		}
		var x id.Digest
		copy(x[:], digest)
		d.gone[x] = true
		if _, err := os.Stat(filepath.Join(d.dir, "blobs", x.String())); there || err == nil {
			d.find("Restart the vault, which removes what a crash left.",
				"An answer of case %s (%s) is still in the store, though its reporter had it destroyed.", of, x)
		}
		if seq < 0 {
			d.awaits(day)
			continue
		}
		named[seq] = true
		if r := d.records[seq]; r.Kind != accesslog.KindDestroy || r.Destroy.Object != x || r.Destroy.Case != of {
			d.find(doRestore, "That an answer of case %s was destroyed isn't in the access log where the store says: record %d.", of, seq)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read destroyed answers: %w", err)
	}
	for seq, r := range d.records {
		if r.Kind == accesslog.KindDestroy && !named[seq] {
			d.find(doRestore, "The store doesn't know of the answer that was destroyed by record %d, case %s.", seq, r.Destroy.Case)
		}
	}
	if d.overdue > 0 {
		d.find("Run suluh vault batch, and look into the vault's log for why midnight's batch failed.",
			"The day's batch is overdue: %d deposits or destroyed answers of earlier days aren't in the access log yet.", d.overdue)
	}
	return nil
}

func (d *doctor) objectsOf(of id.Case, deposit []byte) (all []id.Object, err error) {
	rows, err := d.db.QueryContext(d.ctx, "SELECT role, digest, size FROM objects WHERE case_id = ? AND deposit = ?", string(of), deposit)
	if err != nil {
		return nil, fmt.Errorf("read objects: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var o id.Object
		var digest []byte
		if err := rows.Scan(&o.Role, &digest, &o.Size); err != nil {
			return nil, fmt.Errorf("read objects: %w", err)
		}
		copy(o.Digest[:], digest)
		all = append(all, o)
	}
	return all, rows.Err()
}

// objects reads every object, and looks for those that records name.
func (d *doctor) objects() error {
	rows, err := d.db.QueryContext(d.ctx, "SELECT digest, case_id, role, size, member, seq, data FROM objects")
	if err != nil {
		return fmt.Errorf("read objects: %w", err)
	}
	defer rows.Close()
	there := map[id.Digest]bool{}
	for rows.Next() {
		var digest, data []byte
		var of id.Case
		var o id.Object
		var by id.Member
		var seq int64
		if err := rows.Scan(&digest, &of, &o.Role, &o.Size, &by, &seq, &data); err != nil {
			return fmt.Errorf("read objects: %w", err)
		}
		copy(o.Digest[:], digest)
		there[o.Digest] = true
		what := fmt.Sprintf("A sealed %s of case %s (%s)", o.Role, of, o.Digest)
		switch got, size, err := d.sum(o.Digest, data); {
		case d.gone[o.Digest]: // looked at before
		case errors.Is(err, os.ErrNotExist):
			d.find(doRestore, "%s is missing: its file is not in blobs/.", what)
		case err != nil:
			d.find("See whether the disk fails (smartctl, dmesg).", "%s can't be read: %v.", what, err)
		case got != o.Digest || size != o.Size:
			d.find(doRestore, "%s was changed since it came.", what)
		}
		if by == "" {
			continue
		}
		if s, ok := d.statement(seq); !ok || s.Member != by || s.Case != of || !slices.Contains(s.Objects, o) {
			d.find(doRestore, "%s is in the store without a record of who handed it in.", what)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read objects: %w", err)
	}
	for seq := range d.records {
		s, ok := d.statement(seq)
		if !ok || len(handsIn[s.Action]) == 0 {
			continue
		}
		for _, o := range s.Objects {
			if o.Role != id.RoleWrap && !there[o.Digest] {
				d.find(doRestore, "What record %d says was written to case %s is missing from the store.", seq, s.Case)
			}
		}
	}
	return nil
}

// outbox takes all steps of forwarding anew, as the records tell them, and
// compares where they lead.
func (d *doctor) outbox() error {
	want := map[id.Case]accesslog.Forwarding{}
	for seq := range d.size {
		if d.records[seq].Kind == accesslog.KindRestore {
			for of, f := range want {
				want[of] = f.Restored(seq)
			}
			continue
		}
		s, ok := d.statement(seq)
		if !ok || !s.Action.OfForwarding() {
			continue
		}
		f, err := want[s.Case].Apply(s, seq)
		if err != nil {
			d.find(doRestore, "Record %d is a step that the forwarding of case %s could not take.", seq, s.Case)
			continue
		}
		want[s.Case] = f
	}
	rows, err := d.db.QueryContext(d.ctx, "SELECT case_id, "+forwarding+" FROM outbox")
	if err != nil {
		return fmt.Errorf("read outbox: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var of id.Case
		f, _, err := scanForwarding(rows.Scan, &of)
		if err != nil {
			return err
		}
		if f != want[of] {
			d.find(doRestore, "What the store says of the forwarding of case %s isn't what the access log says.", of)
		}
		delete(want, of)
	}
	for of := range want {
		d.find(doRestore, "The store doesn't know that case %s was to be forwarded, as the access log says.", of)
	}
	return rows.Err()
}

func (d *doctor) statement(seq int64) (accesslog.Statement, bool) {
	r, ok := d.records[seq]
	if !ok || r.Kind != accesslog.KindStatement {
		return accesslog.Statement{}, false
	}
	// The signature is audit verify's to check.
	text, _, ok := strings.Cut(string(r.Statement), "\n\n")
	s, err := accesslog.ParseStatement(text + "\n")
	return s, ok && err == nil
}

// sum hashes an object where it lies: in its row, or in its file.
func (d *doctor) sum(of id.Digest, data []byte) (got id.Digest, size int64, err error) {
	if data != nil {
		return id.DigestOf(data), int64(len(data)), nil
	}
	f, err := os.Open(filepath.Join(d.dir, "blobs", of.String()))
	if err != nil {
		return got, 0, err
	}
	defer f.Close()
	h := sha256.New()
	if size, err = io.Copy(h, f); err != nil {
		return got, 0, err
	}
	return id.SumOf(h), size, nil
}

// rosters looks at the roster in force and at the records of all of them.
func (d *doctor) rosters() error {
	if d.root == nil {
		return nil // said above
	}
	rows, err := d.db.QueryContext(d.ctx, "SELECT version, signed FROM rosters ORDER BY version")
	if err != nil {
		return fmt.Errorf("read rosters: %w", err)
	}
	defer rows.Close()
	recorded := map[id.Digest]bool{}
	for _, r := range d.records {
		if r.Kind == accesslog.KindRoster {
			recorded[r.Roster.Digest] = true
		}
	}
	var now *roster.Roster
	for rows.Next() {
		var version int64
		var signed []byte
		if err := rows.Scan(&version, &signed); err != nil {
			return fmt.Errorf("read rosters: %w", err)
		}
		if now, err = roster.Parse(signed, d.root); err != nil || !recorded[roster.Digest(signed)] {
			d.find(doRestore, "Version %d of the roster isn't the one that was installed.", version)
			return nil
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read rosters: %w", err)
	}
	if now == nil {
		d.find("Install the signed roster: suluh vault roster FILE.", "There is no roster yet, so nobody can report.")
		return nil
	}
	for _, u := range now.Units {
		if len(now.Readers(u.ID, nil)) == 0 {
			d.find("Have the Inspektur add a reader to it and sign the next roster.", "The unit %s has no reader: nobody can report to it.", u.ID)
		}
	}
	return nil
}
