package desk

import (
	"cmp"
	"errors"
	"net/http"

	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/crypto/seal"
	"suluh.example/suluh/internal/keywitness"
	"suluh.example/suluh/internal/lang"
	"suluh.example/suluh/internal/member"
	"suluh.example/suluh/web/page"
)

// shut says that a case stays closed since too few key witnesses gave their
// shares, why each didn't, that the opening is recorded all the same, and what to
// do.
func (s *Server) shut(w http.ResponseWriter, v *visit, why *member.KeyWitnessError) error {
	l := v.lang
	p := messagePage{Page: s.page(v, l.T("desk.keywitness.title")), Box: "err"}
	p.Status = http.StatusServiceUnavailable
	p.Paragraphs = []string{l.T("desk.keywitness.text", "Need", why.Need, "Gave", why.Gave)}
	for _, f := range why.Failed {
		p.Paragraphs = append(p.Paragraphs, l.T("desk.keywitness.one", "Name", lang.Visible(cmp.Or(f.Name, string(f.Witness))), "Why", l.T("desk.keywitness.why."+refusal(f.Err))))
	}
	p.Paragraphs = append(p.Paragraphs, l.T("desk.keywitness.recorded", "Record", why.Record))
	p.Steps = []string{l.T("desk.keywitness.again"), l.T("desk.keywitness.ask"), l.T("desk.keywitness.sheet")}
	p.Next = &page.Link{Href: l.Path("/kasus/" + string(v.of)), Text: l.T("desk.keywitness.retry")}
	return s.pages.Write(w, l, "message", p)
}

// refusals says which words go with why a key witness gave no share.
var refusals = []struct {
	err error
	key string
}{
	{keywitness.ErrUnreachable, "away"},
	{keywitness.ErrBusy, "busy"},
	{member.ErrWitnesses, "quorum"},
	{keywitness.ErrQuorum, "quorum"},
	{keywitness.ErrFork, "fork"},
	{keywitness.ErrSize, "fork"},
	{seal.ErrShare, "wrong"},
	{keywitness.ErrMember, "member"},
	{keywitness.ErrRecipient, "recipient"},
	{keywitness.ErrOldRoster, "roster"},
	{keywitness.ErrRoster, "roster"},
	{keywitness.ErrShare, "key"},
	{member.ErrCase, "unknown"},
}

func refusal(err error) string {
	for _, x := range refusals {
		if errors.Is(err, x.err) {
			return x.key
		}
	}
	return "other"
}

// splitAmong says without whom a case doesn't open, or nothing.
func splitAmong(l *lang.Language, ro *roster.Roster, s member.Split) string {
	if s.Need == 0 {
		return ""
	}
	return l.T("desk.line.split.value", "N", s.Need, "Names", names(l, ro, s.Of))
}
