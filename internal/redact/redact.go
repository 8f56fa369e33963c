// Package redact finds what is personal in a text that people wrote in Bahasa
// Indonesia or Banjar, and replaces it by marks such as [NIK] and [NAMA], so
// that a complaint can go to a queue outside the vault.
//
// It works with tables and rules alone: it must never use the network, read or
// write a file, log, or keep any text beyond a call. It must never be the only
// check either: it proposes, a member looks, and an approver sees the very
// bytes that are sent. What it masks and how well is in docs/redaction.md.
package redact

import (
	"slices"
	"strings"
)

// Kind is what something personal is.
type Kind string

// The kinds, which are also the words of the marks.
const (
	NIK      Kind = "NIK"      // identity card
	KK       Kind = "KK"       // family card
	NPWP     Kind = "NPWP"     // tax number
	NIP      Kind = "NIP"      // civil servant's number
	Phone    Kind = "TELEPON"  // phone, wa.me
	Mail     Kind = "EMAIL"    // mail address
	Link     Kind = "TAUTAN"   // link or domain
	Account  Kind = "AKUN"     // account of a social network
	Card     Kind = "KARTU"    // payment card
	Bank     Kind = "REKENING" // bank account
	BPJS     Kind = "BPJS"     // social insurance
	Passport Kind = "PASPOR"   // passport
	Plate    Kind = "PLAT"     // number plate
	Name     Kind = "NAMA"     // person's name
	Address  Kind = "ALAMAT"   // street, village and such
)

// What only [Redactor.Leftover] tells of.
const (
	Job    Kind = "JABATAN" // a job with its unit
	Number Kind = "ANGKA"   // digits of no known kind
	Birth  Kind = "LAHIR"   // day or place of birth
)

// Kinds returns the kinds that are masked.
func Kinds() []Kind {
	return []Kind{NIK, KK, NPWP, NIP, Phone, Mail, Link, Account, Card, Bank, BPJS, Passport, Plate, Name, Address}
}

// Mark returns what stands in the place of something of the kind.
func (k Kind) Mark() string { return "[" + string(k) + "]" }

// Reason says why something was found: the key of a message in internal/lang.
type Reason string

// Span is a place in a text, in bytes.
type Span struct {
	Start, End int
	Kind       Kind
	Confidence float64 // above 0, at most 1
	Reason     Reason
}

// Known is a value that the report itself gave for what somebody is called, a
// number or a place. Of a name each word is masked wherever it occurs; the
// words of jobs and units around it are not.
type Known struct {
	Kind Kind // Name if empty
	Text string
}

// Options are what a report adds to the rules.
type Options struct {
	Known []Known
}

// Redactor finds what is personal. It is safe for concurrent use.
type Redactor struct {
	words *lexicon
	names map[string]bool // words of known names
	known []Known         // all that is
}

// New makes a Redactor.
func New(o Options) *Redactor {
	r := &Redactor{words: theLexicon(), names: map[string]bool{}}
	for _, k := range o.Known {
		if k.Kind == "" {
			k.Kind = Name
		}
		if k.Kind == Name {
			r.learn(k.Text)
		}
		r.known = append(r.known, k)
	}
	return r
}

// rounds is how often a text is looked through again with what was found in
// its place. What is masked changes what stands beside it: an account number
// comes nearer to "rekening", a name loses its neighbour.
const rounds = 12

// Find returns what is to be masked: ranges of the text on boundaries of
// characters, in order, none over another. What is found once is found
// wherever it stands. Marks that the text has already are left alone.
func (r *Redactor) Find(text string) []Span {
	var all []Span
	masked, learned := text, r.recall()
	for range rounds {
		found := r.look(masked, learned)
		if len(found) == 0 {
			break
		}
		all = merge(all, found)
		masked = r.Apply(text, all)
	}
	return all
}

// merge adds spans of the masked text to those that it was masked with.
func merge(old, found []Span) []Span {
	out := make([]Span, 0, len(old)+len(found))
	i, shift := 0, 0 // shift: from a place in the masked text to the same in the original
	for _, f := range found {
		for i < len(old) && old[i].Start-shift < f.Start {
			shift += old[i].End - old[i].Start - len(old[i].Kind.Mark())
			out = append(out, old[i])
			i++
		}
		f.Start += shift
		f.End += shift
		out = append(out, f)
	}
	return append(out, old[i:]...)
}

// Apply returns the text with a mark in the place of each span. Spans that
// aren't in the text, or begin within the one before, are left out.
func (r *Redactor) Apply(text string, spans []Span) string {
	var b strings.Builder
	b.Grow(len(text))
	at := 0
	for _, s := range spans {
		if s.Start < at || s.End < s.Start || s.End > len(text) {
			continue
		}
		b.WriteString(text[at:s.Start])
		b.WriteString(s.Kind.Mark())
		at = s.End
	}
	b.WriteString(text[at:])
	return b.String()
}

// look goes through a text once.
func (r *Redactor) look(text string, m *memory) []Span {
	s := &scan{view: newView(text, r.words), r: r, memory: m}
	s.used = make([]use, len(s.tokens))
	s.marks()
	s.starred()
	s.links()
	s.numbers()
	s.plates()
	s.addresses()
	s.people()
	s.repeated()
	return s.spans(text)
}

// scan is one pass over a text.
type scan struct {
	*view
	r      *Redactor
	memory *memory
	used   []use // of each token
	hits   []hit

	candidates candidate // the one that is looked at, made once
	cards      uint8     // 2 where the text speaks of family cards alone, 0 before it was looked at
}

// use tells what became of a token.
type use uint8

const (
	free    use = iota
	taken       // it is in a hit
	blocked     // it is part of an office's, a company's or a public place's name
)

// hit is a find, in tokens.
type hit struct {
	first, last int // both in it
	kind        Kind
	confidence  float64
	reason      Reason
}

// take notes a find. The tokens of an earlier one stay that one's.
func (s *scan) take(h hit) bool {
	for i := h.first; i <= h.last; i++ {
		if s.used[i] == taken || s.tokens[i].form == mark {
			return false
		}
	}
	for i := h.first; i <= h.last; i++ {
		s.used[i] = taken
	}
	s.hits = append(s.hits, h)
	return true
}

// block keeps the free tokens of a range from being read as names.
func (s *scan) block(first, last int) {
	for i := first; i <= last && i < len(s.used); i++ {
		if s.used[i] == free {
			s.used[i] = blocked
		}
	}
}

// marks keeps the marks of an earlier pass.
func (s *scan) marks() {
	for i, t := range s.tokens {
		if t.form == mark {
			s.used[i] = blocked
		}
	}
}

// spans returns the finds as ranges of the text.
func (s *scan) spans(text string) []Span {
	out := make([]Span, 0, len(s.hits))
	for _, h := range s.hits {
		out = append(out, Span{
			Start: int(s.from[s.tokens[h.first].start]), End: int(s.to[s.tokens[h.last].end-1]),
			Kind: h.kind, Confidence: h.confidence, Reason: h.reason,
		})
	}
	slices.SortFunc(out, func(a, b Span) int { return a.Start - b.Start })
	// Two tokens may come from one character ("㎏"): their finds are one.
	n := 0
	for _, x := range out {
		if n > 0 && x.Start < out[n-1].End {
			out[n-1].End = max(out[n-1].End, x.End)
			continue
		}
		out[n] = x
		n++
	}
	return out[:n]
}
