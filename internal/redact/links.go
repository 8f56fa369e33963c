package redact

import "strings"

// links finds what a machine would open: mail addresses, links, accounts; also
// those spelled so that it won't: "nama (at) contoh titik com".
func (s *scan) links() {
	for i := range s.tokens {
		if s.used[i] != free {
			continue
		}
		switch {
		case s.is(i, "@") && s.bracketed(i):
			s.atSign(i-1, i+1)
		case s.is(i, "@") && s.tokens[i].gap == nothing && s.is(i-1, "/"): // of a link
		case s.is(i, "@"):
			j := i
			for s.is(j+1, "@") {
				j++
			}
			s.atSign(i, j)
		case s.joinedMail(i):
			s.take(hit{i, i, Mail, 0.7, "redact.reason.mail"})
		case (s.is(i, "a") || s.is(i, "di")) && s.bracketed(i) && s.near(i+2) && (s.provider(i+2) || s.dotAfter(i+2) > 0):
			s.atSign(i-1, i+1)
		case s.saysAt(i) && s.aside(i):
			if s.bracketed(i) {
				s.atSign(i-1, i+1)
			} else {
				s.atSign(i, i)
			}
		case s.is(i, ":") && s.is(i+1, "/") && s.is(i+2, "/") && s.has2(i-1, word) && (s.tokens[i].gap == nothing || s.scheme(i-1)):
			s.link(i-1, i+3)
		case (s.is(i, "di") || s.is(i, "a")) && s.near(i+1) && s.provider(i+1) && s.dotAfter(i+1) > 0 && s.near(i) && s.has2(i-1, word) && (s.tokens[i-1].class == 0 || s.has(i-1, given)):
			s.atSign(i, i) // "nama di gmail.com"
		case s.provider(i) && s.tokens[i].gap == space && s.bareMail(i):
		case s.provider(i) && s.near(i) && s.ofProvider(i):
		case s.is(i, "www") && s.near(i+2) && s.has2(i+1, word) && s.plainTop(i+2):
			s.takeLink(i, i+2) // "www contoh com"
		case s.is(i, "#") && s.near(i) && s.near(i+1) && s.has2(i+1, word) && s.dotAfter(i+1) > 0 && s.has(s.dotAfter(i+1), top):
			s.atSign(i, i) // "info # contoh . com"
		case s.is(i, "/") && s.tokens[i].gap == nothing && s.has2(i-1, word) && s.has(i-1, top) && s.near(i-1) && s.tokens[i-1].gap == space && s.has2(i-2, word) && s.tokens[i-2].class&^(network|kwMail) == 0 && s.near(i+1) && s.tokens[i+1].gap == nothing && s.tokens[i+1].form != other && s.used[i-2] == free:
			s.link2(i-2, i) // "bit ly/abc"
		case s.is(i, "www") && s.is(i+1, "."):
			s.link(i, i)
		}
	}
	// Domains without anything before them come last: a mail address has one.
	for i := 0; i < len(s.tokens); i++ {
		if t := s.tokens[i]; s.used[i] == free && t.form != other && t.form != mark && s.dotAfter(i) > 0 {
			i = s.domain(i)
		}
	}
	s.accounts()
}

// has2 tells whether there is a token i of the form.
func (s *scan) has2(i int, f form) bool { return i >= 0 && i < len(s.tokens) && s.tokens[i].form == f }

// saysAt tells whether a word is what people say for @.
func (s *scan) saysAt(i int) bool {
	switch s.text(i) {
	case "at", "et", "ad", "add", "keong", "arroba":
		return true
	}
	return false
}

// saysDot tells whether a word is what people say for the dot in a domain.
func saysDot(w string) bool {
	switch unleet(w) {
	case "dot", "titik", "ttk", "tik", "point":
		return true
	}
	return false
}

// scheme tells whether a token is what a link begins with.
func (s *scan) scheme(i int) bool {
	switch s.text(i) {
	case "http", "https", "hxxp", "hxxps", "htt", "ttps":
		return true
	}
	return false
}

