// Package onion_test drives intake and a key witness as onion services from
// outside, through a private Tor network on loopback, as reporters, members and
// attackers will. It must reach no other network.
package onion_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cretz/bine/control"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/net/proxy"

	"suluh.example/suluh/crypto/casecode"
	"suluh.example/suluh/crypto/keyfile"
	"suluh.example/suluh/internal/member"
	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/internal/textbrowser"
	"suluh.example/suluh/internal/tornet"
	"suluh.example/suluh/internal/world"
	"suluh.example/suluh/vault/membersock"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// until waits for a condition.
func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); !ok(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not in two minutes: %s", what)
		}
	}
}

// place is where all tests happen: a network, a program, a demo whose vault takes
// the reports.
type place struct {
	net  *tornet.Network
	bin  string
	demo demo
}

type demo struct {
	Onion   string         `json:"onion"`
	Dir     string         `json:"dir"`
	Socket  string         `json:"deposit_socket"`
	Members []world.Member `json:"members"`
}

func (d demo) rootKey() string { return filepath.Join(d.Dir, "keys", "root.vkey") }

// start starts all that.
func start(t *testing.T) place {
	t.Helper()
	p := place{net: tornet.Start(t), bin: program(t)}
	dir := filepath.Join(t.TempDir(), "d")
	free := "127.0.0.1:0"
	part := p.run(t, "demo", "--dir", dir, "--json", "--onion", "--tor-defaults-torrc", p.net.JoinTorrc, "--intake-addr", free, "--desk-addr", free, "--audit-addr", free)
	must(t, json.Unmarshal([]byte(part.line(t)), &p.demo))
	return p
}

// program builds the program.
func program(t *testing.T) string {
	t.Helper()
	bin, err := filepath.Abs("../../build/test/suluh-onion")
	must(t, err)
	if out, err := exec.Command("go", "build", "-o", bin, "../../cmd/suluh").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return bin
}

// part is a command that goes on until it is ended.
type part struct {
	cmd   *exec.Cmd
	lines chan string
	log   lockedBuffer
	ended chan struct{}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func (p place) run(t *testing.T, args ...string) *part {
	t.Helper()
	x := &part{cmd: exec.Command(p.bin, args...), lines: make(chan string, 10), ended: make(chan struct{})}
	x.cmd.Stderr = &x.log
	x.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	out, err := x.cmd.StdoutPipe()
	must(t, err)
	must(t, x.cmd.Start())
	go func() {
		s := bufio.NewScanner(out)
		for s.Scan() {
			x.lines <- s.Text()
		}
		_ = x.cmd.Wait() // who ends it looks at how
		close(x.ended)
	}()
	t.Cleanup(func() { x.end(syscall.SIGTERM) })
	return x
}

// line waits for what the part prints next.
func (x *part) line(t *testing.T) string {
	t.Helper()
	select {
	case l := <-x.lines:
		return l
	case <-x.ended:
	case <-time.After(3 * time.Minute):
	}
	t.Fatalf("nothing is printed:\n%s", x.log.String())
	return ""
}

func (x *part) end(sig syscall.Signal) {
	_ = x.cmd.Process.Signal(sig) // it may have ended
	<-x.ended
}

// intake starts one that is an onion service and nothing else.
func (p place) intake(t *testing.T, dir string, more ...string) (x *part, address string) {
	t.Helper()
	x = p.run(t, append([]string{"intake", "--deposit-socket", p.demo.Socket, "--root-key", p.demo.rootKey(), "--onion", "--onion-dir", dir}, more...)...)
	return x, x.address(t)
}

// address is the onion service's that the part says first.
func (x *part) address(t *testing.T) string {
	t.Helper()
	line := x.line(t)
	m := regexp.MustCompile(`^suluh [a-z]+: listening on (http://[a-z2-7]{56}\.onion/)$`).FindStringSubmatch(line)
	if m == nil {
		t.Fatalf("printed %q", line)
	}
	return m[1]
}

// suluh runs a reporter's command to its end, each on a circuit of its own.
func (p place) suluh(server, stdin string, args ...string) (string, error) {
	cmd := exec.Command(p.bin, append(args, "--server", server, "--socks", p.net.Socks, "--root-key", p.demo.rootKey())...)
	cmd.Stdin = strings.NewReader(stdin)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("suluh %s: %w\n%s", args[0], err, said.String())
	}
	return strings.TrimSpace(string(out)), err
}

