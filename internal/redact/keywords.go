package redact

// contextTokens is how far a word may stand from the number that it tells of.
const contextTokens = 16

const keywords = kwNIK | kwKK | kwNPWP | kwNIP | kwPhone | kwBank | kwBPJS | kwPassport | kwCard | kwMoney | kwOther

// context returns the classes of the word nearest before token i that says
// what number follows. A word of other numbers, such as a day's, counts right
// before it or if there is nothing else: "rek. bank, tgl. 3: 12345678".
func (s *scan) context(i int) class {
	const reach = 96     // bytes
	var weak, soft class // soft is of an owner's name, as accounts have
	for k := i - 1; k >= 0 && k >= i-contextTokens; k-- {
		t := s.tokens[k]
		if s.tokens[i].start-t.end > reach || s.tokens[k+1].gap == paragraph {
			return soft | weak
		}
		if t.form != word {
			if t.form == number && k < i-1 && s.used[k] != taken && t.end-t.start > 5 {
				return weak // that word tells of the number before
			}
			if m := s.raw[t.start:t.end]; t.form == mark && m != Name.Mark() && m != Address.Mark() {
				if c := s.ofMark(k, i); c != 0 {
					return c // "rek. [REKENING] dan 12345678": more of the same
				}
				return weak
			}
			continue
		}
		c := s.keyword(k)
		if c&^(kwOther|kwMoney) == 0 {
			if weak == 0 {
				weak = c
			}
			if c != 0 && k >= i-2 {
				return c
			}
			continue
		}
		if soft != 0 && c.is(kwNIK|kwKK|kwNPWP|kwNIP|kwBPJS|kwPassport|kwPhone) && k > i-10 {
			return c
		}
		if soft == 0 && (s.is(k, "nama") || s.is(k, "an") || s.is(k, "n")) {
			soft = c
			continue
		}
		if soft != 0 {
			return soft
		}
		if first := s.twin(k, i); first != 0 {
			return first
		}
		return c
	}
	return soft | weak
}

// twin returns the classes of the first of two words that tell of two numbers,
// if the number at token i is the first of them: "NIK dan KK saya … dan …".
func (s *scan) twin(k, i int) class {
	joins := func(i int) bool {
		switch s.text(i) {
		case "dan", "&", "/", ",", "serta", "wan", "sama", "n", "+", "atau", "dn":
			return true
		}
		return false
	}
	kind := s.keyword(k)
	for n := 0; n < 3 && (s.is(k-1, "kartu") || s.is(k-1, "nomor") || s.is(k-1, "no") || s.is(k-1, "nmr") || s.is(k-1, ".")); n++ {
		k-- // "KTP dan kartu keluarga", "KK dan no. NIK"
	}
	if k < 2 || !joins(k-1) || !s.has2(k-2, word) {
		return 0
	}
	first := s.keyword(k-2) &^ (kwOther | kwMoney)
	if first == 0 || first == kind {
		return 0
	}
	for j := i + 1; j < i+12 && s.near(j); j++ {
		if joins(j) && s.has2(j+1, number) {
			return first
		}
		if s.tokens[j].form == word {
			break
		}
	}
	return 0
}

// saidAfter returns the classes of the word by which the number before it is
// told what it is, "… itu nomor KK saya", unless it leads to another number.
func (s *scan) saidAfter(i int) class {
	k, said := i+1, false
	for ; k < i+5 && s.near(k); k++ {
		switch s.text(k) {
		case "itu", "ini", "adalah", "merupakan", "ialah", "tu", "nih":
			said = true
			continue
		case ",", "-", "=", "nomor", "no", ".", "nmr", "punya", "sbg", "sebagai":
			continue
		}
		break
	}
	if !said || !s.near(k) || !s.has2(k, word) {
		return 0
	}
	for n := k + 1; n < k+4 && s.near(n); n++ {
		if s.is(n, ":") || s.has2(n, number) {
			return 0
		}
	}
	if s.near(k+1) && s.is(k, "kartu") {
		k++
	}
	return s.keyword(k) &^ (kwOther | kwMoney | kwPhone | kwBank)
}

// inBrackets returns the classes of a word in brackets right after token i:
// "… (KK)".
func (s *scan) inBrackets(i int) class {
	if s.is(i+1, "(") && s.near(i+1) && s.has2(i+2, word) && s.is(i+3, ")") {
		return s.keyword(i+2) &^ (kwOther | kwMoney | kwPhone)
	}
	return 0
}

