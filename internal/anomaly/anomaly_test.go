package anomaly_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/internal/anomaly"
	"suluh.example/suluh/internal/anomaly/year"
	"suluh.example/suluh/internal/check"
	"suluh.example/suluh/internal/lang"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

type made struct {
	log    *year.Log
	result *check.Result
}

var theYear = sync.OnceValues(func() (m made, err error) {
	if m.log, err = year.Make(7, 1400); err != nil {
		return m, err
	}
	key, err := note.NewVerifier(m.log.Key)
	if err != nil {
		return m, err
	}
	m.result, err = check.Verify(context.Background(), m.log.Files, key)
	return m, err
})

func verified(t *testing.T) (*year.Log, *check.Result) {
	t.Helper()
	m, err := theYear()
	must(t, err)
	return m.log, m.result
}

func rules(t *testing.T, text string) *anomaly.Rules {
	t.Helper()
	r, err := anomaly.Parse(text)
	must(t, err)
	return r
}

func TestAllThatIsPlantedInAYearIsFoundAndFewFalseAlarms(t *testing.T) {
	l, r := verified(t)
	found := anomaly.Find(r, rules(t, anomaly.Default), l.Last)
	missed, alarms := year.Score(l, found)
	for _, p := range missed {
		t.Errorf("%s at records %v was not found", p.Rule, p.Records)
	}
	for _, f := range alarms {
		t.Log("false alarm:", f.Rule, f.Why, f.Member, f.To, f.Case, f.First, f.N)
	}
	t.Logf("%d records, %d planted, %d found, %d false alarms", l.Len(), len(l.Planted), len(found), len(alarms))
	if len(l.Planted) < 25 || l.Len() < 20_000 {
		t.Errorf("the year has only %d records and %d planted", l.Len(), len(l.Planted))
	}
	if len(alarms) > 60 {
		t.Errorf("%d false alarms in a year are more than one a week", len(alarms))
	}
	for _, rule := range anomaly.All() {
		if !slices.ContainsFunc(l.Planted, func(p year.Planted) bool { return p.Rule == string(rule) }) {
			t.Errorf("nothing was planted for %s", rule)
		}
	}
}

func TestEachFindingNamesRecordsInOrderAndHasWords(t *testing.T) {
	l, r := verified(t)
	c, err := lang.Load()
	must(t, err)
	for _, f := range anomaly.Find(r, rules(t, anomaly.Default), l.Last) {
		if f.Records.Len() == 0 || !slices.IsSorted(slices.Collect(f.Records.All())) || f.First.IsZero() || f.Last.Before(f.First) || f.N < 1 {
			t.Errorf("it is not whole: %+v", f)
		}
		for _, l := range c.Languages() {
			what, means, do := f.Words(l, r.NameOf)
			for _, s := range []string{what, means, do, l.T("anomaly." + string(f.Rule) + ".title")} {
				if s == "" || strings.Contains(s, "[anomaly") || strings.Contains(s, "<no value>") {
					t.Errorf("%s has no words of %s %s: %q", l.Code(), f.Rule, f.Why, s)
				}
			}
		}
	}
}

func TestARuleThatIsLeftOutFindsNothing(t *testing.T) {
	l, r := verified(t)
	only := "[exports]\ncases = 3\ndays = 7\n"
	found := anomaly.Find(r, rules(t, only), l.Last)
	if len(found) == 0 {
		t.Error("nothing was found")
	}
	for _, f := range found {
		if f.Rule != anomaly.Exports {
			t.Errorf("%s was found without its rule", f.Rule)
		}
	}
	// Another number finds something else.
	if fewer := anomaly.Find(r, rules(t, strings.Replace(only, "cases = 3", "cases = 4", 1)), l.Last); len(fewer) >= len(found) {
		t.Errorf("%d with four cases, %d with three", len(fewer), len(found))
	}
	if none := anomaly.Find(r, rules(t, ""), l.Last); len(none) != 0 {
		t.Errorf("no rules found %d", len(none))
	}
}

func TestALogThatHasStoppedIsSaid(t *testing.T) {
	l, r := verified(t)
	only := rules(t, "[no-batch]\ndays = 14\n")
	open := func(today id.Day) bool {
		return slices.ContainsFunc(anomaly.Find(r, only, today), func(f anomaly.Finding) bool { return f.Why == "open" })
	}
	if open(l.Last) || !open(l.Last.AddDays(40)) || open(id.Day{}) {
		t.Error("the last day's end is long ago only long after it")
	}
}

func TestRulesThatAreNotUnderstoodAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		"[exportz]\ncases = 3":                                                       "exportz",
		"[exports]\ncases = 3\nday = 7":                                              "day",
		"[exports]\ncases = 3":                                                       "days of exports",
		"[many-opened]\ncases = 0":                                                   "cases of many-opened",
		"[not-assigned]\nexcept_roles = [\"boss\"]":                                  "boss",
		"[out-of-hours]\ndays=[\"mo\"]":                                              "mo",
		"[out-of-hours]\nfrom=\"8\"\nto=\"17:00\"":                                   "8",
		"[out-of-hours]\nfrom=\"18:00\"\nto=\"07:00\"":                               "ends before",
		"[late-deposits":                                                             "rules",
		"[out-of-hours]\nfrom=\"08:00\"\nto=\"17:00\"\nholidays=[\"1 Mei\"]":         "1 Mei",
		"[out-of-hours]\nfrom=\"08:00\"\nto=\"17:00\"\nexcept_actions=[\"melihat\"]": "melihat",
	} {
		if _, err := anomaly.Parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want an error with %q", text, err, want)
		}
	}
}

func TestTheGuideNamesEveryRule(t *testing.T) {
	guide, err := os.ReadFile("../../docs/auditor.md")
	must(t, err)
	for _, r := range anomaly.All() {
		if strings.Count(string(guide), "`"+string(r)+"`") < 2 {
			t.Errorf("docs/auditor.md doesn't tell of %s in both languages", r)
		}
		if !strings.Contains(anomaly.Default, "\n["+string(r)+"]\n") {
			t.Errorf("rules.toml lacks %s", r)
		}
	}
}

// TestALogThatGrowsIsLookedThroughOnlyWhereItIsNew and comes to the same as one
// that is looked through at once, whenever somebody looked.
func TestALogThatGrowsIsLookedThroughOnlyWhereItIsNew(t *testing.T) {
	l, r := verified(t)
	rules := rules(t, anomaly.Default)
	whole := anomaly.Find(r, rules, l.Last)
	search := anomaly.Follow(rules)
	part := *r
	var first []anomaly.Finding
	var then []byte
	for n := int64(1); n < r.Records; n += 97 {
		part.Entries = r.Entries.First(n)
		found := search.Find(&part, l.Last)
		if first == nil && len(found) > 5 {
			first = found
			then = asJSON(t, found)
		}
	}
	if got := search.Find(r, l.Last); len(whole) < 20 || !reflect.DeepEqual(got, whole) {
		t.Errorf("in pieces there are %d findings, at once %d, or others", len(got), len(whole))
	}
	if len(first) == 0 || !bytes.Equal(asJSON(t, first), then) {
		t.Error("what was found earlier has changed")
	}
}

func asJSON(t *testing.T, found []anomaly.Finding) []byte {
	t.Helper()
	b, err := json.Marshal(found)
	must(t, err)
	return b
}
