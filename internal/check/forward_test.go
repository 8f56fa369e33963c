package check_test

import (
	"bytes"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/casecode"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/check"
	"suluh.example/suluh/internal/member"
	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/internal/testkey"
	"suluh.example/suluh/internal/testvault"
)

const forwarder id.Member = "penerus"

// newForwardScene is a vault in which a was forwarded, with an outcome that nobody
// knew at first, and b was referred to another unit, which ended the access of
// the first. A text of c is prepared.
func newForwardScene(t *testing.T) (s *scene, c id.Case) {
	t.Helper()
	w := testvault.New(t)
	s = &scene{t: t, w: w, codes: map[id.Case]casecode.Code{}, kept: t.TempDir(), folder: filepath.Join(t.TempDir(), "log")}
	w.Join(forwarder, "Penerus", "itprov", roster.Forwarder)
	w.Change(func(r *roster.Roster) {
		i := slices.IndexFunc(r.Members, func(m roster.Member) bool { return m.ID == testvault.Three })
		r.Members[i].Roles = append(r.Members[i].Roles, roster.Approver)
	})
	send := func() id.Case { return w.Look(w.Send(testvault.Form("itprov"))).Case }
	s.a, s.b, c = send(), send(), send()
	s.reads = []id.Case{s.a, c}
	ctx := t.Context()
	one, two := s.session(testvault.One, w.Member, s.kept), s.session(testvault.Two, w.Member, "")
	three, forwards := s.session(testvault.Three, w.Member, ""), s.session(forwarder, w.Member, "")
	prepare := func(of id.Case) {
		must(t, two.Triage(ctx, of, member.NewOnce(), member.Triage{Class: report.General}))
		must(t, two.Prepare(ctx, of, member.NewOnce(), "Jalan rusak", "Jalan di depan pasar rusak."))
	}
	prepare(s.a)
	opened, err := one.Open(ctx, s.a)
	must(t, err)
	must(t, one.Approve(ctx, s.a, member.NewOnce(), opened.Draft.Object, false))
	collect := func() member.Outgoing {
		items, err := forwards.Collect(ctx)
		must(t, err)
		must(t, items[0].Err)
		return items[0]
	}
	must(t, forwards.Begin(ctx, collect()))
	must(t, forwards.Outcome(ctx, collect(), report.Outcome{Result: accesslog.ResultUnknown, Text: "antrean tidak menjawab"}, nil))
	_, err = w.Vault.Batch(ctx)
	must(t, err)
	must(t, one.Decide(ctx, s.a, member.NewOnce(), member.Decision{Item: collect().Digest, Result: accesslog.ResultSent, Tracking: "1234567"}))
	must(t, forwards.Outcome(ctx, collect(), report.Outcome{Result: accesslog.ResultStatus, Status: report.Forwarded}, nil))
	_, err = two.Open(ctx, s.b)
	must(t, err)
	must(t, one.Revoke(ctx, s.b, testvault.Two))
	must(t, one.Grant(ctx, s.b, testvault.Two))
	_, err = two.Open(ctx, s.b)
	must(t, err)
	must(t, one.Refer(ctx, s.b, "itjen", true))
	_, err = three.Open(ctx, s.b)
	must(t, err)
	prepare(c)
	_, err = one.Open(ctx, c)
	must(t, err)
	_, err = one.List(ctx)
	must(t, err)
	_, err = check.Export(ctx, s.folder, w.Vault.LogFile, s.vkey(), nil)
	must(t, err)
	s.save()
	collect()
	must(t, forwards.Outcome(ctx, collect(), report.Outcome{Result: accesslog.ResultDone, Status: report.Forwarded}, nil))
	_, err = one.List(ctx)
	must(t, err)
	one.Close()
	bundle, err := w.Vault.LogFile(ctx, accesslog.TilePath(tlog.Tile{H: 8, L: -1, W: int(one.Seen().N)}))
	must(t, err)
	leaves, err := accesslog.Entries(bundle)
	must(t, err)
	for _, leaf := range leaves {
		r, err := accesslog.ParseRecord(leaf)
		must(t, err)
		s.records = append(s.records, r)
	}
	return s, c
}

