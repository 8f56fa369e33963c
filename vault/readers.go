package vault

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/vault/controlsock"
)

// Readers opens the commitment to a case's readers, as far as the vault still has
// their wraps, once its deposit is in the log: [controlsock.ErrCase] otherwise. It
// is recorded nowhere: the operator, who alone can ask, has the file that it comes
// from, so that a record would only be of those who ask instead of looking.
func (v *Vault) Readers(ctx context.Context, of id.Case) (r accesslog.Readers, err error) {
	r.Log, r.Case = v.signer.Name(), of
	err = v.db.read.QueryRowContext(ctx, "SELECT case_id FROM deposits WHERE case_id = ? AND wraps <> '-' AND seq >= 0", string(of)).Scan(&r.Case)
	if errors.Is(err, sql.ErrNoRows) {
		return r, controlsock.ErrCase
	}
	if err != nil {
		return r, fmt.Errorf("find case: %w", err)
	}
	if r.Leaves, err = leavesOf(ctx, v.db.read, of); err != nil {
		return r, err
	}
	rows, err := v.db.read.QueryContext(ctx, "SELECT salt, member, digest FROM wraps WHERE case_id = ? AND salt IS NOT NULL ORDER BY member", string(of))
	if err != nil {
		return r, fmt.Errorf("read wraps: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var w accesslog.WrapLeaf
		var salt, digest []byte
		if err := rows.Scan(&salt, &w.Member, &digest); err != nil {
			return r, fmt.Errorf("read wraps: %w", err)
		}
		if len(salt) != len(w.Salt) || len(digest) != len(w.Wrap) {
			return r, errors.New("a wrap in the store is malformed")
		}
		copy(w.Salt[:], salt)
		copy(w.Wrap[:], digest)
		r.Opened = append(r.Opened, w)
	}
	return r, rows.Err()
}
