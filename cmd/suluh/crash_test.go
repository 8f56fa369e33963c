package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"suluh.example/suluh/crypto/casecode"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/keyfile"
	"suluh.example/suluh/internal/member"
	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/internal/submission"
	"suluh.example/suluh/internal/textbrowser"
	"suluh.example/suluh/internal/world"
	"suluh.example/suluh/vault/depositsock"
	"suluh.example/suluh/vault/membersock"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// suluh runs a command of the program to its end and returns what it prints.
func suluh(t testing.TB, args ...string) string {
	t.Helper()
	out, err := exec.Command(program(t), args...).CombinedOutput()
	if err != nil {
		t.Fatalf("suluh %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// sessionOf is a member's session with the world's vault.
func sessionOf(t testing.TB, w *world.World, m id.Member) *member.Session {
	t.Helper()
	for _, x := range w.Members {
		if x.ID != m {
			continue
		}
		sealed, err := os.ReadFile(x.IdentityFile)
		must(t, err)
		i, err := keyfile.Open(sealed, x.Passphrase)
		must(t, err)
		vkey, err := os.ReadFile(w.RootKey())
		must(t, err)
		root, err := note.NewVerifier(strings.TrimSpace(string(vkey)))
		must(t, err)
		clock, err := report.DefaultClock()
		must(t, err)
		s, err := member.Open(t.Context(), member.Config{Vault: membersock.NewClient(w.MemberSocket()), Identity: i, Root: root, Clock: clock})
		must(t, err)
		t.Cleanup(s.Close)
		return s
	}
	t.Fatalf("no member %s", m)
	return nil
}

// sent is a report that somebody tried to send. What is attached follows from
// the seed.
type sent struct {
	seed submission.Seed
	size int
}

func (s sent) text() string { return "uji " + s.seed.Hex()[:16] }

func (s sent) file() []byte {
	seed := s.seed.Reveal()
	return bytes.Repeat(seed[:], s.size/len(seed))
}

func (s sent) code(t testing.TB) casecode.Code {
	t.Helper()
	code, err := submission.CodeOf(s.seed, submission.Readers{Unit: "itprov"})
	must(t, err)
	return code
}

// send sends a report from a check page, and tells whether it was received.
func (s sent) send(check *textbrowser.Page) (received bool, err error) {
	page, err := check.TryPress("Kirim laporan", map[string]string{"sekali": s.seed.Hex(), "apa": s.text()},
		textbrowser.File{Field: "berkas", Name: "bukti.bin", Body: bytes.NewReader(s.file())})
	if err != nil {
		return false, err
	}
	if page.Status != http.StatusOK || len(page.Items("code")) != casecode.Len {
		return false, fmt.Errorf("page %q instead of the code", page.Heading())
	}
	return true, nil
}

// upload sends a report that is sealed here, its file piece by piece, and tells
// whether it was received. Broke is told of each connection that broke.
func (s sent) upload(ctx context.Context, sender *submission.Sender, day id.Day, broke func()) bool {
	sub, err := sender.Begin(ctx, day, submission.Form{
		Seed: s.seed, To: submission.Readers{Unit: "itprov"}, Report: report.Report{What: s.text()}, Language: "id",
	})
	if err != nil {
		return false
	}
	defer sub.Abort()
	file := s.file()
	if err := sub.AttachFile(ctx, "bukti.bin", "", int64(len(file)), bytes.NewReader(file), depositsock.Watch{Waiting: broke}); err != nil {
		return false
	}
	_, err = sub.Commit(ctx)
	return err == nil
}

// outside is a sender on the reporter's device, who reaches intake alone.
func outside(t *testing.T, w *world.World) (*submission.Sender, id.Day) {
	t.Helper()
	rt := &http.Transport{}
	t.Cleanup(rt.CloseIdleConnections)
	c, err := depositsock.NewClientAt(w.Intake, rt)
	must(t, err)
	proof, err := c.RosterProof(t.Context())
	must(t, err)
	vkey, err := os.ReadFile(w.RootKey())
	must(t, err)
	root, err := note.NewVerifier(strings.TrimSpace(string(vkey)))
	must(t, err)
	r, digest, err := submission.CheckRoster(proof, root, id.DayOf(time.Now(), time.UTC))
	must(t, err)
	s, err := submission.NewSender(c, r, digest)
	must(t, err)
	return s, r.Day
}

// TestReceivedMeansReceived kills the vault or intake at random a hundred times
// while forms with files come in, and reports whose files come piece by piece and
// go on where they broke. Every report that was received is there and
// whole, for the reporter and for a member; of the others nothing half is left;
// and the log verifies.
func TestReceivedMeansReceived(t *testing.T) {
	const kills, writers = 100, 3
	w := start(t, io.Discard)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var mu sync.Mutex
	received := map[string]sent{}
	tried := 0
	var wg sync.WaitGroup
	for range writers {
		check := textbrowser.New(t).Get(w.Intake+"lapor/tulis").Press("Lanjut", map[string]string{"unit": "itprov", "apa": "uji"})
		wg.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				// Every other one is large enough for a file of its own.
				s := sent{size: 64 + n%2*400_000}
				s.seed = submission.NewSeed()
				ok, err := s.send(check)
				if err != nil {
					time.Sleep(time.Millisecond) // nobody listens
				}
				mu.Lock()
				tried++
				if ok {
					received[s.text()] = s
				}
				mu.Unlock()
			}
		})
	}
	sender, day := outside(t, w)
	uploaded, broken := 0, 0
	for range writers {
		wg.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				s := sent{size: 64 + n%2*5_000_000}
				s.seed = submission.NewSeed()
				ok := s.upload(ctx, sender, day, func() {
					mu.Lock()
					broken++
					mu.Unlock()
				})
				mu.Lock()
				tried++
				if ok {
					uploaded++
					received[s.text()] = s
				}
				mu.Unlock()
			}
		})
	}
	killed := map[world.Part]int{}
	for n := range kills {
		pause := time.Duration(10+mathrand.IntN(100)) * time.Millisecond
		if n%8 == 0 { // who goes on by himself waits longer from try to try
			pause = time.Duration(500+mathrand.IntN(2500)) * time.Millisecond
		}
		time.Sleep(pause)
		victim := []world.Part{world.Vault, world.Intake}[mathrand.IntN(2)]
		killed[victim]++
		must(t, w.Kill(victim))
		must(t, w.StartPart(victim))
	}
	cancel()
	wg.Wait()
	t.Logf("%v kills: %d reports received of %d tried, %d of them in pieces, whose connections broke %d times", killed, len(received), tried, uploaded, broken)
	if uploaded < kills/10 || broken < kills/10 || len(received) < kills/4 || len(received) == tried {
		t.Errorf("%d of %d received: the test did not try what it should", len(received), tried)
	}
	must(t, w.Kill(world.Vault)) // so that the last thing it does is to recover
	must(t, w.StartPart(world.Vault))

	whole(t, w, received)
}

