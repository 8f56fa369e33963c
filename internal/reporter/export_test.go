package reporter

import (
	"io/fs"
	"net/http"
	"time"

	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/vault/depositsock"
)

// Transport makes connections that break once nothing has moved for so long.
func Transport(stall time.Duration) (http.RoundTripper, error) { return transport("", stall) }

// Explained returns all errors that have words of their own.
func Explained() (all []error) {
	for _, x := range explained() {
		all = append(all, x.err)
	}
	for _, err := range []error{ErrEmpty, ErrFolder, ErrLarge, ErrMany, ErrChanged, fs.ErrNotExist, fs.ErrPermission} {
		all = append(all, &FileError{Path: "a", Err: err})
	}
	for _, what := range []string{"missing", "unit", "member", "all"} {
		all = append(all, &ChoiceError{What: what})
	}
	return all
}

// Unwitnessed checks what witnesses have cosigned of the log that proves a roster.
func Unwitnessed(p depositsock.RosterProof, r *roster.Roster) (bool, error) { return unwitnessed(p, r) }
