package metadata

import (
	"bytes"
	"encoding/binary"
	"math"
)

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
			x.keys = append(x.keys, text(b[8:n]))
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
			w := about(latin([]byte(name)))
			if i := int64(binary.BigEndian.Uint32([]byte(name))); i > 0 && i <= int64(len(x.keys)) {
				w = about(x.keys[i-1])
			}
			if b := all(); len(b) >= 16 && string(b[4:8]) == "data" {
				if size := int64(binary.BigEndian.Uint32(b)); 16 <= size && size <= int64(len(b)) {
					x.boxText(w, b[16:size], b[11] == 2)
				}
			}
		case "udta":
			b := all()
			switch w := about(latin([]byte(name))); {
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
	x.note(w, s)
}

// loci is a place as 3GP has it.
func (x *inspector) loci(b []byte) {
	_, b, _ = bytes.Cut(b[min(6, len(b)):], []byte{0})
	if len(b) >= 9 {
		fixed := func(b []byte) float64 { return float64(int32(binary.BigEndian.Uint32(b))) / 65536 }
		x.where(fixed(b[5:]), fixed(b[1:]))
	}
}
