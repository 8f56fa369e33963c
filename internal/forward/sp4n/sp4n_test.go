package sp4n_test

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"suluh.example/suluh/internal/forward"
	"suluh.example/suluh/internal/forward/queue"
	"suluh.example/suluh/internal/forward/queuetest"
	"suluh.example/suluh/internal/forward/sp4n"
	"suluh.example/suluh/internal/report"
)

const reference = queuetest.Reference

var (
	must   = queuetest.Must
	secret = queuetest.Secret
)

func config(t testing.TB, s *queuetest.Server) sp4n.Config {
	t.Helper()
	yes, no := true, false
	return sp4n.Config{
		Base: s.URL + "/", SendPath: "/complaints/complaint-lmw", AuthFile: secret(t, "Bearer "+queuetest.Key), TokenFile: secret(t, "token-"+queuetest.Key),
		Channel: int64(13), UserID: int64(4711), LocationID: "6300", Tags: "wbs", Anonymous: &yes, Secret: &no,
		Classification: map[string]any{"general": int64(1), "aspiration": int64(2), "information": int64(3)},
		Category:       map[string]any{"default": int64(90), "pungli": "91"}, Disposition: map[string]any{"default": int64(5), "information": int64(6)},
		Link: "https://www.lapor.go.id/pengaduan/{id}", Lookup: "complaints/search?q={reference}", LookupComplete: true,
	}
}

func connect(t testing.TB, cfg sp4n.Config) (*sp4n.Connector, error) {
	t.Helper()
	return sp4n.New(cfg, queuetest.Client(t))
}

// TestFields: what is sent is what is configured, the text and our reference, and
// nothing else: no attachment, and a date only if it is asked for.
func TestFields(t *testing.T) {
	s := queuetest.NewSP4N(t)
	f := queuetest.Complaint(t)
	f.Class = "aspiration"
	want := map[string]string{
		"title": f.Title, "content": f.Text + "\n\nRef. " + reference, "channel": "13", "user_id": "4711", "location_id": "6300", "classification_id": "2",
		"category_id": "91", "disposition_id": "5", "tags_raw": "wbs", "is_anonymous": "true", "is_secret": "false", "is_priority": "false",
	}
	cfg := config(t, s)
	c, err := connect(t, cfg)
	must(t, err)
	sent, err := c.Send(t.Context(), f)
	must(t, err)
	if got := s.Taken()[0]; !maps.Equal(got.Fields, want) || sent.Tracking != got.ID || sent.Link != "https://www.lapor.go.id/pengaduan/"+got.ID {
		t.Errorf("sent %v, not %v; %+v", got.Fields, want, sent)
	}
	cfg.Date = "approval"
	c, err = connect(t, cfg)
	must(t, err)
	_, err = c.Send(t.Context(), f)
	must(t, err)
	want["date_of_incident"] = "02-03-2026"
	if got := s.Taken()[1].Fields; !maps.Equal(got, want) {
		t.Errorf("with the day, sent %v, not %v", got, want)
	}
}

// TestStatus: each of the queue's statuses comes back as ours, with what was
// answered, in order and as plain text, each with who wrote it and the day.
func TestStatus(t *testing.T) {
	s := queuetest.NewSP4N(t)
	cfg := config(t, s)
	cfg.Status = map[string]string{"Menunggu Pelapor": "incomplete", "Dalam Proses": "investigating"}
	c, err := connect(t, cfg)
	must(t, err)
	sent, err := c.Send(t.Context(), queuetest.Complaint(t))
	must(t, err)
	for word, want := range map[string]forward.Status{
		"Belum Terverifikasi": {Status: report.Forwarded}, "Dalam Proses": {Status: report.Investigating}, "Selesai": {Status: report.Closed, Final: true},
		"Diarsipkan": {Status: report.Archived, Final: true}, "Ditolak": {Status: report.Rejected, Final: true}, "Menunggu Pelapor": {Status: report.Incomplete}, "Ditunda": {},
	} {
		s.Set(sent.Tracking, word, "<p>Loket sudah kami <b>tertibkan</b>.<script>x()</script></p>")
		want.Word, want.Tracking, want.Link = word, sent.Tracking, sent.Link
		want.Answer = "Admin Contoh (28-02-2026):\nSudah kami terima.\n\nDinas Contoh (05-03-2026):\nLoket sudah kami tertibkan."
		if st, err := c.Status(t.Context(), sent.Tracking, reference); err != nil || st != want {
			t.Errorf("%s: %+v, %v, not %+v", word, st, err, want)
		}
	}
	s.Expire(true)
	if _, err := c.Status(t.Context(), sent.Tracking, reference); !errors.Is(err, queue.ErrCredentials) {
		t.Errorf("expired: %v", err)
	}
}

