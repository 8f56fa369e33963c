package reporter_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/internal/lang"
	"suluh.example/suluh/internal/metadata"
	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/internal/reporter"
	"suluh.example/suluh/internal/submission"
	"suluh.example/suluh/internal/testvault"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestReadForm(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want error
		what string
	}{
		"all fields":            {string(reporter.Example()), nil, "Perjalanan dinas dibayar dua kali."},
		"nothing":               {`{}`, nil, ""},
		"with a mark before":    {"\ufeff" + `{"apa": "a"}`, nil, "a"},
		"with line ends":        {`{"apa": "a\r\nb\u001b[2J\tc\u0000 "}`, nil, "a\nb[2J\tc"},
		"a field that isn't":    {`{"apa": "a", "nama": "b"}`, reporter.ErrField, ""},
		"a category that isn't": {`{"jenis": "makar"}`, reporter.ErrCategory, ""},
		"another kind of value": {`{"apa": ["a"]}`, reporter.ErrJSON, ""},
		"not an object":         {`[]`, reporter.ErrJSON, ""},
		"two objects":           {`{} {}`, reporter.ErrJSON, ""},
		"no JSON":               {`apa: a`, reporter.ErrJSON, ""},
		"nothing at all":        {``, reporter.ErrJSON, ""},
		"as Windows may write":  {"\xff\xfe{\x00}\x00", reporter.ErrNotUTF8, ""},
		"too much":              {`{"apa": "` + strings.Repeat("a", report.MaxText+1) + `"}`, reporter.ErrTooLong, ""},
		"far too much":          {`{"apa": "` + strings.Repeat("a", 9<<20) + `"}`, reporter.ErrTooLong, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := reporter.ReadForm(strings.NewReader(c.text))
			if !errors.Is(err, c.want) || err == nil && f.What != c.what {
				t.Errorf("got %q, %v, want %q, %v", f.What, err, c.what, c.want)
			}
			if err != nil && strings.Contains(err.Error(), "makar") {
				t.Error("what was typed is in the error")
			}
		})
	}
}

// TestAddresses: what people copy leads to a service, or says why not, before
// anything is asked of anybody.
func TestAddresses(t *testing.T) {
	w := testvault.New(t)
	for _, c := range []struct {
		server, socks string
		want          error
	}{
		{"http://suluh.onion", "", reporter.ErrOnion},
		{"SULUH.ONION/lapor", "", reporter.ErrOnion},
		{"suluh.onion:8080", "", reporter.ErrOnion},
		{"http://suluh.onion.", "", reporter.ErrOnion},
		{"suluh.onion", "127.0.0.1", reporter.ErrSocks},
		{"suluh.onion", "socks5://127.0.0.1:9050", reporter.ErrSocks},
		{"suluh.onion", "http://127.0.0.1:9050", reporter.ErrSocks},
		{"suluh.onion", "u:p@127.0.0.1:9050", reporter.ErrSocks},
		{"suluh.onion", "127.0.0.1:1", reporter.ErrProxy},
		{"suluh.onion", "socks5h://127.0.0.1:1/", reporter.ErrProxy},
		{"ftp://lapor.example", "", reporter.ErrAddress},
		{"https://u:p@lapor.example", "", reporter.ErrAddress},
		{"https://", "", reporter.ErrAddress},
		{"", "", reporter.ErrAddress},
		{"127.0.0.1:1", "", reporter.ErrNetwork},
		{"localhost:1/en/lapor?x=y#z", "", reporter.ErrNetwork},
	} {
		if _, err := reporter.Connect(t.Context(), c.server, c.socks, w.Root, time.Now()); !errors.Is(err, c.want) {
			t.Errorf("%s by %q: got %v, want %v", c.server, c.socks, err, c.want)
		}
	}
}

// TestForwarded: the reporter is told the main queue's own days, and its answer
// with the number and the address under which anybody finds the complaint.
func TestForwarded(t *testing.T) {
	catalogue, err := lang.Load()
	must(t, err)
	clock, err := report.ParseClock("zone = \"UTC\"\n[queue]\nverify = 21\nanswer = 22\ndone = 23\n")
	must(t, err)
	for _, l := range catalogue.Languages() {
		var b strings.Builder
		x := reporter.Case{Status: report.Forwarded, Messages: []reporter.Message{{ID: "00000000", From: "Antrean", Text: "Nomor 1234567, https://antrean.example/pengaduan/1234567"}}}
		x.Write(&b, l, clock, id.Day{})
		for _, want := range []string{"21", "22", "23", "SP4N-LAPOR!", "Nomor 1234567, https://antrean.example/pengaduan/1234567"} {
			if !strings.Contains(b.String(), want) {
				t.Errorf("%s: no %q in %q", l.Code(), want, b.String())
			}
		}
	}
}

// TestEveryErrorHasWords, in every language, and something to do.
func TestEveryErrorHasWords(t *testing.T) {
	catalogue, err := lang.Load()
	must(t, err)
	for _, l := range catalogue.Languages() {
		for _, w := range []submission.Warning{submission.BadCard, submission.SwappedKey, submission.MissingPart, submission.BadAnswer, submission.NotByYou} {
			var b strings.Builder
			(&reporter.Case{Warnings: []submission.Warning{w}}).Write(&b, l, report.Clock{}, id.Day{})
			if b.Len() < 10 || strings.Contains(b.String(), "[") {
				t.Errorf("%s: warning %s: %q", l.Code(), w, b.String())
			}
		}
		for _, w := range metadata.Whats() {
			if !l.Has("reporter.what." + string(w)) {
				t.Errorf("%s: no word for %s", l.Code(), w)
			}
		}
		for _, err := range reporter.Explained() {
			text, hint := reporter.Explain(l, err)
			if text == "" || hint == "" || strings.HasPrefix(text, "[") || strings.HasPrefix(hint, "[") {
				t.Errorf("%s: %v: %q, %q", l.Code(), err, text, hint)
			}
		}
	}
}
