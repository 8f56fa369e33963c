// Package roster holds the signed list of who is who: the units, their
// members, what each member may do, and the public keys that reports are
// sealed to and statements are checked with.
//
// A roster is a signed note (C2SP signed-note, golang.org/x/mod/sumdb/note):
// one line that names the format and JSON below it, signed by the root key,
// which the Inspektur keeps offline. Versions form a chain, each with the
// digest of the one before, and every version is a record of the access log,
// so that a recipient added in secret shows. All of it is public.
//
// The package must never hold a private key beyond a call to Sign, and never
// accept a roster that breaks one of its rules: what is refused here never
// decides who reads a report.
package roster

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/signature"
)

const (
	formatLine = "suluh.example/roster/v1"

	// MaxSize is the most bytes that a signed roster may have.
	MaxSize = 8 << 20
)

// Errors of parsing.
var (
	ErrSignature = errors.New("roster is not signed by the root key")
	ErrInvalid   = errors.New("roster breaks a rule")
	ErrSuccessor = errors.New("roster does not follow the one before")
)

// Role is what a member may do.
type Role string

// The roles.
const (
	Reader    Role = "reader"    // reads and works on the cases wrapped to the member
	Approver  Role = "approver"  // takes access away, approves forwarding, purges
	Custodian Role = "custodian" // gives access again with the unit's recovery sheet
	Auditor   Role = "auditor"   // reads the access log
	Forwarder Role = "forwarder" // the forward part: reads what was approved for it

	KeyWitness Role = "key-witness" // holds shares of case keys, outside the unit whose cases they are
)

// Roles returns all roles.
func Roles() []Role { return []Role{Reader, Approver, Custodian, Auditor, Forwarder, KeyWitness} }

// Roster is one version of the list.
type Roster struct {
	Version  int64     `json:"version"`  // from 1
	Previous id.Digest `json:"previous"` // of the signed note of the version before; zero for the first
	Day      id.Day    `json:"day"`
	Origin   string    `json:"origin"`  // of the access log that the roster belongs to
	LogKey   string    `json:"log_key"` // the log's verifier key (note vkey), its name is the origin
	Units    []Unit    `json:"units"`
	Members  []Member  `json:"members"`

	// Witnesses is a policy (C2SP tlog-policy): who has to cosign the log's
	// checkpoints, so that nobody can be shown a log of his own. Without one,
	// members and auditors can only compare what they see.
	Witnesses string `json:"witnesses,omitempty"`
}

// MaxWitnesses is the most bytes that a policy of witnesses may have.
const MaxWitnesses = 16 << 10

// Unit is a body that reads reports.
type Unit struct {
	ID        id.Unit           `json:"id"`
	Name      map[string]string `json:"name"`                // by language: "id", "en"
	Handles   map[string]string `json:"handles,omitempty"`   // whom reports to this unit are about, a phrase by language
	Positions []string          `json:"positions,omitempty"` // positions that the unit is competent for
	Other     id.Unit           `json:"other,omitempty"`     // unit that receives reports about this one
	Recovery  string            `json:"recovery,omitempty"`  // recovery recipient, age1pq1…
	Contact   map[string]string `json:"contact,omitempty"`   // where to turn to, by language
	Alone     bool              `json:"alone,omitempty"`     // who prepared something for the main queue may approve it himself

	// KeyWitnesses are who must give their shares before a case of the unit opens;
	// nil: nobody. It holds for cases that are sealed while the roster is in force.
	KeyWitnesses *KeyWitnesses `json:"key_witnesses,omitempty"`
}

// KeyWitnesses says how many of which key witnesses a case needs to be opened.
type KeyWitnesses struct {
	Need int         `json:"need"` // from 1
	Of   []id.Member `json:"of"`   // at most seal.MaxKeyWitnesses
}

// Named returns the unit's name in a language, or in Indonesian.
func (u Unit) Named(language string) string { return inLanguage(u.Name, language) }

// HandlesIn returns whom reports to the unit are about, in a language or in Indonesian.
func (u Unit) HandlesIn(language string) string { return inLanguage(u.Handles, language) }

func inLanguage(m map[string]string, language string) string {
	if s := m[language]; s != "" {
		return s
	}
	return m["id"]
}

// Member is a person or a part with keys of its own.
type Member struct {
	ID        id.Member `json:"id"`
	Name      string    `json:"name"`
	Unit      id.Unit   `json:"unit"`
	Roles     []Role    `json:"roles"`
	Recipient string    `json:"recipient"` // age1pq1… or an age plugin's
	Key       string    `json:"key"`       // note verifier key, its name is the member's id

	// Onion is the key by which the members' onion service lets the member in:
	// x25519, in base32, as tor's descriptor:x25519: has it. Without one the
	// member reaches the vault by its socket only. It opens a door and no report,
	// so it may change while the member stays the same.
	Onion string `json:"onion,omitempty"`

	// Address is where a key witness answers, and set for one alone: a URL,
	// https:// or, of an onion service or on loopback, http://.
	Address string `json:"address,omitempty"`

	Since   id.Day  `json:"since"`
	Removed *id.Day `json:"removed,omitempty"` // set: was a member until this day
}

