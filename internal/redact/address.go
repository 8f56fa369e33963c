package redact

import "strings"

// addresses finds where somebody lives: from a street, a gang, an RT or a
// village on, as far as the parts go on, up to the regency or city.
func (s *scan) addresses() {
	for i := 0; i < len(s.tokens); i++ {
		if s.used[i] != free || s.tokens[i].form != word {
			continue
		}
		p := s.part(i, i, true)
		if p.end < 0 {
			p = s.spacedStreet(i)
		}
		begin := i
		if p.end >= 0 || s.is(i, "km") || s.is(i, "kilometer") {
			if b := s.before(i); !p.kind.is(village) || s.has(b, nature) {
				begin = b
			}
		}
		if p.end < 0 && begin < i && (s.is(i, "km") || s.is(i, "kilometer")) {
			p = s.part(i, begin, false) // "Anjir Muara Km 18"
		}
		if p.end < 0 {
			continue
		}
		last, house, parts := p.end, p.house, 1
		for parts < 12 {
			k, comma := last+1, false
			for n := 0; n < 2 && k < len(s.tokens) && s.tokens[k].form == other && strings.Contains(",.-/;_", s.text(k)); n++ {
				comma = true
				k++
			}
			if k >= len(s.tokens) || s.used[k] != free || s.tokens[k].gap == paragraph {
				break
			}
			next := s.part(k, i, false)
			if next.end < 0 || s.tokens[k].gap == line && !comma && !next.sure {
				break
			}
			last, house, parts = next.end, house || next.house, parts+1
		}
		confidence := 0.7
		if parts > 1 || house {
			confidence = 0.9
		}
		switch {
		case s.ofOffice(begin, p.kind), s.ofWorks(begin) && p.kind.is(street) && !house:
			s.block(begin, last)
		default:
			s.take(hit{begin, last, Address, confidence, "redact.reason.address"})
		}
		i = last
	}
}

// spacedStreet reads a street whose letters stand apart: "J l. M e l a t i".
func (s *scan) spacedStreet(i int) part {
	if !s.is(i, "j") || !s.is(i+1, "l") || !s.near(i+1) {
		return noPart
	}
	end := i + 1
	for n := 0; n < 24 && s.near(end+1) && s.used[end+1] == free && s.tokens[end+1].form != mark && (s.tokens[end+1].end-s.tokens[end+1].start == 1 || n < 3 && s.has2(end+1, word) && s.tokens[end].form == other); n++ {
		end++
	}
	return part{end: end, kind: street, house: true}
}

// before returns where an address begins of which token i is the first part
// that shows it: "Handil Bakti RT 09", "no 15 rt 02".
func (s *scan) before(i int) int {
	if s.is(i, "jl") || s.is(i, "jln") || s.is(i, "jalan") {
		return i
	}
	begin, known, k := i, false, i-1
	if s.near(i) && s.is(k, ",") && s.has(k-1, nature|place|direction|given) {
		k--
	}
	for n := 0; n < 4 && k >= 0 && s.near(k+1) && s.used[k] == free; n, k = n+1, k-1 {
		t := s.tokens[k]
		if t.form == number && t.end-t.start <= 3 && (s.is(k-1, "no") || s.is(k-1, "nomor") || s.is(k-1, ".") && s.is(k-2, "no")) {
			if begin = k - 1; s.is(begin, ".") {
				begin--
			}
			return begin
		}
		c := t.class
		if t.form == number && t.end-t.start <= 3 && s.has(k-1, nature) {
			continue // "Pal 7 Gang"
		}
		if t.form != word || c.is(stop|title|job|office|kin|role|region|network) && !c.is(nature|place|given) || s.is(k, "di") ||
			c.is(common) && !c.is(nature|direction|place|given) || t.end-t.start < 2 || derived(s.text(k)) && !c.is(place) {
			break
		}
		known = known || c.is(nature|place)
		begin = k
	}
	if begin == i {
		return i
	}
	if known || !s.tokens[begin].caseless && s.tokens[begin].capital {
		return begin
	}
	switch s.text(max(begin-1, 0)) {
	case "di", "ke", "dari", "dr", "ka", "matan", "warga", "orang", "urang", "alamat", "almt", "buhan", "rumah", "rumahnya", ":":
		return begin
	}
	return i
}

// part is a piece of an address.
type part struct {
	end   int // its last token; -1 if there is none
	kind  class
	house bool // it tells of a house
	sure  bool // hardly anything else
}

var noPart = part{end: -1}

