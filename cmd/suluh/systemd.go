//go:build !client

package main

import (
	"errors"
	"fmt"
	"net"

	"github.com/coreos/go-systemd/v22/activation"
	"github.com/coreos/go-systemd/v22/daemon"
)

// sockets are those that systemd has opened for the part, by the name that their
// unit gives them. So a part may have no network of its own, and the group of each
// socket be another.
type sockets map[string][]net.Listener

// inherited takes them over, before the part starts any process of its own.
func inherited() (sockets, error) {
	s, err := activation.ListenersWithNames()
	if err != nil {
		return nil, fmt.Errorf("take over sockets: %w", err)
	}
	for name, l := range s {
		if len(l) != 1 {
			return nil, fmt.Errorf("there are %d sockets of the name %s", len(l), name)
		}
	}
	return s, nil
}

// or returns the socket of the name, or what open opens.
func (s sockets) or(name string, open func() (net.Listener, error)) (net.Listener, error) {
	if l := s[name]; len(l) == 1 {
		return l[0], nil
	}
	return open()
}

// tellReady tells systemd, if it has started the part, that all it listens on is open.
// It goes before the part confines itself, after which it can't connect.
func tellReady() error {
	if _, err := daemon.SdNotify(true, daemon.SdNotifyReady); err != nil {
		return errors.Join(errors.New("tell systemd that the part is ready"), err)
	}
	return nil
}
