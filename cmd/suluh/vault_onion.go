//go:build !client

package main

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"suluh.example/suluh/internal/onion"
	"suluh.example/suluh/vault"
	"suluh.example/suluh/vault/controlsock"
)

// doorkeeper is a vault whose onion service lets in the members of the roster in
// force, whichever that is.
type doorkeeper struct {
	*vault.Vault
	dir     string         // of the service's keys
	service *onion.Service // nil: not started yet
	log     *slog.Logger

	mu   sync.Mutex
	todo onion.Change // what the service has still to be told
}

// InstallRoster makes a roster the one in force, and lets its members in.
func (d *doorkeeper) InstallRoster(ctx context.Context, signed []byte) error {
	if err := d.Vault.InstallRoster(ctx, signed); err != nil {
		return err
	}
	if err := d.admit(); err != nil {
		d.log.Error("the members' onion service can't be told of the roster; it is tried again in a minute", "error", err)
		return fmt.Errorf("%w: %w", controlsock.ErrDoor, err)
	}
	return nil
}

// admit makes the service's clients the members of the roster in force.
func (d *doorkeeper) admit() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	clients := map[string]string{}
	for m, key := range d.OnionKeys() {
		clients[string(m)] = key
	}
	change, err := onion.Authorize(d.dir, clients)
	d.todo = max(d.todo, change)
	if err == nil && d.service != nil {
		err = d.service.Reload(d.todo)
	}
	if err == nil {
		d.todo = onion.Same // a tor that is yet to start knows no other clients
	}
	return err
}

// Admit does what could not be done when a roster came into force.
func (d *doorkeeper) Admit(ctx context.Context) error {
	every := time.NewTicker(time.Minute)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-every.C:
			if err := d.admit(); err != nil {
				d.log.Error("the members' onion service can't be told of the roster; it is tried again in a minute", "error", err)
			}
		}
	}
}
