package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"mime/multipart"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"filippo.io/age"

	"suluh.example/suluh/crypto/casecode"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/seal"
	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/internal/submission"
	"suluh.example/suluh/vault/depositsock"
)

// load is what some clients did in a while.
type load struct {
	rate  float64       // a second
	cpu   time.Duration // processor time of each
	parts string        // of which processes
	times []time.Duration
}

func (l load) at(percent int) time.Duration { return l.times[(len(l.times)-1)*percent/100] }

func (l load) spread() string {
	return fmt.Sprintf("p50 %s, p99 %s", short(l.at(50)), short(l.at(99)))
}

func short(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d)/1e6) }

// during lets clients do something again and again for a while, each one after
// the other.
func (b *bench) during(clients int, do func(client int) error) (load, error) {
	var mu sync.Mutex
	var l load
	var failed error
	var wg sync.WaitGroup
	began := time.Now()
	for c := range clients {
		wg.Go(func() {
			var times []time.Duration
			var err error
			for err == nil && time.Since(began) < b.phase && b.ctx.Err() == nil {
				t := time.Now()
				if err = do(c); err == nil {
					times = append(times, time.Since(t))
				}
			}
			mu.Lock()
			defer mu.Unlock()
			l.times, failed = append(l.times, times...), errors.Join(failed, err)
		})
	}
	wg.Wait()
	if failed == nil {
		failed = b.ctx.Err()
	}
	if failed != nil {
		return l, failed
	}
	l.rate = float64(len(l.times)) / time.Since(began).Seconds()
	slices.Sort(l.times)
	return l, nil
}

// middle is the round with the median rate.
func middle(all []load) load {
	s := slices.SortedFunc(slices.Values(all), func(x, y load) int { return int(x.rate - y.rate) })
	return s[len(s)/2]
}

// text is a report of the length that people write.
func text() report.Report {
	return report.Report{
		Category: report.Categories()[0],
		What:     strings.Repeat("Barang yang dibayar tidak pernah dikirim ke kantor. ", 12),
		How:      strings.Repeat("Kuitansi dibuat dua kali dengan tanggal yang sama. ", 6),
		Who:      "kepala seksi dan bendahara", Where: "kantor dinas", When: "Maret sampai Mei",
	}
}

