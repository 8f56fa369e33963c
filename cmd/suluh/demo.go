//go:build !client

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/world"
)

type demoCmd struct {
	Dir              string `type:"path" help:"Directory to keep it in, so that it goes on the next time. Default: a temporary one, removed at the end."`
	IntakeAddr       string `placeholder:"HOST:PORT" help:"Where reporters' pages listen; port 0 takes a free one. Default: 127.0.0.1:8080, or a free port if that is taken."`
	DeskAddr         string `placeholder:"HOST:PORT" help:"Where the investigators' desk listens. Default: 127.0.0.1:8081, likewise."`
	AuditAddr        string `placeholder:"HOST:PORT" help:"Where the auditors' pages listen. Default: 127.0.0.1:8082, likewise."`
	Onion            bool   `help:"Make the reporters' pages an onion service too; it is published on the Tor network, unless --tor-defaults-torrc names another."`
	KeyWitness       bool   `help:"Have a key witness as well, without whose share no case of Inspektorat Jenderal opens. It is settled when the directory is made, and goes on the next time."`
	TorDefaultsTorrc string `type:"path" placeholder:"FILE" help:"Further settings for tor, handed to it as --defaults-torrc: bridges, pluggable transports, another network."`
	JSON             bool   `name:"json" help:"Print one line of JSON when all is ready, for programs."`
}

func (demoCmd) Help() string {
	return `Runs the whole product on loopback with throw-away keys, three units, seven members and some made-up cases, until Ctrl-C.
Never use it for real reports: its keys and passphrases lie in the open.

Examples:
  suluh demo
  suluh demo --dir ~/suluh-demo
  suluh demo --onion
  suluh demo --key-witness
  suluh demo --intake-addr 127.0.0.1:0 --desk-addr 127.0.0.1:0 --audit-addr 127.0.0.1:0 --json`
}

func (c *demoCmd) Run(ctx context.Context) (err error) {
	own := c.Dir == ""
	if own {
		if c.Dir, err = os.MkdirTemp("", "suluh-demo-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, removeFolder(c.Dir)) }()
	}
	bin, err := itself()
	if err != nil {
		return err
	}
	rules, err := c.demoRules(bin, own)
	if err != nil {
		return err
	}
	if err := confineCommand(rules); err != nil {
		return err
	}
	keyWitness := ""
	if c.KeyWitness {
		keyWitness = orFree("", "127.0.0.1:8085")
	}
	w, err := world.Start(ctx, world.Config{
		Bin: bin, Dir: c.Dir, Log: os.Stderr,
		IntakeAddr: orFree(c.IntakeAddr, "127.0.0.1:8080"),
		DeskAddr:   orFree(c.DeskAddr, "127.0.0.1:8081"),
		AuditAddr:  orFree(c.AuditAddr, "127.0.0.1:8082"),
		Onion:      c.Onion, TorDefaultsTorrc: c.TorDefaultsTorrc, KeyWitnessAddr: keyWitness,
	})
	if err != nil {
		return err
	}
	if err := c.print(w); err != nil {
		return errors.Join(err, w.Stop())
	}
	select {
	case <-ctx.Done():
		return w.Stop()
	case err := <-w.Died():
		return errors.Join(err, w.Stop())
	}
}

// removeFolder removes a folder with what is in it, without looking into the one
// above, which it may not.
func removeFolder(dir string) error {
	all, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range all {
		err = errors.Join(err, os.RemoveAll(filepath.Join(dir, e.Name())))
	}
	return errors.Join(err, os.Remove(dir))
}

// orFree returns the address asked for, else the usual one, else, if somebody
// has that, any free one.
func orFree(asked, usual string) string {
	if asked != "" {
		return asked
	}
	l, err := net.Listen("tcp", usual)
	if err != nil {
		return "127.0.0.1:0"
	}
	l.Close()
	return usual
}

// demoKeyWitness is what the demo says of its key witness, which may be ended and started
// again: the demo goes on.
type demoKeyWitness struct {
	*world.KeyWitness
	PID     int      `json:"pid"`
	Command []string `json:"command"` // starts it
}

func (c *demoCmd) print(w *world.World) error {
	var k *demoKeyWitness
	if w.KeyWitness != nil {
		k = &demoKeyWitness{w.KeyWitness, w.PID(world.KeyWitnessPart), append([]string{"suluh"}, w.Command(world.KeyWitnessPart)...)}
	}
	if c.JSON {
		return json.NewEncoder(os.Stdout).Encode(struct {
			Intake  string         `json:"intake"`
			Onion   string         `json:"onion,omitempty"`
			Desk    string         `json:"desk"`
			Audit   string         `json:"audit"`
			Dir     string         `json:"dir"`
			Socket  string         `json:"deposit_socket"`
			LogKey  string         `json:"log_key"`
			Members []world.Member `json:"members"`

			KeyWitness *demoKeyWitness `json:"key_witness,omitempty"`
		}{w.Intake, w.Onion, w.Desk, w.Audit, w.Dir, w.DepositSocket(), w.LogKey, w.Members, k})
	}
	reader := w.Members[0]
	code := "-"
	if len(w.Codes) > 0 {
		code = w.Codes[0]
	}
	fmt.Printf(`1. Report something, with a file, and keep the ten words:  %s
2. Read an answer with the code of an example case:        %scek  "%s"
3. Unlock the desk as %s and answer:            %s  passphrase "%s"
4. See who read what, and check it from outside:           %s  suluh audit verify --log-key "%s" %s
5. All of it lies in %s, what goes to the main queue in %s; the keys are throw-away ones. Ctrl-C ends it.
`, w.Intake, w.Intake, code, reader.Name, w.Desk, reader.Passphrase, w.Audit, w.LogKey, w.Audit, w.Dir, filepath.Join(filepath.Base(w.Spool()), "daftar.html"))
	next := 6
	if w.Onion != "" {
		fmt.Printf("%d. The reporters' pages in Tor Browser: %s\n", next, w.Onion)
		next++
	}
	if k != nil {
		reader := w.Members[slices.IndexFunc(w.Members, func(m world.Member) bool { return m.Unit == k.Of && slices.Contains(m.Roles, roster.Reader) })]
		fmt.Printf(`%d. Open a case that a key witness has a share of, as %s: %s  passphrase "%s"
%d. End the key witness with kill %d, unlock anew: the case stays shut. It comes back with
   %s
`, next, reader.Name, w.Desk, reader.Passphrase, next+1, k.PID, strings.Join(k.Command, " "))
	}
	return nil
}
