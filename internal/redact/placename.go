package redact

import "strings"

// named reads a word such as Jl. or Desa with the name that follows at j.
func (s *scan) named(h head, j int, first bool) part {
	w, c, t := h.text, h.class, s.tokens[h.first]
	if c.is(street) && s.is(j, "/") {
		j++ // "jl/nangka/no.7"
	}
	if !s.near(j) || s.used[j] != free {
		return noPart
	}
	if h.last > h.first && c.is(street) {
		if end := s.spacedEnd(j); end >= 0 {
			return part{end: end, kind: street, sure: true}
		}
	}
	begins := s.tokens[j]
	h.more = !first
	if c.is(village) && s.near(h.first) && s.has(h.first-1, job) && s.has(j, given) && !s.has(j, ambiguous) {
		return noPart // "bidan desa Nama"
	}
	short := w == "jl" || w == "jln" || w == "jlan" || w == "jaln" || w == "gg" || w == "gng" || w == "ggn" || w == "lrg" || w == "kec" || w == "kel" || w == "komp" || w == "dsn" || w == "kcmtn"
	if first && (w == "kp" && !(t.capital && j > h.last+1) && !s.whereTo(h.first) || (w == "komp" || w == "kel" || w == "ds" || w == "kp") && begins.class.is(common) && !begins.class.is(place|nature) && !begins.capital && !s.whereTo(h.first) ||
		w == "kampung" && !begins.capital && !s.whereTo(h.first) && begins.class&^(given|place|direction|nature|business) != 0) {
		return noPart
	}
	end, words, digits := h.last, 0, false
	most := 5
	if c.is(village) {
		most = 3
	}
	for n := 0; n < most && j < len(s.tokens) && s.used[j] == free; n++ {
		if words > 0 && !s.near(j) {
			break
		}
		x := s.tokens[j]
		if x.form == number && words == 0 && (c.is(street|estate) || !first || w == "dusun" || w == "dsn") && x.end-x.start <= 3 && (x.gap != nothing || s.is(j-1, ".")) {
			end, digits = j, true
			words++
			j++
			continue
		}
		if x.form != word || !s.addressWord(j, words, h) {
			break
		}
		end = j
		words++
		j++
		if s.is(j, ".") && s.near(j+1) && (x.end-x.start <= 2 || s.around(j-1, rank) || s.tokens[j].gap == nothing && s.tokens[j+1].gap == nothing) { // "A. Yani", "Jl.Sungai.Lulut"
			j++
		} else if (s.is(j, "-") || s.is(j, "_")) && s.near(j+1) && s.tokens[j].gap == nothing && s.tokens[j+1].gap == nothing && s.tokens[j+1].form == word {
			j++ // "Bati-Bati"
			n--
		}
	}
	if words == 0 {
		return noPart
	}
	p := part{end: end, kind: c & (street | estate | village), own: w == "gg" || w == "gang" || w == "komplek" || w == "kompleks" || w == "perumahan" || w == "perum"}
	if p.sure = short || !first; p.sure {
		p.house = w == "gg" || w == "gang"
		return p
	}
	if s.meant(h, s.skipDot(h.last), end, begins) || digits && s.numberSoon(end) {
		p.house = w == "gang" && s.numberSoon(end)
		return p
	}
	return noPart
}

// meant tells whether what follows a word that is one of everyday language too
// is a name, from its token j to end.
func (s *scan) meant(h head, j, end int, name token) bool {
	t, cased := s.tokens[h.first], !name.caseless && name.capital
	kind := s.kindOfRoad(j)
	if h.class.is(village) {
		kind = s.ofVillage(j)
	}
	if cased && (!name.class.is(common) || h.class.is(village) && t.capital && !s.around(j, sort|plainly) && !name.class.is(stop|job|office|owner)) {
		kind = false // "Perumahan Beringin"
	}
	known := name.class.is(given|place|direction|nature) || name.class == 0 && !verb(s.text(j))
	switch {
	case kind && !cased:
		return s.numberSoon(end) && !s.around(j, sort)
	case h.text == "gang", s.whereTo(h.first) && !kind:
		return true
	case cased && (!name.class.is(common) || h.class.is(village) && t.capital || h.class.is(street) || (t.capital || h.class.is(village)) && !s.bothCommon(j, end)):
		return !kind || !name.class.is(common)
	case name.form == number:
		return t.capital
	case h.class.is(estate):
		return cased && end > j || known || !s.around(j, plainly) || s.has(j, business) || s.numberSoon(end)
	case h.class.is(village) && end > j && s.has(j, direction|business):
		return true
	}
	return s.numberSoon(end) || known && (!name.class.is(common) || name.class.is(place|nature)) && !derived(s.text(j))
}

