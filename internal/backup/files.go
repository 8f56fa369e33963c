package backup

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/internal/durable"
)

// meter counts bytes for whoever watches.
type meter struct {
	tell     func(done, of int64)
	done, of int64
}

func (m *meter) add(n int64) {
	if m.done += n; m.tell != nil {
		m.tell(m.done, max(m.done, m.of))
	}
}

type metered struct {
	io.Reader
	m *meter
}

func (r metered) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.m.add(int64(n))
	return n, err
}

func (m *meter) reader(r io.Reader) io.Reader { return metered{r, m} }

// until ends a long copy with its context.
type until struct {
	io.Reader
	ctx context.Context
}

func (r until) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(p)
}

// write writes a file that nobody else knows of yet, synced.
func write(ctx context.Context, name string, from io.Reader) (f file, err error) {
	to, err := os.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return f, err
	}
	h := sha256.New()
	f.Size, err = durable.Copy(to, io.TeeReader(until{from, ctx}, h), 0)
	if err == nil {
		err = to.Sync()
	}
	f.Digest = id.SumOf(h)
	return f, errors.Join(err, to.Close())
}

// read reads a file from the disk, not from what the system remembers of it, as
// far as the system lets itself be asked for that.
func read(ctx context.Context, name string, m *meter) (f file, err error) {
	in, err := os.Open(name)
	if err != nil {
		return f, err
	}
	defer in.Close()
	_ = unix.Fadvise(int(in.Fd()), 0, 0, unix.FADV_DONTNEED)
	h := sha256.New()
	if f.Size, err = io.CopyBuffer(h, m.reader(until{in, ctx}), make([]byte, 256<<10)); err != nil {
		return f, err
	}
	f.Digest = id.SumOf(h)
	return f, nil
}
