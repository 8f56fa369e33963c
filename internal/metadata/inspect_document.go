package metadata

import (
	"bytes"
	"compress/flate"
	"compress/zlib"
	"encoding/binary"
	"encoding/hex"
	"io"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// windows calls do with what is looked through of a file that has no order to
// follow: a megabyte at a time, each with the end of the one before; of a large
// file its beginning and its end.
func (x *inspector) windows(do func(at int64, b []byte)) {
	const (
		overlap = 16 << 10
		half    = mostRead / 4
	)
	end := x.size
	for at := int64(0); at < end; at += block - overlap {
		if x.size > 2*half && at >= half && at < x.size-half {
			at = x.size - half
			x.add(WhatPartly, "")
		}
		do(at, x.at(at, block))
		if at+block >= end {
			return
		}
	}
}

// each calls do with the places of a text.
func each(b []byte, s string, do func(at int)) {
	for at := 0; ; at++ {
		i := bytes.Index(b[at:], []byte(s))
		if i < 0 {
			return
		}
		at += i
		do(at)
	}
}

// pdf looks for dictionaries with the names of PDF's Info, for compressed
// objects in which they may be, and for XMP. It follows no cross-references:
// what an older version of the file says is in it as well, and may be all that
// can be read of a damaged one.
func (x *inspector) pdf() {
	var texts []Finding
	encrypted := false
	note := func(w What, value string) { texts = append(texts, Finding{w, value}) }
	x.windows(func(at int64, b []byte) {
		each(b, "/Encrypt", func(i int) {
			encrypted = encrypted || reference.Match(b[i+len("/Encrypt"):min(len(b), i+64)])
		})
		pdfInfo(x, b, note)
		each(b, "<x:xmpmeta", func(i int) {
			if n := bytes.Index(b[i:], []byte("</x:xmpmeta>")); n >= 0 {
				x.xml(b[i:][:n+len("</x:xmpmeta>")])
			}
		})
		each(b, "/ObjStm", func(i int) {
			dict := b[max(0, bytes.LastIndex(b[:i], []byte("obj"))):]
			j := bytes.Index(dict, []byte("stream"))
			if j < 0 || j > 1<<10 || !x.part() {
				return
			}
			m := direct.FindSubmatch(dict[:j])
			if m == nil || !bytes.Contains(dict[:j], []byte("/FlateDecode")) {
				x.bad()
				return
			}
			if j += len("stream"); bytes.HasPrefix(dict[j:], []byte("\r\n")) {
				j++
			}
			length, _ := strconv.Atoi(string(m[1]))
			packed := x.at(at+int64(len(b)-len(dict)+j+1), min(length, block))
			r, err := zlib.NewReader(bytes.NewReader(packed))
			if err != nil {
				x.bad()
				return
			}
			pdfInfo(x, x.inflate(r, block), note)
		})
	})
	if encrypted {
		x.bad()
		return
	}
	for _, f := range texts {
		x.note(f.What, f.Value)
	}
}

var (
	reference = regexp.MustCompile(`^\s{0,4}[0-9]{1,9}\s{1,4}[0-9]{1,5}\s{1,4}R`)
	direct    = regexp.MustCompile(`/Length\s{0,4}([0-9]{1,9})\s{0,4}(?:[^0-9\s]|$)`)
)

// pdfInfo looks for dictionaries that are an Info: those with a name that
// occurs in no other, as far as they can be followed.
func pdfInfo(x *inspector, b []byte, note func(What, string)) {
	const longest = 16 << 10
	for _, key := range []string{"/Producer", "/Creator", "/Author", "/CreationDate", "/ModDate"} {
		each(b, key, func(i int) {
			from := max(0, i-longest)
			at := bytes.LastIndex(b[from:i], []byte("<<"))
			if at < 0 || !x.part() {
				return
			}
			at += from
			dict := b[at+2 : min(len(b), at+longest)]
			for m := entry.FindSubmatch(dict); m != nil; m = entry.FindSubmatch(dict) {
				dict = dict[len(m[0]):]
				value := hexadecimal(m[3])
				if m[2] != nil {
					value = unescape(m[2])
				}
				if w := about(text(m[1])); w != "" && len(value) > 0 {
					note(w, text(value))
				}
			}
		})
	}
}

// entry is one of a dictionary of PDF: its name, then a string in parentheses,
// one of hexadecimal digits, or anything else.
var entry = regexp.MustCompile(`^[ \t\r\n\f\x00]*/([^ \t\r\n\f\x00()<>\[\]{}/%]*)[ \t\r\n\f\x00]*(?:\(((?:\\(?s:.)|[^\\()]|\((?:\\(?s:.)|[^\\()])*\))*)\)|<([^<>]*)>|[^()<>/]*)`)

var escaped = regexp.MustCompile(`\\(?:[0-7]{1,3}|\r?\n|(?s:.))`)

// unescape returns a string as it is written in parentheses.
func unescape(b []byte) []byte {
	return escaped.ReplaceAllFunc(b, func(b []byte) []byte {
		switch c := b[1]; {
		case '0' <= c && c <= '7':
			v, _ := strconv.ParseUint(string(b[1:]), 8, 16)
			return []byte{byte(v)}
		case b[len(b)-1] == '\n':
			return nil
		case strings.IndexByte("nrt", c) >= 0:
			return []byte{"\n\r\t"[strings.IndexByte("nrt", c)]}
		}
		return b[1:]
	})
}

func hexadecimal(b []byte) (value []byte) {
	digits := notHex.ReplaceAll(b, nil)
	if len(digits)%2 == 1 {
		digits = append(digits, '0')
	}
	value, _ = hex.AppendDecode(nil, digits)
	return value
}

var notHex = regexp.MustCompile(`[^0-9a-fA-F]`)

// inflate returns what comes of inflating, up to a megabyte.
func (x *inspector) inflate(r io.Reader, limit int) []byte {
	if x.inflated -= int64(limit); x.inflated < 0 {
		x.add(WhatPartly, "")
		return nil
	}
	b, err := io.ReadAll(io.LimitReader(r, int64(limit)))
	if err != nil {
		x.bad()
		return nil
	}
	return b
}

// office looks into documents of Office's kinds.
func (x *inspector) office() {
	if bytes.HasPrefix(x.at(0, 2), []byte("PK")) {
		x.zip()
	} else {
		x.ole() // RTF has nothing of it, and isn't read
	}
}

// zip looks into the files of an archive that tell something, and into photos
// that were put into a document as they were. It reads the directory by hand
// since archive/zip takes all of it into memory.
func (x *inspector) zip() {
	const (
		tail     = 22 + 1<<16
		photos   = 16
		headSize = 128 << 10
	)
	from := max(0, x.size-tail)
	b := x.at(from, tail)
	i := bytes.LastIndex(b, []byte("PK\x05\x06"))
	if i < 0 || len(b)-i < 22 {
		x.bad()
		return
	}
	at := int64(binary.LittleEndian.Uint32(b[i+16:]))
	looked := 0
	for n := binary.LittleEndian.Uint16(b[i+10:]); n > 0 && x.part(); n-- {
		e := x.at(at, 46)
		if len(e) < 46 || string(e[:4]) != "PK\x01\x02" {
			x.bad()
			return
		}
		u16 := func(i int) int64 { return int64(binary.LittleEndian.Uint16(e[i:])) }
		u32 := func(i int) int64 { return int64(binary.LittleEndian.Uint32(e[i:])) }
		method, packed, local := u16(10), u32(20), u32(42)
		name := string(x.at(at+46, int(u16(28))))
		at += 46 + u16(28) + u16(30) + u16(32)
		switch {
		case name == "docProps/core.xml", name == "docProps/app.xml", name == "meta.xml",
			name == "word/comments.xml", name == "word/people.xml", name == "xl/persons/person.xml":
			x.xml(x.entry(method, local, packed, block))
		case looked < photos && (strings.Contains(name, "/media/") || strings.HasPrefix(name, "Pictures/")) && (path.Ext(name) == ".jpg" || path.Ext(name) == ".jpeg"):
			looked++
			if photo := x.entry(method, local, packed, headSize); len(photo) > 2 {
				x.jpeg(photo)
			}
		}
	}
}

// entry returns the beginning of a file in an archive.
func (x *inspector) entry(method, local, packed int64, limit int) []byte {
	h := x.at(local, 30)
	if len(h) < 30 || string(h[:4]) != "PK\x03\x04" {
		x.bad()
		return nil
	}
	at := local + 30 + int64(binary.LittleEndian.Uint16(h[26:])) + int64(binary.LittleEndian.Uint16(h[28:]))
	b := x.at(at, int(min(packed, int64(2*limit))))
	switch {
	case h[6]&1 != 0: // encrypted
	case method == 0:
		return b[:min(limit, len(b))]
	case method == 8:
		return x.inflate(flate.NewReader(bytes.NewReader(b)), limit)
	}
	x.bad()
	return nil
}

// What the two sets of properties of a document of Office before 2007 begin
// with, and the numbers in them.
const (
	summary  = "\xe0\x85\x9f\xf2\xf9\x4f\x68\x10\xab\x91\x08\x00\x2b\x27\xb3\xd9"
	document = "\x02\xd5\xcd\xd5\x9c\x2e\x1b\x10\x93\x97\x08\x00\x2b\x2c\xf9\xae"
)

var oleNames = []struct {
	id    string
	names map[uint32]What
}{
	{summary, map[uint32]What{2: WhatTitle, 4: WhatAuthor, 6: WhatText, 8: WhatAuthor, 11: WhatTime, 12: WhatTime, 13: WhatTime, 18: WhatProgram}},
	{document, map[uint32]What{14: WhatAuthor, 15: WhatCompany}},
}

// ole looks for the sets of properties by what they begin with. They are a few
// hundred bytes that programs write in one piece. Following the file system in
// such a file would be ten times the code, and its chains are what has broken
// readers before.
func (x *inspector) ole() {
	found := false
	x.windows(func(_ int64, b []byte) {
		for _, of := range oleNames {
			each(b, of.id, func(i int) {
				if i < 28 || i+20 > len(b) || binary.LittleEndian.Uint16(b[i-28:]) != 0xfffe || !x.part() {
					return
				}
				set := b[i-28 : min(len(b), i-28+4<<10)]
				at := binary.LittleEndian.Uint32(set[44:])
				if at < 48 || int(at) > len(set)-8 {
					return
				}
				found = true
				x.properties(set[at:], of.names)
			})
		}
	})
	if !found {
		x.bad()
	}
}

func (x *inspector) properties(b []byte, names map[uint32]What) {
	u32 := binary.LittleEndian.Uint32
	codepage := uint16(1252)
	for n, e := u32(b[4:]), b[8:]; n > 0 && len(e) >= 8 && x.part(); n, e = n-1, e[8:] {
		at := u32(e[4:])
		if int64(at)+8 > int64(len(b)) {
			x.bad()
			return
		}
		v := b[at:]
		switch kind := u32(v); {
		case u32(e) == 1 && kind == 2:
			codepage = binary.LittleEndian.Uint16(v[4:])
		case names[u32(e)] == WhatTime && kind == 64 && len(v) >= 12: // tenths of microseconds since 1601
			const since1601 = 11644473600
			x.whenUnix(int64(binary.LittleEndian.Uint64(v[4:])/1e7) - since1601)
		case kind == 30 || kind == 31:
			size := int64(u32(v[4:]))
			if kind == 31 {
				size *= 2
			}
			if size > int64(len(v)-8) {
				x.bad()
				return
			}
			value := v[8 : 8+size]
			switch {
			case kind == 31 || codepage == 1200:
				value, _ = zeroCut(value, true)
				x.note(names[u32(e)], utf16Text(value, false))
			default:
				x.note(names[u32(e)], zeroEnded(value))
			}
		}
	}
}
