//go:build !client

package main

import (
	"context"
	"net/http"
	"os"
	"path/filepath"

	"suluh.example/suluh/vault"
	"suluh.example/suluh/vault/wire"
)

// metricsHandler serves what may be watched from minute to minute, for
// Prometheus and its like: GET /metrics.
func metricsHandler(v *vault.Vault) http.Handler {
	m := http.NewServeMux()
	m.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		if err := v.WriteMetrics(r.Context(), w); err != nil {
			panic(http.ErrAbortHandler) // the vault's log says why
		}
	})
	return m
}

type metricsCmd struct {
	Dir string `required:"" type:"path" help:"Directory of the vault, which must run, or of its sockets where systemd hands them over."`
}

func (metricsCmd) Help() string {
	return `Prints the text that Prometheus reads; the vault serves it on metrics.sock, GET /metrics. What reporters do is counted by finished days only, and in tens: no number changes when a report comes.

Examples:
  suluh metrics --dir /var/lib/suluh/vault
  curl --unix-socket /var/lib/suluh/vault/metrics.sock http://vault/metrics`
}

func (c *metricsCmd) Run(ctx context.Context) error {
	text, err := wire.NewClient(filepath.Join(c.Dir, "metrics.sock"), "/", nil).Bytes(ctx, "metrics", 1<<20)
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(text)
	return err
}
