package intake

import (
	"net/http"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/lang"
	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/internal/submission"
	"suluh.example/suluh/web/page"
)

// statusPage is a case as its reporter sees it. What the reporter wrote is not
// shown again: whoever finds the code must not learn what was reported.
type statusPage struct {
	page.Page
	About, Next string
	Needed      string // what we wait for
	Messages    []message
	None        string
	History     []string
	Log         string // whether the report is in the access log
	Receipt     string
	Code, Once  string
	Reply       field
	Files       filesPart
	Switch      []page.Link
}

type message struct {
	From, Text, Files string
	Destroy           string // the answer's digest, if it can be destroyed
}

func (s *Server) statusPage(r *request, c *found, d draft) statusPage {
	l, v := r.l, c.view
	title, about := l.T("intake.status.gone.title"), l.T("intake.status.gone.about")
	if v.Status != "" {
		title, about = l.T("intake.status.title", "Status", l.T("status."+string(v.Status))), submission.About(l, v.Status, s.config.Clock)
	}
	p := statusPage{
		Page: s.plain(r, title), About: about, Log: inLog(l, v, c.state.Day), Receipt: string(v.Receipt),
		Code: c.code.Reveal(), Once: d.once, Switch: s.others(r, "/cek"),
	}
	if _, ok := seed(p.Once); !ok {
		p.Once = submission.NewSeed().Hex()
	}
	due := v.Due
	if due.IsZero() && len(v.History) > 0 && v.Status != "" {
		due = s.config.Clock.Due(v.Status, v.History[len(v.History)-1].Day)
	}
	late := !due.IsZero() && due.Before(c.state.Day)
	switch {
	case v.Status == report.Incomplete && due.IsZero():
		p.Needed = l.T("intake.status.needed.nodate")
	case v.Status == report.Incomplete && late:
		p.Needed = l.T("intake.status.needed.late", "Day", due)
	case v.Status == report.Incomplete:
		p.Needed = l.T("intake.status.needed", "Day", due)
	case late:
		p.Next = l.T("intake.status.late", "Day", due)
	case !due.IsZero():
		p.Next = l.T("intake.status.next", "Day", due)
	}
	for _, m := range v.Messages {
		p.Messages = append(p.Messages, showMessage(l, c.sender.Roster(), v, m))
	}
	if p.None = l.T("intake.status.none"); !due.IsZero() && !late {
		p.None = l.T("intake.status.none.until", "Day", due)
	}
	for _, h := range v.History {
		p.History = append(p.History, l.T("intake.status.step", "Status", l.T("status."+string(h.Status)), "Day", h.Day))
	}
	p.Problems = d.problems
	p.Reply = replyField(l, d.text, p.At(textField))
	p.Files = s.filesPart(r, c.state, l.T("intake.status.files.closed"), p.At(fileField), d.asIs)
	return p
}

// inLog says when the report entered the access log, or by when it will.
func inLog(l *lang.Language, v *submission.View, today id.Day) string {
	due := v.Since.AddDays(1)
	switch {
	case !v.Logged.IsZero():
		return l.T("intake.status.log", "Day", v.Logged)
	case v.InLog:
		return l.T("intake.status.log.nodate")
	case due.Before(today):
		return l.T("intake.status.log.late", "Day", due)
	}
	return l.T("intake.status.log.by", "Day", due)
}

func showMessage(l *lang.Language, ro *roster.Roster, v *submission.View, m submission.Message) message {
	if !m.Destroyed.IsZero() {
		return message{From: l.T("intake.status.from", "Unit", unitName(l, ro, v, m), "Day", m.Day), Text: l.T("intake.status.destroyed", "Day", m.Destroyed)}
	}
	if m.By == "" {
		x := message{From: l.T("intake.status.from.you", "Day", m.Day), Text: l.T("intake.status.yours")}
		if m.Files > 0 {
			x.Files = l.T("intake.status.yours.files", "N", m.Files)
		}
		return x
	}
	return message{From: l.T("intake.status.from", "Unit", unitName(l, ro, v, m), "Day", m.Day), Text: m.Text, Destroy: m.Answer.String()}
}

// unitName names the unit that an answer is from. The unit speaks; which of its
// officers wrote is not the reporter's.
func unitName(l *lang.Language, ro *roster.Roster, v *submission.View, m submission.Message) string {
	from := v.Unit
	if by, ok := ro.Member(m.By); ok {
		from = by.Unit
	}
	unit, _ := ro.Unit(from)
	return unit.Named(l.Code())
}

// tamperedPage says that the case isn't what was deposited.
type tamperedPage struct {
	page.Page
	Reasons  []string
	Contacts []string
	Hidden   []hidden
	Switch   []page.Link
}

// showStatus shows a case, or only that it was tampered with.
func (s *Server) showStatus(w http.ResponseWriter, r *request, v *submission.View, p statusPage) error {
	if len(v.Warnings) > 0 {
		t := tamperedPage{Page: s.plain(r, r.l.T("intake.tampered.title")), Contacts: s.contacts(r), Hidden: []hidden{{codeField, p.Code}, {textField, ""}}, Switch: p.Switch}
		for _, x := range v.Warnings {
			t.Reasons = append(t.Reasons, r.l.T("intake.tampered."+string(x)))
		}
		return s.pages.Write(w, r.l, "rusak", t)
	}
	return s.pages.Write(w, r.l, "status", p)
}
