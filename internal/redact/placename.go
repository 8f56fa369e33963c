package redact

import "strings"

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
	if w == "kp" && !(t.capital && j > k+1) || w == "kampung" && !s.tokens[j].capital && (s.tokens[j].class.is(common) || !s.whereTo(k)) || (w == "komp" || w == "kel" || w == "ds" || w == "kp" || w == "kampung") && s.tokens[j].class.is(common) && !s.tokens[j].class.is(place|nature) && !s.tokens[j].capital {
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
		} else if (s.is(j, "-") || s.is(j, "_")) && s.near(j+1) && s.tokens[j].gap == nothing && s.tokens[j+1].gap == nothing && s.tokens[j+1].form == word {
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
	alley := w == "gang"
	if (alley || t.class.is(street) && (s.whereTo(k) || head.capital && !head.caseless) || t.class.is(estate) && s.whereTo(k)) && !s.kindOfRoad(k+1) {
		return part{end: end, kind: kind, house: alley && s.numberSoon(end)}
	}
	if !head.caseless && head.capital && !head.class.is(common) {
		return part{end: end, kind: kind}
	}
	if !head.caseless && head.capital && (t.capital || t.class.is(village)) && (!s.bothCommon(k+1, end) || s.whereTo(k) && !derived(s.text(k+1))) {
		return part{end: end, kind: kind}
	}
	if head.class.is(common) && !head.class.is(place|nature) && !(t.class.is(village) && words > 1 && head.class.is(direction|business)) && !s.numberSoon(end) || digits && !s.numberSoon(end) && !t.capital {
		return noPart
	}
	if t.class.is(street) && w != "gang" && !s.numberSoon(end) && !head.class.is(given|place|direction|nature) && !(head.class == 0 && !verb(s.text(k+1))) {
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

// whereToToken tells whether the word before the one before token j says that a
// place follows.
func (s *scan) whereToToken(j int) bool { return j > 1 && s.near(j) && s.whereTo(j-1) }

// kindOfRoad tells whether a word after "jalan", "gang" or "komplek" says what
// kind it is, where, or whose, rather than what it is called.
func (s *scan) kindOfRoad(i int) bool {
	switch s.text(i) {
	case "raya", "rusak", "utama", "provinsi", "nasional", "kabupaten", "kota", "lingkungan", "umum", "poros", "tol", "setapak", "tani", "usaha", "kampung", "desa", "depan", "menuju", "masuk", "keluar", "buntu", "pintas",
		"tikus", "sempit", "kecil", "besar", "baru", "lama", "tanah", "aspal", "sebelah", "samping", "belakang", "rumah", "perumahan", "warga", "guru", "pegawai", "licin", "lintas", "penghubung", "tambang", "negara",
		"supaya", "biar", "tapi", "tetapi", "sehingga", "agar", "jika", "lalu", "kemudian", "sambil", "padahal", "hingga", "setelah", "sebelum":
		return true
	}
	return s.has(i, stop|owner|doer|goer|slot|slotty|kin|title|office|job) || derived(s.text(i)) && !s.has(i, given|business)
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
	case t.class.is(region|street|estate|village) && !t.class.is(direction|nature), w == "rt" || w == "rw" || w == "no" || w == "nomor" || (w == "km" || w == "kilometer") && n > 0:
		return false
	case s.near(j+1) && (w == "al" && s.has2(j+1, word) || n == 0 && len(w) == 1 && (s.is(j+1, ".") || t.caseless && s.has(j+1, given))):
		return true // "Gg. Al Mizan", "Jl. A. Yani"
	case ofNature && !t.class.is(stop|kwPhone|kwNIK|kwBank|kwNIP) && (t.caseless || t.capital):
		return true // "Sungai Tuan", "Sungai Malang"
	case n > 0 && (t.class.is(city) && !(head.class.is(village) && t.class.is(direction)) && !s.is(j-1, "trans") || t.class.is(office) || t.class.is(title) && !t.class.is(given) && !road):
		return false
	case n == 0 && (t.class.is(stop) || t.class.is(title) && !t.class.is(given|direction) && !t.upper && !road):
		return false
	case !t.caseless && (head.capital || t.capital || head.end-head.start > 4 && !s.numberSoon(j)):
		return t.capital || n > 0 && t.class.is(direction) && !t.class.is(common)
	case t.class.is(stop | kwPhone | kwNIK | kwBank | kwNIP):
		return false
	case n == 1 && head.class.is(village) && s.has(j-1, place) && t.class == 0:
		return true
	case road && t.class.is(business) && (n > 0 || strings.HasPrefix(s.low[head.start:head.end], "g")):
		return true
	case n > 0 && road && s.numberSoon(j) && !s.is(j, "no"):
		return true
	case n == 0 && road && (s.low[head.start:head.end] == "gang" || s.whereToToken(j)) && !s.kindOfRoad(j):
		return true
	case n == 0:
		return !t.class.is(common|job|office) || t.class.is(direction|nature|entity|given|place) || road && (t.class.is(job|title) && s.has2(j+1, word) || s.numberSoon(j))
	case t.class.is(given | direction | place):
		return !t.class.is(common) || t.class.is(direction) || n == 1 && head.class.is(village)
	}
	return t.class == 0 && !derived(w) && n < 3
}
