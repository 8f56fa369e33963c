package main

import (
	"bufio"
	"bytes"
	"encoding/base32"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/textproto"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/cretz/bine/control"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/keyfile"
	"suluh.example/suluh/internal/submission"
	"suluh.example/suluh/internal/textbrowser"
	"suluh.example/suluh/internal/tornet"
	"suluh.example/suluh/internal/world"
)

// TestMembersWorkOverTheirOnion: on a real Tor network, two members work at a
// desk that has nothing of the vault but its onion address, and one at the
// command line; who isn't in the roster doesn't get so far as to the vault; who
// is removed doesn't any more, without a restart of anything; and no onion key
// lies in the clear anywhere.
func TestMembersWorkOverTheirOnion(t *testing.T) {
	n := tornet.Start(t)
	w, err := world.Start(t.Context(), world.Config{
		Bin: program(t), Dir: filepath.Join(t.TempDir(), "w"), Bare: true, Log: t.Output(),
		Args: map[world.Part][]string{world.Vault: {"--onion", "--tor-defaults-torrc", n.JoinTorrc}},
	})
	must(t, err)
	t.Cleanup(func() { must(t, w.Stop()) })
	seed := sent{submission.NewSeed(), 100}
	sender, day := outside(t, w)
	if !seed.deposit(t.Context(), sender, day) {
		t.Fatal("the report does not arrive")
	}
	onionDir := filepath.Join(w.Dir, "vault", "onion")
	var status struct {
		Address string `json:"address"`
	}
	within(t, "the service is published", func() bool {
		out, err := exec.Command(program(t), "onion", "status", "--json", "--dir", onionDir).Output()
		return err == nil && json.Unmarshal(out, &status) == nil
	})

	identities := filepath.Join(w.Dir, "identities")
	desk := startDesk(t, "--member-onion", status.Address, "--tor-defaults-torrc", n.JoinTorrc,
		"--root-key", w.RootKey(), "--identities", identities, "--listen", "127.0.0.1:0")
	w.Desk = desk

	// The desk's tor takes a moment; the page says so.
	within(t, "a member gets in", func() bool {
		p := unlocked(t, w, "penelaah-satu")
		if !strings.HasPrefix(p.Heading(), "Kotak masuk") && !strings.HasPrefix(p.Heading(), "Tor ") && !strings.HasPrefix(p.Heading(), "Vault tidak dapat dicapai") {
			t.Fatalf("the desk shows %q:\n%s", p.Heading(), p.Text())
		}
		return strings.HasPrefix(p.Heading(), "Kotak masuk")
	})
	one := deskOf(t, w, "penelaah-satu")
	two := deskOf(t, w, "penelaah-dua")
	one.answer(seed.text(), "Sudah kami terima", "catatan")
	one.Get(w.Desk).Press("Kunci meja", nil)
	// The key that tor had was the first one's.
	if p := two.Get(w.Desk).Follow(seed.text()); !strings.Contains(p.Text(), "Sudah kami terima") {
		t.Errorf("the second member, after the first has locked, sees\n%s", p.Text())
	}

	// At the command line, with a tor of its own.
	cases := func(identity, passphrase string) []string {
		pass := filepath.Join(t.TempDir(), "pass")
		must(t, os.WriteFile(pass, []byte(passphrase+"\n"), 0o600))
		return []string{
			"case", "--member-onion", status.Address, "--tor-defaults-torrc", n.JoinTorrc,
			"--root-key", w.RootKey(), "--identity", identity, "--passphrase-file", pass, "list",
		}
	}
	member := func(m id.Member) world.Member {
		return w.Members[slices.IndexFunc(w.Members, func(x world.Member) bool { return x.ID == m })]
	}
	m := member("penelaah-satu")
	if out := suluh(t, cases(m.IdentityFile, m.Passphrase)...); !strings.Contains(out, seed.text()) {
		t.Errorf("suluh case list says\n%s", out)
	}

	// Another desk uses a tor that runs already. That has a key while somebody works, and
	// goes on without one when the desk ends.
	t.Run("by a tor that runs already", func(t *testing.T) {
		w.Desk = startDesk(t, "--member-onion", status.Address, "--tor-control", n.Control,
			"--root-key", w.RootKey(), "--identities", identities, "--listen", "127.0.0.1:0")
		defer func() { w.Desk = desk }()
		within(t, "a member gets in", func() bool {
			return strings.HasPrefix(unlocked(t, w, "penelaah-dua").Heading(), "Kotak masuk")
		})
		two := deskOf(t, w, "penelaah-dua")
		two.answer(seed.text(), "Lewat tor yang sudah ada", "catatan")
		if p := two.Get(w.Desk).Follow(seed.text()); !strings.Contains(p.Text(), "Lewat tor yang sudah ada") {
			t.Errorf("the member sees\n%s", p.Text())
		}
		if keys := keysOf(t, n.Control); !strings.Contains(keys, strings.TrimSuffix(status.Address, ".onion")) {
			t.Errorf("tor has the keys %q", keys)
		}
	})
	if keys := keysOf(t, n.Control); strings.Contains(keys, strings.TrimSuffix(status.Address, ".onion")) {
		t.Errorf("after the desk has ended tor has the keys %q", keys)
	}

	// A stranger's key opens nothing, however good its form.
	strange := t.TempDir()
	stranger, err := keyfile.New("penyusup")
	must(t, err)
	sealed, err := stranger.Seal("kata sandi yang panjang", 10)
	must(t, err)
	must(t, os.WriteFile(filepath.Join(strange, "penyusup.identity"), sealed, 0o600))
	says(t, fails(t, cases(filepath.Join(strange, "penyusup.identity"), "kata sandi yang panjang")...),
		"lets nobody in with this key", "hint: the roster in force may not list your onion key")

	// The first member is removed. Who is in goes on; he doesn't get in again.
	vault, tor := w.PID(world.Vault), torOf(t, onionDir)
	install(t, w, "penelaah-satu")
	within(t, "the removed member is shut out", func() bool {
		out, err := exec.Command(program(t), cases(m.IdentityFile, m.Passphrase)...).CombinedOutput()
		var exit *exec.ExitError
		return errors.As(err, &exit) && strings.Contains(string(out), "lets nobody in with this key")
	})
	within(t, "the other member goes on", func() bool {
		return strings.HasPrefix(two.Get(w.Desk).Heading(), "Kotak masuk")
	})
	if w.PID(world.Vault) != vault || torOf(t, onionDir) != tor {
		t.Error("something was started anew")
	}

	keys := map[string]string{}
	for _, m := range w.Members {
		sealed, err := os.ReadFile(m.IdentityFile)
		must(t, err)
		i, err := keyfile.Open(sealed, m.Passphrase)
		must(t, err)
		k := i.OnionKey().Bytes()
		keys[string(k)], keys[base32.StdEncoding.EncodeToString(k)[:52]], keys[base64.StdEncoding.EncodeToString(k)] = string(m.ID), string(m.ID), string(m.ID)
	}
	looked := 0
	must(t, filepath.WalkDir(w.Dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) { // of a tor that runs
			return nil
		}
		for k, m := range keys {
			if bytes.Contains(b, []byte(k)) {
				t.Errorf("%s has the onion key of %s", path, m)
			}
		}
		if strings.Contains(path, "/tor/tor/") || strings.Contains(path, ".tor/tor/") {
			looked++
		}
		return err
	}))
	if looked < 4 {
		t.Errorf("looked into %d files of tors", looked)
	}
}

