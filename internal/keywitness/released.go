package keywitness

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/sys/unix"

	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/internal/durable"
	"suluh.example/suluh/internal/released"
)

// The files of a key witness's directory.
const (
	rootFile     = "root.vkey"      // the key that rosters are signed with, pinned at the first start
	rosterFile   = "roster.note"    // the newest signed roster that it saw
	releasedFile = "released.jsonl" // what it has released: see [released.Share]
	lockFile     = "lock"           // held by the one that runs
)

// Errors of the directory, beside [released.ErrForm].
var (
	ErrRunning = errors.New("another key witness works on this directory")
	ErrRoot    = errors.New("the directory is of another root key")
	ErrNone    = errors.New("no key witness has run on this directory")
)

// ReadDir tells what a key witness has kept, while it runs or not: its last
// release, nil if there was none, and its roster, nil if there is none.
func ReadDir(dir string) (*released.Share, *roster.Roster, error) {
	vkey, err := os.ReadFile(filepath.Join(dir, rootFile))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil, ErrNone
	}
	if err != nil {
		return nil, nil, err
	}
	root, err := note.NewVerifier(strings.TrimSpace(string(vkey)))
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", rootFile, released.ErrForm)
	}
	f, err := os.Open(ReleasedIn(dir))
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	last, _, err := lastLine(f)
	if err != nil {
		return nil, nil, err
	}
	signed, err := os.ReadFile(filepath.Join(dir, rosterFile))
	if errors.Is(err, os.ErrNotExist) {
		return last, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	r, err := roster.Parse(signed, root)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", rosterFile, err)
	}
	return last, r, nil
}

// ReleasedIn is the file of what was released in a key witness's directory.
func ReleasedIn(dir string) string { return filepath.Join(dir, releasedFile) }

// pin makes the directory one of the root key, or checks that it is.
func pin(dir, root string) error {
	name := filepath.Join(dir, rootFile)
	err := durable.WriteFile(name, []byte(root+"\n"), 0o600)
	if !errors.Is(err, os.ErrExist) {
		return err
	}
	had, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	if strings.TrimSpace(string(had)) != root {
		return ErrRoot
	}
	return nil
}

// lock makes sure that no other process works on the directory, until the file is
// closed: two could each see a log of its own.
func lock(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		return nil, ErrRunning
	}
	return f, nil
}

// noted is the open file of what was released.
type noted struct {
	file *os.File
	size int64 // of what is whole and synced
	last *released.Share
	torn bool // behind size may be what is left of a line
}

// openNoted opens the file, and cuts off what a crash left of a line: its share
// was never given.
func openNoted(dir string) (*noted, error) {
	f, err := os.OpenFile(ReleasedIn(dir), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	r := &noted{file: f}
	if r.last, r.size, err = lastLine(f); err == nil {
		err = f.Truncate(r.size)
	}
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = durable.SyncDir(dir)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return r, nil
}

// maxLine is the most bytes of a line: a checkpoint with the signatures of as many
// witnesses as a policy may name.
const maxLine = 64 << 10

// lastLine returns the last whole line, nil if there is none, and where it ends.
func lastLine(f *os.File) (*released.Share, int64, error) {
	end, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, 0, err
	}
	from := max(0, end-2*maxLine)
	b := make([]byte, end-from)
	if _, err := f.ReadAt(b, from); err != nil {
		return nil, 0, err
	}
	whole := bytes.LastIndexByte(b, '\n') + 1
	if whole == 0 {
		if from > 0 {
			return nil, 0, fmt.Errorf("%s: %w", releasedFile, released.ErrForm)
		}
		return nil, 0, nil
	}
	line := b[bytes.LastIndexByte(b[:whole-1], '\n')+1 : whole]
	all, err := released.Read(bytes.NewReader(line))
	if err != nil {
		return nil, 0, fmt.Errorf("%s: last line: %w", releasedFile, released.ErrForm)
	}
	return &all[0], from + int64(whole), nil
}

// add writes a line and returns once it is on the disk.
func (r *noted) add(x released.Share) error {
	line, err := json.Marshal(x)
	if err != nil {
		return err
	}
	line = append(line, '\n')
	if r.torn {
		if err := r.file.Truncate(r.size); err != nil {
			return fmt.Errorf("write what is released: %w", err)
		}
	}
	r.torn = true
	if _, err := r.file.WriteAt(line, r.size); err != nil {
		return fmt.Errorf("write what is released: %w", err)
	}
	if err := r.file.Sync(); err != nil {
		return fmt.Errorf("sync what is released: %w", err)
	}
	if err := durable.Kept(r.file, r.size+int64(len(line))); err != nil {
		return fmt.Errorf("sync what is released: %w", err)
	}
	r.size += int64(len(line))
	r.last, r.torn = &x, false
	return nil
}
