//go:build !client

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"suluh.example/suluh/web/desk"
)

type deskCmd struct {
	vaultFlags
	outsideFlags

	RootKey    string        `required:"" placeholder:"VKEY|FILE" help:"Verifier key that rosters are signed with (name+hash+key), or a file that has it."`
	Identities string        `required:"" type:"existingdir" help:"Folder with members' <id>.identity files. The desk keeps <id>.seen and <id>.roster there."`
	Listen     string        `default:"127.0.0.1:8081" help:"Address to listen on; port 0 takes any that is free."`
	Host       []string      `placeholder:"NAME" help:"A further name by which browsers reach the desk. Every other name is refused."`
	IdleLock   time.Duration `default:"15m" help:"How long a session may be idle before it locks. A member may choose up to ten times as long."`
	Clock      string        `type:"existingfile" placeholder:"FILE" help:"Working days and holidays, if not those that are built in."`
	Stall      time.Duration `default:"60s" help:"How long a transfer may go on without a byte before it is cut. Slow ones never are."`

	BehindTLSProxy bool `name:"behind-tls-proxy" help:"Plain HTTP beyond this machine is meant: what stands before the desk speaks TLS to browsers."`
	tlsFlags
	logging
	hardening
}

func (deskCmd) Help() string {
	return `The investigators' pages: unlock, inbox, case, reply, status, access. Unlocked identities are in memory only.
Run it on an investigator's machine, or on a server of the Inspektorat's; never let others than members reach it. With
--member-onion it needs no more of the vault than its onion address: it starts a tor, and hands it a member's onion key while the member has unlocked.

Examples:
  suluh desk --member-socket /var/lib/suluh/vault/member.sock --root-key root.vkey --identities ./identitas
  suluh desk --member-socket /var/lib/suluh/vault/member.sock --root-key root.vkey --identities /etc/suluh/identitas --host meja.inspektorat.example
  suluh desk --member-onion ADDRESS.onion --root-key root.vkey --identities ./identitas
  suluh desk --member-socket /var/lib/suluh/vault/member.sock --root-key root.vkey --identities /etc/suluh/identitas --host meja.inspektorat.example --listen :443 --tls-cert chain.pem --tls-key key.pem`
}

func (c *deskCmd) Run(ctx context.Context) (err error) {
	if c.IdleLock < time.Second {
		return fmt.Errorf("--idle-lock %s is too short to work with", c.IdleLock)
	}
	given, err := inherited()
	if err != nil {
		return err
	}
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		return fmt.Errorf("listen on %s: an address is host:port, as 127.0.0.1:8081", c.Listen)
	}
	if c.tlsFlags == (tlsFlags{}) && !c.BehindTLSProxy && !given.near("desk", c.Listen) {
		return withHint(fmt.Errorf("listen on %s: passphrases and reports would cross the network in the clear", c.Listen),
			"speak HTTPS (--tls-cert, --tls-key), listen on 127.0.0.1, or say that a proxy does (--behind-tls-proxy)")
	}
	if err := unix.Access(c.Identities, unix.W_OK); err != nil {
		return fmt.Errorf("keep what was seen in %s: %w", c.Identities, err)
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
	log := c.logger()
	vault, err := c.reach(ctx, filepath.Join(c.Identities, "tor"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, vault.stop()) }()
	outside, err := c.outside(ctx, c.RootKey, vault)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, outside.Close()) }()
	s, err := desk.New(desk.Config{
		Vault: vault.client, Enter: vault.enter, Outside: outside, Root: root, Identities: c.Identities,
		Address: c.Listen, Hosts: c.Host, IdleLock: c.IdleLock, Clock: clock, Log: log,
	})
	if err != nil {
		return err
	}
	l, err := given.web(ctx, "desk", c.Listen, c.tlsFlags)
	if err != nil {
		return err
	}
	if err := tellReady(); err != nil {
		return errors.Join(err, l.Close())
	}
	if err := c.confine(log, deskRules(c.Identities, c.tlsFlags)); err != nil {
		return errors.Join(err, l.Close())
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.Watch(ctx) })
	g.Go(func() error { return vault.alive(ctx) })
	g.Go(func() error { return aliveOutside(ctx, outside) })
	g.Go(func() error { return serveTCP(ctx, "desk", l, s, log, c.Stall) })
	return g.Wait()
}
