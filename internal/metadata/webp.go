package metadata

import (
	"bytes"
	"encoding/binary"
)

// A WebP begins with the size of all that follows, which can't be known in one
// pass if chunks are taken out. So they aren't: a chunk with hidden data stays
// as long as it is, its bytes zero and its name "JUNK", which is RIFF's own for
// bytes to be skipped; readers have to skip chunks that they don't know. Nor
// can it be known, when the flags are read, whether an Exif chunk that comes
// after the picture has an orientation. So that chunk stays one, with the
// orientation alone and zeros, and its flag stays true; the one of XMP is
// cleared.
const (
	junk    = "JUNK"
	xmpFlag = 0x04
)

func (f *filter) webp() error {
	b, err := f.peek(16)
	if err != nil {
		return err
	}
	if first := string(b[12:]); first != "VP8 " && first != "VP8L" && first != "VP8X" {
		return errBad
	}
	f.left = int64(binary.LittleEndian.Uint32(b[4:])) - 4
	f.keep, f.step = 12, (*filter).riff
	return nil
}

func (f *filter) riff() error {
	if f.left == 0 {
		return f.end()
	}
	b, err := f.peek(8)
	if err != nil {
		return err
	}
	name, length := string(b[:4]), int64(binary.LittleEndian.Uint32(b[4:]))
	size := 8 + length + length&1
	if size == f.left+1 {
		size = f.left // the last one's odd byte is often left out
	}
	if size > f.left {
		return errBad
	}
	f.left -= size
	switch name {
	case "VP8 ", "VP8L", "ANMF":
		f.picture, f.keep = true, size
		return nil
	case "ICCP", "ALPH", "ANIM":
		f.keep = size
		return nil
	case "VP8X":
		if length < 10 {
			return errBad
		}
		if b, err = f.peek(9); err != nil {
			return err
		}
		f.put = append(f.put, b...)
		f.put[8] &^= xmpFlag
		f.drop, f.keep = 9, size-9
		return nil
	}
	if b, err = f.peek(int(min(8+length, maxSegment))); err != nil {
		return err
	}
	data := b[8:]
	switch name {
	case "EXIF":
		orientation, traces := readExif(bytes.TrimPrefix(data, exifName))
		f.removed |= traces
		if length >= exifSize {
			f.put = appendExif(append(f.put, b[:8]...), max(1, orientation))
			f.drop, f.blank = int64(len(f.put)), size-int64(len(f.put))
			return nil
		}
	case "XMP ":
		f.removed |= xmpTraces(data)
	case junk: // padding, of ours perhaps
	default:
		f.removed |= Comment
	}
	f.put = append(append(f.put, junk...), b[4:8]...)
	f.drop, f.blank = 8, size-8
	return nil
}
