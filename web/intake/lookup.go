package intake

import (
	"errors"
	"net/http"
	"strings"

	"suluh.example/suluh/crypto/casecode"
	"suluh.example/suluh/internal/lang"
	"suluh.example/suluh/internal/submission"
	"suluh.example/suluh/vault/depositsock"
	"suluh.example/suluh/web/page"
)

// askPage asks for a code.
type askPage struct {
	page.Page
	Device *device
	Code   field
	Switch []page.Link
}

// ask is the empty field for a code.
func (s *Server) ask(w http.ResponseWriter, r *request) error {
	return s.pages.Write(w, r.l, "cek", s.askPage(r, "", ""))
}

func (s *Server) askPage(r *request, code, problem string) askPage {
	p := askPage{Page: s.script(s.plain(r, r.l.T("intake.open.title"))), Device: s.device(), Switch: s.others(r, "/cek")}
	if problem != "" {
		p.Status = http.StatusUnprocessableEntity
		p.Problems = []page.Problem{{Field: codeField, Text: problem}}
	}
	p.Code = codeInput(r.l, code, problem)
	return p
}

// open shows a case to whoever has its code.
func (s *Server) open(w http.ResponseWriter, r *request) error {
	// The page of a case comes here to change the language, with a reply that
	// may have files chosen: those can't be kept.
	b, err := s.withoutFiles(w, r)
	if err != nil {
		return err
	}
	if _, replying := b.texts[textField]; b.first(switchField) != "" && !replying {
		return s.pages.Write(w, r.l, "cek", s.askPage(r, b.first(codeField), ""))
	}
	code, corrections, err := casecode.Parse(b.first(codeField))
	if err != nil {
		return s.pages.Write(w, r.l, "cek", s.askPage(r, b.first(codeField), submission.CodeProblem(r.l, err)))
	}
	fields := append([]hidden{{codeField, code.Reveal()}, {textField, b.first(textField)}}, asIsFields(b.first(asIsField) != "")...)
	sender, state, err := s.readers.ask(r.Context())
	if sender == nil || err != nil {
		return s.closedOr(w, r, typed{}, fields, err)
	}
	view, err := s.look(r, sender, code)
	if errors.Is(err, depositsock.ErrUnknown) {
		return s.pages.Write(w, r.l, "cek", s.askPage(r, b.first(codeField), r.l.T("intake.open.unknown")))
	}
	if err != nil {
		return s.closedOr(w, r, typed{}, fields, err)
	}
	var notices []string
	for _, c := range corrections {
		notices = append(notices, r.l.T("intake.open.corrected", "Place", c.Place, "Word", c.Word))
	}
	p := s.statusPage(r, sender.Roster(), state, view, code, draftFrom(b))
	p.Notice = strings.Join(notices, " ")
	return s.showStatus(w, r, view, p)
}

func codeInput(l *lang.Language, code, problem string) field {
	return field{Name: codeField, Label: l.T("intake.open.label"), Hint: l.T("intake.open.hint"), Value: code, Problem: problem}
}
