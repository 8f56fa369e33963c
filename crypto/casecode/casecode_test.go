package casecode_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"suluh.example/suluh/crypto/casecode"
)

func TestListHasItsProperties(t *testing.T) {
	words := casecode.Words()
	if len(words) != 2048 || !slices.IsSorted(words) {
		t.Fatalf("%d words, sorted %t", len(words), slices.IsSorted(words))
	}
	prefixes := map[string]string{}
	for _, w := range words {
		if len(w) < 4 || len(w) > 8 || strings.Trim(w, "abcdefghijklmnopqrstuvwxyz") != "" {
			t.Errorf("%q is not 4 to 8 letters a–z", w)
			continue
		}
		if other := prefixes[w[:4]]; other != "" {
			t.Errorf("%s and %s begin alike", other, w)
		}
		prefixes[w[:4]] = w
	}
	for _, a := range words {
		for _, b := range words {
			if a < b && distance(a, b) < 2 {
				t.Errorf("%s and %s are %d apart", a, b, distance(a, b))
			}
		}
	}
	rejected, err := os.ReadFile("rejected.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range strings.Fields(string(rejected)) {
		if slices.Contains(words, w) {
			t.Errorf("%s was rejected once and is in the list", w)
		}
	}
}

// distance is the Levenshtein distance, cut off at 2 by length.
func distance(a, b string) int {
	if max(len(a), len(b))-min(len(a), len(b)) > 1 {
		return 2
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(diagonal+cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// Vectors of docs/formats.md.
func TestVectors(t *testing.T) {
	text, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []map[string]string
	if err := json.Unmarshal(text, &vectors); err != nil || len(vectors) == 0 {
		t.Fatal("no vectors")
	}
	for _, v := range vectors {
		var e [13]byte
		if _, err := hex.Decode(e[:], []byte(v["entropy"])); err != nil {
			t.Fatal(err)
		}
		c := casecode.FromEntropy(e)
		identity, err := c.Identity()
		if err != nil {
			t.Fatal(err)
		}
		mac := c.MACKey().Reveal()
		key := c.SigningKey()
		signature := ed25519.Sign(key, []byte(v["destroy"]))
		for name, got := range map[string]string{
			"words": c.Reveal(), "lookup": c.Lookup().Hex(), "lookup hash": c.Lookup().Hash().String(),
			"identity": identity.String(), "mac": fmt.Sprintf("%x", mac),
			"sign": hex.EncodeToString(key.Seed()), "reporter": base64.StdEncoding.EncodeToString(key.Public().(ed25519.PublicKey)),
			"destroy signature": base64.StdEncoding.EncodeToString(signature),
		} {
			if got != v[name] {
				t.Errorf("%s of %s: got %s, want %s", name, v["entropy"], got, v[name])
			}
		}
	}
}

func draw(t *rapid.T) casecode.Code {
	return casecode.FromEntropy([13]byte(rapid.SliceOfN(rapid.Byte(), 13, 13).Draw(t, "entropy")))
}

func TestForgivingForms(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := draw(t)
		words := c.Words()
		var b strings.Builder
		for i, w := range words {
			if rapid.Bool().Draw(t, "short") {
				w = w[:rapid.IntRange(4, len(w)).Draw(t, "letters")]
			}
			switch rapid.IntRange(0, 2).Draw(t, "case") {
			case 0:
				w = strings.ToUpper(w)
			case 1:
				w = strings.ToUpper(w[:1]) + w[1:]
			}
			fmt.Fprintf(&b, rapid.SampledFrom([]string{"%[2]s ", "%[1]d. %[2]s\n", "%[1]d)%[2]s-", " - %[2]s,", "%[2]s\u00a0\r\n"}).Draw(t, "around"), i+1, w)
		}
		got, made, err := casecode.Parse(b.String())
		if err != nil || !got.Equal(c) || len(made) != 0 {
			t.Fatalf("%q: %v, %d corrections", b.String(), err, len(made))
		}
	})
}

func TestOneMistypedLetterIsCorrectedOrNamed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := draw(t)
		words := c.Words()
		at := rapid.IntRange(0, 9).Draw(t, "word")
		w := words[at]
		i := rapid.IntRange(0, len(w)-1).Draw(t, "letter")
		letter := string(rapid.ByteRange('a', 'z').Draw(t, "typed"))
		switch rapid.IntRange(0, 3).Draw(t, "mistake") {
		case 0:
			w = w[:i] + letter + w[i+1:]
		case 1:
			w = w[:i] + w[i+1:]
		case 2:
			w = w[:i] + letter + w[i:]
		case 3:
			if i+1 < len(w) {
				w = w[:i] + w[i+1:i+2] + w[i:i+1] + w[i+2:]
			}
		}
		words[at] = w
		got, made, err := casecode.Parse(strings.Join(words[:], " "))
		var word *casecode.WordError
		switch {
		case err == nil && !got.Equal(c):
			t.Fatalf("%s became another code", w)
		case err == nil:
			for _, m := range made {
				if m.Place != at+1 || m.Word != c.Words()[at] {
					t.Fatalf("correction %+v, want word %d", m, at+1)
				}
			}
		case errors.As(err, &word):
			if word.Place != at+1 || word.Typed != w {
				t.Fatalf("names word %d, want %d", word.Place, at+1)
			}
		case !errors.Is(err, casecode.ErrChecksum):
			t.Fatalf("%s: %v", w, err)
		}
	})
}

func TestErrorsNameTheWord(t *testing.T) {
	c := casecode.FromEntropy([13]byte{1, 2, 3})
	words := c.Words()
	words[3] = "xxxxxxx"
	var word *casecode.WordError
	if _, _, err := casecode.Parse(strings.Join(words[:], " ")); !errors.As(err, &word) || word.Place != 4 || strings.Contains(err.Error(), "xxx") {
		t.Errorf("got %v", err)
	}
	var count *casecode.CountError
	if _, _, err := casecode.Parse("bunga bunga bunga"); !errors.As(err, &count) || count.Got != 3 {
		t.Errorf("got %v", err)
	}
	if _, _, err := casecode.Parse(" 1. - "); !errors.Is(err, casecode.ErrEmpty) {
		t.Errorf("got %v", err)
	}
	w := c.Words()
	w[0], w[1] = w[1], w[0]
	if _, _, err := casecode.Parse(strings.Join(w[:], " ")); !errors.Is(err, casecode.ErrChecksum) {
		t.Errorf("two words swapped: got %v", err)
	}
}

func TestCodesDoNotPrintThemselves(t *testing.T) {
	c, err := casecode.New()
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "code", c, "lookup", c.Lookup())
	out := fmt.Sprintf("%v %+v %#v %s %x %d", c, c, c, c, c.Lookup(), c.Lookup()) + log.String()
	if strings.Contains(out, c.Words()[0]) || strings.Contains(out, c.Lookup().Hex()[:8]) || !strings.Contains(out, "[hidden]") {
		t.Errorf("printed %s", out)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(casecode.FromEntropy([13]byte{}).Reveal())
	f.Add("1. ｂｕｎｇａ \u0300")
	f.Fuzz(func(t *testing.T, s string) {
		c, _, err := casecode.Parse(s)
		if err != nil {
			return
		}
		again, made, err := casecode.Parse(c.Reveal())
		if err != nil || !again.Equal(c) || len(made) != 0 {
			t.Fatalf("code does not parse back: %v", err)
		}
	})
}
