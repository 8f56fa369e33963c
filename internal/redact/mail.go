package redact

import "strings"

// joinedMail tells whether a word is an address with what is said for its
// signs: "namaatgmaildotcom".
func (s *scan) joinedMail(i int) bool {
	w := s.text(i)
	if s.tokens[i].form != word || len(w) < 13 {
		return false
	}
	for _, end := range []string{"gmaildotcom", "gmailcom", "gmailtitikcom", "yahoodotcom", "yahoocom", "yahootitikcom"} {
		if strings.HasSuffix(w, end) {
			return true
		}
	}
	return false
}

// localPart goes back from where a mail address seems to begin to the word
// that says that one follows: "email: warga peduli (at) …".
func (s *scan) localPart(from int) int {
	for from >= 2 && s.near(from) && s.near(from-1) && (saysDot(s.text(from-1)) || s.is(from-1, "underscore")) && s.has2(from-2, word) && s.used[from-2] == free {
		from -= 2 // "nama dot orang at …"
	}
	for k, n := from-1, 0; n < 4 && k >= 0 && s.near(k+1) && s.used[k] == free; n, k = n+1, k-1 {
		if s.has(k, kwMail) || s.is(k, ":") {
			return k + 1
		}
		if s.tokens[k].form == other || s.tokens[k].form == mark || s.has(k, stop|kin|role) || s.is(k, "saya") || s.is(k, "aku") || s.is(k, "dia") || s.is(k, "ke") {
			return from
		}
	}
	return from
}

// spacedMail takes an address all of whose characters stand apart.
func (s *scan) spacedMail(at int) bool {
	single := func(i int) bool {
		return i >= 0 && i < len(s.tokens) && s.used[i] == free && s.tokens[i].form != mark && s.tokens[i].end-s.tokens[i].start == 1
	}
	first, last := at, at
	for n := 0; n < 40 && single(first-1) && s.tokens[first].gap == space; n++ {
		first--
	}
	for n := 0; n < 40 && single(last+1) && s.tokens[last+1].gap == space; n++ {
		last++
	}
	return at-first >= 3 && last-at >= 5 && s.take(hit{first, last, Mail, 0.8, "redact.reason.mail"})
}

// bareMail takes an address without its @: "nama88 gmail com".
func (s *scan) bareMail(i int) bool {
	first, last := i-1, i+1
	if s.is(last, ".") {
		last++
	}
	if i == 0 || !s.near(i) || !s.near(last) || !s.plainTop(last) || s.used[first] != free || s.tokens[first].form == other {
		return false
	}
	for first > 0 && s.tokens[first].gap == nothing && s.used[first-1] == free && s.tokens[first-1].form != mark {
		first--
	}
	if s.near(last+1) && s.plainTop(last+1) {
		last++ // "yahoo co id"
	}
	if c := s.tokens[first].class; first < i-1 || c == 0 || c.is(given) && s.localPart(first) < first {
		return s.take(hit{s.localPart(first), last, Mail, 0.6, "redact.reason.mail"})
	}
	return false
}

// ofProvider takes what can be nothing but the part before the @ where the
// provider is told beside it: "nama88 (gmail)", "nama_orang pakai yahoo".
func (s *scan) ofProvider(i int) bool {
	k := i - 1
	switch s.text(k) {
	case "(", "pakai", "pake", "pk", "di", "at", "et", "on", "akun", "domain", "a", "alias":
	default:
		if k++; s.tokens[i].gap != space || !s.providerEnd(i) {
			return false // "nama78 gmail"
		}
	}
	if k--; k < 0 || !s.near(k+1) || s.used[k] != free || s.tokens[k].form == other || s.tokens[k].form == mark {
		return false
	}
	first, signs, letters := k, s.tokens[k].form == number, s.tokens[k].form == word
	for n := 0; n < 12 && first > 0 && s.tokens[first].gap == nothing && s.used[first-1] == free && s.tokens[first-1].form != mark; n++ {
		first--
		signs = signs || s.tokens[first].form != word
		letters = letters || s.tokens[first].form == word
	}
	end := s.domainEnd(i)
	if s.near(end+1) && s.plainTop(end+1) {
		end++
	}
	return signs && letters && s.take(hit{first, end, Mail, 0.7, "redact.reason.mail"})
}
