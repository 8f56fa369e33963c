package member_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/member"
	"suluh.example/suluh/internal/testvault"
	"suluh.example/suluh/internal/witness"
	"suluh.example/suluh/vault"
	"suluh.example/suluh/vault/frame"
	"suluh.example/suluh/vault/membersock"
)

// cosignings notes what each request says is known of the witnesses, and what comes.
type cosignings struct {
	*vault.Vault
	liar  testvault.Liar
	known []int64
	came  int
	kept  bool // back: the vault tells nothing more of the witnesses
}

func (c *cosignings) Act(ctx context.Context, head membersock.ActHead, in *frame.Reader, out *frame.Writer) error {
	c.known = append(c.known, head.Cosigned)
	c.liar.Head = func(a *membersock.ActAnswer) {
		if a.Cosigned != nil {
			c.came++
		}
		if c.kept {
			a.Cosigned = nil
		}
	}
	return c.liar.Act(ctx, head, in, out)
}

// TestWhatWitnessesCosignedComesOnce: what a session has checked of the witnesses isn't
// sent to it again and stays what it shows, until they have cosigned more or the roster
// names others.
func TestWhatWitnessesCosignedComesOnce(t *testing.T) {
	w := testvault.New(t)
	newWitness := func(name string) (note.Signer, string) {
		text, err := witness.NewKey(name)
		must(t, err)
		s, vkey, err := witness.ParseKey(text)
		must(t, err)
		return s, "witness " + name + " " + vkey + " https://" + name + "/\nquorum " + name + "\n"
	}
	one, policy := newWitness("saksi-a.example")
	other, policyOfOther := newWitness("saksi-b.example")
	cosign := func(by note.Signer) {
		t.Helper()
		checkpoint, err := w.Vault.LogFile(t.Context(), "checkpoint")
		must(t, err)
		n, err := note.Open(checkpoint, note.VerifierList(w.Log))
		must(t, err)
		n.UnverifiedSigs = nil
		msg, err := note.Sign(n, by)
		must(t, err)
		must(t, w.Vault.TakeCosigned(t.Context(), msg))
	}
	w.Change(func(r *roster.Roster) { r.Witnesses = policy })
	counted := &cosignings{Vault: w.Vault, liar: testvault.Liar{Vault: w.Vault}}
	cfg := config(t, w, testvault.One)
	cfg.Vault = membersock.NewClient(w.Listen("counted.sock", membersock.Handler(counted)))
	s := open(t, cfg)
	list := func(came int, by ...string) member.Witnessed {
		t.Helper()
		counted.came = 0
		_, err := s.List(t.Context())
		must(t, err)
		got := s.Witnessed()
		if counted.came != came || !slices.Equal(got.By, by) || !got.Asked || (got.Records > 0) != (len(by) > 0) {
			t.Fatalf("%d times came what witnesses cosigned, which is %+v; want %d, by %v", counted.came, got, came, by)
		}
		return got
	}
	list(0)
	cosign(one)
	first := list(1, "saksi-a.example")
	if again := list(0, "saksi-a.example"); again.Records != first.Records || !again.Since.Equal(first.Since) {
		t.Errorf("later %+v, first %+v", again, first)
	}
	if last := counted.known[len(counted.known)-1]; last != first.Records {
		t.Errorf("a request says that %d records are known, want %d", last, first.Records)
	}
	cosign(one)
	counted.kept = true // which shows in nothing but that the last time grows old
	if old := list(1, "saksi-a.example"); old.Records != first.Records || !old.Since.Equal(first.Since) || old.Lag(first.Since.Add(8*24*time.Hour)) != member.LagStop {
		t.Errorf("a vault keeps the rest back: %+v, first %+v", old, first)
	}
	counted.kept = false
	if more := list(1, "saksi-a.example"); more.Records <= first.Records {
		t.Errorf("%d records, and before %d", more.Records, first.Records)
	}
	w.Change(func(r *roster.Roster) { r.Witnesses = policyOfOther })
	// The answer that tells of the new roster is to a request that knew the old one's.
	list(0, "saksi-a.example")
	list(1) // what the old one has cosigned comes again, and is no quorum any more
	cosign(other)
	list(1, "saksi-b.example")
	list(0, "saksi-b.example")
}
