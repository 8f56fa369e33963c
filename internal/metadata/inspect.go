package metadata

import (
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// What a finding is about.
type What string

// What files tell besides what they show.
const (
	WhatAuthor     What = "author" // a person's name: who wrote, changed, recorded or owns it
	WhatCompany    What = "company"
	WhatTitle      What = "title"
	WhatText       What = "text" // a comment or description
	WhatProgram    What = "program"
	WhatDevice     What = "device" // make, model or serial number
	WhatPlace      What = "place"
	WhatTime       What = "time"
	WhatPartly     What = "partly"     // the file is too large to be looked through whole; no value
	WhatUnreadable What = "unreadable" // it can't be read, or only in part; no value
)

// Whats returns all of them, in the order in which people are told.
func Whats() []What {
	return []What{WhatAuthor, WhatCompany, WhatPlace, WhatDevice, WhatTime, WhatProgram, WhatTitle, WhatText, WhatPartly, WhatUnreadable}
}

// Finding is something that a file tells. The value is one line of at most 120
// characters without any that steer a display; it is still a stranger's text.
type Finding struct {
	What  What   `json:"what"`
	Value string `json:"value"`
}

// Inspection is what could be learned of a file. Finding nothing doesn't prove
// that nothing is there.
type Inspection struct {
	Kind     Kind      `json:"kind"`
	Findings []Finding `json:"findings"`
}

const (
	mostRead     = 64 << 20 // bytes of a file, and as many inflated
	mostParts    = 10_000   // boxes, chunks, entries, streams
	mostFindings = 24
	mostValue    = 120     // characters
	block        = 1 << 20 // the longest piece that is read at once
)

// Inspect looks for what a file tells of its maker. It never fails: what can't
// be read is a finding. It reads at most 64 MiB of the file, a megabyte at a
// time, whatever the file says of itself.
//
// The browser's half does the same in web/browser/src/metadata, and both find
// the same. That is why no libraries are used where a format is a few lines of
// "type, length, value": those that there are for either language are larger
// than this, differ in what they find, and allocate what a file asks for.
func Inspect(file io.ReaderAt, size int64) Inspection {
	x := &inspector{file: file, size: size, left: mostRead, inflated: mostRead, parts: mostParts}
	kind := kindOf(x.at(0, sniffSize))
	x.inspect(kind)
	r := Inspection{Kind: kind, Findings: []Finding{}}
	for _, w := range Whats() {
		for _, f := range x.found {
			if f.What == w && len(r.Findings) < mostFindings {
				r.Findings = append(r.Findings, f)
			}
		}
	}
	return r
}

func (x *inspector) inspect(k Kind) {
	switch k {
	case JPEG:
		x.jpeg(x.at(0, block))
	case PNG:
		x.png()
	case WebP:
		x.riff(12, x.size)
	case HEIC:
		x.heic()
	case Image:
		x.image()
	case PDF:
		x.pdf()
	case Office:
		x.office()
	case Audio, Video:
		x.media(x.at(0, 12))
	case Other:
		if !x.plain() {
			x.bad()
		}
	}
}

// inspector reads a file piece by piece and notes what it finds.
type inspector struct {
	file     io.ReaderAt
	size     int64
	left     int64 // bytes that may still be read
	inflated int64 // and those that may come of inflating
	parts    int
	found    []Finding
	keys     []string // of QuickTime's list; nil before there is a moov
	maker    string   // of a device, until its model is known as well
	model    string

	window   []byte // what was read last of small pieces
	windowAt int64
}

// at returns n bytes, fewer if the file or what may be read ends before.
func (x *inspector) at(offset int64, n int) []byte {
	const small = 4 << 10
	if offset < 0 || offset >= x.size || n <= 0 {
		return nil
	}
	n = int(min(int64(min(n, block)), x.size-offset))
	if n > small {
		return x.read(offset, n)
	}
	if offset < x.windowAt || offset+int64(n) > x.windowAt+int64(len(x.window)) {
		x.windowAt, x.window = offset, x.read(offset, int(min(16*small, x.size-offset)))
	}
	b := x.window[min(int64(len(x.window)), offset-x.windowAt):]
	return b[:min(n, len(b))]
}

func (x *inspector) read(offset int64, n int) []byte {
	if int64(n) > x.left {
		x.add(WhatPartly, "")
		return nil
	}
	x.left -= int64(n)
	b := make([]byte, n)
	n, err := x.file.ReadAt(b, offset)
	if err != nil && err != io.EOF {
		x.add(WhatUnreadable, "")
	}
	return b[:n]
}

// part counts a part, and is false after so many.
func (x *inspector) part() bool {
	x.parts--
	if x.parts < 0 {
		x.add(WhatPartly, "")
	}
	return x.parts >= 0
}

// add notes a finding once. A value without anything in it is none, but for
// what has no value.
func (x *inspector) add(w What, value string) {
	f := Finding{w, ""}
	if w != WhatPartly && w != WhatUnreadable {
		if f.Value = oneLine(value); f.Value == "" {
			return
		}
	}
	for _, have := range x.found {
		if have == f {
			return
		}
	}
	if len(x.found) < 4*mostFindings {
		x.found = append(x.found, f)
	}
}

func (x *inspector) bad() { x.add(WhatUnreadable, "") }

// oneLine is a text without what steers a display, and not too long.
func oneLine(s string) string {
	var b strings.Builder
	n := 0
	space, wrong := false, false
	for _, r := range s {
		switch {
		case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Z):
			space = n > 0
			continue
		case r == utf8.RuneError && wrong:
			continue
		}
		if space {
			b.WriteByte(' ')
			n++
		}
		space, wrong = false, r == utf8.RuneError
		if n++; n > mostValue {
			return strings.TrimRight(b.String(), " ") + "…"
		}
		b.WriteRune(r)
	}
	return b.String()
}

