//go:build debian

package packaging_test

import (
	"bytes"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestPackage builds the package three times: twice the same, in two places, and a
// newer one; then installs, uses, upgrades, removes and purges it on a clean Debian.
func TestPackage(t *testing.T) {
	if os.Getuid() != 0 {
		t.Fatal("only root can boot a Debian")
	}
	// In memory: nothing of it needs to survive.
	work := t.TempDir()
	must(t, syscall.Mount("tmpfs", work, "tmpfs", 0, "size=3g"))
	t.Cleanup(func() { must(t, syscall.Unmount(work, syscall.MNT_DETACH)) })
	root := filepath.Join(work, "debian")
	made := make(chan error, 1)
	go func() {
		out, err := exec.Command("mmdebstrap", "--variant=essential", "--include=apt,systemd,tzdata,man-db", "--dpkgopt=force-unsafe-io",
			"--dpkgopt=path-exclude=/usr/share/locale/*", "bookworm", root).CombinedOutput()
		if err != nil {
			err = fmt.Errorf("make a Debian: %w\n%s", err, out)
		}
		made <- err
	}()

	tree, err := filepath.Abs("..")
	must(t, err)
	first := build(t, tree, filepath.Join(work, "first"), "0.1")
	// The same in another place, at another hour, by somebody else.
	elsewhere := filepath.Join(work, "elsewhere")
	must(t, os.Mkdir(elsewhere, 0o700))
	copied := exec.Command("sh", "-c", `tar -C "$0" --exclude=./build --exclude=./.git --exclude=node_modules -cf - . | tar -C "$1" -xf -`, tree, elsewhere)
	if out, err := copied.CombinedOutput(); err != nil {
		t.Fatalf("copy: %v\n%s", err, out)
	}
	again := build(t, elsewhere, filepath.Join(work, "again"), "0.1", "TZ=Asia/Makassar", "LC_ALL=C")
	for _, of := range []string{".deb", ".cdx.json"} {
		a, b := read(t, first+of), read(t, again+of)
		if !bytes.Equal(a, b) {
			t.Errorf("built twice, %s is not the same", of)
		}
	}
	second := build(t, elsewhere, filepath.Join(work, "second"), "0.2")

	must(t, <-made)
	must(t, os.Mkdir(filepath.Join(root, "root", "paket"), 0o755))
	must(t, os.WriteFile(filepath.Join(root, "root", "paket", "lama.deb"), read(t, first+".deb"), 0o644))
	must(t, os.WriteFile(filepath.Join(root, "root", "paket", "baru.deb"), read(t, second+".deb"), 0o644))
	d := boot(t, root)

	d.run(t, "apt-get install -y /root/paket/lama.deb")
	checkSBOM(t, first+".cdx.json", filepath.Join(root, "usr", "bin", "suluh"))
	d.says(t, "suluh --help", "Make a vault.")
	d.says(t, "man -P cat suluh-vault-init", "Name of the access log")
	for _, file := range []string{"bash-completion/completions/suluh", "zsh/vendor-completions/_suluh", "fish/vendor_completions.d/suluh.fish", "doc/suluh/operations.md"} {
		d.run(t, "test -s /usr/share/"+file)
	}
	d.run(t, "! systemctl is-active suluh-vault.service")

	// The first steps of docs/operations.md.
	d.run(t, `cd /root && echo kata sandi yang panjang >sandi && suluh roster init --dir kunci --origin suluh.example/uji --passphrase-file sandi`)
	d.run(t, "install -m 644 /root/kunci/root.vkey /etc/suluh/root.vkey")
	d.run(t, "runuser -u suluh-vault -- suluh vault init --dir /var/lib/suluh/vault --origin suluh.example/uji --root-key /etc/suluh/root.vkey >/root/log.vkey")
	d.run(t, "install -m 644 /root/log.vkey /etc/suluh/log.vkey")
	mayLock(t, d)
	d.run(t, "systemctl enable --now suluh-vault suluh-intake suluh-audit suluh-desk")
	running := func() {
		t.Helper()
		for _, part := range []string{"vault", "intake", "audit", "desk"} {
			if out, err := d.in("systemctl is-active suluh-" + part); err != nil {
				said, _ := d.in("journalctl --no-pager -u suluh-" + part + "; cat /var/log/suluh/*")
				t.Fatalf("%s: %s\n%s", part, out, said)
			}
		}
		for _, port := range []string{"8080", "8081", "8082"} {
			d.says(t, `exec 3<>/dev/tcp/127.0.0.1/`+port+`; printf 'GET / HTTP/1.0\r\nHost: 127.0.0.1:`+port+`\r\n\r\n' >&3; cat <&3`, "<html")
		}
	}
	running()
	if out, err := d.in("grep -h 'sandbox\\|swap space' /var/log/suluh/*; journalctl -u suluh-audit -u suluh-desk | grep 'sandbox\\|swap space'"); err == nil {
		t.Errorf("the units keep the parts from confining themselves:\n%s", out)
	}
	// Those with plaintext or keys lock their memory.
	for _, part := range []string{"intake", "desk"} {
		d.says(t, "grep VmLck: /proc/$(systemctl show -P MainPID suluh-"+part+")/status | grep -v ' 0 kB'", "VmLck")
	}
	// Each reaches its own socket and no other, and has no network.
	for part, want := range map[string]string{"intake": "suluh-deposit", "audit": "suluh-log", "desk": "suluh-member"} {
		for _, s := range []string{"deposit", "member", "log", "metrics"} {
			probe := fmt.Sprintf("setpriv --reuid 65534 --regid 65534 --groups %s test -w /run/suluh/%s.sock", want, s)
			if _, err := d.in(probe); (err == nil) != ("suluh-"+s == want) {
				t.Errorf("the group of %s and %s.sock: %v", part, s, err)
			}
		}
		d.says(t, "nsenter -n -t $(systemctl show -P MainPID suluh-"+part+") cat /proc/net/dev | wc -l", "3") // two lines of titles, and lo
	}
	d.run(t, "suluh vault batch --dir /var/lib/suluh/vault")

	// A backup by its unit, whether the vault runs or not; and each night by the timer. The keys
	// of an onion service of intake's come from where only root reads them.
	d.run(t, "suluh backup key /root/backup.key >/etc/suluh/backup.pub && systemctl enable --now suluh-backup.timer")
	d.says(t, "systemctl list-timers suluh-backup.timer", "suluh-backup.service")
	d.run(t, "systemctl start suluh-backup")
	d.says(t, "suluh backup list --from /var/lib/suluh/backup", "records")
	d.run(t, `mkdir -p /var/lib/private/suluh/onion/service && cd /var/lib/private/suluh/onion/service && touch hs_ed25519_public_key hs_ed25519_secret_key && echo contoh.onion >hostname && chmod 600 *
		mkdir /etc/systemd/system/suluh-backup.service.d && sed -n '/^    LoadCredential=.*\/onion\//s/^    //p; /^    Environment="BACKUP_ONION/s/^    //p' /usr/share/doc/suluh/operations.md | sed '1i [Service]' >/etc/systemd/system/suluh-backup.service.d/onion.conf
		systemctl daemon-reload && systemctl stop suluh-vault && systemctl start suluh-backup && systemctl start suluh-vault`)
	d.run(t, "suluh restore --from /var/lib/suluh/backup --dir /root/kembali --identity /root/backup.key --onion-dir /root/onion/service")
	d.says(t, "cat /root/onion/service/hostname", "contoh.onion")
	d.run(t, "rm -r /var/lib/private/suluh /etc/systemd/system/suluh-backup.service.d && systemctl daemon-reload") // not the package's

	before, err := d.in("systemctl show -P MainPID suluh-vault; cat /var/lib/suluh/vault/log.vkey")
	must(t, err)
	d.run(t, "echo '# ubahan' >>/etc/default/suluh-intake")
	d.run(t, "apt-get install -y /root/paket/baru.deb")
	d.says(t, "dpkg-query -W -f '${Version}' suluh", "0.2")
	running()
	after, err := d.in("systemctl show -P MainPID suluh-vault; cat /var/lib/suluh/vault/log.vkey")
	must(t, err)
	a, b := strings.Fields(before), strings.Fields(after)
	if a[0] == b[0] || a[1] != b[1] {
		t.Errorf("before the upgrade %q, after it %q: the program must be the new one and the vault the old", a, b)
	}
	d.says(t, "cat /etc/default/suluh-intake", "# ubahan")

	d.run(t, "apt-get remove -y suluh")
	d.run(t, "! pgrep suluh 2>/dev/null; test ! -e /usr/bin/suluh && test -e /etc/default/suluh-intake && test -e /var/lib/suluh/vault/log.key")
	d.run(t, "apt-get install -y /root/paket/baru.deb && systemctl enable --now suluh-vault suluh-intake suluh-audit suluh-desk")
	running()
	d.run(t, "apt-get purge -y suluh </dev/null")
	left, err := d.in(`find / -xdev -name '*suluh*' ! -path '/proc/*' ! -path '/var/cache/man/*'; cut -d: -f1 /etc/passwd /etc/group | grep suluh`)
	must(t, err)
	if want := "/var/lib/suluh\nsuluh-vault\nsuluh-vault\n"; left != want {
		t.Errorf("a purge leaves\n%s", left)
	}
	d.run(t, "test -s /var/lib/suluh/vault/log.key")
	// Without a vault nothing is left at all.
	d.run(t, "apt-get install -y /root/paket/baru.deb && rm -r /var/lib/suluh/vault /var/lib/suluh/backup && apt-get purge -y suluh </dev/null")
	if left, _ := d.in(`find / -xdev -name '*suluh*' ! -path '/proc/*' ! -path '/var/cache/man/*'; cut -d: -f1 /etc/passwd /etc/group | grep suluh`); left != "" {
		t.Errorf("a purge without a vault leaves\n%s", left)
	}
}

// mayLock sees to it that the units may lock their memory. What the units ask for is
// no limit; but where whatever started this machine has a limit and nobody here may
// raise it, they get the right to be above it instead: all else that could be in the
// way, the filter of system calls first, is still there.
func mayLock(t *testing.T, d debian) {
	t.Helper()
	out, err := d.in("prlimit --pid 1 --memlock --noheadings --output HARD; setpriv --dump | grep -c 'Capability bounding set:.*sys_resource'")
	if strings.HasPrefix(out, "unlimited") || err == nil {
		return
	}
	t.Log("RLIMIT_MEMLOCK can't be raised on this machine: the units get CAP_IPC_LOCK")
	for _, part := range []string{"vault", "intake", "audit", "desk"} {
		d.run(t, `mkdir -p /run/systemd/system/suluh-`+part+`.service.d && printf '[Service]\nPrivateUsers=no\nCapabilityBoundingSet=CAP_IPC_LOCK\nAmbientCapabilities=CAP_IPC_LOCK\n' >/run/systemd/system/suluh-`+part+`.service.d/lock.conf`)
	}
	d.run(t, "systemctl daemon-reload")
}

// build makes a package of the tree and returns the path of its files without
// what they end in.
func build(t *testing.T, tree, out, version string, env ...string) string {
	t.Helper()
	cmd := exec.Command("tools/deb", out)
	cmd.Dir = tree
	cmd.Env = append(append(os.Environ(), "DEB_VERSION="+version, "SOURCE_DATE_EPOCH=1790000000"), env...)
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, said)
	}
	debs, err := filepath.Glob(filepath.Join(out, "suluh_"+version+"_*.deb"))
	if err != nil || len(debs) != 1 {
		t.Fatalf("%d packages, %v", len(debs), err)
	}
	return strings.TrimSuffix(debs[0], ".deb")
}

