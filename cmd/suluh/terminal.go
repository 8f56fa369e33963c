package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"

	"suluh.example/suluh/crypto/hidden"
)

// maxSecret is the most bytes of a passphrase or a code that is read.
const maxSecret = 4 << 10

// openInput opens a file, or standard input if it is called "-".
func openInput(name string) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(os.Stdin), nil
	}
	return os.Open(name)
}

// askSecret reads one secret line: from a file if one is named ("-": standard
// input), else from the terminal without showing what is typed. Secrets never
// come from arguments, where every user of the machine sees them.
func askSecret(prompt, file string) (hidden.Value[string], error) {
	if file == "-" {
		return hiddenLine(os.Stdin)
	}
	if file != "" {
		f, err := os.Open(file)
		if err != nil {
			return hidden.Value[string]{}, err
		}
		defer f.Close()
		return hiddenLine(f)
	}
	in, out, err := openTerminal()
	if err != nil {
		return hidden.Value[string]{}, errors.New("there is no terminal to ask at; name a file that has the secret on its first line, or - for standard input")
	}
	defer in.Close()
	defer out.Close()
	fmt.Fprintf(out, "%s: ", prompt)
	b, err := term.ReadPassword(int(in.Fd()))
	defer clear(b)
	fmt.Fprintln(out)
	if err != nil {
		return hidden.Value[string]{}, fmt.Errorf("read from the terminal: %w", err)
	}
	return hidden.Of(string(b)), nil
}

// testOnlyWorkFactor makes the sealing of keys quick in tests; 0 is the usual.
var testOnlyWorkFactor int

// minSecret is the fewest characters of a passphrase that is chosen now.
const minSecret = 12

// askNewSecret asks for a secret that is chosen now: twice, unless it comes
// from a file.
func askNewSecret(prompt, file string) (hidden.Value[string], error) {
	first, err := askSecret(prompt, file)
	if err != nil {
		return hidden.Value[string]{}, err
	}
	if utf8.RuneCountInString(first.Reveal()) < minSecret {
		return hidden.Value[string]{}, withHint(fmt.Errorf("the passphrase has fewer than %d characters; nothing was changed", minSecret), "several words are easy to remember and hard to guess")
	}
	if file != "" {
		return first, nil
	}
	again, err := askSecret(prompt+" (again)", "")
	if err != nil {
		return hidden.Value[string]{}, err
	}
	if !hidden.Equal(first, again) {
		return hidden.Value[string]{}, errors.New("the two are not the same; nothing was changed")
	}
	return first, nil
}

func hiddenLine(r io.Reader) (hidden.Value[string], error) {
	s, err := firstLine(r)
	return hidden.Of(s), err
}

// firstLine reads a line, so that a file made with an editor or with echo
// gives the secret without its line end. It reads no further, so that a text
// may follow on standard input.
func firstLine(r io.Reader) (string, error) {
	line := make([]byte, 0, maxSecret+1) // it doesn't grow, which would leave a copy
	defer func() { clear(line[:cap(line)]) }()
	for b := make([]byte, 1); len(line) <= maxSecret && !bytes.HasSuffix(line, []byte("\n")); {
		n, err := r.Read(b)
		line = append(line, b[:n]...)
		clear(b)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return "", err
		}
	}
	line = bytes.TrimRight(line, "\r\n")
	if len(line) == 0 || len(line) > maxSecret || strings.ContainsRune(string(line), 0) {
		return "", errors.New("the first line has no secret, or one that is too long")
	}
	return string(line), nil
}

// next tells people what comes next, where it doesn't get into a result.
func next(lines ...string) {
	for _, l := range lines {
		fmt.Fprintln(os.Stderr, l)
	}
}
