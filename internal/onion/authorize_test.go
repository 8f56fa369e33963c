package onion_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"suluh.example/suluh/internal/onion"
)

// TestAuthorize: the files are those of the roster, and one that keeps tor from
// opening the service to everyone.
func TestAuthorize(t *testing.T) {
	service := t.TempDir()
	dir := filepath.Join(service, "authorized_clients")
	key := func(c string) string { return strings.Repeat(c, 51) + "A" }
	files := func() map[string]string {
		all := map[string]string{}
		entries, err := os.ReadDir(dir)
		must(t, err)
		for _, e := range entries {
			info, err := e.Info()
			must(t, err)
			if info.Mode().Perm() != 0o600 {
				t.Errorf("%s has mode %o", e.Name(), info.Mode().Perm())
			}
			b, err := os.ReadFile(filepath.Join(dir, e.Name()))
			must(t, err)
			all[e.Name()] = string(b)
		}
		return all
	}
	var nobody string
	for _, step := range []struct {
		name    string
		clients map[string]string
		want    onion.Change
	}{
		{"nobody", nil, onion.Added},
		{"one", map[string]string{"penelaah-satu": key("Q")}, onion.Added},
		{"the same", map[string]string{"penelaah-satu": key("Q")}, onion.Same},
		{"another comes", map[string]string{"penelaah-satu": key("Q"), "nobody": key("R")}, onion.Added},
		{"a new key", map[string]string{"penelaah-satu": key("Z"), "nobody": key("R")}, onion.Taken},
		{"one goes", map[string]string{"nobody": key("R")}, onion.Taken},
		{"all are gone", nil, onion.Taken},
	} {
		if step.name == "one goes" { // and a crash came in between
			must(t, os.WriteFile(filepath.Join(dir, ".new-1"), []byte("x"), 0o600))
		}
		change, err := onion.Authorize(service, step.clients)
		must(t, err)
		if change != step.want {
			t.Errorf("%s: change is %d, want %d", step.name, change, step.want)
		}
		got := files()
		text := got["_nobody.auth"]
		if len(text) != len("descriptor:x25519:\n")+52 || nobody != "" && text != nobody {
			t.Errorf("%s: nobody's key is %q, and was %q", step.name, text, nobody)
		}
		nobody = text
		want := []string{"_nobody.auth"}
		for name, k := range step.clients {
			want = append(want, name+".auth")
			if got[name+".auth"] != "descriptor:x25519:"+k+"\n" {
				t.Errorf("%s: %s has %q", step.name, name, got[name+".auth"])
			}
		}
		if slices.Sort(want); !slices.Equal(slices.Sorted(maps.Keys(got)), want) {
			t.Errorf("%s: there are %v", step.name, slices.Sorted(maps.Keys(got)))
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
