package admin

import (
	"testing"
	"time"

	"tollgate/rating"
)

func location(t *testing.T, name string) *time.Location {
	t.Helper()
	l, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func spanOf(t *testing.T, p Period, l *time.Location) rating.Period {
	t.Helper()
	s, err := p.span(l)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestPeriodBounds(t *testing.T) {
	for _, tc := range []struct{ name, zone, from, to, begins, ends string }{
		{"a day", "UTC", "2019-05-31", "2019-05-31", "2019-05-31T00:00:00Z", "2019-06-01T00:00:00Z"},
		{"23 hours", "Europe/London", "2019-03-31", "2019-03-31", "2019-03-31T00:00:00Z", "2019-03-31T23:00:00Z"},
		{"25 hours", "Europe/London", "2019-10-27", "2019-10-27", "2019-10-26T23:00:00Z", "2019-10-28T00:00:00Z"},
		{"a day that begins at 1:00", "America/Sao_Paulo", "2018-11-04", "2018-11-04", "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"},
		{"the day before it is whole", "America/Sao_Paulo", "2018-11-03", "2018-11-03", "2018-11-03T03:00:00Z", "2018-11-04T03:00:00Z"},
		{"a day that was left out has nothing", "Pacific/Apia", "2011-12-30", "2011-12-30", "2011-12-30T10:00:00Z", "2011-12-30T10:00:00Z"},
		{"times are taken as they are", "Asia/Kathmandu", "2019-05-31T15:00:00Z", "2019-05-31T16:00:00+05:45", "2019-05-31T15:00:00Z", "2019-05-31T10:15:00.000000001Z"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := spanOf(t, Period{From: tc.from, To: tc.to}, location(t, tc.zone))
			begins, ends := s.From.UTC().Format(time.RFC3339Nano), s.Before.UTC().Format(time.RFC3339Nano)
			if begins != tc.begins || ends != tc.ends {
				t.Errorf("%s to %s is [%s, %s), want [%s, %s)", tc.from, tc.to, begins, ends, tc.begins, tc.ends)
			}
		})
	}
}

// What is filtered day by day is everything, once, and the days that the statistics are asked for are those of the call log.
func TestDaysAskedForDivideTime(t *testing.T) {
	for _, zone := range []string{"UTC", "Europe/London", "America/Sao_Paulo", "Asia/Kathmandu", "Pacific/Apia", "America/Havana", "Africa/Cairo", "Asia/Beirut"} {
		l := location(t, zone)
		var before time.Time
		for day := time.Date(2008, 1, 1, 0, 0, 0, 0, time.UTC); day.Year() < 2026; day = day.AddDate(0, 0, 1) {
			p := Period{From: day.Format(time.DateOnly), To: day.Format(time.DateOnly)}
			s := spanOf(t, p, l)
			if !before.IsZero() && !s.From.Equal(before) {
				t.Fatalf("%s: %s begins at %s, and the day before it ends at %s", zone, p.From, s.From, before)
			}
			before = s.Before
			if from, to, err := p.days(l); err != nil || from != p.From || to != p.To {
				t.Fatalf("%s: %s is asked of the statistics as %s to %s (%v)", zone, p.From, from, to, err)
			}
		}
	}
}

func TestATimeStandsForItsDayInStatistics(t *testing.T) {
	from, to, err := Period{From: "2018-11-03T22:00:00-03:00", To: "2018-11-04T03:00:00Z"}.days(location(t, "America/Sao_Paulo"))
	if err != nil || from != "2018-11-03" || to != "2018-11-04" {
		t.Errorf("days are %s to %s (%v)", from, to, err)
	}
}
