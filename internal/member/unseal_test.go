package member_test

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/keyfile"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/crypto/seal"
	"suluh.example/suluh/internal/check"
	"suluh.example/suluh/internal/keywitness"
	"suluh.example/suluh/internal/member"
	"suluh.example/suluh/internal/released"
	"suluh.example/suluh/internal/testvault"
	"suluh.example/suluh/vault/membersock"
)

// released reads what a key witness has noted.
func noted(t *testing.T, x *testvault.KeyWitness) []released.Share {
	t.Helper()
	f, err := os.Open(keywitness.ReleasedIn(x.Dir))
	must(t, err)
	defer f.Close()
	all, err := released.Read(f)
	must(t, err)
	return all
}

// unseals counts the records by which a case's shares were asked for.
func unseals(c *member.Case) (n int) {
	for _, e := range c.Access {
		if e.Action == accesslog.Unseal {
			n++
		}
	}
	return n
}

// TestASplitCaseOpensWithItsKeyWitnesses: of three key witnesses two are enough,
// whichever they are; with one nobody reads anything but what lists show.
func TestASplitCaseOpensWithItsKeyWitnesses(t *testing.T) {
	w := testvault.New(t)
	kw := w.KeyWitnesses("itprov", 2, 3)
	f := testvault.Form("itprov")
	evidence := []byte("foto kuitansi")
	code := w.Send(f, testvault.File{Name: "kuitansi.txt", Type: "text/plain", Data: evidence})
	s := open(t, config(t, w, testvault.One))

	i := list(t, s)[0]
	if i.Err != nil || i.Title != "" || i.Category != "korupsi" || i.Split.Need != 2 || len(i.Split.Of) != 3 {
		t.Fatalf("listed: %+v", i)
	}
	c, err := s.Open(t.Context(), i.Case)
	must(t, err)
	if c.Messages[0].Letter.Report.What != f.Report.What || c.Title != f.Report.Title() || len(c.Unopened) != 0 || len(c.Attachments) != 1 {
		t.Fatalf("opened: %+v", c)
	}
	c, err = s.Open(t.Context(), i.Case)
	must(t, err)
	if n := unseals(c); n != 1 {
		t.Errorf("one session has asked %d times for the shares of one case", n)
	}

	// What members write on does not bring the reporter's words into the list.
	must(t, s.Triage(t.Context(), i.Case, member.NewOnce(), member.Triage{Class: "general", Title: "Uang perjalanan"}))
	must(t, s.SetStatus(t.Context(), i.Case, member.NewOnce(), "incomplete", "Kami butuh kuitansi."))
	if i = list(t, s)[0]; i.Title != "" || i.Class != "general" || i.Err != nil {
		t.Errorf("listed afterwards: %+v", i)
	}
	if v := w.Look(code); len(v.Warnings) != 0 || len(v.Messages) != 1 {
		t.Errorf("the reporter sees %+v", v)
	}

	kw[0].Stop()
	two := open(t, config(t, w, testvault.Two))
	c, err = two.Open(t.Context(), i.Case)
	must(t, err)
	if len(c.Messages) != 2 || c.Title != f.Report.Title() || unseals(c) != 2 {
		t.Errorf("without one key witness: %+v", c)
	}

	kw[2].Stop()
	_, err = open(t, config(t, w, testvault.One)).Open(t.Context(), i.Case)
	var no *member.KeyWitnessError
	if !errors.As(err, &no) || !errors.Is(err, member.ErrKeyWitness) || no.Need != 2 || no.Gave != 1 || len(no.Failed) != 2 ||
		no.Failed[0].Witness != kw[0].Member || no.Failed[1].Name != "Saksi Kunci 3" || !errors.Is(no.Failed[1].Err, keywitness.ErrUnreachable) {
		t.Fatalf("with one key witness: %v", err)
	}
	kw[0].Start()
	c, err = open(t, config(t, w, testvault.One)).Open(t.Context(), i.Case)
	must(t, err)
	if !slices.ContainsFunc(c.Access, func(e membersock.AccessEntry) bool { return e.Seq == no.Record && e.Action == accesslog.Open }) {
		t.Error("the opening that failed is not recorded")
	}

	// What the key witnesses have noted is what the log says.
	_, err = w.Vault.Batch(t.Context())
	must(t, err)
	_, err = check.Verify(t.Context(), w.Vault.LogFile, w.Log)
	must(t, err)
	for _, x := range kw {
		for _, r := range noted(t, x) {
			if r.Handle != id.HandleOf(i.Case) || r.Member != testvault.One && r.Member != testvault.Two || strings.Contains(r.Checkpoint, string(i.Case)) {
				t.Errorf("%s noted %+v", x.Member, r)
			}
		}
	}
	if n := len(noted(t, kw[1])); n < 3 {
		t.Errorf("%s noted %d releases", kw[1].Member, n)
	}
}

