package desk

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/internal/member"
	"suluh.example/suluh/internal/redact"
)

// mask is one thing that is masked, wherever it stands in a text.
type mask struct {
	Number        int
	Key           string // names it in a form without quoting it
	Kind          redact.Kind
	Text          string // as it first stands
	Reason        redact.Reason
	Places        int
	Before, After string // what stands around the first place
	Undone        bool   // a member lets it be read
}

// piece is a part of a text: as it is, or with a mask over it.
type piece struct {
	Text string
	Mask *mask
}

// masked is a title and a text with what is masked in them.
type masked struct {
	Title, Text []piece
	Masks       []*mask // in the order of their first places
}

// parting stands between title and text where both are looked at as one, so
// that what is masked in one is in the other.
const parting = "\n\n"

// keyOf names what is masked.
func keyOf(k redact.Kind, text string) string {
	return id.DigestOf([]byte(string(k) + ":" + strings.ToLower(strings.Join(strings.Fields(text), " ")))).String()[:16]
}

// maskIn masks what the rules find in a title and a text and what a member
// added, but for what he took back.
func maskIn(r *redact.Redactor, title, text string, added []redact.Known, undone []string) masked {
	whole := title + parting + text
	isUndone := map[string]bool{}
	for _, k := range undone {
		isUndone[k] = true
	}
	var spans, back []redact.Span
	for _, s := range r.Everywhere(whole, added) {
		spans = append(spans, cutAt(s, len(title))...)
	}
	for _, s := range r.Find(whole) {
		for _, s := range cutAt(s, len(title)) {
			if isUndone[keyOf(s.Kind, whole[s.Start:s.End])] {
				back = append(back, s)
			} else {
				spans = append(spans, s)
			}
		}
	}
	spans = slices.DeleteFunc(unite(spans), func(s redact.Span) bool {
		if isUndone[keyOf(s.Kind, whole[s.Start:s.End])] {
			back = append(back, s)
			return true
		}
		return false
	})
	slices.SortStableFunc(back, func(a, b redact.Span) int { return a.Start - b.Start })
	var m masked
	byKey := map[string]*mask{}
	note := func(s redact.Span) *mask {
		phrase := whole[s.Start:s.End]
		key := keyOf(s.Kind, phrase)
		x := byKey[key]
		if x == nil {
			x = &mask{Number: len(m.Masks) + 1, Key: key, Kind: s.Kind, Text: phrase, Reason: s.Reason, Undone: isUndone[key]}
			x.Before, x.After = around(whole, s)
			byKey[key] = x
			m.Masks = append(m.Masks, x)
		}
		x.Places++
		return x
	}
	at := 0
	pieces := &m.Title
	// plain takes the text up to a place; at the title's end, the text begins.
	plain := func(to int) {
		if pieces == &m.Title && to > len(title) {
			if at < len(title) {
				m.Title = append(m.Title, piece{Text: whole[at:len(title)]})
			}
			pieces, at = &m.Text, len(title)+len(parting)
		}
		if at < to {
			*pieces = append(*pieces, piece{Text: whole[at:to]})
			at = to
		}
	}
	for len(spans) > 0 || len(back) > 0 {
		var s redact.Span
		if len(back) > 0 && (len(spans) == 0 || back[0].Start < spans[0].Start) {
			s, back = back[0], back[1:]
			if s.Start < at || len(spans) > 0 && s.End > spans[0].Start { // a part of it is masked after all
				note(s)
				continue
			}
		} else {
			s, spans = spans[0], spans[1:]
		}
		plain(s.Start)
		*pieces = append(*pieces, piece{Text: whole[s.Start:s.End], Mask: note(s)})
		at = s.End
	}
	plain(len(whole))
	return m
}

// cutAt cuts a span that reaches from the title into the text in two.
func cutAt(s redact.Span, title int) []redact.Span {
	body := title + len(parting)
	if s.End <= title || s.Start >= body {
		return []redact.Span{s}
	}
	var all []redact.Span
	if a := s; a.Start < title {
		a.End = title
		all = append(all, a)
	}
	if b := s; b.End > body {
		b.Start = body
		all = append(all, b)
	}
	return all
}

