package archive

import (
	"math/rand/v2"
	"testing"
	"time"
)

func TestDayBegins(t *testing.T) {
	for _, tc := range []struct {
		name, zone string
		day        int
		want       string
	}{
		{"UTC", "UTC", 20190531, "2019-05-31T00:00:00Z"},
		{"east of UTC", "Asia/Shanghai", 20190531, "2019-05-30T16:00:00Z"},
		{"west of UTC", "America/Los_Angeles", 20190531, "2019-05-31T07:00:00Z"},
		{"the day on which clocks go forward", "Europe/Berlin", 20190331, "2019-03-30T23:00:00Z"},
		{"the day after", "Europe/Berlin", 20190401, "2019-03-31T22:00:00Z"},
		{"the day on which they go back", "Europe/Berlin", 20191027, "2019-10-26T22:00:00Z"},
		{"midnight does not exist: clocks jump from 24:00 to 1:00", "America/Sao_Paulo", 20181104, "2018-11-04T03:00:00Z"},
		{"midnight is put off: clocks go from 24:00 back to 23:00", "America/Sao_Paulo", 20180218, "2018-02-18T03:00:00Z"},
		{"midnight comes twice: clocks go from 0:01 back to 23:01", "America/St_Johns", 20101107, "2010-11-07T03:30:00Z"},
		{"the day that Samoa left out is empty", "Pacific/Apia", 20111230, "2011-12-30T10:00:00Z"},
		{"the day after it", "Pacific/Apia", 20111231, "2011-12-30T10:00:00Z"},
		{"half an hour of summer time", "Australia/Lord_Howe", 20190407, "2019-04-06T13:00:00Z"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := instant(newCalendar(zone(t, tc.zone)).begin(tc.day)).Format(time.RFC3339)
			if got != tc.want {
				t.Errorf("%d begins at %s, want %s", tc.day, got, tc.want)
			}
		})
	}
}

var trickyZones = []string{"UTC", "Europe/Berlin", "Asia/Shanghai", "America/New_York", "America/Sao_Paulo", "America/St_Johns",
	"Australia/Lord_Howe", "Pacific/Apia", "Asia/Beirut", "Africa/Cairo", "Asia/Kathmandu", "Pacific/Kiritimati", "Etc/GMT+12"}

// Days are intervals without gaps, and but for a minute of clocks turned at midnight they are those on the wall.
func TestDaysDivideTime(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, name := range trickyZones {
		location := zone(t, name)
		c := newCalendar(location)
		for range 3000 {
			at := time.Date(2005, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(r.Int64N(int64(25 * 365 * 24 * time.Hour))))
			if r.IntN(2) == 0 { // close to a change of the clocks
				if _, end := at.In(location).ZoneBounds(); !end.IsZero() {
					at = end.Add(time.Duration(r.Int64N(int64(4*time.Hour))) - 2*time.Hour)
				}
			}
			micros := at.UnixMicro()
			day := newCalendar(location).day(micros)
			if kept := c.day(micros); kept != day {
				t.Fatalf("%s: %s is on %d, or %d when asked again", name, at, day, kept)
			}
			if begin, end := c.begin(day), c.begin(addDays(day, 1)); micros < begin || micros >= end {
				t.Fatalf("%s: %s is on %d, which is [%s, %s)", name, at, day, instant(begin), instant(end))
			}
			if wall := dayNumber(at.In(location)); wall != day && (name != "America/St_Johns" || at.Year() > 2011) {
				t.Fatalf("%s: %s is on %d, want %d as on the wall", name, at, day, wall)
			}
		}
	}
}
