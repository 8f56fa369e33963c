package signature_test

import (
	"fmt"
	"sync"
	"testing"

	"suluh.example/suluh/crypto/signature"
	"suluh.example/suluh/internal/testkey"
)

// TestABadSignatureIsRefusedAlone: whoever asks at the same time as others gets what he
// would get alone.
func TestABadSignatureIsRefusedAlone(t *testing.T) {
	signer, _, vkey := testkey.New(t, "penelaah-satu")
	key, err := signature.ParseKey(vkey)
	if err != nil {
		t.Fatal(err)
	}
	verify := new(signature.Together).Verify
	for _, every := range []int{1, 2, 7, 1000} {
		var asked sync.WaitGroup
		for i := range 300 { // more than a batch
			asked.Go(func() {
				text := fmt.Appendf(nil, "pernyataan %d", i)
				sig, err := signer.Sign(text)
				if err != nil {
					t.Error(err)
					return
				}
				bad := i%every == 0
				if bad {
					sig[i%len(sig)] ^= 1
				}
				if verify(key, text, sig) == bad {
					t.Errorf("one bad of %d: the verdict of number %d is wrong", every, i)
				}
			})
		}
		asked.Wait()
	}
}
