package redact

import "strings"

// candidate is groups that may be one number.
type candidate struct {
	s        *scan
	context  class // before
	later    class // after
	plus     bool  // a + stands before it
	brackets bool
	widths   []int
	seps     []sep
	odd      bool // some separator is odd
	wide     int  // the widest group
	spelled  int
	blanks   int
	first    int // token
	last     int // token
}

// cardBefore tells whether one of the words before a number is a card's.
func (s *scan) cardBefore(i int) bool {
	for k := i - 1; k >= 0 && k > i-5 && s.near(k+1); k-- {
		if s.is(k, "kartu") && !s.is(k+1, "keluarga") || s.has(k, kwCard) && !s.is(k, "atm") {
			return true
		}
	}
	return false
}

func (s *scan) candidate(groups []group, i int) *candidate {
	g := groups[i]
	c := &s.candidates
	*c = candidate{
		s: s, context: s.context(g.token), first: g.token, last: g.last, plus: s.is(g.token-1, "+"), brackets: s.is(g.token-1, "("),
		widths: append(c.widths[:0], g.end-g.start), seps: append(c.seps[:0], together),
	}
	c.wide = g.end - g.start
	if g.spelled {
		c.spelled++
	}
	return c
}

func (c *candidate) add(g group) {
	c.widths = append(c.widths, g.end-g.start)
	c.seps = append(c.seps, g.sep)
	c.odd = c.odd || g.sep == odd
	c.wide = max(c.wide, g.end-g.start)
	if g.spelled {
		c.spelled++
	}
	if g.sep == blank {
		c.blanks++
	}
	c.last = g.last
	c.later = 0
}

