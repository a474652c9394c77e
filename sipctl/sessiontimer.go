package sipctl

import (
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

// session is the timer that the two ends have agreed on (RFC 4028). They refresh their session through us; we keep the same
// time, and end the call when nobody has refreshed it: then one of them is gone, whatever the other believes.
type session struct {
	Interval  int64     `json:"interval,omitempty"` // seconds; 0 = no timer
	Refresher string    `json:"refresher,omitempty"`
	Since     time.Time `json:"since,omitzero"` // of the newest refresh
}

// Who refreshes, as session stores it.
const (
	byCaller = "caller"
	byTrunk  = "trunk"
)

// longestSession limits what an end may ask for: a day.
const longestSession = 86_400

// on reports whether there is a timer.
func (s session) on() bool { return s.Interval > 0 }

// end is when the session is over unless somebody refreshes it.
func (s session) end() time.Time { return s.Since.Add(time.Duration(s.Interval) * time.Second) }

// sessionOf reads what a 2xx to INVITE or UPDATE agrees on (RFC 4028 §7.2): asked is the leg whose request it answers. A 2xx
// without Session-Expires ends the timer.
func sessionOf(res *sip.Response, asked side, now time.Time) session {
	h := res.GetHeader("Session-Expires")
	if h == nil {
		return session{}
	}
	seconds, params, _ := strings.Cut(h.Value(), ";")
	n, err := strconv.ParseInt(strings.TrimSpace(seconds), 10, 32)
	if err != nil || n < 1 {
		return session{}
	}
	s := session{Interval: min(n, longestSession), Since: now}
	asker, other := byCaller, byTrunk
	if asked == trunkSide {
		asker, other = byTrunk, byCaller
	}
	for p := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(p, "=")
		if strings.EqualFold(strings.TrimSpace(name), "refresher") {
			switch strings.ToLower(strings.TrimSpace(value)) {
			case "uac":
				s.Refresher = asker
			case "uas":
				s.Refresher = other
			}
		}
	}
	return s
}

// agree takes over what a 2xx says of the session.
func (c *Call) agree(s session) {
	c.session = s
	if !s.on() {
		c.clear(sessionTimer)
		c.armAlive()
		return
	}
	c.set(sessionTimer, s.end())
}

// onExpired: nobody has refreshed the session.
func (c *Call) onExpired() {
	if c.state != talking && c.state != answered {
		return
	}
	c.log().Info("the session has expired", "interval", c.session.Interval, "refresher", c.session.Refresher)
	c.stop(deadCause(c.silentSide()))
}

// silentSide is the leg that has let the session expire: the one that was to refresh it, else the one not heard for longer.
func (c *Call) silentSide() side {
	switch {
	case c.session.Refresher == byCaller:
		return callerSide
	case c.session.Refresher == byTrunk, c.trunk.heard.Before(c.caller.heard):
		return trunkSide
	}
	return callerSide
}
