package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"suluh.example/suluh/crypto/casecode"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/keyfile"
	"suluh.example/suluh/internal/member"
	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/internal/reporter"
	"suluh.example/suluh/internal/submission"
	"suluh.example/suluh/vault/depositsock"
	"suluh.example/suluh/vault/membersock"
)

// What is counted.
const (
	verified = "verifications"
	records  = "records"
	opened   = "cases opened by members meanwhile"
	looked   = "look-ups by code"
	guessed  = "unknown codes"
	tried    = "attempts to send"
	broken   = "uploads broken off"
	through  = "reports received through the onion service"
)

const unit id.Unit = "itprov"

// sent is a report that somebody tries to send until it is received, or gives up.
type sent struct {
	seed     submission.Seed
	mark     string // in its text
	file     []byte // SHA-256 of its attachment, or nil
	received bool
}

func (x *sent) code() (casecode.Code, error) {
	return submission.CodeOf(x.seed, submission.Readers{Unit: unit})
}

// ledger is what reporters know.
type ledger struct {
	mu  sync.Mutex
	all []*sent
}

func (l *ledger) add(x *sent) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, x)
}

func (l *ledger) receive(x *sent) {
	l.mu.Lock()
	defer l.mu.Unlock()
	x.received = true
}

func (l *ledger) received() (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, x := range l.all {
		if x.received {
			n++
		}
	}
	return n
}

// any returns one that was received, or nil.
func (l *ledger) any() *sent {
	l.mu.Lock()
	defer l.mu.Unlock()
	for range 8 {
		if len(l.all) == 0 {
			return nil
		}
		if x := l.all[mathrand.IntN(len(l.all))]; x.received {
			return x
		}
	}
	return nil
}

// find looks for each report as a member, and by its code. One that was received
// is there exactly once and whole; one whose sender gave up is there once or not.
func (l *ledger) find(ctx context.Context, m *member.Session, s *soak) error {
	items, err := m.List(ctx)
	if err != nil {
		return fmt.Errorf("list: %w", err)
	}
	there := map[string]int{}
	files := map[string][]byte{}
	for _, i := range items {
		c, err := m.Open(ctx, i.Case)
		if err != nil {
			return fmt.Errorf("open: %w", err)
		}
		if len(c.Unopened) > 0 || len(c.Messages) == 0 || c.Messages[0].Letter == nil {
			s.failed.add(errors.New("a case can't be opened whole"))
			continue
		}
		mark := c.Messages[0].Letter.Report.What
		there[mark]++
		for _, a := range c.Attachments {
			_, r, err := m.Attachment(ctx, i.Case, a.Number)
			if err != nil {
				s.failed.add(fmt.Errorf("an attachment: %w", err))
				continue
			}
			h := sha256.New()
			if _, err := io.Copy(h, r); err != nil {
				s.failed.add(fmt.Errorf("an attachment: %w", err))
			}
			r.Close()
			files[mark] = h.Sum(nil)
		}
	}
	sender, err := s.sender(ctx, s.w.Intake, "")
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, x := range l.all {
		switch n := there[x.mark]; {
		case n > 1:
			s.failed.add(errors.New("a report is there twice"))
		case n == 0 && x.received:
			s.failed.add(errors.New("a report that was received is lost"))
		case x.received && !bytes.Equal(files[x.mark], x.file):
			s.failed.add(errors.New("an attachment that was received is lost, or another"))
		}
		if !x.received {
			continue
		}
		code, err := x.code()
		if err != nil {
			return err
		}
		if v, err := sender.Look(ctx, code); err != nil || len(v.Warnings) > 0 {
			s.failed.add(fmt.Errorf("a report that was received can't be found by its code: %w", err))
		}
	}
	return nil
}

// sender is a reporter's own computer, which reaches intake at an address, by a
// proxy if there is one.
func (s *soak) sender(ctx context.Context, address, socks string) (*submission.Sender, error) {
	service, err := reporter.Connect(ctx, address, socks, s.root, time.Now())
	if err != nil {
		return nil, err
	}
	return service.Sender, nil
}

// Reporters who have a number of their own.
const (
	byForm  = 0 // without JavaScript
	byOnion = 3
)

