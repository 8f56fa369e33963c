package accesslog

import (
	"errors"

	"suluh.example/suluh/crypto/id"
)

// Errors of [Forwarding.Apply].
var (
	ErrStage = errors.New("the forwarding of the case is at another stage, or of another text")
	ErrSelf  = errors.New("who prepared a text must not approve it as another's, nor another as one's own")
)

// Result is what a decide decides, or an outcome tells.
type Result string

// The results.
const (
	ResultReturned Result = "returned" // decide: a draft goes back to who prepared it
	ResultAgain    Result = "again"    // decide: what was approved is sent once more
	ResultDropped  Result = "dropped"  // decide: it is not sent
	ResultSent     Result = "sent"     // the queue has it; as a decide, a person found it there
	ResultUnknown  Result = "unknown"  // nobody can tell whether the queue has it; as a decide, its forwarder doesn't answer
	ResultRefused  Result = "refused"  // outcome: the queue doesn't take it
	ResultStopped  Result = "stopped"  // outcome: the forwarder doesn't send it, for what it found in it
	ResultWaiting  Result = "waiting"  // outcome: the queue certainly doesn't have it, and may take it later
	ResultStatus   Result = "status"   // outcome: news of what was sent
	ResultDone     Result = "done"     // outcome: the last news
)

// of tells whether an action has the result, or none where it has none.
func (r Result) of(a Action) bool {
	switch a {
	case Decide:
		switch r {
		case ResultReturned, ResultAgain, ResultDropped, ResultSent, ResultUnknown:
			return true
		}
		return false
	case Outcome:
		switch r {
		case ResultSent, ResultUnknown, ResultRefused, ResultStopped, ResultWaiting, ResultStatus, ResultDone:
			return true
		}
		return false
	}
	return r == ""
}

// Stage is how far the forwarding of a case has come; "" before anything was
// prepared.
type Stage string

// The stages.
const (
	StagePrepared Stage = "prepared" // a draft waits for an approver
	StageReturned Stage = "returned" // the approver wants another draft
	StageApproved Stage = "approved" // an item waits for a forwarder
	StageSending  Stage = "sending"  // a forwarder is about to send it, or has
	StageSent     Stage = "sent"     // the queue has it
	StageDone     Stage = "done"     // and has said its last word
	StageRefused  Stage = "refused"  // the queue doesn't take it
	StageUnknown  Stage = "unknown"  // nobody knows whether the queue has it
	StageStopped  Stage = "stopped"  // the forwarder found something in it that must not be sent
	StageDropped  Stage = "dropped"  // an approver decided that it is not sent
)

// Stages returns all stages.
func Stages() []Stage {
	return []Stage{
		StagePrepared, StageReturned, StageApproved, StageSending, StageSent, StageDone, StageRefused, StageUnknown, StageStopped, StageDropped,
	}
}

// HasItem tells whether there is an approved item that forwarders collect.
func (s Stage) HasItem() bool {
	return s == StageApproved || s == StageSending || s == StageUnknown || s == StageSent
}

// Waits tells whether a forwarder has something to do that can't wait for the
// next look at what was sent.
func (s Stage) Waits() bool { return s == StageApproved || s == StageSending || s == StageUnknown }

type step struct {
	from Stage
	what Action
	how  Result
}

