package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"

	"golang.org/x/term"

	"suluh.example/suluh/crypto/casecode"
	"suluh.example/suluh/crypto/hidden"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/internal/lang"
	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/internal/reporter"
	"suluh.example/suluh/internal/submission"
	"suluh.example/suluh/vault/depositsock"
)

// codeFlags say where the code comes from: never from arguments, where every
// user of the machine sees them.
type codeFlags struct {
	CodeFile string `placeholder:"FILE" help:"File with the code; - is standard input, which it comes from too where that is not a terminal. Else it is asked for, without showing it."`
}

// code reads the code.
func (f *codeFlags) code(ctx context.Context, l *lang.Language) (casecode.Code, error) {
	text, err := f.read(ctx, l)
	if err != nil {
		return casecode.Code{}, err
	}
	code, corrections, err := casecode.Parse(text)
	for _, x := range corrections {
		next(l.T("intake.open.corrected", "Place", x.Place, "Word", x.Word))
	}
	return code, err
}

func (f *codeFlags) read(ctx context.Context, l *lang.Language) (string, error) {
	if f.CodeFile != "" && f.CodeFile != "-" {
		in, err := os.Open(f.CodeFile)
		if err != nil {
			return "", &reporter.FileError{Path: f.CodeFile, Err: err}
		}
		defer in.Close()
		return readCode(in)
	}
	if f.CodeFile == "-" || !term.IsTerminal(int(os.Stdin.Fd())) {
		return readCode(os.Stdin)
	}
	// The terminal is given back as it was if the person stops.
	state, err := term.GetState(int(os.Stdin.Fd()))
	if err != nil {
		return "", err
	}
	type answer struct {
		text hidden.Value[string]
		err  error
	}
	answered := make(chan answer, 1)
	go func() {
		text, err := askSecret(l.T("reporter.ask.code"), "")
		answered <- answer{text, err}
	}()
	select {
	case a := <-answered:
		return a.text.Reveal(), a.err
	case <-ctx.Done():
		return "", errors.Join(ctx.Err(), term.Restore(int(os.Stdin.Fd()), state))
	}
}

// readCode reads lines up to the tenth word, so that a code may stand on one
// line or on ten, and a text may follow.
func readCode(r io.Reader) (string, error) {
	var text strings.Builder
	for b := make([]byte, 1); text.Len() <= maxSecret; {
		n, err := r.Read(b)
		text.Write(b[:n])
		if err == io.EOF {
			break
		}
		if err != nil {
			return "", err
		}
		if n == 1 && b[0] == '\n' && len(strings.FieldsFunc(text.String(), func(c rune) bool { return !unicode.IsLetter(c) })) >= casecode.Len {
			break
		}
	}
	return text.String(), nil
}

// openedCase is a case that a code has opened.
type openedCase struct {
	service *reporter.Service
	code    casecode.Code
	view    *submission.View
	clock   report.Clock
}

func openCase(ctx context.Context, l *lang.Language, from *serviceFlags, by *codeFlags) (o openedCase, err error) {
	if o.code, err = by.code(ctx, l); err != nil {
		return o, err
	}
	if o.clock, err = report.DefaultClock(); err != nil {
		return o, err
	}
	if o.service, err = from.connect(ctx, l); err != nil {
		return o, err
	}
	o.view, err = o.service.Look(ctx, o.code)
	return o, err
}

type statusCmd struct {
	serviceFlags
	codeFlags
	Delete  string `placeholder:"ID" help:"Delete an answer from the server, for good: ID is the eight digits beside it. A record stays that tells only the day."`
	Receipt string `placeholder:"FILE" help:"Keep the report's receipt in a new file, as suluh submit --receipt does."`
	JSON    bool   `name:"json" help:"Print JSON."`
}

func (statusCmd) Help() string {
	return `Opens a report with its code, on this computer: where it stands, and what was answered. The service learns neither code nor text.
The exit status is 1 if what the server holds is not what was sent.

Examples:
  suluh status --server http://….onion --socks 127.0.0.1:9050 --root-key root.vkey
  suluh status --server https://lapor.example --root-key root.vkey --json <kode.txt
  suluh status --server https://lapor.example --root-key root.vkey --delete 3fa2b81c`
}

