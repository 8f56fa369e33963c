package report

import (
	"slices"
	"strings"

	"suluh.example/suluh/crypto/id"
)

// What our forms send at most. The vault knows nothing of it: it can't read.
const (
	maxName        = 255 // characters of a file's name
	maxType        = 127 // bytes of a media type
	maxTitle       = 81  // characters: see Report.Title
	maxAttachments = 256 // as many objects as the vault takes of a deposit
	maxWithout     = 1000
	maxRecipient   = 4 << 10 // bytes; a hybrid one has some 2,000
)

// tidy takes out of a letter what isn't one of our values and cuts what is
// longer than any form sends. The exported document has all of it.
func (d *Letter) tidy() error {
	if len(d.Attachments) > maxAttachments {
		return ErrFormat
	}
	d.Language, d.Unit, d.Without, d.Reporter = tidyLanguage(d.Language), tidyUnit(d.Unit), tidyMembers(d.Without), tidyRecipient(d.Reporter)
	left := MaxText
	for _, s := range d.texts() {
		if len(*s) > left {
			*s = cut(*s, left)
		}
		left -= min(len(*s), left)
	}
	if d.Report != nil {
		d.Report.Category = ParseCategory(string(d.Report.Category))
	}
	for i := range d.Attachments {
		a := &d.Attachments[i]
		a.Name, a.Size, a.Hidden = shorten(a.Name, maxName), max(a.Size, 0), a.Hidden.Known()
		if len(a.Type) > maxType || strings.IndexFunc(a.Type, func(c rune) bool { return c <= ' ' || c >= 0x7f }) >= 0 {
			a.Type = "application/octet-stream"
		}
	}
	return nil
}

func (d *Letter) texts() []*string {
	all := []*string{&d.Text}
	if r := d.Report; r != nil {
		all = append(all, &r.What, &r.How, &r.Why, &r.Who, &r.Where, &r.When, &r.Loss, &r.Others, &r.Already)
	}
	return all
}

func (d *Summary) tidy() {
	d.Language, d.Unit, d.Without, d.Reporter = tidyLanguage(d.Language), tidyUnit(d.Unit), tidyMembers(d.Without), tidyRecipient(d.Reporter)
	d.Category = ParseCategory(string(d.Category))
	d.Title = shorten(d.Title, maxTitle)
	d.Files = min(max(d.Files, 0), maxAttachments)
}

func tidyLanguage(s string) string {
	if len(s) > 8 || strings.IndexFunc(s, func(c rune) bool { return (c < 'a' || c > 'z') && c != '-' }) >= 0 {
		return ""
	}
	return s
}

func tidyUnit(u id.Unit) id.Unit {
	u, err := id.ParseUnit(string(u))
	if err != nil {
		return ""
	}
	return u
}

func tidyMembers(all []id.Member) []id.Member {
	all = slices.DeleteFunc(all, func(m id.Member) bool {
		_, err := id.ParseMember(string(m))
		return err != nil
	})
	slices.Sort(all)
	if all = slices.Compact(all); len(all) > maxWithout {
		all = all[:maxWithout]
	}
	return all
}

// tidyRecipient leaves what looks like a reporter's: hybrid, never a plugin's.
func tidyRecipient(s string) string {
	if !strings.HasPrefix(s, "age1pq1") || len(s) > maxRecipient {
		return ""
	}
	return s
}

// cut cuts a text to so many bytes, at a character, and shows that.
func cut(s string, most int) string { return strings.ToValidUTF8(s[:most], "") + "…" }

func shorten(s string, most int) string {
	if len(s) > most {
		if r := []rune(s); len(r) > most {
			return string(r[:most])
		}
	}
	return s
}
