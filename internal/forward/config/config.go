// Package config reads what suluh forward is configured with: one TOML file, with
// which queue it works for and a table of that queue's. docs/formats.md lists its
// keys.
//
// What is wrong is said with the file's name, the line and the key, so that a
// person can mend it there. The package must never hold a credential: the file
// only names those.
package config

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/BurntSushi/toml"

	"suluh.example/suluh/internal/forward"
	"suluh.example/suluh/internal/forward/httpqueue"
	"suluh.example/suluh/internal/forward/open311"
	"suluh.example/suluh/internal/forward/queue"
	"suluh.example/suluh/internal/forward/sp4n"
	"suluh.example/suluh/internal/forward/spool"
	"suluh.example/suluh/internal/lang"
)

// Config is such a file.
type Config struct {
	file
	name string // of the file
	text string
	md   toml.MetaData
}

// file has the keys.
type file struct {
	Queue    string `toml:"queue"`    // spool, open311, sp4n or http
	Name     string `toml:"name"`     // by which what it got is known to be its; made of the address if unset
	Language string `toml:"language"` // in which members are told; "id" if unset
	Times    times  `toml:"times"`

	Spool   spool.Config     `toml:"spool"`
	Open311 open311.Config   `toml:"open311"`
	SP4N    sp4n.Config      `toml:"sp4n"`
	HTTP    httpqueue.Config `toml:"http"`
}

type times struct {
	Vault      time.Duration `toml:"vault"`
	Status     time.Duration `toml:"status"`
	AfterError time.Duration `toml:"after_error"`
	Retry      time.Duration `toml:"retry"`
	RetryMost  time.Duration `toml:"retry_most"`
	Settle     time.Duration `toml:"settle"`
}

// Error is something wrong with the file, at a line if that is known.
type Error struct {
	File string
	Line int // from 1; 0 if it is about what isn't there
	Err  error
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %v", e.File, e.Err)
	}
	return fmt.Sprintf("%s:%d: %v", e.File, e.Line, e.Err)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

var placed = regexp.MustCompile(`^toml: line (\d+) \(last key "(.*?)"\): (.*)$`)

// kinds are the queues that there are.
var kinds = []string{"spool", "open311", "sp4n", "http"}

// Read reads a file. The error is the system's or an [*Error].
func Read(name string) (*Config, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return Parse(filepath.Base(name), string(b))
}

// Parse reads the text of a file of the name.
func Parse(name, text string) (*Config, error) {
	c := &Config{name: name, text: text}
	var err error
	if c.md, err = toml.Decode(text, &c.file); err != nil {
		var p toml.ParseError
		if errors.As(err, &p) {
			why := p.Message
			if p.LastKey != "" {
				why = p.LastKey + ": " + cmp.Or(why, "this is not a value of its kind")
			}
			return nil, &Error{name, p.Position.Line, errors.New(why)}
		}
		// The decoder tells of some by a text alone.
		if m := placed.FindStringSubmatch(err.Error()); m != nil {
			line, _ := strconv.Atoi(m[1]) // digits
			return nil, &Error{name, line, fmt.Errorf("%s: %s", m[2], m[3])}
		}
		return nil, &Error{name, 0, errors.New(strings.TrimPrefix(err.Error(), "toml: "))}
	}
	// What is below a value that may be anything counts as not decoded.
	u := slices.DeleteFunc(c.md.Undecoded(), func(k toml.Key) bool { return strings.HasPrefix(k.String(), "http.send.json.") })
	if len(u) > 0 {
		return nil, &Error{name, c.line(u[0]...), fmt.Errorf("unknown key %q", u[0].String())}
	}
	switch {
	case c.Queue == "":
		return nil, &Error{name, 0, fmt.Errorf("queue: is missing: one of %s", strings.Join(kinds, ", "))}
	case !slices.Contains(kinds, c.Queue):
		return nil, c.wrong("queue", fmt.Errorf("%q is none of %s", c.Queue, strings.Join(kinds, ", ")))
	case !c.md.IsDefined(c.Queue):
		return nil, &Error{name, 0, fmt.Errorf("the table [%s] is missing", c.Queue)}
	case strings.ContainsAny(c.Name, "\r\n") || len(c.Name) > 200:
		return nil, c.wrong("name", errors.New("not one short line"))
	}
	c.Language = cmp.Or(c.Language, "id")
	return c, c.checkTimes()
}

func (c *Config) checkTimes() error {
	d := forward.DefaultTimes()
	if c.Queue == "spool" {
		d.Status = time.Minute // a look at a folder
	}
	t := &c.Times
	for _, x := range []struct {
		key     string
		value   *time.Duration
		usually time.Duration
	}{
		{"vault", &t.Vault, d.Vault},
		{"status", &t.Status, d.Status},
		{"after_error", &t.AfterError, d.AfterError},
		{"retry", &t.Retry, d.Retry},
		{"retry_most", &t.RetryMost, d.RetryMost},
		{"settle", &t.Settle, d.Settle},
	} {
		if !c.md.IsDefined("times", x.key) {
			*x.value = x.usually
		}
		if *x.value < time.Millisecond {
			return &Error{c.name, c.line("times", x.key), fmt.Errorf("times.%s: a time such as \"30s\", greater than nothing", x.key)}
		}
	}
	if t.RetryMost < t.Retry {
		return &Error{c.name, c.line("times", "retry_most"), errors.New("times.retry_most: is less than times.retry")}
	}
	if reach := c.reach(); reach != nil && t.Settle < cmp.Or(reach.Timeout, time.Minute) {
		return &Error{c.name, c.line("times", "settle"), errors.New("times.settle: is less than the queue's timeout; what it takes meanwhile would be sent twice")}
	}
	return nil
}

