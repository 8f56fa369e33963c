package intake

import (
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/lang"
	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/internal/submission"
	"suluh.example/suluh/web/page"
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

// seed reads the one-time value of a form.
func seed(s string) (submission.Seed, bool) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != 32 {
		return submission.Seed{}, false
	}
	return submission.SeedFrom([32]byte(b)), true
}

// choice is an answer of the question who reads it.
type choice struct {
	ID, Value, Text string
	Checked         bool
	unit            id.Unit
}

// choices are the units that reports may go to. A unit without readers is
// never one. The first unit of the roster is the province's own; its other
// reads what is about itself, and what somebody isn't sure of.
func choices(l *lang.Language, r *roster.Roster, chosen string) (all []choice) {
	readable := func(u id.Unit) bool { return len(r.Readers(u, nil)) > 0 }
	name := func(u roster.Unit) string { return u.Named(l.Code()) }
	own := r.Units[0]
	other, _ := r.Unit(own.Other)
	add := func(u id.Unit, value, text string) {
		c := choice{ID: unitField, Value: value, Text: text, Checked: value == chosen, unit: u}
		if len(all) > 0 {
			c.ID += "-" + strconv.Itoa(len(all)+1)
		}
		all = append(all, c)
	}
	if readable(own.ID) {
		add(own.ID, string(own.ID), l.T("intake.unit.own", "Unit", name(own)))
	}
	for _, u := range r.Units[1:] {
		if u.ID == other.ID || !readable(u.ID) {
			continue
		}
		text := l.T("intake.unit.more", "Unit", name(u))
		if h := u.HandlesIn(l.Code()); h != "" {
			text = l.T("intake.unit.more.handles", "Unit", name(u), "Handles", h)
		}
		add(u.ID, string(u.ID), text)
	}
	if other.ID != "" && readable(other.ID) {
		add(other.ID, string(other.ID), l.T("intake.unit.other", "Unit", name(other), "Own", name(own)))
		add(other.ID, unsure, l.T("intake.unit.unsure", "Unit", name(other), "Own", name(own)))
	}
	return all
}

// officers are the readers of a unit, to be left out by name.
type officers struct {
	Unit    string
	Members []officer
}

type officer struct {
	ID, Name string
	Checked  bool
}

func allOfficers(l *lang.Language, r *roster.Roster, without []id.Member) (all []officers) {
	for _, u := range r.Units {
		o := officers{Unit: u.Named(l.Code())}
		for _, m := range r.Readers(u.ID, nil) {
			o.Members = append(o.Members, officer{string(m.ID), m.Name, slices.Contains(without, m.ID)})
		}
		if len(o.Members) > 0 {
			all = append(all, o)
		}
	}
	return all
}

// to tells who reads a report, or what is wrong with the choice. Members whom
// the reporter left out stay left out when they are no readers (any more): the
// case's keys depend on the choice, and the same form must give the same case.
func (t typed) to(l *lang.Language, r *roster.Roster) (submission.Readers, []page.Problem) {
	to := submission.Readers{}
	for _, m := range t.without {
		if _, ok := r.Member(m); ok {
			to.Without = append(to.Without, m)
		}
	}
	all := choices(l, r, t.unit)
	i := slices.IndexFunc(all, func(c choice) bool { return c.Checked })
	switch {
	case i >= 0:
		to.Unit = all[i].unit
	case t.unit == "":
		return to, []page.Problem{{Field: unitField, Text: l.T("intake.unit.missing")}}
	default:
		return to, []page.Problem{{Field: unitField, Text: l.T("intake.unit.gone")}}
	}
	if len(r.Readers(to.Unit, to.Without)) == 0 {
		u, _ := r.Unit(to.Unit)
		return to, []page.Problem{{Field: withoutField, Text: l.T("intake.without.all", "Unit", u.Named(l.Code()))}}
	}
	return to, nil
}

// rewitnessed tells whether other key witnesses have to be asked than the check
// page said.
func rewitnessed(r *roster.Roster, to submission.Readers, shown []string) bool {
	said := ""
	for _, s := range shown {
		if strings.HasPrefix(s, witnessMark) {
			said = s
		}
	}
	return said != witnessed(r, to.Unit)
}

// added tells whether somebody reads it whom the check page didn't show.
func added(r *roster.Roster, to submission.Readers, shown []string) bool {
	for _, m := range r.Readers(to.Unit, to.Without) {
		if !slices.Contains(shown, string(m.ID)) {
			return true
		}
	}
	return false
}

// witnessMark begins what stands for a unit's key witnesses among the readers
// that were shown; it is in no member's id.
const witnessMark = "="

// witnessed names a unit's key witnesses, and how many of them are needed.
func witnessed(r *roster.Roster, u id.Unit) string {
	need, all := r.KeyWitnessesOf(u)
	if need == 0 {
		return ""
	}
	s := witnessMark + strconv.Itoa(need)
	for _, m := range all {
		s += " " + string(m.ID)
	}
	return s
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

// hasPersonalNumber tells whether any text has one.
func (t typed) hasPersonalNumber() bool {
	for _, part := range report.Questions() {
		for _, q := range part {
			if hasPersonalNumber(*q.Of(&t.report)) {
				return true
			}
		}
	}
	return false
}
