package id

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
)

// Digest is a SHA-256 digest (FIPS 180-4), written as 64 lowercase
// hexadecimal digits.
type Digest [32]byte

// DigestOf returns the digest of b.
func DigestOf(b []byte) Digest { return sha256.Sum256(b) }

// SumOf returns the digest that a running SHA-256 has come to.
func SumOf(h hash.Hash) (d Digest) {
	h.Sum(d[:0])
	return d
}

// ParseDigest reads 64 lowercase hexadecimal digits.
func ParseDigest(s string) (d Digest, err error) {
	if len(s) != 2*len(d) {
		return d, fmt.Errorf("digest: %w", ErrSyntax)
	}
	var again [2 * len(d)]byte // capitals are digits, too, to package hex
	if _, err := hex.Decode(d[:], []byte(s)); err != nil || string(hex.AppendEncode(again[:0], d[:])) != s {
		return Digest{}, fmt.Errorf("digest: %w", ErrSyntax)
	}
	return d, nil
}

// String returns the 64 digits.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// IsZero tells whether the digest is unset.
func (d Digest) IsZero() bool { return d == Digest{} }

// MarshalText writes the 64 digits.
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (d *Digest) UnmarshalText(b []byte) (err error) {
	*d, err = ParseDigest(string(b))
	return err
}
