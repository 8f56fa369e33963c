package submission_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"filippo.io/age"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/keyfile"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/crypto/seal"
	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/internal/submission"
	"suluh.example/suluh/internal/testvault"
	"suluh.example/suluh/vault/depositsock"
)

// listed opens what a member's list has of the only case there is: its key, as
// far as it goes, and its summary.
func (w *world) listed(m *member) (id.Case, *seal.CaseKey, report.Summary) {
	w.t.Helper()
	list, got, err := w.act(m, accesslog.Statement{Action: accesslog.List})
	must(w.t, err)
	if len(list.Cases) != 1 {
		w.t.Fatalf("%d cases", len(list.Cases))
	}
	c := list.Cases[0]
	k, err := seal.Unwrap(got[c.Wrap], m.age)
	must(w.t, err)
	text, err := seal.OpenDocument(got[c.Summary], k.Identities()...)
	must(w.t, err)
	s, err := report.Decode[report.Summary](text, c.Case)
	must(w.t, err)
	return c.Case, k, s
}

// letters opens a case, and returns what happened as those of its letters tell
// that the key opens.
func (w *world) letters(m *member, of id.Case, k *seal.CaseKey) (texts []string) {
	w.t.Helper()
	_, got, err := w.act(m, accesslog.Statement{Action: accesslog.Open, Case: of})
	must(w.t, err)
	for _, b := range got {
		text, err := seal.OpenDocument(b, k.Identities()...)
		if err != nil {
			continue // also a summary's, or a card's
		}
		if l, err := report.Decode[report.Letter](text, of); err == nil && l.Report != nil && l.Report.What != "" {
			texts = append(texts, l.Report.What)
		}
	}
	return texts
}

// A report to a unit with key witnesses shows its category and its day to the
// readers, and no word of the reporter's before enough shares are joined.
func TestASplitReportOpensWithTheSharesOfItsKeyWitnesses(t *testing.T) {
	w := newWorld(t)
	w.Split("itprov", "itjen", 2, "saksi-a", "saksi-b", "saksi-c")
	f := testvault.Form("itprov")
	first, err := w.send(f)
	must(t, err)
	again, err := w.send(f)
	must(t, err)
	if first.Outcome != depositsock.New || again.Outcome != depositsock.Same || string(again.Receipt) != string(first.Receipt) {
		t.Errorf("sent twice: %s, %s", first.Outcome, again.Outcome)
	}
	changed := f
	changed.Report.What = "Uang perjalanan dinas dibayar tiga kali"
	if r, err := w.send(changed); err != nil || r.Outcome != depositsock.Added {
		t.Errorf("sent again, changed: %s, %v", r.Outcome, err)
	}
	code, err := submission.CodeOf(f.Seed, f.To)
	must(t, err)
	w.Say(code, "Tambahan")

	of, k, summary := w.listed(w.one)
	if k.Whole() || summary.Title != "" || summary.Category != f.Report.Category {
		t.Errorf("whole: %v, summary: %+v", k.Whole(), summary)
	}
	if err := k.Join(of, w.Shares(k, "saksi-c")...); !errors.Is(err, seal.ErrShares) {
		t.Errorf("one share: %v", err)
	}
	if texts := w.letters(w.one, of, k); len(texts) > 0 {
		t.Errorf("opened with too few shares: %q", texts)
	}
	must(t, k.Join(of, w.Shares(k, "saksi-c", "saksi-a")...))
	if texts := w.letters(w.one, of, k); len(texts) != 2 {
		t.Errorf("opened: %q", texts)
	}
}

// The largest wraps there are, for as many readers as a deposit may have.
func TestALargeUnitWithKeyWitnessesIsSealedFor(t *testing.T) {
	w := newWorld(t)
	const long id.Member = "saksi-kunci-dengan-nama-panjan"
	w.Split("itprov", "itjen", 3, long+"-a", long+"-b", long+"-c", long+"-d", long+"-e")
	sheet, err := age.GenerateHybridIdentity()
	must(t, err)
	w.Change(func(r *roster.Roster) {
		r.Units[0].Recovery = sheet.Recipient().String()
		for i := len(r.Readers("itprov", nil)); i < 63; i++ { // with the sheet 64
			name := id.Member(fmt.Sprintf("penelaah-%d", i))
			k, err := keyfile.New(name)
			must(t, err)
			r.Members = append(r.Members, roster.Member{
				ID: name, Name: "Penelaah", Unit: "itprov", Roles: []roster.Role{roster.Reader}, Recipient: k.Recipient(), Key: k.VerifierKey(), Since: w.Day,
			})
		}
	})
	if _, err := w.send(testvault.Form("itprov")); err != nil {
		t.Fatal(err)
	}
	of, k, _ := w.listed(w.one)
	must(t, k.Join(of, w.Shares(k, long+"-b", long+"-d", long+"-e")...))
	if texts := w.letters(w.one, of, k); len(texts) != 1 {
		t.Errorf("opened: %q", texts)
	}
}

func TestAKeyWitnessWhoseKeyIsNoneIsNamed(t *testing.T) {
	w := newWorld(t)
	w.Split("itprov", "itjen", 1, "saksi-a")
	r := *w.Roster
	r.Members = append([]roster.Member{}, r.Members...)
	last := &r.Members[len(r.Members)-1]
	last.Recipient = last.Recipient[:len(last.Recipient)-1] + "b"
	_, err := submission.NewSender(w.Deposit, &r, id.Digest{})
	if !errors.Is(err, submission.ErrRecipient) || !strings.Contains(err.Error(), ": saksi-a: ") {
		t.Errorf("got %v", err)
	}
}