// bracketed tells whether a token stands in brackets of its own.
func (s *scan) bracketed(i int) bool {
	if i == 0 || i+1 >= len(s.tokens) {
		return false
	}
	switch pair := s.text(i-1) + s.text(i+1); {
	case pair == "()" || pair == "[]" || pair == "{}" || pair == "<>":
		return true
	case len(pair) == 2 && pair[0] == pair[1] && s.has2(i-1, other): // "nama-at-gmail-dot-com"
		return s.near(i+2) && s.saysAt(i) && (s.provider(i+2) || s.dotAfter(i+2) > 0)
	}
	return false
}

// aside tells whether a word that stands for @ does: in brackets, or between
// words of which the second leads to the last part of a domain.
func (s *scan) aside(i int) bool {
	if s.bracketed(i) {
		return true
	}
	j := i + 1
	if !s.near(j) || s.tokens[j].form == other {
		return false
	}
	if s.provider(j) && !s.is(j, "live") && !s.is(j, "mail") && !s.is(i, "ad") && !s.is(i, "add") {
		return true // "nama at gmail"
	}
	end := s.domainEnd(j)
	return end > j && s.has(end, top)
}

// dotAfter returns the token after the one that stands for a dot after i, or 0.
// Written as a word or with spaces it only counts before the last part of a domain.
func (s *scan) dotAfter(i int) int {
	j := i + 1
	if !s.near(j) {
		return 0
	}
	switch t := s.text(j); {
	case t == "." && s.tokens[j].gap == nothing && s.near(j+1) && s.tokens[j+1].gap == nothing && s.tokens[j+1].form != other && s.tokens[j+1].form != mark:
		return j + 1
	case t == "." && s.tokens[j].gap == space && s.near(j+1) && s.plainTop(j+1):
		return j + 1
	case t == "." && s.tokens[j].gap == space && s.near(j+1) && s.tokens[j+1].gap == space && s.tokens[j+1].form == word && s.near(j+3) && s.is(j+2, ".") && s.tokens[j+2].gap == space && s.plainTop(j+3):
		return j + 1 // "contoh . example . id"
	case t == "." && s.provider(i) && s.near(j+1) && s.plainTop(j+1):
		return j + 1
	case t == "," && s.tokens[j].gap == nothing && s.provider(i) && s.near(j+1) && s.tokens[j+1].gap == nothing && s.plainTop(j+1):
		return j + 1
	case t == "(" || t == "[" || t == "{" || t == "<":
		if s.near(j+3) && (s.is(j+1, ".") || saysDot(s.text(j+1))) && s.tokens[j+3].form != other && s.tokens[j+3].form != mark {
			return j + 3
		}
	case s.has2(j, other) && s.near(j+3) && saysDot(s.text(j+1)) && s.is(j+2, t) && (s.plainTop(j+3) || s.has2(j+3, word) && s.near(j+7) && saysDot(s.text(j+5)) && s.plainTop(j+7)):
		return j + 3 // "contoh-dot-com"
	case saysDot(t) && s.near(j+1) && (s.plainTop(j+1) || s.is(j+1, "kom") || s.is(j+1, "ko") || s.is(j+1, "con")):
		return j + 1
	case saysDot(t) && s.near(j+3) && s.has2(j+1, word) && saysDot(s.text(j+2)) && s.plainTop(j+3):
		return j + 1 // "contoh titik example titik id"
	}
	return 0
}

// plainTop tells whether a token is the last part of a domain that is hardly
// anything else.
func (s *scan) plainTop(i int) bool {
	switch unleet(s.text(i)) {
	case "com", "net", "org", "id", "co", "go":
		return s.tokens[i].form == word && (!s.tokens[i].capital || s.tokens[i].upper && i > 0 && s.tokens[i-1].upper)
	}
	return false
}

