package metadata

import (
	"bytes"
	"encoding/binary"
	"math"
)

// boxNames are those of QuickTime and of 3GP under udta, and of iTunes.
var boxNames = map[string]What{
	"\xa9ART": WhatAuthor, "\xa9aut": WhatAuthor, "\xa9wrt": WhatAuthor, "\xa9cpy": WhatAuthor, "\xa9prd": WhatAuthor, "auth": WhatAuthor, "perf": WhatAuthor, "cprt": WhatAuthor, "aART": WhatAuthor,
	"\xa9nam": WhatTitle, "titl": WhatTitle,
	"\xa9too": WhatProgram, "\xa9swr": WhatProgram, "\xa9enc": WhatProgram,
	"\xa9mak": maker, "\xa9mod": model,
	"\xa9day": WhatTime,
	"\xa9xyz": WhatPlace,
	"\xa9cmt": WhatText, "\xa9des": WhatText, "desc": WhatText, "dscp": WhatText,
}

// keyNames are those of QuickTime's newer list.
var keyNames = map[string]What{
	"com.apple.quicktime.make": maker, "com.apple.quicktime.model": model,
	"com.apple.quicktime.software": WhatProgram, "com.apple.quicktime.creationdate": WhatTime,
	"com.apple.quicktime.location.ISO6709": WhatPlace, "com.apple.quicktime.location.name": WhatPlace,
	"com.apple.quicktime.author": WhatAuthor, "com.apple.quicktime.artist": WhatAuthor, "com.apple.quicktime.title": WhatTitle,
	"com.apple.quicktime.comment": WhatText, "com.apple.quicktime.description": WhatText,
	"com.android.manufacturer": maker, "com.android.model": model, "com.android.version": WhatProgram,
	// as FFmpeg writes it if asked
	"make": maker, "model": model, "encoder": WhatProgram, "artist": WhatAuthor, "author": WhatAuthor, "title": WhatTitle,
	"date": WhatTime, "creation_time": WhatTime, "location": WhatPlace, "comment": WhatText, "description": WhatText,
}

func (x *inspector) video() {
	switch head := x.at(0, 4); string(head) {
	case "RIFF":
		x.riff()
	case "\x1a\x45\xdf\xa3":
		x.matroska()
	default:
		x.film()
	}
}

// film looks into the boxes of MP4, QuickTime, 3GP and M4A.
func (x *inspector) film() {
	x.boxes(0, x.size, "")
	if x.keys == nil {
		x.bad() // there is no moov
	}
	x.flush()
}

// boxes goes through the boxes of a box.
func (x *inspector) boxes(at, end int64, of string) {
	index := 0
	for at < end && x.part() {
		b := x.at(at, 16)
		if len(b) < 8 {
			return
		}
		name, size, header := string(b[4:8]), int64(binary.BigEndian.Uint32(b)), int64(8)
		switch {
		case size == 0:
			if of != "" {
				return // a zero ends a list of QuickTime's
			}
			size = end - at
		case size == 1 && len(b) == 16:
			if size = int64(binary.BigEndian.Uint64(b[8:])); size < 16 {
				x.bad()
				return
			}
			header = 16
		}
		if size < header || size > end-at {
			x.bad()
			return
		}
		index++
		x.box(name, of, at+header, at+size)
		at += size
	}
}

