package main

import (
	"context"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"suluh.example/suluh/internal/anomaly"
	"suluh.example/suluh/internal/anomaly/year"
	"suluh.example/suluh/internal/check"
)

// anomalies measures the built-in rules on made logs of a year.
func anomalies(ctx context.Context) (string, error) {
	const years, cases = 5, 1400
	rules, err := anomaly.Parse(anomaly.Default)
	if err != nil {
		return "", err
	}
	type count struct{ planted, missed, alarms int }
	counts := map[string]*count{}
	of := func(rule string) *count {
		if counts[rule] == nil {
			counts[rule] = &count{}
		}
		return counts[rule]
	}
	var records int64
	for seed := range uint64(years) {
		l, err := year.Make(seed+1, cases)
		if err != nil {
			return "", err
		}
		key, err := note.NewVerifier(l.Key)
		if err != nil {
			return "", err
		}
		r, err := check.Verify(ctx, l.Files, key)
		if err != nil {
			return "", err
		}
		records += r.Records
		missed, alarms := year.Score(l, anomaly.Find(r, rules, l.Last))
		for _, p := range l.Planted {
			of(p.Rule).planted++
		}
		for _, p := range missed {
			of(p.Rule).missed++
		}
		for _, f := range alarms {
			of(string(f.Rule)).alarms++
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d tahun buatan, tiap tahun sekitar %d catatan dari %d kasus · %d made years, each of some %d records of %d cases.\n\n",
		years, records/years, cases, years, records/years, cases)
	b.WriteString("| aturan · rule | ditanam · planted | ditemukan · found | alarm palsu setahun · false alarms a year |\n| --- | --- | --- | --- |\n")
	all := count{}
	for _, rule := range anomaly.All() {
		c := of(string(rule))
		fmt.Fprintf(&b, "| `%s` | %d | %d | %.1f |\n", rule, c.planted, c.planted-c.missed, float64(c.alarms)/years)
		all.planted, all.missed, all.alarms = all.planted+c.planted, all.missed+c.missed, all.alarms+c.alarms
	}
	fmt.Fprintf(&b, "| semua · all | %d | %d | %.1f |\n", all.planted, all.planted-all.missed, float64(all.alarms)/years)
	return b.String(), nil
}

// writeYear writes a made log, for tests of pages.
func writeYear(dir string) error {
	l, err := year.Make(1, 400)
	if err != nil {
		return err
	}
	return l.Write(dir)
}
