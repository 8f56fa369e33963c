package intake_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"suluh.example/suluh/crypto/casecode"
	"suluh.example/suluh/internal/serve"
	"suluh.example/suluh/vault/depositsock"
	"suluh.example/suluh/web/intake"
	"suluh.example/suluh/web/intake/limits"
)

// many is a share that nobody uses up.
var many = limits.Rate{Burst: 10_000, Every: time.Second}

// plenty are limits that are never reached: a test narrows one of them.
func plenty() limits.Rules {
	return limits.Rules{
		Requests: many, AtOnce: 100, Deposits: many, Files: many, Sending: 100, Unknown: many, Refused: many,
		Places: 100, Queue: time.Minute, Slow: 1 << 10, Window: time.Minute, AllUnknown: many, Circuits: 100, Idle: time.Hour,
	}
}

// shared is a world that is reached by Tor as well.
func shared(t *testing.T, narrow func(*limits.Rules)) *world {
	t.Helper()
	rules := plenty()
	narrow(&rules)
	w := newWorld(t, config{intake: intake.Config{Limits: rules}})
	l, err := serve.ListenUnix(filepath.Join(w.dir, "intake.sock"), 0o600)
	must(t, err)
	w.run(serve.Config{Listener: l, Handler: w.intake, Circuits: true, Log: slog.New(slog.NewTextHandler(w.log, nil)), Drain: time.Second})
	t.Cleanup(func() {
		if s := w.log.String(); strings.Contains(s, "fc00") || strings.Contains(s, "circuit") {
			t.Errorf("the log tells of circuits: %s", s)
		}
	})
	return w
}

// on is the same world for somebody who comes on a circuit. Tor writes a header
// before what it passes on.
func (w *world) on(circuit int) *world {
	x := *w
	x.url = "http://layanan.onion"
	x.client = &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		c, err := (&net.Dialer{}).DialContext(ctx, "unix", filepath.Join(w.dir, "intake.sock"))
		if err != nil {
			return nil, err
		}
		_, err = fmt.Fprintf(c, "PROXY TCP6 fc00:dead:beef:4dad::%x:%x ::1 %d 80\r\n", circuit>>16, circuit&0xffff, circuit&0xffff)
		return c, err
	}}}
	w.t.Cleanup(x.client.CloseIdleConnections)
	return &x
}

// told fails unless the answer tells to wait so many seconds at most, and at least
// one.
func (a *answer) told(t *testing.T, most int) {
	t.Helper()
	n, err := strconv.Atoi(a.Header.Get("Retry-After"))
	if a.StatusCode != http.StatusTooManyRequests || err != nil || n < 1 || n > most {
		t.Errorf("status %d, wait %q", a.StatusCode, a.Header.Get("Retry-After"))
	}
}

// TestTooManyRequests: whoever asks too often reads that he has to wait, and nobody
// else does.
func TestTooManyRequests(t *testing.T) {
	w := shared(t, func(r *limits.Rules) { r.Requests = limits.Rate{Burst: 2, Every: time.Minute} })
	flood := w.on(7)
	for range 2 {
		flood.get("/").want(t, 200)
	}
	a := flood.get("/lapor")
	a.told(t, 60)
	a.want(t, 429, "<h1>Tunggu sebentar</h1>", "Coba lagi dalam 60 detik.", "muat ulang halaman ini", `href="/en/lapor"`)
	flood.get("/en/cek").want(t, 429, "<h1>Wait a moment</h1>", "Try again in 60 seconds.")

	// What was typed comes back, whatever page it was on its way to.
	typed := typical()
	a = flood.post("/lapor/periksa", typed)
	a.told(t, 60)
	a.want(t, 429, "Yang Anda tulis tidak hilang.", "Coba lagi")
	back := a.form(t, "/lapor/periksa")
	for name := range typed {
		if back.Get(name) != typed.Get(name) {
			t.Errorf("%s: %q was lost", name, typed.Get(name))
		}
	}
	a = flood.post("/en/lapor/kirim", typed, bytesFile("bukti.pdf", make([]byte, 3<<20)))
	a.want(t, 429, "Choose the files again on the next page.")
	if got := a.form(t, "/en/lapor/periksa").Get("apa"); got != typed.Get("apa") {
		t.Errorf("got %q", got)
	}
	// And what comes back can be sent on, once there is room.
	w.on(8).post("/en/lapor/periksa", a.form(t, "/en/lapor/periksa")).want(t, 200, typed.Get("apa"))

	// Programs are told in a way that they understand.
	r, err := flood.client.Get(flood.url + "/deposit/v1/state")
	must(t, err)
	defer r.Body.Close()
	var body struct{ Code string }
	must(t, json.NewDecoder(r.Body).Decode(&body))
	if r.StatusCode != http.StatusTooManyRequests || r.Header.Get("Retry-After") != "60" || body.Code != "busy" || r.Header.Get("Content-Type") != "application/json" {
		t.Errorf("got %s, %v, %q", r.Status, r.Header, body.Code)
	}
	for n := range 20 {
		w.on(100+n).get("/").want(t, 200)
		w.get("/").want(t, 200)
	}
	w.nothing()
}

