package auditor_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
	"golang.org/x/net/html"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/internal/anomaly"
	"suluh.example/suluh/internal/anomaly/year"
	"suluh.example/suluh/internal/check"
	"suluh.example/suluh/web/auditor"
)

type made struct {
	log    *year.Log
	key    note.Verifier
	result *check.Result
	pages  *auditor.Server
}

var theYear = sync.OnceValues(func() (m made, err error) {
	if m.log, err = year.Make(5, 400); err != nil {
		return m, err
	}
	if m.key, err = note.NewVerifier(m.log.Key); err != nil {
		return m, err
	}
	if m.result, err = check.Verify(context.Background(), m.log.Files, m.key); err != nil {
		return m, err
	}
	m.pages, err = auditor.New(auditor.Config{
		Files: m.log.Files, Key: m.log.Key, OpenEntries: true, Address: "127.0.0.1:8082",
		Now: func() time.Time { return m.log.Last.Time(time.UTC) },
	})
	return m, err
})

// aYear is the pages of a whole year's log, on its last day.
func aYear(t *testing.T) (*audit, made) {
	t.Helper()
	m, err := theYear()
	must(t, err)
	web := httptest.NewServer(m.pages)
	t.Cleanup(web.Close)
	a := &audit{t: t, url: web.URL}
	for a.get("/").StatusCode == 503 { // it is verified first
		time.Sleep(10 * time.Millisecond)
	}
	return a, m
}

// tables returns the rows of each table of a page, as text.
func (x answer) tables(t *testing.T) (all [][][]string) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(x.body))
	must(t, err)
	for n := range root.Descendants() {
		if n.Data != "tbody" || n.Type != html.ElementNode {
			continue
		}
		var rows [][]string
		for r := range n.ChildNodes() {
			if r.Data != "tr" {
				continue
			}
			var cells []string
			for c := range r.ChildNodes() {
				if c.Type == html.ElementNode {
					cells = append(cells, textOf(c))
				}
			}
			rows = append(rows, cells)
		}
		all = append(all, rows)
	}
	return all
}

func textOf(n *html.Node) (s string) {
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			s += d.Data
		}
	}
	return s
}

func number(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(strings.NewReplacer(".", "", ",", "").Replace(s))
	must(t, err)
	return n
}

// lines returns what a search gives as JSON lines.
func (a *audit) lines(query string) (all []check.Entry) {
	a.t.Helper()
	x := a.get("/cari.jsonl?" + query)
	if x.StatusCode != 200 {
		a.t.Fatalf("got %d", x.StatusCode)
	}
	d := json.NewDecoder(strings.NewReader(x.body))
	for {
		var e check.Entry
		if err := d.Decode(&e); err == io.EOF {
			return all
		} else if err != nil {
			a.t.Fatal(err)
		}
		all = append(all, e)
	}
}

func TestWhoAccessedWhatIsCountedAsTheRecordsSay(t *testing.T) {
	a, m := aYear(t)
	const period = "dari=2026-03-01&sampai=2026-04-15"
	records, cases := map[string]int{}, map[string]map[string]bool{}
	deposits := 0
	for _, e := range a.lines(period) {
		if e.Action == "deposit" {
			deposits++
		}
		if e.Member == "" {
			continue
		}
		for _, k := range []string{"m " + m.result.NameOf(e.Member), "a " + e.Action} {
			records[k]++
			if e.Case != "" {
				if cases[k] == nil {
					cases[k] = map[string]bool{}
				}
				cases[k][string(e.Case)] = true
			}
		}
	}
	x := a.get("/akses?" + period)
	x.wants(t, 200, x.h1(), fmt.Sprintf("masuk %d laporan", deposits), "1 Maret 2026 sampai 15 April 2026")
	tables := x.tables(t)
	if len(tables) != 4 || len(tables[0]) < 10 || len(tables[3]) != 46 {
		t.Fatalf("%d tables: %v", len(tables), tables)
	}
	for _, r := range tables[0] {
		if k := "m " + r[0]; number(t, r[1]) != records[k] || number(t, r[2]) != len(cases[k]) {
			t.Errorf("%v, want %d records of %d cases", r, records[k], len(cases[k]))
		}
	}
	sum := 0
	for _, r := range tables[3] {
		sum += number(t, r[1])
	}
	if sum != len(a.lines(period))-deposits-countOf(a.lines(period), "batch", "roster", "configure") {
		t.Errorf("the days have %d records", sum)
	}
	// A whole year is told by the month.
	if all := a.get("/akses").tables(t); len(all[3]) != 12 && len(all[3]) != 13 {
		t.Errorf("%d months", len(all[3]))
	}
	// What is linked gives as many.
	link := regexp.MustCompile(`href="(/cari\?anggota=penelaah-1&amp;[^"]*)"`).FindStringSubmatch(x.body)
	if link == nil {
		t.Fatal("the member isn't linked")
	}
	found := a.get(html.UnescapeString(link[1]))
	found.wants(t, 200, fmt.Sprintf("%d catatan cocok", records["m Penelaah 1"]))

	a.get("/akses?dari=kemarin").wants(t, 422, "Siapa mengakses apa", "Tulis hari seperti")
	a.get("/akses?dari=2026-03-02&sampai=2026-03-01").wants(t, 422, "Siapa mengakses apa", "Hari terakhir harus sesudah hari pertama")
	a.get("/akses?dari=2001-01-01&sampai=2001-01-02").wants(t, 200, "0 catatan anggota tentang 0 kasus", "Tidak ada catatan.")
	a.get("/en/akses?dari=2001-01-01").wants(t, 422, "Who accessed what", "twenty years")
}

