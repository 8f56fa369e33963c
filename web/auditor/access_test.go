package auditor

import "testing"

func TestWhatIsCountedApartAddsUp(t *testing.T) {
	const among = 200
	lists, few, more := counting{}, counting{}, counting{}
	for range 3 {
		lists.add(0, among)
	}
	for _, of := range []uint32{0, 1, 64, 1} {
		few.add(of, among)
	}
	for _, of := range []uint32{64, 199} {
		more.add(of, among)
	}
	for _, x := range []struct {
		of   []*counting
		want counts
	}{
		{[]*counting{&lists}, counts{3, 0}},
		{[]*counting{&few}, counts{4, 2}},
		{[]*counting{&lists, &few, &more}, counts{9, 3}},
		{[]*counting{&few, &lists, &more}, counts{9, 3}},
		{[]*counting{&more, &more}, counts{4, 2}},
	} {
		var all counting
		for _, c := range x.of {
			all.with(c)
		}
		if got := all.counts(); got != x.want {
			t.Errorf("got %+v, want %+v", got, x.want)
		}
	}
}
