package roster

import (
	"encoding/base32"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/mod/sumdb/note"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/signature"
)

// check holds the rules that every roster keeps.
func (r *Roster) check() error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: "+format, append([]any{ErrInvalid}, args...)...)
	}
	switch {
	case r.Version < 1:
		return bad("version is below 1")
	case (r.Version == 1) != r.Previous.IsZero():
		return bad("only version 1 has no previous version")
	case r.Day.IsZero():
		return bad("day is missing")
	case !plain(r.Origin) || strings.ContainsAny(r.Origin, " +"):
		return bad("origin is missing, or has a space, + or control character")
	case len(r.Units) == 0:
		return bad("there is no unit")
	case len(r.Witnesses) > MaxWitnesses || strings.ContainsFunc(r.Witnesses, func(c rune) bool { return unicode.IsControl(c) && c != '\n' && c != '\t' }):
		return bad("the witnesses' policy is too large, or has control characters")
	}
	if r.LogKey != "" {
		if v, err := note.NewVerifier(r.LogKey); err != nil || v.Name() != r.Origin {
			return bad("log key is malformed or named otherwise than the origin")
		}
	}
	units := map[id.Unit]bool{}
	keys := map[string]bool{}
	fresh := func(key string) bool {
		if keys[key] {
			return false
		}
		keys[key] = true
		return true
	}
	for _, u := range r.Units {
		if _, err := id.ParseUnit(string(u.ID)); err != nil || units[u.ID] {
			return bad("a unit's id is malformed or used twice")
		}
		units[u.ID] = true
		if !plain(u.Name["id"]) {
			return bad("unit %s has no Indonesian name", u.ID)
		}
		for _, texts := range []map[string]string{u.Name, u.Handles, u.Contact} {
			for _, s := range texts {
				if !plain(s) {
					return bad("unit %s has an empty text or one with control characters", u.ID)
				}
			}
		}
		for _, p := range u.Positions {
			if !plain(p) {
				return bad("unit %s has an empty position or one with control characters", u.ID)
			}
		}
		if u.Recovery != "" && !(postQuantum(u.Recovery) && fresh(u.Recovery)) {
			return bad("recovery recipient of unit %s is not an age1pq1… key, or used twice", u.ID)
		}
	}
	for _, u := range r.Units {
		if u.Other != "" && (!units[u.Other] || u.Other == u.ID) {
			return bad("unit %s hands reports about itself to a unit that isn't there, or to itself", u.ID)
		}
	}
	members := map[id.Member]bool{}
	for _, m := range r.Members {
		if _, err := id.ParseMember(string(m.ID)); err != nil || m.ID.IsRecovery() || len(m.ID) > 32 || members[m.ID] {
			return bad("a member's id is malformed, reserved or used twice")
		}
		members[m.ID] = true
		switch _, err := keyOf(m.Key, m.ID); {
		case !plain(m.Name):
			return bad("member %s has no name, or one with control characters", m.ID)
		case !units[m.Unit]:
			return bad("member %s is of a unit that isn't there", m.ID)
		case err != nil:
			return bad("key of member %s: %w", m.ID, err)
		case !fresh(m.Key) || !fresh(m.Recipient):
			return bad("a key of member %s is also another's", m.ID)
		case !(postQuantum(m.Recipient) || plugin(m.Recipient)):
			return bad("recipient of member %s is neither age1pq1… nor an age plugin's", m.ID)
		case m.Onion != "" && !(onion(m.Onion) && fresh(m.Onion)):
			return bad("onion key of member %s is not 32 bytes in base32, or used twice", m.ID)
		case m.Since.IsZero():
			return bad("member %s has no day of joining", m.ID)
		case len(m.Roles) == 0:
			return bad("member %s has no role", m.ID)
		case (m.Address != "") != slices.Contains(m.Roles, KeyWitness):
			return bad("member %s is a key witness without an address, or has one and is none", m.ID)
		case m.Address != "" && !address(m.Address):
			return bad("address of key witness %s is not https://…, http://….onion or on loopback", m.ID)
		case m.Address != "" && (len(m.Roles) > 1 || !postQuantum(m.Recipient)):
			return bad("key witness %s has another role too, or no age1pq1… recipient", m.ID)
		}
		seen := map[Role]bool{}
		for _, role := range m.Roles {
			if !known(role) || seen[role] {
				return bad("member %s has an unknown role, or one twice", m.ID)
			}
			seen[role] = true
		}
	}
	for _, u := range r.Units {
		if problem := r.witnessed(u); problem != "" {
			return bad("unit %s %s", u.ID, problem)
		}
	}
	return nil
}

