package open311_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"suluh.example/suluh/internal/forward"
	"suluh.example/suluh/internal/forward/open311"
	"suluh.example/suluh/internal/forward/queuetest"
	"suluh.example/suluh/internal/report"
)

const reference = queuetest.Reference

var (
	must   = queuetest.Must
	secret = queuetest.Secret
)

func config(t testing.TB, s *queuetest.Server) open311.Config {
	t.Helper()
	return open311.Config{
		Base: s.URL, APIKeyFile: secret(t, queuetest.Key), Jurisdiction: "kalsel", ServiceCode: map[string]string{"default": "UMUM", "information": "INFO", "general/pungli": "ASPIRASI"},
		Address: "Banjarbaru", Lookup: true, LookupComplete: true, Link: "https://antrean.example/{id}", Fields: map[string]string{"attribute[UNIT]": "63"},
	}
}

func connect(t testing.TB, cfg open311.Config) (*open311.Connector, error) {
	t.Helper()
	return open311.New(cfg, queuetest.Client(t))
}

// TestFields: what is sent is what is configured, the text and our reference, and
// nothing else.
func TestFields(t *testing.T) {
	s := queuetest.NewOpen311(t)
	c, err := connect(t, config(t, s))
	must(t, err)
	for i, x := range []struct {
		class    report.Class
		category report.Category
		code     string
	}{{"general", "pungli", "ASPIRASI"}, {"general", "suap", "UMUM"}, {"information", "", "INFO"}} {
		f := queuetest.Complaint(t)
		f.Class, f.Category = x.class, x.category
		sent, err := c.Send(t.Context(), f)
		must(t, err)
		got := s.Taken()[i]
		want := map[string]string{
			"api_key": queuetest.Key, "jurisdiction_id": "kalsel", "address_string": "Banjarbaru", "attribute[UNIT]": "63",
			"service_code": x.code, "description": f.Title + "\n\n" + f.Text + "\n\nRef. " + reference,
		}
		if !maps.Equal(got.Fields, want) {
			t.Errorf("sent %v, not %v", got.Fields, want)
		}
		if sent.Link != "https://antrean.example/"+got.ID {
			t.Errorf("link %q", sent.Link)
		}
	}
}

// TestLimits: what the standard doesn't take is refused before anything is sent,
// to the character.
func TestLimits(t *testing.T) {
	s := queuetest.NewOpen311(t)
	c, err := connect(t, config(t, s))
	must(t, err)
	f := queuetest.Complaint(t)
	around := utf8.RuneCountInString(f.Title + "\n\n\n\nRef. " + reference)
	f.Text = strings.Repeat("ä", 4000-around)
	if _, err := c.Send(t.Context(), f); err != nil {
		t.Errorf("4,000 characters: %v", err)
	}
	var refused *forward.Refused
	f.Text += "ä"
	if _, err := c.Send(t.Context(), f); !errors.As(err, &refused) || !strings.Contains(err.Error(), "by 1 character") {
		t.Errorf("4,001 characters: %v", err)
	}
	f.Text = "Isi <b>tebal</b>"
	if _, err := c.Send(t.Context(), f); !errors.As(err, &refused) {
		t.Errorf("HTML: %v", err)
	}
	if n := len(s.Taken()); n != 1 {
		t.Errorf("%d were sent", n)
	}
}

// TestRefused: the approver is told the queue's own words.
func TestRefused(t *testing.T) {
	s := queuetest.NewOpen311(t)
	cfg := config(t, s)
	cfg.ServiceCode = map[string]string{"default": "TIDAKADA"}
	c, err := connect(t, cfg)
	must(t, err)
	var refused *forward.Refused
	if _, err := c.Send(t.Context(), queuetest.Complaint(t)); !errors.As(err, &refused) || refused.Reason != "The service_code was not found" {
		t.Errorf("%v", err)
	}
}

// TestTokens: a number that the queue gives later is got later, by the ticket.
func TestTokens(t *testing.T) {
	s := queuetest.NewOpen311(t)
	s.Tokens(true)
	c, err := connect(t, config(t, s))
	must(t, err)
	sent, err := c.Send(t.Context(), queuetest.Complaint(t))
	if err != nil || !strings.HasPrefix(sent.Tracking, forward.Ticket) || sent.Link != "" {
		t.Fatalf("%+v, %v", sent, err)
	}
	if st, err := c.Status(t.Context(), sent.Tracking, reference); err != nil || st.Tracking != sent.Tracking || st.Word != "" || st.Final {
		t.Errorf("not yet: %+v, %v", st, err)
	}
	s.Resolve()
	id := s.Taken()[0].ID
	s.Set(id, "closed", "Sudah diperbaiki.")
	st, err := c.Status(t.Context(), sent.Tracking, reference)
	if err != nil || st.Tracking != id || st.Status != report.Closed || !st.Final || st.Answer != "Sudah diperbaiki." || st.Link != "https://antrean.example/"+id {
		t.Errorf("resolved: %+v, %v", st, err)
	}
	if _, err := c.Status(t.Context(), forward.Ticket+"lain", reference); err == nil {
		t.Error("a ticket that the queue doesn't know has a status")
	}
}

