package intake

import (
	"encoding/hex"
	"slices"
	"strings"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/internal/lang"
	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/internal/submission"
)

// Names of fields. Those of the report's questions are the keys of their
// labels too: intake.field.NAME.
const (
	unitField       = "unit"
	withoutField    = "tanpa"
	shownField      = "pembaca" // readers that the check page showed
	onceField       = "sekali"  // the seed
	fileField       = "berkas"
	secondFileField = "berkas2"
	asIsField       = "asli" // photos with their hidden data
	keepField       = "jangan_diteruskan"
	codeField       = "kode"
	textField       = "teks"
	showField       = "lihat"  // show the code instead of trying it
	switchField     = "bahasa" // only the language is changed
	kindField       = "jenis"
	answerField     = "balasan" // digest of an answer
	sureField       = "ya"      // destroy it
	receiptField    = "tanda"

	unsure  = "?"       // unit of those who don't know: not a unit's name
	unknown = "unknown" // category of those who don't know: as good as none
)

// rows is the height of a question's field; 1 is a single line.
func rows(question string) int {
	switch question {
	case "apa":
		return 8
	case "bagaimana":
		return 3
	case "rugi":
		return 1
	}
	return 2
}

// typed is all that a person has filled in, as the form's fields carry it from
// page to page: there is no session.
type typed struct {
	unit    string
	without []id.Member
	shown   []string
	once    string
	kind    string // the category, or unknown
	asIs    bool   // photos are sent with their hidden data
	report  report.Report
}

func typedFrom(b *body) typed {
	t := typed{unit: b.first(unitField), shown: b.texts[shownField], once: b.first(onceField), asIs: b.first(asIsField) != ""}
	for _, s := range b.texts[withoutField] {
		if m, err := id.ParseMember(s); err == nil && !slices.Contains(t.without, m) {
			t.without = append(t.without, m)
		}
	}
	slices.Sort(t.without)
	for _, part := range report.Questions() {
		for _, q := range part {
			*q.Of(&t.report) = b.first(q.Name)
		}
	}
	t.report.Keep = b.first(keepField) != ""
	t.report.Category = report.ParseCategory(b.first(kindField))
	if t.kind = string(t.report.Category); b.first(kindField) == unknown {
		t.kind = unknown
	}
	return t
}

// hidden is a field that carries something to the next page.
type hidden struct{ Name, Value string }

// fields returns all of it, to be carried on.
func (t typed) fields() []hidden { return append(t.written(), asIsFields(t.asIs)...) }

// asIsFields carry the choice of the box that is ticked beside the files.
func asIsFields(asIs bool) []hidden {
	if asIs {
		return []hidden{{asIsField, "1"}}
	}
	return nil
}

// written returns all but the choice that is made beside the files.
func (t typed) written() (f []hidden) {
	add := func(name, value string) {
		if value != "" {
			f = append(f, hidden{name, value})
		}
	}
	add(onceField, t.once)
	add(unitField, t.unit)
	for _, m := range t.without {
		add(withoutField, string(m))
	}
	if t.report.Keep {
		add(keepField, "1")
	}
	add(kindField, t.kind)
	for _, part := range report.Questions() {
		for _, q := range part {
			add(q.Name, *q.Of(&t.report))
		}
	}
	return f
}

// length is the number of bytes of text.
func (t typed) length() (n int) {
	for _, part := range report.Questions() {
		for _, q := range part {
			n += len(*q.Of(&t.report))
		}
	}
	return n
}

// longest is the question with the most text.
func (t typed) longest() (name string) {
	most := -1
	for _, part := range report.Questions() {
		for _, q := range part {
			if n := len(*q.Of(&t.report)); n > most {
				most, name = n, q.Name
			}
		}
	}
	return name
}

// tooLong says how much text there may be.
func tooLong(l *lang.Language) string {
	return l.T("intake.long.title") + ". " + l.T("intake.long.here", "Size", l.Bytes(report.MaxText))
}

// seed reads the one-time value of a form.
func seed(s string) (submission.Seed, bool) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != 32 {
		return submission.Seed{}, false
	}
	return submission.SeedFrom([32]byte(b)), true
}

// answer is a line of the check page.
type answer struct{ Question, Text string }

// answers are what was typed, question by question.
func (t typed) answers(l *lang.Language) (all []answer) {
	add := func(question, text string) {
		all = append(all, answer{question, text})
	}
	for i, part := range report.Questions() {
		if i == 2 {
			category := ""
			if t.kind != "" {
				category = l.T("category." + t.kind)
			}
			add(l.T("intake.check.jenis"), category)
		}
		for _, q := range part {
			label := "intake.field." + q.Name
			if i == 2 {
				label = "intake.check." + q.Name
			}
			add(l.T(label), strings.TrimSpace(*q.Of(&t.report)))
		}
	}
	return all
}

// keep says whether it may be forwarded.
func (t typed) keep(l *lang.Language) answer {
	key := "intake.keep.no"
	if t.report.Keep {
		key = "intake.keep.yes"
	}
	return answer{l.T("intake.keep.check"), l.T(key)}
}

// field is a text of a form.
type field struct {
	Name, Label, Hint, Value, Problem string
	Rows                              int
}

// DescribedBy names the hint, then what is wrong.
func (f field) DescribedBy() string {
	var ids []string
	if f.Hint != "" {
		ids = append(ids, f.Name+"-h")
	}
	if f.Problem != "" {
		ids = append(ids, f.Name+"-e")
	}
	return strings.Join(ids, " ")
}
