package rating

import "time"

// BilledSeconds counts talk time: every begun second, and at least one for an answered call.
func BilledSeconds(talked time.Duration) int64 {
	return max(1, int64((talked+time.Second-1)/time.Second))
}

// AverageSeconds divides a sum of seconds by a number of calls, rounded half up; no calls average to 0.
func AverageSeconds(total, calls int64) int64 {
	if calls <= 0 {
		return 0
	}
	return (2*total + calls) / (2 * calls)
}
