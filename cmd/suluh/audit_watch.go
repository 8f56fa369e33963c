package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/mail"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"suluh.example/suluh/internal/anomaly"
	"suluh.example/suluh/internal/check"
	"suluh.example/suluh/internal/lang"
	"suluh.example/suluh/internal/logwatch"
)

// span is a length of time, in days or as Go writes durations.
type span time.Duration

func (s *span) UnmarshalText(text []byte) error {
	t := string(text)
	if days, ok := strings.CutSuffix(t, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		*s = span(time.Duration(n) * 24 * time.Hour)
		return err
	}
	d, err := time.ParseDuration(t)
	if err != nil || d < 0 {
		return errors.New("neither days, such as 7d, nor hours and minutes, such as 1h30m")
	}
	*s = span(d)
	return nil
}

type auditWatchCmd struct {
	// Not embedded: the command confines itself once it has started what sends mail.
	Of auditLog `embed:""`

	State    string `required:"" type:"path" placeholder:"FILE" help:"File that keeps the last checkpoint that was verified; made if it isn't there, as is FILE.verified, from which the next run goes on."`
	Once     bool   `help:"Check once and end, for cron or a timer. Else check again and again until stopped."`
	Every    span   `default:"15m" help:"How often it is checked."`
	Stall    span   `default:"7d" help:"Say so if there is no new record for so long; 0d: never."`
	Patience span   `default:"1d" help:"Say so if the log can't be read for so long."`
	Rules    string `placeholder:"FILE" help:"Say what breaks a rule, too: a file of rules (suluh audit rules), or default for those that are built in."`
	Mail     string `placeholder:"ADDRESS" help:"Send what is said to this address, through sendmail."`
	Sendmail string `default:"/usr/sbin/sendmail" type:"path" help:"Program that sends mail; gets -i and the address, and the message on its standard input."`
	Write    string `type:"path" placeholder:"FILE" help:"Append what is said to this file."`
	languageFlag
}

func (auditWatchCmd) Help() string {
	return `Follows a log and keeps what it has seen of it. It says, on standard output, by mail and into a file, when the log is another one than before (a fork), has fewer records, breaks a rule of the log, was restored from a backup, can't be read for a long time, or has stopped growing; with --rules, also what is unusual in it. Each is said once, as long as it lasts.

Run it on another computer than the log's server. It verifies only what is new since it last looked, also with --once: beside the state file it keeps FILE.verified, from which it goes on. What was verified before isn't read again; suluh audit verify reads all.

Exit status with --once, or when it ends since the log can't be followed any further:

  0  nothing, or only that something is well again
  1  the watcher itself failed: nothing was checked
  2  wrong usage
  3  something unusual that was not said before
  4  the log has stopped growing
  5  the log can't be read for longer than --patience
  6  the log has shrunk
  7  the log has forked
  8  the log breaks its own rules
  9  the log was restored from a backup

After 6, 7 and 8 the checkpoint in the state file stays the last good one. Keep that file; to go on with the log as it is, name another.

Examples:
  suluh audit watch --log-key log.vkey --state catatan.state --mail pemeriksa@example.org --token-file token https://log.example/
  suluh audit watch --once --log-key log.vkey --state catatan.state --rules default --write kabar.txt /media/log`
}

// statusOf is the exit status of each kind of news.
var statusOf = map[logwatch.Kind]int{
	logwatch.Unusual: 3, logwatch.Stalled: 4, logwatch.Away: 5, logwatch.Shrunk: 6, logwatch.Forked: 7, logwatch.Faulty: 8, logwatch.Restored: 9,
}

// exits is an error with an exit status of its own.
type exits struct {
	error
	status int
}

func (e exits) Unwrap() error { return e.error }

func (c *auditWatchCmd) Run(ctx context.Context) (err error) {
	l, err := c.languageFlag.open()
	if err != nil {
		return err
	}
	var rules *anomaly.Rules
	if c.Rules != "" {
		file := c.Rules
		if file == "default" {
			file = ""
		}
		if rules, err = rulesFrom(file); err != nil {
			return err
		}
	}
	var out *mailer
	if c.Mail != "" {
		if out, err = startMailer(c.Sendmail, c.Mail); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, out.stop()) }()
	}
	if err := confineCommand(c.confinedTo()); err != nil {
		return err
	}
	files, key, text, err := c.Of.open()
	if err != nil {
		return err
	}
	w, err := logwatch.Open(logwatch.Config{
		Files: files, Key: text, State: c.State, Rules: rules, Stall: time.Duration(c.Stall), Patience: time.Duration(c.Patience), Progress: progress(),
	})
	if err != nil {
		return err
	}
	for {
		news, err := w.Look(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err == nil {
			err = c.say(news, l, key.Name(), out)
		}
		if err == nil {
			err = w.Said()
		}
		switch {
		case err != nil && c.Once:
			return err
		case err != nil: // a full disk, mail that doesn't go out: it is said again
			fmt.Fprintln(os.Stderr, "suluh: error:", check.Plain(err.Error()))
		}
		ended := false
		for _, n := range news {
			ended = ended || n.Ends()
		}
		if c.Once || ended && err == nil {
			return c.verdict(w, news, l)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Duration(c.Every)):
		}
	}
}

