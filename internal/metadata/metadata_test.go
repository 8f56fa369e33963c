package metadata_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"golang.org/x/image/webp"

	"suluh.example/suluh/internal/metadata"
)

// everything is all that photos can tell.
const everything = metadata.Place | metadata.Device | metadata.Time | metadata.Author | metadata.Thumbnail | metadata.Comment | metadata.Appended

// secret is in every text that is put into a photo.
const secret = "Rahasia Contoh"

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func ramp(w, h int) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			m.Set(x, y, color.NRGBA{uint8(x * 6), uint8(y * 9), uint8((x ^ y) * 7), uint8(255 - x)})
		}
	}
	return m
}

func encoded(t testing.TB, encode func(io.Writer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	must(t, encode(&b))
	return b.Bytes()
}

// photos are pictures without hidden data, by file name.
func photos(t testing.TB) map[string][]byte {
	t.Helper()
	gray := image.NewGray(image.Rect(0, 0, 40, 30))
	few := image.NewPaletted(image.Rect(0, 0, 40, 30), color.Palette{color.Transparent, color.White, color.RGBA{200, 30, 10, 255}})
	for i := range gray.Pix {
		gray.Pix[i], few.Pix[i] = uint8(i), uint8(i%3)
	}
	all := map[string][]byte{
		"color.jpg":    encoded(t, func(w io.Writer) error { return jpeg.Encode(w, ramp(64, 48), nil) }),
		"gray.jpg":     encoded(t, func(w io.Writer) error { return jpeg.Encode(w, gray, nil) }),
		"color.png":    encoded(t, func(w io.Writer) error { return png.Encode(w, ramp(64, 48)) }),
		"paletted.png": encoded(t, func(w io.Writer) error { return png.Encode(w, few) }),
	}
	files, err := filepath.Glob("testdata/*.*p*g")
	must(t, err)
	more, err := filepath.Glob("testdata/*.webp")
	must(t, err)
	for _, f := range append(files, more...) {
		all[filepath.Base(f)], err = os.ReadFile(f)
		must(t, err)
	}
	if len(all) != 10 {
		t.Fatalf("%d photos", len(all))
	}
	return all
}

// decoded returns all that a picture shows; of an animation, its frames as
// they are.
func decoded(t testing.TB, name string, b []byte) any {
	t.Helper()
	decode := map[string]func(io.Reader) (image.Image, error){".jpg": jpeg.Decode, ".png": png.Decode, ".webp": webp.Decode}[filepath.Ext(name)]
	if name == "animated.webp" {
		i, j := bytes.Index(b, []byte("ANIM")), bytes.LastIndex(b, []byte("ANMF"))
		return string(b[i : j+8+int(binary.LittleEndian.Uint32(b[j+4:]))])
	}
	m, err := decode(bytes.NewReader(b))
	if err != nil {
		t.Fatalf("%s can't be decoded: %v", name, err)
	}
	pixels := make([]color.Color, 0, m.Bounds().Dx()*m.Bounds().Dy())
	for y := range m.Bounds().Dy() {
		for x := range m.Bounds().Dx() {
			pixels = append(pixels, m.At(x, y))
		}
	}
	return pixels
}

func exiftool(t testing.TB, args ...string) []byte {
	t.Helper()
	cmd := exec.Command("exiftool", args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("exiftool (make setup installs it): %v %s%s", err, out, stderr.Bytes())
	}
	return out
}

// clean returns the cleaned file and what became of it.
func clean(t testing.TB, b []byte) ([]byte, metadata.Result) {
	t.Helper()
	r := metadata.Clean(bytes.NewReader(b))
	out, err := io.ReadAll(r)
	must(t, err)
	return out, r.Result()
}

// TestNothingIsLeftBesideThePicture puts all that a telephone writes into
// photos of every kind, and more, and lets the tool that wrote it look again.
func TestNothingIsLeftBesideThePicture(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		must(t, os.WriteFile(path, b, 0o600))
		return path
	}
	thumbnail := write("thumbnail", encoded(t, func(w io.Writer) error { return jpeg.Encode(w, ramp(16, 12), nil) }))
	var paths []string
	for name, b := range photos(t) {
		paths = append(paths, write(name, b))
	}
	exiftool(t, append([]string{
		"-q", "-m", "-overwrite_original", "-n",
		"-EXIF:GPSLatitude=1.5", "-EXIF:GPSLatitudeRef=S", "-EXIF:GPSLongitude=124.8", "-EXIF:GPSLongitudeRef=E", "-EXIF:GPSDateStamp=2026:11:24",
		"-EXIF:Make=" + secret, "-EXIF:Model=" + secret, "-EXIF:Software=" + secret, "-EXIF:Artist=" + secret, "-EXIF:Copyright=" + secret,
		"-EXIF:ModifyDate=2026:11:24 10:12:00", "-EXIF:DateTimeOriginal=2026:11:24 10:12:00", "-EXIF:SerialNumber=" + secret, "-EXIF:LensModel=" + secret,
		"-EXIF:UserComment=" + secret, "-EXIF:ImageDescription=" + secret, "-EXIF:Orientation=6", "-EXIF:ThumbnailImage<=" + thumbnail,
		"-XMP:Creator=" + secret, "-XMP:CreatorTool=" + secret, "-XMP:GPSLatitude=1.5", "-XMP:CreateDate=2026:11:24 10:12:00", "-XMP:Orientation=6",
		"-IPTC:By-line=" + secret, "-IPTC:City=" + secret, "-Photoshop:CopyrightFlag=1", "-Comment=" + secret, "-PNG:Author=" + secret,
		"-PNG:Software=" + secret, "-PNG:ModifyDate=2026:11:24 10:12:00",
	}, paths...)...)
	// The rest isn't in the tool's power.
	more := map[string]func([]byte) []byte{
		".jpg": func(b []byte) []byte {
			extra := func(marker byte, data string) string {
				return "\xff" + string([]byte{marker}) + string(binary.BigEndian.AppendUint16(nil, uint16(2+len(data)))) + data
			}
			b = []byte("\xff\xd8\xff\xff" + extra(0xe2, "MPF\x00"+secret) + "\xff\xff" + extra(0xe5, secret) + extra(0xe0, "JFXX\x00\x10"+secret) +
				extra(0xef, strings.Repeat(secret, 4000)) + extra(0xe1, "http://ns.adobe.com/xmp/extension/\x00"+secret) + extra(0xe1, secret) + string(b[2:]))
			return append(b, "\x00\x00\x00\x18ftypmp42"+secret...)
		},
		".png": func(b []byte) []byte {
			chunk := func(name, data string) string {
				s := string(binary.BigEndian.AppendUint32(nil, uint32(len(data)))) + name + data
				return s + string(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(name+data))))
			}
			at := bytes.Index(b, []byte("IDAT")) - 4
			b = []byte(string(b[:at]) + chunk("zTXt", "Creation Time\x00\x00"+secret) + chunk("caNv", secret) + string(b[at:]))
			return append(b, secret...)
		},
		".webp": func(b []byte) []byte {
			b = append(b, "LAIN\x0f\x00\x00\x00"+secret+" \x00"...)
			binary.LittleEndian.PutUint32(b[4:], uint32(len(b)-8))
			return append(b, secret...)
		},
	}
	var cleaned []string
	before := map[string][]byte{}
	for _, path := range paths {
		b, err := os.ReadFile(path)
		must(t, err)
		name := filepath.Base(path)
		b = more[filepath.Ext(path)](b)
		out, result := clean(t, b)
		before["bersih-"+name] = b
		want := everything
		if strings.HasSuffix(name, ".webp") {
			want &^= metadata.Thumbnail // the tool writes none there
		} else if strings.HasSuffix(name, ".png") {
			want &^= metadata.Thumbnail
		}
		if !result.Whole || result.Removed&want != want {
			t.Errorf("%s: %+v", name, result)
		}
		if len(out) > len(b) {
			t.Errorf("%s: grew from %d to %d bytes", name, len(b), len(out))
		}
		if i := bytes.Index(out, []byte("Rahasia")); i >= 0 {
			t.Errorf("%s: something is left at %d: %q", name, i, out[max(0, i-60):i+20])
		}
		again, second := clean(t, out)
		if !bytes.Equal(again, out) || second != (metadata.Result{Kind: result.Kind, Whole: true}) {
			t.Errorf("%s: cleaning it again changes it: %+v", name, second)
		}
		cleaned = append(cleaned, write("bersih-"+name, out))
	}
	var tags []map[string]any
	must(t, json.Unmarshal(exiftool(t, append([]string{"-j", "-G1", "-a", "-n"}, cleaned...)...), &tags))
	for _, file := range tags {
		name := filepath.Base(file["SourceFile"].(string))
		if o := file["IFD0:Orientation"]; o != 6.0 {
			t.Errorf("%s: orientation %v", name, o)
		}
		for tag, value := range file {
			group, of, _ := strings.Cut(tag, ":")
			switch group {
			case "SourceFile", "System", "File", "JFIF", "PNG", "RIFF", "Composite":
				for _, bad := range []string{"GPS", "Artist", "Author", "Software", "Make", "Model", "DateTime", "ModifyDate", "Comment", "Thumbnail"} {
					if strings.Contains(of, bad) && group != "System" {
						t.Errorf("%s: %s is left: %v", name, tag, value)
					}
				}
			case "IFD0":
				if of != "Orientation" {
					t.Errorf("%s: %s is left: %v", name, tag, value)
				}
			case "ExifTool":
				if of != "ExifToolVersion" {
					t.Errorf("%s: %s: %v", name, of, value)
				}
			case "Adobe":
				if name != "bersih-cmyk.jpg" {
					t.Errorf("%s: %s", name, tag)
				}
			default:
				t.Errorf("%s: %s is left: %v", name, tag, value)
			}
		}
	}
	for _, path := range cleaned {
		name := filepath.Base(path)
		b, err := os.ReadFile(path)
		must(t, err)
		kind := strings.TrimPrefix(name, "bersih-")
		if got, want := decoded(t, kind, b), decoded(t, kind, before[name]); !equal(got, want) {
			t.Errorf("%s: the picture is another", name)
		}
	}
}

