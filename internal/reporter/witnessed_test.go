package reporter_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"strings"
	"testing"

	cosig "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/madelog"
	"suluh.example/suluh/internal/reporter"
	"suluh.example/suluh/internal/witness"
	"suluh.example/suluh/vault/depositsock"
)

// witnessed is testdata/witnessed.json: what witnesses have cosigned of logs that
// prove a roster, and what is to be said of it, here and in browsers.
type witnessed struct {
	LogKey string          `json:"log_key"`
	Proof  map[string]any  `json:"proof"` // of an answer to GET roster/proof: checkpoint, index, cosigned
	Policy string          `json:"policy"`
	Cases  []witnessedCase `json:"cases"`
	Trees  []grownTree     `json:"trees"`
}

type witnessedCase struct {
	What    string         `json:"what"`
	Policy  *string        `json:"policy,omitempty"` // another one
	Change  map[string]any `json:"change,omitempty"` // of the proof
	Want    string         `json:"want"`             // "", "unwitnessed", or "refused"
	Browser string         `json:"browser,omitempty"`
}

// grownTree is the tree of so many records, and the proofs that it continues the
// smaller ones, from that of one record on.
type grownTree struct {
	Root   tlog.Hash        `json:"root"`
	Proofs []accesslog.Path `json:"proofs"`
}

// TestWhatWitnessesHaveSeen runs the vectors that browsers run too.
func TestWhatWitnessesHaveSeen(t *testing.T) {
	const file = "testdata/witnessed.json"
	if os.Getenv("SULUH_UPDATE") != "" {
		writeWitnessed(t, file)
	}
	text, err := os.ReadFile(file)
	must(t, err)
	var v witnessed
	must(t, json.Unmarshal(text, &v))
	if len(v.Cases) < 30 {
		t.Fatalf("%d cases", len(v.Cases))
	}
	for _, c := range v.Cases {
		proof := maps.Clone(v.Proof)
		maps.Copy(proof, c.Change)
		text, err := json.Marshal(proof)
		must(t, err)
		r := &roster.Roster{LogKey: v.LogKey, Witnesses: v.Policy}
		if c.Policy != nil {
			r.Witnesses = *c.Policy
		}
		got := ""
		var p depositsock.RosterProof
		if json.Unmarshal(text, &p) != nil {
			got = "refused"
		} else if un, err := reporter.Unwitnessed(p, r); errors.Is(err, reporter.ErrWitnesses) {
			got = "refused"
		} else if must(t, err); un {
			got = "unwitnessed"
		}
		if got != c.Want {
			t.Errorf("%s: %q, want %q", c.What, got, c.Want)
		}
	}
	for n, x := range v.Trees {
		for m, proof := range x.Proofs {
			must(t, tlog.CheckTree(tlog.TreeProof(proof), int64(n+1), x.Root, int64(m+1), v.Trees[m].Root))
		}
	}
}

// made is a log that is made.
type made struct{ madelog.Log }

func (l *made) grow(to int64, kind string) {
	for l.Len() < to {
		l.Append(fmt.Appendf(nil, "%s %d", kind, l.Len()))
	}
}

func (l *made) tree(t *testing.T, n int64) tlog.Tree {
	tree, err := l.Tree(n)
	must(t, err)
	return tree
}

func (l *made) proof(t *testing.T, n, old int64) accesslog.Path {
	p, err := accesslog.ProveTree(n, old, l)
	must(t, err)
	return p
}

