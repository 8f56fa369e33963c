//go:build !client

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"suluh.example/suluh/internal/dialer"
	"suluh.example/suluh/internal/onion"
	"suluh.example/suluh/internal/sandbox"
)

// hardening is the flags that all parts which serve have.
type hardening struct {
	RequireSandbox bool `help:"Don't run where the kernel lacks a part of the sandbox. Otherwise what is missing is said once."`
}

// confine confines the part, which has opened what it needs.
func (h hardening) confine(log *slog.Logger, r sandbox.Rules) error {
	report, err := sandbox.Confine(r)
	if err != nil {
		return fmt.Errorf("confine this part: %w", err)
	}
	if len(report.Missing) > 0 {
		missing := strings.Join(report.Missing, "; ")
		if h.RequireSandbox {
			return withHint(fmt.Errorf("%w, and --require-sandbox is set: it doesn't restrict %s", sandbox.ErrMissing, missing),
				"run it on a newer kernel, with Landlock and seccomp switched on; docs/operations.md says which")
		}
		log.Warn("this kernel lacks a part of the sandbox; the part runs without", "not_restricted", missing)
	}
	if report.Unlocked != "" {
		log.Warn(report.Unlocked)
	}
	return nil
}

// The parts that serve are confined once they have opened what they need.

// vaultRules: its own directory and those of its onion service, wherever the folders in it lead, and what
// SQLite gets random numbers from.
func vaultRules(dir string, onion ...string) (sandbox.Rules, error) {
	r := sandbox.Rules{Write: append([]string{dir}, onion...), Read: []string{"/dev/urandom"}}
	for _, name := range []string{"blobs", "uploads"} { // they may lie on another disk
		real, err := filepath.EvalSymlinks(filepath.Join(dir, name))
		if err != nil {
			return r, fmt.Errorf("find the vault's folders: %w", err)
		}
		r.Write = append(r.Write, real)
	}
	return r, nil
}

// intakeRules: nothing but a certificate that is read anew. What is deposited goes
// through the dialer's connections.
func intakeRules(t tlsFlags) sandbox.Rules { return sandbox.Rules{Secrets: true, Read: t.folders()} }

// deskRules: the folder of identities, where it keeps what was seen, and by which
// certificates key witnesses are believed.
func deskRules(identities string, t tlsFlags) sandbox.Rules {
	return sandbox.Rules{Write: []string{identities}, Read: slices.Concat(zones(), trusted(), t.folders()), Secrets: true}
}

// dialerRules: the folder of the one socket, which may be made anew, or the one
// port and how names are looked up.
func dialerRules(address string) (r sandbox.Rules) {
	network, at := dialer.Network(address)
	if network == "unix" {
		r.Sockets = []string{filepath.Dir(at)}
		return r
	}
	toPort(&r, &url.URL{Host: at})
	return r
}

// systemFiles are what programs of the system's read when they start and look up names.
func systemFiles() []string {
	return []string{
		"/usr", "/lib", "/lib32", "/lib64", "/bin", "/sbin", "/proc", "/sys", "/dev/zero", "/dev/random", "/dev/urandom",
		"/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/ld.so.preload", "/etc/localtime", "/etc/passwd", "/etc/group", "/etc/os-release",
		"/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/host.conf", "/etc/gai.conf", "/run/systemd/resolve",
		"/etc/ssl", "/etc/pki", "/etc/ca-certificates", "/etc/tor", "/etc/mime.types",
	}
}

// keeperRules of what keeps tor up: the onion directory, and either tor, which is
// confined to the same, or the control port of the system's.
func keeperRules(n onion.Needs) (sandbox.Rules, error) {
	r := sandbox.Rules{Write: n.Write, Read: n.Read, Programs: n.Programs}
	if n.Connect != "" {
		err := toTor(&r, n.Connect)
		return r, err
	}
	r.Read, r.Write = append(r.Read, systemFiles()...), append(r.Write, os.DevNull)
	r.Sockets = n.Write // where tor connects to the part
	return r, nil
}

// demoRules: its folder, and this program and tor, which are confined to the same
// before they confine themselves.
func (c *demoCmd) demoRules(bin string, own bool) (sandbox.Rules, error) {
	r := sandbox.Rules{Write: append(made(c.Dir), os.DevNull), Read: append(systemFiles(), zones()...), Sockets: made(c.Dir)}
	if own {
		r.Remove = []string{filepath.Dir(c.Dir)}
	}
	n, err := onion.Config{Tor: bin}.Starts()
	if err != nil {
		return r, err
	}
	r.Read, r.Programs = append(r.Read, n.Read...), n.Programs
	if c.Onion {
		if n, err = (onion.Config{Tor: "tor", DefaultsTorrc: c.TorDefaultsTorrc}).Starts(); err != nil {
			return r, err
		}
		r.Read, r.Programs = append(r.Read, n.Read...), append(r.Programs, n.Programs...)
	}
	return r, nil
}

// made returns a folder, or the one that it is made in.
func made(dir string) []string {
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		return []string{dir}
	}
	return folderOf(dir)
}

// alive ends when the part's dialer does: without it the part is of no use, and
// whoever started it starts it anew.
func alive(ctx context.Context, d *dialer.Dialer) error {
	select {
	case <-ctx.Done():
		return nil
	case <-d.Ended():
		return errors.New("the process that connects to the vault has ended")
	}
}

