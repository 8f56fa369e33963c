package metadata

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
)

// Kind is a kind of file, as people are told of it.
type Kind string

// Kinds. From the first four hidden data is removed, see [Kind.Photo].
const (
	JPEG   Kind = "jpeg"
	PNG    Kind = "png"
	WebP   Kind = "webp"
	HEIC   Kind = "heic"  // and AVIF, which has the same container
	Image  Kind = "image" // another kind of picture
	PDF    Kind = "pdf"
	Office Kind = "office" // documents, tables and slides of any program
	Audio  Kind = "audio"
	Video  Kind = "video"
	Other  Kind = "other"
)

// Kinds returns all kinds.
func Kinds() []Kind {
	return []Kind{JPEG, PNG, WebP, HEIC, Image, PDF, Office, Audio, Video, Other}
}

// Photo says whether hidden data is removed from files of a kind.
func (k Kind) Photo() bool { return k == JPEG || k == PNG || k == WebP || k == HEIC }

// kindOf tells the kind by a file's first bytes: what browsers tell apart, and
// the kinds that they don't.
func kindOf(head []byte) Kind {
	is := func(prefix string) bool { return bytes.HasPrefix(head, []byte(prefix)) }
	switch kind := http.DetectContentType(head); kind {
	case "image/jpeg":
		return JPEG
	case "image/png":
		return PNG
	case "image/webp":
		return WebP
	case "application/pdf":
		return PDF
	case "application/ogg":
		return Audio
	case "application/zip":
		return zipKind(head)
	default:
		switch major, _, _ := strings.Cut(kind, "/"); major {
		case "image":
			return Image
		case "audio":
			return Audio
		case "video":
			if len(head) < 12 || string(head[4:8]) != "ftyp" { // else see below
				return Video
			}
		}
	}
	switch {
	case len(head) >= 12 && string(head[4:8]) == "ftyp":
		return brandKind(string(head[8:12]))
	case len(head) >= 8 && slices.Contains([]string{"moov", "mdat", "wide"}, string(head[4:8])): // QuickTime without a brand
		return Video
	case is("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), is(`{\rtf`):
		return Office
	case is("II*\x00"), is("MM\x00*"):
		return Image
	case is("#!AMR"), is("fLaC"), is("\xff\xfb"), is("\xff\xfa"), is("\xff\xf3"), is("\xff\xf2"), is("\xff\xf1"), is("\xff\xf9"):
		return Audio
	}
	return Other
}

// brandKind tells the kind of a container of ISO's by its brand.
func brandKind(brand string) Kind {
	switch brand {
	case "heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1", "avif", "avis":
		return HEIC
	case "crx ":
		return Image
	case "M4A ", "M4B ", "M4P ":
		return Audio
	}
	return Video
}

// zipKind tells an Office document by the name of its first file.
func zipKind(head []byte) Kind {
	const names = 30 // where a name begins
	if len(head) < names {
		return Other
	}
	for _, name := range []string{"[Content_Types].xml", "_rels/", "docProps/", "word/", "xl/", "ppt/", "mimetypeapplication/vnd.oasis."} {
		if bytes.HasPrefix(head[names:], []byte(name)) {
			return Office
		}
	}
	return Other
}
