package auditor

import (
	"cmp"
	"maps"
	"math/bits"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/check"
	"suluh.example/suluh/internal/lang"
	"suluh.example/suluh/web/page"
)

// tally is what was done in a period, counted.
type tally struct {
	from, to id.Day
	all      counts
	member   map[id.Member]counts
	unit     map[id.Unit]counts
	action   map[string]counts
	period   map[id.Day]counts // by the first day of each part
	monthly  bool              // parts are months, or days
	deposits int64
}

// counts is how many records of members, and of how many different cases.
type counts struct{ records, cases int64 }

// counting is what is counted while it is.
type counting struct {
	records int64
	seen    []uint64 // a bit for each case
}

// add adds a record; of is the number of its case among so many, or 0.
func (c *counting) add(of uint32, among int) {
	c.records++
	if of == 0 {
		return
	}
	if c.seen == nil {
		c.seen = make([]uint64, among/64+1)
	}
	c.seen[of/64] |= 1 << (of % 64)
}

// with adds what was counted apart.
func (c *counting) with(other *counting) {
	c.records += other.records
	if len(c.seen) == 0 {
		c.seen = make([]uint64, len(other.seen)) // all that have any have as many
	}
	for i, bits := range other.seen {
		c.seen[i] |= bits
	}
}

func (c *counting) counts() counts {
	x := counts{records: c.records}
	for _, set := range c.seen {
		x.cases += int64(bits.OnesCount64(set))
	}
	return x
}

// mostDays is how many days a period may have to be counted by the day.
const mostDays = 62

// tallied counts what members did from one day to another.
func tallied(log *check.Result, from, to id.Day) *tally {
	zone := log.TimeZone()
	t := &tally{
		from: from, to: to, monthly: to.Sub(from) >= mostDays, member: map[id.Member]counts{}, unit: map[id.Unit]counts{},
		action: map[string]counts{}, period: map[id.Day]counts{},
	}
	periods := map[id.Day]*counting{}
	of := func(d id.Day) *counting {
		d = t.part(d)
		if periods[d] == nil {
			periods[d] = &counting{}
		}
		return periods[d]
	}
	for d := from; !to.Before(d); d = d.AddDays(1) {
		of(d)
	}
	entries, among := log.Entries, log.Entries.Cases()
	actions, members := make([]counting, len(entries.Actions())), make([]counting, len(entries.Members()))
	deposit := slices.Index(entries.Actions(), "deposit")
	var quarter uint32 // records of one quarter of an hour are of one part: no zone's day begins within
	var period *counting
	for n := range entries.Numbers(check.Filter{From: from, To: to, Zone: zone}) {
		for _, i := range n.Rows {
			member, action := n.Member[i], n.Action[i]
			if member == 0 {
				if int(action) == deposit {
					t.deposits++
				}
				continue
			}
			if q := n.Time[i] / 900; q != quarter || period == nil {
				quarter, period = q, of(id.DayOf(time.Unix(int64(n.Time[i]), 0), zone))
			}
			members[member].add(n.Case[i], among)
			actions[action].add(n.Case[i], among)
			period.add(n.Case[i], among)
		}
	}
	units := map[id.Unit]*counting{}
	var all counting
	for i, m := range entries.Members() {
		if members[i].records == 0 {
			continue
		}
		t.member[id.Member(m)] = members[i].counts()
		all.with(&members[i])
		// The unit of now: who has moved to another one took the work along.
		var who roster.Member
		if log.Roster != nil { // a log begins before its first roster
			who, _ = log.Roster.Member(id.Member(m))
		}
		if units[who.Unit] == nil {
			units[who.Unit] = &counting{}
		}
		units[who.Unit].with(&members[i])
	}
	t.all = all.counts()
	for u, c := range units {
		t.unit[u] = c.counts()
	}
	for i, a := range entries.Actions() {
		if actions[i].records > 0 {
			t.action[a] = actions[i].counts()
		}
	}
	for d, c := range periods {
		t.period[d] = c.counts()
	}
	return t
}

// part is the first day of the month, or the day.
func (t *tally) part(d id.Day) id.Day {
	if !t.monthly {
		return d
	}
	return d.AddDays(1 - d.Time(time.UTC).Day())
}

// lastDay is that of the log's last record.
func lastDay(log *check.Result) id.Day {
	for seq := log.Entries.Len() - 1; seq >= 0; seq-- {
		if e := log.Entries.At(seq); !e.Time.IsZero() {
			return id.DayOf(e.Time, log.TimeZone())
		}
	}
	return id.Day{}
}

// usual is the period that is shown to who names none: the last twelve months that
// have records.
func usual(log *check.Result) (from, to id.Day) {
	to = lastDay(log)
	from = to.AddDays(-364)
	if e := log.Entries.At(0); id.DayOf(e.Time, log.TimeZone()).Sub(from) > 0 {
		from = id.DayOf(e.Time, log.TimeZone())
	}
	return from, to
}

// counted is a table with its plot: a bar in each row or, of what follows one
// another in time, columns above the table. The plot has no text, which would spill
// into the page where SVG is switched off; the table says the same in words and
// numbers.
type counted struct {
	Title   string
	ID      string
	Head    string
	Columns *columns // nil: each row has its bar
	Rows    []countedRow

	values []int64
}

type countedRow struct {
	Name, Link, Records, Cases string
	Foreign                    bool // the name is somebody's own
	Bar                        int  // thousandths of the longest
}

