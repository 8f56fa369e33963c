// Package signature verifies the Ed25519 signatures of members by one rule, one by one or
// many together, which takes half the time.
//
// The rule is that of RFC 8032 (5.1.7) with the equation that has the cofactor. RFC 8032
// lets a verifier take a stricter one instead, as crypto/ed25519 does, so that who signs
// can make a signature that some take and others refuse; and only the one with the
// cofactor comes to the same verdict in a batch as alone. What a signer makes as
// RFC 8032 says is good by either. See docs/formats.md.
//
// The equation of a batch is a library's (ed25519consensus, 200 lines over the
// edwards25519 that the standard library has too, which itself verifies no batches); what
// that takes and the rule doesn't is refused here.
//
// The package must never call a signature good before all of its batch is, and has no
// way to sign.
package signature

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"filippo.io/edwards25519"
	"filippo.io/edwards25519/field"
	"github.com/hdevalence/ed25519consensus"
	"golang.org/x/mod/sumdb/note"
)

// Key is the verifier key of a member: that of [note.NewVerifier] with another rule.
type Key struct {
	note.Verifier
	public ed25519.PublicKey
	verify func(public ed25519.PublicKey, text, sig []byte) bool
}

// ParseKey reads a verifier key (note vkey). Whether it is fit for a member is for
// [Key.Check] to say.
func ParseKey(vkey string) (*Key, error) {
	v, err := note.NewVerifier(vkey)
	if err != nil {
		return nil, fmt.Errorf("verifier key: %w", err)
	}
	_, rest, _ := strings.Cut(vkey, "+")  // neither the name
	_, named, _ := strings.Cut(rest, "+") // nor the hash has a +
	key, err := base64.StdEncoding.DecodeString(named)
	if err != nil || len(key) != 1+ed25519.PublicKeySize { // the first says that it is of Ed25519: package note knows no other
		return nil, errors.New("verifier key is not of Ed25519")
	}
	return &Key{v, key[1:], Verify}, nil
}

// Check refuses a key that nobody makes as RFC 8032 says: one of small order, by which
// signatures are good that were made without it, and for any text; and one that isn't
// written as RFC 8032 writes it.
func (k *Key) Check() error {
	p, err := new(edwards25519.Point).SetBytes(k.public)
	if err != nil || !canonical(k.public) {
		return errors.New("verifier key is no point, or not written as points are")
	}
	if new(edwards25519.Point).MultByCofactor(p).Equal(edwards25519.NewIdentityPoint()) == 1 {
		return errors.New("verifier key is of small order")
	}
	return nil
}

// Verify tells whether a signature is good.
func (k *Key) Verify(text, sig []byte) bool { return k.verify(k.public, text, sig) }

// By returns the same key, whose signatures another function verifies: it must come to
// the verdict of [Verify].
func (k *Key) By(verify func(public ed25519.PublicKey, text, sig []byte) bool) *Key {
	return &Key{k.Verifier, k.public, verify}
}

// Verify tells whether a signature is good by a key that [Key.Check] doesn't refuse.
func Verify(public ed25519.PublicKey, text, sig []byte) bool {
	return wellFormed(sig) && ed25519consensus.Verify(public, text, sig)
}

// wellFormed refuses what ed25519consensus takes and RFC 8032 doesn't: a point in another
// encoding than the one that there is.
func wellFormed(sig []byte) bool { return len(sig) == ed25519.SignatureSize && canonical(sig[:32]) }

// canonical tells whether 32 bytes are written as RFC 8032 writes a point.
func canonical(b []byte) bool {
	y, err := new(field.Element).SetBytes(b) // without the sign of x, and reduced
	if err != nil {
		return false
	}
	sign := b[31] & 0x80
	again := y.Bytes()
	again[31] |= sign
	// Where y² is 1, x is 0, which has no sign.
	return bytes.Equal(again, b) && (sign == 0 || y.Square(y).Equal(new(field.Element).One()) == 0)
}

// BatchSize is how many signatures are worth to be verified together: of more, each
// takes hardly less.
const BatchSize = 32

// Batch is signatures that are verified together.
type Batch struct {
	n      int
	failed bool
	v      ed25519consensus.BatchVerifier
}

// NewBatch returns a batch with room for n signatures.
func NewBatch(n int) *Batch {
	return &Batch{v: ed25519consensus.NewPreallocatedBatchVerifier(n)}
}

// Add adds a signature. It keeps nothing of what it is given.
func (b *Batch) Add(public ed25519.PublicKey, text, sig []byte) {
	b.n++
	b.failed = b.failed || !wellFormed(sig)
	b.v.Add(public, text, sig)
}

// AddBy adds a signature by a key. One that isn't of this package makes the batch fail,
// as its rule is unknown.
func (b *Batch) AddBy(key note.Verifier, text, sig []byte) {
	var public ed25519.PublicKey // none: never good
	if k, ok := key.(*Key); ok {
		public = k.public
	}
	b.Add(public, text, sig)
}

// Verify tells whether all signatures of the batch are good. If not, each has to be
// verified alone to tell which.
func (b *Batch) Verify() bool { return b.n == 0 || !b.failed && b.v.Verify() }
