package export

import (
	"bufio"
	"errors"
	"io"
	"os"
	"path/filepath"

	"suluh.example/suluh/internal/durable"
)

// Folder makes a folder that isn't there yet of what write creates. It grows
// under another name beside it and gets its own once it is whole and on the
// disk: after an error other than [ErrIncomplete] there is nothing. Files are
// the owner's alone.
func Folder(dir string, write func(Create) error) (err error) {
	if _, err := os.Lstat(dir); err == nil {
		return os.ErrExist
	} else if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	tmp, err := os.MkdirTemp(filepath.Dir(dir), "."+filepath.Base(dir)+".partial-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	dirs := map[string]bool{tmp: true}
	err = write(func(path string) (io.WriteCloser, error) {
		name := filepath.Join(tmp, filepath.FromSlash(path))
		if d := filepath.Dir(name); !dirs[d] {
			if err := os.Mkdir(d, 0o700); err != nil {
				return nil, err
			}
			dirs[d] = true
		}
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return nil, err
		}
		return &synced{f, bufio.NewWriterSize(f, 256<<10)}, nil
	})
	incomplete := errors.Is(err, ErrIncomplete)
	if err != nil && !incomplete {
		return err
	}
	for d := range dirs {
		if err := durable.SyncDir(d); err != nil {
			return err
		}
	}
	if _, err := os.Lstat(dir); err == nil {
		return os.ErrExist // it came meanwhile
	}
	return errors.Join(err, durable.Rename(tmp, dir))
}

// synced is a file that is on the disk once it is closed.
type synced struct {
	f *os.File
	*bufio.Writer
}

func (s *synced) Close() error {
	err := s.Flush()
	if err == nil {
		err = s.f.Sync()
	}
	return errors.Join(err, s.f.Close())
}
