package metadata_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"suluh.example/suluh/internal/metadata"
)

// pixels are what libheif shows of a file.
func pixels(t *testing.T, path string) []byte {
	t.Helper()
	out := path + ".png"
	if b, err := exec.Command("heif-convert", path, out).CombinedOutput(); err != nil {
		t.Fatalf("heif-convert (make setup installs it): %v %s", err, b)
	}
	f, err := os.Open(out)
	must(t, err)
	defer f.Close()
	m, err := png.Decode(f)
	must(t, err)
	var p []byte
	for y := range m.Bounds().Dy() {
		for x := range m.Bounds().Dx() {
			r, g, b, _ := m.At(x, y).RGBA()
			p = append(p, byte(r>>8), byte(g>>8), byte(b>>8))
		}
	}
	return p
}

// TestNothingIsLeftInHEIC puts all in that exiftool can, and what telephones
// append, and lets exiftool and libheif look again.
func TestNothingIsLeftInHEIC(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"contoh.heic", "contoh.avif"} {
		path := filepath.Join(dir, name)
		must(t, os.WriteFile(path, inspected(t)[name], 0o600))
		exiftool(t, "-q", "-m", "-overwrite_original", "-n",
			"-EXIF:GPSLatitude=1.5", "-EXIF:GPSLatitudeRef=S", "-EXIF:GPSLongitude=124.8", "-EXIF:GPSLongitudeRef=E",
			"-EXIF:Make="+secret, "-EXIF:Model="+secret, "-EXIF:Artist="+secret, "-EXIF:SerialNumber="+secret, "-EXIF:UserComment="+secret,
			"-EXIF:DateTimeOriginal=2026:11:24 10:12:00", "-EXIF:Orientation=6", "-XMP:Creator="+secret, "-XMP:GPSLatitude=1.5", path)
		b, err := os.ReadFile(path)
		must(t, err)
		b = append(b, box("free", secret)+box("mpvd", secret)+box("uuid", secret)...)
		must(t, os.WriteFile(path, b, 0o600))
		out, result := clean(t, b)
		want := metadata.Place | metadata.Device | metadata.Time | metadata.Author | metadata.Comment | metadata.Appended
		if result.Kind != metadata.HEIC || !result.Whole || result.Removed&want != want {
			t.Errorf("%s: %+v", name, result)
		}
		if len(out) != len(b) || bytes.Contains(out, []byte("Rahasia")) {
			t.Errorf("%s: %d bytes became %d, or something is left", name, len(b), len(out))
		}
		again, second := clean(t, out)
		if !bytes.Equal(again, out) || second != (metadata.Result{Kind: metadata.HEIC, Whole: true}) {
			t.Errorf("%s: cleaning it again changes it: %+v", name, second)
		}
		path2 := filepath.Join(dir, "bersih-"+name)
		must(t, os.WriteFile(path2, out, 0o600))
		var tags []map[string]any
		must(t, json.Unmarshal(exiftool(t, "-j", "-G1", "-a", "-n", path2), &tags))
		for tag, value := range tags[0] {
			switch group, of, _ := strings.Cut(tag, ":"); {
			case group == "IFD0" && of != "Orientation", strings.HasPrefix(group, "XMP"), group == "GPS", group == "ExifIFD", of == "Warning", of == "Error":
				t.Errorf("%s: %s is left: %v", name, tag, value)
			}
		}
		if tags[0]["IFD0:Orientation"] != 6.0 {
			t.Errorf("%s: orientation %v", name, tags[0]["IFD0:Orientation"])
		}
		if !bytes.Equal(pixels(t, path), pixels(t, path2)) {
			t.Errorf("%s: the picture is another", name)
		}
		if i := metadata.Inspect(bytes.NewReader(out), int64(len(out))); len(i.Findings) != 0 {
			t.Errorf("%s: found after cleaning: %v", name, i.Findings)
		}
	}
}

func box(name, data string) string {
	return string(binary.BigEndian.AppendUint32(nil, uint32(8+len(data)))) + name + data
}

// heic makes a file of a picture and Exif, which lie in mdat at these places
// of it, and whatever else.
type heic struct {
	brand, before, property, inMeta, kind, after string
	idat                                         bool // Exif is within the meta
	metaLast                                     bool
	gap                                          string
	want                                         outcome
}

type outcome int

const (
	cleaned outcome = iota
	inPart
	kept
)

