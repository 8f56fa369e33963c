package anomaly

import (
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/internal/check"
)

// endOfDay is the two rules on batches.
func (x *Search) endOfDay(e check.Entry) {
	day, err := id.ParseDay(e.Detail)
	if err != nil {
		day = x.day // which no verified log needs
	}
	at := place{e.Seq, day}
	x.lateDeposits(at)
	x.deposits = nil
	x.noBatch(at, true)
	x.batch = &at
}

// lateDeposits looks at the deposits of the batch that ends.
func (x *Search) lateDeposits(end place) {
	r := x.rules.LateDeposits
	if r == nil {
		return
	}
	var f *Finding
	for _, d := range x.deposits {
		if end.day.Sub(d.day) <= r.Days {
			continue
		}
		if f == nil {
			f = x.add(Finding{Rule: LateDeposits, First: d.day})
		}
		if d.day.Before(f.First) {
			f.First = d.day
		}
		f.Records.add(d.seq)
		f.N++
	}
	if f != nil {
		f.also(end.seq, end.day)
	}
}

func (x *Search) noBatch(at place, ended bool) {
	r := x.rules.NoBatch
	if r == nil || x.batch == nil {
		return
	}
	n := at.day.Sub(x.batch.day)
	if n <= r.Days {
		return
	}
	f := Finding{Rule: NoBatch, Why: "open", Records: recordsOf(x.batch.seq), First: x.batch.day, Last: at.day, N: n}
	if ended {
		f.Why, f.Records = "gap", recordsOf(x.batch.seq, at.seq)
	}
	x.add(f)
}
