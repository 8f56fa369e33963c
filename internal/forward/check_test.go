package forward_test

import (
	"slices"
	"strings"
	"testing"
	"testing/quick"

	"suluh.example/suluh/crypto/casecode"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/internal/forward"
)

func rules(title, text string, of id.Case) (all []forward.Rule) {
	for _, f := range forward.Check(title, text, of) {
		all = append(all, f.Rule)
	}
	return all
}

// What must not leave is found in the title and in the text, however it is
// written; what may is let pass.
func TestCheck(t *testing.T) {
	code, err := casecode.New()
	if err != nil {
		t.Fatal(err)
	}
	words := code.Words()
	var numbered, short []string
	for i, w := range words {
		numbered = append(numbered, string(rune('0'+i))+". "+strings.ToUpper(w))
		short = append(short, w[:4])
	}
	of := id.Case("K-ABCD-EFGH-IJKL-MNOP")
	for _, x := range []struct {
		name, text string
		want       forward.Rule // "" if it may pass
	}{
		{"plain", "Lampu jalan di kecamatan padam sejak dua minggu. Mohon diperbaiki.", ""},
		{"marks", "Petugas [NAMA] meminta uang lewat [TELEPON].", ""},
		{"a duration", "Kami menunggu 3 jam, dan loket hanya satu. Biaya Rp 10.30 juta.", ""},
		{"a day", "Kejadian pada 24 November 2026.", ""},
		{"an emoji of several", "Terima kasih 👩‍🔧", ""},
		{"two of the list's words", "Harga beras naik.", ""},

		{"NIK", "NIK saya 6371014505900003.", forward.RulePersonal},
		{"mail", "Hubungi saya di pelapor@contoh.go.id ya", forward.RulePersonal},
		{"phone", "Telepon 0812 3456 7890", forward.RulePersonal},
		{"own case", "Ini tindak lanjut K-ABCD-EFGH-IJKL-MNOP.", forward.RuleCase},
		{"own case without hyphens", "abcd efgh ijkl mnop", forward.RuleCase},
		{"own case broken up", "k–abcd / efgh / ij kl\nmnop", forward.RuleCase},
		{"own case with what isn't seen", "K-AB\u200bCD-EFGH-IJKL-MNOP", forward.RuleCase},
		{"another case", "lihat k-q2w3-e4r5-t6y7-zzzz", forward.RuleCase},
		{"code", strings.Join(words[:], " "), forward.RuleCode},
		{"code with hyphens", "Kodenya " + strings.Join(words[:], "-") + " begitu", forward.RuleCode},
		{"code numbered", strings.Join(numbered, "\n"), forward.RuleCode},
		{"code's beginnings", strings.Join(short, " "), forward.RuleCode},
		{"most of a code", "kode " + strings.Join(words[2:9], " "), forward.RuleCode},
		{"file", "Lihat foto IMG_20261124.jpg", forward.RuleAttachment},
		{"digest", strings.Repeat("0a1b", 16), forward.RuleAttachment},
		{"bytes", "data:image/png;base64,AAAA", forward.RuleAttachment},
		{"clock", "Dia datang 14:30 kemarin", forward.RuleTime},
		{"clock in WITA", "Dia datang 14.30 WITA", forward.RuleTime},
		{"pukul", "pada pukul 9 ia datang", forward.RuleTime},
		{"jam in words", "Jam setengah sembilan pagi", forward.RuleTime},
		{"twelve in words", "pukul dua belas", forward.RuleTime},
		{"morning", "sekitar 8 pagi", forward.RuleTime},
		{"turned around", "jalan \u202elasrevid", forward.RuleUnseen},
		{"a control character", "a\x00b", forward.RuleUnseen},
		{"empty", " \n", forward.RuleEmpty},
	} {
		t.Run(x.name, func(t *testing.T) {
			got := rules("Keluhan warga", x.text, of)
			if x.want == "" && len(got) > 0 {
				t.Errorf("stopped: %v", forward.Check("Keluhan warga", x.text, of))
			}
			if x.want != "" && !slices.Contains(got, x.want) {
				t.Errorf("got %v", got)
			}
			if x.want != "" && !slices.Contains(rules(x.text, "Keluhan warga", of), x.want) {
				t.Error("in the title it is not found")
			}
		})
	}
}

// However its words are parted and cased, a code never passes.
func TestNoCodePasses(t *testing.T) {
	between := []string{" ", "-", " 1. ", "\n", ", ", "_", "/"}
	if err := quick.Check(func(e [13]byte, parted uint8, upper bool) bool {
		e[12] &= 0xe0
		words := casecode.FromEntropy(e).Words()
		text := strings.Join(words[:], between[int(parted)%len(between)])
		if upper {
			text = strings.ToUpper(text)
		}
		return slices.Contains(rules("Keluhan", "Sebelum kode "+text+" sesudah", ""), forward.RuleCode)
	}, nil); err != nil {
		t.Error(err)
	}
}

// A text of the greatest length is looked through, whatever it is made of.
func TestCheckEndsWhateverIsWritten(t *testing.T) {
	for _, unit := range []string{"7", "kata ", "a\u200b", "K-ABCD-", "١٢٣ ", "pukul ", "<b>", "."} {
		forward.Check("Judul", strings.Repeat(unit, (1<<20)/len(unit)), "K-ABCD-EFGH-IJKL-MNOP")
	}
}
