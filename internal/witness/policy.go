// Package witness is about those who see to it that everybody sees the same
// access log. A log's operator could show one log to the members and another to
// the auditors; each witness cosigns only what continues all that it has
// cosigned before (C2SP tlog-witness, tlog-cosignature), so that a checkpoint
// with enough cosignatures is the one that the others see too.
//
// It has the policy that says which witnesses count and how many of them it
// takes (C2SP tlog-policy), the side that asks witnesses, and a witness for the
// logs of others. It must never cosign what it hasn't checked against the last
// checkpoint that is on its disk, nor learn more of a log than checkpoints and
// proofs.
package witness

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	cosig "github.com/transparency-dev/formats/note"
	formats "github.com/transparency-dev/formats/witness"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/signature"
)

const (
	// MaxPolicy is the most bytes that a policy may have.
	MaxPolicy = 16 << 10
	// MaxWitnesses is the most witnesses that a policy may name.
	MaxWitnesses = 32
	// MaxRequest is the most bytes of a request: C2SP tlog-witness allows 63
	// lines of proof, and a checkpoint may have a signature of each witness.
	MaxRequest = 32 << 10
)

// Errors of policies and requests.
var (
	ErrPolicy  = errors.New("not a policy")
	ErrRequest = errors.New("not a request for a cosignature")
	ErrQuorum  = errors.New("the checkpoint has not the cosignatures that the policy asks for")
)

// Witness is one that a policy names.
type Witness struct {
	Key note.Verifier // its name is the witness's
	URL string        // where checkpoints are posted to
}

// Policy says whose cosignatures a checkpoint needs.
type Policy struct {
	quorum    formats.Group
	witnesses []Witness
	keys      map[string]string // as the text has them, by witnesses' names: verifiers don't give theirs away
}

// ParsePolicy reads a policy in the form of C2SP tlog-policy, in which every
// witness has its address. Lines about logs are ignored: the log is known
// already. The error is ErrPolicy and says what is wrong.
func ParsePolicy(text string) (*Policy, error) {
	if len(text) > MaxPolicy {
		return nil, fmt.Errorf("%w: larger than %d bytes", ErrPolicy, MaxPolicy)
	}
	// The last is a space to browsers and to nobody else.
	if strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' || r == '\ufeff' }) {
		return nil, fmt.Errorf("%w: control characters", ErrPolicy)
	}
	quorum, err := formats.ParsePolicy([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPolicy, err)
	}
	p := &Policy{quorum: quorum, keys: map[string]string{}}
	for line := range strings.Lines(text) { // which the parser has taken
		if f := strings.Fields(line); len(f) > 2 && f[0] == "witness" {
			name, _, _ := strings.Cut(f[2], "+")
			if err := checkKey(f[2]); err != nil {
				return nil, fmt.Errorf("%w: witness %s: %w", ErrPolicy, name, err)
			}
			p.keys[name] = f[2]
		}
	}
	return p, p.add(quorum)
}

const mldsa = 6 // the first byte of a key of ML-DSA-44, of which the parser has taken the rest

// checkKey refuses what the parser lets pass of a verifier key: an ID that is not
// the key's, and a key of Ed25519 by which signatures are good that were made
// without it, for which verifiers of witnesses' signatures differ.
func checkKey(vkey string) error {
	name, rest, _ := strings.Cut(vkey, "+")
	id, named, _ := strings.Cut(rest, "+")
	key, err := base64.StdEncoding.Strict().DecodeString(named)
	if err != nil {
		return fmt.Errorf("verifier key: %w", err)
	}
	if sum := sha256.Sum256([]byte(name + "\n" + string(key))); hex.EncodeToString(sum[:4]) != id {
		return errors.New("the ID in its verifier key is not that of the key")
	}
	if key[0] == mldsa {
		return nil
	}
	plain, err := note.NewEd25519VerifierKey(name, ed25519.PublicKey(key[1:]))
	if err != nil {
		return fmt.Errorf("verifier key: %w", err)
	}
	k, err := signature.ParseKey(plain)
	if err != nil {
		return err
	}
	return k.Check()
}

// add collects the witnesses. The parser lets pass what would make one witness
// count twice, and groups that nobody has to sign for.
func (p *Policy) add(g formats.Group) error {
	if g.N < 1 {
		return fmt.Errorf("%w: it asks for no cosignature", ErrPolicy)
	}
	for _, c := range g.Components {
		switch c := c.(type) {
		case formats.Group:
			if err := p.add(c); err != nil {
				return err
			}
		case formats.Witness:
			if slices.ContainsFunc(p.witnesses, func(w Witness) bool {
				return w.URL == c.URL || w.Key.Name() == c.Key.Name()
			}) {
				return fmt.Errorf("%w: witness %s stands in it twice", ErrPolicy, c.Key.Name())
			}
			if !strings.HasPrefix(c.URL, "http://") && !strings.HasPrefix(c.URL, "https://") {
				return fmt.Errorf("%w: witness %s has no http or https address", ErrPolicy, c.Key.Name())
			}
			if p.witnesses = append(p.witnesses, Witness{c.Key, c.URL}); len(p.witnesses) > MaxWitnesses {
				return fmt.Errorf("%w: more than %d witnesses", ErrPolicy, MaxWitnesses)
			}
		}
	}
	return nil
}

// Witnesses returns those whose cosignatures count, in the policy's order.
func (p *Policy) Witnesses() []Witness { return slices.Clone(p.witnesses) }

// Quorum is of what a policy asks for so many: a witness, or a group of what it
// says in turn.
type Quorum struct {
	Key  string   `json:"key,omitempty"` // the witness's verifier key
	Need int      `json:"need,omitempty"`
	Of   []Quorum `json:"of,omitempty"`
}

