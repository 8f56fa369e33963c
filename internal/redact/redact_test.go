package redact_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"suluh.example/suluh/internal/lang"
	"suluh.example/suluh/internal/redact"
	"suluh.example/suluh/internal/redact/corpus"
)

// masked returns a text with what is personal masked.
func masked(text string, known ...redact.Known) string {
	r := redact.New(redact.Options{Known: known})
	return r.Apply(text, r.Find(text))
}

func TestMasks(t *testing.T) {
	for _, x := range []struct{ text, want string }{
		{"NIK 6371011203800001", "NIK [NIK]"},
		{"KK: 6371011203800001", "KK: [KK]"},
		{"NIK 6371019903800001", "NIK [NIK]"}, // no such day, but plainly meant
		{"npwp 01.234.567.5-731.000", "npwp [NPWP]"},
		{"NIP 19720817 199503 1 004.", "NIP [NIP]."},
		{"NIP PPPK 199512012024212008", "NIP PPPK [NIP]"},
		{"hp 0812-5000-1234/0813 5000 1234", "hp [TELEPON]/[TELEPON]"},
		{"hp +62 812 5000 1234 ya", "hp [TELEPON] ya"},
		{"telp (0511) 3301234", "telp [TELEPON]"},
		{"nol delapan satu dua lima nol nol nol satu dua tiga empat", "[TELEPON]"},
		{"O8l2 5OOO 1234", "[TELEPON]"},
		{"０８１２５０００１２３４", "[TELEPON]"},
		{"https://wa.me/6281250001234", "[TELEPON]"},
		{"tulis ke a.b_c@contoh.example.id.", "tulis ke [EMAIL]."},
		{"nama88 (at) gmail (dot) com", "[EMAIL]"},
		{"lihat https://contoh.example.id/a?b=1, ya", "lihat [TAUTAN], ya"},
		{"ig: abcd_88", "ig: [AKUN]"},
		{"paspor C 7654321", "paspor [PASPOR]"},
		{"mobil DA 1234 AB", "mobil [PLAT]"},
		{"plat D A 1 2 3 4 X Y", "plat [PLAT]"},
		{"hp 0812 xxxx 1234 ya", "hp [TELEPON] ya"},
		{"hp nol delapan dua belas lima nol nol nol satu dua tiga empat", "hp [TELEPON]"},
		{"NIK dan KK saya 6371010203800006 dan 6371012509120007", "NIK dan KK saya [NIK] dan [KK]"},
		{"akun fb Suara Warga Pinggiran yang upload", "akun fb [AKUN] yang upload"},
		{"kirim ke nama88gmail.com ya", "kirim ke [EMAIL] ya"},
		{"kata zorvath kalau mau cepat bayar", "kata [NAMA] kalau mau cepat bayar"},
		{"kata petugas kalau mau cepat bayar", "kata petugas kalau mau cepat bayar"},
		{"sdr Rahmwati dan b@mbang diam", "sdr [NAMA] dan [NAMA] diam"},
		{"1. Budi\n2. Zorvath (ketua)\n3. Siti", "1. [NAMA]\n2. [NAMA] (ketua)\n3. [NAMA]"},
		{"warga Handil Bakti RT 09 resah", "warga [ALAMAT] resah"},
		{"di gang sabar dekat langgar", "di [ALAMAT] dekat langgar"},
		{"ketua RT 05 di jalan itu", "ketua RT 05 di jalan itu"},
		{"rek BRI 0123-01-045678-50-3 a.n. Budi", "rek BRI [REKENING] a.n. [NAMA]"},
		{"BPJS 0001234567890", "BPJS [BPJS]"},
		{"kartu kredit 4556 7375 8689 9855", "kartu kredit [KARTU]"},
		{"Bapak H. Rahmat Hidayat, S.Sos., M.Si. hadir", "Bapak H. [NAMA], S.Sos., M.Si. hadir"},
		{"rumah di Jl. Melati No. 5 RT 03 Kel. Contoh Kota Banjarmasin", "rumah di [ALAMAT] Kota Banjarmasin"},
		{"Pak Ru\u200bslan minta uang", "Pak [NAMA] minta uang"},
		{"anggaran Rp1.250.000.000 untuk 12.345 orang", "anggaran Rp1.250.000.000 untuk 12.345 orang"},
		{"Kontrak 602.1/045/SPK/PUPR/2025 tanggal 14-04-2025", "Kontrak 602.1/045/SPK/PUPR/2025 tanggal 14-04-2025"},
		{"kode rekening 5.2.02.01.01.0004", "kode rekening 5.2.02.01.01.0004"},
		{"CV Rahmat Jaya Abadi menang", "CV Rahmat Jaya Abadi menang"},
		{"Pak Kadis dan Bu Camat", "Pak Kadis dan Bu Camat"},
		{"", ""},
	} {
		if got := masked(x.text); got != x.want {
			t.Errorf("%q: got %q, want %q", x.text, got, x.want)
		}
	}
}

