package desk

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/lang"
	"suluh.example/suluh/internal/member"
	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/web/page"
)

// perPage is how many cases a page of the inbox has.
const perPage = 50

// row is a case in the inbox.
type row struct {
	Href, Title                string
	Status, Category, Due, Who string
	Unread                     string // "" if nothing is
	Late                       bool
	Why                        string // it can't be shown
	Day                        string
	Links                      []related
	Forward                    string // how far its forwarding has come
}

// related names a case that tells of the same.
type related struct{ Label, Href, Text string }

// column is a header of the inbox that sorts by it, if Href is set.
type column struct {
	Text, Href string
	Sort       string // aria-sort
}

type inboxPage struct {
	page.Page
	Rows     []row
	Columns  []column
	Shows    []choice
	Statuses []choice
	Sort     string
	Down     bool
	Empty    string
	Hint     string
	Unseen   unseen
	Range    string
	Previous *page.Link
	Next     *page.Link
	Words    string // of a search
	Filtered bool
	Found    bool // the page is the result of a search
	Before   int  // pages of a search beside this one; 0 if there is none
	After    int
}

// needsAction tells whether somebody should do something about a case: there
// is something unread, its forwarding stands still, or it is not with the
// reporter, hasn't ended and is no duplicate of another.
func needsAction(i member.Item, today id.Day) bool {
	late := !i.Due.IsZero() && i.Due.Before(today)
	forward := i.Forward != nil && needsPerson(i.Forward.State)
	return i.Err == nil && (i.Unread > 0 || late || forward || i.SameAs == "" && !i.Status.Ended() && i.Status != report.Incomplete)
}

// inbox is the list of cases, a page of it, filtered and sorted as the address
// says: it has codes in it, nothing that people wrote.
func (s *Server) inbox(w http.ResponseWriter, v *visit) error {
	items, err := v.session.refreshList(v.Context())
	if err != nil {
		return err
	}
	l, q := v.lang, v.URL.Query()
	today := v.session.member.Today()
	p := inboxPage{Page: s.page(v, ""), Sort: q.Get("urut"), Down: q.Get("turun") != ""}
	p.Class = "wide"
	switch q.Get("ok") {
	case "benturan":
		p.Notice = l.T("desk.conflict.done")
	case "rujuk":
		p.Notice = l.T("desk.refer.done")
	}
	p.Languages = s.languages(v)
	if ro, me := v.session.member.Roster(), v.session.member.Member(); ro.Has(me, roster.Custodian) && !ro.Has(me, roster.Reader) {
		p.Hint = l.T("desk.inbox.custodian")
	}
	p.Unseen = witnessed(l, v.session.member.Witnessed(), time.Now(), s.c.Clock.Zone)
	action := 0
	for _, i := range items {
		if needsAction(i, today) {
			action++
		}
	}
	show, status := q.Get("tampil"), q.Get("status")
	for _, x := range []string{"", "tindakan", "baru", "pilah", "selesai"} {
		p.Shows = append(p.Shows, choice{Value: x, Text: l.T("desk.inbox.show." + cmp.Or(x, "semua")), On: x == show})
	}
	p.Statuses = []choice{{Text: l.T("desk.inbox.status.any")}}
	for _, x := range report.Statuses() {
		p.Statuses = append(p.Statuses, choice{Value: string(x), Text: l.T("status." + string(x)), On: string(x) == status})
	}
	whole := slices.Clone(items)
	items = slices.DeleteFunc(items, func(i member.Item) bool {
		switch {
		case status != "" && string(i.Status) != status,
			show == "tindakan" && !needsAction(i, today),
			show == "baru" && i.Unread == 0,
			show == "pilah" && (i.Class != "" || i.Err != nil),
			show == "selesai" && !i.Status.Ended():
			return true
		}
		return false
	})
	if show == "" && status == "" {
		p.Title = l.T("desk.inbox.title", "N", action)
		p.Empty = l.T("desk.inbox.empty")
	} else {
		p.Title = l.T("desk.inbox.filtered", "N", len(items))
		p.Empty, p.Filtered = l.T("desk.inbox.nomatch"), true
	}
	sortItems(items, p.Sort, p.Down)
	link := func(change func(url.Values)) string {
		x := url.Values{}
		for _, k := range []string{"tampil", "status", "urut", "turun"} {
			if q.Get(k) != "" {
				x.Set(k, q.Get(k))
			}
		}
		change(x)
		if len(x) == 0 {
			return l.Path("/")
		}
		return l.Path("/") + "?" + x.Encode()
	}
	p.Columns = columns(l, p.Sort, p.Down, link)
	at, _ := strconv.Atoi(q.Get("hal"))
	from, to := bounds(at, len(items))
	if len(items) > perPage {
		p.Range = l.T("desk.inbox.range", "From", from+1, "To", to, "N", len(items))
	}
	if from > 0 {
		p.Previous = &page.Link{Text: l.T("desk.inbox.previous"), Href: link(func(x url.Values) { x.Set("hal", strconv.Itoa(from/perPage)) })}
	}
	if to < len(items) {
		p.Next = &page.Link{Text: l.T("desk.inbox.next"), Href: link(func(x url.Values) { x.Set("hal", strconv.Itoa(from/perPage+2)) })}
	}
	p.Rows = s.rows(v, items[from:to], whole, today)
	return s.pages.Write(w, l, "inbox", p)
}

