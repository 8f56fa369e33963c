package vault

import (
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
)

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
