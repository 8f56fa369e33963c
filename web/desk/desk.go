// Package desk is where investigators work: pages on which a member unlocks
// the identity, reads the cases that it has keys for, answers, and gives
// access. It runs on the investigator's machine or a server of the
// Inspektorat's and stands on internal/member.
//
// Pages need no JavaScript. What a person wrote is on pages that a browser may
// not keep, never in an address, a window's title or a log; an address has at
// most a case's name. Attachments are only ever downloaded, under a name of
// ours, as bytes of no type.
//
// The package must never write anything decrypted to a disk, keep an unlocked
// identity longer than its session, or import the vault.
package desk

import (
	"context"
	"crypto/ecdh"
	"embed"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/seal"
	"suluh.example/suluh/internal/door"
	"suluh.example/suluh/internal/lang"
	"suluh.example/suluh/internal/member"
	"suluh.example/suluh/internal/outward"
	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/internal/serve"
	"suluh.example/suluh/vault/membersock"
	"suluh.example/suluh/vault/wire"
	"suluh.example/suluh/web/page"
)

//go:embed templates/*.html
var templates embed.FS

const (
	// maxForm is the most bytes of a form: what a person can type, and the
	// same sealed beside it.
	maxForm = 4 << 20

	// maxReport is that of a form with the whole text of a report, in which a line's
	// end takes six bytes; and of what was kept of one.
	maxReport = 8 << 20

	// longest is how many times the idle time a member may choose.
	longest = 10
)

// Config says how a desk behaves.
type Config struct {
	Vault      *membersock.Client
	Root       note.Verifier // that rosters are signed with
	Identities string        // folder with <member>.identity; <member>.seen and <member>.roster are kept there
	Address    string        // that the desk listens on, host:port
	Hosts      []string      // names by which browsers reach it, besides its address and localhost
	IdleLock   time.Duration // default 15 minutes
	Clock      report.Clock
	Log        *slog.Logger
	Now        func() time.Time // for the idle lock; default time.Now

	// Enter, if the vault is behind the members' onion service, lets a member in
	// by the onion key, until leave is called; see [door.Door.Enter].
	Enter func(key *ecdh.PrivateKey) (leave func(), err error)

	Outside member.Outside // the way to key witnesses; nil: this process connects by itself
}

// Server is the desk. It is an http.Handler.
type Server struct {
	c         Config
	catalogue *lang.Catalogue
	pages     *page.Set
	handler   http.Handler
	hosts     serve.Names
	smith     locksmith

	// behindDoor says that nothing is known of the vault before a member is in.
	behindDoor bool

	mu       sync.Mutex
	sessions map[string]*session
	broken   map[id.Member]error // whose session found the log broken; until the desk is started anew
}

// New makes a desk.
func New(c Config) (*Server, error) {
	if c.IdleLock == 0 {
		c.IdleLock = 15 * time.Minute
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	behindDoor := c.Enter != nil
	if !behindDoor {
		c.Enter = func(*ecdh.PrivateKey) (func(), error) { return func() {}, nil }
	}
	hosts, err := serve.NamesOf(c.Address, c.Hosts)
	if err != nil {
		return nil, err
	}
	catalogue, err := lang.Load()
	if err != nil {
		return nil, err
	}
	s := &Server{
		c: c, catalogue: catalogue, sessions: map[string]*session{}, broken: map[id.Member]error{},
		hosts: hosts, smith: newLocksmith(), behindDoor: behindDoor,
	}
	s.pages, err = page.Parse(catalogue, page.Config{Templates: templates, Product: "desk.product", Frame: s.frame})
	if err != nil {
		return nil, err
	}
	cross := http.NewCrossOriginProtection()
	cross.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.refuse(w, r, http.StatusForbidden, "desk.foreign") }))
	s.handler = s.pages.Secure(s.own(cross.Handler(s.routes())))
	return s, nil
}

