package auditor_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/check"
	"suluh.example/suluh/internal/witness"
	"suluh.example/suluh/web/auditor"
)

// TestWitnessesAreShown: the verdict says how many witnesses have seen the log, and
// which are silent; a log that isn't the one that they saw is at fault.
func TestWitnessesAreShown(t *testing.T) {
	late := 0 * time.Hour
	a := newAudit(t, func(c *auditor.Config) {
		now := c.Now
		if now == nil {
			now = time.Now
		}
		c.Now = func() time.Time { return now().Add(late) }
	})
	var signers []note.Signer
	policy := ""
	for _, name := range []string{"saksi-a.example", "saksi-b.example"} {
		text, err := witness.NewKey(name)
		must(t, err)
		s, vkey, err := witness.ParseKey(text)
		must(t, err)
		signers = append(signers, s)
		policy += "witness " + name + " " + vkey + " https://" + name + "/\n"
	}
	policy += "group g 1 saksi-a.example saksi-b.example\nquorum g\n"
	cosign := func(by ...note.Signer) {
		t.Helper()
		checkpoint, err := a.w.Vault.LogFile(t.Context(), "checkpoint")
		must(t, err)
		n, err := note.Open(checkpoint, note.VerifierList(a.w.Log))
		must(t, err)
		n.UnverifiedSigs = nil
		msg, err := note.Sign(n, by...)
		must(t, err)
		must(t, a.w.Vault.TakeCosigned(t.Context(), msg))
	}
	shows := func(path, heading string, parts ...string) {
		t.Helper()
		p := a.get(path)
		if p.StatusCode != http.StatusOK || !strings.HasPrefix(p.h1(), heading) {
			t.Errorf("%s: %d %q", path, p.StatusCode, p.h1())
		}
		for _, part := range parts {
			if !strings.Contains(p.body, part) {
				t.Errorf("%s lacks %q:\n%s", path, part, p.body)
			}
		}
	}
	if p := a.get("/"); strings.Contains(p.body, "<h2>Saksi") {
		t.Errorf("without witnesses in the roster it says\n%s", p.body)
	}
	a.w.Change(func(r *roster.Roster) { r.Witnesses = policy })
	shows("/", "Catatan utuh", "tetapi 2 saksi belum menandatangani", "Belum disaksikan oleh cukup banyak dari 2 saksi")
	cosign(signers[0])
	shows("/", "Catatan utuh", "tetapi 1 saksi belum menandatangani", "Disaksikan oleh 1 dari 2 saksi", "saksi-b.example", "belum pernah menandatangani")
	cosign(signers...)
	if p := a.get("/"); strings.Contains(p.h1(), "saksi") || !strings.Contains(p.body, "Disaksikan oleh 2 dari 2 saksi") {
		t.Errorf("with both it says %q", p.h1())
	}
	late = 48 * time.Hour
	shows("/en/", "The log is intact", "but 2 witnesses have not signed since")
	late = 0

	// The same key signs another log of as many records, and a witness was shown it.
	checkpoint, err := a.w.Vault.LogFile(t.Context(), "checkpoint")
	must(t, err)
	tree, err := accesslog.OpenCheckpoint(checkpoint, a.w.Log)
	must(t, err)
	msg, err := accesslog.SignCheckpoint(a.w.Log.Name(), tlog.Tree{N: tree.N, Hash: tlog.RecordHash([]byte("lain"))}, a.w.LogSigner())
	must(t, err)
	n, err := note.Open(msg, note.VerifierList(a.w.Log))
	must(t, err)
	fork, err := note.Sign(n, signers[0])
	must(t, err)
	lies := check.Files(func(ctx context.Context, path string) ([]byte, error) {
		if path == accesslog.CosignedPath {
			return fork, nil
		}
		return a.w.Vault.LogFile(ctx, path)
	})
	a.spy.Store(&lies)
	shows("/", "Catatan TIDAK dapat dipercaya")
}
