package main

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/casecode"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/internal/forward/queuetest"
	"suluh.example/suluh/internal/member"
	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/internal/serve"
	"suluh.example/suluh/internal/submission"
	"suluh.example/suluh/internal/world"
)

// office is a queue that counts what it takes.
type office struct {
	*httptest.Server

	mu     sync.Mutex
	taken  []map[string]any // in their order
	status string
	answer string
	at     func(point string, r *http.Request) // called with the lock free
}

// newOffice starts a queue. Its points are "asked", before it takes a complaint, and
// "taken", before it says so.
func newOffice(t *testing.T) *office {
	t.Helper()
	q := &office{status: "baru", at: func(string, *http.Request) {}}
	m := http.NewServeMux()
	m.HandleFunc("POST /aduan", func(w http.ResponseWriter, r *http.Request) {
		var c map[string]any
		if err := json.NewDecoder(r.Body).Decode(&c); err != nil {
			http.Error(w, "{}", http.StatusBadRequest)
			return
		}
		q.at("asked", r)
		q.mu.Lock()
		q.taken = append(q.taken, c)
		n := len(q.taken)
		q.mu.Unlock()
		q.at("taken", r)
		fmt.Fprintf(w, `{"id": %d}`, 1000000+n)
	})
	m.HandleFunc("GET /aduan", func(w http.ResponseWriter, r *http.Request) {
		q.mu.Lock()
		defer q.mu.Unlock()
		list := []any{}
		for i, c := range q.taken {
			if c["rujukan"] == r.FormValue("rujukan") {
				list = append(list, map[string]any{"id": 1000001 + i, "rujukan": c["rujukan"]})
			}
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"data": list})
	})
	m.HandleFunc("GET /aduan/{id}", func(w http.ResponseWriter, _ *http.Request) {
		q.mu.Lock()
		defer q.mu.Unlock()
		_ = json.NewEncoder(w).Encode(map[string]any{"status": q.status, "jawaban": q.answer})
	})
	q.Server = httptest.NewServer(m)
	t.Cleanup(q.Close)
	return q
}

func (q *office) count() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.taken)
}

// config is a forwarder's configuration for the queue, in a hurry.
func (q *office) config(find bool) string {
	lookup := ""
	if find {
		lookup = `
[http.find]
path = "/aduan"
query = { rujukan = "{{.Reference}}" }
list = "data"
id = "id"
complete = true
`
	}
	return fmt.Sprintf(`
queue = "http"
[times]
vault = "50ms"
status = "100ms"
after_error = "100ms"
retry = "20ms"
retry_most = "100ms"
settle = "2s"
[http]
base = %q
timeout = "2s"
[http.send]
path = "/aduan"
id = "id"
[http.send.json]
rujukan = "{{.Reference}}"
judul = "{{.Title}}"
isi = "{{.Text}}"
tanggal = "{{.Day}}"
%s
[http.status]
path = "/aduan/{{.Tracking}}"
word = "status"
answer = "jawaban"
map = { baru = "forwarded", selesai = "closed" }
`, q.URL, lookup)
}

// outbox is a world in which something was approved for the queue.
type outbox struct {
	*world.World
	reader, approver *member.Session
	of               id.Case
	code             casecode.Code
	sender           *submission.Sender
}

const approvedText = "Lampu penerangan di halte depan pasar padam sejak awal bulan. Mohon diperbaiki."

