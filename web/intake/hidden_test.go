package intake_test

import (
	"bytes"
	"image"
	"image/jpeg"
	"io"
	"net/url"
	"strings"
	"testing"

	"suluh.example/suluh/internal/report"
	"suluh.example/suluh/web/intake"
)

const where = "Jalan Rahasia 1"

// photo is a JPEG that tells where it was made.
func photo(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	must(t, jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, 640, 480)), nil))
	return []byte("\xff\xd8\xff\xfe\x00\x11" + where + string(b.Bytes()[2:]))
}

// broken is a photo whose structure can't be followed.
func broken(t testing.TB) []byte { return append([]byte("\xff\xd8\xff\xfe\x00\x02?"), photo(t)[2:]...) }

// TestHiddenDataIsRemovedFromPhotos, the page tells from which files it isn't,
// and their readers see it.
func TestHiddenDataIsRemovedFromPhotos(t *testing.T) {
	w := newWorld(t, config{})
	plain := bytes.ReplaceAll(photo(t), []byte("\xff\xfe\x00\x11"+where), nil)
	checked := w.post("/lapor/periksa", typical())
	checked.want(t, 200, "Tempat, waktu, dan alat dihapus dari foto JPEG, PNG, WebP, dan HEIC.", "PDF, Office, suara, video", "Kirim foto asli, dengan data tersembunyi")
	if i, j := strings.Index(checked.body, `name="asli"`), strings.Index(checked.body, `name="berkas"`); i < 0 || i > j {
		t.Fatal("the choice doesn't come before the files")
	}
	fields := checked.form(t, "/lapor/kirim")
	files := func() []file {
		return []file{
			bytesFile("foto.pdf", photo(t)), bytesFile("foto.jpg", []byte("%PDF-1.7 "+where)), bytesFile("a", []byte("%PDF-1.7")), bytesFile("b", []byte("ID3 lagu")),
			bytesFile("rusak", broken(t)),
		}
	}
	code := w.post("/lapor/kirim", fields, files()...)
	code.want(t, 200, "<h1>Laporan diterima. Catat kode ini</h1>", "1 foto mungkin masih memuat tempat, waktu, atau alat.", "3 berkas dikirim apa adanya: PDF, suara.")
	x := w.cases("penelaah-satu")[0]
	want := []struct {
		content []byte
		hidden  report.Hidden
	}{
		{plain, report.HiddenRemoved},
		{[]byte("%PDF-1.7 " + where), report.HiddenKept},
		{[]byte("%PDF-1.7"), report.HiddenKept},
		{[]byte("ID3 lagu"), report.HiddenKept},
		{broken(t), report.HiddenKept},
	}
	for i, a := range x.letters[0].Attachments {
		if w := want[i]; !bytes.Equal(x.attachments[i], w.content) || a.Hidden != w.hidden || a.Size != int64(len(w.content)) {
			t.Errorf("%s: %+v, %d bytes", a.Name, a, len(x.attachments[i]))
		}
	}
	if len(x.attachments) != len(want) {
		t.Errorf("%d attachments", len(x.attachments))
	}

	// The same form again is the same deposit.
	again := w.post("/lapor/kirim", fields, files()...)
	again.want(t, 200, "Laporan ini sudah kami terima sebelumnya.", "3 berkas dikirim apa adanya: PDF, suara.")
	if len(w.cases("penelaah-satu")[0].letters) != 1 || again.code(t) != code.code(t) {
		t.Error("there are two deposits")
	}

	// A reply, in English; and one with a photo alone says nothing of it.
	status := w.post("/en/cek", url.Values{"kode": {code.code(t)}})
	reply := status.form(t, "/en/cek/balas")
	w.post("/en/cek/balas", reply, bytesFile("c", []byte("halo"))).want(t, 200, `<p id="kabar">Your reply was sent. 1 file was sent as it is: another kind.</p>`)
	alone := w.post("/en/cek/balas", status.form(t, "/en/cek/balas"), bytesFile("d", photo(t)))
	if strings.Contains(alone.body, "as it is:") || strings.Contains(alone.body, "may still tell") {
		t.Error("a photo that was cleaned is told of")
	}
	// It breaks off the way after the part that is looked ahead.
	status = w.post("/cek", url.Values{"kode": {code.code(t)}})
	long := append([]byte("\xff\xd8"), bytes.Repeat(append([]byte("\xff\xfe\xff\xff"), make([]byte, 0xfffd)...), 3)...)
	w.post("/cek/balas", status.form(t, "/cek/balas"), bytesFile("e", append(long, '?'))).want(t, 200, "Balasan terkirim. 1 foto mungkin masih memuat tempat, waktu, atau alat.")
	partly := false
	for _, l := range w.cases("penelaah-satu")[0].letters {
		for _, a := range l.Attachments {
			partly = partly || a.Name == "e" && a.Hidden == report.HiddenPartly
		}
	}
	if !partly {
		t.Error("the reader isn't told that hidden data is removed in part")
	}
}

