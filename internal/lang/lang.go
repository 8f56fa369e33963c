// Package lang holds the words that people see, in every language, and the
// written forms of numbers, days and sizes.
//
// The catalogues are the files SURFACE.LANGUAGE.toml beside this one (go-i18n,
// a line a message, keys prefixed by the surface):
//
//	"intake.home.title" = "Laporkan dugaan korupsi"
//	"desk.inbox.title" = { one = "Inbox: {{.N}} needs action", other = "Inbox: {{.N}} need action" }
//
// A language is added by adding its files: no code knows how many there are.
// Bahasa Indonesia is always the first. [Load] refuses a language that lacks
// a message or leaves one empty, so that no page ever shows a gap.
//
// The package must never hold a rule of a surface, and never write markup: a
// message is plain text, and is escaped where it is shown.
package lang

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"

	"suluh.example/suluh/crypto/id"
)

//go:embed *.toml
var files embed.FS

// first is the language of those who don't choose one.
const first = "id"

// Catalogue is all languages, complete.
type Catalogue struct{ languages []*Language }

// Language is one of them. It is safe for concurrent use.
type Language struct {
	code      string
	localizer *i18n.Localizer
	keys      map[string]bool
	texts     []Text
}

// Text is a message as the catalogue has it, with {{.Name}} where a value is
// put in. Form is "" if it is the general one, and else the plural form as
// CLDR names it.
type Text struct{ Key, Form, Text string }

// Load reads the catalogues that are part of the program.
func Load() (*Catalogue, error) { return load(files) }

func load(files fs.FS) (*Catalogue, error) {
	names, err := fs.Glob(files, "*.toml")
	if err != nil {
		return nil, err
	}
	messages := map[string][]*i18n.Message{}
	for _, name := range names {
		b, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		f, err := i18n.ParseMessageFileBytes(b, name, map[string]i18n.UnmarshalFunc{"toml": toml.Unmarshal})
		if err != nil {
			return nil, fmt.Errorf("catalogue %s: %w", name, err)
		}
		code := strings.TrimPrefix(path.Ext(strings.TrimSuffix(name, ".toml")), ".")
		messages[code] = append(messages[code], f.Messages...)
	}
	if len(messages[first]) == 0 {
		return nil, errors.New("there is no catalogue of Bahasa Indonesia")
	}
	c := &Catalogue{}
	all := map[string]bool{}
	for _, code := range slices.Sorted(maps.Keys(messages)) {
		l, err := newLanguage(code, messages[code])
		if err != nil {
			return nil, err
		}
		maps.Copy(all, l.keys)
		if code == first {
			c.languages = slices.Insert(c.languages, 0, l)
		} else {
			c.languages = append(c.languages, l)
		}
	}
	for _, l := range c.languages {
		for _, key := range slices.Sorted(maps.Keys(all)) {
			if !l.keys[key] {
				return nil, fmt.Errorf("language %s has no text for %q", l.code, key)
			}
		}
	}
	return c, nil
}

func newLanguage(code string, messages []*i18n.Message) (*Language, error) {
	tag, err := language.Parse(code)
	if err != nil {
		return nil, fmt.Errorf("language %s: %w", code, err)
	}
	bundle := i18n.NewBundle(tag)
	if err := bundle.AddMessages(tag); err != nil {
		// No plural rules are known for it: those of Bahasa Indonesia, which
		// has one form for all numbers, serve the languages around it.
		tag = language.Indonesian
		bundle = i18n.NewBundle(tag)
	}
	l := &Language{code: code, localizer: i18n.NewLocalizer(bundle, tag.String()), keys: map[string]bool{}}
	for _, m := range messages {
		if l.keys[m.ID] {
			return nil, fmt.Errorf("language %s has two texts for %q", code, m.ID)
		}
		l.keys[m.ID] = strings.TrimSpace(m.Other) != ""
		for _, x := range []Text{{m.ID, "", m.Other}, {m.ID, "zero", m.Zero}, {m.ID, "one", m.One}, {m.ID, "two", m.Two}, {m.ID, "few", m.Few}, {m.ID, "many", m.Many}} {
			if x.Text != "" {
				l.texts = append(l.texts, x)
			}
		}
	}
	if err := bundle.AddMessages(tag, messages...); err != nil {
		return nil, fmt.Errorf("language %s: %w", code, err)
	}
	return l, nil
}

// Languages returns all languages, Bahasa Indonesia first.
func (c *Catalogue) Languages() []*Language { return c.languages }

// First returns Bahasa Indonesia.
func (c *Catalogue) First() *Language { return c.languages[0] }

