package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"suluh.example/suluh/crypto/casecode"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/internal/lang"
	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/internal/reporter"
	"suluh.example/suluh/vault/depositsock"
)

// serviceFlags say which service a reporter's command reaches, and how.
type serviceFlags struct {
	Server   string `env:"SULUH_SERVER" placeholder:"URL" help:"Address of the service: https://HOST or http://….onion. Needed."`
	RootKey  string `env:"SULUH_ROOT_KEY" placeholder:"VKEY|FILE" help:"Root key that the service's list of officers must be signed with (name+hash+key), or a file that has it; from another source than the service. Needed."`
	Socks    string `env:"SULUH_SOCKS" placeholder:"HOST:PORT" help:"SOCKS5 proxy that looks names up itself, such as Tor's: 127.0.0.1:9050. Each run asks it for a circuit of its own."`
	Language string `default:"id" help:"Language of questions and answers: id, en."`
}

// Validate is called by kong: the two that are needed aren't where nothing is
// sent.
func (f *serviceFlags) Validate() error {
	if f.Server == "" || f.RootKey == "" {
		return errors.New("--server and --root-key are needed")
	}
	return nil
}

// words returns the language.
func (f *serviceFlags) words() (*lang.Language, error) {
	catalogue, err := lang.Load()
	if err != nil {
		return nil, err
	}
	l := catalogue.Language(f.Language)
	if l.Code() != f.Language {
		return nil, withHint(errors.New(l.T("reporter.error.language")), l.T("reporter.hint.language"))
	}
	return l, nil
}

// connect reaches the service.
func (f *serviceFlags) connect(ctx context.Context, l *lang.Language) (*reporter.Service, error) {
	root, err := readRootKey(f.RootKey)
	if err != nil {
		return nil, err
	}
	s, err := reporter.Connect(ctx, f.Server, f.Socks, root, time.Now())
	if err != nil {
		return nil, err
	}
	if s.Direct {
		next(l.T("reporter.tor"))
		if strings.HasPrefix(strings.ToLower(f.Server), "http://") {
			next(l.T("reporter.plain"))
		}
	}
	if s.Unwitnessed {
		next(l.T("reporter.unwitnessed"))
	}
	return s, nil
}

// plainly says what went wrong in the reporter's words.
func plainly(l *lang.Language, err error) error {
	var h hinted
	if err == nil || errors.As(err, &h) {
		return err
	}
	text, hint := reporter.Explain(l, err)
	if hint == "" {
		return errors.New(text)
	}
	return withHint(errors.New(text), hint)
}

// outgoingFlags are of what is sent.
type outgoingFlags struct {
	Attach []string `sep:"none" placeholder:"FILE" help:"A file to attach; may be repeated. Its name is sent too, sealed; its folder is not."`
	AsIs   bool     `help:"Send photos as they are, with hidden data: place, time, device. Else it is removed from JPEG, PNG and WebP."`
}

// files looks at the files that are named, before anything is sent.
func (f *outgoingFlags) files(s *reporter.Service) (*reporter.Files, error) {
	files := &reporter.Files{Most: s.Limit()}
	for _, path := range f.Attach {
		if err := files.Add(path); err != nil {
			return nil, err
		}
	}
	return files, s.Ready(len(files.All))
}

// inspect tells what is in the files besides what they show. It tells whether
// there was anything to tell.
func (f *outgoingFlags) inspect(l *lang.Language, files *reporter.Files) (told bool, err error) {
	for _, x := range files.All {
		line, err := reporter.Inspect(l, x, f.AsIs)
		if err != nil {
			return told, err
		}
		if line != "" {
			next(line)
			told = true
		}
	}
	return told, nil
}

