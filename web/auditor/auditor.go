// Package auditor publishes an access log and shows it to people: the files
// that any tlog-tiles client verifies, and pages that say whether the log can
// be trusted and, to auditors, who did what to which case, and when.
//
// Everybody may read the checkpoint, hash tiles, rosters and the verdict.
// Entry bundles, searches and records are for auditors, who have a token, or
// for everybody where the configuration says so. The package reads the log as
// anybody outside could, and verifies before it shows; it must never write,
// nor show of a record more than member, action, case and time.
//
//	GET  /checkpoint, /log.vkey, /tile/…, /rosters/…   the log (C2SP tlog-tiles)
//	GET  /                   the verdict
//	GET  /akses              who accessed how many cases in a period
//	GET  /kasus/<case>       the life of a case, without content
//	GET  /kejanggalan        what is unusual, by the rules of internal/anomaly
//	GET  /laporan            a report of a period, to print or to keep
//	GET  /cari, /cari.csv, /cari.jsonl    search, and its result to download
//	GET  /catatan/<record>   one record
//	GET  /catatan.zip        the whole log, as suluh audit export makes it
//	GET  /bukti.json         evidence, where the log failed
//	GET  /periksa            how to verify from outside
//	GET  /peramban/audit.js  the script by which a browser checks the verdict again
//	GET, POST /masuk         takes the token
//	POST /keluar             forgets it
//
// and the pages below /en/ and the like, too.
package auditor

import (
	"context"
	"embed"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"suluh.example/suluh/crypto/hidden"
	"suluh.example/suluh/internal/anomaly"
	"suluh.example/suluh/internal/check"
	"suluh.example/suluh/internal/lang"
	"suluh.example/suluh/internal/serve"
	"suluh.example/suluh/web/browser"
	"suluh.example/suluh/web/page"
)

//go:embed templates/*.html
var templates embed.FS

// Config says what is served to whom. The zero value of a field is its default.
type Config struct {
	Files       check.Files          // of the log; required
	Key         string               // the log's verifier key; required
	OpenEntries bool                 // entries are for everybody who asks by one of these names:
	Address     string               // that it listens on, host:port
	Hosts       []string             // names by which browsers reach it, besides its address and localhost
	Token       hidden.Value[string] // of auditors; without one, and not open, entries are for nobody
	Rules       *anomaly.Rules       // of what is unusual; default: those that are built in
	State       string               // file that keeps what was verified, to go on from after a restart; default: none
	Log         *slog.Logger         // default: discards
	Now         func() time.Time     // default: time.Now
}

// minToken is the fewest characters of a token: nobody shall guess one.
const minToken = 20

// Server is the pages and files. It is safe for concurrent use.
type Server struct {
	config   Config
	key      note.Verifier
	lang     *lang.Catalogue
	pages    *page.Set
	watch    *watch
	sessions sessions
	tallies  tallies
	routes   map[string]route
	handler  http.Handler
}

// request is one of somebody's.
type request struct {
	*http.Request
	l       *lang.Language
	path    string // without the language
	auditor bool
}

type handler func(http.ResponseWriter, *request) error

type route struct{ get, post handler }

// New parses everything that pages need. It doesn't read the log yet.
func New(c Config) (*Server, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if n := len(c.Token.Reveal()); n > 0 && n < minToken {
		return nil, errors.New("the auditors' token has fewer than 20 characters, and could be guessed")
	}
	if c.Rules == nil {
		rules, err := anomaly.Parse(anomaly.Default)
		if err != nil {
			return nil, err
		}
		c.Rules = rules
	}
	key, err := note.NewVerifier(c.Key)
	if err != nil {
		return nil, errors.New("the log's key is malformed")
	}
	s := &Server{config: c, key: key, watch: newWatch(key, c)}
	s.watch.warm = func(r *check.Result) {
		from, to := usual(r)
		s.tallies.of(r, from, to)
	}
	if s.lang, err = lang.Load(); err != nil {
		return nil, err
	}
	if s.pages, err = page.Parse(s.lang, page.Config{Templates: templates, Frame: func(l *lang.Language) page.Page { return s.frame(l, "", false) }}); err != nil {
		return nil, err
	}
	s.routes = map[string]route{
		"/":            {get: s.verdict},
		"/akses":       {get: s.access},
		"/kejanggalan": {get: s.unusual},
		"/laporan":     {get: s.report},
		"/cari":        {get: s.search},
		"/cari.csv":    {get: s.download},
		"/cari.jsonl":  {get: s.downloadLines},
		"/catatan.zip": {get: s.archive},
		"/bukti.json":  {get: s.evidence},
		"/periksa":     {get: s.how},

		browser.AuditPath: {get: s.script},

		"/masuk":  {get: s.askToken, post: s.takeToken},
		"/keluar": {get: s.home, post: s.leave},
	}
	foreign := http.NewCrossOriginProtection()
	foreign.SetDenyHandler(s.handle(func(w http.ResponseWriter, r *request) error {
		return s.notice(w, r, http.StatusForbidden, "auditor.foreign")
	}))
	s.handler = s.pages.Secure(foreign.Handler(s.handle(s.route)))
	if c.OpenEntries {
		names, err := serve.NamesOf(c.Address, c.Hosts)
		if err != nil {
			return nil, err
		}
		s.handler = s.pages.Secure(s.own(names, foreign.Handler(s.handle(s.route))))
	}
	return s, nil
}