// kind says what the digits are, with the confidence; 0 if nothing known.
func (c *candidate) kind(d []byte) hit {
	n := len(d)
	if n < 6 || c.odd && c.wide > 2 && !c.disguised(d) || c.spelled > 0 && c.spelled < 3 && c.spelled*2 < len(c.widths) && !mobile(d) {
		return hit{}
	}
	ctx := c.context
	if said := c.s.inBrackets(c.last); said != 0 {
		ctx = said
	} else if said := c.s.saidAfter(c.last); said != 0 && n >= 8 {
		ctx = said
	} else if ctx&^(kwMoney|kwOther) == 0 && n >= 8 {
		if later := c.s.after(c.last); later != 0 {
			ctx = later
		}
	}
	is := func(k Kind, confidence float64, reason Reason) hit {
		return hit{kind: k, confidence: confidence, reason: reason}
	}
	number := string(d)

	// What says itself what it is.
	switch {
	case c.npwpForm():
		if luhn(d[:9]) {
			return is(NPWP, 0.97, "redact.reason.npwp")
		}
		return is(NPWP, 0.96, "redact.reason.form")
	case n == 18 && civilServant(d) && !ctx.is(kwNPWP):
		return is(NIP, 0.98, "redact.reason.nip")
	case n == 16 && resident(d):
		switch {
		case ctx.is(kwNIK):
			return is(NIK, 0.99, "redact.reason.nik")
		case ctx.is(kwKK):
			return is(KK, 0.99, "redact.reason.kk")
		case ctx.is(kwNPWP):
			return is(NPWP, 0.97, "redact.reason.npwp")
		case ctx.is(kwBank) && !ctx.is(kwCard):
			return is(Bank, 0.8, "redact.reason.bank")
		case ctx.is(kwCard) && luhn(d):
			return is(Card, 0.9, "redact.reason.card")
		}
		if c.s.families() {
			return is(KK, 0.9, "redact.reason.kk")
		}
		return is(NIK, 0.95, "redact.reason.nik")
	}

	// What the words around say it is, a digit too few or too many included.
	switch {
	case ctx.is(kwKK) && n >= 14 && n <= 18:
		return is(KK, 0.75, "redact.reason.near")
	case ctx.is(kwNIK) && n >= 14 && n <= 18 && n != 15:
		return is(NIK, 0.75, "redact.reason.near")
	case ctx.is(kwNIK) && n == 15:
		return is(NIK, 0.7, "redact.reason.near")
	case ctx.is(kwNIP) && n >= 8 && n <= 20 && !c.day(d):
		return is(NIP, 0.8, "redact.reason.near")
	case ctx.is(kwNPWP) && (n >= 14 && n <= 17 || n == 22):
		return is(NPWP, 0.85, "redact.reason.near")
	case ctx.is(kwBPJS) && n >= 11 && n <= 13:
		return is(BPJS, 0.9, "redact.reason.near")
	case ctx.is(kwBank) && n == 16 && d[0] >= '4' && d[0] <= '6' && luhn(d) && c.wide >= 4:
		return is(Card, 0.92, "redact.reason.card")
	case ctx.is(kwBank) && n >= 15 && n <= 19 && c.s.cardBefore(c.first):
		return is(Card, 0.92, "redact.reason.near")
	case ctx.is(kwCard) && n >= 13 && n <= 19 && !(ctx.is(kwBank) && !luhn(d)):
		return is(Card, 0.85, "redact.reason.near")
	}

	if h := c.phone(number, ctx); h.confidence > 0 {
		return h
	}
	if ctx.is(kwBank) && n >= 8 && n <= 18 && !c.day(d) && !(n == 8 && len(c.widths) > 2) {
		if n >= 10 && n <= 16 {
			return is(Bank, 0.9, "redact.reason.bank")
		}
		return is(Bank, 0.7, "redact.reason.bank")
	}

	if ctx.is(kwBank) && n >= 6 && len(c.widths) == 1 && c.s.has(c.last-1, kwBank) && !c.s.is(c.last-1, "an") {
		return is(Bank, 0.5, "redact.reason.bank")
	}

	// What looks like one, without a word. Contracts and such come with theirs.
	if ctx.is(kwOther|kwMoney) || c.odd && c.wide > 2 {
		return hit{}
	}
	if n >= 10 && n <= 12 && d[0] == '8' && mobile(append([]byte{'0'}, d...)) && (len(c.widths) == 1 || c.spelled == n) {
		return is(Phone, 0.6, "redact.reason.phone")
	}
	tidy := c.wide >= 4 || c.wide == 1 && len(c.widths) == n
	switch {
	case n == 16 && d[0] >= '3' && d[0] <= '6' && luhn(d) && tidy:
		return is(Card, 0.7, "redact.reason.card")
	case n >= 15 && n <= 19 && c.s.cardBefore(c.first) && !resident(d):
		return is(Card, 0.6, "redact.reason.near")
	case n == 16 && province(d) && tidy:
		return is(NIK, 0.6, "redact.reason.form")
	case n == 18 && (d[0] == '1' && d[1] == '9' || d[0] == '2' && d[1] == '0') && tidy:
		return is(NIP, 0.6, "redact.reason.form")
	case n == 13 && d[0] == '0' && d[1] == '0' && d[2] == '0' && tidy:
		return is(BPJS, 0.7, "redact.reason.form")
	case n == 15 && len(c.widths) == 1 && luhn(d[:9]):
		return is(NPWP, 0.6, "redact.reason.npwp")
	case n >= 10 && n <= 16 && len(c.widths) == 1 && c.spelled == 0 && !c.day(d):
		return is(Bank, 0.3, "redact.reason.digits")
	case n >= 9 && n <= 18 && c.spelled == 0 && c.plain() && !c.day(d):
		return is(Bank, 0.3, "redact.reason.digits")
	case n >= 8 && n <= 9 && len(c.widths) == 1 && c.spelled == 0 && string(d[n-2:]) != "00" && !c.dense(d):
		return is(Bank, 0.3, "redact.reason.digits")
	case (n == 15 || n == 19) && d[0] >= '3' && d[0] <= '6' && luhn(d) && c.wide >= 4 && len(c.widths) > 2:
		return is(Card, 0.6, "redact.reason.card")
	}
	return hit{}
}

// plain tells whether the groups stand apart by spaces or dashes alone, each of
// three digits or more, as nobody writes amounts.
func (c *candidate) plain() bool {
	if len(c.widths) < 2 || len(c.widths) > 5 {
		return false
	}
	for i, w := range c.widths {
		if w < 3 || i > 0 && c.seps[i] != blank && c.seps[i] != dash {
			return false
		}
	}
	return c.blanks == 0 || c.wide >= 4 && c.s.tokens[c.first].form == number
}