func countOf(all []check.Entry, actions ...string) (n int) {
	for _, e := range all {
		for _, a := range actions {
			if e.Action == a {
				n++
			}
		}
	}
	return n
}

// TestPlotsHaveNoTextAndATableSaysTheSame: where SVG is switched off, its text would
// stand in the page.
func TestPlotsHaveNoTextAndATableSaysTheSame(t *testing.T) {
	a, _ := aYear(t)
	for _, path := range []string{"/akses", "/en/akses?dari=2026-05-01&sampai=2026-05-20", "/laporan?buat=1"} {
		x := a.get(path)
		root, err := html.Parse(strings.NewReader(x.body))
		must(t, err)
		plots, bars := 0, 0
		for n := range root.Descendants() {
			if n.Data != "svg" {
				continue
			}
			hidden := false
			for _, attr := range n.Attr {
				hidden = hidden || attr.Key == "aria-hidden" && attr.Val == "true"
			}
			for d := range n.Descendants() {
				if d.Data == "rect" {
					bars++
				}
			}
			if !hidden || strings.TrimSpace(textOf(n)) != "" {
				t.Errorf("%s: plot %d: hidden %t, text %q", path, plots, hidden, textOf(n))
			}
			plots++
		}
		rows := 0
		tables := x.tables(t)[:4]
		for _, rowsOf := range tables {
			rows += len(rowsOf)
		}
		// A bar in each row, and all columns of time in one plot.
		if bars != rows || plots != rows-len(tables[3])+1 {
			t.Errorf("%s has %d plots with %d bars for %d rows", path, plots, bars, rows)
		}
	}
}

func TestTheLifeOfACaseHasAllItsRecords(t *testing.T) {
	a, _ := aYear(t)
	of := ""
	for _, e := range a.lines("tindakan=refer") {
		of = string(e.Case)
	}
	want := a.lines("kasus=" + of)
	x := a.get("/kasus/" + of)
	x.wants(t, 200, "Kasus "+of, fmt.Sprintf("Ada %d catatan", len(want)), "ke Inspektorat Jenderal pada", "Akses unit lain berakhir.", "Mendapat akses.", "Aksesnya berakhir.")
	if rows := x.tables(t)[0]; len(rows) != len(want) {
		t.Errorf("%d steps of %d records", len(rows), len(want))
	}
	for _, e := range want {
		if !strings.Contains(x.body, fmt.Sprintf(`href="/catatan/%d"`, e.Seq)) {
			t.Errorf("record %d is missing", e.Seq)
		}
	}
	a.get(fmt.Sprintf("/catatan/%d", want[0].Seq)).wants(t, 200, a.get(fmt.Sprintf("/catatan/%d", want[0].Seq)).h1(), "Riwayat kasus ini")
	for _, path := range []string{"/kasus/", "/kasus/K-AAAA-AAAA-AAAA-AAAA", "/kasus/x", "/kasus/" + strings.ToLower(of)} {
		a.get(path).wants(t, 404, "Tidak ada kasus dengan nomor ini")
	}
}

func TestWhatIsUnusualIsToldByRuleWithItsRecords(t *testing.T) {
	a, m := aYear(t)
	rules, err := anomaly.Parse(anomaly.Default)
	must(t, err)
	counts := map[anomaly.Rule]int{}
	all := anomaly.Find(m.result, rules, m.log.Last)
	for _, f := range all {
		counts[f.Rule]++
	}
	x := a.get("/kejanggalan")
	x.wants(t, 200, fmt.Sprintf("%d hal perlu ditanyakan", len(all)))
	if rows := x.tables(t)[0]; len(rows) != len(counts) {
		t.Errorf("%d rules, want %d", len(rows), len(counts))
	}
	for rule, n := range counts {
		one := a.get("/en/kejanggalan?aturan=" + string(rule))
		if one.StatusCode != 200 || !strings.HasSuffix(strings.TrimSuffix(one.h1(), "s"), fmt.Sprintf(": %d finding", n)) {
			t.Errorf("%s: %d %q, want %d", rule, one.StatusCode, one.h1(), n)
		}
		links := regexp.MustCompile(`href="(/en/catatan/\d+)"`).FindAllStringSubmatch(one.body, 3)
		if len(links) == 0 {
			t.Errorf("%s names no record", rule)
		}
		for _, l := range links {
			if r := a.get(l[1]); r.StatusCode != 200 {
				t.Errorf("%s: got %d", l[1], r.StatusCode)
			}
		}
	}
	// What is more than a page holds is on the next.
	second := a.get("/kejanggalan?aturan=not-assigned&halaman=2")
	if n := strings.Count(second.body, "<article>"); n == 0 || n > 25 || !strings.Contains(second.body, "Lebih baru") {
		t.Errorf("the second page has %d findings", n)
	}
	a.get("/kejanggalan?sampai=2001-01-01&dari=2001-01-01").wants(t, 200, "0 hal perlu ditanyakan", "Tidak ada yang janggal.")
}

