package redact

import "strings"

// trust is how far a walk goes for names that aren't known.
type trust uint8

const (
	onlyKnown  trust = iota // given names alone
	capitals                // words with capitals too
	everything              // and words of no known kind without them
)

// walk returns the last token of the name that begins at i, or -1.
func (s *scan) walk(i int, how trust) int {
	last := -1
	lead := -1 // tokens that only count if a name follows
	for j, n := i, 0; j < len(s.tokens) && n < 6; n++ {
		if j > i && !s.near(j) || s.used[j] == taken || s.tokens[j].form != word {
			break
		}
		t := s.tokens[j]
		if s.used[j] == blocked && j > i {
			break
		}
		w := s.text(j)
		switch {
		case t.end-t.start == 1 && (t.capital || t.caseless) && (s.is(j+1, ".") || t.capital || last >= 0) && !(t.caseless && s.is(j, "a") && s.is(j+2, "n")):
			// An initial: M. Yusuf, Rahmat K.
			if lead < 0 {
				lead = j
			}
			if last >= 0 && t.capital {
				last = j
			}
			j++
			if s.is(j, ".") && s.near(j) {
				j++
			}
			continue
		case (w == "bin" || w == "binti" || w == "bt" || w == "bte" || w == "al" || w == "el" || w == "as" || w == "an" || w == "ibnu" || w == "van" || w == "de") && last >= 0:
			j++
			if s.is(j, ".") || s.is(j, "-") {
				j++
			}
			continue
		case (w == "muh" || w == "moh" || w == "mohd" || w == "ahm" || w == "abd" || w == "md" || w == "mhd" || w == "akh" || w == "st" || w == "gt" || w == "rr" || w == "rd" || w == "tg") && (t.capital || t.caseless) && !(last >= 0 && w == "st"):
			if lead < 0 {
				lead = j
			}
			j++
			if s.is(j, ".") {
				j++
			}
			continue
		case !s.nameWord(j, last < 0, how):
			return last
		}
		last = j
		j++
		if s.is(j, "-") && s.near(j+1) && s.tokens[j].gap == nothing && s.tokens[j+1].gap == nothing && s.tokens[j+1].form == word && s.nameWord(j+1, false, how) {
			j++
		}
	}
	return last
}

// nameWord tells whether a word can be of a name.
func (s *scan) nameWord(j int, first bool, how trust) bool {
	t := s.tokens[j]
	c := t.class
	w := s.text(j)
	cased := t.capital && !t.caseless
	switch {
	case c.is(stop) || len(w) < 2 || len(w) > 2 && !strings.ContainsAny(w, "aeiouy") && c&^degree == 0:
		return false
	case c.is(given) && !c.is(ambiguous):
		return true
	case c.is(given):
		// Also a word: with a capital it is a name here.
		if cased {
			return true
		}
		if first {
			return how == everything && !c.is(kwPhone|kwBank|office|job|region|kin) || how == capitals && t.caseless && !c.is(common|job|office)
		}
		return t.caseless && !c.is(common|job|office|place|region|kwBank)
	case c.is(common|job|office|entity|region|street|village|works|role|kin|kwNIK|kwNIP|kwNPWP|kwKK|kwBPJS|network|degree|title|city) && !(cased && c.is(direction|business) && !first && !c.is(common|office|region)):
		return false
	case (c.is(place) || c.is(direction) && len(w) < 5) && (first || !cased): // "II" as well
		return false
	case c.is(kwPhone | kwBank | kwPassport | kwPlate | kwCard | kwMoney | kwOther | digit):
		return false
	case how == onlyKnown:
		return false
	case cased:
		return !(t.upper && len(w) >= 3 && len(w) <= 6 && !s.allUpper(j)) && !(derived(w) && (how == capitals && first || s.sentence(j))) // not an abbreviation
	case how == capitals && first:
		return false
	case len(w) < 3 || derived(w):
		return false
	case first:
		return how == everything
	}
	return how != onlyKnown && len(w) >= 4 && c == 0 && t.caseless
}

// lead returns where a name begins that the token is the first known of: an
// initial or what many names begin with may stand before it.
func (s *scan) lead(i int) int {
	for n := 0; n < 2; n++ {
		k := i - 1
		if s.is(k, ".") && s.near(i) {
			k--
		}
		if k < 0 || !s.near(k+1) || s.used[k] != free || s.tokens[k].form != word || s.tokens[k].gap == nothing && k > 0 {
			return i
		}
		t := s.tokens[k]
		switch w := s.text(k); {
		case t.end-t.start == 1 && k < i-1 && (t.capital || t.caseless) && w != "h" && w != "n": // "M. Yusuf"
		case t.end-t.start == 1 && t.capital && !t.caseless && w == "i": // "I Made"
		case w == "m" && t.caseless:
		case w == "muh", w == "moh", w == "mohd", w == "md", w == "mhd", w == "abd", w == "abdul", w == "ahm", w == "akh", w == "gt", w == "st", w == "ni", w == "utuh", w == "tri", w == "dwi", w == "eka", w == "nur", w == "sri", w == "noor":
		default:
			return i
		}
		i = k
	}
	return i
}

// allUpper tells whether a neighbour in capitals alone shows that a name is
// written so.
func (s *scan) allUpper(j int) bool {
	check := func(k int) bool {
		return k >= 0 && k < len(s.tokens) && s.tokens[k].form == word && s.tokens[k].upper && s.tokens[k].end-s.tokens[k].start > 2 && !s.tokens[k].class.is(common|office|job)
	}
	return check(j-1) || check(j+1)
}

// sentence tells whether a token begins one.
func (s *scan) sentence(j int) bool {
	if j == 0 || s.tokens[j].gap >= line {
		return true
	}
	switch s.text(j - 1) {
	case ".", "!", "?", ":", "\"":
		return true
	}
	return false
}

// initials returns the last token of initials that stand for a name: "AR",
// "A.R.", or -1.
func (s *scan) initials(i int) int {
	if i >= len(s.tokens) || s.tokens[i].form != word || !s.tokens[i].upper || s.tokens[i].end-s.tokens[i].start > 3 || s.used[i] != free {
		return -1
	}
	if t := s.tokens[i]; t.end-t.start > 1 {
		if t.class&^(given|ambiguous|top|degree|kwPhone|weak) != 0 {
			return -1
		}
		return i
	}
	last := i
	for s.is(last+1, ".") && s.near(last+2) && s.tokens[last+2].form == word && s.tokens[last+2].upper && s.tokens[last+2].end-s.tokens[last+2].start == 1 {
		last += 2
	}
	return last
}
