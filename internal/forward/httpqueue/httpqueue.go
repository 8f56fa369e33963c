// Package httpqueue hands complaints in to any queue with a JSON or form
// interface, by templates of the configuration.
//
// A template fills one value: a field of a form, a string in a JSON object, a
// header, a part of a path. What stands around it is built by the encoder, so a
// field of a complaint can't break out of its place, whatever template is written
// and whatever is in the field. Templates are executed when the connector is made,
// for every class and category, so that one that fails is found before anything is
// sent.
package httpqueue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/internal/forward"
	"suluh.example/suluh/internal/forward/queue"
	"suluh.example/suluh/internal/report"
)

// Config is the table [http]. Strings in it that are templates say so.
type Config struct {
	queue.Reach
	Base    string                       `toml:"base"`    // address that the paths are put after
	Secrets map[string]string            `toml:"secrets"` // name to file or systemd credential, for {{secret "name"}}
	Headers map[string]string            `toml:"headers"` // of all requests; templates
	Maps    map[string]map[string]string `toml:"maps"`    // by class/category, category, class or default, for {{map "name"}}
	Link    string                       `toml:"link"`    // public page of a complaint, with {id}

	Send   Send   `toml:"send"`
	Find   Find   `toml:"find"`
	Status Status `toml:"status"`
}

// Send says how a complaint is handed in: with a form or with JSON.
type Send struct {
	Method  string            `toml:"method"` // POST if unset, or PUT
	Path    string            `toml:"path"`   // template
	Query   map[string]string `toml:"query"`  // templates
	Form    map[string]string `toml:"form"`   // templates
	JSON    Object            `toml:"json"`   // each string in it is a template; {"$number" = template} becomes a number
	ID      string            `toml:"id"`     // path to the queue's number in the answer
	Error   string            `toml:"error"`  // path to the queue's own words in an answer that says no
	Refused *Refused          `toml:"refused"`

	Redirect *Redirect `toml:"redirect"` // how an answer that leads elsewhere is read; without it, the outcome is unknown
}

// Redirect is for a form that leads to a page of what it took, with 301, 302 or
// 303. Its patterns are regular expressions (RE2) that are looked for in the path
// and query, as they are escaped, of a Location with the queue's own origin. What
// fits none, or leads to another origin, says nothing. No redirect is followed.
type Redirect struct {
	ID      string `toml:"id"`      // whose one group is the queue's number
	Refused string `toml:"refused"` // by which the queue says that it didn't take it; none if unset
}

// Object is a table of the configuration whose keys are the queue's.
type Object map[string]any

// UnmarshalTOML takes the table as it is. Without it, a decoder that looks for
// keys that nobody knows finds these.
func (o *Object) UnmarshalTOML(v any) error {
	m, ok := v.(map[string]any)
	if !ok {
		return errors.New("not a table")
	}
	*o = m
	return nil
}

// Refused is for a queue that says no with the code of success.
type Refused struct {
	Path string `toml:"path"` // that has the value
	Is   string `toml:"is"`   // in such an answer, and never in another
}

// Find says how a complaint is looked up by the reference. Without a path the
// queue can't be asked.
type Find struct {
	Path     string            `toml:"path"`     // template of Reference
	Query    map[string]string `toml:"query"`    // templates of Reference
	List     string            `toml:"list"`     // path to the list of what was found; the answer itself if unset
	ID       string            `toml:"id"`       // path to the number, in an entry of the list
	Complete bool              `toml:"complete"` // an empty list says that the queue never took it
}

// Status says how a complaint's status is asked for.
type Status struct {
	Path   string            `toml:"path"`   // template of Tracking and Reference; without it there is no status
	Query  map[string]string `toml:"query"`  // likewise
	Word   string            `toml:"word"`   // path to the queue's status
	Answer string            `toml:"answer"` // path to what it has answered; several texts are put together
	Map    map[string]string `toml:"map"`    // the queue's status to ours
}

