package anomaly

import (
	"encoding/binary"
	"encoding/json"
	"iter"
	"slices"
	"strconv"
	"strings"
)

// Records are the numbers of a finding's records, ascending. There may be millions
// in a large log, so each is kept as its distance from the one before, which mostly
// takes a byte. A copy stays as it is while more are added.
type Records struct {
	n     int
	last  int64
	steps []byte // uvarints
}

func recordsOf(all ...int64) (r Records) {
	for _, seq := range all {
		r.add(seq)
	}
	return r
}

func (r *Records) add(seq int64) {
	r.steps = binary.AppendUvarint(r.steps, uint64(seq-r.last))
	r.n, r.last = r.n+1, seq
}

// Len returns how many there are.
func (r Records) Len() int { return r.n }

// Last returns the last one.
func (r Records) Last() int64 { return r.last }

// All returns all, ascending.
func (r Records) All() iter.Seq[int64] {
	return func(yield func(int64) bool) {
		seq, steps := int64(0), r.steps
		for len(steps) > 0 {
			step, n := uint64(steps[0]), 1 // mostly
			if step >= 1<<7 {
				step, n = binary.Uvarint(steps)
			}
			seq, steps = seq+int64(step), steps[n:]
			if !yield(seq) {
				return
			}
		}
	}
}

// First returns the first n, or all if there are fewer.
func (r Records) First(n int) []int64 {
	all := make([]int64, 0, min(n, r.n))
	for seq := range r.All() {
		if len(all) == n {
			break
		}
		all = append(all, seq)
	}
	return all
}

// String names them: the first ones and the last, if they are many.
func (r Records) String() string {
	const most = 12
	var s []string
	for _, seq := range r.First(most) {
		s = append(s, strconv.FormatInt(seq, 10))
	}
	if r.n > most {
		s = append(s, "…", strconv.FormatInt(r.last, 10))
	}
	return strings.Join(s, ", ")
}

// MarshalJSON writes them as an array.
func (r Records) MarshalJSON() ([]byte, error) {
	return json.Marshal(slices.AppendSeq(make([]int64, 0, r.n), r.All()))
}
