package id

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"

	"suluh.example/suluh/crypto/hidden"
)

// Upload names an upload that is not part of a deposit yet: 16 random bytes,
// written as 32 lowercase hexadecimal digits. Whoever has it can add to the
// upload, end it or deposit it, so it prints as "[hidden]"; [Upload.Hex]
// reveals it. It is no [hidden.Value], since the vault keeps its uploads by name.
type Upload [16]byte

// NewUpload returns the name of a new upload, from crypto/rand.
func NewUpload() (u Upload) {
	rand.Read(u[:])
	return u
}

// ParseUpload reads 32 lowercase hexadecimal digits.
func ParseUpload(s string) (u Upload, err error) {
	if len(s) != 2*len(u) {
		return u, fmt.Errorf("upload: %w", ErrSyntax)
	}
	if _, err := hex.Decode(u[:], []byte(s)); err != nil || u.Hex() != s {
		return Upload{}, fmt.Errorf("upload: %w", ErrSyntax)
	}
	return u, nil
}

// Hex reveals the 32 digits.
func (u Upload) Hex() string { return hex.EncodeToString(u[:]) }

// MarshalText writes the 32 digits.
func (u Upload) MarshalText() ([]byte, error) { return []byte(u.Hex()), nil }

// UnmarshalText reads what MarshalText writes.
func (u *Upload) UnmarshalText(b []byte) (err error) {
	*u, err = ParseUpload(string(b))
	return err
}

// Format prints "[hidden]" whatever the verb.
func (u Upload) Format(f fmt.State, verb rune) { hidden.Mark{}.Format(f, verb) }

// LogValue logs "[hidden]".
func (u Upload) LogValue() slog.Value { return hidden.Mark{}.LogValue() }