func (p place) submit(server, what string, args ...string) (code string, err error) {
	return p.suluh(server, fmt.Sprintf(`{"apa": %q, "unit": "itprov"}`, what), append([]string{"submit", "--from", "-"}, args...)...)
}

func (p place) status(server, code string) error {
	_, err := p.suluh(server, code, "status")
	return err
}

// received returns the one attachment of the report with a text, as a member
// sees it, and how many reports have it.
func (p place) received(t *testing.T, what string) (file []byte, n int) {
	t.Helper()
	i := slices.IndexFunc(p.demo.Members, func(m world.Member) bool { return m.ID == "penelaah-satu" })
	sealed, err := os.ReadFile(p.demo.Members[i].IdentityFile)
	must(t, err)
	identity, err := keyfile.Open(sealed, p.demo.Members[i].Passphrase)
	must(t, err)
	vkey, err := os.ReadFile(p.demo.rootKey())
	must(t, err)
	root, err := note.NewVerifier(strings.TrimSpace(string(vkey)))
	must(t, err)
	clock, err := report.DefaultClock()
	must(t, err)
	s, err := member.Open(t.Context(), member.Config{Vault: membersock.NewClient(filepath.Join(p.demo.Dir, "vault", "member.sock")), Identity: identity, Root: root, Clock: clock})
	must(t, err)
	defer s.Close()
	list, err := s.List(t.Context())
	must(t, err)
	for _, item := range list {
		c, err := s.Open(t.Context(), item.Case)
		must(t, err)
		if len(c.Messages) == 0 || c.Messages[0].Letter.Report == nil || c.Messages[0].Letter.Report.What != what {
			continue
		}
		n++
		if len(c.Attachments) == 1 {
			_, r, err := s.Attachment(t.Context(), item.Case, 1)
			must(t, err)
			file, err = io.ReadAll(r)
			must(t, err)
			must(t, r.Close())
		}
	}
	return file, n
}

// unfinished are the files of uploads under way in the vault: forms, and uploads
// in pieces.
func (p place) unfinished(t *testing.T) (forms, pieces []string) {
	t.Helper()
	vault := filepath.Join(p.demo.Dir, "vault")
	forms, err := filepath.Glob(filepath.Join(vault, "blobs", "tmp", "*"))
	must(t, err)
	pieces, err = filepath.Glob(filepath.Join(vault, "uploads", "*"))
	must(t, err)
	return forms, pieces
}

// begun tells whether some of a file has come.
func begun(files []string) bool {
	return slices.ContainsFunc(files, func(f string) bool {
		info, err := os.Stat(f)
		return err == nil && info.Size() > 1<<17
	})
}

// onionStatus is what suluh onion status --json says.
type onionStatus struct {
	Address     string `json:"address"`
	State       string `json:"state"`
	Starts      int    `json:"starts"`
	Descriptors struct {
		Uploaded int `json:"uploaded"`
	} `json:"descriptors"`
	PoW struct {
		Enabled bool `json:"enabled"`
		Effort  *int `json:"effort"`
		Rate    int  `json:"rate"`
	} `json:"proof_of_work"`
}

func (p place) onionStatus(t *testing.T, dir string) (s onionStatus) {
	t.Helper()
	out, _ := exec.Command(p.bin, "onion", "status", "--dir", dir, "--json").Output() // fails while there is none
	must(t, json.Unmarshal(out, &s))
	return s
}

// child is the one child process of another.
func child(t *testing.T, pid int) int {
	t.Helper()
	var children []int
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	must(t, err)
	for _, f := range files {
		b, err := os.ReadFile(f)
		must(t, err)
		for x := range strings.FieldsSeq(string(b)) {
			n, err := strconv.Atoi(x)
			must(t, err)
			if cmdline, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", n)); !bytes.Contains(cmdline, []byte("\x00dialer\x00")) {
				children = append(children, n)
			}
		}
	}
	if len(children) != 1 {
		t.Fatalf("process %d has the children %v", pid, children)
	}
	return children[0]
}

