package seal

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"filippo.io/age"
	"github.com/decred/dcrd/bech32"

	"suluh.example/suluh/crypto/hidden"
	"suluh.example/suluh/crypto/id"
)

// A case that is split has a case identity whose seed is the XOR of two shares:
// the seed of the list identity, which every reader holds, and a second one that
// key witnesses hold. Of n key witnesses any k can give the second share, and
// fewer know nothing of it: it is the XOR of random pieces, one for each choice
// of k-1 witnesses, which all but those k-1 hold (replicated secret sharing: Ito,
// Saito, Nishizeki, "Secret sharing scheme realizing general access structure",
// 1987). So k witnesses lack no piece together, and k-1 always lack one.
//
// What each witness holds is sealed to it and travels in the readers' wraps: the
// vault stores nothing new and knows nothing of it.

// MaxKeyWitnesses is how many key witnesses a case may have.
const MaxKeyWitnesses = 5

const (
	splitLine = "# suluh.example/split/v1"
	shareLine = "# share"
	shareHead = "suluh.example/share/v1"
)

// ErrShare says that what a key witness gave is not of this case.
var ErrShare = errors.New("share is not one of this case")

// KeyWitness is who holds a share of a case's key.
type KeyWitness struct {
	Member id.Member
	To     age.Recipient
}

// SealedShare is what a reader holds for a key witness, which alone opens it.
type SealedShare struct {
	Witness id.Member
	Sealed  []byte // age file
}

// split is what a reader knows of how a case is split.
type split struct {
	need      int
	recipient id.Digest // of the case recipient, age1pq1…
	shares    []SealedShare
}

// SplitCaseKey makes the key of a case that opens with the shares of as many key
// witnesses as needed, from the secret seeds of its case identity and of its list
// identity. The seeds must be independent of each other.
func SplitCaseKey(of id.Case, seed, list [32]byte, need int, witnesses []KeyWitness) (*CaseKey, error) {
	if need < 1 || need > len(witnesses) || len(witnesses) > MaxKeyWitnesses {
		return nil, errors.New("number of key witnesses is out of range")
	}
	k := &CaseKey{seed: list}
	var err error
	if k.whole, err = HybridIdentity(seed); err != nil {
		return nil, err
	}
	if k.list, err = HybridIdentity(list); err != nil {
		return nil, err
	}
	k.split = &split{need: need, recipient: digestOfRecipient(k.whole)}
	without := subsets(len(witnesses), need-1)
	pieces := make([][32]byte, len(without))
	last := xor(seed, list)
	for i := range pieces[1:] {
		rand.Read(pieces[i][:])
		last = xor(last, pieces[i])
	}
	pieces[len(pieces)-1] = last
	for w, x := range witnesses {
		var text strings.Builder
		fmt.Fprintf(&text, "%s\nhandle %s\n", shareHead, id.HandleOf(of))
		for i, out := range without {
			if !slices.Contains(out, w) {
				fmt.Fprintf(&text, "piece %d %x\n", i, pieces[i])
			}
		}
		sealed, err := sealBytes([]byte(text.String()), x.To)
		if err != nil {
			return nil, fmt.Errorf("seal share: %w", err)
		}
		k.split.shares = append(k.split.shares, SealedShare{x.Member, sealed})
	}
	return k, nil
}

// subsets returns all choices of k out of 0…n-1, each ascending, in
// lexicographic order.
func subsets(n, k int) (all [][]int) {
	var choose func(from int, chosen []int)
	choose = func(from int, chosen []int) {
		if len(chosen) == k {
			all = append(all, slices.Clone(chosen))
			return
		}
		for i := from; i < n; i++ {
			choose(i+1, append(chosen, i))
		}
	}
	choose(0, nil)
	return all
}

func xor(a, b [32]byte) (c [32]byte) {
	for i := range c {
		c[i] = a[i] ^ b[i]
	}
	return c
}

// Shares returns what key witnesses have to be asked for, and of how many of them
// an answer is needed. There are none if the case is not split.
func (k *CaseKey) Shares() (need int, all []SealedShare) {
	if k.split == nil {
		return 0, nil
	}
	return k.split.need, slices.Clone(k.split.shares)
}

// Share is what a key witness holds of one case. It prints as "[hidden]".
type Share struct {
	hidden.Mark
	Handle id.Digest // of the case
	pieces map[int][32]byte
	text   []byte
}

