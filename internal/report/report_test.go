package report_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/note"
	"pgregory.net/rapid"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/internal/testkey"
)

func TestSignedDocuments(t *testing.T) {
	s, v, _ := testkey.New(t, "penelaah-satu")
	_, stranger, _ := testkey.New(t, "penelaah-satu")
	c := id.NewCase()
	text, err := report.Sign(report.Answer{V: 1, Case: c, Text: "baris satu\nbaris\tdua \u2028 akhir", Status: report.Verifying}, s)
	if err != nil {
		t.Fatal(err)
	}
	a, who, err := report.Open[report.Answer](text, c, note.VerifierList(v))
	if err != nil || who != "penelaah-satu" || a.Text != "baris satu\nbaris\tdua \u2028 akhir" {
		t.Fatalf("got %+v by %q, %v", a, who, err)
	}
	if _, _, err := report.Open[report.Answer](text, c, note.VerifierList(stranger)); err == nil {
		t.Error("a stranger's signature was accepted")
	}
	if _, _, err := report.Open[report.Note](text, c, note.VerifierList(v)); err == nil {
		t.Error("an answer was read as an internal note")
	}
	if _, _, err := report.Open[report.Answer](text, id.NewCase(), note.VerifierList(v)); err == nil {
		t.Error("an answer of one case was read in another")
	}
}

func TestTitleIsShortAndOnOneLine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		title := report.Report{What: rapid.String().Draw(t, "apa")}.Title()
		if utf8.RuneCountInString(title) > 81 || strings.ContainsAny(title, "\n\r\t\x00\x1b") {
			t.Fatalf("title %q", title)
		}
	})
}

func TestClock(t *testing.T) {
	c, err := report.DefaultClock()
	if err != nil {
		t.Fatal(err)
	}
	day := func(s string) id.Day {
		d, err := id.ParseDay(s)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	for _, x := range []struct {
		name       string
		status     report.Status
		since, due string
	}{
		{"over a weekend", report.Verifying, "2026-11-20", "2026-11-25"},
		{"from a Saturday", report.Verifying, "2026-11-21", "2026-11-25"},
		{"over Christmas", report.Verifying, "2026-12-24", "2026-12-30"},
		{"into the next year", report.Incomplete, "2026-12-21", "2027-01-06"},
	} {
		t.Run(x.name, func(t *testing.T) {
			if got := c.Due(x.status, day(x.since)); got != day(x.due) {
				t.Errorf("got %s, want %s", got, x.due)
			}
			if got, want := c.Left(day(x.since), day(x.due)), c.Days[x.status]; got != want {
				t.Errorf("left: got %d, want %d", got, want)
			}
		})
	}
	if got := c.Due(report.Closed, day("2026-11-20")); !got.IsZero() {
		t.Errorf("a closed case is due on %s", got)
	}
	if got := c.Left(day("2026-11-24"), day("2026-11-20")); got != -2 {
		t.Errorf("two working days late: got %d", got)
	}
}

// TestTheQueuesDays are those of the file, or else the built-in ones.
func TestTheQueuesDays(t *testing.T) {
	for text, want := range map[string]report.QueueDays{
		"": {Verify: 3, Answer: 5, Done: 14},
		"[queue]\nverify = 1\nanswer = 2\ndone = 30": {Verify: 1, Answer: 2, Done: 30},
	} {
		c, err := report.ParseClock("zone = \"UTC\"\n" + text)
		if err != nil || c.Queue != want {
			t.Errorf("%q: got %v, %v, want %v", text, c.Queue, err, want)
		}
	}
	for _, text := range []string{"[queue]\nverify = 3", "[queue]\nverify = 3\nanswer = 0\ndone = 14", "[queue]\nverify = 3\nanswer = 5\ndone = 14\nlast = 1"} {
		if _, err := report.ParseClock("zone = \"UTC\"\n" + text); err == nil {
			t.Errorf("%q is a clock", text)
		}
	}
}

func TestEveryStatusWithAClockCanEnd(t *testing.T) {
	c, err := report.DefaultClock()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range report.Statuses() {
		if _, ok := c.Days[s]; ok == s.Ended() {
			t.Errorf("status %s: has a clock %t, has ended %t", s, ok, s.Ended())
		}
	}
}

func TestSuggestsTheCompetentUnit(t *testing.T) {
	r := &roster.Roster{Units: []roster.Unit{
		{ID: "itprov", Positions: []string{"Kepala Dinas", "Bupati", "Wali Kota", "Sekretaris Daerah"}},
		{ID: "itjen", Positions: []string{"Sekretaris Daerah Provinsi", "Inspektur Provinsi"}},
		{ID: "itkab", Positions: []string{"Camat", "Kepala Desa"}},
	}}
	for who, want := range map[string]string{
		"kepala dinas pekerjaan umum":            "itprov",
		"Walikota dan ajudannya":                 "itprov",
		"SEKDA PROV. yang lama":                  "itjen itprov", // the longer position first
		"pambakal, dan camat juga ikut":          "itkab",
		"bendahara":                              "",
		"camatan":                                "", // a word of its own
		"Kadis\nPendidikan; kades ikut menerima": "itprov itkab",
		"":                                       "",
	} {
		var got []string
		for _, u := range report.Suggest(r, report.Report{Who: who}) {
			got = append(got, string(u))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: got %q, want %q", who, got, want)
		}
	}
}

// TestOlderStatesAreRead: a state from before cases had a class has none.
func TestOlderStatesAreRead(t *testing.T) {
	s, v, _ := testkey.New(t, "penelaah-satu")
	c := id.NewCase()
	msg, err := note.Sign(&note.Note{Text: "suluh.example/state/v1\n" + `{"v":1,"case":"` + string(c) + `","title":"Judul","status":"verifying","since":"2026-11-20","time":"2026-11-20T02:00:00Z"}` + "\n"}, s)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(map[string]string{"signed": string(msg)})
	if err != nil {
		t.Fatal(err)
	}
	d, _, err := report.Open[report.State](text, c, note.VerifierList(v))
	if err != nil || d.Title != "Judul" || d.Status != report.Verifying || d.Class != "" || d.Unit != "" || d.SameAs != "" {
		t.Errorf("got %+v, %v", d, err)
	}
}
