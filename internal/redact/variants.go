package redact

import "strings"

// made tells whether an unknown word is a known everyday one with what
// Indonesian and Banjar put before and behind it.
func (l *lexicon) made(w string) bool {
	for _, suffix := range suffixes {
		base, ok := strings.CutSuffix(w, suffix)
		if !ok || len(base) < 3 {
			continue
		}
		if suffix != "" && l.everyday(base) {
			return true
		}
		for _, p := range prefixes {
			stem, ok := strings.CutPrefix(base, p.text)
			if !ok || len(stem) < 3 {
				continue
			}
			if l.everyday(stem) || p.lost != "" && strings.IndexByte("aiueo", stem[0]) >= 0 && l.everyday(p.lost+stem) {
				return true
			}
		}
	}
	return false
}

// everyday tells whether a word is one that isn't a name.
func (l *lexicon) everyday(w string) bool {
	c := l.classes[w]
	return c.is(common|works|digit) && (!c.is(given) || c.is(ambiguous))
}

var suffixes = []string{"", "nya", "kan", "an", "i", "lah", "kah", "pun", "ku", "mu", "akan"}

// prefixes are what stands before a word, and the letter that it swallows.
var prefixes = []struct{ text, lost string }{
	{"di", ""},
	{"memper", ""},
	{"diper", ""},
	{"mem", "p"},
	{"meny", "s"},
	{"meng", "k"},
	{"men", "t"},
	{"me", ""},
	{"ber", ""},
	{"be", ""},
	{"ter", ""},
	{"te", ""},
	{"pem", "p"},
	{"peny", "s"},
	{"peng", "k"},
	{"pen", "t"},
	{"per", ""},
	{"pe", ""},
	{"ke", ""},
	{"se", ""},
	{"nge", ""},
	{"ng", "k"},
	{"ny", "s"},
	{"ba", ""},
	{"mam", "p"},
	{"many", "s"},
	{"mang", "k"},
	{"man", "t"},
	{"ta", ""},
	{"pam", "p"},
	{"pany", "s"},
	{"pang", "k"},
	{"pan", "t"},
	{"sa", ""},
	{"ka", ""},
}

// sound returns how a name sounds: old and new spellings, doubled letters and
// an h that nobody hears are alike.
func sound(w string) string {
	var b []byte
	for i := 0; i < len(w); i++ {
		c := w[i]
		two := func(s string) bool { return strings.HasPrefix(w[i:], s) }
		switch {
		case two("oe"), two("ou"):
			c, i = 'u', i+1
		case two("dj"), two("dz"), two("zh"):
			c, i = 'j', i+1
		case two("tj"):
			c, i = 'c', i+1
		case two("sj"), two("sy"), two("sh"), two("ts"):
			c, i = 's', i+1
		case two("kh"), two("ch"):
			c, i = 'k', i+1
		case two("ph"), c == 'v':
			c = 'f'
			if w[i] == 'p' {
				i++
			}
		case two("th"), two("dh"), two("gh"), two("bh"):
			i++
		case two("ie"), two("ee"):
			c, i = 'i', i+1
		case c == 'y':
			c = 'i'
		case c == 'z':
			c = 'j'
		case c == 'q':
			c = 'k'
		case c == 'x':
			b, c = append(b, 'k'), 's'
		case c == 'w' && i+1 < len(w) && w[i+1] == 'h':
			i++
		case c == '\'', c == 'h' && i == len(w)-1:
			continue
		}
		if n := len(b); n == 0 || b[n-1] != c {
			b = append(b, c)
		}
	}
	return string(b)
}

// shortest is how many letters a name has at least for one that is spelled
// alike to be taken for it.
const shortest = 5

// hear makes the tables of how the names sound, and of them with a letter
// missing. What an everyday word sounds like isn't in them.
func (l *lexicon) hear() {
	words := map[string]bool{}
	for w, c := range l.classes {
		if !c.is(given) || c.is(ambiguous) {
			words[sound(w)] = true
		}
	}
	for w, c := range l.classes {
		if !c.is(given) || c.is(ambiguous) || len(w) < shortest {
			continue
		}
		s := sound(w)
		if !words[s] && len(s) >= shortest-1 {
			l.sounds[s] = true
		}
		if bones := consonants(w); len(bones) >= 4 && l.classes[bones] == 0 {
			l.short[bones] = true
		}
		for i := 1; i < len(w) && len(w) > shortest; i++ {
			if short := w[:i] + w[i+1:]; l.classes[short] == 0 {
				l.short[short] = true
			}
		}
	}
}

// consonants returns a word without its vowels, as names are abbreviated.
func consonants(w string) string {
	return strings.Map(func(c rune) rune {
		if strings.ContainsRune("aiueo'", c) {
			return -1
		}
		return c
	}, w)
}

// alike returns given for an unknown word that sounds as a name does or has
// more of the same letter, with ambiguous for one that lacks a letter or has
// one too many.
func (l *lexicon) alike(w string) class {
	if len(w) == 4 && l.short[w] && consonants(w) == w {
		return given | ambiguous
	}
	if len(w) < shortest || len(w) > 24 {
		return 0
	}
	if s := sound(w); l.sounds[s] {
		return given
	}
	if l.short[w] {
		return given | ambiguous
	}
	for i := 1; i < len(w) && len(w) > shortest+1; i++ {
		if c := l.classes[w[:i]+w[i+1:]]; c.is(given) && !c.is(ambiguous) {
			return given | ambiguous
		}
	}
	return 0
}