// own refuses other names than those. Whoever may reach this address may read what it
// serves, but no page of somebody else's that his browser has open (DNS rebinding). An
// auditor's token doesn't go along to such a name, so that without open entries there
// is nothing to refuse.
func (s *Server) own(names serve.Names, next http.Handler) http.Handler {
	refuse := s.handle(func(w http.ResponseWriter, r *request) error {
		return s.notice(w, r, http.StatusMisdirectedRequest, "auditor.host")
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if names.Has(r) {
			next.ServeHTTP(w, r)
			return
		}
		refuse.ServeHTTP(w, r)
	})
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Run keeps the verification up to date until the context ends.
func (s *Server) Run(ctx context.Context) error { return s.watch.run(ctx) }

func (s *Server) route(w http.ResponseWriter, r *request) error {
	if isFile(r.URL.Path) {
		return s.file(w, r)
	}
	at, ok := s.routes[r.path]
	if strings.HasPrefix(r.path, "/catatan/") {
		at, ok = route{get: s.record}, true
	}
	if strings.HasPrefix(r.path, "/kasus/") {
		at, ok = route{get: s.life}, true
	}
	switch read := r.Method == http.MethodGet || r.Method == http.MethodHead; {
	case ok && read:
		return at.get(w, r)
	case ok && r.Method == http.MethodPost && at.post != nil:
		return at.post(w, r)
	case ok:
		w.Header().Set("Allow", "GET, HEAD")
		return s.notice(w, r, http.StatusMethodNotAllowed, "auditor.method")
	}
	return s.notice(w, r, http.StatusNotFound, "error.missing")
}

// handle turns what went wrong into a page.
func (s *Server) handle(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rq := &request{Request: r, auditor: s.isAuditor(r)}
		rq.l, rq.path = s.lang.FromPath(r.URL.Path)
		err := h(w, rq)
		if err == nil {
			return
		}
		if r.Context().Err() != nil {
			panic(http.ErrAbortHandler) // nobody is there to read an answer
		}
		s.config.Log.Error("a request failed inside")
		s.pages.Fail(w, rq.l)
	})
}

// frame is the header and footer of all pages.
func (s *Server) frame(l *lang.Language, at string, auditor bool) page.Page {
	p := page.Page{Home: page.Link{Href: l.Path("/"), Text: l.T("auditor.name")}}
	for _, to := range []struct{ path, key string }{
		{"/", "auditor.nav.verdict"},
		{"/akses", "auditor.nav.access"},
		{"/kejanggalan", "auditor.nav.unusual"},
		{"/cari", "auditor.nav.search"},
		{"/laporan", "auditor.nav.report"},
		{"/periksa", "auditor.nav.how"},
		{"/masuk", "auditor.nav.token"},
	} {
		if to.path == "/masuk" && (auditor || s.config.Token.Reveal() == "") {
			continue
		}
		p.Nav = append(p.Nav, page.Link{Href: l.Path(to.path), Text: l.T(to.key), Current: at == to.path})
	}
	if auditor && !s.config.OpenEntries {
		p.Lock = &page.Link{Href: l.Path("/keluar"), Text: l.T("auditor.leave")}
	}
	if s.lang != nil && at != "" {
		for _, other := range s.lang.Languages() {
			if other != l {
				p.Languages = append(p.Languages, page.Link{Href: other.Path(at), Text: other.T("language.name"), Lang: other.Code()})
			}
		}
	}
	p.Footer = []page.Link{{Href: l.Path("/periksa"), Text: l.T("auditor.help")}}
	return p
}

// page is the frame of the page that a request asks for.
func (s *Server) page(r *request, title string) page.Page {
	p := s.frame(r.l, r.path, r.auditor)
	p.Title = title
	for i := range p.Languages {
		if r.URL.RawQuery != "" {
			p.Languages[i].Href += "?" + r.URL.RawQuery
		}
	}
	return p
}

type noticePage struct {
	page.Page
	Text string
}

// notice is a page that says one thing: KEY.title and KEY.text.
func (s *Server) notice(w http.ResponseWriter, r *request, status int, key string) error {
	p := noticePage{s.page(r, r.l.T(key+".title")), r.l.T(key + ".text")}
	p.Status, p.Languages = status, nil
	return s.pages.Write(w, r.l, "notice", p)
}

func (s *Server) home(w http.ResponseWriter, r *request) error {
	http.Redirect(w, r.Request, r.l.Path("/"), http.StatusSeeOther)
	return nil
}
