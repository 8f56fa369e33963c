package accesslog_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"pgregory.net/rapid"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/internal/testkey"
)

// like is a statement of an action that lacks nothing.
func like(a accesslog.Action) accesslog.Statement {
	s := accesslog.Statement{
		Log: "suluh.example/uji", Action: a, Member: "penelaah-satu", Case: id.CaseFrom([10]byte{}),
		Nonce: [16]byte{1}, Time: time.Date(2026, 11, 24, 10, 12, 33, 0, time.UTC), Seen: accesslog.EmptyTree(),
	}
	object := func(role id.Role) {
		s.Objects = append(s.Objects, id.Object{Role: role, Digest: id.DigestOf([]byte(role)), Size: 1000})
	}
	switch a {
	case accesslog.List, accesslog.Collect:
		s.Case = ""
	case accesslog.Unseal:
		s.Opened, s.Handle, s.Case = 41, id.HandleOf(s.Case), ""
	case accesslog.Assign, accesslog.Revoke:
		s.To = "penelaah-dua"
	case accesslog.Grant:
		s.To = "penelaah-dua"
		object(id.RoleWrap)
	case accesslog.Triage:
		object(id.RoleState)
	case accesslog.Refer:
		s.Refer = accesslog.Referral{Unit: "itjen", Ends: true, Readers: []id.Member{"penelaah-tiga", "recovery-itjen"}}
		s.Objects = append(s.Objects,
			id.Object{Role: id.RoleWrap, Digest: id.DigestOf([]byte("one")), Size: 2900}, id.Object{Role: id.RoleWrap, Digest: id.DigestOf([]byte("two")), Size: 2900})
		object(id.RoleState)
	case accesslog.PrepareForward:
		object(id.RoleDraft)
	case accesslog.ApproveForward, accesslog.ApproveAlone:
		s.Item = id.DigestOf([]byte(id.RoleDraft))
		object(id.RoleItem)
	case accesslog.Decide:
		s.Item, s.Result = id.DigestOf([]byte(id.RoleDraft)), accesslog.ResultReturned
		object(id.RoleOutcome)
	case accesslog.Forward:
		s.Member, s.Item = "penerus", id.DigestOf([]byte(id.RoleItem))
	case accesslog.Outcome:
		s.Member, s.Item, s.Result = "penerus", id.DigestOf([]byte(id.RoleItem)), accesslog.ResultSent
		object(id.RoleOutcome)
	}
	return s
}

func TestStatementsOfEachActionParseBack(t *testing.T) {
	signer, verifier, _ := testkey.New(t, "penelaah-satu")
	for _, a := range accesslog.Actions() {
		s := like(a)
		s.Member = "penelaah-satu"
		msg, err := s.Sign(signer)
		if err != nil {
			t.Errorf("%s: %v", a, err)
			continue
		}
		got, err := accesslog.OpenStatement(msg, note.VerifierList(verifier))
		if err != nil || got.Text() != s.Text() || got.Item != s.Item || got.Result != s.Result || got.Opened != s.Opened || got.Handle != s.Handle || got.Refer.Unit != s.Refer.Unit || len(got.Refer.Readers) != len(s.Refer.Readers) {
			t.Errorf("%s: got %+v, %v", a, got, err)
		}
	}
}

// TestFormatsShowsStatements holds the examples of docs/formats.md.
func TestFormatsShowsStatements(t *testing.T) {
	docs, err := os.ReadFile("../../docs/formats.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range []accesslog.Action{accesslog.Refer, accesslog.Outcome} {
		want := "    " + strings.ReplaceAll(strings.TrimSpace(like(a).Text()), "\n", "\n    ") + "\n"
		if !strings.Contains(string(docs), want) {
			t.Errorf("docs/formats.md lacks\n%s", want)
		}
	}
}

