package intake_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"html"
	"io"
	"log/slog"
	"mime/multipart"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/crypto/seal"
	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/internal/serve"
	"suluh.example/suluh/internal/testkey"
	"suluh.example/suluh/vault"
	"suluh.example/suluh/vault/depositsock"
	"suluh.example/suluh/vault/membersock"
	"suluh.example/suluh/web/intake"
)

const origin = "suluh.example/uji"

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// member is somebody of the roster with private keys.
type member struct {
	id   id.Member
	age  *age.HybridIdentity
	note note.Signer
}

// world is a running vault with its sockets, a roster, and intake before it on
// a real connection.
type world struct {
	t        testing.TB
	dir      string
	url      string
	client   *http.Client // that opens its pages
	vault    *vault.Vault
	member   *membersock.Client
	root     note.Signer
	trust    note.Verifier // of the root key
	roster   *roster.Roster
	signed   []byte
	members  map[id.Member]*member
	intake   *intake.Server
	log      *lines
	vaultLog *lines
	stop     func() // of the vault's deposit socket
}

// lines is a log that can be looked into.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// config says how a world differs from the ordinary one.
type config struct {
	vault  vault.Config
	intake intake.Config
	stall  time.Duration
	roster func(*roster.Roster)
	lie    func(*vault.Vault) depositsock.Vault // a vault that isn't what it should be
	tls    *tls.Config                          // of intake
}

func newWorld(t testing.TB, c config) *world {
	t.Helper()
	ctx := t.Context()
	w := &world{t: t, dir: filepath.Join(t.TempDir(), "vault"), members: map[id.Member]*member{}, log: &lines{}, vaultLog: &lines{}, client: http.DefaultClient}
	root, rootKey, rootText := testkey.New(t, origin+"/root")
	w.root, w.trust = root, rootKey
	logKey, err := vault.Init(ctx, vault.InitConfig{Dir: w.dir, Origin: origin, RootKey: rootText, Zone: "Asia/Makassar"})
	must(t, err)
	c.vault.Dir, c.vault.Log = w.dir, slog.New(slog.NewTextHandler(w.vaultLog, nil))
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the vault's log:\n%s", w.vaultLog)
		}
	})
	w.vault, err = vault.Open(ctx, c.vault)
	must(t, err)
	t.Cleanup(func() { must(t, w.vault.Close()) })
	day := w.vault.DepositState().Day
	w.roster = &roster.Roster{
		Version: 1, Day: day, Origin: origin, LogKey: logKey,
		Units: []roster.Unit{
			{
				ID: "itprov", Name: map[string]string{"id": "Inspektorat Provinsi", "en": "Provincial Inspectorate"}, Other: "itjen",
				Contact: map[string]string{"id": "Jalan Contoh 1, Kota Contoh"},
			},
			{ID: "itkab", Name: map[string]string{"id": "Inspektorat Kabupaten Contoh"}, Other: "itprov", Handles: map[string]string{"id": "pegawai Kabupaten Contoh", "en": "staff of Contoh regency"}},
			{ID: "itjen", Name: map[string]string{"id": "Inspektorat Jenderal", "en": "Inspectorate General"}},
			{ID: "kosong", Name: map[string]string{"id": "Unit tanpa pembaca"}},
		},
	}
	w.join("penelaah-satu", "Penelaah Satu", "itprov")
	w.join("penelaah-dua", "Penelaah Dua", "itprov")
	w.join("penelaah-tiga", "Penelaah Tiga", "itjen")
	w.join("penelaah-empat", "Penelaah Empat", "itkab")
	if c.roster != nil {
		c.roster(w.roster)
	}
	w.install()
	var deposits depositsock.Vault = w.vault
	if c.lie != nil {
		deposits = c.lie(w.vault)
	}
	w.stop = w.listen("deposit.sock", depositsock.Handler(deposits))
	w.listen("member.sock", membersock.Handler(w.vault))
	w.member = membersock.NewClient(filepath.Join(w.dir, "member.sock"))

	c.intake.Vault = depositsock.NewClient(filepath.Join(w.dir, "deposit.sock"))
	c.intake.RootKey, c.intake.RootText = rootKey, rootText
	c.intake.Log = slog.New(slog.NewTextHandler(w.log, nil))
	c.intake.Clock, err = report.DefaultClock()
	must(t, err)
	w.intake, err = intake.New(c.intake)
	must(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	w.url = "http://" + l.Addr().String()
	if c.tls != nil {
		w.url = "https://" + l.Addr().String()
	}
	w.run(serve.Config{Listener: l, TLS: c.tls, Handler: w.intake, Log: slog.New(slog.NewTextHandler(w.log, nil)), Stall: c.stall, Drain: time.Second})
	return w
}