// TestAWrongShareIsNamed: a key witness that gives what is not of the case is
// named, and keeps nobody from reading with the others' shares.
func TestAWrongShareIsNamed(t *testing.T) {
	w := testvault.New(t)
	kw := w.KeyWitnesses("itprov", 2, 3)
	w.Send(testvault.Form("itprov"))
	kw[1].Stop()
	honest := kw[1].Address
	to, err := seal.ParseRecipient(w.Who[testvault.One].Recipient())
	must(t, err)
	kw[1].Serve(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/state") {
			_, _ = rw.Write([]byte(`{"member":"` + string(kw[1].Member) + `","origin":"","size":0,"roster":"` + strings.Repeat("0", 64) + `"}`))
			return
		}
		k, err := seal.SplitCaseKey("K-AAAA-AAAA-AAAA-AAAA", [32]byte{1}, [32]byte{2}, 1, []seal.KeyWitness{{Member: kw[1].Member, To: to}})
		if err != nil {
			t.Error(err)
		}
		_, shares := k.Shares()
		_, _ = rw.Write([]byte(`{"share":"` + base64.StdEncoding.EncodeToString(shares[0].Sealed) + `"}`))
	}))
	if kw[1].Address != honest {
		t.Fatal("it moved")
	}
	s := open(t, config(t, w, testvault.One))
	of := only(t, s)
	_, err = s.Open(t.Context(), of)
	must(t, err)
	kw[0].Stop()
	_, err = open(t, config(t, w, testvault.One)).Open(t.Context(), of)
	var no *member.KeyWitnessError
	if !errors.As(err, &no) || !slices.ContainsFunc(no.Failed, func(f member.KeyWitnessFailure) bool {
		return f.Witness == kw[1].Member && errors.Is(f.Err, seal.ErrShare)
	}) {
		t.Fatalf("a wrong share: %v", err)
	}
}

// TestASplitCaseIsHandedOn: access that is given, a referral to a unit with or
// without key witnesses of its own, and the recovery sheet.
func TestASplitCaseIsHandedOn(t *testing.T) {
	w := testvault.New(t)
	const keeper id.Member = "pemegang-kunci"
	sheet, err := seal.NewCaseKey()
	must(t, err)
	kw := w.KeyWitnesses("itprov", 1, 1)
	other := w.KeyWitnesses("itjen", 1, 1)
	w.Join(keeper, "Pemegang Kunci", "itprov", roster.Custodian)
	w.Change(func(r *roster.Roster) { r.Units[0].Recovery = sheet.Recipient().String() })
	f := testvault.Form("itprov")
	w.Send(f)
	s := open(t, config(t, w, testvault.One))
	of := only(t, s)
	_, err = s.Open(t.Context(), of)
	must(t, err)

	// The sheet needs no key witness.
	cc := config(t, w, keeper)
	cc.Recovery = sheet.Identities()[0]
	custodian := open(t, cc)
	kw[0].Stop()
	c, err := custodian.Open(t.Context(), of)
	must(t, err)
	if c.Title != f.Report.Title() || unseals(c) != 1 || c.Split.Need != 1 {
		t.Errorf("by the sheet: %+v", c)
	}
	kw[0].Start()

	// A referral hands the split on, to a unit with other key witnesses.
	must(t, s.Refer(t.Context(), of, "itjen", false))
	three := open(t, config(t, w, testvault.Three))
	if i := list(t, three)[0]; i.Split.Need != 1 || i.Split.Of[0] != kw[0].Member || i.Title != "" {
		t.Errorf("referred: %+v", i)
	}
	c, err = three.Open(t.Context(), of)
	must(t, err)
	if c.Title != f.Report.Title() {
		t.Errorf("referred: %+v", c)
	}
	if n := len(noted(t, other[0])); n != 0 {
		t.Errorf("key witnesses of the other unit gave %d shares of a case that isn't split among them", n)
	}
	kw[0].Stop()
	if _, err := open(t, config(t, w, testvault.Three)).Open(t.Context(), of); !errors.Is(err, member.ErrKeyWitness) {
		t.Errorf("without the key witness: %v", err)
	}
}

