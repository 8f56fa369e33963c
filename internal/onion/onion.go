//go:build linux

// Package onion publishes a part as a v3 onion service. The part itself only
// listens on a Unix socket; tor, which a process of its own keeps up, connects
// to that. So a part that is confined can neither reach the network nor start
// anything, and no TCP port is open.
//
// Tor is either one that the keeper starts, or the system's, which is told of
// the service over its control socket. The keeper must never see what goes
// through the service, and nothing here may log a circuit or an address other
// than the service's own.
//
// The onion directory, for the owner alone, has:
//
//	service/             tor's HiddenServiceDir: keys, hostname, authorized_clients
//	tor/                 tor's data: what it knows of the network, its guards
//	torrc                what it is started with; written anew each time
//	web.sock             where the part listens and tor connects
//	control.sock         where tor can be asked; for the owner of the directory
//	lock                 held by the keeper that runs
//	status.json          what the keeper saw of tor; see Status
//
// KeyFiles names those that have to be kept: whoever has them is the service.
// The rest is made anew.
package onion

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"suluh.example/suluh/internal/child"
	"suluh.example/suluh/internal/serve"
)

// Config says which service to publish, and through which tor.
type Config struct {
	Dir string // the onion directory

	Tor           string // program to start: a path, or a name to look for in PATH; default tor
	DefaultsTorrc string // handed to it as --defaults-torrc: bridges, another network

	// Control is the control port of a tor that runs already, instead of Tor: the
	// path of a socket, or HOST:PORT. It lets in whoever can read its cookie.
	Control string
	// Service is then tor's HiddenServiceDir, in a place where its user may write.
	// It must be readable for our user's group. With Members it is a folder of ours,
	// which has the same files.
	Service string

	Client   bool // nothing is published; see StartClient
	Members  bool // only clients whose keys are in authorized_clients get in; see Authorize
	Circuits bool // connections begin with a header that names the circuit

	// How many clients a second, and at once, are let through: by the service, in
	// the order of the work that they did, and by each introduction point.
	PoWRate, PoWBurst, IntroRate, IntroBurst int
}

var (
	// ErrNoTor says that there is no tor to start.
	ErrNoTor = errors.New("the program tor is not there")
	// ErrControl says that the tor that runs already can't be used.
	ErrControl = errors.New("tor does not let us in at its control port")
	// ErrSetting says that tor ended as it was started.
	ErrSetting = errors.New("tor does not start")
	// ErrBusy says that the directory is another process's.
	ErrBusy = errors.New("another process of suluh uses the folder of this tor")
	// ErrLong says that the directory's path is too long for a Unix socket.
	ErrLong = errors.New("the path of the onion directory is too long")
	// ErrSpace says that the directory's path can't be told over the control port.
	ErrSpace = errors.New("the path of the onion directory has a space, a quote or a comma in it")
)

func webSocket(dir string) string     { return filepath.Join(dir, "web.sock") }
func controlSocket(dir string) string { return filepath.Join(dir, "control.sock") }

// ServiceDir is tor's HiddenServiceDir in an onion directory.
func ServiceDir(dir string) string { return filepath.Join(dir, "service") }

func (c Config) service() string {
	if c.Control != "" {
		return c.Service
	}
	return ServiceDir(c.Dir)
}

// KeyFiles names, relative to an onion directory, the files that make the
// service what it is. A backup has to seal them: whoever reads them can be the
// service. With a tor of the system's they are in its HiddenServiceDir instead.
func KeyFiles() []string {
	return []string{"service/hostname", "service/hs_ed25519_public_key", "service/hs_ed25519_secret_key"}
}

// Address returns the service's address, once tor has made its keys.
func Address(service string) (string, error) {
	b, err := os.ReadFile(filepath.Join(service, "hostname"))
	if err != nil {
		return "", fmt.Errorf("read the service's address: %w", err)
	}
	address := strings.TrimSpace(string(b))
	if name, ok := strings.CutSuffix(address, ".onion"); !ok || len(name) != 56 {
		return "", errors.New("the service's hostname is damaged")
	}
	return address, nil
}

