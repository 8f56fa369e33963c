//go:build !client

package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/internal/onion"
	"suluh.example/suluh/internal/serve"
	"suluh.example/suluh/vault"
	"suluh.example/suluh/vault/controlsock"
	"suluh.example/suluh/vault/depositsock"
	"suluh.example/suluh/vault/logsock"
	"suluh.example/suluh/vault/membersock"
)

type vaultCmd struct {
	Init   vaultInitCmd   `cmd:"" help:"Make a vault."`
	Run    vaultRunCmd    `cmd:"" default:"withargs" help:"Run a vault until SIGTERM."`
	Batch  vaultBatchCmd  `cmd:"" help:"End the day by hand: enter waiting deposits into the log."`
	Roster vaultRosterCmd `cmd:"" help:"Install a signed roster."`

	Readers vaultReadersCmd `cmd:"" help:"Open to an auditor whom cases were sealed to."`
}

type vaultInitCmd struct {
	Dir     string `required:"" type:"path" help:"Directory to make."`
	Origin  string `required:"" help:"Name of the access log, e.g. suluh.example/provinsi."`
	RootKey string `required:"" placeholder:"VKEY|FILE" help:"Verifier key that rosters are signed with (name+hash+key), or a file that has it."`
	Zone    string `default:"Asia/Makassar" help:"Time zone of the day's end."`
}

func (vaultInitCmd) Help() string {
	return "Prints the log's verifier key, which rosters name and auditors check with.\n\nExample:\n  suluh vault init --dir /var/lib/suluh/vault --origin suluh.example/provinsi --root-key root.vkey"
}

func (c *vaultInitCmd) Run(ctx context.Context) error {
	if _, err := readRootKey(c.RootKey); err != nil {
		return err
	}
	key, err := vault.Init(ctx, vault.InitConfig{Dir: c.Dir, Origin: c.Origin, RootKey: keyText(c.RootKey), Zone: c.Zone})
	if err != nil {
		return err
	}
	fmt.Println(key)
	return nil
}

type vaultRunCmd struct {
	Dir      string   `required:"" type:"path" help:"Directory that suluh vault init made."`
	MaxBytes byteSize `default:"1280MiB" help:"The most that one deposit may bring, sealed. Intake offers four fifths of it: 1 GiB."`
	PerHour  byteSize `default:"64GiB" help:"The most that all deposits of an hour may bring. A tenth is kept for reports without files."`
	PerDay   byteSize `default:"256GiB" help:"The same for a day."`

	onionFlags
	hardening
	logging
}

func (vaultRunCmd) Help() string {
	return `Listens on deposit.sock, member.sock, log.sock, control.sock and metrics.sock in the directory, but for those that systemd hands over.
With --onion, members reach what is on member.sock over an onion service too: those whose onion key the roster in force lists, and nobody else finds it.

Examples:
  suluh vault --dir /var/lib/suluh/vault
  suluh vault --dir /var/lib/suluh/vault --onion
  suluh vault --dir /var/lib/suluh/vault --max-bytes 2560MiB --per-hour 100GiB --per-day 200GiB`
}

func (c *vaultRunCmd) Run(ctx context.Context) (err error) {
	given, err := inherited()
	if err != nil {
		return err
	}
	// What lives here is a few megabytes, which would be swept after every few reports.
	gatherGarbage(16 << 20)
	log := c.logger()
	v, err := openVault(ctx, vault.Config{
		Dir: c.Dir, Log: log, MaxBytes: int64(c.MaxBytes), PerHour: int64(c.PerHour), PerDay: int64(c.PerDay), Release: thisRelease(),
	})
	if err != nil {
		return err
	}
	// Order of the stop: listeners, requests, batch, database.
	defer func() { err = errors.Join(err, v.Close()) }()
	control := controlsock.Vault(v)
	var door *doorkeeper // nil: members have the socket alone
	folders := named(c.OnionDir)
	if c.Onion {
		own := filepath.Join(c.Dir, "onion")
		at := onion.Config{Dir: cmp.Or(c.OnionDir, own), Members: true, Service: cmp.Or(c.TorService, onion.ServiceDir(own))}
		door = &doorkeeper{Vault: v, dir: onion.ServiceDir(at.Dir), log: log}
		if c.TorControl != "" {
			if door.dir = at.Service; c.OnionDir == "" {
				return withHint(errors.New("--tor-control needs --onion-dir: tor's user can't reach a socket in the vault's directory"),
					"name a folder that tor's user may pass through: --onion-dir /run/tor-suluh-vault; the keys stay in the vault's directory")
			}
			folders = append(folders, door.dir)
		}
		control = door
		if err := door.admit(); err != nil { // before there is a tor
			return err
		}
		if door.service, err = c.start(context.WithoutCancel(ctx), at); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, door.service.Stop()) }()
	}
	_ = v.CatchUp(ctx) // Batches tries again what failed; reports are taken meanwhile
	sockets := []struct {
		name    string
		mode    os.FileMode
		handler http.Handler
		stall   time.Duration // 0: the default
	}{
		// Intake cuts reporters who stall. Of one who is slow, nothing comes while
		// intake looks through the beginning of a photo, with 300 bytes a second
		// for some twenty minutes, nor while what is removed from it passes, such
		// as the video of a motion photo.
		{"deposit.sock", 0o660, depositsock.Handler(v), 24 * time.Hour},
		{"member.sock", 0o660, membersock.Handler(v), 0},
		{"log.sock", 0o660, logsock.Handler(v), 0},
		{"control.sock", 0o600, controlsock.Handler(control), 0},
		{"metrics.sock", 0o660, metricsHandler(v), 0},
	}
	listeners := make([]net.Listener, len(sockets))
	for i, s := range sockets {
		listeners[i], err = given.or(s.name, func() (net.Listener, error) { return serve.ListenUnix(filepath.Join(c.Dir, s.name), s.mode) })
		if err != nil {
			return fmt.Errorf("listen on %s: %w", s.name, err)
		}
	}
	if err := tellReady(); err != nil {
		return err
	}
	rules, err := vaultRules(c.Dir, folders...)
	if err != nil {
		return err
	}
	if err := c.confine(log, rules); err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	for i, s := range sockets {
		g.Go(func() error {
			return serve.Run(ctx, serve.Config{Listener: listeners[i], Handler: takenOver(s.handler), Log: log, Stall: s.stall})
		})
	}
	if door != nil {
		g.Go(func() error {
			return serve.Run(ctx, serve.Config{Listener: door.service.Listener, Handler: membersock.Handler(v), Log: log})
		})
		g.Go(func() error { return published(ctx, door.service, "suluh vault: members reach it at %s\n") })
		g.Go(func() error { return door.Admit(ctx) })
	}
	g.Go(func() error { return v.Batches(ctx) })
	g.Go(func() error { return v.Sound(ctx) })
	g.Go(func() error {
		// Whoever started the vault waits for this line, and would wait for ever.
		_, err := fmt.Println("suluh vault: listening in " + c.Dir)
		return err
	})
	return g.Wait()
}

