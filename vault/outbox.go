package vault

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/vault/membersock"
)

// forwarding is what a row of the outbox is read by.
const forwarding = "state, day, seq, draft, prepared, item, approved, approval, outcome"

func scanForwarding(scan func(...any) error, before ...any) (f accesslog.Forwarding, day id.Day, err error) {
	var on string
	var draft, item, outcome []byte
	if err := scan(append(before, &f.Stage, &on, &f.Seq, &draft, &f.Prepared, &item, &f.Approved, &f.Approval, &outcome)...); err != nil {
		return f, day, fmt.Errorf("read outbox: %w", err)
	}
	copy(f.Draft[:], draft)
	copy(f.Item[:], item)
	copy(f.Outcome[:], outcome)
	day, err = id.ParseDay(on)
	return f, day, err
}

// forwardingOf reads how far the forwarding of a case has come.
func forwardingOf(g *group, of id.Case) (f accesslog.Forwarding, day id.Day, err error) {
	row := g.tx.QueryRowContext(g.ctx, "SELECT "+forwarding+" FROM outbox WHERE case_id = ?", string(of))
	if f, day, err = scanForwarding(row.Scan); errors.Is(err, sql.ErrNoRows) {
		return accesslog.Forwarding{}, id.Day{}, nil
	}
	return f, day, err
}

// forwards tells what a step makes of the forwarding of a case. It is the next
// record.
func forwards(g *group, s accesslog.Statement) (accesslog.Forwarding, error) {
	f, _, err := forwardingOf(g, s.Case)
	if err != nil {
		return f, err
	}
	f, err = f.Apply(s, g.size)
	switch {
	case errors.Is(err, accesslog.ErrSelf):
		err = membersock.ErrSelf
	case errors.Is(err, accesslog.ErrStage):
		err = membersock.ErrState
	}
	return f, err
}

// keepForwarding writes how far the forwarding of a case has come.
func keepForwarding(g *group, of id.Case, f accesslog.Forwarding, day id.Day) error {
	if _, err := g.tx.ExecContext(g.ctx, "INSERT OR REPLACE INTO outbox (case_id, "+forwarding+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		string(of), string(f.Stage), day.String(), f.Seq, f.Draft[:], string(f.Prepared), orNull(f.Item), string(f.Approved), f.Approval, orNull(f.Outcome)); err != nil {
		return fmt.Errorf("write outbox: %w", err)
	}
	return nil
}

func orNull(d id.Digest) []byte {
	if d.IsZero() {
		return nil
	}
	return d[:]
}

// shown is what members are told of it.
func shown(f accesslog.Forwarding, day id.Day) *membersock.Forward {
	if f.Stage == "" {
		return nil
	}
	return &membersock.Forward{
		State: f.Stage, Day: day, Seq: f.Seq, Draft: f.Draft, Prepared: f.Prepared, Item: f.Item, Approved: f.Approved, Outcome: f.Outcome,
	}
}

// collect returns what there is for forwarders, in the order of the cases' ids,
// which says nothing.
func (v *Vault) collect(g *group) (items []membersock.Collected, err error) {
	rows, err := g.tx.QueryContext(g.ctx, "SELECT case_id, "+forwarding+" FROM outbox WHERE item IS NOT NULL ORDER BY case_id")
	if err != nil {
		return nil, fmt.Errorf("read outbox: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var of id.Case
		f, day, err := scanForwarding(rows.Scan, &of)
		if err != nil {
			return nil, err
		}
		if f.Stage.HasItem() {
			items = append(items, membersock.Collected{Case: of, Forward: *shown(f, day)})
		}
	}
	return items, rows.Err()
}

// listForwards fills in how far the forwarding of the listed cases has come.
func listForwards(g *group, m id.Member, cases []membersock.ListedCase) error {
	rows, err := g.tx.QueryContext(g.ctx, "SELECT o.case_id, "+forwarding+` FROM outbox o
		WHERE EXISTS (SELECT 1 FROM wraps w WHERE w.case_id = o.case_id AND w.member = +?) ORDER BY o.case_id`, string(m))
	if err != nil {
		return fmt.Errorf("read outbox: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var of id.Case
		f, day, err := scanForwarding(rows.Scan, &of)
		if err != nil {
			return err
		}
		for len(cases) > 0 && cases[0].Case < of {
			cases = cases[1:]
		}
		if len(cases) > 0 && cases[0].Case == of {
			cases[0].Forward = shown(f, day)
		}
	}
	return rows.Err()
}

// outboxRestored carries a restore, which is the record, over to the outbox.
func outboxRestored(g *group, seq int64, day id.Day) error {
	rows, err := g.tx.QueryContext(g.ctx, "SELECT case_id, "+forwarding+" FROM outbox")
	if err != nil {
		return fmt.Errorf("read outbox: %w", err)
	}
	defer rows.Close()
	changed := map[id.Case]accesslog.Forwarding{}
	for rows.Next() {
		var of id.Case
		f, _, err := scanForwarding(rows.Scan, &of)
		if err != nil {
			return err
		}
		if after := f.Restored(seq); after != f {
			changed[of] = after
		}
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return fmt.Errorf("read outbox: %w", err)
	}
	for of, f := range changed {
		if err := keepForwarding(g, of, f, day); err != nil {
			return err
		}
	}
	return nil
}

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
