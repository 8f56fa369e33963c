package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"suluh.example/suluh/internal/textbrowser"
	"suluh.example/suluh/internal/world"
)

// TestHalfOpenConnections: 2,000 connections on which nobody asks anything, or begins to
// and goes no further, by TCP and by tor, keep nobody from reporting, and take little.
func TestHalfOpenConnections(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "intake.sock")
	w, err := world.Start(t.Context(), world.Config{
		Bin: program(t), Dir: filepath.Join(t.TempDir(), "w"), Bare: true,
		Args: map[world.Part][]string{world.Intake: {"--circuit-socket", socket}},
	})
	must(t, err)
	t.Cleanup(func() { must(t, w.Stop()) })
	before := resident(t, w.PID(world.Intake))
	address := strings.TrimSuffix(strings.TrimPrefix(w.Intake, "http://"), "/")
	const half = 2000
	for n := range half {
		network, to, say := "tcp", address, ""
		if n%2 == 1 {
			network, to = "unix", socket
			say = fmt.Sprintf("PROXY TCP6 fc00:dead:beef:4dad::%x:%x ::1 7 80\r\n", n>>16, n&0xffff)
		}
		if n%4 > 1 {
			say += "GET / HTTP/1.1\r\nHost: lapor.example\r\nX-Lambat: "
		}
		c, err := net.Dial(network, to)
		must(t, err)
		defer c.Close()
		// One that is closed in favour of others may be gone by now.
		_, _ = io.WriteString(c, say)
	}
	report := func(b *textbrowser.Browser, at string) {
		t.Helper()
		checked := b.Get(at).Follow("Buat laporan").Follow("Lanjut: tulis laporan").
			Press("Lanjut: periksa laporan", map[string]string{"unit": string(w.Members[0].Unit), "apa": "Papan proyek tanpa angka"})
		if got := checked.Press("Kirim laporan sekarang", nil).Heading(); !strings.HasPrefix(got, "Laporan diterima") {
			t.Errorf("a report at %s: %q", at, got)
		}
	}
	report(textbrowser.New(t), w.Intake)
	if r, err := onCircuit(socket, 1<<20).Get("http://layanan.onion/lapor/tulis"); err != nil || r.StatusCode != 200 {
		t.Errorf("on a circuit: %v", err)
	} else {
		r.Body.Close()
	}
	after := resident(t, w.PID(world.Intake))
	t.Logf("%d half-open connections: intake has %d KiB, and had %d", half, after, before)
	if after-before > 64<<10 {
		t.Errorf("%d half-open connections take %d KiB", half, after-before)
	}
}

var residentLine = regexp.MustCompile(`(?m)^VmRSS:\s*(\d+) kB`)

// resident is how much memory a process has, in KiB.
func resident(t *testing.T, pid int) int {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	must(t, err)
	m := residentLine.FindSubmatch(b)
	if m == nil {
		t.Fatal("the kernel doesn't say how much memory a process has")
	}
	n, err := strconv.Atoi(string(m[1]))
	must(t, err)
	return n
}
