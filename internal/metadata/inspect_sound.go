package metadata

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
)

func zeroEnded(b []byte) string {
	b, _, _ = bytes.Cut(b, []byte{0})
	return text(b)
}

// media looks into sound and video. Matroska and AIFF would be too much code for
// what they tell.
func (x *inspector) media(head []byte) {
	switch is := func(s string) bool { return bytes.HasPrefix(head, []byte(s)) }; {
	case is("RIFF"):
		x.riff(12, x.size)
	case is("OggS"):
		x.ogg(x.at(0, 64<<10))
	case is("fLaC"):
		x.flac(4)
	case len(head) >= 8 && slices.Contains([]string{"ftyp", "moov", "mdat", "wide"}, string(head[4:8])):
		x.film()
	case is("ID3"):
		x.id3()
	case is("#!AMR"), is("MThd"), is("\xff"): // nothing is known of these to tell
	default:
		x.bad()
	}
}

// id3 looks through a tag of ID3's versions 3 and 4. One in which every byte
// may be another, or with a second header, is rare, and more to be mistaken in.
func (x *inspector) id3() {
	b := x.at(0, 10)
	if len(b) < 10 || b[3] < 3 || b[3] > 4 || b[5]&0xc0 != 0 {
		x.bad()
		return
	}
	version, end := b[3], 10+int64(sevenBits(b[6:]))
	for at := int64(10); at+10 <= end && x.part(); {
		b := x.at(at, 10)
		if len(b) < 10 || b[0] == 0 {
			return
		}
		length := int(binary.BigEndian.Uint32(b[4:]))
		if version == 4 {
			length = sevenBits(b[4:])
		}
		if w := about(latin(b[:4])); w != "" && length > 1 && b[9] == 0 {
			x.id3Text(w, x.at(at+10, min(length, 4<<10)))
		}
		at += 10 + int64(length)
	}
}

func sevenBits(b []byte) int {
	return int(b[0]&0x7f)<<21 | int(b[1]&0x7f)<<14 | int(b[2]&0x7f)<<7 | int(b[3]&0x7f)
}

func (x *inspector) id3Text(w What, b []byte) {
	if len(b) < 1 {
		return
	}
	coding, b := b[0], b[1:]
	wide := coding == 1 || coding == 2
	if w == WhatText { // a language, and what the comment is called
		if len(b) < 3 {
			return
		}
		b = b[3:]
		if _, b = zeroCut(b, wide); len(b) == 0 {
			return
		}
	}
	b, _ = zeroCut(b, wide)
	switch {
	case coding == 2:
		x.note(w, utf16Text(b, true))
	case coding == 0:
		x.note(w, latin(b))
	default:
		x.note(w, text(b))
	}
}

// zeroCut cuts at a zero, which is of two bytes in a wide text.
func zeroCut(b []byte, wide bool) (before, after []byte) {
	if !wide {
		before, after, _ = bytes.Cut(b, []byte{0})
		return before, after
	}
	for i := 0; i+1 < len(b); i += 2 {
		if b[i]|b[i+1] == 0 {
			return b[:i], b[i+2:]
		}
	}
	return b, nil
}

func (x *inspector) flac(at int64) {
	for x.part() {
		b := x.at(at, 4)
		if len(b) < 4 {
			x.bad()
			return
		}
		length := int(b[1])<<16 | int(b[2])<<8 | int(b[3])
		if b[0]&0x7f == 4 {
			x.comments(x.at(at+4, length))
		}
		if b[0]&0x80 != 0 {
			return
		}
		at += 4 + int64(length)
	}
}

// ogg joins the pages at the beginning, in which the comments are.
func (x *inspector) ogg(b []byte) {
	var joined []byte
	for len(b) >= 27 && string(b[:4]) == "OggS" {
		n := 27 + int(b[26])
		if n > len(b) {
			break
		}
		size := n
		for _, s := range b[27:n] {
			size += int(s)
		}
		size = min(size, len(b))
		joined = append(joined, b[n:size]...)
		b = b[size:]
	}
	for _, magic := range []string{"\x03vorbis", "OpusTags", "\x81theora"} {
		if i := bytes.Index(joined, []byte(magic)); i >= 0 {
			x.comments(joined[i+len(magic):])
			return
		}
	}
	x.bad()
}

// comments are those of Vorbis, which FLAC and Opus have too.
func (x *inspector) comments(b []byte) {
	next := func() (string, bool) {
		if len(b) < 4 {
			return "", false
		}
		n := int64(binary.LittleEndian.Uint32(b))
		b = b[4:]
		if n > int64(len(b)) {
			return "", false
		}
		s := text(b[:n])
		b = b[n:]
		return s, true
	}
	vendor, ok := next()
	if !ok || len(b) < 4 {
		x.bad()
		return
	}
	x.add(WhatProgram, vendor)
	count := binary.LittleEndian.Uint32(b)
	for b = b[4:]; count > 0 && x.part(); count-- {
		s, ok := next()
		if !ok {
			x.bad()
			return
		}
		key, value, _ := strings.Cut(s, "=")
		x.note(about(key), value)
	}
}
