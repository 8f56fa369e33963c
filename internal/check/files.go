package check

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/hidden"
)

// Files reads the log's files by their C2SP tlog-tiles paths, "checkpoint",
// "log.vkey" and "rosters/<digest>". What isn't there is os.ErrNotExist. It may
// be called from several goroutines at once.
type Files func(ctx context.Context, path string) ([]byte, error)

// maxFile is the most bytes of one file: a full bundle of the longest records.
const maxFile = accesslog.TileWidth * (2 + accesslog.MaxRecord)

// Source reads the log that a command line names: a URL, the vault's log.sock
// or an exported folder. The token is for a URL that gives entries to auditors
// only, or "".
func Source(name string, token hidden.Value[string]) (Files, error) {
	if strings.HasPrefix(name, "http://") || strings.HasPrefix(name, "https://") {
		return get(http.DefaultClient, strings.TrimSuffix(name, "/"), token), nil
	}
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, errors.New("there is no log at this place: it is neither a URL, nor a folder or socket that exists")
	case err != nil:
		return nil, err
	case info.Mode()&os.ModeSocket != 0:
		return Socket(name), nil
	case !info.IsDir():
		return nil, errors.New("a log is a folder, a URL or the vault's log.sock; this is a file")
	}
	return Directory(name), nil
}

// Directory reads an exported log.
func Directory(dir string) Files {
	return func(_ context.Context, path string) ([]byte, error) {
		f, err := os.Open(filepath.Join(dir, filepath.FromSlash(path)))
		if err != nil {
			return nil, err
		}
		defer f.Close()
		return readAll(path, f)
	}
}

// URL reads a log that is served below a URL without its last slash.
func URL(base string) Files { return get(http.DefaultClient, base, hidden.Value[string]{}) }

// Socket reads a log from the vault's log.sock.
func Socket(path string) Files {
	return SocketOver(func(ctx context.Context) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", path)
	})
}

// SocketOver reads a log from the vault's log.sock, which dial connects to.
func SocketOver(dial func(context.Context) (net.Conn, error)) Files {
	return get(&http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
	}}, "http://vault", hidden.Value[string]{})
}

func get(client *http.Client, base string, token hidden.Value[string]) Files {
	return func(ctx context.Context, path string) ([]byte, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/"+path, nil)
		if err != nil {
			return nil, err
		}
		if token := token.Reveal(); token != "" {
			req.Header.Set("Authorization", "Bearer "+token)
		}
		r, err := client.Do(req)
		if err != nil {
			return nil, err
		}
		defer r.Body.Close()
		switch r.StatusCode {
		case http.StatusOK:
			return readAll(path, r.Body)
		case http.StatusNotFound:
			return nil, fmt.Errorf("%s: %w", path, os.ErrNotExist)
		case http.StatusUnauthorized, http.StatusForbidden:
			return nil, fmt.Errorf("%s: only for auditors, who name their token with --token-file", path)
		}
		return nil, fmt.Errorf("%s: %s", path, http.StatusText(r.StatusCode))
	}
}

// size returns how long a file is, so that it is read into memory of that size, or
// 0 if that isn't known or too long.
func size(r io.Reader) int {
	if f, ok := r.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Size() <= maxFile {
			return int(info.Size())
		}
	}
	return 0
}

func readAll(path string, r io.Reader) ([]byte, error) {
	var in bytes.Buffer
	in.Grow(size(r) + bytes.MinRead)
	_, err := in.ReadFrom(io.LimitReader(r, maxFile+1))
	b := in.Bytes()
	if len(b) > maxFile {
		return nil, fmt.Errorf("%s: too large", path)
	}
	return b, err
}
