package main

import (
	"bufio"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
	"golang.org/x/mod/sumdb/note"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/internal/textbrowser"
	"suluh.example/suluh/internal/witness"
	"suluh.example/suluh/internal/world"
	"suluh.example/suluh/vault/membersock"
)

// other is a witness that runs as a process of its own.
type other struct {
	t         *testing.T
	name, key string
	args      []string
	url       string
	cmd       *exec.Cmd
}

func (o *other) line() string { return fmt.Sprintf("witness %s %s %s\n", o.name, o.key, o.url) }

// stop ends the witness, as a machine that goes away does.
func (o *other) stop() {
	if o.cmd == nil {
		return
	}
	_ = o.cmd.Process.Kill()
	_ = o.cmd.Wait()
	o.cmd = nil
}

// run starts the witness where it was before, or at any port.
func (o *other) run() {
	o.t.Helper()
	o.cmd = exec.Command(o.args[0], o.args[1:]...)
	o.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	o.cmd.Stderr = o.t.Output()
	must(o.t, o.cmd.Start())
	within(o.t, o.name+" listens", func() bool {
		c, err := net.Dial("tcp", strings.TrimPrefix(o.url, "http://"))
		if err != nil {
			return false
		}
		return c.Close() == nil
	})
}

// port returns an address that is free.
func port(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	return l.Addr().String()
}

// litewitness starts a witness that isn't ours. Its key is in an SSH agent, as
// its authors want it.
func litewitness(t *testing.T, name string, log note.Verifier, logKey string) *other {
	t.Helper()
	bin, err := filepath.Abs("../../build/bin/litewitness")
	must(t, err)
	if _, err := os.Stat(bin); err != nil {
		t.Fatalf("make setup installs litewitness: %v", err)
	}
	dir := t.TempDir()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	ring := agent.NewKeyring()
	must(t, ring.Add(agent.AddedKey{PrivateKey: key}))
	signer, err := ssh.NewSignerFromKey(key)
	must(t, err)
	socket := filepath.Join(dir, "agent.sock")
	l, err := net.Listen("unix", socket)
	must(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _ = agent.ServeAgent(ring, c) }()
		}
	}()
	// What witnessctl would do: the witness is told of the log.
	db := filepath.Join(dir, "witness.db")
	sql := fmt.Sprintf(`CREATE TABLE log (origin TEXT PRIMARY KEY, tree_size INTEGER NOT NULL, tree_hash TEXT NOT NULL);
		CREATE TABLE key (origin TEXT NOT NULL, key TEXT NOT NULL, FOREIGN KEY(origin) REFERENCES log(origin));
		INSERT INTO log VALUES ('%s', 0, '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=');
		INSERT INTO key VALUES ('%s', '%s');`, log.Name(), log.Name(), logKey)
	out, err := exec.Command("sqlite3", db, sql).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	addr := port(t)
	o := &other{t: t, name: name, url: "http://" + addr, args: []string{
		bin, "-db", db, "-key", ssh.FingerprintSHA256(signer.PublicKey()), "-name", name, "-listen", addr, "-ssh-agent", socket,
	}}
	// It says its key when it starts.
	o.cmd = exec.Command(o.args[0], o.args[1:]...)
	o.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	said, err := o.cmd.StderrPipe()
	must(t, err)
	must(t, o.cmd.Start())
	found := regexp.MustCompile(`vkey="?(` + regexp.QuoteMeta(name) + `\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+)`)
	lines := bufio.NewScanner(said)
	for o.key == "" && lines.Scan() {
		if m := found.FindStringSubmatch(lines.Text()); m != nil {
			o.key = m[1]
		}
	}
	if o.key == "" {
		t.Fatal("litewitness doesn't say its key")
	}
	go func() {
		for lines.Scan() { // or it would wait for its reader
		}
	}()
	t.Cleanup(o.stop)
	return o
}

// ownWitness starts one of ours.
func ownWitness(t *testing.T, name, logKey string) *other {
	t.Helper()
	dir := t.TempDir()
	file, addr := filepath.Join(dir, "witness.key"), port(t)
	out, err := exec.Command(program(t), "witness", "key", name, file).Output()
	must(t, err)
	o := &other{t: t, name: name, key: strings.TrimSpace(string(out)), url: "http://" + addr, args: []string{
		program(t), "witness", "run", "--key", file, "--state", filepath.Join(dir, "state"), "--log", logKey, "--listen", addr,
	}}
	o.run()
	t.Cleanup(o.stop)
	return o
}

