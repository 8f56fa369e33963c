package queuetest_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"suluh.example/suluh/internal/forward/config"
	"suluh.example/suluh/internal/lang"
)

// TestDocs: the examples in docs/operations.md are configurations that work, once
// there are credentials.
func TestDocs(t *testing.T) {
	text, err := os.ReadFile("../../../docs/operations.md")
	must(t, err)
	words, err := lang.Load()
	must(t, err)
	dir := t.TempDir()
	t.Setenv("CREDENTIALS_DIRECTORY", dir)
	for _, name := range []string{"open311-key", "sp4n-auth", "sp4n-token", "redmine-key"} {
		must(t, os.WriteFile(filepath.Join(dir, name), []byte("rahasia-contoh"), 0o600))
	}
	seen := map[string]bool{}
	for _, block := range regexp.MustCompile("(?s)```toml\n(queue = .*?)```").FindAllStringSubmatch(string(text), -1) {
		c, err := config.Parse("example.toml", block[1])
		if err != nil {
			t.Error(err)
			continue
		}
		seen[c.Queue] = true
		if c.Queue == "spool" {
			continue // its folder is made
		}
		if _, err := c.Connector(words, nil); err != nil {
			t.Error(err)
		}
	}
	if !seen["open311"] || !seen["sp4n"] || !seen["http"] {
		t.Errorf("there are examples of %v", seen)
	}
}
