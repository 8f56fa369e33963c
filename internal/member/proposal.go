package member

import (
	"slices"
	"strings"
	"unicode"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/lang"
	"suluh.example/suluh/internal/redact"
	"suluh.example/suluh/internal/report"
)

// Reports are the forms that the reporter sent, oldest first.
func (c *Case) Reports() (all []*report.Report) {
	for _, m := range c.Messages {
		if m.Letter != nil && m.Letter.Report != nil {
			all = append(all, m.Letter.Report)
		}
	}
	return all
}

// Competent are the units that the rules of competence suggest; see
// [report.Suggest].
func (c *Case) Competent(r *roster.Roster) (units []id.Unit) {
	for _, d := range c.Reports() {
		for _, u := range report.Suggest(r, *d) {
			if !slices.Contains(units, u) {
				units = append(units, u)
			}
		}
	}
	return units
}

// Proposal is what the reporter wrote that may go on to the main queue, before
// anything in it is masked: a title and a text. The answers that tell who,
// where, when and whose witness stay behind. What is shown of it is all that
// there is.
func (c *Case) Proposal() (title, text string) {
	var parts []string
	for _, r := range c.Reports() {
		for _, s := range []string{r.What, r.How, r.Why} {
			if s = strings.TrimSpace(Readable(s)); s != "" {
				parts = append(parts, s)
			}
		}
	}
	title = strings.Map(func(c rune) rune {
		if unicode.IsSpace(c) {
			return ' '
		}
		return c
	}, Readable(c.Title))
	return strings.TrimSpace(title), strings.Join(parts, "\n\n")
}

// Readable is somebody's text as it may go to others: with line ends of Unix,
// and with a sign in the place of each character that isn't seen.
func Readable(s string) string {
	s = lang.VisibleText(strings.ReplaceAll(s, "\r\n", "\n"))
	return strings.TrimSuffix(strings.TrimPrefix(s, "\u2068"), "\u2069")
}

// Redactor finds what is personal in texts about the case: it knows whom, where
// and which witnesses its reports name.
func (c *Case) Redactor() *redact.Redactor {
	var known []redact.Known
	rules := redact.New(redact.Options{})
	for _, r := range c.Reports() {
		known = append(known, redact.Known{Kind: redact.Name, Text: r.Who}, redact.Known{Kind: redact.Address, Text: r.Where})
		// Of what is written about witnesses, the rules say what a name is: the rest
		// is common words.
		for _, s := range rules.Find(r.Others) {
			known = append(known, redact.Known{Kind: s.Kind, Text: r.Others[s.Start:s.End]})
		}
	}
	return redact.New(redact.Options{Known: known})
}
