package vault

import (
	"database/sql"
	"errors"
	"fmt"

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
