package durable_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"suluh.example/suluh/internal/durable"
)

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "kunci")
	if err := durable.WriteFile(name, []byte("satu"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := durable.WriteFile(name, []byte("dua"), 0o600); !errors.Is(err, os.ErrExist) {
		t.Errorf("written over: got %v, want ErrExist", err)
	}
	if b, err := os.ReadFile(name); err != nil || string(b) != "satu" {
		t.Errorf("got %q, %v", b, err)
	}
	if err := durable.ReplaceFile(name, []byte("tiga"), 0o600); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(name)
	if err != nil || info.Mode().Perm() != 0o600 || info.Size() != 4 {
		t.Errorf("replaced: %v, %v", info, err)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
		t.Errorf("%d files are left, %v", len(files), err)
	}
}
