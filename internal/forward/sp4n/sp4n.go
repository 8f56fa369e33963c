// Package sp4n hands complaints in to SP4N-LAPOR!, or whatever speaks like its
// interface as a public client of it was seen to in 2025. Its official
// documentation is for agencies with an account, so every path, header, id and
// word is configuration.
//
// It has no field for our own number: the reference is the last line of the
// content. The package must never send attachments, a user's own data or a time.
package sp4n

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"suluh.example/suluh/internal/forward"
	"suluh.example/suluh/internal/forward/queue"
)

// Config is the table [sp4n]. An id is a whole number or a string, as the
// queue wants it.
type Config struct {
	queue.Reach
	Base       string `toml:"base"`        // address up to before /complaints
	SendPath   string `toml:"send_path"`   // such as "complaints/complaint-lmw"; it differs between agencies
	AuthHeader string `toml:"auth_header"` // "Authorization" if unset; some have "auth"
	AuthFile   string `toml:"auth_file"`   // file or credential whose whole line is the header's value, "Bearer …"
	TokenFile  string `toml:"token_file"`  // likewise, of the header "token"; none if unset

	Channel        any            `toml:"channel"`
	UserID         any            `toml:"user_id"`
	LocationID     any            `toml:"location_id"`
	Classification map[string]any `toml:"classification_id"` // by class/category, category, class or default
	Category       map[string]any `toml:"category_id"`       // likewise
	Disposition    map[string]any `toml:"disposition_id"`    // likewise: the agency that it goes to
	Tags           string         `toml:"tags"`
	Anonymous      *bool          `toml:"is_anonymous"`
	Secret         *bool          `toml:"is_secret"`
	Priority       bool           `toml:"is_priority"`
	Date           string         `toml:"date_of_incident"` // "" leaves it out, "approval" sends the day of the approval

	Status map[string]string `toml:"status"` // the queue's status_name to ours, over those that are known
	Link   string            `toml:"link"`   // public page of a complaint, with {id}

	Lookup         string `toml:"lookup"`          // path that searches, with {reference}; the queue can't be asked if unset
	LookupComplete bool   `toml:"lookup_complete"` // what isn't found so was never taken
}

// Connector is such a queue.
type Connector struct {
	cfg      Config
	client   *queue.Client
	header   http.Header
	statuses queue.Statuses
}

// own are the queue's statuses as its public pages show them.
var own = map[string]string{
	"Belum Terverifikasi": "forwarded",
	"Dalam Proses":        "forwarded",
	"Selesai":             "closed",
	"Diarsipkan":          "archived",
	"Ditolak":             "rejected",
}

// New checks the configuration; an error names the key.
func New(cfg Config, client *queue.Client) (*Connector, error) {
	c := &Connector{cfg: cfg, client: client, header: http.Header{"Accept": {"application/json"}}}
	var err error
	if c.cfg.Base, err = queue.Address("base", cfg.Base); err != nil {
		return nil, err
	}
	if c.cfg.SendPath = strings.Trim(cfg.SendPath, "/"); c.cfg.SendPath == "" {
		return nil, queue.Missing("send_path")
	}
	for _, f := range []struct {
		key string
		id  any
	}{{"channel", cfg.Channel}, {"user_id", cfg.UserID}, {"location_id", cfg.LocationID}} {
		if err := checkID(f.key, f.id); err != nil {
			return nil, err
		}
	}
	for _, f := range []struct {
		key string
		ids map[string]any
	}{{"classification_id", cfg.Classification}, {"category_id", cfg.Category}, {"disposition_id", cfg.Disposition}} {
		if err := queue.CheckTable(f.key, f.ids); err != nil {
			return nil, err
		}
		for k, id := range f.ids {
			if err := checkID(f.key+"."+k, id); err != nil {
				return nil, err
			}
		}
	}
	if cfg.Anonymous == nil {
		return nil, queue.Missing("is_anonymous")
	}
	if cfg.Secret == nil {
		return nil, queue.Missing("is_secret")
	}
	if cfg.Date != "" && cfg.Date != "approval" {
		return nil, errors.New(`date_of_incident: neither "" nor "approval"`)
	}
	if c.statuses, err = queue.NewStatuses("status", own, cfg.Status); err != nil {
		return nil, err
	}
	if err := queue.CheckLink("link", cfg.Link); err != nil {
		return nil, err
	}
	if cfg.Lookup != "" && !strings.Contains(cfg.Lookup, "{reference}") {
		return nil, errors.New("lookup: has no {reference} in it")
	}
	if cfg.LookupComplete && cfg.Lookup == "" {
		return nil, errors.New("lookup_complete: needs lookup")
	}
	auth, err := client.Secret("auth_file", cfg.AuthFile)
	if err != nil {
		return nil, err
	}
	c.header.Set(cmp.Or(cfg.AuthHeader, "Authorization"), auth)
	if cfg.TokenFile != "" {
		token, err := client.Secret("token_file", cfg.TokenFile)
		if err != nil {
			return nil, err
		}
		c.header.Set("token", token)
	}
	return c, nil
}