// prepare checks everything that can be checked, and makes the directory.
func (c *Config) prepare() error {
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return err
	}
	c.Dir = dir
	if len(controlSocket(dir)) > 104 {
		return ErrLong
	}
	if c.Members && c.Control != "" && strings.ContainsAny(dir, " \t\r\n\"',") {
		return ErrSpace
	}
	if c.Control == "" {
		if c.Tor == "" {
			c.Tor = "tor"
		}
		path, err := exec.LookPath(c.Tor)
		if err != nil {
			return ErrNoTor
		}
		if c.Tor, err = filepath.Abs(path); err != nil {
			return err
		}
	}
	if c.DefaultsTorrc != "" {
		f, err := os.Open(c.DefaultsTorrc)
		if err != nil {
			return err
		}
		f.Close()
	}
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return err
	}
	if !c.Members {
		return nil
	}
	// tor lets everybody in if there is no client at all.
	if _, err := os.Stat(filepath.Join(c.service(), "authorized_clients", nobody)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	_, err = Authorize(c.service(), nil)
	return err
}

// lock takes the directory: a second tor would take the first one's sockets away.
func (c Config) lock() (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(c.Dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(ErrBusy, f.Close())
	}
	return f, nil
}

// Service is a part's view of its service.
type Service struct {
	Listener net.Listener // where tor connects

	keeper *child.Child
	says   *os.File // what the keeper tells, see said
	told   *os.File // what it is told: a Change each time that it is to read the clients' keys anew
}

// Start listens for tor and starts the process that keeps tor up. It is called
// before the part confines itself.
func Start(ctx context.Context, c Config) (*Service, error) {
	if err := c.prepare(); err != nil {
		return nil, err
	}
	mode := fs.FileMode(0o600)
	if c.Control != "" {
		mode = 0o660 // tor has another user; the directory's group decides
	}
	l, err := serve.ListenUnix(webSocket(c.Dir), mode)
	if err != nil {
		return nil, err
	}
	s, err := c.keep(ctx)
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	s.Listener = l
	return s, nil
}

// keep starts the process that keeps tor up.
func (c Config) keep(ctx context.Context) (*Service, error) {
	config, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	says, writes, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer writes.Close()
	reads, told, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, says.Close())
	}
	defer reads.Close()
	lock, err := c.lock()
	if err != nil {
		return nil, errors.Join(err, says.Close(), told.Close())
	}
	defer lock.Close() // the keeper's is what counts: it may end after us
	keeper, err := child.Start(ctx, child.Config{Args: []string{"onion", "keep", string(config)}, Files: []*os.File{writes, reads, lock}})
	if err != nil {
		return nil, errors.Join(err, says.Close(), told.Close())
	}
	return &Service{keeper: keeper, says: says, told: told}, nil
}

// Reload has tor take over a change that Authorize has made. Where somebody was
// taken out, connections of all clients end, and the service is elsewhere: who
// knew its introduction points could go on using them for a day otherwise.
func (s *Service) Reload(change Change) error {
	if change == Same {
		return nil
	}
	if _, err := s.told.Write([]byte{byte(change)}); err != nil {
		return errors.New("the process that keeps tor up has ended")
	}
	return nil
}

// said is what the keeper tells its part, a line of JSON each.
type said struct {
	Address string `json:"address,omitempty"` // the service is published
	Error   string `json:"error,omitempty"`   // the keeper ends
	Hint    string `json:"hint,omitempty"`
}

// KeeperError is what the keeper of tor said before it ended.
type KeeperError struct{ Text, Next string }

func (e *KeeperError) Error() string { return e.Text }

// Watch calls published with the service's address each time that it has been
// published, until the context ends. If the keeper ends, so does the service,
// with an error.
func (s *Service) Watch(ctx context.Context, published func(address string) error) error {
	done := make(chan struct{})
	defer close(done)
	go func() {
		select {
		case <-ctx.Done():
		case <-done:
		}
		_ = s.says.Close()
	}()
	lines := json.NewDecoder(s.says)
	for {
		var x said
		err := lines.Decode(&x)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return errors.New("the process that keeps tor up has ended")
		case x.Error != "":
			return &KeeperError{x.Error, x.Hint}
		}
		if err := published(x.Address); err != nil {
			return err
		}
	}
}

// PID is the keeper's process id.
func (s *Service) PID() int { return s.keeper.PID() }

// Stop ends the keeper, and the tor that it started.
func (s *Service) Stop() error {
	err := s.keeper.Stop()
	return errors.Join(err, s.told.Close())
}

// quote writes a path as torrc files have it.
func quote(path string) string {
	return `"` + string(bytes.ReplaceAll(bytes.ReplaceAll([]byte(path), []byte(`\`), []byte(`\\`)), []byte(`"`), []byte(`\"`))) + `"`
}
