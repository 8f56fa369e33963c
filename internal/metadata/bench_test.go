package metadata_test

import (
	"bytes"
	"io"
	"testing"

	"suluh.example/suluh/internal/metadata"
)

// BenchmarkClean passes 64 MiB: of a photo's scan, and of what is no photo.
func BenchmarkClean(b *testing.B) {
	const size = 64 << 20
	scan := []byte("\xff\xd8\xff\xda\x00\x02")
	for len(scan) < size {
		scan = append(append(scan, "\xff\x00"...), make([]byte, 200)...)
	}
	for name, file := range map[string][]byte{"photo": scan, "other": make([]byte, size)} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(size)
			buf := make([]byte, 64<<10)
			for b.Loop() {
				// Without WriteTo and ReadFrom, as when it is sealed.
				r := struct{ io.Reader }{metadata.Clean(bytes.NewReader(file))}
				if _, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, r, buf); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
