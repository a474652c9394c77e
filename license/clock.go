package license

import "time"

// clock is the time as the trial sees it: it never runs backwards, whatever is done to the clock of the computer. While
// that one is behind, time goes on by what has really passed.
type clock struct {
	reached time.Time // the highest time so far
	read    time.Time // of the computer, when that was reached
}

// backSlack is how far the computer's clock may be set back without being remarked: a time server corrects seconds.
const backSlack = 2 * time.Minute

// observe takes a look at the computer's clock. It returns the time, and whether the computer's clock is behind it by
// more than any correction.
func (c *clock) observe(now time.Time) (at time.Time, behind bool) {
	at = c.reached
	if !c.read.IsZero() {
		at = at.Add(max(0, now.Sub(c.read))) // by the monotonic clock, which nobody can set
	}
	behind = at.Sub(now.Round(0)) > backSlack
	if wall := now.Round(0); wall.After(at) {
		at = wall
	}
	c.reached, c.read = at, now
	return at, behind
}

// raise takes over a time that was seen elsewhere.
func (c *clock) raise(seen time.Time) {
	if seen.After(c.reached) {
		c.reached = seen
	}
}
