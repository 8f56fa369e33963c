package metadata

import (
	"bytes"
	"encoding/binary"
)

// riff looks through the chunks of WebP, WAV and AVI.
func (x *inspector) riff(at, end int64) {
	for at < end && x.part() {
		b := x.at(at, 12)
		if len(b) < 8 {
			return // often there is a byte too many
		}
		name, length := string(b[:4]), int64(binary.LittleEndian.Uint32(b[4:]))
		data := func() []byte { return x.at(at+8, int(min(length, block))) }
		switch name {
		case "LIST":
			if string(b[8:]) == "INFO" {
				x.riff(at+12, min(end, at+8+length))
			}
		case "EXIF":
			x.exif(bytes.TrimPrefix(data(), exifName))
		case "XMP ", "_PMX":
			x.xml(data())
		default:
			if w := about(name); w != "" {
				x.note(w, zeroEnded(data()))
			}
		}
		at += 8 + length + length&1
	}
}
