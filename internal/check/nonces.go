package check

import "time"

// replayable is how far apart the records of one statement can be: each is at most
// maxSkew off the statement's own time.
const replayable = 2 * maxSkew

// nonces are those of the statements of the last while, at least of the time in
// which one can be replayed: further apart, the same statement shows by its time.
type nonces struct {
	older, newer map[[16]byte]struct{}
	began        time.Time // of newer
}

func (x *nonces) has(n [16]byte) bool {
	_, newer := x.newer[n]
	_, older := x.older[n]
	return newer || older
}

// add adds the nonce of a record's statement. Times never go back.
func (x *nonces) add(n [16]byte, at time.Time) {
	if x.newer == nil || at.Sub(x.began) > replayable {
		// What becomes the older has all since it began, and what is dropped ended before.
		x.older, x.newer, x.began = x.newer, map[[16]byte]struct{}{}, at
	}
	x.newer[n] = struct{}{}
}