var unusual = map[string]heic{
	"a filler before":             {before: box("free", secret)},
	"bytes of no item":            {gap: secret},
	"a comment as a property":     {property: box("udes", secret)},
	"XML in the meta":             {inMeta: box("xml ", secret)},
	"a video after the picture":   {after: box("mpvd", secret)},
	"a property of no known kind": {property: box("baru", secret), want: inPart},
	"an item of no known kind":    {kind: "baru", want: inPart},
	"a box of no known kind":      {after: box("baru", secret), want: inPart},
	"a box in the meta":           {inMeta: box("baru", secret), want: inPart},
	"a sequence":                  {brand: "hevc", want: kept},
	"Exif in the meta":            {idat: true, want: kept},
	"meta at the end":             {metaLast: true, want: kept},
	"another box":                 {before: box("moov", "x"), want: kept},
}

const turnedExif = "\x00\x00\x00\x00II*\x00\x08\x00\x00\x00\x02\x00\x0f\x01\x02\x00\x04\x00\x00\x00abc\x00\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00\x00\x00\x00\x00\x00\x00"

func (h heic) make() string {
	if h.brand == "" {
		h.brand = "heic"
	}
	if h.kind == "" {
		h.kind = "hvc1"
	}
	const picture = "gambar gambar"
	ftyp := box("ftyp", h.brand+"\x00\x00\x00\x00mif1"+h.brand)
	infe := func(id byte, kind string) string {
		return box("infe", "\x02\x00\x00\x00\x00"+string([]byte{id})+"\x00\x00"+kind+"\x00")
	}
	u32 := func(n int) string { return string(binary.BigEndian.AppendUint32(nil, uint32(n))) }
	meta := func(at int) string {
		method, exif := "\x00\x00", at+len(picture)+len(h.gap)
		if h.idat {
			method, exif = "\x00\x01", 0
		}
		return box("meta", "\x00\x00\x00\x00"+box("hdlr", "\x00\x00\x00\x00\x00\x00\x00\x00pict\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00")+
			box("iinf", "\x00\x00\x00\x00\x00\x02"+infe(1, h.kind)+infe(2, "Exif"))+
			box("iloc", "\x01\x00\x00\x00\x44\x00\x00\x02"+
				"\x00\x01\x00\x00\x00\x00\x00\x01"+u32(at)+u32(len(picture))+
				"\x00\x02"+method+"\x00\x00\x00\x01"+u32(exif)+u32(len(turnedExif)))+
			box("iprp", box("ipco", box("hvcC", "1234")+h.property))+h.inMeta)
	}
	mdat := box("mdat", picture+h.gap+turnedExif)
	if h.metaLast {
		return ftyp + mdat + meta(len(ftyp)+8)
	}
	at := len(ftyp) + len(h.before) + len(meta(0)) + 8
	return ftyp + h.before + meta(at) + mdat + h.after
}

// TestUnusualHEICIsNotBroken: what isn't known stays, and it is said; what is
// stored in another way stays whole.
func TestUnusualHEICIsNotBroken(t *testing.T) {
	const exif = "\x00\x00\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00\x00\x00\x00\x00" + "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	usual := heic{}.make()
	if out, result := clean(t, []byte(usual)); string(out) != strings.Replace(usual, turnedExif, exif, 1) || !result.Whole {
		t.Errorf("the usual: %+v %q", result, out)
	}
	for name, h := range unusual {
		all := h.make()
		out, result := clean(t, []byte(all))
		switch h.want {
		case cleaned:
			if !result.Whole || strings.Contains(string(out), secret) || !strings.Contains(string(out), "gambar gambar") || len(out) != len(all) {
				t.Errorf("%s: %+v", name, result)
			}
		case inPart:
			if result.Whole || result.Removed == 0 || string(out) != strings.Replace(all, turnedExif, exif, 1) {
				t.Errorf("%s: %+v", name, result)
			}
		case kept:
			if result.Whole || result.Removed != 0 || string(out) != all {
				t.Errorf("%s: %+v", name, result)
			}
		}
	}
	// Where it lies differently than told, nothing is cut out of a picture.
	over := strings.Replace(usual, turnedExif[:20], "gambar gambar gambar"[:20], 1)
	at := strings.Index(over, "\x00\x02\x00\x00\x00\x00\x00\x01") + 8
	over = over[:at] + over[at-16:at-12] + over[at+4:] // Exif begins where the picture does
	if out, result := clean(t, []byte(over)); string(out) != over || result.Whole {
		t.Errorf("Exif in the picture: %+v", result)
	}
}
