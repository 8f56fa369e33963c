package accesslog

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

// AfterRestore is the stage once a vault was restored from a backup: what
// happened since is lost, so of what was to be sent nobody knows whether it
// was.
func (s Stage) AfterRestore() Stage {
	if s == StageApproved || s == StageSending {
		return StageUnknown
	}
	return s
}

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
