package redact

import "slices"

// Everywhere returns each place of a text in which one of some values stands
// as it is, whatever its capitals, accents, spaces, or letters that look alike:
// what a person says is to be masked, wherever it stands. Unlike [Known], every
// word of a value counts. Where two overlap, the one that begins first stays.
func (r *Redactor) Everywhere(text string, values []Known) []Span {
	s := &scan{view: newView(text, r.words), r: r}
	s.used = make([]use, len(s.tokens))
	s.marks()
	first := map[string][]phraseOf{} // by the first word
	for _, k := range values {
		if k.Kind == "" {
			k.Kind = Name
		}
		v := newView(k.Text, r.words)
		if len(v.tokens) == 0 {
			continue
		}
		p := phraseOf{kind: k.Kind}
		for i := range v.tokens {
			p.words = append(p.words, v.text(i))
		}
		first[p.words[0]] = append(first[p.words[0]], p)
	}
	for _, all := range first { // the longest first
		slices.SortStableFunc(all, func(a, b phraseOf) int { return len(b.words) - len(a.words) })
	}
	for i := 0; i < len(s.tokens); i++ {
		for _, p := range first[s.text(i)] {
			if s.stands(p, i) && s.take(hit{i, i + len(p.words) - 1, p.kind, 1, "redact.reason.added"}) {
				i += len(p.words) - 1
				break
			}
		}
	}
	return s.spans(text)
}

// phraseOf is the words of a value.
type phraseOf struct {
	kind  Kind
	words []string
}

// stands tells whether a value's words stand at token i.
func (s *scan) stands(p phraseOf, i int) bool {
	if i+len(p.words) > len(s.tokens) {
		return false
	}
	for j, w := range p.words {
		if s.text(i+j) != w || s.tokens[i+j].form == mark {
			return false
		}
	}
	return true
}