// steps are all that can happen to what is forwarded. Nothing is sent but from
// approved, by way of sending, and nothing that may have been sent comes back to
// approved unless somebody is certain that it was not, or decides so.
var steps = map[step]Stage{
	{"", PrepareForward, ""}:            StagePrepared,
	{StagePrepared, PrepareForward, ""}: StagePrepared,
	{StageReturned, PrepareForward, ""}: StagePrepared,
	{StageRefused, PrepareForward, ""}:  StagePrepared,
	{StageStopped, PrepareForward, ""}:  StagePrepared,
	{StageDropped, PrepareForward, ""}:  StagePrepared,

	{StagePrepared, ApproveForward, ""}: StageApproved,
	{StagePrepared, ApproveAlone, ""}:   StageApproved,

	{StagePrepared, Decide, ResultReturned}: StageReturned,
	{StageUnknown, Decide, ResultAgain}:     StageApproved,
	{StageRefused, Decide, ResultAgain}:     StageApproved,
	{StageStopped, Decide, ResultAgain}:     StageApproved,
	{StageUnknown, Decide, ResultSent}:      StageSent,
	{StageSending, Decide, ResultUnknown}:   StageUnknown,
	{StagePrepared, Decide, ResultDropped}:  StageDropped,
	{StageReturned, Decide, ResultDropped}:  StageDropped,
	{StageApproved, Decide, ResultDropped}:  StageDropped,
	{StageRefused, Decide, ResultDropped}:   StageDropped,
	{StageUnknown, Decide, ResultDropped}:   StageDropped,
	{StageStopped, Decide, ResultDropped}:   StageDropped,

	{StageApproved, Forward, ""}:            StageSending,
	{StageApproved, Outcome, ResultStopped}: StageStopped,
	{StageSending, Outcome, ResultSent}:     StageSent,
	{StageSending, Outcome, ResultRefused}:  StageRefused,
	{StageSending, Outcome, ResultUnknown}:  StageUnknown,
	{StageSending, Outcome, ResultStopped}:  StageStopped,
	{StageSending, Outcome, ResultWaiting}:  StageApproved,
	{StageUnknown, Outcome, ResultSent}:     StageSent,
	{StageUnknown, Outcome, ResultRefused}:  StageRefused,
	{StageUnknown, Outcome, ResultWaiting}:  StageApproved,
	{StageSent, Outcome, ResultStatus}:      StageSent,
	{StageSent, Outcome, ResultDone}:        StageDone,
}

// After returns the stage to which an action brings the forwarding, and whether
// it may happen at this one.
func (s Stage) After(a Action, r Result) (Stage, bool) {
	next, ok := steps[step{s, a, r}]
	return next, ok
}

// Forwarding is what the records say of the forwarding of a case. Its zero value
// is that of a case of which nothing was prepared.
type Forwarding struct {
	Stage    Stage
	Seq      int64     // record that brought it there
	Draft    id.Digest //
	Prepared id.Member // who handed the draft in
	Item     id.Digest // once it is approved
	Approved id.Member // by whom
	Approval int64     // the record of that
	Outcome  id.Digest // the newest of this draft
}

// Restored returns what the forwarding becomes when a vault is restored from a
// backup, the record of which is seq: what happened since is lost, so of what was
// to be sent nobody knows whether it was.
func (f Forwarding) Restored(seq int64) Forwarding {
	if f.Stage == StageApproved || f.Stage == StageSending {
		f.Stage, f.Seq = StageUnknown, seq
	}
	return f
}

// Apply returns what the forwarding becomes by a statement, the record of which
// is seq: [ErrStage] if it can't happen now, [ErrSelf] if the approver must be
// another. Whether the member has the roles for it is the caller's to check.
func (f Forwarding) Apply(s Statement, seq int64) (Forwarding, error) {
	next, ok := f.Stage.After(s.Action, s.Result)
	current := f.Item
	if current.IsZero() {
		current = f.Draft
	}
	if !ok || s.Action != PrepareForward && s.Item != current {
		return f, ErrStage
	}
	switch s.Action {
	case PrepareForward:
		f = Forwarding{Draft: s.handed(id.RoleDraft), Prepared: s.Member}
	case ApproveForward, ApproveAlone:
		if (s.Action == ApproveAlone) != (s.Member == f.Prepared) {
			return f, ErrSelf
		}
		f.Item, f.Approved, f.Approval = s.handed(id.RoleItem), s.Member, seq
	case Decide, Outcome:
		f.Outcome = s.handed(id.RoleOutcome)
	}
	f.Stage, f.Seq = next, seq
	return f, nil
}
