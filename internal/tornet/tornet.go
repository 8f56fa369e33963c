// Package tornet runs a private Tor network on loopback for tests: three
// directory authorities that are relays and guards too, three more relays and a
// client, all of them Debian's tor, so that onion services are tested as they will
// be used.
//
// It never reaches anything but 127.0.0.1, and nothing but tests and the soak may
// import it. Its keys and logs lie in a temporary folder that is gone, as its
// processes are, when who started it ends, however that ends.
package tornet

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/textproto"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/cretz/bine/control"
	"golang.org/x/sync/errgroup"
)

// Network is a network that runs.
type Network struct {
	JoinTorrc string // file for tor's --defaults-torrc: joins the network
	Socks     string // HOST:PORT of the client's SOCKS5 port
	Control   string // the client's control socket

	dir   string
	owner io.Writer // what keeps it up: the end of a pipe
}

// Run returns the network of this process, which the first call starts.
func Run() (*Network, error) { return shared() }

var shared = sync.OnceValues(start)

// Start returns the network of this test binary, which the first call starts.
func Start(t testing.TB) *Network {
	t.Helper()
	n, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	return n
}

const (
	authorities = 3
	relays      = 6 // with the authorities
)

// keep starts each tor that is named on its input. It ends them all, and the
// folder, once whoever holds the other end is gone: even after kill -9.
const keep = `trap '' HUP INT TERM
cd "$1" || exit
while read -r node; do
	tor --quiet -f "$node/torrc" </dev/null & all="$all $!"
done
kill -KILL $all
wait
rm -rf "$PWD"`