// TestKnown: each word of what the report calls somebody is masked wherever it
// occurs, but not the words of the job and the office.
func TestKnown(t *testing.T) {
	got := masked("lalu tumbur dan HOTASI ke kantor UPT, kepala UPT diam", redact.Known{Text: "Bapak Tumbur Hotasi, Kepala UPT"})
	if want := "lalu [NAMA] dan [NAMA] ke kantor UPT, kepala UPT diam"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	// An everyday word counts beside a name, not by itself.
	got = masked("takut sama kenanga, saya tidak tahu", redact.Known{Text: "Zorvath Kenanga"}, redact.Known{Text: "Tidak Tahu"})
	if want := "takut sama [NAMA], saya tidak tahu"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	got = masked("berkas 77 88 99 00 di gudang Anggur Merah", redact.Known{Kind: redact.Bank, Text: "77889900"}, redact.Known{Kind: redact.Address, Text: "gudang anggur merah"})
	if want := "berkas [REKENING] di [ALAMAT]"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestOnceIsEverywhere: what was masked in one place is masked in all.
func TestOnceIsEverywhere(t *testing.T) {
	for _, x := range []struct{ text, gone string }{
		{"kemarin zorvath datang. Namanya Pak Zorvath. Lalu ZORVATH pergi.", "zorvath"},
		{"12 3456 7890 itu apa? rek BNI 1234567890", "7890"},
	} {
		if got := masked(x.text); strings.Contains(strings.ToLower(got), x.gone) {
			t.Errorf("%q: got %q", x.text, got)
		}
	}
}

func TestLeftover(t *testing.T) {
	r := redact.New(redact.Options{})
	kinds := func(text string) (all []redact.Kind) {
		for _, s := range r.Leftover(text) {
			all = append(all, s.Kind)
		}
		return all
	}
	for _, x := range []struct {
		text string
		want redact.Kind
	}{
		{"uang itu di bendahara Dinas Kesehatan kami", redact.Job},
		{"ada angka 998877665544 di situ", redact.Number},
		{"dia lahir di Kandangan 12-05-1980", redact.Birth},
		{"saya melihat Xyverith Moltara di sana tadi malam", redact.Name},
	} {
		if got := kinds(x.text); !slices.Contains(got, x.want) {
			t.Errorf("%q: got %v, want %v", x.text, got, x.want)
		}
	}
	if got := kinds("jalan rusak dan lampu mati, mohon diperbaiki. [NAMA] sudah tahu, hp [TELEPON]"); got != nil {
		t.Errorf("got %v", got)
	}
}

// TestReasonsHaveWords: every kind and reason has words in every language.
func TestReasonsHaveWords(t *testing.T) {
	words, err := lang.Load()
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, k := range append(redact.Kinds(), redact.Job, redact.Number, redact.Birth) {
		keys = append(keys, "redact.kind."+string(k))
	}
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if strings.HasSuffix(f.Name(), ".go") && !strings.HasSuffix(f.Name(), "_test.go") {
			b, err := os.ReadFile(f.Name())
			if err != nil {
				t.Fatal(err)
			}
			keys = append(keys, regexp.MustCompile(`redact\.reason\.[a-z]+`).FindAllString(string(b), -1)...)
		}
	}
	if len(keys) < 40 {
		t.Errorf("only %d keys", len(keys))
	}
	for _, k := range keys {
		if !words.First().Has(k) {
			t.Errorf("no words for %s", k)
		}
	}
}

// TestGazetteer: the names are many, in plain small letters, each once.
func TestGazetteer(t *testing.T) {
	b, err := os.ReadFile("names.txt")
	if err != nil {
		t.Fatal(err)
	}
	seen, doubtful := map[string]bool{}, 0
	for name := range strings.FieldsSeq(string(b)) {
		plain, starred := strings.CutSuffix(name, "*")
		if starred {
			doubtful++
		}
		if !regexp.MustCompile(`^[a-z]+('[a-z]+)*'?$`).MatchString(plain) {
			t.Errorf("%q isn't a plain name", name)
		}
		if seen[plain] {
			t.Errorf("%q is there twice", plain)
		}
		seen[plain] = true
	}
	if len(seen) < 2000 || doubtful < 100 {
		t.Errorf("%d names, of which %d are words too", len(seen), doubtful)
	}
}

