// Package marked puts what a command has measured into a page of docs/, between
// two marks. It must never change what stands around them.
package marked

import (
	"fmt"
	"os"
	"strings"
)

// Put puts a text between the line "<!-- COMMAND writes from here -->" and the
// line "<!-- to here -->" of a file.
func Put(file, command, text string) error {
	const end = "<!-- to here -->\n"
	begin := "<!-- " + command + " writes from here -->\n"
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	before, rest, ok := strings.Cut(string(b), begin)
	_, after, ended := strings.Cut(rest, end)
	if !ok || !ended {
		return fmt.Errorf("%s has no marks of %s to write between", file, command)
	}
	return os.WriteFile(file, []byte(before+begin+text+end+after), 0o644)
}