// latin decodes what is said to be Latin-1, and is Windows' variant of it: the
// beginning, since no value is longer.
func latin(b []byte) string {
	s, err := charmap.Windows1252.NewDecoder().Bytes(b[:min(1<<10, len(b))])
	if err != nil {
		return ""
	}
	return string(s)
}

func utf16Text(b []byte, big bool) string {
	units := make([]uint16, len(b)/2)
	for i := range units {
		if big {
			units[i] = uint16(b[2*i])<<8 | uint16(b[2*i+1])
		} else {
			units[i] = uint16(b[2*i+1])<<8 | uint16(b[2*i])
		}
	}
	return string(utf16.Decode(units))
}

// text decodes bytes by their byte order mark; without one they are UTF-8, or
// Latin-1 if they aren't valid.
func text(b []byte) string {
	switch {
	case len(b) >= 2 && b[0] == 0xfe && b[1] == 0xff:
		return utf16Text(b[2:], true)
	case len(b) >= 2 && b[0] == 0xff && b[1] == 0xfe:
		return utf16Text(b[2:], false)
	case utf8.Valid(b):
		return string(b)
	}
	return latin(b)
}

var moment = regexp.MustCompile(`^[^0-9]{0,2}([0-9]{4})(?:[^0-9]?([0-9]{2})[^0-9]?([0-9]{2})(?:[^0-9]?([0-9]{2})[^0-9]?([0-9]{2})(?:[^0-9]?[0-9]{2}(?:\.[0-9]+)?)?(Z)?)?)?`)

// when notes a time as the formats write it, to the minute. None is one of
// zeros, which programs write that don't know it.
func (x *inspector) when(s string) {
	m := moment.FindStringSubmatch(s)
	if m == nil || m[1] == "0000" {
		return
	}
	s = m[1]
	if m[2] != "" {
		s += "-" + m[2] + "-" + m[3]
	}
	if m[4] != "" {
		s += " " + m[4] + ":" + m[5]
	}
	if m[6] != "" {
		s += " UTC"
	}
	x.add(WhatTime, s)
}

// whenUnix notes a time in seconds since 1970. Far off ones are of clocks that
// were never set.
func (x *inspector) whenUnix(s int64) {
	if s > 0 && s < 1<<33 {
		x.when(unixTime(s))
	}
}

// where notes a place in degrees.
func (x *inspector) where(latitude, longitude float64) {
	if math.Abs(latitude) <= 90 && math.Abs(longitude) <= 180 && (latitude != 0 || longitude != 0) {
		x.add(WhatPlace, degrees(latitude)+", "+degrees(longitude))
	}
}

// degrees are rounded to some ten metres, by hand since languages differ in
// how they round a half.
func degrees(v float64) string {
	n := int64(math.Floor(math.Abs(v)*1e4 + 0.5))
	s := strconv.FormatInt(n%1e4, 10)
	s = strconv.FormatInt(n/1e4, 10) + "." + strings.Repeat("0", 4-len(s)) + s
	if v < 0 && n > 0 {
		s = "-" + s
	}
	return s
}

var iso6709 = regexp.MustCompile(`^([+-][0-9]{1,2}(?:\.[0-9]{1,12})?)([+-][0-9]{1,3}(?:\.[0-9]{1,12})?)`)

// place notes a place as ISO 6709 writes it, or as it stands.
func (x *inspector) place(s string) {
	s = strings.TrimSpace(s)
	if m := iso6709.FindStringSubmatch(s); m != nil {
		latitude, _ := strconv.ParseFloat(m[1], 64)
		longitude, _ := strconv.ParseFloat(m[2], 64)
		x.where(latitude, longitude)
		return
	}
	x.add(WhatPlace, s)
}

// note notes a value by what it is about.
func (x *inspector) note(w What, value string) {
	switch w {
	case WhatTime:
		x.when(value)
	case WhatPlace:
		x.place(value)
	case maker:
		x.maker = value
	case model:
		x.model = value
	case "":
	default:
		x.add(w, value)
	}
}
