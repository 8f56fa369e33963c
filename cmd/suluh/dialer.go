//go:build !client

package main

import (
	"context"

	"suluh.example/suluh/internal/dialer"
	"suluh.example/suluh/internal/sandbox"
)

// dialerCmd is the process that connects for a part that can't. Parts start it
// themselves.
type dialerCmd struct {
	Address string `arg:"" help:"The one socket that it connects to, or tcp:HOST:PORT."`
}

func (dialerCmd) Help() string {
	return "Started by intake, desk, forward and audit serve, which can't connect anywhere by themselves.\n\nExample:\n  suluh intake starts it"
}

func (c *dialerCmd) Run(ctx context.Context) error {
	return dialer.Serve(ctx, c.Address, func() error {
		_, err := sandbox.Confine(dialerRules(c.Address)) // the part says what is missing
		return err
	})
}
