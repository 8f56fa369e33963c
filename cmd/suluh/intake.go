//go:build !client

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime/debug"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"suluh.example/suluh/internal/dialer"
	"suluh.example/suluh/internal/onion"
	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/internal/serve"
	"suluh.example/suluh/vault/depositsock"
	"suluh.example/suluh/web/intake"
)

type intakeCmd struct {
	DepositSocket string        `required:"" type:"path" help:"The vault's deposit.sock."`
	RootKey       string        `required:"" placeholder:"VKEY|FILE" help:"Verifier key that rosters are signed with (name+hash+key), or a file that has it."`
	Listen        string        `placeholder:"HOST:PORT" help:"Address to listen on; port 0 takes any that is free, none opens no port. Default: 127.0.0.1:8080; with --onion or --circuit-socket none."`
	MaxBytes      byteSize      `default:"1GiB" help:"The most that a report's attachments may have together. Never more than the vault takes."`
	ExitURL       string        `name:"exit-url" default:"https://www.bmkg.go.id/" help:"Where \"Keluar cepat\" leads: a site without personal content that anyone may open."`
	Clock         string        `type:"existingfile" placeholder:"FILE" help:"Working days and holidays, if not those that are built in."`
	Stall         time.Duration `default:"60s" help:"How long a transfer may go on without a byte before it is cut. Slow ones never are."`
	CircuitSocket string        `type:"path" placeholder:"PATH" help:"Listen on this Unix socket too, for a tor of yours that tells circuits apart on it (HiddenServiceExportCircuitID haproxy). Nothing but that tor may reach it."`
	OnionLocation string        `placeholder:"URL" help:"Address of the onion service (http://….onion) that Tor Browser is led to from the pages over TLS."`

	tlsFlags
	onionFlags
	hardening
	logging
}

func (intakeCmd) Help() string {
	return `The reporter's pages: report, code, status, reply. Works without JavaScript, keeps nothing, logs no request.
With --onion it publishes itself as an onion service, with --tls-cert it speaks HTTPS; else put a reverse proxy that logs nothing before it.

Examples:
  suluh intake --deposit-socket /var/lib/suluh/vault/deposit.sock --root-key root.vkey --onion --onion-dir /var/lib/suluh/onion
  suluh intake --deposit-socket /var/lib/suluh/vault/deposit.sock --root-key root.vkey
  suluh intake --deposit-socket /var/lib/suluh/vault/deposit.sock --root-key root.vkey --listen 127.0.0.1:0 --max-bytes 2GiB
  suluh intake --deposit-socket /var/lib/suluh/vault/deposit.sock --root-key root.vkey --listen :443 --tls-cert chain.pem --tls-key key.pem
  suluh intake --deposit-socket /var/lib/suluh/vault/deposit.sock --root-key root.vkey --listen none --circuit-socket /run/suluh/tor/intake.sock`
}

func (c *intakeCmd) Run(ctx context.Context) (err error) {
	given, err := inherited()
	if err != nil {
		return err
	}
	if err := withoutTemp(); err != nil {
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
	// What lives here is a few megabytes, which would be swept after every other
	// report: a tenth of the work. The limit holds it down in a flood.
	debug.SetGCPercent(400)
	debug.SetMemoryLimit(64 << 20)
	log := c.logger()
	vault, err := dialer.Start(context.WithoutCancel(ctx), c.DepositSocket) // requests under way need it after a stop
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, vault.Close()) }()
	s, err := intake.New(intake.Config{
		Vault: depositsock.NewClientOver(vault.Dial), RootKey: root, RootText: keyText(c.RootKey), MaxBytes: int64(c.MaxBytes),
		Exit: c.ExitURL, Clock: clock, Log: log, Onion: c.OnionLocation,
	})
	if err != nil {
		return err
	}
	service, err := c.start(context.WithoutCancel(ctx), onion.Config{Dir: c.OnionDir, Circuits: true, Service: "/var/lib/tor/suluh"})
	if err != nil {
		return err
	}
	if service != nil {
		defer func() { err = errors.Join(err, service.Stop()) }()
	} else if c.Listen == "" && c.CircuitSocket == "" {
		c.Listen = "127.0.0.1:8080"
	}
	var tcp *listener
	if c.Listen != "" && c.Listen != "none" || given["intake"] != nil {
		if tcp, err = given.web(ctx, "intake", c.Listen, c.tlsFlags); err != nil {
			return err
		}
	}
	circuits, err := listenCircuits(c.CircuitSocket)
	if err != nil {
		return err
	}
	if tcp == nil && circuits == nil && service == nil {
		return withHint(errors.New("there is nothing to listen on"), "name an address (--listen), or publish an onion service (--onion)")
	}
	if err := tellReady(); err != nil {
		return err
	}
	if err := c.confine(log, intakeRules(c.tlsFlags)); err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return alive(ctx, vault) })
	g.Go(func() error {
		s.Watch(ctx, time.Minute)
		return nil
	})
	if tcp != nil {
		g.Go(func() error { return serveTCP(ctx, "intake", tcp, s, log, c.Stall) })
	} else if circuits != nil {
		if err := announce("intake", "unix:"+c.CircuitSocket); err != nil {
			return err
		}
	}
	for _, l := range onCircuits(circuits, service) {
		g.Go(func() error {
			return serve.Run(ctx, serve.Config{Listener: l, Circuits: true, Handler: takenOver(s), Log: log, Stall: c.Stall})
		})
	}
	if service != nil {
		said := false // by whoever listens there: on the web, this is the second line
		g.Go(func() error {
			return service.Watch(ctx, func(address string) error {
				if c.OnionLocation == "" {
					if err := s.SetOnion("http://" + address); err != nil {
						return err
					}
				}
				if said {
					return nil
				}
				said = true
				return announce("intake", "http://"+address+"/")
			})
		})
	}
	return g.Wait()
}

// listenCircuits listens on a socket that tor connects to, if one is named. Who may
// is a matter of the folder that it is in.
func listenCircuits(path string) (net.Listener, error) {
	if path == "" {
		return nil, nil
	}
	if c, err := net.Dial("unix", path); err == nil {
		return nil, errors.Join(fmt.Errorf("listen on %s: %w", path, syscall.EADDRINUSE), c.Close())
	}
	return serve.ListenUnix(path, 0o660)
}

// onCircuits are the listeners that tor connects to.
func onCircuits(socket net.Listener, service *onion.Service) (all []net.Listener) {
	if socket != nil {
		all = append(all, socket)
	}
	if service != nil {
		all = append(all, service.Listener)
	}
	return all
}

// withoutTemp makes temporary files impossible for this process, root or not:
// what a reporter sends must never touch a disk in the clear, whatever a
// library may think of.
func withoutTemp() error { return os.Setenv("TMPDIR", "/dev/null/suluh") }

// readClock reads the file of --clock, or the clock that is built in.
func readClock(file string) (report.Clock, error) {
	if file == "" {
		return report.DefaultClock()
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return report.Clock{}, err
	}
	return report.ParseClock(string(b))
}
