package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSecretIsTheFirstLine(t *testing.T) {
	for name, c := range map[string]struct{ file, want string }{
		"with a line end":   {"kata sandi\n", "kata sandi"},
		"of Windows":        {"kata sandi\r\nlain\r\n", "kata sandi"},
		"without line end":  {"kata sandi", "kata sandi"},
		"empty":             {"\nlain\n", ""},
		"longer than meant": {strings.Repeat("a", maxSecret+1), ""},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "secret")
			must(t, os.WriteFile(file, []byte(c.file), 0o600))
			got, err := askSecret("", file)
			if got.Reveal() != c.want || (err == nil) != (c.want != "") {
				t.Errorf("got %q, %v", got.Reveal(), err)
			}
			if err != nil && strings.Contains(err.Error(), "aaa") {
				t.Error("the secret is in the error")
			}
		})
	}
}
