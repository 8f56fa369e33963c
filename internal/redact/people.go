package redact

// people finds names: by those that the report gave, by the words before and
// after them, and by given names that are known.
func (s *scan) people() {
	s.companies()
	s.knownNames()
	s.spacedNames()
	s.titled()
	s.called()
	s.signed()
	s.graduates()
	s.jobs()
	s.gazetteer()
	s.slotted()
	s.rows()
	s.listed()
}

// companies keeps the names of companies, schools, mosques and roads from
// being read as people's.
func (s *scan) companies() {
	for i := 0; i < len(s.tokens); i++ {
		t := s.tokens[i]
		if t.form != word || s.used[i] != free || !t.class.is(entity|street|village|region) || t.class.is(given) && !t.upper && t.end-t.start > 2 {
			continue
		}
		if s.is(i, "man") || s.is(i, "ma") || s.is(i, "mi") || s.is(i, "ud") || s.is(i, "pt") || s.is(i, "tb") || s.is(i, "pd") || s.is(i, "rs") {
			if !t.upper && !t.caseless {
				continue
			}
		}
		if (s.is(i, "ma") || s.is(i, "man") || s.is(i, "rs")) && !t.upper {
			continue
		}
		if t.class.is(village) && s.has(i-1, job) && s.near(i) && s.has(i+1, given) && !s.has(i+1, ambiguous) {
			continue // "bidan desa Nama"
		}
		if s.is(i, "jalan") && !(s.near(i+1) && s.tokens[i+1].capital) || t.class.is(region) && !s.near(i+1) {
			continue
		}
		j := s.skipDot(i)
		for s.near(j) && s.tokens[j].form == number && j < i+4 {
			j++ // "SDN 3 Contoh"
		}
		last := -1
		for n := 0; n < 5 && s.near(j) && s.used[j] == free && s.tokens[j].form == word; n++ {
			x := s.tokens[j]
			if x.class.is(title|job) && !x.class.is(given|business) || x.class.is(weak) && s.is(j+1, ".") {
				break
			}
			if !x.caseless && !x.capital {
				break
			}
			if x.caseless && (x.class.is(common|stop|role|kin) && !x.class.is(business|direction|given) || x.class == 0 && n >= 2 || derived(s.text(j))) {
				break
			}
			if x.caseless && n >= 1 && !x.class.is(business|direction|place|given) {
				break
			}
			if t.class.is(region) && n >= 1 && !x.class.is(direction|place) {
				break
			}
			last = j
			j++
			if s.is(j, ".") && x.end-x.start <= 2 && s.near(j+1) {
				j++
			}
		}
		if last > 0 {
			s.block(i, last)
			i = last
		}
	}
}

func (s *scan) knownNames() {
	if len(s.r.names) == 0 {
		return
	}
	for i := 0; i < len(s.tokens); i++ {
		if s.used[i] == taken || s.tokens[i].form != word || !s.r.names[s.text(i)] {
			continue
		}
		last := i
		for s.near(last+1) && s.tokens[last+1].form == word && s.used[last+1] != taken && (s.r.names[s.text(last+1)] || s.has(last+1, given) && !s.has(last+1, ambiguous) && s.tokens[last+1].capital) {
			last++
		}
		s.take(hit{i, last, Name, 0.99, "redact.reason.known"})
		i = last
	}
}

