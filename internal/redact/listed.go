package redact

import "strings"

// gazetteer finds given names that stand alone, with the names beside them.
func (s *scan) gazetteer() {
	for i := 0; i < len(s.tokens); i++ {
		if s.used[i] != free || s.tokens[i].form != word {
			continue
		}
		first, last, known, doubtful, unknown := s.cluster(i)
		if last < i {
			continue
		}
		if known > 0 {
			first = s.lead(first)
			if !s.tokens[last].caseless {
				last = max(last, s.walk(last, capitals))
			}
		}
		switch {
		case known > 0:
			confidence := 0.75
			if known+doubtful > 1 {
				confidence = 0.9
			}
			s.take(hit{first, last, Name, confidence, "redact.reason.given"})
		case doubtful == 1 && last == first && s.tokens[first].class&^(given|ambiguous|common|weak|title|kin) == 0 && s.tokens[first].end-s.tokens[first].start > 2 && !s.tokens[first].upper && !s.sentence(first):
			s.take(hit{first, last, Name, 0.5, "redact.reason.capital"})
		case doubtful > 1 || doubtful == 1 && unknown > 0 && !s.sentence(first):
			s.take(hit{first, last, Name, 0.6, "redact.reason.given"})
		}
		i = last
	}
}

// cluster returns the words from i on that stand together as a name does, and
// how many of them are given names, may be, or are unknown with a capital.
func (s *scan) cluster(i int) (first, last, known, doubtful, unknown int) {
	first, last = i, i-1
	for j, n := i, 0; n < 6 && j < len(s.tokens) && (j == i || s.near(j)) && s.used[j] == free && s.tokens[j].form == word; n++ {
		t := s.tokens[j]
		c := t.class
		cased := t.capital && !t.caseless
		w := s.text(j)
		switch {
		case c.is(stop) && !((w == "bin" || w == "binti" || w == "al") && known > 0 && s.near(j+1) && s.has(j+1, given)):
			return
		case c.is(given) && !c.is(ambiguous) && (cased || t.caseless || !derived(w)):
			known++
		case c.is(given) && cased && !c.is(office|region|entity|street|job) && !(c.is(common|place) && s.sentence(j) && known == 0):
			doubtful++
		case c.is(given) && t.caseless && known > 0 && !c.is(common|place|office|region):
			doubtful++
		case w == "bin" || w == "binti" || w == "al":
		case t.end-t.start == 1 && t.capital && (s.is(j+1, ".") && s.near(j+2) && s.has(j+2, given) || known > 0 && !t.caseless):
			if s.is(j+1, ".") && s.near(j+2) {
				if last < i && !s.has(j+2, given) {
					return
				}
				if last >= i {
					last = j
				}
				j += 2
				continue
			}
		case cased && c&^(direction|business|weak) == 0 && s.nameWord(j, last < i, capitals):
			if last < i && s.sentence(j) && !s.has(j+1, given) {
				return
			}
			unknown++
		default:
			return
		}
		last = j
		j++
	}
	return
}

// listed finds words with capitals that stand in a list with a name: "Nama & X".
func (s *scan) listed() {
	named := s.nameEdges()
	joined := func(i int) bool {
		switch s.text(i) {
		case "&", "/", ",", "dan", "wan", "sama", "serta", "+":
			return true
		}
		return false
	}
	for i := 2; i < len(s.tokens); i++ {
		t := s.tokens[i]
		if s.used[i] != free || t.form != word || !t.capital || t.caseless || t.upper || t.class&^(given|ambiguous) != 0 || t.end-t.start < 3 || derived(s.text(i)) {
			continue
		}
		if s.near(i) && s.near(i-1) && joined(i-1) && named[i-2] || s.near(i+1) && s.near(i+2) && joined(i+1) && named[i+2] && !s.sentence(i) {
			if last := s.walk(i, capitals); last >= i {
				named[last] = true
				s.take(hit{i, last, Name, 0.6, "redact.reason.listed"})
			}
		}
	}
}

// nameEdges tells of each token whether a name begins or ends with it.
func (s *scan) nameEdges() []bool {
	named := make([]bool, len(s.tokens))
	for _, h := range s.hits {
		if h.kind == Name {
			named[h.first], named[h.last] = true, true
		}
	}
	for i, t := range s.tokens {
		if t.form == mark && s.raw[t.start:t.end] == Name.Mark() {
			named[i] = true
		}
	}
	return named
}

// rows finds names in lists of one a line, and before what somebody said in a
// chat: "3. Nama (ketua)", "Nama: sudah masuk".
func (s *scan) rows() {
	names := s.nameEdges()
	named, last := false, -1 // the row before is a name, and the row's first token
	for i := range s.tokens {
		if i > 0 && s.tokens[i].gap < line {
			continue
		}
		was, before := named, last
		last = i
		j := i
		for j < len(s.tokens) && j < i+3 && (j == i || s.near(j)) && (s.tokens[j].form == number && s.tokens[j].end-s.tokens[j].start <= 2 || s.tokens[j].form == other && j >= i && strings.Contains("-.)*•>~", s.text(j))) {
			j++
		}
		if j >= len(s.tokens) {
			return
		}
		if s.tokens[j].form == mark || s.used[j] == taken {
			named = j > i && names[j]
			if named && !was && before >= 0 && s.listRow(before) {
				s.row(before)
			}
			continue
		}
		named = was
		if j > i && was {
			named = s.row(i)
		} else if j == i {
			named = false
			s.speaker(i)
		}
	}
}

// listRow tells whether a row begins as one of a list.
func (s *scan) listRow(i int) bool {
	return s.tokens[i].form == number && s.tokens[i].end-s.tokens[i].start <= 2 && s.near(i+1) && s.tokens[i+1].form == other || s.is(i, "-") || s.is(i, "*")
}

// row takes the name that a row of a list begins with.
func (s *scan) row(i int) bool {
	j := i
	for s.has2(j, number) || s.has2(j, other) {
		if j++; !s.near(j) {
			return false
		}
	}
	if j >= len(s.tokens) || s.used[j] != free || !s.plausible(j) {
		return false
	}
	last := s.walk(j, everything)
	if last < 0 || s.near(last+1) && s.tokens[last+1].form == word && !s.has(last+1, job) {
		return false
	}
	return s.take(hit{j, last, Name, 0.5, "redact.reason.listed"})
}

// speaker takes the name before a colon at the beginning of a line, where the
// same word begins another such line or what follows is no value of a form.
func (s *scan) speaker(i int) {
	if s.used[i] != free || !s.plausible(i) || !s.is(i+1, ":") || s.tokens[i+1].gap != nothing || !s.near(i+2) {
		return
	}
	said := s.tokens[i+2].form == word && !s.tokens[i+2].capital
	for k := i + 2; !said && k+1 < len(s.tokens) && k < i+200; k++ {
		said = s.tokens[k].gap >= line && s.text(k) == s.text(i) && s.is(k+1, ":")
	}
	if said && (s.tokens[i].class == 0 || s.tokens[i].class.is(given)) {
		s.take(hit{i, i, Name, 0.5, "redact.reason.slot"})
	}
}
