package export

import (
	"fmt"
	"strings"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/internal/lang"
	"suluh.example/suluh/internal/member"
	"suluh.example/suluh/internal/report"
)

// Answers returns what was answered in the form, with the name of each
// question, in the form's order. What was left empty is left out.
func Answers(l *lang.Language, r report.Report) [][2]string {
	var all [][2]string
	add := func(key, text string) {
		if strings.TrimSpace(text) != "" {
			all = append(all, [2]string{l.T("export." + key), text})
		}
	}
	if r.Category != "" {
		add("jenis", l.T("category."+string(r.Category)))
	}
	add("apa", r.What)
	add("bagaimana", r.How)
	add("mengapa", r.Why)
	add("siapa", r.Who)
	add("mana", r.Where)
	add("kapan", r.When)
	add("rugi", r.Loss)
	add("saksi", r.Others)
	add("sudah", r.Already)
	if r.Keep {
		add("keep", l.T("export.keep.yes"))
	}
	return all
}

// conversation is case.txt.
func (w *writer) conversation() string {
	return Conversation(w.o.Language, w.x.Case, nil, func(a member.Attachment) string { return w.attached[a.Object] })
}

// Conversation returns a case as a text to read: what was reported, said and
// noted, and what is attached. What people wrote can't change how the words
// around it are shown. Copies are
// its duplicates; file names a file for an attachment, or none.
func Conversation(l *lang.Language, c *member.Case, copies []id.Case, file func(member.Attachment) string) string {
	var b strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	title := lang.Visible(c.Title)
	if title == "" {
		title = l.T("export.untitled")
	}
	say("%s\n%s\n", title, strings.Repeat("=", min(len([]rune(title)), 78)))
	say("%s: %s", l.T("export.case"), c.Item.Case)
	say("%s: %s, %s", l.T("export.status"), l.T("status."+string(c.Status)), l.Day(c.Since))
	if !c.Due.IsZero() {
		say("%s: %s", l.T("export.due"), l.Day(c.Due))
	}
	if c.Class != "" {
		say("%s: %s", l.T("export.class"), l.T("class."+string(c.Class)))
	}
	if c.Handling != c.Unit {
		say("%s: %s", l.T("export.handling"), c.Handling)
	}
	if c.SameAs != "" {
		say("%s: %s", l.T("export.same"), c.SameAs)
	}
	if len(copies) > 0 {
		say("%s: %s", l.T("export.copies"), named(copies))
	}
	if c.Forward != nil {
		say("%s: %s, %s", l.T("export.forward"), l.T("stage."+string(c.Forward.State)), l.Day(c.Forward.Day))
	}
	if c.Reference != "" {
		say("%s: %s", l.T("export.outcome.reference"), lang.Visible(c.Reference))
	}
	say("%s: %s", l.T("export.readers"), named(c.Readers))
	if len(c.Without) > 0 {
		say("%s: %s", l.T("export.without"), named(c.Without))
	}
	for _, m := range c.Messages {
		switch {
		case m.Letter != nil:
			heading(&b, l.T("export.by-reporter", "Day", l.Day(m.Day)))
			if r := m.Letter.Report; r != nil {
				for _, a := range Answers(l, *r) {
					say("%s", a[0])
					quoted(&b, a[1])
				}
			}
			if m.Letter.Text != "" {
				quoted(&b, m.Letter.Text)
			}
		case m.Answer != nil:
			heading(&b, l.T("export.by-member", "Member", string(m.By), "Day", l.Day(m.Day)))
			if m.Answer.Status != "" {
				say("%s: %s", l.T("export.status"), l.T("status."+string(m.Answer.Status)))
			}
			if m.Answer.Text != "" {
				quoted(&b, m.Answer.Text)
			}
			switch {
			case m.Destroyed.IsZero():
			case m.Answer.V == 0:
				say("%s", l.T("export.destroyed.gone", "Day", l.Day(m.Destroyed)))
			default:
				say("%s", l.T("export.destroyed", "Day", l.Day(m.Destroyed)))
			}
		}
	}
	for _, n := range c.Notes {
		heading(&b, l.T("export.note", "Member", string(n.By), "Day", l.Day(n.Day)))
		quoted(&b, n.Text)
	}
	if d := c.Draft; d != nil {
		heading(&b, l.T("export.draft", "Member", string(d.By), "Day", l.Day(d.Day)))
		quoted(&b, d.Title)
		quoted(&b, d.Text)
	}
	for _, o := range c.Outcomes {
		heading(&b, l.T("export.outcome", "Member", string(o.By), "Day", l.Day(o.Day)))
		for _, x := range [][2]string{
			{"export.outcome.result", l.T("result." + string(o.Result))},
			{"export.outcome.reference", o.Reference},
			{"export.outcome.tracking", o.Tracking},
			{"export.outcome.link", o.Link},
			{"export.outcome.word", o.Word},
		} {
			if x[1] != "" {
				say("%s: %s", l.T(x[0]), lang.Visible(x[1]))
			}
		}
		if o.Text != "" {
			quoted(&b, o.Text)
		}
	}
	if len(c.Attachments) > 0 {
		heading(&b, l.T("export.attachments"))
	}
	for _, a := range c.Attachments {
		say("%3d  %s  %s", a.Number, lang.Visible(a.Name), l.Bytes(a.Size))
		if h := a.Hidden.Known(); h != "" {
			say("     %s: %s", l.T("export.hidden"), l.T("hidden."+string(h)))
		}
		if a.Gone {
			say("     %s", l.T("export.gone"))
		} else if f := file(a); f != "" {
			say("     %s", f)
		}
	}
	if len(c.Unopened) > 0 {
		heading(&b, l.T("export.unopened"))
	}
	for _, u := range c.Unopened {
		say("%s %s: %v", u.Role, u.Digest, u.Err)
	}
	return b.String()
}

func heading(b *strings.Builder, s string) {
	fmt.Fprintf(b, "\n%s\n%s\n", s, strings.Repeat("-", min(len([]rune(s)), 78)))
}

// quoted indents what somebody wrote, so that it can't pass for the words
// around it.
func quoted(b *strings.Builder, text string) {
	text = strings.ReplaceAll(strings.TrimSpace(text), "\r\n", "\n")
	for line := range strings.Lines(lang.VisibleText(text)) {
		b.WriteString("    " + strings.TrimRight(line, "\n") + "\n")
	}
}

func named[S ~string](all []S) string {
	s := make([]string, len(all))
	for i, m := range all {
		s[i] = string(m)
	}
	return strings.Join(s, ", ")
}
