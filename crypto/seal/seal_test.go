package seal_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"strings"
	"testing"
	"testing/iotest"

	"filippo.io/age"
	"pgregory.net/rapid"

	"suluh.example/suluh/crypto/hidden"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/seal"
)

func newKey(t testing.TB) *seal.CaseKey {
	t.Helper()
	k, err := seal.NewCaseKey()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestPaddedLengthsSayLittle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(0, 1<<40).Draw(t, "n")
		p := seal.Padded(n, seal.ContentFloor)
		if p < n || p < int64(seal.ContentFloor) {
			t.Fatalf("%d is padded to %d", n, p)
		}
		if n > int64(seal.ContentFloor) && float64(p-n) > 0.12*float64(n) {
			t.Fatalf("%d is padded to %d: over 12 %%", n, p)
		}
		if seal.Padded(p, seal.ContentFloor) != p {
			t.Fatalf("padded length %d is padded again", p)
		}
		// What is left of the length is a short float: its mantissa has no
		// more bits than its exponent's own length.
		if e := bits.Len64(uint64(p)) - 1; bits.Len64(uint64(p))-bits.TrailingZeros64(uint64(p)) > bits.Len64(uint64(e))+1 {
			t.Fatalf("padded length %d keeps too many bits", p)
		}
	})
}

func TestDocument(t *testing.T) {
	k := newKey(t)
	text := []byte(`{"apa":"isi \" laporan"}`)
	sealed, err := seal.SealDocument(text, seal.DocumentFloor, k.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	got, err := seal.OpenDocument(sealed, k.Identities()...)
	if err != nil || !bytes.Equal(got, text) {
		t.Fatalf("got %q, %v, want %q", got, err, text)
	}
	other, _ := seal.SealDocument([]byte(`{}`), seal.DocumentFloor, k.Recipient())
	if len(other) != len(sealed) {
		t.Errorf("two short documents have sizes %d and %d", len(sealed), len(other))
	}
	long := []byte(`"` + strings.Repeat("a", 304<<10) + `"`) // with more padding than a floor
	padded, err := seal.SealDocument(long, seal.DocumentFloor, k.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	if least := seal.Padded(int64(len(long)), seal.DocumentFloor); int64(len(padded)) < least {
		t.Errorf("a document of %d bytes has %d once it is sealed, which is less than %d", len(long), len(padded), least)
	}
	if got, err := seal.OpenDocument(padded, k.Identities()...); err != nil || !bytes.Equal(got, long) {
		t.Errorf("a long document does not open as it was: %v", err)
	}
	if _, err := seal.OpenDocument(sealed, newKey(t).Identities()[0]); !errors.Is(err, seal.ErrNoKey) {
		t.Errorf("with another key: got %v, want ErrNoKey", err)
	}
	for _, at := range []int{0, len(sealed) / 2, len(sealed) - 1} {
		bad := bytes.Clone(sealed)
		bad[at] ^= 1
		if _, err := seal.OpenDocument(bad, k.Identities()...); err == nil {
			t.Errorf("byte %d changed: opened", at)
		}
	}
	for cut := range len(sealed) {
		if _, err := seal.OpenDocument(sealed[:cut], k.Identities()...); err == nil {
			t.Fatalf("cut at %d: opened", cut)
		}
	}
}

func sealContent(t testing.TB, k *seal.CaseKey, plain []byte) ([]byte, seal.ContentSum) {
	t.Helper()
	var b bytes.Buffer
	w, err := seal.NewContentWriter(&b, k.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(w, iotest.HalfReader(bytes.NewReader(plain))); err != nil {
		t.Fatal(err)
	}
	sum, err := w.Close()
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), sum
}

func TestContent(t *testing.T) {
	k := newKey(t)
	for _, n := range []int{0, 1, 16 << 10, 16<<10 + 1, 64 << 10, 300_000} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			plain := bytes.Repeat([]byte{1, 0xff, 2}, n/3+1)[:n]
			sealed, sum := sealContent(t, k, plain)
			if want := seal.Describe(id.RoleContent, sealed); sum.Object != want {
				t.Errorf("object: got %+v, want %+v", sum.Object, want)
			}
			if sum.Size != int64(n) {
				t.Errorf("size: got %d", sum.Size)
			}
			open := func(sealed []byte, size int64, d id.Digest) ([]byte, error) {
				r, err := seal.OpenContent(bytes.NewReader(sealed), size, d, k.Identities()...)
				if err != nil {
					return nil, err
				}
				return io.ReadAll(r)
			}
			got, err := open(sealed, sum.Size, sum.Object.Digest)
			if err != nil || !bytes.Equal(got, plain) {
				t.Fatalf("got %d bytes, %v, want %d", len(got), err, n)
			}
			if _, err := open(sealed, sum.Size, id.Digest{}); !errors.Is(err, seal.ErrDigest) {
				t.Errorf("another digest: got %v", err)
			}
			if _, err := open(sealed, seal.Padded(sum.Size, seal.ContentFloor)+1, sum.Object.Digest); !errors.Is(err, seal.ErrLength) {
				t.Errorf("longer than sealed: got %v", err)
			}
			if n > 0 {
				if _, err := open(sealed, sum.Size-1, sum.Object.Digest); err == nil {
					t.Error("shorter than sealed: opened")
				}
			}
			if _, err := open(sealed[:len(sealed)-1], sum.Size, sum.Object.Digest); !errors.Is(err, seal.ErrAge) {
				t.Errorf("cut: got %v, want ErrAge", err)
			}
		})
	}
}

