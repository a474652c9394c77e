package archive

import (
	"fmt"
	"math"
	"testing"
	"time"
)

func TestWholeMonths(t *testing.T) {
	for _, tc := range []struct {
		first, last int
		want        string
	}{
		{20190531, 20190531, "[{20190531 20190531}] 1 0"},
		{20190502, 20190531, "[{20190502 20190531}] 1 0"},
		{20190501, 20190530, "[{20190501 20190530}] 1 0"},
		{20190501, 20190531, "[] 201905 201905"},
		{20190430, 20190531, "[{20190430 20190430}] 201905 201905"},
		{20190115, 20200303, "[{20190115 20190131} {20200301 20200303}] 201902 202002"},
		{firstDay, 20200229, "[] 0 202002"},
		{firstDay, 20200228, "[{20200201 20200228}] 0 202001"},
		{20191231, lastDay, "[{20191231 20191231}] 202001 999912"},
		{firstDay, lastDay, "[] 0 999912"},
		{20190515, 20190620, "[{20190515 20190620}] 1 0"},
	} {
		rest, from, to := wholeMonths(tc.first, tc.last)
		if got := fmt.Sprint(rest, from, to); got != tc.want {
			t.Errorf("%d to %d is %s, want %s", tc.first, tc.last, got, tc.want)
		}
	}
}

func TestWholeDays(t *testing.T) {
	c := newCalendar(time.UTC)
	at := func(text string) int64 {
		switch text {
		case "":
			return math.MinInt64
		case "end":
			return math.MaxInt64
		}
		parsed, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return parsed.UnixMicro()
	}
	for _, tc := range []struct{ from, to, want string }{
		{"", "end", "0 parts, days 0 to 99991231"},
		{"2019-05-31T00:00:00Z", "2019-06-01T00:00:00Z", "0 parts, days 20190531 to 20190531"},
		{"2019-05-31T00:00:01Z", "2019-06-01T00:00:00Z", "1 parts, days 1 to 0"},
		{"2019-05-31T10:00:00Z", "2019-05-31T11:00:00Z", "1 parts, days 1 to 0"},
		{"2019-05-31T10:00:00Z", "2019-06-01T11:00:00Z", "2 parts, days 20190601 to 20190531"},
		{"2019-05-31T10:00:00Z", "2019-06-03T00:00:00Z", "1 parts, days 20190601 to 20190602"},
		{"", "2019-06-03T00:00:01Z", "1 parts, days 0 to 20190602"},
	} {
		edges, first, last := wholeDays(c, at(tc.from), at(tc.to))
		if got := fmt.Sprintf("%d parts, days %d to %d", len(edges), first, last); got != tc.want {
			t.Errorf("%s to %s is %s, want %s", tc.from, tc.to, got, tc.want)
		}
	}
}