func checkID(key string, id any) error {
	switch v := id.(type) {
	case nil:
		return queue.Missing(key)
	case int64:
		return nil
	case string:
		if v != "" {
			return nil
		}
		return queue.Missing(key)
	}
	return fmt.Errorf("%s: neither a whole number nor a string", key)
}

// complaint is what is sent. There is no field for attachments.
type complaint struct {
	Title          string `json:"title"`
	Content        string `json:"content"`
	Channel        any    `json:"channel"`
	UserID         any    `json:"user_id"`
	Classification any    `json:"classification_id"`
	Disposition    any    `json:"disposition_id"`
	Category       any    `json:"category_id"`
	Location       any    `json:"location_id"`
	Date           string `json:"date_of_incident,omitempty"`
	Tags           string `json:"tags_raw,omitempty"`
	Anonymous      bool   `json:"is_anonymous"`
	Secret         bool   `json:"is_secret"`
	Priority       bool   `json:"is_priority"`
}

// Send posts one complaint.
func (c *Connector) Send(ctx context.Context, f forward.Complaint) (forward.Sent, error) {
	body := complaint{
		Title: f.Title, Content: strings.TrimSpace(f.Text) + "\n\n" + queue.Mark(f.Reference),
		Channel: c.cfg.Channel, UserID: c.cfg.UserID, Location: c.cfg.LocationID, Tags: c.cfg.Tags,
		Anonymous: *c.cfg.Anonymous, Secret: *c.cfg.Secret, Priority: c.cfg.Priority,
	}
	for _, t := range []struct {
		of map[string]any
		to *any
	}{{c.cfg.Classification, &body.Classification}, {c.cfg.Category, &body.Category}, {c.cfg.Disposition, &body.Disposition}} {
		var ok bool
		if *t.to, ok = queue.Pick(t.of, f.Class, f.Category); !ok {
			return forward.Sent{}, &forward.Refused{Err: queue.ErrClass}
		}
	}
	if c.cfg.Date == "approval" {
		body.Date = f.Day.Time(time.UTC).Format("02-01-2006")
	}
	b, err := json.Marshal(body)
	if err != nil {
		return forward.Sent{}, &forward.NotSent{Err: errors.New("the complaint can't be written as JSON")}
	}
	header := c.header.Clone()
	header.Set("Content-Type", "application/json")
	a, err := c.client.Send(ctx, queue.Request{Method: http.MethodPost, URL: c.cfg.Base + "/" + c.cfg.SendPath, Header: header, Body: b}, "auth_file, token_file", reason)
	if err != nil {
		return forward.Sent{}, err
	}
	id, err := taken(a)
	if err != nil {
		return forward.Sent{}, err
	}
	return c.sent(id), nil
}

// taken reads the number of a complaint that was taken. Where it stands differs
// between what was seen: alone, or as other answers in results or results.data.
func taken(a queue.Answer) (queue.ID, error) {
	type numbered struct {
		ID queue.ID `json:"complaint_id"`
	}
	var got struct {
		numbered
		Results json.RawMessage `json:"results"`
	}
	if err := queue.Decode(a, &got); err != nil {
		return "", err
	}
	if got.ID != "" {
		return got.ID, nil
	}
	var inside struct {
		numbered
		Data numbered `json:"data"`
	}
	if len(got.Results) > 0 && json.Unmarshal(got.Results, &inside) == nil {
		if id := cmp.Or(inside.ID, inside.Data.ID); id != "" {
			return id, nil
		}
	}
	return "", queue.ErrAnswer
}

// Find searches where the configuration says so. An entry is ours only if it has
// the reference in it: what a search matches besides is the queue's business.
func (c *Connector) Find(ctx context.Context, reference string) (forward.Sent, error) {
	if c.cfg.Lookup == "" {
		return forward.Sent{}, forward.ErrNoLookup
	}
	a, err := c.get(ctx, strings.ReplaceAll(strings.TrimLeft(c.cfg.Lookup, "/"), "{reference}", url.QueryEscape(reference)))
	if err != nil {
		return forward.Sent{}, err
	}
	entries, err := listed(a)
	if err != nil {
		return forward.Sent{}, err
	}
	mark := strings.ToLower(queue.Mark(reference))
	for _, e := range entries {
		if id := cmp.Or(e.Complaint, e.ID); id != "" && strings.Contains(strings.ToLower(e.Content), mark) {
			return c.sent(id), nil
		}
	}
	if len(entries) > 0 || !c.cfg.LookupComplete {
		return forward.Sent{}, forward.ErrNoLookup
	}
	return forward.Sent{}, forward.ErrNotFound
}

