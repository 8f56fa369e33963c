package onion_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/keyfile"
	"suluh.example/suluh/internal/ceremony"
	"suluh.example/suluh/internal/textbrowser"
	"suluh.example/suluh/internal/tornet"
	"suluh.example/suluh/internal/world"
)

// TestAKeyWitnessByItsOnion: a key witness that has no port open is an onion service
// by itself, under the same address after a restart, and desk and commands open a
// split case by it.
func TestAKeyWitnessByItsOnion(t *testing.T) {
	p := place{net: tornet.Start(t), bin: program(t)}
	w, err := world.Start(t.Context(), world.Config{
		Bin: p.bin, Dir: filepath.Join(t.TempDir(), "w"), Bare: true, Log: t.Output(),
		Args: map[world.Part][]string{world.Desk: {"--outside-socks", p.net.Socks}},
	})
	must(t, err)
	t.Cleanup(func() { must(t, w.Stop()) })

	dir := t.TempDir()
	secret := func(text string) string {
		t.Helper()
		file := filepath.Join(t.TempDir(), "passphrase")
		must(t, os.WriteFile(file, []byte(text+"\n"), 0o600))
		return file
	}
	i, err := keyfile.New("saksi-kunci")
	must(t, err)
	_, err = ceremony.WriteMember(dir, "Saksi Kunci", i, "rahasia", 8) // suluh member new takes seconds
	must(t, err)
	args := []string{
		"keywitness", "run", "--identity", filepath.Join(dir, "saksi-kunci.identity"), "--passphrase-file", secret("rahasia"), "--root-key", w.RootKey(),
		"--dir", filepath.Join(dir, "s"), "--onion", "--tor-defaults-torrc", p.net.JoinTorrc,
	}
	x := p.run(t, args...)
	address := x.address(t)
	if all, _ := tcp(t, x.cmd.Process.Pid); all != 0 {
		t.Errorf("it has %d TCP sockets", all)
	}
	onionDir := filepath.Join(dir, "s", "onion")
	if s := p.onionStatus(t, onionDir); "http://"+s.Address+"/" != address || s.State != "published" || !s.PoW.Enabled {
		t.Errorf("its status is %+v", s)
	}
	if info, err := os.Stat(filepath.Join(onionDir, "service", "hs_ed25519_secret_key")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the service's key: %v, %v", info, err)
	}

	// The address goes into the roster as it is printed.
	keys := filepath.Join(w.Dir, "keys")
	var demo struct {
		Root string `json:"root_passphrase"`
	}
	b, err := os.ReadFile(filepath.Join(w.Dir, "demo.json"))
	must(t, err)
	must(t, json.Unmarshal(b, &demo))
	for _, args := range [][]string{
		{"roster", "add", filepath.Join(dir, "saksi-kunci.request"), "--unit", "itjen", "--role", "key-witness", "--address", address, "--dir", keys},
		{"roster", "unit", "itprov", "--key-witness", "saksi-kunci", "--dir", keys},
		{"roster", "sign", "--dir", keys, "--passphrase-file", secret(demo.Root)},
		{"vault", "roster", "--dir", filepath.Join(w.Dir, "vault"), filepath.Join(keys, "roster-2.note")},
	} {
		if out, err := exec.Command(p.bin, args...).CombinedOutput(); err != nil {
			t.Fatalf("suluh %s: %v\n%s", args[0], err, out)
		}
	}
	const text = "Uji saksi kunci lewat bawang"
	sent := textbrowser.New(t).Get(w.Intake+"lapor/tulis").Press("Lanjut", map[string]string{"unit": "itprov", "apa": text}).Press("Kirim laporan", nil)
	if len(sent.Items("code")) != 10 {
		t.Fatalf("the report was not received:\n%s", sent.Text())
	}

	// asMember runs a case command.
	asMember := func(m id.Member, args ...string) string {
		t.Helper()
		who := w.Members[slices.IndexFunc(w.Members, func(x world.Member) bool { return x.ID == m })]
		cmd := exec.Command(p.bin, append([]string{
			"case", "--member-socket", w.MemberSocket(), "--root-key", w.RootKey(), "--identity", who.IdentityFile, "--passphrase-file", secret(who.Passphrase),
			"--outside-socks", p.net.Socks,
		}, args...)...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("suluh case %s: %v\n%s", args[0], err, out)
		}
		return string(out)
	}
	var listed struct {
		Case id.Case `json:"case"`
	}
	must(t, json.Unmarshal([]byte(asMember("penelaah-satu", "list", "--json")), &listed))
	if out := asMember("penelaah-satu", "show", string(listed.Case)); !strings.Contains(out, text) {
		t.Errorf("suluh case shows\n%s", out)
	}

	x.end(syscall.SIGTERM)
	if code := x.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit status %d:\n%s", code, x.log.String())
	}
	x = p.run(t, args...)
	if again := x.address(t); again != address {
		t.Fatal("the restarted key witness has another address")
	}
	must(t, p.net.ForgetPaths())
	two := w.Members[slices.IndexFunc(w.Members, func(x world.Member) bool { return x.ID == "penelaah-dua" })]
	opened := textbrowser.New(t).Get(w.Desk).Press("Buka kunci", map[string]string{"anggota": string(two.ID), "sandi": two.Passphrase}).
		Follow("Judul tampil setelah kasus dibuka")
	if opened.Heading() != text {
		t.Errorf("the desk shows\n%s", opened.Text())
	}
	if strings.Contains(x.log.String(), string(two.ID)) || strings.Contains(x.log.String(), "127.0.0.1") {
		t.Errorf("its log:\n%s", x.log.String())
	}
}