// Connector is such a queue.
type Connector struct {
	cfg      Config
	client   *queue.Client
	headers  map[string]*filler
	send     asker
	form     map[string]*filler
	json     any // as in the configuration, with a *filler or a number for each template
	find     asker
	status   asker
	statuses queue.Statuses

	taken, refused *regexp.Regexp // of a redirect; nil: none is read
}

// asker is a question: a path and a query.
type asker struct {
	path  *filler
	query map[string]*filler
}

// number is a template whose result is written as a number.
type number struct{ *filler }

// New checks the configuration and tries its templates; an error names the key.
func New(cfg Config, client *queue.Client) (*Connector, error) {
	c := &Connector{cfg: cfg, client: client}
	var err error
	if c.cfg.Base, err = queue.Address("base", cfg.Base); err != nil {
		return nil, err
	}
	p := parser{maps: cfg.Maps, secrets: map[string]string{}}
	for name, file := range cfg.Secrets {
		if p.secrets[name], err = client.Secret("secrets."+name, file); err != nil {
			return nil, err
		}
	}
	for name, m := range cfg.Maps {
		if err := queue.CheckTable("maps."+name, m); err != nil {
			return nil, err
		}
	}
	if err := queue.CheckLink("link", cfg.Link); err != nil {
		return nil, err
	}
	if c.headers, err = p.all("headers", cfg.Headers); err != nil {
		return nil, err
	}
	if c.cfg.Send.Method == "" {
		c.cfg.Send.Method = http.MethodPost
	}
	switch {
	case !slices.Contains([]string{http.MethodPost, http.MethodPut}, c.cfg.Send.Method):
		return nil, errors.New("send.method: neither POST nor PUT")
	case cfg.Send.Path == "":
		return nil, queue.Missing("send.path")
	case (len(cfg.Send.Form) == 0) == (len(cfg.Send.JSON) == 0):
		return nil, errors.New("send.form, send.json: one of the two must be there")
	case cfg.Send.ID == "" && cfg.Send.Redirect == nil:
		return nil, queue.Missing("send.id")
	case cfg.Send.Refused != nil && cfg.Send.Refused.Path == "":
		return nil, queue.Missing("send.refused.path")
	}
	if err := c.redirects(cfg.Send.Redirect); err != nil {
		return nil, err
	}
	if c.send, err = p.asker("send", cfg.Send.Path, cfg.Send.Query); err != nil {
		return nil, err
	}
	if c.form, err = p.all("send.form", cfg.Send.Form); err != nil {
		return nil, err
	}
	if c.json, err = p.value("send.json", map[string]any(cfg.Send.JSON)); err != nil {
		return nil, err
	}
	if cfg.Find.Path != "" {
		if cfg.Find.ID == "" {
			return nil, queue.Missing("find.id")
		}
		if c.find, err = p.asker("find", cfg.Find.Path, cfg.Find.Query); err != nil {
			return nil, err
		}
	}
	if cfg.Status.Path != "" {
		if cfg.Status.Word == "" {
			return nil, queue.Missing("status.word")
		}
		if c.statuses, err = queue.NewStatuses("status.map", nil, cfg.Status.Map); err != nil {
			return nil, err
		}
		if c.status, err = p.asker("status", cfg.Status.Path, cfg.Status.Query); err != nil {
			return nil, err
		}
	}
	return c, c.try()
}

// redirects reads the patterns for redirects.
func (c *Connector) redirects(r *Redirect) (err error) {
	if r == nil {
		return nil
	}
	if r.ID == "" {
		return queue.Missing("send.redirect.id")
	}
	if c.taken, err = regexp.Compile(r.ID); err != nil {
		return fmt.Errorf("send.redirect.id: %w", err)
	}
	if c.taken.NumSubexp() != 1 {
		return errors.New("send.redirect.id: must have one group, such as /([0-9]+)$, which is the number")
	}
	if r.Refused != "" {
		if c.refused, err = regexp.Compile(r.Refused); err != nil {
			return fmt.Errorf("send.redirect.refused: %w", err)
		}
	}
	return nil
}

