// Package keywitness is about those outside the Inspektorat without whom nobody
// reads a case in secret. Where a unit names key witnesses, a part of each case's
// key is sealed to them (crypto/seal), and a reader gets it only for a record in
// the access log that says that he asks for it.
//
// It has what crosses the wire, the side that asks, and a key witness: an HTTP
// server below /keywitness/v1/ that keeps one directory. A key witness must never
// give a share before its own note of that is on its disk, nor for a log that
// isn't the one that it saw last, nor learn which case a share is of.
package keywitness

import (
	"suluh.example/suluh/crypto/accesslog"
	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/crypto/roster"
	"suluh.example/suluh/vault/wire"
)

// Why a key witness refuses.
var (
	ErrBad        = wire.NewError("bad", "the request is not as agreed")
	ErrRoster     = wire.NewError("roster", "it doesn't have this roster, and the request doesn't bring one that the root key has signed")
	ErrOldRoster  = wire.NewError("old-roster", "it has seen a later roster, or one of another log")
	ErrCheckpoint = wire.NewError("checkpoint", "the checkpoint is not signed by the log's key")
	ErrQuorum     = wire.NewError("quorum", "too few witnesses have cosigned the checkpoint")
	ErrFork       = wire.NewError("fork", "the log does not continue the one that it saw before")
	ErrRecord     = wire.NewError("record", "what is to be recorded is not in the log, or asks for no share")
	ErrMember     = wire.NewError("member", "who signed the record is no reader of the roster")
	ErrShare      = wire.NewError("share", "the share is not sealed to it")
	ErrHandle     = wire.NewError("handle", "the share is of another case than the record")
	ErrRecipient  = wire.NewError("recipient", "it can't seal to the member's recipient, which needs an age plugin")
	ErrSize       = wire.NewError("size", "it has seen another size of the log than the proof begins with")
)

var known = wire.Errors{
	ErrBad, ErrRoster, ErrOldRoster, ErrCheckpoint, ErrQuorum, ErrFork, ErrRecord, ErrMember, ErrShare, ErrHandle, ErrRecipient, ErrSize,
}

const (
	prefix = "/keywitness/v1/"

	// maxRequest is the most bytes of a request: a roster, in base64, and what is
	// small beside it.
	maxRequest = roster.MaxSize/3*4 + 1<<20
)

// growth returns the proof that the log continues the tree of so many records.
func (q *Request) growth(since int64) (accesslog.Path, bool) {
	if q.From == since {
		return q.Proof.Consistency, true
	}
	for _, g := range q.Grown {
		if g.From == since {
			return g.Proof, true
		}
	}
	return nil, false
}

// State is what anybody may know of a key witness.
type State struct {
	Member id.Member `json:"member"`
	Origin string    `json:"origin"` // of the log that it has seen; "" if none
	Size   int64     `json:"size"`   // records of the last tree that it has seen; 0 if none
	Roster id.Digest `json:"roster"` // of the signed roster that it goes by; zero if none
}

// Request asks for the share of one case.
type Request struct {
	// Proof is that the record of a member's unseal is in the log, and that the log
	// continues the tree of From records. The checkpoint has the quorum of witnesses
	// where the roster asks for one.
	Proof accesslog.Proof `json:"proof"`
	From  int64           `json:"from"`

	// Grown are proofs that the log continues earlier trees, of which the key witness
	// takes the one that it has seen: who asks need not know then which that is.
	Grown []accesslog.Grown `json:"grown,omitempty"`

	Share []byte `json:"share"` // sealed to the key witness

	Roster id.Digest `json:"roster"`           // of the signed roster that the request goes by
	Signed []byte    `json:"signed,omitempty"` // that roster, where the key witness has another
}

// Released is the answer: the share, sealed to the member who signed the record.
type Released struct {
	Share []byte `json:"share"`
}

// conflict is the answer of a key witness that has seen another size than the
// proof begins with.
type conflict struct {
	Code string `json:"code"`
	Size int64  `json:"size"`
}