// newOutbox starts a world without a forwarder, has somebody report there, and the
// members prepare and approve a text.
func newOutbox(t *testing.T, text string) *outbox {
	t.Helper()
	w := start(t, os.Stderr)
	o := &outbox{World: w, reader: sessionOf(t, w, "penelaah-dua"), approver: sessionOf(t, w, "penelaah-satu")}
	var day id.Day
	o.sender, day = outside(t, w)
	s := sent{submission.NewSeed(), 0}
	if !s.upload(t.Context(), o.sender, day, func() {}) {
		t.Fatal("the report was not received")
	}
	o.code = s.code(t)
	cases, err := o.reader.List(t.Context())
	must(t, err)
	o.of = cases[0].Case
	must(t, o.reader.Triage(t.Context(), o.of, member.NewOnce(), member.Triage{Class: report.General}))
	must(t, o.reader.Prepare(t.Context(), o.of, member.NewOnce(), "Lampu halte padam", text))
	c, err := o.approver.Open(t.Context(), o.of)
	must(t, err)
	must(t, o.approver.Approve(t.Context(), o.of, member.NewOnce(), c.Draft.Object, false))
	return o
}

// stage is how far the forwarding has come, as an approver sees it.
func (o *outbox) stage(t *testing.T) accesslog.Stage {
	t.Helper()
	c, err := o.approver.Open(t.Context(), o.of)
	must(t, err)
	return c.Forward.State
}

// told is what the reporter reads with the code: texts, oldest first, and the
// status.
func (o *outbox) told(t *testing.T) (all []string, status report.Status) {
	t.Helper()
	v, err := o.sender.Look(t.Context(), o.code)
	must(t, err)
	for _, m := range slices.Backward(v.Messages) {
		if m.Text != "" {
			all = append(all, m.Text)
		}
	}
	return all, v.Status
}

// isTold tells whether the reporter read all these texts in one of the messages.
func (o *outbox) isTold(t *testing.T, texts ...string) bool {
	t.Helper()
	told, _ := o.told(t)
	return slices.ContainsFunc(told, func(m string) bool {
		return !slices.ContainsFunc(texts, func(x string) bool { return !strings.Contains(m, x) })
	})
}

// forwarder returns suluh forward as a process that is yet to start; the socket is
// the vault's or one before it.
func (o *outbox) forwarder(t *testing.T, config, socket string, flags ...string) *exec.Cmd {
	t.Helper()
	i := slices.IndexFunc(o.Members, func(m world.Member) bool { return m.ID == "penerus" })
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "forward.toml"), []byte(config), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "sandi"), []byte(o.Members[i].Passphrase+"\n"), 0o600))
	cmd := exec.Command(program(t), append([]string{
		"forward", "--config", filepath.Join(dir, "forward.toml"), "--member-socket", socket, "--root-key", o.RootKey(),
		"--identity", o.Members[i].IdentityFile, "--passphrase-file", filepath.Join(dir, "sandi"),
	}, flags...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.Stderr = os.Stderr
	return cmd
}

// running starts a forwarder that is stopped at the test's end.
func (o *outbox) running(t *testing.T, config, socket string, flags ...string) *exec.Cmd {
	t.Helper()
	cmd := o.forwarder(t, config, socket, flags...)
	must(t, cmd.Start())
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Signal(syscall.SIGTERM) // it may have been killed
			_ = cmd.Wait()
		}
	})
	return cmd
}

// becomes waits until something is so.
func becomes(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it never comes about that %s", what)
		}
	}
}

// over leads requests to a Unix socket.
func over(socket string) *http.Transport {
	return &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}
}

// gate stands before the vault's socket and stops at points: "begin" and "outcome",
// before the vault gets such a statement, "begun" and "told", before its answer is
// passed on.
func gate(t *testing.T, to string, at func(point string)) (socket string) {
	t.Helper()
	socket = filepath.Join(t.TempDir(), "gerbang.sock")
	l, err := serve.ListenUnix(socket, 0o600)
	must(t, err)
	through := &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(&url.URL{Scheme: "http", Host: "vault"}) },
		Transport: over(to),
	}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		before, after := "", ""
		switch {
		case bytes.Contains(body, []byte(`\naction forward\n`)):
			before, after = "begin", "begun"
		case bytes.Contains(body, []byte(`\naction outcome\n`)):
			before, after = "outcome", "told"
		}
		if before == "" {
			through.ServeHTTP(w, r)
			return
		}
		at(before)
		got := httptest.NewRecorder()
		through.ServeHTTP(got, r.WithContext(t.Context())) // a dead forwarder doesn't call back what it has sent
		at(after)
		w.WriteHeader(got.Code)
		_, _ = w.Write(got.Body.Bytes())
	}))
	s.Listener.Close()
	s.Listener = l
	s.Start()
	t.Cleanup(s.Close)
	return socket
}

