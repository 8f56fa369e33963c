package desk

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/crypto/seal"
	"suluh.example/suluh/internal/lang"
	"suluh.example/suluh/internal/member"
	"suluh.example/suluh/internal/redact"
	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/vault/wire"
	"suluh.example/suluh/web/page"
)

// writing is what a member can write about a case. Each has its own pages, so
// that nobody sends to the reporter what was meant for colleagues.
type writing string

const (
	reply        writing = "balas"
	internalNote writing = "catatan"
	status       writing = "status"
	forwarding   writing = "teruskan" // see prepare.go
	approving    writing = "setujui"  // see forward.go
	deciding     writing = "putuskan"
)

// draft is what was typed, as the forms carry it.
type draft struct {
	Case   id.Case   `json:"case"`
	Member id.Member `json:"member"` // whose writing it is
	Kind   writing   `json:"kind"`
	Text   string    `json:"text"`
	Chosen string    `json:"status"` // status
	Once   string    `json:"once"`

	// Of what is to be forwarded: its title, the masks that were taken back and
	// added, and what is typed to be masked, under which mark. Of a decision, the
	// title is the tracking number.
	Heading string      `json:"title,omitempty"`
	Undone  []string    `json:"undone,omitempty"`
	Added   []string    `json:"added,omitempty"`
	Words   string      `json:"words,omitempty"`
	Mark    redact.Kind `json:"mark,omitempty"`
}

// maxText is the most that a message or a note may have.
const maxText = 100_000

// readDraft takes what was typed from a form.
func readDraft(v *visit, kind writing) draft {
	f := v.PostForm
	d := draft{Case: v.of, Kind: kind, Chosen: f.Get("status"), Once: f.Get("sekali"), Text: strings.ReplaceAll(f.Get("teks"), "\r\n", "\n")}
	if m, err := id.ParseMember(f.Get("anggota")); err == nil {
		d.Member = m
	}
	switch kind {
	case forwarding:
		d.readForward(v)
	case deciding:
		d.Heading = strings.TrimSpace(oneLine(member.Readable(f.Get("lacak"))))
	}
	return d
}

type writePage struct {
	page.Page
	draft
	Base                string
	Statuses            []choice
	Label, Help, Button string
}

// write is the page on which something is written: empty, or with what was
// typed before.
func (s *Server) write(kind writing) handler {
	return func(w http.ResponseWriter, v *visit) error {
		d := draft{Case: v.of, Kind: kind}
		if v.Method == http.MethodPost {
			d = readDraft(v, kind)
		}
		return s.writePage(w, v, d, "")
	}
}

func (s *Server) writePage(w http.ResponseWriter, v *visit, d draft, notice string, problems ...page.Problem) error {
	l := v.lang
	p := writePage{Page: s.page(v, l.T("desk."+d.Kind.key()+".title")), draft: d, Base: l.Path("/kasus/" + string(d.Case))}
	key := "desk." + d.Kind.key()
	p.Label, p.Button = l.T(key+".label"), l.T(key+".button")
	if d.Kind == status {
		p.Help = l.T("desk.status.help")
	}
	p.Problems, p.Notice = problems, notice
	if d.Text == "" && d.Chosen == "" && len(problems) == 0 {
		p.Cache = page.NoCache // so that Back shows what was typed
		p.Languages = s.languages(v)
	}
	p.Member = v.session.member.Member()
	if _, err := member.ParseOnce(p.Once); err != nil {
		p.Once = member.NewOnce().String()
	}
	for _, x := range report.Settable() {
		c := choice{Value: string(x), Text: l.T("status." + string(x)), On: string(x) == d.Chosen}
		if n, ok := s.c.Clock.Days[x]; ok {
			c.Hint = l.T("desk.status.clock", "N", n)
		}
		p.Statuses = append(p.Statuses, c)
	}
	return s.pages.Write(w, l, "write", p)
}

func (k writing) key() string {
	return map[writing]string{reply: "reply", internalNote: "note", status: "status"}[k]
}

// problems says what is to be put right before it can be sent.
func (d draft) problems(l *lang.Language) (all []page.Problem) {
	switch st, err := report.ParseStatus(d.Chosen); {
	case d.Kind == status && (err != nil || !slices.Contains(report.Settable(), st)):
		all = append(all, page.Problem{Field: "status", Text: l.T("desk.status.missing")})
	case d.Kind == status && st.NeedsReason() && strings.TrimSpace(d.Text) == "":
		all = append(all, page.Problem{Field: "teks", Text: l.T("desk.status.reason")})
	case d.Kind != status && strings.TrimSpace(d.Text) == "":
		all = append(all, page.Problem{Field: "teks", Text: l.T("desk." + d.Kind.key() + ".missing")})
	}
	if len(d.Text) > maxText {
		all = append(all, page.Problem{Field: "teks", Text: l.T("desk.write.long", "N", maxText)})
	}
	return all
}

// seen is what the reporter will see, in one language.
type seen struct {
	Language, Name string
	Lines          []string
}

type checkPage struct {
	page.Page
	draft
	Base string
	Seen []seen
}

// check shows exactly what the reporter will see.
func (s *Server) check(kind writing) handler {
	return func(w http.ResponseWriter, v *visit) error {
		d := readDraft(v, kind)
		if problems := d.problems(v.lang); len(problems) > 0 {
			return s.writePage(w, v, d, "", problems...)
		}
		return s.checkPage(w, v, d)
	}
}

