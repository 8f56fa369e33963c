package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/cpuguy83/go-md2man/v2/md2man"
)

var packaged = flag.String("packaged", "", "write man pages and completions into this folder")

// TestHelpIsPackaged writes what tools/deb packs, when it asks for it.
func TestHelpIsPackaged(t *testing.T) {
	dir := *packaged
	if dir == "" {
		dir = t.TempDir()
	}
	writeHelp(t, dir)
}

// writeHelp makes a man page for each command and completions for three shells,
// from the one table of commands.
func writeHelp(t *testing.T, dir string) {
	t.Helper()
	var c cli
	parser, err := table(&c)
	must(t, err)
	all := places(parser.Model.Node)
	must(t, os.MkdirAll(filepath.Join(dir, "man"), 0o755))
	must(t, os.MkdirAll(filepath.Join(dir, "completions"), 0o755))
	for _, p := range all {
		must(t, os.WriteFile(filepath.Join(dir, "man", p.page()+".1"), p.man(all), 0o644))
	}
	for name, text := range map[string][]byte{"suluh.bash": bashCompletion(all), "_suluh": zshCompletion(all), "suluh.fish": fishCompletion(all)} {
		must(t, os.WriteFile(filepath.Join(dir, "completions", name), text, 0o644))
	}
}

// place is a command, or a group of commands, as somebody at a shell sees it.
type place struct {
	*kong.Node
	path  string // of words after suluh
	flags []*kong.Flag
}

// places returns all that aren't hidden, each after what holds it.
func places(n *kong.Node) []place {
	p := place{Node: n}
	if n.Type != kong.ApplicationNode {
		p.path = strings.TrimPrefix(n.FullPath(), "suluh ")
	}
	for _, group := range n.AllFlags(true) {
		p.flags = append(p.flags, group...)
	}
	if d := n.DefaultCmd; d != nil { // whose flags may follow the group at once
		p.flags = append(p.flags, d.Flags...)
	}
	slices.SortFunc(p.flags, func(a, b *kong.Flag) int { return strings.Compare(a.Name, b.Name) })
	all := []place{p}
	for _, c := range p.commands() {
		all = append(all, places(c)...)
	}
	return all
}

func (p place) commands() (shown []*kong.Node) {
	for _, c := range p.Children {
		if !c.Hidden {
			shown = append(shown, c)
		}
	}
	return shown
}

// page is the name of the man page.
func (p place) page() string {
	return strings.TrimSuffix("suluh-"+strings.ReplaceAll(p.path, " ", "-"), "-")
}

var special = regexp.MustCompile("[\\\\`*_<>\\[\\]|]")

// man writes the man page, by way of Markdown.
func (p place) man(all []place) []byte {
	plain := func(s string) string { return special.ReplaceAllString(s, `\$0`) }
	var b strings.Builder
	fmt.Fprintf(&b, "%% %s 1 \"\" Suluh \"Commands of Suluh\"\n\n# NAME\n\n%s - %s\n\n# SYNOPSIS\n\n", strings.ToUpper(p.page()), p.page(), plain(strings.TrimSuffix(p.Help, ".")))
	if len(p.commands()) > 0 {
		fmt.Fprintf(&b, "**%s** COMMAND …\n\n", strings.TrimSpace("suluh "+p.path))
	}
	if p.Type == kong.CommandNode && (len(p.commands()) == 0 || p.DefaultCmd != nil) {
		of := p.Node
		if p.DefaultCmd != nil {
			of = p.DefaultCmd
		}
		b.WriteString("**suluh** " + plain(strings.TrimPrefix(of.Summary(), "suluh ")) + "\n\n")
	}
	if p.Detail != "" {
		b.WriteString("# DESCRIPTION\n\n" + manDetail(p.Detail, plain) + "\n\n")
	}
	if commands := p.commands(); len(commands) > 0 {
		b.WriteString("# COMMANDS\n\n")
		for _, c := range commands {
			fmt.Fprintf(&b, "**%s**\n: %s\n\n", c.Name, plain(c.Help))
		}
	}
	if len(p.Positional) > 0 {
		b.WriteString("# ARGUMENTS\n\n")
		for _, a := range p.Positional {
			fmt.Fprintf(&b, "*%s*\n: %s\n\n", strings.Trim(a.Summary(), "<>[]"), plain(a.Help))
		}
	}
	b.WriteString("# OPTIONS\n\n")
	for _, f := range p.flags {
		if f.Hidden {
			continue
		}
		fmt.Fprintf(&b, "**%s**\n: %s", plain(f.Summary()), plain(f.Help))
		if f.Required {
			b.WriteString(" Required.")
		}
		if f.HasDefault && f.Default != "" && !f.IsBool() && !strings.Contains(f.Summary(), f.Default) {
			fmt.Fprintf(&b, " Default: %s.", plain(f.Default))
		}
		b.WriteString("\n\n")
	}
	b.WriteString("# EXIT STATUS\n\n0 when done, 1 when something failed, 2 for wrong usage. Results go to standard output, errors and hints to standard error.\n\n# SEE ALSO\n\n")
	var also []string
	for _, o := range all {
		if near := p.path == "" || o.Node == p.Parent || o.Parent == p.Parent || o.Parent == p.Node; near && o.path != p.path {
			also = append(also, fmt.Sprintf("**%s**(1)", o.page()))
		}
	}
	b.WriteString(strings.Join(also, ", ") + "\n\nThe guides are in /usr/share/doc/suluh.\n")
	return append(bytes.TrimSpace(md2man.Render([]byte(b.String()))), '\n')
}

