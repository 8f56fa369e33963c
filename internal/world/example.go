package world

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/BurntSushi/toml"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/sync/errgroup"

	"suluh.example/suluh/crypto/casecode"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/keyfile"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/member"
	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/internal/serve"
	"suluh.example/suluh/internal/submission"
	"suluh.example/suluh/vault"
	"suluh.example/suluh/vault/depositsock"
	"suluh.example/suluh/vault/membersock"
)

//go:embed example.toml
var exampleText string

// examples are the made-up cases. Days count backwards from today.
type examples struct {
	Cases []example `toml:"case"`
}

type example struct {
	Ago      int             `toml:"ago"`
	Unit     id.Unit         `toml:"unit"`
	Without  []id.Member     `toml:"without"`
	Language string          `toml:"language"`
	Category report.Category `toml:"jenis"`
	What     string          `toml:"apa"`
	How      string          `toml:"bagaimana"`
	Who      string          `toml:"siapa"`
	Where    string          `toml:"mana"`
	When     string          `toml:"kapan"`
	Loss     string          `toml:"rugi"`
	Others   string          `toml:"saksi"`
	Files    []struct {
		Name string `toml:"name"`
		Text string `toml:"text"`
	} `toml:"file"`
	Steps []step `toml:"step"`

	code casecode.Code // once it was sent
	of   id.Case
}

// step is what a member does with a case.
type step struct {
	Ago    int           `toml:"ago"`
	By     id.Member     `toml:"by"`
	Do     string        `toml:"do"` // status, reply, note, triage, prepare or approve
	Status report.Status `toml:"status"`
	Class  report.Class  `toml:"class"`
	Title  string        `toml:"title"`
	Text   string        `toml:"text"`
}

func readExamples() (*examples, error) {
	var e examples
	md, err := toml.Decode(exampleText, &e)
	if err != nil {
		return nil, fmt.Errorf("example cases: %w", err)
	}
	if u := md.Undecoded(); len(u) > 0 {
		return nil, fmt.Errorf("example cases: unknown key %q", u[0].String())
	}
	return &e, nil
}

// first returns how many days ago the first of the cases came.
func (e *examples) first() (ago int) {
	for _, c := range e.Cases {
		ago = max(ago, c.Ago)
	}
	return ago
}

// at is a time so many days ago, and a minute, so that what today's steps take
// doesn't reach into the future.
func at(now time.Time, ago int) time.Time { return now.AddDate(0, 0, -ago).Add(-time.Minute) }

// clock is what time it is while the examples are played.
type clock struct{ nano atomic.Int64 }

func (c *clock) now() time.Time  { return time.Unix(0, c.nano.Load()) }
func (c *clock) set(t time.Time) { c.nano.Store(t.UnixNano()) }
func (c *clock) tick()           { c.nano.Add(int64(time.Second)) }

// stage is what the examples are played on: a vault that runs in this process
// under the clock's time.
type stage struct {
	vault      *vault.Vault
	dir        string
	clock      *clock
	zone       *time.Location
	root       note.Verifier
	roster     *roster.Roster
	identities map[id.Member]*keyfile.Identity
	keyWitness http.Handler // nil: there is none
	witnessAt  string       // where the roster says that it answers, host:port
}

