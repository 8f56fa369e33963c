package main

import (
	"bytes"
	"context"
	"io"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/testvault"
	"suluh.example/suluh/internal/witness"
	"suluh.example/suluh/vault"
	"suluh.example/suluh/vault/depositsock"
	"suluh.example/suluh/vault/frame"
)

// liar is a service that lies to reporters, as whoever runs it could.
type liar struct {
	*vault.Vault
	proof  func(*depositsock.RosterProof)
	lookup func(*depositsock.LookupAnswer)
	closed bool
}

func (l *liar) RosterProof(ctx context.Context) (depositsock.RosterProof, error) {
	p, err := l.Vault.RosterProof(ctx)
	if err == nil && l.proof != nil {
		l.proof(&p)
	}
	return p, err
}

func (l *liar) DepositState() depositsock.State {
	s := l.Vault.DepositState()
	s.Open = s.Open && !l.closed
	return s
}

func (l *liar) Lookup(ctx context.Context, x id.Lookup, out *frame.Writer) error {
	if l.lookup == nil {
		return l.Vault.Lookup(ctx, x, out)
	}
	var b bytes.Buffer
	if err := l.Vault.Lookup(ctx, x, frame.NewWriter(&b)); err != nil {
		return err
	}
	r := frame.NewReader(&b, 64<<20)
	var head depositsock.LookupAnswer
	if err := r.Head(&head); err != nil {
		return err
	}
	l.lookup(&head)
	if err := out.Head(head); err != nil {
		return err
	}
	for {
		o, body, err := r.Next()
		if err == io.EOF {
			return out.Commit(struct{}{})
		}
		if err != nil {
			return err
		}
		data, err := io.ReadAll(body)
		if err != nil {
			return err
		}
		if err := out.Object(o, data); err != nil {
			return err
		}
	}
}

// TestReportersAreToldOfLies: a service that isn't what the root key vouches for
// gets nothing, and what it made of a report is said.
func TestReportersAreToldOfLies(t *testing.T) {
	w := testvault.New(t)
	code := w.Send(testvault.Form("itprov"), testvault.File{Name: "a", Data: []byte("isi")})
	old, err := w.Deposit.RosterProof(t.Context())
	must(t, err)
	w.Join("penelaah-empat", "Penelaah Empat", "itprov", "reader")
	now, err := w.Deposit.RosterProof(t.Context())
	must(t, err)
	force, err := accesslog.OpenInForce([]byte(now.InForce), w.Log)
	must(t, err)
	days := func(n int) func(*depositsock.RosterProof) {
		f := force
		f.Day = f.Day.AddDays(n)
		msg, err := f.Sign(w.LogSigner())
		must(t, err)
		return func(p *depositsock.RosterProof) { p.InForce = string(msg) }
	}
	for name, c := range map[string]struct {
		lie    liar
		status bool // ask for the report instead of sending one
		want   string
	}{
		"a clock that is behind":     {liar{proof: days(+4)}, false, "error: tanggal komputer ini tertinggal"},
		"a clock that is ahead":      {liar{proof: days(-4)}, false, "error: daftar petugas dari layanan ini sudah tidak berlaku, atau tanggal komputer ini terlalu maju"},
		"a day of difference":        {liar{proof: days(-1)}, true, ""},
		"an old roster":              {liar{proof: func(p *depositsock.RosterProof) { f := p.InForce; *p = old; p.InForce = f }}, false, "error: daftar petugas dari layanan ini sudah tidak berlaku"},
		"a roster that isn't logged": {liar{proof: func(p *depositsock.RosterProof) { p.Proof = nil }}, true, "error: daftar petugas dari layanan ini tidak ada dalam catatan akses"},
		"closed":                     {liar{closed: true}, false, "error: layanan sedang tutup"},
		"closed, but not to read":    {liar{closed: true}, true, ""},
		"a part that is gone": {liar{lookup: func(a *depositsock.LookupAnswer) {
			for i, o := range a.Objects {
				if o.Role == id.RoleContent {
					a.Objects = append(a.Objects[:i:i], a.Objects[i+1:]...)
					return
				}
			}
		}}, true, "error: berhenti: yang tersimpan di server tidak sama dengan yang Anda kirim"},
		"another case": {liar{lookup: func(a *depositsock.LookupAnswer) { a.Case = id.NewCase() }}, true, "error: berhenti: "},
	} {
		t.Run(name, func(t *testing.T) {
			ask := ""
			if c.status {
				ask = code.Reveal()
			}
			status, stdout, stderr := answered(t, w, &c.lie, ask)
			if (status == 0) != (c.want == "") || !strings.Contains(stderr, c.want) {
				t.Errorf("exit status %d, want %q\n%s", status, c.want, stderr)
			}
			if c.want != "" && (status != 1 || !strings.Contains(stderr, "suluh: hint: ")) {
				t.Errorf("exit status %d\n%s", status, stderr)
			}
			if strings.Contains(c.want, "berhenti") && (!strings.Contains(stdout, `"warnings": [`) || strings.Contains(stdout, `"since"`)) {
				t.Errorf("printed %s", stdout)
			}
		})
	}
}

