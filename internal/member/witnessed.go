package member

import (
	"errors"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/internal/witness"
)

// Witnessed says how far the witnesses that the roster names have seen the log.
type Witnessed struct {
	Asked   bool      // the roster names witnesses
	Records int64     // that a quorum of them has cosigned; 0 for none
	By      []string  // those witnesses
	Since   time.Time // when the first of them did; zero for never
	Of      int       // how many witnesses there are

	policy string // by which they are a quorum
}

// Lag is how serious it is that witnesses have not been heard of.
type Lag int

// The grades, in the order in which the warning grows.
const (
	LagNone Lag = iota // no witness is asked, or they cosigned lately
	LagNote            // for three hours
	LagWarn            // for a day
	LagStop            // for a week: whoever runs the vault may be hiding something
)

// Lag returns how serious it is at a time. Requests go on all the same: a
// witness that is away must not keep anybody from reading reports.
func (w Witnessed) Lag(now time.Time) Lag {
	switch age := now.Sub(w.Since); {
	case !w.Asked || age < 3*time.Hour:
		return LagNone
	case age < 24*time.Hour:
		return LagNote
	case age < 7*24*time.Hour:
		return LagWarn
	}
	return LagStop
}

// Witnessed returns what the last answer showed. Until a quorum has cosigned
// anything, Since is the first moment at which this session could have seen it.
func (s *Session) Witnessed() Witnessed {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.witnessed
}

// knownWitnessed returns what is known of the witnesses that the roster in force names.
// What this member sees of the log continues it. The caller holds mu.
func (s *Session) knownWitnessed() Witnessed {
	if s.witnessed.policy != s.roster.Witnesses {
		return Witnessed{policy: s.roster.Witnesses}
	}
	return s.witnessed
}

// witnesses checks what an answer says of the witnesses that isn't known: what they have
// cosigned must be a part of the log that this member sees, or two people are shown two
// logs. The error is for [Session.forked].
func (s *Session) witnesses(c *accesslog.Cosigned, known Witnessed, log note.Verifier, at tlog.Tree) error {
	s.mu.Lock()
	text, day := s.roster.Witnesses, s.roster.Day
	s.mu.Unlock()
	w := Witnessed{Asked: text != "", policy: text}
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.witnessed = w
	}()
	if !w.Asked {
		return nil
	}
	// The roster is of no finer time than its day: nobody is blamed for that one.
	w.Since = day.AddDays(1).Time(s.c.Clock.Zone)
	p, err := witness.ParsePolicy(text)
	if err != nil {
		return nil // as if none had cosigned: the Inspektur has to sign a better one
	}
	w.Of = len(p.Witnesses())
	if c == nil {
		if known.Records > 0 && known.policy == text {
			w = known
		}
		return nil
	}
	tree, by, err := p.Continued(*c, log, at)
	if errors.Is(err, witness.ErrQuorum) {
		return nil // of an earlier policy
	}
	if err != nil {
		return err
	}
	w.Records = tree.N
	for i, x := range by {
		w.By = append(w.By, x.Witness)
		if i == 0 || x.Time.Before(w.Since) {
			w.Since = x.Time
		}
	}
	return nil
}
