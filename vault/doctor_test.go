package vault_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/vault"
)

// treated is a stopped vault with three reports, two of them in the log, two
// answers, one of which was destroyed, and a grant.
func treated(t *testing.T) (w *world, blob string) {
	w = newWorld(t, vault.Config{})
	p := newParcel(large, w.one.id)
	_, err := w.send(p)
	must(t, err)
	_, err = w.control.Batch(t.Context())
	must(t, err)
	_, err = w.send(newParcel(0, w.one.id))
	must(t, err)
	answer := object{id.RoleAnswer, sealed(500)}
	s := w.statement(w.one, accesslog.Reply, p.of)
	s.Objects = []id.Object{answer.describe()}
	_, err = w.ask(w.one, s, answer)
	must(t, err)
	gone := object{id.RoleAnswer, sealed(500)}
	s = w.statement(w.one, accesslog.Reply, p.of)
	s.Objects = []id.Object{gone.describe()}
	_, err = w.ask(w.one, s, gone)
	must(t, err)
	_, err = w.destroy(p, gone.describe().Digest)
	must(t, err)
	_, err = w.control.Batch(t.Context())
	must(t, err)
	_, err = w.send(newParcel(0, w.one.id))
	must(t, err)
	wrap := object{id.RoleWrap, sealed(100)}
	s = w.statement(w.one, accesslog.Grant, p.of)
	s.To, s.Objects = w.two.id, []id.Object{wrap.describe()}
	_, err = w.ask(w.one, s, wrap)
	must(t, err)
	w.stop()
	return w, filepath.Join(w.dir, "blobs", p.objects[0].describe().Digest.String())
}

func TestDoctorFinds(t *testing.T) {
	sql := func(statement string) func(*testing.T, *world, string) {
		return func(t *testing.T, w *world, _ string) { vault.Exec(t, w.dir, statement) }
	}
	for name, c := range map[string]struct {
		harm func(t *testing.T, w *world, blob string)
		want string // in the first finding; "" for none
	}{
		"nothing in a sound store":       {func(*testing.T, *world, string) {}, ""},
		"missing blob":                   {func(t *testing.T, _ *world, blob string) { must(t, os.Remove(blob)) }, "content of case K-"},
		"changed blob":                   {func(t *testing.T, _ *world, blob string) { must(t, os.WriteFile(blob, sealed(large), 0o600)) }, "was changed since it came"},
		"changed row":                    {sql("UPDATE objects SET data = randomblob(size) WHERE role = 'letter'"), "sealed letter of case K-"},
		"lost object":                    {sql("DELETE FROM objects WHERE role = 'card'"), "its objects aren't those that were promised"},
		"added reader":                   {sql("UPDATE cases SET leaves = CAST(leaves || randomblob(32) AS BLOB)"), "who may read case K-"},
		"lost deposit":                   {sql("DELETE FROM deposits WHERE seq >= 0"), "is missing from the store"},
		"lost answer":                    {sql("DELETE FROM objects WHERE role = 'answer'"), "is missing from the store"},
		"destroyed answer that is there": {sql("UPDATE objects SET data = zeroblob(9) WHERE digest IN (SELECT digest FROM destroyed)"), "is still in the store"},
		"destruction nobody recorded":    {sql("UPDATE destroyed SET seq = 1"), "isn't in the access log where the store says"},
		"destruction that is forgotten":  {sql("DELETE FROM destroyed"), "doesn't know of the answer that was destroyed"},
		"answer of nobody":               {sql("UPDATE objects SET seq = 1 WHERE role = 'answer'"), "without a record of who handed it in"},
		"dropped record":                 {sql("DELETE FROM records WHERE seq = 2"), "Record 2 is missing"},
		"edited record":                  {sql("UPDATE records SET leaf = CAST(replace(CAST(leaf AS TEXT), 'Z', 'Y') AS BLOB) WHERE seq = 3"), "Record 3 of the access log was changed"},
		"edited hashes":                  {sql("UPDATE records SET hashes = zeroblob(length(hashes)) WHERE seq = 4"), "Record 4 of the access log was changed"},
		"other roster":                   {sql("UPDATE rosters SET signed = CAST('x' AS BLOB)"), "Version 1 of the roster"},
		"readable log key":               {func(t *testing.T, w *world, _ string) { must(t, os.Chmod(filepath.Join(w.dir, "log.key"), 0o644)) }, "can use log.key"},
		"lost log key":                   {func(t *testing.T, w *world, _ string) { must(t, os.Remove(filepath.Join(w.dir, "log.key"))) }, "log.key is missing"},
		"lost database":                  {func(t *testing.T, w *world, _ string) { must(t, os.Remove(filepath.Join(w.dir, "vault.db"))) }, "vault.db is missing"},
		"overdue batch":                  {func(_ *testing.T, w *world, _ string) { w.clock.forward(24 * time.Hour) }, "batch is overdue: 1 "},
		"clock that went back":           {func(_ *testing.T, w *world, _ string) { w.clock.forward(-time.Hour) }, "clock goes backwards"},
	} {
		t.Run(name, func(t *testing.T) {
			w, blob := treated(t)
			c.harm(t, w, blob)
			findings, err := vault.Examine(t.Context(), w.dir, w.clock.Now())
			must(t, err)
			if c.want == "" {
				if len(findings) > 0 {
					t.Fatalf("found %q in a sound store", findings[0].What)
				}
				return
			}
			if len(findings) == 0 || !strings.Contains(findings[0].What, c.want) || findings[0].Do == "" {
				t.Fatalf("found %q, want %q first", findings, c.want)
			}
		})
	}
}

func TestDoctorNamesUnitsNobodyReads(t *testing.T) {
	w := newWorld(t, vault.Config{})
	w.roster.Version, w.roster.Previous = 2, roster.Digest(w.signed)
	for i := range w.roster.Members {
		w.roster.Members[i].Roles = []roster.Role{roster.Auditor}
	}
	w.install()
	findings, err := vault.Examine(t.Context(), w.dir, w.clock.Now())
	must(t, err)
	if len(findings) != 1 || !strings.Contains(findings[0].What, "unit itprov has no reader") {
		t.Fatalf("found %q, want the unit without readers", findings)
	}
}
