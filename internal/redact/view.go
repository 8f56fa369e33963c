package redact

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// form is what a token is made of.
type form uint8

const (
	word   form = iota
	number      // digits only, or letters that stand for digits among them
	other       // one character that is neither
	mark        // [NAMA] and such
)

// gap is what stands before a token.
type gap uint8

const (
	nothing gap = iota
	space
	line      // a line's end
	paragraph // an empty line
)

// token is a word, a number or another character of the normal form.
type token struct {
	start, end int32
	form       form
	gap        gap
	capital    bool // begins with one
	upper      bool // all are
	caseless   bool // stands in a line whose capitals say nothing
	class      class
}

// view is the normal form of a text, in which spellings that look alike are
// alike, cut into tokens. Each of its bytes knows its range of the original.
type view struct {
	raw, low string // with capitals and without; of the same length
	from, to []int32
	tokens   []token
}

func newView(text string, words *lexicon) *view {
	v := &view{}
	v.normalise(text)
	v.cut(words)
	v.lines()
	return v
}

// normalise does away with what only looks different: compatibility forms and
// accents (NFKC and further), characters without width, letters of other
// scripts that look Latin, digits of other scripts.
func (v *view) normalise(text string) {
	raw := make([]byte, 0, len(text)+16)
	v.from, v.to = make([]int32, 0, len(text)+16), make([]int32, 0, len(text)+16)
	var buf []byte
	put := func(c rune, from, to int) {
		n := len(raw)
		raw = utf8.AppendRune(raw, c)
		for range len(raw) - n {
			v.from, v.to = append(v.from, int32(from)), append(v.to, int32(to))
		}
	}
	for i := 0; i < len(text); {
		if c := text[i]; c < utf8.RuneSelf && (i+1 == len(text) || text[i+1] < utf8.RuneSelf) {
			raw = append(raw, c)
			v.from, v.to = append(v.from, int32(i)), append(v.to, int32(i+1))
			i++
			continue
		}
		n := max(norm.NFKC.NextBoundaryInString(text[i:], true), 1)
		part := text[i : i+n]
		// Decomposed rather than composed, so that accents can go. What would
		// grow beyond measure isn't anything that we look for.
		if buf = norm.NFKD.AppendString(buf[:0], part); len(buf) > 4*n+8 {
			buf = append(buf[:0], part...)
		}
		for len(buf) > 0 {
			c, size := utf8.DecodeRune(buf)
			buf = buf[size:]
			if c = plain(c); c >= 0 {
				put(c, i, i+n)
			}
		}
		i += n
	}
	v.raw = string(raw)
	for i, c := range raw {
		if 'A' <= c && c <= 'Z' {
			raw[i] = c + 'a' - 'A'
		}
	}
	v.low = string(raw)
}

// plain returns the plain form of a character, or -1 for one that isn't seen.
func plain(c rune) rune {
	if c < utf8.RuneSelf {
		return c
	}
	switch {
	case unicode.In(c, unicode.Cf, unicode.M) || c >= 0xe0000 && c <= 0xe0fff:
		return -1
	case unicode.Is(unicode.Nd, c):
		// The digits of a script stand in a row, from a multiple of their own.
		zero := c
		for zero > c-9 && unicode.Is(unicode.Nd, zero-1) {
			zero--
		}
		return '0' + (c-zero)%10
	}
	if i := strings.IndexRune(alike, c); i >= 0 {
		return rune(latin[utf8.RuneCountInString(alike[:i])])
	}
	switch c {
	case '‐', '‑', '‒', '–', '—', '―', '−', '﹣', '－', '⁃':
		return '-'
	case '‘', '’', 'ʼ', 'ʻ', '`', '´', '′':
		return '\''
	case '“', '”', '„', '«', '»':
		return '"'
	case '【', '「', '『', '〔', '〈', '《', '❨':
		return '['
	case '】', '」', '』', '〕', '〉', '》', '❩':
		return ']'
	case '·', '•', '。', '․', '∙', '●', '⋅', '・':
		return '.'
	}
	return c
}

// Letters of other scripts that look Latin, and those.
const (
	alike = "АВЕКМНОРСТХУІЈЅаеорсухіјѕԁһԛԝυοαιρνκΑΒΕΖΗΙΚΜΝΟΡΤΥΧıøØđĐłŁ"
	latin = "ABEKMHOPCTXYIJSaeopcyxijsdhqwuoaipvkABEZHIKMNOPTYXioOdDlL"
)

