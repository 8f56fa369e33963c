package submission_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// assertAbsent fails if any file below dir has the marker in it.
func assertAbsent(t *testing.T, dir string, marker []byte) {
	t.Helper()
	files := 0
	must(t, filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		if bytes.Contains(b, marker) {
			t.Errorf("%s has a marker in the clear", filepath.Base(path))
		}
		return nil
	}))
	if files < 5 {
		t.Fatalf("looked into %d files only", files)
	}
}
