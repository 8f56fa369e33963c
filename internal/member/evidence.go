package member

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/internal/witness"
)

// evidence proves to who doesn't trust the vault that a record is in the log.
type evidence struct {
	accesslog.Proof // its consistency is that with what this session saw
	tree            tlog.Tree
	hashes          tlog.HashReader
	known           []accesslog.Grown // what the vault proved by itself of how that tree has grown; key witnesses check it
}

// grown proves that the tree continues the one of so many records.
func (e *evidence) grown(from int64) (accesslog.Path, error) {
	for _, g := range e.known {
		if g.From == from {
			return g.Proof, nil
		}
	}
	return accesslog.ProveTree(e.tree.N, from, e.hashes)
}

// newest proves the same record by the vault's newest checkpoint. If there is
// none newer, it is the same evidence.
func (u *unsealing) newest(ctx context.Context, e *evidence) (*evidence, error) {
	checkpoint, err := u.s.c.Vault.LogFile(ctx, "checkpoint")
	if err != nil {
		return nil, err
	}
	tree, err := accesslog.OpenCheckpoint(checkpoint, u.log)
	if err != nil || tree.N <= e.tree.N {
		return e, err
	}
	n := &evidence{Proof: accesslog.Proof{Index: e.Index, Record: e.Record, Checkpoint: checkpoint}, tree: tree, hashes: witness.Hashes(ctx, u.s.c.Vault, tree)}
	if n.Inclusion, err = accesslog.ProveRecord(tree.N, e.Index, n.hashes); err != nil {
		return nil, err
	}
	if n.Consistency, err = accesslog.ProveTree(tree.N, e.tree.N, n.hashes); err != nil {
		return nil, err
	}
	if _, err := n.Check(u.log, e.tree); err != nil {
		return nil, u.s.forked(ctx, u.log, e.tree, err)
	}
	return n, nil
}

// cosigned gets the quorum of the log's witnesses if the roster asks for one: the
// vault's newest checkpoint that has it is older than the record. While others are at
// work, the witnesses may have seen a longer log already.
func (u *unsealing) cosigned(ctx context.Context, e *evidence) (*evidence, error) {
	if u.roster.Witnesses == "" {
		return e, nil
	}
	p, err := witness.ParsePolicy(u.roster.Witnesses)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrWitnesses, err)
	}
	u.s.cosigning.Lock()
	defer u.s.cosigning.Unlock()
	for {
		msg, failed, err := u.s.asker.Ask(ctx, p, u.log, e.Checkpoint, func(_ context.Context, old int64) (tlog.TreeProof, error) {
			return tlog.ProveTree(e.tree.N, old, e.hashes)
		})
		if err != nil {
			return nil, err
		}
		if _, _, err = p.Open(msg, u.log); err == nil {
			c := *e
			c.Checkpoint = msg
			// The desks' warnings go by what the vault has. If it doesn't arrive, suluh
			// witness ask brings another.
			_ = u.s.c.Vault.Cosign(ctx, msg)
			return &c, nil
		}
		why, ahead := err, false
		for name, err := range failed {
			why = fmt.Errorf("%w; %s: %w", why, name, err)
			ahead = ahead || errors.Is(err, witness.ErrAhead)
		}
		n := e
		if ahead {
			if n, err = u.newest(ctx, e); err != nil {
				return nil, err
			}
		}
		if n == e {
			return nil, fmt.Errorf("%w: %w", ErrWitnesses, why)
		}
		e = n
	}
}
