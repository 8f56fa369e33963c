package main

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"suluh.example/suluh/internal/sandbox"
)

// What each command may still do. docs/operations.md has the same for people, a
// test holds it to this, and suluh doctor --sandbox tries it.

// confined is a command that does one thing and ends. It is confined before it
// begins, to what its flags name.
type confined interface{ rules() sandbox.Rules }

// confineCommand confines a command before it begins.
func confineCommand(r sandbox.Rules) error {
	report, err := sandbox.Confine(r)
	if err == nil && len(report.Missing) > 0 && runtime.GOOS == "linux" {
		next("this kernel lacks a part of the sandbox; the command runs without restriction of " + strings.Join(report.Missing, "; "))
	}
	return err
}

// named returns the files among what flags name: neither none, nor standard
// input or output.
func named(files ...string) (out []string) {
	for _, f := range files {
		if f != "" && f != "-" {
			out = append(out, f)
		}
	}
	return out
}

// folderOf returns the folders in which files are made, as far as they are
// there.
func folderOf(files ...string) (out []string) {
	for _, f := range named(files...) {
		for dir := filepath.Dir(f); ; dir = filepath.Dir(dir) {
			if info, err := os.Stat(dir); err == nil && info.IsDir() || dir == filepath.Dir(dir) {
				out = append(out, dir)
				break
			}
		}
	}
	return out
}

// zones is where time zones are.
func zones() []string {
	return []string{"/usr/share/zoneinfo", "/usr/lib/zoneinfo", "/usr/share/lib/zoneinfo", "/etc/zoneinfo"}
}

// toURL adds what it takes to ask at a URL: its port or that of a proxy that the
// environment names, how names are looked up, and who vouches for servers.
func toURL(r *sandbox.Rules, text string) {
	u, err := url.Parse(text)
	if err != nil {
		return // the command says so
	}
	if via, err := http.ProxyFromEnvironment(&http.Request{URL: u}); err == nil && via != nil {
		u = via
	}
	toPort(r, u)
}

func toPort(r *sandbox.Rules, u *url.URL) {
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	if err != nil {
		port = map[string]uint64{"https": 443, "socks5": 1080, "socks5h": 1080}[strings.ToLower(u.Scheme)]
		if port == 0 {
			port = 80
		}
	}
	r.Ports = append(r.Ports, uint16(port), 53) // long answers to look-ups come over TCP
	r.Read = append(r.Read, "/etc/resolv.conf", "/run/systemd/resolve", "/etc/hosts", "/etc/nsswitch.conf", "/etc/host.conf", "/etc/gai.conf",
		"/etc/ssl", "/etc/pki", "/etc/ca-certificates", "/usr/share/ca-certificates", "/usr/local/share/ca-certificates", "/usr/local/share/certs")
	r.Read = append(r.Read, named(os.Getenv("SSL_CERT_FILE"), os.Getenv("SSL_CERT_DIR"))...)
}

// auditRules: the log that is named, and nothing else.
func auditRules(log string) sandbox.Rules {
	r := sandbox.Rules{Read: zones()}
	if strings.HasPrefix(log, "http://") || strings.HasPrefix(log, "https://") {
		toURL(&r, log)
		return r
	}
	if info, err := os.Stat(log); err == nil && info.Mode()&os.ModeSocket != 0 {
		r.Sockets = []string{filepath.Dir(log)} // the vault makes the socket anew when it starts
		return r
	}
	r.Read = append(r.Read, log)
	return r
}

func (c *auditLog) rules() sandbox.Rules {
	r := auditRules(c.Log)
	r.Terminal = true
	r.Read = append(r.Read, named(c.LogKey, c.TokenFile)...)
	return r
}

func (c *auditVerifyCmd) rules() sandbox.Rules {
	r := c.auditLog.rules()
	r.Read = append(r.Read, named(c.Continues, c.Receipt, c.Released)...)
	r.Write = folderOf(c.State)
	return r
}

func (c *rosterVerifyCmd) rules() sandbox.Rules {
	r := c.auditLog.rules()
	r.Read = append(r.Read, named(append(append(c.Readers, c.Roster...), c.RootKey, c.Continues)...)...)
	return r
}

func (c *auditAnomaliesCmd) rules() sandbox.Rules {
	r := c.auditLog.rules()
	r.Read = append(r.Read, named(c.Rules)...)
	return r
}

// confinedTo is not rules: see [auditWatchCmd].
func (c *auditWatchCmd) confinedTo() sandbox.Rules {
	r := c.Of.rules()
	r.Write = folderOf(c.State, c.Write)
	return r
}

func (auditRulesCmd) rules() sandbox.Rules { return sandbox.Rules{} }

func (c *auditExportCmd) rules() sandbox.Rules {
	r := c.auditLog.rules()
	r.Write = folderOf(filepath.Join(c.Dir, "log.vkey"))
	return r
}

// The reporter's commands: the service's port or the proxy's, and the files that
// are named. At a terminal files are named while the command runs.

func (f *serviceFlags) rules() sandbox.Rules {
	r := sandbox.Rules{Read: append(named(f.RootKey), zones()...), Terminal: true, Secrets: true}
	to := f.Server
	if f.Socks != "" {
		to = f.Socks
		if !strings.Contains(to, "://") {
			to = "socks5h://" + to
		}
	}
	if u, err := url.Parse(to); err == nil {
		toPort(&r, u)
	}
	return r
}

func (c *submitCmd) rules() sandbox.Rules {
	r := c.serviceFlags.rules()
	r.Read = append(r.Read, named(append(c.Attach, c.From)...)...)
	if c.From == "" {
		r.Read = append(r.Read, "/") // the questions ask for files
	}
	r.Write = folderOf(c.Receipt)
	return r
}

func (c *statusCmd) rules() sandbox.Rules {
	r := c.serviceFlags.rules()
	r.Read = append(r.Read, named(c.CodeFile)...)
	r.Write = folderOf(c.Receipt)
	return r
}

func (c *replyCmd) rules() sandbox.Rules {
	r := c.serviceFlags.rules()
	r.Read = append(r.Read, named(append(c.Attach, c.CodeFile, c.TextFile)...)...)
	return r
}
