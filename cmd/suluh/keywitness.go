//go:build !client

package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"filippo.io/age/plugin"
	"golang.org/x/sync/errgroup"

	"suluh.example/suluh/internal/keywitness"
	"suluh.example/suluh/internal/onion"
	"suluh.example/suluh/internal/released"
	"suluh.example/suluh/internal/sandbox"
	"suluh.example/suluh/internal/serve"
)

type keyWitnessCmd struct {
	Run  keyWitnessRunCmd  `cmd:"" help:"Be a key witness: give shares of cases' keys for records in the access log alone."`
	Show keyWitnessShowCmd `cmd:"" help:"Say what a key witness has seen."`
	Log  keyWitnessLogCmd  `cmd:"" help:"List what a key witness has released."`
}

func (keyWitnessCmd) Help() string {
	return `A key witness is run by an institution outside the Inspektorat. Where a unit of the roster names some, nobody reads its cases without as many of them as it needs, and they give their shares only for a record in the access log. They learn neither case nor content.

Examples:
  suluh member new --id saksi-kunci --name "Kantor Saksi Kunci"
  suluh keywitness run --identity saksi-kunci.identity --root-key root.vkey --dir state`
}

type keyWitnessRunCmd struct {
	Identity       string        `required:"" type:"existingfile" placeholder:"FILE" help:"Identity file of the key witness, as suluh member new made it."`
	PassphraseFile string        `placeholder:"FILE" help:"File with the identity's passphrase on its first line; - is standard input."`
	RootKey        string        `required:"" placeholder:"VKEY|FILE" help:"Verifier key that rosters are signed with (name+hash+key), or a file that has it. Compare its fingerprint with the Inspektorat by another way than the one it came."`
	Dir            string        `required:"" type:"path" help:"Folder for what must not be forgotten: the root key, the newest roster, what was released and the last checkpoint seen. Made if it is not there; one process at a time."`
	Listen         string        `placeholder:"HOST:PORT" help:"Address to listen on; port 0 takes any that is free, none opens no port. Default: 127.0.0.1:8085; with --onion none."`
	Stall          time.Duration `default:"10s" help:"How long a transfer may go on without a byte before it is cut."`

	BehindTLSProxy bool `name:"behind-tls-proxy" help:"Plain HTTP beyond this machine is meant: what stands before it speaks TLS."`
	tlsFlags
	onionFlags
	logging
	hardening
}

func (keyWitnessRunCmd) Help() string {
	return `Gives a member the share of a case's key, sealed to him, for the record in the access log by which he asks for it, under a checkpoint that continues the last one seen here and that the log's witnesses have cosigned, if the roster names some.
Before it answers, it notes the release in DIR/released.jsonl, which suluh audit verify --released compares with the log.
Run it where whoever runs the vault has no say, with an address that the roster names: https://, an onion service's http://, or loopback.
With --onion it is an onion service by itself, also behind a router that lets nobody in: it prints the address for the roster, and keeps the service's key in DIR/onion. Desks reach it with --outside-socks.

Examples:
  suluh keywitness run --identity saksi-kunci.identity --passphrase-file passphrase --root-key root.vkey --dir /var/lib/suluh-keywitness
  suluh keywitness run --identity saksi-kunci.identity --passphrase-file passphrase --root-key root.vkey --dir /var/lib/suluh-keywitness --onion
  suluh keywitness run --identity saksi-kunci.identity --root-key root.vkey --dir state --listen :443 --tls-cert chain.pem --tls-key key.pem`
}

func (c *keyWitnessRunCmd) Run(ctx context.Context) (err error) {
	given, err := inherited()
	if err != nil {
		return err
	}
	if c.Listen == "" && !c.Onion {
		c.Listen = "127.0.0.1:8085"
	}
	listens := c.Listen != "" && c.Listen != "none" || given["keywitness"] != nil
	if !listens && !c.Onion {
		return withHint(errors.New("there is nothing to listen on"), "name an address (--listen), or publish an onion service (--onion)")
	}
	if listens && c.tlsFlags == (tlsFlags{}) && !c.BehindTLSProxy && !given.near("keywitness", c.Listen) {
		return withHint(fmt.Errorf("listen on %s: who asks for which share would cross the network in the clear", c.Listen),
			"speak HTTPS (--tls-cert, --tls-key), listen on 127.0.0.1, or say that a proxy does (--behind-tls-proxy)")
	}
	if _, err := readRootKey(c.RootKey); err != nil {
		return err
	}
	identity, _, err := openIdentity(c.Identity, c.PassphraseFile)
	if err != nil {
		return err
	}
	if _, token := identity.Age().(*plugin.Identity); token {
		return withHint(errors.New("the identity's key is in a token, which a part that is confined can't reach"), "make the key witness an identity without one: suluh member new")
	}
	log := c.logger()
	s, err := keywitness.NewServer(keywitness.Config{Dir: c.Dir, Root: keyText(c.RootKey), Member: identity.Member(), Identity: identity.Age(), Log: log})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	service, err := c.publish(ctx)
	if err != nil {
		return err
	}
	if service != nil {
		defer func() { err = errors.Join(err, service.Stop()) }()
	}
	var l *listener
	if listens {
		if l, err = given.web(ctx, "keywitness", c.Listen, c.tlsFlags); err != nil {
			return err
		}
	}
	if err := tellReady(); err != nil {
		return err
	}
	if err := c.confine(log, keyWitnessRules(c.Dir, c.tlsFlags)); err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	if l != nil {
		g.Go(func() error { return serveTCP(ctx, "keywitness", l, s, log, c.Stall) })
	}
	if service != nil {
		g.Go(func() error {
			return serve.Run(ctx, serve.Config{Listener: service.Listener, Handler: takenOver(s), Log: log, Stall: c.Stall})
		})
		g.Go(func() error { return published(ctx, service, "suluh keywitness: listening on http://%s/\n") })
	}
	return g.Wait()
}

