//go:build !client

package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"unicode/utf8"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/internal/forward"
	"suluh.example/suluh/internal/lang"
	"suluh.example/suluh/internal/member"
	"suluh.example/suluh/internal/redact"
	"suluh.example/suluh/internal/report"
)

type casePrepareCmd struct {
	caseArg
	From  string `placeholder:"FILE" help:"File with the words to hand in: the title, an empty line, the text; - is standard input. Without it, your editor opens ($VISUAL or $EDITOR)."`
	Print bool   `help:"Print the proposal and hand in nothing."`
	JSON  bool   `help:"Print JSON."`
}

func (casePrepareCmd) Help() string {
	return "Begins with what the reporter wrote, what is personal in it masked as suluh redact does, and with whom and where the report names. Attachments and the answers about who, where, when and witnesses stay behind. Read and change it: no rule finds all.\nWhat still looks personal is listed; what the forwarder would stop is refused. Nothing leaves before an approver approves the very words.\nThe editor's file is in memory ($XDG_RUNTIME_DIR or /dev/shm) and is removed; an editor that keeps copies elsewhere is no editor for this.\n\nExamples:\n  suluh case prepare K-ABCD-EFGH-IJKL-MNOP\n  suluh case prepare K-ABCD-EFGH-IJKL-MNOP --print >pengaduan.txt\n  suluh case prepare K-ABCD-EFGH-IJKL-MNOP --from pengaduan.txt"
}

// shownWords is a text for the main queue as suluh case prepare and approve
// print it in JSON.
type shownWords struct {
	Case     id.Case         `json:"case"`
	Class    report.Class    `json:"class"`
	Category report.Category `json:"category,omitempty"`
	Title    string          `json:"title"`
	Text     string          `json:"text"`
	Draft    *id.Digest      `json:"draft,omitempty"`    // of what an approver is shown
	Prepared id.Member       `json:"prepared,omitempty"` // by whom
	Leftover []redactedSpan  `json:"leftover"`           // places of the title, an empty line and the text
	Stopped  []shownFinding  `json:"stopped"`            // what the forwarder would stop it for
	Done     bool            `json:"done"`               // it was handed in, or approved
}

type shownFinding struct {
	Rule forward.Rule `json:"rule"`
	Kind redact.Kind  `json:"kind,omitempty"`
	Text string       `json:"text,omitempty"`
}

// judged is what is to be said of words for the main queue.
func judged(c *member.Case, title, text string, en *lang.Language) (w shownWords, left []string) {
	w = shownWords{Case: c.Item.Case, Class: c.Class, Category: c.Category, Title: title, Text: text, Leftover: []redactedSpan{}, Stopped: []shownFinding{}}
	r, whole := c.Redactor(), title+"\n\n"+text
	spans := append(r.Find(whole), r.Leftover(whole)...)
	slices.SortStableFunc(spans, func(a, b redact.Span) int { return cmp.Or(a.Start-b.Start, a.End-b.End) })
	for _, s := range spans {
		w.Leftover = append(w.Leftover, redactedSpan{s.Start, s.End, s.Kind, s.Confidence, en.T(string(s.Reason))})
		left = append(left, fmt.Sprintf("%s %s: %s", s.Kind.Mark(), en.T(string(s.Reason)), lang.Visible(whole[s.Start:s.End])))
	}
	for _, f := range forward.Check(title, text, c.Item.Case) {
		w.Stopped = append(w.Stopped, shownFinding{f.Rule, f.Kind, f.Text})
	}
	return w, left
}

// errStopped says that the forwarder would not send a text.
var errStopped = errors.New("the forwarder would stop this text")

// stop refuses a text that the forwarder would stop, and says for what.
func (w shownWords) stop(hint string) error {
	if len(w.Stopped) == 0 {
		return nil
	}
	for _, f := range w.Stopped {
		next(strings.TrimRight(fmt.Sprintf("stopped by the rule %q %s: %s", f.Rule, f.Kind, lang.Visible(f.Text)), ": "))
	}
	return withHint(errStopped, hint)
}

// sayLeft tells what still looks personal.
func sayLeft(left []string) {
	if len(left) == 0 {
		return
	}
	next(fmt.Sprintf("%d places still look personal; nobody else may be named:", len(left)))
	for _, l := range left {
		next("  " + l)
	}
}

