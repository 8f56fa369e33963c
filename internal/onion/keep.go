//go:build linux

package onion

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
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
	"time"

	"github.com/cretz/bine/control"
	"github.com/cretz/bine/process"
	"github.com/cretz/bine/tor"
	"golang.org/x/sys/unix"

	"suluh.example/suluh/internal/child"
)

// lines are the settings of the service.
func (c Config) lines() []*control.KeyVal {
	all := control.KeyVals(
		"HiddenServiceDir", c.service(),
		"HiddenServicePort", "80 unix:"+quote(webSocket(c.Dir)),
		"HiddenServicePoWDefensesEnabled", "1",
		"HiddenServicePoWQueueRate", strconv.Itoa(c.PoWRate),
		"HiddenServicePoWQueueBurst", strconv.Itoa(c.PoWBurst),
		"HiddenServiceEnableIntroDoSDefense", "1",
		"HiddenServiceEnableIntroDoSRatePerSec", strconv.Itoa(c.IntroRate),
		"HiddenServiceEnableIntroDoSBurstPerSec", strconv.Itoa(c.IntroBurst),
	)
	if c.Circuits {
		all = append(all, control.NewKeyVal("HiddenServiceExportCircuitID", "haproxy"))
	}
	if c.Control != "" {
		all = append(all, control.NewKeyVal("HiddenServiceDirGroupReadable", "1"))
	}
	return all
}

// torrc is what a tor of our own is started with.
func (c Config) torrc() string {
	if c.Client {
		return fmt.Sprintf("SocksPort unix:%s ExtendedErrors\nControlSocket %s\nAvoidDiskWrites 1\nHeartbeatPeriod 0\nLog warn stdout\n", quote(socksSocket(c.Dir)), quote(controlSocket(c.Dir)))
	}
	var b strings.Builder
	// What tor says of onion services goes to the keeper, into no file: it is the
	// only way to learn the effort without a TCP port for metrics.
	fmt.Fprintf(&b, "SocksPort 0\nControlSocket %s\nAvoidDiskWrites 1\nHeartbeatPeriod 0\nLog [rend]debug [~rend]warn stdout\n", quote(controlSocket(c.Dir)))
	for _, l := range c.lines() {
		if l.Key == "HiddenServiceDir" {
			l.Val = quote(l.Val)
		}
		fmt.Fprintf(&b, "%s %s\n", l.Key, l.Val)
	}
	return b.String()
}

// keeper keeps one service published.
type keeper struct {
	config Config
	tell   *json.Encoder // the part
	log    *slog.Logger
	status kept
	reload chan Change // of the clients' keys
	added  bool        // the system's tor was told of the members' service; see add

	stuck  string // warning of tor's that was told already
	last   int    // progress of tor's that was told last
	effort atomic.Int64
}

// Keep keeps tor up for the part that started this process, until that ends.
// It is what the hidden command does; hint gives the next step of an error, and
// confine is called before tor is started.
func Keep(ctx context.Context, config string, log *slog.Logger, hint func(error) string, confine func(Needs) error) error {
	ctx, err := child.Parent(ctx)
	if err != nil {
		return err
	}
	unix.CloseOnExec(child.FirstFile)
	unix.CloseOnExec(child.FirstFile + 1)
	unix.CloseOnExec(child.FirstFile + 2) // the lock, held until the end
	part, asks := os.NewFile(child.FirstFile, "part"), os.NewFile(child.FirstFile+1, "part")
	defer part.Close()
	k := &keeper{tell: json.NewEncoder(part), log: log, reload: make(chan Change, 1)}
	go k.listen(asks) // until the part closes its end
	if err := json.Unmarshal([]byte(config), &k.config); err != nil {
		return errors.New("the settings of the onion service are damaged")
	}
	needs, err := k.config.needs()
	if err == nil {
		err = confine(needs)
	}
	if err == nil {
		err = k.run(ctx)
	}
	if err != nil {
		return k.tell.Encode(said{Error: err.Error(), Hint: hint(err)})
	}
	return nil
}

