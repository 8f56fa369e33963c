package queuetest_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"

	"suluh.example/suluh/internal/forward"
	"suluh.example/suluh/internal/forward/httpqueue"
	"suluh.example/suluh/internal/forward/open311"
	"suluh.example/suluh/internal/forward/sp4n"
)

// TestDocs: the examples in docs/operations.md are configurations that work, once
// there are credentials.
func TestDocs(t *testing.T) {
	text, err := os.ReadFile("../../../docs/operations.md")
	must(t, err)
	seen := map[string]bool{}
	dir := t.TempDir()
	t.Setenv("CREDENTIALS_DIRECTORY", dir)
	for _, name := range []string{"open311-key", "sp4n-auth", "sp4n-token", "redmine-key"} {
		must(t, os.WriteFile(filepath.Join(dir, name), []byte("rahasia-contoh"), 0o600))
	}
	for _, block := range regexp.MustCompile("(?s)```toml\n(queue = .*?)```").FindAllStringSubmatch(string(text), -1) {
		var file struct {
			Queue   string           `toml:"queue"`
			Open311 open311.Config   `toml:"open311"`
			SP4N    sp4n.Config      `toml:"sp4n"`
			HTTP    httpqueue.Config `toml:"http"`
		}
		md, err := toml.Decode(block[1], &file)
		must(t, err)
		if file.Queue == "spool" {
			continue
		}
		for _, k := range md.Undecoded() {
			if !strings.HasPrefix(k.String(), "http.send.json.") { // the queue's keys: the decoder forgets some
				t.Errorf("%s: unknown key %s", file.Queue, k)
			}
		}
		var c forward.Connector
		switch client := dial(t); file.Queue {
		case "open311":
			c, err = open311.New(file.Open311, client)
		case "sp4n":
			c, err = sp4n.New(file.SP4N, client)
		case "http":
			c, err = httpqueue.New(file.HTTP, client)
		}
		if c == nil || err != nil {
			t.Errorf("%s: %v", file.Queue, err)
		}
		seen[file.Queue] = true
	}
	if len(seen) != 3 {
		t.Errorf("there are examples of %v", seen)
	}
}
