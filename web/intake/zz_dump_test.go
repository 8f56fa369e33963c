package intake_test

import (
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"suluh.example/suluh/internal/report"
)

func TestDump(t *testing.T) {
	dir := os.Getenv("DUMP")
	if dir == "" {
		t.Skip()
	}
	w := newWorld(t, config{})
	save := func(name string, a *answer) *answer {
		must(t, os.WriteFile(dir+"/"+name+".html", []byte(a.body), 0o644))
		return a
	}
	for _, l := range []string{"", "/en"} {
		x := "id"
		if l != "" {
			x = "en"
		}
		save("01home-"+x, w.get(l+"/"))
		save("02advice-"+x, w.get(l+"/lapor"))
		save("03write-"+x, w.get(l+"/lapor/tulis"))
		save("04write-err-"+x, w.post(l+"/lapor/periksa", url.Values{"apa": {"x"}}))
		full := typical()
		full.Set("tanpa", "penelaah-dua")
		full.Set("saksi", "Telepon saya 0812 3456 7890")
		c := save("05check-"+x, w.post(l+"/lapor/periksa", full))
		save("06check-err-"+x, w.post(l+"/lapor/kirim", c.form(t, l+"/lapor/kirim"), bytesFile("kosong.pdf", nil)))
		k := save("07code-"+x, w.post(l+"/lapor/kirim", c.form(t, l+"/lapor/kirim")))
		f := k.form(t, l+"/lapor/coba")
		f.Del("lihat")
		tr := save("08try-"+x, w.post(l+"/lapor/coba", f))
		f = tr.form(t, l+"/lapor/coba")
		f.Set("kode", "satu dua")
		save("09try-err-"+x, w.post(l+"/lapor/coba", f))
		f.Set("kode", k.code(t))
		save("10try-ok-"+x, w.post(l+"/lapor/coba", f))
		save("11ask-"+x, w.get(l+"/cek"))
		save("12ask-err-"+x, w.post(l+"/cek", url.Values{"kode": {strings.Replace(k.code(t), " ", "q ", 1)[1:]}}))
		save("13status-empty-"+x, w.post(l+"/cek", url.Values{"kode": {k.code(t)}}))
		cs := w.cases("penelaah-satu")
		w.answer("penelaah-satu", cs[len(cs)-1], report.Answer{Status: report.Incomplete, Text: "Bulan apa itu terjadi? Siapa yang menandatangani kuitansi?\nTerima kasih."})
		if len(cs) > 1 {
			w.answer("penelaah-satu", cs[0], report.Answer{Status: report.Incomplete, Text: "Bulan apa?"})
		}
		st := save("14status-"+x, w.post(l+"/cek", url.Values{"kode": {k.code(t)}}))
		f = st.form(t, l+"/cek/balas")
		save("15status-err-"+x, w.post(l+"/cek/balas", f))
		f.Set("teks", "Maret")
		save("16status-sent-"+x, w.post(l+"/cek/balas", f, bytesFile("a.jpg", []byte("x"))))
		save("17help-"+x, w.get(l+"/bantuan"))
		save("18lost-"+x, w.get(l+"/bantuan/kode-hilang"))
		save("19direct-"+x, w.get(l+"/lapor/kirim"))
		save("20missing-"+x, w.get(l+"/zzz"))
	}
	if os.Getenv("KEEP") != "" {
		must(t, os.WriteFile(dir+"/url", []byte(w.url), 0o644))
		for {
			if _, err := os.Stat(dir + "/stop"); err == nil {
				break
			}
			time.Sleep(time.Second)
		}
	}
	w.stop()
	save("21closed-id", w.get("/lapor/tulis"))
	save("22closed-post-id", w.post("/lapor/periksa", typical()))
	save("23closed-en", w.get("/en/lapor/tulis"))
}
