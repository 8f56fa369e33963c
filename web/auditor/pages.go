package auditor

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/internal/check"
	"suluh.example/suluh/internal/lang"
	"suluh.example/suluh/web/page"
)

// checked is one check as the verdict tells it.
type checked struct{ What, Result, Number string }

type verdictPage struct {
	page.Page
	Until   string // when it was verified
	Unread  bool   // the log could not be read since
	Checks  []checked
	Seen    *witnessed // by witnesses; nil if there are none
	Lost    []string   // by restores from backups, a sentence each
	Root    string
	Size    int64
	Auditor bool
	Again   *again
}

type failedPage struct {
	page.Page
	Means     string
	Detail    string // in English, for auditors
	Want, Got string
	When      string
	Whole     bool // no record of it can be named
	Auditor   bool
}

func (s *Server) verdict(w http.ResponseWriter, r *request) error {
	x := s.watch.look(r.Context())
	l := r.l
	switch {
	case x.finding != nil:
		return s.failed(w, r, x)
	case x.result == nil:
		return s.notYet(w, r, x)
	}
	n := x.result.Records
	p := verdictPage{
		Page: s.page(r, ""), Until: l.Time(x.at, x.zone), Unread: x.failed,
		Root: x.result.Tree.Hash.String(), Size: n, Auditor: r.auditor,
	}
	p.Cache = page.NoCache
	p.Title, p.Lost = s.lost(l, x, r.auditor)
	var but string
	p.Seen, but = witnesses(l, x.witnesses, x.at, x.zone)
	p.Title += but
	window := "good"
	switch {
	case len(p.Lost) > 0:
		window = "restored"
	case but != "":
		window = "silent"
	}
	p.Window = l.T("auditor.verdict."+window+".window", "N", n) // the heading is too long for it
	add := func(key string, n int64, told bool) {
		c := checked{What: l.T("auditor.check." + key), Result: l.T("auditor.check." + key + ".good")}
		if told {
			c.Number = l.Number(n)
		}
		p.Checks = append(p.Checks, c)
	}
	add("records", n, true)
	add("signatures", x.result.Accesses, r.auditor)
	add("cover", 0, false)
	add("deposits", x.result.Deposits, r.auditor)
	if r.auditor && x.result.Waiting > 0 {
		add("waiting", int64(x.result.Waiting), true)
	}
	var err error
	if p.Again, err = s.again(l, x.result, r.auditor); err != nil {
		return err
	}
	checksAgain(&p.Page)
	return s.pages.Write(w, l, "verdict", p)
}

// lost is the verdict on a log without a fault, and what restores have lost.
func (s *Server) lost(l *lang.Language, x seen, auditor bool) (verdict string, lost []string) {
	for _, y := range x.result.Restores {
		// The reason is for auditors: what the operator wrote may say too much.
		key, reason := "auditor.restored.nothing", ""
		if y.Records() > 0 {
			key = "auditor.restored.lost"
		}
		if auditor {
			reason = lang.Visible(y.Reason)
		}
		lost = append(lost, l.T(key, "When", l.Time(y.Time, x.zone), "Backup", l.Day(y.Backup), "First", y.Seq, "Last", y.Lost.N-1))
		if reason != "" {
			lost = append(lost, l.T("auditor.restored.reason", "Reason", reason))
		}
	}
	if len(lost) > 0 {
		return l.T("auditor.verdict.restored", "N", x.result.Records), lost
	}
	return l.T("auditor.verdict.good", "N", x.result.Records), nil
}

func (s *Server) failed(w http.ResponseWriter, r *request, x seen) error {
	l, f := r.l, x.finding
	title := l.T("auditor.verdict.bad.whole")
	if f.Seq >= 0 {
		title = l.T("auditor.verdict.bad.record", "Record", f.Seq)
	}
	p := failedPage{Page: s.page(r, title), Means: l.T("auditor.fault." + string(f.Fault)), When: l.Time(x.at, x.zone), Whole: f.Seq < 0, Auditor: r.auditor}
	p.Window = l.T("auditor.verdict.bad.window", "Title", title)
	if r.path != "/" {
		p.Status = http.StatusServiceUnavailable // what was asked for isn't here
	}
	if r.auditor {
		p.Detail, p.Want, p.Got = f.Error(), f.Want, f.Got
	}
	return s.pages.Write(w, l, "failed", p)
}