// publish starts the onion service, if there is to be one. Its key is beside what
// the key witness must not forget, unless the system's tor has it.
func (c *keyWitnessRunCmd) publish(ctx context.Context) (*onion.Service, error) {
	if c.Onion && c.TorControl != "" && c.OnionDir == "" {
		return nil, withHint(errors.New("--tor-control needs --onion-dir: tor's user can't reach a socket in the key witness's folder"),
			"name a folder that tor's user may pass through: --onion-dir /run/tor-suluh-keywitness")
	}
	return c.start(context.WithoutCancel(ctx), onion.Config{Dir: cmp.Or(c.OnionDir, filepath.Join(c.Dir, "onion")), Service: "/var/lib/tor/suluh-keywitness"})
}

// keyWitnessRules: its own folder, and a certificate that is read anew.
func keyWitnessRules(dir string, t tlsFlags) sandbox.Rules {
	return sandbox.Rules{Write: []string{dir}, Read: append(zones(), t.folders()...), Secrets: true}
}

type keyWitnessShowCmd struct {
	Dir string `required:"" type:"existingdir" help:"The key witness's folder."`
}

func (keyWitnessShowCmd) Help() string {
	return "Reads the folder, also while the key witness runs.\n\nExample:\n  suluh keywitness show --dir /var/lib/suluh-keywitness"
}

func (c *keyWitnessShowCmd) Run() error {
	last, r, err := keywitness.ReadDir(c.Dir)
	if err != nil {
		return err
	}
	if r == nil {
		fmt.Println("roster\tnone yet: the first member who asks brings it")
		return nil
	}
	fmt.Printf("log\t%s\nroster\tversion %d of %s\n", r.Origin, r.Version, r.Day)
	for _, u := range r.Units {
		if k := u.KeyWitnesses; k != nil {
			fmt.Printf("unit %s\t%s\n", u.ID, k)
		}
	}
	if last == nil {
		fmt.Println("released\tnothing yet")
		return nil
	}
	fmt.Printf("seen\t%d records\nreleased last\t%s, record %d, to %s\n", last.Size, last.Time.Format(time.RFC3339), last.Index, last.Member)
	return nil
}

func (c *keyWitnessShowCmd) rules() sandbox.Rules {
	return sandbox.Rules{Read: append(zones(), c.Dir)}
}

type keyWitnessLogCmd struct {
	Dir  string `required:"" type:"existingdir" help:"The key witness's folder."`
	JSON bool   `name:"json" help:"JSON lines, as the file has them, for suluh audit verify --released."`
}

func (keyWitnessLogCmd) Help() string {
	return "Each line is a share that was given: when, for which record of the access log, to whom, and the case's handle, which tells the key witness only that two shares are of one case.\n\nExamples:\n  suluh keywitness log --dir /var/lib/suluh-keywitness\n  suluh keywitness log --dir /var/lib/suluh-keywitness --json > released.jsonl"
}

func (c *keyWitnessLogCmd) Run() error {
	f, err := os.Open(keywitness.ReleasedIn(c.Dir))
	if errors.Is(err, os.ErrNotExist) {
		return keywitness.ErrNone
	}
	if err != nil {
		return err
	}
	defer f.Close()
	all, err := released.Read(f)
	if err != nil {
		return err
	}
	if c.JSON {
		out := json.NewEncoder(os.Stdout)
		for _, x := range all {
			if err := out.Encode(x); err != nil {
				return err
			}
		}
		return nil
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "time\trecord\tmember\thandle")
	for _, x := range all {
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\n", x.Time.Format(time.RFC3339), x.Index, x.Member, x.Handle)
	}
	return w.Flush()
}

func (c *keyWitnessLogCmd) rules() sandbox.Rules {
	return sandbox.Rules{Read: append(zones(), c.Dir)}
}

func keyWitnessHint(err error) string {
	switch {
	case errors.Is(err, keywitness.ErrRunning):
		return "stop the other one first: two would each see a log of its own"
	case errors.Is(err, keywitness.ErrRoot):
		return "name the root key that the folder was made with; another instance takes another folder and another identity"
	case errors.Is(err, released.ErrForm):
		return "the disk may be damaged, or somebody has changed the folder: keep it as evidence and bring it back from your own backup. A key witness that forgets what it saw can be shown another log"
	case errors.Is(err, keywitness.ErrNone):
		return "name the folder that suluh keywitness run keeps: --dir"
	}
	return ""
}
