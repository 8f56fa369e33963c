package intake_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"math"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/internal/serve"
	"suluh.example/suluh/internal/submission"
	"suluh.example/suluh/vault"
	"suluh.example/suluh/vault/depositsock"
	"suluh.example/suluh/vault/wire"
	"suluh.example/suluh/web/intake"
)

// outside is a client of the socket as intake offers it.
func (w *world) outside() *depositsock.Client {
	w.t.Helper()
	rt := &http.Transport{}
	w.t.Cleanup(rt.CloseIdleConnections)
	c, err := depositsock.NewClientAt(w.url+"/", rt)
	must(w.t, err)
	return c
}

// checked is a sender who trusts the root key alone.
func (w *world) checked(c *depositsock.Client) (*submission.Sender, error) {
	w.t.Helper()
	p, err := c.RosterProof(w.t.Context())
	must(w.t, err)
	r, digest, err := submission.CheckRoster(p, w.trust, id.DayOf(time.Now(), time.UTC))
	if err != nil {
		return nil, err
	}
	return submission.NewSender(c, r, digest)
}

func sealedForm() submission.Form {
	f := submission.Form{
		To: submission.Readers{Unit: "itprov"}, Language: "id",
		Report: report.Report{What: "Uang perjalanan dinas dibayar dua kali", Category: "korupsi"},
	}
	f.Seed = submission.NewSeed()
	return f
}

// TestSealedBeforeItIsSent: whoever seals a report on the own device sends it
// through intake, and follows it with the code.
func TestSealedBeforeItIsSent(t *testing.T) {
	w := newWorld(t, config{})
	s, err := w.checked(w.outside())
	must(t, err)
	f := sealedForm()
	file := make([]byte, 3<<20)
	rand.Read(file)
	for _, want := range []depositsock.Result{depositsock.New, depositsock.Same} {
		sub, err := s.Begin(t.Context(), s.Roster().Day, f)
		must(t, err)
		_, err = sub.Attach("bukti.bin", "application/octet-stream", bytes.NewReader(file))
		must(t, err)
		got, err := sub.Commit(t.Context())
		must(t, err)
		if got.Outcome != want || len(got.Receipt) == 0 {
			t.Errorf("got %q, want %q", got.Outcome, want)
		}
	}
	cases := w.cases("penelaah-satu")
	if len(cases) != 1 || len(cases[0].attachments) != 1 || !bytes.Equal(cases[0].attachments[0], file) {
		t.Errorf("the reader has %d cases, or not the file", len(cases))
	}
	code, err := submission.CodeOf(f.Seed, f.To)
	must(t, err)
	v, err := s.Look(t.Context(), code)
	must(t, err)
	if len(v.Warnings) > 0 {
		t.Errorf("warnings: %v", v.Warnings)
	}
	var unknown submission.Seed
	code, err = submission.CodeOf(unknown, f.To)
	must(t, err)
	if _, err := s.Look(t.Context(), code); !errors.Is(err, depositsock.ErrUnknown) {
		t.Errorf("a code that no case has: %v", err)
	}
	if log := w.log.String(); log != "" {
		t.Errorf("the log tells of requests: %s", log)
	}
}

// TestAnOldRosterThroughIntake is noticed by who seals, whoever serves it.
func TestAnOldRosterThroughIntake(t *testing.T) {
	var old *depositsock.RosterProof
	var word string
	w := newWorld(t, config{lie: func(v *vault.Vault) depositsock.Vault { return &oldRoster{v, &old, &word} }})
	c := w.outside()
	first, err := c.RosterProof(t.Context())
	must(t, err)
	w.join("penelaah-lima", "Penelaah Lima", "itprov")
	w.install()
	s, err := w.checked(c)
	must(t, err)
	if s.Roster().Version != 2 {
		t.Errorf("got version %d", s.Roster().Version)
	}
	now, err := c.RosterProof(t.Context())
	must(t, err)
	old = &first
	word = now.InForce
	if _, err := w.checked(c); !errors.Is(err, submission.ErrRosterOld) {
		t.Errorf("got %v, want %v", err, submission.ErrRosterOld)
	}
}

// oldRoster is a vault, or an intake, that serves a roster of before.
type oldRoster struct {
	*vault.Vault
	proof **depositsock.RosterProof
	word  *string
}