// TestTamperingWithForwarding is TestTampering for what concerns the main queue and
// referrals: with the log's key in hand, and in league with a member where that
// member alone could not do it.
func TestTamperingWithForwarding(t *testing.T) {
	s, c := newForwardScene(t)
	const one, two, three = testvault.One, testvault.Two, testvault.Three
	stranger, _, _ := testkey.New(t, string(one))
	type records = []accesslog.Record
	end := func(s *scene) int { return len(s.records) }
	afterEnd := func(s *scene) int { return len(s.records) + 1 }
	item := func(x *store) id.Digest { return x.handed(x.nth(1, "approve-forward", one, x.a), id.RoleItem) }
	draft := func(x *store, of id.Case) id.Digest {
		return x.handed(x.nth(1, "prepare-forward", two, of), id.RoleDraft)
	}
	some := func(role id.Role) []id.Object {
		b, d := object(400)
		return []id.Object{{Role: role, Digest: d, Size: int64(len(b))}}
	}
	own := some(id.RoleDraft)
	// add puts statements at the log's end.
	add := func(made ...func(*store, accesslog.Record) accesslog.Record) func(*store) {
		return func(x *store) {
			x.rewrite(func(r records) records {
				for _, make := range made {
					like := r[x.nth(1, "list", one, "")]
					like.Time = r[len(r)-1].Time
					r = append(r, make(x, like))
				}
				return r
			})
		}
	}
	// by is a statement of a member about a case, for which the member has the
	// access that a record of his of that case shows.
	by := func(m id.Member, a accesslog.Action, of id.Case, cover func(*store) accesslog.Cover, change func(*store, *accesslog.Statement)) func(*store, accesslog.Record) accesslog.Record {
		return func(x *store, like accesslog.Record) accesslog.Record {
			like.Count = 0
			if like.Cover = (accesslog.Cover{}); cover != nil {
				like.Cover = cover(x)
			}
			return x.forge(x.w.Who[m].Signer(), like, func(st *accesslog.Statement) {
				if st.Action, st.Case = a, of; change != nil {
					change(x, st)
				}
			})
		}
	}
	coverOf := func(n int, what string, m id.Member, of id.Case) func(*store) accesslog.Cover {
		return func(x *store) accesslog.Cover { return x.records[x.nth(n, what, m, of)].Cover }
	}
	t.Run("nothing is changed", func(t *testing.T) { nothing(t, s) })
	t.Run("what may happen is added", func(t *testing.T) {
		x := s.copy(t)
		add(by(one, accesslog.ApproveForward, c, coverOf(1, "open", one, c), func(x *store, st *accesslog.Statement) {
			st.Item, st.Objects = draft(x, c), some(id.RoleItem)
		}), by(three, accesslog.Open, s.b, coverOf(1, "open", three, s.b), nil))(x)
		x.start()
		must(t, x.auditor())
	})
	approval := coverOf(1, "forward", forwarder, s.a)
	for _, x := range []tampering{
		{name: "an approval is invented", by: []string{auditor}, fault: check.FaultSignature, at: end, edit: func(x *store) {
			x.rewrite(func(r records) records {
				like := r[x.nth(1, "open", one, c)]
				like.Time = r[len(r)-1].Time
				return append(r, x.forge(stranger, like, func(st *accesslog.Statement) {
					st.Action, st.Case, st.Item, st.Objects = accesslog.ApproveForward, c, draft(x, c), some(id.RoleItem)
				}))
			})
		}},
		{name: "an approval is dropped", by: []string{auditor, folder}, edit: func(x *store) {
			x.rewrite(func(r records) records {
				i := x.nth(1, "approve-forward", one, x.a)
				return slices.Delete(r, i, i+1)
			})
		}},
		{name: "what was approved is edited", by: []string{auditor, folder}, fault: check.FaultSignature, at: func(s *scene) int { return s.nth(1, "approve-forward", one, s.a) }, edit: func(x *store) {
			x.rewrite(func(r records) records {
				i := x.nth(1, "approve-forward", one, x.a)
				r[i].Statement = bytes.Replace(r[i].Statement, []byte(item(x).String()), []byte(some(id.RoleItem)[0].Digest.String()), 1)
				return r
			})
		}},
		{name: "a forwarder sends what is prepared and nobody approved", by: []string{auditor}, fault: check.FaultForward, at: end, edit: add(
			by(forwarder, accesslog.Forward, c, approval, func(x *store, st *accesslog.Statement) { st.Item = draft(x, c) }))},
		{name: "a forwarder sends what nobody prepared", by: []string{auditor}, fault: check.FaultForward, at: end, edit: add(
			by(forwarder, accesslog.Forward, s.b, approval, func(x *store, st *accesslog.Statement) { st.Item = item(x) }))},
		{name: "a forwarder sends what was sent before", by: []string{auditor}, fault: check.FaultForward, at: end, edit: add(
			by(forwarder, accesslog.Forward, s.a, approval, func(x *store, st *accesslog.Statement) { st.Item = item(x) }))},
		{name: "a forwarder names another approval", by: []string{auditor, folder}, fault: check.FaultForward, at: func(s *scene) int { return s.nth(1, "forward", forwarder, s.a) }, edit: func(x *store) {
			x.rewrite(func(r records) records {
				r[x.nth(1, "forward", forwarder, x.a)].Cover.Approval--
				return r
			})
		}},
		{name: "somebody else forwards", by: []string{auditor}, fault: check.FaultMember, at: end, edit: add(
			by(one, accesslog.Forward, s.a, approval, func(x *store, st *accesslog.Statement) { st.Item = item(x) }))},
		{name: "somebody else collects", by: []string{auditor}, fault: check.FaultMember, at: end, edit: add(by(two, accesslog.Collect, "", nil, nil))},
		{name: "somebody approves what he prepared himself", by: []string{auditor}, fault: check.FaultForward, at: afterEnd, edit: add(
			by(one, accesslog.PrepareForward, c, coverOf(1, "open", one, c), func(_ *store, st *accesslog.Statement) { st.Objects = own }),
			by(one, accesslog.ApproveForward, c, coverOf(1, "open", one, c), func(_ *store, st *accesslog.Statement) {
				st.Item, st.Objects = own[0].Digest, some(id.RoleItem)
			}))},
		{name: "somebody approves alone whom the roster doesn't let", by: []string{auditor}, fault: check.FaultMember, at: end, edit: add(
			by(one, accesslog.ApproveAlone, c, coverOf(1, "open", one, c), func(x *store, st *accesslog.Statement) {
				st.Item, st.Objects = draft(x, c), some(id.RoleItem)
			}))},
		{name: "somebody approves who is no approver", by: []string{auditor}, fault: check.FaultMember, at: end, edit: add(
			by(two, accesslog.ApproveForward, c, coverOf(1, "prepare-forward", two, c), func(x *store, st *accesslog.Statement) {
				st.Item, st.Objects = draft(x, c), some(id.RoleItem)
			}))},
		{name: "an approver of another unit approves without access", by: []string{auditor}, fault: check.FaultCover, at: end, edit: add(
			by(three, accesslog.ApproveForward, c, coverOf(1, "open", three, s.b), func(x *store, st *accesslog.Statement) {
				st.Item, st.Objects = draft(x, c), some(id.RoleItem)
			}))},
		{name: "a draft is approved that was not prepared", by: []string{auditor}, fault: check.FaultForward, at: end, edit: add(
			by(one, accesslog.ApproveForward, c, coverOf(1, "open", one, c), func(x *store, st *accesslog.Statement) {
				st.Item, st.Objects = draft(x, x.a), some(id.RoleItem)
			}))},
		{name: "somebody decides who is no approver", by: []string{auditor}, fault: check.FaultMember, at: end, edit: add(
			by(two, accesslog.Decide, c, coverOf(1, "prepare-forward", two, c), func(x *store, st *accesslog.Statement) {
				st.Item, st.Result, st.Objects = draft(x, c), accesslog.ResultDropped, some(id.RoleOutcome)
			}))},
		{name: "what is done is decided to be sent again", by: []string{auditor}, fault: check.FaultForward, at: end, edit: add(
			by(one, accesslog.Decide, s.a, coverOf(1, "open", one, s.a), func(x *store, st *accesslog.Statement) {
				st.Item, st.Result, st.Objects = item(x), accesslog.ResultAgain, some(id.RoleOutcome)
			}))},
		{name: "an outcome is dropped", by: []string{auditor, folder}, edit: func(x *store) {
			x.rewrite(func(r records) records {
				i := x.nth(1, "outcome", forwarder, x.a)
				return slices.Delete(r, i, i+1)
			})
		}},
		{name: "the newest outcome is dropped, with all that follows", by: []string{desk}, edit: func(x *store) {
			x.rewrite(func(r records) records { return r[:x.nth(3, "outcome", forwarder, x.a)] })
		}},
		{name: "an outcome is edited", by: []string{auditor, folder}, fault: check.FaultSignature, at: func(s *scene) int { return s.nth(1, "outcome", forwarder, s.a) }, edit: func(x *store) {
			x.rewrite(func(r records) records {
				i := x.nth(1, "outcome", forwarder, x.a)
				r[i].Statement = bytes.Replace(r[i].Statement, []byte("result unknown"), []byte("result refused"), 1)
				return r
			})
		}},
		{name: "an outcome is invented", by: []string{auditor}, fault: check.FaultSignature, at: func(s *scene) int { return s.nth(3, "outcome", forwarder, s.a) }, edit: func(x *store) {
			stranger, _, _ := testkey.New(x.t, string(forwarder))
			x.rewrite(func(r records) records {
				like := r[x.nth(1, "outcome", forwarder, x.a)]
				like.Time = r[x.nth(3, "outcome", forwarder, x.a)].Time
				return append(r[:x.nth(3, "outcome", forwarder, x.a)], x.forge(stranger, like, func(st *accesslog.Statement) {
					st.Action, st.Item, st.Result, st.Objects = accesslog.Outcome, item(x), accesslog.ResultDone, some(id.RoleOutcome)
				}))
			})
		}},
		{name: "an outcome of what is done follows", by: []string{auditor}, fault: check.FaultForward, at: end, edit: add(
			by(forwarder, accesslog.Outcome, s.a, approval, func(x *store, st *accesslog.Statement) {
				st.Item, st.Result, st.Objects = item(x), accesslog.ResultStatus, some(id.RoleOutcome)
			}))},
		{name: "a collect counts fewer than there were", by: []string{auditor, folder}, fault: check.FaultForward, at: func(s *scene) int { return s.nth(1, "collect", forwarder, "") }, edit: func(x *store) {
			x.rewrite(func(r records) records { r[x.nth(1, "collect", forwarder, "")].Count--; return r })
		}},
		// In the vault's tables, while it runs.
		{name: "the outbox says that what is done was only approved", by: []string{auditor}, fault: check.FaultForward, at: end, edit: func(x *store) {
			x.sql("UPDATE outbox SET state = 'approved' WHERE case_id = ?", string(x.a))
		}, live: func(x *store) { x.collects() }},
		{name: "the outbox has what nobody approved", by: []string{auditor}, fault: check.FaultForward, at: end, edit: func(x *store) {
			x.sql("UPDATE outbox SET state = 'approved', item = draft, approved = 'penelaah-satu', approval = 1 WHERE case_id = ?", string(c))
		}, live: func(x *store) { x.collects() }},
		// Referrals.
		{name: "a referral is invented", by: []string{auditor}, fault: check.FaultSignature, at: end, edit: func(x *store) {
			x.rewrite(func(r records) records {
				like := r[x.nth(1, "open", one, x.a)]
				like.Time = r[len(r)-1].Time
				return append(r, x.forge(stranger, like, func(st *accesslog.Statement) {
					st.Action, st.Refer = accesslog.Refer, accesslog.Referral{Unit: "itjen", Readers: []id.Member{three}}
					st.Objects = append(some(id.RoleWrap), some(id.RoleState)...)
				}))
			})
		}},
		{name: "a referral is to somebody of another unit", by: []string{auditor}, fault: check.FaultMember, at: end, edit: add(
			by(one, accesslog.Refer, s.a, coverOf(1, "open", one, s.a), func(x *store, st *accesslog.Statement) {
				st.Refer = accesslog.Referral{Unit: "itjen", Readers: []id.Member{three, two}}
				st.Objects = slices.Concat(some(id.RoleWrap), some(id.RoleWrap), some(id.RoleState))
			}))},
		{name: "an access names a referral that never was", by: []string{auditor}, fault: check.FaultCover, at: end, edit: add(
			by(three, accesslog.Open, s.a, func(x *store) accesslog.Cover {
				return accesslog.Cover{Grant: int64(x.nth(1, "approve-forward", one, x.a))}
			}, nil))},
		{name: "an access names the referral of another case", by: []string{auditor}, fault: check.FaultCover, at: end, edit: add(
			by(three, accesslog.Open, s.a, func(x *store) accesslog.Cover {
				return accesslog.Cover{Grant: int64(x.nth(1, "refer", one, x.b))}
			}, nil))},
		{name: "an access names an approval", by: []string{auditor}, fault: check.FaultCover, at: end, edit: add(by(three, accesslog.Open, s.a, approval, nil))},
		{name: "who referred a case away goes on reading it", by: []string{auditor}, fault: check.FaultCover, at: end, edit: add(
			by(one, accesslog.Open, s.b, coverOf(1, "refer", one, s.b), nil))},
		{name: "another whose access a referral ended goes on reading", by: []string{auditor}, fault: check.FaultCover, at: end, edit: add(
			by(two, accesslog.Open, s.b, coverOf(2, "open", two, s.b), nil))},
		{name: "whose access a referral ended gives it to himself again", by: []string{auditor}, fault: check.FaultCover, at: end, edit: add(
			by(two, accesslog.Grant, s.b, coverOf(1, "open", two, s.b), func(x *store, st *accesslog.Statement) {
				st.To, st.Objects = two, some(id.RoleWrap)
			}))},
		{name: "a referral that ended access says that it kept it", by: []string{auditor, folder}, fault: check.FaultSignature, at: func(s *scene) int { return s.nth(1, "refer", one, s.b) }, edit: func(x *store) {
			x.rewrite(func(r records) records {
				i := x.nth(1, "refer", one, x.b)
				r[i].Statement = bytes.Replace(r[i].Statement, []byte("itjen ends"), []byte("itjen keeps"), 1)
				return r
			})
		}},
		{name: "a wrap that a referral took is put back", by: []string{auditor}, fault: check.FaultCover, at: end, edit: func(x *store) {
			wrap, d := object(2000)
			x.sql("INSERT INTO wraps (case_id, member, digest, data, grant_seq) VALUES (?, ?, ?, ?, ?)", string(x.b), string(one), d[:], wrap, x.nth(1, "refer", one, x.b))
		}, live: func(x *store) { x.opens(one, x.b) }},
	} {
		t.Run(x.name, func(t *testing.T) { x.try(t, s) })
	}
}

// collects has the forwarder collect and begin whatever the vault gives out.
func (x *store) collects() {
	x.t.Helper()
	s := x.session(forwarder, x.desk, "")
	defer s.Close()
	items, err := s.Collect(x.t.Context())
	must(x.t, err)
	for _, i := range items {
		if i.Err != nil {
			x.t.Log(i.Err)
		} else if err := s.Begin(x.t.Context(), i); err != nil {
			x.t.Log(err)
		}
	}
}