// rules of suluh case: beside the identity is what was seen.
func (c *caseCmd) rules() sandbox.Rules {
	return sandbox.Rules{
		Read: slices.Concat(named(c.reads...), zones(), trusted()), Write: append(folderOf(c.Identity), folderOf(c.writes...)...), Terminal: true, Secrets: true,
	}
}

// The commands that do one thing. None of them reaches the network.

func (c *vaultInitCmd) rules() sandbox.Rules {
	return sandbox.Rules{Write: folderOf(c.Dir), Read: append(named(c.RootKey, "/dev/urandom"), zones()...)}
}

// ofVault is for commands that ask a vault which runs, or else use its directory.
func ofVault(dir string) sandbox.Rules {
	r, err := vaultRules(dir)
	if err != nil { // no vault, which the command says
		r.Write = []string{dir}
	}
	r.Read = append(r.Read, zones()...)
	r.Sockets = []string{dir}
	return r
}

func (c *backupMakeCmd) rules() sandbox.Rules {
	r := ofVault(c.Dir)
	r.Write = append(r.Write, made(c.To)...)
	r.Read = append(r.Read, append(named(c.Recipient...), c.OnionDir...)...)
	r.Terminal, r.Secrets = true, true
	return r
}

func (c *backupKeyCmd) rules() sandbox.Rules {
	return sandbox.Rules{Write: folderOf(c.File), Secrets: true}
}

// rules of what works on a folder of backups; SQLite writes beside a database that
// it only reads.
func (c *backupFolder) rules() sandbox.Rules {
	return sandbox.Rules{Write: []string{c.From}, Read: append(zones(), "/dev/urandom"), Terminal: true}
}

func (c *restoreCmd) rules() sandbox.Rules {
	r := ofVault(c.Dir)
	r.Write = append(r.Write, made(c.Dir)...)
	r.Write = append(r.Write, named(c.From, c.Newer)...)
	for _, dir := range c.OnionDir {
		r.Write = append(r.Write, made(dir)...)
	}
	r.Read = append(r.Read, named(c.Identity, c.LostAfter)...)
	r.Terminal, r.Secrets = true, true
	return r
}

func (c *vaultReadersCmd) rules() sandbox.Rules { return ofVault(c.Dir) }

func (c *vaultBatchCmd) rules() sandbox.Rules { return ofVault(c.Dir) }

func (c *vaultRosterCmd) rules() sandbox.Rules {
	r := ofVault(c.Dir)
	r.Read = append(r.Read, c.File)
	return r
}

// storeRules of suluh doctor, but for --sandbox: SQLite writes beside a database
// that it only reads.
func (c *doctorCmd) storeRules() sandbox.Rules {
	r := ofVault(c.Dir)
	r.Read, r.Sockets = append(r.Read, c.Seen...), nil
	return r
}

func (c *metricsCmd) rules() sandbox.Rules { return sandbox.Rules{Sockets: []string{c.Dir}} }

func (c *onionStatusCmd) rules() sandbox.Rules {
	return sandbox.Rules{Read: []string{c.Dir}, Sockets: []string{c.Dir}}
}

// keeping is for commands with keys in their memory that work in one folder.
func keeping(dir string, reads ...string) sandbox.Rules {
	return sandbox.Rules{Write: []string{dir}, Read: named(reads...), Terminal: true, Secrets: true}
}

func (c *rosterInitCmd) rules() sandbox.Rules {
	r := keeping("", c.PassphraseFile)
	r.Write = folderOf(c.Dir)
	return r
}

func (c *rosterUnitCmd) rules() sandbox.Rules   { return keeping(c.Dir) }
func (c *rosterAddCmd) rules() sandbox.Rules    { return keeping(c.Dir, c.Request) }
func (c *rosterChangeCmd) rules() sandbox.Rules { return keeping(c.Dir, c.Onion) }
func (c *rosterRemoveCmd) rules() sandbox.Rules { return keeping(c.Dir) }

func (c *rosterRecoveryMakeCmd) rules() sandbox.Rules {
	r := keeping(c.Dir)
	r.Write = append(r.Write, folderOf(c.Sheet)...)
	return r
}

func (c *rosterWitnessesCmd) rules() sandbox.Rules { return keeping(c.Dir, c.Policy) }

func (c *rosterRecoveryTryCmd) rules() sandbox.Rules { return keeping(c.Dir, c.Sheet) }
func (c *rosterShowCmd) rules() sandbox.Rules        { return keeping(c.Dir, c.File, c.RootKey) }

func (c *rosterSignCmd) rules() sandbox.Rules { return keeping(c.Dir, c.PassphraseFile, c.LogKey) }

func (c *memberNewCmd) rules() sandbox.Rules {
	return keeping(c.Dir, c.PluginIdentity, c.PassphraseFile)
}

func (c *memberOnionKeyCmd) rules() sandbox.Rules {
	return keeping(filepath.Dir(c.Identity), c.PassphraseFile)
}

func (c *witnessKeyCmd) rules() sandbox.Rules {
	return sandbox.Rules{Write: folderOf(c.File), Secrets: true}
}

func (c *witnessShowCmd) rules() sandbox.Rules { return sandbox.Rules{Read: named(c.Policy)} }

func (c *redactCmd) rules() sandbox.Rules { return sandbox.Rules{Read: named(c.Known), Secrets: true} }
