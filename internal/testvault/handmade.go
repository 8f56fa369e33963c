package testvault

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"strings"

	"filippo.io/age/plugin"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/casecode"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/crypto/seal"
	"suluh.example/suluh/vault/depositsock"
)

// Handmade is a deposit that somebody made with a program of his own. Texts are
// JSON, in which CASE stands for the case, REPORTER for the recipient of its
// code and OBJECT for the digest of the sealed content.
type Handmade struct {
	Letter, Summary string
	Card            []byte // as it is; nil is some JSON that was sealed to the code
	Content         []byte // nil is none
}

// Make deposits it, to be read by all readers of itprov.
func (w *World) Make(h Handmade) (id.Case, casecode.Code) {
	w.T.Helper()
	code, err := casecode.New()
	w.must(err)
	reporter, err := code.Identity()
	w.must(err)
	key, err := seal.NewCaseKey()
	w.must(err)
	of := id.NewCase()
	d, err := w.Deposit.Deposit(w.T.Context(), depositsock.DepositHead{
		Lookup: code.Lookup().Hex(), Case: of, Roster: roster.Digest(w.signed), Reporter: code.SigningKey().Public().(ed25519.PublicKey),
	})
	w.must(err)
	defer d.Abort()
	c := depositsock.DepositCommit{FormTag: id.DigestOf([]byte(of))}
	rand.Read(c.Salt[:])
	put := func(role id.Role, sealed []byte) {
		o, err := d.Object(role)
		w.must(err)
		_, err = o.Write(sealed)
		w.must(err)
		w.must(o.Close())
		c.Objects = append(c.Objects, seal.Describe(role, sealed))
	}
	object := ""
	if h.Content != nil {
		var b strings.Builder
		s, err := seal.NewContentWriter(&b, key.Recipient())
		w.must(err)
		_, err = s.Write(h.Content)
		w.must(err)
		sum, err := s.Close()
		w.must(err)
		put(id.RoleContent, []byte(b.String()))
		object = sum.Object.Digest.String()
	}
	document := func(role id.Role, text string, floor seal.Floor) {
		text = strings.NewReplacer("CASE", string(of), "REPORTER", reporter.Recipient().String(), "OBJECT", object).Replace(text)
		sealed, err := seal.SealDocument([]byte(text), floor, key.Recipient())
		w.must(err)
		put(role, sealed)
	}
	document(id.RoleLetter, h.Letter, seal.DocumentFloor)
	document(id.RoleSummary, h.Summary, seal.SummaryFloor)
	if h.Card == nil {
		h.Card, err = seal.SealDocument([]byte(`{"card": "{}", "mac": "AAAA"}`), seal.DocumentFloor, reporter.Recipient())
		w.must(err)
	}
	put(id.RoleCard, h.Card)
	var leaves []accesslog.WrapLeaf
	for _, m := range w.Roster.Readers("itprov", nil) {
		to, err := seal.ParseRecipient(m.Recipient)
		w.must(err)
		wrap, err := key.Wrap(to)
		w.must(err)
		leaf := accesslog.WrapLeaf{Member: m.ID, Wrap: id.DigestOf(wrap)}
		rand.Read(leaf.Salt[:])
		leaves = append(leaves, leaf)
		c.Wraps = append(c.Wraps, depositsock.Wrap{Member: m.ID, Salt: leaf.Salt, Data: wrap})
	}
	_, c.Blinds = accesslog.BlindWraps(leaves)
	_, err = d.Commit(w.T.Context(), c)
	w.must(err)
	return of, code
}

// steers is a text that turns a terminal or a line of text around.
const steers = "a\x1b[31m\u009b2J\u202e\u2066\x00"

func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string can be marshalled
	}
	return string(b)
}

// ByHand are deposits that none of our forms sends, by what is wrong with them.
func ByHand() map[string]Handmade {
	letter := func(more string) string {
		return `{"v": 1, "case": "CASE", "day": "2026-11-24", "language": "id", "reporter": "REPORTER"` + more + `}`
	}
	summary := func(more string) string { return letter(`, "unit": "itprov", "title": "Buatan tangan"` + more) }
	usual := letter(`, "report": {"apa": "Buatan tangan"}`)
	name := strings.Repeat("n", 4000)
	return map[string]Handmade{
		"fields of other kinds": {Letter: letter(`, "report": 7, "attachments": "x", "without": {}`), Summary: summary(`, "files": "many"`)},
		"no fields":             {Letter: `{"v": 1, "case": "CASE"}`, Summary: `{"v": 1, "case": "CASE"}`},
		"not an object":         {Letter: `[[[[1]]]]`, Summary: `null`},
		"another case":          {Letter: strings.Replace(usual, "CASE", "K-AAAA-AAAA-AAAA-AAAA", 1), Summary: summary("")},
		"another version":       {Letter: strings.Replace(usual, `"v": 1`, `"v": 2`, 1), Summary: summary("")},
		"values that steer": {
			Letter: letter(`, "unit": ` + quote(steers) + `, "without": [` + quote(steers) + `, "penelaah-satu"], "text": ` + quote(steers) +
				`, "report": {"apa": ` + quote(steers) + `, "jenis": ` + quote(steers) + `}, "attachments": [{"name": ` + quote(steers) + `, "type": ` + quote(steers) +
				`, "size": 3, "object": "OBJECT", "hidden": ` + quote(steers) + `}]`),
			Summary: strings.Replace(summary(`, "category": `+quote(steers)+`, "without": [`+quote(steers)+`]`), "Buatan tangan", steers[:1]+`\u001b[31m\u009b\u202e`, 1),
			Content: []byte("isi"),
		},
		"names of 4,000 characters": {
			Letter:  letter(`, "report": {"apa": "Buatan tangan"}, "attachments": [{"name": "` + name + `", "size": 3, "object": "OBJECT"}]`),
			Summary: strings.Replace(summary(`, "category": "`+name+`"`), "Buatan tangan", name, 1), Content: []byte("isi"),
		},
		"attachments that aren't there": {
			Letter:  letter(`, "report": {"apa": "Buatan tangan"}, "attachments": [null, {"name": "x", "size": -1}, {"name": "y", "size": 9223372036854775807, "object": "` + strings.Repeat("ab", 32) + `"}]`),
			Summary: summary(`, "files": -5`), Content: []byte("isi"),
		},
		"a thousand attachments": {
			Letter:  letter(`, "attachments": [{"name": "x"}` + strings.Repeat(`, {"name": "x"}`, 999) + `]`),
			Summary: summary(`, "files": 1000000000`),
		},
		"as large as the vault takes": {
			Letter:  letter(`, "report": {"apa": "` + strings.Repeat("kata ", 15<<19/5) + `"}`),
			Summary: summary(""),
		},
		"a summary that contradicts": {
			Letter: usual, Summary: strings.Replace(summary(`, "files": 99, "category": "suap", "unit": "itjen", "without": ["penelaah-satu"]`), "Buatan tangan", "Sesuatu yang lain", 1),
		},
		"a card that isn't one": {Letter: usual, Summary: summary(""), Card: nil},
		"the reporter is a plugin": {
			Letter:  strings.Replace(usual, "REPORTER", plugin.EncodeRecipient("uji", make([]byte, 32)), 1),
			Summary: strings.Replace(summary(""), "REPORTER", plugin.EncodeRecipient("uji", make([]byte, 32)), 1),
		},
	}
}