// manDetail is a command's help as Markdown, its examples as code.
func manDetail(text string, plain func(string) string) string {
	var b strings.Builder
	code := false
	for line := range strings.Lines(text) {
		if example := strings.HasPrefix(line, "  "); example != code {
			b.WriteString("\n")
			code = example
		}
		if code {
			b.WriteString("    " + strings.TrimPrefix(line, "  "))
		} else {
			b.WriteString(plain(line))
			if strings.HasSuffix(line, ".\n") {
				b.WriteString("\n")
			}
		}
	}
	return b.String()
}

// steps are the pairs of a place and a word by which one gets to another place.
func steps(all []place) []string {
	var s []string
	for _, p := range all[1:] {
		s = append(s, "'"+strings.TrimPrefix(p.Parent.FullPath(), "suluh")+"/"+p.Name+"'")
	}
	return s
}

func (p place) at() string { return strings.TrimSuffix(" "+p.path, " ") }

func bashCompletion(all []place) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, `# Completion of suluh for bash, made from its table of commands.
_suluh() {
    local cur=${COMP_WORDS[COMP_CWORD]} at= words= i
    for ((i = 1; i < COMP_CWORD; i++)); do
        case "$at/${COMP_WORDS[i]}" in
        %s) at="$at ${COMP_WORDS[i]}" ;;
        esac
    done
    case "$at" in
`, strings.Join(steps(all), "|"))
	for _, p := range all {
		var words []string
		for _, c := range p.commands() {
			words = append(words, c.Name)
		}
		for _, f := range p.flags {
			if !f.Hidden {
				words = append(words, "--"+f.Name)
			}
		}
		fmt.Fprintf(&b, "    '%s') words='%s' ;;\n", p.at(), strings.Join(words, " "))
	}
	b.WriteString(`    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}
complete -o default -F _suluh suluh
`)
	return []byte(b.String())
}

func zshCompletion(all []place) []byte {
	quote := func(s string) string { return strings.ReplaceAll(s, "'", `'\''`) }
	var b strings.Builder
	fmt.Fprintf(&b, `#compdef suluh
# Completion of suluh for zsh, made from its table of commands.
_suluh() {
    local at= i
    local -a commands flags
    for ((i = 2; i < CURRENT; i++)); do
        case "$at/$words[i]" in
        (%s) at="$at $words[i]" ;;
        esac
    done
    case "$at" in
`, strings.Join(steps(all), "|"))
	for _, p := range all {
		fmt.Fprintf(&b, "    ('%s')\n        commands=(", p.at())
		for _, c := range p.commands() {
			fmt.Fprintf(&b, "\n            '%s:%s'", c.Name, quote(c.Help))
		}
		b.WriteString(")\n        flags=(")
		for _, f := range p.flags {
			if !f.Hidden {
				fmt.Fprintf(&b, "\n            '--%s:%s'", f.Name, quote(f.Help))
			}
		}
		b.WriteString(") ;;\n")
	}
	b.WriteString(`    esac
    if [[ $words[CURRENT] == -* ]]; then
        _describe -o flag flags
    elif (( $#commands )); then
        _describe command commands
    else
        _files
    fi
}
_suluh "$@"
`)
	return []byte(b.String())
}

