package redact

import "strings"

// group is digits written together, within a run.
type group struct {
	token      int
	start, end int // in the run's digits
	sep        sep // what stands before it
	spelled    bool
}

// sep is what stands between two groups.
type sep uint8

const (
	together sep = iota
	blank
	dot
	dash
	bracket
	odd // what no number is written with but to hide it
)

// most is how many digits the longest number has, and some.
const most = 24

// numbers goes through the runs of digits.
func (s *scan) numbers() {
	var digits []byte
	var groups []group
	for i := 0; i < len(s.tokens); {
		if !s.startsRun(i) {
			i++
			continue
		}
		digits, groups = digits[:0], groups[:0]
		i = s.collect(i, &digits, &groups)
		s.match(digits, groups)
	}
}

func (s *scan) startsRun(i int) bool {
	return s.used[i] == free && (s.tokens[i].form == number || s.has(i, digit) || s.letterO(i) && s.near(i+1) && s.digitLike(i+1) && s.digitLike(i+2))
}

func (s *scan) digitLike(i int) bool {
	return i < len(s.tokens) && s.used[i] == free && (s.tokens[i].form == number || s.has(i, digit))
}

// letterO tells whether a token is letters that stand for digits.
func (s *scan) letterO(i int) bool {
	if i >= len(s.tokens) || s.tokens[i].form != word || s.tokens[i].end-s.tokens[i].start > 4 {
		return false
	}
	return strings.Trim(s.text(i), "oli") == ""
}

// collect reads the groups from token i on and returns the token after them.
func (s *scan) collect(i int, digits *[]byte, groups *[]group) int {
	between := together
	for {
		g := group{token: i, start: len(*digits), sep: between}
		switch {
		case s.tokens[i].form == number:
			for _, c := range []byte(s.text(i)) {
				*digits = append(*digits, digitOf(c))
			}
		case s.has(i, digit):
			*digits = append(*digits, spelledDigit(s.text(i)))
			g.spelled = true
		default:
			for _, c := range []byte(s.text(i)) {
				*digits = append(*digits, digitOf(c))
			}
		}
		g.end = len(*digits)
		*groups = append(*groups, g)

		j := i + 1
		between = together
		for n := 0; n < 3 && s.near(j) && s.tokens[j].form == other && s.used[j] == free; n++ {
			between = max(between, sepOf(s.text(j)))
			j++
		}
		if !s.near(j) || s.used[j] != free {
			return i + 1
		}
		if s.tokens[j].gap == space || j > i+1 && s.tokens[i+1].gap == space {
			between = max(between, blank)
		}
		if !s.digitLike(j) && !(s.letterO(j) && s.near(j+1) && s.digitLike(j+1) && g.end-g.start >= 2) {
			return i + 1
		}
		i = j
	}
}

func digitOf(c byte) byte {
	switch c {
	case 'o':
		return '0'
	case 'l', 'i':
		return '1'
	case 's':
		return '5'
	case 'b':
		return '8'
	case 'z':
		return '2'
	}
	return c
}

func spelledDigit(w string) byte {
	switch w {
	case "nol", "kosong", "enol", "zero":
		return '0'
	case "satu", "siji", "asa", "sahu":
		return '1'
	case "dua":
		return '2'
	case "tiga", "talu", "tallu":
		return '3'
	case "empat", "ampat":
		return '4'
	case "lima":
		return '5'
	case "enam", "anam":
		return '6'
	case "tujuh", "tuju", "pitu":
		return '7'
	case "delapan", "lapan", "dlapan", "dolapan", "walu":
		return '8'
	}
	return '9'
}

func sepOf(s string) sep {
	switch s {
	case ".":
		return dot
	case "-", "_", "*", "|", "~", "=":
		return dash
	case "(", ")", "+":
		return bracket
	}
	return odd
}

