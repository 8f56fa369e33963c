package desk

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strings"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/lang"
	"suluh.example/suluh/internal/member"
	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/vault/wire"
	"suluh.example/suluh/web/page"
)

// unitName is what a unit is called.
func unitName(l *lang.Language, ro *roster.Roster, u id.Unit) string {
	x, _ := ro.Unit(u)
	return cmp.Or(x.Named(l.Code()), string(u))
}

// triaged is what was chosen on the triage page, as its form carries it.
type triaged struct {
	Chosen   report.Class
	Category string // of the form: "-" leaves it
	Heading  string
	SameAs   id.Case
	Once     string
}

type triagePage struct {
	page.Page
	triaged
	Base       string
	Classes    []choice
	Categories []choice
	Cases      []choice
	Copies     []row // cases that are duplicates of this one, which can be one of none then
	Competent  string
	Split      bool // its list shows no title
	Refer      bool // it handles another unit
}

// triage is the page on which it is decided what a case is.
func (s *Server) triage(w http.ResponseWriter, v *visit) error {
	c, err := v.session.member.Recall(v.Context(), v.of)
	if err != nil {
		return err
	}
	return s.triagePage(w, v, c, triaged{Chosen: c.Class, Category: string(c.Category), Heading: c.Title, SameAs: c.SameAs})
}

func (s *Server) triagePage(w http.ResponseWriter, v *visit, c *member.Case, t triaged, problems ...page.Problem) error {
	l, ro := v.lang, v.session.member.Roster()
	items, err := v.session.list(v.Context())
	if err != nil {
		return err
	}
	p := triagePage{Page: s.page(v, l.T("desk.triage.title")), triaged: t, Base: l.Path("/kasus/" + string(v.of)), Split: c.Split.Need > 0}
	p.Problems = problems
	if _, err := member.ParseOnce(p.Once); err != nil {
		p.Once = member.NewOnce().String()
	}
	for _, x := range report.Classes() {
		p.Classes = append(p.Classes, choice{Value: string(x), Text: l.T("class." + string(x)), Hint: l.T("desk.triage.class." + string(x)), On: x == t.Chosen})
	}
	p.Categories = []choice{{Value: "", Text: l.T("desk.line.unsaid"), On: t.Category == ""}}
	for _, x := range report.Categories() {
		p.Categories = append(p.Categories, choice{Value: string(x), Text: l.T("category." + string(x)), On: string(x) == t.Category})
	}
	for _, i := range member.Duplicates(items, v.of) {
		p.Copies = append(p.Copies, row{Href: l.Path("/kasus/" + string(i.Case)), Title: title(l, i)})
	}
	p.Cases = []choice{{Text: l.T("desk.triage.same.none")}}
	sortItems(items, "judul", false)
	for _, i := range items {
		if i.Case == v.of || i.Err != nil || i.SameAs != "" && i.Case != t.SameAs {
			continue
		}
		p.Cases = append(p.Cases, choice{Value: string(i.Case), Text: l.T("desk.triage.case", "Title", title(l, i), "Day", i.Day, "Case", string(i.Case)), On: i.Case == t.SameAs})
	}
	var names []string
	for _, u := range c.Competent(ro) {
		names = append(names, unitName(l, ro, u))
		p.Refer = p.Refer || u != c.Handling
	}
	p.Competent = strings.Join(names, "; ")
	return s.pages.Write(w, l, "triage", p)
}

// saveTriage hands in what was decided.
func (s *Server) saveTriage(w http.ResponseWriter, v *visit) error {
	l, f := v.lang, v.PostForm
	c, err := v.session.member.Recall(v.Context(), v.of)
	if err != nil {
		return err
	}
	t := triaged{Category: f.Get("jenis"), Heading: strings.TrimSpace(oneLine(member.Readable(f.Get("judul")))), Once: f.Get("sekali")}
	if t.SameAs, err = id.ParseCase(f.Get("sama")); err != nil {
		t.SameAs = ""
	}
	if t.Chosen, err = report.ParseClass(f.Get("golongan")); err != nil {
		t.Chosen = ""
		return s.triagePage(w, v, c, t, page.Problem{Field: "golongan", Text: l.T("desk.triage.missing")})
	}
	if len([]rune(t.Heading)) > maxTitle {
		return s.triagePage(w, v, c, t, page.Problem{Field: "judul", Text: l.T("desk.prepare.longtitle", "N", maxTitle)})
	}
	once, err := member.ParseOnce(t.Once)
	if err != nil {
		return s.triagePage(w, v, c, t, page.Problem{Text: l.T("desk.write.again")})
	}
	err = v.session.member.Triage(v.Context(), v.of, once, member.Triage{
		Class: t.Chosen, Category: report.ParseCategory(t.Category), Title: t.Heading, SameAs: t.SameAs,
	})
	for _, x := range []struct {
		err        error
		field, key string
	}{
		{member.ErrSame, "sama", "desk.triage.same.wrong"},
		{member.ErrHead, "sama", "desk.triage.same.head"},
		{member.ErrPending, "golongan", "desk.triage.pending"},
		{wire.ErrUnreachable, "", "desk.triage.unsaved"},
		{wire.ErrVault, "", "desk.triage.unsaved"},
	} {
		if errors.Is(err, x.err) {
			return s.triagePage(w, v, c, t, page.Problem{Field: x.field, Text: l.T(x.key)})
		}
	}
	if err != nil {
		return err
	}
	v.session.forget()
	return s.to(w, v, "/kasus/"+string(v.of)+"?ok=triase")
}