// notYet is shown before the first verification has come to its end.
func (s *Server) notYet(w http.ResponseWriter, r *request, x seen) error {
	if x.failed {
		return s.notice(w, r, http.StatusServiceUnavailable, "auditor.unreadable")
	}
	w.Header().Set("Retry-After", "10")
	p := noticePage{s.page(r, r.l.T("auditor.verifying.title")), r.l.T("auditor.verifying.text", "Done", x.done, "All", x.of)}
	p.Status = http.StatusServiceUnavailable
	return s.pages.Write(w, r.l, "notice", p)
}

// verified returns the verified log, or answers for those who may not see
// records, or while there are none to trust.
func (s *Server) verified(w http.ResponseWriter, r *request) (*check.Result, error) {
	if !r.auditor {
		return nil, s.tokenForm(w, r, http.StatusUnauthorized, false)
	}
	x := s.watch.look(r.Context())
	if x.finding != nil {
		return nil, s.failed(w, r, x)
	}
	if x.result == nil {
		return nil, s.notYet(w, r, x)
	}
	return x.result, nil
}

// option is one of a select.
type option struct {
	Value, Text string
	Selected    bool
}

type row struct {
	Seq                      int64
	Number, When, Who        string
	Action, Case, To, Record string
}

type searchPage struct {
	page.Page
	Members, Actions []option
	Case, From, To   string
	Asked            bool
	Rows             []row
	CSV, Lines       string
	Newer, Older     string
	Range            string
}

const perPage = 50

// query is what a search asks for.
type query struct {
	filter check.Filter
	page   int64
	values url.Values
}

func (s *Server) query(r *request, zone *time.Location) (q query, problems []page.Problem) {
	q.values = url.Values{}
	in := r.URL.Query()
	get := func(name string) string {
		v := strings.TrimSpace(in.Get(name))
		if v != "" {
			q.values.Set(name, v)
		}
		return v
	}
	wrong := func(field, key string) {
		problems = append(problems, page.Problem{Field: field, Text: r.l.T(key)})
	}
	q.filter.Zone = zone
	var err error
	if v := get("anggota"); v != "" {
		if q.filter.Member, err = id.ParseMember(v); err != nil {
			wrong("anggota", "auditor.search.member.wrong")
		}
	}
	if q.filter.Action = get("tindakan"); q.filter.Action != "" && !r.l.Has("auditor.action."+q.filter.Action) {
		wrong("tindakan", "auditor.search.action.wrong")
	}
	if v := get("kasus"); v != "" {
		if q.filter.Case, err = id.ParseCase(strings.ToUpper(v)); err != nil {
			wrong("kasus", "auditor.search.case.wrong")
		}
	}
	if v := get("dari"); v != "" {
		if q.filter.From, err = check.ParseDay(v); err != nil {
			wrong("dari", "auditor.search.day.wrong")
		}
	}
	if v := get("sampai"); v != "" {
		if q.filter.To, err = check.ParseDay(v); err != nil {
			wrong("sampai", "auditor.search.day.wrong")
		}
	}
	if q.page, err = strconv.ParseInt(in.Get("halaman"), 10, 32); err != nil || q.page < 1 {
		q.page = 1
	}
	return q, problems
}

// to returns the address of a page of the result.
func (q query) to(path string, n int64) string {
	v := url.Values{}
	for k := range q.values {
		v.Set(k, q.values.Get(k))
	}
	if n > 1 {
		v.Set("halaman", strconv.FormatInt(n, 10))
	}
	if len(v) == 0 {
		return path + "?semua=1"
	}
	return path + "?" + v.Encode()
}

func (s *Server) search(w http.ResponseWriter, r *request) error {
	log, err := s.verified(w, r)
	if log == nil {
		return err
	}
	q, problems := s.query(r, log.TimeZone())
	l := r.l
	p := searchPage{
		Page: s.page(r, l.T("auditor.search.title")), Asked: r.URL.RawQuery != "" && len(problems) == 0,
		Case: q.values.Get("kasus"), From: q.values.Get("dari"), To: q.values.Get("sampai"),
	}
	p.Class, p.Cache, p.Problems = "wide", page.NoCache, problems
	p.Members = append(p.Members, option{"", l.T("auditor.search.anyone"), false})
	if log.Roster != nil {
		for _, m := range log.Roster.Members {
			p.Members = append(p.Members, option{string(m.ID), lang.Visible(m.Name) + " (" + string(m.ID) + ")", m.ID == q.filter.Member})
		}
	}
	p.Actions = append(p.Actions, option{"", l.T("auditor.search.anything"), false})
	for _, a := range check.Actions() {
		p.Actions = append(p.Actions, option{a, l.T("auditor.action." + a), a == q.filter.Action})
	}
	if len(problems) > 0 {
		p.Status = http.StatusUnprocessableEntity
	}
	if p.Asked {
		n := s.results(r, log, q, &p)
		p.Title = l.T("auditor.search.found", "N", n)
	}
	return s.pages.Write(w, l, "search", p)
}

