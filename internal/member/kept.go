package member

import (
	"errors"
	"os"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/internal/durable"
)

// readKept reads a file that may not be there yet.
func readKept(name string) ([]byte, error) {
	if name == "" {
		return nil, nil
	}
	b, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	return b, err
}

// remember takes the tree as the last one seen, and begins to keep it. The function
// that it returns waits for the end of that.
func (s *Session) remember(t tlog.Tree, checkpoint []byte) (kept func() error) {
	s.mu.Lock()
	s.seen = t
	log := s.log
	s.mu.Unlock()
	if s.c.Seen == "" {
		return func() error { return nil }
	}
	done := make(chan error, 1)
	go func() { done <- s.keep(t, checkpoint, log) }()
	return func() error { return <-done }
}

// keep writes the tree's checkpoint to the file.
func (s *Session) keep(t tlog.Tree, checkpoint []byte, log note.Verifier) error {
	s.keeping.Lock()
	defer s.keeping.Unlock()
	// Another session of the member may have come further meanwhile.
	if kept, err := readKept(s.c.Seen); err == nil && kept != nil {
		if k, err := accesslog.OpenCheckpoint(kept, log); err == nil && k.N > t.N {
			return nil
		}
	}
	return durable.ReplaceFile(s.c.Seen, checkpoint, 0o600)
}
