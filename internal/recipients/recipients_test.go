package recipients_test

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/check"
	"suluh.example/suluh/internal/recipients"
	"suluh.example/suluh/internal/testkey"
)

// same fails unless a case is as it should be.
func same(t *testing.T, got, want recipients.Case) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the case is told as\n%+v\nand not as\n%+v", got, want)
	}
}

func none(t *testing.T, faults []recipients.Fault) {
	t.Helper()
	if len(faults) > 0 {
		t.Errorf("faults: %+v", faults)
	}
}

func TestTheLogProvesOnlyThoseWhoUsedTheirKey(t *testing.T) {
	m := newMade(t)
	quiet, q := m.reported(one, two, sheet)
	of, seq := m.reported(one, two, sheet)
	open := m.opens(one, of)
	m.opens(one, of) // which proves nothing more
	cases, faults := m.cases()
	none(t, faults)
	same(t, cases[quiet], recipients.Case{
		Case: quiet, Day: today, Record: q, Rosters: []int64{1}, Leaves: 8, Closed: 8,
		Possible: []id.Member{two, one, three, id.RecoveryOf("itjen"), sheet},
	})
	same(t, cases[of], recipients.Case{
		Case: of, Day: today, Record: seq, Rosters: []int64{1}, Leaves: 8, Closed: 7, Possible: []id.Member{two, sheet},
		Recipients: []recipients.Recipient{{Name: one, How: recipients.Deposit, Record: seq, Proof: open, Roster: 1}},
	})
}

// An access proves a reader before the deposit enters the log as it does after, and
// the name that counts is the one that the key was sealed to.
func TestAnAccessBeforeTheDepositProvesItsReader(t *testing.T) {
	m := newMade(t)
	of := m.sealed(two, sheet)
	first := m.opens(two, of)
	bySheet := m.does(one, of, m.coverOf(of, sheet), accesslog.Statement{Action: accesslog.Open})
	seq := m.batch(of)
	cases, faults := m.cases()
	none(t, faults)
	same(t, cases[of], recipients.Case{
		Case: of, Day: today, Record: seq, Rosters: []int64{1}, Leaves: 8, Closed: 6, Possible: []id.Member{one},
		Recipients: []recipients.Recipient{
			{Name: two, How: recipients.Deposit, Record: seq, Proof: first, Roster: 1},
			{Name: sheet, How: recipients.Deposit, Record: seq, Proof: bySheet, Roster: 1},
		},
	})
}

func TestAnOpeningNamesTheOthers(t *testing.T) {
	m := newMade(t)
	of, seq := m.reported(one, two)
	open := m.opens(one, of)
	cases, faults := m.cases(m.opening(of, one, two))
	none(t, faults)
	same(t, cases[of], recipients.Case{
		Case: of, Day: today, Record: seq, Rosters: []int64{1}, Leaves: 8, Closed: 6, Disclosed: true,
		Recipients: []recipients.Recipient{
			{Name: two, How: recipients.Deposit, Record: seq, Disclosed: true, Roster: 1},
			{Name: one, How: recipients.Deposit, Record: seq, Proof: open, Disclosed: true, Roster: 1},
		},
	})
}

// An opening is held against the commitment, and against what the log proves.
func TestWhatAnOpeningClaimsIsChecked(t *testing.T) {
	m := newMade(t)
	of, seq := m.reported(one, two)
	proof := m.opens(one, of)
	waiting := m.sealed(one)
	m.opens(one, waiting) // its deposit isn't in the log
	for name, x := range map[string]struct {
		opening accesslog.Readers
		want    recipients.Fault
	}{
		"of another log": {
			func() accesslog.Readers { r := m.opening(of, one, two); r.Log = "lain.example/log"; return r }(),
			recipients.Fault{Case: of, Record: -1, Kind: check.FaultCover, What: "of another log, lain.example/log"},
		},
		"of a case that isn't there": {
			m.opening(waiting, one),
			recipients.Fault{Case: waiting, Record: -1, Kind: check.FaultDeposit, What: "the log has no deposit of it"},
		},
		"with another leaf": {
			func() accesslog.Readers {
				r := m.opening(of, one, two)
				r.Leaves = slices.Clone(r.Leaves)
				r.Leaves[7][0] ^= 1
				return r
			}(),
			recipients.Fault{Case: of, Record: seq, Kind: check.FaultCover, What: "is forged"},
		},
		"that names somebody else": {
			func() accesslog.Readers {
				r := m.opening(of, one, two)
				r.Opened[1].Member = three
				return r
			}(),
			recipients.Fault{Case: of, Record: seq, Kind: check.FaultCover, What: "is forged"},
		},
		"that leaves out who is proven": {
			m.opening(of, two),
			recipients.Fault{Case: of, Record: seq, Kind: check.FaultCover, What: fmt.Sprintf("leaves out %s, whose key record %d proves", one, proof)},
		},
	} {
		l, r := m.verified()
		cases, faults := l.Cases(r, []accesslog.Readers{x.opening})
		if len(faults) != 1 || faults[0].Case != x.want.Case || faults[0].Record != x.want.Record || faults[0].Kind != x.want.Kind || !strings.Contains(faults[0].What, x.want.What) {
			t.Errorf("an opening %s: got %+v, want %+v", name, faults, x.want)
		}
		// What is refused opens nothing.
		if len(cases) != 1 || cases[0].Disclosed != (name == "that leaves out who is proven") {
			t.Errorf("an opening %s: %+v", name, cases)
		}
	}
}

