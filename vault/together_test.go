package vault_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/signature"
	"suluh.example/suluh/internal/testkey"
	"suluh.example/suluh/vault"
	"suluh.example/suluh/vault/membersock"
)

// TestABadSignatureIsRefusedAlone: whoever asks at the same time as others gets what he
// would get alone.
func TestABadSignatureIsRefusedAlone(t *testing.T) {
	signer, _, vkey := testkey.New(t, "penelaah-satu")
	key, err := signature.ParseKey(vkey)
	must(t, err)
	verify := vault.Together()
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

// TestManyAtOnceWithBadOnesAmongThem is the same at the socket.
func TestManyAtOnceWithBadOnesAmongThem(t *testing.T) {
	w := newWorld(t, vault.Config{})
	stranger, _, _ := testkey.New(t, string(w.one.id))
	const each = 40
	size := func() int64 {
		tree, err := accesslog.OpenCheckpoint([]byte(w.vault.MemberState().Checkpoint), w.log)
		must(t, err)
		return tree.N
	}
	before := size()
	var asked sync.WaitGroup
	for i := range 2 * each {
		s := w.statement(w.one, accesslog.List, "")
		by := w.one.sign
		if i%2 == 1 {
			by = stranger
		}
		signed, err := s.Sign(by)
		must(t, err)
		asked.Go(func() {
			a, err := w.desk.Act(t.Context(), signed, nil, nil)
			if i%2 == 1 {
				if !errors.Is(err, membersock.ErrMember) {
					t.Errorf("number %d, which is signed by another: %v", i, err)
				}
			} else if err != nil {
				t.Errorf("number %d: %v", i, err)
			} else if err := a.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	asked.Wait()
	if after := size(); after != before+each {
		t.Errorf("%d records, want %d", after-before, each)
	}
}
