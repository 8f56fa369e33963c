package seal

import (
	"errors"
	"fmt"
	"strings"

	"filippo.io/age"

	"suluh.example/suluh/crypto/hidden"
	"suluh.example/suluh/crypto/id"
)

// CaseKey is the key of one case, made where a report is sealed, wrapped to each
// reader, and forgotten there. It prints as "[hidden]".
//
// It is two identities: the case identity, to which all is sealed that people
// write and attach, and the list identity, to which what a list shows is sealed:
// summaries, states and outcomes. Of a case without key witnesses they are one
// and the same, and every reader holds it. Of a case that is split, readers hold
// the list identity, and the case identity only once key witnesses have given the
// rest: see [CaseKey.Join].
type CaseKey struct {
	hidden.Mark
	list  *age.HybridIdentity
	whole *age.HybridIdentity // nil while the shares of key witnesses are missing
	seed  [32]byte            // of the list identity
	split *split              // nil: the case has no key witnesses
}

// ErrShares says that a case opens only with the shares of key witnesses, which
// are missing.
var ErrShares = errors.New("the case opens only with the shares of its key witnesses")

// NewCaseKey makes a fresh key from crypto/rand.
func NewCaseKey() (*CaseKey, error) {
	i, err := age.GenerateHybridIdentity()
	if err != nil {
		return nil, fmt.Errorf("make case key: %w", err)
	}
	return &CaseKey{list: i, whole: i}, nil
}

// CaseKeyFromSeed derives the key from 32 secret bytes, so that a form that is
// sent twice is sealed to the same case.
func CaseKeyFromSeed(seed [32]byte) (*CaseKey, error) {
	i, err := HybridIdentity(seed)
	if err != nil {
		return nil, err
	}
	return &CaseKey{list: i, whole: i}, nil
}

// Identities open the case's objects, as far as the key goes: the list identity first.
func (k *CaseKey) Identities() []age.Identity {
	if k.whole == nil || k.whole == k.list {
		return []age.Identity{k.list}
	}
	return []age.Identity{k.list, k.whole}
}

// Whole tells whether the key opens all of the case.
func (k *CaseKey) Whole() bool { return k.whole != nil }

// Recipient seals to the case what only its whole key opens. It is nil while the
// shares of key witnesses are missing.
func (k *CaseKey) Recipient() *age.HybridRecipient {
	if k.whole == nil {
		return nil
	}
	return k.whole.Recipient()
}

// ListRecipient seals to the case what its list shows.
func (k *CaseKey) ListRecipient() *age.HybridRecipient { return k.list.Recipient() }

// Export reveals the identities, AGE-SECRET-KEY-PQ-1…, a line each without a
// newline at the end, for an export that the stock age command opens.
func (k *CaseKey) Export() string {
	if k.whole == nil || k.whole == k.list {
		return k.list.String()
	}
	return k.list.String() + "\n" + k.whole.String()
}

// Wrap seals the key to one reader. A wrap is a small age file whose plaintext
// is an age identity file: the list identity, behind what key witnesses hold of
// the case identity if the case has some.
func (k *CaseKey) Wrap(to age.Recipient) ([]byte, error) {
	return k.wrap(k.split.String()+k.list.String()+"\n", to)
}

// WrapWhole seals the key to a recovery sheet, which needs no key witness: the
// plaintext has the case identity as well. It is [ErrShares] if the shares of key
// witnesses are missing.
func (k *CaseKey) WrapWhole(to age.Recipient) ([]byte, error) {
	if k.whole == nil {
		return nil, ErrShares
	}
	return k.wrap(k.split.String()+k.Export()+"\n", to)
}

func (k *CaseKey) wrap(text string, to age.Recipient) ([]byte, error) {
	b, err := sealBytes([]byte(text), to)
	if err != nil {
		return nil, fmt.Errorf("wrap case key: %w", err)
	}
	return b, nil
}

// Decoy returns a key that opens nothing of the case and whose wraps look from
// outside like those of this one.
func (k *CaseKey) Decoy() (*CaseKey, error) {
	d, err := NewCaseKey()
	if err != nil {
		return nil, err
	}
	if d.split = k.split; k.split != nil {
		d.whole = nil
	}
	return d, nil
}

// Unwrap opens a wrap. The error is [ErrNoKey], [ErrAge] or [ErrFormat].
func Unwrap(wrap []byte, ids ...age.Identity) (*CaseKey, error) {
	b, err := openBytes(wrap, ids...)
	if err != nil {
		return nil, err
	}
	text, ok := strings.CutSuffix(string(b), "\n")
	if !ok {
		return nil, ErrFormat
	}
	lines := strings.Split(text, "\n")
	n := 0
	for n < len(lines) && strings.HasPrefix(lines[n], "#") {
		n++
	}
	k := &CaseKey{}
	if n > 0 {
		if k.split, err = parseSplit(lines[:n]); err != nil {
			return nil, err
		}
	}
	identities := lines[n:]
	if len(identities) == 0 || len(identities) > 2 || len(identities) == 2 && k.split == nil {
		return nil, ErrFormat
	}
	if k.list, k.seed, err = parseIdentity(identities[0]); err != nil {
		return nil, err
	}
	switch {
	case k.split == nil:
		k.whole = k.list
	case len(identities) == 2:
		whole, _, err := parseIdentity(identities[1])
		if err != nil || digestOfRecipient(whole) != k.split.recipient {
			return nil, ErrFormat
		}
		k.whole = whole
	}
	return k, nil
}

func digestOfRecipient(i *age.HybridIdentity) id.Digest {
	return id.DigestOf([]byte(i.Recipient().String()))
}