func start() (_ *Network, err error) {
	for _, program := range []string{"tor", "tor-gencert"} {
		if _, err := exec.LookPath(program); err != nil {
			return nil, fmt.Errorf("%s is missing: make setup installs it", program)
		}
	}
	dir, err := os.MkdirTemp("", "tornet-")
	if err != nil {
		return nil, err
	}
	n := &Network{JoinTorrc: filepath.Join(dir, "join.torrc"), Control: filepath.Join(dir, "client", "control"), dir: dir}
	defer func() {
		if err != nil && n.owner == nil {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	ports, err := freePorts(2*relays + 1)
	if err != nil {
		return nil, err
	}
	n.Socks = fmt.Sprintf("127.0.0.1:%d", ports[2*relays])
	nodes := make([]string, relays)
	torrcs := make([]string, relays)
	for i := range nodes {
		nodes[i] = fmt.Sprintf("relay%d", i)
		torrcs[i] = common(dir, nodes[i]) + fmt.Sprintf(`Nickname %s
Address 127.0.0.1
ORPort 127.0.0.1:%d
DirPort 127.0.0.1:%d
SocksPort 0
AssumeReachable 1
ExitPolicy reject *:*
ShutdownWaitLength 0
`, nodes[i], ports[2*i], ports[2*i+1])
	}
	join := make([]string, authorities)
	fingerprints := make([]string, relays)
	var made errgroup.Group
	for i := range nodes {
		made.Go(func() (err error) {
			if fingerprints[i], err = identity(dir, nodes[i], torrcs[i]); err == nil && i < authorities {
				join[i], err = authorityLine(dir, nodes[i], fingerprints[i], ports[2*i], ports[2*i+1])
			}
			return err
		})
	}
	if err := made.Wait(); err != nil {
		return nil, err
	}
	if err := os.WriteFile(n.JoinTorrc, []byte(everybody+strings.Join(join, "")), 0o600); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "bandwidths"), bandwidths(fingerprints), 0o600); err != nil {
		return nil, err
	}
	for i := range authorities {
		torrcs[i] += authority + fmt.Sprintf("V3BandwidthsFile %s/bandwidths\nTestingDirAuthVoteGuard %s\n", dir, strings.Join(fingerprints[:authorities], ","))
	}
	cmd := exec.Command("sh", "-c", keep, "sh", dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // signals to the test aren't for it
	if n.owner, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() { _ = cmd.Wait() }() // it ends after us
	for i, node := range nodes {
		if err := n.run(node, torrcs[i]); err != nil {
			return nil, err
		}
	}
	// A client that asks before the relays have agreed asks again too late.
	for _, node := range nodes {
		if err := n.wait(node, ""); err != nil {
			return nil, err
		}
	}
	if err := n.run("client", common(dir, "client")+"SocksPort "+n.Socks+"\n"); err != nil {
		return nil, err
	}
	return n, n.wait("client", "Bootstrapped 100%")
}

// ForgetPaths has the client look anew for where services are, and go by other
// circuits. In a network as quiet as this one, relays may pass on minutes later that a
// circuit has ended, and until then take what is for a service that was killed.
func (n *Network) ForgetPaths() error {
	raw, err := net.Dial("unix", n.Control)
	if err != nil {
		return err
	}
	c := control.NewConn(textproto.NewConn(raw))
	defer c.Close()
	if err := c.Authenticate(""); err != nil {
		return err
	}
	return c.Signal("NEWNYM")
}

// run starts a node.
func (n *Network) run(node, torrc string) error {
	if err := write(n.dir, node, torrc); err != nil {
		return err
	}
	_, err := fmt.Fprintln(n.owner, node)
	return err
}

// common is what all nodes have. A tor also ends by itself when its owner has.
func common(dir, node string) string {
	return fmt.Sprintf(`DataDirectory %[1]s/%[2]s
Log notice file %[1]s/%[2]s/log
SafeLogging 0
ControlSocket %[1]s/%[2]s/control
__OwningControllerProcess %[3]d
%%include %[1]s/join.torrc
`, dir, node, os.Getpid())
}

// everybody is what all have who join. A tor learns how long circuits take, and cuts
// those that take longer than four in five did. Here that is a tenth of a second, which
// no circuit takes once the machine has more to do, and a service that has cut three
// circuits to a client in a row leaves him waiting: for a minute, and for two more. So
// nobody learns, and who waits in vain for an answer does for not quite a minute in all.
const everybody = `TestingTorNetwork 1
LearnCircuitBuildTimeout 0
CircuitBuildTimeout 15
`

// authority makes the first agreement of the authorities come within seconds.
const authority = `AuthoritativeDirectory 1
V3AuthoritativeDirectory 1
ContactInfo test@localhost
V3AuthVotingInterval 20
V3AuthVoteDelay 4
V3AuthDistDelay 4
TestingV3AuthInitialVotingInterval 5
TestingV3AuthInitialVoteDelay 2
TestingV3AuthInitialDistDelay 2
TestingDirAuthVoteGuardIsStrict 1
TestingDirAuthVoteHSDir *
TestingDirAuthVoteExit *
TestingMinExitFlagThreshold 0
`

func write(dir, node, torrc string) error {
	if err := os.MkdirAll(filepath.Join(dir, node, "keys"), 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, node, "torrc"), []byte(torrc), 0o600)
}

// bandwidths is what authorities think that they have measured: that the relays which
// are no guards are fast. The guards are authorities, whose own speed they never go by,
// and take for slow. So tor has enough to do for guards, and picks none as anything else.
//
// A relay never extends a circuit back to where it came from, so tor never gets one
// through that ends at its own guard after two hops, as the way to a rendezvous may.
// Among thousands of relays that is rare. Among a few it is each fifth circuit at best,
// and most of them once the guard has carried most of the traffic and counts as the
// fastest. After six failures, tor tries no more until the minute is over.
func bandwidths(fingerprints []string) []byte {
	b := fmt.Appendf(nil, "%d\n", time.Now().Unix())
	for _, f := range fingerprints[authorities:] {
		b = fmt.Appendf(b, "node_id=$%s bw=1000000\n", f)
	}
	return b
}