// TestCorpus holds what is measured to what was reached so far: see
// docs/redaction.md.
func TestCorpus(t *testing.T) {
	for _, part := range []struct {
		name                              string
		complaints, clean                 int
		numbers, names, places, precision float64
	}{
		{"dev", 2360, 290, 0.9876, 0.9849, 0.9927, 0.9935},
		{"heldout", 360, 60, 0.9849, 0.9608, 0.9743, 0.9682},
	} {
		all, err := corpus.Read("testdata/corpus/" + part.name)
		if err != nil {
			t.Fatal(err)
		}
		clean := 0
		for _, c := range all {
			if c.Style == "clean" {
				clean++
				if len(c.Labels) > 0 {
					t.Errorf("%s %d is clean but has labels", c.File, c.Number)
				}
			}
		}
		if len(all) < part.complaints || clean < part.clean {
			t.Errorf("%s: %d complaints, %d clean", part.name, len(all), clean)
		}
		scores, _ := corpus.Measure(all)
		var numbers, total corpus.Score
		for k, s := range scores {
			total = total.Add(s)
			if k != redact.Name && k != redact.Address {
				numbers = numbers.Add(s)
			}
		}
		for _, x := range []struct {
			what       string
			got, floor float64
		}{
			{"recall of numbers, mail, links", numbers.Recall(), part.numbers},
			{"recall of names", scores[redact.Name].Recall(), part.names},
			{"recall of addresses", scores[redact.Address].Recall(), part.places},
			{"precision", total.Precision(), part.precision},
		} {
			if x.got < x.floor {
				t.Errorf("%s: %s is %.3f, not %.3f", part.name, x.what, x.got, x.floor)
			}
		}
	}
}

// check holds what must be true of any text.
func check(t interface{ Errorf(string, ...any) }, text string) {
	r := redact.New(redact.Options{})
	spans := r.Find(text)
	at := 0
	for _, s := range spans {
		if s.Start < at || s.End <= s.Start || s.End > len(text) {
			t.Errorf("%q: span %+v after %d", text, s, at)
			return
		}
		if utf8.ValidString(text) && (!utf8.RuneStart(text[s.Start]) || s.End < len(text) && !utf8.RuneStart(text[s.End])) {
			t.Errorf("%q: span %+v cuts a character", text, s)
		}
		if !slices.Contains(redact.Kinds(), s.Kind) || s.Confidence <= 0 || s.Confidence > 1 || s.Reason == "" {
			t.Errorf("%q: span %+v", text, s)
		}
		at = s.End
	}
	once := r.Apply(text, spans)
	if again := r.Find(once); len(again) > 0 {
		t.Errorf("%q: %q is still masked further: %+v", text, once, again)
	}
	for _, s := range r.Leftover(once) {
		if s.End > len(once) || s.Start >= s.End {
			t.Errorf("%q: leftover %+v", once, s)
		}
	}
}

// pieces are what texts are made of in the tests of what always holds.
var pieces = []string{
	"Bapak", "Ibu", "Budi", "Rahmat", "Hj.", "a.n.", "atas nama", "rek", "rekening BRI", "NIK", "hp", "wa", "6371011203800001", "0812", "5000", "1234", "0", "8", "12", "nol", "delapan", "satu",
	"Jl.", "Jalan", "RT 03", "No. 5", "Desa", "Kota", "kantor", "CV", "@", "@abc", "gmail", ".", "com", ",", "/", "-", " ", "\n", "\n\n", "[NAMA]", "[", "]", "S.H.", "DA", "AB", "plat", "paspor", "A1234567",
	"\u200b", "\u202e", "é", "e\u0301", "㎏", "０", "А", "ﷺ", "\xff", "https://", "wa.me/", "www.", "titik", "xxxx", "*", "$", "ig", "akun", "kata", "bilang", "Handil", "gang", "1.", "belas", "(at)", "(dot)", "kepala", "camat", "Dinas", "Zorvath", "x", "M.", "bin", "fb:", "Rp", "juta", "'", "\"",
}

// TestWhateverIsTyped: spans are ranges of whole characters in order, and what
// is sanitised stays as it is when sanitised again.
func TestWhateverIsTyped(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b strings.Builder
		for _, p := range rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 30).Draw(t, "pieces") {
			b.WriteString(p)
			if rapid.Bool().Draw(t, "space") {
				b.WriteByte(' ')
			}
		}
		check(t, b.String())
	})
}

func TestSanitisedStaysSo(t *testing.T) {
	all, err := corpus.Read("testdata/corpus/dev")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		check(t, c.Text)
	}
}

