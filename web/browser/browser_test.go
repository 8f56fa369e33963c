package browser_test

import (
	"bytes"
	"compress/gzip"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"suluh.example/suluh/web/browser"
)

// mostGzipped is the most that a page may load of script, in all.
const mostGzipped = 70 << 10

// TestBundleIsThatOfTheSources rebuilds the bundle and compares it byte for
// byte, so that what is served is what can be read.
func TestBundleIsThatOfTheSources(t *testing.T) {
	if _, err := os.Stat("node_modules"); err != nil {
		t.Fatal("the bundler isn't installed: make setup")
	}
	dir := t.TempDir()
	if out, err := exec.Command("node", "build.mjs", dir).CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	for name, want := range map[string][]byte{"app.js": browser.App().Bytes, "worker.js": browser.Worker().Bytes} {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("dist/%s isn't what its sources give: go generate ./web/browser", name)
		}
	}
}

func TestBundleIsSmall(t *testing.T) {
	total := 0
	for _, s := range []browser.Script{browser.App(), browser.Worker()} {
		var b bytes.Buffer
		w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
		if _, err := w.Write(s.Bytes); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		total += b.Len()
	}
	if total > mostGzipped {
		t.Errorf("the script has %d bytes gzipped, over %d", total, mostGzipped)
	}
	t.Logf("%d bytes gzipped", total)
}
