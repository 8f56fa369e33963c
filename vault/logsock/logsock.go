// Package logsock is the socket from which the audit part reads the access
// log: checkpoint, tiles, entry bundles and rosters, by the paths of C2SP
// tlog-tiles. It is read-only. Whoever can use it sees which member did what,
// so its file is for the audit part's group alone.
package logsock

import (
	"context"
	"errors"
	"net/http"
	"os"
)

// Vault is what the handler needs of the vault.
type Vault interface {
	// LogFile returns a file of the log; os.ErrNotExist for what isn't one.
	LogFile(ctx context.Context, path string) ([]byte, error)
}

// Handler serves the socket: GET /<path>.
func Handler(v Vault) http.Handler {
	m := http.NewServeMux()
	m.HandleFunc("GET /{path...}", func(w http.ResponseWriter, r *http.Request) {
		b, err := v.LogFile(r.Context(), r.PathValue("path"))
		switch {
		case errors.Is(err, os.ErrNotExist):
			http.Error(w, "no such file of the log", http.StatusNotFound)
		case err != nil:
			http.Error(w, "the vault could not read it; its log says why", http.StatusInternalServerError)
		default:
			w.Header().Set("Content-Type", "application/octet-stream")
			_, _ = w.Write(b)
		}
	})
	return m
}
