package redact

import (
	_ "embed"
	"strings"
	"sync"
)

// class is what is known of a word; most words are of several, or of none.
type class uint64

const (
	given       class = 1 << iota // somebody's given name
	ambiguous                     // a given name that is also a word or a place
	common                        // a word of everyday or official language
	title                         // Bapak, Hj.: a name follows
	weak                          // si, mas: a name may follow
	job                           // kepala, bendahara
	territorial                   // camat: a place follows more often than a name
	entity                        // CV, masjid: named by the words that follow
	office                        // dinas, kantor
	nature                        // sungai, gunung: likewise, but nobody's office
	private                       // warung: a building that is somebody's own
	place                         // districts and such
	city                          // regencies, cities, provinces
	region                        // kabupaten, kota, provinsi
	works                         // perbaikan, ruas
	street                        // jl, gang
	estate                        // komplek, perum
	village                       // desa, kelurahan, kecamatan
	direction                     // hulu, hilir, barat
	business                      // jaya, abadi: of companies
	kin                           // istrinya, anak
	role                          // terlapor, saksi
	digit                         // nol, satu
	degree                        // sh, mm, msi
	kwNIK                         // a number of the kind follows or stands before
	kwKK
	kwNPWP
	kwNIP
	kwPhone
	kwBank
	kwBPJS
	kwPassport
	kwPlate
	kwCard
	kwMoney
	kwOther // a number of another kind: contract, regulation, day
	network // ig, fb
	named   // akun, username: its name follows
	owner   // saya, dia, lewat: may stand between a network's name and an account's
	kwMail  // email, surel
	slot    // kata, oleh: a name follows, often
	slotty  // dari, untuk: a name may follow
	doer    // bilang, ngaku: a name stands before, often
	goer    // itu, sudah: a name may stand before
	top     // last part of a domain
	stop    // a word too small to be masked by itself
)

func (c class) is(x class) bool { return c&x != 0 }

// around is what a word says of the name of a place beside it.
type around uint8

const (
	toward    around = 1 << iota // di, warga: a place follows
	home                         // tinggal, alamat: where somebody lives follows
	sort                         // raya, buntu: what kind of road it is, not its name
	plainly                      // kami, terpencil: likewise, of a village
	numbered                     // los, lantai: a number or letter follows
	rank                         // jend: an abbreviation within a street's name
	waterside                    // handil, tatah: what hamlets are called after
)

func (a around) is(x around) bool { return a&x != 0 }

var (
	//go:embed words.txt
	wordsText string
	//go:embed everyday.txt
	everydayText string
	//go:embed names.txt
	namesText string
)

// lexicon is the words that are known.
type lexicon struct {
	classes map[string]class
	arounds map[string]around
	endings map[string]bool
	sounds  map[string]bool // of given names
	short   map[string]bool // given names that lack a letter
}

// theLexicon is made once, and never changed.
var theLexicon = sync.OnceValue(func() *lexicon {
	l := &lexicon{classes: make(map[string]class, 8192), arounds: make(map[string]around, 512), endings: map[string]bool{}, sounds: map[string]bool{}, short: map[string]bool{}}
	for e := range strings.FieldsSeq(endings) {
		l.endings[e] = true
	}
	named := map[string]class{
		"common": common, "title": title, "weak": weak, "job": job, "territorial": job | territorial, "entity": entity, "office": office,
		"place": place, "city": place | city, "nature": entity | nature, "private": entity | private, "region": region, "works": works, "street": street, "estate": estate, "plot": estate | direction, "village": village, "direction": direction,
		"business": business, "kin": kin, "role": role, "digit": digit, "degree": degree, "nik": kwNIK, "kk": kwKK, "npwp": kwNPWP,
		"nip": kwNIP, "phone": kwPhone, "bank": kwBank, "bpjs": kwBPJS, "passport": kwPassport, "plate": kwPlate, "card": kwCard,
		"money": kwMoney, "other": kwOther, "network": network, "named": network | named, "owner": owner, "mail": kwMail, "slot": slot, "slotty": slotty, "doer": doer, "goer": goer, "top": top, "stop": stop | common,
	}
	placed := map[string]around{"toward": toward, "home": home, "sort": sort, "plainly": plainly, "numbered": numbered, "rank": rank, "waterside": waterside}
	for row := range strings.Lines(wordsText) {
		if row = strings.TrimSpace(row); row == "" || row[0] == '#' {
			continue
		}
		name, words, _ := strings.Cut(row, ":")
		for w := range strings.FieldsSeq(words) {
			if a := placed[name]; a != 0 {
				l.arounds[w] |= a
				continue
			}
			l.classes[w] |= named[name]
		}
	}
	for row := range strings.Lines(everydayText) {
		if row[0] != '#' {
			for w := range strings.FieldsSeq(row) {
				l.classes[w] |= common
			}
		}
	}
	for w := range strings.FieldsSeq(namesText) {
		w, starred := strings.CutSuffix(w, "*")
		c := l.classes[w]
		if starred || c&^(title|weak|network) != 0 {
			c |= ambiguous
		}
		l.classes[w] = c | given
	}
	l.hear()
	return l
})

