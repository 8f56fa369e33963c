package seal_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"

	"suluh.example/suluh/crypto/hidden"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/seal"
)

// vectors are those of testdata/vectors.json, which the browser's sealing is
// held against too. What is sealed was sealed once: it is different each time.
type vectors struct {
	Padded    []paddedVector `json:"padded"`
	Seed      string         `json:"seed"` // of the identity that opens the rest
	Identity  string         `json:"identity"`
	Recipient string         `json:"recipient"`
	Document  sealedVector   `json:"document"` // a summary, by its floor
	Content   sealedVector   `json:"content"`
	Card      struct {
		sealedVector
		MAC string `json:"mac"` // key
	} `json:"card"`
}

type paddedVector struct {
	N      int64 `json:"n"`
	Floor  int64 `json:"floor"`
	Padded int64 `json:"padded"`
}

type sealedVector struct {
	Text   string    `json:"text"`
	Sealed []byte    `json:"sealed"`
	Object id.Object `json:"object"`
}

func TestVectors(t *testing.T) {
	const file = "testdata/vectors.json"
	if os.Getenv("SULUH_UPDATE") != "" {
		update(t, file)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(text, &v); err != nil || len(v.Padded) < 20 {
		t.Fatalf("%d lengths, %v", len(v.Padded), err)
	}
	for _, p := range v.Padded {
		if got := seal.Padded(p.N, seal.Floor(p.Floor)); got != p.Padded {
			t.Errorf("%d bytes are padded to %d, want %d", p.N, got, p.Padded)
		}
	}
	seed, _ := hex.DecodeString(v.Seed)
	k, err := seal.CaseKeyFromSeed([32]byte(seed))
	if err != nil {
		t.Fatal(err)
	}
	if k.Export() != v.Identity || k.Recipient().String() != v.Recipient {
		t.Error("identity or recipient is another")
	}
	for role, x := range map[id.Role]sealedVector{id.RoleSummary: v.Document, id.RoleContent: v.Content, id.RoleCard: v.Card.sealedVector} {
		if got := seal.Describe(role, x.Sealed); got != x.Object {
			t.Errorf("%s: object %+v, want %+v", role, got, x.Object)
		}
	}
	if got, err := seal.OpenDocument(v.Document.Sealed, k.Identities()[0]); err != nil || string(got) != v.Document.Text {
		t.Errorf("document: got %q, %v", got, err)
	}
	r, err := seal.OpenContent(bytes.NewReader(v.Content.Sealed), int64(len(v.Content.Text)), v.Content.Object.Digest, k.Identities()[0])
	if err != nil {
		t.Fatal(err)
	}
	var content bytes.Buffer
	if _, err := content.ReadFrom(r); err != nil || content.String() != v.Content.Text {
		t.Errorf("content: got %q, %v", content.String(), err)
	}
	mac, _ := hex.DecodeString(v.Card.MAC)
	card, err := seal.OpenCard(v.Card.Sealed, k.Identities()[0], hidden.Of([32]byte(mac)))
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := json.Marshal(card); string(got) != v.Card.Text {
		t.Errorf("card: got %s, want %s", got, v.Card.Text)
	}
}

func update(t *testing.T, file string) {
	seed := [32]byte(bytes.Repeat([]byte{7}, 32))
	k, err := seal.CaseKeyFromSeed(seed)
	if err != nil {
		t.Fatal(err)
	}
	v := vectors{Seed: hex.EncodeToString(seed[:]), Identity: k.Export(), Recipient: k.Recipient().String()}
	for _, f := range []seal.Floor{seal.SummaryFloor, seal.ContentFloor} {
		for _, n := range []int64{0, 1, 1023, 1024, 1025, 4097, 16 << 10, 16<<10 + 1, 65535, 65536, 65537, 1<<20 - 1, 1<<20 + 1, 300_000_001, 1<<32 - 1, 1<<32 + 1, 1<<40 + 12345} {
			v.Padded = append(v.Padded, paddedVector{n, int64(f), seal.Padded(n, f)})
		}
	}
	v.Document.Text = `{"apa":"Jalan \u003cbaru\u003e \u0026 retak","v":1}`
	sealed, err := seal.SealDocument([]byte(v.Document.Text), seal.SummaryFloor, k.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	v.Document.Sealed, v.Document.Object = sealed, seal.Describe(id.RoleSummary, sealed)
	v.Content.Text = "isi lampiran\x00\n"
	content, sum := sealContent(t, k, []byte(v.Content.Text))
	v.Content.Sealed, v.Content.Object = content, sum.Object
	mac := [32]byte(bytes.Repeat([]byte{9}, 32))
	card := seal.Card{
		V: 1, Case: "K-AAAA-AAAA-AAAA-AAAA", Unit: "itprov", Recipient: v.Recipient, Objects: []id.Object{v.Document.Object}, Wraps: "", Letter: true, Files: 1,
	}
	if card.Day, err = id.ParseDay("2026-11-24"); err != nil {
		t.Fatal(err)
	}
	text, _ := json.Marshal(card)
	if sealed, err = seal.SealCard(card, k.Recipient(), hidden.Of(mac)); err != nil {
		t.Fatal(err)
	}
	v.Card.sealedVector = sealedVector{string(text), sealed, seal.Describe(id.RoleCard, sealed)}
	v.Card.MAC = hex.EncodeToString(mac[:])
	out, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, append(out, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}
