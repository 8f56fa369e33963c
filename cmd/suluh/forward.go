//go:build !client

package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"filippo.io/age/plugin"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/keyfile"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/dialer"
	"suluh.example/suluh/internal/durable"
	"suluh.example/suluh/internal/forward"
	"suluh.example/suluh/internal/forward/config"
	"suluh.example/suluh/internal/forward/queue"
	"suluh.example/suluh/internal/forward/spool"
	"suluh.example/suluh/internal/lang"
	"suluh.example/suluh/internal/member"
	"suluh.example/suluh/internal/sandbox"
	"suluh.example/suluh/internal/serve"
)

type forwardCmd struct {
	Run    forwardRunCmd    `cmd:"" default:"withargs" help:"Forward what was approved until SIGTERM."`
	Import forwardImportCmd `cmd:"" help:"Bring back numbers and statuses of complaints that were typed in by hand."`
}

type forwardRunCmd struct {
	vaultFlags

	Config          string `required:"" type:"existingfile" placeholder:"FILE" help:"What queue there is and how it is reached (TOML, see docs/formats.md)."`
	RootKey         string `required:"" env:"SULUH_ROOT_KEY" placeholder:"VKEY|FILE" help:"Root key that rosters are signed with."`
	Identity        string `required:"" env:"SULUH_IDENTITY" type:"existingfile" placeholder:"FILE" help:"The forwarder's identity file. What was seen of the log, the roster and the queues worked for are kept beside it."`
	PassphraseFile  string `placeholder:"FILE" help:"File with the identity's passphrase on its first line; - is standard input."`
	Clock           string `type:"existingfile" placeholder:"FILE" help:"Working days and holidays (clock.toml) in place of the built-in ones."`
	Socks           string `placeholder:"HOST:PORT" xor:"proxy" help:"SOCKS5 proxy to reach the queue by, such as tor's 127.0.0.1:9050. It looks names up."`
	Proxy           string `placeholder:"URL" xor:"proxy" help:"HTTP proxy to reach the queue by, http://HOST:PORT or https://HOST:PORT, which makes a tunnel (CONNECT) and looks names up."`
	ProxyCredential string `placeholder:"FILE|NAME" help:"File with user:password for that proxy, or the name of a credential that systemd hands over."`
	ProxyCA         string `name:"proxy-ca" placeholder:"FILE" help:"Certificates (PEM) that vouch for an https proxy, in place of the system's."`
	Metrics         string `type:"path" placeholder:"SOCKET" help:"Unix socket that serves GET /metrics, for Prometheus."`
	Once            bool   `help:"Do what can be done now, say what came of it, and end."`
	Check           bool   `help:"Try the configuration, the vault and the queue without sending anything, and end."`

	hardening
	logging
}

func (forwardRunCmd) Help() string {
	return `Fetches what an approver approved, looks through it once more, hands it to the queue at most once, and tells the case and the reporter what becomes of it. The identity is of a member with the role forwarder, for whom nothing but that is sealed.
Where the queue gives no clear answer, the item is looked up by its reference if such a queue can be asked, and else waits for an approver at the desk.
Run one at a time.

Examples:
  suluh forward --config forward.toml --check --member-socket /var/lib/suluh/vault/member.sock --root-key root.vkey --identity penerus.identity
  suluh forward --config forward.toml --member-socket /var/lib/suluh/vault/member.sock --root-key root.vkey --identity penerus.identity --passphrase-file passphrase
  suluh forward --config forward.toml --member-onion ADDRESS.onion --socks 127.0.0.1:9050 --root-key root.vkey --identity penerus.identity --passphrase-file passphrase`
}

// forwarding is a forwarder who has unlocked, before its part confines itself.
type forwarding struct {
	*config.Config
	words     *lang.Catalogue
	log       *slog.Logger
	identity  *keyfile.Identity
	vault     *reached
	connector forward.Connector
	dial      queue.Dial
	watched   []func(context.Context) error // each returns when what it watches has ended
	closers   []func() error
}

func (f *forwarding) close() error {
	var errs []error
	for _, c := range slices.Backward(f.closers) {
		errs = append(errs, c())
	}
	return errors.Join(errs...)
}