// atSign takes what stands around tokens that mean @.
func (s *scan) atSign(first, last int) {
	const most = 24 // tokens of either part
	if !s.near(last + 1) {
		return
	}
	if s.is(first, "keong") && s.is(first-1, "a") && s.near(first) {
		first-- // "a keong"
	}
	if k := first - 1; s.is(first, "@") && k > 0 && s.tokens[first].gap == nothing && s.tokens[k].gap == nothing && (s.is(k, "[") || s.is(k, "(") || s.is(k, "<") || s.is(k, "\"")) && s.used[k] == free {
		first-- // "nama[@contoh.com"
	}
	from := first
	for n := 0; n < most && from > 0 && s.used[from-1] == free; n++ {
		t := s.tokens[from-1]
		tight := s.tokens[from].gap == nothing
		if from == first && s.near(from) && t.form != other && t.form != mark {
			tight = true // a space before the @
			if s.tokens[from].gap == space && s.is(first, "@") && s.tokens[first+1].gap == nothing && !s.provider(last+1) && !s.has(s.dotAfter(last+1), top) {
				tight = false // "hubungi @nama"
			}
		}
		if !tight || t.form == mark || t.form == other && !strings.Contains("._-+%", s.text(from-1)) {
			break
		}
		from--
	}
	for from < first && s.tokens[from].form == other {
		from++
	}
	to := last
	if s.tokens[last+1].form != other && s.tokens[last+1].form != mark {
		to = s.domainEnd(last + 1)
	}
	switch {
	case to == last:
	case from == first-1 && s.has(from, network) && s.tokens[first].gap == space && s.is(first, "@"): // "ig @nama.id"
		s.take(hit{first, s.handleEnd(last + 1), Account, 0.9, "redact.reason.handle"})
	case from < first && s.is(first, "@") && to == last+1 && !s.provider(to) && s.topsEnd(to) > to: // "nama @ kantor go id"
		s.take(hit{s.localPart(from), s.topsEnd(to), Mail, 0.9, "redact.reason.mail"})
	case from < first && to == last+1 && s.is(to+1, ",") && s.tokens[to+1].gap == nothing && s.near(to+2) && s.tokens[to+2].gap == nothing && s.plainTop(to+2): // "nama@contoh,com"
		s.take(hit{s.localPart(from), to + 2, Mail, 0.9, "redact.reason.mail"})
	case from < first && s.is(last+1, "g") && s.is(last+2, "mail"): // "nama@g mail.com"
		s.take(hit{s.localPart(from), s.domainEnd(last + 2), Mail, 0.9, "redact.reason.mail"})
	case from < first && (s.domainIs(last+1, to) || s.provider(last+1)):
		if to == last+1 && s.provider(to) && s.near(to+1) && s.plainTop(to+1) {
			to++ // "gmail com"
		} else if s.near(to+1) && s.near(to+2) && s.plainTop(to+1) && s.plainTop(to+2) {
			to += 2 // "kantor go id"
		}
		s.take(hit{s.localPart(from), to, Mail, 0.98, "redact.reason.mail"})
	case s.is(first, "@") && s.spacedMail(first):
	case first < last && from == first && s.tokens[last+1].gap == nothing && s.has2(last+1, word): // "[at]nama"
		s.take(hit{first, s.handleEnd(last + 1), Account, 0.6, "redact.reason.handle"})
	case s.is(first, "@") && s.tokens[last+1].gap == nothing && (from == first || s.tokens[first].gap != nothing):
		s.take(hit{first, s.handleEnd(last + 1), Account, 0.9, "redact.reason.handle"})
	case from < first && s.tokens[first].gap == nothing && s.is(first, "@") && s.tokens[last+1].gap == nothing:
		s.take(hit{from, s.handleEnd(last + 1), Mail, 0.7, "redact.reason.mail"})
	}
}

// topsEnd returns the last of the tokens after a domain's first part that are the
// rest of it with a space, a dash or such for the dots, or that part.
func (s *scan) topsEnd(i int) int {
	for n := 0; n < 3; n++ {
		k := i + 1
		if s.near(k) && s.has2(k, other) && (s.is(k, "-") || s.is(k, "_") || s.is(k, "/") || s.is(k, ",") || s.is(k, ".")) {
			k++
		}
		if !s.near(k) || !s.plainTop(k) || s.used[k] != free {
			break
		}
		i = k
	}
	return i
}

