// Package corpus reads the labelled complaints of internal/redact/testdata and
// measures what was found in them. It is for tests and measurements alone, and
// must never be part of the program: what counts as right is in
// docs/redaction.md, how the files are written in testdata/corpus/README.md.
package corpus

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"suluh.example/suluh/internal/redact"
)

// Complaint is one, with its labels.
type Complaint struct {
	File   string
	Number int // in the file, from 1
	Style  string
	Known  []redact.Known
	Text   string
	Labels []Label
}

// Label is a place in a text, in bytes.
type Label struct {
	Start, End int
	Kind       redact.Kind
}

// Read reads all files of a folder.
func Read(dir string) ([]Complaint, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.txt"))
	if err != nil {
		return nil, err
	}
	var all []Complaint
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		header, body, ok := strings.Cut(string(b), "\n\n")
		style, isStyle := strings.CutPrefix(strings.TrimSpace(header), "style: ")
		if !ok || !isStyle {
			return nil, fmt.Errorf("%s: no header", file)
		}
		for i, part := range strings.Split(body, "\n---\n") {
			c := Complaint{File: filepath.Base(file), Number: i + 1, Style: style}
			part = strings.Trim(part, "\n")
			if rest, ok := strings.CutPrefix(part, "known: "); ok {
				names, text, _ := strings.Cut(rest, "\n")
				for name := range strings.SplitSeq(names, ";") {
					c.Known = append(c.Known, redact.Known{Text: strings.TrimSpace(name)})
				}
				part = text
			}
			if err := c.parse(part); err != nil {
				return nil, fmt.Errorf("%s, complaint %d: %w", file, i+1, err)
			}
			all = append(all, c)
		}
	}
	return all, nil
}

func (c *Complaint) parse(s string) error {
	var b strings.Builder
	plain := func(s string) error {
		for {
			before, after, ok := strings.Cut(s, `\u`)
			b.WriteString(before)
			if !ok {
				return nil
			}
			if len(after) < 4 {
				return fmt.Errorf("\\u without four digits")
			}
			n, err := strconv.ParseUint(after[:4], 16, 16)
			if err != nil {
				return err
			}
			b.WriteRune(rune(n))
			s = after[4:]
		}
	}
	for {
		before, after, ok := strings.Cut(s, "{{")
		if err := plain(before); err != nil {
			return err
		}
		if !ok {
			c.Text = b.String()
			return nil
		}
		inner, rest, ok := strings.Cut(after, "}}")
		kind, text, ok2 := strings.Cut(inner, "|")
		if !ok || !ok2 || text == "" || strings.ContainsAny(text, "\n{|") || !slices.Contains(redact.Kinds(), redact.Kind(kind)) {
			return fmt.Errorf("label %.40q", inner)
		}
		start := b.Len()
		if err := plain(text); err != nil {
			return err
		}
		c.Labels = append(c.Labels, Label{start, b.Len(), redact.Kind(kind)})
		s = rest
	}
}

// Score is how well one kind was found.
type Score struct {
	Labels int // that there are
	Found  int // of them, touched by a span of the same kind
	Whole  int // of them, masked to the last letter, as whatever kind
	Spans  int // that were masked as the kind
	Right  int // of them, touching a label of the same kind
}

// Recall is how many of the labels were found, Precision how many of the
// spans were right; 1 where there are none.
func (s Score) Recall() float64    { return share(s.Found, s.Labels) }
func (s Score) Precision() float64 { return share(s.Right, s.Spans) }
func (s Score) Masked() float64    { return share(s.Whole, s.Labels) }

func share(n, of int) float64 {
	if of == 0 {
		return 1
	}
	return float64(n) / float64(of)
}

// Add adds another score.
func (s Score) Add(o Score) Score {
	return Score{s.Labels + o.Labels, s.Found + o.Found, s.Whole + o.Whole, s.Spans + o.Spans, s.Right + o.Right}
}

// Miss is a label that wasn't found, or a span where there is no label.
type Miss struct {
	Complaint Complaint
	Kind      redact.Kind
	Text      string
	False     bool // a span without a label
}

// Measure looks through the complaints.
func Measure(all []Complaint) (map[redact.Kind]Score, []Miss) {
	scores := map[redact.Kind]Score{}
	var misses []Miss
	for _, c := range all {
		spans := redact.New(redact.Options{Known: c.Known}).Find(c.Text)
		for _, l := range c.Labels {
			s := scores[l.Kind]
			s.Labels++
			found, at := false, l.Start
			for _, x := range spans {
				if x.Start < l.End && l.Start < x.End {
					found = found || x.Kind == l.Kind
					if x.Start <= at {
						at = max(at, x.End)
					}
				} else if x.Start >= l.Start && x.Start < l.End {
					break
				}
				if x.Start > at && x.Start < l.End && strings.Trim(c.Text[at:x.Start], " .,-/&") == "" {
					at = max(at, x.End)
				}
			}
			if found {
				s.Found++
			} else {
				misses = append(misses, Miss{c, l.Kind, c.Text[l.Start:l.End], false})
			}
			if at >= l.End {
				s.Whole++
			}
			scores[l.Kind] = s
		}
		for _, x := range spans {
			s := scores[x.Kind]
			s.Spans++
			if slices.ContainsFunc(c.Labels, func(l Label) bool { return l.Kind == x.Kind && x.Start < l.End && l.Start < x.End }) {
				s.Right++
			} else {
				misses = append(misses, Miss{c, x.Kind, c.Text[x.Start:x.End], true})
			}
			scores[x.Kind] = s
		}
	}
	return scores, misses
}
