package seal

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"

	"filippo.io/age"

	"suluh.example/suluh/crypto/id"
)

// ContentSum is what goes into the document that describes a content: the
// true size of its bytes, and the sealed object.
type ContentSum struct {
	Size   int64     // bytes of the content itself
	Object id.Object // sealed
}

// ContentWriter seals a content as it streams past, in constant memory.
type ContentWriter struct {
	dst    io.Writer
	sealer io.WriteCloser

	sealed                hash.Hash
	plainSize, sealedSize int64
}

// NewContentWriter writes the sealed content to dst. It is whole only once
// [ContentWriter.Close] has returned without error.
func NewContentWriter(dst io.Writer, to ...age.Recipient) (*ContentWriter, error) {
	w := &ContentWriter{dst: dst, sealed: sha256.New()}
	var err error
	if w.sealer, err = age.Encrypt(sealedSide{w}, to...); err != nil {
		return nil, fmt.Errorf("seal content: %w", err)
	}
	return w, nil
}

// ContentSize returns how many bytes a content of n bytes has once it is sealed,
// for those who must say so before they begin.
func ContentSize(n int64, to ...age.Recipient) (int64, error) {
	w, err := NewContentWriter(io.Discard, to...) // writes all that stands before the first chunk
	if err != nil {
		return 0, err
	}
	const chunk, tag = 64 << 10, 16 // of age's payload
	padded := Padded(n, ContentFloor)
	return w.sealedSize + padded + (padded+chunk-1)/chunk*tag, nil
}

// Write seals the next bytes.
func (w *ContentWriter) Write(p []byte) (int, error) {
	w.plainSize += int64(len(p))
	return w.sealer.Write(p)
}

// Close pads the content with zeros, ends the object and returns its sums. It
// doesn't close the writer underneath.
func (w *ContentWriter) Close() (ContentSum, error) {
	if _, err := io.CopyN(w.sealer, zeros{}, Padded(w.plainSize, ContentFloor)-w.plainSize); err != nil {
		return ContentSum{}, fmt.Errorf("pad content: %w", err)
	}
	if err := w.sealer.Close(); err != nil {
		return ContentSum{}, fmt.Errorf("seal content: %w", err)
	}
	return ContentSum{
		Size:   w.plainSize,
		Object: id.Object{Role: id.RoleContent, Digest: id.SumOf(w.sealed), Size: w.sealedSize},
	}, nil
}

// sealedSide is where age writes: it counts and digests what goes out.
type sealedSide struct{ *ContentWriter }

func (w sealedSide) Write(p []byte) (int, error) {
	n, err := w.dst.Write(p)
	w.sealed.Write(p[:n])
	w.sealedSize += int64(n)
	return n, err
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// OpenContent opens a content of which its document says the size and the
// digest of the object. The reader gives exactly the content's bytes; at its
// end, in place of io.EOF, it returns [ErrLength] or [ErrDigest] if the object
// isn't the one described, so only what has been read to io.EOF may be trusted.
// The object's digest holds for its bytes too: under one key, an object has one
// content.
func OpenContent(sealed io.Reader, size int64, object id.Digest, ids ...age.Identity) (io.Reader, error) {
	h := sha256.New()
	r, err := age.Decrypt(io.TeeReader(sealed, h), ids...)
	if err != nil {
		return nil, opened(err)
	}
	return &contentReader{r: r, left: size, padding: Padded(size, ContentFloor) - size, object: object, hash: h}, nil
}

type contentReader struct {
	r             io.Reader
	left, padding int64
	object        id.Digest
	hash          hash.Hash // of all that was read of the object
	err           error
}

func (c *contentReader) Read(p []byte) (int, error) {
	if c.err != nil {
		return 0, c.err
	}
	if c.left == 0 {
		c.err = c.end()
		return 0, c.err
	}
	n, err := c.r.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	switch {
	case err == io.EOF && c.left > 0:
		c.err = ErrLength
	case err != nil && err != io.EOF:
		c.err = opened(err)
	}
	return n, c.err
}

// end checks what follows the content: zeros up to the padded length, then
// the end that age authenticates, after which nothing may come.
func (c *contentReader) end() error {
	var buf [32 << 10]byte
	var n int64
	for {
		k, err := c.r.Read(buf[:])
		for _, b := range buf[:k] {
			if b != 0 {
				return ErrLength
			}
		}
		n += int64(k)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return opened(err)
		}
	}
	if n != c.padding {
		return ErrLength
	}
	if id.SumOf(c.hash) != c.object {
		return ErrDigest
	}
	return io.EOF
}