func equal(a, b any) bool {
	if x, ok := a.([]color.Color); ok {
		y := b.([]color.Color)
		for i := range x {
			if x[i] != y[i] {
				return false
			}
		}
		return len(x) == len(y) && len(x) > 0
	}
	return a == b && a != ""
}

// TestAPhotoWithoutHiddenDataIsLeftAlone: the bytes stay what they are.
func TestAPhotoWithoutHiddenDataIsLeftAlone(t *testing.T) {
	for name, b := range photos(t) {
		out, result := clean(t, b)
		if !bytes.Equal(out, b) || result.Removed != 0 || !result.Whole {
			t.Errorf("%s: %+v, %d bytes of %d", name, result, len(out), len(b))
		}
	}
}

// TestColoursStay: profiles, gamma and resolution are of the picture.
func TestColoursStay(t *testing.T) {
	profile := "ICC_PROFILE\x00\x01\x01" + strings.Repeat("profil", 1000)
	jpg := photos(t)["cmyk.jpg"]
	jpg = []byte("\xff\xd8\xff\xe2" + string(binary.BigEndian.AppendUint16(nil, uint16(2+len(profile)))) + profile + string(jpg[2:]))
	out, result := clean(t, jpg)
	if !bytes.Equal(out, jpg) || result.Removed != 0 {
		t.Errorf("jpeg: %+v", result)
	}
	b := photos(t)["color.png"]
	var extra []byte
	for _, name := range strings.Fields("gAMA cHRM sRGB iCCP sBIT pHYs bKGD tRNS acTL fcTL fdAT cICP") {
		extra = append(binary.BigEndian.AppendUint32(extra, 5), name+"12345CRC."...)
	}
	b = append(append(append([]byte{}, b[:33]...), extra...), b[33:]...)
	if out, result = clean(t, b); !bytes.Equal(out, b) || result.Removed != 0 {
		t.Errorf("png: %+v", result)
	}
}

