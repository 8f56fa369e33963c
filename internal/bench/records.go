package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	voi "github.com/oasisprotocol/curve25519-voi/primitives/ed25519"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/signature"
	"suluh.example/suluh/internal/submission"
	"suluh.example/suluh/internal/witness"
	"suluh.example/suluh/vault/depositsock"
	"suluh.example/suluh/vault/membersock"
)

// accesses measures signed, durable access records: each of 64 members at a
// desk of its own lists its one case, and checks the proof of the record
// before it asks again.
func (b *bench) accesses() error {
	in, err := b.newInstance("records", units, readers, 0)
	if err != nil {
		return err
	}
	vault, err := in.vault()
	if err != nil {
		return err
	}
	defer vault.stop() //nolint:errcheck // stopped below unless something failed before
	desks, err := in.desks()
	if err != nil {
		return err
	}
	var records, alone []load
	for range b.rounds {
		l, err := b.during(runtime.NumCPU(), signAndCheck(1, 2))
		if err != nil {
			return err
		}
		alone = append(alone, l)
		if l, err = b.during(len(desks), func(i int) error { return desks[i].list(b) }); err != nil {
			return err
		}
		records = append(records, l)
	}
	r, a := middle(records), middle(alone)
	b.add(row{
		fmt.Sprintf("signed, durable access records, %d members at once", len(desks)), fmt.Sprintf("%.0f/s, %s", r.rate, r.spread()),
		fmt.Sprintf("the signature and the two checks of each alone: %.0f/s", a.rate), ratio(r.rate / a.rate), "5,000/s",
	})
	if err := vault.stop(); err != nil {
		return err
	}
	return in.doctor()
}

// The members of the vaults that access records are measured with.
const units, readers = 16, 4

// doctor checks that whatever was measured is a log that an auditor believes.
func (in *instance) doctor() error {
	out, err := in.run("doctor", "--dir", in.dir)
	if err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}

// desks gives each unit a case, and each member a desk of its own.
func (in *instance) desks() ([]*desk, error) {
	b := in.b
	sender, err := submission.NewSender(depositsock.NewClient(in.socket("deposit.sock")), in.roster, in.signed)
	if err != nil {
		return nil, err
	}
	for _, u := range in.roster.Units {
		f := submission.Form{To: submission.Readers{Unit: u.ID}, Report: text(), Language: "id"}
		f.Seed = submission.NewSeed()
		sub, err := sender.Begin(b.ctx, in.roster.Day, f)
		if err != nil {
			return nil, err
		}
		if _, err := sub.Commit(b.ctx); err != nil {
			return nil, err
		}
	}
	log, err := note.NewVerifier(in.logKey)
	if err != nil {
		return nil, err
	}
	var policy *witness.Policy
	if in.roster.Witnesses != "" {
		if policy, err = witness.ParsePolicy(in.roster.Witnesses); err != nil {
			return nil, err
		}
	}
	desks := make([]*desk, len(in.members))
	for i, m := range in.members {
		desks[i] = &desk{member: m, vault: membersock.NewClient(in.socket("member.sock")), log: log, seen: accesslog.EmptyTree(), witnesses: policy}
	}
	return desks, nil
}

// signAndCheck is what Ed25519 alone costs.
func signAndCheck(signs, checks int) func(int) error {
	pub, key, _ := ed25519.GenerateKey(nil)
	msg := make([]byte, 400)
	sig := ed25519.Sign(key, msg)
	return func(int) error {
		for range signs {
			ed25519.Sign(key, msg)
		}
		for range checks {
			if !ed25519.Verify(pub, msg, sig) {
				return errors.New("a good signature is refused")
			}
		}
		return nil
	}
}

// checkTogether is what the verification of a batch costs alone, by the library and in
// the size that the log is verified by: of keys as they come, or of keys that have
// verified before and are prepared, which the log's are.
func checkTogether(prepared bool) func(int) error {
	type one struct {
		public    voi.PublicKey
		prepared  *voi.ExpandedPublicKey
		text, sig []byte
	}
	all := make([]one, signature.BatchSize)
	for i := range all {
		pub, key, _ := ed25519.GenerateKey(nil)
		text := make([]byte, 400)
		known, _ := voi.NewExpandedPublicKey(voi.PublicKey(pub))
		all[i] = one{voi.PublicKey(pub), known, text, ed25519.Sign(key, text)}
	}
	return func(int) error {
		batch := voi.NewBatchVerifierWithCapacity(len(all))
		for _, x := range all {
			if prepared {
				batch.AddExpanded(x.prepared, x.text, x.sig)
			} else {
				batch.Add(x.public, x.text, x.sig)
			}
		}
		if !batch.VerifyBatchOnly(nil) {
			return errors.New("good signatures are refused")
		}
		return nil
	}
}

// desk is a member that asks.
type desk struct {
	member
	vault *membersock.Client
	log   note.Verifier
	seen  tlog.Tree
	have  []id.Digest // what need not come again

	witnesses *witness.Policy // nil: the roster names none
	cosigned  int64           // what they have cosigned
}

