package spool

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"

	"suluh.example/suluh/internal/durable"
	"suluh.example/suluh/internal/forward/queue"
)

// RowError says which row of a file can't be brought back, and why.
type RowError struct {
	Row int // from 1, the header not counted
	Err error
}

func (r *RowError) Error() string { return fmt.Sprintf("row %d: %v", r.Row, r.Err) }

// Unwrap returns the cause.
func (r *RowError) Unwrap() error { return r.Err }

// Errors of a row or a file.
var (
	ErrReference = errors.New("no complaint in the folder has this reference")
	ErrTracking  = errors.New("the number is longer than 64 characters, or has others than letters, digits and -_.:/#")
	ErrLink      = errors.New("the link is none that begins with https:// or http://")
	ErrTwice     = errors.New("the reference stands there twice, with different values")
	ErrForm      = errors.New("neither JSON nor a table with a column reference and one of tracking, status, answer and link")
)

// Imported tells what came of a file.
type Imported struct {
	Changed  int      // complaints of which something is new
	Same     int      // of which nothing is
	Unmapped []string // words for a status that the configuration doesn't map
}

// row is one that is brought back. What is empty stays as it is.
type row struct {
	Reference string `json:"reference"`
	Tracking  string `json:"tracking"`
	Word      string `json:"status"`
	Answer    string `json:"answer"`
	Link      string `json:"link"`
}

// maxFile is the most bytes of a file.
const maxFile = 64 << 20

// Import brings back what a queue says of complaints: a CSV with a header, as
// daftar.csv has it, or a JSON array of objects with the same names. If one row is
// wrong, nothing is changed.
func (s *Spool) Import(in io.Reader) (done Imported, err error) {
	text, err := io.ReadAll(io.LimitReader(in, maxFile+1))
	if err != nil {
		return done, err
	}
	if len(text) > maxFile || !utf8.Valid(text) {
		return done, ErrForm
	}
	rows, err := parse(bytes.TrimPrefix(text, []byte("\ufeff")))
	if err != nil {
		return done, err
	}
	unlock, err := s.lock()
	if err != nil {
		return done, err
	}
	defer unlock()
	before, now, order := map[string]stand{}, map[string]stand{}, []string(nil)
	for i, r := range rows {
		bad := func(err error) (Imported, error) { return Imported{}, &RowError{i + 1, err} }
		ref := strings.ToLower(strings.TrimSpace(r.Reference))
		if ref == "" && r == (row{}) {
			continue
		}
		if !reference.MatchString(ref) || !s.has(ref) {
			return bad(ErrReference)
		}
		x, again := now[ref]
		if !again {
			if x, err = s.stand(ref); err != nil {
				return bad(err)
			}
			before[ref] = x
			order = append(order, ref)
		}
		y := x
		if err := y.take(r); err != nil {
			return bad(err)
		}
		if again && y != x {
			return bad(ErrTwice)
		}
		now[ref] = y
	}
	unmapped := map[string]bool{}
	for _, ref := range order {
		x := now[ref]
		status, final := s.statuses.Look(x.Word)
		if x.Word != "" && status == "" && !unmapped[x.Word] {
			unmapped[x.Word] = true
			done.Unmapped = append(done.Unmapped, x.Word)
		}
		if x == before[ref] {
			done.Same++
			continue
		}
		if err := s.write(ref, x, final); err != nil {
			return done, err
		}
		done.Changed++
	}
	return done, s.list()
}

func (x *stand) take(r row) error {
	x.V = 1
	if t := uncell(r.Tracking); t != "" {
		if x.Tracking = queue.Tracking(t); x.Tracking == "" {
			return ErrTracking
		}
	}
	if l := uncell(r.Link); l != "" {
		u, err := url.Parse(l)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || len(l) > 2000 {
			return ErrLink
		}
		x.Link = l
	}
	if w := tidy(uncell(r.Word), 200); w != "" {
		x.Word = strings.Join(strings.Fields(w), " ")
	}
	if a := tidy(uncell(r.Answer), 8000); a != "" {
		x.Answer = a
	}
	return nil
}

// write keeps where a complaint stands, and puts away what is over.
func (s *Spool) write(ref string, x stand, final bool) error {
	text, err := json.MarshalIndent(x, "", "  ")
	if err != nil {
		return err
	}
	dir, name := s.where(ref), ref+".status.json"
	if err := durable.ReplaceFile(filepath.Join(dir, name), append(text, '\n'), fileMode); err != nil {
		return plain(err)
	}
	to := filepath.Join(s.dir, over)
	if !final || dir == to {
		return nil
	}
	if err := durable.Rename(filepath.Join(dir, name), filepath.Join(to, name)); err != nil {
		return plain(err)
	}
	if err := durable.Rename(filepath.Join(dir, ref+".json"), filepath.Join(to, ref+".json")); err != nil {
		return plain(err)
	}
	return plain(durable.SyncDir(dir))
}

// parse reads rows of JSON or CSV.
func parse(text []byte) (rows []row, err error) {
	if t := bytes.TrimSpace(text); len(t) > 0 && (t[0] == '[' || t[0] == '{') {
		if t[0] == '{' {
			t = append(append([]byte("["), t...), ']')
		}
		if err := json.Unmarshal(t, &rows); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrForm, err)
		}
		return rows, nil
	}
	r := csv.NewReader(bytes.NewReader(text))
	r.FieldsPerRecord = -1
	if head, _, _ := bytes.Cut(text, []byte("\n")); bytes.Count(head, []byte(";")) > bytes.Count(head, []byte(",")) {
		r.Comma = ';' // as spreadsheets in Bahasa Indonesia write it
	}
	all, err := r.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrForm, err)
	}
	if len(all) == 0 {
		return nil, ErrForm
	}
	at := map[string]int{}
	for i, name := range all[0] {
		at[strings.ToLower(strings.TrimSpace(name))] = i
	}
	_, ref := at["reference"]
	some := false
	for _, name := range columns[6:] {
		_, ok := at[name]
		some = some || ok
	}
	if !ref || !some {
		return nil, ErrForm
	}
	for _, fields := range all[1:] {
		get := func(name string) string {
			if i, ok := at[name]; ok && i < len(fields) {
				return fields[i]
			}
			return ""
		}
		rows = append(rows, row{get("reference"), get("tracking"), get("status"), get("answer"), get("link")})
	}
	return rows, nil
}

// tidy takes out of a text what nobody sees, and cuts it to so many characters.
func tidy(s string, most int) string {
	s = strings.Map(func(c rune) rune {
		if c != '\n' && (unicode.IsControl(c) || unicode.Is(unicode.Cf, c)) {
			return -1
		}
		return c
	}, strings.ReplaceAll(s, "\r\n", "\n"))
	if r := []rune(s); len(r) > most {
		s = string(r[:most-1]) + "…"
	}
	return strings.TrimSpace(s)
}
