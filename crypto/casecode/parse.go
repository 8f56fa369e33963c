package casecode

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
	"suluh.example/suluh/crypto/hidden"
)

// Errors of Parse, with [*CountError] and [*WordError].
var (
	ErrEmpty    = errors.New("no case code was typed")
	ErrChecksum = errors.New("the words are known but do not form a case code")
)

// CountError says that another number of words than ten was typed.
type CountError struct{ Got int }

func (e *CountError) Error() string {
	return fmt.Sprintf("a case code has %d words, not %d", Len, e.Got)
}

// WordError names a word that isn't in the list. Typed and Suggestion are for
// the page that the person sees; they must never be logged, so Error has
// neither.
type WordError struct {
	Place      int // from 1
	Typed      string
	Suggestion string // "" if none is near
}

func (e *WordError) Error() string { return fmt.Sprintf("word %d is not in the list", e.Place) }

// Correction says how a mistyped word was read.
type Correction struct {
	Place       int // from 1
	Typed, Word string
}

const (
	maxInput   = 4 << 10 // bytes; ten words have at most 89
	maxChoices = 4096    // combinations of corrections tried
)

// Parse reads a code as people type it: in any case, with spaces, hyphens,
// digits, dots or new lines around the words, with the first four letters of a
// word or more of it, and with a mistyped letter (wrong, missing, extra or two
// swapped) in a word where the checksum shows what was meant. It returns the
// corrections it made.
func Parse(s string) (Code, []Correction, error) {
	typed := split(s)
	if len(typed) == 0 {
		return Code{}, nil, ErrEmpty
	}
	if len(typed) != Len {
		return Code{}, nil, &CountError{len(typed)}
	}
	var choices [Len][]uint16
	unknown := -1
	for i, w := range typed {
		if at, ok := lookUp(w); ok {
			choices[i] = []uint16{at}
			continue
		}
		if choices[i] = near(w); len(choices[i]) == 0 {
			return Code{}, nil, &WordError{Place: i + 1, Typed: w}
		}
		if unknown < 0 {
			unknown = i
		}
	}
	found := combine(choices)
	if len(found) == 1 {
		places := found[0].Value.Reveal()
		var made []Correction
		for i, w := range typed {
			if word := list[places[i]]; len(choices[i]) > 1 || !strings.HasPrefix(word, w[:min(len(w), 4)]) || !known(w) {
				made = append(made, Correction{i + 1, w, word})
			}
		}
		return found[0], made, nil
	}
	if unknown >= 0 {
		return Code{}, nil, &WordError{Place: unknown + 1, Typed: typed[unknown], Suggestion: list[choices[unknown][0]]}
	}
	return Code{}, nil, ErrChecksum
}

func known(w string) bool {
	_, ok := lookUp(w)
	return ok
}

// split takes the words out of what was typed. Longer input than any code is
// not looked through: it counts as more words than a code has.
func split(s string) []string {
	if len(s) > maxInput {
		s = s[:maxInput]
	}
	s = strings.ToLower(norm.NFKC.String(s))
	return strings.FieldsFunc(s, func(c rune) bool {
		return !unicode.IsLetter(c) && !unicode.IsMark(c)
	})
}

// lookUp finds a word by all its letters or by at least its first four.
func lookUp(w string) (uint16, bool) {
	at, exact := slices.BinarySearch(list, w)
	if exact {
		return uint16(at), true
	}
	if len(w) >= 4 && at < len(list) && strings.HasPrefix(list[at], w) {
		return uint16(at), true
	}
	return 0, false
}

// near returns the words that one mistyped letter turns into w, or whose first
// four letters one mistyped letter turns into w, the nearest first.
func near(w string) []uint16 {
	if len(w) > 12 {
		return nil
	}
	var whole, prefix []uint16
	for i, word := range list {
		switch {
		case oneOff(w, word):
			whole = append(whole, uint16(i))
		case len(w) <= 5 && oneOff(w, word[:4]):
			prefix = append(prefix, uint16(i))
		}
	}
	return append(whole, prefix...)
}

// combine returns the valid codes among the choices, at most two of them.
func combine(choices [Len][]uint16) (found []Code) {
	n := 1
	for _, c := range choices {
		if n *= len(c); n > maxChoices {
			return nil
		}
	}
	for i := range n {
		var places [Len]uint16
		for w, options := range choices {
			places[w] = options[i%len(options)]
			i /= len(options)
		}
		if c := (Code{hidden.Of(places)}); c.valid() {
			if found = append(found, c); len(found) > 1 {
				return found
			}
		}
	}
	return found
}

// oneOff tells whether one substitution, insertion, deletion or swap of two
// neighbours turns a into b (Damerau's four mistakes).
func oneOff(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	switch len(b) - len(a) {
	case 0:
		if i == len(a) {
			return false
		}
		if a[i+1:] == b[i+1:] {
			return true
		}
		return i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
	case 1:
		return a[i:] == b[i+1:]
	}
	return false
}
