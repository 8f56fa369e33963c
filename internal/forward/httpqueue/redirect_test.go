package httpqueue_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"suluh.example/suluh/internal/forward"
	"suluh.example/suluh/internal/forward/httpqueue"
	"suluh.example/suluh/internal/forward/queuetest"
)

// TestRedirect: a form's redirect tells what became of a complaint where the
// configuration says how, and only within the queue's origin; it is never followed.
func TestRedirect(t *testing.T) {
	var code int
	var location string
	asked := map[string]int{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked[r.Method+" "+r.URL.Path]++
		if location != "" {
			w.Header().Set("Location", location)
		}
		w.WriteHeader(code)
		_, _ = io.WriteString(w, "<p>Moved</p>")
	}))
	defer s.Close()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked["elsewhere"]++ }))
	defer elsewhere.Close()
	cfg := httpqueue.Config{
		Base: s.URL + "/app", Link: "https://antrean.example/{id}",
		Send: httpqueue.Send{Path: "aduan", Form: map[string]string{"t": "{{.Title}}"}},
	}
	if _, err := connect(t, cfg); err == nil || !strings.HasPrefix(err.Error(), "send.id: ") {
		t.Errorf("with neither an id nor redirects: %v", err)
	}
	cfg.Send.Redirect = &httpqueue.Redirect{ID: `^/app/aduan/([^/?]+)(?:\?|$)`, Refused: `[?&]galat=`}
	for _, bad := range []httpqueue.Redirect{{}, {ID: "("}, {ID: "x"}, {ID: "(x)(y)"}, {ID: "(x)", Refused: "("}} {
		c := cfg
		c.Send.Redirect = &bad
		if _, err := connect(t, c); err == nil || !strings.HasPrefix(err.Error(), "send.redirect.") {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	form, err := connect(t, cfg)
	must(t, err)
	cfg.Send.ID = "id"
	cfg.Send.Redirect = nil
	plain, err := connect(t, cfg)
	must(t, err)
	for _, x := range []struct {
		code     int
		location string
		want     string
	}{
		{303, "/app/aduan/1234567", "sent 1234567"},
		{302, "aduan/1234567?baru=1", "sent 1234567"}, // beside /app/aduan
		{301, s.URL + "/app/aduan/A-7", "sent A-7"},
		{303, strings.ToUpper(s.URL[:4]) + s.URL[4:] + "/app/aduan/8#atas", "sent 8"},
		{303, "/app/aduan/1234567?galat=judul", "refused"},
		{303, "/app/aduan?galat=1", "refused"},
		{303, "/app/masuk", "unknown"},
		{303, "/app/aduan/", "unknown"},
		{303, "/app/aduan/%3Cscript%3E", "unknown"}, // no number
		{303, "/app/aduan/" + strings.Repeat("7", 65), "unknown"},
		{303, elsewhere.URL + "/app/aduan/1234567", "unknown"},
		{303, "//" + strings.TrimPrefix(elsewhere.URL, "http://") + "/app/aduan/1234567", "unknown"},
		{303, strings.Replace(s.URL, "http:", "https:", 1) + "/app/aduan/1234567", "unknown"},
		{303, strings.Replace(s.URL, "//", "//nama@", 1) + "/app/aduan/1234567", "unknown"},
		{303, "javascript:/app/aduan/1234567", "unknown"},
		{303, ":", "unknown"},
		{303, "", "unknown"},
		{300, "/app/aduan/1234567", "unknown"},
		{307, "/app/aduan/1234567", "not sent"}, // the form wants it elsewhere
		{308, "/app/aduan/1234567", "not sent"},
		{200, "/app/aduan/1234567", "unknown"}, // a page
		{500, "/app/aduan/1234567", "unknown"},
	} {
		code, location = x.code, x.location
		outcome := func(c *httpqueue.Connector) string {
			sent, err := c.Send(t.Context(), queuetest.Complaint(t))
			var refused *forward.Refused
			var notSent *forward.NotSent
			switch {
			case err == nil && sent.Link != "https://antrean.example/"+sent.Tracking:
				return "link " + sent.Link
			case err == nil:
				return "sent " + sent.Tracking
			case errors.As(err, &refused):
				return "refused"
			case errors.As(err, &notSent):
				return "not sent"
			}
			return "unknown"
		}
		if got := outcome(form); got != x.want {
			t.Errorf("%d to %q: %s, not %s", x.code, x.location, got, x.want)
		}
		if got := outcome(plain); got != "unknown" && got != "not sent" {
			t.Errorf("%d to %q without its being configured: %s", x.code, x.location, got)
		}
	}
	if len(asked) != 1 || asked["POST /app/aduan"] == 0 {
		t.Errorf("followed: %v", asked)
	}
}
