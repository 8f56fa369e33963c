//go:build !client

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"

	"suluh.example/suluh/internal/dialer"
	"suluh.example/suluh/internal/sandbox"
)

// hardening is the flags that all parts which serve have.
type hardening struct {
	RequireSandbox bool `help:"Don't run where the kernel lacks a part of the sandbox. Otherwise what is missing is said once."`
}

// confine confines the part, which has opened what it needs.
func (h hardening) confine(log *slog.Logger, r sandbox.Rules) error {
	report, err := sandbox.Confine(r)
	if err != nil {
		return fmt.Errorf("confine this part: %w", err)
	}
	if len(report.Missing) > 0 {
		missing := strings.Join(report.Missing, "; ")
		if h.RequireSandbox {
			return withHint(fmt.Errorf("%w, and --require-sandbox is set: it doesn't restrict %s", sandbox.ErrMissing, missing),
				"run it on a newer kernel, with Landlock and seccomp switched on; docs/operations.md says which")
		}
		log.Warn("this kernel lacks a part of the sandbox; the part runs without", "not_restricted", missing)
	}
	if report.Unlocked != "" {
		log.Warn(report.Unlocked)
	}
	return nil
}

// What each part may still do once it serves. docs/operations.md has the same
// for people, and suluh doctor --sandbox tries it.

// vaultRules: its own directory and that of its onion service, wherever the folders in it lead, and what
// SQLite gets random numbers from.
func vaultRules(dir, onion string) (sandbox.Rules, error) {
	r := sandbox.Rules{Write: []string{dir}, Read: []string{"/dev/urandom"}}
	if onion != "" { // the members whom tor lets in
		r.Write = append(r.Write, onion)
	}
	for _, name := range []string{"blobs", "uploads"} { // they may lie on another disk
		real, err := filepath.EvalSymlinks(filepath.Join(dir, name))
		if err != nil {
			return r, fmt.Errorf("find the vault's folders: %w", err)
		}
		r.Write = append(r.Write, real)
	}
	return r, nil
}

// intakeRules: nothing but a certificate that is read anew. What is deposited goes
// through the dialer's connections.
func intakeRules(t tlsFlags) sandbox.Rules { return sandbox.Rules{Secrets: true, Read: t.folders()} }

// dialerRules: the folder of the one socket, which may be made anew.
func dialerRules(socket string) sandbox.Rules {
	return sandbox.Rules{Sockets: []string{filepath.Dir(socket)}}
}

// alive ends when the part's dialer does: without it the part is of no use, and
// whoever started it starts it anew.
func alive(ctx context.Context, d *dialer.Dialer) error {
	select {
	case <-ctx.Done():
		return nil
	case <-d.Ended():
		return errors.New("the process that connects to the vault has ended")
	}
}
