//go:build !client

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"suluh.example/suluh/internal/serve"
)

// serveTCP serves a surface until the context ends. It says where on standard
// output, once, with the real port if 0 was asked for.
func serveTCP(ctx context.Context, name string, l net.Listener, h http.Handler, log *slog.Logger, stall time.Duration) error {
	// Whoever started the part waits for this line, and would wait for ever.
	if _, err := fmt.Printf("suluh %s: listening on http://%s/\n", name, l.Addr()); err != nil {
		return errors.Join(err, l.Close())
	}
	return serve.Run(ctx, serve.Config{Listener: l, Handler: takenOver(h), Log: log, Stall: stall})
}

// byteSize is a number of bytes: 1048576, 1MiB, 2GiB.
type byteSize int64

// UnmarshalText reads a size as people write it in flags.
func (s *byteSize) UnmarshalText(b []byte) error {
	number, shift := string(b), 0
	for i, unit := range []string{"KiB", "MiB", "GiB", "TiB"} {
		if n, ok := strings.CutSuffix(number, unit); ok {
			number, shift = n, 10*(i+1)
			break
		}
	}
	n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
	if err != nil || n < 1 || n > 1<<62>>shift {
		return errors.New("not a size such as 500MiB or 2GiB")
	}
	*s = byteSize(n << shift)
	return nil
}