// reporter sends reports, one after the other, and looks at what was sent. After
// an error the same report is sent again, as people do, or given up.
func (s *soak) reporter(ctx context.Context, number int) error {
	var sender *submission.Sender
	browser := &http.Client{Timeout: 20 * time.Second}
	for ctx.Err() == nil {
		if sender == nil {
			address, socks := s.w.Intake, ""
			if number == byOnion {
				address, socks = s.onion.address, s.onion.network.Socks
			}
			var err error
			if sender, err = s.sender(ctx, address, socks); err != nil {
				wait(ctx, 100*time.Millisecond)
				continue
			}
		}
		x := &sent{seed: submission.NewSeed(), mark: "Soak " + rand.Text()}
		var file []byte
		if mathrand.IntN(3) == 0 {
			file = make([]byte, 1+mathrand.IntN(300<<10))
			rand.Read(file)
			sum := sha256.Sum256(file)
			x.file = sum[:]
		}
		s.ledger.add(x)
		for try := 0; ctx.Err() == nil && try < 40; try++ {
			s.counts.add(tried, 1)
			send := s.seal
			if number == byForm {
				send = s.page
			}
			// An attempt ends by itself: once the time is up, what was received then
			// must be known to have been.
			attempt, stop := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
			err := send(attempt, sender, browser, x, file)
			stop()
			if err == nil {
				s.ledger.receive(x)
				if number == byOnion {
					s.counts.add(through, 1)
				}
				break
			}
			if mathrand.IntN(20) == 0 {
				break // gives up
			}
			wait(ctx, time.Duration(50+mathrand.IntN(200))*time.Millisecond)
		}
		if y := s.ledger.any(); y != nil {
			s.look(ctx, sender, y)
		}
		if mathrand.IntN(4) == 0 {
			s.breakOff(ctx, sender)
		}
		wait(ctx, 200*time.Millisecond)
	}
	return nil
}

// form is the report as the form's fields say it.
func form(x *sent) submission.Form {
	return submission.Form{
		Seed: x.seed, To: submission.Readers{Unit: unit}, Language: "id",
		Report: report.Report{Category: report.Categories()[0], What: x.mark, Who: "bendahara"},
	}
}

// seal sends a report that is sealed on the reporter's side.
func (s *soak) seal(ctx context.Context, sender *submission.Sender, _ *http.Client, x *sent, file []byte) error {
	sub, err := sender.Begin(ctx, id.DayOf(time.Now(), time.Local), form(x))
	if err != nil {
		return err
	}
	defer sub.Abort()
	if file != nil {
		if _, err := sub.Attach("bukti.bin", "application/octet-stream", bytes.NewReader(file)); err != nil {
			return err
		}
	}
	_, err = sub.Commit(ctx)
	return err
}

// page sends a report with intake's form.
func (s *soak) page(ctx context.Context, _ *submission.Sender, browser *http.Client, x *sent, file []byte) error {
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	errs := []error{
		w.WriteField("sekali", x.seed.Hex()), w.WriteField("unit", string(unit)),
		w.WriteField("apa", x.mark), w.WriteField("siapa", "bendahara"),
	}
	for _, m := range s.w.Members {
		if m.Unit == unit {
			errs = append(errs, w.WriteField("pembaca", string(m.ID)))
		}
	}
	if file != nil {
		part, err := w.CreateFormFile("berkas", "bukti.bin")
		if err == nil {
			_, err = part.Write(file)
		}
		errs = append(errs, err)
	}
	if err := errors.Join(append(errs, w.Close())...); err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(s.w.Intake, "/")+"/lapor/kirim", &body)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", w.FormDataContentType())
	r, err := browser.Do(req)
	if err != nil {
		return err
	}
	page, err := io.ReadAll(r.Body)
	if err := errors.Join(err, r.Body.Close()); err != nil {
		return err
	}
	code, err := x.code()
	if err != nil {
		return err
	}
	for _, word := range code.Words() {
		if r.StatusCode != http.StatusOK || !bytes.Contains(page, []byte(">"+word+"<")) {
			return fmt.Errorf("status %s instead of a code", r.Status)
		}
	}
	return nil
}

