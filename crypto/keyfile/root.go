package keyfile

import (
	"fmt"

	"golang.org/x/mod/sumdb/note"

	"suluh.example/suluh/crypto/hidden"
)

const rootFormatLine = "suluh.example/rootkey/v1"

// Root is the key that rosters are signed with, unlocked. It prints as
// "[hidden]".
type Root struct {
	hidden.Mark
	skey   hidden.Value[string]
	vkey   string
	signer note.Signer
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
	return &Root{skey: hidden.Of(skey), vkey: vkey, signer: signer}, nil
}

// Signer signs rosters.
func (r *Root) Signer() note.Signer { return r.signer }

// VerifierKey is what vaults, desks and intakes check rosters with.
func (r *Root) VerifierKey() string { return r.vkey }

// Seal returns the file's bytes. A work factor of 0 is [DefaultWorkFactor].
func (r *Root) Seal(passphrase string, workFactor int) ([]byte, error) {
	return sealLines([]string{rootFormatLine, r.skey.Reveal()}, passphrase, workFactor)
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
	r := &Root{skey: hidden.Of(lines[1])}
	if r.signer, r.vkey, err = openSigner(lines[1]); err != nil {
		return nil, err
	}
	return r, nil
}
