// Package open311 hands complaints in to a queue that speaks Open311 GeoReport
// v2 (wiki.open311.org/GeoReport_v2), with its JSON.
//
// The standard has no field for the number of whoever hands a request in. So our
// reference is the last line of the description, and a request is found again by
// reading the list of requests, where the server shows descriptions. The package
// must never send who reported: neither e-mail, device, account, name, phone nor
// media.
package open311

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"suluh.example/suluh/internal/forward"
	"suluh.example/suluh/internal/forward/queue"
)

// mostText is the standard's limit on a description, in characters.
const mostText = 4000

// Config is the table [open311].
type Config struct {
	queue.Reach
	Base         string            `toml:"base"`         // address of the endpoint, up to before /requests.json
	APIKeyFile   string            `toml:"api_key_file"` // file, or name of a systemd credential
	Jurisdiction string            `toml:"jurisdiction_id"`
	ServiceCode  map[string]string `toml:"service_code"` // by class/category, category, class or default
	Address      string            `toml:"address_string"`
	AddressID    string            `toml:"address_id"`
	Lat          *float64          `toml:"lat"`
	Long         *float64          `toml:"long"`
	Fields       map[string]string `toml:"fields"` // further fields of each request, such as "attribute[UNIT]"
	Status       map[string]string `toml:"status"` // the queue's status to ours; open and closed are known
	Link         string            `toml:"link"`   // public page of a request, with {id}

	Lookup         bool `toml:"lookup"`          // the list of requests shows descriptions
	LookupComplete bool `toml:"lookup_complete"` // and has each request as soon as it is taken
	LookupDays     int  `toml:"lookup_days"`     // how far back it is read; 90 if unset
	LookupMost     int  `toml:"lookup_most"`     // how many requests one list has at most; 1000 if unset
}

// Connector is such a queue.
type Connector struct {
	cfg      Config
	client   *queue.Client
	fields   url.Values
	statuses queue.Statuses
}

// ofPeople are the standard's fields that say who reported, or show it.
var ofPeople = []string{"email", "device_id", "account_id", "first_name", "last_name", "phone", "media_url", "media"}

// New checks the configuration; an error names the key.
func New(cfg Config, client *queue.Client) (*Connector, error) {
	c := &Connector{cfg: cfg, client: client, fields: url.Values{}}
	var err error
	if c.cfg.Base, err = queue.Address("base", cfg.Base); err != nil {
		return nil, err
	}
	if err := queue.CheckTable("service_code", cfg.ServiceCode); err != nil {
		return nil, err
	}
	for k, v := range cfg.Fields {
		if slices.Contains(ofPeople, strings.ToLower(k)) {
			return nil, fmt.Errorf("fields.%s: says who reported, which no queue is told", k)
		}
		c.fields.Set(k, v)
	}
	switch {
	case (cfg.Lat == nil) != (cfg.Long == nil):
		return nil, errors.New("lat, long: one of the two is missing")
	case cfg.Lat != nil:
		if *cfg.Lat < -90 || *cfg.Lat > 90 || *cfg.Long < -180 || *cfg.Long > 180 {
			return nil, errors.New("lat, long: not a place on Earth")
		}
		c.fields.Set("lat", strconv.FormatFloat(*cfg.Lat, 'f', -1, 64))
		c.fields.Set("long", strconv.FormatFloat(*cfg.Long, 'f', -1, 64))
	case cfg.Address == "" && cfg.AddressID == "":
		return nil, errors.New("address_string, address_id or lat and long: one of the three is missing")
	}
	for k, v := range map[string]string{"address_string": cfg.Address, "address_id": cfg.AddressID, "jurisdiction_id": cfg.Jurisdiction} {
		if v != "" {
			c.fields.Set(k, v)
		}
	}
	if c.statuses, err = queue.NewStatuses("status", map[string]string{"open": "forwarded", "closed": "closed"}, cfg.Status); err != nil {
		return nil, err
	}
	if err := queue.CheckLink("link", cfg.Link); err != nil {
		return nil, err
	}
	if cfg.LookupComplete && !cfg.Lookup {
		return nil, errors.New("lookup_complete: needs lookup = true")
	}
	if c.cfg.LookupDays == 0 {
		c.cfg.LookupDays = 90
	}
	if c.cfg.LookupMost == 0 {
		c.cfg.LookupMost = 1000
	}
	if c.cfg.LookupDays < 1 || c.cfg.LookupMost < 2 {
		return nil, errors.New("lookup_days, lookup_most: too small")
	}
	key, err := client.Secret("api_key_file", cfg.APIKeyFile)
	if err != nil {
		return nil, err
	}
	c.fields.Set("api_key", key)
	return c, nil
}

