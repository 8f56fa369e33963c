package metadata

import (
	"bytes"
	"encoding/binary"
	"io"
)

// maxSegment is the longest part that is looked at whole: a JPEG's segment.
const maxSegment = 2 + 1<<16

// Markers of a JPEG that are treated apart. All others but application data
// belong to the picture.
const (
	soi  = 0xd8
	eoi  = 0xd9
	sos  = 0xda
	app0 = 0xe0
	appF = 0xef
	com  = 0xfe
	tem  = 0x01
)

// What application data begins with.
var (
	exifName  = []byte("Exif\x00\x00")
	xmpName   = []byte("http://ns.adobe.com/x")
	jfifName  = []byte("JFIF\x00")
	jfxxName  = []byte("JFXX\x00")
	mpfName   = []byte("MPF\x00")
	iccName   = []byte("ICC_PROFILE\x00")
	adobeName = []byte("Adobe")
)

func (f *filter) jpeg() error {
	f.keep, f.step = 2, (*filter).segment // SOI
	return nil
}

func isRestart(m byte) bool { return 0xd0 <= m && m <= 0xd7 }

// segment is anywhere but within a scan.
func (f *filter) segment() error {
	b, err := f.peek(2)
	if err != nil {
		return err
	}
	m := b[1]
	switch {
	case b[0] != 0xff || m == 0 || m == soi:
		return errBad
	case m == 0xff: // bytes that fill; the last belongs to the marker
		b, err = f.peek(max(2, f.in.Buffered()))
		if err != nil {
			return err
		}
		for f.keep = 1; int(f.keep)+1 < len(b) && b[f.keep+1] == 0xff; f.keep++ {
		}
		return nil
	case isRestart(m), m == tem:
		f.keep = 2
		return nil
	case m == eoi:
		f.keep = 2
		return f.end()
	}
	if b, err = f.peek(4); err != nil {
		return err
	}
	size := 2 + int(binary.BigEndian.Uint16(b[2:]))
	if size < 4 {
		return errBad
	}
	switch {
	case m == com, app0 <= m && m <= appF:
		if b, err = f.peek(size); err != nil {
			return err
		}
		f.application(m, b)
	case m == sos:
		f.picture, f.keep, f.step = true, int64(size), (*filter).scan
	default:
		f.keep = int64(size)
	}
	return nil
}

// application decides on a segment that isn't of the picture itself.
func (f *filter) application(m byte, segment []byte) {
	data := segment[4:]
	size := int64(len(segment))
	shorten := func(to int) {
		f.put = append([]byte{0xff, m, 0, byte(2 + to)}, data[:to]...)
		f.drop = size
	}
	switch is := func(name []byte) bool { return bytes.HasPrefix(data, name) }; {
	case m == app0 && is(jfifName) && len(data) >= 14:
		if len(data) == 14 && data[12]|data[13] == 0 { // width and height of its thumbnail
			f.keep = size
			return
		}
		f.removed |= Thumbnail
		shorten(14)
		f.put[4+12], f.put[4+13] = 0, 0
	case m == app0+2 && is(iccName):
		f.keep = size
	case m == app0+14 && is(adobeName) && len(data) >= 12:
		if len(data) == 12 {
			f.keep = size
			return
		}
		f.removed |= Comment
		shorten(12)
	case m == app0+1 && is(exifName):
		f.drop = size
		orientation, traces := readExif(data[len(exifName):])
		f.removed |= traces
		if orientation > 1 && !f.turned {
			f.turned = true
			f.put = append([]byte{0xff, m, 0, byte(2 + len(exifName) + exifSize)}, exifName...)
			f.put = appendExif(f.put, orientation)
		}
	case m == app0+1 && is(xmpName):
		f.drop = size
		f.removed |= xmpTraces(data)
	case m == app0 && is(jfxxName), m == app0+2 && is(mpfName):
		f.drop = size
		f.removed |= Thumbnail
	default:
		f.drop = size
		f.removed |= Comment
	}
}

// scan is within a scan, up to the next marker that ends it.
func (f *filter) scan() error {
	b, err := f.peek(2)
	if len(b) == 1 && err == io.EOF { // cut
		f.keep = 1
		return nil
	}
	if err != nil {
		return err
	}
	if b, err = f.peek(f.in.Buffered()); err != nil {
		return err
	}
	if f.keep = int64(scanned(b)); f.keep == 0 {
		f.step = (*filter).segment
	}
	return nil
}

// scanned is how many of the bytes, at least two, are surely of the scan.
func scanned(b []byte) int {
	for i := 0; ; {
		j := bytes.IndexByte(b[i:], 0xff)
		if j < 0 {
			return len(b)
		}
		if i += j; i+1 == len(b) {
			return i
		}
		switch m := b[i+1]; {
		case m == 0 || isRestart(m):
			i += 2
		case m == 0xff:
			i++
		default:
			return i
		}
	}
}
