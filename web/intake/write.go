package intake

import (
	"net/http"

	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/vault/depositsock"
	"suluh.example/suluh/web/page"
)

// writePage is the form.
type writePage struct {
	page.Page
	Device     *device
	Once       string
	Units      []choice
	Alone      string // why there is no other unit
	Officers   []officers
	Left       bool // somebody is left out
	Keep       bool // the box is ticked
	AsIs       []hidden
	Parts      [3][]field
	Categories []choice
	Switch     []page.Link
}

// write is the empty form. The vault is asked first, so that nobody writes in
// vain.
func (s *Server) write(w http.ResponseWriter, r *request) error {
	sender, state, err := s.readers.ask(r.Context())
	if err != nil {
		return err
	}
	if !state.Open || sender == nil || len(choices(r.l, sender.Roster(), "")) == 0 { // nobody could read it
		return depositsock.ErrFull
	}
	p := s.writePage(r, sender.Roster(), typed{})
	p.Cache = page.NoCache
	return s.pages.Write(w, r.l, "tulis", p)
}

// rewrite is the form again with what was typed.
func (s *Server) rewrite(w http.ResponseWriter, r *request) error {
	b, err := s.texts(w, r)
	if err != nil {
		return err
	}
	t := typedFrom(b)
	sender, _, err := s.readers.ask(r.Context())
	if sender == nil {
		return s.closedOr(w, r, t, t.fields(), err)
	}
	return s.pages.Write(w, r.l, "tulis", s.writePage(r, sender.Roster(), t))
}

func (s *Server) writePage(r *request, ro *roster.Roster, t typed, problems ...page.Problem) writePage {
	l := r.l
	p := writePage{
		Page: s.script(s.plain(r, l.T("intake.write.title"))), Device: s.device(), Once: t.once, Units: choices(l, ro, t.unit),
		Officers: allOfficers(l, ro, t.without), Left: len(t.without) > 0, Keep: t.report.Keep, AsIs: asIsFields(t.asIs),
		Switch: s.others(r, "/lapor/tulis"),
	}
	if p.Problems = problems; len(problems) > 0 {
		p.Status = http.StatusUnprocessableEntity
	}
	if len(p.Units) == 0 || p.Units[len(p.Units)-1].Value != unsure {
		p.Alone = l.T("intake.unit.alone", "Own", ro.Units[0].Named(l.Code()))
	}
	for i, part := range report.Questions() {
		for _, q := range part {
			label := "intake.field." + q.Name
			f := field{Name: q.Name, Label: l.T(label), Value: *q.Of(&t.report), Problem: p.At(q.Name), Rows: rows(q.Name)}
			if l.Has(label + ".hint") {
				f.Hint = l.T(label + ".hint")
			}
			p.Parts[i] = append(p.Parts[i], f)
		}
	}
	for _, c := range append(report.Categories(), unknown) {
		p.Categories = append(p.Categories, choice{
			ID: "jenis-" + string(c), Value: string(c), Text: l.T("category." + string(c)), Checked: t.kind == string(c),
		})
	}
	return p
}
