package submission

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"suluh.example/suluh/crypto/casecode"
	"suluh.example/suluh/crypto/hidden"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/seal"
)

// Seed is the one-time value that a form carries from its check page on.
// Everything of the case is derived from it and from who may read, so that
// the same form sent twice gives the same case, code and key, whoever
// receives it; and that a changed choice of readers gives another case, since
// the readers of the first can't be told apart from those of the second any
// more. It is as secret as the report that stands beside it in the form. It
// prints as "[hidden]".
type Seed struct{ hidden.Value[[32]byte] }

// NewSeed returns a fresh seed, from crypto/rand.
func NewSeed() Seed {
	var b [32]byte
	rand.Read(b[:])
	return SeedFrom(b)
}

// SeedFrom returns the seed that a form came with.
func SeedFrom(b [32]byte) Seed { return Seed{hidden.Of(b)} }

// Hex reveals the seed, as a form carries it.
func (s Seed) Hex() string {
	b := s.Reveal()
	return hex.EncodeToString(b[:])
}

// Readers is who may read a report: the readers of a unit but for some.
type Readers struct {
	Unit    id.Unit
	Without []id.Member
}

// caseKeys are the secrets of one case, as derived from a seed.
type caseKeys struct {
	code   casecode.Code
	caseID id.Case
	key    [32]byte // seed of the case identity
	list   [32]byte // seed of the list identity, where the case is split among key witnesses
	tag    []byte   // key of the form's tag
}

// CodeOf returns the case code that a form with this seed and these readers
// will have.
func CodeOf(s Seed, to Readers) (casecode.Code, error) {
	entropy, err := to.derive(s, "code", 13)
	if err != nil {
		return casecode.Code{}, err
	}
	return casecode.FromEntropy([13]byte(entropy)), nil
}

func keysOf(s Seed, to Readers) (k caseKeys, err error) {
	if k.code, err = CodeOf(s, to); err != nil {
		return k, err
	}
	name, err := to.derive(s, "case", 10)
	if err != nil {
		return k, err
	}
	k.caseID = id.CaseFrom([10]byte(name))
	for purpose, seed := range map[string]*[32]byte{"key": &k.key, "list": &k.list} {
		b, err := to.derive(s, purpose, len(seed))
		if err != nil {
			return k, err
		}
		copy(seed[:], b)
	}
	k.tag, err = to.derive(s, "tag", 32)
	return k, err
}

// caseKey makes the key of the case, split where the roster names key witnesses
// of the unit.
func (s *Sender) caseKey(k caseKeys, unit id.Unit) (*seal.CaseKey, error) {
	need, members := s.roster.KeyWitnessesOf(unit)
	if need == 0 {
		return seal.CaseKeyFromSeed(k.key)
	}
	witnesses := make([]seal.KeyWitness, len(members))
	for i, m := range members {
		witnesses[i] = seal.KeyWitness{Member: m.ID, To: s.recipients[m.ID]}
	}
	return seal.SplitCaseKey(k.caseID, k.key, k.list, need, witnesses)
}

// derive is HKDF-SHA256 (RFC 5869) without salt; the info names the purpose
// and the readers.
func (to Readers) derive(s Seed, purpose string, n int) ([]byte, error) {
	without := make([]string, 0, len(to.Without))
	for _, m := range to.Without {
		without = append(without, string(m))
	}
	slices.Sort(without)
	info := "suluh.example/form/v1/" + purpose + "\n" + string(to.Unit) + "\n" + strings.Join(slices.Compact(without), ",")
	secret := s.Reveal()
	b, err := hkdf.Key(sha256.New, secret[:], nil, info, n)
	if err != nil {
		return nil, fmt.Errorf("derive keys of a form: %w", err)
	}
	return b, nil
}
