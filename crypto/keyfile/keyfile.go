// Package keyfile keeps a member's private keys in one file that only a
// passphrase opens: the age identity that opens wraps, and the Ed25519 key
// that signs statements. Unlocking this file is what logging in is.
//
// The file is an age file sealed with scrypt, whose plaintext is three lines:
// the format, the age identity and the note signing key. The stock age command
// opens it. The package must never write a key in the clear or put one, or a
// passphrase, into an error; the part that serves reporters may not import it.
package keyfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"

	"suluh.example/suluh/crypto/id"
)

const (
	formatLine = "suluh.example/identity/v1"

	// DefaultWorkFactor is scrypt's log2 N: about a second on a small computer.
	DefaultWorkFactor = 18

	maxFile = 64 << 10
)

// Errors of opening.
var (
	ErrPassphrase = errors.New("the passphrase does not open this identity")
	ErrFormat     = errors.New("not an identity file, or a damaged one")
)

// Identity is a member's private keys, unlocked. It prints as "redacted".
type Identity struct {
	member id.Member
	age    *age.HybridIdentity
	skey   string // note signing key
	vkey   string
	signer note.Signer
}

// New makes the keys of a new member, from crypto/rand.
func New(member id.Member) (*Identity, error) {
	if _, err := id.ParseMember(string(member)); err != nil || member.IsRecovery() {
		return nil, errors.New("a member's id has 2 to 32 of a–z, 0–9 and hyphens, and begins with a letter")
	}
	a, err := age.GenerateHybridIdentity()
	if err != nil {
		return nil, fmt.Errorf("make identity: %w", err)
	}
	skey, _, err := note.GenerateKey(nil, string(member))
	if err != nil {
		return nil, fmt.Errorf("make identity: %w", err)
	}
	return parse(a.String(), skey)
}

func parse(identity, skey string) (*Identity, error) {
	a, err := age.ParseHybridIdentity(identity)
	if err != nil {
		return nil, ErrFormat
	}
	s, err := note.NewSigner(skey)
	if err != nil {
		return nil, ErrFormat
	}
	member, err := id.ParseMember(s.Name())
	if err != nil {
		return nil, ErrFormat
	}
	vkey, err := verifierKey(s.Name(), skey)
	if err != nil {
		return nil, err
	}
	return &Identity{member, a, skey, vkey, s}, nil
}

// Member says whose keys these are.
func (i *Identity) Member() id.Member { return i.member }

// Age opens the wraps that are sealed to the member.
func (i *Identity) Age() age.Identity { return i.age }

// Signer signs the member's statements and documents.
func (i *Identity) Signer() note.Signer { return i.signer }

// Recipient is what the roster lists to seal to, age1pq1….
func (i *Identity) Recipient() string { return i.age.Recipient().String() }

// VerifierKey is what the roster lists to check signatures with.
func (i *Identity) VerifierKey() string { return i.vkey }

// Seal returns the file's bytes. A work factor of 0 is [DefaultWorkFactor].
func (i *Identity) Seal(passphrase string, workFactor int) ([]byte, error) {
	to, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		return nil, errors.New("the passphrase is empty")
	}
	if workFactor == 0 {
		workFactor = DefaultWorkFactor
	}
	to.SetWorkFactor(workFactor)
	var b bytes.Buffer
	w, err := age.Encrypt(&b, to)
	if err != nil {
		return nil, fmt.Errorf("seal identity: %w", err)
	}
	if _, err := fmt.Fprintf(w, "%s\n%s\n%s\n", formatLine, i.age, i.skey); err != nil {
		return nil, fmt.Errorf("seal identity: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("seal identity: %w", err)
	}
	return b.Bytes(), nil
}

// Open unlocks a file's bytes. The error is [ErrPassphrase] or [ErrFormat].
func Open(sealed []byte, passphrase string) (*Identity, error) {
	if len(sealed) > maxFile {
		return nil, ErrFormat
	}
	with, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		return nil, ErrPassphrase // it is empty
	}
	r, err := age.Decrypt(bytes.NewReader(sealed), with)
	var no *age.NoIdentityMatchError
	if errors.As(err, &no) {
		return nil, ErrPassphrase
	}
	if err != nil {
		return nil, ErrFormat
	}
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, ErrFormat
	}
	lines := strings.Split(string(text), "\n")
	if len(lines) != 4 || lines[0] != formatLine || lines[3] != "" {
		return nil, ErrFormat
	}
	return parse(lines[1], lines[2])
}

// Format prints "redacted" whatever the verb.
func (Identity) Format(f fmt.State, _ rune) { fmt.Fprint(f, "redacted") }

// LogValue prints "redacted".
func (Identity) LogValue() slog.Value { return slog.StringValue("redacted") }