// outgoing shows how far it is, where somebody watches.
func (f *outgoingFlags) outgoing(l *lang.Language, files *reporter.Files) (o reporter.Outgoing, done func()) {
	o = reporter.Outgoing{Files: files.All, AsIs: f.AsIs, Language: l.Code(), Progress: func(int, int64) {}, Waiting: func() { next(l.T("reporter.waiting")) }}
	var total int64
	for _, x := range files.All {
		total += x.Size
	}
	if total == 0 || !term.IsTerminal(int(os.Stderr.Fd())) {
		return o, func() {}
	}
	bar := progressbar.NewOptions64(total, progressbar.OptionSetWriter(os.Stderr), progressbar.OptionShowBytes(true),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
	begun := make([]int64, len(files.All)+1) // bytes before each file
	for i, x := range files.All {
		begun[i+1] = begun[i] + x.Size
	}
	o.Progress = func(file int, sent int64) {
		bar.Describe(fmt.Sprintf("%s %d/%d", l.T("reporter.sending"), file+1, len(files.All)))
		_ = bar.Set64(begun[file] + min(sent, files.All[file].Size)) // what the terminal doesn't take is not missed
	}
	return o, func() { _ = bar.Exit() }
}

// secondEnds lets a second Ctrl-C end the program at once, while the first still
// waits for what the service has begun to keep.
func secondEnds(ctx context.Context) (stop func() bool) {
	return context.AfterFunc(ctx, func() { signal.Reset(os.Interrupt) })
}

type submitCmd struct {
	serviceFlags
	outgoingFlags
	From    string   `placeholder:"FILE" help:"Report as JSON instead of the questions; - is standard input. See --example."`
	To      string   `placeholder:"UNIT" help:"Unit that reads it, instead of the question."`
	Without []string `sep:"none" placeholder:"MEMBER" help:"An officer who must not read it, who gets no key; may be repeated."`
	Keep    bool     `help:"Ask that it not be forwarded to the main queue (SP4N-LAPOR!), as complaints about services may be, masked; suspected wrongdoing never is."`
	Receipt string   `placeholder:"FILE" help:"Keep the receipt in a new file: a promise that auditors can check (suluh audit verify --receipt). It shows that you reported."`
	JSON    bool     `name:"json" help:"Print JSON: code, receipt, and what became of each file."`
	Example bool     `help:"Print a report as JSON with every field, and do nothing else."`
}

func (submitCmd) Help() string {
	return `Seals a report on this computer and sends it. The service sees no text, file name or code; its list of officers is believed only if the root key has
signed it, it is in the access log, and it is in force today. No page of the service is trusted: this is the strongest way to report.

At a terminal it asks the questions of the form one by one. Prints the report's code alone: ten words, the only way to read answers. Nothing is kept on this computer
but what you keep; Ctrl-C before the end leaves nothing on the server.

--from takes a JSON object with any of the fields that --example prints, all of them texts but "tanpa" (a list) and "jangan_diteruskan" (true or
false): the answers apa, bagaimana, mengapa, siapa, mana, kapan, jenis, rugi, saksi, sudah, and "unit", "tanpa" and "jangan_diteruskan" for --to, --without and --keep. A field that
is not known is refused.

Examples:
  suluh submit --server http://….onion --socks 127.0.0.1:9050 --root-key root.vkey
  suluh submit --example >laporan.json
  suluh submit --server https://lapor.example --root-key root.vkey --from laporan.json --attach kuitansi.jpg --to itprov
  suluh submit --from - --json <laporan.json | jq -r .code`
}

// Validate is called by kong.
func (c *submitCmd) Validate() error {
	if c.Example {
		return nil
	}
	return c.serviceFlags.Validate()
}

func (c *submitCmd) Run(ctx context.Context) error {
	if c.Example {
		_, err := os.Stdout.Write(reporter.Example())
		return err
	}
	l, err := c.words()
	if err != nil {
		return err
	}
	return plainly(l, c.submit(ctx, l))
}

func (c *submitCmd) submit(ctx context.Context, l *lang.Language) error {
	f, err := c.form(l)
	if err != nil {
		return err
	}
	asks := term.IsTerminal(int(os.Stdin.Fd()))
	if c.From == "" && !asks {
		return withHint(errors.New(l.T("reporter.error.terminal")), l.T("reporter.hint.terminal"))
	}
	s, err := c.connect(ctx, l)
	if err != nil {
		return err
	}
	files, err := c.files(s)
	if err != nil {
		return err
	}
	if f.Unit != "" || !asks {
		if err := s.Choose(&f, l); err != nil { // before anybody writes in vain
			return err
		}
	}
	roster := s.Sender.Roster()
	if asks {
		ask := reporter.NewAsker(os.Stdin, os.Stderr, l)
		if c.From == "" {
			err = ask.Questions(ctx, &f, roster, files)
		} else if f.Unit == "" {
			err = ask.Unit(ctx, &f, roster)
		}
		if err != nil {
			return err
		}
		told, err := c.inspect(l, files)
		if err == nil && (told || c.From == "") {
			err = ask.Review(ctx, &f, roster, files)
		}
		if err != nil {
			return err
		}
	} else if _, err := c.inspect(l, files); err != nil {
		return err
	}
	if err := s.Choose(&f, l); err != nil {
		return err
	}
	if err := s.Ready(len(files.All)); err != nil {
		return err
	}
	var receipt *os.File
	if c.Receipt != "" {
		if receipt, err = newReceipt(l, c.Receipt); err != nil {
			return err
		}
	}
	defer secondEnds(ctx)()
	o, done := c.outgoing(l, files)
	code, sent, err := s.Submit(ctx, f, o)
	done()
	if receipt != nil {
		err = keep(l, receipt, sent.Receipt, err)
	}
	if errors.Is(err, reporter.ErrUncertain) {
		fmt.Println(code.Reveal())
	}
	if err != nil {
		return err
	}
	return c.print(l, s, code, sent)
}

// form is what is known of the report before anybody is asked.
func (c *submitCmd) form(l *lang.Language) (f reporter.Form, err error) {
	if c.From != "" {
		in, err := openInput(c.From)
		if err != nil {
			return f, &reporter.FileError{Path: c.From, Err: err}
		}
		defer in.Close()
		if f, err = reporter.ReadForm(in); errors.Is(err, reporter.ErrCategory) {
			var all []string
			for _, x := range report.Categories() {
				all = append(all, string(x))
			}
			err = withHint(errors.New(l.T("reporter.error.category")), l.T("reporter.hint.category", "Names", strings.Join(all, ", ")))
		}
		if err != nil {
			return f, err
		}
	}
	f.Keep = f.Keep || c.Keep
	if c.To != "" {
		f.Unit = id.Unit(c.To)
	}
	for _, m := range c.Without {
		f.Without = append(f.Without, id.Member(m))
	}
	slices.Sort(f.Without)
	f.Without = slices.Compact(f.Without)
	return f, nil
}

func newReceipt(l *lang.Language, name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, withHint(errors.New(l.T("reporter.error.receipt")), l.T("reporter.hint.receipt"))
	}
	return f, nil
}