func (o *oldRoster) RosterProof(ctx context.Context) (depositsock.RosterProof, error) {
	if *o.proof == nil {
		return o.Vault.RosterProof(ctx)
	}
	p := **o.proof
	p.InForce = *o.word // of today
	return p, nil
}

// seen is what came to the vault.
type seen struct {
	mu   sync.Mutex
	all  []*http.Request
	body []byte
}

// TestOnlyWhatIsAllowedPasses: intake hands on no header but those of the
// socket, no address and no query, and no path or method that isn't the socket's;
// and takes no other header back.
func TestOnlyWhatIsAllowedPasses(t *testing.T) {
	var s seen
	dir := t.TempDir()
	l, err := serve.ListenUnix(filepath.Join(dir, "d"), 0o600)
	must(t, err)
	w := &world{t: t}
	w.run(serve.Config{Listener: l, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		s.all, s.body = append(s.all, r), b
		s.mu.Unlock()
		w.Header().Set("Server", "vault")
		w.Header().Set("Set-Cookie", "a=b")
		w.Header().Set("Upload-Offset", "7")
		w.Header().Set("Location", "/deposit/v1/files/0")
	})})
	clock, err := report.DefaultClock()
	must(t, err)
	h, err := intake.New(intake.Config{Vault: depositsock.NewClient(filepath.Join(dir, "d")), Clock: clock})
	must(t, err)
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	w.run(serve.Config{Listener: tcp, Handler: h})
	ask := func(method, path string) *http.Response {
		req, err := http.NewRequest(method, "http://"+tcp.Addr().String()+path, strings.NewReader("isi"))
		must(t, err)
		for k, v := range map[string]string{
			"User-Agent": "pelapor", "Cookie": "a=b", "X-Forwarded-For": "192.0.2.1", "Forwarded": "for=192.0.2.1", "Referer": "http://a.example/",
			"Accept-Language": "id", "X-HTTP-Method-Override": "DELETE", "Authorization": "Basic YQ==", "Origin": "http://" + tcp.Addr().String(),
			"Tus-Resumable": "1.0.0", "Upload-Length": "3", "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream",
		} {
			req.Header.Set(k, v)
		}
		r, err := http.DefaultClient.Do(req)
		must(t, err)
		r.Body.Close()
		return r
	}
	upload := "/deposit/v1/files/" + id.NewUpload().Hex()
	for _, c := range []struct{ method, path string }{
		{"GET", "/deposit/v1/state"},
		{"GET", "/deposit/v1/roster"},
		{"GET", "/deposit/v1/roster/proof?siapa=saya"},
		{"POST", "/deposit/v1/lookup"},
		{"POST", "/deposit/v1/deposit"},
		{"POST", "/deposit/v1/destroy"},
		{"POST", "/deposit/v1/files/"},
		{"HEAD", upload},
		{"PATCH", upload},
		{"DELETE", upload},
	} {
		s.all = nil
		r := ask(c.method, c.path)
		if r.StatusCode != 200 || len(s.all) != 1 {
			t.Errorf("%s %s: %s, and the vault is asked %d times", c.method, c.path, r.Status, len(s.all))
			continue
		}
		got := s.all[0]
		if path, _, _ := strings.Cut(c.path, "?"); got.Method != c.method || got.URL.Path != path || got.URL.RawQuery != "" || string(s.body) != "isi" {
			t.Errorf("%s %s: the vault is asked for %s %s", c.method, c.path, got.Method, got.URL)
		}
		for k := range got.Header {
			switch k {
			case "Content-Type", "Content-Length", "Tus-Resumable", "Upload-Length", "Upload-Offset":
			case "Accept-Encoding": // of every request of ours
				if got.Header.Get(k) != "gzip" {
					t.Errorf("%s is the client's", k)
				}
			default:
				t.Errorf("%s: the vault is told %s", c.path, k)
			}
		}
		if got.Host != "vault" || r.Header.Get("Server") != "" || r.Header.Get("Set-Cookie") != "" {
			t.Errorf("%s: host %q, and headers come back that should not: %v", c.path, got.Host, r.Header)
		}
		if r.Header.Get("Upload-Offset") != "7" || r.Header.Get("Location") != "/deposit/v1/files/0" {
			t.Errorf("%s: headers that should come back don't: %v", c.path, r.Header)
		}
		if r.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: a cache may keep it", c.path)
		}
	}
	for _, c := range []struct {
		method, path string
		status       int
	}{
		{"POST", "/deposit/v1/state", 405},
		{"GET", "/deposit/v1/deposit", 405},
		{"GET", upload, 405},
		{"POST", upload, 405},
		{"OPTIONS", "/deposit/v1/files/", 405},
		{"GET", "/deposit/v1/", 404},
		{"GET", "/deposit/v1/files", 404},
		{"GET", "/deposit/v1/cases", 404},
		{"PATCH", upload + "/x", 404},
		{"PATCH", "/deposit/v1/files/..%2fvault.db", 404},
		{"HEAD", "/deposit/v1/files/../state", 404},
		{"GET", "/deposit/v2/state", 404},
	} {
		s.all = nil
		if r := ask(c.method, c.path); r.StatusCode != c.status || len(s.all) != 0 {
			t.Errorf("%s %s: %s, want %d; the vault is asked %d times", c.method, c.path, r.Status, c.status, len(s.all))
		}
	}
	// A page of somebody else's can't make a reporter's browser do it.
	s.all = nil
	req, err := http.NewRequest("POST", "http://"+tcp.Addr().String()+"/deposit/v1/lookup", nil)
	must(t, err)
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	r, err := http.DefaultClient.Do(req)
	must(t, err)
	r.Body.Close()
	if r.StatusCode != 403 || len(s.all) != 0 {
		t.Errorf("from another site: %s", r.Status)
	}
}