// providers are who many have their mail from, as people write them.
var providers = map[string]bool{
	"gmail": true, "yahoo": true, "ymail": true, "hotmail": true, "outlook": true, "rocketmail": true, "icloud": true, "live": true, "proton": true, "protonmail": true,
	"gmai": true, "gmial": true, "gmal": true, "gmil": true, "gmeil": true, "jimel": true, "yaho": true, "yahu": true, "mail": true, "tutanota": true, "tuta": true, "aol": true,
}

// provider tells whether a token is one of them.
func (s *scan) provider(i int) bool {
	return i >= 0 && i < len(s.tokens) && s.tokens[i].form == word && providers[unleet(s.text(i))]
}

// providerEnd tells whether a token ends with the name of who many have their
// mail from, glued tells whether what stands before it is of the same word.
func (s *scan) providerEnd(i int) bool {
	return strings.HasSuffix(s.text(i), "gmail") || strings.HasSuffix(s.text(i), "yahoo")
}

func (s *scan) glued(i int) bool {
	return i > 0 && s.tokens[i].gap == nothing && s.has2(i-1, word)
}

// domainEnd returns the last token of the parts joined by dots from i on.
func (s *scan) domainEnd(i int) int {
	for n := 0; n < 12; n++ {
		for s.near(i+2) && s.is(i+1, "-") && s.tokens[i+1].gap == nothing && s.tokens[i+2].gap == nothing && s.tokens[i+2].form != other && s.tokens[i+2].form != mark && n < 12 {
			i += 2
			n++
		}
		for s.near(i+1) && s.tokens[i+1].gap == nothing && (s.tokens[i+1].form == word || s.tokens[i+1].form == number) && n < 12 {
			i++ // "bank24jam"
			n++
		}
		d := s.dotAfter(i)
		if d == 0 || s.used[d] != free {
			return i
		}
		i = d
	}
	return i
}

// domainIs tells whether tokens are a domain by their last part.
func (s *scan) domainIs(first, last int) bool {
	return last > first && s.tokens[last].form == word && (s.has(last, top) || s.tokens[last].end-s.tokens[last].start >= 2 && s.tokens[last].end-s.tokens[last].start <= 4)
}

// handleEnd returns the last token of an account's name that begins at i.
func (s *scan) handleEnd(i int) int {
	for n := 0; n < 12 && s.near(i+1) && s.tokens[i+1].gap == nothing && s.used[i+1] == free; n++ {
		switch t := s.text(i + 1); {
		case s.tokens[i+1].form == mark:
			return i
		case s.tokens[i+1].form != other:
			i++
		case (t == "." || t == "_" || t == "-") && s.near(i+2) && s.tokens[i+2].gap == nothing && s.tokens[i+2].form != mark && (s.tokens[i+2].form != other || t == "_" && s.is(i+2, "_")):
			i++
		case t == "_", t == "#" && s.has2(i+2, number) && s.near(i+2) && s.tokens[i+2].gap == nothing: // "nama#1234"
			i++
		default:
			return i
		}
	}
	return i
}

// link takes a link that begins at a token and goes on from another to where
// it ends: at a space, a quote, or punctuation before one of them.
func (s *scan) link(first, at int) {
	if s.used[first] != free {
		return
	}
	last := at - 1
	const most = 400
	for i := at; i < len(s.tokens) && i < at+most && s.tokens[i].form != mark && s.used[i] == free; i++ {
		if i > first && s.tokens[i].gap != nothing || strings.Contains("<>\"{}|\\^", s.text(i)) {
			break
		}
		last = i
	}
	for last > first && s.tokens[last].form == other && strings.Contains(".,;:!?)]'*", s.text(last)) {
		last--
	}
	if last < at {
		return
	}
	s.takeLink(first, last)
}