// spacedEnd returns the last of letters that stand apart from token j on, or -1.
func (s *scan) spacedEnd(j int) int {
	single := func(i int) bool {
		return s.near(i) && s.used[i] == free && s.tokens[i].form == word && s.tokens[i].end-s.tokens[i].start == 1
	}
	if !single(j) || !single(j+1) || !single(j+2) {
		return -1
	}
	for single(j + 1) {
		j++
	}
	return j
}

// hamlet reads "Handil Birayang Bawah": a place without a word for it, where
// something says that one follows or the number of an RT or a km does.
func (s *scan) hamlet(k, j int) part {
	if !s.near(j) || !s.has2(j, word) || s.ofVillage(j) || s.used[j] != free || s.tokens[k].class.is(street) {
		return s.named(s.headAt(k), j, true)
	}
	end := j
	for n := 0; n < 2 && s.near(end+1) && s.used[end+1] == free && s.has2(end+1, word) && (s.has(end+1, direction|place|given) || s.tokens[end+1].class == 0) && !s.ofVillage(end+1) && !s.has(end+1, city); n++ {
		end++
	}
	if !s.whereTo(k) && !s.numberSoon(end) && !(s.tokens[j].capital && !s.tokens[j].caseless) {
		return noPart
	}
	return part{end: end, kind: village}
}

// around tells whether there is a token i that says any of it of a place.
func (s *scan) around(i int, a around) bool {
	return i >= 0 && i < len(s.tokens) && s.tokens[i].form == word && s.r.words.arounds[s.text(i)].is(a)
}

// whereTo tells whether a word before token i says that a place follows.
func (s *scan) whereTo(i int) bool {
	if !s.near(i) {
		return false
	}
	switch s.text(i - 1) {
	case "dan", "&", ",", "atau", "sama", "wan", "/": // more of the same
		return i > 1 && s.used[i-2] == taken
	}
	return s.around(i-1, toward)
}

// kindOfRoad tells whether a word after "jalan", "gang" or "komplek" says what
// kind it is, where, or whose, rather than what it is called.
func (s *scan) kindOfRoad(i int) bool {
	return s.around(i, sort) || s.has(i, stop|owner|doer|goer|slot|slotty|kin|title|office|job) || derived(s.text(i)) && !s.has(i, given|business)
}

// ofVillage is the same of a word after "desa" or "kampung".
func (s *scan) ofVillage(i int) bool {
	if w := s.text(i); derived(w) && !s.has(i, given|place|business) && !(s.tokens[i].class == 0 && (strings.HasPrefix(w, "pe") || s.has(i+1, direction))) {
		return true
	}
	return s.around(i, sort|plainly) && !s.has(i, direction|place|nature) || s.has(i, stop|owner|doer|goer|slot|slotty|kin|office|job|digit) && !s.has(i, given|place|direction|nature)
}

// bothCommon tells whether all words of a range are everyday ones.
func (s *scan) bothCommon(first, last int) bool {
	for i := first; i <= last; i++ {
		if s.tokens[i].form == word && !s.tokens[i].class.is(common) {
			return false
		}
	}
	return true
}

// partSoon tells whether a part with a name or a number follows at once.
func (s *scan) partSoon(i int) bool {
	k := i + 1
	if s.is(k, ",") || s.is(k, ".") || s.is(k, "/") {
		k++
	}
	switch s.text(min(k, len(s.tokens)-1)) {
	case "no", "nomor", "rt", "rw":
		return s.near(k)
	}
	return s.near(k) && (s.has(k, street|estate|village) && !s.has(k, direction) || s.around(k, numbered))
}