// led reads what a redirect says of a complaint: the queue's number, or that it was
// refused, or the error as it was.
func (c *Connector) led(a queue.Answer, err error) (forward.Sent, error) {
	if c.taken == nil || a.To == "" || !slices.Contains([]int{http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther}, a.Code) {
		return forward.Sent{}, err
	}
	if c.refused != nil && c.refused.MatchString(a.To) {
		return forward.Sent{}, &forward.Refused{Err: queue.ErrRefused}
	}
	if m := c.taken.FindStringSubmatch(a.To); m != nil {
		if n := queue.Tracking(m[1]); n != "" {
			return c.sent(n), nil
		}
	}
	return forward.Sent{}, err
}

// try executes every template for all that may be sent.
func (c *Connector) try() error {
	day, err := id.ParseDay("2026-01-31")
	if err != nil {
		return err
	}
	for _, class := range report.Classes() {
		if !class.Forwardable() {
			continue
		}
		for _, category := range append(report.Categories(), "") {
			f := forward.Complaint{
				Reference: "contoh0contoh0contoh0contoh", Class: class, Category: category, Day: day, Language: "id",
				Title: "Contoh \"judul\" \\ & <contoh>", Text: "Contoh isi,\nbaris \"kedua\" \\ & <contoh>={{.}}",
			}
			if _, err := c.request(f); err != nil {
				return err
			}
		}
	}
	for _, a := range []asker{c.find, c.status} {
		if a.path == nil {
			continue
		}
		if _, err := c.question(a, fields{Tracking: "1234567", Reference: "contoh0contoh0contoh0contoh"}); err != nil {
			return err
		}
	}
	return nil
}

