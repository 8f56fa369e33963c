package metadata_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"suluh.example/suluh/internal/metadata"
)

// inspected are made files of all kinds, with what exiftool, FFmpeg, LibreOffice
// and qpdf write into them, by name.
func inspected(t testing.TB) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob("testdata/inspect/*.*")
	must(t, err)
	all := map[string][]byte{}
	for _, p := range paths {
		if filepath.Base(p) != "findings.txt" {
			all[filepath.Base(p)], err = os.ReadFile(p)
			must(t, err)
		}
	}
	if len(all) < 25 {
		t.Fatalf("%d files", len(all))
	}
	return all
}

// written is an inspection as findings.txt has it.
func written(name string, i metadata.Inspection) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n", name, i.Kind)
	for _, f := range i.Findings {
		fmt.Fprintf(&b, "\t%s\n", strings.TrimSpace(string(f.What)+" "+f.Value))
	}
	return b.String()
}

// TestWhatFilesTell: findings.txt says what, file by file.
func TestWhatFilesTell(t *testing.T) {
	want, err := os.ReadFile("testdata/inspect/findings.txt")
	must(t, err)
	for name, b := range inspected(t) {
		got := written(name, metadata.Inspect(bytes.NewReader(b), int64(len(b))))
		if !strings.Contains("\n"+string(want), "\n"+got) {
			t.Errorf("found:\n%s", got)
		}
	}
}

// counted says how much is read of a file that is large and of one kind of byte
// after its beginning.
type counted struct {
	head, tail []byte
	size, read int64
	most       int
}

func (c *counted) ReadAt(p []byte, at int64) (int, error) {
	c.read += int64(len(p))
	c.most = max(c.most, len(p))
	clear(p)
	if at < int64(len(c.head)) {
		copy(p, c.head[at:])
	}
	if from := c.size - int64(len(c.tail)); at+int64(len(p)) > from {
		copy(p[max(0, from-at):], c.tail[max(0, at-from):])
	}
	if at+int64(len(p)) > c.size {
		return int(c.size - at), io.EOF
	}
	return len(p), nil
}

// TestInspectingIsBounded: a file of a terabyte is read in part, and it is
// said.
func TestInspectingIsBounded(t *testing.T) {
	for name, b := range inspected(t) {
		c := &counted{head: b, tail: b, size: 1 << 40}
		i := metadata.Inspect(c, c.size)
		if c.read > 64<<20 || c.most > 1<<20 {
			t.Errorf("%s: %d bytes were read, %d at once", name, c.read, c.most)
		}
		if len(i.Findings) > 24 {
			t.Errorf("%s: %d findings", name, len(i.Findings))
		}
		if strings.HasSuffix(name, ".pdf") && i.Findings[len(i.Findings)-1].What != metadata.WhatUnreadable && i.Findings[len(i.Findings)-1].What != metadata.WhatPartly {
			t.Errorf("%s: it isn't said that it was looked through in part: %v", name, i.Findings)
		}
	}
}

// FuzzInspect: whatever a file is, little is found, in one line each.
func FuzzInspect(f *testing.F) {
	for _, b := range inspected(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		i := metadata.Inspect(bytes.NewReader(b), int64(len(b)))
		if len(i.Findings) > 24 {
			t.Errorf("%d findings", len(i.Findings))
		}
		for _, f := range i.Findings {
			if len([]rune(f.Value)) > 121 || strings.ContainsFunc(f.Value, func(r rune) bool { return r < ' ' || r == 0x7f || 0x202a <= r && r <= 0x202e }) {
				t.Errorf("%s: %q", f.What, f.Value)
			}
		}
	})
}