// join adds a reader to the roster, which install puts in force.
func (w *world) join(m id.Member, name string, unit id.Unit) {
	w.t.Helper()
	s, _, vkey := testkey.New(w.t, string(m))
	i, err := age.GenerateHybridIdentity()
	must(w.t, err)
	w.roster.Members = append(w.roster.Members, roster.Member{
		ID: m, Name: name, Unit: unit, Roles: []roster.Role{roster.Reader}, Recipient: i.Recipient().String(), Key: vkey, Since: w.roster.Day,
	})
	w.members[m] = &member{m, i, s}
}

// install signs the roster and puts it in force.
func (w *world) install() {
	w.t.Helper()
	if w.signed != nil {
		w.roster.Version++
		w.roster.Previous = roster.Digest(w.signed)
	}
	var err error
	w.signed, err = w.roster.Sign(w.root)
	must(w.t, err)
	must(w.t, w.vault.InstallRoster(w.t.Context(), w.signed))
}

func (w *world) listen(name string, h http.Handler) (stop func()) {
	w.t.Helper()
	l, err := serve.ListenUnix(filepath.Join(w.dir, name), 0o600)
	must(w.t, err)
	return w.run(serve.Config{Listener: l, Handler: h, Log: slog.New(slog.DiscardHandler), Drain: time.Second})
}

func (w *world) run(c serve.Config) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- serve.Run(ctx, c) }()
	stop = sync.OnceFunc(func() {
		cancel()
		must(w.t, <-done)
	})
	w.t.Cleanup(stop)
	return stop
}

// file is a file that is chosen in a form; a nil one is a field left empty.
type file struct {
	field, name string
	r           io.Reader
}

func bytesFile(name string, b []byte) file { return file{"berkas", name, bytes.NewReader(b)} }

// answer is a page that came back.
type answer struct {
	*http.Response
	body string
}

// get opens a page.
func (w *world) get(path string) *answer {
	w.t.Helper()
	r, err := w.client.Get(w.url + path)
	must(w.t, err)
	return w.read(r)
}

func (w *world) read(r *http.Response) *answer {
	w.t.Helper()
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	must(w.t, err)
	checkPage(w.t, r, string(b))
	return &answer{r, string(b)}
}

// post sends a form as browsers do.
func (w *world) post(path string, fields url.Values, files ...file) *answer {
	w.t.Helper()
	r, err := w.tryPost(path, fields, files...)
	must(w.t, err)
	return w.read(r)
}

func (w *world) tryPost(path string, fields url.Values, files ...file) (*http.Response, error) {
	pr, pw := io.Pipe()
	m := multipart.NewWriter(pw)
	go func() { pw.CloseWithError(writeForm(m, fields, files)) }()
	req, err := http.NewRequestWithContext(w.t.Context(), "POST", w.url+path, pr)
	must(w.t, err)
	req.Header.Set("Content-Type", m.FormDataContentType())
	req.Header.Set("Origin", w.url)
	return w.client.Do(req)
}

func writeForm(m *multipart.Writer, fields url.Values, files []file) error {
	for name, values := range fields {
		for _, v := range values {
			if err := m.WriteField(name, v); err != nil {
				return err
			}
		}
	}
	for _, f := range files {
		h := textproto.MIMEHeader{}
		h.Set("Content-Disposition", fmt.Sprintf(`form-data; name="%s"; filename="%s"`, f.field, strings.ReplaceAll(f.name, `"`, "%22")))
		h.Set("Content-Type", "application/octet-stream")
		p, err := m.CreatePart(h)
		if err != nil {
			return err
		}
		if f.r == nil {
			continue
		}
		if _, err := io.Copy(p, f.r); err != nil {
			return err
		}
	}
	return m.Close()
}