// TestForwarderIsKilledAnywhere kills the forwarder at each point between reading
// an item and having said what became of it. The queue gets it once.
func TestForwarderIsKilledAnywhere(t *testing.T) {
	for _, x := range []struct {
		point string
		lost  bool // the queue doesn't take what it was asked
	}{{"begin", false}, {"begun", false}, {"asked", true}, {"asked", false}, {"taken", false}, {"outcome", false}, {"told", false}} {
		name := x.point
		if x.lost {
			name += " and lost"
		}
		t.Run(name, func(t *testing.T) {
			o, q := newOutbox(t, approvedText), newOffice(t)
			reached, release := make(chan struct{}), make(chan struct{})
			var once sync.Once
			at := func(point string) {
				if point == x.point {
					once.Do(func() {
						close(reached)
						<-release
					})
				}
			}
			q.at = func(point string, _ *http.Request) {
				if at(point); point == x.point && x.lost {
					q.at = func(string, *http.Request) {}
					panic(http.ErrAbortHandler)
				}
			}
			socket := gate(t, o.MemberSocket(), at)
			first := o.running(t, q.config(true), socket)
			<-reached
			must(t, first.Process.Kill())
			_ = first.Wait() // it was killed
			close(release)
			o.running(t, q.config(true), o.MemberSocket())
			becomes(t, "the item is sent", func() bool { return o.stage(t) == accesslog.StageSent })
			becomes(t, "the reporter is told", func() bool { return o.isTold(t, "1000001") })
			if n := q.count(); n != 1 {
				t.Errorf("the queue got it %d times", n)
			}
			if told, status := o.told(t); status != report.Forwarded {
				t.Errorf("the reporter is told %s: %q", status, told)
			}
			if got := q.taken[0]; got["isi"] != approvedText || strings.Contains(fmt.Sprint(got), string(o.of)) {
				t.Errorf("the queue got %v", got)
			}
		})
	}
}

// TestUnknownWaitsForAPerson: a queue that can't be asked for a reference gets
// nothing again until somebody has looked.
func TestUnknownWaitsForAPerson(t *testing.T) {
	o, q := newOutbox(t, approvedText), newOffice(t)
	taken := make(chan struct{})
	q.at = func(point string, r *http.Request) {
		if point == "taken" {
			close(taken)
			<-r.Context().Done()
		}
	}
	cmd := o.running(t, q.config(false), o.MemberSocket())
	<-taken
	becomes(t, "it is unknown", func() bool { return o.stage(t) == accesslog.StageUnknown })
	must(t, cmd.Process.Signal(syscall.SIGTERM))
	if err := cmd.Wait(); err != nil {
		t.Errorf("it does not stop cleanly: %v", err)
	}
	out, err := o.forwarder(t, q.config(false), o.MemberSocket(), "--once").Output()
	must(t, err)
	says(t, string(out), "sent 0", "waiting 1")
	if n := q.count(); n != 1 {
		t.Errorf("the queue got it %d times", n)
	}
	c, err := o.approver.Open(t.Context(), o.of)
	must(t, err)
	if last := c.Outcomes[len(c.Outcomes)-1]; !strings.Contains(last.Text, "Jangan kirim ulang") || !strings.Contains(last.Text, q.taken[0]["rujukan"].(string)) {
		t.Errorf("the approver is told %q", last.Text)
	}
	must(t, o.approver.Decide(t.Context(), o.of, member.NewOnce(), member.Decision{Item: c.Forward.Item, Result: accesslog.ResultSent, Tracking: "1000001"}))
	o.running(t, q.config(false), o.MemberSocket())
	becomes(t, "the reporter is told", func() bool { return o.isTold(t, "1000001") })
}