// part reads the piece that begins at token k. First tells that nothing of the
// address stands before it, from is where the address began.
func (s *scan) part(k, from int, first bool) part {
	t := s.tokens[k]
	if t.form == number && !first && s.tokens[k].gap < line && t.end-t.start <= 4 && (!s.has(k-1, common) || s.has(k-1, direction|place) || s.tokens[k-1].capital && !s.tokens[k-1].caseless) && (s.is(k-1, "/") || !s.is(k-1, ",") && !s.is(k-1, ".")) {
		end := k
		if s.near(k+1) && s.tokens[k+1].form == word && s.tokens[k+1].end-s.tokens[k+1].start == 1 && s.tokens[k+1].gap == nothing {
			end = k + 1 // "12A"
		}
		if s.near(end+1) && (s.is(end+1, "juta") || s.is(end+1, "orang") || s.is(end+1, "ribu") || s.is(end+1, "tahun")) {
			return noPart
		}
		return part{end: end, house: true}
	}
	if t.form != word {
		return noPart
	}
	j := s.skipDot(k)
	switch w := s.text(k); {
	case w == "rt" || w == "rw" || w == "erte" || w == "erwe":
		return s.neighbourhood(k)
	case w == "no" || w == "nomor" || w == "nmr":
		if first && !(s.has(k-1, common) && (s.is(k-1, "rumah") || s.is(k-1, "rumahnya"))) {
			return noPart
		}
		if s.near(j+1) && s.tokens[j].form == word && s.tokens[j].end-s.tokens[j].start == 1 && (s.tokens[j+1].form == number || s.is(j+1, "-") && s.has2(j+2, number)) {
			j++ // "no. A7", "No. D-16"
			if s.is(j, "-") {
				j++
			}
		}
		if s.near(j) && s.tokens[j].form == number && s.tokens[j].end-s.tokens[j].start <= 4 {
			end := j
			if s.near(j+1) && s.tokens[j+1].gap == nothing && s.tokens[j+1].form == word && s.tokens[j+1].end-s.tokens[j+1].start == 1 {
				end = j + 1
			}
			for s.near(end+2) && (s.is(end+1, "-") || s.is(end+1, "/")) && s.tokens[end+2].form == number && s.tokens[end+2].gap == nothing {
				end += 2
			}
			return part{end: end, house: true, sure: true}
		}
		return noPart
	case (w == "lantai" || w == "lt" || w == "jalur") && !first && s.has2(j, number):
		return part{end: j, house: true}
	case (w == "km" || w == "kilometer" || w == "kilo") && !first:
		if s.near(j) && s.tokens[j].form == number {
			end := j
			if s.near(j+2) && (s.is(j+1, ",") || s.is(j+1, ".")) && s.tokens[j+1].gap == nothing && s.tokens[j+2].gap == nothing && s.tokens[j+2].form == number {
				end = j + 2
			}
			return part{end: end, sure: true}
		}
		return noPart
	case w == "blok" || w == "blk":
		return s.block2(k, j, first)
	case !first && t.class.is(nature|place) && s.has2(k-1, number) && !t.class.is(city|given) && s.tokens[k].gap == space:
		end := k
		for n := 0; n < 2 && s.near(end+1) && s.has2(end+1, word) && s.has(end+1, place|direction|nature|given) && !s.has(end+1, city|stop|doer|goer); n++ {
			end++ // "RT 05 Sungai Andai"
		}
		return part{end: end, kind: village}
	case t.class.is(street | estate | village), t.class.is(nature) && !first && s.is(k-1, ","):
		return s.named(k, j, first)
	}
	return noPart
}

func (s *scan) skipDot(k int) int {
	j := k + 1
	for j < len(s.tokens) && (s.is(j, ".") || s.is(j, ":") || s.is(j, "_") || s.is(j, "-")) && s.tokens[j].gap < line {
		j++
	}
	return j
}

// neighbourhood reads "RT 03/RW 01", "RT.003/001", "RT/RW 03/01".
func (s *scan) neighbourhood(k int) part {
	if s.is(k-1, "ketua") || s.has(k-1, title) || s.is(k-1, "pengurus") || s.is(k-1, "sekretaris") || s.is(k-1, "bendahara") || s.is(k-1, "oknum") {
		return noPart
	}
	j := s.skipDot(k)
	if s.is(j, "/") {
		if j++; !s.is(j, "rw") {
			return noPart
		}
		j = s.skipDot(j)
	}
	if tens := func(k int) bool {
		return s.near(k) && (s.has(k, digit) || s.is(k, "sepuluh") || s.is(k, "sebelas") || s.is(k, "belas") || s.is(k, "puluh"))
	}; tens(j) { // "rt sepuluh"
		for tens(j + 1) {
			j++
		}
		return part{end: j, house: true, sure: true}
	}
	if !s.near(j) || s.tokens[j].form != number || s.tokens[j].end-s.tokens[j].start > 3 {
		return noPart
	}
	end := j
	if (s.is(j+1, "/") || s.is(j+1, "-") || s.is(j+1, ",")) && s.near(j+2) {
		j++
	}
	if s.near(j+1) && s.is(j+1, "rw") {
		if n := s.skipDot(j + 1); s.near(n) && s.tokens[n].form == number {
			end = n
		}
	} else if s.is(j, "/") && s.near(j+1) && s.tokens[j+1].form == number && s.tokens[j+1].end-s.tokens[j+1].start <= 3 {
		end = j + 1
	}
	return part{end: end, house: true, sure: true}
}