// TestTheVaultIsAwayForClientsToo, who are told so, and can try again.
func TestTheVaultIsAwayForClientsToo(t *testing.T) {
	w := newWorld(t, config{})
	s, err := w.checked(w.outside())
	must(t, err)
	w.stop()
	sub, err := s.Begin(t.Context(), s.Roster().Day, sealedForm())
	if err == nil {
		_, err = sub.Commit(t.Context())
		sub.Abort()
	}
	if !errors.Is(err, wire.ErrUnreachable) {
		t.Errorf("got %v, want %v", err, wire.ErrUnreachable)
	}
	if _, err := w.outside().State(t.Context()); !errors.Is(err, wire.ErrUnreachable) {
		t.Errorf("got %v, want %v", err, wire.ErrUnreachable)
	}
}

// TestRefusedWhileMuchIsOnItsWay: a client that has much more to send when it
// is refused learns why.
func TestRefusedWhileMuchIsOnItsWay(t *testing.T) {
	w := newWorld(t, config{})
	c := w.outside()
	s, err := w.checked(c)
	must(t, err)
	w.join("penelaah-lima", "Penelaah Lima", "itprov")
	w.install()
	sub, err := s.Begin(t.Context(), s.Roster().Day, sealedForm())
	if err == nil {
		defer sub.Abort()
		if _, err = sub.Attach("bukti.bin", "", zeros("a", 64<<20).r); err == nil {
			_, err = sub.Commit(t.Context())
		}
	}
	if !errors.Is(err, depositsock.ErrRoster) {
		t.Errorf("got %v, want %v", err, depositsock.ErrRoster)
	}
	w.nothing()
	if _, err := w.outside().State(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestBrokenOffOutsideLeavesNothing behind in the vault.
func TestBrokenOffOutsideLeavesNothing(t *testing.T) {
	w := newWorld(t, config{})
	s, err := w.checked(w.outside())
	must(t, err)
	sub, err := s.Begin(t.Context(), s.Roster().Day, sealedForm())
	must(t, err)
	_, err = sub.Attach("bukti.bin", "", zeros("a", 4<<20).r)
	must(t, err)
	sub.Abort()
	w.nothing()
}

// lossy is a way to intake on which connections get lost: one in so many, at a
// point that is drawn, or when the answer comes. It counts what clients send.
type lossy struct {
	l    net.Listener
	to   string
	sent atomic.Int64
	cuts atomic.Int64

	mu   sync.Mutex
	dice *mathrand.Rand
	lose float64
	most int64 // where a connection is cut at the latest, in bytes
}

func (w *world) lossy(seed uint64, lose float64, most int64) *lossy {
	w.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(w.t, err)
	x := &lossy{l: l, to: strings.TrimPrefix(w.url, "http://"), dice: mathrand.New(mathrand.NewPCG(seed, seed)), lose: lose, most: most}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { x.pass(c.(*net.TCPConn)) })
		}
	})
	w.t.Cleanup(func() {
		l.Close()
		all.Wait()
	})
	return x
}

