package witness_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	cosig "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"

	"suluh.example/suluh/internal/witness"
)

// policyVector is one of testdata/policies.json, which browsers read too.
type policyVector struct {
	What   string          `json:"what"`
	Policy string          `json:"policy"`
	Pad    int             `json:"pad,omitempty"` // so many é stand after it, in a comment
	Quorum *witness.Quorum `json:"quorum"`        // null: it is refused
}

func TestPolicies(t *testing.T) {
	const file = "testdata/policies.json"
	if os.Getenv("SULUH_UPDATE") != "" {
		writePolicies(t, file)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var all []policyVector
	if err := json.Unmarshal(text, &all); err != nil || len(all) < 30 {
		t.Fatalf("%d policies, %v", len(all), err)
	}
	for _, x := range all {
		p, err := witness.ParsePolicy(x.Policy + strings.Repeat("é", x.Pad))
		switch {
		case x.Quorum == nil && !errors.Is(err, witness.ErrPolicy):
			t.Errorf("%s: %v, want %v", x.What, err, witness.ErrPolicy)
		case x.Quorum != nil && err != nil:
			t.Errorf("%s: %v", x.What, err)
		case x.Quorum != nil && !reflect.DeepEqual(p.Quorum(), *x.Quorum):
			t.Errorf("%s: it asks for %+v, want %+v", x.What, p.Quorum(), *x.Quorum)
		}
	}
}

func writePolicies(t *testing.T, file string) {
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	vkey := func(name string) string {
		_, v, err := witness.ParseKey(key(t, name))
		must(err)
		return v
	}
	_, plain, err := note.GenerateKey(nil, "p.example")
	must(err)
	_, mldsa, err := cosig.GenerateMLDSAKey("m.example")
	must(err)
	a, b, c := vkey("a.example"), vkey("b.example"), vkey("c.example")
	one := func(vkey string) string { return "witness a " + vkey + " https://a.example/\nquorum a\n" }
	// named writes a key of some bytes, kind and all, with the ID that follows from them.
	named := func(name string, key []byte) string {
		sum := sha256.Sum256([]byte(name + "\n" + string(key)))
		return name + "+" + hex.EncodeToString(sum[:4]) + "+" + base64.StdEncoding.EncodeToString(key)
	}
	ed := func(kind byte, y string) []byte {
		b, err := hex.DecodeString(y)
		must(err)
		return append([]byte{kind}, b...)
	}
	three := fmt.Sprintf("witness a %s https://a.example/\nwitness b %s https://b.example\nwitness c %s http://c.example:8084/x/\n", a, b, c)
	leaf := func(key string) witness.Quorum { return witness.Quorum{Key: key} }
	of := func(need int, all ...witness.Quorum) witness.Quorum { return witness.Quorum{Need: need, Of: all} }
	whole := func(q witness.Quorum) *witness.Quorum { return &q }
	justA, justP, justM := whole(of(1, leaf(a))), whole(of(1, leaf(plain))), whole(of(1, leaf(mldsa)))
	var many, names strings.Builder
	var leaves []witness.Quorum
	for i := range witness.MaxWitnesses + 1 {
		v := vkey(fmt.Sprintf("w%d.example", i))
		fmt.Fprintf(&many, "witness w%d %s https://w%d.example/\n", i, v, i)
		if i < witness.MaxWitnesses {
			fmt.Fprintf(&names, " w%d", i)
			leaves = append(leaves, leaf(v))
		}
	}
	doubled := three + "group g0 1 a b\n" // each group twice in the next one: of so many branches nobody may look at each
	for i := range 60 {
		doubled += fmt.Sprintf("group g%d 1 g%d g%d\n", i+1, i, i)
	}
	padded := one(a) + "#"
	if len(padded)%2 == 1 {
		padded += "#"
	}
	pad := (witness.MaxPolicy - len(padded)) / 2
	all := []policyVector{
		{"one", one(a), 0, justA},
		{"one of its witnesses", three + "quorum a\n", 0, justA},
		{"two of three", three + "group g 2 a b c\nquorum g\n", 0, whole(of(2, leaf(a), leaf(b), leaf(c)))},
		{"any", three + "group g any c b\nquorum g\n", 0, whole(of(1, leaf(c), leaf(b)))},
		{"all", three + "group g all a b c\nquorum g\n", 0, whole(of(3, leaf(a), leaf(b), leaf(c)))},
		{"a number with zeros before it", three + "group g 002 a b\nquorum g\n", 0, whole(of(2, leaf(a), leaf(b)))},
		{"groups of groups", three + "group x 1 a\ngroup y any b c\ngroup z all x y\nquorum z", 0, whole(of(2, of(1, leaf(a)), of(1, leaf(b), leaf(c))))},
		{"lines about logs, comments and spaces", "# c\n\nlog " + b + " https://log.example\n\t witness  a\t" + a + "  https://a.example/ #c\n  quorum a # c", 0, justA},
		{"a comment with what ends lines to some", "# \u2028witness\n" + one(a) + "#\u2029x", 0, justA},
		{"a separator of lines as a space", "witness\u2028a " + a + " https://a.example/\nquorum a\n", 0, justA},
		{"the last line about the quorum", three + "quorum b\nquorum a\n", 0, justA},
		{"a group that isn't asked for", three + "group g 1 a b\ngroup h 0 a\nquorum a\n", 0, justA},
		{"a key of Ed25519", one(plain), 0, justP},
		{"a key of ML-DSA", one(mldsa), 0, justM},
		{"as many as are allowed", many.String() + "group g 1" + names.String() + "\nquorum g\n", 0, whole(of(1, leaves...))},
		{"more than are allowed", many.String() + "group g 1" + names.String() + " w32\nquorum g\n", 0, nil},
		{"nothing", "", 0, nil},
		{"no quorum", three, 0, nil},
		{"none", three + "quorum none\n", 0, nil},
		{"a quorum that isn't there", three + "quorum d\n", 0, nil},
		{"a quorum of two", three + "quorum a b\n", 0, nil},
		{"a quorum without a name", three + "quorum\n", 0, nil},
		{"a quorum without a name, and one with", three + "quorum\nquorum a\n", 0, nil},
		{"of zero", three + "group g 0 a\nquorum g\n", 0, nil},
		{"of zero within", three + "group g 0 a\ngroup h 1 b g\nquorum h\n", 0, nil},
		{"all of nothing", three + "group g all\nquorum g\n", 0, nil},
		{"one counts twice", three + "group g 2 a a\nquorum g\n", 0, nil},
		{"one counts twice, in two groups", three + "group g 1 a b\ngroup h 1 a c\ngroup i 2 g h\nquorum i\n", 0, nil},
		{"twice by another name", "witness a " + a + " https://a.example/\nwitness x " + a + " https://x.example/\ngroup g 2 a x\nquorum g\n", 0, nil},
		{"twice at one address", "witness a " + a + " https://a.example/\nwitness b " + b + " https://a.example\ngroup g 2 a b\nquorum g\n", 0, nil},
		{"groups that double", doubled + "quorum g60\n", 0, nil},
		{"more than there are", three + "group g 2 a\nquorum g\n", 0, nil},
		{"not a number", three + "group g x a b\nquorum g\n", 0, nil},
		{"a number below zero", three + "group g -1 a b\nquorum g\n", 0, nil},
		{"a number that isn't whole", three + "group g 1.5 a b\nquorum g\n", 0, nil},
		{"a number in another form", three + "group g 0x1 a b\nquorum g\n", 0, nil},
		{"a large number", three + "group g 256 a b\nquorum g\n", 0, nil},
		{"a group without a number", three + "group g\nquorum g\n", 0, nil},
		{"a group of what isn't there", three + "group g 1 a d\nquorum g\n", 0, nil},
		{"a group of what comes later", three + "group g 1 h\ngroup h 1 a\nquorum g\n", 0, nil},
		{"a name twice", three + "group a 1 b\nquorum a\n", 0, nil},
		{"a witness twice", three + "witness a " + a + " https://a.example/\nquorum a\n", 0, nil},
		{"a name that is a keyword", "witness any " + a + " https://a.example/\nquorum any\n", 0, nil},
		{"a group whose name is a keyword", three + "group none 1 a\nquorum none\n", 0, nil},
		{"no name that there is", three + "group g 1 toString\nquorum g\n", 0, nil},
		{"another keyword", three + "witnesses a\nquorum a\n", 0, nil},
		{"no address", "witness a " + a + "\nquorum a\n", 0, nil},
		{"more than an address", "witness a " + a + " https://a.example/ x\nquorum a\n", 0, nil},
		{"an address of no kind", "witness a " + a + " ftp://a.example/\nquorum a\n", 0, nil},
		{"no address but a path", "witness a " + a + " /a\nquorum a\n", 0, nil},
		{"a key with the ID of another", one(a[:len("a.example+")] + "00000000" + a[len("a.example+00000000"):]), 0, nil},
		{"a key of another kind", one(named("a.example", ed(2, strings.Repeat("00", 32)))), 0, nil},
		{"a key of no kind", one(named("a.example", nil)), 0, nil},
		{"a key that is too short", one(named("a.example", ed(4, strings.Repeat("07", 31)))), 0, nil},
		{"a key of ML-DSA that is too short", one(named("a.example", ed(6, strings.Repeat("07", 32)))), 0, nil},
		{"a key of small order", one(named("a.example", ed(4, "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"))), 0, nil},
		{"a key that is no point", one(named("a.example", ed(1, "0200000000000000000000000000000000000000000000000000000000000000"))), 0, nil},
		{"a key in another writing", one(named("a.example", ed(4, "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"))), 0, nil},
		{"no key", one("a"), 0, nil},
		{"a wrong key that isn't asked for", three + "witness d x https://d.example/\nquorum a\n", 0, nil},
		{"control characters", one(a) + "\x1b", 0, nil},
		{"returns", strings.ReplaceAll(one(a), "\n", "\r\n"), 0, nil},
		{"a space that is none to some", "witness\ufeffa " + a + " https://a.example/\nquorum a\n", 0, nil},
		{"a control character that is a space to some", "witness\u0085a " + a + " https://a.example/\nquorum a\n", 0, nil},
		{"as large as is allowed", padded, pad, justA},
		{"larger than is allowed, if bytes are counted", padded, pad + 1, nil},
	}
	text, err := json.MarshalIndent(all, "", "  ")
	must(err)
	must(os.WriteFile(file, append(text, '\n'), 0o644))
}
