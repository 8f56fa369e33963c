//go:build !client

package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"suluh.example/suluh/vault"
)

type doctorCmd struct {
	Dir  string   `required:"" type:"path" help:"Directory of the vault."`
	Seen []string `type:"existingfile" sep:"none" placeholder:"CHECKPOINT" help:"A checkpoint of the log that somebody holds, of an auditor's export or a desk's .seen: tells whether the store is an older one. May be repeated."`
}

func (doctorCmd) Help() string {
	return "Says what is wrong with a vault's store and what to do. It only reads, so the vault may run.\nExit status 1 if something is wrong.\n\nExamples:\n  suluh doctor --dir /var/lib/suluh/vault\n  suluh doctor --dir /var/lib/suluh/vault --seen /media/log/checkpoint"
}

var errUnwell = errors.New("something is wrong with the store; see above")

func (c *doctorCmd) Run(ctx context.Context) error {
	var seen [][]byte
	for _, name := range c.Seen {
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		seen = append(seen, b)
	}
	findings, err := vault.Doctor(ctx, c.Dir, seen...)
	for _, f := range findings {
		fmt.Printf("! %s\n  %s\n", f.What, f.Do)
	}
	if err != nil {
		return err
	}
	if len(findings) > 0 {
		return errUnwell
	}
	fmt.Println("nothing wrong was found")
	return nil
}
