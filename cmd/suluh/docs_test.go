package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// TestFormatsHaveAllVectors keeps docs/formats.md enough to write another
// implementation from: every value that our own tests hold stands in it.
func TestFormatsHaveAllVectors(t *testing.T) {
	docs, err := os.ReadFile("../../docs/formats.md")
	must(t, err)
	for _, file := range []string{"../../crypto/casecode/testdata/vectors.json", "../../internal/submission/testdata/vectors.json"} {
		text, err := os.ReadFile(file)
		must(t, err)
		var vectors []map[string]string
		must(t, json.Unmarshal(text, &vectors))
		for _, v := range vectors {
			for name, value := range v {
				// A text of several lines stands there indented.
				if !strings.Contains(string(docs), strings.ReplaceAll(strings.TrimSpace(value), "\n", "\n    ")) {
					t.Errorf("docs/formats.md lacks the %s of %s", name, file)
				}
			}
		}
	}
}
