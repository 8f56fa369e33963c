package submission

import (
	"errors"
	"strings"

	"suluh.example/suluh/crypto/casecode"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/lang"
	"suluh.example/suluh/internal/report"
)

// About says in a person's language what a status means for the reporter.
func About(l *lang.Language, s report.Status, c report.Clock) string {
	return l.T("intake.status.about."+string(s), "Verify", c.Queue.Verify, "Answer", c.Queue.Answer, "Done", c.Queue.Done)
}

// Opens says in a person's language whose word it takes before a report to a unit
// opens, and what else opens it: sentences, none where the readers are all.
func Opens(l *lang.Language, r *roster.Roster, of id.Unit) (all []string) {
	need, witnesses := r.KeyWitnessesOf(of)
	var names []string
	for _, m := range witnesses {
		names = append(names, m.Name)
	}
	switch together := strings.Join(names, ", "); {
	case len(names) == 1:
		all = append(all, l.T("intake.check.witness", "Names", together))
	case need > 0:
		all = append(all, l.T("intake.check.witness.some", "Need", need, "Of", len(names), "Names", together))
	}
	if u, _ := r.Unit(of); u.Recovery != "" && need > 0 {
		all = append(all, l.T("intake.check.sheet.alone"))
	} else if u.Recovery != "" {
		all = append(all, l.T("intake.check.sheet"))
	}
	return all
}

// CodeProblem says in a person's language what is wrong with a code that was
// typed, if err is one of [casecode.Parse]; "" if it isn't.
func CodeProblem(l *lang.Language, err error) string {
	var count *casecode.CountError
	var word *casecode.WordError
	switch {
	case errors.As(err, &count):
		return l.T("intake.open.count", "N", count.Got)
	case errors.As(err, &word) && word.Suggestion != "":
		return l.T("intake.open.word.perhaps", "Place", word.Place, "Word", shorten(word.Typed), "Perhaps", word.Suggestion)
	case errors.As(err, &word):
		return l.T("intake.open.word", "Place", word.Place, "Word", shorten(word.Typed))
	case errors.Is(err, casecode.ErrChecksum):
		return l.T("intake.open.order")
	case errors.Is(err, casecode.ErrEmpty):
		return l.T("intake.open.empty")
	}
	return ""
}

// shorten cuts what is shown of a word that isn't one.
func shorten(s string) string {
	const most = 30
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}
