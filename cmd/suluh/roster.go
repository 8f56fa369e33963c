//go:build !client

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/ceremony"
	"suluh.example/suluh/internal/lang"
)

type rosterCmd struct {
	Init      rosterInitCmd      `cmd:"" help:"Make the root key and an empty draft, on a machine without network."`
	Unit      rosterUnitCmd      `cmd:"" help:"Add a unit to the draft, or change one."`
	Add       rosterAddCmd       `cmd:"" help:"Add a member to the draft, from the request that suluh member new wrote."`
	Change    rosterChangeCmd    `cmd:"" help:"Change a member's unit or roles in the draft."`
	Remove    rosterRemoveCmd    `cmd:"" help:"Mark a member as removed in the draft."`
	Recovery  rosterRecoveryCmd  `cmd:"" help:"Make a unit's recovery sheet, or try one."`
	Witnesses rosterWitnessesCmd `cmd:"" help:"Say in the draft who has to cosign the access log."`
	Show      rosterShowCmd      `cmd:"" help:"Show the draft and what it changes, or a signed roster."`
	Sign      rosterSignCmd      `cmd:"" help:"Sign the draft with the root key."`
	Verify    rosterVerifyCmd    `cmd:"" help:"Prove from the access log which roster was in force when, and to whom each case was sealed."`
}

// rosterDir is the folder that all of these work in.
type rosterDir struct {
	Dir string `default:"." type:"path" placeholder:"DIR" help:"Folder that suluh roster init made."`
}

// today is the day on the keeper's own machine.
func today() id.Day { return id.DayOf(time.Now(), time.Local) }

// edit changes the draft.
func (d rosterDir) edit(change func(*ceremony.Folder) error) error {
	f, err := ceremony.Open(d.Dir)
	if err != nil {
		return err
	}
	if err := change(f); err != nil {
		return err
	}
	return f.Save()
}

type rosterInitCmd struct {
	Dir            string `required:"" type:"path" help:"Folder to make."`
	Origin         string `required:"" help:"Name of the access log that the rosters will belong to, e.g. suluh.example/provinsi."`
	PassphraseFile string `help:"File with the root key's new passphrase on its first line; - is standard input." placeholder:"FILE"`
}

func (rosterInitCmd) Help() string {
	return "Whoever has the root key and its passphrase decides who reads reports. Keep the folder on a machine without network, and a copy of it elsewhere.\nPrints the public half, which the vault, the intake and the desks need.\n\nExample:\n  suluh roster init --dir /media/kunci/roster --origin suluh.example/provinsi"
}

func (c *rosterInitCmd) Run() error {
	if _, err := os.Lstat(c.Dir); err == nil {
		return withHint(fmt.Errorf("%s: %w", c.Dir, os.ErrExist), "name a folder that does not exist yet; nothing was changed")
	}
	passphrase, err := askNewSecret("New passphrase of the root key", c.PassphraseFile)
	if err != nil {
		return err
	}
	vkey, err := ceremony.Init(c.Dir, c.Origin, passphrase.Reveal(), testOnlyWorkFactor, today())
	if err != nil {
		return withHint(err, "the folder above it must exist and be writable")
	}
	fmt.Println(vkey)
	next("Write the passphrase down and keep it apart from this folder: nobody can set it anew.",
		"Next, here:      suluh roster unit itprov --name id='Inspektorat Provinsi' --dir "+c.Dir,
		"On the server:   suluh vault init --dir vault --origin "+c.Origin+" --root-key root.vkey (take root.vkey there; bring log.vkey back)")
	return nil
}

type rosterShowCmd struct {
	rosterDir
	File    string `arg:"" optional:"" type:"existingfile" help:"A signed roster; without it, the draft."`
	RootKey string `placeholder:"VKEY|FILE" help:"Root key to check the signed roster with; the folder's own by default."`
	JSON    bool   `help:"Print the roster's JSON."`
}

func (rosterShowCmd) Help() string {
	return "Examples:\n  suluh roster show\n  suluh roster show --root-key root.vkey roster-2.note\n  suluh roster show --json | jq .members"
}

