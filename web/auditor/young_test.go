package auditor_test

import (
	"net/http/httptest"
	"path/filepath"
	"testing"

	"suluh.example/suluh/crypto/hidden"
	"suluh.example/suluh/internal/testkey"
	"suluh.example/suluh/internal/testvault"
	"suluh.example/suluh/vault"
	"suluh.example/suluh/web/auditor"
)

// TestALogWithoutARosterHasItsPages: a vault that was just installed has one record,
// and no member.
func TestALogWithoutARosterHasItsPages(t *testing.T) {
	_, _, root := testkey.New(t, testvault.Origin+"/root")
	dir := filepath.Join(t.TempDir(), "vault")
	key, err := vault.Init(t.Context(), vault.InitConfig{Dir: dir, Origin: testvault.Origin, RootKey: root, Zone: "Asia/Makassar"})
	must(t, err)
	v, err := vault.Open(t.Context(), vault.Config{Dir: dir})
	must(t, err)
	t.Cleanup(func() { must(t, v.Close()) })
	s, err := auditor.New(auditor.Config{Files: v.LogFile, Key: key, Token: hidden.Of(token), Address: "127.0.0.1:8082"})
	must(t, err)
	web := httptest.NewServer(s)
	t.Cleanup(web.Close)
	a := &audit{t: t, url: web.URL, auth: token}
	for path, title := range map[string]string{
		"/":                        "Catatan utuh: 1 catatan, tidak ada yang hilang atau berubah",
		"/akses":                   "0 catatan anggota tentang 0 kasus",
		"/kejanggalan":             "0 hal perlu ditanyakan",
		"/cari?tindakan=configure": "1 catatan cocok",
	} {
		a.get(path).wants(t, 200, title)
	}
	if x := a.get("/laporan?buat=1"); x.StatusCode != 200 {
		t.Errorf("the report: %d", x.StatusCode)
	}
}
