//go:build !client

package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"text/tabwriter"

	"golang.org/x/sync/errgroup"

	"suluh.example/suluh/internal/breakout"
	"suluh.example/suluh/internal/onion"
	"suluh.example/suluh/internal/sandbox"
)

// tried is a part as suluh doctor --sandbox tries it.
type tried struct {
	name  string
	rules func(breakout.Targets) sandbox.Rules
	may   []string // attempts that are its work
}

// triedParts are the parts, each confined as where it runs, beside a vault whose
// directory holds the store and the socket that are tried.
func triedParts() []tried {
	vault := func(t breakout.Targets) string { return filepath.Dir(t.Store) }
	return []tried{
		{"vault", func(t breakout.Targets) sandbox.Rules {
			return sandbox.Rules{Write: []string{vault(t)}, Read: []string{"/dev/urandom"}}
		}, []string{"store"}},
		{"intake", func(breakout.Targets) sandbox.Rules { return intakeRules(tlsFlags{}) }, nil},
		{"desk", func(t breakout.Targets) sandbox.Rules {
			return deskRules(filepath.Join(t.Outside, "identities"), tlsFlags{})
		}, nil},
		{"audit", func(t breakout.Targets) sandbox.Rules {
			r := auditRules(t.Socket)
			r.Sockets = nil // the dialer connects
			return r
		}, nil},
		{"forward", func(t breakout.Targets) sandbox.Rules {
			return forwardRules(filepath.Join(t.Outside, "identities", "penerus.identity"), "")
		}, nil},
		{"keywitness", func(t breakout.Targets) sandbox.Rules {
			return keyWitnessRules(filepath.Join(t.Outside, "keywitness"), tlsFlags{})
		}, nil},
		{"outward", func(breakout.Targets) sandbox.Rules {
			return outwardRules([]string{"saksi.example:443"}, "")
		}, []string{"udp"}},
		// Before Landlock's ABI 9 the kernel can't tell one socket by its path from another.
		{"dialer", func(t breakout.Targets) sandbox.Rules { return dialerRules(t.Socket) }, []string{"socket"}},
		{"case", func(t breakout.Targets) sandbox.Rules {
			return (&caseCmd{Identity: filepath.Join(t.Outside, "identities", "penelaah-satu.identity")}).rules()
		}, nil},
		{"roster", func(t breakout.Targets) sandbox.Rules { return keeping(filepath.Join(t.Outside, "roster")) }, nil},
		{"doctor", func(t breakout.Targets) sandbox.Rules { return sandbox.Rules{Write: []string{vault(t)}} }, []string{"store"}},
		{"backup", func(t breakout.Targets) sandbox.Rules {
			return (&backupMakeCmd{Dir: vault(t), To: filepath.Join(t.Outside, "backup")}).rules()
		}, []string{"store", "socket"}},
		{"restore", func(t breakout.Targets) sandbox.Rules {
			return (&restoreCmd{Dir: vault(t), From: filepath.Join(t.Outside, "backup")}).rules()
		}, []string{"store", "socket"}},
		// Where these two may not connect to a socket, Landlock's ABI 9 sees to it.
		{"keeper", func(t breakout.Targets) sandbox.Rules {
			n, err := onion.Config{Dir: filepath.Join(t.Outside, "onion"), Tor: "tor"}.Starts()
			if err != nil { // no tor, so that nothing at all may be started
				n.Programs = []string{"/usr/bin/tor"}
			}
			n.Write = []string{filepath.Join(t.Outside, "onion")}
			return orNothing(keeperRules(n))
		}, starting},
		{"demo", func(t breakout.Targets) sandbox.Rules {
			return orNothing((&demoCmd{Dir: filepath.Join(t.Outside, "demo")}).demoRules("/proc/self/exe", false))
		}, starting},
		{"submit", func(t breakout.Targets) sandbox.Rules {
			f := serviceFlags{Server: "https://lapor.example"}
			return f.rules()
		}, []string{"udp"}},
	}
}

// starting is the work of what starts programs: they are its own, which Landlock
// can't tell from others, and so are their connections.
var starting = []string{"socket", "tcp", "udp", "listen", "code", "signal"}

// orNothing leaves a part that has no rules nothing.
func orNothing(r sandbox.Rules, err error) sandbox.Rules {
	if err != nil {
		return sandbox.Rules{}
	}
	return r
}

// doctorTryCmd is the process that makes one attempt. The doctor starts it.
type doctorTryCmd struct {
	Part    string `arg:""`
	Attempt string `arg:""`
	Targets string `arg:"" help:"As JSON."`
}

func (doctorTryCmd) Help() string {
	return "Started by suluh doctor --sandbox.\n\nExample:\n  suluh doctor --sandbox starts it"
}

