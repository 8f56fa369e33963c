// Package hidden holds secrets so that they don't get into a log, an error or a
// file by being printed: case codes, keys, seeds, passphrases, look-up values.
//
// Whatever the verb, a [Value] prints as "[hidden]", and so it does in slog, JSON
// and every other encoding that asks a value for its text. So does every type that
// embeds one, or a [Mark]. Only [Value.Reveal] gives a secret back: to find where
// one is used, look for it. The package must never give it in another way.
package hidden

import (
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
)

// Text is what stands in place of a secret.
const Text = "[hidden]"

// Mark makes a type that embeds it print as "[hidden]". What such a type holds of
// texts, numbers and slices are Values all the same: fmt doesn't ask methods for
// unexported fields, nor for a verb that it doesn't know.
type Mark struct{}

// Format prints "[hidden]" whatever the verb.
func (Mark) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Text) }

// LogValue logs "[hidden]".
func (Mark) LogValue() slog.Value { return slog.StringValue(Text) }

// MarshalText writes "[hidden]", in JSON too.
func (Mark) MarshalText() ([]byte, error) { return []byte(Text), nil }

// Value holds a secret. The zero Value holds the zero T.
//
// It holds a function, of which fmt never prints more than the address, whatever
// it asks for methods or not. So it can't be compared with ==, nor be a key of a map.
type Value[T any] struct {
	Mark
	reveal func() T
}

// Of hides a secret.
func Of[T any](secret T) Value[T] { return Value[T]{reveal: func() T { return secret }} }

// Reveal returns the secret.
func (v Value[T]) Reveal() (secret T) {
	if v.reveal == nil {
		return secret
	}
	return v.reveal()
}

// Equal tells whether two secrets are the same, in a time that doesn't depend on
// where they differ.
func Equal(a, b Value[string]) bool {
	return subtle.ConstantTimeCompare([]byte(a.Reveal()), []byte(b.Reveal())) == 1
}