// EngineTimes are the times for an engine.
func (c *Config) EngineTimes() forward.Times { return forward.Times(c.Times) }

// reach returns how the queue is reached, nil if it is a folder.
func (c *Config) reach() *queue.Reach {
	switch c.Queue {
	case "open311":
		return &c.Open311.Reach
	case "sp4n":
		return &c.SP4N.Reach
	case "http":
		return &c.HTTP.Reach
	}
	return nil
}

func (c *Config) base() string {
	return map[string]string{"open311": c.Open311.Base, "sp4n": c.SP4N.Base, "http": c.HTTP.Base}[c.Queue]
}

// QueueName is by which it is known later which queue has something.
func (c *Config) QueueName() string {
	if c.Name != "" {
		return c.Name
	}
	if u, err := url.Parse(c.base()); err == nil && u.Host != "" {
		return c.Queue + " " + u.Host
	}
	return c.Queue
}

// Address is the HOST:PORT that the queue is reached at, "" if it is a folder.
func (c *Config) Address() string {
	u, err := url.Parse(c.base())
	if err != nil || u.Host == "" {
		return ""
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// Folder is the folder of a spool, or "".
func (c *Config) Folder() string {
	if c.Queue == "spool" {
		return c.Spool.Dir
	}
	return ""
}

// OpenSpool opens the folder of the table [spool], whichever queue is in use.
func (c *Config) OpenSpool(words *lang.Catalogue) (*spool.Spool, error) {
	if !c.md.IsDefined("spool") {
		return nil, &Error{c.name, 0, errors.New("the table [spool] is missing")}
	}
	s, err := spool.New(c.Spool, words.Language(c.Language))
	if err != nil {
		return nil, c.inTable("spool", err)
	}
	return s, nil
}

// Try asks the queue's address for anything at all. That it says no is an answer.
func (c *Config) Try(ctx context.Context, dial queue.Dial) error {
	if c.reach() == nil {
		return nil
	}
	client, err := queue.NewClient(*c.reach(), dial)
	if err != nil {
		return err
	}
	_, err = client.Get(ctx, queue.Request{Method: "GET", URL: c.base()})
	for _, answer := range []error{queue.ErrAddress, queue.ErrCredentials, queue.ErrMoved, queue.ErrBusy, queue.ErrServer} {
		if errors.Is(err, answer) {
			return nil
		}
	}
	return err
}

// Connector makes the connector to the queue, which connects by dial. Credentials
// and certificates are read now.
func (c *Config) Connector(words *lang.Catalogue, dial queue.Dial) (forward.Connector, error) {
	made, err := c.connector(words, dial)
	if err != nil {
		return nil, c.inTable(c.Queue, err)
	}
	return made, nil
}

// inTable is a connector's error, which begins with the key, within its table.
func (c *Config) inTable(table string, err error) error {
	key, _, _ := strings.Cut(err.Error(), ":")
	key, _, _ = strings.Cut(key, ",")
	line := 0
	for at := split(table + "." + key); line == 0 && len(at) > 0; at = at[:len(at)-1] { // the key, or the table that lacks it
		line = c.line(at...)
	}
	return &Error{c.name, line, fmt.Errorf("%s.%w", table, err)}
}

func (c *Config) connector(words *lang.Catalogue, dial queue.Dial) (forward.Connector, error) {
	if c.Queue == "spool" {
		return spool.New(c.Spool, words.Language(c.Language))
	}
	client, err := queue.NewClient(*c.reach(), dial)
	if err != nil {
		return nil, err
	}
	switch c.Queue {
	case "open311":
		return open311.New(c.Open311, client)
	case "sp4n":
		return sp4n.New(c.SP4N, client)
	default:
		return httpqueue.New(c.HTTP, client)
	}
}

// wrong is an error about a key that is there.
func (c *Config) wrong(key string, err error) error {
	return &Error{c.name, c.line(key), fmt.Errorf("%s: %w", key, err)}
}

// line finds the line on which a key, or a table of that name, stands; 0 if it
// stands nowhere as written. The decoder doesn't tell of keys that it decoded.
func (c *Config) line(key ...string) int {
	var table []string
	want := strings.Join(key, "\x00")
	for i, text := range strings.Split(c.text, "\n") {
		text = strings.TrimSpace(text)
		if head, ok := strings.CutPrefix(text, "["); ok {
			head, _, _ = strings.Cut(strings.TrimPrefix(head, "["), "]")
			if table = split(head); strings.Join(table, "\x00") == want {
				return i + 1
			}
			continue
		}
		name, _, ok := strings.Cut(text, "=")
		if !ok || strings.HasPrefix(text, "#") {
			continue
		}
		full := strings.Join(append(slices.Clone(table), split(name)...), "\x00")
		// A key of an inline table stands on the line of that.
		if full == want || strings.HasPrefix(want, full+"\x00") {
			return i + 1
		}
	}
	return 0
}

// split takes a dotted key apart.
func split(s string) (parts []string) {
	for s = strings.TrimSpace(s); s != ""; {
		var part string
		if q := s[0]; q == '"' || q == '\'' {
			part, s, _ = strings.Cut(s[1:], string(q))
			_, s, _ = strings.Cut(s, ".")
		} else {
			part, s, _ = strings.Cut(s, ".")
		}
		parts = append(parts, strings.TrimSpace(part))
		s = strings.TrimSpace(s)
	}
	return parts
}