func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || c >= utf8.RuneSelf }

// cut makes the tokens.
func (v *view) cut(words *lexicon) {
	low := v.low
	v.tokens = make([]token, 0, len(low)/5+8)
	g := nothing
	for i := 0; i < len(low); {
		c := low[i]
		switch {
		case c == '\n' || c == '\r' && (i+1 == len(low) || low[i+1] != '\n'):
			if g < line {
				g = line
			} else {
				g = paragraph
			}
			i++
			continue
		case c <= ' ' || c == 0x7f:
			g = max(g, space)
			i++
			continue
		case c == '[':
			if n := markAt(v.raw[i:]); n > 0 {
				v.tokens = append(v.tokens, token{start: int32(i), end: int32(i + n), form: mark, gap: g})
				i, g = i+n, nothing
				continue
			}
		}
		if !isDigit(c) && !isLetter(c) {
			v.tokens = append(v.tokens, token{start: int32(i), end: int32(i + 1), form: other, gap: g})
			i, g = i+1, nothing
			continue
		}
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(low[i:])
			if !unicode.IsLetter(r) {
				if unicode.IsSpace(r) {
					g = max(g, space)
				} else {
					v.tokens = append(v.tokens, token{start: int32(i), end: int32(i + n), form: other, gap: g})
					g = nothing
				}
				i += n
				continue
			}
		}
		j := v.run(i)
		v.add(i, j, g, words)
		i, g = j, nothing
	}
}

// run returns the end of the letters and digits from i on. An apostrophe
// between letters belongs to the word.
func (v *view) run(i int) int {
	j := i
	for j < len(v.low) {
		c := v.low[j]
		switch {
		case c >= utf8.RuneSelf:
			r, n := utf8.DecodeRuneInString(v.low[j:])
			if !unicode.IsLetter(r) {
				return j
			}
			j += n
			continue
		case isDigit(c) || isLetter(c):
		case c == '\'' && j > i && j+1 < len(v.low) && isLetter(v.low[j-1]) && isLetter(v.low[j+1]) && v.low[j+1] < utf8.RuneSelf:
		default:
			return j
		}
		j++
	}
	return j
}

// add adds the tokens of a run of letters and digits: one if it is of one
// form, or means one, else one for each part.
func (v *view) add(i, j int, g gap, words *lexicon) {
	digits, lookalikes, letters := 0, 0, 0
	for k := i; k < j; k++ {
		switch c := v.low[k]; {
		case isDigit(c):
			digits++
		case c == 'o' || c == 'l' || c == 'i':
			lookalikes++
		case c == 's' || c == 'b' || c == 'z':
			letters++
			if digits >= 6 || j-i >= 9 { // in something long, S, B and Z stand for 5, 8 and 2
				letters--
				lookalikes++
			}
		default:
			letters++
		}
	}
	switch {
	case digits == 0:
		v.word(i, j, g, words)
	case letters == 0 && (digits >= lookalikes || strings.Count(v.low[i:j], "o") == lookalikes) && (lookalikes == 0 || j-i > 2 || lookalikes == 1 && v.low[i] != 'i'):
		v.tokens = append(v.tokens, token{start: int32(i), end: int32(j), form: number, gap: g})
	default:
		if digits == 1 && letters+lookalikes >= 2 && j-i <= 9 { // "n1k", "rek3ning"
			if c := words.classes[unleet(v.low[i:j])]; c.is(keywords | network | kwMail) {
				v.tokens = append(v.tokens, token{start: int32(i), end: int32(j), form: word, gap: g, class: c})
				return
			}
		}
		if w := unleet(v.low[i:j]); digits <= 2 && (saysDot(w) || w == "com" || providers[w]) { // "d0t", "gma1l"
			v.tokens = append(v.tokens, token{start: int32(i), end: int32(j), form: word, gap: g, class: words.classes[w]})
			return
		}
		// "R4hm4t": digits that stand for letters.
		if digits <= 3 && letters+lookalikes >= 3 && j-i <= 16 {
			c := words.class(unleet(v.low[i:j]))
			if other := words.classes[strings.ReplaceAll(v.low[i:j], "1", "l")]; other.is(street | estate | village) {
				c = other // "ja1an"
			}
			if c.is(given) && !c.is(ambiguous) || c.is(street|estate|village) && letters+lookalikes > digits+1 {
				v.tokens = append(v.tokens, token{start: int32(i), end: int32(j), form: word, gap: g, capital: c.is(given) || 'A' <= v.raw[i] && v.raw[i] <= 'Z', class: c})
				return
			}
		}
		for i < j {
			k := i
			for k < j && isDigit(v.low[k]) == isDigit(v.low[i]) {
				k++
			}
			if isDigit(v.low[i]) {
				v.tokens = append(v.tokens, token{start: int32(i), end: int32(k), form: number, gap: g})
			} else {
				v.word(i, k, g, words)
			}
			i, g = k, nothing
		}
	}
}

