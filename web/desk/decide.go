package desk

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/member"
	"suluh.example/suluh/web/page"
)

type decidePage struct {
	page.Page
	draft
	Base, State, About, Todo string
	Lines                    []line
	Choices                  []choice
	Tracks                   bool
	Digest                   id.Digest
	Barred                   string
}

// decide is the page on which a person decides where no machine can.
func (s *Server) decide(w http.ResponseWriter, v *visit) error {
	c, err := v.session.member.Open(v.Context(), v.of)
	if err != nil {
		return err
	}
	d := draft{Case: v.of, Kind: deciding}
	if v.Method == http.MethodPost {
		d = readDraft(v, deciding)
	}
	return s.decidePage(w, v, c, d, "")
}

func (s *Server) decidePage(w http.ResponseWriter, v *visit, c *member.Case, d draft, notice string, problems ...page.Problem) error {
	l, ro, me := v.lang, v.session.member.Roster(), v.session.member.Member()
	if c.Forward == nil || len(decisions(c.Forward.State)) == 0 {
		return s.unfitPage(w, v, "desk.decide.nothing")
	}
	part := s.forwardedPart(l, ro, c)
	p := decidePage{
		Page: s.page(v, l.T("desk.decide.title")), draft: d, Base: l.Path("/kasus/" + string(v.of)),
		State: part.State, About: part.About, Todo: part.Todo, Lines: part.Lines, Digest: cmp.Or(c.Forward.Item, c.Forward.Draft),
	}
	p.Problems, p.Notice = problems, notice
	p.draft.Member = me
	if _, err := member.ParseOnce(p.Once); err != nil {
		p.Once = member.NewOnce().String()
	}
	for _, r := range decisions(c.Forward.State) {
		p.Tracks = p.Tracks || r == accesslog.ResultSent
		p.Choices = append(p.Choices, choice{Value: string(r), Text: l.T("desk.decision." + string(r)), Hint: l.T("desk.decision." + string(r) + ".hint"), On: string(r) == d.Chosen})
	}
	if who, _ := ro.Member(me); !who.Has(roster.Approver) || who.Unit != c.Handling {
		p.Barred = l.T("desk.approve.role")
	}
	return s.pages.Write(w, l, "decide", p)
}

type decidedPage struct {
	page.Page
	draft
	Base, What, Hint string
	Digest           id.Digest
}

// checkDecision says once more what was decided, before it is.
func (s *Server) checkDecision(w http.ResponseWriter, v *visit) error {
	d := readDraft(v, deciding)
	c, err := v.session.member.Recall(v.Context(), v.of)
	if err != nil {
		return err
	}
	if c.Forward == nil || !slices.Contains(decisions(c.Forward.State), accesslog.Result(d.Chosen)) {
		return s.decidePage(w, v, c, d, "", page.Problem{Field: "putusan", Text: v.lang.T("desk.decide.missing")})
	}
	digest, err := id.ParseDigest(v.PostForm.Get("naskah"))
	if err != nil {
		return errForm
	}
	l := v.lang
	p := decidedPage{
		Page: s.page(v, l.T("desk.decide.check")), draft: d, Base: l.Path("/kasus/" + string(v.of)), Digest: digest,
		What: l.T("desk.decision." + d.Chosen), Hint: l.T("desk.decision." + d.Chosen + ".hint"),
	}
	if accesslog.Result(d.Chosen) != accesslog.ResultSent {
		p.draft.Heading = ""
	}
	p.Member = v.session.member.Member()
	return s.pages.Write(w, l, "decided", p)
}

// saveDecision hands in what a person decided.
func (s *Server) saveDecision(w http.ResponseWriter, v *visit) error {
	digest, err := id.ParseDigest(v.PostForm.Get("naskah"))
	if err != nil {
		return errForm
	}
	d := readDraft(v, deciding)
	once, err := member.ParseOnce(d.Once)
	if err != nil {
		return errForm
	}
	x := member.Decision{Item: digest, Result: accesslog.Result(d.Chosen), Reason: d.Text}
	if x.Result == accesslog.ResultSent {
		x.Tracking = strings.TrimSpace(d.Heading)
	}
	if err := v.session.member.Decide(v.Context(), v.of, once, x); err != nil {
		return s.undecided(w, v, d, err)
	}
	return s.to(w, v, "/kasus/"+string(v.of)+"?ok="+string(deciding))
}