// TestARemovedKeyWitnessIsStillAsked: cases of before need it.
func TestARemovedKeyWitnessIsStillAsked(t *testing.T) {
	w := testvault.New(t)
	kw := w.KeyWitnesses("itprov", 1, 1)
	w.Send(testvault.Form("itprov"))
	w.Change(func(r *roster.Roster) {
		r.Units[0].KeyWitnesses = nil
		for i := range r.Members {
			if r.Members[i].ID == kw[0].Member {
				r.Members[i].Removed = &w.Day
			}
		}
	})
	s := open(t, config(t, w, testvault.One))
	_, err := s.Open(context.Background(), only(t, s))
	must(t, err)
}

// TestTheOpeningAndTheAskingAreWrittenAtOnce if nobody else came between the list
// and the opening, and else one after the other: each is recorded once, and proven.
func TestTheOpeningAndTheAskingAreWrittenAtOnce(t *testing.T) {
	w := testvault.New(t)
	w.KeyWitnesses("itprov", 1, 1)
	w.Send(testvault.Form("itprov"))
	for name, between := range map[string]func(){
		"nobody":         func() {},
		"another member": func() { list(t, open(t, config(t, w, testvault.Two))) },
	} {
		s := open(t, config(t, w, testvault.One))
		of := only(t, s)
		size := s.Seen().N
		between()
		came := open(t, config(t, w, testvault.Three))
		if name != "nobody" {
			size++
		}
		c, err := s.Open(t.Context(), of)
		must(t, err)
		if list(t, came); came.Seen().N != size+3 { // open, unseal, list
			t.Errorf("%s in between: %d records, before %d", name, came.Seen().N, size)
		}
		if last := c.Access[len(c.Access)-1]; last.Action != accesslog.Unseal || last.Seq != size+1 || c.Access[len(c.Access)-2].Seq != size {
			t.Errorf("%s in between: %+v", name, c.Access)
		}
	}
	// The vault takes no second statement that doesn't go with the first.
	one, other := w.Who[testvault.One], w.Who[testvault.Two]
	s := open(t, config(t, w, testvault.One))
	of := only(t, s)
	seen := s.Seen()
	sign := func(st accesslog.Statement, by *keyfile.Identity, nonce byte) []byte {
		t.Helper()
		st.Log, st.Member, st.Time, st.Seen, st.Nonce = testvault.Origin, by.Member(), time.Now(), seen, [16]byte{nonce, 7}
		msg, err := st.Sign(by.Signer())
		must(t, err)
		return msg
	}
	first := sign(accesslog.Statement{Action: accesslog.Open, Case: of}, one, 1)
	for name, then := range map[string][]byte{
		"of another case":   sign(accesslog.Statement{Action: accesslog.Unseal, Opened: seen.N, Handle: id.HandleOf("K-AAAA-AAAA-AAAA-AAAA")}, one, 2),
		"of another member": sign(accesslog.Statement{Action: accesslog.Unseal, Opened: seen.N, Handle: id.HandleOf(of)}, other, 3),
		"of another action": sign(accesslog.Statement{Action: accesslog.List}, one, 4),
		"without a name":    []byte("x"),
	} {
		if _, err := w.Member.ActWith(t.Context(), membersock.ActHead{Statement: string(first), Then: string(then)}, nil); err == nil {
			t.Errorf("a second statement %s is taken", name)
		}
	}
	if list(t, s); s.Seen().N != seen.N+1 {
		t.Errorf("what was refused is recorded: %d records after %d", s.Seen().N, seen.N)
	}
}

// growing is a vault whose answers can be changed, and of which it is counted how many
// tiles are asked for.
type growing struct {
	*testvault.Liar
	tiles atomic.Int64
}

func (v *growing) LogFile(ctx context.Context, path string) ([]byte, error) {
	if path != "checkpoint" {
		v.tiles.Add(1)
	}
	return v.Liar.LogFile(ctx, path)
}

