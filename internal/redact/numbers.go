package redact

import "strings"

// group is digits written together, within a run.
type group struct {
	token      int
	last       int // token
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
	s.crossed()
	var digits []byte
	var groups []group
	for i := 0; i < len(s.tokens); {
		if !s.startsRun(i) {
			i++
			continue
		}
		digits, groups = digits[:0], groups[:0]
		i = s.collect(i, &digits, &groups)
		if !s.match(digits, groups) && len(digits) >= 4 && len(digits) < 9 && mobile(digits) {
			i = s.inParts(groups, i)
		}
	}
}

// families tells whether a text speaks of family cards and of no identity cards:
// "45 KK" is how many households there are.
func (s *scan) families() bool {
	if s.cards == 0 {
		s.cards = 1
		for i := range s.tokens {
			if s.tokens[i].form != word {
				continue
			}
			switch c := s.keyword(i); {
			case c.is(kwNIK):
				s.cards = 1
				return false
			case c.is(kwKK) && !s.has2(i-1, number):
				s.cards = 2
			}
		}
	}
	return s.cards == 2
}

// crossed finds phones some of whose digits are crossed out: "0812 xxxx 1234".
func (s *scan) crossed() {
	out := func(i int) bool {
		return s.near(i) && s.used[i] == free && s.tokens[i].form != mark && s.tokens[i].form != number && strings.Trim(s.text(i), "x*#•") == ""
	}
	for i := range s.tokens {
		w := s.text(i)
		if s.tokens[i].form != number || s.used[i] != free || len(w) < 2 || !strings.HasPrefix(w, "08") && w != "62" && !strings.HasPrefix(w, "628") {
			continue
		}
		last, xs := i, 0
		for j, n := i+1, 0; n < 12 && s.near(j) && s.used[j] == free; j, n = j+1, n+1 {
			switch {
			case out(j):
				xs += int(s.tokens[j].end - s.tokens[j].start)
				last = j
			case s.tokens[j].form == number:
				last = j
			case s.is(j, "-") || s.is(j, "."):
			default:
				n = 12
			}
		}
		if all := int(s.tokens[last].end - s.tokens[i].start); xs >= 2 && all >= 8 && all <= 20 {
			s.take(hit{i, last, Phone, 0.7, "redact.reason.phone"})
		}
	}
}

// inParts takes the beginning of a phone in words, and what follows "and
// then". It returns the token to go on from.
func (s *scan) inParts(groups []group, next int) int {
	if !groups[0].spelled {
		return next
	}
	s.take(hit{groups[0].token, groups[len(groups)-1].last, Phone, 0.6, "redact.reason.phone"})
	for j, n := next, 0; n < 4 && s.near(j); j, n = j+1, n+1 {
		if !s.startsRun(j) {
			continue
		}
		var digits []byte
		var rest []group
		next = s.collect(j, &digits, &rest)
		if len(digits) >= 4 && len(digits) <= 9 {
			s.take(hit{rest[0].token, rest[len(rest)-1].last, Phone, 0.5, "redact.reason.phone"})
		}
		return next
	}
	return next
}

func (s *scan) startsRun(i int) bool {
	return s.used[i] == free && (s.tokens[i].form == number || s.has(i, digit) || s.letterO(i) && s.near(i+1) && s.digitLike(i+1) && (s.digitLike(i+2) || s.loneO(i+2) && s.loneO(i)))
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

// loneO tells whether a token is one letter that stands for a digit.
func (s *scan) loneO(i int) bool {
	return s.letterO(i) && s.used[i] == free && s.tokens[i].end-s.tokens[i].start == 1
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
			i = s.spell(i, digits)
			g.spelled = true
		default:
			for _, c := range []byte(s.text(i)) {
				*digits = append(*digits, digitOf(c))
			}
		}
		g.end, g.last = len(*digits), i
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
		alone := s.loneO(j) && len(*digits) == len(*groups) && len(*groups) >= 2 // "O 8 I 3"
		if !s.digitLike(j) && !alone && !(s.letterO(j) && s.near(j+1) && s.digitLike(j+1) && g.end-g.start >= 2) {
			return i + 1
		}
		i = j
	}
}

// spell reads a digit in words, with what makes it a ten: "dua belas" is 12 as
// people dictate phones. It returns the last token of it.
func (s *scan) spell(i int, digits *[]byte) int {
	switch s.text(i) {
	case "sebelas":
		*digits = append(*digits, '1', '1')
		return i
	case "sepuluh":
		*digits = append(*digits, '1', '0')
		return i
	}
	d := spelledDigit(s.text(i))
	switch {
	case s.near(i+1) && s.used[i+1] == free && s.is(i+1, "belas"):
		*digits = append(*digits, '1', d)
		return i + 1
	case s.near(i+1) && s.used[i+1] == free && s.is(i+1, "puluh"):
		*digits = append(*digits, d)
		if !s.near(i+2) || !s.has(i+2, digit) {
			*digits = append(*digits, '0')
		}
		return i + 1
	}
	*digits = append(*digits, d)
	return i
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
	case "nol", "kosong", "enol", "zero", "ksg", "ksong", "kosongg", "nool":
		return '0'
	case "satu", "siji", "asa", "sahu", "stu", "one":
		return '1'
	case "dua", "duwa", "two":
		return '2'
	case "tiga", "talu", "tallu", "tga", "three":
		return '3'
	case "empat", "ampat", "empt", "mpat", "four":
		return '4'
	case "lima", "lma", "limo", "five":
		return '5'
	case "enam", "anam", "enem", "nam", "six":
		return '6'
	case "tujuh", "tuju", "pitu", "tjh", "seven":
		return '7'
	case "delapan", "delapn", "dlpn", "lpn", "delpan", "eight", "lapan", "dlapan", "dolapan", "walu":
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

// match finds the numbers in a run, from left to right, the surest first. It
// tells whether there was one.
func (s *scan) match(digits []byte, groups []group) (found bool) {
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
		best.first, best.last = groups[i].token, groups[bestEnd].last
		for _, sign := range []string{"(", "+", "("} {
			if k := best.first - 1; best.kind == Phone && k >= 0 && s.is(k, sign) && s.near(best.first) && s.used[k] == free {
				best.first--
			}
		}
		if s.take(best) {
			s.memory.numbers[string(digits[groups[i].start:groups[bestEnd].end])] = best.kind
			found = true
		}
		i = bestEnd + 1
	}
	return found
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
	after := groups[i+n-1].last + 1
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
