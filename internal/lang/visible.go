package lang

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/bidi"
)

// Visible returns a text from somebody else on one line, with nothing left in
// it that could change how the words around it are shown: control characters
// become their pictures (␀), those that turn the direction of writing become
// "�", and a text that has letters from right to left is isolated.
func Visible(s string) string { return visible(s, false) }

// VisibleText is Visible for texts of several lines: it keeps line ends and
// tabs.
func VisibleText(s string) string { return visible(s, true) }

func visible(s string, lines bool) string {
	rightToLeft := false
	s = strings.Map(func(c rune) rune {
		switch {
		case lines && (c == '\n' || c == '\t'):
			return c
		case c < ' ':
			return '␀' + c
		case c == 0x7f:
			return '␡'
		case unicode.IsControl(c), c == '\u2028', c == '\u2029', turns(c):
			return unicode.ReplacementChar
		}
		p, _ := bidi.LookupString(string(c))
		if k := p.Class(); k == bidi.R || k == bidi.AL || k == bidi.AN {
			rightToLeft = true
		}
		return c
	}, strings.ToValidUTF8(s, "\ufffd"))
	if rightToLeft {
		return "\u2068" + s + "\u2069"
	}
	return s
}

// turns tells whether a character embeds, overrides or isolates a direction.
func turns(c rune) bool { return c >= '\u202a' && c <= '\u202e' || c >= '\u2066' && c <= '\u2069' }
