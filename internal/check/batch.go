package check

import (
	"fmt"
	"time"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
)

// deposit checks a deposit's record. All that wait enter the log in one batch,
// so none can be older than the batch before.
func (s *state) deposit(d accesslog.DepositRecord) error {
	if n := len(s.batch); n > 0 && s.batch[n-1].Digest.String() >= d.Digest.String() {
		return fault(FaultDeposit, "the deposits of its batch are not in the order of their digests")
	}
	if _, ok := s.logged[d.Digest]; ok {
		return fault(FaultDeposit, "the deposit is in the log a second time")
	}
	if d.Day.Before(s.batchDay) {
		return fault(FaultTime, "its day is before that of the batch before, which would have had the deposit in it")
	}
	s.logged[d.Digest] = struct{}{}
	s.batch = append(s.batch, d)
	s.deposits++
	if d.Wraps.N == 0 {
		return nil
	}
	c := s.of(d.Case)
	if c.Wraps.N > 0 {
		return fault(FaultDeposit, "the case is deposited a second time")
	}
	c.Wraps = d.Wraps
	for _, a := range s.waiting[d.Case] {
		if !among(a.Names, a.Cover, d.Wraps) {
			return fault(FaultCover, "record %d is an access by %s, to whom this deposit gave no key", a.Seq, a.By)
		}
		if id.DayOf(a.Time, time.UTC).Sub(d.Day) < -1 {
			return fault(FaultTime, "record %d is an access before the case was deposited", a.Seq)
		}
	}
	delete(s.waiting, d.Case)
	return nil
}

// destroy checks the record of an answer that its reporter had destroyed.
func (s *state) destroy(d accesslog.DestroyRecord) error {
	if n := len(s.gone); n > 0 && s.gone[n-1].Object.String() > d.Object.String() {
		return fault(FaultOrder, "the destroyed answers of its batch are not in the order of their digests")
	}
	a, ok := s.answers[d.Object]
	switch {
	case !ok:
		return fault(FaultDestroy, "no reply, status or outcome handed in what it says was destroyed")
	case a.Of != d.Case:
		return fault(FaultDestroy, "what it says was destroyed is an answer of another case")
	case a.Destroyed:
		return fault(FaultDestroy, "the answer was destroyed before")
	case d.Day.Before(a.Since):
		return fault(FaultTime, "its day is before that of the answer")
	case d.Day.Before(s.batchDay):
		return fault(FaultTime, "its day is before that of the batch before, which would have had it")
	}
	a.Destroyed = true
	s.answers[d.Object] = a
	s.gone = append(s.gone, d)
	s.destroyed++
	return nil
}

// endBatch checks the record that ends a batch.
func (s *state) endBatch(r *accesslog.Record) error {
	batch, gone := s.batch, s.gone
	s.batch, s.gone = nil, nil
	if int64(len(gone)) != r.Batch.Destroyed {
		return fault(FaultDestroy, "it counts %d destroyed answers where there are %d", r.Batch.Destroyed, len(gone))
	}
	if int64(len(batch)) != r.Batch.Deposits {
		return fault(FaultDeposit, "it counts %d deposits where there are %d", r.Batch.Deposits, len(batch))
	}
	if d := id.DayOf(r.Time, time.UTC).Sub(r.Batch.Day); d < -1 || d > 1 {
		return fault(FaultTime, "its day is not that of its time")
	}
	for _, d := range batch {
		if d.Wraps.N == 0 && s.of(d.Case).Wraps.N == 0 {
			return fault(FaultDeposit, "a deposit of its batch adds to case %s, which was never deposited", d.Case)
		}
	}
	if !r.Batch.Day.Before(s.batchDay) {
		s.batchDay = r.Batch.Day
	}
	// A batch takes all that wait. A case that was accessed before it and is
	// still not in the log was kept out of it.
	if of, a := s.oldest(); of != "" {
		return neverDeposited(of, a)
	}
	return nil
}

func neverDeposited(of id.Case, a firstAccess) error {
	return &Finding{Seq: a.Seq, Fault: FaultDeposit, What: fmt.Sprintf("%s accessed case %s, whose deposit never entered the log", a.By, of)}
}

// oldest returns the first access to a case that isn't in the log, or "".
func (s *state) oldest() (of id.Case, a firstAccess) {
	for c, x := range s.waiting {
		if w := x[0]; of == "" || w.Seq < a.Seq {
			of, a = c, w
		}
	}
	return of, a
}

// end checks what must hold where the log ends for now.
func (s *state) end() error {
	if len(s.batch)+len(s.gone) > 0 {
		return &Finding{Seq: s.tree.n - 1, Fault: FaultOrder, What: "a batch of deposits has no end"}
	}
	if of, a := s.oldest(); of != "" && s.last.Sub(a.Time) > 48*time.Hour {
		return neverDeposited(of, a)
	}
	return nil
}
