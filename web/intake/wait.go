package intake

import (
	"errors"
	"io"
	"maps"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"suluh.example/suluh/crypto/casecode"
	"suluh.example/suluh/internal/lang"
	"suluh.example/suluh/internal/serve"
	"suluh.example/suluh/internal/submission"
	"suluh.example/suluh/vault/depositsock"
	"suluh.example/suluh/vault/wire"
	"suluh.example/suluh/web/intake/limits"
	"suluh.example/suluh/web/page"
)

// busy says that somebody has used up his share, and has to wait.
type busy struct{ wait time.Duration }

func (*busy) Error() string { return "too many requests on a circuit" }

// client is whose share a request is taken from.
func (s *Server) client(r *http.Request) limits.Client {
	return s.limits.Of(serve.Circuit(r.Context()))
}

// limited lets nobody have more than a share of requests.
func (s *Server) limited(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		client := s.client(r)
		end, wait := client.Request()
		switch {
		case wait == 0:
			defer end()
			next.ServeHTTP(w, r)
		case !client.Refused():
			panic(http.ErrAbortHandler)
		case strings.HasPrefix(r.URL.Path, socketPath):
			refuse(w, r, wait)
		default:
			s.handle(func(w http.ResponseWriter, r *request) error { return s.tooMany(w, r, wait) }).ServeHTTP(w, r)
		}
	})
}

// mostRefused is how much is read of a request that is refused, so that who sent it
// gets to see the answer: a piece of an upload, and more.
const mostRefused = 16 << 20

// refuse tells a program to wait.
func refuse(w http.ResponseWriter, r *http.Request, wait time.Duration) {
	_, _ = io.CopyBuffer(struct{ io.Writer }{io.Discard}, http.MaxBytesReader(w, r.Body, mostRefused), make([]byte, 32<<10))
	wire.Busy(w, wait)
}

// waitPage tells a person to wait. What was typed is in it.
type waitPage struct {
	page.Page
	Wait   string
	Hidden []hidden
	Again  string // address that the same is sent to again
	Files  bool   // that were chosen are to be chosen again
	Switch []page.Link
}

// withoutFilesAt is where a form with files can be sent again without them: to the
// page where they are chosen.
var withoutFilesAt = map[string]string{"/lapor/kirim": "/lapor/periksa", "/cek/balas": "/cek"}

// tooMany reads what was typed, to give it back.
func (s *Server) tooMany(w http.ResponseWriter, r *request, wait time.Duration) error {
	if r.Method != http.MethodPost {
		return s.wait(w, r, nil, false, wait)
	}
	b := s.body(w, r, s.mostBody())
	file, err := b.next()
	b.drain()
	if err != nil && err != io.EOF && (err != errBroken || len(b.texts) == 0) {
		return err
	}
	var fields []hidden
	for _, name := range slices.Sorted(maps.Keys(b.texts)) {
		for _, text := range b.texts[name] {
			fields = append(fields, hidden{name, text})
		}
	}
	return s.wait(w, r, fields, file != nil, wait)
}

// wait writes the page that tells to wait.
func (s *Server) wait(w http.ResponseWriter, r *request, fields []hidden, files bool, wait time.Duration) error {
	p := waitPage{Page: s.plain(r, r.l.T("intake.wait.title")), Wait: waitText(r.l, wait), Hidden: fields, Files: files}
	if r.Method == http.MethodPost {
		p.Switch = s.others(r, r.path)
		p.Again = r.URL.Path
		if at, ok := withoutFilesAt[r.path]; ok {
			p.Again, p.Switch = r.l.Path(at), s.others(r, at)
		}
	} else {
		p.Languages = s.others(r, r.path)
	}
	p.Status = http.StatusTooManyRequests
	retryAfter(w, wait)
	return s.pages.Write(w, r.l, "tunggu", p)
}

func retryAfter(w http.ResponseWriter, wait time.Duration) {
	w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
}

