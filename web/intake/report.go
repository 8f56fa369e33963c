package intake

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"

	"suluh.example/suluh/crypto/casecode"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/lang"
	"suluh.example/suluh/internal/metadata"
	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/internal/submission"
	"suluh.example/suluh/vault/depositsock"
	"suluh.example/suluh/web/page"
)

// mostFiles is how many attachments one deposit may have; the vault takes a
// few objects more.
const mostFiles = 200

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

// writePage is the form.
type writePage struct {
	page.Page
	Device     *device
	Once       string
	Units      []choice
	Alone      string // why there is no other unit
	Officers   []officers
	Left       bool // somebody is left out
	Keep       bool // the box is ticked
	AsIs       []hidden
	Parts      [3][]field
	Categories []choice
	Switch     []page.Link
}

// write is the empty form. The vault is asked first, so that nobody writes in
// vain.
func (s *Server) write(w http.ResponseWriter, r *request) error {
	sender, err := s.open4deposits(r)
	if err != nil {
		return err
	}
	p := s.writePage(r, sender.Roster(), typed{})
	p.Cache = page.NoCache
	return s.pages.Write(w, r.l, "tulis", p)
}

// rewrite is the form again with what was typed.
func (s *Server) rewrite(w http.ResponseWriter, r *request) error {
	b, err := s.texts(w, r)
	if err != nil {
		return err
	}
	t := typedFrom(b)
	sender, _, err := s.readers.ask(r.Context())
	if sender == nil {
		return s.closedOr(w, r, t, t.fields(), err)
	}
	return s.pages.Write(w, r.l, "tulis", s.writePage(r, sender.Roster(), t))
}

// open4deposits returns a sender if the vault takes deposits and somebody
// could read them.
func (s *Server) open4deposits(r *request) (*submission.Sender, error) {
	sender, state, err := s.readers.ask(r.Context())
	if err != nil {
		return nil, err
	}
	if !state.Open || sender == nil || len(choices(r.l, sender.Roster(), "")) == 0 {
		return nil, depositsock.ErrFull
	}
	return sender, nil
}

// closedOr shows that the service is closed, if that is what the error says.
// No error means that there is no roster yet, which is the same to reporters.
func (s *Server) closedOr(w http.ResponseWriter, r *request, t typed, fields []hidden, err error) error {
	var b *busy
	switch {
	case errors.As(err, &b):
		return s.wait(w, r, fields, false, b.wait)
	case err == nil || isClosed(err):
		return s.closed(w, r, t, fields)
	}
	return err
}

func (s *Server) writePage(r *request, ro *roster.Roster, t typed, problems ...page.Problem) writePage {
	l := r.l
	p := writePage{
		Page: s.script(s.plain(r, l.T("intake.write.title"))), Device: s.device(), Once: t.once, Units: choices(l, ro, t.unit),
		Officers: allOfficers(l, ro, t.without), Left: len(t.without) > 0, Keep: t.report.Keep, AsIs: asIsFields(t.asIs),
		Switch: s.others(r, "/lapor/tulis"),
	}
	if p.Problems = problems; len(problems) > 0 {
		p.Status = http.StatusUnprocessableEntity
	}
	if len(p.Units) == 0 || p.Units[len(p.Units)-1].Value != unsure {
		p.Alone = l.T("intake.unit.alone", "Own", ro.Units[0].Named(l.Code()))
	}
	for i, part := range report.Questions() {
		for _, q := range part {
			label := "intake.field." + q.Name
			f := field{Name: q.Name, Label: l.T(label), Value: *q.Of(&t.report), Problem: p.At(q.Name), Rows: rows(q.Name)}
			if l.Has(label + ".hint") {
				f.Hint = l.T(label + ".hint")
			}
			p.Parts[i] = append(p.Parts[i], f)
		}
	}
	for _, c := range append(report.Categories(), unknown) {
		p.Categories = append(p.Categories, choice{
			ID: "jenis-" + string(c), Value: string(c), Text: l.T("category." + string(c)), Checked: t.kind == string(c),
		})
	}
	return p
}

