package lang_test

import (
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/BurntSushi/toml"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/internal/lang"
	"suluh.example/suluh/internal/report"
)

func load(t *testing.T) *lang.Catalogue {
	t.Helper()
	c, err := lang.Load()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestLanguagesSayTheSame: the messages of a file are in the file of every
// other language, none is empty, and each has the same values put in. A
// language with more plural forms may leave the number out of one.
func TestLanguagesSayTheSame(t *testing.T) {
	names, err := fs.Glob(lang.Files, "*.id.toml")
	if err != nil || len(names) == 0 {
		t.Fatal("no catalogues", err)
	}
	value := regexp.MustCompile(`\{\{\.(\w+)\}\}`)
	read := func(name string) map[string][]string {
		var m map[string]any
		if _, err := toml.DecodeFS(lang.Files, name, &m); err != nil {
			t.Fatal(err)
		}
		values := map[string][]string{}
		for key, v := range m {
			forms, ok := v.(map[string]any)
			if !ok {
				forms = map[string]any{"other": v}
			}
			for form, s := range forms {
				s, _ := s.(string)
				if strings.TrimSpace(s) == "" || s != strings.TrimSpace(s) {
					t.Errorf("%s: %s is empty or has space around it", name, key)
				}
				if strings.Contains(s, "<") || strings.Contains(s, "&") && strings.Contains(s, ";") {
					t.Errorf("%s: %s has markup", name, key)
				}
				if form == "other" {
					for _, v := range value.FindAllStringSubmatch(s, -1) {
						values[key] = append(values[key], v[1])
					}
					slices.Sort(values[key])
					values[key] = slices.Compact(append(values[key], ""))
				}
			}
		}
		return values
	}
	for _, name := range names {
		surface, _, _ := strings.Cut(name, ".")
		want := read(name)
		for key := range want {
			if surface != "common" && !strings.HasPrefix(key, surface+".") {
				t.Errorf("%s: key %s lacks the surface's prefix", name, key)
			}
		}
		for _, l := range load(t).Languages() {
			got := read(surface + "." + l.Code() + ".toml")
			if !maps.EqualFunc(got, want, slices.Equal[[]string]) {
				for key := range want {
					if !slices.Equal(got[key], want[key]) {
						t.Errorf("%s in %s: %s has the values %q, want %q", surface, l.Code(), key, got[key], want[key])
					}
				}
				if len(got) != len(want) {
					t.Errorf("%s in %s: %d messages, want %d", surface, l.Code(), len(got), len(want))
				}
			}
		}
	}
}

// TestWhatIsMissingIsRefused: a language that lacks a message, or has an empty
// one, doesn't load.
func TestWhatIsMissingIsRefused(t *testing.T) {
	for name, en := range map[string]string{
		"missing":                   `"uji.a" = "a"`,
		"empty":                     "\"uji.a\" = \"a\"\n\"uji.b\" = \"\"",
		"of spaces":                 "\"uji.a\" = \"a\"\n\"uji.b\" = \" \"",
		"without the general form":  "\"uji.a\" = \"a\"\n\"uji.b\" = { one = \"b\" }",
		"more than Bahasa, so that": "\"uji.a\" = \"a\"\n\"uji.b\" = \"b\"\n\"uji.c\" = \"c\"",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := lang.LoadFrom(fstest.MapFS{
				"uji.id.toml": {Data: []byte("\"uji.a\" = \"a\"\n\"uji.b\" = \"b\"")},
				"uji.en.toml": {Data: []byte(en)},
			})
			if err == nil {
				t.Error("it was loaded")
			}
		})
	}
}

