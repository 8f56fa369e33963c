package metadata

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"strings"
)

// ofPicture are the chunks besides the critical ones without which a PNG looks
// different, or doesn't move.
const ofPicture = "tRNS gAMA cHRM sRGB iCCP sBIT bKGD pHYs cICP mDCV mDCv cLLI cLLi acTL fcTL fdAT"

func (f *filter) png() error {
	f.keep, f.step = 8, (*filter).chunk
	return nil
}

func (f *filter) chunk() error {
	b, err := f.peek(8)
	if err != nil {
		return err
	}
	length, name := binary.BigEndian.Uint32(b), string(b[4:8])
	size := int64(length) + 12
	if length > 1<<31-1 || strings.ContainsFunc(name, func(c rune) bool { return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') }) {
		return errBad
	}
	switch {
	case name == "IEND":
		f.keep = size
		return f.end()
	case name == "IDAT":
		f.picture = true
		f.keep = size
	case name[0] < 'a', strings.Contains(ofPicture, name):
		f.keep = size
	default:
		f.drop = size
		return f.dropped(name, int(min(int64(length), maxSegment-8)))
	}
	return nil
}

// dropped tells what a chunk had that is dropped, and keeps its orientation.
func (f *filter) dropped(name string, looked int) error {
	b, err := f.peek(8 + looked)
	if err != nil {
		return err
	}
	data := b[8:]
	switch name {
	case "eXIf":
		orientation, traces := readExif(data)
		f.removed |= traces
		if orientation > 1 && !f.turned {
			f.turned = true
			f.put = binary.BigEndian.AppendUint32(nil, exifSize)
			f.put = appendExif(append(f.put, name...), orientation)
			f.put = binary.BigEndian.AppendUint32(f.put, crc32.ChecksumIEEE(f.put[4:]))
		}
	case "tIME":
		f.removed |= Time
	case "tEXt", "zTXt", "iTXt":
		keyword, _, _ := bytes.Cut(data[:min(80, len(data))], []byte{0})
		f.removed |= keywordTraces(string(keyword), data)
	default:
		f.removed |= Comment
	}
	return nil
}

func keywordTraces(keyword string, data []byte) Traces {
	switch keyword {
	case "Author", "Copyright":
		return Author
	case "Software", "Source":
		return Device
	case "Creation Time":
		return Time
	case "XML:com.adobe.xmp":
		return xmpTraces(data)
	}
	return Comment
}
