package reporter

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/lang"
	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/internal/submission"
)

// ErrStopped says that the person ended the questions.
var ErrStopped = errors.New("stopped by the person who was asked")

// Asker asks a person at a terminal, a question at a time. Questions never go
// where results go.
type Asker struct {
	lang  *lang.Language
	out   io.Writer
	lines chan string // of what is typed; closed at its end
}

// NewAsker asks at a terminal. Reading it goes on until its end, so that a
// person who stops is heard while a question waits.
func NewAsker(in io.Reader, out io.Writer, l *lang.Language) *Asker {
	a := &Asker{l, out, make(chan string)}
	go func() {
		defer close(a.lines)
		for r := bufio.NewReader(in); ; {
			line, err := r.ReadString('\n')
			if line != "" {
				a.lines <- strings.TrimRight(line, "\r\n")
			}
			if err != nil {
				return
			}
		}
	}()
	return a
}

func (a *Asker) say(format string, args ...any) { fmt.Fprintf(a.out, format+"\n", args...) }

// line reads a line.
func (a *Asker) line(ctx context.Context) (string, error) {
	fmt.Fprint(a.out, "> ")
	select {
	case s, ok := <-a.lines:
		if !ok {
			fmt.Fprintln(a.out)
			return "", ErrStopped
		}
		return s, nil
	case <-ctx.Done():
		fmt.Fprintln(a.out)
		return "", ctx.Err()
	}
}

// longestLine is what terminals pass on of a line; they drop the rest, and
// don't say so.
const longestLine = 4095

// Text reads lines up to an empty one.
func (a *Asker) Text(ctx context.Context) (string, error) {
	var all []string
	for {
		s, err := a.line(ctx)
		if err != nil {
			return "", err
		}
		if len(s) >= longestLine {
			a.say("%s", a.lang.T("reporter.ask.cut", "N", longestLine))
			continue
		}
		if strings.TrimSpace(s) == "" {
			return cleanText(strings.Join(all, "\n")), nil
		}
		all = append(all, s)
	}
}

// number reads the number of one of n choices; 0 is none of them, if that may
// be.
func (a *Asker) number(ctx context.Context, n int, optional bool) (int, error) {
	for {
		s, err := a.line(ctx)
		if err != nil {
			return 0, err
		}
		s = strings.TrimSpace(s)
		if s == "" && optional {
			return 0, nil
		}
		if i, err := strconv.Atoi(s); err == nil && 1 <= i && i <= n {
			return i, nil
		}
		a.say("%s", a.lang.T("reporter.ask.number", "N", n))
	}
}

// Questions asks the whole form, but for what is answered already: who may read
// it. It returns paths of files to attach, if it is to ask for them.
func (a *Asker) Questions(ctx context.Context, f *Form, r *roster.Roster, files *Files) error {
	a.say("\n%s\n%s", a.lang.T("intake.write.intro"), a.lang.T("reporter.ask.how"))
	if f.Unit == "" {
		if err := a.Unit(ctx, f, r); err != nil {
			return err
		}
	}
	if len(f.Without) == 0 {
		if err := a.askWithout(ctx, f, r); err != nil {
			return err
		}
	}
	if !f.Keep {
		if err := a.askKeep(ctx, f); err != nil {
			return err
		}
	}
	for _, q := range questions() {
		if q.Name == "rugi" {
			if err := a.askCategory(ctx, f); err != nil {
				return err
			}
		}
		if err := a.askText(ctx, f, q); err != nil {
			return err
		}
	}
	if err := f.clean(); err != nil {
		return err
	}
	if len(files.All) == 0 {
		if err := a.askFiles(ctx, files); err != nil {
			return err
		}
	}
	return nil
}

func (a *Asker) askText(ctx context.Context, f *Form, q report.Question) (err error) {
	key := "intake.field." + q.Name
	a.say("\n%s", a.lang.T(key))
	if a.lang.Has(key + ".hint") {
		a.say("  %s", a.lang.T(key+".hint"))
	}
	*q.Of(&f.Report), err = a.Text(ctx)
	return err
}

func (a *Asker) askCategory(ctx context.Context, f *Form) error {
	a.say("\n%s", a.lang.T("intake.field.jenis"))
	all := report.Categories()
	for i, c := range all {
		a.say("%3d  %s", i+1, a.lang.T("category."+string(c)))
	}
	n, err := a.number(ctx, len(all), true)
	if n > 0 {
		f.Category = all[n-1]
	}
	return err
}

// unit is a unit that reports may go to, with the answer that chooses it.
type unit struct {
	id   id.Unit
	text string
}

