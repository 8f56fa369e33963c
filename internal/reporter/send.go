package reporter

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"suluh.example/suluh/crypto/casecode"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/internal/lang"
	"suluh.example/suluh/internal/metadata"
	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/internal/submission"
	"suluh.example/suluh/vault/depositsock"
	"suluh.example/suluh/vault/wire"
)

// ErrUncertain says that the connection broke for good while the service was
// to keep what was sent whole: whether it has, only its code can tell.
var ErrUncertain = errors.New("it is not certain that the service has kept it")

// Outgoing is a report or a reply to be sent.
type Outgoing struct {
	Files    []File
	AsIs     bool // photos keep their hidden data
	Language string

	// Progress is told how many sealed bytes of a file are on their way or have
	// come; fewer again after a break. Waiting is told when the connection broke
	// and is tried again. They are called from other goroutines.
	Progress func(file int, sent int64)
	Waiting  func()
}

// Sent is what came of it.
type Sent struct {
	submission.Result
	Files []SentFile
}

// SentFile is an attachment as it was sent.
type SentFile struct {
	Name   string        `json:"name"`
	Size   int64         `json:"size"` // of what was sent
	Hidden report.Hidden `json:"hidden"`
	Kind   metadata.Kind `json:"kind"`
}

// ChoiceError says that somebody who may read, or must not, isn't in the
// roster; or that a choice is missing. Known is whom there is to choose from.
type ChoiceError struct {
	What  string // "missing", "unit", "member" or "all"
	Name  string
	Known string
}

func (e *ChoiceError) Error() string { return "who may read the report is not as the roster has it" }

// Choose checks who may read a report.
func (s *Service) Choose(f *Form, l *lang.Language) error {
	r := s.Sender.Roster()
	var known []string
	for _, u := range r.Units {
		if len(r.Readers(u.ID, nil)) > 0 {
			known = append(known, fmt.Sprintf("%s (%s)", u.ID, u.Named(l.Code())))
		}
	}
	unit, ok := r.Unit(f.Unit)
	switch {
	case f.Unit == "":
		return &ChoiceError{"missing", "", strings.Join(known, ", ")}
	case !ok || len(r.Readers(f.Unit, nil)) == 0:
		return &ChoiceError{"unit", string(f.Unit), strings.Join(known, ", ")}
	}
	known = nil
	for _, m := range r.Readers(f.Unit, nil) {
		known = append(known, fmt.Sprintf("%s (%s)", m.ID, m.Name))
	}
	for _, m := range f.Without {
		if _, ok := r.Member(m); !ok {
			return &ChoiceError{"member", string(m), strings.Join(known, ", ")}
		}
	}
	if len(r.Readers(f.Unit, f.Without)) == 0 {
		return &ChoiceError{"all", unit.Named(l.Code()), strings.Join(known, ", ")}
	}
	return nil
}

// Limit is how many bytes all attachments may have together. Sealing pads by
// up to an eighth, and every file has a floor.
func (s *Service) Limit() int64 { return s.State.MaxBytes / 5 * 4 }

// Ready tells whether the service takes a report now, with files or without.
func (s *Service) Ready(files int) error {
	switch {
	case !s.State.Open:
		return depositsock.ErrFull
	case files > 0 && !s.State.Files:
		return depositsock.ErrNoFiles
	}
	return nil
}

// Submit sends a report and returns its code. The code comes with [ErrUncertain]
// too, to find out with.
func (s *Service) Submit(ctx context.Context, f Form, o Outgoing) (casecode.Code, Sent, error) {
	if f.IsEmpty() && len(o.Files) == 0 {
		return casecode.Code{}, Sent{}, ErrNothing
	}
	form := submission.Form{To: submission.Readers{Unit: f.Unit, Without: f.Without}, Report: f.Report, Language: o.Language}
	form.Seed = submission.NewSeed()
	code, err := submission.CodeOf(form.Seed, form.To)
	if err != nil {
		return code, Sent{}, err
	}
	sent, err := o.send(ctx, func(ctx context.Context) (*submission.Submission, error) {
		return s.Sender.Begin(ctx, s.State.Day, form)
	})
	return code, sent, err
}