// hard are texts that are meant to take long.
func hard() map[string]string {
	const mb = 1 << 20
	return map[string]string{
		"digits":     strings.Repeat("7", mb),
		"spaced":     strings.Repeat("7 ", mb/2),
		"mobiles":    strings.Repeat("08", mb/2),
		"spelled":    strings.Repeat("nol dua ", mb/8),
		"at":         strings.Repeat("a@", mb/2),
		"dots":       strings.Repeat("a.", mb/2),
		"slashes":    strings.Repeat("http://", mb/7),
		"bidi":       strings.Repeat("Budi\u202e\u200b ", mb/11),
		"scripts":    strings.Repeat("Бudі شب 日本 ﷺ ", mb/24),
		"accents":    "a" + strings.Repeat("\u0301", mb/2),
		"titles":     strings.Repeat("Pak ", mb/4),
		"streets":    strings.Repeat("Jl. ", mb/4),
		"names":      strings.Repeat("Budi ", mb/5),
		"initials":   strings.Repeat("A. ", mb/3),
		"jobs":       strings.Repeat("kepala dinas ", mb/13),
		"brackets":   strings.Repeat("[", mb),
		"unknown":    strings.Repeat("zorvath pemberzorvathkan ", mb/25),
		"rows":       strings.Repeat("1. Zorvath\nBudi: ya\n", mb/20),
		"places":     strings.Repeat("handil bakti ", mb/13),
		"crossed":    strings.Repeat("08x", mb/3),
		"letters":    strings.Repeat("d a 1 ", mb/6),
		"networks":   strings.Repeat("ig akun ", mb/8),
		"signs":      strings.Repeat("a*b$", mb/4),
		"whitespace": strings.Repeat(" \n", mb/2),
	}
}

// TestNoTextIsTooHard: the time is that of the whole test run; there is
// nothing that takes more than in proportion to its length.
func TestNoTextIsTooHard(t *testing.T) {
	for name, text := range hard() {
		t.Run(name, func(t *testing.T) {
			r := redact.New(redact.Options{})
			r.Apply(text, r.Find(text))
		})
	}
}

func BenchmarkFind(b *testing.B) {
	all, err := corpus.Read("testdata/corpus/dev")
	if err != nil {
		b.Fatal(err)
	}
	var one strings.Builder
	for one.Len() < 1<<20 {
		for _, c := range all {
			one.WriteString(c.Text + "\n\n")
		}
	}
	texts := hard()
	texts["complaints"] = one.String()
	for name, text := range texts {
		b.Run(name, func(b *testing.B) {
			r := redact.New(redact.Options{})
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				r.Find(text)
			}
		})
	}
}

func FuzzFind(f *testing.F) {
	for _, s := range []string{"Pak Budi, hp 0812 5000 1234", "NIK 6371011203800001 a.n. Siti", "Jl. Melati No. 5 RT 03", "a (at) gmail (dot) com", "Ru\u200bslan e\u0301㎏"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) < 1<<12 {
			check(t, text)
		}
	})
}

// TestWhatAPersonAddsIsMaskedEverywhere: in any spelling, all of its words, and
// nothing that only has it within.
func TestWhatAPersonAddsIsMaskedEverywhere(t *testing.T) {
	r := redact.New(redact.Options{})
	for _, x := range []struct{ value, text, want string }{
		{"gudang biru", "Di Gudang  Biru, di gudang\nbiru dan di GUDANG BIRU. Gudang merah.", "Di [JABATAN], di [JABATAN] dan di [JABATAN]. Gudang merah."},
		{"api", "api, tapi bukan kapital; ａｐｉ dan a\u200bpi", "[JABATAN], tapi bukan kapital; [JABATAN] dan [JABATAN]"},
		{"7", "7 orang, 17 orang, 7.000", "[JABATAN] orang, 17 orang, [JABATAN].000"},
		{"nama", "[NAMA] dan nama", "[NAMA] dan [JABATAN]"},
		{"jabatan", "[JABATAN]", "[JABATAN]"},
		{"***", "a *** b", "a [JABATAN] b"},
		{" ", "a b", "a b"},
		{"", "a b", "a b"},
		{"a", "", ""},
	} {
		if got := r.Apply(x.text, r.Everywhere(x.text, []redact.Known{{Kind: redact.Job, Text: x.value}})); got != x.want {
			t.Errorf("%q in %q: got %q", x.value, x.text, got)
		}
	}
	values := []redact.Known{{Text: "biru"}, {Kind: redact.Address, Text: "gudang biru"}, {Text: "biru tua"}}
	if got := r.Apply("gudang biru tua, biru tua, biru", r.Everywhere("gudang biru tua, biru tua, biru", values)); got != "[ALAMAT] tua, [NAMA], [NAMA]" {
		t.Errorf("of values within one another: %q", got)
	}
}
