package durable

import (
	"errors"
	"io"
	"os"
	"syscall"
	"unsafe"
)

const (
	block = 1 << 20 // what is written at once
	align = 4 << 10 // of memory, place and length, where the page cache is passed by: no disk asks for more
)

// Copy copies what it reads to the end of a file, of which so many bytes are
// written already, and returns how many it has written. While one block is
// written, the next is read. Whole blocks go straight to the disk where the
// system lets them: nobody reads them soon, and to find them room in the page
// cache can take more of the processor than sealing them did. What was read
// before an error is written. Nothing survives before the sync that the caller
// still has to ask for.
func Copy(f *os.File, r io.Reader, at int64) (n int64, err error) {
	w := blocks{f: f, at: at}
	defer w.bypass(false)
	var next, other []byte
	wrote := make(chan error, 1)
	wrote <- nil
	for end := false; !end; {
		if next == nil {
			next = aligned()
		}
		room := block - int((at+n)%block) // blocks end where the file's do
		var k int
		k, err = readFull(r, next[:room])
		end = err != nil
		if werr := <-wrote; werr != nil {
			return w.at - at, werr
		}
		full := next[:k]
		go func() { wrote <- w.write(full) }()
		n += int64(k)
		next, other = other, next
	}
	if werr := <-wrote; werr != nil {
		err = werr
	}
	if err == io.EOF {
		err = nil
	}
	return w.at - at, err
}

// readFull is io.ReadFull, but the error at an early end is the reader's.
func readFull(r io.Reader, b []byte) (n int, err error) {
	for n < len(b) && err == nil {
		var k int
		k, err = r.Read(b[n:])
		n += k
	}
	return n, err
}

// aligned returns the memory of a block.
func aligned() []byte {
	b := make([]byte, block+align)
	from := -int(uintptr(unsafe.Pointer(&b[0]))) & (align - 1) // the garbage collector moves nothing
	return b[from : from+block]
}

// blocks is the end of a file to which blocks are written.
type blocks struct {
	f      *os.File
	at     int64 // bytes that it has
	direct bool  // what is written passes the page cache by
	never  bool  // the file system doesn't want that
}

func (w *blocks) write(b []byte) error {
	whole := w.at%align == 0 && len(b) == block
	if !w.never && whole != w.direct {
		w.bypass(whole)
	}
	k, err := w.f.Write(b)
	w.at += int64(k)
	if w.direct && errors.Is(err, syscall.EINVAL) {
		// It can't take this one, or stopped within it when the disk was full.
		w.bypass(false)
		w.never = true
		return w.write(b[k:])
	}
	if err == nil && !w.direct && whole {
		writeOut(w.f, w.at-int64(k), int64(k))
	}
	return err
}

// bypass lets what is written pass the page cache by, or not.
func (w *blocks) bypass(on bool) {
	if on == w.direct {
		return
	}
	if err := direct(w.f, on); err != nil {
		w.never = true
		return
	}
	w.direct = on
}
