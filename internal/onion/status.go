//go:build linux

package onion

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/cretz/bine/control"
)

// settle is how long no descriptor is uploaded before the service counts as
// published: tor uploads two, for this and the next period of time.
const settle = 2 * time.Second

// kept is what the keeper saw, in status.json.
type kept struct {
	Reachable  bool      `json:"reachable"` // the service is published
	Starts     int       `json:"starts"`    // of tor, since the part was started
	Published  int       `json:"published"` // how often the service was
	Uploading  []string  `json:"-"`         // directories that have yet to answer
	Uploaded   int       `json:"uploaded"`
	Failed     int       `json:"failed"`
	LastUpload time.Time `json:"last_upload,omitzero"` // to the minute
	Control    string    `json:"control,omitempty"`    // of the system's tor
	Service    string    `json:"service"`
	Effort     *int      `json:"effort,omitempty"` // what clients were last asked for

	fresh bool // something was uploaded since the service was last told to be published
}

// settling tells whether all that was uploaded has been answered, and that not
// been told.
func (s kept) settling() bool { return s.fresh && len(s.Uploading) == 0 }

// Status is what there is to say about a service.
type Status struct {
	Address  string `json:"address,omitempty"`
	State    State  `json:"state"`
	Progress int    `json:"progress"`      // of tor's start, in percent
	Step     string `json:"step"`          // of tor's start, in tor's words
	Tor      string `json:"tor,omitempty"` // version
	Starts   int    `json:"starts"`        // of tor, since the part was started

	Descriptors Descriptors `json:"descriptors"`
	Clients     int         `json:"authorized_clients"` // 0: the service is open to everybody
	PoW         PoW         `json:"proof_of_work"`
}

// State is a service's state in a word.
type State string

// The states of a service.
const (
	Down      State = "down"      // there is no tor
	Starting  State = "starting"  // tor isn't ready, or the service not published
	Published State = "published" // clients find it
)

// Descriptors are by which clients find the service.
type Descriptors struct {
	Uploaded   int       `json:"uploaded"`
	Failed     int       `json:"failed"`
	LastUpload time.Time `json:"last_upload,omitzero"`
}

// PoW is the defence by proof of work. Effort is what clients are asked for
// now: 0 unless there are more than the service lets through.
type PoW struct {
	Enabled bool `json:"enabled"`
	Effort  *int `json:"effort"` // null: the system's tor tells it in its metrics alone
	Rate    int  `json:"rate"`
	Burst   int  `json:"burst"`
}

// Ask asks the tor of an onion directory how the service is.
func Ask(dir string) (s Status, err error) {
	s.State = Down
	b, err := os.ReadFile(filepath.Join(dir, "status.json"))
	if err != nil {
		return s, fmt.Errorf("read what the keeper of tor saw: %w", err)
	}
	var k kept
	if err := json.Unmarshal(b, &k); err != nil {
		return s, errors.New("status.json is damaged")
	}
	if s.Address, err = Address(k.Service); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return s, err
	}
	s.Starts, s.Descriptors = k.Starts, Descriptors{k.Uploaded, k.Failed, k.LastUpload}
	clients, _ := filepath.Glob(filepath.Join(k.Service, "authorized_clients", "*.auth"))
	s.Clients = len(clients)
	at := controlSocket(dir)
	if k.Control != "" {
		at = k.Control
	}
	conn, err := dialControl(at)
	if err != nil {
		if k.Control == "" {
			return s, nil // there is no tor
		}
		return s, err
	}
	defer conn.Close()
	s.State = Starting
	info, err := conn.GetInfo("version", "status/bootstrap-phase")
	if err != nil {
		return s, fmt.Errorf("ask tor: %w", err)
	}
	for _, x := range info {
		if x.Key == "version" {
			s.Tor = x.Val
			continue
		}
		if m := progress.FindStringSubmatch(x.Val); m != nil {
			s.Progress, _ = strconv.Atoi(m[1])
		}
		if m := summary.FindStringSubmatch(x.Val); m != nil {
			s.Step = m[1]
		}
	}
	if s.Address == "" {
		return s, nil
	}
	// Tor has a descriptor once it has introduction points.
	if _, err := conn.GetInfo("hs/service/desc/id/" + strings.TrimSuffix(s.Address, ".onion")); err == nil && k.Reachable {
		s.State = Published
	}
	if s.PoW, err = pow(conn, k.Service); err != nil {
		return s, fmt.Errorf("ask tor for the service's settings: %w", err)
	}
	s.PoW.Effort = k.Effort
	return s, nil
}

// pow asks for the settings of the defence.
func pow(conn *control.Conn, service string) (p PoW, err error) {
	all, err := conn.GetConf("HiddenServiceOptions")
	if err != nil {
		return p, err
	}
	ours := false
	for _, l := range all {
		switch n, _ := strconv.Atoi(l.Val); {
		case l.Key == "HiddenServiceDir":
			ours = filepath.Clean(l.Val) == filepath.Clean(service)
		case !ours:
		case l.Key == "HiddenServicePoWDefensesEnabled":
			p.Enabled = n == 1
		case l.Key == "HiddenServicePoWQueueRate":
			p.Rate = n
		case l.Key == "HiddenServicePoWQueueBurst":
			p.Burst = n
		}
	}
	return p, nil
}