// TestPhotosAreSentAsTheyAreIfAsked: the choice is off by default, and
// remembered from page to page.
func TestPhotosAreSentAsTheyAreIfAsked(t *testing.T) {
	w := newWorld(t, config{})
	checked := w.post("/lapor/periksa", typical())
	fields := checked.form(t, "/lapor/kirim")
	if fields.Has("asli") {
		t.Error("it is on by default")
	}
	// A problem, back to the form, and on again.
	refused := w.post("/lapor/kirim", with(fields, "asli", "1"), bytesFile("kosong", nil))
	refused.want(t, 422, "kosong")
	form := w.post("/lapor/tulis", refused.form(t, "/lapor/tulis"))
	onceMore := w.post("/lapor/periksa", form.form(t, "/lapor/periksa"))
	for name, got := range map[string]url.Values{"after a problem": refused.form(t, "/lapor/kirim"), "after the form": onceMore.form(t, "/lapor/kirim")} {
		if len(got["asli"]) != 1 {
			t.Errorf("%s: the choice is lost, or there twice: %v", name, got["asli"])
		}
	}
	// The box can be unticked: nothing else in the form has the choice.
	if n := strings.Count(strings.SplitAfter(onceMore.body, `action="/lapor/kirim"`)[1], `name="asli"`); n != 1 {
		t.Errorf("%d fields have the choice", n)
	}
	code := w.post("/lapor/kirim", onceMore.form(t, "/lapor/kirim"), bytesFile("foto.jpg", photo(t)))
	code.want(t, 200, "1 berkas dikirim apa adanya: foto JPEG.")
	x := w.cases("penelaah-satu")[0]
	if !bytes.Equal(x.attachments[0], photo(t)) || x.letters[0].Attachments[0].Hidden != report.HiddenKept {
		t.Errorf("%+v", x.letters[0].Attachments)
	}
	// Without the choice it is another deposit: other bytes.
	w.post("/lapor/kirim", fields, bytesFile("foto.jpg", photo(t))).want(t, 200)
	// In replies as well.
	status := w.post("/cek", url.Values{"kode": {code.code(t)}})
	reply := status.form(t, "/cek/balas")
	if reply.Has("asli") {
		t.Error("it is on by default in a reply")
	}
	refused = w.post("/cek/balas", with(reply, "asli", "1"))
	refused.want(t, 422)
	english := w.post("/en/cek", with(refused.form(t, "/cek/balas"), "bahasa", "1"))
	w.post("/en/cek/balas", english.form(t, "/en/cek/balas"), bytesFile("foto.jpg", photo(t))).want(t, 200, "1 file was sent as it is: JPEG photo.")
}

// TestLimitsAreOfWhatWasChosen: what will be removed counts, and a photo isn't
// empty since little of it is left.
func TestLimitsAreOfWhatWasChosen(t *testing.T) {
	const limit = 300_000
	w := newWorld(t, config{intake: intake.Config{MaxBytes: limit}})
	fields := w.post("/lapor/periksa", typical()).form(t, "/lapor/kirim")
	appended := func(n int64) file {
		return file{"berkas", "foto", io.MultiReader(bytes.NewReader(photo(t)), io.LimitReader(zeroReader{}, n-int64(len(photo(t)))))}
	}
	w.post("/lapor/kirim", fields, appended(limit+1)).want(t, 422, "lebih besar dari")
	w.post("/lapor/kirim", fields, appended(limit)).want(t, 200)
	if x := w.cases("penelaah-satu")[0]; len(x.attachments[0]) >= len(photo(t)) {
		t.Errorf("%d bytes are left", len(x.attachments[0]))
	}
}