// TestMembersByTheSystemsTor: a tor that runs already, as a user of its own, serves
// members at its control socket; who is removed is shut out without a restart; nobody else
// at the control socket can change whom it lets in; and the service comes back with tor.
func TestMembersByTheSystemsTor(t *testing.T) {
	n := tornet.Start(t)
	dir, err := os.MkdirTemp("", "suluh-tor-") // paths of sockets are short; those of tests aren't
	must(t, err)
	t.Cleanup(func() { must(t, os.RemoveAll(dir)) })
	data, onionDir := filepath.Join(dir, "tor"), filepath.Join(dir, "o")
	torrc := "SocksPort 0\nCookieAuthentication 1\n"
	must(t, os.Chmod(dir, 0o755))
	must(t, os.Mkdir(data, 0o700))
	must(t, os.Mkdir(onionDir, 0o710))
	if u, err := user.Lookup("debian-tor"); err == nil && os.Getuid() == 0 {
		torrc += "User debian-tor\n"
		uid, err := strconv.Atoi(u.Uid)
		must(t, err)
		gid, err := strconv.Atoi(u.Gid)
		must(t, err)
		must(t, os.Chown(data, uid, gid))
		must(t, os.Chown(onionDir, 0, gid))
		must(t, os.Chmod(onionDir, 0o710|fs.ModeSetgid))
	}
	system := func() (end func()) {
		file, log, control := filepath.Join(dir, "torrc"), filepath.Join(data, "log"), filepath.Join(data, "control")
		must(t, os.WriteFile(file, fmt.Appendf([]byte(torrc), "ControlSocket %s\nDataDirectory %s\nLog notice file %s\n", control, data, log), 0o644))
		must(t, os.RemoveAll(log))
		cmd := exec.Command("tor", "--quiet", "--defaults-torrc", n.JoinTorrc, "-f", file)
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		must(t, cmd.Start())
		end = sync.OnceFunc(func() {
			_ = cmd.Process.Kill() // it may have ended
			_ = cmd.Wait()
		})
		t.Cleanup(end)
		within(t, "the system's tor is ready", func() bool {
			text, _ := os.ReadFile(log)
			return bytes.Contains(text, []byte("Bootstrapped 100%"))
		})
		return end
	}
	end := system()
	socket := filepath.Join(data, "control")
	w, err := world.Start(t.Context(), world.Config{
		Bin: program(t), Dir: filepath.Join(t.TempDir(), "w"), Bare: true, Log: t.Output(),
		Args: map[world.Part][]string{world.Vault: {"--onion", "--tor-control", socket, "--onion-dir", onionDir}},
	})
	must(t, err)
	t.Cleanup(func() { must(t, w.Stop()) })
	seed := sent{submission.NewSeed(), 100}
	sender, day := outside(t, w)
	if !seed.deposit(t.Context(), sender, day) {
		t.Fatal("the report does not arrive")
	}
	var status struct {
		Address string `json:"address"`
		Starts  int    `json:"starts"`
		Clients int    `json:"authorized_clients"`
	}
	published := func() bool {
		out, err := exec.Command(program(t), "onion", "status", "--json", "--dir", onionDir).Output()
		return err == nil && json.Unmarshal(out, &status) == nil
	}
	within(t, "the service is published", published)
	address := status.Address
	if status.Clients < 3 {
		t.Errorf("%d clients are let in", status.Clients)
	}
	list := func(m id.Member) (string, error) {
		i := slices.IndexFunc(w.Members, func(x world.Member) bool { return x.ID == m })
		pass := filepath.Join(t.TempDir(), "pass")
		must(t, os.WriteFile(pass, []byte(w.Members[i].Passphrase+"\n"), 0o600))
		out, err := exec.Command(program(t), "case", "--member-onion", address, "--tor-defaults-torrc", n.JoinTorrc,
			"--root-key", w.RootKey(), "--identity", w.Members[i].IdentityFile, "--passphrase-file", pass, "list").CombinedOutput()
		return string(out), err
	}
	for _, m := range []id.Member{"penelaah-satu", "penelaah-dua"} {
		within(t, string(m)+" gets in", func() bool {
			out, err := list(m)
			return err == nil && strings.Contains(out, seed.text())
		})
	}

	// Somebody else who may use tor's control socket.
	other := func(command string) error {
		raw, err := net.Dial("unix", socket)
		must(t, err)
		c := control.NewConn(textproto.NewConn(raw))
		defer c.Close()
		must(t, c.Authenticate(""))
		_, err = c.SendRequest("%s", command)
		return err
	}
	if err := other("DEL_ONION " + strings.TrimSuffix(address, ".onion")); err == nil {
		t.Error("another connection can take the service down")
	}
	if err := other("ADD_ONION NEW:ED25519-V3 Flags=DiscardPK Port=80,unix:" + filepath.Join(dir, "x")); err != nil {
		t.Errorf("the connection that can't, can't do anything: %v", err)
	}

	// The files are those that a tor of its own would have, and say the same address.
	service := filepath.Join(w.Dir, "vault", "onion", "service")
	again := filepath.Join(t.TempDir(), "again")
	must(t, os.Mkdir(again, 0o700))
	key := filepath.Join(service, "hs_ed25519_secret_key")
	b, err := os.ReadFile(key)
	must(t, err)
	if info, err := os.Stat(key); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key has mode %v, %v", info.Mode(), err)
	}
	must(t, os.WriteFile(filepath.Join(again, "hs_ed25519_secret_key"), b, 0o600))
	none := filepath.Join(t.TempDir(), "torrc")
	must(t, os.WriteFile(none, nil, 0o600))
	own := exec.Command("tor", "--quiet", "--defaults-torrc", none, "-f", none, "DisableNetwork", "1", "SocksPort", "0",
		"DataDirectory", filepath.Join(t.TempDir(), "data"), "HiddenServiceDir", again, "HiddenServicePort", "80")
	own.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	must(t, own.Start())
	within(t, "a tor of its own has read the key", func() bool {
		_, err := os.Stat(filepath.Join(again, "hostname"))
		return err == nil
	})
	must(t, own.Process.Kill())
	_ = own.Wait() // it was killed
	for _, f := range []string{"hostname", "hs_ed25519_public_key"} {
		ours, err := os.ReadFile(filepath.Join(service, f))
		must(t, err)
		theirs, err := os.ReadFile(filepath.Join(again, f))
		must(t, err)
		if !bytes.Equal(ours, theirs) {
			t.Errorf("%s is %q, and tor's is %q", f, ours, theirs)
		}
	}

	vault := w.PID(world.Vault)
	install(t, w, "penelaah-satu")
	out := func() {
		t.Helper()
		within(t, "the removed member is shut out", func() bool {
			text, err := list("penelaah-satu")
			return err != nil && strings.Contains(text, "lets nobody in with this key")
		})
		within(t, "the other member goes on", func() bool {
			_, err := list("penelaah-dua")
			return err == nil
		})
	}
	out()
	if published(); status.Starts != 1 || w.PID(world.Vault) != vault {
		t.Error("something was started anew")
	}

	end()
	system()
	within(t, "the tor that was started anew has the service", func() bool { return published() && status.Starts > 1 })
	if status.Address != address || w.PID(world.Vault) != vault {
		t.Errorf("the address is %q, and was %q", status.Address, address)
	}
	out()
}