// numberSoon tells whether the number of a house or an RT follows.
func (s *scan) numberSoon(i int) bool {
	for k := i + 1; k <= i+3 && s.near(k); k++ {
		switch s.text(k) {
		case "no", "nomor", "rt", "rw", "gg", "gang", "km", "blok", "komp", "komplek", "perum", "perumahan":
			return true
		}
		if s.tokens[k].form == number && s.tokens[k].end-s.tokens[k].start <= 3 && k == i+1 {
			return true
		}
	}
	return false
}

// addressWord tells whether a word belongs to the name of a street or a
// village, as its word n.
func (s *scan) addressWord(j, n int, h head) bool {
	t, head := s.tokens[j], s.tokens[h.first]
	w := s.text(j)
	road := h.class.is(street | estate)
	ofNature := n > 0 && s.has(j-1, nature) || n == 1 && h.class.is(village) && s.has(j-1, place) && !s.ofVillage(j)
	switch {
	case n == 0 && t.class.is(village) && h.class.is(street) && h.text != "jalan" && (s.is(j+1, "no") || s.is(j+1, "gg")):
		return true // "Jl. Kelurahan No. 5"
	case t.class.is(region|street|estate|village) && !t.class.is(direction|nature), w == "rt" || w == "rw" || w == "no" || w == "nomor" || (w == "km" || w == "kilometer") && n > 0:
		return false
	case road && n > 0 && (w == "h" || w == "kh" || w == "hj" || w == "m" || w == "hm") && s.near(j+1) && (s.is(j+1, ".") || s.has(j+1, given) || s.tokens[j+1].class == 0):
		return true // "Jl. Brigjen H. Hasan Basri"
	case s.near(j+1) && (w == "al" && s.has2(j+1, word) || n == 0 && len(w) == 1 && (s.is(j+1, ".") || t.caseless && s.has(j+1, given))):
		return true // "Gg. Al Mizan", "Jl. A. Yani"
	case ofNature && !t.class.is(stop|kwPhone|kwNIK|kwBank|kwNIP) && (t.caseless || t.capital):
		return true // "Sungai Tuan", "Sungai Malang"
	case n > 0 && (t.class.is(city) && !(h.class.is(village) && t.class.is(direction)) && !s.is(j-1, "trans") || t.class.is(office) || t.class.is(title) && !t.class.is(given) && !road):
		return false
	case n == 0 && (t.class.is(stop) || t.class.is(title) && !t.class.is(given|direction) && !t.upper && !road):
		return false
	case !t.caseless && (head.capital || t.capital || head.end-head.start > 4 && !s.numberSoon(j)):
		return t.capital || n > 0 && t.class.is(direction) && !t.class.is(common)
	case n > 0 && road && s.near(j+1) && s.has(j+1, direction) && !s.has(j+1, stop|given) && !t.class.is(stop|doer|goer|slot|slotty|job) && !s.around(j, sort|plainly|toward) && !derived(w):
		return true // "jalan bumi mas raya"
	case t.class.is(stop|kwPhone|kwNIK|kwNIP) || t.class.is(kwBank) && !t.class.is(business):
		return false
	case n == 1 && h.class.is(village) && s.has(j-1, place) && t.class == 0:
		return true
	case road && t.class.is(business) && (n > 0 || strings.HasPrefix(h.text, "g")):
		return true
	case n > 0 && road && s.numberSoon(j) && !s.is(j, "no"):
		return true
	case n == 0 && road && (h.text == "gang" || h.text != "jalan" && (!s.around(j, plainly) || s.has(j, business)) || s.whereTo(h.first)) && !s.kindOfRoad(j):
		return true
	case n == 0 && h.class.is(village) && (h.more || s.whereTo(h.first)) && !s.ofVillage(j):
		return true
	case n == 0:
		return !t.class.is(common|job|office) || t.class.is(direction|nature|entity|given|place) || road && (t.class.is(job|title) && s.has2(j+1, word) || s.numberSoon(j))
	case t.class.is(given | direction | place):
		return !t.class.is(common) || t.class.is(direction) || n == 1 && h.class.is(village)
	}
	return t.class == 0 && !derived(w) && n < 3
}