// ServeHTTP answers a browser.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// own refuses names that aren't the desk's: a page of somebody else's whose
// name was turned to this address (DNS rebinding) would be let in otherwise.
func (s *Server) own(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.hosts.Has(r) {
			s.refuse(w, r, http.StatusMisdirectedRequest, "desk.host")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// frame is what all pages have in common before anybody has unlocked.
func (s *Server) frame(l *lang.Language) page.Page {
	return page.Page{
		Home:   page.Link{Text: l.T("desk.product")},
		Footer: []page.Link{{Href: l.Path("/bantuan"), Text: l.T("desk.help.link")}},
	}
}

// visit is one request.
type visit struct {
	*http.Request
	lang *lang.Language
	at   string // the path without the language
	*session
	of id.Case // of the path, if it has one
}

// page is the frame of a page for the visitor.
func (s *Server) page(v *visit, title string) page.Page {
	p := s.frame(v.lang)
	p.Title = title
	if v.session != nil {
		p.Home.Href = v.lang.Path("/")
		p.Nav = []page.Link{{Href: v.lang.Path("/"), Text: v.lang.T("desk.nav.inbox"), Current: v.at == "/"}, {Href: v.lang.Path("/penerusan"), Text: v.lang.T("desk.nav.outbox"), Current: v.at == "/penerusan"}, {Href: v.lang.Path("/") + "#cari", Text: v.lang.T("desk.nav.search")}}
		p.Lock = &page.Link{Href: v.lang.Path("/kunci"), Text: v.lang.T("desk.nav.lock")}
	}
	return p
}

// languages are links to the same page in the others, for pages on which
// nothing is typed.
func (s *Server) languages(v *visit) (links []page.Link) {
	for _, l := range s.catalogue.Languages() {
		if l != v.lang {
			links = append(links, page.Link{Href: l.Path(v.at), Text: l.T("language.name"), Lang: l.Code()})
		}
	}
	return links
}

// handler answers a visit. An error means that nothing was sent yet.
type handler func(http.ResponseWriter, *visit) error

func (s *Server) routes() http.Handler {
	m := http.NewServeMux()
	// open is for everyone, in for those who unlocked.
	open := func(pattern string, h handler) { m.Handle(pattern, s.handle(h)) }
	in := func(pattern string, h handler) {
		open(pattern, func(w http.ResponseWriter, v *visit) error {
			if v.session == nil {
				return s.locked(w, v)
			}
			// A browser that loads ahead has no person before it who opens a case.
			if strings.Contains(v.Header.Get("Sec-Purpose"), "prefetch") {
				return errMissing
			}
			if err := s.brokenFor(v.session.member); err != nil {
				return err
			}
			return h(w, v)
		})
	}
	// back leads a bare GET of an address that is only ever posted to.
	back := func(pattern, to string) {
		open("GET "+pattern, func(w http.ResponseWriter, v *visit) error {
			http.Redirect(w, v.Request, v.lang.Path(strings.ReplaceAll(to, "{case}", v.PathValue("case"))), http.StatusSeeOther)
			return nil
		})
	}
	in("GET /{$}", s.inbox)
	in("POST /cari", s.search)
	back("/cari", "/")
	open("POST /buka", s.unlock)
	open("POST /buka/tampil", s.showPassphrase)
	back("/buka", "/")
	back("/buka/tampil", "/")
	open("POST /kunci", s.lockByHand)
	back("/kunci", "/")
	open("GET /bantuan", s.help)

	in("GET /kasus/{case}", s.show)
	for name, w := range map[string]writing{"balas": reply, "catatan": internalNote, "status": status} {
		in("GET /kasus/{case}/"+name, s.write(w))
		in("POST /kasus/{case}/"+name, s.write(w))
		if w != internalNote {
			in("POST /kasus/{case}/"+name+"/periksa", s.check(w))
			back("/kasus/{case}/"+name+"/periksa", "/kasus/{case}/"+name)
		}
		in("POST /kasus/{case}/"+name+"/kirim", s.send(w))
		back("/kasus/{case}/"+name+"/kirim", "/kasus/{case}/"+name)
	}
	in("GET /kasus/{case}/triase", s.triage)
	in("POST /kasus/{case}/triase/simpan", s.saveTriage)
	back("/kasus/{case}/triase/simpan", "/kasus/{case}/triase")
	in("GET /kasus/{case}/rujuk", s.refer)
	in("POST /kasus/{case}/rujuk/periksa", s.checkRefer)
	back("/kasus/{case}/rujuk/periksa", "/kasus/{case}/rujuk")
	in("POST /kasus/{case}/rujuk/kirim", s.sendRefer)
	back("/kasus/{case}/rujuk/kirim", "/kasus/{case}/rujuk")
	in("GET /kasus/{case}/teruskan", s.prepare)
	in("POST /kasus/{case}/teruskan", s.prepare)
	in("POST /kasus/{case}/teruskan/periksa", s.checkPrepared)
	back("/kasus/{case}/teruskan/periksa", "/kasus/{case}/teruskan")
	in("POST /kasus/{case}/teruskan/simpan", s.savePrepared)
	back("/kasus/{case}/teruskan/simpan", "/kasus/{case}/teruskan")
	in("GET /kasus/{case}/setujui", s.approve)
	in("POST /kasus/{case}/setujui/kirim", s.sendApproved)
	back("/kasus/{case}/setujui/kirim", "/kasus/{case}/setujui")
	in("POST /kasus/{case}/setujui/kembalikan", s.sendBack)
	back("/kasus/{case}/setujui/kembalikan", "/kasus/{case}/setujui")
	in("GET /kasus/{case}/putuskan", s.decide)
	in("POST /kasus/{case}/putuskan", s.decide)
	in("POST /kasus/{case}/putuskan/periksa", s.checkDecision)
	back("/kasus/{case}/putuskan/periksa", "/kasus/{case}/putuskan")
	in("POST /kasus/{case}/putuskan/simpan", s.saveDecision)
	back("/kasus/{case}/putuskan/simpan", "/kasus/{case}/putuskan")
	in("GET /penerusan", s.outbox)
	in("GET /kasus/{case}/akses", s.readers)
	in("POST /kasus/{case}/akses/periksa", s.checkReaders)
	back("/kasus/{case}/akses/periksa", "/kasus/{case}/akses")
	in("POST /kasus/{case}/akses/simpan", s.changeReaders)
	back("/kasus/{case}/akses/simpan", "/kasus/{case}/akses")
	in("GET /kasus/{case}/penanggung-jawab", s.assignee)
	in("POST /kasus/{case}/penanggung-jawab/simpan", s.assign)
	back("/kasus/{case}/penanggung-jawab/simpan", "/kasus/{case}/penanggung-jawab")
	in("GET /kasus/{case}/benturan", s.conflict)
	in("POST /kasus/{case}/benturan/ya", s.declareConflict)
	back("/kasus/{case}/benturan/ya", "/kasus/{case}/benturan")
	in("GET /kasus/{case}/lampiran/{n}", s.attachment)
	in("POST /kasus/{case}/lampiran/{n}/unduh", s.download)
	in("GET /kasus/{case}/ekspor", s.export)
	in("POST /kasus/{case}/ekspor/unduh", s.downloadExport)
	back("/kasus/{case}/ekspor/unduh", "/kasus/{case}/ekspor")
	back("/kasus/{case}/lampiran/{n}/unduh", "/kasus/{case}")
	open("/", func(w http.ResponseWriter, v *visit) error { return errMissing })

	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// The rest of the path decides, whatever the language.
		_, rest := s.catalogue.FromPath(r.URL.Path)
		inner := r.Clone(context.WithValue(r.Context(), outer{}, r))
		inner.URL.Path, inner.URL.RawPath = rest, ""
		m.ServeHTTP(w, inner)
	})
}

