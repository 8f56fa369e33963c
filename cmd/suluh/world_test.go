package main

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"suluh.example/suluh/internal/world"
)

// built is the program, built once for all tests of a run.
var built = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "suluh-test-")
	if err != nil {
		return "", err
	}
	bin := filepath.Join(dir, "suluh")
	out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput()
	if err != nil {
		return string(out), err
	}
	return bin, nil
})

// program returns the program.
func program(t testing.TB) string {
	t.Helper()
	bin, err := built()
	if err != nil {
		t.Fatalf("build: %v\n%s", err, bin)
	}
	return bin
}

// start starts a whole instance of real processes, without example cases, and
// stops it at the test's end. What the parts say goes to log.
func start(t testing.TB, log io.Writer) *world.World {
	t.Helper()
	w, err := world.Start(t.Context(), world.Config{Bin: program(t), Dir: filepath.Join(t.TempDir(), "w"), Bare: true, Log: log})
	must(t, err)
	t.Cleanup(func() {
		if err := w.Stop(); err != nil {
			t.Error(err)
		}
	})
	return w
}
