package vault_test

import (
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/witness"
	"suluh.example/suluh/vault"
)

// TestCosignaturesAreHandedOnInOneWriting: base64 has bits that nobody looks at here, and
// browsers refuse what sets them. Whoever brings cosignatures could keep reporters away by that.
func TestCosignaturesAreHandedOnInOneWriting(t *testing.T) {
	w := newWorld(t, vault.Config{})
	text, err := witness.NewKey("saksi.example")
	must(t, err)
	signer, vkey, err := witness.ParseKey(text)
	must(t, err)
	w.roster.Version, w.roster.Previous = 2, roster.Digest(w.signed)
	w.roster.Witnesses = "witness saksi " + vkey + " https://saksi.example/\nquorum saksi\n"
	w.install()
	proof, err := w.deposit.RosterProof(t.Context())
	must(t, err)
	body, lines, _ := strings.Cut(proof.Checkpoint, "\n\n")
	msg, err := note.Sign(&note.Note{Text: body + "\n"}, signer)
	must(t, err)
	_, line, _ := strings.Cut(string(msg), "\n\n")
	odd, padded := strings.CutSuffix(line, "==\n") // 76 bytes
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	at := strings.IndexByte(digits, odd[len(odd)-1])
	if !padded || at%16 != 0 {
		t.Fatalf("the cosignature is %q", line)
	}
	odd = odd[:len(odd)-1] + digits[at+1:at+2] + "==\n"
	must(t, w.vault.TakeCosigned(t.Context(), []byte(body+"\n\n"+lines+odd)))
	proof, err = w.deposit.RosterProof(t.Context())
	must(t, err)
	if proof.Cosigned == nil || !strings.HasSuffix(string(proof.Cosigned.Checkpoint), line) {
		t.Errorf("handed on is %+v, want %q in it", proof.Cosigned, line)
	}
}