// tcp counts the TCP sockets of a process, and those that listen.
func tcp(t *testing.T, pid int) (all, listening int) {
	t.Helper()
	fds, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	must(t, err)
	if len(fds) == 0 {
		t.Fatalf("process %d has no files", pid)
	}
	own := map[string]bool{}
	for _, fd := range fds {
		if to, err := os.Readlink(fd); err == nil && strings.HasPrefix(to, "socket:[") {
			own[strings.TrimSuffix(strings.TrimPrefix(to, "socket:["), "]")] = true
		}
	}
	for _, table := range []string{"tcp", "tcp6"} {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", pid, table))
		must(t, err)
		for line := range strings.Lines(string(b)) {
			if f := strings.Fields(line); len(f) > 9 && own[f[9]] {
				all++
				if f[3] == "0A" {
					listening++
				}
			}
		}
	}
	return all, listening
}

// TestOnion is one service's life, in order: what stands in a subtest's name has
// to hold.
func TestOnion(t *testing.T) {
	life, p := t, start(t)
	dir := filepath.Join(t.TempDir(), "o")
	join := []string{"--tor-defaults-torrc", p.net.JoinTorrc}
	x, address := p.intake(t, dir, join...)

	t.Run("the demo is one too", func(t *testing.T) {
		if page := textbrowser.NewThrough(t, p.net.Socks, "demo").Get(p.demo.Onion); page.Status != http.StatusOK {
			t.Errorf("status %d", page.Status)
		}
	})

	t.Run("no TCP port is open", func(t *testing.T) {
		keeper := child(t, x.cmd.Process.Pid)
		tor := child(t, keeper)
		for name, pid := range map[string]int{"intake": x.cmd.Process.Pid, "the keeper": keeper} {
			if all, _ := tcp(t, pid); all != 0 {
				t.Errorf("%s has %d TCP sockets", name, all)
			}
		}
		if all, listening := tcp(t, tor); listening != 0 || all == 0 {
			t.Errorf("tor has %d TCP sockets, of which %d listen", all, listening)
		}
	})

	t.Run("its files are its owner's", func(t *testing.T) {
		must(t, filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := e.Info()
			if err == nil && info.Mode().Perm()&0o077 != 0 {
				t.Errorf("%s has mode %o", path, info.Mode().Perm())
			}
			return err
		}))
	})

	t.Run("its status is told", func(t *testing.T) {
		s := p.onionStatus(t, dir)
		if "http://"+s.Address+"/" != address || s.State != "published" || s.Descriptors.Uploaded == 0 || !s.PoW.Enabled || s.PoW.Effort == nil || s.PoW.Rate == 0 {
			t.Errorf("got %+v", s)
		}
		out, err := exec.Command(p.bin, "onion", "status", "--dir", dir).CombinedOutput()
		if err != nil || !bytes.Contains(out, []byte(s.Address)) || !bytes.Contains(out, []byte("published")) {
			t.Errorf("got %v:\n%s", err, out)
		}
	})

	var code string
	t.Run("a report gets through, and its code opens it", func(t *testing.T) {
		var err error
		code, err = p.submit(address, "uji bawang")
		must(t, err)
		must(t, p.status(address, code))
	})

	large := filepath.Join(t.TempDir(), "besar.bin")
	content := make([]byte, 50<<20)
	rand.Read(content)
	must(t, os.WriteFile(large, content, 0o600))
	t.Run("50 MiB get through", func(t *testing.T) {
		_, err := p.submit(address, "uji besar", "--attach", large)
		must(t, err)
		if file, n := p.received(t, "uji besar"); n != 1 || !bytes.Equal(file, content) {
			t.Errorf("%d reports, with a file of %d bytes", n, len(file))
		}
	})

	t.Run("tor is killed and comes back", func(t *testing.T) {
		tor := child(t, child(t, x.cmd.Process.Pid))
		must(t, syscall.Kill(tor, syscall.SIGKILL))
		until(t, "there is a second tor", func() bool { s := p.onionStatus(t, dir); return s.Starts == 2 && s.State == "published" })
		must(t, p.net.ForgetPaths())
		must(t, p.status(address, code))
		if len(x.lines) != 0 {
			t.Errorf("intake prints a second line: %s", <-x.lines)
		}
	})

	t.Run("intake is killed in the middle of uploads", func(t *testing.T) {
		content, large := content[:12<<20], filepath.Join(t.TempDir(), "sedang.bin")
		must(t, os.WriteFile(large, content, 0o600))
		// One reporter has the form without script, another sends piece by piece.
		check := textbrowser.NewThrough(t, p.net.Socks, "pelapor").Get(address+"lapor/tulis").Press("Lanjut", map[string]string{"unit": "itprov", "apa": "uji putus"})
		send := func() (*textbrowser.Page, error) {
			return check.TryPress("Kirim laporan", nil, textbrowser.File{Field: "berkas", Name: "besar.bin", Body: bytes.NewReader(content)})
		}
		var both sync.WaitGroup
		var formErr, pieceErr error
		var page *textbrowser.Page
		both.Go(func() { page, formErr = send() })
		both.Go(func() { _, pieceErr = p.submit(address, "uji lanjut", "--attach", large) })
		until(t, "both are under way", func() bool {
			forms, pieces := p.unfinished(t)
			return begun(forms) && begun(pieces)
		})
		keeper := child(t, x.cmd.Process.Pid)
		tor := child(t, keeper)
		x.end(syscall.SIGKILL)
		until(t, "its keeper and tor have ended", func() bool {
			return syscall.Kill(keeper, 0) != nil && syscall.Kill(tor, 0) != nil
		})
		var again string
		x, again = p.intake(life, dir, join...)
		if again != address {
			t.Fatal("the restarted intake has another address")
		}
		must(t, p.net.ForgetPaths())
		both.Wait()
		if formErr == nil && page.Status == http.StatusOK {
			t.Error("a form whose upload was cut was received")
		}
		if pieceErr != nil {
			t.Errorf("an upload in pieces did not go on: %v", pieceErr)
		}
		if _, n := p.received(t, "uji putus"); n != 0 {
			t.Errorf("of the form that was cut, %d reports are there", n)
		}
		page, err := send()
		must(t, err)
		if len(page.Items("code")) != 10 {
			t.Errorf("sent again:\n%s", page.Text())
		}
		for _, what := range []string{"uji putus", "uji lanjut"} {
			if file, n := p.received(t, what); n != 1 || !bytes.Equal(file, content) {
				t.Errorf("%s: %d reports, with a file of %d bytes", what, n, len(file))
			}
		}
		if forms, pieces := p.unfinished(t); len(forms)+len(pieces) != 0 {
			t.Errorf("%d files of forms and %d of uploads in pieces are left behind", len(forms), len(pieces))
		}
	})

	t.Run("who asks for too much has to wait, others don't", func(t *testing.T) {
		greedy := textbrowser.NewThrough(t, p.net.Socks, "serakah")
		ask := greedy.Get(address + "cek")
		var last *textbrowser.Page
		for range 30 {
			unknown, err := casecode.New()
			must(t, err)
			if last = ask.Press("Buka laporan", map[string]string{"kode": unknown.Reveal()}); last.Status == http.StatusTooManyRequests {
				break
			}
		}
		if last.Status != http.StatusTooManyRequests || last.Header.Get("Retry-After") == "" {
			t.Errorf("status %d, after many codes that nobody has:\n%s", last.Status, last.Text())
		}
		must(t, p.status(address, code))
	})

	t.Run("a flood on 200 circuits leaves room for the honest", func(t *testing.T) {
		honest := func() time.Duration {
			began := time.Now()
			code, err := p.submit(address, "uji jujur")
			must(t, err)
			if len(strings.Fields(code)) != 10 {
				t.Fatalf("got %q", code)
			}
			return time.Since(began)
		}
		const circuits, turns, times = 200, 3, 3
		var idle, flooded []time.Duration
		measure := func(into *[]time.Duration) {
			for range times {
				*into = append(*into, honest())
			}
		}
		f := p.flood(t, address, circuits)
		during := int64(0)
		measure(&idle)
		// In turns, since other work on the machine slows both down.
		for range turns {
			f.start(t)
			before := f.answers.Load()
			measure(&flooded)
			during += f.answers.Load() - before
			f.stop()
			measure(&idle)
		}
		t.Logf("idle %v, flooded %v", idle, flooded)
		slices.Sort(idle)
		slices.Sort(flooded)
		ratio := float64(flooded[len(flooded)/2]) / float64(idle[(len(idle)-1)/2])
		t.Logf("idle %v, flooded %v: %.2f times; meanwhile the flood had %d answers, of which %d were to wait",
			idle[(len(idle)-1)/2], flooded[len(flooded)/2], ratio, during, f.waits.Load())
		if during < circuits {
			t.Error("that was no flood")
		}
		if ratio >= 3 {
			t.Error("an honest reporter takes three times as long or longer")
		}
	})

	t.Run("it ends with its keeper and tor", func(t *testing.T) {
		keeper := child(t, x.cmd.Process.Pid)
		tor := child(t, keeper)
		x.end(syscall.SIGTERM)
		if code := x.cmd.ProcessState.ExitCode(); code != 0 {
			t.Errorf("exit status %d:\n%s", code, x.log.String())
		}
		if syscall.Kill(keeper, 0) == nil || syscall.Kill(tor, 0) == nil {
			t.Error("they are left")
		}
		if s := p.onionStatus(t, dir); s.State != "down" {
			t.Errorf("its status is %q", s.State)
		}
	})

	t.Run("the system's tor serves it beside what it has", func(t *testing.T) {
		dir := t.TempDir()
		other, service := filepath.Join(dir, "other"), filepath.Join(dir, "suluh")
		system := func() (end func()) {
			return p.tor(t, dir, fmt.Sprintf("SocksPort 0\nControlSocket %s/control\nCookieAuthentication 1\nHiddenServiceDir %s\nHiddenServicePort 80 unix:%s/none\n", dir, other, dir))
		}
		end := system()
		onionDir := filepath.Join(t.TempDir(), "o")
		_, address := p.intake(t, onionDir, "--tor-control", filepath.Join(dir, "control"), "--tor-service", service)
		works := func() {
			t.Helper()
			must(t, p.status(address, code))
			raw, err := net.Dial("unix", filepath.Join(dir, "control"))
			must(t, err)
			conn := control.NewConn(textproto.NewConn(raw))
			defer conn.Close()
			must(t, conn.Authenticate(""))
			all, err := conn.GetConf("HiddenServiceOptions")
			must(t, err)
			for _, want := range []string{other, service} {
				if !slices.ContainsFunc(all, func(l *control.KeyVal) bool { return l.Key == "HiddenServiceDir" && l.Val == want }) {
					t.Errorf("tor does not serve %s any more", filepath.Base(want))
				}
			}
			if s := p.onionStatus(t, onionDir); s.State != "published" || "http://"+s.Address+"/" != address || s.PoW.Effort != nil {
				t.Errorf("its status is %+v", s)
			}
		}
		works()
		end()
		defer system()()
		until(t, "it is told to the tor that was started anew", func() bool {
			s := p.onionStatus(t, onionDir)
			return s.State == "published" && s.Starts > 1
		})
		must(t, p.net.ForgetPaths())
		works()
	})

	t.Run("its log tells no address, circuit or time", func(t *testing.T) {
		log := x.log.String()
		if m := regexp.MustCompile(`fc00:|\d\d:\d\d:\d\d|127\.0\.0\.1`).FindString(log); m != "" || log == "" {
			t.Errorf("%q in\n%s", m, log)
		}
	})
}

