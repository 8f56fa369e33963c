//go:build linux

package door_test

import (
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cretz/bine/control"

	"suluh.example/suluh/internal/door"
	"suluh.example/suluh/internal/onion"
	"suluh.example/suluh/internal/tornet"
)

// TestMain lets the test's own binary be the process that connects.
func TestMain(m *testing.M) {
	if len(os.Args) > 5 && os.Args[1] == door.Command {
		c := door.Config{Address: os.Args[3], Control: os.Args[5], Own: os.Args[len(os.Args)-1] == "--own"}
		if len(os.Args) > 7 {
			c.Socks = os.Args[7]
		}
		if err := door.Serve(context.Background(), c, func(door.Needs) error { return nil }); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// tor is one that runs.
type tor struct {
	t   *testing.T
	dir string
	cmd *exec.Cmd
}

// start starts a tor of the private network; it ends with the test.
func start(t *testing.T, n *tornet.Network, dir, torrc string) *tor {
	t.Helper()
	x := &tor{t: t, dir: dir}
	must(t, os.Chmod(dir, 0o700)) // or tor makes no socket there
	torrc = fmt.Sprintf("DataDirectory %s/data\nControlSocket %s/control.sock\nLog notice file %s/log\n__OwningControllerProcess %d\n%s", dir, dir, dir, os.Getpid(), torrc)
	must(t, os.WriteFile(filepath.Join(dir, "torrc"), []byte(torrc), 0o600))
	x.cmd = exec.Command("tor", "--quiet", "--defaults-torrc", n.JoinTorrc, "-f", filepath.Join(dir, "torrc"))
	must(t, x.cmd.Start())
	t.Cleanup(x.stop)
	x.until("it has bootstrapped", func() bool {
		r, err := x.ask("GETINFO status/bootstrap-phase")
		return err == nil && strings.Contains(strings.Join(r.RawLines, " "), "PROGRESS=100")
	})
	return x
}

func (x *tor) stop() {
	_ = x.cmd.Process.Kill() // it may have ended
	_ = x.cmd.Wait()
}

func (x *tor) ask(request string) (*control.Response, error) {
	raw, err := net.Dial("unix", filepath.Join(x.dir, "control.sock"))
	if err != nil {
		return nil, err
	}
	c := control.NewConn(textproto.NewConn(raw))
	defer c.Close()
	if err := c.Authenticate(""); err != nil {
		return nil, err
	}
	return c.SendRequest("%s", request)
}

// until waits for a condition.
func (x *tor) until(what string, ok func() bool) {
	x.t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			log, _ := os.ReadFile(filepath.Join(x.dir, "log"))
			x.t.Fatalf("not in a minute: %s\n%s", what, log)
		}
	}
}

// service is an onion service that answers each connection with what it gets.
type service struct {
	*tor
	address string
	hs      string
}

func serve(t *testing.T, n *tornet.Network, keys map[string]string) *service {
	t.Helper()
	dir := t.TempDir()
	s := &service{hs: filepath.Join(dir, "members")}
	must(t, os.Mkdir(s.hs, 0o700))
	_, err := onion.Authorize(s.hs, keys)
	must(t, err)
	l, err := net.Listen("unix", filepath.Join(dir, "app.sock"))
	must(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_, _ = io.Copy(c, c)
			}()
		}
	}()
	s.tor = start(t, n, dir, fmt.Sprintf("SocksPort 0\nHiddenServiceDir %s\nHiddenServicePort 80 unix:%s/app.sock\n", s.hs, dir))
	s.until("the service has an address", func() bool {
		b, err := os.ReadFile(filepath.Join(s.hs, "hostname"))
		s.address = strings.TrimSpace(string(b))
		return err == nil
	})
	return s
}

// client is a tor of the members' side.
func client(t *testing.T, n *tornet.Network) *tor {
	dir := t.TempDir()
	return start(t, n, dir, fmt.Sprintf("SocksPort unix:%s/socks.sock ExtendedErrors\n", dir))
}

func (x *tor) door(address string) *door.Door {
	x.t.Helper()
	d, err := door.Start(x.t.Context(), door.Config{Address: address, Control: x.dir + "/control.sock", Socks: x.dir + "/socks.sock", Own: true})
	must(x.t, err)
	return d
}

func key(t *testing.T) *ecdh.PrivateKey {
	t.Helper()
	k, err := ecdh.X25519().GenerateKey(rand.Reader)
	must(t, err)
	return k
}

var base32Text = base32.StdEncoding.WithPadding(base32.NoPadding)

func public(k *ecdh.PrivateKey) string { return base32Text.EncodeToString(k.PublicKey().Bytes()) }

// opens tells whether the door leads to the service, which answers.
func opens(t *testing.T, d *door.Door) error {
	t.Helper()
	c, err := d.Dial(t.Context())
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := io.WriteString(c, "halo"); err != nil {
		return err
	}
	b := make([]byte, 4)
	if _, err := io.ReadFull(c, b); err != nil || string(b) != "halo" {
		t.Errorf("the service answers %q, %v", b, err)
	}
	return nil
}

