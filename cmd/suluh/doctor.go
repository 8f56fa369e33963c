//go:build !client

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"suluh.example/suluh/vault"
)

type doctorCmd struct {
	Dir  string   `type:"path" help:"Directory of the vault. Needed but for --sandbox."`
	Seen []string `type:"existingfile" sep:"none" placeholder:"CHECKPOINT" help:"A checkpoint of the log that somebody holds, of an auditor's export or a desk's .seen: tells whether the store is an older one. May be repeated."`

	Sandbox bool `help:"Look at the sandbox instead: try as each part to break out of it, on decoys."`
	JSON    bool `name:"json" help:"With --sandbox: print JSON."`
}

// Validate is called by kong.
func (c *doctorCmd) Validate() error {
	if c.Dir == "" && !c.Sandbox {
		return errors.New("--dir is needed, or --sandbox")
	}
	return nil
}

func (doctorCmd) Help() string {
	return "Says what is wrong with a vault's store and what to do. It only reads, so the vault may run.\nWith --sandbox it says what each part could still do on this machine if somebody took it over: processes that are confined like the parts try it, on decoys.\nExit status 1 if something is wrong.\n\nExamples:\n  suluh doctor --dir /var/lib/suluh/vault\n  suluh doctor --dir /var/lib/suluh/vault --seen /media/log/checkpoint\n  suluh doctor --sandbox"
}

var errUnwell = errors.New("something is wrong with the store; see above")

func (c *doctorCmd) Run(ctx context.Context) error {
	if c.Sandbox {
		return c.sandbox(ctx)
	}
	if err := confineCommand(c.storeRules()); err != nil {
		return err
	}
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

func (c *doctorCmd) sandbox(ctx context.Context) error {
	all, err := trySandbox(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		err = printJSON(all)
	} else {
		err = printSandbox(all)
	}
	if err != nil {
		return err
	}
	if slices.ContainsFunc(all, func(f finding) bool { return f.word() == "OPEN" }) {
		return withHint(errOpen, "the part says when it starts what the kernel lacks; docs/operations.md names the kernels that have all of it")
	}
	return nil
}
