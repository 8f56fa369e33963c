//go:build !client

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"suluh.example/suluh/internal/onion"
	"suluh.example/suluh/internal/sandbox"
)

// onionFlags are of the parts that can be onion services.
type onionFlags struct {
	Onion            bool   `help:"Publish it as a Tor onion service."`
	OnionDir         string `type:"path" placeholder:"DIR" help:"Directory of the service's keys and of tor's data, made if it is not there. Whoever has it is the service. Needed with --onion, but for the vault and a key witness: onion in its directory."`
	Tor              string `default:"tor" placeholder:"PROGRAM" help:"The program tor, if it is not in PATH."`
	TorControl       string `placeholder:"SOCKET|HOST:PORT" help:"Use a tor that runs already, by its control port, instead of starting one. Its user must be able to reach web.sock in the onion directory."`
	TorService       string `type:"path" placeholder:"DIR" help:"With --tor-control: where the service's keys are. Intake: where that tor keeps them; our user must be able to read hostname there; /var/lib/tor/suluh unless told otherwise; a key witness likewise, /var/lib/tor/suluh-keywitness. Vault: a folder of its own; onion/service in its directory unless told otherwise."`
	TorDefaultsTorrc string `type:"path" placeholder:"FILE" help:"Further settings for the tor that is started, handed to it as --defaults-torrc: bridges, pluggable transports, another network."`
	PowRate          int    `default:"50" placeholder:"N" help:"Clients a second that are let through; when more come, they are asked for proof of work, and who works most goes first."`
	PowBurst         int    `default:"250" placeholder:"N" help:"The same at once."`
	IntroRate        int    `default:"50" placeholder:"N" help:"Clients a second that each introduction point lets through."`
	IntroBurst       int    `default:"400" placeholder:"N" help:"The same at once."`
}

// start starts what the flags ask for: nothing without --onion.
func (f *onionFlags) start(ctx context.Context, c onion.Config) (*onion.Service, error) {
	if !f.Onion {
		return nil, nil
	}
	if c.Dir == "" {
		return nil, withHint(errors.New("--onion needs --onion-dir"), "name a directory for the service's keys: --onion-dir /var/lib/suluh/onion")
	}
	c.Tor, c.Control, c.Service, c.DefaultsTorrc = f.Tor, f.TorControl, cmp.Or(f.TorService, c.Service), f.TorDefaultsTorrc
	c.PoWRate, c.PoWBurst, c.IntroRate, c.IntroBurst = f.PowRate, f.PowBurst, f.IntroRate, f.IntroBurst
	return onion.Start(ctx, c)
}

// published says on standard output, once, that a service can be reached, and
// stays with it.
func published(ctx context.Context, s *onion.Service, line string) error {
	said := false
	return s.Watch(ctx, func(address string) error {
		if said {
			return nil
		}
		said = true
		_, err := fmt.Printf(line, address)
		return err
	})
}

type onionCmd struct {
	Status onionStatusCmd `cmd:"" help:"Say whether the service can be reached, and under which address."`
	Keep   onionKeepCmd   `cmd:"" hidden:"" help:"Keep tor up for a part."`
}

type onionKeepCmd struct {
	Config string `arg:"" help:"Settings, as JSON."`
}

func (onionKeepCmd) Help() string {
	return "Started by intake, vault and keywitness with --onion, which can start nothing by themselves later.\n\nExample:\n  suluh intake --onion starts it"
}

func (c *onionKeepCmd) Run(ctx context.Context) error {
	return onion.Keep(ctx, c.Config, logger(os.Stderr, slog.LevelInfo), hintFor, func(n onion.Needs) error {
		rules, err := keeperRules(n)
		if err == nil {
			_, err = sandbox.Confine(rules) // the part says what is missing
		}
		return err
	})
}

type onionStatusCmd struct {
	Dir  string `required:"" type:"path" help:"The onion directory."`
	JSON bool   `name:"json" help:"Print JSON."`
}

func (onionStatusCmd) Help() string {
	return `Asks the tor of an onion directory, over its control socket: address, state, uploads of the descriptors by which clients find the service, and the
effort that clients are asked for. Exit status 1 unless the service is published.

Examples:
  suluh onion status --dir /var/lib/suluh/onion
  suluh onion status --dir /var/lib/suluh/vault/onion --json | jq -r .address`
}

func (c *onionStatusCmd) Run(context.Context) error {
	s, err := onion.Ask(c.Dir)
	if errors.Is(err, os.ErrNotExist) {
		return withHint(errors.New("no onion service was started with this directory"), "name that of --onion-dir; for the vault it is onion in its directory")
	}
	if err != nil {
		return err
	}
	if c.JSON {
		if err := printJSON(s); err != nil {
			return err
		}
	} else {
		c.print(s)
	}
	switch s.State {
	case onion.Published:
		return nil
	case onion.Down:
		return withHint(errors.New("tor does not run"), "start the part with --onion; what it says on standard error tells why it ended")
	default:
		return withHint(errors.New("the service is not published yet"), "ask again in a minute; if tor does not get on, the network may block it: --tor-defaults-torrc takes bridges")
	}
}

func (c *onionStatusCmd) print(s onion.Status) {
	address := s.Address
	if address == "" {
		address = "none yet"
	}
	fmt.Printf("address:        %s\n", address)
	switch s.State {
	case onion.Published:
		fmt.Println("state:          published: clients find it")
	case onion.Starting:
		fmt.Printf("state:          starting: tor is at %d%% (%s)\n", s.Progress, s.Step)
	case onion.Down:
		fmt.Println("state:          down: there is no tor")
	}
	if s.State == onion.Down {
		return
	}
	fmt.Printf("tor:            %s, started %d times since the part was\n", s.Tor, s.Starts)
	last := "never"
	if !s.Descriptors.LastUpload.IsZero() {
		last = s.Descriptors.LastUpload.Local().Format("2006-01-02 15:04")
	}
	fmt.Printf("descriptors:    %d uploads, %d failed; last: %s\n", s.Descriptors.Uploaded, s.Descriptors.Failed, last)
	if s.Clients > 0 {
		fmt.Printf("let in:         %d keys, one of which nobody has\n", s.Clients)
	} else {
		fmt.Println("let in:         everybody")
	}
	switch effort := s.PoW.Effort; {
	case !s.PoW.Enabled:
		fmt.Println("proof of work:  off")
	case effort == nil:
		fmt.Printf("proof of work:  on, above %d clients a second; the system's tor tells the effort on its MetricsPort alone\n", s.PoW.Rate)
	case *effort == 0:
		fmt.Printf("proof of work:  on, above %d clients a second; effort 0: there are fewer, and nobody has to work\n", s.PoW.Rate)
	default:
		fmt.Printf("proof of work:  on, above %d clients a second; effort %d: there are more, and who does that work goes first\n", s.PoW.Rate, *effort)
	}
}
