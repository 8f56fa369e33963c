package vault

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/vault/depositsock"
	"suluh.example/suluh/vault/frame"
)

// Lookup gives whoever knows the code what is sealed to the reporter, and what
// the reporter's side needs to check that nothing was swapped. It is recorded
// nowhere.
func (v *Vault) Lookup(ctx context.Context, l id.Lookup, answer *frame.Writer) error {
	ctx = context.WithoutCancel(ctx) // as for a statement's answer
	lookup := l.Hash()
	a := depositsock.LookupAnswer{}
	var logged string
	err := v.db.read.QueryRowContext(ctx, `SELECT c.case_id, NOT EXISTS (SELECT 1 FROM deposits w WHERE w.case_id = c.case_id AND w.seq < 0),
		coalesce(d.logged, ''), coalesce(d.receipt, '')
		FROM cases c LEFT JOIN deposits d ON d.case_id = c.case_id AND d.wraps <> '-' WHERE lookup = +?`, lookup[:]).Scan(&a.Case, &a.InLog, &logged, &a.Receipt)
	if errors.Is(err, sql.ErrNoRows) {
		return depositsock.ErrUnknown
	}
	if err != nil {
		return fmt.Errorf("find case: %w", err)
	}
	if logged != "" {
		if a.Logged, err = id.ParseDay(logged); err != nil {
			return err
		}
	}
	objects, err := v.objectsOf(ctx, a.Case)
	if err != nil {
		return err
	}
	for _, o := range objects {
		if !o.Role.FromReporter() && !o.Role.ToReporter() {
			continue
		}
		x := depositsock.StoredObject{Object: o.Object, Day: o.Day}
		if !o.Destroyed.IsZero() {
			if x.Destroyed, err = v.destroyedOf(ctx, o.Digest); err != nil {
				return err
			}
		}
		a.Objects = append(a.Objects, x)
	}
	if err := answer.Head(a); err != nil {
		return err
	}
	for _, o := range a.Objects {
		if o.Role.ToReporter() && o.Destroyed == nil {
			if err := v.stream(ctx, answer, o.Object); err != nil {
				return err
			}
		}
	}
	return answer.Commit(struct{}{})
}

// stream writes an object to an answer.
func (v *Vault) stream(ctx context.Context, out *frame.Writer, o id.Object) error {
	data, r, err := v.openObject(ctx, o.Digest)
	if err != nil {
		return err
	}
	if data != nil {
		return out.Object(o, data)
	}
	defer r.Close()
	w, err := out.Begin(o)
	if err != nil {
		return err
	}
	if _, err := io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{r}, make([]byte, 128<<10)); err != nil {
		return err
	}
	return w.Close()
}
