package check_test

import (
	"slices"
	"testing"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/internal/testvault"
)

// unsealings are what could be done to the records by which key witnesses are asked
// for their shares.
func unsealings(t *testing.T) []tampering {
	t.Helper()
	const one, two = testvault.One, testvault.Two
	type records = []accesslog.Record
	after := func(n int) func(*scene) int { return func(s *scene) int { return s.nth(3, "open", one, "") + n } }
	// unseal returns a record as the vault would have made it just after an opening.
	unseal := func(x *store, r records, by id.Member, opened int, of id.Case) accesslog.Record {
		like := r[x.nth(3, "open", one, "")]
		like.Cover = accesslog.Cover{}
		return x.forge(x.w.Who[by].Signer(), like, func(s *accesslog.Statement) {
			s.Action, s.Case, s.Opened, s.Handle = accesslog.Unseal, "", int64(opened), id.HandleOf(of)
		})
	}
	insert := func(x *store, make func(r records, i int) records) {
		x.rewrite(func(r records) records {
			i := x.nth(3, "open", one, "")
			return slices.Insert(r, i+1, make(r, i)...)
		})
	}
	return []tampering{
		{name: "shares of another case are asked for", by: []string{auditor, folder}, at: after(1), edit: func(x *store) {
			insert(x, func(r records, i int) records { return records{unseal(x, r, one, i, x.b)} })
		}},
		{name: "shares are asked for without an opening", by: []string{auditor, folder}, at: after(1), edit: func(x *store) {
			insert(x, func(r records, _ int) records { return records{unseal(x, r, one, 1, x.a)} })
		}},
		{name: "shares are asked for by the opening of another member", by: []string{auditor, folder}, at: after(1), edit: func(x *store) {
			insert(x, func(r records, i int) records { return records{unseal(x, r, two, i, x.a)} })
		}},
		{name: "the asking for shares is replayed", by: []string{auditor, folder}, at: after(2), edit: func(x *store) {
			insert(x, func(r records, i int) records {
				u := unseal(x, r, one, i, x.a)
				return records{u, u}
			})
		}},
	}
}