// unseen is a warning that witnesses have not cosigned the log for long.
type unseen struct{ Class, Text string }

// witnessed returns the warning, which grows with time, or none.
func witnessed(l *lang.Language, w member.Witnessed, now time.Time, zone *time.Location) unseen {
	lag := w.Lag(now)
	u := unseen{Class: map[member.Lag]string{member.LagNote: "box", member.LagWarn: "box warn", member.LagStop: "box err"}[lag]}
	if u.Class == "" {
		return u
	}
	key := map[member.Lag]string{member.LagNote: "note", member.LagWarn: "warn", member.LagStop: "stop"}[lag]
	u.Text = l.T("desk.witness.since", "Time", l.Time(w.Since, zone), "Records", l.Number(w.Records)) + " " + l.T("desk.witness."+key)
	if len(w.By) == 0 {
		u.Text = l.T("desk.witness.never") + " " + l.T("desk.witness."+key)
	}
	return u
}

// bounds returns the items of a page, from 1.
func bounds(at, n int) (from, to int) {
	at = max(1, min(at, (n+perPage-1)/perPage))
	return min((at-1)*perPage, n), min(at*perPage, n)
}

func columns(l *lang.Language, by string, down bool, link func(func(url.Values)) string) (all []column) {
	for _, c := range []struct{ key, sort string }{
		{"title", "judul"}, {"status", "status"}, {"category", ""}, {"due", ""}, {"day", "masuk"}, {"who", ""},
	} {
		x := column{Text: l.T("desk.column." + c.key)}
		if c.key == "due" || c.sort != "" {
			current := by == c.sort
			x.Href = link(func(q url.Values) {
				q.Del("urut")
				if c.sort != "" {
					q.Set("urut", c.sort)
				}
				q.Del("turun")
				if current && !down {
					q.Set("turun", "1")
				}
			})
			if current {
				x.Sort = map[bool]string{false: "ascending", true: "descending"}[down]
			}
		}
		all = append(all, x)
	}
	return all
}

// sortItems sorts by the due day unless told otherwise. What can't be shown is
// last.
func sortItems(items []member.Item, by string, down bool) {
	order := slices.Clone(report.Statuses())
	slices.SortStableFunc(items, func(a, b member.Item) int {
		if (a.Err == nil) != (b.Err == nil) {
			if a.Err == nil {
				return -1
			}
			return 1
		}
		var c int
		switch by {
		case "judul":
			c = cmp.Compare(strings.ToLower(a.Title), strings.ToLower(b.Title))
		case "status":
			c = cmp.Compare(slices.Index(order, a.Status), slices.Index(order, b.Status))
		case "masuk":
			c = a.Day.Sub(b.Day)
		default:
			switch {
			case a.Due.IsZero() && b.Due.IsZero():
			case a.Due.IsZero():
				c = 1
			case b.Due.IsZero():
				c = -1
			default:
				c = a.Due.Sub(b.Due)
			}
		}
		if down {
			c = -c
		}
		return cmp.Or(c, cmp.Compare(a.Case, b.Case))
	})
}

// rows are cases as the inbox shows them, each with those of all cases that
// tell of the same.
func (s *Server) rows(v *visit, items, whole []member.Item, today id.Day) (rows []row) {
	l, ro := v.lang, v.session.member.Roster()
	byCase, copies := map[id.Case]member.Item{}, map[id.Case][]member.Item{}
	for _, i := range whole {
		byCase[i.Case] = i
		if i.SameAs != "" {
			copies[i.SameAs] = append(copies[i.SameAs], i)
		}
	}
	for _, i := range items {
		x := row{
			Href: l.Path("/kasus/" + string(i.Case)), Title: title(l, i), Status: l.T("status." + string(i.Status)),
			Day: l.Day(i.Day), Category: l.T("desk.line.unsaid"), Who: l.T("desk.line.nobody"),
		}
		switch {
		case i.Err != nil:
			x.Title, x.Status, x.Why = l.T("desk.inbox.closed"), "", why(l, i.Err)
			rows = append(rows, x)
			continue
		case i.Category != "":
			x.Category = l.T("category." + string(report.ParseCategory(string(i.Category))))
		}
		if i.Unread > 0 {
			x.Unread = l.T("desk.inbox.unread", "N", i.Unread)
		}
		if same, ok := byCase[i.SameAs]; ok {
			x.Links = append(x.Links, related{l.T("desk.same.of"), l.Path("/kasus/" + string(same.Case)), title(l, same)})
		}
		for _, other := range copies[i.Case] {
			x.Links = append(x.Links, related{l.T("desk.same.copy"), l.Path("/kasus/" + string(other.Case)), title(l, other)})
		}
		if i.Forward != nil {
			x.Forward = l.T("desk.inbox.forward", "State", l.T("desk.stage."+string(i.Forward.State)))
		}
		if x.Due, x.Late = s.due(l, i.Due, today); x.Due == "" {
			x.Due = l.T("desk.due.none")
		}
		if i.Assigned != "" {
			x.Who = name(l, ro, i.Assigned)
		}
		rows = append(rows, x)
	}
	return rows
}

