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
		begin := i
		if p.end >= 0 && !p.kind.is(village) || s.is(i, "km") {
			begin = s.before(i)
		}
		if p.end < 0 && begin < i && s.is(i, "km") {
			p = s.part(i, begin, false) // "Anjir Muara Km 18"
		}
		if p.end < 0 {
			continue
		}
		last, house, parts := p.end, p.house, 1
		for parts < 12 {
			k, comma := last+1, false
			for n := 0; n < 2 && k < len(s.tokens) && s.tokens[k].form == other && strings.Contains(",.-/;", s.text(k)); n++ {
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
	case w == "rt" || w == "rw":
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
	case w == "km" && !first:
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
	case t.class.is(street | estate | village), t.class.is(nature) && !first && s.is(k-1, ","):
		return s.named(k, j, first)
	}
	return noPart
}

func (s *scan) skipDot(k int) int {
	j := k + 1
	for j < len(s.tokens) && (s.is(j, ".") || s.is(j, ":")) && s.tokens[j].gap < line {
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

// named reads a word such as Jl. or Desa with the name that follows.
func (s *scan) named(k, j int, first bool) part {
	t := s.tokens[k]
	w := s.text(k)
	if !s.near(j) || s.used[j] != free {
		return noPart
	}
	if t.class.is(village) && s.has(k-1, job) && s.near(k) && s.has(j, given) && !s.has(j, ambiguous) {
		return noPart // "bidan desa Nama"
	}
	short := w == "jl" || w == "jln" || w == "jlan" || w == "jaln" || w == "gg" || w == "kec" || w == "kel" || w == "komp" || w == "dsn" || w == "kcmtn"
	if w == "kp" && !(t.capital && j > k+1) || w == "kampung" && !s.tokens[j].capital && (s.tokens[j].class.is(common) || !s.whereTo(k)) || (w == "komp" || w == "kel" || w == "ds" || w == "kp" || w == "kampung") && s.tokens[j].class.is(common) && !s.tokens[j].capital {
		return noPart
	}
	end, words, digits := k, 0, false
	most := 5
	if t.class.is(village) {
		most = 3
	}
	for n := 0; n < most && j < len(s.tokens) && s.used[j] == free; n++ {
		if words > 0 && !s.near(j) {
			break
		}
		x := s.tokens[j]
		if x.form == number && words == 0 && t.class.is(street|estate) && x.end-x.start <= 3 && x.gap != nothing {
			end, digits = j, true
			words++
			j++
			continue
		}
		if x.form != word || !s.addressWord(j, words, t) {
			break
		}
		end = j
		words++
		j++
		if s.is(j, ".") && s.near(j+1) && (x.end-x.start <= 2 || s.tokens[j].gap == nothing && s.tokens[j+1].gap == nothing) { // "A. Yani", "Jl.Sungai.Lulut"
			j++
		} else if s.is(j, "-") && s.near(j+1) && s.tokens[j].gap == nothing && s.tokens[j+1].gap == nothing && s.tokens[j+1].form == word {
			j++ // "Bati-Bati"
			n--
		}
	}
	if words == 0 {
		return noPart
	}
	kind := t.class & (street | estate | village)
	if short || !first {
		return part{end: end, kind: kind, sure: true, house: w == "gg" || w == "gang"}
	}
	// The whole word is one of everyday language too.
	head := s.tokens[k+1]
	if !head.caseless && head.capital && !head.class.is(common) {
		return part{end: end, kind: kind}
	}
	if !head.caseless && head.capital && (t.capital || t.class.is(village)) && (!s.bothCommon(k+1, end) || s.whereTo(k) && !derived(s.text(k+1))) {
		return part{end: end, kind: kind}
	}
	if head.class.is(common) && !head.class.is(place|nature) && !s.numberSoon(end) || digits && !s.numberSoon(end) && !t.capital {
		return noPart
	}
	if t.class.is(street) && w != "gang" && !s.numberSoon(end) && !head.class.is(given|place|direction) && !(head.class == 0 && s.whereTo(k)) {
		return noPart
	}
	if derived(s.text(k+1)) && !s.numberSoon(end) {
		return noPart
	}
	return part{end: end, kind: kind}
}

// whereTo tells whether a word before token i says that a place follows.
func (s *scan) whereTo(i int) bool {
	switch s.text(max(i-1, 0)) {
	case "di", "ke", "dari", "dr", "ka", "warga", "orang", "urang", "alamat", "almt", "alamatnya", "rumah", "rumahnya", "buhan", "tinggal":
		return i > 0
	}
	return false
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
func (s *scan) addressWord(j, n int, head token) bool {
	t := s.tokens[j]
	w := s.text(j)
	road := head.class.is(street | estate)
	ofNature := n > 0 && s.has(j-1, nature)
	switch {
	case t.class.is(region|street|estate|village) && !t.class.is(direction|nature), w == "rt" || w == "rw" || w == "no" || w == "nomor" || w == "km" && n > 0:
		return false
	case s.near(j+1) && (w == "al" && s.has2(j+1, word) || n == 0 && len(w) == 1 && s.is(j+1, ".")):
		return true // "Gg. Al Mizan", "Jl. A. Yani"
	case ofNature && !t.class.is(stop|kwPhone|kwNIK|kwBank|kwNIP) && (t.caseless || t.capital):
		return true // "Sungai Tuan", "Sungai Malang"
	case n > 0 && (t.class.is(city) && !(head.class.is(village) && t.class.is(direction)) && !s.is(j-1, "trans") || t.class.is(office) || t.class.is(title) && !t.class.is(given) && !road):
		return false
	case n == 0 && (t.class.is(stop) || t.class.is(title) && !t.class.is(given|direction) && !t.upper && !road):
		return false
	case !t.caseless && (head.capital || t.capital || head.end-head.start > 4):
		return t.capital || n > 0 && t.class.is(direction) && !t.class.is(common)
	case t.class.is(stop | kwPhone | kwNIK | kwBank | kwNIP):
		return false
	case n > 0 && road && s.numberSoon(j) && !s.is(j, "no"):
		return true
	case n == 0:
		return !t.class.is(common|job|office) || t.class.is(direction|nature|entity|given|place) || road && (t.class.is(job|title) && s.has2(j+1, word) || s.numberSoon(j))
	case t.class.is(given | direction | place):
		return !t.class.is(common) || t.class.is(direction) || n == 1 && head.class.is(village)
	}
	return t.class == 0 && !derived(w) && n < 3
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

// ofWorks tells whether a road is what is built or mended.
func (s *scan) ofWorks(i int) bool {
	for k := i - 1; k >= 0 && k >= i-4 && s.near(k+1); k-- {
		if s.has(k, works) {
			return true
		}
		if s.is(k, "di") || s.is(k, "pada") || s.is(k, "ke") {
			if s.has(k-1, works) || s.has(k-2, works) {
				return true
			}
			return false
		}
		if s.tokens[k].form != word {
			return false
		}
	}
	return false
}