func (c *rosterShowCmd) Run() error {
	var r *roster.Roster
	var changes []string
	if c.File == "" {
		f, err := ceremony.Open(c.Dir)
		if err != nil {
			return err
		}
		r, changes = f.Draft, f.Changes()
	} else {
		signed, err := os.ReadFile(c.File)
		if err != nil {
			return err
		}
		key := c.RootKey
		if key == "" {
			key = filepath.Join(c.Dir, "root.vkey")
		}
		root, err := readRootKey(key)
		if err != nil {
			return withHint(err, "name the root key: --root-key root.vkey")
		}
		if r, err = roster.Parse(signed, root); err != nil {
			return err
		}
	}
	if c.JSON {
		b, err := json.MarshalIndent(r, "", "  ")
		if err != nil {
			return err
		}
		fmt.Println(string(b))
		return nil
	}
	fmt.Print(rosterText(r, c.File == "", changes))
	return nil
}

// rosterText shows a roster to people.
func rosterText(r *roster.Roster, draft bool, changes []string) string {
	var b strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	if draft {
		say("Draft of version %d, not signed; for %s", r.Version, lang.Visible(r.Origin))
	} else {
		say("Version %d of %s, signed; for %s", r.Version, r.Day, lang.Visible(r.Origin))
	}
	for _, u := range r.Units {
		say("\nUnit %s: %s", u.ID, lang.Visible(u.Named("id")))
		for _, t := range []struct{ what, text string }{
			{"reports about", lang.Visible(u.HandlesIn("id"))},
			{"positions", lang.Visible(strings.Join(u.Positions, "; "))},
			{"about itself", string(u.Other)},
			{"contact", lang.Visible(u.Contact["id"])},
		} {
			if t.text != "" {
				say("  %-14s %s", t.what, t.text)
			}
		}
		if u.Alone {
			say("  %-14s %s", "approval", "one person may prepare and approve")
		}
		if k := u.KeyWitnesses; k != nil {
			say("  %-14s %s", "key witnesses", k)
		}
		if u.Recovery != "" {
			say("  %-14s %s", "recovery sheet", roster.Fingerprint(u.Recovery))
		}
		for _, m := range r.Members {
			if m.Unit != u.ID {
				continue
			}
			since := "since " + m.Since.String()
			if m.Removed != nil {
				since = "REMOVED " + m.Removed.String()
			}
			if m.Address != "" {
				since += ", answers at " + lang.Visible(m.Address)
			}
			onion := "no onion key"
			if m.Onion != "" {
				onion = "onion key " + roster.Fingerprint(m.Onion)
			}
			say("  %-20s %s, %s, fingerprint %s, %s: %s", m.ID, roster.Joined(m.Roles), since, m.Fingerprint(), onion, lang.Visible(m.Name))
		}
	}
	if draft {
		say("\nChanges since version %d:", r.Version-1)
		for _, c := range changes {
			say("  %s", lang.Visible(c))
		}
		if len(changes) == 0 {
			say("  none")
		}
	}
	if w := r.Warnings(); len(w) > 0 {
		say("\nWarnings:")
		for _, line := range w {
			say("  %s", line)
		}
	}
	return b.String()
}

type rosterSignCmd struct {
	rosterDir
	LogKey         string `placeholder:"VKEY|FILE" help:"The log's verifier key, which suluh vault init printed; needed once."`
	PassphraseFile string `help:"File with the root key's passphrase on its first line; - is standard input." placeholder:"FILE"`
}

func (rosterSignCmd) Help() string {
	return "Says what changes, asks for the passphrase, and writes roster-N.note, which is public: install it with suluh vault roster.\n\nExample:\n  suluh roster sign --log-key log.vkey"
}

func (c *rosterSignCmd) Run() error {
	f, err := ceremony.Open(c.Dir)
	if err != nil {
		return err
	}
	if c.LogKey != "" {
		if err := f.SetLogKey(keyText(c.LogKey)); err != nil {
			return err
		}
	}
	day := today()
	if err := f.Check(day); err != nil {
		return err
	}
	next(fmt.Sprintf("Version %d changes:", f.Draft.Version))
	for _, l := range f.Changes() {
		next("  " + lang.Visible(l))
	}
	for _, l := range f.Draft.Warnings() {
		next("Warning: " + l)
	}
	passphrase, err := askSecret("Passphrase of the root key", c.PassphraseFile)
	if err != nil {
		return err
	}
	name, err := f.Sign(passphrase.Reveal(), day)
	if err != nil {
		return err
	}
	fmt.Println(name)
	next("Next, on the server: suluh vault roster --dir … " + filepath.Base(name))
	return nil
}