// TestAReportProvesWhatItNames: the proofs in the appendix are those of the tree that
// the checkpoint beside them signs, and the kept file needs no server.
func TestAReportProvesWhatItNames(t *testing.T) {
	a, m := aYear(t)
	a.get("/laporan").wants(t, 200, "Buat laporan pemeriksaan")
	x := a.get("/laporan?dari=2026-09-01&sampai=2026-12-30&unduh=1")
	x.wants(t, 200, "Catatan akses, 1 September 2026 sampai 30 Desember 2026", "Laporan pemeriksaan atas catatan log.suluh.example/tahun", "Catatan utuh", m.log.Key)
	if got := x.Header.Get("Content-Disposition"); got != `attachment; filename="laporan-2026-09-01-2026-12-30.html"` {
		t.Errorf("got %q", got)
	}
	if refs := regexp.MustCompile(`(href|src|action)="[^#d][^"]*"`).FindAllString(x.body, -1); len(refs) > 0 {
		t.Errorf("the file leads to %v", refs)
	}
	root, err := html.Parse(strings.NewReader(x.body))
	must(t, err)
	var tree tlog.Tree
	proven := 0
	for n := range root.Descendants() {
		switch {
		case n.Data == "pre" && tree.N == 0:
			tree, err = accesslog.OpenCheckpoint([]byte(textOf(n)), m.key)
			if err != nil {
				t.Fatalf("the checkpoint: %v\n%s", err, textOf(n))
			}
		case n.Data == "dl":
			for d := range n.ChildNodes() {
				if d.Data != "div" {
					continue
				}
				var words []string
				for c := range d.ChildNodes() {
					if c.Type == html.ElementNode {
						words = append(words, strings.Fields(textOf(c))...)
					}
				}
				var hashes []tlog.Hash
				for _, w := range words[1:] {
					h, err := tlog.ParseHash(w)
					must(t, err)
					hashes = append(hashes, h)
				}
				if err := tlog.CheckRecord(hashes[1:], tree.N, tree.Hash, int64(number(t, words[0])), hashes[0]); err != nil {
					t.Errorf("record %s: %v", words[0], err)
				}
				proven++
			}
		}
	}
	if proven < 10 {
		t.Errorf("only %d records are proven", proven)
	}
	// The trees of the period are those that a checkpoint of those days would have had.
	first, last := int64(-1), int64(-1)
	begin, end := day(t, "2026-09-01").Time(m.result.TimeZone()), day(t, "2026-12-31").Time(m.result.TimeZone())
	for seq := range m.result.Entries.Len() {
		if e := m.result.Entries.At(seq); !e.Time.IsZero() && !e.Time.Before(begin) && e.Time.Before(end) {
			if first < 0 {
				first = seq
			}
			last = seq
		}
	}
	for _, n := range []int64{first, last + 1} {
		found := false
		for _, one := range regexp.MustCompile(`<code>(\d+) ([^<]+)</code></li>`).FindAllStringSubmatch(x.body, -1) {
			if size, err := strconv.ParseInt(one[1], 10, 64); err != nil || size != n {
				continue
			}
			want, err := m.log.Root(n)
			must(t, err)
			if found = html.UnescapeString(one[2]) == want.String(); !found {
				t.Errorf("the tree of %d records is %s, want %s", n, one[2], want)
			}
		}
		if !found {
			t.Errorf("no tree of %d records", n)
		}
	}
	if x := a.get("/laporan?dari=2001-01-01&sampai=2001-01-02"); strings.Contains(x.body, "Sebelum catatan pertama") {
		t.Error("a period without records has trees")
	}
}

func day(t *testing.T, s string) id.Day {
	t.Helper()
	d, err := id.ParseDay(s)
	must(t, err)
	return d
}

func TestTheWholeLogIsDownloadedAndVerifies(t *testing.T) {
	a, m := aYear(t)
	x := a.get("/catatan.zip")
	z, err := zip.NewReader(bytes.NewReader([]byte(x.body)), int64(len(x.body)))
	must(t, err)
	if last := z.File[len(z.File)-1].Name; last != "checkpoint" {
		t.Errorf("%s is last, not the checkpoint", last)
	}
	r, err := check.Verify(t.Context(), func(_ context.Context, path string) ([]byte, error) {
		f, err := z.Open(path)
		if err != nil {
			return nil, os.ErrNotExist
		}
		defer f.Close()
		return io.ReadAll(f)
	}, m.key)
	if err != nil || r.Tree != m.result.Tree {
		t.Errorf("got %v, %v", r, err)
	}
}
