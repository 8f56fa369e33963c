package redact

import "strings"

// addresses finds where somebody lives: from a street, a gang, an RT or a
// village on, as far as the parts go on, up to the regency or city.
func (s *scan) addresses() {
	for i := 0; i < len(s.tokens); i++ {
		if s.used[i] != free || s.tokens[i].form != word {
			continue
		}
		p := s.part(i, 0, true)
		begin := i
		if km := s.is(i, "km") || s.is(i, "kilometer"); p.end >= 0 || km {
			if b := s.before(i); !p.kind.is(village) || s.has(b, nature) {
				begin = b
			}
			if p.end < 0 && begin < i {
				p = s.part(i, village, false) // "Anjir Muara Km 18"
			}
		}
		if p.end < 0 {
			continue
		}
		i = s.address(begin, p)
	}
	s.homes()
	s.between()
}

// between takes the word or two that stand between two pieces of one address:
// "Desa Tajau … RT 3".
func (s *scan) between() {
	ends := map[int]bool{} // tokens that addresses begin with
	var all []hit
	for _, h := range s.hits {
		if h.kind == Address {
			ends[h.first] = true
			all = append(all, h)
		}
	}
	for _, h := range all {
		last := h.last
		for n := 0; n < 2 && s.near(last+1) && s.used[last+1] == free && s.has2(last+1, word) && !s.around(last+1, toward|home) &&
			!s.has(last+1, stop|title|owner|doer|goer|slot|slotty|kin|role|job|keywords|network) && !derived(s.text(last+1)); n++ {
			last++
		}
		if last > h.last && s.near(last+1) && ends[last+1] {
			s.take(hit{h.last + 1, last, Address, 0.5, "redact.reason.address"})
		}
	}
}

// address takes an address from the token where it begins and its first part
// on. It returns its last token.
func (s *scan) address(begin int, p part) int {
	last, house, own, parts := p.end, p.house, p.own, 1
	for kind := p.kind; parts < 12; {
		k, comma := last+1, false
		for n := 0; n < 2 && k < len(s.tokens) && s.tokens[k].form == other && strings.Contains(",.-/;_:()", s.text(k)); n++ {
			comma = true
			k++
		}
		if k >= len(s.tokens) || s.used[k] != free || s.tokens[k].gap == paragraph {
			break
		}
		next := s.part(k, kind, false)
		if next.end < 0 || s.tokens[k].gap == line && !comma && !next.sure {
			break
		}
		last, house, own, kind, parts = next.end, house || next.house, own || next.own, next.kind, parts+1
	}
	confidence := 0.7
	if parts > 1 || house {
		confidence = 0.9
	}
	switch {
	case !own && s.ofOffice(begin, p.kind), s.ofWorks(begin) && p.kind.is(street) && !house:
		s.block(begin, last)
	default:
		s.take(hit{begin, last, Address, confidence, "redact.reason.address"})
	}
	return last
}

// homes finds what words such as "tinggal di" and "alamat:" lead to, be it a
// place's name alone: "rumahnya di Telaga Biru".
func (s *scan) homes() {
	for i := range s.tokens {
		if !s.around(i, home) || s.used[i] != free {
			continue
		}
		w := s.text(i)
		led := strings.Contains(w, "alam") || strings.Contains(w, "domisili") || strings.HasPrefix(w, "alm") // "alamat" leads by itself
		j := i + 1
		for said := false; s.near(j) && s.used[j] == free && j < i+7; j++ {
			if s.is(j, "di") || s.is(j, ":") || s.is(j, "=") {
				led, said = true, true
			} else if said || !s.has(j, owner|kin|role|goer|title) && !s.around(j, home) && !s.is(j, "lengkap") && !s.is(j, "tua") {
				break
			}
		}
		if !led || !s.near(j) {
			continue
		}
		last := j - 1
		for n := 0; n < 4 && s.near(last+1) && s.used[last+1] == free && s.ofPlace(last+1, last >= j); n++ {
			last++
		}
		if last >= j {
			s.address(j, part{end: last, kind: village, own: true})
		}
	}
}

// ofPlace tells whether a word may be of a place's name where one is awaited.
func (s *scan) ofPlace(i int, more bool) bool {
	t := s.tokens[i]
	switch {
	case t.form == number:
		return more && t.end-t.start <= 3 && !s.unit(i+1)
	case t.form != word || t.class.is(city|region|stop|title|job|owner|doer|goer|slot|slotty|kin|role|network|keywords) && !t.class.is(given|nature) || s.around(i, sort|plainly|home|toward) || derived(s.text(i)) && !t.class.is(place):
		return false
	case t.class.is(nature | place):
		return !t.class.is(office)
	case more:
		return t.class.is(direction|given|business) || t.class == 0
	}
	return (t.class == 0 || t.class.is(given) && !t.class.is(common)) && t.end-t.start > 2
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
		if c.is(estate) && !c.is(direction) && begin == k+1 {
			begin, known = k, true // "Komplek Perumahan"
			continue
		}
		if t.form != word || c.is(stop|title|job|office|kin|role|region|network|slot|slotty|doer|goer) && !c.is(nature|place|given) || s.around(k, toward) && !c.is(nature|place|direction) || s.is(k, "di") ||
			c.is(common) && !c.is(nature|direction|place|given) || t.end-t.start < 2 && !(t.upper && s.has2(k-1, word)) || derived(s.text(k)) && !c.is(place) || c.is(street) {
			break
		}
		known = known || c.is(nature|place)
		begin = k
	}
	if begin == i {
		return i
	}
	if known || !s.tokens[begin].caseless && s.tokens[begin].capital || s.whereTo(begin) || s.is(begin-1, ":") || !s.near(begin) {
		return begin
	}
	return i
}