// titled finds what follows Bapak, Hj., si and the like.
func (s *scan) titled() {
	for i := 0; i < len(s.tokens); i++ {
		if s.used[i] == taken || s.tokens[i].form != word || !s.has(i, title|weak) {
			continue
		}
		t := s.tokens[i]
		strong := t.class.is(title)
		if s.is(i, "dr") && !s.is(i+1, ".") { // "dari", more often
			strong = false
		}
		if t.end-t.start == 1 && !s.is(i+1, ".") && !t.capital || s.is(i, "si") && s.is(i-1, ".") && t.gap == nothing { // "M.Si."
			continue
		}
		j := s.skipTitles(i)
		if !s.near(j) {
			continue
		}
		if s.used[j] == taken || s.tokens[j].form != word {
			continue
		}
		how := everything
		if !strong {
			how = capitals
		}
		x := s.tokens[j]
		confidence := 0.9
		if !x.class.is(given) {
			confidence = 0.8
		}
		last := s.walk(j, how)
		if last < 0 && strong && !s.has(j, job|office|entity|region|place|kwPhone|common|street|village) {
			last = s.initials(j)
		}
		if last < 0 && strong && s.shortened(j) {
			last = j
		}
		if last < 0 && s.is(i, "si") && j == i+1 && x.capital && !x.caseless && x.class.is(common) && !x.class.is(stop|job) {
			last = j // "si Botak"
		}
		if last < 0 && (s.is(i, "inisial") || s.is(i, "berinisial")) {
			last = s.initials(j)
			confidence = 0.8
		}
		if last < 0 || s.used[j] == blocked && !strong {
			continue
		}
		if !strong && x.class.is(ambiguous) && x.class.is(common|place|office) && last == j && (x.caseless || s.is(i, "dr") || s.is(i, "h")) {
			continue
		}
		if s.is(i, "h") && !x.class.is(given) && !s.is(i+1, ".") {
			continue
		}
		s.take(hit{j, last, Name, confidence, "redact.reason.title"})
		i = last
	}
}

// skipTitles returns the token after a title and those that follow it.
func (s *scan) skipTitles(i int) int {
	j := i + 1
	for n := 0; n < 10 && s.near(j); n++ {
		switch {
		case s.is(j, "."), s.is(j, "/"), s.is(j, ":"), s.is(j, "'") && s.tokens[j].gap == nothing:
			j++
		case s.has(j, title) && !s.has(j, given), s.has(j, title) && s.is(j+1, "."), s.is(j, "h") && (s.is(j+1, ".") || s.tokens[j].capital), s.has(j, title) && s.near(j+1) && s.has(j+1, given),
			s.is(j, "i") && s.is(j-1, "/"), s.is(j, "guru") && s.near(j+1) && s.tokens[j+1].capital && !s.tokens[j].capital, s.is(j, "si") && !s.is(j+1, ".") && s.near(j+1) && s.has(j+1, given):
			j++
		default:
			return j
		}
	}
	return j
}

