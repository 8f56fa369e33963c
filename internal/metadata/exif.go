package metadata

import (
	"bytes"
	"encoding/binary"
)

// exifSize is the size of an Exif block that has the orientation alone.
const exifSize = 26

// appendExif appends such a block.
func appendExif(b []byte, orientation uint16) []byte {
	b = append(b, "MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01"...)
	b = binary.BigEndian.AppendUint16(b, orientation)
	return append(b, 0, 0, 0, 0, 0, 0)
}

// readExif returns the orientation, 0 if there is none, and what else a block
// tells. It reads what is within the block and no more.
func readExif(b []byte) (orientation uint16, traces Traces) {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(b, []byte("MM\x00*")):
		order = binary.BigEndian
	case bytes.HasPrefix(b, []byte("II*\x00")):
		order = binary.LittleEndian
	}
	if order == nil || len(b) < 8 {
		return 0, Comment
	}
	if orientation, traces = readDirectory(b, order, order.Uint32(b[4:]), true); traces == 0 {
		bare := appendExif(nil, max(1, orientation))
		if rest, ok := bytes.CutPrefix(b, bare); !ok || len(bytes.Trim(rest, "\x00")) > 0 {
			traces = Comment
		}
	}
	return orientation, traces
}

// readDirectory goes through the tags of a directory; of the first one, also
// through those of the directory of exposure, and to the thumbnail's.
func readDirectory(b []byte, order binary.ByteOrder, at uint32, first bool) (orientation uint16, traces Traces) {
	if int64(at)+2 > int64(len(b)) {
		return 0, 0
	}
	n := int(order.Uint16(b[at:]))
	b2 := b[at+2:]
	for ; n > 0 && len(b2) >= 12; n-- {
		entry := b2[:12]
		b2 = b2[12:]
		switch tag := order.Uint16(entry); tag {
		case 0x0112:
			value := order.Uint16(entry[8:])
			if first && orientation == 0 && order.Uint16(entry[2:]) == 3 && 1 <= value && value <= 8 {
				orientation = value
			}
		case 0x8825:
			traces |= Place
		case 0x010f, 0x0110, 0x0131, 0x013c, 0x927c, 0xa431, 0xa433, 0xa434, 0xa435:
			traces |= Device
		case 0x0132, 0x9003, 0x9004:
			traces |= Time
		case 0x013b, 0x8298, 0x9c9d, 0xa430:
			traces |= Author
		case 0x010e, 0x9286, 0x9c9b, 0x9c9c, 0x9c9e, 0x9c9f:
			traces |= Comment
		case 0x8769:
			if first {
				_, t := readDirectory(b, order, order.Uint32(entry[8:]), false)
				traces |= t
			}
		}
	}
	if first && n == 0 && len(b2) >= 4 && order.Uint32(b2) != 0 {
		traces |= Thumbnail
	}
	return orientation, traces
}

// xmpTraces tells what an XMP packet has, by the names in it: it isn't parsed,
// since all of it goes.
func xmpTraces(packet []byte) (traces Traces) {
	for _, x := range []struct {
		name string
		is   Traces
	}{
		{"GPS", Place},
		{"tiff:Make", Device},
		{"tiff:Model", Device},
		{"CreatorTool", Device},
		{"CreateDate", Time},
		{"ModifyDate", Time},
		{"dc:creator", Author},
		{"xmp:Thumbnails", Thumbnail},
	} {
		if bytes.Contains(packet, []byte(x.name)) {
			traces |= x.is
		}
	}
	if traces == 0 {
		return Comment
	}
	return traces
}