// junk is a flood: pages, codes that nobody has, forms that aren't, and uploads that
// never end. Those who send it have a tor of their own.
type junk struct {
	address string
	clients []*http.Client // each on a circuit of its own

	answers, waits atomic.Int64

	end context.CancelFunc
	all sync.WaitGroup
}

// flood prepares one on so many circuits at once.
func (p place) flood(t *testing.T, address string, circuits int) *junk {
	t.Helper()
	socks := p.client(t)
	f := &junk{address: address, end: func() {}}
	for i := range circuits {
		dialer, err := proxy.SOCKS5("unix", socks, &proxy.Auth{User: fmt.Sprintf("junk%d", i), Password: "x"}, nil)
		must(t, err)
		transport := &http.Transport{DialContext: dialer.(proxy.ContextDialer).DialContext}
		t.Cleanup(transport.CloseIdleConnections)
		f.clients = append(f.clients, &http.Client{Transport: transport})
	}
	t.Cleanup(f.stop)
	return f
}

// start sends junk until it is stopped. It returns once nearly all have their circuit.
func (f *junk) start(t *testing.T) {
	t.Helper()
	ctx, end := context.WithCancel(t.Context())
	f.end = end
	var there atomic.Int64
	for i, c := range f.clients {
		f.all.Go(func() {
			for ctx.Err() == nil && !f.send(ctx, c, 0) {
			}
			there.Add(1)
			for n := i; ctx.Err() == nil; n++ {
				f.send(ctx, c, n)
				select {
				case <-ctx.Done():
				case <-time.After(time.Second):
				}
			}
		})
	}
	until(t, "nine in ten of the flood have their circuit", func() bool { return int(there.Load()) >= len(f.clients)*9/10 })
}

