//go:build linux

package onion

import (
	"context"
	"path/filepath"
)

// Client is a tor that publishes nothing and reaches onion services.
type Client struct {
	*Service
	Socks   string // path of its SOCKS port, which tells why a service can't be reached
	Control string // path of its control port
}

// StartClient starts the process that keeps a tor up for a part which reaches
// onion services: Watch tells when that has its network, with no address. Of c
// it needs the directory, the program and the further settings.
func StartClient(ctx context.Context, c Config) (*Client, error) {
	c.Client = true
	if err := c.prepare(); err != nil {
		return nil, err
	}
	s, err := c.keep(ctx)
	if err != nil {
		return nil, err
	}
	return &Client{Service: s, Socks: socksSocket(c.Dir), Control: controlSocket(c.Dir)}, nil
}

func socksSocket(dir string) string { return filepath.Join(dir, "socks.sock") }
