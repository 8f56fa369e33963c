// Package ceremony is what the keeper of the root key and each new member do
// on their own machines: the folder with the sealed root key, the draft and
// the signed rosters; the recovery sheet; a member's identity and request.
//
// It needs no network and must never write a private key in the clear: the
// root key and identities are sealed with a passphrase before they reach a
// disk, and a recovery key leaves this package only in the sheet that its
// caller prints.
//
// The folder:
//
//	root.key        the root key, sealed with a passphrase (crypto/keyfile)
//	root.vkey       its public half, for vaults, intakes and desks
//	roster.json     the draft of the next version
//	roster-<N>.note version N, signed
package ceremony

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/keyfile"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/crypto/seal"
	"suluh.example/suluh/internal/durable"
)

// Errors of the ceremony, for which there is something to do.
var (
	ErrNoFolder     = errors.New("this is no folder of rosters")
	ErrUnit         = errors.New("the draft has no such unit")
	ErrMember       = errors.New("the draft has no such member")
	ErrReused       = errors.New("a member's id is used once and for all, and the draft has this one already")
	ErrRemoved      = errors.New("the member is removed already")
	ErrUnchanged    = errors.New("the draft is the same as the version that was signed last")
	ErrLogKey       = errors.New("the roster names no log key yet")
	ErrOtherLog     = errors.New("the log key is not one of this roster's origin")
	ErrOtherKeys    = errors.New("the request is by a member with other keys")
	ErrIsKeyWitness = errors.New("a unit names this member as a key witness")
	ErrHasSheet     = errors.New("the unit has a recovery sheet already")
)

// Folder is an open folder of rosters. Draft is the next version, which a
// caller may change and [Folder.Save].
type Folder struct {
	Draft      *roster.Roster
	Last       *roster.Roster // signed last; nil if none was
	dir        string
	root       note.Verifier
	lastSigned []byte
}

// Init makes the folder with a new root key and a draft that has no unit yet.
// It returns the root key's public half. A work factor of 0 is
// [keyfile.DefaultWorkFactor].
func Init(dir, origin, passphrase string, workFactor int, today id.Day) (vkey string, err error) {
	if origin == "" || strings.ContainsFunc(origin, func(c rune) bool { return c <= ' ' || c > '~' || c == '+' }) {
		return "", errors.New("an origin is a name such as suluh.example/provinsi, without spaces and +")
	}
	root, err := keyfile.NewRoot(origin + "/root")
	if err != nil {
		return "", err
	}
	sealed, err := root.Seal(passphrase, workFactor)
	if err != nil {
		return "", err
	}
	draft, err := (&roster.Roster{Version: 1, Day: today, Origin: origin, Units: []roster.Unit{}, Members: []roster.Member{}}).Encode()
	if err != nil {
		return "", err
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", err
	}
	err = errors.Join(
		durable.WriteFile(filepath.Join(dir, "root.key"), sealed, 0o600),
		durable.WriteFile(filepath.Join(dir, "root.vkey"), []byte(root.VerifierKey()+"\n"), 0o644),
		durable.WriteFile(filepath.Join(dir, "roster.json"), draft, 0o600),
	)
	if err != nil {
		return "", errors.Join(err, os.RemoveAll(dir))
	}
	return root.VerifierKey(), nil
}

