package submission_test

import (
	"crypto/rand"
	"testing"

	"filippo.io/age"

	"suluh.example/suluh/crypto/casecode"
	"suluh.example/suluh/crypto/seal"
)

func BenchmarkParts(b *testing.B) {
	i, _ := age.GenerateHybridIdentity()
	rec := i.Recipient()
	k, _ := seal.NewCaseKey()
	doc := []byte(`{"a":"b"}`)
	var seed [32]byte
	rand.Read(seed[:])
	b.Run("keyFromSeed", func(b *testing.B) {
		for b.Loop() {
			seal.CaseKeyFromSeed(seed)
		}
	})
	b.Run("hybrid", func(b *testing.B) {
		for b.Loop() {
			age.GenerateHybridIdentity()
		}
	})
	b.Run("recipient.String", func(b *testing.B) {
		for b.Loop() {
			_ = k.Recipient().String()
		}
	})
	b.Run("code.Identity", func(b *testing.B) {
		var e [13]byte
		rand.Read(e[:])
		c := casecode.FromEntropy(e)
		for b.Loop() {
			c.Identity()
		}
	})
	b.Run("document", func(b *testing.B) {
		for b.Loop() {
			seal.SealDocument(doc, seal.DocumentFloor, rec)
		}
	})
	b.Run("wrap", func(b *testing.B) {
		for b.Loop() {
			k.Wrap(rec)
		}
	})
	b.Run("recipient.Wrap", func(b *testing.B) {
		f := make([]byte, 16)
		for b.Loop() {
			rec.Wrap(f)
		}
	})
	b.Run("parse", func(b *testing.B) {
		s := rec.String()
		for b.Loop() {
			age.ParseHybridRecipient(s)
		}
	})
}
