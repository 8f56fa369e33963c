package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"suluh.example/suluh/internal/onion"
	"suluh.example/suluh/internal/submission"
	"suluh.example/suluh/internal/tornet"
)

// service is one more intake, an onion service in a Tor network of its own on
// loopback. What lives in its folder is not on the disk that fails.
type service struct {
	cmd     *exec.Cmd
	dir     string
	network *tornet.Network
	address string // URL
}

// publish starts it, and returns once clients find it.
func (s *soak) publish() (_ *service, err error) {
	network, err := tornet.Run()
	if err != nil {
		return nil, err
	}
	o := &service{dir: filepath.Join(s.dir, "onion"), network: network}
	o.cmd = exec.Command(s.bin, "intake", "--deposit-socket", s.w.DepositSocket(), "--root-key", s.w.RootKey(),
		"--onion", "--onion-dir", o.dir, "--tor-defaults-torrc", network.JoinTorrc)
	o.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM, Setpgid: true}
	out, err := o.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := o.cmd.Start(); err != nil {
		return nil, err
	}
	for said := bufio.NewScanner(out); said.Scan(); {
		if _, at, ok := strings.Cut(said.Text(), ": listening on "); ok && strings.Contains(at, ".onion") {
			o.address = strings.TrimSpace(at)
			return o, nil
		}
	}
	return nil, errors.Join(errors.New("the onion service does not start"), o.cmd.Wait())
}

func (o *service) stop() error {
	if err := o.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return o.cmd.Wait()
}

// killTor ends tor again and again, each time once it is back.
func (s *soak) killTor(ctx context.Context) error {
	for ctx.Err() == nil {
		before, err := onion.Ask(s.onion.dir)
		if err != nil {
			return fmt.Errorf("onion status: %w", err)
		}
		if before.State == onion.Published {
			keeper, err := childOf(s.onion.cmd.Process.Pid, "keep")
			if err != nil {
				return err
			}
			tor, err := childOf(keeper, "tor")
			if err != nil {
				return err
			}
			if err := syscall.Kill(tor, syscall.SIGKILL); err != nil {
				return err
			}
			s.counts.add(torGone, 1)
		}
		for ctx.Err() == nil {
			wait(ctx, time.Second)
			if now, err := onion.Ask(s.onion.dir); err == nil && now.Starts > before.Starts && now.State == onion.Published {
				break
			}
		}
		if err := s.onion.network.ForgetPaths(); err != nil {
			return err
		}
		wait(ctx, 5*time.Second) // for somebody to get through
	}
	return nil
}

// childOf is the process that another has started with a word among its arguments.
func childOf(pid int, word string) (int, error) {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		return 0, err
	}
	for _, t := range threads {
		b, err := os.ReadFile(t)
		if err != nil {
			continue // the thread has ended
		}
		for child := range strings.FieldsSeq(string(b)) {
			args, err := os.ReadFile("/proc/" + child + "/cmdline")
			if err == nil && slices.ContainsFunc(strings.Split(string(args), "\x00"), func(a string) bool { return filepath.Base(a) == word }) {
				return strconv.Atoi(child)
			}
		}
	}
	return 0, fmt.Errorf("the process %q, which should run, does not", word)
}

// comesBack sends a report through the onion service, which must be there again
// whatever was done to its tor.
func (s *soak) comesBack(ctx context.Context) error {
	ctx, stop := context.WithTimeout(ctx, 5*time.Minute)
	defer stop()
	var err error
	for ctx.Err() == nil {
		if err := s.onion.network.ForgetPaths(); err != nil {
			return err
		}
		if err = s.tryOnion(ctx); err == nil {
			s.counts.add(through, 1)
			return nil
		}
		wait(ctx, time.Second)
	}
	s.failed.add(fmt.Errorf("the onion service does not come back: %w", err))
	return nil
}

// tryOnion sends a report once, within a minute.
func (s *soak) tryOnion(ctx context.Context) error {
	ctx, stop := context.WithTimeout(ctx, time.Minute)
	defer stop()
	sender, err := s.sender(ctx, s.onion.address, s.onion.network.Socks)
	if err != nil {
		return err
	}
	return s.seal(ctx, sender, nil, &sent{seed: submission.NewSeed(), mark: "Soak lewat onion"}, nil)
}