// dense tells whether eight digits are a day: 12052021, 20210512.
func (c *candidate) dense(d []byte) bool {
	if len(d) != 8 {
		return false
	}
	year := func(y []byte) bool { return y[0] == '1' && y[1] == '9' || y[0] == '2' && y[1] == '0' }
	return year(d[4:]) && validDay(num(d[:2]), num(d[2:4])) || year(d) && validDay(num(d[6:]), num(d[4:6]))
}

// phone recognises mobile and landline numbers.
func (c *candidate) phone(d string, ctx class) hit {
	is := func(confidence float64) hit {
		return hit{kind: Phone, confidence: confidence, reason: "redact.reason.phone"}
	}
	n := len(d)
	if c.day([]byte(d)) {
		return hit{}
	}
	bank := ctx.is(kwBank) && !ctx.is(kwPhone)
	rest, abroad := d, false
	switch {
	case strings.HasPrefix(d, "6208"):
		rest, abroad = d[2:], true
	case strings.HasPrefix(d, "628"):
		rest, abroad = "0"+d[2:], true
	case strings.HasPrefix(d, "00628"):
		rest, abroad = "0"+d[4:], true
	}
	if strings.HasPrefix(rest, "08") && len(rest) >= 10 && len(rest) <= 13 && rest[2] != '0' {
		switch {
		case bank && !abroad && !c.plus:
			// Accounts begin with 08 as well; a wallet's is a phone number.
			if !c.wallet() {
				return hit{kind: Bank, confidence: 0.8, reason: "redact.reason.bank"}
			}
			return is(0.9)
		case ctx.is(kwPhone):
			return is(0.99)
		case ctx.is(kwOther|kwMoney) && len(c.widths) > 1 && !abroad:
			return is(0.6)
		}
		return is(0.95)
	}
	if c.plus && n >= 9 && n <= 15 && !strings.HasPrefix(d, "0") {
		return is(0.85)
	}
	if area, ok := landline(d); ok {
		long := n - area
		if long >= 5 && long <= 8 && !(bank && !c.brackets) && (c.brackets || len(c.widths) > 1 || ctx.is(kwPhone) || long >= 6 && !ctx.is(kwOther)) {
			return is(0.85)
		}
	}
	if strings.HasPrefix(d, "02") && n >= 9 && n <= 12 && (c.brackets || ctx.is(kwPhone)) {
		return is(0.85)
	}
	if !ctx.is(kwPhone) {
		return hit{}
	}
	switch {
	case n >= 8 && n <= 15 && (d[0] == '0' || d[0] == '8' || strings.HasPrefix(d, "62")):
		return is(0.8)
	case n <= 8 && (strings.HasPrefix(d, "1500") || strings.HasPrefix(d, "140")): // service numbers
		return hit{}
	case n >= 6 && n <= 12 && c.spelled == n:
		return is(0.6)
	case len(c.widths) <= 3 && n >= 6 && n <= 12 && !c.odd && c.wide >= 3 && !(n == 8 && c.wide <= 4 && strings.HasPrefix(d, "20")):
		return is(0.7)
	}
	return hit{}
}

// landline tells how many digits the area code of Kalimantan Selatan takes
// that a number begins with.
func landline(d string) (int, bool) {
	n := 1
	switch {
	case strings.HasPrefix(d, "62"):
		n = 2
	case !strings.HasPrefix(d, "0"):
		return 0, false
	}
	if len(d) < n+3 {
		return 0, false
	}
	switch d[n : n+3] {
	case "511", "512", "517", "518", "526", "527":
		return n + 3, true
	}
	return 0, false
}

// wallet tells whether money goes to a phone: no bank is named before.
func (c *candidate) wallet() bool {
	for k := c.last - 1; k >= 0 && k > c.last-14; k-- {
		switch c.s.text(k) {
		case "dana", "ovo", "gopay", "shopeepay", "linkaja":
			return true
		case "rek", "rekening", "norek", "bri", "bni", "bca", "mandiri", "bsi", "bank", "rekeningnya", "noreknya":
			return false
		}
	}
	return true
}