// due says how much time is left.
func (s *Server) due(l *lang.Language, due, today id.Day) (text string, late bool) {
	if due.IsZero() {
		return "", false
	}
	switch n := s.c.Clock.Left(today, due); {
	case due.Before(today):
		return l.T("desk.due.late", "N", max(1, -n)), true
	case due == today:
		return l.T("desk.due.today"), false
	default:
		return l.T("desk.due.left", "N", n), false
	}
}

// title is what a case is called in a list.
func title(l *lang.Language, i member.Item) string {
	if strings.TrimSpace(i.Title) == "" {
		if i.Split.Need > 0 {
			return l.T("desk.split")
		}
		return l.T("desk.untitled")
	}
	return lang.Visible(i.Title)
}

// name is what a member is called.
func name(l *lang.Language, r *roster.Roster, m id.Member) string {
	if u, ok := m.RecoveryUnit(); ok {
		unit, _ := r.Unit(u)
		return l.T("desk.sheet", "Unit", cmp.Or(unit.Named(l.Code()), string(u)))
	}
	if x, ok := r.Member(m); ok {
		return x.Name
	}
	return string(m)
}

// search looks through what is decrypted in memory. The words are posted, so
// that they stand in no address and no history.
func (s *Server) search(w http.ResponseWriter, v *visit) error {
	l := v.lang
	words := strings.TrimSpace(v.PostForm.Get("kata"))
	if words == "" {
		return s.to(w, v, "/")
	}
	items, err := v.session.refreshList(v.Context())
	if err != nil {
		return err
	}
	want, whole := strings.Fields(strings.ToLower(words)), slices.Clone(items)
	items = slices.DeleteFunc(items, func(i member.Item) bool {
		text := strings.ToLower(s.searchable(v, i))
		return slices.ContainsFunc(want, func(x string) bool { return !strings.Contains(text, x) })
	})
	p := inboxPage{Page: s.page(v, l.T("desk.search.title", "N", len(items))), Words: words, Found: true, Empty: l.T("desk.search.empty")}
	p.Class = "wide"
	sortItems(items, "", false)
	p.Columns = columns(l, "-", false, func(func(url.Values)) string { return "" })
	at, _ := strconv.Atoi(v.PostForm.Get("hal"))
	from, to := bounds(at, len(items))
	if len(items) > perPage {
		p.Range = l.T("desk.inbox.range", "From", from+1, "To", to, "N", len(items))
	}
	if p.Before = from / perPage; to < len(items) {
		p.After = from/perPage + 2
	}
	p.Rows = s.rows(v, items[from:to], whole, v.session.member.Today())
	return s.pages.Write(w, l, "inbox", p)
}

// searchable is what is known of a case: its line of the list, and all that
// was written in it if this session has opened it.
func (s *Server) searchable(v *visit, i member.Item) string {
	l, ro := v.lang, v.session.member.Roster()
	parts := []string{string(i.Case), i.Title, l.T("status." + string(i.Status))}
	if i.Category != "" {
		parts = append(parts, l.T("category."+string(report.ParseCategory(string(i.Category)))))
	}
	if i.Assigned != "" {
		parts = append(parts, name(l, ro, i.Assigned))
	}
	if c := v.session.member.Recalled(i.Case); c != nil {
		for _, m := range c.Messages {
			if m.Answer != nil {
				parts = append(parts, m.Answer.Text)
				continue
			}
			parts = append(parts, m.Letter.Text)
			if r := m.Letter.Report; r != nil {
				parts = append(parts, r.What, r.How, r.Why, r.Who, r.Where, r.When, r.Loss, r.Others, r.Already)
			}
		}
		for _, n := range c.Notes {
			parts = append(parts, n.Text)
		}
	}
	return strings.Join(parts, "\n")
}
