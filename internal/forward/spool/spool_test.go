package spool_test

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/internal/forward"
	"suluh.example/suluh/internal/forward/spool"
	"suluh.example/suluh/internal/lang"
	"suluh.example/suluh/internal/report"
)

func day(t *testing.T, s string) id.Day {
	t.Helper()
	d, err := id.ParseDay(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func open(t *testing.T, dir string) *spool.Spool {
	t.Helper()
	words, err := lang.Load()
	if err != nil {
		t.Fatal(err)
	}
	s, err := spool.New(spool.Config{Dir: dir, Status: map[string]string{"Diteruskan ke OPD": "forwarded"}}, words.First())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func one(t *testing.T, reference string) forward.Complaint {
	t.Helper()
	return forward.Complaint{
		Reference: reference, Class: report.General, Category: "pungli", Title: "Loket <b>lambat</b>", Text: "Baris satu\nBaris \"dua\"; tiga, empat",
		Day: day(t, "2026-11-29"), Language: "id",
	}
}

func read(t *testing.T, dir, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// table reads daftar.csv as a spreadsheet does.
func table(t *testing.T, dir string) [][]string {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(read(t, dir, "daftar.csv"), "\ufeff"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// A complaint is in the folder once, to type from, until the queue's number comes
// back; it leaves the lists when it is over.
func TestTypedAndBroughtBack(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "antrean")
	s := open(t, dir)
	c := one(t, "rujukansatu")
	for range 2 {
		if sent, err := s.Send(t.Context(), c); err != nil || sent != (forward.Sent{}) {
			t.Fatalf("got %+v, %v", sent, err)
		}
	}
	if _, err := s.Find(t.Context(), "rujukandua"); !errors.Is(err, forward.ErrNotFound) {
		t.Errorf("of one that isn't there: %v", err)
	}
	if _, err := s.Find(t.Context(), c.Reference); err != nil {
		t.Errorf("of one that is there: %v", err)
	}
	if got, err := s.Status(t.Context(), "", c.Reference); err != nil || got != (forward.Status{}) {
		t.Errorf("before anything came back: %+v, %v", got, err)
	}
	var kept map[string]any
	if err := json.Unmarshal([]byte(read(t, dir, "rujukansatu.json")), &kept); err != nil || kept["text"] != c.Text || kept["day"] != "2026-11-29" {
		t.Errorf("the file has %v, %v", kept, err)
	}
	sheet := read(t, dir, "daftar.html")
	for _, want := range []string{"rujukansatu", "29 November 2026", "Loket &lt;b&gt;lambat&lt;/b&gt;", "Tidak berkadar pengawasan"} {
		if !strings.Contains(sheet, want) {
			t.Errorf("the list to print lacks %q", want)
		}
	}
	if rows := table(t, dir); len(rows) != 2 || rows[1][0] != "rujukansatu" || rows[1][5] != c.Text {
		t.Errorf("the table is %q", rows)
	}

	done, err := s.Import(strings.NewReader("\ufeffReference;Tracking;Status\r\nRUJUKANSATU;1234567;Dalam Proses\r\n"))
	if err != nil || done.Changed != 1 || len(done.Unmapped) > 0 {
		t.Fatalf("brought back: %+v, %v", done, err)
	}
	if got, err := s.Status(t.Context(), "", c.Reference); err != nil || got.Tracking != "1234567" || got.Word != "Dalam Proses" || got.Status != report.Forwarded || got.Final {
		t.Errorf("then: %+v, %v", got, err)
	}
	if strings.Contains(read(t, dir, "daftar.html"), "rujukansatu") || table(t, dir)[1][6] != "1234567" {
		t.Error("what has a number is still to be typed, or its number isn't in the table")
	}

	done, err = s.Import(strings.NewReader(`[{"reference":"rujukansatu","status":"selesai","answer":"Sudah \u202ediperbaiki.","link":"https://antrean.example/1234567"}]`))
	if err != nil || done.Changed != 1 {
		t.Fatalf("brought back: %+v, %v", done, err)
	}
	got, err := s.Status(t.Context(), "1234567", c.Reference)
	if err != nil || got.Tracking != "1234567" || got.Status != report.Closed || !got.Final || got.Answer != "Sudah diperbaiki." || got.Link != "https://antrean.example/1234567" {
		t.Errorf("at the end: %+v, %v", got, err)
	}
	if rows := table(t, dir); len(rows) != 1 {
		t.Errorf("what is over is in the table: %q", rows)
	}
	if _, err := s.Find(t.Context(), c.Reference); err != nil {
		t.Errorf("what is over isn't found: %v", err)
	}
	if _, err := s.Send(t.Context(), c); err != nil || len(table(t, dir)) != 1 {
		t.Errorf("what is over was sent again: %v", err)
	}
}

// The table itself, filled in or not, can be brought back.
func TestTableComesBackAsItIs(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	for _, ref := range []string{"rujukansatu", "rujukandua"} {
		if _, err := s.Send(t.Context(), one(t, ref)); err != nil {
			t.Fatal(err)
		}
	}
	if done, err := s.Import(strings.NewReader(read(t, dir, "daftar.csv"))); err != nil || done.Changed != 0 || done.Same != 2 {
		t.Errorf("nothing filled in: %+v, %v", done, err)
	}
}

// No cell begins like a formula, and what was in it comes back.
func TestCellsAreNoFormulas(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	c := one(t, "rujukansatu")
	c.Title, c.Text = `=HYPERLINK("https://jahat.example","klik")`, "@SUM(1)\n+62"
	if _, err := s.Send(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Import(strings.NewReader("reference,status,answer\nrujukansatu,=1+1,-sudah\n")); err != nil {
		t.Fatal(err)
	}
	for _, cell := range table(t, dir)[1] {
		if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
			t.Errorf("a spreadsheet takes this for a formula: %q", cell)
		}
	}
	if _, err := s.Import(strings.NewReader(read(t, dir, "daftar.csv"))); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Status(t.Context(), "", c.Reference); err != nil || got.Word != "=1+1" || got.Answer != "-sudah" {
		t.Errorf("it came back as %+v, %v", got, err)
	}
}

// A file with anything wrong changes nothing, and the row is named.
func TestBadFilesChangeNothing(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	if _, err := s.Send(t.Context(), one(t, "rujukansatu")); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		name, text string
		want       error
		row        int
	}{
		{"empty", "", spool.ErrForm, 0},
		{"a web page", "<!doctype html><p>login", spool.ErrForm, 0},
		{"no reference", "nomor,status\n1,selesai\n", spool.ErrForm, 0},
		{"nothing to bring back", "reference,title\nrujukansatu,x\n", spool.ErrForm, 0},
		{"not UTF-8", "reference,status\nrujukansatu,\xff\n", spool.ErrForm, 0},
		{"broken JSON", `[{"reference":`, spool.ErrForm, 0},
		{"a stranger", "reference,tracking\nrujukansatu,1\nrujukandua,2\n", spool.ErrReference, 2},
		{"a path", "reference,tracking\n../../etc/passwd,2\n", spool.ErrReference, 1},
		{"a number that is none", "reference,tracking\nrujukansatu,<script>\n", spool.ErrTracking, 1},
		{"a link that is none", "reference,link\nrujukansatu,javascript:alert(1)\n", spool.ErrLink, 1},
		{"twice", "reference,tracking\nrujukansatu,1\nrujukansatu,2\n", spool.ErrTwice, 2},
	} {
		t.Run(x.name, func(t *testing.T) {
			_, err := s.Import(strings.NewReader(x.text))
			var row *spool.RowError
			if !errors.Is(err, x.want) || errors.As(err, &row) != (x.row > 0) || row != nil && row.Row != x.row {
				t.Errorf("got %v", err)
			}
			if got, err := s.Status(t.Context(), "", "rujukansatu"); err != nil || got != (forward.Status{}) {
				t.Errorf("it changed to %+v, %v", got, err)
			}
		})
	}
}

// A status that nobody mapped is kept in its word, and told of.
func TestUnmappedStatus(t *testing.T) {
	s := open(t, t.TempDir())
	if _, err := s.Send(t.Context(), one(t, "rujukansatu")); err != nil {
		t.Fatal(err)
	}
	done, err := s.Import(strings.NewReader("reference,status\nrujukansatu,Entah\n"))
	if err != nil || !slices.Equal(done.Unmapped, []string{"Entah"}) {
		t.Errorf("got %+v, %v", done, err)
	}
	if got, err := s.Status(t.Context(), "", "rujukansatu"); err != nil || got.Word != "Entah" || got.Status != "" {
		t.Errorf("got %+v, %v", got, err)
	}
}

// A folder that can't be written to leaves the complaint unsent.
func TestNoRoom(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "antrean")
	s := open(t, dir)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	var not *forward.NotSent
	if _, err := s.Send(t.Context(), one(t, "rujukansatu")); !errors.As(err, &not) || strings.Contains(err.Error(), dir) {
		t.Errorf("got %v", err)
	}
}
