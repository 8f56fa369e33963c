package desk

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/crypto/seal"
	"suluh.example/suluh/internal/lang"
	"suluh.example/suluh/internal/member"
	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/vault/membersock"
	"suluh.example/suluh/web/page"
)

// line is a question and its answer.
type line struct{ Name, Value string }

// message is a letter or an answer.
type message struct {
	From   string
	Lines  []line // of the form
	Text   string
	Status string
	Files  string
	Gone   string // that the reporter had it destroyed
}

// file is an attachment in a table.
type file struct {
	Number                   int
	Name, Kind, Size, Letter string
	Hidden                   string // what became of hidden data
	Href                     string // "" if it can't be had
}

type casePage struct {
	page.Page
	Base      string // path of the case in the reader's language
	Status    string
	Lines     []line
	Warnings  []string
	Messages  []message
	Files     []file
	Notes     []message
	Access    []string
	Earlier   int // records that aren't listed
	CanAnswer bool
	SameAs    *link  // the case of which this is a duplicate
	Copies    []link // its duplicates
	Forward   forwardedPart
}

// link leads to another case; without Href, that one isn't the member's to read.
type link struct{ Href, Text string }

// show opens a case.
func (s *Server) show(w http.ResponseWriter, v *visit) error {
	c, err := v.session.member.Open(v.Context(), v.of)
	if err != nil {
		return err
	}
	l, ro := v.lang, v.session.member.Roster()
	p := casePage{Page: s.casePage(v, title(l, c.Item)), Base: l.Path("/kasus/" + string(v.of)), CanAnswer: c.Reporter != ""}
	p.Class = "wide" // or the link to an attachment is out of sight
	p.Languages = s.languages(v)
	if ok := v.URL.Query().Get("ok"); ok != "" && slices.Contains([]string{"balas", "catatan", "status", "akses", "penanggung", "triase", "rujuk", "teruskan", "setujui", "kembali", "putuskan"}, ok) {
		p.Notice = l.T("desk.done." + ok)
	}
	p.Status = l.T("status." + string(c.Status))
	p.Lines = s.summary(l, ro, c, v.session.member.Today())
	if c.Reporter == "" {
		p.Warnings = append(p.Warnings, l.T("desk.reporters.text"))
	}
	if c.Keep {
		p.Warnings = append(p.Warnings, l.T("desk.unfit.keep.text"))
	}
	if who := names(l, ro, c.Unwanted()); who != "" {
		p.Warnings = append(p.Warnings, l.T("desk.unwanted", "Names", who))
	}
	for _, u := range c.Unopened {
		p.Warnings = append(p.Warnings, l.T("desk.unopened", "What", l.T("desk.role."+string(u.Role)), "Day", u.Day, "Why", why(l, u.Err)))
	}
	for _, m := range c.Messages {
		p.Messages = append(p.Messages, showMessage(l, ro, c, m))
	}
	for _, a := range c.Attachments {
		f := file{
			Number: a.Number, Name: lang.Visible(a.Name), Kind: kind(l, a.Name), Size: l.Bytes(a.Size), Hidden: l.T("hidden." + cmp.Or(string(a.Hidden.Known()), "unknown")),
			Letter: l.Day(a.Day), Href: fmt.Sprintf("%s/lampiran/%d", p.Base, a.Number),
		}
		if strings.TrimSpace(a.Name) == "" {
			f.Name = l.T("desk.file.noname")
		}
		if a.Gone {
			f.Href = ""
		}
		p.Files = append(p.Files, f)
	}
	for _, n := range c.Notes {
		p.Notes = append(p.Notes, message{From: l.T("desk.from.note", "Name", name(l, ro, n.By), "Time", l.Time(n.Time, s.c.Clock.Zone)), Text: n.Text})
	}
	items, err := v.session.list(v.Context())
	if err != nil {
		return err
	}
	p.SameAs, p.Copies = duplicates(l, items, c)
	p.Forward = s.forwardedPart(l, ro, c)
	p.Access, p.Earlier = s.history(l, ro, c.Access)
	return s.pages.Write(w, l, "case", p)
}

// duplicates links a case with those that tell of the same.
func duplicates(l *lang.Language, items []member.Item, c *member.Case) (same *link, copies []link) {
	to := func(i member.Item) link { return link{l.Path("/kasus/" + string(i.Case)), title(l, i)} }
	for _, i := range member.Duplicates(items, c.Item.Case) {
		copies = append(copies, to(i))
	}
	if c.SameAs != "" {
		same = &link{Text: l.T("desk.same.closed", "Case", string(c.SameAs))}
		for _, i := range items {
			if i.Case == c.SameAs {
				x := to(i)
				same = &x
			}
		}
	}
	return same, copies
}

// casePage is the frame of a page about a case. Its window's title names the
// case and not what it is about: browsers keep titles in their history.
func (s *Server) casePage(v *visit, title string) page.Page {
	p := s.page(v, title)
	p.Window = v.lang.T("desk.case.window", "Case", string(v.of)) + " – " + v.lang.T("desk.product")
	return p
}

