package vault

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/mod/sumdb/note"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/vault/membersock"
)

// unseals returns the case for whose shares key witnesses are asked: who asks has
// just opened that very case. The vault has no share and gives none: it records
// that they are asked for.
func unseals(g *group, s accesslog.Statement) (id.Case, error) {
	var leaf []byte
	err := g.tx.QueryRowContext(g.ctx, "SELECT leaf FROM records WHERE seq = ? AND member = ? AND action = ?", s.Opened, string(s.Member), string(accesslog.Open)).
		Scan(&leaf)
	if errors.Is(err, sql.ErrNoRows) {
		return "", membersock.ErrNoWrap
	}
	if err != nil {
		return "", fmt.Errorf("find opening: %w", err)
	}
	r, err := accesslog.ParseRecord(leaf)
	if err != nil {
		return "", err
	}
	opened, err := accesslog.ReadStatement(r.Statement)
	switch {
	case err != nil:
		return "", err
	case g.now.Sub(r.Time) > skew:
		return "", membersock.ErrStale
	case id.HandleOf(opened.Case) != s.Handle:
		return "", membersock.ErrNoWrap
	}
	return opened.Case, nil
}

// Unread takes back that a member has read what he opened: the opening gave him
// nothing to read, since key witnesses were away, say. The vault can't know that by
// itself. Who says so shows the opening's signed statement, which the member has made;
// it has to be his last of that case. It stays recorded.
func (v *Vault) Unread(ctx context.Context, statement []byte) error {
	now := v.now.Load()
	if now.roster == nil {
		return membersock.ErrMember
	}
	s, err := accesslog.OpenStatement(statement, now.verifiers)
	if err != nil {
		return errors.Join(membersock.ErrMember, err)
	}
	if s.Action != accesslog.Open {
		return fmt.Errorf("%w: it opens no case", membersock.ErrBad)
	}
	return v.tell("what was opened in vain was not made unread", v.write(ctx, func(g *group) error {
		var leaf []byte
		err := g.tx.QueryRowContext(g.ctx, `SELECT leaf FROM records
			WHERE case_id = +? AND case_id <> '' AND member = ? AND action = ? ORDER BY seq DESC LIMIT 1`, string(s.Case), string(s.Member), string(accesslog.Open)).Scan(&leaf)
		if errors.Is(err, sql.ErrNoRows) {
			return membersock.ErrStale
		}
		if err != nil {
			return fmt.Errorf("find opening: %w", err)
		}
		r, err := accesslog.ParseRecord(leaf)
		switch {
		case err != nil:
			return err
		case !bytes.Equal(r.Statement, statement) || g.now.Sub(r.Time) > skew:
			return membersock.ErrStale
		}
		if _, err := g.tx.ExecContext(g.ctx, "UPDATE wraps SET read = read_before WHERE case_id = ? AND member = ?", string(s.Case), string(s.Member)); err != nil {
			return fmt.Errorf("make unread: %w", err)
		}
		return nil
	}))
}

// secondOf reads the statement that comes with one that opens a case, if there is
// one: the same member asks for the shares of that case.
func secondOf(head membersock.ActHead, first accesslog.Statement, members note.Verifiers) (*accesslog.Statement, error) {
	if head.Then == "" {
		return nil, nil
	}
	s, err := accesslog.OpenStatement([]byte(head.Then), members)
	if err != nil {
		return nil, errors.Join(membersock.ErrMember, err)
	}
	if first.Action != accesslog.Open || s.Action != accesslog.Unseal || s.Member != first.Member || s.Handle != id.HandleOf(first.Case) {
		return nil, fmt.Errorf("%w: a second statement that doesn't go with the first", membersock.ErrBad)
	}
	return &s, nil
}

// unsealed are the sizes of the trees by which the last unseals were proven, smallest
// first.
type unsealed struct {
	mu    sync.Mutex
	sizes []int64
}

// mostUnsealed is of how many the proofs go with an answer: members may open cases at
// the same time, and not every key witness gives its share each time.
const mostUnsealed = 4

// add takes another one, and returns those that are smaller.
func (u *unsealed) add(size int64) []int64 {
	u.mu.Lock()
	defer u.mu.Unlock()
	at, known := slices.BinarySearch(u.sizes, size)
	before := slices.Clone(u.sizes[:at])
	if !known {
		u.sizes = slices.Insert(u.sizes, at, size)
		u.sizes = u.sizes[max(0, len(u.sizes)-mostUnsealed):]
	}
	return before
}

// grown proves how the log has grown since the last unseals, so that who has the proof
// of another need not ask for tiles before he can ask key witnesses. They have seen
// such a tree last; after a restart of the vault, or where they were away, it is the
// tiles that tell.
func (v *Vault) grown(ctx context.Context, now *published) (all []accesslog.Grown, err error) {
	for _, size := range v.unsealed.add(now.tree.N) {
		p, err := v.continues(ctx, now, size)
		if err != nil {
			return nil, err
		}
		all = append(all, accesslog.Grown{From: size, Proof: p})
	}
	return all, nil
}
