// Package testvault runs a real vault with its sockets, a roster and members
// for tests of what stands on them. No program may import it: its keys are
// thrown away and its passphrases are known.
package testvault

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"suluh.example/suluh/crypto/casecode"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/keyfile"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/internal/serve"
	"suluh.example/suluh/internal/submission"
	"suluh.example/suluh/internal/testkey"
	"suluh.example/suluh/vault"
	"suluh.example/suluh/vault/depositsock"
	"suluh.example/suluh/vault/membersock"
)

// Origin is the name of the test vaults' log.
const Origin = "suluh.example/uji"

// The members: One reads and approves in "itprov", Two reads there, Three
// reads in "itjen".
const (
	One   id.Member = "penelaah-satu"
	Two   id.Member = "penelaah-dua"
	Three id.Member = "penelaah-tiga"
)

// World is a running vault.
type World struct {
	T       testing.TB
	Dir     string
	Vault   *vault.Vault
	Root    note.Verifier
	RootKey string
	Log     note.Verifier
	Roster  *roster.Roster
	Who     map[id.Member]*keyfile.Identity
	Deposit *depositsock.Client
	Member  *membersock.Client
	Sender  *submission.Sender
	Day     id.Day

	root   note.Signer
	signed []byte
}

// New starts a vault that ends with the test.
func New(t testing.TB) *World {
	t.Helper()
	ctx := t.Context()
	w := &World{T: t, Dir: filepath.Join(t.TempDir(), "vault"), Who: map[id.Member]*keyfile.Identity{}}
	w.root, w.Root, w.RootKey = testkey.New(t, Origin+"/root")
	logKey, err := vault.Init(ctx, vault.InitConfig{Dir: w.Dir, Origin: Origin, RootKey: w.RootKey, Zone: "Asia/Makassar"})
	w.must(err)
	w.Log, err = note.NewVerifier(logKey)
	w.must(err)
	w.Vault, err = vault.Open(ctx, vault.Config{Dir: w.Dir})
	w.must(err)
	t.Cleanup(func() { w.must(w.Vault.Close()) })
	w.Day = w.Vault.DepositState().Day
	w.Roster = &roster.Roster{
		Version: 1, Day: w.Day, Origin: Origin, LogKey: logKey,
		Units: []roster.Unit{
			{ID: "itprov", Name: map[string]string{"id": "Inspektorat Provinsi", "en": "Provincial Inspectorate"}, Other: "itjen"},
			{ID: "itjen", Name: map[string]string{"id": "Inspektorat Jenderal", "en": "Inspectorate General"}},
		},
	}
	w.join(One, "Penelaah Satu", "itprov", roster.Reader, roster.Approver)
	w.join(Two, "Penelaah Dua", "itprov", roster.Reader)
	w.join(Three, "Penelaah Tiga", "itjen", roster.Reader)
	w.install()
	w.Listen("deposit.sock", depositsock.Handler(w.Vault))
	w.Member = membersock.NewClient(w.Listen("member.sock", membersock.Handler(w.Vault)))
	return w
}

func (w *World) join(m id.Member, name string, unit id.Unit, roles ...roster.Role) {
	w.T.Helper()
	i, err := keyfile.New(m)
	w.must(err)
	w.Who[m] = i
	w.Roster.Members = append(w.Roster.Members, roster.Member{
		ID: m, Name: name, Unit: unit, Roles: roles, Recipient: i.Recipient(), Key: i.VerifierKey(), Onion: i.Onion(), Since: w.Day,
	})
}

// Change puts the next version of the roster in force.
func (w *World) Change(change func(*roster.Roster)) {
	w.T.Helper()
	change(w.Roster)
	w.Roster.Version, w.Roster.Previous = w.Roster.Version+1, roster.Digest(w.signed)
	w.install()
}

func (w *World) install() {
	w.T.Helper()
	var err error
	w.signed, err = w.Roster.Sign(w.root)
	w.must(err)
	w.must(w.Vault.InstallRoster(w.T.Context(), w.signed))
	w.Deposit = depositsock.NewClient(filepath.Join(w.Dir, "deposit.sock"))
	w.Sender, err = submission.NewSender(w.Deposit, w.Roster, roster.Digest(w.signed))
	w.must(err)
}

// Join adds a member to the roster in force.
func (w *World) Join(m id.Member, name string, unit id.Unit, roles ...roster.Role) {
	w.T.Helper()
	w.Change(func(*roster.Roster) { w.join(m, name, unit, roles...) })
}

// Remove marks a member as removed today.
func (w *World) Remove(m id.Member) {
	w.T.Helper()
	w.Change(func(r *roster.Roster) {
		i := slices.IndexFunc(r.Members, func(x roster.Member) bool { return x.ID == m })
		r.Members[i].Removed = &w.Day
	})
}

// Listen serves a handler at a socket in the vault's directory and returns its
// path.
func (w *World) Listen(name string, h http.Handler) string {
	w.T.Helper()
	path := filepath.Join(w.Dir, name)
	l, err := serve.ListenUnix(path, 0o600)
	w.must(err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- serve.Run(ctx, serve.Config{Listener: l, Handler: h}) }()
	w.T.Cleanup(func() {
		cancel()
		w.must(<-done)
	})
	return path
}

// Form is a form to a unit about something made up.
func Form(unit id.Unit, without ...id.Member) submission.Form {
	f := submission.Form{
		To:       submission.Readers{Unit: unit, Without: without},
		Report:   report.Report{What: "Uang perjalanan dinas dibayar dua kali", Who: "bendahara", Category: "korupsi"},
		Language: "id",
	}
	f.Seed = submission.NewSeed()
	return f
}

// File is an attachment.
type File struct {
	Name, Type string
	Data       []byte
}

// Send deposits a form and returns its case code.
func (w *World) Send(f submission.Form, files ...File) casecode.Code {
	w.T.Helper()
	s, err := w.Sender.Begin(w.T.Context(), w.Day, f)
	w.must(err)
	defer s.Abort()
	for _, x := range files {
		_, err := s.Attach(x.Name, x.Type, bytes.NewReader(x.Data))
		w.must(err)
	}
	_, err = s.Commit(w.T.Context())
	w.must(err)
	code, err := submission.CodeOf(f.Seed, f.To)
	w.must(err)
	return code
}

// Look opens a case with its code.
func (w *World) Look(code casecode.Code) *submission.View {
	w.T.Helper()
	v, err := w.Sender.Look(w.T.Context(), code)
	w.must(err)
	return v
}

// Say sends a message by code.
func (w *World) Say(code casecode.Code, text string) {
	w.T.Helper()
	once := submission.NewSeed()
	s, err := w.Sender.BeginReply(w.T.Context(), w.Day, w.Look(code), once, text, "id")
	w.must(err)
	defer s.Abort()
	_, err = s.Commit(w.T.Context())
	w.must(err)
}

// LogSigner is the vault's signer, which an operator holds too.
func (w *World) LogSigner() note.Signer {
	w.T.Helper()
	skey, err := os.ReadFile(filepath.Join(w.Dir, "log.key"))
	w.must(err)
	s, err := note.NewSigner(strings.TrimSpace(string(skey)))
	w.must(err)
	return s
}

func (w *World) must(err error) {
	w.T.Helper()
	if err != nil {
		w.T.Fatal(err)
	}
}
