package queue

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode"
)

// Secret reads a credential as [readSecret] does. What the client says later never
// has it in it.
func (c *Client) Secret(key, name string) (string, error) {
	secret, err := readSecret(key, name)
	if err == nil {
		c.secrets = append(c.secrets, secret)
	}
	return secret, err
}

// readSecret reads a credential from a file, or, by a name without a slash, one
// that systemd hands over (LoadCredential=). Key is where the configuration says so.
func readSecret(key, name string) (string, error) {
	if name == "" {
		return "", Missing(key)
	}
	if !strings.Contains(name, "/") {
		dir := os.Getenv("CREDENTIALS_DIRECTORY")
		if dir == "" {
			return "", fmt.Errorf("%s: not a path, and systemd hands no credentials over", key)
		}
		name = filepath.Join(dir, name)
	}
	f, err := os.Open(name)
	if err != nil {
		return "", fmt.Errorf("%s: %w", key, plain(err))
	}
	defer f.Close()
	s, err := f.Stat()
	if err != nil {
		return "", fmt.Errorf("%s: %w", key, plain(err))
	}
	if s.Mode().IsRegular() && s.Mode()&0o004 != 0 {
		return "", fmt.Errorf("%s: everybody on this computer can read the file: chmod 600", key)
	}
	const most = 16 << 10
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return "", fmt.Errorf("%s: %w", key, plain(err))
	}
	secret := strings.TrimSpace(string(b))
	if secret == "" || len(b) > most || strings.ContainsFunc(secret, unicode.IsControl) {
		return "", fmt.Errorf("%s: %w", key, errors.New("the file isn't one line of text"))
	}
	return secret, nil
}

func (c *Client) scrub(s string) string {
	for _, secret := range c.secrets {
		s = strings.ReplaceAll(s, secret, "…")
	}
	return s
}
