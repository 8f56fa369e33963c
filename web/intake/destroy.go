package intake

import (
	"errors"
	"net/http"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/internal/submission"
	"suluh.example/suluh/vault/depositsock"
	"suluh.example/suluh/web/page"
)

// destroyPage asks once more before an answer is destroyed, and says what goes
// with it.
type destroyPage struct {
	page.Page
	Message message
	Told    string // the status that goes with the answer
	Copy    string // that stays with those who wrote it
	Hidden  []hidden
	Switch  []page.Link
}

// destroy has an answer destroyed, after a page that says what that means. It is
// a button of the reply's form, so that a reply that was begun comes along.
func (s *Server) destroy(w http.ResponseWriter, r *request) error {
	b, err := s.withoutFiles(w, r)
	if err != nil {
		return err
	}
	d := draftFrom(b)
	c, err := s.find(w, r, b)
	if c == nil {
		return err
	}
	show := func(notice string, problems ...page.Problem) error {
		d.problems = problems
		p := s.statusPage(r, c, d)
		p.Notice = notice
		if len(problems) > 0 {
			p.Status = http.StatusUnprocessableEntity
		}
		return s.showStatus(w, r, c.view, p)
	}
	if len(c.view.Warnings) > 0 {
		return show("")
	}
	answer, _ := id.ParseDigest(b.first(answerField))
	m, ok := answerOf(c.view, answer)
	switch {
	case !ok:
		return show("", page.Problem{Text: r.l.T("intake.destroy.none")})
	case !m.Destroyed.IsZero(): // sent twice
		return show(r.l.T("intake.destroy.done"))
	}
	p := destroyPage{
		Page: s.plain(r, r.l.T("intake.destroy.title")), Message: showMessage(r.l, c.sender.Roster(), c.view, m),
		Copy: r.l.T("intake.destroy.copy", "Unit", unitName(r.l, c.sender.Roster(), c.view, m)), Switch: s.others(r, "/cek/hapus"),
		Hidden: append(d.fields(c.code), hidden{answerField, answer.String()}),
	}
	if m.Tells != "" {
		p.Told = r.l.T("intake.destroy.told", "Status", r.l.T("status."+string(m.Tells)))
	}
	if b.first(sureField) == "" || b.first(switchField) != "" {
		return s.pages.Write(w, r.l, "hapus", p)
	}
	_, err = c.sender.Destroy(r.Context(), c.view, answer)
	switch {
	case errors.Is(err, depositsock.ErrNoKey):
		return show("", page.Problem{Text: r.l.T("intake.destroy.nokey")})
	case errors.Is(err, depositsock.ErrSignature): // the vault has another key than the code's
		return show("", page.Problem{Text: r.l.T("intake.destroy.refused")})
	case errors.Is(err, depositsock.ErrNoAnswer):
		return show("", page.Problem{Text: r.l.T("intake.destroy.none")})
	case err != nil:
		// Perhaps it is gone already, perhaps not: to ask again does no harm.
		p.Status, p.Problems = http.StatusServiceUnavailable, []page.Problem{{Text: r.l.T("intake.destroy.failed")}}
		w.Header().Set("Retry-After", "60")
		return s.pages.Write(w, r.l, "hapus", p)
	}
	if fresh, err := c.sender.Look(r.Context(), c.code); err == nil {
		c.view = fresh
	} else {
		forget(c.view, answer, c.state.Day)
	}
	return show(r.l.T("intake.destroy.done"))
}

func answerOf(v *submission.View, answer id.Digest) (submission.Message, bool) {
	for _, m := range v.Messages {
		if m.Answer == answer && !answer.IsZero() {
			return m, true
		}
	}
	return submission.Message{}, false
}

// forget makes a view what it is once an answer is destroyed, if the vault can't
// be asked.
func forget(v *submission.View, answer id.Digest, day id.Day) {
	for i, m := range v.Messages {
		if m.Answer == answer {
			v.Messages[i] = submission.Message{Day: m.Day, Answer: answer, Destroyed: day}
			if m.Tells == v.Status {
				v.Status, v.Due = "", id.Day{}
			}
		}
	}
}
