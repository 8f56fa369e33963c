package testvault

import (
	"bytes"
	"context"
	"io"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/vault"
	"suluh.example/suluh/vault/frame"
	"suluh.example/suluh/vault/membersock"
)

// Liar is a vault that changes its answers, as whoever runs it could.
type Liar struct {
	*vault.Vault
	Head   func(*membersock.ActAnswer)
	Object func(id.Object, []byte) []byte // nil bytes drop the object
	Swap   func(id.Object) []byte         // another object in the place of one, under its own digest; nil keeps it
}

// Act lies about what the vault answers.
func (l *Liar) Act(ctx context.Context, head membersock.ActHead, in *frame.Reader, out *frame.Writer) error {
	var b bytes.Buffer
	if err := l.Vault.Act(ctx, head, in, frame.NewWriter(&b)); err != nil {
		return err
	}
	r := frame.NewReader(&b, 64<<20)
	var a membersock.ActAnswer
	if err := r.Head(&a); err != nil {
		return err
	}
	if l.Head != nil {
		l.Head(&a)
	}
	if err := out.Head(a); err != nil {
		return err
	}
	for {
		o, x, err := r.Next()
		if err == io.EOF {
			return out.Commit(struct{}{})
		}
		if err != nil {
			return err
		}
		data, err := io.ReadAll(x)
		if err != nil {
			return err
		}
		if l.Object != nil {
			if data = l.Object(o, data); data == nil {
				continue
			}
		}
		if l.Swap != nil {
			if b := l.Swap(o); b != nil {
				o, data = id.Object{Role: o.Role, Digest: id.DigestOf(b), Size: int64(len(b))}, b
			}
		}
		if err := out.Object(o, data); err != nil {
			return err
		}
	}
}