// TestDeafToAFlood: who goes on asking all the same isn't even told any more.
func TestDeafToAFlood(t *testing.T) {
	w := shared(t, func(r *limits.Rules) {
		r.Requests = limits.Rate{Burst: 1, Every: time.Minute}
		r.Refused = limits.Rate{Burst: 2, Every: time.Minute}
	})
	flood := w.on(7)
	for _, status := range []int{200, 429, 429} {
		flood.get("/").want(t, status)
	}
	if r, err := flood.client.Get(flood.url + "/"); err == nil {
		r.Body.Close()
		t.Errorf("got %s", r.Status)
	}
	w.on(8).get("/").want(t, 200)
}

// TestTooManyDeposits: who has sent many reports waits with the next, which isn't
// lost.
func TestTooManyDeposits(t *testing.T) {
	w := shared(t, func(r *limits.Rules) { r.Deposits = limits.Rate{Burst: 1, Every: 5 * time.Minute} })
	flood := w.on(7)
	code := flood.report(typical()).code(t)
	again := with(typical(), "apa", "Laporan kedua dari sirkuit yang sama")
	a := flood.report(again, bytesFile("bukti.pdf", []byte("%PDF-1.7 bukti")))
	a.told(t, 300)
	a.want(t, 429, "Terlalu banyak kiriman lewat sambungan Anda.", "Coba lagi dalam 5 menit.", "Jika tadi Anda memilih berkas, pilih lagi.")
	// The same page sends it, once there is room, and its code is fixed already.
	w.on(8).post("/lapor/kirim", a.form(t, "/lapor/kirim"), bytesFile("bukti.pdf", []byte("%PDF-1.7 bukti"))).want(t, 200, "<h1>Laporan diterima.")

	page := flood.post("/cek", url.Values{"kode": {code}})
	page.want(t, 200, "<h1>Status: ")
	reply := page.form(t, "/cek/balas")
	reply.Set("teks", "Balasan yang tidak boleh hilang")
	a = flood.post("/cek/balas", reply)
	a.told(t, 300)
	a.want(t, 429, "Balasan yang tidak boleh hilang")
	w.on(9).post("/cek/balas", a.form(t, "/cek/balas")).want(t, 200, "Balasan terkirim.")
	if n := len(w.cases("penelaah-satu")); n != 2 {
		t.Errorf("%d cases", n)
	}
}

// unknownCode is one that nobody has.
func unknownCode(t *testing.T) casecode.Code {
	t.Helper()
	c, err := casecode.New()
	must(t, err)
	return c
}

// TestUnknownCodes: a circuit may try a few codes that nobody has; whoever has a code
// reads on, by Tor or not, whatever others try.
func TestUnknownCodes(t *testing.T) {
	w := shared(t, func(r *limits.Rules) {
		r.Unknown = limits.Rate{Burst: 3, Every: 2 * time.Minute}
		r.AllUnknown = limits.Rate{Burst: 12, Every: time.Hour}
	})
	code := w.report(typical()).code(t)
	read := func(w *world) *answer { return w.post("/cek", url.Values{"kode": {code}}) }
	guess := w.on(7)
	for n := range 3 {
		if n == 1 { // by a program
			c, err := depositsock.NewClientAt(guess.url, guess.client.Transport)
			must(t, err)
			if _, err := c.Lookup(t.Context(), unknownCode(t).Lookup()); err != depositsock.ErrUnknown {
				t.Errorf("got %v", err)
			}
			continue
		}
		guess.post("/cek", url.Values{"kode": {unknownCode(t).Reveal()}}).want(t, 422, "Tidak ada laporan dengan kode ini")
	}
	a := read(guess)
	a.told(t, 120)
	a.want(t, 429, "<h1>Tunggu sebentar</h1>", "Coba lagi dalam 2 menit.")
	if got := a.form(t, "/cek").Get("kode"); got != code {
		t.Error("the code was lost")
	}
	r, err := guess.client.Post(guess.url+"/deposit/v1/lookup", "application/json", strings.NewReader(`{"lookup":"`+unknownCode(t).Lookup().Hex()+`"}`))
	must(t, err)
	r.Body.Close()
	if r.StatusCode != http.StatusTooManyRequests {
		t.Errorf("a program is answered with %s", r.Status)
	}
	read(w.on(8)).want(t, 200, "<h1>Status: ")

	// Many miss, everywhere.
	missed := w.on(9)
	for n := range 10 {
		missed.post("/cek", url.Values{"kode": {unknownCode(t).Reveal()}})
		missed = w.on(20 + n)
		w.post("/cek", url.Values{"kode": {unknownCode(t).Reveal()}}).want(t, 422, "Tidak ada laporan dengan kode ini")
	}
	read(w.on(9)).told(t, 60)
	read(w).want(t, 200, "<h1>Status: ")
	read(w.on(70_000)).want(t, 200, "<h1>Status: ")
	if n := strings.Count(w.log.String(), "many codes are tried"); n != 1 {
		t.Errorf("the operator reads %d times of it: %s", n, w.log.String())
	}
}