// block2 reads "Blok C 12", "Blok C-12", "Blok AA No. 3".
func (s *scan) block2(k, j int, first bool) part {
	if !s.near(j) || s.tokens[j].form == other || s.tokens[j].end-s.tokens[j].start > 3 || s.tokens[j].form == word && s.tokens[j].class.is(common) && !s.tokens[j].upper {
		return noPart
	}
	end := j
	if s.near(j+2) && s.is(j+1, "-") && s.tokens[j+2].form == number {
		end = j + 2
	} else if s.near(j+1) && s.tokens[j+1].form == number && s.tokens[j].form == word {
		end = j + 1
	}
	return part{end: end, kind: estate, house: end > j || !first, sure: true}
}

// ofOffice tells whether what begins at token i is where an office or another
// public building is, or is part of its name.
func (s *scan) ofOffice(i int, kind class) bool {
	if kind.is(village) || kind == 0 {
		k := i - 1
		for k >= 0 && s.near(k+1) && (s.has(k, title) || s.is(k, ".")) {
			k--
		}
		if k < 0 || !s.near(k+1) {
			return false
		}
		switch s.text(k) {
		case "kantor", "kepala", "pemerintah", "pemdes", "pemerintahan", "sekretaris", "dana", "apbdes", "bumdes", "bpd", "puskesmas", "posyandu", "lembaga", "badan", "camat", "lurah", "balai", "polsek", "koramil",
			"pkk", "kua", "uptd", "upt", "pustu", "poskesdes", "plt", "pj", "pjs", "sekdes", "kades", "sekretariat", "kantornya", "layanan", "add", "dd":
			return true
		}
		if kind == 0 || !s.has(k, office|entity) || s.has(k, nature) {
			return false
		}
		return true
	}
	for n, k := 0, i-1; n < 12 && k >= 0; n, k = n+1, k-1 {
		t := s.tokens[k]
		if s.tokens[k+1].gap >= line || s.used[k] == taken {
			return false
		}
		switch w := s.text(k); {
		case t.class.is(office|entity) && !t.class.is(nature) && s.beside(k):
			return false // "samping masjid": somebody lives there
		case t.caseless && t.class.is(common) && (t.class.is(doer|goer|slot) && !t.class.is(office|entity) || verb(w)):
			return false // "guru SD ngontrak di …"
		case t.form == other:
			if w == "." && s.tokens[k+1].gap != nothing && s.tokens[k+1].capital && k > 0 && s.tokens[k-1].end-s.tokens[k-1].start > 3 || w == ";" || w == "?" || w == "!" {
				return false
			}
		case t.class.is(private):
			return false
		case w == "rumah" || w == "tinggal" || w == "kost" || w == "kos" || w == "kontrakan" || w == "rumahnya" || w == "warga" || w == "domisili":
			return false
		case t.class.is(office) && !(s.is(k-1, "rumah") || s.is(k-1, "mobil")), t.class.is(entity) && !t.class.is(nature|private):
			return true
		case w == "di" || w == "yang" || w == "beralamat" || w == "alamat" || w == "alamatnya" || w == "terletak" || w == "berlokasi" || w == "berada" || w == "ada" || w == "pada" || w == "depan" || w == "samping" || w == "lama" || w == "baru" || w == "lokasi":
		case t.form == number || t.capital && !t.caseless || t.class.is(place|region|given|direction|village):
		case t.caseless && !t.class.is(stop) && t.class.is(common) && n < 6: // "dinas pendidikan di jl …"
		default:
			return false
		}
	}
	return false
}

// beside tells whether the words before a building say that something else is
// near it.
func (s *scan) beside(k int) bool {
	for n := 0; n < 3 && k > 0 && s.near(k); n++ {
		k--
		switch s.text(k) {
		case "samping", "dekat", "deket", "depan", "belakang", "blkg", "seberang", "sebelah", "muka", "higa", "parak", "sekitar", "balakang", "hadapan", "dkt", "dpn":
			return true
		}
	}
	return false
}

// verb tells whether a word looks like what somebody does.
func verb(w string) bool {
	for _, p := range []string{"ng", "ny", "mem", "men", "meng", "ber"} {
		if strings.HasPrefix(w, p) && len(w) > len(p)+3 {
			return true
		}
	}
	return strings.HasPrefix(w, "buka") || w == "praktek" || w == "praktik" || w == "jualan"
}

// ofWorks tells whether a road is what is built or mended.
func (s *scan) ofWorks(i int) bool {
	for k := i - 1; k >= 0 && k >= i-4 && s.near(k+1) && (!s.is(k, "di") || s.is(k+1, "sepanjang")); k-- {
		if s.has(k, works) {
			return true
		}
		if s.tokens[k].form != word {
			return false
		}
	}
	return false
}