// verdict turns news into an exit status and a last sentence.
func (c *auditWatchCmd) verdict(w *logwatch.Watch, news []logwatch.News, l *lang.Language) error {
	worst := logwatch.Worst(news)
	status := statusOf[worst]
	if status == 0 {
		if since, ok := w.IsAway(); ok {
			fmt.Fprintf(os.Stderr, "suluh: the log can't be read since %s; that is no fault yet\n", since.Format(time.RFC3339))
			return nil
		}
		n, at := w.Checked()
		fmt.Fprintf(os.Stderr, "suluh: the log continues what was seen: %d records, verified at %s\n", n, at.Format(time.RFC3339))
		return nil
	}
	for _, n := range news {
		if n.Kind == worst {
			subject, _ := n.Words(l, "", time.UTC)
			return exits{withHint(errors.New(subject), "keep the state file and what was said; suluh audit watch --help tells what to do next"), status}
		}
	}
	return nil
}

// say says news that were not said before, everywhere: what fails in one place
// doesn't keep it from the others.
func (c *auditWatchCmd) say(news []logwatch.News, l *lang.Language, origin string, out *mailer) error {
	var all error
	for _, n := range news {
		if n.Again {
			continue
		}
		subject, text := n.Words(l, origin, time.Local)
		_, err := fmt.Printf("%s\n", text)
		all = errors.Join(all, err)
		if c.Write != "" {
			all = errors.Join(all, appendTo(c.Write, fmt.Sprintf("== %s\n%s\n", time.Now().Format(time.RFC3339), text)))
		}
		if out != nil {
			all = errors.Join(all, out.send(subject, text))
		}
	}
	return all
}

func appendTo(file, text string) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Sync(), f.Close())
}

// mailer is a process that hands messages to sendmail. It is another one, since
// the watcher confines itself: whoever takes that over by a log that was made to
// do so runs no program.
type mailer struct {
	cmd     *exec.Cmd
	to      io.WriteCloser
	answers *bufio.Reader
}

// message is what goes to it, as a line of JSON; the answer is a line, empty if it
// was sent.
type message struct {
	Subject string `json:"subject"`
	Text    string `json:"text"`
}

func startMailer(sendmail, address string) (*mailer, error) {
	a, err := mail.ParseAddress(address)
	if err != nil || strings.HasPrefix(a.Address, "-") {
		return nil, errors.New("--mail is not an address, such as pemeriksa@example.org")
	}
	if _, err := exec.LookPath(sendmail); err != nil {
		return nil, withHint(errors.New("there is no program that sends mail at this place"), "install one, such as msmtp-mta, or name it: --sendmail PATH")
	}
	self, err := itself()
	if err != nil {
		return nil, err
	}
	m := &mailer{cmd: exec.Command(self, "watch-mailer", sendmail, a.Address)}
	m.cmd.Args[0], m.cmd.Stderr = os.Args[0], os.Stderr // it is called what it was
	if m.to, err = m.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	answers, err := m.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	m.answers = bufio.NewReader(answers)
	if err := m.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start what sends mail: %w", err)
	}
	return m, nil
}

func (m *mailer) send(subject, text string) error {
	if err := json.NewEncoder(m.to).Encode(message{subject, text}); err != nil {
		return fmt.Errorf("send mail: %w", err)
	}
	answer, err := m.answers.ReadString('\n')
	if err == nil && answer != "\n" {
		err = errors.New(strings.TrimSpace(answer))
	}
	if err != nil {
		return fmt.Errorf("send mail: %w", err)
	}
	return nil
}

func (m *mailer) stop() error {
	if err := m.to.Close(); err != nil {
		return err
	}
	return m.cmd.Wait()
}

// watchMailerCmd is that process.
type watchMailerCmd struct {
	Sendmail string `arg:""`
	Address  string `arg:""`
}

func (watchMailerCmd) Help() string {
	return "Started by suluh audit watch.\n\nExample:\n  suluh watch-mailer /usr/sbin/sendmail pemeriksa@example.org"
}

const mailTime = 2 * time.Minute

func (c *watchMailerCmd) Run(ctx context.Context) error {
	in := json.NewDecoder(os.Stdin)
	for {
		var m message
		if err := in.Decode(&m); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		answer := ""
		if err := c.send(context.WithoutCancel(ctx), m); err != nil {
			answer = check.Plain(err.Error())
		}
		if _, err := fmt.Println(answer); err != nil {
			return err
		}
	}
}

func (c *watchMailerCmd) send(ctx context.Context, m message) error {
	ctx, cancel := context.WithTimeout(ctx, mailTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, c.Sendmail, "-i", c.Address)
	cmd.Stdin = strings.NewReader(fmt.Sprintf("To: <%s>\nSubject: %s\nDate: %s\nAuto-Submitted: auto-generated\n"+
		"MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n%s",
		c.Address, mime.QEncoding.Encode("utf-8", m.Subject), time.Now().Format(time.RFC1123Z), m.Text))
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w %s", filepath.Base(c.Sendmail), err, strings.TrimSpace(said.String()))
	}
	return nil
}
