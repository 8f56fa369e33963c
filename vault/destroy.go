package vault

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/internal/durable"
	"suluh.example/suluh/vault/depositsock"
)

// Destroy destroys an answer for the reporter: its bytes are gone when it
// returns, from the database, the WAL and blobs/. The object's row stays, with
// the digest that its record names, and the day enters the log with the next
// batch. What a crash leaves, in order:
//
//	rows are changed, with the reporter's signature  nothing: the answer is as it was
//	rows are committed                               the answer is destroyed; its bytes may be in the WAL or in blobs/
//	the file is removed, the WAL truncated           nothing of it
//
// The next start makes up for what is missing: it sweeps blobs/ and truncates
// the WAL before anything is served.
func (v *Vault) Destroy(ctx context.Context, l id.Lookup, object id.Digest, signature []byte) (a depositsock.DestroyAnswer, err error) {
	ctx = context.WithoutCancel(ctx) // what was begun is ended although the reporter may be gone
	of, err := v.ordered(ctx, l, object, signature)
	if err == nil {
		err = v.write(ctx, func(g *group) error {
			a.Day, err = v.destroy(g, of, object, signature)
			return err
		})
	}
	if err == nil {
		err = v.enqueue(ctx, &job{done: make(chan error, 1), alone: func(ctx context.Context) error {
			return errors.Join(v.removeBlob(object), v.wipe(ctx))
		}})
	}
	return a, v.tell("an answer was not destroyed", err)
}

// ordered tells which case the order is about, if its reporter signed it.
// Neither the key nor the name of a case ever changes.
func (v *Vault) ordered(ctx context.Context, l id.Lookup, object id.Digest, signature []byte) (of id.Case, err error) {
	lookup := l.Hash()
	var key []byte
	err = v.db.read.QueryRowContext(ctx, "SELECT case_id, reporter FROM cases WHERE lookup = ?", lookup[:]).Scan(&of, &key)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return "", depositsock.ErrUnknown
	case err != nil:
		return "", fmt.Errorf("find case: %w", err)
	case len(key) != ed25519.PublicKeySize:
		return "", depositsock.ErrNoKey
	case !ed25519.Verify(key, accesslog.DestroyText(v.signer.Name(), of, object), signature):
		return "", depositsock.ErrSignature
	}
	return of, nil
}

func (v *Vault) destroy(g *group, of id.Case, object id.Digest, signature []byte) (id.Day, error) {
	var before string
	err := g.tx.QueryRowContext(g.ctx, `SELECT coalesce(x.day, '') FROM objects o LEFT JOIN destroyed x ON x.digest = o.digest
		WHERE o.digest = +? AND o.case_id = +? AND o.role = +?`, object[:], string(of), string(id.RoleAnswer)).Scan(&before)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return id.Day{}, depositsock.ErrNoAnswer
	case err != nil:
		return id.Day{}, fmt.Errorf("find answer: %w", err)
	case before != "":
		return id.ParseDay(before)
	}
	day := id.DayOf(g.now, v.zone)
	if _, err := g.tx.ExecContext(g.ctx, "UPDATE objects SET data = NULL WHERE digest = ?", object[:]); err != nil {
		return day, fmt.Errorf("destroy answer: %w", err)
	}
	if _, err := g.tx.ExecContext(g.ctx, "INSERT INTO destroyed (digest, case_id, day, signature) VALUES (?, ?, ?, ?)",
		object[:], string(of), day.String(), signature); err != nil {
		return day, fmt.Errorf("destroy answer: %w", err)
	}
	return day, nil
}

// removeBlob removes the file of an object, if it has one.
func (v *Vault) removeBlob(d id.Digest) error {
	if err := os.Remove(v.blobPath(d)); err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		return fmt.Errorf("destroy answer: %w", err)
	}
	return durable.SyncDir(filepath.Dir(v.blobPath(d)))
}

// destroyedOf says of an answer that was destroyed what its reporter may know.
func (v *Vault) destroyedOf(ctx context.Context, d id.Digest) (*depositsock.Destroyed, error) {
	var x depositsock.Destroyed
	var day string
	// The answer told the status if its record was a status or an outcome, and
	// told the one that still holds if no such answer follows.
	err := v.db.read.QueryRowContext(ctx, `SELECT x.day, x.signature,
			EXISTS (SELECT 1 FROM records r WHERE r.seq = o.seq AND r.action IN (?1, ?2))
			AND NOT EXISTS (SELECT 1 FROM objects l JOIN records r ON r.seq = l.seq
				WHERE l.case_id = o.case_id AND l.role = o.role AND l.seq > o.seq AND r.action IN (?1, ?2))
		FROM destroyed x JOIN objects o ON o.digest = x.digest WHERE x.digest = ?3`, string(accesslog.Status), string(accesslog.Outcome), d[:]).Scan(&day, &x.Signature, &x.Status)
	if err != nil {
		return nil, fmt.Errorf("read destroyed answer: %w", err)
	}
	x.Day, err = id.ParseDay(day)
	return &x, err
}
