// Package frame is the stream that the vault's sockets carry inside an HTTP
// body: a head, then objects, then a commit.
//
//	stream = head *object commit
//	head   = 'H' length JSON
//	object = 'O' length JSON(id.Object) *( 'D' length bytes ) 'E' 0
//	commit = 'C' length JSON
//
// A length is four bytes, most significant first. Objects of unknown length
// stream through in data frames of at most [MaxData] bytes, so neither end
// holds one in memory. The commit frame is what makes a stream whole: one
// that ends without it, for whatever reason, was broken, and its receiver
// must keep nothing of it.
//
// The package never looks into an object and never touches a disk.
package frame

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"suluh.example/suluh/crypto/id"
)

const (
	// MaxData is the most bytes that one data frame holds.
	MaxData = 128 << 10
	// MaxJSON is the most bytes of JSON in a head, object or commit frame,
	// unless the reader is told otherwise.
	MaxJSON = 1 << 20

	headerSize = 5

	// MaxFrame is the most bytes of a data frame as a whole.
	MaxFrame = headerSize + MaxData
)

const (
	typeHead   = 'H'
	typeObject = 'O'
	typeData   = 'D'
	typeEnd    = 'E'
	typeCommit = 'C'
)

// ErrBroken says that a stream ended before its commit, or was not one.
var ErrBroken = errors.New("broken stream")

// Writer writes one stream. What it is given gathers until there is a data
// frame's worth of it, or the stream is whole, so that a small stream costs one
// write. It is not safe for concurrent use.
type Writer struct {
	w    io.Writer
	buf  []byte // frames that are not written yet
	data int    // where in buf the frame of data begins that is being filled; -1 for none
}

// NewWriter returns a Writer that has written nothing yet.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w, data: -1} }

// Grow makes room for so many bytes of frames, for those who know about how many
// are to come.
func (w *Writer) Grow(n int) { w.buf = slices.Grow(w.buf, n) }

// Head writes the head frame.
func (w *Writer) Head(v any) error { return w.json(typeHead, v) }

// Commit writes the commit frame: the stream is whole.
func (w *Writer) Commit(v any) error {
	if err := w.json(typeCommit, v); err != nil {
		return err
	}
	return w.flush()
}

// Begin starts an object. Digest and size of o may be unset when they are not
// known yet. The returned writer must be closed before anything else is
// written to the stream.
func (w *Writer) Begin(o id.Object) (io.WriteCloser, error) {
	if err := w.json(typeObject, o); err != nil {
		return nil, err
	}
	return &objectWriter{w}, nil
}

// Object writes a whole object that is held in memory.
func (w *Writer) Object(o id.Object, sealed []byte) error {
	ow, err := w.Begin(o)
	if err != nil {
		return err
	}
	if _, err := ow.Write(sealed); err != nil {
		return err
	}
	return ow.Close()
}

func (w *Writer) json(kind byte, v any) error {
	if err := json.NewEncoder(frameOf{w, kind}).Encode(v); err != nil {
		return fmt.Errorf("encode %c frame: %w", kind, err)
	}
	if len(w.buf) >= MaxData {
		return w.flush()
	}
	return nil
}

// frameOf takes the JSON of a frame from an encoder, which writes it at once and
// keeps its memory for the next: a copy less than json.Marshal makes.
type frameOf struct {
	w    *Writer
	kind byte
}

func (f frameOf) Write(b []byte) (int, error) {
	text := bytes.TrimSuffix(b, []byte("\n"))
	f.w.buf = slices.Grow(f.w.buf, headerSize+len(text)+spare)
	f.w.header(f.kind, len(text))
	f.w.buf = append(f.w.buf, text...)
	return len(b), nil
}

// spare is room for what ends most streams: a commit.
const spare = 64

func (w *Writer) header(kind byte, length int) {
	w.buf = binary.BigEndian.AppendUint32(append(w.buf, kind), uint32(length))
}

// flush writes out what has gathered. A data frame that is being filled ends.
func (w *Writer) flush() error {
	w.endData()
	_, err := w.w.Write(w.buf)
	w.buf = w.buf[:0]
	return err
}

func (w *Writer) endData() {
	if w.data >= 0 {
		binary.BigEndian.PutUint32(w.buf[w.data+1:], uint32(len(w.buf)-w.data-headerSize))
		w.data = -1
	}
}

type objectWriter struct{ w *Writer }

func (o *objectWriter) Write(p []byte) (n int, err error) {
	w := o.w
	for len(p) > 0 {
		if w.data < 0 {
			w.data = len(w.buf)
			w.header(typeData, 0) // its length is set when it ends
		}
		k := min(len(p), w.data+headerSize+MaxData-len(w.buf))
		w.buf = append(w.buf, p[:k]...)
		p, n = p[k:], n+k
		if len(w.buf) >= MaxData {
			if err := w.flush(); err != nil {
				return n, err
			}
		}
	}
	return n, nil
}

func (o *objectWriter) Close() error {
	o.w.endData()
	o.w.header(typeEnd, 0)
	return nil
}

// Reader reads one stream, in order: Head, then Next until it returns
// io.EOF, then Commit. It is not safe for concurrent use.
type Reader struct {
	r       *bufio.Reader // given back once the stream is whole
	maxJSON int

	object *objectReader // the object last returned by Next, until it is read to its end
	commit []byte        // payload of the commit frame, once Next has met it
}

