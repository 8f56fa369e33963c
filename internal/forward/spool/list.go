package spool

import (
	"bytes"
	_ "embed"
	"encoding/csv"
	"html/template"
	"path/filepath"
	"strings"

	"suluh.example/suluh/internal/durable"
)

//go:embed list.html
var page string

// columns are those of daftar.csv. Of a file that is brought back, reference is
// needed, and what of the last four there is counts.
var columns = []string{"reference", "day", "class", "category", "title", "text", "tracking", "status", "answer", "link"}

// list writes both lists anew.
func (s *Spool) list() error {
	all, err := s.open()
	if err != nil {
		return err
	}
	var table bytes.Buffer
	table.WriteString("\ufeff") // or spreadsheets don't take it for UTF-8
	w := csv.NewWriter(&table)
	w.UseCRLF = true
	rows := [][]string{columns}
	var wanted []entry
	for _, e := range all {
		rows = append(rows, []string{
			e.Reference, e.Day.String(), string(e.Class), string(e.Category), cell(e.Title), cell(e.Text),
			cell(e.now.Tracking), cell(e.now.Word), cell(e.now.Answer), cell(e.now.Link),
		})
		if e.now.Tracking == "" {
			wanted = append(wanted, e)
		}
	}
	if err := w.WriteAll(rows); err != nil {
		return err
	}
	t, err := template.New("").Funcs(template.FuncMap{"t": s.words.T, "day": s.words.Day}).Parse(page)
	if err != nil {
		return err
	}
	var sheet bytes.Buffer
	if err := t.Execute(&sheet, struct {
		Language string
		Entries  []entry
	}{s.words.Code(), wanted}); err != nil {
		return err
	}
	if err := durable.ReplaceFile(filepath.Join(s.dir, "daftar.csv"), table.Bytes(), fileMode); err != nil {
		return plain(err)
	}
	return plain(durable.ReplaceFile(filepath.Join(s.dir, "daftar.html"), sheet.Bytes(), fileMode))
}

// formula are the characters by which a spreadsheet tells a formula, with those
// that some take for them.
const formula = "=+-@\t\r\n|%＝＋－＠"

// cell makes a text one that a spreadsheet takes for a text.
func cell(s string) string {
	if s != "" && strings.ContainsRune(formula, []rune(s)[0]) {
		return "'" + s
	}
	return s
}

// uncell takes back what cell did, or what a spreadsheet writes for it.
func uncell(s string) string {
	s = strings.TrimSpace(s)
	if rest, ok := strings.CutPrefix(s, "'"); ok && rest != "" && strings.ContainsRune(formula, []rune(rest)[0]) {
		return rest
	}
	return s
}
