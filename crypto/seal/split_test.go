package seal_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/seal"
)

// witnesses makes n of them, and opens what each is asked for.
func witnesses(t *testing.T, n int) (all []seal.KeyWitness, keys map[id.Member]age.Identity) {
	t.Helper()
	keys = map[id.Member]age.Identity{}
	for i := range n {
		k, err := age.GenerateHybridIdentity()
		if err != nil {
			t.Fatal(err)
		}
		name := id.Member(fmt.Sprintf("saksi-kunci-%d", i+1))
		all, keys[name] = append(all, seal.KeyWitness{Member: name, To: k.Recipient()}), k
	}
	return all, keys
}

func random() (b [32]byte) {
	rand.Read(b[:])
	return b
}

// given are the shares that some key witnesses give to a reader.
func given(t *testing.T, k *seal.CaseKey, keys map[id.Member]age.Identity, reader *age.HybridIdentity, from ...int) (all []*seal.Share) {
	t.Helper()
	_, sealed := k.Shares()
	for _, i := range from {
		s, err := seal.OpenShare(sealed[i].Sealed, keys[sealed[i].Witness])
		if err != nil {
			t.Fatal(err)
		}
		b, err := s.SealTo(reader.Recipient())
		if err != nil {
			t.Fatal(err)
		}
		if s, err = seal.OpenShare(b, reader); err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	return all
}

// Any k of n key witnesses complete a reader's key, and no k-1 do.
func TestEveryQuorumOfKeyWitnessesOpensACase(t *testing.T) {
	reader, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	for n := 1; n <= seal.MaxKeyWitnesses; n++ {
		all, keys := witnesses(t, n)
		for need := 1; need <= n; need++ {
			of := id.NewCase()
			made, err := seal.SplitCaseKey(of, random(), random(), need, all)
			if err != nil {
				t.Fatal(err)
			}
			letter, err := seal.SealDocument([]byte(`{"v":1}`), seal.DocumentFloor, made.Recipient())
			if err != nil {
				t.Fatal(err)
			}
			summary, err := seal.SealDocument([]byte(`{"v":1}`), seal.SummaryFloor, made.ListRecipient())
			if err != nil {
				t.Fatal(err)
			}
			wrap, err := made.Wrap(reader.Recipient())
			if err != nil {
				t.Fatal(err)
			}
			for chosen := range 1 << n {
				var from []int
				for i := range n {
					if chosen&(1<<i) != 0 {
						from = append(from, i)
					}
				}
				if len(from) != need && len(from) != need-1 {
					continue
				}
				k, err := seal.Unwrap(wrap, reader)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := seal.OpenDocument(summary, k.Identities()...); err != nil || k.Whole() {
					t.Fatalf("before anybody gave a share, the summary: %v, whole: %v", err, k.Whole())
				}
				if _, err := k.WrapWhole(reader.Recipient()); !errors.Is(err, seal.ErrShares) {
					t.Errorf("wrapped whole: %v", err)
				}
				err = k.Join(of, given(t, k, keys, reader, from...)...)
				_, lerr := seal.OpenDocument(letter, k.Identities()...)
				if few := len(from) < need; few != errors.Is(err, seal.ErrShares) || few != errors.Is(lerr, seal.ErrNoKey) || !few && (err != nil || lerr != nil) {
					t.Errorf("%d of %d, with %v: %v, the letter: %v", need, n, from, err, lerr)
				}
			}
		}
	}
}

func TestWhatKeyWitnessesGiveIsChecked(t *testing.T) {
	reader, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	all, keys := witnesses(t, 3)
	of, other := id.NewCase(), id.NewCase()
	made, err := seal.SplitCaseKey(of, random(), random(), 2, all)
	if err != nil {
		t.Fatal(err)
	}
	strange, err := seal.SplitCaseKey(other, random(), random(), 2, all)
	if err != nil {
		t.Fatal(err)
	}
	// The same name, and another key: as if a witness lied.
	lied, err := seal.SplitCaseKey(of, random(), random(), 2, all)
	if err != nil {
		t.Fatal(err)
	}
	unwrapped := func() *seal.CaseKey {
		wrap, err := made.Wrap(reader.Recipient())
		if err != nil {
			t.Fatal(err)
		}
		k, err := seal.Unwrap(wrap, reader)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	good := given(t, made, keys, reader, 0, 1, 2)
	for name, shares := range map[string][]*seal.Share{
		"of another case": given(t, strange, keys, reader, 0, 1),
		"of another key":  given(t, lied, keys, reader, 0, 1),
		"one of another":  {good[0], given(t, lied, keys, reader, 1)[0]},
	} {
		k := unwrapped()
		if err := k.Join(of, shares...); !errors.Is(err, seal.ErrShare) || k.Whole() {
			t.Errorf("shares %s: %v", name, err)
		}
	}
	k := unwrapped()
	if err := k.Join(of, good[2], good[0]); err != nil || k.Export() != made.Export() {
		t.Errorf("joined: %v", err)
	}
	if _, err := seal.OpenShare(mustWrap(t, made, reader), reader); !errors.Is(err, seal.ErrFormat) {
		t.Errorf("a wrap taken for a share: %v", err)
	}
}

func mustWrap(t *testing.T, k *seal.CaseKey, to *age.HybridIdentity) []byte {
	t.Helper()
	b, err := k.Wrap(to.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A recovery sheet needs nobody; and what it opens can be handed on split.
func TestTheRecoverySheetOpensASplitCaseAlone(t *testing.T) {
	sheet, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	all, keys := witnesses(t, 2)
	of := id.NewCase()
	made, err := seal.SplitCaseKey(of, random(), random(), 2, all)
	if err != nil {
		t.Fatal(err)
	}
	b, err := made.WrapWhole(sheet.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	k, err := seal.Unwrap(b, sheet)
	if err != nil || !k.Whole() || k.Export() != made.Export() {
		t.Fatalf("%v", err)
	}
	again, err := seal.Unwrap(mustWrap(t, k, sheet), sheet)
	if err != nil || again.Whole() {
		t.Fatalf("handed on: %v, whole: %v", err, again.Whole())
	}
	if err := again.Join(of, given(t, again, keys, sheet, 0, 1)...); err != nil {
		t.Error(err)
	}
	decoy, err := made.Decoy()
	if err != nil {
		t.Fatal(err)
	}
	if d := mustWrap(t, decoy, sheet); len(d) != len(mustWrap(t, made, sheet)) {
		t.Error("a decoy has another size")
	}
}

// What is wrapped is an age identity file, whatever stands before the keys.
func TestAWrapOfASplitCaseIsAnIdentityFile(t *testing.T) {
	sheet, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	all, _ := witnesses(t, 3)
	made, err := seal.SplitCaseKey(id.NewCase(), random(), random(), 2, all)
	if err != nil {
		t.Fatal(err)
	}
	b, err := made.WrapWhole(sheet.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	plain, err := opens(b, sheet)
	if err != nil {
		t.Fatal(err)
	}
	ids, err := age.ParseIdentities(strings.NewReader(plain))
	if err != nil || len(ids) != 2 {
		t.Fatalf("%d identities: %v", len(ids), err)
	}
	if !slices.ContainsFunc(ids, func(i age.Identity) bool {
		return i.(*age.HybridIdentity).Recipient().String() == made.Recipient().String()
	}) {
		t.Error("the case identity is not among them")
	}
	for _, broken := range []string{
		strings.Replace(plain, "split/v1 2", "split/v1 4", 1),
		strings.Replace(plain, "split/v1 2", "split/v1 0", 1),
		strings.Replace(plain, "# share saksi-kunci-2", "# share saksi-kunci-1", 1),
		strings.Replace(plain, "# share saksi-kunci-2", "# teilt saksi-kunci-2", 1),
		strings.TrimSuffix(plain, "\n"),
		plain[strings.LastIndex(strings.TrimSuffix(plain, "\n"), "\n")+1:] + plain,
	} {
		sealed := seals(t, broken, sheet)
		if _, err := seal.Unwrap(sealed, sheet); !errors.Is(err, seal.ErrFormat) {
			t.Errorf("%.60q…: %v", broken, err)
		}
	}
}

func opens(b []byte, i age.Identity) (string, error) {
	r, err := age.Decrypt(bytes.NewReader(b), i)
	if err != nil {
		return "", err
	}
	plain, err := io.ReadAll(r)
	return string(plain), err
}

func seals(t *testing.T, plain string, to *age.HybridIdentity) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := age.Encrypt(&b, to.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, plain); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
