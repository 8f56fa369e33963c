package redact

import "strings"

// plates finds number plates and passports: letters with digits.
func (s *scan) plates() {
	s.spacedPlates()
	for i := range s.tokens {
		t := s.tokens[i]
		if t.form != word || s.used[i] != free || t.end-t.start > 2 || !s.near(i+1) {
			continue
		}
		digits := i + 1
		if (s.is(digits, ".") || s.is(digits, "-")) && s.near(digits+1) {
			digits++
		}
		if s.tokens[digits].form != number || s.used[digits] != free {
			continue
		}
		if s.is(i, "d") && s.is(digits, "4") && s.has2(digits+1, number) && s.near(digits+1) {
			digits++ // "D4 1234 XY"
		}
		n := s.tokens[digits].end - s.tokens[digits].start
		switch {
		case s.passport(i, digits):
		case n <= 4 && platePrefix(s.text(i)):
			s.plate(i, digits)
		}
	}
	for i := range s.tokens { // "plat 1234 XY"
		if t := s.tokens[i]; t.form == number && s.used[i] == free && t.end-t.start >= 3 && t.end-t.start <= 4 && s.near(i) && s.near(i+1) && (s.has(i-1, kwPlate) || s.is(i-1, "nomor") && s.has(i-2, kwPlate) || s.is(i-1, "nomornya") && s.within(i, kwPlate, 3) || t.end-t.start == 4 && s.text(i)[0] != '2' && s.tokens[i+1].upper && !s.tokens[i+1].caseless && s.tokens[i+1].class == 0 && s.within(i, kwPlate, 8)) {
			if x := s.tokens[i+1]; x.form == word && s.used[i+1] == free && x.end-x.start >= 2 && x.end-x.start <= 3 && (x.upper && !x.caseless || x.class == 0) {
				s.take(hit{i, i + 1, Plate, 0.5, "redact.reason.plate"})
			}
		}
	}
	for i := range s.tokens { // a passport's letters may be missing
		if t := s.tokens[i]; t.form == number && s.used[i] == free && t.end-t.start >= 6 && t.end-t.start <= 8 && s.context(i).is(kwPassport) {
			s.take(hit{i, i, Passport, 0.6, "redact.reason.passport"})
		}
	}
}

// passport takes one or two letters with six to eight digits, where a word near
// says so, or with one capital and seven digits as passports have.
func (s *scan) passport(i, digits int) bool {
	last, n := digits, s.tokens[digits].end-s.tokens[digits].start
	for n < 6 && s.near(last+1) && s.tokens[last+1].form == number && s.used[last+1] == free {
		last++
		n += s.tokens[last].end - s.tokens[last].start
	}
	switch told := s.within(i, kwPassport, 16); {
	case n < 6 || n > 8:
		return false
	case told:
		return s.take(hit{i, last, Passport, 0.9, "redact.reason.passport"})
	case last == i+1 && n == 7 && s.tokens[last].gap == nothing && s.tokens[i].upper && s.tokens[i].end-s.tokens[i].start == 1 && (i == 0 || s.tokens[i].gap != nothing):
		return s.take(hit{i, last, Passport, 0.5, "redact.reason.passport"})
	}
	return false
}

// spacedPlates finds plates whose characters stand apart or are in words:
// "D A 1 2 3 4 X Y", "DA satu dua tiga empat XY".
func (s *scan) spacedPlates() {
	for i := range s.tokens {
		if t := s.tokens[i]; t.form != word || t.end-t.start > 2 || s.used[i] != free {
			continue
		}
		var letters, digits, suffix string
		last, parts := i, 0
		for j := i; j < len(s.tokens) && (j == i || s.near(j)) && s.used[j] == free && parts < 10; j++ {
			t, w := s.tokens[j], s.text(j)
			switch {
			case t.form == other && j > i && strings.Contains(".-_/*", w):
				continue
			case t.form == number && len(digits)+len(w) <= 4 && letters != "" && suffix == "":
				digits += w
			case s.has(j, digit) && len(digits) < 4 && letters != "" && suffix == "":
				digits += string(spelledDigit(w))
			case t.form == word && digits == "" && len(letters)+len(w) <= 2:
				letters += w
			case t.form == word && digits != "" && len(suffix)+len(w) <= 3 && !(t.class.is(stop) && t.gap == space && len(w) > 1):
				suffix += w
			default:
				parts = 99
				continue
			}
			last = j
			parts++
		}
		da := letters == "da"
		if !platePrefix(letters) || len(digits) < 2 || last < i+3 || suffix == "" && !s.within(i, kwPlate, 6) || !da && !s.within(i, kwPlate, 6) {
			continue
		}
		s.take(hit{i, last, Plate, 0.6, "redact.reason.plate"})
	}
}

