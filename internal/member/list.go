package member

import (
	"context"
	"errors"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/crypto/seal"
	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/vault/membersock"
)

// Item is a case as a list shows it.
type Item struct {
	Case     id.Case
	Day      id.Day // of the first deposit
	Title    string // "" if the reporter left it empty
	Category report.Category
	Status   report.Status
	Since    id.Day // of the status
	Due      id.Day // by when the status must change; zero if it has no clock
	Unit     id.Unit
	Without  []id.Member // who must not read it, as the reporter chose
	Language string      // of the reporter
	Files    int
	Letters  int // letters, answers and notes
	Unread   int // of these
	Readers  []id.Member
	Assigned id.Member

	// Err says why the case, or its newest state, can't be shown: one of
	// [ErrCase], [seal.ErrNoKey], [seal.ErrAge], [report.ErrFormat]… Title and
	// the like are then empty.
	Err error
}

// Unwanted are those who can read the case although the reporter asked that
// they don't: whoever made the wraps, or gave access, did not keep to that.
func (i *Item) Unwanted() (all []id.Member) {
	for _, m := range i.Readers {
		if slices.Contains(i.Without, m) {
			all = append(all, m)
		}
	}
	return all
}

// line is an opened summary or state. It depends on the bytes alone, except
// that a signer may be unknown to an older roster: only what opens is cached.
type line struct {
	summary report.Summary
	state   report.State
}

// List tells of the cases that the member has keys for.
func (s *Session) List(ctx context.Context) ([]Item, error) {
	a, err := s.act(ctx, accesslog.Statement{Action: accesslog.List}, s.have())
	if err != nil {
		return nil, err
	}
	listed := a.Cases
	got, err := objects(a)
	if err != nil {
		return nil, err
	}
	r := s.Roster()
	items := make([]Item, len(listed))
	// Opening takes most of the time: two hybrid decapsulations a case.
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, c := range listed {
		g.Go(func() error {
			items[i] = s.item(c, got, r)
			return nil
		})
	}
	return items, g.Wait()
}

// have names what need not come again.
func (s *Session) have() (all []id.Digest) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for d := range s.unwrap {
		all = append(all, d)
	}
	for d := range s.lines {
		all = append(all, d)
	}
	return all
}

func (s *Session) item(c membersock.ListedCase, got map[id.Digest][]byte, r *roster.Roster) Item {
	i := Item{
		Case: c.Case, Day: c.Day, Since: c.Day, Status: report.Received, Due: s.c.Clock.Due(report.Received, c.Day),
		Letters: c.Objects, Unread: c.Unread, Readers: c.Readers, Assigned: c.Assigned,
	}
	key, err := s.key(c.Wrap, got)
	if err != nil {
		i.Err = err
		return i
	}
	summary, err := s.summary(c, key, got)
	if err != nil {
		i.Err = err
	} else {
		i.sum(summary)
	}
	if !c.State.IsZero() {
		state, err := s.state(c, key, got, r)
		if err != nil {
			i.Err = err
		} else {
			i.now(state)
		}
	}
	return i
}

// sum takes what a summary says.
func (i *Item) sum(d report.Summary) {
	i.Title, i.Category, i.Unit, i.Without, i.Language, i.Files = d.Title, d.Category, d.Unit, d.Without, d.Language, d.Files
}

// now takes what a state says.
func (i *Item) now(d report.State) {
	i.Title, i.Category, i.Status, i.Since, i.Due = d.Title, d.Category, d.Status, d.Since, d.Due
}

// key opens a wrap, or finds it opened.
func (s *Session) key(wrap id.Digest, got map[id.Digest][]byte) (seal.CaseKey, error) {
	s.mu.Lock()
	k, ok := s.unwrap[wrap]
	s.mu.Unlock()
	if ok {
		return k, nil
	}
	opened, err := seal.Unwrap(got[wrap], s.keys...)
	if err != nil {
		return k, errors.Join(ErrCase, err)
	}
	s.mu.Lock()
	s.unwrap[wrap] = *opened
	s.mu.Unlock()
	return *opened, nil
}

func (s *Session) cached(d id.Digest) (line, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, ok := s.lines[d]
	return l, ok
}

func (s *Session) cache(d id.Digest, l line) {
	s.mu.Lock()
	s.lines[d] = l
	s.mu.Unlock()
}

func (s *Session) summary(c membersock.ListedCase, k seal.CaseKey, got map[id.Digest][]byte) (report.Summary, error) {
	if l, ok := s.cached(c.Summary); ok && l.summary.Case == c.Case {
		return l.summary, nil
	}
	text, err := seal.OpenDocument(got[c.Summary], k.Identity())
	if err != nil {
		return report.Summary{}, err
	}
	d, err := report.Decode[report.Summary](text, c.Case)
	if err == nil {
		s.cache(c.Summary, line{summary: d})
	}
	return d, err
}

func (s *Session) state(c membersock.ListedCase, k seal.CaseKey, got map[id.Digest][]byte, r *roster.Roster) (report.State, error) {
	if l, ok := s.cached(c.State); ok && l.state.Case == c.Case {
		return l.state, nil
	}
	text, err := seal.OpenDocument(got[c.State], k.Identity())
	if err != nil {
		return report.State{}, err
	}
	d, _, err := report.Open[report.State](text, c.Case, r.Verifiers())
	if err == nil {
		s.cache(c.State, line{state: d})
	}
	return d, err
}
