//go:build linux

package onion

import (
	"bytes"
	"encoding/base64"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cretz/bine/control"
)

// TestWhatIsWrongIsSaidAtOnce: nothing is started with settings that can't
// work.
func TestWhatIsWrongIsSaidAtOnce(t *testing.T) {
	for name, x := range map[string]struct {
		c    Config
		want error
	}{
		"no tor":               {Config{Tor: filepath.Join(t.TempDir(), "tor")}, ErrNoTor},
		"no settings":          {Config{Tor: "sh", DefaultsTorrc: filepath.Join(t.TempDir(), "none")}, os.ErrNotExist},
		"a path too long":      {Config{Tor: "sh", Dir: filepath.Join(t.TempDir(), strings.Repeat("x", 100))}, ErrLong},
		"members, and a space": {Config{Members: true, Control: "/run/tor/control", Dir: filepath.Join(t.TempDir(), "a b")}, ErrSpace},
	} {
		if x.c.Dir == "" {
			x.c.Dir = filepath.Join(t.TempDir(), "o")
		}
		if _, err := Start(t.Context(), x.c); !errors.Is(err, x.want) {
			t.Errorf("%s: got %v, want %v", name, err, x.want)
		}
		if _, err := os.Stat(x.c.Dir); err == nil {
			t.Errorf("%s: made the directory", name)
		}
	}
}

// TestMembersServiceIsNeverOpen: before the first member is let in there is a
// client already, or tor would let everybody in.
func TestMembersServiceIsNeverOpen(t *testing.T) {
	c := Config{Tor: "sh", Dir: filepath.Join(t.TempDir(), "o"), Members: true}
	var first []byte
	for range 2 {
		if err := c.prepare(); err != nil {
			t.Fatal(err)
		}
		files, err := filepath.Glob(filepath.Join(ServiceDir(c.Dir), "authorized_clients", "*.auth"))
		if err != nil || len(files) != 1 {
			t.Fatalf("%d clients, %v", len(files), err)
		}
		b, err := os.ReadFile(files[0])
		if err != nil || !bytes.HasPrefix(b, []byte("descriptor:x25519:")) || first != nil && !bytes.Equal(b, first) {
			t.Errorf("got %q, %v", b, err)
		}
		first = b
	}
	if info, err := os.Stat(c.Dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the directory has mode %v, %v", info.Mode(), err)
	}
}

