//go:build !client

package main

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"suluh.example/suluh/crypto/hidden"
	"suluh.example/suluh/internal/check"
	"suluh.example/suluh/internal/dialer"
	"suluh.example/suluh/web/auditor"
)

// auditServing are the commands on the log that serve, or that need an identity.
type auditServing struct {
	Serve  auditServeCmd  `cmd:"" help:"Publish a log and show people what it says."`
	Sign   auditSignCmd   `cmd:"" help:"Sign an audit report with an auditor's identity."`
	Signed auditSignedCmd `cmd:"" help:"Tell who signed a report, and whether it is as it was."`
}

type auditServeCmd struct {
	LogKey      string   `required:"" placeholder:"VKEY|FILE" help:"The log's verifier key (name+hash+key), or a file that has it."`
	Listen      string   `default:"127.0.0.1:8082" help:"Address to listen on; port 0 takes any that is free."`
	OpenEntries bool     `help:"Let everybody read what the records say, not only auditors."`
	Host        []string `placeholder:"NAME" help:"A name by which browsers reach it, besides its address. With --open-entries, every other one is refused."`
	TokenFile   string   `help:"File with the auditors' token, of 20 characters or more; - for standard input."`
	Rules       string   `placeholder:"FILE" help:"Rules of what is unusual, instead of those that are built in (suluh audit rules)."`
	State       string   `type:"path" placeholder:"FILE" help:"File that keeps what was verified, made if it isn't there, as is FILE.entries: after a restart only what is new is verified."`
	tlsFlags
	logging
	hardening
	Log string `arg:"" help:"A folder of tiles, a URL, or the vault's log.sock."`
}

func (auditServeCmd) Help() string {
	return `Publishes checkpoint, hash tiles and rosters to everybody (C2SP tlog-tiles), entries to auditors, and shows people whether the log can be trusted and who did what. Reads only; verifies before it shows.
Without --token-file and --open-entries nobody reads entries here.

Examples:
  suluh audit serve --log-key log.vkey --token-file token /var/lib/suluh/vault/log.sock
  suluh audit serve --log-key log.vkey --open-entries --listen 127.0.0.1:0 /media/log`
}

func (c *auditServeCmd) Run(ctx context.Context) (err error) {
	lessGarbage()
	given, err := inherited()
	if err != nil {
		return err
	}
	_, key, err := readLogKey(c.LogKey)
	if err != nil {
		return err
	}
	files, err := check.Source(c.Log, hidden.Value[string]{})
	if err != nil {
		return err
	}
	var token hidden.Value[string]
	if c.TokenFile != "" {
		if token, err = askSecret("Token", c.TokenFile); err != nil {
			return fmt.Errorf("token: %w", err)
		}
	}
	look, err := rulesFrom(c.Rules)
	if err != nil {
		return err
	}
	rules := auditRules(c.Log)
	rules.Read, rules.Write = append(rules.Read, c.folders()...), folderOf(c.State)
	watched := func(context.Context) error { return nil }
	if len(rules.Sockets) > 0 { // a process of its own connects
		vault, err := dialer.Start(context.WithoutCancel(ctx), c.Log)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, vault.Close()) }()
		rules.Sockets, files = nil, check.SocketOver(vault.Dial)
		watched = func(ctx context.Context) error { return alive(ctx, vault) }
	}
	log := c.logger()
	s, err := auditor.New(auditor.Config{Files: files, Key: key, OpenEntries: c.OpenEntries, Address: c.Listen, Hosts: c.Host, Token: token, Rules: look, State: c.State, Log: log})
	if err != nil {
		return err
	}
	l, err := given.web(ctx, "audit", c.Listen, c.tlsFlags)
	if err != nil {
		return err
	}
	if err := tellReady(); err != nil {
		return err
	}
	if err := c.confine(log, rules); err != nil {
		return errors.Join(err, l.Close())
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return watched(ctx) })
	g.Go(func() error { return s.Run(ctx) })
	g.Go(func() error { return serveTCP(ctx, "audit", l, s, log, 0) })
	return g.Wait()
}