type referPage struct {
	page.Page
	Base      string
	Units     []choice
	Barred    []choice // units that can't be chosen, and why
	Handling  string
	Ends      string // "tetap", "berakhir" or ""
	Suggested bool
}

// refer is the page on which a case is given to another unit.
func (s *Server) refer(w http.ResponseWriter, v *visit) error { return s.referPage(w, v, "", "") }

func (s *Server) referPage(w http.ResponseWriter, v *visit, to id.Unit, ends string, problems ...page.Problem) error {
	c, err := v.session.member.Recall(v.Context(), v.of)
	if err != nil {
		return err
	}
	l, ro := v.lang, v.session.member.Roster()
	p := referPage{Page: s.page(v, l.T("desk.refer.title")), Base: l.Path("/kasus/" + string(v.of)), Handling: unitName(l, ro, c.Handling), Ends: ends}
	p.Problems = problems
	competent := c.Competent(ro)
	for _, u := range ro.Units {
		x := choice{Value: string(u.ID), Text: unitName(l, ro, u.ID), On: u.ID == to}
		switch {
		case u.ID == c.Handling:
			continue
		case len(c.Referred(ro, u.ID)) == 0:
			x.Hint = l.T("desk.refer.nobody")
			p.Barred = append(p.Barred, x)
			continue
		case slices.Contains(competent, u.ID):
			x.Hint, p.Suggested = l.T("desk.refer.suggested"), true
		}
		p.Units = append(p.Units, x)
	}
	return s.pages.Write(w, l, "refer", p)
}

// referral reads which unit was chosen, or says what is missing.
func (s *Server) referral(v *visit) (to id.Unit, ends string, problems []page.Problem) {
	ro := v.session.member.Roster()
	to, err := id.ParseUnit(v.PostForm.Get("unit"))
	if _, ok := ro.Unit(to); err != nil || !ok {
		to = ""
		problems = append(problems, page.Problem{Field: "unit", Text: v.lang.T("desk.refer.missing")})
	}
	if ends = v.PostForm.Get("akses"); ends != "tetap" && ends != "berakhir" {
		ends = ""
		problems = append(problems, page.Problem{Field: "akses", Text: v.lang.T("desk.refer.ends.missing")})
	}
	return to, ends, problems
}

type referralPage struct {
	page.Page
	Base, Unit, UnitName, Ends string
	Will, Lose, Barred         []string
	Self                       bool // the member loses his own access
}

// checkRefer says who will read a case and who will not any more.
func (s *Server) checkRefer(w http.ResponseWriter, v *visit) error {
	to, ends, problems := s.referral(v)
	if len(problems) > 0 {
		return s.referPage(w, v, to, ends, problems...)
	}
	c, err := v.session.member.Open(v.Context(), v.of) // its readers may be others by now
	if err != nil {
		return err
	}
	l, ro, me := v.lang, v.session.member.Roster(), v.session.member.Member()
	p := referralPage{Page: s.page(v, l.T("desk.refer.check")), Base: l.Path("/kasus/" + string(v.of)), Unit: string(to), UnitName: unitName(l, ro, to), Ends: ends}
	given := c.Referred(ro, to)
	for _, m := range given {
		p.Will = append(p.Will, m.Name)
	}
	if u, _ := ro.Unit(to); u.Recovery != "" {
		p.Will = append(p.Will, name(l, ro, id.RecoveryOf(to)))
	}
	for _, m := range c.Readers {
		x, _ := ro.Member(m)
		unit, isSheet := m.RecoveryUnit()
		switch of := cmp.Or(unit, x.Unit); {
		case of == to && (isSheet || slices.ContainsFunc(given, func(g roster.Member) bool { return g.ID == m })):
		case ends == "berakhir" && of != to:
			p.Lose = append(p.Lose, name(l, ro, m))
			p.Self = p.Self || m == me
		default:
			p.Will = append(p.Will, name(l, ro, m))
		}
	}
	for _, m := range ro.Readers(to, nil) {
		if !slices.Contains(c.Readers, m.ID) && !slices.ContainsFunc(given, func(g roster.Member) bool { return g.ID == m.ID }) {
			why := "desk.readers.conflict"
			if slices.Contains(c.Without, m.ID) {
				why = "desk.readers.excluded"
			}
			p.Barred = append(p.Barred, m.Name+": "+l.T(why))
		}
	}
	return s.pages.Write(w, l, "referral", p)
}

// sendRefer gives the case to the unit.
func (s *Server) sendRefer(w http.ResponseWriter, v *visit) error {
	to, ends, problems := s.referral(v)
	if len(problems) > 0 {
		return s.referPage(w, v, to, ends, problems...)
	}
	err := v.session.member.Refer(v.Context(), v.of, to, ends == "berakhir")
	for _, x := range []struct {
		err        error
		field, key string
	}{
		{member.ErrNobody, "unit", "desk.refer.nobody"},
		{member.ErrNoUnit, "unit", "desk.refer.missing"},
		{wire.ErrUnreachable, "", "desk.refer.unsent"},
		{wire.ErrVault, "", "desk.refer.unsent"},
	} {
		if errors.Is(err, x.err) {
			return s.referPage(w, v, to, ends, page.Problem{Field: x.field, Text: v.lang.T(x.key)})
		}
	}
	if err != nil {
		return err
	}
	v.session.forget()
	me, _ := v.session.member.Roster().Member(v.session.member.Member())
	if ends == "berakhir" && me.Unit != to {
		return s.to(w, v, "/?ok=rujuk")
	}
	return s.to(w, v, "/kasus/"+string(v.of)+"?ok=rujuk")
}