func (l *lexicon) class(w string) class {
	c := l.classes[w]
	if c == 0 {
		// "bapaknya", "Pa'ani": what hangs on a word, or an apostrophe.
		base, ok := strings.CutSuffix(w, "nya")
		if !ok {
			base, ok = strings.CutSuffix(w, "ku")
		}
		if ok {
			c = l.classes[base] & (common | kin | role | job | office | network | named | keywords | kwMail)
		}
		if c == 0 && strings.IndexByte(w, '\'') >= 0 {
			c = l.classes[strings.ReplaceAll(w, "'", "")]
		}
		switch {
		case c != 0 || len(w) < 3:
		case l.made(w):
			c = common
		case l.likeName(w):
			c = given
		default:
			c = l.alike(w)
		}
	}
	return c
}

// endings are those of names that few other words have.
const endings = "iah iyah atul itul utul atun uddin iddin addin udin ansyah insyah ensyah unsyah osyah asyah isyah esyah usyah rsyah dsyah lsyah msyah nsyah awati iwati owati uwati ewati wanti yanti ianti inawati riyanto iyanto yanto ianto wanto ningsih ningrum ullah illah urrahman rrahman rrahim urrohman urahman erahman ihadi riyadi iyadi suyadi wijaya astuti tuti andari hardjo harjo wardana wardani wardhana wardhani nugroho nugraha prasetyo prasetya kusumo saputra saputri syaputra syahputra putri maulana ramadhan ramadhani rahmani iyani uyani hartono hartini hartati anggraini anggraeni lestari permata permatasari puspita puspitasari apriani apriyani apriliani iansyah diansyah riansyah mawati hasanah khasanah husnah jannah fitriah fitriyah fitriani khairani khairunnisa unnisa innisa annisa aulia"

// likeName tells whether an unknown word ends as names do.
func (l *lexicon) likeName(w string) bool {
	if len(w) < 6 || len(w) > 24 || derived(w) {
		return false
	}
	for n := 3; n <= 11 && n < len(w); n++ {
		if l.endings[w[len(w)-n:]] {
			return true
		}
	}
	return false
}

// derived tells whether a word looks like one made by prefixes and suffixes,
// as names rarely do.
func derived(w string) bool {
	if len(w) < 6 {
		return false
	}
	for _, suffix := range []string{"nya", "kan", "lah", "kah", "pun", "isasi", "itas", "isme"} {
		if strings.HasSuffix(w, suffix) && len(w) > len(suffix)+3 && w[len(w)-len(suffix)-1] != 'u' {
			return true
		}
	}
	for _, prefix := range []string{"meng", "meny", "mem", "men", "ber", "ter", "peng", "peny", "pem", "pen", "per", "dik", "dib", "dit", "dis", "dip", "dim", "dil", "manga", "manya", "maha", "bap", "bak", "tak"} {
		if strings.HasPrefix(w, prefix) && len(w) > len(prefix)+2 {
			return true
		}
	}
	return (strings.HasPrefix(w, "ke") || strings.HasPrefix(w, "pe")) && strings.HasSuffix(w, "an")
}