func (f *junk) stop() {
	f.end()
	f.all.Wait()
}

// client starts a tor of the network's for those who flood it, and returns the
// path of its SOCKS port.
func (p place) client(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	p.tor(t, dir, fmt.Sprintf("SocksPort unix:%s/socks\nMaxClientCircuitsPending 256\n", dir))
	return filepath.Join(dir, "socks")
}

// tor starts a tor of the network's, and returns once it has found its way.
func (p place) tor(t *testing.T, dir, torrc string) (end func()) {
	t.Helper()
	must(t, os.Chmod(dir, 0o700)) // or tor makes no socket there
	file, log := filepath.Join(dir, "torrc"), filepath.Join(dir, "log")
	must(t, os.WriteFile(file, fmt.Appendf([]byte(torrc), "DataDirectory %s/data\nLog notice file %s\n__OwningControllerProcess %d\n", dir, log, os.Getpid()), 0o600))
	must(t, os.RemoveAll(log)) // of one before
	cmd := exec.Command("tor", "--quiet", "--defaults-torrc", p.net.JoinTorrc, "-f", file)
	must(t, cmd.Start())
	end = sync.OnceFunc(func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()
	})
	t.Cleanup(end)
	until(t, "tor is ready", func() bool {
		text, _ := os.ReadFile(log)
		return bytes.Contains(text, []byte("Bootstrapped 100%"))
	})
	return end
}

