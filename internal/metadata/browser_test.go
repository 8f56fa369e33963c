package metadata_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"io"
	"maps"
	"math/rand/v2"
	"os/exec"
	"regexp"
	"slices"
	"testing"

	"suluh.example/suluh/internal/metadata"
	"suluh.example/suluh/internal/report"
)

// browser is the half that runs in browsers, in node.
type browser struct {
	in  io.Writer
	out *bufio.Reader
}

func startBrowser(t testing.TB) *browser {
	t.Helper()
	cmd := exec.Command("node", "../../web/browser/compare.mjs")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	in, err := cmd.StdinPipe()
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err)
	if err := cmd.Start(); err != nil {
		t.Fatalf("node (make setup installs it): %v", err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("node: %v\n%s", err, stderr.Bytes())
		}
	})
	return &browser{in, bufio.NewReader(out)}
}

// said is what the browser's half says of a file.
type said struct {
	metadata.Inspection
	Size   int64         `json:"size"` // as told before it is read
	Hidden report.Hidden `json:"hidden"`
	Same   bool          `json:"same"` // telling the size and sending say the same
}

func (b *browser) file(t testing.TB, content []byte) (cleaned []byte, s said) {
	t.Helper()
	_, err := b.in.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(content))), content...))
	must(t, err)
	frame := func() []byte {
		head := make([]byte, 4)
		if _, err := io.ReadFull(b.out, head); err != nil {
			t.Fatalf("the browser's half ended: %v", err)
		}
		f := make([]byte, binary.BigEndian.Uint32(head))
		_, err := io.ReadFull(b.out, f)
		must(t, err)
		return f
	}
	cleaned = frame()
	must(t, json.Unmarshal(frame(), &s))
	return cleaned, s
}

// mayHaveXML matches files in whose kinds there is XML.
var mayHaveXML = regexp.MustCompile(`^PK|<x:xmpmeta|rdf\+xml|ns\.adobe\.com/x|XML:com\.adobe|XMP |_PMX|uuid`)

// compare says whether both halves do the same with a file, and find the same.
func (b *browser) compare(t testing.TB, name string, broken bool, content []byte) {
	t.Helper()
	want, result := clean(t, content)
	got, s := b.file(t, content)
	hidden := report.HiddenKept
	if result.Whole {
		hidden = report.HiddenRemoved
	} else if result.Removed != 0 {
		hidden = report.HiddenPartly
	}
	if !bytes.Equal(got, want) || s.Hidden != hidden || s.Kind != result.Kind {
		t.Errorf("%s: cleaned to %d bytes of %s (%s), by intake to %d of %s (%s)", name, len(got), s.Kind, s.Hidden, len(want), result.Kind, hidden)
	}
	if s.Size != int64(len(got)) || !s.Same {
		t.Errorf("%s: %d bytes were promised, %d came; same result: %t", name, s.Size, len(got), s.Same)
	}
	if broken && mayHaveXML.Match(content) { // Go's XML is stricter about where it ends
		return
	}
	if got, want := written(name, s.Inspection), written(name, metadata.Inspect(bytes.NewReader(content), int64(len(content)))); got != want {
		t.Errorf("the browser found:\n%sthe command line:\n%s", got, want)
	}
}

// TestTheBrowsersHalfDoesTheSame, over whole files and over broken ones.
func TestTheBrowsersHalfDoesTheSame(t *testing.T) {
	b := startBrowser(t)
	files := inspected(t)
	for name, photo := range photos(t) {
		files[name] = photo
	}
	for name, h := range unusual {
		files[name] = []byte(h.make())
	}
	r := rand.New(rand.NewPCG(1, 2))
	for _, name := range slices.Sorted(maps.Keys(files)) {
		file := files[name]
		b.compare(t, name, false, file)
		b.compare(t, name+" and more", false, append(bytes.Clone(file), secret...))
		for range 20 {
			b.compare(t, name+", broken", true, breakIn(r, file))
		}
	}
}

// breakIn returns a file that is changed, cut, or has a part twice.
func breakIn(r *rand.Rand, file []byte) []byte {
	b := bytes.Clone(file)
	for range 1 + r.IntN(3) {
		at := r.IntN(len(b))
		if r.IntN(2) == 0 { // where structure is
			at %= min(len(b), 512)
		}
		switch r.IntN(5) {
		case 0, 1:
			b[at] = byte(r.IntN(256))
		case 2:
			b[at] ^= 1 << r.IntN(8)
		case 3:
			b = b[:max(1, at)]
		case 4:
			n := min(r.IntN(64), len(b)-at)
			b = append(b[:at+n:at+n], b[at:]...)
		}
	}
	return b
}

// FuzzBrowser compares both halves.
func FuzzBrowser(f *testing.F) {
	for _, b := range photos(f) {
		f.Add(b)
	}
	for _, b := range inspected(f) {
		f.Add(b)
	}
	b := startBrowser(f)
	f.Fuzz(func(t *testing.T, content []byte) { b.compare(t, "file", true, content) })
}
