//go:build linux

package onion

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

// Needs are what the process that keeps tor up needs, and the tor that it starts.
type Needs struct {
	Write    []string // folders
	Read     []string // files and folders
	Programs []string // that may be started, and folders of them; none with the system's tor
	Connect  string   // the control port of the system's tor
}

// needs tells what it takes to keep the service up. The system's tor is asked for
// the file by which it lets us in.
func (c Config) needs() (n Needs, err error) {
	n.Write = []string{c.Dir}
	if c.Control != "" {
		n.Connect, n.Read = c.Control, []string{c.Service}
		if c.Members {
			n.Write = append(n.Write, c.Service)
		} else if _, err := os.Stat(c.Service); errors.Is(err, fs.ErrNotExist) {
			n.Read = append(n.Read, filepath.Dir(c.Service)) // where tor makes it
		}
		conn, err := dialControl(c.Control)
		if err != nil {
			return n, err
		}
		defer conn.Close()
		info, err := conn.ProtocolInfo()
		if err == nil && info.CookieFile != "" {
			n.Read = append(n.Read, filepath.Dir(info.CookieFile)) // it is made anew with tor
		}
		return n, err
	}
	starts, err := c.Starts()
	n.Read, n.Programs = starts.Read, starts.Programs
	return n, err
}

// Starts tells what it takes to start the program tor, and what that starts.
func (c Config) Starts() (n Needs, err error) {
	tor, err := exec.LookPath(c.Tor)
	if err != nil {
		return n, ErrNoTor
	}
	real, err := filepath.EvalSymlinks(tor)
	if err != nil { // a program that runs and was replaced since is still there, under this name
		real = tor
	}
	// Its libraries may lie beside it, as Tor Browser's do.
	n.Read = append(n.Read, filepath.Dir(tor), filepath.Dir(real))
	n.Programs = append(loaders(), tor, real)
	if c.DefaultsTorrc != "" { // which may name pluggable transports
		n.Read = append(n.Read, c.DefaultsTorrc, filepath.Dir(c.DefaultsTorrc))
		n.Programs = append(n.Programs, "/usr/bin", "/usr/local/bin", "/usr/lib", "/opt", filepath.Dir(c.DefaultsTorrc), filepath.Dir(real))
	}
	return n, nil
}

// loaders are what the system starts dynamic programs with.
func loaders() []string {
	var all []string
	for _, at := range []string{"/lib*/ld-*.so*", "/lib/*/ld-*.so*"} {
		found, _ := filepath.Glob(at) // the patterns are well-formed
		all = slices.Concat(all, found)
	}
	return all
}