// outer is the key under which a request's context has it as it came.
type outer struct{}

var (
	errMissing = errors.New("there is no such page")
	errForm    = errors.New("the form is not one of ours, or too large")
)

// handle turns a handler into one of net/http's: it finds the visitor's
// session, reads a form, and shows what went wrong.
func (s *Server) handle(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := &visit{Request: r, at: r.URL.Path}
		v.lang = s.languageOf(r)
		err := func() error {
			if name := r.PathValue("case"); name != "" {
				var err error
				if v.of, err = id.ParseCase(name); err != nil {
					return errMissing
				}
			}
			if r.Method == http.MethodPost {
				most := int64(maxForm)
				if strings.Contains(v.at+"/", "/"+string(forwarding)+"/") || v.at == "/buka" || v.at == "/buka/tampil" {
					most = maxReport
				}
				r.Body = http.MaxBytesReader(w, r.Body, most)
				if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") || r.ParseForm() != nil {
					return errForm
				}
			}
			v.session = s.session(r)
			return h(w, v)
		}()
		if err != nil {
			s.fail(w, v, err)
		}
	})
}

func (s *Server) languageOf(r *http.Request) *lang.Language {
	as, ok := r.Context().Value(outer{}).(*http.Request)
	if !ok {
		as = r
	}
	l, _ := s.catalogue.FromPath(as.URL.Path)
	return l
}

