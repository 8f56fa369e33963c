package metadata

import (
	"bytes"
	"encoding/binary"
	"slices"
)

func zeroEnded(b []byte) string {
	b, _, _ = bytes.Cut(b, []byte{0})
	return text(b)
}

// media looks into sound and video. Matroska, Ogg, FLAC and AIFF would be too
// much code for what they tell.
func (x *inspector) media(head []byte) {
	switch is := func(s string) bool { return bytes.HasPrefix(head, []byte(s)) }; {
	case is("RIFF"):
		x.riff(12, x.size)
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
