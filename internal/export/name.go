package export

import (
	"fmt"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// maxName is the most bytes of what is kept of a name.
const maxName = 80

// SafeName returns the name of a file whose original name somebody unknown
// chose: its number, and of the original what does no harm as a file name on
// Linux or Windows, in a shell or in a list. The number comes first, so that no
// name begins with a dot or a dash, is a device's, or is there twice.
func SafeName(number int, original string) string {
	s := strings.Map(func(c rune) rune {
		switch {
		case unicode.IsSpace(c):
			return ' '
		case !unicode.IsPrint(c), c == utf8.RuneError, strings.ContainsRune(`/\:*?"<>|`+"`"+`$&;!'%^~`, c):
			return '_'
		}
		return c
	}, norm.NFC.String(strings.ToValidUTF8(original, "_")))
	if len(s) > maxName {
		end := filepath.Ext(s)
		if len(end) > 12 || strings.ContainsRune(end, ' ') {
			end = ""
		}
		s = s[:maxName-len(end)]
		for !utf8.ValidString(s) {
			s = s[:len(s)-1]
		}
		s += end
	}
	s = strings.Trim(s, " ._-")
	if s == "" {
		return fmt.Sprintf("%03d", number)
	}
	return fmt.Sprintf("%03d-%s", number, s)
}