func (s *scan) takeLink(first, last int) {
	t := s.low[s.tokens[first].start:s.tokens[last].end]
	if strings.Contains(t, "wa.me/") || strings.Contains(t, "whatsapp.com/send") || strings.HasPrefix(t, "tel:") {
		s.take(hit{first, last, Phone, 0.98, "redact.reason.wa"})
		return
	}
	s.take(hit{first, last, Link, 0.95, "redact.reason.link"})
}

// domain takes a domain without anything before it, and what follows it up to
// a space. It returns the last token it looked at.
func (s *scan) domain(i int) int {
	end := s.domainEnd(i)
	if end == i {
		return i
	}
	last := end
	path := s.near(end+2) && s.is(end+1, "/") && s.tokens[end+1].gap <= space && s.tokens[end+2].form != mark
	if path && s.tokens[end+1].gap == space && !s.has(end, top) {
		path = false
	}
	short := path && s.tokens[end].class == 0 && s.tokens[end].end-s.tokens[end].start == 2 && !s.tokens[end].capital && s.tokens[end+1].gap == nothing && s.tokens[end+2].gap == nothing
	if !s.has(end, top) && !short || s.tokens[end].form != word {
		return last // "S.Sos", "selesai.Budi"
	}
	parts := (end - i) / 2
	switch s.text(end) {
	case "com", "net", "org", "id", "xyz", "biz":
	case "co", "go", "ac", "web", "sch", "or", "my", "mil", "desa":
		if !path && parts < 2 {
			return last
		}
	case "info", "site", "online", "store", "shop", "link", "tv", "io", "me", "gov", "edu":
		if !path && (s.has(i, common) && !s.has(i, place) || s.tokens[i].capital) {
			return last
		}
	default: // a word that may follow a dot without a space
		if !path {
			return last
		}
	}
	if s.tokens[end].capital && !s.tokens[i].upper && !path {
		return last // "selesai.Id"
	}
	for i >= 2 && s.tokens[i].gap == nothing && (s.is(i-1, "-") || s.is(i-1, "_")) && s.tokens[i-1].gap == nothing && s.tokens[i-2].form == word && s.used[i-2] == free {
		i -= 2 // "nama-situs.example.id"
	}
	switch {
	case s.provider(i) && s.near(i) && s.tokens[i].gap == space && s.has2(i-1, word) && s.used[i-1] == free && (s.tokens[i-1].class == 0 || s.has(i-1, given) && !s.has(i-1, common|place)):
		s.take(hit{i - 1, end, Mail, 0.6, "redact.reason.mail"}) // "nama gmail.com"
	case i < end-2 && s.provider(end-2), s.providerEnd(i) && (s.tokens[i].gap == nothing && s.has2(i-1, number) || s.glued(i) || !s.provider(i)):
		for i > 0 && s.tokens[i].gap == nothing && s.used[i-1] == free && (s.tokens[i-1].form == word || s.tokens[i-1].form == number || s.is(i-1, "_") || s.is(i-1, ".")) {
			i--
		}
		s.take(hit{i, end, Mail, 0.6, "redact.reason.mail"}) // "nama88gmail.com"
	case path:
		s.link2(i, end+1)
	case s.is(end+1, "garis") && s.is(end+2, "miring") && s.near(end+3) && s.tokens[end+3].form == word:
		s.takeLink(i, end+3)
	default:
		s.takeLink(i, end)
	}
	return last
}

// link2 takes a domain with the path that begins at a slash.
func (s *scan) link2(first, slash int) {
	last := slash + 1 // a space may stand around the slash
	for i := last + 1; i < len(s.tokens) && i < slash+400 && s.tokens[i].gap == nothing && s.tokens[i].form != mark && !strings.Contains("<>\"{}|\\^", s.text(i)); i++ {
		last = i
	}
	for last > first && s.tokens[last].form == other && strings.Contains(".,;:!?)]'*", s.text(last)) {
		last--
	}
	s.takeLink(first, last)
}
