package report

import (
	_ "embed"
	"fmt"
	"slices"
	"time"

	"github.com/BurntSushi/toml"

	"suluh.example/suluh/crypto/id"
)

// Category is what a report is about. The empty category means that the
// reporter doesn't know or didn't say.
type Category string

// Categories returns all categories in the order in which forms show them.
func Categories() []Category {
	return []Category{
		"korupsi", "suap", "gratifikasi", "pungli", "pemerasan", "wewenang", "kepentingan",
		"pengadaan", "aset", "disiplin", "maladministrasi", "nepotisme", "lainnya",
	}
}

// ParseCategory returns the category, or "" for what is not one.
func ParseCategory(s string) Category {
	if slices.Contains(Categories(), Category(s)) {
		return Category(s)
	}
	return ""
}

// Status is where a case stands, as the reporter sees it.
type Status string

// The statuses. A case without any answer is Received.
const (
	Received      Status = "received"
	Verifying     Status = "verifying"
	Incomplete    Status = "incomplete"
	Reviewing     Status = "reviewing"
	Investigating Status = "investigating"
	Referred      Status = "referred"
	Forwarded     Status = "forwarded"
	Closed        Status = "closed"
	Rejected      Status = "rejected"
	Archived      Status = "archived"
)

// Statuses returns all statuses in the order of a case's life.
func Statuses() []Status {
	return []Status{Received, Verifying, Incomplete, Reviewing, Investigating, Referred, Forwarded, Closed, Rejected, Archived}
}

// ParseStatus accepts the name of a status.
func ParseStatus(s string) (Status, error) {
	if !slices.Contains(Statuses(), Status(s)) {
		return "", fmt.Errorf("unknown status")
	}
	return Status(s), nil
}

// Settable returns the statuses that a member may choose by hand. Received is
// where a case begins, Forwarded is set by forwarding.
func Settable() []Status {
	return slices.DeleteFunc(Statuses(), func(s Status) bool { return s == Received || s == Forwarded })
}

// NeedsReason tells whether the reporter must be told why.
func (s Status) NeedsReason() bool { return s == Rejected }

// Ended tells whether nobody need act on the case any more.
func (s Status) Ended() bool {
	return s == Closed || s == Rejected || s == Archived || s == Referred || s == Forwarded
}

// QueueDays are the working days in which the main queue verifies a complaint,
// first answers it, and is done with it.
type QueueDays struct {
	Verify int `toml:"verify"`
	Answer int `toml:"answer"`
	Done   int `toml:"done"`
}

// Clock tells by when a case in a status must move on. Its numbers are
// configuration: see clock.toml.
type Clock struct {
	Days     map[Status]int // working days; a status without an entry has no clock
	Queue    QueueDays
	Holidays []id.Day // Monday to Friday on which nobody works
	Zone     *time.Location
}

//go:embed clock.toml
var defaultClock string

// DefaultClock returns the clock of clock.toml.
func DefaultClock() (Clock, error) { return ParseClock(defaultClock) }

// ParseClock reads a clock in the form of clock.toml. Where it says nothing of
// the main queue, the days are those of clock.toml.
func ParseClock(text string) (Clock, error) {
	var f struct {
		Zone     string         `toml:"zone"`
		Days     map[Status]int `toml:"days"`
		Queue    QueueDays      `toml:"queue"`
		Holidays []string       `toml:"holidays"`
	}
	md, err := toml.Decode(text, &f)
	if err != nil {
		return Clock{}, fmt.Errorf("clock: %w", err)
	}
	if u := md.Undecoded(); len(u) > 0 {
		return Clock{}, fmt.Errorf("clock: unknown key %q", u[0].String())
	}
	zone, err := time.LoadLocation(f.Zone)
	if err != nil {
		return Clock{}, fmt.Errorf("clock: zone: %w", err)
	}
	if !md.IsDefined("queue") {
		built, err := DefaultClock()
		if err != nil {
			return Clock{}, err
		}
		f.Queue = built.Queue
	}
	if q := f.Queue; min(q.Verify, q.Answer, q.Done) < 1 {
		return Clock{}, fmt.Errorf("clock: days of the queue: verify, answer and done are at least 1")
	}
	c := Clock{Days: f.Days, Queue: f.Queue, Zone: zone}
	for s, n := range f.Days {
		if _, err := ParseStatus(string(s)); err != nil || n < 1 {
			return Clock{}, fmt.Errorf("clock: days of %q: not a status, or less than 1", string(s))
		}
	}
	for _, h := range f.Holidays {
		d, err := id.ParseDay(h)
		if err != nil {
			return Clock{}, fmt.Errorf("clock: holiday %q is not YYYY-MM-DD", h)
		}
		c.Holidays = append(c.Holidays, d)
	}
	return c, nil
}

// Today returns the day it is in the clock's zone.
func (c Clock) Today(now time.Time) id.Day { return id.DayOf(now, c.Zone) }

// Due returns the last day for a case that came into the status on the given
// day, or the zero Day if the status has no clock.
func (c Clock) Due(s Status, since id.Day) id.Day {
	n, ok := c.Days[s]
	if !ok {
		return id.Day{}
	}
	d := since
	for n > 0 {
		if d = d.AddDays(1); c.working(d) {
			n--
		}
	}
	return d
}

// Left returns the working days from today to the due day: negative if that
// has passed, 0 on the day itself.
func (c Clock) Left(today, due id.Day) int {
	n, step := 0, 1
	if due.Before(today) {
		step = -1
	}
	for d := today; d != due; {
		if step < 0 && c.working(d) {
			n--
		}
		if d = d.AddDays(step); step > 0 && c.working(d) {
			n++
		}
	}
	return n
}

func (c Clock) working(d id.Day) bool {
	w := d.Time(time.UTC).Weekday()
	return w != time.Saturday && w != time.Sunday && !slices.Contains(c.Holidays, d)
}