// Reply sends a message to a case.
func (s *Service) Reply(ctx context.Context, v *submission.View, text string, o Outgoing) (Sent, error) {
	if text == "" && len(o.Files) == 0 {
		return Sent{}, ErrNothing
	}
	once := submission.NewSeed()
	return o.send(ctx, func(ctx context.Context) (*submission.Submission, error) {
		return s.Sender.BeginReply(ctx, s.State.Day, v, once, text, o.Language)
	})
}

// anew is how often files are sent from their beginning, when the service has
// lost what came of them.
const anew = 3

// send sends all of it. What breaks is taken up where it broke; and the same form
// twice is one report.
func (o *Outgoing) send(ctx context.Context, begin func(context.Context) (*submission.Submission, error)) (sent Sent, err error) {
	committing := false
	if len(o.Files) == 0 {
		err = depositsock.Retry(ctx, o.Waiting, func(ctx context.Context) (bool, error) {
			sent, err = o.once(ctx, begin, &committing)
			return false, err
		})
	} else {
		for range anew {
			if sent, err = o.once(ctx, begin, &committing); !errors.Is(err, depositsock.ErrUpload) {
				break
			}
			o.Waiting()
		}
	}
	var busy *wire.BusyError
	switch {
	case err == nil, errors.As(err, &busy): // refused, for certain
	case committing && (errors.Is(err, wire.ErrUnreachable) || errors.Is(err, wire.ErrVault) || errors.Is(err, context.Canceled)):
		err = errors.Join(ErrUncertain, err)
	case ctx.Err() != nil:
		err = ctx.Err() // and not the broken connection that it led to
	case errors.Is(err, wire.ErrVault):
	default:
		err = unreached(err)
	}
	return sent, err
}

func (o *Outgoing) once(ctx context.Context, begin func(context.Context) (*submission.Submission, error), committing *bool) (sent Sent, err error) {
	// What is begun to be kept is waited for, even if the person stops then: it
	// would be there all the same.
	during, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	release := context.AfterFunc(ctx, stop)
	defer release()
	sub, err := begin(during)
	if err != nil {
		return sent, err
	}
	defer sub.Abort()
	for i, f := range o.Files {
		x, err := o.attach(during, sub, i, f)
		if err != nil {
			return sent, err
		}
		sent.Files = append(sent.Files, x)
	}
	if !release() && ctx.Err() != nil {
		return sent, ctx.Err()
	}
	*committing = true
	sent.Result, err = sub.Commit(during)
	return sent, err
}

func (o *Outgoing) attach(ctx context.Context, sub *submission.Submission, i int, f File) (SentFile, error) {
	x := SentFile{Name: f.Name}
	size, err := o.sentSize(f)
	if err != nil {
		return x, err
	}
	in, content, err := o.open(f)
	if err != nil {
		return x, err
	}
	defer in.Close()
	err = sub.AttachFile(ctx, f.Name, mediaType(f.Name), size, content, depositsock.Watch{
		Sent: func(n int64) { o.Progress(i, n) }, Waiting: o.Waiting,
	})
	if errors.Is(err, submission.ErrChanged) {
		err = &FileError{Path: f.Path, Err: ErrChanged}
	}
	if err != nil {
		return x, err
	}
	r := content.Result()
	x.Size, x.Kind, x.Hidden = size, r.Kind, hiddenOf(r, o.AsIs)
	sub.SetHidden(x.Hidden)
	return x, nil
}

// open opens a file as it is sent.
func (o *Outgoing) open(f File) (*os.File, *metadata.Reader, error) {
	in, err := os.Open(f.Path)
	if err != nil {
		return nil, nil, &FileError{Path: f.Path, Err: err}
	}
	if o.AsIs {
		return in, metadata.Keep(ownErrors{in, f.Path}), nil
	}
	return in, metadata.Clean(ownErrors{in, f.Path}), nil
}

// sentSize is how many bytes of a file are sent, which has to be said before: a
// photo is read twice.
func (o *Outgoing) sentSize(f File) (int64, error) {
	in, content, err := o.open(f)
	if err != nil {
		return 0, err
	}
	defer in.Close()
	n, err := io.CopyN(io.Discard, content, 1)
	if err != nil && err != io.EOF {
		return 0, err
	}
	if o.AsIs || !content.Result().Kind.Photo() {
		return f.Size, nil
	}
	rest, err := io.Copy(io.Discard, content)
	return n + rest, err
}

