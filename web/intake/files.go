package intake

import (
	"errors"
	"io"
	"slices"
	"strings"

	"suluh.example/suluh/internal/lang"
	"suluh.example/suluh/internal/metadata"
	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/internal/submission"
	"suluh.example/suluh/vault/depositsock"
)

// mostFiles is how many attachments one deposit may have; the vault takes a
// few objects more.
const mostFiles = 200

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

// fileProblem names the field that is wrong with attachments, if the page has
// it.
func fileProblem(state depositsock.State) string {
	if !state.Files {
		return ""
	}
	return fileField
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
