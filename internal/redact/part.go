package redact

import "strings"

// part is a piece of an address.
type part struct {
	end   int   // its last token; -1 if there is none
	kind  class // street, estate or village
	house bool  // it tells of a house
	own   bool  // where people live, as no office is said to be
	sure  bool  // hardly anything else
}

var noPart = part{end: -1}

// head is the word that a part begins with.
type head struct {
	first, last int // tokens
	text        string
	class       class
	more        bool // something of the address stands before it
}

// headAt reads the head at a token, also one whose letters stand apart or that
// is written as it is said: "R.T.", "j a l a n", "J1.", "er te".
func (s *scan) headAt(k int) head {
	t := s.tokens[k]
	h := head{first: k, last: k, text: s.text(k), class: t.class}
	if t.form != word {
		return h
	}
	if h.text == "er" && s.near(k+1) {
		switch s.text(k + 1) {
		case "te":
			return head{first: k, last: k + 1, text: "rt", class: territorial}
		case "we":
			return head{first: k, last: k + 1, text: "rw", class: territorial}
		}
	}
	if t.end-t.start != 1 {
		return h
	}
	var letters [8]byte
	for j, n := k, 0; n < len(letters); {
		x := s.tokens[j]
		if s.used[j] != free || x.end-x.start != 1 || x.form != word && x.form != number {
			break
		}
		letters[n] = s.low[x.start]
		if x.form == number {
			if letters[n] != '1' {
				break
			}
			letters[n] = 'l'
		}
		n++
		switch w := string(letters[:n]); w {
		case "rt", "rw", "no", "km", "jl", "jln", "jalan", "gg", "gang", "blok", "desa", "kel", "kec":
			h = head{first: k, last: j, text: w, class: s.r.words.classes[w]}
		}
		if j++; s.near(j) && s.tokens[j].form == other && (s.is(j, ".") || s.is(j, "-") || s.is(j, "_")) {
			j++
		}
		if !s.near(j) {
			break
		}
	}
	return h
}

// part reads the piece that begins at token k, after one of a kind. First
// tells that nothing of the address stands before it.
func (s *scan) part(k int, prev class, first bool) part {
	t := s.tokens[k]
	if t.form == number && !first && t.gap < line && t.end-t.start <= 4 && !s.unit(k+1) && (!s.has(k-1, common) || s.has(k-1, direction|place) || s.tokens[k-1].capital && !s.tokens[k-1].caseless || prev.is(street|estate)) && (s.is(k-1, "/") || !s.is(k-1, ",") && !s.is(k-1, ".")) {
		return part{end: s.letterAfter(k), house: true}
	}
	if t.form != word {
		return noPart
	}
	h := s.headAt(k)
	w, j := h.text, s.skipDot(h.last)
	switch {
	case w == "rt" || w == "rw" || w == "erte" || w == "erwe":
		return s.neighbourhood(h, j)
	case w == "no" || w == "nomor" || w == "nmr" || w == "nomer":
		return s.house(k, j, first)
	case s.around(k, numbered) && !h.class.is(estate):
		return s.numberedPart(k, j, first)
	case w == "blok" || w == "blk":
		return s.block2(k, j, first)
	case !first && (h.class.is(nature) || h.class.is(place) && !h.class.is(city|given)) && s.has2(k-1, number) && t.gap == space:
		end := k
		for n := 0; n < 2 && s.near(end+1) && s.has2(end+1, word) && s.has(end+1, place|direction|nature|given) && !s.has(end+1, city|stop|doer|goer); n++ {
			end++ // "RT 05 Sungai Andai"
		}
		return part{end: end, kind: village}
	case first && s.r.words.arounds[w].is(waterside):
		return s.hamlet(k, j)
	case h.class.is(street | estate | village), h.class.is(nature) && !first && s.is(k-1, ","):
		return s.named(h, j, first)
	}
	return noPart
}

// unit tells whether a token is what the number before it counts.
func (s *scan) unit(i int) bool {
	if !s.near(i) {
		return false
	}
	switch s.text(i) {
	case "juta", "jt", "orang", "ribu", "rb", "tahun", "meter", "mtr", "m", "km", "kali", "hari", "unit", "buah", "kk", "persen", "%", "jam", "bulan", "minggu", "jiwa", "paket", "kg", "ton", "hektar", "ha", "milyar", "miliar", "rupiah", "kepala", "warga":
		return true
	}
	return false
}

func (s *scan) skipDot(k int) int {
	j := k + 1
	for j < len(s.tokens) && (s.is(j, ".") || s.is(j, ":") || s.is(j, "_") || s.is(j, "-")) && s.tokens[j].gap < line {
		j++
	}
	return j
}

// letterAfter returns the token of the letter that goes with a number, "12A"
// and "33 B", or the number's own.
func (s *scan) letterAfter(k int) int {
	if x := k + 1; s.near(x) && s.used[x] == free && s.has2(x, word) && s.tokens[x].end-s.tokens[x].start == 1 && (s.tokens[x].gap == nothing || s.tokens[x].upper && !s.tokens[x].caseless && !s.is(x+1, ".")) && s.headAt(x).last == x {
		return x
	}
	return k
}