// Has tells whether a member who is not removed has a role.
func (m Member) Has(r Role) bool { return m.Removed == nil && slices.Contains(m.Roles, r) }

// Parse checks a signed roster against the root key and returns it.
func Parse(signed []byte, root note.Verifier) (*Roster, error) {
	if len(signed) > MaxSize {
		return nil, fmt.Errorf("%w: larger than %d bytes", ErrInvalid, MaxSize)
	}
	n, err := note.Open(signed, note.VerifierList(root))
	if err != nil {
		return nil, ErrSignature
	}
	first, body, _ := strings.Cut(n.Text, "\n")
	if first != formatLine {
		return nil, fmt.Errorf("%w: format is not %s", ErrInvalid, formatLine)
	}
	return Decode([]byte(body))
}

// Decode reads a roster's JSON and checks its rules.
func Decode(body []byte) (*Roster, error) {
	r, err := DecodeDraft(body)
	if err == nil {
		err = r.check()
	}
	if err != nil {
		return nil, err
	}
	return r, nil
}

// DecodeDraft reads the JSON of a roster that may still break the rules: Sign
// and [Decode] refuse it then.
func DecodeDraft(body []byte) (*Roster, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	var r Roster
	if err := d.Decode(&r); err != nil {
		return nil, fmt.Errorf("%w: JSON: %w", ErrInvalid, err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("%w: text after the JSON", ErrInvalid)
	}
	return &r, nil
}

// Encode returns the roster's JSON, indented, as a draft keeps it.
func (r *Roster) Encode() ([]byte, error) {
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode roster: %w", err)
	}
	return append(b, '\n'), nil
}

// Sign returns the signed note of a roster that keeps the rules.
func (r *Roster) Sign(root note.Signer) ([]byte, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	if r.LogKey == "" {
		return nil, fmt.Errorf("%w: it names no log key", ErrInvalid)
	}
	body, err := r.Encode()
	if err != nil {
		return nil, err
	}
	msg, err := note.Sign(&note.Note{Text: formatLine + "\n" + string(body)}, root)
	if err != nil {
		return nil, fmt.Errorf("sign roster: %w", err)
	}
	return msg, nil
}

// Digest returns the digest by which the log and the next version name a
// signed roster.
func Digest(signed []byte) id.Digest { return id.DigestOf(signed) }

// Readers returns the current readers of a unit but for some, in the order of
// the roster.
func (r *Roster) Readers(unit id.Unit, without []id.Member) []Member {
	var readers []Member
	for _, m := range r.Members {
		if m.Unit == unit && m.Has(Reader) && !slices.Contains(without, m.ID) {
			readers = append(readers, m)
		}
	}
	return readers
}

// KeyWitnessesOf returns the key witnesses of a unit, in the order of the roster's
// entry, and how many of them a case needs. There are none where cases aren't split.
func (r *Roster) KeyWitnessesOf(u id.Unit) (need int, all []Member) {
	unit, ok := r.Unit(u)
	if !ok || unit.KeyWitnesses == nil {
		return 0, nil
	}
	for _, name := range unit.KeyWitnesses.Of {
		m, _ := r.Member(name) // check has refused a name of nobody
		all = append(all, m)
	}
	return unit.KeyWitnesses.Need, all
}

// Unit returns a unit by its id.
func (r *Roster) Unit(u id.Unit) (Unit, bool) {
	i := slices.IndexFunc(r.Units, func(x Unit) bool { return x.ID == u })
	if i < 0 {
		return Unit{}, false
	}
	return r.Units[i], true
}

// Member returns a member by its id, also one who was removed.
func (r *Roster) Member(m id.Member) (Member, bool) {
	i := slices.IndexFunc(r.Members, func(x Member) bool { return x.ID == m })
	if i < 0 {
		return Member{}, false
	}
	return r.Members[i], true
}

// OnionKeys are the keys of those whom the members' onion service lets in: not key
// witnesses, to whom members come.
func (r *Roster) OnionKeys() map[id.Member]string {
	keys := map[id.Member]string{}
	for _, m := range r.Members {
		if m.Removed == nil && len(m.Roles) > 0 && m.Onion != "" && !m.Has(KeyWitness) {
			keys[m.ID] = m.Onion
		}
	}
	return keys
}

