package vault

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"suluh.example/suluh/crypto/accesslog"
)

// recordRelease records which release the instance runs, if that is another than
// before. A vault that was restored and takes no changes yet does so at its next
// start.
func (v *Vault) recordRelease(ctx context.Context) error {
	now := v.config.Release
	if now == (accesslog.Release{}) || v.restored.Load() != nil {
		return nil
	}
	var leaf []byte
	err := v.db.read.QueryRowContext(ctx, "SELECT leaf FROM records WHERE action = 'release' ORDER BY seq DESC LIMIT 1").Scan(&leaf)
	if err == nil {
		r, err := accesslog.ParseRecord(leaf)
		if err != nil {
			return fmt.Errorf("read the last release: %w", err)
		}
		if last, err := accesslog.ParseRelease(r); err != nil || last == now {
			return err
		}
	} else if !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("read the last release: %w", err)
	}
	return v.write(ctx, func(g *group) error {
		_, _, err := g.appendRecord(accesslog.Record{Kind: accesslog.KindRelease, Settings: now.Settings()}, "", "", accesslog.Action(accesslog.KindRelease))
		return err
	})
}
