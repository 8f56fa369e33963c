package vault

import (
	"context"
	"errors"
	"fmt"
	"time"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/vault/controlsock"
)

// Batch ends the day: the deposits that wait enter the log, sorted by digest,
// and after them the answers that were destroyed, and what they brought is written anew in an order that says nothing. A crash
// at any point leaves the log whole; what was not written anew yet is by the
// next batch, which the next start begins with.
func (v *Vault) Batch(ctx context.Context) (n int, err error) {
	err = v.write(ctx, func(g *group) error {
		n, err = v.logDay(g)
		return err
	})
	if err != nil {
		return n, err
	}
	v.config.Log.Debug("a day has ended", "deposits", n)
	began := time.Now()
	err = v.enqueue(ctx, &job{done: make(chan error, 1), alone: v.settle})
	v.measures.batch.Set(time.Since(began).Seconds())
	return n, err
}

// settle writes anew what deposits brought that are in the log and are not
// settled. It runs alone.
func (v *Vault) settle(ctx context.Context) error {
	var waiting bool
	if err := v.db.read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM deposits WHERE settled = 0 AND seq >= 0)
		OR EXISTS (SELECT 1 FROM destroyed WHERE settled = 0 AND seq >= 0)`).Scan(&waiting); err != nil || !waiting {
		return err
	}
	blobs, err := digests(ctx, v.db.read, `SELECT o.digest FROM deposits d JOIN objects o ON o.case_id = d.case_id
		WHERE d.settled = 0 AND d.seq >= 0 AND o.deposit = d.digest AND o.data IS NULL`)
	if err != nil {
		return err
	}
	if err := v.rewrite(blobs); err != nil {
		return err
	}
	// VACUUM lays the rows out by their keys, which are random; the WAL still
	// has the order of arrival until it is truncated. A crash before the mark
	// is set does all of it again, which harms nothing.
	// VACUUM makes a copy of the whole database first. In memory, as other
	// temporary tables are, a large one would not fit; what is on the disk is
	// ciphertext in the new order, and has no name.
	for _, q := range []string{
		"PRAGMA temp_store = FILE", "VACUUM", "PRAGMA temp_store = MEMORY",
		"UPDATE deposits SET settled = 1 WHERE seq >= 0 AND settled = 0", "UPDATE destroyed SET settled = 1 WHERE seq >= 0 AND settled = 0",
	} {
		if _, err := v.db.write.ExecContext(ctx, q); err != nil {
			return fmt.Errorf("end the day: %w", err)
		}
	}
	return v.wipe(ctx)
}

// wipe takes out of the WAL what was deleted or moved, which secure_delete
// leaves there. It runs alone.
func (v *Vault) wipe(ctx context.Context) (err error) {
	v.unwiped.Store(true)
	defer func() { v.measures.unwiped.Store(err != nil) }()
	v.copying.Lock()
	defer v.copying.Unlock()
	var busy, pages, moved int
	if err := v.db.write.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &pages, &moved); err != nil {
		return fmt.Errorf("truncate the WAL: %w", err)
	}
	if busy != 0 {
		return errors.New("truncate the WAL: somebody reads the database for too long")
	}
	if err := v.kept(); err != nil {
		return err
	}
	v.unwiped.Store(false)
	v.blur()
	return nil
}

// logDay writes the records of the day that ends. It returns the number of
// deposits among them.
func (v *Vault) logDay(g *group) (deposits int, err error) {
	day := id.DayOf(g.now, v.zone)
	if deposits, err = logDeposits(g, day); err != nil {
		return 0, err
	}
	destroyed, err := logDestroyed(g)
	if err != nil || deposits+destroyed == 0 {
		return deposits, err
	}
	_, _, err = g.appendRecord(accesslog.Record{
		Kind: accesslog.KindBatch, Batch: accesslog.BatchRecord{Day: day, Deposits: int64(deposits), Destroyed: int64(destroyed)},
	}, "", "", "")
	return deposits, err
}

func logDestroyed(g *group) (int, error) {
	rows, err := g.tx.QueryContext(g.ctx, "SELECT digest, case_id, day FROM destroyed WHERE settled = 0 AND seq < 0 ORDER BY digest")
	if err != nil {
		return 0, fmt.Errorf("read destroyed answers: %w", err)
	}
	defer rows.Close()
	var all []accesslog.DestroyRecord
	for rows.Next() {
		var x accesslog.DestroyRecord
		var digest []byte
		var day string
		if err := rows.Scan(&digest, &x.Case, &day); err != nil {
			return 0, fmt.Errorf("read destroyed answers: %w", err)
		}
		x.Object = id.Digest(digest)
		if x.Day, err = id.ParseDay(day); err != nil {
			return 0, err
		}
		all = append(all, x)
	}
	if err := rows.Err(); err != nil {
		return 0, fmt.Errorf("read destroyed answers: %w", err)
	}
	for _, x := range all {
		seq, _, err := g.appendRecord(accesslog.Record{Kind: accesslog.KindDestroy, Destroy: x}, x.Case, "", "")
		if err != nil {
			return 0, err
		}
		if _, err := g.tx.ExecContext(g.ctx, "UPDATE destroyed SET seq = ? WHERE digest = ?", seq, x.Object[:]); err != nil {
			return 0, fmt.Errorf("mark destroyed answer: %w", err)
		}
	}
	return len(all), nil
}

func logDeposits(g *group, on id.Day) (n int, err error) {
	type waiting struct {
		accesslog.DepositRecord
		digest []byte
	}
	rows, err := g.tx.QueryContext(g.ctx, "SELECT digest, case_id, wraps, day FROM deposits WHERE settled = 0 AND seq < 0 ORDER BY digest")
	if err != nil {
		return 0, fmt.Errorf("read deposits: %w", err)
	}
	defer rows.Close()
	var all []waiting
	for rows.Next() {
		var w waiting
		var wraps, day string
		if err := rows.Scan(&w.digest, &w.Case, &wraps, &day); err != nil {
			return 0, fmt.Errorf("read deposits: %w", err)
		}
		w.Digest = id.Digest(w.digest)
		if w.Wraps, err = parseWraps(wraps); err != nil {
			return 0, err
		}
		if w.Day, err = id.ParseDay(day); err != nil {
			return 0, err
		}
		all = append(all, w)
	}
	if err := rows.Err(); err != nil {
		return 0, fmt.Errorf("read deposits: %w", err)
	}
	for _, w := range all {
		seq, _, err := g.appendRecord(accesslog.Record{Kind: accesslog.KindDeposit, Deposit: w.DepositRecord}, w.Case, "", "")
		if err != nil {
			return 0, err
		}
		if _, err := g.tx.ExecContext(g.ctx, "UPDATE deposits SET seq = ?, logged = ? WHERE digest = ?", seq, on.String(), w.digest); err != nil {
			return 0, fmt.Errorf("mark deposit: %w", err)
		}
	}
	return len(all), nil
}

func digests(ctx context.Context, q rowser, query string, args ...any) (all []id.Digest, err error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read digests: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var d []byte
		if err := rows.Scan(&d); err != nil {
			return nil, fmt.Errorf("read digests: %w", err)
		}
		all = append(all, id.Digest(d))
	}
	return all, rows.Err()
}

// CatchUp makes up for a midnight that was missed, since nothing ran or the
// batch failed, for what a batch had not settled, and for a WAL that could not
// be truncated. It goes before anything
// is served: auditors want no request between a missed midnight and its batch.
func (v *Vault) CatchUp(ctx context.Context) error {
	if v.restored.Load() != nil {
		return nil
	}
	var overdue bool
	err := v.db.read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM deposits WHERE settled = 0 AND (seq >= 0 OR day < ?1))
		OR EXISTS (SELECT 1 FROM destroyed WHERE settled = 0 AND (seq >= 0 OR day < ?1))`, v.today().String()).Scan(&overdue)
	if err == nil && overdue {
		_, err = v.Batch(ctx)
	}
	if err == nil && v.unwiped.Load() {
		err = v.enqueue(ctx, &job{done: make(chan error, 1), alone: v.wipe})
	}
	if err != nil && ctx.Err() == nil {
		v.failing(err)
		v.config.Log.Error("the day's end failed; it is tried again in a minute", "error", err)
	}
	return err
}

