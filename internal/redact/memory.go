package redact

import (
	"math/bits"
	"strings"
)

// memory is what was found in a text so far, so that it is found wherever it
// stands.
type memory struct {
	numbers map[string]Kind   // digits
	phrases map[string]phrase // words, joined by spaces
	lengths map[string]uint32 // of the phrases that begin with a word, as bits
	words   map[string]bool   // of names, that are hardly anything else
}

// phrase is the words of a find. Small tells that it was seen without capitals.
type phrase struct {
	kind  Kind
	small bool
}

// longest is how many tokens a phrase has at most.
const longest = 16

// recall makes a memory of what the report itself gave.
func (r *Redactor) recall() *memory {
	m := &memory{numbers: map[string]Kind{}, phrases: map[string]phrase{}, lengths: map[string]uint32{}, words: map[string]bool{}}
	for _, k := range r.known {
		if k.Kind == Name {
			r.look(k.Text, m) // numbers that stand in it
			continue
		}
		v := newView(k.Text, r.words)
		var digits []byte
		letters := false
		for i, t := range v.tokens {
			if t.form == number {
				for _, c := range []byte(v.text(i)) {
					digits = append(digits, digitOf(c))
				}
			}
			letters = letters || t.form == word
		}
		if len(digits) >= 5 && !letters {
			m.numbers[string(digits)] = k.Kind
		} else if len(v.tokens) > 0 && len(v.low) >= 3 {
			m.learn(v, 0, len(v.tokens)-1, k.Kind)
		}
	}
	return m
}

// learn keeps what a name in the report's own answers says: each word that
// isn't a title, a job, or a word of an office. Everyday words and places with
// a capital count beside a word that is a name or unknown: "Bunga Kenanga".
func (r *Redactor) learn(text string) {
	const other = weak | digit | top
	v := newView(text, r.words)
	sure := func(i int) bool {
		c := v.tokens[i].class
		return v.tokens[i].form == word && (c.is(given) || c&^other == 0) && !c.is(stop|title)
	}
	beside := false // a word of the run is a name's
	for i, t := range v.tokens {
		if i == 0 || t.form != word || v.tokens[i].class.is(job|office) && !t.class.is(given) {
			beside = false
			for k := i; k < len(v.tokens) && v.tokens[k].form == word && !(v.tokens[k].class.is(job|office) && !v.tokens[k].class.is(given)); k++ {
				beside = beside || sure(k)
			}
		}
		// What isn't a given name must not be a word of any other kind either.
		plain := beside && t.form == word && t.capital && t.class&^(other|common|place|direction|business|goer|slotty|doer) == 0
		if t.end-t.start >= 3 && (sure(i) || plain) {
			r.names[v.text(i)] = true
		}
	}
}

// learn keeps the tokens of a find.
func (m *memory) learn(v *view, first, last int, k Kind) {
	if n := last - first + 1; n <= longest {
		key, small := v.join(first, last)
		if len(key) < 2 {
			return
		}
		p, ok := m.phrases[key]
		if !ok {
			p.kind = k
		}
		p.small = p.small || small
		m.phrases[key] = p
		m.lengths[v.text(first)] |= 1 << n
	}
	if k != Name {
		return
	}
	for i := first; i <= last; i++ {
		t := v.tokens[i]
		if t.form == word && t.end-t.start >= 3 && t.class&^(given|weak) == 0 && !derived(v.text(i)) {
			m.words[v.text(i)] = true
		}
	}
}

// join returns tokens with one space between them, and whether none of them
// has a capital.
func (v *view) join(first, last int) (string, bool) {
	var b strings.Builder
	small := true
	for i := first; i <= last; i++ {
		if i > first {
			b.WriteByte(' ')
		}
		b.WriteString(v.text(i))
		small = small && !v.tokens[i].capital
	}
	return b.String(), small
}

// repeated takes what is a find elsewhere in the text.
func (s *scan) repeated() {
	for _, h := range s.hits {
		if h.kind.inWords() {
			s.memory.learn(s.view, h.first, h.last, h.kind)
		}
	}
	for i := range s.tokens {
		t := s.tokens[i]
		if s.used[i] == taken || t.form == mark {
			continue
		}
		w := s.text(i)
		last, kind := -1, Name
		for set := s.memory.lengths[w]; set != 0; set &= set - 1 {
			n := bits.TrailingZeros32(set)
			if i+n > len(s.tokens) {
				break
			}
			key, small := s.join(i, i+n-1)
			if p, ok := s.memory.phrases[key]; ok && (p.kind != Name || !small || p.small || t.caseless) {
				last, kind = i+n-1, p.kind
			}
		}
		if last < 0 && t.form == word && s.memory.words[w] {
			last = i
			for s.near(last+1) && s.tokens[last+1].form == word && s.used[last+1] != taken && s.memory.words[s.text(last+1)] {
				last++
			}
		}
		if last >= 0 {
			s.take(hit{i, last, kind, 0.9, "redact.reason.again"})
		}
	}
}

// inWords tells whether a kind is remembered by its words. Numbers are by
// their digits.
func (k Kind) inWords() bool {
	switch k {
	case Mail, Link, Account, Plate, Passport, Name, Address:
		return true
	}
	return false
}
