package forward

import (
	"regexp"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"suluh.example/suluh/crypto/casecode"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/internal/redact"
)

// Rule names what a text must not have on its way out of the vault. Its words
// stand in the catalogues under "forward.stop." and the rule.
type Rule string

// The rules.
const (
	RulePersonal   Rule = "personal"   // what the recognisers are sure of
	RuleCase       Rule = "case"       // the id of a case
	RuleCode       Rule = "code"       // words of a case code
	RuleAttachment Rule = "attachment" // a file's name, digest or bytes
	RuleTime       Rule = "time"       // a time finer than a day
	RuleUnseen     Rule = "unseen"     // characters that nobody sees, so nobody approved
	RuleEmpty      Rule = "empty"      // there is nothing to send
)

// Finding is why a text may not leave.
type Finding struct {
	Rule Rule
	Kind redact.Kind // with [RulePersonal]
	Text string      // the place, shortened; it is as secret as the text
}

// sure is the confidence from which what a recogniser found stops an item. What
// it is less sure of is left to the people who saw it.
const sure = 0.9

// partOfCode is how many words of the list in a row are taken for a part of a
// case code. People who write prose use five, seldom six.
const partOfCode = 7

// Check looks for what must not leave the vault in the very words that would.
// of is the case that they are from. A text without findings may still name
// somebody: that is for people to see.
func Check(title, text string, of id.Case) (all []Finding) {
	if strings.TrimSpace(title) == "" || strings.TrimSpace(text) == "" {
		all = append(all, Finding{Rule: RuleEmpty})
	}
	recogniser := redact.New(redact.Options{})
	for _, s := range []string{title, text} {
		for _, x := range recogniser.Find(s) {
			if x.Confidence >= sure {
				all = append(all, Finding{RulePersonal, x.Kind, excerpt(s[x.Start:x.End])})
			}
		}
		if c, ok := unseen(s); ok {
			all = append(all, Finding{Rule: RuleUnseen, Text: c})
		}
		plain := plainly(s)
		add := func(r Rule, found string) {
			if found != "" {
				all = append(all, Finding{Rule: r, Text: excerpt(found)})
			}
		}
		add(RuleCase, caseIn(plain, of))
		add(RuleCode, codeIn(plain))
		add(RuleAttachment, attachment.FindString(plain))
		add(RuleTime, timeOfDay.FindString(plain))
	}
	return all
}

// plainly is a text as it is read: without compatibility forms and what is not
// seen.
func plainly(s string) string {
	return strings.Map(func(c rune) rune {
		if unicode.Is(unicode.Cf, c) {
			return -1
		}
		return c
	}, norm.NFKC.String(s))
}

// unseen finds a control character or one that has no form, which hides or turns
// around what stands beside it. Those that join emojis are let be.
func unseen(s string) (string, bool) {
	for i, c := range s {
		if c == utf8.RuneError || c != '\n' && c != '\t' && c != '\u200d' && c != '\u200c' && (unicode.IsControl(c) || unicode.Is(unicode.Cf, c)) {
			return excerpt(strings.ToValidUTF8(s[i:min(len(s), i+40)], "�")), true
		}
	}
	return "", false
}

const most = 60 // characters of an excerpt

func excerpt(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if utf8.RuneCountInString(s) > most {
		return string([]rune(s)[:most-1]) + "…"
	}
	return s
}

var (
	// The hyphens may be any that look like one, with spaces around them.
	caseForm = regexp.MustCompile(`(?i)\bK(?:\s*[-‐-―−]\s*[A-Z2-7]{4}){4}\b`)
	// Without hyphens it has digits, or it is a word.
	caseRun = regexp.MustCompile(`(?i)\bK-?[A-Z2-7]{16}\b`)

	attachment = regexp.MustCompile(`(?i)\b[\p{L}\p{N}_()-]+\.(?:pdf|docx?|xlsx?|pptx?|odt|ods|rtf|jpe?g|png|webp|heic|gif|mp3|m4a|ogg|opus|wav|mp4|3gp|mov|avi|zip|rar|7z|txt|csv)\b` +
		`|\b[0-9a-f]{64}\b|data:[\w./+-]+;base64|\b[A-Za-z0-9+/]{120,}`)

	timeOfDay = regexp.MustCompile(`(?i)\b(?:[01]?\d|2[0-4]):[0-5]\d(?::[0-5]\d)?\b` + // 14:30
		`|\b(?:[01]?\d|2[0-4])\.[0-5]\d\s*(?:wita|wib|wit)\b` + // 14.30 WITA
		`|\b(?:[01]?\d|2[0-4])(?:\.[0-5]\d)?\s*(?:a\.?m|p\.?m)\b` + // 2 pm
		`|\b(?:pukul|pkl\.?|jam)\s*(?:setengah\s+)?(?:(?:[01]?\d|2[0-4])\b(?:[.:][0-5]\d)?|` + hours + `\b)` +
		`|\b(?:[01]?\d|2[0-4])(?:\.[0-5]\d)?\s+(?:pagi|siang|sore|malam|subuh)\b` + // 8 pagi
		`|\d{4}-\d\d-\d\dT\d\d`)
)

// hours are those of the clock as words, the longer before what they begin with.
const hours = `(?:satu|dua\s+belas|dua|tiga|empat|lima|enam|tujuh|delapan|sembilan|sepuluh|sebelas)`

func caseIn(plain string, of id.Case) string {
	if found := caseForm.FindString(plain); found != "" {
		return found
	}
	for _, found := range caseRun.FindAllString(plain, -1) {
		if strings.ContainsAny(found, "234567") {
			return found
		}
	}
	bare := func(s string) string {
		return strings.Map(func(c rune) rune {
			if c >= 'A' && c <= 'Z' || c >= '2' && c <= '7' {
				return c
			}
			return -1
		}, strings.ToUpper(s))
	}
	// The case's own is found however it is broken up.
	if own := strings.TrimPrefix(bare(string(of)), "K"); own != "" && strings.Contains(bare(plain), own) {
		return string(of)
	}
	return ""
}

// codeWords are the words of case codes, and what each begins with.
var codeWords = sync.OnceValues(func() (whole, begin map[string]bool) {
	whole, begin = map[string]bool{}, map[string]bool{}
	for _, w := range casecode.Words() {
		whole[w], begin[w[:4]] = true, true
	}
	return whole, begin
})

// codeIn finds ten words that are a case code as people type it, or so many of
// the list in a row that they are a part of one.
func codeIn(plain string) string {
	whole, begin := codeWords()
	words := strings.FieldsFunc(strings.ToLower(plain), func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsMark(c) })
	run, near := 0, 0 // whole words in a row; of the last ten those that begin like one
	like := func(w string) bool { return len(w) >= 4 && begin[w[:4]] }
	for i, w := range words {
		if run++; !whole[w] {
			run = 0
		}
		if run >= partOfCode {
			return strings.Join(words[i-run+1:i+1], " ")
		}
		if like(w) {
			near++
		}
		if i >= casecode.Len && like(words[i-casecode.Len]) {
			near--
		}
		// One of them may be mistyped: any more would be guessing.
		if i >= casecode.Len-1 && near >= casecode.Len-1 {
			ten := strings.Join(words[i-casecode.Len+1:i+1], " ")
			if _, _, err := casecode.Parse(ten); err == nil {
				return ten
			}
		}
	}
	return ""
}
