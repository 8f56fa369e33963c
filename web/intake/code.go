package intake

import (
	"errors"
	"net/http"
	"strings"
	"unicode"

	"suluh.example/suluh/crypto/casecode"
	"suluh.example/suluh/internal/lang"
	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/internal/submission"
	"suluh.example/suluh/vault/depositsock"
	"suluh.example/suluh/web/page"
)

// codePage shows a code.
type codePage struct {
	page.Page
	Words   [casecode.Len]string
	What    string // what became of the report
	Sent    []string
	Due     string
	Receipt string
	Hidden  []hidden
	Switch  []page.Link
}

// received is the page after a deposit is durable, and never before.
func (s *Server) received(w http.ResponseWriter, r *request, to submission.Readers, once submission.Seed, result submission.Result, files sent, state depositsock.State) error {
	l := r.l
	p, err := s.codePage(r, l.T("intake.code.title"), to, once)
	if err != nil {
		return err
	}
	switch result.Outcome {
	case depositsock.Same:
		p.What = l.T("intake.code.same")
	case depositsock.Added:
		p.What = l.T("intake.code.added")
	default:
		if due := s.config.Clock.Due(report.Received, state.Day); !due.IsZero() {
			p.Due = l.T("intake.code.due", "Day", due)
		}
	}
	p.Receipt, p.Sent = string(result.Receipt), files.say(l)
	return s.pages.Write(w, l, "kode", p)
}

func (s *Server) codePage(r *request, title string, to submission.Readers, once submission.Seed) (codePage, error) {
	code, err := submission.CodeOf(once, to)
	if err != nil {
		return codePage{}, err
	}
	p := codePage{
		Page: s.plain(r, title), Words: code.Words(),
		Hidden: codeFields(to, once), Switch: s.others(r, "/lapor/coba"),
	}
	// The browser may print it on the margin of the card.
	p.Window, p.Class = r.l.T("intake.code.window"), "cut"
	return p, nil
}

// codeFields carry what a code comes from, and no more: not the report.
func codeFields(to submission.Readers, once submission.Seed) []hidden {
	f := []hidden{{onceField, once.Hex()}, {unitField, string(to.Unit)}}
	for _, m := range to.Without {
		f = append(f, hidden{withoutField, string(m)})
	}
	return f
}

// tryPage asks for the code that was just written down.
type tryPage struct {
	page.Page
	Code   field
	Right  bool
	Hidden []hidden
	Switch []page.Link
}

// try lets somebody try the code on paper, or see it once more as long as the
// seed is in the page.
func (s *Server) try(w http.ResponseWriter, r *request) error {
	b, err := s.texts(w, r)
	if err != nil {
		return err
	}
	l := r.l
	t := typedFrom(b)
	once, ok := seed(t.once)
	// The unit is one that was chosen before; who reads it now is no matter.
	to := submission.Readers{Unit: unitOf(t.unit), Without: t.without}
	if !ok || to.Unit == "" {
		return s.direct(w, r, route{post: s.try})
	}
	if b.first(showField) != "" {
		p, err := s.codePage(r, l.T("intake.code.again.title"), to, once)
		if err != nil {
			return err
		}
		return s.pages.Write(w, l, "kode", p)
	}
	code, err := submission.CodeOf(once, to)
	if err != nil {
		return err
	}
	p := tryPage{Page: s.plain(r, l.T("intake.try.title")), Hidden: codeFields(to, once), Switch: s.others(r, "/lapor/coba")}
	if tries := b.texts[codeField]; len(tries) > 0 {
		problem := tryCode(l, tries[0], code)
		switch onlyLanguage := b.first(switchField) != ""; {
		case problem == "":
			p.Right, p.Title, p.Notice = true, l.T("intake.try.right.title"), l.T("intake.try.right")
		case !onlyLanguage:
			p.Status, p.Problems = http.StatusUnprocessableEntity, []page.Problem{{Field: codeField, Text: problem}}
		}
	}
	p.Code = codeInput(l, b.first(codeField), p.At(codeField))
	return s.pages.Write(w, l, "coba", p)
}

// tryCode compares a code that was typed with the one that is right, and says
// what is wrong: "" if nothing is.
func tryCode(l *lang.Language, s string, right casecode.Code) string {
	code, _, err := casecode.Parse(s)
	if err == nil && code.Equal(right) {
		return ""
	}
	if err == nil || errors.Is(err, casecode.ErrChecksum) {
		// All words are known: name the first that is another, if only few are.
		words := strings.FieldsFunc(strings.ToLower(s), func(c rune) bool { return !unicode.IsLetter(c) })
		var wrong []int
		for i, w := range right.Words() {
			if i < len(words) && !strings.HasPrefix(words[i], w[:4]) {
				wrong = append(wrong, i+1)
			}
		}
		if 0 < len(wrong) && len(wrong) <= 3 {
			return l.T("intake.try.word", "Place", wrong[0])
		}
	}
	if err == nil {
		return l.T("intake.try.other")
	}
	return submission.CodeProblem(l, err)
}