// Open reads a folder and checks the roster that was signed last.
func Open(dir string) (*Folder, error) {
	f := &Folder{dir: dir}
	vkey, err := os.ReadFile(f.path("root.vkey"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, ErrNoFolder
	}
	if err != nil {
		return nil, err
	}
	if f.root, err = note.NewVerifier(strings.TrimSpace(string(vkey))); err != nil {
		return nil, fmt.Errorf("root.vkey is not a verifier key: %w", ErrNoFolder)
	}
	body, err := os.ReadFile(f.path("roster.json"))
	if err != nil {
		return nil, err
	}
	if f.Draft, err = roster.DecodeDraft(body); err != nil {
		return nil, fmt.Errorf("roster.json: %w", err)
	}
	for n := int64(1); ; n++ {
		signed, err := os.ReadFile(f.path(file(n)))
		if errors.Is(err, os.ErrNotExist) {
			break
		}
		if err != nil {
			return nil, err
		}
		f.lastSigned = signed
	}
	f.Draft.Version, f.Draft.Previous = 1, id.Digest{}
	if f.lastSigned != nil {
		if f.Last, err = roster.Parse(f.lastSigned, f.root); err != nil {
			return nil, fmt.Errorf("the roster that was signed last: %w", err)
		}
		f.Draft.Version, f.Draft.Previous = f.Last.Version+1, roster.Digest(f.lastSigned)
	}
	return f, nil
}

// Root checks what the folder's key has signed.
func (f *Folder) Root() note.Verifier { return f.root }

func (f *Folder) path(name string) string { return filepath.Join(f.dir, name) }

func file(version int64) string { return fmt.Sprintf("roster-%d.note", version) }

// Save writes the draft if it keeps the rules.
func (f *Folder) Save() error {
	body, err := f.Draft.Encode()
	if err != nil {
		return err
	}
	if _, err := roster.Decode(body); err != nil {
		return err
	}
	return durable.ReplaceFile(f.path("roster.json"), body, 0o600)
}

// Unit returns a unit of the draft to change.
func (f *Folder) Unit(u id.Unit) (*roster.Unit, error) {
	i := slices.IndexFunc(f.Draft.Units, func(x roster.Unit) bool { return x.ID == u })
	if i < 0 {
		return nil, ErrUnit
	}
	return &f.Draft.Units[i], nil
}

// Member returns a member of the draft to change.
func (f *Folder) Member(m id.Member) (*roster.Member, error) {
	i := slices.IndexFunc(f.Draft.Members, func(x roster.Member) bool { return x.ID == m })
	if i < 0 {
		return nil, ErrMember
	}
	return &f.Draft.Members[i], nil
}

// Add takes a new member into the draft.
func (f *Folder) Add(r roster.Request, unit id.Unit, roles []roster.Role, today id.Day) error {
	if _, err := f.Unit(unit); err != nil {
		return err
	}
	if _, err := f.Member(r.ID); err == nil {
		return ErrReused
	}
	f.Draft.Members = append(f.Draft.Members, roster.Member{
		ID: r.ID, Name: r.Name, Unit: unit, Roles: roles, Recipient: r.Recipient, Key: r.Key, Onion: r.Onion, Since: today,
	})
	return nil
}

// TakeOnion takes over the onion key of a request, and nothing else, for the
// member whose other keys it has.
func (f *Folder) TakeOnion(r roster.Request) error {
	m, err := f.Member(r.ID)
	switch {
	case err != nil:
		return err
	case m.Removed != nil:
		return ErrRemoved
	case m.Key != r.Key || m.Recipient != r.Recipient:
		return ErrOtherKeys
	}
	m.Onion = r.Onion
	return nil
}

// Remove marks a member as removed; one who was never signed leaves no trace.
func (f *Folder) Remove(m id.Member, today id.Day) error {
	x, err := f.Member(m)
	if err != nil {
		return err
	}
	if x.Removed != nil {
		return ErrRemoved
	}
	for _, u := range f.Draft.Units {
		if k := u.KeyWitnesses; k != nil && slices.Contains(k.Of, m) {
			return fmt.Errorf("unit %s: %w", u.ID, ErrIsKeyWitness)
		}
	}
	x.Removed = &today
	if f.Last != nil {
		if _, signed := f.Last.Member(m); signed {
			return nil
		}
	}
	f.Draft.Members = slices.DeleteFunc(f.Draft.Members, func(x roster.Member) bool { return x.ID == m })
	return nil
}

// SetLogKey says which log the rosters belong to, once and for all.
func (f *Folder) SetLogKey(vkey string) error {
	v, err := note.NewVerifier(vkey)
	if err != nil || v.Name() != f.Draft.Origin || f.Last != nil && f.Last.LogKey != vkey {
		return ErrOtherLog
	}
	f.Draft.LogKey = vkey
	return nil
}

// Changes says what the draft changes against the version signed last.
func (f *Folder) Changes() []string { return f.Draft.Changes(f.Last) }

// Check tells whether the draft can be signed today. The version before may have
// been signed where it was tomorrow already.
func (f *Folder) Check(today id.Day) error {
	f.Draft.Day = today
	if f.Last != nil && f.Last.Day == today.AddDays(1) {
		f.Draft.Day = f.Last.Day
	}
	switch {
	case f.Draft.LogKey == "":
		return ErrLogKey
	case len(f.Changes()) == 0:
		return ErrUnchanged
	case f.Last != nil:
		if err := roster.CheckSuccessor(f.Last, f.Draft, f.lastSigned); err != nil {
			return err
		}
	}
	return f.checkRecipients()
}

// checkRecipients tells whether everybody can be sealed to: with one who can't,
// nobody could report any more. The roster's own rules look at their form only.
func (f *Folder) checkRecipients() error {
	for _, u := range f.Draft.Units {
		if _, err := seal.ParseRecipient(u.Recovery); u.Recovery != "" && err != nil {
			return fmt.Errorf("recovery recipient of unit %s: %w", u.ID, err)
		}
	}
	for _, m := range f.Draft.Members {
		if _, err := seal.ParseRecipient(m.Recipient); m.Removed == nil && err != nil {
			return fmt.Errorf("recipient of member %s: %w", m.ID, err)
		}
	}
	return nil
}

// Sign unlocks the root key, signs the draft and returns the new file's name.
func (f *Folder) Sign(passphrase string, today id.Day) (string, error) {
	if err := f.Check(today); err != nil {
		return "", err
	}
	sealed, err := os.ReadFile(f.path("root.key"))
	if err != nil {
		return "", err
	}
	root, err := keyfile.OpenRoot(sealed, passphrase)
	if err != nil {
		return "", err
	}
	signed, err := f.Draft.Sign(root.Signer())
	if err != nil {
		return "", err
	}
	if _, err := roster.Parse(signed, f.root); err != nil {
		return "", fmt.Errorf("root.key and root.vkey do not belong together: %w", err)
	}
	if err := f.Save(); err != nil {
		return "", err
	}
	name := f.path(file(f.Draft.Version))
	return name, durable.WriteFile(name, signed, 0o644)
}
