//go:build !client

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"suluh.example/suluh/internal/lang"
	"suluh.example/suluh/internal/redact"
)

// maxRedacted is the most bytes that are sanitised at once.
const maxRedacted = 8 << 20

type redactCmd struct {
	JSON  bool   `name:"json" help:"Print the text, and each thing masked with its place in the original, as JSON."`
	Known string `help:"File with what the report calls those involved, one a line."`
}

func (*redactCmd) Help() string {
	return `Reads a text from standard input and prints it with what is personal replaced by marks: [NIK], [NAMA], [TELEPON] and so on. It works on this
computer alone and keeps nothing. It proposes: somebody has to read the result before it goes anywhere, since no rule finds all.

Each line of the --known file is masked word by word wherever it occurs; titles, jobs and offices in it are not. A line may begin with a kind and
a colon, "ALAMAT: …", for what isn't a name.

With --json, "spans" are byte offsets into the original; "leftover" are places in the resulting text that look personal but weren't masked, such
as a job with its unit.

Examples:

    suluh redact <complaint.txt >sanitised.txt
    suluh redact --known who.txt <complaint.txt
    suluh redact --json <complaint.txt | jq '.spans[].kind'`
}

type redactedSpan struct {
	Start      int         `json:"start"`
	End        int         `json:"end"`
	Kind       redact.Kind `json:"kind"`
	Confidence float64     `json:"confidence"`
	Reason     string      `json:"reason"`
}

func (c *redactCmd) Run() error {
	known, err := readKnown(c.Known)
	if err != nil {
		return err
	}
	b, err := io.ReadAll(io.LimitReader(os.Stdin, maxRedacted+1))
	switch {
	case err != nil:
		return fmt.Errorf("read the text: %w", err)
	case len(b) > maxRedacted:
		return withHint(errors.New("the text is longer than 8 MB"), "sanitise it in parts")
	case !utf8.Valid(b):
		return withHint(errors.New("the text isn't UTF-8"), "convert it first, such as with iconv")
	}
	r, text := redact.New(redact.Options{Known: known}), string(b)
	spans := r.Find(text)
	masked := r.Apply(text, spans)
	left := r.Leftover(masked)
	if !c.JSON {
		if _, err := io.WriteString(os.Stdout, masked); err != nil {
			return err
		}
		if len(left) > 0 {
			fmt.Fprintf(os.Stderr, "suluh: hint: %d more places may be personal; --json lists them\n", len(left))
		}
		return nil
	}
	words, err := lang.Load()
	if err != nil {
		return err
	}
	en := words.Language("en")
	told := func(all []redact.Span) []redactedSpan {
		out := []redactedSpan{}
		for _, s := range all {
			out = append(out, redactedSpan{s.Start, s.End, s.Kind, s.Confidence, en.T(string(s.Reason))})
		}
		return out
	}
	return printJSON(struct {
		Text     string         `json:"text"`
		Spans    []redactedSpan `json:"spans"`
		Leftover []redactedSpan `json:"leftover"`
	}{masked, told(spans), told(left)})
}

// readKnown reads a file of names, a line each, some with their kind before a colon.
func readKnown(file string) (all []redact.Known, err error) {
	if file == "" {
		return nil, nil
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		k := redact.Known{Text: strings.TrimSpace(lines.Text())}
		if kind, rest, ok := strings.Cut(k.Text, ":"); ok {
			for _, x := range redact.Kinds() {
				if string(x) == strings.TrimSpace(kind) {
					k = redact.Known{Kind: x, Text: strings.TrimSpace(rest)}
				}
			}
		}
		if k.Text != "" {
			all = append(all, k)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	return all, nil
}