// to sends the browser on to a page, after something was done.
func (s *Server) to(w http.ResponseWriter, v *visit, path string) error {
	http.Redirect(w, v.Request, v.lang.Path(path), http.StatusSeeOther)
	return nil
}

// messagePage says one thing and where to go on.
type messagePage struct {
	page.Page
	Box        string // class of the box: "", "warn", "err"
	Paragraphs []string
	Steps      []string
	Next       *page.Link
}

// refuse answers a request that doesn't get as far as a visit.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, status int, key string) {
	l, _ := s.catalogue.FromPath(r.URL.Path)
	p := messagePage{Page: s.frame(l), Box: "err", Paragraphs: []string{l.T(key + ".text")}}
	p.Title, p.Status = l.T(key+".title"), status
	if err := s.pages.Write(w, l, "message", p); err != nil {
		s.pages.Fail(w, l)
	}
}

// failures says which words go with an error.
var failures = []struct {
	err    error
	status int
	key    string
}{
	{errMissing, http.StatusNotFound, "error.missing"},
	{errForm, http.StatusBadRequest, "desk.form"},
	{membersock.ErrNoWrap, http.StatusForbidden, "desk.nowrap"},
	{member.ErrCase, http.StatusForbidden, "desk.nokey"},
	{membersock.ErrMember, http.StatusForbidden, "desk.role"},
	{membersock.ErrRole, http.StatusForbidden, "desk.role"},
	{membersock.ErrStale, http.StatusServiceUnavailable, "desk.stale"},
	{member.ErrReporters, http.StatusConflict, "desk.reporters"},
	{member.ErrSelf, http.StatusForbidden, "desk.self"},
	{member.ErrKeep, http.StatusConflict, "desk.unfit.keep"},
	{member.ErrClass, http.StatusConflict, "desk.unfit.class"},
	{member.ErrLeft, http.StatusConflict, "desk.left.gone"},
	{membersock.ErrState, http.StatusConflict, "desk.state"},
	{member.ErrContent, http.StatusNotFound, "desk.content"},
	{seal.ErrAge, http.StatusConflict, "desk.damaged"},
	{seal.ErrDigest, http.StatusConflict, "desk.damaged"},
	{seal.ErrLength, http.StatusConflict, "desk.damaged"},
	{door.ErrShut, http.StatusForbidden, "desk.shut"},
	{door.ErrNetwork, http.StatusServiceUnavailable, "desk.network"},
	{door.ErrTor, http.StatusServiceUnavailable, "desk.tor"},
	{door.ErrAddress, http.StatusServiceUnavailable, "desk.away"},
	{door.ErrAway, http.StatusServiceUnavailable, "desk.away"},
	{outward.ErrRoster, http.StatusServiceUnavailable, "desk.outward"},
	{wire.ErrUnreachable, http.StatusServiceUnavailable, "desk.down"},
	{wire.ErrVault, http.StatusServiceUnavailable, "desk.vault"},
}

