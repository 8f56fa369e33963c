package main

import (
	"bytes"
	"debug/elf"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// TestClientIsReproducible: whoever builds the client from the same source gets
// the same bytes, in whatever folder it lies.
func TestClientIsReproducible(t *testing.T) {
	var sums [2][]byte
	for i, dir := range []string{"satu", "folder lain/dua"} {
		root := filepath.Join(t.TempDir(), dir)
		copySource(t, root)
		cmd := exec.Command(filepath.Join(root, "tools", "client"), filepath.Join(root, "out"), "linux/amd64", "windows/amd64")
		cmd.Env = append(os.Environ(), "GOFLAGS=-v", "GOAMD64=v3") // of somebody with habits of his own
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if i == 0 && runtime.GOARCH == "amd64" { // it runs, and is linked to nothing
			bin := filepath.Join(root, "out", "suluh-linux-amd64")
			out, err := exec.Command(bin, "submit", "--example").Output()
			must(t, err)
			if !bytes.Contains(out, []byte(`"apa": `)) {
				t.Errorf("it printed %s", out)
			}
			if f, err := elf.Open(bin); err != nil {
				t.Error(err)
			} else if libraries, err := f.ImportedLibraries(); err != nil || len(libraries) > 0 || f.Section(".interp") != nil {
				t.Errorf("it needs %v, %v", libraries, err)
			}
		}
		var err error
		sums[i], err = os.ReadFile(filepath.Join(root, "out", "SHA256SUMS"))
		must(t, err)
	}
	if n := bytes.Count(sums[0], []byte("\n")); n != 2 {
		t.Fatalf("%d programs were built:\n%s", n, sums[0])
	}
	if !bytes.Equal(sums[0], sums[1]) {
		t.Errorf("the programs differ:\n%s\n%s", sums[0], sums[1])
	}
}

// copySource copies the repository but for what is built or installed.
func copySource(t *testing.T, to string) {
	t.Helper()
	source := os.DirFS("../..")
	must(t, fs.WalkDir(source, ".", func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && slices.Contains([]string{"build", "node_modules", ".git", "docs", "test"}, e.Name()) && path != ".":
			return fs.SkipDir
		case e.IsDir():
			return os.MkdirAll(filepath.Join(to, path), 0o755)
		case !e.Type().IsRegular():
			return nil
		}
		b, err := fs.ReadFile(source, path)
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, path), b, info.Mode().Perm())
	}))
}

// TestClientIsSmall: it has nothing of the server, so that it needs no C
// compiler, and nobody wonders what else it does.
func TestClientIsSmall(t *testing.T) {
	cmd := exec.Command("go", "list", "-deps", "-tags", "client", "-f", "{{.ImportPath}}{{if .CgoFiles}} cgo{{end}}", ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.Output()
	must(t, err)
	for _, p := range strings.Split(strings.TrimSpace(string(out)), "\n") {
		switch {
		case strings.HasSuffix(p, " cgo"), p == "database/sql", p == "net/http/pprof",
			slices.Contains([]string{"vault", "vault/membersock", "internal/member", "internal/serve", "internal/ceremony"}, strings.TrimPrefix(p, module)),
			strings.HasPrefix(p, module+"web/") && p != module+"web/browser": // the pages' script, which it compares with what is served
			t.Errorf("the client has %s", p)
		}
	}
}
