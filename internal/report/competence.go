package report

import (
	"cmp"
	"slices"
	"strings"
	"unicode"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
)

// Suggest returns the units that are competent for whom a report is about, by
// the positions that the roster gives them: the longest position that is named
// comes first. It is a suggestion: people decide.
func Suggest(r *roster.Roster, d Report) []id.Unit {
	who := phrase(d.Who)
	type match struct {
		unit   id.Unit
		length int
	}
	var all []match
	for _, u := range r.Units {
		longest := 0
		for _, p := range u.Positions {
			if p = phrase(p); len(p) > 2 && strings.Contains(who, p) {
				longest = max(longest, len(p))
			}
		}
		if longest > 0 {
			all = append(all, match{u.ID, longest})
		}
	}
	slices.SortStableFunc(all, func(a, b match) int { return cmp.Compare(b.length, a.length) })
	units := make([]id.Unit, len(all))
	for i, m := range all {
		units[i] = m.unit
	}
	return units
}

// shortForms are the short forms that people write for positions and the
// levels of government.
var shortForms = map[string]string{
	"sekda": "sekretaris daerah", "kadis": "kepala dinas", "kadin": "kepala dinas", "kaban": "kepala badan", "kabid": "kepala bidang", "kades": "kepala desa",
	"pambakal": "kepala desa", "walikota": "wali kota", "kab": "kabupaten", "prov": "provinsi", "prop": "provinsi", "propinsi": "provinsi",
}

// phrase returns the words of a text, in lower case and in full, each between
// two spaces.
func phrase(s string) string {
	words := strings.FieldsFunc(strings.ToLower(s), func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) })
	for i, w := range words {
		words[i] = cmp.Or(shortForms[w], w)
	}
	return " " + strings.Join(words, " ") + " "
}
