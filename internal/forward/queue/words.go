package queue

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html"

	"suluh.example/suluh/internal/report"
)

// Decode reads an answer's JSON. The error is ErrPage or ErrAnswer and says
// nothing of what it was.
func Decode(a Answer, v any) error {
	if json.Unmarshal(a.Body, v) == nil {
		return nil
	}
	if a.page || strings.HasPrefix(strings.TrimSpace(string(a.Body[:min(len(a.Body), 512)])), "<") {
		return ErrPage
	}
	return ErrAnswer
}

// ID is a number of the queue's, which some write as a string and some as a
// number. What can't be one, null included, is "".
type ID string

// UnmarshalJSON never fails: an answer is not thrown away for it.
func (i *ID) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) != nil {
		var n json.Number
		if json.Unmarshal(b, &n) != nil {
			return nil
		}
		s = n.String()
	}
	*i = ID(Tracking(s))
	return nil
}

// Tracking returns a queue's number for a complaint if it can be one, and else
// "": up to 64 letters, digits and -_.:/#, at least one of them a letter or digit.
func Tracking(s string) string {
	s = strings.TrimSpace(s)
	letter := func(c rune) bool { return c < utf8.RuneSelf && (unicode.IsLetter(c) || unicode.IsDigit(c)) }
	if len(s) > 64 || !strings.ContainsFunc(s, letter) || strings.ContainsFunc(s, func(c rune) bool { return !letter(c) && !strings.ContainsRune("-_.:/#", c) }) {
		return ""
	}
	return s
}

// Line makes one line of what a queue said, at most 200 characters, without
// markup, control characters or credentials.
func (c *Client) Line(s string) string {
	const most = 200
	s = strings.Join(strings.Fields(c.Text(s)), " ")
	if utf8.RuneCountInString(s) > most {
		s = string([]rune(s)[:most-1]) + "…"
	}
	return s
}

// MostText is how many characters Text keeps.
const MostText = 8000

// Text makes plain text of what a queue said, which may be HTML: at most MostText
// characters, its newlines "\n".
func (c *Client) Text(s string) string {
	s = strings.ToValidUTF8(s, "\ufffd")
	if HasMarkup(s) {
		s = unmarked(s)
	}
	s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
	// Neither controls nor what turns the reading direction or isn't seen.
	s = strings.Map(func(c rune) rune {
		switch {
		case c == '\n':
			return c
		case c == '\t' || c == '\u2028' || c == '\u2029':
			return ' '
		case unicode.IsControl(c) || unicode.Is(unicode.Cf, c):
			return -1
		}
		return c
	}, s)
	s = strings.TrimSpace(c.scrub(s))
	if utf8.RuneCountInString(s) > MostText {
		s = string([]rune(s)[:MostText-1]) + "…"
	}
	return s
}

// HasMarkup tells whether a text has a tag or a comment of HTML in it.
func HasMarkup(s string) bool {
	for z := html.NewTokenizer(strings.NewReader(s)); ; {
		switch z.Next() {
		case html.ErrorToken:
			return false
		case html.StartTagToken, html.EndTagToken, html.SelfClosingTagToken, html.CommentToken, html.DoctypeToken:
			return true
		}
	}
}

func unmarked(s string) string {
	var b strings.Builder
	hidden := ""
	for z := html.NewTokenizer(strings.NewReader(s)); ; {
		kind := z.Next()
		switch kind {
		case html.ErrorToken:
			return b.String()
		case html.TextToken:
			if hidden == "" {
				b.WriteString(z.Token().Data)
			}
		case html.StartTagToken, html.EndTagToken, html.SelfClosingTagToken:
			name, _ := z.TagName()
			switch tag := string(name); tag {
			case "script", "style":
				if hidden = ""; kind == html.StartTagToken {
					hidden = tag
				}
			case "br", "p", "div", "li", "tr", "h1", "h2", "h3", "h4":
				b.WriteByte('\n')
			}
		}
	}
}

// Link returns an address that a person can follow, and else "".
func Link(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil || len(s) > 2000 ||
		strings.ContainsFunc(s, func(c rune) bool { return unicode.IsSpace(c) || unicode.IsControl(c) }) {
		return ""
	}
	return s
}

// LinkTo puts a number into a configured address with {id} in it; "" gives "".
func LinkTo(pattern, tracking string) string {
	if pattern == "" || tracking == "" {
		return ""
	}
	return Link(strings.ReplaceAll(pattern, "{id}", url.PathEscape(tracking)))
}

// CheckLink says what is wrong with such an address.
func CheckLink(key, pattern string) error {
	if pattern != "" && (!strings.Contains(pattern, "{id}") || LinkTo(pattern, "1") == "") {
		return fmt.Errorf("%s: not an address with {id} in it", key)
	}
	return nil
}

// Mark is the line by which a complaint is found again in its queue.
func Mark(reference string) string { return "Ref. " + reference }

// Statuses maps a queue's words to ours.
type Statuses map[string]report.Status

// NewStatuses reads the table of the configuration, over the one that a kind of
// queue has by itself. Words are compared without case or spaces around them.
func NewStatuses(key string, own, configured map[string]string) (Statuses, error) {
	t := Statuses{}
	for _, m := range []map[string]string{own, configured} {
		for word, s := range m {
			status, err := report.ParseStatus(s)
			if err != nil || status == report.Received {
				return nil, fmt.Errorf("%s.%q: not one of %v", key, word, slices.DeleteFunc(report.Statuses(), func(s report.Status) bool { return s == report.Received }))
			}
			t[fold(word)] = status
		}
	}
	if len(t) == 0 {
		return nil, Missing(key)
	}
	return t, nil
}

// Look returns ours for a word of the queue's, "" if the table hasn't it, and
// whether nothing comes after it.
func (t Statuses) Look(word string) (s report.Status, final bool) {
	s = t[fold(word)]
	return s, s == report.Closed || s == report.Rejected || s == report.Archived
}

func fold(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), " ")) }

// Pick finds what a table of the configuration has for a complaint: for
// "class/category", else for the category, else for the class, else "default".
func Pick[T any](m map[string]T, class report.Class, category report.Category) (T, bool) {
	for _, key := range []string{string(class) + "/" + string(category), string(category), string(class), "default"} {
		if v, ok := m[key]; ok && key != "" {
			return v, true
		}
	}
	var none T
	return none, false
}

// CheckTable says what is wrong with such a table: a key that is none, or a class
// that may be forwarded for which it has nothing.
func CheckTable[T any](key string, m map[string]T) error {
	if len(m) == 0 {
		return Missing(key)
	}
	for k := range m {
		class, category, both := strings.Cut(k, "/")
		if !both {
			class, category = k, k
		}
		isClass, isCategory := report.Class(class).Forwardable(), report.ParseCategory(category) != ""
		if k != "default" && (both && !(isClass && isCategory) || !isClass && !isCategory) {
			return fmt.Errorf("%s.%q: neither a class, a category, class/category nor default", key, k)
		}
	}
	for _, class := range report.Classes() {
		if _, ok := Pick(m, class, ""); !ok && class.Forwardable() {
			return fmt.Errorf("%s: has nothing for %s, and no default", key, class)
		}
	}
	return nil
}