// waitText says how long.
func waitText(l *lang.Language, wait time.Duration) string {
	if s := int(math.Ceil(wait.Seconds())); s <= 90 {
		return l.T("intake.wait.seconds", "N", s)
	}
	return l.T("intake.wait.minutes", "N", int(math.Ceil(wait.Minutes())))
}

// look looks a case up by its code.
func (s *Server) look(r *request, sender *submission.Sender, code casecode.Code) (*submission.View, error) {
	client := s.client(r.Request)
	if wait := client.Look(); wait > 0 {
		return nil, &busy{wait}
	}
	view, err := sender.Look(r.Context(), code)
	if errors.Is(err, depositsock.ErrUnknown) {
		s.unknown(client)
	}
	return view, err
}

// unknown counts a code that nobody has.
func (s *Server) unknown(client limits.Client) {
	if client.Unknown() {
		s.config.Log.Warn("many codes are tried that no report has; it is said again in an hour, if it goes on")
	}
}

// admit lets a deposit begin, and its files come. Leave has to be called once they
// have; without it, the problem tells what is to be waited for.
func (s *Server) admit(w http.ResponseWriter, r *request, b *body, file *upload) (leave func(), problem string) {
	client := s.client(r.Request)
	if wait := client.Deposit(); wait > 0 {
		retryAfter(w, wait)
		return nil, r.l.T("intake.wait.deposits") + ". " + waitText(r.l, wait) + filesAgain(r.l, file)
	}
	if file == nil {
		return func() {}, ""
	}
	place, wait := s.place(w, r.Request)
	if wait > 0 {
		retryAfter(w, wait)
		return nil, r.l.T("intake.wait.places") + ". " + waitText(r.l, wait) + filesAgain(r.l, file)
	}
	b.meter.came = place.Came
	return place.Leave, ""
}

func filesAgain(l *lang.Language, file *upload) string {
	if file == nil {
		return ""
	}
	return " " + l.T("intake.check.files.again")
}

// place takes a place for what a request brings.
func (s *Server) place(w http.ResponseWriter, r *http.Request) (*limits.Place, time.Duration) {
	return s.client(r).Place(r.Context(), func() {
		_ = http.NewResponseController(w).SetReadDeadline(time.Now()) // the connection is gone otherwise
	})
}

// mostWithoutPlace is the size of a deposit that needs no place: of texts, whose
// files came before it or don't come.
const mostWithoutPlace = 4 << 20

// deposits lets nobody have more than a share of what passes to the vault's socket.
func (s *Server) deposits(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		client := s.client(r)
		var wait time.Duration
		placed := false
		endpoint := strings.TrimPrefix(r.URL.Path, socketPath)
		switch {
		case r.Method == http.MethodPatch:
			placed = true
		case r.Method != http.MethodPost:
		case endpoint == "files/":
			wait = client.File()
		case endpoint == "deposit":
			wait = client.Deposit()
			placed = r.ContentLength < 0 || r.ContentLength > mostWithoutPlace
		case endpoint == "lookup", endpoint == "destroy":
			wait = client.Look()
			w = &missed{w, func() { s.unknown(client) }}
		}
		if wait == 0 && placed {
			var place *limits.Place
			if place, wait = s.place(w, r); wait == 0 {
				defer place.Leave()
				in := *r
				in.Body = &counted{r.Body, place.Came}
				r = &in
			}
		}
		if wait > 0 {
			refuse(w, r, wait)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// missed notices that a code was looked up that nobody has.
type missed struct {
	http.ResponseWriter
	unknown func()
}

func (m *missed) WriteHeader(status int) {
	if status == http.StatusUnprocessableEntity {
		m.unknown()
	}
	m.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the connection.
func (m *missed) Unwrap() http.ResponseWriter { return m.ResponseWriter }

// counted counts what is read.
type counted struct {
	io.ReadCloser
	came func(int)
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.came(n)
	return n, err
}
