package intake

import (
	"encoding/json"
	"html/template"
	"net/http"
	"strings"

	"suluh.example/suluh/internal/lang"
	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/internal/submission"
	"suluh.example/suluh/web/browser"
	"suluh.example/suluh/web/page"
)

// Addresses of what a script needs. They are the same in every language but
// for the parts.
const (
	partsPath  = "/peramban/bagian"
	socketPath = "/deposit/v1/"
)

// device is what a page tells the script that seals a report on the reporter's
// device.
type device struct {
	Root   string // verifier key that rosters are signed with
	Base   string // where the vault is
	Worker string
	Parts  string // without the language
	Most   int64  // bytes of all attachments
}

// device returns nothing if there is no key that a browser could check rosters
// with: pages then have no script.
func (s *Server) device() *device {
	if s.config.RootText == "" {
		return nil
	}
	return &device{s.config.RootText, socketPath, browser.WorkerPath, partsPath, s.config.MaxBytes}
}

// script lets a page load the script.
func (s *Server) script(p page.Page) page.Page {
	if s.config.RootText != "" {
		p.Script = &page.Script{Src: browser.AppPath, Integrity: s.app.Integrity}
	}
	return p
}

// file sends a script of ours.
func (s *Server) file(script browser.Script) handler {
	return func(w http.ResponseWriter, _ *request) error {
		s.pages.WriteScript(w, script.Bytes)
		return nil
	}
}

// partsPage has what a script shows in place of the pages that the server
// would send: their markup, and the words that go into it.
type partsPage struct {
	page.Page
	Parts    []part
	Words    []lang.Text
	Days     string // JSON: working days by status
	Holidays string // days, separated by spaces
}

type part struct {
	Name string
	HTML template.HTML
}

// spoken are the beginnings of the keys of the messages that a script says.
var spoken = []string{
	"intake.check.", "intake.code.", "intake.destroy.", "intake.device.", "intake.field.", "intake.file.", "intake.keep.", "intake.kind.", "intake.long.", "intake.open.",
	"intake.receipt.", "intake.sent.", "intake.status.", "intake.tampered.", "intake.try.", "intake.unit.", "intake.without.",
	"category.", "format.", "month.", "status.", "page.problem.", "page.product", "reporter.unwitnessed",
}

// parts renders the pages once with all that they may have; the script leaves
// out what a case doesn't.
func (s *Server) parts(w http.ResponseWriter, r *request) error {
	l := r.l
	sample := page.Page{Title: "-", Notice: "-", Problems: []page.Problem{{Field: "isi", Text: "-"}}}
	files := filesPart{Open: true, Closed: "-", Name: fileField, Hint: "-", Second: l.T("intake.file.second.hint")}
	p := partsPage{Page: s.plain(r, l.T("intake.parts.title")), Words: l.Texts(spoken...)}
	for _, x := range []struct {
		name string
		data page.Any
	}{
		{"periksa", checkPage{
			Page: sample, Opens: []string{"-"}, Without: "-", Answers: []answer{{"-", "-"}}, Personal: true, Files: files, Switch: s.others(r, "/lapor/periksa"),
		}},
		{"kosong", sample},
		{"kirim", sample},
		{"kode", codePage{Page: sample, Words: [10]string{"-"}, What: "-", Sent: []string{"-"}, Due: "-", Receipt: "-", Switch: s.others(r, "/lapor/coba")}},
		{"coba", tryPage{Page: sample, Code: codeInput(l, "", ""), Switch: s.others(r, "/lapor/coba")}},
		{"status", statusPage{
			Page: sample, About: "-", Next: "-", Needed: "-", Messages: []message{{"-", "-", "-", "-"}}, None: "-", History: []string{"-"}, Log: "-", Receipt: "-",
			Reply: replyField(l, "", ""), Files: files, Switch: s.others(r, "/cek"),
		}},
		{"hapus", destroyPage{Page: sample, Message: message{From: "-", Text: "-"}, Told: "-", Copy: "-", Switch: s.others(r, "/cek/hapus")}},
		{"rusak", tamperedPage{Page: sample, Reasons: []string{"-"}, Contacts: s.contacts(r), Switch: s.others(r, "/cek")}},
	} {
		html, err := s.pages.Part(l, x.name, x.data)
		if err != nil {
			return err
		}
		p.Parts = append(p.Parts, part{x.name, html})
	}
	for i, x := range p.Words {
		// The script puts in no days that it isn't told.
		if status, ok := strings.CutPrefix(x.Key, "intake.status.about."); ok {
			p.Words[i].Text = submission.About(l, report.Status(status), s.config.Clock)
		}
	}
	days, err := json.Marshal(s.config.Clock.Days)
	if err != nil {
		return err
	}
	var holidays []string
	for _, d := range s.config.Clock.Holidays {
		holidays = append(holidays, d.String())
	}
	p.Days, p.Holidays = string(days), strings.Join(holidays, " ")
	return s.pages.Write(w, l, "bagian", p)
}
