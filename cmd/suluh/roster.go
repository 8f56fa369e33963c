//go:build !client

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/term"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/keyfile"
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

type rosterUnitCmd struct {
	rosterDir
	ID         string            `arg:"" help:"Id of the unit, e.g. itprov."`
	Name       map[string]string `mapsep:"none" placeholder:"LANG=TEXT" help:"Name by language; repeat for more. Indonesian (id=…) is needed."`
	Handles    map[string]string `mapsep:"none" placeholder:"LANG=TEXT" help:"Whom reports to this unit are about, a phrase by language."`
	Contact    map[string]string `mapsep:"none" placeholder:"LANG=TEXT" help:"Where to turn to, by language."`
	Position   []string          `sep:"none" placeholder:"TEXT" help:"A position that the unit is competent for; repeat for more. Replaces those there."`
	KeyWitness []string          `placeholder:"MEMBER" help:"A key witness, outside the unit, without whose share no case opens that comes from now on; repeat or join by commas for up to five. Replaces those there; none takes them away."`
	Other      *string           `placeholder:"UNIT" help:"Unit that receives reports about this one; empty for none."`
	Need       int               `placeholder:"N" help:"How many of the key witnesses a case needs; all of them if it is not said."`
	Alone      *bool             `negatable:"" help:"Let one person prepare and approve what goes to the main queue, where the unit has no second; the log says so each time."`
}

func (rosterUnitCmd) Help() string {
	return "What is not named stays as it is; an empty text takes one away.\n\nExamples:\n  suluh roster unit itjen --name id='Inspektorat Jenderal' --name en='Inspectorate General'\n  suluh roster unit itprov --name id='Inspektorat Provinsi' --other itjen --handles id='pegawai provinsi, kecuali Sekda dan Inspektur' --position 'Kepala Dinas' --position Bupati\n  suluh roster unit itprov --key-witness saksi-ombudsman,saksi-bpkp,saksi-pers --need 2"
}

func (c *rosterUnitCmd) Run() error {
	return c.edit(func(f *ceremony.Folder) error {
		name, err := id.ParseUnit(c.ID)
		if err != nil {
			return withHint(err, "a unit's id has 2 to 32 of a–z, 0–9 and hyphens, and begins with a letter")
		}
		u, err := f.Unit(name)
		if err != nil {
			f.Draft.Units = append(f.Draft.Units, roster.Unit{ID: name})
			u = &f.Draft.Units[len(f.Draft.Units)-1]
		}
		for _, t := range []struct {
			of    *map[string]string
			given map[string]string
		}{{&u.Name, c.Name}, {&u.Handles, c.Handles}, {&u.Contact, c.Contact}} {
			for language, text := range t.given {
				if len(language) != 2 && len(language) != 3 {
					return withHint(errors.New("a text has no language"), "write --name id='…' --name en='…'")
				}
				if *t.of == nil {
					*t.of = map[string]string{}
				}
				if (*t.of)[language] = text; text == "" {
					delete(*t.of, language)
				}
			}
		}
		if c.Position != nil {
			u.Positions = c.Position
		}
		if c.Other != nil {
			u.Other = id.Unit(*c.Other)
		}
		if c.Alone != nil {
			u.Alone = *c.Alone
		}
		return c.witnessed(u)
	})
}

// witnessed sets the unit's key witnesses.
func (c *rosterUnitCmd) witnessed(u *roster.Unit) error {
	switch {
	case len(c.KeyWitness) == 1 && c.KeyWitness[0] == "none":
		u.KeyWitnesses = nil
	case len(c.KeyWitness) > 0:
		u.KeyWitnesses = &roster.KeyWitnesses{Need: len(c.KeyWitness)}
		for _, name := range c.KeyWitness {
			u.KeyWitnesses.Of = append(u.KeyWitnesses.Of, id.Member(name))
		}
	case c.Need > 0 && u.KeyWitnesses == nil:
		return withHint(errors.New("the unit has no key witnesses"), "name them: --key-witness ID,ID,ID --need 2")
	}
	if c.Need > 0 && u.KeyWitnesses != nil {
		u.KeyWitnesses.Need = c.Need
	}
	return nil
}

type rosterWitnessesCmd struct {
	rosterDir
	Policy string `arg:"" help:"File with a policy (C2SP tlog-policy); none takes the witnesses away."`
}

func (rosterWitnessesCmd) Help() string {
	return "Witnesses are run by others than those who run the vault. Desks and auditors take the list from the signed roster, so that nobody but the keeper of the root key chooses them.\nsuluh witness show --help has an example of a policy.\n\nExample:\n  suluh roster witnesses saksi.policy"
}

func (c *rosterWitnessesCmd) Run() error {
	return c.edit(func(f *ceremony.Folder) error {
		if c.Policy == "none" {
			f.Draft.Witnesses = ""
			return nil
		}
		_, text, err := readPolicy(c.Policy)
		if err == nil {
			f.Draft.Witnesses = text
		}
		return err
	})
}

