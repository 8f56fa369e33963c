// Package intake is the reporter's pages: advice, the form, the code, status
// and replies, without cookie, account or session, and without need for
// JavaScript.
//
// What somebody types travels from page to page in hidden fields. Forms are
// read as streams, attachments are sealed as they come in, and the deposit is
// the vault's: this package keeps nothing. It must never write to a disk, log
// a request or anything in it, put what was typed into a URL, or import
// crypto/keyfile, vault or vault/membersock: whoever takes it over can deposit
// and look up by code, no more.
//
// The order of the pages, and what each may show after Back, is:
//
//	GET  /               what this is
//	GET  /lapor          five things before reporting
//	GET  /lapor/tulis    the empty form (no-cache: Back shows what was typed)
//	POST /lapor/tulis    the form, filled in
//	POST /lapor/periksa  what was typed, and attachments
//	POST /lapor/kirim    deposits; the code
//	POST /lapor/coba     tries the code
//	POST /lapor/tanda-terima   the receipt as a file
//	GET  /cek            asks for a code
//	POST /cek            status, messages, reply
//	POST /cek/balas      deposits a reply
//	POST /cek/hapus      destroys an answer, after a page that asks once more
//	GET  /bantuan, /bantuan/kode-hilang
//
// and the same below /en/ and the like. Where a script runs, the forms of
// /lapor/tulis and /cek don't leave the device: web/browser shows the pages
// that would follow, from the parts of them below /peramban/. For it, and for
// others who seal a report before they send it, the vault's deposit socket is
// offered at /deposit/v1/: this package sees no more of that than the vault does.
//
// Whoever asks for more than his share is told to wait, with status 429: a person
// on a page that has what he typed, a program in JSON. What a share is, and whose,
// is web/intake/limits'.
package intake

import (
	"context"
	"embed"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"

	"golang.org/x/mod/sumdb/note"

	"suluh.example/suluh/internal/lang"
	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/vault/depositsock"
	"suluh.example/suluh/vault/wire"
	"suluh.example/suluh/web/browser"
	"suluh.example/suluh/web/intake/limits"
	"suluh.example/suluh/web/page"
)

//go:embed templates/*.html
var templates embed.FS

// weather is where "leave quickly" leads by default: the weather service's
// site, which anyone may have open.
const weather = "https://www.bmkg.go.id/"

// Config says how intake runs. The zero value of a field is its default.
type Config struct {
	Vault    *depositsock.Client // required
	RootKey  note.Verifier       // that signs rosters; required
	RootText string              // the same as a text, for browsers to check rosters with; without it pages have no script
	MaxBytes int64               // of a report's attachments together; default 1 GiB. Never more than the vault takes
	Exit     string              // where "leave quickly" leads; default: the weather. A site without personal content
	Clock    report.Clock        // required
	Log      *slog.Logger        // default: discards
	Limits   limits.Rules        // default: limits.Default
	Onion    string              // URL of the same pages as an onion service; see SetOnion
}

// Server is the pages. It is safe for concurrent use.
type Server struct {
	config  Config
	lang    *lang.Catalogue
	pages   *page.Set
	readers readers
	routes  map[string]route
	app     browser.Script
	limits  *limits.Limits
	onion   atomic.Pointer[string] // http://….onion
	handler http.Handler
}

// request is one of a reporter's.
type request struct {
	*http.Request
	l    *lang.Language
	path string // without the language
}

type handler func(http.ResponseWriter, *request) error

// route is what an address does; without post it can't be posted to, without
// get not be opened directly.
type route struct{ get, post handler }

