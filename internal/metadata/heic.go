package metadata

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math"
	"slices"
	"strings"
)

// HEIC and AVIF are boxes: "ftyp", then "meta", which says where in the file
// each item lies, then "mdat" with the items. Telephones write them in that
// order, so one pass can do it, and nothing moves: in place of Exif stands one
// with the orientation alone, in place of XMP an empty one, and zeros stand for
// all that belongs to no item. What isn't a picture's and isn't known stays,
// and the result says that the file isn't clean; where the order or the way of
// storing is another one, all stays. Thumbnails and depth maps are pictures.
const (
	// Items, properties and parts of a meta that belong to pictures.
	known = "hvc1 hev1 av01 jpeg grid iovl iden tmap " +
		"hvcC av1C ispe pixi colr clap irot imir pasp auxC lsel a1op a1lx clli mdcv cclv amve " +
		"hdlr dinf pitm iinf iloc iref iprp idat grpl ipco ipma"
	told     = "udes altt crtt mdft itai taic" // properties that tell something else
	fillers  = "free skip wide"
	others   = "uuid xml  bxml mpvd sefd"
	moving   = "msf1 hevc hevx hevm hevs avis" // brands of sequences, whose pictures no item tells of
	emptyXMP = `<x:xmpmeta xmlns:x="adobe:ns:meta/"/>`
)

// has says whether a list has a name of four letters.
func has(list, name string) bool {
	i := strings.Index(list, name)
	return len(name) == 4 && i >= 0 && i%5 == 0
}

// extent is a part of the file that belongs to an item.
type extent struct {
	from, to int64
	what     string // "" of a picture, else "Exif", "XMP", or "?" of what is zeroed
}

func (f *filter) heic() error {
	b, err := f.peek(8)
	if err != nil {
		return err
	}
	size := int(binary.BigEndian.Uint32(b))
	if size < 16 || size > 1<<10 {
		return errBad
	}
	if b, err = f.peek(size); err != nil {
		return err
	}
	for at := 8; at+4 <= size; at += 4 {
		if has(moving, string(b[at:at+4])) {
			return errBad
		}
	}
	f.keep, f.pos, f.step = int64(size), int64(size), (*filter).heicMeta
	return nil
}

// heicMeta is before the meta.
func (f *filter) heicMeta() error {
	b, err := f.peek(8)
	if err != nil {
		return err
	}
	size := int64(binary.BigEndian.Uint32(b))
	name := string(b[4:])
	if size < 8 || size > maxSegment || name != "meta" && !has(fillers, name) {
		return errBad
	}
	if name != "meta" {
		f.put, f.drop, f.blank = bytes.Clone(b), 8, size-8
		f.blanked, f.pos = Comment, f.pos+size
		return nil
	}
	if b, err = f.peek(int(size)); err != nil {
		return err
	}
	m := meta{b: bytes.Clone(b)}
	if !m.read() {
		return errBad
	}
	f.pos += size
	slices.SortFunc(m.extents, func(a, b extent) int { return cmp.Compare(a.from, b.from) })
	for i, e := range m.extents {
		if e.from < f.pos || i > 0 && e.from < m.extents[i-1].to && (e.what != "" || m.extents[i-1].what != "") {
			return errBad
		}
		if i > 0 {
			m.extents[i].to = max(e.to, m.extents[i-1].to)
		}
	}
	f.extents, f.unsure = m.extents, m.unsure
	if !bytes.Equal(b, m.b) {
		f.removed |= Comment
	}
	f.put, f.drop, f.step = m.b, size, (*filter).heicBox
	return nil
}

// heicBox is before a box after the meta.
func (f *filter) heicBox() error {
	b, err := f.peek(8)
	if err != nil {
		return err
	}
	size, header, name := int64(binary.BigEndian.Uint32(b)), int64(8), string(b[4:])
	switch size {
	case 0:
		size = math.MaxInt64 - f.pos
	case 1:
		if b, err = f.peek(16); err != nil {
			return err
		}
		size, header = int64(binary.BigEndian.Uint64(b[8:])), 16
	}
	if size < header || size > math.MaxInt64-f.pos {
		return errBad
	}
	from := f.pos
	f.pos += size
	if name != "mdat" {
		if len(f.extents) > 0 && f.extents[0].from < f.pos || !has(fillers, name) && !has(others, name) {
			f.unsure, f.keep = true, size
			for len(f.extents) > 0 && f.extents[0].to <= f.pos {
				f.extents = f.extents[1:]
			}
			return nil
		}
		if !has(fillers, name) {
			f.removed |= Appended
		}
	} else {
		f.picture = true
	}
	f.put, f.drop = bytes.Clone(b[:header]), header
	if has(others, name) {
		copy(f.put[4:], "free")
	}
	f.body, f.step = from+header, (*filter).heicBody
	return nil
}

