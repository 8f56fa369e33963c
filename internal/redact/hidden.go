package redact

import "strings"

// spacedNames finds names whose letters stand apart: "B u d i", "B.u.d.i".
func (s *scan) spacedNames() {
	single := func(i int) bool {
		return i < len(s.tokens) && s.used[i] == free && s.tokens[i].form == word && s.tokens[i].end-s.tokens[i].start == 1
	}
	next := func(i int) int {
		j := i + 1
		if s.near(j) && s.tokens[j].form == other && s.used[j] == free && strings.Contains(".-_*,/", s.text(j)) {
			j++
		}
		if s.near(j) && single(j) {
			return j
		}
		return -1
	}
	for i := 0; i < len(s.tokens); i++ {
		if !single(i) {
			continue
		}
		var letters [14]byte
		ends := [14]int{}
		n := 0
		for j := i; j >= 0 && n < len(letters); j = next(j) {
			letters[n], ends[n] = s.low[s.tokens[j].start], j
			n++
		}
		for ; n >= 4; n-- {
			if s.r.words.classes[string(letters[:n])].is(given) {
				s.take(hit{i, ends[n-1], Name, 0.8, "redact.reason.spaced"})
				break
			}
		}
		if n >= 4 {
			i = ends[n-1]
		}
	}
}

// starred finds names in which signs stand for letters: "b@mbang", "Sur*no".
func (s *scan) starred() {
	for i := 0; i < len(s.tokens); i++ {
		if s.used[i] != free || s.tokens[i].form == mark || s.tokens[i].form == other && !s.is(i, "$") || i > 0 && s.tokens[i].gap == nothing && s.tokens[i-1].form != other {
			continue
		}
		var b strings.Builder
		signs, last := 0, i-1
		for j := i; j < len(s.tokens) && j < i+9 && (j == i || s.tokens[j].gap == nothing) && s.used[j] == free; j++ {
			if s.tokens[j].form != other {
				b.WriteString(s.text(j))
				last = j
				continue
			}
			switch s.text(j) {
			case "@":
				if j == i || !s.near(j+1) || s.tokens[j+1].form == other || s.provider(j+1) || s.dotAfter(j+1) > 0 {
					j, signs = len(s.tokens), -9 // mail
					continue
				}
				b.WriteByte('a')
			case "$":
				b.WriteByte('s')
			case "!", "|":
				b.WriteByte('i')
			case "*", "#", "~":
			default:
				j = len(s.tokens)
				continue
			}
			signs++
		}
		if signs <= 0 || last == i || b.Len() < 4 {
			continue
		}
		if s.r.words.class(unleet(b.String())).is(given) {
			s.take(hit{i, last, Name, 0.6, "redact.reason.spaced"})
			i = last
		}
	}
}

// shortened tells whether a word after a title is a name without its vowels:
// "sdr Bgs".
func (s *scan) shortened(j int) bool {
	t := s.tokens[j]
	return t.class == 0 && t.form == word && s.used[j] == free && t.capital && !t.upper && t.end-t.start >= 2 && t.end-t.start <= 6
}