func (x *lossy) pass(c *net.TCPConn) {
	defer c.Close()
	there, err := net.Dial("tcp", x.to)
	if err != nil {
		return
	}
	d := there.(*net.TCPConn)
	defer d.Close()
	x.mu.Lock()
	left, silent := int64(math.MaxInt64), false
	lost, at, how := x.dice.Float64() < x.lose, 1+x.dice.Int64N(x.most), x.dice.IntN(3)
	x.mu.Unlock()
	hard := how == 1 // as when a machine on the way forgets the connection
	if lost && how == 2 {
		silent = true
	} else if lost {
		left = at
	}
	back := make(chan struct{})
	go func() {
		defer close(back)
		if silent {
			_, _ = d.Read(make([]byte, 1))
			x.cuts.Add(1)
			c.Close()
			d.Close()
			return
		}
		_, _ = io.Copy(c, d)
		_ = c.CloseWrite()
	}()
	buf := make([]byte, 32<<10)
	for {
		n, err := c.Read(buf[:min(int64(len(buf)), left)])
		x.sent.Add(int64(n))
		if _, werr := d.Write(buf[:n]); werr != nil || err != nil {
			_ = d.CloseWrite()
			break
		}
		if left -= int64(n); left == 0 {
			x.cuts.Add(1)
			if hard {
				_ = c.SetLinger(0)
				_ = d.SetLinger(0)
			}
			c.Close()
			d.Close()
			break
		}
	}
	<-back
}

func (x *lossy) client(t testing.TB) *depositsock.Client {
	t.Helper()
	// A connection for each request, so that each may be lost.
	c, err := depositsock.NewClientAt("http://"+x.l.Addr().String(), &http.Transport{DisableKeepAlives: true})
	must(t, err)
	return c
}

// random is a file of so many random bytes that can be read again.
func random(n int64) io.Reader {
	return io.LimitReader(mathrand.NewChaCha8([32]byte{1}), n)
}

// TestUploadsArriveAlthoughConnectionsAreLost: of twenty connections one is lost;
// 200 MiB arrive, and each byte is sent at most 1.1 times.
func TestUploadsArriveAlthoughConnectionsAreLost(t *testing.T) {
	w := newWorld(t, config{})
	way := w.lossy(1, 0.05, 8<<20)
	s, err := w.checked(way.client(t))
	must(t, err)
	const size = 200 << 20
	f := sealedForm()
	sub, err := s.Begin(t.Context(), s.Roster().Day, f)
	must(t, err)
	defer sub.Abort()
	way.sent.Store(0)
	var broke, last atomic.Int64
	must(t, sub.AttachFile(t.Context(), "bukti.bin", "application/octet-stream", size, random(size), depositsock.Watch{
		Waiting: func() { broke.Add(1) }, Sent: func(n int64) { last.Store(n) },
	}))
	sealed := last.Load()
	if n := way.sent.Load(); sealed < size || n > sealed+sealed/10 {
		t.Errorf("%d bytes were sent for %d", n, sealed)
	}
	got, err := sub.Commit(t.Context())
	must(t, err)
	if got.Outcome != depositsock.New {
		t.Errorf("got %q", got.Outcome)
	}
	t.Logf("%d of the connections were lost; %.3f bytes were sent for each", way.cuts.Load(), float64(way.sent.Load())/float64(sealed))
	if way.cuts.Load() < 2 || broke.Load() < way.cuts.Load() {
		t.Errorf("%d connections were lost, and %d losses noticed: the test did not try what it should", way.cuts.Load(), broke.Load())
	}
	want, err := io.ReadAll(random(size))
	must(t, err)
	cases := w.cases("penelaah-satu")
	if len(cases) != 1 || len(cases[0].attachments) != 1 || !bytes.Equal(cases[0].attachments[0], want) {
		t.Error("the file isn't as it was sent")
	}
}