// Send posts one request.
func (c *Connector) Send(ctx context.Context, f forward.Complaint) (forward.Sent, error) {
	code, ok := queue.Pick(c.cfg.ServiceCode, f.Class, f.Category)
	if !ok {
		return forward.Sent{}, &forward.Refused{Err: queue.ErrClass}
	}
	text := strings.TrimSpace(f.Title+"\n\n"+f.Text) + "\n\n" + queue.Mark(f.Reference)
	if n := utf8.RuneCountInString(text); n > mostText {
		return forward.Sent{}, &forward.Refused{Err: queue.TooLong(n-mostText, mostText)}
	}
	if queue.HasMarkup(text) {
		return forward.Sent{}, &forward.Refused{Err: queue.ErrMarkup}
	}
	form := url.Values{"service_code": {code}, "description": {text}}
	for k, v := range c.fields {
		form[k] = v
	}
	a, err := c.client.Send(ctx, queue.Request{
		Method: http.MethodPost, URL: c.cfg.Base + "/requests.json", Body: []byte(form.Encode()),
		Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded; charset=utf-8"}, "Accept": {"application/json"}},
	}, "api_key_file", reasons)
	if err != nil {
		return forward.Sent{}, err
	}
	all, err := requests(a)
	if err != nil {
		return forward.Sent{}, err
	}
	for _, r := range all {
		if r.ID != "" {
			return c.sent(r.ID), nil
		}
		if r.Token != "" {
			return forward.Sent{Tracking: forward.Ticket + string(r.Token)}, nil
		}
	}
	return forward.Sent{}, queue.ErrAnswer
}

// Find reads the list of requests, if it is any good.
func (c *Connector) Find(ctx context.Context, reference string) (forward.Sent, error) {
	if !c.cfg.Lookup {
		return forward.Sent{}, forward.ErrNoLookup
	}
	to := time.Now().UTC().Add(24 * time.Hour).Truncate(time.Second) // its clock may be ahead
	s := search{c: c, mark: strings.ToLower(queue.Mark(reference)), lists: 100}
	found, err := s.between(ctx, to.AddDate(0, 0, -1-c.cfg.LookupDays), to)
	switch {
	case err != nil:
		return forward.Sent{}, err
	case found != "":
		return c.sent(found), nil
	case s.hidden || !c.cfg.LookupComplete:
		return forward.Sent{}, forward.ErrNoLookup
	}
	return forward.Sent{}, forward.ErrNotFound
}

// search looks for a mark in the requests of a time.
type search struct {
	c      *Connector
	mark   string
	lists  int  // how many more may be asked for
	hidden bool // there was a request without a description
}

// between halves the time until a list is whole: the standard lets a server cut
// it, and says nothing of pages.
func (s *search) between(ctx context.Context, from, to time.Time) (queue.ID, error) {
	if s.lists--; s.lists < 0 {
		return "", errors.New("there are too many requests to look through: set lookup_days lower")
	}
	q := url.Values{"start_date": {from.Format(time.RFC3339)}, "end_date": {to.Format(time.RFC3339)}}
	a, err := s.c.get(ctx, "/requests.json", q)
	if err == nil {
		var all []request
		if all, err = requests(a); err != nil {
			return "", err
		}
		for _, r := range all {
			if strings.Contains(strings.ToLower(r.Description), s.mark) && r.ID != "" {
				return r.ID, nil
			}
			s.hidden = s.hidden || r.Description == "" || r.ID == ""
		}
		if len(all) < s.c.cfg.LookupMost {
			return "", nil
		}
	} else if !errors.Is(err, queue.ErrLarge) {
		return "", err
	}
	half := from.Add(to.Sub(from) / 2).Truncate(time.Second)
	if !half.After(from) {
		return "", queue.ErrLarge
	}
	if found, err := s.between(ctx, half, to); found != "" || err != nil {
		return found, err
	}
	return s.between(ctx, from, half)
}