// TestEachOrientation in each byte order, and none for what isn't one.
func TestEachOrientation(t *testing.T) {
	plain := photos(t)["color.jpg"]
	with := func(exif string) []byte {
		return []byte("\xff\xd8\xff\xe1" + string(binary.BigEndian.AppendUint16(nil, uint16(8+len(exif)))) + "Exif\x00\x00" + exif + string(plain[2:]))
	}
	minimal := func(o byte) []byte {
		return with("MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00" + string([]byte{o}) + "\x00\x00\x00\x00\x00\x00")
	}
	for o := range byte(10) {
		for name, exif := range map[string]string{
			"big endian":    "MM\x00*\x00\x00\x00\x0a..\x00\x02\x01\x0f\x00\x02\x00\x00\x00\x04abc\x00\x01\x12\x00\x03\x00\x00\x00\x01\x00" + string([]byte{o}) + "\x00\x00\x00\x00\x00\x00",
			"little endian": "II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00" + string([]byte{o}) + "\x00\x00\x00" + "\x00\x00\x00\x00",
			"cut after it":  "II*\x00\x08\x00\x00\x00\xff\xff\x12\x01\x03\x00\x01\x00\x00\x00" + string([]byte{o}) + "\x00\x00\x00",
		} {
			want := plain
			if 2 <= o && o <= 8 {
				want = minimal(o)
			}
			out, result := clean(t, with(exif))
			if !bytes.Equal(out, want) || !result.Whole || result.Removed == 0 {
				t.Errorf("%s, orientation %d: %+v", name, o, result)
			}
		}
	}
	// It is written once, however many blocks have one.
	twice := append(minimal(6), plain[2:]...)
	copy(twice, minimal(6)[:len(minimal(6))-len(plain)+2])
	twice = append(append([]byte("\xff\xd8"), minimal(8)[2:len(minimal(8))-len(plain)+2]...), minimal(6)[2:]...)
	if out, _ := clean(t, twice); !bytes.Equal(out, minimal(8)) {
		t.Error("the first of two orientations isn't the one that is kept")
	}
}