func writeWitnessed(t *testing.T, file string) {
	const origin = "suluh.example/uji"
	logSecret, logKey, err := note.GenerateKey(rand.Reader, origin)
	must(t, err)
	log, err := note.NewSigner(logSecret)
	must(t, err)
	stranger, _, err := note.GenerateKey(rand.Reader, origin)
	must(t, err)
	other, err := note.NewSigner(stranger)
	must(t, err)
	key := func(name string) (note.Signer, string) {
		text, err := witness.NewKey(name)
		must(t, err)
		s, vkey, err := witness.ParseKey(text)
		must(t, err)
		return s, vkey
	}
	a, aKey := key("a.example")
	b, bKey := key("b.example")
	c, cKey := key("c.example")
	d, _ := key("d.example")
	namesake, _ := key("b.example")
	loggish, loggishKey := key(origin) // a witness may have the log's name
	plainSecret, plainKey, err := note.GenerateKey(rand.Reader, "p.example")
	must(t, err)
	plain, err := note.NewSigner(plainSecret)
	must(t, err)
	timed, err := cosig.NewSignerForCosignatureV1(plainSecret)
	must(t, err)
	mlSecret, mlKey, err := cosig.GenerateMLDSAKey("m.example")
	must(t, err)
	ml, err := cosig.NewSignerForCosignatureV1(mlSecret)
	must(t, err)

	l, fork := &made{}, &made{}
	l.grow(11, "asli")
	fork.grow(3, "asli")
	fork.grow(11, "palsu")
	signed := func(by note.Signer, tree tlog.Tree, witnesses ...note.Signer) string {
		msg, err := accesslog.SignCheckpoint(origin, tree, by)
		must(t, err)
		v, err := note.NewVerifier(logKey)
		must(t, err)
		n, err := note.Open(msg, note.VerifierList(v))
		if err != nil { // the stranger's
			text, lines, _ := strings.Cut(string(msg), "\n\n")
			n = &note.Note{Text: text + "\n"}
			f := strings.Fields(lines)
			n.Sigs = []note.Signature{{Name: f[1], Hash: by.KeyHash(), Base64: f[2]}}
		}
		for _, w := range witnesses { // one by one: a signer drops the lines of its key that were there
			line, err := note.Sign(&note.Note{Text: n.Text}, w)
			must(t, err)
			_, lines, _ := strings.Cut(string(line), "\n\n")
			msg = append(msg, lines...)
		}
		return string(msg)
	}
	b64 := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	seen := func(msg string, consistency any) map[string]any {
		return map[string]any{"cosigned": map[string]any{"checkpoint": b64(msg), "consistency": consistency}}
	}
	five, grown := l.tree(t, 5), l.proof(t, 8, 5)
	by := func(witnesses ...note.Signer) map[string]any { return seen(signed(log, five, witnesses...), grown) }
	line := func(name string, id uint32, sig []byte) string {
		return "— " + name + " " + base64.StdEncoding.EncodeToString(append(binary.BigEndian.AppendUint32(nil, id), sig...)) + "\n"
	}
	// of takes a witness's line from a checkpoint of another tree.
	of := func(tree tlog.Tree, w note.Signer) string {
		msg := strings.TrimSuffix(signed(log, tree, w), "\n")
		return msg[strings.LastIndex(msg, "\n")+1:] + "\n"
	}
	good := signed(log, five, a, b)
	later := []byte(of(five, b))
	raw, err := base64.StdEncoding.DecodeString(strings.Fields(string(later))[2])
	must(t, err)
	raw[4+7] ^= 1 // of the time
	lines := func(keys ...string) (text string) {
		for _, k := range keys {
			name := k[:1]
			text += fmt.Sprintf("witness %s %s https://%s.example/\n", name, k, name)
		}
		return text
	}
	ps := func(text string) *string { return &text }
	abc := lines(aKey, bKey, cKey)
	also := func(change map[string]any, name string, value any) map[string]any {
		change[name] = value
		return change
	}
	v := witnessed{
		LogKey: logKey, Policy: abc + "group g 2 a b c\nquorum g\n",
		Proof: map[string]any{"checkpoint": signed(log, l.tree(t, 8)), "index": 3},
		Cases: []witnessedCase{
			{What: "two of three", Change: by(a, b)},
			{What: "two others", Change: by(c, a)},
			{What: "all", Change: by(a, b, c)},
			{What: "and an unknown one", Change: by(d, c, b)},
			{What: "the same tree", Change: seen(signed(log, l.tree(t, 8), a, b), "")},
			{What: "no more than the roster's record", Change: seen(signed(log, l.tree(t, 4), a, b), l.proof(t, 8, 4))},
			{What: "all but the roster's record", Change: seen(signed(log, l.tree(t, 3), a, b), l.proof(t, 8, 3)), Want: "unwitnessed"},
			{What: "the shown checkpoint has cosignatures itself", Change: also(by(a, b), "checkpoint", signed(log, l.tree(t, 8), c))},
			{What: "nothing", Want: "unwitnessed"},
			{What: "null", Change: map[string]any{"cosigned": nil}, Want: "unwitnessed"},
			{What: "no cosignature", Change: by(), Want: "unwitnessed"},
			{What: "one of three", Change: by(b), Want: "unwitnessed"},
			{What: "one of three, twice", Change: by(b, b), Want: "unwitnessed"},
			{What: "one of three, and an unknown one", Change: by(b, d), Want: "unwitnessed"},
			{What: "one of three, and a namesake's", Change: by(a, namesake), Want: "unwitnessed"},
			{What: "one of three, and the log twice", Change: by(a, log), Want: "unwitnessed"},
			{What: "too few, of another log", Change: seen(signed(log, fork.tree(t, 5), a), grown), Want: "unwitnessed"},
			{What: "no witnesses in the roster", Policy: ps(""), Change: seen(signed(log, fork.tree(t, 5), a, b), grown)},
			{What: "a policy that is none", Policy: ps("entah"), Change: seen(signed(log, fork.tree(t, 5), a, b), grown), Want: "unwitnessed"},
			{What: "one", Policy: ps(abc + "quorum c\n"), Change: by(c)},
			{What: "another one", Policy: ps(abc + "quorum c\n"), Change: by(a, b), Want: "unwitnessed"},
			{What: "all of groups", Policy: ps(abc + "group x any a b\ngroup y all x c\nquorum y\n"), Change: by(b, c)},
			{What: "not all of groups", Policy: ps(abc + "group x any a b\ngroup y all x c\nquorum y\n"), Change: by(a, b), Want: "unwitnessed"},
			{What: "a key of the plain kind", Policy: ps(lines(plainKey) + "quorum p\n"), Change: by(timed)},
			{What: "a plain signature, without a time", Policy: ps(lines(plainKey) + "quorum p\n"), Change: by(plain), Want: "unwitnessed"},
			{What: "a witness of the log's name", Policy: ps(lines(loggishKey) + "quorum s\n"), Change: by(loggish)},
			{What: "a witness of the log's name that is silent", Policy: ps(lines(loggishKey) + "quorum s\n"), Change: by(), Want: "unwitnessed"},
			{What: "ML-DSA, which browsers can't verify", Policy: ps(lines(mlKey) + "quorum m\n"), Change: by(ml), Browser: "unwitnessed"},
			{What: "ML-DSA, and enough without it", Policy: ps(lines(mlKey, aKey) + "group g 1 a m\nquorum g\n"), Change: by(ml, a)},
			{What: "a forged one", Change: seen(signed(log, five, a)+line("b.example", b.KeyHash(), make([]byte, 8+ed25519.SignatureSize)), grown), Want: "refused"},
			{What: "a forged one beside enough", Change: seen(signed(log, five, a, b)+line("c.example", c.KeyHash(), make([]byte, 8+ed25519.SignatureSize)), grown), Want: "refused"},
			{What: "a forged one whose name isn't asked for", Policy: ps(abc + "group g 2 a b\nquorum g\n"), Change: seen(good+line("c.example", c.KeyHash(), make([]byte, 8+ed25519.SignatureSize)), grown)},
			{What: "a short one", Change: seen(signed(log, five, a)+line("b.example", b.KeyHash(), make([]byte, 7)), grown), Want: "refused"},
			{What: "one with another time", Change: seen(signed(log, five, a)+line("b.example", b.KeyHash(), raw[4:]), grown), Want: "refused"},
			{What: "one on another checkpoint", Change: seen(signed(log, five, a)+of(l.tree(t, 6), b), grown), Want: "refused"},
			{What: "both on another checkpoint", Change: seen(signed(log, five)+of(l.tree(t, 6), a)+of(l.tree(t, 6), b), grown), Want: "refused"},
			{What: "a good one twice, the second time on another checkpoint", Change: seen(signed(log, five, a, b)+of(l.tree(t, 6), b), grown)},
			{What: "not by the log", Change: seen(strings.Replace(good, good[strings.Index(good, "— "+origin):strings.Index(good, "— a.example")], "", 1), grown), Want: "refused"},
			{What: "by another key of the log's name", Change: seen(signed(other, five, a, b), grown), Want: "refused"},
			{What: "not a checkpoint", Change: seen("entah\n", grown), Want: "refused"},
			{What: "a checkpoint without an end", Change: seen(good[:len(good)-1], grown), Want: "refused"},
			{What: "not in base64", Change: map[string]any{"cosigned": map[string]any{"checkpoint": "?", "consistency": grown}}, Want: "refused"},
			{What: "without the checkpoint", Change: map[string]any{"cosigned": map[string]any{"consistency": grown}}, Want: "refused"},
			{What: "not an object", Change: map[string]any{"cosigned": "?"}, Want: "refused"},
			{What: "a fork", Change: seen(signed(log, fork.tree(t, 5), a, b), grown), Want: "refused"},
			{What: "a fork of another size, with its own proof", Change: seen(signed(log, fork.tree(t, 5), a, b), fork.proof(t, 8, 5)), Want: "refused"},
			{What: "another tree of the same size", Change: seen(signed(log, fork.tree(t, 8), a, b), ""), Want: "refused"},
			{What: "a larger log than is shown", Change: seen(signed(log, l.tree(t, 11), a, b), l.proof(t, 11, 8)), Want: "refused"},
			{What: "a fork of the one that is shown", Change: also(by(a, b), "checkpoint", signed(log, fork.tree(t, 8))), Want: "refused"},
			{What: "an empty tree", Change: seen(signed(log, tlog.Tree{N: 0, Hash: l.tree(t, 0).Hash}, a, b), ""), Want: "refused"},
			{What: "no proof", Change: seen(good, ""), Want: "refused"},
			{What: "without the proof", Change: map[string]any{"cosigned": map[string]any{"checkpoint": b64(good)}}, Want: "refused"},
			{What: "a proof that is longer", Change: seen(good, append(grown, grown[0])), Want: "refused"},
			{What: "a proof that is shorter", Change: seen(good, grown[1:]), Want: "refused"},
			{What: "the proof of another size", Change: seen(good, l.proof(t, 8, 6)), Want: "refused"},
			{What: "a proof that ends within a hash", Change: seen(good, b64("entah")), Want: "refused"},
			{What: "a proof where none is needed", Change: seen(signed(log, l.tree(t, 8), a, b), grown), Want: "refused"},
		},
	}
	for n := int64(1); n <= l.Len(); n++ {
		x := grownTree{Root: l.tree(t, n).Hash}
		for m := int64(1); m <= n; m++ {
			x.Proofs = append(x.Proofs, l.proof(t, n, m))
		}
		v.Trees = append(v.Trees, x)
	}
	text, err := json.MarshalIndent(v, "", "  ")
	must(t, err)
	must(t, os.WriteFile(file, append(text, '\n'), 0o644))
}
