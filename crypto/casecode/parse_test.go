package casecode_test

import (
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"testing"

	"suluh.example/suluh/crypto/casecode"
)

// parsed is a line of testdata/parse.json: how a code that was typed is read,
// here and in the browser.
type parsed struct {
	Typed       string       `json:"typed"`
	Code        string       `json:"code,omitempty"`
	Corrections []correction `json:"corrections,omitempty"`
	Error       string       `json:"error,omitempty"`
	Got         int          `json:"got,omitempty"`
	Place       int          `json:"place,omitempty"`
	Word        string       `json:"word,omitempty"`
	Suggestion  string       `json:"suggestion,omitempty"`
}

type correction struct {
	Place int    `json:"place"`
	Typed string `json:"typed"`
	Word  string `json:"word"`
}

func parse(typed string) parsed {
	p := parsed{Typed: typed}
	code, made, err := casecode.Parse(typed)
	var count *casecode.CountError
	var word *casecode.WordError
	switch {
	case err == nil:
		p.Code = code.Reveal()
		for _, c := range made {
			p.Corrections = append(p.Corrections, correction(c))
		}
	case errors.Is(err, casecode.ErrEmpty):
		p.Error = "empty"
	case errors.Is(err, casecode.ErrChecksum):
		p.Error = "checksum"
	case errors.As(err, &count):
		p.Error, p.Got = "count", count.Got
	case errors.As(err, &word):
		p.Error, p.Place, p.Word, p.Suggestion = "word", word.Place, word.Typed, word.Suggestion
	}
	return p
}

// TestParseVectors holds what the browser's reading of codes is compared with.
func TestParseVectors(t *testing.T) {
	const file = "testdata/parse.json"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var vectors []parsed
	if err := json.Unmarshal(text, &vectors); err != nil || len(vectors) < 20 {
		t.Fatalf("%d vectors, %v", len(vectors), err)
	}
	errorsSeen := map[string]bool{}
	for i, want := range vectors {
		got := parse(want.Typed)
		if os.Getenv("SULUH_UPDATE") != "" {
			vectors[i] = got
		} else if !reflect.DeepEqual(got, want) {
			t.Errorf("%q: got %+v, want %+v", want.Typed, got, want)
		}
		errorsSeen[got.Error] = true
	}
	for _, e := range []string{"", "empty", "count", "word", "checksum"} {
		if !errorsSeen[e] {
			t.Errorf("no vector with error %q", e)
		}
	}
	if os.Getenv("SULUH_UPDATE") != "" {
		text, err := json.MarshalIndent(vectors, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, append(text, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