func TestDoor(t *testing.T) {
	n := tornet.Start(t)
	one, two, stranger := key(t), key(t), key(t)
	keys := map[string]string{"penelaah-satu": public(one), "penelaah-dua": public(two)}
	s := serve(t, n, keys)
	c := client(t, n)
	d := c.door(s.address)

	// It is there once a member gets in.
	leaveOne, err := d.Enter(one)
	must(t, err)
	c.until("the service can be reached", func() bool { return opens(t, d) == nil })
	leaveOne()
	if err := opens(t, d); !errors.Is(err, door.ErrShut) {
		t.Errorf("after the one member has left: got %v, want ErrShut", err)
	}

	// Who isn't on the list doesn't get in, with another member's help alone.
	leaveStranger, err := d.Enter(stranger)
	must(t, err)
	if err := opens(t, d); !errors.Is(err, door.ErrShut) {
		t.Errorf("with a stranger's key: got %v, want ErrShut", err)
	}
	leaveTwo, err := d.Enter(two)
	must(t, err)
	if err := opens(t, d); err != nil {
		t.Errorf("a member beside a stranger: %v", err)
	}
	leaveStranger()
	if err := opens(t, d); err != nil {
		t.Errorf("after the stranger has left: %v", err)
	}

	// Two members at one door: whoever leaves first, the other stays in.
	leaveAgain, err := d.Enter(one)
	must(t, err)
	defer leaveAgain()
	leaveTwo()
	if err := opens(t, d); err != nil {
		t.Errorf("after the first of two has left: %v", err)
	}

	// tor forgets keys when it is started anew, and gets one again.
	if _, err := c.ask("SIGNAL NEWNYM"); err != nil {
		t.Fatal(err)
	}
	if err := opens(t, d); err != nil {
		t.Errorf("after tor has forgotten the key: %v", err)
	}

	// Neither half lies on the disk of the tor that has used it.
	for _, k := range []*ecdh.PrivateKey{one, two} {
		for _, text := range []string{string(k.Bytes()), base32Text.EncodeToString(k.Bytes()), base64.StdEncoding.EncodeToString(k.Bytes())} {
			if out, err := exec.Command("grep", "-rlaF", "-e", text, c.dir).Output(); len(out) > 0 {
				t.Errorf("a key lies in %s: %v", out, err)
			}
		}
	}

	// The end takes the key away from a tor that goes on.
	must(t, d.Close())
	if r, err := c.ask("ONION_CLIENT_AUTH_VIEW"); err != nil || strings.Contains(strings.Join(r.RawLines, " "), "x25519:") {
		t.Errorf("after the end, tor still has a key: %v %v", r, err)
	}
}

func TestWhatIsWrong(t *testing.T) {
	n := tornet.Start(t)
	k := key(t)
	c := client(t, n)
	if _, err := door.Start(t.Context(), door.Config{Address: "peraga.onion", Control: "x", Socks: "x"}); !errors.Is(err, door.ErrAddress) {
		t.Errorf("a short address: got %v", err)
	}
	// An address that nobody can have, and one that nobody has.
	for address, want := range map[string]error{
		strings.Repeat("a", 56) + ".onion":                               door.ErrAddress,
		"p53lf57qovyuvwsc6xnrppyply3vtqm7l6pcobkmyqsiofyeznfu5uqd.onion": door.ErrAway,
	} {
		d := c.door(address)
		_, err := d.Enter(k)
		if want != door.ErrAddress { // tor looks at it already when it gets a key
			must(t, err)
		}
		if err := opens(t, d); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", address, err, want)
		}
		must(t, d.Close())
	}
	d := c.door("p53lf57qovyuvwsc6xnrppyply3vtqm7l6pcobkmyqsiofyeznfu5uqd.onion")
	defer d.Close()
	if _, err := d.Enter(nil); !errors.Is(err, door.ErrNoKey) {
		t.Errorf("no key: got %v", err)
	}
	// A tor that others use, too, is looked at before anything is promised.
	if _, err := door.Start(t.Context(), door.Config{Address: "p53lf57qovyuvwsc6xnrppyply3vtqm7l6pcobkmyqsiofyeznfu5uqd.onion", Control: c.dir + "/none/control"}); !errors.Is(err, door.ErrTor) {
		t.Errorf("no control port: got %v", err)
	}
	shared, err := door.Start(t.Context(), door.Config{Address: "http://P53LF57QOVYUVWSC6XNRPPYPLY3VTQM7L6PCOBKMYQSIOFYEZNFU5UQD.onion/", Control: c.dir + "/control.sock"})
	must(t, err)
	if err := opens(t, shared); !errors.Is(err, door.ErrAway) {
		t.Errorf("by the SOCKS port that tor names: got %v", err)
	}
	must(t, shared.Close())
	c.stop()
	if _, err := d.Enter(k); !errors.Is(err, door.ErrTor) {
		t.Errorf("tor is gone: got %v", err)
	}
	if err := opens(t, d); !errors.Is(err, door.ErrTor) {
		t.Errorf("tor is gone: got %v", err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
