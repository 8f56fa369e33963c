package submission

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/internal/report"
)

// tagVectors are those of testdata/tags.json: the same form has the same tag
// and the same summary, here and in the browser.
type tagVector struct {
	Key    string        `json:"key"`
	Pair   [2]string     `json:"pair"` // that stands before the letter
	Letter report.Letter `json:"letter"`
	Marks  []id.Digest   `json:"marks,omitempty"` // of its contents
	Title  string        `json:"title"`
	Tag    id.Digest     `json:"tag"`
}

func TestTagVectors(t *testing.T) {
	const file = "testdata/tags.json"
	if os.Getenv("SULUH_UPDATE") != "" {
		writeTags(t, file)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var vectors []tagVector
	if err := json.Unmarshal(text, &vectors); err != nil || len(vectors) < 4 {
		t.Fatalf("%d vectors, %v", len(vectors), err)
	}
	for i, v := range vectors {
		if got := tagVectorOf(t, v); got != v.Tag {
			t.Errorf("%d: tag %s, want %s", i, got, v.Tag)
		}
		if v.Letter.Report != nil && v.Letter.Report.Title() != v.Title {
			t.Errorf("%d: title %q, want %q", i, v.Letter.Report.Title(), v.Title)
		}
	}
}

func tagVectorOf(t *testing.T, v tagVector) id.Digest {
	key, err := hex.DecodeString(v.Key)
	if err != nil {
		t.Fatal(err)
	}
	s := &Submission{tag: hmac.New(sha256.New, key), letter: v.Letter, marks: v.Marks}
	s.tagField(v.Pair[0], v.Pair[1])
	if err := s.tagLetter(); err != nil {
		t.Fatal(err)
	}
	return id.SumOf(s.tag)
}

func writeTags(t *testing.T, file string) {
	day, _ := id.ParseDay("2026-11-24")
	letter := func(change func(*report.Letter)) report.Letter {
		l := report.Letter{V: 1, Case: "K-AAAA-AAAA-AAAA-AAAA", Day: day, Language: "id", Unit: "itprov", Reporter: "age1pq1uji", Report: &report.Report{}}
		change(&l)
		return l
	}
	long := strings.Repeat("kata panjang ", 8)
	vectors := []tagVector{
		{Pair: [2]string{"unit", "itprov"}, Letter: letter(func(l *report.Letter) { l.Report.What = "Jalan <baru> & retak" })},
		{Pair: [2]string{"unit", "itprov"}, Letter: letter(func(l *report.Letter) {
			l.Without = []id.Member{"penelaah-dua", "penelaah-satu"}
			*l.Report = report.Report{
				What: "satu\ndua\tÅ \u2028 \u2029 😀 \"kutip\" \\ \u007f \ufeff", How: "b", Why: "c", Who: "d", Where: "e", When: "f",
				Category: "korupsi", Loss: "Rp 1.000.000", Others: "g", Already: "h", Keep: true,
			}
		})},
		{Pair: [2]string{"unit", "itjen"}, Marks: []id.Digest{id.DigestOf([]byte("a")), id.DigestOf([]byte("c"))}, Letter: letter(func(l *report.Letter) {
			l.Report.What = "  " + long + "\r\n akhir"
			l.Attachments = []report.Attachment{
				{Name: "foto “satu”.jpg", Type: "image/jpeg", Size: 12345, Object: id.DigestOf([]byte("b")), Hidden: report.HiddenRemoved},
				{Name: "", Type: "application/octet-stream", Size: 1 << 33, Object: id.DigestOf([]byte("d")), Hidden: report.HiddenKept},
			}
		})},
		{Pair: [2]string{"unit", "itprov"}, Letter: letter(func(l *report.Letter) { l.Report.What = strings.Repeat("é", 100) })},
		{Pair: [2]string{"unit", "itprov"}, Letter: letter(func(*report.Letter) {})},
		{Pair: [2]string{"reply", "0123456789abcdef0123456789abcdef"}, Letter: letter(func(l *report.Letter) { l.Report, l.Text, l.Language = nil, "Sudah <saya> kirim", "en" })},
	}
	for i := range vectors {
		v := &vectors[i]
		v.Key = strings.Repeat("5a", 32)
		if v.Letter.Report != nil {
			v.Title = v.Letter.Report.Title()
		}
		v.Tag = tagVectorOf(t, *v)
	}
	text, err := json.MarshalIndent(vectors, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, append(text, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}

// markVector is one of testdata/marks.json: the mark of so many bytes, of which
// each is its number's rest by 251.
type markVector struct {
	Key  string    `json:"key"` // of the tag
	Size int       `json:"size"`
	Mark id.Digest `json:"mark"`
}

// TestMarkVectors holds marks against vectors however the bytes come.
func TestMarkVectors(t *testing.T) {
	const file = "testdata/marks.json"
	content := make([]byte, 3*markChunk+1)
	for i := range content {
		content[i] = byte(i % 251)
	}
	of := func(v markVector, piece int) id.Digest {
		key, err := hex.DecodeString(v.Key)
		if err != nil {
			t.Fatal(err)
		}
		m, err := newMark(key)
		if err != nil {
			t.Fatal(err)
		}
		for c := range slices.Chunk(content[:v.Size], piece) {
			m.add(c)
		}
		return m.sum()
	}
	if os.Getenv("SULUH_UPDATE") != "" {
		var vectors []markVector
		for _, size := range []int{0, 1, 1000, markChunk - 1, markChunk, markChunk + 1, 3*markChunk + 1} {
			v := markVector{Key: strings.Repeat("5a", 32), Size: size}
			v.Mark = of(v, 1<<16)
			vectors = append(vectors, v)
		}
		text, err := json.MarshalIndent(vectors, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, append(text, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var vectors []markVector
	if err := json.Unmarshal(text, &vectors); err != nil || len(vectors) < 7 {
		t.Fatalf("%d vectors, %v", len(vectors), err)
	}
	seen := map[id.Digest]bool{}
	for _, v := range vectors {
		for _, piece := range []int{777, 64 << 10, 1 << 20} {
			if got := of(v, piece); got != v.Mark {
				t.Errorf("%d bytes in pieces of %d: mark %s, want %s", v.Size, piece, got, v.Mark)
			}
		}
		if seen[v.Mark] {
			t.Errorf("%d bytes: the mark of others", v.Size)
		}
		seen[v.Mark] = true
	}
}
