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
	without := filepath.Join(b.dir, "plain")
	if err := os.Mkdir(without, 0o700); err != nil {
		return err
	}
	if err := copyDB(in.dir, without); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	plain, err := startPart(exec.CommandContext(b.ctx, self, "-plain", without))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, plain.stop()) }()
	clients := make([]*desk, len(desks))
	for i, d := range desks {
		clients[i] = &desk{member: d.member, vault: membersock.NewClient(filepath.Join(without, "plain.sock")), seen: accesslog.EmptyTree()}
	}
	ask := exec.CommandContext(b.ctx, b.bin, "witness", "ask", "--member-socket", in.socket("member.sock"), "--root-key", in.rootKey, "--every", "1s")
	ask.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM, Setpgid: true}
	ask.Stderr = os.Stderr
	if err := ask.Start(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ask.Process.Signal(syscall.SIGTERM), ask.Wait()) }()
	var with, bare []load
	var cpu, bareCPU []float64 // of the server, microseconds a record
	measure := func(p *process, clients []*desk, list func(*desk, *bench) error) (load, float64, error) {
		before, err := cpuOf(p.cmd.Process.Pid)
		if err != nil {
			return load{}, 0, err
		}
		l, err := b.during(len(clients), func(i int) error { return list(clients[i], b) })
		if err != nil {
			return load{}, 0, err
		}
		after, err := cpuOf(p.cmd.Process.Pid)
		return l, float64((after - before).Microseconds()) / float64(len(l.times)), err
	}
	for range b.rounds {
		l, used, err := measure(plain, clients, (*desk).listPlainly)
		if err != nil {
			return err
		}
		bare, bareCPU = append(bare, l), append(bareCPU, used)
		if l, used, err = measure(vault, desks, (*desk).list); err != nil {
			return err
		}
		with, cpu = append(with, l), append(cpu, used)
	}
	r, a := middle(with), middle(bare)
	b.add(row{
		fmt.Sprintf("group-committed, cosigned appends: signed, durable records of %d members, with three witnesses", len(desks)),
		fmt.Sprintf("%.0f/s, %s, %.0f µs of the vault's processor time each", r.rate, r.spread(), median(cpu)),
		fmt.Sprintf("the same rows by the same SQLite without the log: %.0f/s, %.0f µs", a.rate, median(bareCPU)),
		fmt.Sprintf("%s; by processor time of the vault %s", ratio(r.rate/a.rate), ratio(median(bareCPU)/median(cpu))), "0.6",
	})
	if err := in.wereCosigned(); err != nil {
		return err
	}
	if err := vault.stop(); err != nil {
		return err
	}
	return in.doctor()
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
	s := accesslog.Statement{Log: origin, Action: accesslog.List, Member: d.id, Time: time.Now().Truncate(time.Second), Seen: d.seen}
	rand.Read(s.Nonce[:])
	a, err := d.vault.Act(b.ctx, []byte(s.Text()+"\n— "+string(d.id)+" "+strings.Repeat("A", 91)+"=\n"), nil, nil)
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