// plate takes a plate that begins at i, if its suffix or a word near it shows
// that it is one.
func (s *scan) plate(i, digits int) {
	t := s.tokens[i]
	width := s.tokens[digits].end - s.tokens[digits].start
	if more := digits + 1; s.near(more) && s.tokens[more].form == number && s.used[more] == free && width+s.tokens[more].end-s.tokens[more].start <= 4 && s.has2(more+1, word) && s.tokens[more+1].upper && s.tokens[more+1].end-s.tokens[more+1].start <= 3 {
		width += s.tokens[more].end - s.tokens[more].start
		digits = more // "DA 1 234 BC"
	}
	last := digits
	k := digits + 1
	if s.has2(k, other) && strings.Contains(".-_/*", s.text(k)) && s.near(k) && s.near(k+1) && s.tokens[k+1].gap == nothing {
		k++
	}
	suffix := s.near(k) && s.tokens[k].form == word && s.tokens[k].end-s.tokens[k].start <= 3 && s.used[k] == free
	if suffix && !(s.tokens[k].upper && t.upper && !t.caseless) && s.tokens[k].gap != nothing && (s.tokens[k].class.is(stop) && !(s.is(i, "da") && s.tokens[k].end-s.tokens[k].start == 2 && s.within(i, kwPlate, 4) && !s.is(k, "di") && !s.is(k, "ke") && !s.is(k, "yg") && !s.is(k, "ya") && !s.is(k, "da")) || s.tokens[k].end-s.tokens[k].start > 2 && s.tokens[k].class.is(common|region|street|village|job|weak)) {
		suffix = false
	}
	if suffix {
		last = k
	}
	told := s.within(i, kwPlate, 6)
	long := width >= 3
	da := s.is(i, "da") || s.is(i, "d") && s.is(i+1, "a")
	switch {
	case suffix && told:
		s.take(hit{i, last, Plate, 0.95, "redact.reason.plate"})
	case suffix && (t.upper && s.tokens[k].upper && !t.caseless && (da || long) || da && long):
		s.take(hit{i, last, Plate, 0.85, "redact.reason.plate"})
	case suffix && width >= 3 && s.tokens[k].class == 0 && s.tokens[k].end-s.tokens[k].start >= 2 && (t.class == 0 || s.is(i, "b")), suffix && da && s.tokens[k].class == 0:
		s.take(hit{i, last, Plate, 0.5, "redact.reason.plate"})
	case suffix && da && t.upper:
		s.take(hit{i, last, Plate, 0.7, "redact.reason.plate"})
	case suffix && width == 4 && !t.class.is(common) && t.end-t.start == 2 && !s.tokens[k].class.is(given|common):
		s.take(hit{i, last, Plate, 0.6, "redact.reason.plate"})
	case told && (da || t.upper && long):
		s.take(hit{i, digits, Plate, 0.7, "redact.reason.plate"})
	case da && long && !s.has(k, kwMoney|common) && !s.is(k, "orang"): // of this province
		s.take(hit{i, digits, Plate, 0.5, "redact.reason.plate"})
	}
}

// within tells whether a word of a class stands within n tokens.
func (s *scan) within(i int, c class, n int) bool {
	for k := max(0, i-n); k <= i+n && k < len(s.tokens); k++ {
		if k != i && s.has(k, c) {
			return true
		}
	}
	return false
}

func platePrefix(w string) bool {
	switch w {
	case "a", "b", "d", "e", "f", "g", "h", "k", "l", "m", "n", "p", "r", "s", "t", "w", "z",
		"aa", "ab", "ad", "ae", "ag", "ba", "bb", "bd", "be", "bg", "bh", "bk", "bl", "bm", "bn", "bp",
		"da", "db", "dc", "dd", "de", "dg", "dh", "dk", "dl", "dm", "dn", "dp", "dr", "ds", "dt", "dw", "ea", "eb", "ed",
		"kb", "kh", "ks", "kt", "ku", "pa", "pb", "ri":
		return true
	}
	return false
}