// checkSBOM holds the SBOM to CycloneDX's schema and to what the program in the
// package says of itself.
func checkSBOM(t *testing.T, file, program string) {
	t.Helper()
	// The schemas come with the library of the tool that writes it.
	of, err := exec.Command("go", "mod", "download", "-json", "github.com/CycloneDX/cyclonedx-go@v0.9.3").Output()
	must(t, err)
	var module struct{ Dir string }
	must(t, json.Unmarshal(of, &module))
	if out, err := exec.Command("node", "sbom.mjs", filepath.Join(module.Dir, "schema"), file).CombinedOutput(); err != nil {
		t.Errorf("the SBOM is not CycloneDX: %v\n%s", err, out)
	}
	var sbom struct {
		BOMFormat    string                                 `json:"bomFormat"`
		SpecVersion  string                                 `json:"specVersion"`
		SerialNumber string                                 `json:"serialNumber"`
		Metadata     struct{ Timestamp string }             `json:"metadata"`
		Components   []struct{ Name, Version, PURL string } `json:"components"`
	}
	must(t, json.Unmarshal(read(t, file), &sbom))
	if sbom.BOMFormat != "CycloneDX" || sbom.SpecVersion < "1.4" || sbom.SerialNumber != "" || sbom.Metadata.Timestamp != "" {
		t.Errorf("the SBOM's head: %q, %q, %q, %q", sbom.BOMFormat, sbom.SpecVersion, sbom.SerialNumber, sbom.Metadata.Timestamp)
	}
	names := map[string]string{}
	for _, c := range sbom.Components {
		names[c.Name] = c.Version
		if !strings.HasPrefix(c.PURL, "pkg:golang/") {
			t.Errorf("%s has the package URL %q", c.Name, c.PURL)
		}
	}
	info, err := buildinfo.ReadFile(program)
	must(t, err)
	if len(info.Deps) < 10 {
		t.Fatalf("the program has %d dependencies", len(info.Deps))
	}
	for _, d := range info.Deps {
		if names[d.Path] != d.Version {
			t.Errorf("the SBOM has %s %q, the program %q", d.Path, names[d.Path], d.Version)
		}
	}
	if names["std"] == "" {
		t.Error("the SBOM doesn't name the standard library")
	}
}