// Status asks for one request, by way of its ticket if the number isn't known.
func (c *Connector) Status(ctx context.Context, tracking, reference string) (forward.Status, error) {
	if ticket, ok := strings.CutPrefix(tracking, forward.Ticket); ok {
		a, err := c.get(ctx, "/tokens/"+url.PathEscape(ticket)+".json", nil)
		if err != nil {
			return forward.Status{}, err
		}
		all, err := requests(a)
		if err != nil {
			return forward.Status{}, err
		}
		i := slices.IndexFunc(all, func(r request) bool { return r.ID != "" && (r.Token == "" || string(r.Token) == ticket) })
		if i < 0 {
			return forward.Status{Tracking: tracking}, nil
		}
		tracking = string(all[i].ID)
	}
	if tracking == "" {
		found, err := c.Find(ctx, reference)
		if err != nil {
			return forward.Status{}, err
		}
		tracking = found.Tracking
	}
	a, err := c.get(ctx, "/requests/"+url.PathEscape(tracking)+".json", nil)
	if err != nil {
		return forward.Status{}, err
	}
	all, err := requests(a)
	if err != nil {
		return forward.Status{}, err
	}
	i := slices.IndexFunc(all, func(r request) bool { return string(r.ID) == tracking && r.Status != "" })
	if i < 0 {
		return forward.Status{}, queue.ErrAnswer
	}
	s := forward.Status{Word: c.client.Line(all[i].Status), Answer: c.client.Text(all[i].Notes), Tracking: tracking, Link: queue.LinkTo(c.cfg.Link, tracking)}
	s.Status, s.Final = c.statuses.Look(all[i].Status)
	return s, nil
}

func (c *Connector) get(ctx context.Context, path string, q url.Values) (queue.Answer, error) {
	if q == nil {
		q = url.Values{}
	}
	if c.cfg.Jurisdiction != "" {
		q.Set("jurisdiction_id", c.cfg.Jurisdiction)
	}
	at := c.cfg.Base + path
	if len(q) > 0 {
		at += "?" + q.Encode()
	}
	return c.client.Get(ctx, queue.Request{Method: http.MethodGet, URL: at, Header: http.Header{"Accept": {"application/json"}}})
}

func (c *Connector) sent(id queue.ID) forward.Sent {
	return forward.Sent{Tracking: string(id), Link: queue.LinkTo(c.cfg.Link, string(id))}
}

// request is what is read of a service request, and of a token.
type request struct {
	ID          queue.ID `json:"service_request_id"`
	Token       queue.ID `json:"token"`
	Status      string   `json:"status"`
	Notes       string   `json:"status_notes"`
	Description string   `json:"description"`
}

// requests reads an answer, which is a list; some servers give one alone.
func requests(a queue.Answer) ([]request, error) {
	var all []request
	if bytes.HasPrefix(bytes.TrimSpace(a.Body), []byte("{")) {
		all = make([]request, 1)
		return all, queue.Decode(a, &all[0])
	}
	if err := queue.Decode(a, &all); err != nil {
		return nil, err
	}
	if all == nil { // null is no list
		return nil, queue.ErrAnswer
	}
	return all, nil
}

// reasons takes the descriptions out of [{"code":…,"description":…}].
func reasons(body []byte) string {
	var errs []struct {
		Description string `json:"description"`
	}
	if json.Unmarshal(body, &errs) != nil {
		return ""
	}
	var s []string
	for _, e := range errs {
		if e.Description != "" {
			s = append(s, e.Description)
		}
	}
	return strings.Join(s, "; ")
}