func (c *doctorTryCmd) Run() error {
	var t breakout.Targets
	if err := json.Unmarshal([]byte(c.Targets), &t); err != nil {
		return errors.New("this command is started by other commands only")
	}
	parts := triedParts()
	i := slices.IndexFunc(parts, func(p tried) bool { return p.name == c.Part })
	if i < 0 {
		return errors.New("there is no such part")
	}
	return breakout.Do(os.Stdout, c.Attempt, t, func() error {
		_, err := sandbox.Confine(parts[i].rules(t))
		return err
	})
}

// finding is what became of one attempt.
type finding struct {
	Part    string           `json:"part"`
	Attempt string           `json:"attempt"`
	What    string           `json:"can"` // in words
	Outcome breakout.Outcome `json:"outcome"`
	May     bool             `json:"may"` // it is the part's work
}

// trySandbox makes every attempt as every part, each in a process of its own.
func trySandbox(ctx context.Context) ([]finding, error) {
	t, end, err := decoys(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	targets, err := json.Marshal(t)
	if err != nil {
		return nil, err
	}
	var all []finding
	for _, p := range triedParts() {
		for _, a := range breakout.Attempts() {
			all = append(all, finding{Part: p.name, Attempt: a.Name, What: a.What, May: slices.Contains(p.may, a.Name)})
		}
	}
	var g errgroup.Group
	g.SetLimit(4)
	for i := range all {
		g.Go(func() error {
			f := &all[i]
			var out bytes.Buffer
			cmd := exec.CommandContext(ctx, "/proc/self/exe", "doctor-try", f.Part, f.Attempt, string(targets))
			cmd.Args[0] = os.Args[0]
			cmd.Dir, cmd.Stdout = t.Outside, &out // where a core file would lie
			_ = cmd.Run()                         // how it ended is judged
			if cmd.ProcessState == nil {
				return errors.New("start a process to try with: it does not start")
			}
			outcome, err := breakout.Judge(cmd.ProcessState, out.String())
			if err != nil {
				return fmt.Errorf("try as %s: %w", f.Part, err)
			}
			f.Outcome = outcome
			return nil
		})
	}
	return all, g.Wait()
}

// decoys makes what is reached for, so that nothing real is touched.
func decoys(ctx context.Context) (t breakout.Targets, end func(), err error) {
	dir, err := os.MkdirTemp("", "suluh-doctor-")
	if err != nil {
		return t, nil, err
	}
	var closers []func()
	end = func() {
		for _, c := range closers {
			c()
		}
		_ = os.RemoveAll(dir) // decoys, in a folder for temporary files
	}
	defer func() {
		if err != nil {
			end()
		}
	}()
	t = breakout.Targets{
		Store: filepath.Join(dir, "vault", "vault.db"), Outside: filepath.Join(dir, "outside"),
		Socket: filepath.Join(dir, "vault", "member.sock"), Abstract: "suluh-doctor-" + rand.Text(),
	}
	for _, d := range []string{"vault", "outside/identities", "outside/roster", "outside/backup", "outside/onion", "outside/demo"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o700); err != nil {
			return t, nil, err
		}
	}
	if err := os.WriteFile(t.Store, []byte("decoy"), 0o600); err != nil {
		return t, nil, err
	}
	for _, at := range [][2]string{{"unix", t.Socket}, {"unix", "@" + t.Abstract}, {"tcp4", "127.0.0.1:0"}} {
		l, err := (&net.ListenConfig{}).Listen(ctx, at[0], at[1])
		if err != nil {
			return t, nil, err
		}
		closers = append(closers, func() { _ = l.Close() })
		if at[0] == "tcp4" {
			t.TCP = netip.MustParseAddrPort(l.Addr().String())
		}
	}
	t.Process = os.Getpid() // the doctor itself is another process to them
	return t, end, nil
}

var errOpen = errors.New("the sandbox has a hole: a part can do what it should not")

// printSandbox prints a line for each attempt and a column for each part.
func printSandbox(all []finding) error {
	var parts []string
	for _, f := range all {
		if !slices.Contains(parts, f.Part) {
			parts = append(parts, f.Part)
		}
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, "can it")
	for _, p := range parts {
		fmt.Fprintf(w, "\t%s", p)
	}
	for _, a := range breakout.Attempts() {
		fmt.Fprintf(w, "\n%s?", a.What)
		for _, p := range parts {
			i := slices.IndexFunc(all, func(f finding) bool { return f.Part == p && f.Attempt == a.Name })
			fmt.Fprintf(w, "\t%s", all[i].word())
		}
	}
	fmt.Fprintln(w)
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Println("\nno: the kernel refuses it. dies: the kernel ends the part that tries. work: it can, and has to. OPEN: it can, and should not.")
	return nil
}

func (f finding) word() string {
	switch {
	case f.Outcome == breakout.Open && f.May:
		return "work"
	case f.Outcome == breakout.Open:
		return "OPEN"
	case f.Outcome == breakout.Ended:
		return "dies"
	}
	return "no"
}