func TestWhoGetsAccessLaterAndWhoLosesItIsTold(t *testing.T) {
	m := newMade(t)
	of, seq := m.reported(one, two)
	cover := m.coverOf(of, one)
	open := m.opens(two, of)
	revoke := m.does(one, of, cover, accesslog.Statement{Action: accesslog.Revoke, To: two})
	grant := m.does(one, of, cover, accesslog.Statement{Action: accesslog.Grant, To: two})
	refer := m.does(one, of, cover, accesslog.Statement{
		Action: accesslog.Refer, Refer: accesslog.Referral{Unit: "itjen", Ends: true, Readers: []id.Member{three}},
		Objects: []id.Object{{Role: id.RoleState, Digest: id.DigestOf([]byte("state")), Size: 5}, {Role: id.RoleWrap, Digest: id.DigestOf([]byte("wrap")), Size: 4}},
	})
	want := []recipients.Recipient{
		{Name: two, How: recipients.Deposit, Record: seq, Proof: open, Until: revoke, Roster: 1},
		{Name: one, How: recipients.Deposit, Record: seq, Proof: revoke, Until: refer, Roster: 1},
		{Name: two, How: recipients.Grant, Record: grant, By: one, Until: refer, Roster: 1},
		{Name: three, How: recipients.Referral, Record: refer, By: one, Roster: 1},
	}
	cases, faults := m.cases()
	none(t, faults)
	if !reflect.DeepEqual(cases[of].Recipients, want) {
		t.Errorf("got\n%+v\nand not\n%+v", cases[of].Recipients, want)
	}
	// The vault has no wraps any more of whom the key was taken from.
	if _, faults := m.cases(m.opening(of)); len(faults) > 0 {
		t.Errorf("whose keys are gone can't be opened, and yet it is a fault: %+v", faults)
	}
}

// Whom nobody should have sealed a case to is a fault, though each record is in
// order.
func TestWhoWasNoReaderThenIsAFault(t *testing.T) {
	m := newMade(t)
	m.change(func() { m.remove(two) })
	m.at = m.at.AddDate(0, 0, 2)
	gone, _ := m.reported(one, two)
	never, _ := m.reported(one, "penyusup")
	both, _ := m.reported(one, three)
	later, _ := m.reported(one, four)
	m.at = m.at.AddDate(0, 0, 1)
	m.change(func() { m.join(four, "itprov", roster.Reader) })
	good, _ := m.reported(one, four)
	wants := map[id.Case]string{
		gone:  "it was sealed to penelaah-dua, who was removed by version 2 of the roster",
		never: "it was sealed to penyusup, whom no roster in the log lists as a reader",
		both:  "it was sealed to readers of more than one unit",
		later: "it was sealed to penelaah-empat, whom the roster has as a reader only in version 3, which was not in force",
	}
	var openings []accesslog.Readers
	for of := range m.deposit {
		openings = append(openings, m.opening(of, one, two, three, four, "penyusup"))
	}
	cases, faults := m.cases(openings...)
	if len(faults) != len(wants) {
		t.Errorf("%d faults, not %d: %+v", len(faults), len(wants), faults)
	}
	for _, f := range faults {
		if f.What != wants[f.Case] || f.Kind != check.FaultMember || f.Record != cases[f.Case].Record {
			t.Errorf("%+v, want %q", f, wants[f.Case])
		}
	}
	if !slices.IsSortedFunc(faults, func(a, b recipients.Fault) int { return int(a.Record - b.Record) }) {
		t.Errorf("faults are not in the order of their records: %+v", faults)
	}
	if r := cases[good].Rosters; !slices.Equal(r, []int64{2, 3}) {
		t.Errorf("on the day of the change the rosters %v were in force", r)
	}
	if r := cases[gone].Rosters; !slices.Equal(r, []int64{2}) {
		t.Errorf("after the day of the change the rosters %v were in force", r)
	}
}

