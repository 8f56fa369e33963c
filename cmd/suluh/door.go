//go:build !client

package main

import (
	"cmp"
	"context"
	"crypto/ecdh"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"suluh.example/suluh/internal/dialer"
	"suluh.example/suluh/internal/door"
	"suluh.example/suluh/internal/onion"
	"suluh.example/suluh/internal/sandbox"
	"suluh.example/suluh/vault/membersock"
)

// vaultFlags say where members reach the vault: by its socket, or by its onion
// service through a tor.
type vaultFlags struct {
	MemberSocket string `env:"SULUH_MEMBER_SOCKET" type:"path" placeholder:"PATH" help:"The vault's member.sock."`
	MemberOnion  string `env:"SULUH_MEMBER_ONION" placeholder:"ADDRESS.onion" help:"In its place, the vault's onion service for members: suluh vault --onion says its address. Your identity needs an onion key that the roster lists."`

	Tor              string `default:"tor" placeholder:"PROGRAM" help:"With --member-onion: the program tor, if it is not in PATH."`
	TorDir           string `type:"path" placeholder:"DIR" help:"Folder for what the tor that is started knows of the network; made if it is not there. Default: beside the identities. Keys are never in it."`
	TorControl       string `placeholder:"SOCKET|HOST:PORT" help:"Use a tor that runs already, by its control port, instead of starting one. Others who may use that can use your onion key meanwhile."`
	TorDefaultsTorrc string `type:"path" placeholder:"FILE" help:"Further settings for the tor that is started, handed to it as --defaults-torrc: bridges, pluggable transports, another network."`
}

// reached is the way to a vault.
type reached struct {
	client *membersock.Client
	socks  string                                           // of the tor that was started; "": none was
	enter  func(*ecdh.PrivateKey) (leave func(), err error) // nil: who has the socket is in

	up    chan struct{} // closed once tor has its network; nil: nobody waits for that
	ended chan error    // gets why the way has ended
	stop  func() error
}

// reach starts what it takes to reach the vault, before the part confines itself.
func (f *vaultFlags) reach(ctx context.Context, torDir string) (*reached, error) {
	r := &reached{ended: make(chan error, 2), stop: func() error { return nil }}
	if f.MemberOnion == "" {
		if f.MemberSocket == "" {
			return nil, withHint(errors.New("nothing says where the vault is"), "name its socket, --member-socket /var/lib/suluh/vault/member.sock, or its onion service, --member-onion ADDRESS.onion")
		}
		d, err := dialer.Start(context.WithoutCancel(ctx), f.MemberSocket) // requests under way need it after a stop
		if err != nil {
			return nil, err
		}
		go func() { r.ended <- alive(context.WithoutCancel(ctx), d) }()
		r.client, r.stop = membersock.NewClientOver(d.Dial), d.Close
		return r, nil
	}
	if f.MemberSocket != "" {
		return nil, withHint(errors.New("both the vault's socket and its onion service are named"), "name one of --member-socket and --member-onion; SULUH_MEMBER_SOCKET and SULUH_MEMBER_ONION count as well")
	}
	address, err := door.ParseAddress(f.MemberOnion)
	if err != nil {
		return nil, err
	}
	c := door.Config{Address: address, Control: f.TorControl}
	if f.TorControl == "" {
		tor, err := onion.StartClient(ctx, onion.Config{Dir: cmp.Or(f.TorDir, torDir), Tor: f.Tor, DefaultsTorrc: f.TorDefaultsTorrc})
		if err != nil {
			return nil, err
		}
		c.Control, c.Socks, c.Own = tor.Control, tor.Socks, true
		r.socks = tor.Socks
		r.up, r.stop = make(chan struct{}), tor.Stop
		first := sync.OnceFunc(func() { close(r.up) })
		go func() {
			r.ended <- tor.Watch(ctx, func(string) error { first(); return nil })
		}()
	}
	d, err := door.Start(ctx, c)
	if err != nil {
		return nil, errors.Join(err, r.stop())
	}
	go func() {
		<-d.Ended()
		r.ended <- errors.New("the process that leads to the members' onion service has ended")
	}()
	torStop := r.stop
	r.client, r.enter = membersock.NewClientBy(d.Way()), d.Enter
	r.stop = func() error { return errors.Join(d.Close(), torStop()) }
	return r, nil
}

// alive ends when the way does: without it the part is of no use.
func (r *reached) alive(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-r.ended:
		return err
	}
}

// ready waits until tor, if it was started here, has its network.
func (r *reached) ready(ctx context.Context) error {
	if r.up == nil {
		return nil
	}
	select {
	case <-r.up:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case err := <-r.ended:
		return err
	}
}

// doorCmd is the process that connects to the members' onion service. Parts
// start it themselves.
type doorCmd struct {
	Address string `required:"" help:"The one address that it connects to."`
	Control string `required:"" help:"The control port of tor."`
	Socks   string `help:"The SOCKS port of tor."`
	Own     bool   `help:"Nobody else uses this tor."`
}

func (doorCmd) Help() string {
	return "Started by desk and case with --member-onion.\n\nExample:\n  suluh desk --member-onion starts it"
}

func (c *doorCmd) Run(ctx context.Context) error {
	return door.Serve(ctx, door.Config{Address: c.Address, Control: c.Control, Socks: c.Socks, Own: c.Own}, func(n door.Needs) error {
		rules, err := doorRules(n)
		if err == nil {
			_, err = sandbox.Confine(rules) // the part says what is missing
		}
		return err
	})
}

// doorRules: tor's two ports, and the file by which it lets us in.
func doorRules(n door.Needs) (sandbox.Rules, error) {
	r := sandbox.Rules{Read: n.Read, Secrets: true}
	err := toTor(&r, n.Connect...)
	return r, err
}

// toTor adds tor's ports: sockets' paths and HOST:PORT.
func toTor(r *sandbox.Rules, ports ...string) error {
	for _, at := range ports {
		if strings.Contains(at, "/") {
			r.Sockets = append(r.Sockets, filepath.Dir(at)) // it may be made anew
			continue
		}
		_, port, err := net.SplitHostPort(at)
		if err != nil {
			return err
		}
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil {
			return err
		}
		r.Ports = append(r.Ports, uint16(n))
	}
	return nil
}

func doorHint(err error) string {
	switch {
	case errors.Is(err, door.ErrNoKey):
		return "make one: suluh member onion-key FILE --name NAME; it counts once a roster lists it"
	case errors.Is(err, door.ErrShut):
		return "the roster in force may not list your onion key: ask the keeper of the root key (suluh roster show); or your identity file is older than the roster's key"
	case errors.Is(err, door.ErrAddress):
		return "suluh onion status --dir VAULT/onion, on the vault's machine, says the address"
	case errors.Is(err, door.ErrAway):
		return "try again in a few minutes; if it still fails, compare the address and ask the vault's operator: suluh onion status"
	case errors.Is(err, door.ErrNetwork):
		return "wait a minute; where a network blocks tor, give it bridges: --tor-defaults-torrc"
	case errors.Is(err, door.ErrTor) && !errors.Is(err, os.ErrPermission):
		return "start it again; with --tor-control, name the control socket of a tor that runs and that this user may use"
	}
	return ""
}
