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

// The most that a page may load of script, in all: one for reporters, and the
// auditors' one.
const (
	mostGzipped      = 70 << 10
	mostAuditGzipped = 18 << 10
)

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
	for name, want := range map[string][]byte{"app.js": browser.App().Bytes, "worker.js": browser.Worker().Bytes, "audit.js": browser.Audit().Bytes} {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("dist/%s isn't what its sources give: go generate ./web/browser", name)
		}
	}
}

func TestBundlesAreSmall(t *testing.T) {
	gzipped := func(scripts ...browser.Script) (n int) {
		for _, s := range scripts {
			var b bytes.Buffer
			w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
			if _, err := w.Write(s.Bytes); err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			n += b.Len()
		}
		return n
	}
	for name, x := range map[string]struct{ got, most int }{
		"reporters": {gzipped(browser.App(), browser.Worker()), mostGzipped},
		"auditors":  {gzipped(browser.Audit()), mostAuditGzipped},
	} {
		if x.got > x.most {
			t.Errorf("the script of %s has %d bytes gzipped, over %d", name, x.got, x.most)
		}
		t.Logf("%s: %d bytes gzipped", name, x.got)
	}
}
