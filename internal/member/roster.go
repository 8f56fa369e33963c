package member

import (
	"context"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/durable"
)

// refresh fetches the roster if another is in force.
func (s *Session) refresh(ctx context.Context) error {
	if err := s.Err(); err != nil {
		return err
	}
	state, err := s.c.Vault.State(ctx)
	if err != nil {
		return err
	}
	if s.hasRoster(state.Roster) {
		return nil
	}
	signed, err := s.c.Vault.Roster(ctx)
	if err != nil {
		return err
	}
	if err := s.take(signed); err != nil {
		return err
	}
	if name := s.rosterFile(); name != "" {
		return durable.ReplaceFile(name, signed, 0o600)
	}
	return nil
}

// hasRoster tells whether the roster with the digest is the one that the session goes by.
func (s *Session) hasRoster(digest id.Digest) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.roster != nil && s.digest == digest
}

// take verifies a roster and puts it in the place of the one before.
func (s *Session) take(signed []byte) error {
	r, err := roster.Parse(signed, s.c.Root)
	if err != nil {
		return err
	}
	log, err := note.NewVerifier(r.LogKey)
	if err != nil {
		return fmt.Errorf("%w: it names no log key", ErrRoster)
	}
	digest := roster.Digest(signed)
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.roster; old != nil {
		if r.Version < old.Version || r.Version == old.Version && digest != s.digest || r.LogKey != old.LogKey || r.Origin != old.Origin {
			return ErrRoster
		}
	}
	s.roster, s.signed, s.digest, s.log = r, signed, digest, log
	return nil
}

// isMember tells whether the roster still has the member, with these keys.
func (s *Session) isMember() error {
	m, ok := s.Roster().Member(s.Member())
	switch {
	case !ok || m.Key != s.c.Identity.VerifierKey():
		return ErrStranger
	case m.Removed != nil:
		return &Removed{*m.Removed}
	}
	return nil
}

func (s *Session) rosterFile() string {
	if s.c.Seen == "" {
		return ""
	}
	return strings.TrimSuffix(s.c.Seen, ".seen") + ".roster"
}

// Removed says that the member is one no more.
type Removed struct{ Day id.Day }

func (r *Removed) Error() string {
	return "the member was removed from the roster on " + r.Day.String()
}