// TestLookup: a queue whose search is not to be relied on says nothing certain.
func TestLookup(t *testing.T) {
	s := queuetest.NewSP4N(t)
	cfg := config(t, s)
	for _, x := range []struct {
		change func()
		want   error
	}{
		{func() {}, forward.ErrNotFound},
		{func() { cfg.LookupComplete = false }, forward.ErrNoLookup},
		{func() { cfg.Lookup = "" }, forward.ErrNoLookup},
	} {
		x.change()
		c, err := connect(t, cfg)
		must(t, err)
		if _, err := c.Find(t.Context(), reference); !errors.Is(err, x.want) {
			t.Errorf("%v, not %v", err, x.want)
		}
	}
	// A search that answers with others' complaints says nothing of ours.
	cfg = config(t, s)
	cfg.Lookup = "complaints/search?q=jalan&r={reference}"
	s.Fill(3)
	c, err := connect(t, cfg)
	must(t, err)
	if _, err := c.Find(t.Context(), reference); !errors.Is(err, forward.ErrNoLookup) {
		t.Errorf("others are found: %v", err)
	}
}

// TestConfig: what is missing or wrong is named.
func TestConfig(t *testing.T) {
	s := queuetest.NewSP4N(t)
	for key, change := range map[string]func(*sp4n.Config){
		"base":                      func(c *sp4n.Config) { c.Base = "http://antrean.example" },
		"send_path":                 func(c *sp4n.Config) { c.SendPath = "/" },
		"auth_file":                 func(c *sp4n.Config) { c.AuthFile = "" },
		"token_file":                func(c *sp4n.Config) { c.TokenFile = "/tidak/ada" },
		"channel":                   func(c *sp4n.Config) { c.Channel = nil },
		"user_id":                   func(c *sp4n.Config) { c.UserID = "" },
		"location_id":               func(c *sp4n.Config) { c.LocationID = 1.5 },
		"classification_id: has no": func(c *sp4n.Config) { delete(c.Classification, "aspiration") },
		"category_id":               func(c *sp4n.Config) { c.Category = nil },
		"disposition_id.default":    func(c *sp4n.Config) { c.Disposition["default"] = true },
		"is_anonymous":              func(c *sp4n.Config) { c.Anonymous = nil },
		"is_secret":                 func(c *sp4n.Config) { c.Secret = nil },
		"date_of_incident":          func(c *sp4n.Config) { c.Date = "now" },
		"status":                    func(c *sp4n.Config) { c.Status = map[string]string{"Baru": "baru"} },
		"link":                      func(c *sp4n.Config) { c.Link = "lapor.go.id/{id}" },
		"lookup":                    func(c *sp4n.Config) { c.Lookup = "complaints" },
		"lookup_complete":           func(c *sp4n.Config) { c.Lookup = "" },
	} {
		cfg := config(t, s)
		change(&cfg)
		if _, err := connect(t, cfg); err == nil || !strings.HasPrefix(err.Error(), key) {
			t.Errorf("%s: %v", key, err)
		}
	}
}