// keyOf reads a verifier key of a member's name that is fit to verify with.
func keyOf(vkey string, m id.Member) (*signature.Key, error) {
	k, err := signature.ParseKey(vkey)
	if err == nil && k.Name() != string(m) {
		err = errors.New("verifier key is named otherwise")
	}
	if err == nil {
		err = k.Check()
	}
	return k, err
}

// maxKeyWitnesses is seal.MaxKeyWitnesses, which this package doesn't import.
const maxKeyWitnesses = 5

// witnessed says what is wrong with a unit's key witnesses, or nothing.
func (r *Roster) witnessed(u Unit) string {
	k := u.KeyWitnesses
	if k == nil {
		return ""
	}
	if k.Need < 1 || k.Need > len(k.Of) || len(k.Of) > maxKeyWitnesses {
		return fmt.Sprintf("needs %d of %d key witnesses: it may name up to %d, and need as many or fewer", k.Need, len(k.Of), maxKeyWitnesses)
	}
	for i, name := range k.Of {
		switch m, ok := r.Member(name); {
		case !ok || !m.Has(KeyWitness):
			return fmt.Sprintf("names %s as a key witness, who is none", name)
		case m.Unit == u.ID:
			return fmt.Sprintf("names %s as a key witness, who is of the unit itself", name)
		case slices.Contains(k.Of[:i], name):
			return fmt.Sprintf("names key witness %s twice", name)
		}
	}
	return ""
}

// address wants what can't be listened to on the way.
func address(s string) bool {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || !plain(s) {
		return false
	}
	host := u.Hostname()
	ip, err := netip.ParseAddr(host)
	return u.Scheme == "https" || u.Scheme == "http" && (strings.HasSuffix(host, ".onion") || err == nil && ip.IsLoopback())
}

// postQuantum and plugin look at the form only: this package doesn't decode
// age keys, and a malformed one is refused where it is sealed to.
func postQuantum(s string) bool { return strings.HasPrefix(s, "age1pq1") && len(s) > 1900 && lower(s) }

func plugin(s string) bool {
	name, data, ok := strings.Cut(strings.TrimPrefix(s, "age1"), "1")
	return ok && strings.HasPrefix(s, "age1") && name != "" && name != "pq" && data != "" && lower(s)
}

// onion wants the one way to write 32 bytes, so that no key can stand twice.
func onion(s string) bool {
	encoding := base32.StdEncoding.WithPadding(base32.NoPadding)
	b, err := encoding.DecodeString(s)
	return err == nil && len(b) == 32 && encoding.EncodeToString(b) == s
}

func lower(s string) bool {
	return strings.IndexFunc(s, func(c rune) bool { return (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' }) < 0
}

func known(role Role) bool {
	for _, r := range Roles() {
		if r == role {
			return true
		}
	}
	return false
}

// plain tells whether a text is there and has nothing that could change how
// the words around it are shown: no control, format or bidi characters.
func plain(s string) bool {
	return strings.TrimSpace(s) != "" && strings.IndexFunc(s, func(c rune) bool {
		return unicode.IsControl(c) || unicode.Is(unicode.Cf, c) || c == unicode.ReplacementChar
	}) < 0
}