// NewReader returns a Reader that accepts JSON frames of at most maxJSON
// bytes, or [MaxJSON] if that is 0.
func NewReader(r io.Reader, maxJSON int) *Reader {
	if maxJSON == 0 {
		maxJSON = MaxJSON
	}
	b := buffers.Get().(*bufio.Reader)
	b.Reset(r)
	return &Reader{r: b, maxJSON: maxJSON}
}

// buffers are used again. Frames of data are longer: most of their bytes go past.
var buffers = sync.Pool{New: func() any { return bufio.NewReader(nil) }}

// Head reads the head frame into v.
func (r *Reader) Head(v any) error {
	kind, n, err := r.header()
	if err != nil {
		return err
	}
	if kind != typeHead {
		return fmt.Errorf("%w: no head", ErrBroken)
	}
	return r.json(n, v)
}

// Next returns the next object and a reader of its bytes, or io.EOF when the
// commit frame follows. The rest of an object that was not read to its end is
// skipped.
func (r *Reader) Next() (id.Object, io.Reader, error) {
	if r.commit != nil {
		return id.Object{}, nil, io.EOF
	}
	if r.object != nil {
		if _, err := io.Copy(io.Discard, r.object); err != nil {
			return id.Object{}, nil, err
		}
	}
	kind, n, err := r.header()
	if err != nil {
		return id.Object{}, nil, err
	}
	switch kind {
	case typeObject:
		var o id.Object
		if err := r.json(n, &o); err != nil {
			return id.Object{}, nil, err
		}
		if _, err := id.ParseRole(string(o.Role)); err != nil {
			return id.Object{}, nil, fmt.Errorf("%w: %w", ErrBroken, err)
		}
		r.object = &objectReader{r: r}
		return o, r.object, nil
	case typeCommit:
		if r.commit, err = r.payload(n); err != nil {
			return id.Object{}, nil, err
		}
		r.r.Reset(nil)
		buffers.Put(r.r)
		r.r = nil // nothing is read beyond
		return id.Object{}, nil, io.EOF
	}
	return id.Object{}, nil, fmt.Errorf("%w: unexpected frame", ErrBroken)
}

// Commit decodes the commit frame into v. It may be called once Next has
// returned io.EOF.
func (r *Reader) Commit(v any) error {
	if r.commit == nil {
		return fmt.Errorf("%w: no commit", ErrBroken)
	}
	if err := json.Unmarshal(r.commit, v); err != nil {
		return fmt.Errorf("%w: commit frame is not as agreed", ErrBroken)
	}
	return nil
}

func (r *Reader) header() (kind byte, n int, err error) {
	var h [headerSize]byte
	if r.commit != nil { // the stream has ended
		return 0, 0, broken(io.EOF)
	}
	if _, err := io.ReadFull(r.r, h[:]); err != nil {
		return 0, 0, broken(err)
	}
	kind, length := h[0], binary.BigEndian.Uint32(h[1:])
	most := uint32(r.maxJSON)
	switch kind {
	case typeData:
		most = MaxData
	case typeEnd:
		most = 0
	}
	if length > most {
		return 0, 0, fmt.Errorf("%w: frame too long", ErrBroken)
	}
	return kind, int(length), nil
}

func (r *Reader) payload(n int) ([]byte, error) {
	if n <= 32<<10 {
		b := make([]byte, n)
		if _, err := io.ReadFull(r.r, b); err != nil {
			return nil, broken(err)
		}
		return b, nil
	}
	// Grown as bytes arrive, so that a length without bytes costs nothing.
	b := bytes.NewBuffer(make([]byte, 0, 32<<10))
	if _, err := b.ReadFrom(io.LimitReader(r.r, int64(n))); err != nil {
		return nil, broken(err)
	}
	if b.Len() < n {
		return nil, broken(io.ErrUnexpectedEOF)
	}
	return b.Bytes(), nil
}

func (r *Reader) json(n int, v any) error {
	b, err := r.payload(n)
	if err != nil {
		return err
	}
	// What was malformed is not said: it may be what somebody typed.
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("%w: frame is not as agreed", ErrBroken)
	}
	return nil
}

// broken keeps the cause (a time-out, a refused read) visible to errors.Is.
func broken(err error) error {
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("%w: %w", ErrBroken, err)
}

type objectReader struct {
	r    *Reader
	left int // bytes left of the current data frame
	err  error
}

func (o *objectReader) Read(p []byte) (int, error) {
	if o.err != nil {
		return 0, o.err
	}
	if len(p) == 0 {
		return 0, nil
	}
	for o.left == 0 {
		kind, n, err := o.r.header()
		switch {
		case err != nil:
			o.err = err
		case kind == typeEnd:
			o.err, o.r.object = io.EOF, nil
		case kind != typeData:
			o.err = fmt.Errorf("%w: unexpected frame", ErrBroken)
		}
		if o.err != nil {
			return 0, o.err
		}
		o.left = n
	}
	n, err := o.r.r.Read(p[:min(len(p), o.left)])
	o.left -= n
	if err == io.EOF && (o.left > 0 || n == 0) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil && err != io.EOF {
		o.err = broken(err)
		return n, o.err
	}
	return n, nil
}