// called finds what follows "atas nama", "bernama", "nama saya" and the like.
func (s *scan) called() {
	for i := range s.tokens {
		if s.tokens[i].form != word || s.used[i] != free {
			continue
		}
		j, how := -1, everything
		switch s.text(i) {
		case "nama", "namanya", "bernama", "bnama", "brnama", "namax", "nmnya", "dikiau", "ngaran", "ngarannya", "bangaran", "nm", "panggilannya", "dipanggil", "alias", "ngaranku", "namaku", "kupanggil":
			j = i + 1
			for n := 0; n < 6 && s.near(j); n++ {
				switch s.text(j) {
				case ":", "=", "saya", "lengkap", "lengkapnya", "nya", "asli", "aslinya", "beliau", "pelaku", "terlapor", "pelapor", "adalah", "ialah", "yaitu", "sidin", "ulun", "aku", "panggilan", "istri", "suami", "korban", "oknum", "yang", "bersangkutan", "dia", "-", ".", "itu", "wali", "saksi", "terang", "pengirim", "\"", "pemilik", "rekening":
					j++
					continue
				}
				break
			}
			if s.is(i, "nama") && j == i+1 && !s.is(i-1, "atas") {
				how = capitals
			}
			if s.is(i, "alias") || s.is(i, "dipanggil") {
				how = capitals
			}
		case "an":
			if s.is(i+1, ".") || s.near(i+1) && (s.has(i+1, given) || s.tokens[i+1].capital) {
				j, how = i+1, capitals
				if s.is(j, ".") {
					j, how = j+1, everything
				}
				if s.is(j, ":") {
					j++
				}
			}
		case "a":
			if (s.is(i+1, ".") || s.is(i+1, "/")) && s.is(i+2, "n") {
				j = i + 3
				for s.is(j, ".") || s.is(j, ":") {
					j++
				}
			}
		}
		if j < 0 || j == i || !s.near(j) {
			continue
		}
		if s.has(j, title|weak) && s.tokens[j].form == word && !s.has(j, given) {
			j = s.skipTitles(j)
		}
		if !s.near(j) || s.used[j] == taken || s.tokens[j].form != word {
			continue
		}
		last := s.walk(j, how)
		if last < 0 {
			last = s.initials(j)
		}
		if last < 0 || s.used[j] == blocked && s.has(j, entity|office) {
			continue
		}
		confidence := 0.9
		if how == everything && !s.has(j, given) {
			confidence = 0.8
		}
		s.take(hit{j, last, Name, confidence, "redact.reason.called"})
	}
	for i := range s.tokens { // "terlapor: Nama Orang", "anaknya Nama"
		if s.used[i] != free || !s.has(i, role|kin) {
			continue
		}
		j := i + 1
		colon := false
		for n := 0; n < 3 && s.near(j) && (s.is(j, ":") || s.is(j, "-") || s.is(j, "/") || s.is(j, "(") || s.is(j, ",") || s.is(j, "adalah") || s.is(j, "yaitu")); n++ {
			colon = colon || !s.is(j, ",")
			j++
		}
		if s.has(j, title|weak) && s.near(j) && s.tokens[j].form == word && !s.has(j, given) {
			j = s.skipTitles(j)
		}
		if !s.near(j) || s.used[j] != free || s.tokens[j].form != word {
			continue
		}
		how := onlyKnown
		if colon || !s.sentence(i) {
			how = capitals
		}
		if s.tokens[j].class == 0 && s.tokens[j].caseless && s.plausible(j) {
			how = everything
		}
		if s.has(j, ambiguous) && (s.has(j, common|place|job) || s.tokens[j].caseless) && !colon {
			continue
		}
		if last := s.walk(j, how); last >= 0 {
			s.take(hit{j, last, Name, 0.75, "redact.reason.role"})
		}
	}
}

// signed finds the name under "Hormat saya".
func (s *scan) signed() {
	for i := range s.tokens {
		switch s.text(i) {
		case "hormat", "hormatku", "ttd", "tertanda", "wassalam", "wasalam", "saya", "pelapor", "salam", "pengadu", "kami":
		default:
			continue
		}
		j := i + 1
		for s.near(j) && (s.is(j, "saya") || s.is(j, ",") || s.is(j, ".") || s.is(j, "kami") || s.is(j, "ulun") || s.is(j, "hormat") || s.is(j, "(") || s.is(j, ":")) {
			j++
		}
		if j >= len(s.tokens) || s.tokens[j].gap < line || s.used[j] != free || s.tokens[j].form == mark {
			continue
		}
		if s.tokens[j].form == other && s.near(j+1) {
			j++
		}
		last := s.walk(j, everything)
		if last >= 0 && last-j < 6 && (last+1 == len(s.tokens) || s.tokens[last+1].gap >= line || s.tokens[last+1].form == other) && s.used[j] == free {
			s.take(hit{j, last, Name, 0.7, "redact.reason.signed"})
		}
	}
}

// graduates finds what stands before a degree.
func (s *scan) graduates() {
	before := -1 // end of the degree before
	for i := range s.tokens {
		if !s.degreeAt(i) {
			continue
		}
		j := i - 1
		for j >= 0 && s.near(j+1) && s.is(j, ",") {
			j--
		}
		last := j
		follows := j <= before
		if before = i; s.is(i+1, ".") {
			before = i + 3
		}
		if follows {
			continue
		}
		for n := 0; n < 5 && j >= 0 && s.near(j+1) && s.used[j] == free; n++ {
			t := s.tokens[j]
			if s.is(j, ".") && j > 0 && s.tokens[j-1].end-s.tokens[j-1].start <= 3 && s.near(j) && s.tokens[j-1].capital {
				j--
				continue
			}
			if t.form != word || !t.capital && !t.class.is(given) || t.class.is(title|job|office|role|common|degree|region|stop) && !t.class.is(given) || t.class.is(kwNIP|kwNIK) {
				break
			}
			j--
		}
		first := j + 1
		for first <= last && s.tokens[first].form != word {
			first++
		}
		if first <= last {
			s.take(hit{first, last, Name, 0.85, "redact.reason.degree"})
		}
	}
}

