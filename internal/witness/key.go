package witness

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	formats "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"
)

// ErrKeyFile says that a file isn't what [NewKey] made.
var ErrKeyFile = errors.New("not the key of a witness")

// NewKey makes a witness's key: two lines, the secret one as
// golang.org/x/mod/sumdb/note has signers' keys, and the verifier key by which
// policies name the witness. The name is like an address without its scheme,
// such as saksi.example/kantor.
func NewKey(name string) (string, error) {
	skey, vkey, err := note.GenerateKey(rand.Reader, name)
	if err != nil {
		return "", fmt.Errorf("make key: %w", err)
	}
	if vkey, err = formats.VKeyToCosignatureV1(vkey); err != nil {
		return "", fmt.Errorf("make key: %w", err)
	}
	return skey + "\n" + vkey + "\n", nil
}

// ParseKey reads what NewKey made. It returns what makes timestamped
// cosignatures (C2SP tlog-cosignature, Ed25519), and the verifier key. The error
// is ErrKeyFile.
func ParseKey(text string) (signer note.Signer, vkey string, err error) {
	skey, vkey, ok := strings.Cut(strings.TrimSpace(text), "\n")
	s, serr := formats.NewSignerForCosignatureV1(skey)
	v, verr := formats.NewVerifierForCosignatureV1(vkey)
	if !ok || serr != nil || verr != nil || s.Name() != v.Name() || s.KeyHash() != v.KeyHash() {
		return nil, "", ErrKeyFile // the parsers' errors could repeat a part of the key
	}
	return s, vkey, nil
}
