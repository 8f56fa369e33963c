package check

import (
	"encoding/binary"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
)

// Entry is what auditors are told of a record: who did what to which case, and
// when. Of what a reporter did only the day is known.
type Entry struct {
	Seq    int64     `json:"record"`
	Time   time.Time `json:"time,omitzero"`
	Day    id.Day    `json:"day,omitzero"`
	Action string    `json:"action"` // of a member, or the kind of a record of the vault's own
	Member id.Member `json:"member,omitempty"`
	To     id.Member `json:"to,omitempty"` // whom a grant, a revocation or an assignment is for
	Case   id.Case   `json:"case,omitempty"`
	Detail string    `json:"detail,omitempty"` // in the record's own words: of a batch its day, and see [detailOf]
}

// Actions returns all that an entry's action can be.
func Actions() (all []string) {
	for _, a := range accesslog.Actions() {
		all = append(all, string(a))
	}
	for _, k := range []accesslog.Kind{
		accesslog.KindDeposit, accesslog.KindDestroy, accesslog.KindRoster, accesslog.KindBatch, accesslog.KindConfigure, accesslog.KindBackup, accesslog.KindRestore, accesslog.KindRelease,
	} {
		all = append(all, string(k))
	}
	return all
}

// compact is an entry by numbers: names are numbers in a table. It is how entries
// are added, and kept in a file; in memory they stand in a [block].
type compact struct {
	time       uint32 // seconds, or the number of the day
	of, detail uint32
	member, to uint16 // in a table of their own
	action     uint8  // so are these
}

// rowBytes is how many bytes an entry has in a file.
const rowBytes = 17

func (c *compact) put(b *[rowBytes]byte) {
	binary.LittleEndian.PutUint32(b[0:], c.time)
	binary.LittleEndian.PutUint32(b[4:], c.of)
	binary.LittleEndian.PutUint32(b[8:], c.detail)
	binary.LittleEndian.PutUint16(b[12:], c.member)
	binary.LittleEndian.PutUint16(b[14:], c.to)
	b[16] = c.action
}

func rowFrom(b *[rowBytes]byte) compact {
	return compact{
		binary.LittleEndian.Uint32(b[0:]), binary.LittleEndian.Uint32(b[4:]), binary.LittleEndian.Uint32(b[8:]),
		binary.LittleEndian.Uint16(b[12:]), binary.LittleEndian.Uint16(b[14:]), b[16],
	}
}

// table numbers names in the order in which they come.
type table struct {
	names   []string
	numbers map[string]int
}

func (t *table) number(name string) int {
	n, ok := t.numbers[name]
	if !ok {
		if t.numbers == nil {
			t.numbers = map[string]int{}
		}
		name = kept(name)
		n = len(t.names)
		t.names, t.numbers[name] = append(t.names, name), n
	}
	return n
}

// index has the entries of a log. What readers have of it stays as it is while more
// is added.
type index struct {
	blocks                    []*block
	tail                      []compact // the entries that don't fill a block yet
	actions, members, strings table
}

var epoch = id.DayOf(time.Unix(0, 0), time.UTC)

// fits tells whether there is room for a record's entry: until 2106, of 65,534
// members.
func (x *index) fits(p *parsed) error {
	if at := p.record.Time.Unix(); !p.record.Time.IsZero() && (at < 0 || at > math.MaxUint32) || len(x.members.names) >= math.MaxUint16-1 {
		return errors.New("a list of the log's entries has no room for what it says")
	}
	return nil
}

func (x *index) add(p *parsed) {
	r, s := &p.record, &p.statement
	at, action := r.Time.Unix(), string(r.Kind)
	member, to, of, detail := id.Member(""), id.Member(""), id.Case(""), ""
	switch r.Kind {
	case accesslog.KindStatement:
		action, member, to, of, detail = string(s.Action), s.Member, s.To, s.Case, detailOf(s)
		if e := x.entries(); s.Action == accesslog.Unseal && s.Opened < e.n { // of the case that was opened, as its verification has shown
			of = id.Case(e.strings[e.row(s.Opened).of])
		}
	case accesslog.KindDeposit:
		at, of = int64(r.Deposit.Day.Sub(epoch)), r.Deposit.Case
	case accesslog.KindDestroy:
		at, of = int64(r.Destroy.Day.Sub(epoch)), r.Destroy.Case
	case accesslog.KindBatch:
		detail = r.Batch.Day.String()
	}
	c := compact{
		time: uint32(at), of: uint32(x.strings.number(string(of))), detail: uint32(x.strings.number(detail)),
		member: uint16(x.members.number(string(member))), to: uint16(x.members.number(string(to))), action: uint8(x.actions.number(action)),
	}
	x.append(c)
}

func (x *index) append(c compact) {
	if x.tail = append(x.tail, c); len(x.tail) == blockRows {
		x.blocks, x.tail = append(x.blocks, packed(x.tail, x.actions.names)), make([]compact, 0, blockRows)
	}
}

// detailOf returns what else a statement says: of a refer "<unit> keeps|ends" and
// the readers, of a decision or an outcome the result, of an unseal "opened <record>".
func detailOf(s *accesslog.Statement) string {
	switch s.Action {
	case accesslog.Refer:
	case accesslog.Unseal:
		return fmt.Sprintf("opened %d", s.Opened)
	default:
		return string(s.Result)
	}
	words := []string{s.Refer.Access()}
	for _, m := range s.Refer.Readers {
		words = append(words, string(m))
	}
	return strings.Join(words, " ")
}

func (x *index) entries() Entries {
	n := int64(len(x.blocks))*blockRows + int64(len(x.tail))
	return Entries{n, x.blocks, x.tail, x.actions.names, x.members.names, x.strings.names}
}

