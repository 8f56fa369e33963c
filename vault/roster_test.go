package vault_test

import (
	"path/filepath"
	"reflect"
	"testing"

	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/vault"
	"suluh.example/suluh/vault/depositsock"
)

// TestProofOfTheRosterSurvivesRestarts, also where the store is of before
// rosters knew their record.
func TestProofOfTheRosterSurvivesRestarts(t *testing.T) {
	w := newWorld(t, vault.Config{})
	w.roster.Version, w.roster.Previous = 2, roster.Digest(w.signed)
	w.install()
	_, err := w.send(newParcel(0, w.one.id))
	must(t, err)
	proof := func() depositsock.RosterProof {
		p, err := w.deposit.RosterProof(t.Context())
		must(t, err)
		return p
	}
	first := proof()
	if first.Index != 2 || first.Roster != string(w.signed) {
		t.Errorf("record %d, and another roster than the one in force", first.Index)
	}
	for _, statement := range []string{"UPDATE rosters SET seq = seq", "UPDATE rosters SET seq = -1"} {
		w.stop()
		vault.Exec(t, w.dir, statement)
		vault.Exec(t, w.dir, vault.RosterRecords(t))
		w.start(vault.Config{})
		if again := proof(); !reflect.DeepEqual(again, first) {
			t.Errorf("another proof after a restart: record %d instead of %d", again.Index, first.Index)
		}
	}
}

func TestNoProofBeforeTheFirstRoster(t *testing.T) {
	w := newWorldWithoutRoster(t, filepath.Join(t.TempDir(), "vault"), vault.Config{})
	_, err := w.deposit.RosterProof(t.Context())
	want(t, err, depositsock.ErrFull)
}
