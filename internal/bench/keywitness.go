package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/keyfile"
	"suluh.example/suluh/crypto/roster"
	members "suluh.example/suluh/internal/member"
	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/internal/submission"
	"suluh.example/suluh/internal/world"
	"suluh.example/suluh/vault/depositsock"
	"suluh.example/suluh/vault/membersock"
)

// reading is what a list is looked at for before a case is opened, at least: what the
// list has begun has ended by then.
const reading = 20 * time.Millisecond

// opener is a member who opens a new case each time: the records of its earlier openings,
// of which there are more with a key witness, would be shown with a case.
type opener struct {
	world.Member
	of             id.Case
	before         map[id.Case]bool
	sessions, desk []time.Duration
}

// openings measures what a member waits for who opens a case for the first time in a
// session, of a unit with a key witness and of one without, in turns.
func (b *bench) openings() (err error) {
	w, err := world.Start(b.ctx, world.Config{Bin: b.bin, Dir: filepath.Join(b.dir, "keywitness"), Bare: true, KeyWitnessAddr: "127.0.0.1:0"})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Stop()) }()
	signed, err := membersock.NewClient(w.MemberSocket()).Roster(b.ctx)
	if err != nil {
		return err
	}
	root, err := rootOf(w)
	if err != nil {
		return err
	}
	r, err := roster.Parse(signed, root)
	if err != nil {
		return err
	}
	sender, err := submission.NewSender(depositsock.NewClient(w.DepositSocket()), r, roster.Digest(signed))
	if err != nil {
		return err
	}
	var all []*opener
	for _, name := range []id.Member{"penelaah-satu", "penelaah-pusat"} {
		all = append(all, &opener{Member: w.Members[slices.IndexFunc(w.Members, func(m world.Member) bool { return m.ID == name })], before: map[id.Case]bool{}})
	}
	for range 9 * b.rounds { // a key witness gives no more than 60 shares at once
		for _, o := range all {
			f := submission.Form{To: submission.Readers{Unit: o.Unit}, Report: text(), Language: "id"}
			f.Seed = submission.NewSeed()
			sub, err := sender.Begin(b.ctx, r.Day, f)
			if err != nil {
				return err
			}
			if _, err := sub.Commit(b.ctx); err != nil {
				return err
			}
			if err := errors.Join(o.bySession(b, w, root), o.byDesk(w)); err != nil {
				return fmt.Errorf("%s: %w", o.ID, err)
			}
		}
	}
	alone, split := all[0], all[1]
	for _, x := range []struct {
		what        string
		alone, with time.Duration
	}{
		{"a session's first opening of a case with a key witness", median(alone.sessions), median(split.sessions)},
		{"the desk's page of it", median(alone.desk), median(split.desk)},
	} {
		b.add(row{x.what, short(x.with), "without: " + short(x.alone), ratio(float64(x.with) / float64(x.alone)), "1.30 at most"})
	}
	return nil
}

func rootOf(w *world.World) (note.Verifier, error) {
	vkey, err := os.ReadFile(w.RootKey())
	if err != nil {
		return nil, err
	}
	return note.NewVerifier(strings.TrimSpace(string(vkey)))
}

// bySession opens the case in a session that has opened nothing yet.
func (o *opener) bySession(b *bench, w *world.World, root note.Verifier) error {
	sealed, err := os.ReadFile(o.IdentityFile)
	if err != nil {
		return err
	}
	i, err := keyfile.Open(sealed, o.Passphrase)
	if err != nil {
		return err
	}
	clock, err := report.DefaultClock()
	if err != nil {
		return err
	}
	s, err := members.Open(b.ctx, members.Config{Vault: membersock.NewClient(w.MemberSocket()), Identity: i, Root: root, Clock: clock})
	if err != nil {
		return err
	}
	defer s.Close()
	items, err := s.List(b.ctx)
	if err != nil {
		return err
	}
	for _, i := range items {
		if !o.before[i.Case] {
			o.of, o.before[i.Case] = i.Case, true
		}
	}
	time.Sleep(reading)
	began := time.Now()
	if _, err := s.Open(b.ctx, o.of); err != nil {
		return err
	}
	o.sessions = append(o.sessions, time.Since(began))
	return nil
}

// byDesk opens it at the desk, just unlocked.
func (o *opener) byDesk(w *world.World) error {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	browser := &http.Client{Jar: jar}
	base := strings.TrimSuffix(w.Desk, "/")
	took := time.Duration(0)
	for _, ask := range []func() (*http.Response, error){
		func() (*http.Response, error) {
			return browser.PostForm(base+"/buka", url.Values{"anggota": {string(o.ID)}, "sandi": {o.Passphrase}})
		},
		func() (*http.Response, error) { return browser.Get(base + "/kasus/" + string(o.of)) },
	} {
		time.Sleep(reading)
		began := time.Now()
		r, err := ask()
		if err != nil {
			return err
		}
		page, err := io.ReadAll(r.Body)
		if err := errors.Join(err, r.Body.Close()); err != nil {
			return err
		}
		if took = time.Since(began); r.StatusCode != http.StatusOK || strings.Contains(string(page), `name="sandi"`) {
			return fmt.Errorf("the desk answers %s, and has no case", r.Status)
		}
	}
	o.desk = append(o.desk, took)
	return nil
}
