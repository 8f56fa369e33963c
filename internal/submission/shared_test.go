package submission

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
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
	s := &Submission{tag: hmac.New(sha256.New, key), letter: v.Letter}
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
		{Pair: [2]string{"unit", "itjen"}, Letter: letter(func(l *report.Letter) {
			l.Report.What = "  " + long + "\r\n akhir"
			l.Attachments = []report.Attachment{
				{Name: "foto “satu”.jpg", Type: "image/jpeg", Size: 12345, SHA256: id.DigestOf([]byte("a")), Object: id.DigestOf([]byte("b")), Hidden: report.HiddenRemoved},
				{Name: "", Type: "application/octet-stream", Size: 1 << 33, SHA256: id.DigestOf([]byte("c")), Object: id.DigestOf([]byte("d")), Hidden: report.HiddenKept},
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