// New parses everything that pages need. It doesn't ask the vault yet.
func New(c Config) (*Server, error) {
	if c.MaxBytes == 0 {
		c.MaxBytes = 1 << 30
	}
	if c.Exit == "" {
		c.Exit = weather
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Limits == (limits.Rules{}) {
		c.Limits = limits.Default()
	}
	if u, err := url.Parse(c.Exit); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return nil, errors.New("the address to leave to is not a web address")
	}
	s := &Server{config: c, readers: readers{vault: c.Vault, root: c.RootKey, log: c.Log}, app: browser.App(), limits: limits.New(c.Limits)}
	var err error
	if c.Onion != "" {
		if err := s.SetOnion(c.Onion); err != nil {
			return nil, err
		}
	}
	if s.lang, err = lang.Load(); err != nil {
		return nil, err
	}
	if s.pages, err = page.Parse(s.lang, page.Config{Templates: templates, Frame: s.frame}); err != nil {
		return nil, err
	}
	s.routes = map[string]route{
		"/":                    {get: s.home},
		"/lapor":               {get: s.advice},
		"/lapor/tulis":         {get: s.write, post: s.rewrite},
		"/lapor/periksa":       {post: s.check},
		"/lapor/kirim":         {post: s.send},
		"/lapor/coba":          {post: s.try},
		"/cek":                 {get: s.ask, post: s.open},
		"/lapor/tanda-terima":  {post: s.receipt},
		"/cek/balas":           {post: s.reply},
		"/cek/hapus":           {post: s.destroy},
		"/bantuan":             {get: s.help},
		"/bantuan/kode-hilang": {get: s.lost},
		partsPath:              {get: s.parts},
		browser.AppPath:        {get: s.file(s.app)},
		browser.WorkerPath:     {get: s.file(browser.Worker())},
	}
	pages, deposits := s.handle(s.route), s.deposits(c.Vault.Proxy(s.mostBody()))
	foreign := http.NewCrossOriginProtection()
	foreign.SetDenyHandler(s.handle(s.foreign))
	s.handler = s.pages.Secure(s.limited(foreign.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, socketPath) {
			deposits.ServeHTTP(w, r)
			return
		}
		s.offerOnion(w, r)
		pages.ServeHTTP(w, r)
	}))))
	return s, nil
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

func (s *Server) route(w http.ResponseWriter, r *request) error {
	at, ok := s.routes[r.path]
	switch read := r.Method == http.MethodGet || r.Method == http.MethodHead; {
	case !ok:
		return s.missing(w, r)
	case read && at.get != nil:
		return at.get(w, r)
	case r.Method == http.MethodPost && at.post != nil:
		return at.post(w, r)
	default:
		return s.direct(w, r, at)
	}
}

// handle turns what went wrong into a page.
func (s *Server) handle(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rq := &request{Request: r}
		rq.l, rq.path = s.lang.FromPath(r.URL.Path)
		err := h(w, rq)
		switch {
		case err == nil:
			return
		case errors.Is(err, errGone), r.Context().Err() != nil:
			// Nobody is there to read an answer. Whoever stalled is cut.
			panic(http.ErrAbortHandler)
		case errors.Is(err, errBroken):
			err = s.notice(w, rq, http.StatusBadRequest, "intake.broken")
		case errors.Is(err, errFields):
			err = s.notice(w, rq, http.StatusBadRequest, "intake.fields")
		case errors.Is(err, errText):
			err = s.notice(w, rq, http.StatusRequestEntityTooLarge, "intake.long")
		case isClosed(err):
			err = s.closed(w, rq, typed{}, nil)
		}
		if err != nil {
			s.config.Log.Error("a request failed inside") // and no more: errors are tied to requests
			s.pages.Fail(w, rq.l)
		}
	})
}

// isClosed tells whether the vault is away or takes nothing.
func isClosed(err error) bool {
	return errors.Is(err, wire.ErrUnreachable) || errors.Is(err, depositsock.ErrFull) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, depositsock.ErrRoster) // one in force that intake refuses
}

// body begins to read a form. At most most bytes of it are read, and then the
// connection ends.
func (s *Server) body(w http.ResponseWriter, r *request, most int64) *body {
	r.Body = http.MaxBytesReader(w, r.Body, most)
	return newBody(r.Request)
}

// mostTexts is the most bytes that are read of a form without files.
const mostTexts = 16 << 20

