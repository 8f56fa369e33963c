package serve

import (
	"errors"
	"net"
	"net/http"
	"strings"
)

// Names are those by which browsers may reach a surface that isn't for everybody. A
// page of somebody else's, whose name was turned to this address (DNS rebinding),
// comes by another.
type Names map[string]bool

// NamesOf returns those of a surface that listens on an address, host:port: that
// host, this machine's own, and more.
func NamesOf(address string, more []string) (Names, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, errors.New("the address is not host:port")
	}
	n := Names{"localhost": true, "127.0.0.1": true, "::1": true}
	if ip := net.ParseIP(host); ip == nil || !ip.IsUnspecified() {
		n[strings.ToLower(host)] = true
	}
	for _, h := range more {
		n[strings.ToLower(h)] = true
	}
	return n, nil
}

// Has tells whether a request asks for one of them.
func (n Names) Has(r *http.Request) bool {
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return n[strings.ToLower(strings.Trim(host, "[]"))]
}