// degreeAt tells whether a degree begins at token i: S.H., M.Si, or SH after a comma.
func (s *scan) degreeAt(i int) bool {
	if !s.has2(i, word) || i == 0 || !s.near(i) {
		return false
	}
	t := s.tokens[i]
	comma := s.is(i-1, ",")
	if t.end-t.start == 1 && s.is(i+1, ".") && s.near(i+2) && s.has2(i+2, word) && s.tokens[i+2].gap == nothing {
		switch s.text(i) {
		case "s", "m":
			switch s.text(i + 2) {
			case "h", "e", "t", "p", "sos", "si", "pd", "kom", "ip", "stp", "ag", "kep", "pt", "hut", "pi", "farm", "gz", "psi", "tr", "ked", "kes", "m", "ap", "hum", "kn", "sc", "ak", "eng", "sn", "keb", "km", "hi", "pdi", "sy", "ling", "pt'", "th", "st", "ikom", "an", "tp":
				return comma || t.capital
			}
		case "a":
			return comma && (s.is(i+2, "md") || s.is(i+2, "ma"))
		}
		return false
	}
	if !t.class.is(degree) {
		return false
	}
	return comma && (t.upper || t.caseless || s.is(i, "amd")) && t.gap <= space || !t.caseless && t.upper && !comma && !s.has(i-1, common|office|job|region|place) && (s.is(i, "skm") || s.is(i, "ssos") || s.is(i, "spd") || s.is(i, "sh") || s.is(i, "mpd") || s.is(i, "msi") || s.is(i, "mkes") || s.is(i, "skom") || s.is(i, "sstp"))
}

// jobs finds names that follow a job, with its unit or without.
func (s *scan) jobs() {
	for i := 0; i < len(s.tokens); i++ {
		if !s.has(i, job) || s.used[i] == taken || s.tokens[i].form != word {
			continue
		}
		j := i + 1
		for n := 0; n < 3 && s.near(j) && (s.is(j, "nya") || s.has(j, title|weak) && !s.has(j, given) || s.is(j, ".") || s.is(j, ":") || s.is(j, "(")); n++ {
			j++
		}
		if s.near(j+1) && s.has2(j, word) && !s.has(j, given|stop|title) && s.has(j, common|office|entity|village) && (s.tokens[j+1].class == 0 && s.tokens[j+1].caseless && s.has(j, office|entity|village) && s.plausible(j+1) || s.has(j+1, given) && !s.has(j+1, ambiguous)) {
			j++ // "penjaga sekolah nama"
		}
		if !s.near(j) || s.used[j] != free || s.tokens[j].form != word {
			continue
		}
		t := s.tokens[j]
		how := capitals
		if s.has(i, territorial) && !s.has(i-1, title) && !s.is(i-1, "pa") {
			how = onlyKnown
		}
		if t.class&^(given|ambiguous|business) == 0 && t.caseless && s.plausible(j) {
			how = everything
		} else if t.caseless || s.tokens[i].capital && s.sentence(i) && !t.class.is(given) && s.has(i, common) {
			how = onlyKnown
		}
		if t.class.is(ambiguous) && t.class&^(given|ambiguous|business) != 0 && (t.caseless || !t.capital) || t.class.is(place|common) && t.class.is(ambiguous) && s.has(i, territorial) {
			continue
		}
		if last := s.walk(j, how); last >= 0 {
			s.take(hit{j, last, Name, 0.7, "redact.reason.job"})
			i = last
		} else if last := s.initials(j); last >= 0 && t.upper && !t.caseless && (s.is(i, "oknum") || t.end-t.start == 1 && last > j) && !s.has(j, office|degree|job|entity) {
			s.take(hit{j, last, Name, 0.6, "redact.reason.job"})
			i = last
		}
	}
}
