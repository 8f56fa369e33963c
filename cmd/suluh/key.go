package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// keyText returns a verifier key that is given as such or as a file with it.
func keyText(s string) string {
	if b, err := os.ReadFile(s); err == nil {
		return strings.TrimSpace(string(b))
	}
	return s
}

// verifierKey reads a verifier key that is given as such or as a file with it.
func verifierKey(s string) (note.Verifier, error) {
	v, err := note.NewVerifier(keyText(s))
	if err != nil {
		return nil, withHint(errors.New("neither a verifier key (name+hash+key) nor a file that has one"),
			"rosters are checked with root.vkey, which suluh roster init makes; the access log with log.vkey, which suluh vault init makes")
	}
	return v, nil
}

// readRootKey is verifierKey of the key that signs rosters.
func readRootKey(s string) (note.Verifier, error) {
	v, err := verifierKey(s)
	if err != nil {
		return nil, fmt.Errorf("root key: %w", err)
	}
	return v, nil
}
