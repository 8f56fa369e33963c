package report

import (
	"encoding/json"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"suluh.example/suluh/crypto/id"
)

// signed is the document that is sealed: a signed note
// (golang.org/x/mod/sumdb/note) whose text is one line that names the kind
// and one line of JSON. The signature is inside the seal, so the vault can't
// see who wrote and nobody can put words into a member's mouth.
type signed struct {
	Signed string `json:"signed"`
}

// Sign returns the document of what a member writes, with the member's
// signature in it.
func Sign[D OfMember](d D, member note.Signer) ([]byte, error) {
	body, err := json.Marshal(d)
	if err != nil {
		return nil, fmt.Errorf("encode document: %w", err)
	}
	msg, err := note.Sign(&note.Note{Text: kindOf(d) + "\n" + string(body) + "\n"}, member)
	if err != nil {
		return nil, fmt.Errorf("sign document: %w", err)
	}
	text, err := json.Marshal(signed{string(msg)})
	if err != nil {
		return nil, fmt.Errorf("encode document: %w", err)
	}
	return text, nil
}

// Open checks that a document is of the kind asked for, belongs to the case
// and is signed by one of the known members; it returns who signed.
func Open[D OfMember](text []byte, of id.Case, known note.Verifiers) (D, id.Member, error) {
	var d D
	var s signed
	if err := json.Unmarshal(text, &s); err != nil || s.Signed == "" {
		return d, "", ErrFormat
	}
	n, err := note.Open([]byte(s.Signed), known)
	if err != nil {
		// note's errors name the signer only.
		return d, "", fmt.Errorf("signature of a document: %w", err)
	}
	kind, body, _ := strings.Cut(n.Text, "\n")
	if kind != kindOf(d) || json.Unmarshal([]byte(body), &d) != nil {
		return d, "", ErrFormat
	}
	if !d.isOf(of) || len(n.Sigs) != 1 {
		return d, "", ErrFormat
	}
	return d, id.Member(n.Sigs[0].Name), nil
}

func kindOf[D OfMember](d D) string {
	switch any(d).(type) {
	case Answer:
		return "suluh.example/answer/v1"
	case Note:
		return "suluh.example/note/v1"
	case Draft:
		return "suluh.example/draft/v1"
	case Item:
		return "suluh.example/item/v1"
	case Outcome:
		return "suluh.example/outcome/v1"
	default:
		return "suluh.example/state/v1"
	}
}
