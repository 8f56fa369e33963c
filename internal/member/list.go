package member

import (
	"cmp"
	"context"
	"errors"
	"runtime"
	"slices"
	"time"

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
	Title    string // "" if the reporter left it empty, or the case is split and not opened
	Split    Split
	Class    report.Class
	Category report.Category
	Status   report.Status
	Since    id.Day      // of the status
	Due      id.Day      // by when the status must change; zero if it has no clock
	Unit     id.Unit     // that the reporter sent it to
	Handling id.Unit     // that handles it: the same, unless it was referred
	SameAs   id.Case     // of which it is a duplicate, or ""
	Without  []id.Member // who must not read it, as the reporter chose
	Language string      // of the reporter
	Files    int
	Letters  int // letters, answers and notes
	Unread   int // of these
	Readers  []id.Member
	Assigned id.Member
	Forward  *membersock.Forward // how far its forwarding has come; nil if nothing was prepared
	Outcome  *report.Outcome     // the newest of that; nil if there is none

	// Err says why the case, or its newest state, can't be shown: one of
	// [ErrCase], [seal.ErrNoKey], [seal.ErrAge], [report.ErrFormat]… Title and
	// the like are then empty.
	Err error

	referred id.Unit   // as the state says, or ""
	stated   time.Time // of the state
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

// line names a document that lists are made of.
type line struct {
	of     id.Case
	digest id.Digest
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
	for l := range s.lines {
		all = append(all, l.digest)
	}
	return all
}

func (s *Session) item(c membersock.ListedCase, got map[id.Digest][]byte, r *roster.Roster) Item {
	i := Item{
		Case: c.Case, Day: c.Day, Since: c.Day, Status: report.Received, Due: s.c.Clock.Due(report.Received, c.Day),
		Letters: c.Objects, Unread: c.Unread, Readers: c.Readers, Assigned: c.Assigned, Forward: c.Forward,
	}
	key, err := s.key(c.Wrap, got)
	if err != nil {
		i.Err = err
		return i
	}
	s.mu.Lock()
	s.wraps[c.Case] = c.Wrap
	s.mu.Unlock()
	i.Split = splitOf(key)
	if !key.Whole() {
		for _, w := range i.Split.Of { // who lists cases opens one soon
			s.greet(w)
		}
	}
	x := lineOpener{s, c.Case, key, got, r}
	summary, err := x.summary(c.Summary)
	if err != nil {
		i.Err = err
	} else {
		i.sum(summary)
	}
	if !c.State.IsZero() {
		state, err := x.state(c.State)
		if err != nil {
			i.Err = err
		} else {
			i.now(state)
		}
	}
	if f := c.Forward; f != nil && !f.Outcome.IsZero() {
		outcome, err := x.outcome(f.Outcome)
		if err != nil {
			i.Err = err
		} else {
			i.came(outcome, s.c.Clock)
		}
	}
	return i
}

// sum takes what a summary says.
func (i *Item) sum(d report.Summary) {
	i.Title, i.Category, i.Unit, i.Without, i.Language, i.Files = d.Title, d.Category, d.Unit, d.Without, d.Language, d.Files
	i.Handling = cmp.Or(i.referred, i.Unit)
}

// now takes what a state says.
func (i *Item) now(d report.State) {
	i.Title, i.Class, i.Category, i.Status, i.Since, i.Due = d.Title, d.Class, d.Category, d.Status, d.Since, d.Due
	i.SameAs, i.referred, i.stated = d.SameAs, d.Unit, d.Time
	i.Handling = cmp.Or(i.referred, i.Unit)
}

// came takes what an outcome says of the status, unless a member has set one
// since.
func (i *Item) came(d report.Outcome, clock report.Clock) {
	i.Outcome = &d
	if d.Status != "" && d.Time.After(i.stated) {
		i.Status, i.Since, i.Due = d.Status, cmp.Or(d.Since, d.Day), clock.Due(d.Status, cmp.Or(d.Since, d.Day))
	}
}

// unwrapped finds a wrap that the session has opened, or nil.
func (s *Session) unwrapped(wrap id.Digest) *seal.CaseKey {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.unwrap[wrap]
}

// key opens a wrap, or finds it opened.
func (s *Session) key(wrap id.Digest, got map[id.Digest][]byte) (*seal.CaseKey, error) {
	if k := s.unwrapped(wrap); k != nil {
		return k, nil
	}
	opened, err := seal.Unwrap(got[wrap], s.keys...)
	if err != nil {
		return nil, errors.Join(ErrCase, err)
	}
	s.mu.Lock()
	s.unwrap[wrap] = opened
	s.mu.Unlock()
	return opened, nil
}

// lineOpener opens what a case's line of a list is made of.
type lineOpener struct {
	s      *Session
	of     id.Case
	key    *seal.CaseKey
	got    map[id.Digest][]byte
	roster *roster.Roster
}

// lineOf returns a document as it was opened before, or opens it. It depends on the
// bytes alone, except that a signer may be unknown to an older roster: only what opens
// is kept.
func lineOf[D report.Summary | report.State | report.Outcome](x lineOpener, digest id.Digest, read func(text []byte) (D, error)) (D, error) {
	l := line{x.of, digest}
	x.s.mu.Lock()
	d, ok := x.s.lines[l].(D)
	x.s.mu.Unlock()
	if ok {
		return d, nil
	}
	text, err := seal.OpenDocument(x.got[digest], x.key.Identities()...)
	if err != nil {
		return d, err
	}
	if d, err = read(text); err == nil {
		x.s.mu.Lock()
		x.s.lines[l] = d
		x.s.mu.Unlock()
	}
	return d, err
}

func (x lineOpener) summary(digest id.Digest) (report.Summary, error) {
	return lineOf(x, digest, func(text []byte) (report.Summary, error) { return report.Decode[report.Summary](text, x.of) })
}

func (x lineOpener) state(digest id.Digest) (report.State, error) {
	return lineOf(x, digest, func(text []byte) (report.State, error) {
		d, _, err := report.Open[report.State](text, x.of, x.roster.Verifiers())
		return d, err
	})
}

func (x lineOpener) outcome(digest id.Digest) (report.Outcome, error) {
	return lineOf(x, digest, func(text []byte) (report.Outcome, error) {
		d, by, err := report.Open[report.Outcome](text, x.of, x.roster.Verifiers())
		if err == nil && !tellsOutcomes(x.roster, by) {
			err = ErrSigner
		}
		d.Link = link(d.Link)
		return d, err
	})
}

// tellsOutcomes tells whether a member is, or was before he left, one who says
// what became of an item.
func tellsOutcomes(r *roster.Roster, m id.Member) bool {
	x, _ := r.Member(m)
	return slices.Contains(x.Roles, roster.Forwarder) || slices.Contains(x.Roles, roster.Approver)
}