// units are those with readers. The first of the roster is the province's own;
// its other reads what is about itself, and what somebody isn't sure of.
func units(l *lang.Language, r *roster.Roster) (all []unit) {
	name := func(u roster.Unit) string { return u.Named(l.Code()) }
	own := r.Units[0]
	other, _ := r.Unit(own.Other)
	for i, u := range r.Units {
		if len(r.Readers(u.ID, nil)) == 0 || u.ID == other.ID {
			continue
		}
		text := l.T("intake.unit.more", "Unit", name(u))
		if h := u.HandlesIn(l.Code()); h != "" {
			text = l.T("intake.unit.more.handles", "Unit", name(u), "Handles", h)
		}
		if i == 0 {
			text = l.T("intake.unit.own", "Unit", name(u))
		}
		all = append(all, unit{u.ID, text})
	}
	if len(r.Readers(other.ID, nil)) > 0 {
		all = append(all, unit{other.ID, l.T("intake.unit.other", "Unit", name(other), "Own", name(own))},
			unit{other.ID, l.T("intake.unit.unsure", "Unit", name(other), "Own", name(own))})
	}
	return all
}

// Unit asks who reads it.
func (a *Asker) Unit(ctx context.Context, f *Form, r *roster.Roster) error {
	all := units(a.lang, r)
	if len(all) == 0 {
		return submission.ErrNoReaders
	}
	a.say("\n%s", a.lang.T("intake.unit.question"))
	for i, u := range all {
		a.say("%3d  %s", i+1, u.text)
	}
	if other, _ := r.Unit(r.Units[0].Other); len(r.Readers(other.ID, nil)) == 0 {
		a.say("  %s", a.lang.T("intake.unit.alone", "Own", r.Units[0].Named(a.lang.Code())))
	}
	n, err := a.number(ctx, len(all), false)
	if n > 0 {
		f.Unit = all[n-1].id
	}
	return err
}

func (a *Asker) askWithout(ctx context.Context, f *Form, r *roster.Roster) error {
	readers := r.Readers(f.Unit, nil)
	if len(readers) < 2 {
		return nil // somebody must be left
	}
	a.say("\n%s\n  %s", a.lang.T("intake.without.question"), a.lang.T("reporter.ask.without"))
	for i, m := range readers {
		a.say("%3d  %s", i+1, lang.Visible(m.Name))
	}
	for {
		s, err := a.line(ctx)
		if err != nil {
			return err
		}
		f.Without = nil
		wrong := false
		for _, word := range strings.FieldsFunc(s, func(c rune) bool { return c == ' ' || c == ',' }) {
			n, err := strconv.Atoi(word)
			if err != nil || n < 1 || n > len(readers) {
				wrong = true
				break
			}
			f.Without = append(f.Without, readers[n-1].ID)
		}
		switch {
		case wrong:
			a.say("%s", a.lang.T("reporter.ask.number", "N", len(readers)))
		case len(r.Readers(f.Unit, f.Without)) == 0:
			u, _ := r.Unit(f.Unit)
			a.say("%s", a.lang.T("intake.without.all", "Unit", u.Named(a.lang.Code())))
		default:
			slices.Sort(f.Without)
			f.Without = slices.Compact(f.Without)
			return nil
		}
	}
}

// keepKey is the message that says whether a report may be forwarded.
func keepKey(keep bool) string {
	if keep {
		return "intake.keep.yes"
	}
	return "intake.keep.no"
}

// askKeep asks whether it may be forwarded to the main queue. No answer is that
// it may.
func (a *Asker) askKeep(ctx context.Context, f *Form) error {
	a.say("\n%s\n  %s\n  1  %s\n  2  %s", a.lang.T("intake.keep.check"), a.lang.T("intake.keep.hint"), a.lang.T(keepKey(false)), a.lang.T(keepKey(true)))
	n, err := a.number(ctx, 2, true)
	f.Keep = n == 2
	return err
}

func (a *Asker) askFiles(ctx context.Context, files *Files) error {
	a.say("\n%s\n  %s", a.lang.T("intake.check.attach"), a.lang.T("reporter.ask.file"))
	for {
		s, err := a.line(ctx)
		if err != nil {
			return err
		}
		if s = strings.TrimSpace(s); s == "" {
			return nil
		}
		// As a file is dropped on a terminal.
		if n := len(s); n > 1 && (s[0] == '\'' || s[0] == '"') && s[n-1] == s[0] {
			s = s[1 : n-1]
		}
		if err := files.Add(s); err != nil {
			text, _ := Explain(a.lang, err)
			a.say("%s", text)
		}
	}
}

