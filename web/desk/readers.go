package desk

import (
	"errors"
	"net/http"
	"slices"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/member"
	"suluh.example/suluh/vault/membersock"
	"suluh.example/suluh/web/page"
)

// reader is a member in the list of who may read a case. Field is how the form
// names him; without it, Why says why nothing can be changed.
type reader struct {
	choice
	Why string
}

type readersPage struct {
	page.Page
	Base    string
	Readers []reader
	Changes bool // there is something to change
}

// readersOf lists who may read a case and who may be given access: the members
// of the case's unit, and whoever else has access already.
func (s *Server) readersOf(v *visit, c *member.Case) (all []reader) {
	l, ro, me := v.lang, v.session.member.Roster(), v.session.member.Member()
	for _, m := range ro.Members {
		has := slices.Contains(c.Readers, m.ID)
		if !has && (m.Unit != c.Unit || !m.Has(roster.Reader)) {
			continue
		}
		x := reader{choice: choice{Value: string(m.ID), Text: m.Name, On: has}}
		err := c.MayGrant(ro, m.ID)
		switch {
		case has && m.ID == me:
			x.Why = l.T("desk.readers.self")
		case has && !ro.MayRevoke(me, m.ID):
			x.Why = l.T("desk.readers.keep")
		case has:
		case errors.Is(err, member.ErrExcluded):
			x.Why = l.T("desk.readers.excluded")
		case errors.Is(err, member.ErrConflict):
			x.Why = l.T("desk.readers.conflict")
		}
		all = append(all, x)
	}
	for _, m := range c.Readers {
		if m.IsRecovery() {
			all = append(all, reader{choice: choice{Value: string(m), Text: name(l, ro, m), On: true}, Why: l.T("desk.readers.sheet")})
		}
	}
	return all
}

// readers is the page on which it is chosen who may read.
func (s *Server) readers(w http.ResponseWriter, v *visit) error {
	c, err := v.session.member.Recall(v.Context(), v.of)
	if err != nil {
		return err
	}
	p := readersPage{Page: s.page(v, v.lang.T("desk.readers.title")), Base: v.lang.Path("/kasus/" + string(v.of)), Readers: s.readersOf(v, c)}
	p.Languages = s.languages(v)
	p.Changes = slices.ContainsFunc(p.Readers, func(r reader) bool { return r.Why == "" })
	return s.pages.Write(w, v.lang, "readers", p)
}

// changed compares what was ticked with how it is.
func (s *Server) changed(v *visit, c *member.Case) (give, take []id.Member) {
	for _, r := range s.readersOf(v, c) {
		on := slices.Contains(v.PostForm["pembaca"], r.Value)
		switch {
		case r.Why != "" || on == r.On:
		case on:
			give = append(give, id.Member(r.Value))
		default:
			take = append(take, id.Member(r.Value))
		}
	}
	return give, take
}

type changePage struct {
	page.Page
	Base       string
	Give, Take []choice
}

// checkReaders says what will change before it does.
func (s *Server) checkReaders(w http.ResponseWriter, v *visit) error {
	c, err := v.session.member.Recall(v.Context(), v.of)
	if err != nil {
		return err
	}
	l, ro := v.lang, v.session.member.Roster()
	p := changePage{Page: s.page(v, l.T("desk.readers.check")), Base: l.Path("/kasus/" + string(v.of))}
	give, take := s.changed(v, c)
	for _, m := range give {
		p.Give = append(p.Give, choice{Value: string(m), Text: name(l, ro, m)})
	}
	for _, m := range take {
		p.Take = append(p.Take, choice{Value: string(m), Text: name(l, ro, m)})
	}
	if len(give)+len(take) == 0 {
		return s.to(w, v, "/kasus/"+string(v.of)+"/akses")
	}
	return s.pages.Write(w, l, "change", p)
}

// changeReaders gives and takes access as the check page said: each by name,
// so that what others changed meanwhile isn't undone.
func (s *Server) changeReaders(w http.ResponseWriter, v *visit) error {
	m := v.session.member
	for _, x := range []struct {
		field string
		do    accesslog.Action
	}{{"beri", accesslog.Grant}, {"cabut", accesslog.Revoke}} {
		for _, to := range v.PostForm[x.field] {
			who, err := id.ParseMember(to)
			if err != nil || who == m.Member() {
				return errForm
			}
			if x.do == accesslog.Grant {
				err = m.Grant(v.Context(), v.of, who)
			} else {
				err = m.Revoke(v.Context(), v.of, who)
			}
			if errors.Is(err, member.ErrUnit) || errors.Is(err, member.ErrExcluded) || errors.Is(err, member.ErrConflict) {
				return membersock.ErrRole
			}
			if err != nil {
				return err
			}
		}
	}
	return s.to(w, v, "/kasus/"+string(v.of)+"?ok=akses")
}

type assignPage struct {
	page.Page
	Base    string
	Readers []choice
}

// assignee is the page on which a reader is made responsible.
func (s *Server) assignee(w http.ResponseWriter, v *visit) error { return s.assignPage(w, v) }

func (s *Server) assignPage(w http.ResponseWriter, v *visit, problems ...page.Problem) error {
	c, err := v.session.member.Recall(v.Context(), v.of)
	if err != nil {
		return err
	}
	l, ro := v.lang, v.session.member.Roster()
	p := assignPage{Page: s.page(v, l.T("desk.assign.title")), Base: l.Path("/kasus/" + string(v.of))}
	p.Problems = problems
	for _, m := range c.Readers {
		if ro.Has(m, roster.Reader) {
			p.Readers = append(p.Readers, choice{Value: string(m), Text: name(l, ro, m), On: m == c.Assigned})
		}
	}
	return s.pages.Write(w, l, "assign", p)
}

func (s *Server) assign(w http.ResponseWriter, v *visit) error {
	to, err := id.ParseMember(v.PostForm.Get("penanggung"))
	if err != nil {
		return s.assignPage(w, v, page.Problem{Field: "penanggung", Text: v.lang.T("desk.assign.missing")})
	}
	err = v.session.member.Assign(v.Context(), v.of, to)
	if errors.Is(err, member.ErrReader) || errors.Is(err, membersock.ErrMember) {
		return s.assignPage(w, v, page.Problem{Field: "penanggung", Text: v.lang.T("desk.assign.noreader")})
	}
	if err != nil {
		return err
	}
	return s.to(w, v, "/kasus/"+string(v.of)+"?ok=penanggung")
}

// confirmPage asks before something is done, with a button.
type confirmPage struct {
	page.Page
	Base       string
	Paragraphs []string
	Action     string
	Button     string
}

// conflict asks before a member gives up his own access.
func (s *Server) conflict(w http.ResponseWriter, v *visit) error {
	l := v.lang
	p := confirmPage{Page: s.page(v, l.T("desk.conflict.title")), Base: l.Path("/kasus/" + string(v.of)), Button: l.T("desk.conflict.button")}
	p.Languages = s.languages(v)
	p.Action = p.Base + "/benturan/ya"
	for _, key := range []string{"desk.conflict.text", "desk.conflict.copy", "desk.conflict.others"} {
		p.Paragraphs = append(p.Paragraphs, l.T(key))
	}
	return s.pages.Write(w, l, "confirm", p)
}

func (s *Server) declareConflict(w http.ResponseWriter, v *visit) error {
	if err := v.session.member.Revoke(v.Context(), v.of, v.session.member.Member()); err != nil {
		return err
	}
	return s.to(w, v, "/?ok=benturan")
}