// words cuts a file into the title and the text below it.
func words(file string) (title, text string, err error) {
	title, text, _ = strings.Cut(strings.TrimSpace(strings.ReplaceAll(file, "\r\n", "\n")), "\n")
	title, text = strings.TrimSpace(title), strings.TrimSpace(text)
	if title == "" || text == "" {
		return "", "", withHint(member.ErrEmpty, "write the title on the first line, the text below it")
	}
	return title, text, nil
}

func (c *casePrepareCmd) Run(ctx context.Context, in *caseCmd) error {
	in.reads = []string{c.From}
	in.edits = c.From == "" && !c.Print
	return in.opened(ctx, c.caseArg, func(s *session, x *member.Case) error {
		if err := x.MayForward(); err != nil {
			return err
		}
		file := ""
		if c.From == "" {
			title, text := x.Proposal()
			r, whole := x.Redactor(), title+"\n\n"+text
			file = r.Apply(whole, r.Find(whole)) + "\n"
		}
		if c.Print {
			title, text, _ := strings.Cut(strings.TrimSuffix(file, "\n"), "\n\n")
			w, left := judged(x, title, text, s.english)
			if c.JSON {
				return printJSON(w)
			}
			sayLeft(left)
			_, err := io.WriteString(os.Stdout, file)
			return err
		}
		var err error
		if c.From != "" {
			file, err = readText(c.From)
		} else if file, err = edited(ctx, file); err == nil {
			err = confineCommand(in.rules())
		}
		if err != nil {
			return err
		}
		title, text, err := words(file)
		if err != nil {
			return err
		}
		w, left := judged(x, title, text, s.english)
		if !c.JSON {
			sayLeft(left)
		}
		if err := w.stop("mask or rewrite these places"); err != nil {
			return err
		}
		if c.From == "" {
			if yes, err := asked("Hand these words in for approval?"); err != nil || !yes {
				return cmp.Or(err, errNotDone)
			}
		}
		if err := s.Prepare(ctx, x.Item.Case, member.NewOnce(), title, text); err != nil {
			return err
		}
		if w.Done = true; c.JSON {
			return printJSON(w)
		}
		fmt.Println("the text waits for an approver: suluh case approve " + string(x.Item.Case))
		return nil
	})
}

// What comes of a question.
var (
	errNotDone    = errors.New("nothing was handed in")
	errNoTerminal = errors.New("there is no terminal to ask at")
)

// asked asks a question at the terminal, where a y means yes.
func asked(question string) (bool, error) {
	in, out, err := openTerminal()
	if err != nil {
		return false, errNoTerminal
	}
	defer in.Close()
	defer out.Close()
	fmt.Fprintf(out, "%s [y/N] ", question)
	line, err := bufio.NewReader(in).ReadString('\n')
	if err != nil && line == "" {
		return false, fmt.Errorf("read from the terminal: %w", err)
	}
	switch strings.ToLower(strings.TrimSpace(line)) {
	case "y", "yes", "ya":
		return true, nil
	}
	return false, nil
}

// edited lets a person change a text in his editor. The file is in a folder that
// is in memory, so that no disk has ever held it.
func edited(ctx context.Context, text string) (out string, err error) {
	editor := cmp.Or(os.Getenv("VISUAL"), os.Getenv("EDITOR"))
	other := "print the proposal with --print, change it where nobody else can read it, and hand it in with --from"
	if editor == "" {
		return "", withHint(errors.New("neither VISUAL nor EDITOR names an editor"), other)
	}
	memory := ""
	for _, dir := range []string{os.Getenv("XDG_RUNTIME_DIR"), "/dev/shm"} {
		if info, err := os.Stat(dir); memory == "" && dir != "" && err == nil && info.IsDir() {
			memory = dir
		}
	}
	if memory == "" {
		return "", withHint(errors.New("this system has no folder in memory to edit in"), other)
	}
	dir, err := os.MkdirTemp(memory, "suluh-")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	file := filepath.Join(dir, "pengaduan.txt")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return "", err
	}
	run := exec.CommandContext(ctx, "sh", "-c", editor+` "$1"`, editor, file) // as git does: an editor may have arguments
	run.Stdin, run.Stdout, run.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := run.Run(); err != nil {
		return "", fmt.Errorf("the editor failed, and nothing was handed in: %w", err)
	}
	b, err := os.ReadFile(file)
	if err == nil && (len(b) > maxText || !utf8.Valid(b)) {
		err = fmt.Errorf("the text is longer than %d bytes or not UTF-8", maxText)
	}
	return string(b), err
}

