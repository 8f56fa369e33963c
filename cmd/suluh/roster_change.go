//go:build !client

package main

import (
	"errors"
	"fmt"
	"os"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/ceremony"
	"suluh.example/suluh/internal/lang"
)

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