// debian is one that was booted.
type debian struct{ pid string }

// boot boots a Debian and ends it with the test.
func boot(t *testing.T, root string) debian {
	t.Helper()
	var said bytes.Buffer
	cmd := exec.Command("systemd-nspawn", "--quiet", "--boot", "--directory="+root, "--register=no", "--keep-unit", "--private-network", "--console=pipe",
		"--rlimit=RLIMIT_MEMLOCK=infinity", "--capability=CAP_IPC_LOCK", "--system-call-filter=landlock_create_ruleset landlock_add_rule landlock_restrict_self @memlock")
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	must(t, cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(20 * time.Second):
			_ = cmd.Process.Kill()
			<-ended
		}
	})
	children := fmt.Sprintf("/proc/%d/task/%[1]d/children", cmd.Process.Pid)
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		b, err := os.ReadFile(children)
		if err != nil {
			break
		}
		for _, pid := range strings.Fields(string(b)) {
			d := debian{pid}
			if out, _ := d.in("systemctl is-system-running"); strings.TrimSpace(out) == "running" {
				return d
			}
		}
	}
	t.Fatalf("the Debian does not boot:\n%s", said.Bytes())
	return debian{}
}

// in runs a command of bash inside and returns what it says.
func (d debian) in(command string) (string, error) {
	if _, err := strconv.Atoi(d.pid); err != nil {
		return "", errors.New("not a process")
	}
	cmd := exec.Command("nsenter", "-t", d.pid, "-m", "-p", "-n", "-u", "-i", "/usr/bin/env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
		"LC_ALL=C.UTF-8", "HOME=/root", "DEBIAN_FRONTEND=noninteractive", "/bin/bash", "-c", command)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (d debian) run(t *testing.T, command string) {
	t.Helper()
	if out, err := d.in(command); err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
}

func (d debian) says(t *testing.T, command, want string) {
	t.Helper()
	if out, err := d.in(command); err != nil || !strings.Contains(out, want) {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	must(t, err)
	return b
}
