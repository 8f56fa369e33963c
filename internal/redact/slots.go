package redact

import "strings"

// slotted finds names that the lists don't have, or that are words too, by
// where they stand: after "kata" or "oleh", before "bilang" or a job.
func (s *scan) slotted() {
	for j := range s.tokens {
		if s.used[j] != free || !s.plausible(j) {
			continue
		}
		if !s.inSlot(j) {
			continue
		}
		last := s.walk(j, everything)
		if last < 0 {
			continue
		}
		s.take(hit{s.lead(j), last, Name, 0.5, "redact.reason.slot"})
	}
}

// plausible tells whether a word may be a name at all.
func (s *scan) plausible(j int) bool {
	t := s.tokens[j]
	w := s.text(j)
	if t.form != word || len(w) < 3 || len(w) > 20 || t.class&^(given|ambiguous|common|direction|business|weak|place) != 0 || t.class.is(common|direction|business|weak|place) && !t.class.is(given) {
		return false
	}
	if t.upper && !t.caseless && len(w) < 7 && !s.allUpper(j) {
		return false // an abbreviation
	}
	if s.tokens[j].gap == nothing && j > 0 && strings.Contains("-_/'.@", s.text(j-1)) || s.near(j+1) && s.tokens[j+1].gap == nothing && (s.is(j+1, "-") || s.is(j+1, "_") || s.is(j+1, "/") || s.tokens[j+1].form == number) {
		return false
	}
	return strings.ContainsAny(w, "aeiou") && !derived(w)
}

// inSlot tells whether the words beside a plausible one show that it is a name.
func (s *scan) inSlot(j int) bool {
	t := s.tokens[j]
	cased, start := t.capital && !t.caseless, s.sentence(j)
	unknown, doubtful := t.class == 0, t.class.is(common|place|direction|business)
	var left class
	if s.near(j) {
		left = s.tokens[j-1].class
		if s.tokens[j-1].form != word {
			left = 0
		}
	}
	end := j + 1
	for n := 0; n < 2 && cased && s.near(end) && s.has2(end, word) && s.tokens[end].capital && s.plausible(end); n++ {
		end++
	}
	var right class
	apposed := false // by a comma or a bracket
	if s.near(end) {
		right = s.tokens[end].class
		if (s.is(end, ",") || s.is(end, "(")) && s.near(end+1) {
			right, apposed = s.tokens[end+1].class&(job|kin|role), true
		}
	}
	does := right.is(doer) || right.is(job|role) && !right.is(territorial) || right.is(kin) && apposed
	switch {
	case left.is(office|entity|street|estate|village|region|territorial) && !left.is(slot):
		return false
	case cased && !start:
		return left.is(slot|slotty) || does || right.is(goer) && (unknown || t.class.is(given)) || unknown && !s.is(j-1, "di")
	case cased: // a capital says nothing
		return !doubtful && (does || right.is(goer)) || doubtful && (right.is(doer) || apposed && does)
	case !t.caseless:
		return unknown && left.is(slot)
	case left.is(slot):
		return !doubtful || right.is(doer) || !s.near(j+1)
	case left.is(slotty):
		return t.class.is(given) && !doubtful || unknown && t.end-t.start > 3 && !left.is(stop)
	}
	return !doubtful && (right.is(doer) || (t.class.is(given) || start) && right.is(goer|job))
}
