package member

import (
	"context"
	"errors"
	"sync"
	"time"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/seal"
	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/vault/membersock"
)

// Case is an opened case.
type Case struct {
	Item
	Messages    []Message    // letters and answers, oldest first
	Notes       []Note       // oldest first
	Attachments []Attachment // of all letters, numbered from 1 in this order
	Access      []membersock.AccessEntry
	Unopened    []Unopened // what is there but can't be shown
	Draft       *Draft     // that Forward is about; nil if there is none, or it can't be shown
	Outcomes    []Outcome  // of all drafts, oldest first
	Objects     []membersock.CaseObject

	// Reporter is the recipient that answers are sealed to, or "" if what was
	// deposited names different ones.
	Reporter string

	// Keep says that the reporter asked, in any of the letters, that nothing of
	// the case is forwarded.
	Keep bool

	// Reference is the name that the queue has, or would have, of what Forward is
	// about; "" before it was approved.
	Reference string

	key    *seal.CaseKey
	drafts []Draft // oldest first
}

// Message is a letter of the reporter or an answer of a member: one of the
// two is set.
type Message struct {
	Object id.Digest
	Day    id.Day
	By     id.Member // "" for the reporter
	Letter *report.Letter
	Answer *report.Answer

	// Destroyed is the day on which the reporter had an answer destroyed. The
	// answer is then the members' own copy of it, or empty if there is none.
	Destroyed id.Day
}

// Note is an internal note.
type Note struct {
	Object id.Digest
	By     id.Member
	report.Note
}

// Open opens a case, which is recorded. Of a case that is split, its key witnesses
// are asked for their shares, which is recorded too; the error is a
// [*KeyWitnessError] if too few of them give theirs.
func (s *Session) Open(ctx context.Context, of id.Case) (*Case, error) {
	u := s.unsealing(ctx, of)
	a, kept, err := s.begin(ctx, accesslog.Statement{Action: accesslog.Open, Case: of}, beside{then: u.statement(), have: s.wrapOf(of)})
	if err != nil {
		return nil, err
	}
	c, err := s.opened(ctx, u, of, a)
	if kerr := kept(); err == nil { // what it was opened by is kept before anybody sees it
		err = kerr
	}
	if err != nil {
		s.unread(ctx, a.Proof)
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if first, ok := s.reporters[of]; ok && first != c.Reporter {
		c.Reporter = ""
	}
	s.reporters[of] = c.Reporter
	s.cases[of] = c
	return c, nil
}

// unread tells the vault that an opening gave nothing to read, so that lists go on
// telling of what is unread. If that doesn't reach it, the case counts as read.
func (s *Session) unread(ctx context.Context, opening accesslog.Proof) {
	r, err := accesslog.ParseRecord(opening.Record)
	if err != nil || s.Err() != nil {
		return
	}
	// Who waits for the case may be gone; it is as unread then.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	_ = s.c.Vault.Unread(ctx, r.Statement)
}

// wrapOf names the wrap of a case that the session has opened already, so that it
// doesn't come again.
func (s *Session) wrapOf(of id.Case) []id.Digest {
	s.mu.Lock()
	defer s.mu.Unlock()
	if wrap := s.wraps[of]; s.unwrap[wrap] != nil {
		return []id.Digest{wrap}
	}
	return nil
}

// opened reads the answer to an opening, and asks key witnesses if the case is split.
func (s *Session) opened(ctx context.Context, u *unsealing, of id.Case, a *answer) (*Case, error) {
	v := a.Case
	var got map[id.Digest][]byte // nil until it is read
	var err error
	key := s.unwrapped(v.Wrap)
	if key == nil { // it comes with the objects
		if got, err = objects(a); err == nil {
			key, err = s.key(v.Wrap, got)
		}
		if err != nil {
			return nil, err
		}
	}
	// Key witnesses are asked while what else the vault has to say is read, and opened
	// as far as it can be.
	texts := make([]text, len(v.Objects))
	held := key
	var reading error
	var meanwhile sync.WaitGroup
	meanwhile.Go(func() {
		if got == nil {
			got, reading = objects(a)
		}
		openTexts(texts, v.Objects, got, held)
	})
	if !held.Whole() {
		var asked membersock.AccessEntry
		key, asked, err = s.unseal(ctx, u, of, v.Wrap, held, a)
		v.Access = append(v.Access, asked)
	}
	meanwhile.Wait()
	if err = errors.Join(reading, err); err != nil {
		return nil, err
	}
	if key != held {
		openTexts(texts, v.Objects, got, key)
	}
	c := &Case{
		Item: Item{
			Case: v.Case, Day: v.Day, Since: v.Day, Status: report.Received, Due: s.c.Clock.Due(report.Received, v.Day),
			Readers: v.Readers, Assigned: v.Assigned, Forward: v.Forward, Split: splitOf(key),
		},
		key: key, Access: v.Access, Objects: v.Objects,
	}
	c.fill(v.Objects, texts, s.Roster().Verifiers())
	c.miss(s.c.Clock.Zone)
	c.forwarded(s.Roster(), s.c.Clock)
	return c, nil
}

// Recall returns a case as this session opened it last, which is not recorded
// again, or opens it.
func (s *Session) Recall(ctx context.Context, of id.Case) (*Case, error) {
	if err := s.Err(); err != nil {
		return nil, err
	}
	if c := s.Recalled(of); c != nil {
		return c, nil
	}
	return s.Open(ctx, of)
}

// Recalled returns a case as this session opened it last, or nil.
func (s *Session) Recalled(of id.Case) *Case {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cases[of]
}

// forget drops a case as it was opened.
func (s *Session) forget(of id.Case) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.cases, of)
}