// send sends one piece of junk and tells whether it was answered.
func (f *junk) send(ctx context.Context, c *http.Client, kind int) bool {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	method, path, mediaType := http.MethodPost, "lapor/kirim", "multipart/form-data; boundary=x"
	var body io.Reader
	switch kind % 4 {
	case 0:
		method, path = http.MethodGet, ""
	case 1:
		path, mediaType, body = "cek", "application/x-www-form-urlencoded", strings.NewReader("kode=sampah")
	case 2:
		body = io.LimitReader(rand.Reader, 1<<14)
	case 3: // comes slowly, for as long as it is read
		r, w := io.Pipe()
		go func() {
			defer w.Close() // net/http waits for a body that it reads
			for {
				if _, err := io.WriteString(w, "--x\r\n"); err != nil {
					return
				}
				select {
				case <-ctx.Done():
					return
				case <-time.After(time.Second):
				}
			}
		}()
		body = r
	}
	req, err := http.NewRequestWithContext(ctx, method, f.address+path, body)
	if err != nil {
		return false
	}
	req.Header.Set("Content-Type", mediaType)
	r, err := c.Do(req)
	if err != nil {
		return false
	}
	_, _ = io.Copy(io.Discard, r.Body) // junk
	r.Body.Close()
	f.answers.Add(1)
	if r.StatusCode == http.StatusTooManyRequests {
		f.waits.Add(1)
	}
	return true
}
