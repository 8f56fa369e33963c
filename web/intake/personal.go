package intake

import (
	"regexp"
	"strings"

	"suluh.example/suluh/internal/report"
)

var (
	phone  = regexp.MustCompile(`(?:\+?62|0)[\s.-]?8[1-9]\d(?:[\s.-]?\d){6,9}`)
	digits = regexp.MustCompile(`\d(?:[ .-]?\d)*`)
)

// hasPersonalNumber tells whether a text has a number that looks like one of a
// person: a telephone, or sixteen digits and more as identity numbers have.
// It is for a notice only: a false alarm costs a glance, and nothing is
// blocked by it.
func hasPersonalNumber(s string) bool {
	if phone.MatchString(s) {
		return true
	}
	for _, n := range digits.FindAllString(s, -1) {
		if len(n)-strings.Count(n, " ")-strings.Count(n, ".")-strings.Count(n, "-") >= 16 {
			return true
		}
	}
	return false
}

// hasPersonalNumber tells whether any text has one.
func (t typed) hasPersonalNumber() bool {
	for _, part := range report.Questions() {
		for _, q := range part {
			if hasPersonalNumber(*q.Of(&t.report)) {
				return true
			}
		}
	}
	return false
}
