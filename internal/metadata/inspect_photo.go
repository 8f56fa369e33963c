package metadata

import (
	"bytes"
	"encoding/binary"
	"math"
	"regexp"
	"strings"
	"time"
)

func unixTime(s int64) string { return time.Unix(s, 0).UTC().Format(time.RFC3339) }

// jpeg looks through the segments before the picture.
func (x *inspector) jpeg(b []byte) {
	for at := 2; x.part(); {
		for at+1 < len(b) && b[at] == 0xff && b[at+1] == 0xff {
			at++
		}
		if at+4 > len(b) || b[at] != 0xff {
			x.bad()
			return
		}
		m := b[at+1]
		if m == sos || m == eoi {
			return
		}
		end := at + 2 + int(binary.BigEndian.Uint16(b[at+2:]))
		if end < at+4 || end > len(b) {
			x.bad()
			return
		}
		data := b[at+4 : end]
		at = end
		switch is := func(name []byte) bool { return bytes.HasPrefix(data, name) }; {
		case m == app0+1 && is(exifName):
			x.exif(data[len(exifName):])
		case m == app0+1 && is(xmpName):
			if i := bytes.IndexByte(data, '<'); i >= 0 {
				x.xml(data[i:])
			}
		case m == com:
			x.add(WhatText, text(data))
		}
	}
}

// png looks at the chunks' beginnings.
func (x *inspector) png() {
	for at := int64(8); x.part(); {
		b := x.at(at, 8)
		if len(b) < 8 {
			x.bad()
			return
		}
		length, name := int64(binary.BigEndian.Uint32(b)), string(b[4:])
		data := func() []byte { return x.at(at+8, int(min(length, block))) }
		switch name {
		case "IEND":
			return
		case "eXIf":
			x.exif(data())
		case "tEXt", "iTXt":
			keyword, value, _ := bytes.Cut(data(), []byte{0})
			if string(keyword) == "XML:com.adobe.xmp" {
				x.xml(value[max(0, bytes.IndexByte(value, '<')):])
			} else if name == "tEXt" {
				x.note(about(text(keyword)), text(value))
			}
		}
		at += length + 12
	}
}

// heic looks for the items that aren't pictures; and whether cleaning would
// leave something.
func (x *inspector) heic() {
	if sequence.Match(x.at(0, sniffSize)) {
		x.bad()
	}
	for at := int64(0); x.part(); {
		b := x.at(at, 8)
		if len(b) < 8 {
			break
		}
		size := int64(binary.BigEndian.Uint32(b))
		if string(b[4:]) == "meta" && size <= block {
			m := meta{b: bytes.Clone(x.at(at, int(size)))}
			if !m.read() {
				break
			}
			if m.unsure {
				x.bad()
			}
			for _, e := range m.extents {
				if e.what != "Exif" && e.what != "XMP" {
					continue
				}
				b := x.at(e.from, int(min(block, e.to-e.from)))
				switch {
				case e.what == "XMP":
					x.xml(b)
				case len(b) >= 4 && int64(binary.BigEndian.Uint32(b)) <= int64(len(b)-4):
					x.exif(b[4+binary.BigEndian.Uint32(b):])
				default:
					x.bad()
				}
			}
			return
		}
		if size < 8 {
			break
		}
		if at > 0 && !has(fillers, string(b[4:])) {
			x.bad()
		}
		at += size
	}
	x.bad()
}

var sequence = regexp.MustCompile(`^(?s:.{8,64})(msf1|hev[cxms]|avis)`)

// image looks into TIFF, which cameras' raw files are too.
func (x *inspector) image() {
	if b := x.at(0, block); bytes.HasPrefix(b, []byte("II*\x00")) || bytes.HasPrefix(b, []byte("MM\x00*")) {
		x.exif(b)
	}
}

