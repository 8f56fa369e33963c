package id_test

import (
	"encoding/base32"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"suluh.example/suluh/crypto/id"
)

func TestOneWayToWriteACase(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := string(id.NewCase())
		if c, err := id.ParseCase(text); err != nil || string(c) != text {
			t.Fatalf("%s: %q, %v", text, c, err)
		}
		i := rapid.IntRange(0, len(text)-1).Draw(t, "at")
		text = text[:i] + string(rapid.SampledFrom([]byte("AKZaz0189237=-+/ \n\r\x00\xff")).Draw(t, "digit")) + text[i+1:]
		raw, err := base32.StdEncoding.DecodeString(strings.ReplaceAll(strings.TrimPrefix(text, "K-"), "-", ""))
		good := err == nil && len(raw) == 10 && string(id.CaseFrom([10]byte(raw))) == text
		if _, err := id.ParseCase(text); (err == nil) != good {
			t.Fatalf("%q: %v", text, err)
		}
	})
	for _, bad := range []string{"", "K-", "K-AAAA-AAAA-AAAA-AAA", "K-AAAA-AAAA-AAAA-AAAAA", "K-AAAA-AAAA-AAAAA-AAA", "k-AAAA-AAAA-AAAA-AAAA"} {
		if _, err := id.ParseCase(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func TestOneWayToWriteADigest(t *testing.T) {
	text := id.DigestOf(nil).String()
	if d, err := id.ParseDigest(text); err != nil || d != id.DigestOf(nil) {
		t.Errorf("%v, %v", d, err)
	}
	for _, bad := range []string{"", text[1:], text + "0", strings.ToUpper(text), text[1:] + "g", text[1:] + "\n"} {
		if _, err := id.ParseDigest(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}
