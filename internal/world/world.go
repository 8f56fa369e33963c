// Package world runs a whole instance of Suluh on loopback: a vault, intake, desk,
// audit and forward, and a key witness if one is asked for, each as a process of its
// own, with throw-away keys and made-up cases. The demo is one, and so is what tests
// drive from outside.
//
// Its keys protect nothing: passphrases and codes lie beside what they open. It
// must never be pointed at a vault that anybody relies on, so it only starts
// what it made itself, and only on loopback.
//
// Its directory:
//
//	demo.json     passphrases and the codes of the example cases
//	keys/         the folder of rosters (suluh roster), recovery sheets
//	identities/   the members' identity files
//	keywitness/   a key witness's identity, passphrase and folder, if there is one
//	onion/        intake's onion service, if there is one
//	forward/      the forwarder's configuration and passphrase
//	antrean/      where it puts what was approved: a queue that is a folder
//	vault/        the vault's own directory
package world

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/durable"
)

// Config says what a world is and where it listens.
type Config struct {
	Bin string // the suluh program
	Dir string // made if it isn't there; goes on with what it holds otherwise

	// Addresses to listen on, loopback only; port 0 takes a free one, which is
	// also what an empty address means.
	IntakeAddr, DeskAddr, AuditAddr string

	// KeyWitnessAddr is where a key witness listens, on loopback; port 0 takes a free
	// one. The unit itjen names it, so the cases of that unit are split. Which one there
	// is, or that there is none, is settled when the directory is made: "" then means
	// none, and afterwards nothing.
	KeyWitnessAddr string

	// Onion makes intake an onion service too, whose keys are throw-away ones as
	// well; TorDefaultsTorrc is handed to its tor.
	Onion            bool
	TorDefaultsTorrc string

	// Forward is the forwarder's configuration. If it is empty, approved items go
	// to the folder antrean; in a bare world there is then no forwarder.
	Forward string

	Bare bool      // no example cases
	Log  io.Writer // what the parts say on standard error; default: nowhere
	Args map[Part][]string
}

// Part names a process.
type Part string

// The parts, in the order in which they start.
const (
	Vault  Part = "vault"
	Intake Part = "intake"
	Desk   Part = "desk"
	Audit  Part = "audit"

	Forward Part = "forward"

	// KeyWitnessPart may end without the others: what it is for is seen best then.
	KeyWitnessPart Part = "keywitness"
)

// Member is a member of the roster and the passphrase of the identity file.
type Member struct {
	ID           id.Member     `json:"id"`
	Name         string        `json:"name"`
	Unit         id.Unit       `json:"unit"`
	Roles        []roster.Role `json:"roles"`
	IdentityFile string        `json:"identity_file"`
	Passphrase   string        `json:"passphrase"`
}

// KeyWitness is a key witness, which is no member of the desk's, and the unit that
// names it.
type KeyWitness struct {
	Member
	Of      id.Unit `json:"of"`
	Address string  `json:"address"` // as the roster has it
}

// host is where it listens.
func (k *KeyWitness) host() string { return strings.TrimPrefix(k.Address, "http://") }

// World is a running instance.
type World struct {
	Intake, Desk, Audit string // URLs
	Onion               string // URL of intake as an onion service, if it is one
	Dir                 string
	LogKey              string // the log's verifier key
	Members             []Member
	Codes               []string    // of the example cases, one with an answer first
	KeyWitness          *KeyWitness // nil: there is none

	config Config
	mu     sync.Mutex
	parts  map[Part]*process
	died   chan error
}

// DepositSocket is where deposits go, for those who need no page.
func (w *World) DepositSocket() string { return filepath.Join(w.Dir, "vault", "deposit.sock") }

// MemberSocket is where members' statements go.
func (w *World) MemberSocket() string { return filepath.Join(w.Dir, "vault", "member.sock") }

// OnionDir is what intake's onion service lives in.
func (w *World) OnionDir() string { return filepath.Join(w.Dir, "onion") }

// RootKey is the file with the key that rosters are signed with.
func (w *World) RootKey() string { return filepath.Join(w.Dir, "keys", "root.vkey") }

// ForwardConfig is the forwarder's configuration.
func (w *World) ForwardConfig() string { return filepath.Join(w.Dir, "forward", "forward.toml") }

// Spool is the folder to which a forwarder without another queue brings what was
// approved.
func (w *World) Spool() string { return filepath.Join(w.Dir, "antrean") }

func keyWitnessDir(dir string) string   { return filepath.Join(dir, "keywitness") }
func keyWitnessState(dir string) string { return filepath.Join(keyWitnessDir(dir), "state") }

