package desk

import (
	"context"
	"crypto/rand"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"filippo.io/age"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/keyfile"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/door"
	"suluh.example/suluh/internal/member"
	"suluh.example/suluh/web/page"
)

// session is one unlocked identity in one browser.
type session struct {
	token     string
	member    *member.Session
	keys      age.Identity // opens what was kept for the member
	recipient string
	leave     func() // what let the member in
	idle      time.Duration

	mu     sync.Mutex
	last   time.Time     // of its last request
	listed []member.Item // as last listed; nil before
}

// list is what was listed last, which is not recorded again, or lists.
func (x *session) list(ctx context.Context) ([]member.Item, error) {
	x.mu.Lock()
	items := slices.Clone(x.listed)
	x.mu.Unlock()
	if items != nil {
		return items, nil
	}
	return x.refreshList(ctx)
}

// refreshList lists the cases as they are now.
func (x *session) refreshList(ctx context.Context) ([]member.Item, error) {
	items, err := x.member.List(ctx)
	if err != nil {
		return nil, err
	}
	x.mu.Lock()
	x.listed = items
	x.mu.Unlock()
	return slices.Clone(items), nil
}

// forget drops what was listed: it is different now.
func (x *session) forget() {
	x.mu.Lock()
	x.listed = nil
	x.mu.Unlock()
}

// cookieName has the port in it: browsers send a cookie to every port of a host.
func cookieName(r *http.Request) string {
	_, port, _ := net.SplitHostPort(r.Host)
	return strings.TrimSuffix("meja-"+port, "-")
}

// cookie is the session's, for as long as the browser runs. Behind a proxy that
// speaks TLS, which the origin of a form tells, it is for TLS only.
func cookie(r *http.Request, value string, maxAge int) *http.Cookie {
	return &http.Cookie{
		Name: cookieName(r), Value: value, Path: "/", MaxAge: maxAge, HttpOnly: true, SameSite: http.SameSiteStrictMode,
		Secure: r.TLS != nil || strings.HasPrefix(r.Header.Get("Origin"), "https://"),
	}
}

// session finds the session of a request, and prolongs it.
func (s *Server) session(r *http.Request) *session {
	c, err := r.Cookie(cookieName(r))
	if err != nil {
		return nil
	}
	s.mu.Lock()
	x := s.sessions[c.Value]
	s.mu.Unlock()
	if x == nil {
		return nil
	}
	now := s.c.Now()
	x.mu.Lock()
	expired := now.Sub(x.last) >= x.idle
	if !expired {
		x.last = now
	}
	x.mu.Unlock()
	if expired {
		s.lock(x)
		return nil
	}
	return x
}

// lock ends a session: what it opened is forgotten.
func (s *Server) lock(x *session) {
	s.mu.Lock()
	delete(s.sessions, x.token)
	s.mu.Unlock()
	x.end()
}

func (x *session) end() {
	x.forget()
	x.member.Close()
	x.leave()
}

// LockIdle locks the sessions in which nobody did anything for their idle
// time, so that no key stays in memory because nobody came back.
func (s *Server) LockIdle() {
	now := s.c.Now()
	s.mu.Lock()
	all := make([]*session, 0, len(s.sessions))
	for _, x := range s.sessions {
		all = append(all, x)
	}
	s.mu.Unlock()
	for _, x := range all {
		x.mu.Lock()
		expired := now.Sub(x.last) >= x.idle
		x.mu.Unlock()
		if expired {
			s.lock(x)
		}
	}
}

// Watch locks idle sessions until the context ends, and then all others.
func (s *Server) Watch(ctx context.Context) error {
	every := time.NewTicker(min(s.c.IdleLock, 10*time.Second))
	defer every.Stop()
	for {
		select {
		case <-every.C:
			s.LockIdle()
		case <-ctx.Done():
			s.mu.Lock()
			all := s.sessions
			s.sessions = map[string]*session{}
			s.mu.Unlock()
			for _, x := range all {
				x.end()
			}
			return nil
		}
	}
}

// begin lets the browser in.
func (s *Server) begin(w http.ResponseWriter, v *visit, x *session) {
	if v.session != nil {
		s.lock(v.session)
	}
	x.token, x.last = rand.Text(), s.c.Now()
	s.mu.Lock()
	s.sessions[x.token] = x
	s.mu.Unlock()
	v.session = x
	http.SetCookie(w, cookie(v.Request, x.token, 0))
}

