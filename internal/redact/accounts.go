package redact

import "strings"

// accounts finds the names of accounts: after a network's name, and those that
// by their own look can be nothing else.
func (s *scan) accounts() {
	for i := range s.tokens {
		if s.used[i] == free && (s.has(i, network|kwMail) || s.spacedNetwork(i)) {
			s.account(i)
		}
		if s.is(i, "@") && s.used[i] == free && s.near(i+1) && s.tokens[i+1].form == word && (s.handleEnd(i+1) > i+1 || s.tokens[i+1].class == 0 || s.within(i, network, 4)) {
			s.take(hit{i, s.handleEnd(i + 1), Account, 0.8, "redact.reason.handle"}) // "@ nama_orang"
		}
	}
	defer s.moreAccounts()
	near, mail := -1, -1 // the network's name last seen, and the word for mail
	for i := range s.tokens {
		if s.tokens[i].gap == paragraph {
			near, mail = -1, -1
		}
		if s.has(i, kwMail) && !s.provider(i) {
			mail = i
		}
		if s.has(i, network) {
			near = i
		}
		s.told(i)
		if t := s.tokens[i]; s.used[i] != free || t.form != word || i > 0 && t.gap == nothing && s.tokens[i-1].form != other {
			continue
		}
		if last := s.handleEnd(i); last == i+2 && s.is(i+1, "#") && s.has2(last, number) && s.tokens[last].end-s.tokens[last].start == 4 {
			s.take(hit{i, last, Account, 0.6, "redact.reason.account"}) // "nama#1234"
		} else if last > i && mail > near && i-mail <= 8 && s.handleLike(i, last, true) {
			s.take(hit{i, last, Mail, 0.6, "redact.reason.mail"})
		} else if last > i && s.handleLike(i, last, near >= 0 && i-near <= 20 || s.networkSoon(last)) {
			s.take(hit{i, last, Account, 0.6, "redact.reason.account"})
		}
	}
}

// spacedNetwork tells whether a token ends a network's name whose letters stand
// apart: "i.g", "f b".
func (s *scan) spacedNetwork(i int) bool {
	k := i - 1
	if s.is(k, ".") {
		k--
	}
	return k >= 0 && s.near(i) && s.used[k] == free && (s.is(i, "g") && s.is(k, "i") || s.is(i, "b") && s.is(k, "f"))
}

// networkSoon tells whether a network's name follows: "nama.orang di ig".
func (s *scan) networkSoon(last int) bool {
	for k := last + 1; k <= last+6 && s.near(k); k++ {
		if s.has(k, network) {
			return true
		}
	}
	return false
}

// handleLike tells whether tokens look like an account's name: "nama_orang",
// and where a network was named also "nama88" and "nama.orang".
func (s *scan) handleLike(first, last int, told bool) bool {
	bars, dots, digits, letters := 0, 0, 0, 0
	for i := first; i <= last; i++ {
		switch t := s.tokens[i]; {
		case s.used[i] != free:
			return false
		case t.form == number:
			digits += int(t.end - t.start)
		case t.form == word:
			letters += int(t.end - t.start)
		case s.is(i, "_"):
			bars++
		case s.is(i, "."):
			dots++
		default:
			return false
		}
	}
	switch s.text(last) {
	case "jpg", "jpeg", "png", "pdf", "doc", "docx", "xls", "xlsx", "mp4", "mp3", "zip", "txt", "csv":
		return false
	}
	if letters < 4 || s.has(first, kwNIK|kwKK|kwNIP|kwNPWP|kwBPJS|kwPhone|kwBank|degree|street|estate|village) && bars == 0 || s.has(first, title|weak) && bars+digits == 0 && !(told && s.is(first+1, ".") && s.tokens[first+1].gap == nothing && s.has2(first+2, word) && last == first+2) {
		return false
	}
	return bars > 0 || told && (digits >= 2 && letters > digits || digits == 1 && letters >= 5 && last == first+1 && s.tokens[first].class == 0 || dots >= 1 && letters >= 6)
}

