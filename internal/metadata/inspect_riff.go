package metadata

import (
	"encoding/binary"
)

// riff looks through WebP, WAV and AVI, and through AIFF, which has the other
// byte order.
func (x *inspector) riff() {
	var order binary.ByteOrder = binary.LittleEndian
	head := x.at(0, 12)
	if len(head) < 12 {
		x.bad()
		return
	}
	if string(head[:4]) == "FORM" {
		order = binary.BigEndian
	}
	x.chunks(order, 12, x.size)
}

func (x *inspector) chunks(order binary.ByteOrder, at, end int64) {
	for at < end && x.part() {
		b := x.at(at, 12)
		if len(b) < 8 {
			return // often there is a byte too many
		}
		name, length := string(b[:4]), int64(order.Uint32(b[4:]))
		data := func() []byte { return x.at(at+8, int(min(length, block))) }
		switch name {
		case "LIST":
			if len(b) == 12 && (string(b[8:]) == "INFO" || string(b[8:]) == "hdrl") {
				x.chunks(order, at+12, min(end, at+8+length))
			}
		case "EXIF":
			e := data()
			if len(e) > len(exifName) && string(e[:len(exifName)]) == string(exifName) {
				e = e[len(exifName):]
			}
			x.exif(e)
		case "XMP ", "_PMX":
			x.xml(data())
		case "bext": // of recorders
			if e := data(); len(e) >= 338 {
				x.add(WhatText, zeroEnded(e[:256]))
				x.add(WhatAuthor, zeroEnded(e[256:288]))
				x.when(string(e[320:338]))
			}
		case "id3 ", "ID3 ":
			x.id3(at + 8)
		default:
			if w := chunkNames[name]; w != "" {
				x.note(w, zeroEnded(data()))
			}
		}
		at += 8 + length + length&1
	}
}

// chunkNames are those of RIFF's INFO list, of AVI's head and of AIFF.
var chunkNames = map[string]What{
	"IART": WhatAuthor, "IENG": WhatAuthor, "ITCH": WhatAuthor, "ICOP": WhatAuthor, "AUTH": WhatAuthor, "(c) ": WhatAuthor,
	"INAM": WhatTitle, "NAME": WhatTitle,
	"ISFT": WhatProgram,
	"ISRC": WhatDevice,
	"ICRD": WhatTime, "IDIT": WhatTime,
	"ICMT": WhatText, "ISBJ": WhatText, "ANNO": WhatText,
}