// reports measures deposits and status checks.
func (b *bench) reports() error {
	in, err := b.newInstance("reports", 1, 3, 0)
	if err != nil {
		return err
	}
	vault, err := in.vault()
	if err != nil {
		return err
	}
	defer vault.stop() //nolint:errcheck // stopped below unless something failed before
	intake, err := in.intake()
	if err != nil {
		return err
	}
	defer intake.stop() //nolint:errcheck // likewise
	alone, err := in.sealer()
	if err != nil {
		return err
	}
	client := depositsock.NewClient(in.socket("deposit.sock"))
	sender, err := submission.NewSender(client, in.roster, in.signed)
	if err != nil {
		return err
	}
	f := &form{in: in, url: intake.url, http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
	here := taker{name: "sealing and the socket's client", pid: os.Getpid()}
	phone := taker{name: "beside it the sender", pid: os.Getpid(), beside: true}
	pages, store := taker{name: "intake", pid: intake.cmd.Process.Pid}, taker{name: "the vault", pid: vault.cmd.Process.Pid}
	for _, clients := range []int{1, 8, 32} {
		var sealing, socket, page []load
		for range b.rounds {
			for _, m := range []struct {
				into *[]load
				by   []taker
				do   func(int) error
			}{
				{&sealing, []taker{here}, func(int) error { return alone() }},
				{&socket, []taker{here, store}, func(int) error { return deposit(b.ctx, sender, in.roster.Day) }},
				{&page, []taker{pages, store, phone}, func(int) error { return f.send(b.ctx) }},
			} {
				before, err := cpuOfAll(m.by)
				if err != nil {
					return err
				}
				l, err := b.during(clients, m.do)
				if err != nil {
					return err
				}
				after, err := cpuOfAll(m.by)
				if err != nil {
					return err
				}
				l.take(m.by, before, after)
				*m.into = append(*m.into, l)
			}
		}
		s := middle(sealing)
		for _, m := range []struct {
			what string
			l    load
		}{{"sealed and deposited over the vault's socket", middle(socket)}, {"sent as a form to intake", middle(page)}} {
			b.add(row{
				fmt.Sprintf("text reports %s, %d at once", m.what, clients),
				fmt.Sprintf("%.0f/s, %s, %s of processor time each (%s)", m.l.rate, m.l.spread(), short(m.l.cpu), m.l.parts),
				fmt.Sprintf("sealing alone: %.0f/s, %s", s.rate, short(s.cpu)),
				fmt.Sprintf("%s; by processor time %s", ratio(m.l.rate/s.rate), ratio(float64(s.cpu)/float64(m.l.cpu))), "0.8",
			})
		}
	}
	for _, clients := range []int{1, 8, 32} {
		l, err := b.during(clients, func(int) error { return f.look(b.ctx) })
		if err != nil {
			return err
		}
		b.add(row{fmt.Sprintf("status checks on intake's page, %d at once", clients), fmt.Sprintf("%.0f/s, %s", l.rate, l.spread()), "", "", ""})
	}
	return errors.Join(intake.stop(), vault.stop())
}

// taker is a process that takes processor time. A reporter's, beside the others,
// doesn't count: it shares the cores with the server here, and nowhere else.
type taker struct {
	name   string
	pid    int
	beside bool
}

func cpuOfAll(by []taker) (all []time.Duration, err error) {
	for _, t := range by {
		d, e := cpuOf(t.pid)
		all, err = append(all, d), errors.Join(err, e)
	}
	return all, err
}

// take notes the processor time that processes took for what was done.
func (l *load) take(by []taker, before, after []time.Duration) {
	var parts []string
	for i, t := range by {
		d := (after[i] - before[i]) / time.Duration(len(l.times))
		parts = append(parts, t.name+" "+short(d))
		if !t.beside {
			l.cpu += d
		}
	}
	l.parts = strings.Join(parts, ", ")
}

// sealer returns what does all the sealing of a report, and nothing else: two
// keys, three documents, a wrap for each reader.
func (in *instance) sealer() (func() error, error) {
	unit := in.roster.Units[0]
	var to []age.Recipient
	for _, s := range append([]string{unit.Recovery}, in.recipients()...) {
		r, err := seal.ParseRecipient(s)
		if err != nil {
			return nil, err
		}
		to = append(to, r)
	}
	said := text()
	return func() error {
		var seed [32]byte
		rand.Read(seed[:])
		key, err := seal.CaseKeyFromSeed(seed)
		if err != nil {
			return err
		}
		code, err := casecode.New()
		if err != nil {
			return err
		}
		reporter, err := code.Identity()
		if err != nil {
			return err
		}
		of, answers := id.NewCase(), reporter.Recipient().String()
		letter, err := report.Encode(report.Letter{
			V: 1, Case: of, Day: in.roster.Day, Language: "id", Unit: unit.ID, Reporter: answers, Report: &said,
		})
		if err != nil {
			return err
		}
		summary, err := report.Encode(report.Summary{
			V: 1, Case: of, Day: in.roster.Day, Language: "id", Unit: unit.ID, Reporter: answers, Category: said.Category, Title: said.Title(),
		})
		if err != nil {
			return err
		}
		if _, err = seal.SealDocument(letter, seal.DocumentFloor, key.Recipient()); err != nil {
			return err
		}
		if _, err = seal.SealDocument(summary, seal.SummaryFloor, key.Recipient()); err != nil {
			return err
		}
		for _, r := range to {
			if _, err = key.Wrap(r); err != nil {
				return err
			}
		}
		_, err = seal.SealCard(seal.Card{Case: of, Unit: unit.ID, Recipient: key.Recipient().String(), Day: in.roster.Day}, reporter.Recipient(), code.MACKey())
		return err
	}, nil
}

func (in *instance) recipients() (all []string) {
	for _, m := range in.roster.Members {
		if m.Unit == in.roster.Units[0].ID {
			all = append(all, m.Recipient)
		}
	}
	return all
}

// deposit seals a report here, as intake does, and hands it to the vault.
func deposit(ctx context.Context, s *submission.Sender, day id.Day) error {
	f := submission.Form{To: submission.Readers{Unit: s.Roster().Units[0].ID}, Report: text(), Language: "id"}
	f.Seed = submission.NewSeed()
	sub, err := s.Begin(ctx, day, f)
	if err != nil {
		return err
	}
	defer sub.Abort()
	_, err = sub.Commit(ctx)
	return err
}

// form fills in intake's pages.
type form struct {
	in   *instance
	url  string
	http *http.Client

	mu    sync.Mutex
	codes []casecode.Code // of what was sent
}

// fields are those of the check page, files apart.
func (f *form) fields(w *multipart.Writer, seed submission.Seed) error {
	r := text()
	fields := [][2]string{
		{"sekali", seed.Hex()},
		{"unit", string(f.in.roster.Units[0].ID)},
		{"jenis", string(r.Category)},
		{"apa", r.What},
		{"bagaimana", r.How},
		{"siapa", r.Who},
		{"mana", r.Where},
		{"kapan", r.When},
	}
	for _, m := range f.in.roster.Readers(f.in.roster.Units[0].ID, nil) {
		fields = append(fields, [2]string{"pembaca", string(m.ID)})
	}
	for _, field := range fields {
		if err := w.WriteField(field[0], field[1]); err != nil {
			return err
		}
	}
	return nil
}

// send sends a report and checks that the answer is its code.
func (f *form) send(ctx context.Context) error {
	seed := submission.NewSeed()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	if err := errors.Join(f.fields(w, seed), w.Close()); err != nil {
		return err
	}
	return f.received(seed, func() (*http.Response, error) { return f.post(ctx, "lapor/kirim", w.FormDataContentType(), &body) })
}

// received checks that an answer shows the code of what was sent.
func (f *form) received(seed submission.Seed, do func() (*http.Response, error)) error {
	code, err := submission.CodeOf(seed, submission.Readers{Unit: f.in.roster.Units[0].ID})
	if err != nil {
		return err
	}
	r, err := do()
	if err != nil {
		return err
	}
	page, err := io.ReadAll(r.Body)
	if err := errors.Join(err, r.Body.Close()); err != nil {
		return err
	}
	for _, word := range code.Words() {
		if r.StatusCode != http.StatusOK || !bytes.Contains(page, []byte(word)) {
			return fmt.Errorf("status %s instead of a code", r.Status)
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.codes = append(f.codes, code)
	return nil
}

// look asks for the status of a report that was sent, whichever.
func (f *form) look(ctx context.Context) error {
	f.mu.Lock()
	code := f.codes[mathrand.IntN(len(f.codes))]
	f.mu.Unlock()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	if err := errors.Join(w.WriteField("kode", code.Reveal()), w.Close()); err != nil {
		return err
	}
	r, err := f.post(ctx, "cek", w.FormDataContentType(), &body)
	if err != nil {
		return err
	}
	page, err := io.ReadAll(r.Body)
	if err := errors.Join(err, r.Body.Close()); err != nil {
		return err
	}
	// Only the page of a case has the form of a reply.
	if r.StatusCode != http.StatusOK || !bytes.Contains(page, []byte("/cek/balas")) {
		return fmt.Errorf("status %s instead of a case", r.Status)
	}
	return nil
}

func (f *form) post(ctx context.Context, path, kind string, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, f.url+path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", kind)
	return f.http.Do(req)
}