// account takes the name that follows a network's or the word for mail:
// "ig: nama_88", "fb Nama Orang", "gmail saya nama45".
func (s *scan) account(i int) {
	if s.near(i+1) && s.tokens[i+1].gap == nothing && s.tokens[i+1].form != other {
		return // "akun77"
	}
	mail := s.has(i, kwMail)
	j, colon, called := i+1, false, s.has(i, named)
	for n := 0; n < 7 && s.near(j); n++ {
		switch w := s.text(j); {
		case w == ":" || w == "=" || w == "-":
			colon = colon || w != "-" || s.tokens[j].gap == space
		case w == "nama" || w == "namanya" || w == "bernama" || w == "ngaran" || w == "ngarannya" || w == "bangaran" || w == "palsu" || s.has(j, named) && !(s.near(j+1) && s.tokens[j+1].gap == nothing && s.has2(j+1, number)):
			called = true
		case w == "@":
			return // found by its @
		case w == "an", w == "a" && s.near(j+2) && s.is(j+1, ".") && s.is(j+2, "n"), w == "a" && s.near(j+2) && s.is(j+1, "/") && s.is(j+2, "n"):
			if called = true; w == "a" {
				j += 2
			}
			if s.is(j+1, ".") {
				j++
			}
		case s.tokens[j].form == other && strings.Contains("(~>/|→", w):
			colon = true
		case w == "nya" || w == "x" && !(s.near(j+1) && s.tokens[j+1].gap == nothing) || w == "\"" || w == "'" || called && w == "wa" || s.has(j, network) && !s.has(j, named), s.has(j, owner|role) && (!s.has(j, given) || s.is(j+1, ":")) && s.handleEnd(j) == j, (w == "dari" || w == "dr") && s.near(j+1) && s.tokens[j+1].capital && !s.has(j+1, title) && !s.has(i, kwPhone),
			s.has(j, kin) && (strings.HasSuffix(w, "nya") || strings.HasSuffix(w, "ku") || w == "istri" || w == "suami"):
		default:
			n = 7
			continue
		}
		j++
	}
	if !s.near(j) || s.tokens[j].form != word && s.tokens[j].form != number || s.used[j] != free || s.has(j, network) && s.handleEnd(j) == j || s.has(j, title) && !called && !colon && s.handleEnd(j) == j && !(s.tokens[j].capital && s.near(j+1) && s.tokens[j+1].capital) {
		return
	}
	kind, reason := Account, Reason("redact.reason.account")
	if !mail && s.has(j, kwMail) {
		return // "akun email"
	}
	if called && s.is(j, "si") && s.near(j+1) && s.tokens[j+1].capital && s.used[j+1] == free {
		s.take(hit{j, j + 1, kind, 0.7, reason}) // "bernama Si Kancil"
		return
	}
	if !mail && s.tokens[j].form == word && s.tokens[j].class != 0 && !colon && s.handleEnd(j) == j {
		if k := s.afterColon(j); k > 0 {
			s.take(hit{k, s.handleEnd(k), kind, 0.5, reason})
			return
		}
	}
	if mail {
		kind, reason = Mail, "redact.reason.mail"
	}
	last := s.handleEnd(j)
	if end := s.spacedEnd(j); end >= j+3 && s.tokens[j+1].gap == space { // "ig n a m a"
		s.take(hit{j, end, kind, 0.6, reason})
		return
	}
	if spoken := s.spokenEnd(last); spoken > last {
		s.take(hit{j, spoken, kind, 0.7, reason})
		return
	}
	if s.is(j, "e") && s.is(j+1, "-") {
		return // "akun e-katalog"
	}
	if last == j+2 && s.is(j+1, "-") && s.has(j+2, owner) {
		return // "akun SIPD-nya"
	}
	if last > j && s.tokens[j].form == word && (last > j+2 || !s.is(j+1, "-")) { // dots, underscores, digits: nobody writes words so
		s.take(hit{j, last, kind, 0.8, reason})
		return
	}
	if mail {
		if x := s.tokens[j]; x.form == word && (colon && x.class == given || x.class == 0 && (colon || x.end-x.start >= 6)) && s.plausible(j) {
			s.take(hit{j, last, Mail, 0.6, reason})
		}
		return
	}
	x := s.tokens[j]
	capital := x.capital && !x.caseless
	switch {
	case x.form != word || x.class.is(stop):
		return
	case called && j > i+1 && s.is(j-1, "namanya"), called && s.is(j-1, "nama"), called && s.is(j-1, "bernama"), s.has(j-1, named) && s.is(j-2, "nama"):
	case (colon || called) && capital && !x.class.is(job|office), colon && (!s.near(j+1) || s.tokens[j+1].form != word):
	case (colon || called && s.has(j-1, network) && !s.has(j-1, named)) && !x.class.is(stop|owner|kin|role|job|office|doer|goer|slot|slotty|kwPhone):
	case s.has(i, named) && s.sentenceLike(j), x.caseless && !s.has(i, kwPhone) && !s.around(i-1, toward) && !s.has(i-1, slot|slotty|owner|stop) && !s.has(i, named) && !s.around(j, plainly|sort) && s.sentenceLike(j): // "fb mawar berduri"
	case capital && s.has(i, network) && !s.has(i, kwPhone) && !x.class.is(job|office|region|city|goer|doer) && !(x.class.is(title) && !(s.near(j+1) && s.tokens[j+1].capital)) && !(s.near(j+1) && s.has(j+1, city|region)): // "fb Acil Warung"
	case x.class.is(common|job|office|place|kwPhone) && !x.class.is(given):
		return
	case !colon && !called && !capital && !(x.class == 0 && x.end-x.start >= 5 && s.plausible(j)) && !(x.class == given && s.has(j-1, network) && !s.is(i-1, "di")):
		return
	}
	spoken := s.sentenceLike(j) && !capital || called && !capital && j > i+1 && (s.is(j-1, "nama") || s.is(j-1, "namanya") || s.is(j-1, "bernama") || s.is(j-2, "nama"))
	for n := 0; n < 3 && s.near(last+1) && s.tokens[last+1].form == word && s.used[last+1] == free && !s.has(last+1, network|stop); n++ {
		t := s.tokens[last+1]
		switch {
		case capital && !t.capital, !capital && !spoken && (t.class.is(common|job|office) || !called && t.class != given):
			n = 3
			continue
		case spoken && (t.class.is(doer|goer|slot|slotty|owner|kin|role) || derived(s.text(last+1))):
			n = 3
			continue
		}
		last++
	}
	s.take(hit{j, last, kind, 0.7, reason})
}

