//go:build !client

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/sync/errgroup"

	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/dialer"
	"suluh.example/suluh/internal/durable"
	"suluh.example/suluh/internal/sandbox"
	"suluh.example/suluh/internal/witness"
	"suluh.example/suluh/vault/membersock"
)

type witnessCmd struct {
	Key  witnessKeyCmd  `cmd:"" help:"Make the key of a witness."`
	Run  witnessRunCmd  `cmd:"" help:"Be a witness for the logs of others."`
	Ask  witnessAskCmd  `cmd:"" help:"Have the witnesses in the roster cosign the vault's log."`
	Show witnessShowCmd `cmd:"" help:"Say what a policy of witnesses asks for."`
}

type witnessKeyCmd struct {
	Name string `arg:"" help:"Name of the witness, like an address without its scheme: saksi.example/kantor."`
	File string `arg:"" type:"path" help:"File to make, with the secret key."`
}

func (witnessKeyCmd) Help() string {
	return `Prints the verifier key, by which policies name the witness.

Example:
  suluh witness key saksi.ombudsman.example witness.key`
}

func (c *witnessKeyCmd) Run() error {
	if strings.ContainsAny(c.Name, " +\n") || c.Name == "" {
		return withHint(errors.New("a witness's name has no space and no +"), "write it like an address without its scheme: saksi.example/kantor")
	}
	text, err := witness.NewKey(c.Name)
	if err != nil {
		return err
	}
	_, vkey, err := witness.ParseKey(text)
	if err != nil {
		return err
	}
	if err := durable.WriteFile(c.File, []byte(text), 0o600); err != nil {
		if errors.Is(err, os.ErrExist) {
			return withHint(err, "a witness with a new key has to be put into every policy anew; name another file if that is meant")
		}
		return err
	}
	fmt.Println(vkey)
	next("Keep the file from others, and in no backup that somebody else reads.", "Next: suluh witness run --key "+c.File+" --state DIR --log VKEY --listen :443 --tls-cert … --tls-key …")
	return nil
}

type witnessRunCmd struct {
	Key    string        `required:"" type:"existingfile" help:"File that suluh witness key made."`
	State  string        `required:"" type:"path" help:"Folder for the last checkpoint of each log; made if it is not there. A witness that lost it must not go on under the same key."`
	Log    []string      `required:"" name:"log" sep:"none" placeholder:"VKEY|FILE" help:"Verifier key of a log to be a witness for, or a file that has it; repeat for more."`
	Listen string        `default:"127.0.0.1:8084" help:"Address to listen on; port 0 takes any that is free."`
	Stall  time.Duration `default:"10s" help:"How long a transfer may go on without a byte before it is cut."`
	tlsFlags
	logging
	hardening
}

func (witnessRunCmd) Help() string {
	return `Cosigns each checkpoint that continues the last one it has cosigned (C2SP tlog-witness, POST /add-checkpoint), and nothing else. It learns how many records a log has, and no more.
Run it where whoever runs the log has no say.

Examples:
  suluh witness run --key witness.key --state /var/lib/suluh-witness --log provinsi.vkey
  suluh witness run --key witness.key --state state --log provinsi.vkey --log kabupaten.vkey --listen :443 --tls-cert chain.pem --tls-key key.pem`
}

func (c *witnessRunCmd) Run(ctx context.Context) error {
	given, err := inherited()
	if err != nil {
		return err
	}
	text, err := os.ReadFile(c.Key)
	if err != nil {
		return err
	}
	signer, vkey, err := witness.ParseKey(string(text))
	if err != nil {
		return fmt.Errorf("%s: %w", c.Key, err)
	}
	var logs []note.Verifier
	for _, l := range c.Log {
		key, err := verifierKey(l)
		if err != nil {
			return fmt.Errorf("log: %w", err)
		}
		logs = append(logs, key)
	}
	if err := os.MkdirAll(c.State, 0o700); err != nil {
		return err
	}
	log := c.logger()
	s, err := witness.NewServer(c.State, signer, vkey, logs, log)
	if err != nil {
		return err
	}
	l, err := given.web(ctx, "witness", c.Listen, c.tlsFlags)
	if err != nil {
		return err
	}
	if err := tellReady(); err != nil {
		return errors.Join(err, l.Close())
	}
	if err := c.confine(log, sandbox.Rules{Write: []string{c.State}, Read: append(zones(), c.folders()...), Secrets: true}); err != nil {
		return errors.Join(err, l.Close())
	}
	return serveTCP(ctx, "witness", l, s, log, c.Stall)
}

type witnessAskCmd struct {
	MemberSocket string        `required:"" env:"SULUH_MEMBER_SOCKET" type:"path" placeholder:"PATH" help:"The vault's member.sock."`
	RootKey      string        `required:"" placeholder:"VKEY|FILE" help:"Verifier key that rosters are signed with (name+hash+key), or a file that has it."`
	Every        time.Duration `default:"10s" help:"How often to look for new records."`
	Again        time.Duration `default:"1h" help:"How often to ask though there are none, so that everybody sees that the witnesses are there."`
	Once         bool          `help:"Ask once, and end with 1 if that gives no quorum."`
	Socks        string        `env:"SULUH_SOCKS" placeholder:"HOST:PORT" help:"SOCKS5 proxy that looks names up itself, such as Tor's: 127.0.0.1:9050."`
	logging
	hardening
}

