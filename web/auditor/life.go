package auditor

import (
	"net/http"
	"net/url"
	"strings"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/internal/check"
	"suluh.example/suluh/internal/lang"
	"suluh.example/suluh/web/page"
)

// lifePage is a case from its deposit to its last record, without content.
type lifePage struct {
	page.Page
	Summary string
	Steps   []step
	More    string // where the rest is, if the life is long
	Who     []person
	Unusual []found
}

type step struct{ Number, Record, When, Text string }

type person struct{ Name, Text string }

// mostSteps is how many steps a page tells.
const mostSteps = 100

func (s *Server) life(w http.ResponseWriter, r *request) error {
	log, err := s.verified(w, r)
	if log == nil {
		return err
	}
	l := r.l
	of, err := id.ParseCase(strings.TrimPrefix(r.path, "/kasus/"))
	if err != nil {
		return s.notice(w, r, http.StatusNotFound, "auditor.nocase")
	}
	p := lifePage{Page: s.page(r, l.T("auditor.life.title", "Case", string(of)))}
	p.Class, p.Cache = "wide", page.NoCache
	var first, last check.Entry
	n := 0
	opened, state := map[id.Member]int{}, map[id.Member]string{}
	var order []id.Member
	touch := func(m id.Member) {
		if _, ok := opened[m]; !ok {
			opened[m] = 0
			order = append(order, m)
		}
	}
	for e := range log.Entries.Select(check.Filter{Case: of}) {
		if n == 0 {
			first = e
		}
		n++
		last = e
		if e.Member != "" {
			touch(e.Member)
			opened[e.Member]++
		}
		if e.To != "" {
			touch(e.To)
		}
		switch e.Action {
		case "grant":
			state[e.To] = "granted"
		case "revoke":
			state[e.To] = "revoked"
		case "refer":
			s.referred(log, e, touch, state)
		}
		if n <= mostSteps {
			p.Steps = append(p.Steps, step{Number: l.Number(e.Seq), Record: s.recordPath(l, e.Seq), When: s.when(l, log, e), Text: s.sentence(l, log, e)})
		}
	}
	if n == 0 {
		return s.notice(w, r, http.StatusNotFound, "auditor.nocase")
	}
	if n > mostSteps {
		p.More = l.Path("/cari") + "?" + url.Values{"kasus": {string(of)}}.Encode()
	}
	p.Summary = l.T("auditor.life.summary", "First", s.when(l, log, first), "Last", s.when(l, log, last), "N", n)
	for _, m := range order {
		text := l.T("auditor.life.did", "N", opened[m])
		if x := state[m]; x != "" {
			text += " " + l.T("auditor.life."+x)
		}
		p.Who = append(p.Who, person{s.who(log, m), text})
	}
	for _, f := range s.watch.unusual() {
		if f.Case == of {
			p.Unusual = append(p.Unusual, s.found(l, log, f))
		}
	}
	return s.pages.Write(w, l, "life", p)
}

// referred follows who has access after a case went to another unit.
func (s *Server) referred(log *check.Result, e check.Entry, touch func(id.Member), state map[id.Member]string) {
	words := strings.Fields(e.Detail)
	if len(words) < 2 {
		return
	}
	if words[1] == "ends" {
		for m := range state {
			state[m] = "revoked"
		}
		if r := log.RosterAt(e.Seq); r != nil {
			for _, m := range r.Members {
				if string(m.Unit) != words[0] {
					state[m.ID] = "revoked"
				}
			}
		}
	}
	for _, m := range words[2:] {
		if m := id.Member(m); !m.IsRecovery() {
			touch(m)
			state[m] = "granted"
		}
	}
}

// sentence is a record in a sentence or two.
func (s *Server) sentence(l *lang.Language, log *check.Result, e check.Entry) string {
	words := strings.Fields(e.Detail)
	unit := ""
	if e.Action == "refer" && len(words) > 0 {
		unit = words[0]
		if u, ok := log.Roster.Unit(id.Unit(unit)); ok {
			unit = u.Named(l.Code())
		}
	}
	text := l.T("auditor.sentence."+e.Action, "Who", log.NameOf(e.Member), "Case", string(e.Case), "To", log.NameOf(e.To), "When", s.when(l, log, e), "Unit", unit)
	switch {
	case e.Action == "refer" && len(words) > 1 && words[1] == "ends":
		text += " " + l.T("auditor.sentence.ends")
	case l.Has("auditor.result." + e.Detail):
		text += " " + l.T("auditor.result."+e.Detail)
	}
	return text
}