// TestQueueIsDownAndComesBack: what waits is sent once, and its status comes back
// to the reporter until the queue's last word.
func TestQueueIsDownAndComesBack(t *testing.T) {
	o, q := newOutbox(t, approvedText), newOffice(t)
	addr := q.Listener.Addr().String()
	q.Close()
	sock := filepath.Join(t.TempDir(), "m.sock")
	o.running(t, q.config(true), o.MemberSocket(), "--metrics", sock)
	metrics := func() string {
		c := &http.Client{Transport: over(sock)}
		r, err := c.Get("http://forward/metrics")
		if err != nil {
			return ""
		}
		defer r.Body.Close()
		b, _ := io.ReadAll(r.Body)
		return string(b)
	}
	becomes(t, "it was tried and not taken", func() bool {
		m := metrics()
		return strings.Contains(m, `suluh_forward_items{stage="approved"} 1`) && !strings.Contains(m, `suluh_forward_outcomes_total{result="waiting"} 0`)
	})
	if s := o.stage(t); s != accesslog.StageApproved && s != accesslog.StageSending {
		t.Errorf("while the queue is down it is %s", s)
	}
	l, err := net.Listen("tcp", addr)
	must(t, err)
	back := httptest.NewUnstartedServer(q.Config.Handler)
	back.Listener.Close()
	back.Listener = l
	back.Start()
	t.Cleanup(back.Close)
	becomes(t, "it is sent", func() bool { return o.stage(t) == accesslog.StageSent })
	q.mu.Lock()
	q.status, q.answer = "Selesai", "<p>Lampu sudah diganti.</p>"
	q.mu.Unlock()
	becomes(t, "it is done", func() bool { return o.stage(t) == accesslog.StageDone })
	if told, status := o.told(t); status != report.Closed || !o.isTold(t, "Lampu sudah diganti.") || o.isTold(t, "<p>") {
		t.Errorf("at the end the reporter is told %s: %q", status, told)
	}
	if n := q.count(); n != 1 {
		t.Errorf("the queue got it %d times", n)
	}
	vault := filepath.Join(o.Dir, "vault")
	says(t, suluh(t, "vault", "batch", "--dir", vault), "1 deposits entered the log")
	says(t, suluh(t, "audit", "verify", "--log-key", o.LogKey, filepath.Join(vault, "log.sock")), "intact")
}

// TestWireCheckTellsTheApprover: what should not have been approved doesn't leave.
func TestWireCheckTellsTheApprover(t *testing.T) {
	o, q := newOutbox(t, "Hubungi pelapor di 0812 3456 7890."), newOffice(t)
	out, err := o.forwarder(t, q.config(true), o.MemberSocket(), "--once").Output()
	must(t, err)
	says(t, string(out), "stopped 1")
	c, err := o.approver.Open(t.Context(), o.of)
	must(t, err)
	if c.Forward.State != accesslog.StageStopped || !strings.Contains(c.Outcomes[len(c.Outcomes)-1].Text, "0812 3456 7890") {
		t.Errorf("it is %s: %+v", c.Forward.State, c.Outcomes)
	}
	if q.count() != 0 {
		t.Error("it left")
	}
}

