package redact

// plates finds number plates and passports: letters with digits.
func (s *scan) plates() {
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
		n := s.tokens[digits].end - s.tokens[digits].start
		switch {
		case n >= 6 && n <= 8 && digits == i+1 && s.around(i, kwPassport, 6):
			s.take(hit{i, digits, Passport, 0.9, "redact.reason.passport"})
		case n <= 4 && platePrefix(s.text(i)):
			s.plate(i, digits)
		}
	}
	for i := range s.tokens { // a passport's letters may be missing
		if t := s.tokens[i]; t.form == number && s.used[i] == free && t.end-t.start >= 6 && t.end-t.start <= 8 && s.context(i).is(kwPassport) {
			s.take(hit{i, i, Passport, 0.6, "redact.reason.passport"})
		}
	}
}

// plate takes a plate that begins at i, if its suffix or a word near it shows
// that it is one.
func (s *scan) plate(i, digits int) {
	t := s.tokens[i]
	last := digits
	k := digits + 1
	if (s.is(k, ".") || s.is(k, "-")) && s.near(k) && s.near(k+1) && s.tokens[k+1].gap == nothing {
		k++
	}
	suffix := s.near(k) && s.tokens[k].form == word && s.tokens[k].end-s.tokens[k].start <= 3 && s.used[k] == free
	if suffix && !(s.tokens[k].upper && t.upper && !t.caseless) && s.tokens[k].gap != nothing && s.tokens[k].class.is(common|stop|region|street|village|job|weak) {
		suffix = false
	}
	if suffix {
		last = k
	}
	told := s.around(i, kwPlate, 6)
	long := s.tokens[digits].end-s.tokens[digits].start >= 3
	da := s.is(i, "da")
	switch {
	case suffix && told:
		s.take(hit{i, last, Plate, 0.95, "redact.reason.plate"})
	case suffix && (t.upper && s.tokens[k].upper && !t.caseless && (da || long) || da && long):
		s.take(hit{i, last, Plate, 0.85, "redact.reason.plate"})
	case suffix && da && t.upper:
		s.take(hit{i, last, Plate, 0.7, "redact.reason.plate"})
	case suffix && s.tokens[digits].end-s.tokens[digits].start == 4 && !t.class.is(common) && t.end-t.start == 2 && !s.tokens[k].class.is(given|common):
		s.take(hit{i, last, Plate, 0.6, "redact.reason.plate"})
	case told && (da || t.upper && long):
		s.take(hit{i, digits, Plate, 0.7, "redact.reason.plate"})
	}
}

// around tells whether a word of a class stands within n tokens.
func (s *scan) around(i int, c class, n int) bool {
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
