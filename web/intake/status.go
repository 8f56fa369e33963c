package intake

import (
	"errors"
	"io"
	"net/http"
	"strings"

	"suluh.example/suluh/crypto/casecode"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/lang"
	"suluh.example/suluh/internal/report"
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

// draft is a reply that isn't sent yet.
type draft struct {
	once, text string
	asIs       bool
	problems   []page.Problem
}

func draftFrom(b *body) draft {
	return draft{once: b.first(onceField), text: b.first(textField), asIs: b.first(asIsField) != ""}
}

func (s *Server) statusPage(r *request, ro *roster.Roster, state depositsock.State, v *submission.View, code casecode.Code, d draft) statusPage {
	l := r.l
	title, about := l.T("intake.status.gone.title"), l.T("intake.status.gone.about")
	if v.Status != "" {
		title, about = l.T("intake.status.title", "Status", l.T("status."+string(v.Status))), submission.About(l, v.Status, s.config.Clock)
	}
	p := statusPage{
		Page: s.plain(r, title), About: about, Log: inLog(l, v, state.Day), Receipt: string(v.Receipt),
		Code: code.Reveal(), Once: d.once, Switch: s.others(r, "/cek"),
	}
	if _, ok := seed(p.Once); !ok {
		p.Once = submission.NewSeed().Hex()
	}
	due := v.Due
	if due.IsZero() && len(v.History) > 0 && v.Status != "" {
		due = s.config.Clock.Due(v.Status, v.History[len(v.History)-1].Day)
	}
	late := !due.IsZero() && due.Before(state.Day)
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
		p.Messages = append(p.Messages, showMessage(l, ro, v, m))
	}
	if p.None = l.T("intake.status.none"); !due.IsZero() && !late {
		p.None = l.T("intake.status.none.until", "Day", due)
	}
	for _, h := range v.History {
		p.History = append(p.History, l.T("intake.status.step", "Status", l.T("status."+string(h.Status)), "Day", h.Day))
	}
	p.Problems = d.problems
	p.Reply = replyField(l, d.text, p.At(textField))
	p.Files = s.filesPart(r, state, l.T("intake.status.files.closed"), p.At(fileField), d.asIs)
	return p
}

func replyField(l *lang.Language, text, problem string) field {
	return field{Name: textField, Label: l.T("intake.status.text"), Hint: l.T("intake.status.text.hint"), Value: text, Problem: problem, Rows: 6}
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

// reply deposits a message by code, and shows the case with it.
func (s *Server) reply(w http.ResponseWriter, r *request) error {
	b := s.body(w, r, s.mostBody())
	first, unread := b.next()
	d := draftFrom(b)
	if unread == errBroken && d.once != "" {
		// It broke after what was typed.
	} else if unread != nil && unread != io.EOF {
		b.drain()
		return unread
	}
	code, _, err := casecode.Parse(b.first(codeField))
	if err != nil {
		b.drain()
		return s.pages.Write(w, r.l, "cek", s.askPage(r, b.first(codeField), submission.CodeProblem(r.l, err)))
	}
	fields := append([]hidden{{codeField, code.Reveal()}, {onceField, d.once}, {textField, d.text}}, asIsFields(d.asIs)...)
	sender, state, err := s.readers.ask(r.Context())
	if sender == nil || err != nil {
		b.drain()
		return s.closedOr(w, r, typed{}, fields, err)
	}
	view, err := s.look(r, sender, code)
	if err != nil {
		b.drain()
		if errors.Is(err, depositsock.ErrUnknown) {
			return s.pages.Write(w, r.l, "cek", s.askPage(r, b.first(codeField), r.l.T("intake.open.unknown")))
		}
		return s.closedOr(w, r, typed{}, fields, err)
	}
	show := func(status int, d draft, notice string) error {
		p := s.statusPage(r, sender.Roster(), state, view, code, d)
		p.Status, p.Notice = status, notice
		return s.showStatus(w, r, view, p)
	}
	refuse := func(status int, field, text string) error {
		b.drain()
		d.problems = []page.Problem{{Field: field, Text: text}}
		return show(status, d, "")
	}
	if len(view.Warnings) > 0 {
		b.drain()
		return show(http.StatusOK, d, "")
	}
	switch {
	case unread == errBroken:
		return refuse(http.StatusUnprocessableEntity, fileProblem(state), r.l.T("intake.file.broken"))
	case strings.TrimSpace(d.text) == "" && first == nil:
		return refuse(http.StatusUnprocessableEntity, textField, r.l.T("intake.status.nothing"))
	case len(d.text) > report.MaxText:
		return refuse(http.StatusUnprocessableEntity, textField, r.l.T("intake.long.title")+". "+r.l.T("intake.long.here", "Size", r.l.Bytes(report.MaxText)))
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
	sub, err := sender.BeginReply(r.Context(), state.Day, view, once, d.text, r.l.Code())
	if err == nil {
		defer sub.Abort()
		var result submission.Result
		var files sent
		if result, files, err = s.finish(r, b, first, sub, state); err == nil {
			// The reply is durable, so that is said even if the vault goes now.
			if fresh, err := sender.Look(r.Context(), code); err == nil {
				view = fresh
			}
			notice := r.l.T("intake.status.sent")
			if result.Outcome == depositsock.Same {
				notice = r.l.T("intake.status.sent.before")
			}
			return show(http.StatusOK, draft{}, strings.Join(append([]string{notice}, files.say(r.l)...), " "))
		}
	}
	text, err := s.refusal(r, b, state, err)
	switch {
	case err != nil:
		b.drain()
		return err
	case text == "":
		w.Header().Set("Retry-After", "3600")
		return refuse(http.StatusServiceUnavailable, textField, r.l.T("intake.status.closed"))
	}
	return refuse(http.StatusUnprocessableEntity, fileProblem(state), text)
}
