package intake

import (
	"net/http"
	"strings"

	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/internal/submission"
	"suluh.example/suluh/vault/depositsock"
	"suluh.example/suluh/web/page"
)

// checkPage shows what was typed, and takes attachments.
type checkPage struct {
	page.Page
	Unit, Names string
	Opens       []string // what else it takes to open the report
	Without     string
	Answers     []answer
	Personal    bool
	Hidden      []hidden // to go back with
	Send        []hidden // to send; what is chosen beside the files is not in it
	Shown       []string // readers that are shown here
	Files       filesPart
	Switch      []page.Link
}

// check shows what was typed. The code is fixed from here on: the seed that it
// comes from is in the page.
func (s *Server) check(w http.ResponseWriter, r *request) error {
	b, err := s.texts(w, r)
	if err != nil {
		return err
	}
	t := typedFrom(b)
	sender, state, err := s.readers.ask(r.Context())
	if sender == nil || err != nil || !state.Open {
		return s.closedOr(w, r, t, t.fields(), err)
	}
	return s.showCheck(w, r, sender, state, t, http.StatusOK)
}

// showCheck shows the check page, or the form if that has to be put right
// first.
func (s *Server) showCheck(w http.ResponseWriter, r *request, sender *submission.Sender, state depositsock.State, t typed, status int, problems ...page.Problem) error {
	l, ro := r.l, sender.Roster()
	to, wrong := t.to(l, ro)
	if t.length() > report.MaxText {
		wrong = append(wrong, page.Problem{Field: t.longest(), Text: tooLong(l)})
	}
	if len(wrong) > 0 {
		return s.pages.Write(w, l, "tulis", s.writePage(r, ro, t, wrong...))
	}
	if _, ok := seed(t.once); !ok {
		t.once = submission.NewSeed().Hex()
	}
	unit, _ := ro.Unit(to.Unit)
	p := checkPage{
		Page: s.plain(r, l.T("intake.check.title")), Unit: unit.Named(l.Code()), Opens: submission.Opens(l, ro, to.Unit), Answers: append([]answer{t.keep(l)}, t.answers(l)...),
		Personal: t.hasPersonalNumber(), Hidden: t.fields(), Send: t.written(), Switch: s.others(r, "/lapor/periksa"),
	}
	var names, left []string
	for _, m := range ro.Readers(to.Unit, to.Without) {
		names = append(names, m.Name)
		p.Shown = append(p.Shown, string(m.ID))
	}
	for _, x := range to.Without {
		m, _ := ro.Member(x)
		left = append(left, m.Name)
	}
	if w := witnessed(ro, to.Unit); w != "" {
		p.Shown = append(p.Shown, w)
	}
	p.Names, p.Without = strings.Join(names, ", "), strings.Join(left, ", ")
	p.Status, p.Problems = status, problems
	p.Files = s.filesPart(r, state, l.T("intake.file.closed"), p.At(fileField), t.asIs)
	return s.pages.Write(w, l, "periksa", p)
}

// showCheckClosed is the check page while the vault takes nothing: what was
// typed is still there, to be sent later.
func (s *Server) showCheckClosed(w http.ResponseWriter, r *request, sender *submission.Sender, state depositsock.State, t typed) error {
	if state.MaxBytes == 0 { // the vault didn't say
		state.MaxBytes, state.Files = s.config.MaxBytes/4*5, true
	}
	w.Header().Set("Retry-After", "3600")
	return s.showCheck(w, r, sender, state, t, http.StatusServiceUnavailable, page.Problem{Text: r.l.T("intake.check.closed")})
}