type rosterAddCmd struct {
	rosterDir
	Request string   `arg:"" type:"existingfile" help:"The member's request file."`
	Unit    string   `required:"" help:"The member's unit."`
	Role    []string `required:"" enum:"reader,approver,custodian,auditor,forwarder,key-witness" help:"What the member may do: reader, approver, custodian, auditor, forwarder, key-witness; repeat or join by commas."`
	Address string   `placeholder:"URL" help:"Of a key witness: where it answers. https://…, an onion service's http://…, or http:// on loopback."`
}

func (rosterAddCmd) Help() string {
	return "Prints the request's fingerprint: compare it with the one that the member reads to you by telephone or face to face, not from the same message.\n\nExamples:\n  suluh roster add penelaah-satu.request --unit itprov --role reader,approver\n  suluh roster add saksi-kunci.request --unit ombudsman --role key-witness --address https://saksi.ombudsman.example"
}

func (c *rosterAddCmd) Run() error {
	r, err := readRequest(c.Request)
	if err != nil {
		return err
	}
	err = c.edit(func(f *ceremony.Folder) error {
		if err := f.Add(r, id.Unit(c.Unit), roles(c.Role), today()); err != nil {
			return err
		}
		m, err := f.Member(r.ID)
		if err == nil {
			m.Address = c.Address
		}
		return err
	})
	if err != nil {
		return err
	}
	fmt.Printf("%s (%s) is in the draft; fingerprint %s\n", r.ID, lang.Visible(r.Name), r.Fingerprint())
	next("Compare the fingerprint with the member, by telephone or face to face, before you sign.")
	return nil
}

func readRequest(file string) (roster.Request, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return roster.Request{}, err
	}
	r, err := roster.ParseRequest(b)
	if err != nil {
		return r, withHint(err, "ask the member for the file again, or to make a new one: suluh member new")
	}
	return r, nil
}

func roles(names []string) []roster.Role {
	r := make([]roster.Role, len(names))
	for i, n := range names {
		r[i] = roster.Role(n)
	}
	return r
}

type rosterChangeCmd struct {
	rosterDir
	Member  string   `arg:"" help:"Id of the member."`
	Unit    string   `help:"The new unit."`
	Role    []string `enum:"reader,approver,custodian,auditor,forwarder,key-witness" help:"All roles from now on; repeat or join by commas."`
	Address string   `placeholder:"URL" help:"Of a key witness: where it answers from now on."`
	Onion   string   `type:"existingfile" placeholder:"REQUEST" help:"Take over the onion key of a request that suluh member onion-key wrote."`
}

func (rosterChangeCmd) Help() string {
	return "Keys never change but for the onion key, which opens a door and no report: a member with new keys gets a new id.\nCases that the member has the key of stay open to him until somebody takes it away: suluh case revoke.\n\nExamples:\n  suluh roster change penelaah-satu --role reader,custodian\n  suluh roster change penelaah-satu --onion penelaah-satu.request"
}

func (c *rosterChangeCmd) Run() error {
	return c.edit(func(f *ceremony.Folder) error {
		if c.Onion != "" {
			r, err := readRequest(c.Onion)
			if err != nil {
				return err
			}
			if r.ID != id.Member(c.Member) {
				return withHint(ceremony.ErrOtherKeys, "the request is by "+string(r.ID))
			}
			if err := f.TakeOnion(r); err != nil {
				return err
			}
		}
		m, err := f.Member(id.Member(c.Member))
		if err != nil {
			return err
		}
		if c.Unit != "" {
			m.Unit = id.Unit(c.Unit)
		}
		if len(c.Role) > 0 {
			m.Roles = roles(c.Role)
		}
		if c.Address != "" {
			m.Address = c.Address
		}
		return nil
	})
}

type rosterRemoveCmd struct {
	rosterDir
	Member string `arg:"" help:"Id of the member."`
}

func (rosterRemoveCmd) Help() string {
	return "From the signed version on, no report is sealed to the member and the vault gives him nothing. His id is never used again.\n\nExample:\n  suluh roster remove penelaah-satu"
}

func (c *rosterRemoveCmd) Run() error {
	if err := c.edit(func(f *ceremony.Folder) error { return f.Remove(id.Member(c.Member), today()) }); err != nil {
		return err
	}
	fmt.Println(c.Member + " is removed in the draft")
	next("It is in force once the next version is signed and installed: suluh roster sign, then suluh vault roster.")
	return nil
}

type rosterRecoveryCmd struct {
	Make rosterRecoveryMakeCmd `cmd:"" help:"Make a unit's recovery key and the sheet to print."`
	Try  rosterRecoveryTryCmd  `cmd:"" help:"Prove that a printed sheet opens what is sealed to the unit."`
}