// TestForwarderTrustsAndReachesWhatItIsTold: a queue behind a certificate that the
// configuration names, and one that only a proxy like Tor leads to; no other.
func TestForwarderTrustsAndReachesWhatItIsTold(t *testing.T) {
	o, q := newOutbox(t, approvedText), newOffice(t)
	secure := httptest.NewTLSServer(q.Config.Handler)
	t.Cleanup(secure.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	must(t, os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw}), 0o600))
	once := func(config string, flags ...string) string {
		t.Helper()
		out, err := o.forwarder(t, config, o.MemberSocket(), append(flags, "--once")...).Output()
		must(t, err)
		return string(out)
	}
	stranger := strings.Replace(q.config(true), q.URL, secure.URL, 1)
	says(t, once(stranger), "sent 0", "not taken ", "waiting 1") // it may have tried twice
	if q.count() != 0 {
		t.Fatal("a certificate that nobody vouches for was believed")
	}
	trusted := strings.Replace(stranger, "timeout = ", fmt.Sprintf("ca = %q\ntimeout = ", ca), 1)
	says(t, once(trusted), "sent 1")

	// An HTTP proxy leads to what the name is for; its certificate is checked behind it.
	host := strings.TrimPrefix(secure.URL, "https://")
	tunnels := queuetest.NewTunnels(t, host, "penerus:rahasia", true)
	named := strings.Replace(trusted, secure.URL, "https://example.com", 1)
	user, vouches := filepath.Join(t.TempDir(), "pengguna"), filepath.Join(t.TempDir(), "proksi.pem")
	must(t, os.WriteFile(user, []byte("penerus:rahasia\n"), 0o600))
	must(t, os.WriteFile(vouches, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: tunnels.Certificate().Raw}), 0o600))
	by := []string{"--check", "--proxy", tunnels.URL, "--proxy-ca", vouches}
	out, err := o.forwarder(t, named, o.MemberSocket(), append(by, "--proxy-credential", user)...).Output()
	must(t, err)
	says(t, string(out), "queue: answers, and can be asked")
	if asked := tunnels.Asked(); len(asked) != 1 || asked[0] != "example.com:443" {
		t.Errorf("the proxy was asked for %q", asked)
	}
	cmd := o.forwarder(t, named, o.MemberSocket(), by...)
	cmd.Stderr = nil
	out, err = cmd.CombinedOutput()
	if err == nil {
		t.Error("the proxy lets anybody through")
	}
	says(t, string(out), "the proxy: wants credentials: --proxy-credential")

	proxy, closing, err := newOnions(strings.TrimPrefix(q.URL, "http://"))
	must(t, err)
	t.Cleanup(func() { closing.Close() })
	hidden := strings.Replace(q.config(true), q.URL, "http://"+strings.Repeat("a", 56)+".onion", 1)
	cmd = o.forwarder(t, hidden, o.MemberSocket(), "--check", "--socks", proxy.Addr)
	out, err = cmd.Output()
	must(t, err)
	says(t, string(out), "queue: answers, and can be asked")
	cmd = o.forwarder(t, hidden, o.MemberSocket(), "--check")
	cmd.Stderr = nil
	if out, err := cmd.CombinedOutput(); err == nil {
		t.Errorf("without the proxy an onion service answers:\n%s", out)
	}
}

// TestSpoolByHand: what lies in the folder is typed somewhere, and its number
// brought back to the reporter.
func TestSpoolByHand(t *testing.T) {
	o := newOutbox(t, approvedText)
	dir := filepath.Join(t.TempDir(), "antrean")
	config := fmt.Sprintf("queue = \"spool\"\n[times]\nvault = \"50ms\"\nstatus = \"50ms\"\n[spool]\ndir = %q\n", dir)
	cmd := o.running(t, config, o.MemberSocket())
	becomes(t, "it is in the folder", func() bool { return o.stage(t) == accesslog.StageSent })
	table := filepath.Join(dir, "daftar.csv")
	b, err := os.ReadFile(table)
	must(t, err)
	says(t, string(b), approvedText)
	if strings.Contains(string(b), string(o.of)) {
		t.Error("the folder names the case")
	}
	filled := filepath.Join(t.TempDir(), "terisi.csv")
	row := strings.Split(strings.TrimSpace(strings.TrimPrefix(string(b), "\ufeff")), "\r\n")[1]
	reference, _, _ := strings.Cut(row, ",")
	must(t, os.WriteFile(filled, []byte("reference,tracking,status\n"+reference+",7654321,Selesai\n"), 0o600))
	says(t, suluh(t, "forward", "import", "--config", filepath.Join(filepath.Dir(argument(cmd, "--config")), "forward.toml"), filled), "1 changed")
	becomes(t, "it is done", func() bool { return o.stage(t) == accesslog.StageDone })
	if told, status := o.told(t); status != report.Closed || !o.isTold(t, "7654321") {
		t.Errorf("the reporter is told %s: %q", status, told)
	}
	// A second forwarder with the same identity doesn't begin.
	var said bytes.Buffer
	second := o.forwarder(t, config, o.MemberSocket(), "--once")
	second.Stderr = &said
	if second.Run() == nil {
		t.Error("two forwarders work with one identity")
	}
	says(t, said.String(), "another suluh forward works with this identity")
}

