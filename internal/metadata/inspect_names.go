package metadata

import "strings"

// What comes in two parts.
const (
	maker What = "maker"
	model What = "model"
)

// names are the names under which files tell something: of XML, of chunks,
// boxes, frames and fields. No two formats mean different things by one, and
// none cares about case.
var names = named(map[What]string{
	WhatAuthor:  "dc:creator|cp:lastmodifiedby|manager|meta:initial-creator|meta:printed-by|tiff:artist|w:author|w15:author|displayname|author|copyright|iart|ieng|icop|auth|perf|tpe1|tcom|tenc|town|artist|©art|©aut|©cpy",
	WhatCompany: "company|tpub|organization",
	WhatTitle:   "dc:title|title|inam|name|tit2|©nam|titl",
	WhatText:    "dc:description|subject|keywords|comment|description|icmt|anno|comm|©cmt|©des|dscp",
	WhatProgram: "application|meta:generator|xmp:creatortool|pdf:producer|creator|producer|software|isft|tsse|encoder|©too|©swr",
	WhatTime:    "dcterms:created|dcterms:modified|cp:lastprinted|meta:creation-date|meta:print-date|dc:date|xmp:createdate|xmp:modifydate|exif:datetimeoriginal|creationdate|moddate|icrd|tdrc|tden|tyer|date|creation_time|©day",
	WhatDevice:  "aux:serialnumber|exifex:bodyserialnumber",
	maker:       "tiff:make|©mak|make|manufacturer",
	model:       "tiff:model|©mod|model",
	WhatPlace:   "photoshop:city|iptc4xmpcore:location|location|location.iso6709|©xyz",
})

func named(lists map[What]string) map[string]What {
	all := map[string]What{}
	for w, list := range lists {
		for _, name := range strings.Split(list, "|") {
			all[name] = w
		}
	}
	return all
}

// about returns what a name is about, "" if it isn't known.
func about(name string) What {
	for _, maker := range []string{"com.apple.quicktime.", "com.android."} {
		name = strings.TrimPrefix(name, maker)
	}
	return names[strings.ToLower(name)]
}
