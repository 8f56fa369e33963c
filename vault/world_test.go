package vault_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/check"
	"suluh.example/suluh/internal/serve"
	"suluh.example/suluh/internal/testkey"
	"suluh.example/suluh/vault"
	"suluh.example/suluh/vault/controlsock"
	"suluh.example/suluh/vault/depositsock"
	"suluh.example/suluh/vault/membersock"
)

const (
	origin = "suluh.example/uji"
	zone   = "Asia/Makassar"
)

// clock is the only thing that is not real here.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// member signs statements.
type member struct {
	id   id.Member
	sign note.Signer
	seen tlog.Tree
}

// world is a vault with its sockets and a roster of five members.
type world struct {
	t       testing.TB
	dir     string
	clock   *clock
	vault   *vault.Vault
	stop    func()
	deposit *depositsock.Client
	desk    *membersock.Client
	control *controlsock.Client
	root    note.Signer
	log     note.Verifier
	roster  *roster.Roster
	signed  []byte
	one     *member // reader and approver of itprov
	two     *member // reader of itprov
	auditor *member // auditor of itprov
	sheet   *member // custodian of itprov
	boss    *member // approver of itprov, who reads nothing
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newWorld(t testing.TB, c vault.Config) *world {
	t.Helper()
	return newWorldIn(t, filepath.Join(t.TempDir(), "vault"), c)
}

func newWorldIn(t testing.TB, dir string, c vault.Config) *world {
	t.Helper()
	w := newWorldWithoutRoster(t, dir, c)
	w.install()
	return w
}

// newWorldWithoutRoster is one in which the roster isn't in force yet.
func newWorldWithoutRoster(t testing.TB, dir string, c vault.Config) *world {
	t.Helper()
	// In the middle of a day, so that no test meets its end by chance.
	w := &world{t: t, dir: dir, clock: &clock{now: time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC)}}
	var rootKey string
	w.root, _, rootKey = testkey.New(t, origin+"/root")
	logKey, err := vault.Init(t.Context(), vault.InitConfig{Dir: w.dir, Origin: origin, RootKey: rootKey, Zone: zone, Now: w.clock.Now})
	must(t, err)
	w.log, err = note.NewVerifier(logKey)
	must(t, err)
	day, err := id.ParseDay("2026-11-24")
	must(t, err)
	w.roster = &roster.Roster{
		Version: 1, Day: day, Origin: origin, LogKey: logKey,
		Units: []roster.Unit{{ID: "itprov", Name: map[string]string{"id": "Inspektorat Provinsi"}, Recovery: recipient("r")}},
	}
	join := func(name id.Member, letter string, roles ...roster.Role) *member {
		s, _, vkey := testkey.New(t, string(name))
		w.roster.Members = append(w.roster.Members, roster.Member{
			ID: name, Name: string(name), Unit: "itprov", Roles: roles, Recipient: recipient(letter), Key: vkey, Since: day,
		})
		return &member{name, s, accesslog.EmptyTree()}
	}
	w.one = join("penelaah-satu", "q", roster.Reader, roster.Approver)
	w.two = join("penelaah-dua", "z", roster.Reader)
	w.auditor = join("pemeriksa", "x", roster.Auditor)
	w.sheet = join("pemegang-lembar", "y", roster.Custodian)
	w.boss = join("inspektur", "w", roster.Approver)
	w.start(c)
	return w
}

// recipient has the form of an age1pq1… key; the vault looks no deeper.
func recipient(letter string) string { return "age1pq1" + strings.Repeat(letter, 1952) }

// install signs the roster and installs it.
func (w *world) install() {
	w.t.Helper()
	signed, err := w.roster.Sign(w.root)
	must(w.t, err)
	must(w.t, w.control.InstallRoster(w.t.Context(), signed))
	w.signed = signed
}

func (w *world) start(c vault.Config) {
	w.t.Helper()
	c.Dir, c.Now = w.dir, w.clock.Now
	var err error
	w.vault, err = vault.Open(w.t.Context(), c)
	must(w.t, err)
	ctx, cancel := context.WithCancel(context.Background())
	var served sync.WaitGroup
	for name, h := range map[string]http.Handler{
		"d": depositsock.Handler(w.vault), "m": membersock.Handler(w.vault), "c": controlsock.Handler(w.vault),
	} {
		// Paths of sockets are short; those of tests aren't.
		l, err := serve.ListenUnix(filepath.Join(w.dir, name), 0o600)
		must(w.t, err)
		served.Go(func() {
			if err := serve.Run(ctx, serve.Config{Listener: l, Handler: h, Drain: time.Millisecond}); err != nil {
				w.t.Error(err)
			}
		})
	}
	w.deposit = depositsock.NewClient(filepath.Join(w.dir, "d"))
	w.desk = membersock.NewClient(filepath.Join(w.dir, "m"))
	w.control = controlsock.NewClient(filepath.Join(w.dir, "c"))
	v := w.vault
	w.stop = sync.OnceFunc(func() {
		cancel()
		served.Wait()
		// Whatever a test did, an auditor finds nothing.
		if _, err := check.Verify(context.Background(), v.LogFile, w.log); err != nil {
			w.t.Error(err)
		}
		if err := v.Close(); err != nil {
			w.t.Error(err)
		}
	})
	w.t.Cleanup(func() { w.stop() })
}

// sealed has the form of an age file, which is all that the vault can know.
func sealed(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return append([]byte("age-encryption.org/v1\n"), b...)
}