// checkPage shows what was typed, and takes attachments.
type checkPage struct {
	page.Page
	Unit, Names string
	Opens       []string // what else it takes to open the report
	Without     string
	Answers     []answer
	Personal    bool
	Hidden      []hidden // to go back with
	Send        []hidden // to send; what is chosen beside the files is not in it
	Shown       []string // readers that are shown here
	Files       filesPart
	Switch      []page.Link
}

// filesPart asks for attachments, or says why it doesn't.
type filesPart struct {
	Open         bool
	Closed       string
	Hint, Second string
	Problem      string
	// Name is the id of the first input.
	Name string
	AsIs bool // the box is ticked
}

func (s *Server) filesPart(r *request, state depositsock.State, closed string, problem string, asIs bool) filesPart {
	l := r.l
	return filesPart{
		Open: state.Files, Closed: closed, Name: fileField, Problem: problem, AsIs: asIs,
		Hint:   l.T("intake.file.hint", "Size", l.Bytes(s.limit(state))),
		Second: l.T("intake.file.second.hint"),
	}
}

// check shows what was typed. The code is fixed from here on: the seed that it
// comes from is in the page.
func (s *Server) check(w http.ResponseWriter, r *request) error {
	b, err := s.texts(w, r)
	if err != nil {
		return err
	}
	t := typedFrom(b)
	sender, state, err := s.readers.ask(r.Context())
	if sender == nil || err != nil || !state.Open {
		return s.closedOr(w, r, t, t.fields(), err)
	}
	return s.showCheck(w, r, sender, state, t, http.StatusOK)
}

// showCheck shows the check page, or the form if that has to be put right
// first.
func (s *Server) showCheck(w http.ResponseWriter, r *request, sender *submission.Sender, state depositsock.State, t typed, status int, problems ...page.Problem) error {
	l, ro := r.l, sender.Roster()
	to, wrong := t.to(l, ro)
	if t.length() > report.MaxText {
		wrong = append(wrong, page.Problem{Field: t.longest(), Text: l.T("intake.long.title") + ". " + l.T("intake.long.here", "Size", l.Bytes(report.MaxText))})
	}
	if len(wrong) > 0 {
		return s.pages.Write(w, l, "tulis", s.writePage(r, ro, t, wrong...))
	}
	if _, ok := seed(t.once); !ok {
		t.once = submission.NewSeed().Hex()
	}
	unit, _ := ro.Unit(to.Unit)
	p := checkPage{
		Page: s.plain(r, l.T("intake.check.title")), Unit: unit.Named(l.Code()), Opens: submission.Opens(l, ro, to.Unit), Answers: append([]answer{t.keep(l)}, t.answers(l)...),
		Personal: t.hasPersonalNumber(), Hidden: t.fields(), Send: t.written(), Switch: s.others(r, "/lapor/periksa"),
	}
	var names, left []string
	for _, m := range ro.Readers(to.Unit, to.Without) {
		names = append(names, m.Name)
		p.Shown = append(p.Shown, string(m.ID))
	}
	for _, x := range to.Without {
		m, _ := ro.Member(x)
		left = append(left, m.Name)
	}
	if w := witnessed(ro, to.Unit); w != "" {
		p.Shown = append(p.Shown, w)
	}
	p.Names, p.Without = strings.Join(names, ", "), strings.Join(left, ", ")
	p.Status, p.Problems = status, problems
	p.Files = s.filesPart(r, state, l.T("intake.file.closed"), p.At(fileField), t.asIs)
	return s.pages.Write(w, l, "periksa", p)
}

