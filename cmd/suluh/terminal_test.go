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
			if got != c.want || (err == nil) != (c.want != "") {
				t.Errorf("got %q, %v", got, err)
			}
			if err != nil && strings.Contains(err.Error(), "aaa") {
				t.Error("the secret is in the error")
			}
		})
	}
}

func TestTextOfOthersIsHarmlessOnATerminal(t *testing.T) {
	for in, want := range map[string]string{
		"Dinas “Contoh” ü 漢字":      "Dinas “Contoh” ü 漢字",
		"\x1b[2J\x1b]0;judul\x07":  "<U+001B>[2J<U+001B>]0;judul<U+0007>",
		"a\u202egnp.exe\u2066":     "a<U+202E>gnp.exe<U+2066>",
		"satu\r\ndua\ttiga\u2028.": "satu<U+000D> dua tiga<U+2028>.",
		"\u009b31m\x00\u200b":      "<U+009B>31m<U+0000><U+200B>",
		"\xff":                     "�",
	} {
		if got := shown(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
	if got := shownLines("satu\r\ndua\x1b"); got != "satu\ndua<U+001B>" {
		t.Errorf("got %q", got)
	}
}