// results fills in one page of what was found, newest first, and returns how
// many there are in all.
func (s *Server) results(r *request, log *check.Result, q query, p *searchPage) (n int64) {
	first := (q.page - 1) * perPage
	some, n := log.Entries.Latest(q.filter, first, perPage)
	for _, e := range some {
		p.Rows = append(p.Rows, s.row(r.l, log, e))
	}
	here := r.l.Path("/cari")
	if q.page > 1 {
		p.Newer = q.to(here, q.page-1)
	}
	if n > first+perPage {
		p.Older = q.to(here, q.page+1)
	}
	if len(p.Rows) > 0 {
		p.CSV, p.Lines = q.to(r.l.Path("/cari.csv"), 1), q.to(r.l.Path("/cari.jsonl"), 1)
		p.Range = r.l.T("auditor.search.range", "From", first+1, "To", first+int64(len(p.Rows)), "N", n)
	}
	return n
}

func (s *Server) row(l *lang.Language, log *check.Result, e check.Entry) row {
	return row{
		Seq: e.Seq, Number: l.Number(e.Seq), When: s.when(l, log, e), Who: s.who(log, e.Member), Action: l.T("auditor.action." + e.Action),
		Case: string(e.Case), To: s.who(log, e.To), Record: s.recordPath(l, e.Seq),
	}
}

func (s *Server) recordPath(l *lang.Language, seq int64) string {
	return l.Path("/catatan/" + strconv.FormatInt(seq, 10))
}

func (s *Server) when(l *lang.Language, log *check.Result, e check.Entry) string {
	if e.Time.IsZero() {
		return l.Day(e.Day)
	}
	return l.Time(e.Time, log.TimeZone())
}

func (s *Server) who(log *check.Result, m id.Member) string {
	if m == "" {
		return ""
	}
	return lang.Visible(log.NameOf(m))
}

func (s *Server) download(w http.ResponseWriter, r *request) error {
	log, err := s.verified(w, r)
	if log == nil {
		return err
	}
	q, problems := s.query(r, log.TimeZone())
	if len(problems) > 0 {
		return s.search(w, r)
	}
	attach(w, "text/csv; charset=utf-8", "catatan-akses.csv")
	if err := check.WriteCSV(w, log.Entries.Select(q.filter), log.NameOf); err != nil {
		panic(http.ErrAbortHandler) // the other end must not take a part for the whole
	}
	return nil
}

type recordPage struct {
	page.Page
	Sentence string
	Signed   bool
	Row      row
	Life     string
	OfCase   string
	OfMember string
	Before   string
	After    string
}

func (s *Server) record(w http.ResponseWriter, r *request) error {
	log, err := s.verified(w, r)
	if log == nil {
		return err
	}
	text := strings.TrimPrefix(r.path, "/catatan/")
	seq, err := strconv.ParseInt(text, 10, 64)
	if err != nil || seq < 0 || seq >= log.Entries.Len() || strconv.FormatInt(seq, 10) != text {
		return s.notice(w, r, http.StatusNotFound, "auditor.norecord")
	}
	e := log.Entries.At(seq)
	l := r.l
	when := s.when(l, log, e)
	p := recordPage{
		Page:     s.page(r, l.T("auditor.record.title", "Record", seq)),
		Sentence: s.sentence(l, log, e),
		Signed:   e.Member != "",
		Row: row{
			Seq: seq, Number: l.Number(seq), When: when, Who: s.who(log, e.Member), Action: l.T("auditor.action." + e.Action),
			Case: string(e.Case), To: s.who(log, e.To), Record: string(e.Member),
		},
	}
	link := func(name, value string) string { return l.Path("/cari") + "?" + url.Values{name: {value}}.Encode() }
	if e.Case != "" {
		p.OfCase, p.Life = link("kasus", string(e.Case)), l.Path("/kasus/"+string(e.Case))
	}
	if e.Member != "" {
		p.OfMember = link("anggota", string(e.Member))
	}
	if seq > 0 {
		p.Before = l.Path("/catatan/" + strconv.FormatInt(seq-1, 10))
	}
	if seq+1 < log.Entries.Len() {
		p.After = l.Path("/catatan/" + strconv.FormatInt(seq+1, 10))
	}
	return s.pages.Write(w, l, "record", p)
}

