package metadata

import (
	"bytes"
	"compress/flate"
	"compress/zlib"
	"encoding/binary"
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

var infoNames = map[string]What{
	"Author": WhatAuthor, "Company": WhatCompany, "Title": WhatTitle, "Subject": WhatText, "Keywords": WhatText,
	"Creator": WhatProgram, "Producer": WhatProgram, "CreationDate": WhatTime, "ModDate": WhatTime, "SourceModified": WhatTime,
}

// pdfInfo looks for dictionaries that are an Info: those with a name that
// occurs in no other, as far as they can be followed.
func pdfInfo(x *inspector, b []byte, note func(What, string)) {
	const longest = 16 << 10
	for _, key := range []string{"/Producer", "/Creator", "/Author", "/CreationDate", "/ModDate"} {
		each(b, key, func(i int) {
			from := max(0, i-longest)
			if at := bytes.LastIndex(b[from:i], []byte("<<")); at >= 0 && x.part() {
				at += from + 2
				dictionary(b[at:min(len(b), at+longest)], func(name string, value []byte) {
					if w := infoNames[name]; w != "" {
						note(w, text(value))
					}
				})
			}
		})
	}
}

// dictionary calls do with the strings of a dictionary, up to where it can't be
// followed; dictionaries within it are not.
func dictionary(b []byte, do func(name string, value []byte)) {
	const space, special = " \t\r\n\f\x00", "()<>[]{}/%"
	token := func() []byte {
		n := bytes.IndexAny(b, space+special)
		if n < 0 {
			n = len(b)
		}
		t := b[:n]
		b = b[n:]
		return t
	}
	name := ""
	for {
		if b = bytes.TrimLeft(b, space); len(b) == 0 {
			return
		}
		switch c := b[0]; {
		case c == '/':
			b = b[1:]
			name = string(token())
		case c == '(':
			value, n := literal(b)
			if n == 0 {
				return
			}
			do(name, value)
			b = b[n:]
		case c == '<' && len(b) > 1 && b[1] != '<':
			n := bytes.IndexByte(b, '>')
			if n < 0 {
				return
			}
			do(name, hexadecimal(b[1:n]))
			b = b[n+1:]
		case strings.IndexByte("[]", c) >= 0:
			b = b[1:]
		case len(token()) == 0:
			return
		}
	}
}

// literal reads a string in parentheses, and says how long it is written.
func literal(b []byte) (value []byte, n int) {
	depth := 0
	for n < len(b) {
		c := b[n]
		n++
		switch c {
		case '(':
			if depth++; depth == 1 {
				continue
			}
		case ')':
			if depth--; depth == 0 {
				return value, n
			}
		case '\\':
			if n == len(b) {
				return nil, 0
			}
			c = b[n]
			n++
			if i := strings.IndexByte("nrtbf", c); i >= 0 {
				c = "\n\r\t\b\f"[i]
			} else if '0' <= c && c <= '7' {
				v := int(c - '0')
				for k := 0; k < 2 && n < len(b) && '0' <= b[n] && b[n] <= '7'; k++ {
					v = v<<3 | int(b[n]-'0')
					n++
				}
				c = byte(v)
			} else if c == '\r' || c == '\n' { // the line goes on
				continue
			}
		}
		value = append(value, c)
	}
	return nil, 0
}

func hexadecimal(b []byte) (value []byte) {
	half := -1
	for _, c := range b {
		v := strings.IndexByte("0123456789abcdef", c|0x20)
		if c <= ' ' || v < 0 {
			continue
		}
		if half < 0 {
			half = v
		} else {
			value, half = append(value, byte(half<<4|v)), -1
		}
	}
	return value
}

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
	switch head := x.at(0, 5); {
	case bytes.HasPrefix(head, []byte("PK")):
		x.zip()
	case bytes.HasPrefix(head, []byte(`{\rtf`)):
		x.rtf()
	default:
		x.ole()
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

var rtfInfo = regexp.MustCompile(`\{\\(author|operator|manager|company|title|doccomm) ([^{}\\]{1,200})|\{\\(?:creatim|revtim)\\yr([0-9]{4})\\mo([0-9]{1,2})\\dy([0-9]{1,2})`)

func (x *inspector) rtf() {
	whats := map[string]What{"author": WhatAuthor, "operator": WhatAuthor, "manager": WhatAuthor, "company": WhatCompany, "title": WhatTitle, "doccomm": WhatText}
	for _, m := range rtfInfo.FindAllSubmatch(x.at(0, 64<<10), -1) {
		if len(m[1]) > 0 {
			x.note(whats[string(m[1])], latin(m[2]))
		} else {
			two := func(b []byte) string { return ("0" + string(b))[len(b)-1:] }
			x.when(string(m[3]) + "-" + two(m[4]) + "-" + two(m[5]))
		}
	}
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
			case codepage == 65001:
				x.note(names[u32(e)], zeroEnded(value))
			default:
				value, _, _ = bytes.Cut(value, []byte{0})
				x.note(names[u32(e)], latin(value))
			}
		}
	}
}
