//go:build !client

package main

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"

	"filippo.io/age/plugin"

	"suluh.example/suluh/crypto/hidden"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/keyfile"
	"suluh.example/suluh/internal/ceremony"
	"suluh.example/suluh/internal/lang"
)

type memberCmd struct {
	New      memberNewCmd      `cmd:"" help:"Make a member's identity file and the request to hand over."`
	OnionKey memberOnionKeyCmd `cmd:"" help:"Put a new onion key into an identity file."`
}

type memberNewCmd struct {
	ID             string `required:"" help:"Id, used once and for all, e.g. penelaah-satu."`
	Name           string `required:"" help:"Name or function as others see it, e.g. 'Penelaah Satu'."`
	Dir            string `default:"." type:"existingdir" help:"Folder that the two files go to."`
	PluginIdentity string `type:"existingfile" placeholder:"FILE" help:"Identity file of an age plugin (AGE-PLUGIN-NAME-1…): the key stays in the token."`
	Recipient      string `placeholder:"age1NAME1…" help:"The plugin's recipient, if the file does not say it in a comment."`
	PassphraseFile string `placeholder:"FILE" help:"File with the new passphrase on its first line; - is standard input."`
}

func (memberNewCmd) Help() string {
	return "Run it on the member's own machine. ID.identity holds the private keys, sealed with the passphrase; ID.request the public halves, for the keeper of the root key. Existing files are never written over.\n\nExamples:\n  suluh member new --id penelaah-satu --name 'Penelaah Satu'\n  age-plugin-yubikey --generate >token.txt && suluh member new --id penelaah-dua --name 'Penelaah Dua' --plugin-identity token.txt"
}

func (c *memberNewCmd) Run() error {
	var i *keyfile.Identity
	var err error
	if c.PluginIdentity == "" {
		i, err = keyfile.New(id.Member(c.ID))
	} else {
		i, err = c.withPlugin()
	}
	if err != nil {
		return err
	}
	passphrase, err := askNewSecret("New passphrase", c.PassphraseFile)
	if err != nil {
		return err
	}
	r, err := ceremony.WriteMember(c.Dir, c.Name, i, passphrase.Reveal(), testOnlyWorkFactor)
	if errors.Is(err, os.ErrExist) {
		return withHint(err, "name another --id or --dir; nothing was changed")
	}
	if err != nil {
		return err
	}
	fmt.Printf("%s.identity and %s.request are in %s; fingerprint %s\n", r.ID, r.ID, c.Dir, r.Fingerprint())
	next("Give "+c.ID+".request to the keeper of the root key, and read the fingerprint to him by telephone or face to face.",
		"Keep "+c.ID+".identity: it is your key. Nobody can set its passphrase anew.")
	return nil
}

type memberOnionKeyCmd struct {
	Identity       string `arg:"" type:"existingfile" help:"The identity file."`
	Name           string `required:"" help:"Name or function as the request shows it, e.g. 'Penelaah Satu'."`
	PassphraseFile string `placeholder:"FILE" help:"File with the identity's passphrase on its first line; - is standard input."`
}

func (memberOnionKeyCmd) Help() string {
	return "With the onion key a member reaches the vault over the members' onion service (suluh desk --member-onion). Identity files that were made before there were any have none. The other keys and the passphrase stay; ID.request beside the file is written anew.\n\nExample:\n  suluh member onion-key penelaah-satu.identity --name 'Penelaah Satu'"
}

func (c *memberOnionKeyCmd) Run() error {
	i, passphrase, err := openIdentity(c.Identity, c.PassphraseFile)
	if err != nil {
		return err
	}
	r, request, err := ceremony.RenewOnion(c.Identity, c.Name, i, passphrase.Reveal(), testOnlyWorkFactor)
	if err != nil {
		return err
	}
	fmt.Printf("%s has a new onion key; %s has its public half; fingerprint %s\n", c.Identity, request, r.Fingerprint())
	next("Give "+request+" to the keeper of the root key, who takes it over: suluh roster change "+string(r.ID)+" --onion "+string(r.ID)+".request",
		"The onion service lets you in once a roster with it is in force.")
	return nil
}

var pluginText = regexp.MustCompile(`(?m)^(AGE-PLUGIN-[A-Z0-9-]+1[A-Z0-9]+)\s*$`)

// withPlugin reads an identity file as plugins write them: comments, of which
// one has the recipient, and the identity.
func (c *memberNewCmd) withPlugin() (*keyfile.Identity, error) {
	b, err := os.ReadFile(c.PluginIdentity)
	if err != nil {
		return nil, err
	}
	identities := pluginText.FindAllStringSubmatch(string(b), -1)
	if len(identities) != 1 {
		return nil, withHint(keyfile.ErrPlugin, "the file must hold exactly one identity of an age plugin")
	}
	recipient := c.Recipient
	if recipient == "" {
		for _, word := range strings.Fields(string(b)) {
			if strings.HasPrefix(word, "age1") {
				recipient = word
			}
		}
	}
	i, err := keyfile.NewWithPlugin(id.Member(c.ID), identities[0][1], recipient, pluginUI())
	if errors.Is(err, keyfile.ErrPlugin) {
		return nil, withHint(err, "name the plugin's recipient: --recipient age1NAME1…")
	}
	return i, err
}

// openIdentity opens an identity file with its passphrase, which it asks for or
// reads from a file, and returns both.
func openIdentity(path, passphraseFile string) (*keyfile.Identity, hidden.Value[string], error) {
	sealed, err := os.ReadFile(path)
	if err != nil {
		return nil, hidden.Value[string]{}, err
	}
	passphrase, err := askSecret("Passphrase of "+path, passphraseFile)
	if err != nil {
		return nil, passphrase, err
	}
	i, err := keyfile.OpenWith(sealed, passphrase.Reveal(), pluginUI())
	return i, passphrase, err
}

// pluginUI lets an age plugin ask at the terminal for a PIN or a touch.
func pluginUI() *plugin.ClientUI {
	say := func(format string, v ...any) { next(lang.Visible(fmt.Sprintf(format, v...))) }
	return plugin.NewTerminalUI(say, say)
}
