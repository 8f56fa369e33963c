package seal

import (
	"fmt"

	"filippo.io/age"

	"suluh.example/suluh/crypto/hidden"
)

// CaseKey is the identity of one case. Whoever holds it can read the whole
// case; it is made where a report is sealed, wrapped to each reader, and
// forgotten there. It prints as "[hidden]".
type CaseKey struct {
	hidden.Mark
	identity *age.HybridIdentity
}

// NewCaseKey makes a fresh key from crypto/rand.
func NewCaseKey() (*CaseKey, error) {
	i, err := age.GenerateHybridIdentity()
	if err != nil {
		return nil, fmt.Errorf("make case key: %w", err)
	}
	return &CaseKey{identity: i}, nil
}

// CaseKeyFromSeed derives the key from 32 secret bytes, so that a form that is
// sent twice is sealed to the same case.
func CaseKeyFromSeed(seed [32]byte) (*CaseKey, error) {
	i, err := HybridIdentity(seed)
	if err != nil {
		return nil, err
	}
	return &CaseKey{identity: i}, nil
}

// Identity opens the case's objects.
func (k *CaseKey) Identity() age.Identity { return k.identity }

// Recipient seals to the case.
func (k *CaseKey) Recipient() *age.HybridRecipient { return k.identity.Recipient() }

// Export reveals the identity, AGE-SECRET-KEY-PQ-1…, for an export that the
// stock age command opens.
func (k *CaseKey) Export() string { return k.identity.String() }

// Wrap seals the key to one reader. A wrap is a small age file whose
// plaintext is the identity and a newline: an age identity file.
func (k *CaseKey) Wrap(to age.Recipient) ([]byte, error) {
	b, err := sealBytes([]byte(k.Export()+"\n"), to)
	if err != nil {
		return nil, fmt.Errorf("wrap case key: %w", err)
	}
	return b, nil
}

// Unwrap opens a wrap. The error is [ErrNoKey], [ErrAge] or [ErrFormat].
func Unwrap(wrap []byte, ids ...age.Identity) (*CaseKey, error) {
	b, err := openBytes(wrap, ids...)
	if err != nil {
		return nil, err
	}
	if len(b) == 0 || b[len(b)-1] != '\n' {
		return nil, ErrFormat
	}
	i, err := age.ParseHybridIdentity(string(b[:len(b)-1]))
	if err != nil {
		return nil, ErrFormat
	}
	return &CaseKey{identity: i}, nil
}