// Entries are the entries of a log as it was at one time. They stay as they
// are while the log is extended.
type Entries struct {
	n                         int64
	blocks                    []*block
	tail                      []compact
	actions, members, strings []string
}

// Len returns their number.
func (e Entries) Len() int64 { return e.n }

// First returns the first n of them, as of when there were no more.
func (e Entries) First(n int64) Entries {
	e.n = min(n, e.n)
	return e
}

func (e Entries) row(seq int64) compact {
	if i := seq / blockRows; i < int64(len(e.blocks)) {
		return e.blocks[i].row(int(seq%blockRows), e.actions)
	}
	return e.tail[seq-int64(len(e.blocks))*blockRows]
}

// At returns the entry of a record.
func (e Entries) At(seq int64) Entry {
	c := e.row(seq)
	x := Entry{
		Seq: seq, Action: e.actions[c.action],
		Member: id.Member(e.members[c.member]), To: id.Member(e.members[c.to]), Case: id.Case(e.strings[c.of]), Detail: e.strings[c.detail],
	}
	if accesslog.Kind(x.Action).DayOnly() {
		x.Day = epoch.AddDays(int(c.time))
	} else {
		x.Time = time.Unix(int64(c.time), 0).UTC()
	}
	return x
}

// Filter chooses entries. Its zero value chooses all.
type Filter struct {
	Member id.Member
	Action string
	Case   id.Case
	From   id.Day // first day
	To     id.Day // last day
	Zone   *time.Location
}

// Select returns the chosen entries, oldest first.
func (e Entries) Select(f Filter) iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		c := e.chooser(f)
		for i := range e.parts() {
			_, rows := c.rows(i)
			for _, at := range rows {
				if !yield(e.At(i*blockRows + int64(at))) {
					return
				}
			}
		}
	}
}

// Actions returns the actions by their numbers.
func (e Entries) Actions() []string { return e.actions }

// Members returns the members by their numbers; 0 stands for none.
func (e Entries) Members() []string { return e.members }

// Cases returns what numbers of cases are below; 0 stands for none.
func (e Entries) Cases() int { return len(e.strings) }

// Latest returns how many entries are chosen, and up to n of them, newest first,
// after skipping some.
func (e Entries) Latest(f Filter, skip, n int64) (some []Entry, of int64) {
	c := e.chooser(f)
	for i := e.parts() - 1; i >= 0; i-- {
		_, rows := c.rows(i)
		for at := max(skip, of); at < min(skip+n, of+int64(len(rows))); at++ {
			some = append(some, e.At(i*blockRows+int64(rows[int64(len(rows))-1-(at-of)])))
		}
		of += int64(len(rows))
	}
	return some, of
}

// months are written as people here write them.
var months = [12][]string{
	{"januari", "january", "jan"},
	{"februari", "february", "feb"},
	{"maret", "march", "mar"},
	{"april", "apr"},
	{"mei", "may"},
	{"juni", "june", "jun"},
	{"juli", "july", "jul"},
	{"agustus", "august", "agu", "aug"},
	{"september", "sep"},
	{"oktober", "october", "okt", "oct"},
	{"november", "nov"},
	{"desember", "december", "des", "dec"},
}

// ParseDay reads a day as people type it: 2026-11-24, or 24 November 2026 in
// Indonesian or English.
func ParseDay(text string) (id.Day, error) {
	text = strings.TrimSpace(text)
	if d, err := id.ParseDay(text); err == nil {
		return d, nil
	}
	f := strings.Fields(strings.ToLower(text))
	if len(f) == 3 && len(f[0]) <= 2 && len(f[2]) == 4 {
		day, err1 := strconv.ParseUint(f[0], 10, 8)
		year, err2 := strconv.ParseUint(f[2], 10, 16)
		for m, names := range months {
			for _, name := range names {
				if name == f[1] && err1 == nil && err2 == nil {
					return id.ParseDay(fmt.Sprintf("%04d-%02d-%02d", year, m+1, day))
				}
			}
		}
	}
	return id.Day{}, fmt.Errorf("day is neither like 2026-11-24 nor like 24 November 2026")
}

// WriteCSV writes entries as a table that spreadsheets open. Names are those
// that nameOf gives. A cell that a spreadsheet would take for a formula is
// written as text.
func WriteCSV(w io.Writer, entries iter.Seq[Entry], nameOf func(id.Member) string) error {
	out := csv.NewWriter(w)
	err := out.Write([]string{"record", "time", "day", "action", "member", "name", "to", "case", "detail"})
	for e := range entries {
		if err != nil {
			return err
		}
		at := ""
		if !e.Time.IsZero() {
			at = e.Time.Format(time.RFC3339)
		}
		name := ""
		if e.Member != "" {
			name = nameOf(e.Member)
		}
		row := []string{strconv.FormatInt(e.Seq, 10), at, e.Day.String(), e.Action, string(e.Member), name, string(e.To), string(e.Case), e.Detail}
		for i := range row {
			row[i] = Cell(row[i])
		}
		err = out.Write(row)
	}
	out.Flush()
	if err != nil {
		return err
	}
	return out.Error()
}

// Cell makes a text harmless in a cell of a spreadsheet: what would begin a
// formula gets an apostrophe before it.
func Cell(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r\n", rune(s[0])) {
		return "'" + s
	}
	return s
}

// Plain makes a text harmless on a terminal: control, format and bidi
// characters become "?".
func Plain(s string) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsControl(c) || unicode.Is(unicode.Cf, c) || c == '\u2028' || c == '\u2029' || c == unicode.ReplacementChar {
			return '?'
		}
		return c
	}, s)
}
