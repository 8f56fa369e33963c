// Package metadata removes what photos carry besides their picture, as they
// stream by: place, time, device, author, thumbnails, comments, and whatever is
// appended. It knows JPEG, PNG, WebP and HEIC, by content and not by name. Of other
// kinds it tells which they are, and what can be found in them, so that people
// know it before they send one ([Inspect]).
//
// Cleaning is one pass without seeking, in some 300 KiB of memory whatever the size.
// Picture data goes through byte for byte, and with it all that its colours
// depend on; the orientation is kept. A file whose structure can't be followed
// is never refused: it passes unchanged if that shows in its first 128 KiB,
// and otherwise from there on, and [Result] says so. The same bytes in give
// the same bytes out, so that a form sent again is the same deposit; and
// cleaning twice is cleaning once.
//
// It must never decode a picture or allocate what a file asks for, and it
// parses no more of a format than where each part ends and which it is; of
// Exif only the numbers of tags, and the value of one. Cleaning is our own since the
// one Go library that filters streams (exif-terminator) knows no WebP, leaves
// XMP, IPTC, comments and appended data, and drops the orientation.
package metadata

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"math"
)

// Traces are what was removed.
type Traces uint8

// What photos tell.
const (
	Place Traces = 1 << iota
	Device
	Time
	Author
	Thumbnail
	Comment  // a text, or what is of no known kind
	Appended // data after the end, such as the video of a motion photo
)

// Result says what became of a file.
type Result struct {
	Kind    Kind
	Removed Traces
	Whole   bool // all that could be hidden data was removed
}

const (
	// headSize is how much of a photo is looked through before any of it goes
	// out.
	headSize = 128 << 10
	// sniffSize is how much of any file is looked at, to tell its kind.
	sniffSize = 512
)

// Reader passes a file on. It is not safe for concurrent use.
type Reader struct {
	src    io.Reader
	clean  bool
	rest   io.Reader // what is left to pass; nil before the first read
	filter *filter   // nil: all passes unchanged
	kind   Kind
}

// Clean returns a reader of the file without hidden data, if it is a photo of
// a known kind, and of the same file if not.
func Clean(file io.Reader) *Reader { return &Reader{src: file, clean: true} }

// Keep returns a reader of the file unchanged. Its result has the kind only.
func Keep(file io.Reader) *Reader { return &Reader{src: file} }

// Result is true once Read has returned [io.EOF].
func (r *Reader) Result() Result {
	x := Result{Kind: r.kind}
	if r.filter != nil {
		x.Removed, x.Whole = r.filter.removed, r.filter.whole()
	}
	return x
}

// Read returns errors of the file's own reader, and no others.
func (r *Reader) Read(p []byte) (int, error) {
	if r.rest == nil {
		if err := r.begin(); err != nil {
			return 0, err
		}
	}
	return r.rest.Read(p)
}

// begin tells the kind, and looks through a photo's head.
func (r *Reader) begin() error {
	head, all, err := more(r.src, nil, sniffSize)
	if err != nil {
		return err
	}
	r.kind = kindOf(head)
	if start := start(r.kind); r.clean && start != nil {
		if !all {
			if head, all, err = more(r.src, head, headSize); err != nil {
				return err
			}
		}
		in := bufio.NewReaderSize(bytes.NewReader(head), maxSegment)
		trial := &filter{in: in, step: start}
		if _, err := io.Copy(io.Discard, trial); err != nil {
			return err
		}
		if !trial.bad && (!all || trial.picture) {
			in.Reset(r.following(head))
			r.filter = &filter{in: in, step: start}
			r.rest = r.filter
			return nil
		}
	}
	r.rest = r.following(head)
	return nil
}

func (r *Reader) following(head []byte) io.Reader {
	return io.MultiReader(bytes.NewReader(head), r.src)
}

// more reads on until there are size bytes, or all that a file has.
func more(src io.Reader, head []byte, size int) (_ []byte, all bool, _ error) {
	n := len(head)
	head = append(make([]byte, 0, size), head...)[:size]
	m, err := io.ReadFull(src, head[n:])
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return head[:n+m], true, nil
	}
	return head, false, err
}

// filter is a pass over a photo. Each step looks at what comes next and says
// what is done with it, in this order: put goes out, then bytes are dropped,
// blanked, kept. Nothing goes out that didn't come in, but what is put.
type filter struct {
	in                *bufio.Reader
	step              func(*filter) error
	put               []byte
	drop, blank, keep int64

	removed Traces
	picture bool  // picture data has begun: a file may be cut from here on
	done    bool  // what comes is after the photo's end
	bad     bool  // the structure couldn't be followed: the rest goes through
	turned  bool  // the orientation is written
	left    int64 // of a WebP's container
	err     error

	fill      byte     // what blanked bytes become
	blanked   Traces   // what they were, if they weren't that already
	unsure    bool     // something of no known kind was kept
	pos, body int64    // of HEIC: where the next box begins, and how far this one is passed
	extents   []extent // of its items
}

// errBad is of a step that can't follow the structure.
var errBad = errors.New("structure of a photo can't be followed")

// start returns where a kind's filter begins; nil for the kinds without one.
func start(k Kind) func(*filter) error {
	switch k {
	case JPEG:
		return (*filter).jpeg
	case PNG:
		return (*filter).png
	case WebP:
		return (*filter).webp
	case HEIC:
		return (*filter).heic
	}
	return nil
}

func (f *filter) whole() bool { return !f.bad && !f.unsure && f.picture }

// Read fills p, so that large reads stay large.
func (f *filter) Read(p []byte) (n int, err error) {
	for n < len(p) && (f.err == nil || len(f.put) > 0) {
		some := func(left int64) []byte { return p[n:][:min(int64(len(p)-n), left)] }
		var c int
		var err error
		switch {
		case len(f.put) > 0:
			c = copy(p[n:], f.put)
			f.put = f.put[c:]
			n += c
		case f.drop > 0:
			c, err = f.in.Discard(int(min(f.drop, math.MaxInt32)))
			f.drop -= int64(c)
			if f.done && c > 0 {
				f.removed |= Appended
			}
		case f.blank > 0:
			c, err = f.in.Read(some(f.blank))
			for i, was := range p[n:][:c] {
				if was != f.fill {
					p[n+i], f.removed = f.fill, f.removed|f.blanked
				}
			}
			f.blank -= int64(c)
			n += c
		case f.keep > 0:
			c, err = f.in.Read(some(f.keep))
			f.keep -= int64(c)
			n += c
		default:
			if err = f.step(f); err == errBad {
				f.bad, f.keep, err = true, math.MaxInt64, nil
			}
		}
		if err != nil {
			f.err = err
		}
	}
	if n == 0 {
		return 0, f.err
	}
	return n, nil
}

// peek returns the next n bytes, of which there are at most maxSegment.
func (f *filter) peek(n int) ([]byte, error) { return f.in.Peek(n) }

// end is at the last part of the photo; what follows is dropped.
func (f *filter) end() error {
	if !f.picture {
		return errBad
	}
	f.step = func(f *filter) error {
		f.done, f.drop = true, math.MaxInt64
		return nil
	}
	return nil
}