type caseApproveCmd struct {
	caseArg
	Draft string `placeholder:"DIGEST" help:"Approve the text with this digest, which you read before, without asking."`
	Alone bool   `help:"Approve what you prepared yourself, where the roster lets your unit do so. The record says so."`
	JSON  bool   `help:"Print JSON; without --draft, nothing is approved."`
}

func (caseApproveCmd) Help() string {
	return "Prints the very words that would be sent, title first, and asks. Another member than who prepared them approves. What is approved is sealed to the forwarder.\nTo send the text back or to drop it: suluh case decide.\n\nExamples:\n  suluh case approve K-ABCD-EFGH-IJKL-MNOP\n  suluh case approve K-ABCD-EFGH-IJKL-MNOP --json | jq -r .draft\n  suluh case approve K-ABCD-EFGH-IJKL-MNOP --draft DIGEST"
}

func (c *caseApproveCmd) Run(ctx context.Context, in *caseCmd) error {
	var named id.Digest
	if c.Draft != "" {
		var err error
		if named, err = id.ParseDigest(strings.ToLower(c.Draft)); err != nil {
			return withHint(err, "suluh case approve CASE --json shows it: 64 digits")
		}
	}
	in.grants = true // the forwarder's key may be one of an age plugin
	return in.opened(ctx, c.caseArg, func(s *session, x *member.Case) error {
		of := x.Item.Case
		alone, err := x.MayApprove(s.Roster(), s.Member())
		if err != nil {
			return err
		}
		d := x.Draft
		if c.Draft != "" && named != d.Object {
			return member.ErrDraft
		}
		w, left := judged(x, d.Title, d.Text, s.english)
		w.Class, w.Category, w.Draft, w.Prepared = d.Class, d.Category, &d.Object, d.By
		if !c.JSON {
			next(fmt.Sprintf("Prepared by %s on %s; class %s, category %s; draft %s", d.By, d.Day, d.Class, orDash(string(d.Category)), d.Object))
			sayLeft(left)
		}
		if err := w.stop("send it back: suluh case decide " + string(of) + " returned"); err != nil && !(c.JSON && c.Draft == "") {
			return err
		}
		if !c.JSON {
			fmt.Printf("%s\n\n%s\n", d.Title, d.Text) // the check above leaves nothing in it that nobody sees
		}
		switch {
		case c.Draft != "":
		case c.JSON:
			return printJSON(w)
		default:
			question := "Send exactly these words to the main queue?"
			if alone {
				question = "You prepared these words yourself, and the record will say so. " + question
			}
			yes, err := asked(question)
			switch {
			case errors.Is(err, errNoTerminal):
				return withHint(err, "once you have read it, name it: --draft "+d.Object.String())
			case err != nil || !yes:
				return cmp.Or(err, errNotDone)
			}
		}
		if err := s.Approve(ctx, of, member.NewOnce(), d.Object, c.Alone); err != nil {
			return err
		}
		if w.Done = true; c.JSON {
			return printJSON(w)
		}
		fmt.Println("approved: the forwarder sends it")
		return nil
	})
}

type caseDecideCmd struct {
	caseArg
	Result   string `arg:"" help:"returned: a prepared text goes back to who prepared it. dropped: it is not sent. again: what was refused, stopped or may not have arrived is sent once more. sent: you found it in the queue. unknown: its forwarder is gone and nobody can tell."`
	Tracking string `placeholder:"NUMBER" help:"Of sent: the number that the queue gave it."`
	TextFile string `placeholder:"FILE" help:"File with the reason, for those who work on the case; - is standard input. Returned needs one."`
	JSON     bool   `help:"Print JSON."`
}

func (caseDecideCmd) Help() string {
	return "For approvers of the unit that handles the case. Before again, look in the queue for the reference that suluh case show names: what is sent twice can't be taken back.\n\nExamples:\n  echo 'Sebut kecamatannya saja.' | suluh case decide K-ABCD-EFGH-IJKL-MNOP returned --text-file -\n  suluh case decide K-ABCD-EFGH-IJKL-MNOP sent --tracking 1234567"
}