// unite makes one of spans that overlap. A member's own counts before a rule's.
func unite(spans []redact.Span) []redact.Span {
	slices.SortStableFunc(spans, func(a, b redact.Span) int { return cmp.Or(a.Start-b.Start, b.End-a.End) })
	var out []redact.Span
	for _, s := range spans {
		if n := len(out); n > 0 && s.Start < out[n-1].End {
			if s.Confidence == 1 && out[n-1].Confidence < 1 {
				out[n-1].Kind, out[n-1].Reason, out[n-1].Confidence = s.Kind, s.Reason, 1
			}
			out[n-1].End = max(out[n-1].End, s.End)
			continue
		}
		out = append(out, s)
	}
	return out
}

// around returns a few words before and after a place, on one line.
func around(text string, s redact.Span) (before, after string) {
	const most = 40
	from, to := max(0, s.Start-most), min(len(text), s.End+most)
	for from < s.Start && !utf8.RuneStart(text[from]) {
		from++
	}
	for to > s.End && to < len(text) && !utf8.RuneStart(text[to]) {
		to--
	}
	before, after = text[from:s.Start], text[s.End:to]
	// Half a word at either end says nothing.
	if i := strings.IndexFunc(before, unicode.IsSpace); from > 0 && i >= 0 {
		before = "…" + before[i:]
	}
	if i := strings.LastIndexFunc(after, unicode.IsSpace); to < len(text) && i >= 0 {
		after = after[:i] + " …"
	}
	return oneLine(before), oneLine(after)
}

// oneLine joins lines and keeps a space at the ends.
func oneLine(s string) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsSpace(c) {
			return ' '
		}
		return c
	}, s)
}

// out is a text as it will be sent.
func out(pieces []piece) string {
	var b strings.Builder
	for _, p := range pieces {
		if p.Mask == nil || p.Mask.Undone {
			b.WriteString(p.Text)
		} else {
			b.WriteString(p.Mask.Kind.Mark())
		}
	}
	return b.String()
}

// personal returns what still looks personal in a text that is to be sent. With
// rules, that is also what the rules would mask: a member let it be read.
func personal(r *redact.Redactor, title, text string, rules bool) (all []*mask) {
	whole := title + parting + text
	spans := r.Leftover(whole)
	if rules {
		spans = unite(append(r.Find(whole), spans...))
	}
	byKey := map[string]*mask{}
	for _, s := range spans {
		for _, s := range cutAt(s, len(title)) {
			phrase := whole[s.Start:s.End]
			key := keyOf(s.Kind, phrase)
			if byKey[key] == nil {
				byKey[key] = &mask{Number: len(all) + 1, Key: key, Kind: s.Kind, Text: phrase, Reason: s.Reason}
				byKey[key].Before, byKey[key].After = around(whole, s)
				all = append(all, byKey[key])
			}
			byKey[key].Places++
		}
	}
	return all
}

// maskKinds are the marks that a member may choose from, the usual one first.
func maskKinds() []redact.Kind {
	kinds := append([]redact.Kind{redact.Name, redact.Job, redact.Address, redact.Number, redact.Birth}, redact.Kinds()...)
	var all []redact.Kind
	for _, k := range kinds {
		if !slices.Contains(all, k) {
			all = append(all, k)
		}
	}
	return all
}

// readAdded reads what a form has of a value that a member masks: its kind and
// its words.
func readAdded(s string) (redact.Known, bool) {
	kind, text, _ := strings.Cut(s, " ")
	k := redact.Known{Kind: redact.Kind(kind), Text: strings.TrimSpace(oneLine(member.Readable(text)))}
	return k, slices.Contains(maskKinds(), k.Kind) && k.Text != "" && len(k.Text) <= maxPhrase
}

// writeAdded is what readAdded reads.
func writeAdded(k redact.Known) string { return string(k.Kind) + " " + k.Text }

// maxPhrase is the most bytes of what a member masks at once: more is easier
// taken out of the text.
const maxPhrase = 500
