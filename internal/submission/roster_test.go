package submission_test

import (
	"errors"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/submission"
	"suluh.example/suluh/internal/testkey"
	"suluh.example/suluh/internal/testvault"
	"suluh.example/suluh/vault/depositsock"
)

// TestRosterIsCheckedByTheRootKeyAlone: whoever has the root key notices every
// roster that isn't the one in force.
func TestRosterIsCheckedByTheRootKeyAlone(t *testing.T) {
	w := testvault.New(t)
	proof := func() depositsock.RosterProof {
		p, err := w.Deposit.RosterProof(t.Context())
		must(t, err)
		return p
	}
	old := proof()
	w.Join("penelaah-empat", "Penelaah Empat", "itprov", roster.Reader)
	w.Remove("penelaah-dua")
	now := proof()
	if _, _, err := submission.CheckRoster(old, w.Root, w.Day); err != nil {
		t.Errorf("what was in force at its time: %v", err)
	}
	r, digest, err := submission.CheckRoster(now, w.Root, w.Day)
	must(t, err)
	if r.Version != 3 || digest != roster.Digest([]byte(now.Roster)) {
		t.Errorf("got version %d", r.Version)
	}
	other, _, _ := testkey.New(t, testvault.Origin+"/root")
	stranger, _, _ := testkey.New(t, testvault.Origin)
	sign := func(f accesslog.InForce, by note.Signer) string {
		msg, err := f.Sign(by)
		must(t, err)
		return string(msg)
	}
	forged, err := w.Roster.Sign(other)
	must(t, err)
	for name, c := range map[string]struct {
		change func(*depositsock.RosterProof)
		days   int // the device is ahead
		want   error
	}{
		"the day before":                 {nil, -1, nil},
		"two days later":                 {nil, 2, nil},
		"an old word of the log":         {nil, 3, submission.ErrRosterOld},
		"a clock that is behind":         {nil, -3, submission.ErrClock},
		"another root key":               {func(p *depositsock.RosterProof) { p.Roster = string(forged) }, 0, submission.ErrRosterSignature},
		"no roster":                      {func(p *depositsock.RosterProof) { *p = depositsock.RosterProof{} }, 0, submission.ErrRosterSignature},
		"the roster before":              {func(p *depositsock.RosterProof) { p.Roster = old.Roster }, 0, submission.ErrRosterLog},
		"the roster before, in the log":  {func(p *depositsock.RosterProof) { f := p.InForce; *p = old; p.InForce = f }, 0, submission.ErrRosterOld},
		"a record that isn't in the log": {func(p *depositsock.RosterProof) { p.Proof[0][0] ^= 1 }, 0, submission.ErrRosterLog},
		"no proof":                       {func(p *depositsock.RosterProof) { p.Proof = nil }, 0, submission.ErrRosterLog},
		"another place":                  {func(p *depositsock.RosterProof) { p.Index++ }, 0, submission.ErrRosterLog},
		"beyond the log":                 {func(p *depositsock.RosterProof) { p.Index = 1 << 40 }, 0, submission.ErrRosterLog},
		"a smaller log":                  {func(p *depositsock.RosterProof) { p.Checkpoint = old.Checkpoint }, 0, submission.ErrRosterLog},
		"the record of another":          {func(p *depositsock.RosterProof) { p.Record, p.Index, p.Proof = old.Record, old.Index, old.Proof }, 0, submission.ErrRosterLog},
		"no word of the log":             {func(p *depositsock.RosterProof) { p.InForce = p.Checkpoint }, 0, submission.ErrRosterLog},
		"the word of a stranger": {func(p *depositsock.RosterProof) {
			p.InForce = sign(accesslog.InForce{Log: testvault.Origin, Day: w.Day, Roster: digest}, stranger)
		}, 0, submission.ErrRosterLog},
		"the word on another log": {func(p *depositsock.RosterProof) {
			p.InForce = sign(accesslog.InForce{Log: "suluh.example/lain", Day: w.Day, Roster: digest}, w.LogSigner())
		}, 0, submission.ErrRosterLog},
	} {
		t.Run(name, func(t *testing.T) {
			p := proof()
			if c.change != nil {
				c.change(&p)
			}
			if _, _, err := submission.CheckRoster(p, w.Root, w.Day.AddDays(c.days)); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

// TestOldRosterIsRefusedByTheVault: who seals by one that was in force before
// is told so, before anything of the report is kept; a reply needs none.
func TestOldRosterIsRefusedByTheVault(t *testing.T) {
	w := testvault.New(t)
	code := w.Send(testvault.Form("itprov"))
	before := w.Vault.SignedRoster()
	r, err := roster.Parse(before, w.Root)
	must(t, err)
	old, err := submission.NewSender(w.Deposit, r, roster.Digest(before))
	must(t, err)
	w.Join("penelaah-empat", "Penelaah Empat", "itprov", roster.Reader)
	none, err := submission.NewSender(w.Deposit, w.Roster, id.Digest{})
	must(t, err)
	for _, s := range []*submission.Sender{old, none} {
		sub, err := s.Begin(t.Context(), w.Day, testvault.Form("itprov"))
		if err == nil {
			_, err = sub.Commit(t.Context())
			sub.Abort()
		}
		if !errors.Is(err, depositsock.ErrRoster) {
			t.Errorf("got %v, want %v", err, depositsock.ErrRoster)
		}
	}
	v, err := old.Look(t.Context(), code)
	must(t, err)
	sub, err := old.BeginReply(t.Context(), w.Day, v, submission.SeedFrom([32]byte{1}), "halo", "id")
	must(t, err)
	_, err = sub.Commit(t.Context())
	must(t, err)
	w.Send(testvault.Form("itprov"))
}

// TestTheProofIsOfToday: the word of the log has the day on which it is asked.
func TestTheProofIsOfToday(t *testing.T) {
	w := testvault.New(t)
	p, err := w.Deposit.RosterProof(t.Context())
	must(t, err)
	f, err := accesslog.OpenInForce([]byte(p.InForce), w.Log)
	must(t, err)
	zone, err := time.LoadLocation("Asia/Makassar")
	must(t, err)
	if today := id.DayOf(time.Now(), zone); f.Day.Sub(today) != 0 && f.Day.Sub(w.Day) != 0 {
		t.Errorf("got %s, want %s", f.Day, today)
	}
}
