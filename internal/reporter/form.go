package reporter

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/internal/report"
)

// Errors of what was written.
var (
	ErrJSON     = errors.New("the report is not JSON as suluh submit --example prints it")
	ErrField    = errors.New("the report has a field that is not known")
	ErrCategory = errors.New("the report's \"jenis\" is not a category")
	ErrTooLong  = errors.New("the text is too long")
	ErrNotUTF8  = errors.New("the text is not UTF-8")
	ErrNothing  = errors.New("nothing was written, and no file attached")
)

// Form is a report as it stands in a file: the answers of the form, and who may
// read it.
type Form struct {
	report.Report
	Unit    id.Unit     `json:"unit,omitempty"`
	Without []id.Member `json:"tanpa,omitempty"`
}

// Example is a report with every field, for people to fill in.
func Example() []byte {
	b, err := json.MarshalIndent(Form{
		Report: report.Report{
			What: "Perjalanan dinas dibayar dua kali.", How: "Kuitansi hotel yang sama dipakai untuk dua surat tugas.",
			Why: "Tidak ada yang mencocokkan kuitansi.", Who: "Bendahara dan kepala bidang di sebuah dinas.", Where: "Banjarbaru",
			When: "sekitar Maret 2026", Category: "korupsi", Loss: "12,5 juta", Others: "Staf yang mengetik surat tugas.", Already: "Belum pernah.", Keep: true,
		},
		Unit: "itprov", Without: []id.Member{"penelaah-dua"},
	}, "", "  ")
	if err != nil {
		panic(err) // it has nothing but strings
	}
	return append(b, '\n')
}

// maxForm is more bytes than the JSON of any report that is accepted.
const maxForm = 8 << 20

// ReadForm reads a report in JSON. Fields that aren't known are refused, so that
// nothing a person wrote is left out in silence.
func ReadForm(r io.Reader) (Form, error) {
	var f Form
	b, err := io.ReadAll(io.LimitReader(r, maxForm+1))
	if err != nil {
		return f, fmt.Errorf("read the report: %w", err)
	}
	if len(b) > maxForm {
		return f, ErrTooLong
	}
	b = bytes.TrimPrefix(b, []byte("\ufeff")) // as some editors begin a file
	if !utf8.Valid(b) {
		return f, ErrNotUTF8
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		if strings.HasPrefix(err.Error(), "json: unknown field") {
			return f, ErrField
		}
		return f, ErrJSON
	}
	if _, err := d.Token(); err != io.EOF {
		return f, ErrJSON
	}
	if f.Category != "" && report.ParseCategory(string(f.Category)) == "" {
		return f, ErrCategory
	}
	return f, f.clean()
}

// questions are those of all parts of the form.
func questions() []report.Question {
	parts := report.Questions()
	return slices.Concat(parts[:]...)
}

// clean makes the answers what the pages would have sent.
func (f *Form) clean() error {
	n := 0
	for _, q := range questions() {
		s := q.Of(&f.Report)
		*s = cleanText(*s)
		n += len(*s)
	}
	if n > report.MaxText {
		return ErrTooLong
	}
	slices.Sort(f.Without)
	f.Without = slices.Compact(f.Without)
	return nil
}

// ReadText reads a reply.
func ReadText(r io.Reader) (string, error) {
	b, err := io.ReadAll(io.LimitReader(r, report.MaxText+4)) // with the mark that some editors begin a file with
	if err != nil {
		return "", fmt.Errorf("read the text: %w", err)
	}
	b = bytes.TrimPrefix(b, []byte("\ufeff"))
	if len(b) > report.MaxText {
		return "", ErrTooLong
	}
	if !utf8.Valid(b) {
		return "", ErrNotUTF8
	}
	return cleanText(string(b)), nil
}

// cleanText ends lines by \n alone, and keeps no other control characters but
// tabs.
func cleanText(s string) string {
	s = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(s)
	return strings.TrimSpace(strings.Map(func(c rune) rune {
		if unicode.IsControl(c) && c != '\n' && c != '\t' {
			return -1
		}
		return c
	}, s))
}