func (s *Server) summary(l *lang.Language, ro *roster.Roster, c *member.Case, today id.Day) (lines []line) {
	add := func(key, value string) {
		if value != "" {
			lines = append(lines, line{l.T("desk.line." + key), value})
		}
	}
	add("case", string(c.Item.Case))
	add("status", l.T("desk.line.status.value", "Status", l.T("status."+string(c.Status)), "Day", c.Since))
	if left, _ := s.due(l, c.Due, today); left != "" {
		add("due", l.T("desk.line.due.value", "Day", c.Due, "Left", left))
	}
	add("day", l.Day(c.Day))
	add("class", l.T("class."+cmp.Or(string(c.Class), "none")))
	if c.Category != "" {
		add("category", categoryName(l, c.Category))
	}
	if u, ok := ro.Unit(c.Unit); ok {
		add("unit", u.Named(l.Code()))
	}
	if c.Handling != c.Unit {
		add("handling", unitName(l, ro, c.Handling))
	}
	who := l.T("desk.line.nobody")
	if c.Assigned != "" {
		who = name(l, ro, c.Assigned)
	}
	add("who", who)
	if c.Language != "" {
		add("language", s.catalogue.Language(c.Language).T("language.name"))
	}
	add("readers", names(l, ro, c.Readers))
	add("without", names(l, ro, c.Without))
	add("split", splitAmong(l, ro, c.Split))
	return lines
}

func names(l *lang.Language, ro *roster.Roster, all []id.Member) string {
	var s []string
	for _, m := range all {
		s = append(s, name(l, ro, m))
	}
	return strings.Join(s, "; ")
}

func showMessage(l *lang.Language, ro *roster.Roster, c *member.Case, m member.Message) message {
	if a := m.Answer; a != nil {
		x := message{From: l.T("desk.from.member", "Name", name(l, ro, m.By), "Day", m.Day), Text: a.Text}
		if a.Status != "" {
			x.Status = l.T("desk.message.status", "Status", l.T("status."+string(a.Status)))
		}
		switch {
		case m.Destroyed.IsZero():
		case a.V == 0:
			x.Gone = l.T("desk.message.destroyed.gone", "Day", m.Destroyed)
		default:
			x.Gone = l.T("desk.message.destroyed", "Day", m.Destroyed)
		}
		return x
	}
	letter := m.Letter
	x := message{From: l.T("desk.from.reporter", "Day", m.Day), Text: letter.Text}
	if n := len(letter.Attachments); n > 0 {
		x.Files = l.T("desk.message.files", "N", n)
	}
	if r := letter.Report; r != nil {
		x.From = l.T("desk.from.report", "Day", m.Day)
		category := ""
		if r.Category != "" {
			category = l.T("category." + string(report.ParseCategory(string(r.Category))))
		}
		for _, q := range []line{
			{"apa", r.What},
			{"bagaimana", r.How},
			{"mengapa", r.Why},
			{"siapa", r.Who},
			{"mana", r.Where},
			{"kapan", r.When},
			{"jenis", category},
			{"rugi", r.Loss},
			{"saksi", r.Others},
			{"sudah", r.Already},
		} {
			if q.Value != "" {
				x.Lines = append(x.Lines, line{l.T("desk.question." + q.Name), q.Value})
			}
		}
	}
	return x
}

// why says why something can't be shown.
func why(l *lang.Language, err error) string {
	for _, x := range []struct {
		err error
		key string
	}{
		{member.ErrSigner, "signer"},
		{member.ErrCopy, "copy"},
		{member.ErrItem, "item"},
		{member.ErrDraft, "draft"},
		{seal.ErrNoKey, "key"},
		{member.ErrCase, "key"},
		{seal.ErrDigest, "damaged"},
		{seal.ErrAge, "damaged"},
		{seal.ErrFormat, "format"},
		{report.ErrFormat, "format"},
	} {
		if errors.Is(err, x.err) {
			return l.T("desk.why." + x.key)
		}
	}
	return l.T("desk.why.signature")
}

// kind is what a file's name says of its type: nobody has looked inside.
func kind(l *lang.Language, name string) string {
	ext := strings.TrimPrefix(path.Ext(name), ".")
	plain := strings.IndexFunc(ext, func(c rune) bool { return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') }) < 0
	if ext == "" || len(ext) > 5 || !plain {
		return l.T("desk.file.unknown")
	}
	return l.T("desk.file.byname", "Kind", strings.ToUpper(ext))
}

// shownRecords is how many records a case page lists.
const shownRecords = 100

// history tells of the newest accesses, newest first, and how many there are
// before them.
func (s *Server) history(l *lang.Language, ro *roster.Roster, access []membersock.AccessEntry) (all []string, earlier int) {
	for _, e := range slices.Backward(access) {
		if len(all) == shownRecords {
			return all, len(access) - shownRecords
		}
		key := "desk.action." + string(e.Action)
		if e.Action == accesslog.Revoke && e.To == e.Member {
			key = "desk.action.conflict"
		}
		to := ""
		if e.To != "" {
			to = name(l, ro, e.To)
		}
		if e.Action == accesslog.Refer && e.Ends {
			key += ".ends"
		}
		unit, what := "", ""
		if e.Unit != "" {
			unit = unitName(l, ro, e.Unit)
		}
		if e.Result != "" {
			what = l.T("desk.result." + string(e.Result))
		}
		all = append(all, l.T("desk.access.entry", "Time", l.Time(e.Time, s.c.Clock.Zone),
			"What", l.T(key, "Name", name(l, ro, e.Member), "To", to, "Unit", unit, "Result", what), "Seq", e.Seq))
	}
	return all, 0
}
