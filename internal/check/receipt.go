package check

import (
	"errors"

	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
)

// Promise is what became of a receipt's promise to log a deposit.
type Promise string

// What can have become of it.
const (
	Kept   Promise = "kept"   // the deposit is in the log
	Open   Promise = "open"   // it isn't, and need not be yet
	Broken Promise = "broken" // it isn't, and its day is over
)

// ErrOtherLog says that a receipt is not one of the log's.
var ErrOtherLog = errors.New("the receipt is of another log")

// Promise tells what became of a receipt whose signature the caller has
// checked, in the log as it was last extended. Today is a day of the log's
// zone. A batch that came after the deposit's day decides whatever the clock
// says: it must have had the deposit in it.
func (l *Log) Promise(r accesslog.Receipt, today id.Day) (Promise, error) {
	if r.Log != l.key.Name() {
		return "", ErrOtherLog
	}
	if _, ok := l.state.logged[r.Deposit]; ok {
		return Kept, nil
	}
	if r.Due.Before(today) || r.Day.Before(l.state.batchDay) {
		return Broken, nil
	}
	return Open, nil
}