// Quorum returns what the policy asks for, for who checks it elsewhere.
func (p *Policy) Quorum() Quorum { return p.quorumOf(p.quorum) }

func (p *Policy) quorumOf(g formats.Group) (q Quorum) {
	q.Need = g.N
	for _, c := range g.Components {
		switch c := c.(type) {
		case formats.Group:
			q.Of = append(q.Of, p.quorumOf(c))
		case formats.Witness:
			q.Of = append(q.Of, Quorum{Key: p.keys[c.Key.Name()]})
		}
	}
	return q
}

// Cosignature says that a witness has seen a checkpoint, and when by its clock.
type Cosignature struct {
	Witness string
	Time    time.Time // whole seconds, UTC
}

// Open checks a checkpoint's signature by the log's key, and returns the tree
// and the cosignatures of the policy's witnesses on it. Those of others are
// ignored. The error is ErrQuorum, beside tree and cosignatures, if they aren't
// enough.
func (p *Policy) Open(checkpoint []byte, log note.Verifier) (tlog.Tree, []Cosignature, error) {
	t, err := accesslog.OpenCheckpoint(checkpoint, log)
	if err != nil {
		return t, nil, err
	}
	keys := make([]note.Verifier, len(p.witnesses))
	for i, w := range p.witnesses {
		keys[i] = w.Key
	}
	// A signature that is wrong is an error: nobody may hide behind one.
	n, err := note.Open(checkpoint, note.VerifierList(keys...))
	var none *note.UnverifiedNoteError
	if errors.As(err, &none) {
		return t, nil, ErrQuorum
	}
	if err != nil {
		return t, nil, fmt.Errorf("checkpoint: %w", err)
	}
	var all []Cosignature
	for _, s := range n.Sigs {
		at, err := cosig.CoSigV1Timestamp(s)
		if err != nil {
			return t, nil, fmt.Errorf("checkpoint: cosignature of %s: %w", s.Name, err)
		}
		all = append(all, Cosignature{s.Name, at.UTC()})
	}
	if !p.quorum.Satisfied(checkpoint) {
		return t, all, ErrQuorum
	}
	return t, all, nil
}

// Continued checks a checkpoint as Open does, and that a tree which is shown
// with it continues its tree: whoever shows both can't hide that tree from the
// witnesses. Of the errors only ErrQuorum says nothing against the log.
func (p *Policy) Continued(c accesslog.Cosigned, log note.Verifier, at tlog.Tree) (tlog.Tree, []Cosignature, error) {
	tree, by, err := p.Open(c.Checkpoint, log)
	switch {
	case err != nil:
		return tree, by, err
	case tree.N > at.N:
		return tree, by, fmt.Errorf("witnesses have cosigned %d records, and it shows %d", tree.N, at.N)
	}
	if err := tlog.CheckTree(tlog.TreeProof(c.Consistency), at.N, at.Hash, tree.N, tree.Hash); err != nil {
		return tree, by, fmt.Errorf("it doesn't continue the %d records that witnesses have cosigned: %w", tree.N, err)
	}
	return tree, by, nil
}

// Join returns a checkpoint with the signature lines of another one of the same
// text that it lacks. Lines are kept as they are: whoever uses it checks them.
func Join(checkpoint, more []byte) []byte {
	text, own, _ := strings.Cut(string(checkpoint), "\n\n")
	other, lines, _ := strings.Cut(string(more), "\n\n")
	if text != other {
		return checkpoint
	}
	for line := range strings.Lines(lines) {
		if !strings.Contains(own, line) {
			own += line
		}
	}
	return []byte(text + "\n\n" + own)
}

// Request asks a witness to cosign a checkpoint (C2SP tlog-witness,
// add-checkpoint).
type Request struct {
	Old        int64          // records of the tree that the witness has cosigned last; 0 if it never did
	Proof      tlog.TreeProof // that the checkpoint's tree continues that one
	Checkpoint []byte         // signed by the log
}

// Format returns the request's body.
func (r Request) Format() []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "old %d\n", r.Old)
	for _, h := range r.Proof {
		b.WriteString(base64.StdEncoding.EncodeToString(h[:]) + "\n")
	}
	b.WriteString("\n")
	b.Write(r.Checkpoint)
	return []byte(b.String())
}

// ParseRequest reads a request's body. Nothing of it is verified. The error is
// ErrRequest.
func ParseRequest(body []byte) (r Request, err error) {
	if len(body) > MaxRequest {
		return r, fmt.Errorf("%w: larger than %d bytes", ErrRequest, MaxRequest)
	}
	head, checkpoint, ok := strings.Cut(string(body), "\n\n")
	lines := strings.Split(head, "\n")
	old, is := strings.CutPrefix(lines[0], "old ")
	if !ok || !is || len(lines) > 1+63 {
		return r, ErrRequest
	}
	if r.Old, err = strconv.ParseInt(old, 10, 64); err != nil || r.Old < 0 || strconv.FormatInt(r.Old, 10) != old {
		return r, ErrRequest
	}
	for _, line := range lines[1:] {
		h, err := tlog.ParseHash(line)
		if err != nil || h.String() != line { // base64 has bits that nobody looks at
			return r, ErrRequest
		}
		r.Proof = append(r.Proof, h)
	}
	r.Checkpoint = []byte(checkpoint)
	return r, nil
}

// Origin returns the log that a checkpoint claims to be of: its first line.
func Origin(checkpoint []byte) string {
	origin, _, _ := strings.Cut(string(checkpoint), "\n")
	return origin
}
