package desk

import (
	"errors"
	"net/http"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/lang"
	"suluh.example/suluh/internal/member"
	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/vault/membersock"
	"suluh.example/suluh/vault/wire"
	"suluh.example/suluh/web/page"
)

type approvePage struct {
	page.Page
	draft
	Base             string
	OutTitle, Out    string
	Changed          bool // the text has characters that can't be seen as they are
	Lines            []line
	Original         []string // what the reporter wrote
	Left             []*mask
	LeftMore         int
	Digest           id.Digest
	Barred           string // why this member can't approve it
	Alone            bool
	MayReturn        bool
	Prepared, Member string
}

// approve is the page on which a second member reads what will be sent.
func (s *Server) approve(w http.ResponseWriter, v *visit) error {
	c, err := v.session.member.Open(v.Context(), v.of) // the draft may be another by now
	if err != nil {
		return err
	}
	return s.approvePage(w, v, c, draft{Case: v.of, Kind: approving}, "")
}

func (s *Server) approvePage(w http.ResponseWriter, v *visit, c *member.Case, d draft, notice string, problems ...page.Problem) error {
	l, ro, me := v.lang, v.session.member.Roster(), v.session.member.Member()
	if c.Draft == nil || c.Forward == nil || c.Forward.State != accesslog.StagePrepared {
		return s.unfitPage(w, v, "desk.approve.gone")
	}
	p := approvePage{
		Page: s.page(v, l.T("desk.approve.title")), draft: d, Base: l.Path("/kasus/" + string(v.of)),
		OutTitle: c.Draft.Title, Out: c.Draft.Text, Digest: c.Draft.Object, Prepared: name(l, ro, c.Draft.By), Member: string(me),
	}
	p.Page.Class = "wide"
	p.Problems, p.Notice = problems, notice
	if _, err := member.ParseOnce(p.Once); err != nil {
		p.Once = member.NewOnce().String()
	}
	p.Changed = member.Readable(p.Out) != p.Out || member.Readable(p.OutTitle) != p.OutTitle
	p.Lines = []line{
		{l.T("desk.line.class"), l.T("class." + string(c.Draft.Class))},
		{l.T("desk.line.category"), categoryName(l, c.Draft.Category)},
		{l.T("desk.forward.prepared"), l.T("desk.forward.by", "Name", p.Prepared, "Time", l.Time(c.Draft.Time, s.c.Clock.Zone))},
	}
	_, text := c.Proposal()
	if text != "" {
		p.Original = []string{text}
	}
	p.Left, p.LeftMore = few(personal(c.Redactor(), p.OutTitle, p.Out, true))
	alone, err := c.MayApprove(ro, me)
	p.Alone = alone
	for _, x := range []struct {
		err error
		key string
	}{
		{member.ErrKeep, "desk.unfit.keep.text"},
		{member.ErrClass, "desk.approve.class"},
		{member.ErrApprover, "desk.approve.role"},
		{member.ErrSelf, "desk.approve.self"},
		{member.ErrLeft, "desk.approve.left"},
	} {
		if errors.Is(err, x.err) {
			p.Barred = l.T(x.key)
		}
	}
	if err != nil && p.Barred == "" {
		return err
	}
	who, _ := ro.Member(me)
	p.MayReturn = who.Has(roster.Approver) && who.Unit == c.Handling
	return s.pages.Write(w, l, "approve", p)
}

// categoryName is what a category is called, also if there is none.
func categoryName(l *lang.Language, c report.Category) string {
	if c == "" {
		return l.T("desk.line.unsaid")
	}
	return l.T("category." + string(report.ParseCategory(string(c))))
}

// sendApproved hands the text to the forwarder, word for word.
func (s *Server) sendApproved(w http.ResponseWriter, v *visit) error {
	return s.onDraft(w, v, string(approving), func(digest id.Digest, once member.Once, _ draft) error {
		return v.session.member.Approve(v.Context(), v.of, once, digest, v.PostForm.Get("sendiri") == "ya")
	})
}

// sendBack gives a draft back to who prepared it.
func (s *Server) sendBack(w http.ResponseWriter, v *visit) error {
	return s.onDraft(w, v, "kembali", func(digest id.Digest, once member.Once, d draft) error {
		return v.session.member.Decide(v.Context(), v.of, once, member.Decision{Item: digest, Result: accesslog.ResultReturned, Reason: d.Text})
	})
}

// onDraft does what an approver has decided on a draft, and shows the case with
// the notice of that, or the page again.
func (s *Server) onDraft(w http.ResponseWriter, v *visit, notice string, do func(id.Digest, member.Once, draft) error) error {
	digest, err := id.ParseDigest(v.PostForm.Get("naskah"))
	if err != nil {
		return errForm
	}
	d := readDraft(v, approving)
	once, err := member.ParseOnce(d.Once)
	if err != nil {
		return errForm
	}
	if err := do(digest, once, d); err != nil {
		return s.undecided(w, v, d, err)
	}
	return s.to(w, v, "/kasus/"+string(v.of)+"?ok="+notice)
}

// undecided shows the page again on which something was to be decided, with
// what was typed and why it wasn't done.
func (s *Server) undecided(w http.ResponseWriter, v *visit, d draft, err error) error {
	problem := page.Problem{}
	for _, x := range []struct {
		err        error
		field, key string
	}{
		{member.ErrReason, "teks", "desk.decide.reason.missing"},
		{member.ErrDraft, "", "desk.approve.other"},
		{member.ErrForwarder, "", "desk.approve.noforwarder"},
		{member.ErrReporters, "", "desk.reporters.text"},
		{member.ErrApprover, "", "desk.approve.role"},
		{member.ErrDecision, "putusan", "desk.decide.missing"},
		{membersock.ErrState, "", "desk.decide.state"},
		{wire.ErrUnreachable, "", "desk.decide.unsent"},
		{wire.ErrVault, "", "desk.decide.unsent"},
	} {
		if errors.Is(err, x.err) {
			problem = page.Problem{Field: x.field, Text: v.lang.T(x.key)}
		}
	}
	if problem.Text == "" {
		return err
	}
	c, err := v.session.member.Recall(v.Context(), v.of)
	if err != nil {
		return err
	}
	if d.Kind == deciding {
		return s.decidePage(w, v, c, d, "", problem)
	}
	return s.approvePage(w, v, c, d, "", problem)
}