// send deposits a report as it streams in, and shows its code once it is
// durable.
func (s *Server) send(w http.ResponseWriter, r *request) error {
	b := s.body(w, r, s.mostBody())
	first, unread := b.next()
	t := typedFrom(b)
	if unread == errBroken && t.once != "" {
		// It broke after what was typed.
	} else if unread != nil && unread != io.EOF {
		b.drain()
		return unread
	}
	sender, state, err := s.readers.ask(r.Context())
	if sender == nil || err != nil || !state.Open {
		b.drain()
		if sender != nil && (err == nil || isClosed(err)) {
			return s.showCheckClosed(w, r, sender, state, t)
		}
		return s.closedOr(w, r, t, t.fields(), err)
	}
	status := http.StatusUnprocessableEntity
	again := func(field, text string) error {
		b.drain()
		var problems []page.Problem
		if text != "" {
			problems = append(problems, page.Problem{Field: field, Text: text})
		}
		return s.showCheck(w, r, sender, state, t, status, problems...)
	}
	once, ok := seed(t.once)
	to, wrong := t.to(r.l, sender.Roster())
	if !ok || len(wrong) > 0 || t.length() > report.MaxText {
		return again("", "")
	}
	if unread == errBroken {
		return again(fileProblem(state), r.l.T("intake.file.broken"))
	}
	if t.report.IsEmpty() && first == nil {
		return again(fileProblem(state), r.l.T("intake.check.nothing"))
	}
	other := rewitnessed(sender.Roster(), to, t.shown)
	if other {
		t.once = "" // what was said to open with others' word never joins a case that opens without
	}
	if other || added(sender.Roster(), to, t.shown) {
		text := r.l.T("intake.check.changed")
		if first != nil {
			text += ". " + r.l.T("intake.check.files.again")
		}
		return again("", text)
	}
	leave, problem := s.admit(w, r, b, first)
	if leave == nil {
		status = http.StatusTooManyRequests
		return again(fileProblem(state), problem)
	}
	defer leave()
	f := submission.Form{Seed: once, To: to, Report: t.report, Language: r.l.Code()}
	sub, err := sender.Begin(r.Context(), state.Day, f)
	if err == nil {
		defer sub.Abort()
		var result submission.Result
		var files sent
		if result, files, err = s.finish(r, b, first, sub, state); err == nil {
			return s.received(w, r, to, once, result, files, state)
		}
	}
	if errors.Is(err, depositsock.ErrRoster) && b.failed == nil {
		// The vault takes nothing that was sealed to those who read it when the
		// files began to come, which may be hours ago: the same is checked again,
		// with those who read it now.
		if fresh, now, askErr := s.readers.ask(r.Context()); askErr == nil && fresh != sender {
			sender, state = fresh, now
			if rewitnessed(fresh.Roster(), to, t.shown) {
				t.once = ""
			}
			return again("", r.l.T("intake.check.changed")+". "+r.l.T("intake.check.files.again"))
		}
	}
	text, err := s.refusal(r, b, state, err)
	switch {
	case err != nil:
		b.drain()
		return err
	case text == "":
		b.drain()
		return s.showCheckClosed(w, r, sender, state, t)
	}
	return again(fileProblem(state), text)
}

// fileProblem names the field that is wrong with attachments, if the page has
// it.
func fileProblem(state depositsock.State) string {
	if !state.Files {
		return ""
	}
	return fileField
}

// showCheckClosed is the check page while the vault takes nothing: what was
// typed is still there, to be sent later.
func (s *Server) showCheckClosed(w http.ResponseWriter, r *request, sender *submission.Sender, state depositsock.State, t typed) error {
	if state.MaxBytes == 0 { // the vault didn't say
		state.MaxBytes, state.Files = s.config.MaxBytes/4*5, true
	}
	w.Header().Set("Retry-After", "3600")
	return s.showCheck(w, r, sender, state, t, http.StatusServiceUnavailable, page.Problem{Text: r.l.T("intake.check.closed")})
}

// overhead is the most that a form of ours has besides its files.
const overhead = 64 << 20

// mostBody is the most bytes that are read of a form with files: several times
// what is accepted, since browsers show no answer before they have sent what
// they began.
func (s *Server) mostBody() int64 { return 4*s.config.MaxBytes + overhead }

// tooMuch says what is wrong with an attachment, in the words of a page.
type tooMuch struct{ text string }

