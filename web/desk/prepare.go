package desk

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"suluh.example/suluh/internal/lang"
	"suluh.example/suluh/internal/member"
	"suluh.example/suluh/internal/redact"
	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/vault/membersock"
	"suluh.example/suluh/vault/wire"
	"suluh.example/suluh/web/page"
)

const (
	// shownMasks is how many masks a page lists.
	shownMasks = 300
	// shownLeft is how many things that may be personal a page lists.
	shownLeft = 100
	// maxTitle is the most characters of the title of what is forwarded.
	maxTitle = 150
)

// readForward takes from a form what the page for preparing has besides a
// draft's text.
func (d *draft) readForward(v *visit) {
	f := v.PostForm
	d.Heading, d.Undone = strings.TrimSpace(oneLine(member.Readable(f.Get("judul")))), f["kembali"]
	d.Text = member.Readable(d.Text)
	for _, field := range []string{"tambah", "samarkan"} {
		for _, s := range f[field] {
			if k, ok := readAdded(s); ok && !slices.Contains(d.Added, writeAdded(k)) {
				d.Added = append(d.Added, writeAdded(k))
			}
		}
	}
	d.Words, d.Mark = f.Get("kata"), redact.Kind(f.Get("jenis"))
}

// added are the values that the member masks.
func (d *draft) added() (all []redact.Known) {
	for _, s := range d.Added {
		if k, ok := readAdded(s); ok {
			all = append(all, k)
		}
	}
	return all
}

// begun is what a member begins to prepare with: what the reporter wrote, or a
// text that was sent back, with what was readable in it left so.
func (s *Server) begun(v *visit, c *member.Case) draft {
	d := draft{Case: v.of, Kind: forwarding}
	d.Heading, d.Text = c.Proposal()
	if c.Draft != nil {
		d.Heading, d.Text = strings.TrimSpace(oneLine(member.Readable(c.Draft.Title))), member.Readable(c.Draft.Text)
		for _, m := range maskIn(c.Redactor(), d.Heading, d.Text, nil, nil).Masks {
			d.Undone = append(d.Undone, m.Key)
		}
	}
	return d
}

type preparePage struct {
	page.Page
	draft
	Base      string
	ClassName string
	Original  []piece // as the reporter wrote it
	Out       masked  // as it will be sent
	Masks     []*mask // of these, the ones that are listed
	More      int     // that aren't
	Hidden    []string
	Left      []leftover
	LeftMore  int
	Kinds     []choice
	Answers   []line // of the report, that stay behind
	Length    int
	Undoing   int
	Reason    string // for which a text was sent back
}

// leftover is something that may be personal.
type leftover struct {
	*mask
	Value string // to mask it; "" if that must be done by hand
}

// prepare is the page on which a text is made fit for the queue.
func (s *Server) prepare(w http.ResponseWriter, v *visit) error {
	get := v.session.member.Open // an approver may have sent a text back by now
	if v.Method == http.MethodPost {
		get = v.session.member.Recall
	}
	c, err := get(v.Context(), v.of)
	if err != nil {
		return err
	}
	if key := unfit(c); key != "" {
		return s.unfitPage(w, v, key)
	}
	if v.Method == http.MethodPost {
		d := readDraft(v, forwarding)
		var problems []page.Problem
		if strings.TrimSpace(d.Words) != "" {
			problems = d.add(v.lang, c.Redactor())
		}
		return s.preparePage(w, v, c, d, "", problems...)
	}
	return s.preparePage(w, v, c, s.begun(v, c), "")
}

// add masks the words that a member typed, if they are in the text.
func (d *draft) add(l *lang.Language, r *redact.Redactor) []page.Problem {
	k, ok := readAdded(string(d.Mark) + " " + d.Words)
	switch {
	case !ok && len(d.Words) > maxPhrase:
		return []page.Problem{{Field: "kata", Text: l.T("desk.prepare.add.long", "N", maxPhrase)}}
	case !ok:
		return []page.Problem{{Field: "kata", Text: l.T("desk.prepare.add.empty")}}
	case len(r.Everywhere(d.Heading+parting+d.Text, []redact.Known{k})) == 0:
		return []page.Problem{{Field: "kata", Text: l.T("desk.prepare.add.absent")}}
	}
	d.Undone = slices.DeleteFunc(d.Undone, func(key string) bool { return key == keyOf(k.Kind, k.Text) })
	if s := writeAdded(k); !slices.Contains(d.Added, s) {
		d.Added = append(d.Added, s)
	}
	d.Words = ""
	return nil
}

