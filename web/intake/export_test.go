package intake

import (
	"errors"
	"io"
	"net/http"

	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/vault/depositsock"
)

// What tests look at from outside.
const (
	MaxText   = maxText
	MaxFields = maxFields
	MostText  = report.MaxText
	MostFiles = mostFiles
)

// Limit is the most bytes of attachments.
func (s *Server) Limit(state depositsock.State) int64 { return s.limit(state) }

// HasPersonalNumber is what the notice on the check page depends on.
var HasPersonalNumber = hasPersonalNumber

// ReadAll reads a body as the pages do: its texts, and the names and sizes of
// its files.
func ReadAll(r *http.Request) (texts map[string][]string, files map[string]int64, err error) {
	b := newBody(r)
	files = map[string]int64{}
	for {
		u, err := b.next()
		if errors.Is(err, io.EOF) {
			return b.texts, files, nil
		}
		if err != nil {
			return b.texts, files, err
		}
		n, err := io.Copy(io.Discard, u)
		if err != nil {
			return b.texts, files, err
		}
		files[u.Name] += n
	}
}
