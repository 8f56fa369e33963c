package intake

import (
	"slices"
	"testing"

	"github.com/jba/templatecheck"

	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/web/page"
)

// TestTemplatesFitTheirPages checks every template against the type that it is
// rendered with, in all languages.
func TestTemplatesFitTheirPages(t *testing.T) {
	s, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	types := map[string]any{
		"home": homePage{}, "lapor": advicePage{}, "tulis": writePage{}, "periksa": checkPage{}, "kode": codePage{}, "coba": tryPage{},
		"cek": askPage{}, "status": statusPage{}, "rusak": tamperedPage{}, "hapus": destroyPage{}, "bantuan": helpPage{}, "hilang": page.Page{},
		"kabar": noticePage{}, "bagian": partsPage{}, "kirim": page.Page{}, "kosong": page.Page{}, "tutup": closedPage{}, "tunggu": waitPage{}, "500": page.Page{},
	}
	for _, l := range s.lang.Languages() {
		for _, name := range s.pages.Names(l) {
			p, ok := types[name]
			if !ok {
				t.Errorf("%s: no type is known", name)
				continue
			}
			if err := templatecheck.CheckHTML(s.pages.Template(l, name), p); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if got := len(s.pages.Names(l)); got != len(types) {
			t.Errorf("%d pages, want %d", got, len(types))
		}
		for _, part := range report.Questions() {
			for _, q := range part {
				if !l.Has("intake.field." + q.Name) {
					t.Errorf("%s: no label for %s", l.Code(), q.Name)
				}
			}
		}
	}
}

// TestHiddenFieldsCarryEverything: what a form reads, its next page carries.
func TestHiddenFieldsCarryEverything(t *testing.T) {
	b := &body{texts: map[string][]string{
		unitField: {"itprov"}, withoutField: {"penelaah-satu", "bukan nama!", "penelaah-satu"}, onceField: {"x"}, kindField: {unknown}, asIsField: {"1"},
	}}
	want := []hidden{{onceField, "x"}, {unitField, "itprov"}, {withoutField, "penelaah-satu"}, {kindField, unknown}}
	for _, part := range report.Questions() {
		for _, q := range part {
			b.texts[q.Name] = []string{"jawaban " + q.Name}
			want = append(want, hidden{q.Name, "jawaban " + q.Name})
		}
	}
	want = append(want, hidden{asIsField, "1"})
	if got := typedFrom(b).fields(); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
