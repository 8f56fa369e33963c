package metadata

import (
	"bytes"
	"encoding/xml"
	"io"
	"regexp"
	"strings"
)

// named are the names under which XML tells something: of XMP, which is in
// photos, PDF and videos, of Office's documents and of OpenDocument's. Prefixes
// stand for themselves: no program writes others.
var named = map[string]What{
	"dc:creator": WhatAuthor, "cp:lastModifiedBy": WhatAuthor, "Manager": WhatAuthor,
	"meta:initial-creator": WhatAuthor, "meta:printed-by": WhatAuthor,
	"tiff:Artist": WhatAuthor, "xmpRights:Owner": WhatAuthor, "pdf:Author": WhatAuthor,
	"w:author": WhatAuthor, "w15:author": WhatAuthor, "displayName": WhatAuthor, // comments and changes
	"Company": WhatCompany, "pdfx:Company": WhatCompany,
	"dc:title":       WhatTitle,
	"dc:description": WhatText,
	"Application":    WhatProgram, "meta:generator": WhatProgram, "xmp:CreatorTool": WhatProgram, "pdf:Producer": WhatProgram,
	"dcterms:created": WhatTime, "dcterms:modified": WhatTime, "cp:lastPrinted": WhatTime,
	"meta:creation-date": WhatTime, "dc:date": WhatTime, "meta:print-date": WhatTime,
	"xmp:CreateDate": WhatTime, "xmp:ModifyDate": WhatTime, "exif:DateTimeOriginal": WhatTime, "photoshop:DateCreated": WhatTime,
	"tiff:Make": maker, "tiff:Model": model, "aux:SerialNumber": WhatDevice, "exifEX:BodySerialNumber": WhatDevice,
	"exif:GPSLatitude": latitude, "exif:GPSLongitude": longitude,
	"photoshop:City": WhatPlace, "photoshop:State": WhatPlace, "photoshop:Country": WhatPlace, "Iptc4xmpCore:Location": WhatPlace,
}

// What comes in two parts.
const (
	maker     What = "maker"
	model     What = "model"
	latitude  What = "latitude"
	longitude What = "longitude"
)

var xmpAngle = regexp.MustCompile(`^([0-9]{1,3})(?:,([0-9]{1,3}(?:\.[0-9]{1,12})?))?(?:,([0-9]{1,3}(?:\.[0-9]{1,12})?))?([NSEW])$`)

// xml looks for names in XML: elements' text, and attributes.
func (x *inspector) xml(b []byte) {
	place := map[What]string{}
	found := func(w What, value string) {
		switch w {
		case maker:
			x.maker = value
		case model:
			x.model = value
		case latitude, longitude:
			place[w] = value
		default:
			x.note(w, value)
		}
	}
	d := xml.NewDecoder(bytes.NewReader(bytes.TrimRight(b, "\x00")))
	d.Strict = false
	within, is := "", What("")
	for x.part() {
		token, err := d.RawToken()
		if err != nil {
			if err != io.EOF {
				x.bad()
			}
			break
		}
		switch t := token.(type) {
		case xml.StartElement:
			for _, a := range t.Attr {
				found(named[name(a.Name)], a.Value)
			}
			if w := named[name(t.Name)]; w != "" {
				within, is = name(t.Name), w
			}
		case xml.EndElement:
			if name(t.Name) == within {
				within, is = "", ""
			}
		case xml.CharData:
			if s := strings.TrimSpace(string(t)); s != "" {
				found(is, s)
			}
		}
	}
	if a, ok := xmpDegrees(place[latitude]); ok {
		if b, ok := xmpDegrees(place[longitude]); ok {
			x.where(a, b)
		}
	}
	x.flush()
}

func name(n xml.Name) string {
	if n.Space == "" {
		return n.Local
	}
	return n.Space + ":" + n.Local
}
