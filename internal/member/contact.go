package member

import (
	"context"
	"net/http"
	"time"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/keywitness"
)

// Outside is the way to those whom a roster names and who are not of this
// instance: key witnesses, and witnesses of the log.
type Outside interface {
	http.RoundTripper
	// Allow says which signed roster names those to whom it may lead.
	Allow(signed []byte) error
}

// allow opens the way to those whom a signed roster names.
func (s *Session) allow(signed []byte) error {
	if s.c.Outside != nil {
		return s.c.Outside.Allow(signed)
	}
	return nil
}

// outside is the way to those who are not of this instance.
func (s *Session) outside() http.RoundTripper {
	if s.c.Outside != nil {
		return s.c.Outside
	}
	return http.DefaultTransport
}

// client returns what asks a key witness. Also one who was removed from the roster
// has to be asked for the cases of before.
func (s *Session) client(r *roster.Roster, w id.Member) (*keywitness.Client, error) {
	m, ok := r.Member(w)
	if !ok || m.Address == "" {
		return nil, ErrCase
	}
	return keywitness.NewClient(m.Address, s.outside()), nil
}

// contact is what a session knows of a key witness.
type contact struct {
	state    *keywitness.State // as it last told, or a share of it showed; nil before
	heard    time.Time
	greeting chan struct{} // closed once it answered, or didn't; nil if it isn't being asked
}

// lately is for how long one who was heard of is not greeted again: until then the
// connection to it is kept.
const lately = time.Minute

// contact is that with one key witness. The caller holds mu.
func (s *Session) contact(w id.Member) *contact {
	k := s.contacts[w]
	if k == nil {
		k = &contact{}
		s.contacts[w] = k
	}
	return k
}

// greet asks a key witness what it has seen, unless it was heard of lately, so that
// there is a connection when a share is asked for.
func (s *Session) greet(w id.Member) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.contact(w)
	if k.greeting != nil || s.broken != nil || k.state != nil && time.Since(k.heard) < lately {
		return
	}
	done, r, signed := make(chan struct{}), s.roster, s.signed
	k.greeting = done
	go func() {
		var state keywitness.State
		c, err := s.client(r, w)
		if err == nil {
			err = s.allow(signed)
		}
		if err == nil {
			state, err = c.State(s.ends)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if err == nil && (k.state == nil || k.state.Size <= state.Size) { // a share may have shown more meanwhile
			k.state, k.heard = &state, time.Now()
		}
		k.greeting = nil
		close(done)
	}()
}

// greet greets the key witnesses of the case.
func (u *unsealing) greet() {
	for _, x := range u.shares {
		u.s.greet(x.Witness)
	}
}

// known returns what a key witness has seen as far as the session knows, or nil. If it
// is being greeted, that is waited for.
func (s *Session) known(ctx context.Context, w id.Member) *keywitness.State {
	s.mu.Lock()
	k := s.contact(w)
	greeting := k.greeting
	s.mu.Unlock()
	if greeting != nil {
		select {
		case <-greeting:
		case <-ctx.Done():
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return k.state
}

// saw keeps what a key witness has seen.
func (s *Session) saw(w id.Member, state keywitness.State) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.contact(w)
	k.state, k.heard = &state, time.Now()
}