// heicBody is within a box whose bytes are those of items, or go.
func (f *filter) heicBody() error {
	for len(f.extents) > 0 && f.extents[0].to <= f.body {
		f.extents = f.extents[1:]
	}
	from, next := f.body, f.pos
	if from == next {
		f.step = (*filter).heicBox
		return nil
	}
	f.fill, f.blanked = 0, Comment
	if len(f.extents) == 0 || f.extents[0].from >= next {
		f.blank, f.body = next-from, next
		return nil
	}
	e := f.extents[0]
	switch {
	case e.from > from:
		f.blank, f.body = e.from-from, e.from
		return nil
	case e.what == "":
		f.body = min(e.to, next)
		f.keep = f.body - from
		return nil
	case e.to > next, e.from < from:
		return errBad
	}
	size := e.to - from
	// Of an item that the file's end cuts, nothing goes out.
	b, err := f.peek(int(min(size, maxSegment)))
	if err != nil {
		return err
	}
	var instead []byte
	var traces Traces
	switch e.what {
	case "Exif":
		var orientation uint16
		if len(b) >= 4 && int64(binary.BigEndian.Uint32(b)) <= int64(len(b)-4) {
			orientation, traces = readExif(b[4+binary.BigEndian.Uint32(b):])
		}
		instead = appendExif(make([]byte, 4, 4+exifSize), max(1, orientation))
	case "XMP":
		instead, f.fill = []byte(emptyXMP), ' '
		if !bytes.HasPrefix(b, instead) {
			traces = xmpTraces(b)
		}
	}
	if size < int64(len(instead)) {
		instead = nil
	}
	if !bytes.HasPrefix(b, instead) {
		f.removed |= traces | Comment
	}
	f.put, f.drop = instead, int64(len(instead))
	f.blank, f.body = size-f.drop, e.to
	return nil
}

// meta is a copy of a meta, changed as it is read.
type meta struct {
	b       []byte
	extents []extent
	unsure  bool // something is of no known kind
	kinds   map[uint32]string
}

// read goes through the boxes; false if they can't be followed.
func (m *meta) read() bool {
	m.kinds = map[uint32]string{}
	var iloc []byte
	ok := len(m.b) >= 12 && m.boxes(12, len(m.b), func(name string, at, end int) bool {
		switch name {
		case "iinf":
			return m.names(at, end)
		case "iloc":
			iloc = m.b[at:end]
		case "iprp":
			return m.boxes(at, end, func(name string, at, end int) bool {
				return name != "ipco" || m.boxes(at, end, func(name string, _, _ int) bool {
					m.unsure = m.unsure || !has(known, name) && !has(told, name) && !has(fillers, name)
					return true
				})
			})
		default:
			m.unsure = m.unsure || !has(known, name) && !has(fillers, name) && !has(others, name)
		}
		return true
	})
	return ok && m.places(iloc)
}

// boxes calls do for each box, and empties those that only tell something.
func (m *meta) boxes(at, end int, do func(name string, at, end int) bool) bool {
	for at < end {
		if end-at < 8 {
			return false
		}
		size := int64(binary.BigEndian.Uint32(m.b[at:]))
		if size < 8 || size > int64(end-at) {
			return false
		}
		name, next := string(m.b[at+4:at+8]), at+int(size)
		if !do(name, at+8, next) {
			return false
		}
		if has(others, name) || has(told, name) {
			copy(m.b[at+4:], "free")
			name = "free"
		}
		if has(fillers, name) {
			clear(m.b[at+8 : next])
		}
		at = next
	}
	return true
}

// names reads of what kind each item is.
func (m *meta) names(at, end int) bool {
	header := 6
	if at < end && m.b[at] > 0 {
		header = 8
	}
	return end-at >= header && m.boxes(at+header, end, func(name string, at, end int) bool {
		if name != "infe" {
			return false
		}
		b := m.b[at:end]
		if len(b) < 12 || b[0] != 2 && b[0] != 3 {
			return false
		}
		id, rest := uint32(binary.BigEndian.Uint16(b[4:])), b[6:]
		if b[0] == 3 {
			id, rest = binary.BigEndian.Uint32(b[4:]), b[8:]
		}
		if len(rest) < 6 || rest[0]|rest[1] != 0 { // encrypted
			return false
		}
		kind := string(rest[2:6])
		switch {
		case has(known, kind):
			kind = ""
		case kind == "Exif":
		case kind == "mime" && bytes.Contains(rest, []byte("\x00application/rdf+xml\x00")):
			kind = "XMP"
		case kind == "mime", kind == "uri ":
			kind = "?"
		default:
			m.unsure, kind = true, ""
		}
		m.kinds[id] = kind
		return true
	})
}

// places reads where each item lies.
func (m *meta) places(b []byte) bool {
	ok := len(b) >= 8 && b[0] <= 2
	number := func(n byte) (v uint64) {
		if ok = ok && int(n) <= len(b); !ok {
			return 0
		}
		for _, c := range b[:n] {
			v = v<<8 | uint64(c)
		}
		b = b[n:]
		return v
	}
	if !ok {
		return false
	}
	version, sizes := b[0], b[4:6]
	b = b[6:]
	long := byte(2)
	if version == 2 {
		long = 4
	}
	for items := number(long); items > 0 && ok; items-- {
		kind, known := m.kinds[uint32(number(long))]
		m.unsure = m.unsure || !known
		method := uint64(0)
		if version > 0 {
			method = number(2)
		}
		if number(2) != 0 || method > 1 || method == 1 && kind != "" { // in another file, or made of other items
			return false
		}
		base := number(sizes[1] >> 4)
		for n := number(2); n > 0 && ok; n-- {
			if version > 0 {
				number(sizes[1] & 15)
			}
			offset, size := number(sizes[0]>>4), number(sizes[0]&15)
			if size == 0 || max(base, offset, size) > 1<<50 {
				return false
			}
			if method == 0 {
				m.extents = append(m.extents, extent{int64(base + offset), int64(base + offset + size), kind})
			}
		}
	}
	return ok
}