const suffix = ".identity"

// identities are the members whose files are in the folder.
func (s *Server) identities() (all []id.Member, err error) {
	files, err := os.ReadDir(s.c.Identities)
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		name, ok := strings.CutSuffix(f.Name(), suffix)
		if m, err := id.ParseMember(name); ok && err == nil {
			all = append(all, m)
		}
	}
	return all, nil
}

// locksmith bounds the memory and the time that trying passphrases takes: a
// member's file is tried by one at a time, and few files at once. So whoever
// guesses waits behind his own guesses, and not another member.
type locksmith struct {
	mu    sync.Mutex
	doors map[id.Member]chan struct{}
	hands chan struct{}
}

func newLocksmith() locksmith {
	return locksmith{doors: map[id.Member]chan struct{}{}, hands: make(chan struct{}, 2)} // 256 MiB each
}

func (l *locksmith) open(ctx context.Context, m id.Member, sealed []byte, passphrase string) (*keyfile.Identity, error) {
	l.mu.Lock()
	door := l.doors[m]
	if door == nil {
		door = make(chan struct{}, 1)
		l.doors[m] = door // of a file in the folder: there are few
	}
	l.mu.Unlock()
	for _, turn := range []chan struct{}{door, l.hands} {
		select {
		case turn <- struct{}{}:
			defer func() { <-turn }()
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return keyfile.Open(sealed, passphrase)
}

// unlocking is what the unlock page carries.
type unlocking struct {
	Member     id.Member
	Passphrase string // shown again only where somebody asked to see it
	Shown      bool
	Idle       string
	Kept       string // what was being written, sealed to the member
	To         string // where to go on
}

type unlockPage struct {
	page.Page
	unlocking
	Members []choice
	Idles   []choice
}

// choice is an option of a select, a radio or a checkbox.
type choice struct {
	Value, Text, Hint string
	On                bool
}

func (s *Server) unlockPage(w http.ResponseWriter, v *visit, u unlocking, problems ...page.Problem) error {
	l := v.lang
	p := unlockPage{Page: s.page(v, l.T("desk.unlock.title")), unlocking: u}
	p.Problems = problems
	if u.Kept != "" && len(problems) == 0 {
		p.Notice = l.T("desk.unlock.kept")
	}
	if u.Kept == "" && u.To == "" && u.Passphrase == "" {
		p.Languages = s.languages(&visit{Request: v.Request, lang: l, at: "/"})
	}
	all, err := s.identities()
	if err != nil {
		return err
	}
	r := s.publicRoster(v.Context(), all)
	for _, m := range all {
		c := choice{Value: string(m), Text: string(m), On: m == u.Member}
		if x, ok := r.Member(m); ok {
			c.Text = x.Name
			if unit, ok := r.Unit(x.Unit); ok {
				c.Text += ", " + unit.Named(l.Code())
			}
		}
		p.Members = append(p.Members, c)
	}
	if len(all) == 0 && len(problems) == 0 {
		p.Problems = []page.Problem{{Text: l.T("desk.unlock.none")}}
	}
	for _, times := range []int{1, 2, 4, longest} {
		d := time.Duration(times) * s.c.IdleLock
		c := choice{Value: d.String(), Text: l.T("desk.unlock.minutes", "N", max(1, int(d.Minutes()))), On: u.Idle == d.String()}
		p.Idles = append(p.Idles, c)
	}
	return s.pages.Write(w, l, "unlock", p)
}

// publicRoster is the roster for names on the page before anybody unlocked:
// the vault's, or where it can't be asked yet the newest that was kept here;
// else one without anybody.
func (s *Server) publicRoster(ctx context.Context, all []id.Member) *roster.Roster {
	best := &roster.Roster{}
	take := func(signed []byte, err error) {
		if err == nil {
			if r, err := roster.Parse(signed, s.c.Root); err == nil && r.Version > best.Version {
				best = r
			}
		}
	}
	if !s.behindDoor {
		take(s.c.Vault.Roster(ctx))
		return best
	}
	for _, m := range all {
		take(os.ReadFile(filepath.Join(s.c.Identities, string(m)+".roster")))
	}
	return best
}

// read takes what the unlock page carries from its form.
func (u *unlocking) read(v *visit) {
	f := v.PostForm
	*u = unlocking{
		Passphrase: f.Get("sandi"), Shown: f.Get("terlihat") == "ya", Idle: f.Get("tunggu"), Kept: f.Get("simpanan"), To: f.Get("ke"),
	}
	if m, err := id.ParseMember(f.Get("anggota")); err == nil {
		u.Member = m
	}
	if !strings.HasPrefix(u.To, "/kasus/") {
		u.To = ""
	}
}

// showPassphrase shows or hides what was typed.
func (s *Server) showPassphrase(w http.ResponseWriter, v *visit) error {
	var u unlocking
	u.read(v)
	u.Shown = !u.Shown
	return s.unlockPage(w, v, u)
}

func (s *Server) unlock(w http.ResponseWriter, v *visit) error {
	var u unlocking
	u.read(v)
	l := v.lang
	again := func(field, key string) error {
		u.Passphrase = ""
		return s.unlockPage(w, v, u, page.Problem{Field: field, Text: l.T(key)})
	}
	all, err := s.identities()
	if err != nil {
		return err
	}
	if !slices.Contains(all, u.Member) {
		return again("anggota", "desk.unlock.nofile")
	}
	sealed, err := os.ReadFile(filepath.Join(s.c.Identities, string(u.Member)+suffix))
	if err != nil {
		return again("anggota", "desk.unlock.nofile")
	}
	identity, err := s.smith.open(v.Context(), u.Member, sealed, u.Passphrase)
	switch {
	case errors.Is(err, keyfile.ErrPassphrase):
		return again("sandi", "desk.unlock.wrong")
	case errors.Is(err, keyfile.ErrFormat) || err == nil && identity.Member() != u.Member:
		return again("anggota", "desk.unlock.damaged")
	case err != nil:
		return err
	}
	x := &session{keys: identity.Age(), recipient: identity.Recipient(), idle: s.c.IdleLock}
	if d, err := time.ParseDuration(u.Idle); err == nil && d >= s.c.IdleLock && d <= longest*s.c.IdleLock {
		x.idle = d
	}
	switch x.leave, err = s.c.Enter(identity.OnionKey()); {
	case errors.Is(err, door.ErrNoKey):
		return again("anggota", "desk.unlock.onionkey")
	case err != nil:
		return err
	}
	stays := false
	defer func() {
		if !stays {
			x.leave()
		}
	}()
	x.member, err = member.Open(v.Context(), member.Config{
		Vault: s.c.Vault, Outside: s.c.Outside, Identity: identity, Root: s.c.Root, Clock: s.c.Clock,
		Seen: filepath.Join(s.c.Identities, string(u.Member)+".seen"),
	})
	var gone *member.Removed
	switch {
	case errors.As(err, &gone):
		u.Passphrase = ""
		return s.unlockPage(w, v, u, page.Problem{Text: l.T("desk.unlock.removed", "Day", gone.Day)})
	case errors.Is(err, member.ErrStranger):
		return again("anggota", "desk.unlock.stranger")
	case errors.Is(err, door.ErrShut):
		return again("anggota", "desk.unlock.shut")
	case errors.Is(err, roster.ErrSignature) || errors.Is(err, roster.ErrInvalid):
		return again("", "desk.unlock.roster")
	case isBroken(err):
		u.Passphrase = ""
		return s.warn(w, v, u.Member, err)
	case err != nil:
		return err
	}
	if err := s.brokenFor(x.member); err != nil {
		x.member.Close()
		return s.warn(w, v, u.Member, err)
	}
	stays = true
	s.begin(w, v, x)
	if u.Kept != "" {
		return s.giveBack(w, v, u.Kept)
	}
	if u.To != "" {
		return s.to(w, v, u.To)
	}
	return s.to(w, v, "/")
}

func (s *Server) lockByHand(w http.ResponseWriter, v *visit) error {
	if v.session != nil {
		s.lock(v.session)
	}
	http.SetCookie(w, cookie(v.Request, "", -1))
	v.session = nil
	return s.message(w, v, "desk.locked", &page.Link{Href: v.lang.Path("/"), Text: v.lang.T("desk.unlock.again")})
}