type rosterRecoveryMakeCmd struct {
	rosterDir
	Unit    string `arg:"" help:"Id of the unit."`
	Sheet   string `required:"" placeholder:"FILE" help:"Where the sheet goes; - is standard output, for a printer."`
	Text    bool   `help:"Write plain text without the QR code instead of a page for a browser."`
	Replace bool   `help:"Make another sheet for a unit that has one. What was sealed before opens with the old sheet only."`
}

func (rosterRecoveryMakeCmd) Help() string {
	return "The recovery key opens every case of the unit that is sealed from then on, also when all its readers are gone. It exists on the paper only; delete the file after printing. With --text --sheet - it goes to the printer without touching a disk.\n\nExamples:\n  suluh roster recovery make itprov --sheet /dev/shm/lembar.html\n  suluh roster recovery make itprov --text --sheet - | lp"
}

func (c *rosterRecoveryMakeCmd) Run() error {
	if c.Sheet == "-" && term.IsTerminal(int(os.Stdout.Fd())) {
		return withHint(errors.New("the sheet would stay in this terminal's history"), "send it to a printer: … --text --sheet - | lp")
	}
	f, err := ceremony.Open(c.Dir)
	if err != nil {
		return err
	}
	sheet, err := f.NewSheet(id.Unit(c.Unit), c.Replace, today())
	if err != nil {
		return err
	}
	write := sheet.HTML
	if c.Text {
		write = sheet.Text
	}
	if err := writeSheet(c.Sheet, write); err != nil {
		return withHint(err, "nothing was changed; a sheet is never written over a file")
	}
	if err := f.Save(); err != nil {
		return errors.Join(err, removeSheet(c.Sheet))
	}
	next("The draft names this sheet for "+c.Unit+", fingerprint "+sheet.Fingerprint()+".",
		"Print it now and try the paper: suluh roster recovery try "+c.Unit)
	if c.Sheet != "-" {
		next("Then DELETE " + c.Sheet + ": whoever reads it can read every report of the unit.")
	}
	return nil
}

func writeSheet(name string, write func(io.Writer) error) error {
	if name == "-" {
		return write(os.Stdout)
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(write(f), f.Close()); err != nil {
		return errors.Join(err, removeSheet(name))
	}
	return nil
}

func removeSheet(name string) error {
	if name == "-" {
		return nil
	}
	return os.Remove(name)
}

type rosterRecoveryTryCmd struct {
	rosterDir
	Unit  string `arg:"" help:"Id of the unit."`
	Sheet string `placeholder:"FILE" help:"Text of the sheet or of its QR code; - is standard input. Without it, type the four lines."`
}

func (rosterRecoveryTryCmd) Help() string {
	return "Seals something to the recovery recipient in the draft and opens it with the sheet. Nothing is kept.\n\nExamples:\n  suluh roster recovery try itprov\n  zbarcam --raw -1 | suluh roster recovery try itprov --sheet -"
}

func (c *rosterRecoveryTryCmd) Run() error {
	f, err := ceremony.Open(c.Dir)
	if err != nil {
		return err
	}
	u, err := f.Unit(id.Unit(c.Unit))
	if err != nil {
		return err
	}
	if u.Recovery == "" {
		return withHint(errors.New("the unit has no recovery sheet"), "make one: suluh roster recovery make "+c.Unit+" --sheet …")
	}
	r, err := askSheet(c.Sheet)
	if err != nil {
		return err
	}
	if err := ceremony.TrySheet(*u, r); err != nil {
		return err
	}
	fmt.Printf("the sheet opens what is sealed to %s (fingerprint %s)\n", u.ID, roster.Fingerprint(u.Recovery))
	return nil
}

// maxSheet is the most bytes of a sheet's text; a whole page is below it.
const maxSheet = 64 << 10

// askSheet reads a recovery sheet from a file, or line by line from the
// terminal, where a line with a mistake is asked for again.
func askSheet(file string) (*keyfile.Recovery, error) {
	if file != "" {
		in := os.Stdin
		if file != "-" {
			f, err := os.Open(file)
			if err != nil {
				return nil, err
			}
			defer f.Close()
			in = f
		}
		b, err := io.ReadAll(io.LimitReader(in, maxSheet))
		if err != nil {
			return nil, err
		}
		return keyfile.ParseSheet(string(b))
	}
	var parts []string
	for len(parts) < keyfile.SheetLines {
		n := len(parts) + 1
		typed, err := askSecret(fmt.Sprintf("Line %d of the sheet (not shown)", n), "")
		if err != nil {
			return nil, err
		}
		part, err := keyfile.ParseSheetLine(n, typed.Reveal())
		if err != nil {
			if typed.Reveal() == "" {
				return nil, err
			}
			next(err.Error() + "; type it again, or nothing to stop")
			continue
		}
		parts = append(parts, part)
	}
	return keyfile.RecoveryFrom(parts)
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
		root, err := verifierKey(key)
		if err != nil {
			return withHint(fmt.Errorf("root key: %w", err), "name the root key: --root-key root.vkey")
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
