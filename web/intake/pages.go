package intake

import (
	"errors"
	"net/http"
	"strings"

	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/web/page"
)

type homePage struct {
	page.Page
	Tor   bool
	Onion string // the same as an onion service, if that is known
}

func (s *Server) home(w http.ResponseWriter, r *request) error {
	p := homePage{Page: s.linked(r, r.l.T("intake.home.title")), Tor: overTor(r)}
	if at := s.onion.Load(); at != nil {
		p.Onion = *at
	}
	return s.pages.Write(w, r.l, "home", p)
}

type advicePage struct {
	page.Page
	Weather bool // that is where "leave quickly" leads
}

func (s *Server) advice(w http.ResponseWriter, r *request) error {
	return s.pages.Write(w, r.l, "lapor", advicePage{s.linked(r, r.l.T("intake.advice.title")), s.config.Exit == weather})
}

type helpPage struct {
	page.Page
	Topics   []answer
	Contacts []string
}

func (s *Server) help(w http.ResponseWriter, r *request) error {
	p := helpPage{Page: s.linked(r, r.l.T("intake.help.title")), Contacts: s.contacts(r)}
	for _, topic := range []string{"who", "encrypted", "record", "code", "when", "files", "leave"} {
		p.Topics = append(p.Topics, answer{r.l.T("intake.help." + topic), r.l.T("intake.help." + topic + ".text")})
	}
	return s.pages.Write(w, r.l, "bantuan", p)
}

func (s *Server) lost(w http.ResponseWriter, r *request) error {
	return s.pages.Write(w, r.l, "hilang", s.linked(r, r.l.T("intake.lost.title")))
}

// contacts are the other ways in: of the units as far as the roster has them,
// and those that anyone has.
func (s *Server) contacts(r *request) (all []string) {
	// Without a vault there may still be a roster of before.
	if sender, _, _ := s.readers.ask(r.Context()); sender != nil {
		for _, u := range sender.Roster().Units {
			c := u.Contact[r.l.Code()]
			if c == "" {
				c = u.Contact["id"]
			}
			if c != "" {
				all = append(all, r.l.T("intake.contact.unit", "Unit", u.Named(r.l.Code()), "Contact", c))
			}
		}
	}
	return append(all, r.l.T("intake.contact.kpk"), r.l.T("intake.contact.lpsk"))
}

// noticePage says one thing and where to go on.
type noticePage struct {
	page.Page
	Text string
}

// notice writes a page of the messages KEY.title and KEY.text.
func (s *Server) notice(w http.ResponseWriter, r *request, status int, key string) error {
	p := noticePage{s.linked(r, r.l.T(key+".title")), r.l.T(key+".text", "Size", r.l.Bytes(report.MaxText))}
	p.Status = status
	if _, ok := s.routes[r.path]; !ok {
		p.Languages = s.others(r, "/") // there is nothing at this address in any language
	}
	return s.pages.Write(w, r.l, "kabar", p)
}

func (s *Server) missing(w http.ResponseWriter, r *request) error {
	p := noticePage{s.plain(r, r.l.T("error.missing.title")), r.l.T("intake.missing.text")}
	p.Status, p.Languages = http.StatusNotFound, s.others(r, "/")
	return s.pages.Write(w, r.l, "kabar", p)
}

// direct answers who opens an address that only a form leads to: a bookmark,
// or a page loaded anew.
func (s *Server) direct(w http.ResponseWriter, r *request, at route) error {
	var allow []string
	if at.get != nil {
		allow = append(allow, http.MethodGet, http.MethodHead)
	}
	if at.post != nil {
		allow = append(allow, http.MethodPost)
	}
	w.Header().Set("Allow", strings.Join(allow, ", "))
	return s.notice(w, r, http.StatusMethodNotAllowed, "intake.direct")
}

// foreign answers a form that another site has sent.
func (s *Server) foreign(w http.ResponseWriter, r *request) error {
	return s.notice(w, r, http.StatusForbidden, "intake.foreign")
}

// closedPage is for when the vault is away or takes nothing.
type closedPage struct {
	page.Page
	Typed    []answer // what was typed, to be copied
	Hidden   []hidden // and carried on
	Again    string   // address that the same is sent to again
	Contacts []string
	Switch   []page.Link
}

// closed says that the service is closed. What was typed is shown and kept.
func (s *Server) closed(w http.ResponseWriter, r *request, t typed, fields []hidden) error {
	p := closedPage{Page: s.plain(r, r.l.T("intake.closed.title")), Hidden: fields, Contacts: s.contacts(r)}
	if r.Method == http.MethodPost {
		p.Again, p.Switch = r.URL.Path, s.others(r, r.path)
		for _, a := range t.answers(r.l) {
			if a.Text != "" {
				p.Typed = append(p.Typed, a)
			}
		}
	} else {
		p.Languages = s.others(r, r.path)
	}
	p.Status = http.StatusServiceUnavailable
	w.Header().Set("Retry-After", "3600")
	return s.pages.Write(w, r.l, "tutup", p)
}

// closedOr shows that the service is closed, if that is what the error says.
// No error means that there is no roster yet, which is the same to reporters.
func (s *Server) closedOr(w http.ResponseWriter, r *request, t typed, fields []hidden, err error) error {
	var b *busy
	switch {
	case errors.As(err, &b):
		return s.wait(w, r, fields, false, b.wait)
	case err == nil || isClosed(err):
		return s.closed(w, r, t, fields)
	}
	return err
}