func (c *caseDecideCmd) Run(ctx context.Context, in *caseCmd) error {
	results := []accesslog.Result{accesslog.ResultReturned, accesslog.ResultDropped, accesslog.ResultAgain, accesslog.ResultSent, accesslog.ResultUnknown}
	if !slices.Contains(results, accesslog.Result(c.Result)) {
		return withHint(member.ErrDecision, "what can be decided is "+joined(results))
	}
	in.reads, in.grants = []string{c.TextFile}, true
	return in.on(ctx, c.caseArg, func(s *session, of id.Case) error {
		reason := ""
		var err error
		if c.TextFile != "" {
			if reason, err = readText(c.TextFile); err != nil {
				return err
			}
		}
		x, err := s.Open(ctx, of)
		if err != nil {
			return err
		}
		if x.Forward == nil {
			return withHint(errors.New("nothing of this case was prepared for the main queue"), "suluh case prepare prepares it")
		}
		item := cmp.Or(x.Forward.Item, x.Forward.Draft)
		next, ok := x.Forward.State.After(accesslog.Decide, accesslog.Result(c.Result))
		if !ok {
			return withHint(fmt.Errorf("what is %s is not decided so", x.Forward.State), "suluh case outbox shows how far each text is")
		}
		d := member.Decision{Item: item, Result: accesslog.Result(c.Result), Tracking: c.Tracking, Reason: reason}
		if err := s.Decide(ctx, of, member.NewOnce(), d); err != nil {
			return err
		}
		if c.JSON {
			return printJSON(struct {
				Case   id.Case         `json:"case"`
				Item   id.Digest       `json:"item"`
				Result string          `json:"result"`
				State  accesslog.Stage `json:"state"`
			}{of, item, c.Result, next})
		}
		fmt.Println("the text is " + string(next) + " now")
		return nil
	})
}

type caseOutboxCmd struct {
	State string `placeholder:"STATE" help:"Only texts in this state, e.g. prepared."`
	JSON  bool   `help:"Print one JSON object a line."`
}

func (caseOutboxCmd) Help() string {
	return "States: prepared, returned, approved, sending, sent, done, refused, unknown, stopped, dropped.\n\nExamples:\n  suluh case outbox --state prepared\n  suluh case outbox --json | jq -r 'select(.state == \"unknown\") | .case'"
}

// outboxLine is a line of suluh case outbox --json.
type outboxLine struct {
	Case      id.Case         `json:"case"`
	State     accesslog.Stage `json:"state"`
	Day       id.Day          `json:"day"`
	Draft     id.Digest       `json:"draft"`
	Prepared  id.Member       `json:"prepared"`
	Item      id.Digest       `json:"item,omitzero"`
	Approved  id.Member       `json:"approved,omitempty"`
	Reference string          `json:"reference,omitempty"`
	Tracking  string          `json:"tracking,omitempty"`
	Link      string          `json:"link,omitempty"`
	Word      string          `json:"word,omitempty"`
	Title     string          `json:"title,omitempty"`
}

func (c *caseOutboxCmd) Run(ctx context.Context, in *caseCmd) error {
	if c.State != "" && !slices.Contains(accesslog.Stages(), accesslog.Stage(c.State)) {
		return withHint(errors.New("unknown state"), "the states are "+joined(accesslog.Stages()))
	}
	return in.with(ctx, func(s *session) error {
		items, err := s.List(ctx)
		if err != nil {
			return err
		}
		items = slices.DeleteFunc(items, func(i member.Item) bool {
			return i.Forward == nil || c.State != "" && i.Forward.State != accesslog.Stage(c.State)
		})
		slices.SortStableFunc(items, func(a, b member.Item) int { return a.Forward.Day.Sub(b.Forward.Day) })
		w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
		if !c.JSON {
			fmt.Fprintln(w, "CASE\tSTATE\tDAY\tPREPARED\tAPPROVED\tTRACKING\tTITLE")
		}
		for _, i := range items {
			f := i.Forward
			l := outboxLine{Case: i.Case, State: f.State, Day: f.Day, Draft: f.Draft, Prepared: f.Prepared, Item: f.Item, Approved: f.Approved, Title: i.Title}
			if o := i.Outcome; o != nil {
				l.Reference, l.Tracking, l.Link, l.Word = o.Reference, o.Tracking, o.Link, o.Word
			}
			if c.JSON {
				if err := printLine(l); err != nil {
					return err
				}
				continue
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", l.Case, l.State, l.Day, l.Prepared, orDash(string(l.Approved)), orDash(lang.Visible(l.Tracking)), orDash(lang.Visible(l.Title)))
		}
		return w.Flush()
	})
}