// play sends the reports and does what members did with them, day after day,
// through the sockets that the parts use. It returns the codes in the order of
// the cases.
func (e *examples) play(ctx context.Context, s stage) (codes []string, err error) {
	ctx, stop := context.WithCancel(ctx)
	servers, serving := errgroup.WithContext(ctx)
	socket := func(name string, h http.Handler) (string, error) {
		path := filepath.Join(s.dir, "vault", name)
		l, err := serve.ListenUnix(path, 0o600)
		if err != nil {
			return "", fmt.Errorf("listen on %s: %w", name, err)
		}
		servers.Go(func() error { return serve.Run(serving, serve.Config{Listener: l, Handler: h}) })
		return path, nil
	}
	defer func() {
		stop()
		err = errors.Join(err, servers.Wait())
	}()
	deposits, err := socket("deposit.sock", depositsock.Handler(s.vault))
	if err != nil {
		return nil, err
	}
	statements, err := socket("member.sock", membersock.Handler(s.vault))
	if err != nil {
		return nil, err
	}
	if s.keyWitness != nil {
		l, err := net.Listen("tcp", s.witnessAt)
		if err != nil {
			return nil, err
		}
		servers.Go(func() error { return serve.Run(serving, serve.Config{Listener: l, Handler: s.keyWitness}) })
	}
	sender, err := submission.NewSender(depositsock.NewClient(deposits), s.roster, roster.Digest(s.vault.SignedRoster()))
	if err != nil {
		return nil, err
	}
	hours, err := report.DefaultClock()
	if err != nil {
		return nil, err
	}
	sessions := map[id.Member]*member.Session{}
	session := func(m id.Member) (*member.Session, error) {
		if sessions[m] == nil {
			if s.identities[m] == nil {
				return nil, fmt.Errorf("there is no member %s", m)
			}
			opened, err := member.Open(ctx, member.Config{
				Vault: membersock.NewClient(statements), Identity: s.identities[m], Root: s.root, Clock: hours, Now: s.clock.now,
			})
			if err != nil {
				return nil, err
			}
			sessions[m] = opened
		}
		return sessions[m], nil
	}

	now := time.Now()
	for ago := e.first(); ago >= 0; ago-- {
		busy := false // a day on which nothing comes has no batch
		s.clock.set(at(now, ago))
		for i := range e.Cases {
			c := &e.Cases[i]
			if c.Ago == ago {
				if err := c.send(ctx, s, sender); err != nil {
					return nil, fmt.Errorf("case %d: %w", i+1, err)
				}
				busy = true
			}
			for _, step := range c.Steps {
				if step.Ago != ago {
					continue
				}
				by, err := session(step.By)
				if err == nil {
					s.clock.tick()
					err = step.take(ctx, by, c.of)
				}
				if err != nil {
					return nil, fmt.Errorf("case %d: %w", i+1, err)
				}
			}
		}
		if busy && ago > 0 {
			if _, err := s.vault.Batch(ctx); err != nil {
				return nil, err
			}
		}
	}
	for _, c := range e.Cases {
		codes = append(codes, c.code.Reveal())
	}
	return codes, nil
}

func (c *example) send(ctx context.Context, s stage, sender *submission.Sender) error {
	f := submission.Form{
		To: submission.Readers{Unit: c.Unit, Without: c.Without}, Language: c.Language,
		Report: report.Report{
			What: c.What, How: c.How, Who: c.Who, Where: c.Where, When: c.When, Loss: c.Loss, Others: c.Others, Category: c.Category,
		},
	}
	if f.Language == "" {
		f.Language = "id"
	}
	f.Seed = submission.NewSeed()
	sub, err := sender.Begin(ctx, id.DayOf(s.clock.now(), s.zone), f)
	if err != nil {
		return err
	}
	defer sub.Abort()
	for _, file := range c.Files {
		if _, err := sub.Attach(file.Name, "text/plain", strings.NewReader(file.Text)); err != nil {
			return err
		}
		sub.SetHidden(report.HiddenKept) // no photo, so nothing was removed
	}
	if _, err := sub.Commit(ctx); err != nil {
		return err
	}
	if c.code, err = submission.CodeOf(f.Seed, f.To); err != nil {
		return err
	}
	v, err := sender.Look(ctx, c.code)
	if err != nil {
		return err
	}
	c.of = v.Case
	return nil
}

func (s step) take(ctx context.Context, by *member.Session, of id.Case) error {
	if of == "" {
		return errors.New("a step comes before its case")
	}
	switch s.Do {
	case "status":
		if !slices.Contains(report.Settable(), s.Status) {
			return errors.New("a status that nobody can set")
		}
		return by.SetStatus(ctx, of, member.NewOnce(), s.Status, s.Text)
	case "reply":
		return by.Reply(ctx, of, member.NewOnce(), s.Text)
	case "note":
		return by.Note(ctx, of, member.NewOnce(), s.Text)
	case "triage":
		return by.Triage(ctx, of, member.NewOnce(), member.Triage{Class: s.Class})
	case "prepare":
		return by.Prepare(ctx, of, member.NewOnce(), s.Title, s.Text)
	case "approve":
		c, err := by.Open(ctx, of)
		if err != nil {
			return err
		}
		if c.Draft == nil {
			return errors.New("nothing was prepared")
		}
		return by.Approve(ctx, of, member.NewOnce(), c.Draft.Object, false)
	}
	return fmt.Errorf("unknown step %q", s.Do)
}
