package vault

import (
	"context"
	"fmt"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/vault/membersock"
)

// Outbox tells how much waits for a forwarder.
func (v *Vault) Outbox(ctx context.Context) (o membersock.Outbox, err error) {
	stages, err := v.stages(ctx)
	for s, n := range stages {
		if s.Waits() {
			o.Waiting += n
		}
	}
	return o, v.tell("the outbox was not counted", err)
}

// stages counts the cases at each stage of forwarding.
func (v *Vault) stages(ctx context.Context) (map[accesslog.Stage]int, error) {
	rows, err := v.db.read.QueryContext(ctx, "SELECT state, count(*) FROM outbox GROUP BY state")
	if err != nil {
		return nil, fmt.Errorf("count outbox: %w", err)
	}
	defer rows.Close()
	all := map[accesslog.Stage]int{}
	for rows.Next() {
		var s accesslog.Stage
		var n int
		if err := rows.Scan(&s, &n); err != nil {
			return nil, fmt.Errorf("count outbox: %w", err)
		}
		all[s] = n
	}
	return all, rows.Err()
}