func (*tooMuch) Error() string { return "an attachment is not accepted" }

// finish attaches the files and commits. The choice whether photos keep their
// hidden data stands before the files. Limits are of what was chosen, so that
// nobody has to know what will be removed.
func (s *Server) finish(r *request, b *body, file *upload, sub *submission.Submission, state depositsock.State) (submission.Result, sent, error) {
	left := s.limit(state)
	var files sent
	refuse := func(err error) (submission.Result, sent, error) { return submission.Result{}, files, err }
	asIs := b.first(asIsField) != ""
	for n := 0; file != nil; n++ {
		name := r.shownName(file)
		if n == 0 && r.ContentLength > left+overhead { // nothing of it need go to the vault
			return refuse(&tooMuch{r.l.T("intake.file.together", "Name", name, "Size", r.l.Bytes(left))})
		}
		if n == mostFiles {
			return refuse(&tooMuch{r.l.T("intake.file.many", "N", mostFiles)})
		}
		chosen := io.LimitReader(file, left+1)
		content := metadata.Clean(chosen)
		if asIs {
			content = metadata.Keep(chosen)
		}
		if _, err := sub.Attach(file.Name, file.Type, content); err != nil {
			return refuse(err)
		}
		if file.size > left {
			key := "intake.file.together"
			if n == 0 {
				key = "intake.file.large"
			}
			return refuse(&tooMuch{r.l.T(key, "Name", name, "Size", r.l.Bytes(s.limit(state)))})
		}
		if file.size == 0 {
			return refuse(&tooMuch{r.l.T("intake.file.empty", "Name", name)})
		}
		sub.SetHidden(files.add(content.Result(), asIs))
		left -= file.size
		var err error
		if file, err = b.next(); err != nil && err != io.EOF {
			return refuse(err)
		}
	}
	result, err := sub.Commit(r.Context())
	return result, files, err
}

// sent counts what became of hidden data in the files of a deposit.
type sent struct {
	unclean int // photos that some may be left in, though it was to be removed
	asIs    int
	kinds   []metadata.Kind // of those
}

// add counts a file.
func (x *sent) add(r metadata.Result, asIs bool) report.Hidden {
	photo := r.Kind.Photo()
	switch {
	case photo && r.Whole:
		return report.HiddenRemoved
	case photo && !asIs:
		x.unclean++
		if r.Removed != 0 {
			return report.HiddenPartly
		}
	default:
		x.asIs++
		if !slices.Contains(x.kinds, r.Kind) {
			x.kinds = append(x.kinds, r.Kind)
		}
	}
	return report.HiddenKept
}

// say tells it, if there is anything that a person should know.
func (x sent) say(l *lang.Language) (all []string) {
	if x.unclean > 0 {
		all = append(all, l.T("intake.sent.unclean", "N", x.unclean))
	}
	if x.asIs > 0 {
		var names []string
		for _, k := range x.kinds {
			names = append(names, l.T("intake.kind."+string(k)))
		}
		all = append(all, l.T("intake.sent.asis", "N", x.asIs, "Kinds", strings.Join(names, ", ")))
	}
	return all
}

// shownName is a file's name for a page: not longer than somebody reads.
func (r *request) shownName(u *upload) string {
	const most = 60
	if u.Name == "" {
		return r.l.T("intake.file.noname")
	}
	if n := []rune(u.Name); len(n) > most {
		return string(n[:most]) + "…"
	}
	return u.Name
}

// refusal tells why a deposit wasn't taken: a text for the page, or "" if the
// vault takes nothing now, or an error that isn't about it.
func (s *Server) refusal(r *request, b *body, state depositsock.State, err error) (string, error) {
	var much *tooMuch
	switch {
	case b.failed == errBroken:
		return r.l.T("intake.file.broken"), nil
	case b.failed != nil:
		return "", b.failed
	case errors.As(err, &much):
		return much.text, nil
	case errors.Is(err, depositsock.ErrNoFiles):
		return r.l.T("intake.file.closed"), nil
	case errors.Is(err, depositsock.ErrTooLarge):
		return r.l.T("intake.file.together", "Name", r.l.T("intake.file.noname"), "Size", r.l.Bytes(s.limit(state))), nil
	case isClosed(err):
		return "", nil
	default:
		return "", err
	}
}

