package keyfile

import (
	"crypto/ed25519"
	"encoding/base64"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// verifierKey derives the public half of a note signing key, whose last field
// is base64 of the algorithm's byte and the 32-byte seed (C2SP signed-note).
func verifierKey(name, skey string) (string, error) {
	f := strings.SplitN(skey, "+", 5) // PRIVATE+KEY+<name>+<hash>+<data>
	if len(f) != 5 {
		return "", ErrFormat
	}
	raw, err := base64.StdEncoding.DecodeString(f[4])
	if err != nil || len(raw) != 1+ed25519.SeedSize {
		return "", ErrFormat
	}
	return note.NewEd25519VerifierKey(name, ed25519.NewKeyFromSeed(raw[1:]).Public().(ed25519.PublicKey))
}