// keep writes the receipt, or takes the empty file away if there is none. A
// report that was received stays received.
func keep(l *lang.Language, f *os.File, receipt []byte, failed error) error {
	if failed != nil {
		return errors.Join(failed, f.Close(), os.Remove(f.Name()))
	}
	_, err := f.Write(receipt)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		next(l.T("reporter.receipt.failed", "Name", f.Name()))
		return nil
	}
	next(l.T("reporter.receipt", "Name", f.Name()))
	return nil
}

// submitted is what submit --json prints.
type submitted struct {
	Code    string              `json:"code,omitempty"`
	Result  depositsock.Result  `json:"result"`
	Unit    id.Unit             `json:"unit,omitempty"`
	Due     id.Day              `json:"due,omitzero"` // of the first news
	Receipt string              `json:"receipt"`
	Files   []reporter.SentFile `json:"files"`
}

func (c *submitCmd) print(l *lang.Language, s *reporter.Service, code casecode.Code, sent reporter.Sent) error {
	clock, err := report.DefaultClock()
	if err != nil {
		return err
	}
	due := clock.Due(report.Received, s.State.Day)
	if c.JSON {
		return printJSON(submitted{code.Reveal(), sent.Outcome, "", due, string(sent.Receipt), append([]reporter.SentFile{}, sent.Files...)})
	}
	next(unclean(l, sent)...)
	next(l.T("reporter.received"), l.T("reporter.paper"))
	if !due.IsZero() {
		next(l.T("intake.code.due", "Day", due))
	}
	_, err = fmt.Println(code.Reveal())
	return err
}

// unclean says which photos may still tell more than their picture, though that
// was to be removed.
func unclean(l *lang.Language, sent reporter.Sent) (all []string) {
	n := 0
	for _, f := range sent.Files {
		if f.Kind.Photo() && f.Hidden != report.HiddenRemoved {
			n++
		}
	}
	if n > 0 {
		all = append(all, l.T("intake.sent.unclean", "N", n))
	}
	return all
}