// keysOf are the keys to onion services that a tor has.
func keysOf(t *testing.T, controlSocket string) string {
	t.Helper()
	raw, err := net.Dial("unix", controlSocket)
	must(t, err)
	c := control.NewConn(textproto.NewConn(raw))
	defer c.Close()
	must(t, c.Authenticate(""))
	r, err := c.SendRequest("ONION_CLIENT_AUTH_VIEW")
	must(t, err)
	return strings.Join(r.DataWithReply(), "\n")
}

// within waits for a condition.
func within(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); !ok(); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not in two minutes: %s", what)
		}
	}
}

// startDesk starts a desk and returns where it listens.
func startDesk(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command(program(t), append([]string{"desk"}, args...)...)
	cmd.Stderr = t.Output()
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() {
		must(t, cmd.Process.Signal(syscall.SIGTERM))
		must(t, cmd.Wait())
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	must(t, err)
	_, url, ok := strings.Cut(strings.TrimSpace(line), ": listening on ")
	if !ok {
		t.Fatalf("the desk says %q", line)
	}
	return url
}

// unlocked is the page that follows when a member unlocks.
func unlocked(t *testing.T, w *world.World, m id.Member) *textbrowser.Page {
	t.Helper()
	i := slices.IndexFunc(w.Members, func(x world.Member) bool { return x.ID == m })
	return textbrowser.New(t).Get(w.Desk).Press("Buka kunci", map[string]string{"anggota": string(m), "sandi": w.Members[i].Passphrase})
}

// torOf says what tor serves an onion directory.
func torOf(t *testing.T, dir string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "status.json"))
	must(t, err)
	var s struct {
		Starts int `json:"starts"`
	}
	must(t, json.Unmarshal(b, &s))
	return string(rune('0' + s.Starts))
}

// install puts a roster in force in which a member is removed.
func install(t *testing.T, w *world.World, gone id.Member) {
	t.Helper()
	suluh(t, "roster", "remove", string(gone), "--dir", filepath.Join(w.Dir, "keys"))
	signAndInstall(t, w)
}

// signAndInstall signs the draft of an instance that has its first roster, and
// puts it in force.
func signAndInstall(t *testing.T, w *world.World) {
	t.Helper()
	keys := filepath.Join(w.Dir, "keys")
	var demo struct {
		Root string `json:"root_passphrase"`
	}
	b, err := os.ReadFile(filepath.Join(w.Dir, "demo.json"))
	must(t, err)
	must(t, json.Unmarshal(b, &demo))
	pass := filepath.Join(t.TempDir(), "root.pass")
	must(t, os.WriteFile(pass, []byte(demo.Root+"\n"), 0o600))
	suluh(t, "roster", "sign", "--dir", keys, "--passphrase-file", pass)
	suluh(t, "vault", "roster", "--dir", filepath.Join(w.Dir, "vault"), filepath.Join(keys, "roster-2.note"))
}
