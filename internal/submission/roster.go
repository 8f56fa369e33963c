package submission

import (
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/vault/depositsock"
)

// What may be wrong with a roster that is served. Nothing may be sealed by one.
var (
	ErrRosterSignature = errors.New("the list of readers is not signed by the root key")
	ErrRosterLog       = errors.New("the list of readers is not in the access log that it names")
	ErrRosterOld       = errors.New("the list of readers is not the one in force, or the date of this device is wrong")
	ErrClock           = errors.New("the date of this device is days behind that of the service")
)

// nearDays is how far the date of a device may be from the log's: time zones
// make one day of difference, and a clock that is somewhat off another.
const nearDays = 2

// CheckRoster checks that a roster is the one in force, for those who trust the
// root key alone: the root key has signed it, the log that it names has a record
// of it, and the log's key says that it holds about today, which is the date of
// the device. It returns the roster and the digest of its signed form.
func CheckRoster(p depositsock.RosterProof, root note.Verifier, today id.Day) (*roster.Roster, id.Digest, error) {
	signed := []byte(p.Roster)
	r, err := roster.Parse(signed, root)
	if errors.Is(err, roster.ErrSignature) {
		return nil, id.Digest{}, ErrRosterSignature
	}
	if err != nil {
		return nil, id.Digest{}, err
	}
	digest := roster.Digest(signed)
	word, err := checkInLog(p, r, digest)
	if err != nil {
		return nil, digest, fmt.Errorf("%w: %w", ErrRosterLog, err)
	}
	switch days := word.Day.Sub(today); {
	case word.Roster != digest, days < -nearDays:
		return nil, digest, ErrRosterOld
	case days > nearDays:
		return nil, digest, ErrClock
	}
	return r, digest, nil
}

// checkInLog checks what the log says of a roster, and returns its word on
// which is in force.
func checkInLog(p depositsock.RosterProof, r *roster.Roster, digest id.Digest) (word accesslog.InForce, err error) {
	log, err := note.NewVerifier(r.LogKey)
	if err != nil {
		return word, err
	}
	tree, err := accesslog.OpenCheckpoint([]byte(p.Checkpoint), log)
	if err != nil {
		return word, err
	}
	record, err := accesslog.ParseRecord([]byte(p.Record))
	if err != nil {
		return word, err
	}
	if record.Kind != accesslog.KindRoster || record.Roster.Digest != digest || record.Seq != p.Index {
		return word, errors.New("the record is another's")
	}
	if p.Index >= tree.N {
		return word, errors.New("the record is beyond the log's end")
	}
	if err := tlog.CheckRecord(p.Proof, tree.N, tree.Hash, p.Index, tlog.RecordHash([]byte(p.Record))); err != nil {
		return word, err
	}
	if word, err = accesslog.OpenInForce([]byte(p.InForce), log); err != nil {
		return word, err
	}
	if log.Name() != r.Origin || word.Log != r.Origin {
		return word, errors.New("the log has another name")
	}
	return word, nil
}