var (
	inputs    = regexp.MustCompile(`<input type="(hidden|text|radio|checkbox)"[^>]*>`)
	textareas = regexp.MustCompile(`(?s)<textarea id="[^"]*" name="([^"]*)"[^>]*>\n(.*?)</textarea>`)
	attribute = regexp.MustCompile(`(?s) (name|value)="([^"]*)"`)
	formTag   = regexp.MustCompile(`(?s)<form method="post" action="([^"]*)"[^>]*>(.*?)</form>`)
)

// form returns what the form with this address would send if it were sent as
// it stands.
func (a *answer) form(t testing.TB, action string) url.Values {
	t.Helper()
	for _, f := range formTag.FindAllStringSubmatch(a.body, -1) {
		if f[1] != action {
			continue
		}
		v := url.Values{}
		for _, in := range inputs.FindAllStringSubmatch(f[2], -1) {
			if (in[1] == "radio" || in[1] == "checkbox") && !strings.Contains(in[0], " checked") {
				continue
			}
			at := map[string]string{}
			for _, x := range attribute.FindAllStringSubmatch(in[0], -1) {
				at[x[1]] = html.UnescapeString(x[2])
			}
			v.Add(at["name"], at["value"])
		}
		for _, x := range textareas.FindAllStringSubmatch(f[2], -1) {
			v.Add(x[1], html.UnescapeString(x[2]))
		}
		return v
	}
	t.Fatalf("there is no form to %s in\n%s", action, a.body)
	return nil
}

var words = regexp.MustCompile(`(?s)<ol class="code" lang="id">\n(.*?)</ol>`)

// code reads the code off the page.
func (a *answer) code(t testing.TB) string {
	t.Helper()
	m := words.FindStringSubmatch(a.body)
	if m == nil {
		t.Fatalf("there is no code on the page (%s)\n%s", a.Status, a.body)
	}
	return strings.Join(strings.Fields(strings.NewReplacer("<li>", " ", "</li>", " ").Replace(m[1])), " ")
}

// want fails unless the page has the status and each of the texts.
func (a *answer) want(t testing.TB, status int, texts ...string) {
	t.Helper()
	if a.StatusCode != status {
		t.Errorf("status %d, want %d", a.StatusCode, status)
	}
	for _, s := range texts {
		if !strings.Contains(a.body, s) {
			_, main, _ := strings.Cut(a.body, "<main")
			t.Errorf("there is no %q in\n%s", s, main)
		}
	}
}

var (
	tags           = regexp.MustCompile(`<[a-z][^>]*>`)
	attributeValue = regexp.MustCompile(`="[^"]*"`)
)

// script is the one script, which two forms have.
var script = regexp.MustCompile(`<script src="/peramban/app\.js" integrity="(sha384-(?:[A-Za-z0-9/]|&#43;){64})" defer></script>`)

var template = regexp.MustCompile(`(?s)(<template id="[^"]*"[^>]*>).*?</template>`)

const scriptPolicy = "; script-src 'self'; connect-src 'self'; worker-src 'self'; trusted-types suluh"