// match finds the numbers in a run, from left to right, the surest first.
func (s *scan) match(digits []byte, groups []group) {
	for i := 0; i < len(groups); {
		if groups[i].end-groups[i].start > most {
			i++
			continue
		}
		var best hit
		bestEnd := -1
		for j := i; j < len(groups) && groups[j].end-groups[i].start <= most; j++ {
			if k, ok := s.memory.numbers[string(digits[groups[i].start:groups[j].end])]; ok {
				best, bestEnd = hit{kind: k, confidence: 0.99, reason: "redact.reason.again"}, j
			}
		}
		if n := s.amount(digits, groups, i); n > 0 && bestEnd < 0 {
			i += n
			continue
		}
		c := s.candidate(groups, i)
		for j := i; j < len(groups); j++ {
			if groups[j].end-groups[i].start > most {
				break
			}
			if j > i {
				c.add(groups[j])
			}
			if h := c.kind(digits[groups[i].start:groups[j].end]); h.confidence > 0 && h.confidence >= best.confidence {
				best, bestEnd = h, j
			}
		}
		if bestEnd < 0 {
			i++
			continue
		}
		best.first, best.last = groups[i].token, groups[bestEnd].token
		for _, sign := range []string{"(", "+", "("} {
			if k := best.first - 1; best.kind == Phone && k >= 0 && s.is(k, sign) && s.near(best.first) && s.used[k] == free {
				best.first--
			}
		}
		if s.take(best) {
			s.memory.numbers[string(digits[groups[i].start:groups[bestEnd].end])] = best.kind
		}
		i = bestEnd + 1
	}
}

// amount returns how many groups from i on are an amount of money, a day, a
// time, or a code of a budget; 0 if they are none.
func (s *scan) amount(digits []byte, groups []group, i int) int {
	g := groups[i]
	n := 1
	thousands, coded := g.end-g.start <= 3 && digits[g.start] != '0', g.end-g.start == 1
	for i+n < len(groups) && (groups[i+n].sep == dot || groups[i+n].sep == odd && s.is(groups[i+n].token-1, ",")) && !groups[i+n].spelled && s.tokens[groups[i+n].token].gap == nothing {
		width := groups[i+n].end - groups[i+n].start
		if thousands && n > 0 && width != 3 && !(width == 2 && (i+n+1 == len(groups) || groups[i+n+1].sep != dot)) {
			thousands = false
		}
		n++
	}
	money := s.has(g.token-1, kwMoney) || s.is(g.token-1, ".") && s.is(g.token-2, "rp")
	if money && (s.is(g.token-1, "rp") || s.is(g.token-1, ".") || s.is(g.token-1, "idr")) {
		return n
	}
	after := groups[i+n-1].token + 1
	if s.near(after) {
		switch s.text(after) {
		case "juta", "jt", "ribu", "rb", "rupiah", "miliar", "milyar", "m", "triliun", "persen", "%", "jutaan", "ribuan", "an":
			if g.end-g.start <= 3 || n > 1 {
				return n
			}
		}
	}
	switch {
	case thousands && n >= 2 && (money || n >= 3 && digits[g.start] != '8' && !s.context(g.token).is(kwPhone|kwBank|kwNPWP)):
		return n
	case thousands && n == 2 && g.end-g.start <= 3 && i+n == len(groups):
		return n // "12.500 orang"
	case coded && n >= 4 && digits[g.start] >= '4' && digits[g.start] <= '7':
		return n // "5.2.02.01.01.0004"
	}
	return 0
}

// contextTokens is how far a word may stand from the number that it tells of.
const contextTokens = 9

const keywords = kwNIK | kwKK | kwNPWP | kwNIP | kwPhone | kwBank | kwBPJS | kwPassport | kwCard | kwMoney | kwOther

