// Package casecode makes and reads case codes: ten Indonesian words that are
// all a reporter needs to come back, and the secrets that are derived from
// them.
//
// A code is 99 random bits and 11 bits of checksum, so no slow hash is needed
// anywhere: guessing is hopeless. It opens answers and status, never the
// report itself. The package must never write a code to a disk or a log; a
// [Code] prints as "[hidden]", and [Code.Words] and [Code.Reveal] are the only
// ways to see it. docs/formats.md has the format and test vectors.
package casecode

import (
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	_ "embed"
	"fmt"
	"strings"

	"filippo.io/age"

	"suluh.example/suluh/crypto/hidden"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/seal"
)

const (
	// Len is the number of words of a code.
	Len = 10

	wordBits = 11
	entropy  = 13 // bytes that hold the 99 random bits; the last 5 bits are zero
)

//go:embed words.txt
var wordsText string

// list has the 2,048 words in order; wordsText never changes.
var list = strings.Fields(wordsText)

// Words returns the list of 2,048 words in order.
func Words() []string { return append([]string(nil), list...) }

// Code is a case code: the places of its words in the list. The zero Code is not
// one that New makes.
type Code struct{ hidden.Value[[Len]uint16] }

// New returns a fresh code from crypto/rand.
func New() (Code, error) {
	var e [entropy]byte
	if _, err := rand.Read(e[:]); err != nil {
		return Code{}, fmt.Errorf("make case code: %w", err)
	}
	return FromEntropy(e), nil
}

// FromEntropy returns the code of the first 99 bits of e, for those who derive
// them so that a form sent twice has the same code.
func FromEntropy(e [entropy]byte) Code {
	e[entropy-1] &= 0xe0
	var words [Len]uint16
	acc, n, w := uint32(0), 0, 0
	for _, b := range e {
		acc, n = acc<<8|uint32(b), n+8
		for n >= wordBits && w < Len-1 {
			n -= wordBits
			words[w] = uint16(acc>>n) & (1<<wordBits - 1)
			w++
		}
	}
	words[Len-1] = checksum(e)
	return Code{hidden.Of(words)}
}

func checksum(e [entropy]byte) uint16 {
	sum := sha256.Sum256(append([]byte("suluh.example/casecode/v1/checksum"), e[:]...))
	return uint16(sum[0])<<3 | uint16(sum[1])>>5
}

// entropyOf returns the 99 bits of the first nine words.
func (c Code) entropyOf() (e [entropy]byte) {
	bit, places := 0, c.Value.Reveal()
	for _, w := range places[:Len-1] {
		for i := wordBits - 1; i >= 0; i-- {
			if w>>i&1 == 1 {
				e[bit/8] |= 0x80 >> (bit % 8)
			}
			bit++
		}
	}
	return e
}

func (c Code) valid() bool { return checksum(c.entropyOf()) == c.Value.Reveal()[Len-1] }

// Words reveals the ten words.
func (c Code) Words() (words [Len]string) {
	for i, w := range c.Value.Reveal() {
		words[i] = list[w]
	}
	return words
}

// Equal tells whether two codes are the same.
func (c Code) Equal(other Code) bool {
	return hidden.Equal(hidden.Of(c.Reveal()), hidden.Of(other.Reveal()))
}

// Reveal reveals the ten words with one space between.
func (c Code) Reveal() string {
	w := c.Words()
	return strings.Join(w[:], " ")
}

// Lookup returns the value by which the vault finds the case.
func (c Code) Lookup() id.Lookup { return id.LookupFrom(c.derive("lookup")) }

// MACKey returns the key that authenticates case cards (HMAC-SHA256).
func (c Code) MACKey() hidden.Value[[32]byte] { return hidden.Of(c.derive("mac")) }

// Identity returns the reporter's identity, to which answers are sealed.
func (c Code) Identity() (*age.HybridIdentity, error) {
	return seal.HybridIdentity(c.derive("identity"))
}

// SigningKey returns the reporter's Ed25519 key, by which the vault knows that
// whoever destroys an answer has the code itself and not just its look-up value.
func (c Code) SigningKey() ed25519.PrivateKey {
	seed := c.derive("sign")
	return ed25519.NewKeyFromSeed(seed[:])
}

// derive is HKDF-SHA256 (RFC 5869) of the entropy, without salt.
func (c Code) derive(label string) [32]byte {
	e := c.entropyOf()
	b, err := hkdf.Key(sha256.New, e[:], nil, "suluh.example/casecode/v1/"+label, 32)
	if err != nil {
		panic(err) // only for lengths over 255 hashes
	}
	return [32]byte(b)
}
