package main

import (
	"context"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"

	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/check"
	"suluh.example/suluh/internal/member"
	"suluh.example/suluh/internal/serve"
	"suluh.example/suluh/internal/submission"
	"suluh.example/suluh/internal/world"
	"suluh.example/suluh/vault"
	"suluh.example/suluh/vault/depositsock"
	"suluh.example/suluh/vault/membersock"
)

// jumping is a clock that is set now and then. A process can't be given one
// without changing the machine's, so the vault runs in this process for it.
type jumping struct {
	mu  sync.Mutex
	off time.Duration
}

func (j *jumping) now() time.Time {
	j.mu.Lock()
	defer j.mu.Unlock()
	return time.Now().Add(j.off)
}

func (j *jumping) set(off time.Duration) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.off = off
}

// jump sends reports and lists cases while the vault's clock jumps, ends a day
// now and then, starts anew now and then, and looks for everything at the end.
func (s *soak) jump(ctx context.Context) (err error) {
	other := &soak{config: s.config}
	if other.w, err = world.Start(ctx, world.Config{Bin: s.bin, Dir: filepath.Join(s.dir, "clock"), Bare: true}); err != nil {
		return err
	}
	if err := other.w.Stop(); err != nil {
		return err
	}
	rootKey, err := os.ReadFile(other.w.RootKey())
	if err != nil {
		return err
	}
	if other.root, err = note.NewVerifier(strings.TrimSpace(string(rootKey))); err != nil {
		return err
	}
	if other.key, err = note.NewVerifier(other.w.LogKey); err != nil {
		return err
	}
	clock := &jumping{}
	r := &here{s: other, clock: clock}
	if err := r.start(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.stop()) }()
	log := check.New(r.vault.LogFile, other.key)
	furthest := time.Duration(0)
	for n := range s.jumps {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		off := time.Duration(mathrand.Int64N(int64(6*24*time.Hour))) - 3*24*time.Hour
		clock.set(off)
		furthest = max(furthest, off)
		s.counts.add(clockJump, 1)
		x := &sent{seed: submission.NewSeed(), mark: fmt.Sprintf("Lompat %d", n)}
		other.ledger.add(x)
		if err := other.seal(ctx, r.sender, nil, x, nil); err != nil {
			s.failed.add(fmt.Errorf("a report while the clock jumps: %w", err))
			continue
		}
		other.ledger.receive(x)
		// A statement is refused while the vault's clock is behind its log.
		if _, err := r.member.List(ctx); err != nil && !errors.Is(err, membersock.ErrStale) {
			s.failed.add(fmt.Errorf("a list while the clock jumps: %w", err))
		}
		switch mathrand.IntN(8) {
		case 0:
			if _, err := r.vault.Batch(ctx); err != nil {
				return err
			}
		case 1:
			if err := errors.Join(r.stop(), r.start(ctx)); err != nil {
				return err
			}
			log = check.New(r.vault.LogFile, other.key)
		}
		if _, err := log.Extend(ctx); err != nil {
			s.failed.add(fmt.Errorf("the log while the clock jumps: %w", err))
			return nil
		}
	}
	clock.set(furthest) // the log's own time
	items, err := r.member.List(ctx)
	if err != nil {
		return err
	}
	if n := other.ledger.received(); len(items) != n {
		s.failed.add(fmt.Errorf("%d cases are there of %d that were received while the clock jumped", len(items), n))
	}
	for _, x := range other.ledger.all {
		code, err := x.code()
		if err != nil {
			return err
		}
		if _, err := r.sender.Look(ctx, code); x.received && err != nil {
			s.failed.add(fmt.Errorf("a report that was received while the clock jumped: %w", err))
		}
	}
	s.say("%d reports were received while the clock jumped", other.ledger.received())
	return nil
}

// here is a vault in this process.
type here struct {
	s      *soak
	clock  *jumping
	vault  *vault.Vault
	sender *submission.Sender
	member *member.Session
	stop   func() error
}

func (r *here) start(ctx context.Context) error {
	v, err := vault.Open(ctx, vault.Config{Dir: r.s.vaultDir(), Now: r.clock.now})
	if err != nil {
		return err
	}
	r.vault = v
	if err := v.CatchUp(ctx); err != nil {
		return errors.Join(err, v.Close())
	}
	served, end := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan error, 2)
	deposits, err1 := serve.ListenUnix(r.s.w.DepositSocket(), 0o600)
	members, err2 := serve.ListenUnix(r.s.w.MemberSocket(), 0o600)
	if err := errors.Join(err1, err2); err != nil {
		end()
		return errors.Join(err, v.Close())
	}
	go func() { done <- serve.Run(served, serve.Config{Listener: deposits, Handler: depositsock.Handler(v)}) }()
	go func() { done <- serve.Run(served, serve.Config{Listener: members, Handler: membersock.Handler(v)}) }()
	r.stop = func() error {
		end()
		return errors.Join(<-done, <-done, v.Close())
	}
	signed := v.SignedRoster()
	list, err := roster.Parse(signed, r.s.root)
	if err != nil {
		return err
	}
	if r.sender, err = submission.NewSender(depositsock.NewClient(r.s.w.DepositSocket()), list, roster.Digest(signed)); err != nil {
		return err
	}
	r.member, err = r.s.session(ctx, r.s.w.MemberSocket(), r.clock.now)
	return err
}
