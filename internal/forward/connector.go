// Package forward brings what was approved to a queue of complaints, and what
// the queue says of it back: it is what `suluh forward` does.
//
// It sends at most once. That an item is about to be sent is in the vault's
// log, durably, before the queue hears of it; whatever happens after that
// without a clear answer leaves the item unknown, and it is never sent again
// unless the queue is found not to have it, or a person says so.
//
// It must never send what nobody approved, a case id, a case code, an attachment
// or a time finer than a day, and must never log or keep outside the vault what
// an item says or which case it belongs to.
package forward

import (
	"context"
	"errors"
	"time"

	"suluh.example/suluh/crypto/id"
	"suluh.example/suluh/internal/report"
)

// Complaint is all that a queue may learn. Its texts are plain text, in which a
// newline is "\n".
type Complaint struct {
	Reference string // random, lower case base32: says nothing of the case
	Class     report.Class
	Category  report.Category
	Title     string // one line
	Text      string
	Day       id.Day // of the approval
	Language  string // "id", "en"…
}

// Sent is what a queue says of a complaint that it took.
type Sent struct {
	Tracking string // the queue's public number, or a [Ticket]; "" if it gives that later
	Link     string // public page about it; "" if there is none
}

// Ticket begins a tracking that isn't the queue's number yet: what follows is
// good for asking the queue for the number and is kept for that, but it means
// nothing to a reporter.
const Ticket = "ticket:"

// Status is where a complaint stands in its queue.
type Status struct {
	Word     string        // the queue's own word for it
	Status   report.Status // ours; "" if the configuration doesn't map the word
	Answer   string        // what the queue has answered so far; "" if nothing
	Tracking string        // "", or the same ticket, if still not given
	Link     string
	Final    bool // nothing will change any more: it isn't asked for again
}

// Connector is a kind of queue. It is called by one goroutine at a time. What its
// errors say is shown to members and logged: never what was sent or answered
// beyond a status line, never a credential.
type Connector interface {
	// Send hands in a complaint, at most once, and tries nothing twice on its own.
	// The error is [*Refused] if the queue said no, [*NotSent] if it certainly
	// did not accept it; any other means that nobody knows.
	Send(ctx context.Context, c Complaint) (Sent, error)

	// Find looks for a complaint by our reference. The error is [ErrNotFound] if
	// the queue certainly doesn't have it, [ErrNoLookup] if such a queue can't
	// tell; any other means that it may be tried again.
	Find(ctx context.Context, reference string) (Sent, error)

	// Status asks for one complaint that was sent. The tracking may be "". The
	// error is [ErrNoLookup] if this queue can't tell; any other means that it may
	// be tried again.
	Status(ctx context.Context, tracking, reference string) (Status, error)
}

// Refused says that the queue won't take a complaint as it is. The approver is
// shown the reason.
type Refused struct {
	Reason string // the queue's own words, on a line
	Err    error  // if it gave none, or wasn't even asked
}

func (r *Refused) Error() string {
	if r.Reason == "" && r.Err != nil {
		return "the queue refused: " + r.Err.Error()
	}
	return "the queue refused: " + r.Reason
}

// Unwrap returns the cause.
func (r *Refused) Unwrap() error { return r.Err }

// NotSent says that the queue certainly did not accept a complaint, and that it
// may be tried again.
type NotSent struct {
	After time.Duration // the least that the queue asks to wait; 0 if it says nothing
	Err   error
}

func (n *NotSent) Error() string {
	if n.Err == nil {
		return "not sent"
	}
	return "not sent: " + n.Err.Error()
}

// Unwrap returns the cause.
func (n *NotSent) Unwrap() error { return n.Err }

// Errors of looking up.
var (
	ErrNotFound = errors.New("the queue doesn't have it")
	ErrNoLookup = errors.New("this queue can't be asked for it")
)

// Worded is an error for which there are words for members.
type Worded interface {
	error

	// Words returns the key of a message of the catalogues, under "forward.why.",
	// and the names and values that are put into it.
	Words() (key string, pairs []any)

	// Said returns what the queue said besides, on a line, or "".
	Said() string
}