// codePage shows a code.
type codePage struct {
	page.Page
	Words   [casecode.Len]string
	What    string // what became of the report
	Sent    []string
	Due     string
	Receipt string
	Hidden  []hidden
	Switch  []page.Link
}

// received is the page after a deposit is durable, and never before.
func (s *Server) received(w http.ResponseWriter, r *request, to submission.Readers, once submission.Seed, result submission.Result, files sent, state depositsock.State) error {
	l := r.l
	p, err := s.codePage(r, l.T("intake.code.title"), to, once)
	if err != nil {
		return err
	}
	switch result.Outcome {
	case depositsock.Same:
		p.What = l.T("intake.code.same")
	case depositsock.Added:
		p.What = l.T("intake.code.added")
	default:
		if due := s.config.Clock.Due(report.Received, state.Day); !due.IsZero() {
			p.Due = l.T("intake.code.due", "Day", due)
		}
	}
	p.Receipt, p.Sent = string(result.Receipt), files.say(l)
	return s.pages.Write(w, l, "kode", p)
}

func (s *Server) codePage(r *request, title string, to submission.Readers, once submission.Seed) (codePage, error) {
	code, err := submission.CodeOf(once, to)
	if err != nil {
		return codePage{}, err
	}
	p := codePage{
		Page: s.plain(r, title), Words: code.Words(),
		Hidden: codeFields(to, once), Switch: s.others(r, "/lapor/coba"),
	}
	// The browser may print it on the margin of the card.
	p.Window, p.Class = r.l.T("intake.code.window"), "cut"
	return p, nil
}

// codeFields carry what a code comes from, and no more: not the report.
func codeFields(to submission.Readers, once submission.Seed) []hidden {
	f := []hidden{{onceField, once.Hex()}, {unitField, string(to.Unit)}}
	for _, m := range to.Without {
		f = append(f, hidden{withoutField, string(m)})
	}
	return f
}

// tryPage asks for the code that was just written down.
type tryPage struct {
	page.Page
	Code   field
	Right  bool
	Hidden []hidden
	Switch []page.Link
}

// try lets somebody try the code on paper, or see it once more as long as the
// seed is in the page.
func (s *Server) try(w http.ResponseWriter, r *request) error {
	b, err := s.texts(w, r)
	if err != nil {
		return err
	}
	l := r.l
	t := typedFrom(b)
	once, ok := seed(t.once)
	// The unit is one that was chosen before; who reads it now is no matter.
	to := submission.Readers{Unit: unitOf(t.unit), Without: t.without}
	if !ok || to.Unit == "" {
		return s.direct(w, r, route{post: s.try})
	}
	if b.first(showField) != "" {
		p, err := s.codePage(r, l.T("intake.code.again.title"), to, once)
		if err != nil {
			return err
		}
		return s.pages.Write(w, l, "kode", p)
	}
	code, err := submission.CodeOf(once, to)
	if err != nil {
		return err
	}
	p := tryPage{Page: s.plain(r, l.T("intake.try.title")), Hidden: codeFields(to, once), Switch: s.others(r, "/lapor/coba")}
	typedCode, tried := b.texts[codeField]
	if p.Code.Value = b.first(codeField); tried {
		problem := tryCode(l, typedCode[0], code)
		switch onlyLanguage := b.first(switchField) != ""; {
		case problem == "":
			p.Right, p.Title, p.Notice = true, l.T("intake.try.right.title"), l.T("intake.try.right")
		case !onlyLanguage:
			p.Status, p.Problems = http.StatusUnprocessableEntity, []page.Problem{{Field: codeField, Text: problem}}
		}
	}
	p.Code = codeInput(l, p.Code.Value, p.At(codeField))
	return s.pages.Write(w, l, "coba", p)
}
