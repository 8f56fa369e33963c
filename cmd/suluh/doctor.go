//go:build !client

package main

import (
	"context"
	"errors"
	"fmt"

	"suluh.example/suluh/vault"
)

type doctorCmd struct {
	Dir string `required:"" type:"path" help:"Directory of the vault."`
}

func (doctorCmd) Help() string {
	return "Says what is wrong with a vault's store and what to do. It only reads, so the vault may run.\nExit status 1 if something is wrong.\n\nExample:\n  suluh doctor --dir /var/lib/suluh/vault"
}

var errUnwell = errors.New("something is wrong with the store; see above")

func (c *doctorCmd) Run(ctx context.Context) error {
	findings, err := vault.Doctor(ctx, c.Dir)
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