// spelledEnd returns the last token of a number in words, or -1.
func (s *scan) spelledEnd(j int) int {
	end := -1
	for s.near(j) && s.used[j] == free && (s.has(j, digit) || s.is(j, "belas") || s.is(j, "puluh") || s.is(j, "ratus")) {
		end = j
		j++
	}
	if end >= 0 && s.is(j-1, "kosong") && (j < 2 || !s.has(j-2, digit)) {
		return -1 // empty, rather
	}
	return end
}

// house reads "No. 12", "no. A7", "nomor dua puluh".
func (s *scan) house(k, j int, first bool) part {
	if first && !s.is(k-1, "rumah") && !s.is(k-1, "rumahnya") || !s.near(j) {
		return noPart
	}
	if end := s.spelledEnd(j); end >= 0 && !(first && s.is(end+1, "dari")) {
		return part{end: end, house: true, sure: true}
	}
	if s.near(j+1) && s.tokens[j].form == word && s.tokens[j].end-s.tokens[j].start == 1 && (s.tokens[j+1].form == number || s.is(j+1, "-") && s.has2(j+2, number)) {
		j++ // "no. A7", "No. D-16"
		if s.is(j, "-") {
			j++
		}
	}
	if s.tokens[j].form != number || s.tokens[j].end-s.tokens[j].start > 4 {
		return noPart
	}
	end := s.letterAfter(j)
	for s.near(end+2) && (s.is(end+1, "-") || s.is(end+1, "/")) && s.tokens[end+2].form == number && s.tokens[end+2].gap == nothing {
		end += 2
	}
	return part{end: end, house: true, sure: true}
}

// numberedPart reads "lantai 3", "los 12", "km 7,5", "pal 6": by itself only
// before another part.
func (s *scan) numberedPart(k, j int, first bool) part {
	if !s.near(j) || s.used[j] != free {
		return noPart
	}
	end := j
	switch t := s.tokens[j]; {
	case t.form == number && t.end-t.start <= 3:
		end = s.letterAfter(j)
		if s.near(j+2) && (s.is(j+1, ",") || s.is(j+1, ".")) && s.tokens[j+1].gap == nothing && s.tokens[j+2].gap == nothing && s.tokens[j+2].form == number {
			end = j + 2
		}
	case t.form == word && t.end-t.start == 1:
		if x := j + 1; s.near(x) && s.has2(x, number) && s.tokens[x].end-s.tokens[x].start <= 3 {
			end = x
		}
	case s.spelledEnd(j) >= 0:
		end = s.spelledEnd(j)
	default:
		return noPart
	}
	if stall := s.is(k, "los") || s.is(k, "lapak") || s.is(k, "kios") || s.is(k, "petak"); first && (s.unit(end+1) || !stall && !s.partSoon(end) || s.ofWorks(k)) {
		return noPart
	}
	return part{end: end, house: !s.is(k, "km") && !s.is(k, "kilometer"), sure: true}
}

// neighbourhood reads "RT 03/RW 01", "RT.003/001", "RT/RW 03/01", "RT 5, 6 dan 7".
func (s *scan) neighbourhood(h head, j int) part {
	if k := h.first; s.is(k-1, "ketua") || s.has(k-1, title) || s.is(k-1, "pengurus") || s.is(k-1, "sekretaris") || s.is(k-1, "bendahara") || s.is(k-1, "oknum") {
		return noPart
	}
	if s.is(j, "/") && j+1 < len(s.tokens) {
		rw := s.headAt(j + 1)
		if rw.text != "rw" {
			return noPart
		}
		j = s.skipDot(rw.last)
	}
	if s.near(j) && s.tokens[j].upper && s.has2(j, word) && strings.Trim(s.text(j), "ivx") == "" { // "RT IV"
		return part{end: j, house: true, own: true, sure: true}
	}
	if end := s.spelledEnd(j); end >= 0 { // "rt sepuluh"
		return part{end: end, house: true, own: true, sure: true}
	}
	if !s.near(j) || s.tokens[j].form != number || s.tokens[j].end-s.tokens[j].start > 3 {
		return noPart
	}
	end := s.letterAfter(j)
	for n := 0; n < 6 && s.near(end+2); n++ {
		x := end + 2
		switch s.text(end + 1) {
		case "/", "-", ",", "dan", "&", "atau", "sampai":
		default:
			n = 6
			continue
		}
		if s.used[x] != free || s.tokens[x].form != number || s.tokens[x].end-s.tokens[x].start > 3 || s.unit(x+1) {
			break
		}
		end = x
	}
	return part{end: end, house: true, own: true, sure: true}
}

// block2 reads "Blok C 12", "Blok C-12", "Blok D/14", "Blok AA No. 3".
func (s *scan) block2(k, j int, first bool) part {
	if !s.near(j) || s.tokens[j].form == other || s.tokens[j].end-s.tokens[j].start > 3 || s.tokens[j].form == word && s.tokens[j].class.is(common) && !s.tokens[j].upper && s.tokens[j].end-s.tokens[j].start > 1 {
		return noPart
	}
	end := j
	if s.near(j+2) && (s.is(j+1, "-") || s.is(j+1, "/") || s.is(j+1, ".")) && s.tokens[j+2].form == number {
		end = j + 2
	} else if s.near(j+1) && s.tokens[j+1].form == number && s.tokens[j].form == word {
		end = j + 1
	}
	end = s.letterAfter(end)
	return part{end: end, kind: estate, house: end > j || !first, own: true, sure: true}
}
