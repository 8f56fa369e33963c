package metadata

import (
	"bytes"
	"encoding/xml"
	"io"
	"strings"
)

// xml looks for names in XML: elements' text, and attributes.
func (x *inspector) xml(b []byte) {
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
				x.note(about(name(a.Name)), a.Value)
			}
			if w := about(name(t.Name)); w != "" {
				within, is = name(t.Name), w
			}
		case xml.EndElement:
			if name(t.Name) == within {
				within, is = "", ""
			}
		case xml.CharData:
			if s := strings.TrimSpace(string(t)); s != "" {
				x.note(is, s)
			}
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
