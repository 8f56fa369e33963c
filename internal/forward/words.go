package forward

import (
	"errors"
	"strings"
	"unicode"

	"suluh.example/suluh/internal/report"
)

// word is a message to members.
func (e *Engine) word(key string, pairs ...any) string {
	return e.c.Words.Language(e.c.Language).T(key, pairs...)
}

// why says to members what is wrong.
func (e *Engine) why(err error) string {
	var w Worded
	if !errors.As(err, &w) {
		return line(err.Error())
	}
	key, pairs := w.Words()
	text := e.word("forward.why."+key, pairs...)
	if said := w.Said(); said != "" {
		text += " " + e.word("forward.why.said", "Said", said)
	}
	return text
}

// reasons says to the approver why an item was stopped, and where.
func (e *Engine) reasons(found []Finding) string {
	var b strings.Builder
	b.WriteString(e.word("forward.stop"))
	for i, f := range found {
		if i == maxReasons {
			b.WriteString("\n- " + e.word("forward.stop.more", "N", len(found)-i))
			break
		}
		b.WriteString("\n- " + e.word("forward.stop."+string(f.Rule), "Kind", string(f.Kind), "Text", f.Text))
	}
	return b.String()
}

const maxReasons = 20

// answer is what the reporter is told, in the reporter's language: that the
// report was forwarded, or what the queue says of it now. Of what it answered
// before only the rest is told.
func (e *Engine) answer(x *item, o report.Outcome, first bool, before string) *report.Answer {
	l := e.c.Words.Language(x.Item.Language)
	var parts []string
	if first {
		parts = append(parts, l.T("forward.tell.sent"))
	}
	if o.Word != "" {
		parts = append(parts, l.T("forward.tell.word", "Word", o.Word))
	}
	if o.Tracking != "" && !strings.HasPrefix(o.Tracking, Ticket) {
		parts = append(parts, l.T("forward.tell.tracking", "Tracking", o.Tracking))
	}
	if o.Link != "" {
		parts = append(parts, l.T("forward.tell.link", "Link", o.Link))
	}
	text := o.Text
	if rest, ok := strings.CutPrefix(text, before); ok && before != "" {
		text = strings.TrimSpace(rest)
	}
	if text != "" {
		parts = append(parts, l.T("forward.tell.answer")+"\n"+text)
	}
	if o.Final {
		parts = append(parts, l.T("forward.tell.final"))
	}
	return &report.Answer{Status: o.Status, Text: strings.Join(parts, "\n")}
}

// What the queue says is cut to this.
const (
	maxAnswer = 16 << 10 // bytes
	maxLine   = 300
)

// tidy takes out of what a queue says what nobody sees.
func tidy(s string, most int) string {
	s = strings.Map(func(c rune) rune {
		if c != '\n' && (unicode.IsControl(c) || unicode.Is(unicode.Cf, c)) {
			return -1
		}
		return c
	}, strings.ToValidUTF8(strings.ReplaceAll(s, "\r\n", "\n"), ""))
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return strings.TrimSpace(s)
}

func line(s string) string { return strings.Join(strings.Fields(tidy(s, maxLine)), " ") }