// disguised tells whether digits with odd characters between them are a number
// all the same: as long as one, and with a word that says so or as a mobile
// phone's begin.
func (c *candidate) disguised(d []byte) bool {
	for _, w := range c.widths[1:] {
		if w > 5 {
			return c.context.is(kwBank|kwNIK|kwNIP) && len(d) >= 10 && len(c.widths) < 3 && !c.s.is(c.last-1, "/")
		}
	}
	return mobile(d) && len(d) >= 10 && len(d) <= 13 && c.widths[0] >= 4 && !c.day(d) || len(d) == 16 && c.context.is(kwNIK|kwKK) && resident(d)
}

// mobile tells whether digits begin as those of a mobile phone.
func mobile(d []byte) bool {
	return len(d) > 2 && d[0] == '0' && d[1] == '8' && d[2] != '0' && d[2] != '4' && d[2] != '6'
}

// npwpForm tells whether the groups are written NN.NNN.NNN.N-NNN.NNN, be the
// separators what they may.
func (c *candidate) npwpForm() bool {
	want := [...]int{2, 3, 3, 1, 3, 3}
	if len(c.widths) != len(want) || c.odd {
		return false
	}
	for i, w := range want {
		if c.widths[i] != w {
			return false
		}
	}
	return true
}

// day tells whether the groups are a day: 12-05-2021, 2021/05/12.
func (c *candidate) day(d []byte) bool {
	if len(c.widths) != 3 || c.seps[1] == blank && c.seps[2] == blank {
		return false
	}
	w := c.widths
	switch {
	case w[2] == 4 && w[0] <= 2 && w[1] <= 2:
		y := d[len(d)-4:]
		return y[0] == '1' && y[1] == '9' || y[0] == '2' && y[1] == '0'
	case w[0] == 4 && w[1] <= 2 && w[2] <= 2:
		return d[0] == '1' && d[1] == '9' || d[0] == '2' && d[1] == '0'
	}
	return w[0] <= 2 && w[1] <= 2 && w[2] <= 2
}

func num(d []byte) (n int) {
	for _, c := range d {
		n = n*10 + int(c-'0')
	}
	return n
}

// province tells whether a number begins with the code of one.
func province(d []byte) bool {
	switch p := num(d[:2]); {
	case p >= 11 && p <= 19, p == 21, p >= 31 && p <= 36, p >= 51 && p <= 53, p >= 61 && p <= 65, p >= 71 && p <= 76, p == 81, p == 82, p >= 91 && p <= 97:
		return true
	}
	return false
}

func validDay(day, month int) bool {
	if month < 1 || month > 12 || day < 1 {
		return false
	}
	return day <= [...]int{31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}[month-1]
}

// resident tells whether 16 digits are those of an identity card: place, day
// of birth (women's plus 40), serial number.
func resident(d []byte) bool {
	day := num(d[6:8])
	if day > 40 {
		day -= 40
	}
	return province(d) && num(d[2:4]) > 0 && num(d[4:6]) > 0 && validDay(day, num(d[8:10])) && num(d[12:]) != 0
}

// civilServant tells whether 18 digits are day of birth, month of appointment
// (21 for those on contract), sex, and a number.
func civilServant(d []byte) bool {
	born, began, month := num(d[:4]), num(d[8:12]), num(d[12:14])
	return born >= 1930 && born <= 2020 && validDay(num(d[6:8]), num(d[4:6])) && began > born && began <= 2060 &&
		(month >= 1 && month <= 12 || month == 21) && (d[14] == '1' || d[14] == '2')
}

// luhn checks the check digit that cards and tax numbers have.
func luhn(d []byte) bool {
	sum := 0
	for i, c := range d {
		n := int(c - '0')
		if (len(d)-i)%2 == 0 {
			if n *= 2; n > 9 {
				n -= 9
			}
		}
		sum += n
	}
	return sum%10 == 0
}