// TestManyLosses: half of all connections are lost, early, so that answers get
// lost as well, those to a commit among them; everything arrives once.
func TestManyLosses(t *testing.T) {
	w := newWorld(t, config{})
	way := w.lossy(7, 0.5, 4000)
	s, err := w.checked(w.outside())
	must(t, err)
	r, digest := s.Roster(), roster.Digest(w.signed)
	s, err = submission.NewSender(way.client(t), r, digest)
	must(t, err)
	const size = 30_000
	for n := range 5 {
		sub, err := s.Begin(t.Context(), r.Day, sealedForm())
		must(t, err)
		for range 2 {
			must(t, sub.AttachFile(t.Context(), "bukti.bin", "", size, random(size), depositsock.Watch{}))
		}
		_, err = sub.Commit(t.Context())
		must(t, err)
		sub.Abort()
		if cases := w.cases("penelaah-satu"); len(cases) != n+1 || len(cases[n].attachments) != 2 || len(cases[n].letters) != 1 {
			t.Fatalf("%d cases, want %d", len(cases), n+1)
		}
	}
	if way.cuts.Load() < 10 {
		t.Errorf("%d connections were lost: the test did not try what it should", way.cuts.Load())
	}
}

// TestAFileThatChanges between being measured and being read isn't sent, and
// what has come of it is taken away.
func TestAFileThatChanges(t *testing.T) {
	w := newWorld(t, config{})
	s, err := w.checked(w.outside())
	must(t, err)
	for _, size := range []int64{10_000, 100_000, 9 << 20} {
		for _, is := range []int64{0, size - 1, size + 1, 3 * size} {
			sub, err := s.Begin(t.Context(), s.Roster().Day, sealedForm())
			must(t, err)
			if err := sub.AttachFile(t.Context(), "bukti.bin", "", size, random(is), depositsock.Watch{}); !errors.Is(err, submission.ErrChanged) {
				t.Errorf("%d bytes of %d: %v", is, size, err)
			}
			sub.Abort()
		}
	}
	if left, err := filepath.Glob(filepath.Join(w.dir, "uploads", "*")); err != nil || len(left) != 0 {
		t.Errorf("%d uploads are left, %v", len(left), err)
	}
	w.nothing()
}

// TestUploadsThatStop: whoever stops in the middle leaves nothing, and what the
// vault refuses is said at once.
func TestUploadsThatStop(t *testing.T) {
	w := newWorld(t, config{vault: vault.Config{MaxBytes: 20 << 20}})
	s, err := w.checked(w.outside())
	must(t, err)
	ctx, stop := context.WithCancel(t.Context())
	sub, err := s.Begin(t.Context(), s.Roster().Day, sealedForm())
	must(t, err)
	err = sub.AttachFile(ctx, "bukti.bin", "", 18<<20, random(18<<20), depositsock.Watch{Sent: func(n int64) {
		if n > 9<<20 {
			stop()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if err := sub.AttachFile(t.Context(), "bukti.bin", "", 30<<20, random(30<<20), depositsock.Watch{}); !errors.Is(err, depositsock.ErrTooLarge) {
		t.Errorf("got %v", err)
	}
	sub.Abort()
	if left, err := filepath.Glob(filepath.Join(w.dir, "uploads", "*")); err != nil || len(left) != 0 {
		t.Errorf("%d uploads are left, %v", len(left), err)
	}
	// One that was swept, or ended by somebody, has to begin anew.
	u, err := w.outside().Upload(t.Context(), 1<<20, depositsock.Watch{})
	must(t, err)
	defer u.Abort()
	req, err := http.NewRequest(http.MethodDelete, w.url+depositsock.Files+u.ID().Hex(), nil)
	must(t, err)
	req.Header.Set("Tus-Resumable", "1.0.0")
	r, err := http.DefaultClient.Do(req)
	must(t, err)
	r.Body.Close()
	if _, err = u.Write(make([]byte, 1<<20)); err == nil {
		err = u.Close()
	}
	if !errors.Is(err, depositsock.ErrUpload) {
		t.Errorf("got %v", err)
	}
}
