package seal

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"fmt"

	"filippo.io/age"

	"suluh.example/suluh/crypto/hidden"
	"suluh.example/suluh/crypto/id"
)

// Card is the case card: what the reporter's side must know to notice, with
// the code alone, that a key or a report was swapped. Each deposit adds one.
// It never says what was reported.
type Card struct {
	V         int         `json:"v"` // 1
	Case      id.Case     `json:"case"`
	Unit      id.Unit     `json:"unit"`      // whose readers the case was sealed to
	Recipient string      `json:"recipient"` // of the case key
	Day       id.Day      `json:"day"`
	Objects   []id.Object `json:"objects"` // deposited with this card, without the card itself
	Wraps     string      `json:"wraps"`   // root of the commitment to the case's readers, base64
	Letter    bool        `json:"letter"`  // a reply by code, not the form
	Files     int         `json:"files"`   // attachments among the objects
}

// sealedCard is the document: the card's exact bytes and their MAC
// (HMAC-SHA256 with the code's MAC key), so that nothing need be written in a
// canonical form to be checked.
type sealedCard struct {
	Card string `json:"card"`
	MAC  []byte `json:"mac"`
}

// SealCard seals a card to the reporter and authenticates it with the MAC key
// of the case code: the vault, which knows the reporter's recipient, can't
// make one.
func SealCard(c Card, to age.Recipient, mac hidden.Value[[32]byte]) ([]byte, error) {
	c.V = 1
	text, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("encode card: %w", err)
	}
	doc, err := json.Marshal(sealedCard{string(text), cardMAC(text, mac)})
	if err != nil {
		return nil, fmt.Errorf("encode card: %w", err)
	}
	return SealDocument(doc, DocumentFloor, to)
}

// OpenCard opens a card and checks its MAC. The error is [ErrNoKey],
// [ErrAge], [ErrMAC] or [ErrFormat].
func OpenCard(sealed []byte, reporter age.Identity, mac hidden.Value[[32]byte]) (Card, error) {
	doc, err := OpenDocument(sealed, reporter)
	if err != nil {
		return Card{}, err
	}
	var s sealedCard
	if err := json.Unmarshal(doc, &s); err != nil {
		return Card{}, ErrFormat
	}
	if !hmac.Equal(s.MAC, cardMAC([]byte(s.Card), mac)) {
		return Card{}, ErrMAC
	}
	var c Card
	if err := json.Unmarshal([]byte(s.Card), &c); err != nil || c.V != 1 {
		return Card{}, ErrFormat
	}
	return c, nil
}

func cardMAC(card []byte, key hidden.Value[[32]byte]) []byte {
	secret := key.Reveal()
	h := hmac.New(sha256.New, secret[:])
	h.Write([]byte("suluh.example/card/v1\n"))
	h.Write(card)
	return h.Sum(nil)
}
