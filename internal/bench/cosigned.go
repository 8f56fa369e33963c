package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/mod/sumdb/note"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/internal/check"
	"suluh.example/suluh/vault/membersock"
)

// cosigned measures what the log costs: records of 64 members while three
// witnesses, each a process of its own, cosign the log, in turns with the same
// rows written by the same transactions without the log.
func (b *bench) cosigned() (err error) {
	in, err := b.newInstance("cosigned", units, readers, 3)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stopAll(in.saw)) }()
	vault, err := in.vault()
	if err != nil {
		return err
	}
	defer vault.stop() //nolint:errcheck // stopped below unless something failed before
	desks, err := in.desks()
	if err != nil {
		return err
	}
	var without, signed side
	for _, x := range []struct {
		*side
		name string
		args []string
	}{{&without, "plain", nil}, {&signed, "signed", []string{"-root", in.rootKey}}} {
		if err := in.plainly(x.side, filepath.Join(b.dir, x.name), desks, x.args...); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, x.stop()) }()
	}
	with := side{process: vault, desks: desks, list: (*desk).list}
	ask := exec.CommandContext(b.ctx, b.bin, "witness", "ask", "--member-socket", in.socket("member.sock"), "--root-key", in.rootKey, "--every", "1s")
	ask.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM, Setpgid: true}
	ask.Stderr = os.Stderr
	if err := ask.Start(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ask.Process.Signal(syscall.SIGTERM), ask.Wait()) }()
	for range b.rounds {
		for _, x := range []*side{&without, &signed, &with} {
			if err := x.measure(b); err != nil {
				return err
			}
		}
	}
	r := middle(with.loads)
	what := fmt.Sprintf("group-committed, cosigned appends: signed, durable records of %d members, with three witnesses", len(desks))
	got := fmt.Sprintf("%.0f/s, %s, %.0f µs of the vault's processor time each", r.rate, r.spread(), median(with.cpu))
	b.add(row{what, got, "the same rows, whose signatures are checked, by the same SQLite without the log: " + signed.String(), with.against(&signed), "0.6"})
	b.add(row{what, "the same", "with no signatures either: " + without.String(), with.against(&without), "0.6"})
	if err := in.wereCosigned(); err != nil {
		return err
	}
	if err := vault.stop(); err != nil {
		return err
	}
	return in.doctor()
}

// side is one of those that are compared, in turns.
type side struct {
	*process
	desks []*desk
	list  func(*desk, *bench) error
	loads []load
	cpu   []float64 // of the server, microseconds a record
}

// plainly starts a process that serves a copy of the vault's database without a log.
func (in *instance) plainly(x *side, dir string, desks []*desk, args ...string) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	if err := copyDB(in.dir, dir); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	for _, d := range desks {
		x.desks = append(x.desks, &desk{member: d.member, vault: membersock.NewClient(filepath.Join(dir, "plain.sock")), seen: accesslog.EmptyTree()})
	}
	x.list = (*desk).listPlainly
	if len(args) > 0 {
		x.list = (*desk).listSigned
	}
	x.process, err = startPart(exec.CommandContext(in.b.ctx, self, append([]string{"-plain", dir}, args...)...))
	return err
}

func (x *side) measure(b *bench) error {
	before, err := cpuOf(x.cmd.Process.Pid)
	if err != nil {
		return err
	}
	l, err := b.during(len(x.desks), func(i int) error { return x.list(x.desks[i], b) })
	if err != nil {
		return err
	}
	after, err := cpuOf(x.cmd.Process.Pid)
	x.loads, x.cpu = append(x.loads, l), append(x.cpu, float64((after-before).Microseconds())/float64(len(l.times)))
	return err
}

func (x *side) String() string {
	return fmt.Sprintf("%.0f/s, %.0f µs", middle(x.loads).rate, median(x.cpu))
}

// against is the ratio of two sides.
func (x *side) against(than *side) string {
	return fmt.Sprintf("%s; by processor time of the vault %s", ratio(middle(x.loads).rate/middle(than.loads).rate), ratio(median(than.cpu)/median(x.cpu)))
}

// wereCosigned waits until the witnesses have cosigned all there is, and checks
// that an auditor sees it.
func (in *instance) wereCosigned() error {
	key, err := note.NewVerifier(in.logKey)
	if err != nil {
		return err
	}
	for range 60 {
		log := check.New(check.Socket(in.socket("log.sock")), key)
		log.NoEntries = true
		r, err := log.Extend(in.b.ctx)
		if err != nil {
			return err
		}
		w, err := log.Witnesses(in.b.ctx)
		if err != nil {
			return err
		}
		if w != nil && w.Records == r.Records && w.By == len(in.saw) {
			return nil
		}
		time.Sleep(time.Second)
	}
	return errors.New("the witnesses have not cosigned the log")
}

// startWitnesses starts so many, and has the roster name them.
func (in *instance) startWitnesses(n int) error {
	policy, names := "", ""
	for i := range n {
		name := fmt.Sprintf("saksi-%d.example/ukur", i)
		file := filepath.Join(in.b.dir, fmt.Sprintf("witness-%d.key", i))
		vkey, err := in.run("witness", "key", name, file)
		if err != nil {
			return err
		}
		w, err := in.part("witness", "run", "--key", file, "--state", filepath.Join(in.b.dir, fmt.Sprintf("witness-%d", i)), "--log", in.logKey, "--listen", "127.0.0.1:0")
		if err != nil {
			return err
		}
		in.saw = append(in.saw, w)
		policy += fmt.Sprintf("witness saksi-%d %s %s\n", i, vkey, strings.TrimSuffix(w.url, "/"))
		names += fmt.Sprintf(" saksi-%d", i)
	}
	if n > 0 {
		in.roster.Witnesses = policy + fmt.Sprintf("group saksi %d%s\nquorum saksi\n", n/2+1, names)
	}
	return nil
}

func stopAll(all []*process) (err error) {
	for _, p := range all {
		err = errors.Join(err, p.stop())
	}
	return err
}

// listPlainly is a list that nobody signs and that has no proof. It is as long as
// a signed one.
func (d *desk) listPlainly(b *bench) error {
	return d.listBy(b, func(s accesslog.Statement) ([]byte, error) {
		return []byte(s.Text() + "\n— " + string(d.id) + " " + strings.Repeat("A", 91) + "=\n"), nil
	})
}

// listSigned is a list that the member signs and that has no proof.
func (d *desk) listSigned(b *bench) error {
	return d.listBy(b, func(s accesslog.Statement) ([]byte, error) { return s.Sign(d.sign) })
}

func (d *desk) listBy(b *bench, sign func(accesslog.Statement) ([]byte, error)) error {
	s := accesslog.Statement{Log: origin, Action: accesslog.List, Member: d.id, Time: time.Now().Truncate(time.Second), Seen: d.seen}
	rand.Read(s.Nonce[:])
	signed, err := sign(s)
	if err != nil {
		return err
	}
	a, err := d.vault.Act(b.ctx, signed, nil, nil)
	if err != nil {
		return err
	}
	defer a.Close()
	if _, _, err := a.Next(); !errors.Is(err, io.EOF) {
		return errors.Join(errors.New("a plain list has nothing but its head"), err)
	}
	if len(a.Cases) != 1 {
		return fmt.Errorf("%d cases listed", len(a.Cases))
	}
	return nil
}