// listen takes what the part asks for. If it asks again before that is done,
// once is enough.
func (k *keeper) listen(asks io.Reader) {
	for b := make([]byte, 1); ; {
		if _, err := asks.Read(b); err != nil {
			return
		}
		change := Change(b[0])
		select {
		case before := <-k.reload:
			change = max(change, before)
		default:
		}
		k.reload <- change // which has room: nobody else sends
	}
}

// How long it waits before it starts tor again: twice as long after each start
// that came to nothing.
const (
	firstWait = time.Second
	mostWait  = time.Minute
)

func (k *keeper) run(ctx context.Context) error {
	session := k.ours
	if k.config.Control != "" {
		session = k.systems
	}
	for wait := firstWait; ; wait = min(2*wait, mostWait) {
		before := k.status.Published
		err := session(ctx)
		k.status.Reachable, k.status.Uploading, k.status.fresh = false, nil, false
		k.save()
		if ctx.Err() != nil {
			return nil
		}
		if k.status.Starts == 0 {
			return err // a wrong setting, which trying again won't mend
		}
		if k.status.Published > before {
			wait = firstWait
		}
		k.log.Warn("tor has ended; it is started again", "seconds", int(wait/time.Second))
		k.last = 0
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}

// ours starts a tor and stays with it until one of the two ends.
func (k *keeper) ours(ctx context.Context) error {
	torrc := filepath.Join(k.config.Dir, "torrc")
	if err := os.WriteFile(torrc, []byte(k.config.torrc()), 0o600); err != nil {
		return err
	}
	args := []string{"--__OwningControllerFD", "3"}
	if k.config.DefaultsTorrc != "" {
		args = append(args, "--defaults-torrc", k.config.DefaultsTorrc)
	}
	k.effort.Store(0)
	says := &torLog{log: k.log, effort: &k.effort}
	t, err := tor.Start(ctx, &tor.StartConf{
		ProcessCreator: creator{k.config.Tor, says}, UseEmbeddedControlConn: true,
		DataDir: filepath.Join(k.config.Dir, "tor"), TorrcFile: torrc, ExtraArgs: args,
		DisableCookieAuth: true, EnableNetwork: true, NoAutoSocksPort: true,
	})
	if err != nil {
		return ErrSetting
	}
	run := t.Process.(*torProcess)
	defer run.kill()
	k.status.Starts++
	return k.stay(ctx, t.Control)
}

// systems tells the system's tor of the service and stays with it.
func (k *keeper) systems(ctx context.Context) error {
	conn, err := dialControl(k.config.Control)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer func() { stop(); _ = conn.Close() }()
	if k.config.Members {
		k.added = false // that of a connection before has ended with it
		if err := k.add(conn); err != nil {
			return err
		}
		k.status.Starts++
		return k.stay(ctx, conn)
	}
	there, err := conn.GetConf("HiddenServiceOptions")
	if err != nil {
		return fmt.Errorf("%w: %w", ErrControl, err)
	}
	if err := conn.SetConf(append(others(there, k.config.Service), k.config.lines()...)...); err != nil {
		return fmt.Errorf("tor does not take the settings of the service: %w", err)
	}
	k.status.Starts++
	return k.stay(ctx, conn)
}

// others are the settings of services that aren't ours. They have to be told
// again: tor takes all of them or none.
func others(there []*control.KeyVal, service string) (all []*control.KeyVal) {
	ours := false
	for _, l := range there {
		if l.Key == "HiddenServiceDir" {
			ours = filepath.Clean(l.Val) == filepath.Clean(service)
		}
		if !ours && l.ValSet() {
			all = append(all, l)
		}
	}
	return all
}

// dialControl connects to a control port: a socket's path or HOST:PORT.
func dialControl(at string) (*control.Conn, error) {
	network := "tcp"
	if strings.Contains(at, "/") {
		network = "unix"
	}
	c, err := net.DialTimeout(network, at, 10*time.Second)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrControl, err)
	}
	conn := control.NewConn(textproto.NewConn(c))
	if err := conn.Authenticate(""); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("%w: %w", ErrControl, err)
	}
	return conn, nil
}