// request fills the templates for a complaint.
func (c *Connector) request(f forward.Complaint) (queue.Request, error) {
	with := fields{
		Reference: f.Reference, Class: string(f.Class), Category: string(f.Category), Title: f.Title, Text: f.Text,
		Day: f.Day, Language: f.Language,
	}
	r, err := c.question(c.send, with)
	if err != nil {
		return r, err
	}
	r.Method = c.cfg.Send.Method
	if len(c.form) > 0 {
		form := url.Values{}
		for k, t := range c.form {
			s, err := t.fill(with)
			if err != nil {
				return r, err
			}
			form.Set(k, s)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
		r.Body = []byte(form.Encode())
		return r, nil
	}
	v, err := filled(c.json, with)
	if err != nil {
		return r, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Body, err = json.Marshal(v)
	return r, err
}

func (c *Connector) header(with fields) (http.Header, error) {
	h := http.Header{"Accept": {"application/json"}}
	for k, t := range c.headers {
		s, err := t.fill(with)
		if err != nil {
			return nil, err
		}
		// A newline would begin another header: net/http refuses it, but only once
		// it sends.
		h.Set(k, strings.Join(strings.Fields(s), " "))
	}
	return h, nil
}

// question fills the templates of an asker, and the headers.
func (c *Connector) question(a asker, with fields) (queue.Request, error) {
	path, err := a.path.path(with)
	if err != nil {
		return queue.Request{}, err
	}
	header, err := c.header(with)
	if err != nil {
		return queue.Request{}, err
	}
	q := url.Values{}
	for k, t := range a.query {
		s, err := t.fill(with)
		if err != nil {
			return queue.Request{}, err
		}
		q.Set(k, s)
	}
	if len(q) > 0 {
		path += "?" + q.Encode()
	}
	return queue.Request{Method: http.MethodGet, URL: c.cfg.Base + path, Header: header}, nil
}

// Send makes one request.
func (c *Connector) Send(ctx context.Context, f forward.Complaint) (forward.Sent, error) {
	r, err := c.request(f)
	if err != nil {
		return forward.Sent{}, &forward.NotSent{Err: err}
	}
	a, err := c.client.Send(ctx, r, "secrets", func(body []byte) string {
		var v any
		if c.cfg.Send.Error == "" || json.Unmarshal(body, &v) != nil {
			return ""
		}
		return strings.Join(texts(at(v, c.cfg.Send.Error)), "; ")
	})
	if errors.Is(err, queue.ErrMoved) {
		return c.led(a, err)
	}
	if err != nil {
		return forward.Sent{}, err
	}
	v, err := decode(a)
	if err != nil {
		return forward.Sent{}, err
	}
	if n := firstNumber(at(v, c.cfg.Send.ID)); n != "" && c.cfg.Send.ID != "" {
		return c.sent(n), nil
	}
	if no := c.cfg.Send.Refused; no != nil && slices.Contains(texts(at(v, no.Path)), no.Is) {
		reason := ""
		if c.cfg.Send.Error != "" {
			reason = c.client.Line(strings.Join(texts(at(v, c.cfg.Send.Error)), "; "))
		}
		return forward.Sent{}, &forward.Refused{Reason: reason, Err: queue.ErrRefused}
	}
	return forward.Sent{}, queue.ErrAnswer
}

// Find asks for the reference. An entry is ours only if the reference stands
// somewhere in it: a search that ignores what it doesn't know answers with
// everything.
func (c *Connector) Find(ctx context.Context, reference string) (forward.Sent, error) {
	if c.find.path == nil {
		return forward.Sent{}, forward.ErrNoLookup
	}
	r, err := c.question(c.find, fields{Reference: reference})
	if err != nil {
		return forward.Sent{}, err
	}
	a, err := c.client.Get(ctx, r)
	if err != nil {
		return forward.Sent{}, err
	}
	v, err := decode(a)
	if err != nil {
		return forward.Sent{}, err
	}
	entries := []any{v}
	if c.cfg.Find.List != "" {
		var ok bool
		if found := at(v, c.cfg.Find.List); len(found) != 1 {
			return forward.Sent{}, queue.ErrAnswer
		} else if entries, ok = found[0].([]any); !ok {
			return forward.Sent{}, queue.ErrAnswer
		}
	} else if list, ok := v.([]any); ok {
		entries = list
	}
	for _, e := range entries {
		if n := firstNumber(at(e, c.cfg.Find.ID)); n != "" && mentions(e, strings.ToLower(reference)) {
			return c.sent(n), nil
		}
	}
	if len(entries) > 0 || !c.cfg.Find.Complete {
		return forward.Sent{}, forward.ErrNoLookup
	}
	return forward.Sent{}, forward.ErrNotFound
}

// Status asks for one complaint.
func (c *Connector) Status(ctx context.Context, tracking, reference string) (forward.Status, error) {
	if c.status.path == nil {
		return forward.Status{}, forward.ErrNoLookup
	}
	if tracking == "" {
		found, err := c.Find(ctx, reference)
		if err != nil {
			return forward.Status{}, err
		}
		tracking = found.Tracking
	}
	r, err := c.question(c.status, fields{Tracking: tracking, Reference: reference})
	if err != nil {
		return forward.Status{}, err
	}
	a, err := c.client.Get(ctx, r)
	if err != nil {
		return forward.Status{}, err
	}
	v, err := decode(a)
	if err != nil {
		return forward.Status{}, err
	}
	word := ""
	if w := texts(at(v, c.cfg.Status.Word)); len(w) > 0 {
		word = c.client.Line(w[0])
	}
	if word == "" {
		return forward.Status{}, queue.ErrAnswer
	}
	s := forward.Status{Word: word, Tracking: tracking, Link: queue.LinkTo(c.cfg.Link, tracking)}
	s.Status, s.Final = c.statuses.Look(word)
	if c.cfg.Status.Answer != "" {
		s.Answer = c.client.Text(strings.Join(texts(at(v, c.cfg.Status.Answer)), "\n\n"))
	}
	return s, nil
}

func (c *Connector) sent(tracking string) forward.Sent {
	return forward.Sent{Tracking: tracking, Link: queue.LinkTo(c.cfg.Link, tracking)}
}