// checkPage holds what every page of intake keeps.
func checkPage(t testing.TB, r *http.Response, body string) {
	t.Helper()
	h := r.Header
	if len(h["Set-Cookie"]) > 0 {
		t.Error("a cookie is set")
	}
	if h.Get("Content-Security-Policy") == "" || h.Get("Referrer-Policy") != "same-origin" || h.Get("Cross-Origin-Opener-Policy") != "same-origin" {
		t.Errorf("headers: %v", h)
	}
	if r.Request.Method == "POST" && h.Get("Cache-Control") != "no-store" {
		t.Errorf("the answer of a POST may be kept: %s", h.Get("Cache-Control"))
	}
	if !strings.HasPrefix(body, "<!doctype html>") {
		t.Fatalf("not a page: %s %.100q", r.Status, body)
	}
	if !regexp.MustCompile(`<html lang="(id|en)" dir="ltr">`).MatchString(body) || strings.Count(body, "<h1>") != 1 {
		t.Error("no language, or not one h1")
	}
	if strings.Contains(body, "[intake.") || strings.Contains(body, "&lt;no value&gt;") || strings.Contains(body, "ZgotmplZ") {
		t.Errorf("a message or a value is missing:\n%s", body)
	}
	policy := h.Get("Content-Security-Policy")
	if n := len(script.FindAllString(body, -1)); n > 1 || strings.Contains(policy, scriptPolicy) != (n == 1) || strings.Contains(policy, "unsafe") {
		t.Errorf("%d scripts, with the policy %s", n, policy)
	}
	for _, tag := range tags.FindAllString(script.ReplaceAllString(body, ""), -1) {
		tag = attributeValue.ReplaceAllString(tag, "")
		for _, banned := range []string{"<script", "<img", "<svg", "<video", "<iframe", "<object", "<meta http-equiv", " style", " onload", " onclick", " onfocus", " onerror"} {
			if strings.Contains(strings.ToLower(tag), banned) {
				t.Errorf("the page has %s", tag)
			}
		}
	}
	if problems := strings.Contains(body, `class="box err" role="group" tabindex="-1" autofocus`); problems != regexp.MustCompile("<title>(Ada masalah|Problem): ").MatchString(body) {
		t.Error("title and summary disagree on whether there is a problem")
	}
	// Nothing is loaded from anywhere, and no link leads away but the one out.
	for _, m := range regexp.MustCompile(` (?:href|src|action|formaction)="([^"]*)"`).FindAllStringSubmatch(inputs.ReplaceAllString(body, ""), -1) {
		if to := m[1]; !strings.HasPrefix(to, "/") && !strings.HasPrefix(to, "#") && to != "data:," && to != "https://www.bmkg.go.id/" || strings.ContainsAny(to, "?&") {
			t.Errorf("the page leads to %s", to)
		}
	}
	if n := strings.Count(body, "<style>") + strings.Count(body, "<link "); n != 2 {
		t.Errorf("%d styles and links", n)
	}
	for _, m := range regexp.MustCompile(`<li><a href="#([^"]*)">`).FindAllStringSubmatch(body, -1) {
		if !strings.Contains(body, ` id="`+m[1]+`"`) || !strings.Contains(body, ` id="`+m[1]+`-e"`) {
			t.Errorf("the problem at %s has no field or no message there", m[1])
		}
	}
	if r.Request.Method == "GET" && len(template.ReplaceAllString(body, "")) > 30<<10 {
		t.Errorf("the page has %d bytes", len(body))
	}
	seen := map[string]bool{}
	// What a template has in it is not in the page.
	for _, m := range regexp.MustCompile(` id="([^"]*)"`).FindAllStringSubmatch(template.ReplaceAllString(body, "$1"), -1) {
		if seen[m[1]] {
			t.Errorf("id %s is there twice", m[1])
		}
		seen[m[1]] = true
	}
}

// typical is what somebody types.
func typical() url.Values {
	return url.Values{
		"unit": {"itprov"}, "apa": {"Uang perjalanan dinas dibayar dua kali"}, "bagaimana": {"Kuitansi dipakai lagi"},
		"siapa": {"bendahara"}, "jenis": {"korupsi"}, "rugi": {"2,5 juta"},
	}
}

// with returns the values with one more or another.
func with(v url.Values, name string, values ...string) url.Values {
	c := url.Values{}
	for k, x := range v {
		c[k] = x
	}
	c[name] = values
	return c
}

// report goes from the form over the check page to the code.
func (w *world) report(v url.Values, files ...file) *answer {
	w.t.Helper()
	checked := w.post("/lapor/periksa", v)
	checked.want(w.t, 200, "<h1>Periksa, lalu kirim laporan</h1>")
	return w.post("/lapor/kirim", checked.form(w.t, "/lapor/kirim"), files...)
}

// opened is a case as one of its readers sees it.
type opened struct {
	of          id.Case
	key         *seal.CaseKey
	letters     []report.Letter
	attachments [][]byte
}

