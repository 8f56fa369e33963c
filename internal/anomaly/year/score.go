package year

import (
	"slices"

	"suluh.example/suluh/internal/anomaly"
)

// Score holds findings against what was planted: missed is what no finding of its
// rule names all records of, and alarms are the findings that name nothing
// planted.
func Score(l *Log, found []anomaly.Finding) (missed []Planted, alarms []anomaly.Finding) {
	all := map[int64]bool{}
	for _, p := range l.Planted {
		for _, r := range p.Records {
			all[r] = true
		}
		if !slices.ContainsFunc(found, func(f anomaly.Finding) bool {
			return string(f.Rule) == p.Rule && !slices.ContainsFunc(p.Records, func(r int64) bool { return !named(f, r) })
		}) {
			missed = append(missed, p)
		}
	}
	for _, f := range found {
		planted := false
		for r := range f.Records.All() {
			planted = planted || all[r]
		}
		if !planted {
			alarms = append(alarms, f)
		}
	}
	return missed, alarms
}

func named(f anomaly.Finding, record int64) bool {
	for r := range f.Records.All() {
		if r == record {
			return true
		}
	}
	return false
}