// TestLookup: ours is found among thousands, where lists are cut; and what isn't
// in the list is only missing if the list is known to have all.
func TestLookup(t *testing.T) {
	s := queuetest.NewOpen311(t)
	c, err := connect(t, config(t, s))
	must(t, err)
	s.Fill(2500)
	if found, err := c.Find(t.Context(), reference); !errors.Is(err, forward.ErrNotFound) {
		t.Errorf("among those of others: %+v, %v", found, err)
	}
	sent, err := c.Send(t.Context(), queuetest.Complaint(t))
	must(t, err)
	s.Age(sent.Tracking, 30*time.Hour)
	s.Fill(1500)
	if found, err := c.Find(t.Context(), strings.ToUpper(reference)); err != nil || found.Tracking != sent.Tracking {
		t.Errorf("ours is %s, found %+v, %v", sent.Tracking, found, err)
	}
	// Who speaks of a part of our reference isn't us.
	if found, err := c.Find(t.Context(), "zzzz"+reference); !errors.Is(err, forward.ErrNotFound) {
		t.Errorf("another reference: %+v, %v", found, err)
	}

	cfg := config(t, s)
	cfg.LookupComplete = false
	incomplete, err := connect(t, cfg)
	must(t, err)
	if _, err := incomplete.Find(t.Context(), "lain"+reference); !errors.Is(err, forward.ErrNoLookup) {
		t.Errorf("a list that may leave some out: %v", err)
	}
	s.Hide()
	if _, err := c.Find(t.Context(), reference); !errors.Is(err, forward.ErrNoLookup) {
		t.Errorf("a list without descriptions: %v", err)
	}
	cfg.Lookup = false
	none, err := connect(t, cfg)
	must(t, err)
	if _, err := none.Find(t.Context(), reference); !errors.Is(err, forward.ErrNoLookup) {
		t.Errorf("without a look-up: %v", err)
	}
	if _, err := none.Status(t.Context(), "", reference); !errors.Is(err, forward.ErrNoLookup) {
		t.Errorf("the status without a number and a look-up: %v", err)
	}
}

// TestConfig: what is missing or wrong is named.
func TestConfig(t *testing.T) {
	s := queuetest.NewOpen311(t)
	north, far := -3.44, 214.8
	for key, change := range map[string]func(*open311.Config){
		"base":            func(c *open311.Config) { c.Base = "" },
		"api_key_file":    func(c *open311.Config) { c.APIKeyFile = "" },
		"service_code":    func(c *open311.Config) { c.ServiceCode = nil },
		"address_string":  func(c *open311.Config) { c.Address = "" },
		"lat, long":       func(c *open311.Config) { c.Lat = &north },
		"lat":             func(c *open311.Config) { c.Lat, c.Long = &north, &far },
		"fields.email":    func(c *open311.Config) { c.Fields = map[string]string{"email": "x"} },
		"status":          func(c *open311.Config) { c.Status = map[string]string{"open": "buka"} },
		"link":            func(c *open311.Config) { c.Link = "https://antrean.example/" },
		"lookup_complete": func(c *open311.Config) { c.Lookup = false },
		"lookup_days":     func(c *open311.Config) { c.LookupDays = -1 },
	} {
		cfg := config(t, s)
		change(&cfg)
		if _, err := connect(t, cfg); err == nil || !strings.HasPrefix(err.Error(), key) {
			t.Errorf("%s: %v", key, err)
		}
	}
	cfg := config(t, s)
	long := 114.83
	cfg.Address, cfg.Lat, cfg.Long = "", &north, &long
	c, err := connect(t, cfg)
	must(t, err)
	_, err = c.Send(t.Context(), queuetest.Complaint(t))
	must(t, err)
	if f := s.Taken()[0].Fields; f["lat"] != "-3.44" || f["long"] != "114.83" || slices.Contains(slices.Collect(maps.Keys(f)), "address_string") {
		t.Errorf("sent %v", f)
	}
}
