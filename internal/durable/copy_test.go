package durable_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"testing/iotest"

	"suluh.example/suluh/internal/durable"
)

func random(n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{byte(n)}).Read(b)
	return b
}

// Whatever stands before, however much comes, and in whatever pieces: the file
// has exactly that, on a disk and in memory (where the page cache can't be
// passed by).
func TestCopyAppends(t *testing.T) {
	dirs := []string{t.TempDir()}
	if d, err := os.MkdirTemp("/dev/shm", "suluh-test-"); err == nil {
		defer os.RemoveAll(d)
		dirs = append(dirs, d)
	}
	const mib = 1 << 20
	for _, dir := range dirs {
		for _, before := range []int{0, 1, 4096, 64 << 10, mib, mib + 511} {
			for _, n := range []int{0, 1, 4096, mib - 1, mib, 3 * mib, 5*mib + 4097} {
				old, all := random(before), random(n)
				name := filepath.Join(dir, "berkas")
				if err := os.WriteFile(name, old, 0o600); err != nil {
					t.Fatal(err)
				}
				f, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0)
				if err != nil {
					t.Fatal(err)
				}
				got, err := durable.Copy(f, iotest.HalfReader(bytes.NewReader(all)), int64(before))
				if err != nil || got != int64(n) {
					t.Fatalf("%d after %d: got %d, %v", n, before, got, err)
				}
				// It is an ordinary file again.
				if _, err := f.Write([]byte("ekor")); err != nil {
					t.Fatal(err)
				}
				if err := f.Close(); err != nil {
					t.Fatal(err)
				}
				b, err := os.ReadFile(name)
				if err != nil || !bytes.Equal(b, append(append(old, all...), "ekor"...)) {
					t.Fatalf("%d after %d: the file has something else", n, before)
				}
			}
		}
	}
}

// What came before the sender broke off is kept, and the error told.
func TestCopyKeepsWhatCame(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "berkas"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all := random(3<<20 + 77)
	broken := errors.New("putus")
	n, err := durable.Copy(f, io.MultiReader(bytes.NewReader(all), iotest.ErrReader(broken)), 0)
	if !errors.Is(err, broken) || n != int64(len(all)) {
		t.Fatalf("got %d, %v", n, err)
	}
	if b, err := os.ReadFile(f.Name()); err != nil || !bytes.Equal(b, all) {
		t.Error("not what came")
	}
}
