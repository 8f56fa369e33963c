package seal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"filippo.io/age"

	"suluh.example/suluh/crypto/id"
)

// maxDocument is the longest document that is opened: what a person can type
// and then some, so that a hostile object can't fill the memory of its reader.
const maxDocument = 16 << 20

// SealDocument seals a JSON text to the given recipients, padded with
// trailing spaces, which JSON allows. It returns the whole object.
func SealDocument(text []byte, floor Floor, to ...age.Recipient) ([]byte, error) {
	if !json.Valid(text) {
		return nil, fmt.Errorf("seal document: not JSON")
	}
	return sealPadded(text, Padded(int64(len(text)), floor)-int64(len(text)), to...)
}

// OpenDocument opens a document and returns its JSON text without padding.
// The error is [ErrNoKey], [ErrAge] or [ErrFormat].
func OpenDocument(sealed []byte, ids ...age.Identity) ([]byte, error) {
	text, err := openBytes(sealed, ids...)
	if err != nil {
		return nil, err
	}
	text = bytes.TrimRight(text, " ")
	if !json.Valid(text) {
		return nil, ErrFormat
	}
	return text, nil
}

// Describe returns what is known of a sealed object from outside.
func Describe(role id.Role, sealed []byte) id.Object {
	return id.Object{Role: role, Digest: id.DigestOf(sealed), Size: int64(len(sealed))}
}

func sealBytes(plain []byte, to ...age.Recipient) ([]byte, error) {
	return sealPadded(plain, 0, to...)
}

// header is about how many bytes stand before what is sealed to one recipient.
const header = 2 << 10

var blank = bytes.Repeat([]byte{' '}, int(DocumentFloor))

// sealPadded seals a text with so many spaces behind it.
func sealPadded(plain []byte, spaces int64, to ...age.Recipient) ([]byte, error) {
	var b bytes.Buffer
	b.Grow(len(plain) + int(spaces) + header)
	w, err := age.Encrypt(&b, to...)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	if _, err := w.Write(plain); err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	for spaces > 0 {
		n, err := w.Write(blank[:min(spaces, int64(len(blank)))])
		if err != nil {
			return nil, fmt.Errorf("seal: %w", err)
		}
		spaces -= int64(n)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return b.Bytes(), nil
}

func openBytes(sealed []byte, ids ...age.Identity) ([]byte, error) {
	r, err := age.Decrypt(bytes.NewReader(sealed), ids...)
	if err != nil {
		return nil, opened(err)
	}
	plain, err := io.ReadAll(io.LimitReader(r, maxDocument+1))
	if err != nil {
		return nil, opened(err)
	}
	if len(plain) > maxDocument {
		return nil, ErrFormat
	}
	return plain, nil
}
