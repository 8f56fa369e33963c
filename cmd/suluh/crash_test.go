package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	mathrand "math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"filippo.io/age"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/internal/submission"
	"suluh.example/suluh/internal/testkey"
	"suluh.example/suluh/vault/depositsock"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// suluh is the built program and a vault of its own.
type suluh struct {
	t        *testing.T
	bin, dir string
	roster   *roster.Roster
}

func newSuluh(t *testing.T) *suluh {
	t.Helper()
	tmp := t.TempDir()
	s := &suluh{t: t, bin: filepath.Join(tmp, "suluh"), dir: filepath.Join(tmp, "vault")}
	out, err := exec.Command("go", "build", "-o", s.bin, ".").CombinedOutput()
	if err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	const origin = "suluh.example/uji"
	root, _, rootKey := testkey.New(t, origin+"/root")
	logKey := s.run("vault", "init", "--dir", s.dir, "--origin", origin, "--root-key", rootKey)
	_, _, memberKey := testkey.New(t, "penelaah-satu")
	reader, err := age.GenerateHybridIdentity()
	must(t, err)
	day := id.DayOf(time.Now(), time.UTC)
	s.roster = &roster.Roster{
		Version: 1, Day: day, Origin: origin, LogKey: logKey,
		Units: []roster.Unit{{ID: "itprov", Name: map[string]string{"id": "Inspektorat Provinsi"}}},
		Members: []roster.Member{{
			ID: "penelaah-satu", Name: "Penelaah Satu", Unit: "itprov", Roles: []roster.Role{roster.Reader},
			Recipient: reader.Recipient().String(), Key: memberKey, Since: day,
		}},
	}
	signed, err := s.roster.Sign(root)
	must(t, err)
	file := filepath.Join(tmp, "roster.note")
	must(t, os.WriteFile(file, signed, 0o600))
	s.run("vault", "roster", "--dir", s.dir, file)
	return s
}

// run runs a command to its end and returns what it prints.
func (s *suluh) run(args ...string) string {
	s.t.Helper()
	var errs bytes.Buffer
	cmd := exec.Command(s.bin, args...)
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		s.t.Fatalf("suluh %s: %v\n%s", strings.Join(args, " "), err, errs.Bytes())
	}
	return strings.TrimSpace(string(out))
}

// start starts the vault and returns once it listens.
func (s *suluh) start() *exec.Cmd {
	s.t.Helper()
	cmd := exec.Command(s.bin, "vault", "--dir", s.dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	must(s.t, err)
	must(s.t, cmd.Start())
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || !strings.HasPrefix(line, "suluh vault: listening") {
		s.t.Fatalf("the vault does not start: %q, %v", line, err)
	}
	return cmd
}

func (s *suluh) sender() *submission.Sender {
	s.t.Helper()
	sender, err := submission.NewSender(depositsock.NewClient(filepath.Join(s.dir, "deposit.sock")), s.roster)
	must(s.t, err)
	return sender
}

func deposit(ctx context.Context, sender *submission.Sender, f submission.Form, file []byte) error {
	sub, err := sender.Begin(ctx, id.DayOf(time.Now(), time.UTC), f)
	if err != nil {
		return err
	}
	defer sub.Abort()
	if _, err := sub.Attach("bukti", "", bytes.NewReader(file)); err != nil {
		return err
	}
	_, err = sub.Commit(ctx)
	return err
}

// TestReceivedMeansReceived kills the vault at random a hundred times while
// reports come in. Every report that was answered is there and whole; of the
// others nothing half is left.
func TestReceivedMeansReceived(t *testing.T) {
	const kills, writers = 100, 3
	s := newSuluh(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var mu sync.Mutex
	received := map[submission.Seed]bool{}
	tried := 0
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			sender := s.sender()
			for n := 0; ctx.Err() == nil; n++ {
				f := submission.Form{To: submission.Readers{Unit: "itprov"}, Report: report.Report{What: fmt.Sprint("uji ", i, n)}, Language: "id"}
				rand.Read(f.Seed[:])
				// Every other one is large enough for a file of its own.
				err := deposit(ctx, sender, f, make([]byte, 1+n%2*200_000))
				mu.Lock()
				tried++
				if err == nil {
					received[f.Seed] = true
				}
				mu.Unlock()
			}
		})
	}
	for range kills {
		cmd := s.start()
		time.Sleep(time.Duration(10+mathrand.IntN(60)) * time.Millisecond)
		must(t, cmd.Process.Kill())
		_ = cmd.Wait() // killed
	}
	cancel()
	wg.Wait()

	cmd := s.start()
	sender := s.sender()
	for seed := range received {
		code, err := submission.CodeOf(seed, submission.Readers{Unit: "itprov"})
		must(t, err)
		v, err := sender.Look(t.Context(), code)
		if err != nil || len(v.Warnings) > 0 {
			t.Fatalf("a report that was received: %v, warnings %v", err, v)
		}
	}
	t.Logf("%d kills: %d reports received of %d tried", kills, len(received), tried)
	if len(received) < kills/4 || len(received) == tried {
		t.Errorf("%d of %d received: the test did not try what it should", len(received), tried)
	}
	s.run("vault", "batch", "--dir", s.dir)
	tmp, err := os.ReadDir(filepath.Join(s.dir, "blobs", "tmp"))
	must(t, err)
	if len(tmp) != 0 {
		t.Errorf("%d temporary files are left", len(tmp))
	}
	must(t, cmd.Process.Signal(os.Interrupt))
	if err := cmd.Wait(); err != nil {
		t.Errorf("a clean stop: %v", err)
	}
}
