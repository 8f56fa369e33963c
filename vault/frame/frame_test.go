package frame_test

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/vault/frame"
)

type head struct{ Case string }

func write(t *rapid.T, objects [][]byte) []byte {
	var b bytes.Buffer
	w := frame.NewWriter(&b)
	check(t, w.Head(head{"K"}))
	for _, o := range objects {
		ow, err := w.Begin(id.Object{Role: id.RoleContent})
		check(t, err)
		for len(o) > 0 {
			n := rapid.IntRange(1, len(o)).Draw(t, "piece")
			_, err := ow.Write(o[:n])
			check(t, err)
			o = o[n:]
		}
		check(t, ow.Close())
	}
	check(t, w.Commit(head{"C"}))
	return b.Bytes()
}

func read(r io.Reader) (objects [][]byte, err error) {
	fr := frame.NewReader(r, 0)
	var h head
	if err := fr.Head(&h); err != nil {
		return nil, err
	}
	for {
		_, or, err := fr.Next()
		if err == io.EOF {
			return objects, fr.Commit(&h)
		}
		if err != nil {
			return nil, err
		}
		b, err := io.ReadAll(or)
		if err != nil {
			return nil, err
		}
		objects = append(objects, b)
	}
}

func TestStreamArrivesWholeOrNotAtAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		objects := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) []byte {
			return bytes.Repeat([]byte{7}, rapid.SampledFrom([]int{0, 1, 100, frame.MaxData, frame.MaxData + 1, 3 * frame.MaxData}).Draw(t, "size"))
		}), 0, 3).Draw(t, "objects")
		stream := write(t, objects)
		got, err := read(iotest.HalfReader(bytes.NewReader(stream)))
		check(t, err)
		if len(got) != len(objects) {
			t.Fatalf("got %d objects, want %d", len(got), len(objects))
		}
		for i := range got {
			if !bytes.Equal(got[i], objects[i]) {
				t.Fatalf("object %d: got %d bytes, want %d", i, len(got[i]), len(objects[i]))
			}
		}
		cut := rapid.IntRange(0, len(stream)-1).Draw(t, "cut")
		if _, err := read(bytes.NewReader(stream[:cut])); !errors.Is(err, frame.ErrBroken) {
			t.Fatalf("cut at %d of %d: got %v, want ErrBroken", cut, len(stream), err)
		}
	})
}

func TestObjectLeftUnreadIsSkipped(t *testing.T) {
	var b bytes.Buffer
	w := frame.NewWriter(&b)
	for range 2 {
		if err := w.Object(id.Object{Role: id.RoleLetter}, make([]byte, 2*frame.MaxData)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Commit(head{}); err != nil {
		t.Fatal(err)
	}
	r := frame.NewReader(&b, 0)
	n := 0
	for {
		_, or, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		n++
		if _, err := io.ReadFull(or, make([]byte, 10)); err != nil {
			t.Fatal(err)
		}
	}
	if n != 2 {
		t.Fatalf("got %d objects, want 2", n)
	}
}

func FuzzReader(f *testing.F) {
	f.Add([]byte("H\x00\x00\x00\x02{}C\x00\x00\x00\x02{}"))
	f.Add([]byte("H\x00\x00\x00\x02{}O\x00\x00\x00\x10{\"role\":\"letter\"}D\x00\x00\x00\x01xE\x00\x00\x00\x00C\x00\x00\x00\x02{}"))
	f.Add([]byte("H\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := read(bytes.NewReader(b)); err != nil && !errors.Is(err, frame.ErrBroken) {
			t.Fatalf("got %v, want ErrBroken or nothing", err)
		}
	})
}

func check(t *rapid.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
