package auditor_test

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"suluh.example/suluh/internal/check"
	"suluh.example/suluh/vault"
)

// TestALogThatWasRestoredSaysSo to everybody who reads the verdict, and why to
// auditors.
func TestALogThatWasRestoredSaysSo(t *testing.T) {
	a := newAudit(t, nil)
	s, err := a.w.Vault.Snapshot(t.Context())
	must(t, err)
	database, err := io.ReadAll(s)
	must(t, err)
	must(t, s.Close())
	s, err = a.w.Vault.Snapshot(t.Context()) // of which the first knows nothing
	must(t, err)
	must(t, s.Close())

	dir := filepath.Join(t.TempDir(), "vault")
	must(t, os.MkdirAll(filepath.Join(dir, "blobs", "tmp"), 0o700))
	must(t, os.WriteFile(filepath.Join(dir, "vault.db"), database, 0o600))
	for _, name := range []string{"log.key", "log.vkey", "root.vkey", "zone"} {
		b, err := os.ReadFile(filepath.Join(a.w.Dir, name))
		must(t, err)
		must(t, os.WriteFile(filepath.Join(dir, name), b, 0o600))
	}
	must(t, vault.MarkRestored(dir, a.w.Day))
	v, err := vault.Open(t.Context(), vault.Config{Dir: dir})
	must(t, err)
	t.Cleanup(func() { must(t, v.Close()) })
	_, err = v.GoOn(t.Context(), s.Checkpoint, "disk <b>server</b> rusak")
	must(t, err)

	files := check.Files(v.LogFile)
	a.spy.Store(&files)
	const title = "Catatan utuh sejak dipulihkan dari cadangan: 11 catatan, tetapi ada yang hilang sebelumnya"
	x := a.get("/")
	x.wants(t, 200, title, "Catatan lama nomor 10 sampai 10 hilang", "berita acara pemulihan")
	if strings.Contains(x.body, "disk") {
		t.Error("everybody reads the operator's reason")
	}
	a.get("/en/").wants(t, 200, "The log is intact since it was restored from a backup: 11 records, but some of before are lost", "The old records")
	a.auth = token
	a.get("/").wants(t, 200, title, "disk <b>server</b> rusak")
	a.get("/cari?tindakan=restore").wants(t, 200, "1 catatan cocok", "Cadangan dipulihkan")
}