// TestPlacesForFiles: when too many files come at once, a report without one is taken
// all the same, one with a file waits, and those of whom nothing comes give way.
func TestPlacesForFiles(t *testing.T) {
	w := shared(t, func(r *limits.Rules) {
		r.Places, r.Queue = 2, 300*time.Millisecond
	})
	form := w.post("/lapor/periksa", typical()).form(t, "/lapor/kirim")
	var held []*held
	for range 2 {
		held = append(held, w.hold(form))
	}
	a := w.report(with(typical(), "apa", "Dengan lampiran"), bytesFile("bukti.pdf", []byte("%PDF-1.7 bukti")))
	a.told(t, 60)
	a.want(t, 429, "Terlalu banyak lampiran sedang dikirim.", "Coba lagi dalam 60 detik.")
	w.report(with(typical(), "apa", "Tanpa lampiran")).want(t, 200, "<h1>Laporan diterima.")
	w.on(7).report(with(typical(), "apa", "Lewat Tor"), bytesFile("bukti.pdf", []byte("%PDF-1.7 bukti"))).want(t, 200, "<h1>Laporan diterima.")
	for _, h := range held {
		h.end()
	}
	w.post("/lapor/kirim", a.form(t, "/lapor/kirim"), bytesFile("bukti.pdf", []byte("%PDF-1.7 bukti"))).want(t, 200, "<h1>Laporan diterima.")
}

// TestTheSlowGiveWay: all places are taken by those of whom next to nothing comes;
// somebody who waits for one gets it.
func TestTheSlowGiveWay(t *testing.T) {
	w := shared(t, func(r *limits.Rules) {
		r.Places, r.Window = 3, 300*time.Millisecond
	})
	form := w.post("/lapor/periksa", typical()).form(t, "/lapor/kirim")
	for range 3 {
		defer w.hold(form).end()
	}
	w.report(with(typical(), "apa", "Dengan lampiran"), bytesFile("bukti.pdf", []byte("%PDF-1.7 bukti"))).want(t, 200, "<h1>Laporan diterima.")
}

// held is an upload that has begun, and of which nothing comes any more.
type held struct{ end func() }

func (w *world) hold(form url.Values) *held {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.t.Context())
	pr, pw := io.Pipe()
	before := w.coming()
	done := make(chan struct{})
	go func() {
		defer close(done)
		x := *w
		x.client = &http.Client{Transport: &http.Transport{}}
		defer x.client.CloseIdleConnections()
		r, err := x.tryPost("/lapor/kirim", form, file{"berkas", "besar.bin", io.MultiReader(strings.NewReader(strings.Repeat("x", 1<<20)), pr)})
		if err == nil {
			r.Body.Close()
		}
	}()
	go func() {
		<-ctx.Done()
		pw.CloseWithError(io.ErrUnexpectedEOF)
	}()
	for deadline := time.Now().Add(20 * time.Second); w.coming() == before; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			w.t.Fatal("nothing of an upload has come to the vault")
		}
	}
	return &held{func() {
		cancel()
		<-done
	}}
}

// coming counts the files that come.
func (w *world) coming() int {
	w.t.Helper()
	files, err := filepath.Glob(filepath.Join(w.dir, "blobs", "tmp", "*"))
	must(w.t, err)
	return len(files)
}

// TestClientsWait: a program that is told to wait goes on afterwards, and has sent
// all in the end.
func TestClientsWait(t *testing.T) {
	w := shared(t, func(r *limits.Rules) {
		r.Requests = limits.Rate{Burst: 4, Every: time.Second}
		r.Files, r.Deposits = limits.Rate{Burst: 1, Every: time.Second}, limits.Rate{Burst: 1, Every: time.Second}
	})
	x := w.on(7)
	c, err := depositsock.NewClientAt(x.url, x.client.Transport)
	must(t, err)
	s, err := w.checked(c)
	must(t, err)
	for n := range 2 {
		sub, err := s.Begin(t.Context(), s.Roster().Day, sealedForm())
		must(t, err)
		const size = 9 << 20 // two pieces
		for range 2 {
			must(t, sub.AttachFile(t.Context(), "bukti.bin", "", size, random(size), depositsock.Watch{}))
		}
		_, err = sub.Commit(t.Context())
		must(t, err)
		sub.Abort()
		if cases := w.cases("penelaah-satu"); len(cases) != n+1 || len(cases[n].attachments) != 2 {
			t.Fatalf("%d cases", len(cases))
		}
	}
}