// answered has a reporter's program send a report to a service, or ask for one by
// its code.
func answered(t *testing.T, w *testvault.World, lie *liar, code string) (status int, out, errors string) {
	t.Helper()
	lie.Vault = w.Vault
	service := httptest.NewServer(depositsock.Handler(lie))
	defer service.Close()
	args := []string{"submit", "--from", "-", "--to", "itprov"}
	stdin := `{"apa": "Perjalanan dinas dibayar dua kali."}`
	if code != "" {
		args, stdin = []string{"status", "--json"}, code
	}
	cmd := exec.Command(program(t), append(args, "--server", service.URL, "--root-key", w.RootKey)...)
	cmd.Stdin = strings.NewReader(stdin)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	_ = cmd.Run() // its exit status says the same
	return cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()
}

// TestReportersAskForWitnesses: where the roster names witnesses, they must have
// seen the log in which it is. Nobody is kept from reporting because they are away.
func TestReportersAskForWitnesses(t *testing.T) {
	w := testvault.New(t)
	text, err := witness.NewKey("saksi.example")
	must(t, err)
	signer, vkey, err := witness.ParseKey(text)
	must(t, err)
	w.Change(func(r *roster.Roster) {
		r.Witnesses = "witness saksi " + vkey + " https://saksi.example/\nquorum saksi\n"
	})
	cosigned := func(checkpoint string) []byte {
		n, err := note.Open([]byte(checkpoint), note.VerifierList(w.Log))
		must(t, err)
		msg, err := note.Sign(n, signer)
		must(t, err)
		return msg
	}
	const hint, refused = "belum membenarkannya", "error: layanan ini menunjukkan catatan akses yang lain daripada yang dilihat para saksi"
	send := func(name string, lie func(*depositsock.RosterProof), want string) {
		t.Helper()
		switch status, out, said := answered(t, w, &liar{proof: lie}, ""); {
		case want == refused && (status != 1 || out != "" || !strings.Contains(said, refused) || !strings.Contains(said, "suluh: hint: ")),
			want != refused && (status != 0 || out == "" || strings.Contains(said, hint) != (want == hint)):
			t.Errorf("%s: exit status %d\n%s", name, status, said)
		}
	}
	send("before they have seen anything", nil, hint)
	before, err := w.Deposit.RosterProof(t.Context())
	must(t, err)
	must(t, w.Vault.TakeCosigned(t.Context(), cosigned(before.Checkpoint)))
	send("what they have seen", nil, "")
	send("a service that shows nothing of them", func(p *depositsock.RosterProof) { p.Cosigned = nil }, hint)
	send("a service without the proof", func(p *depositsock.RosterProof) {
		p.Checkpoint = before.Checkpoint
		p.Cosigned.Consistency = accesslog.Path{{}}
	}, refused)
	send("another log", func(p *depositsock.RosterProof) {
		other, err := accesslog.SignCheckpoint(w.Log.Name(), tlog.Tree{N: p.Index + 1, Hash: tlog.Hash{1}}, w.LogSigner())
		must(t, err)
		p.Cosigned.Checkpoint = cosigned(string(other))
	}, refused)
	w.Join("penelaah-empat", "Penelaah Empat", "itprov", roster.Reader)
	send("a roster that is newer than what they have seen", nil, hint)
	now, err := w.Deposit.RosterProof(t.Context())
	must(t, err)
	must(t, w.Vault.TakeCosigned(t.Context(), cosigned(now.Checkpoint)))
	send("that roster once they have", nil, "")
}
