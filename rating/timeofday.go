package rating

import (
	"fmt"
	"time"
)

// TimeOfDay is a second of the day on the clock of the installation's time zone: 0 is 00:00:00, 86399 is 23:59:59.
type TimeOfDay int32

// LastSecond is 23:59:59.
const LastSecond TimeOfDay = 24*60*60 - 1

// ParseTimeOfDay reads "HH:MM:SS".
func ParseTimeOfDay(s string) (TimeOfDay, error) {
	t, err := time.Parse("15:04:05", s)
	if err != nil || len(s) != len("15:04:05") {
		return 0, fmt.Errorf("%q is no time of day: write HH:MM:SS, such as 08:30:00", shorten(s))
	}
	return TimeOfDayOf(t), nil
}

// TimeOfDayOf returns the second of the day that t's own clock shows.
func TimeOfDayOf(t time.Time) TimeOfDay {
	return TimeOfDay(t.Hour()*3600 + t.Minute()*60 + t.Second())
}

// String prints "HH:MM:SS".
func (t TimeOfDay) String() string { return fmt.Sprintf("%02d:%02d:%02d", t/3600, t/60%60, t%60) }

// MarshalText prints "HH:MM:SS".
func (t TimeOfDay) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads "HH:MM:SS".
func (t *TimeOfDay) UnmarshalText(text []byte) error {
	parsed, err := ParseTimeOfDay(string(text))
	if err != nil {
		return err
	}
	*t = parsed
	return nil
}

// within reports whether t lies in the block from start to end, both included; start after end wraps midnight.
func (t TimeOfDay) within(start, end TimeOfDay) bool {
	if start <= end {
		return start <= t && t <= end
	}
	return t >= start || t <= end
}