// look asks for a status. A report that was received is found, or nothing answers.
func (s *soak) look(ctx context.Context, sender *submission.Sender, x *sent) {
	code, err := x.code()
	if err != nil {
		s.failed.add(err)
		return
	}
	_, err = sender.Look(ctx, code)
	switch {
	case err == nil:
		s.counts.add(looked, 1)
	case errors.Is(err, depositsock.ErrUnknown):
		s.failed.add(errors.New("a report that was received was not found by its code"))
	}
}

// breakOff begins an upload and goes away.
func (s *soak) breakOff(ctx context.Context, sender *submission.Sender) {
	x := &sent{seed: submission.NewSeed(), mark: "putus"}
	sub, err := sender.Begin(ctx, id.DayOf(time.Now(), time.Local), form(x))
	if err != nil {
		return
	}
	_, _ = sub.Attach("besar.bin", "", io.LimitReader(rand.Reader, 1+mathrand.Int64N(400<<10)))
	sub.Abort()
	s.counts.add(broken, 1)
}

// guessRest looks up what is left of the unknown codes, as fast as they go.
func (s *soak) guessRest(ctx context.Context) error {
	if s.counts.of(guessed) < s.unknown {
		s.say("%d unknown codes are left to look up", s.unknown-s.counts.of(guessed))
	}
	var g errgroup.Group
	for range 8 {
		g.Go(func() error { return s.guesser(ctx) })
	}
	return errors.Join(g.Wait(), ctx.Err())
}

// guesser looks up codes that nobody has.
func (s *soak) guesser(ctx context.Context) error {
	client := depositsock.NewClient(s.w.DepositSocket())
	for ctx.Err() == nil && s.counts.of(guessed) < s.unknown {
		var b [32]byte
		rand.Read(b[:])
		l := id.LookupFrom(b)
		switch _, err := client.Lookup(ctx, l); {
		case errors.Is(err, depositsock.ErrUnknown):
			s.counts.add(guessed, 1)
		case err == nil:
			s.failed.add(errors.New("an unknown code was known"))
		default:
			wait(ctx, 20*time.Millisecond)
		}
	}
	return nil
}

// identity unlocks a reader's keys.
func (s *soak) identity() (*keyfile.Identity, error) {
	for _, m := range s.w.Members {
		if m.Unit == unit {
			sealed, err := os.ReadFile(m.IdentityFile)
			if err != nil {
				return nil, err
			}
			return keyfile.Open(sealed, m.Passphrase)
		}
	}
	return nil, errors.New("nobody reads the unit's cases")
}

// session is a member's, of whom it keeps nothing.
func (s *soak) session(ctx context.Context, socket string, now func() time.Time) (*member.Session, error) {
	who, err := s.identity()
	if err != nil {
		return nil, err
	}
	clock, err := report.DefaultClock()
	if err != nil {
		return nil, err
	}
	return member.Open(ctx, member.Config{Vault: membersock.NewClient(socket), Identity: who, Root: s.root, Clock: clock, Now: now})
}

// member opens cases, in one session as long as nothing is wrong with the log:
// what was seen once must stay.
func (s *soak) member(ctx context.Context) error {
	var m *member.Session
	var items []member.Item
	for n := 0; ctx.Err() == nil; n++ {
		var err error
		if m == nil {
			if m, err = s.session(ctx, s.w.MemberSocket(), nil); err != nil {
				m = nil
				wait(ctx, 100*time.Millisecond)
				continue
			}
			defer m.Close()
		}
		if n%10 == 0 || len(items) == 0 {
			var all []member.Item
			if all, err = m.List(ctx); err == nil {
				items = all
			}
		} else if _, err = m.Open(ctx, items[mathrand.IntN(len(items))].Case); err == nil {
			s.counts.add(opened, 1)
		}
		if errors.Is(err, member.ErrFork) || errors.Is(err, member.ErrTampered) {
			s.failed.add(fmt.Errorf("a member's view of the log: %w", err))
			return nil
		}
		wait(ctx, 50*time.Millisecond)
	}
	return nil
}

// vaultDir is where the instance's vault lies.
func (s *soak) vaultDir() string { return filepath.Join(s.w.Dir, "vault") }