func (c *statusCmd) Run(ctx context.Context) error {
	l, err := c.words()
	if err != nil {
		return err
	}
	return plainly(l, c.show(ctx, l))
}

func (c *statusCmd) show(ctx context.Context, l *lang.Language) error {
	o, err := openCase(ctx, l, &c.serviceFlags, &c.codeFlags)
	if err != nil {
		return err
	}
	s, v := o.service, o.view
	x := s.CaseOf(v, o.clock, l)
	if c.Receipt != "" && x.Receipt != "" {
		f, err := newReceipt(l, c.Receipt)
		if err != nil {
			return err
		}
		if err := keep(l, f, v.Receipt, nil); err != nil {
			return err
		}
	}
	if c.Delete != "" {
		answer, ok := x.Answer(c.Delete)
		if !ok && len(v.Warnings) == 0 {
			return depositsock.ErrNoAnswer
		}
		if _, err := s.Sender.Destroy(ctx, v, answer); err != nil {
			return err
		}
		next(l.T("reporter.deleted", "ID", c.Delete))
		if v, err = s.Look(ctx, o.code); err != nil {
			return err
		}
		x = s.CaseOf(v, o.clock, l)
	}
	if c.JSON {
		err = printJSON(x)
	} else {
		x.Write(os.Stdout, l, o.clock, s.State.Day)
	}
	return errors.Join(err, x.Whole())
}

type replyCmd struct {
	serviceFlags
	codeFlags
	outgoingFlags
	TextFile string `default:"-" placeholder:"FILE" help:"File with the text; standard input if not named, after the code if that comes from there too."`
	JSON     bool   `name:"json" help:"Print JSON."`
}

func (replyCmd) Help() string {
	return `Adds a message and files to a report by its code, sealed on this computer. It is sent only if what the server holds is what was sent before.

Examples:
  suluh reply --server http://….onion --socks 127.0.0.1:9050 --root-key root.vkey --attach foto.jpg
  cat kode.txt balasan.txt | suluh reply --server https://lapor.example --root-key root.vkey`
}

func (c *replyCmd) Run(ctx context.Context) error {
	l, err := c.words()
	if err != nil {
		return err
	}
	err = c.reply(ctx, l)
	if errors.Is(err, reporter.ErrUncertain) {
		return withHint(errors.New(l.T("reporter.error.uncertain.reply")), l.T("reporter.hint.uncertain.reply"))
	}
	return plainly(l, err)
}

func (c *replyCmd) reply(ctx context.Context, l *lang.Language) error {
	opened, err := openCase(ctx, l, &c.serviceFlags, &c.codeFlags)
	if err != nil {
		return err
	}
	s, v := opened.service, opened.view
	if x := s.CaseOf(v, opened.clock, l); len(x.Warnings) > 0 {
		x.Write(os.Stderr, l, opened.clock, s.State.Day)
		return x.Whole()
	}
	files, err := c.files(s)
	if err != nil {
		return err
	}
	if _, err := c.inspect(l, files); err != nil {
		return err
	}
	text, err := c.text(ctx, l)
	if err != nil {
		return err
	}
	defer secondEnds(ctx)()
	o, done := c.outgoing(l, files)
	sent, err := s.Reply(ctx, v, text, o)
	done()
	if err != nil {
		return err
	}
	next(unclean(l, sent)...)
	if c.JSON {
		return printJSON(submitted{"", sent.Outcome, v.Unit, id.Day{}, string(sent.Receipt), append([]reporter.SentFile{}, sent.Files...)})
	}
	_, err = fmt.Println(l.T("intake.status.sent"))
	return err
}

func (c *replyCmd) text(ctx context.Context, l *lang.Language) (string, error) {
	if c.TextFile != "-" {
		in, err := os.Open(c.TextFile)
		if err != nil {
			return "", &reporter.FileError{Path: c.TextFile, Err: err}
		}
		defer in.Close()
		return reporter.ReadText(in)
	}
	if term.IsTerminal(int(os.Stdin.Fd())) {
		next(l.T("reporter.ask.reply"))
		return reporter.NewAsker(os.Stdin, os.Stderr, l).Text(ctx)
	}
	return reporter.ReadText(os.Stdin)
}