func (x *inspector) box(name, of string, at, end int64) {
	all := func() []byte { return x.at(at, int(min(end-at, block))) }
	switch of + "/" + name {
	case "/moov":
		if x.keys == nil {
			x.keys = []string{}
		}
		x.boxes(at, end, name)
	case "moov/udta":
		x.boxes(at, end, name)
	case "moov/meta", "udta/meta", "/meta":
		if b := x.at(at, 8); len(b) == 8 && string(b[4:]) != "hdlr" { // QuickTime's has no version
			at += 4
		}
		x.boxes(at, end, "meta")
	case "moov/mvhd":
		b := all()
		const since1904 = 2082844800
		if len(b) >= 12 && b[0] == 1 {
			x.whenUnix(int64(binary.BigEndian.Uint64(b[4:])&math.MaxInt64) - since1904)
		} else if len(b) >= 8 {
			x.whenUnix(int64(binary.BigEndian.Uint32(b[4:])) - since1904)
		}
	case "meta/keys":
		b := all()
		for b = b[min(8, len(b)):]; len(b) >= 8 && x.part(); {
			n := int64(binary.BigEndian.Uint32(b))
			if n < 8 || n > int64(len(b)) {
				break
			}
			x.keys = append(x.keys, string(b[8:n]))
			b = b[n:]
		}
	case "meta/ilst":
		x.boxes(at, end, name)
	case "/uuid":
		if b := x.at(at, 16); string(b) == "\xbe\x7a\xcf\xcb\x97\xa9\x42\xe8\x9c\x71\x99\x94\x91\xe3\xaf\xac" {
			x.xml(x.at(at+16, int(min(end-at-16, block))))
		}
	default:
		switch of {
		case "ilst":
			w := boxNames[name]
			if i := int64(binary.BigEndian.Uint32([]byte(name))); i > 0 && i <= int64(len(x.keys)) {
				w = keyNames[x.keys[i-1]]
			}
			if b := all(); len(b) >= 16 && string(b[4:8]) == "data" {
				if size := int64(binary.BigEndian.Uint32(b)); 16 <= size && size <= int64(len(b)) {
					x.boxText(w, b[16:size], b[11] == 2)
				}
			}
		case "udta":
			b := all()
			switch w := boxNames[name]; {
			case name == "loci":
				x.loci(b)
			case w == "":
			case name[0] == 0xa9 && len(b) >= 4:
				n := int(binary.BigEndian.Uint16(b))
				x.boxText(w, b[4:min(4+n, len(b))], false)
			case len(b) > 6: // 3GP: version, flags, language
				x.boxText(w, b[6:], false)
			}
		}
	}
}

func (x *inspector) boxText(w What, b []byte, wide bool) {
	s := ""
	if wide {
		s = utf16Text(b, true)
	} else if i := bytes.IndexByte(b, 0); i >= 0 && !(len(b) > 1 && b[0] == 0xfe) {
		s = text(b[:i])
	} else {
		s = text(b)
	}
	switch w {
	case maker:
		x.maker = s
	case model:
		x.model = s
	default:
		x.note(w, s)
	}
}

// loci is a place as 3GP has it.
func (x *inspector) loci(b []byte) {
	if len(b) < 6 {
		return
	}
	_, b, ok := bytes.Cut(b[6:], []byte{0})
	if !ok || len(b) < 9 {
		return
	}
	fixed := func(b []byte) float64 { return float64(int32(binary.BigEndian.Uint32(b))) / 65536 }
	x.where(fixed(b[5:]), fixed(b[1:]))
}

// matroska looks into the head of Matroska and WebM.
func (x *inspector) matroska() {
	const (
		segment, info              = 0x18538067, 0x1549a966
		title, muxer, writer, date = 0x7ba9, 0x4d80, 0x5741, 0x4461
	)
	found := false
	var walk func(at, end int64)
	walk = func(at, end int64) {
		for at < end && x.part() {
			b := x.at(at, 12)
			id, n := ebml(b, true)
			if n == 0 {
				break
			}
			size, m := ebml(b[n:], false)
			if m == 0 || size < 0 && id != segment {
				break // up to the end of what isn't known
			}
			at += int64(n + m)
			if size < 0 || size > end-at {
				size = end - at
			}
			data := func() []byte { return x.at(at, int(min(size, 4<<10))) }
			switch id {
			case segment:
				walk(at, at+size)
			case info:
				found = true
				walk(at, at+size)
			case title:
				x.add(WhatTitle, zeroEnded(data()))
			case muxer, writer:
				x.add(WhatProgram, zeroEnded(data()))
			case date:
				if b := data(); len(b) == 8 {
					const since2001 = 978307200
					x.whenUnix(int64(binary.BigEndian.Uint64(b))/1e9 + since2001)
				}
			}
			at += size
		}
	}
	walk(0, x.size)
	if !found {
		x.bad()
	}
}

// ebml reads a number of Matroska's and how long it is; an id keeps its mark.
// A size that isn't known is -1.
func ebml(b []byte, id bool) (v int64, n int) {
	if len(b) == 0 || b[0] == 0 {
		return 0, 0
	}
	n = 1
	for mask := byte(0x80); b[0]&mask == 0; mask >>= 1 {
		n++
	}
	if n > len(b) || id && n > 4 {
		return 0, 0
	}
	v = int64(b[0])
	if !id {
		v &= 1<<(8-n) - 1
	}
	ones := !id && v == 1<<(8-n)-1
	for _, c := range b[1:n] {
		v = v<<8 | int64(c)
		ones = ones && c == 0xff
	}
	if ones {
		return -1, n
	}
	return v, n
}