// ownErrors says of errors which file's they are.
type ownErrors struct {
	in   io.Reader
	path string
}

func (r ownErrors) Read(p []byte) (int, error) {
	n, err := r.in.Read(p)
	if err != nil && err != io.EOF {
		err = &FileError{Path: r.path, Err: err}
	}
	return n, err
}

func hiddenOf(r metadata.Result, asIs bool) report.Hidden {
	switch {
	case asIs, !r.Kind.Photo():
		return report.HiddenKept
	case r.Whole:
		return report.HiddenRemoved
	case r.Removed != 0:
		return report.HiddenPartly
	}
	return report.HiddenKept
}

// mediaType is what a browser would say of a file, without asking the system,
// whose tables differ.
func mediaType(name string) string {
	known := map[string]string{
		".pdf": "application/pdf", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".webp": "image/webp", ".heic": "image/heic",
		".doc": "application/msword", ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
		".xls": "application/vnd.ms-excel", ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
		".mp3": "audio/mpeg", ".m4a": "audio/mp4", ".ogg": "audio/ogg", ".wav": "audio/wav", ".mp4": "video/mp4", ".zip": "application/zip", ".txt": "text/plain",
	}
	if t, _, err := mime.ParseMediaType(known[strings.ToLower(filepath.Ext(name))]); err == nil {
		return t
	}
	return "application/octet-stream"
}

// Inspect says what a file tells of its maker, and whether that will be removed:
// a line for people, or "" if there is nothing to tell.
func Inspect(l *lang.Language, f File, asIs bool) (string, error) {
	in, err := os.Open(f.Path)
	if err != nil {
		return "", &FileError{Path: f.Path, Err: err}
	}
	defer in.Close()
	x := metadata.Inspect(in, f.Size)
	var all []string
	for _, found := range x.Findings {
		what := l.T("reporter.what." + string(found.What))
		if found.Value != "" {
			what = l.T("reporter.what.value", "What", what, "Value", found.Value)
		}
		all = append(all, what)
	}
	switch told := strings.Join(all, "; "); {
	case x.Kind.Photo() && !asIs && told != "":
		return l.T("reporter.inspect.removed", "Name", f.Name, "What", told), nil
	case x.Kind.Photo() && !asIs:
		return "", nil
	case told != "":
		return l.T("reporter.inspect.sent", "Name", f.Name, "What", told), nil
	default:
		return l.T("reporter.inspect.asis", "Name", f.Name, "Kind", l.T("intake.kind."+string(x.Kind))), nil
	}
}

// Case is a case as suluh status --json prints it.
type Case struct {
	Case     id.Case              `json:"case"`
	Unit     id.Unit              `json:"unit,omitempty"`
	Since    id.Day               `json:"since,omitzero"`
	Status   report.Status        `json:"status,omitempty"` // none if the answer that told it was destroyed
	Due      id.Day               `json:"due,omitzero"`
	Logged   id.Day               `json:"logged,omitzero"` // when the report entered the access log
	Receipt  string               `json:"receipt,omitempty"`
	Messages []Message            `json:"messages"` // oldest first
	History  []Step               `json:"history"`  // oldest first
	Warnings []submission.Warning `json:"warnings"`
}

// Message is a message of either side.
type Message struct {
	ID        string        `json:"id,omitempty"` // of an answer, for --delete; a place in the list wouldn't stay the same
	Day       id.Day        `json:"day"`
	From      string        `json:"from"` // "you", or the unit's name
	Text      string        `json:"text,omitempty"`
	Files     int           `json:"files,omitempty"`
	Status    report.Status `json:"status,omitempty"`
	Destroyed id.Day        `json:"destroyed,omitzero"`

	answer id.Digest
}

// Step is a status and its day.
type Step struct {
	Status report.Status `json:"status"`
	Day    id.Day        `json:"day"`
}

