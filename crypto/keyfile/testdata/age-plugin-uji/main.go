// Age-plugin-uji is an age plugin for the tests: it keeps a hybrid key in the
// file that AGE_PLUGIN_UJI_KEY names, as a hardware token keeps it inside,
// and opens with the PIN 1234. With --generate it makes the key and prints the
// recipient and the identity that points to it. It must never be installed.
package main

import (
	"errors"
	"fmt"
	"log"
	"os"
	"strings"

	"filippo.io/age"
	"filippo.io/age/plugin"
)

const name = "uji"

func main() {
	p, err := plugin.New(name)
	if err != nil {
		log.Fatal(err)
	}
	file := os.Getenv("AGE_PLUGIN_UJI_KEY")
	if len(os.Args) == 2 && os.Args[1] == "--generate" {
		if err := generate(file); err != nil {
			log.Fatal(err)
		}
		return
	}
	key := func() (*age.HybridIdentity, error) {
		b, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		return age.ParseHybridIdentity(strings.TrimSpace(string(b)))
	}
	p.HandleRecipient(func([]byte) (age.Recipient, error) {
		k, err := key()
		if err != nil {
			return nil, err
		}
		return k.Recipient(), nil
	})
	p.HandleIdentity(func([]byte) (age.Identity, error) {
		k, err := key()
		if err != nil {
			return nil, err
		}
		return withPIN{p, k}, nil
	})
	os.Exit(p.Main())
}

func generate(file string) error {
	k, err := age.GenerateHybridIdentity()
	if err != nil {
		return err
	}
	if err := os.WriteFile(file, []byte(k.String()+"\n"), 0o600); err != nil {
		return err
	}
	fmt.Println(plugin.EncodeRecipient(name, []byte("uji")))
	fmt.Println(plugin.EncodeIdentity(name, []byte("uji")))
	return nil
}

type withPIN struct {
	p *plugin.Plugin
	k *age.HybridIdentity
}

func (i withPIN) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	pin, err := i.p.RequestValue("PIN", true)
	if err != nil {
		return nil, err
	}
	if pin != "1234" {
		return nil, errors.New("wrong PIN")
	}
	return i.k.Unwrap(stanzas)
}
