package redact

import "strings"

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