// OpenShare opens a sealed share: as a key witness that has it from a reader, or
// as a reader who got it from a key witness. The error is [ErrNoKey], [ErrAge] or
// [ErrFormat].
func OpenShare(sealed []byte, ids ...age.Identity) (*Share, error) {
	b, err := openBytes(sealed, ids...)
	if err != nil {
		return nil, err
	}
	text, ok := strings.CutSuffix(string(b), "\n")
	lines := strings.Split(text, "\n")
	if !ok || len(lines) < 3 || lines[0] != shareHead {
		return nil, ErrFormat
	}
	s := &Share{pieces: map[int][32]byte{}, text: b}
	handle, ok := strings.CutPrefix(lines[1], "handle ")
	if s.Handle, err = id.ParseDigest(handle); err != nil || !ok {
		return nil, ErrFormat
	}
	last := -1
	for _, line := range lines[2:] {
		f := strings.Split(line, " ")
		if len(f) != 3 || f[0] != "piece" {
			return nil, ErrFormat
		}
		n, err := strconv.Atoi(f[1])
		b, berr := hex.DecodeString(f[2])
		if err != nil || berr != nil || n <= last || len(b) != 32 {
			return nil, ErrFormat
		}
		s.pieces[n] = [32]byte(b)
		last = n
	}
	return s, nil
}

// SealTo seals the share to the reader who may have it.
func (s *Share) SealTo(to age.Recipient) ([]byte, error) { return sealBytes(s.text, to) }

// Join completes the key with shares that key witnesses gave. It is [ErrShares]
// if they are too few, and [ErrShare] if what they gave doesn't make the key that
// the reporter's side made.
func (k *CaseKey) Join(of id.Case, shares ...*Share) error {
	if k.split == nil || k.whole != nil {
		return nil
	}
	all := map[int][32]byte{}
	for _, s := range shares {
		if s.Handle != id.HandleOf(of) {
			return ErrShare
		}
		for i, p := range s.pieces {
			if had, ok := all[i]; ok && had != p {
				return ErrShare
			}
			all[i] = p
		}
	}
	seed := k.seed
	for i := range subsets(len(k.split.shares), k.split.need-1) {
		p, ok := all[i]
		if !ok {
			return ErrShares
		}
		seed = xor(seed, p)
	}
	whole, err := HybridIdentity(seed)
	if err != nil {
		return err
	}
	if digestOfRecipient(whole) != k.split.recipient {
		return ErrShare
	}
	k.whole = whole
	return nil
}

// String returns the lines that stand before the identities in a wrap; none for
// a case that isn't split. An age identity file takes them as comments.
func (s *split) String() string {
	if s == nil {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %d %s\n", splitLine, s.need, s.recipient)
	for _, x := range s.shares {
		fmt.Fprintf(&b, "%s %s %s\n", shareLine, x.Witness, base64.StdEncoding.EncodeToString(x.Sealed))
	}
	return b.String()
}

func parseSplit(lines []string) (*split, error) {
	head, ok := strings.CutPrefix(lines[0], splitLine+" ")
	need, digest, _ := strings.Cut(head, " ")
	n, err := strconv.Atoi(need)
	if !ok || err != nil || n < 1 || n > len(lines)-1 || len(lines)-1 > MaxKeyWitnesses {
		return nil, ErrFormat
	}
	s := &split{need: n}
	if s.recipient, err = id.ParseDigest(digest); err != nil {
		return nil, ErrFormat
	}
	for _, line := range lines[1:] {
		f, ok := strings.CutPrefix(line, shareLine+" ")
		name, data, _ := strings.Cut(f, " ")
		witness, err := id.ParseMember(name)
		sealed, berr := base64.StdEncoding.Strict().DecodeString(data)
		if !ok || err != nil || berr != nil || slices.ContainsFunc(s.shares, func(x SealedShare) bool { return x.Witness == witness }) {
			return nil, ErrFormat
		}
		s.shares = append(s.shares, SealedShare{witness, sealed})
	}
	return s, nil
}

// parseIdentity reads a hybrid identity and its seed.
func parseIdentity(line string) (*age.HybridIdentity, [32]byte, error) {
	i, err := age.ParseHybridIdentity(line)
	if err != nil {
		return nil, [32]byte{}, ErrFormat
	}
	_, five, err := bech32.DecodeNoLimit(strings.ToLower(line))
	if err != nil {
		return nil, [32]byte{}, ErrFormat
	}
	seed, err := bech32.ConvertBits(five, 5, 8, false)
	if err != nil || len(seed) != 32 {
		return nil, [32]byte{}, ErrFormat
	}
	return i, [32]byte(seed), nil
}
