package intake

import (
	"errors"
	"net/http"

	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/internal/submission"
	"suluh.example/suluh/vault/depositsock"
	"suluh.example/suluh/web/page"
)

// send deposits a report as it streams in, and shows its code once it is
// durable.
func (s *Server) send(w http.ResponseWriter, r *request) error {
	b, first, broken, err := s.upToFiles(w, r)
	if err != nil {
		return err
	}
	t := typedFrom(b)
	sender, state, err := s.readers.ask(r.Context())
	if sender == nil || err != nil || !state.Open {
		b.drain()
		if sender != nil && (err == nil || isClosed(err)) {
			return s.showCheckClosed(w, r, sender, state, t)
		}
		return s.closedOr(w, r, t, t.fields(), err)
	}
	status := http.StatusUnprocessableEntity
	again := func(field, text string) error {
		b.drain()
		var problems []page.Problem
		if text != "" {
			problems = append(problems, page.Problem{Field: field, Text: text})
		}
		return s.showCheck(w, r, sender, state, t, status, problems...)
	}
	once, ok := seed(t.once)
	to, wrong := t.to(r.l, sender.Roster())
	if !ok || len(wrong) > 0 || t.length() > report.MaxText {
		return again("", "")
	}
	if broken {
		return again(fileProblem(state), r.l.T("intake.file.broken"))
	}
	if t.report.IsEmpty() && first == nil {
		return again(fileProblem(state), r.l.T("intake.check.nothing"))
	}
	// changed checks the same again, with those who read it now.
	changed := func() error {
		if rewitnessed(sender.Roster(), to, t.shown) {
			t.once = "" // what was said to open with others' word never joins a case that opens without
		}
		text := r.l.T("intake.check.changed")
		if first != nil {
			text += ". " + r.l.T("intake.check.files.again")
		}
		return again("", text)
	}
	if rewitnessed(sender.Roster(), to, t.shown) || added(sender.Roster(), to, t.shown) {
		return changed()
	}
	leave, problem := s.admit(w, r, b, first)
	if leave == nil {
		status = http.StatusTooManyRequests
		return again(fileProblem(state), problem)
	}
	defer leave()
	f := submission.Form{Seed: once, To: to, Report: t.report, Language: r.l.Code()}
	sub, err := sender.Begin(r.Context(), state.Day, f)
	if err == nil {
		defer sub.Abort()
		var result submission.Result
		var files sent
		if result, files, err = s.finish(r, b, first, sub, state); err == nil {
			return s.received(w, r, to, once, result, files, state)
		}
	}
	if errors.Is(err, depositsock.ErrRoster) && b.failed == nil {
		// The vault takes nothing that was sealed to those who read it when the
		// files began to come, which may be hours ago.
		if fresh, now, askErr := s.readers.ask(r.Context()); askErr == nil && fresh != sender {
			sender, state = fresh, now
			return changed()
		}
	}
	text, err := s.refusal(r, b, state, err)
	switch {
	case err != nil:
		b.drain()
		return err
	case text == "":
		b.drain()
		return s.showCheckClosed(w, r, sender, state, t)
	}
	return again(fileProblem(state), text)
}
