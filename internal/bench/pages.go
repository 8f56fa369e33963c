package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// pageTimes is how often each page is asked for.
const pageTimes = 9

// auditServer is suluh audit serve, and when it was started.
type auditServer struct {
	*process
	began time.Time
}

// startAudit starts a server of the log that goes on from a state file, and waits
// until it has verified the log and shows its verdict.
func (in *instance) startAudit(state string) (*auditServer, error) {
	s := &auditServer{began: time.Now()}
	var err error
	if s.process, err = in.part("audit", "serve", "--open-entries", "--listen", "127.0.0.1:0", "--log-key", in.logKey, "--state", state, in.dir); err != nil {
		return nil, err
	}
	for {
		status, err := s.ask("/", io.Discard)
		switch {
		case err != nil:
			return nil, errors.Join(err, s.stop())
		case status != http.StatusServiceUnavailable:
			return s, nil
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (s *auditServer) get(path string) (*http.Response, error) {
	return http.Get(strings.TrimSuffix(s.url, "/") + path)
}

// ask asks for a page.
func (s *auditServer) ask(path string, to io.Writer) (status int, err error) {
	r, err := s.get(path)
	if err != nil {
		return 0, err
	}
	defer r.Body.Close()
	_, err = io.Copy(to, r.Body)
	return r.StatusCode, err
}

// aCase returns a case that was opened.
func (s *auditServer) aCase() (string, error) {
	r, err := s.get("/cari.jsonl?tindakan=open")
	if err != nil {
		return "", err
	}
	defer r.Body.Close()
	var x struct {
		Case string `json:"case"`
	}
	err = json.NewDecoder(r.Body).Decode(&x)
	return x.Case, err
}

// serveAudit measures the auditors' pages of a log, as one who reads them has them,
// and a restart of what serves them.
func (in *instance) serveAudit() (err error) {
	b, state := in.b, filepath.Join(in.b.dir, "served")
	s, err := in.startAudit(state)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	most, err := s.memory("VmHWM")
	if err != nil {
		return err
	}
	b.add(row{"memory of `suluh audit serve` while it verifies all, at most", mib(most), "", "", ""})
	if err := s.pages(b); err != nil {
		return err
	}
	if err := s.downloads(b); err != nil {
		return err
	}
	// What was verified is kept as it ends.
	if err := s.stop(); err != nil {
		return err
	}
	if s, err = in.startAudit(state); err != nil {
		return err
	}
	took := time.Since(s.began)
	cpu, err := cpuOf(s.cmd.Process.Pid)
	if err != nil {
		return err
	}
	if most, err = s.memory("VmHWM"); err != nil {
		return err
	}
	var kept int64
	for _, file := range []string{state, state + ".entries"} {
		i, err := os.Stat(file)
		if err != nil {
			return err
		}
		kept += i.Size()
	}
	b.add(row{
		"`suluh audit serve --state`, from a restart to its verdict", fmt.Sprintf("%.1f s, %.1f s of processor time; the state has %s", took.Seconds(), cpu.Seconds(), mib(kept)),
		"", "", "seconds",
	})
	b.add(row{"memory of that, at most", mib(most), "", "", ""})
	return nil
}

// pages measures each page until all of it is there.
func (s *auditServer) pages(b *bench) error {
	of, err := s.aCase()
	if err != nil {
		return err
	}
	query := func(path string, with ...string) func(int) string {
		v := url.Values{}
		for i := 0; i < len(with); i += 2 {
			v.Set(with[i], with[i+1])
		}
		return func(int) string { return path + "?" + v.Encode() }
	}
	// Each time another period, so that none was counted before, with all of the log
	// in it, however old a log that was kept.
	now := time.Now()
	other := func(path string, years int) func(int) string {
		return func(i int) string {
			return query(path, "dari", now.AddDate(-years, 0, -i).Format(time.DateOnly), "sampai", now.AddDate(0, 0, 1).Format(time.DateOnly))(i)
		}
	}
	const member = "penelaah-0-1"
	for _, x := range []struct {
		what string
		path func(int) string
	}{
		{"verdict", func(int) string { return "/" }},
		{"who accessed what", func(int) string { return "/akses" }},
		{"who accessed what, in a period that nobody asked for before", other("/akses", 4)},
		{"what is unusual", func(int) string { return "/kejanggalan" }},
		{"search, all records", query("/cari", "semua", "1")},
		{"search, a member's openings", query("/cari", "tindakan", "open", "anggota", member)},
		{"search, deposits", query("/cari", "tindakan", "deposit")},
		{"search, a case", query("/cari", "kasus", of)},
		{"search, a member on one day", query("/cari", "anggota", member, "dari", now.Format(time.DateOnly), "sampai", now.Format(time.DateOnly))},
		{"the life of a case", func(int) string { return "/kasus/" + of }},
		{"a record", func(int) string { return fmt.Sprint("/catatan/", b.records/2) }},
		{"report with its proofs", query("/laporan", "buat", "1")},
		{"report of a period that nobody asked for before", other("/laporan", 5)},
	} {
		var took []time.Duration
		before, err := cpuOf(s.cmd.Process.Pid)
		if err != nil {
			return err
		}
		for i := range pageTimes {
			began := time.Now()
			if status, err := s.ask(x.path(i), io.Discard); err != nil || status != http.StatusOK {
				return fmt.Errorf("%s: status %d, %w", x.path(i), status, err)
			}
			took = append(took, time.Since(began))
		}
		after, err := cpuOf(s.cmd.Process.Pid)
		if err != nil {
			return err
		}
		b.add(row{
			fmt.Sprintf("auditors' page of %d records: %s", b.records, x.what),
			fmt.Sprintf("%s, %s of processor time", short(median(took)), short((after-before)/pageTimes)), "", "", "200 ms",
		})
	}
	return nil
}

// downloads measures what can be long until its first byte.
func (s *auditServer) downloads(b *bench) error {
	for _, x := range []struct{ path, what string }{
		{"/cari.csv", "all records as CSV"},
		{"/cari.jsonl", "all records as JSON lines"},
		{"/catatan.zip", "the whole log"},
	} {
		var took []time.Duration
		for range pageTimes {
			began := time.Now()
			r, err := s.get(x.path)
			if err != nil {
				return err
			}
			_, err = io.ReadFull(r.Body, make([]byte, 1))
			took = append(took, time.Since(began))
			if r.Body.Close(); err != nil || r.StatusCode != http.StatusOK {
				return fmt.Errorf("%s: status %d, %w", x.path, r.StatusCode, err)
			}
		}
		b.add(row{fmt.Sprintf("auditors' download of %d records, its first byte: %s", b.records, x.what), short(median(took)), "", "", "200 ms"})
	}
	return nil
}
