package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestCeremonyPage runs the commands of docs/ceremony.md, in their order and as
// they stand there, with somebody at the terminal.
func TestCeremonyPage(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "ceremony.md"))
	must(t, err)
	var script strings.Builder
	script.WriteString("mkdir usb\n")
	commands := 0
	for line := range strings.Lines(string(page)) {
		command, ok := strings.CutPrefix(line, "    ")
		if !ok {
			continue
		}
		commands++
		keys := "passphrase"
		if strings.Contains(command, "recovery try") {
			keys = "typed"
			script.WriteString("exec sh -c 'sed -n \"s/^[1-4]  //p\" sheet.html >typed'\n")
		}
		fmt.Fprintf(&script, "ttyin %s\nexec sh -ec '%s'\n", keys, strings.ReplaceAll(strings.TrimSpace(command), "'", "''"))
	}
	if commands < 20 {
		t.Fatalf("the page has %d commands", commands)
	}
	script.WriteString("exec suluh roster show --dir roster roster/roster-2.note\nstdout 'penelaah-satu .*REMOVED'\n")
	script.WriteString("-- passphrase --\nkata sandi yang panjang\nkata sandi yang panjang\n")
	file := filepath.Join(t.TempDir(), "page.txtar")
	must(t, os.WriteFile(file, []byte(script.String()), 0o600))
	testscript.Run(t, testscript.Params{Files: []string{file}})
}