// TestALanguageIsAddedByItsFiles, also one whose plural rules nobody has.
func TestALanguageIsAddedByItsFiles(t *testing.T) {
	c, err := lang.LoadFrom(fstest.MapFS{
		"uji.en.toml":  {Data: []byte("\"uji.files\" = { one = \"{{.N}} file\", other = \"{{.N}} files\" }\n\"uji.word\" = \"word {{.N}}\"")},
		"uji.bjn.toml": {Data: []byte("\"uji.files\" = \"{{.N}} barakas\"\n\"uji.word\" = \"kata {{.N}}\"")},
		"uji.id.toml":  {Data: []byte("\"uji.files\" = \"{{.N}} berkas\"\n\"uji.word\" = \"kata {{.N}}\"")},
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, l := range c.Languages() {
		got = append(got, l.Code(), l.T("uji.files", "N", 1), l.T("uji.files", "N", 2), l.Path("/lapor"))
	}
	want := []string{"id", "1 berkas", "2 berkas", "/lapor", "bjn", "1 barakas", "2 barakas", "/bjn/lapor", "en", "1 file", "2 files", "/en/lapor"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	// A message may have one form for all numbers, whatever the language.
	if got := c.Language("en").T("uji.word", "N", 1); got != "word 1" {
		t.Errorf("got %q", got)
	}
}

// TestTexts: a script gets messages as they are, in all their forms.
func TestTexts(t *testing.T) {
	c, err := lang.LoadFrom(fstest.MapFS{
		"uji.en.toml": {Data: []byte("\"uji.files\" = { one = \"{{.N}} file\", other = \"{{.N}} files\" }\n\"uji.a\" = \"x {{.Name}}\"\n\"lain.a\" = \"b\"")},
		"uji.id.toml": {Data: []byte("\"uji.files\" = \"{{.N}} berkas\"\n\"uji.a\" = \"y {{.Name}}\"\n\"lain.a\" = \"b\"")},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []lang.Text{{"uji.a", "", "x {{.Name}}"}, {"uji.files", "", "{{.N}} files"}, {"uji.files", "one", "{{.N}} file"}}
	if got := c.Language("en").Texts("uji."); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if got := c.First().Texts("lain.", "uji.f"); len(got) != 2 || got[0].Key != "lain.a" {
		t.Errorf("got %q", got)
	}
}

func TestEveryStatusAndCategoryHasAName(t *testing.T) {
	for _, l := range load(t).Languages() {
		for _, s := range report.Statuses() {
			if !l.Has("status." + string(s)) {
				t.Errorf("%s: status %s", l.Code(), s)
			}
		}
		for _, c := range report.Categories() {
			if !l.Has("category." + string(c)) {
				t.Errorf("%s: category %s", l.Code(), c)
			}
		}
	}
}

func TestWrittenForms(t *testing.T) {
	c := load(t)
	day, err := id.ParseDay("2026-11-24")
	if err != nil {
		t.Fatal(err)
	}
	wita := time.FixedZone("WITA", 8*60*60)
	at := time.Date(2026, 11, 24, 2, 12, 0, 0, time.UTC)
	for _, x := range []struct{ got, want string }{
		{c.First().Day(day), "24 November 2026"},
		{c.First().Day(id.Day{}), ""},
		{c.First().Time(at, wita), "24 November 2026, 10.12 WITA"},
		{c.Language("en").Time(at, wita), "24 November 2026, 10:12 WITA"},
		{c.First().Number(48213), "48.213"},
		{c.First().Number(-1000000), "−1.000.000"},
		{c.First().Number(999), "999"},
		{c.Language("en").Number(48213), "48,213"},
		{c.First().Bytes(812), "812 byte"},
		{c.Language("en").Bytes(1), "1 byte"},
		{c.First().Bytes(1 << 10), "1 KB"},
		{c.First().Bytes(1536 << 10), "1,5 MB"},
		{c.First().Bytes(1 << 30), "1 GB"},
		{c.First().Bytes(1<<30 - 1), "1.023 MB"},
		{c.Language("en").Bytes(1536 << 20), "1.5 GB"},
		{c.Language("xx").Code(), "id"},
		{c.First().T("tidak.ada"), "[tidak.ada]"},
	} {
		if x.got != x.want {
			t.Errorf("got %q, want %q", x.got, x.want)
		}
	}
}

func TestPaths(t *testing.T) {
	c := load(t)
	for p, want := range map[string][2]string{
		"/": {"id", "/"}, "/lapor": {"id", "/lapor"}, "/en": {"en", "/"}, "/en/": {"en", "/"},
		"/en/lapor/tulis": {"en", "/lapor/tulis"}, "/entah": {"id", "/entah"}, "/id/lapor": {"id", "/id/lapor"},
	} {
		if l, rest := c.FromPath(p); l.Code() != want[0] || rest != want[1] {
			t.Errorf("%s: got %s of %s", p, rest, l.Code())
		}
	}
}

// TestReportersReadPlainWords: sentences that somebody frightened, or who has
// Indonesian as a second language, can follow.
func TestReportersReadPlainWords(t *testing.T) {
	const most = 15
	sentence := regexp.MustCompile(`[^.?!:;]+`)
	hard := regexp.MustCompile(`(?i)\b(mohon|dimohon|silakan|silahkan|valid|error|upload|submit|klik|click|please|invalid)\b`)
	for _, name := range []string{"intake.id.toml", "intake.en.toml"} {
		b, err := fs.ReadFile(lang.Files, name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(b)) {
			_, text, ok := strings.Cut(line, " = ")
			if !ok {
				continue
			}
			if w := hard.FindString(text); w != "" {
				t.Errorf("%s has %q: %s", name, w, line)
			}
			for _, s := range sentence.FindAllString(strings.ReplaceAll(text, "{{.", "{{"), -1) {
				if n := len(strings.Fields(s)); n > most {
					t.Errorf("%s has a sentence of %d words: %s", name, n, s)
				}
			}
		}
	}
}

// TestForeignTextIsHarmless: whatever a text has in it, what stands around it
// looks as it should.
func TestForeignTextIsHarmless(t *testing.T) {
	for in, want := range map[string]string{
		"laporan.pdf":         "laporan.pdf",
		"a\x00b\x1b[31m\r\n":  "a␀b␛[31m␍␊",
		"foto\u202egpj.exe":   "foto�gpj.exe",
		"satu\u2028dua\u0085": "satu�dua�",
		"\xff":                "�",
		"שלום":                "\u2068שלום\u2069",
		"\u2069שלום":          "\u2068�שלום\u2069",
	} {
		if got := lang.Visible(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
	if got := lang.VisibleText("satu\n\tdua\x00"); got != "satu\n\tdua␀" {
		t.Errorf("lines: got %q", got)
	}
	if got := load(t).First().T("page.problem.prefix", "Title", "a\u202eb"); strings.ContainsRune(got, '\u202e') {
		t.Errorf("in a message: got %q", got)
	}
}