func (v *view) word(i, j int, g gap, words *lexicon) {
	t := token{start: int32(i), end: int32(j), form: word, gap: g, class: words.class(v.low[i:j])}
	if k := strings.IndexByte(v.raw[i:j], 'I'); t.class == 0 && k > 0 && v.raw[i+k-1] >= 'a' { // "jaIan"
		t.class = words.classes[strings.ToLower(strings.ReplaceAll(v.raw[i:j], "I", "l"))]
	}
	c, _ := utf8.DecodeRuneInString(v.raw[i:])
	t.capital, t.upper = unicode.IsUpper(c), true
	for _, c := range v.raw[i:j] {
		if unicode.IsLower(c) {
			t.upper = false
			break
		}
	}
	t.upper = t.upper && t.capital
	v.tokens = append(v.tokens, t)
}

// unleet reads digits as the letters that they look like.
func unleet(s string) string {
	if !strings.ContainsAny(s, "0134578") {
		return s
	}
	return strings.Map(func(c rune) rune {
		if i := strings.IndexRune("0134578", c); i >= 0 {
			return rune("oieastb"[i])
		}
		return c
	}, s)
}

// marks are the kinds whose marks may stand in a text: a person may mask what
// [Redactor.Leftover] tells of.
var marks = append(Kinds(), Job, Number, Birth)

// markAt returns the length of the mark that a text begins with, or 0.
func markAt(s string) int {
	for n := 1; n < len(s) && n < 12; n++ {
		if s[n] == ']' {
			if slices.Contains(marks, Kind(s[1:n])) {
				return n + 1
			}
			return 0
		}
	}
	return 0
}

// lines finds the lines whose capitals say nothing: all of them, or none.
func (v *view) lines() {
	const few = 4
	judge := func(words, capitals, uppers int) bool {
		return capitals*20 < words || uppers*4 > words*3
	}
	count := func(t token) (words, capitals, uppers int) {
		if t.form != word || t.end-t.start < 2 {
			return
		}
		words = 1
		if t.capital {
			capitals = 1
		}
		if t.upper && t.end-t.start > 3 {
			uppers = 1
		}
		return
	}
	var words, capitals, uppers int
	for _, t := range v.tokens {
		w, c, u := count(t)
		words, capitals, uppers = words+w, capitals+c, uppers+u
	}
	whole := judge(words, capitals, uppers)
	loud := uppers*4 > words*3
	for i := 0; i < len(v.tokens); {
		words, capitals, uppers = 0, 0, 0
		j := i
		for j < len(v.tokens) && (j == i || v.tokens[j].gap < line) {
			w, c, u := count(v.tokens[j])
			words, capitals, uppers = words+w, capitals+c, uppers+u
			j++
		}
		caseless, shouted := whole, loud
		if words > few {
			shouted = uppers*4 > words*3
			caseless = capitals <= 1 && capitals*12 < words || uppers*4 > words*3
			if capitals <= 1 && !caseless && whole {
				caseless = true
			}
		}
		for first := i; i < j; i++ {
			t := &v.tokens[i]
			// A lone capital within a line without any is meant.
			t.caseless = caseless && (shouted || !t.capital || i == first || t.upper && t.end-t.start > 1)
		}
	}
}

// text returns a token as it stands in the form without capitals.
func (v *view) text(i int) string { return v.low[v.tokens[i].start:v.tokens[i].end] }

// is tells whether there is a token i, on the line of the one before it, that is s.
func (v *view) is(i int, s string) bool {
	return i >= 0 && i < len(v.tokens) && v.text(i) == s
}

// has tells whether there is a token i of any of the classes.
func (v *view) has(i int, c class) bool {
	return i >= 0 && i < len(v.tokens) && v.tokens[i].class&c != 0
}

// near tells whether token i stands on the line of token i-1.
func (v *view) near(i int) bool {
	return i > 0 && i < len(v.tokens) && v.tokens[i].gap < line
}
