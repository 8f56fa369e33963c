package vault

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/internal/witness"
	"suluh.example/suluh/vault/membersock"
)

// cosigned is the newest checkpoint that has the quorum of witnesses.
type cosigned struct {
	tree tlog.Tree
	msg  []byte
}

// TakeCosigned keeps a checkpoint of this log as far as the witnesses of the
// roster in force have cosigned it. Whoever brings it need not be known: it has
// its signatures. [membersock.ErrCosigned] if it has none that count, or is of
// another log. Requests don't wait for witnesses.
func (v *Vault) TakeCosigned(ctx context.Context, msg []byte) error {
	r := v.now.Load().roster
	if r == nil || r.Witnesses == "" {
		return fmt.Errorf("%w: the roster names no witnesses", membersock.ErrCosigned)
	}
	p, err := witness.ParsePolicy(r.Witnesses)
	if err != nil {
		return fmt.Errorf("%w: the policy in the roster: %w", membersock.ErrCosigned, err)
	}
	key, err := note.NewVerifier(v.logKey)
	if err != nil {
		return err
	}
	tree, by, err := p.Open(msg, key)
	quorum := err == nil
	if err != nil && !(errors.Is(err, witness.ErrQuorum) && len(by) > 0) {
		return fmt.Errorf("%w: %w", membersock.ErrCosigned, err)
	}
	// No more lines than count: others could be anything, and anybody's.
	keys := []note.Verifier{key}
	for _, w := range p.Witnesses() {
		keys = append(keys, w.Key)
	}
	n, err := note.Open(msg, note.VerifierList(keys...))
	if err != nil {
		return fmt.Errorf("%w: %w", membersock.ErrCosigned, err)
	}
	n.UnverifiedSigs = nil
	for i, s := range n.Sigs {
		// What was opened may be written in several ways, of which browsers take one alone.
		raw, err := base64.StdEncoding.DecodeString(s.Base64)
		if err != nil {
			return fmt.Errorf("%w: %w", membersock.ErrCosigned, err)
		}
		n.Sigs[i].Base64 = base64.StdEncoding.EncodeToString(raw)
	}
	if msg, err = note.Sign(n); err != nil {
		return err
	}
	now := v.log.Load()
	root, err := tlog.TreeHash(min(tree.N, now.tree.N), hashes{ctx: ctx, q: v.db.read, cache: &v.cache})
	if err != nil {
		return fmt.Errorf("check a cosigned checkpoint: %w", err)
	}
	if tree.N > now.tree.N || root != tree.Hash {
		return fmt.Errorf("%w: it is not a part of this log", membersock.ErrCosigned)
	}
	names := make([]string, 0, len(by)+1)
	for _, c := range by {
		names = append(names, c.Witness)
	}
	if quorum {
		names = append(names, "")
	}
	err = v.write(ctx, func(g *group) error {
		for _, name := range names {
			if _, err := g.tx.ExecContext(g.ctx, `INSERT INTO cosigned (witness, size, checkpoint) VALUES (?, ?, ?)
				ON CONFLICT (witness) DO UPDATE SET size = excluded.size, checkpoint = excluded.checkpoint WHERE excluded.size >= size`,
				name, tree.N, string(msg)); err != nil {
				return fmt.Errorf("keep a cosigned checkpoint: %w", err)
			}
		}
		return nil
	})
	if err != nil {
		return v.tell("a cosigned checkpoint was not kept", err)
	}
	return v.loadCosigned(ctx)
}

// loadCosigned reads what is kept, as far as the log still has it.
func (v *Vault) loadCosigned(ctx context.Context) error {
	rows, err := v.db.read.QueryContext(ctx, "SELECT checkpoint FROM cosigned WHERE witness = ''")
	if err != nil {
		return fmt.Errorf("read the cosigned checkpoint: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var msg []byte
		if err := rows.Scan(&msg); err != nil {
			return fmt.Errorf("read the cosigned checkpoint: %w", err)
		}
		key, err := note.NewVerifier(v.logKey)
		if err != nil {
			return err
		}
		tree, err := accesslog.OpenCheckpoint(msg, key)
		if err != nil {
			return fmt.Errorf("read the cosigned checkpoint: %w", err)
		}
		if old := v.cosigned.Load(); old == nil || tree.N >= old.tree.N {
			v.cosigned.Store(&cosigned{tree, msg})
		}
	}
	return rows.Err()
}

// provenCosigned returns the newest checkpoint with the quorum, and the proof
// that the tree of an answer's checkpoint continues it; nil if there is none that has
// more records than are known.
func (v *Vault) provenCosigned(ctx context.Context, now *published, known int64) (*accesslog.Cosigned, error) {
	c := v.cosigned.Load()
	if c == nil || c.tree.N > now.tree.N || c.tree.N <= known {
		return nil, nil
	}
	p, err := v.continues(ctx, now, c.tree.N)
	if err != nil {
		return nil, fmt.Errorf("the cosigned tree: %w", err)
	}
	return &accesslog.Cosigned{Checkpoint: c.msg, Consistency: p}, nil
}

// cosignedFile returns what the log publishes of its witnesses: the newest
// checkpoint with the quorum, or the newest of each witness.
func (v *Vault) cosignedFile(ctx context.Context, path string) ([]byte, error) {
	if path == accesslog.CosignedPath {
		if c := v.cosigned.Load(); c != nil {
			return c.msg, nil
		}
		return nil, os.ErrNotExist
	}
	rows, err := v.db.read.QueryContext(ctx, "SELECT witness, checkpoint FROM cosigned WHERE witness <> '' ORDER BY witness")
	if err != nil {
		return nil, fmt.Errorf("read cosigned checkpoints: %w", err)
	}
	defer rows.Close()
	all := map[string]string{}
	for rows.Next() {
		var name, msg string
		if err := rows.Scan(&name, &msg); err != nil {
			return nil, fmt.Errorf("read cosigned checkpoints: %w", err)
		}
		all[name] = msg
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	return json.Marshal(all)
}
