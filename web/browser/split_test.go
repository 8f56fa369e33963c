package browser_test

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/bits"
	"os/exec"
	"testing"

	"filippo.io/age"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/seal"
)

// What the browser splits, crypto/seal joins: of every k of n key witnesses, any
// k, and no k-1. (What Go splits, the browser's code reads in crypto/seal's
// testdata/split.json.)
func TestWhatTheBrowserSplitsIsJoined(t *testing.T) {
	type witness struct {
		ID        id.Member `json:"id"`
		Recipient string    `json:"recipient"`
	}
	type asked struct {
		Case      id.Case   `json:"case"`
		Key       string    `json:"key"`
		List      string    `json:"list"`
		Need      int       `json:"need"`
		Witnesses []witness `json:"witnesses"`
		Reader    string    `json:"reader"`
	}
	type made struct {
		Recipient string `json:"recipient"`
		List      string `json:"list"`
		Wrap      []byte `json:"wrap"`
		Sheet     []byte `json:"sheet"`
	}
	reader := generate(t)
	keys := map[id.Member]*age.HybridIdentity{}
	var witnesses []witness
	for i := range seal.MaxKeyWitnesses {
		name := id.Member(fmt.Sprintf("saksi-kunci-%d", i+1))
		keys[name] = generate(t)
		witnesses = append(witnesses, witness{name, keys[name].Recipient().String()})
	}
	var all []asked
	for n := 1; n <= seal.MaxKeyWitnesses; n++ {
		for need := 1; need <= n; need++ {
			key, list := random(), random()
			all = append(all, asked{id.NewCase(), hex.EncodeToString(key[:]), hex.EncodeToString(list[:]), need, witnesses[:n], reader.Recipient().String()})
		}
	}
	in, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	node := exec.Command("node", "split.mjs")
	node.Stdin = bytes.NewReader(in)
	var stderr bytes.Buffer
	node.Stderr = &stderr
	out, err := node.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.Bytes())
	}
	var results []made
	if err := json.Unmarshal(out, &results); err != nil || len(results) != len(all) {
		t.Fatalf("%d results, %v", len(results), err)
	}
	for i, m := range results {
		a := all[i]
		sheet, err := seal.Unwrap(m.Sheet, reader)
		if err != nil || !sheet.Whole() || sheet.Recipient().String() != m.Recipient || sheet.ListRecipient().String() != m.List {
			t.Fatalf("%d of %d: the sheet's wrap: %v", a.Need, len(a.Witnesses), err)
		}
		for chosen := range 1 << len(a.Witnesses) {
			given := bits.OnesCount(uint(chosen))
			if given != a.Need && given != a.Need-1 {
				continue
			}
			k, err := seal.Unwrap(m.Wrap, reader)
			if err != nil || k.Whole() {
				t.Fatalf("%d of %d: a wrap: %v", a.Need, len(a.Witnesses), err)
			}
			_, sealed := k.Shares()
			var shares []*seal.Share
			for w, x := range sealed {
				if chosen&(1<<w) == 0 {
					continue
				}
				s, err := seal.OpenShare(x.Sealed, keys[x.Witness])
				if err != nil {
					t.Fatalf("share of %s: %v", x.Witness, err)
				}
				shares = append(shares, s)
			}
			err = k.Join(a.Case, shares...)
			if given < a.Need && !errors.Is(err, seal.ErrShares) || given == a.Need && (err != nil || k.Export() != sheet.Export()) {
				t.Errorf("%d of %d, %0*b given: %v", a.Need, len(a.Witnesses), len(a.Witnesses), chosen, err)
			}
		}
	}
}

func generate(t *testing.T) *age.HybridIdentity {
	t.Helper()
	i, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func random() (b [32]byte) {
	rand.Read(b[:])
	return b
}
