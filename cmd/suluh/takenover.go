//go:build takenover

package main

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"

	"suluh.example/suluh/internal/breakout"
)

// backDoor is the path below which a part of this build tries to break out.
const backDoor = "/pintu-belakang/"

// takenOver puts a back door before a part: whoever asks has an attempt of
// breakout made inside it, as if he had taken it over. Only the tests build this
// (tag takenover).
func takenOver(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, ok := strings.CutPrefix(r.URL.Path, backDoor)
		if !ok {
			h.ServeHTTP(w, r)
			return
		}
		var t breakout.Targets
		if err := json.NewDecoder(r.Body).Decode(&t); err != nil {
			http.Error(w, "no targets", http.StatusBadRequest)
			return
		}
		for _, a := range breakout.Attempts() {
			if a.Name == name {
				outcome := breakout.Open
				if a.Try(t) != nil {
					outcome = breakout.Refused
				}
				_, _ = io.WriteString(w, string(outcome))
				return
			}
		}
		http.NotFound(w, r)
	})
}
