package redact

// Leftover returns what still looks personal in a text but isn't masked by
// itself: jobs with their units, digits of no known kind, days of birth, words
// that may be names. It is for the eyes of whoever approves the text.
func (r *Redactor) Leftover(text string) []Span {
	s := &scan{view: newView(text, r.words), r: r, memory: r.recall()}
	s.used = make([]use, len(s.tokens))
	s.marks()
	s.companies()
	s.posts()
	s.births()
	s.digits()
	s.strangers()
	return s.spans(text)
}

// posts finds a job with the unit it is in: in a small office that is one person.
func (s *scan) posts() {
	for i := 0; i < len(s.tokens); i++ {
		if !s.has(i, job) || s.tokens[i].form != word {
			continue
		}
		last, unit := i, s.has(i, territorial)
		for j := i + 1; j < i+9 && s.near(j) && s.tokens[j].form == word && s.used[j] != taken; j++ {
			switch {
			case s.has(j, office|entity|village|region):
				unit = true
			case s.has(j, job), s.tokens[j].capital && !s.tokens[j].caseless, s.has(j, place|direction), s.tokens[j].caseless && unit && !s.has(j, stop) && j < i+5:
			default:
				j = i + 9
				continue
			}
			last = j
		}
		if last > i && unit {
			for k := i; k <= last; k++ {
				if s.used[k] == blocked && s.tokens[k].form != mark {
					s.used[k] = free
				}
			}
			s.take(hit{i, last, Job, 0.4, "redact.reason.post"})
			i = last
		}
	}
}

// births finds "lahir di …, 12 Mei 1980" and "TTL".
func (s *scan) births() {
	for i := range s.tokens {
		switch s.text(i) {
		case "lahir", "kelahiran", "ttl", "dilahirkan", "lhr":
		default:
			continue
		}
		last := i
		for j := i + 1; j < i+12 && s.near(j) && s.tokens[j].form != mark; j++ {
			if s.tokens[j].form == number {
				last = j
			}
		}
		if last > i {
			s.take(hit{i, last, Birth, 0.4, "redact.reason.birth"})
		}
	}
}

// digits finds runs of eight digits and more that are no amount.
func (s *scan) digits() {
	var all []byte
	var groups []group
	for i := 0; i < len(s.tokens); {
		if !s.startsRun(i) {
			i++
			continue
		}
		all, groups = all[:0], groups[:0]
		next := s.collect(i, &all, &groups)
		for g := 0; g < len(groups); {
			if n := s.amount(all, groups, g); n > 0 {
				g += n
				continue
			}
			end := g
			for end+1 < len(groups) && groups[end+1].sep != odd && s.amount(all, groups, end+1) == 0 {
				end++
			}
			if groups[end].end-groups[g].start >= 8 {
				s.take(hit{groups[g].token, groups[end].last, Number, 0.3, "redact.reason.digits"})
			}
			g = end + 1
		}
		i = next
	}
}

// strangers finds words with capitals within a sentence that are of no known
// kind, and given names that are words too.
func (s *scan) strangers() {
	for i := 0; i < len(s.tokens); i++ {
		last, doubt := i-1, false
		for j := i; j < i+5 && j < len(s.tokens) && (j == i || s.near(j)) && s.used[j] == free && s.tokens[j].form == word; j++ {
			t := s.tokens[j]
			if !t.capital || t.caseless || t.upper && t.end-t.start < 7 || t.class&^(given|ambiguous|weak|direction|business) != 0 && !(t.class.is(given) && !t.class.is(office|job|region)) || t.end-t.start < 3 {
				break
			}
			if s.sentence(j) && (t.class.is(common|place) || derived(s.text(j)) || !t.class.is(given)) {
				break
			}
			doubt = doubt || t.class.is(given) || t.class == 0
			last = j
		}
		if last >= i && doubt {
			s.take(hit{i, last, Name, 0.3, "redact.reason.stranger"})
			i = last
		}
	}
}