type entry struct {
	Complaint queue.ID `json:"complaint_id"`
	ID        queue.ID `json:"id"`
	Content   string   `json:"content"`
}

func listed(a queue.Answer) ([]entry, error) {
	var got struct {
		Results struct {
			Data *[]entry `json:"data"`
		} `json:"results"`
	}
	if err := queue.Decode(a, &got); err != nil {
		return nil, err
	}
	if got.Results.Data == nil {
		return nil, queue.ErrAnswer
	}
	return *got.Results.Data, nil
}

// Status asks for the complaint and for what was answered to it.
func (c *Connector) Status(ctx context.Context, tracking, reference string) (forward.Status, error) {
	if tracking == "" {
		found, err := c.Find(ctx, reference)
		if err != nil {
			return forward.Status{}, err
		}
		tracking = found.Tracking
	}
	at := "complaints/" + url.PathEscape(tracking)
	a, err := c.get(ctx, at+"/complaint")
	if err != nil {
		return forward.Status{}, err
	}
	word, err := statusName(a)
	if err != nil {
		return forward.Status{}, err
	}
	s := forward.Status{Word: c.client.Line(word), Tracking: tracking, Link: queue.LinkTo(c.cfg.Link, tracking)}
	s.Status, s.Final = c.statuses.Look(word)
	if a, err = c.get(ctx, at+"/followups"); err != nil {
		return forward.Status{}, err
	}
	s.Answer, err = c.answers(a)
	return s, err
}

func statusName(a queue.Answer) (string, error) {
	var got struct {
		Results struct {
			Data struct {
				Name string `json:"status_name"`
			} `json:"data"`
		} `json:"results"`
	}
	if err := queue.Decode(a, &got); err != nil {
		return "", err
	}
	if strings.TrimSpace(got.Results.Data.Name) == "" {
		return "", queue.ErrAnswer
	}
	return got.Results.Data.Name, nil
}

// answers puts the follow-ups together, the newest last, each with who wrote it
// and the day.
func (c *Connector) answers(a queue.Answer) (string, error) {
	var got struct {
		Results struct {
			Data []struct {
				Content string `json:"content"`
				From    string `json:"institution_from_name"`
				Created string `json:"created_at"` // dd-mm-YYYY HH:MM:SS
			} `json:"data"`
		} `json:"results"`
	}
	if err := queue.Decode(a, &got); err != nil {
		return "", err
	}
	type answer struct {
		at   time.Time
		text string
	}
	var all []answer
	for _, f := range got.Results.Data {
		text := c.client.Text(f.Content)
		if text == "" {
			continue
		}
		at, err := time.Parse("02-01-2006 15:04:05", strings.TrimSpace(f.Created))
		head := c.client.Line(f.From)
		if err == nil {
			head = strings.TrimSpace(head + " (" + at.Format("02-01-2006") + ")")
		}
		if head != "" {
			text = head + ":\n" + text
		}
		all = append(all, answer{at, text})
	}
	slices.SortStableFunc(all, func(a, b answer) int { return a.at.Compare(b.at) })
	var texts []string
	left := queue.MostText // of what is too much, the newest stay
	for _, a := range slices.Backward(all) {
		if left -= utf8.RuneCountInString(a.text) + 2; left < 0 && len(texts) > 0 {
			break
		}
		texts = append(texts, a.text)
	}
	slices.Reverse(texts)
	return c.client.Text(strings.Join(texts, "\n\n")), nil
}

func (c *Connector) get(ctx context.Context, path string) (queue.Answer, error) {
	return c.client.Get(ctx, queue.Request{Method: http.MethodGet, URL: c.cfg.Base + "/" + path, Header: c.header})
}

func (c *Connector) sent(id queue.ID) forward.Sent {
	return forward.Sent{Tracking: string(id), Link: queue.LinkTo(c.cfg.Link, string(id))}
}

// reason takes the queue's own words out of an answer that says no.
func reason(body []byte) string {
	var got struct {
		Message string `json:"message"`
		Error   string `json:"error"`
		Results struct {
			Message string `json:"message"`
		} `json:"results"`
	}
	if err := json.Unmarshal(body, &got); err != nil {
		return ""
	}
	return cmp.Or(got.Message, got.Error, got.Results.Message)
}
