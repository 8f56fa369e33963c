package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const module = "suluh.example/suluh/"

// TestImportBoundaries holds the rules on who may import what, over all
// dependencies. Each rule has its reason; a rule about a package that doesn't
// exist any more fails too.
func TestImportBoundaries(t *testing.T) {
	for _, rule := range []struct {
		of     string
		never  []string
		reason string
	}{
		{
			"./vault/...",
			[]string{"filippo.io/age", module + "crypto/seal", module + "crypto/casecode", module + "internal/report", module + "internal/submission"},
			"the server can't read what it stores",
		},
		{
			"./crypto/...",
			[]string{"net/http", "database/sql", module + "internal/report", module + "vault"},
			"crypto is bytes in, bytes out, for others to import",
		},
		{
			"./web/intake",
			[]string{module + "crypto/keyfile", module + "vault/membersock", module + "vault"},
			"whoever takes intake over can deposit and look up by code, no more",
		},
		{
			"./web/desk",
			[]string{module + "vault", module + "vault/depositsock", "database/sql"},
			"the desk runs far from the vault and has no more than its socket",
		},
		{
			"./web/auditor",
			[]string{"filippo.io/age", module + "crypto/keyfile", module + "crypto/seal", module + "internal/member", module + "vault"},
			"the audit part holds nothing secret and reads the log as anybody outside could",
		},
		{"./internal/ceremony", []string{"net/http", module + "vault", module + "internal/member"}, "the root key's machine has no network and needs none"},
		{"./cmd/...", []string{module + "internal/testkey", module + "internal/testvault", module + "internal/textbrowser", module + "internal/tornet", module + "internal/forward/queuetest", "testing"}, "no program has what is for tests alone"},
		{"./...", []string{"expvar", "net/http/pprof"}, "no part shows its insides to the network"},
	} {
		out, err := exec.Command("go", "list", "-deps", "-f", "{{.ImportPath}}", "suluh.example/suluh/"+strings.TrimPrefix(rule.of, "./")).Output()
		if err != nil {
			t.Fatalf("%s: %v", rule.of, err)
		}
		deps := map[string]bool{}
		for _, p := range strings.Fields(string(out)) {
			deps[p] = true
		}
		for _, p := range rule.never {
			if deps[p] {
				t.Errorf("%s depends on %s: %s", rule.of, p, rule.reason)
			}
			if err := exec.Command("go", "list", p).Run(); err != nil {
				t.Errorf("rule about %s, which isn't there", p)
			}
		}
	}
}

// sources calls f with each file of the project that isn't a test.
func sources(t *testing.T, f func(path string, fset *token.FileSet, file *ast.File)) {
	t.Helper()
	fset := token.NewFileSet()
	files := 0
	err := filepath.WalkDir("../..", func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() && (e.Name() == "build" || e.Name() == "node_modules" || strings.HasPrefix(e.Name(), ".") && len(e.Name()) > 2) {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(fset, path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		files++
		f(path, fset, file)
		return nil
	})
	if err != nil || files < 20 {
		t.Fatalf("looked into %d files: %v", files, err)
	}
}

// TestBannedCalls keeps out what leaked at others: net/http's form helpers
// spill uploads to a disk, and its servers log addresses.
func TestBannedCalls(t *testing.T) {
	sources(t, func(path string, fset *token.FileSet, file *ast.File) {
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.SelectorExpr:
				switch n.Sel.Name {
				case "FormValue", "PostFormValue", "FormFile", "ParseMultipartForm", "ListenAndServe", "ListenAndServeTLS":
					t.Errorf("%s: %s is banned", fset.Position(n.Pos()), n.Sel.Name)
				}
			case *ast.CompositeLit:
				if s, ok := n.Type.(*ast.SelectorExpr); ok && s.Sel.Name == "Server" && !strings.Contains(path, "internal/serve/") {
					t.Errorf("%s: servers are made by internal/serve", fset.Position(n.Pos()))
				}
			case *ast.FuncDecl:
				if n.Name.Name == "init" && n.Recv == nil {
					t.Errorf("%s: no init()", fset.Position(n.Pos()))
				}
			}
			return true
		})
	})
}

// TestEveryPackageSaysWhatItIsFor wants exactly one comment per package, that
// says what it must never do.
func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	docs := map[string][]string{}
	sources(t, func(path string, _ *token.FileSet, file *ast.File) {
		dir := filepath.Dir(path)
		if docs[dir] == nil {
			docs[dir] = []string{}
		}
		if file.Doc != nil {
			docs[dir] = append(docs[dir], file.Doc.Text())
		}
	})
	for dir, d := range docs {
		if len(d) != 1 {
			t.Errorf("%s has %d package comments", dir, len(d))
		}
	}
}
