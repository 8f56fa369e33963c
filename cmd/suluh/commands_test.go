package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

var update = flag.Bool("update", false, "write docs/commands.md anew")

// TestCommandsAreDocumented holds docs/commands.md to the one table of
// commands: go generate ./cmd/suluh writes it anew.
func TestCommandsAreDocumented(t *testing.T) {
	var c cli
	parser, err := table(&c)
	must(t, err)
	want := commandsDoc(t, parser.Model)
	file := filepath.Join("..", "..", "docs", "commands.md")
	if *update {
		must(t, os.WriteFile(file, want, 0o644))
	}
	got, err := os.ReadFile(file)
	must(t, err)
	if !bytes.Equal(got, want) {
		t.Error("docs/commands.md is not what the commands say; run: go generate ./cmd/suluh")
	}
}

// commandsDoc writes the table for people.
func commandsDoc(t *testing.T, app *kong.Application) []byte {
	var b strings.Builder
	b.WriteString(`# Commands

Made from the table of commands by ` + "`go generate ./cmd/suluh`" + `; each command says the same with ` + "`--help`" + `.

Results go to standard output, ` + "`suluh: error: …` and `suluh: hint: …`" + ` to standard error. The exit status is 0 when done, 1 when something failed, 2 for
wrong usage. Secrets are asked for at the terminal or read from a file, never taken from arguments.
`)
	groups := map[*kong.Node]bool{}
	for _, leaf := range app.Leaves(true) {
		for p := leaf.Parent; p != nil && p.Type != kong.ApplicationNode; p = p.Parent {
			if own := flagsOf(p); own != "" && !groups[p] {
				groups[p] = true
				fmt.Fprintf(&b, "\n## %s …\n\n%s\n\nFlags of all these commands:\n\n%s", p.FullPath(), detail(p), own)
			}
		}
		if leaf.Help == "" || leaf.Detail == "" || !strings.Contains(leaf.Detail, "Example") {
			t.Errorf("%s has no help with an example", leaf.FullPath())
		}
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n    suluh %s\n\n%s\n", leaf.FullPath(), leaf.Help, leaf.Summary(), detail(leaf))
		if args := argumentsOf(leaf); args != "" {
			b.WriteString("\n" + args)
		}
		if flags := flagsOf(leaf); flags != "" {
			b.WriteString("\n" + flags)
		}
	}
	return []byte(b.String())
}

// detail is a command's help, its examples indented as code.
func detail(n *kong.Node) string {
	var b strings.Builder
	before := false // the line before was an example
	for line := range strings.Lines(n.Detail) {
		example := strings.HasPrefix(line, "  ")
		switch {
		case example && !before:
			b.WriteString("\n    " + strings.TrimPrefix(line, "  "))
		case example:
			b.WriteString("    " + strings.TrimPrefix(line, "  "))
		default:
			b.WriteString(line)
			if strings.HasSuffix(line, ".\n") {
				b.WriteString("\n")
			}
		}
		before = example
	}
	return strings.TrimRight(strings.ReplaceAll(b.String(), "\n\n\n", "\n\n"), "\n")
}

func argumentsOf(n *kong.Node) string {
	var b strings.Builder
	for _, a := range n.Positional {
		fmt.Fprintf(&b, "- `%s`: %s\n", a.Summary(), a.Help)
	}
	return b.String()
}

func flagsOf(n *kong.Node) string {
	var b strings.Builder
	for _, f := range n.Flags {
		if f.Name == "help" || f.Hidden {
			continue
		}
		fmt.Fprintf(&b, "- `%s`: %s", f.Summary(), f.Help)
		if f.Required {
			b.WriteString(" Required.")
		}
		if f.HasDefault && f.Default != "" && !f.IsBool() && !strings.Contains(f.Summary(), f.Default) {
			fmt.Fprintf(&b, " Default: `%s`.", f.Default)
		}
		for _, e := range f.Envs {
			fmt.Fprintf(&b, " Or `$%s`.", e)
		}
		b.WriteString("\n")
	}
	return b.String()
}