// TestContentSizeIsKnownBefore anything of a content is read.
func TestContentSizeIsKnownBefore(t *testing.T) {
	k := newKey(t)
	for _, n := range []int64{0, 1, 16<<10 - 1, 16 << 10, 16<<10 + 1, 64<<10 - 1, 64 << 10, 64<<10 + 1, 128 << 10, 1<<20 - 1, 1 << 20, 1<<20 + 1, 3_333_333} {
		want, err := seal.ContentSize(n, k.Recipient())
		if err != nil {
			t.Fatal(err)
		}
		b, sum := sealContent(t, k, make([]byte, n))
		if int64(len(b)) != want || sum.Object.Size != want {
			t.Errorf("%d bytes: sealed %d, and %d was said", n, len(b), want)
		}
	}
}

func TestWrap(t *testing.T) {
	k, reader := newKey(t), newKey(t)
	w, err := k.Wrap(reader.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	got, err := seal.Unwrap(w, reader.Identities()[0])
	if err != nil || got.Export() != k.Export() {
		t.Fatalf("unwrap: %v", err)
	}
	if _, err := seal.Unwrap(w, k.Identities()...); !errors.Is(err, seal.ErrNoKey) {
		t.Errorf("with another key: got %v", err)
	}
	if s := fmt.Sprintf("%v %+v %s %#v %v", k, k, k, k, *k); bytes.Contains([]byte(s), []byte("AGE-SECRET")) {
		t.Errorf("a case key prints itself: %s", s)
	}
}

func TestCaseKeyFromSeed(t *testing.T) {
	a, err := seal.CaseKeyFromSeed([32]byte{1})
	if err != nil {
		t.Fatal(err)
	}
	b, _ := seal.CaseKeyFromSeed([32]byte{1})
	c, _ := seal.CaseKeyFromSeed([32]byte{2})
	if a.Export() != b.Export() || a.Export() == c.Export() {
		t.Error("a seed does not decide the key")
	}
}

func TestCard(t *testing.T) {
	reporter := newKey(t)
	card := seal.Card{Case: id.NewCase(), Unit: "itprov", Recipient: reporter.Recipient().String(), Objects: []id.Object{{Role: id.RoleLetter, Size: 5}}}
	sealed, err := seal.SealCard(card, reporter.Recipient(), hidden.Of([32]byte{7}))
	if err != nil {
		t.Fatal(err)
	}
	got, err := seal.OpenCard(sealed, reporter.Identities()[0], hidden.Of([32]byte{7}))
	if err != nil || got.Case != card.Case || got.Recipient != card.Recipient {
		t.Fatalf("got %+v, %v", got, err)
	}
	if _, err := seal.OpenCard(sealed, reporter.Identities()[0], hidden.Of([32]byte{8})); !errors.Is(err, seal.ErrMAC) {
		t.Errorf("forged card: got %v, want ErrMAC", err)
	}
}

func TestRecipients(t *testing.T) {
	classic, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := seal.ParseRecipient(classic.Recipient().String()); err == nil {
		t.Error("a classic X25519 recipient was accepted")
	}
	if _, err := seal.ParseRecipient(newKey(t).Recipient().String()); err != nil {
		t.Errorf("hybrid recipient: %v", err)
	}
	for _, s := range []string{"", "age1", "age1pq1", "age1pq1qqqq", "ssh-ed25519 AAAA"} {
		if _, err := seal.ParseRecipient(s); err == nil {
			t.Errorf("%q was accepted", s)
		}
	}
}

func FuzzOpenDocument(f *testing.F) {
	k, err := seal.CaseKeyFromSeed([32]byte{3})
	if err != nil {
		f.Fatal(err)
	}
	doc, _ := seal.SealDocument([]byte(`{}`), seal.SummaryFloor, k.Recipient())
	f.Add(doc)
	f.Add([]byte("age-encryption.org/v1\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if text, err := seal.OpenDocument(b, k.Identities()...); err == nil && !json.Valid(text) {
			t.Fatalf("opened to what is not JSON")
		}
	})
}
