// Package signature verifies the Ed25519 signatures of members by one rule, one by one or
// many together, which takes half the time.
//
// The rule is that of RFC 8032 (5.1.7) with the equation that has the cofactor. RFC 8032
// lets a verifier take a stricter one instead, as crypto/ed25519 does, so that who signs
// can make a signature that some take and others refuse; and only the one with the
// cofactor comes to the same verdict in a batch as alone. What a signer makes as
// RFC 8032 says is good by either. See docs/formats.md.
//
// The equations are a library's, whose rule by default is this one (curve25519-voi, which
// Tendermint's and Oasis' nodes verify with; its vectors are those of ed25519-speccheck
// and Wycheproof, and ours are in testdata). It prepares a key that verifies more than
// once, of which a third of the time of a batch is saved.
//
// The package must never call a signature good before all of its batch is, and has no
// way to sign.
package signature

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/oasisprotocol/curve25519-voi/curve"
	"github.com/oasisprotocol/curve25519-voi/primitives/ed25519"
	"golang.org/x/mod/sumdb/note"
)

// Key is the verifier key of a member: that of [note.NewVerifier] with another rule.
type Key struct {
	note.Verifier
	public   ed25519.PublicKey
	prepared func() *ed25519.ExpandedPublicKey // nil: no point. Made when first needed
	verify   func(k *Key, text, sig []byte) bool
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
	public := ed25519.PublicKey(key[1:])
	return &Key{v, public, sync.OnceValue(func() *ed25519.ExpandedPublicKey {
		x, err := ed25519.NewExpandedPublicKey(public)
		if err != nil {
			return nil
		}
		return x
	}), Verify}, nil
}

// Check refuses a key that nobody makes as RFC 8032 says: one of small order, by which
// signatures are good that were made without it, and for any text; and one that isn't
// written as RFC 8032 writes it. None is good by it anyway.
func (k *Key) Check() error {
	written, err := curve.NewCompressedEdwardsY().SetBytes(k.public)
	if err != nil {
		return fmt.Errorf("verifier key: %w", err)
	}
	p, err := curve.NewEdwardsPoint().SetCompressedY(written)
	switch {
	case err != nil || !written.IsCanonicalVartime():
		return errors.New("verifier key is no point, or not written as points are")
	case p.IsSmallOrder():
		return errors.New("verifier key is of small order")
	}
	return nil
}

// Verify tells whether a signature is good.
func (k *Key) Verify(text, sig []byte) bool { return k.verify(k, text, sig) }

// By returns the same key, whose signatures another function verifies: it must come to
// the verdict of [Verify].
func (k *Key) By(verify func(k *Key, text, sig []byte) bool) *Key {
	return &Key{k.Verifier, k.public, k.prepared, verify}
}

// Verify tells whether a signature is good by a key.
func Verify(k *Key, text, sig []byte) bool {
	x := k.prepared()
	return x != nil && ed25519.VerifyExpanded(x, text, sig)
}

// BatchSize is how many signatures are worth to be verified together: of more, each
// takes hardly less.
const BatchSize = 256

// Batch is signatures that are verified together.
type Batch struct {
	n      int
	failed bool
	v      *ed25519.BatchVerifier
}

// NewBatch returns a batch with room for n signatures.
func NewBatch(n int) *Batch {
	return &Batch{v: ed25519.NewBatchVerifierWithCapacity(n)}
}

// Add adds a signature by a key. One that isn't of this package makes the batch fail, as
// its rule is unknown. It keeps nothing of what it is given but the key.
func (b *Batch) Add(key note.Verifier, text, sig []byte) {
	b.n++
	k, ok := key.(*Key)
	if !ok || k.prepared() == nil {
		b.failed = true
		return
	}
	b.v.AddExpanded(k.prepared(), text, sig)
}

// Verify tells whether all signatures of the batch are good. If not, each has to be
// verified alone to tell which.
func (b *Batch) Verify() bool { return !b.failed && (b.n == 0 || b.v.VerifyBatchOnly(nil)) }
