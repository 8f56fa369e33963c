//go:build !client

package main

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"path/filepath"

	"suluh.example/suluh/internal/outward"
	"suluh.example/suluh/internal/sandbox"
)

// outsideFlags say how key witnesses are reached, and the log's witnesses, whom
// they want to hear of a record.
type outsideFlags struct {
	OutsideSocks string `env:"SULUH_OUTSIDE_SOCKS" placeholder:"HOST:PORT" help:"SOCKS5 proxy by which key witnesses are reached, such as Tor's: 127.0.0.1:9050. It looks names up. Default: the tor that --member-onion starts, or none."`
}

// outside starts the process that connects to them.
func (f *outsideFlags) outside(ctx context.Context, rootKey string, vault *reached) (*outward.Way, error) {
	return outward.Start(context.WithoutCancel(ctx), keyText(rootKey), cmp.Or(f.OutsideSocks, vault.socks))
}

// aliveOutside ends when the process that connects does.
func aliveOutside(ctx context.Context, w *outward.Way) error {
	select {
	case <-ctx.Done():
		return nil
	case <-w.Ended():
		return errors.New("the process that connects to key witnesses has ended")
	}
}

// outwardCmd is the process that connects to those outside whom a signed roster
// names. Parts start it themselves.
type outwardCmd struct {
	RootKey string `arg:"" help:"Verifier key that rosters are signed with."`
	Socks   string `help:"SOCKS5 proxy."`
}

func (outwardCmd) Help() string {
	return "Started by desk and case.\n\nExample:\n  suluh desk starts it"
}

func (c *outwardCmd) Run(ctx context.Context) error {
	root, err := verifierKey(c.RootKey)
	if err != nil {
		return err
	}
	return outward.Serve(ctx, root, c.Socks, func(addresses []string) error {
		_, err := sandbox.Confine(outwardRules(addresses, c.Socks)) // the part says what is missing
		return err
	})
}

// outwardRules: the ports of whom the first roster names, and the proxy's.
func outwardRules(addresses []string, socks string) (r sandbox.Rules) {
	for _, at := range addresses {
		toPort(&r, &url.URL{Host: at})
	}
	switch {
	case socks == "":
	case outward.Network(socks) == "unix":
		r.Sockets = []string{filepath.Dir(socks)} // it may be made anew
	default:
		toPort(&r, &url.URL{Host: socks})
	}
	return r
}

// trusted is where the certificates lie by which servers are believed.
func trusted() []string {
	var r sandbox.Rules
	toPort(&r, &url.URL{})
	return r.Read
}