func (witnessAskCmd) Help() string {
	return `Takes the log's checkpoints to the witnesses that the roster names, and hands their cosignatures to the vault. It needs no key: what it brings is signed.
The vault itself has no network. If this part is away, members go on working, and the desks warn, more and more.

Examples:
  suluh witness ask --member-socket /var/lib/suluh/vault/member.sock --root-key root.vkey
  suluh witness ask --member-socket /var/lib/suluh/vault/member.sock --root-key root.vkey --once`
}

// errOtherWitnesses ends the part, which may reach no others than those it began
// with: whoever started it starts it anew.
var errOtherWitnesses = errors.New("the roster names other witnesses now")

func (c *witnessAskCmd) Run(ctx context.Context) (err error) {
	if c.Every < time.Second || c.Again < c.Every {
		return errors.New("--every is less than a second, or --again less than --every")
	}
	root, err := readRootKey(c.RootKey)
	if err != nil {
		return err
	}
	d, err := dialer.Start(context.WithoutCancel(ctx), c.MemberSocket)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	vault := membersock.NewClientOver(d.Dial)
	r, err := rosterOf(ctx, vault, root)
	if err != nil {
		return err
	}
	if r.Witnesses == "" {
		return withHint(errors.New("the roster names no witnesses"), "whoever keeps the root key names them: suluh roster witnesses POLICY, then suluh roster sign")
	}
	policy, err := witness.ParsePolicy(r.Witnesses)
	if err != nil {
		return fmt.Errorf("the roster's witnesses: %w", err)
	}
	key, err := note.NewVerifier(r.LogKey)
	if err != nil {
		return fmt.Errorf("the roster's log key: %w", err)
	}
	log := c.logger()
	rules := sandbox.Rules{Read: zones()}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if c.Socks != "" {
		via, err := url.Parse("socks5h://" + c.Socks)
		if err != nil {
			return fmt.Errorf("--socks %s: an address is host:port, as 127.0.0.1:9050", c.Socks)
		}
		transport.Proxy = http.ProxyURL(via)
		toPort(&rules, via)
	} else {
		for _, w := range policy.Witnesses() {
			toURL(&rules, w.URL)
		}
	}
	cosigner := &witness.Cosigner{
		Log: vault, Key: key, Policy: policy, Asker: witness.Asker{Transport: transport}, Every: c.Every, Again: c.Again, Slog: log,
	}
	if err := tellReady(); err != nil {
		return err
	}
	if err := c.confine(log, rules); err != nil {
		return err
	}
	if c.Once {
		quorum, err := cosigner.Round(ctx)
		if err == nil && !quorum {
			err = withHint(witness.ErrQuorum, "what is wrong with each witness is said above")
		}
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return alive(ctx, d) })
	g.Go(func() error { return cosigner.Run(ctx) })
	g.Go(func() error {
		for {
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(c.Every):
			}
			if now, err := rosterOf(ctx, vault, root); err == nil && now.Witnesses != r.Witnesses {
				return withHint(errOtherWitnesses, "start this again; a unit of systemd does so by itself")
			}
		}
	})
	return g.Wait()
}

// rosterOf returns the roster in force.
func rosterOf(ctx context.Context, vault *membersock.Client, root note.Verifier) (*roster.Roster, error) {
	signed, err := vault.Roster(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the roster: %w", err)
	}
	return roster.Parse(signed, root)
}

type witnessShowCmd struct {
	Policy string `arg:"" type:"existingfile" help:"File with a policy (C2SP tlog-policy)."`
}

func (witnessShowCmd) Help() string {
	return `A policy has a line for each witness, groups of them, and the quorum:

  witness bpkp      saksi.bpkp.example+…      https://saksi.bpkp.example/
  witness ombudsman saksi.ombudsman.example+… https://saksi.ombudsman.example/
  witness pers      saksi.pers.example+…      https://saksi.pers.example/
  group   saksi     2 bpkp ombudsman pers
  quorum  saksi

Example:
  suluh witness show saksi.policy`
}

func (c *witnessShowCmd) Run() error {
	p, _, err := readPolicy(c.Policy)
	if err != nil {
		return err
	}
	for _, w := range p.Witnesses() {
		fmt.Printf("%s\t%s\n", w.Key.Name(), w.URL)
	}
	return nil
}

func readPolicy(file string) (*witness.Policy, string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, "", err
	}
	p, err := witness.ParsePolicy(string(text))
	if err != nil {
		return nil, "", withHint(fmt.Errorf("%s: %w", filepath.Base(file), err), "suluh witness show --help has an example")
	}
	return p, string(text), nil
}
