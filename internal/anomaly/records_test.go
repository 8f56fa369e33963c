package anomaly

import (
	"encoding/json"
	"math"
	"slices"
	"testing"
)

func TestRecordsAreThoseThatWereAdded(t *testing.T) {
	all := []int64{0, 1, 127, 128, 129, 1 << 14, 1<<14 + 300, 1 << 40, math.MaxInt64}
	var r Records
	for i, seq := range all {
		before := r
		r.add(seq)
		for _, x := range []struct {
			of Records
			n  int
		}{{before, i}, {r, i + 1}} {
			if got := slices.Collect(x.of.All()); x.of.Len() != x.n || !slices.Equal(got, all[:x.n]) {
				t.Fatalf("of %v there are %v", all[:x.n], got)
			}
			if first := x.of.First(3); !slices.Equal(first, all[:min(3, x.n)]) {
				t.Errorf("the first of %v are %v", all[:x.n], first)
			}
		}
		if r.Last() != seq {
			t.Errorf("the last is %d, not %d", r.Last(), seq)
		}
	}
	if b, err := json.Marshal(struct{ R Records }{recordsOf(3, 5)}); err != nil || string(b) != `{"R":[3,5]}` {
		t.Errorf("got %s, %v", b, err)
	}
}

func TestManyRecordsAreNamedByTheFirstAndTheLast(t *testing.T) {
	var r Records
	for seq := range int64(12) {
		r.add(seq)
	}
	if got := r.String(); got != "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11" {
		t.Error(got)
	}
	r.add(99)
	r.add(2000)
	if got := r.String(); got != "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, …, 2000" {
		t.Error(got)
	}
}