// configure writes what the forwarder needs.
func (w *World) configure() error {
	text := w.config.Forward
	if text == "" {
		text = fmt.Sprintf("queue = \"spool\"\n\n[times]\nvault = \"2s\"\nstatus = \"2s\"\n\n[spool]\ndir = %q\n", w.Spool())
	}
	i := slices.IndexFunc(w.Members, func(m Member) bool { return m.ID == forwarder })
	if i < 0 {
		return errors.New("this demo was made before there was a forwarder; name another directory")
	}
	if err := os.MkdirAll(filepath.Dir(w.ForwardConfig()), 0o700); err != nil {
		return err
	}
	for file, text := range map[string]string{w.ForwardConfig(): text, filepath.Join(w.Dir, "forward", "passphrase"): w.Members[i].Passphrase + "\n"} {
		if err := durable.ReplaceFile(file, []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// Start makes the world if its directory holds none yet, and starts all parts.
// It returns once every one of them answers.
func Start(ctx context.Context, c Config) (_ *World, err error) {
	for _, a := range []*string{&c.IntakeAddr, &c.DeskAddr, &c.AuditAddr} {
		if *a == "" {
			*a = "127.0.0.1:0"
		}
		if err := loopback(*a); err != nil {
			return nil, err
		}
	}
	if c.KeyWitnessAddr != "" {
		if err := loopback(c.KeyWitnessAddr); err != nil {
			return nil, err
		}
	}
	if c.Log == nil {
		c.Log = io.Discard
	}
	if c.Dir, err = filepath.Abs(c.Dir); err != nil {
		return nil, err
	}
	kept, err := load(c.Dir)
	if errors.Is(err, os.ErrNotExist) {
		if err = create(ctx, c); err == nil {
			kept, err = load(c.Dir)
		}
	}
	if err != nil {
		return nil, err
	}
	if c.KeyWitnessAddr != "" && kept.KeyWitness == nil {
		return nil, errors.New("this demo was made without a key witness, and its cases are not split; name another directory")
	}
	w := &World{
		Dir: c.Dir, LogKey: kept.LogKey, Codes: kept.Codes, Members: kept.Members, KeyWitness: kept.KeyWitness,
		config: c, parts: map[Part]*process{}, died: make(chan error, 6),
	}
	if k := w.KeyWitness; k != nil {
		k.IdentityFile = filepath.Join(keyWitnessDir(c.Dir), string(k.ID)+".identity")
	}
	for i, m := range w.Members {
		w.Members[i].IdentityFile = filepath.Join(c.Dir, "identities", string(m.ID)+".identity")
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.Stop())
		}
	}()
	if err = w.StartPart(Vault); err != nil {
		return nil, err
	}
	var others errgroup.Group
	parts := []Part{Intake, Desk, Audit}
	if w.KeyWitness != nil {
		parts = append(parts, KeyWitnessPart)
	}
	if c.Forward != "" || !c.Bare {
		if err = w.configure(); err != nil {
			return nil, err
		}
		parts = append(parts, Forward)
	}
	for _, p := range parts {
		others.Go(func() error { return w.StartPart(p) })
	}
	if err = others.Wait(); err != nil {
		return nil, err
	}
	return w, nil
}

func loopback(addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return errors.New("an address is HOST:PORT, for example 127.0.0.1:8080")
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return errors.New("the demo has throw-away keys, so it listens on loopback only")
	}
	return nil
}

// Command returns the arguments that start a part.
func (w *World) Command(p Part) []string {
	vault := filepath.Join(w.Dir, "vault")
	var args []string
	switch p {
	case Vault:
		args = []string{"vault", "run", "--dir", vault}
	case Intake:
		args = []string{"intake", "--deposit-socket", w.DepositSocket(), "--root-key", w.RootKey(), "--listen", w.config.IntakeAddr}
		if w.config.Onion {
			args = append(args, "--onion", "--onion-dir", w.OnionDir())
			if w.config.TorDefaultsTorrc != "" {
				args = append(args, "--tor-defaults-torrc", w.config.TorDefaultsTorrc)
			}
		}
	case Desk:
		args = []string{
			"desk", "--member-socket", w.MemberSocket(), "--root-key", w.RootKey(),
			"--identities", filepath.Join(w.Dir, "identities"), "--listen", w.config.DeskAddr,
		}
	case Audit:
		args = []string{
			"audit", "serve", "--log-key", filepath.Join(vault, "log.vkey"), "--listen", w.config.AuditAddr, "--open-entries",
			filepath.Join(vault, "log.sock"),
		}
	case Forward:
		args = []string{
			"forward", "--config", w.ForwardConfig(), "--member-socket", w.MemberSocket(), "--root-key", w.RootKey(),
			"--identity", filepath.Join(w.Dir, "identities", forwarder+".identity"), "--passphrase-file", filepath.Join(w.Dir, "forward", "passphrase"),
		}
	case KeyWitnessPart:
		args = []string{
			"keywitness", "run", "--identity", w.KeyWitness.IdentityFile, "--passphrase-file", filepath.Join(keyWitnessDir(w.Dir), "passphrase"),
			"--root-key", w.RootKey(), "--dir", keyWitnessState(w.Dir), "--listen", w.KeyWitness.host(),
		}
	}
	return append(args, w.config.Args[p]...)
}

// process is one part that runs.
type process struct {
	cmd     *exec.Cmd
	ended   chan struct{} // closed once it has
	err     error         // of its end; set before ended is closed
	stopped bool          // its end was asked for; World.mu
}