func TestStatementsThatMeanNothingAreRefused(t *testing.T) {
	more := func(role id.Role) func(*accesslog.Statement) {
		return func(s *accesslog.Statement) {
			s.Objects = append(s.Objects, id.Object{Role: role, Digest: id.DigestOf([]byte("more")), Size: 1})
		}
	}
	none := func(s *accesslog.Statement) { s.Objects = nil }
	item := func(s *accesslog.Statement) { s.Item = id.DigestOf(nil) }
	noItem := func(s *accesslog.Statement) { s.Item = id.Digest{} }
	result := func(r accesslog.Result) func(*accesslog.Statement) {
		return func(s *accesslog.Statement) { s.Result = r }
	}
	readers := func(all ...id.Member) func(*accesslog.Statement) {
		return func(s *accesslog.Statement) { s.Refer.Readers = all }
	}
	signer, _, _ := testkey.New(t, "penelaah-satu")
	for name, x := range map[string]struct {
		a      accesslog.Action
		change func(*accesslog.Statement)
	}{
		"collect of a case":            {accesslog.Collect, func(s *accesslog.Statement) { s.Case = id.CaseFrom([10]byte{}) }},
		"forward of no case":           {accesslog.Forward, func(s *accesslog.Statement) { s.Case = "" }},
		"forward of nothing":           {accesslog.Forward, noItem},
		"forward with a result":        {accesslog.Forward, result(accesslog.ResultSent)},
		"approval of nothing":          {accesslog.ApproveForward, noItem},
		"approval without an item":     {accesslog.ApproveForward, none},
		"approval of two items":        {accesslog.ApproveAlone, more(id.RoleItem)},
		"draft that is missing":        {accesslog.PrepareForward, none},
		"two drafts":                   {accesslog.PrepareForward, more(id.RoleDraft)},
		"draft of an item":             {accesslog.PrepareForward, item},
		"open of an item":              {accesslog.Open, item},
		"open with a result":           {accesslog.Open, result(accesslog.ResultSent)},
		"open with a unit":             {accesslog.Open, func(s *accesslog.Statement) { s.Refer.Unit = "itjen" }},
		"grant with a unit":            {accesslog.Grant, func(s *accesslog.Statement) { s.Refer = like(accesslog.Refer).Refer }},
		"decision without a result":    {accesslog.Decide, result("")},
		"decision with a forwarder's":  {accesslog.Decide, result(accesslog.ResultWaiting)},
		"decision without its reason":  {accesslog.Decide, none},
		"outcome without a result":     {accesslog.Outcome, result("")},
		"outcome with an approver's":   {accesslog.Outcome, result(accesslog.ResultAgain)},
		"outcome that nobody agreed":   {accesslog.Outcome, result("terkirim")},
		"outcome without its document": {accesslog.Outcome, none},
		"triage without a state":       {accesslog.Triage, none},
		"referral to nobody":           {accesslog.Refer, readers()},
		"referral to paper alone":      {accesslog.Refer, func(s *accesslog.Statement) { s.Refer.Readers, s.Objects = s.Refer.Readers[1:], s.Objects[1:] }},
		"referral to one twice":        {accesslog.Refer, readers("penelaah-tiga", "penelaah-tiga")},
		"referral with a wrap too few": {accesslog.Refer, readers("penelaah-tiga", "penelaah-empat", "recovery-itjen")},
		"referral with one too many":   {accesslog.Refer, more(id.RoleWrap)},
		"referral without a state":     {accesslog.Refer, func(s *accesslog.Statement) { s.Objects = s.Objects[:2] }},
		"referral to no unit":          {accesslog.Refer, func(s *accesslog.Statement) { s.Refer.Unit = "" }},
	} {
		s := like(x.a)
		x.change(&s)
		if _, err := s.Sign(signer); !errors.Is(err, accesslog.ErrFormat) {
			t.Errorf("%s: signed, %v", name, err)
		}
		if _, err := accesslog.ParseStatement(s.Text()); !errors.Is(err, accesslog.ErrFormat) {
			t.Errorf("%s: taken, %v", name, err)
		}
	}
	text := like(accesslog.Refer).Text()
	for _, change := range [][2]string{
		{"itjen ends", "itjen Ends"},
		{"itjen ends", "itjen"},
		{"itjen ends", "itjen ends keeps"},
		{"readers penelaah-tiga", "readers  penelaah-tiga"},
		{"unit itjen ends\nreaders penelaah-tiga recovery-itjen", "readers penelaah-tiga recovery-itjen\nunit itjen ends"},
	} {
		if _, err := accesslog.ParseStatement(strings.Replace(text, change[0], change[1], 1)); !errors.Is(err, accesslog.ErrFormat) {
			t.Errorf("%q: %v", change[1], err)
		}
	}
}

// TestNothingIsSentUnapprovedOrTwice takes steps at random, as two people and a
// forwarder could in any order.
func TestNothingIsSentUnapprovedOrTwice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var f accesslog.Forwarding
		approvals := map[id.Digest]int{}       // by item
		mayHaveIt := map[id.Digest]bool{}      // items that the queue may have
		certain := map[accesslog.Result]bool{} // outcomes after which it certainly has not
		certain[accesslog.ResultWaiting], certain[accesslog.ResultRefused], certain[accesslog.ResultStopped] = true, true, true
		for seq := range int64(40) {
			s := like(rapid.SampledFrom([]accesslog.Action{
				accesslog.PrepareForward, accesslog.ApproveForward, accesslog.ApproveAlone, accesslog.Decide, accesslog.Forward, accesslog.Outcome,
			}).Draw(t, "action"))
			s.Member = rapid.SampledFrom([]id.Member{"penelaah-satu", "penelaah-dua"}).Draw(t, "member")
			if s.Result != "" {
				s.Result = rapid.SampledFrom([]accesslog.Result{"returned", "again", "dropped", "sent", "unknown", "refused", "stopped", "waiting", "status", "done"}).Draw(t, "result")
			}
			if len(s.Objects) > 0 {
				s.Objects[0].Digest = id.DigestOf([]byte{byte(seq)})
			}
			if s.Action != accesslog.PrepareForward {
				s.Item = rapid.SampledFrom([]id.Digest{f.Draft, f.Item, id.DigestOf(nil)}).Draw(t, "item")
			}
			before := f
			next, err := f.Apply(s, seq)
			if err != nil {
				if next != before {
					t.Fatal("a step that couldn't be taken changed something")
				}
				continue
			}
			f = next
			switch {
			case s.Action == accesslog.ApproveForward && f.Prepared == s.Member:
				t.Fatal("somebody approved his own as if two had been there")
			case s.Action == accesslog.ApproveForward || s.Action == accesslog.ApproveAlone:
				approvals[f.Item]++
			case s.Action == accesslog.Forward:
				if approvals[s.Item] != 1 || s.Item != f.Item {
					t.Fatal("what nobody approved is sent")
				}
				if mayHaveIt[s.Item] {
					t.Fatal("what the queue may have is sent again, though nobody decided so")
				}
				mayHaveIt[s.Item] = true
			case s.Action == accesslog.Outcome && certain[s.Result], s.Action == accesslog.Decide && s.Result == accesslog.ResultAgain:
				mayHaveIt[s.Item] = false
			}
			if f.Stage.HasItem() && (f.Item.IsZero() || f.Approval == 0) {
				t.Fatalf("what is %s has no approved item", f.Stage)
			}
			if r := f.Restored(99); r.Stage == accesslog.StageApproved || r.Stage == accesslog.StageSending || r.Stage.HasItem() != f.Stage.HasItem() {
				t.Fatalf("after a restore what was %s is %s", f.Stage, r.Stage)
			}
		}
	})
}
