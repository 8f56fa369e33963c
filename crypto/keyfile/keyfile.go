// Package keyfile keeps the private keys of people in files that only a
// passphrase opens: a member's, with which he opens wraps and signs
// statements, and the root key, with which rosters are signed; and a unit's
// recovery key on a sheet of paper. Unlocking a member's file is what logging
// in is.
//
// A file is an age file sealed with scrypt, whose plaintext is a line that
// names the format and a line for each key (docs/formats.md). The stock age
// command opens it. In place of an age identity it may hold that of an age
// plugin, so that the key itself stays in a hardware token. A member's file
// has an onion key, too, which opens the door to the members' onion service
// and nothing else; files from before there were any have none.
//
// The package must never write a key in the clear or put one, or a
// passphrase, into an error; the part that serves reporters may not import it.
package keyfile

import (
	"bytes"
	"crypto/ecdh"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"strings"

	"filippo.io/age"
	"filippo.io/age/plugin"
	"golang.org/x/mod/sumdb/note"

	"suluh.example/suluh/crypto/hidden"
	"suluh.example/suluh/crypto/id"
)

const (
	formatLine = "suluh.example/identity/v1"

	// onionPrefix begins the line of the onion key, which is then as in tor's own
	// .auth_private files behind the address.
	onionPrefix = "descriptor:x25519:"

	// DefaultWorkFactor is scrypt's log2 N: about a second on a small computer.
	DefaultWorkFactor = 18

	maxFile = 64 << 10
)

// Errors of opening.
var (
	ErrPassphrase = errors.New("the passphrase does not open this file")
	ErrFormat     = errors.New("not a file of the kind of keys expected, or a damaged one")
	ErrPlugin     = errors.New("not an identity of an age plugin (AGE-PLUGIN-NAME-1…) and its recipient (age1NAME1…)")
)

// Identity is a member's private keys, unlocked. It prints as "[hidden]".
type Identity struct {
	hidden.Mark
	member    id.Member
	age       age.Identity
	text      hidden.Value[string] // the age identity as the file has it
	recipient string
	skey      hidden.Value[string] // note signing key
	vkey      string
	signer    note.Signer
	onion     *ecdh.PrivateKey // nil in a file that has none yet
}

// New makes the keys of a new member, from crypto/rand.
func New(member id.Member) (*Identity, error) {
	a, err := age.GenerateHybridIdentity()
	if err != nil {
		return nil, fmt.Errorf("make identity: %w", err)
	}
	return with(member, a, a.String(), a.Recipient().String())
}

// NewWithPlugin makes the signing key of a new member whose age identity is
// that of a plugin, which the plugin's own program has made.
func NewWithPlugin(member id.Member, identity, recipient string, ui *plugin.ClientUI) (*Identity, error) {
	a, err := pluginIdentity(identity, recipient, ui)
	if err != nil {
		return nil, err
	}
	return with(member, a, identity, recipient)
}

func with(member id.Member, a age.Identity, text, recipient string) (*Identity, error) {
	if _, err := id.ParseMember(string(member)); err != nil || member.IsRecovery() || len(member) > 32 {
		return nil, errors.New("a member's id has 2 to 32 of a–z, 0–9 and hyphens, begins with a letter and not with recovery-")
	}
	skey, vkey, err := note.GenerateKey(nil, string(member))
	if err != nil {
		return nil, fmt.Errorf("make identity: %w", err)
	}
	signer, err := note.NewSigner(skey)
	if err != nil {
		return nil, fmt.Errorf("make identity: %w", err)
	}
	i := &Identity{member: member, age: a, text: hidden.Of(text), recipient: recipient, skey: hidden.Of(skey), vkey: vkey, signer: signer}
	return i, i.NewOnionKey()
}

// NewOnionKey puts a new onion key into an identity, in the place of one that
// it has. It counts once a roster lists its public half.
func (i *Identity) NewOnionKey() (err error) {
	if i.onion, err = ecdh.X25519().GenerateKey(rand.Reader); err != nil {
		return fmt.Errorf("make onion key: %w", err)
	}
	return nil
}

// pluginIdentity accepts an identity and a recipient of one and the same
// plugin. Whether they belong together only the plugin knows.
func pluginIdentity(identity, recipient string, ui *plugin.ClientUI) (age.Identity, error) {
	i, err := plugin.NewIdentity(identity, ui)
	if err != nil {
		return nil, ErrPlugin // age's error repeats the identity
	}
	r, err := plugin.NewRecipient(recipient, ui)
	if err != nil || r.Name() != i.Name() {
		return nil, ErrPlugin
	}
	return i, nil
}

// Member says whose keys these are.
func (i *Identity) Member() id.Member { return i.member }

// Age opens the wraps that are sealed to the member.
func (i *Identity) Age() age.Identity { return i.age }

// Signer signs the member's statements and documents.
func (i *Identity) Signer() note.Signer { return i.signer }

// Recipient is what the roster lists to seal to, age1pq1… or a plugin's.
func (i *Identity) Recipient() string { return i.recipient }