// columns is a plot over time, from the left.
type columns struct {
	Width   int // of the whole; a column takes ten
	Columns []column
	Caption string
}

type column struct{ X, Y, Height int } // of a hundred

// plot draws what was counted.
func (c *counted) plot() {
	most := slices.Max(append(c.values, 1))
	for i, v := range c.values {
		c.Rows[i].Bar = int(v * 1000 / most)
	}
}

// plotOverTime draws what was counted as columns.
func (c *counted) plotOverTime(l *lang.Language) {
	if len(c.values) == 0 {
		return
	}
	most := slices.Max(append(c.values, 1))
	c.Columns = &columns{
		Width:   10 * len(c.values),
		Caption: l.T("auditor.access.columns", "From", c.Rows[0].Name, "To", c.Rows[len(c.Rows)-1].Name, "N", slices.Max(c.values)),
	}
	for i, v := range c.values {
		h := int(v * 100 / most)
		c.Columns.Columns = append(c.Columns.Columns, column{X: 10*i + 1, Y: 100 - h, Height: h})
	}
}

type accessPage struct {
	page.Page
	From, To string
	Summary  string
	Tables   []counted
}

// period reads the period that a form asks for.
func (s *Server) period(r *request, log *check.Result) (from, to id.Day, problems []page.Problem) {
	from, to = usual(log)
	in := r.URL.Query()
	for _, x := range []struct {
		field string
		day   *id.Day
	}{{"dari", &from}, {"sampai", &to}} {
		v := strings.TrimSpace(in.Get(x.field))
		if v == "" {
			continue
		}
		d, err := check.ParseDay(v)
		if err != nil {
			problems = append(problems, page.Problem{Field: x.field, Text: r.l.T("auditor.search.day.wrong")})
			continue
		}
		*x.day = d
	}
	switch {
	case len(problems) > 0:
	case to.Before(from):
		problems = append(problems, page.Problem{Field: "sampai", Text: r.l.T("auditor.period.order")})
	case to.Sub(from) > 20*366:
		problems = append(problems, page.Problem{Field: "dari", Text: r.l.T("auditor.period.long")})
	}
	return from, to, problems
}

func (s *Server) access(w http.ResponseWriter, r *request) error {
	log, err := s.verified(w, r)
	if log == nil {
		return err
	}
	l := r.l
	from, to, problems := s.period(r, log)
	p := accessPage{Page: s.page(r, l.T("auditor.access.title")), From: r.URL.Query().Get("dari"), To: r.URL.Query().Get("sampai")}
	p.Class, p.Cache, p.Problems = "wide", page.NoCache, problems
	if len(problems) == 0 {
		t := s.tallies.of(log, from, to)
		p.Title = l.T("auditor.access.found", "N", t.all.records, "Cases", t.all.cases)
		p.Summary = l.T("auditor.access.summary", "From", from, "To", to, "Deposits", t.deposits)
		p.Tables = s.tables(l, log, t)
	}
	return s.pages.Write(w, l, "access", p)
}

// tables are those of a tally, in the order of a reader's questions.
func (s *Server) tables(l *lang.Language, log *check.Result, t *tally) []counted {
	search := func(name, value string) string {
		return l.Path("/cari") + "?" + url.Values{name: {value}, "dari": {t.from.String()}, "sampai": {t.to.String()}}.Encode()
	}
	table := func(key string) *counted {
		return &counted{ID: key, Title: l.T("auditor.access." + key + ".title"), Head: l.T("auditor.access." + key)}
	}
	member := table("member")
	for _, m := range most(t.member) {
		member.add(l, t.member[m], countedRow{Name: s.who(log, m), Link: search("anggota", string(m)), Foreign: true})
	}
	unit := table("unit")
	for _, u := range most(t.unit) {
		name := string(u)
		if x, ok := log.Roster.Unit(u); ok {
			name = x.Named(l.Code())
		}
		unit.add(l, t.unit[u], countedRow{Name: lang.Visible(name), Foreign: true})
	}
	action := table("action")
	for _, a := range most(t.action) {
		action.add(l, t.action[a], countedRow{Name: l.T("auditor.action." + a), Link: search("tindakan", a)})
	}
	period := table("period")
	for _, d := range slices.SortedFunc(maps.Keys(t.period), func(a, b id.Day) int { return a.Sub(b) }) {
		name := l.Day(d)
		if t.monthly {
			x := d.Time(time.UTC)
			name = l.T("auditor.access.month", "Month", l.T("month."+strconv.Itoa(int(x.Month()))), "Year", strconv.Itoa(x.Year()))
		}
		period.add(l, t.period[d], countedRow{Name: name})
	}
	for _, c := range []*counted{member, unit, action} {
		c.plot()
	}
	period.plotOverTime(l)
	return []counted{*member, *unit, *action, *period}
}

func (c *counted) add(l *lang.Language, n counts, r countedRow) {
	r.Records, r.Cases = l.Number(n.records), l.Number(n.cases)
	c.Rows, c.values = append(c.Rows, r), append(c.values, n.records)
}

// most returns keys, those with the most records first.
func most[K cmp.Ordered](in map[K]counts) []K {
	return slices.SortedFunc(maps.Keys(in), func(a, b K) int {
		return cmp.Or(cmp.Compare(in[b].records, in[a].records), cmp.Compare(a, b))
	})
}
