//go:build !client

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime/debug"
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
	Listen        string        `placeholder:"HOST:PORT" help:"Address to listen on; port 0 takes any that is free. Default: 127.0.0.1:8080; with --onion none, so that no TCP port is open."`
	MaxBytes      byteSize      `default:"1GiB" help:"The most that a report's attachments may have together. Never more than the vault takes."`
	ExitURL       string        `name:"exit-url" default:"https://www.bmkg.go.id/" help:"Where \"Keluar cepat\" leads: a site without personal content that anyone may open."`
	Clock         string        `type:"existingfile" placeholder:"FILE" help:"Working days and holidays, if not those that are built in."`
	Stall         time.Duration `default:"60s" help:"How long a transfer may go on without a byte before it is cut. Slow ones never are."`

	onionFlags
	hardening
	logging
}

func (intakeCmd) Help() string {
	return `The reporter's pages: report, code, status, reply. Works without JavaScript, keeps nothing, logs no request.
With --onion it publishes itself as an onion service; else put a reverse proxy that logs nothing before it.

Examples:
  suluh intake --deposit-socket /var/lib/suluh/vault/deposit.sock --root-key root.vkey --onion --onion-dir /var/lib/suluh/onion
  suluh intake --deposit-socket /var/lib/suluh/vault/deposit.sock --root-key root.vkey
  suluh intake --deposit-socket /var/lib/suluh/vault/deposit.sock --root-key root.vkey --listen 127.0.0.1:0 --max-bytes 2GiB`
}

func (c *intakeCmd) Run(ctx context.Context) (err error) {
	given, err := inherited()
	if err != nil {
		return err
	}
	if err := withoutTemp(); err != nil {
		return err
	}
	root, err := verifierKey(c.RootKey)
	if err != nil {
		return fmt.Errorf("root key: %w", err)
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
		Exit: c.ExitURL, Clock: clock, Log: log,
	})
	if err != nil {
		return err
	}
	service, err := c.start(ctx, onion.Config{Dir: c.OnionDir, Circuits: true})
	if err != nil {
		return err
	}
	if service != nil {
		defer func() { err = errors.Join(err, service.Stop()) }()
	} else if c.Listen == "" {
		c.Listen = "127.0.0.1:8080"
	}
	var l net.Listener
	if c.Listen != "" || given["intake"] != nil {
		if l, err = given.tcp(ctx, "intake", c.Listen); err != nil {
			return err
		}
	}
	if err := tellReady(); err != nil {
		return err
	}
	if err := c.confine(log, intakeRules()); err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return alive(ctx, vault) })
	g.Go(func() error {
		s.Watch(ctx, time.Minute)
		return nil
	})
	if l != nil {
		g.Go(func() error { return serveTCP(ctx, "intake", l, s, log, c.Stall) })
	}
	if service != nil {
		g.Go(func() error {
			return serve.Run(ctx, serve.Config{Listener: service.Listener, Circuits: true, Handler: takenOver(s), Log: log, Stall: c.Stall})
		})
		g.Go(func() error { return published(ctx, service, "suluh intake: listening on http://%s/\n") })
	}
	return g.Wait()
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