// identity makes the keys of a relay and returns its fingerprint.
func identity(dir, node, torrc string) (string, error) {
	// It can't tell who it is without knowing of an authority, any.
	nobody := strings.Repeat("0", 40)
	torrc = strings.ReplaceAll(torrc, "%include "+dir+"/join.torrc\n", "")
	torrc += fmt.Sprintf("TestingTorNetwork 1\nDirAuthority x orport=1 v3ident=%s 127.0.0.1:1 %s\n", nobody, nobody)
	if err := write(dir, node, torrc); err != nil {
		return "", err
	}
	out, err := exec.Command("tor", "--quiet", "--list-fingerprint", "-f", filepath.Join(dir, node, "torrc")).Output()
	_, fingerprint, ok := strings.Cut(strings.TrimSpace(string(out)), " ")
	if err != nil || !ok {
		return "", fmt.Errorf("tor does not tell the fingerprint of %s: %w", node, err)
	}
	return strings.ReplaceAll(fingerprint, " ", ""), nil
}

// authorityLine makes the further keys of an authority and returns the line by which
// others know it.
func authorityLine(dir, node, fingerprint string, orPort, dirPort int) (string, error) {
	keys := filepath.Join(dir, node, "keys")
	gencert := exec.Command("tor-gencert", "--create-identity-key", "--passphrase-fd", "0", "-m", "12",
		"-a", fmt.Sprintf("127.0.0.1:%d", dirPort),
		"-i", filepath.Join(keys, "authority_identity_key"), "-s", filepath.Join(keys, "authority_signing_key"),
		"-c", filepath.Join(keys, "authority_certificate"))
	gencert.Stdin = strings.NewReader("\n")
	if out, err := gencert.CombinedOutput(); err != nil {
		return "", fmt.Errorf("tor-gencert: %w\n%s", err, out)
	}
	cert, err := os.ReadFile(filepath.Join(keys, "authority_certificate"))
	if err != nil {
		return "", err
	}
	v3 := regexp.MustCompile(`(?m)^fingerprint ([0-9A-F]{40})$`).FindSubmatch(cert)
	if v3 == nil {
		return "", fmt.Errorf("tor-gencert does not tell the fingerprint of %s", node)
	}
	return fmt.Sprintf("DirAuthority %s orport=%d no-v2 v3ident=%s 127.0.0.1:%d %s\n", node, orPort, v3[1], dirPort, fingerprint), nil
}

// freePorts finds ports that nobody has. They are none of those that the kernel
// gives away, so that nobody else gets one before tor listens there.
func freePorts(n int) (ports []int, err error) {
	taken := map[int]bool{}
	for range 1000 {
		if len(ports) == n {
			return ports, nil
		}
		port := 11000 + rand.IntN(20000)
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil || taken[port] {
			continue
		}
		l.Close()
		taken[port] = true
		ports = append(ports, port)
	}
	return nil, errors.New("there are no free ports")
}

// wait waits until a node knows what the authorities agreed on, with every
// relay in it, and has said a text in its log.
func (n *Network) wait(node, said string) error {
	for end := time.Now().Add(3 * time.Minute); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		log, _ := os.ReadFile(filepath.Join(n.dir, node, "log"))
		consensus, _ := os.ReadFile(filepath.Join(n.dir, node, "cached-microdesc-consensus"))
		if bytes.Contains(log, []byte(said)) && bytes.Count(consensus, []byte("\ns ")) == relays {
			return nil
		}
	}
	return fmt.Errorf("the private Tor network does not start:\n%s", n.logs())
}

// logs are the last lines of each node.
func (n *Network) logs() string {
	var b strings.Builder
	files, _ := filepath.Glob(filepath.Join(n.dir, "*", "log"))
	for _, f := range files {
		text, _ := os.ReadFile(f)
		lines := strings.Split(strings.TrimSpace(string(text)), "\n")
		fmt.Fprintf(&b, "%s\n  %s\n", filepath.Base(filepath.Dir(f)), strings.Join(lines[max(0, len(lines)-8):], "\n  "))
	}
	return b.String()
}
