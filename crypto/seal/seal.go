// Package seal turns what people write and attach into objects that only the
// right keys open, and back: documents, contents, wraps and case cards, as
// docs/formats.md describes them. An object is one age file
// (age-encryption.org/v1) whose plaintext is padded, so that its size says
// little; everything that is sealed here opens with the stock age command.
//
// Recipients are hybrid post-quantum ones (age1pq1…, ML-KEM-768 and X25519)
// or those of age plugins. Classic X25519 recipients are refused: what is
// recorded today must stay closed to the computers of tomorrow.
//
// The package must never write to a disk, keep a key longer than its caller
// does, or put a plaintext into an error. It holds no policy on who may read
// what: callers choose the recipients.
package seal

import (
	"errors"
	"fmt"
	"math/bits"
	"strings"

	"filippo.io/age"
	"filippo.io/age/plugin"
	"github.com/decred/dcrd/bech32"
)

// Errors of opening. Each says which check failed and nothing of the content.
var (
	ErrNoKey  = errors.New("no key here opens the object")
	ErrAge    = errors.New("object is damaged or not an age file")
	ErrLength = errors.New("object has another length than its document says")
	ErrDigest = errors.New("object has another digest than its document says")
	ErrMAC    = errors.New("card was not made with this case code")
	ErrFormat = errors.New("object opens but is not what it should be")
)

// Floor is the least padded length of a kind of plaintext, in bytes.
type Floor int64

// The floors. Whatever is shorter than its floor looks alike from outside.
const (
	SummaryFloor  Floor = 1 << 10
	DocumentFloor Floor = 4 << 10
	ContentFloor  Floor = 16 << 10
)

// Padded returns the length to which n bytes are padded: the PADMÉ length
// (Nikitin et al., "Reducing Metadata Leakage from Encrypted Files and
// Communication with PURBs", 2019, algorithm 1), which adds at most 12 % and
// lets only O(log log n) bits of the length through; never less than the floor.
func Padded(n int64, floor Floor) int64 {
	if n <= int64(floor) {
		return int64(floor)
	}
	e := bits.Len64(uint64(n)) - 1 // floor of log2 n
	s := bits.Len64(uint64(e))     // bits that e itself needs
	mask := int64(1)<<(e-s) - 1
	return (n + mask) &^ mask
}

// ParseRecipient reads a recipient: age1pq1… (hybrid) or age1NAME1… of the
// plugin age-plugin-NAME, which must be installed when something is sealed.
func ParseRecipient(s string) (age.Recipient, error) {
	if strings.HasPrefix(s, "age1pq1") {
		return ParseHybrid(s)
	}
	if strings.Count(s, "1") >= 2 {
		// A plugin may not ask anything: sealing goes on where nobody sits.
		r, err := plugin.NewRecipient(s, &plugin.ClientUI{})
		if err == nil {
			return r, nil
		}
	}
	return nil, errors.New("recipient is neither a post-quantum key (age1pq1…) nor one of an age plugin")
}

// ParseHybrid reads a hybrid recipient (age1pq1…) and no other: what a stranger
// names must never start a plugin.
func ParseHybrid(s string) (age.Recipient, error) {
	r, err := age.ParseHybridRecipient(s)
	if err != nil {
		return nil, errors.New("recipient is not a well-formed age1pq1… key")
	}
	return r, nil
}

// HybridIdentity returns the hybrid identity whose 32-byte seed is given
// (AGE-SECRET-KEY-PQ-1…: the seed in Bech32, BIP 173).
func HybridIdentity(seed [32]byte) (*age.HybridIdentity, error) {
	five, err := bech32.ConvertBits(seed[:], 8, 5, true)
	if err != nil {
		return nil, fmt.Errorf("encode identity: %w", err)
	}
	s, err := bech32.Encode("age-secret-key-pq-", five)
	if err != nil {
		return nil, fmt.Errorf("encode identity: %w", err)
	}
	return age.ParseHybridIdentity(strings.ToUpper(s))
}

// opened sorts age's errors into ours.
func opened(err error) error {
	var no *age.NoIdentityMatchError
	if errors.As(err, &no) {
		return ErrNoKey
	}
	return fmt.Errorf("%w: %w", ErrAge, err)
}
