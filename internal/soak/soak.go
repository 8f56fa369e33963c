package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/sync/errgroup"

	"suluh.example/suluh/internal/check"
	"suluh.example/suluh/internal/world"
)

// config says what a run does.
type config struct {
	bin     string         // the suluh program
	dir     string         // empty or absent; the caller removes it
	length  time.Duration  // of the part with faults
	unknown int            // codes
	jumps   int            // of the clock
	only    *regexp.Regexp // faults of the vault and its disk; nil: all
	log     io.Writer      // what the run says while it goes
}

// soak is a run.
type soak struct {
	config
	began  time.Time
	w      *world.World
	disk   *disk // nil without the right to mount one
	onion  *service
	root   note.Verifier
	key    note.Verifier       // of the log
	keeps  *age.HybridIdentity // of who keeps backups
	ledger ledger
	counts counts
	ended  time.Duration // how long it took
	state  [2]usage      // of the parts before and after the hostile but bloodless end
	failed losses
	others sync.Mutex // held by who stops or starts another part than the vault
}

// losses keeps what must never happen: each is a loss or a lie.
type losses struct {
	mu  sync.Mutex
	all []error
}

func (e *losses) add(err error) {
	if err == nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = append(e.all, err)
}

func (e *losses) err() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return errors.Join(e.all...)
}

// counts are what was done, by its name.
type counts struct {
	mu sync.Mutex
	n  map[string]int
}

func (c *counts) add(what string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == nil {
		c.n = map[string]int{}
	}
	c.n[what] += n
}

func (c *counts) of(what string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n[what]
}

func (s *soak) say(format string, args ...any) {
	fmt.Fprintf(s.log, "soak: %5.0fs  %s\n", time.Since(s.began).Seconds(), fmt.Sprintf(format, args...))
}

// run does all of it. The error is what was lost, or why nothing could be told.
func run(ctx context.Context, c config) (s *soak, err error) {
	s = &soak{config: c, began: time.Now()}
	at := filepath.Join(c.dir, "world")
	if err := os.MkdirAll(at, 0o700); err != nil {
		return nil, err
	}
	if s.disk, err = mountDisk(at); err != nil {
		s.say("no disk of its own, so none is filled: %v", err)
	} else {
		defer func() { err = errors.Join(err, s.disk.unmount()) }()
	}
	// What the parts say is shown where it tells why the run failed.
	said, err := os.Create(filepath.Join(c.dir, "said"))
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			fmt.Fprintf(c.log, "soak: what the parts said last:\n%s", lastOf(said, 4<<10))
		}
		err = errors.Join(err, said.Close())
	}()
	// Below 320 MiB of free disk there is no room for files: see vault/quota.go.
	s.w, err = world.Start(ctx, world.Config{
		Bin: c.bin, Dir: filepath.Join(at, "suluh"), Bare: true, Log: said, Args: map[world.Part][]string{world.Vault: {"--max-bytes", "64MiB"}},
	})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.w.Stop()) }()
	if s.key, err = note.NewVerifier(s.w.LogKey); err != nil {
		return nil, err
	}
	if s.keeps, err = age.GenerateHybridIdentity(); err != nil {
		return nil, err
	}
	rootKey, err := os.ReadFile(s.w.RootKey())
	if err != nil {
		return nil, err
	}
	if s.root, err = note.NewVerifier(strings.TrimSpace(string(rootKey))); err != nil {
		return nil, err
	}
	quiet, stop := context.WithCancel(ctx)
	defer stop()
	go func() { // its starts that must fail are told to s.inject
		for {
			select {
			case <-s.w.Died():
			case <-quiet.Done():
				return
			}
		}
	}()

	s.say("an onion service is published in a Tor network on loopback")
	if s.onion, err = s.publish(); err != nil {
		return nil, fmt.Errorf("onion service: %w", err)
	}
	defer func() { err = errors.Join(err, s.onion.stop()) }()

	s.say("load, with faults for %s", c.length)
	if err := s.load(ctx, s.length, s.inject); err != nil {
		return s, err
	}
	s.say("%d reports received so far; all parts start anew, and the rest of the run kills none", s.ledger.received())
	if err := s.calm(ctx); err != nil {
		return s, err
	}
	if err := s.comesBack(ctx); err != nil {
		return s, err
	}
	s.say("everything that was received is looked for")
	if err := s.settle(ctx); err != nil {
		return s, err
	}
	if err := s.rehearse(ctx); err != nil {
		return s, err
	}
	s.say("the clock jumps")
	if err := s.jump(ctx); err != nil {
		return s, fmt.Errorf("clock: %w", err)
	}
	s.ended = time.Since(s.began)
	return s, s.failed.err()
}

// load lets reporters, members and auditors work for a while, beside what
// somebody does to the instance meanwhile.
func (s *soak) load(ctx context.Context, length time.Duration, beside func(context.Context) error) error {
	work, stop := context.WithTimeout(ctx, length)
	defer stop()
	g, work := errgroup.WithContext(work)
	for n := range 3 {
		g.Go(func() error { return s.reporter(work, n) })
	}
	g.Go(func() error { return s.reporter(work, byOnion) })
	g.Go(func() error { return s.member(work) })
	g.Go(func() error { return s.auditor(work) })
	g.Go(func() error { return s.guesser(work) })
	g.Go(func() error { return s.keeper(work) })
	g.Go(func() error { return beside(work) })
	return errors.Join(g.Wait(), ctx.Err())
}

// auditor verifies the log again and again. Nothing that it has seen may change.
func (s *soak) auditor(ctx context.Context) error {
	log := check.New(check.Socket(filepath.Join(s.w.Dir, "vault", "log.sock")), s.key)
	for ctx.Err() == nil {
		_, err := log.Extend(ctx)
		var f *check.Finding
		if errors.As(err, &f) && f.Fault != check.FaultMissing {
			s.failed.add(fmt.Errorf("the log: %w", err))
			return nil
		}
		if err == nil {
			s.counts.add(verified, 1)
		}
		wait(ctx, time.Second)
	}
	return nil
}

func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// settle looks for everything, once nothing disturbs any more.
func (s *soak) settle(ctx context.Context) error {
	r, err := check.Verify(ctx, check.Socket(filepath.Join(s.w.Dir, "vault", "log.sock")), s.key)
	if err != nil {
		s.failed.add(fmt.Errorf("the log at the end: %w", err))
	} else {
		s.counts.add(records, int(r.Records))
	}
	m, err := s.session(ctx, s.w.MemberSocket(), nil)
	if err != nil {
		return err
	}
	defer m.Close()
	return s.ledger.find(ctx, m, s)
}

// lastOf returns the last bytes of a file.
func lastOf(f *os.File, n int64) []byte {
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return nil
	}
	b := make([]byte, min(n, size))
	k, _ := f.ReadAt(b, size-int64(len(b))) // what can be read says something
	return b[:k]
}
