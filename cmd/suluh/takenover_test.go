package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"suluh.example/suluh/internal/breakout"
	"suluh.example/suluh/internal/submission"
	"suluh.example/suluh/internal/textbrowser"
	"suluh.example/suluh/internal/world"
)

// backDoorPath is where the test build has its back door.
const backDoorPath = "/pintu-belakang/"

// withBackDoor builds the program with a back door in each part.
func withBackDoor(t *testing.T) string {
	t.Helper()
	bin, err := filepath.Abs("../../build/test/suluh-takenover")
	must(t, err)
	if out, err := exec.Command("go", "build", "-tags", "takenover", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return bin
}

// TestNoBackDoor: what people install hasn't got what the next test uses.
func TestNoBackDoor(t *testing.T) {
	for bin, want := range map[string]bool{program(t): false, withBackDoor(t): true} {
		b, err := os.ReadFile(bin)
		must(t, err)
		if got := bytes.Contains(b, []byte(backDoorPath)); got != want {
			t.Errorf("%s: back door %t", filepath.Base(bin), got)
		}
	}
}

// victims makes what somebody would reach for who has taken a part over.
func victims(t *testing.T, w *world.World) breakout.Targets {
	t.Helper()
	x := breakout.Targets{
		Store: filepath.Join(w.Dir, "vault", "vault.db"), Outside: t.TempDir(), Socket: w.MemberSocket(),
		Abstract: "suluh-" + rand.Text(),
	}
	for _, at := range [][2]string{{"unix", "@" + x.Abstract}, {"tcp4", "127.0.0.1:0"}} {
		l, err := net.Listen(at[0], at[1])
		must(t, err)
		t.Cleanup(func() { l.Close() })
		if at[0] == "tcp4" {
			x.TCP = netip.MustParseAddrPort(l.Addr().String())
		}
	}
	other := exec.Command("sleep", "1000")
	must(t, other.Start())
	t.Cleanup(func() {
		_ = other.Process.Kill()
		_ = other.Wait()
	})
	x.Process = other.Process.Pid
	return x
}

// attempt asks at a back door for an attempt.
func attempt(client *http.Client, url string, a breakout.Attempt, x breakout.Targets) (breakout.Outcome, error) {
	b, err := json.Marshal(x)
	if err != nil {
		return "", err
	}
	r, err := client.Post(strings.TrimSuffix(url, "/")+backDoorPath+a.Name, "application/json", bytes.NewReader(b))
	if err != nil {
		return "", err
	}
	defer r.Body.Close()
	if b, err = io.ReadAll(r.Body); err != nil {
		return "", err
	}
	return breakout.Outcome(b), nil
}

// TestTakenOverPartsCannotBreakOut: parts that run, each with a back door, try
// to break out on purpose. The kernel refuses it or ends the part; and a part
// that is confined so still does its whole work.
func TestTakenOverPartsCannotBreakOut(t *testing.T) {
	w, err := world.Start(t.Context(), world.Config{Bin: withBackDoor(t), Dir: filepath.Join(t.TempDir(), "w"), Bare: true, Log: io.Discard})
	must(t, err)
	t.Cleanup(func() {
		if err := w.Stop(); err != nil {
			t.Error(err)
		}
	})
	x := victims(t, w)
	inVault := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", w.DepositSocket())
		},
	}}
	overTCP := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for part, at := range map[world.Part]struct {
		url    func() string
		client *http.Client
		may    string // is its work
	}{
		world.Intake: {func() string { return w.Intake }, overTCP, ""},
		world.Vault:  {func() string { return "http://vault" }, inVault, "store"},
	} {
		for _, a := range breakout.Attempts() {
			if a.Name == "core" || a.Name == at.may { // dying is no request; suluh doctor --sandbox tries it
				continue
			}
			outcome, err := attempt(at.client, at.url(), a, x)
			if err != nil { // it died of it
				died := <-w.Died()
				if !strings.Contains(died.Error(), "system call that it may not make") {
					t.Errorf("%s, %s: %v", part, a.Name, died)
				}
				outcome, err = breakout.Ended, w.StartPart(part)
			}
			if err != nil || outcome != breakout.Refused && outcome != breakout.Ended {
				t.Errorf("%s can %s: %q, %v", part, a.What, outcome, err)
			}
			t.Logf("%s, %s: %s", part, a.Name, outcome)
		}
	}

	// The same parts do their work, with files, from the form to the answer.
	s := sent{size: 3 << 20}
	s.seed = submission.NewSeed()
	check := textbrowser.New(t).Get(w.Intake+"lapor/tulis").Press("Lanjut", map[string]string{"unit": "itprov", "apa": s.text()})
	if received, err := s.send(check); err != nil || !received {
		t.Fatalf("a report: received %t, %v", received, err)
	}
	deskOf(t, w, "penelaah-satu").answer(s.text(), "Terima kasih, kami periksa.", "Catatan")
	status := textbrowser.New(t).Get(w.Intake+"cek").Press("Buka laporan", map[string]string{"kode": s.code(t).Reveal()})
	if !strings.Contains(status.Text(), "Terima kasih, kami periksa.") {
		t.Errorf("the answer doesn't reach the reporter:\n%s", status.Text())
	}
}