func (d *desk) list(b *bench) error {
	s := accesslog.Statement{Log: origin, Action: accesslog.List, Member: d.id, Time: time.Now().Truncate(time.Second), Seen: d.seen}
	rand.Read(s.Nonce[:])
	signed, err := s.Sign(d.sign)
	if err != nil {
		return err
	}
	a, err := d.vault.ActWith(b.ctx, membersock.ActHead{Statement: string(signed), Have: d.have, Cosigned: d.cosigned}, nil)
	if err != nil {
		return err
	}
	defer a.Close()
	for {
		o, r, err := a.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			d.have = append(d.have, o.Digest)
			_, err = io.Copy(io.Discard, r)
		}
		if err != nil {
			return err
		}
	}
	if len(a.Cases) != 1 {
		return fmt.Errorf("%d cases listed", len(a.Cases))
	}
	r, err := accesslog.ParseRecord(a.Proof.Record)
	if err != nil || string(r.Statement) != string(signed) {
		return errors.New("the record is not of the statement")
	}
	if d.seen, err = a.Proof.Check(d.log, d.seen); err == nil && a.Cosigned != nil {
		var by tlog.Tree
		by, _, err = d.witnesses.Continued(*a.Cosigned, d.log, d.seen)
		d.cosigned = by.N
	}
	return err
}

// audit measures the verification of a large log.
func (b *bench) audit() error {
	in, err := b.madeLog()
	if err != nil {
		return err
	}
	if b.log == "" {
		defer os.RemoveAll(in.dir)
	}
	var alone, known, whole rates
	var most int64
	state := filepath.Join(b.dir, "verified")
	for range max(1, b.rounds-1) {
		if err := alone.together(b, checkTogether(false)); err != nil {
			return err
		}
		if err := known.together(b, checkTogether(true)); err != nil {
			return err
		}
		_ = os.Remove(state) // each round but what follows verifies all
		v, err := in.verify("--state", state)
		if err != nil {
			return err
		}
		whole.add(float64(b.records)/v.took.Seconds(), v.cpu/time.Duration(b.records))
		most = max(most, v.memory)
	}
	what := fmt.Sprintf("`suluh audit verify` of %d records", b.records)
	b.add(row{
		what, fmt.Sprintf("%.0f records/s, %s of processor time each", median(whole.perSecond), micro(median(whole.cpu))),
		fmt.Sprintf("Ed25519 batch verification alone, %d at once: %s", signature.BatchSize, &alone), whole.against(&alone), "0.7",
	})
	b.add(row{what, "the same", "with keys that are prepared, as the log's are: " + known.String(), whole.against(&known), ""})
	b.add(row{"memory of that, at most", mib(most), "", "", "200 MiB"})
	again, err := in.verify("--state", state)
	if err != nil {
		return err
	}
	b.add(row{"the next run with `--state`, if nothing is new", fmt.Sprintf("%.1f s", again.took.Seconds()), "", "", "seconds"})
	b.add(row{"memory of that, at most", mib(again.memory), "", "", "200 MiB"})
	return in.serveAudit()
}

// rates are how many of something there were a second in each round, and what processor
// time each took.
type rates struct {
	perSecond []float64
	cpu       []time.Duration
}

func (r *rates) add(perSecond float64, cpu time.Duration) {
	r.perSecond, r.cpu = append(r.perSecond, perSecond), append(r.cpu, cpu)
}

// together measures batches on all cores for a while.
func (r *rates) together(b *bench, batch func(int) error) error {
	before, err := cpuOf(os.Getpid())
	if err != nil {
		return err
	}
	l, err := b.during(runtime.NumCPU(), batch)
	if err != nil {
		return err
	}
	after, err := cpuOf(os.Getpid())
	if err != nil {
		return err
	}
	r.add(l.rate*signature.BatchSize, (after-before)/time.Duration(len(l.times)*signature.BatchSize))
	return nil
}

func (r *rates) String() string {
	return fmt.Sprintf("%.0f/s, %s", median(r.perSecond), micro(median(r.cpu)))
}

func (r *rates) against(alone *rates) string {
	return fmt.Sprintf("%s; by processor time %s", ratio(median(r.perSecond)/median(alone.perSecond)), ratio(float64(median(alone.cpu))/float64(median(r.cpu))))
}

// madeLog makes a large log, or takes the one that an earlier run has kept.
func (b *bench) madeLog() (in *instance, err error) {
	in = &instance{b: b, dir: filepath.Join(b.dir, "log")}
	if b.log != "" {
		in.dir = b.log
		if vkey, err := os.ReadFile(filepath.Join(in.dir, "log.vkey")); err == nil {
			in.logKey = strings.TrimSpace(string(vkey))
			key, err := note.NewVerifier(in.logKey)
			if err != nil {
				return nil, err
			}
			msg, err := os.ReadFile(filepath.Join(in.dir, "checkpoint"))
			if err != nil {
				return nil, err
			}
			tree, err := accesslog.OpenCheckpoint(msg, key)
			b.records = tree.N
			return in, err
		}
	}
	var log note.Signer
	if in.root, in.rootKey, err = newKey(origin + "/root"); err != nil {
		return nil, err
	}
	if log, in.logKey, err = newKey(origin); err != nil {
		return nil, err
	}
	if err := in.makeRoster(2, 4); err != nil {
		return nil, err
	}
	began := time.Now()
	if err := in.writeLog(log, b.records); err != nil {
		return nil, err
	}
	fmt.Fprintf(os.Stderr, "  a log of %d records was made in %s\n", b.records, time.Since(began).Round(time.Second))
	return in, nil
}
