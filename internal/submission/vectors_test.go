package submission

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/seal"
)

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
		secret, err := hex.DecodeString(v["seed"])
		if err != nil {
			t.Fatal(err)
		}
		s := SeedFrom([32]byte(secret))
		to := Readers{Unit: id.Unit(v["unit"])}
		// In another order than they are derived in.
		for _, m := range strings.Fields(v["without"]) {
			to.Without = append([]id.Member{id.Member(m)}, to.Without...)
		}
		k, err := keysOf(s, to)
		if err != nil {
			t.Fatal(err)
		}
		for name, got := range map[string]string{
			"code": k.code.Reveal(), "case": string(k.caseID), "key": identity(t, k.key), "list": identity(t, k.list), "tag": hex.EncodeToString(k.tag),
		} {
			if got != v[name] {
				t.Errorf("%s for %s: got %s, want %s", name, to.Unit, got, v[name])
			}
		}
	}
}

func identity(t *testing.T, seed [32]byte) string {
	t.Helper()
	i, err := seal.HybridIdentity(seed)
	if err != nil {
		t.Fatal(err)
	}
	return i.String()
}
