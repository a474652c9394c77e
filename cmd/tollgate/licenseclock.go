//go:build !timetravel

package main

import "time"

// licenseClock is the clock that the trial runs by.
func licenseClock() func() time.Time { return time.Now }