// TestTheVaultProvesWhatKeyWitnessesWantToSee: how the log has grown since the last
// unseals comes with the answer, so that nothing more is asked for; where it doesn't,
// the tiles tell; and what is false convinces no key witness.
func TestTheVaultProvesWhatKeyWitnessesWantToSee(t *testing.T) {
	w := testvault.New(t)
	w.KeyWitnesses("itprov", 3, 3) // who isn't waited for falls behind, and asks for more than the last unseals
	w.Send(testvault.Form("itprov"))
	v := &growing{Liar: &testvault.Liar{Vault: w.Vault}}
	socket := w.Listen("grown.sock", membersock.Handler(v))
	var of id.Case
	first := func() error {
		c := config(t, w, testvault.One)
		c.Vault = membersock.NewClient(socket)
		s := open(t, c)
		of = only(t, s)
		v.tiles.Store(0)
		_, err := s.Open(t.Context(), of)
		return err
	}
	log := w.Log
	trees, grown := map[int64]tlog.Tree{}, 0
	v.Head = func(a *membersock.ActAnswer) {
		tree, err := accesslog.OpenCheckpoint(a.Proof.Checkpoint, log)
		if err != nil {
			t.Error(err)
		}
		for _, g := range a.Grown {
			old, ok := trees[g.From]
			if err := tlog.CheckTree(tlog.TreeProof(g.Proof), tree.N, tree.Hash, old.N, old.Hash); !ok || err != nil {
				t.Errorf("%d records after %d: %v", tree.N, g.From, err)
			}
		}
		if a.Then == nil && len(a.Grown) > 0 {
			t.Error("who asks for no share learns when others did")
		}
		if grown = max(grown, len(a.Grown)); a.Then != nil {
			trees[tree.N] = tree
		}
	}
	for i := range 6 {
		must(t, first())
		if n := v.tiles.Load(); n > 0 {
			t.Errorf("opening %d: %d tiles were asked for", i+1, n)
		}
	}
	if grown != 4 {
		t.Errorf("the log's growth since %d unseals came", grown)
	}
	v.Head = func(a *membersock.ActAnswer) { a.Grown = nil }
	must(t, first())
	if v.tiles.Load() == 0 {
		t.Error("nothing proved how the log has grown")
	}
	v.Head = func(a *membersock.ActAnswer) {
		for _, g := range a.Grown {
			g.Proof[0][0] ^= 1
		}
	}
	var no *member.KeyWitnessError
	if err := first(); !errors.As(err, &no) || no.Gave != 0 || !errors.Is(no.Failed[0].Err, keywitness.ErrFork) {
		t.Errorf("a false proof: %v", err)
	}
	v.Head = nil
	must(t, first())
}

// counting counts what key witnesses are asked for.
type counting struct {
	mu    sync.Mutex
	asked map[string]int // by endpoint
}

func (c *counting) Allow([]byte) error { return nil }

func (c *counting) RoundTrip(r *http.Request) (*http.Response, error) {
	c.mu.Lock()
	c.asked[path.Base(r.URL.Path)]++
	c.mu.Unlock()
	return http.DefaultTransport.RoundTrip(r)
}

// since returns what was asked since the last time.
func (c *counting) since() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	was := c.asked
	c.asked = map[string]int{}
	return was
}

// TestAKeyWitnessIsAskedOnce: it is greeted when cases are listed, so that an opening
// asks it for its share and for nothing else, whatever others opened meanwhile; and one
// that was away, or was started anew, is found again.
func TestAKeyWitnessIsAskedOnce(t *testing.T) {
	w := testvault.New(t)
	kw := w.KeyWitnesses("itprov", 1, 1)
	w.Send(testvault.Form("itprov"))
	w.Send(testvault.Form("itprov"))
	reads := func(s *member.Session, of id.Case) {
		t.Helper()
		_, err := s.Open(t.Context(), of)
		must(t, err)
	}
	session := func() (*member.Session, *counting, []member.Item) {
		t.Helper()
		c, count := config(t, w, testvault.One), &counting{asked: map[string]int{}}
		c.Outside = count
		s := open(t, c)
		items := list(t, s)
		list(t, s)
		return s, count, items
	}
	greeted := func(count *counting) {
		t.Helper()
		for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
			if got := count.since(); got["state"] > 0 {
				if len(got) != 1 || got["state"] != 1 {
					t.Errorf("listing asks for %v", got)
				}
				return
			}
			if time.Now().After(end) {
				t.Fatal("who lists cases greets nobody")
			}
		}
	}
	s, count, items := session()
	greeted(count)
	for i := range 2 {
		// Another member's opening goes between.
		two := open(t, config(t, w, testvault.Two))
		reads(two, allOf(t, two)[1-i])
		reads(s, items[i].Case)
		if got := count.since(); len(got) != 1 || got["release"] != 1 {
			t.Errorf("opening %d asks for %v", i+1, got)
		}
	}

	// It is started anew between the list and the opening.
	s, count, items = session()
	greeted(count)
	kw[0].Stop()
	kw[0].Start()
	reads(s, items[0].Case)
	if got := count.since(); got["state"] != 0 {
		t.Errorf("after a restart: %v", got)
	}

	// It is away while cases are listed.
	kw[0].Stop()
	s, _, items = session()
	kw[0].Start()
	reads(s, items[0].Case)

	// It is away when one is opened, and is back for the next.
	s, count, items = session()
	greeted(count)
	kw[0].Stop()
	if _, err := s.Open(t.Context(), items[0].Case); !errors.Is(err, member.ErrKeyWitness) {
		t.Errorf("without the key witness: %v", err)
	}
	kw[0].Start()
	reads(s, items[0].Case)

	// A session that ends asks for nothing more.
	s, count, items = session()
	s.Close()
	count.since()
	if _, err := s.Open(t.Context(), items[0].Case); err == nil || len(count.since()) != 0 {
		t.Errorf("after its end: %v", err)
	}
}

