// Package id holds the identifiers that travel between the parts of Suluh:
// cases, members, units, digests, lookup values, days and the roles of
// objects. Each is a type of its own, so that the compiler keeps a case from
// being passed where a member is meant, and each has one written form that
// its parser alone accepts.
//
// The package must never hold anything that tells a reporter from another:
// there is no type for an address, and a [Day] can only be built by cutting a
// time down to its date, so that no hour of a deposit can reach a disk
// through it. Of Suluh's it imports
// what hides secrets alone.
package id

import (
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"strings"

	"suluh.example/suluh/crypto/hidden"
)

// ErrSyntax is wrapped by every parser of this package. The text that was
// refused is never part of the error: errors end up in logs.
var ErrSyntax = errors.New("malformed identifier")

// Case names a case: "K-" and 10 random bytes in base32 (RFC 4648), in four
// groups, e.g. "K-ABCD-EFGH-IJKL-MNOP". It says nothing about time or order.
type Case string

// NewCase returns the name of a new case, from crypto/rand.
func NewCase() Case {
	var b [10]byte
	rand.Read(b[:])
	return CaseFrom(b)
}

// CaseFrom returns the case whose 10 bytes are given, for those who derive
// them so that a form sent twice names the same case.
func CaseFrom(b [10]byte) Case {
	s := base32.StdEncoding.EncodeToString(b[:])
	return Case("K-" + s[0:4] + "-" + s[4:8] + "-" + s[8:12] + "-" + s[12:16])
}

// ParseCase accepts the one written form of a case's name.
func ParseCase(s string) (Case, error) {
	ok := len(s) == 21 && s[0] == 'K'
	for i := 1; ok && i < len(s); i++ {
		// Four groups are just as many bits as 10 bytes, so each digit may be any.
		if c := s[i]; i%5 == 1 {
			ok = c == '-'
		} else {
			ok = 'A' <= c && c <= 'Z' || '2' <= c && c <= '7'
		}
	}
	if !ok {
		return "", fmt.Errorf("case: %w", ErrSyntax)
	}
	return Case(s), nil
}

// Member names a member of the roster: 2 to 32 of a–z, 0–9 and hyphens,
// beginning with a letter. Names that begin with "recovery-" stand for a
// unit's recovery recipient and belong to nobody.
type Member string

// Unit names a unit of the roster, with the syntax of a [Member].
type Unit string

const recoveryPrefix = "recovery-"

// ParseMember accepts the one written form of a member's name.
func ParseMember(s string) (Member, error) {
	if !name(s, 32+len(recoveryPrefix)) {
		return "", fmt.Errorf("member: %w", ErrSyntax)
	}
	return Member(s), nil
}

// ParseUnit accepts the one written form of a unit's name.
func ParseUnit(s string) (Unit, error) {
	if !name(s, 32) {
		return "", fmt.Errorf("unit: %w", ErrSyntax)
	}
	return Unit(s), nil
}

// RecoveryOf returns the name under which a unit's recovery recipient reads.
func RecoveryOf(u Unit) Member { return Member(recoveryPrefix + string(u)) }

// RecoveryUnit returns the unit whose recovery recipient the name stands for,
// and whether it stands for one.
func (m Member) RecoveryUnit() (Unit, bool) {
	u, ok := strings.CutPrefix(string(m), recoveryPrefix)
	return Unit(u), ok
}

// IsRecovery tells whether the name stands for a recovery recipient.
func (m Member) IsRecovery() bool {
	_, ok := m.RecoveryUnit()
	return ok
}

func name(s string, most int) bool {
	if len(s) < 2 || len(s) > most || s[0] < 'a' || s[0] > 'z' {
		return false
	}
	for i := 1; i < len(s); i++ {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

// Role says what an object is for. The vault learns no more about an object
// than its role, its sealed size, its digest and its day.
type Role string

// The roles. A "document" is padded JSON, a "content" the padded bytes of an
// attachment; see docs/formats.md.
const (
	RoleLetter  Role = "letter"  // document: what the reporter writes, to the case
	RoleContent Role = "content" // content: an attachment, to the case
	RoleSummary Role = "summary" // document: the reporter's few lines for a list, to the case
	RoleCard    Role = "card"    // document: the case card, to the reporter
	RoleAnswer  Role = "answer"  // document: message or status of a member, to the reporter and the case
	RoleCopy    Role = "copy"    // document: an answer once more, to the case alone, which stays when the reporter destroys the answer
	RoleNote    Role = "note"    // document: internal note of a member, to the case
	RoleState   Role = "state"   // document: the newest title, status and deadline by a member, to the case
	RoleDraft   Role = "draft"   // document: the masked text that a member prepared for the main queue, to the case
	RoleItem    Role = "item"    // document: what an approver approved of it, to the forwarders
	RoleOutcome Role = "outcome" // document: what became of an item, to the case and the forwarders
	RoleWrap    Role = "wrap"    // wrap: the case identity, to one reader
)

// ParseRole accepts the name of a role.
func ParseRole(s string) (Role, error) {
	switch r := Role(s); r {
	case RoleLetter, RoleContent, RoleSummary, RoleCard, RoleAnswer, RoleCopy, RoleNote, RoleState, RoleDraft, RoleItem, RoleOutcome, RoleWrap:
		return r, nil
	}
	return "", fmt.Errorf("role: %w", ErrSyntax)
}

// FromReporter tells whether objects of this role come with a deposit.
func (r Role) FromReporter() bool {
	return r == RoleLetter || r == RoleContent || r == RoleSummary || r == RoleCard
}

// ToReporter tells whether objects of this role are sealed to the reporter
// and handed out on a look-up by code.
func (r Role) ToReporter() bool { return r == RoleCard || r == RoleAnswer }

// Object is what is known of an object outside its seal.
type Object struct {
	Role   Role   `json:"role"`
	Digest Digest `json:"digest"` // of the sealed bytes
	Size   int64  `json:"size"`   // of the sealed bytes
}

// Lookup is the value by which the vault finds a case, derived from the case
// code. Whoever has it can ask for the case's sealed answers and add to the
// case, but can open nothing. It prints as "[hidden]"; [Lookup.Hex] reveals it.
type Lookup struct{ hidden.Value[[32]byte] }

// LookupFrom returns the look-up value of 32 bytes.
func LookupFrom(b [32]byte) Lookup { return Lookup{hidden.Of(b)} }

// ParseLookup reads 64 hexadecimal digits.
func ParseLookup(s string) (Lookup, error) {
	d, err := ParseDigest(s)
	if err != nil {
		return Lookup{}, fmt.Errorf("lookup: %w", ErrSyntax)
	}
	return LookupFrom(d), nil
}

// Hex reveals the value, in 64 hexadecimal digits.
func (l Lookup) Hex() string { return Digest(l.Reveal()).String() }

// Hash is what the vault stores: SHA-256 over "suluh lookup\n" and the value.
func (l Lookup) Hash() Digest {
	secret := l.Reveal()
	return DigestOf(append([]byte("suluh lookup\n"), secret[:]...))
}
