package vault

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/vault/frame"
	"suluh.example/suluh/vault/membersock"
)

// list returns the cases of which a member has the key, in the order of their
// ids, which says nothing.
func (v *Vault) list(g *group, m id.Member) ([]membersock.ListedCase, error) {
	rows, err := g.tx.QueryContext(g.ctx, `
		SELECT w.case_id, c.day, c.assigned, w.digest, w.read, o.role, o.digest, o.day, o.seq
		FROM wraps w JOIN cases c ON c.case_id = w.case_id JOIN objects o ON o.case_id = w.case_id
		WHERE w.member = +? ORDER BY w.case_id, o.digest`, string(m))
	if err != nil {
		return nil, fmt.Errorf("list cases: %w", err)
	}
	defer rows.Close()
	cases := []membersock.ListedCase{}
	var newest struct { // of the case that is being read
		summary string // day
		state   int64
	}
	for rows.Next() {
		var c membersock.ListedCase
		var role id.Role
		var day, objectDay string
		var read int
		var seq int64
		var wrap, object sql.RawBytes
		if err := rows.Scan(&c.Case, &day, &c.Assigned, &wrap, &read, &role, &object, &objectDay, &seq); err != nil {
			return nil, fmt.Errorf("list cases: %w", err)
		}
		if len(cases) == 0 || cases[len(cases)-1].Case != c.Case {
			if c.Day, err = id.ParseDay(day); err != nil {
				return nil, err
			}
			c.Wrap, c.Unread = id.Digest(wrap), -read
			cases = append(cases, c)
			newest.summary, newest.state = "", 0
		}
		last := &cases[len(cases)-1]
		switch role {
		case id.RoleLetter, id.RoleAnswer, id.RoleNote:
			last.Objects++
			last.Unread++
		case id.RoleSummary:
			if objectDay > newest.summary {
				newest.summary, last.Summary = objectDay, id.Digest(object)
			}
		case id.RoleState:
			if seq > newest.state {
				newest.state, last.State = seq, id.Digest(object)
			}
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list cases: %w", err)
	}
	return cases, errors.Join(listReaders(g, m, cases), listForwards(g, m, cases))
}

// listReaders fills in who can read each of the listed cases.
func listReaders(g *group, m id.Member, cases []membersock.ListedCase) error {
	rows, err := g.tx.QueryContext(g.ctx, `
		SELECT r.case_id, r.member FROM wraps w JOIN wraps r ON r.case_id = w.case_id
		WHERE w.member = +? ORDER BY w.case_id, r.member`, string(m))
	if err != nil {
		return fmt.Errorf("read readers: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var of id.Case
		var reader id.Member
		if err := rows.Scan(&of, &reader); err != nil {
			return fmt.Errorf("read readers: %w", err)
		}
		for len(cases) > 0 && cases[0].Case < of {
			cases = cases[1:]
		}
		if len(cases) > 0 && cases[0].Case == of {
			cases[0].Readers = append(cases[0].Readers, reader)
		}
	}
	return rows.Err()
}

func readersOf(g *group, of id.Case) (all []id.Member, err error) {
	rows, err := g.tx.QueryContext(g.ctx, "SELECT member FROM wraps WHERE case_id = +? ORDER BY member", string(of))
	if err != nil {
		return nil, fmt.Errorf("read readers: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var m id.Member
		if err := rows.Scan(&m); err != nil {
			return nil, fmt.Errorf("read readers: %w", err)
		}
		all = append(all, m)
	}
	return all, rows.Err()
}

// view returns the case as a member sees it; its Wrap is zero if the member
// has just given up access.
func (v *Vault) view(g *group, of id.Case, m id.Member) (*membersock.CaseView, error) {
	c := &membersock.CaseView{Case: of}
	var began string
	var wrap []byte
	err := g.tx.QueryRowContext(g.ctx, `SELECT day, assigned, (SELECT digest FROM wraps w WHERE w.case_id = c.case_id AND member = ?)
		FROM cases c WHERE case_id = ?`, string(m), string(of)).Scan(&began, &c.Assigned, &wrap)
	if err != nil {
		return nil, fmt.Errorf("view case: %w", err)
	}
	copy(c.Wrap[:], wrap)
	if c.Day, err = id.ParseDay(began); err != nil {
		return nil, err
	}
	if c.Readers, err = readersOf(g, of); err != nil {
		return nil, err
	}
	if c.Objects, err = objectsOf(g.ctx, g.tx, of); err != nil {
		return nil, err
	}
	f, day, err := forwardingOf(g, of)
	if err != nil {
		return nil, err
	}
	c.Forward = shown(f, day)
	rows, err := g.tx.QueryContext(g.ctx, "SELECT seq, leaf FROM records WHERE case_id = +? AND case_id <> '' AND member <> '' ORDER BY seq", string(of))
	if err != nil {
		return nil, fmt.Errorf("view case: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var seq int64
		var leaf []byte
		if err := rows.Scan(&seq, &leaf); err != nil {
			return nil, fmt.Errorf("view case: %w", err)
		}
		r, err := accesslog.ParseRecord(leaf)
		if err != nil {
			return nil, err
		}
		s, err := accesslog.ReadStatement(r.Statement)
		if err != nil {
			return nil, err
		}
		e := membersock.AccessEntry{
			Seq: seq, Time: r.Time, Member: s.Member, Action: s.Action, To: s.To,
			Unit: s.Refer.Unit, Ends: s.Refer.Ends, Item: s.Item, Result: s.Result,
		}
		if len(handsIn[s.Action]) > 0 {
			e.Objects = slices.DeleteFunc(s.Objects, func(o id.Object) bool { return o.Role == id.RoleWrap })
		}
		c.Access = append(c.Access, e)
	}
	return c, rows.Err()
}

type rowser interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

func (v *Vault) objectsOf(ctx context.Context, of id.Case) ([]membersock.CaseObject, error) {
	return objectsOf(ctx, v.db.read, of)
}

// objectsOf returns a case's objects in the order of their digests, which says
// nothing.
func objectsOf(ctx context.Context, q rowser, of id.Case) (all []membersock.CaseObject, err error) {
	rows, err := q.QueryContext(ctx, `SELECT o.role, o.digest, o.size, o.day, o.member, o.seq, coalesce(x.day, '')
		FROM objects o LEFT JOIN destroyed x ON x.digest = o.digest WHERE o.case_id = +? ORDER BY o.digest`, string(of))
	if err != nil {
		return nil, fmt.Errorf("read objects: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var o membersock.CaseObject
		var digest []byte
		var day, destroyed string
		if err := rows.Scan(&o.Role, &digest, &o.Size, &day, &o.By, &o.Seq, &destroyed); err != nil {
			return nil, fmt.Errorf("read objects: %w", err)
		}
		o.Digest = id.Digest(digest)
		if o.Day, err = id.ParseDay(day); err != nil {
			return nil, err
		}
		if destroyed != "" {
			if o.Destroyed, err = id.ParseDay(destroyed); err != nil {
				return nil, err
			}
		}
		all = append(all, o)
	}
	return all, rows.Err()
}

// answer writes the answer and the bytes that go with it.
func (v *Vault) answer(ctx context.Context, s accesslog.Statement, a membersock.ActAnswer, have []id.Digest, out *frame.Writer) error {
	if err := out.Head(a); err != nil {
		return err
	}
	had := make(map[id.Digest]bool, len(have)) // a list of thousands names thousands
	for _, d := range have {
		had[d] = true
	}
	wrap := func(of id.Case, d id.Digest) error {
		if d.IsZero() || had[d] {
			return nil
		}
		var b []byte
		if err := v.db.read.QueryRowContext(ctx, "SELECT data FROM wraps WHERE case_id = ? AND digest = ?", string(of), d[:]).Scan(&b); err != nil {
			return fmt.Errorf("read wrap: %w", err)
		}
		return out.Object(id.Object{Role: id.RoleWrap, Digest: d, Size: int64(len(b))}, b)
	}
	send := func(role id.Role, d id.Digest) error {
		if d.IsZero() || had[d] {
			return nil
		}
		return v.stream(ctx, out, id.Object{Role: role, Digest: d})
	}
	for _, c := range a.Cases {
		if err := errors.Join(wrap(c.Case, c.Wrap), send(id.RoleSummary, c.Summary), send(id.RoleState, c.State)); err != nil {
			return err
		}
		if c.Forward != nil { // its outcome tells the status
			if err := send(id.RoleOutcome, c.Forward.Outcome); err != nil {
				return err
			}
		}
	}
	for _, i := range a.Items {
		if err := errors.Join(send(id.RoleItem, i.Item), send(id.RoleOutcome, i.Outcome)); err != nil {
			return err
		}
	}
	if a.Case != nil && (s.Action == accesslog.Open || s.Action == accesslog.Export) {
		if err := wrap(a.Case.Case, a.Case.Wrap); err != nil {
			return err
		}
		for _, o := range a.Case.Objects {
			asked := slices.Contains(s.Objects, o.Object)
			whole := len(s.Objects) == 0 && (o.Role != id.RoleContent || s.Action == accesslog.Export)
			if (asked || whole) && o.Role != id.RoleCard && o.Destroyed.IsZero() {
				if err := send(o.Role, o.Digest); err != nil {
					return err
				}
			}
		}
	}
	return out.Commit(struct{}{})
}