func (s *Server) preparePage(w http.ResponseWriter, v *visit, c *member.Case, d draft, notice string, problems ...page.Problem) error {
	l, r := v.lang, c.Redactor()
	p := preparePage{Page: s.page(v, l.T("desk.prepare.title")), draft: d, Base: l.Path("/kasus/" + string(d.Case)), ClassName: l.T("class." + string(c.Class))}
	p.Page.Class = "wide"
	p.Problems, p.Notice = problems, notice
	p.Member = v.session.member.Member()
	if _, err := member.ParseOnce(p.Once); err != nil {
		p.Once = member.NewOnce().String()
	}
	p.Reason = sentBack(c)
	p.Out = maskIn(r, d.Heading, d.Text, d.added(), d.Undone)
	_, original := c.Proposal()
	left := c.Reports()
	if original == d.Text {
		p.Original = p.Out.Text
	} else {
		p.Original = maskIn(r, "", original, d.added(), d.Undone).Text
	}
	p.Masks = p.Out.Masks
	if n := len(p.Masks); n > shownMasks {
		p.Masks, p.More = p.Masks[:shownMasks], n-shownMasks
	}
	for _, m := range p.Out.Masks {
		if !m.Undone {
			p.Undoing++
		}
	}
	// What was taken back stays so, though it isn't listed, or isn't in the text just now.
	for _, key := range d.Undone {
		if !slices.ContainsFunc(p.Masks, func(m *mask) bool { return m.Undone && m.Key == key }) && !slices.Contains(p.Hidden, key) && len(key) == 16 {
			p.Hidden = append(p.Hidden, key)
		}
	}
	title, text := out(p.Out.Title), out(p.Out.Text)
	p.Length = utf8.RuneCountInString(text)
	for _, m := range personal(r, title, text, false) {
		if slices.ContainsFunc(p.Out.Masks, func(x *mask) bool { return x.Undone && strings.EqualFold(x.Text, m.Text) }) {
			continue
		}
		if len(p.Left) == shownLeft {
			p.LeftMore++
			continue
		}
		x := leftover{mask: m}
		if k, ok := readAdded(string(m.Kind) + " " + m.Text); ok {
			x.Value = writeAdded(k)
		}
		p.Left = append(p.Left, x)
	}
	for _, k := range maskKinds() {
		p.Kinds = append(p.Kinds, choice{Value: string(k), Text: l.T("redact.kind."+string(k)) + " " + k.Mark(), On: k == d.Mark})
	}
	for _, x := range left {
		for _, q := range []line{{"siapa", x.Who}, {"mana", x.Where}, {"kapan", x.When}, {"rugi", x.Loss}, {"saksi", x.Others}, {"sudah", x.Already}} {
			if q.Value != "" {
				p.Answers = append(p.Answers, line{l.T("desk.question." + q.Name), q.Value})
			}
		}
	}
	return s.pages.Write(w, l, "prepare", p)
}

// sendable returns what will be sent, and what is to be put right before.
func (d *draft) sendable(l *lang.Language, r *redact.Redactor) (title, text string, problems []page.Problem) {
	m := maskIn(r, d.Heading, d.Text, d.added(), d.Undone)
	title, text = out(m.Title), out(m.Text)
	switch {
	case title == "":
		problems = append(problems, page.Problem{Field: "judul", Text: l.T("desk.prepare.notitle")})
	case utf8.RuneCountInString(title) > maxTitle:
		problems = append(problems, page.Problem{Field: "judul", Text: l.T("desk.prepare.longtitle", "N", maxTitle)})
	}
	switch {
	case strings.TrimSpace(text) == "":
		problems = append(problems, page.Problem{Field: "teks", Text: l.T("desk.prepare.notext")})
	case len(text) > report.MaxText:
		problems = append(problems, page.Problem{Field: "teks", Text: l.T("desk.prepare.long", "N", report.MaxText)})
	}
	return title, text, problems
}

type preparedPage struct {
	page.Page
	draft
	Base               string
	OutTitle, Out      string
	ClassName, Subject string
	Left               []*mask
	LeftMore           int
}