// context returns the classes of the word nearest before token i that says
// what number follows.
func (s *scan) context(i int) class {
	const reach = 48 // bytes
	for k := i - 1; k >= 0 && k >= i-contextTokens; k-- {
		t := s.tokens[k]
		if s.tokens[i].start-t.end > reach || s.tokens[k+1].gap == paragraph {
			return 0
		}
		if t.form != word {
			if t.form == number && k < i-1 && s.used[k] != taken && t.end-t.start > 5 {
				return 0 // that word tells of the number before
			}
			if t.form == mark && k >= 0 {
				m := s.raw[t.start:t.end]
				if m != Name.Mark() && m != Address.Mark() {
					// "rek. [REKENING] dan 12345678": more of the same.
					if c := s.context1(k, i); c != 0 {
						return c
					}
					return 0
				}
			}
			continue
		}
		if c := s.keyword(k); c != 0 {
			return c
		}
		if s.used[k] == taken {
			continue
		}
	}
	return 0
}

// context1 returns the class that a mark right before a number stands for.
func (s *scan) context1(k, i int) class {
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
	case "keluarga":
		if before("kartu") {
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

// after returns the classes of a word right after token i that says what it was.
func (s *scan) after(i int) class {
	for k := i + 1; k <= i+4 && s.near(k); k++ {
		if s.tokens[k].form == number || s.tokens[k].form == mark && k > i+1 {
			return 0
		}
		if s.is(k, ",") || s.is(k, ".") || s.is(k, ";") || s.is(k, "dan") {
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
	last     int // token
}

func (s *scan) candidate(groups []group, i int) *candidate {
	g := groups[i]
	c := &s.candidates
	*c = candidate{
		s: s, context: s.context(g.token), last: g.token, plus: s.is(g.token-1, "+"), brackets: s.is(g.token-1, "("),
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
	c.last = g.token
	c.later = 0
}

// kind says what the digits are, with the confidence; 0 if nothing known.
func (c *candidate) kind(d []byte) hit {
	n := len(d)
	if n < 6 || c.odd && c.wide > 2 && !(c.context.is(kwBank|kwNIK|kwNIP) && n >= 10 && len(c.widths) < 3) || c.spelled > 0 && c.spelled < 3 && c.spelled*2 < len(c.widths) {
		return hit{}
	}
	if c.odd && c.wide > 2 && c.s.is(c.last-1, "/") {
		return hit{}
	}
	ctx := c.context
	if ctx&^(kwMoney|kwOther) == 0 && n >= 8 {
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
		return is(NPWP, 0.85, "redact.reason.form")
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
	case ctx.is(kwNIP) && (n >= 16 && n <= 20 || n == 8 || n == 9):
		return is(NIP, 0.8, "redact.reason.near")
	case ctx.is(kwNPWP) && (n >= 14 && n <= 17 || n == 22):
		return is(NPWP, 0.85, "redact.reason.near")
	case ctx.is(kwBPJS) && n >= 11 && n <= 13:
		return is(BPJS, 0.9, "redact.reason.near")
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

	// What looks like one, without a word. Contracts and such come with theirs.
	if ctx.is(kwOther|kwMoney) || c.odd && c.wide > 2 {
		return hit{}
	}
	tidy := c.wide >= 4 || c.wide == 1 && len(c.widths) == n
	switch {
	case n == 16 && d[0] >= '3' && d[0] <= '6' && luhn(d) && tidy:
		return is(Card, 0.7, "redact.reason.card")
	case n == 16 && province(d) && tidy:
		return is(NIK, 0.6, "redact.reason.form")
	case n == 18 && (d[0] == '1' && d[1] == '9' || d[0] == '2' && d[1] == '0') && tidy:
		return is(NIP, 0.6, "redact.reason.form")
	case n == 13 && d[0] == '0' && d[1] == '0' && d[2] == '0' && tidy:
		return is(BPJS, 0.7, "redact.reason.form")
	case n == 15 && len(c.widths) == 1 && luhn(d[:9]):
		return is(NPWP, 0.6, "redact.reason.npwp")
	case (n == 15 || n == 19) && d[0] >= '3' && d[0] <= '6' && luhn(d) && c.wide >= 4 && len(c.widths) > 2:
		return is(Card, 0.6, "redact.reason.card")
	}
	return hit{}
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

// plates finds number plates and passports: letters with digits.
func (s *scan) plates() {
	for i := range s.tokens {
		t := s.tokens[i]
		if t.form != word || s.used[i] != free || t.end-t.start > 2 || !s.near(i+1) {
			continue
		}
		digits := i + 1
		if (s.is(digits, ".") || s.is(digits, "-")) && s.near(digits+1) {
			digits++
		}
		if s.tokens[digits].form != number || s.used[digits] != free {
			continue
		}
		n := s.tokens[digits].end - s.tokens[digits].start
		switch {
		case n >= 6 && n <= 8 && digits == i+1 && s.around(i, kwPassport, 6):
			s.take(hit{i, digits, Passport, 0.9, "redact.reason.passport"})
		case n <= 4 && platePrefix(s.text(i)):
			s.plate(i, digits)
		}
	}
	for i := range s.tokens { // a passport's letters may be missing
		if t := s.tokens[i]; t.form == number && s.used[i] == free && t.end-t.start >= 6 && t.end-t.start <= 8 && s.context(i).is(kwPassport) {
			s.take(hit{i, i, Passport, 0.6, "redact.reason.passport"})
		}
	}
}

// plate takes a plate that begins at i, if its suffix or a word near it shows
// that it is one.
func (s *scan) plate(i, digits int) {
	t := s.tokens[i]
	last := digits
	k := digits + 1
	if (s.is(k, ".") || s.is(k, "-")) && s.near(k) && s.near(k+1) && s.tokens[k+1].gap == nothing {
		k++
	}
	suffix := s.near(k) && s.tokens[k].form == word && s.tokens[k].end-s.tokens[k].start <= 3 && s.used[k] == free
	if suffix && !(s.tokens[k].upper && t.upper && !t.caseless) && s.tokens[k].gap != nothing && s.tokens[k].class.is(common|stop|region|street|village|job|weak) {
		suffix = false
	}
	if suffix {
		last = k
	}
	told := s.around(i, kwPlate, 6)
	long := s.tokens[digits].end-s.tokens[digits].start >= 3
	da := s.is(i, "da")
	switch {
	case suffix && told:
		s.take(hit{i, last, Plate, 0.95, "redact.reason.plate"})
	case suffix && (t.upper && s.tokens[k].upper && !t.caseless && (da || long) || da && long):
		s.take(hit{i, last, Plate, 0.85, "redact.reason.plate"})
	case suffix && da && t.upper:
		s.take(hit{i, last, Plate, 0.7, "redact.reason.plate"})
	case suffix && s.tokens[digits].end-s.tokens[digits].start == 4 && !t.class.is(common) && t.end-t.start == 2 && !s.tokens[k].class.is(given|common):
		s.take(hit{i, last, Plate, 0.6, "redact.reason.plate"})
	case told && (da || t.upper && long):
		s.take(hit{i, digits, Plate, 0.7, "redact.reason.plate"})
	}
}

// around tells whether a word of a class stands within n tokens.
func (s *scan) around(i int, c class, n int) bool {
	for k := max(0, i-n); k <= i+n && k < len(s.tokens); k++ {
		if k != i && s.has(k, c) {
			return true
		}
	}
	return false
}

func platePrefix(w string) bool {
	switch w {
	case "a", "b", "d", "e", "f", "g", "h", "k", "l", "m", "n", "p", "r", "s", "t", "w", "z",
		"aa", "ab", "ad", "ae", "ag", "ba", "bb", "bd", "be", "bg", "bh", "bk", "bl", "bm", "bn", "bp",
		"da", "db", "dc", "dd", "de", "dg", "dh", "dk", "dl", "dm", "dn", "dp", "dr", "ds", "dt", "dw", "ea", "eb", "ed",
		"kb", "kh", "ks", "kt", "ku", "pa", "pb", "ri":
		return true
	}
	return false
}