// ofMark returns the class that a mark right before a number stands for.
func (s *scan) ofMark(k, i int) class {
	if i-k > 2 || i-k == 2 && !s.is(i-1, ",") && !s.is(i-1, "/") && !s.is(i-1, "dan") && !s.is(i-1, "atau") {
		return 0
	}
	switch s.raw[s.tokens[k].start:s.tokens[k].end] {
	case Phone.Mark():
		return kwPhone
	case Bank.Mark():
		return kwBank
	}
	return 0
}

// keyword returns the classes of a word as one that tells of numbers, with the
// word before it where it takes two.
func (s *scan) keyword(k int) class {
	t := s.text(k)
	before := func(w ...string) bool {
		for _, x := range w {
			if s.is(k-1, x) {
				return true
			}
		}
		return false
	}
	switch t {
	case "k", "p":
		return s.dotted(k)
	case "ka":
		if before("ka") {
			return kwKK // "ka ka"
		}
		return 0
	case "keluarga", "keluarganya", "kel", "kluarga", "klrga", "klg", "kelrga", "kaluarga", "kulawarga", "keluargaku":
		if before("kartu", "kertu", "krt", "krtu", "kart", "nomor", "susunan") {
			return kwKK
		}
		return 0
	case "penduduk":
		if before("tanda") {
			return kwNIK
		}
		return 0
	case "pajak":
		if before("wajib", "pokok") {
			return kwNPWP
		}
		return 0
	case "pegawai":
		if before("induk") {
			return kwNIP
		}
		return 0
	case "kredit", "debit":
		if before("kartu") {
			return kwCard
		}
		return 0
	case "sehat":
		if before("indonesia") {
			return kwBPJS
		}
		return 0
	case "nama":
		if before("atas") {
			return kwBank
		}
		return 0
	case "n":
		if s.is(k-1, ".") && s.is(k-2, "a") || s.is(k-1, "/") && s.is(k-2, "a") {
			return kwBank
		}
		return 0
	case "rekening", "rek":
		if before("kode", "mata") || s.is(k+1, "belanja") {
			return kwOther
		}
		return kwBank
	case "bank", "an":
		return kwBank
	case "dana":
		return 0
	case "atm":
		if before("kartu") {
			return kwCard
		}
		return kwBank
	case "dewan", "sk", "se", "pp", "uu":
		if t != "dewan" {
			return kwOther
		}
		return 0
	case "kode", "paket":
		return kwOther
	}
	return s.tokens[k].class & keywords
}

// dotted returns the classes of a word whose letters stand apart: "K.K.", "n i k".
func (s *scan) dotted(k int) class {
	w := s.text(k)
	for n := 0; n < 3; n++ {
		j := k - 1
		if s.is(j, ".") {
			j--
		}
		if !s.has2(j, word) || s.tokens[j].end-s.tokens[j].start != 1 {
			break
		}
		k, w = j, s.text(j)+w
	}
	if len(w) < 2 {
		return 0
	}
	return s.r.words.classes[w] & keywords
}

// after returns the classes of a word right after token i that says what it was.
func (s *scan) after(i int) class {
	for k := i + 1; k <= i+4 && s.near(k); k++ {
		if s.tokens[k].form == number || s.tokens[k].form == mark && k > i+1 {
			return 0
		}
		if s.is(k, ",") || s.is(k, ".") || s.is(k, ";") || s.is(k, "dan") {
			if s.is(k, ",") && (s.is(k+1, "itu") || s.is(k+1, "ini") || s.is(k+1, "nomor") || s.is(k+1, "no")) {
				continue // ", itu KK saya"
			}
			if !s.is(k+1, "an") && !s.is(k+1, "a") && !s.is(k+1, "atas") && !s.has(k+1, kwBank) {
				return 0
			}
			continue
		}
		if s.tokens[k].form == word {
			if c := s.keyword(k); c != 0 {
				return c &^ (kwOther | kwMoney | kwPhone)
			}
			if s.is(k, "atas") && s.is(k+1, "nama") || s.is(k, "a") && s.is(k+2, "n") {
				return kwBank
			}
		}
	}
	return 0
}