// stay follows what tor does with the service until the connection ends.
func (k *keeper) stay(ctx context.Context, conn *control.Conn) error {
	k.save()
	events := make(chan control.Event, 64)
	if err := conn.AddEventListener(events, control.EventCodeStatusClient, control.EventCodeHSDesc); err != nil {
		return fmt.Errorf("%w: %w", ErrSetting, err)
	}
	phase, err := conn.GetInfo("status/bootstrap-phase")
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSetting, err)
	}
	if err := k.bootstrap(phase[0].Val); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- conn.HandleEvents(ctx) }()
	often := time.NewTicker(10 * time.Second) // for the effort
	defer often.Stop()
	for {
		// A moment after the last upload of a descriptor, both are where clients
		// look for them.
		var settled <-chan time.Time
		if k.status.settling() {
			settled = time.After(settle)
		}
		select {
		case <-ended:
			return ErrSetting
		case change := <-k.reload:
			if err := k.readClients(conn, change); err != nil {
				return err
			}
		case <-often.C:
			k.save()
		case <-settled:
			k.status.Uploading = nil
			if err := k.published(); err != nil {
				return err
			}
		case e := <-events:
			switch e := e.(type) {
			case *control.StatusEvent:
				if e.Action != "BOOTSTRAP" {
					continue
				}
				if err := k.bootstrap(e.Raw); err != nil {
					return err
				}
			case *control.HSDescEvent:
				if err := k.descriptor(e); err != nil {
					return err
				}
			}
		}
	}
}

// readClients has tor take over a change of the clients' keys.
func (k *keeper) readClients(conn *control.Conn, change Change) error {
	if k.config.Control != "" {
		return k.add(conn)
	}
	if change == Taken {
		if _, err := conn.SendRequest("SETCONF HiddenServiceDir"); err != nil { // none, until it reads torrc
			return fmt.Errorf("tor does not take the service down: %w", err)
		}
	}
	if err := conn.Signal("RELOAD"); err != nil {
		return fmt.Errorf("tor does not read the clients' keys: %w", err)
	}
	return nil
}

var (
	progress = regexp.MustCompile(`PROGRESS=(\d+)`)
	summary  = regexp.MustCompile(`SUMMARY="([^"]*)"`)
	warning  = regexp.MustCompile(`WARNING="([^"]*)"`)
)

// bootstrap tells how far tor is. It is parsed here: bine splits quoted texts.
func (k *keeper) bootstrap(raw string) error {
	find := func(re *regexp.Regexp) string {
		if m := re.FindStringSubmatch(raw); m != nil {
			return m[1]
		}
		return ""
	}
	n, _ := strconv.Atoi(find(progress))
	if w := find(warning); w != "" && w != k.stuck {
		k.stuck = w
		k.log.Warn("tor does not get on; where a network blocks it, give it bridges with --tor-defaults-torrc", "percent", n, "why", w)
	}
	if n > k.last {
		k.last = n
		k.log.Info("tor is starting", "percent", n, "step", find(summary))
	}
	if k.config.Client && n == 100 && !k.status.Reachable {
		return k.published()
	}
	return nil
}

// descriptor counts what becomes of a descriptor.
func (k *keeper) descriptor(e *control.HSDescEvent) error {
	address, err := Address(k.config.service())
	if err != nil || e.Address != strings.TrimSuffix(address, ".onion") {
		return nil // another's
	}
	s := &k.status
	switch e.Action {
	case "UPLOAD":
		s.Uploading = append(s.Uploading, e.HSDir)
	case "UPLOADED":
		s.Uploaded++
		s.LastUpload = time.Now().UTC().Truncate(time.Minute)
		s.fresh = true
	case "FAILED":
		s.Failed++
	default:
		return nil
	}
	if i := slices.Index(s.Uploading, e.HSDir); i >= 0 && e.Action != "UPLOAD" {
		s.Uploading = slices.Delete(s.Uploading, i, i+1)
	}
	k.save()
	return nil
}