// fail shows what went wrong, in words and with what to do.
func (s *Server) fail(w http.ResponseWriter, v *visit, err error) {
	if v.session != nil {
		var gone *member.Removed
		switch {
		case errors.As(err, &gone):
			s.lock(v.session)
			v.session = nil
			if s.unlockPage(w, v, unlocking{}, page.Problem{Text: v.lang.T("desk.unlock.removed", "Day", gone.Day)}) == nil {
				return
			}
		case isBroken(err):
			s.mu.Lock()
			s.broken[v.session.member.Member()] = err
			s.mu.Unlock()
			if s.warn(w, v, v.session.member.Member(), err) == nil {
				return
			}
		}
	}
	var locked *member.KeyWitnessError
	if errors.As(err, &locked) && s.shut(w, v, locked) == nil {
		return
	}
	for _, f := range failures {
		if errors.Is(err, f.err) {
			p := messagePage{Page: s.page(v, v.lang.T(f.key+".title")), Box: "err", Paragraphs: []string{v.lang.T(f.key + ".text")}}
			p.Status = f.status
			if v.session != nil {
				p.Next = &page.Link{Href: v.lang.Path("/"), Text: v.lang.T("desk.back.inbox")}
			}
			if s.pages.Write(w, v.lang, "message", p) == nil {
				return
			}
		}
	}
	if v.Context().Err() == nil {
		s.c.Log.Error("a page could not be made", "error", err)
	}
	s.pages.Fail(w, v.lang)
}

// isBroken tells whether what the vault hands out can't be trusted any more.
func isBroken(err error) bool {
	return errors.Is(err, member.ErrFork) || errors.Is(err, member.ErrTampered) || errors.Is(err, member.ErrRoster)
}

// message says one thing that went well.
func (s *Server) message(w http.ResponseWriter, v *visit, key string, next *page.Link) error {
	p := messagePage{Page: s.page(v, v.lang.T(key+".title")), Box: "ok", Paragraphs: []string{v.lang.T(key + ".text")}, Next: next}
	return s.pages.Write(w, v.lang, "message", p)
}

// brokenFor tells whether this session, or another of the member at this desk,
// found that the vault can't be trusted.
func (s *Server) brokenFor(m *member.Session) error {
	if err := m.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.broken[m.Member()]
}

// warn is the page that stays when the log isn't what it was.
func (s *Server) warn(w http.ResponseWriter, v *visit, m id.Member, err error) error {
	l := v.lang
	p := messagePage{Page: s.page(v, l.T("desk.broken.title")), Box: "err"}
	p.Status = http.StatusConflict
	what := "desk.broken.fork"
	switch {
	case errors.Is(err, member.ErrTampered):
		what = "desk.broken.tampered"
	case errors.Is(err, member.ErrRoster):
		what = "desk.broken.roster"
	}
	p.Paragraphs = []string{l.T(what), l.T("desk.broken.meaning"), l.T("desk.broken.detail", "Detail", err.Error())}
	for _, key := range []string{"desk.broken.stop", "desk.broken.keep", "desk.broken.call"} {
		p.Steps = append(p.Steps, l.T(key, "File", string(m)+".seen"))
	}
	return s.pages.Write(w, l, "message", p)
}

func (s *Server) help(w http.ResponseWriter, v *visit) error {
	p := messagePage{Page: s.page(v, v.lang.T("desk.help.title"))}
	p.Languages = s.languages(v)
	for _, key := range []string{"unlock", "record", "lock", "attachments", "conflict", "lost"} {
		p.Paragraphs = append(p.Paragraphs, v.lang.T("desk.help."+key))
	}
	p.Next = &page.Link{Href: v.lang.Path("/"), Text: v.lang.T("desk.back.inbox")}
	return s.pages.Write(w, v.lang, "message", p)
}