// On the day of a change a case may be sealed by the roster before or by the one
// after, but not by something of both.
func TestACaseIsSealedByOneRoster(t *testing.T) {
	m := newMade(t)
	m.change(func() {
		m.remove(two)
		m.join(four, "itprov", roster.Reader)
	})
	before, _ := m.reported(one, two)
	after, _ := m.reported(one, four)
	mixed, seq := m.reported(two, four)
	cases, faults := m.cases(m.opening(before, one, two), m.opening(after, one, four), m.opening(mixed, two, four))
	want := []recipients.Fault{{Case: mixed, Record: seq, Kind: check.FaultMember, What: "no one roster that was in force on its day has all of whom it was sealed to as readers"}}
	if !reflect.DeepEqual(faults, want) {
		t.Errorf("got %+v, want %+v", faults, want)
	}
	for of, version := range map[id.Case]int64{before: 1, after: 2} {
		for _, p := range cases[of].Recipients {
			if !slices.Equal(cases[of].Rosters, []int64{1, 2}) || p.Name != one && p.Roster != version {
				t.Errorf("%+v, want version %d", cases[of], version)
			}
		}
	}
}

func TestOnlyTheCasesThatAreFollowedAreTold(t *testing.T) {
	m := newMade(t)
	a, _ := m.reported(one)
	m.reported(one)
	m.opens(one, a)
	l, r := m.verified(a)
	cases, faults := l.Cases(r, nil)
	none(t, faults)
	if len(cases) != 1 || cases[0].Case != a || len(cases[0].Recipients) != 1 {
		t.Errorf("got %+v", cases)
	}
}

func TestVersionsAreThoseThatTheRootKeyHasSigned(t *testing.T) {
	m := newMade(t)
	first := m.at
	m.reported(one)
	m.change(func() { m.join(four, "itprov", roster.Reader) })
	_, r := m.verified()
	all, err := recipients.Versions(t.Context(), m.files, m.rootKey, r)
	must(t, err)
	if len(all) != 2 || all[0].Version != 1 || all[0].Record != 1 || !all[0].From.Equal(first) || !all[0].Until.Equal(all[1].From) ||
		all[1].Version != 2 || all[1].Record != 4 || !all[1].Until.Equal(time.Time{}) {
		t.Fatalf("got %+v", all)
	}
	if !strings.Contains(strings.Join(all[0].Changes, "\n"), string(one)) || strings.Contains(strings.Join(all[1].Changes, "\n"), string(one)) || !strings.Contains(strings.Join(all[1].Changes, "\n"), string(four)) {
		t.Errorf("the changes are told as %q and %q", all[0].Changes, all[1].Changes)
	}
	// The log's own word on its root key proves nothing.
	_, other, _ := testkey.New(t, origin+"/root")
	var f *check.Finding
	if _, err := recipients.Versions(t.Context(), m.files, other, r); !errors.As(err, &f) || f.Fault != check.FaultRoster || f.Seq != 1 {
		t.Errorf("a roster of another root key: %v", err)
	}
	// Nor does a roster that was exchanged since, though the right key has signed it.
	signed, rest := "rosters/"+all[1].Digest.String(), "rosters/"+all[0].Digest.String()
	m.rosters[signed] = m.rosters[rest]
	if _, err := recipients.Versions(t.Context(), m.files, m.rootKey, r); !errors.As(err, &f) || f.Seq != 4 {
		t.Errorf("a roster that was exchanged: %v", err)
	}
	delete(m.rosters, signed)
	if _, err := recipients.Versions(t.Context(), m.files, m.rootKey, r); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a roster that is missing: %v", err)
	}
}