// argument returns the value of a flag.
func argument(cmd *exec.Cmd, flag string) string { return cmd.Args[slices.Index(cmd.Args, flag)+1] }

// TestForwardChecksWhatItIsGiven: what is wrong is said where it can be mended, and
// --check sends nothing.
func TestForwardChecksWhatItIsGiven(t *testing.T) {
	o, q := newOutbox(t, approvedText), newOffice(t)
	check := func(config string) (out string, failed bool) {
		cmd := o.forwarder(t, config, o.MemberSocket(), "--check")
		cmd.Stderr = nil
		b, err := cmd.CombinedOutput()
		return string(b), err != nil
	}
	out, failed := check(q.config(true))
	if failed {
		t.Error("a good one fails")
	}
	says(t, out, "penerus is a forwarder; 1 items wait", "queue: answers, and can be asked")
	if out, failed = check(q.config(false)); failed {
		t.Error("one without look-up fails")
	}
	says(t, out, "an approver decides")
	good := q.config(true)
	for _, x := range []struct{ config, want string }{
		{strings.Replace(good, "settle = ", "setel = ", 1), `forward.toml:9: unknown key "times.setel"`},
		{strings.Replace(good, `vault = "50ms"`, `vault = "cepat"`, 1), "forward.toml:4: times.vault"},
		{strings.Replace(good, `queue = "http"`, `queue = "faks"`, 1), `forward.toml:2: queue: "faks" is none of`},
		{strings.Replace(good, `queue = "http"`, "", 1), "forward.toml: queue: is missing"},
		{strings.Replace(good, `queue = "http"`, `queue = "sp4n"`, 1), "forward.toml: the table [sp4n] is missing"},
		{strings.Replace(good, "base = ", "# base = ", 1), "http.base: is missing"},
		{strings.Replace(good, `settle = "2s"`, `settle = "1s"`, 1), "forward.toml:9: times.settle"},
		{strings.Replace(good, "{{.Title}}", "{{.Judul}}", 1), "forward.toml:18: http.send.json.judul"},
		{"queue = \"spool\"\n[spool]\n", "spool.dir: is missing"},
		{"queue = \n", "forward.toml:1:"},
	} {
		out, failed := check(x.config)
		if !failed || strings.Contains(out, "panic") {
			t.Errorf("it passes, for want of %q", x.want)
		}
		says(t, out, "suluh: error: ", x.want, "suluh: hint: ")
	}
	q.Close()
	if out, failed = check(good); !failed {
		t.Error("a queue that is away passes")
	}
	says(t, out, "suluh: error: queue: ")
	if q.count() != 0 {
		t.Error("something was sent")
	}
	// Nobody but a forwarder forwards.
	cmd := o.forwarder(t, good, o.MemberSocket(), "--once")
	cmd.Args[slices.Index(cmd.Args, "--identity")+1] = o.Members[0].IdentityFile
	must(t, os.WriteFile(argument(cmd, "--passphrase-file"), []byte(o.Members[0].Passphrase+"\n"), 0o600))
	cmd.Stderr = nil
	b, err := cmd.CombinedOutput()
	if err == nil {
		t.Error("a reader forwards")
	}
	says(t, string(b), "does not list penelaah-satu as a forwarder")
}
