package roster

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"suluh.example/suluh/crypto/id"
)

const requestLine = "suluh.example/request/v1"

// MaxRequest is the most bytes that a request may have.
const MaxRequest = 16 << 10

// Errors of requests.
var (
	ErrRequest = errors.New("not a member's request, or one that was changed after it was made")
	ErrMember  = errors.New("a member's id, recipient or onion key is malformed, or the name is empty or has control characters")
)

// Request is what a new member hands to the keeper of the root key: the public
// halves of his keys. It is a note signed with the member's own key, which
// shows damage; that it is the member's and not somebody else's is for people
// to compare by its fingerprint.
type Request struct {
	ID        id.Member `json:"id"`
	Name      string    `json:"name"`
	Recipient string    `json:"recipient"`
	Key       string    `json:"key"`
	Onion     string    `json:"onion,omitempty"` // see [Member]
}

// Sign returns the request's signed note. The error is [ErrMember] if it can't
// become a member.
func (r Request) Sign(member note.Signer) ([]byte, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	body, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encode request: %w", err)
	}
	msg, err := note.Sign(&note.Note{Text: requestLine + "\n" + string(body) + "\n"}, member)
	if err != nil {
		return nil, fmt.Errorf("sign request: %w", err)
	}
	return msg, nil
}

func (r Request) check() error {
	_, err := id.ParseMember(string(r.ID))
	if err != nil || r.ID.IsRecovery() || len(r.ID) > 32 || !plain(r.Name) || !(postQuantum(r.Recipient) || plugin(r.Recipient)) || r.Onion != "" && !onion(r.Onion) {
		return ErrMember
	}
	return nil
}

// ParseRequest checks a request and returns it. The error is [ErrRequest].
func ParseRequest(signed []byte) (Request, error) {
	var r Request
	if len(signed) > MaxRequest {
		return r, ErrRequest
	}
	first, rest, _ := strings.Cut(string(signed), "\n")
	line, _, _ := strings.Cut(rest, "\n")
	if first != requestLine || json.Unmarshal([]byte(line), &r) != nil {
		return Request{}, ErrRequest
	}
	key, err := keyOf(r.Key, r.ID)
	if err != nil {
		return Request{}, fmt.Errorf("%w: %w", ErrRequest, err)
	}
	n, err := note.Open(signed, note.VerifierList(key))
	if err != nil || n.Text != first+"\n"+line+"\n" {
		return Request{}, ErrRequest
	}
	if err := r.check(); err != nil {
		return Request{}, fmt.Errorf("%w: %w", ErrRequest, err)
	}
	return r, nil
}

// Fingerprint returns what two people compare by telephone: 80 bits of the
// digest of a member's id and keys. The onion key isn't in it, which may
// change: the request is signed with a key that is.
func (r Request) Fingerprint() string { return Fingerprint(string(r.ID), r.Recipient, r.Key) }

// Fingerprint returns a member's fingerprint; see [Request.Fingerprint].
func (m Member) Fingerprint() string { return Fingerprint(string(m.ID), m.Recipient, m.Key) }

// Fingerprint returns 80 bits of the digest of lines, in four groups.
func Fingerprint(lines ...string) string {
	sum := sha256.Sum256([]byte("suluh.example/fingerprint/v1\n" + strings.Join(lines, "\n") + "\n"))
	s := base32.StdEncoding.EncodeToString(sum[:10])
	return s[:4] + "-" + s[4:8] + "-" + s[8:12] + "-" + s[12:]
}