// exif looks through a block of Exif: its first directory, that of exposure
// and that of the place.
func (x *inspector) exif(b []byte) {
	e := exifBlock{b: b}
	switch {
	case len(b) >= 8 && bytes.HasPrefix(b, []byte("MM\x00*")):
		e.order = binary.BigEndian
	case len(b) >= 8 && bytes.HasPrefix(b, []byte("II*\x00")):
		e.order = binary.LittleEndian
	default:
		x.bad()
		return
	}
	var side [5]byte
	value := [5]float64{2: math.NaN(), 4: math.NaN()}
	within := false
	var tags func(tag uint16, v exifValue)
	tags = func(tag uint16, v exifValue) {
		switch tag {
		case 0x8769:
			if !within {
				within = true
				e.each(v.offset, tags)
			}
		case 0x8825:
			e.each(v.offset, func(tag uint16, v exifValue) {
				switch tag {
				case 1, 3:
					side[tag+1] = 0
					if len(v.data) > 0 {
						side[tag+1] = v.data[0]
					}
				case 2, 4:
					value[tag] = v.degrees(e.order)
				}
			})
		case 0x9286:
			if c, isASCII := bytes.CutPrefix(v.data, []byte("ASCII\x00\x00\x00")); isASCII {
				x.add(WhatText, text(c))
			}
		default:
			x.note(exifNames[tag], zeroEnded(v.data))
		}
	}
	if !e.each(e.order.Uint32(b[4:]), tags) {
		x.bad()
	}
	if side[2] == 'S' {
		value[2] = -value[2]
	}
	if side[4] == 'W' {
		value[4] = -value[4]
	}
	x.where(value[2], value[4])
	x.flush()
}

var exifNames = map[uint16]What{
	0x010e: WhatText,
	0x010f: maker,
	0x0110: model,
	0x0131: WhatProgram,
	0x0132: WhatTime,
	0x013b: WhatAuthor,
	0x013c: WhatDevice,
	0x8298: WhatAuthor,
	0x9003: WhatTime,
	0x9004: WhatTime,
	0xa430: WhatAuthor,
	0xa431: WhatDevice,
}

// flush notes what comes in two parts.
func (x *inspector) flush() {
	maker, model := oneLine(x.maker), oneLine(x.model)
	if len(model) < len(maker) || model[:len(maker)] != maker {
		model = maker + " " + model
	}
	x.add(WhatDevice, model)
	x.maker, x.model = "", ""
}

type exifBlock struct {
	b     []byte
	order binary.ByteOrder
}

type exifValue struct {
	data   []byte
	offset uint32 // if it is one
}

// each calls do for the tags of a directory, as far as it goes.
func (e exifBlock) each(at uint32, do func(uint16, exifValue)) (whole bool) {
	if int64(at)+2 > int64(len(e.b)) {
		return false
	}
	n := int(e.order.Uint16(e.b[at:]))
	b := e.b[at+2:]
	for ; n > 0 && len(b) >= 12; n, b = n-1, b[12:] {
		size := int64(e.order.Uint32(b[4:])) * int64([14]byte{1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}[min(13, e.order.Uint16(b[2:]))])
		v := exifValue{offset: e.order.Uint32(b[8:])}
		if size <= 4 {
			v.data = b[8 : 8+size]
		} else if int64(v.offset)+size <= int64(len(e.b)) {
			v.data = e.b[v.offset:][:size]
		}
		do(e.order.Uint16(b), v)
	}
	return n == 0
}

// degrees reads degrees, minutes and seconds.
func (v exifValue) degrees(order binary.ByteOrder) (d float64) {
	if len(v.data) < 24 {
		return math.NaN()
	}
	for i, of := range []float64{1, 60, 3600} {
		n, by := order.Uint32(v.data[8*i:]), order.Uint32(v.data[8*i+4:])
		if by == 0 {
			if n != 0 || i == 0 {
				return math.NaN()
			}
			by = 1
		}
		d += float64(n) / float64(by) / of
	}
	return d
}

// plain says whether the beginning is text.
func (x *inspector) plain() bool {
	b := x.at(0, sniffSize)
	for _, mark := range []string{"\xfe\xff", "\xff\xfe", "\xef\xbb\xbf"} {
		if bytes.HasPrefix(b, []byte(mark)) {
			return true
		}
	}
	return !bytes.ContainsFunc(b, func(c rune) bool {
		return c < ' ' && !strings.ContainsRune("\t\n\f\r\x1b", c)
	})
}