// evidence is what an auditor keeps of a log that failed.
type evidence struct {
	Origin      string      `json:"origin"`
	LogKey      string      `json:"log_key"`
	Found       time.Time   `json:"found"`
	Record      *int64      `json:"record,omitempty"`
	Fault       check.Fault `json:"fault"`
	Why         string      `json:"why"`
	Want        string      `json:"want,omitempty"`
	Got         string      `json:"got,omitempty"`
	Checkpoint  string      `json:"checkpoint"`            // as the log has it now
	LastTrusted string      `json:"last_trusted,omitzero"` // the last that was verified whole
}

func (s *Server) evidence(w http.ResponseWriter, r *request) error {
	if !r.auditor {
		return s.tokenForm(w, r, http.StatusUnauthorized, false)
	}
	x := s.watch.look(r.Context())
	if x.finding == nil {
		return s.notice(w, r, http.StatusNotFound, "auditor.noevidence")
	}
	e := evidence{
		Origin: s.key.Name(), LogKey: s.config.Key, Found: x.at.UTC(), Fault: x.finding.Fault, Why: x.finding.What, Want: x.finding.Want, Got: x.finding.Got,
	}
	if x.finding.Seq >= 0 {
		e.Record = &x.finding.Seq
	}
	if b, err := s.config.Files(r.Context(), "checkpoint"); err == nil {
		e.Checkpoint = string(b)
	}
	if x.result != nil {
		e.LastTrusted = string(x.result.Checkpoint)
	}
	b, err := json.MarshalIndent(e, "", "  ")
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Disposition", `attachment; filename="bukti-catatan.json"`)
	_, _ = w.Write(append(b, '\n')) // the other end is gone otherwise
	return nil
}

type howPage struct {
	page.Page
	Key        string
	Checkpoint string
	Open       bool
}

func (s *Server) how(w http.ResponseWriter, r *request) error {
	p := howPage{Page: s.page(r, r.l.T("auditor.how.title")), Key: s.config.Key, Open: s.config.OpenEntries}
	p.Cache = page.NoCache
	// Only one that the log's key has signed is shown.
	if b, err := s.config.Files(r.Context(), "checkpoint"); err == nil {
		if _, err := accesslog.OpenCheckpoint(b, s.key); err == nil {
			p.Checkpoint = string(b)
		}
	}
	return s.pages.Write(w, r.l, "how", p)
}

type tokenPage struct {
	page.Page
	None bool // nobody has a token here
}

func (s *Server) askToken(w http.ResponseWriter, r *request) error {
	if r.auditor {
		return s.home(w, r)
	}
	return s.tokenForm(w, r, http.StatusOK, false)
}

func (s *Server) tokenForm(w http.ResponseWriter, r *request, status int, wrong bool) error {
	p := tokenPage{Page: s.page(r, r.l.T("auditor.token.title")), None: s.config.Token.Reveal() == ""}
	p.Status = status
	p.Languages = nil
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="suluh audit"`)
	}
	if wrong {
		p.Problems = []page.Problem{{Field: "token", Text: r.l.T("auditor.token.wrong")}}
	}
	return s.pages.Write(w, r.l, "token", p)
}

const maxForm = 8 << 10 // bytes

func (s *Server) takeToken(w http.ResponseWriter, r *request) error {
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxForm))
	if err != nil {
		return s.tokenForm(w, r, http.StatusBadRequest, true)
	}
	form, err := url.ParseQuery(string(b))
	if err != nil || !s.isToken(strings.TrimSpace(form.Get("token"))) {
		return s.tokenForm(w, r, http.StatusForbidden, true)
	}
	http.SetCookie(w, &http.Cookie{
		Name: cookie, Value: s.sessions.begin(s.config.Now()), Path: "/", MaxAge: int(sessionTime.Seconds()),
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https",
	})
	return s.home(w, r)
}

func (s *Server) leave(w http.ResponseWriter, r *request) error {
	if c, err := r.Cookie(cookie); err == nil {
		s.sessions.end(c.Value)
	}
	http.SetCookie(w, &http.Cookie{Name: cookie, Path: "/", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteStrictMode})
	return s.home(w, r)
}