// TestOneAtATime: a directory is one keeper's, until that has ended.
func TestOneAtATime(t *testing.T) {
	c := Config{Dir: t.TempDir()}
	first, err := c.lock()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.lock(); !errors.Is(err, ErrBusy) {
		t.Errorf("a second: got %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second, err := c.lock()
	if err != nil {
		t.Fatalf("after the first: %v", err)
	}
	second.Close()
}

// TestOthersServicesStay: what the system's tor serves besides ours is told to
// it again, ours of before is not.
func TestOthersServicesStay(t *testing.T) {
	there := control.KeyVals(
		"HiddenServiceDir", "/var/lib/tor/one", "HiddenServicePort", "22", "HiddenServicePort", "80 unix:\"/a b\"",
		"HiddenServiceDir", "/var/lib/tor/suluh/", "HiddenServicePort", "80 unix:/old", "HiddenServicePoWDefensesEnabled", "1",
		"HiddenServiceDir", "/var/lib/tor/two", "HiddenServicePort", "81")
	var got []string
	for _, l := range others(there, "/var/lib/tor/suluh") {
		got = append(got, l.Key[len("HiddenService"):]+" "+l.Val)
	}
	want := "Dir /var/lib/tor/one, Port 22, Port 80 unix:\"/a b\", Dir /var/lib/tor/two, Port 81"
	if s := strings.Join(got, ", "); s != want {
		t.Errorf("got  %s\nwant %s", s, want)
	}
	if left := others([]*control.KeyVal{{Key: "HiddenServiceOptions"}}, "/x"); len(left) != 0 {
		t.Errorf("of no service at all, %v is left", left)
	}
}

// TestTorrc: a path with anything in it stays one path.
func TestTorrc(t *testing.T) {
	got := Config{Dir: `/a "b"\c`, PoWRate: 5, PoWBurst: 6, IntroRate: 7, IntroBurst: 8, Circuits: true}.torrc()
	for _, want := range []string{
		"SocksPort 0\n", "ControlSocket \"/a \\\"b\\\"\\\\c/control.sock\"\n",
		"HiddenServiceDir \"/a \\\"b\\\"\\\\c/service\"\n", "HiddenServicePort 80 unix:\"/a \\\"b\\\"\\\\c/web.sock\"\n",
		"HiddenServicePoWDefensesEnabled 1\n", "HiddenServicePoWQueueRate 5\n", "HiddenServicePoWQueueBurst 6\n",
		"HiddenServiceEnableIntroDoSDefense 1\n", "HiddenServiceEnableIntroDoSRatePerSec 7\n", "HiddenServiceEnableIntroDoSBurstPerSec 8\n",
		"HiddenServiceExportCircuitID haproxy\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("lacks %s:\n%s", want, got)
		}
	}
}

// TestOfTorsLogWarningsStay: warnings are passed on without their time, the
// effort is kept, and nothing else of what tor says about circuits is.
func TestOfTorsLogWarningsStay(t *testing.T) {
	var log bytes.Buffer
	var effort atomic.Int64
	l := &torLog{log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})), effort: &effort}
	text := "Nov 25 02:54:38.000 [warn] Clock jumped\n" +
		"Nov 25 02:54:39.000 [debug] handle_introduce2(): circuit 4711\n" +
		"Nov 25 02:54:40.000 [debug] update_suggested_effort(): Recalculated suggested effort: 12\n" +
		"Nov 25 02:54:41.000 [notice] Bootstrapped 4711%\n"
	for part := range strings.SplitSeq(text+strings.Repeat("x", 100_000), "a") {
		if _, err := l.Write([]byte(part + "a")); err != nil {
			t.Fatal(err)
		}
	}
	if effort.Load() != 12 {
		t.Errorf("effort %d", effort.Load())
	}
	if s := log.String(); !strings.Contains(s, "Clock jumped") || strings.Contains(s, "4711") || strings.Contains(s, "02:54") {
		t.Errorf("log:\n%s", s)
	}
	if len(l.got) > 8192 {
		t.Errorf("%d bytes of a line without end are kept", len(l.got))
	}
}

// TestKeysForTheSystemsTor: what tor has made is kept as a tor of our own would,
// and told to it again; what is damaged is told to nobody, and a service without a single
// client is none.
func TestKeysForTheSystemsTor(t *testing.T) {
	service := t.TempDir()
	if got, err := readKey(service); err != nil || got != newKey {
		t.Errorf("without a key: %q, %v", got, err)
	}
	if keys, err := authorized(service); err == nil {
		t.Errorf("nobody is on the list: got %v", keys)
	}
	if _, err := Authorize(service, map[string]string{"penelaah-satu": strings.Repeat("Q", 51) + "A"}); err != nil {
		t.Fatal(err)
	}
	keys, err := authorized(service)
	if err != nil || len(keys) != 2 || !slices.Contains(keys, strings.Repeat("Q", 51)+"A") {
		t.Errorf("got %v, %v", keys, err)
	}
	made := "ED25519-V3:" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 64))
	address := strings.Repeat("a", 56)
	for _, told := range []string{made, ""} { // tor says the key once
		if err := writeKeys(service, address, told); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := readKey(service); err != nil || got != made {
		t.Errorf("got %q, %v", got, err)
	}
	if got, err := Address(service); err != nil || got != address+".onion" {
		t.Errorf("got %q, %v", got, err)
	}
	for _, f := range KeyFiles() {
		info, err := os.Stat(filepath.Join(service, filepath.Base(f)))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", f, info, err)
		}
	}
	if err := writeKeys(service, address, made); err == nil {
		t.Error("a key that is there was replaced")
	}
	if err := writeKeys(service, "bukan", ""); err == nil {
		t.Error("an answer without an address was taken")
	}
	name := filepath.Join(service, "hs_ed25519_secret_key")
	if err := os.WriteFile(name, []byte(secretHead+"short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := readKey(service); err == nil {
		t.Errorf("a damaged key: got %q", got)
	}
	if err := os.WriteFile(filepath.Join(service, "authorized_clients", "x.auth"), []byte("terbuka\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if keys, err := authorized(service); err == nil {
		t.Errorf("a damaged list: got %v", keys)
	}
}