type vaultBatchCmd struct {
	Dir string `required:"" type:"path" help:"Directory of the vault."`
}

func (vaultBatchCmd) Help() string {
	return "Works whether the vault runs or not.\n\nExample:\n  suluh vault batch --dir /var/lib/suluh/vault"
}

func (c *vaultBatchCmd) Run(ctx context.Context) error {
	n, err := controlsock.NewClient(filepath.Join(c.Dir, "control.sock")).Batch(ctx)
	if controlsock.IsAbsent(err) {
		err = opened(ctx, c.Dir, func(v *vault.Vault) error {
			n, err = v.Batch(ctx)
			return err
		})
	}
	if err != nil {
		return err
	}
	fmt.Printf("%d deposits entered the log\n", n)
	return nil
}

type vaultRosterCmd struct {
	Dir  string `required:"" type:"path" help:"Directory of the vault."`
	File string `arg:"" type:"existingfile" help:"The signed roster."`
}

func (vaultRosterCmd) Help() string {
	return "Works whether the vault runs or not.\n\nExample:\n  suluh vault roster --dir /var/lib/suluh/vault roster-1.note"
}

func (c *vaultRosterCmd) Run(ctx context.Context) error {
	signed, err := os.ReadFile(c.File)
	if err != nil {
		return err
	}
	err = controlsock.NewClient(filepath.Join(c.Dir, "control.sock")).InstallRoster(ctx, signed)
	if controlsock.IsAbsent(err) {
		err = opened(ctx, c.Dir, func(v *vault.Vault) error { return v.InstallRoster(ctx, signed) })
	}
	if err != nil {
		return err
	}
	fmt.Println("the roster is in force and in the log")
	return nil
}

type vaultReadersCmd struct {
	Dir  string   `required:"" type:"path" help:"Directory of the vault."`
	Case []string `arg:"" help:"Cases that the auditor asked about (K-…), whose day has ended."`
}

func (vaultReadersCmd) Help() string {
	return `Prints, for each case, what opens the commitment in its deposit's record: suluh roster verify --readers checks it against the log. It tells nothing of what was reported.

It does tell whom the reporter left out. Answer an auditor's written question with it, hand it over by hand or sealed, and delete it afterwards; nobody who is named in it may get it. Works whether the vault runs or not.

Example:
  suluh vault readers --dir /var/lib/suluh/vault K-ABCD-EFGH-IJKL-MNOP >K-ABCD-EFGH-IJKL-MNOP.readers`
}

func (c *vaultReadersCmd) Run(ctx context.Context) error {
	var cases []id.Case
	for _, name := range c.Case {
		of, err := id.ParseCase(strings.ToUpper(name))
		if err != nil {
			return errors.New("a case's name is like K-XXXX-XXXX-XXXX-XXXX")
		}
		cases = append(cases, of)
	}
	control := controlsock.NewClient(filepath.Join(c.Dir, "control.sock"))
	var all bytes.Buffer // nothing is printed unless all is there
	for _, of := range cases {
		text, err := control.Readers(ctx, of)
		if controlsock.IsAbsent(err) {
			err = opened(ctx, c.Dir, func(v *vault.Vault) error {
				r, err := v.Readers(ctx, of)
				text = r.Format()
				return err
			})
		}
		if err != nil {
			return fmt.Errorf("%s: %w", of, err)
		}
		all.Write(text)
	}
	_, err := all.WriteTo(os.Stdout)
	return err
}

// openVault opens a vault whose temporary files stay on its own disk: SQLite
// reads the name of the folder when it is used for the first time.
func openVault(ctx context.Context, c vault.Config) (*vault.Vault, error) {
	if err := os.Setenv("SQLITE_TMPDIR", filepath.Join(c.Dir, "blobs", "tmp")); err != nil {
		return nil, err
	}
	return vault.Open(ctx, c)
}

// opened does something with a vault that doesn't run.
func opened(ctx context.Context, dir string, do func(*vault.Vault) error) error {
	v, err := openVault(ctx, vault.Config{Dir: dir, Log: logger(os.Stderr, slog.LevelInfo)})
	if err != nil {
		return err
	}
	return errors.Join(do(v), v.Close())
}