// Active tells whether somebody is a member who was not removed.
func (r *Roster) Active(m id.Member) bool {
	x, ok := r.Member(m)
	return ok && x.Removed == nil
}

// Has tells whether an active member has a role.
func (r *Roster) Has(m id.Member, role Role) bool {
	x, ok := r.Member(m)
	return ok && x.Has(role)
}

// Names returns under which names a member may hold the key of a case: a
// reader under his own, and a custodian, where the recovery sheet is enough for
// what he asks, under that of the unit's recovery sheet.
func (r *Roster) Names(m id.Member, sheetIsEnough bool) (names []id.Member) {
	x, ok := r.Member(m)
	if ok && x.Has(Reader) {
		names = append(names, m)
	}
	if ok && sheetIsEnough && x.Has(Custodian) {
		names = append(names, id.RecoveryOf(x.Unit))
	}
	return names
}

// MayRevoke tells whether a member may take another's access away: his own,
// and as an approver that of his unit, without having access himself.
func (r *Roster) MayRevoke(m, to id.Member) bool {
	by, _ := r.Member(m)
	other, known := r.Member(to)
	return m == to || by.Has(Approver) && known && other.Unit == by.Unit
}

// OfUnit tells whether a name is that of a unit's member, removed or not, or of
// its recovery sheet.
func (r *Roster) OfUnit(m id.Member, u id.Unit) bool {
	x, ok := r.Member(m)
	return ok && x.Unit == u || m == id.RecoveryOf(u)
}

// MembersOf returns a unit's members, removed ones too.
func (r *Roster) MembersOf(u id.Unit) (all []id.Member) {
	for _, m := range r.Members {
		if m.Unit == u {
			all = append(all, m.ID)
		}
	}
	return all
}

// ReadsFor tells whether a case may be given to a name when it is given to a
// unit: one of its readers, or its recovery sheet.
func (r *Roster) ReadsFor(m id.Member, u id.Unit) bool {
	unit, ok := r.Unit(u)
	if !ok || !r.OfUnit(m, u) {
		return false
	}
	return r.Has(m, Reader) || m.IsRecovery() && unit.Recovery != ""
}

// MayApproveAlone tells whether a member's unit lets who prepared something for
// the main queue approve it himself.
func (r *Roster) MayApproveAlone(m id.Member) bool {
	x, _ := r.Member(m)
	u, ok := r.Unit(x.Unit)
	return ok && u.Alone
}

// Verifiers returns the keys of all members, removed ones too: what they
// signed while they were members stays theirs. Whether a member may still do
// something is for Active and Has to say. See [signature] for the rule.
func (r *Roster) Verifiers() note.Verifiers { return r.VerifiersBy(signature.Verify) }

// VerifiersBy is Verifiers whose signatures another function verifies by the same
// rule, as one that has many at once.
func (r *Roster) VerifiersBy(verify func(k *signature.Key, text, sig []byte) bool) note.Verifiers {
	var list []note.Verifier
	for _, m := range r.Members {
		k, err := signature.ParseKey(m.Key)
		if err != nil {
			continue // check has refused such a roster
		}
		list = append(list, k.By(verify))
	}
	return note.VerifierList(list...)
}

// CheckSuccessor tells whether next may replace old, of which the signed note
// is given: the version and the chain go on by one, the log stays the same,
// nobody disappears (removal is marked) and no id changes its keys.
func CheckSuccessor(old, next *Roster, oldSigned []byte) error {
	switch {
	case next.Version != old.Version+1:
		return fmt.Errorf("%w: version %d after %d", ErrSuccessor, next.Version, old.Version)
	case next.Previous != Digest(oldSigned):
		return fmt.Errorf("%w: it names another version as the previous one", ErrSuccessor)
	case next.Origin != old.Origin || next.LogKey != old.LogKey:
		return fmt.Errorf("%w: it belongs to another log", ErrSuccessor)
	case next.Day.Before(old.Day):
		return fmt.Errorf("%w: its day is before that of the previous one", ErrSuccessor)
	}
	for _, m := range old.Members {
		n, ok := next.Member(m.ID)
		if !ok {
			return fmt.Errorf("%w: member %s is gone instead of marked as removed", ErrSuccessor, m.ID)
		}
		if n.Key != m.Key || n.Recipient != m.Recipient {
			return fmt.Errorf("%w: keys of member %s changed; a member with new keys gets a new id", ErrSuccessor, m.ID)
		}
		if m.Removed != nil && n.Removed == nil {
			return fmt.Errorf("%w: member %s was removed and is back", ErrSuccessor, m.ID)
		}
	}
	for _, u := range old.Units {
		if _, ok := next.Unit(u.ID); !ok {
			return fmt.Errorf("%w: unit %s is gone", ErrSuccessor, u.ID)
		}
	}
	return nil
}