// act sends a statement and returns the answer with its objects.
func (w *world) act(m *member, s accesslog.Statement, handed ...membersock.Handed) (membersock.ActAnswer, map[id.Digest][]byte) {
	w.t.Helper()
	s.Log, s.Member, s.Time, s.Seen = origin, m.id, time.Now(), accesslog.EmptyTree()
	copy(s.Nonce[:], id.NewCase())
	for _, h := range handed {
		s.Objects = append(s.Objects, h.Object)
	}
	msg, err := s.Sign(m.note)
	must(w.t, err)
	a, err := w.member.Act(w.t.Context(), msg, nil, handed)
	must(w.t, err)
	defer a.Close()
	got := map[id.Digest][]byte{}
	for {
		o, r, err := a.Next()
		if err == io.EOF {
			return a.ActAnswer, got
		}
		must(w.t, err)
		got[o.Digest], err = io.ReadAll(r)
		must(w.t, err)
	}
}

// cases opens all that a member can read, with attachments.
func (w *world) cases(name id.Member) (all []opened) {
	w.t.Helper()
	m := w.members[name]
	list, wraps := w.act(m, accesslog.Statement{Action: accesslog.List})
	for _, c := range list.Cases {
		key, err := seal.Unwrap(wraps[c.Wrap], m.age)
		must(w.t, err)
		x := opened{of: c.Case, key: key}
		a, objects := w.act(m, accesslog.Statement{Action: accesslog.Open, Case: c.Case})
		contents := a.Case.Objects
		for _, o := range a.Case.Objects {
			if o.Role != id.RoleLetter {
				continue
			}
			text, err := seal.OpenDocument(objects[o.Digest], key.Identities()...)
			must(w.t, err)
			l, err := report.Decode[report.Letter](text, c.Case)
			must(w.t, err)
			x.letters = append(x.letters, l)
		}
		// Objects of one day come in no order: the form goes first.
		slices.SortStableFunc(x.letters, func(a, b report.Letter) int { return cmp.Compare(a.Text, b.Text) })
		for _, l := range x.letters {
			for _, at := range l.Attachments {
				i := slices.IndexFunc(contents, func(o membersock.CaseObject) bool { return o.Digest == at.Object })
				_, got := w.act(m, accesslog.Statement{Action: accesslog.Open, Case: c.Case, Objects: []id.Object{contents[i].Object}})
				r, err := seal.OpenContent(bytes.NewReader(got[at.Object]), at.Size, at.Object, key.Identities()...)
				must(w.t, err)
				b, err := io.ReadAll(r)
				must(w.t, err)
				x.attachments = append(x.attachments, b)
			}
		}
		all = append(all, x)
	}
	return all
}

// answer sends a member's answer to the reporter.
func (w *world) answer(name id.Member, x opened, a report.Answer) {
	w.t.Helper()
	m := w.members[name]
	a.V, a.Case, a.Day, a.Time = 1, x.of, w.roster.Day, time.Now().UTC()
	doc, err := report.Sign(a, m.note)
	must(w.t, err)
	to, err := seal.ParseRecipient(x.letters[0].Reporter)
	must(w.t, err)
	sealed, err := seal.SealDocument(doc, seal.DocumentFloor, to, x.key.Recipient())
	must(w.t, err)
	action := accesslog.Reply
	if a.Status != "" {
		action = accesslog.Status
	}
	w.act(m, accesslog.Statement{Action: action, Case: x.of}, membersock.Handed{Object: seal.Describe(id.RoleAnswer, sealed), Sealed: sealed})
}

// nothing fails if the vault keeps anything of a deposit.
func (w *world) nothing() {
	w.t.Helper()
	left := func() int {
		blobs, err := filepath.Glob(filepath.Join(w.dir, "blobs", "*"))
		must(w.t, err)
		tmp, err := filepath.Glob(filepath.Join(w.dir, "blobs", "tmp", "*"))
		must(w.t, err)
		return len(blobs) - 1 + len(tmp)
	}
	// The vault learns of a break a moment after it happened.
	for deadline := time.Now().Add(20 * time.Second); left() > 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			w.t.Fatalf("%d files are left", left())
		}
	}
	if n, err := w.vault.Batch(w.t.Context()); err != nil || n != 0 {
		w.t.Errorf("%d deposits are left, %v", n, err)
	}
}