// allOf returns the cases of a member's list.
func allOf(t *testing.T, s *member.Session) (all []id.Case) {
	t.Helper()
	for _, i := range list(t, s) {
		all = append(all, i.Case)
	}
	return all
}

// TestTheCheckpointIsKeptBeforeACaseIsShown: key witnesses are asked meanwhile, but
// without that nobody sees what they opened.
func TestTheCheckpointIsKeptBeforeACaseIsShown(t *testing.T) {
	w := testvault.New(t)
	w.KeyWitnesses("itprov", 1, 1)
	w.Send(testvault.Form("itprov"))
	c := config(t, w, testvault.One)
	dir := filepath.Join(t.TempDir(), "identitas")
	must(t, os.Mkdir(dir, 0o700))
	c.Seen = filepath.Join(dir, "satu.seen")
	s := open(t, c)
	of := only(t, s)
	must(t, os.RemoveAll(dir))
	if _, err := s.Open(t.Context(), of); !errors.Is(err, os.ErrNotExist) || s.Recalled(of) != nil {
		t.Errorf("without a place for the checkpoint: %v", err)
	}
	must(t, os.Mkdir(dir, 0o700))
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() {
			if _, err := s.Open(t.Context(), of); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	kept, err := os.ReadFile(c.Seen)
	must(t, err)
	log, err := note.NewVerifier(s.Roster().LogKey)
	must(t, err)
	if tree, err := accesslog.OpenCheckpoint(kept, log); err != nil || tree != s.Seen() {
		t.Errorf("of %d records those of the first %d are kept: %v", s.Seen().N, tree.N, err)
	}
}

// TestACaseThatBreaksOffIsStillUnread: key witnesses may have given their shares by
// then, and nothing of it is shown or kept.
func TestACaseThatBreaksOffIsStillUnread(t *testing.T) {
	w := testvault.New(t)
	kw := w.KeyWitnesses("itprov", 1, 1)
	code := w.Send(testvault.Form("itprov"))
	w.Say(code, strings.Repeat("Masih ada lagi. ", 40<<10))
	w.Say(code, strings.Repeat("Dan ini juga. ", 40<<10))
	var breaks atomic.Bool
	var large atomic.Int32
	socket := w.Listen("putus.sock", membersock.Handler(&testvault.Liar{Vault: w.Vault, Object: func(_ id.Object, data []byte) []byte {
		if breaks.Load() && len(data) > 500<<10 && large.Add(1) == 2 { // its beginning has been sent by then
			panic(http.ErrAbortHandler)
		}
		return data
	}}))
	c := config(t, w, testvault.One)
	c.Vault = membersock.NewClient(socket)
	s := open(t, c)
	of := only(t, s)
	breaks.Store(true)
	if got, err := s.Open(t.Context(), of); err == nil || got != nil || s.Recalled(of) != nil {
		t.Errorf("an answer that broke off: %v", err)
	}
	breaks.Store(false)
	if n := len(noted(t, kw[0])); n != 1 {
		t.Errorf("%d shares were given meanwhile, want 1", n)
	}
	if i := list(t, s)[0]; i.Unread != 3 {
		t.Errorf("%d letters are unread, want 3", i.Unread)
	}
	got, err := s.Open(t.Context(), of)
	must(t, err)
	if len(got.Messages) != 3 || len(got.Unopened) != 0 {
		t.Errorf("opened again: %+v", got)
	}
}
