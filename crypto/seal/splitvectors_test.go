package seal_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"filippo.io/age"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/seal"
)

// splitVector is one of those of testdata/split.json: keys that were split once, with
// all that opens them, which the browser's splitting is held against too.
type splitVector struct {
	Case      id.Case        `json:"case"`
	Key       string         `json:"key"`  // seed of the case identity
	List      string         `json:"list"` // seed of the list identity
	Need      int            `json:"need"`
	Witnesses []vectorMember `json:"witnesses"`
	Reader    string         `json:"reader"`    // identity that opens the wraps
	Recipient string         `json:"recipient"` // of the case
	Wrap      []byte         `json:"wrap"`      // as a reader gets it
	Sheet     []byte         `json:"sheet"`     // as a recovery sheet gets it
}

type vectorMember struct {
	Member   id.Member `json:"member"`
	Identity string    `json:"identity"`
}

func TestSplitVectors(t *testing.T) {
	const file = "testdata/split.json"
	if os.Getenv("SULUH_UPDATE") != "" {
		updateSplit(t, file)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var vectors []splitVector
	if err := json.Unmarshal(text, &vectors); err != nil || len(vectors) < 3 {
		t.Fatalf("%d vectors, %v", len(vectors), err)
	}
	for _, v := range vectors {
		reader := identity(t, v.Reader)
		keys := map[id.Member]age.Identity{}
		for _, w := range v.Witnesses {
			keys[w.Member] = identity(t, w.Identity)
		}
		sheet, err := seal.Unwrap(v.Sheet, reader)
		if err != nil || !sheet.Whole() || sheet.Recipient().String() != v.Recipient {
			t.Fatalf("sheet: %v", err)
		}
		k, err := seal.Unwrap(v.Wrap, reader)
		if err != nil || k.Whole() {
			t.Fatalf("wrap: %v", err)
		}
		last := make([]int, v.Need) // the last of them, so that all keys are used in some vector
		for i := range last {
			last[i] = len(v.Witnesses) - v.Need + i
		}
		if err := k.Join(v.Case, given(t, k, keys, reader, last...)...); err != nil || k.Export() != sheet.Export() {
			t.Errorf("%d of %d: %v", v.Need, len(v.Witnesses), err)
		}
	}
}

func identity(t *testing.T, text string) *age.HybridIdentity {
	t.Helper()
	i, err := age.ParseHybridIdentity(text)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func updateSplit(t *testing.T, file string) {
	var vectors []splitVector
	for _, of := range [][2]int{{1, 1}, {2, 3}, {3, 5}} {
		reader, err := age.GenerateHybridIdentity()
		if err != nil {
			t.Fatal(err)
		}
		key, list := random(), random()
		v := splitVector{Case: id.NewCase(), Key: hex.EncodeToString(key[:]), List: hex.EncodeToString(list[:]), Need: of[0], Reader: reader.String()}
		all, keys := witnesses(t, of[1])
		for _, w := range all {
			v.Witnesses = append(v.Witnesses, vectorMember{w.Member, fmt.Sprint(keys[w.Member])})
		}
		k, err := seal.SplitCaseKey(v.Case, key, list, v.Need, all)
		if err != nil {
			t.Fatal(err)
		}
		v.Recipient, v.Wrap = k.Recipient().String(), mustWrap(t, k, reader)
		if v.Sheet, err = k.WrapWhole(reader.Recipient()); err != nil {
			t.Fatal(err)
		}
		vectors = append(vectors, v)
	}
	text, err := json.MarshalIndent(vectors, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, append(text, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}
