package accesslog_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
)

// TestCommitmentVectors computes the values that docs/formats.md gives for the
// commitment to readers and for a deposit's digest.
func TestCommitmentVectors(t *testing.T) {
	docs, err := os.ReadFile("../../docs/formats.md")
	if err != nil {
		t.Fatal(err)
	}
	salt := [16]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
	leaf := accesslog.WrapLeaf{Salt: salt, Member: "penelaah-satu", Wrap: id.DigestOf([]byte("wrap"))}.Hash()
	root := accesslog.WrapsRoot([]tlog.Hash{leaf, tlog.RecordHash([]byte("blind"))})
	deposit := accesslog.DepositDigest(salt, "K-AAAA-AAAA-AAAA-AAAA", fmt.Sprintf("2 %s", root), []id.Object{
		{Role: id.RoleLetter, Digest: id.DigestOf([]byte("letter")), Size: 6},
		{Role: id.RoleCard, Digest: id.DigestOf([]byte("card")), Size: 4},
	})
	for _, want := range []string{"leaf        " + leaf.String(), "root of 2   " + root.String(), "deposit     " + deposit.String()} {
		if !strings.Contains(string(docs), want+"\n") {
			t.Errorf("docs/formats.md lacks %q", want)
		}
	}
}