// parcel is a deposit as a reporter's side makes it.
type parcel struct {
	lookup  id.Lookup
	of      id.Case
	tag     id.Digest
	objects []object
	wraps   []depositsock.Wrap
	// reporter has its public key sent; nil for none.
	reporter ed25519.PrivateKey
	// named is what the commit names; nil for the objects themselves.
	named []id.Object

	uploads  []depositsock.Uploaded // that the commit names
	uploaded []id.Object            // what they are
	roster   id.Digest              // that the head names; zero for the one in force
}

type object struct {
	role id.Role
	data []byte
}

func (o object) describe() id.Object {
	return id.Object{Role: o.role, Digest: id.DigestOf(o.data), Size: int64(len(o.data))}
}

// newParcel is a first report to the given readers, with a file of so many
// bytes unless that is 0.
func newParcel(file int, readers ...id.Member) parcel {
	var p parcel
	var lookup [32]byte
	rand.Read(lookup[:])
	p.lookup = id.LookupFrom(lookup)
	rand.Read(p.tag[:])
	p.of = id.NewCase()
	p.reporter = ed25519.NewKeyFromSeed(p.tag[:])
	if file > 0 {
		p.objects = append(p.objects, object{id.RoleContent, sealed(file)})
	}
	p.objects = append(p.objects, object{id.RoleLetter, sealed(4000)}, object{id.RoleSummary, sealed(1000)}, object{id.RoleCard, sealed(1000)})
	for _, m := range readers {
		w := depositsock.Wrap{Member: m, Data: sealed(100)}
		rand.Read(w.Salt[:])
		p.wraps = append(p.wraps, w)
	}
	return p
}

// head begins the deposit: sealed by the roster in force, if it is a new case.
func (p parcel) head(w *world) depositsock.DepositHead {
	h := depositsock.DepositHead{Lookup: p.lookup.Hex(), Case: p.of}
	if h.Roster = p.roster; h.Roster.IsZero() && p.of != "" {
		h.Roster = roster.Digest(w.signed)
	}
	if p.reporter != nil {
		h.Reporter = p.reporter[32:]
	}
	return h
}

func (w *world) send(p parcel) (depositsock.DepositAnswer, error) {
	ctx := w.t.Context()
	d, err := w.deposit.Deposit(ctx, p.head(w))
	if err != nil {
		return depositsock.DepositAnswer{}, err
	}
	defer d.Abort()
	c := depositsock.DepositCommit{FormTag: p.tag, Wraps: p.wraps, Objects: slices.Concat(p.named, p.uploaded), Uploads: p.uploads}
	rand.Read(c.Salt[:])
	for _, o := range p.objects {
		ow, err := d.Object(o.role)
		if err == nil {
			_, err = ow.Write(o.data)
		}
		if err == nil {
			err = ow.Close()
		}
		if err != nil {
			return depositsock.DepositAnswer{}, err
		}
		if p.named == nil {
			c.Objects = append(c.Objects, o.describe())
		}
	}
	for n := len(p.wraps); n%8 != 0; n++ {
		var h tlog.Hash
		rand.Read(h[:])
		c.Blinds = append(c.Blinds, h)
	}
	return d.Commit(ctx, c)
}

// statement is one of a member, about now.
func (w *world) statement(m *member, a accesslog.Action, of id.Case) accesslog.Statement {
	s := accesslog.Statement{Log: origin, Action: a, Member: m.id, Case: of, Time: w.clock.Now(), Seen: m.seen}
	rand.Read(s.Nonce[:])
	return s
}

// answer is an answer read to its end.
type answer struct {
	membersock.ActAnswer
	objects map[id.Digest][]byte
}

// ask signs and sends a statement, and checks the proof of its answer.
func (w *world) ask(m *member, s accesslog.Statement, handed ...object) (*answer, error) {
	w.t.Helper()
	signed, err := s.Sign(m.sign)
	must(w.t, err)
	got, err := w.act(signed, handed...)
	if err != nil {
		return nil, err
	}
	seen, err := got.Proof.Check(w.log, m.seen)
	must(w.t, err)
	r, err := accesslog.ParseRecord(got.Proof.Record)
	must(w.t, err)
	if string(r.Statement) != string(signed) {
		w.t.Fatal("the record proven is not that of the statement")
	}
	m.seen = seen
	return got, nil
}

func (w *world) act(signed []byte, handed ...object) (*answer, error) {
	w.t.Helper()
	var in []membersock.Handed
	for _, o := range handed {
		in = append(in, membersock.Handed{Object: o.describe(), Sealed: o.data})
	}
	a, err := w.desk.Act(w.t.Context(), signed, nil, in)
	if err != nil {
		return nil, err
	}
	defer a.Close()
	got := &answer{a.ActAnswer, map[id.Digest][]byte{}}
	for {
		o, r, err := a.Next()
		if errors.Is(err, io.EOF) {
			return got, nil
		}
		must(w.t, err)
		b, err := io.ReadAll(r)
		must(w.t, err)
		if id.DigestOf(b) != o.Digest {
			w.t.Fatal("an object came with other bytes than its digest")
		}
		got.objects[o.Digest] = b
	}
}

// files returns the names of all files below blobs/, sorted.
func (w *world) files() []string {
	w.t.Helper()
	var names []string
	must(w.t, filepath.WalkDir(filepath.Join(w.dir, "blobs"), func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			names = append(names, filepath.Base(path))
		}
		return err
	}))
	slices.Sort(names)
	return names
}

// contains tells whether any file of the vault has the bytes in it.
func (w *world) contains(b []byte) bool {
	w.t.Helper()
	found := false
	must(w.t, filepath.WalkDir(w.dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		found = found || strings.Contains(string(data), string(b))
		return err
	}))
	return found
}

func want(t testing.TB, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Fatalf("got error %v, want %v", got, want)
	}
}