// whole checks a vault after reports were sent to it: those received are there
// for reporter and member, all that is there opens, nothing else is left, and
// the log verifies.
func whole(t *testing.T, w *world.World, received map[string]sent) {
	t.Helper()
	reporter := textbrowser.New(t)
	for _, s := range received {
		page := reporter.Get(w.Intake+"cek").Press("Buka laporan", map[string]string{"kode": s.code(t).Reveal()})
		if _, err := page.Value("teks"); err != nil {
			t.Errorf("a report that was received has the page %q", page.Heading())
		}
	}
	session := sessionOf(t, w, "penelaah-satu")
	list, err := session.List(t.Context())
	must(t, err)
	files := 0
	opened := map[string]bool{}
	for _, item := range list {
		c, err := session.Open(t.Context(), item.Case)
		must(t, err)
		if len(c.Messages) != 1 || len(c.Unopened) != 0 || len(c.Attachments) != 1 || c.Messages[0].Letter.Report == nil {
			t.Fatalf("a case has %d letters, %d attachments and %d objects that do not open", len(c.Messages), len(c.Attachments), len(c.Unopened))
		}
		text := c.Messages[0].Letter.Report.What
		opened[text] = true
		x, r, err := session.Attachment(t.Context(), item.Case, 1)
		must(t, err)
		plain, err := io.ReadAll(r)
		must(t, err)
		must(t, r.Close())
		if s, ok := received[text]; ok && !bytes.Equal(plain, s.file()) {
			t.Errorf("a report that was received has another file")
		}
		if x.Size > 100_000 {
			files++
		}
	}
	for text := range received {
		if !opened[text] {
			t.Errorf("a member does not find a report that was received")
		}
	}
	dir := filepath.Join(w.Dir, "vault")
	tmp, err := filepath.Glob(filepath.Join(dir, "blobs", "tmp", "*"))
	must(t, err)
	blobs, err := filepath.Glob(filepath.Join(dir, "blobs", "*"))
	must(t, err)
	if len(tmp) != 0 || len(blobs)-1 != files {
		t.Errorf("%d temporary files are left, and %d files where reports have %d", len(tmp), len(blobs)-1, files)
	}
	suluh(t, "vault", "batch", "--dir", dir)
	suluh(t, "audit", "verify", "--log-key", w.LogKey, filepath.Join(dir, "log.sock"))
	suluh(t, "doctor", "--dir", dir)
}