// published tells the part that the service can be reached.
func (k *keeper) published() error {
	var address string
	if !k.config.Client {
		var err error
		if address, err = Address(k.config.service()); err != nil {
			return err
		}
		k.log.Info("the onion service is published")
	}
	k.status.fresh = false
	k.status.Published++
	k.status.Reachable = true
	k.save()
	return k.tell.Encode(said{Address: address})
}

// torLog passes on what tor warns of, without the time, and keeps the effort
// that it asks of clients. All else that comes is forgotten.
type torLog struct {
	log    *slog.Logger
	effort *atomic.Int64
	got    []byte
}

var (
	torWarning = regexp.MustCompile(`\[(?:warn|err)\] (.*)`)
	torEffort  = regexp.MustCompile(`Recalculated suggested effort: (\d+)`)
)

// Write is called by one goroutine, with pieces of lines.
func (l *torLog) Write(p []byte) (int, error) {
	l.got = append(l.got, p...)
	for {
		line, rest, ok := bytes.Cut(l.got, []byte("\n"))
		if !ok {
			l.got = append([]byte(nil), l.got[max(0, len(l.got)-4096):]...)
			return len(p), nil
		}
		if bytes.Contains(line, []byte("[debug]")) {
			if m := torEffort.FindSubmatch(line); m != nil {
				n, _ := strconv.ParseInt(string(m[1]), 10, 64)
				l.effort.Store(n)
			}
		} else if m := torWarning.FindSubmatch(line); m != nil && !bytes.Contains(line, []byte("you're logging more than")) {
			l.log.Warn("tor warns", "text", string(m[1]))
		}
		l.got = rest
	}
}

// creator starts tor with one end of a pair of sockets, over which it is
// controlled: it ends when the other end is closed, whoever does that.
type creator struct {
	path string
	says io.Writer
}

func (c creator) New(ctx context.Context, args ...string) (process.Process, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	ours, theirs := os.NewFile(uintptr(fds[0]), "control"), os.NewFile(uintptr(fds[1]), "control")
	defer ours.Close()
	conn, err := net.FileConn(ours)
	if err != nil {
		return nil, errors.Join(err, theirs.Close())
	}
	cmd := exec.CommandContext(ctx, c.path, args...)
	cmd.Stdout, cmd.Stderr = c.says, c.says
	cmd.ExtraFiles = []*os.File{theirs}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.WaitDelay = time.Second
	return &torProcess{cmd: cmd, conn: conn, theirs: theirs, wait: sync.OnceValue(cmd.Wait)}, nil
}

// torProcess is a tor that we started.
type torProcess struct {
	cmd    *exec.Cmd
	conn   net.Conn
	theirs *os.File
	wait   func() error
}

// Start is called by bine.
func (p *torProcess) Start() error {
	defer p.theirs.Close()
	return p.cmd.Start()
}

// Wait is called by bine.
func (p *torProcess) Wait() error { return p.wait() }

// EmbeddedControlConn is what bine uses instead of a TCP port.
func (p *torProcess) EmbeddedControlConn() (net.Conn, error) { return p.conn, nil }

// kill ends tor at once: it has nothing that it must write.
func (p *torProcess) kill() {
	_ = p.conn.Close()
	_ = p.cmd.Process.Kill()
	_ = p.wait() // it was killed
}

// save writes the status for suluh onion status. What can't be written is
// missing there, no more.
func (k *keeper) save() {
	k.status.Control, k.status.Service, k.status.Effort = k.config.Control, k.config.service(), nil
	if k.config.Control == "" {
		n := int(k.effort.Load())
		k.status.Effort = &n
	}
	b, err := json.Marshal(k.status)
	if err == nil {
		name := filepath.Join(k.config.Dir, "status.json")
		if err = os.WriteFile(name+".new", b, 0o600); err == nil {
			err = os.Rename(name+".new", name)
		}
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		k.log.Warn("the status of the onion service can't be written")
	}
}