// TestWhatCantBeFollowedPasses: unchanged from its beginning if that shows
// early, and otherwise from there on.
func TestWhatCantBeFollowedPasses(t *testing.T) {
	all := photos(t)
	jpg, pngFile, webpFile := all["color.jpg"], all["color.png"], all["lossy.webp"]
	comment := "\xff\xfe\x00\x10" + secret
	long := strings.Repeat("\xff\xfe\xff\xff"+strings.Repeat("x", 0xfffd), 3) // longer than is looked ahead
	changed := func(b []byte, at int, s string) []byte {
		c := bytes.Clone(b)
		copy(c[at:], s)
		return c
	}
	for name, b := range map[string][]byte{
		"two bytes of a JPEG's header":     []byte("\xff\xd8\xff"),
		"a JPEG without picture":           []byte("\xff\xd8" + comment + "\xff\xd9"),
		"a JPEG cut in a segment":          []byte("\xff\xd8" + comment[:10]),
		"a JPEG with bytes in between":     []byte("\xff\xd8" + comment + "?" + string(jpg[2:])),
		"a JPEG with a segment of no size": []byte("\xff\xd8" + comment + "\xff\xed\x00\x01" + string(jpg[2:])),
		"a JPEG in a JPEG":                 []byte("\xff\xd8" + comment + string(jpg)),
		"a PNG with a strange chunk":       changed(pngFile, 37, "ID\x00T"),
		"a PNG with an endless chunk":      changed(pngFile, 33, "\xff"),
		"a PNG cut before its picture":     pngFile[:33],
		"a WebP whose chunk is too long":   changed(webpFile, 16, "\xff\xff\xff"),
		"a WebP that is shorter than said": webpFile[:40],
		"a WebP that begins otherwise":     changed(webpFile, 12, "VP8?"),
		"a WebP of no size":                changed(webpFile, 4, "\x00\x00\x00\x00"),
	} {
		out, result := clean(t, b)
		if !bytes.Equal(out, b) || result.Whole || result.Removed != 0 {
			t.Errorf("%s: %+v", name, result)
		}
	}
	// Later it can only be said.
	rest := "?" + comment + string(jpg[2:])
	out, result := clean(t, []byte("\xff\xd8"+comment+long+rest))
	if string(out) != "\xff\xd8"+rest || result.Whole || result.Removed != metadata.Comment {
		t.Errorf("after its head: %+v, %.40q", result, out)
	}
	// Cut within its picture, nothing hidden is left, and all that is there stays.
	for name, b := range map[string][]byte{"jpg": jpg[:len(jpg)-40], "at ff": append(bytes.Clone(jpg[:len(jpg)-40]), 0xff), "png": pngFile[:len(pngFile)-40], "webp": webpFile[:len(webpFile)-10]} {
		if out, result := clean(t, b); !bytes.Equal(out, b) || !result.Whole {
			t.Errorf("%s cut in its picture: %+v", name, result)
		}
	}
}