// StartPart starts a part and returns once it listens; one that was killed
// before listens where it did.
func (w *World) StartPart(p Part) error {
	cmd := exec.Command(w.config.Bin, w.Command(p)...)
	if w.config.Bin == "/proc/self/exe" {
		cmd.Args[0] = os.Args[0] // it is called what it was
	}
	// A part must not outlive who started it, however that one ends.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM, Setpgid: true}
	cmd.Stderr = w.config.Log
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", p, err)
	}
	run := &process{cmd: cmd, ended: make(chan struct{})}
	w.mu.Lock()
	w.parts[p] = run
	w.mu.Unlock()
	lines, patience := 1, 30*time.Second
	if p == Intake && w.config.Onion {
		// Tor finds its way first, over a network that may be slow.
		lines, patience = 2, 5*time.Minute
	}
	ready := make(chan string, lines)
	go func() {
		said := bufio.NewScanner(out)
		for said.Scan() {
			if _, where, ok := strings.Cut(said.Text(), ": listening "); ok {
				ready <- strings.TrimPrefix(where, "on ")
			}
		}
		close(ready)
		run.err = cmd.Wait()
		close(run.ended)
		w.mu.Lock()
		asked := run.stopped
		if p == KeyWitnessPart && !asked {
			delete(w.parts, p) // it may be started again by hand
		}
		w.mu.Unlock()
		switch {
		case asked:
		case p == KeyWitnessPart:
			fmt.Fprintln(w.config.Log, "the key witness has ended: cases of its unit that a member hasn't opened since he unlocked stay shut until it runs again")
		default:
			w.died <- fmt.Errorf("%s has ended by itself%s; what it said is above", p, ending(cmd.ProcessState))
		}
	}()
	end := time.After(patience)
	for ok := true; ok; {
		var where string
		select {
		case where, ok = <-ready:
		case <-end:
			ok = false
		}
		if ok {
			w.listens(p, where)
			if lines--; lines == 0 {
				return nil
			}
		}
	}
	_ = w.end(p, syscall.SIGKILL) // the error to tell is that it did not start
	return fmt.Errorf("%s does not start; what it says is above", p)
}

// ending says in words what the part itself can't say any more.
func ending(s *os.ProcessState) string {
	if status, ok := s.Sys().(syscall.WaitStatus); ok && status.Signaled() && status.Signal() == syscall.SIGSYS {
		return ": the kernel ended it at a system call that it may not make, as if somebody had taken it over (the kernel's log says which: SECCOMP)"
	}
	return ""
}

// listens keeps where a part says that it listens.
func (w *World) listens(p Part, where string) {
	_, addr, _ := strings.Cut(strings.TrimSuffix(where, "/"), "://")
	w.mu.Lock()
	defer w.mu.Unlock()
	if strings.HasSuffix(addr, ".onion") {
		w.Onion = where
		return
	}
	switch p {
	case Intake:
		w.Intake, w.config.IntakeAddr = where, addr
	case Desk:
		w.Desk, w.config.DeskAddr = where, addr
	case Audit:
		w.Audit, w.config.AuditAddr = where, addr
	}
}

// PID is the process id of a part that was started.
func (w *World) PID(p Part) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.parts[p].cmd.Process.Pid
}

// Kill ends a part as a power cut would.
func (w *World) Kill(p Part) error { return w.end(p, syscall.SIGKILL) }

// end sends a signal and waits for the end of a part. After a kill the end is
// no error.
func (w *World) end(p Part, sig syscall.Signal) error {
	w.mu.Lock()
	run := w.parts[p]
	delete(w.parts, p)
	if run != nil {
		run.stopped = true
	}
	w.mu.Unlock()
	if run == nil {
		return nil
	}
	if err := run.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop %s: %w", p, err)
	}
	<-run.ended
	if run.err != nil && sig != syscall.SIGKILL {
		return fmt.Errorf("stop %s: %w", p, run.err)
	}
	return nil
}

// Stop ends all parts cleanly, the vault last.
func (w *World) Stop() error {
	var errs []error
	for _, p := range []Part{Forward, Audit, Desk, Intake, KeyWitnessPart, Vault} {
		errs = append(errs, w.end(p, syscall.SIGTERM))
	}
	return errors.Join(errs...)
}

// Died gives an error when a part ends that nobody ended.
func (w *World) Died() <-chan error { return w.died }

// kept is what demo.json holds.
type kept struct {
	LogKey     string   `json:"log_key"`
	Passphrase string   `json:"root_passphrase"`
	Members    []Member `json:"members"`
	Codes      []string `json:"codes"`

	KeyWitness *KeyWitness `json:"key_witness,omitempty"`
}

func load(dir string) (k kept, err error) {
	b, err := os.ReadFile(filepath.Join(dir, "demo.json"))
	if err != nil {
		return k, err
	}
	if err := json.Unmarshal(b, &k); err != nil {
		return k, errors.New("demo.json is damaged; name another directory")
	}
	return k, nil
}
