package intake

import (
	"net/http"
	"strings"

	"suluh.example/suluh/crypto/casecode"
	"suluh.example/suluh/internal/lang"
	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/internal/submission"
	"suluh.example/suluh/vault/depositsock"
	"suluh.example/suluh/web/page"
)

// draft is a reply that isn't sent yet.
type draft struct {
	once, text string
	asIs       bool
	problems   []page.Problem
}

func draftFrom(b *body) draft {
	return draft{once: b.first(onceField), text: b.first(textField), asIs: b.first(asIsField) != ""}
}

// fields carry it on, with the code that it belongs to.
func (d draft) fields(code casecode.Code) []hidden {
	return append([]hidden{{codeField, code.Reveal()}, {onceField, d.once}, {textField, d.text}}, asIsFields(d.asIs)...)
}

func replyField(l *lang.Language, text, problem string) field {
	return field{Name: textField, Label: l.T("intake.status.text"), Hint: l.T("intake.status.text.hint"), Value: text, Problem: problem, Rows: 6}
}

// reply deposits a message by code, and shows the case with it.
func (s *Server) reply(w http.ResponseWriter, r *request) error {
	b, first, broken, err := s.upToFiles(w, r)
	if err != nil {
		return err
	}
	d := draftFrom(b)
	c, err := s.find(w, r, b)
	if c == nil {
		return err
	}
	show := func(status int, d draft, notice string) error {
		p := s.statusPage(r, c, d)
		p.Status, p.Notice = status, notice
		return s.showStatus(w, r, c.view, p)
	}
	refuse := func(status int, field, text string) error {
		b.drain()
		d.problems = []page.Problem{{Field: field, Text: text}}
		return show(status, d, "")
	}
	if len(c.view.Warnings) > 0 {
		b.drain()
		return show(http.StatusOK, d, "")
	}
	switch {
	case broken:
		return refuse(http.StatusUnprocessableEntity, fileProblem(c.state), r.l.T("intake.file.broken"))
	case strings.TrimSpace(d.text) == "" && first == nil:
		return refuse(http.StatusUnprocessableEntity, textField, r.l.T("intake.status.nothing"))
	case len(d.text) > report.MaxText:
		return refuse(http.StatusUnprocessableEntity, textField, tooLong(r.l))
	}
	once, ok := seed(d.once)
	if !ok {
		once = submission.NewSeed()
	}
	leave, problem := s.admit(w, r, b, first)
	if leave == nil {
		return refuse(http.StatusTooManyRequests, textField, problem)
	}
	defer leave()
	sub, err := c.sender.BeginReply(r.Context(), c.state.Day, c.view, once, d.text, r.l.Code())
	if err == nil {
		defer sub.Abort()
		var result submission.Result
		var files sent
		if result, files, err = s.finish(r, b, first, sub, c.state); err == nil {
			// The reply is durable, so that is said even if the vault goes now.
			if fresh, err := c.sender.Look(r.Context(), c.code); err == nil {
				c.view = fresh
			}
			notice := r.l.T("intake.status.sent")
			if result.Outcome == depositsock.Same {
				notice = r.l.T("intake.status.sent.before")
			}
			return show(http.StatusOK, draft{}, strings.Join(append([]string{notice}, files.say(r.l)...), " "))
		}
	}
	text, err := s.refusal(r, b, c.state, err)
	switch {
	case err != nil:
		b.drain()
		return err
	case text == "":
		w.Header().Set("Retry-After", "3600")
		return refuse(http.StatusServiceUnavailable, textField, r.l.T("intake.status.closed"))
	}
	return refuse(http.StatusUnprocessableEntity, fileProblem(c.state), text)
}