// texts reads a form without files. If it can't be read, what is left is
// drained, so that the browser gets to see the page that says so.
func (s *Server) texts(w http.ResponseWriter, r *request) (*body, error) {
	b := s.body(w, r, mostTexts)
	if err := b.all(); err != nil {
		b.drain()
		return nil, err
	}
	return b, nil
}

// withoutFiles reads a form from which files may come that nobody needs.
func (s *Server) withoutFiles(w http.ResponseWriter, r *request) (*body, error) {
	b := s.body(w, r, s.mostBody())
	for file, err := b.next(); err != io.EOF; file, err = b.next() {
		if err == nil {
			_, err = io.Copy(io.Discard, file)
		}
		if err != nil {
			b.drain()
			return nil, err
		}
	}
	return b, nil
}

// upToFiles reads a form up to the first file that was chosen, if one was. Of a
// form that broke off behind what was typed, that is still there to be given back:
// it is broken, which is no error.
func (s *Server) upToFiles(w http.ResponseWriter, r *request) (b *body, first *upload, broken bool, err error) {
	b = s.body(w, r, s.mostBody())
	first, err = b.next()
	switch {
	case err == nil || err == io.EOF:
		return b, first, false, nil
	case err == errBroken && b.first(onceField) != "":
		return b, nil, true, nil
	}
	b.drain()
	return nil, nil, false, err
}

// limit is how many bytes all attachments may have together. Sealing pads by
// up to an eighth, and every file has a floor: the vault must take a fourth
// more.
func (s *Server) limit(state depositsock.State) int64 {
	return min(s.config.MaxBytes, state.MaxBytes/5*4)
}

// frame is what all pages have.
func (s *Server) frame(l *lang.Language) page.Page {
	return page.Page{
		Home: page.Link{Text: l.T("page.product")},
		Exit: &page.Link{Href: s.config.Exit, Text: l.T("intake.leave")},
		Footer: []page.Link{
			{Href: l.Path("/bantuan"), Text: l.T("intake.help")},
			{Href: l.Path("/bantuan/kode-hilang"), Text: l.T("intake.lost")},
		},
	}
}

// linked is the frame of a page where nothing is typed: it links to the same
// page in the other languages.
func (s *Server) linked(r *request, title string) page.Page {
	p := s.plain(r, title)
	p.Languages = s.others(r, r.path)
	return p
}

// plain is the frame of a page where something is typed.
func (s *Server) plain(r *request, title string) page.Page {
	p := s.frame(r.l)
	p.Title = title
	return p
}

// others are a page's addresses in the other languages.
func (s *Server) others(r *request, path string) (links []page.Link) {
	for _, l := range s.lang.Languages() {
		if l != r.l {
			links = append(links, page.Link{Href: l.Path(path), Text: l.T("language.name"), Lang: l.Code()})
		}
	}
	return links
}

// SetOnion says where the same pages are as an onion service: http://….onion. It may
// be called while pages are served.
func (s *Server) SetOnion(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || !isOnion(u.Host) || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("not the address of an onion service (http://….onion)")
	}
	base := u.Scheme + "://" + u.Host
	s.onion.Store(&base)
	return nil
}

// offerOnion lets Tor Browser go on at the onion service. On plain HTTP anybody on the
// way could name another one, so browsers don't look at it there. What a form leads to
// can't be opened by an address.
func (s *Server) offerOnion(w http.ResponseWriter, r *http.Request) {
	base := s.onion.Load()
	if base == nil || r.TLS == nil || isOnion(r.Host) || r.Method != http.MethodGet && r.Method != http.MethodHead {
		return
	}
	w.Header().Set("Onion-Location", *base+(&url.URL{Path: r.URL.Path}).EscapedPath())
}

// overTor tells whether the page was asked for at an onion address.
func overTor(r *request) bool {
	return isOnion(r.Host)
}

func isOnion(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return strings.HasSuffix(strings.ToLower(host), ".onion")
}