// TestOtherKindsPassAndAreNamed.
func TestOtherKindsPassAndAreNamed(t *testing.T) {
	zip := func(name string) string { return "PK\x03\x04" + strings.Repeat(".", 26) + name }
	for _, x := range []struct {
		data string
		want metadata.Kind
	}{
		{"", metadata.Other},
		{"halo", metadata.Other},
		{"\xff\xfeh\x00a\x00", metadata.Other},
		{"GIF89a....", metadata.Image},
		{"II*\x00....", metadata.Image},
		{"%PDF-1.7\n", metadata.PDF},
		{zip("[Content_Types].xml"), metadata.Office},
		{zip("word/document.xml"), metadata.Office},
		{zip("mimetypeapplication/vnd.oasis.opendocument.text"), metadata.Office},
		{zip("foto.jpg"), metadata.Other},
		{"PK\x03\x04", metadata.Other},
		{"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1....", metadata.Office},
		{`{\rtf1\ansi`, metadata.Office},
		{"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00", metadata.HEIC},
		{"\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00heic", metadata.HEIC},
		{"\x00\x00\x00\x18ftypavif\x00\x00\x00\x00", metadata.HEIC},
		{"\x00\x00\x00\x18ftypM4A \x00\x00\x00\x00", metadata.Audio},
		{"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom", metadata.Video},
		{"\x00\x00\x00\x14ftypqt  \x00\x00\x00\x00", metadata.Video},
		{"\x00\x00\x00\x18ftyp3gp4\x00\x00\x00\x00", metadata.Video},
		{"\x00\x00\x00\x08wide....mdat", metadata.Video},
		{"\x1aE\xdf\xa3....", metadata.Video},
		{"RIFF....AVI LIST", metadata.Video},
		{"RIFF....WAVEfmt ", metadata.Audio},
		{"ID3\x04....", metadata.Audio},
		{"\xff\xfb\x90\x00", metadata.Audio},
		{"OggS\x00....", metadata.Audio},
		{"#!AMR\n....", metadata.Audio},
	} {
		for _, b := range []string{x.data, x.data + strings.Repeat("GPS Make Model", 50000)} {
			out, result := clean(t, []byte(b))
			if string(out) != b || result != (metadata.Result{Kind: result.Kind}) {
				t.Errorf("%.20q is changed: %+v", b, result)
			}
			if result.Kind != x.want && len(b) == len(x.data) {
				t.Errorf("%.20q: %s, want %s", b, result.Kind, x.want)
			}
		}
	}
	// The name of a file or its end don't count, and a photo can be kept.
	for name, b := range photos(t) {
		b = append(b, secret...)
		r := metadata.Keep(bytes.NewReader(b))
		out, err := io.ReadAll(r)
		must(t, err)
		if want := metadata.Kind(strings.TrimPrefix(strings.Replace(filepath.Ext(name), "jpg", "jpeg", 1), ".")); !bytes.Equal(out, b) || r.Result() != (metadata.Result{Kind: want}) {
			t.Errorf("%s: %+v", name, r.Result())
		}
	}
}

// endless is a JPEG as large as one likes: each scan's data is a pattern in
// which anything but markers occurs, and comments are between.
type endless struct {
	left    int64
	pending []byte
	part    []byte
}

func (e *endless) Read(p []byte) (int, error) {
	if len(e.pending) == 0 {
		if e.left <= 0 {
			return 0, io.EOF
		}
		e.pending = e.part
		e.left -= int64(len(e.part))
	}
	n := copy(p, e.pending)
	e.pending = e.pending[n:]
	return n, nil
}

