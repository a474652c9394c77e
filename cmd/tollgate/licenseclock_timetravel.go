//go:build timetravel

package main

import (
	"os"
	"time"
)

// licenseClock is the clock that the trial runs by. Built with the tag timetravel, which no release is, it is as wrong as
// TIMETRAVEL says, so that tests of the whole program need not wait for thirty days.
func licenseClock() func() time.Time {
	offset, err := time.ParseDuration(os.Getenv("TIMETRAVEL"))
	if err != nil {
		return time.Now
	}
	return func() time.Time { return time.Now().Add(offset) }
}
