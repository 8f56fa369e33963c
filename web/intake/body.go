package intake

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"math"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// What a body may have. Files aren't counted here: they stream through.
const (
	maxFields = 1000     // parts, files included
	maxText   = 2 << 20  // bytes of all texts; the form itself asks for less
	maxHeader = 64 << 10 // bytes of a part's header and of what stands before it
	maxName   = 64       // bytes of a field's name
	maxLetter = 255      // characters of a file's name
	unlimited = math.MaxInt64
)

// Errors of a body. None of them has anything in it that was sent.
var (
	errGone   = errors.New("the sender is gone, or has stalled")
	errBroken = errors.New("body is not a whole form")
	errFields = errors.New("body has too many fields")
	errText   = errors.New("body has too much text")
)

// body is the one reader of forms: a multipart body that is read as a stream,
// texts into memory within bounds, files straight to whoever takes them. Our
// pages have texts before files.
type body struct {
	raw    io.Reader
	meter  meter
	parts  *multipart.Reader
	texts  map[string][]string
	n      int
	length int
	failed error // the first error of reading
}

// upload is a file that was chosen.
type upload struct {
	Name, Type string
	size       int64 // read so far
	b          *body
	r          io.Reader
}

func newBody(r *http.Request) *body {
	b := &body{raw: r.Body, texts: map[string][]string{}}
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" || params["boundary"] == "" {
		b.failed = errBroken
		return b
	}
	// mime/multipart asks for 4 KiB at a time, which are a call to the kernel each.
	size := int64(64 << 10)
	if r.ContentLength > 0 {
		size = min(size, r.ContentLength) // most forms are a page of text
	}
	b.meter.r = bufio.NewReaderSize(r.Body, int(size))
	b.parts = multipart.NewReader(&b.meter, params["boundary"])
	return b
}

// next reads texts up to the next file that was chosen, and returns that; or
// io.EOF after the last part of a whole body. The file before must have been
// read to its end.
func (b *body) next() (*upload, error) {
	for b.failed == nil {
		b.meter.left = maxHeader
		p, err := b.parts.NextRawPart()
		if err == io.EOF {
			return nil, io.EOF
		}
		if err != nil {
			return nil, b.fail(err)
		}
		if b.n++; b.n > maxFields {
			return nil, b.fail(errFields)
		}
		name := p.FormName()
		if name == "" || len(name) > maxName {
			return nil, b.fail(errBroken)
		}
		if name == fileField || name == secondFileField {
			u, err := b.file(p)
			if u != nil || err != nil {
				return u, err
			}
			continue
		}
		if err := b.text(name, p); err != nil {
			return nil, err
		}
	}
	return nil, b.failed
}

// all reads a body that may have texts only. Files in it are refused: none of
// our pages sends them there.
func (b *body) all() error {
	u, err := b.next()
	if u != nil {
		return b.fail(errBroken)
	}
	if err == io.EOF {
		return nil
	}
	return err
}

// file returns nothing if no file was chosen: a part without name and bytes.
func (b *body) file(p *multipart.Part) (*upload, error) {
	b.meter.left = unlimited
	u := &upload{Name: fileName(p.FileName()), Type: "application/octet-stream", b: b}
	first := make([]byte, 1)
	n, err := p.Read(first)
	for n == 0 && err == nil {
		n, err = p.Read(first)
	}
	if err != nil && err != io.EOF {
		return nil, b.fail(err)
	}
	if n == 0 && u.Name == "" {
		return nil, nil
	}
	u.r = io.MultiReader(bytes.NewReader(first[:n]), p)
	if kind, _, err := mime.ParseMediaType(p.Header.Get("Content-Type")); err == nil && len(kind) <= maxName {
		u.Type = kind
	}
	return u, nil
}

// Read reads the file. An error of it is the body's: see body.failed.
func (u *upload) Read(p []byte) (int, error) {
	n, err := u.r.Read(p)
	u.size += int64(n)
	if err != nil && err != io.EOF {
		err = u.b.fail(err)
	}
	return n, err
}

func (b *body) text(name string, p *multipart.Part) error {
	left := maxText - b.length
	b.meter.left = int64(left) + maxHeader
	text, err := io.ReadAll(io.LimitReader(p, int64(left)+1))
	if err != nil {
		return b.fail(err)
	}
	if len(text) > left {
		return b.fail(errText)
	}
	b.length += len(text)
	b.texts[name] = append(b.texts[name], clean(text))
	return nil
}

// fail remembers the first error, in our words: those of mime/multipart quote
// what was sent.
func (b *body) fail(err error) error {
	if b.failed == nil {
		switch {
		case b.meter.err != nil:
			b.failed = errGone
		case errors.Is(err, errFields), errors.Is(err, errText):
			b.failed = err
		default:
			b.failed = errBroken
		}
	}
	return b.failed
}

// drain reads what is left, so that the browser has sent all and shows the
// answer. What never ends is cut by the limit of the body.
func (b *body) drain() {
	_, _ = io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{b.raw}, make([]byte, 32<<10))
}

func (b *body) first(name string) string {
	if v := b.texts[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// meter passes bytes on as long as some are left, and remembers how the
// connection broke.
type meter struct {
	r    io.Reader
	left int64
	err  error
	came func(int) // unless nil, is told what came
}

func (m *meter) Read(p []byte) (int, error) {
	if m.left <= 0 {
		return 0, errBroken
	}
	if int64(len(p)) > m.left {
		p = p[:m.left]
	}
	n, err := m.r.Read(p)
	m.left -= int64(n)
	if m.came != nil {
		m.came(n)
	}
	if err != nil && err != io.EOF {
		m.err = err
	}
	return n, err
}

// clean makes what a browser sent into text: UTF-8, with bytes that aren't
// read as windows-1252, which old phones send; lines ended by \n alone; no
// control characters but that and tabs.
func clean(b []byte) string {
	var s strings.Builder
	s.Grow(len(b))
	for len(b) > 0 {
		c, n := utf8.DecodeRune(b)
		if c == utf8.RuneError && n == 1 {
			c = charmap.Windows1252.DecodeByte(b[0])
		}
		if c == '\r' {
			if c = '\n'; len(b) > 1 && b[1] == '\n' {
				n = 2
			}
		}
		if b = b[n:]; !unicode.IsControl(c) || c == '\n' || c == '\t' {
			s.WriteRune(c)
		}
	}
	return s.String()
}

// fileName keeps the last part of a path, so that no folder of the reporter's
// computer, which often has a person's name, goes along.
func fileName(s string) string {
	s = s[strings.LastIndexAny(s, `/\`)+1:]
	s = strings.NewReplacer("\n", "", "\t", "").Replace(clean([]byte(s)))
	if r := []rune(s); len(r) > maxLetter {
		s = string(r[:maxLetter])
	}
	return strings.TrimSpace(s)
}
