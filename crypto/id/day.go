package id

import (
	"fmt"
	"time"
)

// Day is a date of the Gregorian calendar without hour or zone, written
// YYYY-MM-DD: the finest time that may be kept about a reporter. The zero
// Day is unset.
type Day struct{ n int32 } // days since 1970-01-01, plus one

const daySeconds = 24 * 60 * 60

// DayOf cuts a time down to its date in the given zone.
func DayOf(t time.Time, zone *time.Location) Day {
	y, m, d := t.In(zone).Date()
	return Day{int32(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix()/daySeconds) + 1}
}

// ParseDay reads YYYY-MM-DD, from 1970 to 9999.
func ParseDay(s string) (Day, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil || t.Year() < 1970 || t.Format(time.DateOnly) != s {
		return Day{}, fmt.Errorf("day: %w", ErrSyntax)
	}
	return DayOf(t, time.UTC), nil
}

// IsZero tells whether the day is unset.
func (d Day) IsZero() bool { return d.n == 0 }

// AddDays returns the day n days later.
func (d Day) AddDays(n int) Day { return Day{d.n + int32(n)} }

// Sub returns the number of days from e to d.
func (d Day) Sub(e Day) int { return int(d.n - e.n) }

// Before tells whether d comes before e.
func (d Day) Before(e Day) bool { return d.n < e.n }

// Time returns midnight at the beginning of the day in the given zone.
func (d Day) Time(zone *time.Location) time.Time {
	y, m, day := time.Unix(int64(d.n-1)*daySeconds, 0).UTC().Date()
	return time.Date(y, m, day, 0, 0, 0, 0, zone)
}

// String returns YYYY-MM-DD, or "" if the day is unset.
func (d Day) String() string {
	if d.IsZero() {
		return ""
	}
	return d.Time(time.UTC).Format(time.DateOnly)
}

// MarshalText writes what String returns.
func (d Day) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (d *Day) UnmarshalText(b []byte) (err error) {
	if len(b) == 0 {
		*d = Day{}
		return nil
	}
	*d, err = ParseDay(string(b))
	return err
}
