package keyfile

import (
	"fmt"
	"log/slog"

	"golang.org/x/mod/sumdb/note"
)

const rootFormatLine = "suluh.example/rootkey/v1"

// Root is the key that rosters are signed with, unlocked. It prints as
// "redacted".
type Root struct {
	skey, vkey string
	signer     note.Signer
}

// NewRoot makes a root key with the name by which rosters show it, from
// crypto/rand.
func NewRoot(name string) (*Root, error) {
	skey, vkey, err := note.GenerateKey(nil, name)
	if err != nil {
		return nil, fmt.Errorf("make root key: %w", err)
	}
	signer, err := note.NewSigner(skey)
	if err != nil {
		return nil, fmt.Errorf("make root key: %w", err)
	}
	return &Root{skey, vkey, signer}, nil
}

// Signer signs rosters.
func (r *Root) Signer() note.Signer { return r.signer }

// VerifierKey is what vaults, desks and intakes check rosters with.
func (r *Root) VerifierKey() string { return r.vkey }

// Seal returns the file's bytes. A work factor of 0 is [DefaultWorkFactor].
func (r *Root) Seal(passphrase string, workFactor int) ([]byte, error) {
	return sealLines([]string{rootFormatLine, r.skey}, passphrase, workFactor)
}

// OpenRoot unlocks a file's bytes. The error is [ErrPassphrase] or [ErrFormat].
func OpenRoot(sealed []byte, passphrase string) (*Root, error) {
	lines, err := openLines(sealed, passphrase)
	if err != nil {
		return nil, err
	}
	if len(lines) != 2 || lines[0] != rootFormatLine {
		return nil, ErrFormat
	}
	r := &Root{skey: lines[1]}
	if r.signer, r.vkey, err = openSigner(r.skey); err != nil {
		return nil, err
	}
	return r, nil
}

// Format prints "redacted" whatever the verb.
func (Root) Format(f fmt.State, _ rune) { fmt.Fprint(f, "redacted") }

// LogValue prints "redacted".
func (Root) LogValue() slog.Value { return slog.StringValue("redacted") }