// VerifierKey is what the roster lists to check signatures with.
func (i *Identity) VerifierKey() string { return i.vkey }

// Onion is what the roster lists for the members' onion service to let the
// member in; "" if the file has no onion key yet.
func (i *Identity) Onion() string {
	if i.onion == nil {
		return ""
	}
	return base32Text.EncodeToString(i.onion.PublicKey().Bytes())
}

// OnionKey is the private half, with which tor reads the service's descriptor;
// nil if there is none yet.
func (i *Identity) OnionKey() *ecdh.PrivateKey { return i.onion }

var base32Text = base32.StdEncoding.WithPadding(base32.NoPadding)

// Seal returns the file's bytes. A work factor of 0 is [DefaultWorkFactor].
func (i *Identity) Seal(passphrase string, workFactor int) ([]byte, error) {
	lines := []string{formatLine, i.text.Reveal(), i.skey.Reveal()}
	if _, ok := i.age.(*plugin.Identity); ok {
		lines = append(lines, i.recipient)
	}
	if i.onion != nil {
		lines = append(lines, onionPrefix+base32Text.EncodeToString(i.onion.Bytes()))
	}
	return sealLines(lines, passphrase, workFactor)
}

// Open unlocks a file's bytes. A plugin gets nothing answered and shown; see
// [OpenWith]. The error is [ErrPassphrase] or [ErrFormat].
func Open(sealed []byte, passphrase string) (*Identity, error) {
	return OpenWith(sealed, passphrase, &plugin.ClientUI{})
}

// OpenWith is Open for where somebody sits whom a plugin may ask for a PIN or
// a touch.
func OpenWith(sealed []byte, passphrase string, ui *plugin.ClientUI) (*Identity, error) {
	lines, err := openLines(sealed, passphrase)
	if err != nil {
		return nil, err
	}
	if len(lines) < 3 || lines[0] != formatLine {
		return nil, ErrFormat
	}
	i := &Identity{text: hidden.Of(lines[1]), skey: hidden.Of(lines[2])}
	if text, ok := strings.CutPrefix(lines[len(lines)-1], onionPrefix); ok {
		lines = lines[:len(lines)-1]
		key, err := base32Text.DecodeString(text)
		if err != nil {
			return nil, ErrFormat // of the error's own words some repeat the key
		}
		if i.onion, err = ecdh.X25519().NewPrivateKey(key); err != nil {
			return nil, ErrFormat
		}
	}
	switch len(lines) {
	case 3:
		a, err := age.ParseHybridIdentity(lines[1])
		if err != nil {
			return nil, ErrFormat
		}
		i.age, i.recipient = a, a.Recipient().String()
	case 4:
		i.recipient = lines[3]
		if i.age, err = pluginIdentity(lines[1], i.recipient, ui); err != nil {
			return nil, ErrFormat
		}
	default:
		return nil, ErrFormat
	}
	if i.signer, i.vkey, err = openSigner(lines[2]); err != nil {
		return nil, err
	}
	if i.member, err = id.ParseMember(i.signer.Name()); err != nil {
		return nil, ErrFormat
	}
	return i, nil
}

// openSigner reads a note signing key.
func openSigner(skey string) (note.Signer, string, error) {
	s, err := note.NewSigner(skey)
	if err != nil {
		return nil, "", ErrFormat
	}
	vkey, err := verifierKey(s.Name(), skey)
	if err != nil {
		return nil, "", err
	}
	return s, vkey, nil
}

// sealLines seals lines with a passphrase.
func sealLines(lines []string, passphrase string, workFactor int) ([]byte, error) {
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
		return nil, fmt.Errorf("seal keys: %w", err)
	}
	if _, err := io.WriteString(w, strings.Join(lines, "\n")+"\n"); err != nil {
		return nil, fmt.Errorf("seal keys: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("seal keys: %w", err)
	}
	return b.Bytes(), nil
}

// openLines opens what sealLines has sealed. The error is [ErrPassphrase] or
// [ErrFormat].
func openLines(sealed []byte, passphrase string) ([]string, error) {
	if len(sealed) > maxFile {
		return nil, ErrFormat
	}
	with, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		return nil, ErrPassphrase // it is empty
	}
	r, err := age.Decrypt(bytes.NewReader(sealed), with)
	// scrypt took 256 MiB, which would let the garbage of all that follows grow
	// as large before it is collected.
	debug.FreeOSMemory()
	var no *age.NoIdentityMatchError
	if errors.As(err, &no) {
		return nil, ErrPassphrase
	}
	if err != nil {
		return nil, ErrFormat
	}
	text, err := io.ReadAll(io.LimitReader(r, maxFile))
	defer clear(text) // what the strings below hold stays in memory: Go can't wipe those
	if err != nil {
		return nil, ErrFormat
	}
	body, ended := strings.CutSuffix(string(text), "\n")
	if !ended {
		return nil, ErrFormat
	}
	return strings.Split(body, "\n"), nil
}