// TestMemoryIsBounded: 256 MiB of each format, all of it hidden data and
// picture in turn, through what one photo may take.
func TestMemoryIsBounded(t *testing.T) {
	const size = 256 << 20
	noise := strings.Repeat("data \xff\x00 \xff\xd3 \xff\xff\x00", 4000)
	text := strings.Repeat(secret, 4000)
	all := photos(t)
	sos := bytes.Index(all["color.jpg"], []byte("\xff\xda"))
	inPNG := func(name, data string) string {
		return string(binary.BigEndian.AppendUint32(nil, uint32(len(data)))) + name + data + "CRC."
	}
	inWebP := func(name, data string) string {
		return name + string(binary.LittleEndian.AppendUint32(nil, uint32(len(data)))) + data
	}
	for name, x := range map[string]struct{ start, part string }{
		"jpeg": {string(all["color.jpg"][:sos]), "\xff\xda\x00\x02" + noise + "\xff\xfe" + string(binary.BigEndian.AppendUint16(nil, uint16(2+len(text)))) + text},
		"png":  {string(all["color.png"][:33]), inPNG("IDAT", noise) + inPNG("tEXt", text)},
		"webp": {"RIFF\xff\xff\xff\x7fWEBP", inWebP("VP8L", noise) + inWebP("XMP ", text)},
	} {
		part := []byte(x.part)
		src := &endless{left: size, part: part, pending: []byte(x.start)}
		var before, now runtime.MemStats
		runtime.ReadMemStats(&before)
		r := metadata.Clean(src)
		buf := make([]byte, 64<<10)
		var n int64
		for {
			m, err := r.Read(buf)
			if bytes.Contains(buf[:m], []byte(secret)) {
				t.Fatalf("%s: hidden data came through", name)
			}
			n += int64(m)
			if err == io.EOF {
				break
			}
			must(t, err)
		}
		runtime.ReadMemStats(&now)
		// All that was ever allocated, not only what is left.
		if used := now.TotalAlloc - before.TotalAlloc; used > 512<<10 {
			t.Errorf("%s: %d bytes were allocated", name, used)
		}
		if !r.Result().Whole || n < size/3 {
			t.Errorf("%s: %+v, %d bytes", name, r.Result(), n)
		}
	}
}

// TestReadersOfAllSizes: however the file comes in and is asked for, the same
// goes out.
func TestReadersOfAllSizes(t *testing.T) {
	for name, b := range photos(t) {
		b = append(b, secret...)
		want, _ := clean(t, b)
		for _, in := range []func(io.Reader) io.Reader{iotest.OneByteReader, iotest.HalfReader, iotest.DataErrReader} {
			for _, out := range []func(io.Reader) io.Reader{iotest.OneByteReader, iotest.HalfReader} {
				got, err := io.ReadAll(out(metadata.Clean(in(bytes.NewReader(b)))))
				if err != nil || !bytes.Equal(got, want) {
					t.Errorf("%s: %d bytes, want %d; %v", name, len(got), len(want), err)
				}
			}
		}
	}
}

// TestABrokenSourceIsNoEnd: a connection that breaks is told as it is, wherever
// it does.
func TestABrokenSourceIsNoEnd(t *testing.T) {
	broken := errors.New("broken")
	all := photos(t)
	all["teks.txt"] = []byte("halo")
	for name, b := range all {
		for _, n := range []int{0, 1, 3, len(b) / 2, len(b) - 1, len(b)} {
			for _, size := range []int{0, 200 << 10} { // within what is looked ahead, and after
				in := append(bytes.Clone(b[:n]), bytes.Repeat([]byte{1}, size)...)
				_, err := io.ReadAll(metadata.Clean(io.MultiReader(bytes.NewReader(in), iotest.ErrReader(broken))))
				if err != broken {
					t.Errorf("%s after %d bytes: %v", name, n+size, err)
				}
			}
		}
	}
}

func FuzzClean(f *testing.F) {
	for _, b := range photos(f) {
		f.Add(b)
		f.Add(append(b[:len(b)-20:len(b)-20], secret...))
	}
	for _, h := range []heic{{}, {gap: secret, property: box("udes", secret), after: box("mpvd", secret)}, {kind: "baru"}} {
		f.Add([]byte(h.make()))
		f.Add([]byte(h.make()[:len(h.make())-25])) // within an item
	}
	f.Add([]byte("II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00\x00\x00\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		const exif = 36 // a segment with the orientation alone
		out, result := clean(t, b)
		if len(out) > len(b)+exif {
			t.Errorf("%d bytes became %d", len(b), len(out))
		}
		if result.Kind == metadata.HEIC { // may be cleaned in part, and be cut in an item that goes
			if len(out) > len(b) {
				t.Errorf("%d bytes became %d", len(b), len(out))
			}
		} else if !result.Whole {
			if !bytes.Equal(out, b) {
				t.Error("what isn't cleaned is changed")
			}
			return
		}
		again, second := clean(t, out)
		if !bytes.Equal(again, out) || second.Whole != result.Whole || second.Removed != 0 {
			t.Errorf("cleaning it again: %+v, %d bytes, before %+v, %d bytes", second, len(again), result, len(out))
		}
	})
}