// nameWitnesses puts a roster in force that names the policy.
func nameWitnesses(t *testing.T, w *world.World, policy string) {
	t.Helper()
	keys := filepath.Join(w.Dir, "keys")
	file := filepath.Join(t.TempDir(), "saksi.policy")
	must(t, os.WriteFile(file, []byte(policy), 0o600))
	suluh(t, "roster", "witnesses", file, "--dir", keys)
	signAndInstall(t, w)
}

// TestWitnesses: two witnesses that others have written and one of ours cosign
// the log of a running instance, two of three being enough; members see when they
// don't; and a vault that is brought back to an older state finds no witness.
func TestWitnesses(t *testing.T) {
	w := start(t, t.Output())
	ctx := t.Context()
	logKey, err := os.ReadFile(filepath.Join(w.Dir, "vault", "log.vkey"))
	must(t, err)
	vkey := strings.TrimSpace(string(logKey))
	log, err := note.NewVerifier(vkey)
	must(t, err)
	a, b := litewitness(t, "saksi-a.example/w", log, vkey), litewitness(t, "saksi-b.example/w", log, vkey)
	c := ownWitness(t, "saksi-c.example/w", vkey)
	text := a.line() + b.line() + c.line() + "group saksi 2 " + a.name + " " + b.name + " " + c.name + "\nquorum saksi\n"
	policy, err := witness.ParsePolicy(text)
	must(t, err)
	ask := func(more ...string) (string, error) {
		out, err := exec.Command(program(t), append([]string{"witness", "ask", "--member-socket", w.MemberSocket(), "--root-key", w.RootKey()}, more...)...).CombinedOutput()
		return string(out), err
	}
	if out, err := ask("--once"); err == nil || !strings.Contains(out, "names no witnesses") {
		t.Errorf("without witnesses in the roster: %v\n%s", err, out)
	}
	nameWitnesses(t, w, text)
	vault := membersock.NewClient(w.MemberSocket())
	size := func(path string) (int64, int) {
		t.Helper()
		res, err := auditFile(w, path)
		if err != nil {
			return 0, 0
		}
		tree, by, err := policy.Open(res, log)
		if err != nil {
			return 0, 0
		}
		return tree.N, len(by)
	}
	if n, _ := size(accesslog.CosignedPath); n != 0 {
		t.Errorf("%d records are cosigned before anybody was asked", n)
	}

	asking := exec.Command(program(t), "witness", "ask", "--member-socket", w.MemberSocket(), "--root-key", w.RootKey(), "--every", "1s", "--again", "3s")
	asking.Stderr = t.Output()
	asking.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	must(t, asking.Start())
	t.Cleanup(func() {
		must(t, asking.Process.Signal(syscall.SIGTERM))
		must(t, asking.Wait())
	})
	newest := func() int64 {
		checkpoint, err := vault.LogFile(ctx, "checkpoint")
		must(t, err)
		tree, err := accesslog.OpenCheckpoint(checkpoint, log)
		must(t, err)
		return tree.N
	}
	within(t, "all three have cosigned all records", func() bool {
		n, by := size(accesslog.CosignedPath)
		return n == newest() && by == 3
	})
	within(t, "the checkpoint itself has the cosignatures", func() bool {
		n, by := size("checkpoint")
		return n == newest() && by == 3
	})

	// One away: two are enough. Requests make new records, which are cosigned.
	a.stop()
	deskOf(t, w, "penelaah-satu")
	within(t, "two have cosigned what came", func() bool {
		n, by := size(accesslog.CosignedPath)
		return n == newest() && by == 2
	})
	// Two away: what comes is not cosigned, and nobody waits for it.
	b.stop()
	before := newest()
	inbox := deskOf(t, w, "penelaah-satu").Get(w.Desk)
	if newest() <= before || !strings.HasPrefix(inbox.Heading(), "Kotak masuk") {
		t.Errorf("members can't work without witnesses:\n%s", inbox.Text())
	}
	time.Sleep(3 * time.Second) // the time that it would have taken
	if n, _ := size(accesslog.CosignedPath); n != before {
		t.Errorf("%d records count as cosigned, with one witness of three; %d had the quorum", n, before)
	}
	b.run()
	within(t, "two have cosigned what came meanwhile", func() bool {
		n, _ := size(accesslog.CosignedPath)
		return n == newest()
	})
	a.run()
	// Cosignatures are kept over a restart.
	kept, _ := size(accesslog.CosignedPath)
	must(t, w.Kill(world.Vault))
	must(t, w.StartPart(world.Vault))
	if n, _ := size(accesslog.CosignedPath); n < kept {
		t.Errorf("after a restart %d records are cosigned, before %d", n, kept)
	}

	// Auditors see it, in the log and in a copy of it.
	for _, where := range []string{filepath.Join(w.Dir, "vault", "log.sock"), w.Audit, exported(t, w, vkey)} {
		out, err := exec.Command(program(t), "audit", "verify", "--log-key", vkey, where).CombinedOutput()
		if err != nil || !strings.Contains(string(out), " of 3 witnesses have cosigned its first ") {
			t.Errorf("verifying %s: %v\n%s", where, err, out)
		}
	}

	within(t, "the page for auditors shows all three", func() bool {
		p := textbrowser.New(t).Get(w.Audit)
		return strings.HasPrefix(p.Heading(), "Catatan utuh") && strings.HasSuffix(p.Heading(), "berubah") && strings.Contains(p.Text(), "Disaksikan oleh 3 dari 3 saksi") && strings.Contains(p.Text(), a.name)
	})

	// So does a client that others have written, by the policy alone: from audit, from
	// the copy, and from a mirror that is nothing but the copy behind a web server.
	policyFile := filepath.Join(t.TempDir(), "policy")
	must(t, os.WriteFile(policyFile, []byte("log "+vkey+"\n"+text), 0o600))
	dir := exported(t, w, vkey)
	mirror := httptest.NewServer(http.FileServer(http.Dir(dir)))
	defer mirror.Close()
	for _, where := range []string{w.Audit, dir, mirror.URL} {
		out, err := exec.Command("../../build/bin/tlogclient", policyFile, accesslog.CosignedPath, where).CombinedOutput()
		if n, _ := strconv.Atoi(strings.TrimSpace(string(out))); err != nil || n == 0 {
			t.Errorf("another's client, reading %s: %v\n%s", where, err, out)
		}
	}
	if out, err := exec.Command(program(t), "audit", "verify", "--log-key", vkey, mirror.URL).CombinedOutput(); err != nil {
		t.Errorf("verifying a mirror: %v\n%s", err, out)
	}
	lone := filepath.Join(t.TempDir(), "policy") // one of three has another key
	strict := strings.Replace(text, "group saksi 2", "group saksi 3", 1)
	must(t, os.WriteFile(lone, []byte("log "+vkey+"\n"+strings.ReplaceAll(strict, c.key, ownWitness(t, c.name, vkey).key)), 0o600))
	if out, err := exec.Command("../../build/bin/tlogclient", lone, accesslog.CosignedPath, dir).CombinedOutput(); err == nil {
		t.Errorf("another's client takes a checkpoint without its quorum:\n%s", out)
	}

	// What isn't this log's isn't taken, nor what no witness has signed.
	checkpoint, err := vault.LogFile(ctx, "checkpoint")
	must(t, err)
	bare, err := note.Open(checkpoint, note.VerifierList(log))
	must(t, err)
	bare.UnverifiedSigs = nil
	msg, err := note.Sign(bare)
	must(t, err)
	for what, m := range map[string][]byte{"no cosignature": msg, "no checkpoint": []byte("x")} {
		if err := vault.Cosign(ctx, m); err == nil {
			t.Errorf("the vault takes %s", what)
		}
	}
}

// auditFile returns a file of the log as audit publishes it.
func auditFile(w *world.World, path string) ([]byte, error) {
	res, err := http.Get(strings.TrimSuffix(w.Audit, "/") + "/" + path)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, errors.New(res.Status)
	}
	return io.ReadAll(res.Body)
}

// exported returns a copy of the log.
func exported(t *testing.T, w *world.World, vkey string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "log")
	suluh(t, "audit", "export", "--log-key", vkey, w.Audit, dir)
	return dir
}