func (s *Server) checkPage(w http.ResponseWriter, v *visit, d draft, problems ...page.Problem) error {
	l := v.lang
	p := checkPage{Page: s.page(v, l.T("desk."+d.Kind.key()+".check")), draft: d, Base: l.Path("/kasus/" + string(d.Case))}
	p.Problems = problems
	p.Member = v.session.member.Member()
	if _, err := member.ParseOnce(p.Once); err != nil {
		p.Once = member.NewOnce().String()
	}
	if d.Kind == status {
		for _, x := range s.catalogue.Languages() {
			p.Seen = append(p.Seen, s.statusSeen(x, report.Status(d.Chosen), v.session.member.Today()))
		}
	}
	return s.pages.Write(w, l, "check", p)
}

// statusSeen is a status in the words of the reporter's page.
func (s *Server) statusSeen(l *lang.Language, st report.Status, today id.Day) seen {
	x := seen{Language: l.Code(), Name: l.T("language.name"), Lines: []string{
		l.T("intake.status.title", "Status", l.T("status."+string(st))), l.T("intake.status.about." + string(st)),
	}}
	due := s.c.Clock.Due(st, today)
	switch {
	case st == report.Incomplete && due.IsZero():
		x.Lines = append(x.Lines, l.T("intake.status.needed.nodate"))
	case st == report.Incomplete:
		x.Lines = append(x.Lines, l.T("intake.status.needed", "Day", due))
	case !due.IsZero():
		x.Lines = append(x.Lines, l.T("intake.status.next", "Day", due))
	}
	return x
}

// send hands in what was written. Whatever fails, what was typed comes back.
func (s *Server) send(kind writing) handler {
	return func(w http.ResponseWriter, v *visit) error {
		d := readDraft(v, kind)
		if problems := d.problems(v.lang); len(problems) > 0 {
			return s.writePage(w, v, d, "", problems...)
		}
		once, err := member.ParseOnce(d.Once)
		if err != nil {
			return s.writePage(w, v, d, "", page.Problem{Text: v.lang.T("desk.write.again")})
		}
		m := v.session.member
		switch kind {
		case reply:
			err = m.Reply(v.Context(), d.Case, once, d.Text)
		case internalNote:
			err = m.Note(v.Context(), d.Case, once, d.Text)
		case status:
			err = m.SetStatus(v.Context(), d.Case, once, report.Status(d.Chosen), d.Text)
		}
		if errors.Is(err, wire.ErrUnreachable) || errors.Is(err, wire.ErrVault) {
			problem := page.Problem{Text: v.lang.T("desk.write.unsent")}
			if kind == internalNote {
				return s.writePage(w, v, d, "", problem)
			}
			return s.checkPage(w, v, d, problem)
		}
		if err != nil {
			return err
		}
		return s.to(w, v, "/kasus/"+string(v.of)+"?ok="+string(kind))
	}
}

// locked answers who has no session (any more). What he was writing is sealed
// to him, so that the page of a locked desk doesn't show it, and comes back
// once he has unlocked.
func (s *Server) locked(w http.ResponseWriter, v *visit) error {
	u := unlocking{}
	if v.of != "" {
		u.To = "/kasus/" + string(v.of)
	}
	var kind writing
	for _, k := range []writing{reply, internalNote, status, forwarding, approving, deciding} {
		if strings.Contains(v.at+"/", "/"+string(k)+"/") {
			kind = k
		}
	}
	if v.Method == http.MethodPost && kind != "" {
		d := readDraft(v, kind)
		u.Member = d.Member
		if d.Text != "" || d.Chosen != "" || d.Heading != "" {
			u.Kept = s.keep(d)
		}
	}
	return s.unlockPage(w, v, u)
}

// keep seals a draft to whose it is, or returns "" if nobody knows the keys: a
// draft of somebody who never unlocked here.
func (s *Server) keep(d draft) string {
	signed, err := os.ReadFile(filepath.Join(s.c.Identities, string(d.Member)+".roster"))
	if err != nil {
		return ""
	}
	r, err := roster.Parse(signed, s.c.Root)
	if err != nil {
		return ""
	}
	m, ok := r.Member(d.Member)
	if !ok {
		return ""
	}
	to, err := seal.ParseRecipient(m.Recipient)
	if err != nil {
		return ""
	}
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false) // it must fit into a form again
	if e.Encode(d) != nil {
		return ""
	}
	sealed, err := seal.SealDocument(text.Bytes(), seal.DocumentFloor, to)
	if err != nil {
		return ""
	}
	return base64.StdEncoding.EncodeToString(sealed)
}

// giveBack opens what was kept, and shows it where it was being written.
func (s *Server) giveBack(w http.ResponseWriter, v *visit, kept string) error {
	var d draft
	sealed, err := base64.StdEncoding.DecodeString(kept)
	if err == nil {
		var text []byte
		if text, err = seal.OpenDocument(sealed, v.session.keys); err == nil {
			err = json.NewDecoder(bytes.NewReader(text)).Decode(&d)
		}
	}
	if err == nil {
		_, err = id.ParseCase(string(d.Case))
	}
	known := slices.Contains([]writing{reply, internalNote, status, forwarding, approving, deciding}, d.Kind)
	if err != nil || !known || d.Member != v.session.member.Member() {
		return s.message(w, v, "desk.notyours", &page.Link{Href: v.lang.Path("/"), Text: v.lang.T("desk.back.inbox")})
	}
	v.of = d.Case
	if d.Kind.key() != "" {
		return s.writePage(w, v, d, v.lang.T("desk.kept"))
	}
	c, err := v.session.member.Open(v.Context(), v.of)
	switch {
	case err != nil:
		return err
	case d.Kind == approving:
		return s.approvePage(w, v, c, d, v.lang.T("desk.kept"))
	case d.Kind == deciding:
		return s.decidePage(w, v, c, d, v.lang.T("desk.kept"))
	}
	return s.preparePage(w, v, c, d, v.lang.T("desk.kept"))
}
