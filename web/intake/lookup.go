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
	c, err := s.find(w, r, b)
	if c == nil {
		return err
	}
	var notices []string
	for _, x := range c.corrections {
		notices = append(notices, r.l.T("intake.open.corrected", "Place", x.Place, "Word", x.Word))
	}
	p := s.statusPage(r, c, draftFrom(b))
	p.Notice = strings.Join(notices, " ")
	return s.showStatus(w, r, c.view, p)
}

// found is a case that its code has led to.
type found struct {
	code        casecode.Code
	corrections []casecode.Correction // of what was typed
	sender      *submission.Sender
	state       depositsock.State
	view        *submission.View
}

// find looks a case up by the code of a form. If there is none to be shown, it
// returns nil once it has read the form to its end and written the page that
// says why.
func (s *Server) find(w http.ResponseWriter, r *request, b *body) (c *found, err error) {
	c = &found{}
	askAgain := func(problem string) (*found, error) {
		b.drain()
		return nil, s.pages.Write(w, r.l, "cek", s.askPage(r, b.first(codeField), problem))
	}
	if c.code, c.corrections, err = casecode.Parse(b.first(codeField)); err != nil {
		return askAgain(submission.CodeProblem(r.l, err))
	}
	c.sender, c.state, err = s.readers.ask(r.Context())
	if c.sender != nil && err == nil {
		c.view, err = s.look(r, c.sender, c.code)
	}
	switch {
	case errors.Is(err, depositsock.ErrUnknown):
		return askAgain(r.l.T("intake.open.unknown"))
	case c.view == nil || err != nil:
		b.drain()
		return nil, s.closedOr(w, r, typed{}, draftFrom(b).fields(c.code), err)
	}
	return c, nil
}

func codeInput(l *lang.Language, code, problem string) field {
	return field{Name: codeField, Label: l.T("intake.open.label"), Hint: l.T("intake.open.hint"), Value: code, Problem: problem}
}