// Review shows what is going to be sent and lets the person change it, until it
// is to be sent.
func (a *Asker) Review(ctx context.Context, f *Form, r *roster.Roster, files *Files) error {
	all := questions()
	for {
		u, _ := r.Unit(f.Unit)
		a.say("\n%s", a.lang.T("intake.check.title"))
		a.say("%s: %s", a.lang.T("intake.check.readers"), a.lang.T("intake.check.names", "Unit", u.Named(a.lang.Code()), "Names", names(r.Readers(f.Unit, f.Without))))
		for _, s := range submission.Opens(a.lang, r, f.Unit) {
			a.say("  %s", s)
		}
		a.say("%s: %s", a.lang.T("intake.keep.check"), a.lang.T(keepKey(f.Keep)))
		if f.Category != "" {
			a.say("%s: %s", a.lang.T("intake.check.jenis"), a.lang.T("category."+string(f.Category)))
		}
		for i, q := range all {
			a.say("%3d  %s", i+1, a.lang.T("intake.field."+q.Name))
			text := *q.Of(&f.Report)
			if text == "" {
				text = a.lang.T("intake.check.unanswered")
			}
			a.say("%s", Indent(text))
		}
		for _, x := range files.All {
			a.say("  %s: %s, %s", a.lang.T("reporter.file"), lang.Visible(x.Name), a.lang.Bytes(x.Size))
		}
		a.say("\n%s %s", a.lang.T("intake.check.unsent"), a.lang.T("reporter.ask.send"))
		s, err := a.line(ctx)
		if err != nil {
			return err
		}
		switch s = strings.ToLower(strings.TrimSpace(s)); {
		case slices.Contains(strings.Fields(a.lang.T("reporter.ask.send.words")), s):
			return nil
		default:
			if n, err := strconv.Atoi(s); err == nil && 1 <= n && n <= len(all) {
				if err := a.askText(ctx, f, all[n-1]); err != nil {
					return err
				}
				if err := f.clean(); err != nil {
					return err
				}
			}
		}
	}
}

func names(members []roster.Member) string {
	var all []string
	for _, m := range members {
		all = append(all, m.Name)
	}
	return strings.Join(all, ", ")
}

// Indent sets what somebody wrote apart from the words around it, with nothing
// in it that could do anything to a terminal.
func Indent(text string) string {
	return "    " + strings.ReplaceAll(lang.VisibleText(strings.TrimSpace(text)), "\n", "\n    ")
}

// File is a file to attach.
type File struct {
	Path string
	Name string // as it is sent
	Size int64
}

// Files are the files to attach. Each is opened once before anything is sent.
type Files struct {
	All []File
	// Most is how many bytes all of them may have together.
	Most int64
}

// Errors of a file, which [FileError] wraps.
var (
	ErrEmpty   = errors.New("the file is empty")
	ErrFolder  = errors.New("not a file")
	ErrLarge   = errors.New("the files together are too large")
	ErrMany    = errors.New("there are too many files")
	ErrChanged = errors.New("the file changed while it was sent")
)

// MostFiles is how many attachments one report may have.
const MostFiles = 200

// FileError says what is wrong with a file that was named. Path is for the
// person who named it, so Error doesn't have it.
type FileError struct {
	Path string
	Most int64 // of ErrLarge
	Err  error
}

func (e *FileError) Error() string {
	var path *os.PathError
	if errors.As(e.Err, &path) {
		return "a file: " + path.Err.Error()
	}
	return "a file: " + e.Err.Error()
}

func (e *FileError) Unwrap() error { return e.Err }

// Add looks whether a file can be sent.
func (fs *Files) Add(path string) error {
	wrong := func(err error) error { return &FileError{path, fs.Most, err} }
	f, err := os.Open(path)
	if err != nil {
		return wrong(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return wrong(err)
	}
	total := info.Size()
	for _, x := range fs.All {
		total += x.Size
	}
	switch {
	case !info.Mode().IsRegular():
		return wrong(ErrFolder)
	case info.Size() == 0:
		return wrong(ErrEmpty)
	case total > fs.Most:
		return wrong(ErrLarge)
	case len(fs.All) == MostFiles:
		return wrong(ErrMany)
	}
	fs.All = append(fs.All, File{path, sentName(info.Name()), info.Size()})
	return nil
}

// sentName is a file's name without its folders, which often have a person's
// name, and without what isn't text.
func sentName(s string) string {
	s = cleanText(strings.ToValidUTF8(s, "_"))
	s = strings.NewReplacer("\n", "", "\t", "").Replace(s)
	if r := []rune(s); len(r) > 255 {
		s = string(r[:255])
	}
	return strings.TrimSpace(s)
}