// Language returns the language with the code, or Bahasa Indonesia.
func (c *Catalogue) Language(code string) *Language {
	for _, l := range c.languages {
		if l.code == code {
			return l
		}
	}
	return c.First()
}

// FromPath tells the language that a URL's path asks for, and the path within
// it: "/en/lapor" is "/lapor" in English. Bahasa Indonesia has no prefix.
func (c *Catalogue) FromPath(p string) (*Language, string) {
	for _, l := range c.languages[1:] {
		if rest, ok := strings.CutPrefix(p, "/"+l.code); ok && (rest == "" || rest[0] == '/') {
			return l, "/" + strings.TrimPrefix(rest, "/")
		}
	}
	return c.First(), p
}

// Code returns the BCP 47 code, as in lang=.
func (l *Language) Code() string { return l.code }

// Path returns the URL path of a page in this language: see FromPath.
func (l *Language) Path(p string) string {
	if l.code == first {
		return p
	}
	return "/" + l.code + p
}

// Texts returns the messages whose keys begin with one of the prefixes, sorted
// by key, for a script that puts the values in itself.
func (l *Language) Texts(prefixes ...string) (all []Text) {
	for _, x := range l.texts {
		if slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(x.Key, p) }) {
			all = append(all, x)
		}
	}
	slices.SortStableFunc(all, func(a, b Text) int { return strings.Compare(a.Key, b.Key) })
	return all
}

// Has tells whether there is a message for the key.
func (l *Language) Has(key string) bool { return l.keys[key] }

// T returns the message for the key, with the values put in that follow as
// pairs of name and value. "N" also chooses the plural form. Numbers and days
// are written as the language writes them; texts are made harmless by
// [Visible], since most come from people. A key that isn't there comes back
// in brackets.
func (l *Language) T(key string, pairs ...any) string {
	c := &i18n.LocalizeConfig{MessageID: key}
	if len(pairs) > 0 {
		data := map[string]any{}
		for i := 0; i+1 < len(pairs); i += 2 {
			name, _ := pairs[i].(string)
			switch v := pairs[i+1].(type) {
			case int:
				data[name] = l.Number(int64(v))
				if name == "N" {
					c.PluralCount = v
				}
			case int64:
				data[name] = l.Number(v)
				if name == "N" {
					c.PluralCount = v
				}
			case id.Day:
				data[name] = l.Day(v)
			case string:
				data[name] = Visible(v)
			default:
				data[name] = Visible(fmt.Sprint(v))
			}
		}
		c.TemplateData = data
	}
	// It gives the general form for one that isn't there, and an error besides.
	s, err := l.localizer.Localize(c)
	if err != nil && s == "" {
		return "[" + key + "]"
	}
	return s
}

// Number writes 48213 as 48.213 or 48,213.
func (l *Language) Number(n int64) string {
	s := fmt.Sprint(n)
	sign := ""
	if n < 0 {
		sign, s = "−", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + l.T("format.thousands") + s[i:]
	}
	return sign + s
}

// Day writes 24 November 2026, or nothing for the zero Day.
func (l *Language) Day(d id.Day) string {
	if d.IsZero() {
		return ""
	}
	return l.date(d.Time(time.UTC))
}

// date writes the parts as texts: a year has no thousands.
func (l *Language) date(t time.Time) string {
	return l.T("format.day", "D", fmt.Sprint(t.Day()), "Month", l.T(fmt.Sprintf("month.%d", t.Month())), "Y", fmt.Sprint(t.Year()))
}

// Time writes 24 November 2026, 10.12 WITA.
func (l *Language) Time(t time.Time, zone *time.Location) string {
	t = t.In(zone)
	name, _ := t.Zone()
	return l.T("format.time", "Day", l.date(t), "H", fmt.Sprintf("%02d", t.Hour()), "M", fmt.Sprintf("%02d", t.Minute()), "Zone", name)
}

// Bytes writes a size: 812 byte, 1,5 MB. A MB has 1,024 KB, as phones and
// computers mostly count.
func (l *Language) Bytes(n int64) string {
	unit := []string{"KB", "MB", "GB", "TB"}
	if n < 1<<10 {
		return l.T("format.bytes", "N", n)
	}
	size, i := n*10/(1<<10), 0
	for size >= 10<<10 && i < len(unit)-1 {
		size, i = size>>10, i+1
	}
	s := l.Number(size / 10)
	if tenth := size % 10; tenth > 0 && size < 1000 {
		s += l.T("format.decimal") + fmt.Sprint(tenth)
	}
	return s + " " + unit[i]
}