func (c *forwardRunCmd) Run(ctx context.Context) (err error) {
	given, err := inherited()
	if err != nil {
		return err
	}
	root, err := readRootKey(c.RootKey)
	if err != nil {
		return err
	}
	clock, err := readClock(c.Clock)
	if err != nil {
		return err
	}
	unlock, err := c.alone()
	if err != nil {
		return err
	}
	defer unlock()
	f, err := c.prepare(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.close()) }()
	var metrics net.Listener
	if l := given["metrics.sock"]; len(l) == 1 {
		metrics = l[0]
	} else if c.Metrics != "" {
		if metrics, err = serve.ListenUnix(c.Metrics, 0o660); err != nil {
			return fmt.Errorf("metrics: %w", err)
		}
	}
	if err := tellReady(); err != nil {
		return err
	}
	if err := c.confine(f.log, forwardRules(c.Identity, f.Folder())); err != nil {
		return err
	}
	if err := f.vault.ready(ctx); err != nil {
		return err
	}
	if f.vault.enter != nil {
		leave, err := f.vault.enter(f.identity.OnionKey())
		if err != nil {
			return err
		}
		defer leave()
	}
	s, err := member.Open(ctx, member.Config{
		Vault: f.vault.client, Identity: f.identity, Root: root, Clock: clock, Seen: c.beside(".seen"),
	})
	if err != nil {
		return err
	}
	defer s.Close()
	if m, _ := s.Roster().Member(s.Member()); !m.Has(roster.Forwarder) {
		return withHint(fmt.Errorf("the roster does not list %s as a forwarder", s.Member()), "the keeper of the root key gives the role: suluh roster add --role forwarder")
	}
	used, err := c.used(f.QueueName())
	if err != nil {
		return err
	}
	if c.Check {
		return c.check(ctx, f, s)
	}
	e := forward.New(forward.Config{
		Member: s, Connector: f.connector, Queue: f.QueueName(), Used: used,
		Words: f.words, Language: f.Language, Times: f.EngineTimes(), Log: f.log,
	})
	if c.Once {
		err := e.Once(ctx)
		sayNumbers(e.Numbers())
		return err
	}
	if f.Folder() != "" { // which is quick, and then there is something to see
		_ = e.Round(ctx) // an error comes again below, and is said there
	}
	if _, err := fmt.Println("suluh forward: listening to the vault, for", f.QueueName()); err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return e.Run(ctx) })
	for _, w := range f.watched {
		g.Go(func() error { return w(ctx) })
	}
	if metrics != nil {
		g.Go(func() error {
			return serve.Run(ctx, serve.Config{Listener: metrics, Handler: takenOver(forwardMetrics(e)), Log: f.log})
		})
	}
	return g.Wait()
}

// prepare opens all that the part can't once it is confined.
func (c *forwardRunCmd) prepare(ctx context.Context) (_ *forwarding, err error) {
	f := &forwarding{log: c.logger()}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.close())
		}
	}()
	if f.Config, err = config.Read(c.Config); err != nil {
		return nil, err
	}
	if f.words, err = lang.Load(); err != nil {
		return nil, err
	}
	if err := c.connect(ctx, f); err != nil {
		return nil, err
	}
	if f.identity, _, err = openIdentity(c.Identity, c.PassphraseFile); err != nil {
		return nil, err
	}
	if _, token := f.identity.Age().(*plugin.Identity); token {
		return nil, withHint(errors.New("the identity's key is in a token, which a part that is confined can't reach"), "make the forwarder an identity without one: suluh member new")
	}
	if f.vault, err = c.reach(ctx, c.beside(".tor")); err != nil {
		return nil, err
	}
	f.closers = append(f.closers, f.vault.stop)
	f.watched = append(f.watched, f.vault.alive)
	return f, nil
}

// connect makes the connector to the queue, and the process that connects for it:
// to the queue's one address, or the proxy's.
func (c *forwardRunCmd) connect(ctx context.Context, f *forwarding) (err error) {
	address := f.Address()
	socks := strings.TrimPrefix(c.Socks, "socks5h://")
	var proxy *queue.Proxy
	if c.Proxy != "" {
		if proxy, err = queue.NewProxy(c.Proxy, c.ProxyCredential, c.ProxyCA); err != nil {
			return err
		}
	} else if c.ProxyCredential != "" || c.ProxyCA != "" {
		return errors.New("--proxy-credential and --proxy-ca are for a proxy that --proxy names")
	}
	to := cmp.Or(socks, address)
	if proxy != nil {
		to = proxy.Address()
	}
	if address != "" {
		d, err := dialer.Start(context.WithoutCancel(ctx), "tcp:"+to) // what is under way needs it after a stop
		if err != nil {
			return err
		}
		f.closers = append(f.closers, d.Close)
		f.watched = append(f.watched, func(ctx context.Context) error {
			select {
			case <-ctx.Done():
				return nil
			case <-d.Ended():
				return errors.New("the process that connects to the queue has ended")
			}
		})
		f.dial = func(ctx context.Context, _, at string) (net.Conn, error) {
			if at != to {
				return nil, errors.New("it would lead to another host than the queue's address names")
			}
			return d.Dial(ctx)
		}
		switch {
		case proxy != nil:
			f.dial = proxy.Through(f.dial)
		case socks != "":
			if f.dial, err = queue.Through(socks, f.dial); err != nil {
				return err
			}
		}
	}
	f.connector, err = f.Connector(f.words, f.dial)
	return err
}

// beside is a file beside the identity.
func (c *forwardRunCmd) beside(ending string) string {
	return strings.TrimSuffix(c.Identity, ".identity") + ending
}

var errForwards = errors.New("another suluh forward works with this identity")

