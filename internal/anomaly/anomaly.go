// Package anomaly looks through a verified access log for what is allowed and
// yet unusual: what an auditor should ask somebody about. The rules and their
// numbers are a file that a person can read and change (rules.toml). Each
// finding names its records and says in words what it means and what to do.
//
// A finding is a question, never a verdict: what the log proves wrong is for
// internal/check to find. The package knows no more than member, action, case
// and time of a record, and the rosters; what is sealed, such as a case's status
// or whom a report is about, it can't know. It must never look at a log that was
// not verified.
package anomaly

import (
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/internal/check"
	"suluh.example/suluh/internal/lang"
)

// Finding is something unusual.
type Finding struct {
	Rule    Rule      `json:"rule"`
	Why     string    `json:"why,omitempty"` // of a rule that has several reasons, which
	Records Records   `json:"records"`       // at least one
	Member  id.Member `json:"member,omitempty"`
	To      id.Member `json:"to,omitempty"`
	Case    id.Case   `json:"case,omitempty"`
	First   id.Day    `json:"first"` // of the records, in the log's zone
	Last    id.Day    `json:"last"`
	N       int       `json:"n"` // what the rule counts: records, cases, deposits or days
}

// key is that of its words: the rule, and the reason if there are several.
func (f Finding) key() string {
	key := "anomaly." + string(f.Rule)
	if f.Why != "" {
		key += "." + f.Why
	}
	return key
}

// Words says what was found, what it means, and what to do.
func (f Finding) Words(l *lang.Language, nameOf func(id.Member) string) (what, means, do string) {
	name := func(m id.Member) string {
		if m == "" {
			return ""
		}
		return nameOf(m)
	}
	what = l.T(f.key()+".what", "Who", name(f.Member), "To", name(f.To), "Case", string(f.Case), "First", f.First, "Last", f.Last, "N", f.N)
	return what, l.T("anomaly." + string(f.Rule) + ".means"), l.T("anomaly." + string(f.Rule) + ".do")
}

// Find looks through a log. Today is a day of the log's zone; it decides only
// whether the last day's end is long ago. Findings are in the order of their last
// records.
func Find(log *check.Result, rules *Rules, today id.Day) []Finding {
	return Follow(rules).Find(log, today)
}

// also adds a record to a finding.
func (f *Finding) also(seq int64, day id.Day) {
	f.Records.add(seq)
	f.Last = day
}