// CaseOf tells of a case what its reporter may know.
func (s *Service) CaseOf(v *submission.View, clock report.Clock, l *lang.Language) *Case {
	c := &Case{
		Case: v.Case, Unit: v.Unit, Since: v.Since, Status: v.Status, Due: v.Due, Logged: v.Logged, Receipt: string(v.Receipt),
		Messages: []Message{}, History: []Step{}, Warnings: []submission.Warning{},
	}
	if c.Warnings = append(c.Warnings, v.Warnings...); len(c.Warnings) > 0 {
		return &Case{Case: v.Case, Messages: c.Messages, History: c.History, Warnings: c.Warnings} // the rest can't be trusted
	}
	for _, h := range v.History {
		c.History = append(c.History, Step{h.Status, h.Day})
	}
	if n := len(c.History); c.Due.IsZero() && n > 0 && c.Status != "" {
		c.Due = clock.Due(c.Status, c.History[n-1].Day)
	}
	r := s.Sender.Roster()
	for _, m := range slices.Backward(v.Messages) {
		x := Message{Day: m.Day, From: "you", Text: m.Text, Files: m.Files, Status: m.Tells, Destroyed: m.Destroyed, answer: m.Answer}
		if !m.Answer.IsZero() {
			// The unit speaks; which of its officers wrote is not the reporter's.
			from := v.Unit
			if by, ok := r.Member(m.By); ok {
				from = by.Unit
			}
			u, _ := r.Unit(from)
			x.ID, x.From = m.Answer.String()[:idLen], u.Named(l.Code())
		}
		c.Messages = append(c.Messages, x)
	}
	return c
}

// idLen is how many digits of an answer's digest name it among those of a case.
const idLen = 8

// Answer returns the answer with an id, which can be destroyed.
func (c *Case) Answer(name string) (id.Digest, bool) {
	i := slices.IndexFunc(c.Messages, func(m Message) bool { return m.ID != "" && m.ID == strings.ToLower(name) })
	if i < 0 {
		return id.Digest{}, false
	}
	return c.Messages[i].answer, true
}

// Whole returns an error if the case was tampered with.
func (c *Case) Whole() error {
	if len(c.Warnings) > 0 {
		return submission.ErrTampered
	}
	return nil
}

// Write shows a case to its reporter. What members wrote can do nothing to a
// terminal, nor pass for the words around it.
func (c *Case) Write(w io.Writer, l *lang.Language, clock report.Clock, today id.Day) {
	say := func(format string, args ...any) { fmt.Fprintf(w, format+"\n", args...) }
	if len(c.Warnings) > 0 {
		for _, x := range c.Warnings {
			say("%s", l.T("intake.tampered."+string(x)))
		}
		return
	}
	if c.Status == "" {
		say("%s", l.T("reporter.status.gone"))
	} else {
		say("%s\n%s", l.T("intake.status.title", "Status", l.T("status."+string(c.Status))), submission.About(l, c.Status, clock))
	}
	key := "intake.status.next"
	if c.Status == report.Incomplete {
		key = "intake.status.needed"
	}
	switch late := c.Due.Before(today); {
	case c.Due.IsZero() && c.Status == report.Incomplete:
		say("%s", l.T("intake.status.needed.nodate"))
	case c.Due.IsZero():
	case late && c.Status == report.Incomplete:
		say("%s", l.T("intake.status.needed.late", "Day", c.Due))
	case late:
		say("%s", l.T("intake.status.late", "Day", c.Due))
	default:
		say("%s", l.T(key, "Day", c.Due))
	}
	if !c.Logged.IsZero() {
		say("%s", l.T("reporter.logged", "Day", c.Logged))
	}
	say("\n%s", l.T("intake.status.messages"))
	if len(c.Messages) == 0 {
		say("  %s", l.T("intake.status.none"))
	}
	for _, m := range slices.Backward(c.Messages) {
		switch {
		case m.From == "you":
			say("  %s", l.T("intake.status.from.you", "Day", m.Day))
			say("    %s", l.T("intake.status.yours"))
			if m.Files > 0 {
				say("    %s", l.T("intake.status.yours.files", "N", m.Files))
			}
		case !m.Destroyed.IsZero():
			say("  %s", l.T("reporter.destroyed", "Day", m.Destroyed))
		default:
			say("  %s  [%s]\n%s", l.T("intake.status.from", "Unit", m.From, "Day", m.Day), m.ID, Indent(m.Text))
		}
	}
	say("\n%s", l.T("intake.status.history"))
	for _, h := range c.History {
		say("  %s", l.T("intake.status.step", "Status", l.T("status."+string(h.Status)), "Day", h.Day))
	}
}