// checkPrepared shows the very text that an approver will get.
func (s *Server) checkPrepared(w http.ResponseWriter, v *visit) error {
	c, err := v.session.member.Recall(v.Context(), v.of)
	if err != nil {
		return err
	}
	if key := unfit(c); key != "" {
		return s.unfitPage(w, v, key)
	}
	d := readDraft(v, forwarding)
	return s.preparedPage(w, v, c, d)
}

func (s *Server) preparedPage(w http.ResponseWriter, v *visit, c *member.Case, d draft, problems ...page.Problem) error {
	l, r := v.lang, c.Redactor()
	if strings.TrimSpace(d.Words) != "" { // typed, and not masked yet
		if wrong := d.add(l, r); len(wrong) > 0 {
			return s.preparePage(w, v, c, d, "", wrong...)
		}
	}
	title, text, wrong := d.sendable(l, r)
	if len(wrong) > 0 {
		return s.preparePage(w, v, c, d, "", wrong...)
	}
	p := preparedPage{Page: s.page(v, l.T("desk.prepare.check")), draft: d, Base: l.Path("/kasus/" + string(d.Case)), OutTitle: title, Out: text}
	p.Problems = problems
	p.Member = v.session.member.Member()
	p.ClassName, p.Subject = l.T("class."+string(c.Class)), l.T("desk.line.unsaid")
	if c.Category != "" {
		p.Subject = l.T("category." + string(report.ParseCategory(string(c.Category))))
	}
	if _, err := member.ParseOnce(p.Once); err != nil {
		p.Once = member.NewOnce().String()
	}
	p.Left, p.LeftMore = few(personal(r, title, text, true))
	return s.pages.Write(w, l, "prepared", p)
}

// few are the first of what may be personal, and how many there are besides.
func few(all []*mask) ([]*mask, int) {
	if n := len(all); n > shownLeft {
		return all[:shownLeft], n - shownLeft
	}
	return all, 0
}

// savePrepared hands the text in for approval. Whatever fails, what was done to
// it comes back.
func (s *Server) savePrepared(w http.ResponseWriter, v *visit) error {
	c, err := v.session.member.Recall(v.Context(), v.of)
	if err != nil {
		return err
	}
	if key := unfit(c); key != "" {
		return s.unfitPage(w, v, key)
	}
	d := readDraft(v, forwarding)
	title, text, wrong := d.sendable(v.lang, c.Redactor())
	if len(wrong) > 0 {
		return s.preparePage(w, v, c, d, "", wrong...)
	}
	once, err := member.ParseOnce(d.Once)
	if err != nil {
		return s.preparePage(w, v, c, d, "", page.Problem{Text: v.lang.T("desk.write.again")})
	}
	err = v.session.member.Prepare(v.Context(), v.of, once, title, text)
	for _, x := range []struct {
		err error
		key string
	}{
		{wire.ErrUnreachable, "desk.prepare.unsaved"},
		{wire.ErrVault, "desk.prepare.unsaved"},
		{membersock.ErrState, "desk.prepare.underway"},
		{member.ErrLong, "desk.prepare.toolong"},
		{member.ErrKeep, "desk.unfit.keep.text"},
		{member.ErrClass, "desk.unfit.oversight.text"},
	} {
		if errors.Is(err, x.err) {
			return s.preparedPage(w, v, c, d, page.Problem{Text: v.lang.T(x.key)})
		}
	}
	if err != nil {
		return err
	}
	return s.to(w, v, "/kasus/"+string(v.of)+"?ok="+string(forwarding))
}

// unfit says why nothing of a case may be forwarded: the key of the words, or
// "" if it may.
func unfit(c *member.Case) string {
	switch {
	case c.Keep:
		return "desk.unfit.keep"
	case c.Class == "":
		return "desk.unfit.class"
	case !c.Class.Forwardable():
		return "desk.unfit.oversight"
	}
	return ""
}

// unfitPage says why there is nothing to prepare, and where to go on.
func (s *Server) unfitPage(w http.ResponseWriter, v *visit, key string) error {
	l := v.lang
	p := messagePage{Page: s.page(v, l.T(key+".title")), Box: "warn", Paragraphs: []string{l.T(key + ".text")}}
	p.Status = http.StatusConflict
	p.Next = &page.Link{Href: l.Path("/kasus/" + string(v.of)), Text: l.T("desk.back.case")}
	if key == "desk.unfit.class" {
		p.Next = &page.Link{Href: l.Path("/kasus/" + string(v.of) + "/triase"), Text: l.T("desk.triage.link")}
	}
	return s.pages.Write(w, l, "message", p)
}