func fishCompletion(all []place) []byte {
	quote := func(s string) string { return strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) }
	var b strings.Builder
	fmt.Fprintf(&b, `# Completion of suluh for fish, made from its table of commands.
function __suluh_at --description 'Whether the words so far lead to this command'
    set -l at ''
    for word in (commandline -opc)[2..-1]
        if contains -- "$at/$word" %s
            set at "$at $word"
        end
    end
    test "$at" = "$argv[1]"
end

`, strings.Join(steps(all), " "))
	for _, p := range all {
		is := fmt.Sprintf("complete -c suluh -n '__suluh_at \"%s\"'", p.at())
		if len(p.commands()) > 0 {
			b.WriteString(is + " -f\n")
		}
		for _, c := range p.commands() {
			fmt.Fprintf(&b, "%s -a %s -d '%s'\n", is, c.Name, quote(c.Help))
		}
		for _, f := range p.flags {
			if f.Hidden {
				continue
			}
			value := " -r -F"
			if f.IsBool() {
				value = ""
			}
			fmt.Fprintf(&b, "%s -l %s%s -d '%s'\n", is, f.Name, value, quote(f.Help))
		}
	}
	return []byte(b.String())
}

// TestCompletionsComplete asks each shell what it would offer.
func TestCompletionsComplete(t *testing.T) {
	dir := t.TempDir()
	writeHelp(t, dir)
	dir = filepath.Join(dir, "completions")
	for _, c := range []struct {
		typed       string
		want, never string
	}{
		{"suluh ", "vault audit submit", "--dir init"},
		{"suluh va", "vault", "audit submit"},
		{"suluh vault ", "init batch roster", "submit"},
		{"suluh vault --", "--dir --max-bytes", "--origin"},
		{"suluh vault init --o", "--origin", "--dir --max-bytes"},
		{"suluh --help audit verify --", "--log-key", "--origin"},
	} {
		// zsh's own functions, which need a terminal, are replaced by such as print.
		for shell, cmd := range map[string]*exec.Cmd{
			"bash": exec.Command("bash", "-c", `source "$0/suluh.bash"; IFS=' ' read -ra COMP_WORDS <<<"$1"; [[ $1 == *" " ]] && COMP_WORDS+=("")
				COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _suluh; printf '%s\n' "${COMPREPLY[@]}"`, dir, c.typed),
			"zsh": exec.Command("zsh", "-f", "-c", `words=(${(z)1}); [[ $1 == *" " ]] && words+=(""); CURRENT=$#words
				_describe() { print -rl -- ${${(P)@[-1]}%%:*} | grep -e "^$words[CURRENT]" || true; }; _files() { :; }; source "$0/_suluh"`, dir, c.typed),
			"fish": exec.Command("fish", "--no-config", "-c", `source $argv[1]/suluh.fish; complete -C $argv[2]`, dir, c.typed),
		} {
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Errorf("%s: %v\n%s", shell, err, out)
				continue
			}
			var offered []string
			for line := range strings.Lines(string(out)) {
				word, _, _ := strings.Cut(strings.TrimSpace(line), "\t")
				offered = append(offered, word)
			}
			for _, w := range strings.Fields(c.want) {
				if !slices.Contains(offered, w) {
					t.Errorf("%s, after %q: offers %q, not %s", shell, c.typed, offered, w)
				}
			}
			for _, w := range strings.Fields(c.never) {
				if slices.Contains(offered, w) {
					t.Errorf("%s, after %q: offers %s", shell, c.typed, w)
				}
			}
		}
	}
}

// TestManPagesAreSound has man itself look for mistakes.
func TestManPagesAreSound(t *testing.T) {
	dir := t.TempDir()
	writeHelp(t, dir)
	pages, err := filepath.Glob(filepath.Join(dir, "man", "*.1"))
	must(t, err)
	if len(pages) < 10 {
		t.Fatalf("there are %d pages", len(pages))
	}
	out, err := exec.Command("groff", append([]string{"-man", "-Tutf8", "-Kutf8", "-ww", "-z"}, pages...)...).CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
	cmd := exec.Command("man", "-l", filepath.Join(dir, "man", "suluh-vault-init.1"))
	cmd.Env = append(os.Environ(), "MANWIDTH=80", "LC_ALL=C.UTF-8")
	shown, err := cmd.Output()
	must(t, err)
	for _, want := range []string{"NAME", "--origin", "Name of the access log", "suluh vault init --dir /var/lib/suluh/vault", "SEE ALSO"} {
		if !strings.Contains(string(shown), want) {
			t.Errorf("the page doesn't show %q:\n%s", want, shown)
		}
	}
}