// alone keeps others with the same identity out: of an item that one is sending, the
// other would not know that.
func (c *forwardRunCmd) alone() (unlock func(), err error) {
	f, err := os.OpenFile(c.beside(".lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, withHint(errors.Join(errForwards, f.Close()), "stop that one first, or let it go on")
	}
	return func() { f.Close() }, nil
}

// used returns which queues the forwarder has worked for before, the last one last,
// and notes that now it is this one.
func (c *forwardRunCmd) used(now string) (before []string, err error) {
	file := c.beside(".queues")
	b, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	for line := range strings.Lines(string(b)) {
		if line = strings.TrimSpace(line); line != "" {
			before = append(before, line)
		}
	}
	if c.Check || len(before) > 0 && before[len(before)-1] == now {
		return before, nil
	}
	text := strings.Join(append(slices.Clone(before), now), "\n") + "\n"
	return before, durable.ReplaceFile(file, []byte(text), 0o600)
}

// check tries all that can be tried without sending anything.
func (c *forwardRunCmd) check(ctx context.Context, f *forwarding, s *member.Session) error {
	fmt.Printf("configuration: as it has to be; the queue is %s\n", f.QueueName())
	n, err := s.Waiting(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("vault: answers; %s is a forwarder; %d items wait\n", s.Member(), n)
	switch _, err := f.connector.Find(ctx, "uji"+strings.ToLower(rand.Text())); {
	case err == nil || errors.Is(err, forward.ErrNotFound):
		fmt.Println("queue: answers, and can be asked for a complaint by its reference")
	case errors.Is(err, forward.ErrNoLookup):
		if err := f.Try(ctx, f.dial); err != nil {
			return fmt.Errorf("queue: %w", err)
		}
		fmt.Println("queue: answers; it can't be asked for a complaint by its reference, so that of an unknown fate an approver decides")
	default:
		return fmt.Errorf("queue: %w", err)
	}
	return nil
}

func sayNumbers(n forward.Numbers) {
	fmt.Printf("sent %d, refused %d, stopped %d, unknown %d, not taken %d; at the queue %d, waiting %d\n",
		n.Sent, n.Refused, n.Stopped, n.Unknown, n.NotSent,
		n.Items[accesslog.StageSent], n.Items[accesslog.StageApproved]+n.Items[accesslog.StageSending]+n.Items[accesslog.StageUnknown])
}

func forwardMetrics(e *forward.Engine) http.Handler {
	m := http.NewServeMux()
	m.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		if err := e.WriteMetrics(w); err != nil {
			panic(http.ErrAbortHandler) // who asked is gone
		}
	})
	return m
}

// forwardRules: the folder of its identity, where it keeps what was seen, and that
// of a spool. To the vault and the queue lead the connections of other processes.
func forwardRules(identity, folder string) sandbox.Rules {
	return sandbox.Rules{Write: append(folderOf(identity), named(folder)...), Read: zones(), Secrets: true}
}

type forwardImportCmd struct {
	Config string `required:"" type:"existingfile" placeholder:"FILE" help:"The forwarder's configuration, whose table [spool] names the folder."`
	File   string `arg:"" help:"CSV or JSON with reference and tracking, status, answer or link; - is standard input."`
}

func (forwardImportCmd) Help() string {
	return `Reads a table with a header, such as daftar.csv of the folder with the numbers filled in, or a JSON array of objects with the same names. The forwarder finds it there within a minute, and tells the case and the reporter. If a row is wrong, nothing is taken.
The status is the queue's own word, which the configuration maps to one of ours, or one of ours.

Examples:
  suluh forward import --config /etc/suluh/forward.toml daftar.csv
  printf 'reference,tracking,status\nabcdefgh,1234567,Dalam Proses\n' | suluh forward import --config /etc/suluh/forward.toml -`
}

func (c *forwardImportCmd) Run() error {
	f, err := config.Read(c.Config)
	if err != nil {
		return err
	}
	words, err := lang.Load()
	if err != nil {
		return err
	}
	s, err := f.OpenSpool(words)
	if err != nil {
		return err
	}
	in, err := openInput(c.File)
	if err != nil {
		return err
	}
	defer in.Close()
	done, err := s.Import(in)
	if err != nil {
		return err
	}
	fmt.Printf("%d changed, %d as before\n", done.Changed, done.Same)
	for _, word := range done.Unmapped {
		next(fmt.Sprintf("The status %q is none that the configuration maps: the reporter sees the word, the case's status stays. Add it to [spool.status].", lang.Visible(word)))
	}
	return nil
}

func (c *forwardImportCmd) rules() sandbox.Rules {
	r := sandbox.Rules{Read: append(named(c.File, c.Config), zones()...)}
	if f, err := config.Read(c.Config); err == nil {
		r.Write = folderOf(filepath.Join(f.Spool.Dir, "x"))
	}
	return r
}

func forwardHint(err error) string {
	var wrong *config.Error
	var row *spool.RowError
	switch {
	case errors.As(err, &wrong):
		return "docs/formats.md lists the keys; suluh forward --check tries them"
	case errors.As(err, &row), errors.Is(err, spool.ErrForm):
		return "mend that and bring the file again; nothing was changed"
	}
	return ""
}