// spokenEnd returns the last token of a name whose signs are said: "nama garis
// bawah orang", "nama titik orang".
func (s *scan) spokenEnd(last int) int {
	for n := 0; n < 4 && s.near(last+2); n++ {
		k := last + 2
		switch w := s.text(last + 1); {
		case w == "underscore" || w == "underskor" || w == "strip" || saysDot(w):
		case w == "garis" && s.is(k, "bawah"), w == "tanda" && s.is(k, "hubung"):
			k++
		default:
			return last
		}
		if !s.near(k) || s.has2(k, other) || s.tokens[k].form == mark || s.used[k] != free {
			return last
		}
		last = s.handleEnd(k)
	}
	return last
}

// afterColon returns the token of an unknown word after the colon that ends what
// is said of an account, "akun ig yang menyebar: …", or 0.
func (s *scan) afterColon(j int) int {
	for k := j; k < j+5 && s.near(k) && s.tokens[k].form != mark; k++ {
		if s.is(k, ":") {
			if k++; s.near(k) && s.used[k] == free && s.tokens[k].form == word && s.tokens[k].class == 0 && s.tokens[k].end-s.tokens[k].start >= 5 && s.plausible(k) {
				return k
			}
			return 0
		}
	}
	return 0
}

// told takes a word of no known kind after which a network is named: "namaorang
// (ig)", "namaorang di tiktok".
func (s *scan) told(i int) {
	t := s.tokens[i]
	if s.used[i] != free || t.form != word || t.class != 0 || t.end-t.start < 6 || s.handleEnd(i) != i || !s.plausible(i) || !s.near(i+2) || !s.has(i+2, network) || s.has(i+2, kwPhone) {
		return
	}
	switch s.text(i + 1) {
	case "(", "di", "-", "itu", "dari":
		s.take(hit{i, i, Account, 0.4, "redact.reason.account"})
	}
}

// moreAccounts takes what stands in a list with an account: "ig satu_88/dua_88".
func (s *scan) moreAccounts() {
	for n := 0; n < len(s.hits); n++ { // grows
		h := s.hits[n]
		if h.kind != Account {
			continue
		}
		j := h.last + 1
		for s.near(j) && (s.is(j, "/") || s.is(j, ",") || s.is(j, "dan") || s.is(j, "&") || s.is(j, "sama")) {
			j++
		}
		if j == h.last+1 || !s.near(j) || s.used[j] != free || s.tokens[j].form != word {
			continue
		}
		if last := s.handleEnd(j); s.has2(last, number) && last > j || s.tokens[j].class == 0 && s.tokens[j].end-s.tokens[j].start >= 6 && s.plausible(j) && !s.tokens[j].capital {
			s.take(hit{j, last, Account, 0.5, "redact.reason.account"})
		}
	}
}

// sentenceLike tells whether two everyday words after "akun" are what it is
// called: "akun kabar kampung".
func (s *scan) sentenceLike(j int) bool {
	const no = stop | owner | doer | goer | slot | slotty | kin | role | job | office | title | network | kwMail | kwBank | kwPhone
	switch s.text(j) {
	case "siapa", "mana", "apa", "itu", "ini", "palsu", "bodong", "resmi", "anonim", "media", "medsos", "pribadi", "lama", "baru", "belanja", "email", "siluman", "fiktif", "robot", "publik", "anggaran", "kas":
		return false
	}
	return s.near(j+1) && s.has2(j+1, word) && !s.has(j, no) && !s.has(j+1, no) && !derived(s.text(j)) && !derived(s.text(j+1))
}