// Batches ends each day at its midnight until the context ends.
func (v *Vault) Batches(ctx context.Context) error {
	for {
		_ = v.CatchUp(ctx) // it has told the operator, and comes again
		// Who only looks leaves traces as well: SQLite's readers write to the -shm
		// file. And the change times, which can't be set, are then all of this minute.
		v.blur()
		v.sweepUploads(ctx)
		// By the minute at most: the clock may be set, the machine may sleep.
		wait := min(time.Minute, v.today().AddDays(1).Time(v.zone).Sub(v.config.Now()))
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}

// InstallRoster makes a signed roster the one in force and records it in the
// log. The error is [controlsock.ErrRoster] if it may not be.
func (v *Vault) InstallRoster(ctx context.Context, signed []byte) error {
	next, err := roster.Parse(signed, v.root)
	if err != nil {
		return fmt.Errorf("%w: %w", controlsock.ErrRoster, err)
	}
	return v.write(ctx, func(g *group) error {
		now := g.force
		switch {
		case next.Origin != v.signer.Name() || next.LogKey != v.logKey:
			return fmt.Errorf("%w: it is for another log", controlsock.ErrRoster)
		case now.roster == nil && next.Version != 1:
			return fmt.Errorf("%w: the first has version 1", controlsock.ErrRoster)
		case now.roster != nil:
			if err := roster.CheckSuccessor(now.roster, next, now.signed); err != nil {
				return errors.Join(controlsock.ErrRoster, err)
			}
		}
		d := roster.Digest(signed)
		seq, _, err := g.appendRecord(accesslog.Record{
			Kind: accesslog.KindRoster, Roster: accesslog.RosterRecord{Version: next.Version, Digest: d, Size: int64(len(signed))},
		}, "", "", "")
		if err != nil {
			return err
		}
		if _, err := g.tx.ExecContext(g.ctx, "INSERT INTO rosters (digest, version, signed, seq) VALUES (?, ?, ?, ?)", d[:], next.Version, signed, seq); err != nil {
			return fmt.Errorf("insert roster: %w", err)
		}
		// Statements that follow in the same group are held against it.
		g.force = v.force(next, signed, seq)
		return nil
	})
}
